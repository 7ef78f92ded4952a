package keytmpl_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/internal/keytmpl"
)

// column is an attribute that random templates may name: how to draw a value, a value near another one, and how values compare.
type column struct {
	field keytmpl.Field
	specs []string
	typ   reflect.Type
	draw  func(dice *rand.Rand) any
	near  func(dice *rand.Rand, v any) any
	order func(a, b any) int
}

var textPieces = []string{"#", "#", "$", "$20", "$2", "\"", "!", "\x00", "a", "b", "ab", "0", "1", "-", ".", "é", "\U0010FFFD", "{", "}", " ", "\x7f", "X"}

func drawText(dice *rand.Rand) string {
	var b strings.Builder
	for range 1 + dice.IntN(4) {
		b.WriteString(textPieces[dice.IntN(len(textPieces))])
	}
	return b.String()
}

func nearText(dice *rand.Rand, s string) string {
	piece := textPieces[dice.IntN(len(textPieces))]
	switch at := dice.IntN(len(s) + 1); dice.IntN(4) {
	case 0:
		return s[:at] + piece + s[at:]
	case 1:
		return s + piece
	case 2:
		return piece + s
	default:
		return strings.ToValidUTF8(s[:at], "") + strings.ToValidUTF8(s[min(at+1, len(s)):], "")
	}
}

func drawInt(dice *rand.Rand) int64 {
	n := dice.Int64N([]int64{3, 12, 1_200, 1_000_000_000_000, 1<<63 - 1}[dice.IntN(5)])
	return n * int64(1-2*dice.IntN(2))
}

// texts, numbers and so on are the columns of one kind, in several Go types.
func texts[V ~string](field keytmpl.Field, specs ...string) column {
	return column{
		field, specs, reflect.TypeFor[V](),
		func(dice *rand.Rand) any { return V(drawText(dice)) },
		func(dice *rand.Rand, v any) any { return V(nearText(dice, string(v.(V)))) },
		func(a, b any) int { return cmp.Compare(a.(V), b.(V)) },
	}
}

func integers[V ~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64]() column {
	return column{
		keytmpl.Field{Kind: keytmpl.Integer},
		[]string{"", ":01", ":03", ":010", ":019", ":020", ":038"},
		reflect.TypeFor[V](),
		func(dice *rand.Rand) any { return V(drawInt(dice)) },
		func(dice *rand.Rand, v any) any { return v.(V) + V(dice.IntN(3)) - 1 }, //nolint:gosec // wraps around, and may
		func(a, b any) int { return cmp.Compare(a.(V), b.(V)) },
	}
}

func floats[V ~float32 | ~float64]() column {
	return column{
		keytmpl.Field{Kind: keytmpl.Decimal},
		[]string{":01.1", ":03.2", ":08.4", ":020.10", ":030"},
		reflect.TypeFor[V](),
		func(dice *rand.Rand) any { return V(drawInt(dice)) / V([]int{1, 4, 8, 10, 100}[dice.IntN(5)]) },
		func(dice *rand.Rand, v any) any { return v.(V) + V(dice.IntN(3)-1)/4 },
		func(a, b any) int { return cmp.Compare(a.(V), b.(V)) },
	}
}

func rat(n json.Number) *big.Rat {
	r, _ := new(big.Rat).SetString(n.String())
	return r
}

func times(field keytmpl.Field, unit time.Duration) column {
	return column{
		field,
		[]string{""},
		reflect.TypeFor[time.Time](),
		func(dice *rand.Rand) any {
			return time.Unix(dice.Int64N(250_000_000_000)-60_000_000_000, dice.Int64N(1e9)).UTC().Truncate(unit)
		},
		func(dice *rand.Rand, v any) any { return v.(time.Time).Add(unit * time.Duration(dice.IntN(3)-1)) },
		func(a, b any) int { return a.(time.Time).Compare(b.(time.Time)) },
	}
}

var columns = map[string]column{
	"text":  texts[string](keytmpl.Field{Kind: keytmpl.Text}, "", "", ":raw"),
	"label": texts[level](keytmpl.Field{Kind: keytmpl.Text}, ""),
	"esc":   texts[string](keytmpl.Field{Kind: keytmpl.Text, Escaped: true}, ""),
	"esc2":  texts[level](keytmpl.Field{Kind: keytmpl.Text, Escaped: true}, ""),
	"i":     integers[int](), "i8": integers[int8](), "i16": integers[int16](), "i32": integers[int32](), "i64": integers[int64](),
	"u": integers[uint](), "u8": integers[uint8](), "u16": integers[uint16](), "u32": integers[uint32](), "u64": integers[uint64](),
	"f32": floats[float32](), "f64": floats[float64](),
	"num": {
		keytmpl.Field{Kind: keytmpl.Decimal},
		[]string{":03.2", ":018.20", ":038"},
		reflect.TypeFor[json.Number](),
		func(dice *rand.Rand) any {
			return json.Number(fmt.Sprintf("%d.%d", drawInt(dice), dice.IntN(1000)))
		},
		func(dice *rand.Rand, v any) any {
			return json.Number(string(v.(json.Number)) + strconv.Itoa(dice.IntN(3)))
		},
		func(a, b any) int { return rat(a.(json.Number)).Cmp(rat(b.(json.Number))) },
	},
	"big": {
		keytmpl.Field{Kind: keytmpl.Integer},
		[]string{"", ":05", ":038"},
		reflect.TypeFor[big.Int](),
		func(dice *rand.Rand) any {
			n := big.NewInt(drawInt(dice))
			return *n.Mul(n, big.NewInt(drawInt(dice)))
		},
		func(dice *rand.Rand, v any) any {
			n := v.(big.Int)
			return *new(big.Int).Add(&n, big.NewInt(int64(dice.IntN(3)-1)))
		},
		func(a, b any) int {
			x, y := a.(big.Int), b.(big.Int)
			return x.Cmp(&y)
		},
	},
	"ok": {
		keytmpl.Field{Kind: keytmpl.Bool},
		[]string{""},
		reflect.TypeFor[bool](),
		func(dice *rand.Rand) any { return dice.IntN(2) == 0 },
		func(_ *rand.Rand, v any) any { return !v.(bool) },
		func(a, b any) int {
			switch {
			case a == b:
				return 0
			case a.(bool):
				return 1
			}
			return -1
		},
	},
	"bin": {
		keytmpl.Field{Kind: keytmpl.Bytes},
		[]string{""},
		reflect.TypeFor[[]byte](),
		func(dice *rand.Rand) any { return []byte(drawText(dice)) },
		func(dice *rand.Rand, v any) any { return append(bytes.Clone(v.([]byte)), byte(dice.IntN(256))) },
		func(a, b any) int { return bytes.Compare(a.([]byte), b.([]byte)) },
	},
	"at":  times(keytmpl.Field{Kind: keytmpl.Time}, 1),
	"day": times(keytmpl.Field{Kind: keytmpl.Time, Layout: "2006-01-02"}, 24*time.Hour),
}

var columnNames = func() []string {
	var all []string
	for name := range columns {
		all = append(all, name)
	}
	return all
}()

// drawTemplate makes templates until one is not refused.
func drawTemplate(dice *rand.Rand) *keytmpl.Template {
	literals := []string{"", "", "", "#", "#", "#", "#X#", "ORDER#", "A", "-", "#é", "5", "$", "."}
	for {
		var b strings.Builder
		b.WriteString(literals[dice.IntN(len(literals))])
		for _, i := range dice.Perm(len(columnNames))[:1+dice.IntN(4)] {
			name := columnNames[i]
			specs := columns[name].specs
			b.WriteString("{" + name + specs[dice.IntN(len(specs))] + "}" + literals[dice.IntN(len(literals))])
		}
		tmpl, err := keytmpl.Parse(b.String(), '#', func(name string) (keytmpl.Field, error) { return columns[name].field, nil })
		if err == nil {
			return tmpl
		}
	}
}

// tuple is values of a template's parts and what they became. It is nil where a value is refused or absent.
type tuple struct {
	values []any
	texts  []string
	key    string
}

func newTuple(tmpl *keytmpl.Template, values []any) *tuple {
	texts := make([]string, len(values))
	for i, p := range tmpl.Parts {
		text, present, err := p.Format(reflect.ValueOf(values[i]))
		if err != nil || !present {
			return nil
		}
		texts[i] = text
	}
	return &tuple{values, texts, tmpl.Render(texts)}
}

// mustComeBack takes the key apart again.
func (x *tuple) mustComeBack(t *testing.T, tmpl *keytmpl.Template) {
	texts, ok := tmpl.Match(x.key)
	if !ok || !reflect.DeepEqual(texts, x.texts) {
		t.Fatalf("%s made %q of %q and takes it for %q, %v", tmpl.Text, x.key, x.texts, texts, ok)
	}
	for i, p := range tmpl.Parts {
		c := columns[p.Name]
		back := reflect.New(c.typ).Elem()
		if err := p.Scan(texts[i], back); err != nil || c.order(x.values[i], back.Interface()) != 0 {
			t.Fatalf("%s: %q of %v is read as %v, %v", tmpl.Text, texts[i], x.values[i], back, err)
		}
	}
}

// sorts says that the keys of two tuples that first differ in part i must compare as the values do.
func sorts(tmpl *keytmpl.Template, i int) bool {
	p, next := tmpl.Parts[i], tmpl.Literal(i+1)
	if i == len(tmpl.Parts)-1 && next == "" {
		return p.Ordered()
	}
	return p.OrderedBeforeDelimiter() && strings.HasPrefix(next, string(p.Delimiter()))
}

// check compares two tuples of one template: equal keys are equal values, and keys sort as their first values that differ, where that is said.
func check(t *testing.T, tmpl *keytmpl.Template, sorted []bool, a, b *tuple) {
	first := 0
	for first < len(a.values) && columns[tmpl.Parts[first].Name].order(a.values[first], b.values[first]) == 0 {
		first++
	}
	if (a.key == b.key) != (first == len(a.values)) {
		t.Fatalf("%s: %v is %q, %v is %q", tmpl.Text, a.values, a.key, b.values, b.key)
	}
	if first == len(a.values) || !sorted[first] {
		return
	}
	if want := columns[tmpl.Parts[first].Name].order(a.values[first], b.values[first]); strings.Compare(a.key, b.key) != want {
		t.Fatalf("%s: %v is %q, %v is %q, which sort otherwise", tmpl.Text, a.values, a.key, b.values, b.key)
	}
}

// Whatever the template and whatever the values: the key gives the values back, so no other values have it, and it sorts as they do.
// MONOTABLE_KEY_PAIRS is how many pairs of values are compared.
func TestF097_RandomTemplatesAndValues(t *testing.T) {
	pairs := 100_000
	if n, err := strconv.Atoi(os.Getenv("MONOTABLE_KEY_PAIRS")); err == nil {
		pairs = n
	}
	dice := rand.New(rand.NewPCG(uint64(pairs), 97)) //nolint:gosec // a test
	compared, templates := 0, 0
	var before *keytmpl.Template
	for ; compared < pairs; templates++ {
		tmpl := drawTemplate(dice)
		sorted := make([]bool, len(tmpl.Parts))
		for i := range sorted {
			sorted[i] = sorts(tmpl, i)
		}
		var last *tuple
		for range 100 {
			values := make([]any, len(tmpl.Parts))
			for i, p := range tmpl.Parts {
				c := columns[p.Name]
				switch {
				case last != nil && dice.IntN(2) == 0:
					values[i] = last.values[i]
				case last != nil && dice.IntN(3) > 0:
					values[i] = c.near(dice, last.values[i])
				default:
					values[i] = c.draw(dice)
				}
			}
			x := newTuple(tmpl, values)
			if x == nil {
				continue
			}
			x.mustComeBack(t, tmpl)
			if last != nil {
				check(t, tmpl, sorted, x, last)
				compared++
			}
			last = x
		}
		if last == nil {
			continue
		}
		if before != nil && !keytmpl.Overlap(before, tmpl) {
			_, both := before.Match(last.key)
			require.False(t, both, "%s and %s both make %q", before.Text, tmpl.Text, last.key)
		}
		n := dice.IntN(len(last.texts) + 1)
		prefix, whole := tmpl.Prefix(last.texts[:n])
		require.Equal(t, n == len(last.texts), whole)
		require.True(t, strings.HasPrefix(last.key, prefix) && keytmpl.PrefixOverlap(tmpl, prefix), "%s: %q begins %q", tmpl.Text, prefix, last.key)
		require.True(t, strings.HasPrefix(last.key, tmpl.Open(last.texts[:n])))
		before = tmpl
	}
	t.Logf("%d pairs of values, of %d templates", compared, templates)
}

// FuzzRoundTrip renders arbitrary values with an arbitrary template: what is not refused can be read back.
func FuzzRoundTrip(f *testing.F) {
	for _, s := range append(shapes, "{x}{a}", "{d:03.4}{n:03}{e}", "{e}#{a:raw}") {
		f.Add(s, "a#b", "$23", int64(-7), int64(1_700_000_000_000_000_001), true, []byte{0, '#'})
	}
	f.Fuzz(func(t *testing.T, text, one, other string, n, at int64, ok bool, bin []byte) {
		tmpl, err := parse(text)
		if err != nil {
			return
		}
		values := map[string]any{
			"a": one, "b": other, "e": one + other, "n": n, "d": float64(n) / 8, "t": time.Unix(0, at).UTC(),
			"day": time.Unix(0, at).UTC().Truncate(24 * time.Hour), "ok": ok, "x": bin,
		}
		texts := make([]string, len(tmpl.Parts))
		for i, p := range tmpl.Parts {
			text, present, err := p.Format(reflect.ValueOf(values[p.Name]))
			if err != nil || !present {
				return
			}
			texts[i] = text
		}
		key := tmpl.Render(texts)
		again, matches := tmpl.Match(key)
		require.True(t, matches, "%q", key)
		require.Equal(t, texts, again)
		for i, p := range tmpl.Parts {
			back := reflect.New(reflect.TypeOf(values[p.Name])).Elem()
			require.NoError(t, p.Scan(again[i], back))
			require.Equal(t, values[p.Name], back.Interface(), p.Name)
		}
	})
}
