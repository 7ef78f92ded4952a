package monotable_test

import (
	"context"
	"fmt"

	"github.com/monotable/monotable"
)

// exampleOrders is an entity with the orders of two users in it.
func exampleOrders() *monotable.Entity[Order] {
	orders := monotable.MustEntity(exampleTable(), orderSchema)
	seed(
		orders,
		Order{UserID: "ann", ID: "2025-007", Total: 30, Status: "paid"},
		Order{UserID: "ann", ID: "2026-001", Total: 12, Status: "paid"},
		Order{UserID: "ann", ID: "2026-002", Total: 99, Status: "open"},
		Order{UserID: "ann", ID: "2026-003", Total: 45, Status: "paid"},
		Order{UserID: "bob", ID: "2026-001", Total: 5, Status: "open"},
	)
	return orders
}

// A query reads a partition, which the key's template makes of Order's fields. SortKey narrows it, Filter
// drops what has been read.
func ExampleQuery() {
	ctx := context.Background()
	orders := exampleOrders()

	recent := orders.Query(Order{UserID: "ann"}).
		SortKey(orderID.Between("2026-001", "2026-999")).
		Filter(orderStatus.Eq("paid")).
		Descending().
		Limit(50)
	for o, err := range recent.All(ctx) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(o.ID, o.Total)
	}
	// Output:
	// 2026-003 45
	// 2026-001 12
}

// A query is an immutable value: one can be the base of others.
func ExampleQuery_terminals() {
	ctx := context.Background()
	anns := exampleOrders().Query(Order{UserID: "ann"})

	all, err := anns.Collect(ctx)
	fmt.Println(len(all), err)
	open, err := anns.Filter(orderStatus.Eq("open")).First(ctx)
	fmt.Println(open.ID, err)
	n, err := anns.Filter(orderTotal.Ge(30)).Count(ctx)
	fmt.Println(n, err)
	_, err = anns.Filter(orderTotal.Gt(1000)).First(ctx)
	fmt.Println(err)
	// Output:
	// 4 <nil>
	// 2026-002 <nil>
	// 3 <nil>
	// monotable: Query Order: item not found
}

func ExampleQuery_SortKey() {
	ctx := context.Background()
	anns := exampleOrders().Query(Order{UserID: "ann"})

	show := func(q monotable.Query[Order]) {
		orders, err := q.Collect(ctx)
		for _, o := range orders {
			fmt.Print(o.ID, " ")
		}
		fmt.Println(err)
	}
	show(anns.SortKey(orderID.Eq("2026-001")))
	show(anns.SortKey(monotable.HasPrefix(orderID, "2026-")))
	show(anns.SortKey(orderID.Ge("2026-002")))
	show(anns.SortKey(orderTotal.Eq(12)))
	// Output:
	// 2026-001 <nil>
	// 2026-001 2026-002 2026-003 <nil>
	// 2026-002 2026-003 <nil>
	// monotable: Query Order: invalid: SortKey: total is not part of the sort key; use Filter
}

// An index is queried with the fields its own template names. Transforms run on them, so any letter case finds Ann.
func ExampleQuery_Index() {
	ctx := context.Background()
	users := monotable.MustEntity(exampleTable(), userSchema)
	seed(users, User{ID: "ann", Email: "ann@example.com"})

	ann, err := users.Query(User{Email: "ANN@example.com"}).Index("GSI1").First(ctx)
	fmt.Println(ann.ID, err)
	// Output:
	// ann <nil>
}

// A page has the cursor of the next one. It is opaque, fits into a URL, and is "" at the end.
func ExampleQuery_Page() {
	ctx := context.Background()
	anns := exampleOrders().Query(Order{UserID: "ann"}).Limit(3)

	var next monotable.Cursor
	for {
		page, err := anns.From(next).Page(ctx)
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, o := range page.Items {
			fmt.Println(o.ID)
		}
		fmt.Println("--")
		if next = page.Next; next == "" {
			break
		}
	}
	_, err := anns.From("made up").Page(ctx)
	fmt.Println(err)
	// Output:
	// 2025-007
	// 2026-001
	// 2026-002
	// --
	// 2026-003
	// --
	// monotable: Query Order: bad cursor
}

// OrderLine is a smaller Order.
type OrderLine struct {
	ID    string `dynamodbav:"orderId"`
	Total int    `dynamodbav:"total"`
}

// As reads only the attributes of a smaller struct.
func ExampleAs() {
	ctx := context.Background()
	orders := exampleOrders()

	lines, err := monotable.As[OrderLine](orders.Query(Order{UserID: "ann"}).Limit(2)).Collect(ctx)
	fmt.Println(lines, err)
	// Output:
	// [{2025-007 30} {2026-001 12}] <nil>
}

// Scan reads the whole table and pays for it.
func ExampleEntity_Scan() {
	ctx := context.Background()
	orders := exampleOrders()

	n, err := orders.Scan().Filter(orderStatus.Eq("open")).Count(ctx)
	fmt.Println(n, err)
	// Output:
	// 2 <nil>
}
