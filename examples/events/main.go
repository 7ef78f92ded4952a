// Command events is an event store, bank accounts made of events, and summaries of them fed by the table's stream.
//
//	go run ./examples/events    # a story
//
// Without DYNAMODB_ENDPOINT the tables are in this process.
//
// Read events.go first: what is kept. Then store.go: appending and reading; account.go: what an account decides; and projection.go: the summaries.
// story.go tells the story.
package main

import (
	"context"
	"log"
	"os"

	"github.com/monotable/monotable/examples/internal/database"
)

func main() {
	log.SetFlags(0)
	client, streams := database.Clients(os.Getenv("DYNAMODB_ENDPOINT")) // on AWS NewFromConfig of dynamodb and dynamodbstreams
	if err := tell(context.Background(), client, streams, log.New(os.Stdout, "", 0)); err != nil {
		log.Fatal(err)
	}
}
