package monotable

import "reflect"

// Batches of an ordinary entity are not made of attribute values: their keys are texts, and with the SDK's own client, where nobody else's code looks at
// what it is given, keys and items are JSON from the beginning. The client is given a mark in the place of all that go to one table, and when it has serialised the request, they are put in.
// Should a mark get to the service all the same, the request is refused, for what it stands in has no key.

// fillJSON is newPut for an item that is put as JSON.
func (m *model) fillJSON(o *options, entry *batchEntry, item reflect.Value) error {
	if m.createdAt != nil || m.updatedAt != nil {
		m.stamp(item, m.now(), true)
	}
	found, err := m.prepareValues(item)
	if err != nil {
		return err
	}
	entry.core, entry.of, entry.table, entry.places = m.table, m, o.tableName(m.table), 1
	var ok bool
	if entry.id, ok = m.textKey(o, entry.table, item, &entry.room.ids); !ok {
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
	if b, err = m.appendItem(b, item, &entry.id, mark{}); err != nil {
		return err
	}
	entry.room.keep(b)
	entry.json = b[begin:len(b):len(b)]
	m.itemRoom.Store(int64(len(entry.json) + len(entry.json)/8))
	entry.bytes = len(entry.json) + len(`{"PutRequest":{"Item":}},"":[],`) + len(entry.table)
	if len(entry.json) <= maxItem { // DynamoDB counts less
		return nil
	}
	key := entry.id.attributes(&m.table.primary)
	_, _, err = m.itemOf(o, item, mark{}, key)
	return err
}
