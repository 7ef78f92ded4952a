package monotable_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log"
	"net/mail"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/memdb"
)

// What the examples share. The code blocks of README.md are taken from here too: see readme_test.go.

type User struct {
	ID       string            `dynamodbav:"userId"`
	Email    string            `dynamodbav:"email"`
	Plan     string            `dynamodbav:"plan"`
	Logins   int               `dynamodbav:"logins"`
	Prefs    Prefs             `dynamodbav:"preferences"`
	Notify   *bool             `dynamodbav:"notify"`
	Tags     []string          `dynamodbav:"tags"`
	Labels   map[string]string `dynamodbav:"labels"`
	Password string            `dynamodbav:"password,omitempty"`
	Created  time.Time         `dynamodbav:"createdAt"`
	Updated  time.Time         `dynamodbav:"updatedAt"`
	Version  int64             `dynamodbav:"version"`
}

type Prefs struct {
	Theme string `dynamodbav:"theme"`
}

var ( // typed handles on attributes, for rules, changes and conditions
	userEmail    = monotable.Field(func(u *User) *string { return &u.Email })
	userPlan     = monotable.Field(func(u *User) *string { return &u.Plan })
	userLogins   = monotable.Field(func(u *User) *int { return &u.Logins })
	userTheme    = monotable.Field(func(u *User) *string { return &u.Prefs.Theme }) // preferences.theme
	userNotify   = monotable.Field(func(u *User) **bool { return &u.Notify })
	userTags     = monotable.Field(func(u *User) *[]string { return &u.Tags })
	userLabels   = monotable.Field(func(u *User) *map[string]string { return &u.Labels })
	userPassword = monotable.Field(func(u *User) *string { return &u.Password })
	userCreated  = monotable.Field(func(u *User) *time.Time { return &u.Created })
	userUpdated  = monotable.Field(func(u *User) *time.Time { return &u.Updated })
	userVersion  = monotable.Field(func(u *User) *int64 { return &u.Version })
)

var userSchema = monotable.Schema[User]{ // plain data: no client, no global state
	Name:    "User",
	Key:     monotable.Key{Partition: "USER#{userId}", Sort: "PROFILE"},
	Indexes: map[string]monotable.Key{"GSI1": {Partition: "EMAIL#{email}", Sort: "USER#{userId}"}},
	Rules: []monotable.Rule[User]{
		userEmail.Required().Transform(strings.ToLower).Validate(validEmail).Unique(),
		userPlan.Default("free").OneOf("free", "pro"),
		userTheme.Default("light"),
		userNotify.Default(new(true)),
		userLabels.Default(map[string]string{}),
		monotable.Min(userLogins, 0),
		userPassword.Hidden(),
		monotable.CreatedAt(userCreated),
		monotable.UpdatedAt(userUpdated),
		monotable.Version(userVersion),
	},
}

func validEmail(email string) error {
	if _, err := mail.ParseAddress(email); err != nil {
		return errors.New("is not an email address")
	}
	return nil
}

type Order struct {
	UserID string `dynamodbav:"userId"`
	ID     string `dynamodbav:"orderId"`
	Total  int    `dynamodbav:"total"`
	Status string `dynamodbav:"status"`
}

var (
	orderID     = monotable.Field(func(o *Order) *string { return &o.ID })
	orderTotal  = monotable.Field(func(o *Order) *int { return &o.Total })
	orderStatus = monotable.Field(func(o *Order) *string { return &o.Status })
)

var orderSchema = monotable.Schema[Order]{
	Name: "Order",
	Key:  monotable.Key{Partition: "USER#{userId}", Sort: "ORDER#{orderId}"}, // beside the user
}

// App is what a program keeps: one table, and an entity for each kind of record.
type App struct {
	Users  *monotable.Entity[User]
	Orders *monotable.Entity[Order]
}

func NewApp(client monotable.Client, secret []byte) (*App, error) {
	table, err := monotable.NewTable(client, monotable.TableConfig{
		Name:         "app",
		PartitionKey: "PK",
		SortKey:      "SK",
		Indexes:      []monotable.Index{{Name: "GSI1", PartitionKey: "GSI1PK", SortKey: "GSI1SK"}},
		CursorKeys:   []monotable.CursorKey{{ID: "2026-11", Secret: secret}}, // 32 bytes or more; the first signs, all verify
	})
	if err != nil {
		return nil, err
	}
	users, err := monotable.NewEntity(table, userSchema) // all mistakes at once
	if err != nil {
		return nil, err
	}
	orders, err := monotable.NewEntity(table, orderSchema)
	if err != nil {
		return nil, err
	}
	return &App{Users: users, Orders: orders}, nil
}

// exampleClient is a client of the server that DYNAMODB_ENDPOINT names, or else of a database in memory.
func exampleClient() *dynamodb.Client {
	endpoint := os.Getenv("DYNAMODB_ENDPOINT")
	if endpoint == "" {
		return memdb.New(memdb.Options{}).Client()
	}
	return dynamodb.New(dynamodb.Options{
		BaseEndpoint: aws.String(endpoint),
		Region:       "us-east-1",
		// DynamoDB Local keeps a database for each access key: every example has its own.
		Credentials: credentials.NewStaticCredentialsProvider("example"+rand.Text(), "secret", ""),
	})
}

// exampleTable creates the table of most examples: keys PK and SK, one index, and a clock that stands still.
func exampleTable() *monotable.Table {
	return exampleTableOver(func(c *dynamodb.Client, _ ...func(*dynamodb.Options)) *dynamodb.Client { return c })
}

// exampleTableOver is exampleTable behind a client made of the example's.
func exampleTableOver(client func(*dynamodb.Client, ...func(*dynamodb.Options)) *dynamodb.Client) *monotable.Table {
	return exampleTableFor(client(exampleClient()), monotable.TableConfig{
		PartitionKey: "PK", SortKey: "SK",
		Indexes:    []monotable.Index{{Name: "GSI1", PartitionKey: "GSI1PK", SortKey: "GSI1SK"}},
		CursorKeys: []monotable.CursorKey{{ID: "example", Secret: []byte("at least thirty-two bytes, please")}},
		Clock:      func() time.Time { return time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC) },
	})
}

var dropExampleTable = func() {} // the one before: tables that are left cost DynamoDB Local threads

func exampleTableOf(cfg monotable.TableConfig) *monotable.Table {
	return exampleTableFor(exampleClient(), cfg)
}

func exampleTableFor(client *dynamodb.Client, cfg monotable.TableConfig) *monotable.Table {
	dropExampleTable()
	if cfg.Name == "" {
		cfg.Name = "app"
	}
	table, err := monotable.NewTable(client, cfg)
	if err != nil {
		log.Panic(err)
	}
	if _, err := client.CreateTable(context.Background(), table.CreateInput()); err != nil {
		log.Panic(err)
	}
	dropExampleTable = func() {
		_, _ = client.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: aws.String(cfg.Name)})
	}
	return table
}

// seed stores what an example begins with.
func seed[T any](e *monotable.Entity[T], items ...T) {
	for _, item := range items {
		if _, err := e.Create(context.Background(), item); err != nil {
			log.Panic(err)
		}
	}
}

// Every verb once. Error handling is left out, to show one call a line.
func Example() {
	ctx := context.Background()
	table := exampleTable()
	users := monotable.MustEntity(table, userSchema)
	seed(monotable.MustEntity(table, orderSchema), Order{UserID: "ann", ID: "2026-001"})

	//nolint:ineffassign,staticcheck // errors, see above
	func() {
		ann, err := users.Create(ctx, User{ID: "ann", Email: "Ann@Example.com"}) // ErrAlreadyExists if there is one
		ann, err = users.Get(ctx, User{ID: "ann"})                               // ErrNotFound; the key is a User with its key fields set
		ann, err = users.Put(ctx, ann)                                           // create or replace; the version must be the stored one, 0 if there is none
		ann, err = users.Update(ctx, User{ID: "ann"},                            // must exist; changes only what is named; may carry conditions
			userPlan.Set("pro"), monotable.Add(userLogins, 1), monotable.Append(userTags, "vip"), userPlan.Ne("closed"))
		ann, err = users.Modify(ctx, User{ID: "ann"}, func(u *User) error { // read, change, write what changed; again if another was faster
			u.Prefs.Theme = "dark"
			return nil
		})
		bob, err := users.Upsert(ctx, User{ID: "bob"}, userEmail.Set("bob@example.com")) // Update, or Create where there is nothing
		old, err := users.Delete(ctx, bob, userPlan.Eq("free"))                          // what was deleted; a condition is optional
		ann, err = users.GetBy(ctx, userEmail.Eq("ann@example.com"))                     // by a Unique attribute, consistently

		fmt.Println(ann.Email, ann.Plan, ann.Logins, ann.Tags, ann.Prefs.Theme, *ann.Notify, ann.Version)
		fmt.Println(old.Email, old.Version, err)
	}()
	// Output:
	// ann@example.com pro 1 [vip] dark true 4
	// bob@example.com 1 <nil>
}

// Reads of many items, and writes of many. Error handling is left out, to show one call a line.
func Example_many() {
	ctx := context.Background()
	table := exampleTable()
	users := monotable.MustEntity(table, userSchema)
	orders := monotable.MustEntity(table, orderSchema)
	seed(users, User{ID: "ann", Email: "ann@example.com"}, User{ID: "bob", Email: "bob@example.com"})
	seed(orders, Order{UserID: "ann", ID: "2026-001", Total: 12, Status: "paid"}, Order{UserID: "ann", ID: "2026-002", Total: 99})
	var cursor monotable.Cursor

	//nolint:ineffassign,staticcheck // errors, see above
	func() {
		// The key template's partition, a range of its sort key, a filter on what was read; nothing is sent yet.
		paid := orders.Query(Order{UserID: "ann"}).SortKey(orderID.Between("2026-001", "2026-100")).
			Filter(orderStatus.Eq("paid"), orderTotal.Ge(10)).Descending().Limit(50)
		for o, err := range paid.All(ctx) { // page by page, as they are needed
			fmt.Println(o.ID, o.Total, err)
		}
		page, err := orders.Query(Order{UserID: "ann"}).Limit(20).From(cursor).Page(ctx)       // Items, Next and Prev: signed cursors; "" is the end
		ann, err := users.Query(User{Email: "ann@example.com"}).Index("GSI1").First(ctx)       // ErrNotFound
		n, err := orders.Query(Order{UserID: "ann"}).Count(ctx)                                // without reading them into memory
		lines, err := monotable.As[OrderLine](orders.Query(Order{UserID: "ann"})).Collect(ctx) // only the fields of a smaller struct

		results, err := users.BatchGet(ctx, []User{{ID: "ann"}, {ID: "eve"}}) // in this order: Found, Missing, …
		err = table.BatchWrite(ctx, orders.PutOp(Order{UserID: "bob", ID: "2026-001"}), orders.DeleteOp(Order{UserID: "ann", ID: "2026-002"}))

		order := Order{UserID: "ann", ID: "2026-003", Total: 7}
		err = table.TransactWrite(ctx, // all or nothing; *TransactionError has a reason for each
			orders.CreateOp(order).Into(&order),
			users.UpdateOp(User{ID: "ann"}, monotable.Add(userLogins, 1)),
			users.CheckOp(User{ID: "bob"}, userPlan.Eq("free")))
		err = table.TransactGet(ctx, users.GetOp(User{ID: "ann"}, &ann), orders.GetOp(order, &order))

		fmt.Println(len(page.Items), page.Next == "", ann.Logins, n, lines)
		fmt.Println(results[0].State, results[1].State, order.Total, err)
	}()
	// Output:
	// 2026-001 12 <nil>
	// 2 true 1 2 [{2026-001 12} {2026-002 99}]
	// Found Missing 7 <nil>
}
