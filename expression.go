package monotable

import (
	"errors"
	"reflect"
	"slices"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
)

// Cond is a condition on an item of T. Make it from handles ([Attr.Eq], [Attr.Exists], …) and
// combine it with [All], [Any] and [Not]. It is an immutable value: use it in any number of
// calls, concurrently; do not compare it with ==. A Cond is also a Change, so Update takes it among its changes.
// What DynamoDB says holds here: comparing a missing attribute, or one of another type, is
// false, save Ne, which is true.
type Cond[T any] interface {
	Change[T]
	cond(*T) *condNode
}

// KeyCond is a comparison that a sort key can take ([Query.SortKey]). It is a Cond too.
// The zero KeyCond is an error in use.
type KeyCond[T any] struct {
	_ [0]func(*T)
	n *condNode
}

func (c KeyCond[T]) cond(*T) *condNode     { return c.n }
func (c KeyCond[T]) change(*T) *changeNode { return &changeNode{op: changeCond, cond: c.n} }

type cond[T any] struct {
	_ [0]func(*T)
	n *condNode
}

func (c cond[T]) cond(*T) *condNode     { return c.n }
func (c cond[T]) change(*T) *changeNode { return &changeNode{op: changeCond, cond: c.n} }

type condOp int

const (
	opEq condOp = iota + 1
	opNe
	opLt
	opLe
	opGt
	opGe
	opBetween
	opIn
	opPrefix
	opContains
	opExists
	opNotExists
	opType
	opAll
	opAny
	opNot
	opUnchecked
)

// condNode is a condition before it meets an entity: paths and Go values, nothing encoded.
type condNode struct {
	op       condOp
	loc      location
	other    *location // the attribute on the right side, instead of values
	values   []any
	size     bool
	kids     []*condNode
	attrType expression.DynamoDBAttributeType
	raw      *expression.ConditionBuilder
}

// holdsForNothing says whether the condition holds where there is no item. It says no where it cannot tell.
func (n *condNode) holdsForNothing() bool {
	switch n.op {
	case opNotExists:
		return true
	case opNe:
		return !n.size
	case opAll:
		return !slices.ContainsFunc(n.kids, func(kid *condNode) bool { return !kid.holdsForNothing() })
	case opAny:
		return slices.ContainsFunc(n.kids, (*condNode).holdsForNothing)
	case opNot:
		return n.kids[0].failsForNothing()
	}
	return false
}

// failsForNothing says whether the condition fails where there is no item. It says no where it cannot tell.
func (n *condNode) failsForNothing() bool {
	switch n.op {
	case opNotExists, opNe, opUnchecked:
		return false
	case opAll:
		return slices.ContainsFunc(n.kids, (*condNode).failsForNothing)
	case opAny:
		return !slices.ContainsFunc(n.kids, func(kid *condNode) bool { return !kid.failsForNothing() })
	case opNot:
		return n.kids[0].holdsForNothing()
	}
	return !n.size
}

// cond is a condition on the attribute; its values are copied.
//
//go:noinline
func (s *ruleSpec) cond(op condOp, values ...any) *condNode {
	own := make([]any, len(values))
	for i, v := range values {
		own[i] = copyOf(v)
	}
	return &condNode{op: op, loc: s.location(), values: own}
}

//go:noinline
func (s *ruleSpec) than(op condOp, v any) *condNode { return s.cond(op, v) }

//go:noinline
func (s *ruleSpec) between(low, high any) *condNode { return s.cond(opBetween, low, high) }

//go:noinline
func (s *ruleSpec) in(values any) *condNode { return s.cond(opIn, anys(values)...) }

//go:noinline
func (s *ruleSpec) stored(op condOp) *condNode { return s.cond(op) }

//go:noinline
func (s *ruleSpec) typeCond(t expression.DynamoDBAttributeType) *condNode {
	return &condNode{op: opType, loc: s.location(), attrType: t}
}

//go:noinline
func (s *ruleSpec) size(op condOp, n int) *condNode {
	return &condNode{op: op, loc: s.location(), values: []any{n}, size: true}
}

//go:noinline
func (s *ruleSpec) sizeBetween(low, high int) *condNode {
	return &condNode{op: opBetween, loc: s.location(), values: []any{low, high}, size: true}
}

//go:noinline
func (s *ruleSpec) attrCond(op condOp, other *ruleSpec) *condNode {
	return &condNode{op: op, loc: s.location(), other: ptr(other.location())}
}

// anys are the elements of a slice.
func anys(slice any) []any {
	values := reflect.ValueOf(slice)
	all := make([]any, values.Len())
	for i := range all {
		all[i] = values.Index(i).Interface()
	}
	return all
}

// All holds when every condition holds. Without conditions it is an error in use.
func All[T any](conds ...Cond[T]) Cond[T] { return combine(opAll, conds) }

// Any holds when at least one condition holds. Without conditions it is an error in use.
func Any[T any](conds ...Cond[T]) Cond[T] { return combine(opAny, conds) }

// Not holds when the condition does not.
func Not[T any](c Cond[T]) Cond[T] { return combine(opNot, []Cond[T]{c}) }

func combine[T any](op condOp, conds []Cond[T]) Cond[T] {
	return cond[T]{n: &condNode{op: op, kids: nodes(conds)}}
}

func nodes[T any](conds []Cond[T]) []*condNode {
	kids := make([]*condNode, len(conds))
	for i, c := range conds {
		if c != nil { // a nil Cond stays a nil node, which compiling refuses
			kids[i] = c.cond(nil)
		}
	}
	return kids
}

func keyNodes[T any](conds []KeyCond[T]) []*condNode {
	all := make([]*condNode, len(conds))
	for i, c := range conds {
		all[i] = c.n
	}
	return all
}

// UncheckedCond takes a condition made with the SDK's expression builder, for what handles
// cannot say. Nothing in it is checked against T: names, types, transforms and limits are the
// caller's. Its placeholders cannot collide with ours. Hidden attributes are not hidden from it.
func UncheckedCond[T any](c expression.ConditionBuilder) Cond[T] {
	return cond[T]{n: &condNode{op: opUnchecked, raw: &c}}
}

// Change is one part of an Update: a new value, a computation, or a condition. It is an immutable value; do not compare it with ==.
type Change[T any] interface{ change(*T) *changeNode }

type changeOp int

const (
	changeCond changeOp = iota + 1
	changeSet
	changeSetIfAbsent
	changeRemove
	changeGiven
	changeAdd
	changeAppend
	changePrepend
	changeAddTo
	changeDeleteFrom
	changeSetFrom
	changeUnchecked
	changeJoin
)

func (op changeOp) String() string {
	return [...]string{"", "condition", "Set", "SetIfAbsent", "Remove", "Given", "Add", "Append", "Prepend", "AddTo", "DeleteFrom", "SetFrom", "UncheckedSet", "Join"}[op]
}

// changeNode is a change before it meets an entity.
type changeNode struct {
	op    changeOp
	loc   location
	other *location
	value any
	cond  *condNode
	raw   expression.OperandBuilder
	kids  []*changeNode // of a Join; nil where one is nil
}

type change[T any] struct {
	_ [0]func(*T)
	n *changeNode
}

func (c change[T]) change(*T) *changeNode { return c.n }

// change is a change of the attribute; its value is copied.
//
//go:noinline
func (s *ruleSpec) change(op changeOp, value any) *changeNode {
	return &changeNode{op: op, loc: s.location(), value: copyOf(value)}
}

//go:noinline
func (s *ruleSpec) setIfNotNil(p any) *changeNode {
	if v := target(p); v.IsValid() {
		return s.change(changeSet, v.Interface())
	}
	return &changeNode{op: changeJoin, loc: s.location()}
}

//go:noinline
func (s *ruleSpec) copyFrom(source *ruleSpec) *changeNode {
	return &changeNode{op: changeSetFrom, loc: s.location(), other: ptr(source.location())}
}

// Set stores v, a zero or empty value too. A nil pointer, slice or map, and an empty set, cannot be stored: they
// remove the attribute. Transform and validators run on v.
func (a Attr[T, V]) Set(v V) Change[T] { return change[T]{n: a.spec.change(changeSet, v)} }

// SetIfNotNil is Set of what p points at, or no change if p is nil: for the fields of a patch. For an attribute that is a pointer itself see [Elem].
func (a Attr[T, V]) SetIfNotNil(p *V) Change[T] {
	return change[T]{n: a.spec.setIfNotNil(p)}
}

// SetIfAbsent stores v unless the attribute is stored already. Transform and validators run on v.
func (a Attr[T, V]) SetIfAbsent(v V) Change[T] {
	return change[T]{n: a.spec.change(changeSetIfAbsent, v)}
}

// Remove takes the attribute out of the item. Removing what is not there is no error; removing a Required attribute is.
func (a Attr[T, V]) Remove() Change[T] { return change[T]{n: a.spec.change(changeRemove, nil)} }

// Given tells Update the stored value of an attribute that an index key or a derived attribute needs and the call
// does not set. It becomes a condition: if the stored value is another one, ErrConditionFailed, and nothing is written.
func (a Attr[T, V]) Given(v V) Change[T] { return change[T]{n: a.spec.change(changeGiven, v)} }

// SetFrom copies another attribute of the same item. A missing source is an error of the service.
func (a Attr[T, V]) SetFrom(source Attr[T, V]) Change[T] {
	return change[T]{n: a.spec.copyFrom(source.spec)}
}

// Add adds n, which may be negative, on the server; a missing attribute counts as 0. Min and Max
// rules become a condition. It is refused on attributes with other validators or a Transform, whose
// outcome only Modify can check, and on parts of index keys.
func Add[T any, V Number](a Attr[T, V], n V) Change[T] {
	return change[T]{n: a.spec.change(changeAdd, n)}
}

// Append adds elements to the end of a list and creates the list if it is missing. For sets use AddTo.
func Append[T any, S ~[]E, E any](list Attr[T, S], elements ...E) Change[T] {
	return change[T]{n: list.spec.change(changeAppend, S(elements))}
}

// Prepend adds elements to the front of a list and creates the list if it is missing.
func Prepend[T any, S ~[]E, E any](list Attr[T, S], elements ...E) Change[T] {
	return change[T]{n: list.spec.change(changePrepend, S(elements))}
}

// AddTo adds members to a set (a slice stored as stringset, numberset or binaryset) and creates the set if it is missing.
func AddTo[T any, S ~[]E, E any](set Attr[T, S], members ...E) Change[T] {
	return change[T]{n: set.spec.change(changeAddTo, S(members))}
}

// DeleteFrom takes members out of a set. Removing the last one removes the attribute.
func DeleteFrom[T any, S ~[]E, E any](set Attr[T, S], members ...E) Change[T] {
	return change[T]{n: set.spec.change(changeDeleteFrom, S(members))}
}

// UncheckedSet stores what an operand of the SDK's expression builder computes, for what
// changes cannot say. No rule runs on it, and it is refused on parts of keys.
func UncheckedSet[T, V any](a Attr[T, V], operand expression.OperandBuilder) Change[T] {
	return change[T]{n: &changeNode{op: changeUnchecked, loc: a.spec.location(), raw: operand}}
}

// Join makes one change of several, for functions that return what belongs together, such as a new value and its condition. Their order stays; without any it changes nothing.
func Join[T any](changes ...Change[T]) Change[T] {
	return change[T]{n: &changeNode{op: changeJoin, kids: ownNodes(changes)}}
}

func ownNodes[T any](changes []Change[T]) []*changeNode {
	all := make([]*changeNode, len(changes))
	for i, c := range changes {
		if c != nil {
			all[i] = c.change(nil)
		}
	}
	return all
}

// flattened adds the changes of a call to all, those of a Join one by one.
func flattened(all, nodes []*changeNode) (_ []*changeNode, err error) {
	for i, n := range nodes {
		switch {
		case n == nil:
			return nil, invalidf("change %d is nil", i)
		case n.loc.err != nil:
			return nil, invalidf("%s: %v", n.op, n.loc.err)
		case n.op == changeJoin:
			if all, err = flattened(all, n.kids); err != nil {
				return nil, err
			}
		default:
			all = append(all, n)
		}
	}
	return all, nil
}

var errNilCond = errors.New("a condition is nil")
