package stream_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/lease"
	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/monotabletest"
	"github.com/monotable/monotable/stream"
)

// engineShop is a shop in memory, for tests in virtual time.
type engineShop struct {
	*shop
	engine *memdb.Engine
}

func openEngine(t *testing.T, options memdb.Options) *engineShop {
	t.Helper()
	engine := memdb.New(options)
	s := &engineShop{shop: &shop{T: t, client: engine.StreamsClient()}, engine: engine}
	s.table = monotabletest.TableOn(t, engine.Client(), shopConfig)
	s.users, s.orders = monotable.MustEntity(s.table, userSchema), monotable.MustEntity(s.table, orderSchema)
	s.arn = monotabletest.SwitchOnStream(t, engine.Client(), "shop", types.StreamViewTypeNewAndOldImages)
	return s
}

// poller is a poller of the shop's stream, with a store of its own, as a process has it.
func (s *shop) poller(router *stream.Router, change ...func(*stream.PollerConfig)) *stream.Poller {
	s.Helper()
	cfg := stream.PollerConfig{Client: s.client, Stream: s.arn, Name: "test", Store: s.store()}
	for _, f := range change {
		f(&cfg)
	}
	p, err := stream.NewPoller(router, cfg)
	require.NoError(s, err)
	return p
}

// start runs a poller until the function it gives is called.
func start(t *testing.T, p *stream.Poller) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	return func() error {
		cancel()
		return <-ended
	}
}

// calm is for hours in which nothing comes: virtual time is cheap, the requests in it are not.
func calm(c *stream.PollerConfig) { c.Idle = 10 * time.Second }

// quick is for servers, where time is real.
func quick(c *stream.PollerConfig) {
	c.Idle, c.Discover, c.LeaseTTL = 50*time.Millisecond, 200*time.Millisecond, 3*time.Second
}

// latest follows users as the stream tells of them.
type latest struct {
	mu    sync.Mutex
	users map[string]user
	seen  map[string]int // by sequence number
}

func (l *latest) router(s *shop) *stream.Router {
	l.users, l.seen = map[string]user{}, map[string]int{}
	note := func(ctx context.Context, u user, there bool) error {
		r, _ := stream.Current(ctx)
		l.mu.Lock()
		defer l.mu.Unlock()
		l.seen[r.Sequence]++
		if delete(l.users, u.ID); there {
			l.users[u.ID] = u
		}
		return nil
	}
	return stream.MustRouter(stream.On(s.users).
		Upsert(func(ctx context.Context, u user) error { return note(ctx, u, true) }).
		Remove(func(ctx context.Context, u user) error { return note(ctx, u, false) }))
}

func (l *latest) names() map[string]string {
	l.mu.Lock()
	defer l.mu.Unlock()
	names := map[string]string{}
	for id, u := range l.users {
		names[id] = u.Name
	}
	return names
}

func (s *shop) names() map[string]string {
	s.Helper()
	names := map[string]string{}
	for u, err := range s.users.With(monotable.Consistent()).Scan().All(s.Context()) {
		require.NoError(s, err)
		names[u.ID] = u.Name
	}
	return names
}

func TestPoller_FollowsAndGoesOnWhereItStopped(t *testing.T) {
	s := openFullShop(t)
	ctx := t.Context()
	var l latest
	router := l.router(s)
	_, err := s.users.Put(ctx, user{ID: "a", Name: "1"})
	require.NoError(t, err)
	stop := start(t, s.poller(router, quick))
	_, err = s.users.Put(ctx, user{ID: "b", Name: "1"})
	require.NoError(t, err)
	_, err = s.users.Update(ctx, user{ID: "a"}, userName.Set("2"))
	require.NoError(t, err)
	same := func() bool { return fmt.Sprint(l.names()) == fmt.Sprint(s.names()) }
	require.Eventually(t, same, 20*time.Second, 20*time.Millisecond)
	require.NoError(t, stop())

	_, err = s.users.Delete(ctx, user{ID: "b"})
	require.NoError(t, err)
	_, err = s.users.Put(ctx, user{ID: "c", Name: "1"})
	require.NoError(t, err)
	stop = start(t, s.poller(router, quick))
	require.Eventually(t, same, 20*time.Second, 20*time.Millisecond)
	require.NoError(t, stop())
	for sequence, n := range l.seen {
		require.Equal(t, 1, n, sequence)
	}
	require.Len(t, l.seen, 5)
}

// Eight writers change two entity types while the poller is stopped and started again; nothing is lost.
func TestPoller_LosesNothingWhileOthersWrite(t *testing.T) {
	s := openFullShop(t)
	var people latest
	router := people.router(s)
	var mu sync.Mutex
	totals := map[string]int{}
	note := func(o order, sign int) error {
		mu.Lock()
		defer mu.Unlock()
		if totals[o.User+o.ID] = o.Total; sign == 0 {
			delete(totals, o.User+o.ID)
		}
		return nil
	}
	both := stream.MustRouter(
		stream.On(s.orders).
			Upsert(func(_ context.Context, o order) error { return note(o, 1) }).
			Remove(func(_ context.Context, o order) error { return note(o, 0) }),
		stream.On(s.users).
			Upsert(func(ctx context.Context, u user) error { return router.Handle(ctx, current(ctx)) }).
			Remove(func(ctx context.Context, u user) error { return router.Handle(ctx, current(ctx)) }),
	)
	var writers sync.WaitGroup
	for w := range 8 {
		writers.Go(func() {
			for i := range 60 {
				id := fmt.Sprintf("%d-%d", w, i%7)
				var err error
				switch i % 5 {
				case 4:
					_, err = s.users.Delete(t.Context(), user{ID: id})
					if err == nil {
						_, err = s.orders.Delete(t.Context(), order{User: id, ID: "1"})
					}
				case 2:
					_, err = s.orders.Put(t.Context(), order{User: id, ID: "1", Total: i})
				default:
					_, err = s.users.Upsert(t.Context(), user{ID: id}, userName.Set(fmt.Sprint(i)))
				}
				require.NoError(t, err)
			}
		})
	}
	for range 3 {
		stop := start(t, s.poller(both, quick, func(c *stream.PollerConfig) { c.PageSize = 37 }))
		time.Sleep(200 * time.Millisecond)
		require.NoError(t, stop())
	}
	writers.Wait()
	stop := start(t, s.poller(both, quick))
	orders := map[string]int{}
	for o, err := range s.orders.With(monotable.Consistent()).Scan().All(t.Context()) {
		require.NoError(t, err)
		orders[o.User+o.ID] = o.Total
	}
	require.Eventually(t, func() bool {
		mu.Lock()
		defer mu.Unlock()
		return fmt.Sprint(people.names()) == fmt.Sprint(s.names()) && fmt.Sprint(totals) == fmt.Sprint(orders)
	}, 30*time.Second, 50*time.Millisecond)
	require.NoError(t, stop())
	require.NotEmpty(t, orders)
}

func current(ctx context.Context) stream.Record {
	r, _ := stream.Current(ctx)
	return r
}

func TestPoller_ParentsBeforeChildren(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openEngine(t, memdb.Options{StreamShards: 3})
		var mu sync.Mutex
		order := map[string][]string{}
		router := stream.MustRouter(stream.On(s.users).Upsert(func(_ context.Context, u user) error {
			mu.Lock()
			defer mu.Unlock()
			order[u.ID] = append(order[u.ID], u.Name)
			return nil
		}))
		write := func(name string) {
			for i := range 30 {
				_, err := s.users.Upsert(t.Context(), user{ID: fmt.Sprint(i)}, userName.Set(name))
				require.NoError(t, err)
			}
		}
		write("1")
		require.NoError(t, s.engine.SplitShards("shop"))
		write("2")
		require.NoError(t, s.engine.RollShards("shop"))
		write("3")
		stop := start(t, s.poller(router, func(c *stream.PollerConfig) { c.PageSize = 7 }))
		time.Sleep(time.Minute)
		write("4")
		require.NoError(t, s.engine.SplitShards("shop"))
		write("5")
		time.Sleep(time.Minute)
		require.NoError(t, stop())
		require.Len(t, order, 30)
		for id, names := range order {
			require.Equal(t, []string{"1", "2", "3", "4", "5"}, names, id)
		}
	})
}

func TestPoller_StreamThatEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openEngine(t, memdb.Options{})
		monotabletest.Seed(t, s.users, user{ID: "a", Name: "1"})
		_, err := s.engine.Client().UpdateTable(t.Context(), &dynamodb.UpdateTableInput{
			TableName: new("shop"), StreamSpecification: &types.StreamSpecification{StreamEnabled: new(false)},
		})
		require.NoError(t, err)
		var l latest
		require.NoError(t, s.poller(l.router(s.shop)).Run(t.Context()))
		require.Equal(t, map[string]string{"a": "1"}, l.names())
	})
}

// Once a consumer has begun, its checkpoints count, whatever Start says.
func TestPoller_StartCountsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openEngine(t, memdb.Options{})
		var l latest
		run := func(from stream.Start) {
			stop := start(t, s.poller(l.router(s.shop), func(c *stream.PollerConfig) { c.Start = from }))
			time.Sleep(time.Minute)
			require.NoError(t, stop())
		}
		monotabletest.Seed(t, s.users, user{ID: "old"})
		time.Sleep(time.Hour)
		run(stream.Start{Latest: true})
		monotabletest.Seed(t, s.users, user{ID: "a"})
		run(stream.Start{})
		require.Equal(t, map[string]string{"a": ""}, l.names())
		monotabletest.Seed(t, s.users, user{ID: "b"})
		run(stream.Start{Latest: true})
		require.Equal(t, map[string]string{"b": ""}, l.names())
	})
}

func TestPoller_StartTellsWhatItBeginsWith(t *testing.T) {
	for name, c := range map[string]struct {
		start func(middle time.Time) stream.Start
		want  []string
	}{
		"horizon": {func(time.Time) stream.Start { return stream.Start{} }, []string{"middle", "new", "old", "older"}},
		"latest":  {func(time.Time) stream.Start { return stream.Start{Latest: true} }, []string{"new"}},
		"at":      {func(at time.Time) stream.Start { return stream.Start{At: at} }, []string{"middle", "new"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := openEngine(t, memdb.Options{StreamShards: 2})
				monotabletest.Seed(t, s.users, user{ID: "old"})
				require.NoError(t, s.engine.RollShards("shop"))
				monotabletest.Seed(t, s.users, user{ID: "older"})
				time.Sleep(time.Hour)
				middle := time.Now()
				monotabletest.Seed(t, s.users, user{ID: "middle"})
				time.Sleep(time.Hour)
				var l latest
				stop := start(t, s.poller(l.router(s.shop), func(p *stream.PollerConfig) { p.Start = c.start(middle) }))
				time.Sleep(time.Minute)
				monotabletest.Seed(t, s.users, user{ID: "new"})
				time.Sleep(time.Minute)
				require.NoError(t, stop())
				names := l.names()
				require.Len(t, names, len(c.want), "%v", names)
				for _, id := range c.want {
					require.Contains(t, names, id)
				}
			})
		})
	}
}

// A first run from the latest that dies before there was any record loses none that comes until the second one.
func TestPoller_LatestSurvivesACrashBeforeTheFirstRecord(t *testing.T) {
	for _, later := range []time.Duration{time.Minute, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			s := openEngine(t, memdb.Options{StreamShards: 2})
			monotabletest.Seed(t, s.users, user{ID: "old"})
			time.Sleep(time.Hour)
			var l latest
			begin := func(c *stream.PollerConfig) { c.Start.Latest = true }
			stop := start(t, s.poller(l.router(s.shop), begin))
			time.Sleep(2 * time.Second)
			require.NoError(t, stop())
			monotabletest.Seed(t, s.users, user{ID: "between"})
			time.Sleep(later)
			stop = start(t, s.poller(l.router(s.shop), begin))
			time.Sleep(time.Minute)
			require.NoError(t, stop())
			require.Equal(t, map[string]string{"between": ""}, l.names())
		})
	}
}

func TestPoller_ProcessesShareTheShards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openEngine(t, memdb.Options{StreamShards: 6})
		var l latest
		router := l.router(s.shop)
		var held [3]atomic.Int32
		process := func(n int) *stream.Poller {
			return s.poller(router, func(c *stream.PollerConfig) {
				c.Progress = func(st stream.Status) { held[n].Store(int32(st.Shards)) }
			})
		}
		var stops []func() error
		for n := range 3 {
			stops = append(stops, start(t, process(n)))
			time.Sleep(2 * time.Minute)
			for i := range n + 1 {
				require.Equal(t, int32(6/(n+1)), held[i].Load(), "%d of %d", i, n+1)
			}
		}
		require.NoError(t, stops[1]())
		time.Sleep(2 * time.Minute)
		require.Equal(t, int32(3), held[0].Load())
		require.Equal(t, int32(3), held[2].Load())
		for i := range 50 {
			monotabletest.Seed(t, s.users, user{ID: fmt.Sprint(i)})
		}
		time.Sleep(time.Minute)
		require.Equal(t, s.names(), l.names())
		require.NoError(t, stops[0]())
		require.NoError(t, stops[2]())
		for sequence, n := range l.seen {
			require.Equal(t, 1, n, sequence)
		}
	})
}

func TestPoller_StopIsGraceful(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openEngine(t, memdb.Options{})
		monotabletest.Seed(t, s.users, user{ID: "a"}, user{ID: "b"}, user{ID: "c"})
		var j journal
		router := stream.MustRouter(stream.On(s.users).Insert(func(ctx context.Context, u user) error {
			j.note("begin %s", u.ID)
			select {
			case <-time.After(20 * time.Second):
				j.note("end %s", u.ID)
				return nil
			case <-ctx.Done():
				j.note("cut %s", u.ID)
				return ctx.Err()
			}
		})).With(stream.Concurrency(1))
		stop := start(t, s.poller(router))
		time.Sleep(30 * time.Second) // in the second record
		require.NoError(t, stop())
		require.Equal(t, []string{"begin a", "end a", "begin b", "end b"}, j.take())

		stop = start(t, s.poller(router, func(c *stream.PollerConfig) { c.Grace = 5 * time.Second }))
		time.Sleep(10 * time.Second)
		require.NoError(t, stop())
		require.Equal(t, []string{"begin c", "cut c"}, j.take(), "from the checkpoint; the grace is over before the handler")
	})
}

// In the stream's own table the poller's leases are in the stream. They must not keep it awake.
func TestPoller_StoreInTheStreamsTable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := openEngine(t, memdb.Options{})
		store, err := lease.NewStore(s.table)
		require.NoError(t, err)
		var l latest
		stop := start(t, s.poller(l.router(s.shop), func(c *stream.PollerConfig) { c.Store = store }))
		monotabletest.Seed(t, s.users, user{ID: "a"})
		time.Sleep(10 * time.Minute)
		before := len(s.records())
		time.Sleep(20 * time.Minute) // 1200 reads, any of which a record of the poller's own could answer with another
		after := len(s.records())
		require.NoError(t, stop())
		require.Equal(t, map[string]string{"a": ""}, l.names())
		require.Less(t, after-before, 1000/3, "records in twenty minutes")
	})
}

func TestPoller_Refused(t *testing.T) {
	s := openFullShop(t)
	var l latest
	router := l.router(s)
	good := stream.PollerConfig{Client: s.client, Stream: s.arn, Name: "test", Store: s.store()}
	for name, change := range map[string]func(*stream.PollerConfig){
		"no client":     func(c *stream.PollerConfig) { c.Client = nil },
		"no store":      func(c *stream.PollerConfig) { c.Store = nil },
		"no name":       func(c *stream.PollerConfig) { c.Name = "" },
		"colon":         func(c *stream.PollerConfig) { c.Name = "a:b" },
		"no stream":     func(c *stream.PollerConfig) { c.Stream = "shop" },
		"page size":     func(c *stream.PollerConfig) { c.PageSize = 1001 },
		"two beginings": func(c *stream.PollerConfig) { c.Start = stream.Start{Latest: true, At: time.Now()} },
	} {
		cfg := good
		change(&cfg)
		_, err := stream.NewPoller(router, cfg)
		require.ErrorIs(t, err, monotable.ErrInvalid, name)
	}
	_, err := stream.NewPoller(nil, good)
	require.ErrorIs(t, err, monotable.ErrInvalid)

	keys := openShop(t, types.StreamViewTypeKeysOnly)
	require.ErrorIs(t, keys.poller(l.router(keys)).Run(t.Context()), monotable.ErrInvalid, "the view")

	arn, err := stream.ARN(t.Context(), s.table.Client().(monotable.Admin), s.table)
	require.NoError(t, err)
	require.Equal(t, s.arn, arn)
	_, err = stream.ARN(t.Context(), s.table.Client().(monotable.Admin), views(t))
	require.Error(t, err)
	gone := good
	gone.Stream = s.arn + "9"
	p, err := stream.NewPoller(router, gone)
	require.NoError(t, err)
	require.Error(t, p.Run(t.Context()))
}
