package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/monotable/monotable"
)

// shops are two processes with one table.
type shops struct {
	here, there *Catalogue
	later       func(time.Duration) // moves the clock of the story
	out         *log.Logger
}

// tell opens two catalogues on a table of its own, tells their story, and deletes the table.
func tell(ctx context.Context, client *dynamodb.Client, out *log.Logger) error {
	name := "cache-" + rand.Text()
	var passed atomic.Int64
	clock := func() time.Time { return time.Unix(0, passed.Load()) }
	here, err := OpenCatalogue(client, name, clock)
	if err != nil {
		return err
	}
	there, err := OpenCatalogue(client, name, clock)
	if err != nil {
		return err
	}
	if err := here.table.Ensure(ctx, client); err != nil {
		return err
	}
	defer func() {
		_, _ = client.DeleteTable(context.WithoutCancel(ctx), &dynamodb.DeleteTableInput{TableName: &name})
	}()
	s := &shops{here: here, there: there, later: func(d time.Duration) { passed.Add(int64(d)) }, out: out}
	if err := there.products.BatchPut(ctx, []Product{
		{SKU: "tea", Name: "Tea", Shelf: "drinks", Price: 450, Stock: 10},
		{SKU: "mate", Name: "Mate", Shelf: "drinks", Price: 500, Stock: 5},
		{SKU: "cup", Name: "Cup", Shelf: "ware", Price: 900, Stock: 3},
	}); err != nil {
		return err
	}
	for _, chapter := range []struct {
		title string
		tell  func(context.Context) error
	}{
		{"A thousand customers look at the tea", s.look},
		{"A cart with tea, a cup and a hat", s.cart},
		{"A price is changed here: it is shown at once", s.own},
		{"A price is changed elsewhere: nobody here knows", s.others},
		{"What is sold is judged by DynamoDB, not by the cache", s.sell},
	} {
		out.Printf("# %s", chapter.title)
		if err := chapter.tell(ctx); err != nil {
			return fmt.Errorf("%s: %w", chapter.title, err)
		}
		out.Print()
	}
	return nil
}

// counted tells how many items were asked of DynamoDB meanwhile, and how many were known.
func (s *shops) counted(do func() error) error {
	before := s.here.cache.Stats()
	err := do()
	after := s.here.cache.Stats()
	s.out.Printf("%d asked for, %d known", after.Misses-before.Misses, after.Hits-before.Hits)
	return err
}

func (s *shops) look(ctx context.Context) error {
	return s.counted(func() error {
		for range 1000 {
			if _, err := s.here.Show(ctx, "tea"); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *shops) cart(ctx context.Context) error {
	for range 2 {
		if err := s.counted(func() error {
			products, err := s.here.Cart(ctx, "tea", "cup", "hat")
			for _, p := range products {
				s.out.Printf("%s %s", p.Name, euros(p.Price))
			}
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

func (s *shops) own(ctx context.Context) error {
	if _, err := s.here.Reprice(ctx, "tea", 480); err != nil {
		return err
	}
	tea, err := s.here.Show(ctx, "tea")
	s.out.Printf("shown: %s", euros(tea.Price))
	return err
}

func (s *shops) others(ctx context.Context) error {
	if _, err := s.there.Reprice(ctx, "tea", 520); err != nil {
		return err
	}
	for _, step := range []struct {
		when string
		wait time.Duration
		read func(context.Context, string) (Product, error)
	}{
		{"shown", 0, s.here.Show},
		{"read consistently", 0, s.here.Now},
		{"shown ten seconds later", 10 * time.Second, s.here.Show},
	} {
		s.later(step.wait)
		tea, err := step.read(ctx, "tea")
		if err != nil {
			return err
		}
		s.out.Printf("%s: %s", step.when, euros(tea.Price))
	}
	return nil
}

func (s *shops) sell(ctx context.Context) error {
	shown, err := s.here.Show(ctx, "tea")
	if err != nil {
		return err
	}
	if _, err := s.there.Reprice(ctx, "tea", 550); err != nil {
		return err
	}
	_, err = s.here.Sell(ctx, shown, 2)
	s.out.Printf("at %s it is refused: %t", euros(shown.Price), errors.Is(err, monotable.ErrConditionFailed))
	if shown, err = s.here.Show(ctx, "tea"); err != nil { // the write, though refused, has made the cache forget
		return err
	}
	sold, err := s.here.Sell(ctx, shown, 2)
	s.out.Printf("at %s it is sold, %d are left", euros(shown.Price), sold.Stock)
	return err
}

func euros(cents int) string { return fmt.Sprintf("%d.%02d €", cents/100, cents%100) }
