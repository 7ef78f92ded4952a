package keytmpl

import "strings"

// The escape keeps order and is reversible. The bytes up to the delimiter, and
// the lead byte itself, which is the one after the delimiter, are written as
// the lead byte and two hex digits. So every byte of an escaped text sorts after the
// delimiter, in the order of the bytes it stands for, and a shorter part sorts first.

const hexDigits = "0123456789ABCDEF"

func escape(text string, delim byte) string {
	lead := delim + 1
	first := strings.IndexFunc(text, func(r rune) bool { return r <= rune(lead) })
	if first < 0 {
		return text
	}
	var b strings.Builder
	b.WriteString(text[:first])
	for i := first; i < len(text); i++ {
		if c := text[i]; c <= lead {
			b.WriteByte(lead)
			b.WriteByte(hexDigits[c>>4])
			b.WriteByte(hexDigits[c&15])
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func unescape(text string, delim byte) (string, bool) {
	lead := delim + 1
	if strings.IndexByte(text, lead) < 0 {
		return text, true
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != lead {
			b.WriteByte(text[i])
			continue
		}
		if i+2 >= len(text) {
			return "", false
		}
		high, low := strings.IndexByte(hexDigits, text[i+1]), strings.IndexByte(hexDigits, text[i+2])
		if high < 0 || low < 0 {
			return "", false
		}
		b.WriteByte(byte(high<<4 | low))
		i += 2
	}
	return b.String(), true
}

// DelimiterProblem says why a text cannot be the delimiter, or "".
func DelimiterProblem(d string) string {
	if len(d) != 1 || d[0] <= ' ' || d[0] >= '~' {
		return "must be one printable ASCII character"
	}
	c := d[0]
	if c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '{' || c == '}' {
		return "must not be a letter, a digit or a brace"
	}
	return ""
}
