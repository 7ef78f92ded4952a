package migrate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/internal/call"
	"github.com/monotable/monotable/internal/raw"
	"github.com/monotable/monotable/lease"
)

type item = raw.Item

// ErrInvalid says that something was refused here, before anything was sent. It is [monotable.ErrInvalid].
var ErrInvalid = monotable.ErrInvalid

// Why migrations are refused before any is run.
var (
	// ErrChanged: a migration was recorded under its number with another name, or applied with another checksum, than the program's.
	ErrChanged = errors.New("migrate: the migration was another when it was recorded")
	// ErrOutOfOrder: a migration that is missing has a lower number than one that was begun: give it a higher one.
	ErrOutOfOrder = errors.New("migrate: a later migration was already begun")
	// ErrUnknownMigration: a migration that is to be taken back is recorded but is none of the program's: a newer program must do it.
	ErrUnknownMigration = errors.New("migrate: the program does not have this migration")
	// ErrNoDown: a migration that is to be taken back has no Down.
	ErrNoDown = errors.New("migrate: the migration has no Down")
)

// Migration is one step in the life of a table. The functions are run under a lease, and at least once: one that ends with an error, or whose process dies, is run again from its
// start the next time, so what it does twice must be as good as once. It works with the context it is given, which ends when the lease is lost.
type Migration struct {
	ID   int64  // from 1; its place in the order, which need not be without gaps: 1, 2, 3 or 20260131
	Name string // for people; it stays

	// Checksum, if both the program's and the recorded one are set, must stay once the migration is applied: a version or a hash of what it does.
	Checksum string

	Up   func(ctx context.Context, r *Run) error
	Down func(ctx context.Context, r *Run) error // takes back what Up has done, or a part of it, if Up was begun and not finished; nil: cannot be taken back
}

// Set is the migrations of a program, in order. It is immutable and safe for concurrent use.
type Set struct {
	store      *lease.Store
	migrations []Migration
	record     string // in the store
	ttl        time.Duration
	wait, dry  bool
}

// SetOption is a setting of a [Set].
type SetOption func(*Set)

// SetName gives a set a name, for several sets beside each other in one store: its lease and its record are "migrations:" and the name there. "" is the set without a name,
// whose record is "migrations".
func SetName(name string) SetOption {
	return func(s *Set) {
		if s.record = unnamed; name != "" {
			s.record = unnamed + ":" + name
		}
	}
}

const unnamed = "migrations"

// LeaseTTL is how long the lease of a runner lasts without renewal; so long the next one waits if it dies. 0 means [lease.DefaultTTL].
func LeaseTTL(ttl time.Duration) SetOption { return func(s *Set) { s.ttl = ttl } }

// Wait has a runner wait, as long as its context allows, while another one has the lease. Without it that is [lease.ErrHeld].
func Wait() SetOption { return func(s *Set) { s.wait = true } }

// New makes a set. The migrations are given in the order of their numbers, which differ and are 1 at least; gaps are fine. Each has a name and an Up. Otherwise it is
// ErrInvalid, with all that is wrong. It sends nothing.
func New(store *lease.Store, migrations ...Migration) (*Set, error) {
	var problems []error
	for i, m := range migrations {
		bad := func(format string, args ...any) {
			problems = append(problems, fmt.Errorf("%w: migration %d: "+format, append([]any{ErrInvalid, m.ID}, args...)...))
		}
		if m.ID < 1 {
			bad("numbers begin with 1")
		}
		if i > 0 && m.ID <= migrations[i-1].ID {
			bad("stands behind %d", migrations[i-1].ID)
		}
		if m.Name == "" {
			bad("has no name")
		}
		if m.Up == nil {
			bad("has no Up")
		}
	}
	if store == nil {
		problems = append(problems, fmt.Errorf("%w: no store", ErrInvalid))
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return &Set{store: store, migrations: slices.Clone(migrations), record: unnamed}, nil
}

// With is the set with other settings.
func (s *Set) With(opts ...SetOption) *Set {
	derived := *s
	for _, opt := range opts {
		opt(&derived)
	}
	return &derived
}

// DryRun is the set in a mode that writes nothing and takes no lease: Up and Down run the functions with [Run.DryRun] set. Each function sees the table without what those
// before it would have done, and what a real run has saved.
func (s *Set) DryRun() *Set {
	derived := *s
	derived.dry = true
	return &derived
}

// Step is a migration that was carried out, or would be.
type Step struct {
	ID     int64
	Name   string
	Down   bool
	Writes int64 // the writes that went through [Run.Do], and the items that [ReindexItems] has rewritten
}

// StepError is the failure of a migration. It stays begun until it is run again, up or down.
type StepError struct {
	ID   int64
	Name string
	Down bool
	Err  error // what the function said, or why it could not be recorded
}

func (e *StepError) Error() string {
	return fmt.Sprintf("migrate: %s of %d %s: %v", direction(e.Down), e.ID, e.Name, e.Err)
}

// Unwrap gives the cause.
func (e *StepError) Unwrap() error { return e.Err }

func direction(down bool) string {
	if down {
		return "down"
	}
	return "up"
}

// Up applies what is missing, in order, one runner at a time, and gives the steps that it has finished, also if it fails. A migration that was begun and not finished is run again. Where nothing
// is missing it costs one read, and migrations of a newer program are left alone. If another runner has the lease it is [lease.ErrHeld], see [Wait]; a failure
// of a function is a [StepError]; [ErrChanged] and [ErrOutOfOrder] say that the program does not fit what is recorded, and nothing was run.
//
// A migration that a [Set.DownTo] has begun to take back, and not finished, counts as begun: Up applies it again, from what its Down has left.
//
// A runner that loses its lease stops: its context ends, and it can record nothing any more.
func (s *Set) Up(ctx context.Context) ([]Step, error) {
	return s.run(ctx, s.above)
}

// UpTo is Up as far as a migration of the set, that one included.
func (s *Set) UpTo(ctx context.Context, id int64) ([]Step, error) {
	if err := s.mustHave(id); err != nil {
		return nil, err
	}
	return s.run(ctx, func(done journal) ([]step, error) {
		steps, err := s.above(done)
		return slices.DeleteFunc(steps, func(next step) bool { return next.ID > id }), err
	})
}

// DownTo takes back, in reverse order, every migration behind one of the set, those begun and not finished included; 0 takes back all. If one of them is not the program's
// ([ErrUnknownMigration]) or has no Down ([ErrNoDown]) nothing is taken back. Otherwise it is as Up.
func (s *Set) DownTo(ctx context.Context, id int64) ([]Step, error) {
	if id != 0 {
		if err := s.mustHave(id); err != nil {
			return nil, err
		}
	}
	return s.run(ctx, func(done journal) ([]step, error) { return s.behind(done, id) })
}

func (s *Set) mustHave(id int64) error {
	if s.find(id) == nil {
		return fmt.Errorf("%w: the set has no migration %d", ErrInvalid, id)
	}
	return nil
}

func (s *Set) find(id int64) *Migration {
	i := slices.IndexFunc(s.migrations, func(m Migration) bool { return m.ID == id })
	if i < 0 {
		return nil
	}
	return &s.migrations[i]
}

// step is a migration and where it goes.
type step struct {
	*Migration
	down bool
}

// above plans what is missing.
func (s *Set) above(done journal) ([]step, error) {
	var last int64
	for id := range done {
		last = max(last, id)
	}
	var steps []step
	var problems []error
	for i := range s.migrations {
		m := &s.migrations[i]
		entry, begun := done[m.ID]
		switch {
		case begun && entry.changed(m):
			problems = append(problems, fmt.Errorf("%w: %d %s", ErrChanged, m.ID, m.Name))
		case begun && entry.isApplied():
		case !begun && m.ID < last:
			problems = append(problems, fmt.Errorf("%w: %d %s is missing", ErrOutOfOrder, m.ID, m.Name))
		default:
			steps = append(steps, step{m, false})
		}
	}
	return steps, errors.Join(problems...)
}

// behind plans what to take back.
func (s *Set) behind(done journal, id int64) ([]step, error) {
	var steps []step
	var problems []error
	for _, found := range done.ids() {
		m := s.find(found)
		switch {
		case found <= id:
		case m == nil:
			problems = append(problems, fmt.Errorf("%w: %d", ErrUnknownMigration, found))
		case done[found].changed(m):
			problems = append(problems, fmt.Errorf("%w: %d %s", ErrChanged, m.ID, m.Name))
		case m.Down == nil:
			problems = append(problems, fmt.Errorf("%w: %d %s", ErrNoDown, m.ID, m.Name))
		default:
			steps = append(steps, step{m, true})
		}
	}
	slices.Reverse(steps)
	return steps, errors.Join(problems...)
}

// run carries out a plan under the lease. It is made twice: without the lease, to see whether there is anything to do, and with it, from what is recorded then.
func (s *Set) run(ctx context.Context, plan func(journal) ([]step, error)) (done []Step, err error) {
	r, err := s.store.Load(ctx, s.record)
	if err != nil {
		return nil, err
	}
	steps, err := s.planned(r.Data, plan)
	if err != nil || len(steps) == 0 {
		return nil, err
	}
	acquire := s.store.Acquire
	switch {
	case s.dry:
		return s.carryOut(ctx, nil, r.Data, steps)
	case s.wait:
		acquire = s.store.AcquireWait
	}
	l, err := acquire(ctx, s.record, s.ttl)
	if err != nil {
		return nil, err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), call.Timeout)
		defer cancel()
		if err := l.Release(ctx); err != nil { // all that is done is recorded
			s.store.Logger().Warn("migrate: lease not released", "name", s.record, "error", err)
		}
	}()
	if steps, err = s.planned(l.Data(), plan); err != nil {
		return nil, err
	}
	return s.carryOut(l.Context(), l, nil, steps)
}

func (s *Set) planned(data item, plan func(journal) ([]step, error)) ([]step, error) {
	done, err := readJournal(data)
	if err != nil {
		return nil, err
	}
	return plan(done)
}

// carryOut works under a lease, or, in a dry run, with what is recorded.
func (s *Set) carryOut(ctx context.Context, l *lease.Lease, recorded item, steps []step) ([]Step, error) {
	var done []Step
	for _, next := range steps {
		began := s.store.Now()
		r, err := s.carryOutOne(ctx, l, recorded, next)
		if err != nil {
			if lost := context.Cause(ctx); errors.Is(lost, lease.ErrLost) && !errors.Is(err, lease.ErrLost) {
				err = fmt.Errorf("%w: %w", lost, err)
			}
			s.store.Logger().Error("migrate: failed", "id", next.ID, "name", next.Name, "direction", direction(next.down), "error", err)
			return done, &StepError{ID: next.ID, Name: next.Name, Down: next.down, Err: err}
		}
		done = append(done, Step{ID: next.ID, Name: next.Name, Down: next.down, Writes: r.writes.Load()})
		s.store.Logger().Info("migrate: done", "id", next.ID, "name", next.Name, "direction", direction(next.down), "dry", s.dry, "writes", r.writes.Load(), "took", s.store.Now().Sub(began))
	}
	return done, nil
}

// carryOutOne records that a migration begins, runs it, and records that it has ended: all under the lease.
func (s *Set) carryOutOne(ctx context.Context, l *lease.Lease, recorded item, next step) (*Run, error) {
	r := &Run{store: s.store, lease: l, set: s.record, id: next.ID}
	function := next.Up
	if next.down {
		function = next.Down
	}
	by := ""
	if l != nil {
		recorded, by = l.Data(), l.Holder()
	}
	done, err := readJournal(recorded)
	if err != nil {
		return nil, err
	}
	r.entry = done[next.ID].begin(next, s.store.Now(), by)
	if s.dry {
		return r, function(ctx, r)
	}
	s.store.Logger().Info("migrate: begins", "id", next.ID, "name", next.Name, "direction", direction(next.down))
	if err := r.record(ctx, r.entry); err != nil {
		return nil, err
	}
	if err := function(ctx, r); err != nil {
		return nil, err
	}
	if next.down {
		return r, l.Save(ctx, item{key(next.ID): nil})
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r, r.record(ctx, r.entry.end(s.store.Now()))
}
