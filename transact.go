package monotable

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable/internal/codec"
	"github.com/monotable/monotable/internal/retry"
)

// DynamoDB's limits on one transaction.
const (
	maxTransact      = 100
	maxTransactBytes = 4 << 20
	maxToken         = 36
)

// WriteOp is a write, or a check, that a transaction can carry: CreateOp, PutOp, UpdateOp, DeleteOp, CheckOp.
type WriteOp interface {
	transact(ctx context.Context) (*transactEntry, error)
}

// transactEntry is one compiled action of a transaction.
type transactEntry struct {
	op     string
	m      *model
	table  string
	key    attributeMap
	item   types.TransactWriteItem
	expect *expectation
	size   int
	keep   func() error // hands the caller what was stored
}

// OperationError is why one operation of a transaction failed.
type OperationError struct {
	Index  int    // in the call
	Op     string // "Create", "Put", "Update", "Delete", "Check", "Get"
	Entity string
	Key    map[string]types.AttributeValue // never part of the text
	Code   string                          // the service's reason, such as ConditionalCheckFailed; "" if it is not the service's
	Err    error                           // a *ConditionError where a condition failed: [Entity.Old] decodes the stored item
}

func (e *OperationError) Error() string {
	return fmt.Sprintf("operation %d, %s %s: %s", e.Index, e.Op, e.Entity, bare(e.Err))
}

// Unwrap gives the reason.
func (e *OperationError) Unwrap() error { return e.Err }

// TransactionError says which operations made a transaction fail. A failed TransactWrite has written nothing. errors.Is answers for the
// reasons of all operations, as it does after single calls.
type TransactionError struct {
	Operations []*OperationError // those that failed, in order
	err        error
}

func (e *TransactionError) Error() string {
	lines := make([]string, len(e.Operations))
	for i, op := range e.Operations {
		lines[i] = op.Error()
	}
	return "monotable: transaction failed: " + strings.Join(lines, "; ")
}

// Unwrap gives the failed operations and the SDK's error.
func (e *TransactionError) Unwrap() []error {
	errs := make([]error, 0, len(e.Operations)+1)
	for _, op := range e.Operations {
		errs = append(errs, op)
	}
	if e.err != nil {
		errs = append(errs, e.err)
	}
	return errs
}

// TransactWrite carries out 1 to 100 operations on different items, of any entities, also of other tables with the same client: all or
// none. More than 100, more than 4 MB, and two operations on one item are refused with ErrInvalid before anything is sent.
//
// A token makes the SDK's resends count once ([Token] sets the caller's own). If the service cancels the transaction for passing reasons alone (a conflict
// with another transaction, throttling) it is tried again, with full jitter, until the [Attempts] or the context end. Otherwise a
// [*TransactionError] tells the reason of every operation. ErrOutcomeUnknown if no definite answer came.
func (t *Table) TransactWrite(ctx context.Context, ops ...WriteOp) error {
	return opError("TransactWrite", "", t.Name(), t.transactWrite(ctx, ops))
}

func (t *Table) transactWrite(ctx context.Context, ops []WriteOp) error {
	if len(ops) == 0 || len(ops) > maxTransact {
		return invalidf("%d operations; a transaction takes 1 to %d", len(ops), maxTransact)
	}
	entries := make([]*transactEntry, len(ops))
	in := &dynamodb.TransactWriteItemsInput{ReturnConsumedCapacity: t.options.returnCapacity()}
	var keys keyRegister
	size := 0
	for i, op := range ops {
		if op == nil {
			return invalidf("operation %d is nil", i)
		}
		entry, err := op.transact(ctx)
		if err != nil {
			return indexed("operation", i, err)
		}
		if err := keys.add(t, entry.table, entry.m, entry.key); err != nil {
			return err
		}
		size += entry.size
		entries[i], in.TransactItems = entry, append(in.TransactItems, entry.item)
	}
	if size > maxTransactBytes {
		return invalidf("the operations have %d bytes; a transaction takes %d", size, maxTransactBytes)
	}
	if err := errors.Join(t.options.checkToken(), started(ctx)); err != nil {
		return err
	}
	err := t.untilSettled(ctx, func() error {
		in.ClientRequestToken = ptr(or(t.options.token, rand.Text()))
		out, err := t.client.TransactWriteItems(ctx, in, append(t.options.client[:len(t.options.client):len(t.options.client)], patient)...)
		if err != nil {
			return err
		}
		for i := range out.ConsumedCapacity {
			t.options.capacity.add(&out.ConsumedCapacity[i])
		}
		return nil
	})
	if err != nil {
		return transactionError(err, true, entries)
	}
	var kept []error
	for _, e := range entries {
		if e.keep != nil {
			kept = append(kept, e.keep())
		}
	}
	return errors.Join(kept...)
}

// keyRegister finds two operations on one item.
type keyRegister struct{ seen map[string]int }

func (r *keyRegister) add(t *Table, table string, m *model, key attributeMap) error {
	i := len(r.seen)
	if m.table.client != t.client {
		return invalidf("operation %d is of a table with another client", i)
	}
	if err := t.options.inScope(key[m.primary.partition[0].Name]); err != nil {
		return indexed("operation", i, err)
	}
	id := keyIdentity(table, m.table, key)
	if first, ok := r.seen[id]; ok {
		return invalidf("operations %d and %d are on the same item", first, i)
	}
	if r.seen == nil {
		r.seen = map[string]int{}
	}
	r.seen[id] = i
	return nil
}

// untilSettled tries again while the service cancels for passing reasons.
func (t *Table) untilSettled(ctx context.Context, send func() error) error {
	for attempt := 0; ; attempt++ {
		err := send()
		var cancelled *types.TransactionCanceledException
		if !errors.As(err, &cancelled) || !passing(cancelled.CancellationReasons) || attempt+1 >= t.options.tries() {
			return err
		}
		if waitErr := backoff.Wait(ctx, attempt); waitErr != nil {
			return errors.Join(waitErr, err)
		}
	}
}

// passing says that every reason is one that another try may not meet.
func passing(reasons []types.CancellationReason) bool {
	some := false
	for _, r := range reasons {
		switch deref(r.Code) {
		case "None", "":
		case "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded":
			some = true
		default:
			return false
		}
	}
	return some
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// transactionError tells the reasons by position. Other errors are sorted like those of single calls.
func transactionError(err error, wrote bool, entries []*transactEntry) error {
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) {
		return serviceError(err, wrote)
	}
	failed := &TransactionError{err: err}
	for i, reason := range cancelled.CancellationReasons {
		code := deref(reason.Code)
		if i >= len(entries) || code == "None" || code == "" {
			continue
		}
		e := entries[i]
		op := &OperationError{Index: i, Op: e.op, Entity: e.m.name, Key: e.key, Code: code}
		switch code {
		case "ConditionalCheckFailed":
			refusal := &ConditionError{Entity: e.m.name, item: reason.Item}
			if len(reason.Item) == 0 {
				refusal.item = nil
			}
			e.m.explain(refusal, e.expect, refusal.item)
			op.Err = refusal
		case "ThrottlingError", "ProvisionedThroughputExceeded":
			op.Err = ErrThrottled
		case "TransactionConflict":
			op.Err = errTransactionConflict
		default:
			// The service's message may quote the request.
			op.Err = fmt.Errorf("refused by the service: %s", code)
		}
		failed.Operations = append(failed.Operations, op)
	}
	return failed
}

var errTransactionConflict = errors.New("monotable: in conflict with another transaction on the item")

func (o *options) checkToken() error {
	if len(o.token) > maxToken {
		return invalidf("a token has 1 to %d characters, this one %d", maxToken, len(o.token))
	}
	return nil
}

// patient makes the SDK wait out a transaction of the same token that is still in progress: it resends the same bytes for more than
// six seconds, if the context allows. Other errors are retried as often as before.
func patient(o *dynamodb.Options) {
	if o.Retryer != nil {
		o.Retryer = &patientRetryer{Retryer: o.Retryer}
	}
}

const inProgressTries = 10

type patientRetryer struct {
	aws.Retryer
	waited, others int // tries so far; a retryer of this kind serves one call
}

func (r *patientRetryer) MaxAttempts() int {
	if most := r.Retryer.MaxAttempts(); most > 0 {
		return most + inProgressTries
	}
	return 0
}

func (r *patientRetryer) IsErrorRetryable(err error) bool {
	if errors.As(err, new(*types.TransactionInProgressException)) {
		r.waited++
		return r.waited <= inProgressTries
	}
	r.others++
	most := r.Retryer.MaxAttempts()
	return (most == 0 || r.others < most) && r.Retryer.IsErrorRetryable(err)
}

func (r *patientRetryer) RetryDelay(attempt int, err error) (time.Duration, error) {
	if errors.As(err, new(*types.TransactionInProgressException)) {
		return 500*time.Millisecond + retry.Backoff{Base: time.Second, Cap: time.Second}.Delay(0), nil
	}
	return r.Retryer.RetryDelay(attempt, err)
}

// entry makes a transaction's action of a compiled write.
func (m *model) entry(op string, o *options, key attributeMap, expect *expectation, action types.TransactWriteItem, values ...attributeMap) *transactEntry {
	e := &transactEntry{op: op, m: m, table: o.tableName(m.table), key: key, expect: expect, item: action}
	for _, v := range values {
		e.size += codec.Size(v)
	}
	return e
}

func (o putOp[T]) transact(ctx context.Context) (*transactEntry, error) {
	w, err := o.build(ctx)
	if err != nil {
		return nil, err
	}
	m, in := o.e.model, w.input
	op := "Put"
	if o.create {
		op = "Create"
	}
	e := m.entry(op, &o.e.options, m.keyIn(in.Item), &w.expect, types.TransactWriteItem{Put: &types.Put{
		TableName: in.TableName, Item: in.Item, ConditionExpression: in.ConditionExpression,
		ExpressionAttributeNames: in.ExpressionAttributeNames, ExpressionAttributeValues: in.ExpressionAttributeValues,
		ReturnValuesOnConditionCheckFailure: in.ReturnValuesOnConditionCheckFailure,
	}}, in.Item, in.ExpressionAttributeValues)
	if o.dst != nil {
		e.keep = func() error {
			stored, err := o.e.written(in.Item)
			if err == nil {
				*o.dst = stored
			}
			return err
		}
	}
	return e, nil
}

func (o UpdateOp[T]) transact(context.Context) (*transactEntry, error) {
	w, err := o.build()
	if err != nil {
		return nil, err
	}
	in := w.input
	return o.e.model.entry("Update", &o.e.options, in.Key, &w.expect, types.TransactWriteItem{Update: &types.Update{
		TableName: in.TableName, Key: in.Key, UpdateExpression: in.UpdateExpression, ConditionExpression: in.ConditionExpression,
		ExpressionAttributeNames: in.ExpressionAttributeNames, ExpressionAttributeValues: in.ExpressionAttributeValues,
		ReturnValuesOnConditionCheckFailure: in.ReturnValuesOnConditionCheckFailure,
	}}, in.Key, in.ExpressionAttributeValues), nil
}

func (o DeleteOp[T]) transact(context.Context) (*transactEntry, error) {
	w, err := o.build()
	if err != nil {
		return nil, err
	}
	in := w.input
	return o.e.model.entry("Delete", &o.e.options, in.Key, &w.expect, types.TransactWriteItem{Delete: &types.Delete{
		TableName: in.TableName, Key: in.Key, ConditionExpression: in.ConditionExpression,
		ExpressionAttributeNames: in.ExpressionAttributeNames, ExpressionAttributeValues: in.ExpressionAttributeValues,
		ReturnValuesOnConditionCheckFailure: in.ReturnValuesOnConditionCheckFailure,
	}}, in.Key, in.ExpressionAttributeValues), nil
}

// CheckOp is a check as a value: an item that must be there, with conditions that must hold.
type CheckOp[T any] struct {
	e     *Entity[T]
	key   T
	conds []*condNode
}

// CheckOp makes a transaction depend on an item that it does not write: the item must exist, not be expired, have the version in the
// key if that is above 0, and meet the conditions.
func (e *Entity[T]) CheckOp(key T, conds ...Cond[T]) CheckOp[T] {
	return CheckOp[T]{e: e, key: frozenItem(key), conds: nodes(conds)}
}

func (o CheckOp[T]) transact(context.Context) (*transactEntry, error) {
	m := o.e.model
	check, expect, err := m.buildCheck(&o.e.options, ownCopy(o.key), o.conds)
	if err != nil {
		return nil, err
	}
	return m.entry("Check", &o.e.options, check.Key, expect, types.TransactWriteItem{ConditionCheck: check}, check.Key, check.ExpressionAttributeValues), nil
}

// Request is the check as part of a transaction, or the reason why it is refused.
func (o CheckOp[T]) Request() (*types.ConditionCheck, error) {
	check, _, err := o.e.model.buildCheck(&o.e.options, ownCopy(o.key), o.conds)
	return check, err
}
