package codec

import (
	"reflect"
	"strconv"

	"github.com/monotable/monotable/internal/avjson"
)

// AppendJSON appends the members of the item that stores v, as DynamoDB's JSON
// without the braces around them. The fields of which omit is true are left out;
// nil leaves out none. What [Plan.Encode] refuses is refused; then what was appended
// is of no use.
func (p *Plan) AppendJSON(b []byte, v reflect.Value, omit []bool) ([]byte, error) {
	return p.appendMembers(b, v, omit, level{depth: 1})
}

func (p *Plan) appendMembers(b []byte, v reflect.Value, omit []bool, l level) ([]byte, error) {
	begin := len(b)
	for i, f := range p.Fields {
		if i < len(omit) && omit[i] {
			continue
		}
		fv, ok := f.stored(v)
		if !ok {
			continue
		}
		before := len(b)
		if before > begin {
			b = append(b, ',')
		}
		b = append(b, f.key...)
		if !f.Value.nullEmpty {
			if quick, ok := f.Value.appendQuick(b, fv, l); ok { // as most are: two calls less
				b = quick
				continue
			}
		}
		out, present, err := f.Value.append(b, fv, l)
		switch {
		case err != nil:
			return b, at(f.Name, err)
		case present:
			b = out
		default:
			b = b[:before]
		}
	}
	return b, nil
}

// append is encode with its result as JSON. What is absent is not present.
func (x *Value) append(b []byte, v reflect.Value, l level) (out []byte, present bool, err error) {
	if x.nullEmpty {
		if isZero(v) {
			return appendNull(b), true, nil
		}
		out, present, err = x.appendPresent(b, v, l)
		if err == nil && !present {
			return appendNull(b), true, nil // an empty set
		}
		return out, present, err
	}
	return x.appendPresent(b, v, l)
}

func appendNull(b []byte) []byte { return append(b, `{"NULL":true}`...) }

// appendPresent takes the quick road, where there is one.
func (x *Value) appendPresent(b []byte, v reflect.Value, l level) (out []byte, present bool, err error) {
	if b, ok := x.appendQuick(b, v, l); ok {
		return b, true, nil
	}
	switch {
	case x.Kind == Struct:
		if l, err = l.down(); err != nil {
			return b, false, err
		}
		b, err = x.Struct.appendMembers(append(b, `{"M":{`...), v, nil, l)
		return append(b, "}}"...), true, err
	case x.Kind == Pointer && !v.IsNil():
		if l, err = l.hop(); err != nil {
			return b, false, err
		}
		return x.Elem.append(b, v.Elem(), l)
	case x.Kind == List && (v.Kind() == reflect.Array || !v.IsNil()):
		return x.appendList(b, v, l)
	case x.Kind == Map && x.Type.Key().Kind() == reflect.String && x.key.plain && !v.IsNil():
		return x.appendEntries(b, v, l)
	}
	av, err := x.enc(v, l)
	if err != nil || av == nil {
		return b, false, err
	}
	if b, err = avjson.AppendValue(b, av); err != nil {
		return b, false, fail(err)
	}
	return b, true, nil
}

// appendQuick knows what is frequent and has nothing to refuse.
func (x *Value) appendQuick(b []byte, v reflect.Value, l level) ([]byte, bool) {
	switch x.op {
	case opString:
		out, ok := avjson.AppendText(append(b, `{"S":`...), v.String())
		return append(out, '}'), ok
	case opInt:
		return append(strconv.AppendInt(append(b, `{"N":"`...), v.Int(), 10), `"}`...), true
	case opUint:
		return append(strconv.AppendUint(append(b, `{"N":"`...), v.Uint(), 10), `"}`...), true
	case opFloat:
		out, ok := appendFloat(append(b, `{"N":"`...), v.Float())
		return append(out, `"}`...), ok
	case opBool:
		return append(strconv.AppendBool(append(b, `{"BOOL":`...), v.Bool()), '}'), true
	case opTime:
		out, ok := appendTime(append(b, `{"S":"`...), toTime(v))
		return append(out, `"}`...), ok
	case opUnixTime:
		return append(strconv.AppendInt(append(b, `{"N":"`...), toTime(v).Unix(), 10), `"}`...), true
	case opBytes:
		if !v.IsNil() {
			return append(avjson.AppendBytes(append(b, `{"B":`...), v.Bytes()), '}'), true
		}
	case opTexts:
		texts := textsOf(v)
		if texts != nil && x.fits(l) && !x.omitEmptyElem && !x.Elem.nullEmpty {
			return appendTexts(append(b, `{"L":[`...), texts, `{"S":`, "}")
		}
	case opTextSet:
		if texts := textsOf(v); !x.omitEmptyElem && isTextSet(texts) {
			return appendTexts(append(b, `{"SS":[`...), texts, "", "")
		}
	}
	return b, false
}

// appendTexts appends the elements of a list or set, each between what it opens and
// closes with, and the end.
func appendTexts(b []byte, texts []string, open, closing string) (_ []byte, ok bool) {
	for i, s := range texts {
		if i > 0 {
			b = append(b, ',')
		}
		if b, ok = avjson.AppendText(append(b, open...), s); !ok {
			return b, false
		}
		b = append(b, closing...)
	}
	return append(b, "]}"...), true
}

// appendElem is encodeElem.
func (x *Value) appendElem(b []byte, v reflect.Value, l level) (out []byte, present bool, err error) {
	if x.omitEmptyElem && x.Elem.IsZero(v) {
		return b, false, nil
	}
	out, present, err = x.Elem.append(b, v, l)
	if err == nil && !present && !x.omitEmptyElem {
		return appendNull(b), true, nil
	}
	return out, present, err
}

func (x *Value) appendList(b []byte, v reflect.Value, l level) ([]byte, bool, error) {
	l, err := l.down()
	if err != nil {
		return b, false, err
	}
	b = append(b, `{"L":[`...)
	begin := len(b)
	for i := range v.Len() {
		before := len(b)
		if before > begin {
			b = append(b, ',')
		}
		out, present, err := x.appendElem(b, v.Index(i), l)
		switch {
		case err != nil:
			return b, false, atIndex(i, err)
		case present:
			b = out
		default:
			b = b[:before]
		}
	}
	return append(b, "]}"...), true, nil
}

// appendEntries appends a map whose keys are strings, which are never stored alike.
func (x *Value) appendEntries(b []byte, v reflect.Value, l level) ([]byte, bool, error) {
	l, err := l.down()
	if err != nil {
		return b, false, err
	}
	var k, elem reflect.Value
	if x.plainEntries {
		k, elem = reflect.New(x.Type.Key()).Elem(), reflect.New(x.Type.Elem()).Elem()
	}
	b = append(b, `{"M":{`...)
	begin := len(b)
	for iter := v.MapRange(); iter.Next(); {
		if x.plainEntries {
			k.SetIterKey(iter)
			elem.SetIterValue(iter)
		} else {
			k, elem = iter.Key(), iter.Value()
		}
		key, err := x.key.enc(k)
		if err != nil {
			return b, false, fail(err)
		}
		before := len(b)
		if before > begin {
			b = append(b, ',')
		}
		b = append(avjson.AppendString(b, key), ':')
		out, present, err := x.appendElem(b, elem, l)
		switch {
		case err != nil:
			return b, false, at(key, err)
		case present:
			b = out
		default:
			b = b[:before]
		}
	}
	return append(b, "}}"...), true, nil
}
