package memdb

import (
	"net/http"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable/memdb/internal/value"
)

// Call is what a fault is asked about: one action on one item, or a whole query,
// scan or request.
type Call struct {
	// Operation is the request's operation, such as BatchWriteItem.
	Operation string
	// Table is the table's name; empty where a whole request is meant.
	Table string
	// Index is the index that is queried or scanned.
	Index string
	// Position is the place of the action among those of a batch or transaction:
	// in a transaction the request's order, in a batch the order within a table.
	Position int
	// Key is the item's key, nil for queries, scans and whole requests.
	Key map[string]types.AttributeValue
}

// Faults decide what goes wrong although the request is sound, as it does in the
// service under load. A nil function means never. They are called under the
// engine's lock or from several goroutines at once, so they must be safe for
// concurrent use and must not call the engine. Nothing a fault refuses has any
// effect.
type Faults struct {
	// Internal makes the request an InternalServerError with HTTP status 500.
	// It is asked once for each request, with nothing but the operation.
	Internal func(Call) bool
	// Throttle throttles an action: a single one and a query or scan fail with the
	// exception; a transaction is cancelled with a reason; in a batch the action
	// is left unprocessed, and if all are, the batch fails with the exception of
	// the first.
	Throttle func(Call) *Throttling
	// Conflict makes an action collide with a transaction: a single write fails
	// with TransactionConflictException, a transaction is cancelled with the reason
	// TransactionConflict. Reads outside transactions and batches are not asked.
	Conflict func(Call) bool
	// InProgress makes TransactWriteItems with this token fail with
	// TransactionInProgressException.
	InProgress func(token string) bool
	// Unprocessed leaves an action of a batch in UnprocessedItems or UnprocessedKeys.
	Unprocessed func(Call) bool
}

// ThrottlingKind is the exception that tells of throttling.
type ThrottlingKind string

// The exceptions of throttled requests; the zero ThrottlingKind is the first.
const (
	ProvisionedThroughputExceeded ThrottlingKind = "ProvisionedThroughputExceededException"
	ThrottlingError               ThrottlingKind = "ThrottlingException"
	RequestLimitExceeded          ThrottlingKind = "RequestLimitExceeded"
)

// Throttling is how an action is throttled. The zero value is a
// ProvisionedThroughputExceededException without reasons.
type Throttling struct {
	Kind    ThrottlingKind
	Reasons []types.ThrottlingReason
}

type throttlingReason struct {
	Reason   string `json:"reason,omitempty"`
	Resource string `json:"resource,omitempty"`
}

// SetFaults replaces the faults for all requests that begin afterwards.
func (e *Engine) SetFaults(f Faults) { e.faults.Store(&f) }

func (t *Throttling) err() *apiError {
	kind := t.Kind
	if kind == "" {
		kind = ProvisionedThroughputExceeded
	}
	failed := &apiError{Type: string(kind), Message: "The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning level with the UpdateTable API."}
	if kind != ProvisionedThroughputExceeded {
		failed.Message = "Rate exceeded"
	}
	for _, r := range t.Reasons {
		var reason throttlingReason
		if r.Reason != nil {
			reason.Reason = *r.Reason
		}
		if r.Resource != nil {
			reason.Resource = *r.Resource
		}
		failed.ThrottlingReasons = append(failed.ThrottlingReasons, reason)
	}
	return failed
}

// faulty asks about a whole request.
func (e *Engine) faulty(c Call) error {
	if f := e.faults.Load(); f.Internal != nil && f.Internal(c) {
		return &apiError{Type: "InternalServerError", Message: "Internal server error", Status: http.StatusInternalServerError}
	}
	return nil
}

func (e *Engine) throttled(c Call) *apiError {
	f := e.faults.Load()
	if f.Throttle == nil {
		return nil
	}
	if t := f.Throttle(c); t != nil {
		return t.err()
	}
	return nil
}

func (e *Engine) conflict(c Call) bool {
	f := e.faults.Load()
	return f.Conflict != nil && f.Conflict(c)
}

func (e *Engine) unprocessed(c Call) bool {
	f := e.faults.Load()
	return f.Unprocessed != nil && f.Unprocessed(c)
}

// asked tells whether anybody asks about single actions; if not, no keys are copied.
func (e *Engine) asked() bool {
	f := e.faults.Load()
	return f.Throttle != nil || f.Conflict != nil || f.Unprocessed != nil
}

// call describes an action for the faults.
func (e *Engine) call(operation string, t *table, index string, position int, key value.Map) Call {
	return Call{Operation: operation, Table: t.name, Index: index, Position: position, Key: exported(key)}
}
