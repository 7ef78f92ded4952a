package tenant_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/examples/tenants/tenant"
	"github.com/monotable/monotable/memdb"
)

func TestInvite(t *testing.T) {
	ctx, w := t.Context(), acme(t, newWorld)
	var emails []string
	for i := range 60 {
		emails = append(emails, fmt.Sprintf("Guest%02d@example.com", i))
	}
	emails = append(emails, "guest00@EXAMPLE.com") // twice
	var last monotable.BatchProgress
	var n int
	var err error
	w.sent.Expect(t, 4, func() { // a Get, and three batches of 25
		n, err = w.here.Invite(ctx, "acme", emails, 0, func(p monotable.BatchProgress) { last = p })
	})
	require.NoError(t, err)
	require.Equal(t, 60, n)
	require.Equal(t, 60, last.Done)
	require.Equal(t, 60, last.Total)
	require.Equal(t, "Guest00@example.com", emails[0], "the caller's is not changed")

	_, err = w.here.Invite(ctx, "acme", emails, 0, nil)
	require.NoError(t, err, "again")
	o, err := w.Overview(ctx, "acme")
	require.NoError(t, err)
	require.Equal(t, 60, o.Invitations)

	w.sent.Expect(t, 1, func() { _, err = w.here.Invite(ctx, "acme", []string{"a@example.com", "nobody"}, 0, nil) })
	require.ErrorIs(t, err, monotable.ErrInvalid)
	_, err = w.here.Invite(ctx, "nowhere", []string{"a@example.com"}, 0, nil)
	require.ErrorIs(t, err, monotable.ErrNotFound)

	w.clock.Advance(32 * 24 * time.Hour)
	o, err = w.Overview(ctx, "acme")
	require.NoError(t, err)
	require.Zero(t, o.Invitations, "gone after a month")
}

// Whoever goes leaves no invitation behind, in any organisation; those of others stay. An address may have the sign that stands between the parts of keys.
func TestDeleteUserDeletesInvitations(t *testing.T) { both(t, testDeleteUserDeletesInvitations) }

func testDeleteUserDeletesInvitations(t *testing.T, newWorld func(*testing.T) *world) {
	ctx, w := t.Context(), acme(t, newWorld)
	_, err := w.CreateOrganization(ctx, tenant.Organization{ID: "oak", Name: "Oak"}, "ann")
	require.NoError(t, err)
	for _, org := range []string{"acme", "oak"} {
		_, err := w.here.Invite(ctx, org, []string{"C#Y@example.com", "eve@example.com"}, 0, nil)
		require.NoError(t, err)
	}
	cem, err := w.CreateUser(ctx, tenant.User{ID: "cem", Email: "c#y@example.com"})
	require.NoError(t, err)
	for _, find := range []func(context.Context, string) (tenant.User, error){w.UserByEmail, w.FindByEmail} {
		got, err := find(ctx, "c#y@example.com")
		require.NoError(t, err)
		require.Equal(t, cem, got, "found among invitations")
	}
	require.NoError(t, w.DeleteUser(ctx, "cem"))
	for _, org := range []string{"acme", "oak"} {
		o, err := w.Overview(ctx, org)
		require.NoError(t, err)
		require.Equal(t, 1, o.Invitations)
	}
}

// In virtual time, and so in memory only: a hundred a second are a hundred a second.
func TestInviteIsPaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := memdb.New(memdb.Options{}).Client()
		s, err := tenant.New(client, tenant.Options{Table: "tenants", CursorSecret: bytes.Repeat([]byte("s"), 32)})
		require.NoError(t, err)
		require.NoError(t, s.Ensure(t.Context(), client))
		_, _, err = s.SignUp(t.Context(), tenant.User{ID: "ann", Email: "ann@example.com"}, tenant.Organization{ID: "acme", Name: "Acme"})
		require.NoError(t, err)
		var emails []string
		for i := range 1000 {
			emails = append(emails, fmt.Sprintf("guest%04d@example.com", i))
		}
		begin := time.Now()
		_, err = s.Invite(t.Context(), "acme", emails, 100, nil)
		require.NoError(t, err)
		took := time.Since(begin)
		require.Greater(t, took, 9*time.Second)
		require.Less(t, took, 11*time.Second)
	})
}
