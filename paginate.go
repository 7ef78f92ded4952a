package monotable

import (
	"context"
	"errors"
	"iter"
	"reflect"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

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

// forward compiles what only Page can read backwards.
func (s source) forward() (*readPlan, error) {
	p, err := s.compile()
	if err == nil && p.start.back {
		return nil, invalidf("a Prev cursor leads back, which Page alone can")
	}
	return p, err
}

func (s source) start(ctx context.Context) (context.Context, verb) {
	if s.begin == nil {
		return ctx, verb{name: "Query"}
	}
	return s.begin(ctx)
}

// Page is one page of items, always in the order of the query. Next continues behind its last item, Prev leads to the page before its first; "" means that there is nothing
// there. A Next may lead to an empty last page: then its Prev leads back.
//
// Only the end, or the budget of [Query.MaxPages] and [Query.MaxUnits], makes a page shorter than the limit; without a limit a page may be
// empty and still have a Next. A page that Prev led to is read backwards from its end: with a limit it holds the same items
// again, less and more what has come and gone meanwhile. Scans have no Prev.
//
// With an error, Items are what was read before it, and a Next (or Prev, on the way back) leads on behind an item that did not decode.
type Page[T any] struct {
	Items []T
	Next  Cursor
	Prev  Cursor
	Stale int // entries of the index that [Query.Hydrate] found outdated, and dropped
}

// all decodes items into V one by one.
func all[V any](ctx context.Context, s source) iter.Seq2[V, error] {
	return observed(ctx, s.start, func(ctx context.Context, yield func(V) bool) error { return each(ctx, s, yield) })
}

// observed makes an iterator of a read, which is observed from its beginning to its end.
func observed[V any](ctx context.Context, begin func(context.Context) (context.Context, verb), each func(context.Context, func(V) bool) error) iter.Seq2[V, error] {
	return func(yield func(V, error) bool) {
		ctx, v := begin(ctx)
		n, ended := 0, false
		defer func() { // whatever the loop's body does
			if !ended {
				_ = v.end(ctx, nil, n)
			}
		}()
		err := each(ctx, func(item V) bool {
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
	p, err := s.forward()
	if err != nil {
		return err
	}
	out := new(V)
	dst := reflect.ValueOf(out).Elem()
	return p.each(ctx, func(item *record) (bool, error) {
		if err := p.decode(item, dst); err != nil {
			return false, err
		}
		return yield(*out), nil
	})
}

// gather decodes all items into a slice.
func gather[V any](ctx context.Context, s source) ([]V, error) {
	ctx, v := s.start(ctx)
	found := []V{}
	p, err := s.forward()
	if err == nil {
		err = p.each(ctx, func(item *record) (bool, error) {
			found = withRoom(found, item)
			return true, p.decode(item, lastOf(found))
		})
	}
	clear(found[len(found):cap(found)]) // it may be what other items were read into
	n := len(found)
	if err != nil {
		found, n = nil, max(n-1, 0)
	}
	return found, v.end(ctx, err, n)
}

// withRoom adds a V for an item to be decoded into, with room for those behind it on its page: that which they have been read into, if all of them are there.
func withRoom[V any](found []V, item *record) []V {
	if len(found) == cap(found) {
		own, ok := item.readInto().([]V)
		if ok && cap(found) == 0 {
			found = own[:0]
		} else {
			found = slices.Grow(found, item.left())
		}
	}
	return found[:len(found)+1]
}

func lastOf[V any](found []V) reflect.Value { return reflect.ValueOf(&found[len(found)-1]).Elem() }

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
	ends, err := p.page(ctx, func(item *record) (bool, error) {
		page.Items = withRoom(page.Items, item)
		if err := p.decode(item, lastOf(page.Items)); err != nil {
			page.Items = page.Items[:len(page.Items)-1]
			return false, err
		}
		return true, nil
	})
	clear(page.Items[len(page.Items):cap(page.Items)])
	page.Next, page.Prev, page.Stale = ends.next, ends.prev, ends.stale
	if p.start.back {
		slices.Reverse(page.Items)
	}
	return page, err
}

// taker takes an item, and says whether it has enough.
type taker func(*record) (more bool, err error)

// each goes through the items of all pages, up to the limit, until take has enough.
func (p *readPlan) each(ctx context.Context, take taker) error {
	got := 0
	counted := func(item *record) (bool, error) {
		more, err := take(item)
		if p.counts == nil || p.counts(item) {
			got++
		}
		return more && (got == 0 || got != p.spec.limit), err
	}
	if p.spec.parallel {
		return p.eachOfSegments(ctx, counted)
	}
	return p.eachAhead(ctx, counted)
}

// eachAhead goes through the items page by page. Once half of a page is used, the next one is read.
func (p *readPlan) eachAhead(ctx context.Context, take taker) error {
	type result struct {
		page rawPage
		err  error
	}
	g := p.pager()
	var pending chan result
	ctx, cancel := context.WithCancel(ctx)
	defer func() { // leave nothing running, whatever take does
		cancel()
		if pending != nil {
			<-pending
		}
	}()
	for pending != nil || g.more() { // while one is pending, g is its
		var next result
		if pending != nil {
			next = <-pending
			pending = nil
		} else {
			next.page, next.err = g.next(ctx)
		}
		if next.err != nil {
			return next.err
		}
		more := g.more() && !g.overBudget() && !p.spec.options.noReadAhead
		for i := range next.page.items {
			if more && i == len(next.page.items)/2 {
				pending = make(chan result, 1)
				go func(c chan<- result) {
					page, err := g.next(ctx)
					c <- result{page, err}
				}(pending)
			}
			if wanted, err := take(&next.page.items[i]); err != nil || !wanted {
				next.page.reply.close()
				return err
			}
		}
		next.page.reply.close()
	}
	return nil
}

// pageEnds is where a page begins and ends.
type pageEnds struct {
	next, prev Cursor
	stale      int
}

// page takes the items of one page, in the direction of reading. take says whether an item counts towards the limit.
func (p *readPlan) page(ctx context.Context, take func(*record) (counts bool, err error)) (pageEnds, error) {
	if p.spec.parallel {
		return pageEnds{}, invalidf("a parallel scan has no pages: read its segments, see Segment")
	}
	var first, last attributeMap // keys of the first item, and of where reading stopped; nil at the end
	g, n, stale := p.pager(), 0, 0
	if p.spec.limit > 0 && p.spec.pageSize > p.spec.limit {
		g.ahead = 1
	}
	err := func() error {
		for {
			raw, err := g.next(ctx)
			if err != nil {
				return err
			}
			stale += raw.stale
			for i := range raw.items {
				item := &raw.items[i]
				if first == nil {
					first = p.keyOf(item)
				}
				counts, err := take(item)
				if counts {
					n++
				}
				if full := counts && n == p.spec.limit; err != nil || full && i < len(raw.items)-1 {
					last = p.keyOf(item)
					return err
				}
			}
			raw.reply.close()
			last = raw.last
			if last == nil || p.spec.limit == 0 || n >= p.spec.limit || g.overBudget() {
				return nil
			}
		}
	}()
	ends, cursorErr := p.ends(first, last, g.pages > 0)
	ends.stale = stale
	return ends, errors.Join(err, cursorErr)
}

// ends makes the cursors on both sides of a page. Nothing was read if not begun.
func (p *readPlan) ends(first, last attributeMap, begun bool) (ends pageEnds, err error) {
	if !begun {
		return ends, nil
	}
	far, near := &ends.next, &ends.prev
	if p.start.back {
		far, near = near, far
	}
	if last != nil {
		if *far, err = p.cursor(position{last, p.start.back}); err != nil {
			return ends, err
		}
	}
	if p.spec.scan || p.start.key == nil {
		return ends, nil // scans have no order, and behind an end there is nothing
	}
	if first == nil {
		first = last // all of it was dropped; without either it is the end
	}
	*near, err = p.cursor(position{first, !p.start.back})
	return ends, err
}

func (p *readPlan) count(ctx context.Context) (int, error) {
	if p.spec.parallel {
		return p.countSegments(ctx)
	}
	return p.countPages(ctx)
}

// countPages counts what the plan's pager goes through.
func (p *readPlan) countPages(ctx context.Context) (int, error) {
	g := p.pager()
	g.adapt = func(in any) {
		if !p.countsOnly() {
			return
		}
		switch in := in.(type) {
		case *dynamodb.ScanInput:
			in.Select = types.SelectCount
		case *dynamodb.QueryInput:
			in.Select = types.SelectCount
		}
	}
	for g.more() {
		page, err := g.next(ctx)
		if err != nil {
			return 0, err
		}
		for i := range page.items { // read because no filter tells them apart
			if err := p.m.checkTag(&page.items[i], p.tagged || p.spec.hydrate); err != nil {
				return 0, err
			}
		}
	}
	if p.spec.limit > 0 {
		return min(g.got, p.spec.limit), nil
	}
	return g.got, nil
}
