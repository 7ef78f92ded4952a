package monotable_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
)

// game is in indexes of several attributes.
type game struct {
	ID     string  `dynamodbav:"id"`
	Cup    string  `dynamodbav:"cup"`
	Region *string `dynamodbav:"region"`
	Round  int     `dynamodbav:"round"`
	Score  int     `dynamodbav:"score"`
	Team   string  `dynamodbav:"team"`
}

var (
	gameRegion = monotable.Field(func(g *game) **string { return &g.Region })
	gameRound  = monotable.Field(func(g *game) *int { return &g.Round })
	gameScore  = monotable.Field(func(g *game) *int { return &g.Score })
	gameTeam   = monotable.Field(func(g *game) *string { return &g.Team })
)

func openGames(t *testing.T) (*store, *monotable.Entity[game]) {
	t.Helper()
	s := openStore(t, monotable.TableConfig{PartitionKey: "PK", SortKey: "SK", Indexes: []monotable.Index{
		{
			Name: "tagged", PartitionKeys: []monotable.KeyAttribute{{Name: "_et"}, {Name: "cup"}, {Name: "region"}},
			SortKeys: []monotable.KeyAttribute{{Name: "round", Type: "N"}, {Name: "score", Type: "N"}, {Name: "team"}},
		},
		{
			Name: "shared", PartitionKeys: []monotable.KeyAttribute{{Name: "cup"}, {Name: "region"}},
			SortKeys: []monotable.KeyAttribute{{Name: "round", Type: "N"}, {Name: "score", Type: "N"}},
		},
	}})
	games := mustEntity(t, s.Table, monotable.Schema[game]{Name: "Game", Key: monotable.Key{Partition: "GAME#{id}", Sort: "GAME"}})
	for i := range 12 {
		_, err := games.Create(t.Context(), game{fmt.Sprintf("%02d", i), "c", new("eu"), i / 6, i % 6 / 2, fmt.Sprint("t", i%2)})
		require.NoError(t, err)
	}
	return s, games
}

// TestF076_MultiAttributeIndexes also is F077.
func TestF076_MultiAttributeIndexes(t *testing.T) {
	s, games := openGames(t)
	ctx := t.Context()
	// Not a game, and no partner of one, but in the same partition of the index without the tag.
	s.write(rawItem{
		"PK": avS("X"), "SK": avS("X"), "_et": avS("Other"), "cup": avS("c"), "region": avS("eu"), "round": avN("0"), "score": avN("1"), "team": avS("t0"),
	})
	ids := func(t *testing.T, q monotable.Query[game]) string { // sorted: ties have no order in an index
		t.Helper()
		got, err := q.Collect(ctx)
		require.NoError(t, err)
		all := make([]string, 0, len(got))
		for i, g := range got {
			all = append(all, g.ID+" ")
			require.True(t, i == 0 || got[i-1].Round < g.Round || got[i-1].Round == g.Round && got[i-1].Score <= g.Score)
		}
		slices.Sort(all)
		return strings.Join(all, "")
	}
	key := game{Cup: "c", Region: new("eu")}
	for _, index := range []string{"tagged", "shared"} {
		q := games.Query(key).Index(index)
		require.Len(t, ids(t, q), 36)
		require.Equal(t, "00 01 02 03 04 05 ", ids(t, q.SortKey(gameRound.Eq(0))))
		require.Equal(t, "06 07 08 09 10 11 ", ids(t, q.SortKey(gameRound.Gt(0))))
		require.Equal(t, "04 05 ", ids(t, q.SortKey(gameRound.Eq(0), gameScore.Ge(2))))
		require.Equal(t, "02 03 04 05 ", ids(t, q.SortKey(gameScore.Between(1, 2), gameRound.Eq(0))), "conditions in any order")
		down, err := q.Descending().Limit(3).Collect(ctx)
		require.NoError(t, err)
		require.Equal(t, []int{2, 2, 1}, []int{down[0].Score, down[1].Score, down[2].Score})
		page, err := q.Limit(5).Page(ctx)
		require.NoError(t, err)
		rest, err := q.From(page.Next).Collect(ctx)
		require.NoError(t, err)
		require.Len(t, append(page.Items, rest...), 12)
		n, err := games.Scan().Index(index).Count(ctx)
		require.NoError(t, err)
		require.Equal(t, 12, n)
	}
	tagged := games.Query(key).Index("tagged")
	require.Equal(t, "03 ", ids(t, tagged.SortKey(gameRound.Eq(0), gameScore.Eq(1), gameTeam.Eq("t1"))))
	require.Equal(t, "02 03 ", ids(t, tagged.SortKey(gameRound.Eq(0), gameScore.Eq(1), monotable.HasPrefix(gameTeam, "t"))))

	for name, q := range map[string]monotable.Query[game]{
		"a missing partition part":  games.Query(game{Cup: "c"}).Index("shared"),
		"an empty partition part":   games.Query(game{Region: new("eu")}).Index("shared"),
		"a gap in the sort parts":   tagged.SortKey(gameScore.Eq(1)),
		"a range that is not last":  tagged.SortKey(gameRound.Gt(0), gameScore.Eq(1)),
		"a prefix that is not last": tagged.SortKey(gameRound.Eq(0), gameScore.Eq(1), gameTeam.Gt("a")).SortKey(gameTeam.Lt("b")),
		"not a part":                games.Query(key).Index("shared").SortKey(gameTeam.Eq("t1")),
		"low above high":            tagged.SortKey(gameRound.Between(1, 0)),
		"a filter on a key":         tagged.Filter(gameScore.Eq(1)),
		"a consistent read":         tagged.With(monotable.Consistent()),
	} {
		_, err := q.Collect(ctx)
		require.ErrorIs(t, err, monotable.ErrInvalid, name)
	}
	t.Run("sparse", func(t *testing.T) {
		_, err := games.Create(ctx, game{ID: "99", Cup: "c", Team: "t"})
		require.NoError(t, err)
		require.NotContains(t, s.stored(keyPS("GAME#99", "GAME")), "region")
		_, err = games.Update(ctx, game{ID: "00"}, gameRegion.Remove())
		require.NoError(t, err)
		require.NotContains(t, ids(t, tagged), "00")
		_, err = games.Update(ctx, game{ID: "01"}, gameTeam.Set(""))
		require.NoError(t, err, "an empty text cannot be an index key, so it is left out")
		require.NotContains(t, ids(t, tagged), "01")
		require.Contains(t, ids(t, games.Query(key).Index("shared")), "01")
		got, err := games.Get(ctx, game{ID: "01"})
		require.NoError(t, err)
		require.Empty(t, got.Team)
	})
}
