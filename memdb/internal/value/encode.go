package value

import (
	"encoding/base64"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/monotable/monotable/memdb/internal/decimal"
)

// MarshalJSON writes a map as an object of attribute values.
func (m Map) MarshalJSON() ([]byte, error) { return AppendMap(nil, m), nil }

// AppendMap writes an object of attribute values with its names in order.
func AppendMap(b []byte, m Map) []byte {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	b = append(b, '{')
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, name), ':')
		b = Append(b, m[name])
	}
	return append(b, '}')
}

// Append writes one attribute value in the JSON form of the protocol.
func Append(b []byte, v Value) []byte {
	b = append(b, '{', '"')
	b = append(b, v.Type()...)
	b = append(b, '"', ':')
	switch v := v.(type) {
	case String:
		b = appendString(b, string(v))
	case Number:
		b = appendNumber(b, v.Decimal)
	case Binary:
		b = appendBinary(b, string(v))
	case Bool:
		b = strconv.AppendBool(b, bool(v))
	case Null:
		b = append(b, "true"...)
	case StringSet:
		b = appendList(b, v, appendString)
	case NumberSet:
		b = appendList(b, v, appendNumber)
	case BinarySet:
		b = appendList(b, v, appendBinary)
	case List:
		b = appendList(b, v, Append)
	case Map:
		b = AppendMap(b, v)
	}
	return append(b, '}')
}

func appendList[T any](b []byte, list []T, f func([]byte, T) []byte) []byte {
	b = append(b, '[')
	for i, v := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = f(b, v)
	}
	return append(b, ']')
}

func appendNumber(b []byte, d decimal.Decimal) []byte {
	return append(append(append(b, '"'), d.String()...), '"')
}

func appendBinary(b []byte, s string) []byte {
	b = base64.StdEncoding.AppendEncode(append(b, '"'), []byte(s))
	return append(b, '"')
}

const hexDigits = "0123456789abcdef"

// appendString writes a JSON string and escapes only what must be.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf || c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		b = append(b, s[start:i]...)
		if c == '"' || c == '\\' {
			b = append(b, '\\', c)
		} else {
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		start = i
	}
	return append(append(b, s[start:]...), '"')
}
