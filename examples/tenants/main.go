// Command tenants is users, organisations and memberships in one DynamoDB table, served over HTTP.
//
//	go run ./examples/tenants                        # a short story of calls and answers
//	go run ./examples/tenants -serve localhost:8080  # the API, until it is interrupted
//
// Without DYNAMODB_ENDPOINT the table is in this process. Package tenant is the service, package api the handlers, and folder lambda the same handlers
// as an AWS Lambda function.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/monotable/monotable/examples/internal/database"
	"github.com/monotable/monotable/examples/tenants/api"
	"github.com/monotable/monotable/examples/tenants/tenant"
)

func main() {
	log.SetFlags(0)
	address := flag.String("serve", "", "serve the API on this address instead of telling a story")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, database.Client(os.Getenv("DYNAMODB_ENDPOINT")), *address); err != nil {
		log.Fatal(err) //nolint:gocritic // nothing is deferred that the end of the process does not do
	}
}

func run(ctx context.Context, client *dynamodb.Client, address string) error {
	secret := []byte(rand.Text() + rand.Text()) // of this process only: a program that runs twice takes it from where its secrets are
	options := tenant.Options{Table: "tenants-" + rand.Text(), CursorSecret: secret}
	if address == "" {
		options.Clock = today
	}
	service, err := tenant.New(client, options)
	if err != nil {
		return err
	}
	if err := service.Ensure(ctx, client); err != nil {
		return err
	}
	defer func() {
		_, _ = client.DeleteTable(context.WithoutCancel(ctx), &dynamodb.DeleteTableInput{TableName: &options.Table})
	}()
	if address == "" {
		return story(ctx, service, log.New(os.Stdout, "", 0))
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	log.Printf("http://%s/users", listener.Addr())
	return serve(ctx, listener, api.New(service, api.Options{}))
}

// serve answers until the context ends, and then those who are waiting.
func serve(ctx context.Context, listener net.Listener, h http.Handler) error {
	server := api.NewServer(h)
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		stopped <- server.Shutdown(last)
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return <-stopped
}

// today stands still, so that the story is always the same.
func today() time.Time { return time.Date(2026, time.November, 21, 12, 0, 0, 0, time.UTC) }
