package avjson_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/internal/avjson"
)

// values are JSON in which something is unusual; with some of it no attribute value
// is written.
var values = []string{
	`{"S":"x"}`, `{"N":"-1.5e3"}`, `{"B":"AQID"}`, `{"BOOL":true}`, `{"BOOL":false}`, `{"NULL":true}`, `{"NULL":false}`,
	`{"SS":["a","b","a"]}`, `{"NS":["1"]}`, `{"BS":["","AQ=="]}`, `{"L":[]}`, `{"M":{}}`, `{"SS":[]}`, `{"B":""}`, `{"S":""}`,
	`{"L":[{"S":"x"},{"L":[{"M":{"a":{"N":"1"},"b":{"NULL":true}}}]},null]}`, `{"M":{"":{"S":""},"a":null,"a":{"N":"2"}}}`,
	" \t\r\n{ \"S\" \n:\t\"x\" } ", `{"L" : [ {"S":"x"} , {"S":"y"} ] }`,
	// escapes
	`{"S":"\"\\\/\b\f\n\r\t\u00e9\u20ac"}`, `{"S":"\ud83d\ude00"}`, `{"S":"\ud83d"}`, `{"S":"\ude00x"}`, `{"S":"\ud83d\u0041"}`, `{"S":"\ud83d\ud83d\ude00"}`,
	`{"S":"\ud83d\n"}`, `{"S":"\ud83dx"}`, `{"S":"\ud83d\u00"}`, `{"S":"\uD83D\uDE00"}`, `{"S":"\u12"}`, `{"S":"\x"}`, `{"S":"\'"}`, `{"S":"\u00g0"}`, `{"S":"\`,
	`{"\u0053":"x"}`, `{"B":"AQ\u003d="}`, `{"B":"A\nQID"}`, `{"M":{"\u0061":{"S":"1"},"a":{"S":"2"}}}`, `{"S":"\u0000"}`, `{"N":"\u0031"}`,
	// not UTF-8
	"{\"S\":\"\xff\"}", "{\"S\":\"\xff\\n\xc3\"}", "{\"S\":\"\xe2\x82\\u0041\xac\"}", "{\"M\":{\"\xff\":null}}", "{\"B\":\"\xff\"}", "{\"\xff\":1,\"S\":\"x\"}",
	// members
	`{"S":null,"N":"1"}`, `{"S":"x","N":null}`, `{"S":"x","N":"1"}`, `{"S":"x","S":"y"}`, `{"X":{"Y":[1,2,{"z":-0.5e+7}]},"S":"x"}`, `{"S":"x","X":tru}`,
	`{"s":"x","S":"y"}`, `{"SS":["a",null]}`, `{"NS":[null]}`, `{"BS":[null,"AQ=="]}`, `{"X":"y","S":"x","Y":[]}`,
	// of the wrong kind
	`{"S":1}`, `{"S":true}`, `{"S":{}}`, `{"N":1}`, `{"BOOL":"true"}`, `{"BOOL":1}`, `{"NULL":"x"}`, `{"SS":{}}`, `{"SS":[1]}`, `{"SS":["a",{}]}`, `{"L":{}}`, `{"L":[1]}`, `{"L":["x"]}`,
	`{"M":[]}`, `{"M":{"a":1}}`, `{"B":"*"}`, `{"B":"AQI"}`, `{"B":1}`, `{"BS":["*"]}`, `"x"`, `1`, `true`, `[]`, `null`,
	// no JSON
	``, ` `, `{`, `}`, `{]`, `{"S"`, `{"S":`, `{"S":"x"`, `{"S":"x"]`, `{"S":"x",}`, `{"S" "x"}`, `{"S":"x""N":"1"}`, `{S:"x"}`, `{,}`, `{"L":[}`, `{"L":[{"S":"x"},]}`, `{"L":[{"S":"x"}{"S":"y"}]}`,
	`{"L":[{"S":"x"}:,{}]}`, `{"M":{"a":{"S":"x"}:,"b":{}}}`, `{"X":01}`, `{"X":-}`, `{"X":1.}`, `{"X":.5}`, `{"X":1e}`, `{"X":1e+}`, `{"X":+1}`, `{"X":nul}`, `{"X":truex}`, `{"X":[1 2]}`,
	`{"X":[1,]}`, `{"X":"a`, "{\"S\":\"a\nb\"}", "{\"S\":\"12345678\x1f\"}", "{\"S\":\"1234\x1f678901234567\"}", "{\"S\":\"1234\x7f678901234567\"}", "{\"X\":\"a\x00\"}", `{"X":"\q"}`, "\xef\xbb\xbf{}", "{\"S\":\"x\"}\x00", `{"S":"x"}}`, "{\u00a0}",
	`{"S":"\u00:0"}`, `{"X":[1:2]}`, `{"X":[1d5]}`, `{"X":{"a";1}}`, `{"X":{"a":1;"b":2}}`, `{"X":9223372036854775808}`,
	`{"X":{"a":1,}}`, `{"X":{"a"}}`, `{"X":{1:1}}`, `{"X":{"a":1 "b":2}}`, `{"X":0}`, `{"X":-0.0E-0}`, `{"X":10}`,
}

func TestValueIsTheSDKs(t *testing.T) {
	for _, data := range values {
		requireSameValue(t, []byte(data))
		for n := range len(data) {
			requireSameValue(t, []byte(data[:n]))
		}
	}
}

func FuzzReader(f *testing.F) {
	for _, data := range values {
		f.Add([]byte(data))
	}
	f.Fuzz(func(t *testing.T, data []byte) { requireSameValue(t, data) })
}

// requireSameValue reads data by Value, and the same as a member by Map.
func requireSameValue(t *testing.T, data []byte) {
	t.Helper()
	before := slices.Clone(data)
	r := &avjson.Reader{Data: data}
	valid := json.Valid(data)

	end, err := r.Skip(0)
	if err == nil {
		require.Equal(t, valid, r.Space(end) == len(data), "%q", data)
	} else {
		require.Zero(t, end)
		requireSyntax(t, err, data)
		require.True(t, !valid || isDeep(err), "%q: %v", data, err)
	}

	got, end, err := r.Value(0)
	if err != nil {
		require.Zero(t, end)
		requireSyntax(t, err, data)
	} else if err = errors.New("bytes behind"); r.Space(end) == len(data) {
		err = nil
	}
	want, wantErr := sdkReadValue(data)
	require.Equal(t, before, data)
	switch {
	case err == nil:
		require.True(t, valid, "%q", data)
		require.NoError(t, wantErr, "%q", data)
		if !nilInside(got) { // else the SDK may repeat the value before
			require.Equal(t, want, got, "%q", data)
		}
	case valid && !isDeep(err):
		require.Error(t, wantErr, "%q: %v", data, err)
	}

	member := append(append([]byte(`{"a":`), data...), '}')
	m, end, err := (&avjson.Reader{Data: member}).Map(0)
	switch {
	case err != nil:
		requireSyntax(t, err, member)
		require.True(t, wantErr != nil || isDeep(err) || !json.Valid(member))
	case json.Valid(member) && len(m) == 1:
		require.Equal(t, len(member), end)
		require.Equal(t, item{"a": got}, m, "%q", data)
	}
}

func isDeep(err error) bool { return strings.HasSuffix(err.Error(), "nested too deep") }

func requireSyntax(t *testing.T, err error, data []byte) {
	t.Helper()
	var broken *avjson.SyntaxError
	require.ErrorAs(t, err, &broken)
	require.GreaterOrEqual(t, broken.Offset, 0)
	require.LessOrEqual(t, broken.Offset, len(data))
}

func nilInside(v av) bool {
	switch v := v.(type) {
	case nil:
		return true
	case *types.AttributeValueMemberL:
		return slices.ContainsFunc(v.Value, nilInside)
	case *types.AttributeValueMemberM:
		for _, v := range v.Value {
			if nilInside(v) {
				return true
			}
		}
	}
	return false
}

// The SDK gives an empty value what the one before it was.
func TestEmptyValueIsNil(t *testing.T) {
	repeats, err := sdkRead([]byte(`{"a":{"S":"x"},"b":{}}`))
	require.NoError(t, err)
	require.Equal(t, repeats["a"], repeats["b"], "then the list of differences can be shorter")
	m, _, err := (&avjson.Reader{Data: []byte(`{"a":{"S":"x"},"b":{},"c":{"X":1}}`)}).Map(0)
	require.NoError(t, err)
	require.Equal(t, item{"a": &types.AttributeValueMemberS{Value: "x"}, "b": nil, "c": nil}, m)
}

func TestNesting(t *testing.T) {
	for _, kind := range []struct{ open, inner, end string }{
		{`[`, ``, `]`}, {`{"a":`, `1`, `}`}, {`{"L":[`, ``, `]}`}, {`{"M":{"a":`, `null`, `}}`},
	} {
		data := func(n int) []byte {
			return []byte(strings.Repeat(kind.open, n) + kind.inner + strings.Repeat(kind.end, n))
		}
		per := len(kind.end)
		r := &avjson.Reader{Data: data(1000 / per)}
		end, err := r.Skip(0)
		require.NoError(t, err)
		require.Equal(t, len(r.Data), end)
		for _, n := range []int{1000/per + 1, 5_000_000} {
			r := &avjson.Reader{Data: data(n)}
			_, err := r.Skip(0)
			require.True(t, isDeep(err))
			if kind.open != `[` && kind.open != `{"a":` {
				_, _, err = r.Value(0)
				require.True(t, isDeep(err), err)
			}
		}
		if kind.open == `{"L":[` {
			v, end, err := r.Value(0)
			require.NoError(t, err)
			require.Equal(t, len(r.Data), end)
			require.NotNil(t, v)
		}
	}
}

// The limit holds however the nesting begins: with a value, with an item, or where it is passed over.
func TestNestingAtTheLimit(t *testing.T) {
	for _, kind := range []struct{ open, inner, end string }{{`{"L":[`, `{"S":"x"}`, `]}`}, {`{"M":{"a":`, `{"S":"x"}`, `}}`}} {
		for n, ok := range map[int]bool{498: true, 499: true, 500: false} {
			data := strings.Repeat(kind.open, n) + kind.inner + strings.Repeat(kind.end, n)
			_, end, err := (&avjson.Reader{Data: []byte(data)}).Value(0)
			require.Equal(t, ok, err == nil, n)
			require.Equal(t, ok, end == len(data))
			data = `{"a":` + strings.Repeat(kind.open, n) + `null` + strings.Repeat(kind.end, n) + `}`
			_, end, err = (&avjson.Reader{Data: []byte(data)}).Map(0)
			require.Equal(t, ok, err == nil, n)
			require.Equal(t, ok, end == len(data))
			data = `{"a":` + strings.Repeat(kind.open, n-1) + strings.Repeat("[", 2) + strings.Repeat("]", 2) + strings.Repeat(kind.end, n-1) + `}`
			end, err = (&avjson.Reader{Data: []byte(data)}).Skip(0)
			require.Equal(t, ok, err == nil, n)
			require.Equal(t, ok, end == len(data))
		}
	}
}

// What breaks off is said to end there, and what is wrong to be wrong there.
func TestErrorsSayWhere(t *testing.T) {
	for _, data := range values {
		if !json.Valid([]byte(data)) {
			continue
		}
		if _, _, err := (&avjson.Reader{Data: []byte(data)}).Value(0); err != nil {
			continue
		}
		data = strings.TrimSpace(data)
		for n := range len(data) {
			r := &avjson.Reader{Data: []byte(data[:n])}
			word := strings.TrimLeft(data[:n], `{}[]":, NULBOX`) // a literal or number that breaks off is wrong from its beginning on
			for _, read := range []func() error{
				func() error { _, _, err := r.Value(0); return err },
				func() error { _, err := r.Skip(0); return err },
			} {
				var broken *avjson.SyntaxError
				require.ErrorAs(t, read(), &broken, "%q", data[:n])
				if broken.Offset != n {
					require.NotEmpty(t, word, "%q: %v", data[:n], broken)
				} else {
					require.ErrorContains(t, broken, "unexpected end")
				}
			}
		}
	}
	for data, at := range map[string]int{
		`{"S":1}`: 5, `{"N":true}`: 5, `{"B":1}`: 5, `{"B":"*"}`: 5, `{"B": "*"}`: 6, `{"BOOL":1}`: 8, `{"NULL":"x"}`: 8, `{"SS":["a",1]}`: 11, `{"NS":[1]}`: 7, `{"BS":["AQ==","*"]}`: 14,
		`{"SS":{}}`: 6, `{"L":[{"S":1}]}`: 11, `{"L":{}}`: 5, `{"M":[]}`: 5, `{"M":{"a":{"N":1}}}`: 15, `{"S":"x","N":"1"}`: 13, `{"S":"x"]`: 8, `{"S":"\x"}`: 6,
		`{"X":{"a":"\x"},"S":"x"}`: 11, `{"X":[1 2]}`: 8, `{"X":{"a" 1}}`: 10, `{"X":{1:1}}`: 6, `{"X":{"a":1 "b":1}}`: 12, `{"L":[{"S":"x"}{}]}`: 15, `{1:1}`: 1, `{"S";"x"}`: 4,
	} {
		_, _, err := (&avjson.Reader{Data: []byte(data)}).Value(0)
		var broken *avjson.SyntaxError
		require.ErrorAs(t, err, &broken, data)
		require.Equal(t, at, broken.Offset, "%s: %v", data, err)
	}
}

// A byte that ends the quick way through a string is seen wherever it stands in a word, and its neighbours are not taken for it.
func TestBytesAtEveryPlace(t *testing.T) {
	for at := range 20 {
		for _, c := range []byte("\"\\\x00\x01\x1f !#[]\x7f\x80\x9f\xa2\xdc\xff") {
			text := []byte(strings.Repeat("a", 20))
			text[at] = c
			requireSameValue(t, []byte(`{"S":"`+string(text)+`"}`))
			b := avjson.AppendString(nil, string(text))
			var back string
			require.NoError(t, json.Unmarshal(b, &back), "%q", text)
			require.Equal(t, strings.ToValidUTF8(string(text), "\ufffd"), back)
		}
	}
}

func TestParts(t *testing.T) {
	r := &avjson.Reader{Data: []byte(` { "a" : 12 , "b":[ true,false , null ],"c": -1.5e3, "d":"x" } `)}
	var keys []string
	end, err := r.Members(0, func(key []byte, i int) (int, error) {
		keys = append(keys, string(key))
		switch keys[len(keys)-1] {
		case "a":
			n, end, err := r.Int(i)
			require.Equal(t, int64(12), n)
			return end, err
		case "b":
			elems := 0
			end, err := r.Elements(i, func(i int) (int, error) {
				elems++
				if end, null := r.Null(i); null {
					return end, nil
				}
				b, end, err := r.Bool(i)
				require.Equal(t, elems == 1, b)
				return end, err
			})
			require.Equal(t, 3, elems)
			return end, err
		case "c":
			text, end, err := r.Number(i)
			require.Equal(t, "-1.5e3", string(text))
			_, _, notWhole := r.Int(i)
			requireSyntax(t, notWhole, r.Data)
			return end, err
		}
		s, end, err := r.String(i)
		require.Equal(t, "x", s)
		return end, err
	})
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b", "c", "d"}, keys)
	require.Equal(t, len(r.Data)-1, end)
	require.Equal(t, len(r.Data), r.Space(end))

	refuse := errors.New("no")
	_, err = r.Members(0, func([]byte, int) (int, error) { return 0, refuse })
	require.ErrorIs(t, err, refuse)
	_, err = (&avjson.Reader{Data: []byte(`[1]`)}).Elements(0, func(int) (int, error) { return 0, refuse })
	require.ErrorIs(t, err, refuse)

	for _, i := range []int{0, 1, len(r.Data), len(r.Data) + 1000} { // wherever one looks
		_, _, err := r.Bool(i)
		requireSyntax(t, err, r.Data)
		_, _, err = r.String(i)
		requireSyntax(t, err, r.Data)
		_, _, err = r.Number(i)
		requireSyntax(t, err, r.Data)
		_, _, err = r.Int(i)
		requireSyntax(t, err, r.Data)
		_, _, err = r.Key(i)
		requireSyntax(t, err, r.Data)
	}
	m, end, err := (&avjson.Reader{Data: []byte(" null ")}).Map(0)
	require.NoError(t, err)
	require.Nil(t, m)
	require.Equal(t, 5, end)
}

// Strings have memory of their own, whole pieces of it, and the reply may change
// afterwards.
func TestStringsAreCut(t *testing.T) {
	var b []byte
	var want []string
	for i := range 3000 {
		want = append(want, strings.Repeat(string(rune('a'+i%26)), i%70), strings.Repeat("é\n", i%5*300))
		b = avjson.AppendString(b, want[len(want)-2])
		b = avjson.AppendString(b, want[len(want)-1])
	}
	read := func() []string {
		r := &avjson.Reader{Data: b}
		var got []string
		for i := 0; i < len(b); {
			s, end, err := r.String(i)
			require.NoError(t, err)
			got, i = append(got, s), end
		}
		return got
	}
	got := read()
	clear(b)
	require.Equal(t, want, got)

	small := []byte(strings.Repeat(`"0123456789"`, 8000)) // 80 KB of text
	pieces := testing.AllocsPerRun(10, func() {
		r := &avjson.Reader{Data: small}
		for i := 0; i < len(small); {
			_, i, _ = r.String(i)
		}
	})
	require.LessOrEqual(t, pieces, 12.0)
	require.GreaterOrEqual(t, pieces, 10.0) // none is larger than 8 KiB
}

func TestF126_ErrorsQuoteNothing(t *testing.T) {
	for _, data := range values {
		secret := strings.NewReplacer(`"x"`, `"secret"`, `"a`, `"secret`).Replace(data)
		for n := range len(secret) {
			if _, _, err := (&avjson.Reader{Data: []byte(secret[:n])}).Value(0); err != nil {
				require.NotContains(t, err.Error(), "secret")
				require.Contains(t, err.Error(), "malformed reply at byte ")
			}
		}
	}
}
