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
	whole := make([]attributeMap, len(page.items))
	reads := make([]ReadOp, len(page.items))
	for i, entry := range page.items {
		reads[i] = rawRead{m: p.m, table: o.tableName(t), key: p.m.keyIn(entry), consistent: o.consistent, dst: &whole[i]}
	}
	results, err := t.batchGet(ctx, &o, "item", reads)
	if err != nil {
		return err
	}
	var fresh []attributeMap
	for i, r := range results {
		switch {
		case r.State != Found || !p.sameEntry(whole[i], page.items[i]):
			page.stale++
		case p.m.checkTag(whole[i], true) == nil:
			fresh = append(fresh, whole[i])
		case p.tagged: // it was the entity's
			page.stale++
		}
	}
	page.items, page.count = fresh, len(fresh)
	return nil
}

// sameEntry says that an item still has the index key under which it was found, and has not expired.
func (p *readPlan) sameEntry(item, entry attributeMap) bool {
	for _, k := range p.keys {
		if !codec.Equal(orNull(item[k.Name]), orNull(entry[k.Name])) {
			return false
		}
	}
	return !p.m.expired(item, p.m.now())
}

// rawRead reads an item as it is stored.
type rawRead struct {
	m          *model
	table      string
	key        attributeMap
	consistent bool
	dst        *attributeMap
}

func (r rawRead) compileRead() (*compiledRead, error) {
	return &compiledRead{m: r.m, table: r.table, key: r.key, consistent: r.consistent, decode: func(item attributeMap) error {
		if item == nil {
			return ErrNotFound
		}
		*r.dst = item
		return nil
	}}, nil
}
