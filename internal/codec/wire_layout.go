package codec

import (
	"reflect"
	"sync"

	"github.com/monotable/monotable/internal/avjson"
)

// Layout is how items of a plan are read from DynamoDB's JSON: for each field the
// bytes that its member begins with, as a rule, and the few steps to its value.
// Compiled once, safe for concurrent use.
type Layout struct {
	plan  *Plan
	root  *wireStruct
	noted []int    // of each noted name, where it is among those of an item; the same name may be there twice
	none  []span   // nothing noted
	order []uint16 // what Page.next begins with: members come in the order of the fields
	pages sync.Pool
}

// wireStruct is the layout of a struct's object.
type wireStruct struct {
	fields []wireField // those of the plan, in its order, then what is only noted
	byName map[string]int
	base   int // of its places in Page.next
}

type wireField struct {
	field  *Field // nil if the attribute is only noted
	value  *wireValue
	prefix string // `"name":` and what the value opens with
	direct int    // its number in the Go struct; -1 if it is not of that struct itself
	noted  int    // its number among the noted ones, or -1
}

// wireOp names the steps to a value, as op does for attribute values.
type wireOp uint8

const (
	wireLater   wireOp = iota // by user code, so not while reading
	wireGeneral               // by way of an attribute value
	wireBool
	wireString
	wireInt
	wireUint
	wireFloat
	wireNumberText
	wireTime
	wireUnixTime
	wireBytes
	wireTexts   // []string as L
	wireTextSet // []string as SS
	wireMembers // other sets
	wireList
	wireTextMap // map[string]string
	wireMap
	wireStructOp
	wirePointer
)

// wireValue is how a value is read. A pointer opens with what it points to.
type wireValue struct {
	*Value

	op   wireOp
	tag  string // S, N, …
	open string // `{"S":"`, up to the value's first byte
	elem *wireValue
	sub  *wireStruct
	size int // of a number, in bits

	isTime   bool // and not another type made of time.Time
	userCode bool // may be called on the general road
}

// noteOnly stands for attributes that are not of the plan.
var noteOnly = &wireValue{op: wireLater}

// Layout compiles how items are read. The JSON of noted attributes, fields of the
// plan or not, can be asked for afterwards, by their number.
func (p *Plan) Layout(noted ...string) *Layout {
	c := layoutCompiler{structs: map[*Plan]*wireStruct{}, values: map[*Value]*wireValue{}}
	root := c.open(len(p.Fields) + len(noted))
	c.fill(root, p)
	places := make([]int, len(noted))
	for n, name := range noted {
		k, known := root.byName[name]
		if !known {
			k = root.add(name, nil, noteOnly)
		}
		if root.fields[k].noted < 0 {
			root.fields[k].noted = n
		}
		places[n] = root.fields[k].noted
	}
	return &Layout{plan: p, root: root, noted: places, none: make([]span, len(places)), order: c.order}
}

// Plain is Layout of nothing noted, compiled once.
func (p *Plan) Plain() *Layout {
	if l := p.plain.Load(); l != nil {
		return l
	}
	l := p.Layout()
	p.plain.Store(l)
	return l
}

type layoutCompiler struct {
	structs map[*Plan]*wireStruct
	values  map[*Value]*wireValue
	order   []uint16
}

// open begins the layout of an object with at most n fields.
func (c *layoutCompiler) open(n int) *wireStruct {
	w := &wireStruct{byName: map[string]int{}, base: len(c.order)}
	for k := range n + 1 {
		c.order = append(c.order, uint16(k))
	}
	return w
}

func (c *layoutCompiler) fill(w *wireStruct, p *Plan) {
	for _, f := range p.Fields {
		w.add(f.Name, f, c.value(f.Value))
	}
}

func (w *wireStruct) add(name string, f *Field, x *wireValue) int {
	k, direct := len(w.fields), -1
	if f != nil && len(f.Index) == 1 {
		direct = f.Index[0]
	}
	w.fields = append(w.fields, wireField{
		field: f, value: x, direct: direct, noted: -1,
		prefix: string(avjson.AppendString(nil, name)) + ":" + x.open,
	})
	w.byName[name] = k
	return k
}

func (c *layoutCompiler) object(p *Plan) *wireStruct {
	if w := c.structs[p]; w != nil {
		return w
	}
	w := c.open(len(p.Fields))
	c.structs[p] = w // before its fields, which may lead back to it
	c.fill(w, p)
	return w
}

func (c *layoutCompiler) value(x *Value) *wireValue {
	if v := c.values[x]; v != nil {
		return v
	}
	v := &wireValue{Value: x}
	c.values[x] = v
	v.userCode = callsUserCode(x, map[any]bool{})
	c.build(v)
	if v.op == wireGeneral && v.userCode {
		v.op = wireLater
	}
	return v
}

// opens says how a value of the type tag begins; first is `"`, `[`, `{` or nothing.
func (v *wireValue) opens(o wireOp, tag, first string) {
	v.op, v.tag, v.open = o, tag, `{"`+tag+`":`+first
}

func (c *layoutCompiler) build(v *wireValue) {
	x := v.Value
	v.op = wireGeneral
	switch x.Kind {
	case Bool:
		v.opens(wireBool, "BOOL", "")
	case String:
		v.opens(wireString, "S", `"`)
	case Number, NumberString:
		c.number(v)
	case Time:
		v.opens(wireTime, "S", `"`)
		v.isTime = x.Type == timeType
	case UnixTime:
		v.opens(wireUnixTime, "N", `"`)
		v.isTime = x.Type == timeType
	case Binary:
		v.opens(wireBytes, "B", `"`)
	case Struct:
		v.opens(wireStructOp, "M", "{")
		v.sub = c.object(x.Struct)
	case List:
		if x.Type == textsType {
			v.opens(wireTexts, "L", "[")
			return
		}
		v.opens(wireList, "L", "[")
		v.elem = c.value(x.Elem)
	case Map:
		switch {
		case x.Type == textMapType:
			v.opens(wireTextMap, "M", "{")
		case x.key != nil && x.key.plain:
			v.opens(wireMap, "M", "{")
			v.elem = c.value(x.Elem)
		}
	case StringSet, NumberSet, BinarySet:
		if x.Type == textsType {
			v.opens(wireTextSet, "SS", "[")
			return
		}
		if elem := c.value(x.Elem); elem.isScalar() {
			v.opens(wireMembers, x.Stored(), "[")
			v.elem = elem
		}
	case Pointer:
		if elem := c.value(x.Elem); elem.op == wireLater || elem.op == wireGeneral {
			v.op = elem.op
		} else {
			v.op, v.tag, v.open, v.elem = wirePointer, elem.tag, elem.open, elem
		}
	case Custom:
		v.op = wireLater
	case Invalid, Any:
	}
}

var textMapType = reflect.TypeFor[map[string]string]()

func (c *layoutCompiler) number(v *wireValue) {
	tag := v.Stored()
	switch v.Type.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.opens(wireInt, tag, `"`)
		v.size = v.Type.Bits()
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.opens(wireUint, tag, `"`)
		v.size = v.Type.Bits()
	case reflect.Float32, reflect.Float64:
		v.opens(wireFloat, tag, `"`)
		v.size = v.Type.Bits()
	case reflect.String:
		v.opens(wireNumberText, tag, `"`)
	}
}

// isScalar reports whether v is read from a string.
func (v *wireValue) isScalar() bool {
	return v.op >= wireString && v.op <= wireBytes
}

// callsUserCode reports whether reading x, or what is in it, may call methods of
// the user's types.
func callsUserCode(x *Value, seen map[any]bool) bool {
	if x == nil || seen[x] {
		return false
	}
	seen[x] = true
	if x.Kind == Custom || x.Kind == Map && (x.key == nil || !x.key.plain) || callsUserCode(x.Elem, seen) {
		return true
	}
	if p := x.Struct; p != nil && !seen[p] {
		seen[p] = true
		for _, f := range p.Fields {
			if callsUserCode(f.Value, seen) {
				return true
			}
		}
	}
	return false
}
