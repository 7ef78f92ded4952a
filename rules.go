package monotable

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"time"
	"unicode/utf8"
)

// Rule says something about an attribute of T, or about an index. Rules run in one pipeline for
// every verb: defaults, then transforms, then derived values, then validators.
// Validators run on what is stored; what is left out (a nil pointer, slice or map, or a zero
// omitempty value) only Required refuses.
type Rule[T any] interface{ rule(*T) *ruleSpec }

// AttrRule is the rules of one attribute. Its methods add to a copy. The zero AttrRule is a definition error.
type AttrRule[T, V any] struct {
	_    [0]func(*T) V
	spec *ruleSpec
}

func (r AttrRule[T, V]) rule(*T) *ruleSpec { return r.spec }

type ruleKind string

const (
	ruleRequired    ruleKind = "Required"
	ruleDefault     ruleKind = "Default"
	ruleDefaultZero ruleKind = "DefaultZero"
	ruleDefaultFunc ruleKind = "DefaultFunc"
	ruleReadDefault ruleKind = "ReadDefault"
	ruleDerived     ruleKind = "Derived"
	ruleTransform   ruleKind = "Transform"
	ruleValidate    ruleKind = "Validate"
	ruleOneOf       ruleKind = "OneOf"
	ruleMin         ruleKind = "Min"
	ruleMax         ruleKind = "Max"
	ruleLength      ruleKind = "Length"
	rulePattern     ruleKind = "Pattern"
	ruleImmutable   ruleKind = "Immutable"
	ruleHidden      ruleKind = "Hidden"
	ruleEscaped     ruleKind = "Escaped"
	ruleTimeLayout  ruleKind = "TimeLayout"
	ruleCreatedAt   ruleKind = "CreatedAt"
	ruleUpdatedAt   ruleKind = "UpdatedAt"
	ruleVersion     ruleKind = "Version"
	ruleExpiresAt   ruleKind = "ExpiresAt"
	ruleIndexWhen   ruleKind = "IndexWhen"
	ruleUnique      ruleKind = "Unique"
)

// ruleSpec is what the rules of one call say, free of type parameters.
type ruleSpec struct {
	loc   location
	parts []rulePart
}

type rulePart struct {
	kind   ruleKind
	err    error                 // a mistake in the rule itself
	value  any                   // Default, ReadDefault, Min, Max; the layout; the index
	make   func(item any) any    // DefaultFunc, Derived; item is a *T
	change func(value any) any   // Transform
	check  func(value any) error // validators
	when   func(item any) bool   // IndexWhen
	reads  []location            // Derived, IndexWhen, Unique
}

// location is where the attribute is.
func (s *ruleSpec) location() location {
	if s == nil {
		return location{err: errors.New("this Attr was not made by Field")}
	}
	return s.loc
}

// and is a copy with one more part.
//
//go:noinline
func (s *ruleSpec) and(part rulePart) *ruleSpec {
	if s == nil {
		return &ruleSpec{loc: s.location(), parts: []rulePart{part}}
	}
	return &ruleSpec{loc: s.loc, parts: append(s.parts[:len(s.parts):len(s.parts)], part)}
}

//go:noinline
func (s *ruleSpec) kind(kind ruleKind) *ruleSpec { return s.and(rulePart{kind: kind}) }

//go:noinline
func (s *ruleSpec) valued(kind ruleKind, value any) *ruleSpec {
	return s.and(rulePart{kind: kind, value: copyOf(value)})
}

//go:noinline
func (s *ruleSpec) making(kind ruleKind, make func(item any) any, reads []location) *ruleSpec {
	return s.and(rulePart{kind: kind, make: make, reads: reads, err: nilFunc(make == nil)})
}

//go:noinline
func (s *ruleSpec) transforming(change func(any) any) *ruleSpec {
	return s.and(rulePart{kind: ruleTransform, change: change, err: nilFunc(change == nil)})
}

//go:noinline
func (s *ruleSpec) validating(checks []func(any) error) *ruleSpec {
	if len(checks) == 0 {
		return s.and(rulePart{kind: ruleValidate, err: nilFunc(true)})
	}
	for _, f := range checks { // each is a violation of its own
		s = s.and(rulePart{kind: ruleValidate, check: f, err: nilFunc(f == nil)})
	}
	return s
}

//go:noinline
func (s *ruleSpec) oneOf(list any, equal func(x, v any) bool) *ruleSpec {
	values := anys(list)
	names := make([]string, len(values))
	for i, v := range values {
		values[i] = copyOf(v)
		names[i] = fmt.Sprint(reflect.Indirect(reflect.ValueOf(v)))
	}
	return s.and(rulePart{kind: ruleOneOf, err: nilFunc(len(values) == 0), check: func(x any) error {
		for _, v := range values {
			if equal(x, v) {
				return nil
			}
		}
		return fmt.Errorf("must be one of %v", names)
	}})
}

//go:noinline
func (s *ruleSpec) unique(scope []location) *ruleSpec {
	return s.and(rulePart{kind: ruleUnique, reads: scope})
}

// as gives a typed rule its value: of the attribute itself or, for a handle made by Elem, of what it points to. A nil
// interface is V's zero value.
func as[V any](x any) V {
	if p, ok := x.(*V); ok && p != nil {
		return *p // also where V is an interface, which the pointer itself has too
	}
	v, ok := x.(V)
	for rv := reflect.ValueOf(x); !ok && rv.Kind() == reflect.Pointer && !rv.IsNil(); {
		rv = rv.Elem()
		v, ok = rv.Interface().(V)
	}
	return v
}

// Required refuses a zero value in Create, Put, Modify and Set, and refuses Remove. Reads never
// enforce it. On numbers and bools zero means something, so NewEntity refuses it there: use a pointer, or Min.
func (a Attr[T, V]) Required() AttrRule[T, V] { return AttrRule[T, V]{spec: a.spec.kind(ruleRequired)} }

// Default fills a zero value with a deep copy of v wherever a whole item is written. On plain numbers and
// bools NewEntity refuses it, because there zero means something: use a pointer field, or [Attr.DefaultZero].
func (a Attr[T, V]) Default(v V) AttrRule[T, V] {
	return AttrRule[T, V]{spec: a.spec.valued(ruleDefault, v)}
}

// DefaultZero is Default for numbers and bools, and says that their zero means "not given".
func (a Attr[T, V]) DefaultZero(v V) AttrRule[T, V] {
	return AttrRule[T, V]{spec: a.spec.valued(ruleDefaultZero, v)}
}

// ReadDefault is what reads give where the stored item lacks the attribute: a deep copy of v, whatever call reads it. It is for attributes that are younger than
// some items. A zero or NULL that is stored is no lack, so it is for numbers and bools too; but what writes leave out (nil, a zero
// omitempty value) reads as v again. The read stores nothing, and conditions, filters and changes see the attribute absent: Add starts
// from 0. Modify sees v, and stores the attribute only if it is changed, on the condition that it is still absent. Inside a nested
// struct it counts where the struct itself is stored. With [Attr.Default], that one fills what is written.
//
// Items have no key of an index and no guard for what they lack, so NewEntity refuses it on parts of keys, on what IndexWhen
// reads, on Unique attributes and their scopes, on derived ones and on those that monotable writes.
func (a Attr[T, V]) ReadDefault(v V) AttrRule[T, V] {
	return AttrRule[T, V]{spec: a.spec.valued(ruleReadDefault, v)}
}

// DefaultFunc fills a zero value once from the item (an id, a slug) where the whole item is known: Create, Put, Modify
// and the creating leg of Upsert. make must not change the item.
func (a Attr[T, V]) DefaultFunc(make func(*T) V) AttrRule[T, V] {
	return AttrRule[T, V]{spec: a.spec.making(ruleDefaultFunc, erased(make), nil)}
}

// erased is a function of T without type parameters; nil if it is nil.
func erased[T, V any](make func(*T) V) func(any) any {
	if make == nil {
		return nil
	}
	return func(item any) any { return make(item.(*T)) }
}

// Derived computes the attribute from others, named in reads, on every write. Update recomputes it when one of them
// changes and then needs all of them: from the call, or by Given. It cannot be Set.
func (a Attr[T, V]) Derived(make func(*T) V, reads ...Ref[T]) AttrRule[T, V] {
	return AttrRule[T, V]{spec: a.spec.making(ruleDerived, erased(make), locations(reads))}
}

func locations[T any](refs []Ref[T]) []location {
	all := make([]location, len(refs))
	for i, r := range refs {
		if r == nil {
			all[i] = location{err: errors.New("a nil Ref")}
			continue
		}
		all[i] = r.ref(nil).location()
	}
	return all
}

func nilFunc(isNil bool) error {
	if isNil {
		return errors.New("without a function")
	}
	return nil
}

// Transform normalises the value on every write, in the keys of Get and Query, and in operands
// that are whole values (Eq, Ne, In, Given). It must be idempotent. It does not run on prefixes and ranges.
func (a Attr[T, V]) Transform(f func(V) V) AttrRule[T, V] {
	return AttrRule[T, V]{spec: a.spec.transforming(erasedChange(f))}
}

func erasedChange[V any](f func(V) V) func(any) any {
	if f == nil {
		return nil
	}
	return func(x any) any { return f(as[V](x)) }
}

// Validate refuses values for which a function returns an error. All rules' errors come together in a [ValidationError].
func (a Attr[T, V]) Validate(checks ...func(V) error) AttrRule[T, V] {
	return AttrRule[T, V]{spec: a.spec.validating(erasedChecks(checks))}
}

func erasedChecks[V any](checks []func(V) error) []func(any) error {
	all := make([]func(any) error, len(checks))
	for i, f := range checks {
		if f != nil {
			all[i] = func(x any) error { return f(as[V](x)) }
		}
	}
	return all
}

// OneOf refuses every other value.
func (a Attr[T, V]) OneOf(values ...V) AttrRule[T, V] {
	return AttrRule[T, V]{spec: a.spec.oneOf(values, equal[V])}
}

func equal[V any](x, v any) bool { return reflect.DeepEqual(as[V](x), as[V](v)) }

// Immutable lets Create set the attribute and nothing change it: Update and Modify refuse, Put is conditioned on the stored value.
func (a Attr[T, V]) Immutable() AttrRule[T, V] {
	return AttrRule[T, V]{spec: a.spec.kind(ruleImmutable)}
}

// Hidden zeroes the attribute in everything that is returned, unless the call says [Reveal], and
// keeps it out of errors and logs. A zero Hidden attribute is left out on Create; a Put with a zero one is
// conditioned on none being stored, so that putting back what was read cannot erase it; in Modify zero means untouched.
func (a Attr[T, V]) Hidden() AttrRule[T, V] { return AttrRule[T, V]{spec: a.spec.kind(ruleHidden)} }

// Escaped allows the table's delimiter in values that are parts of keys: it is escaped there, reversibly, in a form that keeps order.
func (a Attr[T, V]) Escaped() AttrRule[T, V] { return AttrRule[T, V]{spec: a.spec.kind(ruleEscaped)} }

// Unique lets no two items of the entity have the same value of the attribute, or, with a scope, none that have the same values of
// the scope's attributes: usernames within an organisation. An absent value ("", nil) is nobody's. Values are compared as they
// are stored, after the attribute's transforms. Whatever verb sets, changes or removes the value, a value that another item
// has is [ErrDuplicate], and nothing is written. [Entity.GetBy] finds the item that has a value.
//
// Each value is held by a guard item, UNIQUE#Entity#attribute#value, that names the item's key. It is written in one transaction with
// the item, so a write that takes, moves or frees a value costs twice the write units of the item, and two for each
// guard. Put, Delete and an Update or Upsert that touches the attribute, its scope or the expiry read the item first, consistently, and are
// conditioned on what they read. Update, Upsert and Modify that write a guard read the item back. An update that does not touch them
// costs nothing more. In a batch, Puts and Deletes of the entity are refused.
//
// Guards are of the whole table: on a table made by [Table.Scoped] values are unique across all scopes, and guards stand outside of the
// scope; give the tenant as Unique's scope if each has values of its own.
//
// The table's keys must be text. A renamed entity keeps its guards: they bear the last of [Schema.Aliases], or the name if there are none. For items that were stored before the attribute was Unique, or by other programs, see [Entity.RepairUnique].
func (a Attr[T, V]) Unique(scope ...Ref[T]) AttrRule[T, V] {
	return AttrRule[T, V]{spec: a.spec.unique(locations(scope))}
}

// Min refuses numbers below min. Add keeps to it by a condition.
func Min[T any, V Number](a Attr[T, V], min V) AttrRule[T, V] {
	return AttrRule[T, V]{spec: a.spec.and(rulePart{kind: ruleMin, value: min, check: func(x any) error {
		if as[V](x) < min {
			return fmt.Errorf("must be at least %v", min)
		}
		return nil
	}})}
}

// Max refuses numbers above max. Add keeps to it by a condition.
func Max[T any, V Number](a Attr[T, V], max V) AttrRule[T, V] {
	return AttrRule[T, V]{spec: a.spec.and(rulePart{kind: ruleMax, value: max, check: func(x any) error {
		if as[V](x) > max {
			return fmt.Errorf("must be at most %v", max)
		}
		return nil
	}})}
}

// Length bounds the length of a text in characters, or of a slice, map or binary in elements.
func Length[T, V any](a Attr[T, V], min, max int) AttrRule[T, V] {
	part := rulePart{kind: ruleLength}
	switch reflect.TypeFor[V]().Kind() {
	case reflect.String, reflect.Slice, reflect.Map, reflect.Array:
	default:
		part.err = fmt.Errorf("is for text, slices and maps, not for %s", reflect.TypeFor[V]())
	}
	if min < 0 || max < min {
		part.err = fmt.Errorf("from %d to %d", min, max)
	}
	part.check = func(x any) error {
		v := reflect.ValueOf(as[V](x))
		n := 0
		if v.Kind() == reflect.String {
			n = utf8.RuneCountInString(v.String())
		} else if v.IsValid() {
			n = v.Len()
		}
		if n < min || n > max {
			return fmt.Errorf("must have a length from %d to %d", min, max)
		}
		return nil
	}
	return AttrRule[T, V]{spec: a.spec.and(part)}
}

// Pattern refuses texts that the regular expression does not match; anchor it with ^ and $. A bad expression is a definition error.
func Pattern[T any, V ~string](a Attr[T, V], expr string) AttrRule[T, V] {
	re, err := regexp.Compile(expr)
	return AttrRule[T, V]{spec: a.spec.and(rulePart{kind: rulePattern, err: err, check: func(x any) error {
		if !re.MatchString(string(as[V](x))) {
			return fmt.Errorf("must match %s", expr)
		}
		return nil
	}})}
}

// TimeLayout stores a time in another layout of package time, in UTC, for data that is there already. The
// default form has a fixed width and sorts; a layout that drops digits loses them.
func TimeLayout[T any](a Attr[T, time.Time], layout string) AttrRule[T, time.Time] {
	part := rulePart{kind: ruleTimeLayout, value: layout}
	if layout == "" {
		part.err = errors.New("without a layout")
	}
	return AttrRule[T, time.Time]{spec: a.spec.and(part)}
}

// CreatedAt is set to the time of the write by Create, Put and the creating leg of Upsert if it is zero, and kept by every
// other write. A Put over an existing item stores what its argument holds.
func CreatedAt[T any](a Attr[T, time.Time]) AttrRule[T, time.Time] {
	return AttrRule[T, time.Time]{spec: a.spec.kind(ruleCreatedAt)}
}

// UpdatedAt is set to the time of the write by every write. The clock is the table's.
func UpdatedAt[T any](a Attr[T, time.Time]) AttrRule[T, time.Time] {
	return AttrRule[T, time.Time]{spec: a.spec.kind(ruleUpdatedAt)}
}

// Version makes the attribute a version for optimistic locking. Create wants 0. Put wants 0 where nothing may be
// stored, else the stored version. In the key of Update, Upsert, Modify and Delete a version above 0 is checked and 0 is not.
// Every write adds 1. A version guards one region of a global table.
//
// Each write also stores an id of its own in the item ([TableConfig.WriteID]), to be recognised by when its reply is lost. A version alone
// comes back when an item is deleted and made anew. If T has a text field of the write id's name, versions that are checked are checked
// together with it: a write to an item that was made anew is ErrVersionConflict.
func Version[T any, V ~int | ~int32 | ~int64 | ~uint | ~uint32 | ~uint64](a Attr[T, V]) AttrRule[T, V] {
	return AttrRule[T, V]{spec: a.spec.kind(ruleVersion)}
}

// ExpiresAt makes the attribute the table's TTL attribute: epoch seconds, a zero time left out. An expired item counts as
// absent everywhere, though DynamoDB may delete it days later. A DefaultFunc may compute it, from CreatedAt say, which is set before; or it is Derived.
func ExpiresAt[T any](a Attr[T, time.Time]) AttrRule[T, time.Time] {
	return AttrRule[T, time.Time]{spec: a.spec.kind(ruleExpiresAt)}
}

type indexRule[T any] struct {
	_    [0]func(*T)
	spec *ruleSpec
}

func (r indexRule[T]) rule(*T) *ruleSpec { return r.spec }

// IndexWhen keeps items in an index only while when holds. Update needs all attributes it reads, as it needs the parts of the index key.
func IndexWhen[T any](index string, when func(*T) bool, reads ...Ref[T]) Rule[T] {
	return indexRule[T]{spec: &ruleSpec{parts: []rulePart{{
		kind: ruleIndexWhen, value: index, err: nilFunc(when == nil),
		when: func(item any) bool { return when(item.(*T)) }, reads: locations(reads),
	}}}}
}
