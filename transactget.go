package monotable

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable/internal/codec"
)

// ReadOp is a read that a transaction or a batch can carry: GetOp.
type ReadOp interface {
	compileRead() (compiledRead, error)
}

// compiledRead is one read of a transaction or a batch.
type compiledRead struct {
	m          *model
	table      string
	key        attributeMap
	id         keyID // if it is text, instead of key
	consistent bool  // which a transaction always is
	get        *types.Get
	becomes    *codec.Plan              // what it is read into
	decode     func(item *record) error // into the destination
}

// TransactGet reads 1 to 100 different items, of any entities, also of other tables with the same client, as they were at one moment, into the destinations of
// the operations. An item that is missing, expired or of another entity is told by a [*TransactionError] that matches ErrNotFound or ErrWrongEntity;
// the others are filled in all the same. A conflict with a write is tried again, with full jitter, until the [Attempts] or the context end.
func (t *Table) TransactGet(ctx context.Context, ops ...ReadOp) error {
	ctx, v := t.begin(ctx, "TransactGet")
	err := t.transactGet(ctx, ops)
	found := len(ops)
	if failed, ok := errors.AsType[*TransactionError](err); ok && failed.err == nil {
		found -= len(failed.Operations)
	} else if err != nil {
		found = 0
	}
	return v.end(ctx, err, found)
}

func (t *Table) transactGet(ctx context.Context, ops []ReadOp) error {
	if len(ops) == 0 || len(ops) > maxTransact {
		return invalidf("%d operations; a transaction takes 1 to %d", len(ops), maxTransact)
	}
	reads := make([]compiledRead, len(ops))
	in := &dynamodb.TransactGetItemsInput{ReturnConsumedCapacity: t.options.returnCapacity()}
	var keys keyRegister
	for i, op := range ops {
		if op == nil {
			return invalidf("operation %d is nil", i)
		}
		read, err := op.compileRead()
		if err != nil {
			return indexed("operation", i, err)
		}
		if err := keys.add(t, read.table, read.m, read.key); err != nil {
			return err
		}
		reads[i] = read
		in.TransactItems = append(in.TransactItems, types.TransactGetItem{Get: read.get})
	}
	var out *dynamodb.TransactGetItemsOutput
	var a *attempts
	err := t.options.untilSettled(ctx, func() (err error) {
		out, a, err = send(ctx, &t.options, resendFreely, t.client.TransactGetItems, in)
		return err
	})
	if err != nil {
		return t.getsCancelled(a, err, reads)
	}
	failed := &TransactionError{}
	for i, read := range reads {
		var item attributeMap
		if i < len(out.Responses) {
			item = out.Responses[i].Item
		}
		if err := read.decode(recordOf(item)); err != nil {
			failed.Operations = append(failed.Operations, &OperationError{Index: i, Op: "Get", Entity: read.m.name, Key: read.key, Err: err})
		}
	}
	if len(failed.Operations) > 0 {
		return failed
	}
	return nil
}

// getsCancelled tells the reasons by position. Other errors are sorted like those of single calls.
func (t *Table) getsCancelled(a *attempts, err error, reads []compiledRead) error {
	cancelled, ok := errors.AsType[*types.TransactionCanceledException](err)
	if !ok {
		return a.failure(t.tableCore, err, false)
	}
	failed := &TransactionError{err: err}
	for i, reason := range cancelled.CancellationReasons {
		if code := deref(reason.Code); i < len(reads) && code != "None" && code != "" {
			failed.add(&OperationError{Index: i, Op: "Get", Entity: reads[i].m.name, Key: reads[i].key, Code: code, Err: cancellation(code)})
		}
	}
	return failed
}
