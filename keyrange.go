package monotable

import (
	"strings"
	"unicode/utf8"

	"github.com/monotable/monotable/internal/keytmpl"
)

// keyRange is a range of joined keys: base, then the part, then what follows it.
type keyRange struct {
	base      string
	part      keytmpl.Part
	closing   string // the literal after the part
	last      bool   // nothing follows the part
	low, high string
	below     bool // high itself is outside, which needs no BETWEEN
	loose     bool // the range holds keys that the comparison does not
}

func (r *keyRange) from(operand string, included bool) {
	r.low = r.base + operand
	switch {
	case included:
		// A shorter text closes with the delimiter, which sorts after what is below it: "a#" is in the range from "a!".
		r.loose = r.loose || !r.last && !r.part.OrderedBeforeDelimiter() && r.belowDelimiter(operand) >= 0
	case r.last:
		r.low = after(r.low)
	case r.part.OrderedBeforeDelimiter():
		r.low = last(r.low + r.closing)
	default:
		r.loose = true
	}
}

func (r *keyRange) to(operand string, included bool) {
	if r.last {
		r.high = r.base + operand
		if r.below = !included && r.base == ""; !included && !r.below {
			r.high = before(r.high)
		}
		return
	}
	if r.part.OrderedBeforeDelimiter() {
		if r.high = r.base + operand; included {
			r.high = last(r.high + r.closing)
		}
		return
	}
	// "a!" is greater than "a", but "a!#" sorts before "a#": go up to the first such place.
	delim := string(r.part.Delimiter())
	if i := r.belowDelimiter(operand); i >= 0 {
		r.high, r.loose = last(r.base+operand[:i]+delim), true
		return
	}
	if r.high = r.base + operand; included {
		r.high = last(r.high + delim)
		r.loose = true
	}
}

// belowDelimiter is where the text has its first character that sorts before the delimiter, or -1.
func (r *keyRange) belowDelimiter(text string) int {
	return strings.IndexFunc(text, func(c rune) bool { return c < rune(r.part.Delimiter()) })
}

// before is the greatest key below s, none of which holds MaxPart.
func before(s string) string {
	r, n := utf8.DecodeLastRuneInString(s)
	s = s[:len(s)-n]
	switch r {
	case 0:
		return s
	case 0xE000:
		return last(s + string(rune(0xD7FF)))
	}
	return last(s + string(r-1))
}

// after is the smallest key above s.
func after(s string) string {
	if len(s) < maxSortKey {
		return s + "\x00"
	}
	for {
		r, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
		if r == 0xD7FF {
			r = 0xE000 - 1 // no surrogates
		}
		if next := s + string(r+1); len(next) <= maxSortKey {
			return next
		}
	}
}

// last is above every key that begins with s, none of which holds MaxPart there, and still short enough for a key.
func last(s string) string {
	switch room := maxSortKey - len(s); {
	case room >= len(keytmpl.MaxPart):
		return s + keytmpl.MaxPart
	case room == 3:
		return s + "\uFFFF"
	case room == 2:
		return s + "\u07FF"
	case room == 1:
		return s + "\x7F"
	}
	return s
}

// bounds are both ends of the range; "" where there is no literal to stay inside of.
func (r *keyRange) bounds() (low, high string) {
	low, high = r.low, r.high
	if low == "" {
		low = r.base
	}
	if high == "" && r.base != "" {
		high = last(r.base)
	}
	return low, high
}

func (r *keyRange) condition(name term) term {
	low, high := r.bounds()
	switch {
	case high == "":
		return name.GreaterThanEqual(text(low))
	case r.below:
		return name.LessThan(text(high))
	case low == "":
		return name.LessThanEqual(text(high))
	}
	return name.Between(text(low), text(high))
}
