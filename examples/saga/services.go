package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/monotable/monotable"
)

// Product is what can be bought, and how much of it is there.
type Product struct {
	SKU   string `dynamodbav:"sku"`
	Stock int    `dynamodbav:"stock"`
}

// Wallet is what a customer can pay with.
type Wallet struct {
	Customer string `dynamodbav:"customer"`
	Cents    int    `dynamodbav:"cents"`
}

// Shipment is a parcel for the carrier.
type Shipment struct {
	Saga  string `dynamodbav:"sagaId"`
	Order Order  `dynamodbav:"order"`
}

// Effect is what a service remembers of a step: that it was done, or that it was taken back and is not to be done any more.
type Effect struct {
	Saga   string `dynamodbav:"sagaId"`
	Step   string `dynamodbav:"step"`
	Undone bool   `dynamodbav:"undone"`
	Result string `dynamodbav:"result"`
}

var (
	productStock = monotable.Field(func(p *Product) *int { return &p.Stock })
	walletCents  = monotable.Field(func(w *Wallet) *int { return &w.Cents })
	effectUndone = monotable.Field(func(e *Effect) *bool { return &e.Undone })
)

var productSchema = monotable.Schema[Product]{
	Name:  "Product",
	Key:   monotable.Key{Partition: "PRODUCT#{sku}", Sort: "PRODUCT"},
	Rules: []monotable.Rule[Product]{monotable.Min(productStock, 0)}, // Add keeps to it
}

var walletSchema = monotable.Schema[Wallet]{
	Name:  "Wallet",
	Key:   monotable.Key{Partition: "CUSTOMER#{customer}", Sort: "WALLET"},
	Rules: []monotable.Rule[Wallet]{monotable.Min(walletCents, 0)},
}

var shipmentSchema = monotable.Schema[Shipment]{
	Name: "Shipment",
	Key:  monotable.Key{Partition: "SAGA#{sagaId}", Sort: "SHIPMENT"},
}

var effectSchema = monotable.Schema[Effect]{
	Name: "Effect",
	Key:  monotable.Key{Partition: "SAGA#{sagaId}", Sort: "EFFECT#{step}"},
}

// Services are what the steps call: here three in one table, in life each with a table of its own, and its effects in it.
type Services struct {
	table     *monotable.Table
	products  *monotable.Entity[Product]
	wallets   *monotable.Entity[Wallet]
	shipments *monotable.Entity[Shipment]
	effects   *monotable.Entity[Effect]
}

// Steps are those of an order.
func (s *Services) Steps() []Step {
	return []Step{
		{Name: "reserve", Do: s.reserve, Undo: s.release},
		{Name: "pay", Do: s.charge, Undo: s.refund},
		{Name: "ship", Do: s.ship, Undo: s.recall},
	}
}

func (s *Services) reserve(ctx context.Context, c Call, o Order) (string, error) {
	return s.do(ctx, c, "reserved "+o.SKU, s.products.UpdateOp(Product{SKU: o.SKU}, monotable.Add(productStock, -o.Count)))
}

func (s *Services) release(ctx context.Context, c Call, o Order) error {
	return s.undo(ctx, c, s.products.UpdateOp(Product{SKU: o.SKU}, monotable.Add(productStock, o.Count)))
}

func (s *Services) charge(ctx context.Context, c Call, o Order) (string, error) {
	return s.do(ctx, c, "paid by "+o.Customer, s.wallets.UpdateOp(Wallet{Customer: o.Customer}, monotable.Add(walletCents, -o.Cents)))
}

func (s *Services) refund(ctx context.Context, c Call, o Order) error {
	return s.undo(ctx, c, s.wallets.UpdateOp(Wallet{Customer: o.Customer}, monotable.Add(walletCents, o.Cents)))
}

func (s *Services) ship(ctx context.Context, c Call, o Order) (string, error) {
	if o.Count > 5 {
		return "", fmt.Errorf("%w: too heavy a parcel", ErrRefused)
	}
	return s.do(ctx, c, "parcel "+c.Saga, s.shipments.CreateOp(Shipment{Saga: c.Saga, Order: o}))
}

func (s *Services) recall(ctx context.Context, c Call, _ Order) error {
	return s.undo(ctx, c, s.shipments.DeleteOp(Shipment{Saga: c.Saga}))
}

// do carries out an operation once for a call: in one transaction with an item that says so. If that is there, the call came before, and its result is given again; or it
// was taken back, and is refused. An operation whose own condition is not met is refused, too.
func (s *Services) do(ctx context.Context, c Call, result string, op monotable.WriteOp) (string, error) {
	effect := Effect{Saga: c.Saga, Step: c.Step, Result: result}
	err := s.table.TransactWrite(ctx, s.effects.CreateOp(effect), op)
	if err == nil {
		return result, nil
	}
	switch before, ok := s.effects.Old(err); {
	case ok && before.Undone:
		return "", fmt.Errorf("%w: it was taken back", ErrRefused)
	case ok:
		return before.Result, nil
	case errors.Is(err, monotable.ErrConditionFailed), errors.Is(err, monotable.ErrInvalid):
		return "", fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return "", err
}

// undo carries out an operation once for a call that was done. One that was not done is noted as taken back, so that it has no effect if it comes late.
func (s *Services) undo(ctx context.Context, c Call, op monotable.WriteOp) error {
	key := Effect{Saga: c.Saga, Step: c.Step}
	tombstone := key
	tombstone.Undone = true
	_, err := s.effects.Create(ctx, tombstone)
	before, done := s.effects.Old(err)
	if !done || before.Undone {
		return s.known(err)
	}
	err = s.table.TransactWrite(ctx, s.effects.UpdateOp(key, effectUndone.Set(true), effectUndone.Eq(false)), op)
	return s.known(err)
}

// known is nil for an error that says that the step has been taken back already.
func (s *Services) known(err error) error {
	if before, ok := s.effects.Old(err); ok && before.Undone {
		return nil
	}
	return err
}
