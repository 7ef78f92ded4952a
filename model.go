package monotable

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable/internal/codec"
	"github.com/monotable/monotable/internal/keytmpl"
)

// model is a compiled Schema, free of type parameters. It is immutable once learned.
type model struct {
	table    *tableCore
	name     string
	aliases  []string
	family   string
	tagMode  TagMode
	typ      reflect.Type
	plan     *codec.Plan
	room     int // how many attributes an item has at most besides those of T
	validate func(item any) error

	attributes map[string]*attribute // those that rules or keys speak of, by path
	ruled      []*attribute          // those with rules, in the order declared

	derived []*attribute // each after those it reads

	primary   *keySet
	indexes   map[string]*keySet // those this entity is in
	inIndexes []*keySet          // the same, by name
	uniques   []*uniqueKey

	readDefaults []*attribute
	upgrades     []Upgrade
	upgrading    bool // the entity looks after schema versions, even if it has no upgrade yet

	version, createdAt, updatedAt, expires *attribute

	leavesReferences bool // no write changes what an item refers to, nor runs code that could
	plainKey         bool // nothing in a key refers to anything
	keyAsIs          bool // and nothing changes it

	tagJSON  []byte       // the value of the tag
	endJSON  []byte       // what is the same in all items
	asJSON   bool         // batches put items as JSON
	putsJSON bool         // so does Put
	textKeys bool         // keys are texts
	keyOpens []string     // what comes before each of them in an item
	itemRoom atomic.Int64 // how long the JSON of an item was

	views   sync.Map // reflect.Type → *view, compiled on first use
	layouts sync.Map // layoutKey → *layout, likewise
}

// attribute is an attribute of T with what the rules say of it.
type attribute struct {
	path  path
	chain []*codec.Field
	value *codec.Value
	parts []rulePart

	concealed   bool                 // it is Hidden, or something around it is
	readDefault types.AttributeValue // as it would be stored
}

func (a *attribute) String() string { return a.path.String() }

func (a *attribute) rule(kind ruleKind) *rulePart {
	if a == nil {
		return nil
	}
	for i := range a.parts {
		if a.parts[i].kind == kind {
			return &a.parts[i]
		}
	}
	return nil
}

func (a *attribute) has(kind ruleKind) bool { return a.rule(kind) != nil }

// transform runs the attribute's transforms on a Go value.
func (a *attribute) transform(v any) any {
	if rv := reflect.Indirect(reflect.ValueOf(v)); a == nil || rv.Kind() == reflect.String && !utf8.ValidString(rv.String()) {
		return v // encoding refuses invalid UTF-8; a transform such as strings.ToLower would cover it up
	}
	for _, part := range a.parts {
		if part.kind == ruleTransform {
			v = part.change(v)
		}
	}
	return v
}

func (m *model) names() []string { return append([]string{m.name}, m.aliases...) }

// sameAs says that both models are the same schema of the same type, defined again.
func (m *model) sameAs(other *model) bool {
	if m == other {
		return true
	}
	if len(m.upgrades) != len(other.upgrades) || m.upgrading != other.upgrading || m.typ != other.typ || m.name != other.name || m.family != other.family || m.tagMode != other.tagMode ||
		!slices.Equal(m.aliases, other.aliases) || !m.primary.sameAs(other.primary) {
		return false
	}
	return maps.EqualFunc(m.indexes, other.indexes, (*keySet).sameAs)
}

// meets says whether both entities could make one primary key.
func (m *model) meets(other *model) bool { return m.primary.meets(other.primary) }

// meets says whether both templates could make one primary key.
func (s *keySet) meets(other *keySet) bool {
	a, b := s.all(), other.all()
	for i := range a {
		if i < len(b) && a[i].tmpl != nil && b[i].tmpl != nil && !keytmpl.Overlap(a[i].tmpl, b[i].tmpl) {
			return false
		}
	}
	return true
}

// tagInIndex is an index that has the type tag in its key; "" if there is none.
func (m *model) tagInIndex() string {
	for _, name := range indexNames(m.table) {
		if set := m.indexes[name]; set != nil && slices.ContainsFunc(set.all(), func(k *keyAttr) bool { return k.tag }) {
			return name
		}
	}
	return ""
}

// owns says whether the entity goes by this tag.
func (m *model) owns(tag string) bool { return slices.Contains(m.names(), tag) }

// attribute finds what is known of the attribute at a path; nil when no rule or key speaks of it.
func (m *model) attribute(p path) *attribute { return m.attributes[p.String()] }

// validateWhole runs the checks that need the whole item.
func (m *model) validateWhole(ctx context.Context, item reflect.Value) []Violation {
	var found []Violation
	if m.validate != nil {
		if err := m.validate(item.Addr().Interface()); err != nil {
			found = append(found, Violation{Rule: "Validate", Err: err})
		}
	}
	if m.table.validator != nil {
		if err := m.table.validator.StructCtx(ctx, item.Addr().Interface()); err != nil {
			found = append(found, Violation{Rule: "Validator", Err: err})
		}
	}
	return found
}
