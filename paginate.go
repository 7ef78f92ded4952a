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
func all[V any](ctx context.Context, s *querySpec) iter.Seq2[V, error] {
	return func(yield func(V, error) bool) {
		item := new(V)
		s.each(ctx, item, func(err error) bool { return yield(*item, err) })
	}
}

// each decodes items one by one into what dst points at, which is zero with an error, until yield has enough.
func (s *querySpec) each(ctx context.Context, dst any, yield func(error) bool) {
	into := target(dst)
	observed(ctx, s.begin, func(ctx context.Context, count func() bool) error {
		p, err := s.forward()
		if err != nil {
			return err
		}
		return p.each(ctx, func(item *record) (bool, error) {
			if err := p.decode(item, into); err != nil {
				return false, err
			}
			return count(), nil
		})
	}, func(err error) bool {
		if err != nil {
			into.SetZero()
		}
		return yield(err)
	})
}

// observed goes through a read, which is observed from its beginning to its end. each calls its function at every item; yield is told of
// it, and of the error that ended the read.
func observed(ctx context.Context, begin func(context.Context) (context.Context, verb), each func(context.Context, func() bool) error, yield func(error) bool) {
	ctx, v := begin(ctx)
	n, ended := 0, false
	defer func() { // whatever the loop's body does
		if !ended {
			_ = v.end(ctx, nil, n)
		}
	}()
	err := each(ctx, func() bool {
		n++
		return yield(nil)
	})
	if err != nil {
		ended = true
		yield(v.end(ctx, err, n))
	}
}

// gather decodes all items into a slice.
func gather[V any](ctx context.Context, s *querySpec) ([]V, error) {
	found := []V{}
	err := s.gather(ctx, func(item *record) reflect.Value {
		found = withRoom(found, item)
		return lastOf(found)
	})
	if err != nil {
		return nil, err
	}
	clear(found[len(found):cap(found)]) // it may be what other items were read into
	return found, nil
}

// gather decodes each item into what next makes room for.
func (s *querySpec) gather(ctx context.Context, next func(*record) reflect.Value) error {
	ctx, v := s.begin(ctx)
	n := 0
	p, err := s.forward()
	if err == nil {
		err = p.each(ctx, func(item *record) (bool, error) {
			err := p.decode(item, next(item))
			if err == nil {
				n++
			}
			return true, err
		})
	}
	return v.end(ctx, err, n)
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

// first decodes the first item.
func first[V any](ctx context.Context, s *querySpec) (V, error) {
	var found V
	err := s.first(ctx, &found)
	return found, err
}

func (s *querySpec) first(ctx context.Context, dst any) error {
	ctx, v := s.begin(ctx)
	into := target(dst)
	p, err := s.forward()
	if err == nil {
		missing := true
		err = p.each(ctx, func(item *record) (bool, error) {
			missing = false
			return false, p.decode(item, into)
		})
		if err == nil && missing {
			err = ErrNotFound
		}
	}
	if err != nil {
		into.SetZero()
	}
	return v.endOne(ctx, err)
}

func page[V any](ctx context.Context, s *querySpec) (Page[V], error) {
	page := Page[V]{Items: []V{}}
	ends, err := s.page(ctx, func(item *record) reflect.Value {
		page.Items = withRoom(page.Items, item)
		return lastOf(page.Items)
	})
	page.Items = page.Items[:ends.items] // without one that did not decode
	clear(page.Items[len(page.Items):cap(page.Items)])
	page.Next, page.Prev, page.Stale = ends.next, ends.prev, ends.stale
	if ends.back {
		slices.Reverse(page.Items)
	}
	return page, err
}

// page decodes each item of a page into what next makes room for.
func (s *querySpec) page(ctx context.Context, next func(*record) reflect.Value) (pageEnds, error) {
	ctx, v := s.begin(ctx)
	p, err := s.plan()
	if err != nil {
		return pageEnds{}, v.end(ctx, err, 0)
	}
	n := 0
	ends, err := p.page(ctx, func(item *record) (bool, error) {
		if err := p.decode(item, next(item)); err != nil {
			return false, err
		}
		n++
		return true, nil
	})
	ends.items, ends.back = n, p.start.back
	return ends, v.end(ctx, err, n)
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
	next, prev   Cursor
	stale, items int
	back         bool // it was read backwards
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
