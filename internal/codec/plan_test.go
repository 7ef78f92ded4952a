package codec_test

import (
	"math"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/internal/codec"
)

type (
	Prefs struct {
		Theme string     `dynamodbav:"theme"`
		Since time.Time  `dynamodbav:"since"`
		Until *time.Time `dynamodbav:"until"`
	}
	Member struct {
		*Base
		Email string `dynamodbav:"email,omitempty"`
		Prefs Prefs  `dynamodbav:"preferences"`
		Old   *Prefs `dynamodbav:"old"`
		All   []Prefs
		TTL   time.Time               `dynamodbav:"ttl"`
		Exact attributevalue.UnixTime `dynamodbav:"exact"`
	}
)

func TestPlanFields(t *testing.T) {
	p := compile(t, reflect.TypeFor[Member]())
	require.Equal(t, reflect.TypeFor[Member](), p.Type)
	var names []string
	for _, f := range p.Fields {
		names = append(names, f.Name)
		require.Same(t, f, p.Field(f.Name))
		require.Equal(t, p.Type.FieldByIndex(f.Index).Name, f.GoName)
		require.Equal(t, p.Type.FieldByIndex(f.Index).Type, f.Value.Type)
	}
	require.Equal(t, []string{"ID", "Kind", "email", "preferences", "old", "All", "ttl", "exact"}, names)
	require.Nil(t, p.Field("Email"))
	require.True(t, p.Field("email").OmitEmpty)

	prefs := p.Field("preferences").Value
	require.Equal(t, codec.Struct, prefs.Kind)
	require.Equal(t, codec.Pointer, p.Field("old").Value.Kind)
	require.Same(t, prefs.Struct, p.Field("old").Value.Struct)
	require.Same(t, prefs.Struct, p.Field("All").Value.Elem.Struct)
	require.Equal(t, codec.Time, prefs.Struct.Field("until").Value.Deref().Kind)
	require.Equal(t, "S", prefs.Struct.Field("until").Value.Stored())
}

func TestRecursivePlans(t *testing.T) {
	for _, typ := range []reflect.Type{reflect.TypeFor[Tree](), reflect.TypeFor[Chain](), reflect.TypeFor[struct{ C *Chain }]()} {
		p := compile(t, typ)
		v := p.Fields[0].Value
		for range 3 { // around the circle
			if v.Kind == codec.List {
				v = v.Elem
			}
			require.Equal(t, codec.Pointer, v.Kind)
			require.NotNil(t, v.Struct)
			require.Same(t, v.Struct, v.Elem.Struct)
			v = v.Struct.Fields[0].Value
		}
	}
	type Rec []Rec
	type Dict map[string]Dict
	type T struct {
		R Rec
		D Dict
		P **T
	}
	q := &T{R: Rec{{}, nil, {{}}}}
	v := T{R: Rec{{}}, D: Dict{"a": {"b": nil}}, P: &q}
	require.Equal(t, v, mustDecode[T](t, mustEncode(t, v)))
}

func TestFieldGetAndSet(t *testing.T) {
	p := compile(t, reflect.TypeFor[Member]())
	var m Member
	v := reflect.ValueOf(&m).Elem()
	_, ok := p.Field("ID").Get(v)
	require.False(t, ok, "the embedded pointer is nil")
	_, ok = p.Field("email").Get(reflect.ValueOf(m))
	require.True(t, ok, "a value that has no address will do")
	p.Field("ID").Set(v).SetString("x")
	p.Field("Kind").Set(v).SetString("y")
	require.Equal(t, &Base{"x", "y"}, m.Base)
	fv, ok := p.Field("ID").Get(v)
	require.True(t, ok)
	require.Equal(t, "x", fv.String())
}

func TestCompileRefuses(t *testing.T) {
	for _, typ := range []reflect.Type{
		nil, reflect.TypeFor[int](), reflect.TypeFor[*Member](), reflect.TypeFor[map[string]any](), reflect.TypeFor[time.Time](),
		reflect.TypeFor[Instant](), reflect.TypeFor[byPointer](),
	} {
		_, err := codec.Compile(typ, codec.Options{})
		require.Len(t, fieldErrors(err), 1)
	}
}

// A field hides those of its name further down, by the rules of Go and of
// attributevalue; a tag decides between two on one level.
func TestTagMistakes(t *testing.T) {
	_, err := codec.Compile(reflect.TypeFor[struct {
		A []int     `dynamodbav:",stringset,numberset"`
		B []int     `dynamodbav:",numberset,numberset,"`
		C []string  `dynamodbav:",omitemptyelem,nullemptyelem"`
		D any       `dynamodbav:",string"`
		E []byValue `dynamodbav:",numberset"`
		F byValue   `dynamodbav:",string,stringset"`
		G any       `dynamodbav:",omitempty"`
		H struct {
			X int
			y int
		}
		I [2]int `dynamodbav:",nullemptyelem"`
	}](), codec.Options{})
	var paths []string
	for _, fe := range fieldErrors(err) {
		paths = append(paths, fe.Path)
	}
	require.ElementsMatch(t, []string{"A", "A", "C", "D", "F"}, paths)
	require.ErrorContains(t, err, "C: omitemptyelem and nullemptyelem exclude each other")
}

func TestErrorTexts(t *testing.T) {
	x := compile(t, reflect.TypeFor[struct{ S string }]()).Field("S").Value
	_, err := x.Encode(reflect.ValueOf("\xff"))
	require.EqualError(t, err, "text is not valid UTF-8")
	_, err = codec.Compile(reflect.TypeFor[int](), codec.Options{})
	require.EqualError(t, err, "int is no struct type with attributes")
}

func TestIsZero(t *testing.T) {
	p := compile(t, reflect.TypeFor[struct {
		F float64
		A [0]int
		B [1]int
		S struct{}
		T *time.Time
	}]())
	for name, row := range map[string]struct {
		v    any
		want bool
	}{
		"F": {math.Copysign(0, -1), true}, "A": {[0]int{}, true}, "B": {[1]int{}, false}, "S": {struct{}{}, false}, "T": {&time.Time{}, false},
	} {
		require.Equal(t, row.want, p.Field(name).Value.IsZero(reflect.ValueOf(row.v)), name)
	}
}

func TestEmbeddedNames(t *testing.T) {
	type Tagged struct {
		Other string `dynamodbav:"A"`
	}
	type inner struct{ B string }
	type T struct {
		Left
		Tagged
		inner
		C string
	}
	v := T{Left: Left{1, 2}, Tagged: Tagged{"tagged"}, inner: inner{"unexported"}, C: "c"}
	_, err := codec.Compile(reflect.TypeOf(v), codec.Options{})
	require.Equal(t, "B", fieldErrors(err)[0].Path)

	type U struct {
		Left
		Tagged
		inner
		B bool
	}
	u := U{Left: Left{1, 2}, Tagged: Tagged{"tagged"}, inner: inner{"hidden"}, B: true}
	want := item{"A": str("tagged"), "B": boolean(true)}
	require.Equal(t, want, mustEncode(t, u))
	theirs, err := attributevalue.MarshalMap(u)
	require.NoError(t, err)
	require.Equal(t, want, item(theirs))

	// One type embedded by two ways on one level is ambiguous in all its names.
	type L1 struct{ Base }
	type L2 struct{ *Base }
	_, err = codec.Compile(reflect.TypeFor[struct {
		L1
		L2
	}](), codec.Options{})
	require.Len(t, fieldErrors(err), 2)
	require.ErrorContains(t, err, "L1.Base.ID and L2.Base.ID")

	// Embedding in a circle ends.
	type Circle struct {
		*Circle
		A int
	}
	require.Len(t, compile(t, reflect.TypeFor[Circle]()).Fields, 1)
}

func TestOneWayMarshalers(t *testing.T) {
	type T struct {
		M onlyMarshals
		U onlyUnmarshals
	}
	it := mustEncode(t, T{"a", "b"})
	require.Equal(t, item{"M": str("m:a"), "U": str("b")}, it)
	require.Equal(t, T{"m:a", "u:b"}, mustDecode[T](t, it))
	require.Equal(t, codec.Custom, compile(t, reflect.TypeFor[T]()).Field("M").Value.Kind)
}

func TestMapKeys(t *testing.T) {
	x := compile(t, reflect.TypeFor[struct{ M map[color]int }]()).Field("M").Value
	key, err := x.EncodeKey(reflect.ValueOf(color(2)))
	require.NoError(t, err)
	require.Equal(t, "2", key)

	_, err = encode(t, struct{ M map[string]int }{map[string]int{"": 1}})
	requireError(t, err, "M", nil)
	for _, row := range []struct {
		name string
		zero any
	}{
		{"x", struct{ M map[int]int }{}},
		{"-1", struct{ M map[uint]int }{}},
		{"yes", struct{ M map[bool]int }{}},
		{"NaN", struct{ M map[float32]int }{}},
	} {
		_, err = decode(t, item{"M": object(item{row.name: num("1")})}, row.zero)
		requireError(t, err, "M."+row.name, nil)
	}
	_, err = decode(t, item{"M": object(item{"1": num("1"), "01": num("2")})}, struct{ M map[int]int }{})
	requireError(t, err, "M", nil)
}

// Items and structs share no memory: changing one leaves the other as it was.
func TestNothingIsShared(t *testing.T) {
	type T struct {
		B []byte
		S [][]byte
		L []string `dynamodbav:",stringset"`
		A any
	}
	v := T{B: []byte("abc"), S: [][]byte{[]byte("abc")}, L: []string{"a"}, A: []byte("abc")}
	it := mustEncode(t, v)
	back := mustDecode[T](t, it)
	want := mustDecode[T](t, it)
	scribble := func(it item) {
		copy(it["B"].(*types.AttributeValueMemberB).Value, "xxx")
		copy(it["S"].(*types.AttributeValueMemberBS).Value[0], "xxx")
		copy(it["A"].(*types.AttributeValueMemberB).Value, "xxx")
		it["L"].(*types.AttributeValueMemberSS).Value[0] = "x"
	}
	copied := codec.CopyItem(it)
	scribble(it)
	require.Equal(t, want, v)
	require.Equal(t, want, back)
	require.Equal(t, want, mustDecode[T](t, copied))

	var a any
	sets := object(item{"s": binSet([]byte("abc")), "t": strSet("a")})
	x := compile(t, reflect.TypeFor[struct{ A any }]()).Field("A").Value
	require.NoError(t, x.Decode(sets, reflect.ValueOf(&a).Elem()))
	m := sets.(*types.AttributeValueMemberM).Value
	m["s"].(*types.AttributeValueMemberBS).Value[0][0] = 'x'
	m["t"].(*types.AttributeValueMemberSS).Value[0] = "x"
	require.Equal(t, map[string]any{"s": [][]byte{[]byte("abc")}, "t": []string{"a"}}, a)
}

func TestConcurrentUse(t *testing.T) {
	p := compile(t, reflect.TypeFor[struct{ A, B any }]())
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for _, held := range []any{i, "x", []string{"a"}, map[string]int{"k": i}, Tree{Kids: []*Tree{{}}}, byPointer{i}, make(chan int)} {
				v := struct{ A, B any }{held, []any{held, &held}}
				it, err := p.Encode(reflect.ValueOf(v))
				if _, refused := held.(chan int); refused {
					if err == nil || !strings.Contains(err.Error(), "chan int") {
						t.Error("chan was not refused")
					}
					continue
				}
				if err != nil {
					t.Error(err)
				}
				dst := reflect.New(p.Type).Elem()
				if err := p.Decode(it, dst); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

func TestKindString(t *testing.T) {
	require.Equal(t, "Custom", codec.Custom.String())
	require.Equal(t, "Invalid", codec.Invalid.String())
	require.Equal(t, "Kind(?)", codec.Kind(99).String())
}
