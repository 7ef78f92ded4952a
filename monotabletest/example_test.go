package monotabletest_test

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/monotabletest"
)

func ExampleRecorder() {
	ctx := context.Background()
	var rec monotabletest.Recorder
	client := rec.Client(memdb.New(memdb.Options{}).Client()) // in a test: rec.Client(monotabletest.Client(t))
	table, err := monotable.NewTable(client, playerTable)
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := client.CreateTable(ctx, table.CreateInput()); err != nil {
		fmt.Println(err)
		return
	}
	players := monotable.MustEntity(table, playerSchema)
	for _, request := range rec.During(func() {
		_, _ = players.Create(ctx, player{Team: "a", ID: "1", Name: "Ann"})
		_, _ = players.Query(player{Name: "Ann"}).Index("GSI1").First(ctx)
	}) {
		fmt.Println(request)
	}
	// Output:
	// PutItem league
	// Query league/GSI1
}

func ExampleCompare() {
	type row struct {
		ID    string `dynamodbav:"id"`
		Email string `dynamodbav:"email"`
	}
	readOld := func(_ context.Context, id string) (map[string]types.AttributeValue, error) { // what GetItem of the SDK gave
		return map[string]types.AttributeValue{"PK": avS("USER#" + id), "id": avS(id), "email": avS("Ann@example.com")}, nil
	}
	readNew := func(_ context.Context, id string) (row, error) { return row{id, "ann@example.com"}, nil }
	report, err := monotabletest.Compare(context.Background(), monotabletest.Keys("ann", "bob"), readOld, readNew, monotabletest.Ignore("PK"))
	if err != nil {
		fmt.Println(err)
	}
	fmt.Println(report)
	fmt.Println(report.Differences[0].Key, report.Differences[0].Paths)
	// Output:
	// 2 keys: 0 the same, 0 missing in both, 2 differ, 0 failed; email × 2
	// ann [email]
}
