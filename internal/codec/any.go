package codec

import (
	"bytes"
	"fmt"
	"reflect"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// dynamicValue is the compiled value of a type found in an interface, or why
// there is none.
type dynamicValue struct {
	value *Value
	err   error
}

// dynamic compiles a type that only a value told. Two callers may do so at once;
// both results are right.
func (p *program) dynamic(t reflect.Type, place placement) (*Value, error) {
	key := valueKey{t, place}
	if d, ok := p.held.Load(key); ok {
		known := d.(*dynamicValue)
		return known.value, known.err
	}
	c := newCompiler(p, Options{})
	d := &dynamicValue{value: c.value(t, place, "")}
	if err := c.finish(); err != nil {
		d.err = fmt.Errorf("type %s found in an interface cannot be stored: %w", t, err)
	}
	p.held.Store(key, d)
	return d.value, d.err
}

func (x *Value) buildAny() {
	x.Kind = Any
	place := x.placement
	place.nullEmpty = false
	x.enc = func(v reflect.Value, l level) (types.AttributeValue, error) {
		if v.IsNil() {
			return nil, nil
		}
		v = v.Elem()
		held, err := x.prog.dynamic(v.Type(), place)
		if err != nil {
			return nil, fail(err)
		}
		l, err = l.hop()
		if err != nil {
			return nil, err
		}
		return held.encode(v, l)
	}
	x.dec = func(av types.AttributeValue, dst reflect.Value, l level) error {
		held, err := decodeAny(av, l)
		if err != nil {
			return err
		}
		dst.Set(reflect.ValueOf(held))
		return nil
	}
}

// decodeAny returns what attributevalue puts into an interface, except that a
// number stays a decimal text instead of becoming the nearest float64.
func decodeAny(av types.AttributeValue, l level) (any, error) {
	if isNil(av) {
		return nil, fail(ErrNil)
	}
	switch av := av.(type) {
	case *types.AttributeValueMemberS:
		return av.Value, nil
	case *types.AttributeValueMemberN:
		return anyNumber(av.Value)
	case *types.AttributeValueMemberB:
		return append([]byte{}, av.Value...), nil
	case *types.AttributeValueMemberBOOL:
		return av.Value, nil
	case *types.AttributeValueMemberNULL:
		return nil, nil
	case *types.AttributeValueMemberL:
		l, err := l.down()
		if err != nil {
			return nil, err
		}
		list := make([]any, len(av.Value))
		for i, elem := range av.Value {
			v, err := decodeAny(elem, l)
			if err != nil {
				return nil, atIndex(i, err)
			}
			list[i] = v
		}
		return list, nil
	case *types.AttributeValueMemberM:
		l, err := l.down()
		if err != nil {
			return nil, err
		}
		m := make(map[string]any, len(av.Value))
		for name, elem := range av.Value {
			v, err := decodeAny(elem, l)
			if err != nil {
				return nil, at(name, err)
			}
			m[name] = v
		}
		return m, nil
	case *types.AttributeValueMemberSS:
		return append([]string{}, av.Value...), nil
	case *types.AttributeValueMemberNS:
		set := make([]attributevalue.Number, len(av.Value))
		for i, s := range av.Value {
			n, err := anyNumber(s)
			if err != nil {
				return nil, atIndex(i, err)
			}
			set[i] = n
		}
		return set, nil
	case *types.AttributeValueMemberBS:
		set := make([][]byte, len(av.Value))
		for i, b := range av.Value {
			set[i] = bytes.Clone(b)
		}
		return set, nil
	}
	return nil, mismatch("a known type", av)
}

func anyNumber(s string) (attributevalue.Number, error) {
	if err := CheckNumber(s); err != nil {
		return "", fail(err)
	}
	return attributevalue.Number(s), nil
}
