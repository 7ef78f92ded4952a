package codec

import (
	"reflect"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func decodeBool(av types.AttributeValue, dst reflect.Value, _ level) error {
	b, ok := av.(*types.AttributeValueMemberBOOL)
	if !ok {
		return mismatch("BOOL", av)
	}
	dst.SetBool(b.Value)
	return nil
}

func decodeString(av types.AttributeValue, dst reflect.Value, _ level) error {
	s, ok := av.(*types.AttributeValueMemberS)
	if !ok {
		return mismatch("S", av)
	}
	dst.SetString(s.Value)
	return nil
}

func decodeNumber(asString bool, set func(string, reflect.Value) error) func(types.AttributeValue, reflect.Value, level) error {
	return func(av types.AttributeValue, dst reflect.Value, _ level) error {
		var text string
		if asString {
			s, ok := av.(*types.AttributeValueMemberS)
			if !ok {
				return mismatch("S", av)
			}
			text = s.Value
		} else {
			n, ok := av.(*types.AttributeValueMemberN)
			if !ok {
				return mismatch("N", av)
			}
			text = n.Value
		}
		if err := set(text, dst); err != nil {
			return fail(err)
		}
		return nil
	}
}

func decodeBytes(av types.AttributeValue, dst reflect.Value, _ level) error {
	b, ok := av.(*types.AttributeValueMemberB)
	if !ok {
		return mismatch("B", av)
	}
	if dst.Kind() == reflect.Array {
		if dst.Len() != len(b.Value) {
			return failf("expected %d bytes, found %d", dst.Len(), len(b.Value))
		}
	} else {
		dst.Set(reflect.MakeSlice(dst.Type(), len(b.Value), len(b.Value)))
	}
	copy(dst.Bytes(), b.Value)
	return nil
}

// makeRoom gives dst n elements to set: a slice is made afresh, an array has as
// many or does not fit.
func makeRoom(dst reflect.Value, n int) error {
	if dst.Kind() == reflect.Array {
		if dst.Len() != n {
			return failf("expected %d elements, found %d", dst.Len(), n)
		}
		dst.SetZero()
		return nil
	}
	dst.Set(reflect.MakeSlice(dst.Type(), n, n))
	return nil
}

func (x *Value) decodeList(av types.AttributeValue, dst reflect.Value, l level) error {
	list, ok := av.(*types.AttributeValueMemberL)
	if !ok {
		return mismatch("L", av)
	}
	l, err := l.down()
	if err != nil {
		return err
	}
	if err := makeRoom(dst, len(list.Value)); err != nil {
		return err
	}
	for i, elem := range list.Value {
		if err := x.Elem.decode(elem, dst.Index(i), l); err != nil {
			return atIndex(i, err)
		}
	}
	return nil
}

func (x *Value) decodeEntries(av types.AttributeValue, dst reflect.Value, l level) error {
	m, ok := av.(*types.AttributeValueMemberM)
	if !ok {
		return mismatch("M", av)
	}
	l, err := l.down()
	if err != nil {
		return err
	}
	out := reflect.MakeMapWithSize(x.Type, len(m.Value))
	key, v := reflect.New(x.Type.Key()).Elem(), reflect.New(x.Type.Elem()).Elem()
	for name, elem := range m.Value {
		if !x.plainEntries {
			// User code may keep the address of what it fills.
			key, v = reflect.New(x.Type.Key()).Elem(), reflect.New(x.Type.Elem()).Elem()
		}
		if err := x.key.dec(name, key); err != nil {
			return at(name, err)
		}
		if err := x.Elem.decode(elem, v, l); err != nil {
			return at(name, err)
		}
		out.SetMapIndex(key, v)
	}
	if out.Len() != len(m.Value) {
		return fail(errTwoKeys)
	}
	dst.Set(out)
	return nil
}
