package monotable

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Partition is the items, of all entities, that stand together under one partition key, or a part of them in the order of their sort
// keys: an item collection. Read it with [Table.Collect] or a [Collection]. It is an immutable value like [Query]. The zero Partition is an error in use.
type Partition struct {
	_    [0]func()
	spec *querySpec // nil of the zero Partition
}

var errZeroPartition = invalidf("this Partition was not made by an Entity")

// Partition is the partition of key, whose partition fields alone count, narrowed by conditions on the entity's sort key as in [Query.SortKey]. They select
// other entities' items too: what stands at such a key, and what stands under it behind a delimiter, so orderID.Eq("7") selects ORDER#7 and
// ORDER#7#LINE#1, and not ORDER#70. Without conditions it is the whole partition.
func (e *Entity[T]) Partition(key T, sort ...KeyCond[T]) Partition {
	return Partition{spec: e.Query(key).SortKey(sort...).spec}
}

func (from Partition) isZero() bool { return from.spec == nil || from.spec.model == nil }

// With adds options for this read.
func (from Partition) With(opts ...Option) Partition {
	return Partition{spec: from.spec.with(opts)}
}

// Index is the partition of an index, made by the templates that the entity has for it.
func (from Partition) Index(name string) Partition {
	return Partition{spec: from.spec.onIndex(name)}
}

// SortPrefix selects the sort keys that begin with a text, for what entities have in common: "ORDER#2024". The sort key must be text, and
// conditions on it are refused.
func (from Partition) SortPrefix(prefix string) Partition {
	return Partition{spec: from.spec.narrowedTo(&sortTexts{prefix: prefix})}
}

// SortBetween selects the sort keys from low to high, both included, compared as text. The sort key must be text, and conditions on it are refused.
func (from Partition) SortBetween(low, high string) Partition {
	return Partition{spec: from.spec.narrowedTo(&sortTexts{low: low, high: high, between: true})}
}

// Descending reads from the end of the sort key.
func (from Partition) Descending() Partition {
	return Partition{spec: from.spec.backwards()}
}

// Limit bounds how many items, of all members together, one call returns; see [Query.Limit].
func (from Partition) Limit(n int) Partition {
	return Partition{spec: from.spec.limitedTo(n)}
}

// PageSize bounds how many items one request reads; see [Query.PageSize].
func (from Partition) PageSize(n int) Partition {
	return Partition{spec: from.spec.inPagesOf(n)}
}

// MaxPages is [Query.MaxPages].
func (from Partition) MaxPages(n int) Partition {
	return Partition{spec: from.spec.forPages(n)}
}

// MaxUnits is [Query.MaxUnits].
func (from Partition) MaxUnits(units float64) Partition {
	return Partition{spec: from.spec.forUnits(units)}
}

// From continues at a cursor of the same collection. The empty cursor is the beginning.
func (from Partition) From(c Cursor) Partition {
	return Partition{spec: from.spec.from(c)}
}

// Collect reads a partition, or a part of it, and gives each item to the collector of its entity: several types by one query, a request
// for each MB. Items of other entities are counted by [Others]. An item of a collected entity that does not decode is a [*DecodeError]; expired ones are left out. Every entity that is
// collected must have its items in this partition: one whose templates cannot make it is ErrInvalid, as are two collectors of one entity. With
// a failure, except a missing [One], no destination is changed. On an index, it must project all of each entity.
func (t *Table) Collect(ctx context.Context, from Partition, into ...Collector) error {
	ctx, v := from.begin(ctx)
	n, err := from.collect(ctx, t.tableCore, into)
	return v.end(ctx, err, n)
}

// collect reads all of a partition. table is the one it must be of; nil is any.
func (from Partition) collect(ctx context.Context, table *tableCore, into []Collector) (int, error) {
	p, g, err := from.compile(table, into)
	if err != nil {
		return 0, err
	}
	if p.start.back {
		return 0, invalidf("a Prev cursor leads back, which a page of a Collection alone can")
	}
	if err := p.each(ctx, func(item *record) (bool, error) {
		return true, g.take(p, item)
	}); err != nil {
		return 0, err
	}
	return g.n, g.hand()
}

// compile compiles the read of a partition into collectors.
func (from Partition) compile(t *tableCore, into []Collector) (*readPlan, *gathering, error) {
	if from.isZero() {
		return nil, nil, errZeroPartition
	}
	if t != nil && from.spec.model.table != t {
		return nil, nil, invalidf("the Partition is of another Table")
	}
	g := &gathering{}
	spec := from.spec.copy()
	for i, c := range into {
		var to gatherer
		if c != nil {
			to = c.collector()
		}
		if to == nil {
			return nil, nil, invalidf("collector %d is nil, or was made of nil", i)
		}
		m := to.entity()
		switch {
		case m == nil:
			g.others = append(g.others, to)
			continue
		case slices.Contains(spec.members, m):
			return nil, nil, invalidf("%s has two collectors", m.name)
		case m.table != spec.model.table:
			return nil, nil, invalidf("%s is of another Table", m.name)
		}
		g.members = append(g.members, to)
		spec.members = append(spec.members, m)
	}
	if len(g.members) == 0 {
		return nil, nil, invalidf("no entity to collect")
	}
	p, err := spec.model.compileQuery(spec)
	if err != nil {
		return nil, nil, err
	}
	p.counts = func(item *record) bool { return g.counts(p, item) }
	return p, g, nil
}

// gathering gives items to the collectors of one call.
type gathering struct {
	members []gatherer
	others  []gatherer
	n       int // items that were for a member
	foreign int
}

// counts says whether an item is a member's.
func (g *gathering) counts(p *readPlan, item *record) bool {
	if p.outside(item) {
		return false
	}
	to := g.memberOf(p, item)
	return to != nil && !to.entity().expired(item, p.m.now())
}

// take gives an item to its collector.
func (g *gathering) take(p *readPlan, item *record) error {
	if p.outside(item) {
		return nil
	}
	to := g.memberOf(p, item)
	switch {
	case to == nil:
		g.foreign++
		for _, other := range g.others {
			if err := other.add(item, true); err != nil {
				return err
			}
		}
		return nil
	case to.entity().expired(item, p.m.now()):
		return nil
	}
	err := to.add(item, p.spec.options.reveal)
	if err == nil {
		g.n++
	}
	return err
}

// memberOf is the collector of an item: of the entity that its tag names, or else whose templates make its key.
func (g *gathering) memberOf(p *readPlan, item *record) gatherer {
	tag, tagged := item.attribute(p.m.table.tag).(*types.AttributeValueMemberS)
	for _, to := range g.members {
		if m := to.entity(); tagged && m.tagMode != TagNone && m.owns(tag.Value) {
			return to
		}
	}
	for _, to := range g.members {
		m := to.entity()
		byKey := m.tagMode == TagNone || !tagged && (m.tagMode == TagOptional || !p.tagged)
		if byKey && m.primary.matches(item) {
			return to
		}
	}
	return nil
}

// hand gives all collectors' items to the caller.
func (g *gathering) hand() error {
	var errs []error
	for _, to := range append(g.others, g.members...) {
		errs = append(errs, to.hand())
	}
	return errors.Join(errs...)
}

// Collection reads item collections into the caller's own struct C, with a field for each entity: a typed collection to be declared once. It
// is immutable and safe for concurrent use. Make it with [NewCollection]; the zero Collection is an error in use.
type Collection[C any] struct {
	_       [0]func(*C)
	members []Member[C]
}

// Member is a field of a collection's struct and the entity whose items it takes.
type Member[C any] struct {
	_    [0]func(*C)
	into func(*C) Collector
	name string
}

// Many takes all items of an entity into a slice of C.
func Many[C, T any](e *Entity[T], field func(*C) *[]T) Member[C] {
	return Member[C]{name: nameOf(e), into: func(c *C) Collector { return Into(e, field(c)) }}
}

// Lone takes the only item of an entity into a field of C, see [One]. Where a page holds none, the field is zero.
func Lone[C, T any](e *Entity[T], field func(*C) *T) Member[C] {
	return Member[C]{name: nameOf(e), into: func(c *C) Collector { return One(e, field(c)) }}
}

func nameOf[T any](e *Entity[T]) string {
	if e == nil {
		return "nil"
	}
	return e.core.model.name
}

// NewCollection declares a collection of entities of one table. Refused are fields that are nil or taken twice, an entity
// that is there twice, and entities that can never stand in one partition, neither of the table nor of an index. All mistakes come together in a [DefinitionError].
func NewCollection[C any](members ...Member[C]) (*Collection[C], error) {
	problems := &DefinitionError{Name: "collection " + reflect.TypeFor[C]().String()}
	c := &Collection[C]{members: slices.Clone(members)}
	var models []*model
	fields := map[any]bool{}
	probe := new(C)
	for i, member := range members {
		to, err := member.bind(probe)
		if err != nil {
			problems.add(fmt.Sprintf("member %d (%s)", i, or(member.name, "zero")), "%v", err)
			continue
		}
		g := to.collector()
		if field := g.target(); fields[field] {
			problems.add(fmt.Sprintf("member %d (%s)", i, member.name), "its field is another member's")
		} else {
			fields[field] = true
		}
		if slices.Contains(models, g.entity()) {
			problems.add(fmt.Sprintf("member %d (%s)", i, member.name), "the entity is there twice")
		}
		models = append(models, g.entity())
	}
	if len(members) == 0 {
		problems.add("", "has no members")
	}
	if len(problems.Problems) == 0 {
		if err := canMeet(models); err != nil {
			problems.add("", "%v", err)
		}
	}
	return c, problems.orNil()
}

// MustCollection is NewCollection that panics, for package variables and tests.
func MustCollection[C any](members ...Member[C]) *Collection[C] {
	c, err := NewCollection(members...)
	if err != nil {
		panic(err)
	}
	return c
}

// bind makes the collector of a field of c.
func (m Member[C]) bind(c *C) (to Collector, err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("its function panicked; it must only return the address of a field")
		}
	}()
	if m.into == nil {
		return nil, errors.New("was not made by Many or Lone")
	}
	to = m.into(c)
	if to.collector() == nil {
		return nil, errors.New("its entity or its field is nil")
	}
	return to, nil
}

// canMeet says why items of the entities never stand in one partition.
func canMeet(models []*model) error {
	first := models[0]
	for _, m := range models {
		if m.table != first.table {
			return fmt.Errorf("%s and %s are of different Tables", first.name, m.name)
		}
	}
	sets := []func(*model) *keySet{func(m *model) *keySet { return m.primary }}
	for name := range first.indexes {
		sets = append(sets, func(m *model) *keySet { return m.indexes[name] })
	}
	for _, of := range sets {
		if !slices.ContainsFunc(models, func(m *model) bool { return of(m) == nil || !of(first).sharesPartition(of(m)) }) {
			return nil
		}
	}
	return errors.New("its entities have no partition in common: their partition templates differ in the table and in every index")
}

// CollectionPage is one page of a collection: see [Page]. Others counts the items on it that are no member's.
type CollectionPage[C any] struct {
	Items  C
	Others int
	Next   Cursor
	Prev   Cursor
}

// Collect reads all of a partition. A member made by [Lone] that has no item is ErrNotFound, and the rest is returned all the same. See [Table.Collect].
func (c *Collection[C]) Collect(ctx context.Context, from Partition) (C, error) {
	var items C
	ctx, v := from.begin(ctx)
	into, err := c.into(&items)
	if err != nil {
		return items, v.end(ctx, err, 0)
	}
	n, err := from.collect(ctx, nil, into)
	return items, v.end(ctx, err, n)
}

// Page reads one page: up to [Partition.Limit] items of all members together or, without a limit, what one request returns. A page may hold none of some member. A page
// is in the order of the partition, one that Prev led to as well. With an error, Items are what was read before it, and a cursor leads on behind an item that did not decode, see [Page].
func (c *Collection[C]) Page(ctx context.Context, from Partition) (CollectionPage[C], error) {
	ctx, v := from.begin(ctx)
	page, n, err := c.page(ctx, from)
	return page, v.end(ctx, err, n)
}

func (c *Collection[C]) page(ctx context.Context, from Partition) (page CollectionPage[C], n int, err error) {
	into, err := c.into(&page.Items)
	if err != nil {
		return page, 0, err
	}
	p, g, err := from.compile(nil, into)
	if err != nil {
		return page, 0, err
	}
	ends, err := p.page(ctx, func(item *record) (bool, error) {
		n := g.n
		err := g.take(p, item)
		return g.n > n, err
	})
	if p.start.back {
		for _, to := range g.members {
			to.reverse()
		}
	}
	_ = g.hand() // a page may have none of what is alone
	page.Next, page.Prev, page.Others = ends.next, ends.prev, g.foreign
	return page, g.n, err
}

// Pages goes through all pages, lazily, each as [Collection.Page] gives it. An error is the last pair.
func (c *Collection[C]) Pages(ctx context.Context, from Partition) iter.Seq2[CollectionPage[C], error] {
	return func(yield func(CollectionPage[C], error) bool) {
		for at := from; ; {
			page, err := c.Page(ctx, at)
			if !yield(page, err) || err != nil || page.Next == "" {
				return
			}
			at = from.From(page.Next)
		}
	}
}

func (c *Collection[C]) into(items *C) ([]Collector, error) {
	if c == nil || len(c.members) == 0 {
		return nil, invalidf("this Collection was not made by NewCollection")
	}
	into := make([]Collector, len(c.members))
	for i, member := range c.members {
		var err error
		if into[i], err = member.bind(items); err != nil {
			return nil, invalidf("member %s: %v", member.name, err)
		}
	}
	return into, nil
}

func (from Partition) begin(ctx context.Context) (context.Context, verb) {
	if from.isZero() {
		return ctx, verb{name: "Collect"}
	}
	return from.spec.options.begin(ctx, from.spec.model.table, "Collect", "", from.spec.index)
}
