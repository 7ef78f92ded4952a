package migrate

import (
	"context"
	"fmt"
	"slices"

	"github.com/monotable/monotable"
)

// AddIndexes is the Up of a migration that adds the declared global indexes that the table lacks, one at a time, and waits for each until its backfill is done, which may
// take hours; the lease is renewed meanwhile. Killed at any moment it goes on where DynamoDB is. Where nothing is to be added it only looks. A table that is not there is created, if the records are in
// another one: the table of the [lease.Store] must be there before, by [monotable.Table.Ensure]. Everything else that
// [monotable.Table.Plan] finds is left alone, but a declared index that is there as another one, and a local one that is missing, is a [monotable.DriftError], and nothing is added.
// In a dry run each index counts as one write. There is no Down for it: an index that the program declares is never dropped, see [DropIndex].
//
// Items are in a new index if they have its key attributes: for those written before the index was declared, [ReindexItems] is the next migration.
func AddIndexes(t *monotable.Table, admin monotable.Admin, opts ...monotable.CreateOption) func(context.Context, *Run) error {
	return func(ctx context.Context, r *Run) error {
		changes, err := t.Plan(ctx, admin, opts...)
		if err != nil {
			return err
		}
		var drift []monotable.Finding
		for _, left := range changes.Impossible {
			if left.Finding.Index != "" {
				drift = append(drift, left.Finding)
			}
		}
		if len(drift) > 0 {
			return &monotable.DriftError{Table: changes.Table, Findings: drift}
		}
		steps := slices.DeleteFunc(slices.Clone(changes.Steps), func(s monotable.Step) bool {
			return s.Kind != monotable.StepAddIndex && s.Kind != monotable.StepCreateTable
		})
		for _, s := range steps {
			changes.Steps = []monotable.Step{s}
			r.Logger().InfoContext(ctx, "migrate: changing the table", "table", changes.Table, "step", s.String(), "dry", r.DryRun())
			if err := r.Do(ctx, func(ctx context.Context) error { return t.Apply(ctx, admin, changes) }); err != nil {
				return err
			}
		}
		return nil
	}
}

// ReindexItems is the Up of a migration that brings every item to the form that the table's entities give it today: a [Reindex], of this migration alone, whatever others have done before.
// Killed at any moment it goes on at the last page that was saved. The items that it rewrites count as writes, also in a dry run. It needs no Down if what it wrote does not hinder
// the program before. All entities must be defined on the table before.
func ReindexItems(t *monotable.Table, opts ...BackfillOption) func(context.Context, *Run) error {
	return func(ctx context.Context, r *Run) error {
		fence := r.Fence() // of the runner that began it
		if begun, err := r.Load("fence", &fence); err != nil {
			return err
		} else if !begun {
			if err := r.Save(ctx, "fence", fence); err != nil {
				return err
			}
		}
		name := fmt.Sprintf("%s/%d/%d", r.set, r.id, fence)
		report, err := Reindex(ctx, r.Store(), t, append(slices.Clone(opts), Named(name))...)
		r.writes.Add(int64(report.Rewritten))
		r.Logger().InfoContext(ctx, "migrate: reindexed", "table", t.Name(), "report", report, "dry", r.DryRun())
		return err
	}
}

// DropIndex is the Up of a migration that drops a global index which is no longer declared, and waits until it is gone. That there is none is no error. An index that is
// declared is ErrInvalid. In a dry run it counts as one write, whether or not the index is there. Its items keep the attributes that were its keys.
func DropIndex(t *monotable.Table, admin monotable.Admin, name string) func(context.Context, *Run) error {
	return func(ctx context.Context, r *Run) error {
		for _, index := range t.Declaration().Indexes {
			if index.Name == name {
				return fmt.Errorf("%w: index %q is declared; take it out of the declaration first", ErrInvalid, name)
			}
		}
		r.Logger().InfoContext(ctx, "migrate: dropping an index", "table", t.Name(), "index", name, "dry", r.DryRun())
		return r.Do(ctx, func(ctx context.Context) error { return t.DropIndex(ctx, admin, name) })
	}
}
