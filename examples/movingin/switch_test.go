package main

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
)

// world is what must be in the table.
type world struct {
	customers map[string]Customer
	orders    map[string][]Order // by customer
}

// work is a day's work at a step; everything that was ever written must still be there, and as it was.
func (w *world) work(t *testing.T, s Store, dice *rand.Rand) {
	t.Helper()
	ctx := t.Context()
	id := fmt.Sprintf("c%02d", dice.IntN(6))
	c, known := w.customers[id]
	if !known {
		c = Customer{ID: id, Since: noon}
	}
	c.Email, c.Name = fmt.Sprintf("%s-%d@example.com", id, dice.IntN(3)), fmt.Sprint(dice.IntN(100))
	saved, err := s.SaveCustomer(ctx, c)
	require.NoError(t, err)
	require.NoError(t, s.AddPoints(ctx, id, 3))
	saved.Points, saved.Version = saved.Points+3, saved.Version+1
	w.customers[id] = saved.utc()
	order := Order{Customer: id, ID: fmt.Sprintf("%03d", len(w.orders[id])), Status: "open", Total: dice.IntN(1000), Placed: noon}
	require.NoError(t, s.PlaceOrder(ctx, order))
	w.orders[id] = append(w.orders[id], order)
	for i := range w.orders[id] {
		o := &w.orders[id][i]
		if dice.IntN(3) == 0 {
			next := map[string]string{"open": "paid", "paid": "sent", "sent": "open"}[o.Status]
			require.NoError(t, s.SetStatus(ctx, id, o.ID, o.Status, next))
			o.Status = next
		}
	}
}

// raised knows that a backfill is a write: versions are one higher, of the items that it has rewritten.
func (w *world) raised(t *testing.T, s Store) {
	t.Helper()
	for id, c := range w.customers {
		got, err := s.Customer(t.Context(), id)
		require.NoError(t, err)
		require.Contains(t, []int64{c.Version, c.Version + 1}, got.Version)
		c.Version = got.Version
		w.customers[id] = c
	}
}

// check reads everything.
func (w *world) check(t *testing.T, s Store) {
	t.Helper()
	ctx := t.Context()
	byStatus := map[string][]Order{}
	for id, want := range w.customers {
		got, err := s.Customer(ctx, id)
		require.NoError(t, err)
		require.Equal(t, want, got.utc())
		got, err = s.CustomerByEmail(ctx, want.Email)
		require.NoError(t, err)
		require.Equal(t, want, got.utc())
		orders, err := s.Orders(ctx, id)
		require.NoError(t, err)
		require.Equal(t, w.orders[id], utc(orders))
		for _, o := range orders {
			byStatus[o.Status] = append(byStatus[o.Status], o)
		}
	}
	for _, status := range []string{"open", "paid", "sent"} {
		orders, err := s.OrdersByStatus(ctx, status)
		require.NoError(t, err)
		require.Equal(t, byID(byStatus[status]), utc(byID(orders)), status)
	}
}

// TestSwitch_EveryStepAndBack goes from every step to every other one and back, on one table, at each with a day's work. Before the steps that need it there is a
// round of the backfill.
func TestSwitch_EveryStepAndBack(t *testing.T) {
	t.Parallel()
	ctx, client := t.Context(), newTable(t)
	dice := rand.New(rand.NewPCG(1, 2))
	var flag atomic.Int64
	s, err := newSwitch(client, tableName, func() Step { return Step(flag.Load()) }, func(call string, paths []string) { t.Errorf("%s: %v", call, paths) })
	require.NoError(t, err)
	w := &world{customers: map[string]Customer{}, orders: map[string][]Order{}}
	round := 0
	enter := func(step Step) {
		if step >= NewIndex {
			round++
			_, err := backfill(ctx, s.new.table, fmt.Sprint(round))
			require.NoError(t, err)
			left, err := pending(ctx, s.new.table)
			require.NoError(t, err)
			require.Zero(t, left)
			w.raised(t, s)
		}
		flag.Store(int64(step))
		w.check(t, s)
		w.work(t, s, dice)
		w.check(t, s)
	}
	for from := OldOnly; from <= TagsRequired; from++ {
		for to := from + 1; to <= TagsRequired; to++ {
			enter(from)
			enter(to)
			enter(from)
		}
	}
}

// A flag reaches processes one after the other: those of two neighbouring steps see what the other writes.
func TestSwitch_Neighbours(t *testing.T) {
	t.Parallel()
	dice := rand.New(rand.NewPCG(3, 4))
	for step := OldOnly; step < TagsRequired; step++ {
		t.Run(fmt.Sprintf("%s, %s", step, step+1), func(t *testing.T) {
			ctx, client := t.Context(), newTable(t)
			one, other := at(t, client, step), at(t, client, step+1)
			w := &world{customers: map[string]Customer{}, orders: map[string][]Order{}}
			if step+1 >= NewIndex {
				w.work(t, one.old, dice)
				_, err := backfill(ctx, one.new.table, "1")
				require.NoError(t, err)
				w.raised(t, one)
			}
			for range 4 {
				w.work(t, one, dice)
				w.check(t, other)
				w.work(t, other, dice)
				w.check(t, one)
			}
		})
	}
}

// Without the backfill the last steps do not see everything, and pending says so before.
func TestSwitch_BackfillIsNeeded(t *testing.T) {
	t.Parallel()
	ctx, client := t.Context(), newTable(t)
	s := at(t, client, OldOnly)
	require.NoError(t, s.PlaceOrder(ctx, Order{Customer: "ann", ID: "1", Status: "open", Placed: noon}))
	left, err := pending(ctx, s.new.table)
	require.NoError(t, err)
	require.Equal(t, 1, left)
	orders, err := at(t, client, NewIndex).OrdersByStatus(ctx, "open")
	require.NoError(t, err)
	require.Empty(t, orders)
	_, err = at(t, client, TagsRequired).Orders(ctx, "ann")
	require.ErrorIs(t, err, monotable.ErrWrongEntity, "never left out in silence")
	report, err := compareStatus(ctx, s, "open")
	require.NoError(t, err)
	require.Len(t, report.Differences, 1)
}
