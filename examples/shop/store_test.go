package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

func newStore(t *testing.T) *Store {
	t.Helper()
	cfg := config("shop")
	at := time.Date(2026, time.November, 21, 12, 0, 0, 0, time.UTC)
	cfg.Clock = func() time.Time { at = at.Add(time.Minute); return at } // each order a minute after the last
	cfg.CursorKeys = []monotable.CursorKey{{ID: "test", Secret: make([]byte, 32)}}
	s, err := openStore(monotabletest.Table(t, cfg))
	require.NoError(t, err)
	return s
}

// Every access pattern finds what it is for, and nothing else.
func TestAccessPatterns(t *testing.T) {
	ctx, s := t.Context(), newStore(t)
	ann, err := s.Users.Create(ctx, User{ID: "ann", Email: "Ann@Example.com", Name: "Ann", Password: "hash"})
	require.NoError(t, err)
	require.Equal(t, "ann@example.com", ann.Email)
	_, err = s.Users.Create(ctx, User{ID: "bob", Email: "ann@example.com", Name: "Bob"})
	require.ErrorIs(t, err, monotable.ErrDuplicate)
	for _, a := range []Address{{UserID: "ann", ID: "home", City: "Graz", Country: "at"}, {UserID: "ann", ID: "work", City: "Wien", Country: "at"}, {UserID: "bob", ID: "home", City: "Linz", Country: "at"}} {
		_, err = s.Address.Create(ctx, a)
		require.NoError(t, err)
	}
	tea, err := s.Products.Create(ctx, Product{SKU: "tea", Name: "Tea", Category: "drinks", Price: 450})
	require.NoError(t, err)
	for i := range 25 {
		id := fmt.Sprintf("o%02d", i)
		_, err = s.Orders.Create(ctx, Order{ID: id, UserID: "ann", Warehouse: "graz", Total: 900})
		require.NoError(t, err)
		for n := range 2 {
			_, err = s.Lines.Create(ctx, OrderLine{OrderID: id, N: n + 1, SKU: "tea", Count: 1, Price: 450})
			require.NoError(t, err)
		}
	}
	_, err = s.Orders.Create(ctx, Order{ID: "bobs", UserID: "bob", Warehouse: "graz"})
	require.NoError(t, err)

	got, err := s.Profile(ctx, "ann")
	require.NoError(t, err)
	require.Equal(t, ann, got)
	require.Empty(t, got.Password)

	account, addresses, err := s.Account(ctx, "ann")
	require.NoError(t, err)
	require.Equal(t, ann, account)
	require.Len(t, addresses, 2)
	require.Equal(t, "home", addresses[0].ID)

	page, err := s.History(ctx, "ann", "")
	require.NoError(t, err)
	require.Len(t, page.Items, 20)
	require.Equal(t, "o24", page.Items[0].ID)
	page, err = s.History(ctx, "ann", page.Next)
	require.NoError(t, err)
	require.Len(t, page.Items, 5)
	require.Equal(t, "o00", page.Items[4].ID)

	order, err := s.Order(ctx, "o07")
	require.NoError(t, err)
	require.Equal(t, Placed, order.Status)

	order, lines, err := s.Invoice(ctx, "o07")
	require.NoError(t, err)
	require.Equal(t, "o07", order.ID)
	require.Equal(t, []int{1, 2}, []int{lines[0].N, lines[1].N})

	product, err := s.Product(ctx, "tea")
	require.NoError(t, err)
	require.Equal(t, tea, product)

	// Orders are in the index only while there is something to ship.
	shipping, err := s.ToShip(ctx, "graz")
	require.NoError(t, err)
	require.Empty(t, shipping)
	for _, id := range []string{"o07", "o03"} {
		_, err = s.Orders.Modify(ctx, Order{ID: id}, func(o *Order) error { o.Status = Paid; return nil })
		require.NoError(t, err)
	}
	shipping, err = s.ToShip(ctx, "graz")
	require.NoError(t, err)
	require.Equal(t, []string{"o03", "o07"}, []string{shipping[0].ID, shipping[1].ID})
	_, err = s.Orders.Modify(ctx, Order{ID: "o03"}, func(o *Order) error { o.Status = Shipped; return nil })
	require.NoError(t, err)
	shipping, err = s.ToShip(ctx, "graz")
	require.NoError(t, err)
	require.Len(t, shipping, 1)
}

func TestMistakesAreRefused(t *testing.T) {
	ctx, s := t.Context(), newStore(t)
	_, err := s.Users.Create(ctx, User{ID: "ann", Email: "nowhere", Name: "Ann"})
	require.ErrorIs(t, err, monotable.ErrInvalid)
	_, err = s.Address.Create(ctx, Address{UserID: "ann", ID: "home", City: "Graz", Country: "Austria"})
	require.ErrorIs(t, err, monotable.ErrInvalid)
	_, err = s.Lines.Create(ctx, OrderLine{OrderID: "o1", N: 1, SKU: "tea"})
	require.ErrorIs(t, err, monotable.ErrInvalid)
}
