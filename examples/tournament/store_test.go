package main

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

// newStore is an empty table in a database of the test's own, whose requests go through the recorder.
func newStore(t *testing.T) (*Store, *monotabletest.Recorder) {
	t.Helper()
	rec := new(monotabletest.Recorder)
	client := monotabletest.Client(t)
	return storeOn(t, client, rec.Client(client)), rec
}

func storeOn(t *testing.T, admin *dynamodb.Client, client monotable.Client) *Store {
	t.Helper()
	s, err := openStore(client, Options{Table: monotabletest.Name(t), Clock: today})
	require.NoError(t, err)
	require.NoError(t, s.table.Ensure(t.Context(), admin))
	drop(t, admin, s.table.Name())
	return s
}

func drop(t *testing.T, admin *dynamodb.Client, name string) {
	t.Helper()
	t.Cleanup(func() { _, _ = admin.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: &name}) })
}

// played are seven matches. Ann and dan have the same score in eu; cem plays in two regions.
func played() []Match {
	var all []Match
	for i, m := range []Match{
		{Region: "eu", Player: "ann", Score: 9},
		{Region: "eu", Player: "ann", Score: 21},
		{Region: "eu", Player: "ben", Score: 100},
		{Region: "eu", Player: "cem", Score: -5},
		{Region: "eu", Player: "dan", Score: 30},
		{Region: "us", Player: "cem", Score: 50},
	} {
		m.ID, m.Tournament = fmt.Sprint("m", i), "winter"
		all = append(all, m)
	}
	return append(all, Match{ID: "s0", Tournament: "summer", Region: "eu", Player: "ben", Score: 1})
}

func report(t *testing.T, s *Store) {
	t.Helper()
	for _, m := range played() {
		require.NoError(t, s.Report(t.Context(), m))
	}
}

// Every access pattern finds what it is for, and nothing else, by the requests that the README says.
func TestAccessPatterns(t *testing.T) {
	ctx := t.Context()
	s, rec := newStore(t)
	report(t, s)
	for _, row := range []struct {
		name     string
		requests int
		pattern  func(t *testing.T)
	}{
		{"match", 1, func(t *testing.T) {
			m, err := s.Match(ctx, "m2")
			require.NoError(t, err)
			require.Equal(t, Match{"m2", "winter", "eu", "ben", 100, today()}, m)
		}},
		{"board of a region", 1, func(t *testing.T) {
			board, err := s.Board(ctx, "winter", "eu", 10)
			require.NoError(t, err)
			require.Equal(t, []string{"ben 100", "dan 30", "ann 30", "cem -5"}, places(board), "by number, not as text")
		}},
		{"the best two", 1, func(t *testing.T) {
			board, err := s.Board(ctx, "winter", "eu", 2)
			require.NoError(t, err)
			require.Equal(t, []string{"ben 100", "dan 30"}, places(board))
		}},
		{"board of all regions", 1, func(t *testing.T) {
			board, err := s.WorldBoard(ctx, "winter", 10)
			require.NoError(t, err)
			require.Equal(t, []string{"ben 100", "cem 50", "dan 30", "ann 30", "cem -5"}, places(board))
		}},
		{"best matches", 1, func(t *testing.T) {
			matches, err := s.BestMatches(ctx, "winter", "eu", 21)
			require.NoError(t, err)
			require.Len(t, matches, 3)
			require.Equal(t, []int{100, 30, 21}, []int{matches[0].Score, matches[1].Score, matches[2].Score})
		}},
		{"rank", 2, func(t *testing.T) {
			rank, err := s.Rank(ctx, "winter", "eu", "ann")
			require.NoError(t, err)
			require.Equal(t, 2, rank)
		}},
		{"the same rank", 2, func(t *testing.T) {
			rank, err := s.Rank(ctx, "winter", "eu", "dan")
			require.NoError(t, err)
			require.Equal(t, 2, rank)
		}},
		{"career", 1, func(t *testing.T) {
			career, err := s.Career(ctx, "cem")
			require.NoError(t, err)
			require.Equal(t, []string{"cem -5", "cem 50"}, places(career))
		}},
		{"report", 2, func(t *testing.T) {
			require.NoError(t, s.Report(ctx, Match{ID: "new", Tournament: "winter", Region: "us", Player: "eli", Score: 1}))
		}},
		{"annul", 2, func(t *testing.T) { require.NoError(t, s.Annul(ctx, "new")) }},
	} {
		t.Run(row.name, func(t *testing.T) { rec.Expect(t, row.requests, func() { row.pattern(t) }) })
	}
	for _, query := range []monotable.Query[Standing]{s.board("any", "any"), s.board("any", "any").SortKey(standingScore.Gt(1))} {
		plan, err := query.Explain()
		require.NoError(t, err)
		require.Empty(t, plan.Filter, "nothing is read and dropped")
		require.Empty(t, plan.Warnings)
	}
	_, err := s.Rank(ctx, "winter", "eu", "eve")
	require.ErrorIs(t, err, monotable.ErrNotFound)
}

func TestReportAndAnnul(t *testing.T) {
	ctx := t.Context()
	s, _ := newStore(t)
	report(t, s)
	for _, row := range []struct {
		why  string
		err  error
		want error
	}{
		{"reported twice", s.Report(ctx, played()[0]), monotable.ErrAlreadyExists},
		{"no region", s.Report(ctx, Match{ID: "x", Tournament: "winter", Player: "ann", Score: 1}), monotable.ErrInvalid},
		{"no such match", s.Annul(ctx, "x"), monotable.ErrNotFound},
	} {
		require.ErrorIs(t, row.err, row.want, row.why)
		require.Equal(t, 7, summed(t, s), row.why)
	}
	require.NoError(t, s.Annul(ctx, "m1"))
	require.ErrorIs(t, s.Annul(ctx, "m1"), monotable.ErrNotFound)
	require.Equal(t, 6, summed(t, s))
	board, err := s.Board(ctx, "winter", "eu", 10)
	require.NoError(t, err)
	require.Equal(t, []string{"ben 100", "dan 30", "ann 9", "cem -5"}, places(board), "the board follows")
}

// A match that two annul, one of them after the other has read it, is taken off once.
func TestAnnulledByTwo(t *testing.T) {
	ctx, client := t.Context(), monotabletest.Client(t)
	var faults monotabletest.Faults
	s := storeOn(t, client, faults.Client(client))
	report(t, s)
	faults.Between(func(monotabletest.Request) {
		faults.Between(nil)
		require.NoError(t, s.Annul(ctx, "m1"))
	})
	require.ErrorIs(t, s.Annul(ctx, "m1"), monotable.ErrNotFound)
	require.Equal(t, 6, summed(t, s))
}

// A match that is corrected after it was read is not annulled with what it counted before.
func TestCorrectedWhileAnnulled(t *testing.T) {
	for name, corrected := range map[string]Match{
		"score":      {ID: "m1", Tournament: "winter", Region: "eu", Player: "ann", Score: 25},
		"player":     {ID: "m1", Tournament: "winter", Region: "eu", Player: "dan", Score: 21},
		"region":     {ID: "m1", Tournament: "winter", Region: "us", Player: "ann", Score: 21},
		"tournament": {ID: "m1", Tournament: "summer", Region: "eu", Player: "ann", Score: 21},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, client := t.Context(), monotabletest.Client(t)
			var faults monotabletest.Faults
			s := storeOn(t, client, faults.Client(client))
			report(t, s)
			faults.Between(func(monotabletest.Request) {
				faults.Between(nil)
				require.NoError(t, s.Annul(ctx, "m1"))
				require.NoError(t, s.Report(ctx, corrected))
			})
			err := s.Annul(ctx, "m1")
			require.ErrorIs(t, err, monotable.ErrConditionFailed)
			require.NotErrorIs(t, err, monotable.ErrNotFound)
			require.Equal(t, 7, summed(t, s))
			require.NoError(t, s.Annul(ctx, "m1"))
			require.Equal(t, 6, summed(t, s))
		})
	}
}

// Whoever reports and annuls at the same time, and whatever replies are lost: standings are what the matches come to.
func TestConcurrentReports(t *testing.T) {
	for _, lost := range []float64{0, 0.1} {
		t.Run(fmt.Sprintf("%.0f%% of replies lost", lost*100), func(t *testing.T) {
			ctx, client := t.Context(), monotabletest.Client(t)
			var faults monotabletest.Faults
			s := storeOn(t, client, faults.Client(client, func(o *dynamodb.Options) { o.RetryMaxAttempts = 10 }))
			faults.Rate("TransactWriteItems", lost, monotabletest.ReplyLost())
			var tables sync.WaitGroup
			for w := range 6 {
				tables.Go(func() {
					for i := range 4 {
						id := fmt.Sprintf("m%d-%d", w, i)
						err := s.Report(ctx, Match{ID: id, Tournament: "winter", Region: "eu", Player: []string{"ann", "ben"}[w%2], Score: 1 + i})
						if err == nil && i == 3 {
							_ = s.Annul(ctx, id)
						}
					}
				})
			}
			tables.Wait()
			require.Positive(t, summed(t, s))
		})
	}
}

// A program that stops at any of its requests leaves a match with what it comes to, or neither.
func TestCrashes(t *testing.T) {
	ctx := t.Context()
	for n := 1; ; n++ {
		client := monotabletest.Client(t)
		var faults monotabletest.Faults
		s := storeOn(t, client, faults.Client(client))
		faults.Reset()
		faults.StopAfter(n)
		err := s.Report(ctx, played()[0])
		if err == nil {
			err = s.Annul(ctx, played()[0].ID)
		}
		faults.Reset()
		summed(t, s)
		if err == nil {
			require.Equal(t, 5, n, "four requests")
			return
		}
		require.ErrorIs(t, err, monotabletest.ErrStopped)
	}
}

// summed checks that standings are the sums of matches, and that boards have them all, and says how many matches there are.
func summed(t *testing.T, s *Store) int {
	t.Helper()
	matches, standings := all(t, s.matches), all(t, s.standings)
	for i := range standings {
		standings[i].Version = 0
	}
	sums := map[Standing]*Standing{}
	for _, m := range matches {
		sum := sums[standingOf(m)]
		if sum == nil {
			sum = new(standingOf(m))
			sums[standingOf(m)] = sum
		}
		sum.Score += m.Score
		sum.Matches++
	}
	for _, standing := range standings {
		key := Standing{Tournament: standing.Tournament, Region: standing.Region, Player: standing.Player}
		if standing.Matches == 0 {
			require.Zero(t, standing.Score)
			continue
		}
		require.Equal(t, sums[key], &standing)
		delete(sums, key)
	}
	require.Empty(t, sums, "whoever has played has a standing")
	return len(matches)
}

func places(board []Standing) []string {
	var all []string
	for _, s := range board {
		all = append(all, fmt.Sprint(s.Player, " ", s.Score))
	}
	return all
}

func all[T any](t *testing.T, entity *monotable.Entity[T]) []T {
	t.Helper()
	items, err := entity.With(monotable.Consistent()).Scan().Collect(t.Context())
	require.NoError(t, err)
	return items
}
