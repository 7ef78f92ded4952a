package monotable

import (
	"regexp"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// DynamoDB's limits on expressions, checked before sending.
const (
	maxExpression = 4096 // bytes
	maxOperators  = 300
	maxIn         = 100
)

// sdkBuilder translates terms for the SDK's builder. Names go to it as plain tokens and get their real spelling afterwards, so that no
// name, however odd, is read as syntax.
type sdkBuilder struct {
	names  []string // as the shape numbers them
	values []types.AttributeValue
	used   int // of values: terms are translated in the order of the shape
}

// tokenPrefix cannot begin a name in an unchecked condition that a person wrote.
const tokenPrefix = "\x00monotable\x00"

func token(i int) string { return tokenPrefix + strconv.Itoa(i) }

// build makes the text of the expressions with these values, and with tokens for names.
func (all *expressions) build(names []string, values []types.AttributeValue) (built, error) {
	t := &sdkBuilder{names: names, values: values}
	sdk := expression.NewBuilder()
	if len(all.conds) > 0 {
		sdk = sdk.WithCondition(t.condition(allOf(all.conds)))
	}
	if len(all.filters) > 0 {
		sdk = sdk.WithFilter(t.condition(allOf(all.filters)))
	}
	if len(all.key) > 0 {
		sdk = sdk.WithKeyCondition(t.keyCondition(all.key))
	}
	if len(all.project) > 0 {
		var list expression.ProjectionBuilder
		for _, name := range all.project {
			list = list.AddNames(t.name(name.path))
		}
		sdk = sdk.WithProjection(list)
	}
	if len(all.changes) > 0 {
		sdk = sdk.WithUpdate(t.update(all.changes))
	}
	expr, err := sdk.Build()
	if err != nil {
		return built{}, &invalidError{text: "expression: " + err.Error()}
	}
	out := built{expr.Condition(), expr.Filter(), expr.KeyCondition(), expr.Projection(), expr.Update(), expr.Names(), expr.Values()}
	for _, s := range []*string{out.condition, out.filter, out.key, out.projection, out.update} {
		if s != nil && len(*s) > maxExpression {
			return built{}, invalidf("an expression of %d bytes; DynamoDB takes %d", len(*s), maxExpression)
		}
		if s != nil && s != out.update && operatorsIn(*s) > maxOperators {
			return built{}, invalidf("%d operators in an expression; DynamoDB takes %d", operatorsIn(*s), maxOperators)
		}
	}
	return out, nil
}

// operators are what DynamoDB counts in a condition. Names and values are placeholders by then.
var operators = regexp.MustCompile(`<>|<=|>=|[=<>]|\b(?:AND|OR|NOT|IN)\b|\b(?:attribute_exists|attribute_not_exists|attribute_type|begins_with|contains|size)\b`)

// operatorsIn counts. The AND of a BETWEEN stands for the BETWEEN. A short text cannot hold too many.
func operatorsIn(s string) int {
	if len(s) < 2*maxOperators {
		return 0
	}
	return len(operators.FindAllStringIndex(s, -1))
}

func (t *sdkBuilder) name(p path) expression.NameBuilder {
	var name expression.NameBuilder
	word := ""
	flush := func() {
		if word != "" {
			name = name.AppendName(expression.NameNoDotSplit(word))
		}
	}
	for _, e := range p {
		if e.name == "" {
			word += "[" + strconv.Itoa(e.index) + "]"
			continue
		}
		flush()
		word = t.token(e.name)
	}
	flush()
	return name
}

func (t *sdkBuilder) token(name string) string { return token(slices.Index(t.names, name)) }

func (t *sdkBuilder) value() types.AttributeValue {
	t.used++
	return t.values[t.used-1]
}

func (t *sdkBuilder) operand(x term) expression.OperandBuilder {
	switch x.op {
	case opName:
		return t.name(x.path)
	case opSize:
		return t.name(x.args[0].path).Size()
	case opUnchecked:
		return x.raw.(expression.OperandBuilder)
	case opIfNotExists:
		return t.name(x.args[0].path).IfNotExists(t.operand(x.args[1]))
	case opPlus:
		left := t.operand(x.args[0])
		return expression.Plus(left, t.operand(x.args[1]))
	case opListAppend:
		left := t.operand(x.args[0])
		return expression.ListAppend(left, t.operand(x.args[1]))
	}
	return expression.Value(t.value())
}

func (t *sdkBuilder) operands(all []term) []expression.OperandBuilder {
	out := make([]expression.OperandBuilder, len(all))
	for i, x := range all {
		out[i] = t.operand(x)
	}
	return out
}

func (t *sdkBuilder) condition(x term) expression.ConditionBuilder {
	switch x.op {
	case opUnchecked:
		return x.raw.(expression.ConditionBuilder)
	case opAll, opAny, opNot:
		return t.group(x)
	case opExists:
		return t.name(x.args[0].path).AttributeExists()
	case opNotExists:
		return t.name(x.args[0].path).AttributeNotExists()
	case opContains:
		return t.name(x.args[0].path).Contains(t.value())
	case opPrefix:
		return t.name(x.args[0].path).BeginsWith(t.text())
	case opType:
		return t.name(x.args[0].path).AttributeType(expression.DynamoDBAttributeType(t.text()))
	}
	args := t.operands(x.args)
	switch x.op {
	case opEq:
		return expression.Equal(args[0], args[1])
	case opNe:
		return expression.NotEqual(args[0], args[1])
	case opLt:
		return expression.LessThan(args[0], args[1])
	case opLe:
		return expression.LessThanEqual(args[0], args[1])
	case opGt:
		return expression.GreaterThan(args[0], args[1])
	case opGe:
		return expression.GreaterThanEqual(args[0], args[1])
	case opBetween:
		return expression.Between(args[0], args[1], args[2])
	case opIn:
		return expression.In(args[0], args[1], args[2:]...)
	}
	return expression.ConditionBuilder{} // which the SDK refuses
}

func (t *sdkBuilder) group(x term) expression.ConditionBuilder {
	kids := make([]expression.ConditionBuilder, len(x.args))
	for i, kid := range x.args {
		kids[i] = t.condition(kid)
	}
	switch x.op {
	case opNot:
		return expression.Not(kids[0])
	case opAll:
		return expression.And(kids[0], kids[1], kids[2:]...)
	}
	return expression.Or(kids[0], kids[1], kids[2:]...)
}

// text is the next value, of an operator that takes no other than text.
func (t *sdkBuilder) text() string { return t.value().(*types.AttributeValueMemberS).Value }

func (t *sdkBuilder) keyCondition(all []term) expression.KeyConditionBuilder {
	conds := make([]expression.KeyConditionBuilder, len(all))
	for i, x := range all {
		conds[i] = t.keyComparison(x)
	}
	if len(conds) == 1 {
		return conds[0]
	}
	return expression.KeyAnd(conds...)
}

func (t *sdkBuilder) keyComparison(x term) expression.KeyConditionBuilder {
	name := expression.Key(t.token(x.args[0].path[0].name))
	if x.op == opPrefix {
		return name.BeginsWith(t.text())
	}
	value := expression.Value(t.value())
	switch x.op {
	case opEq:
		return name.Equal(value)
	case opLt:
		return name.LessThan(value)
	case opLe:
		return name.LessThanEqual(value)
	case opGt:
		return name.GreaterThan(value)
	case opGe:
		return name.GreaterThanEqual(value)
	case opBetween:
		return name.Between(value, expression.Value(t.value()))
	}
	return expression.KeyConditionBuilder{} // which the SDK refuses
}

func (t *sdkBuilder) update(changes []term) expression.UpdateBuilder {
	var update expression.UpdateBuilder
	for _, x := range changes {
		name := t.name(x.args[0].path)
		switch x.op {
		case opSet:
			update = update.Set(name, t.operand(x.args[1]))
		case opRemove:
			update = update.Remove(name)
		case opAdd:
			update = update.Add(name, expression.Value(t.value()))
		case opDelete:
			update = update.Delete(name, expression.Value(t.value()))
		}
	}
	return update
}
