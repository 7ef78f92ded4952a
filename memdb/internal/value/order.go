package value

import "strings"

// AppendOrdered appends the form of a key value whose byte order is the order of
// DynamoDB: strings and binaries by unsigned bytes, numbers by value. The forms
// end themselves, so that tuples can be joined without collisions. It must be
// called with S, N and B only.
func AppendOrdered(b []byte, v Value) []byte {
	switch v := v.(type) {
	case String:
		return append(AppendPrefix(b, string(v)), 0, 0)
	case Binary:
		return append(AppendPrefix(b, string(v)), 0, 0)
	case Number:
		return v.Decimal.AppendOrdered(b)
	}
	panic("memdb: value of type " + v.Type() + " in a key")
}

// AppendPrefix appends what the ordered form of all strings with this beginning
// begins with. A zero byte is followed by 0xff, so two zeros can end the form.
func AppendPrefix(b []byte, s string) []byte {
	for {
		i := strings.IndexByte(s, 0)
		if i < 0 {
			return append(b, s...)
		}
		b = append(b, s[:i]...)
		b = append(b, 0, 0xff)
		s = s[i+1:]
	}
}

// PrefixEnd is the least string greater than all strings that begin with prefix;
// empty if there is none.
func PrefixEnd(prefix string) string {
	b := []byte(prefix)
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] != 0xff {
			b[i]++
			return string(b[:i+1])
		}
	}
	return ""
}
