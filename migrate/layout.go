package migrate

import (
	"crypto/rand"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/internal/codec"
	"github.com/monotable/monotable/internal/raw"
	"github.com/monotable/monotable/lease"
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

// placeholder is an attribute in a template.
var placeholder = regexp.MustCompile(`\{([^{}]+)\}`)

// kind is what is to be known of an entity.
type kind struct {
	name       string
	version    []string   // path; nil if it has none
	schema     int64      // today's
	guarded    [][]string // paths of what guards of unique values are made from
	attributes []string   // at the top, with those that monotable adds
}

func layoutOf(t *monotable.Table) *layout {
	d := t.Declaration()
	l := &layout{client: t.Client(), name: d.Table, d: d, keys: []string{d.PartitionKey.Name}, entities: map[string]*kind{}, entityOf: t.EntityOf}
	if d.SortKey.Name != "" {
		l.keys = append(l.keys, d.SortKey.Name)
	}
	common := slices.DeleteFunc(raw.KeyNames(d), func(name string) bool { return name == "" })
	for _, e := range d.Entities {
		k := &kind{name: e.Name, schema: int64(e.Schema), attributes: append(slices.Clone(common), d.SchemaVersion, d.WriteID)}
		for _, a := range e.Attributes {
			path := strings.Split(a.Path, ".")
			k.attributes = append(k.attributes, path[0])
			if slices.Contains(a.Rules, "Version") {
				k.version = path
			}
			for _, input := range placeholder.FindAllStringSubmatch(a.Guard, -1) {
				k.guarded = append(k.guarded, strings.Split(input[1], "."))
			}
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

// isPartition refuses what cannot be the partition key of an item.
func (l *layout) isPartition(av types.AttributeValue) error {
	want, ok, empty := l.d.PartitionKey.Type, false, false
	switch av := av.(type) {
	case *types.AttributeValueMemberS:
		ok, empty = av != nil && want == types.ScalarAttributeTypeS, av != nil && av.Value == ""
	case *types.AttributeValueMemberN:
		ok = av != nil && want == types.ScalarAttributeTypeN
	case *types.AttributeValueMemberB:
		ok, empty = av != nil && want == types.ScalarAttributeTypeB, av != nil && len(av.Value) == 0
	}
	switch {
	case !ok:
		return fmt.Errorf("%w: the partition key %s of table %s is of type %s, not %T", ErrInvalid, l.keys[0], l.name, want, av)
	case empty:
		return fmt.Errorf("%w: a partition key is not empty", ErrInvalid)
	}
	return nil
}

// isOwn says that an item is a record of a Store or the guard of a unique value, and no entity's.
func (l *layout) isOwn(stored item) bool {
	if raw.TextOf(stored[l.d.TypeTag]) == lease.Tag {
		return true
	}
	owner, ok := stored["_owner"].(*types.AttributeValueMemberM)
	return ok && owner != nil && strings.HasPrefix(raw.TextOf(stored[l.keys[0]]), "UNIQUE"+l.d.Delimiter)
}

// difference is the UpdateItem that makes next of a stored item, its version raised, on the condition that it is as it was read; nil if they are the same.
// next becomes what will be stored. reads are the attributes that it was made from; nil if that may be all.
func (l *layout) difference(stored, next item, reads []string) (*dynamodb.UpdateItemInput, error) {
	for _, name := range l.keys {
		if next[name] == nil || !codec.Equal(next[name], stored[name]) {
			return nil, fmt.Errorf("%w: the primary key (%s) was changed", ErrInvalid, name)
		}
	}
	maps.DeleteFunc(next, func(_ string, av types.AttributeValue) bool { return av == nil })
	if equal(stored, next) {
		return nil, nil
	}
	if err := l.keepsGuards(stored, next); err != nil {
		return nil, err
	}
	l.raise(stored, next)
	u := raw.NewUpdate()
	changed := []string{}
	for _, name := range names(stored, next) {
		switch {
		case next[name] == nil:
			u.Remove(name)
		case stored[name] == nil || !codec.Equal(stored[name], next[name]):
			u.Set(next[name], name)
		default:
			continue
		}
		changed = append(changed, name)
	}
	if u.TooLong() {
		return nil, fmt.Errorf("%w: %d attributes are changed at once, more than an expression of DynamoDB takes", ErrInvalid, len(changed))
	}
	if err := l.unchanged(u, stored, changed, reads); err != nil {
		return nil, err
	}
	return &dynamodb.UpdateItemInput{
		TableName: &l.name, Key: l.keyOf(stored),
		UpdateExpression: u.Expression(), ConditionExpression: u.Condition(),
		ExpressionAttributeNames: u.Names, ExpressionAttributeValues: u.Values,
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
	setAt(next, k.version, raw.Number(raw.NumberOf(n)+1))
	marks := append([]string{rand.Text()[:8]}, strings.Fields(raw.TextOf(stored[l.d.WriteID]))...)
	next[l.d.WriteID] = raw.Text(strings.Join(marks[:min(len(marks), marksKept)], " "))
}

// keepsGuards refuses a change of what the guard of a unique value is made from, for it would stay where it is.
func (l *layout) keepsGuards(stored, next item) error {
	was, is := l.kindOf(stored), l.kindOf(next)
	for _, k := range []*kind{was, is} {
		if k == nil {
			continue
		}
		for _, path := range k.guarded {
			if was != is || !codec.Equal(orNull(valueAt(stored, path)), orNull(valueAt(next, path))) {
				return fmt.Errorf("%w: %s of %s is of a unique value, whose guard would not follow: change it with Modify", ErrInvalid, strings.Join(path, "."), k.name)
			}
		}
	}
	return nil
}

// unchanged adds the condition that an item is as it was read: by all its attributes, for not every program raises its version, and by the absence of those that
// its entity declares besides. If DynamoDB does not take that many, the version and as much of what is changed, and then of the rest, as there is room for will do; an
// item without a version is refused. If it is known what was read, that and what is changed will do for all.
func (l *layout) unchanged(u *raw.Update, stored item, changed, reads []string) error {
	u.Exists(l.keys[0])
	done := map[string]bool{}
	add := func(names ...string) (all bool) {
		for _, name := range names {
			switch {
			case done[name] || slices.Contains(l.keys, name):
				continue
			case u.Full():
				return false
			case stored[name] == nil:
				u.Absent(name)
			default:
				u.Equal(stored[name], name)
			}
			done[name] = true
		}
		return true
	}
	k := l.kindOf(stored)
	versioned := k != nil && k.version != nil && valueAt(stored, k.version) != nil
	if versioned {
		add(k.version[0], l.d.WriteID)
	}
	all := add(changed...) || versioned
	switch {
	case !all:
	case reads != nil:
		all = add(reads...) || versioned
	case k != nil:
		all = add(names(stored)...) && add(k.attributes...) || versioned
	default:
		all = add(names(stored)...)
	}
	if !all {
		return fmt.Errorf("%w: the item has more attributes to compare than DynamoDB takes; see Reads", ErrInvalid)
	}
	return nil
}

// names are the names of all attributes of the items, in order.
func names(items ...item) []string {
	var all []string
	for _, stored := range items {
		all = slices.AppendSeq(all, maps.Keys(stored))
	}
	slices.Sort(all)
	return slices.Compact(all)
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
