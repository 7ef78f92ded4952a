package migrate_test

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/migrate"
)

// What a reader of the code found.

// A program that goes back to an earlier form has its items reindexed, too.
func TestReindex_BackToAnEarlierDeclaration(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.settle(6, oldCitizens())
	before := w.partition("CITIZEN#000")
	store := w.store(w.client)
	for i, schema := range []monotable.Schema[citizen]{todaysCitizens(), oldCitizens(), todaysCitizens(), oldCitizens()} {
		report, err := migrate.Reindex(t.Context(), store, w.as(w.client, schema), migrate.Segments(2))
		require.NoError(t, err)
		require.EqualValues(t, 6, report.Rewritten, "%d", i)
		again, err := migrate.Reindex(t.Context(), store, w.as(w.client, schema), migrate.Segments(2))
		require.NoError(t, err)
		require.Equal(t, report.Rewritten, again.Rewritten, "the same one has nothing to do")
	}
	require.Equal(t, before, w.partition("CITIZEN#000"))
}

func (w *town) partition(key string) []map[string]types.AttributeValue {
	w.t.Helper()
	out, err := w.client.Query(w.t.Context(), &dynamodb.QueryInput{
		TableName: &w.cfg.Name, KeyConditionExpression: new("PK = :p"), ExpressionAttributeValues: attributes{":p": vS(key)},
	})
	require.NoError(w.t, err)
	return out.Items
}

// Once what failed is mended, the next call does it.
func TestBackfill_AfterFailures(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.settle(4, oldCitizens())
	store, broken := w.store(w.client), true
	work := func(_ context.Context, item map[string]types.AttributeValue) (map[string]types.AttributeValue, error) {
		if broken && vText(item["id"]) == "002" {
			return nil, errors.New("broken")
		}
		item["done"] = vS("yes")
		return item, nil
	}
	table := w.as(w.client, oldCitizens())
	_, err := migrate.Backfill(t.Context(), store, "mark", table, work, migrate.Segments(2))
	var failed *migrate.FailedError
	require.ErrorAs(t, err, &failed)
	broken = false
	report, err := migrate.Backfill(t.Context(), store, "mark", table, work, migrate.Segments(2))
	require.NoError(t, err)
	require.EqualValues(t, 1, report.Rewritten)
}

func TestMigrate_ScopedTablesAreRefused(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.settle(2, oldCitizens())
	scoped := w.as(w.client, oldCitizens()).Scoped("CITIZEN#000")
	store := w.store(w.client)
	keep := func(_ context.Context, item map[string]types.AttributeValue) (map[string]types.AttributeValue, error) {
		return item, nil
	}
	for name, run := range map[string]func() error{
		"Reindex":  func() error { _, err := migrate.Reindex(t.Context(), store, scoped); return err },
		"Backfill": func() error { _, err := migrate.Backfill(t.Context(), store, "x", scoped, keep); return err },
		"Delete": func() error {
			_, err := migrate.DeletePartition(t.Context(), store, scoped, vS("CITIZEN#001"))
			return err
		},
		"Move": func() error {
			_, err := migrate.MovePartition(t.Context(), store, scoped, vS("CITIZEN#001"), vS("CITIZEN#9"))
			return err
		},
	} {
		require.ErrorIs(t, run(), migrate.ErrInvalid, name)
	}
	require.Len(t, w.partition("CITIZEN#001"), 1)
}

// The names of backfills and of sets of migrations do not meet, and a dry run is dry all the way down.
func TestBackfill_InsideAMigration(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.settle(4, oldCitizens())
	store := w.store(w.client)
	set, err := migrate.New(store, migrate.Migration{ID: 1, Name: "town", Up: func(ctx context.Context, r *migrate.Run) error {
		_, err := migrate.Reindex(ctx, r.Store(), w.as(w.client, todaysCitizens()), migrate.Segments(1), migrate.Named("schema"))
		return err
	}})
	require.NoError(t, err)
	before := w.partition("CITIZEN#000")
	_, err = set.DryRun().Up(t.Context())
	require.NoError(t, err)
	require.Equal(t, before, w.partition("CITIZEN#000"), "nothing is written")
	_, err = set.Up(t.Context())
	require.NoError(t, err)
	require.NotEqual(t, before, w.partition("CITIZEN#000"))
	states, err := set.Status(t.Context())
	require.NoError(t, err)
	require.True(t, states[0].Applied)
}
