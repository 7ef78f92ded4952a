package codec_test

import (
	"encoding/json"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/internal/codec"
)

func TestF079_NumbersThatCannotBeStored(t *testing.T) {
	huge := new(big.Int).Exp(big.NewInt(10), big.NewInt(1_000_000), nil)
	for _, row := range []struct {
		value any
		path  string
		err   error
	}{
		{struct{ F float64 }{math.NaN()}, "F", codec.ErrNumber},
		{struct{ F float64 }{math.Inf(1)}, "F", codec.ErrNumber},
		{struct{ F float64 }{math.MaxFloat64}, "F", codec.ErrRange},
		{struct{ F float64 }{-1e126}, "F", codec.ErrRange},
		{struct{ F float64 }{5e-324}, "F", codec.ErrRange},
		{struct{ F float64 }{9.9e-131}, "F", codec.ErrRange},
		{struct {
			S []float64 `dynamodbav:",numberset"`
		}{[]float64{1, math.NaN()}}, "S[1]", codec.ErrNumber},
		{struct {
			S []json.Number `dynamodbav:",numberset"`
		}{[]json.Number{"1e126"}}, "S[0]", codec.ErrRange},
		{struct{ M map[string]float64 }{map[string]float64{"a": math.Inf(-1)}}, "M.a", codec.ErrNumber},
		{struct{ M map[float64]int }{map[float64]int{math.NaN(): 1}}, "M", codec.ErrNumber},
		{struct{ A any }{[]any{math.NaN()}}, "A[0]", codec.ErrNumber},
		{struct {
			F float64 `dynamodbav:",string"`
		}{math.NaN()}, "F", codec.ErrNumber},
		{struct{ N attributevalue.Number }{attributevalue.Number(strings.Repeat("1", 39))}, "N", codec.ErrDigits},
		{struct{ N attributevalue.Number }{"12a"}, "N", codec.ErrNumber},
		{struct{ N attributevalue.Number }{" 1"}, "N", codec.ErrNumber},
		{struct{ N json.Number }{"0x10"}, "N", codec.ErrNumber},
		{struct{ N json.Number }{"１"}, "N", codec.ErrNumber},
		{struct{ N *big.Int }{huge}, "N", codec.ErrRange},
		{struct{ N *big.Int }{new(big.Int).Exp(big.NewInt(10), big.NewInt(126), nil)}, "N", codec.ErrRange},
		{struct{ N big.Int }{*new(big.Int).Exp(big.NewInt(3), big.NewInt(90), nil)}, "N", codec.ErrDigits},
		{struct{ N *big.Rat }{big.NewRat(1, 3)}, "N", codec.ErrDigits},
		{struct{ N *big.Rat }{new(big.Rat).SetFrac(big.NewInt(1), huge)}, "N", codec.ErrDigits},
		{struct{ N *big.Float }{new(big.Float).SetInf(true)}, "N", codec.ErrNumber},
		{struct{ N *big.Float }{new(big.Float).SetMantExp(big.NewFloat(1), math.MaxInt32/2)}, "N", codec.ErrRange},
		{struct{ N *big.Float }{new(big.Float).SetMantExp(big.NewFloat(1), math.MinInt32/2)}, "N", codec.ErrRange},
		{struct{ C marshalsBadNumber }{}, "C", codec.ErrNumber},
	} {
		_, err := encode(t, row.value)
		requireError(t, err, row.path, row.err)
	}

	nines := strings.Repeat("9", 38)
	whole, _ := new(big.Int).SetString(nines+strings.Repeat("0", 88), 10)
	for _, row := range []struct {
		value any
		want  string
	}{
		{struct{ N attributevalue.Number }{attributevalue.Number(nines)}, nines},
		{struct{ N json.Number }{json.Number("0." + nines)}, "0." + nines},
		{struct{ N json.Number }{"-1E-130"}, "-0." + strings.Repeat("0", 129) + "1"},
		{struct{ N *big.Int }{whole}, nines + strings.Repeat("0", 88)},
		{struct{ N *big.Rat }{big.NewRat(-7, 16)}, "-0.4375"},
		{struct{ N big.Rat }{}, "0"},
		{struct{ N *big.Float }{big.NewFloat(1e30)}, "1000000000000000000000000000000"},
		{struct{ N float64 }{1e125}, "1" + strings.Repeat("0", 125)},
		{struct{ N float64 }{1e-130}, "0." + strings.Repeat("0", 129) + "1"},
		{struct{ N float32 }{0.1}, "0.1"},
		{struct{ N float64 }{0.1}, "0.1"},
	} {
		require.Equal(t, item{"N": num(row.want)}, mustEncode(t, row.value))
	}
}

func TestF080_IntegersAreExact(t *testing.T) {
	type T struct {
		I, J int64
		U    uint64
		L    []int64
		S    []uint64 `dynamodbav:",numberset"`
		A    any
		B    *big.Int
	}
	big53 := big.NewInt(9007199254740993)
	v := T{
		I: math.MinInt64, J: math.MaxInt64, U: math.MaxUint64, L: []int64{9007199254740993},
		S: []uint64{math.MaxUint64, math.MaxUint64 - 1}, A: int64(9007199254740993), B: big53,
	}
	it := mustEncode(t, v)
	require.Equal(t, num("-9223372036854775808"), it["I"])
	require.Equal(t, num("18446744073709551615"), it["U"])
	v.A = attributevalue.Number("9007199254740993")
	require.Equal(t, v, mustDecode[T](t, it))

	for _, row := range []struct{ text, want string }{
		{"9.223372036854775807E18", "9223372036854775807"},
		{"9007199254740993.000", "9007199254740993"},
	} {
		got := mustDecode[T](t, item{"J": num(row.text)})
		require.Equal(t, row.want, mustEncode(t, got)["J"].(*types.AttributeValueMemberN).Value)
	}
}

func TestF081_NumbersCompareByValue(t *testing.T) {
	type T struct {
		I int
		U uint8
		D time.Time `dynamodbav:",unixtime"`
		B big.Int
	}
	for text, want := range map[string]int{
		"1E2": 100, "100.0": 100, "0.1e3": 100, "+100": 100, "00100": 100, "1.00E+2": 100, "100.": 100, ".1E3": 100,
		"0E-999": 0, "-0": 0, "0.000": 0,
	} {
		got := mustDecode[T](t, item{"I": num(text), "U": num(text), "D": num(text), "B": num(text)})
		require.Equal(t, T{want, uint8(want), time.Unix(int64(want), 0).UTC(), *big.NewInt(int64(want))}, got, text)
		require.True(t, codec.Equal(num(text), mustEncode(t, got)["I"]))
	}
	require.False(t, codec.Equal(num("1"), num("1.00000000000000000000000000000000001")))
}

func TestF082_NumbersThatDoNotFit(t *testing.T) {
	type T struct {
		I8  int8
		U   uint
		I   int
		I64 int64
		F32 float32
		B   big.Int
		D   time.Time `dynamodbav:",unixtime"`
		A   [2]int
		K   [2]byte
		M   map[int8]int
		S   [1]string `dynamodbav:",stringset"`
	}
	for _, row := range []struct {
		name string
		av   av
		path string
	}{
		{"I8", num("300"), "I8"},
		{"I8", num("1.28E2"), "I8"},
		{"U", num("-1"), "U"},
		{"I", num("1.5"), "I"},
		{"I64", num("9223372036854775808"), "I64"},
		{"I64", num("1E125"), "I64"},
		{"F32", num("1E39"), "F32"},
		{"B", num("0.1"), "B"},
		{"D", num("1.5"), "D"},
		{"A", list(num("1"), num("2"), num("3")), "A"},
		{"A", list(), "A"},
		{"A", list(num("1"), num("x")), "A[1]"},
		{"K", bin(1, 2, 3), "K"},
		{"M", object(item{"300": num("1")}), "M.300"},
		{"S", strSet("a", "b"), "S"},
	} {
		_, err := decode(t, item{row.name: row.av}, T{})
		requireError(t, err, row.path, nil)
	}
}
