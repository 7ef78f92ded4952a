package monotable

import (
	"reflect"
	"slices"

	"github.com/monotable/monotable/internal/avjson"
)

// A write that is a request of its own is made of JSON too, where nobody else's code looks at what the SDK's client is given: a mark stands for its item or key, and
// the expressions come behind that, as members of the request. The item of most Puts has never been attribute values; what was stored is read from its JSON again.

// fillJSON makes the item of a Put. It leaves one that may be too long as it is: it takes attribute values to tell.
func (w *write) fillJSON(item reflect.Value) error {
	room := bodies.Get().(*[]byte)
	b, err := w.m.appendItem(slices.Grow((*room)[:0], int(w.m.itemRoom.Load())), item, &w.id, w.mark)
	if err != nil || len(b) > maxItem {
		bodies.Put(room)
		return err
	}
	w.json, w.room = b, room
	w.m.itemRoom.Store(int64(len(b) + len(b)/8))
	return nil
}

// putInto puts the item or key, and the expressions, among the marks of a request. It gives the room of their JSON, which lasts until the request has been made; nil if the
// request is to be made of attribute values.
func (w *write) putInto(a *attempts) *[]byte {
	if !w.m.table.sendsJSON(w.o) {
		return nil
	}
	room := bodies.Get().(*[]byte)
	b, err := (*room)[:0], error(nil)
	switch {
	case w.json != nil:
		b = append(b, w.json...)
	case w.action == actionPut:
		b, err = avjson.AppendItem(b, w.item)
	default:
		b, err = avjson.AppendItem(b, w.key)
	}
	if err == nil {
		b, err = w.expr.appendJSON(b)
	}
	if *room = b; err != nil { // the SDK has its own way with such values
		giveBack(room, b)
		return nil
	}
	a.marked.add(w.table(), b, "", 1)
	return room
}

// readJSON is the item that was put. With it, the room of its JSON is given back.
func (w *write) readJSON() *record {
	r := w.m.reply(w.m.plan, w.m.primary, "Item")
	r.in = &avjson.Reader{Data: w.json}
	if _, err := r.read(0, 1); err != nil {
		return recordOf(w.attributes())
	}
	r.seen, r.taken, r.pooled = true, true, w.room
	return &record{reply: r}
}

// attributes are those of the item of a Put.
func (w *write) attributes() attributeMap {
	if w.json == nil {
		return w.item
	}
	item, _, _ := (&avjson.Reader{Data: w.json}).Map(0)
	return item
}

// itsKey is the key of the item.
func (w *write) itsKey() attributeMap {
	if w.json == nil {
		return w.key
	}
	return w.id.attributes(&w.m.table.primary)
}
