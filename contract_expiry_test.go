package monotable_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
)

// session expires.
type session struct {
	User   string    `dynamodbav:"user"`
	ID     string    `dynamodbav:"id"`
	Note   string    `dynamodbav:"note"`
	Secret string    `dynamodbav:"secret"`
	Origin *string   `dynamodbav:"origin"`
	Until  time.Time `dynamodbav:"until"`
}

var (
	sessionID     = monotable.Field(func(s *session) *string { return &s.ID })
	sessionNote   = monotable.Field(func(s *session) *string { return &s.Note })
	sessionSecret = monotable.Field(func(s *session) *string { return &s.Secret })
	sessionOrigin = monotable.Field(func(s *session) **string { return &s.Origin })
	sessionUntil  = monotable.Field(func(s *session) *time.Time { return &s.Until })
)

func sessionSchema() monotable.Schema[session] {
	return monotable.Schema[session]{
		Name: "Session", Key: monotable.Key{Partition: "USER#{user}", Sort: "S#{id}"},
		Indexes: map[string]monotable.Key{"GSI1": {Partition: "NOTE#{note}", Sort: "{id}"}},
		Rules: []monotable.Rule[session]{
			monotable.ExpiresAt(sessionUntil), sessionSecret.Hidden(), sessionOrigin.Immutable(),
		},
	}
}

func rawSession(id, until string) rawItem {
	return rawItem{
		"PK": avS("USER#u"), "SK": avS("S#" + id), "_et": avS("Session"), "user": avS("u"), "id": avS(id), "note": avS("old"), "until": avN(until),
		"GSI1PK": avS("NOTE#old"), "GSI1SK": avS(id), "origin": avS("web"), "secret": avS("s3cret"),
	}
}

const (
	noonSeconds = "1795262400" // noon, of which the second has begun
	soonSeconds = "1795262401"
)

func openSessions(t *testing.T) (*store, *monotable.Entity[session], *manualClock) {
	clock := newClock()
	cfg := accountConfig(clock)
	cfg.Indexes = cfg.Indexes[:1]
	s := openStore(t, cfg)
	require.Equal(t, int64(1795262400), noon.Unix())
	return s, mustEntity(t, s.Table, sessionSchema()), clock
}

func TestExpiresAtIsStoredInSeconds(t *testing.T) {
	s, sessions, _ := openSessions(t)
	in := session{User: "u", ID: "1", Note: "old", Until: noon.Add(1500 * time.Millisecond)}
	got, err := sessions.Create(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, avN(soonSeconds), s.stored(keyPS("USER#u", "S#1"))["until"])
	read, err := sessions.Get(t.Context(), in)
	require.NoError(t, err)
	require.Equal(t, read, got, "what is returned is what is stored")
	require.True(t, got.Until.Equal(noon.Truncate(time.Second).Add(time.Second)))

	t.Run("a zero time is left out and never expires", func(t *testing.T) {
		_, err := sessions.Create(t.Context(), session{User: "u", ID: "2", Note: "n"})
		require.NoError(t, err)
		require.NotContains(t, s.stored(keyPS("USER#u", "S#2")), "until")
		got, err := sessions.Update(t.Context(), session{User: "u", ID: "1"}, sessionUntil.Set(time.Time{}))
		require.NoError(t, err)
		require.True(t, got.Until.IsZero())
		require.NotContains(t, s.stored(keyPS("USER#u", "S#1")), "until")
	})
	t.Run("conditions compare seconds", func(t *testing.T) {
		_, err := sessions.Update(t.Context(), in, sessionUntil.Set(noon.Add(time.Hour)))
		require.NoError(t, err)
		n, err := sessions.Query(in).Filter(sessionUntil.Gt(noon.Add(59 * time.Minute))).Count(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, n)
	})
}

// TestF074_ExpiredIsAbsent goes through every verb: an expired item is there, and must count as absent.
func TestF074_ExpiredIsAbsent(t *testing.T) {
	s, sessions, _ := openSessions(t)
	ctx := t.Context()
	key := session{User: "u", ID: "1"}
	at := keyPS("USER#u", "S#1")
	expired, alive := rawSession("1", noonSeconds), rawSession("1", soonSeconds)
	fresh := session{User: "u", ID: "1", Note: "new", Until: noon.Add(time.Minute)}
	rawFresh := with(alive, rawItem{"note": avS("new"), "until": avN("1795262460"), "GSI1PK": avS("NOTE#new"), "origin": nil, "secret": nil})
	missing := []error{monotable.ErrNotFound, monotable.ErrConditionFailed}
	condition := []error{monotable.ErrConditionFailed}
	for _, row := range []struct {
		name string
		call func() error
		errs []error // over an expired item: exactly as over none
		raw  rawItem // what is stored afterwards; nil: the expired item still
	}{
		{"Get", func() error { _, err := sessions.Get(ctx, key); return err }, []error{monotable.ErrNotFound}, nil},
		{"Create", func() error { _, err := sessions.Create(ctx, fresh); return err }, nil, rawFresh},
		{"Create if absent", func() error { _, err := sessions.Create(ctx, fresh, sessionNote.NotExists()); return err }, nil, rawFresh},
		{"Create if present", func() error { _, err := sessions.Create(ctx, fresh, sessionNote.Eq("old")); return err }, condition, nil},
		{"Put", func() error { _, err := sessions.Put(ctx, fresh); return err }, nil, rawFresh},
		{"Put if absent", func() error { _, err := sessions.Put(ctx, fresh, sessionNote.NotExists()); return err }, nil, rawFresh},
		{"Put if present", func() error { _, err := sessions.Put(ctx, fresh, sessionNote.Eq("old")); return err }, condition, nil},
		{"Update", func() error { _, err := sessions.Update(ctx, key, sessionSecret.Set("x")); return err }, missing, nil},
		{"Update to revive", func() error {
			_, err := sessions.Update(ctx, key, sessionUntil.Set(noon.Add(time.Hour)))
			return err
		}, missing, nil},
		{"Upsert", func() error {
			_, err := sessions.Upsert(ctx, key, sessionNote.Set("new"), sessionUntil.Set(fresh.Until))
			return err
		}, nil, rawFresh},
		{"Upsert if present", func() error {
			_, err := sessions.Upsert(ctx, key, sessionNote.Set("new"), sessionNote.Eq("old"))
			return err
		}, condition, nil},
		{"Modify", func() error {
			_, err := sessions.Modify(ctx, key, func(s *session) error { s.Until = noon.Add(time.Hour); return nil })
			return err
		}, missing, nil},
		{"Delete with a condition", func() error { _, err := sessions.Delete(ctx, key, sessionNote.Eq("old")); return err }, missing, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			s.write(expired)
			err := row.call()
			if row.errs != nil {
				requireError(t, err, row.errs...)
				_, ok := sessions.Old(err)
				require.False(t, ok, "there is no old item")
			} else {
				require.NoError(t, err)
			}
			if row.raw == nil {
				row.raw = expired
			}
			require.Equal(t, row.raw, s.stored(at))
		})
	}
	t.Run("Delete", func(t *testing.T) {
		s.write(expired)
		old, err := sessions.Delete(ctx, key)
		require.NoError(t, err)
		require.Nil(t, old)
	})
	t.Run("one second earlier it is there", func(t *testing.T) {
		s.write(alive)
		_, err := sessions.Create(ctx, fresh)
		requireError(t, err, monotable.ErrAlreadyExists, monotable.ErrConditionFailed)
		_, err = sessions.Put(ctx, fresh)
		requireError(t, err, monotable.ErrConditionFailed) // it would erase what is hidden
		_, err = sessions.Get(ctx, key)
		require.NoError(t, err)
		old, err := sessions.Delete(ctx, key)
		require.NoError(t, err)
		require.Equal(t, "old", old.Note)
	})
}

func TestF074_ExpiredInQueries(t *testing.T) {
	s, sessions, clock := openSessions(t)
	ctx := t.Context()
	ids := func(items []session) string {
		all := ""
		for _, item := range items {
			all += item.ID
		}
		return all
	}
	s.write(rawSession("1", soonSeconds), rawSession("2", noonSeconds), rawSession("3", "1"), rawSession("4", soonSeconds), with(rawSession("5", ""), rawItem{"until": nil}))
	for _, want := range []string{"145", "5"} {
		for _, q := range []monotable.Query[session]{
			sessions.Query(session{User: "u"}), sessions.Query(session{Note: "old"}).Index("GSI1"),
			sessions.Query(session{User: "u"}).PageSize(1), sessions.Query(session{User: "u"}).Limit(3),
			sessions.Query(session{User: "u"}).SortKey(sessionID.Ge("1")), sessions.Query(session{User: "u"}).With(monotable.Consistent()),
		} {
			items, err := q.Collect(ctx)
			require.NoError(t, err)
			require.Equal(t, want, ids(items))
			n, err := q.Count(ctx)
			require.NoError(t, err)
			require.Equal(t, len(want), n)
			first, err := q.First(ctx)
			require.NoError(t, err)
			require.Equal(t, want[:1], first.ID)
		}
		all, err := sessions.Scan().Collect(ctx)
		require.NoError(t, err)
		require.Len(t, all, len(want))
		clock.forward(time.Second)
	}
}

func TestExpiredOfAnotherEntity(t *testing.T) {
	s, sessions, _ := openSessions(t)
	foreign := with(rawSession("1", "1"), rawItem{"_et": avS("Other")})
	s.write(foreign)
	_, err := sessions.Create(t.Context(), session{User: "u", ID: "1", Note: "n"})
	require.Error(t, err, "what another entity's item means by its time is not ours to say")
	require.ErrorIs(t, err, monotable.ErrConditionFailed)
	require.Equal(t, foreign, s.stored(keyPS("USER#u", "S#1")))
}
