package monotable_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/monotabletest"
)

type parcel struct {
	Box    string `dynamodbav:"box"`
	ID     string `dynamodbav:"id"`
	Weight int    `dynamodbav:"weight"`
	Secret string `dynamodbav:"secret"`
}

type letter struct {
	Box  string `dynamodbav:"box"`
	ID   int    `dynamodbav:"id"`
	Ver  int    `dynamodbav:"ver"`
	Note string `dynamodbav:"note"`
}

var (
	parcelWeight = monotable.Field(func(p *parcel) *int { return &p.Weight })
	parcelSecret = monotable.Field(func(p *parcel) *string { return &p.Secret })
	letterVer    = monotable.Field(func(l *letter) *int { return &l.Ver })
)

func parcelSchema() monotable.Schema[parcel] {
	return monotable.Schema[parcel]{
		Name: "Parcel", Key: monotable.Key{Partition: "BOX#{box}", Sort: "PARCEL#{id}"},
		Rules: []monotable.Rule[parcel]{monotable.Max(parcelWeight, 100)},
	}
}

func letterSchema() monotable.Schema[letter] {
	return monotable.Schema[letter]{
		Name: "Letter", Key: monotable.Key{Partition: "BOX#{box}", Sort: "LETTER#{id:05}"},
		Rules: []monotable.Rule[letter]{monotable.Version(letterVer)},
	}
}

// post is a table with two entities, in memory so that faults can be ordered.
type post struct {
	engine  *memdb.Engine
	table   *monotable.Table
	parcels *monotable.Entity[parcel]
	letters *monotable.Entity[letter]
	calls   atomic.Int64 // requests that carry items
}

func newPost(t testing.TB) *post {
	t.Helper()
	p := &post{engine: memdb.New(memdb.Options{})}
	p.table = monotabletest.TableOn(t, p.engine.Client(), monotable.TableConfig{Name: "post", PartitionKey: "PK", SortKey: "SK"})
	p.parcels = mustEntity(t, p.table, parcelSchema())
	p.letters = mustEntity(t, p.table, letterSchema())
	p.faults(memdb.Faults{})
	return p
}

// faults orders faults and counts requests.
func (p *post) faults(f memdb.Faults) {
	internal := f.Internal
	f.Internal = func(c memdb.Call) bool {
		p.calls.Add(1)
		return internal != nil && internal(c)
	}
	p.engine.SetFaults(f)
}

func (p *post) puts(n int) []monotable.BatchOp {
	ops := make([]monotable.BatchOp, n)
	for i := range ops {
		ops[i] = p.parcels.PutOp(parcel{Box: "a", ID: fmt.Sprintf("%05d", i), Weight: i % 100})
	}
	return ops
}

func TestF038_BatchWriteInChunks(t *testing.T) {
	p := newPost(t)
	ctx := t.Context()
	require.NoError(t, p.table.BatchWrite(ctx))
	assert.Zero(t, p.calls.Load(), "nothing to write is no call")

	ops := p.puts(60)
	for i := range 5 {
		ops = append(ops, p.letters.With(monotable.WithoutVersionCheck()).PutOp(letter{Box: "a", ID: i}))
	}
	require.NoError(t, p.table.With(monotable.Concurrency(2)).BatchWrite(ctx, ops...))
	assert.EqualValues(t, 3, p.calls.Load(), "65 writes in chunks of 25")
	n, err := p.parcels.Query(parcel{Box: "a"}).Count(ctx)
	require.NoError(t, err)
	assert.Equal(t, 60, n)
	n, err = p.letters.Query(letter{Box: "a"}).Count(ctx)
	require.NoError(t, err)
	assert.Equal(t, 5, n)

	require.NoError(t, p.table.BatchWrite(ctx, p.parcels.DeleteOp(parcel{Box: "a", ID: "00000"}), p.parcels.PutOp(parcel{Box: "b", ID: "x"})))
	_, err = p.parcels.Get(ctx, parcel{Box: "a", ID: "00000"})
	assert.ErrorIs(t, err, monotable.ErrNotFound)
}

func TestF039_OneBadOperationSendsNothing(t *testing.T) {
	p := newPost(t)
	good := p.parcels.PutOp(parcel{Box: "a", ID: "1"})
	for name, bad := range map[string]monotable.BatchOp{
		"empty key":           p.parcels.PutOp(parcel{Box: "a"}),
		"refused by a rule":   p.parcels.PutOp(parcel{Box: "a", ID: "2", Weight: 101}),
		"too large":           p.parcels.PutOp(parcel{Box: "a", ID: "2", Secret: string(make([]byte, 410_000))}),
		"nil":                 nil,
		"with a condition":    p.parcels.PutOp(parcel{Box: "a", ID: "2"}, parcelWeight.Gt(1)),
		"delete with one":     p.parcels.DeleteOp(parcel{Box: "a", ID: "2"}, parcelWeight.Gt(1)),
		"versioned (F025)":    p.letters.PutOp(letter{Box: "a", ID: 1}),
		"version in a delete": p.letters.DeleteOp(letter{Box: "a", ID: 1, Ver: 2}),
		"same item (F036)":    p.parcels.DeleteOp(parcel{Box: "a", ID: "1"}),
	} {
		err := p.table.BatchWrite(t.Context(), good, bad)
		assert.ErrorIs(t, err, monotable.ErrInvalid, name)
		assert.ErrorContains(t, err, "1", name)
	}
	other := newPost(t)
	assert.ErrorIs(t, p.table.BatchWrite(t.Context(), other.parcels.PutOp(parcel{Box: "a", ID: "1"})), monotable.ErrInvalid)
	assert.Zero(t, p.calls.Load())
}

func TestF096_BatchDoesNotEraseHidden(t *testing.T) {
	p := newPost(t)
	hidden := monotable.MustEntity(p.table, monotable.Schema[parcel]{
		Name: "Sealed", Key: monotable.Key{Partition: "SEALED#{box}", Sort: "{id}"},
		Rules: []monotable.Rule[parcel]{parcelSecret.Hidden()},
	})
	op := parcel{Box: "a", ID: "1"}
	assert.ErrorIs(t, p.table.BatchWrite(t.Context(), hidden.PutOp(op)), monotable.ErrInvalid)
	assert.NoError(t, p.table.BatchWrite(t.Context(), hidden.With(monotable.Reveal()).PutOp(op)))
	op.Secret = "s"
	assert.NoError(t, p.table.BatchWrite(t.Context(), hidden.PutOp(op)))
}

func TestF031_UnprocessedWritesAreSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t)
		var asked atomic.Int64
		p.faults(memdb.Faults{Unprocessed: func(memdb.Call) bool { return asked.Add(1)%3 == 0 }})
		require.NoError(t, p.table.BatchWrite(t.Context(), p.puts(200)...))
		p.faults(memdb.Faults{})
		n, err := p.parcels.Query(parcel{Box: "a"}).Count(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 200, n)
	})
}

func TestF032_UnprocessedToTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t)
		stuck := func(c memdb.Call) bool {
			return c.Key["SK"].(*types.AttributeValueMemberS).Value == "PARCEL#00007"
		}
		p.faults(memdb.Faults{Unprocessed: stuck})
		start := time.Now()
		err := p.table.With(monotable.Attempts(6)).BatchWrite(t.Context(), p.puts(30)...)
		require.ErrorIs(t, err, monotable.ErrUnprocessed)
		var batch *monotable.BatchError
		require.ErrorAs(t, err, &batch)
		assert.Len(t, batch.Written, 29)
		assert.Empty(t, batch.Unknown)
		require.Len(t, batch.NotWritten, 1)
		assert.Equal(t, 7, batch.NotWritten[0].Index)
		assert.EqualValues(t, 2+6, p.calls.Load(), "one request a chunk, the stuck item alone six times more: one made progress")
		assert.Positive(t, time.Since(start), "there is a wait between")

		p.faults(memdb.Faults{})
		require.NoError(t, p.table.BatchWrite(t.Context(), batch.Rest()...))
		n, err := p.parcels.Query(parcel{Box: "a"}).Count(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 30, n)
	})
}

func TestF033_ThrottledBatchIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t)
		var asked atomic.Int64
		p.faults(memdb.Faults{Throttle: func(memdb.Call) *memdb.Throttling {
			if asked.Add(1) < 200 {
				return &memdb.Throttling{}
			}
			return nil
		}})
		require.NoError(t, p.table.BatchWrite(t.Context(), p.puts(25)...))

		p.faults(memdb.Faults{Throttle: func(memdb.Call) *memdb.Throttling { return &memdb.Throttling{} }})
		err := p.table.With(monotable.Attempts(2)).BatchWrite(t.Context(), p.puts(25)...)
		require.ErrorIs(t, err, monotable.ErrThrottled)
		var batch *monotable.BatchError
		require.ErrorAs(t, err, &batch)
		assert.Len(t, batch.NotWritten, 25)
	})
}

// A batch whose every answer is an internal error may have been written or not, and says so.
func TestF003_BatchOutcomeUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t)
		p.faults(memdb.Faults{Internal: func(memdb.Call) bool { return true }})
		err := p.table.With(monotable.Attempts(2)).BatchWrite(t.Context(), p.puts(3)...)
		require.ErrorIs(t, err, monotable.ErrOutcomeUnknown)
		var batch *monotable.BatchError
		require.ErrorAs(t, err, &batch)
		assert.Len(t, batch.Unknown, 3)
		assert.Empty(t, batch.NotWritten)
	})
}

func TestF041_BatchGetKeepsOrder(t *testing.T) {
	p := newPost(t)
	ctx := t.Context()
	require.NoError(t, p.table.BatchWrite(ctx, p.puts(250)...))
	_, err := p.letters.Create(ctx, letter{Box: "a", ID: 1})
	require.NoError(t, err)

	keys := []parcel{{Box: "a", ID: "nothing"}}
	for i := range 250 {
		keys = append(keys, parcel{Box: "a", ID: fmt.Sprintf("%05d", 249-i)})
	}
	keys = append(keys, keys[1]) // asked for twice
	p.calls.Store(0)
	got, err := p.parcels.With(monotable.Consistent(), monotable.Concurrency(3)).BatchGet(ctx, keys)
	require.NoError(t, err)
	require.Len(t, got, len(keys))
	assert.EqualValues(t, 3, p.calls.Load(), "251 keys in chunks of 100")
	assert.Equal(t, monotable.Missing, got[0].State)
	for i, r := range got[1:] {
		require.Equal(t, monotable.Found, r.State, i)
		require.Equal(t, keys[i+1].ID, r.Item.ID)
	}
	assert.Equal(t, "Found", got[1].State.String())

	none, err := p.parcels.BatchGet(ctx, nil)
	require.NoError(t, err)
	assert.Empty(t, none)
	_, err = p.parcels.BatchGet(ctx, []parcel{{Box: "a", ID: "1"}, {Box: "a"}})
	assert.ErrorIs(t, err, monotable.ErrInvalid)
	assert.ErrorContains(t, err, "key 1")
}

func TestF068_BatchGetOfAnotherEntity(t *testing.T) {
	p := newPost(t)
	ctx := t.Context()
	same := monotable.MustEntity(p.table, monotable.Schema[parcel]{Name: "Crate", Family: "f", Key: monotable.Key{Partition: "F#{box}", Sort: "{id}"}})
	_, err := same.Create(ctx, parcel{Box: "a", ID: "1"})
	require.NoError(t, err)
	twin := monotable.MustEntity(p.table, monotable.Schema[parcel]{Name: "Barrel", Family: "f", Key: monotable.Key{Partition: "F#{box}", Sort: "{id}"}})
	_, err = twin.Create(ctx, parcel{Box: "a", ID: "2"})
	require.NoError(t, err)
	got, err := twin.BatchGet(ctx, []parcel{{Box: "a", ID: "1"}, {Box: "a", ID: "2"}})
	require.ErrorIs(t, err, monotable.ErrWrongEntity)
	assert.Equal(t, monotable.Failed, got[0].State)
	assert.ErrorIs(t, got[0].Err, monotable.ErrWrongEntity)
	assert.Equal(t, monotable.Found, got[1].State, "the rest stays reachable")
}

func TestF035_UnprocessedKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t)
		require.NoError(t, p.table.BatchWrite(t.Context(), p.puts(50)...))
		keys := make([]parcel, 50)
		for i := range keys {
			keys[i] = parcel{Box: "a", ID: fmt.Sprintf("%05d", i)}
		}
		var asked atomic.Int64
		p.faults(memdb.Faults{Unprocessed: func(memdb.Call) bool { return asked.Add(1)%2 == 0 }})
		got, err := p.parcels.BatchGet(t.Context(), keys)
		require.NoError(t, err)
		for _, r := range got {
			require.Equal(t, monotable.Found, r.State)
		}

		stuck := func(c memdb.Call) bool { return c.Key["SK"].(*types.AttributeValueMemberS).Value == "PARCEL#00007" }
		p.faults(memdb.Faults{Unprocessed: stuck})
		got, err = p.parcels.With(monotable.Attempts(3)).BatchGet(t.Context(), keys)
		require.ErrorIs(t, err, monotable.ErrUnprocessed)
		for i, r := range got {
			if i == 7 {
				assert.Equal(t, monotable.Unprocessed, r.State, "unprocessed is not missing")
				assert.ErrorIs(t, r.Err, monotable.ErrUnprocessed)
			} else {
				assert.Equal(t, monotable.Found, r.State)
			}
		}
	})
}

func TestF009_CancelledBatchSendsNothing(t *testing.T) {
	p := newPost(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("gone")
	cancel(cause)
	err := p.table.BatchWrite(ctx, p.puts(3)...)
	assert.ErrorIs(t, err, context.Canceled)
	assert.ErrorIs(t, err, cause)
	_, err = p.parcels.BatchGet(ctx, []parcel{{Box: "a", ID: "1"}})
	assert.ErrorIs(t, err, context.Canceled)
	assert.Zero(t, p.calls.Load())
}

// What is cancelled between chunks is reported chunk by chunk.
func TestF040_BatchCancelledHalfway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t)
		ctx, cancel := context.WithCancel(t.Context())
		p.faults(memdb.Faults{Internal: func(memdb.Call) bool {
			if p.calls.Load() == 3 {
				cancel()
			}
			return false
		}})
		err := p.table.With(monotable.Concurrency(1)).BatchWrite(ctx, p.puts(100)...)
		require.ErrorIs(t, err, context.Canceled)
		var batch *monotable.BatchError
		require.ErrorAs(t, err, &batch)
		assert.GreaterOrEqual(t, len(batch.Written), 50)
		assert.Equal(t, 100, len(batch.Written)+len(batch.NotWritten)+len(batch.Unknown))
		assert.GreaterOrEqual(t, len(batch.NotWritten), 25)
		n, err := p.parcels.Query(parcel{Box: "a"}).Count(t.Context())
		require.NoError(t, err)
		assert.GreaterOrEqual(t, n, len(batch.Written))
		assert.LessOrEqual(t, n, len(batch.Written)+len(batch.Unknown))
	})
}

// timeline notes when requests with items come, and how many items they have.
type timeline struct {
	mu    sync.Mutex
	at    []time.Time
	items []int
}

// watch lets p note its requests, from the key of each action: those of one request come at one instant of a bubble.
func (l *timeline) watch(p *post) {
	p.faults(memdb.Faults{
		Internal: func(memdb.Call) bool {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.at, l.items = append(l.at, time.Now()), append(l.items, 0)
			return false
		},
		Unprocessed: func(memdb.Call) bool {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.items[len(l.items)-1]++
			return false
		},
	})
}

func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for rate, want := range map[float64]struct {
			requests int
			takes    time.Duration
		}{
			0:    {4, 0},
			-1:   {4, 0},
			1000: {4, 75 * time.Millisecond}, // the fourth waits for 75
			50:   {4, 1500 * time.Millisecond},
			10:   {10, 9 * time.Second}, // a second's worth in a request
			0.5:  {100, 198 * time.Second},
		} {
			p := newPost(t)
			var seen timeline
			seen.watch(p)
			start := time.Now()
			require.NoError(t, p.table.With(monotable.Pace(rate)).BatchWrite(t.Context(), p.puts(100)...))
			assert.Equal(t, want.takes, time.Since(start), rate)
			assert.Len(t, seen.at, want.requests, rate)
			for i := range seen.at {
				if sent := 25 * i; rate > 0 && want.requests == 4 {
					assert.GreaterOrEqual(t, seen.at[i].Sub(start).Seconds()*rate+0.001, float64(sent), rate)
				}
			}
		}

		p := newPost(t)
		require.NoError(t, p.table.BatchWrite(t.Context(), p.puts(30)...))
		keys := make([]parcel, 30)
		for i := range keys {
			keys[i] = parcel{Box: "a", ID: fmt.Sprintf("%05d", i)}
		}
		start := time.Now()
		_, err := p.parcels.With(monotable.Pace(10)).BatchGet(t.Context(), keys)
		require.NoError(t, err)
		assert.Equal(t, 2*time.Second, time.Since(start))
	})
}

// What is sent again counts too.
func TestPace_SentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t)
		first := true
		p.faults(memdb.Faults{Unprocessed: func(c memdb.Call) bool {
			left := first
			first = c.Position != 9 && first
			return left
		}})
		start := time.Now()
		fast := monotable.Backoff(func(int) time.Duration { return time.Millisecond })
		require.NoError(t, p.table.With(monotable.Pace(10), fast).BatchWrite(t.Context(), p.puts(10)...))
		assert.InDelta(t, 1, time.Since(start).Seconds(), 0.01)
	})
}

func TestPace_EndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, pace := range map[string]monotable.Option{"items": monotable.Pace(1e-300), "units": monotable.PaceUnits(1e-300)} {
			p := newPost(t)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			start := time.Now()
			err := p.table.With(pace).BatchWrite(ctx, p.puts(100)...)
			cancel()
			require.ErrorIs(t, err, context.DeadlineExceeded, name)
			assert.Equal(t, time.Minute, time.Since(start), name)
			var batch *monotable.BatchError
			require.ErrorAs(t, err, &batch)
			assert.NotEmpty(t, batch.Written, name)
			assert.Empty(t, batch.Unknown, "what waited was not sent")
			assert.Equal(t, 100, len(batch.Written)+len(batch.NotWritten))
		}
	})
}

func TestPaceUnits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t)
		ops := p.puts(100)
		for i := range ops { // of 4 units each
			ops[i] = p.parcels.PutOp(parcel{Box: "a", ID: fmt.Sprintf("%05d", i), Secret: strings.Repeat("x", 3500)})
		}
		for _, concurrency := range []int{1, 4} {
			start := time.Now()
			limited := p.table.With(monotable.PaceUnits(100), monotable.Concurrency(concurrency))
			require.NoError(t, limited.BatchWrite(t.Context(), ops...))
			assert.Equal(t, 3*time.Second, time.Since(start), "the fourth waits until 300 units are paid for")
		}
		start := time.Now()
		require.NoError(t, p.table.With(monotable.PaceUnits(0)).BatchWrite(t.Context(), ops...))
		assert.Zero(t, time.Since(start))
	})
}

func TestEntityBatchPutAndDelete(t *testing.T) {
	s := openStore(t, monotable.TableConfig{})
	parcels, letters := mustEntity(t, s.Table, parcelSchema()), mustEntity(t, s.Table, letterSchema())
	ctx := t.Context()
	require.NoError(t, parcels.BatchPut(ctx, nil))
	items := make([]parcel, 30)
	for i := range items {
		items[i] = parcel{Box: "a", ID: fmt.Sprintf("%05d", i), Weight: i}
	}
	check := unchanged(t, items)
	require.NoError(t, parcels.BatchPut(ctx, items))
	check()
	require.Len(t, s.dump(), 30)
	require.NoError(t, parcels.BatchDelete(ctx, append(items[:29:29], parcel{Box: "a", ID: "nothing"})))
	require.Equal(t, "00029", s.dump()[0]["id"].(*types.AttributeValueMemberS).Value)
	require.Len(t, s.dump(), 1)

	// The entity's options: a version, a table.
	err := letters.BatchPut(ctx, []letter{{Box: "a", ID: 1}})
	requireError(t, err, monotable.ErrInvalid)
	assert.ErrorContains(t, err, "BatchPut Letter: item 0")
	require.NoError(t, letters.With(monotable.WithoutVersionCheck()).BatchPut(ctx, []letter{{Box: "a", ID: 1}}))
	err = parcels.With(monotable.TableName("elsewhere")).BatchPut(ctx, items)
	require.ErrorContains(t, err, "ResourceNotFoundException")
	scoped := mustEntity(t, s.Scoped("BOX#b"), parcelSchema())
	requireError(t, scoped.BatchPut(ctx, items), monotable.ErrInvalid)
	requireError(t, scoped.BatchDelete(ctx, items), monotable.ErrInvalid)
	require.Len(t, s.dump(), 2)

	for _, err := range []error{
		parcels.BatchPut(ctx, []parcel{{Box: "a", ID: "1"}, {Box: "a"}}),
		parcels.BatchDelete(ctx, []parcel{{Box: "a", ID: "1"}, {Box: "a"}}),
	} {
		requireError(t, err, monotable.ErrInvalid)
		assert.Regexp(t, `(item|key) 1: `, err.Error())
	}
	assert.ErrorContains(t, parcels.BatchPut(ctx, []parcel{items[0], items[1], items[0]}), "items 0 and 2 are on the same item")
	assert.ErrorContains(t, parcels.BatchDelete(ctx, []parcel{items[0], items[0]}), "keys 0 and 1 are on the same item")
	require.Len(t, s.dump(), 2)
}
