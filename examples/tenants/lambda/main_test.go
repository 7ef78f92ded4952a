package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/examples/tenants/tenant"
	"github.com/monotable/monotable/monotabletest"
)

var secret = bytes.Repeat([]byte("s"), 32)

func newFunction(t *testing.T) (handler lambda.Handler, faults *monotabletest.Faults, logged *bytes.Buffer) {
	t.Helper()
	client, table := monotabletest.Client(t), monotabletest.Name(t)
	env := map[string]string{"TABLE": table, "CURSOR_SECRET": base64.StdEncoding.EncodeToString(secret)}
	deployment, err := tenant.New(client, tenant.Options{Table: table, CursorSecret: secret})
	require.NoError(t, err)
	require.NoError(t, deployment.Ensure(t.Context(), client))
	t.Cleanup(func() { _, _ = client.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: &table}) })
	faults, logged = new(monotabletest.Faults), new(bytes.Buffer)
	handler, err = newHandler(faults.Client(client), func(name string) string { return env[name] }, slog.New(slog.NewJSONHandler(logged, nil)))
	require.NoError(t, err)
	require.Empty(t, faults.Requests(), "a cold start sends nothing")
	return handler, faults, logged
}

// invoke gives the function an event of API Gateway, as it is in testdata.
func invoke(t *testing.T, handler lambda.Handler, event string) (events.APIGatewayV2HTTPResponse, map[string]any) {
	t.Helper()
	payload, err := os.ReadFile(filepath.Join("testdata", event+".json"))
	require.NoError(t, err)
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "request-of-" + event})
	out, err := handler.Invoke(ctx, payload)
	require.NoError(t, err)
	require.NotContains(t, string(out), "mailToken")
	var response events.APIGatewayV2HTTPResponse
	require.NoError(t, json.Unmarshal(out, &response))
	require.Equal(t, "request-of-"+event, response.Headers["X-Request-Id"])
	var body map[string]any
	if response.Body != "" {
		require.NoError(t, json.Unmarshal([]byte(response.Body), &body))
	}
	return response, body
}

func TestEvents(t *testing.T) {
	handler, _, logged := newFunction(t)
	response, body := invoke(t, handler, "signup")
	require.Equal(t, 201, response.StatusCode)
	require.Equal(t, "application/json", response.Headers["Content-Type"])
	require.Equal(t, "ann@example.com", body["user"].(map[string]any)["email"])

	response, body = invoke(t, handler, "get_user")
	require.Equal(t, 200, response.StatusCode)
	require.Equal(t, "ann", body["id"])

	response, body = invoke(t, handler, "create_user_base64")
	require.Equal(t, 201, response.StatusCode)
	require.Equal(t, "Bob Çelik", body["name"])

	response, body = invoke(t, handler, "taken")
	require.Equal(t, 409, response.StatusCode)
	require.Equal(t, map[string]any{
		"code": "taken", "fields": []any{map[string]any{"name": "email"}}, "requestId": "request-of-taken",
	}, body["error"])

	response, body = invoke(t, handler, "members")
	require.Equal(t, 200, response.StatusCode)
	require.Equal(t, true, body["hasMore"])
	require.NotEmpty(t, body["cursor"])

	response, _ = invoke(t, handler, "delete_user")
	require.Equal(t, 204, response.StatusCode)
	require.Empty(t, response.Body)
	require.Empty(t, logged.String())
}

func TestInternalError(t *testing.T) {
	handler, faults, logged := newFunction(t)
	faults.Script("", monotabletest.Refuse(400, "AccessDeniedException"))
	response, body := invoke(t, handler, "get_user")
	require.Equal(t, 500, response.StatusCode)
	require.Equal(t, map[string]any{"code": "internal", "requestId": "request-of-get_user"}, body["error"])
	require.Contains(t, logged.String(), "request-of-get_user")
}

func TestMistakesShowAtTheStart(t *testing.T) {
	for _, env := range []map[string]string{
		{"TABLE": "t", "CURSOR_SECRET": "not base64!"}, {"TABLE": "t", "CURSOR_SECRET": "c2hvcnQ="}, {"CURSOR_SECRET": base64.StdEncoding.EncodeToString(secret)},
	} {
		_, err := newHandler(&dynamodb.Client{}, func(name string) string { return env[name] }, slog.Default())
		require.Error(t, err, env)
	}
}
