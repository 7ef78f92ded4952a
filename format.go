package monotable

import (
	"fmt"
	"strings"
)

// What fmt and log print of operations, queries, conditions and changes: names alone, by every verb, since their values may be hidden ones.

// Format prints the name of the key, and never its secret.
func (k CursorKey) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "cursor key %q", k.ID) }

// print writes words, and the entity's name behind them.
func (m *model) print(f fmt.State, words string) {
	if m != nil {
		words += " " + m.name
	}
	_, _ = fmt.Fprint(f, words)
}

func (c *entityCore) print(f fmt.State, words string) {
	var m *model
	if c != nil {
		m = c.model
	}
	m.print(f, words)
}

func (s *querySpec) print(f fmt.State, words string) {
	var m *model
	if s != nil {
		m = s.model
	}
	m.print(f, words)
}

func (o *opCore) print(f fmt.State, verb opVerb) {
	var of *entityCore
	if o != nil {
		of = o.of
	}
	of.print(f, string(verb))
}

// Format prints the entity's name.
func (e *Entity[T]) Format(f fmt.State, _ rune) { e.base().print(f, "entity") }

// Format prints the names of operation and entity.
func (o GetOp[T]) Format(f fmt.State, _ rune) { o.op.print(f, verbGet) }

// Format prints the names of operation and entity.
func (o CreateOp[T]) Format(f fmt.State, _ rune) { o.op.print(f, verbCreate) }

// Format prints the names of operation and entity.
func (o PutOp[T]) Format(f fmt.State, _ rune) { o.op.print(f, verbPut) }

// Format prints the names of operation and entity.
func (o UpdateOp[T]) Format(f fmt.State, _ rune) { o.op.print(f, verbUpdate) }

// Format prints the names of operation and entity.
func (o UpsertOp[T]) Format(f fmt.State, _ rune) { o.op.print(f, verbUpsert) }

// Format prints the names of operation and entity.
func (o DeleteOp[T]) Format(f fmt.State, _ rune) { o.op.print(f, verbDelete) }

// Format prints the names of operation and entity.
func (o CheckOp[T]) Format(f fmt.State, _ rune) { o.op.print(f, verbCheck) }

// Format prints the entity's name. [Query.Explain] has more.
func (q Query[T]) Format(f fmt.State, _ rune) { q.spec.print(f, "query of") }

// Format prints the number of queries.
func (m ManyQuery[T]) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "%d queries", len(m.spec.copy().queries))
}

// Format prints the name of the entity that made it.
func (from Partition) Format(f fmt.State, _ rune) { from.spec.print(f, "partition of") }

// Format prints the attributes that are compared.
func (c KeyCond[T]) Format(f fmt.State, _ rune) { c.n.print(f) }

func (c cond[T]) Format(f fmt.State, _ rune) { c.n.print(f) }

func (c change[T]) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "%s %s", c.n.op, c.n.loc.path) }

func (n *condNode) print(f fmt.State) {
	if n == nil {
		_, _ = fmt.Fprint(f, "no condition")
		return
	}
	var names []string
	for _, p := range n.paths() {
		names = append(names, p.String())
	}
	_, _ = fmt.Fprintf(f, "condition on %s", strings.Join(names, ", "))
}
