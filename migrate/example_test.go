package migrate_test

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/lease"
	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/migrate"
)

func Example() {
	ctx := context.Background()
	client := memdb.New(memdb.Options{}).Client()
	table, err := monotable.NewTable(client, monotable.TableConfig{
		Name: "app", PartitionKey: "PK", SortKey: "SK",
		Indexes: []monotable.Index{{Name: "GSI1", PartitionKey: "GSI1PK", SortKey: "GSI1SK"}},
	})
	if err != nil {
		panic(err)
	}
	if err := table.Create(ctx, client); err != nil {
		panic(err)
	}

	store, err := lease.NewStore(table, lease.Holder("the example"))
	if err != nil {
		panic(err)
	}
	set, err := migrate.New(
		store,
		migrate.Migration{ID: 1, Name: "indexes", Up: migrate.AddIndexes(table, client)},
		migrate.Migration{
			ID: 2, Name: "settings",
			Up: func(ctx context.Context, r *migrate.Run) error {
				return r.Do(ctx, func(ctx context.Context) error {
					// The check refuses the write if another runner has the lease by then.
					_, err := client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
						r.Check(),
						{Put: &types.Put{TableName: new("app"), Item: map[string]types.AttributeValue{
							"PK": &types.AttributeValueMemberS{Value: "SETTINGS"},
							"SK": &types.AttributeValueMemberS{Value: "SETTINGS"},
						}}},
					}})
					return err
				})
			},
		},
	)
	if err != nil {
		panic(err)
	}

	would, err := set.DryRun().Up(ctx)
	if err != nil {
		panic(err)
	}
	fmt.Println("would do", len(would))

	did, err := set.With(migrate.Wait()).Up(ctx) // at every start of the program: one at a time, and only what is missing
	if err != nil {
		panic(err)
	}
	for _, step := range did {
		fmt.Println("did", step.ID, step.Name, step.Writes)
	}
	states, err := set.Status(ctx)
	if err != nil {
		panic(err)
	}
	for _, s := range states {
		fmt.Println(s.ID, s.Name, s.Applied, s.By)
	}
	// Output:
	// would do 2
	// did 1 indexes 0
	// did 2 settings 1
	// 1 indexes true the example
	// 2 settings true the example
}

func ExampleRun_Save() {
	ctx := context.Background()
	client := memdb.New(memdb.Options{}).Client()
	table, err := monotable.NewTable(client, monotable.TableConfig{Name: "app", PartitionKey: "PK"})
	if err != nil {
		panic(err)
	}
	if err := table.Create(ctx, client); err != nil {
		panic(err)
	}
	store, err := lease.NewStore(table)
	if err != nil {
		panic(err)
	}
	power := 2 // of the process, in pages
	set, err := migrate.New(store, migrate.Migration{ID: 1, Name: "pages", Up: func(ctx context.Context, r *migrate.Run) error {
		var page int
		if _, err := r.Load("page", &page); err != nil { // where the last run was
			return err
		}
		for ; page < 3; page++ {
			if power--; power < 0 {
				return fmt.Errorf("the process died at page %d", page)
			}
			fmt.Println("page", page)
			if err := r.Save(ctx, "page", page+1); err != nil {
				return err
			}
		}
		return nil
	}})
	if err != nil {
		panic(err)
	}
	_, err = set.Up(ctx)
	fmt.Println(err)
	power = 2
	_, err = set.Up(ctx)
	fmt.Println(err)
	// Output:
	// page 0
	// page 1
	// migrate: up of 1 pages: the process died at page 2
	// page 2
	// <nil>
}

// Users shall be found by their town, and no longer by their city. The migrations of three releases:
func ExampleReindexItems() {
	ctx := context.Background()
	client := memdb.New(memdb.Options{}).Client()
	type User struct {
		ID   string `dynamodbav:"userId"`
		Town string `dynamodbav:"town"`
	}
	// define is what a release declares.
	define := func(index string) (*monotable.Table, *monotable.Entity[User]) {
		table, err := monotable.NewTable(client, monotable.TableConfig{
			Name: "app", PartitionKey: "PK", SortKey: "SK",
			Indexes: []monotable.Index{{Name: index, PartitionKey: index + "PK", SortKey: index + "SK"}},
		})
		if err != nil {
			panic(err)
		}
		return table, monotable.MustEntity(table, monotable.Schema[User]{
			Name: "User", Key: monotable.Key{Partition: "USER#{userId}", Sort: "USER"},
			Indexes: map[string]monotable.Key{index: {Partition: "TOWN#{town}", Sort: "{userId}"}},
		})
	}
	old, oldUsers := define("byCity")
	if err := old.Ensure(ctx, client); err != nil { // before there is a Store in it
		panic(err)
	}
	if _, err := oldUsers.Create(ctx, User{ID: "ann", Town: "Bern"}); err != nil {
		panic(err)
	}

	table, users := define("byTown")
	store, err := lease.NewStore(table)
	if err != nil {
		panic(err)
	}
	migrations := []migrate.Migration{
		{ID: 1, Name: "add byTown", Up: migrate.AddIndexes(table, client)},           // with the release that writes its keys
		{ID: 2, Name: "fill byTown", Up: migrate.ReindexItems(table)},                // when every program does; then one that reads it may come
		{ID: 3, Name: "drop byCity", Up: migrate.DropIndex(table, client, "byCity")}, // when none reads the old one
	}
	for release := 1; release <= len(migrations); release++ {
		set, err := migrate.New(store, migrations[:release]...)
		if err != nil {
			panic(err)
		}
		steps, err := set.With(migrate.Wait()).Up(ctx)
		if err != nil {
			panic(err)
		}
		for _, s := range steps {
			fmt.Println(s.ID, s.Name+":", s.Writes, "writes")
		}
	}
	found, err := users.Query(User{Town: "Bern"}).Index("byTown").Collect(ctx)
	fmt.Println(found, err)
	// Output:
	// 1 add byTown: 1 writes
	// 2 fill byTown: 1 writes
	// 3 drop byCity: 1 writes
	// [{ann Bern}] <nil>
}
