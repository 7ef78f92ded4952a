package main

import (
	"context"
	"errors"

	"github.com/monotable/monotable"
)

// Old is the program as it was: its board is an index whose keys are strings, joined of tournament, region and score.
type Old struct {
	table     *monotable.Table
	matches   *monotable.Entity[Match]
	standings *monotable.Entity[Standing]
}

const joined = "GSI1"

func openOld(client monotable.Client, o Options) (*Old, error) {
	table, err := monotable.NewTable(client, monotable.TableConfig{
		Name: o.Table, PartitionKey: "PK", SortKey: "SK", Clock: o.Clock,
		Indexes: []monotable.Index{{Name: joined, PartitionKey: "GSI1PK", SortKey: "GSI1SK"}},
	})
	if err != nil {
		return nil, err
	}
	s := &Old{table: table}
	if s.matches, err = monotable.NewEntity(table, matchSchema); err != nil {
		return nil, err
	}
	schema := standingSchema
	schema.Indexes = map[string]monotable.Key{joined: {Partition: "BOARD#{tournament}#{region}", Sort: "{score:06}#{player}"}}
	if s.standings, err = monotable.NewEntity(table, schema); err != nil {
		return nil, err
	}
	return s, nil
}

// Report stores a match and adds it to its player's standing. The score is part of a joined key, which DynamoDB cannot add to: so it takes a read, the whole standing under its
// version, and another try if somebody was faster; and the score must have six digits at most.
func (s *Old) Report(ctx context.Context, m Match) error {
	for {
		standing, err := s.standings.With(monotable.Consistent()).Get(ctx, standingOf(m))
		if errors.Is(err, monotable.ErrNotFound) {
			standing, err = standingOf(m), nil
		}
		if err != nil {
			return err
		}
		standing.Score += m.Score
		standing.Matches++
		err = s.table.TransactWrite(ctx, s.matches.CreateOp(m), s.standings.PutOp(standing))
		if !errors.Is(err, monotable.ErrVersionConflict) {
			return err
		}
	}
}

// Board are the n best players of a region.
func (s *Old) Board(ctx context.Context, tournament, region string, n int) ([]Standing, error) {
	return s.standings.Query(Standing{Tournament: tournament, Region: region}).Index(joined).Descending().Limit(n).Collect(ctx)
}
