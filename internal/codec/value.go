package codec

import (
	"reflect"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Kind says how a value is stored.
type Kind uint8

// The kinds of value. Pointer is stored as what it points to, Any as what it
// holds, Custom as its own marshaler says.
const (
	Invalid      Kind = iota
	Bool              // BOOL
	Number            // N
	NumberString      // a number as S (tag option string)
	String            // S
	Binary            // B
	Time              // S
	UnixTime          // N, epoch seconds
	List              // L
	Map               // M
	Struct            // M
	StringSet         // SS
	NumberSet         // NS
	BinarySet         // BS
	Pointer
	Any
	Custom
)

var kindNames = [...]string{
	"Invalid", "Bool", "Number", "NumberString", "String", "Binary", "Time", "UnixTime", "List", "Map", "Struct",
	"StringSet", "NumberSet", "BinarySet", "Pointer", "Any", "Custom",
}

var storedNames = [...]string{
	"", "BOOL", "N", "S", "S", "B", "S", "N", "L", "M", "M", "SS", "NS", "BS", "", "", "",
}

// String returns the name of the kind.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "Kind(?)"
}

// Value is how one Go type is stored in one place: a field, an element of a
// list, a value of a map. A Value does not change after it is compiled and is
// safe for concurrent use.
type Value struct {
	Type   reflect.Type
	Kind   Kind
	Struct *Plan  // of a Struct, and of a Pointer that leads to one
	Elem   *Value // element of a list, set or map, or what a pointer points to

	placement
	op     op
	bits   int    // of a number that has an op
	layout string // of a Time, for reading
	prog   *program
	enc    func(v reflect.Value, l level) (types.AttributeValue, error)
	dec    func(av types.AttributeValue, dst reflect.Value, l level) error
	key    *keyCodec // of a Map

	// plainEntries says that no user code sees an entry of a Map, so that one place
	// does for all of them on their way.
	plainEntries bool
}

// Encode returns v, of type x.Type, as it is stored. Nil without an error means
// absent: a nil pointer, slice, map, interface or []byte, and an empty set. It
// never applies omitempty, so a zero value can be written on purpose.
func (x *Value) Encode(v reflect.Value) (types.AttributeValue, error) {
	return x.encode(v, level{depth: 1})
}

// Decode sets dst, which must be addressable and of type x.Type, to what av
// holds. Nothing of what dst held before remains. NULL gives the zero value.
func (x *Value) Decode(av types.AttributeValue, dst reflect.Value) error {
	return x.decode(av, dst, level{depth: 1})
}

// Deref follows pointers to the first Value that is none.
func (x *Value) Deref() *Value {
	for x.Kind == Pointer {
		x = x.Elem
	}
	return x
}

// Stored returns DynamoDB's name of the type x is stored as, through pointers:
// S, N, B, BOOL, L, M, SS, NS, BS; "" where only the value tells (Any, Custom).
func (x *Value) Stored() string { return storedNames[x.Deref().Kind] }

// EncodeKey returns the stored text of a key of a Map.
func (x *Value) EncodeKey(key reflect.Value) (string, error) { return x.key.enc(key) }

// IsZero reports whether omitempty leaves v out: a nil pointer, slice, map or
// interface, "", 0, false, an array without elements, and a zero time.Time. An
// empty slice or map that is not nil is no zero, and other structs never are.
func (x *Value) IsZero(v reflect.Value) bool {
	switch x.Kind {
	case Time, UnixTime:
		return toTime(v).IsZero()
	}
	if sign, ok := bigSign(v); ok {
		return sign == 0
	}
	return isZero(v)
}

// isZero is attributevalue's notion of a zero value.
func isZero(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Struct:
		return false
	case reflect.Array:
		return v.Len() == 0
	case reflect.Float32, reflect.Float64:
		return v.Float() == 0 // also -0, unlike reflect.Value.IsZero
	}
	return v.IsZero()
}

// level counts what could go on for ever: nesting in the stored value, and
// pointers or interfaces, which do not nest there but can be cyclic.
type level struct {
	depth, hops int
}

const (
	maxDepth = 32
	maxHops  = 1000
)

// down enters a list or map. Attributes are on level 1 and a scalar may be on
// the last one, but a list or map there is refused, even an empty one.
func (l level) down() (level, error) {
	if l.depth++; l.depth > maxDepth {
		return l, fail(ErrDepth)
	}
	return l, nil
}

// hop follows a pointer or interface.
func (l level) hop() (level, error) {
	if l.hops++; l.hops > maxHops {
		return l, fail(ErrDepth)
	}
	return l, nil
}

func null() types.AttributeValue { return &types.AttributeValueMemberNULL{Value: true} }

func (x *Value) encode(v reflect.Value, l level) (types.AttributeValue, error) {
	if !x.nullEmpty {
		return x.enc(v, l)
	}
	if isZero(v) {
		return null(), nil
	}
	av, err := x.enc(v, l)
	if av == nil && err == nil {
		return null(), nil // an empty set
	}
	return av, err
}

func (x *Value) decode(av types.AttributeValue, dst reflect.Value, l level) error {
	if x.op != opNone && x.fits(l) && x.quick(av, dst) {
		return nil
	}
	if x.Kind != Custom && isNull(av) { // a custom type may have written NULL itself, and reads it
		dst.SetZero()
		return nil
	}
	if isNil(av) {
		return fail(ErrNil)
	}
	return x.dec(av, dst, l)
}
