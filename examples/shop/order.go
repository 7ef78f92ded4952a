package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/monotable/monotable"
)

// What the shop refuses. Whatever else goes wrong is an error of monotable.
var (
	ErrEmpty        = errors.New("shop: there is nothing in the cart")
	ErrSoldOut      = errors.New("shop: there is not enough of a product")
	ErrPriceChanged = errors.New("shop: a price has changed")
	ErrTooLate      = errors.New("shop: the order is too far for this")
	ErrIncomplete   = errors.New("shop: the order was read without some of its lines")
)

// Cart is what a customer wants to have. The order's id is made with the cart, so that an order that is sent twice is placed once.
type Cart struct {
	OrderID   string
	UserID    string
	AddressID string
	Items     []Item
}

// Item is a product in a cart. No product stands in it twice.
type Item struct {
	SKU   string
	Count int
}

// Checkout places an order. The order, its lines, the customer's number of orders, what they have spent this month, and the stock of each product are
// written in one transaction: all of it or nothing, whoever else buys at the same time. So a cart can have 48 products.
//
// ErrSoldOut or ErrPriceChanged tell what refused it, monotable.ErrNotFound that customer, address or a product does not exist, and
// monotable.ErrAlreadyExists that the order is there already.
func (s *Store) Checkout(ctx context.Context, cart Cart) (Order, error) {
	if len(cart.Items) == 0 {
		return Order{}, ErrEmpty
	}
	products := make([]Product, len(cart.Items))
	var address Address
	reads := []monotable.ReadOp{s.Address.GetOp(Address{UserID: cart.UserID, ID: cart.AddressID}, &address)}
	for i, item := range cart.Items {
		reads = append(reads, s.Products.GetOp(s.product(item.SKU), &products[i]))
	}
	if err := s.table.TransactGet(ctx, reads...); err != nil {
		return Order{}, err
	}

	order := Order{ID: cart.OrderID, UserID: cart.UserID, Placed: s.now(), Lines: len(cart.Items), ShipTo: fmt.Sprintf("%s, %s, %s", address.Street, address.City, address.Country)}
	var ops []monotable.WriteOp
	for i, item := range cart.Items {
		price := products[i].Price
		order.Total += price * item.Count
		ops = append(ops,
			s.Lines.CreateOp(OrderLine{OrderID: order.ID, N: i + 1, SKU: item.SKU, Count: item.Count, Price: price}),
			s.Products.UpdateOp(s.product(item.SKU), monotable.Add(productStock, -item.Count), productPrice.Eq(price)))
	}
	ops = append(ops,
		s.Orders.CreateOp(order).Into(&order),
		s.Users.UpdateOp(s.profile(order.UserID), monotable.Add(userOrders, 1)),
		s.Months.UpsertOp(month(order), monotable.Add(monthOrders, 1), monotable.Add(monthTotal, order.Total)))
	err := s.table.TransactWrite(ctx, ops...)
	if err == nil {
		return order, nil
	}
	return Order{}, s.why(err)
}

// why says what it means that a product refused an order: not enough is there, or it has another price than was read.
func (s *Store) why(err error) error {
	refused, ok := errors.AsType[*monotable.ConditionError](err)
	switch {
	case !ok || refused.Entity != s.Products.Name() || errors.Is(refused, monotable.ErrNotFound):
		return err
	case refused.Attribute == productStock.String(): // what Add would have left below its Min
		return fmt.Errorf("%w: %w", ErrSoldOut, err)
	default:
		return fmt.Errorf("%w: %w", ErrPriceChanged, err)
	}
}

// Cancel takes an order back that has not been shipped: in one transaction its status, the stock, and what the customer has spent. ErrTooLate if it has
// been shipped, or cancelled before; ErrIncomplete if not all lines were read, say because it is just being placed: then nothing is put back, and Cancel is to be called again.
func (s *Store) Cancel(ctx context.Context, orderID string) error {
	var order Order
	var lines []OrderLine
	err := s.table.Collect(ctx, s.invoice(orderID).With(monotable.Consistent()), monotable.One(s.Orders, &order), monotable.Into(s.Lines, &lines))
	if err != nil {
		return err
	}
	if len(lines) != order.Lines {
		return fmt.Errorf("%w: %d of %d", ErrIncomplete, len(lines), order.Lines)
	}
	ops := []monotable.WriteOp{
		s.Orders.UpdateOp(s.order(orderID), orderStatus.Set(Cancelled), orderStatus.In(Placed, Paid), orderPlaced.Given(order.Placed)),
		s.Months.UpdateOp(month(order), monotable.Add(monthOrders, -1), monotable.Add(monthTotal, -order.Total)),
	}
	for _, line := range lines {
		ops = append(ops, s.Products.UpdateOp(s.product(line.SKU), monotable.Add(productStock, line.Count)))
	}
	err = s.table.TransactWrite(ctx, ops...)
	if _, refused := s.Orders.Old(err); refused {
		return fmt.Errorf("%w: %w", ErrTooLate, err)
	}
	return err
}

// Pay says that an order is paid. ErrTooLate if it is paid already, or cancelled.
func (s *Store) Pay(ctx context.Context, orderID string) (Order, error) {
	return s.advance(ctx, orderID, Placed, Paid)
}

// Ship says that a paid order is on its way. ErrTooLate if it is not one.
func (s *Store) Ship(ctx context.Context, orderID string) (Order, error) {
	return s.advance(ctx, orderID, Paid, Shipped)
}

func (s *Store) advance(ctx context.Context, orderID string, from, to OrderStatus) (Order, error) {
	return s.Orders.Modify(ctx, s.order(orderID), func(o *Order) error {
		if o.Status != from {
			return ErrTooLate
		}
		o.Status = to
		return nil
	})
}

// Feature puts a product into the window, or takes it out.
func (s *Store) Feature(ctx context.Context, sku string, featured bool) (Product, error) {
	return s.Products.Update(ctx, s.product(sku), productFeatured.Set(featured))
}

// month is the key of the sum that an order counts in.
func month(o Order) Month {
	return Month{UserID: o.UserID, Month: o.Placed.UTC().Format("2006-01")}
}
