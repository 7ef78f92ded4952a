package codec

import (
	"cmp"
	"reflect"
	"slices"

	"github.com/monotable/monotable/internal/avjson"
)

// Page is the items of one reply, read from its JSON. What is plain is read at
// once; a field that is not, because of its type or of what is stored, is finished
// by Into, on the general road. So reading fails for broken JSON alone, and no user
// code runs while the reply is read.
//
// The result is what [Plan.Decode] makes of the SDK's attribute values, as far as
// [avjson] gives these. A Page is not safe for concurrent use.
type Page struct {
	layout *Layout
	r      *avjson.Reader
	expect int

	items  []pageItem
	noted  []span // of every item as many as the layout has
	late   []lateField
	chunks []reflect.Value // slices of the plan's type
	left   int             // free elements of the last chunk
	spare  reflect.Value   // a chunk of another reply, zeroed
	lent   bool            // somebody has the first chunk
	next   []uint16        // by what was read, of each struct: the number of the field that came then, last time

	texts []string // free ones of a slab
	slab  int      // how large it is
}

// span is a part of the reply, which has at most 2 GB.
type span struct{ begin, end int32 }

func spanOf(begin, end int) span { return span{int32(begin), int32(end)} } //nolint:gosec // below 2 GB

type pageItem struct {
	span

	chunk, elem int32
	late        int32 // where its late fields begin
	whole       bool  // all of it is late
}

// lateField is a field that Into has to finish.
type lateField struct {
	field int32
	span
}

const (
	maxChunk = 128 // elements, if it is not known how many will come
	maxSlab  = 128 // strings
	ownTexts = 32  // longer lists have a slice of their own
	maxKept  = 16 << 10
	maxSpare = 1 << 20 // bytes
)

// Page begins to read items of a reply, of which there will be as many as expect,
// or nobody knows how many (0).
func (l *Layout) Page(r *avjson.Reader, expect int) *Page {
	p, ok := l.pages.Get().(*Page)
	if !ok {
		p = &Page{layout: l, next: slices.Clone(l.order)}
	}
	p.Reset(r, expect)
	return p
}

// Release gives the page's own memory back. Items that were moved out of it stay as
// they are; the page is of no use any more.
func (p *Page) Release() {
	if len(p.chunks) == 1 && !p.lent && uintptr(p.chunks[0].Len())*p.layout.plan.Type.Size() <= maxSpare {
		p.spare = p.chunks[0]
		p.spare.Clear()
	}
	p.forget()
	p.layout.pages.Put(p)
}

// forget keeps the memory that holds positions, and the order of the members.
func (p *Page) forget() {
	if cap(p.items) > maxKept {
		p.items, p.noted, p.late = nil, nil, nil
	}
	*p = Page{
		layout: p.layout, items: p.items[:0], noted: p.noted[:0], late: p.late[:0], next: p.next, spare: p.spare,
	}
}

// Reset forgets all items, for a reply that is read afresh.
func (p *Page) Reset(r *avjson.Reader, expect int) {
	const smallest = len(`{},`)
	expect = max(0, min(expect, len(r.Data)/smallest+1))
	p.forget()
	p.r, p.expect = r, expect
	p.reserve(expect)
}

// reserve makes room for as many items.
func (p *Page) reserve(items int) {
	p.items = slices.Grow(p.items, items)
	p.noted = slices.Grow(p.noted, items*len(p.layout.noted))
}

// Len is how many items were read.
func (p *Page) Len() int { return len(p.items) }

// At returns where item k begins in the reply.
func (p *Page) At(k int) int { return int(p.items[k].begin) }

// Raw returns the JSON of item k, a part of the reply.
func (p *Page) Raw(k int) []byte { return p.bytes(p.items[k].span) }

// Noted returns the JSON of the value of the n-th noted attribute of item k, a part
// of the reply; nil if the item has no such attribute.
func (p *Page) Noted(k, n int) []byte {
	return p.bytes(p.noted[k*len(p.layout.noted)+p.layout.noted[n]])
}

func (p *Page) bytes(s span) []byte {
	if s.end == 0 {
		return nil
	}
	return p.r.Data[s.begin:s.end:s.end]
}

// Read reads the item that begins at i in the reply and returns the position behind
// it. The item becomes the last one of the page; null is one without attributes.
// Every error is an [*avjson.SyntaxError], and the page is of no use after it until
// it is reset.
func (p *Page) Read(i int) (int, error) {
	i = p.r.Space(i)
	if len(p.items) == 1 && p.expect == 0 { // the others may be about as long
		first := p.items[0]
		p.reserve(min(len(p.r.Data)/int(first.end-first.begin), maxChunk))
	}
	p.items = append(p.items, pageItem{span: spanOf(i, i), late: int32(len(p.late))})
	p.noted = append(p.noted, p.layout.none...)
	dst := p.element()
	end, ok := p.r.Null(i)
	if !ok {
		end, ok = p.attributes(i, dst)
	}
	it := &p.items[len(p.items)-1]
	if !ok { // no JSON, which Skip says, or no object
		var err error
		if end, err = p.r.Skip(i); err == nil {
			_, end, err = p.r.Map(i)
		}
		if err != nil {
			return 0, err
		}
		it.whole = true
	}
	it.span = spanOf(i, end)
	return end, nil
}

// element makes room for the item that was added.
func (p *Page) element() reflect.Value {
	if p.left == 0 {
		if p.left = p.expect - len(p.items) + 1; p.left <= 0 {
			p.left = min(len(p.items), maxChunk)
		}
		p.chunks = append(p.chunks, p.chunk(p.left))
	}
	chunk := p.chunks[len(p.chunks)-1]
	it := &p.items[len(p.items)-1]
	elem := chunk.Len() - p.left
	p.left--
	it.chunk, it.elem = int32(len(p.chunks)-1), int32(elem)
	return chunk.Index(elem)
}

// chunk is a slice of n elements: the spare one, unless that would keep much more
// memory alive than is asked for.
func (p *Page) chunk(n int) reflect.Value {
	if spare := p.spare; spare.IsValid() && n <= spare.Cap() && spare.Cap() <= 2*n {
		p.spare = reflect.Value{}
		return spare.Slice3(0, n, n)
	}
	return reflect.MakeSlice(reflect.SliceOf(p.layout.plan.Type), n, n)
}

// attributes reads the object of the last item into dst, and remembers what cannot
// be read yet. It is false for what is no object.
func (p *Page) attributes(i int, dst reflect.Value) (int, bool) {
	if i >= len(p.r.Data) || p.r.Data[i] != '{' {
		return 0, false
	}
	w := p.layout.root
	it := &p.items[len(p.items)-1]
	noted := p.noted[len(p.noted)-len(p.layout.noted):]
	var seen seenFields
	seen.room(len(w.fields))
	prev := 0
	i, none := p.none(i+1, '}')
	for more := !none; more; {
		k, begin, opened, err := p.member(w, prev, i)
		if err != nil {
			return 0, false
		}
		end, ok := 0, false
		if k < 0 {
			if end, err = p.r.Skip(begin); err != nil {
				return 0, false
			}
		} else {
			prev = k + 1
			f := &w.fields[k]
			if seen.twice(k) {
				it.whole = true
			}
			if f.field != nil && !it.whole {
				end, ok = p.field(f, begin, opened, dst, 1)
			}
			if opened {
				begin -= len(f.value.open)
			}
			if !ok {
				if end, err = p.r.Skip(begin); err != nil {
					return 0, false
				}
				if f.field != nil && !it.whole {
					p.late = append(p.late, lateField{int32(k), spanOf(begin, end)})
				}
			}
			if f.noted >= 0 {
				noted[f.noted] = spanOf(begin, end)
			}
		}
		if p.comma(end) {
			i = end + 1
		} else if i, more, ok = p.more(end, '}'); !ok {
			return 0, false
		}
	}
	return i, true
}

// Into finishes item k and moves it into dst, a settable value of the plan's type.
// It is called once for each item. Its errors are those of [Plan.Decode], and
// [*avjson.SyntaxError] for what is no attribute value.
func (p *Page) Into(k int, dst reflect.Value) error {
	it := &p.items[k]
	if it.whole {
		item, _, err := p.r.Map(int(it.begin))
		if err != nil {
			return err
		}
		return p.layout.plan.Decode(item, dst)
	}
	if own := p.chunks[it.chunk].Index(int(it.elem)); own.Addr().Pointer() != dst.Addr().Pointer() {
		dst.Set(own)
	}
	late := p.late[it.late:]
	if k+1 < len(p.items) {
		late = p.late[it.late:p.items[k+1].late]
	}
	if len(late) > 1 { // the first one in order of the fields has the error that is told
		slices.SortFunc(late, func(a, b lateField) int { return cmp.Compare(a.field, b.field) })
	}
	for _, l := range late {
		f := p.layout.plan.Fields[l.field]
		av, _, err := p.r.Value(int(l.begin))
		if err != nil {
			return err
		}
		if len(f.Index) > 1 && isNull(av) && f.Value.Kind != Custom {
			continue
		}
		if err := f.Value.decode(av, f.Set(dst), level{depth: 1}); err != nil {
			return at(f.Name, err)
		}
	}
	return nil
}

// Slice is the memory that the first items are read into, one element for each: a
// slice of the plan's type. Into may be given its elements, each for the item itself
// or for one behind it.
func (p *Page) Slice() reflect.Value {
	p.lent = true
	return p.chunks[0]
}

// seenFields is a set of numbers of fields.
type seenFields struct {
	few  uint64
	many []uint64 // for structs that have more
}

func (s *seenFields) room(n int) {
	if n > 64 {
		s.many = make([]uint64, (n+63)/64)
	}
}

// twice adds k, and reports whether it was there.
func (s *seenFields) twice(k int) bool {
	bits := &s.few
	if s.many != nil {
		bits = &s.many[k/64]
	}
	bit := uint64(1) << (k % 64)
	was := *bits&bit != 0
	*bits |= bit
	return was
}
