package monotable_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/monotable/monotable"
)

type visit struct {
	Place string    `dynamodbav:"place"`
	At    time.Time `dynamodbav:"at"`
	Rank  int       `dynamodbav:"rank"`
	Note  string    `dynamodbav:"note"`
}

var visitPlace = monotable.Field(func(v *visit) *string { return &v.Place })

func visits(t testing.TB) *monotable.Entity[visit] {
	return monotable.MustEntity(declare(t), monotable.Schema[visit]{
		Name:  "Visit",
		Key:   monotable.Key{Partition: "VISIT#{place}", Sort: "{rank:05}#{at}#{note:raw}"},
		Rules: []monotable.Rule[visit]{visitPlace.Transform(strings.ToLower).Escaped()},
	})
}

// A key is made from parts and taken apart again.
func TestKeyRoundTrip(t *testing.T) {
	entity := visits(t)
	rapid.Check(t, func(t *rapid.T) {
		v := visit{
			Place: rapid.StringMatching(`[a-z#$ ]{1,8}`).Draw(t, "place"),
			At:    time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "at"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns")).UTC(),
			Rank:  rapid.IntRange(-99_999, 99_999).Draw(t, "rank"),
			Note:  rapid.StringMatching(`[a-z#]{1,8}`).Draw(t, "note"),
		}
		key, err := entity.Key(v)
		require.NoError(t, err)
		back, err := entity.ParseKey(key)
		require.NoError(t, err)
		require.Equal(t, v, back)
	})
	key, err := entity.Key(visit{Place: "Berlin #1", At: time.Unix(0, 0), Rank: -1, Note: "a#b"})
	require.NoError(t, err)
	assert.Equal(t, map[string]types.AttributeValue{
		"PK": &types.AttributeValueMemberS{Value: "VISIT#berlin$20$231"},
		"SK": &types.AttributeValueMemberS{Value: "-99999#1970-01-01T00:00:00.000000000Z#a#b"},
	}, key)
}

func TestKeyMistakes(t *testing.T) {
	entity := visits(t)
	for name, v := range map[string]visit{
		"empty part":   {At: time.Unix(0, 0), Note: "x"},
		"too wide":     {Place: "a", At: time.Unix(0, 0), Rank: 100_000, Note: "x"},
		"bad UTF-8":    {Place: "a\xff", At: time.Unix(0, 0), Note: "x"},
		"too long":     {Place: strings.Repeat("a", 2043), At: time.Unix(0, 0), Note: "x"},
		"far too late": {Place: "a", At: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), Note: "x"},
	} {
		_, err := entity.Key(v)
		assert.ErrorIs(t, err, monotable.ErrInvalid, name)
	}
	text := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	good := "00001#1970-01-01T00:00:00.000000000Z#x"
	for name, key := range map[string]map[string]types.AttributeValue{
		"nothing":      {},
		"no sort key":  {"PK": text("VISIT#a")},
		"foreign":      {"PK": text("USER#a"), "SK": text(good)},
		"number":       {"PK": &types.AttributeValueMemberN{Value: "1"}, "SK": text(good)},
		"wrong number": {"PK": text("VISIT#a"), "SK": text("1#1970-01-01T00:00:00.000000000Z#x")},
	} {
		_, err := entity.ParseKey(key)
		assert.ErrorIs(t, err, monotable.ErrInvalid, name)
	}
}

// A pointer to an empty text satisfies Required, but makes no key.
func TestF098_PointerToNothingInKey(t *testing.T) {
	type shelf struct {
		ID *string `dynamodbav:"id"`
	}
	id := monotable.Field(func(s *shelf) **string { return &s.ID })
	s := openStore(t, monotable.TableConfig{})
	e := mustEntity(t, s.Table, monotable.Schema[shelf]{
		Name: "Shelf", Key: monotable.Key{Partition: "SHELF#{id}", Sort: "SHELF"}, Rules: []monotable.Rule[shelf]{id.Required()},
	})
	for _, item := range []shelf{{}, {ID: new(string)}} {
		_, err := e.Put(t.Context(), item)
		requireError(t, err, monotable.ErrInvalid)
		requireError(t, e.BatchPut(t.Context(), []shelf{item}), monotable.ErrInvalid)
	}
	require.Empty(t, s.dump())
}
