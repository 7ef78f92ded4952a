package monotable

import (
	"bytes"
	"errors"
	"maps"
	"reflect"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable/internal/avjson"
	"github.com/monotable/monotable/internal/codec"
)

// The SDK makes attribute values of every reply, most of whose time and memory goes into what is thrown away at once. So with the SDK's own
// client the items of a reply are read here, from its JSON straight into values of T: inside the retry loop, when the reply is complete and its checksum
// right. They are taken out of the reply, and the SDK reads the rest. It is only a shorter way: whatever is not as expected in a reply leaves it to the SDK as it is.

// layout is how items are read from JSON.
type layout struct {
	*codec.Layout
	plan  *codec.Plan    // of what they become
	noted map[string]int // attributes that are looked at by name
	often [4]string      // the first of them: the tag and the like, found sooner without hashing
}

// note is the number of an attribute that is looked at by name.
func (l *layout) note(name string) (n int, ok bool) {
	for n, often := range &l.often {
		if often == name {
			return n, name != ""
		}
	}
	n, ok = l.noted[name]
	return n, ok
}

type layoutKey struct {
	plan  *codec.Plan
	index string
}

// notes reads nothing of an item but what is noted.
var notes = func() *codec.Plan {
	plan, err := codec.Compile(reflect.TypeFor[struct{}](), codec.Options{})
	if err != nil {
		panic(err)
	}
	return plan
}()

// layout is that of items that become values of plan, as they stand in the table or an index.
func (m *model) layout(plan *codec.Plan, set *keySet) *layout {
	key := layoutKey{plan, set.name}
	if l, ok := m.layouts.Load(key); ok {
		return l.(*layout)
	}
	l := &layout{plan: plan, noted: map[string]int{}}
	var names []string
	note := func(name string) {
		if _, ok := l.noted[name]; !ok {
			l.noted[name] = len(names)
			names = append(names, name)
		}
	}
	note(m.table.tag)
	note(m.table.schemaVersion)
	for _, of := range []*indexKeys{m.primary.indexKeys, set.indexKeys} {
		for _, k := range of.all() {
			note(k.Name)
		}
	}
	if m.expires != nil {
		note(m.expires.path[0].name)
	}
	for _, a := range m.readDefaults {
		note(a.path[0].name)
	}
	copy(l.often[:], names)
	l.Layout = plan.Layout(names...)
	m.layouts.Store(key, l)
	return l
}

// emptied is what is left of the members that hold items. DynamoDB itself never answers with these where there are any.
var emptied = map[string]string{"Item": "{}", "Attributes": "{}", "Items": "[]", "Responses": `{"":[]}`}

// errTaken says that what should hold items does not: something has kept an answer whose items had been read before it got there.
var errTaken = errors.New("monotable: the answer lacks its items: a middleware of the client seems to answer from a cache; see NoWireCodec")

// reply is the items of one answer. It serves one call, whose attempts it begins anew for. nil is none.
type reply struct {
	layout *layout
	member string // of the answer: an Item, Items, or Responses by table
	expect int    // so many items at most; 0 is unknown

	off     bool    // it is not to take anything
	seen    bool    // the answer came by here
	taken   bool    // the items are here; otherwise the answer has them
	pooled  *[]byte // room for a body
	in      *avjson.Reader
	page    *codec.Page
	tables  []replyTable
	scratch map[*codec.Plan]*codec.Page // for values of other types
}

// replyTable says up to which place the items of a table go.
type replyTable struct {
	name string
	end  int
}

// reply is where items go that become values of plan.
func (m *model) reply(plan *codec.Plan, set *keySet, member string) *reply {
	r := &reply{layout: m.layout(plan, set), member: member}
	if member == "Item" || member == "Attributes" {
		r.expect = 1
	}
	return r
}

// takesJSON says that items are taken out of replies to calls under the options.
func (c *tableCore) takesJSON(o *options) bool { return c.isSDK && !o.noWireCodec }

// unless is nil if off.
func (r *reply) unless(off bool) *reply {
	if r == nil || !off {
		return r
	}
	r.off = true
	return nil
}

// forget empties it for the next attempt.
func (r *reply) forget() {
	if r != nil {
		*r = reply{layout: r.layout, member: r.member, expect: r.expect, pooled: r.pooled}
	}
}

func (r *reply) room() []byte {
	if r == nil {
		return nil
	}
	if r.pooled == nil {
		r.pooled = bodies.Get().(*[]byte)
	}
	return *r.pooled
}

// keep has close do nothing, and an attempt take other room: what is in the room is used for longer.
func (r *reply) keep() {
	if r != nil {
		r.pooled = nil
	}
}

// close gives the room back. The items cannot be asked for anything any more.
func (r *reply) close() {
	if r == nil || !r.taken || r.pooled == nil {
		return
	}
	giveBack(r.pooled, r.in.Data)
	r.in.Data, r.pooled = nil, nil
	if r.page != nil {
		r.page.Release()
	}
	for _, page := range r.scratch {
		page.Release()
	}
	r.page, r.scratch = nil, nil
}

// take takes the items out of an answer, if it is plain JSON, and gives what is left of it: all of it if there is anything that the SDK should tell about.
func (r *reply) take(body []byte, plain bool) []byte {
	if r == nil {
		return body
	}
	rest, err := []byte(nil), errStrangeReply
	if plain {
		rest, err = r.split(body)
	}
	if err != nil {
		r.pooled = nil // the SDK has it now
		r.forget()
		rest = body
	}
	r.seen, r.taken = true, err == nil
	return rest
}

// errStrangeReply leaves a reply to the SDK.
var errStrangeReply = errors.New("not the reply that was expected")

func (r *reply) split(body []byte) (rest []byte, err error) {
	if len(body) > maxReply {
		return nil, errStrangeReply
	}
	r.in = &avjson.Reader{Data: body}
	from, to := 0, 0
	end, err := r.in.Members(0, func(name []byte, at int) (end int, err error) {
		if string(name) != r.member {
			return r.in.Skip(at)
		}
		if to > 0 {
			return 0, errStrangeReply
		}
		expect := r.expect
		if expect == 0 {
			expect = countIn(body)
		}
		end, err = r.read(at, expect)
		from, to = at, end
		return end, err
	})
	switch {
	case err != nil:
		return nil, err
	case r.in.Space(end) != len(body):
		return nil, errStrangeReply
	case to == 0:
		return slices.Clone(body), nil
	}
	empty := emptied[r.member]
	rest = make([]byte, 0, from+len(empty)+len(body)-to)
	rest = append(append(rest, body[:from]...), empty...)
	return append(rest, body[to:]...), nil
}

// countIn is how many items an answer says it has: before them, as DynamoDB has it, or behind, as others do. It is a hint only; 0 is unknown.
func countIn(body []byte) int {
	const near = 4 << 10 // a LastEvaluatedKey may be in between
	member := []byte(`"Count":`)
	_, rest, ok := bytes.Cut(body[:min(near, len(body))], member)
	if !ok {
		last := body[max(0, len(body)-near):]
		at := bytes.LastIndex(last, member)
		if at < 0 {
			return 0
		}
		rest = last[at+len(member):]
	}
	n := 0
	for _, c := range rest {
		if c < '0' || c > '9' || n > maxCount {
			break
		}
		n = 10*n + int(c-'0')
	}
	return n
}

const maxCount = 1 << 20 // of items on a page

// read reads the items of the member whose value is at a place.
func (r *reply) read(at, count int) (end int, err error) {
	r.page = r.layout.Page(r.in, count)
	switch r.member {
	case "Items":
		return r.in.Elements(at, r.item)
	case "Responses":
		return r.in.Members(at, func(table []byte, at int) (int, error) {
			end, err := r.in.Elements(at, r.item)
			r.tables = append(r.tables, replyTable{string(table), r.page.Len()})
			return end, err
		})
	}
	return r.item(at)
}

func (r *reply) item(at int) (end int, err error) {
	if _, null := r.in.Null(at); null {
		return 0, errStrangeReply
	}
	return r.page.Read(at)
}

// count is how many items are here.
func (r *reply) count() int {
	if r.page == nil {
		return 0
	}
	return r.page.Len()
}

// missed says that the answer has not come by here: somebody else gave it.
func (r *reply) missed() bool { return !r.off && !r.seen }

// one is the item of an answer that has at most one.
func (r *reply) one(item attributeMap) (*record, error) {
	switch {
	case r.taken && r.page != nil && string(r.page.Raw(0)) != "{}":
		return &record{reply: r}, nil
	case item != nil && len(item) == 0 && r.missed():
		return nil, errTaken
	}
	return recordOf(item), nil
}

// all is the items of an answer that has any number, and says how many.
func (r *reply) all(items []attributeMap, count int) ([]record, error) {
	switch {
	case r.taken:
		return r.records(0, r.count()), nil
	case len(items) == 0 && count > 0 && r.missed():
		return nil, errTaken
	}
	return recordsOf(items), nil
}

// byTable is the items of an answer that has those of several tables.
func (r *reply) byTable(items map[string][]attributeMap) (map[string][]record, error) {
	if _, empty := items[""]; empty && r.missed() {
		return nil, errTaken
	}
	all := make(map[string][]record, len(r.tables)+len(items))
	begin := 0
	for _, t := range r.tables {
		all[t.name] = r.records(begin, t.end)
		begin = t.end
	}
	if !r.taken {
		for table, items := range items {
			all[table] = recordsOf(items)
		}
	}
	return all, nil
}

func (r *reply) records(begin, end int) []record {
	all := make([]record, end-begin)
	for i := range all {
		all[i] = record{reply: r, index: int32(begin + i)} //nolint:gosec // of a reply below 2 GB
	}
	return all
}

// attributes is all of an item.
func (r *reply) attributes(k int) (attributeMap, error) {
	item, _, err := r.in.Map(r.page.At(k))
	if err != nil { // those before what cannot be read
		maps.DeleteFunc(item, func(_ string, av types.AttributeValue) bool { return av == nil })
	}
	return item, err
}

// noted is the n-th noted attribute of an item; nil if it lacks it.
func (r *reply) noted(k, n int) types.AttributeValue {
	json := r.page.Noted(k, n)
	if json == nil {
		return nil
	}
	av, _, err := (&avjson.Reader{Data: json}).Value(0)
	if err != nil {
		return nil
	}
	return av
}

// decode makes a value of an item. The page's own can be had once.
func (r *reply) decode(k int, plan *codec.Plan, dst reflect.Value, once bool) error {
	if once && plan == r.layout.plan {
		return r.page.Into(k, dst)
	}
	page := r.scratch[plan]
	if page == nil {
		page = plan.Plain().Page(r.in, 0)
		if r.scratch == nil {
			r.scratch = map[*codec.Plan]*codec.Page{}
		}
		r.scratch[plan] = page
	}
	if _, err := page.Read(r.page.At(k)); err != nil {
		return err
	}
	return page.Into(page.Len()-1, dst)
}
