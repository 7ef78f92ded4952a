package memdb_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/memdb"
)

type (
	av   = types.AttributeValue
	attr = map[string]types.AttributeValue
)

func str(s string) av   { return &types.AttributeValueMemberS{Value: s} }
func num(s string) av   { return &types.AttributeValueMemberN{Value: s} }
func ss(s ...string) av { return &types.AttributeValueMemberSS{Value: s} }
func list(vs ...av) av  { return &types.AttributeValueMemberL{Value: vs} }

// table has keys pk S and sk N, a global index on g1 and g2 by r1 and r2, and a
// local one on l, and one of the keys only on sk.
func newTable(t *testing.T, options memdb.Options) (*memdb.Engine, *dynamodb.Client) {
	t.Helper()
	engine := memdb.New(options)
	client := engine.Client()
	_, err := client.CreateTable(t.Context(), tableInput())
	require.NoError(t, err)
	return engine, client
}

func tableInput() *dynamodb.CreateTableInput {
	def := func(name string, kind types.ScalarAttributeType) types.AttributeDefinition {
		return types.AttributeDefinition{AttributeName: aws.String(name), AttributeType: kind}
	}
	key := func(name string, kind types.KeyType) types.KeySchemaElement {
		return types.KeySchemaElement{AttributeName: aws.String(name), KeyType: kind}
	}
	return &dynamodb.CreateTableInput{
		TableName:   aws.String("tbl"),
		BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			def("pk", "S"), def("sk", "N"), def("g1", "S"), def("g2", "N"), def("r1", "S"), def("r2", "N"), def("l", "S"),
		},
		KeySchema: []types.KeySchemaElement{key("pk", "HASH"), key("sk", "RANGE")},
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
			IndexName:  aws.String("multi"),
			KeySchema:  []types.KeySchemaElement{key("g1", "HASH"), key("g2", "HASH"), key("r1", "RANGE"), key("r2", "RANGE")},
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll},
		}, {
			IndexName:  aws.String("keys"),
			KeySchema:  []types.KeySchemaElement{key("sk", "HASH")},
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
		}},
		LocalSecondaryIndexes: []types.LocalSecondaryIndex{{
			IndexName:  aws.String("local"),
			KeySchema:  []types.KeySchemaElement{key("pk", "HASH"), key("l", "RANGE")},
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
		}},
	}
}

func put(t *testing.T, client *dynamodb.Client, item attr) {
	t.Helper()
	_, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("tbl"), Item: item})
	require.NoError(t, err)
}

func isInvalid(err error) bool {
	var api interface{ ErrorCode() string }
	return errors.As(err, &api) && api.ErrorCode() == "ValidationException"
}

func TestPutGet(t *testing.T) {
	_, client := newTable(t, memdb.Options{})
	item := attr{
		"pk": str("a"), "sk": num("1.50"), "ss": ss("x", ""), "n": num("1E3"),
		"l2": list(str("<&>"), &types.AttributeValueMemberM{Value: attr{"z": &types.AttributeValueMemberB{Value: []byte{0, 255}}}}),
		"b":  &types.AttributeValueMemberBOOL{Value: true}, "nil": &types.AttributeValueMemberNULL{Value: true},
	}
	put(t, client, item)
	out, err := client.GetItem(t.Context(), &dynamodb.GetItemInput{
		TableName: aws.String("tbl"), Key: attr{"pk": str("a"), "sk": num("1.5")}, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	})
	require.NoError(t, err)
	item["sk"], item["n"] = num("1.5"), num("1000")
	assert.Equal(t, item, out.Item)
	assert.InDelta(t, 0.5, *out.ConsumedCapacity.CapacityUnits, 0)
	missing, err := client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("tbl"), Key: attr{"pk": str("a"), "sk": num("2")}})
	require.NoError(t, err)
	assert.Nil(t, missing.Item)
}

func TestUpdateReadsTheItemAsItWas(t *testing.T) {
	_, client := newTable(t, memdb.Options{})
	put(t, client, attr{"pk": str("a"), "sk": num("1"), "x": num("1"), "y": num("2"), "l2": list(num("0"), num("1"), num("2"))})
	out, err := client.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: aws.String("tbl"), Key: attr{"pk": str("a"), "sk": num("1")},
		UpdateExpression:          aws.String("set x = y, y = x + :one, l2[9] = :one remove l2[1] add tags :tags"),
		ExpressionAttributeValues: attr{":one": num("1"), ":tags": ss("t")},
		ReturnValues:              types.ReturnValueAllNew,
	})
	require.NoError(t, err)
	assert.Equal(t, attr{
		"pk": str("a"), "sk": num("1"), "x": num("2"), "y": num("2"), "tags": ss("t"),
		"l2": list(num("0"), num("2"), num("1")),
	}, out.Attributes)
}

func TestConditionReturnsTheOldItem(t *testing.T) {
	_, client := newTable(t, memdb.Options{})
	item := attr{"pk": str("a"), "sk": num("1"), "v": num("7")}
	put(t, client, item)
	_, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{
		TableName: aws.String("tbl"), Item: attr{"pk": str("a"), "sk": num("1")},
		ConditionExpression:                 aws.String("attribute_not_exists(pk)"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	failed, ok := errors.AsType[*types.ConditionalCheckFailedException](err)
	require.True(t, ok, "%v", err)
	assert.Equal(t, item, failed.Item)
}

func TestQueryPages(t *testing.T) {
	_, client := newTable(t, memdb.Options{})
	for i := range 25 {
		put(t, client, attr{"pk": str("a"), "sk": num(fmt.Sprint(i - 5)), "i": num(fmt.Sprint(i))})
	}
	put(t, client, attr{"pk": str("a."), "sk": num("3")})
	var got []string
	p := dynamodb.NewQueryPaginator(client, &dynamodb.QueryInput{
		TableName: aws.String("tbl"), KeyConditionExpression: aws.String("pk = :p AND sk BETWEEN :a AND :b"),
		ExpressionAttributeValues: attr{":p": str("a"), ":a": num("-2"), ":b": num("11")},
		ScanIndexForward:          aws.Bool(false), Limit: aws.Int32(4),
	})
	pages := 0
	for p.HasMorePages() {
		page, err := p.NextPage(context.Background())
		require.NoError(t, err)
		pages++
		for _, item := range page.Items {
			got = append(got, item["sk"].(*types.AttributeValueMemberN).Value)
		}
	}
	assert.Equal(t, []string{"11", "10", "9", "8", "7", "6", "5", "4", "3", "2", "1", "0", "-1", "-2"}, got)
	assert.Equal(t, 4, pages)
}

func TestMultiAttributeIndex(t *testing.T) {
	_, client := newTable(t, memdb.Options{})
	for i := range 12 {
		put(t, client, attr{
			"pk": str(fmt.Sprint(i)), "sk": num("0"), "g1": str("g"), "g2": num("1"),
			"r1": str(string(rune('a' + i%3))), "r2": num(fmt.Sprint(i)),
		})
	}
	put(t, client, attr{"pk": str("sparse"), "sk": num("0"), "g1": str("g"), "g2": num("1"), "r1": str("b")})
	query := func(condition string, values attr) (*dynamodb.QueryOutput, error) {
		values[":g"], values[":h"] = str("g"), num("1")
		return client.Query(t.Context(), &dynamodb.QueryInput{
			TableName: aws.String("tbl"), IndexName: aws.String("multi"), Limit: aws.Int32(2),
			KeyConditionExpression: aws.String("g2 = :h AND g1 = :g" + condition), ExpressionAttributeValues: values,
		})
	}
	out, err := query(" AND r1 = :b AND r2 > :n", attr{":b": str("b"), ":n": num("1")})
	require.NoError(t, err)
	require.Len(t, out.Items, 2)
	assert.Equal(t, num("4"), out.Items[0]["r2"])
	assert.Equal(t, num("7"), out.Items[1]["r2"])
	assert.Len(t, out.LastEvaluatedKey, 6)
	_, err = query(" AND r2 = :n", attr{":n": num("1")})
	assert.True(t, isInvalid(err), "%v", err)
	_, err = query(" AND r1 > :b AND r2 = :n", attr{":b": str("b"), ":n": num("1")})
	assert.True(t, isInvalid(err), "%v", err)
}

func TestScanSegmentsAreDisjointAndComplete(t *testing.T) {
	_, client := newTable(t, memdb.Options{})
	for i := range 100 {
		put(t, client, attr{"pk": str(fmt.Sprint(i)), "sk": num("0")})
	}
	seen := map[string]int{}
	for segment := range int32(7) {
		p := dynamodb.NewScanPaginator(client, &dynamodb.ScanInput{
			TableName: aws.String("tbl"), Segment: aws.Int32(segment), TotalSegments: aws.Int32(7), Limit: aws.Int32(3),
		})
		for p.HasMorePages() {
			page, err := p.NextPage(t.Context())
			require.NoError(t, err)
			for _, item := range page.Items {
				seen[item["pk"].(*types.AttributeValueMemberS).Value]++
			}
		}
	}
	assert.Len(t, seen, 100)
	for pk, n := range seen {
		assert.Equal(t, 1, n, pk)
	}
}
