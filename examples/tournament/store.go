package main

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable"
)

// Options are what differs between places where the program runs.
type Options struct {
	Table string           // its name
	Clock func() time.Time // defaults to time.Now
}

// Store is the table of tournaments. Its methods are the access patterns. It is safe for concurrent use: one is made when the program starts.
type Store struct {
	table     *monotable.Table
	matches   *monotable.Entity[Match]
	standings *monotable.Entity[Standing]
}

// score is how boards are sorted: by score, and by name where it is the same.
var score = []monotable.KeyAttribute{{Name: "score", Type: types.ScalarAttributeTypeN}, {Name: "player"}}

// boards are the indexes: of a region, and of all. The type tag comes first, so a board of players reads no matches, and the other way round.
var boards = []monotable.Index{
	{Name: "byRegion", PartitionKeys: []monotable.KeyAttribute{{Name: "_et"}, {Name: "tournament"}, {Name: "region"}}, SortKeys: score},
	{Name: "byTournament", PartitionKeys: []monotable.KeyAttribute{{Name: "_et"}, {Name: "tournament"}}, SortKeys: score},
}

// openStore declares the table and its entities. It sends nothing; a mistake in a schema shows here, when the program starts.
func openStore(client monotable.Client, o Options) (*Store, error) {
	table, err := monotable.NewTable(client, monotable.TableConfig{Name: o.Table, PartitionKey: "PK", SortKey: "SK", Indexes: boards, Clock: o.Clock})
	if err != nil {
		return nil, err
	}
	s := &Store{table: table}
	if s.matches, err = monotable.NewEntity(table, matchSchema); err != nil {
		return nil, err
	}
	if s.standings, err = monotable.NewEntity(table, standingSchema); err != nil {
		return nil, err
	}
	return s, nil
}

// Report stores a match and adds it to its player's standing, in one transaction. The boards follow, because the score that they are sorted by is the one that is added to.
// monotable.ErrAlreadyExists if the match is there, so one that is reported twice counts once.
func (s *Store) Report(ctx context.Context, m Match) error {
	return s.table.TransactWrite(ctx,
		s.matches.CreateOp(m),
		s.standings.UpsertOp(standingOf(m), monotable.Add(standingScore, m.Score), monotable.Add(standingMatches, 1)))
}

// Annul takes a match back. monotable.ErrNotFound if it is not there; monotable.ErrConditionFailed if it has been corrected since it was read: annul it again.
func (s *Store) Annul(ctx context.Context, matchID string) error {
	m, err := s.Match(ctx, matchID)
	if err != nil {
		return err
	}
	return s.table.TransactWrite(ctx,
		s.matches.DeleteOp(m, matchScore.Eq(m.Score), matchPlayer.Eq(m.Player), matchRegion.Eq(m.Region), matchTournament.Eq(m.Tournament)), // what is taken off is what it counts
		s.standings.UpdateOp(standingOf(m), monotable.Add(standingScore, -m.Score), monotable.Add(standingMatches, -1)))
}

// Match is a match by its id.
func (s *Store) Match(ctx context.Context, id string) (Match, error) {
	return s.matches.Get(ctx, Match{ID: id})
}

// Board are the n best players of a region, the best first.
func (s *Store) Board(ctx context.Context, tournament, region string, n int) ([]Standing, error) {
	return s.board(tournament, region).Descending().Limit(n).Collect(ctx)
}

// WorldBoard are the n best of all regions. Who plays in two stands there twice, once for each.
func (s *Store) WorldBoard(ctx context.Context, tournament string, n int) ([]Standing, error) {
	return s.standings.Query(Standing{Tournament: tournament}).Index("byTournament").Descending().Limit(n).Collect(ctx)
}

// BestMatches are the matches of a region with a score of at least least, the best first.
func (s *Store) BestMatches(ctx context.Context, tournament, region string, least int) ([]Match, error) {
	return s.matches.Query(Match{Tournament: tournament, Region: region}).Index("byRegion").SortKey(matchScore.Ge(least)).Descending().Collect(ctx)
}

// Rank is a player's place in a region: 1 for the best, and the same for who has the same score.
func (s *Store) Rank(ctx context.Context, tournament, region, player string) (int, error) {
	own, err := s.standings.Get(ctx, Standing{Tournament: tournament, Region: region, Player: player})
	if err != nil {
		return 0, err
	}
	better, err := s.board(tournament, region).SortKey(standingScore.Gt(own.Score)).Count(ctx)
	return better + 1, err
}

// Career are all standings of a player, in all tournaments.
func (s *Store) Career(ctx context.Context, player string) ([]Standing, error) {
	return s.standings.Query(Standing{Player: player}).Collect(ctx)
}

func (s *Store) board(tournament, region string) monotable.Query[Standing] {
	return s.standings.Query(Standing{Tournament: tournament, Region: region}).Index("byRegion")
}

func standingOf(m Match) Standing {
	return Standing{Tournament: m.Tournament, Region: m.Region, Player: m.Player}
}
