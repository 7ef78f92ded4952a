package memdb_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/memdb"
)

// history reads every shard, parents first as they are listed, and gives what each item went through.
func (s *source) history() (items map[byte][]string, perShard map[string][]string) {
	s.Helper()
	items, perShard = map[byte][]string{}, map[string][]string{}
	for _, shard := range s.shards() {
		values, ended := s.read(s.iterator(*shard.ShardId, horizon))
		require.Equal(s, shard.SequenceNumberRange.EndingSequenceNumber != nil, ended, "closed shards end, open ones do not")
		perShard[*shard.ShardId] = values
		for _, v := range values {
			items[v[0]] = append(items[v[0]], v[1:])
		}
	}
	return items, perShard
}

func (s *source) writeAll(from, to int) {
	s.Helper()
	for n := from; n < to; n++ {
		for pk := 'a'; pk <= 'p'; pk++ {
			s.write(string(pk), n)
		}
	}
}

func open(shards []streamtypes.Shard) (ids []string) {
	for _, shard := range shards {
		if shard.SequenceNumberRange.EndingSequenceNumber == nil {
			ids = append(ids, *shard.ShardId)
		}
	}
	return ids
}

func TestItemsAreSpreadOverShards(t *testing.T) {
	s := newSource(t, memdb.Options{StreamShards: 4})
	s.writeAll(0, 3)
	require.Len(t, s.shards(), 4)
	items, perShard := s.history()
	for pk := byte('a'); pk <= 'p'; pk++ {
		require.Equal(t, []string{"0", "1", "2"}, items[pk])
	}
	for id, values := range perShard {
		require.NotEmpty(t, values, "of 16 partition keys none is in %s", id)
	}
}

func TestShardsRollAndSplit(t *testing.T) {
	for _, test := range []struct {
		name            string
		reshard         func(*memdb.Engine, string) error
		children, after int
	}{{"roll", (*memdb.Engine).RollShards, 1, 2}, {"split", (*memdb.Engine).SplitShards, 2, 8}} {
		t.Run(test.name, func(t *testing.T) {
			s := newSource(t, memdb.Options{StreamShards: 2})
			s.writeAll(0, 2)
			parents := open(s.shards())
			fresh := s.iterator(parents[0], latest)
			require.NoError(t, test.reshard(s.engine, "tbl"))
			s.writeAll(2, 4)
			require.NoError(t, test.reshard(s.engine, "tbl"))
			s.writeAll(4, 6)

			all := s.shards()
			require.Len(t, open(all), test.after)
			byID := map[string]streamtypes.Shard{}
			children := map[string]int{}
			for _, shard := range all {
				byID[*shard.ShardId] = shard
				if shard.ParentShardId == nil {
					require.Contains(t, parents, *shard.ShardId)
					continue
				}
				children[*shard.ParentShardId]++
				parent, listed := byID[*shard.ParentShardId]
				require.True(t, listed, "parents are listed first")
				require.Less(t, *parent.SequenceNumberRange.EndingSequenceNumber, *shard.SequenceNumberRange.StartingSequenceNumber)
			}
			for _, shard := range all {
				if shard.SequenceNumberRange.EndingSequenceNumber != nil {
					require.Equal(t, test.children, children[*shard.ShardId])
				}
			}
			items, _ := s.history()
			for pk := byte('a'); pk <= 'p'; pk++ {
				require.Equal(t, []string{"0", "1", "2", "3", "4", "5"}, items[pk], "in order from parent to child")
			}
			values, ended := s.read(fresh)
			require.Empty(t, values)
			require.True(t, ended, "an iterator of before ends with its shard")
		})
	}
}

// A reader may come back with the last number of a shard it has read, its end, or its start.
func TestSequenceNumbersOfClosedShards(t *testing.T) {
	s := newSource(t, memdb.Options{})
	s.writeAll(0, 1)
	parent := s.shards()[0]
	records, _, err := s.get(s.iterator(*parent.ShardId, horizon), 0)
	require.NoError(t, err)
	last := *records[len(records)-1].Dynamodb.SequenceNumber
	require.NoError(t, s.engine.RollShards("tbl"))
	shards := s.shards()
	parent, child := shards[0], shards[1]
	for _, number := range []string{last, *parent.SequenceNumberRange.EndingSequenceNumber} {
		values, ended := s.read(s.iterator(*parent.ShardId, after, sequence(number)))
		require.Empty(t, values)
		require.True(t, ended)
	}
	start := sequence(*child.SequenceNumberRange.StartingSequenceNumber)
	fromStart := s.iterator(*child.ShardId, at, start)
	s.write("a", 1)
	values, _ := s.read(fromStart)
	require.Equal(t, []string{"a1"}, values)

	_, err = s.tryIterator(*child.ShardId, after, sequence(last))
	require.True(t, isInvalid(err), "a number of the parent: %v", err)
	_, err = s.tryIterator(*parent.ShardId, after, start)
	require.True(t, isInvalid(err), "a number of the child: %v", err)
}

func TestDescribeStreamPages(t *testing.T) {
	s := newSource(t, memdb.Options{StreamShards: 3})
	require.NoError(t, s.engine.SplitShards("tbl"))
	all := s.shards()
	require.Len(t, all, 9)
	var paged []streamtypes.Shard
	var from *string
	for pages := 1; ; pages++ {
		d := s.describe(func(in *dynamodbstreams.DescribeStreamInput) { in.Limit, in.ExclusiveStartShardId = aws.Int32(3), from })
		paged = append(paged, d.Shards...)
		if from = d.LastEvaluatedShardId; from == nil {
			require.Equal(t, 3, pages)
			break
		}
		require.Len(t, d.Shards, 3)
	}
	require.Equal(t, all, paged)

	children := s.describe(func(in *dynamodbstreams.DescribeStreamInput) {
		in.ShardFilter = &streamtypes.ShardFilter{Type: streamtypes.ShardFilterTypeChildShards, ShardId: all[1].ShardId}
	}).Shards
	require.Len(t, children, 2)
	for _, child := range children {
		require.Equal(t, all[1].ShardId, child.ParentShardId)
	}
	for _, wrong := range []dynamodbstreams.DescribeStreamInput{
		{Limit: aws.Int32(0)}, {Limit: aws.Int32(101)}, {ShardFilter: &streamtypes.ShardFilter{Type: "OTHERS", ShardId: all[1].ShardId}},
	} {
		wrong.StreamArn = &s.arn
		_, err := s.streams.DescribeStream(t.Context(), &wrong)
		require.True(t, isInvalid(err), "%v", err)
	}
}

func TestStreamRetention(t *testing.T) {
	clock := newClock()
	s := newSource(t, memdb.Options{Clock: clock.Now})
	s.write("a", 0)
	clock.Add(12 * time.Hour)
	s.write("a", 1)
	shard := *s.shards()[0].ShardId
	records, _, err := s.get(s.iterator(shard, horizon), 0)
	require.NoError(t, err)
	require.Len(t, records, 2)
	first, second := sequence(*records[0].Dynamodb.SequenceNumber), sequence(*records[1].Dynamodb.SequenceNumber)

	clock.Add(12*time.Hour - time.Minute)
	early := s.iterator(shard, at, first)
	clock.Add(time.Minute)
	for _, kind := range []streamtypes.ShardIteratorType{at, after} {
		_, err := s.tryIterator(shard, kind, first)
		require.ErrorAs(t, err, new(*streamtypes.TrimmedDataAccessException))
	}
	_, _, err = s.get(early, 0)
	require.ErrorAs(t, err, new(*streamtypes.TrimmedDataAccessException))
	for _, from := range []*string{s.iterator(shard, horizon), s.iterator(shard, at, second)} {
		values, _ := s.read(from)
		require.Equal(t, []string{"a1"}, values)
	}

	require.NoError(t, s.engine.RollShards("tbl"))
	require.Len(t, s.shards(), 2)
	clock.Add(24*time.Hour - time.Minute)
	require.Len(t, s.shards(), 2)
	clock.Add(time.Minute)
	left := s.shards()
	require.Len(t, left, 1)
	require.Equal(t, shard, *left[0].ParentShardId, "the child still tells of the parent that is gone")
	_, err = s.tryIterator(shard, horizon)
	require.ErrorAs(t, err, new(*streamtypes.ResourceNotFoundException))
}

func TestDisabledStreamIsForgottenAfterADay(t *testing.T) {
	clock := newClock()
	s := newSource(t, memdb.Options{Clock: clock.Now})
	s.write("a", 0)
	s.enable(false)
	clock.Add(24*time.Hour - time.Minute)
	require.Len(t, s.shards(), 1)
	clock.Add(time.Minute)
	_, err := s.streams.DescribeStream(t.Context(), &dynamodbstreams.DescribeStreamInput{StreamArn: &s.arn})
	require.ErrorAs(t, err, new(*streamtypes.ResourceNotFoundException))
}

func TestIteratorsExpire(t *testing.T) {
	clock := newClock()
	s := newSource(t, memdb.Options{Clock: clock.Now})
	shard := *s.shards()[0].ShardId
	first := s.iterator(shard, horizon)
	clock.Add(15*time.Minute - time.Millisecond)
	_, next, err := s.get(first, 0)
	require.NoError(t, err)
	clock.Add(time.Millisecond)
	_, _, err = s.get(first, 0)
	require.ErrorAs(t, err, new(*streamtypes.ExpiredIteratorException))
	_, _, err = s.get(next, 0)
	require.NoError(t, err, "a new iterator has its own time")
}

func TestReshardingNeedsAStream(t *testing.T) {
	engine, client := newTable(t, memdb.Options{})
	require.ErrorContains(t, engine.RollShards("tbl"), "no stream")
	require.ErrorContains(t, engine.SplitShards("other"), "other")
	s := &source{T: t, client: client}
	s.enable(true)
	require.NoError(t, engine.RollShards("tbl"))
	s.enable(false)
	require.Error(t, engine.RollShards("tbl"))
}

// Shards are added while items are written and read.
func TestReshardingUnderLoad(t *testing.T) {
	s := newSource(t, memdb.Options{StreamShards: 2})
	done := make(chan error)
	go func() {
		for n := range 200 {
			_, err := s.client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("tbl"), Item: attr{"pk": str(string(rune('a' + n%8))), "sk": num("0"), "n": num(fmt.Sprint(n / 8))}})
			if err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for range 4 {
		require.NoError(t, s.engine.RollShards("tbl"))
		require.NoError(t, s.engine.SplitShards("tbl"))
	}
	require.NoError(t, <-done)
	items, _ := s.history()
	for pk := byte('a'); pk < 'i'; pk++ {
		require.Len(t, items[pk], 25)
		for n, value := range items[pk] {
			require.Equal(t, fmt.Sprint(n), value)
		}
	}
}
