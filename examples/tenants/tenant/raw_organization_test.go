package tenant_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/examples/tenants/tenant"
)

func (s *raw) createOrganization(o *tenant.Organization) (rawWrite, error) {
	if o.Plan == "" {
		o.Plan = "free"
	}
	if n := utf8.RuneCountInString(o.Name); !tenant.ValidID(o.ID) || n < 1 || n > 80 || o.Plan != "free" && o.Plan != "pro" || !tenant.ValidID(o.OwnerID) {
		return rawWrite{}, monotable.ErrInvalid
	}
	o.Created, o.Version = s.now().UTC(), 1
	item, err := rawEncode("Organization", rawOrgKey(o.ID), o, nil)
	return s.create(item, monotable.ErrAlreadyExists), err
}

func (s *raw) createMembership(m *tenant.Membership) (rawWrite, error) {
	if m.Role == "" {
		m.Role = tenant.Member
	}
	if !tenant.ValidID(m.OrgID) || !tenant.ValidID(m.UserID) || !slices.Contains([]tenant.Role{tenant.Owner, tenant.Admin, tenant.Member}, m.Role) {
		return rawWrite{}, monotable.ErrInvalid
	}
	m.Since = s.now().UTC()
	item, err := rawEncode("Membership", rawMemberKey(m.OrgID, m.UserID), m, map[string]string{"GSI1PK": "USER#" + m.UserID, "GSI1SK": "ORG#" + m.OrgID})
	return s.create(item, monotable.ErrAlreadyExists), err
}

func (s *raw) exists(key rawItem) rawWrite {
	return rawWrite{types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: &s.table, Key: key, ConditionExpression: aws.String("attribute_exists(PK)"),
	}}, rawRefused}
}

// enter counts an organisation more of an active user.
func (s *raw) enter(userID string) rawWrite {
	return s.update(rawUserKey(userID), "SET #updatedAt = :now ADD #organizations :one, #version :one", "#status = :active AND #organizations < :most",
		rawItem{":now": rawTime(s.now()), ":one": rawNumber(1), ":active": rawText("active"), ":most": rawNumber(50)})
}

// end ends a membership that is not the owner's.
func (s *raw) end(org, user string) rawWrite {
	condition := "attribute_exists(PK) AND #role <> :owner"
	return rawWrite{types.TransactWriteItem{Delete: &types.Delete{
		TableName: &s.table, Key: rawMemberKey(org, user), ConditionExpression: &condition,
		ExpressionAttributeNames: rawNames(condition), ExpressionAttributeValues: rawItem{":owner": rawText("owner")},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}, rawRefused}
}

func (s *raw) CreateOrganization(ctx context.Context, o tenant.Organization, ownerID string) (tenant.Organization, error) {
	o.OwnerID = ownerID
	created, err := s.createOrganization(&o)
	if err != nil {
		return o, err
	}
	member, err := s.createMembership(&tenant.Membership{OrgID: o.ID, UserID: ownerID, Role: tenant.Owner})
	if err != nil {
		return o, err
	}
	return o, s.transact(ctx, created, s.enter(ownerID), member)
}

func (s *raw) SignUp(ctx context.Context, u tenant.User, o tenant.Organization) (tenant.User, tenant.Organization, error) {
	u.Organizations, o.OwnerID = 1, u.ID
	writes, err := s.createUser(&u)
	if err != nil {
		return u, o, err
	}
	created, err := s.createOrganization(&o)
	if err != nil {
		return u, o, err
	}
	member, err := s.createMembership(&tenant.Membership{OrgID: o.ID, UserID: u.ID, Role: tenant.Owner})
	if err != nil {
		return u, o, err
	}
	u, err = hidden(u, s.transact(ctx, append(writes, created, member)...))
	return u, o, err
}

func (s *raw) TransferOwnership(ctx context.Context, org, from, to string) error {
	if !tenant.ValidID(org) || !tenant.ValidID(from) || !tenant.ValidID(to) || from == to {
		return monotable.ErrInvalid
	}
	return s.transact(
		ctx,
		s.update(rawOrgKey(org), "SET #ownerId = :to ADD #version :one", "#ownerId = :from", rawItem{":to": rawText(to), ":from": rawText(from), ":one": rawNumber(1)}),
		s.update(rawMemberKey(org, from), "SET #role = :admin", "#role = :owner", rawItem{":admin": rawText("admin"), ":owner": rawText("owner")}),
		s.update(rawMemberKey(org, to), "SET #role = :owner", "attribute_exists(PK) AND #role <> :owner", rawItem{":owner": rawText("owner")}),
	)
}

func (s *raw) Overview(ctx context.Context, org string) (o tenant.Overview, err error) {
	var errs [3]error
	var reads sync.WaitGroup
	reads.Go(func() {
		item, err := s.get(ctx, rawOrgKey(org), false)
		if errs[0] = err; err == nil {
			o.Organization, errs[0] = rawDecode[tenant.Organization]("Organization", item)
		}
	})
	members, invitations := s.queryInput("", "ORG#"+org, "MEMBER#"), s.queryInput("", "ORG#"+org, "INVITATION#")
	members.Select, invitations.Select = types.SelectCount, types.SelectCount
	invitations.FilterExpression = aws.String("#expiresAt > :now")
	invitations.ExpressionAttributeNames["#expiresAt"] = "expiresAt"
	invitations.ExpressionAttributeValues[":now"] = rawNumber(s.now().Unix())
	reads.Go(func() { _, o.Members, errs[1] = s.query(ctx, members) })
	reads.Go(func() { _, o.Invitations, errs[2] = s.query(ctx, invitations) })
	reads.Wait()
	return o, errors.Join(errs[:]...)
}

func (s *raw) Join(ctx context.Context, m tenant.Membership) (tenant.Membership, error) {
	created, err := s.createMembership(&m)
	if err != nil || m.Role == tenant.Owner {
		return tenant.Membership{}, errors.Join(err, monotable.ErrInvalid)
	}
	return m, s.transact(ctx, s.exists(rawOrgKey(m.OrgID)), s.enter(m.UserID), created)
}

func (s *raw) Leave(ctx context.Context, org, user string) error {
	return s.transact(ctx, s.end(org, user), s.update(
		rawUserKey(user), "SET #updatedAt = :now ADD #organizations :less, #version :one", "#organizations > :zero",
		rawItem{":now": rawTime(s.now()), ":less": rawNumber(-1), ":one": rawNumber(1), ":zero": rawNumber(0)}))
}

func (s *raw) Members(ctx context.Context, org string, limit int, from monotable.Cursor) (page monotable.Page[tenant.Membership], err error) {
	items, next, err := s.page(ctx, s.queryInput("", "ORG#"+org, "MEMBER#"), limit, from)
	if err != nil {
		return page, err
	}
	if len(items) == 0 && from == "" {
		item, err := s.get(ctx, rawOrgKey(org), false)
		if err == nil && item == nil {
			err = monotable.ErrNotFound
		}
		return page, err
	}
	page.Next = next
	page.Items, err = rawDecodeAll[tenant.Membership]("Membership", items)
	return page, err
}

func (s *raw) memberships(ctx context.Context, userID string) ([]tenant.Membership, error) {
	items, _, err := s.query(ctx, s.queryInput("GSI1", "USER#"+userID, "ORG#"))
	if err != nil {
		return nil, err
	}
	return rawDecodeAll[tenant.Membership]("Membership", items)
}

func (s *raw) membershipsOf(ctx context.Context, userID string) ([]tenant.Membership, error) {
	memberships, err := s.memberships(ctx, userID)
	if err == nil && len(memberships) == 0 {
		_, err = s.user(ctx, userID, false)
	}
	return memberships, err
}

func (s *raw) Organizations(ctx context.Context, userID string) ([]tenant.Seat, error) {
	memberships, err := s.membershipsOf(ctx, userID)
	if err != nil || len(memberships) == 0 {
		return []tenant.Seat{}, err
	}
	var keys []rawItem
	for _, m := range memberships {
		keys = append(keys, rawOrgKey(m.OrgID))
	}
	found := map[string]tenant.Organization{}
	for left, attempt := map[string]types.KeysAndAttributes{s.table: {Keys: keys}}, 0; len(left) > 0; attempt++ {
		out, err := s.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: left})
		if err != nil {
			return nil, err
		}
		for _, item := range out.Responses[s.table] {
			o, err := rawDecode[tenant.Organization]("Organization", item)
			if err != nil {
				return nil, err
			}
			found[o.ID] = o
		}
		if left = out.UnprocessedKeys; len(left) > 0 {
			if err := rawPause(ctx, attempt); err != nil {
				return nil, err
			}
		}
	}
	seats := []tenant.Seat{}
	for _, m := range memberships {
		if o, ok := found[m.OrgID]; ok {
			seats = append(seats, tenant.Seat{Role: m.Role, Organization: o})
		}
	}
	return seats, nil
}

func (s *raw) Colleagues(ctx context.Context, userID string) ([]tenant.Membership, error) {
	memberships, err := s.membershipsOf(ctx, userID)
	if err != nil {
		return nil, err
	}
	members, errs := make([][]tenant.Membership, len(memberships)), make([]error, len(memberships))
	var reads sync.WaitGroup
	for i, m := range memberships {
		reads.Go(func() {
			items, _, err := s.query(ctx, s.queryInput("", "ORG#"+m.OrgID, "MEMBER#"))
			if errs[i] = err; err == nil {
				members[i], errs[i] = rawDecodeAll[tenant.Membership]("Membership", items)
			}
		})
	}
	reads.Wait()
	colleagues := slices.DeleteFunc(slices.Concat(members...), func(m tenant.Membership) bool { return m.UserID == userID })
	return colleagues, errors.Join(errs...)
}
