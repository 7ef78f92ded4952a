package keytmpl_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/monotable/monotable/internal/keytmpl"
)

// fields are the attributes that test templates may name.
var fields = map[string]keytmpl.Field{
	"a":   {Kind: keytmpl.Text},
	"b":   {Kind: keytmpl.Text},
	"e":   {Kind: keytmpl.Text, Escaped: true},
	"n":   {Kind: keytmpl.Integer},
	"d":   {Kind: keytmpl.Decimal},
	"t":   {Kind: keytmpl.Time},
	"day": {Kind: keytmpl.Time, Layout: "2006-01-02"},
	"ok":  {Kind: keytmpl.Bool},
	"x":   {Kind: keytmpl.Bytes},
	"bad": {Kind: keytmpl.Unsupported},
}

func parse(text string) (*keytmpl.Template, error) {
	return keytmpl.Parse(text, '#', func(name string) (keytmpl.Field, error) {
		f, ok := fields[name]
		if !ok {
			return f, fmt.Errorf("{%s} is unknown", name)
		}
		return f, nil
	})
}

func mustParse(t testing.TB, text string) *keytmpl.Template {
	t.Helper()
	tmpl, err := parse(text)
	require.NoError(t, err)
	return tmpl
}

func TestF110_TemplateSyntax(t *testing.T) {
	for _, good := range []string{
		"", "PROFILE", "USER#{a}", "ORG#{a}#U#{n:010}", "{a}", "{n:010}{a}", "{t}{a}", "{n}X{a}", "{d:08.2}#{a}", "X{a:raw}", "{day}#{a}", "{ok}#{x}", "{n:038}", "{n:01}", "{d:020.18}", "{d:01.1}",
	} {
		_, err := parse(good)
		assert.NoError(t, err, good)
	}
	for bad, want := range map[string]string{
		"{a":            `unclosed "{" at byte 0`,
		"X{a{b}":        `unclosed "{" at byte 1`,
		"a}":            `"}" without "{"`,
		"{}":            "{} names no attribute",
		"{nope}":        "{nope} is unknown",
		"{a}#{a}":       "{a} is repeated",
		"{a}{b}":        "fixed width",
		"{a}-{b}":       `put the delimiter '#' after it`,
		"{n}5{a}":       "which its values may contain",
		"{a:raw}#{b}":   "must end the template",
		"{a:010}":       "padding",
		"{n:10}":        "must be like 010",
		"{n:0}":         "must be like 010",
		"{n:040}":       "must be like 010",
		"{n:039}":       "must be like 010",
		"{n:00}":        "must be like 010",
		"{n:0x}":        "must be like 010",
		"{n:-01}":       "must be like 010",
		"{d:020.19}":    "must be like 010",
		"{d:03.0}":      "must be like 010",
		"{d:03.}":       "must be like 010",
		"{d:03.x}":      "must be like 010",
		"{d:03.-1}":     "must be like 010",
		"{d:.5}":        "must be like 010",
		"{n:05.2}":      "no digits after the point",
		"{d}":           "needs a width",
		"{bad}":         "cannot be part of a key",
		"{e:raw}":       "not Escaped",
		"{nope}#{bad}}": "{nope} is unknown",
	} {
		_, err := parse(bad)
		assert.ErrorContains(t, err, want, bad)
	}
	// All mistakes at once.
	_, err := parse("{nope}#{bad}}")
	assert.ErrorContains(t, err, "cannot be part")
	assert.ErrorContains(t, err, `"}" without`)
}

// value draws a Go value for a kind of part.
func value(t *rapid.T, f keytmpl.Field, label string) reflect.Value {
	switch f.Kind {
	case keytmpl.Integer:
		return reflect.ValueOf(rapid.Int64Range(-9_999_999_999, 9_999_999_999).Draw(t, label))
	case keytmpl.Decimal:
		return reflect.ValueOf(float64(rapid.IntRange(-99_999, 99_999).Draw(t, label)) / 4)
	case keytmpl.Time:
		at := time.Unix(rapid.Int64Range(-60_000_000_000, 250_000_000_000).Draw(t, label), rapid.Int64Range(0, 999_999_999).Draw(t, label)).UTC()
		if f.Layout != "" {
			at = at.Truncate(24 * time.Hour)
		}
		return reflect.ValueOf(at)
	case keytmpl.Bool:
		return reflect.ValueOf(rapid.Bool().Draw(t, label))
	case keytmpl.Bytes:
		return reflect.ValueOf(rapid.SliceOfN(rapid.Byte(), 1, 5).Draw(t, label))
	}
	alphabet := []rune("ab!\x00 $%é\uFFFF/\\{}")
	if f.Escaped {
		alphabet = append(alphabet, '#', '"')
	}
	return reflect.ValueOf(rapid.StringOfN(rapid.RuneFrom(alphabet), 1, 4, -1).Draw(t, label))
}

var shapes = []string{"USER#{a}", "{a}#{b}", "{e}#{a}", "O#{n:010}{a}", "{n}#{a}", "{d:08.2}#X#{e}", "{t}{a}", "{ok}#{x}#{n:010}", "{x}#{t}", "{day}#{b}"}

func format(t *rapid.T, tmpl *keytmpl.Template) ([]string, []reflect.Value) {
	texts := make([]string, len(tmpl.Parts))
	values := make([]reflect.Value, len(tmpl.Parts))
	for i, p := range tmpl.Parts {
		values[i] = value(t, fields[p.Name], p.Name)
		text, present, err := p.Format(values[i])
		require.NoError(t, err)
		require.True(t, present)
		texts[i] = text
	}
	return texts, values
}

// Parts make a key, the key gives the parts back: so no two lists of parts make one key.
func TestF097_KeysAreInjective(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tmpl, err := parse(rapid.SampledFrom(shapes).Draw(t, "template"))
		require.NoError(t, err)
		texts, values := format(t, tmpl)
		key := tmpl.Render(texts)
		again, ok := tmpl.Match(key)
		require.True(t, ok, "%q", key)
		require.Equal(t, texts, again)
		for i, p := range tmpl.Parts {
			back := reflect.New(values[i].Type()).Elem()
			require.NoError(t, p.Scan(again[i], back))
			require.Equal(t, values[i].Interface(), back.Interface())
		}
	})
}

// Texts of ordered parts sort like their values, also where another part follows.
func TestF101_PartsKeepOrder(t *testing.T) {
	less := map[string]func(a, b any) bool{
		"{n:010}#{a}":  func(a, b any) bool { return a.(int64) < b.(int64) },
		"{d:08.2}#{a}": func(a, b any) bool { return a.(float64) < b.(float64) },
		"{t}#{a}":      func(a, b any) bool { return a.(time.Time).Before(b.(time.Time)) },
		"{e}#{a}":      func(a, b any) bool { return a.(string) < b.(string) },
		"{x}#{a}":      func(a, b any) bool { return string(a.([]byte)) < string(b.([]byte)) },
	}
	for text, less := range less {
		tmpl := mustParse(t, text)
		require.True(t, tmpl.Parts[0].OrderedBeforeDelimiter(), text)
		rapid.Check(t, func(t *rapid.T) {
			texts1, v1 := format(t, tmpl)
			texts2, v2 := format(t, tmpl)
			a, b := v1[0].Interface(), v2[0].Interface()
			if less(a, b) {
				require.Less(t, tmpl.Render(texts1), tmpl.Render(texts2))
			}
		})
	}
	require.False(t, mustParse(t, "{a}#{b}").Parts[0].OrderedBeforeDelimiter(), "free text sorts otherwise before a delimiter")
}

func TestNegativeNumbersSort(t *testing.T) {
	p := mustParse(t, "{n:03}").Parts[0]
	numbers := []int{-999, -100, -99, -2, -1, 0, 1, 9, 10, 999}
	texts := make([]string, len(numbers))
	for i, n := range numbers {
		text, _, err := p.Format(reflect.ValueOf(n))
		require.NoError(t, err)
		texts[i] = text
	}
	assert.True(t, sort.StringsAreSorted(texts), texts)
	assert.Equal(t, []string{"-001", "-900", "-901", "-998", "-999", "000", "001", "009", "010", "999"}, texts)
	_, _, err := p.Format(reflect.ValueOf(1000))
	assert.ErrorContains(t, err, "more digits")
}

func TestF097_DelimiterRefused(t *testing.T) {
	p := mustParse(t, "USER#{a}").Parts[0]
	_, _, err := p.Format(reflect.ValueOf("1#2"))
	assert.ErrorContains(t, err, "Escaped")
	_, _, err = p.Format(reflect.ValueOf("a" + keytmpl.MaxPart))
	assert.Error(t, err)
	// A value that stands alone may hold anything, and so may a raw one at the end.
	for _, text := range []string{"{a}", "USER#{a:raw}"} {
		tmpl := mustParse(t, text)
		got, present, err := tmpl.Parts[0].Format(reflect.ValueOf("1#2"))
		require.NoError(t, err)
		assert.True(t, present)
		again, ok := tmpl.Match(tmpl.Render([]string{got}))
		assert.True(t, ok)
		assert.Equal(t, []string{"1#2"}, again)
	}
}

func TestF078_InvalidUTF8InKeyParts(t *testing.T) {
	for _, text := range []string{"USER#{a}", "{a}", "{e}", "X{a:raw}"} {
		_, _, err := mustParse(t, text).Parts[0].Format(reflect.ValueOf("k\xff"))
		assert.Error(t, err, text)
	}
}

func TestF098_AbsentParts(t *testing.T) {
	p := mustParse(t, "USER#{a}").Parts[0]
	for _, v := range []any{"", (*string)(nil)} {
		_, present, err := p.Format(reflect.ValueOf(v))
		require.NoError(t, err)
		assert.False(t, present)
	}
	n := mustParse(t, "{n:03}").Parts[0]
	text, present, err := n.Format(reflect.ValueOf(0))
	require.NoError(t, err)
	assert.True(t, present, "0 is a value")
	assert.Equal(t, "000", text)
}

func TestPrefixesEndAtTheirDelimiter(t *testing.T) {
	tmpl := mustParse(t, "ORDER#{a}#{b}#END")
	for n, want := range []string{"ORDER#", "ORDER#1#", "ORDER#1#2#END"} {
		got, complete := tmpl.Prefix([]string{"1", "2"}[:n])
		assert.Equal(t, want, got)
		assert.Equal(t, n == 2, complete)
	}
	assert.Equal(t, "ORDER#1", tmpl.Open([]string{"1"}))
	got, complete := mustParse(t, "PROFILE").Prefix(nil)
	assert.Equal(t, "PROFILE", got)
	assert.True(t, complete)
}

func TestF103_Overlap(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"USER#{a}", "ORG#{a}", false},
		{"USER#{a}", "USER#{b}", true},
		{"USER#{a}", "USER#{a}#X", false}, // parts hold no delimiter
		{"{a}", "ORG#{b}", true},
		{"PROFILE", "PROFILE", true},
		{"PROFILE", "PRO{a}", true},
		{"ORDER#{n:03}", "ORDER#{n:04}", false},
		{"ORDER#{n:03}", "ORDER#{n:05}", false},
		{"ORDER#{n}", "ORDER#{ok}", false},
		{"A#{t}", "A#{n}", false},
		{"U#{e}", "U#{a}#{b}", false},
		{"U#{a:raw}", "U#{a}#{b}", true},
		{"{a}#{b}", "{a}#X#{b}", false},
		{"é#{a}", "é#{b}", true},
		{"é#{a}", "è#{b}", false},
		{"X#{x}", "X#zz", false},
		{"X#{x}", "X#ff", true},
		{"B#{ok}", "B#TRUE", false},
		{"N#{n}", "N#1.5", false},
		{"D#{d:02.1}", "D#-12.5", true},
		{"D#{d:02.1}", "D#12-5", false},
		{"D#{d:02.1}", "D#1:.5", false},
		{"T#{t}", "T#2026-11-21T12:00:00.000000000Z", true},
		{"T#{t}", "T#2026-11-21T12:00:00.00000000:Z", false},
	} {
		assert.Equal(t, c.want, keytmpl.Overlap(mustParse(t, c.a), mustParse(t, c.b)), "%s %s", c.a, c.b)
		assert.Equal(t, c.want, keytmpl.Overlap(mustParse(t, c.b), mustParse(t, c.a)), "%s %s", c.b, c.a)
	}
	assert.True(t, keytmpl.PrefixOverlap(mustParse(t, "ORDER#{a}"), "ORD"))
	assert.True(t, keytmpl.PrefixOverlap(mustParse(t, "ORDER#{a}"), "ORDER#1"))
	assert.True(t, keytmpl.PrefixOverlap(mustParse(t, "ORDER#{a}"), ""))
	assert.False(t, keytmpl.PrefixOverlap(mustParse(t, "ORDER#{a}"), "ORDERS#"))
}

// Two templates that some key fits both must be said to overlap.
func TestOverlapNeverMissesAKey(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, err := parse(rapid.SampledFrom(shapes).Draw(t, "a"))
		require.NoError(t, err)
		b, err := parse(rapid.SampledFrom(append(shapes, "{a}", "USER#{b:raw}")).Draw(t, "b"))
		require.NoError(t, err)
		texts, _ := format(t, a)
		key := a.Render(texts)
		if _, ok := b.Match(key); ok {
			require.True(t, keytmpl.Overlap(a, b), "%s and %s make %q", a.Text, b.Text, key)
		}
		require.True(t, keytmpl.PrefixOverlap(a, key[:rapid.IntRange(0, len(key)).Draw(t, "cut")]))
	})
}

type level string

type moment time.Time

type point struct{ x, y int }

func (p point) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%d-%d", p.x, p.y), nil }
func (p *point) UnmarshalText(b []byte) error {
	_, err := fmt.Sscanf(string(b), "%d-%d", &p.x, &p.y)
	return err
}

func TestF102_KindsOfGoTypes(t *testing.T) {
	for _, c := range []struct {
		value any
		kind  keytmpl.Kind
		spec  string
		text  string
	}{
		{"Ab", keytmpl.Text, "", "Ab"},
		{level("x"), keytmpl.Text, "", "x"},
		{point{1, 2}, keytmpl.Text, "", "1-2"},
		{&point{1, 2}, keytmpl.Text, "", "1-2"},
		{uint8(7), keytmpl.Integer, ":05", "00007"},
		{uint64(1<<64 - 1), keytmpl.Integer, "", "18446744073709551615"},
		{*big.NewInt(-5), keytmpl.Integer, ":03", "-995"},
		{1.5, keytmpl.Decimal, ":03.2", "001.50"},
		{float32(0.1), keytmpl.Decimal, ":01.1", "0.1"},
		{-0.25, keytmpl.Decimal, ":02.2", "-99.75"},
		{true, keytmpl.Bool, "", "true"},
		{int8(-7), keytmpl.Integer, ":02", "-93"},
		{int16(-7), keytmpl.Integer, "", "-7"},
		{int32(0), keytmpl.Integer, "", "0"},
		{uint16(7), keytmpl.Integer, "", "7"},
		{uint32(7), keytmpl.Integer, "", "7"},
		{uint(7), keytmpl.Integer, "", "7"},
		{json.Number("12.50"), keytmpl.Decimal, ":03.2", "012.50"},
		{moment(time.Date(2024, 1, 2, 3, 4, 5, 6, time.UTC)), keytmpl.Time, "", "2024-01-02T03:04:05.000000006Z"},
		{[]byte{0, 255}, keytmpl.Bytes, "", "00ff"},
		{[2]byte{0, 255}, keytmpl.Bytes, "", "00ff"},
		{time.Date(2024, 1, 2, 3, 4, 5, 6, time.FixedZone("", 3600)), keytmpl.Time, "", "2024-01-02T02:04:05.000000006Z"},
	} {
		kind := keytmpl.KindOf(reflect.TypeOf(c.value))
		require.Equal(t, c.kind, kind, "%T", c.value)
		tmpl, err := keytmpl.Parse("K#{v"+c.spec+"}", '#', func(string) (keytmpl.Field, error) { return keytmpl.Field{Kind: kind}, nil })
		require.NoError(t, err)
		v := reflect.New(reflect.TypeOf(c.value)).Elem()
		v.Set(reflect.ValueOf(c.value))
		text, present, err := tmpl.Parts[0].Format(v)
		require.NoError(t, err)
		require.True(t, present)
		assert.Equal(t, c.text, text)
		parts, ok := tmpl.Match("K#" + text)
		require.True(t, ok)
		back := reflect.New(v.Type()).Elem()
		require.NoError(t, tmpl.Parts[0].Scan(parts[0], back))
		again, _, err := tmpl.Parts[0].Format(back)
		require.NoError(t, err)
		assert.Equal(t, text, again)
	}
	assert.Equal(t, keytmpl.Unsupported, keytmpl.KindOf(reflect.TypeFor[map[string]string]()))
	assert.Equal(t, keytmpl.Unsupported, keytmpl.KindOf(reflect.TypeFor[[]int]()))
}

func TestMatchRefusesForeignKeys(t *testing.T) {
	for text, keys := range map[string][]string{
		"USER#{a}":   {"", "USER", "USER#", "ORG#1", "USER#1#2", "USER#\xff"},
		"N#{n:03}":   {"N#1", "N#0001", "N#01x", "N#-000", "N#+01"},
		"N#{n}":      {"N#01", "N#-", "N#-0", "N#1.5", "N#"},
		"T#{t}":      {"T#2024-01-02T03:04:05Z", "T#2024-13-02T03:04:05.000000000Z"},
		"B#{ok}":     {"B#yes", "B#"},
		"E#{e}#X":    {"E#a#Y", "E#$2#X", "E#$zz#X", "E#$41#X"},
		"X#{x}":      {"X#0", "X#zz", "X#FF"},
		"D#{d:02.2}": {"D#01.5", "D#0150", "D#-00.00"},
	} {
		tmpl := mustParse(t, text)
		for _, key := range keys {
			_, ok := tmpl.Match(key)
			assert.False(t, ok, "%s %q", text, key)
		}
	}
}

func TestDelimiters(t *testing.T) {
	for _, good := range []string{"#", "|", "_", ":", "/"} {
		assert.Empty(t, keytmpl.DelimiterProblem(good), good)
	}
	for _, bad := range []string{"", "##", "a", "0", " ", "{", "~", "é", "\n"} {
		assert.NotEmpty(t, keytmpl.DelimiterProblem(bad), bad)
	}
	for b := range 256 {
		want := strings.IndexByte("!\"#$%&'()*+,-./:;<=>?@[\\]^_`|", byte(b)) < 0
		assert.Equal(t, want, keytmpl.DelimiterProblem(string([]byte{byte(b)})) != "", "%q", b)
	}
	// A delimiter that times contain cannot close a time.
	_, err := keytmpl.Parse("{t}:{a}", ':', func(name string) (keytmpl.Field, error) { return fields[name], nil })
	assert.ErrorContains(t, err, "occurs in the text of this type")
}

func FuzzParse(f *testing.F) {
	for _, s := range append(shapes, "{a", "}{", "{:}", "{n:0", "{{}}", "{a:raw}#") {
		f.Add(s, "ORDER#1#2")
	}
	f.Fuzz(func(t *testing.T, text, key string) {
		tmpl, err := parse(text)
		if err != nil {
			return
		}
		if parts, ok := tmpl.Match(key); ok && tmpl.Render(parts) != key {
			t.Fatalf("%q matches %q as %q, which renders %q", text, key, parts, tmpl.Render(parts))
		}
		if strings.Count(text, "{") != len(tmpl.Parts) {
			t.Fatalf("%q has %d parts", text, len(tmpl.Parts))
		}
	})
}

func TestF088_LayoutsThatSort(t *testing.T) {
	for layout, want := range map[string]bool{
		keytmpl.TimeLayout: true, "2006-01-02T15:04:05.000Z": true, "2006-01-02": true, time.RFC3339: true, "20060102150405": true,
		"2006-01-02 15:04:05": true, "2006": true,
		time.RFC3339Nano: false, "02.01.2006": false, time.RFC1123: false, "2006-1-2": false, "2006-01-02 03:04:05": false, "15:04": false, "06-01-02": false,
	} {
		assert.Equal(t, want, keytmpl.Sorts(layout), layout)
	}
}

// secretText has methods whose errors quote what they are given.
type secretText string

var errSecret = errors.New("refused")

func (s secretText) MarshalText() ([]byte, error) {
	return nil, fmt.Errorf("%w: %q", errSecret, string(s))
}
func (s *secretText) UnmarshalText(b []byte) error { return fmt.Errorf("%w: %q", errSecret, b) }

// F126: errors of the user's own methods are found in ours, and not printed.
func TestF126_TextsOfTheUsersErrors(t *testing.T) {
	tmpl, err := keytmpl.Parse("X#{s}", '#', func(string) (keytmpl.Field, error) {
		return keytmpl.Field{Kind: keytmpl.KindOf(reflect.TypeFor[secretText]())}, nil
	})
	require.NoError(t, err)
	v := secretText("canary")
	_, _, err = tmpl.Parts[0].Format(reflect.ValueOf(v))
	require.ErrorIs(t, err, errSecret)
	require.NotContains(t, err.Error(), "canary")
	err = tmpl.Parts[0].Scan("canary", reflect.ValueOf(&v).Elem())
	require.ErrorIs(t, err, errSecret)
	require.NotContains(t, err.Error(), "canary")
}
