package lambda_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	awslambda "github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/lambda"
	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/stream"
)

var _ awslambda.Handler = (*lambda.Handler)(nil)

type user struct {
	ID      string   `dynamodbav:"id"`
	Name    string   `dynamodbav:"name"`
	Logins  int      `dynamodbav:"logins,omitempty"`
	Tags    []string `dynamodbav:"tags,stringset,omitempty"`
	Photo   []byte   `dynamodbav:"photo,omitempty"`
	Admin   bool     `dynamodbav:"admin,omitempty"`
	History []any    `dynamodbav:"history,omitempty"`
	Prefs   struct {
		Theme string `dynamodbav:"theme"`
	} `dynamodbav:"prefs"`
	Scores []float64 `dynamodbav:"scores,numberset,omitempty"`
	Seals  [][]byte  `dynamodbav:"seals,binaryset,omitempty"`
}

func users(t testing.TB) *monotable.Entity[user] {
	t.Helper()
	table, err := monotable.NewTable(memdb.New(memdb.Options{}).Client(), monotable.TableConfig{Name: "app", PartitionKey: "PK", SortKey: "SK"})
	require.NoError(t, err)
	return monotable.MustEntity(table, monotable.Schema[user]{Name: "User", Key: monotable.Key{Partition: "USER#{id}", Sort: "PROFILE"}})
}

func payload(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	return raw
}

func invoke(t *testing.T, h *lambda.Handler, raw []byte) []string {
	t.Helper()
	out, err := h.Invoke(t.Context(), raw)
	require.NoError(t, err)
	var response events.DynamoDBEventResponse
	require.NoError(t, json.Unmarshal(out, &response))
	failed := []string{}
	for _, f := range response.BatchItemFailures {
		failed = append(failed, f.ItemIdentifier)
	}
	return failed
}

func TestInvoke_EveryKindOfRecord(t *testing.T) {
	var lines []string
	note := func(format string, args ...any) error {
		lines = append(lines, fmt.Sprintf(format, args...))
		return nil
	}
	var ann user
	router := stream.MustRouter(
		stream.On(users(t)).
			Insert(func(ctx context.Context, now user) error {
				ann = now
				r, _ := stream.Current(ctx)
				require.Equal(t, "1f0a", r.ID)
				require.Equal(t, types.StreamViewTypeNewAndOldImages, r.View)
				require.Equal(t, time.Unix(1795000000, 0).UTC(), r.Time.UTC())
				return note("insert %s", now.ID)
			}).
			Modify(func(_ context.Context, old, now user) error { return note("modify %s to %s", old.Name, now.Name) }).
			Remove(func(_ context.Context, old user) error { return note("remove %s", old.ID) }).
			Expire(func(_ context.Context, old user) error { return note("expire %s", old.ID) }),
		stream.Unknown(func(_ context.Context, r stream.Record) error { return note("unknown %s", r.Table) }),
	).With(stream.Concurrency(1))
	h := lambda.New(router)
	require.Empty(t, invoke(t, h, payload(t, "event.json")))
	require.Equal(t, []string{"insert ann", "modify Ann to Anna", "remove bob", "expire old", "unknown app"}, lines)
	want := user{ID: "ann", Name: "Ann", Logins: 3, Tags: []string{"a", "b"}, Photo: []byte{1, 2, 3}, Admin: true, History: []any{"x", attributevalue.Number("1")}, Scores: []float64{1, 2.5}, Seals: [][]byte{{0, 1}, {255}}}
	want.Prefs.Theme = "dark"
	require.Equal(t, want, ann)

	// The same by the library's own decoding.
	lines = nil
	var event events.DynamoDBEvent
	require.NoError(t, json.Unmarshal(payload(t, "event.json"), &event))
	response, err := h.Handle(t.Context(), event)
	require.NoError(t, err)
	require.Empty(t, response.BatchItemFailures)
	require.Len(t, lines, 5)
	require.Equal(t, &types.AttributeValueMemberNULL{Value: true}, lambda.Records(event)[0].New["nothing"])
}

type block struct {
	Hash []byte `dynamodbav:"hash"`
	N    int    `dynamodbav:"n"`
	Data []byte `dynamodbav:"data"`
}

func TestInvoke_BinaryKeys(t *testing.T) {
	table, err := monotable.NewTable(memdb.New(memdb.Options{}).Client(), monotable.TableConfig{
		Name: "blocks", PartitionKey: "hash", PartitionKeyType: types.ScalarAttributeTypeB, SortKey: "n", SortKeyType: types.ScalarAttributeTypeN,
	})
	require.NoError(t, err)
	blocks := monotable.MustEntity(table, monotable.Schema[block]{Name: "Block"})
	var got []block
	router := stream.MustRouter(stream.On(blocks).
		Insert(func(_ context.Context, now block) error { got = append(got, now); return nil }).
		Key(func(context.Context, stream.Event, block) error { return nil }))
	require.Empty(t, invoke(t, lambda.New(router), payload(t, "binary.json")))
	require.Equal(t, []block{{Hash: []byte{1, 2, 3, 255}, N: 7, Data: []byte{}}}, got)
}

func TestF136_PoisonInABatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen []string
		router := stream.MustRouter(stream.On(users(t)).Upsert(func(_ context.Context, u user) error { seen = append(seen, u.ID); return nil })).With(stream.Concurrency(1))
		failed := invoke(t, lambda.New(router), payload(t, "poison.json"))
		require.Equal(t, []string{"21", "22", "23"}, failed, "two that do not decode, and the one behind")
		require.Equal(t, []string{"c"}, seen)

		_, err := lambda.New(router, lambda.WholeBatch()).Invoke(t.Context(), payload(t, "poison.json"))
		require.Error(t, err)
		require.NotContains(t, err.Error(), "QUBIT")

		parked := 0
		park := stream.Park(func(context.Context, stream.Record, error) error { parked++; return nil })
		require.Empty(t, invoke(t, lambda.New(router.With(park)), payload(t, "poison.json")))
		require.Equal(t, 2, parked)
	})
}

func TestInvoke_Malformed(t *testing.T) {
	h := lambda.New(stream.MustRouter(stream.On(users(t)).Upsert(func(context.Context, user) error { return nil })))
	for _, raw := range []string{``, `{`, `[]`, `{"Records": 5}`, `"canary"`} {
		_, err := h.Invoke(t.Context(), []byte(raw))
		require.Error(t, err, raw)
		require.NotContains(t, err.Error(), "canary")
	}
	require.Empty(t, invoke(t, h, []byte(`{}`)), "no records")
	// A record that cannot be named fails all.
	for _, raw := range []string{`{"Records": [5]}`, `{"Records": [{"dynamodb": {"Keys": {"PK": 7}}}]}`, `{"Records": [{"dynamodb": {"Keys": {"PK": {}}}}]}`, `{"Records": [null]}`} {
		out, err := h.Invoke(t.Context(), []byte(raw))
		if err == nil {
			require.JSONEq(t, `{"batchItemFailures": []}`, string(out), raw)
		}
	}
	_, err := h.Invoke(t.Context(), []byte(`{"Records": [5]}`))
	require.Error(t, err)
}

// Before the invocation's deadline the answer tells what was done.
func TestInvoke_AnswersBeforeTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		router := stream.MustRouter(stream.On(users(t)).
			Insert(func(context.Context, user) error { return nil }).
			Remove(func(ctx context.Context, _ user) error { <-ctx.Done(); return context.Cause(ctx) })).With(stream.Concurrency(1))
		var event events.DynamoDBEvent
		require.NoError(t, json.Unmarshal(payload(t, "event.json"), &event))
		response, err := lambda.New(router).Handle(ctx, event)
		require.NoError(t, err)
		require.NoError(t, ctx.Err())
		require.Equal(t, []events.DynamoDBBatchItemFailure{{ItemIdentifier: "100000000000000000003"}, {ItemIdentifier: "100000000000000000004"}}, response.BatchItemFailures)
	})
}

func TestHandle_FailuresOfHandlers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := map[string]int{}
		router := stream.MustRouter(stream.On(users(t)).
			Insert(func(context.Context, user) error { calls["insert"]++; return nil }).
			Remove(func(_ context.Context, old user) error {
				if calls[old.ID]++; old.ID == "bob" {
					return errors.New("not now")
				}
				return nil
			})).With(stream.Concurrency(1))
		require.Equal(t, []string{"100000000000000000003"}, invoke(t, lambda.New(router), payload(t, "event.json")))
		require.Equal(t, map[string]int{"insert": 1, "bob": 3, "old": 1}, calls, "what succeeded is not repeated")
	})
}

func TestNew_WithoutARouter(t *testing.T) {
	require.Panics(t, func() { lambda.New(nil) })
	router := stream.MustRouter(stream.On(users(t)).Upsert(func(context.Context, user) error { return nil }))
	require.Empty(t, invoke(t, lambda.New(router, nil), []byte(`{}`)))
}

// Records of another table than those of the router are not taken for handled.
func TestInvoke_AnotherTable(t *testing.T) {
	router := stream.MustRouter(stream.On(users(t)).Upsert(func(context.Context, user) error { return nil })).With(stream.Attempts(1))
	require.Equal(t, []string{"11"}, invoke(t, lambda.New(router), payload(t, "binary.json")))
}
