package monotable

import (
	"cmp"
	"container/heap"
	"context"
	"iter"
	"reflect"
	"slices"
	"sync"
)

// ManyQuery reads many queries as one, several at a time. It is an immutable value like [Query]. The zero ManyQuery has no queries and no items.
type ManyQuery[T any] struct {
	_    [0]func(*T)
	spec *manySpec // nil of the zero ManyQuery
}

// QueryMany reads the items of all queries: a partition for each user, a shard for each digit. They come query by query, in the order given, or, with
// [ManyQuery.OrderBy], merged. Each query keeps its own limit, filter, index and budget.
//
// As many requests as [Concurrency] says are under way at a time, 4 by default. Pages are read ahead: one or two of each query
// that is under way, and with OrderBy all of them are. Nothing is sent if a query is invalid, and the first failure ends the whole; both errors name the query's index.
func QueryMany[T any](queries ...Query[T]) ManyQuery[T] {
	m := &manySpec{queries: make([]*querySpec, len(queries))}
	for i, q := range queries {
		m.queries[i] = q.spec.copy()
	}
	if len(queries) > 0 {
		m.options = m.queries[0].options
	}
	return ManyQuery[T]{spec: m}
}

// With adds options for all of the queries.
func (m ManyQuery[T]) With(opts ...Option) ManyQuery[T] { return ManyQuery[T]{spec: m.spec.with(opts)} }

// OrderBy merges the results: compare says which item comes first, as for [slices.SortFunc]; equal ones come in the order of their queries. Each query must give its items
// in that order already, as those of one sort key do: what does not come in order is not sorted.
func (m ManyQuery[T]) OrderBy(compare func(a, b T) int) ManyQuery[T] {
	if compare == nil {
		return ManyQuery[T]{spec: m.spec.orderedBy(nil)}
	}
	return ManyQuery[T]{spec: m.spec.orderedBy(func(a, b any) int { return compare(*a.(*T), *b.(*T)) })}
}

// Limit bounds how many items one call returns, and so how many are read of each query. n < 1 is refused.
func (m ManyQuery[T]) Limit(n int) ManyQuery[T] { return ManyQuery[T]{spec: m.spec.limitedTo(n)} }

// Explain is the plan of each query, or the reason why one is refused. Nothing is sent.
func (m ManyQuery[T]) Explain() ([]Plan, error) { return m.spec.explain() }

// All goes through all items. An error is the last pair. It can be ranged again and then starts anew; a break leaves nothing running.
func (m ManyQuery[T]) All(ctx context.Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		m.spec.each(ctx, func(item any, err error) bool {
			if err != nil {
				item = new(T)
			}
			return yield(*item.(*T), err)
		})
	}
}

// Collect reads all items into a slice. It is empty, not nil, when there are none.
func (m ManyQuery[T]) Collect(ctx context.Context) ([]T, error) {
	found := []T{}
	for item, err := range m.All(ctx) {
		if err != nil {
			return nil, err
		}
		found = append(found, item)
	}
	return found, nil
}

// Count counts the items of all queries, see [Query.Count].
func (m ManyQuery[T]) Count(ctx context.Context) (int, error) { return m.spec.count(ctx) }

// manySpec is a ManyQuery free of type parameters. It is immutable. Items are pointers to T.
type manySpec struct {
	queries []*querySpec
	compare func(a, b any) int
	options options
	limit   int
	err     error
}

func (m *manySpec) copy() *manySpec {
	if m == nil {
		return &manySpec{}
	}
	own := *m
	return &own
}

func (m *manySpec) with(opts []Option) *manySpec {
	m = m.copy()
	m.queries = slices.Clone(m.queries)
	for i, q := range m.queries {
		m.queries[i] = q.with(opts)
	}
	m.options = m.options.with(opts)
	return m
}

func (m *manySpec) orderedBy(compare func(a, b any) int) *manySpec {
	m = m.copy()
	if compare == nil {
		m.err = because(m.err, invalidf("OrderBy without a function"))
	}
	m.compare = compare
	return m
}

func (m *manySpec) limitedTo(n int) *manySpec {
	m = m.copy()
	if n < 1 {
		m.err = because(m.err, invalidf("Limit %d: it must be at least 1; without Limit there is none", n))
	}
	m.limit = n
	return m
}

func (m *manySpec) explain() ([]Plan, error) {
	plans, err := m.plans(false)
	all := make([]Plan, len(plans))
	for i, p := range plans {
		all[i] = p.explain()
	}
	return all, err
}

func (m *manySpec) begin(ctx context.Context) (context.Context, verb) {
	if m == nil || len(m.queries) == 0 || m.queries[0].model == nil {
		return ctx, verb{name: "QueryMany"}
	}
	q := m.queries[0]
	return m.options.begin(ctx, q.model.table, "QueryMany", q.model.name, q.index)
}

// plans compiles all queries, to be read or to be counted.
func (m *manySpec) plans(counting bool) ([]*readPlan, error) {
	if m == nil {
		return nil, nil
	}
	if m.err != nil {
		return nil, m.err
	}
	plans := make([]*readPlan, len(m.queries))
	for i, q := range m.queries {
		q = q.copy()
		q.counting = counting
		if m.limit > 0 && (q.limit == 0 || q.limit > m.limit) {
			q.limit = m.limit // more of one query is never wanted
		}
		p, err := q.forward()
		if err == nil && q.parallel {
			err = invalidf("a parallel scan is many reads already")
		}
		if err != nil {
			return nil, indexed("query", i, err)
		}
		plans[i] = p
	}
	return plans, nil
}

func (m *manySpec) count(ctx context.Context) (int, error) {
	ctx, v := m.begin(ctx)
	plans, err := m.plans(true)
	if err != nil || len(plans) == 0 {
		return 0, v.end(ctx, err, 0)
	}
	total, err := countAll(ctx, len(plans), m.options.inParallel(), func(ctx context.Context, i int) (int, error) {
		n, err := plans[i].countPages(ctx)
		if err != nil {
			err = indexed("query", i, err)
		}
		return n, err
	})
	if err == nil && m.limit > 0 {
		total = min(total, m.limit)
	}
	return total, v.end(ctx, err, total)
}

// each goes through the items until yield has enough. An error is the last call, without an item.
func (m *manySpec) each(ctx context.Context, yield func(item any, err error) bool) {
	var item any
	observed(ctx, m.begin, func(ctx context.Context, count func() bool) error {
		return m.read(ctx, func(next any) bool {
			item = next
			return count()
		})
	}, func(err error) bool { return yield(item, err) })
}

func (m *manySpec) read(ctx context.Context, yield func(any) bool) error {
	plans, err := m.plans(false)
	if err != nil || len(plans) == 0 {
		return err
	}
	r := &manyReader{streams: make([]*stream, len(plans)), requests: make(chan struct{}, m.options.inParallel())}
	var cancel context.CancelFunc
	r.ctx, cancel = context.WithCancel(ctx)
	defer func() { // leave nothing running, whatever the loop's body does
		cancel()
		r.wait.Wait()
	}()
	for i, p := range plans {
		r.streams[i] = &stream{plan: p, pages: make(chan streamPage, 1)}
	}
	got := 0
	counted := func(item any) bool {
		got++
		return yield(item) && got != m.limit
	}
	if m.compare == nil {
		return r.inTurn(counted)
	}
	return r.merged(m.compare, counted)
}

// stream reads one query's pages ahead.
type stream struct {
	plan  *readPlan
	pages chan streamPage
	items []record // of the page in use
}

type streamPage struct {
	rawPage
	err error
}

// manyReader reads the streams of one call.
type manyReader struct {
	ctx      context.Context //nolint:containedctx // of one call
	streams  []*stream
	requests chan struct{} // a place for each request that may be under way
	wait     sync.WaitGroup
}

// start begins to read a stream.
func (r *manyReader) start(s *stream) {
	r.wait.Go(func() {
		defer close(s.pages)
		for g := s.plan.pager(); g.more(); {
			select {
			case r.requests <- struct{}{}:
			case <-r.ctx.Done():
				return
			}
			page, err := g.next(r.ctx)
			<-r.requests
			select {
			case s.pages <- streamPage{page, err}:
			case <-r.ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	})
}

// next is the next item of stream i; false at its end.
func (r *manyReader) next(i int) (item any, ok bool, err error) {
	s := r.streams[i]
	for len(s.items) == 0 {
		page, more := <-s.pages
		if !more {
			if err := started(r.ctx); err != nil {
				return nil, false, indexed("query", i, err)
			}
			return nil, false, nil
		}
		if page.err != nil {
			return nil, false, indexed("query", i, page.err)
		}
		s.items = page.items
	}
	next := reflect.New(s.plan.m.typ)
	if err := s.plan.decode(&s.items[0], next.Elem()); err != nil {
		return nil, false, indexed("query", i, err)
	}
	s.items = s.items[1:]
	return next.Interface(), true, nil
}

// inTurn goes through the streams one after the other. Those that come next are read meanwhile.
func (r *manyReader) inTurn(yield func(any) bool) error {
	ahead := cap(r.requests)
	for _, s := range r.streams[:min(ahead, len(r.streams))] {
		r.start(s)
	}
	for i, s := range r.streams {
		taken := 0
		for {
			item, ok, err := r.next(i)
			if err != nil {
				return err
			}
			if !ok {
				break
			}
			if !yield(item) {
				return nil
			}
			if taken++; taken == s.plan.spec.limit {
				break
			}
		}
		if i+ahead < len(r.streams) {
			r.start(r.streams[i+ahead])
		}
	}
	return nil
}

// merged goes through all streams at once, the least item first.
func (r *manyReader) merged(compare func(a, b any) int, yield func(any) bool) error {
	for _, s := range r.streams {
		r.start(s)
	}
	heads := &headHeap{compare: compare}
	for i := range r.streams {
		item, ok, err := r.next(i)
		if err != nil {
			return err
		}
		if ok {
			heads.all = append(heads.all, head{item, i, 1})
		}
	}
	heap.Init(heads)
	for len(heads.all) > 0 {
		least := &heads.all[0]
		if !yield(least.item) {
			return nil
		}
		var err error
		ok := least.taken != r.streams[least.stream].plan.spec.limit
		if ok {
			least.item, ok, err = r.next(least.stream)
			least.taken++
		}
		switch {
		case err != nil:
			return err
		case ok:
			heap.Fix(heads, 0)
		default:
			heap.Pop(heads)
		}
	}
	return nil
}

// head is the next item of a stream.
type head struct {
	item   any
	stream int
	taken  int
}

type headHeap struct {
	all     []head
	compare func(a, b any) int
}

func (h *headHeap) Len() int { return len(h.all) }

func (h *headHeap) Less(i, j int) bool {
	a, b := &h.all[i], &h.all[j]
	return cmp.Or(h.compare(a.item, b.item), cmp.Compare(a.stream, b.stream)) < 0
}

func (h *headHeap) Swap(i, j int) { h.all[i], h.all[j] = h.all[j], h.all[i] }

func (h *headHeap) Push(x any) { h.all = append(h.all, x.(head)) }

func (h *headHeap) Pop() any {
	last := h.all[len(h.all)-1]
	h.all = h.all[:len(h.all)-1]
	return last
}
