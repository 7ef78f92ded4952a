package main

import (
	"context"
	"slices"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/lease"
	"github.com/monotable/monotable/migrate"
)

// The releases on the way from the joined index to the others. Each can be deployed while programs of the one before still run.
const (
	Both = 1 // the new indexes are there, and read; the old program writes, so both kinds of board are right
	New  = 2 // the new program writes; nobody reads the joined index any more, and it goes
)

// Move brings the table to a release, when its first program starts. Nothing is rewritten for the new indexes: their keys are attributes that every item has, so DynamoDB
// fills them by itself.
func (s *Store) Move(ctx context.Context, admin monotable.Admin, release int64, opts ...lease.StoreOption) ([]migrate.Step, error) {
	store, err := lease.NewStore(s.table, opts...)
	if err != nil {
		return nil, err
	}
	set, err := migrate.New(
		store,
		migrate.Migration{ID: Both, Name: "add the boards", Up: migrate.AddIndexes(s.table, admin)},
		migrate.Migration{ID: New, Name: "drop the joined index", Up: migrate.DropIndex(s.table, admin, joined)},
	)
	if err != nil {
		return nil, err
	}
	return set.With(migrate.Wait()).UpTo(ctx, release)
}

// SameBoards compares the n best of a region as the old index has them and as the new one does. Do it before anybody reads the new one alone; while matches are
// reported, what differs may be on its way.
func SameBoards(ctx context.Context, old *Old, s *Store, tournament, region string, n int) (bool, error) {
	before, err := old.Board(ctx, tournament, region, n)
	if err != nil {
		return false, err
	}
	after, err := s.Board(ctx, tournament, region, n)
	return slices.Equal(before, after), err
}
