package avjson

import (
	"encoding/binary"
	"math/bits"
)

// Eight bytes are looked at as one number. A byte that is zero, and one below 32,
// have their highest bit set in the results of zeroBytes and lowBytes; bytes above
// the first such one may have it too, which nobody looks at.
const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

func zeroBytes(w uint64) uint64 { return (w - ones) &^ w & highs }
func lowBytes(w uint64) uint64  { return (w - ones*' ') &^ w & highs }

// plainEnd returns where text that stands for itself ends, from i on: at a quote,
// a backslash or a control character, or with b.
func plainEnd(b []byte, i int) int {
	for ; i+8 <= len(b); i += 8 {
		w := binary.LittleEndian.Uint64(b[i:])
		if m := zeroBytes(w^ones*'"') | zeroBytes(w^ones*'\\') | lowBytes(w); m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
	}
	for i < len(b) && b[i] != '"' && b[i] != '\\' && b[i] >= ' ' {
		i++
	}
	return i
}

// look reports of s whether it stands for itself between quotes, if it is UTF-8,
// and whether it is ASCII. Most texts are short and both: all of one is looked at,
// its last bytes perhaps twice.
func look(s string) (plain, ascii bool) {
	var special, all uint64
	if len(s) < 8 {
		for i := range len(s) {
			c := s[i]
			if c == '"' || c == '\\' || c < ' ' {
				special = 1
			}
			all |= uint64(c)
		}
		return special == 0, all < 0x80
	}
	for i := 0; ; i += 8 {
		i = min(i, len(s)-8)
		w := uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
			uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
		special |= zeroBytes(w^ones*'"') | zeroBytes(w^ones*'\\') | lowBytes(w)
		all |= w
		if i == len(s)-8 {
			return special == 0, all&highs == 0
		}
	}
}

// numberEnd returns where the number ends that begins at i, as JSON writes
// numbers; the position of what is wrong, and false, if there is none.
func numberEnd(b []byte, i int) (int, bool) {
	if i < len(b) && b[i] == '-' {
		i++
	}
	begin := i
	if i = digitsEnd(b, i); i == begin || b[begin] == '0' && i > begin+1 {
		return begin, false
	}
	if i < len(b) && b[i] == '.' {
		begin = i + 1
		if i = digitsEnd(b, begin); i == begin {
			return i, false
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		begin = i + 1
		if begin < len(b) && (b[begin] == '+' || b[begin] == '-') {
			begin++
		}
		if i = digitsEnd(b, begin); i == begin {
			return i, false
		}
	}
	return i, true
}

func digitsEnd(b []byte, i int) int {
	for i < len(b) && b[i]-'0' <= 9 {
		i++
	}
	return i
}
