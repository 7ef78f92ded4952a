package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// tell opens a shop on a table of its own, tells its story, and deletes the table.
func tell(ctx context.Context, client *dynamodb.Client, out *log.Logger) error {
	var seconds atomic.Int64 // every look at the clock is a second after the last, so that orders have an order
	s, err := openStore(client, Options{
		Table:        "shop-" + rand.Text(),
		CursorSecret: []byte(rand.Text() + rand.Text()), // of this process only: a program that runs twice takes it from where its secrets are
		Clock:        func() time.Time { return today().Add(time.Duration(seconds.Add(1)) * time.Second) },
	})
	if err != nil {
		return err
	}
	if err := s.table.Ensure(ctx, client); err != nil {
		return err
	}
	defer func() {
		_, _ = client.DeleteTable(context.WithoutCancel(ctx), &dynamodb.DeleteTableInput{TableName: aws.String(s.table.Name())})
	}()
	for _, chapter := range []struct {
		title string
		tell  func(context.Context, *Store, *log.Logger) error
	}{
		{"A customer, and what there is to buy", openShop},
		{"She buys tea and cups: one transaction", buy},
		{"What cannot be is refused, and nothing is written", refuse},
		{"An order with its lines, and her orders: one request each", look},
		{"Paid, shipped, cancelled", work},
		{"Ten want the last pot at the same time", rush},
		{"What is left, and what she has spent", count},
	} {
		out.Printf("# %s", chapter.title)
		if err := chapter.tell(ctx, s, out); err != nil {
			return fmt.Errorf("%s: %w", chapter.title, err)
		}
		out.Print()
	}
	return nil
}

func openShop(ctx context.Context, s *Store, out *log.Logger) error {
	if _, err := s.Users.Create(ctx, User{ID: "ann", Email: "Ann@Example.com", Name: "Ann Archer", Password: "hash"}); err != nil {
		return err
	}
	if _, err := s.Address.Create(ctx, Address{UserID: "ann", ID: "home", Street: "Hauptplatz 1", City: "Graz", Country: "at"}); err != nil {
		return err
	}
	if err := s.Products.BatchPut(ctx, []Product{
		{SKU: "tea", Name: "Tea", Category: "drinks", Price: 450, Stock: 10},
		{SKU: "cup", Name: "Cup", Category: "ware", Price: 900, Stock: 3},
		{SKU: "pot", Name: "Pot", Category: "ware", Price: 2500, Stock: 1, Featured: true},
	}); err != nil {
		return err
	}
	ann, addresses, err := s.Account(ctx, "ann")
	if err != nil {
		return err
	}
	out.Printf("%s <%s>, %d address in %s", ann.Name, ann.Email, len(addresses), addresses[0].City)
	featured, err := s.Featured(ctx)
	if err != nil {
		return err
	}
	out.Printf("in the window: %s", featured[0].Name)
	return nil
}

func buy(ctx context.Context, s *Store, out *log.Logger) error {
	order, err := s.Checkout(ctx, Cart{OrderID: "o-1", UserID: "ann", AddressID: "home", Items: []Item{{"tea", 2}, {"cup", 1}}})
	if err != nil {
		return err
	}
	out.Printf("order %s, %s, %s, to %s", order.ID, order.Status, euros(order.Total), order.ShipTo)
	if _, err = s.Checkout(ctx, Cart{OrderID: "o-2", UserID: "ann", AddressID: "home", Items: []Item{{"cup", 2}}}); err != nil {
		return err
	}
	ann, err := s.Profile(ctx, "ann")
	out.Printf("she has placed %d orders", ann.Orders)
	return err
}

func refuse(ctx context.Context, s *Store, out *log.Logger) error {
	for _, items := range [][]Item{{{"tea", 1}, {"cup", 1}}, {{"tea", 0}}, {{"hat", 1}}} {
		_, err := s.Checkout(ctx, Cart{OrderID: "o-3", UserID: "ann", AddressID: "home", Items: items})
		if err == nil {
			return errors.New("this order should not be possible")
		}
		out.Print(strings.ReplaceAll(err.Error(), " "+s.table.Name(), ""))
	}
	return nil
}

func look(ctx context.Context, s *Store, out *log.Logger) error {
	order, lines, err := s.Invoice(ctx, "o-1")
	if err != nil {
		return err
	}
	for _, line := range lines {
		out.Printf("%d. %d × %s at %s", line.N, line.Count, line.SKU, euros(line.Price))
	}
	out.Printf("   %s", euros(order.Total))
	page, err := s.History(ctx, "ann", "")
	for _, order := range page.Items {
		out.Printf("%s %s %s", order.Placed.Format(time.DateOnly), order.ID, euros(order.Total))
	}
	return err
}

func work(ctx context.Context, s *Store, out *log.Logger) error {
	if _, err := s.Pay(ctx, "o-1"); err != nil {
		return err
	}
	paid, err := s.WithStatus(ctx, Paid, "")
	if err != nil {
		return err
	}
	for _, order := range paid.Items {
		shipped, err := s.Ship(ctx, order.ID)
		if err != nil {
			return err
		}
		out.Printf("%s is %s", shipped.ID, shipped.Status)
	}
	out.Printf("o-1 cannot be cancelled any more: %t", errors.Is(s.Cancel(ctx, "o-1"), ErrTooLate))
	if err := s.Cancel(ctx, "o-2"); err != nil {
		return err
	}
	cup, err := s.Product(ctx, "cup")
	out.Printf("o-2 can: its cups are back, %d are there", cup.Stock)
	return err
}

func rush(ctx context.Context, s *Store, out *log.Logger) error {
	var sold, refused atomic.Int64
	var customers sync.WaitGroup
	for i := range 10 {
		customers.Go(func() {
			_, err := s.Checkout(ctx, Cart{OrderID: fmt.Sprint("rush-", i), UserID: "ann", AddressID: "home", Items: []Item{{"pot", 1}}})
			switch {
			case err == nil:
				sold.Add(1)
			case errors.Is(err, ErrSoldOut):
				refused.Add(1)
			}
		})
	}
	customers.Wait()
	pot, err := s.Product(ctx, "pot")
	out.Printf("%d gets it, %d are told that it is sold out, %d are left", sold.Load(), refused.Load(), pot.Stock)
	return err
}

func count(ctx context.Context, s *Store, out *log.Logger) error {
	for _, sku := range []string{"tea", "cup", "pot"} {
		product, err := s.Product(ctx, sku)
		if err != nil {
			return err
		}
		out.Printf("%s: %d", product.Name, product.Stock)
	}
	months, err := s.MonthsOf(ctx, "ann", "2026")
	for _, m := range months {
		out.Printf("%s: %d orders, %s", m.Month, m.Orders, euros(m.Total))
	}
	return err
}

func euros(cents int) string { return fmt.Sprintf("%d.%02d €", cents/100, cents%100) }

// today stands still, so that the story is always the same.
func today() time.Time { return time.Date(2026, time.November, 21, 12, 0, 0, 0, time.UTC) }
