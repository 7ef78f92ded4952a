package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/bench/pair"
	"github.com/monotable/monotable/bench/work"
)

func TestState(t *testing.T) {
	require.Equal(t, stateReached, state(4, 4, true))
	require.Equal(t, stateMargin, state(3.5, 4, true))
	require.Equal(t, stateMissed, state(3.3, 4, true))
	require.Equal(t, stateNotYet, state(3.9, 4, false))
	require.Equal(t, stateNew, state(4, 4, false))
}

func TestBetter(t *testing.T) {
	got := better(pair.Result{TimeRatio: 3, AllocRatio: 2}, pair.Result{TimeRatio: 2, AllocRatio: 4})
	require.Equal(t, 3.0, got.TimeRatio)
	require.Equal(t, 4.0, got.AllocRatio)
}

var kept []byte

func allocate(n int) func() (any, error) {
	return func() (any, error) {
		for range n {
			kept = make([]byte, 64)
		}
		return nil, nil
	}
}

// A goal that is held and missed fails, one that is not held does not.
func TestCheck(t *testing.T) {
	group := func(ours int, g work.Goal) []work.Group {
		return []work.Group{{Name: "made up", Goal: g, Ways: []work.Way{
			{Name: work.SDK, Run: allocate(1000)}, {Name: work.Monotable, Run: allocate(ours)},
		}}}
	}
	check := func(groups []work.Group) (string, error) {
		var out strings.Builder
		err := check(&out, groups, 1, 100*time.Microsecond)
		return out.String(), err
	}
	out, err := check(group(100, work.Goal{Time: 2, Allocs: 5, TimeHeld: true, AllocsHeld: true}))
	require.NoError(t, err, out)
	require.Equal(t, 2, strings.Count(out, stateReached), out)

	out, err = check(group(900, work.Goal{Time: 1000, Allocs: 5, AllocsHeld: true}))
	require.ErrorIs(t, err, errMissed)
	require.Equal(t, 1, strings.Count(out, stateMissed), out)
	require.Equal(t, 1, strings.Count(out, stateNotYet), out)

	out, err = check(group(900, work.Goal{Time: 1000, Allocs: 5}))
	require.NoError(t, err)
	require.Equal(t, 2, strings.Count(out, stateNotYet), out)
}
