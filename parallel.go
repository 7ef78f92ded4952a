package monotable

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
)

const maxSegments = 1_000_000 // DynamoDB's limit

// Segment reads one part of a scan that is divided into total parts, 0 first, so that several workers share it: each item of the table is in
// one of them. Cursors belong to their segment. It is for scans; total is 1 to 1,000,000.
func (q Query[T]) Segment(segment, total int) Query[T] {
	return Query[T]{spec: q.spec.ofSegment(segment, total)}
}

// Parallel has All, Collect, First and Count read a scan in segments, all at the same time or as many as [Concurrency] allows. The items of the segments come mixed. If a segment fails, or one of its items does
// not decode, the others are stopped, and the error of All, Collect and First has a [*SegmentError] in it that says where each was. It has no Page: use
// [Query.Segment]. It is for scans; segments is 1 to 1,000,000.
func (q Query[T]) Parallel(segments int) Query[T] {
	return Query[T]{spec: q.spec.inParallel(segments)}
}

// SegmentError is what ended a parallel scan, and how far it was: to go on, read the segments that are not Done by [Query.Segment] and [Query.From].
type SegmentError struct {
	Segment  int // the first that failed
	Segments []SegmentState
	Err      error
}

// SegmentState is how far a segment of a parallel scan was: Next continues behind the last of its items that the caller was given, or behind the one that did
// not decode; "" is its beginning.
type SegmentState struct {
	Next Cursor
	Done bool
}

func (e *SegmentError) Error() string {
	return fmt.Sprintf("segment %s of %d: %s", strconv.Itoa(e.Segment), len(e.Segments), bare(e.Err))
}

// Unwrap is the error of the segment.
func (e *SegmentError) Unwrap() error { return e.Err }

// segmentPage is what one segment has read.
type segmentPage struct {
	segment int
	page    rawPage
	err     error
	done    bool
}

// eachOfSegments goes through the items of all segments as they come.
func (p *readPlan) eachOfSegments(ctx context.Context, take taker) error {
	reading, cancel := context.WithCancel(ctx)
	pages := make(chan segmentPage)
	defer func() { // leave nothing running, whatever take does
		cancel()
		for range pages { //nolint:revive // until all have ended
		}
	}()
	go p.readSegments(reading, pages)
	reached, done := make([]attributeMap, p.spec.segments), make([]bool, p.spec.segments)
	for read := range pages {
		i := read.segment
		if read.err != nil {
			return p.segmentError(i, read.err, reached, done)
		}
		for k := range read.page.items {
			item := &read.page.items[k]
			wanted, err := take(item)
			if err != nil {
				reached[i] = p.keyOf(item) // to go on behind it
				return p.segmentError(i, err, reached, done)
			}
			if !wanted {
				return nil
			}
		}
		reached[i], done[i] = read.page.last, read.done
	}
	if err := started(ctx); err != nil { // they all end when it does
		return p.segmentError(max(slices.Index(done, false), 0), err, reached, done)
	}
	return nil
}

func (p *readPlan) segmentError(segment int, failed error, reached []attributeMap, done []bool) error {
	e := &SegmentError{Segment: segment, Segments: make([]SegmentState, len(done)), Err: failed}
	for i := range e.Segments {
		e.Segments[i].Done = done[i]
		if reached[i] == nil {
			continue
		}
		var err error
		if e.Segments[i].Next, err = p.inSegment(i).cursor(position{key: reached[i]}); err != nil {
			return errors.Join(failed, err)
		}
	}
	return e
}

func (p *readPlan) inSegment(i int) *readPlan {
	of := *p
	of.segment = i
	return &of
}

// readSegments reads all segments, as many at a time as may be, and closes pages.
func (p *readPlan) readSegments(ctx context.Context, pages chan<- segmentPage) {
	inParallel(p.spec.segments, p.scanWorkers(), func(i int) bool {
		g := p.inSegment(i).pager()
		for g.more() {
			page, err := g.next(ctx)
			select {
			case pages <- segmentPage{i, page, err, !g.more()}:
			case <-ctx.Done():
				return false
			}
			if err != nil {
				return false
			}
		}
		return true
	})
	close(pages)
}

const maxScanWorkers = 256

func (p *readPlan) scanWorkers() int {
	if o := &p.spec.options; o.concurrency > 0 {
		return o.concurrency
	}
	return maxScanWorkers
}

// countSegments counts all segments.
func (p *readPlan) countSegments(ctx context.Context) (int, error) {
	total, err := countAll(ctx, p.spec.segments, p.scanWorkers(), func(ctx context.Context, i int) (int, error) {
		return p.inSegment(i).countPages(ctx)
	})
	if err == nil && p.spec.limit > 0 {
		total = min(total, p.spec.limit)
	}
	return total, err
}

// countAll sums up n counts. The first error ends the others.
func countAll(ctx context.Context, n, workers int, count func(ctx context.Context, i int) (int, error)) (int, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var mu sync.Mutex
	total := 0
	var failed error
	inParallel(n, workers, func(i int) bool {
		found, err := count(ctx, i)
		mu.Lock()
		defer mu.Unlock()
		if err != nil && failed == nil {
			failed = err
			cancel()
		}
		total += found
		return failed == nil
	})
	if failed != nil {
		return 0, failed
	}
	return total, nil
}

// inParallel works on 0 to n-1, workers at a time, and begins no more when one says so.
func inParallel(n, workers int, work func(i int) bool) {
	var mu sync.Mutex
	next, stopped := 0, false
	take := func() (int, bool) {
		mu.Lock()
		defer mu.Unlock()
		if stopped || next == n {
			return 0, false
		}
		next++
		return next - 1, true
	}
	var wg sync.WaitGroup
	for range min(workers, n) {
		wg.Go(func() {
			for {
				i, ok := take()
				if !ok {
					return
				}
				if !work(i) {
					mu.Lock()
					stopped = true
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
}
