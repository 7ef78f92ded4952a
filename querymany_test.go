package monotable_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

type measurement struct {
	Sensor string `dynamodbav:"sensor"`
	At     int    `dynamodbav:"at"`
	Value  int    `dynamodbav:"value"`
}

var (
	readingAt    = monotable.Field(func(r *measurement) *int { return &r.At })
	readingValue = monotable.Field(func(r *measurement) *int { return &r.Value })
)

// crowdedClient knows how many queries were under way at the most.
type crowdedClient struct {
	monotable.Client
	calls, now, most atomic.Int64
	failAt           int64
}

func (c *crowdedClient) Query(ctx context.Context, in *dynamodb.QueryInput, opts ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	now := c.now.Add(1)
	defer c.now.Add(-1)
	for most := c.most.Load(); now > most && !c.most.CompareAndSwap(most, now); most = c.most.Load() {
	}
	if c.calls.Add(1) == c.failAt {
		return nil, fmt.Errorf("no more")
	}
	return c.Client.Query(ctx, in, opts...)
}

const sensors = 7

// measurements has, for sensor s of 0 to 6, 10*s readings at s, s+7, s+14, …
func measurements(t *testing.T) (*crowdedClient, []monotable.Query[measurement]) {
	config := monotable.TableConfig{PartitionKey: "PK", SortKey: "SK"}
	plain := monotabletest.Client(t)
	config.Name = monotabletest.TableOn(t, plain, config).Name()
	client := &crowdedClient{Client: plain}
	table, err := monotable.NewTable(client, config)
	require.NoError(t, err)
	entity := monotable.MustEntity(table, monotable.Schema[measurement]{Name: "Reading", Key: monotable.Key{Partition: "SENSOR#{sensor}", Sort: "AT#{at:05}"}})
	var ops []monotable.BatchOp
	queries := make([]monotable.Query[measurement], sensors)
	for s := range sensors {
		sensor := fmt.Sprint(s)
		for i := range 10 * s {
			ops = append(ops, entity.PutOp(measurement{Sensor: sensor, At: s + sensors*i, Value: i % 3}))
		}
		queries[s] = entity.Query(measurement{Sensor: sensor}).PageSize(4)
	}
	require.NoError(t, table.BatchWrite(t.Context(), ops...))
	return client, queries
}

func byTime(a, b measurement) int { return cmp.Compare(a.At, b.At) }

func TestQueryMany_OneAfterTheOther(t *testing.T) {
	t.Parallel()
	client, queries := measurements(t)
	slices.Reverse(queries)
	for _, concurrency := range []int{1, 3, 100} {
		client.most.Store(0)
		all, err := monotable.QueryMany(queries...).With(monotable.Concurrency(concurrency)).Collect(t.Context())
		require.NoError(t, err)
		require.Len(t, all, 210)
		want := slices.SortedFunc(slices.Values(all), func(a, b measurement) int { return cmp.Or(-cmp.Compare(a.Sensor, b.Sensor), byTime(a, b)) })
		require.Equal(t, want, all)
		require.LessOrEqual(t, client.most.Load(), int64(concurrency))
	}
}

func TestQueryMany_Merged(t *testing.T) {
	t.Parallel()
	client, queries := measurements(t)
	for _, concurrency := range []int{1, 3, 100} {
		client.most.Store(0)
		all, err := monotable.QueryMany(queries...).OrderBy(byTime).With(monotable.Concurrency(concurrency)).Collect(t.Context())
		require.NoError(t, err)
		require.Len(t, all, 210)
		require.True(t, slices.IsSortedFunc(all, byTime))
		require.LessOrEqual(t, client.most.Load(), int64(concurrency))
	}
	for i := range queries {
		queries[i] = queries[i].Descending().Filter(readingValue.Ne(1)).Limit(i + 1)
	}
	last, err := monotable.QueryMany(queries...).OrderBy(func(a, b measurement) int { return -byTime(a, b) }).Collect(t.Context())
	require.NoError(t, err)
	require.Len(t, last, 2+3+4+5+6+7, "each keeps its own limit")
	require.True(t, slices.IsSortedFunc(last, func(a, b measurement) int { return -byTime(a, b) }))
	three, err := monotable.QueryMany(queries...).OrderBy(byTime).Limit(3).Collect(t.Context())
	require.NoError(t, err)
	require.Len(t, three, 3)

	// Equal items come in the order of their queries.
	same, err := monotable.QueryMany(queries[6], queries[5], queries[6]).OrderBy(func(a, b measurement) int { return 0 }).Collect(t.Context())
	require.NoError(t, err)
	require.Equal(t, "6", same[0].Sensor)
	require.Equal(t, same[:7], same[len(same)-7:])
}

func TestQueryMany_Count(t *testing.T) {
	t.Parallel()
	_, queries := measurements(t)
	for _, concurrency := range []int{1, 3} {
		many := monotable.QueryMany(queries...).With(monotable.Concurrency(concurrency))
		n, err := many.Count(t.Context())
		require.NoError(t, err)
		require.Equal(t, 210, n)
		n, err = many.Limit(8).Count(t.Context())
		require.NoError(t, err)
		require.Equal(t, 8, n)
	}
	n, err := monotable.QueryMany(queries[2].SortKey(readingAt.Lt(20)), queries[3].Limit(2)).Count(t.Context())
	require.NoError(t, err)
	require.Equal(t, 5, n)
}

func TestQueryMany_FailsAsAWhole(t *testing.T) {
	t.Parallel()
	client, queries := measurements(t)
	for _, many := range []monotable.ManyQuery[measurement]{
		monotable.QueryMany(queries...), monotable.QueryMany(queries...).OrderBy(byTime),
	} {
		client.calls.Store(0)
		client.failAt = 6
		_, err := many.Collect(t.Context())
		require.ErrorContains(t, err, "no more")
		client.calls.Store(0)
		_, err = many.Count(t.Context())
		require.ErrorContains(t, err, "no more")
		client.failAt = 0

		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		n := 0
		for _, err := range many.All(ctx) {
			if n++; n == 5 {
				cancel()
			}
			if err != nil {
				require.ErrorIs(t, err, context.Canceled)
				n = -1
			}
		}
		require.Equal(t, -1, n, "cancellation is an error")
		n = 0
		for range many.All(t.Context()) {
			if n++; n == 5 {
				break
			}
		}
		require.Zero(t, client.now.Load(), "nothing is left running")
	}
	client.calls.Store(0)
	for name, many := range map[string]monotable.ManyQuery[measurement]{
		"an invalid query": monotable.QueryMany(queries[0], queries[1].Limit(0)),
		"a zero query":     monotable.QueryMany(queries[0], monotable.Query[measurement]{}),
		"limit 0":          monotable.QueryMany(queries...).Limit(0),
		"no order":         monotable.QueryMany(queries...).OrderBy(nil),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := many.Collect(t.Context())
			require.ErrorIs(t, err, monotable.ErrInvalid)
			_, err = many.Count(t.Context())
			require.ErrorIs(t, err, monotable.ErrInvalid)
			require.Zero(t, client.calls.Load())
		})
	}
	none, err := monotable.QueryMany[measurement]().Collect(t.Context())
	require.NoError(t, err)
	require.Equal(t, []measurement{}, none)
}
