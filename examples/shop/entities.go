package main

import (
	"errors"
	"strings"
	"time"

	"github.com/monotable/monotable"
)

// User is a customer.
type User struct {
	ID       string    `dynamodbav:"userId"`
	Email    string    `dynamodbav:"email"`
	Name     string    `dynamodbav:"name"`
	Password string    `dynamodbav:"passwordHash,omitempty"`
	Orders   int       `dynamodbav:"orders,omitempty"` // how many they have placed; who has none has no such attribute
	Created  time.Time `dynamodbav:"createdAt"`
	Version  int64     `dynamodbav:"version"`
}

// Address is one of a customer's addresses. It stands in the customer's partition.
type Address struct {
	UserID  string `dynamodbav:"userId"`
	ID      string `dynamodbav:"addressId"`
	Street  string `dynamodbav:"street"`
	City    string `dynamodbav:"city"`
	Country string `dynamodbav:"country"`
}

// Order has a partition of its own, with its lines; GSI1 has the orders of a user by date, GSI2 those of a status.
type Order struct {
	ID      string      `dynamodbav:"orderId"`
	UserID  string      `dynamodbav:"userId"`
	Status  OrderStatus `dynamodbav:"status"`
	ShipTo  string      `dynamodbav:"shipTo"` // the address as it was then
	Lines   int         `dynamodbav:"lines"`  // how many it has: a Query that meets their transaction may see some of them
	Total   int         `dynamodbav:"totalCents"`
	Placed  time.Time   `dynamodbav:"placedAt"`
	Version int64       `dynamodbav:"version"`
}

// OrderStatus is how far an order is.
type OrderStatus string

const (
	Placed    OrderStatus = "placed"
	Paid      OrderStatus = "paid"
	Shipped   OrderStatus = "shipped"
	Cancelled OrderStatus = "cancelled"
)

// OrderLine is a product in an order, at the price it had then.
type OrderLine struct {
	OrderID string `dynamodbav:"orderId"`
	N       int    `dynamodbav:"line"`
	SKU     string `dynamodbav:"sku"`
	Count   int    `dynamodbav:"count"`
	Price   int    `dynamodbav:"priceCents"`
}

// Product is what can be bought, and how much of it is there.
type Product struct {
	SKU      string `dynamodbav:"sku"`
	Name     string `dynamodbav:"name"`
	Category string `dynamodbav:"category"`
	Price    int    `dynamodbav:"priceCents"`
	Stock    int    `dynamodbav:"stock"`
	Featured bool   `dynamodbav:"featured"`
}

// Month is what a customer has spent in a month, without what was cancelled.
type Month struct {
	UserID string `dynamodbav:"userId"`
	Month  string `dynamodbav:"month"` // as in "2026-11"
	Orders int    `dynamodbav:"orders"`
	Total  int    `dynamodbav:"totalCents"`
}

var (
	userEmail    = monotable.Field(func(u *User) *string { return &u.Email })
	userName     = monotable.Field(func(u *User) *string { return &u.Name })
	userPassword = monotable.Field(func(u *User) *string { return &u.Password })
	userOrders   = monotable.Field(func(u *User) *int { return &u.Orders })
	userCreated  = monotable.Field(func(u *User) *time.Time { return &u.Created })
	userVersion  = monotable.Field(func(u *User) *int64 { return &u.Version })

	addressCity    = monotable.Field(func(a *Address) *string { return &a.City })
	addressCountry = monotable.Field(func(a *Address) *string { return &a.Country })

	orderUser    = monotable.Field(func(o *Order) *string { return &o.UserID })
	orderStatus  = monotable.Field(func(o *Order) *OrderStatus { return &o.Status })
	orderTotal   = monotable.Field(func(o *Order) *int { return &o.Total })
	orderPlaced  = monotable.Field(func(o *Order) *time.Time { return &o.Placed })
	orderVersion = monotable.Field(func(o *Order) *int64 { return &o.Version })

	lineCount = monotable.Field(func(l *OrderLine) *int { return &l.Count })
	linePrice = monotable.Field(func(l *OrderLine) *int { return &l.Price })

	productName     = monotable.Field(func(p *Product) *string { return &p.Name })
	productPrice    = monotable.Field(func(p *Product) *int { return &p.Price })
	productStock    = monotable.Field(func(p *Product) *int { return &p.Stock })
	productFeatured = monotable.Field(func(p *Product) *bool { return &p.Featured })

	monthMonth  = monotable.Field(func(m *Month) *string { return &m.Month })
	monthOrders = monotable.Field(func(m *Month) *int { return &m.Orders })
	monthTotal  = monotable.Field(func(m *Month) *int { return &m.Total })
)

var userSchema = monotable.Schema[User]{
	Name: "User",
	Key:  monotable.Key{Partition: "USER#{userId}", Sort: "PROFILE"},
	Rules: []monotable.Rule[User]{
		userEmail.Required().Transform(strings.ToLower).Validate(validEmail).Unique(),
		monotable.Length(userName, 1, 80),
		userPassword.Hidden(),
		monotable.Min(userOrders, 0),
		monotable.CreatedAt(userCreated),
		monotable.Version(userVersion),
	},
}

var addressSchema = monotable.Schema[Address]{
	Name: "Address",
	Key:  monotable.Key{Partition: "USER#{userId}", Sort: "ADDRESS#{addressId}"},
	Rules: []monotable.Rule[Address]{
		addressCity.Required(),
		monotable.Length(addressCountry, 2, 2).Transform(strings.ToUpper),
	},
}

var orderSchema = monotable.Schema[Order]{
	Name: "Order",
	Key:  monotable.Key{Partition: "ORDER#{orderId}", Sort: "ORDER"},
	Indexes: map[string]monotable.Key{
		"GSI1": {Partition: "USER#{userId}", Sort: "ORDER#{placedAt}#{orderId}"},
		"GSI2": {Partition: "STATUS#{status}", Sort: "{placedAt}#{orderId}"}, // the other way round: not what an order's status is, but which orders have it
	},
	Rules: []monotable.Rule[Order]{
		orderUser.Required(),
		orderStatus.Default(Placed).OneOf(Placed, Paid, Shipped, Cancelled),
		monotable.Min(orderTotal, 0),
		monotable.CreatedAt(orderPlaced),
		monotable.Version(orderVersion),
	},
}

var orderLineSchema = monotable.Schema[OrderLine]{
	Name:    "OrderLine",
	Key:     monotable.Key{Partition: "ORDER#{orderId}", Sort: "LINE#{line:03}"},
	Indexes: map[string]monotable.Key{"GSI1": {Partition: "PRODUCT#{sku}", Sort: "ORDER#{orderId}"}}, // the other way round: who bought it
	Rules:   []monotable.Rule[OrderLine]{monotable.Min(lineCount, 1), monotable.Min(linePrice, 0)},
}

var productSchema = monotable.Schema[Product]{
	Name: "Product",
	Key:  monotable.Key{Partition: "PRODUCT#{sku}", Sort: "PRODUCT"},
	Indexes: map[string]monotable.Key{
		"GSI1": {Partition: "CATEGORY#{category}", Sort: "PRODUCT#{sku}"},
		"GSI2": {Partition: "FEATURED", Sort: "PRODUCT#{sku}"}, // sparse: only products that are featured
	},
	Rules: []monotable.Rule[Product]{
		productName.Required(),
		monotable.Min(productPrice, 0),
		monotable.Min(productStock, 0), // Add keeps to it: what is not there cannot be sold
		monotable.IndexWhen("GSI2", func(p *Product) bool { return p.Featured }, productFeatured),
	},
}

var monthSchema = monotable.Schema[Month]{
	Name: "Month",
	Key:  monotable.Key{Partition: "SPENT#{userId}", Sort: "{month}"},
	Rules: []monotable.Rule[Month]{
		monotable.Pattern(monthMonth, `^\d{4}-\d{2}$`),
		monotable.Min(monthOrders, 0),
		monotable.Min(monthTotal, 0),
	},
}

func validEmail(email string) error {
	if name, host, ok := strings.Cut(email, "@"); !ok || name == "" || host == "" {
		return errors.New("is not an email address")
	}
	return nil
}
