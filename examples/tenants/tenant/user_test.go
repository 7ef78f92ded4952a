package tenant_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/examples/tenants/tenant"
	"github.com/monotable/monotable/monotabletest"
)

func TestCreateUser(t *testing.T) { both(t, testCreateUser) }

func testCreateUser(t *testing.T, newWorld func(*testing.T) *world) {
	ctx, w := t.Context(), acme(t, newWorld)
	before := w.count(t)
	for _, row := range []struct {
		why  string
		user tenant.User
		in   []tenant.Membership
		want error
	}{
		{"the id is there", tenant.User{ID: "ann", Email: "new@example.com"}, nil, monotable.ErrAlreadyExists},
		{"the email is registered", tenant.User{ID: "eve", Email: "ANN@example.com"}, nil, monotable.ErrDuplicate},
		{"the username is taken", tenant.User{ID: "eve", Email: "eve@example.com", Username: "ANN"}, nil, monotable.ErrDuplicate},
		{"no email", tenant.User{ID: "eve"}, nil, monotable.ErrInvalid},
		{"no email address", tenant.User{ID: "eve", Email: "eve at home"}, nil, monotable.ErrInvalid},
		{"no id", tenant.User{Email: "eve@example.com"}, nil, monotable.ErrInvalid},
		{"an id that is another key", tenant.User{ID: "eve#1", Email: "eve@example.com"}, nil, monotable.ErrInvalid},
		{"no such organisation", tenant.User{ID: "eve", Email: "eve@example.com"}, []tenant.Membership{{OrgID: "nowhere"}}, monotable.ErrNotFound},
		{"owners are not made so", tenant.User{ID: "eve", Email: "eve@example.com"}, []tenant.Membership{{OrgID: "acme", Role: tenant.Owner}}, monotable.ErrInvalid},
	} {
		_, err := w.CreateUser(ctx, row.user, row.in...)
		require.ErrorIs(t, err, row.want, row.why)
		require.Equal(t, before, w.count(t), "nothing is stored: %s", row.why)
	}

	eve, err := w.CreateUser(ctx, tenant.User{ID: "eve", Email: "Eve@Example.com"}, tenant.Membership{OrgID: "acme", Role: tenant.Admin})
	require.NoError(t, err)
	require.Equal(t, "eve@example.com", eve.Email)
	require.Equal(t, tenant.Active, eve.Status)
	require.Equal(t, tenant.Preferences{Theme: "light", Language: "en", Digest: "weekly", Mail: new(true)}, eve.Preferences)
	require.Equal(t, int64(1), eve.Version)
	seats, err := w.Organizations(ctx, "eve")
	require.NoError(t, err)
	require.Len(t, seats, 1)
	require.Equal(t, tenant.Admin, seats[0].Role)
}

// One of many who want the same email at the same time gets it.
func TestConcurrentRegistrations(t *testing.T) { both(t, testConcurrentRegistrations) }

func testConcurrentRegistrations(t *testing.T, newWorld func(*testing.T) *world) {
	ctx, w := t.Context(), newWorld(t)
	errs := make([]error, 8)
	var people sync.WaitGroup
	for i := range errs {
		people.Go(func() {
			_, errs[i] = w.CreateUser(ctx, tenant.User{ID: fmt.Sprint("u", i), Email: "one@example.com"})
		})
	}
	people.Wait()
	var created int
	for i, err := range errs {
		if err == nil {
			created++
			got, err := w.UserByEmail(ctx, "one@example.com")
			require.NoError(t, err)
			require.Equal(t, fmt.Sprint("u", i), got.ID)
			continue
		}
		require.ErrorIs(t, err, monotable.ErrDuplicate)
	}
	require.Equal(t, 1, created)
}

func TestLookups(t *testing.T) { both(t, testLookups) }

func testLookups(t *testing.T, newWorld func(*testing.T) *world) {
	ctx, w := t.Context(), acme(t, newWorld)
	want, err := w.User(ctx, "ann")
	require.NoError(t, err)
	for _, row := range []struct {
		name     string
		requests int
		find     func(context.Context, string) (tenant.User, error)
		key      string
	}{
		{"by id", 1, w.User, "ann"},
		{"by email", 2, w.UserByEmail, "ANN@example.com"},
		{"by username", 2, w.UserByUsername, "Ann"},
		{"by email, index", 1, w.FindByEmail, "ANN@example.com"},
		{"by username, index", 1, w.FindByUsername, "Ann"},
	} {
		var got tenant.User
		w.sent.Expect(t, row.requests, func() { got, err = row.find(ctx, row.key) })
		require.NoError(t, err, row.name)
		require.Equal(t, want, got, row.name)
		require.Empty(t, got.MailToken, "hidden")
		_, err := row.find(ctx, "nobody")
		require.ErrorIs(t, err, monotable.ErrNotFound, row.name)
	}
	require.Contains(t, w.stored(t, "USER#ann", "PROFILE"), "mailToken")
}

func TestUpdateUser(t *testing.T) { both(t, testUpdateUser) }

func testUpdateUser(t *testing.T, newWorld func(*testing.T) *world) {
	ctx, w := t.Context(), acme(t, newWorld)
	token := w.stored(t, "USER#bob", "PROFILE")["mailToken"]
	require.NotNil(t, token)
	bob, err := w.UpdateUser(ctx, "bob", tenant.UserPatch{Name: new("Bob B.")}, 1)
	require.NoError(t, err)
	require.Equal(t, token, w.stored(t, "USER#bob", "PROFILE")["mailToken"], "what is hidden stays")
	require.Equal(t, int64(2), bob.Version)
	require.Equal(t, "bob@example.com", bob.Email)

	_, err = w.UpdateUser(ctx, "bob", tenant.UserPatch{Name: new("Robert")}, 1)
	require.ErrorIs(t, err, monotable.ErrVersionConflict)
	bob, err = w.UpdateUser(ctx, "bob", tenant.UserPatch{Name: new("Robert"), Email: new("Robert@example.com"), Username: new("robert")}, 0)
	require.NoError(t, err)
	require.Equal(t, "Robert", bob.Name)

	_, err = w.UpdateUser(ctx, "bob", tenant.UserPatch{Email: new("ann@example.com")}, 0)
	require.ErrorIs(t, err, monotable.ErrDuplicate)
	_, err = w.UpdateUser(ctx, "bob", tenant.UserPatch{Email: new("")}, 0)
	require.ErrorIs(t, err, monotable.ErrInvalid)
	_, err = w.UpdateUser(ctx, "nobody", tenant.UserPatch{Name: new("N.")}, 0)
	require.ErrorIs(t, err, monotable.ErrNotFound)

	// The old email is free, the new one found, by guard and by index.
	_, err = w.UserByEmail(ctx, "bob@example.com")
	require.ErrorIs(t, err, monotable.ErrNotFound)
	found, err := w.FindByEmail(ctx, "robert@example.com")
	require.NoError(t, err)
	require.Equal(t, bob, found)
	w.user(t, "bob2")
}

func TestMergePreferences(t *testing.T) { both(t, testMergePreferences) }

func testMergePreferences(t *testing.T, newWorld func(*testing.T) *world) {
	ctx, w := t.Context(), acme(t, newWorld)
	var people sync.WaitGroup
	errs := make([]error, 3)
	for i, p := range []tenant.PreferencesPatch{{Theme: new("dark")}, {Language: new("de")}, {Mail: new(false)}} {
		people.Go(func() { _, errs[i] = w.MergePreferences(ctx, "bob", p) })
	}
	people.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	bob, err := w.User(ctx, "bob")
	require.NoError(t, err)
	require.Equal(t, tenant.Preferences{Theme: "dark", Language: "de", Digest: "weekly", Mail: new(false)}, bob.Preferences)

	w.sent.Expect(t, 1, func() { _, err = w.MergePreferences(ctx, "bob", tenant.PreferencesPatch{Digest: new("daily")}) })
	require.NoError(t, err)
	_, err = w.MergePreferences(ctx, "bob", tenant.PreferencesPatch{Digest: new("hourly")})
	require.ErrorIs(t, err, monotable.ErrInvalid)
	bob, err = w.User(ctx, "bob")
	require.NoError(t, err)
	same, err := w.MergePreferences(ctx, "bob", tenant.PreferencesPatch{})
	require.NoError(t, err, "nothing to change")
	require.Equal(t, bob, same)
	_, err = w.MergePreferences(ctx, "nobody", tenant.PreferencesPatch{})
	require.ErrorIs(t, err, monotable.ErrNotFound)
}

func TestDeleteUser(t *testing.T) { both(t, testDeleteUser) }

func testDeleteUser(t *testing.T, newWorld func(*testing.T) *world) {
	ctx, w := t.Context(), acme(t, newWorld)
	_, err := w.CreateOrganization(ctx, tenant.Organization{ID: "oak", Name: "Oak"}, "ann")
	require.NoError(t, err)
	_, err = w.Join(ctx, tenant.Membership{OrgID: "oak", UserID: "bob", Role: tenant.Admin})
	require.NoError(t, err)

	require.ErrorIs(t, w.DeleteUser(ctx, "ann"), tenant.ErrOwner)
	ann, err := w.UserByEmail(ctx, "ann@example.com")
	require.NoError(t, err)
	require.Equal(t, tenant.Active, ann.Status)

	w.sent.Expect(t, w.deletion(), func() { require.NoError(t, w.DeleteUser(ctx, "bob")) })
	item := w.stored(t, "USER#bob", "PROFILE")
	for _, gone := range []string{"email", "username", "name", "preferences", "mailToken", "GSI1PK", "GSI1SK", "GSI2PK", "GSI2SK"} {
		require.NotContains(t, item, gone)
	}
	for _, guard := range []string{"UNIQUE#User#email#bob@example.com", "UNIQUE#User#username#bob"} {
		require.Nil(t, w.stored(t, guard, "UNIQUE"), "they hold personal data too")
	}
	require.NotNil(t, w.stored(t, "UNIQUE#User#username#ann", "UNIQUE"), "such keys they have")
	bob, err := w.User(ctx, "bob")
	require.NoError(t, err)
	require.Equal(t, tenant.Deleted, bob.Status)
	require.Zero(t, bob.Organizations)
	seats, err := w.Organizations(ctx, "bob")
	require.NoError(t, err)
	require.Empty(t, seats)
	for _, org := range []string{"acme", "oak"} {
		page, err := w.Members(ctx, org, 10, "")
		require.NoError(t, err)
		require.Len(t, page.Items, 1)
	}

	require.NoError(t, w.DeleteUser(ctx, "bob"), "twice is as good as once")
	require.ErrorIs(t, w.DeleteUser(ctx, "nobody"), monotable.ErrNotFound)
	_, err = w.UpdateUser(ctx, "bob", tenant.UserPatch{Name: new("B.")}, 0)
	require.ErrorIs(t, err, tenant.ErrDeleted)
	for _, p := range []tenant.PreferencesPatch{{Theme: new("dark")}, {}} {
		_, err = w.MergePreferences(ctx, "bob", p)
		require.ErrorIs(t, err, tenant.ErrDeleted)
	}
	_, err = w.Join(ctx, tenant.Membership{OrgID: "acme", UserID: "bob"})
	require.ErrorIs(t, err, tenant.ErrDeleted)
	_, err = w.CreateOrganization(ctx, tenant.Organization{ID: "elm", Name: "Elm"}, "bob")
	require.ErrorIs(t, err, tenant.ErrDeleted)
	w.user(t, "bob3")
	_, err = w.UpdateUser(ctx, "bob3", tenant.UserPatch{Email: new("bob@example.com"), Username: new("bob")}, 0)
	require.NoError(t, err, "both are free again")
}

// A membership that the index does not have yet is waited for.
func TestDeleteUserWaitsForTheIndex(t *testing.T) { both(t, testDeleteUserWaitsForTheIndex) }

func testDeleteUserWaitsForTheIndex(t *testing.T, newWorld func(*testing.T) *world) {
	ctx, w := t.Context(), acme(t, newWorld)
	w.set(t, "ORG#acme", "MEMBER#bob", "REMOVE GSI1PK, GSI1SK", nil)
	done := make(chan error, 1)
	go func() { done <- w.DeleteUser(ctx, "bob") }()
	require.Eventually(t, func() bool { return w.sent.Count("Query") >= 2 }, 10*time.Second, time.Millisecond, "it has looked twice")
	w.set(t, "ORG#acme", "MEMBER#bob", "SET GSI1PK = :pk, GSI1SK = :sk", map[string]string{":pk": "USER#bob", ":sk": "ORG#acme"})
	require.NoError(t, <-done)
	require.Nil(t, w.stored(t, "ORG#acme", "MEMBER#bob"))
}

// Somebody joins after the memberships were read: nothing of that stays behind.
func TestDeleteUserMeetsAJoin(t *testing.T) { both(t, testDeleteUserMeetsAJoin) }

func testDeleteUserMeetsAJoin(t *testing.T, newWorld func(*testing.T) *world) {
	ctx, w := t.Context(), acme(t, newWorld)
	_, err := w.CreateOrganization(ctx, tenant.Organization{ID: "oak", Name: "Oak"}, "ann")
	require.NoError(t, err)
	w.faults.Between(func(r monotabletest.Request) {
		if r.Operation == "Query" {
			w.faults.Between(nil)
			_, err := w.Join(ctx, tenant.Membership{OrgID: "oak", UserID: "bob"})
			require.NoError(t, err)
		}
	})
	require.NoError(t, w.DeleteUser(ctx, "bob"))
	require.Nil(t, w.stored(t, "ORG#oak", "MEMBER#bob"))
	require.Nil(t, w.stored(t, "ORG#acme", "MEMBER#bob"))
}

// A deletion that is cut off at any request has happened or has not, and can be called again.
func TestDeleteUserCrashes(t *testing.T) { both(t, testDeleteUserCrashes) }

func testDeleteUserCrashes(t *testing.T, newWorld func(*testing.T) *world) {
	for n, last := 1, 1; n <= last; n++ {
		ctx, w := t.Context(), acme(t, newWorld)
		last = w.deletion()
		w.faults.Reset()
		w.faults.StopAfter(n)
		require.ErrorIs(t, w.DeleteUser(ctx, "bob"), monotabletest.ErrStopped)
		w.faults.Reset()
		bob, err := w.User(ctx, "bob")
		require.NoError(t, err)
		left := w.stored(t, "ORG#acme", "MEMBER#bob") == nil
		require.Equal(t, bob.Status == tenant.Deleted, left)
		require.Equal(t, n == last, left)
		require.NoError(t, w.DeleteUser(ctx, "bob"))
	}
}

// However joins, transfers and deletions meet, a deleted user is in no organisation and owns none.
func TestConcurrentDeletions(t *testing.T) { both(t, testConcurrentDeletions) }

func testConcurrentDeletions(t *testing.T, newWorld func(*testing.T) *world) {
	ctx, w := t.Context(), acme(t, newWorld)
	for round := range 5 {
		id := fmt.Sprint("guest", round)
		w.user(t, id, tenant.Membership{OrgID: "acme"})
		org := fmt.Sprint("org", round)
		_, err := w.CreateOrganization(ctx, tenant.Organization{ID: org, Name: org}, "ann")
		require.NoError(t, err)
		var calls sync.WaitGroup
		calls.Go(func() { _, _ = w.Join(ctx, tenant.Membership{OrgID: org, UserID: id}) })
		calls.Go(func() { _ = w.TransferOwnership(ctx, "acme", "ann", id) })
		calls.Go(func() { _ = w.DeleteUser(ctx, id) })
		calls.Wait()

		u, err := w.User(ctx, id)
		require.NoError(t, err)
		seats, err := w.Organizations(ctx, id)
		require.NoError(t, err)
		require.Len(t, seats, u.Organizations)
		o, err := w.Overview(ctx, "acme")
		require.NoError(t, err)
		if u.Status == tenant.Deleted {
			require.Empty(t, seats)
			require.Equal(t, "ann", o.OwnerID)
		}
		if o.OwnerID == id {
			require.NoError(t, w.TransferOwnership(ctx, "acme", id, "ann"))
		}
	}
}

func TestUsersByStatus(t *testing.T) { both(t, testUsersByStatus) }

func testUsersByStatus(t *testing.T, newWorld func(*testing.T) *world) {
	ctx, w := t.Context(), newWorld(t)
	for i := range 7 {
		w.user(t, fmt.Sprint("u", i))
	}
	require.NoError(t, w.DeleteUser(ctx, "u3"))
	list := func(status tenant.Status, size int) []string {
		return ids(t, func(u tenant.User) string { return u.ID }, func(from monotable.Cursor) (monotable.Page[tenant.User], error) {
			var page monotable.Page[tenant.User]
			var err error
			w.sent.Expect(t, 1, func() { page, err = w.Users(ctx, status, size, from) })
			return page, err
		})
	}
	for size := 1; size <= 8; size++ {
		require.Equal(t, []string{"u6", "u5", "u4", "u2", "u1", "u0"}, list(tenant.Active, size), "pages of %d", size)
	}
	require.Equal(t, []string{"u3"}, list(tenant.Deleted, 5))

	page, err := w.Users(ctx, tenant.Active, 2, "")
	require.NoError(t, err)
	_, err = w.Users(ctx, tenant.Deleted, 2, page.Next)
	require.ErrorIs(t, err, monotable.ErrBadCursor)
}
