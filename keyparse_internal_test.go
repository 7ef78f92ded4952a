package monotable

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/internal/codec"
)

// leaf has a part of every kind in its key.
type leaf struct {
	Tree  string    `dynamodbav:"tree"`
	Title string    `dynamodbav:"title"`
	N     int32     `dynamodbav:"n"`
	Size  float64   `dynamodbav:"size"`
	At    time.Time `dynamodbav:"at"`
	Green bool      `dynamodbav:"green"`
	Bin   []byte    `dynamodbav:"bin"`
	Rest  string    `dynamodbav:"rest"`
}

var leafTitle = Field(func(l *leaf) *string { return &l.Title })

// leaves is an entity of leaf; with number, of a table whose sort key is the attribute n itself.
func leaves(t testing.TB, number bool) *Entity[leaf] {
	t.Helper()
	cfg := TableConfig{Name: "leaves", PartitionKey: "PK", SortKey: "SK"}
	key := Key{Partition: "TREE#{tree}#{title}", Sort: "{n:06}{size:05.3}#{at}#{green}#{bin}#{rest:raw}"}
	if number {
		cfg.SortKey, cfg.SortKeyType, key.Sort = "n", types.ScalarAttributeTypeN, ""
	}
	table, err := NewTable(unsent{}, cfg)
	require.NoError(t, err)
	e, err := NewEntity(table, Schema[leaf]{Name: "Leaf", Key: key, Rules: []Rule[leaf]{leafTitle.Escaped()}})
	require.NoError(t, err)
	return e
}

// FuzzParseKey reads keys that anybody may have written: what is taken is the key of what it is read as. And every key that is made can be read.
func FuzzParseKey(f *testing.F) {
	byTemplate, byNumber := leaves(f, false), leaves(f, true)
	f.Add("TREE#a#b", "000001-99998.500#2026-11-21T12:00:00.000000000Z#true#00ff#x#y", "$23", "#", int32(-7), int64(1), true, []byte{0})
	f.Add("TREE##", "7", "a", "$", int32(2_000_000), int64(-1), false, []byte(nil))
	f.Add("TREE#a#$2", "-0", "\xff", "\U0010FFFF", int32(0), int64(1<<62), false, []byte("x"))
	f.Fuzz(func(t *testing.T, partition, sort, tree, title string, n int32, at int64, green bool, bin []byte) {
		text := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
		for _, found := range []struct {
			*Entity[leaf]
			key map[string]types.AttributeValue
		}{
			{byTemplate, attributeMap{"PK": text(partition), "SK": text(sort)}},
			{byNumber, attributeMap{"PK": text(partition), "n": &types.AttributeValueMemberN{Value: sort}}},
		} {
			item, err := found.ParseKey(found.key)
			if err != nil {
				require.ErrorIs(t, err, ErrInvalid)
				require.Zero(t, item)
				continue
			}
			key, err := found.Key(item)
			if err != nil { // longer than a key may be
				require.ErrorIs(t, err, ErrInvalid)
				require.True(t, len(partition) > maxPartitionKey || len(sort) > maxSortKey, "%q, %q: %v", partition, sort, err)
				continue
			}
			if number, ok := key["n"].(*types.AttributeValueMemberN); ok {
				require.True(t, sameNumber(number.Value, sort), "%s is read as %s", sort, number.Value)
				delete(found.key, "n")
				delete(key, "n")
			}
			require.Equal(t, found.key, key)
		}
		item := leaf{Tree: tree, Title: title, N: n, Size: float64(n) / 8, At: time.Unix(0, at).UTC(), Green: green, Bin: bin, Rest: partition}
		if key, err := byTemplate.Key(item); err == nil {
			again, err := byTemplate.ParseKey(key)
			require.NoError(t, err)
			require.Equal(t, item, again)
		} else {
			require.ErrorIs(t, err, ErrInvalid)
		}
		if key, err := byNumber.Key(item); err == nil {
			again, err := byNumber.ParseKey(key)
			require.NoError(t, err)
			require.Equal(t, leaf{Tree: tree, Title: title, N: n}, again)
		}
	})
}

// sameNumber compares two texts of numbers by value.
func sameNumber(a, b string) bool {
	one, err1 := codec.CanonicalNumber(a)
	other, err2 := codec.CanonicalNumber(b)
	return err1 == nil && err2 == nil && one == other
}

// small has parts that cannot hold all that fits into the template, and a key that is an attribute itself.
type small struct {
	ID string `dynamodbav:"id"`
	N  int8   `dynamodbav:"n"`
	A  [2]byte
}

func TestParseKeyOfTooMuch(t *testing.T) {
	table, err := NewTable(unsent{}, TableConfig{Name: "smalls", PartitionKey: "id", SortKey: "SK"})
	require.NoError(t, err)
	smalls, err := NewEntity(table, Schema[small]{Name: "Small", Key: Key{Sort: "N#{n:03}#{A}"}})
	require.NoError(t, err)
	text := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	item, err := smalls.ParseKey(attributeMap{"id": text("1"), "SK": text("N#127#00ff")})
	require.NoError(t, err)
	require.Equal(t, small{ID: "1", N: 127, A: [2]byte{0, 255}}, item)
	for _, key := range []attributeMap{
		{"id": text("1"), "SK": text("N#128#00ff")},
		{"id": text("1"), "SK": text("N#-871#00ff")},
		{"id": text("1"), "SK": text("N#127#00")},
		{"id": text("1"), "SK": text("N#127")},
		{"id": text("1")},
		{"SK": text("N#127#00ff")},
		{"id": &types.AttributeValueMemberN{Value: "1"}, "SK": text("N#127#00ff")},
		{"id": text("1"), "SK": &types.AttributeValueMemberB{Value: []byte("N#127#00ff")}},
		{"id": text("1"), "SK": nil},
	} {
		item, err := smalls.ParseKey(key)
		require.ErrorIs(t, err, ErrInvalid)
		require.Zero(t, item)
	}
	for _, id := range []string{"", "\xff"} {
		key, err := smalls.Key(small{ID: id})
		require.ErrorIs(t, err, ErrInvalid, "%q", id)
		require.Nil(t, key)
	}
}
