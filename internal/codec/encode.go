package codec

import (
	"reflect"
	"strconv"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// The build methods give a Value its two directions. Those of scalars are here
// and in decode.go under the same names; time.go, bignum.go, set.go, any.go and
// custom.go hold the rest.

var (
	bytesSliceType = reflect.TypeFor[[][]byte]()
	numeralType    = reflect.TypeFor[interface {
		Float64() (float64, error)
		Int64() (int64, error)
		String() string
	}]()
)

// isNumberText knows attributevalue.Number, json.Number and types made like
// them: strings that hold a number.
func isNumberText(t reflect.Type) bool {
	return t.Kind() == reflect.String && t.Implements(numeralType)
}

func (x *Value) buildBool() {
	x.Kind, x.op = Bool, opBool
	x.enc = func(v reflect.Value, _ level) (types.AttributeValue, error) {
		return &types.AttributeValueMemberBOOL{Value: v.Bool()}, nil
	}
	x.dec = decodeBool
}

func (x *Value) buildString() {
	x.Kind, x.op = String, opString
	x.enc = func(v reflect.Value, _ level) (types.AttributeValue, error) {
		s := v.String()
		if !utf8.ValidString(s) {
			return nil, fail(ErrUTF8)
		}
		return &types.AttributeValueMemberS{Value: s}, nil
	}
	x.dec = decodeString
}

// buildNumber makes x a number: format writes it in decimal, set reads it.
func (x *Value) buildNumber(format func(reflect.Value) (string, error), set func(s string, dst reflect.Value) error) {
	x.Kind = Number
	if x.asString {
		x.Kind = NumberString
	}
	asString := x.asString
	x.enc = func(v reflect.Value, _ level) (types.AttributeValue, error) {
		s, err := format(v)
		if err != nil {
			return nil, fail(err)
		}
		if asString {
			return &types.AttributeValueMemberS{Value: s}, nil
		}
		return &types.AttributeValueMemberN{Value: s}, nil
	}
	x.dec = decodeNumber(asString, set)
}

// quickNumbers lets a number take the quick road, if it is stored as N.
func (x *Value) quickNumbers(o op) {
	if !x.asString {
		x.op, x.bits = o, x.Type.Bits()
	}
}

func (x *Value) buildInt() {
	bits := x.Type.Bits()
	x.quickNumbers(opInt)
	x.buildNumber(
		func(v reflect.Value) (string, error) { return strconv.FormatInt(v.Int(), 10), nil },
		func(s string, dst reflect.Value) error {
			n, err := parseInt(s, bits)
			if err == nil {
				dst.SetInt(n)
			}
			return err
		})
}

func (x *Value) buildUint() {
	bits := x.Type.Bits()
	x.quickNumbers(opUint)
	x.buildNumber(
		func(v reflect.Value) (string, error) { return strconv.FormatUint(v.Uint(), 10), nil },
		func(s string, dst reflect.Value) error {
			n, err := parseUint(s, bits)
			if err == nil {
				dst.SetUint(n)
			}
			return err
		})
}

func (x *Value) buildFloat() {
	bits := x.Type.Bits()
	if bits == 64 {
		x.quickNumbers(opFloat)
	}
	x.buildNumber(
		func(v reflect.Value) (string, error) { return formatFloat(v.Float(), bits) },
		func(s string, dst reflect.Value) error {
			f, err := parseFloat(s, bits)
			if err == nil {
				dst.SetFloat(f)
			}
			return err
		})
}

func (x *Value) buildNumberText() {
	x.buildNumber(
		func(v reflect.Value) (string, error) { return CanonicalNumber(v.String()) },
		func(s string, dst reflect.Value) error {
			err := CheckNumber(s)
			if err == nil {
				dst.SetString(s)
			}
			return err
		})
}

func (x *Value) buildBytes() {
	x.Kind = Binary
	isSlice := x.Type.Kind() == reflect.Slice
	if isSlice {
		x.op = opBytes
	}
	x.enc = func(v reflect.Value, _ level) (types.AttributeValue, error) {
		if isSlice && v.IsNil() {
			return nil, nil
		}
		if !isSlice {
			v = addressable(v)
		}
		b := make([]byte, v.Len()) // a copy: the item must not change with the struct
		copy(b, v.Bytes())
		return &types.AttributeValueMemberB{Value: b}, nil
	}
	x.dec = decodeBytes
}

func (x *Value) buildPlan() {
	plan := x.Struct
	x.op = opStruct
	x.enc = func(v reflect.Value, l level) (types.AttributeValue, error) {
		l, err := l.down()
		if err != nil {
			return nil, err
		}
		m, err := plan.encode(v, l, 0)
		if err != nil {
			return nil, err
		}
		return &types.AttributeValueMemberM{Value: m}, nil
	}
	x.dec = func(av types.AttributeValue, dst reflect.Value, l level) error {
		m, ok := av.(*types.AttributeValueMemberM)
		if !ok {
			return mismatch("M", av)
		}
		l, err := l.down()
		if err != nil {
			return err
		}
		dst.SetZero()
		return plan.read(m.Value, dst, l)
	}
}

func (x *Value) buildPointer() {
	x.enc = func(v reflect.Value, l level) (types.AttributeValue, error) {
		if v.IsNil() {
			return nil, nil
		}
		l, err := l.hop()
		if err != nil {
			return nil, err
		}
		return x.Elem.encode(v.Elem(), l)
	}
	x.dec = func(av types.AttributeValue, dst reflect.Value, l level) error {
		p := reflect.New(x.Type.Elem())
		if err := x.Elem.decode(av, p.Elem(), l); err != nil {
			return err
		}
		dst.Set(p)
		return nil
	}
}

// encodeElem encodes an element of a list or map. What is absent on its own
// keeps its place as NULL, unless omitemptyelem asks to skip it (nil).
func (x *Value) encodeElem(v reflect.Value, l level) (types.AttributeValue, error) {
	if x.omitEmptyElem && x.Elem.IsZero(v) {
		return nil, nil
	}
	av, err := x.Elem.encode(v, l)
	if av == nil && err == nil && !x.omitEmptyElem {
		return null(), nil
	}
	return av, err
}

func (x *Value) buildList() {
	if x.Type == textsType {
		x.op = opTexts
	}
	isSlice := x.Type.Kind() == reflect.Slice
	x.enc = func(v reflect.Value, l level) (types.AttributeValue, error) {
		if isSlice && v.IsNil() {
			return nil, nil
		}
		l, err := l.down()
		if err != nil {
			return nil, err
		}
		list := make([]types.AttributeValue, 0, v.Len())
		for i := range v.Len() {
			av, err := x.encodeElem(v.Index(i), l)
			if err != nil {
				return nil, atIndex(i, err)
			}
			if av != nil {
				list = append(list, av)
			}
		}
		return &types.AttributeValueMemberL{Value: list}, nil
	}
	x.dec = x.decodeList
}

func (x *Value) buildEntries() {
	x.enc = func(v reflect.Value, l level) (types.AttributeValue, error) {
		if v.IsNil() {
			return nil, nil
		}
		l, err := l.down()
		if err != nil {
			return nil, err
		}
		m := make(map[string]types.AttributeValue, v.Len())
		var k, elem reflect.Value
		if x.plainEntries {
			k, elem = reflect.New(x.Type.Key()).Elem(), reflect.New(x.Type.Elem()).Elem()
		}
		for iter := v.MapRange(); iter.Next(); {
			if x.plainEntries {
				k.SetIterKey(iter)
				elem.SetIterValue(iter)
			} else {
				k, elem = iter.Key(), iter.Value()
			}
			key, err := x.key.enc(k)
			if err != nil {
				return nil, fail(err)
			}
			av, err := x.encodeElem(elem, l)
			if err != nil {
				return nil, at(key, err)
			}
			if av == nil {
				continue
			}
			if _, twice := m[key]; twice {
				return nil, fail(errTwoKeys)
			}
			m[key] = av
		}
		return &types.AttributeValueMemberM{Value: m}, nil
	}
	x.dec = x.decodeEntries
}
