package codec

import (
	"fmt"
	"reflect"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Options change how single attributes of a type are stored. Their keys are
// paths of stored names joined by ".", such as "preferences.since"; the elements
// of a list or map are "lines[]".
type Options struct {
	// TimeLayouts stores the time.Time or *time.Time at a path as a string in
	// this layout of time.Format, in UTC.
	TimeLayouts map[string]string
	// UnixTimes stores the time.Time or *time.Time at a path as N, in epoch
	// seconds, and leaves it out when zero.
	UnixTimes map[string]bool
}

// Plan is how a struct type is stored: compiled once, never changed, safe for
// concurrent use.
type Plan struct {
	Type   reflect.Type
	Fields []*Field // in order of declaration, those of embedded structs included

	byName  map[string]*Field
	texts   []*Field // lists and sets of strings
	strings int      // S that every item has
	numbers int      // N that every item has
	others  int      // BOOL, L, M and SS that the quick road makes
	plain   atomic.Pointer[Layout]
}

// Compile makes the plan of the struct type t. The error joins one [*FieldError]
// for each mistake.
func Compile(t reflect.Type, o Options) (*Plan, error) {
	if t == nil || t.Kind() != reflect.Struct || isTime(t) || isBig(t) {
		return nil, &FieldError{Err: fmt.Errorf("%v is no struct type with attributes", t)}
	}
	if isMarshaler(t) || isUnmarshaler(t) {
		return nil, &FieldError{Err: fmt.Errorf("%v has its own marshaler, so its fields say nothing about what is stored", t)}
	}
	c := newCompiler(&program{}, o)
	p, fill := c.plan(t, "")
	fill()
	if err := c.finish(); err != nil {
		return nil, err
	}
	return p, nil
}

// Field returns the field with this stored name, nil if there is none.
func (p *Plan) Field(name string) *Field { return p.byName[name] }

// Encode returns the item that stores v, a value of p.Type. Attributes that are
// absent or left out by omitempty are not in it.
func (p *Plan) Encode(v reflect.Value) (map[string]types.AttributeValue, error) {
	return p.encode(v, level{depth: 1}, 0)
}

// EncodeWithRoom is Encode, of an item that has room for as many attributes more:
// a map that has to grow is paid twice.
func (p *Plan) EncodeWithRoom(v reflect.Value, room int) (map[string]types.AttributeValue, error) {
	return p.encode(v, level{depth: 1}, room)
}

// Decode sets dst, a settable value of p.Type, to what the item holds. Fields
// without an attribute are zero afterwards; attributes without a field are
// ignored. Names are compared exactly. After an error dst holds a part of it.
func (p *Plan) Decode(item map[string]types.AttributeValue, dst reflect.Value) error {
	dst.SetZero()
	return p.read(item, dst, level{depth: 1})
}

func (p *Plan) encode(v reflect.Value, l level, room int) (map[string]types.AttributeValue, error) {
	var w writer
	w.start(p, v)
	item, err := w.item(p, v, l, room)
	w.finish()
	return item, err
}

// count adds a field to what the plan knows before it sees a value.
func (p *Plan) count(f *Field) {
	f.op = f.Value.writeOp()
	if x := f.Value; x.op == opTexts || x.op == opTextSet {
		p.texts = append(p.texts, f)
	}
	if f.OmitEmpty {
		return
	}
	switch f.op {
	case opStruct:
		p.strings += f.Value.Struct.strings
		p.numbers += f.Value.Struct.numbers
		p.others += 1 + f.Value.Struct.others
	case opBool, opTexts, opTextSet:
		p.others++
	case opString, opTime:
		p.strings++
	case opInt, opUint, opFloat, opUnixTime:
		p.numbers++
	}
}

// Field is one attribute of a struct type.
type Field struct {
	Name      string // stored name
	GoName    string
	Index     []int // from the plan's struct, through embedded structs and pointers to them
	OmitEmpty bool
	Value     *Value

	op  op     // for writing
	key string // the name as JSON, with a colon
}

// Get returns the field of the struct v. It is false when an embedded pointer on
// the way is nil.
func (f *Field) Get(v reflect.Value) (reflect.Value, bool) {
	v = v.Field(f.Index[0])
	for _, i := range f.Index[1:] {
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return reflect.Value{}, false
			}
			v = v.Elem()
		}
		v = v.Field(i)
	}
	return v, true
}

// stored returns the field of the struct v, if an item with it has the attribute.
func (f *Field) stored(v reflect.Value) (reflect.Value, bool) {
	if len(f.Index) == 1 {
		v = v.Field(f.Index[0])
	} else if inner, ok := f.Get(v); ok {
		v = inner
	} else {
		return v, false
	}
	return v, !f.OmitEmpty || !f.Value.IsZero(v)
}

// Set returns the field of the settable struct v, ready to be set. Embedded
// pointers on the way are allocated where nil.
func (f *Field) Set(v reflect.Value) reflect.Value {
	v = v.Field(f.Index[0])
	for _, i := range f.Index[1:] {
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		v = v.Field(i)
	}
	return v
}
