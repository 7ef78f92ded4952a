package monotable_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

// readHook is a client that is asked before, and told behind, each Query and Scan.
type readHook struct {
	monotable.Client
	before func(ctx context.Context, in any) error
	queries, scans,
	running, most atomic.Int64 // most: at the same time
}

func (c *readHook) enter(ctx context.Context, in any) error {
	now := c.running.Add(1)
	for most := c.most.Load(); now > most && !c.most.CompareAndSwap(most, now); most = c.most.Load() {
	}
	if c.before != nil {
		return c.before(ctx, in)
	}
	return nil
}

func (c *readHook) Query(ctx context.Context, in *dynamodb.QueryInput, opts ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	c.queries.Add(1)
	defer c.running.Add(-1)
	if err := c.enter(ctx, in); err != nil {
		return nil, err
	}
	return c.Client.Query(ctx, in, opts...)
}

func (c *readHook) Scan(ctx context.Context, in *dynamodb.ScanInput, opts ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error) {
	c.scans.Add(1)
	defer c.running.Add(-1)
	if err := c.enter(ctx, in); err != nil {
		return nil, err
	}
	return c.Client.Scan(ctx, in, opts...)
}

// openScattered is a table of n pieces, each in a box of its own, with relics between them, seen through a hook.
func openScattered(t *testing.T, n int) (*store, *readHook, *monotable.Entity[shard]) {
	t.Helper()
	s := openStore(t, shardTable())
	for i := range n {
		item := shard{Box: fmt.Sprintf("%03d", i), ID: "1", Group: "g", Shade: "s", Weight: i}
		s.write(rawShard(item, "Piece", "P#1"))
		if i%5 == 0 {
			s.write(rawShard(item, "Relic", "R#1"))
		}
	}
	hook := &readHook{Client: s.client}
	return s, hook, mustEntity(t, s.over(hook), shardSchema("Piece"))
}

// boxes are the boxes of some shards, sorted.
func boxes(items ...shard) []string {
	all := make([]string, len(items))
	for i, item := range items {
		all[i] = item.Box
	}
	slices.Sort(all)
	return all
}

func firstBoxes(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("%03d", i)
	}
	return all
}

func TestParallelReadsWhatAScanReads(t *testing.T) {
	_, hook, pieces := openScattered(t, 60)
	ctx := t.Context()
	many := 300 // much more than items
	if monotabletest.Endpoint(t) != "" {
		many = 80
	}
	for _, n := range []int{1, 2, 3, 7, 50, many} {
		q := pieces.Scan().Parallel(n).PageSize(4)
		got, err := q.Collect(ctx)
		require.NoError(t, err)
		require.Equal(t, firstBoxes(60), boxes(got...), n)
		ranged, err := collectAll(q.All(ctx))
		require.NoError(t, err)
		require.Equal(t, firstBoxes(60), boxes(ranged...), n)
		count, err := q.Count(ctx)
		require.NoError(t, err)
		require.Equal(t, 60, count, n)
		few, err := q.Filter(shardWeight.Lt(7)).Collect(ctx)
		require.NoError(t, err)
		require.Equal(t, firstBoxes(7), boxes(few...), n)
		count, err = q.Filter(shardWeight.Lt(7)).Count(ctx)
		require.NoError(t, err)
		require.Equal(t, 7, count, n)
		none, err := q.Filter(shardWeight.Lt(0)).Collect(ctx)
		require.NoError(t, err)
		require.Equal(t, []shard{}, none)
		for _, limit := range []int{1, 5, 59, 60, 61} {
			got, err := q.Limit(limit).Collect(ctx)
			require.NoError(t, err)
			require.Len(t, got, min(limit, 60))
			require.Len(t, slices.Compact(boxes(got...)), min(limit, 60), "no item twice")
			count, err := q.Limit(limit).Count(ctx)
			require.NoError(t, err)
			require.Equal(t, min(limit, 60), count)
		}
		_, err = q.First(ctx)
		require.NoError(t, err)
		_, err = q.Filter(shardWeight.Lt(0)).First(ctx)
		require.ErrorIs(t, err, monotable.ErrNotFound)
		inIndex, err := pieces.Scan().Index("ties").Parallel(n).Collect(ctx)
		require.NoError(t, err)
		require.Equal(t, firstBoxes(60), boxes(inIndex...), n)
	}
	t.Run("as many at a time as Concurrency says", func(t *testing.T) {
		hook.most.Store(0)
		q := pieces.Scan().Parallel(20).PageSize(1).With(monotable.Concurrency(2))
		got, err := q.Collect(ctx)
		require.NoError(t, err)
		require.Len(t, got, 60)
		_, err = q.Count(ctx)
		require.NoError(t, err)
		require.Equal(t, int64(2), hook.most.Load())
	})
}

func TestParallelIsForScans(t *testing.T) {
	_, hook, pieces := openScattered(t, 1)
	ctx := t.Context()
	scan := pieces.Scan()
	for name, q := range map[string]monotable.Query[shard]{
		"Parallel of a query":  pieces.Query(shard{Box: "000"}).Parallel(2),
		"Segment of a query":   pieces.Query(shard{Box: "000"}).Segment(0, 2),
		"Parallel 0":           scan.Parallel(0),
		"Parallel -1":          scan.Parallel(-1),
		"Parallel of too many": scan.Parallel(1_000_001),
		"Segment -1":           scan.Segment(-1, 2),
		"Segment n of n":       scan.Segment(2, 2),
		"Segment 0 of 0":       scan.Segment(0, 0),
		"Segment of too many":  scan.Segment(0, 1_000_001),
	} {
		_, err := q.Collect(ctx)
		require.ErrorIs(t, err, monotable.ErrInvalid, name)
		_, err = q.Count(ctx)
		require.ErrorIs(t, err, monotable.ErrInvalid, name)
		_, err = q.Page(ctx)
		require.ErrorIs(t, err, monotable.ErrInvalid, name)
	}
	_, err := scan.Parallel(2).Page(ctx)
	require.ErrorIs(t, err, monotable.ErrInvalid)
	require.Zero(t, hook.scans.Load()+hook.queries.Load())
	page, err := scan.Parallel(2).Segment(0, 1).Page(ctx)
	require.NoError(t, err, "the last of both counts")
	require.Len(t, page.Items, 1)
}

// TestF073_ABreakLeavesNothingRunning runs in a bubble, which ends only when all goroutines have ended.
func TestF073_ABreakLeavesNothingRunning(t *testing.T) {
	if monotabletest.Endpoint(t) != "" {
		t.Skip("virtual time is for memory")
	}
	uses := map[string]func(ctx context.Context, q monotable.Query[shard]){
		"break": func(ctx context.Context, q monotable.Query[shard]) {
			for range q.All(ctx) {
				break
			}
		},
		"limit": func(ctx context.Context, q monotable.Query[shard]) { _, _ = q.Limit(3).Collect(ctx) },
		"first": func(ctx context.Context, q monotable.Query[shard]) { _, _ = q.First(ctx) },
		"panic": func(ctx context.Context, q monotable.Query[shard]) {
			defer func() { _ = recover() }()
			for range q.All(ctx) {
				panic("in the loop's body")
			}
		},
		"canceled": func(ctx context.Context, q monotable.Query[shard]) {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			for range q.All(ctx) {
				cancel()
			}
		},
	}
	for k := range 12 { // some of them while the next page is read
		uses[fmt.Sprint("break after ", k+2, " in ")] = func(ctx context.Context, q monotable.Query[shard]) {
			n := -2
			for range q.All(ctx) {
				time.Sleep(time.Millisecond) // so that it has begun
				if n++; n == k {
					break
				}
			}
		}
	}
	for name, use := range uses {
		for _, segments := range []int{0, 1, 8} {
			t.Run(fmt.Sprint(name, segments), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					_, hook, pieces := openScattered(t, 40)
					hook.before = func(context.Context, any) error { // slow, also to notice that it is not wanted any more
						time.Sleep(time.Second)
						return nil
					}
					q := pieces.Scan().PageSize(3)
					if segments > 0 {
						q = q.Parallel(segments)
					}
					use(t.Context(), q)
					require.Zero(t, hook.running.Load(), "a request is still under way")
					scans := hook.scans.Load()
					time.Sleep(time.Hour)
					synctest.Wait()
					require.Equal(t, scans, hook.scans.Load(), "it reads on")
				})
			})
		}
	}
}

// TestF072_ParallelCanceled ends the context while segments are read: what is missing must not look like the end.
func TestF072_ParallelCanceled(t *testing.T) {
	_, _, pieces := openScattered(t, 10)
	for range 100 {
		ctx, cancel := context.WithCancel(t.Context())
		var last error
		for _, err := range pieces.Scan().Parallel(2).PageSize(1).All(ctx) {
			last = err
			cancel()
		}
		cancel()
		require.ErrorIs(t, last, context.Canceled)
		_, err := pieces.Scan().Parallel(2).PageSize(1).Collect(ctx)
		require.ErrorIs(t, err, context.Canceled)
		_, err = pieces.Scan().Parallel(2).First(ctx)
		require.ErrorIs(t, err, context.Canceled)
		_, err = pieces.Scan().Parallel(2).Count(ctx)
		require.ErrorIs(t, err, context.Canceled)
	}
}

// resumed reads the segments that a failed scan has left.
func resumed(t *testing.T, pieces *monotable.Entity[shard], failed *monotable.SegmentError) (items []shard) {
	t.Helper()
	for i, state := range failed.Segments {
		if state.Done {
			continue
		}
		rest, err := pieces.Scan().Segment(i, len(failed.Segments)).From(state.Next).Collect(t.Context())
		require.NoError(t, err)
		items = append(items, rest...)
	}
	return items
}

func TestF072_OneSegmentFails(t *testing.T) {
	t.Parallel()
	_, hook, pieces := openScattered(t, 40)
	rounds := 200
	if monotabletest.Endpoint(t) != "" {
		rounds = 10
	}
	errDown := errors.New("down")
	for seed := range rounds {
		dice := rand.New(rand.NewPCG(uint64(seed), 5)) //nolint:gosec // a test
		segments, fails := 1+dice.IntN(6), int64(1+dice.IntN(12))
		size := 1 + dice.IntN(4)
		filter := dice.IntN(2) == 0
		first := hook.scans.Load()
		var mu sync.Mutex
		segment := -1
		hook.before = func(_ context.Context, in any) error {
			if hook.scans.Load()-first < fails {
				return nil
			}
			mu.Lock()
			defer mu.Unlock()
			if scan := int(*in.(*dynamodb.ScanInput).Segment); segment < 0 || segment == scan {
				segment = scan
				return errDown
			}
			return nil
		}
		q := pieces.Scan().Parallel(segments).PageSize(size)
		if filter {
			q = q.Filter(shardWeight.Lt(20))
		}
		got, err := collectAll(q.All(t.Context()))
		hook.before = nil
		if err == nil {
			require.Negative(t, segment, "an error was swallowed")
			continue
		}
		var failed *monotable.SegmentError
		require.ErrorAs(t, err, &failed)
		require.ErrorIs(t, err, errDown)
		require.Equal(t, segment, failed.Segment)
		require.Len(t, failed.Segments, segments)
		require.False(t, failed.Segments[segment].Done)
		require.Contains(t, err.Error(), fmt.Sprintf("segment %d of %d", segment, segments))
		rest := resumed(t, pieces, failed)
		if filter {
			rest = slices.DeleteFunc(rest, func(item shard) bool { return item.Weight >= 20 })
			require.Equal(t, firstBoxes(20), boxes(append(got, rest...)...), "round %d", seed)
		} else {
			require.Equal(t, firstBoxes(40), boxes(append(got, rest...)...), "round %d: nothing twice, nothing lost", seed)
		}
	}
}

// TestF072_AnItemThatDoesNotDecode ends a parallel scan like a failed segment, and what is left can be read.
func TestF072_AnItemThatDoesNotDecode(t *testing.T) {
	s, _, pieces := openScattered(t, 20)
	item := shard{Box: "007", ID: "1", Group: "g", Shade: "s"}
	s.write(with(rawShard(item, "Piece", "P#1"), rawItem{"weight": avS("heavy")}))
	got, err := collectAll(pieces.Scan().Parallel(3).PageSize(4).All(t.Context()))
	require.ErrorAs(t, err, new(*monotable.DecodeError))
	var failed *monotable.SegmentError
	require.ErrorAs(t, err, &failed)
	want := slices.DeleteFunc(firstBoxes(20), func(box string) bool { return box == "007" })
	require.Equal(t, want, boxes(append(got, resumed(t, pieces, failed)...)...))
}

func TestF072_SegmentCursors(t *testing.T) {
	_, hook, pieces := openScattered(t, 40)
	ctx := t.Context()
	page, err := pieces.Scan().Segment(0, 2).Limit(1).Page(ctx)
	require.NoError(t, err)
	require.NotEmpty(t, page.Next)
	scans := hook.scans.Load()
	for name, q := range map[string]monotable.Query[shard]{
		"another segment": pieces.Scan().Segment(1, 2),
		"another total":   pieces.Scan().Segment(0, 3),
		"no segment":      pieces.Scan(),
		"of an index":     pieces.Scan().Segment(0, 2).Index("ties"),
	} {
		_, err := q.From(page.Next).Collect(ctx)
		require.ErrorIs(t, err, monotable.ErrBadCursor, name)
	}
	_, err = pieces.Scan().Parallel(2).From(page.Next).Collect(ctx)
	require.Error(t, err, "one segment's place is none of all")
	_, err = pieces.Scan().Parallel(2).From(page.Next).Count(ctx)
	require.Error(t, err)
	require.Equal(t, scans, hook.scans.Load(), "nothing is sent")
	rest, err := pieces.Scan().Segment(0, 2).From(page.Next).Collect(ctx)
	require.NoError(t, err)
	other, err := pieces.Scan().Segment(1, 2).Collect(ctx)
	require.NoError(t, err)
	require.Equal(t, firstBoxes(40), boxes(slices.Concat(page.Items, rest, other)...))
}

// openRow is a partition of n pieces, seen through a hook.
func openRow(t *testing.T, n int) (*readHook, *monotable.Entity[shard], monotable.Query[shard]) {
	t.Helper()
	s := openStore(t, shardTable())
	for i := range n {
		item := shard{Box: "a", ID: fmt.Sprintf("%03d", i), Group: "g", Shade: "s", Weight: i}
		s.write(rawShard(item, "Piece", "P#"+item.ID))
	}
	hook := &readHook{Client: s.client}
	pieces := mustEntity(t, s.over(hook), shardSchema("Piece"))
	return hook, pieces, pieces.Query(shard{Box: "a"})
}

func TestF073_ReadAhead(t *testing.T) {
	if monotabletest.Endpoint(t) != "" {
		t.Skip("virtual time is for memory")
	}
	// after says how many requests there were after so many items of All.
	after := func(t *testing.T, pages, size, items int, opts ...monotable.Option) (requests int64) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			hook, _, q := openRow(t, pages*size-1) // so that the last page says that it is
			n := 0
			for _, err := range q.PageSize(size).With(opts...).All(t.Context()) {
				require.NoError(t, err)
				if n++; n == items {
					synctest.Wait()
					break
				}
			}
			requests = hook.queries.Load()
		})
		return requests
	}
	for items, want := range map[int]int64{1: 1, 4: 1, 5: 1, 6: 2, 9: 2, 10: 2, 11: 2, 15: 2, 16: 3, 26: 3, 29: 3} {
		require.Equal(t, want, after(t, 3, 10, items), "after %d items of pages of 10", items)
	}
	for items, want := range map[int]int64{1: 1, 9: 1, 10: 1, 11: 2, 20: 2, 21: 3, 29: 3} {
		require.Equal(t, want, after(t, 3, 10, items, monotable.NoReadAhead()), "after %d items without", items)
	}
	for _, size := range []int{1, 2, 3, 7} {
		for _, pages := range []int{1, 2, 5} {
			if pages*size == 1 {
				continue
			}
			for _, opts := range [][]monotable.Option{nil, {monotable.NoReadAhead()}} {
				require.Equal(t, int64(pages), after(t, pages, size, -1, opts...), "%d pages of %d", pages, size)
			}
		}
	}
	t.Run("the next page is under way while this one is used", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			hook, _, q := openRow(t, 29)
			hook.before = func(context.Context, any) error {
				time.Sleep(10 * time.Second)
				return nil
			}
			for _, row := range []struct {
				q    monotable.Query[shard]
				want time.Duration
			}{
				{q, 10 + 10 + 5 + 10 + 5 + 9}, // each page comes five seconds after the one before is used up
				{q.With(monotable.NoReadAhead()), 3*10 + 29},
			} {
				start := time.Now()
				for range row.q.PageSize(10).All(t.Context()) {
					time.Sleep(time.Second)
				}
				require.Equal(t, row.want*time.Second, time.Since(start))
			}
		})
	})
}

func TestF056_Budget(t *testing.T) {
	t.Parallel()
	hook, _, row := openRow(t, 29)
	_, _, scattered := openScattered(t, 29)
	ctx := t.Context()
	for name, base := range map[string]monotable.Query[shard]{"query": row, "without read-ahead": row.With(monotable.NoReadAhead()), "scan": scattered.Scan()} {
		q := base.PageSize(10)
		got, err := collectAll(q.MaxPages(2).All(ctx))
		require.ErrorIs(t, err, monotable.ErrBudget, name)
		require.NotEmpty(t, got, name)
		none, err := q.MaxPages(2).Collect(ctx)
		require.ErrorIs(t, err, monotable.ErrBudget, name)
		require.Nil(t, none, name)
		_, err = q.MaxPages(2).Count(ctx)
		require.ErrorIs(t, err, monotable.ErrBudget, name)
		_, err = q.MaxPages(2).Filter(shardWeight.Gt(99)).First(ctx)
		require.ErrorIs(t, err, monotable.ErrBudget, name)
		all, err := q.MaxPages(9).Collect(ctx)
		require.NoError(t, err, name)
		require.Len(t, all, 29, name)
		first, err := q.Limit(3).MaxPages(1).Collect(ctx)
		if name != "scan" { // where a page may hold relics
			require.NoError(t, err, name)
			require.Len(t, first, 3, name)
		}

		var paged []shard
		pages, cursor := 0, monotable.Cursor("")
		for {
			page, err := q.Limit(25).MaxPages(1).From(cursor).Page(ctx)
			require.NoError(t, err, name)
			require.LessOrEqual(t, len(page.Items), 10, name)
			paged, pages = append(paged, page.Items...), pages+1
			if cursor = page.Next; cursor == "" {
				break
			}
			require.Less(t, pages, 9, name)
		}
		require.Equal(t, boxes(all...), boxes(paged...), name)
	}
	t.Run("no request goes beyond it", func(t *testing.T) {
		for _, max := range []int{1, 2} {
			hook.queries.Store(0)
			_, err := row.PageSize(10).MaxPages(max).Collect(ctx)
			require.ErrorIs(t, err, monotable.ErrBudget)
			require.Equal(t, int64(max), hook.queries.Load())
		}
	})
	t.Run("units", func(t *testing.T) {
		one, err := unitsOfAPage(ctx, row)
		require.NoError(t, err)
		require.Positive(t, one)
		for pages := 1; pages <= 2; pages++ {
			hook.queries.Store(0)
			got, err := collectAll(row.PageSize(10).MaxUnits(one * (float64(pages) - 0.5)).All(ctx))
			require.ErrorIs(t, err, monotable.ErrBudget)
			require.Len(t, got, pages*10)
			require.Equal(t, int64(pages), hook.queries.Load())
		}
		page, err := row.Limit(29).PageSize(10).MaxUnits(one / 2).Page(ctx)
		require.NoError(t, err)
		require.Len(t, page.Items, 10)
		require.NotEmpty(t, page.Next)
		all, err := row.PageSize(10).MaxUnits(one * 100).Collect(ctx)
		require.NoError(t, err)
		require.Len(t, all, 29)
	})
	t.Run("in parallel it is each segment's", func(t *testing.T) {
		q := scattered.Scan().Parallel(2).PageSize(2)
		got, err := collectAll(q.MaxPages(1).All(ctx))
		require.ErrorIs(t, err, monotable.ErrBudget)
		var failed *monotable.SegmentError
		require.ErrorAs(t, err, &failed)
		require.Equal(t, firstBoxes(29), boxes(append(got, resumed(t, scattered, failed)...)...))
		_, err = q.MaxPages(1).Count(ctx)
		require.ErrorIs(t, err, monotable.ErrBudget)
	})
	for name, q := range map[string]monotable.Query[shard]{
		"MaxPages 0": row.MaxPages(0), "MaxPages -1": row.MaxPages(-1), "MaxUnits 0": row.MaxUnits(0), "MaxUnits -1": row.MaxUnits(-1),
	} {
		_, err := q.Collect(ctx)
		require.ErrorIs(t, err, monotable.ErrInvalid, name)
	}
}

func unitsOfAPage(ctx context.Context, q monotable.Query[shard]) (float64, error) {
	var used monotable.ConsumedCapacity
	_, err := q.PageSize(10).With(monotable.Capacity(&used)).Page(ctx)
	return used.Units(), err
}

func TestF059_CapacityOverPagesAndSegments(t *testing.T) {
	t.Parallel()
	hook, _, row := openRow(t, 29)
	_, scans, scattered := openScattered(t, 29)
	ctx := t.Context()
	page, err := unitsOfAPage(ctx, row)
	require.NoError(t, err)
	for name, read := range map[string]func(q monotable.Query[shard]) error{
		"All":     func(q monotable.Query[shard]) error { _, err := collectAll(q.All(ctx)); return err },
		"Collect": func(q monotable.Query[shard]) error { _, err := q.Collect(ctx); return err },
		"Count":   func(q monotable.Query[shard]) error { _, err := q.Count(ctx); return err },
		"Page":    func(q monotable.Query[shard]) error { _, err := q.Limit(29).Page(ctx); return err },
	} {
		hook.queries.Store(0)
		var used monotable.ConsumedCapacity
		require.NoError(t, read(row.PageSize(10).With(monotable.Capacity(&used))), name)
		require.Equal(t, int64(3), hook.queries.Load(), name)
		require.Equal(t, 3, used.Requests(), name)
		require.InDelta(t, 3*page, used.Units(), 0.01, name)
		if name == "Page" {
			continue
		}
		scans.scans.Store(0)
		var parallel monotable.ConsumedCapacity
		require.NoError(t, read(scattered.Scan().Parallel(3).PageSize(5).With(monotable.Capacity(&parallel))), name)
		require.Equal(t, scans.scans.Load(), int64(parallel.Requests()), name)
		require.Greater(t, parallel.Units(), float64(parallel.Requests())/2-0.01, name)
	}
}
