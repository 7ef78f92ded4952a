package tenant

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/monotable/monotable"
)

// Organization is a tenant. It has one owner, who is a member with that role.
type Organization struct {
	ID      string    `dynamodbav:"orgId" json:"id"`
	Name    string    `dynamodbav:"name" json:"name"`
	Plan    string    `dynamodbav:"plan" json:"plan"`
	OwnerID string    `dynamodbav:"ownerId" json:"ownerId"`
	Created time.Time `dynamodbav:"createdAt" json:"createdAt"`
	Version int64     `dynamodbav:"version" json:"version"`
}

var (
	orgID      = monotable.Field(func(o *Organization) *string { return &o.ID })
	orgName    = monotable.Field(func(o *Organization) *string { return &o.Name })
	orgPlan    = monotable.Field(func(o *Organization) *string { return &o.Plan })
	orgOwner   = monotable.Field(func(o *Organization) *string { return &o.OwnerID })
	orgCreated = monotable.Field(func(o *Organization) *time.Time { return &o.Created })
	orgVersion = monotable.Field(func(o *Organization) *int64 { return &o.Version })
)

var organizationSchema = monotable.Schema[Organization]{
	Name: "Organization",
	Key:  monotable.Key{Partition: "ORG#{orgId}", Sort: "PROFILE"},
	Rules: []monotable.Rule[Organization]{
		monotable.Pattern(orgID, idPattern),
		monotable.Length(orgName, 1, 80).Required(),
		orgPlan.Default("free").OneOf("free", "pro"),
		orgOwner.Required(),
		monotable.CreatedAt(orgCreated),
		monotable.Version(orgVersion),
	},
}

// CreateOrganization stores a new organisation of a user who is there already, ErrNotFound or ErrDeleted if not.
func (s *Service) CreateOrganization(ctx context.Context, o Organization, ownerID string) (Organization, error) {
	o.OwnerID = ownerID
	err := s.table.TransactWrite(ctx,
		s.organizations.CreateOp(o).Into(&o),
		s.users.UpdateOp(User{ID: ownerID}, monotable.Add(userOrganizations, 1), userStatus.Eq(Active)),
		s.memberships.CreateOp(Membership{OrgID: o.ID, UserID: ownerID, Role: Owner}))
	return o, s.isDeleted(err)
}

// SignUp stores a new user, a new organisation, and that it is theirs: all three or none.
func (s *Service) SignUp(ctx context.Context, u User, o Organization) (User, Organization, error) {
	u.Organizations, o.OwnerID = 1, u.ID
	err := s.table.TransactWrite(ctx,
		s.users.CreateOp(u).Into(&u),
		s.organizations.CreateOp(o).Into(&o),
		s.memberships.CreateOp(Membership{OrgID: o.ID, UserID: u.ID, Role: Owner}))
	return u, o, err
}

// TransferOwnership makes another member the owner, and the owner an admin. Of several transfers at once one wins; the others are ErrConditionFailed,
// because from is no longer the owner. ErrNotFound if there is no such organisation or member.
func (s *Service) TransferOwnership(ctx context.Context, organizationID, from, to string) error {
	return s.table.TransactWrite(ctx,
		s.organizations.UpdateOp(Organization{ID: organizationID}, orgOwner.Set(to), orgOwner.Eq(from)),
		s.memberships.UpdateOp(Membership{OrgID: organizationID, UserID: from}, memberRole.Set(Admin), memberRole.Eq(Owner)),
		s.memberships.UpdateOp(Membership{OrgID: organizationID, UserID: to}, memberRole.Set(Owner), memberRole.Ne(Owner)))
}

// Overview is an organisation and how many are in it.
type Overview struct {
	Organization
	Members     int `json:"members"`
	Invitations int `json:"invitations"`
}

// Overview reads an organisation and counts its members and invitations, by three requests at the same time. Counting costs what reading costs: in
// partitions that grow large keep a number instead, as User.Organizations is one.
func (s *Service) Overview(ctx context.Context, organizationID string) (Overview, error) {
	var o Overview
	var errs [3]error
	var reads sync.WaitGroup
	reads.Go(func() { o.Organization, errs[0] = s.organizations.Get(ctx, Organization{ID: organizationID}) })
	reads.Go(func() { o.Members, errs[1] = s.memberships.Query(Membership{OrgID: organizationID}).Count(ctx) })
	reads.Go(func() { o.Invitations, errs[2] = s.invitations.Query(Invitation{OrgID: organizationID}).Count(ctx) })
	reads.Wait()
	return o, errors.Join(errs[:]...)
}
