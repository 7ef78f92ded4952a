package monotable

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"

	"github.com/monotable/monotable/internal/codec"
)

// Number is what Add, Min and Max work on.
type Number interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~float32 | ~float64
}

// Attr is a typed handle on an attribute of type V in entities of type T. Make it with
// [Field] and keep it in a package variable: it is immutable and safe for concurrent use.
// The zero Attr points nowhere; every use of it is an error, never a panic.
//
// Conditions ([Attr.Eq] and its kin), changes ([Attr.Set] and its kin) and rules
// ([Attr.Required] and its kin) are made from it. Values are encoded exactly as
// they are in the item.
type Attr[T, V any] struct {
	_   [0]func(*T) V // keeps Attr[User, int] from being converted to Attr[Order, string]
	loc *location
}

// Ref is any Attr of T, whatever its value type.
type Ref[T any] interface{ ref(*T) location }

func (a Attr[T, V]) ref(*T) location { return a.location() }

func (a Attr[T, V]) location() location {
	if a.loc == nil {
		return location{err: errors.New("this Attr was not made by Field")}
	}
	return *a.loc
}

// String is the stored path, such as "preferences.theme".
func (a Attr[T, V]) String() string { return a.location().path.String() }

// Field makes the handle of the field whose address selector returns. The selector may
// go through nested and embedded structs, and through pointers to structs. A selector that
// leaves the struct, panics, or points at a field that is not stored is reported by
// NewEntity and by every use; Field itself never panics.
//
//	var userTheme = monotable.Field(func(u *User) *string { return &u.Prefs.Theme })
func Field[T, V any](selector func(*T) *V) Attr[T, V] {
	p, err := resolve(selector)
	return Attr[T, V]{loc: &location{path: p, err: err}}
}

func resolve[T, V any](selector func(*T) *V) (p path, err error) {
	t, want := reflect.TypeFor[T](), reflect.TypeFor[V]()
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("%s is no struct", t)
	}
	plan, err := planOf(t)
	if err != nil {
		// NewEntity reports what is wrong with the type itself.
		return nil, fmt.Errorf("%s cannot be stored: %w", t, err)
	}
	if selector == nil {
		return nil, errors.New("Field without a selector")
	}
	defer func() {
		if r := recover(); r != nil {
			p, err = nil, fmt.Errorf("the selector of a %s panicked; it must only return the address of a field, through structs and pointers to structs", want)
		}
	}()
	item := new(T)
	fill(plan, reflect.ValueOf(item).Elem(), map[*codec.Plan]int{})
	target := selector(item)
	if target == nil || want.Size() == 0 {
		return nil, fmt.Errorf("the selector of a %s returns no address of a stored field", want)
	}
	p = locate(plan, reflect.ValueOf(item).Elem(), reflect.ValueOf(target).Pointer(), want, map[*codec.Plan]int{})
	if p == nil {
		return nil, fmt.Errorf("the selector of a %s leaves the struct, or its field is not stored; for elements of lists and maps use At and MapKey", want)
	}
	return p, nil
}

// Elem is the handle on what a pointer attribute points to, so that values need no pointer: Elem(userNotify).Eq(true).
func Elem[T, V any](a Attr[T, *V]) Attr[T, V] {
	return Attr[T, V]{loc: a.loc}
}

// At is the element of a list. DynamoDB appends when i lies beyond the end; i < 0 is an error in use.
func At[T any, S ~[]E, E any](list Attr[T, S], i int) Attr[T, E] {
	l := list.location()
	if l.err == nil && i < 0 {
		l.err = fmt.Errorf("%s: index %d", l.path, i)
	}
	l.path = l.path.child(indexElement(i))
	return Attr[T, E]{loc: &l}
}

// MapKey is the element of a map. The map itself must be stored before an element can be
// set: give it a Default, or the error names it as the missing parent. An empty key is an error in use.
func MapKey[T any, M ~map[K]V, K ~string, V any](m Attr[T, M], key K) Attr[T, V] {
	l := m.location()
	if l.err == nil && (key == "" || !utf8.ValidString(string(key))) {
		l.err = fmt.Errorf("%s: a map key must be valid UTF-8 and not empty", l.path)
	}
	l.path = l.path.child(nameElement(string(key)))
	return Attr[T, V]{loc: &l}
}

// Path is the handle on a path given as text, such as "lines[0].sku", for what selectors
// cannot say. It is checked against T and V now, and a mistake is reported in
// use. Names that contain "." or "[" need [MapKey].
func Path[V, T any](e *Entity[T], text string) Attr[T, V] {
	p, err := parsePath(text)
	if err == nil {
		err = checkPath(e, p, reflect.TypeFor[V]())
	}
	return Attr[T, V]{loc: &location{path: p, err: err}}
}

func checkPath[T any](e *Entity[T], p path, want reflect.Type) error {
	value, err := valueAt(e.model.plan, p)
	if err != nil {
		return err
	}
	for t := value.Type; ; t = t.Elem() {
		if t == want {
			return nil
		}
		if t.Kind() != reflect.Pointer {
			return fmt.Errorf("%s is a %s, not a %s", p, value.Type, want)
		}
	}
}

func parsePath(text string) (path, error) {
	bad := fmt.Errorf("path %q must be like a.b[0]", text)
	var p path
	for word := range strings.SplitSeq(text, ".") {
		name, rest, _ := strings.Cut(word, "[")
		if name == "" || !utf8.ValidString(name) {
			return nil, bad
		}
		p = append(p, nameElement(name))
		if rest == "" && name == word {
			continue
		}
		for index := range strings.SplitSeq(rest, "[") {
			digits, ok := strings.CutSuffix(index, "]")
			i, err := strconv.Atoi(digits)
			if !ok || err != nil || i < 0 {
				return nil, bad
			}
			p = append(p, indexElement(i))
		}
	}
	return p, nil
}

// Eq holds when the attribute equals v. It can select by a sort key too.
func (a Attr[T, V]) Eq(v V) KeyCond[T] { return keyCond[T](opEq, a.location(), frozen(v)) }

// Lt holds when the attribute is less than v: numbers by value, text and binary by bytes, times by time.
func (a Attr[T, V]) Lt(v V) KeyCond[T] { return keyCond[T](opLt, a.location(), frozen(v)) }

// Le holds when the attribute is at most v.
func (a Attr[T, V]) Le(v V) KeyCond[T] { return keyCond[T](opLe, a.location(), frozen(v)) }

// Gt holds when the attribute is greater than v.
func (a Attr[T, V]) Gt(v V) KeyCond[T] { return keyCond[T](opGt, a.location(), frozen(v)) }

// Ge holds when the attribute is at least v.
func (a Attr[T, V]) Ge(v V) KeyCond[T] { return keyCond[T](opGe, a.location(), frozen(v)) }

// Between holds from low to high, both included. low > high is refused before sending.
func (a Attr[T, V]) Between(low, high V) KeyCond[T] {
	return keyCond[T](opBetween, a.location(), frozen(low), frozen(high))
}

// HasPrefix holds when a text attribute begins with prefix. Transforms do not run on a prefix. An empty prefix
// is refused in a Filter or condition; in SortKey it selects every value.
func HasPrefix[T any, V ~string](a Attr[T, V], prefix string) KeyCond[T] {
	return keyCond[T](opPrefix, a.location(), prefix)
}

// Ne holds when the attribute differs from v. As in DynamoDB, it holds for a missing attribute too.
func (a Attr[T, V]) Ne(v V) Cond[T] { return newCond[T](opNe, a.location(), frozen(v)) }

// In holds when the attribute equals one of 1 to 100 values.
func (a Attr[T, V]) In(values ...V) Cond[T] {
	vs := make([]any, len(values))
	for i, v := range values {
		vs[i] = frozen(v)
	}
	return newCond[T](opIn, a.location(), vs...)
}

// Exists holds when the attribute is stored.
func (a Attr[T, V]) Exists() Cond[T] { return newCond[T](opExists, a.location()) }

// NotExists holds when the attribute is not stored.
func (a Attr[T, V]) NotExists() Cond[T] { return newCond[T](opNotExists, a.location()) }

// Type holds when the attribute is stored with this DynamoDB type, such as expression.String.
func (a Attr[T, V]) Type(t expression.DynamoDBAttributeType) Cond[T] {
	n := &condNode{op: opType, loc: a.location(), attrType: t}
	return cond[T]{n: n}
}

// Contains holds when a set has the member, or a list the element.
func Contains[T any, S ~[]E, E any](a Attr[T, S], member E) Cond[T] {
	return newCond[T](opContains, a.location(), frozen(member))
}

// ContainsText holds when a text attribute contains sub, which must not be empty.
func ContainsText[T any, V ~string](a Attr[T, V], sub string) Cond[T] {
	return newCond[T](opContains, a.location(), sub)
}

// EqAttr holds when two attributes are equal.
func (a Attr[T, V]) EqAttr(b Attr[T, V]) Cond[T] { return attrCond(opEq, a, b) }

// NeAttr holds when two attributes differ, or either is missing.
func (a Attr[T, V]) NeAttr(b Attr[T, V]) Cond[T] { return attrCond(opNe, a, b) }

// LtAttr holds when a is less than b.
func (a Attr[T, V]) LtAttr(b Attr[T, V]) Cond[T] { return attrCond(opLt, a, b) }

// LeAttr holds when a is at most b.
func (a Attr[T, V]) LeAttr(b Attr[T, V]) Cond[T] { return attrCond(opLe, a, b) }

// GtAttr holds when a is greater than b.
func (a Attr[T, V]) GtAttr(b Attr[T, V]) Cond[T] { return attrCond(opGt, a, b) }

// GeAttr holds when a is at least b.
func (a Attr[T, V]) GeAttr(b Attr[T, V]) Cond[T] { return attrCond(opGe, a, b) }

func attrCond[T, V any](op condOp, a, b Attr[T, V]) Cond[T] {
	other := b.location()
	return cond[T]{n: &condNode{op: op, loc: a.location(), other: &other}}
}

// Size compares the size of an attribute: characters as DynamoDB counts them for text,
// bytes for binary, members of a set, elements of a list or map.
func (a Attr[T, V]) Size() Size[T] { return Size[T]{loc: a.location()} }

// Size is the size of an attribute, ready to be compared. The zero Size is an error in use.
type Size[T any] struct {
	_   [0]func(*T)
	loc location
}

func (s Size[T]) cond(op condOp, values ...int) Cond[T] {
	vs := make([]any, len(values))
	for i, v := range values {
		vs[i] = v
	}
	return cond[T]{n: &condNode{op: op, loc: s.loc, values: vs, size: true}}
}

// Eq holds when the size is n.
func (s Size[T]) Eq(n int) Cond[T] { return s.cond(opEq, n) }

// Ne holds when the size is not n.
func (s Size[T]) Ne(n int) Cond[T] { return s.cond(opNe, n) }

// Lt holds when the size is less than n.
func (s Size[T]) Lt(n int) Cond[T] { return s.cond(opLt, n) }

// Le holds when the size is at most n.
func (s Size[T]) Le(n int) Cond[T] { return s.cond(opLe, n) }

// Gt holds when the size is greater than n.
func (s Size[T]) Gt(n int) Cond[T] { return s.cond(opGt, n) }

// Ge holds when the size is at least n.
func (s Size[T]) Ge(n int) Cond[T] { return s.cond(opGe, n) }

// Between holds when the size is from low to high.
func (s Size[T]) Between(low, high int) Cond[T] { return s.cond(opBetween, low, high) }
