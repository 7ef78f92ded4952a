package lease_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/lease"
	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/monotabletest"
)

type rawItem = map[string]types.AttributeValue

// ground is a table and the plain client beside it.
type ground struct {
	t      testing.TB
	client *dynamodb.Client
	table  *monotable.Table
}

var pkSK = monotable.TableConfig{Name: "leased", PartitionKey: "PK", SortKey: "SK"}

func newGround(t testing.TB) *ground { return groundOn(t, monotabletest.Client(t)) }

// inMemory is for bubbles of synctest, which a server is outside of.
func inMemory(t testing.TB) *ground { return groundOn(t, memdb.New(memdb.Options{}).Client()) }

func groundOn(t testing.TB, client *dynamodb.Client) *ground {
	return &ground{t: t, client: client, table: monotabletest.TableOn(t, client, pkSK)}
}

// store is that of one process.
func (g *ground) store(client monotable.Client, opts ...lease.StoreOption) *lease.Store {
	g.t.Helper()
	table, err := monotable.NewTable(client, pkSK)
	require.NoError(g.t, err)
	store, err := lease.NewStore(table, append([]lease.StoreOption{lease.Logger(slog.New(slog.DiscardHandler))}, opts...)...)
	require.NoError(g.t, err)
	return store
}

// through is the store of a process whose requests meet faults.
func (g *ground) through(faults *monotabletest.Faults, opts ...lease.StoreOption) *lease.Store {
	return g.store(faults.Client(g.client), opts...)
}

func (g *ground) item(pk, sk string) rawItem {
	g.t.Helper()
	out, err := g.client.GetItem(context.Background(), &dynamodb.GetItemInput{TableName: &pkSK.Name, Key: keyOf(pk, sk), ConsistentRead: new(true)})
	require.NoError(g.t, err)
	return out.Item
}

func (g *ground) put(item rawItem) {
	g.t.Helper()
	_, err := g.client.PutItem(context.Background(), &dynamodb.PutItemInput{TableName: &pkSK.Name, Item: item})
	require.NoError(g.t, err)
}

func avS(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
func avN(n int) types.AttributeValue    { return &types.AttributeValueMemberN{Value: strconv.Itoa(n)} }

func keyOf(pk, sk string) rawItem { return rawItem{"PK": avS(pk), "SK": avS(sk)} }

func release(t testing.TB, l *lease.Lease) {
	t.Helper()
	require.NoError(t, l.Release(context.Background()))
}

func TestLease_OneHolder(t *testing.T) {
	g := newGround(t)
	a, b := g.store(g.client, lease.Holder("host a")), g.store(g.client)
	first, err := a.TryAcquire(t.Context(), "job", time.Hour)
	require.NoError(t, err)
	require.EqualValues(t, 1, first.Fence())
	require.Equal(t, "job", first.Name())

	_, err = b.TryAcquire(t.Context(), "job", time.Hour)
	require.ErrorIs(t, err, lease.ErrHeld)
	var held *lease.HeldError
	require.ErrorAs(t, err, &held)
	require.Equal(t, "host a", held.Holder)
	require.WithinDuration(t, time.Now().Add(time.Hour), held.Until, time.Minute)

	other, err := b.TryAcquire(t.Context(), "another job", time.Hour)
	require.NoError(t, err)
	release(t, other)

	release(t, first)
	release(t, first) // twice is as good as once
	require.ErrorIs(t, first.Context().Err(), context.Canceled)
	require.ErrorIs(t, first.Save(t.Context(), rawItem{"x": avN(1)}), lease.ErrLost)
	second, err := b.TryAcquire(t.Context(), "job", 0)
	require.NoError(t, err)
	require.EqualValues(t, 2, second.Fence())
	release(t, second)

	r, err := a.Load(t.Context(), "job")
	require.NoError(t, err)
	require.Equal(t, lease.Record{Fence: 2, Data: rawItem{}}, r)
	r, err = a.Load(t.Context(), "never")
	require.NoError(t, err)
	require.Zero(t, r)
}

func TestLease_Data(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	s := g.store(g.client)
	l, err := s.Acquire(t.Context(), "job", time.Hour)
	require.NoError(t, err)
	require.Empty(t, l.Data())
	require.NoError(t, l.Save(t.Context(), rawItem{"a": avN(1), "b.c#d": avS("x")}))
	require.NoError(t, l.Save(t.Context(), rawItem{"a": nil, "e": avS("y")}))
	want := rawItem{"b.c#d": avS("x"), "e": avS("y")}
	require.Equal(t, want, l.Data())
	r, err := s.Load(t.Context(), "job")
	require.NoError(t, err)
	require.True(t, r.Held)
	require.Equal(t, want, r.Data)
	release(t, l)
	l, err = s.Acquire(t.Context(), "job", time.Hour)
	require.NoError(t, err)
	require.Equal(t, want, l.Data())
	release(t, l)
}

func TestLease_WhereRecordsStand(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	l, err := g.store(g.client).Acquire(t.Context(), "job", 0)
	require.NoError(t, err)
	require.Equal(t, avS(lease.Tag), g.item("LEASE#job", "LEASE#job")["_et"])
	release(t, l)

	l, err = g.store(g.client, lease.Prefix("OPS/")).Acquire(t.Context(), "job", 0)
	require.NoError(t, err)
	require.NotEmpty(t, g.item("OPS/job", "OPS/job"))
	release(t, l)

	// Another's item is not touched.
	theirs := rawItem{"PK": avS("LEASE#taken"), "SK": avS("LEASE#taken"), "_et": avS("User")}
	g.put(theirs)
	_, err = g.store(g.client).Acquire(t.Context(), "taken", 0)
	require.ErrorContains(t, err, "no record")
	require.Equal(t, theirs, g.item("LEASE#taken", "LEASE#taken"))

	for _, name := range []string{"", string(make([]byte, 600))} {
		_, err = g.store(g.client).Acquire(t.Context(), name, 0)
		require.ErrorIs(t, err, monotable.ErrInvalid)
		require.ErrorIs(t, err, monotable.ErrInvalid)
	}
	_, err = g.store(g.client).Acquire(t.Context(), "job", time.Millisecond)
	require.ErrorIs(t, err, monotable.ErrInvalid)
}

func TestLease_TablesOfOtherKeys(t *testing.T) {
	t.Parallel()
	client := monotabletest.Client(t)
	simple := monotabletest.TableOn(t, client, monotable.TableConfig{Name: "simple", PartitionKey: "id"})
	s, err := lease.NewStore(simple)
	require.NoError(t, err)
	l, err := s.Acquire(t.Context(), "job", 0)
	require.NoError(t, err)
	require.NoError(t, l.Save(t.Context(), rawItem{"a": avN(1)}))
	release(t, l)
	l, err = s.Acquire(t.Context(), "job", 0)
	require.NoError(t, err)
	require.EqualValues(t, 2, l.Fence())
	require.Equal(t, rawItem{"a": avN(1)}, l.Data())
	release(t, l)

	for _, cfg := range []monotable.TableConfig{
		{PartitionKey: "id", PartitionKeyType: "N"},
		{PartitionKey: "id", SortKey: "at", SortKeyType: "B"},
		{PartitionKey: "id", Indexes: []monotable.Index{{Name: "byOwner", PartitionKey: "_owner"}}},
		{PartitionKey: "id", Indexes: []monotable.Index{{Name: "byData", PartitionKeys: []monotable.KeyAttribute{{Name: "a"}, {Name: "_data"}}}}},
	} {
		cfg.Name = "odd"
		table, err := monotable.NewTable(client, cfg)
		require.NoError(t, err)
		_, err = lease.NewStore(table)
		require.ErrorIs(t, err, monotable.ErrInvalid)
	}
}

// A lease that is renewed stays, however long the work takes and whatever the clocks of the machines show.
func TestF134_LiveLeaseStays(t *testing.T) {
	for _, skew := range []time.Duration{0, 10 * time.Hour, -10 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			g := inMemory(t)
			skewed := lease.Clock(func() time.Time { return time.Now().Add(skew) })
			a, b := g.store(g.client, skewed), g.store(g.client)
			l, err := a.Acquire(t.Context(), "job", 30*time.Second)
			require.NoError(t, err)
			for range 20 {
				start := time.Now()
				_, err = b.Acquire(t.Context(), "job", 30*time.Second)
				require.ErrorIs(t, err, lease.ErrHeld)
				require.Less(t, time.Since(start), 20*time.Second)
				_, err = b.TryAcquire(t.Context(), "job", 30*time.Second)
				require.ErrorIs(t, err, lease.ErrHeld)
			}
			require.NoError(t, l.Context().Err())
			require.NoError(t, l.Save(t.Context(), rawItem{"a": avN(1)}))

			waiting := make(chan struct{})
			go func() {
				defer close(waiting)
				next, err := b.AcquireWait(t.Context(), "job", 30*time.Second)
				require.NoError(t, err)
				require.EqualValues(t, 2, next.Fence())
				release(t, next)
			}()
			time.Sleep(time.Hour)
			select {
			case <-waiting:
				require.Fail(t, "did not wait")
			default:
			}
			require.NoError(t, l.Context().Err())
			release(t, l)
			<-waiting
		})
	}
}

// A holder that the table no longer hears stops believing in its lease before another one takes it, and writes nothing after.
func TestF134_DeadLeaseIsTakenOver(t *testing.T) {
	for _, skew := range []time.Duration{0, 10 * time.Hour, -10 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			const ttl = 30 * time.Second
			g := inMemory(t)
			var faults monotabletest.Faults
			skewed := lease.Clock(func() time.Time { return time.Now().Add(skew) })
			l, err := g.through(&faults, skewed).Acquire(t.Context(), "job", ttl)
			require.NoError(t, err)
			require.NoError(t, l.Save(t.Context(), rawItem{"a": avN(1)}))
			start := time.Now()
			faults.StopAt(len(faults.Requests()) + 1)
			lost := make(chan time.Time, 1)
			context.AfterFunc(l.Context(), func() { lost <- time.Now() })

			b := g.store(g.client)
			next, err := b.Acquire(t.Context(), "job", ttl)
			require.NoError(t, err)
			require.GreaterOrEqual(t, time.Since(start), ttl)
			require.Less(t, time.Since(start), 2*ttl)
			require.EqualValues(t, 2, next.Fence())
			require.Equal(t, rawItem{"a": avN(1)}, next.Data())

			require.Less(t, (<-lost).Sub(start), ttl)
			require.ErrorIs(t, context.Cause(l.Context()), lease.ErrLost)
			before := len(faults.Requests())
			require.ErrorIs(t, l.Save(t.Context(), rawItem{"a": avN(2)}), lease.ErrLost)
			require.Len(t, faults.Requests(), before, "sent although lost")
			faults.Reset()
			require.ErrorIs(t, l.Release(t.Context()), lease.ErrLost)
			require.NoError(t, next.Renew(t.Context()), "released another's lease")
			release(t, next)
		})
	}
}

// late delivers a request when the time has come, whether or not anybody waits for the reply, as a network may.
func late(when <-chan struct{}, delivered *sync.WaitGroup, status *atomic.Int64) monotabletest.Fault {
	return func(r *http.Request, do func(*http.Request) (*http.Response, error)) (*http.Response, error) {
		delivered.Go(func() {
			<-when
			if resp, err := do(r.WithContext(context.WithoutCancel(r.Context()))); err == nil {
				status.Store(int64(resp.StatusCode))
			}
		})
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
}

// A holder's write that arrives when another one has the lease is refused, and so is one of its own that arrives after a later one.
func TestF134_LateWritesAreRefused(t *testing.T) {
	const ttl = 30 * time.Second
	t.Run("after the lease", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			g := inMemory(t)
			var faults monotabletest.Faults
			l, err := g.through(&faults).Acquire(t.Context(), "job", ttl)
			require.NoError(t, err)
			var delivered sync.WaitGroup
			var status atomic.Int64
			when := make(chan struct{})
			faults.Script("UpdateItem", late(when, &delivered, &status))
			faults.Rate("", 1, monotabletest.SendingBroken())
			require.ErrorIs(t, l.Save(t.Context(), rawItem{"a": avN(1)}), lease.ErrLost)
			next, err := g.store(g.client).Acquire(t.Context(), "job", ttl)
			require.NoError(t, err)
			close(when) // both have written once, so their records differ in the owner alone
			delivered.Wait()
			require.EqualValues(t, http.StatusBadRequest, status.Load())
			require.NoError(t, next.Save(t.Context(), rawItem{"b": avN(2)}))
			r, err := g.store(g.client).Load(t.Context(), "job")
			require.NoError(t, err)
			require.Equal(t, rawItem{"b": avN(2)}, r.Data)
			release(t, next)
			faults.Reset()
			_ = l.Release(t.Context())
		})
	})
	t.Run("after a later one", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			g := inMemory(t)
			var faults monotabletest.Faults
			l, err := g.through(&faults).Acquire(t.Context(), "job", ttl)
			require.NoError(t, err)
			var delivered sync.WaitGroup
			var status atomic.Int64
			when := make(chan struct{})
			faults.Script("UpdateItem", late(when, &delivered, &status))
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			require.ErrorIs(t, l.Save(ctx, rawItem{"a": avN(1)}), context.DeadlineExceeded)
			require.NoError(t, l.Save(t.Context(), rawItem{"a": avN(2)}))
			close(when)
			delivered.Wait()
			require.EqualValues(t, http.StatusBadRequest, status.Load())
			r, err := g.store(g.client).Load(t.Context(), "job")
			require.NoError(t, err)
			require.Equal(t, rawItem{"a": avN(2)}, r.Data)
			release(t, l)
		})
	})
	t.Run("after its release", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			g := inMemory(t)
			var faults monotabletest.Faults
			s := g.through(&faults)
			for range 2 { // of a record that is new, and of one that is not
				var delivered sync.WaitGroup
				var status atomic.Int64
				when := make(chan struct{})
				faults.Script("UpdateItem", late(when, &delivered, &status)) // the acquisition is sent a second time
				l, err := s.Acquire(t.Context(), "job", ttl)
				require.NoError(t, err)
				release(t, l)
				close(when)
				delivered.Wait()
				require.EqualValues(t, http.StatusBadRequest, status.Load())
				r, err := g.store(g.client).Load(t.Context(), "job")
				require.NoError(t, err)
				require.False(t, r.Held)
			}
		})
	})
}

// A holder that is heard again at the last moment, between the taker's look and its write, keeps its lease.
func TestF134_HeardAtTheLastMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const ttl = 30 * time.Second
		g := inMemory(t)
		var silent monotabletest.Faults
		l, err := g.through(&silent).Acquire(t.Context(), "job", ttl)
		require.NoError(t, err)
		silent.StopAt(1)
		start := time.Now()
		var taker monotabletest.Faults
		taker.Between(func(r monotabletest.Request) {
			if r.Operation == "GetItem" && time.Since(start) >= ttl {
				_, err := g.client.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
					TableName: &pkSK.Name, Key: keyOf("LEASE#job", "LEASE#job"), UpdateExpression: new("ADD #b :one"),
					ExpressionAttributeNames: map[string]string{"#b": "_beat"}, ExpressionAttributeValues: rawItem{":one": avN(1)},
				})
				require.NoError(t, err)
			}
		})
		_, err = g.through(&taker).Acquire(t.Context(), "job", ttl)
		require.ErrorIs(t, err, lease.ErrHeld)
		require.GreaterOrEqual(t, time.Since(start), ttl)
		silent.Reset()
		release(t, l)
	})
}

// Replies that are lost or cannot be read are no reason to lose the lease, whether the SDK tries again or not.
func TestF134_LostReplies(t *testing.T) {
	for name, fault := range map[string]monotabletest.Fault{
		"lost": monotabletest.ReplyLost(), "empty": monotabletest.AfterApplying(monotabletest.Empty()), "garbled": monotabletest.Garbled(),
		"cut": monotabletest.Truncated(7), "500": monotabletest.AfterApplying(monotabletest.InternalServerError()),
		"silent": monotabletest.AfterApplying(monotabletest.Silent()), "throttled": monotabletest.Throttle(""), "not sent": monotabletest.NotSent(),
	} {
		for _, retrying := range []bool{true, false} {
			t.Run(name+" "+strconv.FormatBool(retrying), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					g := inMemory(t)
					var faults monotabletest.Faults
					s := g.store(faults.Client(g.client, func(o *dynamodb.Options) {
						if !retrying {
							o.Retryer = aws.NopRetryer{}
						}
					}))
					hit := func() {
						faults.Script("UpdateItem", fault, fault)
						faults.Script("GetItem", fault)
					}
					hit()
					l, err := s.Acquire(t.Context(), "job", 5*time.Minute)
					require.NoError(t, err)
					require.EqualValues(t, 1, l.Fence())
					for i := range 3 {
						hit()
						before := len(faults.Requests())
						require.NoError(t, l.Save(t.Context(), rawItem{"a": avN(i)}))
						if name != "silent" { // which takes so long that the background renews too
							require.Equal(t, before+3, len(faults.Requests()), "two that met the fault, one that tells what came of them")
						}
					}
					require.Equal(t, rawItem{"a": avN(2)}, l.Data())
					hit()
					require.NoError(t, l.Renew(t.Context()))
					require.NoError(t, l.Context().Err())
					hit()
					release(t, l)
					r, err := g.store(g.client).Load(t.Context(), "job")
					require.NoError(t, err)
					require.Equal(t, lease.Record{Fence: 1, Data: rawItem{"a": avN(2)}}, r)
				})
			})
		}
	}
}

// A write whose outcome stays unknown does not stand in the way of the next.
func TestF134_UnknownOutcomes(t *testing.T) {
	for name, fault := range map[string]monotabletest.Fault{"applied": monotabletest.AfterApplying(monotabletest.Silent()), "not applied": monotabletest.Silent()} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := inMemory(t)
				var faults monotabletest.Faults
				l, err := g.through(&faults).Acquire(t.Context(), "job", time.Hour)
				require.NoError(t, err)
				faults.Script("UpdateItem", fault)
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				require.ErrorIs(t, l.Save(ctx, rawItem{"a": avN(1)}), context.DeadlineExceeded)
				require.NoError(t, l.Save(t.Context(), rawItem{"b": avN(2)}))
				require.Equal(t, avN(2), l.Data()["b"])
				require.Equal(t, name == "applied", l.Data()["a"] != nil)
				require.NoError(t, l.Context().Err())
				release(t, l)
			})
		})
	}
}

func TestF134_ManyTakersOneHolder(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	other := g.store(g.client)
	for round := range 8 {
		s := g.store(g.client)
		var won atomic.Pointer[lease.Lease]
		var wg sync.WaitGroup
		for i := range 32 {
			wg.Go(func() {
				from := s
				if i%2 == 0 {
					from = other
				}
				l, err := from.TryAcquire(t.Context(), "job", time.Hour)
				if err == nil {
					require.True(t, won.CompareAndSwap(nil, l), "two holders")
				} else {
					require.ErrorIs(t, err, lease.ErrHeld)
				}
			})
		}
		wg.Wait()
		require.EqualValues(t, round+1, won.Load().Fence())
		release(t, won.Load())
	}
}

// A transaction with the lease's check is refused when the lease is another's.
func TestF134_FencedTransaction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := inMemory(t)
		write := func(l *lease.Lease, n int) error {
			_, err := g.client.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
				l.Check(), {Put: &types.Put{TableName: &pkSK.Name, Item: rawItem{"PK": avS("x"), "SK": avS("x"), "n": avN(n)}}},
			}})
			return err
		}
		var faults monotabletest.Faults
		l, err := g.through(&faults).Acquire(t.Context(), "job", time.Second)
		require.NoError(t, err)
		require.NoError(t, write(l, 1))
		faults.StopAt(1)
		next, err := g.store(g.client).Acquire(t.Context(), "job", time.Minute)
		require.NoError(t, err)
		require.NoError(t, write(next, 2))
		var canceled *types.TransactionCanceledException
		require.ErrorAs(t, write(l, 3), &canceled)
		require.Equal(t, avN(2), g.item("x", "x")["n"])
		release(t, next)
		require.ErrorAs(t, write(next, 4), &canceled, "released")
		_ = l.Release(t.Context())
	})
}

// plain is a client that passes neither the item of a failed condition on nor the SDK's options.
type plain struct{ *dynamodb.Client }

func (c plain) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	own := *in
	own.ReturnValuesOnConditionCheckFailure = ""
	return c.Client.UpdateItem(ctx, &own)
}

func TestF134_LostReplyWithoutTheItem(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	var faults monotabletest.Faults
	s := g.store(plain{faults.Client(g.client)})
	faults.Script("UpdateItem", monotabletest.ReplyLost())
	l, err := s.TryAcquire(t.Context(), "job", time.Hour)
	require.NoError(t, err)
	faults.Script("UpdateItem", monotabletest.ReplyLost())
	require.NoError(t, l.Save(t.Context(), rawItem{"a": avN(1)}))
	faults.Script("UpdateItem", monotabletest.ReplyLost())
	release(t, l)
}

// The lease ends with the context it was acquired with; work can still be saved and the lease released.
func TestLease_ContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := inMemory(t)
		ctx, cancel := context.WithCancelCause(t.Context())
		l, err := g.store(g.client).Acquire(ctx, "job", time.Minute)
		require.NoError(t, err)
		why := errors.New("enough")
		cancel(why)
		synctest.Wait()
		require.ErrorIs(t, context.Cause(l.Context()), why)
		require.NoError(t, l.Save(t.Context(), rawItem{"a": avN(1)}))
		release(t, l)

		ctx, cancel = context.WithCancelCause(t.Context())
		l, err = g.store(g.client).Acquire(ctx, "job", time.Minute)
		require.NoError(t, err)
		cancel(why)
		time.Sleep(time.Hour) // it is not renewed any more
		require.ErrorIs(t, l.Save(t.Context(), nil), lease.ErrLost)
		next, err := g.store(g.client).Acquire(t.Context(), "job", time.Minute)
		require.NoError(t, err)
		release(t, next)

		ctx, cancel = context.WithCancelCause(t.Context())
		cancel(why)
		_, err = g.store(g.client).Acquire(ctx, "job", time.Minute)
		require.ErrorIs(t, err, why)
	})
}

func TestLease_ErrorsQuoteNothing(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	table, err := monotable.NewTable(g.client, monotable.TableConfig{Name: "absent", PartitionKey: "PK"})
	require.NoError(t, err)
	s, err := lease.NewStore(table)
	require.NoError(t, err)
	_, err = s.Acquire(t.Context(), "job", 0)
	var missing *types.ResourceNotFoundException
	require.ErrorAs(t, err, &missing)
	require.EqualError(t, err, `lease: read record "job" in table absent: ResourceNotFoundException: the table that holds the records must be there first, see Ensure`)
}
