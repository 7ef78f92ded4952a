package memdb_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// generator makes random requests over few keys and names, so that they meet.
type generator struct {
	*rand.Rand
	rules map[string]int // of the expression grammar, how often each was used
}

// expression is a request's expression with its placeholders.
type expression struct {
	g      *generator
	names  map[string]string
	values attr
	nested bool // it speaks of a path below the top
}

func (g *generator) expression() *expression {
	return &expression{g: g, names: map[string]string{}, values: attr{}}
}

func (x *expression) rule(name string) { x.g.rules[name]++ }

func (g *generator) chance(percent int) bool { return g.IntN(100) < percent }

func pickOne[T any](g *generator, vs ...T) T { return vs[g.IntN(len(vs))] }

func (x *expression) placeholders() (map[string]string, attr) {
	names, values := x.names, x.values
	if len(names) == 0 {
		names = nil
	}
	if len(values) == 0 {
		values = nil
	}
	return names, values
}

func (x *expression) value(v av) string {
	name := fmt.Sprintf(":v%d", len(x.values))
	x.values[name] = v
	return name
}

func (x *expression) name(n string) string {
	if n != "data" && !strings.Contains(n, ".") && x.g.chance(70) { // data is reserved
		x.rule("bare name")
		return n
	}
	x.rule("#name")
	p := fmt.Sprintf("#n%d", len(x.names))
	x.names[p] = n
	return p
}

var numbers = []string{
	"0", "1", "2", "-1", "1.5", "10", "007", "1E3", "-0", "0.1", "1e-130", "9.9999999999999999999999999999999999999E+125",
	"12345678901234567890123456789012345678", "-20", "100", "1.50",
}

func (g *generator) number() av { return num(pickOne(g, numbers...)) }
func (g *generator) text() string {
	return pickOne(g, "", "a", "ab", "abc", "b", "B", "é", "z", "a.b", "\x00", "😀")
}

func (g *generator) scalar() av {
	switch g.IntN(6) {
	case 0, 1:
		return g.number()
	case 2:
		return &types.AttributeValueMemberB{Value: []byte(pickOne(g, "", "a", "\x00\xff", "ab"))}
	case 3:
		return &types.AttributeValueMemberBOOL{Value: g.chance(50)}
	case 4:
		return &types.AttributeValueMemberNULL{Value: true}
	}
	return str(g.text())
}

func (g *generator) set() av {
	switch g.IntN(3) {
	case 0:
		return ss([][]string{{"a"}, {"a", "b"}, {"b", "c", "ab"}, {""}}[g.IntN(4)]...)
	case 1:
		return &types.AttributeValueMemberNS{Value: [][]string{{"1"}, {"1", "2"}, {"2.0", "10"}, {"1", "1.0"}}[g.IntN(100)/33]}
	}
	return &types.AttributeValueMemberBS{Value: [][][]byte{{[]byte("a")}, {[]byte("a"), []byte("b")}}[g.IntN(2)]}
}

func (g *generator) value(depth int) av {
	switch n := g.IntN(10); {
	case n < 6 || depth > 2:
		return g.scalar()
	case n == 6:
		return g.set()
	case n < 9:
		l := make([]av, g.IntN(4))
		for i := range l {
			l[i] = g.value(depth + 1)
		}
		return list(l...)
	}
	m := attr{}
	for range g.IntN(3) {
		m[pickOne(g, "x", "y", "z")] = g.value(depth + 1)
	}
	return &types.AttributeValueMemberM{Value: m}
}

// attribute is a value that suits the name, mostly.
func (g *generator) attribute(name string) av {
	if g.chance(4) {
		return g.value(1)
	}
	switch name {
	case "n", "r2":
		return g.number()
	case "g", "lk", "r1":
		return str(pickOne(g, "a", "ab", "b", "c"))
	case "ss":
		return ss(pickOne(g, "a", "b"), "c")
	case "ns":
		return &types.AttributeValueMemberNS{Value: []string{pickOne(g, "1", "2.0"), "3"}}
	case "m":
		return &types.AttributeValueMemberM{Value: attr{"x": g.number(), "y": list(g.scalar(), g.number())}}
	case "ls":
		return list(g.number(), str(g.text()), g.value(2))
	}
	return g.value(0)
}

var attributeNames = []string{"a", "b", "n", "g", "lk", "r1", "r2", "ss", "ns", "m", "ls", "data", "d.o"}

func (g *generator) item(key attr) attr {
	m := attr{}
	for range g.IntN(8) {
		name := pickOne(g, attributeNames...)
		m[name] = g.attribute(name)
	}
	for k, v := range key {
		m[k] = v
	}
	return m
}

func (x *expression) path() string {
	g := x.g
	top := pickOne(g, attributeNames...)
	p := x.name(top)
	for g.chance(20) || (top == "m" || top == "ls") && g.chance(60) {
		x.nested = true
		if g.chance(50) && top != "ls" || top == "m" {
			x.rule("path .name")
			p += "." + x.name(pickOne(g, "x", "y", "z"))
		} else {
			x.rule("path [index]")
			p += "[" + strconv.Itoa(g.IntN(4)) + "]"
		}
		top = ""
	}
	return p
}

func (x *expression) operand() string {
	switch n := x.g.IntN(10); {
	case n < 5:
		return x.path()
	case n == 5:
		x.rule("size")
		return "size(" + x.path() + ")"
	}
	return x.value(x.g.value(1))
}

// ordered is a literal that comparisons take.
func (x *expression) ordered() string {
	if x.g.chance(3) {
		return x.value(x.g.value(0))
	}
	return x.value(pickOne(x.g, x.g.number(), str(x.g.text()), x.g.number()))
}

func (x *expression) condition(depth int) string {
	g := x.g
	if depth < 3 && g.chance(35) {
		switch g.IntN(4) {
		case 0:
			x.rule("AND")
			return x.condition(depth+1) + pickOne(g, " AND ", " and ") + x.condition(depth+1)
		case 1:
			x.rule("OR")
			return x.condition(depth+1) + " OR " + x.condition(depth+1)
		case 2:
			x.rule("NOT")
			return "NOT " + x.condition(depth+1)
		}
		x.rule("( )")
		return "(" + x.condition(depth+1) + ")"
	}
	switch g.IntN(11) {
	case 0, 1:
		op := pickOne(g, "=", "<>")
		x.rule(op)
		return x.operand() + " " + op + " " + x.operand()
	case 2, 3:
		op := pickOne(g, "<", "<=", ">", ">=")
		x.rule(op)
		if g.chance(30) {
			return x.ordered() + op + x.path()
		}
		return x.path() + op + x.ordered()
	case 4:
		x.rule("BETWEEN")
		return x.path() + " BETWEEN " + x.ordered() + " AND " + x.ordered()
	case 5:
		x.rule("IN")
		return x.path() + " IN (" + x.operand() + ", " + x.operand() + ")"
	case 6:
		f := pickOne(g, "attribute_exists", "attribute_not_exists")
		x.rule(f)
		return f + "(" + x.path() + ")"
	case 7:
		x.rule("attribute_type")
		return "attribute_type(" + x.path() + ", " + x.value(str(pickOne(g, "S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "L", "M", "M", "X"))) + ")"
	case 8:
		x.rule("begins_with")
		return "begins_with(" + x.path() + ", " + x.value(pickOne[av](g, str(g.text()), str("a"), &types.AttributeValueMemberB{Value: []byte("a")}, g.scalar())) + ")"
	case 9:
		x.rule("contains")
		return "contains(" + x.path() + ", " + x.value(g.scalar()) + ")"
	}
	x.rule("size comparison")
	return "size(" + x.path() + ") " + pickOne(g, "<", ">", "=") + " " + x.value(num(strconv.Itoa(g.IntN(4))))
}

func (x *expression) term(depth int) string {
	g := x.g
	switch n := g.IntN(10); {
	case n < 4:
		return x.value(g.value(0))
	case n < 6:
		x.rule("SET path")
		return x.path()
	case n == 6 && depth < 2:
		x.rule("if_not_exists")
		return "if_not_exists(" + x.path() + ", " + x.term(depth+1) + ")"
	case n == 7 && depth < 2:
		x.rule("list_append")
		return "list_append(" + pickOne(g, x.path(), "if_not_exists("+x.name("ls")+", "+x.value(list())+")") + ", " + x.value(list(g.scalar())) + ")"
	}
	return x.value(g.number())
}

func (x *expression) update() string {
	g := x.g
	var parts []string
	for _, verb := range []string{"SET", "REMOVE", "ADD", "DELETE"} {
		if !g.chance(map[string]int{"SET": 70, "REMOVE": 25, "ADD": 30, "DELETE": 15}[verb]) {
			continue
		}
		var actions []string
		for range 1 + g.IntN(2) {
			x.rule(verb)
			switch verb {
			case "SET":
				t := x.term(0)
				if g.chance(25) {
					op := pickOne(g, "+", "-")
					x.rule(op)
					t = pickOne(g, x.name("n"), "if_not_exists("+x.name("r2")+", "+x.value(num("0"))+")", x.path()) + " " + op + " " + x.value(g.number())
				}
				actions = append(actions, x.path()+" = "+t)
			case "REMOVE":
				actions = append(actions, x.path())
			case "ADD":
				switch g.IntN(3) {
				case 0:
					actions = append(actions, x.name("n")+" "+x.value(g.number()))
				case 1:
					actions = append(actions, x.name("ss")+" "+x.value(ss("a", "z")))
				default:
					actions = append(actions, x.path()+" "+x.value(pickOne(g, g.number(), g.set(), g.value(0))))
				}
			case "DELETE":
				actions = append(actions, pickOne(g, x.name("ss"), x.path())+" "+x.value(pickOne(g, ss("a"), ss("c", "a"), g.set())))
			}
		}
		parts = append(parts, verb+" "+strings.Join(actions, ", "))
	}
	if len(parts) == 0 {
		return "SET a = " + x.value(num("1"))
	}
	g.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	return strings.Join(parts, " ")
}

func (x *expression) projection() string {
	var ps []string
	for range 1 + x.g.IntN(3) {
		ps = append(ps, x.path())
	}
	return strings.Join(ps, ", ")
}

// spoil breaks an expression now and then. An unused name is left by leaving out a
// word that held it.
func (x *expression) spoil(s string) *string {
	g := x.g
	if g.chance(94) {
		return &s
	}
	x.rule("broken")
	words := strings.Fields(s)
	switch g.IntN(7) {
	case 0:
		i := g.IntN(len(words))
		words = append(words[:i:i], words[i+1:]...)
		return aws.String(strings.Join(words, " "))
	case 1:
		return aws.String("((" + s + "))")
	case 2:
		return aws.String(s + " " + pickOne(g, "AND", ")", "=", "a", ",", "!", ":nope", "#nope"))
	case 3:
		x.names["#unused"] = "a"
	case 4:
		x.values[":unused"] = num("1")
	case 5:
		return aws.String("")
	case 6:
		return aws.String(strings.Replace(s, "a", "name", 1))
	}
	return &s
}
