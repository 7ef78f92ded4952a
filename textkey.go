package monotable

import (
	"reflect"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable/internal/avjson"
)

// textKey is a primary key of texts: most are.
type textKey struct {
	partition, sort string // each a part of its id
}

// hasTextKey says that all keys of the entity are texts made from templates.
func (m *model) hasTextKey() bool {
	return len(m.primary.partition) == 1 && !slices.ContainsFunc(m.primary.all(), func(k *keyAttr) bool {
		return !k.templated() || k.tmpl == nil || k.Type != types.ScalarAttributeTypeS
	})
}

// textKey makes the key of an item, and its keyIdentity in a room. It is false where there is something to tell about it, and so another way to be taken.
func (m *model) textKey(o *options, table string, item reflect.Value, ids *idRoom) (key textKey, id string, ok bool) {
	if !m.textKeys {
		return textKey{}, "", false
	}
	b := appendSized(make([]byte, 0, 256), table)
	text := make([]byte, 0, 256)
	var ends, lengths [2]int
	for i, k := range m.primary.all() {
		var missing *attribute
		var err error
		text, missing, err = k.appendTo(text[:0], item)
		if err != nil || missing != nil || len(text) == 0 || len(text) > k.limit {
			return textKey{}, "", false
		}
		b = appendSized(b, text)
		ends[i], lengths[i] = len(b), len(text)
	}
	id = ids.keep(b)
	key.partition = id[ends[0]-lengths[0] : ends[0]]
	key.sort = id[ends[1]-lengths[1] : ends[1]]
	return key, id, o.textInScope(key.partition)
}

// textInScope is inScope for a text, without the reason.
func (o *options) textInScope(partition string) bool {
	return len(o.scopes) == 0 || o.inScope(&types.AttributeValueMemberS{Value: partition}) == nil
}

// attributes are the key as the SDK takes it.
func (k *textKey) attributes(primary *indexKeys) attributeMap {
	key := attributeMap{primary.partition[0].Name: &types.AttributeValueMemberS{Value: k.partition}}
	if len(primary.sort) > 0 {
		key[primary.sort[0].Name] = &types.AttributeValueMemberS{Value: k.sort}
	}
	return key
}

// append appends the members of the key.
func (k *textKey) append(b []byte, primary *indexKeys) []byte {
	b = appendText(b, primary.partition[0].Name, k.partition)
	if len(primary.sort) > 0 {
		b = appendText(append(b, ','), primary.sort[0].Name, k.sort)
	}
	return b
}

func appendText(b []byte, name, text string) []byte {
	b = append(avjson.AppendString(b, name), `:{"S":`...)
	return append(avjson.AppendString(b, text), '}')
}

// appendKey appends a text key as JSON.
func (e *batchEntry) appendKey(b []byte) []byte {
	return append(e.text.append(append(b, '{'), &e.core.primary), '}')
}

// attributes is the entry's key as the SDK takes it.
func (e *batchEntry) attributes() attributeMap {
	if e.key == nil {
		e.key = e.text.attributes(&e.core.primary)
	}
	return e.key
}
