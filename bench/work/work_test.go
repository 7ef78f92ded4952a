package work_test

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/bench/pair"
	"github.com/monotable/monotable/bench/work"
)

// All libraries read the same; otherwise their times say nothing.
func TestSameResults(t *testing.T) {
	groups, err := work.Groups()
	require.NoError(t, err)
	require.Len(t, groups, 9)
	for _, g := range groups {
		t.Run(g.Name, func(t *testing.T) {
			require.Len(t, g.Ways, 3)
			require.Equal(t, work.SDK, g.Ways[0].Name)
			want, err := g.Ways[0].Run()
			require.NoError(t, err)
			for _, w := range g.Ways[1:] {
				got, err := w.Run()
				require.NoError(t, err, w.Name)
				if people, ok := work.PeopleOf(got); ok {
					wanted, _ := work.PeopleOf(want)
					require.Equal(t, sorted(wanted), sorted(people), w.Name)
					continue
				}
				switch got := got.(type) {
				case map[string]types.AttributeValue:
					requireSameItem(t, want.(map[string]types.AttributeValue), got)
				case *work.User:
					u := want.(*work.User)
					u.UpdatedAt, got.UpdatedAt = u.UpdatedAt.UTC(), got.UpdatedAt.UTC()
					require.Equal(t, u, got, w.Name)
				default:
					require.Equal(t, want, got, w.Name)
				}
			}
		})
	}
}

func sorted(people []work.Person) []work.Person {
	slices.SortFunc(people, func(a, b work.Person) int { return cmp.Compare(a.ID, b.ID) })
	for i := range people {
		people[i].CreatedAt, people[i].UpdatedAt = people[i].CreatedAt.UTC(), people[i].UpdatedAt.UTC()
	}
	return people
}

// requireSameItem compares all but the text of times, whose zeros some cut off.
func requireSameItem(t *testing.T, want, got map[string]types.AttributeValue) {
	t.Helper()
	require.Len(t, got, len(want))
	for name, av := range want {
		if s, ok := av.(*types.AttributeValueMemberS); ok && name == "createdAt" {
			a, err := time.Parse(time.RFC3339Nano, s.Value)
			require.NoError(t, err)
			b, err := time.Parse(time.RFC3339Nano, got[name].(*types.AttributeValueMemberS).Value)
			require.NoError(t, err)
			require.True(t, a.Equal(b))
			continue
		}
		require.Equal(t, av, got[name], name)
	}
}

func TestPairsHaveTheOrderAskedFor(t *testing.T) {
	g := work.Group{Ways: []work.Way{{Name: work.SDK, Run: nothing}, {Name: work.Monotable, Run: nothing}, {Name: work.Guregu, Run: nothing}}}
	var names []string
	for _, w := range g.Pairs(work.Guregu, work.SDK) {
		require.NoError(t, w.F())
		names = append(names, w.Name)
	}
	require.Equal(t, []string{work.Guregu, work.SDK}, names)
	_, err := pair.Measure(1, time.Microsecond, g.Pairs(work.SDK, work.Monotable)...)
	require.NoError(t, err)
}

func nothing() (any, error) { return nil, nil }
