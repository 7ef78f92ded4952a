package stream_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/lease"
	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/monotabletest"
	"github.com/monotable/monotable/stream"
)

// What a reader of the code found.

func seedUsers(s *shop, prefix string, n int) {
	s.Helper()
	for i := range n {
		monotabletest.Seed(s.T, s.users, user{ID: fmt.Sprint(prefix, i)})
	}
}

// What is before the beginning stays passed over, page after page and from run to run.
func TestPoller_BeginningsOfManyPages(t *testing.T) {
	for name, begin := range map[string]func() stream.Start{
		"at": func() stream.Start { return stream.Start{At: time.Now()} }, "latest": func() stream.Start { return stream.Start{Latest: true} },
	} {
		synctest.Test(t, func(t *testing.T) {
			s := openEngine(t, memdb.Options{})
			seedUsers(s.shop, "old", 50)
			time.Sleep(time.Hour)
			var l latest
			router, from := l.router(s.shop), begin()
			for range 3 {
				stop := start(t, s.poller(router, calm, func(c *stream.PollerConfig) { c.PageSize, c.Start = 10, from }))
				time.Sleep(20 * time.Minute)
				require.NoError(t, stop())
				time.Sleep(20 * time.Minute)
			}
			require.Empty(t, l.names(), name)
			seedUsers(s.shop, "new", 15)
			stop := start(t, s.poller(router, func(c *stream.PollerConfig) { c.PageSize = 10 }))
			time.Sleep(time.Minute)
			require.NoError(t, stop())
			require.Len(t, l.names(), 15, name)
		})
	}
}

// Latest does not depend on the clocks being the same.
func TestPoller_LatestWithAnotherClock(t *testing.T) {
	for _, ahead := range []time.Duration{-2 * time.Hour, 2 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			s := openEngine(t, memdb.Options{Clock: func() time.Time { return time.Now().Add(ahead) }})
			seedUsers(s.shop, "old", 5)
			var l latest
			stop := start(t, s.poller(l.router(s.shop), func(c *stream.PollerConfig) { c.Start.Latest = true }))
			time.Sleep(time.Minute)
			seedUsers(s.shop, "new", 5)
			time.Sleep(time.Minute)
			require.NoError(t, stop())
			require.Len(t, l.names(), 5)
		})
	}
}

type product struct {
	ID    string `dynamodbav:"id"`
	Price int    `dynamodbav:"price"`
}

// On a stream without images leases and marks in its own table are known by their keys. Otherwise each checkpoint would make a record that makes a checkpoint.
func TestPoller_OwnItemsOfAStreamWithoutImages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		engine := memdb.New(memdb.Options{})
		table := monotabletest.TableOn(t, engine.Client(), monotable.TableConfig{Name: "products", PartitionKey: "id"})
		arn := monotabletest.SwitchOnStream(t, engine.Client(), "products", types.StreamViewTypeKeysOnly)
		products := monotable.MustEntity(table, monotable.Schema[product]{Name: "Product"})
		store, err := lease.NewStore(table, lease.Prefix("WORK#"))
		require.NoError(t, err)
		once, err := stream.NewOnce(table, "views")
		require.NoError(t, err)
		var j journal
		router := stream.MustRouter(stream.On(products).Key(func(ctx context.Context, _ stream.Event, p product) error {
			j.note("%s", p.ID)
			_, err := once.Apply(ctx)
			return err
		}), stream.Unknown(func(context.Context, stream.Record) error { j.note("unknown"); return nil }))
		p, err := stream.NewPoller(router, stream.PollerConfig{Client: engine.StreamsClient(), Stream: arn, Name: "cache", Store: store})
		require.NoError(t, err)
		stop := start(t, p)
		monotabletest.Seed(t, products, product{ID: "a"})
		time.Sleep(20 * time.Minute)
		require.NoError(t, stop())
		require.Equal(t, []string{"a"}, j.take())
	})
}

func TestSeen_OnlyOwnConditions(t *testing.T) {
	ctx := t.Context()
	table := views(t)
	profiles := monotable.MustEntity(table, profileSchema)
	people := monotable.MustEntity(table, userSchema)
	monotabletest.Seed(t, profiles, profile{ID: "a", Applied: "5"})
	monotabletest.Seed(t, people, user{ID: "a", Email: "taken@x.io"}, user{ID: "b"})
	refused := func(_ any, err error) error { t.Helper(); require.Error(t, err); return err }
	require.NoError(t, stream.Seen(refused(profiles.Update(ctx, profile{ID: "a"}, stream.Above(profileApplied, "4")))))
	for name, err := range map[string]error{
		"missing":     refused(profiles.Update(ctx, profile{ID: "b"}, stream.Above(profileApplied, "6"))),
		"exists":      refused(profiles.Create(ctx, profile{ID: "a"})),
		"taken":       refused(people.Update(ctx, user{ID: "b"}, userEmail.Set("taken@x.io"))),
		"version":     refused(people.Update(ctx, user{ID: "b", Version: 7}, userName.Set("x"))),
		"transaction": refused(nil, table.TransactWrite(ctx, profiles.UpdateOp(profile{ID: "a"}, stream.Above(profileApplied, "4")))),
		"another":     errors.New("x"),
	} {
		require.ErrorIs(t, stream.Seen(err), err, name)
	}
}

// The halves of a change from one entity to another both count, and so does each Apply of a handler.
func TestF136_OnceForHalvesAndForSeveralCalls(t *testing.T) {
	ctx := t.Context()
	table := views(t)
	counts := monotable.MustEntity(table, countSchema)
	once, err := stream.NewOnce(table, "counts")
	require.NoError(t, err)
	papers, err := monotable.NewTable(table.Client(), shopConfig)
	require.NoError(t, err)
	a, b := orderSchema, orderSchema
	a.Family, b.Family, b.Name = "papers", "papers", "Quote"
	orders, quotes := monotable.MustEntity(papers, a), monotable.MustEntity(papers, b)
	add := func(bucket int) func(context.Context, order) error {
		return func(ctx context.Context, _ order) error {
			for i := range 2 {
				if _, err := once.Apply(ctx, counts.UpsertOp(count{Bucket: bucket + i}, monotable.Add(countChanges, 1))); err != nil {
					return err
				}
			}
			return nil
		}
	}
	router := stream.MustRouter(stream.On(orders).Remove(add(10)), stream.On(quotes).Insert(add(20)).Remove(add(30)))
	key, err := orders.Key(order{User: "ann", ID: "1"})
	require.NoError(t, err)
	image := func(tag string) attributes {
		item := maps.Clone(key)
		item["_et"] = &types.AttributeValueMemberS{Value: tag}
		return item
	}
	change := stream.Record{Event: stream.Modify, Table: "shop", Sequence: "1", Keys: key, Old: image("Order"), New: image("Quote")}
	end := stream.Record{Event: stream.Remove, Table: "shop", Sequence: "2", Keys: key, Old: image("Quote")}
	for _, r := range []stream.Record{change, change, end, change, end} {
		require.NoError(t, router.Handle(ctx, r))
	}
	for _, bucket := range []int{10, 11, 20, 21, 30, 31} {
		got, err := counts.Get(ctx, count{Bucket: bucket})
		require.NoError(t, err)
		require.Equal(t, 1, got.Changes, bucket)
	}
	_, err = stream.NewOnce(table.Scoped("X"), "x")
	require.ErrorIs(t, err, monotable.ErrInvalid)
	numbers, err := monotable.NewTable(table.Client(), monotable.TableConfig{Name: "numbers", PartitionKey: "n", PartitionKeyType: types.ScalarAttributeTypeN})
	require.NoError(t, err)
	_, err = stream.NewOnce(numbers, "x")
	require.ErrorIs(t, err, monotable.ErrInvalid)
}

// A gap is told wherever the consumer was away for longer than the stream keeps records, and nowhere else.
func TestPoller_GapsAreToldAndOnlyGaps(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before, away int // records, hours
		roll         bool
		gaps         int
	}{
		"quiet, away for long":          {0, 25, false, 1},
		"quiet, away for a while":       {0, 20, false, 0},
		"a checkpoint, away for long":   {3, 25, false, 1},
		"a checkpoint, away for short":  {3, 1, false, 0},
		"a quiet child, away for long":  {3, 25, true, 1},
		"a quiet child, away for short": {3, 5, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := openEngine(t, memdb.Options{})
				var l latest
				router := l.router(s.shop)
				gaps := 0
				told := func(p *stream.PollerConfig) {
					p.Idle, p.Discover, p.LeaseTTL = 2*time.Minute, 5*time.Minute, time.Hour
					p.OnGap = func(context.Context, stream.Gap) error { gaps++; return nil }
				}
				stop := start(t, s.poller(router, told))
				seedUsers(s.shop, "before", c.before)
				if time.Sleep(time.Minute); c.roll {
					require.NoError(t, s.engine.RollShards("shop"))
				}
				time.Sleep(27 * time.Hour) // quiet, and watched
				require.NoError(t, stop())
				time.Sleep(time.Duration(c.away) * time.Hour / 2)
				seedUsers(s.shop, "away", 3)
				time.Sleep(time.Duration(c.away)*time.Hour/2 + time.Minute)
				stop = start(t, s.poller(router, told))
				time.Sleep(20 * time.Minute)
				require.NoError(t, stop())
				require.Equal(t, c.gaps, gaps)
				if c.gaps == 0 {
					require.Equal(t, s.names(), l.names())
				}
			})
		})
	}
}

// Handlers that fail for longer than the stream keeps records leave a gap.
func TestPoller_GapAfterADayOfFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openEngine(t, memdb.Options{})
		seedUsers(s.shop, "a", 2)
		var fail atomic.Bool
		fail.Store(true)
		router := stream.MustRouter(stream.On(s.users).Insert(func(context.Context, user) error {
			if fail.Load() {
				return errors.New("down")
			}
			return nil
		}))
		var gaps atomic.Int32
		var lag atomic.Int64
		quiet := slog.New(slog.DiscardHandler)
		stop := start(t, s.poller(router.With(stream.Logger(quiet)), func(c *stream.PollerConfig) {
			c.PageSize, c.Discover, c.LeaseTTL = 1, 10*time.Minute, time.Hour
			c.OnGap = func(context.Context, stream.Gap) error { gaps.Add(1); return nil }
			c.Progress = func(st stream.Status) { lag.Store(int64(st.Lag)) }
		}))
		time.Sleep(time.Hour)
		require.InDelta(t, time.Hour, time.Duration(lag.Load()), float64(20*time.Minute), "the lag grows while a record fails")
		time.Sleep(25 * time.Hour)
		fail.Store(false)
		time.Sleep(time.Hour)
		require.NoError(t, stop())
		require.Equal(t, int32(1), gaps.Load())
	})
}

func TestPoller_OnGapThatFailsIsAskedAgainLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openEngine(t, memdb.Options{})
		var l latest
		router := l.router(s.shop)
		stop := start(t, s.poller(router))
		time.Sleep(time.Minute)
		require.NoError(t, stop())
		time.Sleep(25 * time.Hour)
		asked := 0
		stop = start(t, s.poller(router, func(c *stream.PollerConfig) {
			c.OnGap = func(context.Context, stream.Gap) error {
				asked++
				return &streamtypes.LimitExceededException{}
			}
		}))
		time.Sleep(time.Hour)
		require.NoError(t, stop())
		require.Greater(t, asked, 10)
		require.Less(t, asked, 1000)
	})
}

// No shard is left alone because of bounds: processes without one read the rest, and otherwise shards take turns.
func TestPoller_BoundsLeaveNoShardAlone(t *testing.T) {
	t.Parallel()
	for name, bounds := range map[string][]int{"one of two": {1, 0}, "alone": {2}, "both": {1, 2}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := openEngine(t, memdb.Options{StreamShards: 8})
				var l latest
				router := l.router(s.shop)
				var stops []func() error
				for _, bound := range bounds {
					most := 0
					stops = append(stops, start(t, s.poller(router, calm, func(c *stream.PollerConfig) {
						c.Shards, c.Discover = bound, 20*time.Second
						c.Progress = func(st stream.Status) {
							if most = max(most, st.Shards); bound > 0 && most > bound {
								t.Errorf("%d shards at once", most)
							}
						}
					})))
				}
				for i := range 5 {
					seedUsers(s.shop, fmt.Sprint(i, "-"), 20)
					time.Sleep(5 * time.Minute)
				}
				require.Equal(t, s.names(), l.names())
				for _, stop := range stops {
					require.NoError(t, stop())
				}
			})
		})
	}
}

// Records of a table that the router has no handlers for are not passed over silently.
func TestRouter_AnotherTable(t *testing.T) {
	users, _ := offline(t)
	router := stream.MustRouter(stream.On(users).Upsert(func(context.Context, user) error { return nil })).With(stream.Attempts(1))
	r := inserted(t, users, "a", "1", 1)
	require.NoError(t, router.Handle(t.Context(), r))
	r.Table = "shop-production"
	require.ErrorIs(t, router.Handle(t.Context(), r), monotable.ErrInvalid)
	require.ErrorIs(t, router.Process(t.Context(), []stream.Record{r}), monotable.ErrInvalid)

	s := openFullShop(t)
	_, err := stream.NewPoller(router, stream.PollerConfig{Client: s.client, Stream: "arn:aws:dynamodb:x:1:table/another/stream/1", Name: "n", Store: s.store()})
	require.ErrorIs(t, err, monotable.ErrInvalid)

	// By its ARN it is the same table.
	cfg := shopConfig
	cfg.Name = "arn:aws:dynamodb:us-east-1:123456789012:table/shop"
	table, err := monotable.NewTable(memdb.New(memdb.Options{}).Client(), cfg)
	require.NoError(t, err)
	called := false
	byARN := stream.MustRouter(stream.On(monotable.MustEntity(table, userSchema)).Insert(func(context.Context, user) error { called = true; return nil }))
	require.NoError(t, byARN.Handle(t.Context(), inserted(t, users, "a", "1", 1)))
	require.True(t, called)

	// Two Tables of one name do not know each other's entities.
	second, err := monotable.NewTable(memdb.New(memdb.Options{}).Client(), shopConfig)
	require.NoError(t, err)
	orders := monotable.MustEntity(second, orderSchema)
	_, err = stream.NewRouter(stream.On(users).Upsert(func(context.Context, user) error { return nil }), stream.On(orders).Upsert(func(context.Context, order) error { return nil }))
	require.NoError(t, err, "the first one knows orders too")
	product := monotable.MustEntity(second, monotable.Schema[product]{Name: "Product", Key: monotable.Key{Partition: "PRODUCT#{id}", Sort: "P"}})
	_, err = stream.NewRouter(stream.On(users).Upsert(func(context.Context, user) error { return nil }), stream.On(product).Key(nil))
	require.ErrorContains(t, err, "another Table")
}

// A poller asks for the images that the handlers of its own table need.
func TestPoller_ChecksItsOwnTable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openEngine(t, memdb.Options{})
		other := monotabletest.TableOn(t, s.engine.Client(), monotable.TableConfig{Name: "products", PartitionKey: "id"})
		arn := monotabletest.SwitchOnStream(t, s.engine.Client(), "products", types.StreamViewTypeKeysOnly)
		products := monotable.MustEntity(other, monotable.Schema[product]{Name: "Product"})
		var j journal
		router := stream.MustRouter(
			stream.On(s.users).Modify(func(context.Context, user, user) error { return nil }),
			stream.On(products).Key(func(_ context.Context, _ stream.Event, p product) error { j.note("%s", p.ID); return nil }),
		)
		require.ErrorIs(t, router.Check(types.StreamViewTypeKeysOnly), monotable.ErrInvalid, "of all tables")
		stop := start(t, s.poller(router, func(c *stream.PollerConfig) { c.Stream = arn }))
		monotabletest.Seed(t, products, product{ID: "a"})
		time.Sleep(time.Minute)
		require.NoError(t, stop())
		require.Equal(t, []string{"a"}, j.take())
	})
}

// Keys alone do not tell members of a Family apart.
func TestRouter_FamilyNeedsImages(t *testing.T) {
	table, err := monotable.NewTable(memdb.New(memdb.Options{}).Client(), shopConfig)
	require.NoError(t, err)
	schema := orderSchema
	schema.Family = "papers"
	router := stream.MustRouter(stream.On(monotable.MustEntity(table, schema)).Key(func(context.Context, stream.Event, order) error { return nil }))
	require.ErrorIs(t, router.Check(types.StreamViewTypeKeysOnly), monotable.ErrInvalid)
	require.NoError(t, router.Check(types.StreamViewTypeOldImage))
}

func TestPoller_ParkNeedsNoAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openEngine(t, memdb.Options{})
		seedUsers(s.shop, "", 5)
		var parked []string
		router := stream.MustRouter(stream.On(s.users).Insert(func(_ context.Context, u user) error {
			if u.ID == "2" {
				panic("poison")
			}
			return nil
		})).With(stream.Logger(slog.New(slog.DiscardHandler)), stream.Park(func(_ context.Context, r stream.Record, _ error) error {
			parked = append(parked, r.Sequence)
			return nil
		}))
		stop := start(t, s.poller(router, calm))
		time.Sleep(time.Hour)
		require.NoError(t, stop())
		require.Len(t, parked, 1)
	})
}

// What was done before the grace was over is checkpointed.
func TestPoller_CheckpointAfterTheGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openEngine(t, memdb.Options{})
		seedUsers(s.shop, "", 20)
		var j journal
		var patient atomic.Bool
		router := stream.MustRouter(stream.On(s.users).Insert(func(ctx context.Context, u user) error {
			if u.ID == "15" && !patient.Load() {
				<-ctx.Done()
				return ctx.Err()
			}
			j.note("%s", u.ID)
			return nil
		})).With(stream.Concurrency(1))
		stop := start(t, s.poller(router))
		time.Sleep(time.Minute)
		require.NoError(t, stop())
		require.Len(t, j.take(), 15)
		patient.Store(true)
		stop = start(t, s.poller(router))
		time.Sleep(time.Minute)
		require.NoError(t, stop())
		require.Equal(t, []string{"15", "16", "17", "18", "19"}, j.take())
	})
}

// An outage of the store while a consumer begins is waited out like later ones.
func TestPoller_BeginsAfterAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openEngine(t, memdb.Options{})
		seedUsers(s.shop, "", 3)
		s.store()
		client := &unreliable{Client: s.table.Client()}
		client.down.Store(true)
		leases, err := monotable.NewTable(client, monotable.TableConfig{Name: "leases", PartitionKey: "id"})
		require.NoError(t, err)
		store, err := lease.NewStore(leases)
		require.NoError(t, err)
		var l latest
		stop := start(t, s.poller(l.router(s.shop), func(c *stream.PollerConfig) { c.Store = store }))
		time.Sleep(10 * time.Minute)
		client.down.Store(false)
		time.Sleep(10 * time.Minute)
		require.NoError(t, stop())
		require.Len(t, l.names(), 3)
	})
}

// A record that a newer release wrote waits for that release.
func TestF136_NewerSchemaIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openEngine(t, memdb.Options{})
		key, err := s.users.Key(user{ID: "a"})
		require.NoError(t, err)
		item := maps.Clone(key)
		item["_et"], item["id"], item["_sv"] = &types.AttributeValueMemberS{Value: "User"}, &types.AttributeValueMemberS{Value: "a"}, &types.AttributeValueMemberN{Value: "9"}
		_, err = s.engine.Client().PutItem(t.Context(), &dynamodb.PutItemInput{TableName: new("shop"), Item: item})
		require.NoError(t, err)
		table, err := monotable.NewTable(s.engine.Client(), shopConfig)
		require.NoError(t, err)
		schema := userSchema
		schema.Upgrades = []monotable.Upgrade{func(map[string]types.AttributeValue) error { return nil }}
		users := monotable.MustEntity(table, schema)
		router := stream.MustRouter(stream.On(users).Insert(func(context.Context, user) error { return nil })).With(stream.Logger(slog.New(slog.DiscardHandler)))
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		require.NoError(t, s.poller(router).Run(ctx), "it does not end before it is stopped")
		require.ErrorIs(t, ctx.Err(), context.DeadlineExceeded)
	})
}

// The records of a transaction come one by one, from several shards, in pages of their own; each counts once, whatever is between.
func TestF136_ATransactionArrivesInParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openEngine(t, memdb.Options{StreamShards: 4})
		table := monotabletest.TableOn(t, s.engine.Client(), monotable.TableConfig{Name: "views", PartitionKey: "PK", SortKey: "SK"})
		counts := monotable.MustEntity(table, countSchema)
		once, err := stream.NewOnce(table, "counts")
		require.NoError(t, err)
		router := stream.MustRouter(stream.On(s.users).Insert(func(ctx context.Context, _ user) error {
			_, err := once.Apply(ctx, counts.UpsertOp(count{Bucket: 1}, monotable.Add(countChanges, 1)))
			return err
		}))
		for batch := range 3 {
			var ops []monotable.WriteOp
			for i := range 20 {
				ops = append(ops, s.users.CreateOp(user{ID: fmt.Sprint(batch, "-", i)}))
			}
			require.NoError(t, s.table.TransactWrite(t.Context(), ops...))
		}
		weather := monotabletest.NewStreamFaults(s.client, monotabletest.Repeated(0.5), monotabletest.SplitPages(0.5), monotabletest.Delayed(0.3))
		stop := start(t, s.poller(router, calm, func(c *stream.PollerConfig) { c.Client, c.PageSize = weather, 3 }))
		time.Sleep(10 * time.Minute)
		require.NoError(t, stop())
		got, err := counts.Get(t.Context(), count{Bucket: 1})
		require.NoError(t, err)
		require.Equal(t, 60, got.Changes)
	})
}
