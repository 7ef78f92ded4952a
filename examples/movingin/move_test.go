package main

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/migrate"
	"github.com/monotable/monotable/monotabletest"
)

// TestF134_LiveWriters has writers of both codes at work while the backfill runs again and again: what they were told is stored is stored, and once the old
// ones have stopped one more round leaves nothing to do.
func TestF134_LiveWriters(t *testing.T) {
	t.Parallel()
	ctx, client := t.Context(), newTable(t)
	s := at(t, client, NewReads)
	const customers, rounds = 5, 12
	for i := range customers {
		id := fmt.Sprint(i)
		_, err := s.old.SaveCustomer(ctx, Customer{ID: id, Email: id + "@example.com", Since: noon})
		require.NoError(t, err)
		require.NoError(t, s.old.PlaceOrder(ctx, Order{Customer: id, ID: "1", Status: "0", Placed: noon}))
	}
	var points [customers]atomic.Int64
	var steps [customers]atomic.Int64
	var writers sync.WaitGroup
	for w, store := range []Store{s.old, s.new, s.old, s.new} {
		writers.Go(func() {
			for range rounds {
				for i := range customers {
					id := fmt.Sprint(i)
					if store.AddPoints(ctx, id, 1) == nil {
						points[i].Add(1)
					} else {
						t.Errorf("writer %d: points were not added", w)
					}
					// Read, change, write: a conflict is told, and nothing else is lost.
					c, err := store.Customer(ctx, id)
					if err == nil {
						c.Points += 10
						if _, err = store.SaveCustomer(ctx, c); err == nil {
							points[i].Add(10)
						}
					}
					if err != nil && !errors.Is(err, ErrConflict) {
						t.Errorf("writer %d: %v", w, err)
					}
					now := steps[i].Load()
					err = store.SetStatus(ctx, id, "1", fmt.Sprint(now), fmt.Sprint(now+1))
					if err == nil {
						steps[i].Add(1)
					} else if !errors.Is(err, ErrConflict) {
						t.Errorf("writer %d: %v", w, err)
					}
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { writers.Wait(); close(done) }()
	for round := 0; ; round++ {
		report, err := backfill(ctx, s.new.table, fmt.Sprint(round))
		if failed := new(migrate.FailedError); err != nil && !errors.As(err, &failed) {
			require.NoError(t, err)
		}
		require.NotZero(t, report.Scanned)
		select {
		case <-done:
		default:
			continue
		}
		break
	}
	report, err := backfill(ctx, s.new.table, "last")
	require.NoError(t, err)
	require.Zero(t, report.Failed)
	left, err := pending(ctx, s.new.table)
	require.NoError(t, err)
	require.Zero(t, left)
	required := at(t, client, TagsRequired)
	for i := range customers {
		id := fmt.Sprint(i)
		c, err := required.Customer(ctx, id)
		require.NoError(t, err)
		require.EqualValues(t, points[i].Load(), c.Points)
		status := fmt.Sprint(steps[i].Load())
		orders, err := required.OrdersByStatus(ctx, status)
		require.NoError(t, err)
		require.Contains(t, utc(orders), Order{Customer: id, ID: "1", Status: status, Placed: noon})
	}
}

// TestF134_BackfillCrashes stops the backfill at every request and runs it again. The lease of the one that crashed is waited for, in virtual time, and so in memory.
func TestF134_BackfillCrashes(t *testing.T) {
	for _, applied := range []bool{false, true} {
		for n, crashed := 1, true; crashed; n++ {
			synctest.Test(t, func(t *testing.T) { crashed = crash(t, n, applied) })
		}
	}
}

// crash stops the backfill at the n-th request, or after it; false if it needs fewer.
func crash(t *testing.T, n int, applied bool) bool {
	ctx, client := t.Context(), prepared(t, memdb.New(memdb.Options{}).Client())
	s := at(t, client, NewWrites)
	w := &world{customers: map[string]Customer{}, orders: map[string][]Order{}}
	for _, id := range []string{"ann", "bob"} {
		c, err := s.old.SaveCustomer(ctx, Customer{ID: id, Email: id + "@example.com", Since: noon})
		require.NoError(t, err)
		order := Order{Customer: id, ID: "1", Status: "open", Placed: noon}
		require.NoError(t, s.old.PlaceOrder(ctx, order))
		w.customers[id], w.orders[id] = c.utc(), []Order{order}
	}
	var faults monotabletest.Faults
	stop := faults.StopAt
	if applied {
		stop = faults.StopAfter
	}
	stop(n)
	_, err := backfill(ctx, at(t, faults.Client(client), NewWrites).new.table, "1")
	crashed := len(faults.Requests()) >= n
	if !crashed {
		require.NoError(t, err)
	}
	require.NoError(t, s.AddPoints(ctx, "ann", 1), "the program goes on")
	ann := w.customers["ann"]
	ann.Points, ann.Version = 1, ann.Version+1
	w.customers["ann"] = ann

	_, err = backfill(ctx, s.new.table, "1")
	require.NoError(t, err)
	left, err := pending(ctx, s.new.table)
	require.NoError(t, err)
	require.Zero(t, left)
	w.raised(t, s)
	w.check(t, at(t, client, TagsRequired))
	return crashed
}
