package codec

import (
	"math"
	"strconv"
	"strings"
)

// What DynamoDB's numbers can hold: decimals of 38 significant digits, the first
// of them at a power of ten from -130 to 125.
const (
	maxDigits   = 38
	minExponent = -130
	maxExponent = 125
)

// decimal is a parsed number: ±digits × 10^exp, where digits neither begins nor
// ends with a zero, and is empty for zero.
type decimal struct {
	neg    bool
	digits string
	exp    int
}

// parseDecimal reads the decimal forms DynamoDB takes: an optional sign, ASCII
// digits with at most one point among them, an optional exponent.
func parseDecimal(s string) (decimal, error) {
	var d decimal
	rest := s
	if rest != "" && (rest[0] == '-' || rest[0] == '+') {
		d.neg = rest[0] == '-'
		rest = rest[1:]
	}
	mantissa := rest
	if i := strings.IndexAny(rest, "eE"); i >= 0 {
		mantissa = rest[:i]
		exp, ok := parseExponent(rest[i+1:])
		if !ok {
			return decimal{}, ErrNumber
		}
		d.exp = exp
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	if !allDigits(whole) || !allDigits(fraction) || whole == "" && fraction == "" {
		return decimal{}, ErrNumber
	}
	d.digits = whole
	if fraction != "" {
		d.digits += fraction
		d.exp -= len(fraction)
	}
	trimmed := strings.TrimRight(d.digits, "0")
	d.exp += len(d.digits) - len(trimmed)
	d.digits = strings.TrimLeft(trimmed, "0")
	if d.digits == "" {
		return decimal{}, nil
	}
	if len(d.digits) > maxDigits {
		return decimal{}, ErrDigits
	}
	if first := d.exp + len(d.digits) - 1; first < minExponent || first > maxExponent {
		return decimal{}, ErrRange
	}
	return d, nil
}

// parseExponent stops counting far outside the range of numbers, where more
// digits change nothing but could overflow an int.
func parseExponent(s string) (int, bool) {
	neg := false
	if s != "" && (s[0] == '-' || s[0] == '+') {
		neg = s[0] == '-'
		s = s[1:]
	}
	if s == "" || !allDigits(s) {
		return 0, false
	}
	const enough = 1 << 30
	n := 0
	for i := range len(s) {
		n = min(n*10+int(s[i]-'0'), enough)
	}
	if neg {
		n = -n
	}
	return n, true
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// String returns the plain text, the form in which DynamoDB returns numbers.
func (d decimal) String() string {
	if d.digits == "" {
		return "0"
	}
	var b strings.Builder
	if d.neg {
		b.WriteByte('-')
	}
	point := len(d.digits) + d.exp // digits before the point
	switch {
	case d.exp >= 0:
		b.WriteString(d.digits)
		b.WriteString(strings.Repeat("0", d.exp))
	case point > 0:
		b.WriteString(d.digits[:point])
		b.WriteByte('.')
		b.WriteString(d.digits[point:])
	default:
		b.WriteString("0.")
		b.WriteString(strings.Repeat("0", -point))
		b.WriteString(d.digits)
	}
	return b.String()
}

// CheckNumber reports whether DynamoDB can hold the number written in s. The
// error is [ErrNumber], [ErrDigits] or [ErrRange].
func CheckNumber(s string) error {
	if _, _, _, ok := shortDecimal(s); ok {
		return nil
	}
	_, err := parseDecimal(s)
	return err
}

// CanonicalNumber returns the plain decimal text of the number written in s, so
// that equal numbers have equal texts: "1.50" is "1.5", "1E3" is "1000", "-0" is
// "0".
func CanonicalNumber(s string) (string, error) {
	if isPlainInteger(s) {
		return s, nil
	}
	d, err := parseDecimal(s)
	if err != nil {
		return "", err
	}
	return d.String(), nil
}

// isPlainInteger knows the most frequent canonical form without taking it apart.
func isPlainInteger(s string) bool {
	digits := s
	if s != "" && s[0] == '-' {
		digits = s[1:]
	}
	if len(digits) == 0 || len(digits) > maxDigits || !allDigits(digits) {
		return false
	}
	return digits[0] != '0' || s == "0"
}

// integerText returns the digits of a whole number without point or exponent.
func integerText(s string) (string, error) {
	d, err := parseDecimal(s)
	if err != nil {
		return "", err
	}
	if d.exp < 0 {
		return "", errFraction
	}
	return d.String(), nil
}

// parseInt reads a whole number in any decimal form, never by way of a float.
func parseInt(s string, bits int) (int64, error) {
	if n, err := strconv.ParseInt(s, 10, bits); err == nil {
		return n, nil
	}
	text, err := integerText(s)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(text, 10, bits)
	if err != nil {
		return 0, errOverflow
	}
	return n, nil
}

func parseUint(s string, bits int) (uint64, error) {
	if n, err := strconv.ParseUint(s, 10, bits); err == nil {
		return n, nil
	}
	text, err := integerText(s)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(text, 10, bits)
	if err != nil {
		return 0, errOverflow
	}
	return n, nil
}

// parseFloat rounds to the nearest float of that size, once.
func parseFloat(s string, bits int) (float64, error) {
	if err := CheckNumber(s); err != nil {
		return 0, err
	}
	f, err := strconv.ParseFloat(s, bits)
	if err != nil {
		return 0, errOverflow
	}
	return f, nil
}

// formatFloat returns the shortest decimal that reads back as f.
func formatFloat(f float64, bits int) (string, error) {
	switch abs := math.Abs(f); {
	case math.IsNaN(f) || math.IsInf(f, 0):
		return "", errNotFinite
	case f == 0:
		return "0", nil // also for -0, which DynamoDB does not know
	case abs >= 1e126 || abs < 1e-130:
		return "", ErrRange
	}
	return strconv.FormatFloat(f, 'f', -1, bits), nil
}

// appendFloat is formatFloat of 64 bits; what that refuses is false.
func appendFloat(b []byte, f float64) ([]byte, bool) {
	if b, ok := appendShort(b, f); ok {
		return b, true
	}
	if abs := math.Abs(f); abs < 1e126 && abs >= 1e-130 {
		return strconv.AppendFloat(b, f, 'f', -1, 64), true
	}
	return b, false
}

// appendShort appends amounts, degrees and the like, of 15 digits and 6 decimals at
// most. No two decimals of 15 digits are one float, so one that gives f is the
// shortest that does, and it is found faster than strconv finds it.
func appendShort(b []byte, f float64) ([]byte, bool) {
	const places, unit = 6, 1_000_000
	abs := math.Abs(f)
	if !(abs < 1e9) {
		return b, false
	}
	n := uint64(abs*unit + 0.5)
	if float64(n)/unit != abs {
		return b, false
	}
	if f < 0 {
		b = append(b, '-')
	}
	b = strconv.AppendUint(b, n/unit, 10)
	if n %= unit; n == 0 {
		return b, true
	}
	b = appendPadded(append(b, '.'), int(n), places)
	for b[len(b)-1] == '0' {
		b = b[:len(b)-1]
	}
	return b, true
}

// shortDecimal reads a number of at most 19 digits without exponent, which is
// one that DynamoDB can hold: ±mantissa / 10^places.
func shortDecimal[T string | []byte](s T) (mantissa uint64, places int, neg, ok bool) {
	i := 0
	if len(s) > 0 && s[0] == '-' {
		neg, i = true, 1
	}
	if n := len(s) - i; n == 0 || n > 20 {
		return 0, 0, false, false
	}
	point := -1
	begin := i
	for ; i < len(s); i++ {
		c := s[i] - '0'
		switch {
		case c <= 9:
			mantissa = mantissa*10 + uint64(c)
		case s[i] == '.' && point < 0 && i > begin:
			point = i
		default:
			return 0, 0, false, false
		}
	}
	if point < 0 {
		return mantissa, 0, neg, len(s)-begin <= 19
	}
	return mantissa, len(s) - 1 - point, neg, true
}

// Powers of ten that a float64 holds exactly.
var powersOfTen = [...]float64{
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
}

// exactFloat reads what one division of exact floats gives, rounded once.
func exactFloat[T string | []byte](s T) (float64, bool) {
	mantissa, places, neg, ok := shortDecimal(s)
	if !ok || mantissa > 1<<53 {
		return 0, false
	}
	f := float64(mantissa)
	if places > 0 {
		f /= powersOfTen[places]
	}
	if neg {
		f = -f
	}
	return f, true
}
