package codec

import (
	"reflect"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Most attributes are a plain string, number, bool or time, a list or set of
// strings, or a struct. What these are stored as can be read and written without
// a look at their type: an op, chosen once when the type is compiled, names the
// few steps. The quick road only ever succeeds. Whatever is not as expected takes
// the general one, enc and dec, which also says what is wrong with it.
type op uint8

const (
	opNone op = iota // the general road only
	opBool
	opString
	opInt
	opUint
	opFloat
	opTime     // time.Time in TimeFormat
	opUnixTime // time.Time
	opBytes    // a slice
	opTexts    // []string as L
	opTextSet  // []string as SS
	opStruct
)

var textsType = reflect.TypeFor[[]string]()

// writeOp is the op for writing x. Options that replace empty values need the
// general road; reading does not depend on them.
func (x *Value) writeOp() op {
	switch {
	case x.nullEmpty:
		return opNone
	case x.op == opTexts && (x.omitEmptyElem || x.Elem.nullEmpty), x.op == opTextSet && x.omitEmptyElem:
		return opNone
	}
	return x.op
}

// fits reports whether the quick road may be taken on this level: a list is one
// level more, and a scalar may be on the last one.
func (x *Value) fits(l level) bool { return x.op != opTexts || l.depth < maxDepth }

// quick sets dst to what av holds, and reports whether it could.
func (x *Value) quick(av types.AttributeValue, dst reflect.Value) bool {
	switch x.op {
	case opString:
		if s, ok := av.(*types.AttributeValueMemberS); ok && s != nil {
			dst.SetString(s.Value)
			return true
		}
	case opInt, opUint, opFloat, opUnixTime:
		if n, ok := av.(*types.AttributeValueMemberN); ok && n != nil {
			return x.quickNumber(n.Value, dst)
		}
	case opBool:
		if b, ok := av.(*types.AttributeValueMemberBOOL); ok && b != nil {
			dst.SetBool(b.Value)
			return true
		}
	case opTime:
		if s, ok := av.(*types.AttributeValueMemberS); ok && s != nil {
			t, ok := parseTime(s.Value)
			if ok {
				*dst.Addr().Interface().(*time.Time) = t
			}
			return ok
		}
	case opBytes:
		if b, ok := av.(*types.AttributeValueMemberB); ok && b != nil {
			dst.SetBytes(append(make([]byte, 0, len(b.Value)), b.Value...))
			return true
		}
	case opTexts, opTextSet:
		return x.quickTexts(av, dst, make([]string, textsIn(av)))
	}
	return false
}

func (x *Value) quickNumber(s string, dst reflect.Value) bool {
	switch x.op {
	case opInt:
		n, err := strconv.ParseInt(s, 10, x.bits)
		if err == nil {
			dst.SetInt(n)
		}
		return err == nil
	case opUint:
		n, err := strconv.ParseUint(s, 10, x.bits)
		if err == nil {
			dst.SetUint(n)
		}
		return err == nil
	case opUnixTime:
		n, err := strconv.ParseInt(s, 10, 64)
		if err == nil {
			*dst.Addr().Interface().(*time.Time) = time.Unix(n, 0).UTC()
		}
		return err == nil
	case opFloat:
		f, ok := exactFloat(s)
		if ok {
			dst.SetFloat(f)
		}
		return ok
	}
	return false
}

// textsIn is how many strings av may need room for.
func textsIn(av types.AttributeValue) int {
	switch av := av.(type) {
	case *types.AttributeValueMemberSS:
		if av != nil {
			return len(av.Value)
		}
	case *types.AttributeValueMemberL:
		if av != nil {
			return len(av.Value)
		}
	}
	return 0
}

// quickTexts fills room, as long as textsIn says, and makes dst that.
func (x *Value) quickTexts(av types.AttributeValue, dst reflect.Value, room []string) bool {
	switch av := av.(type) {
	case *types.AttributeValueMemberSS:
		if x.op != opTextSet || av == nil {
			return false
		}
		copy(room, av.Value)
	case *types.AttributeValueMemberL:
		if x.op != opTexts || av == nil {
			return false
		}
		for i, elem := range av.Value {
			s, ok := elem.(*types.AttributeValueMemberS)
			if !ok || s == nil {
				return false
			}
			room[i] = s.Value
		}
	default:
		return false
	}
	*dst.Addr().Interface().(*[]string) = room
	return true
}

// read sets dst, a zero struct, to what the item holds.
func (p *Plan) read(item map[string]types.AttributeValue, dst reflect.Value, l level) error {
	var room []string
	if len(p.texts) > 1 {
		room = make([]string, p.textsIn(item))
	}
	for _, f := range p.Fields {
		av, ok := item[f.Name]
		if !ok {
			continue
		}
		var fv reflect.Value
		if len(f.Index) == 1 {
			fv = dst.Field(f.Index[0])
		} else {
			if isNull(av) && f.Value.Kind != Custom {
				continue // no reason to allocate an embedded pointer
			}
			fv = f.Set(dst)
		}
		var err error
		switch x := f.Value; x.op {
		case opTexts, opTextSet:
			if n := textsIn(av); room != nil && x.fits(l) && x.quickTexts(av, fv, room[:n:n]) {
				room = room[n:]
				continue
			}
			err = x.decode(av, fv, l)
		case opStruct:
			if m, ok := av.(*types.AttributeValueMemberM); !ok || m == nil {
				err = x.decode(av, fv, l)
			} else if below, tooDeep := l.down(); tooDeep != nil {
				err = tooDeep
			} else {
				err = x.Struct.read(m.Value, fv, below)
			}
		default:
			if !x.quick(av, fv) {
				err = x.decode(av, fv, l)
			}
		}
		if err != nil {
			return at(f.Name, err)
		}
	}
	return nil
}

// textsIn is how many strings the lists and sets of strings of an item hold:
// they share one slice.
func (p *Plan) textsIn(item map[string]types.AttributeValue) int {
	n := 0
	for _, f := range p.texts {
		n += textsIn(item[f.Name])
	}
	return n
}
