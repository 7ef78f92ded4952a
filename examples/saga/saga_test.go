package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/lease"
	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/monotabletest"
)

// newShop is a shop with 20 of tea and 10 pots, and two customers, Ann with 100.00 and Bob with 10.00, in a database of the test's own.
func newShop(t *testing.T, admin *dynamodb.Client, client monotable.Client) *Shop {
	t.Helper()
	s, err := OpenShop(client, monotabletest.Name(t), nil)
	require.NoError(t, err)
	require.NoError(t, s.table.Ensure(t.Context(), admin))
	name := s.table.Name()
	t.Cleanup(func() { _, _ = admin.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: &name}) })
	require.NoError(t, stock(t.Context(), s))
	return s
}

// another is the shop of another process.
func another(t *testing.T, s *Shop, client monotable.Client) *Shop {
	t.Helper()
	other, err := OpenShop(client, s.table.Name(), nil)
	require.NoError(t, err)
	return other
}

// requireBooks checks what must hold when all sagas are over: each is all there or not at all, and stock and money are what the sagas say.
func requireBooks(t *testing.T, s *Shop) {
	t.Helper()
	products, wallets := map[string]int{"tea": 20, "pot": 10}, map[string]int{"ann": 10_000, "bob": 1_000}
	shipped := map[string]bool{}
	for _, saga := range all(t, s.sagas) {
		require.True(t, saga.Over(), "%s is %s", saga.ID, saga.Status)
		if saga.Status == Done {
			require.Len(t, saga.Results, len(s.steps))
			products[saga.Order.SKU] -= saga.Order.Count
			wallets[saga.Order.Customer] -= saga.Order.Cents
			shipped[saga.ID] = true
		}
		for _, step := range s.steps {
			effect, err := s.effects.Get(t.Context(), Effect{Saga: saga.ID, Step: step.Name})
			if !errors.Is(err, monotable.ErrNotFound) {
				require.NoError(t, err)
				require.Equal(t, saga.Status == Compensated, effect.Undone, "%s of %s", step.Name, saga.ID)
			}
		}
	}
	for _, p := range all(t, s.products) {
		require.Equal(t, products[p.SKU], p.Stock, p.SKU)
		require.GreaterOrEqual(t, p.Stock, 0)
	}
	for _, w := range all(t, s.wallets) {
		require.Equal(t, wallets[w.Customer], w.Cents, w.Customer)
	}
	parcels := all(t, s.shipments)
	require.Len(t, parcels, len(shipped))
	for _, p := range parcels {
		require.True(t, shipped[p.Saga])
	}
	open, err := s.open().Collect(t.Context())
	require.NoError(t, err)
	require.Empty(t, open, "what is over is in no index")
}

func all[T any](t *testing.T, e *monotable.Entity[T]) []T {
	t.Helper()
	items, err := e.With(monotable.Consistent()).Scan().Collect(t.Context())
	require.NoError(t, err)
	return items
}

var orders = map[string]struct {
	order Order
	want  Status
}{
	"done":             {Order{"ann", "tea", 2, 900}, Done},
	"no stock":         {Order{"ann", "pot", 11, 900}, Compensated},
	"no product":       {Order{"ann", "hat", 1, 900}, Compensated},
	"no money":         {Order{"bob", "tea", 2, 1_001}, Compensated},
	"no customer":      {Order{"eve", "tea", 2, 900}, Compensated},
	"no such name":     {Order{"a#b", "tea", 2, 900}, Compensated},
	"too heavy a load": {Order{"ann", "tea", 6, 900}, Compensated},
}

func TestOrders(t *testing.T) {
	client, rec := monotabletest.Client(t), new(monotabletest.Recorder)
	s := newShop(t, client, rec.Client(client))
	for id, row := range orders {
		saga, err := s.Handle(t.Context(), id, row.order)
		require.NoError(t, err, id)
		require.Equal(t, row.want, saga.Status, id)
		require.Equal(t, row.want == Compensated, saga.Problem != "", id)
	}
	requireBooks(t, s)

	rec.Expect(t, 13, func() {
		saga, err := s.Handle(t.Context(), "counted", Order{"ann", "tea", 1, 450})
		require.NoError(t, err)
		require.Equal(t, []string{"reserved tea", "paid by ann", "parcel counted"}, saga.Results)
	})
	rec.Expect(t, 1, func() {
		stuck, err := s.Stuck(t.Context())
		require.NoError(t, err)
		require.Empty(t, stuck)
	})
	rec.Expect(t, 1, func() { require.NoError(t, s.Recover(t.Context())) })
	for _, order := range []Order{{"ann", "tea", 0, 450}, {"ann", "tea", -1, 450}, {"ann", "tea", 1, -450}} {
		rec.Expect(t, 0, func() {
			_, err := s.Handle(t.Context(), "mistake", order)
			require.ErrorIs(t, err, monotable.ErrInvalid)
		})
	}
}

// A message that comes again has the result of the first one, and no other effect.
func TestF138_MessageTwice(t *testing.T) {
	client, rec := monotabletest.Client(t), new(monotabletest.Recorder)
	s := newShop(t, client, rec.Client(client))
	for id, row := range orders {
		first, err := s.Handle(t.Context(), id, row.order)
		require.NoError(t, err)
		rec.Expect(t, 2, func() {
			second, err := s.Handle(t.Context(), id, row.order)
			require.NoError(t, err)
			require.Equal(t, first, second)
		})
		rec.Expect(t, 1, func() {
			_, err := s.Handle(t.Context(), id, Order{"ann", "pot", 1, 1})
			require.ErrorIs(t, err, ErrOtherOrder, "what came of the first order is no answer to it")
		})
	}
	requireBooks(t, s)
}

// Each step, called again, gives its first result; taken back, it stays so; and one that comes after it was taken back has no effect.
func TestF138_StepsBearRepetition(t *testing.T) {
	ctx, client := t.Context(), monotabletest.Client(t)
	s := newShop(t, client, client)
	order := Order{"ann", "tea", 2, 900}
	amounts := func() []int {
		tea, err := s.products.Get(ctx, Product{SKU: "tea"})
		require.NoError(t, err)
		ann, err := s.wallets.Get(ctx, Wallet{Customer: "ann"})
		require.NoError(t, err)
		return []int{tea.Stock, ann.Cents, len(all(t, s.shipments))}
	}
	before := amounts()
	for _, step := range s.steps {
		call := Call{"s1", step.Name}
		first, err := step.Do(ctx, call, order)
		require.NoError(t, err)
		after := amounts()
		require.NotEqual(t, before, after)
		second, err := step.Do(ctx, call, order)
		require.NoError(t, err)
		require.Equal(t, first, second)
		require.Equal(t, after, amounts())
		for range 2 {
			require.NoError(t, step.Undo(ctx, call, order))
			require.Equal(t, before, amounts())
		}
		_, err = step.Do(ctx, call, order)
		require.ErrorIs(t, err, ErrRefused)

		early := Call{"s2", step.Name}
		require.NoError(t, step.Undo(ctx, early, order), "never done")
		_, err = step.Do(ctx, early, order)
		require.ErrorIs(t, err, ErrRefused, "late")
		require.Equal(t, before, amounts())
	}
}

// A program that stops at any of its requests is carried on by another one, from the message or from the index, and all is done or nothing.
func TestF138_Crashes(t *testing.T) {
	type stop func(*monotabletest.Faults, int)
	for name, stop := range map[string]stop{"before": (*monotabletest.Faults).StopAt, "after": (*monotabletest.Faults).StopAfter} {
		for id, row := range orders {
			t.Run(id+" "+name, func(t *testing.T) {
				t.Parallel()
				for n, done := 1, false; !done; n++ {
					synctest.Test(t, func(t *testing.T) {
						client := memdb.New(memdb.Options{}).Client()
						healthy := newShop(t, client, client)
						var faults monotabletest.Faults
						stop(&faults, n)
						_, err := another(t, healthy, faults.Client(client)).Handle(t.Context(), id, row.order)
						done = err == nil && len(faults.Requests()) < n

						if n%2 == 0 { // whoever sees the saga in the index
							require.NoError(t, healthy.Recover(t.Context()))
						}
						saga, err := healthy.Handle(t.Context(), id, row.order) // and the message comes again
						require.NoError(t, err)
						require.Equal(t, row.want, saga.Status)
						requireBooks(t, healthy)
					})
					require.Less(t, n, 50)
				}
			})
		}
	}
}

// A program is paused for long, with a request on its way; another one takes over and brings the saga to its end; then the first one goes on, and its request arrives. It spoils nothing.
func TestF138_PausedHolder(t *testing.T) {
	for id, row := range orders {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			for n, done := 1, false; !done; n++ {
				synctest.Test(t, func(t *testing.T) {
					client := memdb.New(memdb.Options{}).Client()
					healthy := newShop(t, client, client)
					resume, requests := make(chan struct{}), new(atomic.Int64)
					var faults monotabletest.Faults
					faults.Rate("", 1, func(r *http.Request, do func(*http.Request) (*http.Response, error)) (*http.Response, error) {
						if requests.Add(1) >= int64(n) {
							<-resume
						}
						return do(r.WithContext(context.WithoutCancel(r.Context())))
					})
					paused := another(t, healthy, faults.Client(client))
					ended := make(chan struct{})
					go func() {
						defer close(ended)
						_, _ = paused.Handle(t.Context(), id, row.order)
					}()
					time.Sleep(5 * time.Minute)
					done = requests.Load() < int64(n)

					saga, err := healthy.Handle(t.Context(), id, row.order)
					require.NoError(t, err)
					require.Equal(t, row.want, saga.Status)
					close(resume)
					<-ended
					requireBooks(t, healthy)
					after, err := healthy.Handle(t.Context(), id, row.order)
					require.NoError(t, err)
					require.Equal(t, saga, after, "the paused one has written nothing")
				})
				require.Less(t, n, 50)
			}
		})
	}
}

// Two can believe that they have the lease: what the later one has claimed the earlier one does not get, nor can it write what it has read before.
func TestF138_Fencing(t *testing.T) {
	ctx, client := t.Context(), monotabletest.Client(t)
	s := newShop(t, client, client)
	created, err := s.sagas.Create(ctx, Saga{ID: "s1", Order: Order{"ann", "tea", 1, 450}})
	require.NoError(t, err)
	first, err := s.claim(ctx, "s1", 1)
	require.NoError(t, err)
	second, err := s.claim(ctx, "s1", 2)
	require.NoError(t, err)
	_, err = s.claim(ctx, "s1", 1)
	require.ErrorIs(t, err, monotable.ErrConditionFailed)
	for _, old := range []Saga{created, first} {
		_, err = s.advance(ctx, old)
		require.ErrorIs(t, err, monotable.ErrVersionConflict)
	}
	for err = nil; err == nil && !second.Over(); {
		second, err = s.advance(ctx, second)
	}
	require.NoError(t, err)
	requireBooks(t, s)
}

// While somebody works on a saga the others hear of that, or wait for it.
func TestF138_OneOwner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := memdb.New(memdb.Options{}).Client()
		s := newShop(t, client, client)
		slow := another(t, s, client)
		slow.steps[1].Do = func(ctx context.Context, c Call, o Order) (string, error) {
			time.Sleep(10 * time.Minute)
			return slow.charge(ctx, c, o)
		}
		var first error
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_, first = slow.Handle(t.Context(), "s1", Order{"ann", "tea", 1, 450})
		}()
		time.Sleep(time.Minute)
		_, err := s.Handle(t.Context(), "s1", Order{"ann", "tea", 1, 450})
		require.ErrorIs(t, err, lease.ErrHeld)
		require.NoError(t, s.Recover(t.Context()), "it is left to the other one")
		<-ended
		require.NoError(t, first)
		requireBooks(t, s)
	})
}

// Orders at the same time, several messages for each, whatever replies are lost: stock and wallets never go below zero, and money is conserved.
func TestConcurrentSagas(t *testing.T) {
	for _, lost := range []float64{0, 0.05} {
		t.Run(fmt.Sprintf("%.0f%% of replies lost", lost*100), func(t *testing.T) {
			ctx, client := t.Context(), monotabletest.Client(t)
			s := newShop(t, client, client)
			var faults monotabletest.Faults
			busy := another(t, s, faults.Client(client, func(o *dynamodb.Options) { o.RetryMaxAttempts = 5 }))
			faults.Rate("TransactWriteItems", lost, monotabletest.ReplyLost())
			faults.Rate("PutItem", lost, monotabletest.ReplyLost())
			var messages sync.WaitGroup
			for w := range 6 {
				messages.Go(func() {
					for i := range 5 {
						order := Order{[]string{"ann", "bob"}[i%2], []string{"tea", "pot"}[(w/2+i)%2], 1 + i, 300 * (1 + i)}
						_, err := busy.Handle(ctx, fmt.Sprint("s", w/2, "-", i), order) // two for each
						if err != nil && !errors.Is(err, monotable.ErrOutcomeUnknown) && !errors.Is(err, lease.ErrHeld) {
							t.Error(err)
						}
					}
				})
			}
			messages.Wait()
			require.NoError(t, s.Recover(ctx))
			requireBooks(t, s)
			require.Len(t, all(t, s.sagas), 15)
		})
	}
}

// What cannot be taken back is tried three times, and then waits for a person; the steps before it are taken back when that is mended, in reverse order.
func TestF138_StuckCompensation(t *testing.T) {
	ctx, client := t.Context(), monotabletest.Client(t)
	s := newShop(t, client, client)
	var undone []string
	for i, step := range s.steps {
		s.steps[i].Undo = func(ctx context.Context, c Call, o Order) error {
			err := step.Undo(ctx, c, o)
			undone = append(undone, fmt.Sprint(step.Name, " ", err == nil))
			return err
		}
	}
	ship := s.steps[2].Do
	s.steps[2].Do = func(ctx context.Context, c Call, o Order) (string, error) {
		_, err := s.wallets.Delete(ctx, Wallet{Customer: "ann"})
		require.NoError(t, err)
		return ship(ctx, c, o)
	}
	order := Order{"ann", "tea", 6, 900}
	_, err := s.Handle(ctx, "s1", order)
	require.ErrorIs(t, err, monotable.ErrNotFound)
	for range 2 {
		require.NotErrorIs(t, err, ErrStuck)
		open, err := s.open().Collect(ctx)
		require.NoError(t, err)
		require.Len(t, open, 1)
		require.Error(t, s.Recover(ctx))
	}
	_, err = s.Handle(ctx, "s1", order)
	require.ErrorIs(t, err, ErrStuck)
	require.NoError(t, s.Recover(ctx), "nobody else tries")
	require.Equal(t, []string{"ship true", "pay false", "pay false", "pay false"}, undone)

	stuck, err := s.Stuck(ctx)
	require.NoError(t, err)
	require.Len(t, stuck, 1)
	require.Equal(t, "s1", stuck[0].ID)
	require.Equal(t, "pay", s.steps[stuck[0].Step].Name)
	require.Contains(t, stuck[0].Problem, "taking back pay")

	_, err = s.Retry(ctx, "s1") // nothing is mended
	require.ErrorIs(t, err, monotable.ErrNotFound)
	_, err = s.wallets.Create(ctx, Wallet{Customer: "ann", Cents: 10_000 - 900}) // as it was
	require.NoError(t, err)
	saga, err := s.Retry(ctx, "s1")
	require.NoError(t, err)
	require.Equal(t, Compensated, saga.Status)
	require.Equal(t, []string{"pay false", "pay true", "reserve true"}, undone[4:])
	stuck, err = s.Stuck(ctx)
	require.NoError(t, err)
	require.Empty(t, stuck)
	requireBooks(t, s)
}

// A step that fails for another reason than that it refuses is tried again later; nothing is taken back.
func TestStepFails(t *testing.T) {
	ctx, client := t.Context(), monotabletest.Client(t)
	s := newShop(t, client, client)
	pay, down := s.steps[1].Do, errors.New("the bank does not answer")
	s.steps[1].Do = func(context.Context, Call, Order) (string, error) { return "", down }
	order := Order{"ann", "tea", 2, 900}
	for range 5 {
		saga, err := s.Handle(ctx, "s1", order)
		require.ErrorIs(t, err, down)
		require.Equal(t, Running, saga.Status)
		require.Equal(t, 1, saga.Step)
	}
	s.steps[1].Do = pay
	saga, err := s.Handle(ctx, "s1", order)
	require.NoError(t, err)
	require.Equal(t, Done, saga.Status)
	requireBooks(t, s)
}

// A step that never succeeds does not stay open for ever: what was done before it is taken back. Failures of other steps, and of calls that were stopped, do not count.
func TestF138_StepFailsForEver(t *testing.T) {
	ctx, client := t.Context(), monotabletest.Client(t)
	s := newShop(t, client, client)
	down := errors.New("nobody answers")
	fail := func(do func(context.Context, Call, Order) (string, error), times int) func(context.Context, Call, Order) (string, error) {
		return func(ctx context.Context, c Call, o Order) (string, error) {
			if times--; times >= 0 {
				return "", down
			}
			return do(ctx, c, o)
		}
	}
	s.steps[0].Do = fail(s.reserve, tries-1)
	s.steps[1].Do = fail(s.charge, 1000)
	order := Order{"ann", "tea", 2, 900}
	for range 2 * (tries - 1) {
		saga, err := s.Handle(ctx, "s1", order)
		require.ErrorIs(t, err, down)
		require.Equal(t, Running, saga.Status)
	}
	for range 2 * tries {
		stopped, stop := context.WithCancel(ctx)
		s.steps[1].Do = func(context.Context, Call, Order) (string, error) {
			stop()
			return "", down
		}
		saga, err := s.Handle(stopped, "s1", order)
		require.ErrorIs(t, err, down)
		require.Equal(t, Running, saga.Status)
	}
	s.steps[1].Do = fail(s.charge, 1000)
	saga, err := s.Handle(ctx, "s1", order)
	require.NoError(t, err)
	require.Equal(t, Compensated, saga.Status)
	require.Equal(t, "pay: nobody answers", saga.Problem)
	requireBooks(t, s)
}
