// Command check compares what programs can use of this repository's packages with what they could use of the last version. It prints what is new, and
// fails if something is gone.
//
//	go run ./internal/api/check
//	go run ./internal/api/check -update
package main

import (
	"flag"
	"log"
	"os"

	"github.com/monotable/monotable/internal/api"
)

func main() {
	log.SetFlags(0)
	update := flag.Bool("update", false, "make the API as it is now the one that is compared with")
	flag.Parse()
	var err error
	if *update {
		err = api.Update(os.Stdout, ".")
	} else {
		err = api.Check(os.Stdout, ".")
	}
	if err != nil {
		log.Fatal(err)
	}
}
