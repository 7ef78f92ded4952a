package monotable_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
)

// What the example programs asked for.

type offer struct {
	Shop    string    `dynamodbav:"shop"`
	ID      string    `dynamodbav:"id"`
	Name    string    `dynamodbav:"name"`
	Stock   int       `dynamodbav:"stock"`
	Open    *bool     `dynamodbav:"open"`
	Created time.Time `dynamodbav:"created"`
	Until   time.Time `dynamodbav:"until"`
	Version int       `dynamodbav:"version"`
}

var (
	offerName    = monotable.Field(func(o *offer) *string { return &o.Name })
	offerStock   = monotable.Field(func(o *offer) *int { return &o.Stock })
	offerOpen    = monotable.Field(func(o *offer) **bool { return &o.Open })
	offerCreated = monotable.Field(func(o *offer) *time.Time { return &o.Created })
	offerUntil   = monotable.Field(func(o *offer) *time.Time { return &o.Until })
	offerVersion = monotable.Field(func(o *offer) *int { return &o.Version })
)

func offers(t *testing.T, cfg monotable.TableConfig, rules ...monotable.Rule[offer]) *monotable.Entity[offer] {
	t.Helper()
	s := openStore(t, cfg)
	return mustEntity(t, s.Table, monotable.Schema[offer]{Name: "Offer", Key: monotable.Key{Partition: "SHOP#{shop}", Sort: "OFFER#{id}"}, Rules: rules})
}

func TestSetIfNotNil(t *testing.T) {
	ctx := t.Context()
	e := offers(t, monotable.TableConfig{})
	key := offer{Shop: "s", ID: "1"}
	_, err := e.Create(ctx, offer{Shop: "s", ID: "1", Name: "a", Stock: 1})
	require.NoError(t, err)
	type patch struct {
		Name  *string
		Stock *int
		Open  *bool
	}
	apply := func(p patch) (offer, error) {
		return e.Update(ctx, key, offerName.SetIfNotNil(p.Name), offerStock.SetIfNotNil(p.Stock), monotable.Elem(offerOpen).SetIfNotNil(p.Open))
	}
	got, err := apply(patch{Stock: new(0)})
	require.NoError(t, err)
	require.Equal(t, offer{Shop: "s", ID: "1", Name: "a"}, got)
	got, err = apply(patch{Name: new("b"), Open: new(false)})
	require.NoError(t, err)
	require.Equal(t, offer{Shop: "s", ID: "1", Name: "b", Open: new(false)}, got)
	_, err = apply(patch{})
	require.ErrorIs(t, err, monotable.ErrInvalid, "nothing to change")
}

func TestJoin(t *testing.T) {
	ctx := t.Context()
	e := offers(t, monotable.TableConfig{})
	key := offer{Shop: "s", ID: "1"}
	takeOne := func(name string) monotable.Change[offer] {
		return monotable.Join(monotable.Join(monotable.Add(offerStock, -1), offerStock.Gt(0)), offerName.Set(name), monotable.Join[offer]())
	}
	_, err := e.Create(ctx, offer{Shop: "s", ID: "1", Stock: 1})
	require.NoError(t, err)
	got, err := e.Update(ctx, key, takeOne("x"))
	require.NoError(t, err)
	require.Equal(t, offer{Shop: "s", ID: "1", Name: "x"}, got)
	_, err = e.Update(ctx, key, takeOne("y"))
	require.ErrorIs(t, err, monotable.ErrConditionFailed)
	got, err = e.Upsert(ctx, offer{Shop: "s", ID: "2"}, monotable.Join(offerName.Set("new"), monotable.Any(offerStock.NotExists(), offerStock.Lt(5))))
	require.NoError(t, err)
	require.Equal(t, "new", got.Name)
	for _, bad := range []monotable.Change[offer]{monotable.Join[offer](nil), monotable.Join(monotable.Join(offerName.Set("x"), nil)), monotable.Join(offerName.Set("x"), offerName.Set("y"))} {
		_, err = e.Update(ctx, key, bad)
		require.ErrorIs(t, err, monotable.ErrInvalid)
	}
}

func TestF094_RefusedAddNamesItsAttribute(t *testing.T) {
	ctx := t.Context()
	e := offers(t, monotable.TableConfig{}, monotable.Min(offerStock, 0), monotable.Max(offerStock, 10))
	key := offer{Shop: "s", ID: "1"}
	_, err := e.Create(ctx, offer{Shop: "s", ID: "1", Name: "a", Stock: 2})
	require.NoError(t, err)
	attribute := func(err error) string {
		t.Helper()
		require.ErrorIs(t, err, monotable.ErrConditionFailed)
		failed, ok := errors.AsType[*monotable.ConditionError](err)
		require.True(t, ok)
		return failed.Attribute
	}
	_, err = e.Update(ctx, key, monotable.Add(offerStock, -3), offerName.Eq("a"))
	require.Equal(t, "stock", attribute(err))
	require.Contains(t, err.Error(), "Min of stock")
	_, err = e.Update(ctx, key, monotable.Add(offerStock, 9))
	require.Equal(t, "stock", attribute(err))
	require.Contains(t, err.Error(), "Max of stock")
	_, err = e.Update(ctx, key, monotable.Add(offerStock, -1), offerName.Eq("b"))
	require.Empty(t, attribute(err), "another condition")
	got, err := e.Update(ctx, key, monotable.Add(offerStock, -2))
	require.NoError(t, err)
	require.Zero(t, got.Stock)
}

func TestExpiresAt_DefaultFunc(t *testing.T) {
	ctx := t.Context()
	clock := newClock()
	e := offers(t, monotable.TableConfig{Clock: clock.now}, monotable.CreatedAt(offerCreated), monotable.ExpiresAt(offerUntil),
		offerUntil.DefaultFunc(func(o *offer) time.Time { return o.Created.AddDate(0, 1, 0) }))
	got, err := e.Create(ctx, offer{Shop: "s", ID: "1"})
	require.NoError(t, err)
	require.Equal(t, clock.now().AddDate(0, 1, 0).Unix(), got.Until.Unix())
	own := clock.now().Add(time.Hour)
	got, err = e.Create(ctx, offer{Shop: "s", ID: "2", Until: own})
	require.NoError(t, err)
	require.Equal(t, own.Unix(), got.Until.Unix())
	clock.forward(2 * time.Hour)
	_, err = e.Get(ctx, offer{Shop: "s", ID: "2"})
	require.ErrorIs(t, err, monotable.ErrNotFound)

	sliding := offers(t, monotable.TableConfig{Clock: clock.now}, monotable.ExpiresAt(offerUntil),
		offerUntil.Derived(func(o *offer) time.Time { return o.Created.Add(time.Hour) }, offerCreated))
	got, err = sliding.Create(ctx, offer{Shop: "s", ID: "1", Created: clock.now()})
	require.NoError(t, err)
	require.Equal(t, clock.now().Add(time.Hour).Unix(), got.Until.Unix())
	got, err = sliding.Update(ctx, offer{Shop: "s", ID: "1"}, offerCreated.Set(clock.now().Add(time.Minute)))
	require.NoError(t, err)
	require.Equal(t, clock.now().Add(61*time.Minute).Unix(), got.Until.Unix())
}

func TestPageSizeAboveTheLimitMakesTheEndExact(t *testing.T) {
	ctx := t.Context()
	e := offers(t, monotable.TableConfig{})
	for i := range 6 {
		_, err := e.Create(ctx, offer{Shop: "s", ID: fmt.Sprint(i)})
		require.NoError(t, err)
	}
	q := e.Query(offer{Shop: "s"}).Limit(3).PageSize(4)
	page, err := q.Page(ctx)
	require.NoError(t, err)
	require.Len(t, page.Items, 3)
	require.NotEmpty(t, page.Next)
	require.Empty(t, page.Prev)
	last, err := q.From(page.Next).Page(ctx)
	require.NoError(t, err)
	require.Len(t, last.Items, 3)
	require.Equal(t, "3", last.Items[0].ID)
	require.Empty(t, last.Next, "there is no other item")
	back, err := q.From(last.Prev).Page(ctx)
	require.NoError(t, err)
	require.Equal(t, page.Items, back.Items)
	require.Empty(t, back.Prev, "nor before these")
	all, err := q.Limit(5).Collect(ctx)
	require.NoError(t, err)
	require.Len(t, all, 5)
}

func TestF113_RefreshOfWideItems(t *testing.T) {
	ctx := t.Context()
	s := openStore(t, monotable.TableConfig{Indexes: []monotable.Index{{Name: "GSI1", PartitionKey: "GSI1PK", SortKey: "GSI1SK"}}})
	e := mustEntity(t, s.Table, monotable.Schema[offer]{
		Name: "Offer", Key: monotable.Key{Partition: "SHOP#{shop}", Sort: "OFFER#{id}"}, Rules: []monotable.Rule[offer]{monotable.Version(offerVersion)},
		Indexes: map[string]monotable.Key{"GSI1": {Partition: "NAME#{name}", Sort: "{id}"}},
	})
	_, err := e.Create(ctx, offer{Shop: "s", ID: "1", Name: "n"})
	require.NoError(t, err)
	key := keyPS("SHOP#s", "OFFER#1")
	item := s.storedWhole(key)
	delete(item, "GSI1PK")
	delete(item, "GSI1SK")
	for i := range 300 {
		item[fmt.Sprint("x", i)] = avN("1")
	}
	s.write(item)
	done, err := s.Refresh(ctx, item)
	require.NoError(t, err)
	require.Equal(t, monotable.RefreshRewritten, done)
	require.Equal(t, avS("NAME#n"), s.stored(key)["GSI1PK"])
	done, err = s.Refresh(ctx, item)
	require.NoError(t, err)
	require.Equal(t, monotable.RefreshOvertaken, done)
}
