package monotable_test

import (
	"context"
	"fmt"

	"github.com/monotable/monotable"
)

// Explain tells what a query asks of DynamoDB, and what it costs that its result does not show. Nothing is sent, and no value is in it.
func ExampleQuery_Explain() {
	orders := exampleOrders()

	plan, err := orders.Query(Order{UserID: "ann"}).
		SortKey(orderID.Between("2026-001", "2026-999")).
		Filter(orderStatus.Eq("paid")).
		With(monotable.Consistent()).
		Explain()
	fmt.Println(plan)
	fmt.Println(err)

	plan, err = orders.Scan().Filter(orderTotal.Gt(50)).Explain()
	fmt.Println(plan)
	fmt.Println(plan.Warns("scan"), err)
	// Output:
	// Query Order on app
	//   key           PK = USER#{userId}, SK = ORDER#{orderId}
	//   key condition PK = ? AND SK BETWEEN ? AND ?
	//   filter        status = ?
	//   reads         consistent
	//   requests      1 or more
	//   warning       consistent: costs twice the read units
	// <nil>
	// Scan Order on app
	//   filter        _et = ? AND total > ?
	//   requests      1 or more
	//   warning       scan: reads all of table app, whatever it returns
	// true <nil>
}

// A write of a Unique attribute takes more than one request.
func ExampleUpdateOp_Explain() {
	users := monotable.MustEntity(exampleTable(), userSchema)

	plan, err := users.UpdateOp(User{ID: "ann"}, userEmail.Set("ann@example.org")).Explain()
	fmt.Println(plan.Operation, plan.Guards, plan.Requests, err)
	fmt.Println(plan.Update)
	// Output:
	// TransactWriteItems [email] 2 <nil>
	// SET email = ?, updatedAt = ?, _w = ?, version = version + ?, GSI1PK = ?, GSI1SK = ?
}

// A strict table refuses what reads much more than it returns, unless the call says that it is meant.
func ExampleAllowScan() {
	ctx := context.Background()
	table := exampleTableOf(monotable.TableConfig{PartitionKey: "PK", SortKey: "SK", Strict: true})
	orders := monotable.MustEntity(table, orderSchema)

	_, err := orders.Scan().Count(ctx)
	fmt.Println(err)
	n, err := orders.Scan().With(monotable.AllowScan()).Count(ctx)
	fmt.Println(n, err)
	// Output:
	// monotable: Scan Order: invalid: a Scan reads all of table app, and the table is Strict: query a key, or say With(AllowScan())
	// 0 <nil>
}
