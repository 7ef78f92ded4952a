package pair_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/bench/pair"
)

var sink [][]byte

func allocate(n int) func() error {
	return func() error {
		sink = sink[:0]
		for range n {
			sink = append(sink, make([]byte, 64))
		}
		return nil
	}
}

func TestMeasure(t *testing.T) {
	turns := map[string]int{}
	counted := func(name string, f func() error) pair.Way {
		return pair.Way{Name: name, F: func() error { turns[name]++; return f() }}
	}
	got, err := pair.Measure(3, 200*time.Microsecond, counted("much", allocate(1000)), counted("little", allocate(10)), counted("none", func() error { return nil }))
	require.NoError(t, err)
	require.Len(t, got, 3)
	require.Equal(t, "much", got[0].Name)
	require.Equal(t, 1.0, got[0].TimeRatio)
	require.Equal(t, 1.0, got[0].AllocRatio)
	require.InDelta(t, 1000, got[0].Allocs, 100)
	require.InDelta(t, 64_000, got[0].Bytes, 10_000)
	require.InDelta(t, 10, got[1].Allocs, 5)
	require.Greater(t, got[1].AllocRatio, 50.0)
	require.Greater(t, got[1].TimeRatio, 2.0)
	require.Less(t, got[2].Allocs, 1.0)
	require.Greater(t, turns["little"], turns["much"])
}

func TestMeasureStopsAtAnError(t *testing.T) {
	broken := errors.New("broken")
	calls := 0
	_, err := pair.Measure(3, time.Millisecond, pair.Way{Name: "a", F: func() error {
		if calls++; calls == 4 {
			return broken
		}
		return nil
	}})
	require.ErrorIs(t, err, broken)
	require.Equal(t, 4, calls)
}
