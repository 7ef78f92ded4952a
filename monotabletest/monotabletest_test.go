package monotabletest_test

import (
	"context"
	"fmt"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/monotabletest"
)

// Tables of the same name, made by tests that run at the same time, know nothing of one another.
func TestTable_Isolated(t *testing.T) {
	t.Parallel()
	for i := range 6 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			players := monotable.MustEntity(monotabletest.Table(t, playerTable), playerSchema)
			monotabletest.Seed(t, players, player{Team: "a", ID: "1", Score: i})
			got, err := players.Scan().Collect(t.Context())
			require.NoError(t, err)
			require.Equal(t, []player{{Team: "a", ID: "1", Score: i, Version: 1}}, got)
		})
	}
}

func TestTable_DeletedAtTheEnd(t *testing.T) {
	t.Parallel()
	client := monotabletest.Client(t)
	for range 2 {
		t.Run("", func(t *testing.T) { monotabletest.TableOn(t, client, playerTable) })
	}
}

// A server that keeps one database for all keys says that there is a table already.
func TestTable_Shared(t *testing.T) {
	t.Parallel()
	client := monotabletest.Client(t)
	monotabletest.TableOn(t, client, playerTable)
	require.Contains(t, failures(t, func(t testing.TB) { monotabletest.TableOn(t, client, playerTable) }), "monotabletest.Name")
	cfg := playerTable
	cfg.Name = monotabletest.Name(t)
	monotabletest.TableOn(t, client, cfg)
}

// A table that takes its time is waited for.
func TestTable_Waits(t *testing.T) {
	t.Parallel()
	var clock monotabletest.Clock
	engine := memdb.New(memdb.Options{TableDelay: 1, Clock: clock.Now})
	var faults monotabletest.Faults
	faults.Between(func(r monotabletest.Request) {
		if r.Operation == "DescribeTable" {
			clock.Advance(1)
		}
	})
	table := monotabletest.TableOn(t, faults.Client(engine.Client()), playerTable)
	monotabletest.Seed(t, monotable.MustEntity(table, playerSchema), player{Team: "a", ID: "1"})
}

func TestName(t *testing.T) {
	t.Parallel()
	valid := regexp.MustCompile(`^[a-zA-Z0-9_.-]{3,255}$`)
	t.Run("with/strange characters é", func(t *testing.T) {
		a, b := monotabletest.Name(t), monotabletest.Name(t)
		require.NotEqual(t, a, b)
		require.Regexp(t, valid, a)
		require.Contains(t, a, "TestName-with-strange_characters_")
	})
	t.Run(string(make([]byte, 300)), func(t *testing.T) { require.Regexp(t, valid, monotabletest.Name(t)) })
}

func TestSeed_Fails(t *testing.T) {
	t.Parallel()
	players := monotable.MustEntity(monotabletest.Table(t, playerTable), playerSchema)
	text := failures(t, func(t testing.TB) {
		monotabletest.Seed(t, players, player{Team: "a", ID: "1"}, player{Team: "a", ID: "1"})
	})
	require.Contains(t, text, "item 1: ")
	require.Contains(t, text, "already exists")
	got, err := players.Scan().Count(context.Background())
	require.NoError(t, err)
	require.Equal(t, 1, got)
}
