package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/lease"
)

// Saga is how far an order is: what is done of it, or taken back. The steps change other items, each on its own; the saga is what makes them one.
type Saga struct {
	ID       string    `dynamodbav:"sagaId"`
	Order    Order     `dynamodbav:"order"`
	Status   Status    `dynamodbav:"status"`
	Step     int       `dynamodbav:"step"`     // the one that is next, forwards or backwards
	Results  []string  `dynamodbav:"results"`  // of the steps that are done
	Problem  string    `dynamodbav:"problem"`  // why it goes backwards, or is stuck
	Failures int       `dynamodbav:"failures"` // of the step that is next
	Fence    int64     `dynamodbav:"fence"`    // of the lease under which it was last claimed
	Created  time.Time `dynamodbav:"createdAt"`
	Updated  time.Time `dynamodbav:"updatedAt"`
	Version  int64     `dynamodbav:"version"`
}

// Order is what is wanted.
type Order struct {
	Customer string `dynamodbav:"customer"`
	SKU      string `dynamodbav:"sku"`
	Count    int    `dynamodbav:"count"`
	Cents    int    `dynamodbav:"cents"`
}

// Status is where a saga goes.
type Status string

const (
	Running      Status = "running"      // forwards
	Compensating Status = "compensating" // backwards
	Stuck        Status = "stuck"        // a step could not be taken back: a person must look
	Done         Status = "done"
	Compensated  Status = "compensated"
)

// Over says that nothing is left to do.
func (s Saga) Over() bool { return s.Status == Done || s.Status == Compensated }

var (
	sagaStatus  = monotable.Field(func(s *Saga) *Status { return &s.Status })
	sagaFence   = monotable.Field(func(s *Saga) *int64 { return &s.Fence })
	sagaCreated = monotable.Field(func(s *Saga) *time.Time { return &s.Created })
	sagaUpdated = monotable.Field(func(s *Saga) *time.Time { return &s.Updated })
	sagaVersion = monotable.Field(func(s *Saga) *int64 { return &s.Version })

	orderCount = monotable.Field(func(s *Saga) *int { return &s.Order.Count })
	orderCents = monotable.Field(func(s *Saga) *int { return &s.Order.Cents })
)

// Both indexes are sparse: GSI1 has the sagas that are to be carried on, GSI2 those that a person must look at. What is over is in neither.
var sagaSchema = monotable.Schema[Saga]{
	Name: "Saga",
	Key:  monotable.Key{Partition: "SAGA#{sagaId}", Sort: "SAGA"},
	Indexes: map[string]monotable.Key{
		"GSI1": {Partition: "OPEN", Sort: "{createdAt}#{sagaId}"},
		"GSI2": {Partition: "STUCK", Sort: "{createdAt}#{sagaId}"},
	},
	Rules: []monotable.Rule[Saga]{
		monotable.Min(orderCount, 1),
		monotable.Min(orderCents, 1),
		sagaStatus.Default(Running).OneOf(Running, Compensating, Stuck, Done, Compensated),
		monotable.IndexWhen("GSI1", func(s *Saga) bool { return s.Status == Running || s.Status == Compensating }, sagaStatus),
		monotable.IndexWhen("GSI2", func(s *Saga) bool { return s.Status == Stuck }, sagaStatus),
		monotable.CreatedAt(sagaCreated),
		monotable.UpdatedAt(sagaUpdated),
		monotable.Version(sagaVersion),
	},
}

// Step is a part of a saga. Both functions bear repetition: of a call that they know they give the result of the first time. Do says ErrRefused if it
// will never succeed. Undo takes back what Do has done, also if nobody knows whether it has; and after it a Do that comes late has no effect.
type Step struct {
	Name string
	Do   func(ctx context.Context, c Call, o Order) (result string, err error)
	Undo func(ctx context.Context, c Call, o Order) error
}

// Call is what steps know each other's repetitions by.
type Call struct{ Saga, Step string }

// ErrRefused says that a step will not succeed, however often it is tried: the saga turns back.
var ErrRefused = errors.New("saga: refused")

// ErrStuck says that a saga waits for a person.
var ErrStuck = errors.New("saga: stuck")

// ErrOtherOrder says that the saga of this id is that of another order.
var ErrOtherOrder = errors.New("saga: the id is that of another order")

const (
	tries    = 10 // how often a step may fail before it counts as refused, and the saga turns back
	attempts = 3  // how often taking back a step may fail before the saga is stuck
)

// Orchestrator carries sagas on. Any number may work on one table, in any processes: one at a time works on a saga. It is safe for concurrent use.
type Orchestrator struct {
	sagas  *monotable.Entity[Saga]
	leases *lease.Store
	steps  []Step
}

// Handle carries out the order of a message, whose id is the saga's: it begins the saga, or, if the message has come before, carries it on, or says what came of it. ErrOtherOrder refuses another order
// under the id of a saga. After an error other than these and ErrStuck the message is to come again. lease.ErrHeld says that another one is at it.
func (o *Orchestrator) Handle(ctx context.Context, id string, order Order) (Saga, error) {
	_, err := o.sagas.Create(ctx, Saga{ID: id, Order: order})
	switch before, ok := o.sagas.Old(err); {
	case err == nil:
	case !ok:
		return Saga{}, err
	case before.Order != order:
		return Saga{}, ErrOtherOrder
	}
	return o.Run(ctx, id)
}

// Run carries a saga on until it is over, or stuck, or a step fails for another reason than that it refuses; then Run is to be called again, some time later. A step that has failed ten
// times is given up like one that refuses: the saga turns back.
func (o *Orchestrator) Run(ctx context.Context, id string) (Saga, error) {
	if s, err := o.load(ctx, id); err != nil || s.Over() {
		return s, err
	}
	l, err := o.leases.Acquire(ctx, "saga:"+id, lease.DefaultTTL)
	if err != nil {
		return Saga{}, err
	}
	defer func() { _ = l.Release(context.WithoutCancel(ctx)) }() // or else it ends by itself
	s, err := o.claim(l.Context(), id, l.Fence())
	for err == nil && !s.Over() {
		s, err = o.advance(l.Context(), s)
	}
	return s, err
}

// load is a saga as it is now.
func (o *Orchestrator) load(ctx context.Context, id string) (Saga, error) {
	s, err := o.sagas.With(monotable.Consistent()).Get(ctx, Saga{ID: id})
	if err == nil && s.Status == Stuck {
		err = fmt.Errorf("%w: %s", ErrStuck, s.Problem)
	}
	return s, err
}

// claim writes the lease's fence into the saga. That refuses those who held the lease before, if they still believe in it: they know an older version, and every
// write of a saga wants the one that it read.
func (o *Orchestrator) claim(ctx context.Context, id string, fence int64) (Saga, error) {
	s, err := o.load(ctx, id)
	if err != nil || s.Over() {
		return s, err
	}
	s.Fence = fence
	return o.sagas.Put(ctx, s, sagaFence.Lt(fence))
}

// advance does the next step, or takes it back, and notes that. A program that stops between the two does the step again, which bears it.
func (o *Orchestrator) advance(ctx context.Context, s Saga) (Saga, error) {
	step := o.steps[s.Step]
	call := Call{Saga: s.ID, Step: step.Name}
	if s.Status == Running {
		result, err := step.Do(ctx, call, s.Order)
		switch stopped := ctx.Err() != nil; {
		case errors.Is(err, ErrRefused), err != nil && !stopped && s.Failures+1 == tries:
			s.Status, s.Failures, s.Problem = Compensating, 0, fmt.Sprintf("%s: %s", step.Name, err) // from this step on: nobody knows what an earlier attempt at it has done
		case err != nil && stopped: // which says nothing of the step
			return s, fmt.Errorf("%s: %w", step.Name, err)
		case err != nil:
			failed := fmt.Errorf("%s: %w", step.Name, err)
			s.Failures++
			s, err = o.sagas.Put(ctx, s)
			return s, errors.Join(failed, err)
		default:
			s.Failures = 0
			s.Results = append(s.Results, result)
			if s.Step++; s.Step == len(o.steps) {
				s.Status = Done
			}
		}
		return o.sagas.Put(ctx, s)
	}

	failed := step.Undo(ctx, call, s.Order)
	switch {
	case failed != nil:
		failed = fmt.Errorf("taking back %s: %w", step.Name, failed)
		if s.Failures++; s.Failures == attempts {
			s.Status, s.Problem = Stuck, failed.Error()
			failed = fmt.Errorf("%w: %w", ErrStuck, failed)
		}
	default:
		s.Failures = 0
		if s.Step--; s.Step < 0 {
			s.Status, s.Step = Compensated, 0
		}
	}
	s, err := o.sagas.Put(ctx, s)
	return s, errors.Join(failed, err)
}

// Recover carries on all sagas that are open, say when a program starts and every minute. Those that another one works on are left to it. It gives the errors of the others, together.
func (o *Orchestrator) Recover(ctx context.Context) error {
	var errs []error
	for s, err := range o.open().All(ctx) {
		if err == nil {
			_, err = o.Run(ctx, s.ID)
		}
		if err != nil && !errors.Is(err, lease.ErrHeld) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (o *Orchestrator) open() monotable.Query[Saga] { return o.sagas.Query(Saga{}).Index("GSI1") }

// Stuck are the sagas that wait for a person, oldest first.
func (o *Orchestrator) Stuck(ctx context.Context) ([]Saga, error) {
	return o.sagas.Query(Saga{}).Index("GSI2").Collect(ctx)
}

// Retry is a person's word that what a saga was stuck at is mended: it is tried again.
func (o *Orchestrator) Retry(ctx context.Context, id string) (Saga, error) {
	_, err := o.sagas.Modify(ctx, Saga{ID: id}, func(s *Saga) error {
		if s.Status == Stuck {
			s.Status, s.Failures = Compensating, 0
		}
		return nil
	})
	if err != nil {
		return Saga{}, err
	}
	return o.Run(ctx, id)
}
