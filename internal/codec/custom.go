package codec

import (
	"errors"
	"reflect"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable/internal/usercode"
)

var (
	marshalerType   = reflect.TypeFor[attributevalue.Marshaler]()
	unmarshalerType = reflect.TypeFor[attributevalue.Unmarshaler]()

	errMarshaledNil = errors.New("MarshalDynamoDBAttributeValue returned nil")
)

// isMarshaler reports whether t, or a pointer to it, marshals itself. Pointers
// and interfaces do not: they are followed first, so nil never gets there.
func isMarshaler(t reflect.Type) bool   { return hasMethods(t, marshalerType) }
func isUnmarshaler(t reflect.Type) bool { return hasMethods(t, unmarshalerType) }
func hasMethods(t, iface reflect.Type) bool {
	if t.Kind() == reflect.Pointer || t.Kind() == reflect.Interface {
		return false
	}
	return t.Implements(iface) || reflect.PointerTo(t).Implements(iface)
}

// addressable returns v, or a copy of it, so that pointer methods can be called.
// attributevalue silently does without them where it cannot take an address.
func addressable(v reflect.Value) reflect.Value {
	if v.CanAddr() {
		return v
	}
	p := reflect.New(v.Type()).Elem()
	p.Set(v)
	return p
}

func encodeCustom(t reflect.Type) func(reflect.Value, level) (types.AttributeValue, error) {
	byValue := t.Implements(marshalerType)
	nilable := t.Kind() == reflect.Slice || t.Kind() == reflect.Map
	return func(v reflect.Value, l level) (types.AttributeValue, error) {
		if nilable && v.IsNil() {
			return nil, nil
		}
		if !byValue {
			v = addressable(v).Addr()
		}
		av, err := v.Interface().(attributevalue.Marshaler).MarshalDynamoDBAttributeValue()
		if err != nil {
			return nil, fail(&usercode.Error{Method: "MarshalDynamoDBAttributeValue", Err: err})
		}
		if isNil(av) {
			return nil, fail(errMarshaledNil)
		}
		if err := check(av, l); err != nil {
			return nil, err
		}
		return Copy(av), nil // it may be a part of v
	}
}

func decodeCustom(av types.AttributeValue, dst reflect.Value, _ level) error {
	dst.SetZero()
	err := dst.Addr().Interface().(attributevalue.Unmarshaler).UnmarshalDynamoDBAttributeValue(av)
	if err != nil {
		return fail(&usercode.Error{Method: "UnmarshalDynamoDBAttributeValue", Err: err})
	}
	return nil
}
