package monotable

import (
	"context"
	"errors"
	"reflect"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// BatchOp is an operation that a batch can carry: a Put or a Delete without conditions.
type BatchOp interface {
	WriteOp
	batch(ctx context.Context, entry *batchEntry) error
}

// batchPut makes the item of a Put.
func (c *entityCore) batchPut(ctx context.Context, item reflect.Value, entry *batchEntry) error {
	m := c.model
	if m.version != nil && !c.options.noVersion {
		return invalidf("%s has a version, which a batch cannot check; say With(WithoutVersionCheck()) of the entity, or use TransactWrite", m.name)
	}
	if m.upgrading && !c.options.noVersion {
		return invalidf("%s has a schema version, which a batch cannot check; say With(WithoutVersionCheck()) of the entity, or use TransactWrite", m.name)
	}
	if len(m.uniques) > 0 {
		return invalidf("%s has unique values, whose guards a batch cannot keep; use Put or TransactWrite", m.name)
	}
	item = m.own(item)
	if entry.room != nil && m.asJSON {
		return m.fillJSON(&c.options, entry, item)
	}
	w, err := m.newPut(ctx, &c.options, false, false, item)
	if err != nil {
		return err
	}
	if a := m.erased(w.item); a != nil && !c.options.reveal {
		return invalidf("%s is hidden and not given, and a batch would erase it; say Reveal if the item is whole without it", a)
	}
	c.startEntry(entry, w.key, w.item)
	entry.put = w.item
	return nil
}

// batchDelete makes the key of a Delete.
func (c *entityCore) batchDelete(key reflect.Value, entry *batchEntry) error {
	m := c.model
	if len(m.uniques) > 0 {
		return invalidf("%s has unique values, whose guards a batch cannot keep; use Delete or TransactWrite", m.name)
	}
	attributes, version, err := m.keyOf(&c.options, m.ownKey(key))
	if err != nil {
		return err
	}
	if version != nil {
		return invalidf("the key has a version, which a batch cannot check; say With(WithoutVersionCheck()) of the entity, or use TransactWrite")
	}
	c.startEntry(entry, attributes, attributes)
	entry.deletes = true
	return nil
}

func (c *entityCore) startEntry(entry *batchEntry, key, sent attributeMap) {
	table := c.options.tableName(c.model.table)
	entry.core, entry.of, entry.table, entry.places = c.model.table, c.model, table, 1
	entry.key, entry.id.text = key, keyIdentity(table, c.model.table, key)
	entry.bytes = wireSize(table, sent)
}

// BatchWrite puts and deletes any number of items of any entities, also of other tables with the same client, in requests of 25, as
// DynamoDB takes them. It is not atomic, gives nothing back, and takes no conditions: an item of another entity at a key is overwritten, immutable attributes too, versions cannot be
// checked. All operations are compiled before anything is sent: one bad one is named by its index, with ErrInvalid, and so are
// two on the same item. No operations are no request and no error.
//
// Parts that the service leaves unprocessed are sent again as they were built, with full jitter, until [Attempts] rounds in a row made no
// progress or the context ends. Then a [*BatchError] lists every operation. A request that is refused ends its own operations only; the
// others go on, unless [StopOnFailure] is given. The options are those of the table; of an operation's entity, [TableName] and what
// its item is made with count. [Concurrency] bounds the requests under way, [Pace] and [PaceUnits] the rate; [Progress] tells how far it is.
func (t *Table) BatchWrite(ctx context.Context, ops ...BatchOp) error {
	ctx, v := t.begin(ctx, "BatchWrite")
	ops = slices.Clone(ops)
	err := t.batchWrite(ctx, &t.options, "operation", len(ops), func(i int, entry *batchEntry) error {
		if ops[i] == nil {
			return errNilOp
		}
		return ops[i].batch(ctx, entry)
	})
	setOps(err, func(i int) BatchOp { return ops[i] })
	return v.end(ctx, err, writtenOf(len(ops), err))
}

// BatchPut is [Table.BatchWrite] of one Put for each item, with the entity's options. items is not changed, and not kept.
func (e *Entity[T]) BatchPut(ctx context.Context, items []T) error {
	items = e.meanwhile(items)
	return e.core.putAll(ctx, reflect.ValueOf(items), func(i int) BatchOp { return e.PutOp(items[i]) })
}

// BatchDelete is [Table.BatchWrite] of one Delete for each key, with the entity's options. That nothing is at a key is no error.
func (e *Entity[T]) BatchDelete(ctx context.Context, keys []T) error {
	keys = e.meanwhile(keys)
	return e.core.deleteAll(ctx, reflect.ValueOf(keys), func(i int) BatchOp { return e.DeleteOp(keys[i]) })
}

// meanwhile are items that stay as they are during the call, in which a Progress function of the caller's may run.
func (e *Entity[T]) meanwhile(items []T) []T {
	if e.core.options.progress == nil {
		return items
	}
	return copyOf(items).([]T)
}

// putAll puts a slice of items. op is the operation of one, for errors.
func (c *entityCore) putAll(ctx context.Context, items reflect.Value, op func(i int) BatchOp) error {
	own := reflect.New(c.model.typ).Elem()
	return c.writeAll(ctx, "BatchPut", "item", items.Len(), func(i int, entry *batchEntry) error {
		if entry.room == nil || !c.model.asJSON {
			return c.batchPut(ctx, fresh(items.Index(i)), entry)
		}
		own.Set(items.Index(i)) // JSON keeps nothing of it
		return c.batchPut(ctx, own, entry)
	}, op)
}

// deleteAll deletes the items of a slice of keys.
func (c *entityCore) deleteAll(ctx context.Context, keys reflect.Value, op func(i int) BatchOp) error {
	return c.writeAll(ctx, "BatchDelete", "key", keys.Len(), func(i int, entry *batchEntry) error {
		return c.batchDelete(fresh(keys.Index(i)), entry)
	}, op)
}

func (c *entityCore) writeAll(ctx context.Context, name, what string, n int, fill func(i int, entry *batchEntry) error, op func(i int) BatchOp) error {
	ctx, v := c.begin(ctx, name)
	err := c.model.table.batchWrite(ctx, &c.options, what, n, fill)
	setOps(err, op)
	return v.end(ctx, err, writtenOf(n, err))
}

// setOps tells the failures of a batch which operations they are.
func setOps(err error, op func(i int) BatchOp) {
	failed, ok := errors.AsType[*BatchError](err)
	if !ok {
		return
	}
	for _, list := range [][]BatchFailure{failed.NotWritten, failed.Unknown} {
		for i := range list {
			list[i].Op = op(list[i].Index)
		}
	}
}

var errNilOp = errors.New("no operation")

// batchWrite is BatchWrite under the options o. what is a word for one of the n operations; compile fills its entry.
func (c *tableCore) batchWrite(ctx context.Context, o *options, what string, n int, compile func(i int, entry *batchEntry) error) error {
	all, writes, entries := make([]batchEntry, n), make([]batchedWrite, n), make([]*batchEntry, n)
	seen := newKeyIndex(n)
	var room *jsonRoom
	if c.sendsJSON(o) {
		room = &jsonRoom{ids: idRoom{items: n}}
		defer room.close()
	}
	for i := range all {
		entry := &all[i]
		entry.batchedWrite = &writes[i]
		entry.room = room
		err := compile(i, entry)
		if err == errNilOp { //nolint:errorlint // the value itself
			return invalidf("%s %d is nil", what, i)
		}
		if err == nil {
			err = c.admits(o, entry)
		}
		if err != nil {
			return indexed(what, i, err)
		}
		if first := seen.add(entry); first != nil {
			return invalidf("%ss %d and %d are on the same item", what, slices.Index(entries, first), i)
		}
		entries[i] = entry
	}
	if err := started(ctx); err != nil {
		return err
	}
	run := batchRun{core: c, options: o, size: maxBatchWrite, send: func(ctx context.Context, chunk []*batchEntry) (batchAnswer, error) {
		return c.sendWrites(ctx, o, chunk)
	}}
	run.all(ctx, entries)
	return batchError(entries)
}

// admits refuses what the table's client or scope does not reach.
func (c *tableCore) admits(o *options, e *batchEntry) error {
	if !e.core.sharesClient(c) {
		return invalidf("it is of a table with another client")
	}
	if e.key == nil && o.textInScope(e.id.at(e.id.partition)) {
		return nil
	}
	return o.inScope(e.attributes()[e.core.primary.partition[0].Name])
}

// sendWrites makes one request.
func (c *tableCore) sendWrites(ctx context.Context, o *options, chunk []*batchEntry) (batchAnswer, error) {
	in := &dynamodb.BatchWriteItemInput{
		RequestItems:           map[string][]types.WriteRequest{},
		ReturnConsumedCapacity: o.batchCapacity(),
	}
	a := newAttempts(o, resendFreely)
	for _, e := range chunk {
		var write types.WriteRequest
		switch {
		case e.json != nil:
			mark, first := a.marked.add(e.table, e.json, betweenPuts, len(chunk))
			if !first {
				continue
			}
			write.PutRequest = &types.PutRequest{Item: marks[mark]}
		case e.put != nil:
			write.PutRequest = &types.PutRequest{Item: e.put}
		case e.deletes:
			write.DeleteRequest = &types.DeleteRequest{Key: e.key}
		}
		in.RequestItems[e.table] = append(in.RequestItems[e.table], write)
	}
	out, err := sendAs(ctx, o, a, c.client.BatchWriteItem, in)
	if err != nil {
		return batchAnswer{}, a.undone(c, err, true)
	}
	left, ok := unprocessedWrites(chunk, out.UnprocessedItems)
	if !ok {
		return batchAnswer{}, &serviceFailure{sentinels: []error{ErrOutcomeUnknown}, err: errStrangeAnswer}
	}
	answer := batchAnswer{left: left, units: unitsOf(out)}
	if a.open() {
		// The SDK has sent it before. What is left now may have been written then.
		answer.doubt = a.doubt()
	}
	return answer, nil
}

// unprocessedWrites finds the entries that an answer names, and says whether it knew them all.
func unprocessedWrites(chunk []*batchEntry, items map[string][]types.WriteRequest) ([]*batchEntry, bool) {
	if len(items) == 0 { // as a rule
		return nil, true
	}
	named := make(map[string][]attributeMap, len(items))
	for table, writes := range items {
		for _, w := range writes {
			switch {
			case w.PutRequest != nil:
				named[table] = append(named[table], w.PutRequest.Item)
			case w.DeleteRequest != nil:
				named[table] = append(named[table], w.DeleteRequest.Key)
			}
		}
	}
	return entriesByKey(chunk).all(named)
}
