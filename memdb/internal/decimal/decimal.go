// Package decimal is the number type of the in-memory engine: decimals of at
// most 38 significant digits, as DynamoDB keeps them, and never a float.
package decimal

import (
	"errors"
	"math/big"
	"strconv"
	"strings"
)

// MaxDigits is the number of significant digits a number may have.
const MaxDigits = 38

// The magnitude of a number other than zero lies in 10^minExp <= |n| < 10^maxExp.
const (
	minExp = -130
	maxExp = 126
)

// Errors of Parse and of the operations.
var (
	ErrSyntax    = errors.New("not a number")
	ErrPrecision = errors.New("more than 38 significant digits")
	ErrOverflow  = errors.New("magnitude larger than supported")
	ErrUnderflow = errors.New("magnitude smaller than supported")
)

// Decimal is an immutable number. The zero value is 0. Two decimals are equal
// exactly if they are equal by ==, because the form is canonical.
type Decimal struct {
	neg    bool
	exp    int    // the value is 0.digits × 10^exp
	digits string // no leading and no trailing zero; empty for 0
}

// FromInt is the decimal of an int.
func FromInt(n int) Decimal {
	d, err := Parse(strconv.Itoa(n))
	if err != nil {
		panic(err) // an int has at most 19 digits
	}
	return d
}

// Parse reads an optional sign, digits with an optional point, and an optional
// exponent. Leading zeros and zeros at the end do not count as digits.
func Parse(s string) (Decimal, error) {
	var d Decimal
	rest := s
	if rest != "" && (rest[0] == '-' || rest[0] == '+') {
		d.neg = rest[0] == '-'
		rest = rest[1:]
	}
	mantissa, exponent := rest, 0
	if i := strings.IndexAny(rest, "eE"); i >= 0 {
		mantissa = rest[:i]
		e, err := parseExponent(rest[i+1:])
		if err != nil {
			return Decimal{}, err
		}
		exponent = e
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	if whole == "" && fraction == "" || !allDigits(whole) || !allDigits(fraction) {
		return Decimal{}, ErrSyntax
	}
	return canonical(d.neg, whole+fraction, len(whole)+exponent)
}

func parseExponent(s string) (int, error) {
	digits := strings.TrimLeft(s, "+-")
	if len(s)-len(digits) > 1 || digits == "" || !allDigits(digits) {
		return 0, ErrSyntax
	}
	trimmed := strings.TrimLeft(digits, "0")
	if len(trimmed) > 6 { // far out of range whatever the mantissa; keeps Atoi from overflowing
		trimmed = "999999"
	}
	if trimmed == "" {
		return 0, nil
	}
	e, err := strconv.Atoi(trimmed)
	if err != nil {
		return 0, ErrSyntax
	}
	if s[0] == '-' {
		e = -e
	}
	return e, nil
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// canonical checks the limits and drops zeros on both sides of 0.digits × 10^exp.
func canonical(neg bool, digits string, exp int) (Decimal, error) {
	trimmed := strings.TrimLeft(digits, "0")
	exp -= len(digits) - len(trimmed)
	trimmed = strings.TrimRight(trimmed, "0")
	switch {
	case trimmed == "":
		return Decimal{}, nil
	case exp > maxExp:
		return Decimal{}, ErrOverflow
	case exp-1 < minExp:
		return Decimal{}, ErrUnderflow
	case len(trimmed) > MaxDigits:
		return Decimal{}, ErrPrecision
	}
	return Decimal{neg: neg, exp: exp, digits: strings.Clone(trimmed)}, nil
}

// Sign is -1, 0 or 1.
func (d Decimal) Sign() int {
	switch {
	case d.digits == "":
		return 0
	case d.neg:
		return -1
	}
	return 1
}

// Cmp compares by value.
func (d Decimal) Cmp(o Decimal) int {
	if s, t := d.Sign(), o.Sign(); s != t {
		if s < t {
			return -1
		}
		return 1
	}
	c := d.cmpMagnitude(o)
	if d.neg {
		return -c
	}
	return c
}

func (d Decimal) cmpMagnitude(o Decimal) int {
	switch {
	case d.exp < o.exp:
		return -1
	case d.exp > o.exp:
		return 1
	}
	return strings.Compare(d.digits, o.digits)
}

// Neg is -d.
func (d Decimal) Neg() Decimal {
	if d.digits != "" {
		d.neg = !d.neg
	}
	return d
}

// Add is the exact sum, or an error if that does not fit.
func (d Decimal) Add(o Decimal) (Decimal, error) {
	if d.digits == "" {
		return o, nil
	}
	if o.digits == "" {
		return d, nil
	}
	// Both as integers over the smaller of the two last places.
	scale := min(d.exp-len(d.digits), o.exp-len(o.digits))
	sum := d.scaled(scale)
	sum.Add(sum, o.scaled(scale))
	neg := sum.Sign() < 0
	digits := sum.Abs(sum).String()
	return canonical(neg, digits, len(digits)+scale)
}

// Sub is the exact difference, or an error if that does not fit.
func (d Decimal) Sub(o Decimal) (Decimal, error) { return d.Add(o.Neg()) }

func (d Decimal) scaled(scale int) *big.Int {
	n, _ := new(big.Int).SetString(d.digits+strings.Repeat("0", d.exp-len(d.digits)-scale), 10)
	if d.neg {
		n.Neg(n)
	}
	return n
}

// String is the plain form: no exponent, no superfluous zero.
func (d Decimal) String() string {
	if d.digits == "" {
		return "0"
	}
	var b strings.Builder
	if d.neg {
		b.WriteByte('-')
	}
	switch {
	case d.exp <= 0:
		b.WriteString("0.")
		b.WriteString(strings.Repeat("0", -d.exp))
		b.WriteString(d.digits)
	case d.exp >= len(d.digits):
		b.WriteString(d.digits)
		b.WriteString(strings.Repeat("0", d.exp-len(d.digits)))
	default:
		b.WriteString(d.digits[:d.exp])
		b.WriteByte('.')
		b.WriteString(d.digits[d.exp:])
	}
	return b.String()
}

// Size is what the number counts for in an item, in bytes: about half a byte a
// digit, one for the exponent and one for a minus sign.
func (d Decimal) Size() int {
	if d.digits == "" {
		return 1
	}
	// Digits are stored in pairs around the point, so an odd exponent splits one more pair.
	n := len(d.digits)
	if d.exp%2 != 0 {
		n++
	}
	size := (n+1)/2 + 1
	if d.neg {
		size++
	}
	return size
}

// AppendOrdered appends a form whose byte order is the order of the values and
// of which none is the beginning of another.
func (d Decimal) AppendOrdered(b []byte) []byte {
	exp := byte(d.exp - minExp - 1) // from 0 to 255
	switch d.Sign() {
	case 0:
		return append(b, 1)
	case 1:
		b = append(b, 2, exp)
		b = append(b, d.digits...)
		return append(b, 0)
	}
	// Negative numbers: everything inverted, so that the larger magnitude comes first.
	b = append(b, 0, ^exp)
	for i := range len(d.digits) {
		b = append(b, ^d.digits[i])
	}
	return append(b, 0xff)
}

// Int64 is the number if it is an integer that fits.
func (d Decimal) Int64() (int64, bool) {
	if d.exp > 19 || d.exp < len(d.digits) {
		return 0, d.digits == ""
	}
	n, err := strconv.ParseInt(d.String(), 10, 64)
	return n, err == nil
}

// Floor64 is the integer part, limited to the range of int64.
func (d Decimal) Floor64() int64 {
	switch {
	case d.digits == "" || d.exp <= 0:
		return 0
	case d.exp > 18:
		if d.neg {
			return -1 << 62
		}
		return 1 << 62
	}
	whole := d.digits[:min(d.exp, len(d.digits))] + strings.Repeat("0", max(0, d.exp-len(d.digits)))
	n, _ := strconv.ParseInt(whole, 10, 64)
	if d.neg {
		return -n
	}
	return n
}
