package monotable_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/monotabletest"
)

// What a batch owes its caller: a report of everything, in order, and no liberties with what it was given. The rest is in fault_batch_test.go.

// F017: credentials that expire, a context that ends: what was done, what was not, and how to go on.
func TestF017_BatchIsResumable(t *testing.T) {
	d := newDepot(t, 1)
	ctx := t.Context()
	items := parcelsOf(100)
	d.faults.Script("BatchWriteItem", nil, nil)
	d.faults.Rate("BatchWriteItem", 1, monotabletest.ExpiredToken())
	err := d.parcels.With(monotable.Concurrency(1)).BatchPut(ctx, items)
	requireError(t, err)
	assert.ErrorContains(t, err, "50 written, 50 not written, 0 unknown; operation 50 (Parcel)")
	batch := batchErrorOf(t, err)
	assert.Len(t, d.dump(), 50)
	d.faults.Reset()

	cancelled, cancel := context.WithCancelCause(ctx)
	cause := errors.New("closing time")
	d.faults.Between(func(monotabletest.Request) { cancel(cause) })
	err = d.table.With(monotable.Concurrency(1)).BatchWrite(cancelled, batch.Rest()...)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, err, cause)
	batch = batchErrorOf(t, err)
	assert.Equal(t, 50, len(batch.Written)+len(batch.NotWritten)+len(batch.Unknown))
	assert.GreaterOrEqual(t, len(batch.NotWritten), 25)
	d.faults.Reset()
	require.NoError(t, d.table.BatchWrite(ctx, batch.Rest()...))
	assert.Len(t, d.dump(), 100)

	d.faults.Script("BatchGetItem", nil, monotabletest.ExpiredToken())
	got, err := d.parcels.With(monotable.Concurrency(1)).BatchGet(ctx, append(items, parcel{Box: "b", ID: "1"}, parcel{Box: "b", ID: "2"}))
	requireError(t, err)
	assert.ErrorContains(t, err, "BatchGet Parcel (table contract): key 100: ")
	assert.ErrorContains(t, err, "and 1 more")
	assert.Equal(t, items[99], got[99].Item, "what was read is there")
	assert.Equal(t, monotable.Unprocessed, got[100].State, "not missing: nobody has looked")
}

func TestF039_OneBadItemOrKey(t *testing.T) {
	d := newDepot(t, 1)
	ctx := t.Context()
	bad := parcelsOf(60)
	bad[33].ID = ""
	var got parcel
	_, getErr := d.parcels.BatchGet(ctx, bad)
	_, opErr := d.table.BatchGet(ctx, d.parcels.GetOp(bad[0], &got), d.parcels.GetOp(bad[33], &got))
	_, dstErr := d.table.BatchGet(ctx, d.parcels.GetOp(bad[0], &got), d.parcels.GetOp(bad[1], nil))
	_, nilErr := d.table.BatchGet(ctx, d.parcels.GetOp(bad[0], &got), nil)
	_, scopeErr := d.table.Scoped("BOX#b").BatchGet(ctx, d.parcels.GetOp(parcel{Box: "b", ID: "1"}, &got), d.parcels.GetOp(bad[0], &got))
	other := newPost(t)
	_, otherErr := d.table.BatchGet(ctx, d.parcels.GetOp(bad[0], &got), other.parcels.GetOp(bad[0], &got))
	for want, err := range map[string]error{
		"item 33: ":                      d.parcels.BatchPut(ctx, bad),
		"key 33: ":                       d.parcels.BatchDelete(ctx, bad),
		"BatchGet Parcel: key 33: ":      getErr,
		"BatchGet contract: operation 1": opErr,
		"operation 1: invalid: GetOp without a destination": dstErr,
		"operation 1 is nil": nilErr,
		"operation 1: invalid: the partition key is outside":     scopeErr,
		"operation 1: invalid: it is of a table with another cl": otherErr,
	} {
		requireError(t, err, monotable.ErrInvalid)
		assert.ErrorContains(t, err, want)
	}
	assert.Empty(t, d.faults.Requests())
	assert.Empty(t, d.dump())
}

// One request of four is refused. The others are sent, or not any more.
func TestF040_DrainOrStop(t *testing.T) {
	d := newDepot(t, 1)
	ctx := t.Context()
	serial := monotable.Concurrency(1)
	for name, row := range map[string]struct {
		options  []monotable.Option
		written  int
		stopped  int
		requests int
	}{
		"drain": {[]monotable.Option{serial}, 75, 0, 4},
		"stop":  {[]monotable.Option{serial, monotable.StopOnFailure()}, 25, 50, 2},
	} {
		d.faults.Reset()
		d.faults.Script("BatchWriteItem", nil, monotabletest.Refuse(400, "AccessDeniedException"))
		err := d.parcels.With(row.options...).BatchPut(ctx, parcelsOf(100))
		assert.Len(t, d.faults.Requests(), row.requests, name)
		batch := batchErrorOf(t, err)
		assert.Len(t, batch.Written, row.written, name)
		assert.Empty(t, batch.Unknown, name)
		stopped := 0
		for i, f := range batch.NotWritten {
			assert.Equal(t, 25+i, f.Index, name)
			if errors.Is(f.Err, monotable.ErrStopped) {
				stopped++
			}
		}
		assert.Equal(t, row.stopped, stopped, name)
		assert.Equal(t, row.stopped > 0, errors.Is(err, monotable.ErrStopped))
		assert.ErrorContains(t, err, "AccessDeniedException", name)
		assert.Len(t, d.dump(), row.written, name)
		d.faults.Reset()
		require.NoError(t, d.table.BatchWrite(ctx, batch.Rest()...))
		require.Len(t, d.dump(), 100)

		d.faults.Script("BatchGetItem", nil, monotabletest.Refuse(400, "AccessDeniedException"))
		got, err := d.parcels.With(row.options...).BatchGet(ctx, append(parcelsOf(100), make300()...))
		requireError(t, err)
		states := map[monotable.State]int{}
		for i, r := range got {
			states[r.State]++
			require.Equal(t, r.State == monotable.Unprocessed, r.Err != nil, i)
		}
		want := map[monotable.State]int{monotable.Found: 100, monotable.Unprocessed: 100, monotable.Missing: 200}
		if row.stopped > 0 {
			want = map[monotable.State]int{monotable.Found: 100, monotable.Unprocessed: 300}
		}
		assert.Equal(t, want, states, name)
		require.NoError(t, d.parcels.BatchDelete(ctx, parcelsOf(100)))
	}
}

// make300 is keys of nothing.
func make300() []parcel {
	keys := make([]parcel, 300)
	for i := range keys {
		keys[i] = parcel{Box: "none", ID: fmt.Sprint(i)}
	}
	return keys
}

// What waits to be sent again stops waiting, and keeps its doubt; what is under way comes to its end.
func TestF040_StopEndsWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t)
		var faults monotabletest.Faults
		table := reopen(t, p, &faults)
		parcels := mustEntity(t, table, parcelSchema())
		faults.Script("BatchWriteItem",
			monotabletest.AfterApplying(monotabletest.InternalServerError()),
			monotabletest.Unprocessed(5),
			monotabletest.Slow(3*time.Second),
			func(r *http.Request, do func(*http.Request) (*http.Response, error)) (*http.Response, error) {
				time.Sleep(time.Second)
				return monotabletest.Refuse(400, "ValidationException")(r, do)
			})
		start := time.Now()
		hour := monotable.Backoff(func(int) time.Duration { return time.Hour })
		err := parcels.With(monotable.StopOnFailure(), hour).BatchPut(t.Context(), parcelsOf(200))
		assert.Equal(t, 3*time.Second, time.Since(start))
		assert.Len(t, faults.Requests(), 4)
		batch := batchErrorOf(t, err)
		assert.Len(t, batch.Written, 20+25)
		assert.Len(t, batch.Unknown, 25)
		assert.Len(t, batch.NotWritten, 5+25+100)
		for _, f := range batch.Unknown {
			assert.ErrorIs(t, f.Err, monotable.ErrStopped)
		}
	})
}

// Operations of several entities, tables and modes: each answer is at its place.
func TestF041_TableBatchGet(t *testing.T) {
	d := newDepot(t, 1)
	ctx := t.Context()
	require.NoError(t, d.parcels.BatchPut(ctx, parcelsOf(120)))
	var letters []letter
	for i := range 120 {
		letters = append(letters, letter{Box: "a", ID: i, Note: fmt.Sprint("note ", i)})
	}
	require.NoError(t, d.letters.BatchPut(ctx, letters))
	d.faults.Reset()

	consistent := d.letters.With(monotable.Consistent())
	missing := parcel{Box: "untouched"}
	p, l := make([]parcel, 120), make([]letter, 120)
	var ops []monotable.ReadOp
	for i := range 120 {
		ops = append(ops, d.parcels.GetOp(parcelsOf(120)[119-i], &p[i]), consistent.GetOp(letters[i], &l[i]))
	}
	ops = append(ops, d.parcels.GetOp(parcel{Box: "a", ID: "nothing"}, &missing))
	results, err := d.table.BatchGet(ctx, ops...)
	require.NoError(t, err)
	require.Len(t, results, 241)
	for i := range 120 {
		require.Equal(t, parcelsOf(120)[119-i], p[i])
		require.Equal(t, fmt.Sprint("note ", i), l[i].Note)
		require.Equal(t, monotable.Found, results[2*i].State)
	}
	assert.Equal(t, monotable.ReadResult{State: monotable.Missing}, results[240])
	assert.Equal(t, parcel{Box: "untouched"}, missing)

	require.Len(t, d.faults.Requests(), 4, "120 letters consistently, 121 parcels not: no request can do both on one table")
	for i, keys := range sent(t, d.faults.Requests(), "BatchGetItem") {
		modes := map[bool]bool{}
		for _, k := range keys {
			modes[bytes.Contains([]byte(k), []byte("LETTER"))] = true
		}
		require.Len(t, modes, 1)
		require.Equal(t, modes[true], bytes.Contains(d.faults.Requests()[i].Body, []byte(`"ConsistentRead":true`)))
	}
}

func TestF042_WhatIsTheCallersStaysTheCallers(t *testing.T) {
	d := newDepot(t, 1)
	ctx := t.Context()
	sacks := mustEntity(t, d.table, monotable.Schema[sack]{Name: "Sack", Key: monotable.Key{Partition: "SACK#{box}", Sort: "{id}"}})
	items := make([]sack, 30)
	for i := range items {
		items[i] = sack{Box: "a", ID: fmt.Sprintf("%02d", i), Raw: []byte{byte(i)}, Tags: map[string]string{"n": fmt.Sprint(i)}}
	}
	check := unchanged(t, items)
	d.faults.Script("BatchWriteItem", monotabletest.Unprocessed(10), nil, monotabletest.Unprocessed(3))
	require.NoError(t, sacks.BatchPut(ctx, items))
	check()
	before := d.dump()

	// The operations are values: what becomes of the items, and of the slice, is nothing to them. Twice they send the same.
	var ops []monotable.BatchOp
	for _, item := range items {
		ops = append(ops, sacks.PutOp(item))
	}
	bodies := map[string]int{}
	for _, change := range []func(monotable.BatchProgress){
		func(monotable.BatchProgress) {
			for i := range items {
				items[i].Raw[0], items[i].Tags["n"] = 'X', "X"
			}
		},
		func(monotable.BatchProgress) { ops = append(ops[:0], make([]monotable.BatchOp, 30)...) },
	} {
		d.faults.Reset()
		d.faults.Script("BatchWriteItem", monotabletest.Unprocessed(10), monotabletest.Unprocessed(10), monotabletest.Refuse(400, "ValidationException"))
		err := d.table.With(monotable.Progress(change), monotable.Concurrency(1)).BatchWrite(ctx, ops...)
		batch := batchErrorOf(t, err)
		for _, f := range batch.NotWritten {
			clear(f.Key)
		}
		require.NoError(t, d.table.BatchWrite(ctx, batch.Rest()...), "the failures have operations of their own")
		assert.ElementsMatch(t, before, d.dump())
		for _, r := range d.faults.Requests() {
			var body any
			require.NoError(t, json.Unmarshal(r.Body, &body))
			bodies[fmt.Sprint(body)]++
		}
	}
	for body, n := range bodies {
		require.Zero(t, n%2, "sent in one run and not in the other: %s", body)
	}
}

// F043: Progress is called where the caller is, under no lock, and never holds anything up.
func TestF043_Progress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t)
		keys := append(parcelsOf(200), parcelsOf(50)...)
		p.faults(memdb.Faults{Internal: func(memdb.Call) bool { time.Sleep(10 * time.Millisecond); return false }})

		var seen []monotable.BatchProgress
		slow := monotable.Progress(func(now monotable.BatchProgress) {
			time.Sleep(25 * time.Millisecond)
			seen = append(seen, now)
		})
		start := time.Now()
		require.NoError(t, p.parcels.With(slow, monotable.Concurrency(1)).BatchPut(t.Context(), parcelsOf(200)))
		assert.LessOrEqual(t, time.Since(start), 110*time.Millisecond, "80 ms of sending, and the last report")
		assert.Less(t, len(seen), 8, "states in between are left out")
		assert.Equal(t, monotable.BatchProgress{Total: 200, Done: 200, Requests: 8}, seen[len(seen)-1])
		for i := range seen[1:] {
			assert.Greater(t, seen[i+1].Done+seen[i+1].Requests, seen[i].Done+seen[i].Requests)
		}

		// Keys count as often as they stand in the call; what is left counts each time; what is given up is done.
		p.faults(memdb.Faults{Unprocessed: func(c memdb.Call) bool { return c.Position == 0 }})
		seen = nil
		_, err := p.parcels.With(slow, monotable.Attempts(2), monotable.Concurrency(1)).BatchGet(t.Context(), keys)
		require.ErrorIs(t, err, monotable.ErrUnprocessed)
		assert.Equal(t, monotable.BatchProgress{Total: 250, Done: 250, Requests: 6, Unprocessed: 6}, seen[len(seen)-1])
		p.faults(memdb.Faults{})

		// Calls of monotable's own are fine in it.
		reads := 0
		reading := monotable.Progress(func(monotable.BatchProgress) {
			_, err := p.parcels.BatchGet(t.Context(), keys)
			require.NoError(t, err)
			reads++
		})
		require.NoError(t, p.parcels.With(reading).BatchPut(t.Context(), parcelsOf(60)))
		assert.Positive(t, reads)

		seen = nil
		require.NoError(t, p.parcels.With(slow).BatchPut(t.Context(), nil))
		assert.Equal(t, []monotable.BatchProgress{{}}, seen, "the last one is never left out")
		require.Error(t, p.parcels.With(slow).BatchPut(t.Context(), []parcel{{}}))
		assert.Len(t, seen, 1, "a refused call tells nothing")
		require.NoError(t, p.parcels.With(monotable.Progress(nil)).BatchPut(t.Context(), parcelsOf(1)))
	})
}

func TestF043_ProgressPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t)
		var log bytes.Buffer
		var faults monotabletest.Faults
		table := reopen(t, p, &faults, func(cfg *monotable.TableConfig) { cfg.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
		parcels := mustEntity(t, table, parcelSchema())
		calls := 0
		panics := monotable.Progress(func(monotable.BatchProgress) { calls++; panic("no more paper") })
		faults.Script("BatchWriteItem", nil, monotabletest.Refuse(400, "ValidationException"), monotabletest.Unprocessed(5))
		err := parcels.With(panics, monotable.Concurrency(1)).BatchPut(t.Context(), parcelsOf(100))
		batch := batchErrorOf(t, err)
		assert.Len(t, batch.Written, 75)
		assert.Len(t, batch.NotWritten, 25)
		assert.Equal(t, 1, calls)
		assert.Contains(t, log.String(), "no more paper")
		got, err := parcels.With(panics).BatchGet(t.Context(), parcelsOf(100))
		require.NoError(t, err)
		assert.Equal(t, monotable.Found, got[99].State)
	})
}

// A function that ends its goroutine, as a failing test does, ends the batch: nothing is sent behind its back.
func TestF043_ProgressEndsTheGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t)
		p.faults(memdb.Faults{Internal: func(memdb.Call) bool { time.Sleep(10 * time.Millisecond); return false }})
		var returned atomic.Bool
		go func() {
			leave := monotable.Progress(func(monotable.BatchProgress) { runtime.Goexit() })
			_ = p.parcels.With(leave, monotable.Concurrency(2)).BatchPut(context.Background(), parcelsOf(200))
			returned.Store(true)
		}()
		time.Sleep(time.Minute)
		assert.False(t, returned.Load())
		assert.LessOrEqual(t, p.calls.Load(), int64(4))
	})
}

// F044: entities that share a table, and even a key space, in one batch. The decoder is the operation's, the tag decides.
func TestF044_SeveralEntities(t *testing.T) {
	d := newDepot(t, 1)
	ctx := t.Context()
	family := monotable.Key{Partition: "F#{box}", Sort: "{id}"}
	crates := mustEntity(t, d.table, monotable.Schema[parcel]{Name: "Crate", Family: "f", Key: family})
	sacks := mustEntity(t, d.table, monotable.Schema[sack]{Name: "Sack", Family: "f", Key: family})
	require.NoError(t, d.table.BatchWrite(ctx,
		d.letters.PutOp(letter{Box: "a", ID: 1, Note: "hello"}),
		crates.PutOp(parcel{Box: "a", ID: "1", Weight: 1}),
		d.parcels.PutOp(parcel{Box: "a", ID: "1", Weight: 2}),
		sacks.PutOp(sack{Box: "a", ID: "2", Raw: []byte("x")}),
	))
	var (
		note   letter
		crate  = parcel{Box: "untouched"}
		bag    = sack{Box: "untouched"}
		thing  parcel
		second sack
	)
	results, err := d.table.BatchGet(ctx,
		sacks.GetOp(sack{Box: "a", ID: "1"}, &bag), // a crate
		d.letters.GetOp(letter{Box: "a", ID: 1}, &note),
		crates.GetOp(parcel{Box: "a", ID: "3"}, &crate), // nothing
		sacks.GetOp(sack{Box: "a", ID: "2"}, &second),
		d.parcels.GetOp(parcel{Box: "a", ID: "1"}, &thing),
		crates.GetOp(parcel{Box: "a", ID: "2"}, &crate), // a sack
	)
	requireError(t, err, monotable.ErrWrongEntity)
	assert.ErrorContains(t, err, "BatchGet contract: operation 0: item of another entity: the item is not a Sack; and 1 more")
	states := make([]monotable.State, len(results))
	for i, r := range results {
		states[i] = r.State
	}
	assert.Equal(t, []monotable.State{monotable.Failed, monotable.Found, monotable.Missing, monotable.Found, monotable.Found, monotable.Failed}, states)
	assert.Equal(t, "hello", note.Note)
	assert.Equal(t, 2, thing.Weight)
	assert.Equal(t, "x", string(second.Raw))
	assert.Equal(t, "untouched", bag.Box)
	assert.Equal(t, "untouched", crate.Box)
}
