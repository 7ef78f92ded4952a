package monotable

import (
	"context"

	"github.com/monotable/monotable/internal/codec"
)

// hydratesOnly says that what the query itself reads is only where to find the items.
func (p *readPlan) hydratesOnly() bool { return p.spec.hydrate && !p.set.local }

// hydrate puts the table's items in the place of the entries of an index.
func (p *readPlan) hydrate(ctx context.Context, page *rawPage) error {
	t, o := p.m.table, p.spec.options
	o.progress = nil // it is of batches
	whole := make([]record, len(page.items))
	reads := make([]ReadOp, len(page.items))
	for i := range page.items {
		reads[i] = rawRead{plan: p, key: page.items[i].pick(p.m.primary.indexKeys.all()), dst: &whole[i]}
	}
	results, err := t.batchGet(ctx, &o, "item", reads)
	if err != nil {
		return err
	}
	var fresh []record
	for i, r := range results {
		switch {
		case r.State != Found || !p.sameEntry(&whole[i], &page.items[i]):
			page.stale++
		case p.m.checkTag(&whole[i], true) == nil:
			fresh = append(fresh, whole[i])
		case p.tagged: // it was the entity's
			page.stale++
		}
	}
	page.items, page.count = fresh, len(fresh)
	return nil
}

// sameEntry says that an item still has the index key under which it was found, and has not expired.
func (p *readPlan) sameEntry(item, entry *record) bool {
	for _, k := range p.keys {
		if !codec.Equal(orNull(item.attribute(k.Name)), orNull(entry.attribute(k.Name))) {
			return false
		}
	}
	return !p.m.expired(item, p.m.now())
}

// rawRead reads an item as it is stored.
type rawRead struct {
	plan *readPlan
	key  attributeMap
	dst  *record
}

func (r rawRead) compileRead() (*compiledRead, error) {
	m, o := r.plan.m, &r.plan.spec.options
	becomes := m.plan
	if v := r.plan.spec.view; v != nil {
		becomes = v.plan
	}
	return &compiledRead{m: m, table: o.tableName(m.table), key: r.key, consistent: o.consistent, becomes: becomes, decode: func(item *record) error {
		if item.missing() {
			return ErrNotFound
		}
		*r.dst = *item
		return nil
	}}, nil
}
