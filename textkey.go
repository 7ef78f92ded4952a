package monotable

import (
	"math"
	"reflect"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable/internal/avjson"
)

// keyID tells keys apart. That of a primary key of texts, as most are, has the key in it.
type keyID struct {
	text            string // see keyIdentity
	partition, sort span   // of a key of texts
}

// span is where something stands in an id.
type span struct{ begin, end uint16 }

const maxTextID = math.MaxUint16 // far more than DynamoDB takes

func spanOf(begin, end int) span { return span{uint16(begin), uint16(end)} } //nolint:gosec // below maxTextID

func (k *keyID) at(s span) string { return k.text[s.begin:s.end] }

// isText says that the key is in it.
func (k *keyID) isText() bool { return k.partition.end > 0 }

// compileTextKey finds out whether all keys of the entity are texts made from templates.
func (m *model) compileTextKey() {
	m.textKeys = len(m.primary.partition) == 1 && !slices.ContainsFunc(m.primary.all(), func(k *keyAttr) bool {
		return !k.templated() || k.tmpl == nil || k.Type != types.ScalarAttributeTypeS
	})
	if !m.textKeys {
		return
	}
	before := ""
	for _, k := range m.primary.all() {
		m.keyOpens = append(m.keyOpens, before+string(avjson.AppendString(nil, k.Name))+openText)
		before = ","
	}
}

// textKey makes the key of an item, in a room. It is false where there is something to tell about it, and so another way to be taken.
func (m *model) textKey(o *options, table string, item reflect.Value, ids *idRoom) (key keyID, ok bool) {
	if !m.textKeys {
		return keyID{}, false
	}
	b := appendSized(make([]byte, 0, 256), table)
	text := make([]byte, 0, 256)
	for i, k := range m.primary.all() {
		var missing *attribute
		var err error
		text, missing, err = k.appendTo(text[:0], item)
		if err != nil || missing != nil || len(text) == 0 || len(text) > k.limit {
			return keyID{}, false
		}
		b = appendSized(b, text)
		if at := spanOf(len(b)-len(text), len(b)); i == 0 {
			key.partition = at
		} else {
			key.sort = at
		}
	}
	if len(b) > maxTextID {
		return keyID{}, false
	}
	key.text = ids.keep(b)
	return key, o.textInScope(key.at(key.partition))
}

// textInScope is inScope for a text, without the reason.
func (o *options) textInScope(partition string) bool {
	return len(o.scopes) == 0 || o.inScope(&types.AttributeValueMemberS{Value: partition}) == nil
}

// attributes are the key as the SDK takes it.
func (k *keyID) attributes(primary *indexKeys) attributeMap {
	key := attributeMap{primary.partition[0].Name: &types.AttributeValueMemberS{Value: k.at(k.partition)}}
	if len(primary.sort) > 0 {
		key[primary.sort[0].Name] = &types.AttributeValueMemberS{Value: k.at(k.sort)}
	}
	return key
}

// append appends the members of the entity's key.
func (k *keyID) append(b []byte, m *model) []byte {
	values := [...]span{k.partition, k.sort}
	for i, open := range m.keyOpens {
		b = append(b, open...)
		b = append(avjson.AppendString(b, k.at(values[i])), '}')
	}
	return b
}

const openText = `:{"S":`

func appendText(b []byte, name, text string) []byte {
	b = append(avjson.AppendString(b, name), openText...)
	return append(avjson.AppendString(b, text), '}')
}

// appendKey appends a text key as JSON.
func (e *batchEntry) appendKey(b []byte) []byte {
	return append(e.id.append(append(b, '{'), e.of), '}')
}

// attributes is the entry's key as the SDK takes it.
func (e *batchEntry) attributes() attributeMap {
	if e.key == nil {
		e.key = e.id.attributes(&e.core.primary)
	}
	return e.key
}
