package monotable

import (
	"reflect"
	"slices"
	"strconv"

	"github.com/monotable/monotable/internal/avjson"
)

// Items of most entities are put as JSON from the beginning, where nobody else's code looks at what the SDK's client is given: see marks.

// compileJSON finds out what an entity's items, keys and tag are in JSON.
func (m *model) compileJSON() {
	m.compileTextKey()
	if m.writesJSON() {
		m.asJSON = m.version == nil && !m.upgrading                                                         // a batch can check neither
		m.putsJSON = !slices.ContainsFunc(m.ruled, func(a *attribute) bool { return a.has(ruleImmutable) }) // see protect
	}
	m.tagJSON = avjson.AppendString([]byte(`{"S":`), m.name)
	m.tagJSON = append(m.tagJSON, '}')
	m.endJSON = m.endOfItem()
}

// writesJSON says that nothing of an item has to be known, or left out, once it is encoded.
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
	return m.textKeys && len(m.uniques) == 0 && m.validate == nil && m.table.validator == nil &&
		!slices.ContainsFunc(m.ruled, func(a *attribute) bool { return a.has(ruleHidden) }) &&
		!slices.ContainsFunc(added, func(name string) bool { return m.plan.Field(name) != nil })
}

// appendItem is itemOf in JSON.
func (m *model) appendItem(b []byte, item reflect.Value, key *keyID, mark mark) ([]byte, error) {
	begin := len(b) + 1
	b, err := m.plan.AppendJSON(append(b, '{'), item, nil)
	if err != nil {
		return nil, invalidf("%v", err)
	}
	if len(b) > begin {
		b = append(b, ',')
	}
	b = key.append(b, m)
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
	b = append(b, m.endJSON...)
	if mark.stored != "" {
		b = appendText(append(b, ','), m.table.writeID, mark.stored)
	}
	return append(b, '}'), nil
}

// endOfItem is what is the same in all items.
func (m *model) endOfItem() (b []byte) {
	if m.tagMode != TagNone {
		b = appendText(append(b, ','), m.table.tag, m.name)
	}
	if n := m.schema(); n > 0 {
		b = append(avjson.AppendString(append(b, ','), m.table.schemaVersion), `:{"N":"`...)
		b = append(strconv.AppendUint(b, n, 10), `"}`...)
	}
	return b
}
