// Package expr is DynamoDB's expression language: conditions and filters, updates
// and projections, parsed and checked once and then evaluated on items.
package expr

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/monotable/monotable/memdb/internal/value"
)

// Limits of one expression.
const (
	maxLength    = 4096
	maxOperators = 300
	maxIn        = 100
)

// Kind names the parameter an expression came in.
type Kind string

// The parameters that hold expressions.
const (
	ConditionExpression    Kind = "ConditionExpression"
	FilterExpression       Kind = "FilterExpression"
	KeyConditionExpression Kind = "KeyConditionExpression"
	UpdateExpression       Kind = "UpdateExpression"
	ProjectionExpression   Kind = "ProjectionExpression"
)

// Error is an expression, or one of its parameters, that the service refuses
// without looking at any item.
type Error struct{ Message string }

func (e *Error) Error() string { return e.Message }

func errorf(format string, args ...any) *Error {
	return &Error{Message: fmt.Sprintf(format, args...)}
}

// Params are the placeholders of one request. They remember which of them its
// expressions used, so one Params serves all expressions of a request. Not safe
// for concurrent use.
type Params struct {
	names      map[string]string
	values     map[string]value.Value
	usedNames  map[string]bool
	usedValues map[string]bool
}

// NewParams takes the placeholders of a request; either map may be nil.
func NewParams(names map[string]string, values map[string]value.Value) *Params {
	return &Params{names: names, values: values, usedNames: map[string]bool{}, usedValues: map[string]bool{}}
}

// Check refuses placeholders of a wrong form.
func (p *Params) Check() error {
	for _, name := range slices.Sorted(maps.Keys(p.names)) {
		if !placeholder(name, '#') {
			return errorf("ExpressionAttributeNames contains invalid key: Syntax error; key: %q", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.values)) {
		if !placeholder(name, ':') {
			return errorf("ExpressionAttributeValues contains invalid key: Syntax error; key: %q", name)
		}
	}
	return nil
}

// Unused refuses placeholders that no expression used.
func (p *Params) Unused() error {
	if left := unused(p.names, p.usedNames); left != "" {
		return errorf("Value provided in ExpressionAttributeNames unused in expressions: keys: {%s}", left)
	}
	if left := unused(p.values, p.usedValues); left != "" {
		return errorf("Value provided in ExpressionAttributeValues unused in expressions: keys: {%s}", left)
	}
	return nil
}

func unused[V any](given map[string]V, used map[string]bool) string {
	var left []string
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !used[name] {
			left = append(left, name)
		}
	}
	return strings.Join(left, ", ")
}

func placeholder(name string, sign byte) bool {
	if len(name) < 2 || name[0] != sign {
		return false
	}
	for i := 1; i < len(name); i++ {
		if !wordByte(name[i]) {
			return false
		}
	}
	return true
}
