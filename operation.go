package monotable

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Operations are the verbs as values: build one, look at its request, pass it on. They are immutable; a type with a Marshaler of its own must not be changed while an operation has it. The zero operation is an error in use.

var errZeroOp = invalidf("this operation was not made by an Entity")

// GetOp is a Get as a value.
type GetOp[T any] struct {
	_  [0]func(GetOp[T])
	op *opCore
}

// CreateOp is a Create as a value.
type CreateOp[T any] struct {
	_  [0]func(CreateOp[T])
	op *opCore
}

// PutOp is a Put as a value.
type PutOp[T any] struct {
	_  [0]func(PutOp[T])
	op *opCore
}

// UpdateOp is an Update as a value.
type UpdateOp[T any] struct {
	_  [0]func(UpdateOp[T])
	op *opCore
}

// UpsertOp is an Upsert as a value.
type UpsertOp[T any] struct {
	_  [0]func(UpsertOp[T])
	op *opCore
}

// DeleteOp is a Delete as a value.
type DeleteOp[T any] struct {
	_  [0]func(DeleteOp[T])
	op *opCore
}

// CheckOp is a check as a value: an item that must be there, with conditions that must hold.
type CheckOp[T any] struct {
	_  [0]func(CheckOp[T])
	op *opCore
}

// GetOp is [Entity.Get] as a value. dst is where TransactGet and Table.BatchGet put the item; nil does to look at the request.
func (e *Entity[T]) GetOp(key T, dst *T) GetOp[T] {
	return GetOp[T]{op: &opCore{verb: verbGet, of: e.base(), value: e.base().frozenKey(&key), dst: target(dst)}}
}

// CreateOp is [Entity.Create] as a value.
func (e *Entity[T]) CreateOp(item T, conds ...Cond[T]) CreateOp[T] {
	return CreateOp[T]{op: &opCore{verb: verbCreate, of: e.base(), value: frozen(&item), conds: nodes(conds)}}
}

// PutOp is [Entity.Put] as a value.
func (e *Entity[T]) PutOp(item T, conds ...Cond[T]) PutOp[T] {
	return PutOp[T]{op: &opCore{verb: verbPut, of: e.base(), value: frozen(&item), conds: nodes(conds)}}
}

// UpdateOp is [Entity.Update] as a value.
func (e *Entity[T]) UpdateOp(key T, changes ...Change[T]) UpdateOp[T] {
	return UpdateOp[T]{op: &opCore{verb: verbUpdate, of: e.base(), value: e.base().frozenKey(&key), changes: ownNodes(changes)}}
}

// UpsertOp is [Entity.Upsert] as a value. A transaction reads the item first, consistently, to know which of the two it must do.
func (e *Entity[T]) UpsertOp(key T, changes ...Change[T]) UpsertOp[T] {
	return UpsertOp[T]{op: &opCore{verb: verbUpsert, of: e.base(), value: e.base().frozenKey(&key), changes: ownNodes(changes)}}
}

// DeleteOp is [Entity.Delete] as a value.
func (e *Entity[T]) DeleteOp(key T, conds ...Cond[T]) DeleteOp[T] {
	return DeleteOp[T]{op: &opCore{verb: verbDelete, of: e.base(), value: e.base().frozenKey(&key), conds: nodes(conds)}}
}

// CheckOp makes a transaction depend on an item that it does not write: the item must exist, not be expired, have the version in the
// key if that is above 0, and meet the conditions.
func (e *Entity[T]) CheckOp(key T, conds ...Cond[T]) CheckOp[T] {
	return CheckOp[T]{op: &opCore{verb: verbCheck, of: e.base(), value: e.base().frozenKey(&key), conds: nodes(conds)}}
}

// Into makes a transaction put what was stored into dst once it has succeeded.
func (o CreateOp[T]) Into(dst *T) CreateOp[T] { return CreateOp[T]{op: o.op.into(dst)} }

// Into makes a transaction put what was stored into dst once it has succeeded.
func (o PutOp[T]) Into(dst *T) PutOp[T] { return PutOp[T]{op: o.op.into(dst)} }

// Request is the request that would be sent, or the reason why it is refused.
func (o GetOp[T]) Request() (*dynamodb.GetItemInput, error) { return o.op.getRequest() }

// Request is the request that would be sent now, or the reason why there is none: the call is refused, or it takes more than one request.
func (o CreateOp[T]) Request() (*dynamodb.PutItemInput, error) { return o.op.putRequest() }

// Request is the request that would be sent now, or the reason why there is none: the call is refused, or it takes more than one request.
func (o PutOp[T]) Request() (*dynamodb.PutItemInput, error) { return o.op.putRequest() }

// Request is the request that would be sent now, or the reason why there is none: the call is refused, or it takes more than one request.
func (o UpdateOp[T]) Request() (*dynamodb.UpdateItemInput, error) { return o.op.updateRequest() }

// Request is the request that would be sent first, the Update, or the reason why there is none.
func (o UpsertOp[T]) Request() (*dynamodb.UpdateItemInput, error) { return o.op.updateRequest() }

// Request is the request that would be sent now, or the reason why there is none: the call is refused, or it takes more than one request.
func (o DeleteOp[T]) Request() (*dynamodb.DeleteItemInput, error) { return o.op.deleteRequest() }

// Request is the check as part of a transaction, or the reason why it is refused.
func (o CheckOp[T]) Request() (*types.ConditionCheck, error) { return o.op.checkRequest() }

// Explain is the plan of the read, or the reason why it is refused. Nothing is sent.
func (o GetOp[T]) Explain() (Plan, error) { return o.op.explainGet() }

// Explain is the plan of the write as its verb carries it out, or the reason why it is refused. Nothing is sent. Unlike Request it also tells of
// writes that take more than one request: those of Unique attributes, see [Plan.Guards], and those under [ExactlyOnce].
func (o CreateOp[T]) Explain() (Plan, error) { return o.op.explain() }

// Explain is the plan of the write, see [CreateOp.Explain].
func (o PutOp[T]) Explain() (Plan, error) { return o.op.explain() }

// Explain is the plan of the update, see [CreateOp.Explain].
func (o UpdateOp[T]) Explain() (Plan, error) { return o.op.explain() }

// Explain is the plan of the Update that an Upsert tries first, see [CreateOp.Explain]. Where there is no item, a Create follows.
func (o UpsertOp[T]) Explain() (Plan, error) { return o.op.explain() }

// Explain is the plan of the deletion, see [CreateOp.Explain].
func (o DeleteOp[T]) Explain() (Plan, error) { return o.op.explain() }

// Explain is the plan of a transaction with this check alone in it, or the reason why it is refused. Nothing is sent.
func (o CheckOp[T]) Explain() (Plan, error) { return o.op.explain() }

func (o CreateOp[T]) stage(ctx context.Context, token string) (*staged, error) {
	return o.op.stage(ctx, token)
}

func (o PutOp[T]) stage(ctx context.Context, token string) (*staged, error) {
	return o.op.stage(ctx, token)
}

func (o UpdateOp[T]) stage(ctx context.Context, token string) (*staged, error) {
	return o.op.stage(ctx, token)
}

func (o UpsertOp[T]) stage(ctx context.Context, token string) (*staged, error) {
	return o.op.stage(ctx, token)
}

func (o DeleteOp[T]) stage(ctx context.Context, token string) (*staged, error) {
	return o.op.stage(ctx, token)
}

func (o CheckOp[T]) stage(ctx context.Context, token string) (*staged, error) {
	return o.op.stage(ctx, token)
}

func (o PutOp[T]) batch(ctx context.Context, entry *batchEntry) error { return o.op.batch(ctx, entry) }

func (o DeleteOp[T]) batch(ctx context.Context, entry *batchEntry) error {
	return o.op.batch(ctx, entry)
}

func (o GetOp[T]) compileRead() (compiledRead, error) { return o.op.compileRead() }
