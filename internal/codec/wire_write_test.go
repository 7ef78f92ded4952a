package codec_test

import (
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/monotable/monotable/internal/avjson"
	"github.com/monotable/monotable/internal/codec"
)

// What is written as JSON is what comes by way of attribute values, refusals
// included, with or without the quick road.
func TestAppendJSONIsEncode(t *testing.T) {
	for i, plan := range wirePlans(t) {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			general, err := codec.CompileGeneral(plan.Type, codec.Options{})
			require.NoError(t, err)
			rapid.Check(t, func(rt *rapid.T) {
				v := drawValue(rt, plan.Type, 1)
				spoil(rt, v)
				omit := make([]bool, len(plan.Fields))
				for i := range omit {
					omit[i] = rapid.IntRange(0, 9).Draw(rt, "omit") == 0
				}
				requireSameJSON(rt, plan.Plan, v, nil)
				requireSameJSON(rt, plan.Plan, v, omit)
				requireSameJSON(rt, general, v, nil)
				requireSameJSON(rt, plan.Plan, reflect.ValueOf(v.Interface()), nil) // without an address
			})
		})
	}
}

func requireSameJSON(t require.TestingT, plan *codec.Plan, v reflect.Value, omit []bool) {
	before := `{"before":{"S":"x"}}`
	want, wantErr := plan.Encode(v)
	got, err := plan.AppendJSON([]byte(before+"{"), v, omit)
	if omit == nil {
		require.Equal(t, refusal(plan, wantErr), refusal(plan, err))
	}
	if wantErr != nil || err != nil {
		return
	}
	for i, f := range plan.Fields {
		if omit != nil && omit[i] {
			delete(want, f.Name)
		}
	}
	require.Equal(t, before, string(got[:len(before)]))
	read, err := sdkItem(append(got[len(before):], '}'))
	require.NoError(t, err, "%s", got)
	requireEqualItems(t, want, read)
}

// A bad field that is left out is no reason to refuse.
func TestAppendJSONOmits(t *testing.T) {
	type T struct {
		A, B string
		C    time.Time
	}
	plan := compile(t, reflect.TypeFor[T]())
	v := reflect.ValueOf(T{A: "\xff", B: "b", C: time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)})
	_, err := plan.AppendJSON(nil, v, nil)
	requireError(t, err, "A", codec.ErrUTF8)
	b, err := plan.AppendJSON(nil, v, []bool{true, false, true})
	require.NoError(t, err)
	require.Equal(t, `"B":{"S":"b"}`, string(b))
	b, err = plan.AppendJSON(nil, v, []bool{true, true, true})
	require.NoError(t, err)
	require.Empty(t, b)
	_, err = plan.AppendJSON(nil, v, []bool{true, true, false})
	requireError(t, err, "C", nil)
}

// Whatever nests counts as a level, on every road; a set does not.
func TestLevelsAreCounted(t *testing.T) {
	for _, leaf := range []struct {
		value any
		av    av
		nests bool
	}{
		{[]string{}, list(), true},
		{[]int{}, list(), true},
		{[1]int{}, list(num("0")), true},
		{map[string]string{}, object(item{}), true},
		{map[int]int{}, object(item{}), true},
		{point{}, object(item{"X": num("0"), "Y": num("0")}), true},
		{new([]int{}), list(), true},
		{any([]any{}), list(), true},
		{"x", str("x"), false},
		{[]byte("x"), bin('x'), false},
	} {
		for depth := 30; depth <= 33; depth++ {
			typ := reflect.StructOf([]reflect.StructField{{Name: "A", Type: reflect.TypeOf(leaf.value)}, {Name: "S", Type: textsType, Tag: `dynamodbav:",stringset"`}})
			v := reflect.New(typ).Elem()
			v.Field(0).Set(reflect.ValueOf(leaf.value))
			v.Field(1).Set(reflect.ValueOf([]string{"x"}))
			deep := item{"A": leaf.av, "S": strSet("x")}
			for range depth - 1 {
				typ = reflect.StructOf([]reflect.StructField{{Name: "A", Type: typ}})
				outer := reflect.New(typ).Elem()
				outer.Field(0).Set(v)
				v, deep = outer, item{"A": object(deep)}
			}
			plan := compile(t, typ)
			_, encodeErr := plan.Encode(v)
			_, appendErr := plan.AppendJSON(nil, v, nil)
			decodeErr := plan.Decode(deep, reflect.New(typ).Elem())
			readErr := fromWire(plan.Layout(), itemJSON(t, deep), reflect.New(typ).Elem())
			for i, err := range []error{encodeErr, appendErr, decodeErr, readErr} {
				if depth <= 31 || depth == 32 && !leaf.nests {
					require.NoError(t, err, "%T %d %d", leaf.value, depth, i)
				} else {
					require.ErrorIs(t, err, codec.ErrDepth, "%T %d %d", leaf.value, depth, i)
				}
			}
		}
	}
}

var textsType = reflect.TypeFor[[]string]()

// folded is a key that has its own idea of what it is stored as.
type folded string

func (f folded) MarshalText() ([]byte, error)     { return []byte(strings.ToLower(string(f))), nil }
func (f *folded) UnmarshalText(text []byte) error { *f = folded(text); return nil }

func TestAppendJSONOfOddElements(t *testing.T) {
	type T struct {
		Keys  map[folded]int
		Omit  []**int            `dynamodbav:",omitemptyelem"`
		OmitM map[string]**int   `dynamodbav:",omitemptyelem"`
		Sets  *[]string          `dynamodbav:",stringset"`
		Null  map[string]*string `dynamodbav:",nullemptyelem"`
		Names map[Name][]Name
	}
	plan := compile(t, reflect.TypeFor[T]())
	nothing, one := new(*int), new(new(1))
	for _, v := range []T{
		{Keys: map[folded]int{"A": 1, "a": 2}},
		{Keys: map[folded]int{"A": 1, "b": 2}},
		{Keys: map[folded]int{"": 1}},
		{Omit: []**int{nothing, one, nil, nothing, one}},
		{OmitM: map[string]**int{"a": nothing, "b": one, "c": nil}},
		{Sets: &[]string{}},
		{Sets: new([]string{"x", "x"})},
		{Null: map[string]*string{"a": new(""), "b": nil, "c": new("x")}},
		{Names: map[Name][]Name{"a": {"x", "\xff"}}},
		{Names: map[Name][]Name{"": {}}},
		{Names: map[Name][]Name{"\xff": {}}},
		{Names: map[Name][]Name{"a": nil, "b": {}}},
	} {
		requireSameJSON(t, plan, reflect.ValueOf(v), nil)
	}
}

// Numbers and times from JSON are those from attribute values, for every text.
func TestF082_NumbersFromJSON(t *testing.T) {
	type T struct {
		I   int64
		I8  int8
		U   uint64
		U16 uint16
		F   float64
		F32 float32
		S   int       `dynamodbav:",string"`
		T   time.Time `dynamodbav:",unixtime"`
	}
	plan := compile(t, reflect.TypeFor[T]())
	layout := plan.Layout()
	check := func(t require.TestingT, text string) {
		for _, f := range plan.Fields {
			it := item{f.Name: num(text)}
			if f.Name == "S" {
				it = item{f.Name: str(text)}
			}
			var want, got T
			wantErr := plan.Decode(it, reflect.ValueOf(&want).Elem())
			err := fromWire(layout, itemJSON(t, it), reflect.ValueOf(&got).Elem())
			require.Equal(t, wantErr, err)
			if err == nil {
				require.Equal(t, want, got, text)
			}
		}
	}
	for _, text := range []string{
		"0", "-0", "+1", "007", "-", "", "1.", ".5", "1e3", "1.0", "127", "128", "-128", "-129", "65535", "65536", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
		"-9223372036854775809", "18446744073709551615", "18446744073709551616", "999999999999999999", "-999999999999999999", "1000000000000000000", "9007199254740993",
		"0.1", "1e400", "1e125", "1e-130", "NaN", "0x10", "1_000", " 1", "123456789012345678901234567890123456789", "3.4028235677973366e+38", "16777217", "é", "4.000000715255737", // would be rounded twice
	} {
		check(t, text)
	}
	rapid.Check(t, func(rt *rapid.T) {
		check(rt, rapid.StringMatching(`[-+]?[0-9]{0,20}(\.[0-9]{0,21})?([eE][-+]?[0-9]{1,3})?`).Draw(rt, "text"))
	})
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		check(t, strconv.FormatInt(r.Int64()>>r.IntN(64), 10))
	}
}

func TestAppendJSONAllocations(t *testing.T) {
	plan := compile(t, reflect.TypeFor[user]())
	u := sampleUser(4711)
	v := reflect.ValueOf(&u).Elem()
	b, err := plan.AppendJSON(nil, v, nil)
	require.NoError(t, err)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if _, err := plan.AppendJSON(b[:0], v, nil); err != nil {
			t.Fatal(err)
		}
	}))
	it, _, err := (&avjson.Reader{Data: append(append([]byte{'{'}, b...), '}')}).Map(0)
	require.NoError(t, err)
	requireEqualItems(t, mustEncode(t, u), it)
}
