package monotable

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable/internal/codec"
	"github.com/monotable/monotable/internal/retry"
)

const (
	defaultAttempts = 64
	minWait         = time.Millisecond // no backoff of a caller's makes a hot loop
)

// The waits between attempts: of Modify and Upsert, which meet other writers, and of batches, which meet a throttled service.
var (
	backoff      = retry.Backoff{Base: 10 * time.Millisecond, Cap: time.Second}
	batchBackoff = retry.Backoff{Base: 50 * time.Millisecond, Cap: 5 * time.Second}
)

// wait is the pause before another try.
func (o *options) wait(ctx context.Context, attempt int) error {
	return o.waitAs(ctx, backoff, attempt)
}

// waitAs waits as the caller's backoff says, or else as usual.
func (o *options) waitAs(ctx context.Context, usual retry.Backoff, attempt int) error {
	if o.backoff != nil {
		longest := max(o.backoff(attempt), minWait)
		usual = retry.Backoff{Base: longest, Cap: longest}
	}
	if usual.Wait(ctx, attempt) != nil {
		return started(ctx) // the context's error and its cause
	}
	return nil
}

func (o *options) tries() int {
	if o.attempts == 0 {
		return defaultAttempts
	}
	return o.attempts
}

// Modify reads an item consistently, lets change alter it, and writes what has changed, attribute by attribute
// inside nested structs and maps, lists as a whole. Attributes that T does not know survive. It returns what is stored; if
// nothing changed, nothing is written.
//
// The write is conditioned on the version, or, without one, on the old value of everything that was changed. If another
// writer was faster, Modify reads again and calls change again, with full jitter between, until the context or the [Attempts] end:
// then ErrVersionConflict or ErrConditionFailed. So change must do nothing but alter its argument. Its error ends Modify and is
// returned, wrapped; nothing is written. ErrNotFound if there is no item. Key fields, the version, immutable attributes and
// CreatedAt cannot be changed. A Hidden attribute is zero, and zero leaves it as it is, unless the call says [Reveal].
func (e *Entity[T]) Modify(ctx context.Context, key T, change func(*T) error) (T, error) {
	var stored T
	err := e.core.modify(ctx, &key, &stored, changer(change))
	return stored, err
}

// changer is a function that changes what a pointer to T points at; nil if there is none.
func changer[T any](change func(*T) error) func(any) error {
	if change == nil {
		return nil
	}
	return func(item any) error { return change(item.(*T)) }
}

func (c *entityCore) modify(ctx context.Context, key, dst any, change func(any) error) error {
	ctx, v := c.begin(ctx, "Modify")
	return v.endOne(ctx, c.readAndWrite(ctx, target(key), target(dst), change))
}

func (c *entityCore) readAndWrite(ctx context.Context, key, dst reflect.Value, change func(any) error) error {
	_, pinned, err := c.model.keyOf(&c.options, c.model.ownKey(fresh(key)))
	if err != nil {
		return err
	}
	if change == nil {
		return invalidf("Modify without a function")
	}
	if c.options.onceToken() != "" {
		return invalidf("Modify depends on what is stored, so it cannot be the same again under a Token")
	}
	consistent := c.options.with([]Option{Consistent()})
	for attempt := 0; ; attempt++ {
		found, err := c.raw(ctx, &consistent, fresh(key))
		for _, reason := range []error{ErrNotFound, ErrWrongEntity} {
			if errors.Is(err, reason) {
				return &ConditionError{Entity: c.model.name, reasons: []error{reason}, err: err}
			}
		}
		if err != nil {
			return err
		}
		raw, err := found.whole()
		if err != nil {
			return &DecodeError{Entity: c.model.name, Item: raw, Err: err}
		}
		now, err := c.model.upgraded(found)
		if err != nil {
			return &DecodeError{Entity: c.model.name, Item: raw, Err: err}
		}
		if err := c.model.checkPinned(&c.options, now.attributes(), pinned); err != nil {
			return err
		}
		if c.model.isOutdated(found) {
			current, err := c.model.writeBack(ctx, &c.options, raw)
			if err != nil {
				return err
			}
			if current == nil { // another writer was faster
				if attempt+1 >= c.options.tries() {
					return c.model.staysOutdated()
				}
				if waitErr := c.options.wait(ctx, attempt); waitErr != nil {
					return waitErr
				}
				continue
			}
			raw = current
		}
		w, err := c.model.buildModify(ctx, &c.options, raw, change)
		if err != nil {
			return err
		}
		if w == nil {
			return c.decode(recordOf(raw), dst)
		}
		s := w.stage()
		s.reads = false
		if s.was, err = c.model.readingOf(raw); err != nil {
			return err
		}
		err = c.perform(ctx, s, dst)
		if !mayModifyAgain(err) || pinned != nil || attempt+1 >= c.options.tries() {
			return err
		}
		if waitErr := c.options.wait(ctx, attempt); waitErr != nil {
			return because(waitErr, err)
		}
	}
}

// mayModifyAgain says that another writer was faster, so that a new reading may do.
func mayModifyAgain(err error) bool {
	if failed, ok := errors.AsType[*ConditionError](err); ok && failed.Ambiguous {
		return false
	}
	return errors.Is(err, ErrConditionFailed) && !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrWrongEntity) && !errors.Is(err, ErrDuplicate)
}

// buildModify calls change on what is stored and compiles the difference; nil when there is none.
func (m *model) buildModify(ctx context.Context, o *options, raw map[string]types.AttributeValue, change func(any) error) (*write, error) {
	old, item := reflect.New(m.typ).Elem(), reflect.New(m.typ).Elem()
	if err := m.decode(recordOf(raw), old, true); err != nil {
		return nil, err
	}
	if err := m.decode(recordOf(raw), item, o.reveal); err != nil {
		return nil, err
	}
	if err := change(item.Addr().Interface()); err != nil {
		return nil, err
	}
	item = frozen(item.Addr().Interface()) // change may have hung memory of its own into it, and kept the pointer
	if !o.reveal {
		m.restoreHidden(item, old)
	}
	m.transformKey(item)
	if err := m.checkModified(o, item, old, raw); err != nil {
		return nil, err
	}
	if _, err := m.prepare(ctx, item); err != nil {
		return nil, err
	}
	d := &difference{write: m.newWrite(o, "Modify", actionUpdate, expectation{exist: true, now: m.now()}), raw: raw}
	if err := d.find(old, item); err != nil || len(d.changes) == 0 {
		return nil, err
	}
	return d.compile(item)
}

// restoreHidden fills hidden attributes that were left zero with what is stored.
func (m *model) restoreHidden(item, old reflect.Value) {
	for _, a := range m.ruled {
		if !a.has(ruleHidden) {
			continue
		}
		v, ok := get(item, a.chain)
		was, stored := get(old, a.chain)
		if ok && stored && v.IsZero() {
			v.Set(was)
		}
	}
}

// checkModified refuses changes of what cannot change.
func (m *model) checkModified(o *options, item, old reflect.Value, raw map[string]types.AttributeValue) error {
	key, err := m.primaryKey(o, item)
	if err != nil {
		return err
	}
	for name, av := range key {
		if !codec.Equal(av, raw[name]) {
			return invalidf("Modify changed the primary key (%s), which cannot change", name)
		}
	}
	for _, a := range m.ruled {
		if !a.has(ruleImmutable) && !a.has(ruleCreatedAt) && !a.has(ruleVersion) {
			continue
		}
		now, _ := m.encodeChain(item, a)
		was, _ := m.encodeChain(old, a)
		if !codec.Equal(orNull(now), orNull(was)) {
			return invalidf("Modify changed %s, which cannot change", a)
		}
	}
	return nil
}

func (m *model) encodeChain(item reflect.Value, a *attribute) (types.AttributeValue, error) {
	v, ok := get(item, a.chain)
	if !ok {
		return nil, nil
	}
	return a.value.Encode(v)
}

// difference is what an item's new state changes of the stored one.
type difference struct {
	*write
	raw     map[string]types.AttributeValue
	changes []pathValue
}

// pathValue is a path and its new value; nil removes it.
type pathValue struct {
	path  path
	value types.AttributeValue
}

func (d *difference) find(old, item reflect.Value) error {
	was, err := d.m.visible(old)
	if err != nil {
		return err
	}
	now, err := d.m.visible(item)
	if err != nil {
		return err
	}
	d.compare(nil, was, now, d.raw)
	return nil
}

// visible encodes what a caller can change.
func (m *model) visible(item reflect.Value) (map[string]types.AttributeValue, error) {
	out, err := m.plan.Encode(item)
	if err != nil {
		return nil, invalidf("%v", err)
	}
	for name := range out {
		av, err := m.asIndexKey(path{nameElement(name)}, out[name])
		if err != nil {
			return nil, err
		}
		if av == nil || m.writes(name) {
			delete(out, name)
		}
	}
	for _, a := range []*attribute{m.version, m.updatedAt} {
		if a != nil {
			removeAt(out, a.path)
		}
	}
	for _, a := range m.ruled {
		if v, ok := get(item, a.chain); ok && a.has(ruleHidden) && v.IsZero() {
			removeAt(out, a.path)
		}
	}
	return out, nil
}

func (d *difference) compare(at path, was, now, raw map[string]types.AttributeValue) {
	names := make([]string, 0, len(was)+len(now))
	for name := range was {
		names = append(names, name)
	}
	for name := range now {
		if _, ok := was[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		a, b := was[name], now[name]
		if a != nil && b != nil && codec.Equal(a, b) {
			continue
		}
		p := at.child(nameElement(name))
		mapA, okA := a.(*types.AttributeValueMemberM)
		mapB, okB := b.(*types.AttributeValueMemberM)
		stored, okRaw := raw[name].(*types.AttributeValueMemberM)
		if okA && okB && okRaw {
			d.compare(p, mapA.Value, mapB.Value, stored.Value)
			continue
		}
		d.changes = append(d.changes, pathValue{p, b})
	}
}

// compile makes the update: the changes, what follows from them, and the conditions under which they are right.
func (d *difference) compile(item reflect.Value) (*write, error) {
	m, w := d.m, d.write
	w.key, w.after, w.uniques, w.mark = m.keyIn(d.raw), item, m.uniques, m.newMark(d.o)
	m.wherePresent(&d.exprBuilder, w.expect.now)
	m.whereCurrent(w)
	if m.updatedAt != nil {
		m.stamp(item, w.expect.now, false)
		av, err := m.encodeChain(item, m.updatedAt)
		if err != nil {
			return nil, err
		}
		if err := d.set(m.updatedAt.path, value(av)); err != nil {
			return nil, err
		}
	}
	for _, c := range d.changes {
		if err := d.setOrRemove(c.path, c.value); err != nil {
			return nil, err
		}
	}
	parts, err := d.indexKeys(item)
	if err != nil {
		return nil, err
	}
	if m.version != nil && !w.o.noVersion {
		err = d.checkVersion()
	} else {
		w.resend = resendNever // the same values can come back, and the change would be made twice
		err = d.checkOldValues(parts)
		if m.version != nil && err == nil {
			d.where(m.hasRoom(&d.exprBuilder, w.o))
			err = d.countUp(w.o)
		}
	}
	if err != nil {
		return nil, err
	}
	if m.version != nil {
		w.keepMarks()
		if err := d.set(path{nameElement(m.table.writeID)}, text(w.mark.stored)); err != nil {
			return nil, err
		}
	}
	if tag := m.table.tag; m.tagMode != TagNone && !codec.Equal(orNull(d.raw[tag]), &types.AttributeValueMemberS{Value: m.name}) {
		if err := d.set(path{nameElement(tag)}, text(m.name)); err != nil {
			return nil, err
		}
	}
	return w, w.compile()
}

// indexKeys recomputes all index keys and gives the attributes that changed ones are made from.
func (d *difference) indexKeys(item reflect.Value) ([]*attribute, error) {
	var parts []*attribute
	for _, set := range d.m.sets() {
		key, err := d.m.indexKey(set, item, d.lacks)
		if err != nil {
			return nil, err
		}
		for _, k := range set.all() {
			av, ok := key[k.Name]
			if !ok || codec.Equal(orNull(av), orNull(d.raw[k.Name])) {
				continue
			}
			parts = append(parts, set.attributes()...)
			if err := d.setOrRemove(path{nameElement(k.Name)}, av); err != nil {
				return nil, err
			}
		}
	}
	for _, a := range d.m.ruled {
		if part := a.rule(ruleDerived); part != nil && slices.ContainsFunc(d.changed, a.path.equal) {
			parts = append(parts, d.m.at(part.reads)...)
		}
	}
	return parts, nil
}

// lacks says that an attribute is not stored and stays so, though T may have a zero for it. What the primary key holds need not be stored again.
func (d *difference) lacks(a *attribute) bool {
	return valueIn(d.raw, a.path) == nil && !slices.Contains(d.m.primary.attributes(), a) &&
		!slices.ContainsFunc(d.changed, func(p path) bool { return p.under(a.path) || a.path.under(p) })
}

// checkPinned compares the version in the key, if there is one, with the stored one.
func (m *model) checkPinned(o *options, raw map[string]types.AttributeValue, pinned *uint64) error {
	if pinned == nil || codec.Equal(orNull(valueIn(raw, m.version.path)), versionValue(*pinned)) {
		return nil
	}
	e := &ConditionError{Entity: m.name, table: o.tableName(m.table), item: raw}
	m.explain(e, &expectation{exist: true, version: pinned, now: m.now()}, raw)
	return e
}

// checkVersion makes the version that was read the condition.
func (d *difference) checkVersion() error {
	p := d.m.version.path
	name := d.name(p)
	d.resend, d.expect.mark = resendSoon, strings.Join(d.m.marks(d.raw), " ")
	stored, ok := valueIn(d.raw, p).(*types.AttributeValueMemberN)
	if !ok {
		d.expect.versioned = true
		if !d.o.adoptVersion {
			e := &ConditionError{Entity: d.m.name, table: d.o.tableName(d.m.table), item: d.raw}
			d.m.explain(e, &d.expect, d.raw)
			return e
		}
		d.mark.version = 1
		d.where(name.AttributeNotExists())
		return d.set(p, number(1))
	}
	var n uint64
	if err := scanUint(stored.Value, &n); err != nil {
		return &DecodeError{Entity: d.m.name, Item: d.raw, Err: errors.New("the stored version is no whole number")}
	}
	if err := d.m.roomFor(n); err != nil {
		return err
	}
	d.expect.version, d.mark.version = &n, n+1
	d.m.setVersion(d.after, n+1)
	d.where(name.Equal(value(stored)))
	d.whereMark()
	return d.countUp(&options{})
}

// checkOldValues makes the old values of all that changed the condition, and of what changed keys are made from.
func (d *difference) checkOldValues(parts []*attribute) error {
	var asked []path
	ask := func(p path) {
		if slices.ContainsFunc(asked, p.equal) {
			return
		}
		asked = append(asked, p)
		if old := valueIn(d.raw, p); old != nil {
			d.where(d.name(p).Equal(value(old)))
		} else {
			d.where(d.name(p).AttributeNotExists())
		}
	}
	for _, c := range d.changes {
		ask(c.path)
	}
	for _, a := range parts {
		if !d.m.primary.uses(a.path) && !(d.m.updatedAt != nil && a.path.equal(d.m.updatedAt.path)) {
			ask(a.path)
		}
	}
	d.expect.parents = parents(d.changed)
	for _, p := range d.expect.parents {
		d.where(d.name(p).AttributeExists())
	}
	return nil
}
