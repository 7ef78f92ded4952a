package monotable

import (
	"reflect"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable/internal/codec"
)

const maxItem = 400 * 1024 // bytes, DynamoDB's limit

// itemOf encodes a prepared item with its keys, its tag and the mark of its write. key is its primary key if that is known, else nil.
func (m *model) itemOf(o *options, item reflect.Value, mark mark, key attributeMap) (whole, itsKey attributeMap, err error) {
	out, err := m.plan.EncodeWithRoom(item, m.room)
	if err != nil {
		return nil, nil, invalidf("%v", err)
	}
	for _, a := range m.ruled {
		if a.has(ruleHidden) {
			if v, ok := get(item, a.chain); ok && v.IsZero() {
				removeAt(out, a.path)
			}
		}
	}
	if key == nil {
		key, err = m.primaryKey(o, item)
	} else {
		err = o.inScope(key[m.primary.partition[0].Name])
	}
	if err != nil {
		return nil, nil, err
	}
	for name, av := range key {
		out[name] = av
	}
	for _, set := range m.sets() {
		if err := m.putIndexKey(out, set, item); err != nil {
			return nil, nil, err
		}
	}
	if m.tagMode != TagNone {
		out[m.table.tag] = &types.AttributeValueMemberS{Value: m.name}
	}
	if n := m.schema(); n > 0 {
		out[m.table.schemaVersion] = versionValue(n)
	}
	if mark.stored != "" {
		out[m.table.writeID] = &types.AttributeValueMemberS{Value: mark.stored}
	}
	if n := codec.Size(out); n > maxItem {
		return nil, nil, invalidf("the item has %d bytes; DynamoDB takes %d", n, maxItem)
	}
	return out, key, nil
}

func (m *model) putIndexKey(out map[string]types.AttributeValue, set *keySet, item reflect.Value) error {
	key, err := m.indexKey(set, item, func(*attribute) bool { return false })
	if err != nil {
		return err
	}
	for name, av := range key {
		if out[name] = av; av == nil {
			delete(out, name)
		}
	}
	for _, k := range set.all() {
		if k.field == nil {
			continue
		}
		// DynamoDB refuses an empty index key; an empty one means absent.
		if av, err := k.of(m, item); err != nil {
			return err
		} else if av == nil {
			delete(out, k.Name)
		}
	}
	return nil
}

func removeAt(item map[string]types.AttributeValue, p path) {
	for len(p) > 1 {
		inner, ok := item[p[0].name].(*types.AttributeValueMemberM)
		if !ok {
			return
		}
		item, p = inner.Value, p[1:]
	}
	delete(item, p[0].name)
}

func valueIn(item map[string]types.AttributeValue, p path) types.AttributeValue {
	return valueBelow(&types.AttributeValueMemberM{Value: item}, p)
}

// valueBelow is what a path leads to from a value; nil if that is nothing.
func valueBelow(av types.AttributeValue, p path) types.AttributeValue {
	for _, e := range p {
		switch inner := av.(type) {
		case *types.AttributeValueMemberM:
			av = inner.Value[e.name]
		case *types.AttributeValueMemberL:
			if e.name != "" || e.index >= len(inner.Value) {
				return nil
			}
			av = inner.Value[e.index]
		default:
			return nil
		}
	}
	return av
}
