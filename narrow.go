package monotable

import (
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable/internal/keytmpl"
)

// narrow adds a filter on the type tag unless the keys prove that only items of the entity can be in the range.
func (k *keyCompiler) narrow() error {
	m := k.m
	if k.plan.equal[m.table.tag] != nil || k.proved() {
		return nil
	}
	k.plan.foreign = true
	if m.tagMode == TagNone {
		return nil
	}
	if k.plan.spec.hydrate && !k.plan.tagged {
		return nil // the items themselves tell
	}
	if !k.plan.tagged {
		return invalidf("index %q holds items of other entities too and does not project %s: project it, give the key templates a prefix of their own, or Hydrate", k.plan.spec.index, m.table.tag)
	}
	k.filter(m.mayBeMine(k.exprBuilder))
	return nil
}

func (k *keyCompiler) proved() bool {
	set := k.plan.set
	if len(set.partition) > 1 || len(set.sort) > 1 {
		return false
	}
	partition := set.partition[0]
	literal := ""
	if partition.tmpl != nil {
		literal, _ = partition.tmpl.Prefix(nil)
	}
	single := set == k.m.primary && len(set.sort) == 0 // at most one item, whose tag is checked when it is read
	if literal == "" && k.prefix == "" && !single {
		return false
	}
	for _, other := range k.m.table.others(k.m) {
		if k.couldHold(other) {
			return false
		}
	}
	return true
}

// couldHold says whether the range could hold an item of another entity.
func (k *keyCompiler) couldHold(other *model) bool {
	set := other.primary
	if k.plan.spec.index != "" {
		if set = other.indexes[k.plan.spec.index]; set == nil {
			return false
		}
	}
	if tmpl := set.partition[0].tmpl; tmpl != nil {
		if s, ok := k.plan.equal[set.partition[0].Name].(*types.AttributeValueMemberS); ok {
			if _, ok := tmpl.Match(s.Value); !ok {
				return false
			}
		}
	}
	if len(set.sort) == 0 || set.sort[0].tmpl == nil {
		return true
	}
	if k.exact {
		_, ok := set.sort[0].tmpl.Match(k.prefix)
		return ok
	}
	return keytmpl.PrefixOverlap(set.sort[0].tmpl, k.prefix)
}

// scan narrows a scan to the entity.
func (k *keyCompiler) scan() error {
	m := k.m
	if len(k.plan.spec.sort) > 0 || k.plan.spec.descending {
		return invalidf("a Scan has no sort key and no order; use Query, or Filter")
	}
	k.plan.foreign = true
	if k.plan.spec.hydrate && !k.plan.tagged {
		return nil // the items themselves tell
	}
	if m.tagMode != TagNone && !k.plan.tagged {
		return invalidf("index %q does not project %s, by which a Scan tells entities apart", k.plan.spec.index, m.table.tag)
	}
	var untagged []term
	if m.tagMode == TagOptional {
		untagged = append(untagged, k.top(m.table.tag).AttributeNotExists())
	}
	if m.tagMode != TagRequired {
		for _, attr := range m.primary.all() {
			if attr.tmpl == nil {
				continue
			}
			if literal, whole := attr.tmpl.Prefix(nil); whole {
				untagged = append(untagged, k.top(attr.Name).Equal(text(literal)))
			} else if literal != "" {
				untagged = append(untagged, k.top(attr.Name).BeginsWith(literal))
			}
		}
	}
	switch m.tagMode {
	case TagRequired:
		k.filter(m.isMine(k.exprBuilder))
	case TagOptional:
		k.filter(m.isMine(k.exprBuilder).Or(allOf(untagged)))
	case TagNone:
		if len(untagged) > 0 {
			k.filter(allOf(untagged))
		}
	}
	return nil
}

// scope keeps a query inside the table's scope: by its partition key, or by a filter where that is not queried.
func (k *keyCompiler) scope() error {
	o := &k.plan.spec.options
	partition := k.m.primary.partition[0].Name
	if av := k.plan.equal[partition]; av != nil || len(o.scopes) == 0 {
		return o.inScope(orNull(av))
	}
	if !k.plan.spec.scan && k.plan.set.byName(partition) != nil {
		return invalidf("index %q has %s in its sort key, where a scoped table cannot filter by it", k.plan.spec.index, partition)
	}
	name := k.top(partition)
	for _, scope := range o.scopes {
		k.filter(name.Equal(text(scope.whole)).Or(name.BeginsWith(scope.prefix)))
	}
	return nil
}

// filters adds the caller's filters, and the one that drops expired items.
func (k *keyCompiler) filters() error {
	for _, n := range k.plan.spec.filters {
		c, err := k.compile(n)
		if err != nil {
			return err
		}
		for _, p := range n.paths() {
			if err := k.filterable(p); err != nil {
				return err
			}
		}
		k.filter(c)
	}
	return k.notExpired()
}

// notExpired leaves out expired items. Where the expiry is the key that is queried, on which DynamoDB takes no filter, they are dropped after reading.
func (k *keyCompiler) notExpired() error {
	e := k.m.expires
	switch {
	case e == nil:
	case k.plan.spec.hydrate && !k.plan.set.projects(&k.m.table.primary, e.path[0].name): // the items themselves tell
	case !k.plan.set.projects(&k.m.table.primary, e.path[0].name):
		return invalidf("index %q does not project %s, so expired items cannot be told without Hydrate", k.plan.spec.index, e)
	case k.plan.spec.scan || k.plan.set.byName(e.path[0].name) == nil:
		k.filter(k.m.alive(k.exprBuilder, k.m.now()))
	default:
		k.plan.dropsExpired = true
	}
	return nil
}

// filterable refuses what the service would: filters on the queried key, and on what an index does not hold.
func (k *keyCompiler) filterable(p path) error {
	name := p[0].name
	if !k.plan.spec.scan && k.plan.set.byName(name) != nil {
		return invalidf("Filter: %s is part of the key that is queried; use SortKey", name)
	}
	if !k.plan.set.projects(&k.m.table.primary, name) {
		return invalidf("Filter: index %q does not project %s", k.plan.spec.index, name)
	}
	return nil
}

// paths are the attributes a condition reads.
func (n *condNode) paths() []path {
	var all []path
	if n == nil {
		return nil
	}
	if len(n.loc.path) > 0 {
		all = append(all, n.loc.path)
	}
	if n.other != nil {
		all = append(all, n.other.path)
	}
	for _, kid := range n.kids {
		all = append(all, kid.paths()...)
	}
	return all
}

// project asks for what is read, and refuses an index that does not hold it.
func (k *keyCompiler) project() error {
	if k.plan.spec.counting || k.plan.spec.hydrate {
		return nil
	}
	if k.plan.spec.members != nil {
		return k.projectsMembers()
	}
	read := k.m.plan
	if v := k.plan.spec.view; v != nil {
		read = v.plan
	}
	for _, f := range read.Fields {
		if !k.plan.set.projects(&k.m.table.primary, f.Name) {
			return invalidf("index %q does not project %s: read a smaller struct with As, or Hydrate", k.plan.spec.index, f.Name)
		}
	}
	if k.m.upgrading && k.plan.partial() && !k.plan.set.projects(&k.m.table.primary, k.m.table.schemaVersion) {
		return invalidf("index %q does not project %s, by which older items are told: project it, or Hydrate", k.plan.spec.index, k.m.table.schemaVersion)
	}
	if k.plan.spec.view == nil || k.m.upgrading && !k.plan.partial() { // an upgrade needs the whole item
		return nil
	}
	seen := map[string]bool{}
	add := func(name string) {
		if !seen[name] {
			seen[name] = true
			k.exprBuilder.project = append(k.exprBuilder.project, k.top(name))
		}
	}
	for _, f := range read.Fields {
		add(f.Name)
	}
	for _, key := range k.plan.keyNames() {
		add(key.Name)
	}
	if k.plan.tagged && k.m.tagMode != TagNone {
		add(k.m.table.tag)
	}
	if k.m.upgrading {
		add(k.m.table.schemaVersion)
	}
	return nil
}
