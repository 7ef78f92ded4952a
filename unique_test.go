package monotable_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
)

// person is a record with unique values: an email anywhere, a name within an organisation.
type person struct {
	ID    string `dynamodbav:"id"`
	Org   string `dynamodbav:"org"`
	Name  string `dynamodbav:"name,omitempty"`
	Email string `dynamodbav:"email,omitempty"`
	Note  string `dynamodbav:"note,omitempty"`
}

var (
	personID    = monotable.Field(func(p *person) *string { return &p.ID })
	personOrg   = monotable.Field(func(p *person) *string { return &p.Org })
	personName  = monotable.Field(func(p *person) *string { return &p.Name })
	personEmail = monotable.Field(func(p *person) *string { return &p.Email })
	personNote  = monotable.Field(func(p *person) *string { return &p.Note })
)

func personSchema() monotable.Schema[person] {
	return monotable.Schema[person]{
		Name: "Member", Key: monotable.Key{Partition: "MEMBER#{id}", Sort: "PROFILE"},
		Rules: []monotable.Rule[person]{
			personEmail.Transform(strings.ToLower).Unique(),
			personName.Unique(personOrg),
		},
	}
}

func guardRaw(key, owner string) rawItem {
	return rawItem{"PK": avS(key), "SK": avS("UNIQUE"), "_owner": avM(keyPS("MEMBER#"+owner, "PROFILE"))}
}

// guards are the guard items that are stored, by partition key.
func (s *store) guards() map[string]string {
	found := map[string]string{}
	for _, item := range s.dump() {
		if owner, ok := item["_owner"]; ok {
			found[text(item["PK"])] = text(asMap(owner)["PK"])
		}
	}
	return found
}

func TestF051_EveryVerbMovesTheGuard(t *testing.T) {
	ctx := t.Context()
	s := openStore(t, monotable.TableConfig{})
	e := mustEntity(t, s.Table, personSchema())

	ann, err := e.Create(ctx, person{ID: "ann", Org: "o1", Name: "Ann", Email: "Ann@X.io"})
	require.NoError(t, err)
	require.Equal(t, "ann@x.io", ann.Email)
	require.Equal(t, guardRaw("UNIQUE#Member#email#ann@x.io", "ann"), s.stored(keyPS("UNIQUE#Member#email#ann@x.io", "UNIQUE")))
	require.Equal(t, map[string]string{"UNIQUE#Member#email#ann@x.io": "MEMBER#ann", "UNIQUE#Member#name#o1#Ann": "MEMBER#ann"}, s.guards())

	taken := func(err error, attribute string) {
		t.Helper()
		requireError(t, err, monotable.ErrConditionFailed)
		require.ErrorIs(t, err, monotable.ErrDuplicate)
		var failed *monotable.ConditionError
		require.ErrorAs(t, err, &failed)
		require.Equal(t, attribute, failed.Attribute)
		require.NotContains(t, err.Error(), "ann@x.io")
	}
	_, err = e.Create(ctx, person{ID: "bob", Org: "o1", Email: "ANN@x.io"})
	taken(err, "email")
	_, err = e.Create(ctx, person{ID: "bob", Org: "o1", Name: "Ann"})
	taken(err, "name")
	_, err = e.Create(ctx, person{ID: "bob", Org: "o2", Name: "Ann", Email: "bob@x.io"})
	require.NoError(t, err, "the name is unique within an organisation")

	_, err = e.Update(ctx, person{ID: "bob"}, personEmail.Set("ann@X.io"))
	taken(err, "email")
	_, err = e.Update(ctx, person{ID: "bob"}, personOrg.Set("o1"))
	taken(err, "name")
	_, err = e.Upsert(ctx, person{ID: "bob"}, personEmail.Set("ann@x.io"))
	taken(err, "email")
	_, err = e.Upsert(ctx, person{ID: "new"}, personEmail.Set("ann@x.io"), personOrg.Set("o"))
	taken(err, "email")
	_, err = e.Modify(ctx, person{ID: "bob"}, func(p *person) error { p.Email = "ann@x.io"; return nil })
	taken(err, "email")
	_, err = e.Put(ctx, person{ID: "bob", Org: "o2", Email: "ann@x.io"})
	taken(err, "email")
	taken(s.TransactWrite(ctx, e.UpsertOp(person{ID: "bob"}, personEmail.Set("ann@x.io"))), "email")

	// The value moves on, and is free.
	got, err := e.Update(ctx, person{ID: "ann"}, personEmail.Set("Ann@Y.io"), personNote.Set("moved"))
	require.NoError(t, err)
	require.Equal(t, person{ID: "ann", Org: "o1", Name: "Ann", Email: "ann@y.io", Note: "moved"}, got)
	got, err = e.Modify(ctx, person{ID: "bob"}, func(p *person) error { p.Email = "ann@x.io"; return nil })
	require.NoError(t, err)
	require.Equal(t, "ann@x.io", got.Email)
	require.Equal(t, map[string]string{
		"UNIQUE#Member#email#ann@y.io": "MEMBER#ann", "UNIQUE#Member#name#o1#Ann": "MEMBER#ann",
		"UNIQUE#Member#email#ann@x.io": "MEMBER#bob", "UNIQUE#Member#name#o2#Ann": "MEMBER#bob",
	}, s.guards())

	// A swap in one transaction.
	require.NoError(t, s.TransactWrite(ctx,
		e.UpdateOp(person{ID: "ann"}, personEmail.Set("ann@x.io")),
		e.UpdateOp(person{ID: "bob"}, personEmail.Set("ann@y.io"))))
	require.Equal(t, "MEMBER#ann", s.guards()["UNIQUE#Member#email#ann@x.io"])
	require.Equal(t, "MEMBER#bob", s.guards()["UNIQUE#Member#email#ann@y.io"])

	_, err = e.Update(ctx, person{ID: "ann"}, personEmail.Remove())
	require.NoError(t, err)
	_, err = e.Put(ctx, person{ID: "ann", Org: "o3", Name: "Ann"})
	require.NoError(t, err)
	old, err := e.Delete(ctx, person{ID: "bob"})
	require.NoError(t, err)
	require.Equal(t, &person{ID: "bob", Org: "o2", Name: "Ann", Email: "ann@y.io"}, old)
	require.Equal(t, map[string]string{"UNIQUE#Member#name#o3#Ann": "MEMBER#ann"}, s.guards())
	old, err = e.Delete(ctx, person{ID: "bob"})
	require.NoError(t, err)
	require.Nil(t, old)
	require.NoError(t, s.TransactWrite(ctx, e.DeleteOp(person{ID: "ann"}), e.CreateOp(person{ID: "eve", Org: "o3", Name: "Ann"})))
	require.Equal(t, map[string]string{"UNIQUE#Member#name#o3#Ann": "MEMBER#eve"}, s.guards())
}

func TestF051_ChangesThatDoNotTellTheValue(t *testing.T) {
	ctx := t.Context()
	s := openStore(t, monotable.TableConfig{})
	e := mustEntity(t, s.Table, personSchema())
	_, err := e.Create(ctx, person{ID: "ann", Org: "o", Note: "n", Email: "ann@x.io"})
	require.NoError(t, err)
	for _, change := range []monotable.Change[person]{
		personEmail.SetFrom(personNote), personEmail.SetIfAbsent("x@x.io"), personOrg.SetFrom(personNote),
	} {
		_, err = e.Update(ctx, person{ID: "ann"}, change)
		requireError(t, err, monotable.ErrInvalid)
	}
	_, err = e.Upsert(ctx, person{ID: "bob"}, personEmail.SetIfAbsent("bob@x.io"), personOrg.SetIfAbsent("o"), personNote.Set("new"))
	require.NoError(t, err)
	_, err = e.Upsert(ctx, person{ID: "bob"}, personEmail.SetIfAbsent("other@x.io"), personNote.Set("known"))
	require.NoError(t, err)
	require.Equal(t, map[string]string{"UNIQUE#Member#email#ann@x.io": "MEMBER#ann", "UNIQUE#Member#email#bob@x.io": "MEMBER#bob"}, s.guards())
}

func TestF025_NoBatchOfUniqueValues(t *testing.T) {
	s := openStore(t, monotable.TableConfig{})
	e := mustEntity(t, s.Table, personSchema())
	for _, op := range []monotable.BatchOp{e.PutOp(person{ID: "a"}), e.With(monotable.WithoutVersionCheck()).DeleteOp(person{ID: "a"})} {
		requireError(t, s.BatchWrite(t.Context(), op), monotable.ErrInvalid)
	}
}

func TestGetBy(t *testing.T) {
	ctx := t.Context()
	s := openStore(t, monotable.TableConfig{})
	e := mustEntity(t, s.Table, personSchema())
	ann, err := e.Create(ctx, person{ID: "ann", Org: "o1", Name: "Ann", Email: "ann@x.io"})
	require.NoError(t, err)

	got, err := e.GetBy(ctx, personEmail.Eq("ANN@x.io"))
	require.NoError(t, err)
	require.Equal(t, ann, got)
	got, err = e.GetBy(ctx, personName.Eq("Ann"), personOrg.Eq("o1"))
	require.NoError(t, err)
	require.Equal(t, ann, got)
	_, err = e.GetBy(ctx, personName.Eq("Ann"), personOrg.Eq("o2"))
	requireError(t, err, monotable.ErrNotFound)

	for _, bad := range [][]monotable.KeyCond[person]{
		{personName.Eq("Ann")},
		{personEmail.Eq("")},
		{personNote.Eq("x")},
		{personEmail.Gt("a")},
		{{}},
		{personEmail.Eq("ann@x.io"), personOrg.Eq("o1")},
		{personID.Eq("ann")},
	} {
		_, err = e.GetBy(ctx, bad[0], bad[1:]...)
		requireError(t, err, monotable.ErrInvalid)
	}

	// A guard without its item finds nothing.
	s.write(guardRaw("UNIQUE#Member#email#gone@x.io", "gone"))
	_, err = e.GetBy(ctx, personEmail.Eq("gone@x.io"))
	requireError(t, err, monotable.ErrNotFound)
}

func TestRepairUnique(t *testing.T) {
	ctx := t.Context()
	s := openStore(t, monotable.TableConfig{})
	e := mustEntity(t, s.Table, personSchema())
	_, err := e.Create(ctx, person{ID: "fine", Org: "o", Email: "fine@x.io"})
	require.NoError(t, err)
	raw := func(id, email string) rawItem {
		return with(keyPS("MEMBER#"+id, "PROFILE"), rawItem{"_et": avS("Member"), "id": avS(id), "org": avS("o"), "email": avS(email)})
	}
	s.write(
		raw("unguarded", "un@x.io"),
		guardRaw("UNIQUE#Member#email#orphan@x.io", "nobody"),
		guardRaw("UNIQUE#Member#email#left@x.io", "fine"),
		raw("first", "twice@x.io"), guardRaw("UNIQUE#Member#email#twice@x.io", "first"), raw("second", "twice@x.io"),
		raw("robbed", "robbed@x.io"), guardRaw("UNIQUE#Member#email#robbed@x.io", "nobody"),
		keyPS("UNIQUE#Member#email#odd@x.io", "UNIQUE"),
		with(raw("odd", ""), rawItem{"note": avN("1")}), // does not decode
	)
	find := func(repair bool) map[string]int {
		found := map[string]int{}
		seq := e.CheckUnique(ctx)
		if repair {
			seq = e.RepairUnique(ctx)
		}
		for p, err := range seq {
			require.NoError(t, err)
			key := string(p.Fault) + " " + p.Attribute + " " + text(p.Guard["PK"])
			if p.Repaired {
				key += " repaired"
			}
			found[key]++
		}
		return found
	}
	before := s.dump()
	checked := find(false)
	require.Equal(t, 1, checked["guard missing email UNIQUE#Member#email#un@x.io"])
	require.Equal(t, 1, checked["guard orphaned email UNIQUE#Member#email#orphan@x.io"])
	require.Equal(t, 1, checked["guard orphaned email UNIQUE#Member#email#left@x.io"])
	require.Equal(t, 1, checked["value twice email UNIQUE#Member#email#twice@x.io"])
	require.Equal(t, 1, checked["guard missing email UNIQUE#Member#email#robbed@x.io"])
	require.Equal(t, 1, checked["guard orphaned email UNIQUE#Member#email#robbed@x.io"])
	require.Equal(t, 1, checked["guard orphaned email UNIQUE#Member#email#odd@x.io"])
	require.Len(t, checked, 7)
	require.ElementsMatch(t, before, s.dump(), "checking changes nothing")

	find(true)
	find(true)
	require.Equal(t, map[string]int{"value twice email UNIQUE#Member#email#twice@x.io": 1}, find(true))
	require.Equal(t, map[string]string{
		"UNIQUE#Member#email#fine@x.io": "MEMBER#fine", "UNIQUE#Member#email#un@x.io": "MEMBER#unguarded",
		"UNIQUE#Member#email#twice@x.io": "MEMBER#first", "UNIQUE#Member#email#robbed@x.io": "MEMBER#robbed",
	}, s.guards())
}

// rental is a record with a unique value that expires.
type rental struct {
	ID    string    `dynamodbav:"id"`
	Name  string    `dynamodbav:"name"`
	Until time.Time `dynamodbav:"until"`
}

var (
	rentalName  = monotable.Field(func(l *rental) *string { return &l.Name })
	rentalUntil = monotable.Field(func(l *rental) *time.Time { return &l.Until })
)

func TestF054_GuardsExpireWithTheirItem(t *testing.T) {
	ctx := t.Context()
	clock := newClock()
	s := openStore(t, monotable.TableConfig{Clock: clock.now})
	e := mustEntity(t, s.Table, monotable.Schema[rental]{
		Name: "Lease", Key: monotable.Key{Partition: "LEASE#{id}", Sort: "L"},
		Rules: []monotable.Rule[rental]{rentalName.Unique(), monotable.ExpiresAt(rentalUntil)},
	})
	key := keyPS("UNIQUE#Lease#name#n", "UNIQUE")
	until := func() string { return asN(s.stored(key)["until"]) }
	unix := func(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }

	end := clock.now().Add(time.Hour)
	_, err := e.Create(ctx, rental{ID: "a", Name: "n", Until: end})
	require.NoError(t, err)
	require.Equal(t, unix(end), until())
	end = end.Add(time.Hour)
	_, err = e.Update(ctx, rental{ID: "a"}, rentalUntil.Set(end))
	require.NoError(t, err)
	require.Equal(t, unix(end), until())
	end = end.Add(time.Hour)
	_, err = e.Modify(ctx, rental{ID: "a"}, func(l *rental) error { l.Until = end; return nil })
	require.NoError(t, err)
	require.Equal(t, unix(end), until())
	end = end.Add(time.Hour)
	_, err = e.Put(ctx, rental{ID: "a", Name: "n", Until: end})
	require.NoError(t, err)
	require.Equal(t, unix(end), until())
	_, err = e.Create(ctx, rental{ID: "b", Name: "n"})
	require.ErrorIs(t, err, monotable.ErrDuplicate)

	clock.forward(5 * time.Hour)
	_, err = e.GetBy(ctx, rentalName.Eq("n"))
	requireError(t, err, monotable.ErrNotFound)
	_, err = e.Create(ctx, rental{ID: "b", Name: "n", Until: clock.now().Add(time.Hour)})
	require.NoError(t, err, "an expired guard is nobody's")
	got, err := e.GetBy(ctx, rentalName.Eq("n"))
	require.NoError(t, err)
	require.Equal(t, "b", got.ID)
	_, err = e.Create(ctx, rental{ID: "a", Name: "n"})
	require.ErrorIs(t, err, monotable.ErrDuplicate)
	_, err = e.Create(ctx, rental{ID: "a", Name: "m"})
	require.NoError(t, err, "an expired item is none")
}

func TestF045_GuardsCountInATransaction(t *testing.T) {
	ctx := t.Context()
	s := openStore(t, monotable.TableConfig{})
	e := mustEntity(t, s.Table, personSchema())
	people := func(n int) []monotable.WriteOp {
		ops := make([]monotable.WriteOp, n)
		for i := range ops {
			id := strconv.Itoa(i)
			ops[i] = e.CreateOp(person{ID: id, Org: "o", Email: id + "@x.io", Name: id})
		}
		return ops
	}
	requireError(t, s.TransactWrite(ctx, people(34)...), monotable.ErrInvalid)
	require.Empty(t, s.dump())
	require.NoError(t, s.TransactWrite(ctx, people(33)...))
	require.Len(t, s.dump(), 99)

	// Two items with one value are refused before anything is sent; the operation that meets a taken one is named.
	err := s.TransactWrite(ctx, e.CreateOp(person{ID: "x", Email: "new@x.io"}), e.CreateOp(person{ID: "y", Email: "new@x.io"}))
	requireError(t, err, monotable.ErrInvalid)
	require.ErrorIs(t, err, monotable.ErrDuplicate)
	err = s.TransactWrite(ctx, e.CreateOp(person{ID: "x", Email: "new@x.io"}), e.CreateOp(person{ID: "y", Email: "7@x.io"}), e.CreateOp(person{ID: "3"}))
	requireError(t, err, monotable.ErrConditionFailed, monotable.ErrAlreadyExists)
	require.ErrorIs(t, err, monotable.ErrDuplicate)
	var failed *monotable.TransactionError
	require.ErrorAs(t, err, &failed)
	require.Len(t, failed.Operations, 2)
	require.Equal(t, 1, failed.Operations[0].Index)
	require.ErrorIs(t, failed.Operations[0], monotable.ErrDuplicate)
	require.NotErrorIs(t, failed.Operations[1], monotable.ErrDuplicate)
	require.Len(t, s.dump(), 99)
}

func TestF053_NoFalseDuplicates(t *testing.T) {
	ctx := t.Context()
	s := openStore(t, monotable.TableConfig{})
	spy := &spyClient{Client: s.client}
	table := s.over(spy)
	e := mustEntity(t, table, personSchema())
	ann := person{ID: "ann", Org: "o", Name: "Ann", Email: "ann@x.io"}
	_, err := e.Create(ctx, ann)
	require.NoError(t, err)
	before := s.guards()

	calls := spy.calls()
	_, err = e.Update(ctx, person{ID: "ann"}, personNote.Set("x"))
	require.NoError(t, err)
	require.EqualValues(t, 1, spy.calls()-calls, "an update that does not touch the values is one request")

	for name, write := range map[string]func() error{
		"Put":    func() error { _, err := e.Put(ctx, ann); return err },
		"Update": func() error { _, err := e.Update(ctx, person{ID: "ann"}, personEmail.Set("ANN@x.io")); return err },
		"Upsert": func() error { _, err := e.Upsert(ctx, person{ID: "ann"}, personEmail.Set("ann@x.io")); return err },
		"Modify": func() error {
			_, err := e.Modify(ctx, person{ID: "ann"}, func(p *person) error { p.Note += "!"; return nil })
			return err
		},
		"transaction": func() error { return table.TransactWrite(ctx, e.PutOp(ann)) },
	} {
		calls := spy.calls()
		require.NoError(t, write(), name)
		if name != "transaction" {
			require.EqualValues(t, 2, spy.calls()-calls, "%s: a read and a write, no transaction", name)
		}
		require.Equal(t, before, s.guards(), name)
	}

	// Another condition that fails is no duplicate.
	_, err = e.Create(ctx, ann)
	requireError(t, err, monotable.ErrAlreadyExists, monotable.ErrConditionFailed)
	require.NotErrorIs(t, err, monotable.ErrDuplicate)
	_, err = e.Update(ctx, person{ID: "ann"}, personEmail.Set("new@x.io"), personNote.Eq("other"))
	requireError(t, err, monotable.ErrConditionFailed)
	require.NotErrorIs(t, err, monotable.ErrDuplicate)
	_, err = e.Update(ctx, person{ID: "nobody"}, personEmail.Set("new@x.io"))
	requireError(t, err, monotable.ErrNotFound, monotable.ErrConditionFailed)

	// A guard left over by an item that is gone is its own again.
	s.write(guardRaw("UNIQUE#Member#email#back@x.io", "back"))
	_, err = e.Create(ctx, person{ID: "back", Org: "o", Email: "back@x.io"})
	require.NoError(t, err)
}

func TestF052_AnothersGuardStays(t *testing.T) {
	ctx := t.Context()
	s := openStore(t, monotable.TableConfig{})
	e := mustEntity(t, s.Table, personSchema())
	_, err := e.Create(ctx, person{ID: "ann", Org: "o", Email: "ann@x.io"})
	require.NoError(t, err)
	// Somebody else holds the guard of ann's value, as after a repair by hand.
	s.write(guardRaw("UNIQUE#Member#email#ann@x.io", "bob"))
	for _, write := range []func() error{
		func() error { _, err := e.Update(ctx, person{ID: "ann"}, personEmail.Set("a1@x.io")); return err },
		func() error { _, err := e.Put(ctx, person{ID: "ann", Org: "o", Email: "a2@x.io"}); return err },
		func() error {
			_, err := e.Modify(ctx, person{ID: "ann"}, func(p *person) error { p.Email = "a3@x.io"; return nil })
			return err
		},
		func() error { return s.TransactWrite(ctx, e.UpdateOp(person{ID: "ann"}, personEmail.Set("a4@x.io"))) },
		func() error { _, err := e.Delete(ctx, person{ID: "ann"}); return err },
	} {
		item := s.stored(keyPS("MEMBER#ann", "PROFILE"))
		s.write(with(item, rawItem{"email": avS("ann@x.io")}))
		require.NoError(t, write())
		require.Equal(t, "MEMBER#bob", s.guards()["UNIQUE#Member#email#ann@x.io"])
	}
}

// TestF052_ValuesThatMoveMeanwhile lets another writer change the value between the read and the write.
func TestF052_ValuesThatMoveMeanwhile(t *testing.T) {
	for name, write := range map[string]func(t *testing.T, e *monotable.Entity[person]) error{
		"Put": func(t *testing.T, e *monotable.Entity[person]) error {
			_, err := e.Put(t.Context(), person{ID: "ann", Org: "o", Email: "mine@x.io"})
			return err
		},
		"Update": func(t *testing.T, e *monotable.Entity[person]) error {
			_, err := e.Update(t.Context(), person{ID: "ann"}, personEmail.Set("mine@x.io"))
			return err
		},
		"Modify": func(t *testing.T, e *monotable.Entity[person]) error {
			_, err := e.Modify(t.Context(), person{ID: "ann"}, func(p *person) error { p.Email = "mine@x.io"; return nil })
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := openStore(t, monotable.TableConfig{})
			other := mustEntity(t, s.Table, personSchema())
			_, err := other.Create(t.Context(), person{ID: "ann", Org: "o", Email: "ann@x.io"})
			require.NoError(t, err)
			moved := false
			spy := &spyClient{Client: s.client, onGet: func() {
				if !moved {
					moved = true
					_, err := other.Update(t.Context(), person{ID: "ann"}, personEmail.Set("moved@x.io"))
					require.NoError(t, err)
				}
			}}
			require.NoError(t, write(t, mustEntity(t, s.over(spy), personSchema())))
			require.Equal(t, map[string]string{"UNIQUE#Member#email#mine@x.io": "MEMBER#ann"}, s.guards())
		})
	}
}

func TestUniqueDefinitions(t *testing.T) {
	for name, rules := range map[string][]monotable.Rule[thing]{
		"a list":            {thingList.Unique()},
		"a scope of a list": {thingName.Unique(thingList)},
		"the version":       {monotable.AttrRule[thing, int64]{}, thingVer.Unique(), monotable.Version(thingVer)},
		"twice":             {thingName.Unique(), thingName.Unique(thingID)},
		"a nil scope":       {thingName.Unique(nil)},
	} {
		_, err := monotable.NewEntity(declare(t), monotable.Schema[thing]{Name: "Thing", Key: monotable.Key{Partition: "T#{id}", Sort: "T"}, Rules: rules})
		requireError(t, err, monotable.ErrInvalid)
		require.NotNil(t, err, name)
	}
	numbers, err := monotable.NewTable(offline(), monotable.TableConfig{Name: "app", PartitionKey: "count", PartitionKeyType: "N"})
	require.NoError(t, err)
	_, err = monotable.NewEntity(numbers, monotable.Schema[thing]{Name: "Thing", Rules: []monotable.Rule[thing]{thingName.Unique()}})
	require.ErrorContains(t, err, "keys are text")

	table := declare(t)
	_, err = monotable.NewEntity(table, monotable.Schema[thing]{Name: "A#B", Key: monotable.Key{Partition: "T#{id}", Sort: "T"}, Rules: []monotable.Rule[thing]{thingName.Unique()}})
	require.ErrorContains(t, err, "Unique")
	_, err = monotable.NewEntity(table, monotable.Schema[thing]{Name: "Thing", Key: monotable.Key{Partition: "T#{id}", Sort: "T"}, Rules: []monotable.Rule[thing]{thingName.Unique()}})
	require.NoError(t, err)
	_, err = monotable.NewEntity(table, monotable.Schema[person]{Name: "P", Key: monotable.Key{Partition: "UNIQUE#{id:raw}", Sort: "UNIQUE"}})
	require.ErrorContains(t, err, "guard of Thing.name")
	for _, write := range []string{"PK", "_et"} {
		_, err = monotable.NewTable(offline(), monotable.TableConfig{Name: "app", PartitionKey: "PK", WriteID: write})
		requireError(t, err, monotable.ErrInvalid)
	}
}

func TestUpsertOpInATransaction(t *testing.T) {
	ctx := t.Context()
	s := openStore(t, monotable.TableConfig{})
	e := mustEntity(t, s.Table, personSchema())
	upsert := e.UpsertOp(person{ID: "ann"}, personOrg.Set("o"), personNote.Set("n"), personEmail.SetIfAbsent("ann@x.io"))
	require.NoError(t, s.TransactWrite(ctx, upsert))
	got, err := e.GetBy(ctx, personEmail.Eq("ann@x.io"))
	require.NoError(t, err)
	require.Equal(t, person{ID: "ann", Org: "o", Note: "n", Email: "ann@x.io"}, got)
	_, err = e.Update(ctx, person{ID: "ann"}, personNote.Set("m"), personEmail.Set("other@x.io"))
	require.NoError(t, err)
	require.NoError(t, s.TransactWrite(ctx, upsert))
	got, err = e.Get(ctx, person{ID: "ann"})
	require.NoError(t, err)
	require.Equal(t, person{ID: "ann", Org: "o", Note: "n", Email: "other@x.io"}, got)

	// The item comes, and goes, between the read and the transaction.
	other := e
	for _, meanwhile := range []func() error{
		func() error { _, err := other.Create(ctx, person{ID: "eve", Org: "p"}); return err },
		func() error { _, err := other.Delete(ctx, person{ID: "eve"}); return err },
	} {
		once := false
		spy := &spyClient{Client: s.client, onGet: func() {
			if !once {
				once = true
				require.NoError(t, meanwhile())
			}
		}}
		table := s.over(spy)
		e := mustEntity(t, table, personSchema())
		require.NoError(t, table.TransactWrite(ctx, e.UpsertOp(person{ID: "eve"}, personNote.Set("n"), personOrg.Set("o"))))
		got, err := e.Get(ctx, person{ID: "eve"})
		require.NoError(t, err)
		require.Equal(t, person{ID: "eve", Org: "o", Note: "n"}, got)
	}
	request, err := upsert.Request()
	requireError(t, err, monotable.ErrInvalid)
	require.Nil(t, request)
}
