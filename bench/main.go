// Command bench measures monotable against the SDK with attributevalue and
// expression, and against guregu/dynamo, and prints the ratios as a table.
//
//	go -C bench run .              prints the table
//	go -C bench run . -write ..    puts it, and a chart, into the README and the guide
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
	"strings"
	"time"

	"github.com/monotable/monotable/bench/pair"
	"github.com/monotable/monotable/bench/work"
)

func main() {
	log.SetFlags(0)
	rounds := flag.Int("rounds", 21, "how often each way has its turn")
	slice := flag.Duration("slice", 20*time.Millisecond, "how long a turn is")
	only := flag.String("only", "", "the work to measure, as a regular expression")
	root := flag.String("write", "", "the checkout whose README, guide and chart are renewed")
	flag.Parse()
	var table strings.Builder
	all, err := run(io.MultiWriter(os.Stdout, &table), *rounds, *slice, *only)
	if err == nil && *root != "" {
		err = write(*root, table.String(), all)
	}
	if err != nil {
		log.Fatal(err)
	}
}

func run(w io.Writer, rounds int, slice time.Duration, only string) ([]measured, error) {
	chosen, err := regexp.Compile(only)
	if err != nil {
		return nil, err
	}
	groups, err := work.Groups()
	if err != nil {
		return nil, err
	}
	var all []measured
	fmt.Fprintf(w, "| work | library | µs | bytes | allocations | time | allocations |\n| --- | --- | ---: | ---: | ---: | ---: | ---: |\n")
	for _, g := range groups {
		if !chosen.MatchString(g.Name) {
			continue
		}
		results, err := pair.Measure(rounds, slice, g.Pairs(work.SDK, work.Monotable, work.Guregu)...)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", g.Name, err)
		}
		all = append(all, measured{g.Name, results})
		for i, r := range results {
			name := g.Name
			if i > 0 {
				name = ""
			}
			fmt.Fprintf(w, "| %s | %s | %.2f | %.0f | %.0f | 1/%.2f | 1/%.1f |\n",
				name, r.Name, r.Nanoseconds/1000, r.Bytes, r.Allocs, r.TimeRatio, r.AllocRatio)
		}
	}
	return all, nil
}
