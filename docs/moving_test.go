package docs_test

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

// openMoving is a table that is in use, with the items given.
func openMoving(items ...map[string]any) (*monotable.Table, *dynamodb.Client) {
	client := newClient()
	table := mustBe(monotable.NewTable(client, monotable.TableConfig{Name: "app", PartitionKey: "PK", SortKey: "SK"}))
	must(table.Create(ctx, client))
	for _, item := range items {
		mustBe(client.PutItem(ctx, &dynamodb.PutItemInput{TableName: new("app"), Item: mustBe(attributevalue.MarshalMap(item))}))
	}
	return table, client
}

// A Customer as the old code stores it: keys made by hand, no tag.
type Customer struct {
	ID    string `dynamodbav:"id"`
	Name  string `dynamodbav:"name"`
	Since string `dynamodbav:"since"`
}

var customerName = monotable.Field(func(c *Customer) *string { return &c.Name })

var customerSchema = monotable.Schema[Customer]{
	Name: "Customer",
	Tag:  monotable.TagOptional, // takes items without a tag, and tags what it writes
	Key:  monotable.Key{Partition: "CUSTOMER#{id}", Sort: "PROFILE"},
}

func Example_fromTheSDK() {
	table, client := openMoving(map[string]any{"PK": "CUSTOMER#7", "SK": "PROFILE", "id": "7", "name": "Ann", "since": "2019", "phone": "555"})
	customers := monotable.MustEntity(table, customerSchema)

	c, err := customers.Get(ctx, Customer{ID: "7"})
	fmt.Println(c, err)
	_, err = customers.Update(ctx, Customer{ID: "7"}, customerName.Set("Anna"))
	fmt.Println(err)
	out := mustBe(client.GetItem(ctx, &dynamodb.GetItemInput{TableName: new("app"), Key: mustBe(customers.Key(c))}))
	fmt.Println(len(out.Item), out.Item["phone"] != nil, out.Item["_et"] != nil) // what T does not know is still there
	// Output:
	// {7 Ann 2019} <nil>
	// <nil>
	// 7 true true
}

func Example_compare() {
	table, client := openMoving(
		map[string]any{"PK": "CUSTOMER#7", "SK": "PROFILE", "id": "7", "name": "Ann"},
		map[string]any{"PK": "CUSTOMER#8", "SK": "PROFILE", "id": "8", "name": "Bob", "since": "2020"})
	customers := monotable.MustEntity(table, customerSchema)
	oldRead := func(ctx context.Context, id string) (map[string]types.AttributeValue, error) {
		out, err := client.GetItem(ctx, &dynamodb.GetItemInput{TableName: new("app"), Key: mustBe(customers.Key(Customer{ID: id}))})
		return out.Item, err
	}
	newRead := func(ctx context.Context, id string) (Customer, error) { return customers.Get(ctx, Customer{ID: id}) }

	keys := monotabletest.Sample(ctx, client, "app", 100, 4, func(item map[string]types.AttributeValue) (string, bool) {
		id, ok := item["id"].(*types.AttributeValueMemberS)
		return id.Value, ok
	})
	found, err := monotabletest.Compare(ctx, keys, oldRead, newRead, monotabletest.Ignore("PK", "SK", "_et"), monotabletest.ZeroIsAbsent())
	fmt.Println(found.Keys, found.Same, found.Err(), err)
	// Output:
	// 2 2 <nil> <nil>
}

// A Widget was stored by guregu/dynamo: names of fields, times as RFC 3339, empty texts left out, a set.
type Widget struct {
	UserID  int       `dynamodbav:"UserID"`
	Time    time.Time `dynamodbav:"Time"`
	Message string    `dynamodbav:"Message,omitempty"`
	Friends []string  `dynamodbav:"Friends,stringset"`
}

var (
	widgetTime    = monotable.Field(func(w *Widget) *time.Time { return &w.Time })
	widgetMessage = monotable.Field(func(w *Widget) *string { return &w.Message })
	widgetFriends = monotable.Field(func(w *Widget) *[]string { return &w.Friends })
)

var widgetSchema = monotable.Schema[Widget]{
	Name:  "Widget",
	Tag:   monotable.TagNone,                                                                  // one kind in its table: as it is
	Rules: []monotable.Rule[Widget]{monotable.TimeLayout(widgetTime, "2006-01-02T15:04:05Z")}, // as they are stored
}

func Example_fromGuregu() {
	client := newClient()
	table := mustBe(monotable.NewTable(client, monotable.TableConfig{
		Name: "Widgets", PartitionKey: "UserID", PartitionKeyType: types.ScalarAttributeTypeN, SortKey: "Time",
	}))
	must(table.Create(ctx, client))
	mustBe(client.PutItem(ctx, &dynamodb.PutItemInput{TableName: new("Widgets"), Item: map[string]types.AttributeValue{
		"UserID":  &types.AttributeValueMemberN{Value: "613"},
		"Time":    &types.AttributeValueMemberS{Value: "2026-11-21T12:00:00Z"},
		"Friends": &types.AttributeValueMemberSS{Value: []string{"ann"}},
	}}))
	widgets := monotable.MustEntity(table, widgetSchema)

	// table.Get("UserID", 613).Range("Time", dynamo.Equal, noon).One(ctx, &w)
	w, err := widgets.Get(ctx, Widget{UserID: 613, Time: noon})
	fmt.Println(w.Friends, err)
	// table.Update("UserID", 613).Range("Time", noon).Set("Message", "hello").If("'Message' <> ?", "bye").Run(ctx)
	_, err = widgets.Update(ctx, Widget{UserID: 613, Time: noon}, widgetMessage.Set("hello"), monotable.AddTo(widgetFriends, "bob"), widgetMessage.Ne("bye"))
	fmt.Println(err)
	// table.Get("UserID", 613).Order(dynamo.Descending).Limit(10).All(ctx, &ws)
	ws, err := widgets.Query(Widget{UserID: 613}).Descending().Limit(10).Collect(ctx)
	fmt.Println(len(ws), ws[0].Message, err)
	// Output:
	// [ann] <nil>
	// <nil>
	// 1 hello <nil>
}

// A Pokemon was stored by dynamodb-toolbox, which names its times _ct and _md, and tags items by _et as is done here.
type Pokemon struct {
	Class    string    `dynamodbav:"pk"`
	ID       string    `dynamodbav:"sk"`
	Level    int       `dynamodbav:"level"`
	Created  time.Time `dynamodbav:"_ct"`
	Modified time.Time `dynamodbav:"_md"`
}

var (
	pokemonLevel    = monotable.Field(func(p *Pokemon) *int { return &p.Level })
	pokemonCreated  = monotable.Field(func(p *Pokemon) *time.Time { return &p.Created })
	pokemonModified = monotable.Field(func(p *Pokemon) *time.Time { return &p.Modified })
)

const isoTime = "2006-01-02T15:04:05.000Z" // what JavaScript writes

var pokemonSchema = monotable.Schema[Pokemon]{
	Name: "Pokemon", // the entity's name there
	Rules: []monotable.Rule[Pokemon]{
		monotable.TimeLayout(pokemonCreated, isoTime), monotable.CreatedAt(pokemonCreated),
		monotable.TimeLayout(pokemonModified, isoTime), monotable.UpdatedAt(pokemonModified),
	},
}

func Example_fromToolbox() {
	client := newClient()
	table := mustBe(monotable.NewTable(client, monotable.TableConfig{
		Name: "pokemons", PartitionKey: "pk", SortKey: "sk", Clock: func() time.Time { return noon },
	}))
	must(table.Create(ctx, client))
	mustBe(client.PutItem(ctx, &dynamodb.PutItemInput{TableName: new("pokemons"), Item: map[string]types.AttributeValue{
		"pk": &types.AttributeValueMemberS{Value: "mouse"}, "sk": &types.AttributeValueMemberS{Value: "pikachu"}, "level": &types.AttributeValueMemberN{Value: "7"},
		"_et": &types.AttributeValueMemberS{Value: "Pokemon"},
		"_ct": &types.AttributeValueMemberS{Value: "2024-01-31T08:00:00.000Z"}, "_md": &types.AttributeValueMemberS{Value: "2024-01-31T08:00:00.000Z"},
	}}))
	pokemons := monotable.MustEntity(table, pokemonSchema)

	// PokemonEntity.build(UpdateItemCommand).item({ pk, sk, level: $add(1) }).options({ condition: { attr: 'level', lt: 99 } }).send()
	p, err := pokemons.Update(ctx, Pokemon{Class: "mouse", ID: "pikachu"}, monotable.Add(pokemonLevel, 1), pokemonLevel.Lt(99))
	fmt.Println(p.Level, p.Created.Year(), p.Modified.Year(), err)
	// Output:
	// 8 2024 2026 <nil>
}
