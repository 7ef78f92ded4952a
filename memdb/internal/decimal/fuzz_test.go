package decimal_test

import (
	"bytes"
	"math/big"
	"regexp"
	"strings"
	"testing"

	"github.com/monotable/monotable/memdb/internal/decimal"
)

var (
	fuzzSyntax = regexp.MustCompile(`^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$`)
	fuzzZero   = regexp.MustCompile(`^[+-]?[0.]+([eE][+-]?[0-9]+)?$`)
)

// exactRat is the value of a number whose exponent is small enough to write it out.
func exactRat(s string) (*big.Rat, bool) {
	if i := strings.IndexAny(s, "eE"); i >= 0 && len(strings.TrimLeft(s[i+1:], "+-0")) > 3 {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}

var (
	ten   = big.NewInt(10)
	large = new(big.Rat).SetInt(new(big.Int).Exp(ten, big.NewInt(126), nil))
	small = new(big.Rat).SetFrac(big.NewInt(1), new(big.Int).Exp(ten, big.NewInt(130), nil))
)

// fitsDecimal tells whether a value is in range and has at most 38 digits.
func fitsDecimal(r *big.Rat) bool {
	if r.Sign() == 0 {
		return true
	}
	abs := new(big.Rat).Abs(r)
	if abs.Cmp(large) >= 0 || abs.Cmp(small) < 0 {
		return false
	}
	// All numbers in range are integers times 10^-(130+38), or have too many digits.
	scale := new(big.Int).Exp(ten, big.NewInt(130+decimal.MaxDigits), nil)
	n := new(big.Rat).Mul(abs, new(big.Rat).SetInt(scale))
	if !n.IsInt() {
		return false
	}
	return len(strings.TrimRight(n.Num().String(), "0")) <= decimal.MaxDigits
}

// FuzzDecimal holds the number type against math/big.
func FuzzDecimal(f *testing.F) {
	for _, seed := range [][2]string{
		{"0", "-0"},
		{"1.50", "1.5"},
		{"007", "-7"},
		{"1E3", "1e-3"},
		{"99999999999999999999999999999999999999", "1"},
		{"9.9999999999999999999999999999999999999E+125", "1E125"},
		{"1E-130", "-1E-130"},
		{"1E-131", "1E126"},
		{"-20", "-3"},
		{"0.1", "0.02"},
		{"1E125", "1"},
		{"-1E125", "-1"},
		{"1E-130", "0"},
		{".5", "5."},
		{"", "."},
		{"1e", "+1"},
		{"1E99999999999", "0E99999999999"},
		{"--1", "0x1"},
		{"1_0", "Inf"},
		{"12345678901234567890123456789012345678", "0.1"},
		{"000000000000000000000000000000000000000000001", "1.0000000000000000000000000000000000000000"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		if len(a) > 400 || len(b) > 400 {
			return
		}
		x, okX := fuzzParse(t, a)
		y, okY := fuzzParse(t, b)
		if !okX || !okY {
			return
		}
		rx, ry := ratOf(t, x), ratOf(t, y)
		if got, want := x.Cmp(y), rx.Cmp(ry); got != want {
			t.Errorf("%s cmp %s is %d, want %d", a, b, got, want)
		}
		if got := bytes.Compare(x.AppendOrdered(nil), y.AppendOrdered(nil)); got != rx.Cmp(ry) {
			t.Errorf("the ordered forms of %s and %s compare as %d", a, b, got)
		}
		if (x == y) != (rx.Cmp(ry) == 0) {
			t.Errorf("%s == %s is %v", a, b, x == y)
		}
		sum, err := x.Add(y)
		checkExact(t, a+" + "+b, sum, err, new(big.Rat).Add(rx, ry))
		difference, err := x.Sub(y)
		checkExact(t, a+" - "+b, difference, err, new(big.Rat).Sub(rx, ry))
		if n, ok := x.Int64(); ok && new(big.Rat).SetInt64(n).Cmp(rx) != 0 {
			t.Errorf("%s as int64 is %d", a, n)
		}
		if size := x.Size(); size < 1 || size > 21 {
			t.Errorf("the size of %s is %d", a, size)
		}
	})
}

func fuzzParse(t *testing.T, s string) (decimal.Decimal, bool) {
	d, err := decimal.Parse(s)
	if !fuzzSyntax.MatchString(s) {
		if err == nil {
			t.Errorf("%q is accepted as %s", s, d)
		}
		return d, false
	}
	want, ok := exactRat(s)
	if !ok {
		if (err == nil) != fuzzZero.MatchString(s) && len(s) < 60 {
			t.Errorf("%q: %s, %v", s, d, err)
		}
		return d, false
	}
	checkExact(t, s, d, err, want)
	return d, err == nil
}

func checkExact(t *testing.T, what string, got decimal.Decimal, err error, want *big.Rat) {
	t.Helper()
	if !fitsDecimal(want) {
		if err == nil {
			t.Errorf("%s is accepted as %s", what, got)
		}
		return
	}
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	if ratOf(t, got).Cmp(want) != 0 {
		t.Errorf("%s is %s, want %s", what, got, want)
	}
	again, err := decimal.Parse(got.String())
	if err != nil || again != got {
		t.Errorf("%s is not read back from %s: %v", what, got, err)
	}
}

func ratOf(t *testing.T, d decimal.Decimal) *big.Rat {
	r, ok := new(big.Rat).SetString(d.String())
	if !ok {
		t.Fatalf("%s is not a number", d)
	}
	return r
}
