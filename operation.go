package monotable

import (
	"context"
	"reflect"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// Operations are the verbs as values: build one, look at its request, pass it on. They are immutable. The zero operation is an error in use.

var errZeroOp = invalidf("this operation was not made by an Entity")

// frozenItem is a copy of an item that the caller cannot change any more.
func frozenItem[T any](item T) T {
	detach(reflect.ValueOf(&item).Elem(), 0)
	return item
}

// frozenKey is a copy of a key that the caller cannot change any more.
func (e *Entity[T]) frozenKey(key T) T {
	if e.model.plainKey {
		return key
	}
	return frozenItem(key)
}

// ownItem and ownKey are the caller's item, already copied once, as a write or read may change it.
func (e *Entity[T]) ownItem(item T) reflect.Value { return e.model.own(reflect.ValueOf(&item).Elem()) }

func (e *Entity[T]) ownKey(key T) reflect.Value { return e.model.ownKey(reflect.ValueOf(&key).Elem()) }

// GetOp is a Get as a value.
type GetOp[T any] struct {
	e   *Entity[T]
	key T
	dst *T
}

// GetOp is [Entity.Get] as a value. dst is where TransactGet and Table.BatchGet put the item; nil does to look at the request.
func (e *Entity[T]) GetOp(key T, dst *T) GetOp[T] {
	return GetOp[T]{e: e, key: e.frozenKey(key), dst: dst}
}

// Request is the request that would be sent, or the reason why it is refused.
func (o GetOp[T]) Request() (*dynamodb.GetItemInput, error) {
	if o.e == nil {
		return nil, errZeroOp
	}
	key, err := o.e.model.readKey(&o.e.options, o.e.ownKey(o.key))
	if err != nil {
		return nil, err
	}
	in := &dynamodb.GetItemInput{
		TableName:              ptr(o.e.options.tableName(o.e.model.table)),
		Key:                    key,
		ReturnConsumedCapacity: o.e.options.returnCapacity(),
	}
	if o.e.options.consistent {
		in.ConsistentRead = ptr(true)
	}
	return in, nil
}

// raw reads the stored item and makes sure that it is the entity's.
func (o GetOp[T]) raw(ctx context.Context) (*record, error) {
	in, err := o.Request()
	if err != nil {
		return nil, err
	}
	m := o.e.model
	answer := m.reply(m.plan, m.primary, "Item")
	out, err := readInto(ctx, m.table, &o.e.options, answer, m.table.client.GetItem, in)
	if err != nil {
		return nil, err
	}
	item, err := answer.one(out.Item)
	if err == nil {
		err = m.present(item)
	}
	return item, err
}

// putOp is what Create and Put share.
type putOp[T any] struct {
	e      *Entity[T]
	item   T
	conds  []*condNode
	create bool
	dst    *T // where a transaction puts what was stored
}

// putOp does not copy the item. A verb that carries it out at once needs no copy of its own.
func (e *Entity[T]) putOp(item T, conds []Cond[T], create bool) putOp[T] {
	return putOp[T]{e: e, item: item, conds: nodes(conds), create: create}
}

func (o putOp[T]) build(ctx context.Context, token string) (*write, error) {
	if o.e == nil {
		return nil, errZeroOp
	}
	return o.e.model.buildPut(ctx, o.e.options.atToken(token), o.create, o.e.ownItem(o.item), o.conds)
}

// Request is the request that would be sent now, or the reason why there is none: the call is refused, or it takes more than one request.
func (o putOp[T]) Request() (*dynamodb.PutItemInput, error) {
	w, err := o.build(context.Background(), o.e.token())
	if err == nil {
		err = w.alone()
	}
	if err != nil {
		return nil, err
	}
	return w.putInput(), nil
}

func (o putOp[T]) run(ctx context.Context) (T, error) {
	w, err := o.build(ctx, o.e.options.onceToken())
	if err != nil {
		var zero T
		return zero, err
	}
	return o.e.perform(ctx, w.stage())
}

// token is that of the entity's options.
func (e *Entity[T]) token() string {
	if e == nil {
		return ""
	}
	return e.options.token
}

// perform carries out a write and decodes what is stored then.
func (e *Entity[T]) perform(ctx context.Context, s *staged) (T, error) {
	stored, err := s.perform(ctx)
	if err != nil {
		var zero T
		return zero, err
	}
	defer stored.close()
	return e.written(stored)
}

// keyIn takes the primary key out of an item.
func (m *model) keyIn(item attributeMap) attributeMap {
	key := make(attributeMap, 2)
	for _, k := range m.primary.all() {
		key[k.Name] = item[k.Name]
	}
	return key
}

// CreateOp is a Create as a value.
type CreateOp[T any] struct {
	_ [0]opCreate
	putOp[T]
}

// CreateOp is [Entity.Create] as a value.
func (e *Entity[T]) CreateOp(item T, conds ...Cond[T]) CreateOp[T] {
	return CreateOp[T]{putOp: e.putOp(frozenItem(item), conds, true)}
}

// PutOp is a Put as a value.
type PutOp[T any] struct {
	_ [0]opPut
	putOp[T]
}

// Into makes a transaction put what was stored into dst once it has succeeded.
func (o CreateOp[T]) Into(dst *T) CreateOp[T] {
	o.dst = dst
	return o
}

// Into makes a transaction put what was stored into dst once it has succeeded.
func (o PutOp[T]) Into(dst *T) PutOp[T] {
	o.dst = dst
	return o
}

// opCreate and opPut keep the two operations from being converted into each other.
type (
	opCreate struct{}
	opPut    struct{}
)

// PutOp is [Entity.Put] as a value.
func (e *Entity[T]) PutOp(item T, conds ...Cond[T]) PutOp[T] {
	return PutOp[T]{putOp: e.putOp(frozenItem(item), conds, false)}
}

// UpdateOp is an Update as a value.
type UpdateOp[T any] struct {
	e       *Entity[T]
	key     T
	changes []Change[T]
	upsert  bool
}

// UpdateOp is [Entity.Update] as a value.
func (e *Entity[T]) UpdateOp(key T, changes ...Change[T]) UpdateOp[T] {
	return UpdateOp[T]{e: e, key: e.frozenKey(key), changes: slices.Clone(changes)}
}

func (o UpdateOp[T]) build(token string) (*write, error) {
	if o.e == nil {
		return nil, errZeroOp
	}
	changes, err := changeNodes(o.changes)
	if err != nil {
		return nil, err
	}
	return o.e.model.buildUpdate(o.e.options.atToken(token), o.e.ownKey(o.key), changes, o.upsert)
}

// Request is the request that would be sent now, or the reason why there is none: the call is refused, or it takes more than one request.
func (o UpdateOp[T]) Request() (*dynamodb.UpdateItemInput, error) {
	w, err := o.build(o.e.token())
	if err == nil {
		err = w.alone()
	}
	if err != nil {
		return nil, err
	}
	return w.updateInput(), nil
}

func (o UpdateOp[T]) run(ctx context.Context) (T, error) {
	w, err := o.build(o.e.options.onceToken())
	if err != nil {
		var zero T
		return zero, err
	}
	return o.e.perform(ctx, w.stage())
}

// DeleteOp is a Delete as a value.
type DeleteOp[T any] struct {
	e     *Entity[T]
	key   T
	conds []*condNode
}

// DeleteOp is [Entity.Delete] as a value.
func (e *Entity[T]) DeleteOp(key T, conds ...Cond[T]) DeleteOp[T] {
	return DeleteOp[T]{e: e, key: e.frozenKey(key), conds: nodes(conds)}
}

// Request is the request that would be sent now, or the reason why there is none: the call is refused, or it takes more than one request.
func (o DeleteOp[T]) Request() (*dynamodb.DeleteItemInput, error) {
	w, err := o.build(o.e.token())
	if err == nil {
		err = w.alone()
	}
	if err != nil {
		return nil, err
	}
	return w.deleteInput(), nil
}

func (o DeleteOp[T]) build(token string) (*write, error) {
	if o.e == nil {
		return nil, errZeroOp
	}
	return o.e.model.buildDelete(o.e.options.atToken(token), o.e.ownKey(o.key), o.conds)
}

func (o DeleteOp[T]) run(ctx context.Context) (*T, error) {
	w, err := o.build(o.e.options.onceToken())
	if err != nil {
		return nil, err
	}
	stored, err := w.stage().perform(ctx)
	if err != nil || stored.missing() || w.m.expired(stored, w.expect.now) {
		return nil, err
	}
	old, err := o.e.written(stored)
	if err != nil {
		return nil, err
	}
	return &old, nil
}

// alone says why a write cannot be shown as one request.
func (w *write) alone() error {
	switch {
	case w.o.exactlyOnce:
		return invalidf("%s is a transaction under ExactlyOnce, not one request of its own", w.op)
	case w.stage().reads:
		return invalidf("%s reads the item first, for its unique values", w.op)
	case len(w.uniques) > 0:
		return invalidf("%s is a transaction, with guards for its unique values", w.op)
	}
	return nil
}
