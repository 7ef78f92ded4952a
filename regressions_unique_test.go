package monotable_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

// Values from before the attribute was Unique may be longer than a key. They hold no guard, and can be changed and removed.
func TestValuesThatMakeNoGuard(t *testing.T) {
	ctx := t.Context()
	s := openStore(t, monotable.TableConfig{})
	e := mustEntity(t, s.Table, personSchema())
	long := func(id string) rawItem {
		return with(keyPS("MEMBER#"+id, "PROFILE"), rawItem{"_et": avS("Member"), "id": avS(id), "org": avS("o"), "email": avS(strings.Repeat("x", 3000))})
	}
	s.write(long("a"), long("b"), long("c"))
	for p, err := range e.RepairUnique(ctx) {
		require.NoError(t, err)
		t.Errorf("%+v", p)
	}
	_, err := e.Update(ctx, person{ID: "a"}, personEmail.Set("a@x.io"))
	require.NoError(t, err)
	_, err = e.Put(ctx, person{ID: "b", Org: "o", Email: "b@x.io"})
	require.NoError(t, err)
	_, err = e.Delete(ctx, person{ID: "c"})
	require.NoError(t, err)
	require.Equal(t, map[string]string{"UNIQUE#Member#email#a@x.io": "MEMBER#a", "UNIQUE#Member#email#b@x.io": "MEMBER#b"}, s.guards())
}

// A renamed entity keeps the guards of its old name.
func TestRenamedEntityKeepsItsGuards(t *testing.T) {
	ctx := t.Context()
	s := openStore(t, monotable.TableConfig{})
	old := mustEntity(t, s.Table, personSchema())
	_, err := old.Create(ctx, person{ID: "ann", Org: "o", Email: "ann@x.io"})
	require.NoError(t, err)
	schema := personSchema()
	schema.Name, schema.Aliases = "Person", []string{"Member"}
	renamed := mustEntity(t, s.over(s.client), schema)
	_, err = renamed.Create(ctx, person{ID: "bob", Org: "o", Email: "ann@x.io"})
	require.ErrorIs(t, err, monotable.ErrDuplicate)
	got, err := renamed.GetBy(ctx, personEmail.Eq("ann@x.io"))
	require.NoError(t, err)
	require.Equal(t, "ann", got.ID)
	for p, err := range renamed.CheckUnique(ctx) {
		require.NoError(t, err)
		t.Errorf("%+v", p)
	}
}

// Delete under ExactlyOnce returns the item that it removed, not one that was read before another changed or removed it.
func TestExactlyOnceDeletesWhatItReturns(t *testing.T) {
	ctx := t.Context()
	for name, meanwhile := range map[string]func(*monotable.Entity[plain]) error{
		"changed": func(e *monotable.Entity[plain]) error {
			_, err := e.Update(ctx, plain{ID: "a"}, monotable.Add(plainN, 41))
			return err
		},
		"removed": func(e *monotable.Entity[plain]) error { _, err := e.Delete(ctx, plain{ID: "a"}); return err },
	} {
		t.Run(name, func(t *testing.T) {
			s := openStore(t, monotable.TableConfig{})
			other := mustEntity(t, s.Table, plainSchema())
			_, err := other.Create(ctx, plain{ID: "a", N: 1})
			require.NoError(t, err)
			var faults monotabletest.Faults
			e := mustEntity(t, s.over(faults.Client(s.client)), plainSchema())
			faults.Script("TransactWriteItems", func(r *http.Request, do func(*http.Request) (*http.Response, error)) (*http.Response, error) {
				require.NoError(t, meanwhile(other))
				return do(r)
			})
			old, err := e.With(monotable.ExactlyOnce()).Delete(ctx, plain{ID: "a"})
			require.NoError(t, err)
			if name == "removed" {
				require.Nil(t, old)
			} else {
				require.Equal(t, &plain{ID: "a", N: 42}, old)
			}
		})
	}
}

type plain struct {
	ID string `dynamodbav:"id"`
	N  int    `dynamodbav:"n"`
}

var plainN = monotable.Field(func(p *plain) *int { return &p.N })

func plainSchema() monotable.Schema[plain] {
	return monotable.Schema[plain]{Name: "Plain", Key: monotable.Key{Partition: "PLAIN#{id}", Sort: "P"}}
}

// What depends on what is stored is refused under a token of the caller's: it would not be the same request again.
func TestF049_TokenOfWhatDependsOnTheItem(t *testing.T) {
	ctx := t.Context()
	s := openStore(t, monotable.TableConfig{})
	e := mustEntity(t, s.Table, plainSchema())
	once := e.With(monotable.ExactlyOnce(), monotable.Token("t1"))
	_, err := once.Upsert(ctx, plain{ID: "a"}, monotable.Add(plainN, 1))
	requireError(t, err, monotable.ErrInvalid)
	_, err = once.Modify(ctx, plain{ID: "a"}, func(p *plain) error { p.N++; return nil })
	requireError(t, err, monotable.ErrInvalid)
	requireError(t, s.With(monotable.Token("t2")).TransactWrite(ctx, e.UpsertOp(plain{ID: "a"}, monotable.Add(plainN, 1))), monotable.ErrInvalid)
	require.Empty(t, s.dump())

	_, err = e.Create(ctx, plain{ID: "a"})
	require.NoError(t, err)
	for range 3 {
		got, err := once.Update(ctx, plain{ID: "a"}, monotable.Add(plainN, 1))
		require.NoError(t, err)
		require.Equal(t, 1, got.N)
	}
	for range 2 {
		old, err := e.With(monotable.ExactlyOnce(), monotable.Token("t3")).Delete(ctx, plain{ID: "a"})
		require.NoError(t, err)
		require.Nil(t, old, "not read, so that the request stays the same")
	}
}

func TestZeroOperations(t *testing.T) {
	ctx := t.Context()
	s := openStore(t, monotable.TableConfig{})
	for _, op := range []monotable.WriteOp{
		monotable.PutOp[plain]{}, monotable.CreateOp[plain]{}, monotable.UpdateOp[plain]{}, monotable.UpsertOp[plain]{}, monotable.DeleteOp[plain]{}, monotable.CheckOp[plain]{},
	} {
		requireError(t, s.TransactWrite(ctx, op), monotable.ErrInvalid)
		if batched, ok := op.(monotable.BatchOp); ok {
			requireError(t, s.BatchWrite(ctx, batched), monotable.ErrInvalid)
		}
	}
	requireError(t, s.TransactGet(ctx, monotable.GetOp[plain]{}), monotable.ErrInvalid)
	_, err := monotable.UpsertOp[plain]{}.Request()
	requireError(t, err, monotable.ErrInvalid)
	require.Equal(t, "State(9)", monotable.State(9).String())
}

// An item gives its value away and gets it back while another writer is about to change it: the guard that was another item's for a moment is freed all the same.
func TestF051_AGuardThatWasAnothersForAMoment(t *testing.T) {
	ctx := t.Context()
	s := openStore(t, monotable.TableConfig{})
	others := mustEntity(t, s.Table, personSchema())
	var faults monotabletest.Faults
	e := mustEntity(t, s.over(faults.Client(s.client, hasty)).With(monotable.Backoff(atEase)), personSchema())
	for id, email := range map[string]string{"7": "v5", "9": "v9"} {
		_, err := others.Create(ctx, person{ID: id, Org: "o", Email: email})
		require.NoError(t, err)
	}
	set := func(id, email string) {
		_, err := others.Update(ctx, person{ID: id}, personEmail.Set(email))
		require.NoError(t, err)
	}
	requests := 0
	faults.Between(func(r monotabletest.Request) {
		requests++
		switch {
		case requests == 1: // it has read v5
			require.Equal(t, "GetItem", r.Operation)
			set("7", "v6")
			set("9", "v5")
		case requests == 2: // it was refused: v5 is the other's
			require.Equal(t, "TransactWriteItems", r.Operation)
			require.False(t, r.Applied())
			set("9", "v9")
			set("7", "v5")
		}
	})
	_, err := e.Update(ctx, person{ID: "7"}, personEmail.Set("v8"))
	require.NoError(t, err)
	requireUnique(t, s)
}
