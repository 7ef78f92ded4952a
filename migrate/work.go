package migrate

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/internal/call"
)

// page works on the items of a page, some at a time. An error ends it.
func (b *backfill) page(ctx context.Context, items []item) (Report, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var mu sync.Mutex
	var report Report
	var failed error
	var running sync.WaitGroup
	slots := make(chan struct{}, b.concurrency)
	for _, stored := range items {
		slots <- struct{}{}
		if b.pacer.wait(ctx, 1) != nil {
			<-slots
			break
		}
		running.Go(func() {
			defer func() { <-slots }()
			o, times, err := b.one(ctx, stored)
			mu.Lock()
			defer mu.Unlock()
			report.Scanned++
			report.Overtaken += times
			switch {
			case err == nil:
				report.count(o)
			case ctx.Err() == nil && ofItem(err) && !b.stopOnError:
				report.Failed++
				if len(report.Failures) < b.keep {
					report.Failures = append(report.Failures, Failure{Key: b.layout.keyOf(stored), Err: err})
				}
			case failed == nil:
				failed = err
				cancel(err)
			}
		})
	}
	running.Wait()
	if failed == nil && ctx.Err() != nil {
		failed = context.Cause(ctx)
	}
	if failed != nil {
		return report, b.failure("change an item of", failed)
	}
	return report, nil
}

// one tries an item until it is done, reading it again when another writer was faster: times counts that.
func (b *backfill) one(ctx context.Context, stored item) (_ outcome, times int, _ error) {
	for try := 0; ; try++ {
		if ctx.Err() != nil {
			return current, times, context.Cause(ctx)
		}
		o, err := b.work(ctx, stored)
		if err == nil && o != overtaken || err != nil && (ctx.Err() != nil || !transient(err)) {
			return o, times, err
		}
		if err == nil {
			times++
			var now item
			if now, err = b.read(ctx, stored); err != nil {
				return current, times, err
			}
			if now == nil || b.unwritable && now[b.layout.d.TTL] != nil && equal(now, stored) {
				return gone, times, nil
			}
			if stored = now; try+1 >= b.tries {
				return current, times, ErrOvertaken
			}
			continue
		}
		if try+1 >= b.tries {
			return current, times, err
		}
		if waitErr := call.Between.Wait(ctx, try); waitErr != nil {
			return current, times, errors.Join(waitErr, err)
		}
	}
}

// read reads an item again, consistently; nil if it is gone.
func (b *backfill) read(ctx context.Context, stored item) (item, error) {
	var out *dynamodb.GetItemOutput
	err := b.call(ctx, func(ctx context.Context) (err error) {
		out, err = b.layout.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &b.layout.name, Key: b.layout.keyOf(stored), ConsistentRead: new(true)})
		return err
	})
	if err != nil || len(out.Item) == 0 {
		return nil, err
	}
	return out.Item, nil
}

// call makes a call of the client, and again if it failed for a reason that passes.
func (b *backfill) call(ctx context.Context, f func(context.Context) error) error {
	return call.Persist(ctx, call.Timeout, b.tries, transient, f)
}

// transient says that the same call may succeed later.
func transient(err error) bool {
	if errors.As(err, new(*callbackError)) {
		return false
	}
	if tx, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
		for _, r := range tx.CancellationReasons {
			switch code := deref(r.Code); code {
			case "", "None", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded":
			default:
				return false
			}
		}
		return true
	}
	return call.Passes(err) || errors.Is(err, monotable.ErrThrottled) || errors.As(err, new(ratelimit.QuotaExceededError)) ||
		errors.As(err, new(*types.TransactionConflictException)) || errors.As(err, new(*types.TransactionInProgressException))
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// failure names what failed. The service's own text may quote the request, and is left out.
func (b *backfill) failure(op string, err error) error {
	return &workError{op: op, name: b.name, table: b.layout.name, err: err}
}

type workError struct {
	op, name, table string
	err             error
}

func (e *workError) Error() string {
	return fmt.Sprintf("migrate: %s: %s table %s: %s", e.name, e.op, e.table, call.Text(e.err))
}

func (e *workError) Unwrap() error { return e.err }
