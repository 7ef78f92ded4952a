package main

import (
	"context"
	"errors"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/lease"
	"github.com/monotable/monotable/migrate"
)

// The releases of the program: each is its last migration.
const (
	First  = 0 // projects of an employee, but not the other way round
	Newest = 3
)

// Start makes the table if there is none, and brings what is in it to the form of a release: up, or down, before an older program is started again. Every process calls
// it when it starts; one of them works, the others wait. Where nothing is to be done it is a few reads.
func (s *Store) Start(ctx context.Context, admin monotable.Admin, release int64) ([]migrate.Step, error) {
	if err := s.bare.Ensure(ctx, admin); err != nil { // what was done is recorded in it
		return nil, err
	}
	store, err := lease.NewStore(s.bare, lease.Logger(s.logger))
	if err != nil {
		return nil, err
	}
	set, err := migrate.New(
		store,
		migrate.Migration{ID: 1, Name: "members of projects", Up: s.addMembers, Down: s.dropMembers},
		migrate.Migration{ID: 2, Name: "index of titles", Up: migrate.AddIndexes(s.table, admin), Down: migrate.DropIndex(s.bare, admin, byTitle.Name)},
		migrate.Migration{ID: 3, Name: "titles into the index", Up: migrate.ReindexItems(s.table, migrate.Segments(4)), Down: keep},
	)
	if err != nil {
		return nil, err
	}
	set = set.With(migrate.Wait())
	var up []migrate.Step
	if release > First {
		if up, err = set.UpTo(ctx, release); err != nil {
			return up, err
		}
	}
	down, err := set.DownTo(ctx, release)
	return append(up, down...), err
}

// addMembers writes the other direction of every assignment. Who changes or removes one meanwhile has written both, so nothing is to be done for it.
func (s *Store) addMembers(ctx context.Context, r *migrate.Run) error {
	for a, err := range s.assignments.With(monotable.Consistent()).Scan().All(ctx) {
		if err != nil {
			return err
		}
		err = r.Do(ctx, func(ctx context.Context) error {
			return s.table.TransactWrite(ctx, s.assignments.CheckOp(a, assignmentRole.Eq(a.Role)), s.members.PutOp(Member(a)))
		})
		if err != nil && !errors.Is(err, monotable.ErrConditionFailed) {
			return err
		}
	}
	return nil
}

// dropMembers takes them back.
func (s *Store) dropMembers(ctx context.Context, r *migrate.Run) error {
	for m, err := range s.members.With(monotable.Consistent()).Scan().All(ctx) {
		if err != nil {
			return err
		}
		if err := r.Do(ctx, func(ctx context.Context) error { _, err := s.members.Delete(ctx, m); return err }); err != nil {
			return err
		}
	}
	return nil
}

// keep is the Down of what hinders no older program.
func keep(context.Context, *migrate.Run) error { return nil }
