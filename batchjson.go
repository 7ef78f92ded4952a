package monotable

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"reflect"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/monotable/monotable/internal/avjson"
)

// Batches of an ordinary entity are not made of attribute values: their keys are texts, and with the SDK's own client, where nobody else's code looks at
// what it is given, keys and items are JSON from the beginning. The client is given a mark in the place of each, and when it has serialised the request, they are put in.
// Should a mark get to the service all the same, the request is refused, for what it stands in has no key.

// textKey is a primary key of texts: most are.
type textKey struct {
	partition, sort string
	id              string // that of keyIdentity
}

// hasTextKey says that all keys of the entity are texts made from templates.
func (m *model) hasTextKey() bool {
	return len(m.primary.partition) == 1 && !slices.ContainsFunc(m.primary.all(), func(k *keyAttr) bool {
		return !k.templated() || k.tmpl == nil || k.Type != types.ScalarAttributeTypeS
	})
}

// textKey makes the key of an item. It is false where there is something to tell about it, and so another way to be taken.
func (m *model) textKey(o *options, table string, item reflect.Value) (key textKey, ok bool) {
	id := appendSized(make([]byte, 0, 256), table)
	text := make([]byte, 0, 256)
	var ends, lengths [2]int
	for i, k := range m.primary.all() {
		var missing *attribute
		var err error
		text, missing, err = k.appendTo(text[:0], item)
		if err != nil || missing != nil || len(text) == 0 || len(text) > k.limit {
			return textKey{}, false
		}
		id = appendSized(id, text)
		ends[i], lengths[i] = len(id), len(text)
	}
	key.id = string(id)
	key.partition = key.id[ends[0]-lengths[0] : ends[0]]
	key.sort = key.id[ends[1]-lengths[1] : ends[1]]
	return key, o.textInScope(key.partition)
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

// writesJSON says that items of the entity can be put as JSON: nothing of an item has to be known, or left out, once it is encoded.
func (m *model) writesJSON() bool {
	added := []string{m.table.tag, m.table.schemaVersion, m.table.writeID}
	for _, set := range append(m.sets(), m.primary) {
		for _, k := range set.all() {
			if k.field != nil && set != m.primary {
				return false // DynamoDB refuses an empty one, which is left out
			}
			added = append(added, k.Name)
		}
	}
	return m.hasTextKey() && m.version == nil && !m.upgrading && len(m.uniques) == 0 && m.validate == nil && m.table.validator == nil &&
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
	entry.table, entry.core, entry.entity, entry.places = o.tableName(m.table), m.table, m.name, 1
	var ok bool
	if entry.text, ok = m.textKey(o, entry.table, item); !ok {
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
	entry.id = entry.text.id
	if entry.json, err = m.appendItem(make([]byte, 0, m.itemRoom.Load()), item, &entry.text); err != nil {
		return err
	}
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

// isPlain says that a client has no code of others in it that could look at an input, and writes JSON.
func isPlain(o dynamodb.Options) bool {
	interceptors := reflect.ValueOf(o.Interceptors)
	for i := range interceptors.NumField() {
		if interceptors.Field(i).Len() > 0 {
			return false
		}
	}
	return len(o.APIOptions) == 0 && o.Protocol != nil && o.Protocol.ID().Name == "awsJson1_0"
}

// sendsJSON says that requests under the options are not looked at on their way.
func (c *tableCore) sendsJSON(o *options) bool {
	return c.isPlain && !o.noWireCodec && len(o.client) == 0
}

// markName is nobody's name for an attribute.
var markName = "monotable-" + rand.Text()

var (
	markStart = []byte(`{"` + markName + `":{"N":"`)
	markEnd   = []byte(`"}}`)
)

// marks stand for what is put into a request. Nobody changes them, for nobody sees them, see sendsJSON.
var marks = func() (all [maxBatchGet]attributeMap) {
	for i := range all {
		all[i] = attributeMap{markName: &types.AttributeValueMemberN{Value: strconv.Itoa(i)}}
	}
	return all
}()

// markedPuts are puts of marks.
var markedPuts = func() (all [maxBatchWrite]types.PutRequest) {
	for i := range all {
		all[i].Item = marks[i]
	}
	return all
}()

var errMarks = errors.New("monotable: the request was changed on its way")

// marked is what is put into a request in the place of marks; nil where there is none. They stand in one buffer or in many.
type marked [][]byte

// into puts everything into a request that has been serialised.
func (m marked) into(request *smithyhttp.Request) (*smithyhttp.Request, error) {
	body, err := io.ReadAll(request.GetStream())
	if err != nil {
		return nil, err
	}
	size, left := len(body), 0
	for _, json := range m {
		if json != nil {
			size, left = size+len(json), left+1
		}
	}
	whole := make([]byte, 0, size)
	var used [maxBatchGet]bool
	for {
		before, rest, ok := bytes.Cut(body, markStart)
		whole = append(whole, before...)
		if !ok {
			break
		}
		number, after, ok := bytes.Cut(rest, markEnd)
		i, err := strconv.Atoi(string(number))
		if !ok || err != nil || i < 0 || i >= len(m) || m[i] == nil || used[i] {
			return nil, errMarks
		}
		used[i] = true
		whole, body, left = append(whole, m[i]...), after, left-1
	}
	if left != 0 {
		return nil, errMarks
	}
	return request.SetStream(bytes.NewReader(whole))
}
