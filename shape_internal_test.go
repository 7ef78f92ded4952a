package monotable

import (
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/monotable/monotable/internal/avjson"
)

// drawExpressions are those of a request, any that compiling could make.
func drawExpressions(t *rapid.T, of *tableCore) *exprBuilder {
	b := newExprBuilder(&model{table: of})
	b.conds = rapid.SliceOfN(rapid.Custom(drawCondition), 0, 3).Draw(t, "conditions")
	b.filters = rapid.SliceOfN(rapid.Custom(drawCondition), 0, 2).Draw(t, "filters")
	b.key = rapid.SliceOfN(rapid.Custom(drawKeyCondition), 0, 1).Draw(t, "key")
	b.project = rapid.SliceOfN(rapid.Custom(drawName), 0, 3).Draw(t, "projection")
	b.changes = rapid.SliceOfN(rapid.Custom(drawChange), 0, 4).Draw(t, "changes")
	return b
}

func drawPath(t *rapid.T) path {
	p := path{nameElement(rapid.SampledFrom([]string{"a", "b", "a.b", "a[1]", "#0", "\x00monotable\x00x"}).Draw(t, "name"))}
	for range rapid.IntRange(0, 2).Draw(t, "depth") {
		if rapid.Bool().Draw(t, "index") {
			p = append(p, indexElement(rapid.IntRange(0, 300).Draw(t, "at")))
		} else {
			p = append(p, nameElement(rapid.SampledFrom([]string{"a", "b", "c.d"}).Draw(t, "child")))
		}
	}
	return p
}

func drawName(t *rapid.T) term { return (*exprBuilder)(nil).name(drawPath(t)) }

func drawText(t *rapid.T) string {
	return rapid.SampledFrom([]string{"0", "1", "2", "x", "\x00monotable\x000"}).Draw(t, "text")
}

func drawValue(t *rapid.T) term {
	if rapid.Bool().Draw(t, "number") {
		return number(rapid.Int64Range(0, 3).Draw(t, "n"))
	}
	return text(drawText(t))
}

func drawOperand(t *rapid.T) term {
	switch rapid.IntRange(0, 2).Draw(t, "operand") {
	case 0:
		return drawName(t)
	case 1:
		return drawName(t).Size()
	}
	return drawValue(t)
}

var comparisons = []condOp{opEq, opNe, opLt, opLe, opGt, opGe}

func drawCondition(t *rapid.T) term {
	kids := func(least int) []term { return rapid.SliceOfN(rapid.Custom(drawCondition), least, 3).Draw(t, "kids") }
	switch n := rapid.IntRange(0, 14).Draw(t, "condition"); n {
	case 0:
		return of(opAll, kids(2)...)
	case 1:
		return of(opAny, kids(2)...)
	case 2:
		return of(opNot, drawCondition(t))
	case 3:
		return drawName(t).AttributeExists()
	case 4:
		return drawName(t).AttributeNotExists()
	case 5:
		return drawName(t).BeginsWith(drawText(t))
	case 6:
		return of(opContains, drawName(t), drawValue(t))
	case 7:
		return of(opType, drawName(t), text("SS"))
	case 8:
		return drawName(t).Between(drawValue(t), drawValue(t))
	case 9:
		return drawName(t).In(rapid.SliceOfN(rapid.Custom(drawValue), 1, 4).Draw(t, "in")...)
	}
	return of(rapid.SampledFrom(comparisons).Draw(t, "comparison"), drawOperand(t), drawOperand(t))
}

func drawKeyCondition(t *rapid.T) term {
	name := (*exprBuilder)(nil).top(rapid.SampledFrom([]string{"a", "b", "a.b"}).Draw(t, "key"))
	switch rapid.IntRange(0, 2).Draw(t, "range") {
	case 0:
		return name.Between(drawValue(t), drawValue(t))
	case 1:
		return name.BeginsWith(drawText(t))
	}
	return of(rapid.SampledFrom([]condOp{opEq, opLt, opLe, opGt, opGe}).Draw(t, "comparison"), name, drawValue(t))
}

func drawChange(t *rapid.T) term {
	name := drawName(t)
	switch rapid.IntRange(0, 6).Draw(t, "change") {
	case 0:
		return of(opRemove, name)
	case 1:
		return of(opAdd, name, drawValue(t))
	case 2:
		return of(opDelete, name, drawValue(t))
	case 3:
		return of(opSet, name, name.IfNotExists(drawValue(t)))
	case 4:
		return of(opSet, name, name.IfNotExists(drawValue(t)).Plus(drawValue(t)))
	case 5:
		return of(opSet, name, drawValue(t).ListAppend(name.IfNotExists(drawValue(t))))
	}
	return of(opSet, name, drawOperand(t))
}

// What is kept of a shape makes the same request as the SDK's builder does with the values themselves.
func TestShapesAreBuiltAsAnew(t *testing.T) {
	table := &tableCore{}
	rapid.Check(t, func(t *rapid.T) {
		b := drawExpressions(t, table)
		same := expression.Name("same")
		b.filters = append(b.filters, b.top("same").Equal(b.top("same")))
		got, err := b.build()
		require.NoError(t, err)
		again, err := b.build()
		require.NoError(t, err)
		require.Equal(t, got, again)
		b.filters[len(b.filters)-1] = unchecked(same.Equal(same))
		want, err := b.build()
		require.NoError(t, err)
		require.Equal(t, want, got)
	})
}

// As JSON, the expressions are the same members of a request as they are for the SDK.
func TestShapesAsJSON(t *testing.T) {
	table := &tableCore{}
	rapid.Check(t, func(t *rapid.T) {
		b := drawExpressions(t, table)
		if rapid.Bool().Draw(t, "unchecked") {
			same := expression.Name("same")
			b.filters = append(b.filters, unchecked(same.Equal(same)))
		}
		e, err := b.word()
		require.NoError(t, err)
		json, err := e.appendJSON([]byte(`{"First":0`))
		require.NoError(t, err)
		r := &avjson.Reader{Data: append(json, '}')}
		var got built
		texts := map[string]**string{
			"ConditionExpression": &got.condition, "FilterExpression": &got.filter, "KeyConditionExpression": &got.key,
			"ProjectionExpression": &got.projection, "UpdateExpression": &got.update,
		}
		end, err := r.Members(0, func(member []byte, i int) (int, error) {
			switch name := string(member); {
			case name == "First":
				return r.Skip(i)
			case name == "ExpressionAttributeNames":
				require.Nil(t, got.names)
				got.names = map[string]string{}
				return r.Members(i, func(placeholder []byte, i int) (int, error) {
					p := string(placeholder)
					text, end, err := r.String(i)
					got.names[p] = text
					return end, err
				})
			case name == "ExpressionAttributeValues":
				values, end, err := r.Map(i)
				got.values = values
				return end, err
			default:
				require.Nil(t, *texts[name])
				text, end, err := r.String(i)
				*texts[name] = &text
				return end, err
			}
		})
		require.NoError(t, err)
		require.Equal(t, len(r.Data), end)
		require.Equal(t, e.built(), got)
	})
	e := &worded{own: built{values: attributeMap{":0": nil}}}
	_, err := e.appendJSON(nil)
	require.Error(t, err)
}

// Two requests of one shape differ in names and values alone.
func TestShapesHaveOneKeyEach(t *testing.T) {
	keys := map[string]string{}
	rapid.Check(t, func(t *rapid.T) {
		b := drawExpressions(t, nil)
		all := expressions{b.conds, b.filters, b.key, b.project, b.changes}
		s := newShape()
		for _, list := range all.lists() {
			s.addAll(list)
		}
		var names []string
		plain := fmt.Sprint(outline(&all, &names))
		if known, ok := keys[string(s.key)]; ok {
			require.Equal(t, known, plain)
		}
		keys[string(s.key)] = plain
	})
	seen := map[string]string{}
	for key, plain := range keys {
		require.NotContains(t, seen, plain, "one shape has two keys")
		seen[plain] = key
	}
}

// outline writes terms with all that tells shapes apart.
func outline(all *expressions, names *[]string) []string {
	var out []string
	var write func(x term) string
	write = func(x term) string {
		s := strconv.Itoa(int(x.op))
		for _, e := range x.path {
			if e.name == "" {
				s += fmt.Sprintf("[%d]", e.index)
				continue
			}
			if !slices.Contains(*names, e.name) {
				*names = append(*names, e.name)
			}
			s += fmt.Sprintf(".%d", slices.Index(*names, e.name))
		}
		for _, arg := range x.args {
			s += "(" + write(arg) + ")"
		}
		return s
	}
	for i, list := range all.lists() {
		for _, x := range list {
			out = append(out, fmt.Sprintf("%d:%s", i, write(x)))
		}
	}
	return out
}

// A request is its caller's: what is done to it is not seen in the next one.
func TestShapesShareNothing(t *testing.T) {
	b := newExprBuilder(&model{table: &tableCore{}})
	b.where(b.top("a").Equal(text("x")))
	first, err := b.build()
	require.NoError(t, err)
	second, err := b.build()
	require.NoError(t, err)
	third, err := b.build()
	require.NoError(t, err)
	*second.condition = "changed"
	clear(second.names)
	clear(second.values)
	for _, got := range []built{first, third} {
		require.Equal(t, "#0 = :0", *got.condition)
		require.Equal(t, map[string]string{"#0": "a"}, got.names)
		require.Len(t, got.values, 1)
	}
}

func TestShapesAreBounded(t *testing.T) {
	table := &tableCore{}
	var wait sync.WaitGroup
	for worker := range 4 {
		wait.Go(func() {
			for i := range maxShapes {
				b := newExprBuilder(&model{table: table})
				n := worker*maxShapes + i
				b.where(b.name(path{nameElement("list"), indexElement(n)}).Equal(text("x")))
				got, err := b.build()
				if err != nil || *got.condition != fmt.Sprintf("#0[%d] = :0", n) {
					t.Error(err, got.condition)
				}
			}
		})
	}
	wait.Wait()
	require.LessOrEqual(t, len(table.shapes.known), maxShapes)
	require.NotEmpty(t, table.shapes.known)
}

// A name in a builder of the caller's that looks like a token, and values that look like numbers, stay what they are.
func TestUncheckedPartsKeepTheirNames(t *testing.T) {
	b := newExprBuilder(&model{table: &tableCore{}})
	b.where(b.top("a").Equal(text("1")))
	b.where(unchecked(expression.Name("b").Equal(expression.Value("0"))))
	got, err := b.build()
	require.NoError(t, err)
	require.Equal(t, map[string]string{"#0": "a", "#1": "b"}, got.names)
	require.Equal(t, map[string]types.AttributeValue{
		":0": &types.AttributeValueMemberS{Value: "1"}, ":1": &types.AttributeValueMemberS{Value: "0"},
	}, got.values)
}
