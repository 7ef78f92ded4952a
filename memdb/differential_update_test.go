package memdb_test

import (
	"bytes"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// update is an update expression. nested tells whether it has paths below the top.
func (g *grammar) update(keys []string) (text string, nested bool) {
	free := slices.DeleteFunc(sortedNames(g.tops), func(n string) bool { return slices.Contains(keys, n) })
	g.Shuffle(len(free), func(i, j int) { free[i], free[j] = free[j], free[i] })
	if g.chance(0.01) {
		free = append([]string{g.one(keys...)}, free...)
	}
	parts := map[string][]string{}
	for range 1 + g.IntN(4) {
		name := free[0]
		if g.chance(0.98) {
			free = free[1:]
		}
		verb, action := g.action(name, g.tops[name])
		parts[verb] = append(parts[verb], action)
		nested = nested || strings.ContainsAny(action, ".[")
	}
	var sections []string
	for _, i := range g.Perm(4) {
		verb := []string{"SET", "REMOVE", "ADD", "DELETE"}[i]
		if len(parts[verb]) > 0 {
			sections = append(sections, g.word(verb)+" "+strings.Join(parts[verb], ", "))
		}
	}
	return strings.Join(sections, " "), nested
}

func (g *grammar) action(name, kind string) (verb, action string) {
	path := g.name(name)
	if g.chance(0.15) {
		if kind == "L" && g.chance(0.7) {
			g.rule("REMOVE [i]")
			return "REMOVE", path + fmt.Sprintf("[%d]", g.IntN(4))
		}
		if kind == "M" && g.chance(0.5) {
			g.rule("REMOVE nested")
			return "REMOVE", path + "." + g.name(g.one("x", "y", "zz"))
		}
		g.rule("REMOVE")
		return "REMOVE", path
	}
	switch kind {
	case "N":
		if g.chance(0.35) {
			g.rule("ADD number")
			return "ADD", path + " " + g.literal(g.scalar(g.one("N", "N", "N", "N", "N", "N", "N", "N", "N", "S")))
		}
	case "SS", "NS", "BS":
		if g.chance(0.4) {
			g.rule("ADD set")
			return "ADD", path + " " + g.literal(g.value(kind, 1))
		}
		if g.chance(0.6) {
			g.rule("DELETE")
			return "DELETE", path + " " + g.literal(g.value(kind, 1))
		}
	case "M":
		switch {
		case g.chance(0.15):
			g.rule("ADD nested")
			return "ADD", path + "." + g.name("x") + " " + g.literal(num(g.one("1", "-2", "0.5")))
		case g.chance(0.5):
			g.rule("SET nested")
			return "SET", path + "." + g.name(g.one("x", "y", "new")) + " = " + g.term("N")
		}
	case "L":
		if g.chance(0.3) {
			g.rule("SET nested")
			return "SET", path + fmt.Sprintf("[%d] = ", g.IntN(7)) + g.term("N")
		}
	}
	g.rule("SET")
	return "SET", path + g.one(" = ", "=") + g.term(kind)
}

func (g *grammar) term(kind string) string {
	switch {
	case kind == "N" && g.chance(0.45):
		operator := g.one("+", "-")
		g.rule("SET " + operator)
		left, right := g.sure("N"), g.sure("N")
		text := left + " " + operator + " " + right
		if g.chance(0.15) {
			g.rule("SET ( )")
			text = "(" + text + ")"
		}
		return text
	case kind == "L" && g.chance(0.5):
		g.rule("list_append")
		return "list_append(" + g.sure("L") + ", " + g.sure("L") + ")"
	case g.chance(0.12):
		g.rule("if_not_exists")
		p, _ := g.path(kind)
		return "if_not_exists(" + p + ", " + g.literal(g.value(kind, 2)) + ")"
	case g.chance(0.1):
		g.rule("SET path")
		p, _ := g.path(kind)
		return p
	}
	return g.literal(g.keyOr(kind))
}

// keyOr avoids values that an index key cannot have, mostly.
func (g *grammar) keyOr(kind string) av {
	if kind == "S" || kind == "B" {
		return g.keyValue(kind)
	}
	return g.value(kind, 2)
}

// sure is an operand that mostly is of the kind.
func (g *grammar) sure(kind string) string {
	switch {
	case g.chance(0.5):
		return g.literal(g.value(kind, 2))
	case g.chance(0.6):
		g.rule("if_not_exists")
		name, _ := g.top(kind)
		return "if_not_exists(" + g.name(name) + ", " + g.literal(g.value(kind, 2)) + ")"
	}
	name, _ := g.top(kind)
	return g.name(name)
}

// keyCondition is one for the keys of a table or index.
func (g *grammar) keyCondition(s *shape, hash, ranges []string) string {
	var terms []string
	for _, name := range hash {
		g.rule("key =")
		terms = append(terms, g.turned(g.name(name), "=", g.literal(g.keyValue(s.types[name]))))
	}
	for _, name := range ranges {
		if g.chance(0.4) {
			break
		}
		if g.chance(0.45) {
			g.rule("key =")
			terms = append(terms, g.turned(g.name(name), "=", g.literal(g.keyValue(s.types[name]))))
			continue
		}
		terms = append(terms, g.keyRange(name, s.types[name]))
		if g.chance(0.97) {
			break
		}
	}
	if g.chance(0.01) {
		terms = append(terms, g.name("n")+" = "+g.literal(num("1")))
	}
	g.Shuffle(len(terms), func(i, j int) { terms[i], terms[j] = terms[j], terms[i] })
	for i := range terms {
		if g.chance(0.1) {
			g.rule("key ( )")
			terms[i] = "(" + terms[i] + ")"
		}
	}
	and := " AND "
	if g.chance(0.01) {
		and = " OR "
	}
	return strings.Join(terms, and)
}

func (g *grammar) keyRange(name, kind string) string {
	operator := g.one("<", "<=", ">", ">=", "BETWEEN", "begins_with")
	if kind == "N" && operator == "begins_with" && g.chance(0.9) {
		operator = "BETWEEN"
	}
	g.rule("key " + operator)
	switch operator {
	case "BETWEEN":
		low, high := g.keyValue(kind), g.keyValue(kind)
		if less(high, low) && g.chance(0.97) {
			low, high = high, low
		}
		return g.name(name) + " BETWEEN " + g.literal(low) + " AND " + g.literal(high)
	case "begins_with":
		return "begins_with(" + g.name(name) + ", " + g.literal(g.keyValue(kind)) + ")"
	}
	return g.turned(g.name(name), operator, g.literal(g.keyValue(kind)))
}

func (g *grammar) turned(left, operator, right string) string {
	if g.chance(0.12) {
		g.rule("key reversed")
		return right + " " + operator + " " + left
	}
	return left + " " + operator + " " + right
}

func less(a, b av) bool {
	switch a := a.(type) {
	case *types.AttributeValueMemberS:
		b, ok := b.(*types.AttributeValueMemberS)
		return ok && a.Value < b.Value
	case *types.AttributeValueMemberB:
		b, ok := b.(*types.AttributeValueMemberB)
		return ok && bytes.Compare(a.Value, b.Value) < 0
	case *types.AttributeValueMemberN:
		b, ok := b.(*types.AttributeValueMemberN)
		return ok && rat(a.Value).Cmp(rat(b.Value)) < 0
	}
	return false
}

func rat(s string) *big.Rat {
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		panic("not a number: " + s)
	}
	return r
}

// canon is a text that is equal for equal values: numbers by value, sets in order.
func canon(v av) string {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return fmt.Sprintf("%q", v.Value)
	case *types.AttributeValueMemberN:
		return rat(v.Value).RatString()
	case *types.AttributeValueMemberB:
		return fmt.Sprintf("0x%x", v.Value)
	case *types.AttributeValueMemberBOOL:
		return fmt.Sprint(v.Value)
	case *types.AttributeValueMemberNULL:
		return "null"
	case *types.AttributeValueMemberSS:
		return fmt.Sprintf("SS%q", slices.Sorted(slices.Values(v.Value)))
	case *types.AttributeValueMemberNS:
		var set []string
		for _, n := range v.Value {
			set = append(set, rat(n).RatString())
		}
		slices.Sort(set)
		return fmt.Sprintf("NS%v", set)
	case *types.AttributeValueMemberBS:
		var set []string
		for _, b := range v.Value {
			set = append(set, fmt.Sprintf("%x", b))
		}
		slices.Sort(set)
		return fmt.Sprintf("BS%v", set)
	case *types.AttributeValueMemberL:
		parts := make([]string, len(v.Value))
		for i := range v.Value {
			parts[i] = canon(v.Value[i])
		}
		return "[" + strings.Join(parts, " ") + "]"
	case *types.AttributeValueMemberM:
		return canonItem(v.Value)
	}
	return fmt.Sprintf("%T", v)
}

func canonItem(item attr) string {
	if item == nil {
		return "none"
	}
	parts := make([]string, 0, len(item))
	for _, name := range sortedNames(item) {
		parts = append(parts, name+":"+canon(item[name]))
	}
	return "{" + strings.Join(parts, " ") + "}"
}
