package monotable_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/monotable/monotable"
)

// printer prints what operations come to. What it does not care for is NoObserver's.
type printer struct{ monotable.NoObserver }

func (printer) OperationEnd(_ context.Context, op monotable.OperationInfo, r monotable.OperationResult) {
	fmt.Println(op.Name, op.Entity, r.Outcome, r.Items, "items", r.Requests, "requests", r.CapacityUnits, "units")
}

// An observer is told of every operation; Observers joins several.
func ExampleObserver() {
	ctx := context.Background()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil)) // Info and above: what did not go well
	table := exampleTableOf(monotable.TableConfig{
		PartitionKey: "PK", SortKey: "SK",
		CursorKeys: []monotable.CursorKey{{ID: "example", Secret: []byte("at least thirty-two bytes, please")}},
		Observer:   monotable.Observers(printer{}, monotable.SlogObserver(log)),
	})
	orders := monotable.MustEntity(table, orderSchema)

	_, _ = orders.Create(ctx, Order{UserID: "ann", ID: "2026-001"})
	_, _ = orders.Get(ctx, Order{UserID: "ann", ID: "2026-002"})
	_, _ = orders.Modify(ctx, Order{UserID: "ann", ID: "2026-001"}, func(o *Order) error {
		o.Total = 12
		return nil
	})
	// Output:
	// Create Order ok 1 items 1 requests 1 units
	// Get Order not_found 0 items 1 requests 0.5 units
	// Modify Order ok 1 items 2 requests 2 units
}
