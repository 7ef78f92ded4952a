package monotable

import (
	"context"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable/internal/codec"
)

// Refreshed is what Refresh has done with an item.
type Refreshed int

const (
	// RefreshForeign says that the item is of no entity of the table. It is left alone.
	RefreshForeign Refreshed = iota
	// RefreshCurrent says that the item is already as it would be stored today.
	RefreshCurrent
	// RefreshRewritten says that the item has been rewritten.
	RefreshRewritten
	// RefreshOvertaken says that the item is no longer what was read: another writer was faster, or it is gone. Nothing was written; read it
	// again.
	RefreshOvertaken
)

func (r Refreshed) String() string {
	names := [...]string{"foreign", "current", "rewritten", "overtaken"}
	if r < 0 || int(r) >= len(names) {
		return "Refreshed(" + strconv.Itoa(int(r)) + ")"
	}
	return names[r]
}

// Refresh stores an item, read whole as it is stored, in the form that today's schemas give it: with the tag, the keys of its indexes, its derived and transformed attributes,
// and after its upgrades. It is what a migration does to every item after a template or a schema has changed. Attributes that T does not know, and UpdatedAt, stay; a version is
// raised by one. The write is conditioned on the item being as it was read, so live writers win. An item without a tag is
// the entity's whose templates make its key, if that takes such items ([TagOptional], [TagNone]).
//
// An item that does not decode is a [*DecodeError], one of a newer schema ErrNewerSchema. An item whose primary key today's template would make otherwise is
// ErrInvalid: it would have to move. So is one of more than about 140 attributes, which DynamoDB cannot compare at once, unless it has a version: then the version stands for those that T does not
// know. It is safe for concurrent use, and twice is as good as once. item is not changed.
func (t *Table) Refresh(ctx context.Context, item map[string]types.AttributeValue) (Refreshed, error) {
	ctx, v := t.begin(ctx, "Refresh")
	done, err := t.refresh(ctx, item)
	n := 0
	if done == RefreshRewritten {
		n = 1
	}
	return done, v.end(ctx, err, n)
}

func (t *Table) refresh(ctx context.Context, item attributeMap) (Refreshed, error) {
	m, stale, err := t.stale(item)
	switch {
	case m == nil:
		return RefreshForeign, nil
	case err != nil || !stale:
		return RefreshCurrent, err
	}
	stored, err := m.writeBack(ctx, &t.options, item)
	switch {
	case err != nil:
		return RefreshCurrent, err
	case stored == nil:
		return RefreshOvertaken, nil
	}
	return RefreshRewritten, nil
}

// Fresh is the item that [Table.Refresh] would store, its version not yet raised: a copy, also where nothing would change. It sends nothing.
func (t *Table) Fresh(item map[string]types.AttributeValue) (map[string]types.AttributeValue, error) {
	m := t.modelOf(item)
	if m == nil {
		return codec.CopyItem(item), nil
	}
	fresh, _, err := m.refreshed(item)
	return fresh, err
}

// Stale says whether [Table.Refresh] would rewrite an item. It sends nothing.
func (t *Table) Stale(item map[string]types.AttributeValue) (bool, error) {
	_, stale, err := t.stale(item)
	return stale, err
}

func (t *Table) stale(item attributeMap) (*model, bool, error) {
	m := t.modelOf(item)
	if m == nil {
		return nil, false, nil
	}
	if err := t.options.inScope(orNull(item[t.primary.partition[0].Name])); err != nil {
		return m, false, err
	}
	fresh, after, err := m.refreshed(item)
	if err != nil {
		return m, false, err
	}
	key, err := m.primaryKey(&t.options, after)
	if err != nil {
		return m, false, err
	}
	for name, av := range key {
		if !codec.Equal(av, orNull(item[name])) {
			return m, false, invalidf("the template of %s makes another %s for this item today: it would have to move", m.name, name)
		}
	}
	return m, !sameAttributes(fresh, item), nil
}
