package memdb

import (
	"slices"

	"github.com/monotable/monotable/memdb/internal/expr"
	"github.com/monotable/monotable/memdb/internal/value"
)

// span is the part of an ordered map that a key condition selects.
type span struct {
	partition string // all tree keys begin with it
	low       string // the first tree key that may match
	high      string // the first tree key after those that may match; empty: no end
}

func (s span) contains(treeKey string) bool {
	return treeKey >= s.low && (s.high == "" || treeKey < s.high)
}

// keyTerm is the condition on one key attribute.
type keyTerm struct {
	operator string // = < <= > >= BETWEEN begins_with
	low      value.Value
	high     value.Value // of BETWEEN
}

func unsupported() error { return invalid("Query key condition not supported") }

// keyTerms takes a key condition apart.
func keyTerms(node expr.Node, terms map[string]keyTerm) error {
	name, term := "", keyTerm{}
	ok := false
	switch n := node.(type) {
	case expr.And:
		if err := keyTerms(n.Left, terms); err != nil {
			return err
		}
		return keyTerms(n.Right, terms)
	case expr.Or:
		return invalid("Invalid operator used in KeyConditionExpression: OR")
	case expr.Not:
		return invalid("Invalid operator used in KeyConditionExpression: NOT")
	case expr.In:
		return invalid("Invalid operator used in KeyConditionExpression: IN")
	case expr.Comparison:
		if n.Operator == "<>" {
			return invalid("Invalid operator used in KeyConditionExpression: <>")
		}
		name, term, ok = keyComparison(n)
	case expr.Between:
		low, isLow := n.Low.(expr.Literal)
		high, isHigh := n.High.(expr.Literal)
		name, ok = keyName(n.Of)
		ok = ok && isLow && isHigh
		term = keyTerm{"BETWEEN", low.V, high.V}
	case expr.Call:
		if n.Function != "begins_with" {
			return invalid("Invalid operator used in KeyConditionExpression: %s", n.Function)
		}
		prefix, isLiteral := n.Args[1].(expr.Literal)
		name, ok = keyName(n.Args[0])
		ok = ok && isLiteral
		term = keyTerm{operator: n.Function, low: prefix.V}
	}
	if !ok {
		return invalid("Invalid condition in KeyConditionExpression: a condition compares one key attribute with values")
	}
	if _, twice := terms[name]; twice {
		return invalid("KeyConditionExpressions must only contain one condition per key")
	}
	terms[name] = term
	return nil
}

func keyComparison(n expr.Comparison) (string, keyTerm, bool) {
	operator, left, right := n.Operator, n.Left, n.Right
	if _, ok := left.(expr.Literal); ok {
		left, right = right, left
		if turned, ok := map[string]string{"<": ">", "<=": ">=", ">": "<", ">=": "<="}[operator]; ok {
			operator = turned
		}
	}
	l, ok := right.(expr.Literal)
	name, isName := keyName(left)
	return name, keyTerm{operator: operator, low: l.V}, ok && isName
}

func keyName(o expr.Operand) (string, bool) {
	p, ok := o.(expr.PathOperand)
	if !ok || len(p.Path) != 1 {
		return "", false
	}
	return p.Path[0].Name, true
}

// span turns a key condition into the range of tree keys that match it, and all
// of them match.
func (k keySchema) span(node expr.Node) (span, error) {
	terms := map[string]keyTerm{}
	if err := keyTerms(node, terms); err != nil {
		return span{}, err
	}
	partition := value.Map{}
	for _, a := range k.Hash {
		term, ok := terms[a.Name]
		if !ok {
			return span{}, invalid("Query condition missed key schema element: %s", a.Name)
		}
		if term.operator != "=" {
			return span{}, unsupported()
		}
		partition[a.Name] = term.low
		delete(terms, a.Name)
	}
	if err := checkTerms(k.Hash, partition); err != nil {
		return span{}, err
	}
	if err := checkHashSize(k.Hash, partition); err != nil {
		return span{}, err
	}
	s := span{partition: k.partitionKey(partition)}
	return s, k.narrow(&s, terms)
}

// narrow applies the conditions on range attributes: from the left, equality on
// all but the last of them.
func (k keySchema) narrow(s *span, terms map[string]keyTerm) error {
	prefix, size := []byte(s.partition), 0
	s.low, s.high = s.partition, value.PrefixEnd(s.partition)
	for i, a := range k.Range {
		term, ok := terms[a.Name]
		if !ok {
			break
		}
		delete(terms, a.Name)
		if err := term.check(a); err != nil {
			return err
		}
		low, high := size+value.Size(term.low), 0
		if term.operator == "BETWEEN" {
			high = size + value.Size(term.high)
		}
		if err := checkRangeSize(max(low, high)); err != nil {
			return err
		}
		if term.operator == "=" {
			prefix, size = value.AppendOrdered(prefix, term.low), low
			s.low, s.high = string(prefix), value.PrefixEnd(string(prefix))
			continue
		}
		term.bounds(s, prefix)
		if i+1 < len(k.Range) && len(terms) > 0 {
			return invalid("Invalid KeyConditionExpression: only the last condition on the range attributes may be other than equality")
		}
		break
	}
	if len(terms) == 0 {
		return nil
	}
	// What is left is no key attribute, or one that another must precede.
	if len(k.Range) > 0 {
		for _, a := range k.Range {
			if _, ok := terms[a.Name]; !ok {
				return invalid("Query condition missed key schema element: %s", a.Name)
			}
		}
	}
	return unsupported()
}

func (t keyTerm) bounds(s *span, prefix []byte) {
	at := string(value.AppendOrdered(slices.Clone(prefix), t.low))
	switch t.operator {
	case "<":
		s.high = at
	case "<=":
		s.high = value.PrefixEnd(at)
	case ">":
		s.low = value.PrefixEnd(at)
	case ">=":
		s.low = at
	case "BETWEEN":
		s.low = at
		s.high = value.PrefixEnd(string(value.AppendOrdered(slices.Clone(prefix), t.high)))
	case "begins_with":
		text := ""
		switch v := t.low.(type) {
		case value.String:
			text = string(v)
		case value.Binary:
			text = string(v)
		}
		s.low = string(value.AppendPrefix(slices.Clone(prefix), text))
		s.high = value.PrefixEnd(s.low)
	}
}

func (t keyTerm) check(a keyAttribute) error {
	values := value.Map{a.Name: t.low}
	if err := checkTerms([]keyAttribute{a}, values); err != nil {
		return err
	}
	if t.operator == "begins_with" && a.Type == "N" {
		return unsupported()
	}
	if t.operator == "BETWEEN" {
		return checkTerms([]keyAttribute{a}, value.Map{a.Name: t.high})
	}
	return nil
}

func checkTerms(attributes []keyAttribute, values value.Map) error {
	for _, a := range attributes {
		v := values[a.Name]
		if v.Type() != a.Type {
			return invalidParameter("Condition parameter type does not match schema type")
		}
		if kind := emptyKind(v); kind != "" {
			return invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty %s value. Key: %s", kind, a.Name)
		}
	}
	return nil
}
