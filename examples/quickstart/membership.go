package main

import (
	"context"
	"time"

	"github.com/monotable/monotable"
)

// Membership says that a user belongs to an organisation. It lies in the organisation's
// partition; GSI1 turns it round, into one partition per user.
type Membership struct {
	OrgID  string    `dynamodbav:"orgId"`
	UserID string    `dynamodbav:"userId"`
	Role   string    `dynamodbav:"role"`
	Since  time.Time `dynamodbav:"since"`
}

var (
	memberRole  = monotable.Field(func(m *Membership) *string { return &m.Role })
	memberSince = monotable.Field(func(m *Membership) *time.Time { return &m.Since })
)

var membershipSchema = monotable.Schema[Membership]{
	Name: "Membership",
	Key:  monotable.Key{Partition: "ORG#{orgId}", Sort: "MEMBER#{userId}"},
	Indexes: map[string]monotable.Key{
		"GSI1": {Partition: "USER#{userId}", Sort: "ORG#{orgId}"},
	},
	Rules: []monotable.Rule[Membership]{
		memberRole.Default("member").OneOf("owner", "admin", "member"),
		monotable.CreatedAt(memberSince),
	},
}

// Members gives one page of an organisation's members, in the order of their user ids. The cursor of
// the first page is "", and that of a page's Next leads on; Next is "" at the end.
func (s *Store) Members(ctx context.Context, orgID string, size int, from monotable.Cursor) (monotable.Page[Membership], error) {
	return s.Memberships.Query(Membership{OrgID: orgID}).Limit(size).From(from).Page(ctx)
}

// Seat is an organisation as one of its members sees it.
type Seat struct {
	Membership
	Organization Organization
}

// Seats gives the organisations of a user, in the order of their ids.
func (s *Store) Seats(ctx context.Context, userID string) ([]Seat, error) {
	memberships, err := s.Memberships.Query(Membership{UserID: userID}).Index("GSI1").Collect(ctx)
	if err != nil {
		return nil, err
	}
	keys := make([]Organization, len(memberships))
	for i, m := range memberships {
		keys[i] = Organization{ID: m.OrgID}
	}
	organizations, err := s.Organizations.BatchGet(ctx, keys) // in the order of keys
	if err != nil {
		return nil, err
	}
	var seats []Seat
	for i, o := range organizations {
		if o.State == monotable.Found {
			seats = append(seats, Seat{memberships[i], o.Item})
		}
	}
	return seats, nil
}
