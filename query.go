package monotable

import (
	"context"
	"iter"
)

// Query reads the items of one entity from a partition of the table or of an index, or, made
// by [Entity.Scan], from the whole table. It is an immutable value: each method returns a changed copy and does nothing else, so
// a base query can be shared, extended, and run any number of times, concurrently. Nothing is sent before
// a terminal method ([Query.All], [Query.Page], [Query.Collect], [Query.First], [Query.Count]); mistakes made on the way are reported there, as
// ErrInvalid. The zero Query is an error in use.
//
// Only items of T are returned. Where the key templates of the table's entities prove that nothing else can be in the
// range, the key condition alone sees to that; elsewhere a filter on the type tag does, which costs
// the read units of what it drops. An item that is not T's all the same ends the query with ErrWrongEntity, one that does
// not decode with a [*DecodeError]. Expired items are left out.
type Query[T any] struct {
	_    [0]func(*T)
	spec *querySpec // nil of the zero Query
}

// Query reads the items of a partition: that of the table's key template filled from key, or, after [Query.Index], of
// the index's. Only the partition's fields of key count; the sort key is narrowed by [Query.SortKey].
func (e *Entity[T]) Query(key T) Query[T] {
	return Query[T]{spec: &querySpec{model: e.core.model, options: e.core.options, key: frozen(&key)}}
}

// Scan reads all of the table, or of an index, and returns the items of T. It costs the read units of everything in the table.
// Items come in no order.
func (e *Entity[T]) Scan() Query[T] {
	return Query[T]{spec: &querySpec{model: e.core.model, options: e.core.options, scan: true}}
}

// With adds options for this query.
func (q Query[T]) With(opts ...Option) Query[T] {
	return Query[T]{spec: q.spec.with(opts)}
}

// Index reads from an index instead of the table. Reads of global indexes are eventually consistent. If the index does not
// project all of T, use [As].
func (q Query[T]) Index(name string) Query[T] {
	return Query[T]{spec: q.spec.onIndex(name)}
}

// SortKey narrows the sort key by its parts, from left to right through the template: equality on each, and on
// the last one given any comparison, Between, or HasPrefix. Ranges stay inside the template. A part that does not belong there, a gap, and two
// conditions on one part are refused. To compare other attributes use Filter.
func (q Query[T]) SortKey(conds ...KeyCond[T]) Query[T] {
	return Query[T]{spec: q.spec.sorted(keyNodes(conds))}
}

// Filter drops items after they are read and paid for. All conditions must hold.
func (q Query[T]) Filter(conds ...Cond[T]) Query[T] {
	return Query[T]{spec: q.spec.filtered(nodes(conds))}
}

// Descending reads from the end of the sort key.
func (q Query[T]) Descending() Query[T] {
	return Query[T]{spec: q.spec.backwards()}
}

// Limit bounds how many items one terminal call returns, after filters. It reads on, page by page, until it has
// them. n < 1 is refused.
func (q Query[T]) Limit(n int) Query[T] {
	return Query[T]{spec: q.spec.limitedTo(n)}
}

// PageSize bounds how many items one request reads, before filters. Without it DynamoDB reads up to 1 MB, or as many as Limit wants. n < 1 is refused. If it is above Limit, a
// Page reads one item more than it returns, so that its ends are exact: Next is "" unless there is another item.
func (q Query[T]) PageSize(n int) Query[T] {
	return Query[T]{spec: q.spec.inPagesOf(n)}
}

// MaxPages bounds how many requests one terminal call may make. All, Collect, First and Count then end with ErrBudget if there may be more; a Page ends where
// it is, with a Next, and without an error. In a parallel scan it bounds each segment, in a [QueryMany] each query. n < 1 is refused.
func (q Query[T]) MaxPages(n int) Query[T] {
	return Query[T]{spec: q.spec.forPages(n)}
}

// MaxUnits is [Query.MaxPages] in read capacity units: once answers have reported that many, no further page is read. One page may go beyond
// it, by 128 units at most (1 MB, consistent), and what Hydrate reads does not count. units must be above 0.
func (q Query[T]) MaxUnits(units float64) Query[T] {
	return Query[T]{spec: q.spec.forUnits(units)}
}

// Hydrate completes items that an index does not project: each page of the index is followed by a [Entity.BatchGet] of its keys, consistent if
// [Consistent] is given, so it costs the read units of whole items on top. An index lags: entries whose item is gone, has expired, or has another index key by now are dropped, and
// counted in Page.Stale. Filters run on the index, on what it projects, so a fresh item may differ from its filter.
func (q Query[T]) Hydrate() Query[T] {
	return Query[T]{spec: q.spec.hydrated()}
}

// From continues after the item where a cursor was taken, in a query of the same kind. The empty cursor is the beginning.
func (q Query[T]) From(c Cursor) Query[T] {
	return Query[T]{spec: q.spec.from(c)}
}

// Request is the first request that would be sent, a *dynamodb.QueryInput or *dynamodb.ScanInput, or the reason why it is refused.
func (q Query[T]) Request() (any, error) { return q.spec.request() }

// All goes through all items, lazily: nothing is read before it is ranged over, and the next page once half of the one before is used ([NoReadAhead]: once
// all of it is). An error is the last pair: a loop that takes the
// items alone never sees it. It can be ranged again and then starts anew; a break leaves nothing running.
func (q Query[T]) All(ctx context.Context) iter.Seq2[T, error] { return all[T](ctx, q.spec) }

// Page reads one page: up to [Query.Limit] items, or, without a limit, what one request returns.
func (q Query[T]) Page(ctx context.Context) (Page[T], error) { return page[T](ctx, q.spec) }

// Collect reads all items into a slice. It is empty, not nil, when there are none.
func (q Query[T]) Collect(ctx context.Context) ([]T, error) { return gather[T](ctx, q.spec) }

// First reads the first item. ErrNotFound if there is none.
func (q Query[T]) First(ctx context.Context) (T, error) { return first[T](ctx, q.spec.limitedTo(1)) }

// Count counts the items without reading them into memory; it costs the read units of reading them. A limit bounds it.
func (q Query[T]) Count(ctx context.Context) (int, error) { return q.spec.count(ctx) }
