package expr

import (
	"slices"

	"github.com/monotable/monotable/memdb/internal/value"
)

// arity of the functions with a truth value.
var arity = map[string]int{
	"attribute_exists":     1,
	"attribute_not_exists": 1,
	"attribute_type":       2,
	"begins_with":          2,
	"contains":             2,
}

var typeNames = []string{"B", "NULL", "SS", "BOOL", "L", "BS", "N", "NS", "S", "M"}

// call parses a function with a truth value; function names are exact.
func (p *parser) call() (Call, error) {
	name := p.take().text
	want, ok := arity[name]
	switch {
	case name == "if_not_exists" || name == "list_append":
		return Call{}, p.errorf("The function is not allowed in a condition expression; function: %s", name)
	case !ok:
		return Call{}, p.errorf("Invalid function name; function: %s", name)
	}
	if err := p.operator(); err != nil {
		return Call{}, err
	}
	if p.ahead(1).sign(")") {
		p.pos++
		return Call{}, p.syntax()
	}
	args, err := arguments(p, p.operand)
	if err != nil {
		return Call{}, err
	}
	if len(args) != want {
		return Call{}, p.count(name, len(args))
	}
	c := Call{name, args}
	return c, p.checkCall(c)
}

func (p *parser) checkCall(c Call) error {
	for _, a := range c.Args {
		if _, ok := a.(Size); ok {
			return p.notThisWay("size")
		}
	}
	if len(c.Args) == 2 && samePath(c.Args[0], c.Args[1]) {
		return p.same(c.Function, c.Args[0])
	}
	switch c.Function {
	case "attribute_exists", "attribute_not_exists":
		if _, ok := c.Args[0].(PathOperand); !ok {
			return p.errorf("Operator or function requires a document path; operator or function: %s", c.Function)
		}
	case "attribute_type":
		return p.checkType(c)
	case "begins_with":
		for _, a := range c.Args {
			if l, ok := a.(Literal); ok && l.V.Type() != "S" && l.V.Type() != "B" {
				return p.wrongType(c.Function, l)
			}
		}
	}
	return nil
}

func (p *parser) checkType(c Call) error {
	l, ok := c.Args[1].(Literal)
	if !ok {
		return p.errorf("Incorrect operand type for operator or function; operator or function: attribute_type, operand type: %s", "PATH")
	}
	s, ok := l.V.(value.String)
	if !ok {
		return p.wrongType("attribute_type", l)
	}
	if !slices.Contains(typeNames, string(s)) {
		return p.errorf("Invalid attribute type name found; type: %s, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}", s)
	}
	return nil
}
