package memdb_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/memdb"
)

// onLoopback is a client of an engine behind a real server on the loopback.
func onLoopback(tb testing.TB, engine *memdb.Engine) *dynamodb.Client {
	tb.Helper()
	s := httptest.NewServer(engine.Handler())
	tb.Cleanup(s.Close)
	return engine.Client(func(o *dynamodb.Options) {
		o.BaseEndpoint = &s.URL
		o.HTTPClient = s.Client()
	})
}

// filled makes the table with n items, all in one partition of it and of the
// index "multi".
func filled(tb testing.TB, engine *memdb.Engine, n int) *dynamodb.Client {
	tb.Helper()
	ctx := context.Background()
	client := engine.Client()
	_, err := client.CreateTable(ctx, tableInput())
	require.NoError(tb, err)
	for i := 0; i < n; i += 25 {
		var writes []types.WriteRequest
		for j := i; j < min(i+25, n); j++ {
			writes = append(writes, types.WriteRequest{PutRequest: &types.PutRequest{Item: attr{
				"pk": str("p"), "sk": num(fmt.Sprint(j)), "g1": str("g"), "g2": num("1"), "r1": str(fmt.Sprintf("%08d", j)), "r2": num("0"),
			}}})
		}
		_, err := client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{"tbl": writes}})
		require.NoError(tb, err)
	}
	return client
}

// ten reads ten items from somewhere in the partition.
func ten(ctx context.Context, client *dynamodb.Client, from int) error {
	out, err := client.Query(ctx, &dynamodb.QueryInput{
		TableName: aws.String("tbl"), IndexName: aws.String("multi"), Limit: aws.Int32(10),
		KeyConditionExpression:    aws.String("g1 = :g AND g2 = :h AND r1 >= :s"),
		ExpressionAttributeValues: attr{":g": str("g"), ":h": num("1"), ":s": str(fmt.Sprintf("%08d", from))},
	})
	if err == nil && len(out.Items) != 10 {
		err = fmt.Errorf("%d items", len(out.Items))
	}
	return err
}

// BenchmarkIndexQuery200 is the time of 200 queries of 10 items of a global index.
func BenchmarkIndexQuery200(b *testing.B) {
	for _, n := range []int{1_000, 100_000} {
		engine := memdb.New(memdb.Options{})
		direct := filled(b, engine, n)
		for name, client := range map[string]*dynamodb.Client{"in-process": direct, "http": onLoopback(b, engine)} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				for b.Loop() {
					for i := range 200 {
						require.NoError(b, ten(b.Context(), client, i*n/250))
					}
				}
			})
		}
	}
}

// A query of ten items allocates no more in a table a hundred times as large. The
// steps of the search itself are counted in package ordered.
func TestQueryDoesNotGrowWithTheTable(t *testing.T) {
	allocations := func(n int) float64 {
		client := filled(t, memdb.New(memdb.Options{}), n)
		return testing.AllocsPerRun(20, func() { require.NoError(t, ten(context.Background(), client, n/2)) })
	}
	few, many := allocations(100), allocations(10_000)
	if many > 1.05*few+20 {
		t.Errorf("%v allocations among 10,000 items, %v among 100", many, few)
	}
}
