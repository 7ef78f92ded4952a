package stream

import (
	"context"
	"fmt"

	"github.com/monotable/monotable"
)

// Handler is what a [Router] is made of: [On] and [Unknown].
type Handler interface{ addTo(*Router) }

// Handlers are functions for the changes of one entity. It is an immutable value: each method gives a new one. An event without a function is passed over.
//
// A function returns nil when its work is done. With an error, or a panic, the record counts as failed, see [Router.Process]. Each may be called for
// the same record again, and several at once for different items: an effect that must happen once goes through [Newer] or [Once]. Its context is that of the source and knows the [Current] record.
type Handlers[T any] struct {
	entity *monotable.Entity[T]
	route  route
}

// On begins the handlers of an entity. Hidden attributes are left out unless the entity is With [monotable.Reveal].
func On[T any](e *monotable.Entity[T]) Handlers[T] {
	h := Handlers[T]{entity: e}
	if e == nil {
		h.route.problems = []string{"On(nil)"}
		return h
	}
	h.route.entity, h.route.table = e.Name(), monotable.TableOf(e)
	return h
}

// Insert is called with each new item. The stream must have new images.
func (h Handlers[T]) Insert(f func(ctx context.Context, now T) error) Handlers[T] {
	return h.with(f == nil, newImage, h.now(f), onInsert)
}

// Modify is called with an item before and after a change. The stream must have both images. An item that becomes one of another entity is removed and inserted.
func (h Handlers[T]) Modify(f func(ctx context.Context, old, now T) error) Handlers[T] {
	return h.with(f == nil, oldImage|newImage, func(ctx context.Context, r *Record) error {
		old, err := h.entity.Decode(r.Old)
		if err != nil {
			return err
		}
		now, err := h.entity.Decode(r.New)
		if err != nil {
			return err
		}
		return f(ctx, old, now)
	}, onModify)
}

// Upsert is called with an item that was inserted or modified, in place of Insert and Modify. The stream must have new images.
func (h Handlers[T]) Upsert(f func(ctx context.Context, now T) error) Handlers[T] {
	return h.with(f == nil, newImage, h.now(f), onInsert, onModify)
}

// Remove is called with an item that was removed, as it was, also by its time to live ([Expired] tells) unless there is an Expire. The stream must have old images.
func (h Handlers[T]) Remove(f func(ctx context.Context, old T) error) Handlers[T] {
	return h.with(f == nil, oldImage, h.old(f), onRemove)
}

// Expire is called with an item that DynamoDB removed since its time to live was over, in place of Remove. The stream must have old images.
func (h Handlers[T]) Expire(f func(ctx context.Context, old T) error) Handlers[T] {
	return h.with(f == nil, oldImage, h.old(f), onExpire)
}

// Key is called with the event and a T with its key fields set, for every event that none of the other functions takes; any stream will do. Where a record has no
// image, only the key tells the entity; members of one Family, whose keys look alike, need a stream with images.
func (h Handlers[T]) Key(f func(ctx context.Context, event Event, key T) error) Handlers[T] {
	return h.with(f == nil, 0, func(ctx context.Context, r *Record) error {
		key, err := h.entity.ParseKey(r.Keys)
		if err != nil {
			return err
		}
		return f(ctx, r.Event, key)
	}, onKey)
}

func (h Handlers[T]) now(f func(context.Context, T) error) function {
	return func(ctx context.Context, r *Record) error { return h.decoded(ctx, r.New, f) }
}

func (h Handlers[T]) old(f func(context.Context, T) error) function {
	return func(ctx context.Context, r *Record) error { return h.decoded(ctx, r.Old, f) }
}

func (h Handlers[T]) decoded(ctx context.Context, image item, f func(context.Context, T) error) error {
	v, err := h.entity.Decode(image)
	if err != nil {
		return err
	}
	return f(ctx, v)
}

func (h Handlers[T]) with(isNil bool, needs images, f function, on ...slot) Handlers[T] {
	h.route = h.route.with(isNil, action{needs: needs, run: f}, on)
	return h
}

func (h Handlers[T]) addTo(r *Router) { r.add(h.route) }

// Unknown handles the changes of items that are of no entity of the table: of another program, or of a kind that only another release knows; and of tables that the router has no handlers for.
// Without it the former are passed over, and the log tells so once; the latter fail.
func Unknown(f func(ctx context.Context, r Record) error) Handler { return unknown(f) }

type unknown func(context.Context, Record) error

func (u unknown) addTo(r *Router) {
	switch {
	case u == nil:
		r.problem("Unknown(nil)")
	case r.unknown != nil:
		r.problem("Unknown is there twice")
	}
	r.unknown = u
}

type function = func(context.Context, *Record) error

// slot is a kind of change that a function can be for.
type slot int

const (
	onInsert slot = iota
	onModify
	onRemove
	onExpire
	onKey
	slots
)

func (s slot) String() string {
	return [...]string{"Insert", "Modify", "Remove", "Expire", "Key"}[s]
}

// images are what a function must be given.
type images int

const (
	newImage images = 1 << iota
	oldImage
)

func (i images) String() string { return [...]string{"no", "new", "old", "new and old"}[i] }

type action struct {
	needs images
	run   function
}

// route is the handlers of one entity.
type route struct {
	entity   string
	family   string
	table    *monotable.Table
	actions  [slots]action
	problems []string
}

func (r route) with(isNil bool, a action, on []slot) route {
	for _, s := range on {
		switch {
		case isNil:
			r.problems = append(r.problems[:len(r.problems):len(r.problems)], fmt.Sprintf("the function for %s is nil", s))
		case r.actions[s].run != nil:
			r.problems = append(r.problems[:len(r.problems):len(r.problems)], fmt.Sprintf("%s is handled twice", s))
		}
		r.actions[s] = a
	}
	return r
}

// action is what handles a record; its run is nil if nothing does.
func (r *route) action(record *Record) action {
	var s slot
	switch record.Event {
	case Insert:
		s = onInsert
	case Modify:
		s = onModify
	case Remove:
		if s = onRemove; record.Expired && r.actions[onExpire].run != nil {
			s = onExpire
		}
	default:
		return action{}
	}
	if a := r.actions[s]; a.run != nil {
		return a
	}
	return r.actions[onKey]
}
