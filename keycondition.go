package monotable

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable/internal/codec"
	"github.com/monotable/monotable/internal/keytmpl"
)

// compileQuery compiles a query or scan.
func (m *model) compileQuery(spec *querySpec) (*readPlan, error) {
	if spec.err != nil {
		return nil, spec.err
	}
	p := &readPlan{m: m, spec: spec, set: m.primary, equal: attributeMap{}, dropsForeign: m.tagMode != TagRequired}
	if spec.index != "" {
		if p.set = m.indexes[spec.index]; p.set == nil {
			if m.table.indexes[spec.index] == nil {
				return nil, invalidf("table %s declares no index %q%s", m.table.name, spec.index, nearest(spec.index, indexNames(m.table)))
			}
			return nil, invalidf("%s is not in index %q: it has no template for it in Schema.Indexes", m.name, spec.index)
		}
		if spec.options.consistent && !p.set.local && !spec.hydrate {
			return nil, invalidf("index %q is global, so it has no consistent reads", spec.index)
		}
	}
	p.keys, p.segment = p.keyNames(), spec.segment
	p.tagged = p.set.projects(&m.table.primary, m.table.tag)
	k := &keyCompiler{exprBuilder: newExprBuilder(m), plan: p}
	var err error
	if spec.scan {
		err = k.scan()
	} else {
		err = k.query()
	}
	if err == nil {
		err = k.scope()
	}
	if err == nil && spec.members == nil {
		err = k.filters()
	}
	if err == nil {
		err = k.project()
	}
	if err != nil {
		return nil, err
	}
	if p.expr, err = k.build(); err != nil {
		return nil, err
	}
	p.dropsForeign = p.dropsForeign && spec.members == nil
	p.filtered = p.expr.filter != nil || p.dropsExpired || p.dropsForeign && p.foreign
	if err := p.strict(); err != nil {
		return nil, err
	}
	if spec.parallel && spec.cursor != "" {
		return nil, invalidf("a parallel scan takes no cursor: read its segments, see Segment")
	}
	p.start, err = p.resume(spec.cursor)
	return p, err
}

// keyCompiler compiles the key condition of a query, and what else narrows it to the entity.
type keyCompiler struct {
	*exprBuilder
	plan   *readPlan
	prefix string // what all sort keys in the range begin with
	exact  bool   // prefix is the whole sort key
}

func (k *keyCompiler) query() error {
	if k.plan.spec.segments > 0 {
		return invalidf("Segment and Parallel are for scans")
	}
	key := frozen(k.plan.spec.key.Addr().Interface())
	for _, attr := range k.plan.set.partition {
		for _, a := range attr.attributes() {
			transformAt(a, key)
		}
		av, err := attr.of(k.m, key)
		if err != nil {
			return err
		}
		if av == nil {
			return invalidf("%s, the partition key, needs %s%s", attr.Name, k.m.emptyPart(attr, key), k.forgottenIndex(key))
		}
		k.plan.equal[attr.Name] = av
		k.key = append(k.key, k.top(attr.Name).Equal(value(av)))
	}
	if k.plan.spec.members != nil {
		return k.collection()
	}
	if err := k.sortKey(); err != nil {
		return err
	}
	return k.narrow()
}

// forgottenIndex suggests an index whose partition key would be whole: the query is perhaps meant for it.
func (k *keyCompiler) forgottenIndex(key reflect.Value) string {
	if k.plan.spec.members != nil {
		return ""
	}
	for _, name := range indexNames(k.m.table) {
		if set := k.m.indexes[name]; set != nil && set != k.plan.set && set.filledBy(k.m, key) {
			return fmt.Sprintf("; what is given is the key of index %s: say Index(%q)", name, name)
		}
	}
	return ""
}

// filledBy says that item makes a whole partition key. Zeros alone do not: they were perhaps not given.
func (s *keySet) filledBy(m *model, item reflect.Value) bool {
	given := false
	for _, attr := range s.partition {
		if av, err := attr.of(m, item); err != nil || av == nil {
			return false
		}
		for _, a := range attr.attributes() {
			v, ok := get(item, a.chain)
			given = given || ok && !v.IsZero()
		}
	}
	return given
}

// sortKey compiles the conditions on the sort key, from left to right.
func (k *keyCompiler) sortKey() error {
	given := map[string]*condNode{}
	for _, n := range k.plan.spec.sort {
		switch {
		case n == nil:
			return invalidf("SortKey: %v", errNilCond)
		case n.loc.err != nil:
			return invalidf("SortKey: %v", n.loc.err)
		case given[n.loc.path.String()] != nil:
			return invalidf("SortKey: %s has two conditions; use Between, or Filter", n.loc.path)
		}
		given[n.loc.path.String()] = n
	}
	take := func(a *attribute) *condNode {
		n := given[a.String()]
		delete(given, a.String())
		return n
	}
	for _, attr := range k.plan.set.sort {
		open, err := k.sortAttribute(attr, take)
		if err != nil {
			return err
		}
		if open {
			break
		}
	}
	for path := range given {
		for _, attr := range k.plan.set.sort {
			for _, a := range attr.attributes() {
				if a.String() == path {
					return invalidf("SortKey: %s comes after %s; give the parts from left to right", path, k.gap())
				}
			}
		}
		return invalidf("SortKey: %s is not part of the sort key%s", path, k.elsewhere(path))
	}
	return nil
}

// elsewhere says what to do with a condition on what is not part of the sort key.
func (k *keyCompiler) elsewhere(path string) string {
	for _, name := range indexNames(k.m.table) {
		set := k.m.indexes[name]
		if set == nil || set == k.plan.set || k.plan.spec.members != nil {
			continue
		}
		for _, attr := range set.sort {
			if slices.ContainsFunc(attr.attributes(), func(a *attribute) bool { return a.String() == path }) {
				return fmt.Sprintf(", but of that of index %s: say Index(%q), or use Filter", name, name)
			}
		}
	}
	return "; use Filter"
}

// gap is the first part of the sort key that is not fixed, and why.
func (k *keyCompiler) gap() string {
	for _, attr := range k.plan.set.sort {
		for _, a := range attr.attributes() {
			i := slices.IndexFunc(k.plan.spec.sort, func(n *condNode) bool { return n.loc.path.equal(a.path) })
			switch {
			case i < 0:
				return a.String() + ", which has no condition"
			case k.plan.spec.sort[i].op != opEq:
				return a.String() + ", which has a range, as only the last one given may"
			}
		}
	}
	return "a part that is open"
}

// sortAttribute compiles the conditions on one sort attribute. open says that what follows it cannot be compared any more.
func (k *keyCompiler) sortAttribute(attr *keyAttr, take func(*attribute) *condNode) (open bool, err error) {
	if attr.tag {
		if k.plan.spec.members != nil {
			return true, nil
		}
		k.key = append(k.key, k.top(attr.Name).Equal(text(k.m.name)))
		k.plan.equal[attr.Name] = &types.AttributeValueMemberS{Value: k.m.name}
		return false, nil
	}
	if attr.tmpl == nil || attr.field != nil {
		return k.plainSort(attr, take(attr.attributes()[0]))
	}
	return true, k.templateSort(attr, take)
}

// plainSort compares a sort attribute that holds one value as it is.
func (k *keyCompiler) plainSort(attr *keyAttr, n *condNode) (open bool, err error) {
	if n == nil {
		return true, nil
	}
	if layout := attr.attributes()[0].rule(ruleTimeLayout); layout != nil && n.op.orders() && !keytmpl.Sorts(layout.value.(string)) {
		return false, invalidf("SortKey: times in the layout of %s do not sort", n.loc.path)
	}
	name := k.top(attr.Name)
	if n.op == opPrefix {
		prefix := n.values[0].(string)
		if attr.Type != types.ScalarAttributeTypeS || !utf8.ValidString(prefix) {
			return false, invalidf("SortKey: HasPrefix needs text")
		}
		if len(prefix) > attr.limit {
			return false, tooLong(len(prefix))
		}
		if prefix != "" {
			k.key = append(k.key, name.BeginsWith(prefix))
			k.plan.bind("prefix", attr.Name, prefix)
		}
		return true, nil
	}
	var operands []term
	var avs []types.AttributeValue
	for _, v := range n.values {
		av, err := k.m.encodeOperand(n.loc.path, v, n.op == opEq)
		if err != nil {
			return false, err
		}
		if av, err = attr.checked(av); err != nil || av == nil {
			return false, invalidf("SortKey: %s is compared with an empty value", n.loc.path)
		}
		avs = append(avs, av)
		operands = append(operands, value(av))
	}
	if n.op == opBetween && compareScalars(avs[0], avs[1]) > 0 {
		return false, invalidf("SortKey: %s: Between with low above high", n.loc.path)
	}
	k.key = append(k.key, compareKey(name, n.op, operands))
	k.plan.bind("compare", attr.Name, strconv.Itoa(int(n.op)))
	for _, av := range avs {
		k.plan.bind(scalarText(av))
	}
	if n.op == opEq {
		k.plan.equal[attr.Name] = avs[0]
	}
	return n.op != opEq, nil
}

func compareKey(name term, op condOp, v []term) term {
	switch op {
	case opLt:
		return name.LessThan(v[0])
	case opLe:
		return name.LessThanEqual(v[0])
	case opGt:
		return name.GreaterThan(v[0])
	case opGe:
		return name.GreaterThanEqual(v[0])
	case opBetween:
		return name.Between(v[0], v[1])
	}
	return name.Equal(v[0])
}

// templateSort compares a sort key made by a template.
func (k *keyCompiler) templateSort(attr *keyAttr, take func(*attribute) *condNode) error {
	name := k.top(attr.Name)
	var texts []string
	for i, a := range attr.parts {
		n := take(a)
		if n == nil {
			break
		}
		part := attr.tmpl.Parts[i]
		switch n.op {
		case opPrefix:
			prefix, err := part.FormatPrefix(n.values[0].(string))
			if err == nil && part.Kind != keytmpl.Text {
				err = errors.New("HasPrefix needs text")
			}
			if err != nil {
				return invalidf("SortKey: %s: %v", a, err)
			}
			return k.begins(name, attr.tmpl.Open(append(texts, prefix)), false)
		case opEq:
			text, err := k.partText(part, a, n.values[0], true)
			if err != nil {
				return err
			}
			texts = append(texts, text)
			continue
		}
		return k.templateRange(name, attr, texts, i, n)
	}
	if k.plan.spec.members != nil {
		return k.atOrUnder(name, attr, texts)
	}
	prefix, complete := attr.tmpl.Prefix(texts)
	return k.begins(name, prefix, complete)
}

func (k *keyCompiler) partText(part keytmpl.Part, a *attribute, v any, whole bool) (string, error) {
	if whole {
		v = k.m.transformed(a.path, v)
	}
	text, present, err := part.Format(reflect.ValueOf(v))
	if err != nil {
		return "", invalidf("SortKey: %s: %v", a, err)
	}
	if !present {
		return "", invalidf("SortKey: %s is compared with an empty value", a)
	}
	return text, nil
}

// begins narrows to a whole sort key or to those that begin with a text.
func (k *keyCompiler) begins(name term, prefix string, exact bool) error {
	if len(prefix) > maxSortKey {
		return tooLong(len(prefix))
	}
	k.prefix, k.exact = prefix, exact
	k.plan.bind("begins", prefix, strconv.FormatBool(exact))
	switch {
	case exact:
		k.key = append(k.key, name.Equal(text(prefix)))
	case prefix != "":
		k.key = append(k.key, name.BeginsWith(prefix))
	}
	return nil
}

// templateRange compares part i of a template, the parts before it being equal to texts, by one
// comparison or BETWEEN that stays inside the template.
func (k *keyCompiler) templateRange(name term, attr *keyAttr, texts []string, i int, n *condNode) error {
	part, a := attr.tmpl.Parts[i], attr.parts[i]
	if !part.Ordered() {
		if part.Kind == keytmpl.Integer {
			return invalidf("SortKey: {%s} does not sort by value: pad it, as in {%s:010}", part.Name, part.Name)
		}
		return invalidf("SortKey: {%s} has a layout of its own, so it may not sort by value", part.Name)
	}
	operands := make([]string, len(n.values))
	for j, v := range n.values {
		var err error
		if operands[j], err = k.partText(part, a, v, false); err != nil {
			return err
		}
	}
	base, _ := attr.tmpl.Prefix(texts)
	for _, operand := range operands {
		if n := len(base) + len(operand); n > maxSortKey {
			return tooLong(n)
		}
	}
	r := keyRange{base: base, part: part, closing: attr.tmpl.Literal(i + 1), last: i == len(attr.parts)-1 && attr.tmpl.Literal(i+1) == ""}
	if k.plan.spec.members != nil {
		k.rangeWithChildren(&r, n.op, operands)
	}
	switch n.op {
	case opGt, opGe:
		r.from(operands[0], n.op == opGe)
	case opLt, opLe:
		r.to(operands[0], n.op == opLe)
	case opBetween:
		if operands[0] > operands[1] {
			return invalidf("SortKey: %s: Between with low above high", a)
		}
		r.from(operands[0], true)
		r.to(operands[1], true)
	}
	if r.loose && k.plan.spec.members == nil {
		if a.value.Deref().Kind != codec.String {
			return invalidf("SortKey: %s is followed by another part and does not sort by value there: mark it Escaped()", a)
		}
		// The joined text sorts otherwise than the part does: the range holds a little more, which this drops.
		c, err := k.compile(n)
		if err != nil {
			return err
		}
		if !k.plan.set.projects(&k.m.table.primary, a.path[0].name) {
			return invalidf("SortKey: index %q must project %s to compare it, or mark it Escaped()", k.plan.spec.index, a)
		}
		k.filter(c)
	}
	if low, high := r.bounds(); high != "" && low > high {
		return invalidf("SortKey: %s: no key can be in this range", a)
	}
	k.prefix = base
	k.key = append(k.key, r.condition(name))
	k.plan.bind("range", strconv.Itoa(int(n.op)), r.low, r.high)
	k.plan.bind(operands...)
	return nil
}

func tooLong(n int) error {
	return invalidf("SortKey: a key of %d bytes; DynamoDB takes %d", n, maxSortKey)
}
