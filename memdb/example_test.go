package memdb_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/memdb"
)

// Message is one of a room's, in the order of its number.
type Message struct {
	Room   string `dynamodbav:"room"`
	Number int    `dynamodbav:"number"`
	Text   string `dynamodbav:"text"`
}

var (
	messageNumber = monotable.Field(func(m *Message) *int { return &m.Number })
	messageText   = monotable.Field(func(m *Message) *string { return &m.Text })
)

var messageSchema = monotable.Schema[Message]{
	Name:  "Message",
	Key:   monotable.Key{Partition: "ROOM#{room}", Sort: "MESSAGE#{number:06}"},
	Rules: []monotable.Rule[Message]{messageText.Required()},
}

// A whole program without a server: a client, a table, a kind of record, and calls. With dynamodb.NewFromConfig instead of memdb it
// runs on DynamoDB.
func Example() {
	ctx := context.Background()
	client := memdb.New(memdb.Options{}).Client()
	table, err := monotable.NewTable(client, monotable.TableConfig{Name: "chat", PartitionKey: "PK", SortKey: "SK"})
	if err != nil {
		log.Fatal(err)
	}
	messages, err := monotable.NewEntity(table, messageSchema)
	if err != nil {
		log.Fatal(err)
	}
	if err := table.Ensure(ctx, client); err != nil { // creates the table if there is none
		log.Fatal(err)
	}

	for i, text := range []string{"Hello", "Is anybody here?", "", "Good night"} {
		_, err := messages.Create(ctx, Message{Room: "lobby", Number: i + 1, Text: text})
		if errors.Is(err, monotable.ErrInvalid) {
			fmt.Println(err)
		} else if err != nil {
			log.Fatal(err)
		}
	}
	for m, err := range messages.Query(Message{Room: "lobby"}).SortKey(messageNumber.Ge(2)).All(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(m.Number, m.Text)
	}
	// Output:
	// monotable: Create Message: invalid: text: is required
	// 2 Is anybody here?
	// 4 Good night
}
