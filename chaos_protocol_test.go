package monotable_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// A small model of the write protocol, gone through exhaustively: two clients, each with one write to one versioned item and up to two
// attempts, a reply lost or an attempt applied late, every interleaving. The rules by which a client judges a refusal are those of
// outcome.go, stated again; the model remembers what really happened, and no verdict may contradict it.

// What the model's clients write, and how many marks a Modify keeps.
type modelVerb int

const (
	modelCreate modelVerb = iota
	modelUpdate           // under a version, without knowing the marks
	modelModify           // under a version and the marks that were read
	modelDelete           // under a version
	modelKeeps  = 3
)

// modelItem is the stored item; version 0 is none.
type modelItem struct {
	version int
	marks   string // one letter for each write, the last first
}

// modelWrite is one logical write.
type modelWrite struct {
	verb    modelVerb
	id      byte
	version int    // read before, and demanded
	read    string // marks read before; "" if not known
}

// apply is what the server does: it checks the condition and writes.
func (w modelWrite) apply(item modelItem) (modelItem, bool) {
	switch w.verb {
	case modelCreate:
		return modelItem{1, string(w.id)}, item.version == 0
	case modelUpdate:
		return modelItem{item.version + 1, string(w.id)}, item.version == w.version
	case modelModify:
		marks := string(w.id) + w.read
		return modelItem{item.version + 1, marks[:min(len(marks), modelKeeps)]}, item.version == w.version && item.marks == w.read
	}
	return modelItem{}, item.version == w.version
}

// The verdicts.
const (
	modelOK       = "ok"
	modelRefused  = "refused"
	modelPerhaps  = "refused, perhaps there before" // ConditionError.Ambiguous
	modelUnknown  = "unknown"
	modelNoAnswer = ""
)

// modelRules are the rules of a refusal; the tests of the model break them to see that it notices.
type modelRules struct {
	isIn     func(w modelWrite, item modelItem, open bool) bool
	isOthers func(w modelWrite, item modelItem) bool
}

func ownRules() modelRules {
	return modelRules{
		isIn: func(w modelWrite, item modelItem, open bool) bool {
			if w.verb == modelDelete {
				return open && item.version == 0
			}
			return slices.Contains([]byte(item.marks), w.id)
		},
		isOthers: func(w modelWrite, item modelItem) bool {
			if item.version == 0 {
				return false
			}
			if w.verb == modelCreate {
				return item.version == 1
			}
			since := item.version - w.version
			return w.read != "" && since > 0 && since < len(item.marks) && item.marks[since] == w.read[0]
		},
	}
}

// judge is what the client says of a refusal.
func (r modelRules) judge(w modelWrite, item modelItem, open bool) string {
	switch {
	case r.isIn(w, item, open):
		return modelOK
	case !open:
		return modelRefused
	case !r.isOthers(w, item):
		return modelUnknown
	case w.verb == modelCreate:
		return modelPerhaps
	}
	return modelRefused
}

// modelClient is a client on its way.
type modelClient struct {
	todo    modelWrite
	started bool // it has read what it demands
	sent    int
	late    bool // its first attempt is still on its way, though it has given up waiting
	open    bool
	verdict string
	applied int // how often the write was really applied
}

type modelState struct {
	item    modelItem
	clients [2]modelClient
	trace   string
}

// steps are all next states.
func (s modelState) steps(rules modelRules, attempts int) (next []modelState) {
	for i := range s.clients {
		c := &s.clients[i]
		step := func(what string, f func(n *modelState, c *modelClient)) {
			n := s
			n.trace += fmt.Sprintf("%d %s; ", i, what)
			f(&n, &n.clients[i])
			next = append(next, n)
		}
		if !c.started {
			step("reads", func(n *modelState, c *modelClient) {
				c.started, c.todo.version = true, n.item.version
				if c.todo.verb == modelModify {
					c.todo.read = n.item.marks
				}
				if c.todo.verb != modelCreate && n.item.version == 0 {
					c.verdict = modelRefused // there is nothing to change
				}
			})
			continue
		}
		if c.late {
			step("late arrival", func(n *modelState, c *modelClient) {
				c.late = false
				n.arrive(c)
			})
		}
		if c.verdict != modelNoAnswer || c.sent >= attempts {
			continue
		}
		finish := func(n *modelState, c *modelClient) {
			if c.sent == attempts && c.verdict == modelNoAnswer {
				c.verdict = modelUnknown
			}
		}
		step("answered", func(n *modelState, c *modelClient) {
			c.sent++
			if n.arrive(c) {
				c.verdict = modelOK
			} else {
				c.verdict = rules.judge(c.todo, n.item, c.open)
			}
		})
		if i == 0 { // one of them has the faults
			step("reply lost", func(n *modelState, c *modelClient) {
				c.sent, c.open = c.sent+1, true
				n.arrive(c)
				finish(n, c)
			})
			step("request lost", func(n *modelState, c *modelClient) {
				c.sent, c.open = c.sent+1, true
				finish(n, c)
			})
			if !c.late {
				step("request delayed", func(n *modelState, c *modelClient) {
					c.sent, c.open, c.late = c.sent+1, true, true
					finish(n, c)
				})
			}
		}
	}
	return next
}

// arrive applies an attempt, if its condition holds.
func (s *modelState) arrive(c *modelClient) bool {
	item, ok := c.todo.apply(s.item)
	if ok {
		s.item = item
		c.applied++
	}
	return ok
}

// contradiction compares the verdicts with what happened, once all is over. A Delete that finds nothing is done, whoever did it.
func (s modelState) contradiction() string {
	for i, c := range s.clients {
		switch {
		case c.verdict == modelOK && c.applied == 0 && c.todo.verb != modelDelete:
			return fmt.Sprintf("%d was told that it is written, and it never was", i)
		case c.verdict == modelRefused && c.applied > 0:
			return fmt.Sprintf("%d was told that it is not written, and it was", i)
		case c.applied > 1 && !c.mayRepeat():
			return fmt.Sprintf("%d was applied %d times", i, c.applied)
		}
	}
	return ""
}

// mayRepeat: where nothing but a number is demanded, an item that was deleted and made anew has it again. Modify demands the marks too.
func (c modelClient) mayRepeat() bool { return c.todo.verb != modelModify }

// explore goes through everything and gives the first contradiction, and the number of ends.
func explore(start modelState, rules modelRules, attempts int) (wrong string, ends int, verdicts map[string]int) {
	verdicts = map[string]int{}
	seen := map[modelState]bool{}
	stack := []modelState{start}
	for len(stack) > 0 {
		s := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		key := s
		key.trace = ""
		if seen[key] {
			continue
		}
		seen[key] = true
		next := s.steps(rules, attempts)
		if len(next) == 0 {
			ends++
			verdicts[s.clients[0].verdict]++
			if why := s.contradiction(); why != "" && wrong == "" {
				wrong = s.trace + why
			}
		}
		stack = append(stack, next...)
	}
	return wrong, ends, verdicts
}

// eachModel calls f for all pairs of verbs, from an item that is there and from nothing.
func eachModel(f func(name string, start modelState)) {
	names := []string{"Create", "Update", "Modify", "Delete"}
	for _, there := range []modelItem{{}, {1, "s"}, {3, "srq"}} {
		for a := modelCreate; a <= modelDelete; a++ {
			for b := modelCreate; b <= modelDelete; b++ {
				start := modelState{item: there}
				start.clients[0].todo = modelWrite{verb: a, id: 'a'}
				start.clients[1].todo = modelWrite{verb: b, id: 'b'}
				f(fmt.Sprintf("%s beside %s from version %d", names[a], names[b], there.version), start)
			}
		}
	}
}

// TestChaosProtocol: two writers, every interleaving, attempts whose request or reply is lost or which arrive late.
func TestChaosProtocol(t *testing.T) {
	all, sum := 0, map[string]int{}
	eachModel(func(name string, start modelState) {
		for attempts := 1; attempts <= 3; attempts++ {
			wrong, ends, verdicts := explore(start, ownRules(), attempts)
			require.Empty(t, wrong, name)
			require.Positive(t, ends)
			all += ends
			for v, n := range verdicts {
				sum[v] += n
			}
		}
	})
	for _, verdict := range []string{modelOK, modelRefused, modelPerhaps, modelUnknown} {
		require.Positive(t, sum[verdict], verdict)
	}
	t.Logf("%d ends: %v", all, sum)
}

// TestChaosProtocolNoticesBadRules: each rule is needed, or the model would not notice a wrong one.
func TestChaosProtocolNoticesBadRules(t *testing.T) {
	for name, break_ := range map[string]func(*modelRules){
		"an own mark is not looked for": func(r *modelRules) {
			own := r.isOthers
			r.isIn = func(modelWrite, modelItem, bool) bool { return false }
			r.isOthers = func(w modelWrite, item modelItem) bool { return own(w, item) || item.version > w.version }
		},
		"every refusal is a conflict": func(r *modelRules) { r.isOthers = func(modelWrite, modelItem) bool { return true } },
		"a higher version is another's": func(r *modelRules) {
			r.isOthers = func(w modelWrite, item modelItem) bool { return item.version > w.version }
		},
		"any refusal after silence is the own write": func(r *modelRules) {
			r.isIn = func(_ modelWrite, _ modelItem, open bool) bool { return open }
		},
	} {
		rules := ownRules()
		break_(&rules)
		found := false
		eachModel(func(_ string, start modelState) {
			wrong, _, _ := explore(start, rules, 2)
			found = found || wrong != ""
		})
		require.True(t, found, name)
	}
}
