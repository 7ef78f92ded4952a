package monotable_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
)

// What Create, Put, Update, Upsert and Delete mean beyond the matrix, on an entity with about every rule.

func TestCreateStoresTheWholeItem(t *testing.T) {
	a := openAccounts(t)
	in := account{ID: "ann", Email: " Ann@X.io "}
	check := unchanged(t, &in)
	got, err := a.Create(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, newAccount("ann"), got)
	require.Equal(t, rawAccount("ann"), a.raw("ann"))
	read, err := a.Get(t.Context(), account{ID: "ann"})
	require.NoError(t, err)
	require.Equal(t, got, read, "what a write returns is what a read returns")
	check()
}

func TestPutReplacesTheWholeItem(t *testing.T) {
	a := openAccounts(t)
	a.write(with(rawAccount("ann"), rawItem{"unknown": avS("x"), "region": avS("eu"), "GSI2PK": avS("REGION#eu"), "GSI2SK": avS("PLAN#free")}))
	later := a.clock.forward(time.Hour)
	in := newAccount("ann")
	in.Plan, in.Prefs = "pro", accountPrefs{Size: 3}
	got, err := a.Put(t.Context(), in)
	require.NoError(t, err)
	in.Prefs.Theme, in.Updated, in.Version = "light", later, 2
	require.Equal(t, in, got)
	require.Equal(t, with(rawAccount("ann"), rawItem{
		"plan": avS("pro"), "prefs": avM(rawItem{"theme": avS("light"), "size": avN("3")}),
		"updatedAt": avS(sortable(later)), "version": avN("2"),
	}), a.raw("ann"), "a Put leaves nothing of the old item")
}

func TestF141_PutAndCreatedAt(t *testing.T) {
	a := openAccounts(t)
	a.write(rawAccount("ann"))
	later := a.clock.forward(time.Hour)
	t.Run("kept if set", func(t *testing.T) {
		got, err := a.Put(t.Context(), newAccount("ann"))
		require.NoError(t, err)
		require.Equal(t, noon, got.Created)
	})
	t.Run("set if zero", func(t *testing.T) {
		got, err := a.Put(t.Context(), account{ID: "ann", Email: "ann@x.io", Version: 2})
		require.NoError(t, err)
		require.Equal(t, later, got.Created)
	})
	t.Run("kept by every other verb", func(t *testing.T) {
		a.clock.forward(time.Hour)
		for name, write := range map[string]func() (account, error){
			"Update": func() (account, error) { return a.Update(t.Context(), account{ID: "ann"}, accountLogins.Set(1)) },
			"Upsert": func() (account, error) { return a.Upsert(t.Context(), account{ID: "ann"}, accountLogins.Set(2)) },
			"Modify": func() (account, error) {
				return a.Modify(t.Context(), account{ID: "ann"}, func(a *account) error { a.Logins++; return nil })
			},
		} {
			got, err := write()
			require.NoError(t, err, name)
			require.Equal(t, later, got.Created, name)
			require.Equal(t, a.clock.now().UTC(), got.Updated, name)
		}
	})
}

func TestUpdateTouchesOnlyWhatIsNamed(t *testing.T) {
	a := openAccounts(t)
	seed := with(rawAccount("ann"), rawItem{
		"prefs":   avM(rawItem{"theme": avS("dark"), "size": avN("1"), "future": avS("kept")}),
		"unknown": avS("kept"), "secret": avS("s3cret"), "tags": avL(avS("a")), "roles": avSS("r"),
	})
	a.write(seed)
	later := a.clock.forward(time.Minute)
	labels := map[string]string{"k": "v"}
	check := unchanged(t, &labels)
	got, err := a.Update(t.Context(), account{ID: "ann", Plan: "ignored", Email: "ignored"},
		accountSize.Set(7), accountLabels.Set(labels), monotable.Append(accountTags, "b", "c"),
		monotable.AddTo(accountRoles, "s"), accountNotify.Remove())
	require.NoError(t, err)
	check()
	want := newAccount("ann")
	want.Prefs, want.Labels, want.Tags, want.Roles = accountPrefs{"dark", 7}, labels, []string{"a", "b", "c"}, []string{"r", "s"}
	want.Notify, want.Updated, want.Version = nil, later, 2
	require.ElementsMatch(t, want.Roles, got.Roles)
	got.Roles = want.Roles
	require.Equal(t, want, got)
	stored := a.raw("ann")
	delete(stored, "roles") // a set has no order
	require.Equal(t, with(seed, rawItem{
		"prefs":  avM(rawItem{"theme": avS("dark"), "size": avN("7"), "future": avS("kept")}),
		"labels": avM(rawItem{"k": avS("v")}), "tags": avL(avS("a"), avS("b"), avS("c")), "roles": nil, "notify": nil,
		"updatedAt": avS(sortable(later)), "version": avN("2"),
	}), stored)
}

func TestF024_NoGhostItem(t *testing.T) {
	a := openAccounts(t)
	for _, row := range []struct {
		name    string
		changes []monotable.Change[account]
	}{
		{"a change", []monotable.Change[account]{accountLogins.Set(1)}},
		{"a condition that holds for a missing item", []monotable.Change[account]{accountLogins.Set(1), accountPlan.NotExists()}},
		{"one or the other", []monotable.Change[account]{accountLogins.Set(1), monotable.Any[account](accountPlan.Eq("pro"), accountPlan.NotExists())}},
		{"Ne", []monotable.Change[account]{monotable.Add(accountLogins, 1), accountPlan.Ne("pro")}},
		{"Not", []monotable.Change[account]{accountNotify.Remove(), monotable.Not(accountPlan.Exists())}},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := a.Update(t.Context(), account{ID: "ghost"}, row.changes...)
			requireError(t, err, monotable.ErrNotFound, monotable.ErrConditionFailed)
			_, err = a.With(monotable.WithoutVersionCheck(), monotable.AdoptUnversioned()).Update(t.Context(), account{ID: "ghost"}, row.changes...)
			requireError(t, err, monotable.ErrNotFound, monotable.ErrConditionFailed)
		})
	}
	_, err := a.Modify(t.Context(), account{ID: "ghost"}, func(a *account) error { a.Email = "a@b"; return nil })
	require.ErrorIs(t, err, monotable.ErrNotFound)
	require.Empty(t, a.dump())
}

func TestUpsertCreates(t *testing.T) {
	a := openAccounts(t)
	t.Run("with defaults, rules and index keys", func(t *testing.T) {
		got, err := a.Upsert(t.Context(), account{ID: "ann"},
			accountEmail.Set("ANN@x.io"), monotable.Add(accountLogins, 3), monotable.Append(accountTags, "t"), accountTheme.SetIfAbsent("dark"),
			monotable.MapKey(accountLabels, "team").Set("red"), accountNotify.Remove(), accountSize.Set(2), monotable.AddTo(accountRoles, "r"))
		require.NoError(t, err)
		want := newAccount("ann")
		want.Logins, want.Tags, want.Roles, want.Prefs = 3, []string{"t"}, []string{"r"}, accountPrefs{"dark", 2}
		want.Labels["team"] = "red"
		require.Equal(t, want, got)
		require.Equal(t, with(rawAccount("ann"), rawItem{
			"logins": avN("3"), "tags": avL(avS("t")), "roles": avSS("r"),
			"prefs": avM(rawItem{"theme": avS("dark"), "size": avN("2")}), "labels": avM(rawItem{"origin": avS("web"), "team": avS("red")}),
		}), a.raw("ann"))
	})
	t.Run("defaults are not shared", func(t *testing.T) {
		got, err := a.Upsert(t.Context(), account{ID: "bob"}, accountEmail.Set("bob@x.io"))
		require.NoError(t, err)
		require.Equal(t, newAccount("bob"), got)
	})
	t.Run("and updates what is there", func(t *testing.T) {
		later := a.clock.forward(time.Second)
		got, err := a.Upsert(t.Context(), account{ID: "bob"}, monotable.Add(accountLogins, 3), accountTheme.SetIfAbsent("dark"))
		require.NoError(t, err)
		want := newAccount("bob")
		want.Logins, want.Version, want.Updated = 3, 2, later
		require.Equal(t, want, got)
	})
	t.Run("never with a version in the key", func(t *testing.T) {
		_, err := a.Upsert(t.Context(), account{ID: "nobody", Version: 1}, accountEmail.Set("c@x.io"))
		require.ErrorIs(t, err, monotable.ErrNotFound)
		require.Nil(t, a.raw("nobody"))
	})
}

func TestF095_UpsertNeedsWhatIsRequired(t *testing.T) {
	a := openAccounts(t)
	_, err := a.Upsert(t.Context(), account{ID: "ann", Email: "not a change"}, monotable.Add(accountLogins, 1))
	requireError(t, err, monotable.ErrInvalid)
	failed, ok := errors.AsType[*monotable.ValidationError](err)
	require.True(t, ok)
	require.Equal(t, "email", failed.Violations[0].Attribute)
	require.Empty(t, a.dump())

	t.Run("reads never enforce it", func(t *testing.T) {
		a.write(with(rawAccount("old"), rawItem{"email": nil, "GSI1PK": nil, "GSI1SK": nil, "plan": avS("ancient")}))
		got, err := a.Get(t.Context(), account{ID: "old"})
		require.NoError(t, err)
		require.Equal(t, "ancient", got.Plan)
		got, err = a.Update(t.Context(), account{ID: "old"}, accountLogins.Set(1))
		require.NoError(t, err, "an Update looks at what it sets only")
		require.Empty(t, got.Email)
		n, err := a.Scan().Count(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, n)
	})
}

func TestDeleteReturnsWhatWasThere(t *testing.T) {
	a := openAccounts(t)
	a.write(with(rawAccount("ann"), rawItem{"secret": avS("s3cret")}), with(rawAccount("bob"), rawItem{"secret": avS("s3cret")}))
	old, err := a.Delete(t.Context(), account{ID: "ann"})
	require.NoError(t, err)
	want := newAccount("ann")
	require.Equal(t, &want, old)
	old, err = a.With(monotable.Reveal()).Delete(t.Context(), account{ID: "bob"}, accountPlan.Eq("free"))
	require.NoError(t, err)
	require.Equal(t, "s3cret", old.Secret)
	require.Empty(t, a.dump())
	old, err = a.Delete(t.Context(), account{ID: "ann"})
	require.NoError(t, err)
	require.Nil(t, old)
}

func TestOperationsAreValues(t *testing.T) {
	a := openAccounts(t)
	ctx := t.Context()
	create := a.CreateOp(account{ID: "ann", Email: "ANN@x.io"})
	first, err := create.Request()
	require.NoError(t, err)
	again, err := create.Request()
	require.NoError(t, err)
	_, err = a.client.PutItem(ctx, first)
	require.NoError(t, err, "a request is what would be sent")
	require.NotEqual(t, first.Item["_w"], again.Item["_w"], "each request is a write of its own")
	delete(first.Item, "_w")
	delete(again.Item, "_w")
	require.Equal(t, first, again)
	require.Equal(t, rawAccount("ann"), rawItem(first.Item))
	require.Equal(t, rawAccount("ann"), a.raw("ann"))

	update, err := a.UpdateOp(account{ID: "ann"}, monotable.Add(accountLogins, 2)).Request()
	require.NoError(t, err)
	_, err = a.client.UpdateItem(ctx, update)
	require.NoError(t, err)
	get, err := a.GetOp(account{ID: "ann"}, nil).Request()
	require.NoError(t, err)
	require.Equal(t, keyPS("ACCOUNT#ann", "PROFILE"), rawItem(get.Key))
	require.Equal(t, avN("2"), a.raw("ann")["logins"])
	del, err := a.DeleteOp(account{ID: "ann"}, accountLogins.Eq(2)).Request()
	require.NoError(t, err)
	_, err = a.client.DeleteItem(ctx, del)
	require.NoError(t, err)
	require.Nil(t, a.raw("ann"))

	_, err = a.PutOp(account{ID: "ann"}).Request()
	requireError(t, err, monotable.ErrInvalid)
}
