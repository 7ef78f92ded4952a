package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// What an account refuses.
var (
	ErrAmount    = errors.New("bank: the amount is not above zero")
	ErrNotOpen   = errors.New("bank: there is no such account")
	ErrOpen      = errors.New("bank: there is such an account already")
	ErrClosed    = errors.New("bank: the account is closed")
	ErrTooMuch   = errors.New("bank: that is more than an account can hold")
	ErrTooLittle = errors.New("bank: there is not enough money on the account")
	ErrNotEmpty  = errors.New("bank: there is money on the account")
)

// Account is what the events of an account come to. It decides from that what may happen next, and changes only by what has happened.
type Account struct {
	ID      string   `dynamodbav:"account"`
	N       int      `dynamodbav:"n"` // how many events it is made of
	Owner   string   `dynamodbav:"owner"`
	Balance int      `dynamodbav:"balanceCents"`
	Closed  bool     `dynamodbav:"closed"`
	Recent  []string `dynamodbav:"recent"` // ids of the last events
}

// remembered is how many events an account knows by their ids: a command that comes again within so many is not carried out again.
const remembered = 100

// after is the account after further events.
func (a Account) after(events []Event) (Account, error) {
	a.Recent = slices.Clone(a.Recent)
	for _, e := range events {
		m := e.meta()
		if m.N != a.N+1 {
			return a, fmt.Errorf("%w: number %d", ErrGap, a.N+1)
		}
		e.apply(&a)
		a.N = m.N
		a.Recent = append(a.Recent, m.ID)
	}
	a.Recent = a.Recent[max(0, len(a.Recent)-remembered):]
	return a, nil
}

func (e Opened) apply(a *Account)    { a.Owner = e.Owner }
func (e Deposited) apply(a *Account) { a.Balance += e.Cents }
func (e Withdrawn) apply(a *Account) { a.Balance -= e.Cents }
func (Closed) apply(a *Account)      { a.Closed = true }

// Command decides what happens to an account. It looks at nothing else, and has no effect: it may be called again for a newer version.
type Command func(Account) ([]Event, error)

// Open opens an account.
func Open(owner string) Command {
	return func(a Account) ([]Event, error) {
		if a.N > 0 {
			return nil, ErrOpen
		}
		return []Event{Opened{Owner: owner}}, nil
	}
}

// Deposit puts money on the account, as long as the balance is a number.
func Deposit(cents int) Command {
	return func(a Account) ([]Event, error) {
		switch {
		case cents <= 0:
			return nil, ErrAmount
		case cents > math.MaxInt-a.Balance:
			return nil, ErrTooMuch
		}
		return []Event{Deposited{Cents: cents}}, a.usable()
	}
}

// Withdraw takes money from the account, if it is there.
func Withdraw(cents int) Command {
	return func(a Account) ([]Event, error) {
		switch err := a.usable(); {
		case err != nil:
			return nil, err
		case cents <= 0:
			return nil, ErrAmount
		case cents > a.Balance:
			return nil, ErrTooLittle
		}
		return []Event{Withdrawn{Cents: cents}}, nil
	}
}

// CashOut takes all the money and closes the account: two events, or none.
func CashOut(a Account) ([]Event, error) {
	events := []Event{Closed{}}
	if a.Balance != 0 {
		events = []Event{Withdrawn{Cents: a.Balance}, Closed{}}
	}
	return events, a.usable()
}

// Close closes an empty account.
func Close(a Account) ([]Event, error) {
	if a.Balance != 0 {
		return nil, ErrNotEmpty
	}
	return []Event{Closed{}}, a.usable()
}

func (a Account) usable() error {
	switch {
	case a.N == 0:
		return ErrNotOpen
	case a.Closed:
		return ErrClosed
	}
	return nil
}

// Bank carries out commands.
type Bank struct {
	*Store
	SnapshotEvery int // after so many events; 0 is never
}

// Do carries out a command under an id, and gives the account after it. If somebody else is faster the command decides anew, a moment later, so long until it is through or the
// context ends: each round somebody gets through. With the id of a command that was carried out, as far as the account remembers it, nothing happens again; so after
// any error that is not the command's own, call Do again with the same id.
func (b *Bank) Do(ctx context.Context, id, account string, command Command) (Account, error) {
	for round := 1; ; round++ {
		a, err := b.Load(ctx, account)
		if err != nil || slices.Contains(a.Recent, eventID(id, 0)) {
			return a, err
		}
		events, err := command(a)
		if err != nil {
			return a, err
		}
		for i, e := range events {
			events[i] = e.with(Meta{Account: account, N: a.N + 1 + i, ID: eventID(id, i)})
		}
		err = b.Append(ctx, account, a.N, events...)
		if errors.Is(err, ErrConflict) {
			ended := pause(ctx, round)
			if ended == nil {
				continue
			}
			err = errors.Join(err, ended)
		}
		if err != nil {
			return a, err
		}
		before := a.N
		if a, err = a.after(events); err == nil && b.SnapshotEvery > 0 && before/b.SnapshotEvery < a.N/b.SnapshotEvery {
			_ = b.Snapshot(ctx, a) // it only saves reading: the command is carried out without it
		}
		return a, err
	}
}

// pause waits for a moment that differs from one to the next, so that those who met do not all meet again.
func pause(ctx context.Context, round int) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(rand.N(time.Duration(min(round, 10)) * 10 * time.Millisecond)):
		return nil
	}
}

func eventID(command string, i int) string { return fmt.Sprintf("%s/%d", command, i) }
