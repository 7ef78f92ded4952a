package codec_test

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/monotable/monotable/internal/codec"
)

// The quick road is a shorter way to where the general one leads: same values,
// same items, same errors.
func TestQuickRoadIsTheGeneralOne(t *testing.T) {
	all := append(generatedShapes(generated), shapes...)
	for i, typ := range append(all, ownShapes...) {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			quick := compile(t, typ)
			general, err := codec.CompileGeneral(typ, codec.Options{})
			require.NoError(t, err)
			rapid.Check(t, func(rt *rapid.T) { requireSameRoads(rt, quick, general) })
		})
	}
}

// The same, for as long as one likes.
func FuzzQuickRoad(f *testing.F) {
	type pair struct{ quick, general *codec.Plan }
	var pairs []pair
	for _, typ := range generatedShapes(generated) {
		general, err := codec.CompileGeneral(typ, codec.Options{})
		require.NoError(f, err)
		pairs = append(pairs, pair{compile(f, typ), general})
	}
	f.Fuzz(rapid.MakeFuzz(func(rt *rapid.T) {
		p := rapid.SampledFrom(pairs).Draw(rt, "shape")
		requireSameRoads(rt, p.quick, p.general)
	}))
}

func requireSameRoads(rt *rapid.T, quick, general *codec.Plan) {
	v := drawValue(rt, quick.Type, 1)
	spoil(rt, v)
	requireSameWriting(rt, quick, general, v)
	it, err := quick.Encode(v)
	if err != nil {
		return
	}
	for _, f := range quick.Fields {
		if rapid.IntRange(0, 5).Draw(rt, "other") == 0 {
			it[f.Name] = drawTree(rt, 0)
		}
	}
	requireSameReading(rt, quick, general, it)
}

func requireSameWriting(t require.TestingT, quick, general *codec.Plan, v reflect.Value) {
	want, wantErr := general.Encode(v)
	got, err := quick.Encode(v)
	require.Equal(t, refusal(general, wantErr), refusal(quick, err))
	require.Equal(t, want, got)
	if v.CanAddr() {
		got, err = quick.Encode(reflect.ValueOf(v.Interface())) // without an address
		require.Equal(t, refusal(general, wantErr), refusal(quick, err))
		require.Equal(t, want, got)
	}
}

func requireSameReading(t require.TestingT, quick, general *codec.Plan, it item) {
	want, got := reflect.New(quick.Type), reflect.New(quick.Type)
	wantErr := general.Decode(it, want.Elem())
	err := quick.Decode(it, got.Elem())
	require.Equal(t, refusal(general, wantErr), refusal(quick, err))
	if err == nil && !reflect.DeepEqual(want.Interface(), got.Interface()) {
		require.Equal(t, want.Interface(), got.Interface())
	}
}

// refusal is the attribute that was refused, and why. In a map with several such
// entries it is chance which one is met.
func refusal(p *codec.Plan, err error) string {
	var e *codec.Error
	if !errors.As(err, &e) {
		return fmt.Sprint(err)
	}
	name, _, nested := strings.Cut(strings.ReplaceAll(e.Path, "[", "."), ".")
	if kind := p.Field(name).Value.Deref().Kind; nested || kind == codec.Map || kind == codec.Any {
		return name
	}
	return e.Error()
}

// spoil now and then puts something into a field that cannot be stored.
func spoil(rt *rapid.T, v reflect.Value) {
	for i := range v.NumField() {
		f := v.Field(i)
		if !f.CanSet() || rapid.IntRange(0, 9).Draw(rt, "spoil") > 0 {
			continue
		}
		switch {
		case f.Kind() == reflect.String:
			f.SetString(rapid.SampledFrom([]string{"\xff", "a\xc3", "é", ""}).Draw(rt, "text"))
		case f.Kind() == reflect.Float64:
			f.SetFloat(rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), 1e126, -1e126, 1e-131, math.SmallestNonzeroFloat64, math.Copysign(0, -1)}).Draw(rt, "float"))
		case f.Type() == reflect.TypeFor[time.Time]():
			year := rapid.SampledFrom([]int{-1, 0, 9999, 10_000, 1_000_000}).Draw(rt, "year")
			f.Set(reflect.ValueOf(time.Date(year, 12, 31, 23, 59, 59, 999_999_999, cet)))
		case f.Type() == reflect.TypeFor[[]string]():
			f.Set(reflect.ValueOf(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "\xff", ""}), 0, 12).Draw(rt, "texts")))
		case f.Kind() == reflect.Struct && f.NumField() > 0 && f.Type() != reflect.TypeFor[Instant]():
			spoil(rt, f)
		}
	}
}

// Floats are written as strconv writes them, and read as it reads them.
func TestFloatsAreThoseOfStrconv(t *testing.T) {
	type T struct{ F float64 }
	plan := compile(t, reflect.TypeFor[T]())
	check := func(t require.TestingT, f float64) {
		it, err := plan.Encode(reflect.ValueOf(T{f}))
		require.NoError(t, err)
		want := strconv.FormatFloat(f, 'f', -1, 64)
		if f == 0 {
			want = "0"
		}
		require.Equal(t, item{"F": num(want)}, it)
		var back T
		require.NoError(t, plan.Decode(it, reflect.ValueOf(&back).Elem()))
		require.Equal(t, f+0, back.F)
	}
	for _, f := range []float64{
		0, math.Copysign(0, -1), 0.1, 0.000001, 0.0000001, 0.0000005, 1e9, 1e9 - 0.000001, 999_999_999.999999, 999_999_999.9999999,
		123456.789, -0.5, 1 << 53, 1<<53 + 2, 1e22, 1e125, 1e-130, 0.3, 0.1 + 0.2, 100, 1e8 + 0.1,
	} {
		check(t, f)
	}
	rapid.Check(t, func(rt *rapid.T) {
		check(rt, rapid.Float64().Filter(storable).Draw(rt, "f"))
		check(rt, float64(rapid.Int64Range(-1e16, 1e16).Draw(rt, "n"))/math.Pow10(rapid.IntRange(0, 9).Draw(rt, "places")))
	})
	read := func(t require.TestingT, s string) {
		var back T
		err := plan.Decode(item{"F": num(s)}, reflect.ValueOf(&back).Elem())
		if want := codec.CheckNumber(s); want != nil {
			require.ErrorIs(t, err, want)
			return
		}
		require.NoError(t, err)
		want, err := strconv.ParseFloat(s, 64)
		require.NoError(t, err)
		require.Equal(t, math.Float64bits(want), math.Float64bits(back.F), s)
	}
	for _, s := range []string{
		"18446744073709551617", "1844674407370955161.7", "-99999999999999999999", "9007199254740993", "0.9007199254740993", "5.", ".5", "-", "", "-.", "00", "+1", "1e3",
	} {
		read(t, s)
	}
	rapid.Check(t, func(rt *rapid.T) {
		read(rt, rapid.StringMatching(`-?[0-9]{0,21}(\.[0-9]{0,21})?`).Draw(rt, "s"))
	})
}

// Times are written and read as package time does it.
func TestTimesAreThoseOfTime(t *testing.T) {
	type T struct{ T time.Time }
	plan := compile(t, reflect.TypeFor[T]())
	rapid.Check(t, func(rt *rapid.T) {
		sec := rapid.Int64Range(-62167219200, 253402300799).Draw(rt, "sec") // the years 0 to 9999
		at := time.Unix(sec, rapid.Int64Range(0, 999_999_999).Draw(rt, "nsec")).In(cet)
		it, err := plan.Encode(reflect.ValueOf(T{at}))
		require.NoError(rt, err)
		text := at.UTC().Format(codec.TimeFormat)
		require.Equal(rt, item{"T": str(text)}, it)
		var back T
		require.NoError(rt, plan.Decode(it, reflect.ValueOf(&back).Elem()))
		require.Equal(rt, at.UTC(), back.T)
	})
	read := func(t require.TestingT, text string) {
		var back T
		err := plan.Decode(item{"T": str(text)}, reflect.ValueOf(&back).Elem())
		want, wantErr := time.Parse(time.RFC3339Nano, text)
		require.Equal(t, wantErr == nil, err == nil, text)
		if err == nil {
			require.Equal(t, want.UTC(), back.T, text)
		}
	}
	for _, text := range []string{"2026-12-31T23:59:59", "2026-12-01T23:59:60", "2026-12-01T23:60:00", "2026-12-01T24:00:00", "2026-13-01T00:00:00", "2026-00-01T00:00:00", "2026-01-00T00:00:00", "2026-02-29T00:00:00", "2024-02-29T00:00:00", "2026-04-31T00:00:00"} {
		read(t, text+".000000000Z")
	}
	digit := func(rt *rapid.T, text []byte) []byte {
		text[rapid.IntRange(0, len(text)-1).Draw(rt, "at")] = rapid.SampledFrom([]byte("0123456789 -:.TZ+/")).Draw(rt, "byte")
		return text
	}
	rapid.Check(t, func(rt *rapid.T) {
		text := digit(rt, []byte(rapid.SampledFrom([]string{
			"2026-11-21T04:05:06.120000000Z", "2024-02-29T23:59:59.999999999Z", "2023-02-28T00:00:00.000000000Z", "1900-02-28T10:00:00.000000001Z",
			"0000-01-01T00:00:00.000000000Z", "2026-04-30T00:00:00.000000000Z", "9999-12-31T23:59:59.999999999Z", "2026-11-21T04:05:06.12+01:00",
		}).Draw(rt, "text")))
		if rapid.Bool().Draw(rt, "twice") {
			text = digit(rt, text)
		}
		read(rt, string(text))
	})
}

// Values that come from one piece of memory are each their own.
func TestQuickRoadSharesNothing(t *testing.T) {
	plan := compile(t, reflect.TypeFor[user]())
	u := sampleUser(5)
	it, err := plan.Encode(reflect.ValueOf(&u).Elem())
	require.NoError(t, err)
	stored := codec.CopyItem(it)

	u.Roles[0], u.Tags[0] = "changed", "changed"
	require.Equal(t, stored, it)

	var a, b user
	require.NoError(t, plan.Decode(it, reflect.ValueOf(&a).Elem()))
	require.NoError(t, plan.Decode(it, reflect.ValueOf(&b).Elem()))
	tags, roles := append([]string{}, a.Tags...), append([]string{}, a.Roles...)
	_ = append(a.Roles, "more") // must not write into the tags, which may lie behind
	require.Equal(t, tags, a.Tags)
	a.Tags[0] = "changed"
	_ = append(a.Tags, "more")
	require.Equal(t, roles, a.Roles)
	require.Equal(t, tags, b.Tags)
	require.Equal(t, stored, it)

	it["roles"].(*types.AttributeValueMemberSS).Value[0] = "changed"
	require.Equal(t, roles, b.Roles)
}

// One attribute after another is no level deeper, and a level too deep is one.
func TestQuickRoadCountsLevels(t *testing.T) {
	typ := reflect.TypeFor[struct{ X int }]()
	for range 30 {
		typ = reflect.StructOf([]reflect.StructField{{Name: "A", Type: typ}, {Name: "B", Type: reflect.TypeFor[point]()}, {Name: "C", Type: reflect.TypeFor[point]()}})
	}
	for levels, ok := range map[int]bool{31: true, 32: true, 33: false} {
		typ := typ
		for range levels - 31 {
			typ = reflect.StructOf([]reflect.StructField{{Name: "A", Type: typ}})
		}
		plan := compile(t, typ)
		it, err := plan.Encode(reflect.Zero(typ))
		if ok {
			require.NoError(t, err, levels)
			require.NoError(t, plan.Decode(it, reflect.New(typ).Elem()))
			continue
		}
		requireError(t, err, strings.TrimSuffix(strings.Repeat("A.", 32), "."), codec.ErrDepth)
		deep := object(item{})
		for range 32 {
			deep = object(item{"A": deep})
		}
		err = plan.Decode(deep.(*types.AttributeValueMemberM).Value, reflect.New(typ).Elem())
		requireError(t, err, strings.TrimSuffix(strings.Repeat("A.", 32), "."), codec.ErrDepth)
	}
}

// The map is made once, with what will be added to it.
func TestEncodeWithRoom(t *testing.T) {
	plan := compile(t, reflect.TypeFor[user]())
	u := sampleUser(1)
	v := reflect.ValueOf(&u).Elem()
	names := []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s", "t"}
	grow := func(room int) float64 {
		return testing.AllocsPerRun(50, func() {
			it, err := plan.EncodeWithRoom(v, room)
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range names {
				it[n] = nil
			}
		})
	}
	require.Less(t, grow(len(names)), grow(0))
	with, err := plan.EncodeWithRoom(v, 5)
	require.NoError(t, err)
	without, err := plan.Encode(v)
	require.NoError(t, err)
	require.Equal(t, without, with)
}

// What the conversions may allocate; that they are fast is the affair of bench.
func TestAllocations(t *testing.T) {
	plan := compile(t, reflect.TypeFor[user]())
	u, back := sampleUser(4711), user{}
	v := reflect.ValueOf(&u).Elem()
	require.LessOrEqual(t, testing.AllocsPerRun(100, func() {
		if _, err := plan.Encode(v); err != nil {
			t.Fatal(err)
		}
	}), 14.0)
	it, err := plan.Encode(v)
	require.NoError(t, err)
	require.LessOrEqual(t, testing.AllocsPerRun(100, func() {
		if err := plan.Decode(it, reflect.ValueOf(&back).Elem()); err != nil {
			t.Fatal(err)
		}
	}), 1.0)
	require.Equal(t, u, back)
}

// keeper keeps what it is given, as user code may.
type keeper struct{ S string }

var kept []*keeper

func (k *keeper) UnmarshalDynamoDBAttributeValue(v av) error {
	k.S = v.(*types.AttributeValueMemberS).Value
	kept = append(kept, k)
	return nil
}

func (k *keeper) MarshalDynamoDBAttributeValue() (av, error) {
	kept = append(kept, k)
	return str(k.S), nil
}

// keptKey is the same for keys of maps.
type keptKey struct{ S string }

var keptKeys []*keptKey

func (k keptKey) MarshalText() ([]byte, error) { return []byte(k.S), nil }

func (k *keptKey) UnmarshalText(text []byte) error {
	k.S = string(text)
	keptKeys = append(keptKeys, k)
	return nil
}

// keptMember keeps the value that it was read from.
type keptMember string

var keptMembers []*types.AttributeValueMemberS

func (k *keptMember) UnmarshalDynamoDBAttributeValue(v av) error {
	keptMembers = append(keptMembers, v.(*types.AttributeValueMemberS))
	*k = keptMember(v.(*types.AttributeValueMemberS).Value)
	return nil
}

// Entries and members that no user code sees go through one place, one after the
// other; what user code gets is its own.
func TestUserCodeMayKeepWhatItGets(t *testing.T) {
	type T struct {
		M map[string]keeper
		K map[keptKey]int
		S []keptMember `dynamodbav:",stringset"`
	}
	kept, keptKeys, keptMembers = nil, nil, nil
	it := item{
		"M": object(item{"a": str("a"), "b": str("b"), "c": str("c")}),
		"K": object(item{"a": num("1"), "b": num("2"), "c": num("3")}),
		"S": strSet("a", "b", "c"),
	}
	v := mustDecode[T](t, it)
	var values, keys, members []string
	for i := range 3 {
		values, keys, members = append(values, kept[i].S), append(keys, keptKeys[i].S), append(members, keptMembers[i].Value)
	}
	require.ElementsMatch(t, []string{"a", "b", "c"}, values)
	require.ElementsMatch(t, []string{"a", "b", "c"}, keys)
	require.ElementsMatch(t, []string{"a", "b", "c"}, members)

	kept = nil
	mustEncode(t, v)
	require.Len(t, kept, 3)
	require.ElementsMatch(t, []string{"a", "b", "c"}, []string{kept[0].S, kept[1].S, kept[2].S})
}
