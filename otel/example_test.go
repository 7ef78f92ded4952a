package otel_test

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/otel"
)

func Example() {
	ctx := context.Background()
	spans := tracetest.NewSpanRecorder() // in production a provider with an exporter, or none here and the global one
	observer, err := otel.NewObserver(otel.Config{TracerProvider: trace.NewTracerProvider(trace.WithSpanProcessor(spans))})
	if err != nil {
		fmt.Println(err)
		return
	}
	client := memdb.New(memdb.Options{}).Client()
	table, err := monotable.NewTable(client, monotable.TableConfig{
		Name: "app", PartitionKey: "PK", Observer: observer, CursorKeys: []monotable.CursorKey{{ID: "1", Secret: make([]byte, 32)}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := client.CreateTable(ctx, table.CreateInput()); err != nil {
		fmt.Println(err)
		return
	}
	users := monotable.MustEntity(table, monotable.Schema[user]{Name: "User", Key: monotable.Key{Partition: "USER#{id}"}})
	if _, err := users.Create(ctx, user{ID: "ann"}); err != nil {
		fmt.Println(err)
	}
	for _, span := range spans.Ended() {
		fmt.Println(span.Name(), span.Parent().IsValid())
	}
	// Output:
	// PutItem app true
	// Create app false
}
