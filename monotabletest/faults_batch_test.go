package monotabletest_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/monotabletest"
)

// ids are n different ones.
func ids(n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf("%02d", i))
	}
	return all
}

func batchWrite(ids ...string) *dynamodb.BatchWriteItemInput {
	in := &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{}}
	for _, id := range ids {
		in.RequestItems["test"] = append(in.RequestItems["test"], types.WriteRequest{PutRequest: &types.PutRequest{Item: item(id)}})
	}
	return in
}

func TestUnprocessedItems(t *testing.T) {
	for _, row := range []struct{ k, left int }{{0, 0}, {1, 1}, {7, 7}, {10, 10}, {99, 10}} {
		b := newBench(t)
		b.faults.Script("BatchWriteItem", monotabletest.Unprocessed(row.k))
		in := batchWrite(ids(10)...)
		out, err := b.client.BatchWriteItem(t.Context(), in)
		require.NoError(t, err)
		assert.Len(t, b.stored(), 10-row.left)
		assert.Equal(t, row.left < 10, b.faults.Requests()[0].Applied(), "nothing left, nothing sent")
		if row.left == 0 {
			assert.Empty(t, out.UnprocessedItems)
			continue
		}
		assert.Equal(t, in.RequestItems["test"][10-row.left:], out.UnprocessedItems["test"], "as they were")
		_, err = b.client.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{RequestItems: out.UnprocessedItems})
		require.NoError(t, err)
		assert.Len(t, b.stored(), 10)
	}
}

func TestUnprocessedKeys(t *testing.T) {
	b := newBench(t)
	_, err := b.plain.BatchWriteItem(t.Context(), batchWrite(ids(10)...))
	require.NoError(t, err)
	keys := types.KeysAndAttributes{
		ConsistentRead: aws.Bool(true), ProjectionExpression: aws.String("#p"), ExpressionAttributeNames: map[string]string{"#p": "PK"},
	}
	for _, id := range ids(10) {
		keys.Keys = append(keys.Keys, item(id))
	}
	for _, k := range []int{0, 3, 10} {
		b.faults.Reset()
		b.faults.Script("BatchGetItem", monotabletest.Unprocessed(k))
		out, err := b.client.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{"test": keys}})
		require.NoError(t, err)
		assert.Len(t, out.Responses["test"], 10-k)
		if k > 0 {
			want := keys
			want.Keys = keys.Keys[10-k:]
			assert.Equal(t, want, out.UnprocessedKeys["test"])
		}
	}
}

// TestUnprocessedTogether: what the server itself leaves, and several tables.
func TestUnprocessedTogether(t *testing.T) {
	engine := memdb.New(memdb.Options{Faults: memdb.Faults{Unprocessed: func(c memdb.Call) bool {
		return c.Key["PK"].(*types.AttributeValueMemberS).Value == "00"
	}}})
	b := benchOn(t, engine.Client())
	monotabletest.TableOn(t, b.plain, monotable.TableConfig{Name: "another", PartitionKey: "PK"})
	b.faults.Script("BatchWriteItem", monotabletest.Unprocessed(2))
	in := batchWrite(ids(4)...)
	in.RequestItems["another"] = in.RequestItems["test"][1:2]
	out, err := b.client.BatchWriteItem(t.Context(), in)
	require.NoError(t, err)
	all := in.RequestItems["test"]
	assert.Equal(t, map[string][]types.WriteRequest{"test": {all[0], all[2], all[3]}}, out.UnprocessedItems)

	b.faults.Script("BatchWriteItem", monotabletest.Unprocessed(1))
	in.RequestItems["none"] = all[:1]
	_, err = b.client.BatchWriteItem(t.Context(), in)
	require.Error(t, err, "what the server refuses is refused")
}

func TestUnprocessedShare(t *testing.T) {
	b := newBench(t)
	run := func(seed uint64) string {
		b.faults.Reset()
		b.faults.Seed(seed)
		b.faults.Rate("BatchWriteItem", 1, monotabletest.UnprocessedShare(0.3))
		left := 0
		pending, sizes := batchWrite(ids(25)...), []int{}
		for n := 0; len(pending.RequestItems) > 0; n++ {
			out, err := b.client.BatchWriteItem(t.Context(), pending)
			require.NoError(t, err)
			require.Less(t, n, 50)
			left += len(out.UnprocessedItems["test"])
			sizes = append(sizes, left)
			pending.RequestItems = out.UnprocessedItems
		}
		text, err := json.Marshal(sizes)
		require.NoError(t, err)
		return string(text)
	}
	first := run(1)
	assert.Equal(t, first, run(1))
	assert.NotEqual(t, first, run(3))
	assert.Len(t, b.stored(), 25)
}
