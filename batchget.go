package monotable

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

// State is what has become of one key of a BatchGet.
type State int

const (
	// Unprocessed says that the service did not answer for the key to the end. Err says why; nothing is known of the item.
	Unprocessed State = iota
	// Found says that Item is what is stored.
	Found
	// Missing says that the service answered that there is no item, or the item has expired.
	Missing
	// Failed says that there is an item, but it is another entity's or does not decode. Err says which.
	Failed
)

func (s State) String() string {
	return [...]string{"Unprocessed", "Found", "Missing", "Failed"}[s]
}

// BatchResult is the answer for one key of a BatchGet.
type BatchResult[T any] struct {
	State State
	Item  T     // when Found
	Err   error // when Unprocessed or Failed
}

// BatchGet reads any number of items by their keys, in requests of 100, several at a time ([Concurrency]). The results have the
// order and length of keys; a key that stands there twice is read once. What the service leaves unprocessed is asked for again, with
// full jitter, until [Attempts] rounds in a row made no progress or the context ends.
//
// The error is nil if every key is Found or Missing; otherwise it says what went wrong first, and the results hold what was read all
// the same. It matches ErrUnprocessed if the service left keys undone. A key that cannot be made is ErrInvalid, names its index, and nothing
// is sent.
func (e *Entity[T]) BatchGet(ctx context.Context, keys []T) ([]BatchResult[T], error) {
	results, err := e.batchGet(ctx, keys)
	return results, e.opError("BatchGet", err)
}

// wantedKey is a key to read and the places its answer belongs.
type wantedKey struct {
	key     attributeMap
	id      string
	indexes []int
	item    attributeMap
}

func (e *Entity[T]) batchGet(ctx context.Context, keys []T) ([]BatchResult[T], error) {
	m := e.model
	table := e.options.tableName(m.table)
	opts := e.options
	opts.noVersion = true // the version in a key means nothing to a read
	var wanted []*wantedKey
	byID := make(map[string]*wantedKey, len(keys))
	for i, key := range keys {
		av, _, err := m.keyOf(&opts, ownCopy(key))
		if err != nil {
			return nil, indexed("key", i, err)
		}
		id := keyIdentity(table, m.table, av)
		w := byID[id]
		if w == nil {
			w = &wantedKey{key: av, id: id}
			byID[id], wanted = w, append(wanted, w)
		}
		w.indexes = append(w.indexes, i)
	}
	if err := started(ctx); err != nil {
		return nil, err
	}
	results := make([]BatchResult[T], len(keys))
	var failed error
	run := batchRun[*wantedKey]{options: &e.options, size: maxBatchGet}
	run.send = func(ctx context.Context, chunk []*wantedKey) ([]*wantedKey, error) {
		return e.sendGets(ctx, table, chunk)
	}
	run.all(ctx, wanted, func(w *wantedKey, err error) {
		result := e.batchResult(w, err)
		if failed == nil {
			failed = result.Err
		}
		for n, i := range w.indexes {
			if results[i] = result; n > 0 && result.State == Found {
				results[i] = e.batchResult(w, err) // each its own, so that they share no memory
			}
		}
	})
	return results, failed
}

func (e *Entity[T]) batchResult(w *wantedKey, err error) BatchResult[T] {
	m := e.model
	if err != nil {
		return BatchResult[T]{State: Unprocessed, Err: err}
	}
	var item T
	if err = m.present(w.item); err == nil {
		item, err = e.decoded(w.item)
	}
	switch {
	case err == nil:
		return BatchResult[T]{State: Found, Item: item}
	case errors.Is(err, ErrNotFound):
		return BatchResult[T]{State: Missing}
	}
	return BatchResult[T]{State: Failed, Err: err}
}

// sendGets makes one request, keeps what it returned and gives back the keys that were left unprocessed.
func (e *Entity[T]) sendGets(ctx context.Context, table string, chunk []*wantedKey) ([]*wantedKey, error) {
	request := types.KeysAndAttributes{Keys: make([]attributeMap, len(chunk))}
	if e.options.consistent {
		request.ConsistentRead = ptr(true)
	}
	byID := make(map[string]*wantedKey, len(chunk))
	for i, w := range chunk {
		request.Keys[i], byID[w.id] = w.key, w
	}
	out, err := read(ctx, e.model.table, &e.options, e.model.table.client.BatchGetItem, &dynamodb.BatchGetItemInput{
		RequestItems:           map[string]types.KeysAndAttributes{table: request},
		ReturnConsumedCapacity: e.options.returnCapacity(),
	})
	if err != nil {
		return chunk, unprocessed(err)
	}
	for _, item := range out.Responses[table] {
		if w := byID[keyIdentity(table, e.model.table, item)]; w != nil {
			w.item = item
		}
	}
	left := map[string]bool{}
	for _, key := range out.UnprocessedKeys[table].Keys {
		left[keyIdentity(table, e.model.table, key)] = true
	}
	var rest []*wantedKey
	for _, w := range chunk {
		if left[w.id] {
			rest = append(rest, w)
		}
	}
	return rest, nil
}

// unprocessed sorts an error of a read. What is no definite answer leaves the keys unprocessed: they can be asked for again.
func unprocessed(err error) error {
	failure, ok := errors.AsType[*serviceFailure](err)
	if !ok {
		return err
	}
	if api, answered := errors.AsType[smithy.APIError](err); (!answered || serverFault(api, err)) && !errors.Is(err, ErrThrottled) {
		failure.sentinels = append(failure.sentinels, ErrUnprocessed)
	}
	return err
}
