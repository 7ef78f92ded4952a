package expr_test

import (
	"regexp"
	"testing"

	"github.com/monotable/monotable/memdb/internal/decimal"
	"github.com/monotable/monotable/memdb/internal/expr"
	"github.com/monotable/monotable/memdb/internal/value"
)

func fuzzNumber(n int) value.Value { return value.Number{Decimal: decimal.FromInt(n)} }

// fuzzItems is what parsed expressions are evaluated on.
var fuzzItems = []value.Map{
	{},
	{
		"n": fuzzNumber(1), "s": value.String("abc"), "b": value.Binary("\x00\xff"), "f": value.Bool(true), "z": value.Null{},
		"ss": value.StringSet{"a", "b"}, "ns": value.NumberSet{decimal.FromInt(1)}, "bs": value.BinarySet{"x"},
		"l": value.List{fuzzNumber(1), value.String("x"), value.List{value.Map{}}, value.Map{"x": fuzzNumber(2)}},
		"m": value.Map{"x": fuzzNumber(3), "m": value.Map{"l": value.List{}}, "s": value.StringSet{"q"}},
	},
	{
		"n": value.String("n"), "s": value.StringSet{"s"}, "b": fuzzNumber(2), "f": value.Null{}, "l": value.Map{"x": value.List{}},
		"m": value.List{fuzzNumber(1)}, "ss": fuzzNumber(1), "ns": value.StringSet{"1"}, "bs": value.List{},
	},
}

var fuzzValues = map[string]value.Value{
	":n": fuzzNumber(5), ":s": value.String("a"), ":b": value.Binary("\x00"), ":f": value.Bool(false), ":z": value.Null{},
	":ss": value.StringSet{"a"}, ":ns": value.NumberSet{decimal.FromInt(1)}, ":bs": value.BinarySet{"x"},
	":l": value.List{fuzzNumber(1)}, ":m": value.Map{"x": fuzzNumber(1)}, ":t": value.String("SS"), ":e": value.String(""),
}

var fuzzNames = map[string]string{"#n": "n", "#d": "m.x", "#l": "l", "#m": "m", "#x": "x"}

var fuzzIndexes = regexp.MustCompile(`\[[0-9]{6,}`)

// FuzzExpression: no text makes a parser panic, and what is parsed can be
// evaluated on any item, which it leaves as it was.
func FuzzExpression(f *testing.F) {
	for _, seed := range []string{
		"n = :n", ":n<#n AND NOT (s <> :s) or f = :f", "n BETWEEN :n AND :n", "s IN (:s, :n, l[0])", "attribute_exists(l[3].x)",
		"attribute_not_exists(#m.#x)", "attribute_type(ss, :t)", "begins_with(b, :b)", "contains(ns, :n)", "contains(l, :l)",
		"size(l) >= size(m.m)", "((n = :n))", "(n) = (:n)", "NOT NOT n = :n", "n = n", "n IN ()", "size(:s) = n", "l[99999999999999999999] = :n",
		"SET n = n + :n, l[9] = :s REMOVE m.x, l[0] ADD ss :ss DELETE bs :bs", "SET l = list_append(l, :l)", "SET #d = if_not_exists(m.x, :n) - (n + :n)",
		"SET n = l[1]", "ADD m.x :n", "REMOVE l[0], l[1], l[2][0].x", "SET m.m.l[3] = :m", "DELETE ns :ns", "set n = list_append(if_not_exists(l, :l), l)",
		"n, l[0], l[2][0], m.m.l, #d", "n,n", "m, m.x", "l[0], l.x", "", " ", "(", ")", "é = :n", "SET", "a.b[", "n =", ": = :", "# = #", "\x00", "AND", "l[-1]", "l[00]",
		"NOTn=:n", "n=:nANDs=:s", "n BETWEEN :s AND :n AND s = :s", "begins_with(n, :n)", "size(size(l)) = :n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		before := make([]string, len(fuzzItems))
		for i, item := range fuzzItems {
			before[i] = string(value.AppendMap(nil, item))
		}
		for _, kind := range []expr.Kind{expr.ConditionExpression, expr.FilterExpression, expr.KeyConditionExpression} {
			if c, err := expr.NewParams(fuzzNames, fuzzValues).Condition(kind, text); err == nil {
				for _, item := range fuzzItems {
					c.Root.Match(item)
				}
			}
		}
		if p, err := expr.NewParams(fuzzNames, fuzzValues).Projection(text); err == nil {
			for _, item := range fuzzItems {
				if p.Apply(item) == nil {
					t.Errorf("%q: no item", text)
				}
			}
		}
		if u, err := expr.NewParams(fuzzNames, fuzzValues).Update(text); err == nil && !fuzzIndexes.MatchString(text) {
			for _, item := range fuzzItems {
				if changed, err := u.Apply(item); err == nil {
					u.Touched(changed)
					u.Touched(item)
				}
			}
		}
		for i, item := range fuzzItems {
			if after := string(value.AppendMap(nil, item)); after != before[i] {
				t.Fatalf("%q changed an item from %s to %s", text, before[i], after)
			}
		}
	})
}
