package main

import (
	"context"
	"time"

	"github.com/monotable/monotable"
)

// Options are what differs between places where the program runs.
type Options struct {
	Table        string           // its name
	CursorSecret []byte           // signs cursors; 32 bytes or more
	Clock        func() time.Time // defaults to time.Now
}

// Store is the shop's table and what is kept in it. Its methods are the access patterns. It is safe for concurrent use: one is made when the program starts.
type Store struct {
	table    *monotable.Table
	Users    *monotable.Entity[User]
	Address  *monotable.Entity[Address]
	Orders   *monotable.Entity[Order]
	Lines    *monotable.Entity[OrderLine]
	Products *monotable.Entity[Product]
	Months   *monotable.Entity[Month]
	now      func() time.Time
}

// openStore declares the table and its entities. It sends nothing; a mistake in a schema shows here, when the program starts.
func openStore(client monotable.Client, o Options) (*Store, error) {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	table, err := monotable.NewTable(client, monotable.TableConfig{
		Name: o.Table, PartitionKey: "PK", SortKey: "SK",
		Indexes: []monotable.Index{
			{Name: "GSI1", PartitionKey: "GSI1PK", SortKey: "GSI1SK"},
			{Name: "GSI2", PartitionKey: "GSI2PK", SortKey: "GSI2SK"},
		},
		CursorKeys: []monotable.CursorKey{{ID: "2026-11", Secret: o.CursorSecret}},
		Clock:      o.Clock,
	})
	if err != nil {
		return nil, err
	}
	s := &Store{table: table, now: o.Clock}
	if s.Users, err = monotable.NewEntity(table, userSchema); err != nil {
		return nil, err
	}
	if s.Address, err = monotable.NewEntity(table, addressSchema); err != nil {
		return nil, err
	}
	if s.Orders, err = monotable.NewEntity(table, orderSchema); err != nil {
		return nil, err
	}
	if s.Lines, err = monotable.NewEntity(table, orderLineSchema); err != nil {
		return nil, err
	}
	if s.Products, err = monotable.NewEntity(table, productSchema); err != nil {
		return nil, err
	}
	if s.Months, err = monotable.NewEntity(table, monthSchema); err != nil {
		return nil, err
	}
	return s, nil
}

// The requests of the access patterns. The methods below run them and model.go explains them, so what the page shows is what the program does.

func (s *Store) profile(userID string) User { return User{ID: userID} }

func (s *Store) account(userID string) monotable.Partition {
	return s.Users.Partition(User{ID: userID})
}

func (s *Store) history(userID string) monotable.Query[Order] {
	return s.Orders.Query(Order{UserID: userID}).Index("GSI1").Descending()
}

func (s *Store) order(orderID string) Order { return Order{ID: orderID} }

func (s *Store) invoice(orderID string) monotable.Partition {
	return s.Orders.Partition(Order{ID: orderID})
}

func (s *Store) product(sku string) Product { return Product{SKU: sku} }

func (s *Store) withStatus(status OrderStatus) monotable.Query[Order] {
	return s.Orders.Query(Order{Status: status}).Index("GSI2")
}

func (s *Store) featured() monotable.Query[Product] {
	return s.Products.Query(Product{}).Index("GSI2")
}

func (s *Store) months(userID, year string) monotable.Query[Month] {
	return s.Months.Query(Month{UserID: userID}).SortKey(monotable.HasPrefix(monthMonth, year))
}

// Profile is a customer.
func (s *Store) Profile(ctx context.Context, userID string) (User, error) {
	return s.Users.Get(ctx, s.profile(userID))
}

// Account is a customer with all addresses, by one request.
func (s *Store) Account(ctx context.Context, userID string) (user User, addresses []Address, err error) {
	err = s.table.Collect(ctx, s.account(userID), monotable.One(s.Users, &user), monotable.Into(s.Address, &addresses))
	return user, addresses, err
}

// History is a page of a customer's orders, newest first.
func (s *Store) History(ctx context.Context, userID string, from monotable.Cursor) (monotable.Page[Order], error) {
	return s.history(userID).Limit(20).From(from).Page(ctx)
}

// Order is an order without its lines.
func (s *Store) Order(ctx context.Context, orderID string) (Order, error) {
	return s.Orders.Get(ctx, s.order(orderID))
}

// Invoice is an order with its lines, by one request.
func (s *Store) Invoice(ctx context.Context, orderID string) (order Order, lines []OrderLine, err error) {
	err = s.table.Collect(ctx, s.invoice(orderID), monotable.One(s.Orders, &order), monotable.Into(s.Lines, &lines))
	return order, lines, err
}

// Product is what is sold under a number.
func (s *Store) Product(ctx context.Context, sku string) (Product, error) {
	return s.Products.Get(ctx, s.product(sku))
}

// WithStatus is a page of the orders of a status, oldest first: what is to be shipped, say.
func (s *Store) WithStatus(ctx context.Context, status OrderStatus, from monotable.Cursor) (monotable.Page[Order], error) {
	return s.withStatus(status).Limit(20).From(from).Page(ctx)
}

// Featured are the products that stand in the window. The index has no others.
func (s *Store) Featured(ctx context.Context) ([]Product, error) {
	return s.featured().Collect(ctx)
}

// MonthsOf is what a customer has spent in each month of a year, such as "2026"; of all years for "".
func (s *Store) MonthsOf(ctx context.Context, userID, year string) ([]Month, error) {
	return s.months(userID, year).Collect(ctx)
}
