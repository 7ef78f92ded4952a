package stream_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/lease"
	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/monotabletest"
	"github.com/monotable/monotable/stream"
)

func TestF136_PollerWaitsOutFailuresAndStopsForPoison(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openEngine(t, memdb.Options{})
		monotabletest.Seed(t, s.users, user{ID: "a"}, user{ID: "b"})
		tries := 0
		poison := errors.New("poison")
		router := stream.MustRouter(stream.On(s.users).Insert(func(_ context.Context, u user) error {
			if u.ID == "a" {
				if tries++; tries < 50 {
					return poison
				}
			}
			return nil
		}))
		stop := start(t, s.poller(router, calm))
		time.Sleep(time.Hour)
		require.NoError(t, stop())
		require.Equal(t, 50, tries)

		tries = 0
		again := func(c *stream.PollerConfig) { calm(c); c.Name = "again" }
		err := s.poller(router.With(stream.Attempts(3)), again).Run(t.Context())
		require.ErrorIs(t, err, poison)
		require.Equal(t, 3, tries)

		parked := 0
		stop = start(t, s.poller(router.With(stream.Attempts(3), stream.Park(func(context.Context, stream.Record, error) error { parked++; return nil })), again))
		time.Sleep(time.Hour)
		require.NoError(t, stop())
		require.Equal(t, 1, parked)
	})
}

func TestPoller_WaitsOutWhatPasses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := openEngine(t, memdb.Options{StreamShards: 2})
		for i := range 40 {
			monotabletest.Seed(t, s.users, user{ID: fmt.Sprint(i)})
		}
		require.NoError(t, s.engine.SplitShards("shop"))
		var faults []monotabletest.StreamFault
		for _, operation := range []string{"DescribeStream", "GetShardIterator", "GetRecords"} {
			for _, err := range []error{&streamtypes.LimitExceededException{}, &streamtypes.InternalServerError{}, &net.OpError{Op: "read", Err: syscall.ECONNRESET}} {
				faults = append(faults, monotabletest.StreamFailRate(operation, 0.15, err))
			}
		}
		faults = append(faults, monotabletest.StreamFailRate("GetRecords", 0.15, &streamtypes.ExpiredIteratorException{}))
		client := monotabletest.NewStreamFaults(s.client, faults...)
		var l latest
		stop := start(t, s.poller(l.router(s.shop), calm, func(c *stream.PollerConfig) { c.Client, c.PageSize = client, 5 }))
		time.Sleep(time.Hour)
		require.NoError(t, stop())
		require.Equal(t, s.names(), l.names())
		require.Greater(t, client.Counts().Failed, 100)
		for sequence, n := range l.seen {
			require.Equal(t, 1, n, sequence)
		}
		refused := monotabletest.NewStreamFaults(s.client, monotabletest.StreamFailAt(1, &smithy.GenericAPIError{Code: "AccessDeniedException"}))
		require.Error(t, s.poller(l.router(s.shop), func(c *stream.PollerConfig) { c.Client = refused }).Run(t.Context()), "what does not pass")
	})
}

func TestPoller_GapIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openEngine(t, memdb.Options{})
		var l latest
		router := l.router(s.shop)
		monotabletest.Seed(t, s.users, user{ID: "a"})
		stop := start(t, s.poller(router))
		time.Sleep(time.Minute)
		require.NoError(t, stop())
		monotabletest.Seed(t, s.users, user{ID: "lost"})
		time.Sleep(25 * time.Hour)
		monotabletest.Seed(t, s.users, user{ID: "b"})

		err := s.poller(router).Run(t.Context())
		gap, ok := errors.AsType[*stream.GapError](err)
		require.True(t, ok, "%v", err)
		require.NotEmpty(t, gap.Gap.After)
		var told []stream.Gap
		stop = start(t, s.poller(router, func(c *stream.PollerConfig) {
			c.OnGap = func(_ context.Context, g stream.Gap) error { told = append(told, g); return nil }
		}))
		time.Sleep(time.Minute)
		require.NoError(t, stop())
		require.Equal(t, []stream.Gap{gap.Gap}, told)
		require.Contains(t, l.names(), "b")
	})
}

// Shards that came and went while nobody looked are a gap too.
func TestPoller_GapOfWholeShards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openEngine(t, memdb.Options{})
		var l latest
		router := l.router(s.shop)
		monotabletest.Seed(t, s.users, user{ID: "a"})
		stop := start(t, s.poller(router))
		time.Sleep(time.Minute)
		require.NoError(t, s.engine.RollShards("shop"))
		time.Sleep(time.Minute)
		require.NoError(t, stop())
		require.NoError(t, s.engine.RollShards("shop"))
		monotabletest.Seed(t, s.users, user{ID: "lost"})
		require.NoError(t, s.engine.RollShards("shop"))
		time.Sleep(25 * time.Hour)
		monotabletest.Seed(t, s.users, user{ID: "b"})
		err := s.poller(router).Run(t.Context())
		_, ok := errors.AsType[*stream.GapError](err)
		require.True(t, ok, "%v", err)
	})
}

func TestPoller_ProgressAndLag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openEngine(t, memdb.Options{StreamShards: 2})
		for i := range 20 {
			monotabletest.Seed(t, s.users, user{ID: fmt.Sprint(i)})
			time.Sleep(time.Second)
		}
		router := stream.MustRouter(stream.On(s.users).Insert(func(context.Context, user) error { time.Sleep(2 * time.Second); return nil })).With(stream.Concurrency(1))
		var told []stream.Status
		var lines strings.Builder
		line := stream.Terminal(&lines)
		stop := start(t, s.poller(router, func(c *stream.PollerConfig) {
			c.PageSize = 2
			c.Progress = func(st stream.Status) { told = append(told, st); line(st) }
		}))
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		require.NotEmpty(t, told)
		last := told[len(told)-1] // while it stops, a run reads fewer
		require.NoError(t, stop())
		first := told[slices.IndexFunc(told, func(st stream.Status) bool { return st.Records > 0 })]
		require.Equal(t, "test", first.Consumer)
		require.Equal(t, 2, first.Records)
		require.InDelta(t, 20, first.Lag.Seconds(), 8)
		require.Positive(t, first.Rate)
		require.Equal(t, 20, last.Records)
		require.Equal(t, 2, last.Shards)
		require.Zero(t, last.Lag)
		require.Contains(t, lines.String(), "test: 2 records")
		require.Contains(t, lines.String(), "behind")
		require.Contains(t, lines.String(), "test: 20 records")
		require.Contains(t, lines.String(), "2 shards, up to date")
	})
}

// unreliable is a client without a network now and then.
type unreliable struct {
	monotable.Client
	down atomic.Bool
}

func (u *unreliable) err() error {
	if u.down.Load() {
		return &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	}
	return nil
}

func (u *unreliable) GetItem(ctx context.Context, in *dynamodb.GetItemInput, optFns ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	if err := u.err(); err != nil {
		return nil, err
	}
	return u.Client.GetItem(ctx, in, optFns...)
}

func (u *unreliable) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, optFns ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	if err := u.err(); err != nil {
		return nil, err
	}
	return u.Client.UpdateItem(ctx, in, optFns...)
}

// Where the leases cannot be reached for long, the shards are let go, and taken again afterwards.
func TestPoller_WaitsOutAnOutageOfTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openEngine(t, memdb.Options{StreamShards: 2})
		s.store() // makes its table
		client := &unreliable{Client: s.table.Client()}
		leases, err := monotable.NewTable(client, monotable.TableConfig{Name: "leases", PartitionKey: "id"})
		require.NoError(t, err)
		store, err := lease.NewStore(leases)
		require.NoError(t, err)
		var l latest
		stop := start(t, s.poller(l.router(s.shop), func(c *stream.PollerConfig) { c.Store = store }))
		for i := range 6 {
			monotabletest.Seed(t, s.users, user{ID: fmt.Sprint(i)})
			time.Sleep(5 * time.Minute)
			client.down.Store(i%2 == 0)
		}
		monotabletest.Seed(t, s.users, user{ID: "last"})
		time.Sleep(5 * time.Minute)
		require.NoError(t, stop())
		require.Equal(t, s.names(), l.names())
	})
}
