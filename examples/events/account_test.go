package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/monotabletest"
)

func TestAccount(t *testing.T) {
	ctx := t.Context()
	s, _, rec := newStore(t)
	b := &Bank{Store: s}
	for i, step := range []struct {
		do      Command
		want    error
		n       int
		balance int
	}{
		{Deposit(5), ErrNotOpen, 0, 0},
		{Withdraw(5), ErrNotOpen, 0, 0},
		{Close, ErrNotOpen, 0, 0},
		{Open("Ann"), nil, 1, 0},
		{Open("Bob"), ErrOpen, 1, 0},
		{Withdraw(1), ErrTooLittle, 1, 0},
		{Deposit(0), ErrAmount, 1, 0},
		{Deposit(-5), ErrAmount, 1, 0},
		{Deposit(50), nil, 2, 50},
		{Withdraw(0), ErrAmount, 2, 50},
		{Withdraw(51), ErrTooLittle, 2, 50},
		{Close, ErrNotEmpty, 2, 50},
		{Withdraw(20), nil, 3, 30},
		{CashOut, nil, 5, 0},
		{Deposit(5), ErrClosed, 5, 0},
		{Withdraw(5), ErrClosed, 5, 0},
		{Close, ErrClosed, 5, 0},
		{CashOut, ErrClosed, 5, 0},
		{Open("Ann"), ErrOpen, 5, 0},
	} {
		requests := 2 // snapshot, events
		if step.want == nil {
			requests = 3
		}
		rec.Expect(t, requests, func() {
			_, err := b.Do(ctx, fmt.Sprint(i), "ann", step.do)
			require.ErrorIs(t, err, step.want, i)
		})
		a, err := b.Load(ctx, "ann")
		require.NoError(t, err)
		require.Equal(t, step.n, a.N, i)
		require.Equal(t, step.balance, a.Balance, i)
		require.Equal(t, step.n == 5, a.Closed, i)
	}
	_, err := b.Do(ctx, "bob", "bob", Open(""))
	require.ErrorIs(t, err, monotable.ErrInvalid)
}

// No balance overflows, and none that is not zero is closed away.
func TestBalance(t *testing.T) {
	for _, row := range []struct {
		balance int
		do      Command
		want    error
	}{
		{math.MaxInt, Deposit(math.MaxInt), ErrTooMuch},
		{math.MaxInt, Deposit(1), ErrTooMuch},
		{math.MaxInt - 1, Deposit(1), nil},
		{0, Deposit(math.MaxInt), nil},
		{-2, Close, ErrNotEmpty},
		{2, Close, ErrNotEmpty},
		{0, Close, nil},
	} {
		_, err := row.do(Account{N: 1, Balance: row.balance})
		require.ErrorIs(t, err, row.want, row.balance)
	}
	ctx := t.Context()
	s, _, _ := newStore(t)
	b := &Bank{Store: s}
	_, err := b.Do(ctx, "open", "ann", Open("Ann"))
	require.NoError(t, err)
	_, err = b.Do(ctx, "much", "ann", Deposit(math.MaxInt))
	require.NoError(t, err)
	_, err = b.Do(ctx, "more", "ann", Deposit(math.MaxInt))
	require.ErrorIs(t, err, ErrTooMuch)
	a, err := b.Load(ctx, "ann")
	require.NoError(t, err)
	require.Equal(t, math.MaxInt, a.Balance)
}

// Who was slower waits a moment before the next round, and no longer than the context lets it.
func TestPauseAfterConflict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := memdb.New(memdb.Options{}).Client()
		s := storeOn(t, client, client)
		b := &Bank{Store: s}
		opened(t, s, "ann")
		rounds := 0
		slow := func(until int) Command {
			rounds = 0
			return func(a Account) ([]Event, error) {
				if rounds++; rounds <= until {
					require.NoError(t, s.Append(t.Context(), "ann", a.N, deposit(fmt.Sprint(a.N), 1)))
				}
				return []Event{Deposited{Cents: 1}}, nil
			}
		}
		began := time.Now()
		_, err := b.Do(t.Context(), "slow", "ann", slow(5))
		require.NoError(t, err)
		require.Equal(t, 6, rounds)
		require.Positive(t, time.Since(began))
		require.Less(t, time.Since(began), time.Second)

		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		began = time.Now()
		_, err = b.Do(ctx, "slower", "ann", slow(1000))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 50*time.Millisecond, time.Since(began))
	})
}

// A command that comes again, with or without a snapshot between, is not carried out again.
func TestCommandTwice(t *testing.T) {
	ctx := t.Context()
	s, _, _ := newStore(t)
	b := &Bank{Store: s, SnapshotEvery: 2}
	for range 2 {
		for i, command := range []Command{Open("Ann"), Deposit(5), Deposit(5), Withdraw(1), CashOut} {
			_, err := b.Do(ctx, fmt.Sprint(i), "ann", command)
			require.NoError(t, err)
		}
	}
	require.Len(t, eventIDs(t, s, "ann", 1), 6)
}

// A program that stops at any of its requests, and begins anew with the same commands, has carried out each once.
func TestF137_Crashes(t *testing.T) {
	type stop func(*monotabletest.Faults, int)
	for name, stop := range map[string]stop{"before": (*monotabletest.Faults).StopAt, "after": (*monotabletest.Faults).StopAfter} {
		t.Run(name, func(t *testing.T) {
			for n := 1; ; n++ {
				s, faults, _ := newStore(t)
				b := &Bank{Store: s, SnapshotEvery: 2}
				commands := func() error {
					for i, command := range []Command{Open("Ann"), Deposit(7), CashOut} {
						if _, err := b.Do(t.Context(), fmt.Sprint(i), "ann", command); err != nil {
							return err
						}
					}
					return nil
				}
				stop(faults, n)
				_ = commands()
				done := len(faults.Requests()) < n
				faults.Reset()
				require.NoError(t, commands())
				require.Equal(t, []string{"0/0", "1/0", "2/0", "2/1"}, eventIDs(t, s, "ann", 1))
				if done {
					require.Greater(t, n, 10, "three commands of three requests, two snapshots")
					return
				}
			}
		})
	}
}

// Whoever pays in and takes out at the same time, and whatever replies are lost: no command is lost or carried out twice, no version is missing, no account is below zero.
func TestConcurrentCommands(t *testing.T) {
	for _, lost := range []float64{0, 0.1} {
		t.Run(fmt.Sprintf("%.0f%% of replies lost", lost*100), func(t *testing.T) {
			ctx, client := t.Context(), monotabletest.Client(t)
			var faults monotabletest.Faults
			b := &Bank{Store: storeOn(t, client, faults.Client(client, func(o *dynamodb.Options) { o.RetryMaxAttempts = 2 })), SnapshotEvery: 5}
			_, err := b.Do(ctx, "open", "ann", Open("Ann"))
			require.NoError(t, err)
			faults.Rate("TransactWriteItems", lost, monotabletest.ReplyLost())
			var total, through atomic.Int64
			var people sync.WaitGroup
			for w := range 5 {
				people.Go(func() {
					for i := range 6 {
						cents := 10 * (i + 1)
						command := Deposit(cents)
						if i%2 == 1 {
							cents = -cents
							command = Withdraw(-cents)
						}
						_, err := b.Do(ctx, fmt.Sprint(w, "-", i), "ann", command)
						for errors.Is(err, monotable.ErrOutcomeUnknown) {
							_, err = b.Do(ctx, fmt.Sprint(w, "-", i), "ann", command)
						}
						switch {
						case err == nil:
							total.Add(int64(cents))
							through.Add(1)
						case !errors.Is(err, ErrTooLittle):
							t.Error(err)
						}
					}
				})
			}
			people.Wait()
			a, err := b.Load(ctx, "ann")
			require.NoError(t, err)
			require.EqualValues(t, total.Load(), a.Balance, "money is conserved")
			require.EqualValues(t, 1+through.Load(), a.N)
			balance := 0
			events, err := b.Events(ctx, "ann", 1)
			require.NoError(t, err)
			require.Len(t, eventIDs(t, b.Store, "ann", 1), a.N)
			for _, e := range events {
				switch e := e.(type) {
				case Deposited:
					balance += e.Cents
				case Withdrawn:
					balance -= e.Cents
				}
				require.GreaterOrEqual(t, balance, 0, "at no time")
			}
		})
	}
}
