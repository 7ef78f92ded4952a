package monotable

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/monotable/monotable/internal/codec"
)

// compiler collects what is wrong with a schema while it makes the model.
type compiler struct {
	*model
	problems *DefinitionError
}

// rawSchema is a Schema free of type parameters. A rule that is nil is an empty one.
type rawSchema struct {
	name, family string
	aliases      []string
	key          Key
	indexes      map[string]Key
	rules        []*ruleSpec
	validate     func(item any) error
	tag          TagMode
	upgrades     []Upgrade
	typ          reflect.Type
}

func (s *Schema[T]) compile(t *tableCore) (*model, error) {
	raw := rawSchema{
		name: s.Name, family: s.Family, aliases: s.Aliases, key: s.Key, indexes: s.Indexes, tag: s.Tag, upgrades: s.Upgrades,
		rules: make([]*ruleSpec, len(s.Rules)), typ: reflect.TypeFor[T](),
	}
	for i, r := range s.Rules {
		if r != nil {
			raw.rules[i] = r.rule(nil)
		}
	}
	if validate := s.Validate; validate != nil {
		raw.validate = func(item any) error { return validate(item.(*T)) }
	}
	return raw.compile(t)
}

func (s *rawSchema) compile(t *tableCore) (*model, error) {
	m := &model{
		table: t, name: s.name, aliases: slices.Clone(s.aliases), family: s.family, tagMode: s.tag, typ: s.typ, validate: s.validate,
		upgrades:   slices.Clone(s.upgrades),
		upgrading:  s.upgrades != nil,
		attributes: map[string]*attribute{},
		indexes:    map[string]*keySet{},
	}
	c := &compiler{model: m, problems: &DefinitionError{Name: "entity " + or(s.name, m.typ.String())}}
	if s.name == "" {
		c.problems.add("Name", "is empty; it is stored in every item")
	}
	if m.typ.Kind() != reflect.Struct {
		c.problems.add("", "%s is no struct; T is the struct itself, not a pointer to it", m.typ)
		return nil, c.problems
	}
	specs := make([]*ruleSpec, 0, len(s.rules))
	for i, spec := range s.rules {
		if spec == nil {
			c.problems.add(fmt.Sprintf("Rules[%d]", i), "is empty; make rules from attributes")
			continue
		}
		specs = append(specs, spec)
	}
	if !c.compilePlan(specs) {
		return nil, c.problems
	}
	for _, spec := range specs {
		c.addRules(spec)
	}
	c.primary = c.compileKeys(&t.primary, s.key, true)
	c.compileIndexes(s.indexes, specs)
	c.checkRules()
	c.compileUnique()
	c.orderDerived()
	c.checkKeyFields()
	c.compileReadDefaults()
	c.conceal()
	c.checkDefaults()
	c.checkUpgrades()
	if len(c.problems.Problems) == 0 {
		m.room = 3 // tag, schema version, write id
		for _, set := range append(slices.Clone(m.sets()), m.primary) {
			m.room += len(set.all())
		}
		c.compileCopies()
		m.compileJSON()
		t.learn(m, c.problems) // from here on others may have it: nothing of it is changed
	}
	if index := m.tagInIndex(); index != "" && len(m.aliases) > 0 && len(c.problems.Problems) == 0 {
		t.logger.Warn("monotable: items stored under an alias are not found by an index whose key has the type tag, until they are written again", "entity", m.name, "index", index)
	}
	if err := c.problems.orNil(); err != nil {
		return nil, err
	}
	return m, nil
}

// compilePlan makes the codec's plan; some rules change how an attribute is stored.
func (c *compiler) compilePlan(specs []*ruleSpec) bool {
	opts := codec.Options{TimeLayouts: map[string]string{}, UnixTimes: map[string]bool{}}
	for _, spec := range specs {
		for _, part := range spec.parts {
			switch {
			case spec.loc.err != nil:
			case part.kind == ruleTimeLayout:
				opts.TimeLayouts[spec.loc.path.String()] = part.value.(string)
			case part.kind == ruleExpiresAt:
				opts.UnixTimes[spec.loc.path.String()] = true
			}
		}
	}
	plan, err := codec.Compile(c.typ, opts)
	if err == nil {
		c.plan = plan
		return true
	}
	for _, e := range splitErrors(err) {
		if fe, ok := errors.AsType[*codec.FieldError](e); ok {
			c.problems.add(fe.Path, "%v", fe.Err)
		} else {
			c.problems.add("", "%v", e)
		}
	}
	return false
}

// splitErrors takes apart what errors.Join put together.
func splitErrors(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, e := range joined.Unwrap() {
			all = append(all, splitErrors(e)...)
		}
		return all
	}
	return []error{err}
}

// attributeAt finds an attribute of T that is reached through structs only.
func (c *compiler) attributeAt(p path) (*attribute, error) {
	if a := c.attributes[p.String()]; a != nil {
		return a, nil
	}
	value, err := valueAt(c.plan, p)
	if err != nil {
		return nil, err
	}
	chain, ok := fieldChain(c.plan, p)
	if !ok {
		return nil, errors.New("must be a field of T or of a struct in T")
	}
	a := &attribute{path: p, chain: chain, value: value}
	c.attributes[p.String()] = a
	return a, nil
}

// named finds the attribute a placeholder names: a stored name, or a path of them.
func (c *compiler) named(name string) (*attribute, error) {
	if c.plan.Field(name) != nil {
		return c.attributeAt(path{nameElement(name)})
	}
	var p path
	for word := range strings.SplitSeq(name, ".") {
		p = append(p, nameElement(word))
	}
	if len(p) > 1 {
		if a, err := c.attributeAt(p); err == nil {
			return a, nil
		}
	}
	return nil, fmt.Errorf("{%s}: %s has no such attribute%s", name, c.typ, nearest(name, attributeNames(c.plan)))
}

func (c *compiler) addRules(spec *ruleSpec) {
	if spec.loc.err != nil {
		c.problems.add("", "%v", spec.loc.err)
		return
	}
	if len(spec.loc.path) == 0 {
		return // IndexWhen, see compileIndexes
	}
	a, err := c.attributeAt(spec.loc.path)
	if err != nil {
		c.problems.add(spec.loc.path.String(), "rules: %v", err)
		return
	}
	if len(a.parts) == 0 {
		c.ruled = append(c.ruled, a)
	}
	for _, part := range spec.parts {
		several := part.kind == ruleTransform || part.kind == ruleValidate
		if a.has(part.kind) && !several {
			c.problems.add(a.String(), "%s is given twice", part.kind)
			continue
		}
		if part.err != nil {
			c.problems.add(a.String(), "%s: %v", part.kind, part.err)
			continue
		}
		a.parts = append(a.parts, part)
	}
}

// checkRules looks for rules that mean nothing, or something else than their user thinks.
func (c *compiler) checkRules() {
	roles := map[ruleKind]**attribute{ruleVersion: &c.version, ruleCreatedAt: &c.createdAt, ruleUpdatedAt: &c.updatedAt, ruleExpiresAt: &c.expires}
	for _, a := range c.ruled {
		if len(a.chain) == 1 && a.chain[0].Name == c.table.tag {
			c.problems.add(a.String(), "is the type tag, which monotable writes")
		}
		for _, part := range a.parts {
			c.checkRule(a, part)
			role := roles[part.kind]
			if role == nil {
				continue
			}
			if *role != nil {
				c.problems.add(a.String(), "%s is already %s", part.kind, *role)
			}
			*role = a
			computed := a.has(ruleDefaultFunc) || a.has(ruleDerived)
			if a.has(ruleDefault) || a.has(ruleDefaultZero) || a.has(ruleReadDefault) || a.has(ruleTransform) || computed && part.kind != ruleExpiresAt {
				c.problems.add(a.String(), "%s is written by monotable, so it takes no default, transform or derived value", part.kind)
			}
			if a.value.Type.Kind() == reflect.Pointer && part.kind == ruleVersion {
				c.problems.add(a.String(), "Version cannot be a pointer")
			}
			if len(a.chain) > 1 && (part.kind == ruleVersion || part.kind == ruleExpiresAt) {
				c.problems.add(a.String(), "%s must be a top-level attribute", part.kind)
			}
		}
	}
}

// checkDefaults refuses a default that the attribute's own rules would refuse in every item. Validate and Transform are the caller's code, which waits for items.
func (c *compiler) checkDefaults() {
	for _, a := range c.ruled {
		if (a.has(ruleDefault) || a.has(ruleDefaultZero)) && !c.isReworked(a) {
			c.checkDefault(a)
		}
	}
}

// isReworked says that other rules may change what a default has filled in.
func (c *compiler) isReworked(a *attribute) bool {
	return slices.ContainsFunc(c.ruled, func(b *attribute) bool {
		return (b.has(ruleTransform) || b.has(ruleDerived)) && (a.path.under(b.path) || b.path.under(a.path))
	})
}

func (c *compiler) checkDefault(a *attribute) {
	item := reflect.New(c.typ).Elem()
	v := place(item, a.chain)
	if err := c.fillDefault(a, item); err != nil || v.IsZero() {
		return
	}
	for _, part := range a.parts {
		if part.check == nil || part.kind == ruleValidate {
			continue
		}
		switch err := part.check(v.Interface()); {
		case err == nil:
		case a.concealed: // what the rule says may be a value
			c.problems.add(a.String(), "Default: refused by %s", part.kind)
		default:
			c.problems.add(a.String(), "Default: %v", err)
		}
	}
}

// conceal finds the attributes of which no text may have a value.
func (c *compiler) conceal() {
	for _, a := range c.attributes {
		a.concealed = slices.ContainsFunc(c.ruled, func(b *attribute) bool { return b.has(ruleHidden) && a.path.under(b.path) })
	}
}

func (c *compiler) checkRule(a *attribute, part rulePart) {
	counts := meansSomethingAtZero(a.value.Type)
	switch part.kind {
	case ruleDefault, ruleRequired:
		if counts {
			c.problems.add(a.String(), "%s: zero means something for type %s: use a pointer%s", part.kind, a.value.Type,
				map[ruleKind]string{ruleDefault: ", or DefaultZero to say that zero means \"not given\"", ruleRequired: ", or Min"}[part.kind])
		}
	case ruleDefaultZero:
		if !counts {
			c.problems.add(a.String(), "DefaultZero is for numbers and bools; use Default")
		}
	case ruleDerived:
		if len(part.reads) == 0 {
			c.problems.add(a.String(), "Derived must name the attributes it reads")
		}
		if a.has(ruleDefault) || a.has(ruleDefaultZero) || a.has(ruleDefaultFunc) {
			c.problems.add(a.String(), "Derived is always computed, so a default is never used")
		}
	}
	c.checkReads(a.String(), part)
}

// orderDerived puts derived attributes after those they read.
func (c *compiler) orderDerived() {
	const visiting, done = 1, 2
	state := map[*attribute]int{}
	var visit func(a *attribute)
	visit = func(a *attribute) {
		part := a.rule(ruleDerived)
		if part == nil || state[a] == done {
			return
		}
		if state[a] == visiting {
			c.problems.add(a.String(), "Derived reads itself, directly or through others")
			return
		}
		state[a] = visiting
		for _, other := range c.ruled {
			for _, loc := range part.reads {
				if loc.path.under(other.path) || other.path.under(loc.path) {
					visit(other)
				}
			}
		}
		state[a] = done
		c.derived = append(c.derived, a)
	}
	for _, a := range c.ruled {
		visit(a)
	}
}

func (c *compiler) checkReads(where string, part rulePart) {
	for _, loc := range part.reads {
		if loc.err != nil {
			c.problems.add(where, "%s reads: %v", part.kind, loc.err)
		} else if _, err := c.attributeAt(loc.path); err != nil {
			c.problems.add(where, "%s reads %s: %v", part.kind, loc.path, err)
		}
	}
}

// meansSomethingAtZero says that zero is an ordinary value of the type.
func meansSomethingAtZero(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Bool, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Float32, reflect.Float64:
		return true
	}
	return false
}

// checkKeyFields looks at the attributes that make the primary key, and at the version.
func (c *compiler) checkKeyFields() {
	if f := c.plan.Field(c.table.writeID); f != nil && f.Value.Deref().Kind != codec.String && c.version != nil {
		c.problems.add(f.Name, "holds the write id, so the field must be text")
	}
	if f := c.plan.Field(c.table.tag); f != nil && f.Value.Deref().Kind != codec.String && c.tagMode != TagNone {
		c.problems.add(f.Name, "holds the type tag, so the field must be text")
	}
	if c.version != nil && c.version.chain[0].OmitEmpty {
		c.problems.add(c.version.String(), "omitempty would lose version 0")
	}
	if c.primary == nil {
		return
	}
	for _, a := range c.primary.attributes() {
		switch {
		case a.chain[len(a.chain)-1].OmitEmpty:
			c.problems.add(a.String(), "is part of the primary key, so it cannot be omitempty")
		case a.has(ruleDerived):
			c.problems.add(a.String(), "is part of the primary key, so it cannot be Derived: put what it reads into the template")
		case a.has(ruleVersion), a.has(ruleUpdatedAt), a.has(ruleExpiresAt):
			c.problems.add(a.String(), "changes with writes, so it cannot be part of the primary key")
		}
	}
}

// compileReadDefaults encodes what reads fill in, and refuses it where writes go by what is stored.
func (c *compiler) compileReadDefaults() {
	for _, a := range c.ruled {
		part := a.rule(ruleReadDefault)
		if part == nil {
			continue
		}
		if made := c.goesInto(a); made != "" {
			c.problems.add(a.String(), "ReadDefault: %s follows from what is stored, so an item without the attribute would not have it", made)
		}
		if a.has(ruleDerived) {
			c.problems.add(a.String(), "ReadDefault: Derived is computed by every write; an Upgrade fills it in older items")
		}
		av, err := c.encodeAt(a.path, part.value)
		if err == nil && av == nil {
			err = errors.New("the value cannot be stored")
		}
		if err != nil {
			c.problems.add(a.String(), "ReadDefault: %s", bare(err))
			continue
		}
		a.readDefault = av
		c.readDefaults = append(c.readDefaults, a)
	}
}

// goesInto names a key or guard that the attribute is a part of, or "".
func (c *compiler) goesInto(a *attribute) string {
	if c.primary != nil && c.primary.uses(a.path) {
		return "the primary key"
	}
	for _, name := range indexNames(c.table) {
		if set := c.indexes[name]; set != nil && set.uses(a.path) {
			return "the key of index " + name
		}
	}
	for _, u := range c.uniques {
		if slices.ContainsFunc(u.inputs, func(in *attribute) bool { return in.path.under(a.path) || a.path.under(in.path) }) {
			return "the guard of " + u.attribute.String()
		}
	}
	return ""
}

func (c *compiler) checkUpgrades() {
	if c.upgrading && c.plan.Field(c.table.schemaVersion) != nil {
		c.problems.add(c.table.schemaVersion, "holds the schema version, which monotable writes: give one of them another name, see TableConfig.SchemaVersion")
	}
	for i, upgrade := range c.upgrades {
		if upgrade == nil {
			c.problems.add(fmt.Sprintf("Upgrades[%d]", i), "is nil")
		}
	}
}
