package expr

import (
	"github.com/monotable/monotable/memdb/internal/value"
)

// Update is a parsed update expression.
type Update struct {
	root  tree[change]
	Paths []Path // the changed ones, in their order
	Reads []Path // all paths, the changed ones too
}

// change is what happens at one path.
type change struct {
	verb string // SET, REMOVE, ADD or DELETE
	to   term   // of SET
	by   value.Value
}

// term is the right side of SET: an operandTerm, ifNotExists, listAppend or sum.
type term interface {
	eval(item value.Map) (value.Value, error)
}

type (
	operandTerm struct{ of Operand }
	ifNotExists struct {
		path Path
		or   term
	}
	listAppend struct{ left, right term }
	sum        struct {
		left, right term
		minus       bool
	}
)

// Update parses an update expression.
func (p *Params) Update(source string) (*Update, error) {
	s, err := p.parser(UpdateExpression, source)
	if err != nil {
		return nil, err
	}
	u := &Update{}
	seen := map[string]bool{}
	for s.token().kind != tokenEnd {
		verb := ""
		for _, v := range []string{"SET", "REMOVE", "ADD", "DELETE"} {
			if s.takeWord(v) {
				verb = v
			}
		}
		if verb == "" {
			return nil, s.syntax()
		}
		if seen[verb] {
			return nil, s.errorf("The %q section can only be used once in an update expression;", verb)
		}
		seen[verb] = true
		if err := s.section(u, verb); err != nil {
			return nil, err
		}
	}
	u.Reads = s.paths
	return u, nil
}

func (p *parser) section(u *Update, verb string) error {
	for {
		path, err := p.path()
		if err != nil {
			return err
		}
		c := change{verb: verb}
		switch verb {
		case "SET":
			c.to, err = p.assignment()
		case "ADD", "DELETE":
			c.by, err = p.member(verb)
		default:
			err = p.operator()
		}
		if err != nil {
			return err
		}
		if err := u.root.insert(UpdateExpression, path, c); err != nil {
			return err
		}
		u.Paths = append(u.Paths, path)
		if !p.takeSign(",") {
			return nil
		}
	}
}

// member is the literal of ADD and DELETE.
func (p *parser) member(verb string) (value.Value, error) {
	if err := p.operator(); err != nil {
		return nil, err
	}
	if p.token().kind != tokenValue {
		return nil, p.syntax()
	}
	l, err := p.literal()
	if err != nil {
		return nil, err
	}
	switch l.V.(type) {
	case value.StringSet, value.NumberSet, value.BinarySet:
		return l.V, nil
	case value.Number:
		if verb == "ADD" {
			return l.V, nil
		}
	}
	return nil, p.errorf("Incorrect operand type for operator or function; operator: %s, operand type: %s, typeSet: ALLOWED_FOR_%s_OPERAND", verb, longType(l.V), verb)
}

// longType is the name of a type in some messages about updates.
func longType(v value.Value) string {
	switch v.(type) {
	case value.String:
		return "STRING"
	case value.Number:
		return "NUMBER"
	case value.Binary:
		return "BINARY"
	case value.Bool:
		return "BOOLEAN"
	case value.Null:
		return "NULL"
	case value.List:
		return "LIST"
	case value.Map:
		return "MAP"
	}
	return v.Type()
}

func (p *parser) assignment() (term, error) {
	if err := p.expectSign("="); err != nil {
		return nil, err
	}
	if err := p.operator(); err != nil {
		return nil, err
	}
	return p.value()
}

// value is one term or the sum or difference of two.
func (p *parser) value() (term, error) {
	left, err := p.term()
	if err != nil {
		return nil, err
	}
	t := p.token()
	if !t.sign("+") && !t.sign("-") {
		return left, nil
	}
	if err := p.operator(); err != nil {
		return nil, err
	}
	p.pos++
	right, err := p.term()
	if err != nil {
		return nil, err
	}
	for _, side := range []term{left, right} {
		if l, ok := literalOf(side); ok && l.V.Type() != "N" {
			return nil, p.wrongType(t.text, l)
		}
		if _, ok := side.(listAppend); ok {
			return nil, p.wrongType(t.text, Literal{value.List{}})
		}
	}
	return sum{left, right, t.text == "-"}, nil
}

func literalOf(t term) (Literal, bool) {
	o, ok := t.(operandTerm)
	if !ok {
		return Literal{}, false
	}
	l, ok := o.of.(Literal)
	return l, ok
}

// term is a path, a literal, a call, or a value in parentheses.
func (p *parser) term() (term, error) {
	t := p.token()
	switch {
	case t.kind == tokenValue:
		l, err := p.literal()
		return operandTerm{l}, err
	case t.sign("("):
		return parenthesised(p, p.value)
	case p.isCall():
		return p.termCall()
	}
	path, err := p.path()
	return operandTerm{PathOperand{path}}, err
}

func (p *parser) termCall() (term, error) {
	name := p.take().text
	if _, ok := arity[name]; ok || name == "size" {
		return nil, p.errorf("The function is not allowed in an update expression; function: %s", name)
	}
	if name != "if_not_exists" && name != "list_append" {
		return nil, p.errorf("Invalid function name; function: %s", name)
	}
	if err := p.operator(); err != nil {
		return nil, err
	}
	if err := p.nest(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	args, err := arguments(p, p.term)
	if err != nil {
		return nil, err
	}
	if len(args) != 2 {
		return nil, p.count(name, len(args))
	}
	if name == "if_not_exists" {
		return p.ifNotExists(args)
	}
	for _, arg := range args {
		if l, ok := literalOf(arg); ok && l.V.Type() != "L" {
			return nil, p.wrongType("list_append", l)
		}
	}
	return listAppend{args[0], args[1]}, nil
}

func (p *parser) ifNotExists(args []term) (term, error) {
	o, ok := args[0].(operandTerm)
	if ok {
		if path, ok := o.of.(PathOperand); ok {
			return ifNotExists{path.Path, args[1]}, nil
		}
	}
	return nil, p.errorf("Operator or function requires a document path; operator or function: if_not_exists")
}
