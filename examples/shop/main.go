// Command shop keeps customers, their orders and a catalogue in one DynamoDB table, and shows that table to others.
//
//	go run ./examples/shop model -o model.html
//
// writes a page with the entities, their keys, and what each access pattern costs. It needs nothing but Go, and no table: the page is made of the
// declaration alone.
//
// Read entities.go first: what is kept. Then store.go: the table and its access patterns. model.go makes the page.
package main

import (
	"fmt"
	"io"
	"log"
	"os"
)

const usage = `usage: shop model [-o file] [-format html|markdown|mermaid|workbench|cloudformation]`

func main() {
	log.SetFlags(0)
	if err := run(os.Args[1:], os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(args []string, stdout io.Writer) error {
	if len(args) == 0 {
		return fmt.Errorf("%s", usage)
	}
	switch command, rest := args[0], args[1:]; command {
	case "model":
		return modelCommand(rest, stdout)
	default:
		return fmt.Errorf("shop: there is no command %q\n%s", command, usage)
	}
}
