package codec_test

import (
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/internal/codec"
)

func TestBigNumbers(t *testing.T) {
	type T struct {
		I big.Int    `dynamodbav:",omitempty"`
		R big.Rat    `dynamodbav:",omitempty"`
		F big.Float  `dynamodbav:",omitempty"`
		P *big.Float `dynamodbav:",omitempty"`
		S []*big.Rat `dynamodbav:",numberset"`
		X big.Int    `dynamodbav:",string,omitempty"`
	}
	require.Empty(t, mustEncode(t, T{}))
	require.Equal(t, item{"P": num("0")}, mustEncode(t, T{P: new(big.Float)}))

	v := T{
		I: *big.NewInt(-12), R: *big.NewRat(1, 8), F: *big.NewFloat(0.1), P: big.NewFloat(-2.5e100),
		S: []*big.Rat{big.NewRat(1, 2), big.NewRat(-3, 1)}, X: *big.NewInt(7),
	}
	it := mustEncode(t, v)
	require.Equal(t, num("0.1"), it["F"])
	require.Equal(t, numSet("0.5", "-3"), it["S"])
	require.Equal(t, str("7"), it["X"])
	back := mustDecode[T](t, it)
	require.Equal(t, it, mustEncode(t, back))
	require.Zero(t, back.R.Cmp(&v.R))
	require.Equal(t, uint(128), back.F.Prec(), "a decimal has more digits than a float64 keeps")

	_, err := encode(t, T{S: []*big.Rat{big.NewRat(1, 2), big.NewRat(2, 4)}})
	requireError(t, err, "S[1]", codec.ErrDuplicate)
	for _, name := range []string{"I", "R", "F"} {
		_, err = decode(t, item{name: num("x")}, T{})
		requireError(t, err, name, codec.ErrNumber)
		require.Zero(t, mustDecode[T](t, item{name: null()}))
	}
}
