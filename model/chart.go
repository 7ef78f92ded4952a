package model

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable"
)

// chart is a model as its readers see it: the declaration turned round, by index and partition as well as by entity.
type chart struct {
	Title, Description string
	Table              string
	TypeTag            string
	TTL                string
	Tagged             bool // an entity writes the tag
	Indexes            []indexView
	Entities           []entityView
	Patterns           []patternView
}

// indexView is the table itself (first) or an index.
type indexView struct {
	Name       string // "" is the table
	Label      string // "Table", "Index GSI1"
	Kind       string
	Partition  []monotable.KeyAttribute
	Sort       []monotable.KeyAttribute
	Projection string
	Groups     []group
}

// group is the entities whose items can stand in one partition.
type group struct {
	Partition string
	Members   []member
	Patterns  []int // the numbers of those that use it
}

// member is an entity in a group.
type member struct {
	Entity string
	Color  int
	Sort   string
}

type entityView struct {
	monotable.EntityDeclaration
	Anchor string
	Color  int
	Keys   [][]string // of each index, one text for each of its key attributes; "" where the entity is not in it
	Partly []bool     // of each index: items are in it by a predicate, see [monotable.IndexWhen]
	Guards []string   // partition keys of the items that guard Unique attributes
	Notes  []string
}

type patternView struct {
	N                 int
	Name, Description string
	Steps             []monotable.Plan
	Requests          int // at least
}

// colors is how many colours tell entities apart; then they come round again.
const colors = 8

func (m *Model) chart() (*chart, error) {
	d := m.declared
	patterns, err := m.plans()
	if err != nil {
		return nil, err
	}
	c := &chart{
		Title: m.settings.title, Description: m.settings.description, Table: tableName(d), TypeTag: d.TypeTag, TTL: d.TTL, Patterns: patterns,
		Indexes: []indexView{{Label: "Table", Kind: "table", Partition: []monotable.KeyAttribute{d.PartitionKey}, Sort: sortKey(d), Projection: "all attributes"}},
	}
	for _, index := range d.Indexes {
		partition, sort := indexKeys(index)
		view := indexView{
			Name: index.Name, Label: "Index " + index.Name, Kind: "global secondary index",
			Partition: partition, Sort: sort, Projection: projection(index.Projection),
		}
		if index.Local {
			view.Kind = "local secondary index"
		}
		c.Indexes = append(c.Indexes, view)
	}
	for i, e := range d.Entities {
		c.Entities = append(c.Entities, c.entity(i, e))
		c.Tagged = c.Tagged || e.Tag != monotable.TagNone
	}
	for i := range c.Indexes {
		c.Indexes[i].Groups = c.groups(&c.Indexes[i])
	}
	return c, nil
}

func (c *chart) entity(i int, e monotable.EntityDeclaration) entityView {
	view := entityView{EntityDeclaration: e, Anchor: "entity-" + strconv.Itoa(i+1), Color: i % colors}
	for _, index := range c.Indexes {
		reads, partly := e.Sparse[index.Name]
		view.Keys = append(view.Keys, index.templates(keyIn(e, index.Name)))
		view.Partly = append(view.Partly, partly)
		if partly {
			note := "Index " + index.Name + " is sparse: an item is in it only if a condition of the program holds"
			if len(reads) > 0 {
				note += ", which reads " + strings.Join(reads, ", ")
			}
			view.Notes = append(view.Notes, note+".")
		}
	}
	for _, a := range e.Attributes {
		if a.Guard != "" {
			view.Guards = append(view.Guards, a.Guard)
		}
	}
	if len(e.Aliases) > 0 {
		view.Notes = append(view.Notes, "Also read under the older name "+strings.Join(e.Aliases, ", ")+".")
	}
	if e.Family != "" {
		view.Notes = append(view.Notes, "Of the family "+e.Family+", whose entities may have the same keys.")
	}
	switch e.Tag {
	case monotable.TagRequired:
	case monotable.TagOptional:
		view.Notes = append(view.Notes, "Items without a type tag are taken too, if their keys fit.")
	case monotable.TagNone:
		view.Notes = append(view.Notes, "Items have no type tag: they are told by their keys.")
	}
	if e.Schema > 0 {
		view.Notes = append(view.Notes, fmt.Sprintf("Schema version %d: older items are upgraded when they are read.", e.Schema))
	}
	return view
}

// keyIn is the entity's key of an index, zero if its items are not in it.
func keyIn(e monotable.EntityDeclaration, index string) monotable.Key {
	if index == "" {
		return e.Key
	}
	return e.Indexes[index]
}

// templates are a key's texts, one for each key attribute.
func (i *indexView) templates(key monotable.Key) []string {
	return append(spread(key.Partition, len(i.Partition)), spread(key.Sort, len(i.Sort))...)
}

// spread divides the text of a key among n attributes, at the spaces outside of braces. Where it cannot tell which is whose, as with an entity's name that has a
// space in it, the first has all of it.
func spread(text string, n int) []string {
	all := make([]string, n)
	braces := 0
	parts := strings.FieldsFunc(text, func(r rune) bool {
		switch r {
		case '{':
			braces++
		case '}':
			braces--
		}
		return r == ' ' && braces == 0
	})
	switch {
	case n == 0:
	case n > 1 && len(parts) == n:
		copy(all, parts)
	default:
		all[0] = text
	}
	return all
}

// several writes the text of a key of n attributes as it can be read: those of one attribute as they are, those of several with commas between.
func several(text string, n int) string {
	parts := slices.DeleteFunc(spread(text, n), func(s string) bool { return s == "" })
	return strings.Join(parts, ", ")
}

// attributes are the key attributes, partition first.
func (i indexView) attributes() []monotable.KeyAttribute { return slices.Concat(i.Partition, i.Sort) }

// Attributes is attributes, for the page.
func (i indexView) Attributes() []monotable.KeyAttribute { return i.attributes() }

var placeholder = regexp.MustCompile(`\{[^{}:]*`)

// groups puts the entities together that can share a partition: their templates are the same but for the names of the attributes.
func (c *chart) groups(index *indexView) []group {
	var groups []group
	at := map[string]int{}
	for _, e := range c.Entities {
		key := keyIn(e.EntityDeclaration, index.Name)
		if key.Partition == "" {
			continue
		}
		shape := placeholder.ReplaceAllString(key.Partition, "{")
		i, known := at[shape]
		if !known {
			i = len(groups)
			at[shape] = i
			groups = append(groups, group{Partition: key.Partition})
		}
		g := &groups[i]
		g.Members = append(g.Members, member{Entity: e.Name, Color: e.Color, Sort: key.Sort})
		for _, p := range c.Patterns {
			if p.uses(c.Table, index.Name, e.Name) && !slices.Contains(g.Patterns, p.N) {
				g.Patterns = append(g.Patterns, p.N)
			}
		}
	}
	for i := range groups {
		slices.SortStableFunc(groups[i].Members, func(a, b member) int { return cmp.Compare(a.Sort, b.Sort) }) // as DynamoDB does
		slices.Sort(groups[i].Patterns)
	}
	slices.SortStableFunc(groups, func(a, b group) int { return cmp.Compare(a.Partition, b.Partition) })
	return groups
}

// uses says that a step of the pattern goes to a partition of the entity. A Scan goes to all, which is not worth drawing.
func (p patternView) uses(table, index, entity string) bool {
	return slices.ContainsFunc(p.Steps, func(plan monotable.Plan) bool {
		return plan.Operation != "Scan" && plan.Index == index && plan.Entity == entity
	})
}

// In lists the entities that are in the index.
func (i indexView) In() string {
	var names []string
	for _, g := range i.Groups {
		for _, m := range g.Members {
			names = append(names, m.Entity)
		}
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ", ")
}

func sortKey(d monotable.Declaration) []monotable.KeyAttribute {
	if d.SortKey.Name == "" {
		return nil
	}
	return []monotable.KeyAttribute{d.SortKey}
}

// indexKeys are the key attributes of an index, one or several.
func indexKeys(index monotable.Index) (partition, sort []monotable.KeyAttribute) {
	partition, sort = index.PartitionKeys, index.SortKeys
	if index.PartitionKey != "" {
		partition = []monotable.KeyAttribute{{Name: index.PartitionKey, Type: index.PartitionKeyType}}
	}
	if index.SortKey != "" {
		sort = []monotable.KeyAttribute{{Name: index.SortKey, Type: index.SortKeyType}}
	}
	return partition, sort
}

func projection(p types.Projection) string {
	switch p.ProjectionType {
	case types.ProjectionTypeKeysOnly:
		return "keys only"
	case types.ProjectionTypeInclude:
		return "keys and " + strings.Join(p.NonKeyAttributes, ", ")
	default:
		return "all attributes"
	}
}

var typeNames = map[string]string{
	"S": "String", "N": "Number", "B": "Binary", "BOOL": "Boolean", "L": "List", "M": "Map", "SS": "String set", "NS": "Number set", "BS": "Binary set",
}

// typeName is DynamoDB's name of a type.
func typeName(code string) string {
	if name, ok := typeNames[code]; ok {
		return name
	}
	return "any"
}

// keyNames tells of key attributes, as in "PK (String)".
func keyNames(attributes []monotable.KeyAttribute) string {
	var names []string
	for _, k := range attributes {
		names = append(names, k.Name+" ("+typeName(string(k.Type))+")")
	}
	return strings.Join(names, ", ")
}

// target is what a plan reads or writes.
func target(plan monotable.Plan) string {
	if plan.Index == "" {
		return "table"
	}
	return plan.Index
}

// details are the lines of a plan besides its key: name and text.
func details(plan monotable.Plan) [][2]string {
	var how []string
	if plan.Consistent {
		how = append(how, "consistent")
	}
	if plan.Descending {
		how = append(how, "descending")
	}
	if plan.Limit > 0 {
		how = append(how, "limit "+strconv.Itoa(plan.Limit))
	}
	if plan.PageSize > 0 && plan.PageSize != plan.Limit {
		how = append(how, "page size "+strconv.Itoa(plan.PageSize))
	}
	key := plan.Key
	if plan.KeyCondition == "" {
		key = "" // it is what keyUse says
	}
	var all [][2]string
	for _, line := range [][2]string{
		{"key", key},
		{"filter", plan.Filter},
		{"condition", plan.Condition},
		{"update", plan.Update},
		{"projection", plan.Projection},
		{"guards", strings.Join(plan.Guards, ", ")},
		{"reads", strings.Join(how, ", ")},
	} {
		if line[1] != "" {
			all = append(all, line)
		}
	}
	return all
}

// keyUse is how a plan finds its items.
func keyUse(plan monotable.Plan) string {
	if plan.KeyCondition != "" {
		return plan.KeyCondition
	}
	return plan.Key
}
