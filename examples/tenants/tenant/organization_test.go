package tenant_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/examples/tenants/tenant"
)

func TestSignUp(t *testing.T) { both(t, testSignUp) }

func testSignUp(t *testing.T, newWorld func(*testing.T) *world) {
	ctx, w := t.Context(), newWorld(t)
	var u tenant.User
	var o tenant.Organization
	var err error
	sent := w.sent.During(func() {
		u, o, err = w.SignUp(ctx, tenant.User{ID: "ann", Email: "ann@example.com"}, tenant.Organization{ID: "acme", Name: "Acme"})
	})
	require.NoError(t, err)
	require.Len(t, sent, 1, "one transaction")
	require.Equal(t, "ann", o.OwnerID)
	require.Equal(t, "free", o.Plan)
	require.Equal(t, 1, u.Organizations)
	seats, err := w.Organizations(ctx, "ann")
	require.NoError(t, err)
	require.Equal(t, []tenant.Seat{{Role: tenant.Owner, Organization: o}}, seats)

	before := w.count(t)
	_, _, err = w.SignUp(ctx, tenant.User{ID: "bob", Email: "bob@example.com"}, tenant.Organization{ID: "acme", Name: "Acme, too"})
	require.ErrorIs(t, err, monotable.ErrAlreadyExists)
	_, _, err = w.SignUp(ctx, tenant.User{ID: "bob", Email: "ann@example.com"}, tenant.Organization{ID: "bobs", Name: "Bob's"})
	require.ErrorIs(t, err, monotable.ErrDuplicate)
	_, _, err = w.SignUp(ctx, tenant.User{ID: "bob", Email: "bob@example.com"}, tenant.Organization{ID: "bobs"})
	require.ErrorIs(t, err, monotable.ErrInvalid)
	require.Equal(t, before, w.count(t), "nothing is stored")
}

func TestTransferOwnership(t *testing.T) { both(t, testTransferOwnership) }

func testTransferOwnership(t *testing.T, newWorld func(*testing.T) *world) {
	ctx, w := t.Context(), acme(t, newWorld)
	require.ErrorIs(t, w.TransferOwnership(ctx, "acme", "bob", "ann"), monotable.ErrConditionFailed, "it is not his")
	require.ErrorIs(t, w.TransferOwnership(ctx, "acme", "ann", "nobody"), monotable.ErrNotFound)
	require.ErrorIs(t, w.TransferOwnership(ctx, "nowhere", "ann", "bob"), monotable.ErrNotFound)
	require.ErrorIs(t, w.Leave(ctx, "acme", "ann"), monotable.ErrConditionFailed)

	w.sent.Expect(t, 1, func() { require.NoError(t, w.TransferOwnership(ctx, "acme", "ann", "bob")) })
	require.Equal(t, map[string]tenant.Role{"ann": tenant.Admin, "bob": tenant.Owner}, w.roles(t, "acme"))
	require.NoError(t, w.Leave(ctx, "acme", "ann"))
	require.ErrorIs(t, w.Leave(ctx, "acme", "ann"), monotable.ErrNotFound)
	ann, err := w.User(ctx, "ann")
	require.NoError(t, err)
	require.Zero(t, ann.Organizations)
}

// Organisation and membership both say who the owner is. Where they do not agree nothing is handed over.
func TestTransferOwnershipChecksBoth(t *testing.T) { both(t, testTransferOwnershipChecksBoth) }

func testTransferOwnershipChecksBoth(t *testing.T, newWorld func(*testing.T) *world) {
	ctx, w := t.Context(), acme(t, newWorld)
	w.set(t, "ORG#acme", "PROFILE", "SET ownerId = :other", map[string]string{":other": "eve"})
	require.ErrorIs(t, w.TransferOwnership(ctx, "acme", "ann", "bob"), monotable.ErrConditionFailed)
	w.set(t, "ORG#acme", "PROFILE", "SET ownerId = :ann", map[string]string{":ann": "ann"})
	w.set(t, "ORG#acme", "MEMBER#ann", "SET #role = :admin", map[string]string{":admin": "admin"})
	require.ErrorIs(t, w.TransferOwnership(ctx, "acme", "ann", "bob"), monotable.ErrConditionFailed)
}

// Of many who are to become the owner at the same time, one does.
func TestConcurrentTransfers(t *testing.T) { both(t, testConcurrentTransfers) }

func testConcurrentTransfers(t *testing.T, newWorld func(*testing.T) *world) {
	ctx, w := t.Context(), acme(t, newWorld)
	const heirs = 6
	for i := range heirs {
		w.user(t, fmt.Sprint("heir", i), tenant.Membership{OrgID: "acme"})
	}
	errs := make([]error, heirs)
	var calls sync.WaitGroup
	for i := range heirs {
		calls.Go(func() { errs[i] = w.TransferOwnership(ctx, "acme", "ann", fmt.Sprint("heir", i)) })
	}
	calls.Wait()
	var owner string
	for i, err := range errs {
		if err == nil {
			require.Empty(t, owner, "two were told that they are the owner")
			owner = fmt.Sprint("heir", i)
			continue
		}
		require.ErrorIs(t, err, monotable.ErrConditionFailed)
	}
	o, err := w.Overview(ctx, "acme")
	require.NoError(t, err)
	require.Equal(t, owner, o.OwnerID)
	var owners []string
	for id, role := range w.roles(t, "acme") {
		if role == tenant.Owner {
			owners = append(owners, id)
		}
	}
	require.Equal(t, []string{owner}, owners)
}

func TestOverview(t *testing.T) { both(t, testOverview) }

func testOverview(t *testing.T, newWorld func(*testing.T) *world) {
	ctx, w := t.Context(), acme(t, newWorld)
	_, err := w.here.Invite(ctx, "acme", []string{"x@example.com", "y@example.com", "z@example.com"}, 0, nil)
	require.NoError(t, err)
	var o tenant.Overview
	w.sent.Expect(t, 3, func() { o, err = w.Overview(ctx, "acme") })
	require.NoError(t, err)
	require.Equal(t, "Acme", o.Name)
	require.Equal(t, 2, o.Members)
	require.Equal(t, 3, o.Invitations)
	_, err = w.Overview(ctx, "nowhere")
	require.ErrorIs(t, err, monotable.ErrNotFound)
}

func (w *world) roles(t *testing.T, org string) map[string]tenant.Role {
	t.Helper()
	roles := map[string]tenant.Role{}
	page, err := w.Members(t.Context(), org, 100, "")
	require.NoError(t, err)
	for _, m := range page.Items {
		roles[m.UserID] = m.Role
	}
	return roles
}
