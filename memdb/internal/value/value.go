// Package value holds the attribute values of the in-memory engine: typed,
// immutable, with their JSON form, their size and their key order.
package value

import (
	"slices"
	"strings"

	"github.com/monotable/monotable/memdb/internal/decimal"
)

// Value is one of String, Number, Binary, Bool, Null, StringSet, NumberSet,
// BinarySet, List and Map. Values are never changed after they are made, so they
// may be shared between items and read by several goroutines.
type Value interface {
	// Type is the short name on the wire: S, N, B, BOOL, NULL, SS, NS, BS, L, M.
	Type() string
}

// The kinds of value. Binary data are kept in strings, which are immutable and
// compare as unsigned bytes. Sets hold no member twice.
type (
	String    string
	Number    struct{ decimal.Decimal }
	Binary    string
	Bool      bool
	Null      struct{}
	StringSet []string
	NumberSet []decimal.Decimal
	BinarySet []string
	List      []Value
	Map       map[string]Value
)

func (String) Type() string    { return "S" }
func (Number) Type() string    { return "N" }
func (Binary) Type() string    { return "B" }
func (Bool) Type() string      { return "BOOL" }
func (Null) Type() string      { return "NULL" }
func (StringSet) Type() string { return "SS" }
func (NumberSet) Type() string { return "NS" }
func (BinarySet) Type() string { return "BS" }
func (List) Type() string      { return "L" }
func (Map) Type() string       { return "M" }

// Equal compares by value: sets without regard to order, numbers by value, lists
// and maps deeply. Values of different types are not equal.
func Equal(a, b Value) bool {
	switch a := a.(type) {
	case StringSet:
		o, ok := b.(StringSet)
		return ok && sameMembers(a, o)
	case NumberSet:
		o, ok := b.(NumberSet)
		return ok && sameMembers(a, o)
	case BinarySet:
		o, ok := b.(BinarySet)
		return ok && sameMembers(a, o)
	case List:
		o, ok := b.(List)
		return ok && slices.EqualFunc(a, o, Equal)
	case Map:
		o, ok := b.(Map)
		return ok && EqualMaps(a, o)
	case nil:
		return b == nil
	}
	switch b.(type) {
	case StringSet, NumberSet, BinarySet, List, Map:
		return false
	}
	return a == b // scalars are comparable, and a decimal has one form only
}

// EqualMaps compares two maps, or items, deeply.
func EqualMaps(a, b Map) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range a {
		o, ok := b[k]
		if !ok || !Equal(v, o) {
			return false
		}
	}
	return true
}

func sameMembers[T comparable](a, b []T) bool {
	if len(a) != len(b) {
		return false
	}
	in := make(map[T]struct{}, len(a))
	for _, v := range a {
		in[v] = struct{}{}
	}
	for _, v := range b {
		if _, ok := in[v]; !ok {
			return false
		}
	}
	return true
}

// Compare orders two values of one of the types S, N and B; ok is false for
// other types and for values of different types.
func Compare(a, b Value) (c int, ok bool) {
	switch a := a.(type) {
	case String:
		if o, ok := b.(String); ok {
			return strings.Compare(string(a), string(o)), true
		}
	case Number:
		if o, ok := b.(Number); ok {
			return a.Cmp(o.Decimal), true
		}
	case Binary:
		if o, ok := b.(Binary); ok {
			return strings.Compare(string(a), string(o)), true
		}
	}
	return 0, false
}
