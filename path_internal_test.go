package monotable

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/memdb"
)

// memory is a client of a database with one empty table, whose key attribute has an odd name.
func memory(t testing.TB) *dynamodb.Client {
	t.Helper()
	client := memdb.New(memdb.Options{}).Client()
	_, err := client.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: aws.String("things"), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("the key"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("the key"), KeyType: types.KeyTypeHash}},
	})
	require.NoError(t, err)
	return client
}

// planted is a value with another one at the path, and with decoys beside it: what the path would lead to if its names were read as syntax.
func planted(p path, leaf types.AttributeValue) types.AttributeValue {
	if len(p) == 0 {
		return leaf
	}
	if p[0].name == "" {
		list := make([]types.AttributeValue, p[0].index+2)
		for i := range list {
			list[i] = decoy
		}
		list[p[0].index] = planted(p[1:], leaf)
		return &types.AttributeValueMemberL{Value: list}
	}
	fields := attributeMap{}
	for _, piece := range strings.FieldsFunc(p[0].name, func(r rune) bool { return strings.ContainsRune(".[]#:, ()", r) }) {
		fields[piece] = decoy
	}
	fields["#0"], fields[":0"] = decoy, decoy
	fields[p[0].name] = planted(p[1:], leaf)
	return &types.AttributeValueMemberM{Value: fields}
}

var decoy = &types.AttributeValueMemberS{Value: "decoy"}

// FuzzPath makes a path of any names and indexes, and has the database write, check and read what is there: that and nothing else.
func FuzzPath(f *testing.F) {
	client := memory(f)
	table := &tableCore{}
	f.Add("a", "b", "c", uint8(0), uint8(0))
	f.Add("a.b", "c[0]", "#0", uint8(0b1011), uint8(7))
	f.Add("SET", ":0", "a = :1, b", uint8(0b0110), uint8(0))
	f.Add("\x00monotable\x000", "\x00monotable\x001", "\x00monotable\x00", uint8(0), uint8(1))
	f.Add("0", "\u2028", " ", uint8(0b1111), uint8(255))
	f.Add("attribute_exists(a) OR a", "NOT", "\"`\\", uint8(0), uint8(3))
	f.Fuzz(func(t *testing.T, one, two, three string, indexes, at uint8) {
		loc := location{path: path{nameElement(one)}}
		if one == "" || !utf8.ValidString(one) {
			return // the name of a field
		}
		for i, name := range []string{two, three, one} {
			if indexes&(1<<i) != 0 {
				loc = loc.at(int(at) % 40)
			}
			if loc = loc.key(name); loc.err != nil {
				require.True(t, name == "" || !utf8.ValidString(name))
				return
			}
		}
		if indexes&8 != 0 {
			loc = loc.at(int(at))
		}
		p := loc.path
		if len(one) > 100 || len(two) > 100 || len(three) > 100 || one == "the key" {
			return
		}
		plain := !strings.ContainsAny(one+two+three, ".[")
		again, err := parsePath(p.String())
		require.True(t, !plain || err == nil && p.equal(again), "%q is read as %q, %v", p, again, err)

		before := maps.Clone(planted(p, text("old").av).(*types.AttributeValueMemberM).Value)
		key := attributeMap{"the key": text("1").av}
		maps.Copy(before, key)
		_, err = client.PutItem(context.Background(), &dynamodb.PutItemInput{TableName: aws.String("things"), Item: before})
		require.NoError(t, err)

		b := newExprBuilder(&model{table: table})
		name := b.name(p)
		b.conds = []term{name.Equal(text("old")), of(opAny, name.AttributeNotExists(), name.Size().Equal(number(3)))}
		b.changes = []term{of(opSet, name, text("new"))}
		expr, err := b.build()
		if err != nil {
			require.ErrorContains(t, err, "an expression of")
			return
		}
		_, err = client.UpdateItem(context.Background(), &dynamodb.UpdateItemInput{
			TableName: aws.String("things"), Key: key, ConditionExpression: expr.condition, UpdateExpression: expr.update,
			ExpressionAttributeNames: expr.names, ExpressionAttributeValues: expr.values,
		})
		require.NoError(t, err, "%q", p)

		b = newExprBuilder(&model{table: table})
		b.project = []term{b.name(p)}
		expr, err = b.build()
		require.NoError(t, err)
		whole, err := client.GetItem(context.Background(), &dynamodb.GetItemInput{TableName: aws.String("things"), Key: key})
		require.NoError(t, err)
		after := planted(p, text("new").av).(*types.AttributeValueMemberM).Value
		maps.Copy(after, key)
		require.Equal(t, after, whole.Item)
		part, err := client.GetItem(context.Background(), &dynamodb.GetItemInput{
			TableName: aws.String("things"), Key: key, ProjectionExpression: expr.projection, ExpressionAttributeNames: expr.names,
		})
		require.NoError(t, err, "%q", p)
		require.Equal(t, text("new").av, onlyLeaf(t, &types.AttributeValueMemberM{Value: part.Item}))
	})
}

// onlyLeaf is the text in nested maps and lists that have one element each.
func onlyLeaf(t *testing.T, av types.AttributeValue) types.AttributeValue {
	for {
		switch v := av.(type) {
		case *types.AttributeValueMemberM:
			require.Len(t, v.Value, 1)
			for _, av = range v.Value {
			}
		case *types.AttributeValueMemberL:
			require.Len(t, v.Value, 1)
			av = v.Value[0]
		default:
			return av
		}
	}
}

// FuzzParsePath takes any text for a path: what is taken is a path that its own text leads to again.
func FuzzParsePath(f *testing.F) {
	for _, s := range []string{"a", "a.b[0]", "a[0][1].b", "a[", "a[-1]", "a[+1]", "a..b", "[0]", "a[0]b", "a]", "a[0]]", "a[99999999999999999999]", "\xff", "a[ 0]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parsePath(s)
		if err != nil {
			require.Nil(t, p)
			return
		}
		again, err := parsePath(p.String())
		require.NoError(t, err)
		require.True(t, slices.Equal(p, again))
		for _, e := range p {
			require.True(t, e.index >= 0 && utf8.ValidString(e.name) && !strings.ContainsAny(e.name, ".["), "%q", s)
		}
		require.Equal(t, strings.Count(s, "[")+strings.Count(s, ".")+1, len(p))
	})
}
