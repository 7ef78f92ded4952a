package codec

import (
	"reflect"
)

// The methods here read from the JSON of a reply into a value that is zero. They
// are false for what they do not know; then something may have been set.

// member finds the field of the member that begins at i, by what came there last
// time or else by name, and where its value begins; opened, behind what it opens
// with. The number is -1 for a name that is no field's.
func (p *Page) member(w *wireStruct, prev, i int) (k, begin int, opened bool, err error) {
	data := p.r.Data
	step := &p.next[w.base+prev]
	if k := int(*step); k < len(w.fields) {
		prefix := w.fields[k].prefix
		if end := i + len(prefix); end <= len(data) && string(data[i:end]) == prefix {
			return k, end, true, nil
		}
	}
	key, begin, err := p.r.Key(i)
	if err != nil {
		return 0, 0, false, err
	}
	k, known := w.byName[string(key)]
	if !known {
		return -1, begin, false, nil
	}
	*step = uint16(k)
	return k, begin, false, nil
}

// field reads the value at begin into f's field of dst.
func (p *Page) field(f *wireField, begin int, opened bool, dst reflect.Value, depth int) (int, bool) {
	v := f.value
	switch {
	case v.op == wireLater:
		return 0, false
	case f.direct < 0:
		return p.embedded(f, begin, opened, dst, depth)
	case opened && v.op != wireGeneral:
		return p.read(v, begin, dst.Field(f.direct), depth)
	}
	return p.value(v, begin, dst.Field(f.direct), depth)
}

// embedded is field, of an embedded struct. NULL is no reason to allocate a pointer
// on the way.
func (p *Page) embedded(f *wireField, begin int, opened bool, dst reflect.Value, depth int) (int, bool) {
	v := f.value
	if opened && v.op != wireGeneral {
		return p.read(v, begin, f.field.Set(dst), depth)
	}
	av, end, err := p.r.Value(begin)
	switch {
	case err != nil, v.userCode:
		return 0, false
	case isNull(av):
		return end, true
	}
	return end, v.decode(av, f.field.Set(dst), level{depth: depth}) == nil
}

// value reads the value at i, on a level of that depth.
func (p *Page) value(v *wireValue, i int, dst reflect.Value, depth int) (int, bool) {
	switch v.op {
	case wireLater:
		return 0, false
	case wireGeneral:
		av, end, err := p.r.Value(i)
		return end, err == nil && v.decode(av, dst, level{depth: depth}) == nil
	}
	data := p.r.Data
	if end := i + len(v.open); end <= len(data) && string(data[i:end]) == v.open {
		return p.read(v, end, dst, depth)
	}
	if i = p.r.Space(i); i >= len(data) || data[i] != '{' {
		return 0, false
	}
	tag, i, err := p.r.Key(i + 1)
	if err != nil {
		return 0, false
	}
	switch string(tag) {
	case "NULL":
		_, i, err := p.r.Bool(i)
		if err != nil {
			return 0, false
		}
		return p.closed(i, '}')
	case v.tag:
	default:
		return 0, false
	}
	if first := v.open[len(v.open)-1]; first != ':' {
		if i >= len(data) || data[i] != first {
			return 0, false
		}
		i++
	}
	return p.read(v, i, dst, depth)
}

// closed passes white space and the bracket at i.
func (p *Page) closed(i int, bracket byte) (int, bool) {
	data := p.r.Data
	if i < len(data) && data[i] == bracket {
		return i + 1, true
	}
	i = p.r.Space(i)
	return i + 1, i < len(data) && data[i] == bracket
}

// comma reports whether the next element begins behind a comma at i, with nothing in
// between, as it does in what DynamoDB writes. It is for loops, where more is a call.
func (p *Page) comma(i int) bool {
	data := p.r.Data
	return i+1 < len(data) && data[i] == ',' && data[i+1] > ' '
}

// more passes a comma or the bracket at i. It is at the next element after a comma.
func (p *Page) more(i int, bracket byte) (next int, again, ok bool) {
	data := p.r.Data
	if i >= len(data) || data[i] != ',' {
		if i = p.r.Space(i); i >= len(data) {
			return 0, false, false
		}
	}
	switch data[i] {
	case ',':
		if i++; i < len(data) && data[i] <= ' ' {
			i = p.r.Space(i)
		}
		return i, true, true
	case bracket:
		return i + 1, false, true
	}
	return 0, false, false
}

// none passes the bracket at i that ends what has just begun; else it is at the
// first element.
func (p *Page) none(i int, bracket byte) (int, bool) {
	i = p.r.Space(i)
	if i < len(p.r.Data) && p.r.Data[i] == bracket {
		return i + 1, true
	}
	return i, false
}

// read reads a value from behind what it opens with, and its closing brace.
func (p *Page) read(v *wireValue, i int, dst reflect.Value, depth int) (int, bool) {
	var ok bool
	switch v.op {
	case wireString:
		b, end, err := p.r.Rest(i)
		if err != nil {
			return 0, false
		}
		dst.SetString(p.r.Cut(b))
		return p.closed(end, '}')
	case wirePointer:
		to := reflect.New(v.Type.Elem())
		end, ok := p.read(v.elem, i, to.Elem(), depth)
		if ok {
			dst.Set(to)
		}
		return end, ok
	case wireBool:
		b, end, err := p.r.Bool(i)
		if err != nil {
			return 0, false
		}
		dst.SetBool(b)
		return p.closed(end, '}')
	case wireTexts, wireTextSet:
		if v.fits(level{depth: depth}) {
			i, ok = p.strings(v, i, dst)
		}
	case wireMembers:
		i, ok = p.members(v, i, dst)
	case wireList:
		i, ok = p.list(v, i, dst, depth+1)
	case wireTextMap:
		i, ok = p.textMap(i, dst, depth+1)
	case wireMap:
		i, ok = p.entries(v, i, dst, depth+1)
	case wireStructOp:
		i, ok = p.object(v.sub, i, dst, depth+1)
	default:
		i, ok = p.scalar(v, i, dst)
	}
	if !ok {
		return 0, false
	}
	return p.closed(i, '}')
}

const openS = `{"S":"`

// strings reads the strings of a list or set, into the free ones of the slab.
func (p *Page) strings(v *wireValue, i int, dst reflect.Value) (int, bool) {
	n := 0
	i, none := p.none(i, ']')
	for more := !none; more; n++ {
		if n == len(p.texts) {
			p.moreTexts(n)
		}
		var ok bool
		if v.op == wireTexts {
			p.texts[n], i, ok = p.typed(i)
		} else {
			p.texts[n], i, ok = p.bare(i)
		}
		if !ok {
			return 0, false
		}
		if p.comma(i) {
			i++
		} else if i, more, ok = p.more(i, ']'); !ok {
			return 0, false
		}
	}
	*dst.Addr().Interface().(*[]string) = p.cutTexts(n)
	return i, true
}

// moreTexts makes a new slab for a list of which n strings have been read.
func (p *Page) moreTexts(n int) {
	p.slab = min(max(2*p.slab, 8), maxSlab)
	texts := make([]string, max(p.slab, 2*n))
	copy(texts, p.texts[:n])
	p.texts = texts
}

// cutTexts returns the first n strings of the slab, which nothing else uses then, nor
// what is appended to them.
func (p *Page) cutTexts(n int) []string {
	if n > ownTexts || n == 0 {
		own := append(make([]string, 0, n), p.texts[:n]...)
		clear(p.texts[:n])
		return own
	}
	texts := p.texts[:n:n]
	p.texts = p.texts[n:]
	return texts
}

// bare reads a string.
func (p *Page) bare(i int) (string, int, bool) {
	if data := p.r.Data; i >= len(data) || data[i] != '"' {
		return "", 0, false
	}
	b, end, err := p.r.Rest(i + 1)
	return p.r.Cut(b), end, err == nil
}

// typed reads a string with its type.
func (p *Page) typed(i int) (string, int, bool) {
	data := p.r.Data
	if end := i + len(openS); end <= len(data) && string(data[i:end]) == openS {
		i = end - 1
	} else {
		if i >= len(data) || data[i] != '{' {
			return "", 0, false
		}
		tag, begin, err := p.r.Key(i + 1)
		if err != nil || string(tag) != "S" {
			return "", 0, false
		}
		i = begin
	}
	s, i, ok := p.bare(i)
	if !ok {
		return "", 0, false
	}
	i, ok = p.closed(i, '}')
	return s, i, ok
}

// count returns how many elements an array has, from behind its bracket.
func (p *Page) count(i int) (n int, ok bool) {
	i, none := p.none(i, ']')
	for more := !none; more; n++ {
		end, err := p.r.Skip(i)
		if err != nil {
			return 0, false
		}
		if i, more, ok = p.more(end, ']'); !ok {
			return 0, false
		}
	}
	return n, true
}

// members reads the members of a set, which are bare strings.
func (p *Page) members(v *wireValue, i int, dst reflect.Value) (int, bool) {
	data := p.r.Data
	n, ok := p.count(i)
	if !ok || makeRoom(dst, n) != nil {
		return 0, false
	}
	i, _ = p.none(i, ']')
	for k := range n {
		if i >= len(data) || data[i] != '"' {
			return 0, false
		}
		end, ok := p.scalar(v.elem, i+1, dst.Index(k))
		if !ok {
			return 0, false
		}
		i, _, _ = p.more(end, ']')
	}
	return i, true
}

func (p *Page) list(v *wireValue, i int, dst reflect.Value, depth int) (int, bool) {
	if depth > maxDepth {
		return 0, false
	}
	n, ok := p.count(i)
	if !ok || makeRoom(dst, n) != nil {
		return 0, false
	}
	i, _ = p.none(i, ']')
	for k := range n {
		end, ok := p.value(v.elem, i, dst.Index(k), depth)
		if !ok {
			return 0, false
		}
		i, _, _ = p.more(end, ']')
	}
	return i, true
}

// entry reads the key of an entry and returns where its value is.
func (p *Page) entry(i int) (string, int, bool) {
	key, i, err := p.r.Key(i)
	if err != nil {
		return "", 0, false
	}
	return p.r.Cut(key), i, true
}

func (p *Page) textMap(i int, dst reflect.Value, depth int) (int, bool) {
	if depth > maxDepth {
		return 0, false
	}
	m := map[string]string{}
	i, none := p.none(i, '}')
	for more := !none; more; {
		name, j, ok := p.entry(i)
		if !ok {
			return 0, false
		}
		s, end, ok := p.typed(j)
		if !ok {
			return 0, false
		}
		m[name] = s
		if i, more, ok = p.more(end, '}'); !ok {
			return 0, false
		}
	}
	*dst.Addr().Interface().(*map[string]string) = m
	return i, true
}

// entries reads a map. No user code sees an entry, so one place does for all.
func (p *Page) entries(v *wireValue, i int, dst reflect.Value, depth int) (int, bool) {
	if depth > maxDepth {
		return 0, false
	}
	m, n := reflect.MakeMap(v.Type), 0
	key, elem := reflect.New(v.Type.Key()).Elem(), reflect.New(v.Type.Elem()).Elem()
	i, none := p.none(i, '}')
	for more := !none; more; n++ {
		name, j, ok := p.entry(i)
		if !ok || v.key.dec(name, key) != nil {
			return 0, false
		}
		elem.SetZero()
		end, ok := p.value(v.elem, j, elem, depth)
		if !ok {
			return 0, false
		}
		m.SetMapIndex(key, elem)
		if i, more, ok = p.more(end, '}'); !ok {
			return 0, false
		}
	}
	dst.Set(m)
	return i, m.Len() == n // else two keys are stored alike
}

// object reads a struct's members from behind the brace.
func (p *Page) object(w *wireStruct, i int, dst reflect.Value, depth int) (int, bool) {
	if depth > maxDepth {
		return 0, false
	}
	var seen seenFields
	seen.room(len(w.fields))
	prev := 0
	i, none := p.none(i, '}')
	for more := !none; more; {
		k, begin, opened, err := p.member(w, prev, i)
		if err != nil {
			return 0, false
		}
		var end int
		var ok bool
		if k < 0 {
			end, err = p.r.Skip(begin)
			ok = err == nil
		} else {
			prev = k + 1
			end, ok = p.field(&w.fields[k], begin, opened, dst, depth)
			ok = ok && !seen.twice(k)
		}
		if !ok {
			return 0, false
		}
		if p.comma(end) {
			i = end + 1
		} else if i, more, ok = p.more(end, '}'); !ok {
			return 0, false
		}
	}
	return i, true
}
