package codec_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/internal/codec"
)

func TestCheck(t *testing.T) {
	for _, ok := range []av{
		str(""), bin(), num("-1.5"), boolean(false), null(), list(), object(item{}), strSet(""), numSet("1", "2"), binSet([]byte{}),
		list(null(), object(item{"a": list()})),
	} {
		require.NoError(t, codec.Check(ok, "a"))
	}
	for _, row := range []struct {
		av   av
		path string
		err  error
	}{
		{str("\xff"), "a", codec.ErrUTF8},
		{num(""), "a", codec.ErrNumber},
		{num("1E126"), "a", codec.ErrRange},
		{&types.AttributeValueMemberNULL{}, "a", nil},
		{&types.UnknownUnionMember{}, "a", nil},
		{strSet(), "a", nil},
		{numSet(), "a", nil},
		{binSet(), "a", nil},
		{strSet("x", "\xff"), "a[1]", codec.ErrUTF8},
		{strSet("x", "y", "x"), "a[2]", codec.ErrDuplicate},
		{numSet("1", "1.0"), "a[1]", codec.ErrDuplicate},
		{numSet("1", "one"), "a[1]", codec.ErrNumber},
		{binSet([]byte{1}, []byte{1}), "a[1]", codec.ErrDuplicate},
		{object(item{"": null()}), "a", nil},
		{object(item{"\xff": null()}), "a", codec.ErrUTF8},
		{object(item{"b": list(null(), strSet())}), "a.b[1]", nil},
	} {
		requireError(t, codec.Check(row.av, "a"), row.path, row.err)
	}
	requireError(t, codec.Check(list(nil), ""), "[0]", codec.ErrNil)
}

// Equal members are found wherever they stand, in small sets and in large ones.
func TestCheckFindsEveryDuplicate(t *testing.T) {
	for n := 2; n < 30; n++ {
		members := make([]string, n)
		for i := range members {
			members[i] = strconv.Itoa(i)
		}
		require.NoError(t, codec.Check(numSet(members...), "a"))
		for i := range n - 1 {
			members[n-1] = strconv.Itoa(i) + ".0"
			requireError(t, codec.Check(numSet(members...), "a"), "a["+strconv.Itoa(n-1)+"]", codec.ErrDuplicate)
		}
	}
}

func TestEqual(t *testing.T) {
	typed := (*types.AttributeValueMemberN)(nil)
	for _, row := range []struct {
		a, b av
		want bool
	}{
		{nil, nil, true},
		{nil, typed, true},
		{nil, null(), false},
		{str("a"), str("a"), true},
		{str("1"), num("1"), false},
		{num("1.0"), num("1"), true},
		{num("1E2"), num("100"), true},
		{num("x"), num("x"), true},
		{num("x"), num("y"), false},
		{bin(), &types.AttributeValueMemberB{}, true},
		{bin(1), bin(2), false},
		{boolean(true), boolean(false), false},
		{null(), null(), true},
		{list(num("1"), str("a")), list(num("1.0"), str("a")), true},
		{list(num("1"), str("a")), list(str("a"), num("1")), false},
		{list(), &types.AttributeValueMemberL{}, true},
		{list(null()), list(), false},
		{object(item{"a": num("1")}), object(item{"a": num("1.0")}), true},
		{object(item{"a": null()}), object(item{"b": null()}), false},
		{strSet("a", "b"), strSet("b", "a"), true},
		{strSet("a", "a"), strSet("a", "b"), false},
		{strSet("a"), list(str("a")), false},
		{numSet("1.0", "2"), numSet("2.0", "1"), true},
		{binSet([]byte{1}, []byte{2}), binSet([]byte{2}, []byte{1}), true},
		{binSet([]byte{1}), binSet([]byte{1}, []byte{2}), false},
		{&types.UnknownUnionMember{}, &types.UnknownUnionMember{}, false},
	} {
		require.Equal(t, row.want, codec.Equal(row.a, row.b), "%v %v", row.a, row.b)
		require.Equal(t, row.want, codec.Equal(row.b, row.a), "%v %v", row.b, row.a)
	}
}

func TestCopy(t *testing.T) {
	require.Nil(t, codec.Copy(nil))
	require.Nil(t, codec.Copy((*types.AttributeValueMemberS)(nil)))
	require.Equal(t, &types.AttributeValueMemberB{}, codec.Copy(&types.AttributeValueMemberB{}))
	require.Equal(t, list(nil), codec.Copy(list(nil)))
	require.Equal(t, item{}, codec.CopyItem(nil))
}

func TestSize(t *testing.T) {
	for _, row := range []struct {
		av   av
		want int
	}{
		{nil, 0},
		{str("äb"), 3},
		{bin(1, 2), 2},
		{boolean(true), 1},
		{null(), 1},
		{num("0"), 1},
		{num("7"), 2},
		{num("100000"), 2},
		{num("12345"), 4},
		{num("-12.345"), 5},
		{list(), 3},
		{list(str("a"), null()), 3 + 2 + 2},
		{object(item{}), 3},
		{object(item{"key": str("a")}), 3 + 1 + 3 + 1},
		{strSet("a", "bc"), 3},
		{numSet("1", "22"), 4},
		{binSet([]byte{1}, []byte{2, 3}), 3},
		{&types.UnknownUnionMember{}, 0},
	} {
		require.Equal(t, 4+row.want, codec.Size(item{"näm": row.av}), "%#v", row.av)
	}
	require.Equal(t, 409_600, codec.Size(item{"id": str("x"), "a": str(strings.Repeat("x", 409_600-4))}))
}

func TestTypeName(t *testing.T) {
	for want, v := range map[string]av{
		"S": str(""), "N": num("1"), "B": bin(), "BOOL": boolean(true), "NULL": null(), "L": list(), "M": object(nil),
		"SS": strSet(), "NS": numSet(), "BS": binSet(), "": nil, "unknown": &types.UnknownUnionMember{},
	} {
		require.Equal(t, want, codec.TypeName(v))
	}
}
