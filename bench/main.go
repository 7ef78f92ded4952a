// Command bench measures monotable against the SDK with attributevalue and
// expression, and against guregu/dynamo, and prints the ratios as a table.
//
//	go -C bench run .
//
// The HTTP client answers from memory. So the calls are the client's work alone;
// a network takes longer than all of it, and the same for everyone.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"regexp"
	"time"

	"github.com/monotable/monotable/bench/pair"
	"github.com/monotable/monotable/bench/work"
)

func main() {
	log.SetFlags(0)
	rounds := flag.Int("rounds", 21, "how often each way has its turn")
	slice := flag.Duration("slice", 20*time.Millisecond, "how long a turn is")
	only := flag.String("only", "", "the work to measure, as a regular expression")
	flag.Parse()
	if err := run(os.Stdout, *rounds, *slice, *only); err != nil {
		log.Fatal(err)
	}
}

func run(w io.Writer, rounds int, slice time.Duration, only string) error {
	chosen, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	groups, err := work.Groups()
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "| work | library | µs | bytes | allocations | time | allocations |\n| --- | --- | ---: | ---: | ---: | ---: | ---: |\n")
	for _, g := range groups {
		if !chosen.MatchString(g.Name) {
			continue
		}
		results, err := pair.Measure(rounds, slice, g.Pairs(work.SDK, work.Monotable, work.Guregu)...)
		if err != nil {
			return fmt.Errorf("%s: %w", g.Name, err)
		}
		for i, r := range results {
			name := g.Name
			if i > 0 {
				name = ""
			}
			fmt.Fprintf(w, "| %s | %s | %.2f | %.0f | %.0f | 1/%.2f | 1/%.1f |\n",
				name, r.Name, r.Nanoseconds/1000, r.Bytes, r.Allocs, r.TimeRatio, r.AllocRatio)
		}
	}
	return nil
}
