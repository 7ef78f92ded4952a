package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/monotable/monotable/lease"
)

// tell opens a shop on a table of its own, tells its story, and deletes the table.
func tell(ctx context.Context, client *dynamodb.Client, out *log.Logger) error {
	s, err := OpenShop(client, "saga-"+rand.Text(), today)
	if err != nil {
		return err
	}
	if err := s.table.Ensure(ctx, client); err != nil {
		return err
	}
	defer func() {
		_, _ = client.DeleteTable(context.WithoutCancel(ctx), &dynamodb.DeleteTableInput{TableName: new(s.table.Name())})
	}()
	if err := stock(ctx, s); err != nil {
		return err
	}
	for _, chapter := range []struct {
		title string
		tell  func(context.Context, *Shop, *log.Logger) error
	}{
		{"An order in three steps", buy},
		{"What cannot be paid is taken back", refuse},
		{"What cannot be shipped is paid back, and put back", heavy},
		{"A program stops after it has taken the money; the next one carries on", crash},
		{"Ten messages for one order, at the same time", rush},
		{"The money cannot be given back: a person must look", stuck},
	} {
		out.Printf("# %s", chapter.title)
		if err := chapter.tell(ctx, s, out); err != nil {
			return fmt.Errorf("%s: %w", chapter.title, err)
		}
		out.Print()
	}
	return nil
}

func stock(ctx context.Context, s *Shop) error {
	if err := s.products.BatchPut(ctx, []Product{{SKU: "tea", Stock: 20}, {SKU: "pot", Stock: 10}}); err != nil {
		return err
	}
	return s.wallets.BatchPut(ctx, []Wallet{{Customer: "ann", Cents: 10_000}, {Customer: "bob", Cents: 1_000}})
}

func buy(ctx context.Context, s *Shop, out *log.Logger) error {
	saga, err := s.Handle(ctx, "o-1", Order{Customer: "ann", SKU: "tea", Count: 2, Cents: 900})
	for i, result := range saga.Results {
		out.Printf("%d. %s: %s", i+1, s.steps[i].Name, result)
	}
	return errors.Join(err, s.show(ctx, out, saga))
}

func refuse(ctx context.Context, s *Shop, out *log.Logger) error {
	saga, err := s.Handle(ctx, "o-2", Order{Customer: "bob", SKU: "pot", Count: 1, Cents: 2_500})
	return errors.Join(err, s.show(ctx, out, saga))
}

func heavy(ctx context.Context, s *Shop, out *log.Logger) error {
	saga, err := s.Handle(ctx, "o-3", Order{Customer: "ann", SKU: "tea", Count: 6, Cents: 2_700})
	return errors.Join(err, s.show(ctx, out, saga))
}

func crash(ctx context.Context, s *Shop, out *log.Logger) error {
	// The first program: its steps are the shop's, but after the second one it is gone.
	died := errors.New("the program is gone")
	first := *s.Orchestrator
	first.steps = s.Steps()
	first.steps[1].Do = func(ctx context.Context, c Call, o Order) (string, error) {
		_, _ = s.charge(ctx, c, o)
		return "", died
	}
	order := Order{Customer: "ann", SKU: "tea", Count: 1, Cents: 450}
	saga, err := first.Handle(ctx, "o-4", order)
	out.Printf("%s; %s, %d of %d steps are noted", err, saga.Status, saga.Step, len(s.steps))

	if err := s.Recover(ctx); err != nil {
		return err
	}
	saga, err = s.Handle(ctx, "o-4", order) // the message comes again, too
	return errors.Join(err, s.show(ctx, out, saga))
}

func rush(ctx context.Context, s *Shop, out *log.Logger) error {
	var messages sync.WaitGroup
	errs := make([]error, 10)
	for i := range errs {
		messages.Go(func() {
			_, errs[i] = s.Handle(ctx, "o-5", Order{Customer: "ann", SKU: "pot", Count: 1, Cents: 2_500})
		})
	}
	messages.Wait()
	for _, err := range errs {
		if err != nil && !errors.Is(err, lease.ErrHeld) { // who finds another one at it leaves it to that one
			return err
		}
	}
	saga, err := s.load(ctx, "o-5")
	return errors.Join(err, s.show(ctx, out, saga))
}

func stuck(ctx context.Context, s *Shop, out *log.Logger) error {
	// Somebody deletes the customer while the order is under way.
	steps := s.Steps()
	steps[2].Do = func(ctx context.Context, _ Call, o Order) (string, error) {
		_, err := s.wallets.Delete(ctx, Wallet{Customer: o.Customer})
		return "", errors.Join(ErrRefused, err)
	}
	careless := *s.Orchestrator
	careless.steps = steps
	_, err := careless.Handle(ctx, "o-6", Order{Customer: "bob", SKU: "tea", Count: 1, Cents: 450})
	for err != nil && !errors.Is(err, ErrStuck) {
		_, err = careless.Run(ctx, "o-6") // some time later, and again
	}
	waiting, err := s.Stuck(ctx)
	if err != nil {
		return err
	}
	for _, saga := range waiting {
		out.Printf("%s is stuck at step %d, %s", saga.ID, saga.Step+1, s.steps[saga.Step].Name)
		if _, err := s.wallets.Create(ctx, Wallet{Customer: saga.Order.Customer}); err != nil { // a person mends it
			return err
		}
		saga, err := s.Retry(ctx, saga.ID)
		if err := errors.Join(err, s.show(ctx, out, saga)); err != nil {
			return err
		}
	}
	waiting, err = s.Stuck(ctx)
	out.Printf("%d are stuck", len(waiting))
	return err
}

// show says what has become of a saga, of the stock, and of the money.
func (s *Shop) show(ctx context.Context, out *log.Logger, saga Saga) error {
	product, wallet := Product{SKU: saga.Order.SKU}, Wallet{Customer: saga.Order.Customer}
	err := s.table.TransactGet(ctx, s.products.GetOp(product, &product), s.wallets.GetOp(wallet, &wallet))
	out.Printf("%s is %s: %d of %s are left, %s has %s", saga.ID, saga.Status, product.Stock, product.SKU, wallet.Customer, euros(wallet.Cents))
	return err
}

func euros(cents int) string { return fmt.Sprintf("%d.%02d €", cents/100, cents%100) }

// today stands still, so that the story is always the same.
func today() time.Time { return time.Date(2026, time.November, 21, 12, 0, 0, 0, time.UTC) }
