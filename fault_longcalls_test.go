package monotable_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

// Faults of calls that take many requests, or meet much data: they end in a state to go on from, stay within bounds, and all of
// their requests go to one table.

// barrel is an item with a unique label, an index and whatever else somebody has stored in it.
type barrel struct {
	Cellar  string `dynamodbav:"cellar"`
	ID      string `dynamodbav:"barrelId"`
	Label   string `dynamodbav:"label,omitempty"`
	Wine    string `dynamodbav:"wine"`
	Note    any    `dynamodbav:"note"`
	Version int    `dynamodbav:"version"`
}

var (
	barrelLabel   = monotable.Field(func(b *barrel) *string { return &b.Label })
	barrelWine    = monotable.Field(func(b *barrel) *string { return &b.Wine })
	barrelVersion = monotable.Field(func(b *barrel) *int { return &b.Version })
)

func barrelSchema() monotable.Schema[barrel] {
	return monotable.Schema[barrel]{
		Name: "Barrel", Key: monotable.Key{Partition: "CELLAR#{cellar}", Sort: "BARREL#{barrelId}"},
		Indexes: map[string]monotable.Key{"byWine": {Partition: "WINE#{wine}", Sort: "BARREL#{barrelId}"}},
		Rules:   []monotable.Rule[barrel]{barrelLabel.Unique(), monotable.Version(barrelVersion)},
	}
}

func barrelTable() monotable.TableConfig {
	return monotable.TableConfig{Indexes: []monotable.Index{{
		Name: "byWine", PartitionKey: "WPK", SortKey: "WSK", Projection: types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
	}}}
}

// openCellar is a table with n barrels, each in a cellar of its own, seen through faults.
func openCellar(t *testing.T, n int) (*store, *monotabletest.Faults, *monotable.Entity[barrel]) {
	t.Helper()
	s := openStore(t, barrelTable())
	for i := range n {
		id := fmt.Sprintf("%03d", i)
		s.write(rawBarrel(id, "1"))
	}
	faults := &monotabletest.Faults{}
	return s, faults, mustEntity(t, s.over(faults.Client(s.client)), barrelSchema())
}

func rawBarrel(cellar, id string) rawItem {
	return with(keyPS("CELLAR#"+cellar, "BARREL#"+id), rawItem{
		"_et": avS("Barrel"), "cellar": avS(cellar), "barrelId": avS(id), "wine": avS("red"), "version": avN("1"), "_w": avS("w"),
	})
}

// TestF017_ScanGoesOn: credentials that end in the middle of a scan leave a place to go on from, and nothing is read twice or left out.
func TestF017_ScanGoesOn(t *testing.T) {
	t.Parallel()
	const n = 30
	ctx := t.Context()
	seen := func(got map[string]int) {
		t.Helper()
		require.Len(t, got, n)
		for cellar, times := range got {
			require.Equal(t, 1, times, cellar)
		}
	}
	t.Run("page by page", func(t *testing.T) {
		_, faults, barrels := openCellar(t, n)
		faults.Script("Scan", nil, nil, monotabletest.ExpiredToken())
		got := map[string]int{}
		var cursor monotable.Cursor
		failures := 0
		for {
			page, err := barrels.Scan().PageSize(7).Limit(5).From(cursor).Page(ctx)
			for _, b := range page.Items {
				got[b.Cellar]++
			}
			if err != nil {
				failures++
				require.NotErrorIs(t, err, monotable.ErrThrottled)
				if page.Next == "" {
					continue // nothing was read: from the same place again
				}
			}
			if cursor = page.Next; cursor == "" {
				break
			}
		}
		require.Equal(t, 1, failures)
		seen(got)
	})
	for _, segments := range []int{1, 3} {
		t.Run(fmt.Sprintf("in %d segments", segments), func(t *testing.T) {
			_, faults, barrels := openCellar(t, n)
			faults.Script("Scan", nil, nil, nil, monotabletest.ExpiredToken())
			got := map[string]int{}
			var failed *monotable.SegmentError
			for b, err := range barrels.Scan().Parallel(segments).PageSize(4).All(ctx) {
				if err != nil {
					require.ErrorAs(t, err, &failed)
					break
				}
				got[b.Cellar]++
			}
			require.NotNil(t, failed, "the fault never came")
			require.Less(t, len(got), n)
			for i, segment := range failed.Segments {
				if segment.Done {
					continue
				}
				rest, err := barrels.Scan().Segment(i, segments).From(segment.Next).Collect(ctx)
				require.NoError(t, err)
				for _, b := range rest {
					got[b.Cellar]++
				}
			}
			seen(got)
		})
	}
	t.Run("a query of one partition", func(t *testing.T) {
		s, faults, barrels := openCellar(t, 0)
		for i := range n {
			s.write(rawBarrel("a", fmt.Sprintf("%03d", i)))
		}
		faults.Script("Query", nil, monotabletest.ExpiredToken())
		first, err := barrels.Query(barrel{Cellar: "a"}).PageSize(8).Limit(20).Page(ctx)
		require.Error(t, err)
		require.Len(t, first.Items, 8, "what was read is there")
		require.NotEmpty(t, first.Next)
		rest, err := barrels.Query(barrel{Cellar: "a"}).From(first.Next).Collect(ctx)
		require.NoError(t, err)
		require.Len(t, rest, n-8)
		require.Equal(t, "008", rest[0].ID)
	})
}

// TestF130_HostileData: neither the number of items nor what is in one of them makes a call grow without bounds.
func TestF130_HostileData(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s, faults, barrels := openCellar(t, 0)
	for i := range 60 {
		s.write(rawBarrel("a", fmt.Sprintf("%03d", i)))
	}
	all := barrels.Query(barrel{Cellar: "a"}).PageSize(2)
	t.Run("iterating reads two pages ahead at most", func(t *testing.T) {
		faults.Reset()
		n := 0
		for _, err := range all.All(ctx) {
			require.NoError(t, err)
			n++
			require.LessOrEqual(t, len(faults.Requests()), n/2+2, "after %d items", n)
		}
		require.Equal(t, 60, n)
	})
	t.Run("a call has a budget", func(t *testing.T) {
		faults.Reset()
		_, err := all.MaxPages(3).Collect(ctx)
		require.ErrorIs(t, err, monotable.ErrBudget)
		require.Len(t, faults.Requests(), 3)
	})
	t.Run("an item that is nested as deep as can be stored", func(t *testing.T) {
		deep := avS("bottom")
		for range 30 {
			deep = avL(deep)
		}
		s.write(with(rawBarrel("deep", "1"), rawItem{"note": deep}))
		got, err := barrels.Get(ctx, barrel{Cellar: "deep", ID: "1"})
		require.NoError(t, err)
		depth := 0
		for list, ok := got.Note.([]any); ok; list, ok = list[0].([]any) {
			depth++
		}
		require.Equal(t, 30, depth)
	})
	t.Run("an item that is deeper than can be stored", func(t *testing.T) {
		deep := avS("bottom")
		for range 100_000 {
			deep = avL(deep)
		}
		_, err := barrels.Decode(with(rawBarrel("deep", "1"), rawItem{"note": deep}))
		failed, ok := errors.AsType[*monotable.DecodeError](err)
		require.True(t, ok, "%T", err)
		require.ErrorContains(t, failed, "note")
	})
	t.Run("an item with very many attributes", func(t *testing.T) {
		wide := rawBarrel("wide", "1")
		for i := range 20_000 {
			wide[fmt.Sprintf("a%05d", i)] = avN("1")
		}
		s.write(wide)
		got, err := barrels.Update(ctx, barrel{Cellar: "wide", ID: "1"}, barrelWine.Set("white"))
		require.NoError(t, err)
		require.Equal(t, "white", got.Wine)
		require.Len(t, s.stored(keyPS("CELLAR#wide", "BARREL#1")), len(wide)+1, "with the two keys of its index, without the write id")
	})
	t.Run("an item that would be too large", func(t *testing.T) {
		faults.Reset()
		_, err := barrels.Create(ctx, barrel{Cellar: "b", ID: "1", Wine: strings.Repeat("x", 400<<10)})
		require.ErrorIs(t, err, monotable.ErrInvalid)
		require.Empty(t, faults.Requests())
	})
}

// TestF139_OneTableName: a call that names another table sends every one of its requests there.
func TestF139_OneTableName(t *testing.T) {
	ctx := t.Context()
	s := openStore(t, barrelTable())
	_, err := s.client.CreateTable(ctx, s.With(monotable.TableName("other")).CreateInput())
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := s.client.DeleteTable(context.WithoutCancel(ctx), &dynamodb.DeleteTableInput{TableName: new("other")})
		require.NoError(t, err)
	})
	var faults monotabletest.Faults
	var rec monotabletest.Recorder
	barrels := mustEntity(t, s.over(rec.Client(faults.Client(s.client))), barrelSchema()).With(monotable.TableName("other"))
	table := monotable.TableOf(barrels)
	key := barrel{Cellar: "a", ID: "1"}
	two := barrel{Cellar: "a", ID: "2"}
	for _, row := range []struct {
		name     string
		requests int // at least
		call     func() error
	}{
		{"Create", 1, func() error {
			return second(barrels.Create(ctx, barrel{Cellar: "a", ID: "1", Label: "l", Wine: "red"}))
		}},
		{"Put", 2, func() error {
			return second(barrels.Put(ctx, barrel{Cellar: "a", ID: "1", Label: "m", Wine: "red", Version: 1}))
		}},
		{"GetBy", 2, func() error { return second(barrels.GetBy(ctx, barrelLabel.Eq("m"))) }},
		{"Upsert of what is not there", 2, func() error { return second(barrels.Upsert(ctx, two, barrelWine.Set("red"))) }},
		{"Modify", 2, func() error {
			return second(barrels.Modify(ctx, key, func(b *barrel) error { b.Label = "n"; return nil }))
		}},
		{"exactly once", 2, func() error {
			return second(barrels.With(monotable.ExactlyOnce()).Update(ctx, two, barrelWine.Set("white")))
		}},
		{"Hydrate", 2, func() error {
			items, err := barrels.Query(barrel{Wine: "red"}).Index("byWine").Hydrate().Collect(ctx)
			require.Len(t, items, 1)
			return err
		}},
		{"BatchGet with leftovers", 2, func() error {
			faults.Script("BatchGetItem", monotabletest.Unprocessed(1))
			got, err := barrels.BatchGet(ctx, []barrel{key, two})
			require.Equal(t, []monotable.State{monotable.Found, monotable.Found}, []monotable.State{got[0].State, got[1].State})
			return err
		}},
		{"TransactWrite", 1, func() error { return table.TransactWrite(ctx, barrels.UpdateOp(two, barrelWine.Set("rose"))) }},
		{"all pages", 2, func() error {
			n, err := barrels.Query(barrel{Cellar: "a"}).PageSize(1).Count(ctx)
			require.Equal(t, 2, n)
			return err
		}},
		{"CheckUnique", 1, func() error {
			for problem, err := range barrels.CheckUnique(ctx) {
				require.NoError(t, err)
				t.Errorf("%s", problem.Fault)
			}
			return nil
		}},
		{"Delete", 2, func() error { return second(barrels.Delete(ctx, key)) }},
		{"Truncate", 1, func() error { return table.Truncate(ctx) }},
	} {
		t.Run(row.name, func(t *testing.T) {
			sent := rec.During(func() { require.NoError(t, row.call()) })
			require.GreaterOrEqual(t, len(sent), row.requests)
			for _, request := range sent {
				require.Equal(t, "other", request.Table, "%s", request)
			}
		})
	}
	require.Empty(t, s.dump(), "the table itself was never touched")
}
