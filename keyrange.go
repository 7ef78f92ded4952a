package monotable

import (
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"

	"github.com/monotable/monotable/internal/keytmpl"
)

// keyRange is a range of joined keys: base, then the part, then what follows it.
type keyRange struct {
	base      string
	part      keytmpl.Part
	closing   string // the literal after the part
	last      bool   // nothing follows the part
	low, high string
	loose     bool // the range holds keys that the comparison does not
}

func (r *keyRange) from(operand string, included bool) {
	r.low = r.base + operand
	switch {
	case included:
	case r.last:
		r.low += "\x00" // the next key
	case r.part.OrderedBeforeDelimiter():
		r.low += r.closing + keytmpl.MaxPart
	default:
		r.loose = true
	}
}

func (r *keyRange) to(operand string, included bool) {
	if r.last {
		if r.high = r.base + operand; !included {
			r.high = before(r.high)
		}
		return
	}
	if r.part.OrderedBeforeDelimiter() {
		if r.high = r.base + operand; included {
			r.high += r.closing + keytmpl.MaxPart
		}
		return
	}
	// "a!" is greater than "a", but "a!#" sorts before "a#": go up to the first such place.
	delim := string(r.part.Delimiter())
	if i := strings.IndexFunc(operand, func(c rune) bool { return c < rune(r.part.Delimiter()) }); i >= 0 {
		r.high, r.loose = r.base+operand[:i]+delim+keytmpl.MaxPart, true
		return
	}
	if r.high = r.base + operand; included {
		r.high += delim + keytmpl.MaxPart
		r.loose = true
	}
}

// before is the greatest key below s, none of which holds MaxPart.
func before(s string) string {
	r, n := utf8.DecodeLastRuneInString(s)
	s = s[:len(s)-n]
	switch r {
	case 0:
		return s
	case 0xE000:
		return s + string(rune(0xD7FF)) + keytmpl.MaxPart
	}
	return s + string(r-1) + keytmpl.MaxPart
}

func (r *keyRange) condition(name expression.KeyBuilder) expression.KeyConditionBuilder {
	low, high := r.low, r.high
	if r.base == "" {
		// No literal to stay inside of.
		if high == "" {
			return name.GreaterThanEqual(text(low))
		}
		if low == "" {
			return name.LessThanEqual(text(high))
		}
	}
	if low == "" {
		low = r.base
	}
	if high == "" {
		high = r.base + keytmpl.MaxPart
	}
	return name.Between(text(low), text(high))
}
