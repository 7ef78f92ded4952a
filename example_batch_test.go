package monotable_test

import (
	"context"
	"fmt"

	"github.com/monotable/monotable"
)

// Any number of puts and deletes of any entities. What cannot be written is named by its position; a batch
// is not atomic and checks no conditions.
func ExampleTable_BatchWrite() {
	ctx := context.Background()
	table := exampleTable()
	orders := monotable.MustEntity(table, orderSchema)

	var ops []monotable.BatchOp
	for i := range 60 { // more than DynamoDB takes at once
		ops = append(ops, orders.PutOp(Order{UserID: "ann", ID: fmt.Sprintf("2026-%03d", i), Total: i}))
	}
	fmt.Println(table.BatchWrite(ctx, ops...))
	fmt.Println(orders.Query(Order{UserID: "ann"}).Count(ctx))

	err := table.BatchWrite(ctx, orders.DeleteOp(Order{UserID: "ann", ID: "2026-000"}), orders.DeleteOp(Order{UserID: "ann", ID: "2026-000"}))
	fmt.Println(err)
	// Output:
	// <nil>
	// 60 <nil>
	// monotable: BatchWrite app: invalid: operations 0 and 1 are on the same item
}

// Results come in the order of the keys, one for each.
func ExampleEntity_BatchGet() {
	ctx := context.Background()
	users := monotable.MustEntity(exampleTable(), userSchema)
	seed(users, User{ID: "ann", Email: "ann@example.com"}, User{ID: "cem", Email: "cem@example.org"})

	results, err := users.BatchGet(ctx, []User{{ID: "ann"}, {ID: "bob"}, {ID: "cem"}})
	for _, r := range results {
		fmt.Printf("%s %q\n", r.State, r.Item.ID)
	}
	fmt.Println(err)
	// Output:
	// Found "ann"
	// Missing ""
	// Found "cem"
	// <nil>
}

// Operations of any entities, each with its own destination. One that is missing is left as it is.
func ExampleTable_BatchGet() {
	ctx := context.Background()
	table := exampleTable()
	users := monotable.MustEntity(table, userSchema)
	orders := monotable.MustEntity(table, orderSchema)
	seed(users, User{ID: "ann", Email: "ann@example.com"})
	seed(orders, Order{UserID: "ann", ID: "2026-001", Total: 30})

	var user User
	var first, second Order
	results, err := table.BatchGet(ctx,
		users.GetOp(User{ID: "ann"}, &user),
		orders.GetOp(Order{UserID: "ann", ID: "2026-001"}, &first),
		orders.GetOp(Order{UserID: "ann", ID: "2026-002"}, &second),
	)
	fmt.Println(results[0].State, results[1].State, results[2].State, err)
	fmt.Println(user.Email, first.Total)
	// Output:
	// Found Found Missing <nil>
	// ann@example.com 30
}

// The function is called in this goroutine, and the last call has everything in it.
func ExampleProgress() {
	ctx := context.Background()
	orders := monotable.MustEntity(exampleTable(), orderSchema)
	items := make([]Order, 60)
	for i := range items {
		items[i] = Order{UserID: "ann", ID: fmt.Sprintf("2026-%03d", i)}
	}

	var last monotable.BatchProgress
	watched := orders.With(monotable.Pace(1000), monotable.Progress(func(now monotable.BatchProgress) { last = now }))
	fmt.Println(watched.BatchPut(ctx, items))
	fmt.Printf("%d of %d in %d requests\n", last.Done, last.Total, last.Requests)
	// Output:
	// <nil>
	// 60 of 60 in 3 requests
}
