// Command lambda serves the API of examples/tenants as an AWS Lambda function behind API Gateway (HTTP API, payload format 2.0) or a function URL.
//
// It is a module of its own, so that what Lambda needs is nobody else's dependency. Build it with
//
//	GOOS=linux GOARCH=arm64 CGO_ENABLED=0 go build -tags lambda.norpc -o bootstrap .
//
// for the runtime provided.al2023. The function reads TABLE, the table's name, and CURSOR_SECRET, 32 bytes or more in base64.
package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"os"

	"github.com/akrylysov/algnhsa"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/examples/tenants/api"
	"github.com/monotable/monotable/examples/tenants/tenant"
)

// main makes everything once: client, schemas and handler serve all requests that this instance of the function will see.
func main() {
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	handler, err := newHandler(dynamodb.NewFromConfig(cfg), os.Getenv, slog.New(slog.NewJSONHandler(os.Stderr, nil)))
	if err != nil {
		log.Fatal(err)
	}
	lambda.Start(handler)
}

// newHandler is the same http.Handler that examples/tenants serves, behind an adapter that makes requests of events. It sends nothing: the deployment
// has created the table.
func newHandler(client monotable.Client, env func(string) string, logger *slog.Logger) (lambda.Handler, error) {
	secret, err := base64.StdEncoding.DecodeString(env("CURSOR_SECRET"))
	if err != nil {
		return nil, fmt.Errorf("CURSOR_SECRET: %w", err)
	}
	service, err := tenant.New(client, tenant.Options{Table: env("TABLE"), CursorSecret: secret})
	if err != nil {
		return nil, err
	}
	h := api.New(service, api.Options{Logger: logger, RequestID: requestID})
	return algnhsa.New(h, &algnhsa.Options{RequestType: algnhsa.RequestTypeAPIGatewayV2}), nil
}

// requestID is the id that Lambda's own log has for the request.
func requestID(r *http.Request) string {
	if invocation, ok := lambdacontext.FromContext(r.Context()); ok {
		return invocation.AwsRequestID
	}
	return ""
}
