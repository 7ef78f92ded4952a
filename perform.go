package monotable

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// staged is a write on its way to the service: compiled once, and made final by what is stored at its key, if that matters.
type staged struct {
	m     *model
	o     *options
	op    string
	key   attributeMap
	reads bool // what is stored must be read first
	// pick tells which write it is; was is nil if nothing has been read.
	pick func(was *reading) (*write, error)
	keep func(attributeMap) error // hands the caller what was stored by a Put

	was     *reading
	write   *write
	changes []guardChange
	foreign map[string]bool // guards that turned out to be another item's, so that they are not freed
}

// stage is a write that does not depend on what is stored, save for the guards it moves.
func (w *write) stage() *staged {
	reads := len(w.uniques) > 0 && !w.expect.fresh() || w.o.exactlyOnce && w.action == actionDelete && !w.o.tokened
	return &staged{m: w.m, o: w.o, op: w.op, key: w.key, reads: reads, pick: func(*reading) (*write, error) { return w, nil }}
}

// prepare reads what must be read, and makes the write final.
func (s *staged) prepare(ctx context.Context) (err error) {
	if s.reads && s.o.tokened {
		return invalidf("%s depends on what is stored, so it cannot be the same again under a Token", s.op)
	}
	if s.reads {
		raw, err := s.m.lookUp(ctx, s.o, s.key)
		if err != nil {
			return err
		}
		before := s.was
		if s.was, err = s.m.readingOf(raw); err != nil {
			return err
		}
		if before != nil && !sameAttributes(before.raw, s.was.raw) {
			s.foreign = nil // it was found out about another state of the item
		}
	}
	w, err := s.pick(s.was)
	if err != nil {
		return err
	}
	if s.write, err = w.under(w.asRead(s.was)); err != nil {
		return err
	}
	all, err := w.guardChanges(s.was)
	s.changes = s.changes[:0]
	for _, g := range all {
		if g.take || !s.foreign[keyIdentity("", s.m.table, g.key)] {
			s.changes = append(s.changes, g)
		}
	}
	return err
}

// perform carries out one write, alone or, where guards go with it or it must count once, as a transaction. It gives what the
// item is afterwards, or was before a Delete; missing if that is nothing, or not known.
func (s *staged) perform(ctx context.Context) (*record, error) {
	for attempt := 0; ; attempt++ {
		stored, again, err := s.try(ctx)
		if !again || attempt+1 >= s.o.tries() {
			return stored, err
		}
		if waitErr := s.o.wait(ctx, attempt); waitErr != nil {
			return nil, because(waitErr, err)
		}
	}
}

// try is one try. again says that what was read is outdated, so that another try may do.
func (s *staged) try(ctx context.Context) (_ *record, again bool, _ error) {
	if err := started(ctx); err != nil {
		return nil, false, err
	}
	if err := s.prepare(ctx); err != nil {
		return nil, false, err
	}
	if len(s.changes) == 0 && !s.o.exactlyOnce {
		stored, err := s.write.send(ctx)
		if failed, ok := errors.AsType[*ConditionError](err); ok && s.reads {
			again = s.write.outdated(s.was, failed.found)
		}
		return stored, again, err
	}
	if err := s.o.checkToken(); err != nil {
		return nil, false, err
	}
	tx, err := s.m.table.assemble(s.o, []*staged{s})
	if err == nil {
		again, err = tx.send(ctx)
	}
	if failed, ok := errors.AsType[*TransactionError](err); ok && len(failed.Operations) > 0 {
		err = failed.Operations[0].Err // that of the one operation
	}
	if err != nil {
		return nil, again, err
	}
	switch {
	case s.write.item != nil:
		return recordOf(s.write.item), false, nil
	case s.write.action == actionDelete:
		return recordOf(s.was.before()), false, nil
	}
	if s.write.knows == nil && s.write.expect.version != nil {
		stored, _, err := s.m.itemOf(s.o, s.write.after, s.write.mark, nil) // a Modify under a version: nothing else can be in it
		return recordOf(stored), false, err
	}
	found, err := s.m.lookUp(ctx, s.o, s.key)
	stored := recordOf(found)
	if err == nil {
		err = s.m.present(stored)
	}
	if err != nil {
		return nil, false, &DecodeError{Entity: s.m.name, Written: true, Item: found, Err: unmatched(err)}
	}
	return stored, false, nil
}

// unmatched keeps the text of an error of the reading back alone: it must not be taken for the outcome of the write.
func unmatched(err error) error { return errors.New("reading it back: " + bare(err)) }

// send makes the request of a write alone. It gives what is stored then, and after a Delete what was stored before.
func (w *write) send(ctx context.Context) (_ *record, err error) {
	stored := recordOf(w.item)
	client, a := w.m.table.client, newAttempts(w.o, w.resend)
	item, key := marks[0], marks[0]
	var e built
	if room := w.putInto(a); room != nil {
		defer func() { giveBack(room, *room) }()
	} else {
		item, key, e = w.attributes(), w.itsKey(), w.expr.built()
	}
	switch w.action {
	case actionPut:
		_, err = sendAs(ctx, w.o, a, client.PutItem, w.putOf(item, e))
	case actionUpdate:
		var out *dynamodb.UpdateItemOutput
		answer := w.m.reply(w.m.plan, w.m.primary, "Attributes")
		a.answer = answer.unless(!w.m.table.takesJSON(w.o))
		if out, err = sendAs(ctx, w.o, a, client.UpdateItem, w.updateOf(key, e)); err == nil {
			stored, err = answer.one(out.Attributes)
		}
	default:
		var out *dynamodb.DeleteItemOutput
		// After a lost reply the old item may be one that somebody stored since.
		if out, err = sendAs(ctx, w.o, a, client.DeleteItem, w.deleteOf(key, e)); err == nil && !a.open() {
			stored = recordOf(out.Attributes)
		}
	}
	if err != nil {
		own, err := w.settle(err, a, func() (attributeMap, error) { return w.m.lookUp(ctx, w.o, w.itsKey()) })
		if err != nil || w.action != actionPut {
			return recordOf(own), err
		}
	}
	if w.json != nil {
		return w.readJSON(), nil
	}
	return stored, nil
}

// lookUp reads what is stored at a key now.
func (m *model) lookUp(ctx context.Context, o *options, key attributeMap) (attributeMap, error) {
	out, err := read(ctx, m.table, o, m.table.client.GetItem, &dynamodb.GetItemInput{
		TableName: ptr(o.tableName(m.table)), Key: key, ConsistentRead: ptr(true), ReturnConsumedCapacity: o.returnCapacity(),
	})
	if err != nil {
		return nil, err
	}
	return out.Item, nil
}

// transaction is writes of one request, with the guards that go with them.
type transaction struct {
	c       *tableCore
	o       *options
	ops     []*staged
	actions []types.TransactWriteItem
	guards  []*guardSlot // of the actions behind those of ops
	size    int
}

// assemble puts prepared writes and their guards together. A guard that one of them frees and another takes is written once.
func (c *tableCore) assemble(o *options, ops []*staged) (*transaction, error) {
	tx := &transaction{c: c, o: o, ops: ops}
	slots := map[string]*guardSlot{}
	for i, s := range ops {
		tx.add(s.write.inTransaction(), s.write.size())
		for _, change := range s.changes {
			id := keyIdentity(s.o.tableName(s.m.table), s.m.table, change.key)
			slot := slots[id]
			if slot == nil {
				slot = &guardSlot{table: s.o.tableName(s.m.table), key: change.key}
				slots[id] = slot
				tx.guards = append(tx.guards, slot)
			}
			if err := slot.add(i, s, change); err != nil {
				return nil, err
			}
		}
	}
	for _, slot := range tx.guards {
		action, size, err := slot.action()
		if err != nil {
			return nil, err
		}
		tx.add(action, size)
	}
	if n := len(tx.actions); n > maxTransact {
		return nil, invalidf("%d operations and %d guards of unique values; a transaction takes %d", len(ops), len(tx.guards), maxTransact)
	}
	if tx.size > maxTransactBytes {
		return nil, invalidf("the operations have %d bytes; a transaction takes %d", tx.size, maxTransactBytes)
	}
	return tx, nil
}

func (tx *transaction) add(action types.TransactWriteItem, size int) {
	tx.actions, tx.size = append(tx.actions, action), tx.size+size
}
