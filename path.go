package monotable

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/monotable/monotable/internal/codec"
)

// element is one step of a path: a stored name, or an index of a list.
type element struct {
	name  string
	index int // used when name is ""
}

// path leads to an attribute, in stored names.
type path []element

func (p path) String() string {
	if len(p) == 1 && p[0].name != "" {
		return p[0].name
	}
	var b strings.Builder
	for i, e := range p {
		if e.name == "" {
			b.WriteString("[" + strconv.Itoa(e.index) + "]")
			continue
		}
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(e.name)
	}
	return b.String()
}

// under says whether p is q or lies below it.
func (p path) under(q path) bool {
	if len(p) < len(q) {
		return false
	}
	for i := range q {
		if p[i] != q[i] {
			return false
		}
	}
	return true
}

func (p path) equal(q path) bool { return len(p) == len(q) && p.under(q) }

func (p path) child(e element) path { return append(p[:len(p):len(p)], e) }

func nameElement(name string) element { return element{name: name} }

func indexElement(i int) element { return element{index: i} }

// location is where a handle points, or why it points nowhere.
type location struct {
	path path
	err  error
}

// at is the element of a list.
func (l location) at(i int) location {
	if l.err == nil && i < 0 {
		l.err = fmt.Errorf("%s: index %d", l.path, i)
	}
	l.path = l.path.child(indexElement(i))
	return l
}

// key is the element of a map.
func (l location) key(key string) location {
	if l.err == nil && (key == "" || !utf8.ValidString(key)) {
		l.err = fmt.Errorf("%s: a map key must be valid UTF-8 and not empty", l.path)
	}
	l.path = l.path.child(nameElement(key))
	return l
}

// valueAt finds how the value at a path is stored.
func valueAt(plan *codec.Plan, p path) (*codec.Value, error) {
	var value *codec.Value
	for i, e := range p {
		switch {
		case i == 0:
			f := plan.Field(e.name)
			if f == nil {
				return nil, fmt.Errorf("%s has no attribute %q%s", plan.Type, e.name, nearest(e.name, attributeNames(plan)))
			}
			value = f.Value
		case e.name == "" && value.Deref().Kind == codec.List:
			value = value.Deref().Elem
		case e.name != "" && value.Deref().Struct != nil:
			f := value.Deref().Struct.Field(e.name)
			if f == nil {
				return nil, fmt.Errorf("%s has no attribute %q%s", p[:i], e.name, nearest(e.name, attributeNames(value.Deref().Struct)))
			}
			value = f.Value
		case e.name != "" && value.Deref().Kind == codec.Map:
			value = value.Deref().Elem
		default:
			return nil, fmt.Errorf("%s has no %s", p[:i], p[i:])
		}
	}
	return value, nil
}

// fieldChain finds the fields of nested structs that lead to a path, when it leads through structs only.
func fieldChain(plan *codec.Plan, p path) ([]*codec.Field, bool) {
	chain := make([]*codec.Field, 0, len(p))
	for i, e := range p {
		f := plan.Field(e.name)
		if f == nil {
			return nil, false
		}
		chain = append(chain, f)
		if i < len(p)-1 {
			if plan = f.Value.Deref().Struct; plan == nil {
				return nil, false
			}
		}
	}
	return chain, true
}

// get follows the chain from a struct; false when a pointer on the way is nil.
func get(item reflect.Value, chain []*codec.Field) (reflect.Value, bool) {
	v := item
	for i, f := range chain {
		var ok bool
		if v, ok = f.Get(v); !ok {
			return reflect.Value{}, false
		}
		for i < len(chain)-1 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return reflect.Value{}, false
			}
			v = v.Elem()
		}
	}
	return v, true
}

// place follows the chain and makes the structs that are missing on the way.
func place(item reflect.Value, chain []*codec.Field) reflect.Value {
	v := item
	for i, f := range chain {
		v = f.Set(v)
		for i < len(chain)-1 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
	}
	return v
}

// plans keeps the plan of each type without options: handles are made before any entity is.
var plans sync.Map // reflect.Type → func() (*codec.Plan, error)

func planOf(t reflect.Type) (*codec.Plan, error) {
	once, ok := plans.Load(t)
	if !ok {
		once, _ = plans.LoadOrStore(t, sync.OnceValues(func() (*codec.Plan, error) {
			return codec.Compile(t, codec.Options{})
		}))
	}
	return once.(func() (*codec.Plan, error))()
}

// maxProbe bounds how often one type may contain itself on the way to a field.
const maxProbe = 3

// locate finds the path of the field that a selector returned for a probe item: the
// field at this address that has this type. Address alone is ambiguous (&u.Home, &u.Home.City).
func locate(plan *codec.Plan, item reflect.Value, target uintptr, want reflect.Type, seen map[*codec.Plan]int) path {
	if seen[plan] == maxProbe {
		return nil
	}
	seen[plan]++
	defer func() { seen[plan]-- }()
	for _, f := range plan.Fields {
		v, ok := f.Get(item)
		if !ok {
			continue
		}
		if v.Type() == want && v.Addr().Pointer() == target {
			return path{nameElement(f.Name)}
		}
		nested := f.Value.Deref().Struct
		for v.Kind() == reflect.Pointer && !v.IsNil() {
			v = v.Elem()
		}
		if nested == nil || v.Kind() != reflect.Struct {
			continue
		}
		if below := locate(nested, v, target, want, seen); below != nil {
			return append(path{nameElement(f.Name)}, below...)
		}
	}
	return nil
}

// fill makes every struct that pointers of the probe item can lead to.
func fill(plan *codec.Plan, item reflect.Value, seen map[*codec.Plan]int) {
	if seen[plan] == maxProbe {
		return
	}
	seen[plan]++
	defer func() { seen[plan]-- }()
	for _, f := range plan.Fields {
		v := f.Set(item)
		nested := f.Value.Deref().Struct
		if nested == nil {
			continue
		}
		for v.Kind() == reflect.Pointer {
			v.Set(reflect.New(v.Type().Elem()))
			v = v.Elem()
		}
		fill(nested, v, seen)
	}
}
