package main

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

// Step is how far the program has moved in. It is a feature flag: all processes follow it within a moment, and meanwhile those of two
// neighbouring steps work side by side.
type Step int

const (
	OldOnly      Step = iota
	Compared          // the old code answers; the new is asked as well, and differences are reported
	NewReads          // the new code answers, but for the index that is not filled yet
	NewWrites         // the new code writes: all its items have tags and all index keys
	NewIndex          // after the backfill: orders by status come from the index
	TagsRequired      // the new code takes tagged items alone; the old one can go
)

func (s Step) String() string {
	return [...]string{"old only", "compared", "new reads", "new writes", "new index", "tags required"}[s]
}

// Switch is the Store that the program uses while it moves: step says, at each call, which code works.
type Switch struct {
	old      *oldStore
	new      *newStore
	required *newStore // as new, with tags required
	step     func() Step
	differ   func(call string, paths []string) // what Compared finds: attributes, no values
}

// newSwitch makes the store of a program that is moving.
func newSwitch(client *dynamodb.Client, table string, step func() Step, differ func(call string, paths []string)) (*Switch, error) {
	s := &Switch{old: &oldStore{client, table}, step: step, differ: differ}
	var err error
	if s.new, err = openNew(client, table, monotable.TagOptional); err != nil {
		return nil, err
	}
	s.required, err = openNew(client, table, monotable.TagRequired)
	return s, err
}

// reader is the store that answers if from has come, and writer the one that writes.
func (s *Switch) reader(from Step) Store {
	switch step := s.step(); {
	case step >= TagsRequired:
		return s.required
	case step >= from:
		return s.new
	}
	return s.old
}

func (s *Switch) writer() Store { return s.reader(NewWrites) }

func (s *Switch) Customer(ctx context.Context, id string) (Customer, error) {
	return read(ctx, s, "Customer", NewReads, func(ctx context.Context, from Store) (Customer, error) { return from.Customer(ctx, id) })
}

func (s *Switch) CustomerByEmail(ctx context.Context, email string) (Customer, error) {
	return read(ctx, s, "CustomerByEmail", NewReads, func(ctx context.Context, from Store) (Customer, error) { return from.CustomerByEmail(ctx, email) })
}

func (s *Switch) Orders(ctx context.Context, customer string) ([]Order, error) {
	return read(ctx, s, "Orders", NewReads, func(ctx context.Context, from Store) ([]Order, error) { return from.Orders(ctx, customer) })
}

// OrdersByStatus is answered by the index once that is filled.
func (s *Switch) OrdersByStatus(ctx context.Context, status string) ([]Order, error) {
	return s.reader(NewIndex).OrdersByStatus(ctx, status)
}

func (s *Switch) SaveCustomer(ctx context.Context, c Customer) (Customer, error) {
	return s.writer().SaveCustomer(ctx, c)
}

func (s *Switch) AddPoints(ctx context.Context, id string, points int) error {
	return s.writer().AddPoints(ctx, id, points)
}

func (s *Switch) PlaceOrder(ctx context.Context, o Order) error { return s.writer().PlaceOrder(ctx, o) }

func (s *Switch) SetStatus(ctx context.Context, customer, id, from, to string) error {
	return s.writer().SetStatus(ctx, customer, id, from, to)
}

// read answers with the code of the step. While both are compared nobody waits longer or fails because of the new one but for its own call.
func read[T any](ctx context.Context, s *Switch, call string, from Step, ask func(context.Context, Store) (T, error)) (T, error) {
	answer, err := ask(ctx, s.reader(from))
	if s.step() != Compared {
		return answer, err
	}
	other, otherErr := ask(ctx, s.new)
	switch {
	case (err == nil) != (otherErr == nil):
		s.differ(call, []string{"(only one found it)"})
	case err == nil:
		paths, diffErr := monotabletest.Diff(answer, other)
		if diffErr != nil {
			paths = []string{"(cannot be compared)"}
		}
		if len(paths) > 0 {
			s.differ(call, paths)
		}
	}
	return answer, err
}

// byID puts orders in the order of their keys: a scan and an index have others.
func byID(orders []Order) []Order {
	return slices.SortedFunc(slices.Values(orders), func(a, b Order) int { return strings.Compare(a.Customer+"#"+a.ID, b.Customer+"#"+b.ID) })
}
