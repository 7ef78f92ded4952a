package migrate

import (
	"context"
	"fmt"
	"slices"

	"github.com/monotable/monotable"
)

// AddIndexes is the Up of a migration that adds the declared global indexes that the table lacks, one at a time, and waits for each until its backfill is done, which may
// take hours; the lease is renewed meanwhile. Killed at any moment it goes on where DynamoDB is. A table that is not there is created. Everything else that
// [monotable.Table.Plan] finds is left alone, but a declared index that is there as another one, and a local one that is missing, is a [monotable.DriftError], and nothing is added.
// In a dry run each index counts as one write. There is no Down for it: an index that the program declares is never dropped, see [DropIndex].
//
// Items are in a new index if they have its key attributes: for those written before the index was declared, a [Reindex] is the next migration.
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
