package monotable_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
)

// Tables that were made by hand or by another library are read and written in place.

// member is a record as a program without monotable writes it, keys and all, with attributevalue alone.
type plainMember struct {
	PK     string   `dynamodbav:"PK"`
	SK     string   `dynamodbav:"SK"`
	GPK    string   `dynamodbav:"GSI1PK,omitempty"`
	GSK    string   `dynamodbav:"GSI1SK,omitempty"`
	Org    string   `dynamodbav:"org"`
	User   string   `dynamodbav:"user"`
	Role   string   `dynamodbav:"role"`
	Count  int      `dynamodbav:"count"`
	Flags  []string `dynamodbav:"flags,stringset,omitempty"`
	Legacy string   `dynamodbav:"legacy,omitempty"` // monotable's type does not know it
	Tag    string   `dynamodbav:"_et,omitempty"`
}

type member struct {
	Org   string   `dynamodbav:"org"`
	User  string   `dynamodbav:"user"`
	Role  string   `dynamodbav:"role"`
	Count int      `dynamodbav:"count"`
	Flags []string `dynamodbav:"flags,stringset,omitempty"`
}

var (
	memberUser  = monotable.Field(func(m *member) *string { return &m.User })
	memberRole  = monotable.Field(func(m *member) *string { return &m.Role })
	memberCount = monotable.Field(func(m *member) *int { return &m.Count })
)

func memberSchema(mode monotable.TagMode) monotable.Schema[member] {
	return monotable.Schema[member]{
		Name: "Member", Tag: mode, Key: monotable.Key{Partition: "ORG#{org}", Sort: "USER#{user}"},
		Indexes: map[string]monotable.Key{"GSI1": {Partition: "USER#{user}", Sort: "ORG#{org}"}},
	}
}

func byHand(org, user string) plainMember {
	return plainMember{
		PK: "ORG#" + org, SK: "USER#" + user, GPK: "USER#" + user, GSK: "ORG#" + org,
		Org: org, User: user, Role: "guest", Count: 1, Flags: []string{"a"}, Legacy: "kept",
	}
}

func putByHand(t *testing.T, s *store, v any) {
	t.Helper()
	item, err := attributevalue.MarshalMap(v)
	require.NoError(t, err)
	s.write(item)
}

func getByHand[T any](t *testing.T, s *store, pk, sk string) T {
	t.Helper()
	var v T
	require.NoError(t, attributevalue.UnmarshalMap(s.stored(keyPS(pk, sk)), &v))
	return v
}

func TestInteropWithItemsMadeByHand(t *testing.T) {
	for name, mode := range map[string]monotable.TagMode{"TagNone": monotable.TagNone, "TagOptional": monotable.TagOptional} {
		t.Run(name, func(t *testing.T) {
			s := openStore(t, accountConfig(newClock()))
			members := mustEntity(t, s.Table, memberSchema(mode))
			ctx := t.Context()
			tag := map[string]string{"TagNone": "", "TagOptional": "Member"}[name]
			for _, user := range []string{"ann", "bob", "eve"} {
				putByHand(t, s, byHand("o", user))
			}
			s.write(rawItem{"PK": avS("ORG#o"), "SK": avS("PROFILE"), "name": avS("the organisation itself")})

			got, err := members.Get(ctx, member{Org: "o", User: "ann"})
			require.NoError(t, err)
			ann := member{"o", "ann", "guest", 1, []string{"a"}}
			require.Equal(t, ann, got)
			all, err := members.Query(member{Org: "o"}).Collect(ctx)
			require.NoError(t, err)
			require.Len(t, all, 3)
			all, err = members.Query(member{Org: "o"}).SortKey(monotable.HasPrefix(memberUser, "b")).Collect(ctx)
			require.NoError(t, err)
			require.Len(t, all, 1)
			first, err := members.Query(member{User: "eve"}).Index("GSI1").First(ctx)
			require.NoError(t, err)
			require.Equal(t, "eve", first.User)
			all, err = members.Scan().Filter(memberRole.Eq("guest")).Collect(ctx)
			require.NoError(t, err)
			require.Len(t, all, 3)

			_, err = members.Create(ctx, ann)
			requireError(t, err, monotable.ErrAlreadyExists, monotable.ErrConditionFailed)
			_, err = members.Update(ctx, member{Org: "o", User: "ann"}, memberRole.Set("owner"), monotable.Add(memberCount, 1), memberRole.Eq("guest"))
			require.NoError(t, err)
			want := byHand("o", "ann")
			want.Role, want.Count, want.Tag = "owner", 2, tag
			require.Equal(t, want, getByHand[plainMember](t, s, "ORG#o", "USER#ann"))
			_, err = members.Modify(ctx, member{Org: "o", User: "bob"}, func(m *member) error { m.Flags = nil; return nil })
			require.NoError(t, err)
			want = byHand("o", "bob")
			want.Flags, want.Tag = nil, tag
			require.Equal(t, want, getByHand[plainMember](t, s, "ORG#o", "USER#bob"))
			_, err = members.Put(ctx, member{Org: "o", User: "eve", Role: "r"})
			require.NoError(t, err)
			want = byHand("o", "eve")
			want.Role, want.Count, want.Flags, want.Legacy, want.Tag = "r", 0, nil, "", tag
			require.Equal(t, want, getByHand[plainMember](t, s, "ORG#o", "USER#eve"))

			// And the reverse: plain code reads and queries what monotable writes.
			_, err = members.Upsert(ctx, member{Org: "o", User: "new"}, memberRole.Set("x"))
			require.NoError(t, err)
			require.Equal(t, plainMember{
				PK: "ORG#o", SK: "USER#new", GPK: "USER#new", GSK: "ORG#o", Org: "o", User: "new", Role: "x", Tag: tag,
			}, getByHand[plainMember](t, s, "ORG#o", "USER#new"))
			out, err := s.client.Query(ctx, &dynamodb.QueryInput{
				TableName: &s.cfg.Name, IndexName: new("GSI1"), KeyConditionExpression: new("GSI1PK = :u"),
				ExpressionAttributeValues: rawItem{":u": avS("USER#new")},
			})
			require.NoError(t, err)
			require.Len(t, out.Items, 1)
			old, err := members.Delete(ctx, member{Org: "o", User: "ann"}, memberRole.Eq("owner"))
			require.NoError(t, err)
			require.Equal(t, "owner", old.Role)
			require.Nil(t, s.stored(keyPS("ORG#o", "USER#ann")))
		})
	}
}

// elsewhere is a record of another library's: its tag is _et, its times are _ct and _md, in milliseconds.
type elsewhere struct {
	ID      string    `dynamodbav:"id"`
	Name    string    `dynamodbav:"name"`
	Created time.Time `dynamodbav:"_ct"`
	Changed time.Time `dynamodbav:"_md"`
}

const isoMillis = "2006-01-02T15:04:05.000Z"

func TestInteropWithAnotherLibrarysNames(t *testing.T) {
	clock := newClock()
	s := openStore(t, monotable.TableConfig{PartitionKey: "pk", SortKey: "sk", TypeTag: "_et", Delimiter: "|", Clock: clock.now})
	name := monotable.Field(func(e *elsewhere) *string { return &e.Name })
	created := monotable.Field(func(e *elsewhere) *time.Time { return &e.Created })
	changed := monotable.Field(func(e *elsewhere) *time.Time { return &e.Changed })
	e := mustEntity(t, s.Table, monotable.Schema[elsewhere]{
		Name: "toy", Key: monotable.Key{Partition: "toy|{id}", Sort: "toy"},
		Rules: []monotable.Rule[elsewhere]{
			monotable.CreatedAt(created), monotable.TimeLayout(created, isoMillis),
			monotable.UpdatedAt(changed), monotable.TimeLayout(changed, isoMillis),
		},
	})
	at := rawItem{"pk": avS("toy|1"), "sk": avS("toy")}
	theirs := with(at, rawItem{"_et": avS("toy"), "_ct": avS("2020-02-02T02:02:02.002Z"), "_md": avS("2021-02-02T02:02:02.120Z"), "id": avS("1"), "name": avS("ball")})
	s.write(theirs)
	got, err := e.Get(t.Context(), elsewhere{ID: "1"})
	require.NoError(t, err)
	require.True(t, got.Created.Equal(time.Date(2020, 2, 2, 2, 2, 2, 2e6, time.UTC)))
	got, err = e.Update(t.Context(), elsewhere{ID: "1"}, name.Set("kite"), created.Eq(got.Created), changed.Lt(noon))
	require.NoError(t, err)
	require.Equal(t, with(theirs, rawItem{"name": avS("kite"), "_md": avS("2026-11-21T12:00:00.123Z")}), s.stored(at))
	require.True(t, got.Changed.Equal(noon.Truncate(time.Millisecond)), "the value returned is the value stored: %v", got.Changed)
	mine, err := e.Create(t.Context(), elsewhere{ID: "2", Name: "x"})
	require.NoError(t, err)
	require.Equal(t, rawItem{
		"pk": avS("toy|2"), "sk": avS("toy"), "_et": avS("toy"), "id": avS("2"), "name": avS("x"),
		"_ct": avS("2026-11-21T12:00:00.123Z"), "_md": avS("2026-11-21T12:00:00.123Z"),
	}, s.stored(rawItem{"pk": avS("toy|2"), "sk": avS("toy")}))
	read, err := e.Get(t.Context(), elsewhere{ID: "2"})
	require.NoError(t, err)
	require.Equal(t, read, mine)
	n, err := e.Scan().Filter(created.Between(noon.Add(-time.Second), noon)).Count(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, n)
}

func TestInteropWithAnotherTag(t *testing.T) {
	s := openStore(t, monotable.TableConfig{TypeTag: "__edb_e__"})
	notes := mustEntity(t, s.Table, noteSchema(nil))
	_, err := notes.Create(t.Context(), note{"b", 1, "old"})
	require.NoError(t, err)
	require.Equal(t, with(rawNote("0001", ""), rawItem{"__edb_e__": avS("Note")}), s.stored(keyPS("BOOK#b", "NOTE#0001")))
	n, err := notes.Scan().Count(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, n)
}

// declared declares its keys and tag itself.
type declared struct {
	PK    string `dynamodbav:"PK"`
	SK    string `dynamodbav:"SK"`
	GPK   string `dynamodbav:"GSI1PK"`
	Type  string `dynamodbav:"_et"`
	ID    string `dynamodbav:"id"`
	Email string `dynamodbav:"email"`
}

// TestF108_KeysThatTDeclares is a T with fields for the keys, made by templates, or natural.
func TestF108_KeysThatTDeclares(t *testing.T) {
	clock := newClock()
	email := monotable.Field(func(d *declared) *string { return &d.Email })
	pk := monotable.Field(func(d *declared) *string { return &d.PK })
	gpk := monotable.Field(func(d *declared) *string { return &d.GPK })
	t.Run("made by templates", func(t *testing.T) {
		cfg := accountConfig(clock)
		s := openStore(t, cfg)
		e := mustEntity(t, s.Table, monotable.Schema[declared]{
			Name: "D", Key: monotable.Key{Partition: "D#{id}", Sort: "D"},
			Indexes: map[string]monotable.Key{"GSI1": {Partition: "E#{email}", Sort: "D"}},
		})
		ctx := t.Context()
		want := declared{"D#1", "D", "E#a", "D", "1", "a"}
		raw := rawItem{"PK": avS("D#1"), "SK": avS("D"), "GSI1PK": avS("E#a"), "GSI1SK": avS("D"), "_et": avS("D"), "id": avS("1"), "email": avS("a")}
		got, err := e.Create(ctx, declared{ID: "1", Email: "a", PK: "whatever stands here", Type: "x"})
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.Equal(t, raw, s.stored(keyPS("D#1", "D")))
		got, err = e.Get(ctx, declared{ID: "1"})
		require.NoError(t, err)
		require.Equal(t, want, got)
		got, err = e.Put(ctx, got)
		require.NoError(t, err)
		require.Equal(t, want, got)
		got, err = e.Update(ctx, got, email.Set("b"))
		require.NoError(t, err)
		want.Email, want.GPK = "b", "E#b"
		require.Equal(t, want, got)
		got, err = e.Modify(ctx, got, func(d *declared) error { d.Email, d.GPK = "", "own ideas"; return nil })
		require.NoError(t, err)
		want.Email, want.GPK = "", ""
		require.Equal(t, want, got, "the pair is removed")
		require.Equal(t, with(raw, rawItem{"email": avS(""), "GSI1PK": nil, "GSI1SK": nil}), s.stored(keyPS("D#1", "D")))
		for name, change := range map[string]monotable.Change[declared]{"PK": pk.Set("x"), "GSI1PK": gpk.Set("x"), "remove": gpk.Remove()} {
			_, err = e.Update(ctx, got, change)
			require.ErrorIs(t, err, monotable.ErrInvalid, name)
		}
		first, err := e.Query(declared{ID: "1"}).Filter(email.Eq("")).First(ctx)
		require.NoError(t, err)
		require.Equal(t, want, first)
	})
	t.Run("natural", func(t *testing.T) {
		s := openStore(t, monotable.TableConfig{PartitionKey: "id", SortKey: "email", Indexes: []monotable.Index{{Name: "inverted", PartitionKey: "email", SortKey: "id"}}})
		e := mustEntity(t, s.Table, monotable.Schema[member2]{Name: "M"})
		ctx := t.Context()
		in := member2{ID: "a#b", Email: "x y", N: 1}
		_, err := e.Create(ctx, in)
		require.NoError(t, err)
		require.Equal(t, rawItem{"id": avS("a#b"), "email": avS("x y"), "n": avN("1"), "_et": avS("M")}, s.stored(rawItem{"id": avS("a#b"), "email": avS("x y")}))
		got, err := e.Query(member2{Email: "x y"}).Index("inverted").SortKey(monotable.HasPrefix(monotable.Field(func(m *member2) *string { return &m.ID }), "a#")).First(ctx)
		require.NoError(t, err)
		require.Equal(t, in, got)
		_, err = e.Update(ctx, in, monotable.Field(func(m *member2) *string { return &m.Email }).Set("z"))
		requireError(t, err, monotable.ErrInvalid)
		_, err = e.Create(ctx, member2{ID: "a"})
		requireError(t, err, monotable.ErrInvalid)
	})
}

type member2 struct {
	ID    string `dynamodbav:"id"`
	Email string `dynamodbav:"email"`
	N     int    `dynamodbav:"n"`
}
