package lease

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/internal/call"
	"github.com/monotable/monotable/internal/raw"
)

// What a program branches on beside [monotable.ErrInvalid].
var (
	// ErrHeld: another one holds the lease. See [HeldError].
	ErrHeld = errors.New("lease: leased by another")
	// ErrLost: the lease was not renewed in time, or another one has taken it since. What had not been written by then is not.
	ErrLost = errors.New("lease: lost")
)

// HeldError says who holds a lease. It is [ErrHeld].
type HeldError struct {
	Name   string
	Holder string    // as [Holder] says, or the random id of the lease
	Until  time.Time // when it ends unless it is renewed, by the holder's clock; it may have passed

	owner string
	beat  int64
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("lease: %q is held by %s until %s, unless renewed", e.Name, e.Holder, e.Until.UTC().Format(time.RFC3339))
}

// Is reports ErrHeld.
func (e *HeldError) Is(target error) bool { return target == ErrHeld }

// sighting is a lease of another, and since when it has not changed before our eyes.
type sighting struct {
	owner string
	beat  int64
	since time.Time // with the monotonic clock, so the clocks of two machines are never compared
}

// DefaultTTL is how long a lease lasts without being renewed, where 0 is given.
const DefaultTTL = 30 * time.Second

// Lease is the right to work under a name. It is renewed in the background until Release, or until the context it was acquired with ends. It is safe for concurrent use.
//
// A lease that is not renewed for its ttl may be taken by another. Its holder stops believing in it after three quarters of that, at which its Context
// ends with [ErrLost]. A holder that was paused may not notice in time; so what it writes under the lease, with Save or beside a [Lease.Check], is conditioned on the
// lease still being its own.
type Lease struct {
	store *Store
	name  string
	owner string
	ttl   time.Duration
	fence int64

	ctx     context.Context // the holder's
	held    context.Context // until the lease is lost or released
	end     context.CancelCauseFunc
	beating chan struct{} // closed when the background is done

	turn   chan struct{} // one write at a time; guards what follows
	beat   int64         // what is stored, unless a write had no answer
	issued int64         // the last number of a write
	data   raw.Item

	mu        sync.Mutex
	confirmed time.Time   // when the last write that went through was sent
	doubt     *time.Timer // ends the belief
}

// TryAcquire looks once. If the lease is free it is acquired; if another one holds it that is a [HeldError], at once. A lease that the store has seen unchanged
// for its whole ttl, from one call to another, was abandoned and is taken over. The name is any text that with the [Prefix] has at most 512 bytes. ttl is in whole milliseconds; 0 means [DefaultTTL].
//
// If the context ends or the outcome is unknown, the lease may have been taken for nobody: it is free again after its ttl.
func (s *Store) TryAcquire(ctx context.Context, name string, ttl time.Duration) (*Lease, error) {
	if err := s.writable(); err != nil {
		return nil, err
	}
	if ttl == 0 {
		ttl = DefaultTTL
	}
	if ttl < 10*time.Millisecond {
		return nil, fmt.Errorf("%w: a lease of less than 10 ms", monotable.ErrInvalid)
	}
	r, err := s.Load(ctx, name)
	if err != nil {
		return nil, err
	}
	if r.Held && !s.abandoned(name, r) {
		return nil, r.heldAs(name)
	}
	l := &Lease{store: s, name: name, owner: rand.Text(), ttl: ttl, issued: 1, turn: make(chan struct{}, 1), beating: make(chan struct{})}
	var sent time.Time
	err = persist(ctx, call.Timeout, func(ctx context.Context) error {
		if sent.IsZero() {
			sent = time.Now()
		}
		now, refused, err := s.update(ctx, name, l.acquisition(r))
		switch {
		case err != nil:
			return err
		case !refused || now.owner == l.owner: // the latter: an attempt whose reply was lost
			r = now
			return nil
		case now.Held:
			s.abandoned(name, now)
			return now.heldAs(name)
		}
		return s.justReleased(name)
	})
	if err != nil {
		if errors.Is(err, ErrHeld) {
			return nil, err
		}
		return nil, s.failure("acquire", name, err)
	}
	s.forget(name)
	l.fence, l.beat, l.data = r.Fence, r.beat, r.Data
	l.begin(ctx, sent)
	return l, nil
}

// Acquire acquires a lease, and if it is held finds out whether its holder is alive: as soon as it is renewed that is a [HeldError], which takes about a third of
// its ttl; if it is not renewed for its whole ttl it is taken over. Two machines' clocks may differ, so only the time that passes here counts.
// Otherwise it is [Store.TryAcquire].
func (s *Store) Acquire(ctx context.Context, name string, ttl time.Duration) (*Lease, error) {
	var first *HeldError
	return s.acquire(ctx, name, ttl, func(now *HeldError) bool {
		if first == nil {
			first = now
		}
		return now.owner != "" && (now.owner != first.owner || now.beat != first.beat)
	})
}

// AcquireWait waits until the lease is free, or abandoned, and acquires it. Otherwise it is [Store.TryAcquire]. The wait ends with the context.
func (s *Store) AcquireWait(ctx context.Context, name string, ttl time.Duration) (*Lease, error) {
	return s.acquire(ctx, name, ttl, func(*HeldError) bool { return false })
}

func (s *Store) acquire(ctx context.Context, name string, ttl time.Duration, enough func(*HeldError) bool) (*Lease, error) {
	for {
		l, err := s.TryAcquire(ctx, name, ttl)
		held, ok := errors.AsType[*HeldError](err)
		if !ok || enough(held) {
			return l, err
		}
		if ttl == 0 {
			ttl = DefaultTTL
		}
		if waitErr := call.Poll(ctx, ttl); waitErr != nil {
			return nil, errors.Join(waitErr, err)
		}
	}
}

func (r *Record) heldAs(name string) *HeldError {
	holder := r.Holder
	if holder == "" {
		holder = r.owner
	}
	return &HeldError{Name: name, Holder: holder, Until: r.Until, owner: r.owner, beat: r.beat}
}

// abandoned remembers when a lease was first seen as it is, and says whether that was its whole ttl ago.
func (s *Store) abandoned(name string, r Record) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	was, ok := s.seen[name]
	if !ok || was.owner != r.owner || was.beat != r.beat {
		s.seen[name] = sighting{owner: r.owner, beat: r.beat, since: time.Now()}
		return false
	}
	return time.Since(was.since) >= r.term
}

func (s *Store) forget(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.seen, name)
}

// acquisition takes the lease if the record is as it was seen: by its fence, which every acquisition raises, so that a request that arrives late, after the lease has been
// released, takes nothing either.
func (l *Lease) acquisition(seen Record) *raw.Update {
	u := raw.NewUpdate()
	if seen.Fence == 0 {
		u.Absent(l.store.partition)
	} else {
		u.Equal(raw.Number(seen.Fence), attrFence)
	}
	if seen.Held { // and silent, until now
		u.Equal(raw.Text(seen.owner), attrOwner)
		u.Equal(raw.Number(seen.beat), attrBeat)
	} else { // for a record that was deleted meanwhile begins again with the same fences
		u.Absent(attrOwner)
	}
	u.Set(raw.Text(Tag), l.store.tag)
	u.Set(raw.Text(l.owner), attrOwner)
	if l.store.holder != "" {
		u.Set(raw.Text(l.store.holder), attrHolder)
	} else {
		u.Remove(attrHolder)
	}
	u.Set(raw.Number(seen.Fence+1), attrFence)
	if seen.Fence == 0 {
		u.Set(raw.Map(raw.Item{}), attrData)
	}
	l.stamp(u, l.issued)
	return u
}

// stamp renews the lease by the way.
func (l *Lease) stamp(u *raw.Update, beat int64) {
	u.Set(raw.Number(beat), attrBeat)
	u.Set(raw.Number(l.ttl.Milliseconds()), attrTerm)
	u.Set(raw.Text(l.store.clock().Add(l.ttl).UTC().Format(time.RFC3339Nano)), attrUntil)
}

func (l *Lease) begin(ctx context.Context, sent time.Time) {
	l.held, l.end = context.WithCancelCause(context.WithoutCancel(ctx))
	own, cancel := context.WithCancelCause(ctx)
	l.ctx = own
	context.AfterFunc(l.held, func() { cancel(context.Cause(l.held)) })
	l.confirmed = sent
	l.doubt = time.AfterFunc(l.belief()-time.Since(sent), l.lose)
	go l.keep()
}

// belief is how long a holder believes in its lease after a write that it sent; another one waits for the whole ttl after it saw it.
func (l *Lease) belief() time.Duration { return l.ttl / 4 * 3 }

func (l *Lease) lose() {
	if l.held.Err() == nil {
		l.store.logger.Warn("lease: lost", "name", l.name, "fence", l.fence)
	}
	l.end(ErrLost)
}

// keep renews the lease in the background.
func (l *Lease) keep() {
	defer close(l.beating)
	for {
		l.mu.Lock()
		next := time.Until(l.confirmed.Add(l.ttl / 3))
		l.mu.Unlock()
		if call.Sleep(l.ctx, max(next, l.ttl/12)) != nil {
			return
		}
		if err := l.Renew(l.ctx); err != nil && l.ctx.Err() == nil && l.held.Err() == nil {
			l.store.logger.Warn("lease: not renewed", "name", l.name, "fence", l.fence, "error", err)
		}
	}
}

// Name is the name that is leased.
func (l *Lease) Name() string { return l.name }

// Holder is who holds it, as [Holder] says, or the random id of the lease.
func (l *Lease) Holder() string {
	if l.store.holder != "" {
		return l.store.holder
	}
	return l.owner
}

// Err is nil while the holder may believe in the lease, and [ErrLost] once it is lost or released, whatever has become of the contexts.
func (l *Lease) Err() error {
	if l.held.Err() != nil {
		return ErrLost
	}
	return nil
}

// Fence is a number that is higher with every acquisition of the name, for conditions of the holder's own writes: an item that carries the highest fence that ever wrote it
// refuses those of earlier holders.
func (l *Lease) Fence() int64 { return l.fence }

// Context ends when the lease is lost, with the cause [ErrLost], when it is released, and with the context that it was acquired with.
func (l *Lease) Context() context.Context { return l.ctx }

// Check is for a transaction of the SDK beside the holder's own writes: it refuses them unless the lease is still the holder's, whatever the clocks say. It is one of the
// 100 actions, and a renewal at the same time is a conflict that the SDK does not retry: try again.
func (l *Lease) Check() types.TransactWriteItem {
	s := l.store
	return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: &s.table, Key: s.key(l.name), ConditionExpression: new("#o = :o"),
		ExpressionAttributeNames:  map[string]string{"#o": attrOwner},
		ExpressionAttributeValues: raw.Item{":o": raw.Text(l.owner)},
	}}
}

// Data is what is saved under the name, by this holder and those before. It is a copy as far as Save reaches: its values are shared and must not be changed. After a Save that failed it may be
// behind what is stored.
func (l *Lease) Data() map[string]types.AttributeValue {
	l.turn <- struct{}{}
	defer func() { <-l.turn }()
	return maps.Clone(l.data)
}

// Save writes changes of the data, attribute by attribute; nil removes one. It is one conditional write that also renews the lease. All data of a name are one
// item, of 400 KB at most. A lease that is lost is [ErrLost], and nothing was written. After another error the write may have been applied or not, but
// will not be after a later one.
func (l *Lease) Save(ctx context.Context, changes map[string]types.AttributeValue) error {
	return l.write(ctx, "save", changes)
}

// Renew renews the lease. The background does so anyway. Errors are those of Save.
func (l *Lease) Renew(ctx context.Context) error { return l.write(ctx, "renew", nil) }

// write updates the record on the condition that the lease is the holder's own and that nothing came between. Each write has a number of its own, by which it knows itself
// if its reply was lost.
func (l *Lease) write(ctx context.Context, op string, changes raw.Item) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(l.held, func() { cancel(context.Cause(l.held)) })()
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
	}
	if l.held.Err() != nil {
		return l.store.failure(op, l.name, ErrLost)
	}
	if ctx.Err() != nil {
		return l.store.failure(op, l.name, context.Cause(ctx))
	}
	l.issued++
	sent := time.Now()
	err := persist(ctx, max(l.ttl/6, time.Millisecond), func(ctx context.Context) error {
		for {
			now, refused, err := l.store.update(ctx, l.name, l.renewal(changes))
			switch {
			case err != nil:
				return err
			case refused && now.owner != l.owner:
				l.lose()
				return ErrLost
			case refused && now.beat != l.issued: // an earlier write, whose outcome was unknown
				l.beat = now.beat
				continue
			}
			l.beat, l.data = now.beat, now.Data
			return nil
		}
	})
	if err != nil {
		return l.store.failure(op, l.name, err)
	}
	l.confirm(sent)
	return nil
}

func (l *Lease) renewal(changes raw.Item) *raw.Update {
	u := raw.NewUpdate()
	u.Equal(raw.Text(l.owner), attrOwner)
	u.Equal(raw.Number(l.beat), attrBeat)
	save(u, changes)
	l.stamp(u, l.issued)
	return u
}

// confirm extends the belief. Its time counts from when the first request of the write was sent, for that one may be what the others see.
func (l *Lease) confirm(sent time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.doubt.Stop() { // otherwise it is lost already
		l.confirmed = sent
		l.doubt.Reset(l.belief() - time.Since(sent))
	}
}

// Release gives the lease back, so that another one need not wait for its end; the data stay. It waits for the background to end. A lease that another one has taken is
// [ErrLost]. Twice is as good as once. It is to be called even if the lease is lost, with a context that has not ended: context.WithoutCancel.
func (l *Lease) Release(ctx context.Context) error {
	already := l.held.Err() != nil && !errors.Is(context.Cause(l.held), ErrLost)
	l.mu.Lock()
	l.doubt.Stop()
	l.mu.Unlock()
	l.end(context.Canceled)
	<-l.beating
	if already {
		return nil
	}
	err := persist(ctx, call.Timeout, func(ctx context.Context) error {
		u := raw.NewUpdate()
		u.Equal(raw.Text(l.owner), attrOwner)
		for _, name := range []string{attrOwner, attrHolder, attrBeat, attrTerm, attrUntil} {
			u.Remove(name)
		}
		now, refused, err := l.store.update(ctx, l.name, u)
		switch {
		case err != nil:
			return err
		case refused && (now.Held || now.Fence != l.fence): // otherwise an attempt whose reply was lost
			return ErrLost
		}
		return nil
	})
	return l.store.failure("release", l.name, err)
}
