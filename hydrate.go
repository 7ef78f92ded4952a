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
	whole, states := make([]record, len(page.items)), make([]State, len(page.items))
	becomes := p.m.plan
	if v := p.spec.view; v != nil {
		becomes = v.plan
	}
	err := t.batchGet(ctx, &o, "item", len(page.items), func(i int) (compiledRead, error) {
		key := page.items[i].pick(p.m.primary.indexKeys.all())
		return compiledRead{m: p.m, table: o.tableName(t), key: key, consistent: o.consistent, becomes: becomes}, nil
	}, func(i int, entry *batchEntry) (err error) {
		states[i], err = entry.result(func(item *record) error {
			if item.missing() {
				return ErrNotFound
			}
			whole[i] = *item
			item.moved = true // by this one, should the item stand in the index twice
			item.reply.keep()
			return nil
		})
		return err
	})
	if err != nil {
		return err
	}
	var fresh []record
	for i, state := range states {
		switch {
		case state != Found || !p.sameEntry(&whole[i], &page.items[i]):
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
