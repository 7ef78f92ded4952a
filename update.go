package monotable

import (
	"errors"
	"math/big"
	"reflect"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable/internal/codec"
)

// knowledge is what a call says of an attribute after the update.
type knowledge struct {
	value   bool // its whole value is known
	changed bool // it is changed, at least in part
	removed bool // it is removed, whatever zero T has for it
}

// updateCompiler compiles one Update.
type updateCompiler struct {
	*write
	known      map[*attribute]knowledge
	violations []Violation
	upsert     bool // the updating leg of an Upsert
	forNew     int  // changes that only its creating leg makes
}

// buildUpdate compiles an Update. key is an own copy of the caller's.
func (m *model) buildUpdate(o *options, key reflect.Value, changes []*changeNode, upsert bool) (*write, error) {
	w := m.newWrite(o, "Update", actionUpdate, expectation{exist: true, now: m.now()})
	if err := w.at(key); err != nil {
		return nil, err
	}
	w.after = reflect.New(m.typ).Elem()
	w.changes, w.changed, w.conds = make([]term, 0, len(changes)+4), make([]path, 0, len(changes)+4), make([]term, 0, 4)
	u := &updateCompiler{write: w, upsert: upsert, known: map[*attribute]knowledge{}}
	for _, a := range m.primary.attributes() {
		if v, ok := get(key, a.chain); ok {
			place(u.after, a.chain).Set(v)
			u.known[a] = knowledge{value: true}
		}
	}
	m.wherePresent(&w.exprBuilder, w.expect.now)
	m.whereCurrent(w)
	w.whereVersion()
	// Given first: a Set of the same attribute in this call wins over it.
	for _, pass := range []bool{true, false} {
		for _, c := range changes {
			if (c.op == changeGiven) == pass {
				if err := u.apply(c); err != nil {
					return nil, err
				}
			}
		}
	}
	if err := validationError(u.violations); err != nil {
		return nil, err
	}
	if len(u.changed) == 0 && u.forNew == 0 {
		return nil, invalidf("no change is given: name what changes, as in attr.Set(v); a changed struct is written by Put or Modify; to check conditions alone use Get")
	}
	for _, step := range []func() error{u.derive, u.stampUpdate, u.indexKeys} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	w.expect.parents = parents(u.changed)
	for _, p := range w.expect.parents {
		u.where(u.name(p).AttributeExists())
	}
	u.claim()
	if w.resend == resendFreely && slices.ContainsFunc(changes, func(c *changeNode) bool { return c.op.counts() }) {
		w.resend = resendNever
	}
	return w, w.compile()
}

// counts says that making the change twice is not the same as once.
func (op changeOp) counts() bool {
	switch op {
	case changeAdd, changeAppend, changePrepend, changeSetFrom, changeUnchecked:
		return true
	}
	return false
}

// apply compiles one change.
func (u *updateCompiler) apply(c *changeNode) error {
	if c.op == changeCond {
		return u.whereOwn(c.cond)
	}
	p := c.loc.path
	if _, err := valueAt(u.m.plan, p); err != nil {
		return invalidf("%s: %v", c.op, err)
	}
	if c.op == changeGiven {
		return u.given(p, c.value)
	}
	if c.op == changeSetIfAbsent && u.upsert && u.m.madeFrom(p) != "" {
		// A value for the creating leg. Here it must be stored, so that what is made from it stays right.
		u.where(u.name(p).AttributeExists())
		u.forNew++
		return nil
	}
	if err := u.allowed(c); err != nil {
		return err
	}
	switch c.op {
	case changeSet:
		av, err := u.setValue(p, c.value)
		if err != nil {
			return err
		}
		return u.setOrRemove(p, av)
	case changeSetIfAbsent:
		av, err := u.setValue(p, c.value)
		if err != nil {
			return err
		}
		if av == nil {
			return invalidf("SetIfAbsent %s: nil and empty sets cannot be stored", p)
		}
		return u.set(p, u.name(p).IfNotExists(u.stored(av)))
	case changeRemove:
		u.violations = append(u.violations, u.m.requiredBelow(p)...)
		if chain, ok := fieldChain(u.m.plan, p); ok {
			place(u.after, chain).SetZero()
			u.know(p, true)
		}
		return u.remove(p)
	case changeSetFrom:
		return u.setFrom(p, c.other)
	case changeUnchecked:
		if c.raw == nil {
			return invalidf("UncheckedSet %s without an operand", p)
		}
		return u.set(p, unchecked(c.raw))
	}
	return u.compute(c)
}

// requiredBelow finds what must not be removed with an attribute. What lies behind a pointer may go with it.
func (m *model) requiredBelow(p path) []Violation {
	var found []Violation
	empty := reflect.New(m.typ).Elem()
	for _, a := range m.ruled {
		if _, there := get(empty, a.chain); there && a.has(ruleRequired) && a.path.under(p) {
			found = append(found, Violation{Attribute: a.String(), Rule: string(ruleRequired), Err: errors.New("is required, so it cannot be removed")})
		}
	}
	return found
}

// allowed refuses changes of attributes that are not the caller's to change, and changes that rules could not check.
func (u *updateCompiler) allowed(c *changeNode) error {
	p := c.loc.path
	a := u.m.attribute(p)
	onServer := c.op != changeSet && c.op != changeRemove
	switch {
	case u.m.primary.uses(p):
		return invalidf("%s %s: it is part of the primary key, which cannot change; Create the item anew and Delete this one", c.op, p)
	case u.m.writes(p[0].name):
		return invalidf("%s %s: monotable writes this attribute", c.op, p)
	}
	for _, near := range u.m.ruled {
		if !near.path.under(p) && !p.under(near.path) {
			continue
		}
		switch {
		case near.has(ruleImmutable), near.has(ruleCreatedAt):
			return invalidf("%s %s: %s is immutable", c.op, p, near)
		case near.has(ruleVersion), near.has(ruleUpdatedAt), near.has(ruleDerived):
			return invalidf("%s %s: monotable writes %s", c.op, p, near)
		}
	}
	if above := u.m.checkedAbove(p); above != nil {
		return invalidf("%s %s: the rules of %s look at it as a whole; Set it whole, or use Modify", c.op, p, above)
	}
	if onServer && c.op != changeSetIfAbsent && c.op != changeUnchecked && a != nil && !addable(c.op, a) && a.checked() {
		return invalidf("%s %s: its rules cannot check what the server computes; use Set or Modify", c.op, p)
	}
	if _, field := fieldChain(u.m.plan, p); field && !onServer {
		return nil
	}
	if made := u.m.madeFrom(p); made != "" {
		return invalidf("%s %s: %s is made from it, and this change does not tell its whole value; use Set or Modify", c.op, p, made)
	}
	return nil
}

// addable says that Add can keep to the attribute's rules by a condition.
func addable(op changeOp, a *attribute) bool {
	if op != changeAdd {
		return false
	}
	for _, part := range a.parts {
		if part.kind == ruleTransform || part.check != nil && part.kind != ruleMin && part.kind != ruleMax {
			return false
		}
	}
	return true
}

// setValue takes a value through the pipeline and gives its stored form; nil when it has none.
func (u *updateCompiler) setValue(p path, v any) (types.AttributeValue, error) {
	chain, ok := fieldChain(u.m.plan, p)
	if !ok || len(chain) == 0 {
		return u.m.encodeAt(p, v)
	}
	field := place(u.after, chain)
	assign(field, copyOf(v))
	if lost := u.m.hiddenZero(p, v); len(lost) > 0 {
		return nil, invalidf("Set %s: %s in it is hidden and zero, and would be erased: Set the parts of %s, or use Modify", p, lost[0], p)
	}
	u.violations = append(u.violations, u.m.prepareAt(u.after, p)...)
	u.know(p, false)
	av, err := u.m.encodeValueAt(p, field)
	if err != nil {
		return nil, err
	}
	if u.m.attribute(p).has(ruleExpiresAt) && field.IsZero() {
		return nil, nil
	}
	return u.m.asIndexKey(p, av)
}

// asIndexKey checks the value of an attribute of T that is an index key. DynamoDB refuses an empty one, so it means absent: nil.
func (m *model) asIndexKey(p path, av types.AttributeValue) (types.AttributeValue, error) {
	for _, set := range m.sets() {
		if k := set.byName(p[0].name); k != nil && k.field != nil && len(p) == 1 && av != nil {
			return k.checked(av)
		}
	}
	return av, nil
}

// know notes that the value of an attribute after the update, and of those below it, is in u.after, or that they are removed.
func (u *updateCompiler) know(p path, removed bool) {
	for _, a := range u.m.attributes {
		if a.path.under(p) || p.under(a.path) {
			u.known[a] = knowledge{value: a.path.under(p), changed: true, removed: a.path.under(p) && removed}
		}
	}
}

// given makes a caller's word about a stored value a condition, and uses it.
func (u *updateCompiler) given(p path, v any) error {
	av, err := u.m.encodeOperand(p, v, true)
	if err != nil {
		return err
	}
	u.where(u.name(p).Equal(value(av)))
	if chain, ok := fieldChain(u.m.plan, p); ok {
		assign(place(u.after, chain), copyOf(u.m.transformed(p, v)))
		for _, a := range u.m.attributes {
			if a.path.under(p) {
				u.known[a] = knowledge{value: true}
			}
		}
	}
	return nil
}

func (u *updateCompiler) setFrom(p path, source *location) error {
	if source.err != nil {
		return invalidf("SetFrom %s: %v", p, source.err)
	}
	if source.path.equal(p) {
		return invalidf("SetFrom %s: it is its own source", p)
	}
	if err := u.m.sameForm(p, source.path); err != nil {
		return invalidf("SetFrom %s: %v", p, err)
	}
	if u.m.attribute(source.path).has(ruleHidden) && !u.m.attribute(p).has(ruleHidden) {
		return invalidf("SetFrom %s: its source %s is hidden", p, source.path)
	}
	return u.set(p, u.name(source.path))
}

// compute compiles a change that the server computes.
func (u *updateCompiler) compute(c *changeNode) error {
	p, name := c.loc.path, u.name(c.loc.path)
	av, err := u.m.encodeAt(p, c.value)
	if err != nil {
		return err
	}
	switch av := av.(type) {
	case *types.AttributeValueMemberN:
		if err := u.boundAdd(p, c.value); err != nil {
			return err
		}
		if len(p) == 1 {
			return u.modify(opAdd, p, value(av))
		}
		return u.set(p, name.IfNotExists(number(0)).Plus(value(av)))
	case *types.AttributeValueMemberL:
		if c.op != changeAppend && c.op != changePrepend || len(av.Value) == 0 {
			break
		}
		stored := name.IfNotExists(value(&types.AttributeValueMemberL{Value: []types.AttributeValue{}}))
		if c.op == changeAppend {
			return u.set(p, stored.ListAppend(u.stored(av)))
		}
		return u.set(p, u.stored(av).ListAppend(stored))
	case *types.AttributeValueMemberSS, *types.AttributeValueMemberNS, *types.AttributeValueMemberBS:
		switch c.op {
		case changeAddTo:
			return u.modify(opAdd, p, u.stored(av))
		case changeDeleteFrom:
			return u.modify(opDelete, p, value(av))
		}
		return invalidf("%s %s: it is a set; use AddTo and DeleteFrom", c.op, p)
	}
	if c.op == changeAddTo || c.op == changeDeleteFrom {
		return invalidf("%s %s: needs a set (a slice stored as stringset, numberset or binaryset) and at least one member", c.op, p)
	}
	if list, ok := av.(*types.AttributeValueMemberL); ok && len(list.Value) == 0 {
		return invalidf("%s %s: nothing to add", c.op, p)
	}
	return invalidf("%s %s: it is no list", c.op, p)
}

// boundAdd keeps Add within Min and Max: the stored number must leave room, a missing one counts as 0.
func (u *updateCompiler) boundAdd(p path, n any) error {
	a := u.m.attribute(p)
	for _, end := range []struct {
		kind ruleKind
		sign int
	}{{ruleMin, -1}, {ruleMax, 1}} {
		limit := rangeEnd(reflect.TypeOf(n), end.sign)
		if part := a.rule(end.kind); part != nil {
			limit = rational(part.value)
		}
		if limit == nil {
			continue
		}
		name, step := u.name(p), rational(n)
		fits := step.Cmp(limit)*end.sign <= 0 // what Add makes of a missing attribute
		if step.Sign() != end.sign {
			if !fits {
				u.where(name.AttributeExists())
			}
			continue
		}
		room, err := decimal(limit.Sub(limit, step))
		if err != nil {
			return invalidf("Add %s: %v", p, err)
		}
		within := name.GreaterThanEqual(value(room))
		if end.sign > 0 {
			within = name.LessThanEqual(value(room))
		}
		if fits {
			within = name.AttributeNotExists().Or(within)
		}
		u.where(within)
		u.expect.bounds = append(u.expect.bounds, bound{path: p, room: room, sign: end.sign, rule: end.kind, missing: !fits})
	}
	return nil
}

// at gives the attributes at locations that compiling has checked.
func (m *model) at(locs []location) []*attribute {
	all := make([]*attribute, 0, len(locs))
	for _, loc := range locs {
		if a := m.attribute(loc.path); a != nil {
			all = append(all, a)
		}
	}
	return all
}

// uses says whether the key is made of the attribute, or of something in it or around it.
func (s *keySet) uses(p path) bool {
	return slices.ContainsFunc(s.attributes(), func(a *attribute) bool { return a.path.under(p) || p.under(a.path) })
}

// writes says whether monotable itself writes the top-level attribute: the tag or a key made by a template.
func (m *model) writes(name string) bool {
	if name == m.table.tag && m.tagMode != TagNone || name == m.table.writeID && m.version != nil {
		return true
	}
	template := func(set *keySet) bool {
		k := set.byName(name)
		return k != nil && k.templated()
	}
	return template(m.primary) || slices.ContainsFunc(m.sets(), template)
}

// sets are the keys of the indexes that the entity is in.
func (m *model) sets() []*keySet { return m.inIndexes }

// madeFrom names an index key, a guard or a derived attribute that is made from an attribute, or "".
func (m *model) madeFrom(p path) string {
	for _, set := range m.sets() {
		if set.uses(p) && slices.ContainsFunc(set.all(), (*keyAttr).computed) {
			return "the key of index " + set.name
		}
	}
	for _, u := range m.uniques {
		if slices.ContainsFunc(u.inputs, func(a *attribute) bool { return a.path.under(p) || p.under(a.path) }) {
			return "the guard of " + u.attribute.String()
		}
	}
	for _, a := range m.ruled {
		part := a.rule(ruleDerived)
		if part == nil {
			continue
		}
		for _, r := range m.at(part.reads) {
			if r.path.under(p) || p.under(r.path) {
				return a.String()
			}
		}
	}
	return ""
}

// rangeEnd is the least (sign -1) or greatest number of a small integer type; nil for others, whose ends no counter reaches.
func rangeEnd(t reflect.Type, sign int) *big.Rat {
	switch t.Kind() {
	case reflect.Int8, reflect.Int16, reflect.Int32:
		end := int64(1) << (t.Bits() - 1)
		if sign < 0 {
			return new(big.Rat).SetInt64(-end)
		}
		return new(big.Rat).SetInt64(end - 1)
	case reflect.Uint8, reflect.Uint16, reflect.Uint32:
		if sign > 0 {
			return new(big.Rat).SetInt64(int64(1)<<t.Bits() - 1)
		}
	}
	return nil
}

// rational is the exact value of a number.
func rational(n any) *big.Rat {
	v := reflect.ValueOf(n)
	r := new(big.Rat)
	switch {
	case v.CanInt():
		r.SetInt64(v.Int())
	case v.CanUint():
		r.SetUint64(v.Uint())
	default:
		r.SetString(strconv.FormatFloat(v.Float(), 'g', -1, v.Type().Bits()))
	}
	return r
}

// decimal is a number as DynamoDB stores it.
func decimal(r *big.Rat) (*types.AttributeValueMemberN, error) {
	digits, _ := r.FloatPrec()
	av := &types.AttributeValueMemberN{Value: r.FloatString(digits)}
	return av, codec.CheckNumber(av.Value)
}
