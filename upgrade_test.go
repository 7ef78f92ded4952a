package monotable_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/assert"
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

// lately is a record whose later attributes older items lack.
type lately struct {
	ID     string       `dynamodbav:"id"`
	Plan   string       `dynamodbav:"plan"`
	Count  int          `dynamodbav:"count"`
	On     *bool        `dynamodbav:"on"`
	Tags   []string     `dynamodbav:"tags"`
	Secret string       `dynamodbav:"secret,omitempty"`
	Prefs  latelyPrefs  `dynamodbav:"prefs"`
	More   *latelyPrefs `dynamodbav:"more"`
	Note   string       `dynamodbav:"note"`
}

type latelyPrefs struct {
	Theme string `dynamodbav:"theme"`
	Size  int    `dynamodbav:"size"`
}

var (
	latelyPlan   = monotable.Field(func(l *lately) *string { return &l.Plan })
	latelyCount  = monotable.Field(func(l *lately) *int { return &l.Count })
	latelyOn     = monotable.Field(func(l *lately) **bool { return &l.On })
	latelyTags   = monotable.Field(func(l *lately) *[]string { return &l.Tags })
	latelySecret = monotable.Field(func(l *lately) *string { return &l.Secret })
	latelyTheme  = monotable.Field(func(l *lately) *string { return &l.Prefs.Theme })
	latelyMore   = monotable.Field(func(l *lately) *string { return &l.More.Theme })
)

func latelySchema(rules ...monotable.Rule[lately]) monotable.Schema[lately] {
	return monotable.Schema[lately]{
		Name: "Lately", Key: monotable.Key{Partition: "LATELY#{id}", Sort: "-"},
		Rules: append([]monotable.Rule[lately]{
			latelyPlan.ReadDefault("old").Default("new"), latelyCount.ReadDefault(-1), monotable.Elem(latelyOn).ReadDefault(true),
			latelyTags.ReadDefault([]string{"a", "b"}), latelySecret.Hidden().ReadDefault("s3cret"),
			latelyTheme.ReadDefault("light"), latelyMore.ReadDefault("dark"),
		}, rules...),
	}
}

func latelyRaw(more rawItem) rawItem {
	return with(rawItem{"PK": avS("LATELY#1"), "SK": avS("-"), "_et": avS("Lately"), "id": avS("1"), "prefs": avM(rawItem{"size": avN("2")})}, more)
}

func TestReadDefault_EveryRead(t *testing.T) {
	ctx := t.Context()
	s := openStore(t, monotable.TableConfig{})
	e := mustEntity(t, s.Table, latelySchema())
	s.write(latelyRaw(nil))
	key := lately{ID: "1"}
	want := lately{ID: "1", Plan: "old", Count: -1, On: new(true), Tags: []string{"a", "b"}, Prefs: latelyPrefs{"light", 2}}
	var inTransaction, inBatch lately
	for name, read := range map[string]func() (lately, error){
		"get":   func() (lately, error) { return e.Get(ctx, key) },
		"query": func() (lately, error) { return e.Query(key).First(ctx) },
		"scan":  func() (lately, error) { return e.Scan().First(ctx) },
		"batch": func() (lately, error) {
			_, err := s.BatchGet(ctx, e.GetOp(key, &inBatch))
			return inBatch, err
		},
		"transaction": func() (lately, error) {
			err := s.TransactGet(ctx, e.GetOp(key, &inTransaction))
			return inTransaction, err
		},
		"modify": func() (lately, error) {
			seen := lately{}
			got, err := e.Modify(ctx, key, func(l *lately) error { seen = *l; return nil })
			require.Equal(t, got, seen)
			return got, err
		},
		"old": func() (lately, error) {
			_, err := e.Create(ctx, key)
			old, ok := e.Old(err)
			require.True(t, ok)
			return old, nil
		},
	} {
		got, err := read()
		require.NoError(t, err, name)
		require.Equal(t, want, got, name)
		got.Tags[0], *got.On = "changed", false // a copy, so the next read is not touched
	}
	require.Equal(t, latelyRaw(nil), s.stored(keyPS("LATELY#1", "-")), "reads store nothing")
	revealed, err := e.With(monotable.Reveal()).Get(ctx, key)
	require.NoError(t, err)
	require.Equal(t, "s3cret", revealed.Secret)
	gone, err := e.Delete(ctx, key)
	require.NoError(t, err)
	require.Equal(t, want, *gone)
}

func TestReadDefault_StoredValuesCount(t *testing.T) {
	s := openStore(t, monotable.TableConfig{})
	e := mustEntity(t, s.Table, latelySchema())
	null := &types.AttributeValueMemberNULL{Value: true}
	s.write(latelyRaw(rawItem{"plan": avS(""), "count": avN("0"), "on": null, "tags": avL(), "prefs": nil, "more": avM(rawItem{})}))
	got, err := e.Get(t.Context(), lately{ID: "1"})
	require.NoError(t, err)
	require.Equal(t, lately{ID: "1", Tags: []string{}, More: &latelyPrefs{Theme: "dark"}}, got, "zero is not absent; below prefs, which is not stored, nothing is filled")
	created, err := e.Create(t.Context(), lately{ID: "2"})
	require.NoError(t, err)
	require.Equal(t, "new", created.Plan, "Default fills what is written")
	require.Equal(t, 0, created.Count)
}

func TestReadDefault_Modify(t *testing.T) {
	ctx := t.Context()
	s := openStore(t, monotable.TableConfig{})
	e := mustEntity(t, s.Table, latelySchema())
	s.write(latelyRaw(nil))
	key := lately{ID: "1"}
	_, err := e.Modify(ctx, key, func(l *lately) error { l.Note = "n"; return nil })
	require.NoError(t, err)
	require.Equal(t, latelyRaw(rawItem{"note": avS("n")}), s.stored(keyPS("LATELY#1", "-")), "what was only read is not stored")

	got, err := e.Modify(ctx, key, func(l *lately) error {
		l.Count, l.Prefs.Theme = l.Count+10, "blue"
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, 9, got.Count)
	want := latelyRaw(rawItem{"note": avS("n"), "count": avN("9"), "prefs": avM(rawItem{"size": avN("2"), "theme": avS("blue")})})
	require.Equal(t, want, s.stored(keyPS("LATELY#1", "-")))

	// Another writer stores the attribute meanwhile: the change is made anew on what is there then.
	s.write(latelyRaw(nil))
	rounds := 0
	got, err = e.Modify(ctx, key, func(l *lately) error {
		if rounds++; rounds == 1 {
			s.write(latelyRaw(rawItem{"count": avN("5")}))
		}
		l.Count++
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, 2, rounds)
	require.Equal(t, 6, got.Count)
	got, err = e.Update(ctx, key, monotable.Add(latelyCount, 1), latelyPlan.NotExists())
	require.NoError(t, err)
	require.Equal(t, 7, got.Count)
	require.Equal(t, "old", got.Plan)
}

func TestReadDefault_SurvivesUpgradesAndWriteBack(t *testing.T) {
	ctx := t.Context()
	s := openStore(t, monotable.TableConfig{})
	schema := latelySchema()
	schema.Upgrades = []monotable.Upgrade{renameAttribute("n", "note")}
	e := mustEntity(t, s.Table, schema)
	s.write(latelyRaw(rawItem{"n": avS("x")}))
	got, err := e.With(monotable.WriteBack()).Get(ctx, lately{ID: "1"})
	require.NoError(t, err)
	require.Equal(t, "old", got.Plan)
	require.Equal(t, "x", got.Note)
	require.Equal(t, latelyRaw(rawItem{"note": avS("x"), "_sv": avN("1")}), s.stored(keyPS("LATELY#1", "-")))
}

func TestReadDefault_Definition(t *testing.T) {
	t.Parallel()
	type stamped struct {
		ID   string    `dynamodbav:"id"`
		V    int       `dynamodbav:"v"`
		At   time.Time `dynamodbav:"at"`
		Slug *string   `dynamodbav:"slug"`
		City string    `dynamodbav:"city"`
		Mail string    `dynamodbav:"mail"`
	}
	id := monotable.Field(func(s *stamped) *string { return &s.ID })
	v := monotable.Field(func(s *stamped) *int { return &s.V })
	at := monotable.Field(func(s *stamped) *time.Time { return &s.At })
	slug := monotable.Field(func(s *stamped) **string { return &s.Slug })
	city := monotable.Field(func(s *stamped) *string { return &s.City })
	mail := monotable.Field(func(s *stamped) *string { return &s.Mail })
	for want, rules := range map[string][]monotable.Rule[stamped]{
		"id: ReadDefault: the primary key follows":                   {id.ReadDefault("x")},
		"city: ReadDefault: the key of index GSI1":                   {city.ReadDefault("x")},
		"mail: ReadDefault: the guard of mail":                       {mail.Unique().ReadDefault("x")},
		"v: Version is written by monotable":                         {monotable.Version(v).ReadDefault(1)},
		"at: ExpiresAt is written by monotable":                      {monotable.ExpiresAt(at).ReadDefault(noon)},
		"at: ReadDefault is given twice":                             {at.ReadDefault(noon).ReadDefault(noon)},
		"slug: ReadDefault: the value cannot be stored":              {slug.ReadDefault(nil)},
		"slug: ReadDefault: Derived is computed by every write":      {slug.Derived(func(*stamped) *string { return nil }, city).ReadDefault(new("x"))},
		"mail: ReadDefault: invalid: mail":                           {mail.ReadDefault("\xff")},
		"mail: ReadDefault: the key of index GSI1 follows from what": {mail.ReadDefault("x"), monotable.IndexWhen("GSI1", func(*stamped) bool { return true }, mail)},
	} {
		_, err := monotable.NewEntity(settlerStore(t).Table, monotable.Schema[stamped]{
			Name: "Stamped", Key: monotable.Key{Partition: "S#{id}", Sort: "-"}, Indexes: map[string]monotable.Key{"GSI1": {Partition: "C#{city}", Sort: "-"}},
			Rules: rules,
		})
		requireError(t, err, monotable.ErrInvalid)
		require.ErrorContains(t, err, want)
	}
}
