// Command saga is an order in three steps that no transaction holds together: reserve stock, take payment, ship. If a step is refused, those before it are taken back;
// and a program that stops anywhere is carried on by another.
//
//	go run ./examples/saga    # a story
//
// Without DYNAMODB_ENDPOINT the table is in this process.
//
// Read saga.go first: the orchestrator. Then services.go: what its steps do, once each. store.go has the table, story.go tells the story.
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
