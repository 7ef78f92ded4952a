package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/monotable/monotable"
)

var (
	customerEmail   = monotable.Field(func(c *Customer) *string { return &c.Email })
	customerPoints  = monotable.Field(func(c *Customer) *int { return &c.Points })
	customerVersion = monotable.Field(func(c *Customer) *int64 { return &c.Version })
	orderStatus     = monotable.Field(func(o *Order) *string { return &o.Status })
)

// customerSchema has the keys that old.go makes by hand, so both find the same items.
func customerSchema(tag monotable.TagMode) monotable.Schema[Customer] {
	return monotable.Schema[Customer]{
		Name:    "Customer",
		Tag:     tag,
		Key:     monotable.Key{Partition: "CUSTOMER#{id}", Sort: "PROFILE"},
		Indexes: map[string]monotable.Key{"GSI1": {Partition: "EMAIL#{email}", Sort: "CUSTOMER#{id}"}},
		Rules:   []monotable.Rule[Customer]{customerEmail.Transform(strings.ToLower), monotable.Version(customerVersion)},
	}
}

// orderSchema has an index beside that old.go knows nothing of: orders by status.
func orderSchema(tag monotable.TagMode) monotable.Schema[Order] {
	return monotable.Schema[Order]{
		Name:    "Order",
		Tag:     tag,
		Key:     monotable.Key{Partition: "CUSTOMER#{customer}", Sort: "ORDER#{id}"},
		Indexes: map[string]monotable.Key{"GSI2": {Partition: "STATUS#{status}", Sort: "ORDER#{id}"}},
	}
}

// newStore is the code that is moving in.
type newStore struct {
	table     *monotable.Table
	customers *monotable.Entity[Customer]
	orders    *monotable.Entity[Order]
}

// openNew declares the table and its entities. Until the tags are backfilled they are optional. Nothing is sent.
func openNew(client *dynamodb.Client, name string, tag monotable.TagMode) (*newStore, error) {
	table, err := monotable.NewTable(client, monotable.TableConfig{
		Name: name, PartitionKey: "PK", SortKey: "SK",
		Indexes: []monotable.Index{
			{Name: "GSI1", PartitionKey: "GSI1PK", SortKey: "GSI1SK"},
			{Name: "GSI2", PartitionKey: "GSI2PK", SortKey: "GSI2SK"},
		},
	})
	if err != nil {
		return nil, err
	}
	s := &newStore{table: table}
	if s.customers, err = monotable.NewEntity(table, customerSchema(tag)); err != nil {
		return nil, err
	}
	if s.orders, err = monotable.NewEntity(table, orderSchema(tag)); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *newStore) Customer(ctx context.Context, id string) (Customer, error) {
	c, err := s.customers.With(monotable.Consistent()).Get(ctx, Customer{ID: id})
	return c, translated(err)
}

func (s *newStore) CustomerByEmail(ctx context.Context, email string) (Customer, error) {
	c, err := s.customers.Query(Customer{Email: email}).Index("GSI1").First(ctx)
	return c, translated(err)
}

func (s *newStore) Orders(ctx context.Context, customer string) ([]Order, error) {
	return s.orders.With(monotable.Consistent()).Query(Order{Customer: customer}).Collect(ctx)
}

func (s *newStore) OrdersByStatus(ctx context.Context, status string) ([]Order, error) {
	return s.orders.Query(Order{Status: status}).Index("GSI2").Collect(ctx)
}

func (s *newStore) SaveCustomer(ctx context.Context, c Customer) (Customer, error) {
	stored, err := s.customers.Put(ctx, c)
	return stored, conflicting(err)
}

func (s *newStore) AddPoints(ctx context.Context, id string, points int) error {
	_, err := s.customers.Update(ctx, Customer{ID: id}, monotable.Add(customerPoints, points))
	return translated(err)
}

func (s *newStore) PlaceOrder(ctx context.Context, o Order) error {
	_, err := s.orders.Create(ctx, o)
	return conflicting(err)
}

func (s *newStore) SetStatus(ctx context.Context, customer, id, from, to string) error {
	_, err := s.orders.Update(ctx, Order{Customer: customer, ID: id}, orderStatus.Set(to), orderStatus.Eq(from))
	return conflicting(err)
}

// translated gives a missing item the program's own error.
func translated(err error) error {
	if errors.Is(err, monotable.ErrNotFound) {
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	return err
}

// conflicting does so with a write that a condition refused, as the old code has it: for whatever reason.
func conflicting(err error) error {
	if errors.Is(err, monotable.ErrConditionFailed) || errors.Is(err, monotable.ErrNotFound) {
		return fmt.Errorf("%w: %w", ErrConflict, err)
	}
	return err
}
