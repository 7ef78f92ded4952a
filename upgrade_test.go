package monotable_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
)

// settler is a record that has had four forms. Version 0 had mail, name and town; 1 renamed mail; 2 split name; 3 renamed town, by which
// an index goes.
type settler struct {
	ID      string    `dynamodbav:"id"`
	Email   string    `dynamodbav:"email"`
	First   string    `dynamodbav:"first"`
	Last    string    `dynamodbav:"last"`
	City    string    `dynamodbav:"city"`
	Label   string    `dynamodbav:"label,omitempty"`
	Logins  int       `dynamodbav:"logins"`
	Secret  string    `dynamodbav:"secret,omitempty"`
	Version int       `dynamodbav:"version"`
	Until   time.Time `dynamodbav:"until"`
}

var (
	settlerEmail   = monotable.Field(func(s *settler) *string { return &s.Email })
	settlerFirst   = monotable.Field(func(s *settler) *string { return &s.First })
	settlerCity    = monotable.Field(func(s *settler) *string { return &s.City })
	settlerLabel   = monotable.Field(func(s *settler) *string { return &s.Label })
	settlerLogins  = monotable.Field(func(s *settler) *int { return &s.Logins })
	settlerSecret  = monotable.Field(func(s *settler) *string { return &s.Secret })
	settlerVersion = monotable.Field(func(s *settler) *int { return &s.Version })
	settlerUntil   = monotable.Field(func(s *settler) *time.Time { return &s.Until })
)

func renameAttribute(from, to string) monotable.Upgrade {
	return func(item rawItem) error {
		if av, ok := item[from]; ok {
			item[to] = av
			delete(item, from)
		}
		return nil
	}
}

func splitName(item rawItem) error {
	first, last, ok := strings.Cut(text(item["name"]), " ")
	if !ok {
		return errors.New("canary: " + text(item["name"]))
	}
	item["first"], item["last"] = avS(first), avS(last)
	delete(item, "name")
	asMap(item["extra"])["seen"] = avBool(true) // deep down: the SDK's own map must not see it
	return nil
}

// settlers is the schema as the program of a version has it.
func settlers(version int, rules ...monotable.Rule[settler]) monotable.Schema[settler] {
	all := []monotable.Upgrade{renameAttribute("mail", "email"), splitName, renameAttribute("town", "city")}
	return monotable.Schema[settler]{
		Name: "Settler", Key: monotable.Key{Partition: "SETTLER#{id}", Sort: "PROFILE"},
		Indexes:  map[string]monotable.Key{"GSI1": {Partition: "CITY#{city}", Sort: "{id}"}},
		Rules:    append([]monotable.Rule[settler]{settlerSecret.Hidden()}, rules...),
		Upgrades: all[:version:version],
	}
}

func versioned() monotable.Rule[settler] { return monotable.Version(settlerVersion) }

func settlerStore(t *testing.T) *store {
	return openStore(t, monotable.TableConfig{Clock: newClock().now, Indexes: []monotable.Index{
		{Name: "GSI1", PartitionKey: "GSI1PK", SortKey: "GSI1SK"},
	}})
}

// settlerAt is ann as the program of a version stored her, with an attribute that no program knows.
func settlerAt(version int, id string, more rawItem) rawItem {
	item := rawItem{
		"PK": avS("SETTLER#" + id), "SK": avS("PROFILE"), "_et": avS("Settler"), "id": avS(id), "extra": avM(rawItem{"k": avS("v")}),
		"mail": avS("ann@x"), "name": avS("Ann Lee"), "town": avS("Bern"), "secret": avS("s3cret"),
	}
	move := func(from, to string) { item[to] = item[from]; delete(item, from) }
	if version > 0 {
		item["_sv"] = avN(strconv.Itoa(version))
		move("mail", "email")
	}
	if version > 1 {
		item["first"], item["last"] = avS("Ann"), avS("Lee")
		item["extra"] = avM(rawItem{"k": avS("v"), "seen": avBool(true)})
		delete(item, "name")
	}
	if version > 2 {
		move("town", "city")
		item["GSI1PK"], item["GSI1SK"] = avS("CITY#Bern"), avS(id)
	}
	return with(item, more)
}

func ann(id string) settler {
	return settler{ID: id, Email: "ann@x", First: "Ann", Last: "Lee", City: "Bern"}
}

func TestF135_OlderItemsAreUpgradedByEveryRead(t *testing.T) {
	ctx := t.Context()
	for version := range 4 {
		t.Run(strconv.Itoa(version), func(t *testing.T) {
			s := settlerStore(t)
			e := mustEntity(t, s.Table, settlers(3))
			raw := settlerAt(version, "1", nil)
			s.write(raw)
			key := settler{ID: "1"}

			got, err := e.Get(ctx, key)
			require.NoError(t, err)
			require.Equal(t, ann("1"), got, "the hidden attribute stays hidden")
			revealed, err := e.With(monotable.Reveal()).Get(ctx, key)
			require.NoError(t, err)
			require.Equal(t, "s3cret", revealed.Secret)

			all, err := e.Query(key).Collect(ctx)
			require.NoError(t, err)
			require.Equal(t, []settler{ann("1")}, all)
			all, err = e.Scan().Collect(ctx)
			require.NoError(t, err)
			require.Equal(t, []settler{ann("1")}, all)
			batch, err := e.BatchGet(ctx, []settler{key})
			require.NoError(t, err)
			require.Equal(t, ann("1"), batch[0].Item)
			var one settler
			require.NoError(t, s.TransactGet(ctx, e.GetOp(key, &one)))
			require.Equal(t, ann("1"), one)

			_, err = e.Create(ctx, ann("1"))
			requireError(t, err, monotable.ErrAlreadyExists, monotable.ErrConditionFailed)
			old, ok := e.Old(err)
			require.True(t, ok)
			require.Equal(t, ann("1"), old)
			require.Equal(t, raw, s.stored(raw2key(raw)), "reading stores nothing")

			removed, err := e.Delete(ctx, key)
			require.NoError(t, err)
			require.Equal(t, ann("1"), *removed)
		})
	}
}

func raw2key(item rawItem) rawItem { return rawItem{"PK": item["PK"], "SK": item["SK"]} }

func TestUpgrade_Projections(t *testing.T) {
	ctx := t.Context()
	type line struct {
		First string `dynamodbav:"first"`
		City  string `dynamodbav:"city"`
	}
	s := settlerStore(t)
	e := mustEntity(t, s.Table, settlers(3))
	s.write(settlerAt(0, "1", nil))
	lines, err := monotable.As[line](e.Query(settler{ID: "1"})).Collect(ctx)
	require.NoError(t, err)
	require.Equal(t, []line{{"Ann", "Bern"}}, lines, "an upgrade is given the whole item")
	s.write(settlerAt(3, "1", rawItem{"_sv": avN("4")}))
	_, err = monotable.As[line](e.Query(settler{ID: "1"})).Collect(ctx)
	require.ErrorIs(t, err, monotable.ErrNewerSchema)
}

// An index that does not hold all of an item cannot have it upgraded.
func TestUpgrade_IndexesThatDoNotHoldAll(t *testing.T) {
	ctx := t.Context()
	type line struct {
		ID string `dynamodbav:"id"`
	}
	projecting := func(names ...string) (*store, *monotable.Entity[settler]) {
		s := openStore(t, monotable.TableConfig{Indexes: []monotable.Index{{
			Name: "GSI1", PartitionKey: "GSI1PK", SortKey: "GSI1SK",
			Projection: types.Projection{ProjectionType: types.ProjectionTypeInclude, NonKeyAttributes: append(names, "id", "until", "_et")},
		}}})
		return s, mustEntity(t, s.Table, settlers(3))
	}
	s, e := projecting("_sv")
	bern := e.Query(settler{City: "Bern"}).Index("GSI1")
	s.write(settlerAt(3, "1", nil))
	lines, err := monotable.As[line](bern).Collect(ctx)
	require.NoError(t, err)
	require.Equal(t, []line{{"1"}}, lines)
	s.write(settlerAt(2, "1", rawItem{"GSI1PK": avS("CITY#Bern"), "GSI1SK": avS("1")}))
	_, err = monotable.As[line](bern).Collect(ctx)
	require.ErrorIs(t, err, monotable.ErrOutdatedSchema)
	all, err := bern.Hydrate().Collect(ctx)
	require.NoError(t, err)
	require.Equal(t, []settler{ann("1")}, all)

	_, e = projecting()
	_, err = monotable.As[line](e.Query(settler{City: "Bern"}).Index("GSI1")).Collect(ctx)
	requireError(t, err, monotable.ErrInvalid)
}

func TestUpgrade_BatchesCannotCheck(t *testing.T) {
	s := settlerStore(t)
	schema := settlers(3)
	schema.Rules = nil
	e := mustEntity(t, s.Table, schema)
	err := s.BatchWrite(t.Context(), e.PutOp(ann("1")))
	requireError(t, err, monotable.ErrInvalid)
	require.NoError(t, s.BatchWrite(t.Context(), e.With(monotable.WithoutVersionCheck()).PutOp(ann("1"))))
	require.Equal(t, avN("3"), s.dump()[0]["_sv"])
}

func TestUpgrade_LeavesTheClientsItemsAlone(t *testing.T) {
	s := settlerStore(t)
	s.write(settlerAt(0, "1", nil))
	var answer []map[string]types.AttributeValue
	e := mustEntity(t, s.over(&spyClient{Client: s.client, onQuery: func(out *dynamodb.QueryOutput, err error) (*dynamodb.QueryOutput, error) {
		answer = out.Items
		return out, err
	}}), settlers(3))
	all, err := e.Query(settler{ID: "1"}).Collect(t.Context())
	require.NoError(t, err)
	require.Equal(t, []settler{ann("1")}, all)
	require.Equal(t, []map[string]types.AttributeValue{settlerAt(0, "1", nil)}, answer)
}

func TestUpgrade_WritesStoreTheVersion(t *testing.T) {
	ctx := t.Context()
	s := openStore(t, monotable.TableConfig{SchemaVersion: "format", Indexes: []monotable.Index{{Name: "GSI1", PartitionKey: "GSI1PK", SortKey: "GSI1SK"}}})
	e := mustEntity(t, s.Table, settlers(3))
	_, err := e.Create(ctx, ann("1"))
	require.NoError(t, err)
	_, err = e.Put(ctx, ann("2"))
	require.NoError(t, err)
	_, err = e.Upsert(ctx, settler{ID: "3"}, settlerFirst.Set("Cy"))
	require.NoError(t, err)
	require.NoError(t, s.TransactWrite(ctx, e.PutOp(ann("4"))))
	for _, item := range s.dump() {
		require.Equal(t, avN("3"), item["format"])
	}
	_, err = e.Update(ctx, settler{ID: "1"}, settlerFirst.Set("Bo"))
	require.NoError(t, err)
	_, err = e.Put(ctx, ann("1"), settlerFirst.Eq("Bo"))
	require.NoError(t, err)
}

func TestUpgrade_WriteBack(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for version := range 4 {
		for _, rules := range [][]monotable.Rule[settler]{nil, {versioned()}} {
			t.Run(strconv.Itoa(version)+strconv.Itoa(len(rules)), func(t *testing.T) {
				s := settlerStore(t)
				spy := &spyClient{Client: s.client}
				rules = append(rules, settlerLabel.Derived(func(s *settler) string { return s.First + " of " + s.City }, settlerFirst, settlerCity))
				e := mustEntity(t, s.over(spy), settlers(3, rules...)).With(monotable.WriteBack())
				more, after := rawItem{}, rawItem{"label": avS("Ann of Bern")}
				if version == 3 {
					after = rawItem{}
				}
				want := ann("1")
				want.Label = text(after["label"])
				if len(rules) > 1 {
					more["version"], after["version"], want.Version = avN("7"), avN("8"), 8
					if version == 3 {
						after["version"], want.Version = avN("7"), 7
					}
				}
				s.write(settlerAt(version, "1", more))
				for range 2 {
					got, err := e.Get(ctx, settler{ID: "1"})
					require.NoError(t, err)
					require.Equal(t, want, got)
				}
				// What was absent, such as logins, stays absent.
				require.Equal(t, settlerAt(3, "1", after), s.stored(keyPS("SETTLER#1", "PROFILE")))
				require.EqualValues(t, min(3-version, 1), spy.updates.Load(), "an item that has the form of today is not written")
				inBern, err := e.Query(settler{City: "Bern"}).Index("GSI1").Collect(ctx)
				require.NoError(t, err)
				require.Equal(t, []settler{want}, inBern)
			})
		}
	}
}

func TestUpgrade_WriteBackLosesToAnyWriter(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	key := keyPS("SETTLER#1", "PROFILE")
	old := settlerAt(1, "1", nil)
	for name, other := range map[string]rawItem{
		"changed":  with(old, rawItem{"name": avS("Bo Lee")}),
		"added":    with(old, rawItem{"logins": avN("3")}),
		"upgraded": settlerAt(3, "1", nil),
		"taken":    with(old, rawItem{"extra": nil}),
		"deleted":  nil,
	} {
		t.Run(name, func(t *testing.T) {
			s := settlerStore(t)
			s.write(old)
			spy := &spyClient{Client: s.client, onGet: func() {
				if other == nil {
					require.NoError(t, s.remove(old))
				} else {
					s.write(other)
				}
			}}
			e := mustEntity(t, s.over(spy), settlers(3)).With(monotable.WriteBack())
			got, err := e.Get(ctx, settler{ID: "1"})
			require.NoError(t, err)
			require.Equal(t, ann("1"), got, "what was read")
			require.Equal(t, other, s.stored(key))
		})
	}
	t.Run("versioned", func(t *testing.T) {
		s := settlerStore(t)
		s.write(with(old, rawItem{"version": avN("1")}))
		other := with(old, rawItem{"version": avN("2"), "unknown": avS("new")})
		spy := &spyClient{Client: s.client, onGet: func() { s.write(other) }}
		e := mustEntity(t, s.over(spy), settlers(3, versioned())).With(monotable.WriteBack())
		_, err := e.Get(ctx, settler{ID: "1"})
		require.NoError(t, err)
		require.Equal(t, other, s.stored(key))
	})
}

func TestUpgrade_WriteBackTransforms(t *testing.T) {
	s := settlerStore(t)
	e := mustEntity(t, s.Table, settlers(3, settlerCity.Transform(strings.ToLower))).With(monotable.WriteBack())
	s.write(settlerAt(0, "1", nil))
	got, err := e.Get(t.Context(), settler{ID: "1"})
	require.NoError(t, err)
	require.Equal(t, "bern", got.City)
	require.Equal(t, settlerAt(3, "1", rawItem{"city": avS("bern"), "GSI1PK": avS("CITY#bern")}), s.stored(keyPS("SETTLER#1", "PROFILE")))
}

func TestUpgrade_FailedWriteBackIsLoggedAndTheReadCounts(t *testing.T) {
	s := settlerStore(t)
	var log bytes.Buffer
	s.cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	s.write(settlerAt(0, "1", rawItem{"town": avS("Bern#canary")})) // no key of an index can hold it
	e := mustEntity(t, s.over(s.client), settlers(3)).With(monotable.WriteBack())
	got, err := e.Get(t.Context(), settler{ID: "1"})
	require.NoError(t, err)
	require.Equal(t, "Bern#canary", got.City)
	require.Contains(t, log.String(), "written back")
	require.NotContains(t, log.String(), "canary")
}

func TestF067_NewerItemsAreRefused(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	key, whole := settler{ID: "1"}, ann("1")
	verbs := map[string]func(*store, *monotable.Entity[settler]) error{
		"get": func(_ *store, e *monotable.Entity[settler]) error { _, err := e.Get(ctx, key); return err },
		"writeBack": func(_ *store, e *monotable.Entity[settler]) error {
			_, err := e.With(monotable.WriteBack()).Get(ctx, key)
			return err
		},
		"query": func(_ *store, e *monotable.Entity[settler]) error { _, err := e.Query(key).Collect(ctx); return err },
		"first": func(_ *store, e *monotable.Entity[settler]) error { _, err := e.Query(key).First(ctx); return err },
		"batchGet": func(_ *store, e *monotable.Entity[settler]) error {
			got, err := e.BatchGet(ctx, []settler{key})
			require.Equal(t, monotable.Failed, got[0].State)
			return err
		},
		"transactGet": func(s *store, e *monotable.Entity[settler]) error {
			return s.TransactGet(ctx, e.GetOp(key, new(settler)))
		},
		"modify": func(_ *store, e *monotable.Entity[settler]) error {
			_, err := e.Modify(ctx, key, func(*settler) error { return nil })
			return err
		},
		"put": func(_ *store, e *monotable.Entity[settler]) error { _, err := e.Put(ctx, whole); return err },
		"putIf": func(_ *store, e *monotable.Entity[settler]) error {
			_, err := e.Put(ctx, whole, settlerFirst.Eq("Ann"))
			return err
		},
		"update": func(_ *store, e *monotable.Entity[settler]) error {
			_, err := e.Update(ctx, key, settlerFirst.Set("Bo"))
			return err
		},
		"upsert": func(_ *store, e *monotable.Entity[settler]) error {
			_, err := e.Upsert(ctx, key, settlerFirst.Set("Bo"))
			return err
		},
		"transact": func(s *store, e *monotable.Entity[settler]) error { return s.TransactWrite(ctx, e.PutOp(whole)) },
		"transactUpdate": func(s *store, e *monotable.Entity[settler]) error {
			return s.TransactWrite(ctx, e.UpdateOp(key, settlerFirst.Set("Bo")))
		},
	}
	reads := map[string]bool{"get": true, "writeBack": true, "query": true, "first": true, "batchGet": true, "transactGet": true, "modify": true}
	for name, verb := range verbs {
		for _, program := range []int{0, 2} {
			t.Run(name+strconv.Itoa(program), func(t *testing.T) {
				s := settlerStore(t)
				newer := settlerAt(3, "1", nil)
				s.write(newer)
				err := verb(s, mustEntity(t, s.Table, settlers(program)))
				require.ErrorIs(t, err, monotable.ErrNewerSchema)
				require.NotErrorIs(t, err, monotable.ErrOutdatedSchema)
				if failed, ok := errors.AsType[*monotable.DecodeError](err); reads[name] {
					require.True(t, ok)
					require.False(t, failed.Written)
				} else {
					requireError(t, err, monotable.ErrConditionFailed)
				}
				require.Equal(t, []rawItem{newer}, s.dump())
			})
		}
	}
	t.Run("program without upgrades", func(t *testing.T) {
		s := settlerStore(t)
		s.write(settlerAt(3, "1", nil))
		schema := settlers(0)
		schema.Upgrades = nil
		_, err := mustEntity(t, s.Table, schema).Get(ctx, key)
		require.ErrorIs(t, err, monotable.ErrNewerSchema)
	})
	t.Run("written while Modify works", func(t *testing.T) {
		s := settlerStore(t)
		s.write(settlerAt(2, "1", nil))
		_, err := mustEntity(t, s.Table, settlers(2)).Modify(ctx, key, func(one *settler) error {
			s.write(settlerAt(3, "1", nil))
			one.Label = "new"
			return nil
		})
		require.ErrorIs(t, err, monotable.ErrNewerSchema)
		require.Equal(t, []rawItem{settlerAt(3, "1", nil)}, s.dump())
	})
	t.Run("strange version", func(t *testing.T) {
		s := settlerStore(t)
		s.write(settlerAt(3, "1", rawItem{"_sv": avS("three")}))
		e := mustEntity(t, s.Table, settlers(3))
		_, err := e.Get(ctx, key)
		require.ErrorContains(t, err, "_sv is no whole number")
		_, err = e.Put(ctx, whole)
		require.ErrorIs(t, err, monotable.ErrNewerSchema)
	})
	t.Run("expired", func(t *testing.T) {
		s := settlerStore(t)
		newer := settlerAt(3, "1", rawItem{"until": avN("1")})
		s.write(newer)
		e := mustEntity(t, s.Table, settlers(2, monotable.ExpiresAt(settlerUntil)))
		for _, err := range []error{
			second(e.Create(ctx, whole)), second(e.Put(ctx, whole)), second(e.Upsert(ctx, key, settlerFirst.Set("Bo"))),
		} {
			require.ErrorIs(t, err, monotable.ErrNewerSchema)
		}
		require.Equal(t, []rawItem{newer}, s.dump())
		e = mustEntity(t, s.over(s.client), settlers(3, monotable.ExpiresAt(settlerUntil)))
		_, err := e.Create(ctx, whole)
		require.NoError(t, err)
	})
	t.Run("delete", func(t *testing.T) {
		s := settlerStore(t)
		s.write(settlerAt(3, "1", nil))
		_, err := mustEntity(t, s.Table, settlers(2)).Delete(ctx, key)
		failed, ok := errors.AsType[*monotable.DecodeError](err)
		require.True(t, ok)
		require.True(t, failed.Written, "it is gone, and what it was is not known")
		require.Empty(t, s.dump())
	})
}

func TestUpgrade_FailuresNameEntityAndStep(t *testing.T) {
	ctx := t.Context()
	s := settlerStore(t)
	old := settlerAt(0, "1", rawItem{"name": avS("Ann")})
	s.write(old)
	e := mustEntity(t, s.Table, settlers(3))
	for _, err := range []error{
		second(e.Get(ctx, settler{ID: "1"})), second(e.Query(settler{ID: "1"}).Collect(ctx)),
		second(e.Update(ctx, settler{ID: "1"}, settlerFirst.Set("Bo"))), second(e.Modify(ctx, settler{ID: "1"}, func(*settler) error { return nil })),
	} {
		failed, ok := errors.AsType[*monotable.DecodeError](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, "Settler", failed.Entity)
		require.Equal(t, old, failed.Item)
		require.ErrorContains(t, err, "Settler: stored item does not decode: the upgrade from schema version 1 to 2 failed")
		require.NotContains(t, err.Error(), "canary", "what the function says may quote the item")
		require.ErrorContains(t, errors.Unwrap(failed.Err), "canary: Ann")
	}
	schema := settlers(0)
	schema.Upgrades = []monotable.Upgrade{func(item rawItem) error { item["PK"] = avS("SETTLER#2"); return nil }}
	_, err := mustEntity(t, s.over(s.client), schema).Get(ctx, settler{ID: "1"})
	require.ErrorContains(t, err, "an upgrade changed the primary key (PK), which cannot change")
	require.Equal(t, []rawItem{old}, s.dump())
}

// heldBy are the guards that are stored, each with the key of the item that it names.
func heldBy(s *store) map[string]string {
	held := map[string]string{}
	for _, item := range s.dump() {
		if owner := asMap(item["_owner"]); owner != nil {
			held[text(item["PK"])] = text(owner["PK"])
		}
	}
	return held
}

func TestUpgrade_MovesGuardsOfUniqueValues(t *testing.T) {
	ctx := t.Context()
	lower := func(item rawItem) error {
		item["email"] = avS(strings.ToLower(text(item["email"])))
		return nil
	}
	schema := func(upgrades ...monotable.Upgrade) monotable.Schema[settler] {
		return monotable.Schema[settler]{
			Name: "Settler", Key: monotable.Key{Partition: "SETTLER#{id}", Sort: "PROFILE"},
			Rules: []monotable.Rule[settler]{settlerEmail.Unique()}, Upgrades: upgrades,
		}
	}
	s := openStore(t, monotable.TableConfig{})
	before := mustEntity(t, s.Table, schema())
	for id, email := range map[string]string{"1": "ANN", "2": "BO", "3": "bo", "4": "CY"} {
		_, err := before.Create(ctx, settler{ID: id, Email: email})
		require.NoError(t, err)
	}
	guards := heldBy(s)
	after := mustEntity(t, s.over(s.client), schema(lower))
	move := func(from, to string) {
		guards[to] = guards[from]
		delete(guards, from)
	}

	got, err := after.With(monotable.WriteBack()).Get(ctx, settler{ID: "1"})
	require.NoError(t, err)
	require.Equal(t, "ann", got.Email)
	move("UNIQUE#Settler#email#ANN", "UNIQUE#Settler#email#ann")
	require.Equal(t, guards, heldBy(s))
	got, err = after.GetBy(ctx, settlerEmail.Eq("ann"))
	require.NoError(t, err)
	require.Equal(t, "1", got.ID)

	_, err = after.Update(ctx, settler{ID: "2"}, settlerFirst.Set("Bo"))
	requireError(t, err, monotable.ErrConditionFailed)
	require.ErrorIs(t, err, monotable.ErrDuplicate, "its new value is another item's")
	require.Equal(t, guards, heldBy(s))

	_, err = after.Put(ctx, settler{ID: "4", Email: "dee"}) // over an outdated item: the old value is freed
	require.NoError(t, err)
	move("UNIQUE#Settler#email#CY", "UNIQUE#Settler#email#dee")
	require.Equal(t, guards, heldBy(s))
	_, err = after.Delete(ctx, settler{ID: "2"})
	require.NoError(t, err)
	delete(guards, "UNIQUE#Settler#email#BO")
	require.Equal(t, guards, heldBy(s))
}

func TestUpgrade_Definition(t *testing.T) {
	s := settlerStore(t)
	schema := settlers(3)
	schema.Upgrades[1] = nil
	_, err := monotable.NewEntity(s.Table, schema)
	requireError(t, err, monotable.ErrInvalid)
	require.ErrorContains(t, err, "Upgrades[1]: is nil")

	cfg := s.cfg
	cfg.SchemaVersion = "city"
	table, err := monotable.NewTable(s.client, cfg)
	require.NoError(t, err)
	_, err = monotable.NewEntity(table, settlers(3))
	require.ErrorContains(t, err, "city: holds the schema version")
	for _, name := range []string{"PK", "_et", "_w", "GSI1SK"} {
		cfg.SchemaVersion = name
		_, err = monotable.NewTable(s.client, cfg)
		require.ErrorContains(t, err, "SchemaVersion")
	}

	// An entity without upgrades may have the attribute for itself.
	type plain struct {
		ID string `dynamodbav:"id"`
		N  int    `dynamodbav:"_sv"`
	}
	e := mustEntity(t, s.Table, monotable.Schema[plain]{Name: "Plain", Key: monotable.Key{Partition: "PLAIN#{id}", Sort: "-"}})
	_, err = e.Create(t.Context(), plain{ID: "1", N: 4})
	require.NoError(t, err)
	got, err := e.Get(t.Context(), plain{ID: "1"})
	require.NoError(t, err)
	require.Equal(t, plain{ID: "1", N: 4}, got)
}
