package monotable

import (
	"bytes"
	"reflect"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable/internal/codec"
)

// record is an item as a request returned it: its attributes, or its place in a reply that is JSON still.
type record struct {
	item  attributeMap // of a reply: nil until all of it is asked for
	reply *reply
	index int32 // in reply
	moved bool  // the reply's value has been handed out
}

// recordOf is the record of an item that is there as its attributes. nil is no item.
func recordOf(item attributeMap) *record { return &record{item: item} }

func recordsOf(items []attributeMap) []record {
	all := make([]record, len(items))
	for i, item := range items {
		all[i].item = item
	}
	return all
}

// left is how many items there are from this one to the end of what was read with it, as far as is known.
func (r *record) left() int {
	if r.reply == nil {
		return 1
	}
	return r.reply.page.Len() - int(r.index)
}

// readInto is the slice that a reply's items have been read into, if this is the first one and all of them are in it. Items are taken in
// the order of the reply, save those of a batch.
func (r *record) readInto() any {
	if r.reply == nil || r.reply.member != "Items" || r.index > 0 || r.reply.page.Len() == 0 {
		return nil
	}
	if all := r.reply.page.Slice(); all.Len() == r.reply.page.Len() {
		return all.Interface()
	}
	return nil
}

// close gives the room of a reply back. The record, and all others of the reply, cannot be asked for anything any more.
func (r *record) close() { r.reply.close() }

// missing says that there is no item.
func (r *record) missing() bool { return r.reply == nil && len(r.item) == 0 }

// attributes are those of the whole item, as far as they can be read.
func (r *record) attributes() attributeMap {
	item, _ := r.whole()
	return item
}

// whole is attributes, and says why they are not all there.
func (r *record) whole() (attributeMap, error) {
	if r.item != nil || r.reply == nil {
		return r.item, nil
	}
	item, err := r.reply.attributes(int(r.index))
	if err == nil {
		r.item = item
	}
	return item, err
}

// attribute is nil if the item lacks it.
func (r *record) attribute(name string) types.AttributeValue {
	if r.item != nil || r.reply == nil {
		return r.item[name]
	}
	if n, ok := r.reply.layout.note(name); ok {
		return r.reply.noted(int(r.index), n)
	}
	return r.attributes()[name]
}

// noted is the JSON of the n-th noted attribute of an item that is in a reply; nil if it lacks it.
func (r *record) noted(n int) []byte { return r.reply.page.Noted(int(r.index), n) }

// lacks says that the item has no such attribute.
func (r *record) lacks(name string) bool {
	if r.item == nil && r.reply != nil {
		if n, ok := r.reply.layout.note(name); ok {
			return r.noted(n) == nil
		}
	}
	return r.attribute(name) == nil
}

// text is the text of an attribute of a reply if that is one without escapes; scalarText tells the others.
func (r *record) text(name string) (text []byte, ok bool) {
	if r.item != nil || r.reply == nil {
		return nil, false
	}
	n, ok := r.reply.layout.note(name)
	if !ok {
		return nil, false
	}
	text, ok = bytes.CutPrefix(r.noted(n), []byte(`{"S":"`))
	if !ok {
		return nil, false
	}
	text, ok = bytes.CutSuffix(text, []byte(`"}`))
	return text, ok && bytes.IndexByte(text, '\\') < 0 && bytes.IndexByte(text, '"') < 0
}

// reads says that an attribute is a text, given as JSON and so without escapes. It may say no where [record.attribute] tells.
func (r *record) reads(name string, asJSON []byte) bool {
	if r.item != nil || r.reply == nil {
		return false
	}
	n, ok := r.reply.layout.note(name)
	return ok && bytes.Equal(r.noted(n), asJSON)
}

// at is the value at a path; nil if it is not stored.
func (r *record) at(p path) types.AttributeValue {
	av := r.attribute(p[0].name)
	if len(p) == 1 {
		return av
	}
	return valueBelow(av, p[1:])
}

// pick is the values of key attributes, as a key.
func (r *record) pick(keys []KeyAttribute) attributeMap {
	key := make(attributeMap, len(keys))
	for _, k := range keys {
		key[k.Name] = r.attribute(k.Name)
	}
	return key
}

// decode makes a value of the item as it is stored.
func (r *record) decode(plan *codec.Plan, dst reflect.Value) error {
	if r.reply == nil {
		return plan.Decode(r.item, dst)
	}
	once := !r.moved
	r.moved = true
	return r.reply.decode(int(r.index), plan, dst, once)
}
