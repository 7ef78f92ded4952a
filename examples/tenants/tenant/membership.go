package tenant

import (
	"context"
	"errors"
	"time"

	"github.com/monotable/monotable"
)

// Membership says that a user is in an organisation. It stands in the organisation's partition; GSI1 turns it round, into one partition per user.
type Membership struct {
	OrgID  string    `dynamodbav:"orgId" json:"organizationId"`
	UserID string    `dynamodbav:"userId" json:"userId"`
	Role   Role      `dynamodbav:"role" json:"role"`
	Since  time.Time `dynamodbav:"since" json:"since"`
}

// Role is what a member may do.
type Role string

// An organisation has one owner, and any number of the others.
const (
	Owner  Role = "owner"
	Admin  Role = "admin"
	Member Role = "member"
)

var (
	memberOrg   = monotable.Field(func(m *Membership) *string { return &m.OrgID })
	memberUser  = monotable.Field(func(m *Membership) *string { return &m.UserID })
	memberRole  = monotable.Field(func(m *Membership) *Role { return &m.Role })
	memberSince = monotable.Field(func(m *Membership) *time.Time { return &m.Since })
)

var membershipSchema = monotable.Schema[Membership]{
	Name:    "Membership",
	Key:     monotable.Key{Partition: "ORG#{orgId}", Sort: "MEMBER#{userId}"},
	Indexes: map[string]monotable.Key{"GSI1": {Partition: "USER#{userId}", Sort: "ORG#{orgId}"}},
	Rules: []monotable.Rule[Membership]{
		monotable.Pattern(memberOrg, idPattern),
		monotable.Pattern(memberUser, idPattern),
		memberRole.Default(Member).OneOf(Owner, Admin, Member),
		monotable.CreatedAt(memberSince),
	},
}

// notOwner refuses the role that only SignUp, CreateOrganization and TransferOwnership give.
func notOwner(role Role) error {
	if role != Owner {
		return nil
	}
	return &monotable.ValidationError{Violations: []monotable.Violation{
		{Attribute: "role", Rule: "OneOf", Err: errors.New("must be one of [admin member]")},
	}}
}

// Join makes an active user a member. ErrAlreadyExists if they are one, ErrNotFound if there is no such user or organisation, ErrDeleted if the user is.
func (s *Service) Join(ctx context.Context, m Membership) (Membership, error) {
	if err := notOwner(m.Role); err != nil {
		return Membership{}, err
	}
	err := s.table.TransactWrite(ctx,
		s.organizations.CheckOp(Organization{ID: m.OrgID}),
		s.users.UpdateOp(User{ID: m.UserID}, monotable.Add(userOrganizations, 1), userStatus.Eq(Active)),
		s.memberships.CreateOp(m).Into(&m))
	return m, s.isDeleted(err)
}

// Leave ends a membership. ErrNotFound if there is none, ErrConditionFailed if it is the owner's.
func (s *Service) Leave(ctx context.Context, organizationID, userID string) error {
	return s.table.TransactWrite(ctx,
		s.memberships.DeleteOp(Membership{OrgID: organizationID, UserID: userID}, memberRole.Ne(Owner)),
		s.users.UpdateOp(User{ID: userID}, monotable.Add(userOrganizations, -1)))
}

// Members is a page of an organisation's members, in the order of their ids. ErrNotFound if there is no such organisation.
func (s *Service) Members(ctx context.Context, organizationID string, limit int, from monotable.Cursor) (monotable.Page[Membership], error) {
	members, err := page(ctx, s.memberships.Query(Membership{OrgID: organizationID}), limit, from)
	if err == nil && len(members.Items) == 0 && from == "" { // no organisation is without a member
		_, err = s.organizations.Get(ctx, Organization{ID: organizationID})
	}
	return members, err
}

// of is a user's memberships, from the reverse index.
func (s *Service) of(userID string) monotable.Query[Membership] {
	return s.memberships.Query(Membership{UserID: userID}).Index("GSI1")
}

// membershipsOf is of, and ErrNotFound if there is no such user.
func (s *Service) membershipsOf(ctx context.Context, userID string) ([]Membership, error) {
	memberships, err := s.of(userID).Collect(ctx)
	if err == nil && len(memberships) == 0 {
		_, err = s.users.Get(ctx, User{ID: userID})
	}
	return memberships, err
}

// Seat is an organisation as one of its members sees it.
type Seat struct {
	Role         Role         `json:"role"`
	Organization Organization `json:"organization"`
}

// Organizations is a user's organisations with the role in each, in the order of their ids: one query of the reverse index, and one BatchGet for all
// of them, not a Get for each. ErrNotFound if there is no such user.
func (s *Service) Organizations(ctx context.Context, userID string) ([]Seat, error) {
	memberships, err := s.membershipsOf(ctx, userID)
	if err != nil {
		return nil, err
	}
	keys := make([]Organization, len(memberships))
	for i, m := range memberships {
		keys[i] = Organization{ID: m.OrgID}
	}
	organizations, err := s.organizations.BatchGet(ctx, keys) // in the order of keys
	if err != nil {
		return nil, err
	}
	seats := make([]Seat, 0, len(keys))
	for i, o := range organizations {
		if o.State == monotable.Found {
			seats = append(seats, Seat{memberships[i].Role, o.Item})
		}
	}
	return seats, nil
}

// Colleagues is who else is in a user's organisations, organisation by organisation: their partitions are read several at a time. ErrNotFound if there is no
// such user.
func (s *Service) Colleagues(ctx context.Context, userID string) ([]Membership, error) {
	memberships, err := s.membershipsOf(ctx, userID)
	if err != nil {
		return nil, err
	}
	var partitions []monotable.Query[Membership]
	for _, m := range memberships {
		partitions = append(partitions, s.memberships.Query(Membership{OrgID: m.OrgID}))
	}
	colleagues := []Membership{}
	for m, err := range monotable.QueryMany(partitions...).All(ctx) {
		if err != nil {
			return nil, err
		}
		if m.UserID != userID {
			colleagues = append(colleagues, m)
		}
	}
	return colleagues, nil
}
