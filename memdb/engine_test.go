package memdb_test

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
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

func TestTokens(t *testing.T) {
	clock := newClock()
	_, client := newTable(t, memdb.Options{Clock: clock.Now})
	add := func(token, n string) error {
		_, err := client.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{
			ClientRequestToken: aws.String(token),
			TransactItems: []types.TransactWriteItem{{Update: &types.Update{
				TableName: aws.String("tbl"), Key: keyOf("a"), UpdateExpression: aws.String("ADD n :n"),
				ExpressionAttributeValues: attr{":n": num(n)},
			}}},
		})
		return err
	}
	n := func() av {
		out, err := client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("tbl"), Key: keyOf("a")})
		require.NoError(t, err)
		return out.Item["n"]
	}
	require.NoError(t, add("one", "1"))
	require.NoError(t, add("one", "1"))
	assert.Equal(t, num("1"), n(), "the same request again has no effect")
	_, ok := errors.AsType[*types.IdempotentParameterMismatchException](add("one", "2"))
	assert.True(t, ok)
	clock.Add(11 * time.Minute)
	require.NoError(t, add("one", "2"))
	assert.Equal(t, num("3"), n(), "the token is forgotten after ten minutes")
}

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

func TestSweep(t *testing.T) {
	clock := newClock()
	var records []memdb.Record
	engine, client := newTable(t, memdb.Options{Clock: clock.Now, OnRecord: func(r memdb.Record) { records = append(records, r) }})
	_, err := client.UpdateTimeToLive(t.Context(), &dynamodb.UpdateTimeToLiveInput{
		TableName:               aws.String("tbl"),
		TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String("exp"), Enabled: aws.Bool(true)},
	})
	require.NoError(t, err)
	at := func(d time.Duration) av { return num(strconv.FormatInt(clock.Now().Add(d).Unix(), 10)) }
	put(t, client, attr{"pk": str("soon"), "sk": num("0"), "exp": at(time.Minute), "g1": str("g"), "g2": num("1"), "r1": str("r"), "r2": num("1")})
	put(t, client, attr{"pk": str("later"), "sk": num("0"), "exp": at(time.Hour)})
	put(t, client, attr{"pk": str("text"), "sk": num("0"), "exp": str("1")})
	assert.Zero(t, engine.Sweep())
	clock.Add(2 * time.Minute)
	assert.Equal(t, 1, engine.Sweep())
	for _, index := range []*string{nil, aws.String("multi")} {
		out, err := client.Scan(t.Context(), &dynamodb.ScanInput{TableName: aws.String("tbl"), IndexName: index})
		require.NoError(t, err)
		for _, item := range out.Items {
			assert.NotEqual(t, str("soon"), item["pk"])
		}
	}
	last := records[len(records)-1]
	assert.Equal(t, "REMOVE", last.Event)
	assert.True(t, last.Expired)
	assert.Equal(t, str("soon"), last.Old["pk"])
	assert.Nil(t, last.New)
}

func TestRecords(t *testing.T) {
	var events []string
	_, client := newTable(t, memdb.Options{OnRecord: func(r memdb.Record) {
		events = append(events, fmt.Sprint(r.Event, len(r.Old), len(r.New)))
	}})
	put(t, client, keyOf("a"))
	put(t, client, keyOf("a"))
	put(t, client, attr{"pk": str("a"), "sk": num("0"), "x": num("1")})
	for range 2 {
		_, err := client.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String("tbl"), Key: keyOf("a")})
		require.NoError(t, err)
	}
	assert.Equal(t, []string{"INSERT0 2", "MODIFY2 3", "REMOVE3 0"}, events)
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

func TestHandler(t *testing.T) {
	engine, _ := newTable(t, memdb.Options{})
	server := httptest.NewServer(engine.Handler())
	defer server.Close()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, strings.NewReader(`{"TableName":"nope","Key":{"pk":{"S":"a"}}}`))
	require.NoError(t, err)
	request.Header.Set("X-Amz-Target", "DynamoDB_20120810.GetItem")
	response, err := server.Client().Do(request)
	require.NoError(t, err)
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	assert.Equal(t, http.StatusBadRequest, response.StatusCode)
	assert.Contains(t, string(body), `com.amazonaws.dynamodb.v20120810#ResourceNotFoundException`)
	assert.Equal(t, strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10), response.Header.Get("X-Amz-Crc32"))
	assert.NotEmpty(t, response.Header.Get("X-Amzn-Requestid"))
}

// TestConcurrentUse moves an amount between items in transactions while readers
// add it up: no sum may ever differ.
func TestConcurrentUse(t *testing.T) {
	engine, client := newTable(t, memdb.Options{})
	const accounts, workers, moves = 4, 4, 60
	get := &dynamodb.TransactGetItemsInput{}
	for i := range accounts {
		item := keyOf(fmt.Sprint(i))
		get.TransactItems = append(get.TransactItems, types.TransactGetItem{Get: &types.Get{TableName: aws.String("tbl"), Key: keyOf(fmt.Sprint(i))}})
		item["n"] = num("100")
		put(t, client, item)
	}
	var wg sync.WaitGroup
	for w := range workers {
		client := engine.Client()
		wg.Go(func() {
			for i := range moves {
				from, to := (w+i)%accounts, (w+i+1+i%(accounts-1))%accounts
				add := func(account int, n string) types.TransactWriteItem {
					return types.TransactWriteItem{Update: &types.Update{
						TableName: aws.String("tbl"), Key: keyOf(fmt.Sprint(account)), UpdateExpression: aws.String("ADD n :n"),
						ExpressionAttributeValues: attr{":n": num(n)},
					}}
				}
				_, err := client.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{add(from, "-1"), add(to, "1")}})
				assert.NoError(t, err)
				out, err := client.TransactGetItems(t.Context(), get)
				if !assert.NoError(t, err) {
					return
				}
				sum := 0
				for _, r := range out.Responses {
					n, err := strconv.Atoi(r.Item["n"].(*types.AttributeValueMemberN).Value)
					assert.NoError(t, err)
					sum += n
				}
				assert.Equal(t, 100*accounts, sum)
			}
		})
	}
	wg.Wait()
}
