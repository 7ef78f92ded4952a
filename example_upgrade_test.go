package monotable_test

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable"
)

// Reader had one name in its first form; now it has two, and a plan, which stored readers lack.
type Reader struct {
	ID    string `dynamodbav:"readerId"`
	First string `dynamodbav:"first"`
	Last  string `dynamodbav:"last"`
	Plan  string `dynamodbav:"plan"`
}

var (
	readerFirst = monotable.Field(func(r *Reader) *string { return &r.First })
	readerPlan  = monotable.Field(func(r *Reader) *string { return &r.Plan })
)

// splitReader is the step from schema version 0 to 1.
func splitReader(item map[string]types.AttributeValue) error {
	name, ok := item["name"].(*types.AttributeValueMemberS)
	if !ok {
		return errors.New("there is no name")
	}
	first, last, _ := strings.Cut(name.Value, " ")
	item["first"] = &types.AttributeValueMemberS{Value: first}
	item["last"] = &types.AttributeValueMemberS{Value: last}
	delete(item, "name")
	return nil
}

// The program of yesterday stored a reader by one name. Today's reads it in its new form, and a write stores it so.
func ExampleUpgrade() {
	ctx := context.Background()
	type oldReader struct {
		ID   string `dynamodbav:"readerId"`
		Name string `dynamodbav:"name"`
	}
	key := monotable.Key{Partition: "READER#{readerId}", Sort: "PROFILE"}
	client, cfg := exampleClient(), monotable.TableConfig{Name: "app", PartitionKey: "PK", SortKey: "SK"}
	yesterday := monotable.MustEntity(exampleTableFor(client, cfg), monotable.Schema[oldReader]{Name: "Reader", Key: key})
	seed(yesterday, oldReader{ID: "7", Name: "Ann Lee"})

	table, _ := monotable.NewTable(client, cfg)
	readers := monotable.MustEntity(table, monotable.Schema[Reader]{
		Name: "Reader", Key: key,
		Rules:    []monotable.Rule[Reader]{readerPlan.ReadDefault("free")},
		Upgrades: []monotable.Upgrade{splitReader},
	})
	r, err := readers.Get(ctx, Reader{ID: "7"})
	fmt.Printf("%+v %v\n", r, err)
	r, err = readers.Update(ctx, Reader{ID: "7"}, readerFirst.Set("Anna"))
	fmt.Printf("%+v %v\n", r, err)

	_, err = yesterday.Get(ctx, oldReader{ID: "7"})
	fmt.Println(err)
	// Output:
	// {ID:7 First:Ann Last:Lee Plan:free} <nil>
	// {ID:7 First:Anna Last:Lee Plan:free} <nil>
	// monotable: Get Reader: stored item does not decode: item of a newer schema version: the item's is 1, this program's 0
}
