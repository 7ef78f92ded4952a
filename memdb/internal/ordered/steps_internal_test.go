package ordered

import (
	"fmt"
	"testing"
)

// steps is how many entries Seek passes on its way to key.
func (m *Map[V]) steps(key string) int {
	count := 0
	n := m.head
	for level := m.height - 1; level >= 0; level-- {
		count++
		for n.next[level] != nil && n.next[level].Key < key {
			n = n.next[level]
			count++
		}
	}
	return count
}

// A hundred times the entries cost some more levels, not more steps in each.
func TestSeekIsLogarithmic(t *testing.T) {
	average := func(n int) float64 {
		m := New[int]()
		for i := range n {
			m.Set(fmt.Sprintf("%08d", i), i)
		}
		sum := 0
		for i := range 1000 {
			sum += m.steps(fmt.Sprintf("%08d", i*n/1000))
		}
		return float64(sum) / 1000
	}
	few, many := average(1_000), average(100_000)
	t.Logf("%.1f steps among 1,000 entries, %.1f among 100,000", few, many)
	if many > 3*few || many > 80 {
		t.Errorf("%.1f steps among 100,000 entries, %.1f among 1,000", many, few)
	}
}
