package monotable_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
)

var profileKey = rawItem{"PK": avS("SETTLER#1"), "SK": avS("PROFILE")}

func TestRefresh(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for version := range 3 {
		s := settlerStore(t)
		mustEntity(t, s.Table, settlers(3, versioned()))
		old := settlerAt(version, "1", rawItem{"version": avN("4")})
		s.write(old)
		stale, err := s.Stale(old)
		require.NoError(t, err)
		require.True(t, stale)
		done, err := s.Refresh(ctx, old)
		require.NoError(t, err)
		require.Equal(t, monotable.RefreshRewritten, done)
		want := settlerAt(3, "1", rawItem{"version": avN("5")})
		require.Equal(t, want, s.stored(profileKey))

		done, err = s.Refresh(ctx, s.storedWhole(profileKey))
		require.NoError(t, err)
		require.Equal(t, monotable.RefreshCurrent, done, "twice is as good as once")
		require.Equal(t, want, s.stored(profileKey))
		done, err = s.Refresh(ctx, old)
		require.NoError(t, err)
		require.Equal(t, monotable.RefreshOvertaken, done, "it is no longer what was read")
		require.Equal(t, want, s.stored(profileKey))
	}
}

// After a template has changed, the keys of an index are made anew, and taken away where they are no longer made.
func TestRefresh_IndexKeys(t *testing.T) {
	ctx := t.Context()
	s := settlerStore(t)
	schema := settlers(3)
	schema.Indexes = map[string]monotable.Key{"GSI1": {Partition: "TOWN#{city}", Sort: "{label}"}}
	mustEntity(t, s.Table, schema)
	s.write(settlerAt(3, "1", rawItem{"label": avS("a")}))
	s.write(settlerAt(3, "2", nil))
	for _, item := range s.dump() {
		done, err := s.Refresh(ctx, item)
		require.NoError(t, err)
		require.Equal(t, monotable.RefreshRewritten, done)
	}
	require.Equal(t, settlerAt(3, "1", rawItem{"label": avS("a"), "GSI1PK": avS("TOWN#Bern"), "GSI1SK": avS("a")}), s.stored(profileKey))
	require.Equal(t, settlerAt(3, "2", rawItem{"GSI1PK": nil, "GSI1SK": nil}), s.stored(rawItem{"PK": avS("SETTLER#2"), "SK": avS("PROFILE")}))
}

// An entity may be declared again, as for the tenant of each request, while items are refreshed.
func TestRefresh_BesideDeclarations(t *testing.T) {
	t.Parallel()
	s := openStore(t, monotable.TableConfig{})
	schema := monotable.Schema[sharedTask]{Name: "Task", Key: monotable.Key{Partition: "TASK#{id}", Sort: "TASK"}, Rules: []monotable.Rule[sharedTask]{
		sharedName.Transform(func(string) string { return "n" }),
	}}
	mustEntity(t, s.Table, schema)
	stale := with(keyPS("TASK#1", "TASK"), rawItem{"_et": avS("Task"), "id": avS("1"), "name": avS("x")})
	s.write(with(stale, rawItem{"name": avS("y")})) // somebody was faster
	errs := together(2, func(i int) error {
		for range 200 {
			var err error
			if i == 0 {
				_, err = monotable.NewEntity(s.Scoped("TASK"), schema)
			} else {
				_, err = s.Refresh(t.Context(), stale)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	require.Equal(t, []error{nil, nil}, errs)
}

func TestRefresh_LeavesAlone(t *testing.T) {
	ctx := t.Context()
	s := settlerStore(t)
	optional := settlers(3)
	optional.Tag = monotable.TagOptional
	mustEntity(t, s.Table, optional)
	foreign := rawItem{"PK": avS("X"), "SK": avS("Y"), "_et": avS("Other")}
	done, err := s.Refresh(ctx, foreign)
	require.NoError(t, err)
	require.Equal(t, monotable.RefreshForeign, done)
	require.Equal(t, "foreign", done.String())

	untagged := settlerAt(3, "1", rawItem{"_et": nil})
	s.write(untagged)
	done, err = s.Refresh(ctx, untagged)
	require.NoError(t, err)
	require.Equal(t, monotable.RefreshRewritten, done, "it has a tag now")
	require.Equal(t, settlerAt(3, "1", nil), s.stored(profileKey))

	moved := settlerAt(3, "1", rawItem{"id": avS("2")})
	_, err = s.Refresh(ctx, moved)
	requireError(t, err, monotable.ErrInvalid)
	_, err = s.Refresh(ctx, settlerAt(3, "1", rawItem{"_sv": avN("9")}))
	require.ErrorIs(t, err, monotable.ErrNewerSchema)
	_, err = s.Refresh(ctx, settlerAt(3, "1", rawItem{"logins": avS("many")}))
	var bad *monotable.DecodeError
	require.ErrorAs(t, err, &bad)
}

func TestDeclaration(t *testing.T) {
	s := settlerStore(t)
	e := mustEntity(t, s.Table, settlers(3, monotable.ExpiresAt(settlerUntil), versioned()))
	require.NotNil(t, e)
	d := s.Declaration()
	require.Equal(t, "contract", d.Table)
	require.Equal(t, monotable.KeyAttribute{Name: "PK", Type: "S"}, d.PartitionKey)
	require.Equal(t, monotable.KeyAttribute{Name: "SK", Type: "S"}, d.SortKey)
	require.Equal(t, "until", d.TTL)
	require.Len(t, d.Indexes, 1)
	require.Equal(t, "GSI1SK", d.Indexes[0].SortKey)
	require.Len(t, d.Entities, 1)
	settler := d.Entities[0]
	require.Equal(t, monotable.Key{Partition: "SETTLER#{id}", Sort: "PROFILE"}, settler.Key)
	require.Equal(t, map[string]monotable.Key{"GSI1": {Partition: "CITY#{city}", Sort: "{id}"}}, settler.Indexes)
	require.Equal(t, 3, settler.Schema)
	for _, a := range settler.Attributes {
		switch a.Path {
		case "secret":
			require.Equal(t, monotable.AttributeDeclaration{Path: "secret", GoType: "string", Type: "S", Rules: []string{"Hidden"}, Hidden: true}, a)
		case "until":
			require.Equal(t, monotable.AttributeDeclaration{Path: "until", GoType: "time.Time", Type: "N", Rules: []string{"ExpiresAt"}}, a)
		}
	}
	d.Entities[0].Indexes["GSI1"] = monotable.Key{}
	d.Indexes[0].Projection.NonKeyAttributes = append(d.Indexes[0].Projection.NonKeyAttributes, "x")
	require.Equal(t, map[string]monotable.Key{"GSI1": {Partition: "CITY#{city}", Sort: "{id}"}}, s.Declaration().Entities[0].Indexes, "a copy")
}

// What another program adds between the reading and the writing stays.
func TestRefresh_KeepsWhatOthersAdd(t *testing.T) {
	s := settlerStore(t)
	mustEntity(t, s.Table, settlers(3))
	old := settlerAt(1, "1", nil)
	s.write(settlerAt(1, "1", rawItem{"added": avS("by another")}))
	done, err := s.Refresh(t.Context(), old)
	require.NoError(t, err)
	require.Equal(t, monotable.RefreshRewritten, done)
	require.Equal(t, settlerAt(3, "1", rawItem{"added": avS("by another")}), s.stored(profileKey))
}

func TestDeclaration_SparseIndexesAndGuards(t *testing.T) {
	s := settlerStore(t)
	mustEntity(t, s.Table, settlers(0, settlerEmail.Unique(settlerCity), monotable.IndexWhen("GSI1", func(s *settler) bool { return s.Logins > 0 }, settlerLogins)))
	d := s.Declaration().Entities[0]
	require.Equal(t, map[string][]string{"GSI1": {"logins"}}, d.Sparse)
	for _, a := range d.Attributes {
		require.Equal(t, a.Path == "email", a.Guard != "", a.Path)
		if a.Guard != "" {
			require.Equal(t, "UNIQUE#Settler#email#{city}#{email}", a.Guard)
		}
	}
}

// A program that does not know of versions changes an item without raising its own.
func TestRefresh_SeesChangesThatRaiseNoVersion(t *testing.T) {
	s := settlerStore(t)
	mustEntity(t, s.Table, settlers(3, versioned()))
	old := settlerAt(2, "1", rawItem{"version": avN("4")})
	now := with(old, rawItem{"town": avS("Basel")})
	s.write(now)
	done, err := s.Refresh(t.Context(), old)
	require.NoError(t, err)
	require.Equal(t, monotable.RefreshOvertaken, done)
	require.Equal(t, now, s.stored(profileKey))
}
