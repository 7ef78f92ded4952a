package codec_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/monotable/monotable/internal/avjson"
	"github.com/monotable/monotable/internal/codec"
)

// wirePlan is a plan with a layout that notes all its fields, so that tests can
// tell what they hold from what else an item holds.
type wirePlan struct {
	*codec.Plan

	layout *codec.Layout
}

func wired(p *codec.Plan) wirePlan {
	var names []string
	for _, f := range p.Fields {
		names = append(names, f.Name)
	}
	return wirePlan{p, p.Layout(append(names, "nowhere")...)}
}

func wirePlans(t testing.TB) []wirePlan {
	var plans []wirePlan
	for _, typ := range slices.Concat(generatedShapes(generated), shapes, ownShapes) {
		plans = append(plans, wired(compile(t, typ)))
	}
	return plans
}

// What is read from JSON is what comes by way of the SDK's attribute values: same
// value, same error, whatever the JSON looks like.
func TestPageIsDecode(t *testing.T) {
	for i, plan := range wirePlans(t) {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) { requireSamePage(rt, plan, drawItem(rt, plan)) })
		})
	}
}

// The same for as long as one likes, and for JSON that was damaged.
func FuzzPage(f *testing.F) {
	plans := wirePlans(f)
	for k, text := range []string{
		`{"PK":{"S":"a"}}`, ` { "f0" : { "S" : "a\u00e9\ud83d\ude00" } , "f1":{"N":"1"},"f0":null}`,
		`{"f0":{"L":[{"S":"a"},{"NULL":true}]},"f1":{"SS":["a","b"]},"f2":{"M":{"X":{"N":"1e3"}}}}`, `null`, `{`,
	} {
		f.Add(uint(k), []byte(text))
	}
	f.Fuzz(func(t *testing.T, shape uint, data []byte) {
		requireSamePage(t, plans[shape%uint(len(plans))], data)
	})
}

func TestPageOfDamagedItems(t *testing.T) {
	plans := wirePlans(t)
	for i := range 10 {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				plan := plans[rapid.IntRange(0, len(plans)-1).Draw(rt, "shape")]
				data := drawItem(rt, plan)
				at := rapid.IntRange(0, len(data)-1).Draw(rt, "at")
				switch rapid.IntRange(0, 3).Draw(rt, "damage") {
				case 0:
					data = data[:at]
				case 1:
					data[at] = rapid.SampledFrom([]byte("\"\\{}[],:x0-.e \x00\xff")).Draw(rt, "byte")
				case 2:
					data = slices.Delete(data, at, at+1)
				case 3:
					data = slices.Insert(data, at, rapid.SampledFrom([]byte("\"\\{}[],:x0n \x1f")).Draw(rt, "byte"))
				}
				requireSamePage(rt, plan, data)
			})
		})
	}
}

func TestF015_PageCutAnywhere(t *testing.T) {
	plan := wired(compile(t, reflect.TypeFor[user]()))
	whole := userPage(t, 2)
	for n := range whole {
		r := &avjson.Reader{Data: whole[:n]}
		var broken *avjson.SyntaxError
		require.ErrorAs(t, readPage(plan.layout.Page(r, 0), r), &broken)
		require.InDelta(t, n, broken.Offset, 5) // a literal or an escape has begun, at most
		require.NotContains(t, broken.Error(), "acme")
	}
}

func requireSamePage(t require.TestingT, plan wirePlan, data []byte) {
	before := slices.Clone(data)
	r := &avjson.Reader{Data: data}
	page := plan.layout.Page(r, 1)
	end, err := page.Read(0)
	if !json.Valid(data) {
		if err == nil {
			require.Less(t, r.Space(end), len(data), "%q", data)
		}
		return
	}
	want, wantErr := sdkItem(data)
	if err != nil { // a reply that the SDK refuses too, or deeper than we go
		requireSyntax(t, err)
		if wantErr == nil {
			require.ErrorContains(t, err, "too deep")
		}
		return
	}
	require.Equal(t, len(data), r.Space(end))
	require.Equal(t, data[len(data)-len(page.Raw(0))-(len(data)-end):end], page.Raw(0))
	got := reflect.New(plan.Type).Elem()
	err = page.Into(0, got)
	require.Equal(t, before, data)
	if wantErr != nil {
		if err != nil {
			return
		}
		known := []byte{'{'} // what is wrong must be where nobody looks
		for n, f := range plan.Fields {
			if raw := page.Noted(0, n); raw != nil {
				known = append(append(append(avjson.AppendString(known, f.Name), ':'), raw...), ',')
			}
		}
		if want, wantErr = sdkItem(append(known, `"":null}`...)); wantErr != nil {
			require.True(t, slices.ContainsFunc(plan.Fields, func(f *codec.Field) bool { return passesOver(f.Value) }), "%s: %v", data, wantErr)
			return
		}
	}
	if mine, _, mineErr := (&avjson.Reader{Data: data}).Map(0); mineErr == nil && holdsNil(mine) {
		want = mine // the SDK repeats the value before an empty one
	}
	again := reflect.New(plan.Type).Elem()
	wantErr = plan.Decode(want, again)
	require.Equal(t, refusal(plan.Plan, wantErr), refusal(plan.Plan, err), "%s", data)
	if err == nil && !reflect.DeepEqual(again.Interface(), got.Interface()) {
		require.Equal(t, again.Interface(), got.Interface(), "%s", data)
		require.Fail(t, "not equal", "%s", data)
	}
	for n, f := range plan.Fields {
		raw := page.Noted(0, n)
		v, has := want[f.Name]
		require.Equal(t, has, raw != nil)
		if has {
			noted, _, err := (&avjson.Reader{Data: raw}).Value(0)
			require.NoError(t, err)
			require.Equal(t, v, noted)
		}
	}
}

// passesOver reports whether there is a struct in x, which may pass over attributes
// that are none of its own.
func passesOver(x *codec.Value) bool {
	return x != nil && (x.Struct != nil || passesOver(x.Elem))
}

func requireSyntax(t require.TestingT, err error) {
	var broken *avjson.SyntaxError
	require.True(t, errors.As(err, &broken), "%T", err)
}

func holdsNil(m item) bool {
	for _, v := range m {
		if nilInside(v) {
			return true
		}
	}
	return false
}

func nilInside(v av) bool {
	switch v := v.(type) {
	case nil:
		return true
	case *types.AttributeValueMemberL:
		return slices.ContainsFunc(v.Value, nilInside)
	case *types.AttributeValueMemberM:
		return holdsNil(v.Value)
	}
	return false
}

// drawItem makes an item for a plan, now and then with other values than fit, and
// its JSON in one of the many ways to write it.
func drawItem(rt *rapid.T, plan wirePlan) []byte {
	it, err := plan.Encode(drawValue(rt, plan.Type, 1))
	if err != nil {
		it = item{}
	}
	for _, f := range plan.Fields {
		if rapid.IntRange(0, 5).Draw(rt, "other") == 0 {
			it[f.Name] = drawTree(rt, 1)
		}
	}
	if rapid.IntRange(0, 3).Draw(rt, "more") == 0 {
		it["nowhere"] = drawTree(rt, 1)
		it["\xff\"\n"] = drawTree(rt, 1)
	}
	w := jsonWriter{rt: rt, plain: rapid.Bool().Draw(rt, "plain")}
	w.object(it)
	return w.b
}

// jsonWriter writes attribute values with white space, escapes, unknown members and
// repeated names where chance puts them.
type jsonWriter struct {
	rt    *rapid.T
	plain bool // nothing of this, as DynamoDB writes it
	b     []byte
}

func (w *jsonWriter) chance() bool {
	return !w.plain && rapid.IntRange(0, 7).Draw(w.rt, "chance") == 0
}

func (w *jsonWriter) put(s string) {
	if w.chance() {
		w.b = append(w.b, rapid.SampledFrom([]string{" ", "\n\t", "\r", "          "}).Draw(w.rt, "space")...)
	}
	w.b = append(w.b, s...)
}

func (w *jsonWriter) text(s string) {
	if !w.chance() {
		w.put(string(quote(s)))
		return
	}
	w.put(`"`)
	for _, c := range s {
		switch {
		case c == utf8.RuneError:
			w.b = append(w.b, rapid.SampledFrom([]string{`\ud800`, `\udc00\ud800`, `\ud800\u0041`, "\xff", "\xe2\x82", `\ufffd`}).Draw(w.rt, "wrong")...)
		case c > 0xffff:
			hi, lo := utf16.EncodeRune(c)
			w.b = fmt.Appendf(w.b, `\u%04x\u%04X`, hi, lo)
		default:
			w.b = fmt.Appendf(w.b, `\u%04X`, c)
		}
	}
	w.b = append(w.b, '"')
}

// quote keeps what is not UTF-8, unlike avjson.AppendString.
func quote(s string) []byte {
	b := []byte{'"'}
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ':
			b = fmt.Appendf(b, `\u%04x`, c)
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

func (w *jsonWriter) object(m item) {
	names := rapid.Permutation(slices.Sorted(maps.Keys(m))).Draw(w.rt, "order")
	if len(names) > 0 && w.chance() {
		names = append(names, names[0])
	}
	w.put("{")
	for i, name := range names {
		if i > 0 {
			w.put(",")
		}
		w.text(name)
		w.put(":")
		w.value(m[name])
	}
	w.put("}")
}

func each[E any](w *jsonWriter, list []E, put func(E)) {
	w.put("[")
	for i, e := range list {
		if i > 0 {
			w.put(",")
		}
		put(e)
	}
	w.put("]")
}

func (w *jsonWriter) value(v av) {
	if codec.TypeName(v) == "" {
		w.put("null")
		return
	}
	w.put("{")
	if w.chance() {
		w.put(rapid.SampledFrom([]string{`"X":{"S":[1,-2.5e7,true,"\n"]},`, `"S":null,`, `"NULL":null,`}).Draw(w.rt, "member"))
	}
	w.text(codec.TypeName(v))
	w.put(":")
	binary := func(b []byte) { w.text(base64.StdEncoding.EncodeToString(b)) }
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		w.text(v.Value)
	case *types.AttributeValueMemberN:
		w.text(v.Value)
	case *types.AttributeValueMemberB:
		binary(v.Value)
	case *types.AttributeValueMemberBOOL:
		w.put(strconv.FormatBool(v.Value))
	case *types.AttributeValueMemberNULL:
		w.put(strconv.FormatBool(v.Value))
	case *types.AttributeValueMemberSS:
		each(w, v.Value, w.text)
	case *types.AttributeValueMemberNS:
		each(w, v.Value, w.text)
	case *types.AttributeValueMemberBS:
		each(w, v.Value, binary)
	case *types.AttributeValueMemberL:
		each(w, v.Value, w.value)
	case *types.AttributeValueMemberM:
		w.object(v.Value)
	}
	if w.chance() {
		w.put(rapid.SampledFrom([]string{`,"X":{}`, `,"BOOL":null`, `,"N":"1"`}).Draw(w.rt, "member"))
	}
	w.put("}")
}

// Times in layouts of their own and as epoch seconds, wherever options put them.
func TestPageWithOptions(t *testing.T) {
	type T struct {
		Day  time.Time
		Days []time.Time
		Unix *time.Time
		Map  map[string]time.Time
		In   struct{ At Instant }
		Plain,
		Long time.Time
	}
	p, err := codec.Compile(reflect.TypeFor[T](), codec.Options{
		TimeLayouts: map[string]string{"Day": time.DateOnly, "Days[]": time.DateOnly, "Map[]": time.Kitchen, "In.At": time.RFC3339, "Long": "2006-01-02T15:04:05.000000000Z"},
		UnixTimes:   map[string]bool{"Unix": true},
	})
	require.NoError(t, err)
	plan := wired(p)
	for _, data := range []string{
		`{"Day":{"S":"2026-11-21"},"Days":{"L":[{"S":"2026-11-21"},{"S":"2024-02-29"}]},"Unix":{"N":"1"},"Map":{"M":{"a":{"S":"3:04PM"}}},"In":{"M":{"At":{"S":"2026-11-21T04:05:06+01:00"}}}}`,
		`{"Day":{"S":"2026-11-21T04:05:06.123456789Z"}}`, `{"Plain":{"S":"2026-11-21T04:05:06.123456789Z"},"Long":{"S":"2026-11-21T04:05:06.123456789Z"}}`,
		`{"Plain":{"S":"2026-11-21T04:05:06Z"}}`, `{"Plain":{"S":"2026-02-30T04:05:06.123456789Z"}}`, `{"Plain":{"S":"2026-11-21"}}`, `{"Plain":{"S":"2026-11-21T04:05:06.1234567\u0038\u0039Z"}}`,
		`{"Days":{"L":[{"S":"2026-11-21"},{"S":"no"}]}}`, `{"Days":{"L":[{"NULL":true}]},"Unix":{"NULL":true}}`, `{"Unix":{"N":"1e3"}}`, `{"Unix":{"S":"1"}}`, `{"Unix":{"N":"1.5"}}`,
		`{"Long":{"S":"2026-11-21T04:05:06.12Z"}}`,
	} {
		requireSamePage(t, plan, []byte(data))
	}
	requireSameJSON(t, p, reflect.ValueOf(T{Day: time.Unix(1e9, 5), Days: []time.Time{{}, time.Unix(1, 2)}, Unix: new(time.Time), Map: map[string]time.Time{"a": time.Unix(60, 0)}}), nil)
}

// Slow is read by user code.
type Slow struct {
	Members []typeNamed `dynamodbav:",stringset"`
	Keys    map[keptKey]string
	Custom  typeNamed
}

// typeNamed reads what type it was given, and refuses numbers.
type typeNamed string

func (n *typeNamed) UnmarshalDynamoDBAttributeValue(v av) error {
	if *n = typeNamed(codec.TypeName(v)); *n == "N" {
		return errUser
	}
	return nil
}

// Each way of reading, with what fits and what does not quite.
func TestPageOfEachKind(t *testing.T) {
	type inner struct {
		A string
		B []string
	}
	type T struct {
		S  string
		B  bool
		Y  []byte
		A  [2]byte
		P  *string
		PP **int
		PB *big.Int
		L  []inner
		LL [][]int
		Q  [2]inner
		M  map[string]string
		MN map[Name]int8
		MI map[int]inner
		MF map[float64]bool
		MP map[string]*inner
		SS []string  `dynamodbav:",stringset"`
		SN []Name    `dynamodbav:",stringset"`
		NS []float64 `dynamodbav:",numberset"`
		BS [][]byte
		N  attributevalue.Number
		X  any
		*Base
		*Slow
		Audit
	}
	plan := wired(compile(t, reflect.TypeFor[T]()))
	values := []string{
		`null`, `{}`, `{"NULL":true}`, `{"NULL":false}`, ` { "NULL" : true } `, `{"S":"x"}`, `{"S":null}`, `{ "S":"x"}`, `{"S":"x" }`, `{"S":"x","X":1}`, `{"S":null,"NULL":true}`, `{"NULL":true,"S":null}`,
		`{"N":"1"}`, `{"N":"x"}`, `{"N":"300"}`, `{"BOOL":true}`, `{"BOOL": false }`, `{"B":"AQI="}`, `{"B":"AQID"}`, `{"B":"\u0041QI="}`, `{"B":""}`,
		`{"L":[]}`, `{"L":[ ]}`, `{"L":[{"S":"a"}]}`, `{"L":[{"S":"a"},{"S":"b"}]}`, `{"L":[{"NULL":true}]}`, `{"L":[null]}`, `{"L":[{"M":{"A":{"S":"a"}}},{"M":{}}]}`, `{"L":[{"M":{"A":{"S":"a"},"A":{"S":"b"}}},{"M":{"C":{"N":"1"}}}]}`,
		`{"L":[{"M":{"A":{"S":"a"},"A":{"NULL":true}}}]}`, `{"L":[{"L":[]},{"L":[{"N":"1"},{"N":"2"}]}]}`, `{"L":[{"M":{"B":{"L":[{"S":"x"}]}}},{"M":{"B":{"L":[{"N":"1"}]}}}]}`,
		`{"M":{}}`, `{"M":{"a":{"S":"x"}}}`, `{"M":{"a":{"S":"x"},"a":{"S":"y"}}}`, `{"M":{"1":{"N":"1"},"2":{"N":"2"}}}`, `{"M":{"1":{"BOOL":true},"1.0":{"BOOL":true}}}`, `{"M":{"a":{"NULL":true}}}`, `{"M":{"a":null}}`,
		`{"M":{"1":{"M":{"A":{"S":"x"}}},"2":{"M":{"B":{"L":[]}}}}}`, `{"M":{ "\u0061" : {"S":"x"} , "b":{ "S" : "y" } }}`, `{"M":{"A":{"S":"x"},"B":{"NULL":true}}}`,
		`{"SS":["a","b"]}`, `{"SS":[ "a" , "a" ]}`, `{"SS":[]}`, `{"SS":["a",null]}`, `{"NS":["1","2.50"]}`, `{"NS":["1","x"]}`, `{"BS":["AQ==",""]}`, `{"BS":[null]}`, `{"SS":["\u0061"]}`,
		`{"S":"2026-11-21T04:05:06.123456789Z"}`, `{"N":"123456789012345678901234567890"}`, `{"S":1}`,
	}
	for _, f := range plan.Fields {
		for _, v := range values {
			requireSamePage(t, plan, []byte(`{"`+f.Name+`":`+v+`}`))
			requireSamePage(t, plan, []byte(`{"S":{"S":"before"},"`+f.Name+`" : `+v+` ,"N":{"N":"7"}}`))
		}
	}
}
