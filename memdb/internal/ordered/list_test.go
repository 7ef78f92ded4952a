package ordered_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/monotable/monotable/memdb/internal/ordered"
)

// TestAgainstSortedKeys runs random changes on the map and on a Go map, and
// compares all walks and searches.
func TestAgainstSortedKeys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, want := ordered.New[int](), map[string]int{}
		key := rapid.StringMatching(`[a-d]{0,3}`)
		for i := range rapid.IntRange(0, 200).Draw(t, "steps") {
			k := key.Draw(t, "key")
			if rapid.Bool().Draw(t, "set") {
				m.Set(k, i)
				want[k] = i
				continue
			}
			_, had := want[k]
			if m.Delete(k) != had {
				t.Fatalf("Delete(%q) is not %v", k, had)
			}
			delete(want, k)
		}
		var keys []string
		for k := range want {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		var forward, backward []string
		for n := m.First(); n != nil; n = n.Next() {
			forward = append(forward, n.Key)
			if n.Value != want[n.Key] {
				t.Fatalf("%q is %d, want %d", n.Key, n.Value, want[n.Key])
			}
		}
		for n := m.Last(); n != nil; n = n.Prev() {
			backward = append(backward, n.Key)
		}
		slices.Reverse(backward)
		if !slices.Equal(forward, keys) || !slices.Equal(backward, keys) || m.Len() != len(keys) {
			t.Fatalf("forward %q, backward %q, length %d, want %q", forward, backward, m.Len(), keys)
		}
		probe := key.Draw(t, "probe")
		at, _ := slices.BinarySearch(keys, probe)
		if n := m.Seek(probe); (n == nil) != (at == len(keys)) || n != nil && n.Key != keys[at] {
			t.Fatalf("Seek(%q) is wrong", probe)
		}
		if n := m.SeekBefore(probe); (n == nil) != (at == 0) || n != nil && n.Key != keys[at-1] {
			t.Fatalf("SeekBefore(%q) is wrong", probe)
		}
	})
}
