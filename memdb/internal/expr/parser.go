package expr

import (
	"strconv"

	"github.com/monotable/monotable/memdb/internal/value"
)

// parser is what all kinds of expression share: tokens, paths, operands.
type parser struct {
	params    *Params
	kind      Kind
	source    string
	tokens    []token
	pos       int
	operators int
	depth     int
	paths     []Path
}

func (p *Params) parser(kind Kind, source string) (*parser, error) {
	s := &parser{params: p, kind: kind, source: source}
	if len(source) > maxLength {
		return nil, s.errorf("Expression size has exceeded the maximum allowed size; expression size: %d", len(source))
	}
	s.tokens = lex(source)
	if len(s.tokens) == 1 {
		return nil, s.errorf("The expression can not be empty;")
	}
	return s, nil
}

func (p *parser) errorf(format string, args ...any) error {
	return errorf("Invalid "+string(p.kind)+": "+format, args...)
}

func (p *parser) token() token { return p.tokens[p.pos] }

// ahead is a token further on, without taking it.
func (p *parser) ahead(n int) token { return p.tokens[min(p.pos+n, len(p.tokens)-1)] }

func (p *parser) take() token {
	t := p.token()
	if t.kind != tokenEnd {
		p.pos++
	}
	return t
}

func (p *parser) takeSign(s string) bool {
	if p.token().sign(s) {
		p.pos++
		return true
	}
	return false
}

func (p *parser) takeWord(s string) bool {
	if p.token().is(s) {
		p.pos++
		return true
	}
	return false
}

func (p *parser) expectSign(s string) error {
	if !p.takeSign(s) {
		return p.syntax()
	}
	return nil
}

func (p *parser) expectEnd() error {
	if p.token().kind != tokenEnd {
		return p.syntax()
	}
	return nil
}

// syntax refuses the token at the current position.
func (p *parser) syntax() error {
	t := p.token()
	start, end := t.pos, min(len(p.source), t.pos+len(t.text))
	if p.pos > 0 {
		start = p.tokens[p.pos-1].pos
	}
	if p.pos+1 < len(p.tokens) {
		n := p.tokens[p.pos+1]
		end = min(len(p.source), n.pos+len(n.text))
	}
	if t.kind == tokenEnd {
		end = len(p.source)
	}
	return p.errorf("Syntax error; token: %q, near: %q", t.text, p.source[start:end])
}

// operator counts one against the limit.
func (p *parser) operator() error {
	p.operators++
	if p.operators > maxOperators {
		return p.errorf("The expression contains too many operators; operator count: %d", p.operators)
	}
	return nil
}

// nest guards the recursion; the limit on length keeps sound expressions far below.
func (p *parser) nest() error {
	p.depth++
	if p.depth > maxOperators {
		return p.errorf("The expression contains too many operators; operator count: %d", p.depth)
	}
	return nil
}

// parenthesised reads what inner reads, between two parentheses. ((x)) is refused:
// a pair directly inside a pair says nothing.
func parenthesised[T any](p *parser, inner func() (T, error)) (T, error) {
	var zero T
	if err := p.nest(); err != nil {
		return zero, err
	}
	defer func() { p.depth-- }()
	open := p.pos
	p.pos++
	v, err := inner()
	if err != nil {
		return zero, err
	}
	if err := p.expectSign(")"); err != nil {
		return zero, err
	}
	if p.tokens[open+1].sign("(") && p.closing(open+1) == p.pos-2 {
		return zero, p.errorf("The expression has redundant parentheses;")
	}
	return v, nil
}

// arguments reads a list in parentheses.
func arguments[T any](p *parser, one func() (T, error)) ([]T, error) {
	if err := p.expectSign("("); err != nil {
		return nil, err
	}
	var list []T
	for {
		v, err := one()
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		if p.takeSign(")") {
			return list, nil
		}
		if err := p.expectSign(","); err != nil {
			return nil, err
		}
	}
}

// closing is the position of the parenthesis that closes the one at open.
func (p *parser) closing(open int) int {
	depth := 0
	for i := open; i < len(p.tokens); i++ {
		switch {
		case p.tokens[i].sign("("):
			depth++
		case p.tokens[i].sign(")"):
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

func (p *parser) name() (string, error) {
	t := p.token()
	switch t.kind {
	case tokenName:
		name, ok := p.params.names[t.text]
		if !ok {
			return "", p.errorf("An expression attribute name used in the document path is not defined; attribute name: %s", t.text)
		}
		p.params.usedNames[t.text] = true
		p.pos++
		return name, nil
	case tokenWord:
		if Reserved(t.text) {
			return "", p.errorf("Attribute name is a reserved keyword; reserved keyword: %s", t.text)
		}
		p.pos++
		return t.text, nil
	}
	return "", p.syntax()
}

func (p *parser) path() (Path, error) {
	name, err := p.name()
	if err != nil {
		return nil, err
	}
	path := Path{{Name: name}}
	for {
		switch {
		case p.takeSign("."):
			if name, err = p.name(); err != nil {
				return nil, err
			}
			path = append(path, Element{Name: name})
		case p.takeSign("["):
			t := p.token()
			if t.kind != tokenNumber {
				return nil, p.syntax()
			}
			index, err := strconv.Atoi(t.text)
			if err != nil || len(t.text) > 1 && t.text[0] == '0' {
				return nil, p.syntax()
			}
			p.pos++
			if err := p.expectSign("]"); err != nil {
				return nil, err
			}
			path = append(path, Element{Index: index, IsIndex: true})
		default:
			if len(path) > value.MaxDepth {
				return nil, p.errorf("The document path has too many nesting elements; nesting levels: %d", len(path))
			}
			p.paths = append(p.paths, path)
			return path, nil
		}
	}
}

func (p *parser) literal() (Literal, error) {
	t := p.token()
	v, ok := p.params.values[t.text]
	if !ok {
		return Literal{}, p.errorf("An expression attribute value used in expression is not defined; attribute value: %s", t.text)
	}
	p.params.usedValues[t.text] = true
	p.pos++
	return Literal{v}, nil
}

// isCall tells whether a function call begins here.
func (p *parser) isCall() bool {
	return p.token().kind == tokenWord && p.ahead(1).sign("(")
}

// Operand is a [Literal], a [PathOperand] or a [Size].
type Operand interface {
	// Value is what the operand stands for in an item, nil for nothing.
	Value(item value.Map) value.Value
}

// Literal is a value from the request.
type Literal struct{ V value.Value }

// PathOperand is an attribute of the item.
type PathOperand struct{ Path Path }

// Size is the size of an operand.
type Size struct{ Of Operand }

// Value is the literal itself.
func (l Literal) Value(value.Map) value.Value { return l.V }

// Value is what the path leads to.
func (o PathOperand) Value(item value.Map) value.Value { return o.Path.find(item) }

func samePath(a, b Operand) bool {
	x, ok := a.(PathOperand)
	y, ok2 := b.(PathOperand)
	return ok && ok2 && x.Path.equal(y.Path)
}
