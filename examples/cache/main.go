// Command cache is a catalogue behind a cache: a client in front of the client, where programs that know DynamoDB Accelerator (DAX) put that one.
//
//	go run ./examples/cache    # a story
//
// Without DYNAMODB_ENDPOINT the table is in this process.
//
// Read catalogue.go first: what is kept, and what for. Package readthrough is the cache; its comment says what it cannot know. story.go tells the story.
package main

import (
	"context"
	"log"
	"os"

	"github.com/monotable/monotable/examples/internal/database"
)

func main() {
	log.SetFlags(0)
	client := database.Client(os.Getenv("DYNAMODB_ENDPOINT")) // on AWS dynamodb.NewFromConfig(cfg)
	if err := tell(context.Background(), client, log.New(os.Stdout, "", 0)); err != nil {
		log.Fatal(err)
	}
}
