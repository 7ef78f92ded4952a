package memdb

import (
	"github.com/monotable/monotable/memdb/internal/expr"
	"github.com/monotable/monotable/memdb/internal/value"
)

// maxItemSize is the limit of an item in bytes.
const maxItemSize = 409600

type verb uint8

const (
	verbPut verb = iota
	verbUpdate
	verbDelete
	verbCheck
	verbGet
)

// write is one action on one item: alone, in a batch or in a transaction. First
// it is parsed without the table, then bound to it, then tried and committed
// under the engine's lock.
type write struct {
	verb      verb
	tableName string
	item      value.Map // of a put
	key       value.Map // of the others
	update    *expr.Update
	condition *expr.Condition
	// onFailure asks for the item that fails the condition.
	onFailure bool
	names     []string // attributes that the update changes, top level

	table   *table
	treeKey string
}

// bind finds the table and checks the expressions by its schema; in a transaction
// too, what it refuses refuses the request.
func (w *write) bind(e *Engine) error {
	t, err := e.table(w.tableName)
	if err != nil {
		return err
	}
	w.table = t
	if w.condition != nil {
		if err := t.checkScalars(w.condition.Paths); err != nil {
			return err
		}
	}
	if w.update != nil {
		return t.checkScalars(w.update.Reads)
	}
	return nil
}

// check refuses what does not fit the table's schema.
func (w *write) check() error {
	t := w.table
	if w.verb == verbPut {
		if err := t.checkItem(w.item); err != nil {
			return err
		}
		if value.ItemSize(w.item) > maxItemSize {
			return invalid("Item size has exceeded the maximum allowed size")
		}
		w.treeKey = t.key.treeKey(w.item)
		return nil
	}
	if err := t.key.checkKey(w.key); err != nil {
		return err
	}
	for _, name := range w.names {
		if t.key.has(name) {
			return invalidParameter("Cannot update attribute %s. This attribute is part of the key", name)
		}
	}
	w.treeKey = t.key.treeKey(w.key)
	return nil
}

// change is the outcome of a write: what was there, what is there now, nil for nothing.
type change struct{ old, now value.Map }

// try computes the change without making it.
func (w *write) try() (change, error) {
	var c change
	if r := w.table.get(w.treeKey); r != nil {
		c.old = r.item
	}
	if w.condition != nil {
		subject := c.old
		if subject == nil {
			subject = value.Map{}
		}
		if !w.condition.Root.Match(subject) {
			failed := &apiError{Type: "ConditionalCheckFailedException", Message: msgCondition}
			if w.onFailure {
				failed.Item = c.old
			}
			return c, failed
		}
	}
	switch w.verb {
	case verbPut:
		c.now = w.item
	case verbCheck:
		c.now = c.old
	case verbUpdate:
		return w.tryUpdate(c)
	}
	return c, nil
}

func (w *write) tryUpdate(c change) (change, error) {
	base := c.old
	if base == nil {
		base = w.key
	}
	c.now = base
	if w.update == nil {
		return c, nil
	}
	now, err := w.update.Apply(base)
	if err != nil {
		return c, err
	}
	if err := w.table.checkIndexes(now); err != nil {
		return c, err
	}
	if value.ItemSize(now) > maxItemSize {
		return c, invalid("Item size to update has exceeded the maximum allowed size")
	}
	for _, name := range w.names {
		if v := now[name]; v != nil && value.Depth(v) > value.MaxDepth {
			return c, invalid("Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit")
		}
	}
	c.now = now
	return c, nil
}

// commit makes the change and tells the stream.
func (w *write) commit(e *Engine, c change) {
	if w.verb == verbCheck {
		return
	}
	if w.verb == verbDelete && c.old == nil {
		return
	}
	w.table.put(w.treeKey, c.now)
	if c.old == nil || c.now == nil || !value.EqualMaps(c.old, c.now) {
		e.record(w.table, c, false)
	}
}
