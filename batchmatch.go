package monotable

import (
	"errors"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable/internal/codec"
)

// keyIdentity is equal for equal keys only: the table's name and the key's values, each with its length; numbers by value, texts and binaries by bytes.
func keyIdentity(table string, core *tableCore, key attributeMap) string {
	return string(appendIdentity(make([]byte, 0, 128), table, core, recordOf(key)))
}

func appendIdentity(id []byte, table string, core *tableCore, item *record) []byte {
	id = appendSized(id, table)
	for _, keys := range [...][]KeyAttribute{core.primary.partition, core.primary.sort} {
		for _, k := range keys {
			if text, ok := item.text(k.Name); ok {
				id = appendSized(id, text)
			} else {
				id = appendSized(id, scalarText(item.attribute(k.Name)))
			}
		}
	}
	return id
}

func appendSized[S string | []byte](id []byte, text S) []byte {
	return append(append(strconv.AppendInt(id, int64(len(text)), 10), ':'), text...)
}

// scalarText is the text of a key's value: equal for equal values of one type.
func scalarText(av types.AttributeValue) string {
	switch av := av.(type) {
	case *types.AttributeValueMemberS:
		return av.Value
	case *types.AttributeValueMemberB:
		return string(av.Value)
	case *types.AttributeValueMemberN:
		if plain, err := codec.CanonicalNumber(av.Value); err == nil {
			return plain
		}
		return av.Value
	}
	return ""
}

// errStrangeAnswer says that an answer cannot be understood, so that it says nothing of any key.
var errStrangeAnswer = errors.New("monotable: the answer names a key that was not asked for")

// entryIndex finds the entries of a request by what an answer calls them. The answer has an order of its own.
type entryIndex struct {
	chunk  []*batchEntry
	byID   *keyIndex              // made when it is asked: most answers to writes name nothing
	id     []byte                 // room for one
	tables map[string]*batchEntry // one entry of each, if there are several or the answer has other names for them

	// Of a read, byID has the entries of all requests of the call, which stand at places in a row.
	ofCall bool
	begin  int32
	asked  [maxBatchGet]bool
}

func entriesByKey(chunk []*batchEntry) *entryIndex { return &entryIndex{chunk: chunk} }

// entriesOfCall is entriesByKey where the call has an index already.
func entriesOfCall(chunk []*batchEntry, byID *keyIndex) *entryIndex {
	x := &entryIndex{chunk: chunk, byID: byID, ofCall: true, begin: chunk[0].at}
	for _, e := range chunk {
		x.begin = min(x.begin, e.at)
	}
	for _, e := range chunk {
		x.asked[e.at-x.begin] = true
	}
	return x
}

func (x *entryIndex) fill() {
	x.byID = newKeyIndex(len(x.chunk))
	for _, e := range x.chunk {
		x.byID.add(e)
	}
}

// fillTables finds an entry of each table: by its name, or the name in its ARN.
func (x *entryIndex) fillTables() {
	x.tables = map[string]*batchEntry{}
	var ofEach []*batchEntry
	for _, e := range x.chunk {
		if x.tables[e.table] == nil {
			x.tables[e.table] = e
			ofEach = append(ofEach, e)
		}
	}
	for _, e := range ofEach {
		if name := shortName(e.table); x.tables[name] == nil {
			x.tables[name] = e
		}
	}
}

// shortName is the name in the ARN of a table: an answer may use either.
func shortName(table string) string {
	return table[strings.LastIndexByte(table, '/')+1:]
}

// inTable is an entry of a table; nil if there is none.
func (x *entryIndex) inTable(table string) *batchEntry {
	if first := x.chunk[0]; first.table == table {
		return first
	}
	if x.tables == nil {
		x.fillTables()
	}
	if e := x.tables[table]; e != nil {
		return e
	}
	return x.tables[shortName(table)]
}

// find gives nil for a key that is not in the request.
func (x *entryIndex) find(table string, key *record) *batchEntry {
	of := x.inTable(table)
	if of == nil {
		return nil
	}
	if x.byID == nil {
		x.fill()
	}
	x.id = appendIdentity(x.id[:0], of.table, of.core, key)
	e := x.byID.find(x.id)
	if e != nil && x.ofCall {
		if i := int(e.at - x.begin); i < 0 || i >= len(x.asked) || !x.asked[i] {
			return nil // of another request
		}
	}
	return e
}

// all finds the entries of all keys, and says whether it knew them all.
func (x *entryIndex) all(keys map[string][]attributeMap) ([]*batchEntry, bool) {
	var found []*batchEntry
	for table, keys := range keys {
		for _, key := range keys {
			e := x.find(table, recordOf(key))
			if e == nil {
				return nil, false
			}
			found = append(found, e)
		}
	}
	return found, true
}
