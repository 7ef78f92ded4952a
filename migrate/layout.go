package migrate

import (
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/internal/codec"
)

// layout is a table as its declaration tells: where to send, and what an item's attributes mean.
type layout struct {
	client   monotable.Client
	name     string
	d        monotable.Declaration
	keys     []string         // of the table
	entities map[string]*kind // by name and alias
	untagged []*kind          // those that take items without a tag
	entityOf func(item) string
}

// kind is what is to be known of an entity.
type kind struct {
	name       string
	version    []string // path; nil if it has none
	unique     bool
	attributes []string // at the top, with those that monotable adds
}

func layoutOf(t *monotable.Table) *layout {
	d := t.Declaration()
	l := &layout{client: t.Client(), name: d.Table, d: d, keys: []string{d.PartitionKey.Name}, entities: map[string]*kind{}, entityOf: t.EntityOf}
	if d.SortKey.Name != "" {
		l.keys = append(l.keys, d.SortKey.Name)
	}
	common := slices.DeleteFunc(keyNames(d), func(name string) bool { return name == "" })
	for _, e := range d.Entities {
		k := &kind{name: e.Name, attributes: append(slices.Clone(common), d.SchemaVersion, d.WriteID)}
		for _, a := range e.Attributes {
			path := strings.Split(a.Path, ".")
			k.attributes = append(k.attributes, path[0])
			if slices.Contains(a.Rules, "Version") {
				k.version = path
			}
			k.unique = k.unique || slices.Contains(a.Rules, "Unique")
		}
		slices.Sort(k.attributes)
		k.attributes = slices.Compact(k.attributes)
		for _, name := range append(e.Aliases, e.Name) {
			l.entities[name] = k
		}
		if e.Tag != monotable.TagRequired {
			l.untagged = append(l.untagged, k)
		}
	}
	return l
}

func (l *layout) keyOf(stored item) item {
	key := item{}
	for _, name := range l.keys {
		key[name] = stored[name]
	}
	return key
}

// kindOf is the entity of an item; nil if there is none.
func (l *layout) kindOf(stored item) *kind { return l.entities[l.entityOf(stored)] }

// whole refuses a table that is narrowed to a scope, whose items could not be told from others here.
func (l *layout) whole() error {
	if len(l.d.Scope) > 0 {
		return fmt.Errorf("%w: the table is Scoped; migrations work on whole tables", ErrInvalid)
	}
	return nil
}

// isOwn says that an item is a record of a Store or the guard of a unique value, and no entity's.
func (l *layout) isOwn(stored item) bool {
	if textOf(stored[l.d.TypeTag]) == Tag {
		return true
	}
	owner, ok := stored["_owner"].(*types.AttributeValueMemberM)
	return ok && owner != nil && strings.HasPrefix(textOf(stored[l.keys[0]]), "UNIQUE"+l.d.Delimiter)
}

// difference is the UpdateItem that makes next of a stored item, its version raised, on the condition that it is as it was read; nil if they are the same.
// next becomes what will be stored.
func (l *layout) difference(stored, next item) (*dynamodb.UpdateItemInput, error) {
	for _, name := range l.keys {
		if next[name] == nil || !codec.Equal(next[name], stored[name]) {
			return nil, fmt.Errorf("%w: the primary key (%s) was changed", ErrInvalid, name)
		}
	}
	maps.DeleteFunc(next, func(_ string, av types.AttributeValue) bool { return av == nil })
	if equal(stored, next) {
		return nil, nil
	}
	l.raise(stored, next)
	u := newUpdate()
	var added []string
	for _, name := range slices.Sorted(maps.Keys(next)) {
		was, ok := stored[name]
		if ok && codec.Equal(was, next[name]) {
			continue
		}
		if u.to(name, next[name]); !ok {
			added = append(added, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(stored)) {
		if next[name] == nil {
			u.drop(name)
		}
	}
	l.unchanged(u, stored, added)
	var expr []string
	if len(u.set) > 0 {
		expr = append(expr, "SET "+strings.Join(u.set, ", "))
	}
	if len(u.remove) > 0 {
		expr = append(expr, "REMOVE "+strings.Join(u.remove, ", "))
	}
	return &dynamodb.UpdateItemInput{
		TableName: &l.name, Key: l.keyOf(stored),
		UpdateExpression: new(strings.Join(expr, " ")), ConditionExpression: new(strings.Join(u.where, " AND ")),
		ExpressionAttributeNames: u.names, ExpressionAttributeValues: u.values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		ReturnConsumedCapacity:              types.ReturnConsumedCapacityTotal,
	}, nil
}

const marksKept = 16 // in the write id; the root package keeps as many

// raise raises the version of an item that has one, and leaves a mark like any other write, for the marks go back version by version.
func (l *layout) raise(stored, next item) {
	k := l.kindOf(stored)
	if k == nil {
		return
	}
	n, ok := valueAt(stored, k.version).(*types.AttributeValueMemberN)
	if !ok || !codec.Equal(n, orNull(valueAt(next, k.version))) {
		return
	}
	setAt(next, k.version, number(numberOf(n)+1))
	marks := append([]string{rand.Text()[:8]}, strings.Fields(textOf(stored[l.d.WriteID]))...)
	next[l.d.WriteID] = text(strings.Join(marks[:min(len(marks), marksKept)], " "))
}

// unchanged adds the condition that an item is as it was read: by all its attributes, for not every program raises its version, and by the absence of those that
// its entity declares besides, and that the write adds.
func (l *layout) unchanged(u *update, stored item, added []string) {
	absent := slices.Clone(added)
	u.where = append(u.where, "attribute_exists("+u.name(l.keys[0])+")")
	for _, name := range slices.Sorted(maps.Keys(stored)) {
		if !slices.Contains(l.keys, name) {
			u.equal(name, stored[name])
		}
	}
	if k := l.kindOf(stored); k != nil {
		absent = append(absent, k.attributes...)
	}
	slices.Sort(absent)
	for _, name := range slices.Compact(absent) {
		if stored[name] == nil {
			u.absent(name)
		}
	}
}

// valueAt is the value at a path; nil if there is none.
func valueAt(stored item, path []string) types.AttributeValue {
	for i, name := range path {
		if i == len(path)-1 {
			return stored[name]
		}
		inner, _ := stored[name].(*types.AttributeValueMemberM)
		if inner == nil {
			return nil
		}
		stored = inner.Value
	}
	return nil
}

// setAt replaces the value at a path, in copies of what it is in.
func setAt(stored item, path []string, av types.AttributeValue) {
	if len(path) == 1 {
		stored[path[0]] = av
		return
	}
	inner := maps.Clone(stored[path[0]].(*types.AttributeValueMemberM).Value)
	setAt(inner, path[1:], av)
	stored[path[0]] = &types.AttributeValueMemberM{Value: inner}
}

func orNull(av types.AttributeValue) types.AttributeValue {
	if av == nil {
		return &types.AttributeValueMemberNULL{Value: true}
	}
	return av
}

// equal says that two items are the same, numbers and sets by value.
func equal(a, b item) bool { return maps.EqualFunc(a, b, codec.Equal) }
