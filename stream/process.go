package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/internal/retry"
	"github.com/monotable/monotable/lease"
)

const (
	defaultConcurrency = 8
	defaultAttempts    = 3
	parkingAttempts    = 10 // of a Poller
)

// Option is a setting of a [Router], see [Router.With].
type Option func(*settings)

type settings struct {
	concurrency int
	attempts    int // 0 is the source's default
	park        func(context.Context, Record, error) error
	logger      *slog.Logger
	leases      *lease.Store // of a Poller
}

// With gives a router with settings. The router itself is unchanged.
func (r *Router) With(opts ...Option) *Router {
	own := *r
	for _, opt := range opts {
		if opt != nil {
			opt(&own.settings)
		}
	}
	return &own
}

// Concurrency is how many items' records one call of Process handles at the same time, and a [Poller] of each shard, 1 at least; the default is 8. The records of one item are always handled one after
// the other.
func Concurrency(n int) Option { return func(s *settings) { s.concurrency = max(n, 1) } }

// Attempts is how often a record is tried, 1 at least, with growing pauses of up to 20 seconds, before it counts as failed. The default of [Router.Process] is 3. That of a [Poller] is no
// bound, since what it waits for, such as a database that is down, comes back; with [Park] it is 10. An item that does not decode, and ErrInvalid, fail at once.
func Attempts(n int) Option { return func(s *settings) { s.attempts = max(n, 1) } }

// Park is given each record that has failed, to put it aside: into a queue, another table. If it returns nil the record counts as handled, and its item's later records
// go on; with an error the record has failed.
func Park(f func(ctx context.Context, r Record, why error) error) Option {
	return func(s *settings) { s.park = f }
}

// Logger is told of what has no error to travel in; nil means slog.Default().
func Logger(l *slog.Logger) Option { return func(s *settings) { s.logger = l } }

// Failure is a record that was not handled.
type Failure struct {
	Index int   // among the records of the call
	Err   error // a *[RecordError], [ErrHeld], or the context's
}

// ErrHeld is the failure of a record that was not tried, since an earlier one of the same item has failed.
var ErrHeld = errors.New("stream: held back behind a record of the same item that failed")

// BatchError says which records of a batch were not handled; all others were.
type BatchError struct {
	Records  int
	Failures []Failure // in the order of the records
}

func (e *BatchError) Error() string {
	for _, f := range e.Failures {
		if _, ok := errors.AsType[*RecordError](f.Err); ok {
			return fmt.Sprintf("stream: %d of %d records were not handled; the first failed with: %v", len(e.Failures), e.Records, f.Err)
		}
	}
	return fmt.Sprintf("stream: %d of %d records were not handled: %v", len(e.Failures), e.Records, e.Failures[0].Err)
}

// Unwrap gives the failures.
func (e *BatchError) Unwrap() []error {
	all := make([]error, len(e.Failures))
	for i, f := range e.Failures {
		all[i] = f.Err
	}
	return all
}

var between = retry.Backoff{Base: 100 * time.Millisecond, Cap: 20 * time.Second}

// Process handles records, in order for each item and several items at a time. A record that fails is tried again; what has succeeded is not, nor is a record that comes
// twice. In the end a failed record holds back later ones of its own item alone: all others are handled. The error is then a [*BatchError]. When the context ends, no more
// records are begun, and those that were not are failures with its error; those under way are waited for.
func (r *Router) Process(ctx context.Context, records []Record) error {
	attempts := r.attempts
	if attempts == 0 {
		attempts = defaultAttempts
	}
	return r.process(ctx, ctx, len(records), r.chains(records), attempts)
}

// task is a record and what is to be called for it.
type task struct {
	index  int
	record *Record
	parts  []part
	err    error
}

// chains are the records that concern handlers, those of each item in order.
func (r *Router) chains(records []Record) [][]task {
	at := map[string]int{}
	var all [][]task
	for i := range records {
		t := task{index: i, record: &records[i]}
		if t.parts, t.err = r.parts(t.record); len(t.parts) == 0 && t.err == nil {
			continue
		}
		id := t.record.identity()
		n, ok := at[id]
		if !ok {
			n = len(all)
			at[id], all = n, append(all, nil)
		}
		all[n] = append(all[n], t)
	}
	return all
}

// process begins nothing once starting has ended, and calls handlers with ctx. attempts 0 is no bound.
func (r *Router) process(starting, ctx context.Context, records int, chains [][]task, attempts int) error {
	errs := make([]error, records)
	var wg sync.WaitGroup
	running := make(chan struct{}, r.concurrency)
	for _, chain := range chains {
		running <- struct{}{}
		wg.Go(func() {
			defer func() { <-running }()
			r.inOrder(starting, ctx, chain, attempts, errs)
		})
	}
	wg.Wait()
	failed := &BatchError{Records: records}
	for i, err := range errs {
		if err != nil {
			failed.Failures = append(failed.Failures, Failure{Index: i, Err: err})
		}
	}
	if len(failed.Failures) == 0 {
		return nil
	}
	return failed
}

// inOrder handles the records of one item.
func (r *Router) inOrder(starting, ctx context.Context, chain []task, attempts int, errs []error) {
	done := "" // the last sequence number
	for n, t := range chain {
		if s := t.record.Sequence; s != "" && done != "" && CompareSequence(s, done) <= 0 {
			continue
		}
		err := r.persist(starting, ctx, t, attempts)
		if err == nil {
			done = t.record.Sequence
			continue
		}
		errs[t.index] = err
		for _, later := range chain[n+1:] {
			errs[later.index] = ErrHeld
		}
		return
	}
}

// persist handles a record, again while that fails, and parks it in the end.
func (r *Router) persist(starting, ctx context.Context, t task, attempts int) error {
	if t.err != nil {
		return r.parked(ctx, t.record, t.err)
	}
	var err error
	for try := 0; ; try++ {
		if starting.Err() != nil {
			return errors.Join(context.Cause(starting), err)
		}
		for len(t.parts) > 0 {
			if err = t.parts[0].call(ctx); err != nil {
				break
			}
			t.parts = t.parts[1:]
		}
		switch {
		case len(t.parts) == 0:
			return nil
		case ctx.Err() != nil:
			return errors.Join(context.Cause(ctx), err)
		case try+1 == attempts, hopeless(err):
			return r.parked(ctx, t.record, err)
		case attempts == 0:
			r.log().Warn("stream: a record failed and is tried again", "record", *t.record, "attempt", try+1, "error", err)
		}
		_ = between.Wait(starting, try) // an end is seen above
	}
}

// hopeless says that the record will not be handled however often it is tried. One of a newer schema will be, by the release that is being deployed.
func hopeless(err error) bool {
	_, undecodable := errors.AsType[*monotable.DecodeError](err)
	return undecodable && !errors.Is(err, monotable.ErrNewerSchema) || errors.Is(err, ErrInvalid)
}

func (r *Router) parked(ctx context.Context, record *Record, err error) error {
	if r.park == nil {
		return err
	}
	if parkErr := r.park(ctx, *record, err); parkErr != nil {
		return errors.Join(err, fmt.Errorf("stream: park: %w", parkErr))
	}
	return nil
}
