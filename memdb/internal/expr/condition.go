package expr

import (
	"slices"

	"github.com/monotable/monotable/memdb/internal/value"
)

// Condition is a parsed condition, filter or key condition.
type Condition struct {
	Root  Node
	Paths []Path // all paths in it
}

// Node is a part of a condition that is true or false for an item: [And], [Or],
// [Not], [Comparison], [Between], [In] or [Call].
type Node interface {
	// Match evaluates the node. Nothing that an item holds is an error.
	Match(item value.Map) bool
}

type (
	// And is true if both parts are.
	And struct{ Left, Right Node }
	// Or is true if one of its parts is.
	Or struct{ Left, Right Node }
	// Not turns its part round.
	Not struct{ Of Node }
	// Comparison is one of = <> < <= > >=.
	Comparison struct {
		Operator    string
		Left, Right Operand
	}
	// Between includes both bounds.
	Between struct{ Of, Low, High Operand }
	// In is true if the operand equals one of the others.
	In struct {
		Of   Operand
		List []Operand
	}
	// Call is a function with a truth value; Args has one or two elements.
	Call struct {
		Function string
		Args     []Operand
	}
)

// Condition parses a condition, filter or key condition.
func (p *Params) Condition(kind Kind, source string) (*Condition, error) {
	s, err := p.parser(kind, source)
	if err != nil {
		return nil, err
	}
	root, err := s.or()
	if err != nil {
		return nil, err
	}
	if err := s.expectEnd(); err != nil {
		return nil, err
	}
	return &Condition{Root: root, Paths: s.paths}, nil
}

func (p *parser) or() (Node, error) {
	left, err := p.and()
	for err == nil && p.takeWord("OR") {
		var right Node
		if err = p.operator(); err != nil {
			break
		}
		if right, err = p.and(); err == nil {
			left = Or{left, right}
		}
	}
	return left, err
}

func (p *parser) and() (Node, error) {
	left, err := p.not()
	for err == nil && p.takeWord("AND") {
		var right Node
		if err = p.operator(); err != nil {
			break
		}
		if right, err = p.not(); err == nil {
			left = And{left, right}
		}
	}
	return left, err
}

func (p *parser) not() (Node, error) {
	if !p.takeWord("NOT") {
		return p.primary()
	}
	if err := p.operator(); err != nil {
		return nil, err
	}
	if err := p.nest(); err != nil {
		return nil, err
	}
	defer func() { p.depth-- }()
	of, err := p.not()
	return Not{of}, err
}

// primary is a condition in parentheses, a call with a truth value or a comparison.
func (p *parser) primary() (Node, error) {
	if p.token().sign("(") && !p.operandInParentheses() {
		return parenthesised(p, p.or)
	}
	if p.isCall() && p.token().text != "size" {
		call, err := p.call()
		if err != nil {
			return nil, err
		}
		if t := p.token(); t.kind == tokenSign && comparator(t.text) || t.is("IN") || t.is("BETWEEN") {
			return nil, p.notThisWay(call.Function)
		}
		return call, nil
	}
	return p.comparison()
}

// operandInParentheses tells (a) = :v from (a = :v): what follows the closing
// parenthesis decides.
func (p *parser) operandInParentheses() bool {
	end := p.closing(p.pos)
	if end < 0 || end+1 >= len(p.tokens) {
		return false
	}
	t := p.tokens[end+1]
	return t.kind == tokenSign && comparator(t.text) || t.is("IN") || t.is("BETWEEN")
}

func comparator(s string) bool {
	return slices.Contains([]string{"=", "<>", "<", "<=", ">", ">="}, s)
}

func (p *parser) notThisWay(function string) error {
	return p.errorf("The function is not allowed to be used this way in an expression; function: %s", function)
}

func (p *parser) comparison() (Node, error) {
	left, err := p.operand()
	if err != nil {
		return nil, err
	}
	t := p.token()
	switch {
	case t.kind == tokenSign && comparator(t.text):
		p.pos++
		right, err := p.operand()
		if err != nil {
			return nil, err
		}
		return p.checkComparison(Comparison{t.text, left, right})
	case t.is("BETWEEN"):
		p.pos++
		return p.between(left)
	case t.is("IN"):
		p.pos++
		return p.in(left)
	}
	if _, ok := left.(Size); ok {
		return nil, p.notThisWay("size")
	}
	return nil, p.syntax()
}

func (p *parser) checkComparison(c Comparison) (Node, error) {
	if err := p.operator(); err != nil {
		return nil, err
	}
	if samePath(c.Left, c.Right) {
		return nil, p.same(c.Operator, c.Left)
	}
	if c.Operator != "=" && c.Operator != "<>" {
		for _, o := range []Operand{c.Left, c.Right} {
			if err := p.wantOrdered(c.Operator, o); err != nil {
				return nil, err
			}
		}
	}
	return c, nil
}

func (p *parser) same(operator string, o Operand) error {
	return p.errorf("The first operand must be distinct from the remaining operands for this operator or function; operator: %s, first operand: %s",
		operator, o.(PathOperand).Path)
}

// wantOrdered refuses literals that have no order; a stored value without one
// just does not match.
func (p *parser) wantOrdered(operator string, o Operand) error {
	l, ok := o.(Literal)
	if !ok {
		return nil
	}
	switch l.V.(type) {
	case value.String, value.Number, value.Binary:
		return nil
	}
	return p.wrongType(operator, l)
}

func (p *parser) wrongType(operator string, l Literal) error {
	return p.errorf("Incorrect operand type for operator or function; operator or function: %s, operand type: %s", operator, l.V.Type())
}

func (p *parser) between(of Operand) (Node, error) {
	if err := p.operator(); err != nil {
		return nil, err
	}
	low, err := p.operand()
	if err != nil {
		return nil, err
	}
	if !p.takeWord("AND") {
		return nil, p.syntax()
	}
	high, err := p.operand()
	if err != nil {
		return nil, err
	}
	if samePath(of, low) || samePath(of, high) {
		return nil, p.same("BETWEEN", of)
	}
	for _, o := range []Operand{of, low, high} {
		if err := p.wantOrdered("BETWEEN", o); err != nil {
			return nil, err
		}
	}
	l, ok := low.(Literal)
	h, ok2 := high.(Literal)
	if ok && ok2 {
		c, comparable := value.Compare(l.V, h.V)
		if !comparable {
			return nil, p.errorf("The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: %s, upper bound operand: AttributeValue: %s", show(l.V), show(h.V))
		}
		if c > 0 {
			return nil, p.errorf("The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: %s, upper bound operand: AttributeValue: %s", show(l.V), show(h.V))
		}
	}
	return Between{of, low, high}, nil
}

// show is the form of a scalar in messages.
func show(v value.Value) string {
	text := ""
	switch v := v.(type) {
	case value.String:
		text = string(v)
	case value.Number:
		text = v.String()
	case value.Binary:
		text = string(v)
	}
	return "{" + v.Type() + ":" + text + "}"
}

func (p *parser) in(of Operand) (Node, error) {
	if err := p.operator(); err != nil {
		return nil, err
	}
	list, err := arguments(p, p.operand)
	if err != nil {
		return nil, err
	}
	if len(list) > maxIn {
		return nil, p.errorf("The IN operator is provided with too many operands; number of operands: %d", len(list))
	}
	for _, o := range list {
		if samePath(of, o) {
			return nil, p.same("IN", of)
		}
	}
	return In{of, list}, nil
}

// operand is a path, a literal or a call of size.
func (p *parser) operand() (Operand, error) {
	t := p.token()
	switch {
	case t.kind == tokenValue:
		return p.literal()
	case t.sign("("):
		if err := p.nest(); err != nil {
			return nil, err
		}
		defer func() { p.depth-- }()
		open := p.pos
		p.pos++
		o, err := p.operand()
		if err != nil {
			return nil, err
		}
		if err := p.expectSign(")"); err != nil {
			return nil, err
		}
		if p.tokens[open+1].sign("(") {
			return nil, p.errorf("The expression has redundant parentheses;")
		}
		return o, nil
	case p.isCall():
		if t.text != "size" {
			call, err := p.call()
			if err != nil {
				return nil, err
			}
			return nil, p.notThisWay(call.Function)
		}
		return p.size()
	}
	path, err := p.path()
	return PathOperand{path}, err
}

func (p *parser) size() (Operand, error) {
	p.pos++
	if err := p.operator(); err != nil {
		return nil, err
	}
	args, err := arguments(p, p.operand)
	if err != nil {
		return nil, err
	}
	if len(args) != 1 {
		return nil, p.count("size", len(args))
	}
	switch a := args[0].(type) {
	case Size:
		return nil, p.notThisWay("size")
	case Literal:
		switch a.V.(type) {
		case value.Number, value.Bool, value.Null:
			return nil, p.wrongType("size", a)
		}
	}
	return Size{args[0]}, nil
}

func (p *parser) count(function string, n int) error {
	return p.errorf("Incorrect number of operands for operator or function; operator or function: %s, number of operands: %d", function, n)
}
