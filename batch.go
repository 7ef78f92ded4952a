package monotable

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable/internal/codec"
)

// DynamoDB's limits on one batch request.
const (
	maxBatchWrite = 25
	maxBatchGet   = 100
)

const (
	defaultConcurrency   = 4
	defaultBatchAttempts = 10
)

// BatchOp is an operation that a batch can carry: a Put or a Delete without conditions.
type BatchOp interface {
	WriteOp
	batch(ctx context.Context) (*batchEntry, error)
}

// batchEntry is one compiled request of a batch and what has become of it.
type batchEntry struct {
	index   int
	table   string
	core    *tableCore
	options *options
	key     attributeMap
	write   types.WriteRequest
}

// identity tells keys apart: the table's name and the key's values, each with its length.
func (b *batchEntry) identity() string {
	return keyIdentity(b.table, b.core, b.key)
}

// keyIdentity is equal for equal keys only: numbers by value, texts and binaries by bytes.
func keyIdentity(table string, core *tableCore, key attributeMap) string {
	id := []byte(strconv.Itoa(len(table)) + ":" + table)
	for _, k := range core.primary.all() {
		text := scalarText(key[k.Name])
		id = append(id, strconv.Itoa(len(text))+":"+text...)
	}
	return string(id)
}

// scalarText is the text of a key's value: equal for equal values of one type.
func scalarText(av types.AttributeValue) string {
	switch av := av.(type) {
	case *types.AttributeValueMemberS:
		return av.Value
	case *types.AttributeValueMemberB:
		return string(av.Value)
	case *types.AttributeValueMemberN:
		if plain, err := codec.CanonicalNumber(av.Value); err == nil {
			return plain
		}
		return av.Value
	}
	return ""
}

// batch compiles a Put without its condition.
func (o PutOp[T]) batch(ctx context.Context) (*batchEntry, error) {
	m := o.e.model
	switch {
	case len(o.conds) > 0:
		return nil, invalidf("a batch takes no conditions; use TransactWrite")
	case m.version != nil && !o.e.options.noVersion:
		return nil, invalidf("%s has a version, which a batch cannot check; say WithoutVersionCheck, or use TransactWrite", m.name)
	}
	if len(m.uniques) > 0 {
		return nil, invalidf("%s has unique values, whose guards a batch cannot keep; use Put or TransactWrite", m.name)
	}
	w, err := o.build(ctx, "")
	if err != nil {
		return nil, err
	}
	if len(w.expect.absent) > 0 && !o.e.options.reveal {
		return nil, invalidf("%s is hidden and not given, and a batch would erase it; say Reveal if the item is whole without it", w.expect.absent[0])
	}
	return &batchEntry{
		table: o.e.options.tableName(m.table), core: m.table, options: &o.e.options, key: w.key,
		write: types.WriteRequest{PutRequest: &types.PutRequest{Item: w.item}},
	}, nil
}

// batch compiles a Delete without its condition.
func (o DeleteOp[T]) batch(context.Context) (*batchEntry, error) {
	if len(o.conds) > 0 {
		return nil, invalidf("a batch takes no conditions; use TransactWrite")
	}
	m := o.e.model
	if len(m.uniques) > 0 {
		return nil, invalidf("%s has unique values, whose guards a batch cannot keep; use Delete or TransactWrite", m.name)
	}
	key, version, err := m.keyOf(&o.e.options, ownCopy(o.key))
	if err != nil {
		return nil, err
	}
	if version != nil {
		return nil, invalidf("the key has a version, which a batch cannot check; say WithoutVersionCheck, or use TransactWrite")
	}
	return &batchEntry{
		table: o.e.options.tableName(m.table), core: m.table, options: &o.e.options, key: key,
		write: types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: key}},
	}, nil
}

// BatchFailure is an operation of a batch that was not carried out, or perhaps not.
type BatchFailure struct {
	Index int     // in the call
	Op    BatchOp // ready to be sent again
	Err   error
}

// BatchError says what has become of each operation of a BatchWrite that did not complete. It matches ErrUnprocessed if the
// service left something unprocessed to the end, ErrOutcomeUnknown if some outcome is unknown, and whatever else the failures match.
type BatchError struct {
	Written    []int          // indexes of the operations that were carried out
	NotWritten []BatchFailure // certainly not carried out
	Unknown    []BatchFailure // sent, without a definite answer
}

func (e *BatchError) Error() string {
	text := fmt.Sprintf("monotable: batch: %d written, %d not written, %d unknown", len(e.Written), len(e.NotWritten), len(e.Unknown))
	for _, failures := range [][]BatchFailure{e.NotWritten, e.Unknown} {
		if len(failures) > 0 {
			return text + fmt.Sprintf("; operation %d: %s", failures[0].Index, failures[0].Err)
		}
	}
	return text
}

// Unwrap gives the errors of the failures.
func (e *BatchError) Unwrap() []error {
	var errs []error
	for _, f := range append(e.NotWritten[:len(e.NotWritten):len(e.NotWritten)], e.Unknown...) {
		errs = append(errs, f.Err)
	}
	return errs
}

// Rest is what to pass to BatchWrite to finish the work: Put and Delete can be repeated, so Unknown is in it too.
func (e *BatchError) Rest() []BatchOp {
	var ops []BatchOp
	for _, f := range append(e.NotWritten[:len(e.NotWritten):len(e.NotWritten)], e.Unknown...) {
		ops = append(ops, f.Op)
	}
	return ops
}

// BatchWrite puts and deletes any number of items of any entities, also of other tables with the same client, in requests of 25. It
// is not atomic, and it takes no conditions: an item of another entity at a key is overwritten, versions cannot be
// checked. All operations are compiled before anything is sent: one bad one is named by its index, with ErrInvalid, and so are
// two on the same item.
//
// Parts that the service leaves unprocessed are sent again as they were built, with full jitter, until [Attempts] rounds in a row made no
// progress or the context ends. Then a [*BatchError] lists every operation. [Concurrency] bounds the requests under way.
func (t *Table) BatchWrite(ctx context.Context, ops ...BatchOp) error {
	return opError("BatchWrite", "", t.Name(), t.batchWrite(ctx, ops))
}

func (t *Table) batchWrite(ctx context.Context, ops []BatchOp) error {
	entries := make([]*batchEntry, len(ops))
	seen := make(map[string]int, len(ops))
	for i, op := range ops {
		if op == nil {
			return invalidf("operation %d is nil", i)
		}
		entry, err := op.batch(ctx)
		if err != nil {
			return indexed("operation", i, err)
		}
		if entry.core.client != t.client {
			return invalidf("operation %d is of a table with another client", i)
		}
		if err := t.options.inScope(entry.key[entry.core.primary.partition[0].Name]); err != nil {
			return indexed("operation", i, err)
		}
		id := entry.identity()
		if first, ok := seen[id]; ok {
			return invalidf("operations %d and %d are on the same item", first, i)
		}
		seen[id], entry.index, entries[i] = i, i, entry
	}
	if err := started(ctx); err != nil {
		return err
	}
	outcomes := make([]error, len(ops))
	run := batchRun[*batchEntry]{options: &t.options, size: maxBatchWrite, send: t.sendWrites}
	run.all(ctx, entries, func(e *batchEntry, err error) { outcomes[e.index] = err })
	return batchError(ops, outcomes)
}

func batchError(ops []BatchOp, outcomes []error) error {
	e := &BatchError{}
	for i, err := range outcomes {
		switch {
		case err == nil:
			e.Written = append(e.Written, i)
		case errors.Is(err, ErrOutcomeUnknown):
			e.Unknown = append(e.Unknown, BatchFailure{i, ops[i], err})
		default:
			e.NotWritten = append(e.NotWritten, BatchFailure{i, ops[i], err})
		}
	}
	if len(e.Written) == len(ops) {
		return nil
	}
	return e
}

// sendWrites sends one request and gives back what was left unprocessed.
func (t *Table) sendWrites(ctx context.Context, entries []*batchEntry) ([]*batchEntry, error) {
	in := &dynamodb.BatchWriteItemInput{
		RequestItems:           map[string][]types.WriteRequest{},
		ReturnConsumedCapacity: t.options.returnCapacity(),
	}
	for _, e := range entries {
		in.RequestItems[e.table] = append(in.RequestItems[e.table], e.write)
	}
	out, a, err := send(ctx, &t.options, resendFreely, t.client.BatchWriteItem, in)
	if err != nil {
		return entries, a.failure(t.tableCore, err, true)
	}
	if len(out.UnprocessedItems) == 0 {
		return nil, nil
	}
	left := map[string]bool{}
	for table, writes := range out.UnprocessedItems {
		for _, w := range writes {
			for _, e := range entries {
				if e.table != table {
					continue
				}
				if w.PutRequest != nil {
					left[keyIdentity(table, e.core, w.PutRequest.Item)] = true
				} else if w.DeleteRequest != nil {
					left[keyIdentity(table, e.core, w.DeleteRequest.Key)] = true
				}
				break
			}
		}
	}
	var rest []*batchEntry
	for _, e := range entries {
		if left[e.identity()] {
			rest = append(rest, e)
		}
	}
	return rest, nil
}

// batchRun sends entries in chunks, several at a time, and sends again what was left.
type batchRun[E any] struct {
	options *options
	size    int
	// send makes one request. It gives back what was not processed; with an error, none of the entries were, or it is unknown.
	send func(ctx context.Context, entries []E) ([]E, error)
}

// all settles every entry: with nil when it is done, else with the reason why not. done is called once an entry, not concurrently.
func (r *batchRun[E]) all(ctx context.Context, entries []E, done func(E, error)) {
	var mu sync.Mutex
	settle := func(entries []E, err error) {
		mu.Lock()
		defer mu.Unlock()
		for _, e := range entries {
			done(e, err)
		}
	}
	slots := make(chan struct{}, max(r.options.concurrency, 1))
	if r.options.concurrency == 0 {
		slots = make(chan struct{}, defaultConcurrency)
	}
	var running sync.WaitGroup
	for len(entries) > 0 {
		chunk := entries[:min(r.size, len(entries))]
		entries = entries[len(chunk):]
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			r.chunk(ctx, chunk, settle)
		})
	}
	running.Wait()
}

// chunk sends one chunk until it is done, or until nothing has moved for too long.
func (r *batchRun[E]) chunk(ctx context.Context, chunk []E, settle func([]E, error)) {
	var ambiguous error // an earlier request with what is still in chunk may have been carried out
	stuck := 0
	for {
		if err := started(ctx); err != nil {
			settle(chunk, errors.Join(ambiguous, err))
			return
		}
		rest, err := r.send(ctx, chunk)
		stuck++
		switch {
		case err == nil:
			settle(without(chunk, rest), nil)
			if len(rest) == 0 {
				return
			}
			if len(rest) < len(chunk) {
				stuck = 0
			}
			// The service has named what it did not do, so nothing of it is in doubt any more.
			chunk, ambiguous, err = rest, nil, ErrUnprocessed
		case errors.Is(err, ErrOutcomeUnknown):
			ambiguous = err
		case !errors.Is(err, ErrThrottled) && !errors.Is(err, ErrUnprocessed):
			settle(chunk, errors.Join(ambiguous, err))
			return
		}
		if stuck >= r.attempts() {
			settle(chunk, errors.Join(ambiguous, err))
			return
		}
		if waitErr := r.options.waitAs(ctx, batchBackoff, stuck); waitErr != nil {
			settle(chunk, errors.Join(ambiguous, waitErr, err))
			return
		}
	}
}

func (r *batchRun[E]) attempts() int {
	if r.options.attempts == 0 {
		return defaultBatchAttempts
	}
	return r.options.attempts
}

// without gives the entries that are not in rest, which keeps the order of all.
func without[E any](all, rest []E) []E {
	if len(rest) == 0 {
		return all
	}
	var done []E
	for _, e := range all {
		if len(rest) > 0 && reflect.ValueOf(e).Pointer() == reflect.ValueOf(rest[0]).Pointer() {
			rest = rest[1:]
			continue
		}
		done = append(done, e)
	}
	return done
}
