// Package pair compares ways to do the same work on a busy machine.
//
// Times move from minute to minute, so that two of them mean little. The ways
// therefore run in turns, a slice of time each, round after round: what else the
// machine does meets all of them, and the ratio within a round stays. Time is that
// of the processor, where the system tells it, and includes the collector's.
package pair

import (
	"runtime"
	"slices"
	"time"
)

// Way is one way to do the work of a group. F does it once.
type Way struct {
	Name string
	F    func() error
}

// Result is what was measured of a way. The first way of a group is what the
// others are compared with: 2 means half of its time or half of its allocations.
type Result struct {
	Name        string
	Nanoseconds float64 // median over the rounds
	Bytes       float64 // allocated
	Allocs      float64
	TimeRatio   float64 // median over the rounds
	AllocRatio  float64 // with no allocation at all counted as one
}

// Measure runs the ways in turns on one processor and returns a result for each.
// The error is the first that a way returns, or none. Rounds below 1 count as 1.
// No other goroutine should be at work meanwhile: it would be measured too.
func Measure(rounds int, slice time.Duration, ways ...Way) ([]Result, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	results := make([]Result, len(ways))
	calls := make([]int, len(ways)) // that fill a slice
	for i, w := range ways {
		results[i].Name = w.Name
		var err error
		if calls[i], err = w.callsIn(slice); err != nil {
			return nil, err
		}
		if err := w.countAllocations(&results[i], min(calls[i], 1000)); err != nil {
			return nil, err
		}
	}
	nanoseconds := make([][]float64, len(ways))
	ratios := make([][]float64, len(ways))
	for round := range max(rounds, 1) {
		took := make([]float64, len(ways))
		for k := range ways {
			i := (k + round) % len(ways) // another one begins each round
			spent, err := ways[i].repeat(calls[i])
			if err != nil {
				return nil, err
			}
			took[i] = float64(spent.Nanoseconds()) / float64(calls[i])
		}
		for i := range ways {
			nanoseconds[i] = append(nanoseconds[i], took[i])
			ratios[i] = append(ratios[i], took[0]/took[i])
		}
	}
	for i := range results {
		r := &results[i]
		r.Nanoseconds, r.TimeRatio = median(nanoseconds[i]), median(ratios[i])
		r.AllocRatio = max(results[0].Allocs, 1) / max(r.Allocs, 1)
	}
	return results, nil
}

func (w Way) repeat(n int) (time.Duration, error) {
	begin := now()
	for range n {
		if err := w.F(); err != nil {
			return 0, err
		}
	}
	return max(now()-begin, 1), nil
}

var started = time.Now()

func wall() time.Duration { return time.Since(started) }

func (w Way) callsIn(slice time.Duration) (int, error) {
	n := 1
	for {
		spent, err := w.repeat(n)
		if err != nil {
			return 0, err
		}
		if spent >= slice/2 || n > 1<<24 {
			return max(1, int(float64(n)*float64(slice)/float64(spent))), nil
		}
		n *= 2
	}
}

func (w Way) countAllocations(r *Result, n int) error {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := w.repeat(n); err != nil {
		return err
	}
	runtime.ReadMemStats(&after)
	r.Allocs = float64(after.Mallocs-before.Mallocs) / float64(n)
	r.Bytes = float64(after.TotalAlloc-before.TotalAlloc) / float64(n)
	return nil
}

func median(of []float64) float64 {
	slices.Sort(of)
	return of[len(of)/2]
}
