package monotable_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable"
)

// Item is a line of an order: it stands under its order, ORDER#{orderId}#ITEM#{n}.
type Item struct {
	UserID  string `dynamodbav:"userId"`
	OrderID string `dynamodbav:"orderId"`
	N       int    `dynamodbav:"n"`
	SKU     string `dynamodbav:"sku"`
}

var itemSchema = monotable.Schema[Item]{
	Name: "Item",
	Key:  monotable.Key{Partition: "USER#{userId}", Sort: "ORDER#{orderId}#ITEM#{n:02}"},
}

// exampleAccount is a table with a user, her orders, and their items in one partition.
func exampleAccount() (*monotable.Table, *monotable.Entity[User], *monotable.Entity[Order], *monotable.Entity[Item]) {
	table := exampleTable()
	users, orders, items := monotable.MustEntity(table, userSchema), monotable.MustEntity(table, orderSchema), monotable.MustEntity(table, itemSchema)
	seed(users, User{ID: "ann", Email: "ann@example.com"})
	seed(orders, Order{UserID: "ann", ID: "2026-001", Total: 12}, Order{UserID: "ann", ID: "2026-002", Total: 99})
	seed(items,
		Item{UserID: "ann", OrderID: "2026-001", N: 1, SKU: "tea"},
		Item{UserID: "ann", OrderID: "2026-002", N: 1, SKU: "pot"},
		Item{UserID: "ann", OrderID: "2026-002", N: 2, SKU: "cup"})
	return table, users, orders, items
}

// Collect reads several kinds of record with one request: what stands together in a partition.
func ExampleTable_Collect() {
	ctx := context.Background()
	table, users, orders, items := exampleAccount()

	var people []User
	var bought []Order
	var others int
	err := table.Collect(ctx, users.Partition(User{ID: "ann"}),
		monotable.Into(users, &people), monotable.Into(orders, &bought), monotable.Others(&others))
	fmt.Println(people[0].ID, len(bought), others, err)

	// An order and what stands under it.
	var order Order
	var lines []Item
	err = table.Collect(ctx, orders.Partition(Order{UserID: "ann"}, orderID.Eq("2026-002")),
		monotable.One(orders, &order), monotable.Into(items, &lines))
	fmt.Println(order.ID, order.Total, lines[0].SKU, lines[1].SKU, err)
	// Output:
	// ann 2 3 <nil>
	// 2026-002 99 pot cup <nil>
}

// Account is a collection in a struct of the caller's own.
type Account struct {
	Orders []Order
	Items  []Item
}

// A Collection is declared once. Its pages are the caller's struct, and lead both ways.
func ExampleCollection() {
	ctx := context.Background()
	_, users, orders, items := exampleAccount()
	accounts := monotable.MustCollection(
		monotable.Many(orders, func(a *Account) *[]Order { return &a.Orders }),
		monotable.Many(items, func(a *Account) *[]Item { return &a.Items }),
	)

	anns := users.Partition(User{ID: "ann"}).Limit(3)
	page, err := accounts.Page(ctx, anns)
	fmt.Println(len(page.Items.Orders), len(page.Items.Items), page.Prev == "", err)
	page, err = accounts.Page(ctx, anns.From(page.Next))
	fmt.Println(len(page.Items.Orders), len(page.Items.Items), page.Next == "", err)
	page, err = accounts.Page(ctx, anns.From(page.Prev))
	fmt.Println(page.Items.Orders[0].ID, page.Items.Items[0].SKU, page.Items.Orders[1].ID, err)
	// Output:
	// 2 1 true <nil>
	// 0 2 true <nil>
	// 2026-001 tea 2026-002 <nil>
}

// Prev leads back to the page before.
func ExamplePage() {
	ctx := context.Background()
	anns := exampleOrders().Query(Order{UserID: "ann"}).Limit(2)

	first, err := anns.Page(ctx)
	fmt.Println(len(first.Items), first.Prev == "", err)
	second, err := anns.From(first.Next).Page(ctx)
	fmt.Println(second.Items[0].ID, err)
	back, err := anns.From(second.Prev).Page(ctx)
	fmt.Println(back.Items[0].ID == first.Items[0].ID, len(back.Items), err)

	// A cursor that was made for one tenant is none for another.
	tenant := anns.With(monotable.CursorContext("tenant 7"))
	page, err := tenant.Page(ctx)
	fmt.Println(err)
	_, err = anns.With(monotable.CursorContext("tenant 8")).From(page.Next).Page(ctx)
	fmt.Println(errors.Is(err, monotable.ErrBadCursor))
	// Output:
	// 2 true <nil>
	// 2026-002 <nil>
	// true 2 <nil>
	// <nil>
	// true
}

// QueryMany reads many partitions, several at a time, and merges them.
func ExampleQueryMany() {
	ctx := context.Background()
	orders := exampleOrders()

	all := monotable.QueryMany(orders.Query(Order{UserID: "ann"}), orders.Query(Order{UserID: "bob"})).
		OrderBy(func(a, b Order) int { return cmp.Compare(a.ID, b.ID) })
	for o, err := range all.Limit(3).All(ctx) {
		fmt.Println(o.ID, o.UserID, err)
	}
	n, err := all.Count(ctx)
	fmt.Println(n, err)
	// Output:
	// 2025-007 ann <nil>
	// 2026-001 ann <nil>
	// 2026-001 bob <nil>
	// 5 <nil>
}

// A parallel scan reads segments of the table at the same time; each item comes once, in no order.
func ExampleQuery_Parallel() {
	ctx := context.Background()
	orders := exampleOrders()

	total := 0
	for o, err := range orders.Scan().Parallel(4).All(ctx) {
		if err != nil {
			fmt.Println(err)
			return
		}
		total += o.Total
	}
	fmt.Println(total)
	// Output:
	// 191
}

// A budget bounds what a call may read.
func ExampleQuery_MaxPages() {
	ctx := context.Background()
	anns := exampleOrders().Query(Order{UserID: "ann"}).PageSize(2).Filter(orderTotal.Ge(90))

	_, err := anns.MaxPages(1).Collect(ctx)
	fmt.Println(err)
	page, err := anns.MaxPages(1).Limit(10).Page(ctx)
	fmt.Println(len(page.Items), page.Next != "", err)
	// Output:
	// monotable: Query Order: the budget of pages or units is used up
	// 0 true <nil>
}

// Hydrate completes the items of an index that holds keys only.
func ExampleQuery_Hydrate() {
	ctx := context.Background()
	orders := monotable.MustEntity(exampleTableOf(monotable.TableConfig{
		PartitionKey: "PK", SortKey: "SK",
		Indexes: []monotable.Index{{
			Name: "byStatus", PartitionKey: "GSI1PK", SortKey: "GSI1SK",
			Projection: types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
		}},
	}), monotable.Schema[Order]{
		Name:    "Order",
		Key:     monotable.Key{Partition: "USER#{userId}", Sort: "ORDER#{orderId}"},
		Indexes: map[string]monotable.Key{"byStatus": {Partition: "STATUS#{status}", Sort: "{orderId}"}},
	})
	seed(orders, Order{UserID: "ann", ID: "2026-001", Status: "open", Total: 12}, Order{UserID: "bob", ID: "2026-002", Status: "open", Total: 5})

	open := orders.Query(Order{Status: "open"}).Index("byStatus")
	_, err := open.Collect(ctx)
	fmt.Println(err)
	whole, err := open.Hydrate().Collect(ctx)
	fmt.Println(whole[0].Total, whole[1].Total, err)
	// Output:
	// monotable: Query Order: invalid: index "byStatus" does not project userId: read a smaller struct with As, or Hydrate
	// 12 5 <nil>
}
