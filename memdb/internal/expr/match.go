package expr

import (
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/monotable/monotable/memdb/internal/decimal"
	"github.com/monotable/monotable/memdb/internal/value"
)

// Match is the logical and.
func (n And) Match(item value.Map) bool { return n.Left.Match(item) && n.Right.Match(item) }

// Match is the logical or.
func (n Or) Match(item value.Map) bool { return n.Left.Match(item) || n.Right.Match(item) }

// Match is the logical not.
func (n Not) Match(item value.Map) bool { return !n.Of.Match(item) }

// Match compares. Something that is missing or of another type equals nothing and
// has no order, so only <> is true for it.
func (n Comparison) Match(item value.Map) bool {
	left, right := n.Left.Value(item), n.Right.Value(item)
	switch n.Operator {
	case "=":
		return left != nil && right != nil && value.Equal(left, right)
	case "<>":
		return left == nil || right == nil || !value.Equal(left, right)
	}
	c, ok := value.Compare(left, right)
	if !ok {
		return false
	}
	switch n.Operator {
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	}
	return c >= 0
}

// Match compares with both bounds.
func (n Between) Match(item value.Map) bool {
	v := n.Of.Value(item)
	low, ok := value.Compare(v, n.Low.Value(item))
	high, ok2 := value.Compare(v, n.High.Value(item))
	return ok && ok2 && low >= 0 && high <= 0
}

// Match looks for an equal value.
func (n In) Match(item value.Map) bool {
	v := n.Of.Value(item)
	return v != nil && slices.ContainsFunc(n.List, func(o Operand) bool {
		w := o.Value(item)
		return w != nil && value.Equal(v, w)
	})
}

// Match calls the function.
func (n Call) Match(item value.Map) bool {
	v := n.Args[0].Value(item)
	switch n.Function {
	case "attribute_exists":
		return v != nil
	case "attribute_not_exists":
		return v == nil
	}
	w := n.Args[1].Value(item)
	if v == nil || w == nil {
		return false
	}
	switch n.Function {
	case "attribute_type":
		s, ok := w.(value.String)
		return ok && v.Type() == string(s)
	case "begins_with":
		return beginsWith(v, w)
	}
	return contains(v, w)
}

func beginsWith(v, w value.Value) bool {
	switch v := v.(type) {
	case value.String:
		w, ok := w.(value.String)
		return ok && strings.HasPrefix(string(v), string(w))
	case value.Binary:
		w, ok := w.(value.Binary)
		return ok && strings.HasPrefix(string(v), string(w))
	}
	return false
}

func contains(v, w value.Value) bool {
	switch v := v.(type) {
	case value.String:
		w, ok := w.(value.String)
		return ok && strings.Contains(string(v), string(w))
	case value.Binary:
		w, ok := w.(value.Binary)
		return ok && strings.Contains(string(v), string(w))
	case value.StringSet:
		w, ok := w.(value.String)
		return ok && slices.Contains(v, string(w))
	case value.BinarySet:
		w, ok := w.(value.Binary)
		return ok && slices.Contains(v, string(w))
	case value.NumberSet:
		w, ok := w.(value.Number)
		return ok && slices.Contains(v, w.Decimal)
	case value.List:
		return slices.ContainsFunc(v, func(e value.Value) bool { return value.Equal(e, w) })
	}
	return false
}

// Value is the size as a number: UTF-16 units of a string, bytes of a binary,
// elements of anything else; nothing where a value has no size.
func (s Size) Value(item value.Map) value.Value {
	n := 0
	switch v := s.Of.Value(item).(type) {
	case value.String:
		for _, r := range string(v) {
			n += utf16.RuneLen(r)
		}
	case value.Binary:
		n = len(v)
	case value.StringSet:
		n = len(v)
	case value.NumberSet:
		n = len(v)
	case value.BinarySet:
		n = len(v)
	case value.List:
		n = len(v)
	case value.Map:
		n = len(v)
	default:
		return nil
	}
	return value.Number{Decimal: decimal.FromInt(n)}
}
