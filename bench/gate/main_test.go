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
	require.Equal(t, stateReached, state(4, 3, 4))
	require.Equal(t, stateReached, state(7, 6, 4))
	require.Equal(t, stateKept, state(3.9, 3, 4))
	require.Equal(t, stateBelow, state(2.9, 3, 4))
	require.Equal(t, stateBelow, state(5, 6, 4))
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

// To be below the floor fails, to be below the goal does not.
func TestCheck(t *testing.T) {
	group := func(ours int, floor, goal work.Ratio) []work.Group {
		return []work.Group{{Name: "made up", Floor: floor, Goal: goal, Ways: []work.Way{
			{Name: work.SDK, Run: allocate(1000)}, {Name: work.Monotable, Run: allocate(ours)},
		}}}
	}
	check := func(groups []work.Group) (string, error) {
		var out strings.Builder
		err := check(&out, groups, 1, 100*time.Microsecond)
		return out.String(), err
	}
	out, err := check(group(100, work.Ratio{Allocs: 5}, work.Ratio{Time: 2, Allocs: 5}))
	require.NoError(t, err, out)
	require.Equal(t, 2, strings.Count(out, stateReached), out)

	out, err = check(group(900, work.Ratio{Allocs: 5}, work.Ratio{Time: 1000, Allocs: 5}))
	require.ErrorIs(t, err, errMissed)
	require.Equal(t, 1, strings.Count(out, stateBelow), out)
	require.Equal(t, 1, strings.Count(out, stateKept), out)

	out, err = check(group(900, work.Ratio{Time: 1000, Allocs: 1}, work.Ratio{Time: 2000, Allocs: 5}))
	require.ErrorIs(t, err, errMissed)
	require.Equal(t, 1, strings.Count(out, stateBelow), out)

	out, err = check(group(900, work.Ratio{}, work.Ratio{Time: 1000, Allocs: 5}))
	require.NoError(t, err)
	require.Equal(t, 2, strings.Count(out, stateKept), out)
}
