// Package ordered is a map from string keys in byte order: a skip list, so that
// a lookup, a change and the start of a walk cost O(log n) and each step O(1).
package ordered

// maxHeight allows some 4^16 entries before walks get longer.
const maxHeight = 16

// Map is an ordered map. The zero value is not usable, call [New]. Reads may run
// at the same time, a write must be alone.
type Map[V any] struct {
	head   *Node[V]
	tail   *Node[V]
	height int
	length int
	random uint64
}

// Node is one entry. Its value may be replaced through [Map.Set] only.
type Node[V any] struct {
	Key   string
	Value V
	next  []*Node[V]
	prev  *Node[V]
}

// New makes an empty map.
func New[V any]() *Map[V] {
	return &Map[V]{head: &Node[V]{next: make([]*Node[V], maxHeight)}, height: 1, random: 0x9e3779b97f4a7c15}
}

// Len is the number of entries.
func (m *Map[V]) Len() int { return m.length }

// Get finds the value of a key.
func (m *Map[V]) Get(key string) (V, bool) {
	if n := m.Seek(key); n != nil && n.Key == key {
		return n.Value, true
	}
	var zero V
	return zero, false
}

// Seek is the first entry whose key is at least key, nil if there is none.
func (m *Map[V]) Seek(key string) *Node[V] {
	n := m.head
	for level := m.height - 1; level >= 0; level-- {
		for n.next[level] != nil && n.next[level].Key < key {
			n = n.next[level]
		}
	}
	return n.next[0]
}

// SeekBefore is the last entry whose key is less than key, nil if there is none.
func (m *Map[V]) SeekBefore(key string) *Node[V] {
	if n := m.Seek(key); n != nil {
		return n.prev
	}
	return m.tail
}

// First is the entry with the least key, nil if the map is empty.
func (m *Map[V]) First() *Node[V] { return m.head.next[0] }

// Last is the entry with the greatest key, nil if the map is empty.
func (m *Map[V]) Last() *Node[V] { return m.tail }

// Next is the entry after n, nil at the end.
func (n *Node[V]) Next() *Node[V] { return n.next[0] }

// Prev is the entry before n, nil at the beginning.
func (n *Node[V]) Prev() *Node[V] { return n.prev }

// path finds, per level, the last node before key.
func (m *Map[V]) path(key string) [maxHeight]*Node[V] {
	var before [maxHeight]*Node[V]
	n := m.head
	for level := m.height - 1; level >= 0; level-- {
		for n.next[level] != nil && n.next[level].Key < key {
			n = n.next[level]
		}
		before[level] = n
	}
	for level := m.height; level < maxHeight; level++ {
		before[level] = m.head
	}
	return before
}

// Set stores a value under a key, replacing what was there.
func (m *Map[V]) Set(key string, value V) {
	before := m.path(key)
	if n := before[0].next[0]; n != nil && n.Key == key {
		n.Value = value
		return
	}
	height := m.newHeight()
	m.height = max(m.height, height)
	n := &Node[V]{Key: key, Value: value, next: make([]*Node[V], height)}
	for level := range height {
		n.next[level] = before[level].next[level]
		before[level].next[level] = n
	}
	if before[0] != m.head {
		n.prev = before[0]
	}
	if n.next[0] != nil {
		n.next[0].prev = n
	} else {
		m.tail = n
	}
	m.length++
}

// Delete removes a key and says whether it was there.
func (m *Map[V]) Delete(key string) bool {
	before := m.path(key)
	n := before[0].next[0]
	if n == nil || n.Key != key {
		return false
	}
	for level := range n.next {
		before[level].next[level] = n.next[level]
	}
	if n.next[0] != nil {
		n.next[0].prev = n.prev
	} else {
		m.tail = n.prev
	}
	m.length--
	return true
}

// newHeight draws from a generator of its own: the shape of the list is no
// secret and must not depend on anything outside.
func (m *Map[V]) newHeight() int {
	m.random ^= m.random << 13
	m.random ^= m.random >> 7
	m.random ^= m.random << 17
	height := 1
	for r := m.random; r&3 == 0 && height < maxHeight; r >>= 2 {
		height++
	}
	return height
}
