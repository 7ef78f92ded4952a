package monotable_test

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
)

// counter is a versioned item with nothing else to it.
type counter struct {
	ID  string `dynamodbav:"id"`
	N   int    `dynamodbav:"n"`
	Ver int64  `dynamodbav:"ver"`
}

var (
	counterN   = monotable.Field(func(c *counter) *int { return &c.N })
	counterVer = monotable.Field(func(c *counter) *int64 { return &c.Ver })
)

func counterSchema() monotable.Schema[counter] {
	return monotable.Schema[counter]{
		Name: "Counter", Key: monotable.Key{Partition: "COUNTER#{id}", Sort: "C"},
		Rules: []monotable.Rule[counter]{monotable.Version(counterVer)},
	}
}

func rawCounter(n, ver string) rawItem {
	return rawItem{"PK": avS("COUNTER#c"), "SK": avS("C"), "_et": avS("Counter"), "id": avS("c"), "n": avN(n), "ver": avN(ver)}
}

// counterVerbs are the verbs that write, each adding 1 to n where it can, with a version in the argument.
func counterVerbs(t *testing.T, e *monotable.Entity[counter]) []struct {
	name string
	call func(ver int64) (counter, error)
} {
	ctx := t.Context()
	return []struct {
		name string
		call func(ver int64) (counter, error)
	}{
		{"Create", func(ver int64) (counter, error) { return e.Create(ctx, counter{"c", 1, ver}) }},
		{"Put", func(ver int64) (counter, error) { return e.Put(ctx, counter{"c", 1, ver}) }},
		{"Update", func(ver int64) (counter, error) { return e.Update(ctx, counter{"c", 0, ver}, counterN.Set(1)) }},
		{"Upsert", func(ver int64) (counter, error) { return e.Upsert(ctx, counter{"c", 0, ver}, counterN.Set(1)) }},
		{"Modify", func(ver int64) (counter, error) {
			return e.Modify(ctx, counter{"c", 0, ver}, func(c *counter) error { c.N = 1; return nil })
		}},
		{"Delete", func(ver int64) (counter, error) {
			old, err := e.Delete(ctx, counter{"c", 0, ver})
			if old == nil {
				old = &counter{}
			}
			return *old, err
		}},
	}
}

// TestF026_EveryVerbChecksAndRaisesTheVersion also is F022, F023, F027, F028 and F029 for single items.
func TestF026_EveryVerbChecksAndRaisesTheVersion(t *testing.T) {
	exists := []error{monotable.ErrAlreadyExists, monotable.ErrConditionFailed}
	existsConflict := append(exists, monotable.ErrVersionConflict)
	conflict := []error{monotable.ErrVersionConflict, monotable.ErrConditionFailed}
	gone := []error{monotable.ErrNotFound, monotable.ErrConditionFailed, monotable.ErrVersionConflict}
	missing := []error{monotable.ErrNotFound, monotable.ErrConditionFailed}
	invalid := []error{monotable.ErrInvalid}
	ok := []error(nil)
	s := openStore(t, monotable.TableConfig{})
	e := mustEntity(t, s.Table, counterSchema())
	for _, row := range []struct {
		verb    string
		version int64
		stored  string // the stored version; "" means that nothing is stored, "-" that the item has no version
		want    []error
		raised  string // the stored version afterwards
	}{
		{"Create", 0, "", ok, "1"},
		{"Create", 1, "", invalid, ""},
		{"Create", 0, "3", exists, "3"},
		{"Create", 3, "3", invalid, "3"},

		{"Put", 0, "", ok, "1"},
		{"Put", 1, "", gone, ""}, // a stale writer does not bring it back
		{"Put", 0, "3", existsConflict, "3"},
		{"Put", 3, "3", ok, "4"},
		{"Put", 2, "3", conflict, "3"},
		{"Put", 4, "3", conflict, "3"},
		{"Put", 1, "-", conflict, "-"},
		{"Put", 0, "-", existsConflict, "-"},
		{"Put", -1, "3", invalid, "3"},

		{"Update", 0, "", missing, ""},
		{"Update", 1, "", gone, ""},
		{"Update", 0, "3", ok, "4"},
		{"Update", 3, "3", ok, "4"},
		{"Update", 2, "3", conflict, "3"},
		{"Update", 0, "-", conflict, "-"},
		{"Update", 1, "-", conflict, "-"},
		{"Update", -1, "3", invalid, "3"},

		{"Upsert", 0, "", ok, "1"},
		{"Upsert", 1, "", gone, ""},
		{"Upsert", 0, "3", ok, "4"},
		{"Upsert", 3, "3", ok, "4"},
		{"Upsert", 2, "3", conflict, "3"},
		{"Upsert", 0, "-", conflict, "-"},
		{"Upsert", -1, "3", invalid, "3"},

		{"Modify", 0, "3", ok, "4"},
		{"Modify", 3, "3", ok, "4"},
		{"Modify", 2, "3", conflict, "3"},
		{"Modify", 0, "-", conflict, "-"},
		{"Modify", -1, "3", invalid, "3"},

		{"Delete", 0, "", ok, ""},
		{"Delete", 1, "", gone, ""},
		{"Delete", 0, "3", ok, ""},
		{"Delete", 3, "3", ok, ""},
		{"Delete", 2, "3", conflict, "3"},
		{"Delete", 1, "-", conflict, "-"},
		{"Delete", 0, "-", ok, ""},
	} {
		t.Run(fmt.Sprintf("%s %d over %q", row.verb, row.version, row.stored), func(t *testing.T) {
			before := seedCounter(t, s, row.stored)
			for _, verb := range counterVerbs(t, e) {
				if verb.name != row.verb {
					continue
				}
				got, err := verb.call(row.version)
				after := s.stored(keyPS("COUNTER#c", "C"))
				if row.want != nil {
					requireError(t, err, row.want...)
					require.Equal(t, before, after)
					if before != nil && !errors.Is(err, monotable.ErrInvalid) {
						old, ok := e.Old(err)
						require.True(t, ok, "the item that refused is attached")
						require.Equal(t, 7, old.N)
					}
					return
				}
				require.NoError(t, err)
				if row.raised == "" {
					require.Nil(t, after)
					return
				}
				require.Equal(t, rawCounter("1", row.raised), after)
				require.Equal(t, row.raised, fmt.Sprint(got.Ver), "what is returned carries the new version")
			}
		})
	}
}

// seedCounter stores a counter of 7, or nothing.
func seedCounter(t *testing.T, s *store, version string) rawItem {
	t.Helper()
	item := rawCounter("7", version)
	switch version {
	case "":
		for _, old := range s.dump() {
			require.NoError(t, s.remove(old))
		}
		return nil
	case "-":
		delete(item, "ver")
	}
	s.write(item)
	return item
}

func TestF022_WithoutVersionCheck(t *testing.T) {
	s := openStore(t, monotable.TableConfig{})
	e := mustEntity(t, s.Table, counterSchema()).With(monotable.WithoutVersionCheck())
	for _, verb := range counterVerbs(t, e) {
		if verb.name == "Create" {
			continue // it has no version to leave unchecked
		}
		for _, stored := range []string{"3", "-"} {
			t.Run(verb.name+" over "+stored, func(t *testing.T) {
				seedCounter(t, s, stored)
				_, err := verb.call(9)
				require.NoError(t, err)
				after := s.stored(keyPS("COUNTER#c", "C"))
				switch {
				case verb.name == "Delete":
					require.Nil(t, after)
				case verb.name == "Put":
					require.Equal(t, rawCounter("1", "10"), after)
				case stored == "3":
					require.Equal(t, rawCounter("1", "4"), after, "raised, so that stale writers lose")
				default:
					require.Equal(t, rawCounter("1", "1"), after)
				}
			})
		}
	}
}

func TestF022_AdoptUnversioned(t *testing.T) {
	s := openStore(t, monotable.TableConfig{})
	e := mustEntity(t, s.Table, counterSchema()).With(monotable.AdoptUnversioned())
	for _, verb := range counterVerbs(t, e) {
		if verb.name != "Update" && verb.name != "Upsert" && verb.name != "Modify" {
			continue
		}
		t.Run(verb.name, func(t *testing.T) {
			seedCounter(t, s, "-")
			got, err := verb.call(0)
			require.NoError(t, err)
			require.Equal(t, counter{"c", 1, 1}, got)
			require.Equal(t, rawCounter("1", "1"), s.stored(keyPS("COUNTER#c", "C")))
			got, err = verb.call(1)
			if verb.name == "Modify" { // which changes nothing any more, and writes nothing
				require.NoError(t, err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, counter{"c", 1, 2}, got)

			seedCounter(t, s, "-")
			_, err = verb.call(1)
			requireError(t, err, monotable.ErrVersionConflict, monotable.ErrConditionFailed)
		})
	}
}

func TestF022_Overflow(t *testing.T) {
	s := openStore(t, monotable.TableConfig{})
	e := mustEntity(t, s.Table, counterSchema())
	full := fmt.Sprint(int64(math.MaxInt64))
	for _, verb := range counterVerbs(t, e) {
		if verb.name == "Create" || verb.name == "Delete" {
			continue
		}
		for _, version := range []int64{math.MaxInt64, 0} {
			if version == 0 && verb.name == "Put" {
				continue
			}
			t.Run(fmt.Sprintf("%s/version=%d", verb.name, version), func(t *testing.T) {
				before := seedCounter(t, s, full)
				_, err := verb.call(version)
				require.Error(t, err)
				if version > 0 {
					requireError(t, err, monotable.ErrInvalid)
				}
				require.Equal(t, before, s.stored(keyPS("COUNTER#c", "C")), "no write may store a version that its own reads reject")
			})
		}
	}
}

// small is versioned by a type that is soon full.
type small struct {
	ID  string `dynamodbav:"id"`
	Ver int32  `dynamodbav:"ver"`
	N   int    `dynamodbav:"n"`
}

func TestF022_OverflowOfSmallTypes(t *testing.T) {
	s := openStore(t, monotable.TableConfig{})
	ver := monotable.Field(func(c *small) *int32 { return &c.Ver })
	n := monotable.Field(func(c *small) *int { return &c.N })
	e := mustEntity(t, s.Table, monotable.Schema[small]{
		Name: "Small", Key: monotable.Key{Partition: "S#{id}", Sort: "S"}, Rules: []monotable.Rule[small]{monotable.Version(ver)},
	})
	seed := rawItem{"PK": avS("S#s"), "SK": avS("S"), "_et": avS("Small"), "id": avS("s"), "n": avN("1"), "ver": avN("2147483647")}
	s.write(seed)
	_, err := e.Put(t.Context(), small{"s", math.MaxInt32, 2})
	requireError(t, err, monotable.ErrInvalid)
	_, err = e.Update(t.Context(), small{ID: "s", Ver: math.MaxInt32}, n.Set(2))
	requireError(t, err, monotable.ErrInvalid)
	_, err = e.Modify(t.Context(), small{ID: "s"}, func(c *small) error { c.N = 2; return nil })
	require.Error(t, err)
	_, err = e.Update(t.Context(), small{ID: "s"}, n.Set(2))
	require.Error(t, err)
	require.Equal(t, seed, s.stored(keyPS("S#s", "S")))
}

func TestVersionIsNotTheCallers(t *testing.T) {
	s := openStore(t, monotable.TableConfig{})
	e := mustEntity(t, s.Table, counterSchema())
	seed := seedCounter(t, s, "3")
	key := counter{ID: "c"}
	for name, change := range map[string]monotable.Change[counter]{
		"Set": counterVer.Set(9), "Remove": counterVer.Remove(), "Add": monotable.Add(counterVer, 1), "SetIfAbsent": counterVer.SetIfAbsent(1),
	} {
		_, err := e.Update(t.Context(), key, change)
		requireError(t, err, monotable.ErrInvalid)
		_, err = e.Upsert(t.Context(), key, counterN.Set(1), change)
		require.ErrorIs(t, err, monotable.ErrInvalid, name)
	}
	_, err := e.Modify(t.Context(), key, func(c *counter) error { c.Ver = 9; return nil })
	requireError(t, err, monotable.ErrInvalid)
	require.Equal(t, seed, s.stored(keyPS("COUNTER#c", "C")))

	t.Run("but may stand in conditions", func(t *testing.T) {
		got, err := e.Update(t.Context(), key, counterN.Set(1), counterVer.Eq(3))
		require.NoError(t, err)
		require.Equal(t, counter{"c", 1, 4}, got)
		_, err = e.Update(t.Context(), key, counterN.Set(1), counterVer.Eq(3))
		requireError(t, err, monotable.ErrVersionConflict, monotable.ErrConditionFailed)
		old, err := e.Delete(t.Context(), key, counterVer.In(4, 5))
		require.NoError(t, err)
		require.Equal(t, &got, old)
	})
}

// TestF023_StaleWriterAfterDelete also is F029: what failed is told apart.
func TestF023_StaleWriterAfterDelete(t *testing.T) {
	s := openStore(t, monotable.TableConfig{})
	e := mustEntity(t, s.Table, counterSchema())
	ctx := t.Context()
	first, err := e.Create(ctx, counter{ID: "c"})
	require.NoError(t, err)
	_, err = e.Delete(ctx, first)
	require.NoError(t, err)
	_, err = e.Put(ctx, first)
	require.ErrorIs(t, err, monotable.ErrVersionConflict)
	require.ErrorIs(t, err, monotable.ErrNotFound)
	require.NotErrorIs(t, err, monotable.ErrAlreadyExists)
	require.Empty(t, s.dump())

	_, err = e.Create(ctx, counter{ID: "c", N: 1})
	require.NoError(t, err)
	second, err := e.Update(ctx, counter{ID: "c"}, counterN.Set(2))
	require.NoError(t, err)
	_, err = e.Update(ctx, first, counterN.Set(3), counterN.Eq(100))
	requireError(t, err, monotable.ErrVersionConflict, monotable.ErrConditionFailed)
	_, err = e.Update(ctx, second, counterN.Set(3), counterN.Eq(100))
	requireError(t, err, monotable.ErrConditionFailed)
	var sdk *types.ConditionalCheckFailedException
	require.ErrorAs(t, err, &sdk, "the SDK's own error stays reachable")
}
