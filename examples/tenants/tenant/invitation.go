package tenant

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/monotable/monotable"
)

// Invitation waits for whoever has an email address to join an organisation. After a month it is gone.
type Invitation struct {
	OrgID   string    `dynamodbav:"orgId" json:"organizationId"`
	Email   string    `dynamodbav:"email" json:"email"`
	Created time.Time `dynamodbav:"createdAt" json:"createdAt"`
	Expires time.Time `dynamodbav:"expiresAt" json:"expiresAt"`
}

var (
	inviteOrg     = monotable.Field(func(i *Invitation) *string { return &i.OrgID })
	inviteEmail   = monotable.Field(func(i *Invitation) *string { return &i.Email })
	inviteCreated = monotable.Field(func(i *Invitation) *time.Time { return &i.Created })
	inviteExpires = monotable.Field(func(i *Invitation) *time.Time { return &i.Expires })
)

var invitationSchema = monotable.Schema[Invitation]{
	Name:    "Invitation",
	Key:     monotable.Key{Partition: "ORG#{orgId}", Sort: "INVITATION#{email}"},
	Indexes: map[string]monotable.Key{"GSI1": {Partition: "EMAIL#{email}", Sort: "INVITATION#{orgId}"}}, // to find those of a person who goes
	Rules: []monotable.Rule[Invitation]{
		monotable.Pattern(inviteOrg, idPattern),
		inviteEmail.Transform(strings.ToLower).Validate(validEmail).Escaped(), // an address may have a #
		monotable.CreatedAt(inviteCreated),
		monotable.ExpiresAt(inviteExpires),
	},
}

// Invite stores any number of invitations, perSecond at most, and tells how far it is. They go in batches: not all or nothing, but the same call again
// completes what is left, and whoever is invited twice is invited once. All addresses are checked before anything is sent.
func (s *Service) Invite(ctx context.Context, organizationID string, emails []string, perSecond float64, tell func(monotable.BatchProgress)) (int, error) {
	if _, err := s.organizations.Get(ctx, Organization{ID: organizationID}); err != nil {
		return 0, err
	}
	emails = slices.Clone(emails)
	for i := range emails {
		emails[i] = strings.ToLower(emails[i])
	}
	slices.Sort(emails)
	emails = slices.Compact(emails) // a batch takes no item twice
	invitations := make([]Invitation, len(emails))
	expires := s.now().AddDate(0, 1, 0)
	for i, email := range emails {
		invitations[i] = Invitation{OrgID: organizationID, Email: email, Expires: expires}
	}
	paced := s.invitations.With(monotable.Pace(perSecond), monotable.Progress(tell))
	return len(invitations), paced.BatchPut(ctx, invitations)
}
