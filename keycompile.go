package monotable

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable/internal/codec"
	"github.com/monotable/monotable/internal/keytmpl"
)

// compileKeys makes the key of the table or of an index from its templates.
func (c *compiler) compileKeys(keys *indexKeys, templates Key, primary bool) *keySet {
	where := "Key"
	if !primary {
		where = "index " + keys.name
	}
	if len(keys.sort) == 0 && templates.Sort != "" {
		c.problems.add(where, "has a template for a sort key, which the table does not declare: see TableConfig.SortKey")
		return nil
	}
	ok := true
	compile := func(attrs []KeyAttribute, text string, limit int) (list []*keyAttr) {
		for _, attr := range attrs {
			k := c.compileKey(where, attr, text, limit)
			if ok = ok && k != nil; k != nil {
				list = append(list, k)
			}
		}
		return list
	}
	if (len(keys.partition) > 1 || len(keys.sort) > 1) && templates != (Key{}) {
		c.problems.add(where, "has a multi-attribute key, which is made of T's attributes and needs no template")
		return nil
	}
	set := newKeySet(keys, compile(keys.partition, templates.Partition, maxPartitionKey), compile(keys.sort, templates.Sort, maxSortKey))
	if !ok {
		return nil
	}
	if primary && len(set.attributes()) == 0 {
		c.problems.add(where, "has no placeholder, so there could be only one item; name the attributes that tell items apart, as in USER#{userId}")
	}
	return set
}

func (c *compiler) compileKey(where string, attr KeyAttribute, text string, limit int) *keyAttr {
	k := &keyAttr{KeyAttribute: attr, limit: limit, label: "key " + attr.Name, source: text}
	if where != "Key" {
		k.label = where + ", key " + attr.Name
	}
	own := c.plan.Field(attr.Name)
	if text == "" {
		switch {
		case attr.Name == c.table.tag && c.tagMode != TagNone:
			k.tag = true
			return k
		case c.keyNamed(attr.Name) != nil:
			// An index over a key attribute that has its template already: an inverted index, say.
			return c.keyNamed(attr.Name).lend(k)
		case own == nil:
			c.problems.add(where, "%s needs a template, for %s has no attribute of that name", attr.Name, c.typ)
			return nil
		}
		text = "{" + attr.Name + "}"
		k.source = text
	}
	if attr.Name == c.table.tag && c.tagMode != TagNone {
		c.problems.add(where, "%s is the type tag, which has no template", attr.Name)
		return nil
	}
	switch other := c.keyNamed(attr.Name); {
	case other == nil:
	case other.source != text:
		c.problems.add(where, "%s has another template elsewhere", attr.Name)
		return nil
	case other.templated():
		return other.lend(k)
	}
	if own != nil && text == "{"+attr.Name+"}" {
		return c.fieldKey(where, k)
	}
	if own != nil && own.Value.Deref().Kind != codec.String && attr.Type == types.ScalarAttributeTypeS {
		c.problems.add(where, "%s holds a key made by a template, so the field of that name in %s must be text", attr.Name, c.typ)
		return nil
	}
	if attr.Type != types.ScalarAttributeTypeS {
		return c.scalarKey(where, k, text)
	}
	var names []string
	tmpl, err := keytmpl.Parse(text, c.table.delimiter, func(name string) (keytmpl.Field, error) {
		a, err := c.named(name)
		if err != nil {
			return keytmpl.Field{}, err
		}
		if name == attr.Name {
			return keytmpl.Field{}, fmt.Errorf("{%s} is the key attribute itself; a template cannot change it", name)
		}
		names = append(names, name)
		return a.keyField(), nil
	})
	if err != nil {
		for _, e := range splitErrors(err) {
			c.problems.add(where, "%s %q: %v", attr.Name, text, e)
		}
		return nil
	}
	if literal, _ := tmpl.Prefix(nil); len(literal) > limit {
		c.problems.add(where, "%s: the literal is longer than the %d bytes of a key", attr.Name, limit)
		return nil
	}
	k.tmpl = tmpl
	for _, name := range names {
		a, _ := c.named(name)
		k.parts = append(k.parts, a)
	}
	return k
}

// lend gives k, of another key, the same value. One of them writes it.
func (k *keyAttr) lend(to *keyAttr) *keyAttr {
	k.lent = true
	shared := *k
	shared.limit, shared.label, shared.shared = to.limit, to.label, true
	return &shared
}

// keyField is what a template must know of an attribute.
func (a *attribute) keyField() keytmpl.Field {
	f := keytmpl.Field{Kind: keytmpl.KindOf(a.value.Type), Escaped: a.has(ruleEscaped)}
	if layout := a.rule(ruleTimeLayout); layout != nil {
		f.Layout = layout.value.(string)
	}
	return f
}

// keyNamed finds a key attribute that the primary key or an index compiled before gives a value to.
func (c *compiler) keyNamed(name string) *keyAttr {
	sets := []*keySet{c.primary}
	for _, s := range c.indexes {
		sets = append(sets, s)
	}
	for _, s := range sets {
		if s == nil {
			continue
		}
		for _, k := range s.all() {
			if k.Name == name {
				return k
			}
		}
	}
	return nil
}

// fieldKey is a key attribute that is an attribute of T.
func (c *compiler) fieldKey(where string, k *keyAttr) *keyAttr {
	a, err := c.attributeAt(path{nameElement(k.Name)})
	if err != nil {
		c.problems.add(where, "%s: %v", k.Name, err)
		return nil
	}
	if got := scalarType(a.value); got != k.Type {
		c.problems.add(where, "%s is a key of type %s, but %s is stored as %s", k.Name, k.Type, a.value.Type, or(string(got), "something else"))
		return nil
	}
	k.field = a
	if k.Type == types.ScalarAttributeTypeS {
		k.tmpl, _ = keytmpl.Parse("{"+k.Name+"}", c.table.delimiter, func(string) (keytmpl.Field, error) {
			return keytmpl.Field{Kind: keytmpl.Text}, nil
		})
	}
	return k
}

// scalarKey is a number or binary key made of one attribute of another name.
func (c *compiler) scalarKey(where string, k *keyAttr, text string) *keyAttr {
	name, opened := strings.CutPrefix(text, "{")
	name, closed := strings.CutSuffix(name, "}")
	if !opened || !closed || strings.ContainsAny(name, "{}:") {
		c.problems.add(where, "%s is of type %s, so its template must be one placeholder alone", k.Name, k.Type)
		return nil
	}
	a, err := c.named(name)
	if err != nil {
		c.problems.add(where, "%s: %v", k.Name, err)
		return nil
	}
	if got := scalarType(a.value); got != k.Type {
		c.problems.add(where, "%s is of type %s, which %s of type %s cannot fill", k.Name, k.Type, name, a.value.Type)
		return nil
	}
	k.parts = []*attribute{a}
	return k
}

// scalarType is the DynamoDB type a value is stored as, if keys can have it.
func scalarType(v *codec.Value) types.ScalarAttributeType {
	switch v = v.Deref(); v.Kind {
	case codec.String, codec.Time, codec.NumberString:
		return types.ScalarAttributeTypeS
	case codec.Number, codec.UnixTime:
		return types.ScalarAttributeTypeN
	case codec.Binary:
		return types.ScalarAttributeTypeB
	case codec.Custom:
		if av, err := v.Encode(reflect.Zero(v.Type)); err == nil {
			switch av.(type) {
			case *types.AttributeValueMemberS:
				return types.ScalarAttributeTypeS
			case *types.AttributeValueMemberN:
				return types.ScalarAttributeTypeN
			case *types.AttributeValueMemberB:
				return types.ScalarAttributeTypeB
			}
		}
	}
	return ""
}

// compileIndexes finds the indexes the entity is in: those with templates, and those whose keys it has anyway.
func (c *compiler) compileIndexes(templates map[string]Key, specs []*ruleSpec) {
	for name := range templates {
		if c.table.indexes[name] == nil {
			c.problems.add("index "+name, "the table declares no such index%s", nearest(name, indexNames(c.table)))
		}
	}
	// Indexes with all their templates come first, and those without any last: they may share attributes of others.
	given := slices.DeleteFunc(indexNames(c.table), func(name string) bool { _, ok := templates[name]; return !ok })
	slices.SortStableFunc(given, func(a, b string) int {
		return cmp.Compare(c.table.indexes[a].lacking(templates[a]), c.table.indexes[b].lacking(templates[b]))
	})
	for _, name := range given {
		keys, templ := c.table.indexes[name], templates[name]
		if keys.local && templ.Partition == "" && c.primary != nil && c.primary.partition[0].tmpl != nil {
			templ.Partition = c.primary.partition[0].tmpl.Text
		}
		if set := c.compileKeys(keys, templ, false); set != nil {
			c.indexes[name] = set
		}
	}
	for _, name := range indexNames(c.table) {
		keys := c.table.indexes[name]
		if _, given := templates[name]; !given && c.hasAll(keys) {
			if set := c.compileKeys(keys, Key{}, false); set != nil {
				c.indexes[name] = set
			}
		}
	}
	for _, name := range indexNames(c.table) {
		if set := c.indexes[name]; set != nil {
			c.inIndexes = append(c.inIndexes, set)
		}
	}
	for _, spec := range specs {
		for i, part := range spec.parts {
			if part.kind == ruleIndexWhen && spec.loc.err == nil {
				c.addIndexWhen(&spec.parts[i])
			}
		}
	}
}

// lacking is for how many of its keys an index has no template.
func (keys *indexKeys) lacking(templates Key) (n int) {
	if templates.Partition == "" && !keys.local { // it is the table's
		n++
	}
	if len(keys.sort) > 0 && templates.Sort == "" {
		n++
	}
	return n
}

func indexNames(t *tableCore) []string {
	names := make([]string, 0, len(t.indexes))
	for name := range t.indexes {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// hasAll says whether every key attribute of the index has a value without a template.
func (c *compiler) hasAll(keys *indexKeys) bool {
	for _, k := range keys.all() {
		if (k.Name != c.table.tag || c.tagMode == TagNone) && c.plan.Field(k.Name) == nil && c.keyNamed(k.Name) == nil {
			return false
		}
	}
	return true
}

func (c *compiler) addIndexWhen(part *rulePart) {
	name := part.value.(string)
	set := c.indexes[name]
	switch {
	case part.err != nil:
		c.problems.add("index "+name, "IndexWhen: %v", part.err)
		return
	case set == nil:
		c.problems.add("index "+name, "IndexWhen: the entity is not in this index")
		return
	case set.when != nil:
		c.problems.add("index "+name, "IndexWhen is given twice")
		return
	case !slices.ContainsFunc(set.all(), func(k *keyAttr) bool { return k.computed() && !k.lent }):
		c.problems.add("index "+name, "IndexWhen needs a key made by a template, for this index alone: an attribute of T, or of another key, cannot come and go")
		return
	}
	if len(part.reads) == 0 {
		c.problems.add("index "+name, "IndexWhen must name the attributes it reads")
	}
	c.checkReads("index "+name, *part)
	var reads []*attribute
	for _, loc := range part.reads {
		if a, err := c.attributeAt(loc.path); loc.err == nil && err == nil {
			reads = append(reads, a)
		}
	}
	set.onlyWhen(part, reads)
}
