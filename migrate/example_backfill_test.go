package migrate_test

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/lease"
	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/migrate"
)

// A plan that was not stored before is filled in, while the program goes on. Start it on as many machines as you like.
func ExampleBackfill() {
	ctx := context.Background()
	client := memdb.New(memdb.Options{}).Client()
	table, err := monotable.NewTable(client, monotable.TableConfig{Name: "app", PartitionKey: "PK", SortKey: "SK"})
	if err != nil {
		panic(err)
	}
	if _, err := client.CreateTable(ctx, table.CreateInput()); err != nil {
		panic(err)
	}
	type User struct {
		ID   string `dynamodbav:"userId"`
		Plan string `dynamodbav:"plan,omitempty"`
	}
	users := monotable.MustEntity(table, monotable.Schema[User]{Name: "User", Key: monotable.Key{Partition: "USER#{userId}", Sort: "PROFILE"}})
	for _, u := range []User{{ID: "ann"}, {ID: "bob", Plan: "pro"}, {ID: "eve"}} {
		if _, err := users.Create(ctx, u); err != nil {
			panic(err)
		}
	}

	store, err := lease.NewStore(table)
	if err != nil {
		panic(err)
	}
	report, err := migrate.Backfill(ctx, store, "free-plan", table,
		func(_ context.Context, item map[string]types.AttributeValue) (map[string]types.AttributeValue, error) {
			if item["plan"] != nil {
				return nil, nil
			}
			item["plan"] = &types.AttributeValueMemberS{Value: "free"}
			return item, nil
		})
	fmt.Println(report.Rewritten, "rewritten,", report.Failed, "failed:", err)
	ann, err := users.Get(ctx, User{ID: "ann"})
	fmt.Println(ann.Plan, err)
	// Output:
	// 2 rewritten, 0 failed: <nil>
	// free <nil>
}
