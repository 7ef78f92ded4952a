package monotable_test

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"
)

// The model of the linearizability tests: what monotable promises of versioned items under concurrent clients, lost replies and
// late requests. linear_histories_test.go makes the histories.
//
// Each write stores a number of its own in the item (stamp), so that a state is told from all others, as DynamoDB's own register
// would be by the version and the write id. Every verb is then a read, or a compare-and-set over one item or two:
//
//	Create, Put of version 0    nothing → new
//	Put, Update                 what the caller holds → new
//	Modify                      what its function last saw → what it made of it
//	Delete                      what the caller holds → nothing
//	TransactWrite (a transfer)  two items that the caller holds → both new

// linCell is what is stored under a key; the zero cell is nothing.
type linCell struct{ ver, stamp, n int }

func (c linCell) String() string {
	if c == (linCell{}) {
		return "–"
	}
	return fmt.Sprintf("v%d#%d(%d)", c.ver, c.stamp, c.n)
}

// linCells is the state of one partition of the model: one key, or the two of a transfer.
type linCells [2]linCell

// linState is a partition's state. final says that all that is left are writes that never happened.
type linState struct {
	cells linCells
	final bool
}

// linOutcome is what the library said.
type linOutcome int

const (
	linRead    linOutcome = iota // this is what was stored
	linDone                      // the write took effect, once
	linGone                      // Delete gave (nil, nil): the item is gone, by this call or another
	linResent                    // a Create that was done may have been stored once more before it returned, if the item had gone
	linRefused                   // a condition did not hold: no effect
	linFailed                    // any other error: no effect
	linUnknown                   // may take effect at any time from the call on, or never
	linEnd                       // not a call: afterwards nothing happens any more
)

func (o linOutcome) String() string {
	return [...]string{"read", "done", "gone", "resent", "refused", "failed", "unknown", "end"}[o]
}

// linOp is one call of a client and what came of it.
type linOp struct {
	verb    string
	client  int
	group   int    // the partition
	at      [2]int // the slots of the cells below
	wide    bool   // there are two of them
	from    linCells
	to      linCells
	outcome linOutcome
	seen    linCells // of a read, or of a refusal that told
	told    [2]linTold
	err     error

	call, end int64
}

// linTold is what a refusal says of a slot.
type linTold int

const (
	linToldNothing linTold = iota
	linToldAbsent
	linToldPresent
	linToldSeen
)

func (o *linOp) slots() []int {
	if o.wide {
		return []int{0, 1}
	}
	return []int{0}
}

func (o *linOp) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d–", o.call)
	if o.end == math.MaxInt64 {
		b.WriteString("…")
	} else {
		fmt.Fprintf(&b, "%d", o.end)
	}
	fmt.Fprintf(&b, "\tclient %d\tgroup %d%v\t%s", o.client, o.group, o.at[:len(o.slots())], o.verb)
	for _, i := range o.slots() {
		if o.outcome == linRead {
			fmt.Fprintf(&b, " %v", o.seen[i])
			continue
		}
		fmt.Fprintf(&b, " %v→%v", o.from[i], o.to[i])
		if o.told[i] != linToldNothing {
			fmt.Fprintf(&b, " told %s %v", [...]string{"", "absent", "present", "seen"}[o.told[i]], o.seen[i])
		}
	}
	fmt.Fprintf(&b, "\t%v", o.outcome)
	if o.err != nil {
		fmt.Fprintf(&b, "\t%v", o.err)
	}
	return b.String()
}

// holds says that the state is what the write demands.
func (o *linOp) holds(s linCells) bool {
	for _, i := range o.slots() {
		if s[o.at[i]] != o.from[i] {
			return false
		}
	}
	return true
}

func (o *linOp) apply(s linCells) linCells {
	for _, i := range o.slots() {
		s[o.at[i]] = o.to[i]
	}
	return s
}

// agrees says that the state is what the call saw.
func (o *linOp) agrees(s linCells) bool {
	for _, i := range o.slots() {
		is := s[o.at[i]]
		told := o.told[i]
		if o.outcome == linRead {
			told = linToldSeen
		}
		if told == linToldAbsent && is != (linCell{}) || told == linToldPresent && is == (linCell{}) || told == linToldSeen && is != o.seen[i] {
			return false
		}
	}
	return true
}

// step is the whole of the promise: whether the call can have come to this at a moment when s was stored, and what was stored then.
func (o *linOp) step(s linState) (bool, linState) {
	switch o.outcome {
	case linRead:
		return o.agrees(s.cells), s
	case linDone:
		return o.holds(s.cells), linState{cells: o.apply(s.cells)}
	case linGone:
		if s.cells[o.at[0]] == (linCell{}) {
			return true, s
		}
		return o.holds(s.cells), linState{cells: o.apply(s.cells)}
	case linResent:
		// Without a second effect it comes just after the first.
		if !o.holds(s.cells) {
			return true, s
		}
		return true, linState{cells: o.apply(s.cells)}
	case linRefused:
		return !o.holds(s.cells) && o.agrees(s.cells), s
	case linUnknown:
		// It is open to the end of the history. One that never took effect comes after the end, so that the search need not try both
		// at every moment.
		if s.final {
			return true, s
		}
		return o.holds(s.cells), linState{cells: o.apply(s.cells)}
	case linFailed:
		return true, s
	case linEnd:
		return true, linState{cells: s.cells, final: true}
	}
	return false, s
}

// linModel is for one partition, which begins as it is given: empty, save for the pairs.
func linModel(begin linCells) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return linState{cells: begin} },
		Step: func(state, input, _ any) (bool, any) {
			return input.(*linOp).step(state.(linState))
		},
		Hash: func(state any) uint64 {
			s := state.(linState)
			h := uint64(s.cells[0].stamp)*0x9e3779b97f4a7c15 ^ uint64(s.cells[1].stamp)*0xff51afd7ed558ccd
			if s.final {
				h = ^h
			}
			return h
		},
	}
}

// linCheck says whether the calls of one partition are linearizable. until leaves out what happened afterwards: calls without an end by
// then are open.
func linCheck(begin linCells, ops []*linOp, until int64) porcupine.CheckResult {
	var history []porcupine.Operation
	last := int64(0)
	for _, o := range ops {
		if o.call > until {
			continue
		}
		own := *o
		if own.end > until && own.outcome != linUnknown {
			if own.outcome == linRead || own.outcome == linRefused || own.outcome == linFailed { // it would have no end to come before
				continue
			}
			own.outcome = linUnknown
		}
		if own.outcome == linUnknown {
			own.end = math.MaxInt64
		} else {
			last = max(last, own.end)
		}
		last = max(last, own.call)
		history = append(history, porcupine.Operation{ClientId: own.client, Input: &own, Call: own.call, Return: own.end})
	}
	end := &linOp{verb: "end", outcome: linEnd, call: last + 1, end: last + 2}
	history = append(history, porcupine.Operation{Input: end, Call: end.call, Return: end.end})
	return porcupine.CheckOperationsTimeout(linModel(begin), history, time.Minute)
}

// linHistory is what all clients did on all keys.
type linHistory struct {
	ops   []*linOp
	begin map[int]linCells // of the groups that do not begin empty
}

func (h *linHistory) groups() map[int][]*linOp {
	groups := map[int][]*linOp{}
	for _, o := range h.ops {
		groups[o.group] = append(groups[o.group], o)
	}
	for _, ops := range groups {
		slices.SortFunc(ops, func(a, b *linOp) int { return cmp.Compare(a.call, b.call) })
	}
	return groups
}

// verdict is "" for a linearizable history, and else the shortest beginning of one partition that is not.
func (h *linHistory) verdict() string {
	for group, ops := range h.groups() {
		switch linCheck(h.begin[group], ops, math.MaxInt64-1) {
		case porcupine.Ok:
			continue
		case porcupine.Unknown:
			return fmt.Sprintf("group %d: undecided after a minute, %d operations", group, len(ops))
		}
		var ends []int64
		for _, o := range ops {
			ends = append(ends, o.end)
		}
		slices.Sort(ends)
		i, _ := slices.BinarySearchFunc(ends, true, func(end int64, _ bool) int {
			if linCheck(h.begin[group], ops, end) == porcupine.Illegal {
				return 0
			}
			return -1
		})
		return h.shorten(group, ops, ends[min(i, len(ends)-1)])
	}
	return ""
}

// shorten prints the end of a beginning, and what wrote the items that it is about.
func (h *linHistory) shorten(group int, ops []*linOp, until int64) string {
	var part []*linOp
	for _, o := range ops {
		if o.call <= until {
			part = append(part, o)
		}
	}
	var last *linOp
	for _, o := range part {
		if o.end == until {
			last = o
		}
	}
	const shown = 30
	var b strings.Builder
	fmt.Fprintf(&b, "group %d is not linearizable; nothing explains the operation that ends at %d:\n", group, until)
	for i, o := range part {
		about := false
		if last != nil {
			for _, c := range append(last.seen[:], last.from[:]...) {
				about = about || c.stamp > 0 && (o.to[0].stamp == c.stamp || o.to[1].stamp == c.stamp)
			}
		}
		if i >= len(part)-shown || about {
			fmt.Fprintln(&b, o)
		}
	}
	return b.String()
}

// The model itself: histories that are linearizable, and their twins that are not.
func TestLinearModel(t *testing.T) {
	none, a, b, c := linCell{}, linCell{1, 1, 0}, linCell{2, 2, 0}, linCell{1, 3, 0}
	type call = linOp
	one := func(outcome linOutcome, from, to linCell, call, end int64) *linOp {
		return &linOp{verb: "write", outcome: outcome, from: linCells{from}, to: linCells{to}, call: call, end: end}
	}
	read := func(seen linCell, call, end int64) *linOp {
		return &linOp{verb: "Get", outcome: linRead, seen: linCells{seen}, call: call, end: end}
	}
	refused := func(from linCell, told linTold, seen linCell, call, end int64) *linOp {
		o := one(linRefused, from, linCell{9, 9, 9}, call, end)
		o.told[0], o.seen[0] = told, seen
		return o
	}
	first := one(linDone, none, a, 1, 2)
	for _, row := range []struct {
		name string
		ok   bool
		ops  []*linOp
	}{
		{"a write is read", true, []*call{first, read(a, 3, 4)}},
		{"an acknowledged write is lost", false, []*call{first, read(none, 3, 4)}},
		{"a read beside a write sees it or not", true, []*call{one(linDone, none, a, 1, 9), read(none, 2, 3), read(a, 4, 5)}},
		{"a read goes back in time", false, []*call{one(linDone, none, a, 1, 9), read(a, 2, 3), read(none, 4, 5)}},
		{"two writers of one version both win", false, []*call{first, one(linDone, a, b, 3, 6), one(linDone, a, c, 4, 5)}},
		{"a lost write of unknown outcome", true, []*call{first, one(linUnknown, a, b, 3, 4), read(a, 5, 6)}},
		{"one that takes effect late", true, []*call{first, one(linUnknown, a, b, 3, 4), read(a, 5, 6), read(b, 7, 8)}},
		{"one that takes effect before the call", false, []*call{first, read(b, 3, 4), one(linUnknown, a, b, 5, 6)}},
		{"one that takes effect twice", false, []*call{
			one(linUnknown, none, a, 1, 2), read(a, 3, 4), one(linDone, a, none, 5, 6), read(a, 7, 8),
		}},
		{"one that takes effect after the state has gone", false, []*call{
			first, one(linUnknown, a, b, 3, 4), one(linDone, a, none, 5, 6), read(b, 7, 8),
		}},
		{"a refused write is stored", false, []*call{first, one(linRefused, a, b, 3, 4), read(b, 5, 6)}},
		{"a refusal without a reason", false, []*call{first, refused(a, linToldNothing, none, 3, 4)}},
		{"a refusal with its reason", true, []*call{first, refused(none, linToldSeen, a, 3, 4), refused(c, linToldPresent, none, 5, 6)}},
		{"a refusal by what was not there", false, []*call{first, refused(none, linToldSeen, b, 3, 4)}},
		{"a refusal by an item that is gone", false, []*call{first, refused(none, linToldPresent, a, 3, 9), one(linDone, a, none, 3, 4), refused(b, linToldPresent, a, 5, 6)}},
		{"gone by this call", true, []*call{first, one(linGone, a, none, 3, 4), read(none, 5, 6)}},
		{"gone by another call", true, []*call{first, one(linDone, a, none, 3, 4), one(linGone, a, none, 5, 6)}},
		{"gone, and still there", false, []*call{first, one(linGone, a, none, 3, 4), read(a, 5, 6)}},
		{"gone, though another item was there throughout", false, []*call{one(linDone, none, c, 1, 2), one(linGone, a, none, 3, 4)}},
	} {
		t.Run(row.name, func(t *testing.T) {
			h := &linHistory{ops: row.ops}
			if row.ok {
				require.Empty(t, h.verdict())
			} else {
				require.NotEmpty(t, h.verdict())
			}
		})
	}
	both := func(outcome linOutcome, from, to linCells, call, end int64) *linOp {
		return &linOp{verb: "transfer", outcome: outcome, wide: true, at: [2]int{0, 1}, from: from, to: to, seen: to, call: call, end: end}
	}
	begin := linCells{{1, 1, 50}, {1, 2, 50}}
	after := linCells{{2, 3, 40}, {2, 3, 60}}
	half := linCells{after[0], begin[1]}
	for i, last := range []linCells{begin, after, half} {
		h := &linHistory{begin: map[int]linCells{0: begin}, ops: []*linOp{
			both(linUnknown, begin, after, 1, 2), both(linRead, linCells{}, last, 3, 4),
		}}
		require.Equal(t, i < 2, h.verdict() == "", "a transfer is whole or not at all")
	}
}
