package monotabletest

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

// StreamClient is what reads a stream: the three calls of DynamoDB Streams. A *[dynamodbstreams.Client] is one, and so are [StreamFaults].
type StreamClient interface {
	DescribeStream(context.Context, *dynamodbstreams.DescribeStreamInput, ...func(*dynamodbstreams.Options)) (*dynamodbstreams.DescribeStreamOutput, error)
	GetShardIterator(context.Context, *dynamodbstreams.GetShardIteratorInput, ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetShardIteratorOutput, error)
	GetRecords(context.Context, *dynamodbstreams.GetRecordsInput, ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetRecordsOutput, error)
}

// Streams is a client of the streams of the same database, by the same way: through [Faults] and [Recorder] if the client goes through them. The region,
// endpoint, credentials and HTTP client are the given client's, all else is the SDK's defaults.
func Streams(client *dynamodb.Client, optFns ...func(*dynamodbstreams.Options)) *dynamodbstreams.Client {
	o := client.Options()
	return dynamodbstreams.New(dynamodbstreams.Options{
		Region: o.Region, BaseEndpoint: o.BaseEndpoint, Credentials: o.Credentials, HTTPClient: o.HTTPClient,
	}, optFns...)
}

// StreamRecords are all records that a stream holds at the moment, parents before children, each shard to its first empty page. Any error ends the test.
func StreamRecords(t testing.TB, client StreamClient, streamARN string) []streamtypes.Record {
	t.Helper()
	var all []streamtypes.Record
	in := &dynamodbstreams.DescribeStreamInput{StreamArn: &streamARN}
	for {
		out, err := client.DescribeStream(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		for _, shard := range out.StreamDescription.Shards { // in the order they were opened
			records, err := shardRecords(t.Context(), client, streamARN, *shard.ShardId)
			if err != nil {
				t.Fatalf("shard %s: %v", *shard.ShardId, err)
			}
			all = append(all, records...)
		}
		if in.ExclusiveStartShardId = out.StreamDescription.LastEvaluatedShardId; in.ExclusiveStartShardId == nil {
			return all
		}
	}
}

func shardRecords(ctx context.Context, client StreamClient, streamARN, shard string) (all []streamtypes.Record, err error) {
	first, err := client.GetShardIterator(ctx, &dynamodbstreams.GetShardIteratorInput{
		StreamArn: &streamARN, ShardId: &shard, ShardIteratorType: streamtypes.ShardIteratorTypeTrimHorizon,
	})
	if err != nil {
		return nil, err
	}
	for next := first.ShardIterator; next != nil; {
		page, err := client.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: next})
		if err != nil {
			return nil, err
		}
		if len(page.Records) == 0 {
			break
		}
		all, next = append(all, page.Records...), page.NextShardIterator
	}
	return all, nil
}
