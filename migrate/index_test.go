package migrate_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/lease"
	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/migrate"
	"github.com/monotable/monotable/monotabletest"
)

// declares is the program's table with these global indexes.
func (g *ground) declares(client *dynamodb.Client, indexes ...string) *monotable.Table {
	g.t.Helper()
	cfg := pkSK
	for _, name := range indexes {
		cfg.Indexes = append(cfg.Indexes, monotable.Index{Name: name, PartitionKey: name + "PK", SortKey: name + "SK"})
	}
	table, err := monotable.NewTable(client, cfg)
	require.NoError(g.t, err)
	return table
}

// indexes are those of the table, by name, with their states.
func (g *ground) indexes() map[string]types.IndexStatus {
	g.t.Helper()
	out, err := g.client.DescribeTable(context.Background(), &dynamodb.DescribeTableInput{TableName: &pkSK.Name})
	require.NoError(g.t, err)
	all := map[string]types.IndexStatus{}
	for _, index := range out.Table.GlobalSecondaryIndexes {
		all[*index.IndexName] = index.IndexStatus
	}
	return all
}

func TestIndexes_AddedAndDropped(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	s := g.store(g.client)
	both := g.declares(g.client, "GSI1", "GSI2")
	add := migrate.Migration{ID: 1, Name: "indexes", Up: migrate.AddIndexes(both, g.client)}

	steps, err := newSet(t, s, add).DryRun().Up(t.Context())
	require.NoError(t, err)
	require.Equal(t, []migrate.Step{{ID: 1, Name: "indexes", Writes: 2}}, steps)
	require.Empty(t, g.indexes())

	_, err = newSet(t, s, add).Up(t.Context())
	require.NoError(t, err)
	active := types.IndexStatusActive
	require.Equal(t, map[string]types.IndexStatus{"GSI1": active, "GSI2": active}, g.indexes())

	one := g.declares(g.client, "GSI1")
	_, err = newSet(t, s, add, migrate.Migration{ID: 2, Name: "drop", Up: migrate.DropIndex(one, g.client, "GSI1")}).Up(t.Context())
	require.ErrorIs(t, err, monotable.ErrInvalid)
	require.Len(t, g.indexes(), 2)
	steps, err = newSet(t, s, add, migrate.Migration{ID: 2, Name: "drop", Up: migrate.DropIndex(one, g.client, "GSI2")}).Up(t.Context())
	require.NoError(t, err)
	require.Equal(t, []migrate.Step{{ID: 2, Name: "drop", Writes: 1}}, steps)
	require.Equal(t, map[string]types.IndexStatus{"GSI1": active}, g.indexes())
}

// An index may be keyed by the keys of the table, and once it is there a migration adds nothing and only looks.
func TestIndexes_OfTheTablesKeys(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	cfg := pkSK
	cfg.Indexes = []monotable.Index{{Name: "inverted", PartitionKey: "SK", SortKey: "PK"}, {Name: "bySort", PartitionKey: "SK", SortKey: "at", SortKeyType: types.ScalarAttributeTypeN}}
	var faults monotabletest.Faults
	client := faults.Client(g.client)
	table, err := monotable.NewTable(client, cfg)
	require.NoError(t, err)
	add := migrate.AddIndexes(table, client)
	_, err = newSet(t, g.store(g.client), migrate.Migration{ID: 1, Name: "first", Up: add}).Up(t.Context())
	require.NoError(t, err)
	active := types.IndexStatusActive
	require.Equal(t, map[string]types.IndexStatus{"inverted": active, "bySort": active}, g.indexes())
	findings, err := table.Verify(t.Context(), client)
	require.NoError(t, err)
	require.Empty(t, findings)

	faults.Reset()
	again := newSet(t, g.store(g.client), migrate.Migration{ID: 1, Name: "first", Up: add}, migrate.Migration{ID: 2, Name: "again", Up: add})
	for _, set := range []*migrate.Set{again.DryRun(), again} {
		steps, err := set.Up(t.Context())
		require.NoError(t, err)
		require.Equal(t, []migrate.Step{{ID: 2, Name: "again"}}, steps, "no writes")
	}
	for _, r := range faults.Requests() {
		require.Contains(t, r.Operation, "Describe")
	}
}

// The table that the records are in must be there; otherwise the error says so.
func TestIndexes_WithoutATable(t *testing.T) {
	t.Parallel()
	client := monotabletest.Client(t)
	table, err := monotable.NewTable(client, monotable.TableConfig{Name: "missing", PartitionKey: "PK"})
	require.NoError(t, err)
	store, err := lease.NewStore(table)
	require.NoError(t, err)
	set := newSet(t, store, migrate.Migration{ID: 1, Name: "indexes", Up: migrate.AddIndexes(table, client)})
	for _, run := range []func() error{
		func() error { _, err := set.Up(t.Context()); return err },
		func() error { _, err := set.DryRun().Up(t.Context()); return err },
		func() error { _, err := set.Status(t.Context()); return err },
		func() error { _, err := migrate.Reindex(t.Context(), store, table); return err },
	} {
		err := run()
		require.ErrorAs(t, err, new(*types.ResourceNotFoundException))
		require.ErrorContains(t, err, "in table missing: ResourceNotFoundException: the table that holds the records must be there first, see Ensure")
	}

	// With the records in another one it is created.
	g := groundOn(t, client)
	t.Cleanup(func() {
		_, _ = client.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: new("missing")})
	})
	_, err = newSet(t, g.store(client), migrate.Migration{ID: 1, Name: "indexes", Up: migrate.AddIndexes(table, client)}).Up(t.Context())
	require.NoError(t, err)
	findings, err := table.Verify(t.Context(), client)
	require.NoError(t, err)
	require.Empty(t, findings)
}

// ReindexItems works for its own migration, also if the same declaration was done before, goes on after a crash, and counts.
func TestReindexItems(t *testing.T) {
	t.Parallel()
	anew(t, func(t *testing.T) {
		w := newTown(t)
		w.settle(20, oldCitizens())
		today := w.as(w.client, todaysCitizens())
		set := func(client monotable.Client, opts ...migrate.BackfillOption) *migrate.Set {
			opts = append(opts, migrate.Segments(2), migrate.PageSize(3), migrate.Concurrency(1), shortLease())
			return newSet(t, w.store(client), migrate.Migration{
				ID: 7, Name: "towns", Up: migrate.ReindexItems(w.as(client, todaysCitizens()), opts...),
				Down: func(context.Context, *migrate.Run) error { return nil },
			}).With(migrate.LeaseTTL(2 * time.Second))
		}
		before := w.dump()
		steps, err := set(w.client).DryRun().Up(t.Context())
		require.NoError(t, err)
		require.Equal(t, []migrate.Step{{ID: 7, Name: "towns", Writes: 20}}, steps)
		require.Equal(t, before, w.dump())

		var faults monotabletest.Faults
		faults.StopAt(30)
		_, err = set(faults.Client(w.client)).Up(t.Context())
		require.ErrorIs(t, err, monotabletest.ErrStopped)
		steps, err = set(w.client).Up(t.Context())
		require.NoError(t, err)
		require.Less(t, steps[0].Writes, int64(25))
		after := w.dump()
		require.NotEqual(t, before, after)

		// Programs of the form before write again, while the migration is taken back; the declaration is the same when it comes once more.
		_, err = set(w.client).DownTo(t.Context(), 0)
		require.NoError(t, err)
		_, err = migrate.Reindex(t.Context(), w.store(w.client), today)
		require.NoError(t, err)
		_, err = migrate.Reindex(t.Context(), w.store(w.client), w.as(w.client, oldCitizens()), migrate.Named("back"))
		require.NoError(t, err)
		require.Equal(t, before, w.dump())
		steps, err = set(w.client).Up(t.Context())
		require.NoError(t, err)
		require.Equal(t, []migrate.Step{{ID: 7, Name: "towns", Writes: 20}}, steps)
		require.Equal(t, after, w.dump())
	})
}

// An index that is there as another one stops the migration before anything is added.
func TestIndexes_Drift(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	s := g.store(g.client)
	other, err := monotable.NewTable(g.client, monotable.TableConfig{
		Name: pkSK.Name, PartitionKey: "PK", SortKey: "SK", Indexes: []monotable.Index{{Name: "GSI1", PartitionKey: "other"}},
	})
	require.NoError(t, err)
	_, err = newSet(t, s, migrate.Migration{ID: 1, Name: "other", Up: migrate.AddIndexes(other, g.client)}).Up(t.Context())
	require.NoError(t, err)
	both := g.declares(g.client, "GSI1", "GSI2")
	_, err = newSet(t, s, migrate.Migration{ID: 1, Name: "other", Up: migrate.AddIndexes(both, g.client)}, migrate.Migration{ID: 2, Name: "both", Up: migrate.AddIndexes(both, g.client)}).Up(t.Context())
	var drift *monotable.DriftError
	require.ErrorAs(t, err, &drift)
	require.Len(t, g.indexes(), 1)
}

// TestF133_IndexCrashes kills the runner before and after one of its requests after the other, see crashPoints, while two indexes are added and one is dropped; the next one goes on, whatever state the
// indexes are in by then. What is killed is the client of both the items and the control plane.
func TestF133_IndexCrashes(t *testing.T) {
	run := func(t *testing.T, stop func(*monotabletest.Faults, int), n int) (requests int) {
		synctest.Test(t, func(t *testing.T) {
			g := &ground{t: t, client: memdb.New(memdb.Options{TableDelay: 90 * time.Second}).Client()}
			_, err := g.client.CreateTable(t.Context(), g.declares(g.client).CreateInput())
			require.NoError(t, err)
			time.Sleep(2 * time.Minute)
			var faults monotabletest.Faults
			stop(&faults, n)
			attempt := func(client *dynamodb.Client) error {
				wide, narrow := g.declares(client, "GSI1", "GSI2"), g.declares(client, "GSI2")
				_, err := newSet(t, g.store(client),
					migrate.Migration{ID: 1, Name: "add", Up: migrate.AddIndexes(wide, client)},
					migrate.Migration{ID: 2, Name: "drop", Up: migrate.DropIndex(narrow, client, "GSI1")},
				).Up(t.Context())
				return err
			}
			err = attempt(faults.Client(g.client))
			requests = len(faults.Requests())
			if n <= requests && n > 0 {
				if err != nil {
					require.ErrorIs(t, err, monotabletest.ErrStopped)
				}
				err = attempt(g.client)
			}
			require.NoError(t, err)
			require.Equal(t, map[string]types.IndexStatus{"GSI2": types.IndexStatusActive}, g.indexes())
			for _, state := range status(t, newSet(t, g.store(g.client))) {
				require.True(t, state.Applied)
			}
		})
		return requests
	}
	total := run(t, (*monotabletest.Faults).StopAt, 0)
	require.Greater(t, total, 15)
	for kind, stop := range []func(*monotabletest.Faults, int){(*monotabletest.Faults).StopAt, (*monotabletest.Faults).StopAfter} {
		for _, n := range crashPoints(t, total, kind) {
			run(t, stop, n)
		}
	}
}
