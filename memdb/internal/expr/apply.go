package expr

import (
	"errors"
	"maps"
	"slices"

	"github.com/monotable/monotable/memdb/internal/decimal"
	"github.com/monotable/monotable/memdb/internal/value"
)

// EvalError is an update that does not fit the item it meets.
type EvalError struct{ Message string }

func (e *EvalError) Error() string { return e.Message }

var (
	errMissing  = &EvalError{"The provided expression refers to an attribute that does not exist in the item"}
	errOperand  = &EvalError{"An operand in the update expression has an incorrect data type"}
	errDocument = &EvalError{"The document path provided in the update expression is invalid for update"}
)

// Apply makes the changed item. The old one is left as it is and shares with the
// new one what did not change; all right sides and all list indexes refer to it.
// The error is an *[EvalError].
func (u *Update) Apply(item value.Map) (value.Map, error) {
	if len(u.Paths) == 0 {
		return item, nil
	}
	v, err := alter(&u.root, item, item)
	if err != nil {
		return nil, err
	}
	return v.(value.Map), nil
}

// Touched is the part of an item, old or new, that the update speaks of.
func (u *Update) Touched(item value.Map) value.Map {
	p, err := newProjection(u.Paths)
	if err != nil { // an update has no overlapping paths either
		return value.Map{}
	}
	return p.Apply(item)
}

// alter changes the value at one place of the path tree; a nil result means that
// the place is to be removed.
func alter(t *tree[change], old value.Value, item value.Map) (value.Value, error) {
	if t.leaf {
		return t.data.apply(old, item)
	}
	switch old := old.(type) {
	case value.Map:
		return alterMap(t, old, item)
	case value.List:
		return alterList(t, old, item)
	}
	return nil, errDocument
}

func alterMap(t *tree[change], old value.Map, item value.Map) (value.Value, error) {
	m := maps.Clone(old)
	if m == nil {
		m = value.Map{}
	}
	for _, e := range t.order {
		if e.IsIndex {
			return nil, errDocument
		}
		v, err := alter(t.children[e], old[e.Name], item)
		if err != nil {
			return nil, err
		}
		if v == nil {
			delete(m, e.Name)
		} else {
			m[e.Name] = v
		}
	}
	return m, nil
}

func alterList(t *tree[change], old value.List, item value.Map) (value.Value, error) {
	l := slices.Clone(old)
	order := slices.Clone(t.order)
	slices.SortFunc(order, func(a, b Element) int { return a.Index - b.Index })
	for _, e := range order {
		if !e.IsIndex {
			return nil, errDocument
		}
		v, err := alter(t.children[e], step(old, e), item)
		if err != nil {
			return nil, err
		}
		if e.Index < len(old) {
			l[e.Index] = v
		} else if v != nil {
			l = append(l, v)
		}
	}
	return slices.DeleteFunc(l, func(v value.Value) bool { return v == nil }), nil
}

func (c change) apply(old value.Value, item value.Map) (value.Value, error) {
	switch c.verb {
	case "SET":
		return c.to.eval(item)
	case "REMOVE":
		return nil, nil
	case "ADD":
		return add(old, c.by)
	}
	return remove(old, c.by)
}

func add(old, by value.Value) (value.Value, error) {
	if old == nil {
		return by, nil
	}
	switch by := by.(type) {
	case value.Number:
		if n, ok := old.(value.Number); ok {
			return number(n.Decimal.Add(by.Decimal))
		}
	case value.StringSet:
		if set, ok := old.(value.StringSet); ok {
			return union(set, by), nil
		}
	case value.NumberSet:
		if set, ok := old.(value.NumberSet); ok {
			return union(set, by), nil
		}
	case value.BinarySet:
		if set, ok := old.(value.BinarySet); ok {
			return union(set, by), nil
		}
	}
	return nil, errOperand
}

func remove(old, by value.Value) (value.Value, error) {
	if old == nil {
		return nil, nil
	}
	switch by := by.(type) {
	case value.StringSet:
		if set, ok := old.(value.StringSet); ok {
			return orNothing(without(set, by)), nil
		}
	case value.NumberSet:
		if set, ok := old.(value.NumberSet); ok {
			return orNothing(without(set, by)), nil
		}
	case value.BinarySet:
		if set, ok := old.(value.BinarySet); ok {
			return orNothing(without(set, by)), nil
		}
	}
	return nil, errOperand
}

// orNothing takes away a set that lost its last member.
func orNothing(v value.Value) value.Value {
	switch s := v.(type) {
	case value.StringSet:
		if len(s) == 0 {
			return nil
		}
	case value.NumberSet:
		if len(s) == 0 {
			return nil
		}
	case value.BinarySet:
		if len(s) == 0 {
			return nil
		}
	}
	return v
}

func union[S ~[]T, T comparable](set, by S) S {
	have := members(set)
	r := slices.Clone(set)
	for _, v := range by {
		if _, ok := have[v]; !ok {
			r = append(r, v)
		}
	}
	return r
}

func without[S ~[]T, T comparable](set, by S) S {
	gone := members(by)
	r := S{}
	for _, v := range set {
		if _, ok := gone[v]; !ok {
			r = append(r, v)
		}
	}
	return r
}

func members[S ~[]T, T comparable](set S) map[T]struct{} {
	m := make(map[T]struct{}, len(set))
	for _, v := range set {
		m[v] = struct{}{}
	}
	return m
}

// number turns the outcome of arithmetic into a value or the service's message.
func number(d decimal.Decimal, err error) (value.Value, error) {
	switch {
	case err == nil:
		return value.Number{Decimal: d}, nil
	case errors.Is(err, decimal.ErrOverflow):
		return nil, &EvalError{"Number overflow. Attempting to store a number with magnitude larger than supported range"}
	case errors.Is(err, decimal.ErrUnderflow):
		return nil, &EvalError{"Number underflow. Attempting to store a number with magnitude smaller than supported range"}
	}
	return nil, &EvalError{"Attempting to store more than 38 significant digits in a Number"}
}

func (t operandTerm) eval(item value.Map) (value.Value, error) {
	if v := t.of.Value(item); v != nil {
		return v, nil
	}
	return nil, errMissing
}

func (t ifNotExists) eval(item value.Map) (value.Value, error) {
	or, err := t.or.eval(item) // must have a value even if it is of no use
	if v := t.path.find(item); v != nil && err == nil {
		return v, nil
	}
	return or, err
}

// evalBoth evaluates two terms, which must both have values of type V.
func evalBoth[V value.Value](item value.Map, left, right term) (l, r V, err error) {
	one, err := left.eval(item)
	if err != nil {
		return l, r, err
	}
	two, err := right.eval(item)
	if err != nil {
		return l, r, err
	}
	l, ok := one.(V)
	r, ok2 := two.(V)
	if !ok || !ok2 {
		return l, r, errOperand
	}
	return l, r, nil
}

func (t listAppend) eval(item value.Map) (value.Value, error) {
	l, r, err := evalBoth[value.List](item, t.left, t.right)
	if err != nil {
		return nil, err
	}
	return slices.Concat(l, r), nil
}

func (t sum) eval(item value.Map) (value.Value, error) {
	l, r, err := evalBoth[value.Number](item, t.left, t.right)
	if err != nil {
		return nil, err
	}
	if t.minus {
		return number(l.Decimal.Sub(r.Decimal))
	}
	return number(l.Decimal.Add(r.Decimal))
}
