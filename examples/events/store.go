package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/monotable/monotable"
)

// What the store refuses. Nothing is written then.
var (
	ErrConflict = errors.New("events: the account has another version")
	ErrTooMany  = errors.New("events: more events than one transaction holds")
	ErrGap      = errors.New("events: an event is missing")
)

// MaxAppend is how many events one append takes: a transaction has 100 operations, and one of them moves the head.
const MaxAppend = 99

// Store keeps the events of accounts. It is safe for concurrent use.
type Store struct {
	table     *monotable.Table
	heads     *monotable.Entity[Head]
	snapshots *monotable.Entity[Account]

	Opened    *monotable.Entity[Opened]
	Deposited *monotable.Entity[Deposited]
	Withdrawn *monotable.Entity[Withdrawn]
	Closed    *monotable.Entity[Closed]
}

// OpenStore declares the table and its entities. It sends nothing. A nil clock is time.Now.
func OpenStore(client monotable.Client, name string, clock func() time.Time) (*Store, error) {
	table, err := monotable.NewTable(client, monotable.TableConfig{
		Name: name, PartitionKey: "PK", SortKey: "SK",
		Indexes: []monotable.Index{{Name: "GSI1", PartitionKey: "GSI1PK", SortKey: "GSI1SK"}},
		Clock:   clock,
	})
	if err != nil {
		return nil, err
	}
	s := &Store{table: table}
	var errs [6]error
	s.heads, errs[0] = monotable.NewEntity(table, headSchema)
	s.snapshots, errs[1] = monotable.NewEntity(table, snapshotSchema)
	s.Opened, errs[2] = monotable.NewEntity(table, openedSchema)
	s.Deposited, errs[3] = monotable.NewEntity(table, depositedSchema)
	s.Withdrawn, errs[4] = monotable.NewEntity(table, withdrawnSchema)
	s.Closed, errs[5] = monotable.NewEntity(table, closedSchema)
	return s, errors.Join(errs[:]...)
}

// Append adds events to an account that has expected of them, 0 for a new one: all of them, in one transaction, or none.
//
// ErrConflict says that the account has another version: somebody else was faster. It is no conflict, but success, if what stands there are these very events, by
// their ids: then the reply to an earlier attempt was lost. ErrTooMany is told before anything is sent. After monotable.ErrOutcomeUnknown send the same events again.
// An error stays what it is if looking who has moved the head fails, too: then it is both errors.
func (s *Store) Append(ctx context.Context, account string, expected int, events ...Event) error {
	if len(events) == 0 {
		return nil
	}
	if len(events) > MaxAppend {
		return fmt.Errorf("%w: %d of at most %d", ErrTooMany, len(events), MaxAppend)
	}
	ops := []monotable.WriteOp{s.advance(account, expected, expected+len(events))}
	for i, e := range events {
		ops = append(ops, e.with(Meta{Account: account, N: expected + 1 + i, ID: e.meta().ID}).create(s))
	}
	err := s.table.TransactWrite(ctx, ops...)
	conflict, unknown := errors.Is(err, monotable.ErrConditionFailed), errors.Is(err, monotable.ErrOutcomeUnknown)
	if !conflict && !unknown {
		return err
	}
	found, readErr := s.has(ctx, account, expected, events)
	if found && readErr == nil {
		return nil
	}
	if conflict {
		err = fmt.Errorf("%w: %w", ErrConflict, err)
	}
	return errors.Join(err, readErr) // nobody knows more than before
}

// advance moves the head. Without it two appends at one version would be told apart by their first event, but one at too high a version would leave a gap.
func (s *Store) advance(account string, from, to int) monotable.WriteOp {
	if from == 0 {
		return s.heads.CreateOp(Head{Account: account, N: to})
	}
	return s.heads.UpdateOp(Head{Account: account}, headN.Eq(from), headN.Set(to))
}

// has says whether these events, by their ids, follow the expected version.
func (s *Store) has(ctx context.Context, account string, expected int, events []Event) (bool, error) {
	stored, err := s.collect(ctx, s.from(account, expected+1).Limit(len(events)))
	return slices.EqualFunc(stored, events, func(a, b Event) bool { return a.meta().ID == b.meta().ID }), err
}

// Events are the events of an account from version n on, in their order: all for 1.
func (s *Store) Events(ctx context.Context, account string, n int) ([]Event, error) {
	return s.collect(ctx, s.from(account, n))
}

// from is where events stand. The key template is that of all of them, so any one will do to say it.
func (s *Store) from(account string, n int) monotable.Partition {
	return s.Opened.Partition(Opened{Meta: Meta{Account: account}}, openedN.Ge(n)).With(monotable.Consistent())
}

func (s *Store) collect(ctx context.Context, from monotable.Partition) ([]Event, error) {
	var opened []Opened
	var deposited []Deposited
	var withdrawn []Withdrawn
	var closed []Closed
	err := s.table.Collect(ctx, from, monotable.Into(s.Opened, &opened), monotable.Into(s.Deposited, &deposited),
		monotable.Into(s.Withdrawn, &withdrawn), monotable.Into(s.Closed, &closed))
	events := slices.Concat(asEvents(opened), asEvents(deposited), asEvents(withdrawn), asEvents(closed))
	slices.SortFunc(events, func(a, b Event) int { return cmp.Compare(a.meta().N, b.meta().N) })
	return events, err
}

func asEvents[E Event](list []E) []Event {
	events := make([]Event, len(list))
	for i, e := range list {
		events[i] = e
	}
	return events
}

// Latest are events of one type, of all accounts, newest first: Latest(s.Deposited), say. They come from an index, which follows a moment later.
func Latest[E any](of *monotable.Entity[E]) monotable.Query[E] {
	var zero E
	return of.Query(zero).Index("GSI1").Descending()
}

// Load is an account as its events say: from the snapshot, if there is one, and the events after it. One without events is the zero Account with its id.
func (s *Store) Load(ctx context.Context, account string) (Account, error) {
	a, err := s.snapshots.Get(ctx, Account{ID: account})
	if errors.Is(err, monotable.ErrNotFound) {
		a, err = Account{ID: account}, nil
	}
	if err != nil {
		return a, err
	}
	events, err := s.Events(ctx, account, a.N+1)
	if err != nil {
		return a, err
	}
	return a.after(events)
}

// Snapshot keeps an account as it was loaded, for the next Load. A newer snapshot stays.
func (s *Store) Snapshot(ctx context.Context, a Account) error {
	_, err := s.snapshots.Put(ctx, a, monotable.Any(snapshotN.NotExists(), snapshotN.Lt(a.N)))
	if errors.Is(err, monotable.ErrConditionFailed) {
		return nil
	}
	return err
}
