package monotable

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

// Observer is told of every operation, which is one call of a verb with a context, and of every attempt to send one of its requests. Set it by
// [TableConfig.Observer]. It learns names, numbers and outcomes, never keys or values.
//
// An operation of an iterator begins and ends with the iteration, also by a break; each ranging is one. Everything that a verb sends is
// part of its one operation: the read and the write of a Modify, both legs of an Upsert, the reads before a transaction, all pages.
// What a program calls from within an operation, in a validator for example, is an operation of its own.
//
// Each Start has its End, with the context that Start returned, save where a panic of the program's or of the observer's comes between:
// panics of an observer are let through like those of any callback. The methods are called in the goroutines that do
// the work, several at once, and hold them up. Embed [NoObserver] so that methods added later do no harm.
type Observer interface {
	// OperationStart may return a derived context: all requests of the operation run under it. nil stands for ctx.
	OperationStart(ctx context.Context, op OperationInfo) context.Context
	OperationEnd(ctx context.Context, op OperationInfo, result OperationResult)
	// AttemptStart may return a derived context, under which the attempt runs. nil stands for ctx.
	AttemptStart(ctx context.Context, attempt AttemptInfo) context.Context
	AttemptEnd(ctx context.Context, attempt AttemptInfo, result AttemptResult)
}

// OperationInfo is what is known of an operation when it begins.
type OperationInfo struct {
	Name   string // "Get", "Query", "BatchWrite", …: that of [OpError]; Query or Scan for all ways to run one
	Entity string // "" for operations of a table
	Table  string
	Index  string    // of a Query or Scan; "" for the table
	Start  time.Time // with a monotonic reading
}

// OperationResult is what became of an operation.
type OperationResult struct {
	Outcome Outcome
	Err     error // nil or an *OpError. Its text is free of values, save what rules and callbacks of the program say; what it wraps is not.

	Items         int // returned, counted or written; findings of CheckUnique and RepairUnique; operations of a transaction
	Requests      int
	Attempts      int     // to send them
	Retries       int     // attempts after a request's first
	CapacityUnits float64 // as far as answers have reported them
	Throttles     int     // attempts that were refused for lack of capacity, whatever came of the operation
	Throttling    []ThrottlingReason
	Duration      time.Duration
}

// AttemptInfo is an attempt to send a request. Of a [Client] that does not take the SDK's middleware a whole call is one attempt, told when it is over.
type AttemptInfo struct {
	Operation OperationInfo
	Request   string // "GetItem", "TransactWriteItems", …
	Sequence  int    // of the request in the operation, 1 first
	Number    int    // of the attempt at the request, 1 first
	Start     time.Time
}

// AttemptResult is what became of an attempt.
type AttemptResult struct {
	Outcome        Outcome
	Code           string // the service's error code; "" if there is none
	MayHaveApplied bool   // a write that was sent and has no definite answer
	CapacityUnits  float64
	Throttling     []ThrottlingReason
	Duration       time.Duration
}

// Outcome sorts results. Of several that hold, as after a transaction, it is the first in the order of the constants. There may be more later.
type Outcome string

// The outcomes. Those without a comment are the error of that name.
const (
	OutcomeOK              Outcome = "ok"
	OutcomeUnknown         Outcome = "unknown"  // ErrOutcomeUnknown
	OutcomeCanceled        Outcome = "canceled" // by the caller's context, or its deadline
	OutcomeInvalid         Outcome = "invalid"  // ErrInvalid, ErrBadCursor: refused before it was sent
	OutcomeWrongEntity     Outcome = "wrong_entity"
	OutcomeDuplicate       Outcome = "duplicate"
	OutcomeAlreadyExists   Outcome = "already_exists"
	OutcomeNotFound        Outcome = "not_found"
	OutcomeVersionConflict Outcome = "version_conflict"
	OutcomeConditionFailed Outcome = "condition_failed"
	OutcomeThrottled       Outcome = "throttled"
	OutcomeConflict        Outcome = "conflict" // with a transaction, or another region's write
	OutcomeUnprocessed     Outcome = "unprocessed"
	OutcomeFailed          Outcome = "failed" // whatever else
)

var outcomes = []struct {
	is      error
	outcome Outcome
}{
	{ErrInvalid, OutcomeInvalid},
	{ErrBadCursor, OutcomeInvalid},
	{ErrWrongEntity, OutcomeWrongEntity},
	{ErrDuplicate, OutcomeDuplicate},
	{ErrAlreadyExists, OutcomeAlreadyExists},
	{ErrNotFound, OutcomeNotFound},
	{ErrVersionConflict, OutcomeVersionConflict},
	{ErrConditionFailed, OutcomeConditionFailed},
	{ErrThrottled, OutcomeThrottled},
	{errTransactionConflict, OutcomeConflict},
}

func outcomeOf(ctx context.Context, err error) Outcome {
	if err == nil {
		return OutcomeOK
	}
	if errors.Is(err, ErrOutcomeUnknown) {
		return OutcomeUnknown
	}
	if canceled(ctx, err) {
		return OutcomeCanceled
	}
	for _, o := range outcomes {
		if errors.Is(err, o.is) {
			return o.outcome
		}
	}
	switch {
	case inConflict(err):
		return OutcomeConflict
	case errors.Is(err, ErrUnprocessed):
		return OutcomeUnprocessed
	}
	return OutcomeFailed
}

// canceled asks the context too: timeouts of the network look like deadlines.
func canceled(ctx context.Context, err error) bool {
	return ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Cause(ctx)))
}

func inConflict(err error) bool {
	return errors.As(err, new(*types.TransactionConflictException)) || errors.As(err, new(*types.ReplicatedWriteConflictException)) ||
		errors.As(err, new(*types.TransactionInProgressException))
}

// NoObserver does nothing. Embed it in observers that care for a part.
type NoObserver struct{}

// OperationStart returns ctx.
func (NoObserver) OperationStart(ctx context.Context, _ OperationInfo) context.Context { return ctx }

// OperationEnd does nothing.
func (NoObserver) OperationEnd(context.Context, OperationInfo, OperationResult) {}

// AttemptStart returns ctx.
func (NoObserver) AttemptStart(ctx context.Context, _ AttemptInfo) context.Context { return ctx }

// AttemptEnd does nothing.
func (NoObserver) AttemptEnd(context.Context, AttemptInfo, AttemptResult) {}

// Observers tells several observers: of starts in the order given, each under the context of the one before, and of ends in reverse, all
// under the last context. nil ones are left out; without any other it is nil.
func Observers(all ...Observer) Observer {
	several := slices.DeleteFunc(slices.Clone(all), func(o Observer) bool { return o == nil })
	switch len(several) {
	case 0:
		return nil
	case 1:
		return several[0]
	}
	return observers(several)
}

type observers []Observer

func (all observers) OperationStart(ctx context.Context, op OperationInfo) context.Context {
	for _, o := range all {
		ctx = orContext(o.OperationStart(ctx, op), ctx)
	}
	return ctx
}

func (all observers) OperationEnd(ctx context.Context, op OperationInfo, result OperationResult) {
	for _, o := range slices.Backward(all) {
		o.OperationEnd(ctx, op, result)
	}
}

func (all observers) AttemptStart(ctx context.Context, attempt AttemptInfo) context.Context {
	for _, o := range all {
		ctx = orContext(o.AttemptStart(ctx, attempt), ctx)
	}
	return ctx
}

func (all observers) AttemptEnd(ctx context.Context, attempt AttemptInfo, result AttemptResult) {
	for _, o := range slices.Backward(all) {
		o.AttemptEnd(ctx, attempt, result)
	}
}

func orContext(ctx, otherwise context.Context) context.Context {
	if ctx == nil {
		return otherwise
	}
	return ctx
}

// verb is a call of a verb: the names for its error, and its operation if it is observed.
type verb struct {
	name, entity, table string
	operation           *operation
}

// begin starts an operation. Without an observer it costs nothing but a look into the context.
func (o *options) begin(ctx context.Context, c *tableCore, name, entity, index string) (context.Context, verb) {
	v := verb{name: name, entity: entity, table: o.tableName(c)}
	if o.observer == nil {
		if operationIn(ctx) != nil { // that of a verb which called this one
			ctx = context.WithValue(ctx, operationKey{}, v.operation)
		}
		return ctx, v
	}
	v.operation = &operation{
		observer: o.observer, isSDK: c.isSDK,
		info: OperationInfo{Name: name, Entity: entity, Table: v.table, Index: index, Start: time.Now()},
	}
	ctx = orContext(o.observer.OperationStart(ctx, v.operation.info), ctx)
	return context.WithValue(ctx, operationKey{}, v.operation), v
}

func (t *Table) begin(ctx context.Context, name string) (context.Context, verb) {
	return t.options.begin(ctx, t.tableCore, name, "", "")
}

// end names the operation in its error, and reports it. ctx is the one that begin gave.
func (v verb) end(ctx context.Context, err error, items int) error {
	err = opError(v.name, v.entity, v.table, err)
	if v.operation != nil {
		v.operation.end(ctx, err, items)
	}
	return err
}

// endOne is end for a verb of one item.
func (v verb) endOne(ctx context.Context, err error) error {
	items := 1
	if err != nil {
		items = 0
	}
	return v.end(ctx, err, items)
}

// operation collects what is reported at its end.
type operation struct {
	observer Observer
	isSDK    bool
	info     OperationInfo

	mu     sync.Mutex
	result OperationResult
}

type operationKey struct{}

// operationIn is the operation that a context belongs to; nil if it is not observed.
func operationIn(ctx context.Context) *operation {
	o, _ := ctx.Value(operationKey{}).(*operation)
	return o
}

func (o *operation) end(ctx context.Context, err error, items int) {
	o.mu.Lock()
	result := o.result
	result.Throttling = slices.Clone(result.Throttling)
	o.mu.Unlock()
	result.Outcome, result.Err, result.Items, result.Duration = outcomeOf(ctx, err), err, items, time.Since(o.info.Start)
	o.observer.OperationEnd(ctx, o.info, result)
}

// request counts a request that is about to be sent.
func (o *operation) request(in any) *observedRequest {
	if o == nil {
		return nil
	}
	r := &observedRequest{operation: o}
	r.name, r.writes = requestName(in)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.result.Requests++
	r.sequence = o.result.Requests
	return r
}

// observedRequest is a request of an operation; nil if it is not observed.
type observedRequest struct {
	*operation
	name     string
	writes   bool
	sequence int
}

// now is when an attempt starts.
func (r *observedRequest) now() (at time.Time) {
	if r != nil {
		at = time.Now()
	}
	return at
}

// unseen reports a call during which no attempt was seen.
func (r *observedRequest) unseen(ctx context.Context, number int, at time.Time, out any, err error) {
	if r == nil || err != nil && r.isSDK { // it did not get as far
		return
	}
	ctx, info := r.start(ctx, number, at)
	r.end(ctx, info, out, err, err != nil && unseenLeavesOpen(err))
}

func (r *observedRequest) start(ctx context.Context, number int, at time.Time) (context.Context, AttemptInfo) {
	if r == nil {
		return ctx, AttemptInfo{}
	}
	info := AttemptInfo{Operation: r.info, Request: r.name, Sequence: r.sequence, Number: number, Start: at}
	return orContext(r.observer.AttemptStart(ctx, info), ctx), info
}

// end reports an attempt. open says that its error leaves open what the server did.
func (r *observedRequest) end(ctx context.Context, info AttemptInfo, out any, err error, open bool) {
	if r == nil {
		return
	}
	result := AttemptResult{MayHaveApplied: open && r.writes, Duration: time.Since(info.Start)}
	if err == nil {
		for _, c := range consumed(out) {
			result.CapacityUnits += units(c)
		}
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		result.Code = api.ErrorCode()
	}
	reasons, refused := throttled(err)
	result.Throttling = reasons
	refused = refused || throttledTransaction(err)
	result.Outcome = attemptOutcome(ctx, err, refused, result.MayHaveApplied)
	r.add(info.Number, refused, reasons)
	r.observer.AttemptEnd(ctx, info, result)
}

func attemptOutcome(ctx context.Context, err error, refused, open bool) Outcome {
	switch {
	case err == nil:
		return OutcomeOK
	case open:
		return OutcomeUnknown
	case refused:
		return OutcomeThrottled
	case errors.As(err, new(*types.ConditionalCheckFailedException)):
		return OutcomeConditionFailed
	}
	if tx, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
		return canceledTransaction(tx)
	}
	return outcomeOf(ctx, err)
}

// canceledTransaction is the outcome of a cancelled transaction that was not throttled.
func canceledTransaction(e *types.TransactionCanceledException) Outcome {
	outcome := OutcomeFailed
	for _, r := range e.CancellationReasons {
		switch deref(r.Code) {
		case "ConditionalCheckFailed":
			return OutcomeConditionFailed
		case "TransactionConflict":
			outcome = OutcomeConflict
		}
	}
	return outcome
}

func throttledTransaction(err error) bool {
	cancelled, ok := errors.AsType[*types.TransactionCanceledException](err)
	return ok && slices.ContainsFunc(cancelled.CancellationReasons, func(r types.CancellationReason) bool {
		return errors.Is(cancellation(deref(r.Code)), ErrThrottled)
	})
}

// add counts an attempt.
func (o *operation) add(number int, refused bool, reasons []ThrottlingReason) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.result.Attempts++
	if number > 1 {
		o.result.Retries++
	}
	if refused {
		o.result.Throttles++
	}
	for _, reason := range reasons {
		if !slices.Contains(o.result.Throttling, reason) {
			o.result.Throttling = append(o.result.Throttling, reason)
		}
	}
}

// consume adds what the answer to a request says of its capacity.
func (r *observedRequest) consume(c *types.ConsumedCapacity) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.result.CapacityUnits += units(c)
}

func units(c *types.ConsumedCapacity) float64 {
	if c == nil || c.CapacityUnits == nil {
		return 0
	}
	return *c.CapacityUnits
}

// requestName names a request, and says whether it writes.
func requestName(in any) (name string, writes bool) {
	switch in.(type) {
	case *dynamodb.GetItemInput:
		return "GetItem", false
	case *dynamodb.PutItemInput:
		return "PutItem", true
	case *dynamodb.UpdateItemInput:
		return "UpdateItem", true
	case *dynamodb.DeleteItemInput:
		return "DeleteItem", true
	case *dynamodb.QueryInput:
		return "Query", false
	case *dynamodb.ScanInput:
		return "Scan", false
	case *dynamodb.BatchGetItemInput:
		return "BatchGetItem", false
	case *dynamodb.BatchWriteItemInput:
		return "BatchWriteItem", true
	case *dynamodb.TransactGetItemsInput:
		return "TransactGetItems", false
	case *dynamodb.TransactWriteItemsInput:
		return "TransactWriteItems", true
	case *dynamodb.CreateTableInput:
		return "CreateTable", true
	case *dynamodb.DescribeTableInput:
		return "DescribeTable", false
	case *dynamodb.UpdateTableInput:
		return "UpdateTable", true
	case *dynamodb.UpdateTimeToLiveInput:
		return "UpdateTimeToLive", true
	case *dynamodb.DescribeTimeToLiveInput:
		return "DescribeTimeToLive", false
	case *dynamodb.ListTagsOfResourceInput:
		return "ListTagsOfResource", false
	case *dynamodb.TagResourceInput:
		return "TagResource", true
	}
	return "", false
}

// writtenOf counts the operations of a batch that were carried out.
func writtenOf(ops int, err error) int {
	if failed, ok := errors.AsType[*BatchError](err); ok {
		return len(failed.Written)
	}
	if err != nil {
		return 0
	}
	return ops
}
