package codec

import (
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"
)

// odd stores itself as whatever it holds.
type odd struct{ av types.AttributeValue }

func (o odd) MarshalDynamoDBAttributeValue() (types.AttributeValue, error) { return o.av, nil }

func (o *odd) UnmarshalDynamoDBAttributeValue(av types.AttributeValue) error {
	o.av = av
	return nil
}

// Members of a set that store themselves must store what the set holds.
func TestMembersOfTheWrongType(t *testing.T) {
	type set struct {
		SS []odd `dynamodbav:",stringset,omitempty"`
		NS []odd `dynamodbav:",numberset,omitempty"`
		BS []odd `dynamodbav:",binaryset,omitempty"`
	}
	p, err := Compile(reflect.TypeFor[set](), Options{})
	require.NoError(t, err)
	s, n, b := &types.AttributeValueMemberS{Value: "1"}, &types.AttributeValueMemberN{Value: "1"}, &types.AttributeValueMemberB{Value: []byte("1")}
	two := &types.AttributeValueMemberN{Value: "2.0"}
	all := []types.AttributeValue{s, n, b}
	for i, make := range []func(...odd) set{
		func(m ...odd) set { return set{SS: m} }, func(m ...odd) set { return set{NS: m} }, func(m ...odd) set { return set{BS: m} },
	} {
		for j, av := range all {
			v := make(odd{all[i]}, odd{av})
			_, err := p.Encode(reflect.ValueOf(v))
			if i == j {
				require.ErrorIs(t, err, ErrDuplicate)
			} else {
				require.Error(t, err)
				require.NotErrorIs(t, err, ErrDuplicate)
			}
			v = make(odd{av})
			it, err := p.Encode(reflect.ValueOf(v))
			require.Equal(t, i == j, err == nil)
			if err != nil {
				continue
			}
			var back set
			require.NoError(t, p.Decode(it, reflect.ValueOf(&back).Elem()))
			require.Equal(t, v, back)
		}
	}
	it, err := p.Encode(reflect.ValueOf(set{NS: []odd{{n}, {two}}}))
	require.NoError(t, err)
	var back set
	require.NoError(t, p.Decode(it, reflect.ValueOf(&back).Elem()))
	require.Equal(t, []string{"1", "2.0"}, []string{back.NS[0].av.(*types.AttributeValueMemberN).Value, back.NS[1].av.(*types.AttributeValueMemberN).Value}, "each keeps a value of its own")
	for _, bad := range []set{{NS: []odd{{&types.AttributeValueMemberN{Value: "x"}}}}, {NS: []odd{{n}, {&types.AttributeValueMemberN{Value: "1.0"}}}}, {SS: []odd{{nil}}}} {
		_, err := p.Encode(reflect.ValueOf(bad))
		require.Error(t, err)
	}
}

// Members that do not fit are named by their place.
func TestMembersThatDoNotFit(t *testing.T) {
	type set struct {
		NS []int8    `dynamodbav:",numberset"`
		BS [][2]byte `dynamodbav:",binaryset"`
	}
	p, err := Compile(reflect.TypeFor[set](), Options{})
	require.NoError(t, err)
	for name, av := range map[string]types.AttributeValue{
		"NS": &types.AttributeValueMemberNS{Value: []string{"1", "128"}}, "BS": &types.AttributeValueMemberBS{Value: [][]byte{{1, 2}, {1}}},
	} {
		err := p.Decode(map[string]types.AttributeValue{name: av}, reflect.New(p.Type).Elem())
		require.ErrorContains(t, err, name+"[1]")
	}
}

type upper string

func (u upper) MarshalText() ([]byte, error) { return []byte(strings.ToUpper(string(u))), nil }
func (u *upper) UnmarshalText(b []byte) error {
	*u = upper(strings.ToLower(string(b)))
	return nil
}

// Keys of maps are the whole range of their type, and nothing beyond.
func TestMapKeysOfEachType(t *testing.T) {
	for _, c := range []struct {
		key   any
		text  string
		wrong string // "" where there is none
	}{
		{"é", "é", ""},
		{true, "true", "yes"},
		{false, "false", "2"},
		{int8(-128), "-128", "128"},
		{int16(32767), "32767", "32768"},
		{int32(-1 << 31), "-2147483648", "2147483648"},
		{int64(math.MinInt64), "-9223372036854775808", "9223372036854775808"},
		{int(7), "7", "7.0"},
		{uint8(255), "255", "256"},
		{uint16(65535), "65535", "65536"},
		{uint32(math.MaxUint32), "4294967295", "4294967296"},
		{uint64(math.MaxUint64), "18446744073709551615", "18446744073709551616"},
		{uint(7), "7", "-1"},
		{float32(0.1), "0.1", "x"},
		{0.1, "0.1", "NaN"},
		{float32(16777216), "1.6777216e+07", "1e39"},
		{upper("ann"), "ANN", ""},
	} {
		typ := reflect.TypeOf(c.key)
		k, err := newKeyCodec(typ)
		require.NoError(t, err, typ)
		require.Equal(t, typ != reflect.TypeFor[upper](), k.plain, typ)
		text, err := k.enc(reflect.ValueOf(c.key))
		require.NoError(t, err)
		require.Equal(t, c.text, text, typ)
		back := reflect.New(typ).Elem()
		require.NoError(t, k.dec(text, back))
		require.Equal(t, c.key, back.Interface())
		if c.wrong != "" {
			require.Error(t, k.dec(c.wrong, back), typ)
		}
	}
	for _, typ := range []reflect.Type{reflect.TypeFor[struct{}](), reflect.TypeFor[*upper](), reflect.TypeFor[any](), reflect.TypeFor[[1]int](), reflect.TypeFor[complex64]()} {
		_, err := newKeyCodec(typ)
		require.ErrorContains(t, err, "map key type", typ)
	}
	floats, err := newKeyCodec(reflect.TypeFor[float32]())
	require.NoError(t, err)
	_, err = floats.enc(reflect.ValueOf(float32(math.NaN())))
	require.ErrorIs(t, err, errNotFinite)
	texts, err := newKeyCodec(reflect.TypeFor[string]())
	require.NoError(t, err)
	_, err = texts.enc(reflect.ValueOf(""))
	require.ErrorIs(t, err, errEmptyKey)
	_, err = texts.enc(reflect.ValueOf("\xff"))
	require.ErrorIs(t, err, ErrUTF8)
}

// A plan knows how many values of each type an item will need, so that they are made at once.
func TestPlansCount(t *testing.T) {
	type below struct {
		A string
		B int
		C bool
		D []string
		E string `dynamodbav:",omitempty"`
	}
	type above struct {
		X  string
		N  float64
		In below
		On []string `dynamodbav:",stringset"`
		P  *string
	}
	p, err := Compile(reflect.TypeFor[above](), Options{})
	require.NoError(t, err)
	require.Equal(t, []int{2, 2, 4}, []int{p.strings, p.numbers, p.others})
	require.Len(t, p.texts, 1)
	_, err = Compile(nil, Options{})
	require.ErrorContains(t, err, "no struct type")
	_, err = Compile(reflect.TypeFor[[]int](), Options{})
	require.ErrorContains(t, err, "no struct type")
	_, err = Compile(timeType, Options{})
	require.ErrorContains(t, err, "no struct type")
	_, err = Compile(bigIntType, Options{})
	require.ErrorContains(t, err, "no struct type")
}
