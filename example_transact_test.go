package monotable_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/monotable/monotable"
)

// All or nothing, over any entities. Each operation is one of an entity's, as a value.
func ExampleTable_TransactWrite() {
	ctx := context.Background()
	table := exampleTable()
	users, orders := monotable.MustEntity(table, userSchema), monotable.MustEntity(table, orderSchema)
	seed(users, User{ID: "ann", Email: "ann@example.com"})

	order := Order{UserID: "ann", ID: "2026-001", Total: 12, Status: "open"}
	buy := func() error {
		return table.TransactWrite(
			ctx,
			orders.CreateOp(order).Into(&order), // what was stored
			users.UpdateOp(User{ID: "ann"}, monotable.Add(userLogins, 1)),
		)
	}
	fmt.Println(buy())
	fmt.Println(buy())

	ann, err := users.Get(ctx, User{ID: "ann"})
	fmt.Println(ann.Logins, err)
	// Output:
	// <nil>
	// monotable: TransactWrite app: transaction failed: operation 0, Create Order: item already exists
	// 1 <nil>
}

// A TransactionError names the operations that failed; errors.Is answers for all of them.
func ExampleTransactionError() {
	ctx := context.Background()
	table := exampleTable()
	users, orders := monotable.MustEntity(table, userSchema), monotable.MustEntity(table, orderSchema)
	seed(users, User{ID: "ann", Email: "ann@example.com"})

	err := table.TransactWrite(
		ctx,
		users.CheckOp(User{ID: "ann"}, userPlan.Eq("pro")),
		orders.PutOp(Order{UserID: "ann", ID: "2026-001"}),
		users.DeleteOp(User{ID: "bob"}, userPlan.Exists()),
	)
	if failed, ok := errors.AsType[*monotable.TransactionError](err); ok {
		for _, op := range failed.Operations {
			fmt.Println(op.Index, op.Op, op.Entity, op.Err)
			if stored, ok := users.Old(op.Err); ok {
				fmt.Println("  stored:", stored.Plan)
			}
		}
	}
	fmt.Println(errors.Is(err, monotable.ErrNotFound), errors.Is(err, monotable.ErrConditionFailed))
	// Output:
	// 0 Check User monotable: condition failed
	//   stored: free
	// 2 Delete User monotable: item not found
	// true true
}

// Several items as they were at one moment.
func ExampleTable_TransactGet() {
	ctx := context.Background()
	table := exampleTable()
	users, orders := monotable.MustEntity(table, userSchema), monotable.MustEntity(table, orderSchema)
	seed(users, User{ID: "ann", Email: "ann@example.com"})
	seed(orders, Order{UserID: "ann", ID: "2026-001", Total: 12})

	var ann User
	var order Order
	err := table.TransactGet(
		ctx,
		users.GetOp(User{ID: "ann"}, &ann),
		orders.GetOp(Order{UserID: "ann", ID: "2026-001"}, &order),
	)
	fmt.Println(ann.Email, order.Total, err)
	// Output:
	// ann@example.com 12 <nil>
}
