package monotable_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/lease"
	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/migrate"
)

// A seat is held for a time, and expires.
type seat struct {
	ID    string    `dynamodbav:"id"`
	Event string    `dynamodbav:"event"`
	Until time.Time `dynamodbav:"until"`
}

var seatUntil = monotable.Field(func(t *seat) *time.Time { return &t.Until })

// seatTable declares a table with the indexes given, and its one entity.
func seatTable(client monotable.Client, indexes ...monotable.Index) *monotable.Table {
	table, err := monotable.NewTable(client, monotable.TableConfig{Name: "seats", PartitionKey: "PK", SortKey: "SK", Indexes: indexes})
	if err != nil {
		log.Fatal(err)
	}
	monotable.MustEntity(table, monotable.Schema[seat]{
		Name: "Seat", Key: monotable.Key{Partition: "SEAT#{id}", Sort: "T"},
		Rules: []monotable.Rule[seat]{monotable.ExpiresAt(seatUntil)},
	})
	return table
}

var seatsByEvent = monotable.Index{Name: "byEvent", PartitionKey: "event", SortKey: "id"}

// Create brings up what is declared. Every process may call it when it starts: it changes nothing that is there.
func ExampleTable_Create() {
	ctx := context.Background()
	client := memdb.New(memdb.Options{}).Client() // in production dynamodb.NewFromConfig
	table := seatTable(client, seatsByEvent)

	fmt.Println(table.Create(ctx, client, monotable.DeletionProtection()))
	fmt.Println(table.Create(ctx, client, monotable.DeletionProtection()))
	findings, err := table.Verify(ctx, client, monotable.DeletionProtection())
	fmt.Println(len(findings), err)
	// Output:
	// <nil>
	// <nil>
	// 0 <nil>
}

// Ensure does the same once for the process, however many goroutines or requests ask for it.
func ExampleTable_Ensure() {
	client := memdb.New(memdb.Options{}).Client()
	table := seatTable(client)

	handler := func(ctx context.Context) error {
		return table.Ensure(ctx, client)
	}
	fmt.Println(handler(context.Background()), handler(context.Background()))
	// Output:
	// <nil> <nil>
}

// Verify tells how a table differs from what the program was written for, and whether that breaks it.
func ExampleTable_Verify() {
	ctx := context.Background()
	client := memdb.New(memdb.Options{}).Client()
	if err := seatTable(client, monotable.Index{Name: "byPlace", PartitionKey: "place"}).Create(ctx, client); err != nil {
		log.Fatal(err)
	}

	table := seatTable(client, seatsByEvent)
	findings, err := table.Verify(ctx, client, monotable.Stream(types.StreamViewTypeNewImage))
	for _, f := range findings {
		fmt.Println(f, f.Breaks)
	}
	fmt.Println(err)
	fmt.Println(table.Create(ctx, client))
	// Output:
	// index byEvent: index missing: want HASH event, RANGE id true
	// index byPlace: index extra: have HASH place false
	// stream off: want NEW_IMAGE false
	// <nil>
	// monotable: Create seats: table seats is not as declared: index byEvent: index missing: want HASH event, RANGE id; see Table.Plan
}

// Plan shows what Apply would add. What is no longer declared stays until DropIndex is called for it.
func ExampleTable_Apply() {
	ctx := context.Background()
	client := memdb.New(memdb.Options{}).Client()
	if err := seatTable(client, monotable.Index{Name: "byPlace", PartitionKey: "place"}).Create(ctx, client); err != nil {
		log.Fatal(err)
	}

	table := seatTable(client, seatsByEvent)
	changes, err := table.Plan(ctx, client, monotable.Stream(types.StreamViewTypeNewImage), monotable.Provisioned(5, 5))
	fmt.Print(changes)
	fmt.Println(err)
	fmt.Println(table.Apply(ctx, client, changes))
	fmt.Println(table.DropIndex(ctx, client, "byPlace"))
	findings, err := table.Verify(ctx, client)
	fmt.Println(len(findings), err)
	// Output:
	// switch on the stream: NEW_IMAGE
	// add the index byEvent
	// impossible: billing: want PROVISIONED, have PAY_PER_REQUEST (another billing is no addition; use UpdateTable)
	// <nil>
	// <nil>
	// <nil>
	// 0 <nil>
}

// CreateInput is for whoever creates tables by other means.
func ExampleTable_CreateInput() {
	table := seatTable(memdb.New(memdb.Options{}).Client(), seatsByEvent)

	in := table.CreateInput(monotable.Provisioned(5, 2))
	fmt.Println(*in.TableName, in.BillingMode, *in.ProvisionedThroughput.ReadCapacityUnits)
	for _, index := range in.GlobalSecondaryIndexes {
		fmt.Println(*index.IndexName, *index.KeySchema[0].AttributeName, index.Projection.ProjectionType)
	}
	// Output:
	// seats PROVISIONED 5
	// byEvent event ALL
}

// Truncate empties a table between tests.
func ExampleTable_Truncate() {
	ctx := context.Background()
	client := memdb.New(memdb.Options{}).Client()
	table := seatTable(client)
	if err := table.Create(ctx, client); err != nil {
		log.Fatal(err)
	}

	fmt.Println(table.Truncate(ctx))
	// Output:
	// <nil>
}

// The life of a table: what a deployment does, and what every program does when it starts.
func Example_lifeOfATable() {
	ctx := context.Background()
	client := memdb.New(memdb.Options{}).Client()
	table := seatTable(client, seatsByEvent)

	//nolint:ineffassign,staticcheck // errors are left out, as on the first page
	func() {
		// A deployment, before the programs that need it:
		changes, err := table.Plan(ctx, client)           // the table, indexes, TTL: what is missing; nothing is ever dropped
		err = table.Apply(ctx, client, changes)           // index by index, waiting for each; after a crash, again
		store, err := lease.NewStore(table)               // where leases and places to go on are kept
		report, err := migrate.Reindex(ctx, store, table) // after a key template or a schema has changed

		// Every program, when it starts:
		err = table.Ensure(ctx, client) // waits until the table can be used; an error says what is not as declared

		fmt.Print(changes)
		fmt.Println(report.Failed, err)
	}()
	// Output:
	// create the table
	// switch on TTL until
	// 0 <nil>
}
