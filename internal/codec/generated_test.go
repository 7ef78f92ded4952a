package codec_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/monotable/monotable/internal/codec"
)

// generatedShapes are struct types put together from what attributevalue can
// store too, the same ones on every run.
func generatedShapes(n int) []reflect.Type {
	kinds := []struct {
		t    reflect.Type
		tags []string
	}{
		{reflect.TypeFor[string](), []string{"", ",omitempty", ",nullempty"}},
		{reflect.TypeFor[Name](), []string{"", ",omitempty"}},
		{reflect.TypeFor[bool](), []string{"", ",omitempty"}},
		{reflect.TypeFor[int](), []string{"", ",omitempty", ",string", ",nullempty"}},
		{reflect.TypeFor[int8](), []string{"", ",string"}},
		{reflect.TypeFor[uint16](), []string{"", ",omitempty"}},
		{reflect.TypeFor[uint64](), []string{""}},
		{reflect.TypeFor[float32](), []string{""}},
		{reflect.TypeFor[float64](), []string{"", ",omitempty", ",string"}},
		{reflect.TypeFor[time.Time](), []string{"", ",unixtime", ",omitempty", ",nullempty"}},
		{reflect.TypeFor[*time.Time](), []string{"", ",unixtime"}},
		{reflect.TypeFor[[]byte](), []string{"", ",omitempty"}},
		{reflect.TypeFor[[]string](), []string{"", ",stringset", ",omitempty", ",omitemptyelem", ",nullemptyelem", ",nullempty", ",stringset,omitemptyelem"}},
		{reflect.TypeFor[[]Name](), []string{"", ",stringset"}},
		{reflect.TypeFor[[]int64](), []string{"", ",numberset"}},
		{reflect.TypeFor[[][]byte](), []string{""}},
		{reflect.TypeFor[[2]string](), []string{""}},
		{reflect.TypeFor[*string](), []string{"", ",omitempty"}},
		{reflect.TypeFor[point](), []string{"", ",omitempty"}},
		{reflect.TypeFor[*point](), []string{""}},
		{reflect.TypeFor[[]point](), []string{""}},
		{reflect.TypeFor[order](), []string{""}},
		{reflect.TypeFor[map[string]string](), []string{"", ",omitempty"}},
		{reflect.TypeFor[map[string][]string](), []string{"", ",omitemptyelem"}},
		{reflect.TypeFor[map[int]point](), []string{""}},
		{reflect.TypeFor[attributevalue.Number](), []string{""}},
		{reflect.TypeFor[byValue](), []string{""}},
		{reflect.TypeFor[any](), []string{""}},
	}
	r := rand.New(rand.NewPCG(1, 2))
	shapes := make([]reflect.Type, n)
	for i := range shapes {
		fields := make([]reflect.StructField, 1+r.IntN(12))
		for j := range fields {
			kind := kinds[(i+r.IntN(len(kinds)))%len(kinds)]
			fields[j] = reflect.StructField{
				Name: fmt.Sprintf("F%d", j), Type: kind.t,
				Tag: reflect.StructTag(fmt.Sprintf(`dynamodbav:"f%d%s"`, j, kind.tags[r.IntN(len(kind.tags))])),
			}
		}
		if i%3 == 0 { // a struct in a struct, as a map and by its fields
			inner := reflect.StructOf(fields)
			fields = append(fields, reflect.StructField{Name: "Inner", Type: inner})
		}
		if i%4 == 0 {
			fields = append(fields, reflect.StructField{Name: "Base", Type: reflect.TypeFor[*Base](), Anonymous: true})
		}
		shapes[i] = reflect.StructOf(fields)
	}
	return shapes
}

const generated = 60

func forGenerated(t *testing.T, test func(t *testing.T, typ reflect.Type, plan *codec.Plan)) {
	for i, typ := range generatedShapes(generated) {
		t.Run(strconv.Itoa(i), func(t *testing.T) { test(t, typ, compile(t, typ)) })
	}
}

// What attributevalue writes we read as it does, and the other way round.
func TestGeneratedShapesAgreeWithAttributeValue(t *testing.T) {
	forGenerated(t, func(t *testing.T, typ reflect.Type, plan *codec.Plan) {
		rapid.Check(t, func(rt *rapid.T) {
			v := drawValue(rt, typ, 1)
			ours, ok := encodeDrawn(rt, plan, v)
			if !ok {
				return
			}
			theirs, err := attributevalue.MarshalMap(v.Addr().Interface())
			require.NoError(rt, err)
			if !agree(object(ours), object(theirs)) {
				require.Equal(rt, theirs, ours)
			}
			byUs, byThem, old := reflect.New(typ), reflect.New(typ), reflect.New(typ)
			require.NoError(rt, plan.Decode(ours, byUs.Elem()))
			require.NoError(rt, attributevalue.UnmarshalMap(ours, byThem.Interface()))
			require.NoError(rt, plan.Decode(theirs, old.Elem()))
			for _, read := range []reflect.Value{byUs, byThem, old} {
				again, err := plan.Encode(read.Elem())
				require.NoError(rt, err)
				if !agree(object(ours), object(again)) {
					require.Equal(rt, ours, again)
				}
			}
		})
	})
}

// What attributevalue refuses to read is refused, and what both read is the same,
// whatever type an attribute has.
func TestGeneratedShapesRefuseWithAttributeValue(t *testing.T) {
	others := []av{
		str("x"), str("2026-11-21T04:00:00Z"), num("7"), num("-1"), num("70000"), boolean(true), null(), bin(1, 2),
		list(), list(str("a"), str("b")), list(num("1"), str("b")), object(item{}), object(item{"X": num("1")}),
		strSet("a", "b"), numSet("1", "2"), binSet([]byte{1}),
	}
	forGenerated(t, func(t *testing.T, typ reflect.Type, plan *codec.Plan) {
		rapid.Check(t, func(rt *rapid.T) {
			it, ok := encodeDrawn(rt, plan, drawValue(rt, typ, 1))
			if !ok {
				return
			}
			f := rapid.SampledFrom(plan.Fields).Draw(rt, "field")
			it[f.Name] = rapid.SampledFrom(others).Draw(rt, "instead")
			if len(f.Index) > 1 && codec.TypeName(it[f.Name]) == "NULL" {
				return // difference 30
			}
			byUs := reflect.New(typ)
			if plan.Decode(it, byUs.Elem()) != nil {
				return // the table of differences says where they read on
			}
			byThem, err := theirDecode(it, byUs.Elem().Interface())
			require.NoError(rt, err, "%s as %s", f.Value.Type, codec.TypeName(it[f.Name]))
			ours, err := plan.Encode(byUs.Elem())
			if err != nil {
				require.ErrorIs(rt, err, codec.ErrNumber) // NULL makes "" of a Number, difference 8
				return
			}
			theirs, err := plan.Encode(reflect.ValueOf(byThem))
			require.NoError(rt, err)
			if !agree(object(ours), object(theirs)) {
				require.Equal(rt, theirs, ours)
			}
		})
	})
}
