package memdb_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/memdb"
)

// benchmarkClient is a client of a table with items of one partition: in memory, over HTTP, or on the server of DYNAMODB_ENDPOINT.
func benchmarkClient(b *testing.B, way string, items int) *dynamodb.Client {
	b.Helper()
	engine := memdb.New(memdb.Options{})
	client := engine.Client()
	if way == "server" {
		client = serverIn(os.Getenv("DYNAMODB_ENDPOINT"), "bench"+rand.Text()[:12])
	}
	_, err := client.CreateTable(b.Context(), &dynamodb.CreateTableInput{
		TableName: aws.String("tbl"), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("pk"), AttributeType: "S"}, {AttributeName: aws.String("sk"), AttributeType: "N"}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: "HASH"}, {AttributeName: aws.String("sk"), KeyType: "RANGE"}},
	})
	require.NoError(b, err)
	for i := 0; i < items; i += 25 {
		var requests []types.WriteRequest
		for j := i; j < min(items, i+25); j++ {
			requests = append(requests, types.WriteRequest{PutRequest: &types.PutRequest{Item: benchmarkItem(j)}})
		}
		_, err := client.BatchWriteItem(b.Context(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{"tbl": requests}})
		require.NoError(b, err)
	}
	if way == "http" {
		server := httptest.NewServer(engine.Handler())
		b.Cleanup(server.Close)
		client = engine.Client(func(o *dynamodb.Options) {
			o.BaseEndpoint, o.HTTPClient = aws.String(server.URL), server.Client()
		})
	}
	return client
}

func benchmarkItem(i int) attr {
	return attr{"pk": str("p"), "sk": num(fmt.Sprint(i)), "name": str("a name of some length"), "tags": ss("a", "b"), "n": num("12.5")}
}

func eachWay(b *testing.B, items int, run func(ctx context.Context, client *dynamodb.Client, i int) error) {
	for _, way := range []string{"memory", "http", "server"} {
		if way == "server" && os.Getenv("DYNAMODB_ENDPOINT") == "" {
			continue
		}
		b.Run(way, func(b *testing.B) {
			client := benchmarkClient(b, way, items)
			ctx := context.Background()
			i := 0
			for b.Loop() {
				if err := run(ctx, client, i); err != nil {
					b.Fatal(err)
				}
				i++
			}
		})
	}
}

func BenchmarkPut(b *testing.B) {
	eachWay(b, 0, func(ctx context.Context, client *dynamodb.Client, i int) error {
		_, err := client.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String("tbl"), Item: benchmarkItem(i)})
		return err
	})
}

func BenchmarkGet(b *testing.B) {
	eachWay(b, 1000, func(ctx context.Context, client *dynamodb.Client, i int) error {
		_, err := client.GetItem(ctx, &dynamodb.GetItemInput{TableName: aws.String("tbl"), Key: attr{"pk": str("p"), "sk": num(fmt.Sprint(i % 1000))}})
		return err
	})
}

// BenchmarkQuery reads 10 of 1,000 and of 100,000 items of one partition.
func BenchmarkQuery(b *testing.B) {
	for _, items := range []int{1_000, 100_000} {
		b.Run(fmt.Sprint(items), func(b *testing.B) {
			eachWay(b, items, func(ctx context.Context, client *dynamodb.Client, i int) error {
				_, err := client.Query(ctx, &dynamodb.QueryInput{
					TableName: aws.String("tbl"), KeyConditionExpression: aws.String("pk = :p AND sk >= :s"), Limit: aws.Int32(10),
					ExpressionAttributeValues: attr{":p": str("p"), ":s": num(fmt.Sprint(i * 7919 % (items - 10)))},
				})
				return err
			})
		})
	}
}
