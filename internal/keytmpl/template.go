// Package keytmpl compiles key templates such as "ORG#{org}#U#{n:010}".
//
// A template is literals and placeholders. It runs both ways: [Template.Render]
// joins formatted parts into a key, [Template.Match] takes a key apart again.
// [Parse] refuses what could not be taken apart, so two different lists of parts
// never make one key.
package keytmpl

import (
	"errors"
	"fmt"
	"strings"
)

// MaxPart is the one character that no part may contain: it sorts after
// every other and so closes a range.
const MaxPart = "\U0010FFFF"

// Field is what a template must know about the attribute a placeholder names.
type Field struct {
	Kind    Kind
	Escaped bool   // delimiters in the value are escaped instead of refused
	Layout  string // time layout, when it is not the canonical one
}

// Resolver finds the attribute of a placeholder. Its error says what is wrong with the name.
type Resolver func(name string) (Field, error)

// Template is a compiled template. It is immutable.
type Template struct {
	Text  string
	Parts []Part

	literals []string // literals[i] stands before Parts[i]; the last one closes the template
	delim    byte
}

// Parse compiles text and reports all of its mistakes.
func Parse(text string, delim byte, resolve Resolver) (*Template, error) {
	t := &Template{Text: text, delim: delim}
	var errs []error
	seen := map[string]bool{}
	rest := text
	var literal strings.Builder
	for rest != "" {
		i := strings.IndexAny(rest, "{}")
		if i < 0 {
			literal.WriteString(rest)
			break
		}
		literal.WriteString(rest[:i])
		if i > 0 && rest[i-1] == '$' && rest[i] == '{' && delim != '$' {
			errs = append(errs, errors.New(`"$" before "{"; a placeholder is {name}`))
		}
		if rest[i] == '}' {
			errs = append(errs, errors.New(`"}" without "{"; braces cannot be literals`))
			rest = rest[i+1:]
			continue
		}
		end := strings.IndexAny(rest[i+1:], "{}")
		if end < 0 || rest[i+1+end] == '{' {
			errs = append(errs, fmt.Errorf(`unclosed "{" at byte %d; braces do not nest`, len(text)-len(rest)+i))
			break
		}
		inner := rest[i+1 : i+1+end]
		rest = rest[i+end+2:]
		part, err := parsePart(inner, delim, resolve)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if seen[part.Name] {
			errs = append(errs, fmt.Errorf("{%s} is repeated", part.Name))
		}
		seen[part.Name] = true
		t.literals = append(t.literals, literal.String())
		literal.Reset()
		t.Parts = append(t.Parts, part)
	}
	t.literals = append(t.literals, literal.String())
	if len(errs) == 0 {
		errs = t.checkUnambiguous()
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return t, nil
}

func parsePart(inner string, delim byte, resolve Resolver) (Part, error) {
	name, spec, _ := strings.Cut(inner, ":")
	if name == "" {
		return Part{}, errors.New("{} names no attribute")
	}
	field, err := resolve(name)
	if err != nil {
		return Part{}, err
	}
	return newPart(name, spec, field, delim)
}

// checkUnambiguous makes sure that the end of every part can be found again.
func (t *Template) checkUnambiguous() []error {
	var errs []error
	if len(t.Parts) == 1 && t.literals[0] == "" && t.literals[1] == "" && !t.Parts[0].escaped {
		// Nothing stands beside the value, so it may hold anything.
		t.Parts[0].raw = true
	}
	for i, p := range t.Parts {
		next := t.literals[i+1]
		last := i == len(t.Parts)-1 && next == ""
		switch {
		case last:
		case p.raw:
			errs = append(errs, fmt.Errorf("{%s:raw} must end the template", p.Name))
		case p.fixed():
		case next == "":
			errs = append(errs, fmt.Errorf("{%s} is followed by another placeholder, so it needs a fixed width: pad it, or put the delimiter %q between", p.Name, t.delim))
		case p.class().has(next[0]):
			errs = append(errs, fmt.Errorf("{%s} is followed by %q, which its values may contain: put the delimiter %q after it", p.Name, next[:1], t.delim))
		}
	}
	return errs
}

// Render joins the formatted parts, all of them, in order.
func (t *Template) Render(parts []string) string {
	key, _ := t.Prefix(parts)
	return key
}

// Prefix joins the first parts and the literal that follows them, up to the next
// placeholder. It says whether the key is complete. An unfinished key thus
// ends in its delimiter and never matches a longer neighbour.
func (t *Template) Prefix(parts []string) (string, bool) {
	if len(t.Parts) == 0 {
		return t.literals[0], true
	}
	var b strings.Builder
	b.WriteString(t.literals[0])
	for i, p := range parts {
		b.WriteString(p)
		b.WriteString(t.literals[i+1])
	}
	return b.String(), len(parts) == len(t.Parts)
}

// Open joins the first parts but leaves the last of them open: what follows it is
// not added, so the result is a prefix of every key whose part begins that way.
func (t *Template) Open(parts []string) string {
	key, _ := t.Prefix(parts)
	return strings.TrimSuffix(key, t.literals[len(parts)])
}

// Literal is the literal before the part of that index; index len(Parts) is the closing one.
func (t *Template) Literal(i int) string { return t.literals[i] }

// Match takes a key apart into the texts of its parts, still escaped and padded.
// It is the inverse of Render and says false for a key that Render cannot make.
func (t *Template) Match(key string) ([]string, bool) {
	rest, ok := strings.CutPrefix(key, t.literals[0])
	if !ok {
		return nil, false
	}
	parts := make([]string, 0, len(t.Parts))
	for i, p := range t.Parts {
		n := p.length(rest, t.literals[i+1], i == len(t.Parts)-1)
		if n < 0 || n > len(rest) || !p.accepts(rest[:n]) {
			return nil, false
		}
		parts = append(parts, rest[:n])
		if rest, ok = strings.CutPrefix(rest[n:], t.literals[i+1]); !ok {
			return nil, false
		}
	}
	return parts, rest == ""
}
