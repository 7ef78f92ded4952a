package monotable

import (
	"context"
	"reflect"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// newPut makes the item of a Create (create) or Put; alone says that it is for a request of its own. item is an own copy of the caller's and is
// prepared in place.
func (m *model) newPut(ctx context.Context, o *options, create, alone bool, item reflect.Value) (*write, error) {
	w := m.newWrite(o, "Put", actionPut, expectation{create: create, now: m.now()})
	if create {
		w.op = "Create"
	}
	m.stamp(item, w.expect.now, true)
	found, err := m.prepareValues(item)
	if err != nil {
		return nil, err
	}
	var key attributeMap
	asJSON := alone && m.putsJSON && len(found) == 0 && !o.exactlyOnce && m.table.sendsJSON(o)
	if asJSON {
		w.id, asJSON = m.textKey(o, w.table(), item, &idRoom{})
	}
	if !asJSON {
		if key, err = m.prepareWhole(ctx, item, found); err != nil {
			return nil, err
		}
	}
	if m.version != nil {
		if err := m.raiseIn(item, w); err != nil {
			return nil, err
		}
	}
	if asJSON {
		if err = w.fillJSON(item); err != nil || w.json != nil {
			return w, err
		}
	}
	w.item, w.key, err = m.itemOf(o, item, w.mark, key)
	return w, err
}

// buildPut compiles a Create or Put.
func (m *model) buildPut(ctx context.Context, o *options, create, alone bool, item reflect.Value, conds []*condNode) (*write, error) {
	w, err := m.newPut(ctx, o, create, alone, item)
	if err != nil {
		return nil, err
	}
	now := w.expect.now
	switch v := w.expect.version; {
	case w.expect.fresh():
		m.whereAbsent(&w.exprBuilder, now)
	case v != nil:
		w.expect.exist = true
		m.wherePresent(&w.exprBuilder, now)
		w.whereVersion()
	default:
		m.whereNotForeign(&w.exprBuilder)
	}
	asked := len(w.conds)
	if !w.expect.fresh() {
		m.protect(w)
	}
	if err := m.wherePut(w, conds); err != nil {
		return nil, err
	}
	m.whereReplaceable(w, len(w.conds) > asked)
	w.uniques, w.after = m.uniques, item
	return w, w.compile()
}

// raiseIn raises the version of a whole item and notes which one must be stored.
func (m *model) raiseIn(item reflect.Value, w *write) error {
	n, err := m.versionOf(item)
	if err != nil {
		return err
	}
	if w.expect.create && n != 0 {
		return invalidf("%s is set; Create wants version 0", m.version)
	}
	if err := m.roomFor(n); err != nil {
		return err
	}
	m.setVersion(item, n+1)
	w.mark = m.newMark(w.o)
	w.mark.version = n + 1
	if !w.o.noVersion && !w.expect.create {
		w.expect.version = &n
		w.expect.mark = m.markIn(item)
	}
	if !w.o.noVersion {
		w.resend = resendSoon
	}
	w.keepMarks()
	return nil
}

// protect keeps a Put from erasing hidden attributes and from changing immutable ones.
func (m *model) protect(w *write) {
	b := &w.exprBuilder
	for _, a := range m.ruled {
		av := valueIn(w.item, a.path)
		switch {
		case a.has(ruleHidden) && av == nil:
			w.expect.absent = append(w.expect.absent, a.path)
			b.where(m.orOver(b, w.expect.now, b.name(a.path).AttributeNotExists()))
		case a.has(ruleImmutable) && av == nil:
			w.expect.fix(a, nil)
			b.where(m.orOver(b, w.expect.now, b.name(a.path).AttributeNotExists()))
		case a.has(ruleImmutable):
			w.expect.fix(a, av)
			absent := b.top(m.primary.partition[0].Name).AttributeNotExists()
			b.where(m.orOver(b, w.expect.now, absent.Or(b.name(a.path).Equal(value(av)))))
		}
	}
}

// fix notes what an immutable attribute must be.
func (e *expectation) fix(a *attribute, av types.AttributeValue) {
	if e.fixed == nil {
		e.fixed = map[string]types.AttributeValue{}
	}
	e.fixed[a.String()] = av
}

// erased is the first hidden attribute that an item lacks, so that storing it would erase it; nil if there is none.
func (m *model) erased(item attributeMap) *attribute {
	i := slices.IndexFunc(m.ruled, func(a *attribute) bool { return a.has(ruleHidden) && valueIn(item, a.path) == nil })
	if i < 0 {
		return nil
	}
	return m.ruled[i]
}

// wherePut adds the caller's conditions of a Create or Put. An expired item counts as absent, so they hold for it if
// they hold for nothing.
func (m *model) wherePut(w *write, conds []*condNode) error {
	b, fresh := &w.exprBuilder, w.expect.fresh()
	for _, n := range conds {
		c, err := b.compile(n)
		switch {
		case err != nil:
			return err
		case m.expires == nil || w.expect.exist:
			b.where(c)
		case n.holdsForNothing() && !fresh:
			b.where(m.orOver(b, w.expect.now, c))
		case n.holdsForNothing():
		default:
			if fresh {
				b.where(b.top(m.primary.partition[0].Name).AttributeNotExists())
			} else {
				b.where(m.alive(b, w.expect.now))
			}
			b.where(c)
		}
	}
	return nil
}
