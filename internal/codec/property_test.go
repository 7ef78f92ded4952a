package codec_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/monotable/monotable/internal/codec"
)

// agree reports whether ours is what theirs is, apart from what the table of
// differences says about nil, empty sets, zero times and the text of times and
// numbers.
func agree(ours, theirs av) bool {
	switch o := ours.(type) {
	case *types.AttributeValueMemberM:
		th, ok := theirs.(*types.AttributeValueMemberM)
		if !ok {
			return false
		}
		for name := range o.Value {
			if th.Value[name] == nil {
				return false
			}
		}
		for name, elem := range th.Value {
			if have, ok := o.Value[name]; ok && !agree(have, elem) || !ok && !leftOut(elem) {
				return false
			}
		}
		return true
	case *types.AttributeValueMemberL:
		th, ok := theirs.(*types.AttributeValueMemberL)
		if !ok || len(o.Value) != len(th.Value) {
			return false
		}
		for i := range o.Value {
			if !agree(o.Value[i], th.Value[i]) {
				return false
			}
		}
		return true
	case *types.AttributeValueMemberS:
		th, ok := theirs.(*types.AttributeValueMemberS)
		return ok && (o.Value == th.Value || sameTime(o.Value, th.Value) || sameNumber(o.Value, th.Value))
	case *types.AttributeValueMemberNULL:
		return leftOut(theirs)
	}
	return codec.Equal(ours, theirs)
}

// leftOut reports whether nothing may stand here where attributevalue has
// theirs. It writes nil slices and maps behind pointers as empty ones.
func leftOut(theirs av) bool {
	switch th := theirs.(type) {
	case *types.AttributeValueMemberNULL:
		return true
	case *types.AttributeValueMemberL:
		return len(th.Value) == 0
	case *types.AttributeValueMemberM:
		return len(th.Value) == 0
	case *types.AttributeValueMemberB:
		return len(th.Value) == 0
	case *types.AttributeValueMemberSS:
		return len(th.Value) == 0
	case *types.AttributeValueMemberS:
		t, err := time.Parse(time.RFC3339, th.Value)
		return err == nil && t.IsZero()
	}
	return false
}

func sameTime(ours, theirs string) bool {
	t, err := time.Parse(time.RFC3339, theirs)
	return err == nil && t.UTC().Format(codec.TimeFormat) == ours
}

func sameNumber(ours, theirs string) bool {
	n, err := codec.CanonicalNumber(theirs)
	return err == nil && n == ours
}

// encodeDrawn encodes v, or says that a set in it happened to have equal or nil
// members.
func encodeDrawn(rt *rapid.T, p *codec.Plan, v reflect.Value) (item, bool) {
	it, err := p.Encode(v)
	if errors.Is(err, codec.ErrDuplicate) || errors.Is(err, codec.ErrNil) {
		return nil, false
	}
	require.NoError(rt, err)
	return it, true
}

func TestAgreesWithAttributeValue(t *testing.T) {
	require.GreaterOrEqual(t, len(shapes), 30)
	for _, typ := range shapes {
		t.Run(shapeName(typ), func(t *testing.T) {
			plan := compile(t, typ)
			rapid.Check(t, func(rt *rapid.T) {
				v := drawValue(rt, typ, 0)
				ours, ok := encodeDrawn(rt, plan, v)
				if !ok {
					return
				}
				theirs, err := attributevalue.MarshalMap(v.Addr().Interface())
				require.NoError(rt, err)
				if !agree(object(ours), object(theirs)) {
					require.Equal(rt, theirs, ours)
				}

				// Both read what either wrote, and read the same.
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
}

// What is written is storable, reads back, and is written the same again, byte
// for byte: so a write can return what a later read will.
func TestRoundTrip(t *testing.T) {
	for _, typ := range append(ownShapes, shapes...) {
		t.Run(shapeName(typ), func(t *testing.T) {
			plan := compile(t, typ)
			rapid.Check(t, func(rt *rapid.T) {
				first, ok := encodeDrawn(rt, plan, drawValue(rt, typ, 0))
				if !ok {
					return
				}
				require.NoError(rt, codec.Check(object(first), ""))
				v := reflect.New(typ).Elem()
				require.NoError(rt, plan.Decode(first, v))
				second, err := plan.Encode(v)
				require.NoError(rt, err)
				require.Equal(rt, first, second)

				again := reflect.New(typ).Elem()
				require.NoError(rt, plan.Decode(second, again))
				if !reflect.DeepEqual(v.Interface(), again.Interface()) {
					require.Equal(rt, v.Interface(), again.Interface())
				}
			})
		})
	}
}

// drawTree makes any attribute value, also ones no server would send.
func drawTree(rt *rapid.T, depth int) av {
	kinds := 14
	if depth > 3 {
		kinds = 11
	}
	text := rapid.OneOf(rapid.SampledFrom([]string{"", "1", "-1.50", "1E3", "300", "1e999999999", "NaN", "\xff", "2026-11-21T00:00:00Z"}), rapid.String())
	switch rapid.IntRange(0, kinds).Draw(rt, "type") {
	case 0:
		return nil
	case 1:
		return (*types.AttributeValueMemberM)(nil)
	case 2:
		return null()
	case 3:
		return &types.AttributeValueMemberNULL{}
	case 4, 5:
		return str(text.Draw(rt, "s"))
	case 6:
		return num(text.Draw(rt, "n"))
	case 7:
		return &types.AttributeValueMemberB{Value: rapid.SliceOf(rapid.Byte()).Draw(rt, "b")}
	case 8:
		return boolean(rapid.Bool().Draw(rt, "bool"))
	case 9:
		return strSet(rapid.SliceOf(text).Draw(rt, "ss")...)
	case 10:
		return numSet(rapid.SliceOf(text).Draw(rt, "ns")...)
	case 11:
		return binSet(rapid.SliceOf(rapid.SliceOf(rapid.Byte())).Draw(rt, "bs")...)
	case 12:
		elems := make([]av, rapid.IntRange(0, 3).Draw(rt, "len"))
		for i := range elems {
			elems[i] = drawTree(rt, depth+1)
		}
		return &types.AttributeValueMemberL{Value: elems}
	}
	m := item{}
	for range rapid.IntRange(0, 3).Draw(rt, "len") {
		m[text.Draw(rt, "name")] = drawTree(rt, depth+1)
	}
	return object(m)
}

// Reading whatever there may be gives a value or an error with a path, never a
// panic; and what it gives can be written, if the text in it is UTF-8.
func TestDecodeAnyTree(t *testing.T) {
	for _, typ := range append(ownShapes, shapes...) {
		t.Run(shapeName(typ), func(t *testing.T) {
			plan := compile(t, typ)
			rapid.Check(t, func(rt *rapid.T) {
				in := item{}
				for _, f := range plan.Fields {
					in[f.Name] = drawTree(rt, 0)
				}
				dst := reflect.New(typ).Elem()
				if err := plan.Decode(in, dst); err != nil {
					require.IsType(rt, (*codec.Error)(nil), err)
					return
				}
				out, err := plan.Encode(dst)
				if err == nil {
					require.NoError(rt, codec.Check(object(out), ""))
				}
			})
		})
	}
}

func TestHelpersOnAnyTree(t *testing.T) {
	anything := compile(t, reflect.TypeFor[struct{ A any }]()).Field("A").Value
	rapid.Check(t, func(rt *rapid.T) {
		a, b := drawTree(rt, 0), drawTree(rt, 0)
		c := codec.Copy(a)
		require.True(rt, codec.Equal(a, c))
		require.True(rt, codec.Equal(a, a))
		require.Equal(rt, codec.Equal(a, b), codec.Equal(b, a))
		require.Equal(rt, codec.Size(item{"a": a}), codec.Size(item{"a": c}))
		if codec.Check(a, "a") != nil {
			return
		}
		require.NoError(rt, codec.Check(c, "a"))
		var held any
		require.NoError(rt, anything.Decode(a, reflect.ValueOf(&held).Elem()))
	})
}
