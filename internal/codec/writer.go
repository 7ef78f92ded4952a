package codec

import (
	"reflect"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// writer makes the attribute values of a struct and of the structs in it: their S
// come from one slice and their N from another, and the digits of their numbers
// and times are one string.
type writer struct {
	s    []types.AttributeValueMemberS
	n    []types.AttributeValueMemberN
	m    *types.AttributeValueMemberM
	l    *types.AttributeValueMemberL
	ss   *types.AttributeValueMemberSS
	b    *types.AttributeValueMemberBOOL
	text [192]byte
	used int // of text
	made [16]madeText
	last int // of made
}

// madeText says whose text ends where; it begins where the one before ends.
type madeText struct {
	dst *string
	end int
}

// start makes room for what an item of v will need as a rule.
func (w *writer) start(p *Plan, v reflect.Value) {
	n := p.strings
	for _, f := range p.texts {
		if f.op == opTexts && len(f.Index) == 1 {
			n += v.Field(f.Index[0]).Len()
		}
	}
	w.s = make([]types.AttributeValueMemberS, n)
	w.n = make([]types.AttributeValueMemberN, p.numbers)
	if p.others > 1 {
		one := new(struct { // of each, in one piece of memory
			m  types.AttributeValueMemberM
			l  types.AttributeValueMemberL
			ss types.AttributeValueMemberSS
			b  types.AttributeValueMemberBOOL
		})
		w.m, w.l, w.ss, w.b = &one.m, &one.l, &one.ss, &one.b
	}
}

// take returns what is in the slot, once, and then something new.
func take[T any](slot **T) *T {
	if t := *slot; t != nil {
		*slot = nil
		return t
	}
	return new(T)
}

// item is what v, a struct, is stored as. Its texts are missing until finish.
func (w *writer) item(p *Plan, v reflect.Value, l level, room int) (map[string]types.AttributeValue, error) {
	item := make(map[string]types.AttributeValue, len(p.Fields)+room)
	for _, f := range p.Fields {
		fv, ok := f.stored(v)
		if !ok {
			continue
		}
		av, err := w.value(f, fv, l)
		if err != nil {
			return nil, at(f.Name, err)
		}
		if av != nil {
			item[f.Name] = av
		}
	}
	return item, nil
}

func (w *writer) value(f *Field, v reflect.Value, l level) (types.AttributeValue, error) {
	if f.op == opStruct {
		l, err := l.down()
		if err != nil {
			return nil, err
		}
		m, err := w.item(f.Value.Struct, v, l, 0)
		if err != nil {
			return nil, err
		}
		av := take(&w.m)
		av.Value = m
		return av, nil
	}
	if f.Value.fits(l) {
		if av := w.quick(f.op, v); av != nil {
			return av, nil
		}
	}
	return f.Value.encode(v, l)
}

func (w *writer) nextS() *types.AttributeValueMemberS {
	if len(w.s) == 0 {
		return &types.AttributeValueMemberS{}
	}
	s := &w.s[0]
	w.s = w.s[1:]
	return s
}

func (w *writer) nextN() *types.AttributeValueMemberN {
	if len(w.n) == 0 {
		return &types.AttributeValueMemberN{}
	}
	n := &w.n[0]
	w.n = w.n[1:]
	return n
}

// longestText is what room has to be left for. Numbers that are longer, floats
// far from 1, get a string of their own.
const longestText = len(TimeFormat)

func (w *writer) room() []byte {
	if len(w.text)-w.used < longestText || w.last == len(w.made) {
		w.finish()
	}
	return w.text[:w.used]
}

// put gives dst what was appended to the room.
func (w *writer) put(dst *string, b []byte) {
	if len(b) > len(w.text) {
		*dst = string(b[w.used:])
		return
	}
	w.used = len(b)
	w.made[w.last] = madeText{dst, w.used}
	w.last++
}

// finish makes the string that the texts are parts of.
func (w *writer) finish() {
	s, begin := string(w.text[:w.used]), 0
	for _, m := range w.made[:w.last] {
		*m.dst, begin = s[begin:m.end], m.end
	}
	w.used, w.last = 0, 0
}

// quick is what v is stored as; nil if that takes the general road.
func (w *writer) quick(o op, v reflect.Value) types.AttributeValue {
	switch o {
	case opString:
		if s := v.String(); utf8.ValidString(s) {
			av := w.nextS()
			av.Value = s
			return av
		}
	case opInt:
		av := w.nextN()
		w.put(&av.Value, strconv.AppendInt(w.room(), v.Int(), 10))
		return av
	case opUint:
		av := w.nextN()
		w.put(&av.Value, strconv.AppendUint(w.room(), v.Uint(), 10))
		return av
	case opFloat:
		if b, ok := appendFloat(w.room(), v.Float()); ok {
			av := w.nextN()
			w.put(&av.Value, b)
			return av
		}
	case opBool:
		av := take(&w.b)
		av.Value = v.Bool()
		return av
	case opTime:
		if b, ok := appendTime(w.room(), toTime(v)); ok {
			av := w.nextS()
			w.put(&av.Value, b)
			return av
		}
	case opUnixTime:
		av := w.nextN()
		w.put(&av.Value, strconv.AppendInt(w.room(), toTime(v).Unix(), 10))
		return av
	case opTexts:
		if texts := textsOf(v); texts != nil && validTexts(texts) {
			return w.list(texts)
		}
	case opTextSet:
		if texts := textsOf(v); isTextSet(texts) && validTexts(texts) {
			av := take(&w.ss)
			av.Value = slices.Clone(texts)
			return av
		}
	}
	return nil
}

func textsOf(v reflect.Value) []string {
	if v.CanAddr() {
		return *v.Addr().Interface().(*[]string)
	}
	return v.Interface().([]string)
}

func (w *writer) list(texts []string) types.AttributeValue {
	av := take(&w.l)
	av.Value = make([]types.AttributeValue, len(texts))
	for i, s := range texts {
		elem := w.nextS()
		elem.Value = s
		av.Value[i] = elem
	}
	return av
}

// isTextSet reports whether texts, if they are valid, can be stored as a set. Long
// ones are left to the general road, which does not compare all with all.
func isTextSet(texts []string) bool {
	if len(texts) == 0 || len(texts) > fewTexts {
		return false
	}
	for i, s := range texts {
		if slices.Contains(texts[:i], s) {
			return false
		}
	}
	return true
}

func validTexts(texts []string) bool {
	for _, s := range texts {
		if !utf8.ValidString(s) {
			return false
		}
	}
	return true
}
