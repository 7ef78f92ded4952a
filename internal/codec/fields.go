package codec

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"
)

// goField is a candidate for an attribute: a field of a struct or one promoted
// from an embedded struct.
type goField struct {
	tag    tag
	sf     reflect.StructField
	index  []int
	goPath string // Go names from the outer struct, for messages
}

func (f *goField) name() string {
	if f.tag.name != "" {
		return f.tag.name
	}
	return f.sf.Name
}

// embedded is a struct whose fields are still to be collected.
type embedded struct {
	t      reflect.Type
	index  []int
	goPath string
}

// structFields returns the fields of t that are stored, in order of declaration.
// Embedded structs are entered level by level, because a field hides those of
// the same stored name further down, as it does in Go.
func (c *compiler) structFields(t reflect.Type, path string) []goField {
	var all []goField
	seen := map[reflect.Type]bool{}
	for next := []embedded{{t: t}}; len(next) > 0; {
		now := next
		next = nil
		count := map[reflect.Type]int{}
		for _, e := range now {
			// What a type contributes on a higher level hides what it would
			// contribute here; twice on one level is enough to be ambiguous.
			if seen[e.t] || count[e.t] == 2 {
				continue
			}
			count[e.t]++
			for i := range e.t.NumField() {
				f, inner := c.goField(e, i, path)
				if f != nil {
					all = append(all, *f)
				}
				if inner != nil {
					next = append(next, *inner)
				}
			}
		}
		for t := range count {
			seen[t] = true
		}
	}
	return c.visible(all, path)
}

// goField looks at the i-th field of e: it is stored, or entered, or neither.
func (c *compiler) goField(e embedded, i int, path string) (*goField, *embedded) {
	sf := e.t.Field(i)
	goPath := sf.Name
	if e.goPath != "" {
		goPath = e.goPath + "." + sf.Name
	}
	tag, err := parseTag(sf.Tag)
	if tag.ignore {
		return nil, nil
	}
	f := goField{tag: tag, sf: sf, index: append(slices.Clone(e.index), i), goPath: goPath}
	report := func(err error) { c.report(join(path, f.name()), err) }
	if err != nil {
		report(err)
	}
	t := sf.Type
	if t.Kind() == reflect.Pointer && t.Name() == "" {
		t = t.Elem()
	}
	if sf.Anonymous && tag.name == "" && t.Kind() == reflect.Struct {
		switch {
		case tag.omitEmpty || tag.placement != placement{}:
			report(errors.New("options on an embedded struct without a name have no effect"))
		case isTime(t) || isBig(t) || isMarshaler(t) || isUnmarshaler(t):
			report(fmt.Errorf("embedded %s is stored as a whole and needs a name", t))
		case !sf.IsExported() && sf.Type.Kind() == reflect.Pointer:
			report(fmt.Errorf("embedded pointer to unexported %s cannot be set when reading", t))
		default:
			return nil, &embedded{t: t, index: f.index, goPath: goPath}
		}
		return nil, nil
	}
	if !sf.IsExported() {
		if _, tagged := sf.Tag.Lookup(tagKey); tagged {
			report(errors.New("unexported field has a dynamodbav tag"))
		}
		return nil, nil
	}
	if !utf8.ValidString(f.name()) {
		c.report(join(path, sf.Name), fmt.Errorf("stored name: %w", ErrUTF8))
		return nil, nil
	}
	return &f, nil
}

// visible drops hidden fields and reports those that could not be told apart.
func (c *compiler) visible(all []goField, path string) []goField {
	byName := map[string][]goField{}
	var names []string
	for _, f := range all {
		name := f.name()
		if byName[name] == nil {
			names = append(names, name)
		}
		byName[name] = append(byName[name], f)
	}
	out := make([]goField, 0, len(all))
	for _, name := range names {
		f, rival := dominant(byName[name])
		if rival != nil {
			c.report(join(path, name), fmt.Errorf("stored name is ambiguous: Go fields %s and %s", f.goPath, rival.goPath))
		}
		out = append(out, f)
	}
	slices.SortFunc(out, func(a, b goField) int { return slices.Compare(a.index, b.index) })
	for i := range out {
		for j := range i {
			a, b := out[j].name(), out[i].name()
			if a != b && strings.EqualFold(a, b) {
				c.report(join(path, b), fmt.Errorf("stored name differs from %s by letter case only", a))
			}
		}
	}
	return out
}

// dominant returns the field that wins its stored name: the one least deep, and
// among those the one that is named by its tag. A rival is as good.
func dominant(fs []goField) (win goField, rival *goField) {
	better := func(a, b goField) int {
		if d := len(a.index) - len(b.index); d != 0 {
			return d
		}
		return boolToInt(a.tag.name == "") - boolToInt(b.tag.name == "")
	}
	win = fs[0]
	for _, f := range fs[1:] {
		switch d := better(f, win); {
		case d < 0:
			win, rival = f, nil
		case d == 0 && rival == nil:
			rival = &f
		}
	}
	return win, rival
}

func boolToInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
