package monotable

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable/internal/codec"
	"github.com/monotable/monotable/internal/keytmpl"
)

// exprBuilder compiles the expressions of one request.
type exprBuilder struct {
	m *model

	conds   []term
	filters []term
	key     []term
	project []term
	changes []term
	changed []path // what changes touch
	written int    // bytes that the update stores
}

func newExprBuilder(m *model) *exprBuilder { return &exprBuilder{m: m} }

func (b *exprBuilder) name(p path) term { return term{op: opName, path: p} }

func (b *exprBuilder) top(name string) term { return b.name(path{nameElement(name)}) }

// where adds a condition that must hold.
func (b *exprBuilder) where(c term) {
	b.conds = append(b.conds, c)
}

// filter adds a filter that must hold.
func (b *exprBuilder) filter(c term) {
	b.filters = append(b.filters, c)
}

func (b *exprBuilder) compile(n *condNode) (term, error) {
	var none term
	if n == nil {
		return none, invalidf("%v", errNilCond)
	}
	switch n.op {
	case opUnchecked:
		if !n.raw.IsSet() {
			return none, invalidf("UncheckedCond is empty")
		}
		return unchecked(*n.raw), nil
	case opAll, opAny, opNot:
		return b.compileGroup(n)
	case 0:
		return none, invalidf("a condition was not made from an Attr")
	}
	if n.loc.err != nil {
		return none, invalidf("condition: %v", n.loc.err)
	}
	if len(n.loc.path) == 0 {
		return none, invalidf("a condition was not made from an Attr")
	}
	if n.other != nil && n.other.err != nil {
		return none, invalidf("condition on %s: %v", n.loc.path, n.other.err)
	}
	return b.compileComparison(n)
}

func (b *exprBuilder) compileGroup(n *condNode) (term, error) {
	var none term
	if len(n.kids) == 0 {
		return none, invalidf("All or Any without conditions")
	}
	kids := make([]term, len(n.kids))
	for i, kid := range n.kids {
		var err error
		if kids[i], err = b.compile(kid); err != nil {
			return none, err
		}
	}
	if len(kids) == 1 && n.op != opNot {
		return kids[0], nil
	}
	return of(n.op, kids...), nil
}

func (b *exprBuilder) compileComparison(n *condNode) (term, error) {
	var none term
	args := make([]term, 1, len(n.values)+2)
	if args[0] = b.name(n.loc.path); n.size {
		args[0] = args[0].Size()
	}
	if n.other != nil {
		if n.other.path.equal(n.loc.path) {
			return none, invalidf("condition compares %s with itself", n.loc.path)
		}
		if err := b.m.sameForm(n.loc.path, n.other.path); err != nil {
			return none, invalidf("condition on %s: %v", n.loc.path, err)
		}
		args = append(args, b.name(n.other.path))
	}
	operands, err := b.operands(n)
	if err != nil {
		return none, err
	}
	if layout := b.m.layoutAt(n.loc.path); layout != "" && n.op.orders() && !keytmpl.Sorts(layout) {
		return none, invalidf("condition on %s: times in its layout do not sort", n.loc.path)
	}
	for _, av := range operands {
		if n.op.orders() && !isScalar(av) {
			return none, invalidf("condition on %s: only text, numbers and binary have an order", n.loc.path)
		}
		args = append(args, value(av))
	}
	switch n.op {
	case opBetween:
		if compareScalars(operands[0], operands[1]) > 0 {
			return none, invalidf("condition on %s: Between with low above high", n.loc.path)
		}
	case opIn:
		if len(operands) == 0 || len(operands) > maxIn {
			return none, invalidf("condition on %s: In takes 1 to %d values, not %d", n.loc.path, maxIn, len(operands))
		}
	case opPrefix, opContains:
		if s, ok := operands[0].(*types.AttributeValueMemberS); ok && s.Value == "" {
			return none, invalidf("condition on %s: empty text", n.loc.path)
		}
	case opType:
		if !slices.Contains(attributeTypes, n.attrType) {
			return none, invalidf("condition on %s: %q is no DynamoDB type", n.loc.path, n.attrType)
		}
		args = append(args, text(string(n.attrType)))
	}
	return of(n.op, args...), nil
}

// operands encodes the values of a condition as they are stored.
func (b *exprBuilder) operands(n *condNode) ([]types.AttributeValue, error) {
	if len(n.values) == 0 {
		return nil, nil
	}
	out := make([]types.AttributeValue, len(n.values))
	for i, v := range n.values {
		var err error
		switch {
		case n.size:
			out[i] = &types.AttributeValueMemberN{Value: strconv.Itoa(v.(int))}
			continue
		case n.op == opContains || n.op == opPrefix:
			out[i], err = b.m.encodeMember(n.loc.path, v)
		default:
			whole := n.op == opEq || n.op == opNe || n.op == opIn
			out[i], err = b.m.encodeOperand(n.loc.path, v, whole)
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// encodeOperand encodes a value that an attribute is compared with. Whole values are transformed as on writes.
func (m *model) encodeOperand(p path, v any, whole bool) (types.AttributeValue, error) {
	if whole {
		v = m.transformed(p, v)
	}
	if isZero(v) && m.omits(p) {
		return nil, invalidf("%s: its zero value is never stored; use NotExists", p)
	}
	av, err := m.encodeAt(p, v)
	if err != nil {
		return nil, err
	}
	if inner, ok := av.(*types.AttributeValueMemberM); ok && whole {
		for _, a := range m.hiddenZero(p, v) {
			removeAt(inner.Value, a.path[len(p):]) // as in items
		}
	}
	if av == nil {
		return nil, invalidf("%s: nil and empty sets are never stored; use NotExists", p)
	}
	return av, nil
}

// encodeAt encodes a Go value as it is stored at a path; nil when it is not stored.
func (m *model) encodeAt(p path, v any) (types.AttributeValue, error) {
	return m.encodeValueAt(p, reflect.ValueOf(v))
}

func (m *model) encodeValueAt(p path, rv reflect.Value) (types.AttributeValue, error) {
	c, err := valueAt(m.plan, p)
	if err != nil {
		return nil, invalidf("%v", err)
	}
	if !rv.IsValid() || rv.Kind() == reflect.Interface && rv.IsNil() {
		return nil, nil
	}
	for c.Type != rv.Type() && c.Type.Kind() == reflect.Pointer {
		c = c.Elem // a handle made by Elem
	}
	if c.Type != rv.Type() && c.Type.Kind() != reflect.Interface {
		return nil, invalidf("%s is stored as %s, not as %s", p, c.Type, rv.Type())
	}
	if c.Type.Kind() == reflect.Interface {
		boxed := reflect.New(c.Type).Elem()
		boxed.Set(rv)
		rv = boxed
	}
	av, err := c.Encode(rv)
	if inner, ok := errors.AsType[*codec.Error](err); ok {
		return nil, invalidf("%s: %v", joinPath(p.String(), inner.Path), inner.Err)
	}
	return av, err
}

// joinPath adds what lies below a path to it.
func joinPath(p, below string) string {
	if below == "" || below[0] == '[' {
		return p + below
	}
	return p + "." + below
}

// encodeMember encodes a part of an attribute: a member of a set, an element of a list, a piece of a text.
func (m *model) encodeMember(p path, v any) (types.AttributeValue, error) {
	c, err := valueAt(m.plan, p)
	if err != nil {
		return nil, invalidf("%v", err)
	}
	if c = c.Deref(); c.Elem != nil && (c.Elem.Type == reflect.TypeOf(v) || c.Elem.Type.Kind() == reflect.Interface) {
		c = c.Elem
		member := reflect.New(c.Type).Elem()
		if v != nil {
			member.Set(reflect.ValueOf(v))
		}
		av, err := c.Encode(member)
		if err != nil || av == nil {
			return nil, invalidf("%s: %v", p, errors.Join(err, errors.New("cannot be contained")))
		}
		return av, nil
	}
	rv := reflect.ValueOf(v)
	if rv.Kind() != reflect.String {
		return nil, invalidf("%s: cannot contain a %s", p, rv.Type())
	}
	av := &types.AttributeValueMemberS{Value: rv.String()}
	if err := codec.Check(av, p.String()); err != nil {
		return nil, invalidf("%v", err)
	}
	return av, nil
}

// touch notes that the update writes a path, and refuses two changes that overlap.
func (b *exprBuilder) touch(p path) error {
	for _, other := range b.changed {
		if p.equal(other) {
			return invalidf("%s is changed twice: change each part of an item once", p)
		}
		if p.under(other) || other.under(p) {
			return invalidf("%s and %s overlap: change each part of an item once", other, p)
		}
	}
	b.changed = append(b.changed, p)
	return nil
}

func (b *exprBuilder) set(p path, operand term) error { return b.modify(opSet, p, operand) }

func (b *exprBuilder) remove(p path) error { return b.note(p, of(opRemove, b.name(p))) }

func (b *exprBuilder) modify(op condOp, p path, operand term) error {
	return b.note(p, of(op, b.name(p), operand))
}

func (b *exprBuilder) note(p path, change term) error {
	b.changes = append(b.changes, change)
	return b.touch(p)
}

// setOrRemove stores av, or removes the attribute when there is none.
func (b *exprBuilder) setOrRemove(p path, av types.AttributeValue) error {
	if av == nil {
		return b.remove(p)
	}
	return b.set(p, b.stored(av))
}

// stored is a value that the update stores.
func (b *exprBuilder) stored(av types.AttributeValue) term {
	b.written += codec.Size(attributeMap{"": av})
	return value(av)
}

var attributeTypes = []expression.DynamoDBAttributeType{
	expression.String, expression.StringSet, expression.Number, expression.NumberSet, expression.Binary,
	expression.BinarySet, expression.Boolean, expression.Null, expression.List, expression.Map,
}

// orders says that the operator compares by order.
func (op condOp) orders() bool { return op >= opLt && op <= opBetween }

func isScalar(av types.AttributeValue) bool {
	switch av.(type) {
	case *types.AttributeValueMemberS, *types.AttributeValueMemberN, *types.AttributeValueMemberB:
		return true
	}
	return false
}

func isZero(v any) bool {
	rv := reflect.ValueOf(v)
	return !rv.IsValid() || rv.IsZero()
}

// isAbsent says that a Go value has no stored form at all.
func isAbsent(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Invalid:
		return true
	case reflect.Pointer:
		return v.IsNil() || isAbsent(v.Elem())
	case reflect.Slice, reflect.Map, reflect.Interface:
		return v.IsNil()
	}
	return false
}

// transformed is a copy of a whole-value operand with the transforms of the attribute, and of those in it, run as on writes.
func (m *model) transformed(p path, v any) any {
	if value, err := valueAt(m.plan, p); err == nil && value.Type == reflect.TypeOf(v) && !slices.ContainsFunc(m.ruled, func(a *attribute) bool {
		return a.path.under(p) && a.has(ruleTransform)
	}) {
		return v
	}
	chain, ok := fieldChain(m.plan, p)
	if !ok || isAbsent(reflect.ValueOf(v)) {
		return v
	}
	probe := reflect.New(m.typ).Elem()
	field := place(probe, chain)
	if !assignable(field, v) {
		return v // encoding says what is wrong
	}
	assign(field, copyOf(v))
	for _, a := range m.ruled {
		if a.path.under(p) {
			transformAt(a, probe)
		}
	}
	return field.Interface()
}

// sameForm refuses to compare or copy attributes that one Go type stores in two forms, such as a time as text and as a number.
func (m *model) sameForm(p, q path) error {
	a, errA := valueAt(m.plan, p)
	b, errB := valueAt(m.plan, q)
	if err := errors.Join(errA, errB); err != nil {
		return err
	}
	differ := fmt.Errorf("%s is stored in another form than %s", q, p)
	for a, b = a.Deref(), b.Deref(); ; a, b = a.Elem.Deref(), b.Elem.Deref() {
		if a.Kind != b.Kind {
			return differ
		}
		if a.Elem == nil || b.Elem == nil {
			break
		}
	}
	if m.layoutAt(p) != m.layoutAt(q) {
		return differ
	}
	return nil
}

// layoutAt is the time layout of an attribute, if it has one of its own.
func (m *model) layoutAt(p path) string {
	if layout := m.attribute(p).rule(ruleTimeLayout); layout != nil {
		return layout.value.(string)
	}
	return ""
}

// hiddenZero finds hidden attributes inside a value that are zero in it.
func (m *model) hiddenZero(p path, v any) []*attribute {
	below := func(a *attribute) bool { return len(a.path) > len(p) && a.path.under(p) && a.has(ruleHidden) }
	if !slices.ContainsFunc(m.ruled, below) {
		return nil
	}
	var found []*attribute
	probe := reflect.New(m.typ).Elem()
	chain, ok := fieldChain(m.plan, p)
	if !ok || !assignable(place(probe, chain), v) {
		return nil
	}
	assign(place(probe, chain), v)
	for _, a := range m.ruled {
		if below(a) {
			if inner, ok := get(probe, a.chain); ok && inner.IsZero() {
				found = append(found, a)
			}
		}
	}
	return found
}

// omits says that the zero value at a path is left out of the item.
func (m *model) omits(p path) bool {
	if a := m.attribute(p); a != nil {
		return a.omits()
	}
	chain, ok := fieldChain(m.plan, p)
	return ok && chain[len(chain)-1].OmitEmpty
}

// omits says that the attribute's zero value is left out of the item.
func (a *attribute) omits() bool {
	return a.chain[len(a.chain)-1].OmitEmpty || a.has(ruleExpiresAt) || a.has(ruleHidden)
}

// parents are the paths above nested changes that must be stored for the service to accept them.
func parents(changed []path) []path {
	var all []path
	for _, p := range changed {
		if len(p) == 1 {
			continue
		}
		parent := p[:len(p)-1]
		if !slices.ContainsFunc(all, parent.equal) {
			all = append(all, parent)
		}
	}
	return all
}

// compareScalars orders two keys or operands of one type: text and binary by bytes, numbers by value. Others are equal.
func compareScalars(a, b types.AttributeValue) int {
	switch a := a.(type) {
	case *types.AttributeValueMemberS:
		if b, ok := b.(*types.AttributeValueMemberS); ok {
			return strings.Compare(a.Value, b.Value)
		}
	case *types.AttributeValueMemberB:
		if b, ok := b.(*types.AttributeValueMemberB); ok {
			return bytes.Compare(a.Value, b.Value)
		}
	case *types.AttributeValueMemberN:
		if b, ok := b.(*types.AttributeValueMemberN); ok {
			x, okX := new(big.Rat).SetString(a.Value)
			y, okY := new(big.Rat).SetString(b.Value)
			if okX && okY {
				return x.Cmp(y)
			}
		}
	}
	return 0
}
