package memdb

import (
	"slices"
	"time"

	"github.com/monotable/monotable/memdb/internal/expr"
	"github.com/monotable/monotable/memdb/internal/ordered"
	"github.com/monotable/monotable/memdb/internal/value"
)

// row is a stored item. A changed item is a new row, so whoever has one may read
// it without a lock.
type row struct {
	treeKey string
	item    value.Map
	size    int
}

// table is a table with its rows and indexes, guarded by the engine's lock.
type table struct {
	settings
	name     string
	arn      string
	id       string
	created  time.Time
	key      keySchema
	types    map[string]string // of the attributes that keys use
	rows     *ordered.Map[*row]
	bytes    int
	indexes  []*index // local ones first
	activeAt time.Time
	goneAt   time.Time // zero unless it is being deleted
	updating time.Time // until then UPDATING
	ttl      timeToLive
	stream   *stream // the current one or the last
	tags     []tag
}

// index is a secondary index. Its rows are the rows of the table.
type index struct {
	name         string
	global       bool
	key          keySchema
	projection   projectionType
	throughput   *throughput
	onDemand     *onDemand
	warm         *warm
	table        *table
	rows         *ordered.Map[*row]
	bytes        int
	activeAt     time.Time
	goneAt       time.Time
	backfillFrom time.Time
}

// treeKey orders the entries of an index. Entries with equal keys follow each
// other in table order in a local index; in a global one that order says nothing,
// as with the service, so the hash comes first.
func (x *index) treeKey(r *row) string {
	key := x.key.treeKey(r.item)
	if x.global {
		return string(appendHash([]byte(key), []byte(r.treeKey)))
	}
	return key + r.treeKey
}

// visible is the part of an item that the index holds.
func (x *index) visible(item value.Map) value.Map {
	if x.projection.ProjectionType == projectAll {
		return item
	}
	m := value.Map{}
	for name, v := range item {
		if x.projects(name) {
			m[name] = v
		}
	}
	return m
}

// projects tells whether the index holds an attribute.
func (x *index) projects(name string) bool {
	if x.projection.ProjectionType == projectAll || x.key.has(name) || x.table.key.has(name) {
		return true
	}
	for _, n := range x.projection.NonKeyAttributes {
		if n == name {
			return true
		}
	}
	return false
}

func (t *table) index(name string) *index {
	for _, x := range t.indexes {
		if x.name == name {
			return x
		}
	}
	return nil
}

// get finds the row of a key, nil if there is none.
func (t *table) get(treeKey string) *row {
	r, _ := t.rows.Get(treeKey)
	return r
}

// put replaces the row of a key; a nil item removes it.
func (t *table) put(treeKey string, item value.Map) (old, now *row) {
	old = t.get(treeKey)
	if item != nil {
		now = &row{treeKey: treeKey, item: item, size: value.ItemSize(item)}
	}
	if now != nil {
		t.rows.Set(treeKey, now)
		t.bytes += now.size
	} else {
		t.rows.Delete(treeKey)
	}
	if old != nil {
		t.bytes -= old.size
	}
	for _, x := range t.indexes {
		x.replace(old, now)
	}
	return old, now
}

func (x *index) replace(old, now *row) {
	oldKey, newKey := "", ""
	if old != nil && x.key.holds(old.item) {
		oldKey = x.treeKey(old)
		x.bytes -= value.ItemSize(x.visible(old.item))
	}
	if now != nil && x.key.holds(now.item) {
		newKey = x.treeKey(now)
		x.bytes += value.ItemSize(x.visible(now.item))
	}
	if oldKey != "" && oldKey != newKey {
		x.rows.Delete(oldKey)
	}
	if newKey != "" {
		x.rows.Set(newKey, now)
	}
}

// checkItem refuses an item that the table or one of its indexes cannot hold.
func (t *table) checkItem(item value.Map) error {
	if err := t.key.checkItem(item); err != nil {
		return err
	}
	return t.checkIndexes(item)
}

func (t *table) checkIndexes(item value.Map) error {
	for _, x := range t.indexes {
		if err := x.key.checkIndex(x.name, item); err != nil {
			return err
		}
	}
	return nil
}

// checkScalars refuses paths that lead into a key attribute of the table or of an
// index: those are never maps or lists.
func (t *table) checkScalars(paths []expr.Path) error {
	for _, path := range paths {
		if len(path) == 1 {
			continue
		}
		kind := ""
		if t.key.has(path[0].Name) {
			kind = "Key"
		} else if slices.ContainsFunc(t.indexes, func(x *index) bool { return x.key.has(path[0].Name) }) {
			kind = "IndexKey"
		}
		if kind != "" {
			return invalid("Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: %s: %s", kind, path[0].Name)
		}
	}
	return nil
}

// checkPick is checkScalars for a projection, which may be nil.
func (t *table) checkPick(p *expr.Projection) error {
	if p == nil {
		return nil
	}
	return t.checkScalars(p.Paths)
}

// newIndex makes an index and fills it with the rows of the table.
func (t *table) newIndex(x *index) {
	x.table = t
	x.rows = ordered.New[*row]()
	for n := t.rows.First(); n != nil; n = n.Next() {
		// Backfilling skips what a write would be refused for.
		if x.key.checkIndex(x.name, n.Value.item) == nil {
			x.replace(nil, n.Value)
		}
	}
	t.indexes = append(t.indexes, x)
}
