package monotable

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable/internal/codec"
)

type attributeMap = map[string]types.AttributeValue

// readPlan is a compiled query or scan.
type readPlan struct {
	m        *model
	spec     *querySpec
	set      *keySet
	keys     []KeyAttribute // of a LastEvaluatedKey
	expr     built
	filtered bool

	// What no filter can tell is dropped after reading, see keep.
	dropsForeign, dropsExpired bool

	start   position     // where a cursor says to go on
	segment int          // of a scan
	equal   attributeMap // the partition
	tagged  bool         // the items read carry the type tag
	foreign bool         // other entities' items may be among what is read
	bound   []byte       // what the sort key is narrowed by, for cursors

	// Of a collection: what the key condition cannot say, nil where it says all, and which items are a member's.
	inRange func(sort string) bool
	counts  func(item *record) bool
}

// outside says that an item was read only because the key condition could not leave it out.
func (p *readPlan) outside(item *record) bool {
	return p.inRange != nil && !p.inRange(scalarText(item.attribute(p.set.sort[0].Name)))
}

// bind makes cursors belong to queries with these texts in their key condition.
func (p *readPlan) bind(texts ...string) {
	for _, s := range texts {
		p.bound = append(p.bound, strconv.Itoa(len(s))+":"+s...)
	}
}

// readers names the entities that the plan reads.
func (p *readPlan) readers() string {
	if p.spec.members == nil {
		return p.m.name
	}
	names := make([]string, len(p.spec.members))
	for i, m := range p.spec.members {
		names[i] = strconv.Quote(m.name)
	}
	slices.Sort(names)
	return "{" + strings.Join(names, ",") + "}"
}

// request makes the input for the next page, of which want items are wanted; 0 means all.
func (p *readPlan) request(at position, want int) any {
	spec, o := p.spec, &p.spec.options
	var limit *int32
	switch size := spec.pageSize; {
	case size > 0 && (p.filtered || want == 0 || size < want):
		limit = ptr(int32(min(size, 1<<31-1))) //nolint:gosec // bounded
	case want > 0 && !p.filtered:
		limit = ptr(int32(min(want, 1<<31-1))) //nolint:gosec // bounded
	}
	var index *string
	if spec.index != "" {
		index = &spec.index
	}
	var consistent *bool
	if o.consistent && !p.hydratesOnly() {
		consistent = ptr(true)
	}
	capacity := o.returnCapacity()
	if spec.maxUnits > 0 {
		capacity = types.ReturnConsumedCapacityTotal
	}
	if spec.scan {
		in := &dynamodb.ScanInput{
			TableName: ptr(o.tableName(p.m.table)), IndexName: index,
			FilterExpression: p.expr.filter, ProjectionExpression: p.expr.projection,
			ExpressionAttributeNames: p.expr.names, ExpressionAttributeValues: p.expr.values,
			ConsistentRead: consistent, Limit: limit, ExclusiveStartKey: at.key,
			ReturnConsumedCapacity: capacity,
		}
		if spec.segments > 0 {
			in.Segment, in.TotalSegments = ptr(int32(p.segment)), ptr(int32(spec.segments)) //nolint:gosec // bounded by Segment and Parallel
		}
		return in
	}
	in := &dynamodb.QueryInput{
		TableName: ptr(o.tableName(p.m.table)), IndexName: index,
		KeyConditionExpression: p.expr.key, FilterExpression: p.expr.filter, ProjectionExpression: p.expr.projection,
		ExpressionAttributeNames: p.expr.names, ExpressionAttributeValues: p.expr.values,
		ConsistentRead: consistent, Limit: limit, ExclusiveStartKey: at.key,
		ReturnConsumedCapacity: capacity,
	}
	if spec.descending != at.back {
		in.ScanIndexForward = ptr(false)
	}
	return in
}

// rawPage is what one request returned, less what keep drops.
type rawPage struct {
	items []record
	reply *reply       // where they stand
	last  attributeMap // LastEvaluatedKey
	count int
	read  int // before any were dropped
	stale int // dropped because the table had gone on, see Hydrate
	units float64
}

// send makes one request.
func (p *readPlan) send(ctx context.Context, in any) (rawPage, error) {
	t, o := p.m.table, &p.spec.options
	var page rawPage
	var items []attributeMap
	answer := p.m.reply(p.becomes(), p.set, "Items")
	switch in := in.(type) {
	case *dynamodb.ScanInput:
		out, err := readInto(ctx, t, o, answer, t.client.Scan, in)
		if err != nil {
			return rawPage{}, err
		}
		items = out.Items
		page = rawPage{last: out.LastEvaluatedKey, count: int(out.Count), units: unitsOf(out)}
	case *dynamodb.QueryInput:
		out, err := readInto(ctx, t, o, answer, t.client.Query, in)
		if err != nil {
			return rawPage{}, err
		}
		items = out.Items
		page = rawPage{last: out.LastEvaluatedKey, count: int(out.Count), units: unitsOf(out)}
	}
	page.read, page.reply = page.count, answer
	if !p.countsOnly() {
		var err error
		if page.items, err = answer.all(items, page.count); err != nil {
			return rawPage{}, err
		}
	}
	if len(page.last) == 0 {
		page.last = nil
	}
	if p.spec.hydrate {
		if err := p.hydrate(ctx, &page); err != nil {
			return rawPage{}, err
		}
	}
	if p.counts == nil {
		p.keep(&page)
		return page, nil
	}
	page.count = 0
	for i := range page.items {
		if p.counts(&page.items[i]) {
			page.count++
		}
	}
	return page, nil
}

// countsOnly says that the service counts, and returns no items.
func (p *readPlan) countsOnly() bool { return p.spec.counting && !p.drops() && !p.spec.hydrate }

func (p *readPlan) drops() bool { return p.dropsForeign || p.dropsExpired }

// keep drops what no filter could: untagged items whose keys are not the entity's, and expired ones of an index over the expiry.
func (p *readPlan) keep(page *rawPage) {
	if !p.drops() || len(page.items) == 0 {
		return
	}
	now := p.m.now()
	page.items = slices.DeleteFunc(page.items, func(item record) bool {
		byKey := p.m.tagMode == TagNone || p.m.tagMode == TagOptional && item.lacks(p.m.table.tag)
		return byKey && !p.m.primary.matches(&item) || p.m.expired(&item, now)
	})
	page.count = len(page.items)
}

var errSameKey = errors.New("monotable: the service returned the same LastEvaluatedKey twice")

// pager reads a plan page after page.
type pager struct {
	p     *readPlan
	adapt func(any) // changes each request
	at    position
	done  bool
	got   int // items
	ahead int // items to read beyond the limit
	pages int
	units float64
	drops bool         // items have been read that do not count, so it takes whole pages from now on
	seen  attributeMap // an earlier LastEvaluatedKey, of page 1, 2, 4, 8, …: a circle of any length comes back to it
}

func (p *readPlan) pager() *pager { return &pager{p: p, at: p.start, adapt: func(any) {}} }

// more says that there may be more items and that they are wanted.
func (g *pager) more() bool { return !g.done && (g.p.spec.limit == 0 || g.got < g.p.spec.limit) }

// overBudget says that the call may not read another page.
func (g *pager) overBudget() bool {
	spec := g.p.spec
	return spec.maxPages > 0 && g.pages >= spec.maxPages || spec.maxUnits > 0 && g.units >= spec.maxUnits
}

// next reads one page, which may be empty.
func (g *pager) next(ctx context.Context) (rawPage, error) {
	if g.overBudget() {
		return rawPage{}, ErrBudget
	}
	want := 0
	if limit := g.p.spec.limit; limit > 0 && !g.drops {
		want = limit - g.got + g.ahead
	}
	in := g.p.request(g.at, want)
	g.adapt(in)
	page, err := g.p.send(ctx, in)
	if err == nil && page.last != nil && (sameAttributes(page.last, g.at.key) || sameAttributes(page.last, g.seen)) {
		err = errSameKey
	}
	if err != nil {
		return rawPage{}, err
	}
	g.at.key, g.done = page.last, page.last == nil
	g.got, g.pages, g.units = g.got+page.count, g.pages+1, g.units+page.units
	g.drops = g.drops || page.count < page.read
	if g.pages&(g.pages-1) == 0 {
		g.seen = page.last
	}
	return page, nil
}

// decode makes a value of an item, which must be the entity's.
func (p *readPlan) decode(item *record, dst reflect.Value) error {
	if err := p.m.checkTag(item, p.tagged || p.spec.hydrate); err != nil {
		return err
	}
	if p.partial() && p.m.isOutdated(item) {
		return &DecodeError{Entity: p.m.name, Item: item.attributes(), Err: ErrOutdatedSchema}
	}
	v := p.spec.view
	if v == nil {
		return p.m.decode(item, dst, p.spec.options.reveal)
	}
	if err := p.m.decodeAs(v.plan, item, dst); err != nil {
		return err
	}
	if p.spec.options.reveal {
		return nil
	}
	for _, chain := range v.hidden {
		if hidden, ok := get(dst, chain); ok {
			hidden.SetZero()
		}
	}
	return nil
}

// becomes is the plan of what the items that are read become, as far as it is one.
func (p *readPlan) becomes() *codec.Plan {
	switch {
	case p.spec.members != nil, p.spec.hydrate:
		return notes
	case p.spec.view != nil:
		return p.spec.view.plan
	}
	return p.m.plan
}

// partial says that what is read is not the whole item, so that no upgrade can run on it.
func (p *readPlan) partial() bool {
	projection := p.set.projection.ProjectionType
	return !p.spec.hydrate && projection != "" && projection != types.ProjectionTypeAll
}

// keyNames are the attributes of a LastEvaluatedKey: those of the index and of the table.
func (p *readPlan) keyNames() []KeyAttribute {
	keys := p.m.primary.indexKeys.all()
	if p.spec.index != "" {
		for _, k := range p.set.indexKeys.all() {
			if p.m.primary.byName(k.Name) == nil {
				keys = append(keys, k)
			}
		}
	}
	return keys
}

// keyOf is the key after which the item's successor follows.
func (p *readPlan) keyOf(item *record) attributeMap { return item.pick(p.keys) }

func sameAttributes(a, b attributeMap) bool {
	if len(a) != len(b) {
		return false
	}
	for name, av := range a {
		if other, ok := b[name]; !ok || !codec.Equal(av, other) {
			return false
		}
	}
	return true
}
