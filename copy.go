package monotable

import (
	"math/big"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"

	"github.com/monotable/monotable/internal/codec"
)

// maxCopyDepth is beyond what DynamoDB can nest; what lies deeper is refused by the codec.
const maxCopyDepth = 64

// fresh is a copy of a value, addressable. What it refers to is shared.
func fresh(v reflect.Value) reflect.Value {
	own := reflect.New(v.Type()).Elem()
	own.Set(v)
	return own
}

// frozen is a deep copy of what a pointer points at, which the caller cannot change any more. Rules may change it in place.
func frozen(p any) reflect.Value {
	own := fresh(target(p))
	detach(own, 0)
	return own
}

// copyOf is a deep copy of a value of any type: values of conditions and changes are immutable.
func copyOf(v any) any {
	t := reflect.TypeOf(v)
	if t == nil || !holdsReferences(t) {
		return v
	}
	own := fresh(reflect.ValueOf(v))
	detach(own, 0)
	return own.Interface()
}

// own is a copy of a caller's item, which nobody else has, ready to be prepared and sent within the call. It may still share with the
// caller what no rule can change.
func (m *model) own(item reflect.Value) reflect.Value {
	if !m.leavesReferences {
		detach(item, 0)
	}
	return item
}

// ownKey is own for a key, of which nothing but the attributes in it and the version is looked at. It shares nothing of these, so it may be kept.
func (m *model) ownKey(key reflect.Value) reflect.Value {
	if !m.plainKey {
		detach(key, 0)
	}
	return key
}

// compileCopies finds out which copies need not be deep.
func (c *compiler) compileCopies() {
	c.leavesReferences = c.validate == nil && c.table.validator == nil && !slices.ContainsFunc(c.sets(), func(s *keySet) bool { return s.when != nil }) &&
		!slices.ContainsFunc(c.ruled, func(a *attribute) bool {
			return !a.inline(c.typ) || slices.ContainsFunc(a.parts, func(part rulePart) bool {
				return part.make != nil || (part.change != nil || part.check != nil) && holdsReferences(a.value.Type)
			})
		}) && !planRunsCode(c.plan, map[*codec.Value]bool{})
	c.plainKey = !slices.ContainsFunc(c.primary.attributes(), func(a *attribute) bool {
		return !a.inline(c.typ) || holdsReferences(a.value.Type)
	})
	c.keyAsIs = c.plainKey && !slices.ContainsFunc(c.primary.attributes(), func(a *attribute) bool {
		return a.has(ruleTransform) || runsCode(a.value, map[*codec.Value]bool{})
	})
	if c.version != nil {
		mark := c.plan.Field(c.table.writeID)
		c.plainKey = c.plainKey && c.version.inline(c.typ) && (mark == nil || inline(c.typ, mark.Index) && !holdsReferences(mark.Value.Type))
	}
}

// inline says that the attribute's memory is that of the struct t itself.
func (a *attribute) inline(t reflect.Type) bool {
	for _, f := range a.chain {
		if t.Kind() != reflect.Struct || !inline(t, f.Index) {
			return false
		}
		t = f.Value.Type
	}
	return true
}

// inline says that no pointer is on the way to a field of embedded structs.
func inline(t reflect.Type, index []int) bool {
	for _, i := range index {
		if t.Kind() != reflect.Struct {
			return false
		}
		t = t.Field(i).Type
	}
	return true
}

// runsCode says that storing a value may run code of the caller's types, which could change what they refer to.
func runsCode(v *codec.Value, seen map[*codec.Value]bool) bool {
	if v == nil || seen[v] {
		return false
	}
	seen[v] = true
	return v.Kind == codec.Custom || v.Kind == codec.Any || runsCode(v.Elem, seen) || v.Struct != nil && planRunsCode(v.Struct, seen)
}

func planRunsCode(plan *codec.Plan, seen map[*codec.Value]bool) bool {
	return slices.ContainsFunc(plan.Fields, func(f *codec.Field) bool { return runsCode(f.Value, seen) })
}

// detach gives a copy of a caller's value memory of its own for all that can be changed in it.
func detach(v reflect.Value, depth int) { (&copier{}).detach(v, depth) }

// copier knows what it is inside of: a cycle, which the codec refuses, would be gone around in all ways there are.
type copier struct {
	inside map[reference]bool
	cyclic bool // and is refused, so nothing more is copied
}

type reference struct {
	at  uintptr
	typ reflect.Type
	n   int
}

// fewLevels is how deep values are without a cycle, as a rule.
const fewLevels = 8

// enter is false inside of the very value.
func (c *copier) enter(v reflect.Value, depth int) (leave func(), ok bool) {
	if depth < fewLevels {
		return func() {}, true
	}
	r := reference{v.Pointer(), v.Type(), 0}
	if v.Kind() == reflect.Slice {
		r.n = v.Len()
	}
	if c.inside[r] {
		c.cyclic = true
		return nil, false
	}
	if c.inside == nil {
		c.inside = map[reference]bool{}
	}
	c.inside[r] = true
	return func() { delete(c.inside, r) }, true
}

func (c *copier) detach(v reflect.Value, depth int) {
	if c.cyclic || depth == maxCopyDepth || !holdsReferences(v.Type()) {
		return
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		if v.IsNil() {
			return
		}
		leave, ok := c.enter(v, depth)
		if !ok {
			return
		}
		defer leave()
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(c.detached(v.Elem(), depth).Addr())
	case reflect.Struct:
		if detachBig(v) {
			return
		}
		for _, i := range referring(v.Type()) {
			c.detach(v.Field(i), depth+1)
		}
	case reflect.Slice:
		own := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		reflect.Copy(own, v)
		v.Set(own)
		c.detachElements(v, depth)
	case reflect.Array:
		c.detachElements(v, depth)
	case reflect.Map:
		own := reflect.MakeMapWithSize(v.Type(), v.Len())
		for entries := v.MapRange(); entries.Next(); {
			own.SetMapIndex(entries.Key(), c.detached(entries.Value(), depth))
		}
		v.Set(own)
	case reflect.Interface:
		if !v.IsNil() {
			v.Set(c.detached(v.Elem(), depth))
		}
	}
}

// detached is a copy in memory of its own.
func (c *copier) detached(v reflect.Value, depth int) reflect.Value {
	own := reflect.New(v.Type()).Elem()
	own.Set(v)
	c.detach(own, depth+1)
	return own
}

func (c *copier) detachElements(v reflect.Value, depth int) {
	if !holdsReferences(v.Type().Elem()) {
		return
	}
	for i := range v.Len() {
		c.detach(v.Index(i), depth+1)
	}
}

var bigTypes = []reflect.Type{reflect.TypeFor[big.Int](), reflect.TypeFor[big.Rat](), reflect.TypeFor[big.Float]()}

// detachBig copies a number of math/big, whose digits are behind an unexported field.
func detachBig(v reflect.Value) bool {
	if !slices.Contains(bigTypes, v.Type()) {
		return false
	}
	switch n := v.Addr().Interface().(type) {
	case *big.Int:
		*n = *new(big.Int).Set(n)
	case *big.Rat:
		*n = *new(big.Rat).Set(n)
	case *big.Float:
		*n = *new(big.Float).Copy(n)
	}
	return true
}

// holdsReferences says that a copy of a value may share memory with it, as far as programs can get at that.
func holdsReferences(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
		return true
	case reflect.Array:
		return holdsReferences(t.Elem())
	case reflect.Struct:
		return slices.Contains(bigTypes, t) || len(referring(t)) > 0
	}
	return false
}

// references keeps which fields of each struct type hold references: to ask the type costs more than the copy.
var references sync.Map // reflect.Type → []int

func referring(t reflect.Type) []int {
	if known, ok := references.Load(t); ok {
		return known.([]int)
	}
	var fields []int
	for i := range t.NumField() {
		f := t.Field(i)
		reachable := f.IsExported() || f.Anonymous && f.Type.Kind() == reflect.Struct && !slices.Contains(bigTypes, f.Type) // whose exported fields are t's
		if reachable && !unstored(t, f) && holdsReferences(f.Type) {
			fields = append(fields, i)
		}
	}
	references.Store(t, fields)
	return fields
}

var marshaler = reflect.TypeFor[attributevalue.Marshaler]()

// unstored says that the tag leaves a field out: what is behind it is none of ours, and perhaps in use by others.
func unstored(t reflect.Type, f reflect.StructField) bool {
	name, _, _ := strings.Cut(f.Tag.Get("dynamodbav"), ",")
	return name == "-" && !t.Implements(marshaler) && !reflect.PointerTo(t).Implements(marshaler)
}
