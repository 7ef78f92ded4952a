package migrate_test

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable"
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

	store, err := migrate.NewStore(table, migrate.Holder("the example"))
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
	store, err := migrate.NewStore(table)
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

func ExampleStore_TryAcquire() {
	ctx := context.Background()
	client := memdb.New(memdb.Options{}).Client()
	table, err := monotable.NewTable(client, monotable.TableConfig{Name: "app", PartitionKey: "PK"})
	if err != nil {
		panic(err)
	}
	if err := table.Create(ctx, client); err != nil {
		panic(err)
	}
	store, err := migrate.NewStore(table, migrate.Holder("host 7"))
	if err != nil {
		panic(err)
	}
	lease, err := store.TryAcquire(ctx, "nightly report", migrate.DefaultTTL)
	if err != nil {
		panic(err)
	}
	_, err = store.TryAcquire(ctx, "nightly report", migrate.DefaultTTL)
	if held, ok := err.(*migrate.LeasedError); ok {
		fmt.Println("held by", held.Holder)
	}
	// … work with lease.Context() …
	if err := lease.Release(ctx); err != nil {
		panic(err)
	}
	// Output: held by host 7
}
