package monotable_test

import (
	"context"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
)

// outdatedWrites are single calls that an outdated item must first be brought up to date for; each adds one login.
func outdatedWrites(e *monotable.Entity[settler], version int) map[string]func(context.Context) (settler, error) {
	key := settler{ID: "1", Version: version}
	one := monotable.Add(settlerLogins, 1)
	add := func(s *settler) error { s.Logins++; return nil }
	whole := ann("1")
	whole.Logins, whole.Version = 1, version
	return map[string]func(context.Context) (settler, error){
		"update": func(ctx context.Context) (settler, error) { return e.Update(ctx, key, one) },
		"condition": func(ctx context.Context) (settler, error) {
			return e.Update(ctx, key, one, settlerCity.Eq("Bern"), settlerVersion.Ne(99))
		},
		"index": func(ctx context.Context) (settler, error) {
			return e.Update(ctx, key, settlerLogins.Set(1), settlerCity.Set("Bern"))
		},
		"upsert": func(ctx context.Context) (settler, error) { return e.Upsert(ctx, key, one) },
		"exactlyOnce": func(ctx context.Context) (settler, error) {
			return e.With(monotable.ExactlyOnce()).Update(ctx, key, one)
		},
		"modify": func(ctx context.Context) (settler, error) { return e.Modify(ctx, key, add) },
		"put": func(ctx context.Context) (settler, error) {
			return e.With(monotable.Reveal()).Put(ctx, revealed(whole), settlerCity.Eq("Bern"))
		},
	}
}

func revealed(s settler) settler {
	s.Secret = "s3cret"
	return s
}

func TestUpgrade_WritesBringAnOutdatedItemUpToDate(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for version := range 3 {
		for _, pinned := range []int{-1, 0, 7} { // without a version, unpinned, pinned
			var rules []monotable.Rule[settler]
			if pinned >= 0 {
				rules = append(rules, versioned())
			}
			for name := range outdatedWrites(nil, 0) {
				if name == "put" && pinned == 0 {
					continue // a Put of version 0 wants nothing to be there
				}
				t.Run(name+strconv.Itoa(version)+strconv.Itoa(pinned), func(t *testing.T) {
					s := settlerStore(t)
					more, after := rawItem{"logins": avN("0")}, rawItem{"logins": avN("1")}
					if pinned >= 0 {
						more["version"], after["version"] = avN("7"), avN("9")
					}
					s.write(settlerAt(version, "1", more))
					e := mustEntity(t, s.Table, settlers(3, rules...))
					got, err := outdatedWrites(e, max(pinned, 0))[name](ctx)
					require.NoError(t, err)
					require.Equal(t, 1, got.Logins)
					require.Equal(t, "Bern", got.City)
					stored := s.stored(keyPS("SETTLER#1", "PROFILE"))
					if name == "put" { // which is the whole item
						after["extra"] = nil
						if pinned < 0 {
							after["version"] = avN("0")
						}
					}
					delete(stored, "until")
					require.Equal(t, settlerAt(3, "1", after), stored)
				})
			}
		}
	}
}

func TestUpgrade_VersionConditionsCountAcrossTheWriteBack(t *testing.T) {
	ctx := t.Context()
	s := settlerStore(t)
	e := mustEntity(t, s.Table, settlers(3, versioned()))
	s.write(settlerAt(0, "1", rawItem{"version": avN("7")}))
	_, err := e.Update(ctx, settler{ID: "1"}, settlerFirst.Set("Bo"), monotable.All(settlerVersion.Eq(6)))
	requireError(t, err, monotable.ErrConditionFailed, monotable.ErrVersionConflict)
	require.Equal(t, settlerAt(0, "1", rawItem{"version": avN("7")}), s.stored(keyPS("SETTLER#1", "PROFILE")), "a conflict writes nothing back")
	got, err := e.Update(ctx, settler{ID: "1"}, settlerFirst.Set("Bo"), monotable.All(settlerVersion.Eq(7)))
	require.NoError(t, err)
	require.Equal(t, 9, got.Version)
	_, err = e.Modify(ctx, settler{ID: "1", Version: 8}, func(s *settler) error { return nil })
	requireError(t, err, monotable.ErrConditionFailed, monotable.ErrVersionConflict)
}

func TestUpgrade_PlainPutReplacesAnOutdatedItem(t *testing.T) {
	ctx := t.Context()
	s := settlerStore(t)
	spy := &spyClient{Client: s.client}
	schema := settlers(3, versioned())
	schema.Rules = schema.Rules[1:]
	e := mustEntity(t, s.over(spy), schema)
	s.write(settlerAt(0, "1", rawItem{"version": avN("7")}))
	got, err := e.Get(ctx, settler{ID: "1"})
	require.NoError(t, err)
	_, err = e.Put(ctx, got)
	require.NoError(t, err)
	require.EqualValues(t, 1, spy.puts.Load())
	require.Equal(t, avN("3"), s.stored(keyPS("SETTLER#1", "PROFILE"))["_sv"])
}

func TestUpgrade_PutCannotEraseAHiddenAttributeOfAnotherName(t *testing.T) {
	ctx := t.Context()
	s := settlerStore(t)
	schema := settlers(3)
	schema.Upgrades = append(schema.Upgrades, renameAttribute("password", "secret"))
	e := mustEntity(t, s.Table, schema)
	s.write(settlerAt(3, "1", rawItem{"secret": nil, "password": avS("s3cret")}))
	_, err := e.Put(ctx, ann("1"))
	requireError(t, err, monotable.ErrConditionFailed)
	require.Equal(t, avS("s3cret"), s.stored(keyPS("SETTLER#1", "PROFILE"))["secret"])
}

func TestUpgrade_TransactionsRefuseOutdatedItems(t *testing.T) {
	ctx := t.Context()
	s := settlerStore(t)
	e := mustEntity(t, s.Table, settlers(3))
	old := settlerAt(2, "1", nil)
	s.write(old)
	key := settler{ID: "1"}
	for _, op := range []monotable.WriteOp{e.UpdateOp(key, settlerFirst.Set("Bo")), e.UpsertOp(key, settlerFirst.Set("Bo"))} {
		err := s.TransactWrite(ctx, op, e.CreateOp(ann("2")))
		requireError(t, err, monotable.ErrConditionFailed)
		require.ErrorIs(t, err, monotable.ErrOutdatedSchema)
		require.Equal(t, []rawItem{old}, s.dump())
	}
	_, err := e.Modify(ctx, key, func(*settler) error { return nil })
	require.NoError(t, err)
	require.NoError(t, s.TransactWrite(ctx, e.UpdateOp(key, settlerFirst.Set("Bo")), e.CreateOp(ann("2"))))
	require.NoError(t, s.TransactWrite(ctx, e.CheckOp(key, settlerFirst.Eq("Bo"))))
}

func TestUpgrade_ModifyLosesOnlyARound(t *testing.T) {
	ctx := t.Context()
	s := settlerStore(t)
	s.write(settlerAt(1, "1", nil))
	once := false
	spy := &spyClient{Client: s.client}
	spy.onGet = func() {
		if !once {
			once = true
			s.write(settlerAt(1, "1", rawItem{"logins": avN("5")}))
		}
	}
	e := mustEntity(t, s.over(spy), settlers(3))
	got, err := e.Modify(ctx, settler{ID: "1"}, func(s *settler) error { s.Logins++; return nil })
	require.NoError(t, err)
	require.Equal(t, 6, got.Logins)
	require.Equal(t, settlerAt(3, "1", rawItem{"logins": avN("6")}), s.stored(keyPS("SETTLER#1", "PROFILE")))
}

func TestUpgrade_ManyWritersOfOneOutdatedItem(t *testing.T) {
	t.Parallel()
	for _, rules := range [][]monotable.Rule[settler]{nil, {versioned()}} {
		s := settlerStore(t)
		s.write(settlerAt(0, "1", rawItem{"version": avN("1")}))
		e := mustEntity(t, s.Table, settlers(3, rules...))
		var writers sync.WaitGroup
		for i := range 12 {
			writers.Go(func() {
				var err error
				if i%2 == 0 {
					_, err = e.Update(t.Context(), settler{ID: "1"}, monotable.Add(settlerLogins, 1))
				} else {
					_, err = e.Modify(t.Context(), settler{ID: "1"}, func(s *settler) error { s.Logins++; return nil })
				}
				assert.NoError(t, err)
			})
		}
		writers.Wait()
		version := "1"
		if rules != nil {
			version = "14" // twelve writes, and one write-back
		}
		require.Equal(t, settlerAt(3, "1", rawItem{"version": avN(version), "logins": avN("12")}), s.stored(keyPS("SETTLER#1", "PROFILE")))
	}
}
