package codec_test

import (
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/monotable/monotable/internal/codec"
)

func TestCanonicalNumber(t *testing.T) {
	for in, want := range map[string]string{
		"0": "0", "-0": "0", "+0.00e9": "0", "0E999999999999999999999": "0",
		"1": "1", "+1": "1", "007": "7", "1.50": "1.5", "-1.5E2": "-150", "1E3": "1000", "1.5E0": "1.5",
		".5": "0.5", "5.": "5", "-.5e1": "-5", "0.00120": "0.0012", "12300e-2": "123", "12345e-2": "123.45",
		"1e125":                        "1" + strings.Repeat("0", 125),
		"1E-130":                       "0." + strings.Repeat("0", 129) + "1",
		strings.Repeat("0", 100) + "1": "1",
		strings.Repeat("9", 38) + "00": strings.Repeat("9", 38) + "00",
		"0." + strings.Repeat("0", 92) + strings.Repeat("9", 38): "0." + strings.Repeat("0", 92) + strings.Repeat("9", 38),
	} {
		got, err := codec.CanonicalNumber(in)
		require.NoError(t, err, in)
		require.Equal(t, want, got, in)
	}
	for in, want := range map[string]error{
		"": codec.ErrNumber, "-": codec.ErrNumber, ".": codec.ErrNumber, "e1": codec.ErrNumber, "1e": codec.ErrNumber, "1e+": codec.ErrNumber,
		"1.2.3": codec.ErrNumber, "--1": codec.ErrNumber, "1 ": codec.ErrNumber, " 1": codec.ErrNumber, "1_0": codec.ErrNumber, "0x1": codec.ErrNumber,
		"1e5e5": codec.ErrNumber, "1e1.0": codec.ErrNumber, "NaN": codec.ErrNumber, "Infinity": codec.ErrNumber, "١": codec.ErrNumber, "1\x00": codec.ErrNumber,
		strings.Repeat("1", 39): codec.ErrDigits, "0." + strings.Repeat("1", 39): codec.ErrDigits, "1" + strings.Repeat("0", 37) + ".1": codec.ErrDigits,
		"1E126": codec.ErrRange, "-1E126": codec.ErrRange, "10E125": codec.ErrRange, "1E-131": codec.ErrRange, "0.1E-130": codec.ErrRange,
		"1e999999999999999999999": codec.ErrRange, "1e-999999999999999999999": codec.ErrRange,
	} {
		_, err := codec.CanonicalNumber(in)
		require.ErrorIs(t, err, want, in)
		require.ErrorIs(t, codec.CheckNumber(in), want, in)
	}
}

// math/big is the plain reading of a decimal text.
func checkNumber(t require.TestingT, s string) {
	got, err := codec.CanonicalNumber(s)
	require.Equal(t, err, codec.CheckNumber(s))
	if err != nil {
		return
	}
	if got == "0" { // of whatever exponent, which is too much for math/big
		mantissa, _, _ := strings.Cut(strings.ToLower(s), "e")
		require.Empty(t, strings.Trim(mantissa, "+-.0"))
		return
	}
	want, ok := new(big.Rat).SetString(s)
	require.True(t, ok)
	have, ok := new(big.Rat).SetString(got)
	require.True(t, ok)
	require.Zero(t, want.Cmp(have), "%q became %q", s, got)
	again, err := codec.CanonicalNumber(got)
	require.NoError(t, err)
	require.Equal(t, got, again)
	require.NotContains(t, strings.ToLower(got), "e")
}

func TestCanonicalNumberKeepsValue(t *testing.T) {
	text := rapid.StringMatching(`[-+]?[0-9]{0,20}(\.[0-9]{0,20})?([eE][-+]?[0-9]{1,3})?`)
	rapid.Check(t, func(rt *rapid.T) { checkNumber(rt, text.Draw(rt, "number")) })
}

func FuzzCanonicalNumber(f *testing.F) {
	for _, s := range []string{"0", "-1.50E+3", "1e-130", "007", ".5", "1e126", "x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) < 1000 {
			checkNumber(t, s)
		}
	})
}
