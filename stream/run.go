package stream

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"

	streams "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"github.com/monotable/monotable/internal/raw"
	"github.com/monotable/monotable/lease"
)

// run is one Run of a Poller.
type run struct {
	*poller
	meter
	from int64

	starting context.Context // until the stop
	stop     context.CancelCauseFunc
	handling context.Context // of handlers: until the grace after the stop is over
	working  context.Context // of leases: until all is saved
	end      context.CancelCauseFunc

	wake    chan struct{} // a worker has ended
	turned  time.Time     // when shards last took turns
	workers sync.WaitGroup

	mu   sync.Mutex
	held map[string]*worker   // by shard
	done map[string]bool      // shards whose records are all handled; that never changes
	last map[string]time.Time // when a shard was given back
	seen map[string]bool      // shards of the last look
	err  error                // the first one that ends the run
}

func newRun(ctx context.Context, p *poller, from int64) *run {
	r := &run{
		poller: p, meter: newMeter(p), from: from, wake: make(chan struct{}, 1),
		held: map[string]*worker{}, done: map[string]bool{}, last: map[string]time.Time{}, seen: map[string]bool{},
	}
	r.starting, r.stop = context.WithCancelCause(ctx)
	r.working, r.end = context.WithCancelCause(context.WithoutCancel(ctx))
	return r
}

// follow looks for shards to read, again and again.
func (r *run) follow() error {
	defer r.end(nil)
	handling, cut := context.WithCancelCause(r.working)
	r.handling = handling
	context.AfterFunc(r.starting, func() {
		grace := time.AfterFunc(r.Grace, func() { cut(context.Cause(r.starting)) })
		context.AfterFunc(r.working, func() { grace.Stop() })
	})
	var slot *lease.Lease
	var over bool
	var err error
	for r.starting.Err() == nil {
		if slot == nil || slot.Err() != nil {
			slot, err = r.enrol()
		}
		if err == nil {
			over, err = r.look(slot)
		}
		if over || err != nil && !r.passes("look for shards", err) {
			break
		}
		err = nil
		r.pause()
	}
	r.stop(nil)
	r.workers.Wait()
	if slot != nil {
		_ = slot.Release(r.working) // otherwise it ends by itself
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil || errors.Is(err, context.Cause(r.starting)) {
		return r.err
	}
	return err
}

// pause waits until it is time for another look.
func (r *run) pause() {
	timer := time.NewTimer(r.Discover)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.wake:
	case <-r.starting.Done():
	}
}

func (r *run) slotName(n int) string { return r.base + ":worker:" + strconv.Itoa(n) }

// enrol takes the first free number among the consumer's processes, by which they know how many they are and how many shards each may read.
func (r *run) enrol() (*lease.Lease, error) {
	for n := 0; ; n++ {
		l, err := r.Store.TryAcquire(r.working, r.slotName(n), r.LeaseTTL)
		switch {
		case err == nil:
			return l, l.Save(r.working, item{dataShards: raw.Number(int64(r.Shards))})
		case !errors.Is(err, lease.ErrHeld):
			return nil, err
		case r.starting.Err() != nil:
			return nil, context.Cause(r.starting)
		}
	}
}

// crew tells how many shards each process that is alive may read; 0 is no bound. Numbers are taken from 0 on, so that one which was never taken is behind all others.
func (r *run) crew(own *lease.Lease) (bounds []int, _ error) {
	for n := 0; ; n++ {
		name := r.slotName(n)
		if name == own.Name() {
			bounds = append(bounds, r.Shards)
			continue
		}
		record, err := r.Store.Load(r.starting, name)
		if err != nil || record.Fence == 0 {
			return bounds, err
		}
		if !record.Held {
			continue
		}
		l, err := r.Store.TryAcquire(r.working, name, r.LeaseTTL) // succeeds where its holder has died
		switch {
		case errors.Is(err, lease.ErrHeld):
			bounds = append(bounds, int(raw.NumberOf(record.Data[dataShards])))
		case err != nil:
			return bounds, err
		default:
			_ = l.Release(r.working)
		}
	}
}

// shareOf is how many of the open shards a process with a bound reads, so that no process has more than it must, and whether all are read then.
func shareOf(open int, bounds []int, own int) (share int, enough bool) {
	within := func(level, bound int) int {
		if bound > 0 {
			return min(level, bound)
		}
		return level
	}
	for level := 1; ; level++ {
		read := 0
		for _, bound := range bounds {
			read += within(level, bound)
		}
		if read >= open || level >= open {
			return within(level, own), read >= open
		}
	}
}

// look finds the shards that can be read, and takes or gives back some, so that each process has its share. over says that the stream has ended and all of it is handled.
func (r *run) look(slot *lease.Lease) (over bool, _ error) {
	d, err := r.describe(r.starting)
	if err != nil {
		return false, err
	}
	if err := r.clean(d); err != nil {
		return false, err
	}
	crew, err := r.crew(slot)
	if err != nil {
		return false, err
	}
	open, ready, err := r.readable(d)
	if err != nil {
		return false, err
	}
	share, enough := shareOf(open, crew, r.Shards)
	if r.giveBack(share); !enough && r.holds() >= share && time.Since(r.turned) >= r.Discover {
		r.takeTurns(ready)
	}
	for _, c := range r.inTurn(ready) {
		if r.holds() >= share || r.starting.Err() != nil {
			break
		}
		if err := r.take(c.Shard, d); err != nil {
			return false, err
		}
	}
	r.tell("", 0, time.Time{})
	return d.ended && open == 0, nil
}

// candidate is a shard that has records to be handled now, and that this process does not read.
type candidate struct {
	streams.Shard
	free bool // nor does another one
}

// readable counts the shards that have records to be handled now, and gives those that this process does not read: not handled yet, their parent handled or gone.
func (r *run) readable(d *description) (open int, ready []candidate, _ error) {
	for _, s := range d.shards {
		done, free, err := r.state(*s.ShardId)
		if err != nil {
			return 0, nil, err
		}
		if done {
			continue
		}
		if parent := value(s.ParentShardId); d.listed[parent] {
			if done, _, err = r.state(parent); err != nil {
				return 0, nil, err
			}
			if !done {
				continue
			}
		}
		open++
		if !r.has(*s.ShardId) {
			ready = append(ready, candidate{s, free})
		}
	}
	return open, ready, nil
}

// state says whether a shard is handled to its end, and whether nobody reads it.
func (r *run) state(shard string) (done, free bool, _ error) {
	r.mu.Lock()
	done, held := r.done[shard], r.held[shard] != nil
	r.mu.Unlock()
	if done || held {
		return done, false, nil
	}
	record, err := r.Store.Load(r.starting, r.shardName(shard))
	if err == nil && raw.BoolOf(record.Data[dataDone]) {
		r.mu.Lock()
		r.done[shard] = true
		r.mu.Unlock()
		done = true
	}
	return done, !record.Held, err
}

// inTurn puts first what this process has not read for longest. Otherwise the order is random, so that processes do not all try the same ones.
func (r *run) inTurn(ready []candidate) []candidate {
	rand.Shuffle(len(ready), func(i, j int) { ready[i], ready[j] = ready[j], ready[i] })
	r.mu.Lock()
	defer r.mu.Unlock()
	slices.SortStableFunc(ready, func(a, b candidate) int { return r.last[*a.ShardId].Compare(r.last[*b.ShardId]) })
	return ready
}

// takeTurns gives back a shard that is read to its present end, for one that nobody reads.
func (r *run) takeTurns(ready []candidate) {
	if !slices.ContainsFunc(ready, func(c candidate) bool { return c.free }) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, w := range r.held {
		if w.starting.Err() == nil && w.idle.Load() {
			r.turned = time.Now()
			w.stop(nil)
			return
		}
	}
}

func (r *run) has(shard string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.held[shard] != nil
}

func (r *run) holds() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, w := range r.held {
		if w.starting.Err() == nil {
			n++
		}
	}
	return n
}

// giveBack stops workers beyond this process' share.
func (r *run) giveBack(share int) {
	for excess := r.holds() - share; excess > 0; excess-- {
		r.mu.Lock()
		for _, w := range r.held {
			if w.starting.Err() == nil {
				w.stop(nil)
				break
			}
		}
		r.mu.Unlock()
	}
}

// take leases a shard and reads it, unless another process has it.
func (r *run) take(s streams.Shard, d *description) error {
	id := *s.ShardId
	l, err := r.Store.TryAcquire(r.working, r.shardName(id), r.LeaseTTL)
	if errors.Is(err, lease.ErrHeld) {
		return nil
	}
	if err != nil {
		return err
	}
	release := func() error { return l.Release(context.WithoutCancel(r.working)) }
	if raw.BoolOf(l.Data()[dataDone]) { // another process was faster
		return release()
	}
	var seen time.Time
	if parent := value(s.ParentShardId); parent != "" && len(l.Data()) == 0 {
		if seen, err = r.after(parent, d.listed[parent]); err != nil {
			return errors.Join(err, release())
		}
	}
	w := newWorker(r, id, l, seen)
	r.mu.Lock()
	r.held[id] = w
	r.mu.Unlock()
	r.workers.Go(func() {
		err := w.work()
		if releaseErr := release(); releaseErr != nil && !errors.Is(releaseErr, lease.ErrLost) {
			r.Logger.Warn("stream: a shard was not released", "consumer", r.Name, "shard", id, "error", releaseErr)
		}
		r.ended(w, err)
	})
	return nil
}

// after tells up to when the changes before a shard that was never begun are handled: those of its parent. A parent that the stream does not list any more and that was left before its end is a gap.
func (r *run) after(parent string, listed bool) (time.Time, error) {
	record, err := r.Store.Load(r.starting, r.shardName(parent))
	if err == nil && !listed && !raw.BoolOf(record.Data[dataDone]) {
		err = r.gap(r.starting, Gap{Shard: parent, After: raw.TextOf(record.Data[dataSequence])})
	}
	return timeIn(record.Data, dataSeen), err
}

func (p *poller) gap(ctx context.Context, g Gap) error {
	p.Logger.Error("stream: the stream may have dropped records that were not handled", "consumer", p.Name, "shard", g.Shard, "after", g.After)
	if p.OnGap == nil {
		return &GapError{g}
	}
	if err := p.OnGap(ctx, g); err != nil {
		return fmt.Errorf("stream: OnGap: %w", err)
	}
	return nil
}

// failed says that a record has failed, whatever of.
func failed(err error) bool {
	_, ok := errors.AsType[*BatchError](err)
	return ok
}

// ended notes that a worker has ended, and ends the run if it failed.
func (r *run) ended(w *worker, err error) {
	r.mu.Lock()
	delete(r.held, w.shard)
	r.last[w.shard] = time.Now()
	if w.done {
		r.done[w.shard] = true
	}
	switch {
	case err == nil, errors.Is(err, lease.ErrLost), !failed(err) && r.passes("shard "+w.shard, err), r.starting.Err() != nil && errors.Is(err, context.Cause(r.starting)):
	case r.err == nil:
		r.err = err
	}
	over := r.err != nil
	r.mu.Unlock()
	if over {
		r.stop(nil)
	}
	if err != nil { // not at once
		return
	}
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// clean deletes what was saved of shards that the stream does not list any more, once their children have begun.
func (r *run) clean(d *description) error {
	waiting := map[string]bool{}
	for _, s := range d.shards {
		if parent := value(s.ParentShardId); parent != "" && !d.listed[parent] && r.seen[parent] {
			record, err := r.Store.Load(r.starting, r.shardName(*s.ShardId))
			if err != nil {
				return err
			}
			if len(record.Data) == 0 {
				waiting[parent] = true
			}
		}
	}
	for shard := range r.seen {
		if d.listed[shard] || waiting[shard] || r.has(shard) {
			continue
		}
		if err := r.Store.Delete(r.starting, r.shardName(shard)); err != nil && !errors.Is(err, lease.ErrHeld) {
			return err
		}
		delete(r.seen, shard)
	}
	for shard := range d.listed {
		r.seen[shard] = true
	}
	return nil
}
