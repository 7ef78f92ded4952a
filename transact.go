package monotable

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// DynamoDB's limits on one transaction.
const (
	maxTransact      = 100
	maxTransactBytes = 4 << 20
	maxToken         = 36
)

// WriteOp is a write, or a check, that a transaction can carry: CreateOp, PutOp, UpdateOp, UpsertOp, DeleteOp, CheckOp.
type WriteOp interface {
	// stage compiles the operation. Under the caller's own token every request must be the same each time.
	stage(ctx context.Context, token string) (*staged, error)
}

// OperationError is why one operation of a transaction failed.
type OperationError struct {
	Index  int    // in the call
	Op     string // "Create", "Put", "Update", "Upsert", "Delete", "Check", "Get"
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
// none. More than 100, more than 4 MB, and two operations on one item are refused with ErrInvalid before anything is sent; the guards of [Attr.Unique]
// values count too. A value that one operation frees another may take.
//
// A token makes the SDK's resends count once ([Token] sets the caller's own). If the service cancels the transaction for passing reasons alone (a conflict
// with another transaction, throttling), or because what was read for it is outdated, it is tried again, with full jitter, until the [Attempts] or the context end. Otherwise a
// [*TransactionError] tells the reason of every operation. ErrOutcomeUnknown if no definite answer came.
func (t *Table) TransactWrite(ctx context.Context, ops ...WriteOp) error {
	ctx, v := t.begin(ctx, "TransactWrite")
	err := t.transactWrite(ctx, ops)
	written := len(ops)
	if err != nil {
		written = 0
	}
	return v.end(ctx, err, written)
}

func (t *Table) transactWrite(ctx context.Context, ops []WriteOp) error {
	if len(ops) == 0 || len(ops) > maxTransact {
		return invalidf("%d operations; a transaction takes 1 to %d", len(ops), maxTransact)
	}
	all := make([]*staged, len(ops))
	var keys keyRegister
	for i, op := range ops {
		if op == nil {
			return invalidf("operation %d is nil", i)
		}
		token := t.options.token
		if token != "" {
			token += strconv.Itoa(i)
		}
		s, err := op.stage(ctx, token)
		if err != nil {
			return indexed("operation", i, err)
		}
		if err := keys.add(t, s.o.tableName(s.m.table), s.m, s.key); err != nil {
			return err
		}
		all[i] = s
	}
	if err := errors.Join(t.options.checkToken(), started(ctx)); err != nil {
		return err
	}
	if err := t.tableCore.transact(ctx, &t.options, all); err != nil {
		return err
	}
	var kept []error
	for _, s := range all {
		if s.keep != nil {
			kept = append(kept, s.keep(s.write.item))
		}
	}
	return errors.Join(kept...)
}

// transact carries out writes as one transaction, again when what they were built on is outdated.
func (c *tableCore) transact(ctx context.Context, o *options, ops []*staged) error {
	for attempt := 0; ; attempt++ {
		for i, s := range ops {
			if err := s.prepare(ctx); err != nil {
				return indexed("operation", i, err)
			}
		}
		tx, err := c.assemble(o, ops)
		if err != nil {
			return err
		}
		again, err := tx.send(ctx)
		if !again || attempt+1 >= o.tries() {
			return err
		}
		if waitErr := o.wait(ctx, attempt); waitErr != nil {
			return because(waitErr, err)
		}
	}
}

// send makes the request, again while the service cancels it for passing reasons. again says that what it was built on is outdated.
func (tx *transaction) send(ctx context.Context) (again bool, _ error) {
	in := &dynamodb.TransactWriteItemsInput{TransactItems: tx.actions, ReturnConsumedCapacity: tx.o.returnCapacity()}
	var a *attempts
	open := false // a request was sent, and no answer came
	err := tx.o.untilSettled(ctx, func() (err error) {
		var body []byte
		if open { // it may yet be carried out, and must not be carried out beside another one
			body = a.body
		} else {
			in.ClientRequestToken = ptr(or(tx.o.token, rand.Text()))
		}
		a = newAttempts(tx.o, resendByToken)
		a.body = body
		_, err = sendAs(ctx, tx.o, a, tx.c.client.TransactWriteItems, in)
		open = open || a.open()
		return err
	})
	cancelled, ok := errors.AsType[*types.TransactionCanceledException](err)
	switch {
	case err == nil:
		return false, nil
	case !ok:
		return false, tx.failure(a, err, *in.ClientRequestToken, open)
	}
	failed := &TransactionError{err: err}
	some, all := false, true // is outdated, or passes
	for i, reason := range cancelled.CancellationReasons {
		if code := deref(reason.Code); code == "None" || code == "" {
			continue
		}
		var op *OperationError
		var outdated bool
		if i < len(tx.ops) {
			op, outdated = tx.ops[i].refused(i, reason, open)
		} else if i -= len(tx.ops); i < len(tx.guards) {
			op, outdated = tx.guards[i].refused(reason, cancelled.CancellationReasons, open)
		} else {
			continue
		}
		if refusal, ok := errors.AsType[*ConditionError](op.Err); ok {
			refusal.err = err
		}
		some, all = some || outdated, all && (outdated || passes[op.Code])
		failed.add(op)
	}
	return some && all, failed
}

// failure sorts an error that is no cancellation.
func (tx *transaction) failure(a *attempts, err error, token string, open bool) error {
	err = a.failure(tx.c, err, true)
	if !open && !errors.Is(err, ErrOutcomeUnknown) {
		return err
	}
	unknown := &OutcomeError{Token: token, err: err}
	for i, s := range tx.ops {
		unknown.Writes = append(unknown.Writes, s.write.unknown(i))
	}
	return unknown
}

// refused tells why the service refused the operation, and whether only because what was read is outdated.
func (s *staged) refused(index int, reason types.CancellationReason, open bool) (*OperationError, bool) {
	op := &OperationError{Index: index, Op: s.op, Entity: s.m.name, Key: s.key, Code: deref(reason.Code)}
	if op.Code != "ConditionalCheckFailed" {
		op.Err = cancellation(op.Code)
		return op, false
	}
	item := reason.Item
	if len(item) == 0 {
		item = nil
	}
	e := &ConditionError{Entity: s.m.name, table: s.write.table(), Ambiguous: open && !s.write.isPast(item), item: item}
	s.m.explain(e, &s.write.expect, item)
	op.Err = e
	return op, s.reads && s.write.outdated(s.was, item)
}

// refused tells why the service refused a guard. One that was to be freed and is another item's is left to it, if the item was as it had been read:
// otherwise its value may have gone to the other one since, and come back before the next try.
func (g *guardSlot) refused(reason types.CancellationReason, all []types.CancellationReason, open bool) (*OperationError, bool) {
	use := g.taker
	if use == nil {
		use = g.freer
	}
	s := use.s
	op := &OperationError{Index: use.index, Op: s.op, Entity: s.m.name, Key: s.key, Code: deref(reason.Code)}
	switch {
	case op.Code != "ConditionalCheckFailed":
		op.Err = cancellation(op.Code)
		return op, false
	case g.taker == nil && deref(all[use.index].Code) == "None":
		if s.foreign == nil {
			s.foreign = map[string]bool{}
		}
		s.foreign[keyIdentity("", s.m.table, g.key)] = true
	}
	op.Err = &ConditionError{Entity: s.m.name, Ambiguous: open, Attribute: use.unique.attribute.String(), reasons: []error{ErrDuplicate}, detail: use.unique.attribute.String()}
	return op, g.taker == nil
}

// add notes why an operation failed: once for each, its own condition before those of its guards.
func (e *TransactionError) add(op *OperationError) {
	for _, other := range e.Operations {
		if other.Index == op.Index {
			return
		}
	}
	e.Operations = append(e.Operations, op)
	slices.SortFunc(e.Operations, func(a, b *OperationError) int { return a.Index - b.Index })
}

// keyRegister finds two operations on one item.
type keyRegister struct{ seen map[string]int }

func (r *keyRegister) add(t *Table, table string, m *model, key attributeMap) error {
	i := len(r.seen)
	if !m.table.sharesClient(t.tableCore) {
		return invalidf("operation %d is of a table with another client", i)
	}
	if err := t.options.inScope(key[m.primary.partition[0].Name]); err != nil {
		return indexed("operation", i, err)
	}
	id := keyIdentity(table, m.table, key)
	if first, ok := r.seen[id]; ok {
		return invalidf("operations %d and %d are on the same item; one operation can have all its changes and conditions", first, i)
	}
	if r.seen == nil {
		r.seen = map[string]int{}
	}
	r.seen[id] = i
	return nil
}

// untilSettled tries again while the service cancels for passing reasons.
func (o *options) untilSettled(ctx context.Context, send func() error) error {
	for attempt := 0; ; attempt++ {
		err := send()
		var cancelled *types.TransactionCanceledException
		if !errors.As(err, &cancelled) || !passing(cancelled.CancellationReasons) || attempt+1 >= o.tries() {
			return err
		}
		if waitErr := o.wait(ctx, attempt); waitErr != nil {
			return because(waitErr, err)
		}
	}
}

// passing says that every reason is one that another try may not meet.
func passing(reasons []types.CancellationReason) bool {
	some := false
	for _, r := range reasons {
		switch code := deref(r.Code); {
		case code == "None", code == "":
		case passes[code]:
			some = true
		default:
			return false
		}
	}
	return some
}

// passes are the reasons that another try may not meet.
var passes = map[string]bool{"TransactionConflict": true, "ThrottlingError": true, "ProvisionedThroughputExceeded": true}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// cancellation is the error of a reason that is no condition.
func cancellation(code string) error {
	switch code {
	case "ThrottlingError", "ProvisionedThroughputExceeded":
		return ErrThrottled
	case "TransactionConflict":
		return errTransactionConflict
	}
	return fmt.Errorf("refused by the service: %s", code) // its message may quote the request
}

var errTransactionConflict = errors.New("monotable: in conflict with another transaction on the item")

func (o *options) checkToken() error {
	if len(o.token) > maxToken {
		return invalidf("a token has 1 to %d characters, this one %d", maxToken, len(o.token))
	}
	return nil
}

// atToken are the options of one operation under the transaction's token.
func (o *options) atToken(token string) *options {
	if token == "" {
		return o
	}
	own := *o
	own.token, own.tokened = token, true
	return &own
}
