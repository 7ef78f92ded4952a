package codec_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/internal/codec"
)

func TestF078_InvalidUTF8(t *testing.T) {
	const bad = "k\xff"
	for _, row := range []struct {
		value any
		path  string
	}{
		{struct{ S string }{bad}, "S"},
		{struct{ N Name }{bad}, "N"},
		{struct{ P *string }{new(bad)}, "P"},
		{struct{ L []string }{[]string{"ok", bad}}, "L[1]"},
		{struct{ M map[string]int }{map[string]int{bad: 1}}, "M"},
		{struct{ M map[string]any }{map[string]any{"a": []any{bad}}}, "M.a[0]"},
		{struct {
			S []string `dynamodbav:"set,stringset"`
		}{[]string{bad}}, "set[0]"},
		{struct {
			Base `dynamodbav:"base"`
		}{Base{ID: bad}}, "base.ID"},
		{struct{ C byRaw }{bad}, "C"},
	} {
		_, err := encode(t, row.value)
		requireError(t, err, row.path, codec.ErrUTF8)
		require.NotContains(t, err.Error(), "\xff")
	}

	// Everything that is UTF-8 stays as it is.
	for _, s := range []string{"", "\x00", "\x1b\n", " a ", "\u00c4", "A\u0308", "\ufffd", "\U0001f600"} {
		require.Equal(t, item{"S": str(s)}, mustEncode(t, struct{ S string }{s}))
		require.Equal(t, s, mustDecode[struct{ S string }](t, item{"S": str(s)}).S)
	}
	_, err := codec.Compile(reflect.TypeFor[struct {
		S string `dynamodbav:"\xff"`
	}](), codec.Options{})
	require.ErrorIs(t, err, codec.ErrUTF8)
}

// byRaw marshals itself as a string that may be anything.
type byRaw string

func (r byRaw) MarshalDynamoDBAttributeValue() (av, error) { return str(string(r)), nil }

func TestF083_ZeroIsNotAbsent(t *testing.T) {
	type T struct {
		S string         `dynamodbav:",omitempty"`
		I int            `dynamodbav:",omitempty"`
		B bool           `dynamodbav:",omitempty"`
		L []int          `dynamodbav:",omitempty"`
		M map[string]int `dynamodbav:",omitempty"`
		T time.Time      `dynamodbav:",omitempty"`
	}
	plan := compile(t, reflect.TypeFor[T]())
	require.Empty(t, mustEncode(t, T{}))
	require.Equal(t, item{"L": list(), "M": object(item{})}, mustEncode(t, T{L: []int{}, M: map[string]int{}}))

	// A value by itself is written whatever the tag says of an item.
	zero := reflect.ValueOf(T{L: []int{}, M: map[string]int{}})
	want := item{
		"S": str(""), "I": num("0"), "B": boolean(false), "L": list(), "M": object(item{}),
		"T": str("0001-01-01T00:00:00.000000000Z"),
	}
	for name, expected := range want {
		f := plan.Field(name)
		require.True(t, f.OmitEmpty)
		fv, ok := f.Get(zero)
		require.True(t, ok)
		got, err := f.Value.Encode(fv)
		require.NoError(t, err)
		require.Equal(t, expected, got)
	}
}

func TestF084_NilAndEmpty(t *testing.T) {
	type T struct {
		S []string
		M map[string]int
		B []byte
		L [][]int
		P *string
		A any
		N []int  `dynamodbav:",nullempty"`
		E []*int `dynamodbav:",omitemptyelem"`
	}
	one := 1
	for _, v := range []T{
		{},
		{S: []string{}, M: map[string]int{}, B: []byte{}, L: [][]int{nil, {}}, P: new(""), A: "", N: []int{}, E: []*int{}},
	} {
		require.Equal(t, v, mustDecode[T](t, mustEncode(t, v)))
	}
	require.Equal(t, item{"N": null()}, mustEncode(t, T{}))
	require.Equal(t, item{"N": null(), "E": list(num("1"))}, mustEncode(t, T{E: []*int{nil, &one}}))
	require.Equal(t, list(null(), list()), mustEncode(t, T{L: [][]int{nil, {}}})["L"])
	require.Equal(t, T{}, mustDecode[T](t, item{"S": null(), "M": null(), "B": null(), "P": null(), "A": null()}))
}

func TestF085_Sets(t *testing.T) {
	type T struct {
		S []string                `dynamodbav:",stringset"`
		N []attributevalue.Number `dynamodbav:",numberset"`
		B [][]byte
		P *[]int    `dynamodbav:",numberset,omitempty"`
		Q []*Name   `dynamodbav:",stringset"`
		C []byValue `dynamodbav:",stringset,nullempty"`
	}
	require.Equal(t, item{"C": null()}, mustEncode(t, T{S: []string{}, N: []attributevalue.Number{}, B: [][]byte{}, P: &[]int{}}))
	a := Name("a")
	v := T{
		S: []string{"b", "", "a"}, N: []attributevalue.Number{"3", "-1.5"}, B: [][]byte{{}, {1}}, P: &[]int{7}, Q: []*Name{&a}, C: []byValue{1, 2},
	}
	it := mustEncode(t, v)
	require.Equal(t, item{
		"S": strSet("b", "", "a"), "N": numSet("3", "-1.5"), "B": binSet([]byte{}, []byte{1}), "P": numSet("7"), "Q": strSet("a"), "C": strSet("v1", "v2"),
	}, it)
	require.Equal(t, v, mustDecode[T](t, it))

	for _, row := range []struct {
		value T
		path  string
		err   error
	}{
		{T{S: []string{"a", "b", "a"}}, "S[2]", codec.ErrDuplicate},
		{T{N: []attributevalue.Number{"1", "1.0"}}, "N[1]", codec.ErrDuplicate},
		{T{N: []attributevalue.Number{"0", "-0.0E5"}}, "N[1]", codec.ErrDuplicate},
		{T{B: [][]byte{{}, {}}}, "B[1]", codec.ErrDuplicate},
		{T{B: [][]byte{nil}}, "B[0]", codec.ErrNil},
		{T{Q: []*Name{&a, nil}}, "Q[1]", codec.ErrNil},
		{T{C: []byValue{1, 1}}, "C[1]", codec.ErrDuplicate},
	} {
		_, err := encode(t, row.value)
		requireError(t, err, row.path, row.err)
	}
	_, err := encode(t, struct {
		S []any `dynamodbav:",stringset"`
	}{[]any{"a", 1}})
	requireMismatch(t, err, "S[1]", "S", "N")
}

func TestF086_NilAttributeValues(t *testing.T) {
	for _, row := range []struct {
		av   av
		path string
	}{
		{nil, "a"},
		{(*types.AttributeValueMemberS)(nil), "a"},
		{(*types.UnknownUnionMember)(nil), "a"},
		{&types.AttributeValueMemberB{}, "a"},
		{&types.AttributeValueMemberL{}, "a"},
		{&types.AttributeValueMemberM{}, "a"},
		{list(str(""), nil), "a[1]"},
		{object(item{"b": list(&types.AttributeValueMemberB{})}), "a.b[0]"},
		{binSet([]byte{1}, nil), "a[1]"},
	} {
		requireError(t, codec.Check(row.av, "a"), row.path, codec.ErrNil)
	}
	_, err := decode(t, item{"S": nil}, struct{ S string }{})
	requireError(t, err, "S", codec.ErrNil)
	_, err = decode(t, item{"S": list(nil)}, struct{ S []byPointer }{})
	requireError(t, err, "S[0]", codec.ErrNil)
}

func TestF087_DecodeIntoUsedValue(t *testing.T) {
	type T struct {
		A any
		M map[string]*int
		L []struct{ X, Y int }
		P *struct{ X, Y int }
		B []byte
		C byPointer
	}
	one := 1
	old := T{
		A: 1, M: map[string]*int{"a": &one}, L: []struct{ X, Y int }{{1, 2}}, P: &struct{ X, Y int }{1, 2}, B: []byte("old"), C: byPointer{5},
	}
	keep := old.B
	it := item{
		"A": num("2"), "M": object(item{"a": num("3")}), "L": list(object(item{"X": num("7")})), "P": object(item{"Y": num("9")}), "B": bin('n'),
	}
	fresh := mustDecode[T](t, it)
	require.NoError(t, compile(t, reflect.TypeFor[T]()).Decode(it, reflect.ValueOf(&old).Elem()))
	require.Equal(t, fresh, old)
	require.Equal(t, 1, one, "what the old value pointed to is untouched")
	require.Equal(t, "old", string(keep))

	var a any = 3
	require.NoError(t, compile(t, reflect.TypeFor[T]()).Field("A").Value.Decode(num("4"), reflect.ValueOf(&a).Elem()))
	require.Equal(t, attributevalue.Number("4"), a)
}

func TestF088_Times(t *testing.T) {
	type T struct {
		At time.Time
		In Instant
		P  *time.Time
		U  time.Time `dynamodbav:",unixtime"`
	}
	for _, row := range []struct {
		at   time.Time
		want string
	}{
		{time.Time{}, "0001-01-01T00:00:00.000000000Z"},
		{time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC), "0000-01-01T00:00:00.000000000Z"},
		{time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC), "9999-12-31T23:59:59.999999999Z"},
		{time.Date(2026, 11, 21, 1, 2, 3, 100, cet), "2026-11-21T00:02:03.000000100Z"},
	} {
		at := row.at
		it := mustEncode(t, T{At: at, In: Instant(at), P: &at})
		require.Equal(t, str(row.want), it["At"])
		require.Equal(t, str(row.want), it["In"])
		require.Equal(t, str(row.want), it["P"])
		back := mustDecode[T](t, it)
		require.Equal(t, at.UTC(), back.At)
		require.Equal(t, it, mustEncode(t, back), "a read value is written alike")
	}
	now := time.Now()
	back := mustDecode[T](t, mustEncode(t, T{At: now, U: now}))
	require.True(t, now.Equal(back.At))
	require.Equal(t, now.UTC().Round(0), back.At, "no zone and no monotonic part")
	require.Equal(t, now.UTC().Truncate(time.Second), back.U)

	for _, s := range []string{"2026-11-21T00:00:00Z", "2026-11-21T01:00:00.000+01:00", "2026-11-20T23:00:00.0-01:00"} {
		require.Equal(t, time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC), mustDecode[T](t, item{"At": str(s)}).At)
	}
	for _, at := range []time.Time{time.Date(-1, 12, 31, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 30, 0, 0, time.FixedZone("", -3600))} {
		_, err := encode(t, T{At: at})
		requireError(t, err, "At", nil)
	}
	_, err := decode(t, item{"At": str("21.11.2026")}, T{})
	requireError(t, err, "At", nil)
	require.NotContains(t, err.Error(), "2026")
}

func TestF089_MistakesInTypes(t *testing.T) {
	type Deep struct {
		C chan int `dynamodbav:"c"`
	}
	type T struct {
		Left
		Right
		F  func()
		S  []Deep `dynamodbav:"deep"`
		P  *Deep  `dynamodbav:"again"`
		ID int    `dynamodbav:"id"`
		Id int    `dynamodbav:"Id"`
		M  map[string]struct {
			X int `dynamodbav:"x,binaryset"`
		}
	}
	_, err := codec.Compile(reflect.TypeFor[T](), codec.Options{})
	var paths []string
	for _, fe := range fieldErrors(err) {
		paths = append(paths, fe.Path)
	}
	require.ElementsMatch(t, []string{"A", "F", "deep[].c", "Id", "M[].x"}, paths)

	// Names are exact, also where another one is close.
	type U struct{ Name, N string }
	require.Equal(t, U{Name: "right"}, mustDecode[U](t, item{"NAME": str("wrong"), "name": str("wrong"), "Name": str("right"), "n": num("1")}))
}

func TestF090_CustomMarshalers(t *testing.T) {
	for _, row := range []struct {
		value any
		path  string
		err   error
	}{
		{struct{ A marshalsNil }{1}, "A", nil},
		{struct{ A []marshalsTypedNil }{[]marshalsTypedNil{1}}, "A[0]", nil},
		{struct{ A *marshalFails }{&marshalFails{}}, "A", errUser},
		{struct{ M map[string]any }{map[string]any{"k": marshalFails{}}}, "M.k", errUser},
	} {
		_, err := encode(t, row.value)
		requireError(t, err, row.path, row.err)
		require.NotContains(t, err.Error(), "secret")
	}
	_, err := decode(t, item{"A": list(str(""))}, struct{ A []marshalFails }{})
	requireError(t, err, "A[0]", errUser)
	require.NotContains(t, err.Error(), "secret")

	require.PanicsWithValue(t, "mine", func() { _, _ = encode(t, struct{ A marshalPanics }{}) })
	require.PanicsWithValue(t, "mine", func() { _, _ = decode(t, item{"A": str("")}, struct{ A marshalPanics }{}) })
}

func TestF091_NestingAndCycles(t *testing.T) {
	type T struct{ A any }
	require.Equal(t, item{"A": nested(31)}, mustEncode(t, T{untyped(31)}))
	require.Equal(t, T{untyped(31)}, mustDecode[T](t, item{"A": nested(31)}))
	require.NoError(t, codec.Check(nested(31), ""))
	_, err := encode(t, T{untyped(32)})
	require.ErrorIs(t, err, codec.ErrDepth)
	_, err = decode(t, item{"A": nested(32)}, T{})
	require.ErrorIs(t, err, codec.ErrDepth)
	require.ErrorIs(t, codec.Check(nested(32), "A"), codec.ErrDepth)

	empty := list()
	for range 31 {
		empty = list(empty)
	}
	require.ErrorIs(t, codec.Check(empty, ""), codec.ErrDepth, "an empty list on level 32 is refused by the service too")

	var chain *Chain
	for range 32 {
		chain = &Chain{Next: chain}
	}
	require.NoError(t, func() error { _, err := encode(t, *chain); return err }())
	_, err = encode(t, Chain{chain})
	require.ErrorIs(t, err, codec.ErrDepth)

	ring := &loop{}
	ring.Next = ring
	_, err = encode(t, *ring)
	requireError(t, err, strings.Repeat("Next.", 31)+"Next", codec.ErrDepth)

	var self any
	self = &self
	_, err = encode(t, T{self})
	requireError(t, err, "A", codec.ErrDepth)

	m := map[string]any{}
	m["m"] = m
	_, err = encode(t, T{m})
	require.ErrorIs(t, err, codec.ErrDepth)

	tree := item{}
	tree["A"] = object(tree)
	_, err = decode(t, tree, T{})
	require.ErrorIs(t, err, codec.ErrDepth)
	require.ErrorIs(t, codec.Check(object(tree), ""), codec.ErrDepth)

	type P *P
	_, err = codec.Compile(reflect.TypeFor[struct{ P P }](), codec.Options{})
	require.ErrorContains(t, err, "points to itself")
}

func TestF092_StoredTypeDiffers(t *testing.T) {
	type T struct {
		S  string
		I  int
		F  *float64
		B  bool
		Y  []byte
		L  []string
		M  map[string]int
		P  point
		T  time.Time
		U  time.Time `dynamodbav:",unixtime"`
		X  int       `dynamodbav:",string"`
		SS []string  `dynamodbav:",stringset"`
		NS []int     `dynamodbav:",numberset"`
		BS [][]byte
	}
	samples := item{
		"S": str("secret"), "N": num("7"), "B": bin('s'), "BOOL": boolean(true), "L": list(), "M": object(item{}),
		"SS": strSet("secret"), "NS": numSet("1"), "BS": binSet([]byte("secret")),
	}
	stored := map[string]string{
		"S": "S", "I": "N", "F": "N", "B": "BOOL", "Y": "B", "L": "L", "M": "M", "P": "M", "T": "S", "U": "N", "X": "S", "SS": "SS", "NS": "NS", "BS": "BS",
	}
	plan := compile(t, reflect.TypeFor[T]())
	for name, want := range stored {
		require.Equal(t, want, plan.Field(name).Value.Stored())
		for found, v := range samples {
			if found == want {
				continue
			}
			_, err := decode(t, item{name: v}, T{})
			requireMismatch(t, err, name, want, found)
			require.NotContains(t, err.Error(), "secret")
		}
	}
	_, err := decode(t, item{"P": object(item{"X": str("secret")})}, T{})
	requireMismatch(t, err, "P.X", "N", "S")
	require.EqualError(t, err, "P.X: expected N, found S")

	_, err = decode(t, item{"S": &types.UnknownUnionMember{Tag: "new"}}, T{})
	requireMismatch(t, err, "S", "S", "unknown")

	// What T does not know is no error.
	require.Equal(t, T{S: "x"}, mustDecode[T](t, item{"S": str("x"), "other": nil, "more": nested(40)}))
}
