// Package monotabletest starts tables for tests: on the server that DYNAMODB_ENDPOINT names, such as
// DynamoDB Local, or else in memory, with nothing but Go. [Faults] makes requests go wrong.
package monotabletest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"io"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/memdb"
)

// Endpoint is the server to test on, from DYNAMODB_ENDPOINT; "" means in memory. Where
// MONOTABLE_REQUIRE_SERVER is set a missing server fails the test.
func Endpoint(t testing.TB) string {
	t.Helper()
	endpoint := os.Getenv("DYNAMODB_ENDPOINT")
	if endpoint == "" && os.Getenv("MONOTABLE_REQUIRE_SERVER") != "" {
		t.Fatal("DYNAMODB_ENDPOINT is not set, and MONOTABLE_REQUIRE_SERVER asks for a server")
	}
	return endpoint
}

// Client is a client of a database that no other test sees.
func Client(t testing.TB) *dynamodb.Client {
	t.Helper()
	endpoint := Endpoint(t)
	if endpoint == "" {
		return memdb.New(memdb.Options{}).Client()
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	return dynamodb.New(dynamodb.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(endpoint),
		// DynamoDB Local keeps a database for each access key, letters and digits only.
		Credentials: credentials.NewStaticCredentialsProvider(randomKey(), "secret", ""),
		HTTPClient:  plainBodies{&http.Client{Transport: transport, Timeout: time.Minute}},
	})
}

func randomKey() string {
	b := make([]byte, 10)
	_, _ = rand.Read(b) // never fails
	return "key" + hex.EncodeToString(b)
}

// plainBodies hands net/http bodies that it knows to be in memory. The SDK's own wrapper makes it
// drop the connection when a server on this machine answers very fast.
type plainBodies struct{ client *http.Client }

func (c plainBodies) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	return c.client.Do(r) //nolint:gosec // the test's own endpoint
}

// Table declares a table, creates it in a database of its own, and deletes it when the test ends.
func Table(t testing.TB, cfg monotable.TableConfig) *monotable.Table {
	t.Helper()
	return TableOn(t, Client(t), cfg)
}

// TableOn is Table with a client of the test's own.
func TableOn(t testing.TB, client *dynamodb.Client, cfg monotable.TableConfig) *monotable.Table {
	t.Helper()
	if cfg.Name == "" {
		cfg.Name = "test"
	}
	table, err := monotable.NewTable(client, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.CreateTable(t.Context(), table.CreateInput()); err != nil {
		t.Fatalf("create table %s: %v", cfg.Name, err)
	}
	t.Cleanup(func() {
		// The test's own context is done by now. Tables left over cost DynamoDB Local threads.
		_, _ = client.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: aws.String(cfg.Name)})
	})
	return table
}
