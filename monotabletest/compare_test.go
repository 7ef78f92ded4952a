package monotabletest_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

func avS(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
func avN(n string) types.AttributeValue { return &types.AttributeValueMemberN{Value: n} }

func TestDiff(t *testing.T) {
	t.Parallel()
	type prefs struct {
		Theme string   `dynamodbav:"theme"`
		Tags  []string `dynamodbav:"tags"`
	}
	type user struct {
		Name    string    `dynamodbav:"name"`
		Phone   string    `dynamodbav:"phone,omitempty"`
		Created time.Time `dynamodbav:"createdAt"`
		Prefs   prefs     `dynamodbav:"prefs"`
		Roles   []string  `dynamodbav:"roles,stringset"`
	}
	base := func() user {
		return user{Name: "Ann", Phone: "1", Created: time.Unix(0, 0), Prefs: prefs{"dark", []string{"a", "b"}}, Roles: []string{"x", "y"}}
	}
	zeroAbsent := []monotabletest.CompareOption{monotabletest.ZeroIsAbsent()}
	for _, row := range []struct {
		name   string
		change func(*user)
		opts   []monotabletest.CompareOption
		want   []string
	}{
		{"nothing", func(*user) {}, nil, nil},
		{"a text", func(u *user) { u.Name = "Bob" }, nil, []string{"name"}},
		{"only one has it", func(u *user) { u.Phone = "" }, nil, []string{"phone (only in the first)"}},
		{"the same moment", func(u *user) { u.Created = time.Unix(0, 0).In(time.FixedZone("", 3600)) }, nil, nil},
		{"another moment", func(u *user) { u.Created = time.Unix(0, 1) }, nil, []string{"createdAt"}},
		{"nested, in order", func(u *user) { u.Prefs.Theme, u.Name, u.Prefs.Tags[1] = "x", "x", "x" }, nil, []string{"name", "prefs.tags[1]", "prefs.theme"}},
		{"a longer list", func(u *user) { u.Prefs.Tags = []string{"a", "b", "c"} }, nil, []string{"prefs.tags[2] (only in the second)"}},
		{"another type", func(u *user) { u.Prefs.Tags = nil }, nil, []string{"prefs.tags"}},
		{"an empty list", func(u *user) { u.Prefs.Tags = []string{} }, nil, []string{"prefs.tags[0] (only in the first)", "prefs.tags[1] (only in the first)"}},
		{"a set in another order", func(u *user) { u.Roles = []string{"y", "x"} }, nil, nil},
		{"another set", func(u *user) { u.Roles = []string{"y", "z"} }, nil, []string{"roles"}},
		{"ignored", func(u *user) { u.Name, u.Prefs.Theme = "x", "x" }, []monotabletest.CompareOption{monotabletest.Ignore("name", "prefs.*")}, nil},
		{"ignored with what is inside", func(u *user) { u.Prefs.Theme = "x" }, []monotabletest.CompareOption{monotabletest.Ignore("prefs")}, nil},
		{"ignored in a list", func(u *user) { u.Prefs.Tags[0], u.Prefs.Tags[1] = "x", "x" }, []monotabletest.CompareOption{monotabletest.Ignore("prefs.tags[[]*]")}, nil},
		{"zero is not any value", func(u *user) { u.Phone = "" }, zeroAbsent, []string{"phone (only in the first)"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			changed := base()
			row.change(&changed)
			got, err := monotabletest.Diff(base(), changed, row.opts...)
			require.NoError(t, err)
			require.Equal(t, row.want, got)
		})
	}

	t.Run("an item beside a struct", func(t *testing.T) {
		item := map[string]types.AttributeValue{"name": avS("Ann"), "count": avN("1.50")}
		beside := struct {
			Name  string            `dynamodbav:"name"`
			Count float64           `dynamodbav:"count"`
			Old   bool              `dynamodbav:"old"`
			N     int               `dynamodbav:"n"`
			List  []string          `dynamodbav:"list"`
			Map   map[string]string `dynamodbav:"map"`
			At    time.Time         `dynamodbav:"at"`
			In    struct{ A int }   `dynamodbav:"in"`
		}{Name: "Ann", Count: 1.5, Map: map[string]string{}}
		got, err := monotabletest.Diff(item, beside)
		require.NoError(t, err)
		require.Len(t, got, 6)
		got, err = monotabletest.Diff(item, beside, monotabletest.ZeroIsAbsent())
		require.NoError(t, err)
		require.Empty(t, got)
		got, err = monotabletest.Diff(beside, item, monotabletest.ZeroIsAbsent())
		require.NoError(t, err)
		require.Empty(t, got)
	})
	t.Run("nil and empty", func(t *testing.T) {
		got, err := monotabletest.Diff([]string(nil), []string{})
		require.NoError(t, err)
		require.Empty(t, got)
		got, err = monotabletest.Diff(map[string]int{}, map[string]int(nil))
		require.NoError(t, err)
		require.Empty(t, got)
		got, err = monotabletest.Diff("", []string(nil))
		require.NoError(t, err)
		require.Equal(t, []string{"(value)"}, got)
	})
	t.Run("whole values", func(t *testing.T) {
		got, err := monotabletest.Diff(1, "1")
		require.NoError(t, err)
		require.Equal(t, []string{"(value)"}, got)
		_, err = monotabletest.Diff(1, 1, monotabletest.Ignore("["))
		require.ErrorContains(t, err, "Ignore")
		_, err = monotabletest.Diff(map[struct{}]int{{}: 1}, 1)
		require.Error(t, err)
		_, err = monotabletest.Diff(1, map[struct{}]int{{}: 1})
		require.Error(t, err)
	})
}

// reader is a reader of a map.
func reader(of map[string]string) func(context.Context, string) (string, error) {
	return func(_ context.Context, key string) (string, error) {
		value, ok := of[key]
		switch {
		case !ok:
			return "", fmt.Errorf("get: %w", monotable.ErrNotFound)
		case value == "fails":
			return "", errBroken
		}
		return value, nil
	}
}

var errBroken = errors.New("broken")

func TestCompare(t *testing.T) {
	t.Parallel()
	readOld := reader(map[string]string{"same": "1", "differs": "secret", "old": "1", "old fails": "fails", "both fail": "fails"})
	readNew := reader(map[string]string{"same": "1", "differs": "other", "new": "1", "old fails": "1", "both fail": "fails"})
	keys := []string{"same", "differs", "neither", "old", "new", "old fails", "both fail"}
	got, err := monotabletest.Compare(t.Context(), monotabletest.Keys(keys...), readOld, readNew)
	require.NoError(t, err)
	require.Equal(t, &monotabletest.Comparison[string]{
		Keys: 7, Same: 1, BothMissing: 1, Failed: 2,
		Differences: []monotabletest.Difference[string]{{Key: "differs", Paths: []string{"(value)"}}, {Key: "old", OnlyOld: true}, {Key: "new", OnlyNew: true}},
		Failures:    []monotabletest.ReadFailure[string]{{Key: "old fails", Old: errBroken}, {Key: "both fail", Old: errBroken, New: errBroken}},
	}, got)
	require.EqualError(t, got.Err(), "monotabletest: 7 keys: 1 the same, 1 missing in both, 3 differ, 2 failed; (value) × 1, only new × 1, only old × 1")
	text := failures(t, func(t testing.TB) { got.Check(t) })
	require.Contains(t, text, "differs: (value)\nold: only old\nnew: only new\nold fails: old: broken; new: <nil>")
	require.NotContains(t, text, "secret")

	good, err := monotabletest.Compare(t.Context(), monotabletest.Keys("same", "neither"), readOld, readNew)
	require.NoError(t, err)
	require.NoError(t, good.Err())
	require.Empty(t, failures(t, func(t testing.TB) { good.Check(t) }))
	none, err := monotabletest.Compare(t.Context(), monotabletest.Keys[string](), readOld, readNew)
	require.NoError(t, err)
	require.Error(t, none.Err(), "a comparison of nothing shows nothing")
	require.NotEmpty(t, failures(t, func(t testing.TB) { none.Check(t) }))
}

func TestCompare_Missing(t *testing.T) {
	t.Parallel()
	absent := func(context.Context, string) (map[string]types.AttributeValue, error) { return nil, nil }
	nobody := func(context.Context, string) (*player, error) { return nil, nil }
	broken := func(context.Context, string) (player, error) { return player{}, errBroken }
	got, err := monotabletest.Compare(t.Context(), monotabletest.Keys("a"), absent, nobody)
	require.NoError(t, err)
	require.Equal(t, 1, got.BothMissing)
	list := func(context.Context, string) ([]int, error) { return nil, nil }
	empty := func(context.Context, string) ([]int, error) { return []int{}, nil }
	got, err = monotabletest.Compare(t.Context(), monotabletest.Keys("a"), list, empty)
	require.NoError(t, err)
	require.Equal(t, 1, got.Same, "no list is an empty one")
	one, err := monotabletest.Compare(t.Context(), monotabletest.Keys("a"), absent, broken)
	require.NoError(t, err)
	require.Equal(t, 1, one.Failed)
	one, err = monotabletest.Compare(t.Context(), monotabletest.Keys("a"), absent, broken, monotabletest.MissingIf(func(err error) bool { return errors.Is(err, errBroken) }))
	require.NoError(t, err)
	require.Equal(t, 1, one.BothMissing)
}

// A writer between the two reads is no difference: the key is read again.
func TestCompare_LiveWriters(t *testing.T) {
	t.Parallel()
	var reads, now atomic.Int64
	readOld := func(context.Context, string) (int64, error) { return now.Load(), nil }
	readNew := func(context.Context, string) (int64, error) {
		if reads.Add(1) <= 2 {
			now.Add(1)
		}
		return now.Load(), nil
	}
	got, err := monotabletest.Compare(t.Context(), monotabletest.Keys("a"), readOld, readNew)
	require.NoError(t, err)
	require.NoError(t, got.Err())
	require.EqualValues(t, 3, reads.Load())
	reads.Store(0)
	got, err = monotabletest.Compare(t.Context(), monotabletest.Keys("a"), readOld, readNew, monotabletest.CompareAttempts(2))
	require.NoError(t, err)
	require.Len(t, got.Differences, 1)
}

func TestCompare_Concurrency(t *testing.T) {
	for n, want := range map[int]int64{0: 8, 3: 3} {
		synctest.Test(t, func(t *testing.T) {
			var running, most atomic.Int64
			slow := func(context.Context, int) (int, error) {
				most.Store(max(most.Load(), running.Add(1)))
				time.Sleep(time.Second)
				running.Add(-1)
				return 1, nil
			}
			keys := make([]int, 24)
			_, err := monotabletest.Compare(t.Context(), monotabletest.Keys(keys...), slow, slow, monotabletest.CompareConcurrency(n))
			require.NoError(t, err)
			require.Equal(t, want, most.Load())
		})
	}
}

func TestCompare_Ends(t *testing.T) {
	t.Parallel()
	read := reader(map[string]string{"a": "1"})
	t.Run("with an error of the keys", func(t *testing.T) {
		keys := func(yield func(string, error) bool) { _ = yield("a", nil) && yield("", errBroken) && yield("a", nil) }
		_, err := monotabletest.Compare(t.Context(), iter.Seq2[string, error](keys), read, read)
		require.ErrorIs(t, err, errBroken)
	})
	t.Run("with the context", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		n := 0
		keys := func(yield func(string, error) bool) {
			for yield("a", nil) {
				if n++; n == 3 {
					cancel()
				}
			}
		}
		got, err := monotabletest.Compare(ctx, iter.Seq2[string, error](keys), read, read)
		require.ErrorIs(t, err, context.Canceled)
		require.LessOrEqual(t, got.Keys, 5)
	})
	t.Run("with what cannot be compared", func(t *testing.T) {
		odd := func(context.Context, string) (map[struct{}]int, error) { return map[struct{}]int{{}: 1}, nil }
		_, err := monotabletest.Compare(t.Context(), monotabletest.Keys("a"), odd, read)
		require.Error(t, err)
	})
}

func TestSample(t *testing.T) {
	t.Parallel()
	l, ctx := newLeague(t), t.Context()
	for i := range 60 {
		monotabletest.Seed(t, l.players, player{Team: fmt.Sprint(i % 20), ID: fmt.Sprint(i)})
	}
	_, err := l.plain.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String("league"), Item: map[string]types.AttributeValue{"PK": avS("foreign"), "SK": avS("x")}})
	require.NoError(t, err)
	parse := func(item map[string]types.AttributeValue) (player, bool) {
		p, err := l.players.ParseKey(map[string]types.AttributeValue{"PK": item["PK"], "SK": item["SK"]})
		return p, err == nil
	}
	draw := func(n, segments int) map[player]bool {
		drawn, given := map[player]bool{}, 0
		for p, err := range monotabletest.Sample(ctx, l.table.Client(), "league", n, segments, parse) {
			require.NoError(t, err)
			drawn[p] = true
			given++
		}
		require.Len(t, drawn, given, "no key twice")
		return drawn
	}
	require.Len(t, draw(0, 4), 60, "all, but for the foreign one")
	require.Len(t, draw(100, 4), 60)
	l.rec.Reset()
	require.Len(t, draw(8, 4), 8)
	require.GreaterOrEqual(t, l.rec.Count("Scan"), 4, "each segment has its part")
	require.LessOrEqual(t, l.rec.Count("Scan"), 9)

	for range monotabletest.Sample(ctx, l.plain, "league", 0, 4, parse) {
		break // ends it
	}
	for _, err := range monotabletest.Sample(ctx, l.plain, "none", 5, 2, parse) {
		require.Error(t, err)
	}
	for _, err := range monotabletest.Sample(ctx, l.plain, "league", 5, 0, parse) {
		require.ErrorIs(t, err, monotable.ErrInvalid)
	}
}
