package main

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

// shop is what is done with a shop: [Store], and the same on the SDK alone (raw_test.go), pass the same tests.
type shop interface {
	Profile(ctx context.Context, userID string) (User, error)
	Account(ctx context.Context, userID string) (User, []Address, error)
	History(ctx context.Context, userID string, from monotable.Cursor) (monotable.Page[Order], error)
	Order(ctx context.Context, orderID string) (Order, error)
	Invoice(ctx context.Context, orderID string) (Order, []OrderLine, error)
	Product(ctx context.Context, sku string) (Product, error)
	WithStatus(ctx context.Context, status OrderStatus, from monotable.Cursor) (monotable.Page[Order], error)
	Featured(ctx context.Context) ([]Product, error)
	MonthsOf(ctx context.Context, userID, year string) ([]Month, error)
	Checkout(ctx context.Context, cart Cart) (Order, error)
	Cancel(ctx context.Context, orderID string) error
	Pay(ctx context.Context, orderID string) (Order, error)
	Ship(ctx context.Context, orderID string) (Order, error)
	Feature(ctx context.Context, sku string, featured bool) (Product, error)
}

// world is a shop, what it sends, what goes wrong on the way, and a store beside it that sees what is there.
type world struct {
	shop
	store  *Store
	sent   monotabletest.Recorder
	faults monotabletest.Faults // below the recorder
}

// both runs a test with each of the two shops. There are two customers and three products: 10 of tea, 3 of cups, one pot. Each order comes a minute after the last.
func both(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	t.Run("monotable", func(t *testing.T) { test(t, newWorld(t, false)) })
	t.Run("raw", func(t *testing.T) { test(t, newWorld(t, true)) })
}

func newWorld(t *testing.T, onRaw bool) *world {
	t.Helper()
	w, admin, clock := new(world), monotabletest.Client(t), monotabletest.NewClock(today())
	o := Options{Table: monotabletest.Name(t), CursorSecret: bytes.Repeat([]byte("s"), 32), Clock: func() time.Time { return clock.Advance(time.Minute) }}
	client := w.sent.Client(w.faults.Client(admin, func(o *dynamodb.Options) { o.RetryMaxAttempts = 10 }))
	var err error
	w.store, err = openStore(admin, o)
	require.NoError(t, err)
	require.NoError(t, w.store.table.Ensure(t.Context(), admin))
	t.Cleanup(func() {
		_, _ = admin.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: &o.Table})
	})
	w.shop, err = openStore(client, o)
	require.NoError(t, err)
	if onRaw {
		w.shop = &raw{client: client, table: o.Table, secret: o.CursorSecret, now: o.Clock}
	}
	monotabletest.Seed(t, w.store.Users, User{ID: "ann", Email: "Ann@Example.com", Name: "Ann", Password: "hash"}, User{ID: "bob", Email: "bob@example.com", Name: "Bob"})
	monotabletest.Seed(
		t, w.store.Address,
		Address{UserID: "ann", ID: "home", Street: "Hauptplatz 1", City: "Graz", Country: "at"},
		Address{UserID: "ann", ID: "work", City: "Wien", Country: "at"},
		Address{UserID: "bob", ID: "home", City: "Linz", Country: "at"},
	)
	monotabletest.Seed(
		t, w.store.Products,
		Product{SKU: "tea", Name: "Tea", Category: "drinks", Price: 450, Stock: 10},
		Product{SKU: "cup", Name: "Cup", Category: "ware", Price: 900, Stock: 3},
		Product{SKU: "pot", Name: "Pot", Category: "ware", Price: 2500, Stock: 1},
	)
	return w
}

func cart(order, user string, items ...Item) Cart {
	return Cart{OrderID: order, UserID: user, AddressID: "home", Items: items}
}

// Every access pattern finds what it is for, and nothing else, by one request.
func TestAccessPatterns(t *testing.T) { both(t, testAccessPatterns) }

func testAccessPatterns(t *testing.T, s *world) {
	ctx := t.Context()
	_, err := s.Checkout(ctx, cart("o1", "ann", Item{"tea", 2}, Item{"cup", 1}))
	require.NoError(t, err)
	_, err = s.Checkout(ctx, cart("o2", "ann", Item{"tea", 1}))
	require.NoError(t, err)
	_, err = s.Checkout(ctx, cart("b1", "bob", Item{"tea", 1}))
	require.NoError(t, err)
	_, err = s.Pay(ctx, "o1")
	require.NoError(t, err)
	_, err = s.Feature(ctx, "pot", true)
	require.NoError(t, err)

	for name, pattern := range map[string]func(){
		"profile": func() {
			ann, err := s.Profile(ctx, "ann")
			require.NoError(t, err)
			require.Equal(t, "ann@example.com", ann.Email)
			require.Equal(t, 2, ann.Orders)
			require.Empty(t, ann.Password)
		},
		"user with addresses": func() {
			ann, addresses, err := s.Account(ctx, "ann")
			require.NoError(t, err)
			require.Equal(t, "Ann", ann.Name)
			require.Equal(t, []string{"home", "work"}, []string{addresses[0].ID, addresses[1].ID})
			require.Equal(t, "AT", addresses[0].Country)
		},
		"orders, newest first": func() {
			page, err := s.History(ctx, "ann", "")
			require.NoError(t, err)
			require.Equal(t, []string{"o2", "o1"}, orderIDs(page.Items))
		},
		"order by id": func() {
			order, err := s.Order(ctx, "o1")
			require.NoError(t, err)
			require.Equal(t, 1800, order.Total)
			require.Equal(t, "Hauptplatz 1, Graz, AT", order.ShipTo)
		},
		"order with its lines": func() {
			order, lines, err := s.Invoice(ctx, "o1")
			require.NoError(t, err)
			require.Equal(t, Paid, order.Status)
			require.Equal(t, []OrderLine{{"o1", 1, "tea", 2, 450}, {"o1", 2, "cup", 1, 900}}, lines)
		},
		"product": func() {
			tea, err := s.Product(ctx, "tea")
			require.NoError(t, err)
			require.Equal(t, 6, tea.Stock)
		},
		"orders by status": func() {
			page, err := s.WithStatus(ctx, Placed, "")
			require.NoError(t, err)
			require.Equal(t, []string{"o2", "b1"}, orderIDs(page.Items), "oldest first, of all customers")
		},
		"featured": func() {
			featured, err := s.Featured(ctx)
			require.NoError(t, err)
			require.Len(t, featured, 1)
			require.Equal(t, "pot", featured[0].SKU)
		},
		"months": func() {
			months, err := s.MonthsOf(ctx, "ann", "2026")
			require.NoError(t, err)
			require.Equal(t, []Month{{"ann", "2026-11", 2, 2250}}, months)
		},
	} {
		t.Run(name, func(t *testing.T) { s.sent.Expect(t, 1, pattern) })
	}

	_, err = s.Feature(ctx, "pot", false)
	require.NoError(t, err)
	featured, err := s.Featured(ctx)
	require.NoError(t, err)
	require.Empty(t, featured, "it has left the index")
}

func TestHistoryPageByPage(t *testing.T) { both(t, testHistoryPageByPage) }

func testHistoryPageByPage(t *testing.T, s *world) {
	ctx := t.Context()
	for i := range 25 {
		_, err := s.store.Orders.Create(ctx, Order{ID: string(rune('a' + i)), UserID: "ann"})
		require.NoError(t, err)
	}
	page, err := s.History(ctx, "ann", "")
	require.NoError(t, err)
	require.Len(t, page.Items, 20)
	require.Equal(t, "y", page.Items[0].ID)
	_, err = s.History(ctx, "bob", page.Next)
	require.ErrorIs(t, err, monotable.ErrBadCursor, "another customer's")
	page, err = s.History(ctx, "ann", page.Next)
	require.NoError(t, err)
	require.Equal(t, []string{"e", "d", "c", "b", "a"}, orderIDs(page.Items))
}

func TestMistakesAreRefused(t *testing.T) {
	ctx, s := t.Context(), newWorld(t, false).store
	_, err := s.Users.Create(ctx, User{ID: "eve", Email: "nowhere", Name: "Eve"})
	require.ErrorIs(t, err, monotable.ErrInvalid)
	_, err = s.Users.Create(ctx, User{ID: "eve", Email: "ann@example.com", Name: "Eve"})
	require.ErrorIs(t, err, monotable.ErrDuplicate)
	_, err = s.Address.Create(ctx, Address{UserID: "ann", ID: "hut", City: "Graz", Country: "Austria"})
	require.ErrorIs(t, err, monotable.ErrInvalid)
	_, err = s.Products.Update(ctx, Product{SKU: "tea"}, productStock.Set(-1))
	require.ErrorIs(t, err, monotable.ErrInvalid)
}

func orderIDs(orders []Order) []string {
	var ids []string
	for _, o := range orders {
		ids = append(ids, o.ID)
	}
	return ids
}
