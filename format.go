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

func (e *Entity[T]) modelOrNil() *model {
	if e == nil {
		return nil
	}
	return e.model
}

// Format prints the entity's name.
func (e *Entity[T]) Format(f fmt.State, _ rune) { e.modelOrNil().print(f, "entity") }

// Format prints the names of operation and entity.
func (o GetOp[T]) Format(f fmt.State, _ rune) { o.e.modelOrNil().print(f, "Get") }

// Format prints the names of operation and entity.
func (o CreateOp[T]) Format(f fmt.State, _ rune) { o.e.modelOrNil().print(f, "Create") }

// Format prints the names of operation and entity.
func (o PutOp[T]) Format(f fmt.State, _ rune) { o.e.modelOrNil().print(f, "Put") }

// Format prints the names of operation and entity.
func (o UpdateOp[T]) Format(f fmt.State, _ rune) { o.e.modelOrNil().print(f, "Update") }

// Format prints the names of operation and entity.
func (o UpsertOp[T]) Format(f fmt.State, _ rune) { o.e.modelOrNil().print(f, "Upsert") }

// Format prints the names of operation and entity.
func (o DeleteOp[T]) Format(f fmt.State, _ rune) { o.e.modelOrNil().print(f, "Delete") }

// Format prints the names of operation and entity.
func (o CheckOp[T]) Format(f fmt.State, _ rune) { o.e.modelOrNil().print(f, "Check") }

// Format prints the entity's name. [Query.Explain] has more.
func (q Query[T]) Format(f fmt.State, _ rune) { q.entity.modelOrNil().print(f, "query of") }

// Format prints the number of queries.
func (m ManyQuery[T]) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "%d queries", len(m.queries))
}

// Format prints the name of the entity that made it.
func (from Partition) Format(f fmt.State, _ rune) { from.model.print(f, "partition of") }

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
