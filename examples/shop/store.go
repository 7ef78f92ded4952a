package main

import (
	"context"

	"github.com/monotable/monotable"
)

// config is the table: one index for the other way round, one for the orders to ship.
func config(name string) monotable.TableConfig {
	return monotable.TableConfig{
		Name: name, PartitionKey: "PK", SortKey: "SK",
		Indexes: []monotable.Index{
			{Name: "GSI1", PartitionKey: "GSI1PK", SortKey: "GSI1SK"},
			{Name: "ToShip", PartitionKey: "ToShipPK", SortKey: "ToShipSK"},
		},
	}
}

// Store is the shop's table and what is kept in it. Its methods are the access patterns.
type Store struct {
	table    *monotable.Table
	Users    *monotable.Entity[User]
	Address  *monotable.Entity[Address]
	Orders   *monotable.Entity[Order]
	Lines    *monotable.Entity[OrderLine]
	Products *monotable.Entity[Product]
}

// openStore defines the entities on a table. It sends nothing; a mistake in a schema shows here, when the program starts.
func openStore(table *monotable.Table) (s *Store, err error) {
	s = &Store{table: table}
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

func (s *Store) toShip(warehouse string) monotable.Query[Order] {
	return s.Orders.Query(Order{Warehouse: warehouse}).Index("ToShip")
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

// ToShip are the paid orders of a warehouse, oldest first. The index has no other items.
func (s *Store) ToShip(ctx context.Context, warehouse string) ([]Order, error) {
	return s.toShip(warehouse).Collect(ctx)
}
