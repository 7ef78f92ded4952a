package monotable

import (
	"context"
	"errors"
	"iter"
	"reflect"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable/internal/codec"
)

type attributeMap = map[string]types.AttributeValue

// source is a read that is compiled when it is run.
type source struct {
	plan  func() (*readPlan, error)
	begin func(context.Context) (context.Context, verb)
}

func (s source) compile() (*readPlan, error) {
	if s.plan == nil {
		return nil, invalidf("this View was not made by As")
	}
	return s.plan()
}

func (s source) start(ctx context.Context) (context.Context, verb) {
	if s.begin == nil {
		return ctx, verb{name: "Query"}
	}
	return s.begin(ctx)
}

// Page is one page of items. Next continues after its last item; "" means that there is nothing more.
// Only the end makes a page shorter than the limit; without a limit a page may be empty and still have a Next. A Next may lead
// to an empty last page. With an error, Items are what was read before it, and a Next leads on behind an item that did not decode.
type Page[T any] struct {
	Items []T
	Next  Cursor
}

// all decodes items into V one by one.
func all[V any](ctx context.Context, s source) iter.Seq2[V, error] {
	return func(yield func(V, error) bool) {
		ctx, v := s.start(ctx)
		n, ended := 0, false
		defer func() { // whatever the loop's body does
			if !ended {
				_ = v.end(ctx, nil, n)
			}
		}()
		err := each(ctx, s, func(item V) bool {
			n++
			return yield(item, nil)
		})
		if err != nil {
			var zero V
			ended = true
			yield(zero, v.end(ctx, err, n))
		}
	}
}

// each decodes items into V one by one, until yield has enough.
func each[V any](ctx context.Context, s source, yield func(V) bool) error {
	p, err := s.compile()
	if err != nil {
		return err
	}
	for item, err := range p.items(ctx) {
		var out V
		if err == nil {
			err = p.decode(item, reflect.ValueOf(&out).Elem())
		}
		if err != nil {
			return err
		}
		if !yield(out) {
			return nil
		}
	}
	return nil
}

func collect[V any](items iter.Seq2[V, error]) ([]V, error) {
	found := []V{}
	for item, err := range items {
		if err != nil {
			return nil, err
		}
		found = append(found, item)
	}
	return found, nil
}

func first[V any](ctx context.Context, s source) (V, error) {
	ctx, v := s.start(ctx)
	var found V
	n := 0
	err := each(ctx, s, func(item V) bool {
		found, n = item, 1
		return false
	})
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	return found, v.end(ctx, err, n)
}

func page[V any](ctx context.Context, s source) (Page[V], error) {
	ctx, v := s.start(ctx)
	page, err := pageOf[V](ctx, s)
	return page, v.end(ctx, err, len(page.Items))
}

func pageOf[V any](ctx context.Context, s source) (Page[V], error) {
	page := Page[V]{Items: []V{}}
	p, err := s.compile()
	if err != nil {
		return page, err
	}
	for raw, err := range p.pages(ctx) {
		if err != nil {
			return page, err
		}
		for i, item := range raw.items {
			var out V
			if err := p.decode(item, reflect.ValueOf(&out).Elem()); err != nil {
				next, cursorErr := p.cursor(p.keyOf(item))
				page.Next = next
				return page, errors.Join(err, cursorErr)
			}
			page.Items = append(page.Items, out)
			if len(page.Items) == p.spec.limit && i < len(raw.items)-1 {
				page.Next, err = p.cursor(p.keyOf(item))
				return page, err
			}
		}
		if raw.last == nil {
			page.Next = ""
			return page, nil
		}
		if page.Next, err = p.cursor(raw.last); err != nil || p.spec.limit == 0 || len(page.Items) == p.spec.limit {
			return page, err
		}
	}
	return page, nil
}

// readPlan is a compiled query or scan.
type readPlan struct {
	m        *model
	spec     *querySpec
	set      *keySet
	expr     built
	filtered bool

	// What no filter can tell is dropped after reading, see keep.
	dropsForeign, dropsExpired bool

	start  attributeMap // where a cursor says to go on
	equal  attributeMap // the partition
	tagged bool         // the items read carry the type tag
	bound  []byte       // what the sort key is narrowed by, for cursors
}

// bind makes cursors belong to queries with these texts in their key condition.
func (p *readPlan) bind(texts ...string) {
	for _, s := range texts {
		p.bound = append(p.bound, strconv.Itoa(len(s))+":"+s...)
	}
}

// request makes the input for the next page, of which want items are wanted; 0 means all.
func (p *readPlan) request(start attributeMap, want int) any {
	var limit *int32
	switch size := p.spec.pageSize; {
	case size > 0 && (p.filtered || want == 0 || size < want):
		limit = ptr(int32(min(size, 1<<31-1))) //nolint:gosec // bounded
	case want > 0 && !p.filtered:
		limit = ptr(int32(min(want, 1<<31-1))) //nolint:gosec // bounded
	}
	var index *string
	if p.spec.index != "" {
		index = &p.spec.index
	}
	var consistent *bool
	if p.spec.options.consistent {
		consistent = ptr(true)
	}
	if p.spec.scan {
		return &dynamodb.ScanInput{
			TableName: ptr(p.spec.options.tableName(p.m.table)), IndexName: index,
			FilterExpression: p.expr.filter, ProjectionExpression: p.expr.projection,
			ExpressionAttributeNames: p.expr.names, ExpressionAttributeValues: p.expr.values,
			ConsistentRead: consistent, Limit: limit, ExclusiveStartKey: start,
			ReturnConsumedCapacity: p.spec.options.returnCapacity(),
		}
	}
	in := &dynamodb.QueryInput{
		TableName: ptr(p.spec.options.tableName(p.m.table)), IndexName: index,
		KeyConditionExpression: p.expr.key, FilterExpression: p.expr.filter, ProjectionExpression: p.expr.projection,
		ExpressionAttributeNames: p.expr.names, ExpressionAttributeValues: p.expr.values,
		ConsistentRead: consistent, Limit: limit, ExclusiveStartKey: start,
		ReturnConsumedCapacity: p.spec.options.returnCapacity(),
	}
	if p.spec.descending {
		in.ScanIndexForward = ptr(false)
	}
	return in
}

// rawPage is what one request returned.
type rawPage struct {
	items []attributeMap
	last  attributeMap // LastEvaluatedKey
	count int
}

// send makes one request.
func (p *readPlan) send(ctx context.Context, in any) (rawPage, error) {
	t, o := p.m.table, &p.spec.options
	if in, ok := in.(*dynamodb.ScanInput); ok {
		out, err := read(ctx, t, o, t.client.Scan, in)
		if err != nil {
			return rawPage{}, err
		}
		return p.keep(rawPage{out.Items, out.LastEvaluatedKey, int(out.Count)}), nil
	}
	out, err := read(ctx, t, o, t.client.Query, in.(*dynamodb.QueryInput))
	if err != nil {
		return rawPage{}, err
	}
	return p.keep(rawPage{out.Items, out.LastEvaluatedKey, int(out.Count)}), nil
}

func (p *readPlan) drops() bool { return p.dropsForeign || p.dropsExpired }

// keep drops what no filter could: untagged items whose keys are not the entity's, and expired ones of an index over the expiry.
func (p *readPlan) keep(page rawPage) rawPage {
	if !p.drops() || len(page.items) == 0 {
		return page
	}
	now := p.m.now()
	var kept []attributeMap // the client's slice is not ours
	for _, item := range page.items {
		_, tagged := item[p.m.table.tag]
		byKey := p.m.tagMode == TagNone || p.m.tagMode == TagOptional && !tagged
		if (!byKey || p.m.matches(item)) && !p.m.expired(item, now) {
			kept = append(kept, item)
		}
	}
	page.items, page.count = kept, len(kept)
	return page
}

var errSameKey = errors.New("monotable: the service returned the same LastEvaluatedKey twice")

// walk reads page after page, empty ones too, until the end or until a page is no longer wanted.
func (p *readPlan) walk(ctx context.Context, adapt func(any)) iter.Seq2[rawPage, error] {
	return func(yield func(rawPage, error) bool) {
		start, got := p.start, 0
		for {
			want := 0
			if p.spec.limit > 0 {
				want = p.spec.limit - got
			}
			in := p.request(start, want)
			adapt(in)
			page, err := p.send(ctx, in)
			if err == nil && len(page.last) > 0 && sameKey(page.last, start) {
				err = errSameKey
			}
			if len(page.last) == 0 {
				page.last = nil
			}
			if !yield(page, err) || err != nil || page.last == nil {
				return
			}
			if start, got = page.last, got+page.count; p.spec.limit > 0 && got >= p.spec.limit {
				return
			}
		}
	}
}

func (p *readPlan) pages(ctx context.Context) iter.Seq2[rawPage, error] {
	return p.walk(ctx, func(any) {})
}

// items goes through the items of all pages, up to the limit.
func (p *readPlan) items(ctx context.Context) iter.Seq2[attributeMap, error] {
	return func(yield func(attributeMap, error) bool) {
		got := 0
		for page, err := range p.pages(ctx) {
			if err != nil {
				yield(nil, err)
				return
			}
			for _, item := range page.items {
				if !yield(item, nil) {
					return
				}
				if got++; got == p.spec.limit {
					return
				}
			}
		}
	}
}

func (p *readPlan) count(ctx context.Context) (int, error) {
	n := 0
	counting := func(in any) {
		if p.drops() {
			return
		}
		switch in := in.(type) {
		case *dynamodb.ScanInput:
			in.Select = types.SelectCount
		case *dynamodb.QueryInput:
			in.Select = types.SelectCount
		}
	}
	for page, err := range p.walk(ctx, counting) {
		if err != nil {
			return 0, err
		}
		for _, item := range page.items { // read because no filter tells them apart
			if err := p.m.checkTag(item, p.tagged); err != nil {
				return 0, err
			}
		}
		n += page.count
	}
	if p.spec.limit > 0 {
		n = min(n, p.spec.limit)
	}
	return n, nil
}

// decode makes a value of an item, which must be the entity's.
func (p *readPlan) decode(item attributeMap, dst reflect.Value) error {
	if err := p.m.checkTag(item, p.tagged); err != nil {
		return err
	}
	v := p.spec.view
	if v == nil {
		return p.m.decode(item, dst, p.spec.options.reveal)
	}
	if err := v.plan.Decode(item, dst); err != nil {
		return &DecodeError{Entity: p.m.name, Item: item, Err: err}
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
func (p *readPlan) keyOf(item attributeMap) attributeMap {
	key := attributeMap{}
	for _, k := range p.keyNames() {
		key[k.Name] = item[k.Name]
	}
	return key
}

func sameKey(a, b attributeMap) bool {
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
