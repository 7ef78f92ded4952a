package monotable_test

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/lease"
	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/stream"
)

// A payment of a customer, and what a customer has paid in all.
type payment struct {
	Customer string `dynamodbav:"customer"`
	ID       string `dynamodbav:"id"`
	Cents    int    `dynamodbav:"cents"`
}

type balance struct {
	Customer string `dynamodbav:"customer"`
	Payments int    `dynamodbav:"payments"`
	Cents    int    `dynamodbav:"cents"`
}

var (
	balancePayments = monotable.Field(func(b *balance) *int { return &b.Payments })
	balanceCents    = monotable.Field(func(b *balance) *int { return &b.Cents })
)

// Balances follow payments through the table's stream: each payment counts once, however often its record comes. Errors are left out, as on the first page.
//
//nolint:ineffassign,staticcheck
func Example_stream() {
	ctx, stop := context.WithCancel(context.Background())
	engine := memdb.New(memdb.Options{})
	admin, streams := engine.Client(), engine.StreamsClient() // with AWS: dynamodbstreams.NewFromConfig(cfg)
	table, err := monotable.NewTable(admin, monotable.TableConfig{Name: "app", PartitionKey: "PK", SortKey: "SK"})
	payments := monotable.MustEntity(table, monotable.Schema[payment]{
		Name: "Payment", Key: monotable.Key{Partition: "CUSTOMER#{customer}", Sort: "PAYMENT#{id}"},
	})
	balances := monotable.MustEntity(table, monotable.Schema[balance]{
		Name: "Balance", Key: monotable.Key{Partition: "CUSTOMER#{customer}", Sort: "BALANCE"},
	})
	err = table.Ensure(ctx, admin, monotable.Stream(types.StreamViewTypeNewAndOldImages))

	once, err := stream.NewOnce(table, "balances") // applies what follows from each record once, however often it comes
	router, err := stream.NewRouter(
		stream.On(payments).Insert(func(ctx context.Context, p payment) error {
			_, err := once.Apply(ctx, balances.UpsertOp(balance{Customer: p.Customer},
				monotable.Add(balancePayments, 1), monotable.Add(balanceCents, p.Cents)))
			return err
		}),
	)

	arn, err := stream.ARN(ctx, admin, table)
	store, err := lease.NewStore(table) // where leases and checkpoints are kept, for any number of processes
	poller, err := stream.NewPoller(router, stream.PollerConfig{Client: streams, Stream: arn, Name: "balances", Store: store})
	ended := make(chan error, 1)
	go func() { ended <- poller.Run(ctx) }()

	for _, id := range []string{"1", "2", "3"} {
		_, err = payments.Create(ctx, payment{Customer: "ann", ID: id, Cents: 250})
	}
	for b := (balance{}); b.Payments < 3; b, err = balances.Get(ctx, balance{Customer: "ann"}) {
		time.Sleep(5 * time.Millisecond)
	}
	fmt.Println(balances.Get(ctx, balance{Customer: "ann"}))
	stop()
	fmt.Println(<-ended, err)
	// Output:
	// {ann 3 750} <nil>
	// <nil> <nil>
}
