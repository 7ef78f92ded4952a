package monotable_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/monotable/monotable"
)

// Conditions on sort keys made by templates, against an oracle: what Go's own comparison of the attributes
// picks from what the plain client reads. The texts have characters below the delimiter, which make the
// order of joined texts another one than that of the parts.

type entry struct {
	Shelf string    `dynamodbav:"shelf"`
	Text  string    `dynamodbav:"text"`
	Tail  string    `dynamodbav:"tail"`
	N     int       `dynamodbav:"n"`
	X     float64   `dynamodbav:"x"`
	At    time.Time `dynamodbav:"at"`
}

var (
	entryText = monotable.Field(func(e *entry) *string { return &e.Text })
	entryTail = monotable.Field(func(e *entry) *string { return &e.Tail })
	entryN    = monotable.Field(func(e *entry) *int { return &e.N })
	entryX    = monotable.Field(func(e *entry) *float64 { return &e.X })
	entryAt   = monotable.Field(func(e *entry) *time.Time { return &e.At })
)

var (
	plainTexts   = []string{"a", "a!", "a b", "a ", " ", "!", "\"", "aa", "b", "A", "é", "a$", "$", "~", "a\x00", "10", "1", "a!b", "\U0010FFFE"}
	escapedTexts = append([]string{"#", "a#", "a#b", "##", "a##", "#!", "a$23", "$$"}, plainTexts...)
	entryNs      = []int{-9999, -10, -9, -1, 0, 1, 2, 10, 9999}
	entryXs      = []float64{-999.75, -1.25, -1.2, 0, 0.01, 1.2, 1.25, 100}
	entryTimes   = []time.Time{
		noon, noon.Add(1), noon.Truncate(time.Second), noon.Add(-time.Hour), noon.AddDate(1, 0, 0), time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC),
	}
)

// layout is a template of a sort key, and the parts that it has.
type layout struct {
	sort    string
	escaped bool
	parts   string // one letter each: t text, u tail, n, x, a
	ordered bool   // the joined key sorts as its parts do
}

var layouts = []layout{
	{"T#{text}", false, "t", true},
	{"{text}", false, "t", true},
	{"T#{text}", true, "t", true},
	{"{text}", true, "t", true},
	{"T#{text}#END", false, "t", false},
	{"T#{text}#END", true, "t", true},
	{"T#{text}#{n:04}", false, "tn", false},
	{"{text}#{n:04}", false, "tn", false},
	{"T#{text}#{n:04}", true, "tn", true},
	{"T#{text}#{tail}", false, "tu", false},
	{"{text}#{tail}", true, "tu", true},
	{"N#{n:04}#{text}", false, "nt", true},
	{"{n:04}{text}", true, "nt", true},
	{"{n:04}", false, "n", true},
	{"X#{x:03.2}#{at}", false, "xa", true},
	{"{at}#{tail}#Z#{n:05}", false, "aun", false},
	{"A#{at}{x:04.3}#{text}", true, "axt", true},
}

// shelfOf is a layout's entity with its items, in the order of the plain client.
type shelfOf struct {
	layout
	*monotable.Entity[entry]
	key   entry
	items []entry
}

func fillShelves(t *testing.T) []shelfOf {
	s := openStore(t, monotable.TableConfig{})
	shelves := make([]shelfOf, len(layouts))
	for i, l := range layouts {
		schema := monotable.Schema[entry]{Name: fmt.Sprintf("E%d", i), Key: monotable.Key{Partition: fmt.Sprintf("L%d#{shelf}", i), Sort: l.sort}}
		if l.escaped {
			schema.Rules = []monotable.Rule[entry]{entryText.Escaped(), entryTail.Escaped()}
		}
		shelves[i] = shelfOf{layout: l, Entity: mustEntity(t, s.Table, schema), key: entry{Shelf: "s"}}
		texts := plainTexts
		if l.escaped {
			texts = escapedTexts
		}
		for j := range 2 * len(texts) {
			e := entry{
				"s", texts[j%len(texts)], texts[(j*7+j/len(texts))%len(texts)],
				entryNs[(j*5+j/len(texts))%len(entryNs)], entryXs[(j*3)%len(entryXs)], entryTimes[(j*2+j/len(texts))%len(entryTimes)],
			}
			_, err := shelves[i].Put(t.Context(), e)
			require.NoError(t, err)
		}
		out, err := s.client.Query(t.Context(), &dynamodb.QueryInput{
			TableName: &s.cfg.Name, KeyConditionExpression: new("PK = :p"), ExpressionAttributeValues: rawItem{":p": avS(fmt.Sprintf("L%d#s", i))},
		})
		require.NoError(t, err)
		require.NoError(t, attributevalue.UnmarshalListOfMaps(out.Items, &shelves[i].items))
		for k := range shelves[i].items {
			shelves[i].items[k].At = shelves[i].items[k].At.UTC()
		}
	}
	return shelves
}

// test picks entries.
type test = func(entry) bool

// drawCond draws a condition on one part, and what it means.
func drawCond[V any](rt *rapid.T, op string, attr monotable.Attr[entry, V], get func(entry) V, values *rapid.Generator[V], compare func(a, b V) int) (monotable.KeyCond[entry], test) {
	v := values.Draw(rt, "operand")
	is := func(f func(int) bool) test { return func(e entry) bool { return f(compare(get(e), v)) } }
	switch op {
	case "Eq":
		return attr.Eq(v), is(func(c int) bool { return c == 0 })
	case "Lt":
		return attr.Lt(v), is(func(c int) bool { return c < 0 })
	case "Le":
		return attr.Le(v), is(func(c int) bool { return c <= 0 })
	case "Gt":
		return attr.Gt(v), is(func(c int) bool { return c > 0 })
	case "Ge":
		return attr.Ge(v), is(func(c int) bool { return c >= 0 })
	}
	w := values.Draw(rt, "high")
	if compare(v, w) > 0 {
		v, w = w, v
	}
	return attr.Between(v, w), func(e entry) bool { return compare(get(e), v) >= 0 && compare(get(e), w) <= 0 }
}

// texts are stored ones and near misses.
func (s *shelfOf) texts() *rapid.Generator[string] {
	alphabet, stored := " !\"$ab~é1\x00", plainTexts
	if s.escaped {
		alphabet, stored = alphabet+"#", escapedTexts
	}
	return rapid.OneOf(rapid.SampledFrom(stored), rapid.StringOfN(rapid.RuneFrom([]rune(alphabet)), 1, 3, -1))
}

// draw draws the conditions of a query: equality on leading parts and perhaps anything on the next.
func (s *shelfOf) draw(rt *rapid.T) (conds []monotable.KeyCond[entry], tests []test) {
	n := rapid.IntRange(0, len(s.parts)).Draw(rt, "parts")
	like := rapid.SampledFrom(s.items).Draw(rt, "like")
	for i, part := range s.parts[:n] {
		op := "Eq"
		last := i == n-1
		if last {
			op = rapid.SampledFrom([]string{"Eq", "Lt", "Le", "Gt", "Ge", "Between", "HasPrefix"}).Draw(rt, "op")
		}
		var c monotable.KeyCond[entry]
		var f test
		switch part {
		case 't', 'u':
			attr, get := entryText, func(e entry) string { return e.Text }
			if part == 'u' {
				attr, get = entryTail, func(e entry) string { return e.Tail }
			}
			switch {
			case op == "HasPrefix":
				prefix := rapid.OneOf(s.texts(), rapid.Just("")).Draw(rt, "prefix")
				c, f = monotable.HasPrefix(attr, prefix), func(e entry) bool { return strings.HasPrefix(get(e), prefix) }
			case last:
				c, f = drawCond(rt, op, attr, get, s.texts(), strings.Compare)
			default:
				c, f = drawCond(rt, op, attr, get, rapid.Just(get(like)), strings.Compare)
			}
		case 'n':
			values := rapid.OneOf(rapid.SampledFrom(entryNs), rapid.IntRange(-9999, 9999))
			c, f = drawCond(rt, op, entryN, func(e entry) int { return e.N }, choose(last, values, rapid.Just(like.N)), cmp.Compare[int])
		case 'x':
			values := rapid.Map(rapid.IntRange(-99999, 99999), func(n int) float64 { return float64(n) / 100 })
			c, f = drawCond(rt, op, entryX, func(e entry) float64 { return e.X }, choose(last, rapid.OneOf(rapid.SampledFrom(entryXs), values), rapid.Just(like.X)), cmp.Compare[float64])
		case 'a':
			zone := time.FixedZone("X", 7*3600)
			values := rapid.Map(rapid.SampledFrom(entryTimes[:5]), func(t time.Time) time.Time { return t.In(zone) })
			c, f = drawCond(rt, op, entryAt, func(e entry) time.Time { return e.At }, choose(last, values, rapid.Just(like.At)), time.Time.Compare)
		}
		conds, tests = append(conds, c), append(tests, f)
	}
	return conds, tests
}

// TestF063_SortKeyRanges also is F056, F059, F061, F062 and F101: a few hundred queries of every kind.
func TestF063_SortKeyRanges(t *testing.T) {
	t.Parallel()
	shelves := fillShelves(t)
	for _, s := range shelves {
		require.NotEmpty(t, s.items)
		if s.ordered {
			require.True(t, slices.IsSortedFunc(s.items, s.compare), "the key %s must sort as its parts do", s.sort)
		}
	}
	for group := range slices.Chunk(shelves, 5) {
		t.Run(group[0].sort, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				i := rapid.IntRange(0, len(group)-1).Draw(rt, "layout")
				group[i].check(t, rt)
			})
		})
	}
}

func (s *shelfOf) compare(a, b entry) int {
	for _, part := range s.parts {
		order := 0
		switch part {
		case 't':
			order = cmp.Compare(a.Text, b.Text)
		case 'u':
			order = cmp.Compare(a.Tail, b.Tail)
		case 'n':
			order = cmp.Compare(a.N, b.N)
		case 'x':
			order = cmp.Compare(a.X, b.X)
		case 'a':
			order = a.At.Compare(b.At)
		}
		if order != 0 {
			return order
		}
	}
	return 0
}

func (s *shelfOf) check(t *testing.T, rt *rapid.T) {
	ctx := t.Context()
	conds, tests := s.draw(rt)
	q := s.Query(s.key).SortKey(conds...)
	if rapid.Bool().Draw(rt, "filtered") {
		limit := rapid.IntRange(-10, 10).Draw(rt, "filter")
		q = q.Filter(entryN.Gt(limit))
		tests = append(tests, func(e entry) bool { return e.N > limit })
	}
	want := []entry{}
	for _, e := range s.items {
		if !slices.ContainsFunc(tests, func(f test) bool { return !f(e) }) {
			want = append(want, e)
		}
	}
	if rapid.Bool().Draw(rt, "descending") {
		q = q.Descending()
		slices.Reverse(want)
	}
	if size := rapid.SampledFrom([]int{0, 0, 0, 5, 1000}).Draw(rt, "page size"); size > 0 {
		q = q.PageSize(size)
	}
	got, err := q.Collect(ctx)
	require.NoError(rt, err)
	require.Equal(rt, want, got)

	limit := rapid.IntRange(1, len(want)+2).Draw(rt, "limit")
	some := want[:min(limit, len(want))]
	n, err := q.Limit(limit).Count(ctx)
	require.NoError(rt, err)
	require.Equal(rt, len(some), n)
	page, err := q.Limit(limit).Page(ctx)
	require.NoError(rt, err)
	require.Equal(rt, some, page.Items)
	if page.Next == "" {
		require.Len(rt, want, len(some))
		return
	}
	require.Len(rt, page.Items, limit)
	rest, err := q.From(page.Next).Collect(ctx)
	require.NoError(rt, err)
	require.Equal(rt, want[len(some):], rest)
}

// TestF057_PagingFromEveryPosition also is F058: the cursor is that of the last item returned.
func TestF057_PagingFromEveryPosition(t *testing.T) {
	t.Parallel()
	s := fillShelves(t)[6]
	for _, descending := range []bool{false, true} {
		for _, filter := range []bool{false, true} {
			q, want := s.Query(s.key), slices.Clone(s.items)
			if descending {
				q = q.Descending()
				slices.Reverse(want)
			}
			if filter {
				q = q.Filter(entryN.Ge(0)).PageSize(3)
				want = slices.DeleteFunc(want, func(e entry) bool { return e.N < 0 })
			}
			for i := range want {
				page, err := q.Limit(i + 1).Page(t.Context())
				require.NoError(t, err)
				require.Equal(t, want[:i+1], page.Items)
				if page.Next == "" {
					require.Len(t, want, i+1)
					continue
				}
				next, err := q.Limit(2).From(page.Next).Page(t.Context())
				require.NoError(t, err)
				require.Equal(t, append([]entry{}, want[i+1:min(i+3, len(want))]...), next.Items)
			}
		}
	}
}

// TestF062_RefusedSortKeys is what no sort key can say: it is refused, never ignored.
func TestF062_RefusedSortKeys(t *testing.T) {
	s := openStore(t, monotable.TableConfig{})
	spy := &spyClient{Client: s.client}
	e := mustEntity(t, s.over(spy), monotable.Schema[entry]{
		Name: "E", Key: monotable.Key{Partition: "S#{shelf}", Sort: "T#{text}#{n:04}#{at}#{tail}"},
	})
	unpadded := mustEntity(t, s.over(spy), monotable.Schema[entry]{Name: "F", Key: monotable.Key{Partition: "F#{shelf}", Sort: "{n}"}})
	q := e.Query(entry{Shelf: "s"})
	for _, row := range []struct {
		name string
		q    monotable.Query[entry]
	}{
		{"a gap", q.SortKey(entryN.Eq(1))},
		{"a gap further on", q.SortKey(entryText.Eq("a"), entryAt.Eq(noon))},
		{"after a range", q.SortKey(entryText.Gt("a"), entryN.Eq(1))},
		{"after a prefix", q.SortKey(monotable.HasPrefix(entryText, "a"), entryN.Eq(1))},
		{"twice", q.SortKey(entryText.Ge("a"), entryText.Le("b"))},
		{"not a part", q.SortKey(entryX.Eq(1))},
		{"low above high", q.SortKey(entryText.Between("b", "a"))},
		{"low above high in numbers", q.SortKey(entryText.Eq("a"), entryN.Between(2, -2))},
		{"the delimiter", q.SortKey(entryText.Eq("a#b"))},
		{"the delimiter in a range", q.SortKey(entryText.Ge("a#b"))},
		{"the delimiter in a prefix", q.SortKey(monotable.HasPrefix(entryText, "a#"))},
		{"empty", q.SortKey(entryText.Eq(""))},
		{"empty in a range", q.SortKey(entryText.Gt(""))},
		{"invalid UTF-8", q.SortKey(entryText.Eq("a\xff"))},
		{"invalid UTF-8 in a prefix", q.SortKey(monotable.HasPrefix(entryText, "a\xff"))},
		{"too long for its padding", q.SortKey(entryText.Eq("a"), entryN.Eq(10000))},
		{"too long for its padding in a range", q.SortKey(entryText.Eq("a"), entryN.Le(10000))},
		{"a year past 9999", q.SortKey(entryText.Eq("a"), entryN.Eq(1), entryAt.Le(noon.AddDate(9000, 0, 0)))},
		{"a range of unpadded numbers", unpadded.Query(entry{Shelf: "s"}).SortKey(entryN.Gt(1))},
		{"zero KeyCond", q.SortKey(monotable.KeyCond[entry]{})},
		{"zero Attr", q.SortKey(monotable.Attr[entry, string]{}.Eq("a"))},
	} {
		_, err := row.q.Collect(t.Context())
		require.Error(t, err, row.name)
		require.ErrorIs(t, err, monotable.ErrInvalid, row.name)
	}
	require.Zero(t, spy.calls())
}

// TestF062_NothingBelow asks for what sorts before everything.
func TestF062_NothingBelow(t *testing.T) {
	s := openStore(t, monotable.TableConfig{})
	bare := mustEntity(t, s.Table, monotable.Schema[entry]{Name: "Bare", Key: monotable.Key{Partition: "B#{shelf}", Sort: "{text}"}})
	led := mustEntity(t, s.Table, monotable.Schema[entry]{Name: "Led", Key: monotable.Key{Partition: "L#{shelf}", Sort: "T#{text}"}})
	for _, e := range []*monotable.Entity[entry]{bare, led} {
		_, err := e.Create(t.Context(), entry{Shelf: "s", Text: "\x00"})
		require.NoError(t, err)
		q := e.Query(entry{Shelf: "s"})
		for want, c := range map[int]monotable.KeyCond[entry]{0: entryText.Lt("\x00"), 1: entryText.Le("\x00")} {
			got, err := q.SortKey(c).Collect(t.Context())
			require.NoError(t, err, e.Name())
			require.Len(t, got, want, e.Name())
		}
		got, err := q.SortKey(entryText.Gt("\U0010FFFE")).Collect(t.Context())
		require.NoError(t, err, e.Name())
		require.Empty(t, got, e.Name())
	}
}
