package monotable

import (
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable/internal/codec"
)

// Declaration is what is declared of a table and of the entities defined on it so far, as plain data: for documentation, exports, tools and golden files. It
// is a copy; changing it changes nothing.
type Declaration struct {
	Table         string              `json:"table"`
	PartitionKey  KeyAttribute        `json:"partitionKey"`
	SortKey       KeyAttribute        `json:"sortKey,omitzero"` // zero for a table without
	Indexes       []Index             `json:"indexes,omitempty"`
	TypeTag       string              `json:"typeTag"`
	WriteID       string              `json:"writeId"`
	SchemaVersion string              `json:"schemaVersion"`
	Delimiter     string              `json:"delimiter"`
	Scope         []string            `json:"scope,omitempty"` // what [Table.Scoped] narrows it to
	TTL           string              `json:"ttl,omitempty"`   // the attribute of [ExpiresAt]; "" if no entity has one
	Entities      []EntityDeclaration `json:"entities,omitempty"`
}

// EntityDeclaration is what is declared of an entity.
type EntityDeclaration struct {
	Name       string                 `json:"name"`
	Aliases    []string               `json:"aliases,omitempty"`
	Family     string                 `json:"family,omitempty"`
	GoType     string                 `json:"goType"`
	Tag        TagMode                `json:"tag"`
	Key        Key                    `json:"key"`               // {name} where a key attribute is one of T
	Indexes    map[string]Key         `json:"indexes,omitempty"` // of each index that its items can be in; parts of multi-attribute keys stand behind one another, separated by spaces
	Sparse     map[string][]string    `json:"sparse,omitempty"`  // the indexes with an [IndexWhen], and the attributes that it reads
	Attributes []AttributeDeclaration `json:"attributes"`
	Schema     int                    `json:"schema"` // the number of its upgrades
}

// AttributeDeclaration is what is declared of an attribute of T.
type AttributeDeclaration struct {
	Path   string   `json:"path"`   // "preferences.theme"
	GoType string   `json:"goType"` // "time.Time"
	Type   string   `json:"type"`   // DynamoDB's: S, N, B, BOOL, L, M, SS, NS, BS; "" where the value decides
	Rules  []string `json:"rules,omitempty"`
	Hidden bool     `json:"hidden,omitempty"`
	Guard  string   `json:"guard,omitempty"` // the template of the key that holds a Unique value
}

// Client is the client that the table was declared for.
func (t *Table) Client() Client { return t.client }

// Declaration tells what is declared, entities in the order of their names. It sends nothing.
func (t *Table) Declaration() Declaration {
	d := Declaration{
		Table: t.Name(), PartitionKey: t.primary.partition[0], TypeTag: t.tag, WriteID: t.writeID,
		SchemaVersion: t.schemaVersion, Delimiter: string(t.delimiter),
	}
	if len(t.primary.sort) > 0 {
		d.SortKey = t.primary.sort[0]
	}
	for _, scope := range t.options.scopes {
		d.Scope = append(d.Scope, scope.whole)
	}
	for _, name := range indexNames(t.tableCore) {
		d.Indexes = append(d.Indexes, t.indexes[name].declaration())
	}
	for _, m := range t.all() {
		d.Entities = append(d.Entities, m.declaration())
		if m.expires != nil {
			d.TTL = m.expires.path[0].name
		}
	}
	return d
}

func (k *indexKeys) declaration() Index {
	index := Index{Name: k.name, Local: k.local, Projection: k.projection}
	index.Projection.NonKeyAttributes = slices.Clone(k.projection.NonKeyAttributes)
	if index.Projection.ProjectionType == "" {
		index.Projection.ProjectionType = types.ProjectionTypeAll
	}
	if len(k.partition) > 1 || len(k.sort) > 1 {
		index.PartitionKeys, index.SortKeys = slices.Clone(k.partition), slices.Clone(k.sort)
		return index
	}
	index.PartitionKey, index.PartitionKeyType = k.partition[0].Name, k.partition[0].Type
	if len(k.sort) > 0 {
		index.SortKey, index.SortKeyType = k.sort[0].Name, k.sort[0].Type
	}
	return index
}

func (m *model) declaration() EntityDeclaration {
	d := EntityDeclaration{
		Name: m.name, Aliases: slices.Clone(m.aliases), Family: m.family, GoType: m.typ.String(), Tag: m.tagMode,
		Key: m.primary.declaration(m), Indexes: map[string]Key{}, Schema: len(m.upgrades),
	}
	for _, name := range slices.Sorted(maps.Keys(m.indexes)) {
		set := m.indexes[name]
		d.Indexes[name] = set.declaration(m)
		if set.when == nil {
			continue
		}
		if d.Sparse == nil {
			d.Sparse = map[string][]string{}
		}
		d.Sparse[name] = []string{}
		for _, a := range set.whenReads {
			d.Sparse[name] = append(d.Sparse[name], a.String())
		}
	}
	d.Attributes = m.declare(nil, m.plan, nil)
	return d
}

func (s *keySet) declaration(m *model) Key {
	texts := func(attrs []*keyAttr) string {
		var all []string
		for _, k := range attrs {
			all = append(all, k.declaration(m))
		}
		return strings.Join(all, " ")
	}
	return Key{Partition: texts(s.partition), Sort: texts(s.sort)}
}

// declaration is the template of the key attribute.
func (k *keyAttr) declaration(m *model) string {
	switch {
	case k.tag:
		return m.name
	case k.tmpl != nil:
		return k.tmpl.Text
	}
	return "{" + k.attributes()[0].String() + "}"
}

// declare tells of the attributes of a struct and of those nested in it, but not of a struct inside of itself.
func (m *model) declare(at path, plan *codec.Plan, within []*codec.Plan) []AttributeDeclaration {
	var all []AttributeDeclaration
	for _, f := range plan.Fields {
		p := at.child(nameElement(f.Name))
		d := AttributeDeclaration{Path: p.String(), GoType: f.Value.Type.String(), Type: storedType[f.Value.Deref().Kind]}
		if a := m.attribute(p); a != nil {
			for _, part := range a.parts {
				d.Rules = append(d.Rules, string(part.kind))
			}
			d.Hidden = a.has(ruleHidden)
			for _, u := range m.uniques {
				if u.attribute == a {
					d.Guard = u.template(m)
				}
			}
			if a == m.expires {
				d.Type = "N"
			}
		}
		all = append(all, d)
		if nested := f.Value.Deref().Struct; nested != nil && nested != plan && !slices.Contains(within, nested) {
			all = append(all, m.declare(p, nested, append(within[:len(within):len(within)], plan))...)
		}
	}
	return all
}

// template is that of the guard's partition key, whose placeholders have no names of their own.
func (u *uniqueKey) template(m *model) string {
	names := make([]string, len(u.inputs))
	for i, a := range u.inputs {
		names[i] = "{" + a.String() + "}"
	}
	return u.key.partition[0].tmpl.Literal(0) + strings.Join(names, string(m.table.delimiter))
}

// storedType is DynamoDB's type of what is stored.
var storedType = map[codec.Kind]string{
	codec.Bool: "BOOL", codec.Number: "N", codec.NumberString: "S", codec.String: "S", codec.Binary: "B", codec.Time: "S", codec.UnixTime: "N",
	codec.List: "L", codec.Map: "M", codec.Struct: "M", codec.StringSet: "SS", codec.NumberSet: "NS", codec.BinarySet: "BS",
}
