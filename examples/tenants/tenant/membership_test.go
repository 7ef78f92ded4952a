package tenant_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/examples/tenants/tenant"
)

func TestJoin(t *testing.T) { both(t, testJoin) }

func testJoin(t *testing.T, newWorld func(*testing.T) *world) {
	ctx, w := t.Context(), acme(t, newWorld)
	w.user(t, "cem")
	m, err := w.Join(ctx, tenant.Membership{OrgID: "acme", UserID: "cem"})
	require.NoError(t, err)
	require.Equal(t, tenant.Member, m.Role)
	for _, row := range []struct {
		m    tenant.Membership
		want error
	}{
		{tenant.Membership{OrgID: "acme", UserID: "cem"}, monotable.ErrAlreadyExists},
		{tenant.Membership{OrgID: "acme", UserID: "nobody"}, monotable.ErrNotFound},
		{tenant.Membership{OrgID: "nowhere", UserID: "cem"}, monotable.ErrNotFound},
		{tenant.Membership{OrgID: "acme", UserID: "cem", Role: "king"}, monotable.ErrInvalid},
		{tenant.Membership{OrgID: "acme", UserID: "cem", Role: tenant.Owner}, monotable.ErrInvalid},
	} {
		_, err := w.Join(ctx, row.m)
		require.ErrorIs(t, err, row.want, "%v", row.m)
	}
	cem, err := w.User(ctx, "cem")
	require.NoError(t, err)
	require.Equal(t, 1, cem.Organizations, "a refused one does not count")
}

// A user can be in so many organisations that leaving all of them is one transaction, and in no more.
func TestMostOrganizations(t *testing.T) { both(t, testMostOrganizations) }

func testMostOrganizations(t *testing.T, newWorld func(*testing.T) *world) {
	ctx, w := t.Context(), acme(t, newWorld)
	w.user(t, "cem")
	for i := range 50 {
		org := fmt.Sprint("org", i)
		_, err := w.CreateOrganization(ctx, tenant.Organization{ID: org, Name: org}, "bob")
		if i == 49 { // he is in acme
			require.ErrorIs(t, err, monotable.ErrConditionFailed)
			if refused, ok := errors.AsType[*monotable.ConditionError](err); w.service == service(w.here) {
				require.True(t, ok)
				require.Equal(t, "organizations", refused.Attribute)
			}
			break
		}
		require.NoError(t, err)
		_, err = w.Join(ctx, tenant.Membership{OrgID: org, UserID: "cem"})
		require.NoError(t, err)
	}
	_, err := w.Join(ctx, tenant.Membership{OrgID: "acme", UserID: "cem"})
	require.NoError(t, err)
	require.NoError(t, w.DeleteUser(ctx, "cem"))
	seats, err := w.Organizations(ctx, "cem")
	require.NoError(t, err)
	require.Empty(t, seats)
}

// The organisations of a user are one query and one batch, however many they are.
func TestOrganizations(t *testing.T) { both(t, testOrganizations) }

func testOrganizations(t *testing.T, newWorld func(*testing.T) *world) {
	ctx, w := t.Context(), acme(t, newWorld)
	for i := range 12 {
		org := fmt.Sprintf("org%02d", i)
		_, err := w.CreateOrganization(ctx, tenant.Organization{ID: org, Name: org}, "bob")
		require.NoError(t, err)
	}
	var seats []tenant.Seat
	var err error
	sent := w.sent.Expect(t, 2, func() { seats, err = w.Organizations(ctx, "bob") })
	require.NoError(t, err)
	require.Equal(t, []string{"Query", "BatchGetItem"}, []string{sent[0].Operation, sent[1].Operation})
	require.Len(t, seats, 13)
	require.Equal(t, tenant.Member, seats[0].Role)
	require.Equal(t, "Acme", seats[0].Organization.Name)
	require.Equal(t, tenant.Owner, seats[12].Role)
	require.Equal(t, "org11", seats[12].Organization.ID)

	w.user(t, "cem")
	w.sent.Expect(t, 2, func() { seats, err = w.Organizations(ctx, "cem") })
	require.NoError(t, err)
	require.Empty(t, seats)
	_, err = w.Organizations(ctx, "nobody")
	require.ErrorIs(t, err, monotable.ErrNotFound)
}

func TestMembersPageByPage(t *testing.T) { both(t, testMembersPageByPage) }

func testMembersPageByPage(t *testing.T, newWorld func(*testing.T) *world) {
	ctx, w := t.Context(), acme(t, newWorld)
	want := []string{"ann", "bob"}
	for i := range 5 {
		id := fmt.Sprint("u", i)
		w.user(t, id, tenant.Membership{OrgID: "acme"})
		want = append(want, id)
	}
	for size := 1; size <= 8; size++ {
		got := ids(t, func(m tenant.Membership) string { return m.UserID }, func(from monotable.Cursor) (monotable.Page[tenant.Membership], error) {
			return w.Members(ctx, "acme", size, from)
		})
		require.Equal(t, want, got, "pages of %d", size)
	}
	page, err := w.Members(ctx, "acme", 2, "")
	require.NoError(t, err)
	_, err = w.Members(ctx, "oak", 2, page.Next)
	require.ErrorIs(t, err, monotable.ErrBadCursor, "of another organisation")
	require.NotContains(t, page.Next, "bob")
	_, err = w.Members(ctx, "nowhere", 2, "")
	require.ErrorIs(t, err, monotable.ErrNotFound)
}

func TestColleagues(t *testing.T) { both(t, testColleagues) }

func testColleagues(t *testing.T, newWorld func(*testing.T) *world) {
	ctx, w := t.Context(), acme(t, newWorld)
	_, err := w.CreateOrganization(ctx, tenant.Organization{ID: "oak", Name: "Oak"}, "bob")
	require.NoError(t, err)
	w.user(t, "cem", tenant.Membership{OrgID: "oak"})
	var colleagues []tenant.Membership
	w.sent.Expect(t, 3, func() { colleagues, err = w.Colleagues(ctx, "bob") })
	require.NoError(t, err)
	require.Len(t, colleagues, 2)
	require.Equal(t, "ann", colleagues[0].UserID)
	require.Equal(t, "cem", colleagues[1].UserID)
	_, err = w.Colleagues(ctx, "nobody")
	require.ErrorIs(t, err, monotable.ErrNotFound)
	colleagues, err = w.Colleagues(ctx, w.user(t, "dan").ID)
	require.NoError(t, err)
	require.Empty(t, colleagues)
}

// What users count and what is stored is the same, whoever joins and leaves.
func TestConcurrentJoins(t *testing.T) { both(t, testConcurrentJoins) }

func testConcurrentJoins(t *testing.T, newWorld func(*testing.T) *world) {
	ctx, w := t.Context(), acme(t, newWorld)
	w.user(t, "cem")
	var calls sync.WaitGroup
	for range 4 {
		calls.Go(func() {
			for range 5 {
				_, _ = w.Join(ctx, tenant.Membership{OrgID: "acme", UserID: "cem"})
				_ = w.Leave(ctx, "acme", "cem")
			}
		})
	}
	calls.Wait()
	cem, err := w.User(ctx, "cem")
	require.NoError(t, err)
	seats, err := w.Organizations(ctx, "cem")
	require.NoError(t, err)
	require.Len(t, seats, cem.Organizations)
}
