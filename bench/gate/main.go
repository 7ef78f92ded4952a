// Command gate measures monotable against the SDK and fails if one of the goals
// that are reached is missed by more than 15 percent. Those that are not reached
// yet are printed.
//
//	go -C bench run ./gate
package main

import (
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/monotable/monotable/bench/pair"
	"github.com/monotable/monotable/bench/work"
)

const (
	margin = 0.85
	rounds = 15
	slice  = 20 * time.Millisecond
	tries  = 3 // a machine may be too busy even for ratios
)

var errMissed = errors.New("slower than it was: see the goals marked MISSED")

func main() {
	log.SetFlags(0)
	groups, err := work.Groups()
	if err == nil {
		err = check(os.Stdout, groups, rounds, slice)
	}
	if err != nil {
		log.Fatal(err)
	}
}

func check(w io.Writer, groups []work.Group, rounds int, slice time.Duration) error {
	var missed error
	for _, g := range groups {
		var measured pair.Result
		for range tries {
			results, err := pair.Measure(rounds, slice, g.Pairs(work.SDK, work.Monotable)...)
			if err != nil {
				return fmt.Errorf("%s: %w", g.Name, err)
			}
			measured = better(measured, results[1])
			if !isMissed(g.Goal, measured) {
				break
			}
		}
		for _, goal := range []struct {
			of         string
			have, want float64
			held       bool
		}{
			{"time", measured.TimeRatio, g.Goal.Time, g.Goal.TimeHeld},
			{"allocations", measured.AllocRatio, g.Goal.Allocs, g.Goal.AllocsHeld},
		} {
			said := state(goal.have, goal.want, goal.held)
			if said == stateMissed {
				missed = errMissed
			}
			fmt.Fprintf(w, "%-20s %-12s 1/%-6.2f goal 1/%-6.2f %s\n", g.Name, goal.of, goal.have, goal.want, said)
		}
	}
	return missed
}

// better keeps the best of what was measured: noise only ever takes away.
func better(a, b pair.Result) pair.Result {
	b.TimeRatio = max(a.TimeRatio, b.TimeRatio)
	b.AllocRatio = max(a.AllocRatio, b.AllocRatio)
	return b
}

func isMissed(g work.Goal, r pair.Result) bool {
	return state(r.TimeRatio, g.Time, g.TimeHeld) == stateMissed || state(r.AllocRatio, g.Allocs, g.AllocsHeld) == stateMissed
}

const (
	stateReached = "reached"
	stateMargin  = "within the margin"
	stateMissed  = "MISSED"
	stateNotYet  = "not yet"
	stateNew     = "reached: to be held from now on"
)

func state(have, want float64, held bool) string {
	switch {
	case have >= want && held:
		return stateReached
	case have >= want:
		return stateNew
	case !held:
		return stateNotYet
	case have >= want*margin:
		return stateMargin
	}
	return stateMissed
}
