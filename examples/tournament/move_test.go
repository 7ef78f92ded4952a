package main

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/lease"
	"github.com/monotable/monotable/monotabletest"
)

var quiet = lease.Logger(slog.New(slog.DiscardHandler))

// oldTable is a table as the old program has it, with matches.
func oldTable(t *testing.T) (*Old, *Store, *dynamodb.Client) {
	t.Helper()
	client, options := monotabletest.Client(t), Options{Table: monotabletest.Name(t), Clock: today}
	old, err := openOld(client, options)
	require.NoError(t, err)
	require.NoError(t, old.table.Ensure(t.Context(), client))
	drop(t, client, options.Table)
	s, err := openStore(client, options)
	require.NoError(t, err)
	for _, m := range played() {
		require.NoError(t, old.Report(t.Context(), m))
	}
	return old, s, client
}

func TestMove(t *testing.T) {
	ctx := t.Context()
	old, s, client := oldTable(t)
	steps, err := s.Move(ctx, client, Both, quiet)
	require.NoError(t, err)
	require.Len(t, steps, 1)

	require.NoError(t, old.Report(ctx, Match{ID: "late", Tournament: "winter", Region: "eu", Player: "cem", Score: 200}))
	for _, region := range []string{"eu", "us"} {
		same, err := SameBoards(ctx, old, s, "winter", region, 100)
		require.NoError(t, err)
		require.True(t, same, region)
	}
	board, err := s.Board(ctx, "winter", "eu", 10)
	require.NoError(t, err)
	require.Equal(t, []string{"cem 195", "ben 100", "dan 30", "ann 30"}, places(board), "items that nobody has rewritten are there")
	matches, err := s.BestMatches(ctx, "winter", "eu", 100)
	require.NoError(t, err)
	require.Len(t, matches, 2, "and are found in ways that the old program did not have")

	steps, err = s.Move(ctx, client, New, quiet)
	require.NoError(t, err)
	require.Len(t, steps, 1)
	require.NoError(t, s.Report(ctx, Match{ID: "last", Tournament: "winter", Region: "eu", Player: "dan", Score: 1_000_000}))
	findings, err := s.table.Verify(ctx, client)
	require.NoError(t, err)
	require.Empty(t, findings, "the joined index is gone")
	require.Equal(t, 9, summed(t, s))
	steps, err = s.Move(ctx, client, New, quiet)
	require.NoError(t, err)
	require.Empty(t, steps, "once")
}

// A board that the old index does not agree with is told.
func TestBoardsThatDiffer(t *testing.T) {
	ctx := t.Context()
	old, s, client := oldTable(t)
	_, err := s.Move(ctx, client, Both, quiet)
	require.NoError(t, err)
	require.NoError(t, s.Report(ctx, Match{ID: "too early", Tournament: "winter", Region: "eu", Player: "ann", Score: 1}), "the new program writes before its release")
	same, err := SameBoards(ctx, old, s, "winter", "eu", 100)
	require.NoError(t, err)
	require.False(t, same)
}

// What the joined index could not do: add to a score, and hold a long one.
func TestJoinedKeys(t *testing.T) {
	ctx := t.Context()
	old, s, client := oldTable(t)
	key := Standing{Tournament: "winter", Region: "eu", Player: "ann"}
	_, err := old.standings.Update(ctx, key, monotable.Add(standingScore, 1))
	require.ErrorIs(t, err, monotable.ErrInvalid)
	require.True(t, strings.Contains(err.Error(), "score"), err)
	long := Match{ID: "long", Tournament: "winter", Region: "eu", Player: "ann", Score: 1_000_000}
	require.ErrorIs(t, old.Report(ctx, long), monotable.ErrInvalid)

	_, err = s.Move(ctx, client, New, quiet)
	require.NoError(t, err)
	standing, err := s.standings.Update(ctx, key, monotable.Add(standingScore, 1))
	require.NoError(t, err)
	require.Equal(t, 31, standing.Score)
	require.NoError(t, s.Report(ctx, long))
}

// The old program tries again where another report was faster.
func TestOldReportOvertaken(t *testing.T) {
	ctx := t.Context()
	old, s, client := oldTable(t)
	var faults monotabletest.Faults
	slow, err := openOld(faults.Client(client), Options{Table: s.table.Name(), Clock: today})
	require.NoError(t, err)
	faults.Between(func(monotabletest.Request) {
		faults.Between(nil)
		require.NoError(t, old.Report(ctx, Match{ID: "fast", Tournament: "winter", Region: "eu", Player: "ann", Score: 1}))
	})
	require.NoError(t, slow.Report(ctx, Match{ID: "slow", Tournament: "winter", Region: "eu", Player: "ann", Score: 2}))
	require.Equal(t, 9, summed(t, s))
	require.ErrorIs(t, old.Report(ctx, Match{ID: "slow", Tournament: "winter", Region: "eu", Player: "ann", Score: 2}), monotable.ErrAlreadyExists)
}

// Matches are reported while the indexes are being made: none is missing afterwards.
func TestMoveUnderWriters(t *testing.T) {
	ctx := t.Context()
	old, s, client := oldTable(t)
	errs := make([]error, 3)
	var tables sync.WaitGroup
	for w := range errs {
		tables.Go(func() {
			for i := range 6 {
				err := old.Report(ctx, Match{ID: fmt.Sprintf("w%d-%d", w, i), Tournament: "winter", Region: "us", Player: fmt.Sprint("p", i), Score: 1 + w})
				errs[w] = errors.Join(errs[w], err)
			}
		})
	}
	_, err := s.Move(ctx, client, Both, quiet)
	tables.Wait()
	require.NoError(t, errors.Join(append(errs, err)...))
	require.Equal(t, 7+18, summed(t, s))
	same, err := SameBoards(ctx, old, s, "winter", "us", 100)
	require.NoError(t, err)
	require.True(t, same)
}
