package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/stream"
)

// tell opens a bank on tables of its own, tells its story, and deletes the tables.
func tell(ctx context.Context, client *dynamodb.Client, streams stream.Client, out *log.Logger) error {
	name := "events-" + rand.Text()
	var seconds atomic.Int64 // every look at the clock is a second after the last, so that events have an order
	store, err := OpenStore(client, name, func() time.Time { return today().Add(time.Duration(seconds.Add(1)) * time.Second) })
	if err != nil {
		return err
	}
	summaries, err := OpenSummaries(client, name+"-summaries")
	if err != nil {
		return err
	}
	if err := create(ctx, client, store, summaries); err != nil {
		return err
	}
	defer func() {
		for _, table := range []*monotable.Table{store.table, summaries.table} {
			_, _ = client.DeleteTable(context.WithoutCancel(ctx), &dynamodb.DeleteTableInput{TableName: new(table.Name())})
		}
	}()
	arn, err := stream.ARN(ctx, client, store.table)
	if err != nil {
		return err
	}
	poller, err := summaries.Poller(store, streams, arn)
	if err != nil {
		return err
	}
	following, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- poller.Run(following) }()

	err = chapters(ctx, &Bank{Store: store, SnapshotEvery: 10}, summaries, out)
	stop()
	return errors.Join(err, <-ended)
}

// create makes both tables, that of the events with a stream.
func create(ctx context.Context, client *dynamodb.Client, s *Store, p *Summaries) error {
	if err := s.table.Ensure(ctx, client, monotable.Stream(types.StreamViewTypeNewAndOldImages)); err != nil {
		return err
	}
	return p.table.Ensure(ctx, client)
}

func chapters(ctx context.Context, b *Bank, p *Summaries, out *log.Logger) error {
	for _, chapter := range []struct {
		title string
		tell  func(context.Context, *Bank, *log.Logger) error
	}{
		{"An account is what has happened to it", begin},
		{"What cannot be is refused, and nothing is written", refuse},
		{"A command that comes twice happens once", repeat},
		{"Ten want the money at the same time", rush},
		{"The last withdrawals, of all accounts", latest},
		{"Cashing out: two events, or none", end},
	} {
		out.Printf("# %s", chapter.title)
		if err := chapter.tell(ctx, b, out); err != nil {
			return fmt.Errorf("%s: %w", chapter.title, err)
		}
		out.Print()
	}
	out.Print("# What the stream has made of it")
	return look(ctx, b, p, out)
}

func begin(ctx context.Context, b *Bank, out *log.Logger) error {
	var a Account
	for _, command := range []struct {
		id string
		do Command
	}{{"c1", Open("Ann")}, {"c2", Deposit(10_000)}, {"c3", Withdraw(2_500)}} {
		var err error
		if a, err = b.Do(ctx, command.id, "ann", command.do); err != nil {
			return err
		}
	}
	events, err := b.Events(ctx, "ann", 1)
	for _, e := range events {
		switch e := e.(type) {
		case Opened:
			out.Printf("%d. opened by %s", e.N, e.Owner)
		case Deposited:
			out.Printf("%d. + %s", e.N, euros(e.Cents))
		case Withdrawn:
			out.Printf("%d. − %s", e.N, euros(e.Cents))
		}
	}
	out.Printf("version %d: %s", a.N, euros(a.Balance))
	return err
}

func refuse(ctx context.Context, b *Bank, out *log.Logger) error {
	for i, command := range []Command{Withdraw(7_501), Deposit(0), Open("Bob"), Close} {
		_, err := b.Do(ctx, fmt.Sprint("r", i), "ann", command)
		if err == nil {
			return errors.New("this should not be possible")
		}
		out.Print(err)
	}
	err := b.Append(ctx, "ann", 3, make([]Event, 100)...)
	out.Print(err)
	err = b.Append(ctx, "ann", 2, Deposited{Meta{ID: "late"}, 1})
	out.Printf("%s: %t", ErrConflict, errors.Is(err, ErrConflict))
	return nil
}

func repeat(ctx context.Context, b *Bank, out *log.Logger) error {
	for range 2 {
		a, err := b.Do(ctx, "c4", "ann", Deposit(2_500))
		if err != nil {
			return err
		}
		out.Printf("version %d: %s", a.N, euros(a.Balance))
	}
	return nil
}

func rush(ctx context.Context, b *Bank, out *log.Logger) error {
	var paid, refused atomic.Int64
	var people sync.WaitGroup
	for i := range 10 {
		people.Go(func() {
			_, err := b.Do(ctx, fmt.Sprint("rush", i), "ann", Withdraw(1_500))
			switch {
			case err == nil:
				paid.Add(1)
			case errors.Is(err, ErrTooLittle):
				refused.Add(1)
			}
		})
	}
	people.Wait()
	a, err := b.Load(ctx, "ann")
	out.Printf("%d are paid, %d are told that there is not enough; %s is left at version %d", paid.Load(), refused.Load(), euros(a.Balance), a.N)
	return err
}

func latest(ctx context.Context, b *Bank, out *log.Logger) error {
	for e, err := range Latest(b.Withdrawn).Limit(3).All(ctx) {
		if err != nil {
			return err
		}
		out.Printf("%s, event %d: %s", e.Account, e.N, euros(e.Cents))
	}
	return nil
}

func end(ctx context.Context, b *Bank, out *log.Logger) error {
	if _, err := b.Do(ctx, "b1", "bob", Open("Bob")); err != nil {
		return err
	}
	if _, err := b.Do(ctx, "b2", "bob", Deposit(700)); err != nil {
		return err
	}
	a, err := b.Do(ctx, "b3", "bob", CashOut)
	out.Printf("version %d: %s, closed: %t", a.N, euros(a.Balance), a.Closed)
	return err
}

// look waits until the summaries have arrived at the versions that the accounts have.
func look(ctx context.Context, b *Bank, p *Summaries, out *log.Logger) error {
	for _, id := range []string{"ann", "bob"} {
		a, err := b.Load(ctx, id)
		if err != nil {
			return err
		}
		sum, err := p.Summary(ctx, id)
		for (err == nil || errors.Is(err, monotable.ErrNotFound)) && sum.Events < a.N {
			time.Sleep(20 * time.Millisecond)
			sum, err = p.Summary(ctx, id)
		}
		if err != nil {
			return err
		}
		out.Printf("%s has %s after %d events, closed: %t", sum.Owner, euros(sum.Balance), sum.Events, sum.Closed)
	}
	return nil
}

func euros(cents int) string { return fmt.Sprintf("%d.%02d €", cents/100, cents%100) }

// today stands still, so that the story is always the same.
func today() time.Time { return time.Date(2026, time.November, 21, 12, 0, 0, 0, time.UTC) }
