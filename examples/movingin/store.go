package main

import (
	"context"
	"errors"
	"time"
)

// Customer is what the program knows of a customer. The tags are for new.go; old.go reads and writes the attributes by hand.
type Customer struct {
	ID      string    `dynamodbav:"id"`
	Email   string    `dynamodbav:"email"`
	Name    string    `dynamodbav:"name"`
	Points  int       `dynamodbav:"points"`
	Since   time.Time `dynamodbav:"since,unixtime"`
	Version int64     `dynamodbav:"version"`
}

// Order is an order of a customer.
type Order struct {
	Customer string    `dynamodbav:"customer"`
	ID       string    `dynamodbav:"id"`
	Status   string    `dynamodbav:"status"`
	Total    int       `dynamodbav:"total"` // in cents
	Note     string    `dynamodbav:"note,omitempty"`
	Placed   time.Time `dynamodbav:"placed,unixtime"`
}

// Store is what the rest of the program uses. It has two implementations on one table, and Switch, which is both.
type Store interface {
	Customer(ctx context.Context, id string) (Customer, error) // ErrNotFound
	CustomerByEmail(ctx context.Context, email string) (Customer, error)
	Orders(ctx context.Context, customer string) ([]Order, error) // by id
	OrdersByStatus(ctx context.Context, status string) ([]Order, error)

	SaveCustomer(ctx context.Context, c Customer) (Customer, error)     // ErrConflict unless the version is the stored one; 0: none is stored
	AddPoints(ctx context.Context, id string, points int) error         // ErrNotFound
	PlaceOrder(ctx context.Context, o Order) error                      // ErrConflict if there is one
	SetStatus(ctx context.Context, customer, id, from, to string) error // ErrConflict unless it is from
}

var (
	ErrNotFound = errors.New("not found")
	ErrConflict = errors.New("conflict")
)
