package codec

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/monotable/monotable/internal/avjson"
)

// program is what the plans of one Compile share: the values compiled while
// running, for what interfaces turn out to hold.
type program struct {
	held sync.Map // valueKey to *dynamicValue
}

// compiler makes plans and values. Types met again, also within themselves, get
// the same plan, except where an option reaches into one place of a type.
type compiler struct {
	prog   *program
	opts   Options
	paths  []string        // of all options
	used   map[string]bool // those that were reached
	plans  map[reflect.Type]*Plan
	values map[valueKey]*Value
	after  []func() // what has to wait until recursive types are complete
	errs   []error
}

type valueKey struct {
	t reflect.Type
	placement
}

func newCompiler(prog *program, o Options) *compiler {
	c := &compiler{
		prog:   prog,
		opts:   o,
		used:   map[string]bool{},
		plans:  map[reflect.Type]*Plan{},
		values: map[valueKey]*Value{},
	}
	for p := range o.TimeLayouts {
		c.paths = append(c.paths, p)
	}
	for p, on := range o.UnixTimes {
		if on {
			c.paths = append(c.paths, p)
		}
	}
	slices.Sort(c.paths)
	c.paths = slices.Compact(c.paths)
	return c
}

func (c *compiler) report(path string, err error) {
	c.errs = append(c.errs, &FieldError{Path: path, Err: err})
}

// finish completes what was compiled and returns all mistakes.
func (c *compiler) finish() error {
	for _, f := range c.after {
		f()
	}
	for _, p := range c.paths {
		if !c.used[p] {
			c.report(p, errors.New("option for a path that does not exist"))
		}
	}
	return errors.Join(c.errs...)
}

// special reports whether an option names path or a place inside it.
func (c *compiler) special(path string) bool {
	for _, p := range c.paths {
		rest, ok := strings.CutPrefix(p, path)
		if ok && (path == "" || rest == "" || rest[0] == '.' || rest[0] == '[') {
			return true
		}
	}
	return false
}

// plan returns the plan of the struct type t at path. It is not filled yet when
// the type leads back to itself and is being compiled further up.
func (c *compiler) plan(t reflect.Type, path string) (p *Plan, fill func()) {
	p = &Plan{Type: t, byName: map[string]*Field{}}
	if !c.special(path) {
		if known := c.plans[t]; known != nil {
			return known, func() {}
		}
		c.plans[t] = p
	}
	return p, func() { c.fill(p, path) }
}

func (c *compiler) fill(p *Plan, path string) {
	before := len(c.errs)
	fields := c.structFields(p.Type, path)
	if len(fields) == 0 && len(c.errs) == before && hidesState(p.Type) {
		c.report(path, fmt.Errorf("nothing of %s would be stored: it has no exported field and no marshaler", p.Type))
	}
	for _, gf := range fields {
		fieldPath := join(path, gf.name())
		f := &Field{
			Name:      gf.name(),
			GoName:    gf.sf.Name,
			Index:     gf.index,
			OmitEmpty: gf.tag.omitEmpty,
			Value:     c.value(gf.sf.Type, gf.tag.placement, fieldPath),
			key:       string(avjson.AppendString(nil, gf.name())) + ":",
		}
		p.count(f)
		c.after = append(c.after, func() {
			if err := gf.tag.check(f.Value); err != nil {
				c.report(fieldPath, err)
			}
		})
		p.Fields = append(p.Fields, f)
		p.byName[f.Name] = f
	}
}

// hidesState knows types like netip.Addr, of which attributevalue stores {}. A
// struct without any field, or with all of them left out by a tag, is meant so.
func hidesState(t reflect.Type) bool {
	for i := range t.NumField() {
		if t.Field(i).IsExported() {
			return false
		}
	}
	return t.NumField() > 0
}

// value compiles the type t at path.
func (c *compiler) value(t reflect.Type, p placement, path string) *Value {
	x := &Value{Type: t, placement: p, prog: c.prog}
	if c.special(path) {
		c.build(x, path)
		return x
	}
	key := valueKey{t, p}
	if known := c.values[key]; known != nil {
		return known
	}
	c.values[key] = x // before its elements, which may lead back to t
	c.build(x, path)
	return x
}

func (c *compiler) build(x *Value, path string) {
	t := x.Type
	if layout, unix, ok := c.timeOption(x, path); ok {
		if unix {
			x.buildUnixTime(true)
		} else {
			x.buildTime(layout)
		}
		return
	}
	marshals, unmarshals := isMarshaler(t), isUnmarshaler(t)
	if t == unixTimeType || !marshals && !unmarshals {
		c.buildKind(x, path)
		return
	}
	x.Kind = Custom
	// A type with one of the two methods is stored by it in one direction and by
	// its kind in the other.
	if !marshals || !unmarshals {
		plain := &Value{Type: t, placement: x.placement, prog: x.prog}
		c.buildKind(plain, path)
		x.enc, x.dec = plain.enc, plain.decode
	}
	if marshals {
		x.enc = encodeCustom(t)
	}
	if unmarshals {
		x.dec = decodeCustom
	}
}

// timeOption finds the option for path, if x is what it can be applied to:
// pointers pass it on to what they point to.
func (c *compiler) timeOption(x *Value, path string) (layout string, unix, ok bool) {
	layout, hasLayout := c.opts.TimeLayouts[path]
	unix = c.opts.UnixTimes[path]
	if !hasLayout && !unix || x.Type.Kind() == reflect.Pointer {
		return "", false, false
	}
	c.used[path] = true
	var err error
	switch {
	case !isTime(x.Type), x.Type == unixTimeType && hasLayout, x.Type != unixTimeType && isMarshaler(x.Type):
		err = fmt.Errorf("time option on %s, which is no time.Time", x.Type)
	case hasLayout && (unix || x.unixTime):
		err = errors.New("a time cannot be stored both in a layout and as epoch seconds")
	case hasLayout:
		err = checkLayout(layout)
	}
	if err != nil {
		c.report(path, err)
		return "", false, false
	}
	return layout, unix, true
}

// buildKind compiles by what the type is, its own marshaler aside.
func (c *compiler) buildKind(x *Value, path string) {
	t := x.Type
	switch t.Kind() {
	case reflect.Bool:
		x.buildBool()
	case reflect.String:
		if isNumberText(t) {
			x.buildNumberText()
		} else {
			x.buildString()
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		x.buildInt()
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		x.buildUint()
	case reflect.Float32, reflect.Float64:
		x.buildFloat()
	case reflect.Struct:
		c.buildStruct(x, path)
	case reflect.Slice, reflect.Array:
		c.buildSlice(x, path)
	case reflect.Map:
		c.buildMap(x, path)
	case reflect.Pointer:
		c.buildPointer(x, path)
	case reflect.Interface:
		if t.NumMethod() > 0 {
			c.unsupported(x, path, fmt.Errorf("interface %s cannot be read back; use any or a concrete type", t))
			return
		}
		x.buildAny()
	default:
		c.unsupported(x, path, fmt.Errorf("type %s cannot be stored", t))
	}
}

func (c *compiler) unsupported(x *Value, path string, err error) {
	x.Kind = Invalid
	c.report(path, err)
}

func (c *compiler) buildStruct(x *Value, path string) {
	t := x.Type
	switch {
	case t == unixTimeType || isTime(t) && x.unixTime:
		x.buildUnixTime(false)
	case isTime(t):
		x.buildTime("")
	case isBig(t):
		x.buildBig()
	default:
		x.Kind = Struct
		plan, fill := c.plan(t, path)
		x.Struct = plan
		x.buildPlan()
		fill()
	}
}

func (c *compiler) buildSlice(x *Value, path string) {
	t := x.Type
	if t.Elem().Kind() == reflect.Uint8 {
		x.buildBytes()
		return
	}
	set := x.set
	if set == noSet && t == bytesSliceType {
		set = binarySet
	}
	inherited := x.elem()
	if t.Kind() == reflect.Array {
		x.omitEmptyElem = false // an array that lost elements would not be read back
	}
	x.Kind = List
	x.Elem = c.value(t.Elem(), inherited, path+"[]")
	if set == noSet {
		x.buildList()
		return
	}
	c.buildSet(x, set, path)
}

func (c *compiler) buildMap(x *Value, path string) {
	t := x.Type
	key, err := newKeyCodec(t.Key())
	if err != nil {
		c.report(path, err)
	}
	x.Kind = Map
	x.key = key
	x.Elem = c.value(t.Elem(), x.elem(), path+"[]")
	x.plainEntries = key != nil && key.plain && x.Elem.op != opNone && x.Elem.op != opStruct
	x.buildEntries()
}

func (c *compiler) buildPointer(x *Value, path string) {
	seen := map[reflect.Type]bool{}
	for t := x.Type; t.Kind() == reflect.Pointer; t = t.Elem() {
		if seen[t] {
			c.unsupported(x, path, fmt.Errorf("type %s points to itself", t))
			return
		}
		seen[t] = true
	}
	inner := x.placement
	inner.nullEmpty = false // a pointer to a zero value is no zero value
	x.Kind = Pointer
	x.Elem = c.value(x.Type.Elem(), inner, path)
	x.buildPointer()
	c.after = append(c.after, func() { x.Struct = x.Deref().Struct })
}
