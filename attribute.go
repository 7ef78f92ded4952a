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
//
// What works for some types only is a function: the changes [Add], [Append], [Prepend], [AddTo] and [DeleteFrom], the conditions
// [HasPrefix], [Contains] and [ContainsText], the rules [Min], [Max], [Length], [Pattern] and those of versions and times.
// [All], [Any] and [Not] join conditions.
type Attr[T, V any] struct {
	_    [0]func(*T) V // keeps Attr[User, int] from being converted to Attr[Order, string]
	spec *ruleSpec
}

// The methods of Attr and AttrRule are compiled anew for every T and V, so each only calls a function without type parameters.

func newAttr[T, V any](loc location) Attr[T, V] { return Attr[T, V]{spec: &ruleSpec{loc: loc}} }

// Ref is any Attr of T, whatever its value type.
type Ref[T any] interface{ ref(*T) *ruleSpec }

func (a Attr[T, V]) ref(*T) *ruleSpec { return a.spec }

// String is the stored path, such as "preferences.theme".
func (a Attr[T, V]) String() string { return a.spec.location().path.String() }

// Field makes the handle of the field whose address selector returns. The selector may
// go through nested and embedded structs, and through pointers to structs. A selector that
// leaves the struct, panics, or points at a field that is not stored is reported by
// NewEntity and by every use; Field itself never panics.
//
//	var userTheme = monotable.Field(func(u *User) *string { return &u.Prefs.Theme })
func Field[T, V any](selector func(*T) *V) Attr[T, V] {
	if selector == nil {
		return newAttr[T, V](location{err: errors.New("Field without a selector")})
	}
	return newAttr[T, V](resolve(reflect.TypeFor[T](), reflect.TypeFor[V](), func(item any) any { return selector(item.(*T)) }))
}

// resolve finds the field of a struct type that a selector returns the address of.
func resolve(t, want reflect.Type, selector func(item any) any) (loc location) {
	if t.Kind() != reflect.Struct {
		return location{err: fmt.Errorf("%s is no struct", t)}
	}
	plan, err := planOf(t)
	if err != nil {
		// NewEntity reports what is wrong with the type itself.
		return location{err: fmt.Errorf("%s cannot be stored: %w", t, err)}
	}
	defer func() {
		if r := recover(); r != nil {
			loc = location{err: fmt.Errorf("the selector of a %s panicked; it must only return the address of a field, through structs and pointers to structs", want)}
		}
	}()
	item := reflect.New(t)
	fill(plan, item.Elem(), map[*codec.Plan]int{})
	target := reflect.ValueOf(selector(item.Interface()))
	if target.IsNil() || want.Size() == 0 {
		return location{err: fmt.Errorf("the selector of a *%s returns no address of a stored field", want)}
	}
	p := locate(plan, item.Elem(), target.Pointer(), want, map[*codec.Plan]int{})
	if p == nil {
		return location{err: fmt.Errorf("the selector of a *%s leaves the struct, or its field is not stored: it is to return the address of a field of its argument; for elements of lists and maps use At and MapKey", want)}
	}
	return location{path: p}
}

// Elem is the handle on what a pointer attribute points to, so that values need no pointer: Elem(userNotify).Eq(true).
func Elem[T, V any](a Attr[T, *V]) Attr[T, V] {
	return Attr[T, V]{spec: a.spec}
}

// At is the element of a list. DynamoDB appends when i lies beyond the end; i < 0 is an error in use.
func At[T any, S ~[]E, E any](list Attr[T, S], i int) Attr[T, E] {
	return newAttr[T, E](list.spec.location().at(i))
}

// MapKey is the element of a map. The map itself must be stored before an element can be
// set: give it a Default, or the error names it as the missing parent. An empty key is an error in use.
func MapKey[T any, M ~map[K]V, K ~string, V any](m Attr[T, M], key K) Attr[T, V] {
	return newAttr[T, V](m.spec.location().key(string(key)))
}

// Path is the handle on a path given as text, such as "lines[0].sku", for what selectors
// cannot say. It is checked against T and V now, and a mistake is reported in
// use. Names that contain "." or "[" need [MapKey].
func Path[V, T any](e *Entity[T], text string) Attr[T, V] {
	p, err := parsePath(text)
	if err == nil {
		err = checkPath(e.core.model.plan, p, reflect.TypeFor[V]())
	}
	return newAttr[T, V](location{path: p, err: err})
}

func checkPath(plan *codec.Plan, p path, want reflect.Type) error {
	value, err := valueAt(plan, p)
	if err != nil {
		return err
	}
	for t := value.Type; ; t = t.Elem() {
		if t == want {
			return nil
		}
		if t.Kind() != reflect.Pointer {
			return fmt.Errorf("%s is of type %s, not %s", p, value.Type, want)
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
func (a Attr[T, V]) Eq(v V) KeyCond[T] { return KeyCond[T]{n: a.spec.than(opEq, v)} }

// Lt holds when the attribute is less than v: numbers by value, text and binary by bytes, times by time.
func (a Attr[T, V]) Lt(v V) KeyCond[T] { return KeyCond[T]{n: a.spec.than(opLt, v)} }

// Le holds when the attribute is at most v.
func (a Attr[T, V]) Le(v V) KeyCond[T] { return KeyCond[T]{n: a.spec.than(opLe, v)} }

// Gt holds when the attribute is greater than v.
func (a Attr[T, V]) Gt(v V) KeyCond[T] { return KeyCond[T]{n: a.spec.than(opGt, v)} }

// Ge holds when the attribute is at least v.
func (a Attr[T, V]) Ge(v V) KeyCond[T] { return KeyCond[T]{n: a.spec.than(opGe, v)} }

// Between holds from low to high, both included. low > high is refused before sending.
func (a Attr[T, V]) Between(low, high V) KeyCond[T] {
	return KeyCond[T]{n: a.spec.between(low, high)}
}

// HasPrefix holds when a text attribute begins with prefix. Transforms do not run on a prefix. An empty prefix
// is refused in a Filter or condition; in SortKey it selects every value.
func HasPrefix[T any, V ~string](a Attr[T, V], prefix string) KeyCond[T] {
	return KeyCond[T]{n: a.spec.than(opPrefix, prefix)}
}

// Ne holds when the attribute differs from v. As in DynamoDB, it holds for a missing attribute too.
func (a Attr[T, V]) Ne(v V) Cond[T] { return cond[T]{n: a.spec.than(opNe, v)} }

// In holds when the attribute equals one of 1 to 100 values.
func (a Attr[T, V]) In(values ...V) Cond[T] {
	return cond[T]{n: a.spec.in(values)}
}

// Exists holds when the attribute is stored.
func (a Attr[T, V]) Exists() Cond[T] { return cond[T]{n: a.spec.stored(opExists)} }

// NotExists holds when the attribute is not stored.
func (a Attr[T, V]) NotExists() Cond[T] { return cond[T]{n: a.spec.stored(opNotExists)} }

// Type holds when the attribute is stored with this DynamoDB type, such as expression.String.
func (a Attr[T, V]) Type(t expression.DynamoDBAttributeType) Cond[T] {
	return cond[T]{n: a.spec.typeCond(t)}
}

// Contains holds when a set has the member, or a list the element.
func Contains[T any, S ~[]E, E any](a Attr[T, S], member E) Cond[T] {
	return cond[T]{n: a.spec.than(opContains, member)}
}

// ContainsText holds when a text attribute contains sub, which must not be empty.
func ContainsText[T any, V ~string](a Attr[T, V], sub string) Cond[T] {
	return cond[T]{n: a.spec.than(opContains, sub)}
}

// EqAttr holds when two attributes are equal.
func (a Attr[T, V]) EqAttr(b Attr[T, V]) Cond[T] { return cond[T]{n: a.spec.attrCond(opEq, b.spec)} }

// NeAttr holds when two attributes differ, or either is missing.
func (a Attr[T, V]) NeAttr(b Attr[T, V]) Cond[T] { return cond[T]{n: a.spec.attrCond(opNe, b.spec)} }

// LtAttr holds when a is less than b.
func (a Attr[T, V]) LtAttr(b Attr[T, V]) Cond[T] { return cond[T]{n: a.spec.attrCond(opLt, b.spec)} }

// LeAttr holds when a is at most b.
func (a Attr[T, V]) LeAttr(b Attr[T, V]) Cond[T] { return cond[T]{n: a.spec.attrCond(opLe, b.spec)} }

// GtAttr holds when a is greater than b.
func (a Attr[T, V]) GtAttr(b Attr[T, V]) Cond[T] { return cond[T]{n: a.spec.attrCond(opGt, b.spec)} }

// GeAttr holds when a is at least b.
func (a Attr[T, V]) GeAttr(b Attr[T, V]) Cond[T] { return cond[T]{n: a.spec.attrCond(opGe, b.spec)} }

// Size compares the size of an attribute: characters as DynamoDB counts them for text,
// bytes for binary, members of a set, elements of a list or map.
func (a Attr[T, V]) Size() Size[T] { return Size[T]{of: a.spec} }

// Size is the size of an attribute, ready to be compared. The zero Size is an error in use.
type Size[T any] struct {
	_  [0]func(*T)
	of *ruleSpec
}

// Eq holds when the size is n.
func (s Size[T]) Eq(n int) Cond[T] { return cond[T]{n: s.of.size(opEq, n)} }

// Ne holds when the size is not n.
func (s Size[T]) Ne(n int) Cond[T] { return cond[T]{n: s.of.size(opNe, n)} }

// Lt holds when the size is less than n.
func (s Size[T]) Lt(n int) Cond[T] { return cond[T]{n: s.of.size(opLt, n)} }

// Le holds when the size is at most n.
func (s Size[T]) Le(n int) Cond[T] { return cond[T]{n: s.of.size(opLe, n)} }

// Gt holds when the size is greater than n.
func (s Size[T]) Gt(n int) Cond[T] { return cond[T]{n: s.of.size(opGt, n)} }

// Ge holds when the size is at least n.
func (s Size[T]) Ge(n int) Cond[T] { return cond[T]{n: s.of.size(opGe, n)} }

// Between holds when the size is from low to high.
func (s Size[T]) Between(low, high int) Cond[T] {
	return cond[T]{n: s.of.sizeBetween(low, high)}
}
