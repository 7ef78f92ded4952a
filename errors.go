package monotable

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

// What a program branches on. Test with [errors.Is]; several can hold at once.
var (
	// ErrNotFound: there is no such item, or it has expired. On a write it is also ErrConditionFailed.
	ErrNotFound = errors.New("monotable: item not found")
	// ErrAlreadyExists: Create, or Put of version 0, met an item. Also ErrConditionFailed.
	ErrAlreadyExists = errors.New("monotable: item already exists")
	// ErrVersionConflict: the stored version is another one than the caller's. Also ErrConditionFailed.
	ErrVersionConflict = errors.New("monotable: version conflict")
	// ErrConditionFailed: the server refused the write because a condition did not hold. Nothing was written.
	ErrConditionFailed = errors.New("monotable: condition failed")
	// ErrWrongEntity: the item at this key belongs to another entity. On a write also ErrConditionFailed.
	ErrWrongEntity = errors.New("monotable: item of another entity")
	// ErrInvalid: refused here, before anything was sent. [ValidationError] and [DefinitionError] are it too.
	ErrInvalid = errors.New("monotable: invalid")
	// ErrThrottled: the service, or the client's own retry quota, refused for lack of capacity.
	// The SDK had already tried as often as its retry policy says.
	ErrThrottled = errors.New("monotable: throttled")
	// ErrOutcomeUnknown: a write was sent and no definite answer came back. It may have been applied. See [OutcomeError].
	ErrOutcomeUnknown = errors.New("monotable: outcome unknown")
	// ErrDuplicate: another item has the value of a Unique attribute. Also ErrConditionFailed.
	ErrDuplicate = errors.New("monotable: value is taken")
	// ErrUnprocessed: the service left part of a batch undone, to the end of the attempts.
	ErrUnprocessed = errors.New("monotable: left unprocessed")
	// ErrStopped: not sent, because the batch had stopped at an earlier failure. See [StopOnFailure].
	ErrStopped = errors.New("monotable: not sent, the batch had stopped")
	// ErrNewerSchema: the stored item is of a schema version that this program does not know: a newer one wrote it. A read is a
	// [DecodeError]; a write is refused and also ErrConditionFailed. See [Schema.Upgrades].
	ErrNewerSchema = errors.New("monotable: item of a newer schema version")
	// ErrOutdatedSchema: the write would change an item of an older schema version and cannot bring it up to date itself, as in a
	// transaction. Also ErrConditionFailed. See [Schema.Upgrades].
	ErrOutdatedSchema = errors.New("monotable: item of an older schema version")
	// ErrBadCursor: the cursor was not made by a query of this kind, or was altered.
	ErrBadCursor = errors.New("monotable: bad cursor")
	// ErrBudget: a read ended at [Query.MaxPages] or [Query.MaxUnits] although there may be more.
	ErrBudget = errors.New("monotable: the budget of pages or units is used up")
)

// OpError is the outermost error of every operation that has a context. It names the
// operation and the entity; its text never holds a value. Unwrap reaches the cause,
// the SDK's own error included: only that one may quote what was sent.
type OpError struct {
	Op     string // "Create", "Query", …
	Entity string // "" for operations of a table
	Table  string
	Err    error
}

func (e *OpError) Error() string {
	where := e.Entity
	if where == "" {
		where = e.Table
	} else if errors.As(e.Err, new(*serviceFailure)) {
		where += " (table " + e.Table + ")"
	}
	return fmt.Sprintf("monotable: %s: %s", strings.TrimSpace(e.Op+" "+where), bare(e.Err))
}

// bare is the text of an error inside another one of ours.
func bare(err error) string { return strings.TrimPrefix(err.Error(), "monotable: ") }

// indexed names the operation or key of a call that an error is about.
func indexed(what string, i int, err error) error { return &indexedError{what, i, err} }

type indexedError struct {
	what  string
	index int
	err   error
}

func (e *indexedError) Error() string { return fmt.Sprintf("%s %d: %s", e.what, e.index, bare(e.err)) }
func (e *indexedError) Unwrap() error { return e.err }

func (e *OpError) Unwrap() error { return e.Err }

// Violation is one thing wrong with one attribute.
type Violation struct {
	Attribute string // stored path such as "preferences.theme"; "" for the whole item
	Rule      string // "Required", "OneOf", …
	Err       error  // what the rule said; its text is left out for a Hidden attribute
	hidden    bool
}

func (v Violation) String() string {
	name := v.Attribute
	if name == "" {
		name = "the item"
	}
	if v.hidden || v.Err == nil {
		return fmt.Sprintf("%s: refused by %s", name, v.Rule)
	}
	return fmt.Sprintf("%s: %s", name, v.Err)
}

// ValidationError lists everything that is wrong with an item or a change. It is
// ErrInvalid: nothing was sent. Unwrap gives the errors of all rules.
type ValidationError struct {
	Violations []Violation
}

func (e *ValidationError) Error() string {
	lines := make([]string, len(e.Violations))
	for i, v := range e.Violations {
		lines[i] = v.String()
	}
	return "monotable: invalid: " + strings.Join(lines, "; ")
}

// Is reports ErrInvalid.
func (e *ValidationError) Is(target error) bool { return target == ErrInvalid }

// Unwrap gives the errors of the rules.
func (e *ValidationError) Unwrap() []error {
	errs := make([]error, 0, len(e.Violations))
	for _, v := range e.Violations {
		if v.Err != nil {
			errs = append(errs, v.Err)
		}
	}
	return errs
}

// Problem is one mistake in a definition.
type Problem struct {
	Attribute string // attribute, key or index it is about; may be ""
	Message   string // what is wrong and what to do
}

// DefinitionError lists all mistakes of a Table, a Schema or one use of a handle. It is ErrInvalid.
type DefinitionError struct {
	Name     string // table or entity
	Problems []Problem
}

func (e *DefinitionError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		if lines[i] = p.Message; p.Attribute != "" {
			lines[i] = p.Attribute + ": " + p.Message
		}
	}
	return "monotable: definition of " + e.Name + ":\n\t" + strings.Join(lines, "\n\t")
}

// Is reports ErrInvalid.
func (e *DefinitionError) Is(target error) bool { return target == ErrInvalid }

func (e *DefinitionError) add(attribute, format string, args ...any) {
	e.Problems = append(e.Problems, Problem{Attribute: attribute, Message: fmt.Sprintf(format, args...)})
}

func (e *DefinitionError) orNil() error {
	if len(e.Problems) == 0 {
		return nil
	}
	return e
}

// ConditionError says why the server refused a write; errors.Is tells the reasons apart.
// [Entity.Old] decodes the item that refused it.
type ConditionError struct {
	Entity    string
	Attribute string // the attribute that decided, where one is known

	// Ambiguous says that an attempt before this refusal got no answer. What is stored is not this write; but it may have been there for
	// a moment, or, if its request is still on its way, may yet come. It is false where the item's version excludes that.
	Ambiguous bool

	table   string // whose item it is
	reasons []error
	detail  string
	item    map[string]types.AttributeValue
	found   map[string]types.AttributeValue // item, even if it is another entity's
	err     error
}

func (e *ConditionError) Error() string {
	text := e.reasons[0].Error()
	if e.detail != "" {
		text += ": " + e.detail
	}
	return text
}

// Is reports ErrConditionFailed and the more exact reasons.
func (e *ConditionError) Is(target error) bool {
	if target == ErrConditionFailed {
		return true
	}
	for _, r := range e.reasons {
		if r == target {
			return true
		}
	}
	return false
}

// Unwrap gives the SDK's error.
func (e *ConditionError) Unwrap() error { return e.err }

// DecodeError says that a stored item does not fit the entity's type. A write whose
// answer does not decode, or whose item could not be read back, was carried out: Written says so.
type DecodeError struct {
	Entity  string
	Written bool
	Item    map[string]types.AttributeValue // the raw item; never part of the text
	Err     error
}

func (e *DecodeError) Error() string {
	text := "monotable: stored item does not decode: " + bare(e.Err)
	if e.Written {
		text = "monotable: written, but what is stored is not known: " + bare(e.Err)
	}
	return text
}

// Unwrap gives the cause, which names the attribute.
func (e *DecodeError) Unwrap() error { return e.Err }

// serviceFailure is an error of the client. Its text leaves out what the service said, for that quotes
// the request; programs reach the SDK's error through Unwrap.
type serviceFailure struct {
	sentinels []error // ErrOutcomeUnknown, a *ThrottledError
	err       error
	last      error // of the last attempt, which a deadline hides
}

func (e *serviceFailure) Error() string {
	lines := make([]string, 0, len(e.sentinels)+1)
	for _, s := range e.sentinels {
		lines = append(lines, bare(s))
	}
	text := plainText(e.err)
	if e.last != nil && !errors.Is(e.err, e.last) {
		text += ", after " + plainText(e.last)
	}
	return "monotable: " + strings.Join(append(lines, text), ": ")
}

// plainText is the text of a client's error, without what the service said.
func plainText(err error) string {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return bare(err)
	}
	text := api.ErrorCode()
	switch text {
	case "ResourceNotFoundException":
		text += ": there is no such table or index here; look at name, region and endpoint"
	case "ValidationException":
		text += ": the request does not fit the item, the table or the index, see Table.Verify; the SDK's error has the reason"
	}
	var reply interface{ ServiceRequestID() string }
	if errors.As(err, &reply) && reply.ServiceRequestID() != "" {
		text += ", request " + reply.ServiceRequestID()
	}
	return text
}

func (e *serviceFailure) Unwrap() []error {
	errs := slices.Concat(e.sentinels, []error{e.err})
	if e.last != nil {
		errs = append(errs, e.last)
	}
	return errs
}

// ThrottledError carries the service's reasons for throttling. It is [ErrThrottled].
type ThrottledError struct {
	Reasons []ThrottlingReason // none if the service gave none, or if the client's own retry quota refused
}

// ThrottlingReason is one of the service's.
type ThrottlingReason struct {
	Reason   string // such as TableWriteKeyRangeThroughputExceeded
	Resource string // the ARN of the table or index
}

func (e *ThrottledError) Error() string {
	text := ErrThrottled.Error()
	for _, r := range e.Reasons {
		text += " (" + r.Reason + ")"
	}
	return text
}

// Is reports ErrThrottled.
func (e *ThrottledError) Is(target error) bool { return target == ErrThrottled }

// invalidError is a local refusal of one call.
type invalidError struct{ text string }

func (e *invalidError) Error() string        { return "monotable: invalid: " + e.text }
func (e *invalidError) Is(target error) bool { return target == ErrInvalid }

func invalidf(format string, args ...any) error {
	return &invalidError{text: fmt.Sprintf(format, args...)}
}

// opError names the operation that failed.
func opError(op, entity, table string, err error) error {
	if err == nil {
		return nil
	}
	return &OpError{Op: op, Entity: entity, Table: table, Err: err}
}

func (c *entityCore) opError(op string, err error) error {
	return opError(op, c.model.name, c.options.tableName(c.model.table), err)
}
