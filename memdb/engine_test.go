package memdb_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/memdb"
)

// clock is a time that stands until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Unix(1_800_000_000, 0)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func keyOf(pk string) attr { return attr{"pk": str(pk), "sk": num("0")} }

func TestReasonsInOrder(t *testing.T) {
	_, client := newTable(t, memdb.Options{})
	put(t, client, attr{"pk": str("b"), "sk": num("0"), "s": str("x")})
	_, err := client.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Put: &types.Put{TableName: aws.String("tbl"), Item: keyOf("a")}},
		{ConditionCheck: &types.ConditionCheck{
			TableName: aws.String("tbl"), Key: keyOf("b"), ConditionExpression: aws.String("attribute_not_exists(pk)"),
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		}},
		{Update: &types.Update{
			TableName: aws.String("tbl"), Key: keyOf("c"), UpdateExpression: aws.String("SET n = s + :one"),
			ExpressionAttributeValues: attr{":one": num("1")},
		}},
		{Delete: &types.Delete{TableName: aws.String("tbl"), Key: attr{"pk": str("d")}}},
	}})
	cancelled, ok := errors.AsType[*types.TransactionCanceledException](err)
	require.True(t, ok, "%v", err)
	var codes []string
	for _, r := range cancelled.CancellationReasons {
		codes = append(codes, *r.Code)
	}
	assert.Equal(t, []string{"None", "ConditionalCheckFailed", "ValidationError", "ValidationError"}, codes)
	assert.Equal(t, str("x"), cancelled.CancellationReasons[1].Item["s"])
}

func TestWaiters(t *testing.T) {
	clock := newClock()
	engine := memdb.New(memdb.Options{Clock: clock.Now, TableDelay: time.Minute})
	client := engine.Client()
	_, err := client.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: aws.String("slow"), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("pk"), AttributeType: "S"}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: "HASH"}},
	})
	require.NoError(t, err)
	status := func() types.TableStatus {
		out, err := client.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String("slow")})
		if _, ok := errors.AsType[*types.ResourceNotFoundException](err); ok {
			return ""
		}
		require.NoError(t, err)
		return out.Table.TableStatus
	}
	assert.Equal(t, types.TableStatusCreating, status())
	_, err = client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("slow"), Item: attr{"pk": str("a")}})
	_, ok := errors.AsType[*types.ResourceNotFoundException](err)
	assert.True(t, ok, "%v", err)
	clock.Add(time.Minute)
	assert.Equal(t, types.TableStatusActive, status())
	_, err = client.DeleteTable(t.Context(), &dynamodb.DeleteTableInput{TableName: aws.String("slow")})
	require.NoError(t, err)
	assert.Equal(t, types.TableStatusDeleting, status())
	clock.Add(time.Minute)
	assert.Empty(t, status())
}

func TestPagesEndAtOneMegabyte(t *testing.T) {
	_, client := newTable(t, memdb.Options{})
	for i := range 15 {
		put(t, client, attr{"pk": str("a"), "sk": num(fmt.Sprint(i)), "s": str(strings.Repeat("x", 100_000))})
	}
	out, err := client.Query(t.Context(), &dynamodb.QueryInput{
		TableName: aws.String("tbl"), KeyConditionExpression: aws.String("pk = :p"), FilterExpression: aws.String("attribute_not_exists(s)"),
		ExpressionAttributeValues: attr{":p": str("a")},
	})
	require.NoError(t, err)
	assert.Empty(t, out.Items)
	assert.Equal(t, int32(11), out.ScannedCount)
	assert.NotNil(t, out.LastEvaluatedKey)
}

func TestLegacyAndUnknownAreRefused(t *testing.T) {
	_, client := newTable(t, memdb.Options{})
	_, err := client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("tbl"), Key: keyOf("a"), AttributesToGet: []string{"pk"}})
	assert.True(t, isInvalid(err), "%v", err)
	_, err = client.ExecuteStatement(t.Context(), &dynamodb.ExecuteStatementInput{Statement: aws.String("SELECT * FROM tbl")})
	assert.ErrorContains(t, err, "UnknownOperationException")
}
