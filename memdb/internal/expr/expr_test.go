package expr_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/memdb/internal/expr"
	"github.com/monotable/monotable/memdb/internal/value"
)

func item(t testing.TB, text string) value.Map {
	t.Helper()
	m, err := value.DecodeMap([]byte(text))
	require.NoError(t, err)
	return m
}

const (
	stored = `{"s":{"S":"abc"},"n":{"N":"2"},"o":{"N":"1"},"l":{"L":[{"N":"1"},{"S":"x"},{"N":"3"}]},"m":{"M":{"a":{"N":"1"},"b.c":{"S":"y"}}},"ss":{"SS":["a","b"]},"u":{"S":"😀"},"bool":{"BOOL":true}}`
	given  = `{":s":{"S":"ab"},":n":{"N":"2.0"},":three":{"N":"3"},":l":{"L":[{"N":"9"}]},":ss":{"SS":["b","a"]},":a":{"S":"a"},":t":{"S":"SS"},":bool":{"BOOL":true},":map":{"M":{"a":{"N":"1"},"b.c":{"S":"y"}}},":lit":{"S":"s"}}`
)

var names = map[string]string{"#bc": "b.c", "#s": "s", "#n": "n", "#absent": "gone"}

func params(t testing.TB) *expr.Params { return expr.NewParams(names, item(t, given)) }

func TestConditions(t *testing.T) {
	for source, want := range map[string]bool{
		"n = :n": true, ":n = n": true, "n <> :n": false, "gone <> :n": true, "gone = :n": false, "gone < :n": false,
		"NOT gone = :n": true, "n < :three AND s >= :s": true, "n BETWEEN o AND :three": true, "n IN (:s, :n)": true,
		"begins_with(s, :s)": true, "contains(ss, :a)": true, "contains(s, :a)": true, "contains(l, :n)": false,
		"attribute_type(ss, :t)": true, "attribute_exists(m.#bc)": true, "attribute_not_exists(#absent.x[1])": true,
		"size(ss) = :n": true, "size(u) = :n": true, "size(l) > :n": true, "size(n) > :n": false, "m = :map": true, "ss = :ss": true,
		"n = :three OR n = :n AND bool = :bool": true, "(n = :three OR n = :n) and not n = :three": true,
		"l[0] < l[2]": true, "l[9] = :n": false, "s < :n": false, "s = :n or m.a = o": true,
	} {
		c, err := params(t).Condition(expr.ConditionExpression, source)
		if assert.NoError(t, err, source) {
			assert.Equal(t, want, c.Root.Match(item(t, stored)), source)
		}
	}
}

func TestRefusedConditions(t *testing.T) {
	for _, source := range []string{
		"", " ", "n", "n = ", "n = :nope", "#nope = :n", "name = :n", "NAME = :n", "((n = :n))", "n = n", "s < :bool",
		"n BETWEEN :three AND :n", "n BETWEEN :s AND :n", "begins_with(s, :n)", "attribute_type(s, :lit)", "attribute_exists(:n)",
		"size(s)", "size(:n) = :n", "contains(s, s)", "Size(s) = :n", "foo(s)", "attribute_exists(s) = :n", "n = :n extra", "_a = :n",
		"attribute_exists()", "n IN ()", "if_not_exists(n, :n) = :n", "n == :n", "n = :n AND", "l[x] = :n", "l[-1] = :n", "a..b = :n",
		"n IN (" + strings.TrimSuffix(strings.Repeat(":n,", 101), ",") + ")",
		strings.Repeat("NOT ", 301) + "n = :n", "n = :n" + strings.Repeat(" ", 4096),
	} {
		_, err := params(t).Condition(expr.ConditionExpression, source)
		_, ok := errors.AsType[*expr.Error](err)
		assert.True(t, ok, "%q: %v", source, err)
	}
}

func TestUpdates(t *testing.T) {
	for source, want := range map[string]string{
		"SET n = o, o = n":                       `{"n":{"N":"1"},"o":{"N":"2"}}`,
		"SET n = n + :n":                         `{"n":{"N":"4"}}`,
		"SET n = (n - :three)":                   `{"n":{"N":"-1"}}`,
		"SET made = if_not_exists(gone, :s)":     `{"made":{"S":"ab"}}`,
		"SET l = list_append(:l, l)":             `{"l":{"L":[{"N":"9"},{"N":"1"},{"S":"x"},{"N":"3"}]}}`,
		"SET l[9] = :n, l[7] = :three":           `{"l":{"L":[{"N":"1"},{"S":"x"},{"N":"3"},{"N":"3"},{"N":"2"}]}}`,
		"REMOVE l[0], l[2] SET l[1] = :s":        `{"l":{"L":[{"S":"ab"}]}}`,
		"SET m.z = :s REMOVE m.#bc":              `{"m":{"M":{"a":{"N":"1"},"z":{"S":"ab"}}}}`,
		"ADD n :three, m.a :n, ss :ss, fresh :n": `{"n":{"N":"5"},"m":{"M":{"a":{"N":"3"},"b.c":{"S":"y"}}},"fresh":{"N":"2"}}`,
		"REMOVE gone, l[8]":                      `{}`,
	} {
		u, err := params(t).Update(source)
		if !assert.NoError(t, err, source) {
			continue
		}
		old := item(t, stored)
		got, err := u.Apply(old)
		if !assert.NoError(t, err, source) {
			continue
		}
		expected := item(t, stored)
		for name, v := range item(t, want) {
			expected[name] = v
		}
		assert.Equal(t, string(value.AppendMap(nil, expected)), string(value.AppendMap(nil, got)), source)
		assert.Equal(t, item(t, stored), old, "%s changed the old item", source)
	}
	u, err := params(t).Update("DELETE ss :ss")
	require.NoError(t, err)
	got, err := u.Apply(item(t, stored))
	require.NoError(t, err)
	assert.NotContains(t, got, "ss")
}

func TestRefusedUpdates(t *testing.T) {
	for _, source := range []string{
		"", "SET", "SET n", "SET n = :n SET o = :n", "SET n = :n, n = :n", "SET m.a = :n REMOVE m", "SET m.a = :n, m[0] = :n",
		"SET n = :n + :n + :n", "SET n = :s + :n", "SET l = list_append(l, :n)", "ADD n :s", "DELETE n :n", "SET n = size(l)",
		"SET n = if_not_exists(:n, :n)", "SET n = foo(:n)", "ADD n", "UPSERT n = :n", "SET n = ((:n))",
	} {
		_, err := params(t).Update(source)
		_, ok := errors.AsType[*expr.Error](err)
		assert.True(t, ok, "%q: %v", source, err)
	}
	for _, source := range []string{
		"SET n = gone", "SET gone.x = :n", "REMOVE gone.x", "SET s.x = :n", "SET n = s + :n", "ADD s :n", "ADD ss :n", "DELETE s :ss",
		"SET l = list_append(l, s)", "SET m[0] = :n", "SET l.x = :n",
	} {
		u, err := params(t).Update(source)
		if !assert.NoError(t, err, source) {
			continue
		}
		_, err = u.Apply(item(t, stored))
		_, ok := errors.AsType[*expr.EvalError](err)
		assert.True(t, ok, "%q: %v", source, err)
	}
}

func TestProjections(t *testing.T) {
	for source, want := range map[string]string{
		"n, gone":     `{"n":{"N":"2"}}`,
		"l[2], l[0]":  `{"l":{"L":[{"N":"1"},{"N":"3"}]}}`,
		"m.#bc, l[9]": `{"m":{"M":{"b.c":{"S":"y"}}}}`,
		"m.x.y":       `{}`,
	} {
		p, err := params(t).Projection(source)
		if assert.NoError(t, err, source) {
			assert.Equal(t, want, string(value.AppendMap(nil, p.Apply(item(t, stored)))), source)
		}
	}
	for _, source := range []string{"", "n,", "m, m.a", "n, n", "m.a, m[0]", "name", "n o"} {
		_, err := params(t).Projection(source)
		assert.Error(t, err, source)
	}
}

func TestUnused(t *testing.T) {
	p := expr.NewParams(map[string]string{"#a": "a", "#b": "b"}, nil)
	_, err := p.Projection("#a")
	require.NoError(t, err)
	require.Error(t, p.Unused())
	_, err = p.Projection("#b")
	require.NoError(t, err)
	require.NoError(t, p.Unused())
}

// FuzzExpressions: no text makes the parser or the evaluation fail otherwise than
// by an error, and an update never changes the item it is applied to.
func FuzzExpressions(f *testing.F) {
	for _, s := range []string{
		"n = :n AND (NOT size(l[0].#bc) > :n OR s BETWEEN :a AND :s)", "SET n = n + :n, l[3] = if_not_exists(m.a, :s) REMOVE m.#bc ADD ss :ss",
		"n, m.#bc, l[1]", "begins_with(s, :s) or contains(:ss, s) and n in (:n, :three)", "((", "DELETE ss :ss",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, source string) {
		old := item(t, stored)
		if c, err := params(t).Condition(expr.FilterExpression, source); err == nil {
			c.Root.Match(old)
			c.Root.Match(value.Map{})
		}
		if p, err := params(t).Projection(source); err == nil {
			p.Apply(old)
		}
		u, err := params(t).Update(source)
		if err != nil {
			return
		}
		if now, err := u.Apply(old); err == nil {
			u.Touched(now)
			text := value.AppendMap(nil, now)
			back, err := value.DecodeMap(text)
			if err != nil || !value.EqualMaps(back, now) {
				t.Fatalf("%q makes %s, which cannot be read back: %v", source, text, err)
			}
		}
		if !value.EqualMaps(old, item(t, stored)) {
			t.Fatalf("%q changed the old item", source)
		}
	})
}
