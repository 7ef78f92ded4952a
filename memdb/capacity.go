package memdb

import (
	"github.com/monotable/monotable/memdb/internal/value"
)

type capacity struct {
	CapacityUnits      float64
	ReadCapacityUnits  *float64 `json:",omitempty"`
	WriteCapacityUnits *float64 `json:",omitempty"`
}

type consumedCapacity struct {
	TableName string
	capacity
	Table                  *capacity           `json:",omitempty"`
	LocalSecondaryIndexes  map[string]capacity `json:",omitempty"`
	GlobalSecondaryIndexes map[string]capacity `json:",omitempty"`
}

// meter adds up what one request consumes of one table.
type meter struct {
	table   *table
	mode    string // NONE, TOTAL or INDEXES
	factor  float64
	write   bool
	inTx    bool
	units   float64
	indexes map[*index]float64
}

// The factors of a unit.
const (
	eventual      = 0.5
	consistent    = 1
	transactional = 2
)

func units(size, unit int) float64 { return float64(max(1, (size+unit-1)/unit)) }

// read counts one read of so many bytes; an index of nil is the table.
func (m *meter) read(x *index, size int) { m.add(x, units(size, 4096)) }

func (m *meter) add(x *index, n float64) {
	n *= m.factor
	if x == nil {
		m.units += n
		return
	}
	if m.indexes == nil {
		m.indexes = map[*index]float64{}
	}
	m.indexes[x] += n
}

// wrote counts a write: 1 KB units of the larger image, in the table and in each
// index whose entry changes; a changed index key costs a removal and an insertion.
func (m *meter) wrote(c change) {
	m.write = true
	m.add(nil, units(max(value.ItemSize(c.old), value.ItemSize(c.now)), 1024))
	for _, x := range m.table.indexes {
		if n := x.writeUnits(c); n > 0 {
			m.add(x, n)
		}
	}
}

func (x *index) writeUnits(c change) float64 {
	was, is := c.old != nil && x.key.holds(c.old), c.now != nil && x.key.holds(c.now)
	var old, now value.Map
	if was {
		old = x.visible(c.old)
	}
	if is {
		now = x.visible(c.now)
	}
	switch {
	case was && is && value.EqualMaps(old, now), !was && !is:
		return 0
	case was && is && x.key.treeKey(old) == x.key.treeKey(now):
		return units(max(value.ItemSize(old), value.ItemSize(now)), 1024)
	}
	n := 0.0
	if was {
		n += units(value.ItemSize(old), 1024)
	}
	if is {
		n += units(value.ItemSize(now), 1024)
	}
	return n
}

// consumed is the answer, nil if it was not asked for.
func (m *meter) consumed() *consumedCapacity {
	if m.mode == "" || m.mode == "NONE" {
		return nil
	}
	total := m.units
	for _, n := range m.indexes {
		total += n
	}
	c := &consumedCapacity{TableName: m.table.name, capacity: m.capacity(total)}
	if m.mode != "INDEXES" {
		return c
	}
	table := m.capacity(m.units)
	c.Table = &table
	for x, n := range m.indexes {
		if x.global {
			c.GlobalSecondaryIndexes = with(c.GlobalSecondaryIndexes, x.name, m.capacity(n))
		} else {
			c.LocalSecondaryIndexes = with(c.LocalSecondaryIndexes, x.name, m.capacity(n))
		}
	}
	return c
}

func (m *meter) capacity(n float64) capacity {
	c := capacity{CapacityUnits: n}
	if m.inTx { // only transactions tell reads from writes
		if m.write {
			c.WriteCapacityUnits = &n
		} else {
			c.ReadCapacityUnits = &n
		}
	}
	return c
}

func with(m map[string]capacity, name string, c capacity) map[string]capacity {
	if m == nil {
		m = map[string]capacity{}
	}
	m[name] = c
	return m
}

// collectionMetrics are returned for tables with local indexes, if asked for. The
// estimate is a range in gigabytes; collections in memory are in the first.
type collectionMetrics struct {
	ItemCollectionKey   value.Map
	SizeEstimateRangeGB []float64
}

func (t *table) metrics(mode string, item value.Map) *collectionMetrics {
	if mode != "SIZE" {
		return nil
	}
	for _, x := range t.indexes {
		if !x.global {
			name := t.key.Hash[0].Name
			return &collectionMetrics{value.Map{name: item[name]}, []float64{0, 1}}
		}
	}
	return nil
}
