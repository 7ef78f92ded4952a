package migrate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/internal/raw"
	"github.com/monotable/monotable/lease"
)

// Reindex brings every item of a table to the form that its entities give it today, by [monotable.Table.Refresh]: the keys of indexes after a template has
// changed, tags, derived and transformed attributes, upgrades. All entities must be defined on the table before: items of others are counted as foreign and left alone. It is a
// [Backfill] with all that this says of crashes, several workers, live writers and errors; items that have expired count as gone.
//
// First deploy the program that writes the new form; then run it. The last one of a table that is done is remembered with
// the table's [monotable.Declaration]: with the same declaration there is nothing to do, with another one, an earlier one too, it begins anew. What a declaration does not
// show, such as what a transform does, needs [Restart], or a name of its own: [Named].
//
// Of an item with more attributes than DynamoDB compares at once only its version and those that its entity declares are compared. If an upgrade is due, which may read all of
// them, and there is no version, it has failed, with ErrInvalid, see [Backfill].
//
// An item that does not decode, is of a newer schema, or whose primary key today's template would make otherwise, has failed. The last one must move: [MovePartition].
func Reindex(ctx context.Context, store *lease.Store, table *monotable.Table, opts ...BackfillOption) (Report, error) {
	name, err := declared(table)
	if err != nil {
		return Report{}, err
	}
	b := newBackfill(store, "reindex", table, opts)
	b.of, b.unwritable = name, true
	table = table.With(monotable.Capacity(&b.pacer.refreshed))
	b.work = func(ctx context.Context, stored item) (outcome, error) { return b.refresh(ctx, table, stored) }
	return b.run(ctx)
}

// declared is a short text for what is declared.
func declared(table *monotable.Table) (string, error) {
	text, err := json.Marshal(table.Declaration())
	if err != nil {
		return "", fmt.Errorf("migrate: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8]), nil
}

// refresh makes one try at an item.
func (b *backfill) refresh(ctx context.Context, table *monotable.Table, stored item) (outcome, error) {
	if b.layout.isOwn(stored) {
		return foreign, nil
	}
	if b.dryRun {
		if stale, err := table.Stale(stored); stale || err != nil {
			return rewritten, err
		}
	}
	if k := b.layout.kindOf(stored); k != nil && len(names(stored))+len(k.attributes) > wide {
		return b.refreshWide(ctx, table, stored, k)
	}
	done, err := table.Refresh(ctx, stored) // of what is not stale it tells the rest, and sends nothing
	switch done {
	case monotable.RefreshForeign:
		return foreign, err
	case monotable.RefreshRewritten:
		return rewritten, err
	case monotable.RefreshOvertaken:
		return overtaken, err
	}
	return current, err
}

// wide is the number of attributes from which on Refresh may have no room for its condition.
const wide = 100

// refreshWide is Refresh for an item with many attributes. If no upgrade is due, what T has is all that the new form is made from.
func (b *backfill) refreshWide(ctx context.Context, table *monotable.Table, stored item, k *kind) (outcome, error) {
	if stale, err := table.Stale(stored); !stale || err != nil {
		return current, err
	}
	next, err := table.Fresh(stored)
	if err != nil {
		return current, err
	}
	var reads []string
	if raw.NumberOf(stored[b.layout.d.SchemaVersion]) == k.schema {
		reads = k.attributes
	}
	in, err := b.layout.difference(stored, next, reads)
	if in == nil || err != nil {
		return current, err
	}
	return b.update(ctx, in, next)
}
