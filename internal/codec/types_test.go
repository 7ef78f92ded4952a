package codec_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Types with methods that several tests use.

type loop struct{ Next *loop }

// byPointer marshals itself by pointer methods.
type byPointer struct{ N int }

func (b *byPointer) MarshalDynamoDBAttributeValue() (av, error) {
	return str(fmt.Sprintf("<%d>", b.N)), nil
}

func (b *byPointer) UnmarshalDynamoDBAttributeValue(v av) error {
	s, ok := v.(*types.AttributeValueMemberS)
	if !ok {
		return errors.New("not a string")
	}
	n, err := strconv.Atoi(strings.Trim(s.Value, "<>"))
	b.N = n
	return err
}

// byValue marshals itself by a value method, of a kind that is not the stored one.
type byValue int

func (b byValue) MarshalDynamoDBAttributeValue() (av, error) {
	return str("v" + strconv.Itoa(int(b))), nil
}

func (b *byValue) UnmarshalDynamoDBAttributeValue(v av) error {
	s, ok := v.(*types.AttributeValueMemberS)
	if !ok {
		return errors.New("not a string")
	}
	n, err := strconv.Atoi(strings.TrimPrefix(s.Value, "v"))
	*b = byValue(n)
	return err
}

type marshalsNil int

func (marshalsNil) MarshalDynamoDBAttributeValue() (av, error) { return nil, nil }

type marshalsTypedNil int

func (marshalsTypedNil) MarshalDynamoDBAttributeValue() (av, error) {
	return (*types.AttributeValueMemberS)(nil), nil
}

type marshalsBadNumber struct{}

func (marshalsBadNumber) MarshalDynamoDBAttributeValue() (av, error) { return num("many"), nil }

type marshalFails struct{}

func (marshalFails) MarshalDynamoDBAttributeValue() (av, error) { return nil, errUser }
func (*marshalFails) UnmarshalDynamoDBAttributeValue(av) error  { return errUser }

type marshalPanics struct{}

func (marshalPanics) MarshalDynamoDBAttributeValue() (av, error) { panic("mine") }
func (*marshalPanics) UnmarshalDynamoDBAttributeValue(av) error  { panic("mine") }

// onlyMarshals and onlyUnmarshals have one of the two methods.
type onlyMarshals string

func (o onlyMarshals) MarshalDynamoDBAttributeValue() (av, error) { return str("m:" + string(o)), nil }

type onlyUnmarshals string

func (o *onlyUnmarshals) UnmarshalDynamoDBAttributeValue(v av) error {
	*o = onlyUnmarshals("u:" + v.(*types.AttributeValueMemberS).Value)
	return nil
}

// wholeSet records what its unmarshaler was given.
type wholeSet string

func (w *wholeSet) UnmarshalDynamoDBAttributeValue(v av) error {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		*w = wholeSet("S " + v.Value)
	case *types.AttributeValueMemberSS:
		*w = wholeSet("SS " + v.Value[0])
	}
	return nil
}

// color is a number with a String method.
type color int

func (c color) String() string { return map[color]string{1: "color one", 2: "color two"}[c] }

// oneName is a map key whose text is always the same.
type oneName struct{ N int }

func (oneName) MarshalText() ([]byte, error)  { return []byte("x"), nil }
func (*oneName) UnmarshalText(b []byte) error { return nil }

// textKey is a map key that marshals itself as text.
type textKey struct{ S string }

func (k textKey) MarshalText() ([]byte, error)     { return []byte(k.S), nil }
func (k *textKey) UnmarshalText(text []byte) error { k.S = string(text); return nil }

// untyped is a string inside n lists.
func untyped(n int) any {
	var v any = "x"
	for range n {
		v = []any{v}
	}
	return v
}
