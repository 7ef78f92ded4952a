package lease_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/lease"
	"github.com/monotable/monotable/memdb"
)

// A nightly report is made by one machine, which remembers the night.
func Example() {
	ctx := context.Background()
	client := memdb.New(memdb.Options{}).Client()
	table, err := monotable.NewTable(client, monotable.TableConfig{Name: "app", PartitionKey: "PK"})
	if err != nil {
		panic(err)
	}
	if err := table.Create(ctx, client); err != nil {
		panic(err)
	}
	store, err := lease.NewStore(table, lease.Holder("host 7"))
	if err != nil {
		panic(err)
	}

	l, err := store.TryAcquire(ctx, "nightly report", lease.DefaultTTL)
	if err != nil {
		panic(err)
	}
	_, err = store.TryAcquire(ctx, "nightly report", lease.DefaultTTL)
	if held, ok := errors.AsType[*lease.HeldError](err); ok {
		fmt.Println("held by", held.Holder)
	}

	// Work with l.Context(). What must not be written by one that has lost its lease goes beside the check.
	_, err = client.TransactWriteItems(l.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		l.Check(),
		{Put: &types.Put{TableName: new("app"), Item: map[string]types.AttributeValue{"PK": &types.AttributeValueMemberS{Value: "REPORT"}}}},
	}})
	if err != nil {
		panic(err)
	}
	if err := l.Save(ctx, map[string]types.AttributeValue{"night": &types.AttributeValueMemberS{Value: "2026-11-21"}}); err != nil {
		panic(err)
	}
	if err := l.Release(ctx); err != nil {
		panic(err)
	}

	r, err := store.Load(ctx, "nightly report")
	if err != nil {
		panic(err)
	}
	fmt.Println(r.Held, r.Fence, r.Data["night"].(*types.AttributeValueMemberS).Value)
	// Output:
	// held by host 7
	// false 1 2026-11-21
}
