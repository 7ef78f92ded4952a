package codec

import (
	"math/big"
	"reflect"
	"strings"
)

var (
	bigIntType   = reflect.TypeFor[big.Int]()
	bigRatType   = reflect.TypeFor[big.Rat]()
	bigFloatType = reflect.TypeFor[big.Float]()
)

// Bits that the largest number DynamoDB holds needs, and the denominator of the
// smallest. Anything beyond is refused before its decimal text is made, which
// could take gigabytes.
const (
	maxIntBits   = 420
	maxDenomBits = 560
	bigFloatPrec = 128 // enough for 38 digits
)

func isBig(t reflect.Type) bool { return t == bigIntType || t == bigRatType || t == bigFloatType }

// bigSign returns the sign of a number of math/big.
func bigSign(v reflect.Value) (sign int, ok bool) {
	if v.Kind() != reflect.Struct || !isBig(v.Type()) {
		return 0, false
	}
	switch n := addressable(v).Addr().Interface().(type) {
	case *big.Int:
		return n.Sign(), true
	case *big.Rat:
		return n.Sign(), true
	case *big.Float:
		return n.Sign(), true
	}
	return 0, false
}

func (x *Value) buildBig() {
	switch x.Type {
	case bigIntType:
		x.buildNumber(formatBigInt, setBigInt)
	case bigRatType:
		x.buildNumber(formatBigRat, setBigRat)
	case bigFloatType:
		x.buildNumber(formatBigFloat, setBigFloat)
	}
}

func formatBigInt(v reflect.Value) (string, error) {
	n := addressable(v).Addr().Interface().(*big.Int)
	if n.BitLen() > maxIntBits {
		return "", ErrRange
	}
	return CanonicalNumber(n.String())
}

// formatBigRat writes fractions that end in decimal: FloatPrec finds the digits
// they need after the point.
func formatBigRat(v reflect.Value) (string, error) {
	r := addressable(v).Addr().Interface().(*big.Rat)
	if r.Num().BitLen() > maxIntBits || r.Denom().BitLen() > maxDenomBits {
		return "", ErrDigits
	}
	digits, exact := r.FloatPrec()
	if !exact {
		return "", ErrDigits
	}
	return CanonicalNumber(r.FloatString(digits))
}

func formatBigFloat(v reflect.Value) (string, error) {
	f := addressable(v).Addr().Interface().(*big.Float)
	if f.IsInf() {
		return "", errNotFinite
	}
	if exp := f.MantExp(nil); exp > maxIntBits || exp < -maxIntBits-maxDenomBits {
		return "", ErrRange
	}
	return CanonicalNumber(f.Text('g', -1))
}

func setBigInt(s string, dst reflect.Value) error {
	text, err := integerText(s)
	if err != nil {
		return err
	}
	if _, ok := dst.Addr().Interface().(*big.Int).SetString(text, 10); !ok {
		return ErrNumber
	}
	return nil
}

func setBigRat(s string, dst reflect.Value) error {
	text, err := CanonicalNumber(s)
	if err != nil {
		return err
	}
	if _, ok := dst.Addr().Interface().(*big.Rat).SetString(text); !ok {
		return ErrNumber
	}
	return nil
}

func setBigFloat(s string, dst reflect.Value) error {
	text, err := CanonicalNumber(s)
	if err != nil {
		return err
	}
	f, _, err := big.ParseFloat(strings.TrimPrefix(text, "+"), 10, bigFloatPrec, big.ToNearestEven)
	if err != nil {
		return ErrNumber
	}
	dst.Addr().Interface().(*big.Float).Set(f)
	return nil
}
