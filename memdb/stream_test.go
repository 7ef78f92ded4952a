package memdb_test

import (
	"crypto/rand"
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/memdb"
)

// source is a table with a stream, on memdb or on a server.
type source struct {
	*testing.T
	engine  *memdb.Engine // nil on a server
	client  *dynamodb.Client
	streams *dynamodbstreams.Client
	arn     string
}

func newSource(t *testing.T, options memdb.Options) *source {
	t.Helper()
	engine := memdb.New(options)
	s := &source{T: t, engine: engine, client: engine.Client(), streams: engine.StreamsClient()}
	s.create()
	return s
}

func (s *source) create() {
	s.Helper()
	out, err := s.client.CreateTable(s.Context(), &dynamodb.CreateTableInput{
		TableName: aws.String("tbl"), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("pk"), AttributeType: "S"}, {AttributeName: aws.String("sk"), AttributeType: "N"}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: "HASH"}, {AttributeName: aws.String("sk"), KeyType: "RANGE"}},
		StreamSpecification:  &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeNewAndOldImages},
	})
	require.NoError(s, err)
	s.arn = *out.TableDescription.LatestStreamArn
}

// enable switches the stream on or off.
func (s *source) enable(on bool) {
	s.Helper()
	in := &types.StreamSpecification{StreamEnabled: &on}
	if on {
		in.StreamViewType = types.StreamViewTypeKeysOnly
	}
	out, err := s.client.UpdateTable(s.Context(), &dynamodb.UpdateTableInput{TableName: aws.String("tbl"), StreamSpecification: in})
	require.NoError(s, err)
	s.arn = *out.TableDescription.LatestStreamArn
}

// write sets n of the item of a partition.
func (s *source) write(pk string, n int) {
	s.Helper()
	put(s.T, s.client, attr{"pk": str(pk), "sk": num("0"), "n": num(fmt.Sprint(n))})
}

func (s *source) describe(change ...func(*dynamodbstreams.DescribeStreamInput)) *streamtypes.StreamDescription {
	s.Helper()
	in := &dynamodbstreams.DescribeStreamInput{StreamArn: &s.arn}
	for _, f := range change {
		f(in)
	}
	out, err := s.streams.DescribeStream(s.Context(), in)
	require.NoError(s, err)
	return out.StreamDescription
}

func (s *source) shards() []streamtypes.Shard { s.Helper(); return s.describe().Shards }

func (s *source) tryIterator(shard string, kind streamtypes.ShardIteratorType, change ...func(*dynamodbstreams.GetShardIteratorInput)) (*string, error) {
	in := &dynamodbstreams.GetShardIteratorInput{StreamArn: &s.arn, ShardId: &shard, ShardIteratorType: kind}
	for _, f := range change {
		f(in)
	}
	out, err := s.streams.GetShardIterator(s.Context(), in)
	if err != nil {
		return nil, err
	}
	return out.ShardIterator, nil
}

func (s *source) iterator(shard string, kind streamtypes.ShardIteratorType, change ...func(*dynamodbstreams.GetShardIteratorInput)) *string {
	s.Helper()
	text, err := s.tryIterator(shard, kind, change...)
	require.NoError(s, err)
	return text
}

func sequence(n string) func(*dynamodbstreams.GetShardIteratorInput) {
	return func(in *dynamodbstreams.GetShardIteratorInput) { in.SequenceNumber = &n }
}

// get reads one page; a limit of 0 is none.
func (s *source) get(iterator *string, limit int32) ([]streamtypes.Record, *string, error) {
	in := &dynamodbstreams.GetRecordsInput{ShardIterator: iterator}
	if limit > 0 {
		in.Limit = &limit
	}
	out, err := s.streams.GetRecords(s.Context(), in)
	if err != nil {
		return nil, nil, err
	}
	return out.Records, out.NextShardIterator, nil
}

// read reads from an iterator to where there is nothing more, and tells whether the shard ended.
func (s *source) read(iterator *string) (values []string, ended bool) {
	s.Helper()
	for {
		records, next, err := s.get(iterator, 0)
		require.NoError(s, err)
		for _, r := range records {
			values = append(values, valueOf(r))
		}
		if next == nil || len(records) == 0 {
			return values, next == nil
		}
		iterator = next
	}
}

// valueOf is pk and n of a record's item, such as a1.
func valueOf(r streamtypes.Record) string {
	return r.Dynamodb.NewImage["pk"].(*streamtypes.AttributeValueMemberS).Value + r.Dynamodb.NewImage["n"].(*streamtypes.AttributeValueMemberN).Value
}

const (
	horizon = streamtypes.ShardIteratorTypeTrimHorizon
	latest  = streamtypes.ShardIteratorTypeLatest
	at      = streamtypes.ShardIteratorTypeAtSequenceNumber
	after   = streamtypes.ShardIteratorTypeAfterSequenceNumber
	atTime  = streamtypes.ShardIteratorTypeAtTimestamp
)

// onBoth runs a test on memdb and, where there is one, on the server.
func onBoth(t *testing.T, f func(s *source)) {
	t.Helper()
	t.Run("memdb", func(t *testing.T) { f(newSource(t, memdb.Options{})) })
	t.Run("http", func(t *testing.T) {
		engine := memdb.New(memdb.Options{})
		server := httptest.NewServer(engine.Handler())
		defer server.Close()
		s := &source{T: t, engine: engine, client: engine.Client(), streams: engine.StreamsClient(func(o *dynamodbstreams.Options) {
			o.HTTPClient, o.BaseEndpoint = server.Client(), &server.URL
		})}
		s.create()
		f(s)
	})
	t.Run("server", func(t *testing.T) {
		client := serverIn(endpoint(t), "stream"+rand.Text()[:12])
		o := client.Options()
		s := &source{T: t, client: client, streams: dynamodbstreams.New(dynamodbstreams.Options{
			Region: o.Region, BaseEndpoint: o.BaseEndpoint, Credentials: o.Credentials, HTTPClient: o.HTTPClient,
		})}
		s.create()
		f(s)
	})
}

// What memdb and DynamoDB Local have in common.
func TestStreamIterators(t *testing.T) {
	onBoth(t, func(s *source) {
		for i := range 4 {
			s.write("a", i)
		}
		all := s.shards()
		require.Len(t, all, 1)
		shard := *all[0].ShardId
		require.Nil(t, all[0].SequenceNumberRange.EndingSequenceNumber)
		fresh := s.iterator(shard, latest)

		first, next, err := s.get(s.iterator(shard, horizon), 3)
		require.NoError(t, err)
		require.Len(t, first, 3, "Limit")
		rest, ended := s.read(next)
		require.Equal(t, []string{"a3"}, rest)
		require.False(t, ended)

		second := *first[1].Dynamodb.SequenceNumber
		require.Len(t, second, 21)
		require.Greater(t, second, *first[0].Dynamodb.SequenceNumber)
		require.Zero(t, first[1].Dynamodb.ApproximateCreationDateTime.Nanosecond())
		values, _ := s.read(s.iterator(shard, at, sequence(second)))
		require.Equal(t, []string{"a1", "a2", "a3"}, values)
		values, _ = s.read(s.iterator(shard, after, sequence(second)))
		require.Equal(t, []string{"a2", "a3"}, values)
		values, _ = s.read(s.iterator(shard, at, sequence(*all[0].SequenceNumberRange.StartingSequenceNumber)))
		require.Equal(t, []string{"a0", "a1", "a2", "a3"}, values)

		s.write("a", 4)
		values, _ = s.read(fresh)
		require.Equal(t, []string{"a4"}, values)

		for what, in := range map[string]func(*dynamodbstreams.GetShardIteratorInput){
			"no number":    func(*dynamodbstreams.GetShardIteratorInput) {},
			"short number": sequence("1"),
		} {
			_, err = s.tryIterator(shard, at, in)
			require.True(t, isInvalid(err), "%s: %v", what, err)
		}
		_, err = s.tryIterator(shard, latest, sequence(second))
		require.True(t, isInvalid(err), "a number for LATEST: %v", err)
		_, err = s.tryIterator("shardId-00000000000000000000-99999999", latest)
		require.ErrorAs(t, err, new(*streamtypes.ResourceNotFoundException))
		_, _, err = s.get(aws.String("bogus"), 0)
		require.True(t, isInvalid(err), "%v", err)
		_, _, err = s.get(fresh, 1001)
		require.True(t, isInvalid(err), "%v", err)
	})
}

func TestDisabledStreamIsReadToItsEnd(t *testing.T) {
	onBoth(t, func(s *source) {
		s.write("a", 1)
		s.write("a", 2)
		s.enable(false)
		require.Equal(t, streamtypes.StreamStatusDisabled, s.describe().StreamStatus)
		shard := s.shards()[0]
		require.NotNil(t, shard.SequenceNumberRange.EndingSequenceNumber)
		values, ended := s.read(s.iterator(*shard.ShardId, horizon))
		require.Equal(t, []string{"a1", "a2"}, values)
		require.True(t, ended)
		_, ended = s.read(s.iterator(*shard.ShardId, latest))
		require.True(t, ended)
		old := s.arn
		s.enable(true)
		require.NotEqual(t, old, s.arn, "another stream")
		require.NotEqual(t, shard.ShardId, s.shards()[0].ShardId)
	})
}

func TestStreamOfDeletedTable(t *testing.T) {
	onBoth(t, func(s *source) {
		s.write("a", 1)
		_, err := s.client.DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: aws.String("tbl")})
		require.NoError(t, err)
		require.Equal(t, streamtypes.StreamStatusDisabled, s.describe().StreamStatus)
		values, ended := s.read(s.iterator(*s.shards()[0].ShardId, horizon))
		require.Equal(t, []string{"a1"}, values)
		require.True(t, ended)
	})
}

func TestTablesOfOneInstantHaveTheirOwnStreams(t *testing.T) {
	clock := newClock()
	s := newSource(t, memdb.Options{Clock: clock.Now})
	seen := map[string]bool{}
	for range 3 {
		require.False(t, seen[s.arn], "%s twice", s.arn)
		seen[s.arn] = true
		_, err := s.client.DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: aws.String("tbl")})
		require.NoError(t, err)
		s.create()
	}
	out, err := s.streams.ListStreams(t.Context(), &dynamodbstreams.ListStreamsInput{TableName: aws.String("tbl")})
	require.NoError(t, err)
	require.Len(t, out.Streams, 4)
}

func TestStreamAtTimestamp(t *testing.T) {
	clock := newClock()
	s := newSource(t, memdb.Options{Clock: clock.Now})
	begin := clock.Now()
	for i := range 3 {
		s.write("a", i)
		clock.Add(time.Minute)
	}
	shard := *s.shards()[0].ShardId
	from := func(when time.Time) []string {
		values, _ := s.read(s.iterator(shard, atTime, func(in *dynamodbstreams.GetShardIteratorInput) { in.Timestamp = &when }))
		return values
	}
	require.Equal(t, []string{"a0", "a1", "a2"}, from(begin.Add(-48*time.Hour)))
	require.Equal(t, []string{"a1", "a2"}, from(begin.Add(time.Minute)))
	require.Equal(t, []string{"a2"}, from(begin.Add(time.Minute+time.Millisecond)))
	require.Empty(t, from(clock.Now()))
	_, err := s.tryIterator(shard, atTime, func(in *dynamodbstreams.GetShardIteratorInput) { in.Timestamp = aws.Time(clock.Now().Add(time.Second)) })
	require.True(t, isInvalid(err), "the future: %v", err)
	_, err = s.tryIterator(shard, atTime)
	require.True(t, isInvalid(err), "no time: %v", err)
}

func TestStreamPagesAreOneMegabyte(t *testing.T) {
	s := newSource(t, memdb.Options{})
	big := make([]byte, 300<<10)
	for i := range 5 { // 300 KB of new image each
		put(t, s.client, attr{"pk": str("a"), "sk": num(fmt.Sprint(i)), "b": &types.AttributeValueMemberB{Value: big}})
	}
	records, next, err := s.get(s.iterator(*s.shards()[0].ShardId, horizon), 0)
	require.NoError(t, err)
	require.Len(t, records, 3)
	records, _, err = s.get(next, 0)
	require.NoError(t, err)
	require.Len(t, records, 2)
}
