// Command shop is customers, their orders and a catalogue in one DynamoDB table.
//
//	go run ./examples/shop                        # a story: buying, cancelling, the last pot
//	go run ./examples/shop model -o model.html    # the table as a page
//
// Without DYNAMODB_ENDPOINT the table is in this process. The page is made of the declaration alone, and needs no table.
//
// Read entities.go first: what is kept. Then store.go: the table and its access patterns; and order.go: what is done with orders. story.go tells the
// story, model.go makes the page.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/monotable/monotable/examples/internal/database"
)

const usage = `usage: shop [model [-o file] [-format html|markdown|mermaid|workbench|cloudformation]]`

func main() {
	log.SetFlags(0)
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	if len(args) == 0 {
		return tell(ctx, database.Client(os.Getenv("DYNAMODB_ENDPOINT")), log.New(stdout, "", 0))
	}
	switch command, rest := args[0], args[1:]; command {
	case "model":
		return modelCommand(rest, stdout)
	default:
		return fmt.Errorf("shop: there is no command %q\n%s", command, usage)
	}
}
