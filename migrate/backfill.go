package migrate

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/internal/codec"
	"github.com/monotable/monotable/lease"
)

// Change makes of an item, given as it is stored with its keys and the tag, what it shall be; nil leaves it alone. The argument is a copy of its own and may be changed and returned.
// It must not change the primary key, and what it returns for an item that it has changed already must be nil or the same item: after a
// crash, and when another writer was faster, it is called again. It is called concurrently.
type Change func(ctx context.Context, item map[string]types.AttributeValue) (map[string]types.AttributeValue, error)

// ErrOvertaken is why an item failed that other writers changed each time between its being read and written.
var ErrOvertaken = errors.New("migrate: other writers were faster every time")

// Backfill gives each item of a table to a function and stores what that makes of it, once for each name: segment by segment, see [Segments]. Calls with the same name in
// other goroutines, processes and machines share the work; each returns when all of it is done. After a crash the next call goes on at
// the last page that was saved, and when all is done it says so at once.
//
// A write is one UpdateItem of the attributes that differ, on the condition that all attributes are as they were read, so live
// writers win: the item is read again, and the function called again. DynamoDB compares 125 to 149 attributes at once, stored and declared ones together. Of an item that has more, and a
// Version, its version is compared, what changes, and as many others as there is room for; one without a Version has failed, with ErrInvalid, unless
// [Reads] is given. A version is raised by one. A changed Unique value is ErrInvalid, for its guard would not follow: that is Modify's. Expired items are
// items like others. The guards of unique values and the records of a [lease.Store] are not given to the function.
//
// Requests that are throttled, or fail on the way, are repeated, with pauses. An error of the function, or of the service for what it returned, counts as failed, and is the whole's error in the
// end: [*FailedError]. Any other error, and the end of the context, end this call; the next one goes on. Without [DryRun] the table may be read and
// written by everybody meanwhile. The table must not be [monotable.Table.Scoped].
func Backfill(ctx context.Context, store *lease.Store, name string, table *monotable.Table, change Change, opts ...BackfillOption) (Report, error) {
	b := newBackfill(store, name, table, opts)
	b.work = func(ctx context.Context, stored item) (outcome, error) { return b.change(ctx, stored, change) }
	return b.run(ctx)
}

// outcome is what became of one try at an item.
type outcome int

const (
	rewritten outcome = iota
	current
	foreign
	gone
	overtaken
)

// callbackError is an error of the program's own function.
type callbackError struct{ err error }

func (e *callbackError) Error() string { return "migrate: the program's function failed" } // what it said may quote the item
func (e *callbackError) Unwrap() error { return e.err }

// change makes one try at an item.
func (b *backfill) change(ctx context.Context, stored item, change Change) (outcome, error) {
	if b.layout.isOwn(stored) {
		return foreign, nil
	}
	next, err := change(ctx, codec.CopyItem(stored))
	if err != nil {
		return current, &callbackError{err}
	}
	if next == nil {
		return current, nil
	}
	in, err := b.layout.difference(stored, next, b.reads)
	if in == nil || err != nil {
		return current, err
	}
	if b.dryRun {
		return rewritten, nil
	}
	return b.update(ctx, in, next)
}

// update sends what makes next of an item.
func (b *backfill) update(ctx context.Context, in *dynamodb.UpdateItemInput, next item) (outcome, error) {
	var out *dynamodb.UpdateItemOutput
	err := b.call(ctx, func(ctx context.Context) (err error) {
		out, err = b.layout.client.UpdateItem(ctx, in)
		return err
	})
	if refused, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		if equal(refused.Item, next) { // an attempt before, whose reply was lost
			return rewritten, nil
		}
		return overtaken, nil
	}
	if err != nil {
		return current, err
	}
	b.pacer.consumed(out.ConsumedCapacity)
	return rewritten, nil
}

// ofItem says that an error is the item's own fault, so that the others may do.
func ofItem(err error) bool {
	if errors.As(err, new(*callbackError)) || errors.As(err, new(*monotable.DecodeError)) {
		return true
	}
	for _, is := range []error{monotable.ErrInvalid, monotable.ErrNewerSchema, monotable.ErrConditionFailed, ErrOvertaken, ErrTargetTaken} {
		if errors.Is(err, is) {
			return true
		}
	}
	if tx, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
		return slices.ContainsFunc(tx.CancellationReasons, func(r types.CancellationReason) bool {
			return r.Code != nil && (*r.Code == "ValidationError" || *r.Code == "ItemCollectionSizeLimitExceeded")
		})
	}
	api, ok := errors.AsType[smithy.APIError](err)
	return ok && (api.ErrorCode() == "ValidationException" || api.ErrorCode() == "ItemCollectionSizeLimitExceededException")
}
