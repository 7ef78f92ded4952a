package memdb_test

import (
	"context"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/memdb"
)

// once is a client that does not try again.
func once(engine *memdb.Engine) *dynamodb.Client {
	return engine.Client(func(o *dynamodb.Options) { o.RetryMaxAttempts = 1 })
}

func numbered(pk string, sk int) attr { return attr{"pk": str(pk), "sk": num(fmt.Sprint(sk))} }

func putting(pk string, sk int) types.TransactWriteItem {
	return types.TransactWriteItem{Put: &types.Put{TableName: aws.String("tbl"), Item: numbered(pk, sk)}}
}

func isPK(pk string) func(memdb.Call) bool {
	return func(c memdb.Call) bool {
		v, ok := c.Key["pk"].(*types.AttributeValueMemberS)
		return ok && v.Value == pk
	}
}

func TestThrottleKinds(t *testing.T) {
	for kind, want := range map[memdb.ThrottlingKind]string{
		"": "ProvisionedThroughputExceededException", memdb.ThrottlingError: "ThrottlingException", memdb.RequestLimitExceeded: "RequestLimitExceeded",
	} {
		var calls atomic.Int32
		engine, client := newTable(t, memdb.Options{Faults: memdb.Faults{Throttle: func(c memdb.Call) *memdb.Throttling {
			if !isPK("hot")(c) {
				return nil
			}
			calls.Add(1)
			return &memdb.Throttling{Kind: kind, Reasons: []types.ThrottlingReason{{Reason: aws.String("TableReadKeyRangeThroughputExceeded"), Resource: aws.String("arn")}}}
		}}})
		put(t, client, numbered("cold", 1))
		_, err := once(engine).PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("tbl"), Item: numbered("hot", 1)})
		assert.Equal(t, want, failed(err).err)
		assert.EqualValues(t, 1, calls.Load())
		if kind == "" {
			var throttled *types.ProvisionedThroughputExceededException
			require.ErrorAs(t, err, &throttled)
			require.Len(t, throttled.ThrottlingReasons, 1)
			assert.Equal(t, "arn", aws.ToString(throttled.ThrottlingReasons[0].Resource))
		}
		_, err = once(engine).TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{
			TransactItems: []types.TransactWriteItem{putting("a", 1), putting("hot", 1)},
		})
		reason := "ThrottlingError"
		if kind == "" {
			reason = "ProvisionedThroughputExceeded"
		}
		assert.Equal(t, []string{"None", reason}, failed(err).reasons)
		engine.SetFaults(memdb.Faults{})
		out, err := client.Scan(t.Context(), &dynamodb.ScanInput{TableName: aws.String("tbl")})
		require.NoError(t, err)
		assert.Len(t, out.Items, 1, "what was throttled has no effect")
	}
}

func TestConflictAndInternal(t *testing.T) {
	engine, _ := newTable(t, memdb.Options{Faults: memdb.Faults{Conflict: isPK("busy")}})
	client := once(engine)
	_, err := client.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String("tbl"), Key: numbered("busy", 1)})
	assert.Equal(t, "TransactionConflictException", failed(err).err)
	_, err = client.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{
		TransactItems: []types.TransactWriteItem{putting("busy", 1), putting("free", 1)},
	})
	assert.Equal(t, []string{"TransactionConflict", "None"}, failed(err).reasons)
	_, err = client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("tbl"), Key: numbered("busy", 1)})
	require.NoError(t, err)

	n := 0
	engine.SetFaults(memdb.Faults{Internal: func(c memdb.Call) bool { n++; return c.Operation == "GetItem" && n == 1 }})
	_, err = client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("tbl"), Key: numbered("busy", 1)})
	assert.Equal(t, "InternalServerError", failed(err).err)
	n = 0
	_, err = engine.Client().GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("tbl"), Key: numbered("busy", 1)})
	require.NoError(t, err, "the SDK tries again")
	assert.Equal(t, 2, n)
}

func TestUnprocessedByRule(t *testing.T) {
	engine, _ := newTable(t, memdb.Options{Faults: memdb.Faults{Unprocessed: isPK("late")}})
	client := once(engine)
	written, err := client.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{"tbl": {
		{PutRequest: &types.PutRequest{Item: numbered("late", 1)}}, {PutRequest: &types.PutRequest{Item: numbered("soon", 1)}},
	}}})
	require.NoError(t, err)
	require.Len(t, written.UnprocessedItems["tbl"], 1)
	assert.Equal(t, numbered("late", 1), written.UnprocessedItems["tbl"][0].PutRequest.Item)
	read, err := client.BatchGetItem(t.Context(), &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
		"tbl": {Keys: []attr{numbered("late", 1), numbered("soon", 1)}, ConsistentRead: aws.Bool(true), ProjectionExpression: aws.String("pk")},
	}})
	require.NoError(t, err)
	assert.Equal(t, []attr{{"pk": str("soon")}}, read.Responses["tbl"])
	left := read.UnprocessedKeys["tbl"]
	assert.Equal(t, []attr{numbered("late", 1)}, left.Keys)
	assert.True(t, aws.ToBool(left.ConsistentRead))
	assert.Equal(t, "pk", aws.ToString(left.ProjectionExpression), "the rest can be sent as it is")
}

func TestTokensLastTenMinutes(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	engine, _ := newTable(t, memdb.Options{Clock: func() time.Time { return now }})
	client := once(engine)
	add := func(token, by string) error {
		_, err := client.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{
			ClientRequestToken: &token, TransactItems: []types.TransactWriteItem{{Update: &types.Update{
				TableName: aws.String("tbl"), Key: numbered("a", 1), UpdateExpression: aws.String("ADD n :n"), ExpressionAttributeValues: attr{":n": num(by)},
			}}},
		})
		return err
	}
	check := func(want string) {
		t.Helper()
		out, err := client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("tbl"), Key: numbered("a", 1)})
		require.NoError(t, err)
		assert.Equal(t, num(want), out.Item["n"])
	}
	require.NoError(t, add("t", "1"))
	now = now.Add(10*time.Minute - time.Second)
	require.NoError(t, add("t", "1"))
	check("1")
	assert.Equal(t, "IdempotentParameterMismatchException", failed(add("t", "2")).err)
	require.NoError(t, add("u", "1"))
	check("2")
	now = now.Add(2 * time.Second)
	require.NoError(t, add("t", "2"), "the token is forgotten")
	check("4")
	engine.SetFaults(memdb.Faults{InProgress: func(token string) bool { return token == "v" }})
	assert.Equal(t, "TransactionInProgressException", failed(add("v", "1")).err)
	require.NoError(t, add("w", "1"))
	check("5")
}

func TestSweepAndRecords(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var records []memdb.Record
	engine, client := newTable(t, memdb.Options{Clock: func() time.Time { return now }, OnRecord: func(r memdb.Record) { records = append(records, r) }})
	_, err := client.UpdateTimeToLive(t.Context(), &dynamodb.UpdateTimeToLiveInput{TableName: aws.String("tbl"), TimeToLiveSpecification: &types.TimeToLiveSpecification{
		AttributeName: aws.String("until"), Enabled: aws.Bool(true),
	}})
	require.NoError(t, err)
	with := func(pk string, until av) attr {
		item := numbered(pk, 1)
		item["until"] = until
		return item
	}
	at := func(d time.Duration) av { return num(strconv.FormatInt(now.Add(d).Unix(), 10)) }
	put(t, client, with("soon", at(time.Minute)))
	put(t, client, with("text", str("1")))
	put(t, client, with("mistake", num("20")))
	put(t, client, with("later", at(time.Hour)))
	put(t, client, with("later", at(time.Hour))) // changes nothing, no record
	assert.Equal(t, 0, engine.Sweep())
	now = now.Add(2 * time.Minute)
	out, err := client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("tbl"), Key: numbered("soon", 1)})
	require.NoError(t, err)
	assert.NotNil(t, out.Item, "readable until it is swept")
	assert.Equal(t, 1, engine.Sweep())
	assert.Equal(t, 0, engine.Sweep())
	_, err = client.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: aws.String("tbl"), Key: numbered("text", 1), UpdateExpression: aws.String("SET x = :x"), ExpressionAttributeValues: attr{":x": num("1")},
	})
	require.NoError(t, err)
	var events []string
	for i, r := range records {
		events = append(events, fmt.Sprint(r.Event, " ", canonItem(r.Keys), " ", r.Old != nil, " ", r.New != nil, " ", r.Expired))
		assert.True(t, i == 0 || records[i-1].Sequence < r.Sequence)
	}
	assert.Equal(t, []string{
		`INSERT {pk:"soon" sk:1} false true false`, `INSERT {pk:"text" sk:1} false true false`, `INSERT {pk:"mistake" sk:1} false true false`,
		`INSERT {pk:"later" sk:1} false true false`, `REMOVE {pk:"soon" sk:1} true false true`, `MODIFY {pk:"text" sk:1} true true false`,
	}, events)
	delete(records[5].New, "x")
	out, err = client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("tbl"), Key: numbered("text", 1)})
	require.NoError(t, err)
	assert.Equal(t, num("1"), out.Item["x"], "records are copies")
}

func TestHandlerSpeaksTheProtocol(t *testing.T) {
	engine, client := newTable(t, memdb.Options{})
	put(t, client, numbered("é", 1))
	s := httptest.NewServer(engine.Handler())
	defer s.Close()
	ask := func(target, body string) (*http.Response, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL, strings.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("X-Amz-Target", target)
		res, err := s.Client().Do(req)
		require.NoError(t, err)
		defer func() { require.NoError(t, res.Body.Close()) }()
		text, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		assert.Equal(t, strconv.FormatUint(uint64(crc32.ChecksumIEEE(text)), 10), res.Header.Get("X-Amz-Crc32"))
		assert.Equal(t, "application/x-amz-json-1.0", res.Header.Get("Content-Type"))
		assert.NotEmpty(t, res.Header.Get("X-Amzn-Requestid"))
		return res, string(text)
	}
	res, text := ask("DynamoDB_20120810.GetItem", `{"TableName":"tbl","Key":{"pk":{"S":"é"},"sk":{"N":"1.0"}}}`)
	assert.Equal(t, http.StatusOK, res.StatusCode)
	assert.JSONEq(t, `{"Item":{"pk":{"S":"é"},"sk":{"N":"1"}}}`, text)
	for target, body := range map[string]string{
		"DynamoDB_20120810.GetItem": `{"TableName":"none","Key":{"pk":{"S":"a"}}}`, "DynamoDB_20120810.Nothing": `{}`, "": `{}`,
		"DynamoDB_20120810.PutItem": `{"TableName":`, "DynamoDB_20120810.Query": `[]`, "DynamoDB_20120810.ExecuteStatement": `{"Statement":"SELECT"}`,
	} {
		res, text := ask(target, body)
		assert.Equal(t, http.StatusBadRequest, res.StatusCode, target)
		assert.Contains(t, text, `"__type":"com.amazon`, target)
	}
	out, err := onLoopback(t, engine).GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("tbl"), Key: numbered("é", 1)})
	require.NoError(t, err)
	assert.NotNil(t, out.Item)
}

// Many goroutines move amounts between accounts; every read in one request sees
// the same sum. Meant for the race detector too.
func TestConcurrentTransfers(t *testing.T) {
	engine, client := newTable(t, memdb.Options{})
	const accounts, each = 8, 100
	for i := range accounts {
		put(t, client, attr{"pk": str("p"), "sk": num(fmt.Sprint(i)), "n": num(fmt.Sprint(each)), "l": str(fmt.Sprint(i))})
	}
	sum := func(items []attr) int {
		total := 0
		for _, item := range items {
			n, err := strconv.Atoi(item["n"].(*types.AttributeValueMemberN).Value)
			assert.NoError(t, err)
			total += n
		}
		return total
	}
	move := func(key int, by string) types.TransactWriteItem {
		return types.TransactWriteItem{Update: &types.Update{
			TableName: aws.String("tbl"), Key: numbered("p", key), UpdateExpression: aws.String("ADD n :n"), ExpressionAttributeValues: attr{":n": num(by)},
		}}
	}
	ctx := context.Background()
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			for i := range 60 {
				switch (g + i) % 4 {
				case 0, 1:
					_, err := client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{
						TransactItems: []types.TransactWriteItem{move(i%accounts, "1"), move((i+1+g%(accounts-1))%accounts, "-1")},
					})
					assert.NoError(t, err)
				case 2:
					out, err := client.Query(ctx, &dynamodb.QueryInput{
						TableName: aws.String("tbl"), KeyConditionExpression: aws.String("pk = :p"), ExpressionAttributeValues: attr{":p": str("p")},
					})
					if assert.NoError(t, err) {
						assert.Equal(t, accounts*each, sum(out.Items))
					}
				case 3:
					_, err := client.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String("tbl"), Item: numbered(fmt.Sprint("other", g), i)})
					assert.NoError(t, err)
					engine.SetFaults(memdb.Faults{})
					engine.Sweep()
				}
			}
		})
	}
	wg.Wait()
}
