package stream_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
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
	"github.com/monotable/monotable/stream"
)

// mortal is the client of a process that dies at a checkpoint: before it is sent, or after it was applied. A dead process sends nothing any more.
type mortal struct {
	monotable.Client
	after bool // the checkpoint is applied
	at    int32
	seen  *atomic.Int32 // checkpoints
	dead  *atomic.Bool
	died  func()
}

var errDead = errors.New("the process is dead")

func (m *mortal) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, optFns ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	if m.dead.Load() {
		return nil, errDead
	}
	checkpoint := false
	for _, name := range in.ExpressionAttributeNames {
		checkpoint = checkpoint || name == "sequence"
	}
	if !checkpoint || m.seen.Add(1) != m.at {
		return m.Client.UpdateItem(ctx, in, optFns...)
	}
	if m.after {
		_, _ = m.Client.UpdateItem(ctx, in, optFns...)
	}
	m.dead.Store(true)
	m.died()
	return nil, errDead
}

func (m *mortal) GetItem(ctx context.Context, in *dynamodb.GetItemInput, optFns ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	if m.dead.Load() {
		return nil, errDead
	}
	return m.Client.GetItem(ctx, in, optFns...)
}

func (m *mortal) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, optFns ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	if m.dead.Load() {
		return nil, errDead
	}
	return m.Client.TransactWriteItems(ctx, in, optFns...)
}

// count is a projection of all users of a bucket: how many changes of them there were.
type count struct {
	Bucket  int `dynamodbav:"bucket"`
	Changes int `dynamodbav:"changes"`
}

var (
	countChanges = monotable.Field(func(c *count) *int { return &c.Changes })
	countSchema  = monotable.Schema[count]{Name: "Count", Key: monotable.Key{Partition: "COUNT#{bucket}", Sort: "C"}}
)

func bucketOf(id string) int { n, _ := strconv.Atoi(id); return n % 16 }

// worker is a process that projects users: their names, and how many changes there were.
func projector(t *testing.T, s *engineShop, views monotable.Client) *stream.Router {
	t.Helper()
	table, err := monotable.NewTable(views, monotable.TableConfig{Name: "views", PartitionKey: "PK", SortKey: "SK"})
	require.NoError(t, err)
	profiles, counts := monotable.MustEntity(table, profileSchema), monotable.MustEntity(table, countSchema)
	once, err := stream.NewOnce(table, "counts")
	require.NoError(t, err)
	apply := func(ctx context.Context, id string, changes ...monotable.Change[profile]) error {
		if _, err := once.Apply(ctx, counts.UpsertOp(count{Bucket: bucketOf(id)}, monotable.Add(countChanges, 1))); err != nil {
			return err
		}
		_, err := profiles.Upsert(ctx, profile{ID: id}, append(changes, stream.Newer(ctx, profileApplied))...)
		return stream.Seen(err)
	}
	return stream.MustRouter(stream.On(s.users).
		Upsert(func(ctx context.Context, u user) error {
			return apply(ctx, u.ID, profileName.Set(u.Name), profileGone.Set(false))
		}).
		Remove(func(ctx context.Context, u user) error { return apply(ctx, u.ID, profileGone.Set(true)) }))
}

// changes writes changes of users at random, and tells how many of each bucket there were.
func changes(t *testing.T, s *engineShop, dice *rand.Rand, users, n int) map[int]int {
	t.Helper()
	made := map[int]int{}
	there := map[string]bool{}
	for i := range n {
		id := strconv.Itoa(dice.IntN(users))
		made[bucketOf(id)]++
		var err error
		if there[id] && dice.IntN(4) == 0 {
			_, err = s.users.Delete(t.Context(), user{ID: id})
			there[id] = false
		} else {
			_, err = s.users.Upsert(t.Context(), user{ID: id}, userName.Set(fmt.Sprint("name ", i)))
			there[id] = true
		}
		require.NoError(t, err)
	}
	return made
}

// A projection of many items is followed while records come twice and in another order, and while processes die at every checkpoint: each before one that is not saved, and
// after one that is. In the end it equals the table, and each change was applied once.
func TestF136_ProjectionEqualsTheTable(t *testing.T) {
	t.Parallel()
	n, shards := envInt("MONOTABLE_STREAM_CHANGES", 2_000), 4
	if monotabletest.Endpoint(t) != "" { // which it does not use
		n, shards = min(n, 300), 2
	}
	synctest.Test(t, func(t *testing.T) {
		s := openEngine(t, memdb.Options{StreamShards: shards})
		dice := rand.New(rand.NewPCG(8, 2026))
		made := map[int]int{}
		for range 4 {
			for bucket, k := range changes(t, s, dice, n/10, n/4) {
				made[bucket] += k
			}
			require.NoError(t, s.engine.SplitShards("shop"))
		}
		client := s.engine.Client()
		viewsTable := monotabletest.TableOn(t, client, monotable.TableConfig{Name: "views", PartitionKey: "PK", SortKey: "SK"})
		s.store() // makes its table

		deaths := 0
		for process := 0; ; process++ {
			ctx, die := context.WithCancel(t.Context())
			dead := new(atomic.Bool)
			life := &mortal{Client: client, after: process%2 == 1, at: int32(1 + process%3), seen: new(atomic.Int32), dead: dead, died: die}
			leases, err := monotable.NewTable(life, monotable.TableConfig{Name: "leases", PartitionKey: "id"})
			require.NoError(t, err)
			store, err := lease.NewStore(leases)
			require.NoError(t, err)
			var upToDate atomic.Bool
			p, err := stream.NewPoller(projector(t, s, life), stream.PollerConfig{
				Stream: s.arn, Name: "views", Store: store, PageSize: 100, Discover: 5 * time.Second, LeaseTTL: 10 * time.Second,
				Client:   monotabletest.NewStreamFaults(s.client, monotabletest.StreamSeed(uint64(process)), monotabletest.Repeated(0.2), monotabletest.Reordered(0.5), monotabletest.SplitPages(0.2), monotabletest.Delayed(0.2)),
				Progress: func(st stream.Status) { upToDate.Store(st.Lag == 0 && st.Shards == shards*16) },
			})
			require.NoError(t, err)
			ended := make(chan error, 1)
			go func() { ended <- p.Run(ctx) }()
			for !dead.Load() && !upToDate.Load() {
				time.Sleep(time.Second)
			}
			die()
			<-ended
			if deaths++; !dead.Load() {
				break
			}
		}
		require.Greater(t, deaths, n/100, "processes that died")
		requireProjected(t, s, viewsTable, made)
	})
}

func requireProjected(t *testing.T, s *engineShop, views *monotable.Table, made map[int]int) {
	t.Helper()
	profiles, counts := monotable.MustEntity(views, profileSchema), monotable.MustEntity(views, countSchema)
	projected := map[string]string{}
	for p, err := range profiles.Scan().All(t.Context()) {
		require.NoError(t, err)
		if !p.Gone {
			projected[p.ID] = p.Name
		}
	}
	require.Equal(t, s.names(), projected)
	counted := map[int]int{}
	for c, err := range counts.Scan().All(t.Context()) {
		require.NoError(t, err)
		counted[c.Bucket] = c.Changes
	}
	require.Equal(t, made, counted, "each change once")
}

// A worker that is paused beyond its lease, and goes on beside the one that took over, spoils nothing.
func TestF136_TwoWorkersAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openEngine(t, memdb.Options{})
		client := s.engine.Client()
		viewsTable := monotabletest.TableOn(t, client, monotable.TableConfig{Name: "views", PartitionKey: "PK", SortKey: "SK"})
		made := changes(t, s, rand.New(rand.NewPCG(1, 2)), 20, 300)
		s.store()
		var mu sync.Mutex
		gate := sync.NewCond(&mu)
		paused := false
		pausing := &pausable{Client: client, wait: func() {
			mu.Lock()
			defer mu.Unlock()
			for paused {
				gate.Wait()
			}
		}}
		process := func(c monotable.Client) func() error {
			leases, err := monotable.NewTable(c, monotable.TableConfig{Name: "leases", PartitionKey: "id"})
			require.NoError(t, err)
			store, err := lease.NewStore(leases)
			require.NoError(t, err)
			return start(t, s.poller(projector(t, s, c), func(p *stream.PollerConfig) { p.Store, p.PageSize = store, 50 }))
		}
		pausing.at.Store(40)
		pausing.pause = func() { mu.Lock(); paused = true; mu.Unlock() }
		first := process(pausing)
		time.Sleep(time.Second)
		second := process(client)
		time.Sleep(5 * time.Minute) // the second one has taken over and is done
		mu.Lock()
		require.True(t, paused)
		paused = false
		mu.Unlock()
		gate.Broadcast()
		time.Sleep(5 * time.Minute)
		require.NoError(t, first())
		require.NoError(t, second())
		requireProjected(t, s, viewsTable, made)
	})
}

// pausable holds all requests back from the n-th transaction on.
type pausable struct {
	monotable.Client
	at    atomic.Int32
	pause func()
	wait  func()
}

func (p *pausable) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, optFns ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	p.wait()
	return p.Client.UpdateItem(ctx, in, optFns...)
}

func (p *pausable) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, optFns ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	if p.at.Add(-1) == 0 {
		p.pause()
	}
	p.wait()
	return p.Client.TransactWriteItems(ctx, in, optFns...)
}

func envInt(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return otherwise
}
