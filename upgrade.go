package monotable

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable/internal/codec"
)

// Upgrade brings a stored item from one schema version to the next, in place: it renames, splits and fills attributes, see [Schema.Upgrades].
// It is given a deep copy of the whole item, with its keys, the tag and what T does not know, and must not change the primary key. It may be called for
// one item many times and concurrently, so it depends on nothing but the item. Its error makes the item a [*DecodeError]; the
// error's text is left out there, for it may quote what is stored, and errors.As reaches it.
type Upgrade func(item map[string]types.AttributeValue) error

const defaultSchemaVersion = "_sv"

// upgradeError says which step failed. What the function said may quote the item.
type upgradeError struct {
	step int
	err  error
}

func (e *upgradeError) Error() string {
	return fmt.Sprintf("the upgrade from schema version %d to %d failed", e.step, e.step+1)
}

func (e *upgradeError) Unwrap() error { return e.err }

// schema is the entity's schema version.
func (m *model) schema() uint64 { return uint64(len(m.upgrades)) }

// schemaOf is the schema version of a stored item. An entity without upgrades may use the attribute for something else.
func (m *model) schemaOf(r *record) (n uint64, err error) {
	if r.lacks(m.table.schemaVersion) || !m.upgrading && m.plan.Field(m.table.schemaVersion) != nil {
		return 0, nil
	}
	number, ok := r.attribute(m.table.schemaVersion).(*types.AttributeValueMemberN)
	if ok && scanUint(number.Value, &n) == nil || !m.upgrading {
		return n, nil
	}
	return 0, fmt.Errorf("%s is no whole number", m.table.schemaVersion)
}

// isOutdated says that an item is of an older schema version.
func (m *model) isOutdated(r *record) bool {
	n, err := m.schemaOf(r)
	return err == nil && n < m.schema()
}

// isNewer says that an item is of a schema version that this program does not know.
func (m *model) isNewer(r *record) bool {
	n, err := m.schemaOf(r)
	return err != nil || n > m.schema()
}

// upgraded is an item in today's form: the item itself if it has it, otherwise a copy.
func (m *model) upgraded(r *record) (*record, error) {
	n, err := m.schemaOf(r)
	if err != nil {
		return nil, err
	}
	if n > m.schema() {
		return nil, fmt.Errorf("%w: the item's is %d, this program's %d", ErrNewerSchema, n, m.schema())
	}
	if n == m.schema() {
		return r, nil
	}
	item, err := r.whole()
	if err != nil {
		return nil, err
	}
	own := codec.CopyItem(item)
	for i, upgrade := range m.upgrades[n:] {
		step := int(n) + i //nolint:gosec // less than len(m.upgrades)
		if err := upgrade(own); err != nil {
			return nil, &upgradeError{step, err}
		}
	}
	for _, k := range m.primary.all() {
		if !codec.Equal(orNull(own[k.Name]), item[k.Name]) {
			return nil, fmt.Errorf("an upgrade changed the primary key (%s), which cannot change", k.Name)
		}
	}
	for name, av := range own {
		if av == nil {
			delete(own, name)
		}
	}
	own[m.table.schemaVersion] = versionValue(m.schema())
	return recordOf(own), nil
}

// isCurrent is the condition that the stored item has today's form.
func (m *model) isCurrent(b *exprBuilder) term {
	name := b.top(m.table.schemaVersion)
	if m.schema() == 0 {
		return name.AttributeNotExists()
	}
	return name.Equal(value(versionValue(m.schema())))
}

// whereCurrent adds the condition that the stored item has today's form: a change of another one would mix the two.
func (m *model) whereCurrent(w *write) {
	if m.upgrading {
		w.expect.schema = true
		w.where(m.isCurrent(&w.exprBuilder))
	}
}

// whereReplaceable adds the conditions under which a Put may replace what is stored: it is not of a newer schema, and, if the
// Put's other conditions look at it, it has today's form.
func (m *model) whereReplaceable(w *write, looks bool) {
	if !m.upgrading || w.expect.fresh() && m.expires == nil {
		return
	}
	w.expect.schema = true
	b := &w.exprBuilder
	name := b.top(m.table.schemaVersion)
	if m.schema() == 0 {
		b.where(name.AttributeNotExists())
		return
	}
	b.where(name.AttributeNotExists().Or(name.LessThanEqual(value(versionValue(m.schema())))))
	if looks && !w.expect.fresh() {
		absent := b.top(m.primary.partition[0].Name).AttributeNotExists()
		b.where(m.orOver(b, w.expect.now, absent.Or(m.isCurrent(b))))
	}
}

// outdatedDetail tells how an item comes to have today's form where the call itself cannot see to it.
func (m *model) outdatedDetail() string {
	return "it is older than version " + strconv.FormatUint(m.schema(), 10) +
		"; single calls of Put, Update, Upsert and Modify bring it up to date, and so does Get under WriteBack"
}

// staysOutdated is the error of a Modify that never got to write an item back.
func (m *model) staysOutdated() error {
	return &ConditionError{Entity: m.name, reasons: []error{ErrOutdatedSchema}, detail: m.outdatedDetail()}
}

// WriteBack makes Get store an item that it had to upgrade ([Schema.Upgrades]) in its new form: with the keys of its indexes and its
// derived attributes computed anew, its transforms applied and its version raised by one, and with what T does not know. Times, UpdatedAt among them, stay. It is one write of the item more,
// on the condition that nobody has changed the item since it was read, and a transaction if the upgrade changes a Unique value.
// If another writer was faster it is dropped. If it fails otherwise, the table's logger is told, and Get still returns the
// item. Without the option reads write nothing. Queries, batches and transactions never do.
func WriteBack() Option { return optionFunc(func(o *options) { o.writeBack = true }) }

// read is Get, with the item written back if the call asks for it.
func (c *entityCore) read(ctx context.Context, key, dst reflect.Value) error {
	raw, err := c.raw(ctx, &c.options, key)
	if err != nil {
		return err
	}
	defer raw.close()
	if err = c.decode(raw, dst); err != nil || !c.options.writeBack || !c.model.isOutdated(raw) {
		return err
	}
	stored, err := c.model.writeBack(ctx, &c.options, raw.attributes())
	if err != nil {
		c.model.table.logger.Warn("monotable: an upgraded item could not be written back", "entity", c.model.name, "error", bare(err))
	}
	if err != nil || stored == nil {
		return nil
	}
	dst.SetZero()
	return c.written(recordOf(stored), dst)
}

// upToDate carries out a write of an item or key. If it is refused because the stored item is outdated, the item is written back in today's form, and the
// write is tried again with what that made of the version.
func (c *entityCore) upToDate(ctx context.Context, item reflect.Value, write func(item reflect.Value, r *rise) error) error {
	if !c.model.upgrading {
		return write(item, nil)
	}
	var r *rise
	for attempt := 0; ; attempt++ {
		err := write(r.item(c.model, fresh(item)), r)
		failed, ok := errors.AsType[*ConditionError](err)
		// An outdated item proves that the write has not been applied, even if an attempt's answer was lost.
		if !ok || !errors.Is(failed, ErrOutdatedSchema) || c.options.onceToken() != "" || attempt+1 >= c.options.tries() {
			return err
		}
		raw := failed.item
		next, backErr := c.model.writeBack(ctx, &c.options, raw)
		if backErr != nil {
			return backErr
		}
		if next != nil {
			r = c.model.riseOf(raw, next)
			continue
		}
		if waitErr := c.options.wait(ctx, attempt); waitErr != nil {
			return because(waitErr, err)
		}
	}
}

// writeBack stores an outdated item in today's form and gives what is stored then: nil if another writer was faster.
func (m *model) writeBack(ctx context.Context, o *options, raw attributeMap) (attributeMap, error) {
	own := *o
	own.token, own.tokened, own.exactlyOnce = "", false, false
	w, err := m.buildWriteBack(&own, raw)
	if err != nil {
		return nil, err
	}
	s := w.stage()
	s.reads = false
	if len(m.uniques) > 0 {
		if s.was, err = m.readingOf(raw); err != nil {
			return nil, err
		}
	}
	stored, err := s.perform(ctx)
	if _, refused := errors.AsType[*ConditionError](err); refused && !errors.Is(err, ErrDuplicate) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer stored.close()
	item, err := stored.whole()
	if err != nil {
		return nil, &DecodeError{Entity: m.name, Written: true, Item: item, Err: err}
	}
	return item, nil
}

// buildWriteBack compiles the update that gives an outdated item today's form. It touches only what differs: what is absent stays absent, and what
// others add meanwhile stays there.
func (m *model) buildWriteBack(o *options, raw attributeMap) (*write, error) {
	w := m.newWrite(o, "WriteBack", actionUpdate, expectation{exist: true, now: m.now()})
	var err error
	if w.item, w.after, err = m.refreshed(raw); err != nil {
		return nil, err
	}
	w.key, w.uniques = m.keyIn(w.item), m.uniques
	if err := w.raiseBack(raw); err != nil {
		return nil, err
	}
	if n := codec.Size(w.item); n > maxItem {
		return nil, invalidf("the upgraded item has %d bytes; DynamoDB takes %d", n, maxItem)
	}
	var changed []string
	for _, name := range namesOf(raw, w.item) {
		if codec.Equal(orNull(raw[name]), orNull(w.item[name])) {
			continue
		}
		changed = append(changed, name)
		if err := w.setOrRemove(path{nameElement(name)}, w.item[name]); err != nil {
			return nil, err
		}
	}
	w.whereUnchanged(raw, changed)
	return w, w.compile()
}

// namesOf are the names of all attributes of the items, in order.
func namesOf(items ...attributeMap) []string {
	var names []string
	for _, item := range items {
		names = slices.AppendSeq(names, maps.Keys(item))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// refreshed is a stored item in today's form, as a copy, and the T in it: upgraded, its transforms applied, its derived attributes, index keys and tag made anew.
func (m *model) refreshed(raw attributeMap) (item attributeMap, after reflect.Value, err error) {
	after = reflect.New(m.typ).Elem()
	now, err := m.upgraded(recordOf(raw))
	if err != nil {
		return nil, after, &DecodeError{Entity: m.name, Item: raw, Err: err}
	}
	item = codec.CopyItem(now.attributes())
	if err := m.decode(recordOf(item), after, true); err != nil {
		return nil, after, err
	}
	for _, a := range m.ruled {
		if a.has(ruleTransform) && valueIn(item, a.path) != nil {
			transformAt(a, after)
			if err := m.restore(item, after, a); err != nil {
				return nil, after, err
			}
		}
	}
	for _, a := range m.derived {
		a.derive(after)
		if err := m.restore(item, after, a); err != nil {
			return nil, after, err
		}
	}
	for _, set := range m.sets() {
		if err := m.putIndexKey(item, set, after); err != nil {
			return nil, after, err
		}
	}
	if m.tagMode != TagNone {
		item[m.table.tag] = &types.AttributeValueMemberS{Value: m.name}
	}
	return item, after, nil
}

// restore stores an attribute's value as the item in memory has it.
func (m *model) restore(stored attributeMap, item reflect.Value, a *attribute) error {
	av, err := m.encodeChain(item, a)
	if err != nil {
		return invalidf("%s: %v", a, err)
	}
	if av == nil {
		removeAt(stored, a.path)
	} else {
		putAt(stored, a.path, av)
	}
	return nil
}

// putAt stores a value at a path whose parents are stored.
func putAt(item attributeMap, p path, av types.AttributeValue) {
	for len(p) > 1 {
		inner, ok := item[p[0].name].(*types.AttributeValueMemberM)
		if !ok {
			return
		}
		item, p = inner.Value, p[1:]
	}
	item[p[0].name] = av
}

// raiseBack raises the version of an item that is written back.
func (w *write) raiseBack(raw attributeMap) error {
	m := w.m
	if m.version == nil {
		return nil
	}
	if n, ok := m.storedVersion(raw); ok {
		w.expect.version, w.resend = &n, resendSoon
	}
	n, ok := m.storedVersion(w.item) // an upgrade may have given it its first
	if !ok && !w.o.mayLackVersion() {
		return nil
	}
	if err := m.roomFor(n); err != nil {
		return err
	}
	m.setVersion(w.after, n+1)
	putAt(w.item, m.version.path, versionValue(n+1))
	w.mark = m.newMark(w.o)
	w.mark.version, w.expect.mark = n+1, strings.Join(m.marks(raw), " ")
	w.keepMarks()
	w.item[m.table.writeID] = &types.AttributeValueMemberS{Value: w.mark.stored}
	return nil
}

// maxCompared is how many attributes a condition compares at most: DynamoDB takes 300 operators and 4 KB.
const maxCompared = 120

// whereUnchanged adds the condition that the item is as it was read: by its version, which not every program raises, and by all its attributes, those of T and of
// keys that it lacks among them. Of an item with a version that has too many, those that T does not know and the write does not change are left out.
func (w *write) whereUnchanged(raw attributeMap, changed []string) {
	m := w.m
	m.wherePresent(&w.exprBuilder, w.expect.now)
	w.whereVersion()
	names := slices.Concat(changed, []string{m.table.schemaVersion, m.table.tag})
	for _, f := range m.plan.Fields {
		names = append(names, f.Name)
	}
	for _, set := range m.sets() {
		for _, k := range set.all() {
			names = append(names, k.Name)
		}
	}
	if w.expect.version == nil || len(names)+len(raw) <= maxCompared {
		names = slices.AppendSeq(names, maps.Keys(raw))
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		switch av, stored := raw[name]; {
		case m.primary.byName(name) != nil, name == m.table.writeID && w.expect.mark != "":
		case stored:
			w.where(w.top(name).Equal(value(av)))
		case name == m.table.tag:
		default:
			w.where(w.top(name).AttributeNotExists())
		}
	}
}

// rise is what a write-back made of an item's version and mark: a call that was given the old ones means the new ones.
type rise struct {
	from, to         uint64
	fromMark, toMark string
}

// riseOf compares an item before and after its write-back; nil if it has no version.
func (m *model) riseOf(raw, next attributeMap) *rise {
	to, ok := m.storedVersion(next)
	if !ok || to == 0 {
		return nil
	}
	return &rise{from: to - 1, to: to, fromMark: strings.Join(m.marks(raw), " "), toMark: strings.Join(m.marks(next), " ")}
}

// item is an item or key, of which this is a copy, with the version after the rise if it has the one before.
func (r *rise) item(m *model, own reflect.Value) reflect.Value {
	if r == nil {
		return own
	}
	if n, err := m.versionOf(own); err != nil || n != r.from || n == 0 {
		return own
	}
	detach(own, 0)
	m.setVersion(own, r.to)
	if f := m.plan.Field(m.table.writeID); f != nil && m.markIn(own) == r.fromMark {
		if v, ok := f.Get(own); ok && v.Kind() == reflect.String {
			v.SetString(r.toMark)
		}
	}
	return own
}

func (r *rise) changes(m *model, changes []*changeNode) []*changeNode {
	if r == nil {
		return changes
	}
	own := make([]*changeNode, len(changes))
	for i, n := range changes {
		own[i] = r.change(m, n)
	}
	return own
}

func (r *rise) conds(m *model, conds []*condNode) []*condNode {
	if r == nil {
		return conds
	}
	own := make([]*condNode, len(conds))
	for i, n := range conds {
		own[i] = r.cond(m, n)
	}
	return own
}

// change is a change whose conditions are as cond says.
func (r *rise) change(m *model, n *changeNode) *changeNode {
	if n == nil || n.op != changeCond && n.op != changeJoin {
		return n
	}
	own := *n
	if n.op == changeCond {
		own.cond = r.cond(m, n.cond)
		return &own
	}
	own.kids = make([]*changeNode, len(n.kids))
	for i, kid := range n.kids {
		own.kids[i] = r.change(m, kid)
	}
	return &own
}

// cond is a condition that demands the version after the rise where it demanded the one before, as pin sees it.
func (r *rise) cond(m *model, n *condNode) *condNode {
	switch {
	case n.op == opAll:
		all := *n
		all.kids = make([]*condNode, len(n.kids))
		for i, kid := range n.kids {
			all.kids[i] = r.cond(m, kid)
		}
		return &all
	case n.op != opEq || n.size || n.other != nil || !n.loc.path.equal(m.version.path):
		return n
	}
	v := reflect.ValueOf(n.values[0])
	if was, err := m.versionOfValue(v); err != nil || was != r.from {
		return n
	}
	next := reflect.New(v.Type()).Elem()
	if next.CanUint() {
		next.SetUint(r.to)
	} else {
		next.SetInt(int64(r.to)) //nolint:gosec // roomFor has checked it
	}
	eq := *n
	eq.values = []any{next.Interface()}
	return &eq
}
