package memdb

import (
	"encoding/binary"
	"hash/fnv"
	"strings"

	"github.com/monotable/monotable/memdb/internal/value"
)

// keyAttribute is one attribute of a key with its type, S, N or B.
type keyAttribute struct{ Name, Type string }

// keySchema is the key of a table (one hash attribute, at most one range
// attribute) or of an index (up to four of each).
type keySchema struct{ Hash, Range []keyAttribute }

func (k keySchema) attributes() []keyAttribute {
	all := make([]keyAttribute, 0, len(k.Hash)+len(k.Range))
	return append(append(all, k.Hash...), k.Range...)
}

func (k keySchema) has(name string) bool {
	for _, a := range k.attributes() {
		if a.Name == name {
			return true
		}
	}
	return false
}

// Limits of key attributes in bytes.
const (
	maxHashSize  = 2048
	maxRangeSize = 1024
)

// treeKey orders the rows of a table or index: by hash of the partition key, then
// partition key, then range key. One ordered map therefore serves queries, which
// stay within a partition, as well as scans in an order that means nothing.
func (k keySchema) treeKey(item value.Map) string {
	partition := appendTuple(nil, k.Hash, item)
	return string(appendTuple(appendHash(nil, partition), k.Range, item))
}

// partitionKey is what the tree keys of one partition begin with.
func (k keySchema) partitionKey(item value.Map) string {
	return string(appendHash(nil, appendTuple(nil, k.Hash, item)))
}

func appendTuple(b []byte, attributes []keyAttribute, item value.Map) []byte {
	for _, a := range attributes {
		b = value.AppendOrdered(b, item[a.Name])
	}
	return b
}

// appendHash puts the hash of key before it.
func appendHash(b, key []byte) []byte {
	return append(binary.BigEndian.AppendUint64(b, hashOf(key)), key...)
}

// hashOf spreads FNV's hash over all bits, because scan segments use the upper ones.
func hashOf(key []byte) uint64 {
	h := fnv.New64a()
	h.Write(key) // cannot fail
	x := h.Sum64()
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

// pick copies the key attributes out of an item.
func (k keySchema) pick(item value.Map) value.Map {
	m := value.Map{}
	for _, a := range k.attributes() {
		if v, ok := item[a.Name]; ok {
			m[a.Name] = v
		}
	}
	return m
}

// checkKey checks a Key parameter: exactly the key attributes, of their types,
// with a value.
func (k keySchema) checkKey(key value.Map) error {
	all := k.attributes()
	if len(key) != len(all) {
		return invalid(msgKeySchema)
	}
	for _, a := range all {
		if v, ok := key[a.Name]; !ok || v.Type() != a.Type {
			return invalid(msgKeySchema)
		}
	}
	return k.checkValues(key)
}

// checkItem checks the key attributes in a whole item.
func (k keySchema) checkItem(item value.Map) error {
	for _, a := range k.attributes() {
		v, ok := item[a.Name]
		if !ok {
			return invalidParameter("Missing the key %s in the item", a.Name)
		}
		if v.Type() != a.Type {
			return invalidParameter("Type mismatch for key %s expected: %s actual: %s", a.Name, a.Type, v.Type())
		}
	}
	return k.checkValues(item)
}

func (k keySchema) checkValues(item value.Map) error {
	for _, a := range k.attributes() {
		if kind := emptyKind(item[a.Name]); kind != "" {
			return invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty %s value. Key: %s", kind, a.Name)
		}
	}
	return k.checkSizes(item)
}

func (k keySchema) checkSizes(item value.Map) error {
	if err := checkHashSize(k.Hash, item); err != nil {
		return err
	}
	return checkRangeSize(tupleSize(k.Range, item))
}

func checkHashSize(hash []keyAttribute, item value.Map) error {
	if tupleSize(hash, item) > maxHashSize {
		return invalidParameter("Size of hashkey has exceeded the maximum size limit of%d bytes", maxHashSize)
	}
	return nil
}

func checkRangeSize(n int) error {
	if n > maxRangeSize {
		return invalidParameter("Aggregated size of all range keys has exceeded the size limit of %d bytes", maxRangeSize)
	}
	return nil
}

func tupleSize(attributes []keyAttribute, item value.Map) int {
	n := 0
	for _, a := range attributes {
		n += value.Size(item[a.Name])
	}
	return n
}

// emptyKind is "string" or "binary" for a value of length zero.
func emptyKind(v value.Value) string {
	switch v := v.(type) {
	case value.String:
		if v == "" {
			return "string"
		}
	case value.Binary:
		if v == "" {
			return "binary"
		}
	}
	return ""
}

// holds tells whether an item has all key attributes and so is in the index.
func (k keySchema) holds(item value.Map) bool {
	for _, a := range k.attributes() {
		if _, ok := item[a.Name]; !ok {
			return false
		}
	}
	return true
}

// checkIndex checks those index key attributes that an item has.
func (k keySchema) checkIndex(index string, item value.Map) error {
	for _, a := range k.attributes() {
		v, ok := item[a.Name]
		if !ok {
			continue
		}
		if v.Type() != a.Type {
			return invalidParameter("Type mismatch for Index Key %s Expected: %s Actual: %s IndexName: %s", a.Name, a.Type, v.Type(), index)
		}
		if kind := emptyKind(v); kind != "" {
			return invalid("One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty %s value. IndexName: %s, IndexKey: %s", kind, index, a.Name)
		}
	}
	for _, part := range []struct {
		attributes []keyAttribute
		limit      int
		name       string
	}{{k.Hash, maxHashSize, "hashkey"}, {k.Range, maxRangeSize, "rangekey"}} {
		n := 0
		for _, a := range part.attributes {
			if v, ok := item[a.Name]; ok {
				n += value.Size(v)
			}
		}
		if n > part.limit {
			return invalidParameter("Size of %s has exceeded the maximum size limit of%d bytes", part.name, part.limit)
		}
	}
	return nil
}

// inPartition tells whether a tree key lies in the partition.
func inPartition(treeKey, partition string) bool { return strings.HasPrefix(treeKey, partition) }
