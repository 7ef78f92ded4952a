package codec_test

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"testing"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/internal/codec"
)

type (
	av   = types.AttributeValue
	item = map[string]av
)

func str(s string) av        { return &types.AttributeValueMemberS{Value: s} }
func num(s string) av        { return &types.AttributeValueMemberN{Value: s} }
func bin(b ...byte) av       { return &types.AttributeValueMemberB{Value: append([]byte{}, b...)} }
func boolean(b bool) av      { return &types.AttributeValueMemberBOOL{Value: b} }
func null() av               { return &types.AttributeValueMemberNULL{Value: true} }
func list(elems ...av) av    { return &types.AttributeValueMemberL{Value: append([]av{}, elems...)} }
func object(m item) av       { return &types.AttributeValueMemberM{Value: m} }
func strSet(s ...string) av  { return &types.AttributeValueMemberSS{Value: append([]string{}, s...)} }
func numSet(s ...string) av  { return &types.AttributeValueMemberNS{Value: s} }
func binSet(bs ...[]byte) av { return &types.AttributeValueMemberBS{Value: bs} }

// nested returns a scalar inside n lists.
func nested(n int) av {
	v := str("x")
	for range n {
		v = list(v)
	}
	return v
}

func compile(t testing.TB, typ reflect.Type) *codec.Plan {
	t.Helper()
	p, err := codec.Compile(typ, codec.Options{})
	require.NoError(t, err)
	return p
}

func encode(t testing.TB, v any) (item, error) {
	t.Helper()
	return compile(t, reflect.TypeOf(v)).Encode(reflect.ValueOf(v))
}

func mustEncode(t testing.TB, v any) item {
	t.Helper()
	it, err := encode(t, v)
	require.NoError(t, err)
	return it
}

// decode reads it into a new value of the type of zero.
func decode(t testing.TB, it item, zero any) (any, error) {
	t.Helper()
	dst := reflect.New(reflect.TypeOf(zero)).Elem()
	err := compile(t, dst.Type()).Decode(it, dst)
	return dst.Interface(), err
}

func mustDecode[T any](t testing.TB, it item) T {
	t.Helper()
	var zero T
	v, err := decode(t, it, zero)
	require.NoError(t, err)
	return v.(T)
}

// theirEncode is attributevalue's answer to encode, and theirDecode to decode. A
// panic is an error like any other.
func theirEncode(v any) (it item, err error) {
	defer recovered(&err)
	return attributevalue.MarshalMap(v)
}

func theirDecode(it item, zero any) (v any, err error) {
	defer recovered(&err)
	dst := reflect.New(reflect.TypeOf(zero))
	err = attributevalue.UnmarshalMap(it, dst.Interface())
	return dst.Elem().Interface(), err
}

func recovered(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("panic: %v", p)
	}
}

// here is the place of a test row, printed when it fails.
func here() string {
	_, file, line, _ := runtime.Caller(1)
	return fmt.Sprintf("%s:%d", file, line)
}

// requireError checks that err is a *codec.Error at path with this problem.
func requireError(t testing.TB, err error, path string, problem error) {
	t.Helper()
	var e *codec.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, path, e.Path)
	if problem != nil {
		require.ErrorIs(t, err, problem)
	}
}

// requireMismatch checks that err says at path what was expected and found.
func requireMismatch(t testing.TB, err error, path, expected, found string) {
	t.Helper()
	requireError(t, err, path, nil)
	var e *codec.TypeError
	require.ErrorAs(t, err, &e)
	require.Equal(t, codec.TypeError{Expected: expected, Found: found}, *e)
}

func requireEqualItems(t require.TestingT, want, got item) {
	if !codec.Equal(object(want), object(got)) {
		require.Equal(t, want, got)
		require.Fail(t, "items are not equal")
	}
}

// fieldErrors takes the error of Compile apart.
func fieldErrors(err error) []*codec.FieldError {
	var out []*codec.FieldError
	var walk func(error)
	walk = func(err error) {
		if fe, ok := err.(*codec.FieldError); ok {
			out = append(out, fe)
			return
		}
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			for _, e := range joined.Unwrap() {
				walk(e)
			}
		}
	}
	walk(err)
	return out
}

var errUser = errors.New("a text with the secret value in it")
