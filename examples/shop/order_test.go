package main

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

func TestCheckout(t *testing.T) { both(t, testCheckout) }

func testCheckout(t *testing.T, s *world) {
	ctx := t.Context()
	var order Order
	var err error
	sent := s.sent.During(func() { order, err = s.Checkout(ctx, cart("o1", "ann", Item{"tea", 2}, Item{"cup", 3})) })
	require.NoError(t, err)
	require.Equal(t, 3600, order.Total)
	require.Equal(t, Placed, order.Status)
	var operations []string
	for _, request := range sent {
		operations = append(operations, request.Operation)
	}
	want := []string{"TransactGetItems", "GetItem", "TransactWriteItems"} // prices, whether there is such a month, all the rest
	if _, ok := s.shop.(*raw); ok {
		want = []string{"TransactGetItems", "TransactWriteItems"}
	}
	require.Equal(t, want, operations)
	sold(t, s.store)

	for _, row := range []struct {
		why  string
		cart Cart
		want error
	}{
		{"sent twice", cart("o1", "ann", Item{"tea", 2}), monotable.ErrAlreadyExists},
		{"no cups are left", cart("o2", "ann", Item{"tea", 1}, Item{"cup", 1}), ErrSoldOut},
		{"more than there is", cart("o2", "bob", Item{"tea", 9}), ErrSoldOut},
		{"nothing in it", cart("o2", "ann"), ErrEmpty},
		{"no such product", cart("o2", "ann", Item{"tea", 1}, Item{"hat", 1}), monotable.ErrNotFound},
		{"no such customer", cart("o2", "eve", Item{"tea", 1}), monotable.ErrNotFound},
		{"none of it", cart("o2", "ann", Item{"tea", 0}), monotable.ErrInvalid},
		{"less than none of it", cart("o2", "ann", Item{"tea", -5}), monotable.ErrInvalid},
		{"twice in the cart", cart("o2", "ann", Item{"tea", 1}, Item{"tea", 1}), monotable.ErrInvalid},
	} {
		_, err := s.Checkout(ctx, row.cart)
		require.ErrorIs(t, err, row.want, row.why)
		require.Equal(t, 1, sold(t, s.store), "nothing is written: %s", row.why)
	}
	tea, err := s.Product(ctx, "tea")
	require.NoError(t, err)
	require.Equal(t, 8, tea.Stock)
}

// A price that changes between reading it and placing the order is noticed.
func TestCheckoutNoticesAnotherPrice(t *testing.T) { both(t, testCheckoutNoticesAnotherPrice) }

func testCheckoutNoticesAnotherPrice(t *testing.T, s *world) {
	ctx := t.Context()
	s.faults.Between(func(r monotabletest.Request) {
		if r.Operation == "TransactGetItems" {
			s.faults.Between(nil)
			_, err := s.store.Products.Update(ctx, Product{SKU: "tea"}, productPrice.Set(500))
			require.NoError(t, err)
		}
	})
	_, err := s.Checkout(ctx, cart("o1", "ann", Item{"tea", 1}))
	require.ErrorIs(t, err, ErrPriceChanged)
	require.Zero(t, sold(t, s.store))
	order, err := s.Checkout(ctx, cart("o1", "ann", Item{"tea", 1}))
	require.NoError(t, err)
	require.Equal(t, 500, order.Total)
}

func TestCancel(t *testing.T) { both(t, testCancel) }

func testCancel(t *testing.T, s *world) {
	ctx := t.Context()
	for _, id := range []string{"o1", "o2", "o3"} {
		_, err := s.Checkout(ctx, cart(id, "ann", Item{"tea", 2}, Item{"cup", 1}))
		require.NoError(t, err)
	}
	var err error
	_, err = s.Pay(ctx, "o2")
	require.NoError(t, err)
	_, err = s.Pay(ctx, "o3")
	require.NoError(t, err)
	_, err = s.Ship(ctx, "o3")
	require.NoError(t, err)

	s.sent.Expect(t, 2, func() { require.NoError(t, s.Cancel(ctx, "o1"), "placed") })
	require.NoError(t, s.Cancel(ctx, "o2"), "paid")
	require.ErrorIs(t, s.Cancel(ctx, "o3"), ErrTooLate, "shipped")
	require.ErrorIs(t, s.Cancel(ctx, "o1"), ErrTooLate, "cancelled")
	require.ErrorIs(t, s.Cancel(ctx, "o9"), monotable.ErrNotFound)
	_, err = s.Pay(ctx, "o1")
	require.ErrorIs(t, err, ErrTooLate)
	_, err = s.Ship(ctx, "o1")
	require.ErrorIs(t, err, ErrTooLate)
	require.Equal(t, 3, sold(t, s.store))

	page, err := s.WithStatus(ctx, Cancelled, "")
	require.NoError(t, err)
	require.Equal(t, []string{"o1", "o2"}, orderIDs(page.Items), "the index follows")
	months, err := s.MonthsOf(ctx, "ann", "2026")
	require.NoError(t, err)
	require.Equal(t, []Month{{"ann", "2026-11", 1, 1800}}, months)
}

// Stock is put back by all lines of an order or not at all: a read that lacks one takes nothing back.
func TestCancelReadsAllLines(t *testing.T) { both(t, testCancelReadsAllLines) }

func testCancelReadsAllLines(t *testing.T, s *world) {
	ctx := t.Context()
	for _, id := range []string{"o1", "o2"} {
		_, err := s.Checkout(ctx, cart(id, "ann", Item{"tea", 2}, Item{"cup", 1}))
		require.NoError(t, err)
	}
	sent := s.sent.During(func() { require.NoError(t, s.Cancel(ctx, "o1")) })
	require.Equal(t, "Query", sent[0].Operation)
	require.Contains(t, string(sent[0].Body), `"ConsistentRead":true`)

	line := OrderLine{OrderID: "o2", N: 2, SKU: "cup", Count: 1, Price: 900}
	_, err := s.store.Lines.Delete(ctx, line) // as a Query sees it that meets the order's transaction
	require.NoError(t, err)
	require.ErrorIs(t, s.Cancel(ctx, "o2"), ErrIncomplete)
	_, err = s.store.Lines.Create(ctx, line)
	require.NoError(t, err)
	require.Equal(t, 2, sold(t, s.store))
	require.NoError(t, s.Cancel(ctx, "o2"))
	sold(t, s.store)
}

// Whoever buys and cancels at the same time, and whatever replies are lost: no more is sold than was there, and all sums are right.
func TestConcurrentCheckouts(t *testing.T) {
	for _, lost := range []float64{0, 0.1} {
		t.Run(fmt.Sprintf("%.0f%% of replies lost", lost*100), func(t *testing.T) {
			both(t, func(t *testing.T, s *world) {
				ctx := t.Context()
				s.faults.Rate("TransactWriteItems", lost, monotabletest.ReplyLost())
				var buyers sync.WaitGroup
				for w := range 6 {
					buyers.Go(func() {
						for i := range 4 {
							id, user := fmt.Sprintf("o%d-%d", w, i), []string{"ann", "bob"}[w%2]
							_, err := s.Checkout(ctx, cart(id, user, Item{"tea", 1 + i%2}, Item{"cup", 1}))
							if err == nil && i%2 == 0 {
								_ = s.Cancel(ctx, id)
							}
						}
					})
				}
				buyers.Wait()
				require.Positive(t, sold(t, s.store))
			})
		})
	}
}

// A program that stops at any of its requests leaves all of an order or nothing.
func TestCrashes(t *testing.T) {
	for _, onRaw := range []bool{false, true} {
		n := 1
		for ; ; n++ {
			ctx, s := t.Context(), newWorld(t, onRaw)
			s.faults.StopAfter(n)
			_, first := s.Checkout(ctx, cart("o1", "ann", Item{"tea", 1}))
			var second error
			if first == nil {
				second = s.Cancel(ctx, "o1")
			}
			require.LessOrEqual(t, sold(t, s.store), 1)
			if first == nil && second == nil {
				break
			}
		}
		require.Greater(t, n, 4, "each request of both was the last one")
	}
}

// sold checks what must always hold, and says how many orders there are: stock and lines that were not cancelled are what was there, and what customers
// and months count is what the orders say.
func sold(t *testing.T, s *Store) int {
	t.Helper()
	ctx := t.Context()
	products, orders, lines, months, users := all(t, s.Products), all(t, s.Orders), all(t, s.Lines), all(t, s.Months), all(t, s.Users)
	left := map[string]int{"tea": 10, "cup": 3, "pot": 1}
	placed, spent, count := map[string]int{}, map[string]int{}, map[string]int{}
	for _, o := range orders {
		placed[o.UserID]++
		var total, n int
		for _, line := range lines {
			if line.OrderID == o.ID {
				n++
				total += line.Price * line.Count
				if o.Status != Cancelled {
					left[line.SKU] -= line.Count
				}
			}
		}
		require.Positive(t, n, "an order without lines")
		require.Equal(t, o.Total, total)
		if o.Status != Cancelled {
			spent[o.UserID] += o.Total
			count[o.UserID]++
		}
	}
	for _, line := range lines {
		_, err := s.Order(ctx, line.OrderID)
		require.NoError(t, err, "a line without its order")
	}
	for _, p := range products {
		require.GreaterOrEqual(t, p.Stock, 0)
		require.Equal(t, left[p.SKU], p.Stock, p.SKU)
	}
	for _, u := range users {
		require.Equal(t, placed[u.ID], u.Orders, u.ID)
	}
	for _, m := range months {
		require.Equal(t, spent[m.UserID], m.Total, m.UserID)
		require.Equal(t, count[m.UserID], m.Orders, m.UserID)
		delete(spent, m.UserID)
	}
	require.Empty(t, spent, "there is a month for whatever was spent")
	return len(orders)
}

func all[T any](t *testing.T, entity *monotable.Entity[T]) []T {
	t.Helper()
	items, err := entity.With(monotable.Consistent()).Scan().Collect(t.Context())
	require.NoError(t, err)
	return items
}
