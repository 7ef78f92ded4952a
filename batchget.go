package monotable

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// State is what has become of one key of a BatchGet.
type State int

const (
	// Unprocessed says that the service did not answer for the key to the end. Err says why; nothing is known of the item.
	Unprocessed State = iota
	// Found says that Item, or the destination, is what is stored.
	Found
	// Missing says that the service answered that there is no item, or the item has expired.
	Missing
	// Failed says that there is an item, but it is another entity's or does not decode. Err says which.
	Failed
)

func (s State) String() string {
	names := [...]string{"Unprocessed", "Found", "Missing", "Failed"}
	if s < 0 || int(s) >= len(names) {
		return "State(" + strconv.Itoa(int(s)) + ")"
	}
	return names[s]
}

// BatchResult is the answer for one key of an [Entity.BatchGet].
type BatchResult[T any] struct {
	State State
	Item  T     // when Found
	Err   error // when Unprocessed or Failed
}

// ReadResult is the answer for one operation of a [Table.BatchGet].
type ReadResult struct {
	State State
	Err   error // when Unprocessed or Failed
}

// BatchGet reads any number of items by their keys, in requests of 100, several at a time ([Concurrency]). The results have the
// order and length of keys; a key that stands there twice is read once and decoded twice. What the service leaves unprocessed is asked for again, with
// full jitter, until [Attempts] rounds in a row made no progress or the context ends. Reads are eventually consistent unless [Consistent] is given.
//
// The error is nil if every key is Found or Missing; otherwise it names the first key that is neither and matches what all of them match, such as
// ErrUnprocessed if the service left keys undone, and the results hold what was read all
// the same. A key that cannot be made is ErrInvalid, names its index, and nothing
// is sent. No keys are no request and no error. The options are those of the entity, [Pace], [Progress] and [StopOnFailure] among them.
func (e *Entity[T]) BatchGet(ctx context.Context, keys []T) ([]BatchResult[T], error) {
	ctx, v := e.core.begin(ctx, "BatchGet")
	results, err := e.batchGet(ctx, keys)
	found := 0
	for i := range results {
		if results[i].State == Found {
			found++
		}
	}
	return results, v.end(ctx, err, found)
}

func (e *Entity[T]) batchGet(ctx context.Context, keys []T) ([]BatchResult[T], error) {
	m, o := e.core.model, &e.core.options
	results := make([]BatchResult[T], len(keys))
	own := new(T) // of each key in turn, if it may change: nothing refers to it afterwards
	ids := idRoom{items: len(keys)}
	err := m.table.batchGet(ctx, o, "key", len(keys), func(i int) (read compiledRead, err error) {
		read = compiledRead{m: m, table: o.tableName(m.table), consistent: o.consistent, becomes: m.plan}
		key := reflect.ValueOf(&keys[i]).Elem()
		if !m.keyAsIs {
			*own = keys[i]
			key = m.ownKey(reflect.ValueOf(own).Elem())
			m.transformKey(key)
		}
		var ok bool
		if read.id, ok = m.textKey(o, read.table, key, &ids); !ok {
			read.key, err = m.primaryKey(o, key)
		}
		return read, err
	}, func(i int, entry *batchEntry) error {
		r := &results[i]
		r.State, r.Err = entry.result(func(item *record) error { return e.core.found(item, target(&r.Item)) })
		return r.Err
	})
	if _, ok := errors.AsType[*readsError](err); err != nil && !ok {
		return nil, err
	}
	return results, err
}

// BatchGet reads any number of items of any entities, also of other tables with the same client, into the destinations of the operations,
// in requests of 100 keys over all tables. It is not atomic; TransactGet is. The results have the order and length of ops. The destination of an operation that is not
// Found is left as it is; two operations on one item read it once, and each gets its own copy. Of an operation's entity, [Consistent], [TableName] and
// [Reveal] count; the other options are those of the table.
//
// The rest, errors above all, is as with [Entity.BatchGet]. An operation without a destination is ErrInvalid.
func (t *Table) BatchGet(ctx context.Context, ops ...ReadOp) ([]ReadResult, error) {
	ctx, v := t.begin(ctx, "BatchGet")
	results, err := t.batchGet(ctx, ops)
	found := 0
	for _, r := range results {
		if r.State == Found {
			found++
		}
	}
	return results, v.end(ctx, err, found)
}

func (t *Table) batchGet(ctx context.Context, ops []ReadOp) ([]ReadResult, error) {
	reads, results := make([]compiledRead, len(ops)), make([]ReadResult, len(ops))
	err := t.tableCore.batchGet(ctx, &t.options, "operation", len(ops), func(i int) (compiledRead, error) {
		if ops[i] == nil {
			return compiledRead{}, errNilOp
		}
		var err error
		reads[i], err = ops[i].compileRead()
		return reads[i], err
	}, func(i int, entry *batchEntry) error {
		results[i].State, results[i].Err = entry.result(reads[i].decode)
		return results[i].Err
	})
	if _, ok := errors.AsType[*readsError](err); err != nil && !ok {
		return nil, err
	}
	return results, err
}

// batchGet is BatchGet under the options o. what is a word for one of the n keys; compile tells what is asked of each, and take is given the entry that it became. It is a
// readsError if take had errors, any other if nothing was to be sent.
func (c *tableCore) batchGet(ctx context.Context, o *options, what string, n int, compile func(i int) (compiledRead, error), take func(i int, entry *batchEntry) error) error {
	all, entries, entryOf := make([]batchEntry, n), make([]*batchEntry, 0, n), make([]*batchEntry, n)
	byID := newKeyIndex(n)
	for i := range n {
		read, err := compile(i)
		if err == errNilOp { //nolint:errorlint // the value itself
			return invalidf("%s %d is nil", what, i)
		}
		if err != nil {
			return indexed(what, i, err)
		}
		e := &all[len(entries)]
		e.core, e.of, e.table, e.id, e.key, e.becomes = read.m.table, read.m, read.table, read.id, read.key, read.becomes
		if !e.id.isText() {
			e.id.text = keyIdentity(e.table, e.core, e.key)
		}
		if err := c.admits(o, e); err != nil {
			return indexed(what, i, err)
		}
		if known := byID.add(e); known != nil {
			*e, e = batchEntry{}, known
		} else {
			entries = append(entries, e)
		}
		if e.places++; e.becomes != read.becomes {
			e.becomes = notes
		}
		e.consistent = e.consistent || read.consistent
		entryOf[i] = e
	}
	if err := started(ctx); err != nil {
		return err
	}
	// A request reads a table in one mode: those of each stand together, so that few requests are cut short.
	slices.SortStableFunc(entries, func(a, b *batchEntry) int {
		switch {
		case a.consistent == b.consistent:
			return 0
		case a.consistent:
			return -1
		}
		return 1
	})
	for i, e := range entries {
		e.at = int32(i) //nolint:gosec // no call has so many
	}
	run := batchRun{core: c, options: o, size: maxBatchGet, send: func(ctx context.Context, chunk []*batchEntry) (batchAnswer, error) {
		return c.sendGets(ctx, o, chunk, byID)
	}}
	run.all(ctx, entries)

	// Decoding may run the caller's own code. So it is done here, in the caller's goroutine.
	failed := &readsError{what: what}
	for i, e := range entryOf {
		failed.add(i, take(i, e))
	}
	for _, e := range entries {
		if e.item != nil {
			e.item.close()
		}
	}
	if failed.count > 0 {
		return failed
	}
	return nil
}

// result says what has become of an entry for one of its places, where decode makes use of the item.
func (e *batchEntry) result(decode func(*record) error) (State, error) {
	if e.err != nil {
		return Unprocessed, e.err
	}
	item := e.item
	if item == nil {
		item = &record{}
	}
	err := decode(item)
	switch {
	case err == nil:
		return Found, nil
	case errors.Is(err, ErrNotFound):
		return Missing, nil
	}
	return Failed, err
}

// sendGets makes one request and keeps what it returned. byID are the entries of the whole call.
func (c *tableCore) sendGets(ctx context.Context, o *options, chunk []*batchEntry, byID *keyIndex) (batchAnswer, error) {
	in := &dynamodb.BatchGetItemInput{
		RequestItems:           map[string]types.KeysAndAttributes{},
		ReturnConsumedCapacity: o.batchCapacity(),
	}
	a := newAttempts(o, resendFreely)
	answer, wire := c.replyTo(chunk), c.sendsJSON(o)
	a.answer = answer.unless(!c.takesJSON(o))
	var json []byte
	if wire {
		room := &jsonRoom{}
		defer func() { room.keep(json); room.close() }()
		json = room.free(c.keysIn(chunk))
	}
	ask := func(e *batchEntry, key attributeMap) {
		keys := in.RequestItems[e.table]
		keys.Keys = append(keys.Keys, key)
		if e.consistent {
			keys.ConsistentRead = ptr(true)
		}
		in.RequestItems[e.table] = keys
	}
	first := chunk[0]
	for _, e := range chunk {
		switch {
		case !wire || !e.id.isText() || e.table != first.table:
			ask(e, e.attributes())
		case len(json) == 0:
			json = e.appendKey(json)
		default:
			json = e.appendKey(append(json, ','))
		}
	}
	if len(json) > 0 {
		mark, _ := a.marked.add(first.table, json, "", 1)
		ask(first, marks[mark]) // a chunk reads a table in one mode
	}
	out, err := sendAs(ctx, o, a, c.client.BatchGetItem, in)
	if err != nil {
		return batchAnswer{}, a.undone(c, err, false)
	}
	named := make(map[string][]attributeMap, len(out.UnprocessedKeys))
	for table, keys := range out.UnprocessedKeys {
		named[table] = keys.Keys
	}
	index := entriesOfCall(chunk, byID)
	left, ok := index.all(named)
	found, err := answer.byTable(out.Responses)
	if err != nil {
		return batchAnswer{}, err
	}
	for table, items := range found {
		for i := range items {
			if e := index.find(table, &items[i]); e != nil {
				e.item = &items[i]
			} else {
				ok = false
			}
		}
	}
	if !ok {
		for _, e := range chunk {
			e.item = nil
		}
		return batchAnswer{}, &serviceFailure{sentinels: []error{ErrUnprocessed}, err: errStrangeAnswer}
	}
	return batchAnswer{left: left, units: unitsOf(out)}, nil
}

// keysIn is about how long the text keys of entries are in JSON.
func (c *tableCore) keysIn(chunk []*batchEntry) (n int) {
	for _, e := range chunk {
		const frame = len(`{"":{"S":""},"":{"S":""}}`)
		n += frame + 16 + len(e.id.text) // with the names
	}
	return n
}

// replyTo is where the items of a request's answer go.
func (c *tableCore) replyTo(chunk []*batchEntry) *reply {
	first := chunk[0]
	becomes := first.becomes
	for _, e := range chunk {
		if e.becomes != becomes {
			becomes = notes
		}
	}
	answer := first.of.reply(becomes, first.of.primary, "Responses")
	answer.expect = len(chunk)
	return answer
}

// readsError is why some keys of a BatchGet were not read.
type readsError struct {
	what  string // word for one of them
	index int    // of the first
	count int
	errs  []error // of all, neighbours that are the same once
}

func (e *readsError) add(index int, err error) {
	if err == nil {
		return
	}
	if e.count++; e.count == 1 {
		e.index = index
	}
	if len(e.errs) == 0 || !same(e.errs[len(e.errs)-1], err) {
		e.errs = append(e.errs, err)
	}
}

func (e *readsError) Error() string {
	text := fmt.Sprintf("%s %d: %s", e.what, e.index, bare(e.errs[0]))
	if e.count > 1 {
		text += fmt.Sprintf("; and %d more", e.count-1)
	}
	return text
}

func (e *readsError) Unwrap() []error { return e.errs }
