package main

import (
	"time"

	"github.com/monotable/monotable"
)

// Match is how a player has scored in one match.
type Match struct {
	ID         string    `dynamodbav:"matchId"`
	Tournament string    `dynamodbav:"tournament"`
	Region     string    `dynamodbav:"region"`
	Player     string    `dynamodbav:"player"`
	Score      int       `dynamodbav:"score"`
	Played     time.Time `dynamodbav:"playedAt"`
}

// Standing is what all matches of a player in a region come to.
type Standing struct {
	Tournament string `dynamodbav:"tournament"`
	Region     string `dynamodbav:"region"`
	Player     string `dynamodbav:"player"`
	Score      int    `dynamodbav:"score"`
	Matches    int    `dynamodbav:"matches"`
	Version    int64  `dynamodbav:"version"`
}

var (
	matchTournament = monotable.Field(func(m *Match) *string { return &m.Tournament })
	matchRegion     = monotable.Field(func(m *Match) *string { return &m.Region })
	matchPlayer     = monotable.Field(func(m *Match) *string { return &m.Player })
	matchScore      = monotable.Field(func(m *Match) *int { return &m.Score })
	matchPlayed     = monotable.Field(func(m *Match) *time.Time { return &m.Played })

	standingScore   = monotable.Field(func(s *Standing) *int { return &s.Score })
	standingMatches = monotable.Field(func(s *Standing) *int { return &s.Matches })
	standingVersion = monotable.Field(func(s *Standing) *int64 { return &s.Version })
)

// The keys of the indexes are attributes that matches and standings have anyway, so the schemas say nothing of them.

var matchSchema = monotable.Schema[Match]{
	Name: "Match",
	Key:  monotable.Key{Partition: "MATCH#{matchId}", Sort: "MATCH"},
	Rules: []monotable.Rule[Match]{
		matchTournament.Required(), matchRegion.Required(), matchPlayer.Required(), // without one a match would be in no index
		monotable.CreatedAt(matchPlayed),
	},
}

var standingSchema = monotable.Schema[Standing]{
	Name:  "Standing",
	Key:   monotable.Key{Partition: "PLAYER#{player}", Sort: "STANDING#{tournament}#{region}"},
	Rules: []monotable.Rule[Standing]{monotable.Min(standingMatches, 0), monotable.Version(standingVersion)},
}
