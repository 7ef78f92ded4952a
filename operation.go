package monotable

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Operations are the verbs as values: build one, look at its request, pass it on. They are immutable.

// frozenItem is a copy of an item that the caller cannot change any more.
func frozenItem[T any](item T) T { return ownCopy(item).Interface().(T) }

// GetOp is a Get as a value.
type GetOp[T any] struct {
	e   *Entity[T]
	key T
	dst *T
}

// GetOp is [Entity.Get] as a value. dst is where TransactGet puts the item; nil does to look at the request.
func (e *Entity[T]) GetOp(key T, dst *T) GetOp[T] {
	return GetOp[T]{e: e, key: frozenItem(key), dst: dst}
}

// Request is the request that would be sent, or the reason why it is refused.
func (o GetOp[T]) Request() (*dynamodb.GetItemInput, error) {
	// The version in a key means nothing to a read.
	opts := o.e.options
	opts.noVersion = true
	key, _, err := o.e.model.keyOf(&opts, ownCopy(o.key))
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

func (o GetOp[T]) run(ctx context.Context) (T, error) {
	var zero T
	item, err := o.raw(ctx)
	if err != nil {
		return zero, err
	}
	return o.e.decoded(item)
}

// raw reads the stored item and makes sure that it is the entity's.
func (o GetOp[T]) raw(ctx context.Context) (map[string]types.AttributeValue, error) {
	in, err := o.Request()
	if err == nil {
		err = started(ctx)
	}
	if err != nil {
		return nil, err
	}
	m := o.e.model
	out, err := m.table.client.GetItem(ctx, in, o.e.options.client...)
	if err != nil {
		return nil, serviceError(err, false)
	}
	o.e.options.capacity.add(out.ConsumedCapacity)
	return out.Item, m.present(out.Item)
}

// putOp is what Create and Put share.
type putOp[T any] struct {
	e      *Entity[T]
	item   T
	conds  []*condNode
	create bool
	dst    *T // where a transaction puts what was stored
}

func (o putOp[T]) build(ctx context.Context) (*putWrite, error) {
	return o.e.model.buildPut(ctx, &o.e.options, o.create, ownCopy(o.item), o.conds)
}

// Request is the request that would be sent now, or the reason why it is refused.
func (o putOp[T]) Request() (*dynamodb.PutItemInput, error) {
	w, err := o.build(context.Background())
	if err != nil {
		return nil, err
	}
	return w.input, nil
}

func (o putOp[T]) run(ctx context.Context) (T, error) {
	var zero T
	w, err := o.build(ctx)
	if err == nil {
		err = started(ctx)
	}
	if err != nil {
		return zero, err
	}
	m := o.e.model
	out, err := m.table.client.PutItem(ctx, w.input, o.e.options.client...)
	if err != nil {
		return zero, m.refused(err, &w.expect, func() (map[string]types.AttributeValue, error) {
			return o.e.lookUp(ctx, m.keyIn(w.input.Item))
		})
	}
	o.e.options.capacity.add(out.ConsumedCapacity)
	return o.e.written(w.input.Item)
}

// keyIn takes the primary key out of an item.
func (m *model) keyIn(item map[string]types.AttributeValue) map[string]types.AttributeValue {
	key := make(map[string]types.AttributeValue, 2)
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
	return CreateOp[T]{putOp: putOp[T]{e: e, item: frozenItem(item), conds: nodes(conds), create: true}}
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
	return PutOp[T]{putOp: putOp[T]{e: e, item: frozenItem(item), conds: nodes(conds)}}
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
	return UpdateOp[T]{e: e, key: frozenItem(key), changes: slices.Clone(changes)}
}

func (o UpdateOp[T]) build() (*updateWrite, error) {
	changes, err := changeNodes(o.changes)
	if err != nil {
		return nil, err
	}
	return o.e.model.buildUpdate(&o.e.options, ownCopy(o.key), changes, o.upsert)
}

// Request is the request that would be sent now, or the reason why it is refused.
func (o UpdateOp[T]) Request() (*dynamodb.UpdateItemInput, error) {
	w, err := o.build()
	if err != nil {
		return nil, err
	}
	return w.input, nil
}

func (o UpdateOp[T]) run(ctx context.Context) (T, error) {
	w, err := o.build()
	if err != nil {
		var zero T
		return zero, err
	}
	return o.e.update(ctx, w)
}

// update sends a compiled update.
func (e *Entity[T]) update(ctx context.Context, w *updateWrite) (T, error) {
	var zero T
	if err := started(ctx); err != nil {
		return zero, err
	}
	out, err := e.model.table.client.UpdateItem(ctx, w.input, e.options.client...)
	if err != nil {
		return zero, e.model.refused(err, &w.expect, func() (map[string]types.AttributeValue, error) {
			return e.lookUp(ctx, w.input.Key)
		})
	}
	e.options.capacity.add(out.ConsumedCapacity)
	return e.written(out.Attributes)
}

// DeleteOp is a Delete as a value.
type DeleteOp[T any] struct {
	e     *Entity[T]
	key   T
	conds []*condNode
}

// DeleteOp is [Entity.Delete] as a value.
func (e *Entity[T]) DeleteOp(key T, conds ...Cond[T]) DeleteOp[T] {
	return DeleteOp[T]{e: e, key: frozenItem(key), conds: nodes(conds)}
}

// Request is the request that would be sent now, or the reason why it is refused.
func (o DeleteOp[T]) Request() (*dynamodb.DeleteItemInput, error) {
	w, err := o.build()
	if err != nil {
		return nil, err
	}
	return w.input, nil
}

func (o DeleteOp[T]) build() (*deleteWrite, error) {
	return o.e.model.buildDelete(&o.e.options, ownCopy(o.key), o.conds)
}

func (o DeleteOp[T]) run(ctx context.Context) (*T, error) {
	w, err := o.build()
	if err == nil {
		err = started(ctx)
	}
	if err != nil {
		return nil, err
	}
	m := o.e.model
	out, err := m.table.client.DeleteItem(ctx, w.input, o.e.options.client...)
	if err != nil {
		return nil, m.refused(err, &w.expect, func() (map[string]types.AttributeValue, error) {
			return o.e.lookUp(ctx, w.input.Key)
		})
	}
	o.e.options.capacity.add(out.ConsumedCapacity)
	if len(out.Attributes) == 0 || m.expired(out.Attributes, w.expect.now) {
		return nil, nil
	}
	old, err := o.e.written(out.Attributes)
	if err != nil {
		return nil, err
	}
	return &old, nil
}
