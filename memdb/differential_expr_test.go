package memdb_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// grammar makes random expressions with their placeholders and remembers which
// rules it used. tops are the attributes it may name, with their usual types.
type grammar struct {
	random
	tops   map[string]string
	names  map[string]string
	values attr
	rules  map[string]bool
}

func newGrammar(r random, tops map[string]string) *grammar {
	return &grammar{random: r, tops: tops, names: map[string]string{}, values: attr{}, rules: map[string]bool{}}
}

// allRules are the rules of the grammar; the test fails if one is never accepted.
var allRules = []string{
	"=", "<>", "<", "<=", ">", ">=", "BETWEEN", "IN", "AND", "OR", "NOT", "( )", "attribute_exists", "attribute_not_exists",
	"attribute_type", "begins_with", "contains", "size", "#name", "name", ".name", "[i]", ":value left", "path = path",
	"SET", "REMOVE", "ADD number", "ADD set", "DELETE", "SET +", "SET -", "if_not_exists", "list_append", "SET path", "SET ( )",
	"SET nested", "REMOVE nested", "REMOVE [i]", "ADD nested", "projection", "projection nested", "key =", "key <", "key <=",
	"key >", "key >=", "key BETWEEN", "key begins_with", "key reversed", "key ( )",
}

func (g *grammar) rule(name string) { g.rules[name] = true }

func (g *grammar) literal(v av) string {
	name := fmt.Sprintf(":v%d", len(g.values))
	g.values[name] = v
	return name
}

var bare = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)

func (g *grammar) name(n string) string {
	if bare.MatchString(n) && n != "count" && n != "any" && g.chance(0.6) || g.chance(0.003) {
		g.rule("name")
		return n
	}
	g.rule("#name")
	for have, of := range g.names {
		if of == n {
			return have
		}
	}
	p := fmt.Sprintf("#n%d", len(g.names))
	g.names[p] = n
	return p
}

func (g *grammar) top(kinds ...string) (name, kind string) {
	var fit []string
	for _, n := range sortedNames(g.tops) {
		if len(kinds) == 0 || slices.Contains(kinds, g.tops[n]) {
			fit = append(fit, n)
		}
	}
	if len(fit) == 0 || g.chance(0.05) {
		fit = sortedNames(g.tops)
	}
	name = g.one(fit...)
	return name, g.tops[name]
}

// path is a document path and the type that is likely found there.
func (g *grammar) path(kinds ...string) (text, kind string) {
	name, kind := g.top()
	if g.chance(0.75) && len(kinds) > 0 {
		name, kind = g.top(kinds...)
	}
	text = g.name(name)
	for range 3 {
		if kind != "M" && kind != "L" && !g.chance(0.02) || len(kinds) > 0 && slices.Contains(kinds, kind) && g.chance(0.6) || g.chance(0.3) {
			break
		}
		if kind == "L" {
			g.rule("[i]")
			text += fmt.Sprintf("[%d]", g.IntN(5))
			kind = "N"
			continue
		}
		g.rule(".name")
		step := g.one("x", "y", "l", "m", "st", "zz")
		text += "." + g.name(step)
		kind = map[string]string{"x": "N", "y": "S", "l": "L", "m": "M", "st": "SS"}[step]
	}
	if kind == "" {
		kind = "?"
	}
	return text, kind
}

func (g *grammar) operand(kinds ...string) (text, kind string) {
	if g.chance(0.1) {
		g.rule("size")
		p, _ := g.path("S", "B", "SS", "L", "M")
		return "size(" + p + ")", "N"
	}
	return g.path(kinds...)
}

func (g *grammar) word(w string) string {
	if g.chance(0.2) {
		return strings.ToLower(w)
	}
	return w
}

func (g *grammar) condition(depth int) string {
	if depth > 0 {
		switch g.IntN(7) {
		case 0, 1:
			g.rule("AND")
			return g.condition(depth-1) + " " + g.word("AND") + " " + g.condition(depth-1)
		case 2:
			g.rule("OR")
			return g.condition(depth-1) + " " + g.word("OR") + " " + g.condition(depth-1)
		case 3:
			g.rule("NOT")
			return g.word("NOT") + " " + g.condition(depth-1)
		case 4:
			g.rule("( )")
			inner := g.condition(depth - 1)
			if strings.HasPrefix(inner, "(") && g.chance(0.9) {
				return inner
			}
			return "(" + inner + ")"
		}
	}
	return g.predicate()
}

func (g *grammar) predicate() string {
	switch g.IntN(10) {
	case 0, 1, 2, 3:
		return g.comparison()
	case 4:
		return g.between()
	case 5:
		g.rule("IN")
		of, kind := g.operand()
		var in []string
		for range 1 + g.IntN(3) {
			in = append(in, g.literal(g.value(kind, 2)))
		}
		return of + " " + g.word("IN") + " (" + strings.Join(in, ", ") + ")"
	}
	f := g.one("attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains")
	g.rule(f)
	switch f {
	case "attribute_type":
		p, _ := g.path()
		kind := g.one("S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "L", "M")
		if g.chance(0.03) {
			kind = g.one("s", "X", "")
		}
		return f + "(" + p + ", " + g.literal(str(kind)) + ")"
	case "begins_with":
		p, kind := g.path("S", "B")
		if kind != "B" || g.chance(0.1) {
			kind = g.one("S", "S", "S", "S", "S", "S", "B", "N")
		}
		return f + "(" + p + ", " + g.literal(g.scalar(kind)) + ")"
	case "contains":
		p, kind := g.path("S", "SS", "NS", "L", "BS", "B")
		want := map[string]string{"S": "S", "SS": "S", "NS": "N", "BS": "B", "B": "B", "L": "N"}[kind]
		if want == "" || g.chance(0.1) {
			want = g.one("S", "N", "B", "?")
		}
		return f + "(" + p + ", " + g.literal(g.value(want, 1)) + ")"
	}
	p, _ := g.path()
	return f + "(" + p + ")"
}

func (g *grammar) comparison() string {
	operator := g.one("=", "<>", "<", "<=", ">", ">=")
	g.rule(operator)
	left, kind := g.operand("N", "S", "B")
	if operator == "=" || operator == "<>" {
		left, kind = g.operand()
	}
	if g.chance(0.15) {
		g.rule("path = path")
		right, _ := g.operand(kind)
		return left + " " + operator + " " + right
	}
	if kind != "N" && kind != "S" && kind != "B" && operator != "=" && operator != "<>" && g.chance(0.97) {
		kind = g.one("N", "S", "B")
	} else if g.chance(0.08) {
		kind = g.one("N", "S", "B")
	}
	right := g.literal(g.value(kind, 2))
	if g.chance(0.15) {
		g.rule(":value left")
		left, right = right, left
	}
	return left + operator + right
}

func (g *grammar) between() string {
	g.rule("BETWEEN")
	of, kind := g.operand("N", "S", "B")
	if kind != "N" && kind != "S" && kind != "B" {
		kind = "N"
	}
	low, high := g.ordered(kind, kind)
	if g.chance(0.03) {
		high = g.scalar(g.one("N", "S", "B"))
	}
	return of + " " + g.word("BETWEEN") + " " + g.literal(low) + " " + g.word("AND") + " " + g.literal(high)
}

// ordered gives two values, mostly with the lower one first.
func (g *grammar) ordered(one, two string) (low, high av) {
	low, high = g.scalar(one), g.scalar(two)
	if one == two && g.chance(0.96) && less(high, low) {
		return high, low
	}
	return low, high
}

func (g *grammar) projection() string {
	g.rule("projection")
	seen := map[string]bool{}
	var paths []string
	for range 1 + g.IntN(4) {
		p, _ := g.path()
		first, _, _ := strings.Cut(strings.ReplaceAll(p, "[", "."), ".")
		if of, ok := g.names[first]; ok {
			first = of
		}
		if seen[first] && g.chance(0.97) {
			continue
		}
		seen[first] = true
		if strings.ContainsAny(p, ".[") {
			g.rule("projection nested")
		}
		paths = append(paths, p)
	}
	return strings.Join(paths, g.one(",", ", "))
}

// prune drops placeholders that the texts do not use, and nils empty maps.
func (g *grammar) prune(texts ...string) {
	all := " " + strings.Join(texts, " ") + " "
	used := map[string]bool{}
	for _, p := range regexp.MustCompile(`[#:][A-Za-z0-9_]+`).FindAllString(all, -1) {
		used[p] = true
	}
	keep := g.chance(0.005) // unused ones are refused
	for name := range g.names {
		if !used[name] && !keep {
			delete(g.names, name)
		}
	}
	for name := range g.values {
		if !used[name] && !keep {
			delete(g.values, name)
		}
	}
	if len(g.names) == 0 {
		g.names = nil
	}
	if len(g.values) == 0 {
		g.values = nil
	}
}

var tokens = regexp.MustCompile(`[#:]?[A-Za-z0-9_]+|<=|>=|<>|\s+|.`)

// garble changes a text at random, so that most results are refused.
func (g *grammar) garble(text string) string {
	ts := tokens.FindAllString(text, -1)
	if len(ts) == 0 {
		return text
	}
	i, j := g.IntN(len(ts)), g.IntN(len(ts))
	switch g.IntN(7) {
	case 0:
		ts = slices.Delete(ts, i, i+1)
	case 1:
		ts = slices.Insert(ts, i, ts[j])
	case 2:
		ts[i], ts[j] = ts[j], ts[i]
	case 3:
		ts[i] = g.one("AND", "OR", "NOT", "(", ")", ",", "=", ".", "[0]", ":undefined", "#undefined", "size", "1", "status", "%", "é", "''", "IN", "BETWEEN", "<", "+")
	case 4:
		return "(" + text + ")"
	case 5:
		return "((" + text + "))"
	case 6:
		return strings.Replace(text, g.one("attribute_exists", "size", "contains", "begins_with", "list_append", "SET", "if_not_exists"), g.one("Size", "exists", "SET", "contains"), 1)
	}
	return strings.Join(ts, "")
}
