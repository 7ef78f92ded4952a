// Package monotabletest starts tables for tests: on the server that DYNAMODB_ENDPOINT names, such as
// DynamoDB Local, or else in memory, with nothing but Go.
//
//	func TestOrders(t *testing.T) {
//		t.Parallel()
//		table := monotabletest.Table(t, cfg)
//		orders := monotable.MustEntity(table, orderSchema)
//		monotabletest.Seed(t, orders, Order{ID: "1"}, Order{ID: "2"})
//		…
//	}
//
// Every test has a database of its own, so names of tables can be constant and tests can be parallel. In memory it is an engine; on a server it is
// an access key at random, for which DynamoDB Local keeps a database unless it runs with -sharedDb; a later test gets it when nothing is left in
// it. On a server with one database for all keys give tables the names that [Name] makes.
//
// [Recorder] and [Golden] hold requests to a number and a form, [Faults] makes them go wrong, [Clock] and [IDs] take chance out, and
// [Compare] reads with two programs at once.
//
// scripts/dynamodb-local COMMAND of the repository runs a command with DYNAMODB_ENDPOINT set; the module dockertest starts DynamoDB Local in Docker.
package monotabletest

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

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

// Client is a client of a database that no other test sees. On a server it ends with the test, as [ClientAt] says.
func Client(t testing.TB) *dynamodb.Client {
	t.Helper()
	endpoint := Endpoint(t)
	if endpoint == "" {
		return memdb.New(memdb.Options{}).Client()
	}
	return ClientAt(t, endpoint)
}

// ClientAt is a client of the server at an endpoint, such as "http://127.0.0.1:8000", with an access key that no other test has while this one runs. Nothing is sent. When the test is
// over the client refuses requests, and if it has sent any the tables that it has created are deleted.
func ClientAt(t testing.TB, endpoint string) *dynamodb.Client {
	t.Helper()
	tenancy := newTenancy(t, endpoint)
	return tenancy.sdk(tenancy, tenancy)
}

// Table declares a table, creates it in a database of its own, and deletes it when the test ends.
func Table(t testing.TB, cfg monotable.TableConfig) *monotable.Table {
	t.Helper()
	return TableOn(t, Client(t), cfg)
}

// TableOn is Table with a client of the test's own, such as one of [Recorder.Client]. If cfg has no name the table is called "test".
func TableOn(t testing.TB, client *dynamodb.Client, cfg monotable.TableConfig) *monotable.Table {
	t.Helper()
	if cfg.Name == "" {
		cfg.Name = "test"
	}
	table, err := monotable.NewTable(client, cfg)
	if err != nil {
		t.Fatal(err)
	}
	out, err := client.CreateTable(t.Context(), table.CreateInput())
	if inUse := new(types.ResourceInUseException); errors.As(err, &inUse) {
		t.Fatalf("create table %s: there is one already. A server with one database for all access keys needs names by monotabletest.Name", cfg.Name)
	}
	if err != nil {
		t.Fatalf("create table %s: %v", cfg.Name, err)
	}
	t.Cleanup(func() {
		// The test's own context is done by now. Tables left over cost DynamoDB Local threads.
		_, _ = client.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: aws.String(cfg.Name)})
	})
	if out.TableDescription.TableStatus != types.TableStatusActive {
		quick := func(o *dynamodb.TableExistsWaiterOptions) { o.MinDelay, o.MaxDelay = 50*time.Millisecond, time.Second }
		ready := dynamodb.NewTableExistsWaiter(client, quick)
		if err := ready.Wait(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String(cfg.Name)}, time.Minute); err != nil {
			t.Fatalf("create table %s: %v", cfg.Name, err)
		}
	}
	return table
}

var notInName = regexp.MustCompile(`[^a-zA-Z0-9_.-]+`)

// Name is a name for a table that nothing else has: that of the test, as far as it can be in one, and something random.
func Name(t testing.TB) string {
	t.Helper()
	name := notInName.ReplaceAllString(t.Name(), "-")
	return name[:min(len(name), 200)] + "-" + rand.Text()
}

// Seed creates items, one by one, and gives them as they are stored. An item that exists, or any other error, ends the test.
func Seed[T any](t testing.TB, entity *monotable.Entity[T], items ...T) []T {
	t.Helper()
	stored := make([]T, 0, len(items))
	for i, item := range items {
		created, err := entity.Create(t.Context(), item)
		if err != nil {
			t.Fatalf("item %d: %v", i, err)
		}
		stored = append(stored, created)
	}
	return stored
}
