package decimal_test

import (
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/monotable/monotable/memdb/internal/decimal"
)

func parse(t *testing.T, s string) decimal.Decimal {
	t.Helper()
	d, err := decimal.Parse(s)
	require.NoError(t, err, s)
	return d
}

func TestParse(t *testing.T) {
	for in, want := range map[string]string{
		"0": "0", "-0": "0", "1.50": "1.5", "1E3": "1000", "007": "7", "+1": "1", ".5": "0.5", "5.": "5",
		"1e-3": "0.001", "-12.340e1": "-123.4", "0e999999999999999999999": "0",
		"0000000000000000000000000000000000000000000001": "1",
		"9.9999999999999999999999999999999999999E+125":   strings.Repeat("9", 38) + strings.Repeat("0", 88),
	} {
		assert.Equal(t, want, parse(t, in).String(), in)
	}
	for in, want := range map[string]error{
		"": decimal.ErrSyntax, "-": decimal.ErrSyntax, ".": decimal.ErrSyntax, "1e": decimal.ErrSyntax, "1e+-1": decimal.ErrSyntax,
		"0x1": decimal.ErrSyntax, " 1": decimal.ErrSyntax, "1_0": decimal.ErrSyntax, "NaN": decimal.ErrSyntax, "1e1.5": decimal.ErrSyntax,
		"1E126": decimal.ErrOverflow, "-1E126": decimal.ErrOverflow, "1E99999999999999999999": decimal.ErrOverflow,
		"1E-131": decimal.ErrUnderflow, strings.Repeat("1", 39): decimal.ErrPrecision,
	} {
		_, err := decimal.Parse(in)
		require.ErrorIs(t, err, want, in)
	}
}

func TestArithmetic(t *testing.T) {
	for _, row := range []struct{ a, b, sum string }{
		{"0.1", "0.2", "0.3"}, {"1", "-1", "0"}, {"-5", "2", "-3"}, {"1E20", "1E-10", "100000000000000000000.0000000001"},
	} {
		sum, err := parse(t, row.a).Add(parse(t, row.b))
		require.NoError(t, err)
		assert.Equal(t, row.sum, sum.String())
		back, err := sum.Sub(parse(t, row.b))
		require.NoError(t, err)
		assert.Equal(t, parse(t, row.a), back)
	}
	_, err := parse(t, "1E100").Add(parse(t, "1"))
	require.ErrorIs(t, err, decimal.ErrPrecision)
	_, err = parse(t, "9E125").Add(parse(t, "9E125"))
	require.ErrorIs(t, err, decimal.ErrOverflow)
}

func draw(t *rapid.T, label string) decimal.Decimal {
	s := rapid.StringMatching(`-?[0-9]{1,20}(\.[0-9]{1,18})?(E-?[0-9]{1,2})?`).Draw(t, label)
	d, err := decimal.Parse(s)
	if err != nil {
		t.Skip(err)
	}
	return d
}

func rational(t *rapid.T, d decimal.Decimal) *big.Rat {
	r, ok := new(big.Rat).SetString(d.String())
	if !ok {
		t.Fatalf("%s is not a rational", d)
	}
	return r
}

func TestAgainstRationals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw(t, "a"), draw(t, "b")
		x, y := rational(t, a), rational(t, b)
		if got, want := a.Cmp(b), x.Cmp(y); got != want {
			t.Fatalf("Cmp(%s, %s) = %d, want %d", a, b, got, want)
		}
		ka, kb := a.AppendOrdered(nil), b.AppendOrdered(nil)
		if got := strings.Compare(string(ka), string(kb)); got != x.Cmp(y) {
			t.Fatalf("order of %s and %s is %d", a, b, got)
		}
		if (a == b) != (x.Cmp(y) == 0) {
			t.Fatalf("%s == %s is wrong", a, b)
		}
		if sum, err := a.Add(b); err == nil && rational(t, sum).Cmp(new(big.Rat).Add(x, y)) != 0 {
			t.Fatalf("%s + %s = %s", a, b, sum)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"0", "-1.50", "1E3", "007", "1e-130", "9.9999999999999999999999999999999999999E+125", "--1", "1e1e1"} {
		f.Add(s, "1")
	}
	f.Fuzz(func(t *testing.T, s, o string) {
		d, err := decimal.Parse(s)
		if err != nil {
			return
		}
		again, err := decimal.Parse(d.String())
		if err != nil || again != d {
			t.Fatalf("%q gives %s, which gives %s (%v)", s, d, again, err)
		}
		if d.Size() < 1 || d.Size() > 22 {
			t.Fatalf("%s has size %d", d, d.Size())
		}
		e, err := decimal.Parse(o)
		if err != nil {
			return
		}
		if d.Cmp(e) != -e.Cmp(d) {
			t.Fatalf("%s and %s compare differently from both sides", d, e)
		}
		if sum, err := d.Add(e); err == nil {
			if back, err := sum.Sub(e); err == nil && back != d {
				t.Fatalf("%s + %s - %s = %s", d, e, e, back)
			}
		}
	})
}
