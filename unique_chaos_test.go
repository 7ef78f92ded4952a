package monotable_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

// hasty makes the SDK's own retries wait hardly at all.
func hasty(o *dynamodb.Options) {
	o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxBackoff = 2 * time.Millisecond
		o.RateLimiter = ratelimit.None
	})
}

// atEase is hasty for our own loops.
func atEase(int) time.Duration { return 2 * time.Millisecond }

// requireUnique compares guards and items: one owner for each value, no value without a guard, no guard without a value.
func requireUnique(t testing.TB, s *store) {
	t.Helper()
	owners := map[string]string{}
	held := map[string]string{}
	for _, item := range s.dump() {
		if owner, ok := item["_owner"]; ok {
			held[text(item["PK"])] = text(asMap(owner)["PK"])
			continue
		}
		for _, value := range []string{text(item["email"]), text(item["name"])} {
			key := "UNIQUE#Member#email#" + value
			if value == text(item["name"]) {
				key = "UNIQUE#Member#name#" + text(item["org"]) + "#" + value
			}
			if value == "" {
				continue
			}
			require.Empty(t, owners[key], "two items have one value")
			owners[key] = text(item["PK"])
		}
	}
	require.Equal(t, owners, held)
}

// TestF051_CrashAtEveryRequest ends the process before, and after, each request of a flow in turn. Nothing that is left over may block
// a value or let two items have it.
func TestF051_CrashAtEveryRequest(t *testing.T) {
	t.Parallel()
	flow := func(ctx context.Context, table *monotable.Table, e *monotable.Entity[person]) error {
		if _, err := e.Create(ctx, person{ID: "ann", Org: "o", Name: "Ann", Email: "ann@x.io"}); err != nil {
			return err
		}
		if _, err := e.Update(ctx, person{ID: "ann"}, personEmail.Set("ann@y.io")); err != nil {
			return err
		}
		if _, err := e.Put(ctx, person{ID: "ann", Org: "p", Name: "Ann", Email: "ann@z.io"}); err != nil {
			return err
		}
		if _, err := e.Modify(ctx, person{ID: "ann"}, func(p *person) error { p.Name = "Anna"; return nil }); err != nil {
			return err
		}
		if _, err := e.Upsert(ctx, person{ID: "bob"}, personEmail.Set("ann@x.io"), personOrg.Set("o")); err != nil {
			return err
		}
		if err := table.TransactWrite(ctx, e.UpdateOp(person{ID: "ann"}, personEmail.Set("ann@x.io")), e.DeleteOp(person{ID: "bob"})); err != nil {
			return err
		}
		_, err := e.Delete(ctx, person{ID: "ann"})
		return err
	}
	// crashed ends the process at the n-th request; it says whether there was one.
	crashed := func(t *testing.T, stop func(*monotabletest.Faults, int), n int) (there bool) {
		s := openStore(t, monotable.TableConfig{})
		var faults monotabletest.Faults
		table := s.over(faults.Client(s.client))
		stop(&faults, n)
		err := flow(t.Context(), table, mustEntity(t, table, personSchema()))
		requireUnique(t, s)
		if len(faults.Requests()) < n {
			require.NoError(t, err)
			require.Greater(t, n, 12)
			return false
		}
		var written *monotable.DecodeError // the write went through, and then the item could not be read back
		if !errors.As(err, &written) || !written.Written {
			require.ErrorIs(t, err, monotabletest.ErrStopped)
		}
		// Another process finishes the work: every value is to be had.
		again := mustEntity(t, s.Table, personSchema())
		_, err = again.Delete(t.Context(), person{ID: "bob"})
		require.NoError(t, err)
		_, err = again.Delete(t.Context(), person{ID: "ann"})
		require.NoError(t, err)
		require.NoError(t, flow(t.Context(), s.Table, again))
		require.Empty(t, s.dump())
		return true
	}
	for name, stop := range map[string]func(*monotabletest.Faults, int){"before": (*monotabletest.Faults).StopAt, "after": (*monotabletest.Faults).StopAfter} {
		for n, more := 1, true; more; n++ {
			t.Run(fmt.Sprintf("%s request %d", name, n), func(t *testing.T) { more = false; more = crashed(t, stop, n) })
		}
	}
}

// TestF051_ManyWritersOfFewValues lets 32 writers create, change and delete items with 8 values among them, while replies are lost, the service throttles and
// fails.
func TestF051_ManyWritersOfFewValues(t *testing.T) {
	t.Parallel()
	const writers, turns, values = 32, 12, 8
	s := openStore(t, monotable.TableConfig{})
	var faults monotabletest.Faults
	faults.Rate("", 0.05, monotabletest.ReplyLost())
	faults.Rate("", 0.05, monotabletest.InternalServerError())
	faults.Rate("", 0.05, monotabletest.Throttle("ThrottlingException"))
	faults.Rate("TransactWriteItems", 0.05, monotabletest.TransactionConflict())
	table := s.over(faults.Client(s.client, hasty)).With(monotable.Backoff(atEase))
	e := mustEntity(t, table, personSchema())
	var mu sync.Mutex
	outcomes := map[string]int{}
	var running sync.WaitGroup
	for w := range writers {
		random := rand.New(rand.NewPCG(51, uint64(w)))
		running.Go(func() {
			for range turns {
				id := fmt.Sprint(random.IntN(values * 2))
				email := fmt.Sprintf("v%d@x.io", random.IntN(values))
				name := ""
				if random.IntN(2) == 0 {
					name = fmt.Sprintf("n%d", random.IntN(values))
				}
				item := person{ID: id, Org: "o", Name: name, Email: email}
				var err error
				switch random.IntN(7) {
				case 0, 1:
					_, err = e.Create(t.Context(), item)
				case 2:
					_, err = e.Put(t.Context(), item)
				case 3:
					_, err = e.Update(t.Context(), item, personEmail.Set(email))
				case 4:
					_, err = e.Modify(t.Context(), item, func(p *person) error { p.Email, p.Name = email, name; return nil })
				case 5:
					_, err = e.Delete(t.Context(), item)
				case 6:
					err = table.TransactWrite(t.Context(), e.UpsertOp(item, personEmail.Set(email), personOrg.Set("o")))
				}
				outcome := "a read failed"
				for _, is := range []error{nil, monotable.ErrDuplicate, monotable.ErrConditionFailed, monotable.ErrOutcomeUnknown, monotable.ErrThrottled} {
					if is == nil && err == nil || is != nil && errors.Is(err, is) {
						outcome = fmt.Sprint(is)
						break
					}
				}
				var written *monotable.DecodeError
				if errors.As(err, &written) && written.Written {
					outcome = "written, and deleted before it was read back"
				}
				var cancelled *monotable.TransactionError
				if errors.As(err, &cancelled) && outcome == "a read failed" {
					outcome = "conflicts to the end"
				}
				mu.Lock()
				outcomes[outcome]++
				mu.Unlock()
			}
		})
	}
	running.Wait()
	t.Log(outcomes, len(faults.Requests()), "requests")
	requireUnique(t, s)
	require.Greater(t, outcomes["<nil>"], writers)
	for p, err := range mustEntity(t, s.Table, personSchema()).CheckUnique(t.Context()) {
		require.NoError(t, err)
		t.Errorf("%+v", p)
	}
}
