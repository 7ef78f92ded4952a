package keytmpl

import "math/bits"

// class is a set of bytes.
type class [4]uint64

func (c class) has(b byte) bool { return c[b>>6]&(1<<(b&63)) != 0 }

func (c *class) add(from, to byte) {
	for b := int(from); b <= int(to); b++ {
		c[b>>6] |= 1 << (b & 63)
	}
}

func (c class) meets(d class) bool {
	return c[0]&d[0]|c[1]&d[1]|c[2]&d[2]|c[3]&d[3] != 0
}

func (c class) min() byte {
	for i, word := range c {
		if word != 0 {
			return byte(i*64 + bits.TrailingZeros64(word))
		}
	}
	return 255
}

// class is the set of bytes that texts of the part consist of.
func (p Part) class() class {
	var c class
	switch {
	case p.raw:
		c.add(0, 255)
	case p.Kind == Integer || p.Kind == Decimal:
		c.add('0', '9')
		c.add('-', '-')
		if p.decs > 0 {
			c.add('.', '.')
		}
	case p.Kind == Bool:
		c.add('a', 'z')
	case p.Kind == Bytes:
		c.add('0', '9')
		c.add('a', 'f')
	case p.Kind == Time && p.layout == "":
		c.add('0', ':') // digits and the colon
		for _, b := range []byte("-.TZ") {
			c.add(b, b)
		}
	default:
		c.add(0, 255)
		c[p.delim>>6] &^= 1 << (p.delim & 63)
	}
	return c
}

// step is one position of the automaton that accepts the keys of a template.
type step struct {
	class    class
	optional bool // may be skipped
	repeat   bool // may be taken again
}

func (p Part) steps() []step {
	one := func(b byte) class { var c class; c.add(b, b); return c }
	var digit class
	digit.add('0', '9')
	switch {
	case p.width > 0:
		steps := []step{{class: one('-'), optional: true}}
		for range p.width {
			steps = append(steps, step{class: digit})
		}
		if p.decs > 0 {
			steps = append(steps, step{class: one('.')})
		}
		for range p.decs {
			steps = append(steps, step{class: digit})
		}
		return steps
	case p.Kind == Integer:
		return []step{{class: one('-'), optional: true}, {class: digit, repeat: true}}
	case p.fixed():
		steps := make([]step, len(TimeLayout))
		for i := range steps {
			if c := TimeLayout[i]; c >= '0' && c <= '9' {
				steps[i].class = digit
			} else {
				steps[i].class = one(c)
			}
		}
		return steps
	}
	return []step{{class: p.class(), repeat: true}}
}

func (t *Template) steps() []step {
	var steps []step
	for i, literal := range t.literals {
		for j := range len(literal) {
			var c class
			c.add(literal[j], literal[j])
			steps = append(steps, step{class: c})
		}
		if i < len(t.Parts) {
			steps = append(steps, t.Parts[i].steps()...)
		}
	}
	return steps
}

// Overlap says whether some key could be made by both templates. It may say
// yes where the answer is no, never the other way round.
func Overlap(a, b *Template) bool { return meet(a.steps(), b.steps()) }

// PrefixOverlap says whether the template could make a key that begins with prefix.
func PrefixOverlap(t *Template, prefix string) bool {
	var any class
	any.add(0, 255)
	literal := &Template{literals: []string{prefix}}
	return meet(t.steps(), append(literal.steps(), step{class: any, optional: true, repeat: true}))
}

// meet walks both automata side by side over the bytes both can take.
func meet(a, b []step) bool {
	type pair struct{ i, j int }
	seen := map[pair]bool{}
	todo := []pair{{0, 0}}
	push := func(i, j int) {
		if p := (pair{i, j}); !seen[p] {
			seen[p] = true
			todo = append(todo, p)
		}
	}
	for len(todo) > 0 {
		p := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if p.i == len(a) && p.j == len(b) {
			return true
		}
		if p.i < len(a) && a[p.i].optional {
			push(p.i+1, p.j)
		}
		if p.j < len(b) && b[p.j].optional {
			push(p.i, p.j+1)
		}
		if p.i == len(a) || p.j == len(b) || !a[p.i].class.meets(b[p.j].class) {
			continue
		}
		push(p.i+1, p.j+1)
		if a[p.i].repeat {
			push(p.i, p.j+1)
		}
		if b[p.j].repeat {
			push(p.i+1, p.j)
		}
		if a[p.i].repeat && b[p.j].repeat {
			push(p.i, p.j)
		}
	}
	return false
}
