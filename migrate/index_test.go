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

// An index that is there as another one stops the migration before anything is added.
func TestIndexes_Drift(t *testing.T) {
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

// TestF133_IndexCrashes kills the runner before and after each of its requests while two indexes are added and one is dropped; the next one goes on, whatever state the
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
	for _, stop := range []func(*monotabletest.Faults, int){(*monotabletest.Faults).StopAt, (*monotabletest.Faults).StopAfter} {
		for n := 1; n <= total; n++ {
			run(t, stop, n)
		}
	}
}
