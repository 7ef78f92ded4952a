package codec

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// FieldError is one mistake in a struct type or in [Options], found by
// [Compile].
type FieldError struct {
	Path string // stored names joined by "."; the Go name where there is no stored one
	Err  error
}

// Error names the path and the mistake.
func (e *FieldError) Error() string {
	if e.Path == "" {
		return e.Err.Error()
	}
	return e.Path + ": " + e.Err.Error()
}

// Unwrap returns the mistake without its path.
func (e *FieldError) Unwrap() error { return e.Err }

// Error is a value that cannot be stored, or a stored value that does not fit
// its Go type. Its text names the place and the problem and never a value.
// Names of attributes and keys of maps are part of the place, as they are of
// the stored document.
type Error struct {
	Path string // such as preferences.theme or lines[3].price; "" for the value itself
	Err  error
}

// Error names the path and the problem.
func (e *Error) Error() string {
	if e.Path == "" {
		return e.Err.Error()
	}
	return e.Path + ": " + e.Err.Error()
}

// Unwrap returns the problem without its path.
func (e *Error) Unwrap() error { return e.Err }

// TypeError says that an attribute is stored as another DynamoDB type than its
// Go type is stored as. Both are names such as S, N or SS.
type TypeError struct {
	Expected, Found string
}

// Error names both types.
func (e *TypeError) Error() string {
	return "expected " + e.Expected + ", found " + e.Found
}

// Problems that callers may want to tell apart; found with errors.Is.
var (
	ErrNumber    = errors.New("not a decimal number")
	ErrDigits    = errors.New("number has more than 38 significant digits")
	ErrRange     = errors.New("number is outside DynamoDB's range (1E-130 to 9.99E+125)")
	ErrUTF8      = errors.New("text is not valid UTF-8")
	ErrDepth     = errors.New("nested deeper than 32 levels, or cyclic")
	ErrDuplicate = errors.New("set has equal members")
	ErrNil       = errors.New("attribute value is nil")

	errNotFinite = fmt.Errorf("%w: NaN or infinite", ErrNumber)
	errFraction  = errors.New("number has a fraction")
	errOverflow  = errors.New("number does not fit")
	errEmptyKey  = errors.New("map key is empty")
	errTwoKeys   = errors.New("two map keys are stored alike")
)

// fail starts an error at the value itself; at adds the way to it on the way up,
// so that a value without a problem pays nothing for its path.
func fail(err error) error { return &Error{Err: err} }

func failf(format string, args ...any) error { return &Error{Err: fmt.Errorf(format, args...)} }

func at(segment string, err error) error {
	e, ok := err.(*Error) //nolint:errorlint // the way is added to the outermost error, never to one inside another
	if !ok {
		return &Error{Path: segment, Err: err}
	}
	switch {
	case e.Path == "":
		e.Path = segment
	case e.Path[0] == '[':
		e.Path = segment + e.Path
	default:
		e.Path = segment + "." + e.Path
	}
	return e
}

func atIndex(i int, err error) error { return at("["+strconv.Itoa(i)+"]", err) }

// mismatch is the error for a stored value of another type.
func mismatch(expected string, av types.AttributeValue) error {
	found := TypeName(av)
	if found == "" {
		return fail(ErrNil)
	}
	return &Error{Err: &TypeError{Expected: expected, Found: found}}
}

// TypeName returns DynamoDB's name of the type of av: S, N, B, BOOL, NULL, L,
// M, SS, NS or BS; "" for nil, and "unknown" for a member that a newer SDK may
// have added.
func TypeName(av types.AttributeValue) string {
	if isNil(av) {
		return ""
	}
	switch av.(type) {
	case *types.AttributeValueMemberS:
		return "S"
	case *types.AttributeValueMemberN:
		return "N"
	case *types.AttributeValueMemberB:
		return "B"
	case *types.AttributeValueMemberBOOL:
		return "BOOL"
	case *types.AttributeValueMemberNULL:
		return "NULL"
	case *types.AttributeValueMemberL:
		return "L"
	case *types.AttributeValueMemberM:
		return "M"
	case *types.AttributeValueMemberSS:
		return "SS"
	case *types.AttributeValueMemberNS:
		return "NS"
	case *types.AttributeValueMemberBS:
		return "BS"
	}
	return "unknown"
}

// isNil also knows a nil pointer inside the interface.
func isNil(av types.AttributeValue) bool {
	switch m := av.(type) {
	case nil:
		return true
	case *types.AttributeValueMemberS:
		return m == nil
	case *types.AttributeValueMemberN:
		return m == nil
	case *types.AttributeValueMemberB:
		return m == nil
	case *types.AttributeValueMemberBOOL:
		return m == nil
	case *types.AttributeValueMemberNULL:
		return m == nil
	case *types.AttributeValueMemberL:
		return m == nil
	case *types.AttributeValueMemberM:
		return m == nil
	case *types.AttributeValueMemberSS:
		return m == nil
	case *types.AttributeValueMemberNS:
		return m == nil
	case *types.AttributeValueMemberBS:
		return m == nil
	}
	v := reflect.ValueOf(av)
	return v.Kind() == reflect.Pointer && v.IsNil()
}

func isNull(av types.AttributeValue) bool {
	m, ok := av.(*types.AttributeValueMemberNULL)
	return ok && m != nil
}
