package codec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/internal/avjson"
)

// What the quick roads lead to, the general ones lead to as well, only slower. So these tests look at which is taken.

type (
	marked  string
	ownTime time.Time
	spelled struct{ text string }
)

func (s spelled) MarshalText() ([]byte, error) { return []byte(s.text), nil }
func (s *spelled) UnmarshalText(b []byte) error {
	s.text = string(b)
	return nil
}

func (s spelled) MarshalDynamoDBAttributeValue() (types.AttributeValue, error) {
	return &types.AttributeValueMemberS{Value: s.text}, nil
}

func (s *spelled) UnmarshalDynamoDBAttributeValue(av types.AttributeValue) error {
	s.text = av.(*types.AttributeValueMemberS).Value
	return nil
}

type roads struct {
	Bool     bool
	String   string
	Marked   marked
	Int      int
	Int8     int8
	Int16    int16
	Int32    int32
	Int64    int64
	Uint     uint
	Uint8    uint8
	Uint16   uint16
	Uint32   uint32
	Uint64   uint64
	Float32  float32
	Float64  float64
	Text     json.Number
	Numbered int `dynamodbav:",string"`
	Time     time.Time
	OwnTime  ownTime
	Unix     time.Time `dynamodbav:",unixtime"`
	Bytes    []byte
	Array    [2]byte
	Texts    []string
	TextSet  []string  `dynamodbav:",stringset"`
	IntSet   []int     `dynamodbav:",numberset"`
	ByteSet  [][]byte  `dynamodbav:",binaryset"`
	MarkSet  []marked  `dynamodbav:",stringset"`
	UserSet  []spelled `dynamodbav:",stringset"`
	Ints     []int
	TextMap  map[string]string
	IntMap   map[string]int
	ByInt    map[int]string
	ByUser   map[spelled]int
	Inner    struct{ A int }
	Pointer  *string
	Far      **int
	Any      any
	Big      big.Int
	User     spelled
	UserPtr  *spelled
	UserList []spelled
	AnyPtr   *any
	InUser   struct{ A spelled }
	Loop     *loop
}

type loop struct {
	Next *loop
	User []spelled
}

func TestWireLayouts(t *testing.T) {
	p, err := Compile(reflect.TypeFor[roads](), Options{})
	require.NoError(t, err)
	layout := p.Layout()
	want := map[string]struct {
		op   wireOp
		open string
		size int
	}{
		"Bool": {wireBool, `{"BOOL":`, 0}, "String": {wireString, `{"S":"`, 0}, "Marked": {wireString, `{"S":"`, 0},
		"Int": {wireInt, `{"N":"`, 64}, "Int8": {wireInt, `{"N":"`, 8}, "Int16": {wireInt, `{"N":"`, 16}, "Int32": {wireInt, `{"N":"`, 32}, "Int64": {wireInt, `{"N":"`, 64},
		"Uint": {wireUint, `{"N":"`, 64}, "Uint8": {wireUint, `{"N":"`, 8}, "Uint16": {wireUint, `{"N":"`, 16}, "Uint32": {wireUint, `{"N":"`, 32}, "Uint64": {wireUint, `{"N":"`, 64},
		"Float32": {wireFloat, `{"N":"`, 32}, "Float64": {wireFloat, `{"N":"`, 64}, "Text": {wireNumberText, `{"N":"`, 0}, "Numbered": {wireInt, `{"S":"`, 64},
		"Time": {wireTime, `{"S":"`, 0}, "OwnTime": {wireTime, `{"S":"`, 0}, "Unix": {wireUnixTime, `{"N":"`, 0},
		"Bytes": {wireBytes, `{"B":"`, 0}, "Array": {wireBytes, `{"B":"`, 0}, "Texts": {wireTexts, `{"L":[`, 0}, "TextSet": {wireTextSet, `{"SS":[`, 0},
		"IntSet": {wireMembers, `{"NS":[`, 0}, "ByteSet": {wireMembers, `{"BS":[`, 0}, "MarkSet": {wireMembers, `{"SS":[`, 0}, "UserSet": {wireLater, "", 0},
		"Ints": {wireList, `{"L":[`, 0}, "TextMap": {wireTextMap, `{"M":{`, 0}, "IntMap": {wireMap, `{"M":{`, 0}, "ByInt": {wireMap, `{"M":{`, 0}, "ByUser": {wireLater, "", 0},
		"Inner": {wireStructOp, `{"M":{`, 0}, "Pointer": {wirePointer, `{"S":"`, 0}, "Far": {wirePointer, `{"N":"`, 0}, "Any": {wireGeneral, "", 0}, "Big": {wireGeneral, "", 0},
		"User": {wireLater, "", 0}, "UserPtr": {wireLater, "", 0}, "UserList": {wireList, `{"L":[`, 0}, "AnyPtr": {wireGeneral, "", 0},
		"InUser": {wireStructOp, `{"M":{`, 0}, "Loop": {wirePointer, `{"M":{`, 0},
	}
	userCode := map[string]bool{"UserSet": true, "ByUser": true, "User": true, "UserPtr": true, "UserList": true, "InUser": true, "Loop": true}
	require.Len(t, p.Fields, len(want))
	for i, f := range layout.root.fields {
		name := p.Fields[i].Name
		require.Equal(t, want[name].op, f.value.op, name)
		require.Equal(t, want[name].open, f.value.open, name)
		require.Equal(t, want[name].size, f.value.size, name)
		require.Equal(t, userCode[name], f.value.userCode, name)
		require.Equal(t, name == "Time" || name == "Unix", f.value.isTime, name)
		require.Equal(t, strconv.Quote(name)+":"+want[name].open, f.prefix)
	}
}

// Each plain value is read while the reply is read: nothing is left for Into.
func TestPlainFieldsAreNotLate(t *testing.T) {
	type plain struct {
		B     bool
		S     string
		I     int8
		U     uint16
		F     float32
		G     float64
		N     json.Number
		T     time.Time
		X     time.Time `dynamodbav:",unixtime"`
		Bin   []byte
		Arr   [2]byte
		L     []string
		SS    []string `dynamodbav:",stringset"`
		NS    []int    `dynamodbav:",numberset"`
		BS    [][]byte `dynamodbav:",binaryset"`
		Ints  []int
		M     map[string]string
		IM    map[string]int
		In    struct{ A, B int }
		P     *string
		Empty []int
	}
	p, err := Compile(reflect.TypeFor[plain](), Options{})
	require.NoError(t, err)
	x := "x"
	v := plain{
		true, "é", -128, 65535, 1.5, -2.25, "1.5", time.Unix(1, 2).UTC(), time.Unix(-3, 0).UTC(),
		[]byte{1},
		[2]byte{1, 2},
		[]string{"a", ""},
		[]string{"b"},
		[]int{-1, 2},
		[][]byte{{1}, {}},
		[]int{0, math.MaxInt64, math.MinInt64},
		map[string]string{"k": "v"},
		map[string]int{"k": 1},
		struct{ A, B int }{1, 2},
		&x,
		[]int{},
	}
	it, err := p.Encode(reflect.ValueOf(v))
	require.NoError(t, err)
	b, err := avjson.AppendItem(nil, it)
	require.NoError(t, err)
	var spaced bytes.Buffer
	require.NoError(t, json.Indent(&spaced, b, " ", "\t"))
	for _, text := range []string{string(b), spaced.String()} {
		page := p.Layout().Page(&avjson.Reader{Data: []byte(text)}, 1)
		end, err := page.Read(0)
		require.NoError(t, err)
		require.Equal(t, len(text), end)
		require.False(t, page.items[0].whole)
		require.Empty(t, page.late, text)
		var back plain
		require.NoError(t, page.Into(0, reflect.ValueOf(&back).Elem()))
		require.Equal(t, v, back)
	}
}

func TestTheQuickRoadIsTaken(t *testing.T) {
	p, err := Compile(reflect.TypeFor[roads](), Options{})
	require.NoError(t, err)
	s := func(v string) types.AttributeValue { return &types.AttributeValueMemberS{Value: v} }
	n := func(v string) types.AttributeValue { return &types.AttributeValueMemberN{Value: v} }
	nothing := []types.AttributeValue{
		nil, (*types.AttributeValueMemberS)(nil), (*types.AttributeValueMemberN)(nil), (*types.AttributeValueMemberBOOL)(nil), (*types.AttributeValueMemberB)(nil),
		(*types.AttributeValueMemberSS)(nil), (*types.AttributeValueMemberL)(nil), &types.AttributeValueMemberNULL{Value: true}, &types.AttributeValueMemberNS{Value: []string{"1"}},
	}
	for name, c := range map[string]struct {
		av   types.AttributeValue
		want any // nil where the general road is needed
	}{
		"Bool": {&types.AttributeValueMemberBOOL{Value: true}, true}, "String": {s("x"), "x"}, "Int": {n("-7"), -7}, "Int8": {n("-128"), int8(-128)}, "Int16": {n("1"), int16(1)},
		"Int32": {n("1"), int32(1)}, "Int64": {n("1"), int64(1)}, "Uint": {n("1"), uint(1)}, "Uint8": {n("255"), uint8(255)}, "Uint16": {n("1"), uint16(1)}, "Uint32": {n("1"), uint32(1)},
		"Uint64": {n("18446744073709551615"), uint64(math.MaxUint64)}, "Float64": {n("-0.25"), -0.25}, "Time": {s("2026-11-21T12:00:00.000000001Z"), time.Date(2026, 11, 21, 12, 0, 0, 1, time.UTC)},
		"Unix": {n("-3"), time.Unix(-3, 0).UTC()}, "Bytes": {&types.AttributeValueMemberB{Value: []byte{1}}, []byte{1}},
		"Texts": {&types.AttributeValueMemberL{Value: []types.AttributeValue{s("a"), s("")}}, []string{"a", ""}}, "TextSet": {&types.AttributeValueMemberSS{Value: []string{"a"}}, []string{"a"}},
		"Numbered": {s("1"), nil}, "Text": {n("1"), nil}, "Big": {n("1"), nil}, "User": {s("x"), nil}, "Any": {s("x"), nil},
	} {
		x := p.Field(name).Value
		dst := reflect.New(x.Type).Elem()
		require.Equal(t, c.want != nil, x.quick(c.av, dst), name)
		if c.want != nil {
			require.Equal(t, c.want, dst.Interface(), name)
		}
		for _, av := range nothing {
			dst.SetZero()
			require.False(t, x.quick(av, dst), "%s %T", name, av)
			require.True(t, dst.IsZero())
		}
	}
	texts := p.Field("Texts").Value
	require.False(t, texts.quick(&types.AttributeValueMemberL{Value: []types.AttributeValue{s("a"), n("1")}}, reflect.New(texts.Type).Elem()))
	require.False(t, texts.quick(&types.AttributeValueMemberL{Value: []types.AttributeValue{(*types.AttributeValueMemberS)(nil)}}, reflect.New(texts.Type).Elem()))
	require.False(t, texts.quick(&types.AttributeValueMemberSS{Value: []string{"a"}}, reflect.New(texts.Type).Elem()), "a set is no list")
}

// What parseTime takes, time.Parse reads so; and it takes every time of its format.
func TestParseTimeIsExact(t *testing.T) {
	check := func(s string) {
		at, ok := parseTime(s)
		want, err := time.Parse(time.RFC3339Nano, s)
		exact := err == nil && len(s) == len(TimeFormat) && s[10] == 'T' && s[19] == '.' && s[29] == 'Z'
		require.Equal(t, exact, ok, "%s %v", s, err)
		if ok {
			require.Equal(t, want, at, s)
			b, ok := appendTime(nil, at)
			require.True(t, ok)
			require.Equal(t, s, string(b))
		}
	}
	for _, year := range []int{2024, 2023, 1900, 2000, 0, 9999} {
		for month := range 14 {
			for day := range 33 {
				check(fmt.Sprintf("%04d-%02d-%02dT12:34:56.789012345Z", year, month, day))
			}
		}
	}
	for n := range 100 {
		check(fmt.Sprintf("2024-02-29T%02d:59:59.999999999Z", n))
		check(fmt.Sprintf("2024-02-29T23:%02d:59.000000000Z", n))
		check(fmt.Sprintf("2024-02-29T23:59:%02d.100000000Z", n))
	}
	const good = "2024-02-29T23:59:58.123456789Z"
	for i := range good {
		for _, c := range "/0159:;-.TZ x" {
			check(good[:i] + string(c) + good[i+1:])
		}
	}
	check(good[:29])
	check(good + "Z")
}

func TestDigitsAreTakenIfTheyFit(t *testing.T) {
	for _, bits := range []int{8, 16, 32, 64} {
		limit := int64(1)<<(bits-1) - 1
		for _, n := range []int64{0, 1, 9, 10, -1, -9, 127, 128, -128, -129, 32767, 32768, -32768, -32769, limit, -limit - 1, 999_999_999_999_999_999, -999_999_999_999_999_999} {
			text := strconv.FormatInt(n, 10)
			page := &Page{r: &avjson.Reader{Data: []byte(`"` + text + `"}`)}}
			got, end, ok := page.digits(1, bits)
			fits := n <= limit && n >= -limit-1 && len(strings.TrimPrefix(text, "-")) <= 18
			require.Equal(t, fits, ok, "%d in %d bits", n, bits)
			if ok {
				require.Equal(t, n, got)
				require.Equal(t, len(text)+2, end)
			}
		}
	}
	for _, text := range []string{``, `"`, `-`, `-"`, `1`, `1.0"`, `1e3"`, `+1"`, `:"`, `/"`, `1000000000000000000"`, `-1000000000000000000"`, `--1"`} {
		_, _, ok := (&Page{r: &avjson.Reader{Data: []byte(text)}}).digits(0, 64)
		require.False(t, ok, text)
	}
}

func TestExactFloats(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 5)) //nolint:gosec // a test
	for places := range 19 {
		for range 200 {
			digits := strconv.FormatInt(dice.Int64N([]int64{10, 1000, 1 << 53}[dice.IntN(3)]), 10)
			if places > 0 {
				digits = strings.Repeat("0", max(places+1-len(digits), 0)) + digits
				digits = digits[:len(digits)-places] + "." + digits[len(digits)-places:]
			}
			if dice.IntN(2) == 0 {
				digits = "-" + digits
			}
			want, err := strconv.ParseFloat(digits, 64)
			require.NoError(t, err)
			got, ok := exactFloat(digits)
			require.Equal(t, len(strings.TrimPrefix(digits, "-")) <= 20, ok, digits)
			if ok {
				require.Equal(t, math.Float64bits(want), math.Float64bits(got), digits)
			}
		}
	}
	for _, s := range []string{"", "-", ".", "1.", ".5", "1..2", "1e3", "+1", "1:", "1/", "9007199254740993", "12345678901234567890", "123456789012345678901"} {
		if f, ok := exactFloat(s); ok {
			want, err := strconv.ParseFloat(s, 64)
			require.NoError(t, err, s)
			require.Equal(t, want, f, s)
		}
	}
	for _, f := range []float64{0, 0.5, 1, 19.99, -12.345678, 999_999_999.5, 0.000001, 1e9 - 1, 100} {
		b, ok := appendShort(nil, f)
		require.True(t, ok, f)
		require.Equal(t, strconv.FormatFloat(f, 'f', -1, 64), string(b))
	}
	for _, f := range []float64{1e9, 1e300, math.NaN(), math.Inf(1), 1.0 / 3, 1e-7, 0.1234567} {
		_, ok := appendShort(nil, f)
		require.False(t, ok, f)
	}
	for f, ok := range map[float64]bool{1e125: true, 9.9e125: true, 1e126: false, -1e126: false, 1e-130: true, 9e-131: false} {
		text, err := formatFloat(f, 64)
		require.Equal(t, ok, err == nil, f)
		b, took := appendFloat(nil, f)
		require.Equal(t, ok, took)
		require.Equal(t, text, string(b))
	}
}

// Numbers in every decimal form are whole or not, in range or not, whatever the road.
func TestWholeNumbersInEveryForm(t *testing.T) {
	for text, want := range map[string]error{
		"1e2": nil, "1.0": nil, "-1.20e1": nil, "127": nil, "-128": nil, "1.27e2": nil, "0.1": errFraction, "1e-1": errFraction, "128": errOverflow, "1.28e2": errOverflow, "-129": errOverflow, "x": ErrNumber, "": ErrNumber,
	} {
		_, err := parseInt(text, 8)
		require.ErrorIs(t, err, want, text)
	}
	for text, want := range map[string]error{"1e2": nil, "2.55e2": nil, "2.56e2": errOverflow, "-1": errOverflow, "0.5": errFraction, "x": ErrNumber} {
		_, err := parseUint(text, 8)
		require.ErrorIs(t, err, want, text)
	}
}
