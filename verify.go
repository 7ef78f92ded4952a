package monotable

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// FindingKind is a way in which a table can be other than it is declared.
type FindingKind string

// The kinds of findings. There may be more later.
const (
	TableMissing       FindingKind = "table missing"
	TableNotActive     FindingKind = "table not active"    // being created or deleted, archived, its key for encryption out of reach
	TableKey           FindingKind = "table key"           // other key attributes
	KeyType            FindingKind = "key type"            // Attribute is a key of Index, or of the table, and has another type than declared or stored by entities
	IndexMissing       FindingKind = "index missing"       // nothing is told of its projection then
	IndexExtra         FindingKind = "index extra"         // not declared; it costs writes. It breaks those whose attributes have another type than its keys: a KeyType beside tells of each
	IndexScope         FindingKind = "index scope"         // local where a global one is declared, or the other way round
	IndexKey           FindingKind = "index key"           // other key attributes
	ProjectionNarrower FindingKind = "projection narrower" // Attribute is not projected; "" if all are declared and not all are projected
	ProjectionWider    FindingKind = "projection wider"    // more is projected than declared
	IndexNotActive     FindingKind = "index not active"    // being created, with or without its backfill, or deleted
	BillingDiffers     FindingKind = "billing"             // compared if [OnDemand] or [Provisioned] is given
	TTLOff             FindingKind = "TTL off"             // items that have expired stay, hidden by this package only
	TTLAttribute       FindingKind = "TTL on another attribute"
	TTLExtra           FindingKind = "TTL extra"    // on Have, which no entity declares: DynamoDB deletes items by it
	TTLChanging        FindingKind = "TTL changing" // being switched on or off, which may take an hour
	StreamOff          FindingKind = "stream off"
	StreamView         FindingKind = "stream view" // another view type
	TagMissing         FindingKind = "tag missing" // Attribute is the tag's key
	TagDiffers         FindingKind = "tag differs" // Attribute is the tag's key
	Unprotected        FindingKind = "not protected against deletion"
)

// Finding is one difference between the declaration, with what options ask for, and a table. Keys are written as in
// "HASH GSI1PK, RANGE GSI1SK", projections as in "INCLUDE name, total", everything else in DynamoDB's words.
type Finding struct {
	Kind      FindingKind
	Index     string // "" for the table
	Attribute string // or a tag's key; "" where the kind has none
	Want      string // as declared or asked for
	Have      string // as it is; "" for what is missing
	Breaks    bool   // programs of this declaration fail on the table, or read less than is stored
}

// String says it in a line, as "index GSI1: key type of GSI1PK: want S, have N".
func (f Finding) String() string {
	text := string(f.Kind)
	if f.Attribute != "" {
		text += " of " + f.Attribute
	}
	if f.Index != "" {
		text = "index " + f.Index + ": " + text
	}
	var sides []string
	if f.Want != "" {
		sides = append(sides, "want "+f.Want)
	}
	if f.Have != "" {
		sides = append(sides, "have "+f.Have)
	}
	if len(sides) > 0 {
		text += ": " + strings.Join(sides, ", ")
	}
	return text
}

// passes says that time alone ends it.
func (f Finding) passes() bool {
	switch f.Kind {
	case IndexNotActive:
		return true
	case TableNotActive:
		return f.Have == string(types.TableStatusCreating) || f.Have == string(types.TableStatusDeleting)
	}
	return false
}

// enabling says that TTL is being switched on, which needs nothing more.
func (f Finding) enabling() bool {
	return f.Kind == TTLChanging && f.Have == string(types.TimeToLiveStatusEnabling)
}

func texts(findings []Finding) []string {
	all := make([]string, len(findings))
	for i, f := range findings {
		all[i] = f.String()
	}
	return all
}

// DriftError says that programs of the declaration would fail on the table as it is. Findings are all differences, those that break nothing included.
type DriftError struct {
	Table    string
	Findings []Finding
}

func (e *DriftError) Error() string {
	breaking := slices.DeleteFunc(slices.Clone(e.Findings), func(f Finding) bool { return !f.Breaks })
	if len(breaking) == 0 {
		breaking = e.Findings
	}
	return "monotable: table " + e.Table + " is not as declared: " + strings.Join(texts(breaking), "; ") + "; see Table.Plan"
}

// Verify compares the table with its declaration and reports the differences; none is nil. It changes nothing. Compared are keys and indexes, TTL, and what the options ask for; a table that does not exist is one finding. An error means that it could not be compared.
//
// It sends DescribeTable, DescribeTimeToLive, and ListTagsOfResource for [Tags]. Define the entities before.
func (t *Table) Verify(ctx context.Context, admin Admin, opts ...CreateOption) ([]Finding, error) {
	ctx, v := t.begin(ctx, "Verify")
	w := t.wanted(opts)
	findings, live, err := t.inspect(ctx, admin, w)
	if err == nil && live != nil && w.ttl == "" {
		var extra []Finding
		extra, err = t.ttlExtra(ctx, admin)
		findings = append(findings, extra...)
	}
	return findings, v.end(ctx, err, len(findings))
}

// inspect finds all differences; live is nil if there is no table.
func (t *Table) inspect(ctx context.Context, admin Admin, w *wants) (findings []Finding, live *types.TableDescription, err error) {
	if err := w.check(t, admin); err != nil {
		return nil, nil, err
	}
	live, err = t.describe(ctx, admin)
	if err != nil {
		return nil, nil, err
	}
	if live == nil {
		return []Finding{t.missing()}, nil, nil
	}
	findings = t.compare(live, w)
	if w.ttl != "" {
		f, err := t.ttlFinding(ctx, admin, w.ttl)
		if err != nil {
			return nil, nil, err
		}
		if f != nil {
			findings = append(findings, *f)
		}
	}
	tags, err := t.tagFindings(ctx, admin, live, w)
	if err != nil {
		return nil, nil, err
	}
	return append(findings, tags...), live, nil
}

func (t *Table) missing() Finding {
	return Finding{Kind: TableMissing, Want: schemaText(t.primary.schema()), Breaks: true}
}

// compare finds what DescribeTable tells.
func (t *Table) compare(live *types.TableDescription, w *wants) []Finding {
	var findings []Finding
	switch s := live.TableStatus; s {
	case types.TableStatusActive, types.TableStatusUpdating, "": // other servers give none
	default:
		findings = append(findings, Finding{Kind: TableNotActive, Have: string(s), Breaks: true})
	}
	if want, have := schemaText(t.primary.schema()), schemaText(live.KeySchema); want != have {
		findings = append(findings, Finding{Kind: TableKey, Want: want, Have: have, Breaks: true})
	}
	typed := map[string]types.ScalarAttributeType{}
	for _, d := range live.AttributeDefinitions {
		typed[deref(d.AttributeName)] = d.AttributeType
	}
	findings = append(findings, keyTypes(&t.primary, typed)...)
	for _, name := range indexNames(t.tableCore) {
		findings = append(findings, t.compareIndex(t.indexes[name], liveIndexOf(live, name))...)
		findings = append(findings, keyTypes(t.indexes[name], typed)...)
	}
	for _, x := range liveIndexes(live) {
		if t.indexes[x.name] == nil {
			extra := Finding{Kind: IndexExtra, Index: x.name, Have: schemaText(x.schema)}
			refuses := t.refuses(&x, typed)
			extra.Breaks = len(refuses) > 0
			findings = append(findings, extra)
			for _, f := range refuses {
				if !slices.ContainsFunc(findings, func(o Finding) bool { return o.Kind == KeyType && o.Attribute == f.Attribute && o.Want == f.Want }) {
					findings = append(findings, f)
				}
			}
		}
	}
	return append(findings, w.compare(live)...)
}

// refuses finds the keys of an index that is not declared which entities store with another type: DynamoDB refuses such items.
func (t *Table) refuses(x *liveIndex, typed map[string]types.ScalarAttributeType) []Finding {
	var findings []Finding
	for _, e := range x.schema {
		name := deref(e.AttributeName)
		have := string(typed[name])
		for _, stored := range t.storedAs(name) {
			if have != "" && stored != have {
				findings = append(findings, Finding{Kind: KeyType, Index: x.name, Attribute: name, Want: stored, Have: have, Breaks: true})
			}
		}
	}
	return findings
}

// storedAs are the types with which items of the entities have an attribute of this name, as far as the declaration tells.
func (t *Table) storedAs(name string) []string {
	var all []string
	for _, keys := range append(slices.Collect(maps.Values(t.indexes)), &t.primary) {
		for _, k := range keys.all() {
			if k.Name == name {
				all = append(all, string(k.Type))
			}
		}
	}
	for _, e := range t.Declaration().Entities {
		if e.Tag != TagNone && name == t.tag {
			all = append(all, string(types.ScalarAttributeTypeS))
		}
		for _, a := range e.Attributes {
			if a.Path == name && a.Type != "" {
				all = append(all, a.Type)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// keyTypes compares the types of key attributes; those that no key of the table has are of none.
func keyTypes(keys *indexKeys, typed map[string]types.ScalarAttributeType) []Finding {
	var findings []Finding
	for _, k := range keys.all() {
		if have, known := typed[k.Name]; known && have != k.Type {
			findings = append(findings, Finding{
				Kind: KeyType, Index: keys.name, Attribute: k.Name, Want: string(k.Type), Have: string(have), Breaks: true,
			})
		}
	}
	return findings
}

func (t *Table) compareIndex(want *indexKeys, have *liveIndex) []Finding {
	wanted := schemaText(want.schema())
	if have == nil {
		return []Finding{{Kind: IndexMissing, Index: want.name, Want: wanted, Breaks: true}}
	}
	var findings []Finding
	if have.changing() {
		findings = append(findings, Finding{Kind: IndexNotActive, Index: want.name, Have: have.state(), Breaks: true})
	}
	if want.local != have.local {
		// A local index can do all that a global one can; a global one reads nothing consistently.
		findings = append(findings, Finding{Kind: IndexScope, Index: want.name, Want: scopeText(want.local), Have: scopeText(have.local), Breaks: want.local})
	}
	if had := schemaText(have.schema); wanted != had {
		return append(findings, Finding{Kind: IndexKey, Index: want.name, Want: wanted, Have: had, Breaks: true})
	}
	return append(findings, t.compareProjection(want, &have.projection)...)
}

func scopeText(local bool) string {
	if local {
		return "local"
	}
	return "global"
}

func (t *Table) compareProjection(index *indexKeys, have *types.Projection) []Finding {
	want := index.projected()
	var findings []Finding
	add := func(kind FindingKind, attribute string) {
		findings = append(findings, Finding{
			Kind: kind, Index: index.name, Attribute: attribute, Want: projectionText(want), Have: projectionText(have), Breaks: kind == ProjectionNarrower,
		})
	}
	all := func(p *types.Projection) bool { return p.ProjectionType == types.ProjectionTypeAll }
	switch {
	case all(want) && all(have):
	case all(want):
		add(ProjectionNarrower, "")
	case all(have):
		add(ProjectionWider, "")
	default:
		// Keys are always projected, whether named or not.
		lacks := func(p *types.Projection, name string) bool {
			keys := append(index.all(), t.primary.all()...)
			return !slices.Contains(p.NonKeyAttributes, name) && !slices.ContainsFunc(keys, func(k KeyAttribute) bool { return k.Name == name })
		}
		for _, name := range want.NonKeyAttributes {
			if lacks(have, name) {
				add(ProjectionNarrower, name)
			}
		}
		for _, name := range have.NonKeyAttributes {
			if lacks(want, name) {
				add(ProjectionWider, name)
			}
		}
	}
	return findings
}

// compare finds what is not as the options ask, and what DescribeTable tells of it.
func (w *wants) compare(live *types.TableDescription) []Finding {
	var findings []Finding
	billing := types.BillingModeProvisioned // which need not be told
	if s := live.BillingModeSummary; s != nil && s.BillingMode != "" {
		billing = s.BillingMode
	}
	if w.billing != "" && w.billing != billing {
		findings = append(findings, Finding{Kind: BillingDiffers, Want: string(w.billing), Have: string(billing)})
	}
	stream := valueOf(live.StreamSpecification)
	switch {
	case w.stream == "":
	case !valueOf(stream.StreamEnabled):
		findings = append(findings, Finding{Kind: StreamOff, Want: string(w.stream)})
	case stream.StreamViewType != w.stream:
		findings = append(findings, Finding{Kind: StreamView, Want: string(w.stream), Have: string(stream.StreamViewType)})
	}
	if w.protected && !valueOf(live.DeletionProtectionEnabled) {
		findings = append(findings, Finding{Kind: Unprotected})
	}
	return findings
}

// ttlFinding looks whether TTL is on for the attribute; nil if it is.
func (t *Table) ttlFinding(ctx context.Context, admin Admin, attribute string) (*Finding, error) {
	out, err := ask(ctx, t, admin.DescribeTimeToLive, &dynamodb.DescribeTimeToLiveInput{TableName: ptr(t.Name())})
	if err != nil {
		return nil, err
	}
	ttl := valueOf(out.TimeToLiveDescription)
	f := &Finding{Kind: TTLOff, Want: attribute}
	on := deref(ttl.AttributeName)
	switch s := ttl.TimeToLiveStatus; {
	case s == types.TimeToLiveStatusDisabling:
		f.Kind, f.Have = TTLChanging, string(s)
	case s != types.TimeToLiveStatusEnabled && s != types.TimeToLiveStatusEnabling:
	case on != attribute:
		f.Kind, f.Have = TTLAttribute, on
	case s == types.TimeToLiveStatusEnabling:
		f.Kind, f.Have = TTLChanging, string(s)
	default:
		return nil, nil
	}
	return f, nil
}

// ttlExtra looks for a TTL that is not asked for. A server that knows no TTL has none.
func (t *Table) ttlExtra(ctx context.Context, admin Admin) ([]Finding, error) {
	f, err := t.ttlFinding(ctx, admin, "")
	switch {
	case refusedAs(err, "UnknownOperationException"):
		return nil, nil
	case err != nil || f == nil || f.Kind != TTLAttribute:
		return nil, err
	}
	f.Kind = TTLExtra
	return []Finding{*f}, nil
}

// tagFindings looks for the tags that are asked for. A server that knows no tags has nothing to find.
func (t *Table) tagFindings(ctx context.Context, admin Admin, live *types.TableDescription, w *wants) ([]Finding, error) {
	if len(w.tags) == 0 {
		return nil, nil
	}
	have := map[string]string{}
	in := &dynamodb.ListTagsOfResourceInput{ResourceArn: live.TableArn}
	for {
		out, err := ask(ctx, t, admin.ListTagsOfResource, in)
		switch {
		case refusedAs(err, "UnknownOperationException"):
			return nil, nil
		case err != nil:
			return nil, err
		}
		for _, tag := range out.Tags {
			have[deref(tag.Key)] = deref(tag.Value)
		}
		if in.NextToken = out.NextToken; deref(in.NextToken) == "" {
			break
		}
	}
	var findings []Finding
	for _, key := range slices.Sorted(maps.Keys(w.tags)) {
		value, tagged := have[key]
		switch {
		case !tagged:
			findings = append(findings, Finding{Kind: TagMissing, Attribute: key, Want: w.tags[key]})
		case value != w.tags[key]:
			findings = append(findings, Finding{Kind: TagDiffers, Attribute: key, Want: w.tags[key], Have: value})
		}
	}
	return findings, nil
}

// schemaText writes a key. The order of several HASH attributes means nothing: all are always given.
func schemaText(schema []types.KeySchemaElement) string {
	var hash, rest []string
	for _, e := range schema {
		if e.KeyType == types.KeyTypeHash {
			hash = append(hash, fmt.Sprintf("%s %s", e.KeyType, deref(e.AttributeName)))
		} else {
			rest = append(rest, fmt.Sprintf("%s %s", e.KeyType, deref(e.AttributeName)))
		}
	}
	slices.Sort(hash)
	return strings.Join(append(hash, rest...), ", ")
}

func projectionText(p *types.Projection) string {
	if len(p.NonKeyAttributes) == 0 {
		return string(p.ProjectionType)
	}
	return string(p.ProjectionType) + " " + strings.Join(slices.Sorted(slices.Values(p.NonKeyAttributes)), ", ")
}
