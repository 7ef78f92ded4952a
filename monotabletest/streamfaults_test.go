package monotabletest_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/monotabletest"
)

// newStream makes a table of the items a to h with a stream of 15 changes of each, written eight in a transaction, which has ended.
func newStream(t *testing.T, client *dynamodb.Client) (arn string) {
	t.Helper()
	out, err := client.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: aws.String("tbl"), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("pk"), AttributeType: "S"}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: "HASH"}},
		StreamSpecification:  &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeNewImage},
	})
	require.NoError(t, err)
	for n := range 15 {
		writeAll(t, client, n)
	}
	_, err = client.UpdateTable(t.Context(), &dynamodb.UpdateTableInput{TableName: aws.String("tbl"), StreamSpecification: &types.StreamSpecification{StreamEnabled: aws.Bool(false)}})
	require.NoError(t, err)
	return *out.TableDescription.LatestStreamArn
}

func writeAll(t *testing.T, client *dynamodb.Client, n int) {
	t.Helper()
	var puts []types.TransactWriteItem
	for pk := 'a'; pk <= 'h'; pk++ {
		puts = append(puts, types.TransactWriteItem{Put: &types.Put{TableName: aws.String("tbl"), Item: map[string]types.AttributeValue{
			"pk": &types.AttributeValueMemberS{Value: string(pk)}, "n": &types.AttributeValueMemberN{Value: fmt.Sprint(n)},
		}}})
	}
	_, err := client.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: puts})
	require.NoError(t, err)
}

func sequence(r streamtypes.Record) string { return *r.Dynamodb.SequenceNumber }

func pkOf(r streamtypes.Record) string {
	return r.Dynamodb.Keys["pk"].(*streamtypes.AttributeValueMemberS).Value
}

// follow reads a stream to its end as a careful reader does: it saves its place behind each page and begins there again after errors and after a crash, which it has
// now and then, before or after it has done the page.
func follow(t *testing.T, client monotabletest.StreamClient, arn string, limit *int32, crashes *rand.Rand) (pages [][]streamtypes.Record) {
	t.Helper()
	var described *dynamodbstreams.DescribeStreamOutput
	for described == nil {
		described, _ = client.DescribeStream(t.Context(), &dynamodbstreams.DescribeStreamInput{StreamArn: &arn})
	}
	for _, shard := range described.StreamDescription.Shards {
		saved := ""
		var next *string
		for ended := false; !ended; {
			if next == nil {
				in := &dynamodbstreams.GetShardIteratorInput{StreamArn: &arn, ShardId: shard.ShardId, ShardIteratorType: streamtypes.ShardIteratorTypeTrimHorizon}
				if saved != "" {
					in.ShardIteratorType, in.SequenceNumber = streamtypes.ShardIteratorTypeAfterSequenceNumber, &saved
				}
				out, err := client.GetShardIterator(t.Context(), in)
				if err != nil {
					continue
				}
				next = out.ShardIterator
			}
			out, err := client.GetRecords(t.Context(), &dynamodbstreams.GetRecordsInput{ShardIterator: next, Limit: limit})
			switch expired := new(streamtypes.ExpiredIteratorException); {
			case errors.As(err, &expired) || crashes.IntN(20) == 0:
				next = nil
				continue
			case err != nil:
				continue
			}
			if limit != nil {
				require.LessOrEqual(t, len(out.Records), int(*limit))
			}
			pages = append(pages, out.Records)
			for _, r := range out.Records {
				saved = max(saved, sequence(r))
			}
			next, ended = out.NextShardIterator, out.NextShardIterator == nil
			if crashes.IntN(20) == 0 {
				next = nil
			}
			require.Less(t, len(pages), 10_000, "no end")
		}
	}
	return pages
}

// requireWhole wants each record at least once, and the first deliveries of each item in order.
func requireWhole(t *testing.T, want []streamtypes.Record, pages [][]streamtypes.Record) (repeated int) {
	t.Helper()
	seen, last := map[string]bool{}, map[string]string{}
	for _, page := range pages {
		for _, r := range page {
			if seen[sequence(r)] {
				repeated++
				continue
			}
			seen[sequence(r)] = true
			require.Greater(t, sequence(r), last[pkOf(r)], "the first deliveries of item %s", pkOf(r))
			last[pkOf(r)] = sequence(r)
		}
	}
	for _, r := range want {
		require.True(t, seen[sequence(r)], "lost %s of item %s", sequence(r), pkOf(r))
	}
	require.Len(t, seen, len(want))
	return repeated
}

// requireRepeatsInOrder wants what comes again to go on from there, item by item: no old record alone.
func requireRepeatsInOrder(t *testing.T, want []streamtypes.Record, pages [][]streamtypes.Record) {
	t.Helper()
	before := map[string]string{} // the item's record before each record
	last := map[string]string{}
	for _, r := range want {
		before[sequence(r)], last[pkOf(r)] = last[pkOf(r)], sequence(r)
	}
	last = map[string]string{}
	for _, page := range pages {
		for _, r := range page {
			require.LessOrEqual(t, before[sequence(r)], last[pkOf(r)], "a gap before %s of item %s", sequence(r), pkOf(r))
			last[pkOf(r)] = sequence(r)
		}
	}
}

var everyFault = []monotabletest.StreamFault{
	monotabletest.Repeated(0.3), monotabletest.Reordered(0.5), monotabletest.SplitPages(0.5), monotabletest.Delayed(0.2),
	monotabletest.StreamFailRate("GetRecords", 0.05, &streamtypes.LimitExceededException{}),
	monotabletest.StreamFailRate("GetRecords", 0.05, &streamtypes.ExpiredIteratorException{}),
	monotabletest.StreamFailRate("", 0.05, &streamtypes.InternalServerError{}),
}

func TestStreamFaultsLoseNothing(t *testing.T) {
	client := monotabletest.Client(t)
	arn := newStream(t, client)
	streams := monotabletest.Streams(client)
	want := monotabletest.StreamRecords(t, streams, arn)
	require.Len(t, want, 8*15)
	var total monotabletest.StreamCounts
	for seed := range uint64(50) {
		var limit *int32
		if seed%2 == 1 {
			limit = aws.Int32(int32(1 + seed%13))
		}
		faults := monotabletest.NewStreamFaults(streams, append(everyFault[:len(everyFault):len(everyFault)], monotabletest.StreamSeed(seed))...)
		pages := follow(t, faults, arn, limit, rand.New(rand.NewPCG(seed, 0)))
		requireWhole(t, want, pages)
		requireRepeatsInOrder(t, want, pages)
		counts := faults.Counts()
		total.Calls += counts.Calls
		total.Failed += counts.Failed
		total.Delayed += counts.Delayed
		total.Split += counts.Split
		total.Reordered += counts.Reordered
		total.Repeated += counts.Repeated
	}
	t.Logf("%+v", total)
	for what, n := range map[string]int{"failed": total.Failed, "delayed": total.Delayed, "split": total.Split, "reordered": total.Reordered} {
		require.Greater(t, n, total.Calls/50, what)
	}
	require.Greater(t, total.Repeated, 50*8*15/10)
}

// Over shards that roll and split, too.
func TestStreamFaultsFollowShards(t *testing.T) {
	engine := memdb.New(memdb.Options{StreamShards: 2})
	client := engine.Client()
	out, err := client.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: aws.String("tbl"), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("pk"), AttributeType: "S"}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: "HASH"}},
		StreamSpecification:  &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeKeysOnly},
	})
	require.NoError(t, err)
	for n := range 8 {
		_, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("tbl"), Item: map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: "x"}, "n": &types.AttributeValueMemberN{Value: fmt.Sprint(n)}}})
		require.NoError(t, err)
		writeAll(t, client, n)
		require.NoError(t, []func(string) error{engine.RollShards, engine.SplitShards}[n%4/3]("tbl"))
	}
	_, err = client.UpdateTable(t.Context(), &dynamodb.UpdateTableInput{TableName: aws.String("tbl"), StreamSpecification: &types.StreamSpecification{StreamEnabled: aws.Bool(false)}})
	require.NoError(t, err)
	arn, streams := *out.TableDescription.LatestStreamArn, engine.StreamsClient()
	want := monotabletest.StreamRecords(t, streams, arn)
	require.Len(t, want, 9*8)
	for seed := range uint64(20) {
		faults := monotabletest.NewStreamFaults(streams, append(everyFault[:len(everyFault):len(everyFault)], monotabletest.StreamSeed(seed))...)
		requireWhole(t, want, follow(t, faults, arn, nil, rand.New(rand.NewPCG(seed, 0))))
	}
}

func TestEachStreamFaultAlone(t *testing.T) {
	client := monotabletest.Client(t)
	arn := newStream(t, client)
	streams := monotabletest.Streams(client)
	want := monotabletest.StreamRecords(t, streams, arn)
	calm := rand.New(calmSource{})
	run := func(faults ...monotabletest.StreamFault) ([][]streamtypes.Record, monotabletest.StreamCounts) {
		f := monotabletest.NewStreamFaults(streams, append(faults, monotabletest.StreamSeed(7))...)
		pages := follow(t, f, arn, aws.Int32(30), calm)
		requireWhole(t, want, pages)
		requireRepeatsInOrder(t, want, pages)
		counts := f.Counts()
		counts.Calls = 0
		return pages, counts
	}
	inOrder := func(pages [][]streamtypes.Record) bool {
		last := ""
		for _, page := range pages {
			for _, r := range page {
				if sequence(r) < last {
					return false
				}
				last = sequence(r)
			}
		}
		return true
	}
	lengths := func(pages [][]streamtypes.Record) (n []int) {
		for _, page := range pages {
			n = append(n, len(page))
		}
		return n
	}

	pages, counts := run()
	require.Zero(t, counts)
	require.Equal(t, []int{30, 30, 30, 30}, lengths(pages))
	require.True(t, inOrder(pages))

	pages, counts = run(monotabletest.Repeated(1))
	require.Equal(t, monotabletest.StreamCounts{Repeated: counts.Repeated}, counts)
	require.Positive(t, counts.Repeated)
	require.Equal(t, counts.Repeated, requireWhole(t, want, pages))

	pages, counts = run(monotabletest.Reordered(1))
	require.Equal(t, monotabletest.StreamCounts{Reordered: 4}, counts)
	require.Equal(t, []int{30, 30, 30, 30}, lengths(pages))
	require.False(t, inOrder(pages))

	pages, counts = run(monotabletest.SplitPages(1))
	require.Equal(t, monotabletest.StreamCounts{Split: counts.Split}, counts)
	require.Equal(t, len(pages), counts.Split)
	require.Greater(t, len(pages), 4)
	require.True(t, inOrder(pages))
	cut := false // a transaction in two pages
	for _, n := range lengths(pages) {
		cut = cut || n%8 != 0
	}
	require.True(t, cut)

	pages, counts = run(monotabletest.Delayed(0.5))
	require.Positive(t, counts.Delayed)
	require.Equal(t, monotabletest.StreamCounts{Delayed: counts.Delayed}, counts)
	require.Len(t, pages, 4+counts.Delayed)
	require.True(t, inOrder(pages))

	_, counts = run(monotabletest.StreamFailRate("GetRecords", 0.5, &streamtypes.LimitExceededException{}))
	require.Positive(t, counts.Failed)
	require.Equal(t, monotabletest.StreamCounts{Failed: counts.Failed}, counts)
}

// calmSource has no crashes.
type calmSource struct{}

func (calmSource) Uint64() uint64 { return 1<<63 | 1<<40 } // of one bit IntN would draw again for ever

func TestStreamFaultsDependOnTheSeed(t *testing.T) {
	client := monotabletest.Client(t)
	arn := newStream(t, client)
	run := func(seed uint64) (sequences []string) {
		f := monotabletest.NewStreamFaults(monotabletest.Streams(client), append(everyFault[:len(everyFault):len(everyFault)], monotabletest.StreamSeed(seed))...)
		for _, page := range follow(t, f, arn, nil, rand.New(calmSource{})) {
			sequences = append(sequences, "page")
			for _, r := range page {
				sequences = append(sequences, sequence(r))
			}
		}
		return sequences
	}
	require.Equal(t, run(1), run(1))
	require.NotEqual(t, run(1), run(2))
}

func TestStreamFailAt(t *testing.T) {
	client := monotabletest.Client(t)
	arn := newStream(t, client)
	plain := monotabletest.Streams(client)
	f := monotabletest.NewStreamFaults(plain,
		monotabletest.StreamFailAt(1, &streamtypes.LimitExceededException{}), monotabletest.StreamFailAt(3, &streamtypes.TrimmedDataAccessException{}),
		monotabletest.StreamFailAt(5, &streamtypes.ExpiredIteratorException{}))
	describe := &dynamodbstreams.DescribeStreamInput{StreamArn: &arn}
	_, err := f.DescribeStream(t.Context(), describe)
	require.ErrorAs(t, err, new(*streamtypes.LimitExceededException))
	require.ErrorContains(t, err, "DescribeStream")
	described, err := f.DescribeStream(t.Context(), describe)
	require.NoError(t, err)
	from := &dynamodbstreams.GetShardIteratorInput{
		StreamArn: &arn, ShardId: described.StreamDescription.Shards[0].ShardId, ShardIteratorType: streamtypes.ShardIteratorTypeTrimHorizon,
	}
	_, err = f.GetShardIterator(t.Context(), from)
	require.ErrorAs(t, err, new(*streamtypes.TrimmedDataAccessException))
	first, err := f.GetShardIterator(t.Context(), from)
	require.NoError(t, err)
	records := &dynamodbstreams.GetRecordsInput{ShardIterator: first.ShardIterator}
	_, err = f.GetRecords(t.Context(), records)
	require.ErrorAs(t, err, new(*streamtypes.ExpiredIteratorException))
	page, err := f.GetRecords(t.Context(), records)
	require.NoError(t, err)
	require.Len(t, page.Records, 120)
	require.Equal(t, monotabletest.StreamCounts{Calls: 6, Failed: 3}, f.Counts())

	foreign, err := plain.GetShardIterator(t.Context(), from)
	require.NoError(t, err)
	page, err = f.GetRecords(t.Context(), &dynamodbstreams.GetRecordsInput{ShardIterator: foreign.ShardIterator})
	require.NoError(t, err)
	require.Len(t, page.Records, 120, "an iterator that comes from elsewhere")
}

// An iterator that is used again gives nothing from ahead of it.
func TestRepeatedAreFromBefore(t *testing.T) {
	client := monotabletest.Client(t)
	arn := newStream(t, client)
	plain := monotabletest.Streams(client)
	described, err := plain.DescribeStream(t.Context(), &dynamodbstreams.DescribeStreamInput{StreamArn: &arn})
	require.NoError(t, err)
	for seed := range uint64(20) {
		f := monotabletest.NewStreamFaults(plain, monotabletest.Repeated(1), monotabletest.StreamSeed(seed))
		first, err := f.GetShardIterator(t.Context(), &dynamodbstreams.GetShardIteratorInput{
			StreamArn: &arn, ShardId: described.StreamDescription.Shards[0].ShardId, ShardIteratorType: streamtypes.ShardIteratorTypeTrimHorizon,
		})
		require.NoError(t, err)
		get := func(it *string) ([]streamtypes.Record, *string) {
			out, err := f.GetRecords(t.Context(), &dynamodbstreams.GetRecordsInput{ShardIterator: it, Limit: aws.Int32(40)})
			require.NoError(t, err)
			return out.Records, out.NextShardIterator
		}
		one, second := get(first.ShardIterator)
		_, third := get(second)
		_, _ = get(third)
		again, _ := get(second)
		require.LessOrEqual(t, sequence(again[0]), sequence(one[39]), "begins with what was before")
		for i := 1; i < len(again); i++ {
			require.Less(t, sequence(again[i-1]), sequence(again[i]))
		}
	}
}

func TestStreamRecordsAsSlices(t *testing.T) {
	client := monotabletest.Client(t)
	records := monotabletest.StreamRecords(t, monotabletest.Streams(client), newStream(t, client))
	require.Len(t, records, 120)
	whole := [][]streamtypes.Record{records}
	for seed := range uint64(50) {
		mixed := monotabletest.ReorderRecords(seed, records)
		require.Zero(t, requireWhole(t, records, [][]streamtypes.Record{mixed}))
		require.NotEqual(t, records, mixed)
		require.Equal(t, mixed, monotabletest.ReorderRecords(seed, records))

		repeated := monotabletest.RepeatRecords(seed, records)
		require.Positive(t, requireWhole(t, records, [][]streamtypes.Record{repeated}))
		requireRepeatsInOrder(t, records, [][]streamtypes.Record{repeated})

		batches := monotabletest.StreamBatches(records, 10, append(everyFault[:len(everyFault):len(everyFault)], monotabletest.StreamSeed(seed))...)
		require.Positive(t, requireWhole(t, records, batches))
		requireRepeatsInOrder(t, records, batches)
		sizes := map[int]bool{}
		for _, batch := range batches {
			require.NotEmpty(t, batch)
			require.LessOrEqual(t, len(batch), 10)
			sizes[len(batch)] = true
		}
		require.Greater(t, len(sizes), 1, "some are shorter")
	}
	require.Equal(t, [][]streamtypes.Record{records[:100], records[100:]}, monotabletest.StreamBatches(records, 0))
	require.Zero(t, requireWhole(t, records, whole), "the argument is as it was")
	require.Len(t, monotabletest.RepeatRecords(1, records[:1]), 2)
	require.Empty(t, monotabletest.RepeatRecords(1, nil))
	require.Empty(t, monotabletest.ReorderRecords(1, nil))
}

// Streams goes the way of the client it is made of.
func TestStreamsThroughFaults(t *testing.T) {
	client := monotabletest.Client(t)
	arn := newStream(t, client)
	var faults monotabletest.Faults
	streams := monotabletest.Streams(faults.Client(client))
	faults.StopAt(1)
	_, err := streams.DescribeStream(t.Context(), &dynamodbstreams.DescribeStreamInput{StreamArn: &arn})
	require.ErrorIs(t, err, monotabletest.ErrStopped)
}
