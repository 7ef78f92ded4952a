package monotable

import (
	"reflect"
	"slices"
	"strconv"

	"github.com/monotable/monotable/internal/avjson"
)

// Batches of an ordinary entity are not made of attribute values: their keys are texts, and with the SDK's own client, where nobody else's code looks at
// what it is given, keys and items are JSON from the beginning. The client is given a mark in the place of all that go to one table, and when it has serialised the request, they are put in.
// Should a mark get to the service all the same, the request is refused, for what it stands in has no key.

// writesJSON says that items of the entity can be put as JSON: nothing of an item has to be known, or left out, once it is encoded.
func (m *model) writesJSON() bool {
	added := []string{m.table.tag, m.table.schemaVersion, m.table.writeID}
	for _, set := range slices.Concat(m.sets(), []*keySet{m.primary}) {
		for _, k := range set.all() {
			if k.field != nil && set != m.primary {
				return false // DynamoDB refuses an empty one, which is left out
			}
			added = append(added, k.Name)
		}
	}
	return m.textKeys && m.version == nil && !m.upgrading && len(m.uniques) == 0 && m.validate == nil && m.table.validator == nil &&
		!slices.ContainsFunc(m.ruled, func(a *attribute) bool { return a.has(ruleHidden) }) &&
		!slices.ContainsFunc(added, func(name string) bool { return m.plan.Field(name) != nil })
}

// fillJSON is newPut for an item that is put as JSON.
func (m *model) fillJSON(o *options, entry *batchEntry, item reflect.Value) error {
	m.stamp(item, m.now(), true)
	found, err := m.prepareValues(item)
	if err != nil {
		return err
	}
	entry.core, entry.of, entry.table, entry.places = m.table, m, o.tableName(m.table), 1
	var ok bool
	if entry.text, entry.id, ok = m.textKey(o, entry.table, item); !ok {
		_, missing := m.keyParts(item)
		if err := validationError(append(found, missing...)); err != nil {
			return err
		}
		_, err := m.primaryKey(o, item)
		return err
	}
	if err := validationError(found); err != nil {
		return err
	}
	b := entry.room.free(int(m.itemRoom.Load()))
	begin := len(b)
	if b, err = m.appendItem(b, item, &entry.text); err != nil {
		return err
	}
	entry.room.keep(b)
	entry.json = b[begin:len(b):len(b)]
	m.itemRoom.Store(int64(len(entry.json) + len(entry.json)/8))
	entry.bytes = len(entry.json) + len(`{"PutRequest":{"Item":}},"":[],`) + len(entry.table)
	if len(entry.json) <= maxItem { // DynamoDB counts less
		return nil
	}
	key := entry.text.attributes(&m.table.primary)
	_, _, err = m.itemOf(o, item, mark{}, key)
	return err
}

// appendItem is itemOf in JSON.
func (m *model) appendItem(b []byte, item reflect.Value, key *textKey) ([]byte, error) {
	b, err := m.plan.AppendJSON(append(b, '{'), item, nil)
	if err != nil {
		return nil, invalidf("%v", err)
	}
	if len(b) > 1 {
		b = append(b, ',')
	}
	b = key.append(b, &m.table.primary)
	for _, set := range m.sets() {
		values, err := m.indexKey(set, item, func(*attribute) bool { return false })
		if err != nil {
			return nil, err
		}
		for name, av := range values {
			if av == nil {
				continue
			}
			b = append(avjson.AppendString(append(b, ','), name), ':')
			if b, err = avjson.AppendValue(b, av); err != nil {
				return nil, err
			}
		}
	}
	if m.tagMode != TagNone {
		b = appendText(append(b, ','), m.table.tag, m.name)
	}
	if n := m.schema(); n > 0 {
		b = append(avjson.AppendString(append(b, ','), m.table.schemaVersion), `:{"N":"`...)
		b = append(strconv.AppendUint(b, n, 10), `"}`...)
	}
	return append(b, '}'), nil
}
