package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

// newStore is an empty store in a database of the test's own, whose requests meet the faults and then the recorder. The SDK does not retry, so a fault is what the
// store gets to see.
func newStore(t *testing.T) (*Store, *monotabletest.Faults, *monotabletest.Recorder) {
	t.Helper()
	client, faults, rec := monotabletest.Client(t), new(monotabletest.Faults), new(monotabletest.Recorder)
	s := storeOn(t, client, rec.Client(faults.Client(client, once)))
	faults.Reset()
	return s, faults, rec
}

func once(o *dynamodb.Options) { o.RetryMaxAttempts = 1 }

// storeOn makes the table with a stream. Each event comes a minute after the last.
func storeOn(t *testing.T, admin *dynamodb.Client, client monotable.Client) *Store {
	t.Helper()
	clock := monotabletest.NewClock(today())
	s, err := OpenStore(client, monotabletest.Name(t), func() time.Time { return clock.Advance(time.Minute) })
	require.NoError(t, err)
	require.NoError(t, s.table.Ensure(t.Context(), admin, monotable.Stream(types.StreamViewTypeNewAndOldImages)))
	name := s.table.Name()
	t.Cleanup(func() { _, _ = admin.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: &name}) })
	return s
}

func deposit(id string, cents int) Event { return Deposited{Meta{ID: id}, cents} }

func opened(t *testing.T, s *Store, account string) {
	t.Helper()
	require.NoError(t, s.Append(t.Context(), account, 0, Opened{Meta{ID: "open"}, "Ann"}))
}

// eventIDs are the ids of an account's events from n on, and a check that there is no gap.
func eventIDs(t *testing.T, s *Store, account string, n int) []string {
	t.Helper()
	events, err := s.Events(t.Context(), account, n)
	require.NoError(t, err)
	var ids []string
	for i, e := range events {
		require.Equal(t, n+i, e.meta().N, "a gap")
		require.Equal(t, account, e.meta().Account)
		ids = append(ids, e.meta().ID)
	}
	return ids
}

// Each access pattern finds what it is for, by as many requests as the README says.
func TestAccessPatterns(t *testing.T) {
	ctx := t.Context()
	s, _, rec := newStore(t)
	rec.Expect(t, 1, func() { opened(t, s, "ann") })
	rec.Expect(t, 1, func() {
		require.NoError(t, s.Append(ctx, "ann", 1, deposit("d1", 5), deposit("d2", 7), Withdrawn{Meta{ID: "w1"}, 2}))
	})
	for i := range 8 {
		require.NoError(t, s.Append(ctx, "ann", 4+i, deposit(fmt.Sprint("e", i), 1)))
	}
	opened(t, s, "ann2") // its key begins alike
	require.NoError(t, s.Append(ctx, "ann2", 1, deposit("x", 9)))

	rec.Expect(t, 1, func() {
		require.Equal(t, []string{"open", "d1", "d2", "w1", "e0", "e1", "e2", "e3", "e4", "e5", "e6", "e7"}, eventIDs(t, s, "ann", 1), "10 is behind 9")
	})
	rec.Expect(t, 1, func() { require.Equal(t, []string{"e5", "e6", "e7"}, eventIDs(t, s, "ann", 10)) })
	rec.Expect(t, 1, func() { require.Empty(t, eventIDs(t, s, "ann", 13)) })
	rec.Expect(t, 1, func() { require.Empty(t, eventIDs(t, s, "bob", 1)) })
	rec.Expect(t, 1, func() {
		latest, err := Latest(s.Deposited).Limit(3).Collect(ctx)
		require.NoError(t, err)
		require.Equal(t, []string{"x", "e7", "e6"}, []string{latest[0].ID, latest[1].ID, latest[2].ID})
	})
	withdrawn, err := Latest(s.Withdrawn).Collect(ctx)
	require.NoError(t, err)
	require.Equal(t, []Withdrawn{{Meta{"ann", 4, "w1", withdrawn[0].At}, 2}}, withdrawn, "no other type")
	rec.Expect(t, 2, func() {
		a, err := s.Load(ctx, "ann")
		require.NoError(t, err)
		require.Equal(t, 18, a.Balance)
		require.Equal(t, 12, a.N)
	})
	rec.Expect(t, 3, func() {
		_, err := (&Bank{Store: s}).Do(ctx, "c", "ann", Withdraw(18))
		require.NoError(t, err)
	})
}

// Several append at one version: one gets through, the others are told of a conflict, and what they would have written is not there.
func TestF137_AppendersAtOneVersion(t *testing.T) {
	s, _, _ := newStore(t)
	var won atomic.Int64
	for version := range 5 {
		won.Store(0)
		var appenders sync.WaitGroup
		for i := range 6 {
			appenders.Go(func() {
				err := s.Append(t.Context(), "ann", version*2, deposit(fmt.Sprint(i, "a"), 1), deposit(fmt.Sprint(i, "b"), 1))
				if err == nil {
					won.Add(1)
				} else if !errors.Is(err, ErrConflict) {
					t.Error(err)
				}
			})
		}
		appenders.Wait()
		require.EqualValues(t, 1, won.Load())
		ids := eventIDs(t, s, "ann", version*2+1)
		require.Len(t, ids, 2)
		require.Equal(t, ids[0][:1], ids[1][:1], "both are the winner's")
	}
	require.ErrorIs(t, s.Append(t.Context(), "ann", 11, deposit("gap", 1)), ErrConflict, "beyond the end")
	require.ErrorIs(t, s.Append(t.Context(), "eve", 1, deposit("gap", 1)), ErrConflict, "of nothing")
	require.Len(t, eventIDs(t, s, "ann", 1), 10)
	require.Empty(t, eventIDs(t, s, "eve", 1))
}

// An append whose reply is lost has succeeded, whatever others have appended since.
func TestF137_ReplyLost(t *testing.T) {
	ctx := t.Context()
	s, faults, _ := newStore(t)
	opened(t, s, "ann")

	faults.Script("TransactWriteItems", monotabletest.ReplyLost())
	require.NoError(t, s.Append(ctx, "ann", 1, deposit("a", 1), deposit("b", 2)))

	faults.Script("TransactWriteItems", monotabletest.ReplyLost())
	faults.Between(func(r monotabletest.Request) {
		if r.Operation == "TransactWriteItems" {
			faults.Between(nil)
			require.NoError(t, s.Append(ctx, "ann", 4, deposit("other", 1)))
		}
	})
	require.NoError(t, s.Append(ctx, "ann", 3, deposit("c", 3)))

	// A program that died before it had the reply begins anew with the same events.
	require.NoError(t, s.Append(ctx, "ann", 3, deposit("c", 3)))
	require.NoError(t, s.Append(ctx, "ann", 1, deposit("a", 1), deposit("b", 2)))
	require.Equal(t, []string{"open", "a", "b", "c", "other"}, eventIDs(t, s, "ann", 1))

	for _, events := range [][]Event{
		{deposit("a", 1), deposit("x", 2)},                      // not all of them
		{deposit("b", 2), deposit("a", 1)},                      // in another order
		{deposit("a", 1), deposit("b", 2), deposit("other", 1)}, // in other places
	} {
		require.ErrorIs(t, s.Append(ctx, "ann", 1, events...), ErrConflict)
	}
	require.Len(t, eventIDs(t, s, "ann", 1), 5)

	// What was not carried out is not taken for success.
	faults.Rate("TransactWriteItems", 1, monotabletest.SendingBroken())
	err := s.Append(ctx, "ann", 5, deposit("d", 4))
	require.ErrorIs(t, err, monotable.ErrOutcomeUnknown)
	faults.Reset()
	require.NoError(t, s.Append(ctx, "ann", 5, deposit("d", 4)))
	require.Len(t, eventIDs(t, s, "ann", 1), 6)
}

// What is known of an append stays known if looking who has moved the head fails.
func TestF137_CheckFails(t *testing.T) {
	ctx := t.Context()
	s, faults, _ := newStore(t)
	opened(t, s, "ann")

	faults.Rate("TransactWriteItems", 1, monotabletest.ReplyLost())
	faults.Rate("Query", 1, monotabletest.SendingBroken())
	err := s.Append(ctx, "ann", 1, deposit("a", 1))
	require.ErrorIs(t, err, monotable.ErrOutcomeUnknown)
	require.NotErrorIs(t, err, ErrConflict)
	faults.Reset()
	require.NoError(t, s.Append(ctx, "ann", 1, deposit("a", 1)))

	faults.Rate("Query", 1, monotabletest.SendingBroken())
	err = s.Append(ctx, "ann", 1, deposit("b", 1))
	faults.Reset()
	require.ErrorIs(t, err, ErrConflict)
	require.NotErrorIs(t, err, monotable.ErrOutcomeUnknown)
	require.Equal(t, []string{"open", "a"}, eventIDs(t, s, "ann", 1))
}

func TestMoreThanOneTransactionHolds(t *testing.T) {
	ctx := t.Context()
	s, _, rec := newStore(t)
	var events []Event
	for i := range MaxAppend + 1 {
		events = append(events, deposit(fmt.Sprint(i), 1))
	}
	rec.Expect(t, 0, func() {
		err := s.Append(ctx, "ann", 0, events...)
		require.ErrorIs(t, err, ErrTooMany)
		require.EqualError(t, err, "events: more events than one transaction holds: 100 of at most 99")
	})
	rec.Expect(t, 1, func() { require.NoError(t, s.Append(ctx, "ann", 0, events[:MaxAppend]...)) })
	require.Len(t, eventIDs(t, s, "ann", 1), MaxAppend)
	rec.Expect(t, 0, func() { require.NoError(t, s.Append(ctx, "ann", MaxAppend), "nothing") })
	rec.Expect(t, 0, func() {
		require.ErrorIs(t, s.Append(ctx, "ann", MaxAppend, deposit("", 1)), monotable.ErrInvalid, "without an id")
	})
	rec.Expect(t, 0, func() { require.ErrorIs(t, s.Append(ctx, "ann", MaxAppend, deposit("x", -1)), monotable.ErrInvalid) })
}

// A snapshot that is older than the last event saves reading those before it, and changes nothing else; an older one does not replace it.
func TestF137_SnapshotOlderThanTheTail(t *testing.T) {
	ctx := t.Context()
	s, _, rec := newStore(t)
	b := &Bank{Store: s, SnapshotEvery: 4}
	_, err := b.Do(ctx, "open", "ann", Open("Ann"))
	require.NoError(t, err)
	var early Account
	for i := range 9 {
		a, err := b.Do(ctx, fmt.Sprint(i), "ann", Deposit(1<<i))
		require.NoError(t, err)
		if i == 1 {
			early = a
		}
	}
	snapshot, err := s.snapshots.Get(ctx, Account{ID: "ann"})
	require.NoError(t, err)
	require.Equal(t, 8, snapshot.N)
	require.NoError(t, s.Snapshot(ctx, early))
	sent := rec.During(func() {
		a, err := s.Load(ctx, "ann")
		require.NoError(t, err)
		require.Equal(t, 10, a.N)
		require.Equal(t, 511, a.Balance)
		require.Equal(t, "Ann", a.Owner)
	})
	require.Contains(t, string(sent[1].Body), "EVENT#0000000009", "the events before it are not read")

	_, err = s.snapshots.Delete(ctx, Account{ID: "ann"})
	require.NoError(t, err)
	a, err := s.Load(ctx, "ann")
	require.NoError(t, err)
	require.Equal(t, 511, a.Balance, "one that is lost is made up for")

	_, err = s.Deposited.Delete(ctx, Deposited{Meta: Meta{Account: "ann", N: 5}})
	require.NoError(t, err)
	_, err = s.Load(ctx, "ann")
	require.ErrorIs(t, err, ErrGap)
}
