package monotable

import "hash/maphash"

// keyIndex finds the entries of a batch by the ids of their keys. It takes as many as it was made for, and costs less than a map, which could take more.
type keyIndex struct {
	slots []*batchEntry // a power of two, at least twice as many as entries; an entry is at its hash or behind
}

var keySeed = maphash.MakeSeed()

func newKeyIndex(n int) *keyIndex {
	size := 1
	for size < 2*n {
		size *= 2
	}
	return &keyIndex{make([]*batchEntry, size)}
}

// add adds an entry, unless there is one with its key, which it gives.
func (x *keyIndex) add(e *batchEntry) (known *batchEntry) {
	for i := x.first(maphash.String(keySeed, e.id.text)); ; i = x.next(i) {
		switch there := x.slots[i]; {
		case there == nil:
			x.slots[i] = e
			return nil
		case there.id.text == e.id.text:
			return there
		}
	}
}

// find gives nil for a key that no entry has.
func (x *keyIndex) find(id []byte) *batchEntry {
	for i := x.first(maphash.Bytes(keySeed, id)); ; i = x.next(i) {
		if e := x.slots[i]; e == nil || e.id.text == string(id) {
			return e
		}
	}
}

func (x *keyIndex) first(hash uint64) int { return int(hash) & (len(x.slots) - 1) } //nolint:gosec // some of its bits
func (x *keyIndex) next(i int) int        { return (i + 1) & (len(x.slots) - 1) }
