package stream_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
	"github.com/monotable/monotable/stream"
)

// profile is a projection of a user: one item for each.
type profile struct {
	ID      string `dynamodbav:"id"`
	Name    string `dynamodbav:"name"`
	Gone    bool   `dynamodbav:"gone"`
	Applied string `dynamodbav:"applied"`
}

var (
	profileName    = monotable.Field(func(p *profile) *string { return &p.Name })
	profileGone    = monotable.Field(func(p *profile) *bool { return &p.Gone })
	profileApplied = monotable.Field(func(p *profile) *string { return &p.Applied })
	profileSchema  = monotable.Schema[profile]{Name: "Profile", Key: monotable.Key{Partition: "PROFILE#{id}", Sort: "P"}}
)

// total is a projection of all orders of a user.
type total struct {
	User   string `dynamodbav:"user"`
	Orders int    `dynamodbav:"orders"`
	Sum    int    `dynamodbav:"sum"`
}

var (
	totalOrders = monotable.Field(func(t *total) *int { return &t.Orders })
	totalSum    = monotable.Field(func(t *total) *int { return &t.Sum })
	totalSchema = monotable.Schema[total]{Name: "Total", Key: monotable.Key{Partition: "TOTAL#{user}", Sort: "T"}}
)

func views(t *testing.T) *monotable.Table {
	t.Helper()
	return monotabletest.Table(t, monotable.TableConfig{Name: "views", PartitionKey: "PK", SortKey: "SK"})
}

func TestF136_NewerAppliesEachRecordOnceAndNoOlderOne(t *testing.T) {
	ctx := t.Context()
	users, _ := offline(t)
	profiles := monotable.MustEntity(views(t), profileSchema)
	applied := 0
	router := stream.MustRouter(
		stream.On(users).
			Upsert(func(ctx context.Context, u user) error {
				_, err := profiles.Upsert(ctx, profile{ID: u.ID}, profileName.Set(u.Name), profileGone.Set(false), stream.Newer(ctx, profileApplied))
				if err == nil {
					applied++
				}
				return stream.Seen(err)
			}).
			Remove(func(ctx context.Context, u user) error {
				_, err := profiles.Upsert(ctx, profile{ID: u.ID}, profileGone.Set(true), stream.Newer(ctx, profileApplied))
				return stream.Seen(err)
			}),
	)
	one, two, three := inserted(t, users, "a", "1", 1), inserted(t, users, "a", "2", 2), inserted(t, users, "a", "3", 99000)
	for _, r := range []stream.Record{one, two, one, two, three, two, one, three} {
		require.NoError(t, router.Handle(ctx, r))
	}
	require.Equal(t, 3, applied)
	p, err := profiles.Get(ctx, profile{ID: "a"})
	require.NoError(t, err)
	require.Equal(t, "3", p.Name)

	gone := three
	gone.Event, gone.Old, gone.New, gone.Sequence = stream.Remove, three.New, nil, "200000"
	for _, r := range []stream.Record{gone, three, gone} {
		require.NoError(t, router.Handle(ctx, r))
	}
	p, err = profiles.Get(ctx, profile{ID: "a"})
	require.NoError(t, err)
	require.True(t, p.Gone, "a repeated older record does not bring it back")

	_, err = profiles.Upsert(ctx, profile{ID: "b"}, stream.Newer(ctx, profileApplied))
	require.ErrorIs(t, err, monotable.ErrInvalid, "outside of a handler")
	require.ErrorIs(t, stream.Seen(monotable.ErrInvalid), monotable.ErrInvalid)
	require.NoError(t, stream.Seen(nil))
}

func TestAbove(t *testing.T) {
	ctx := t.Context()
	totals := monotable.MustEntity(views(t), totalSchema)
	set := func(n int) bool {
		t.Helper()
		_, err := totals.Upsert(ctx, total{User: "a"}, stream.Above(totalOrders, n), totalSum.Set(10*n))
		require.NoError(t, stream.Seen(err))
		return err == nil
	}
	require.True(t, set(2))
	require.False(t, set(2))
	require.False(t, set(1))
	require.True(t, set(3))
	got, err := totals.Get(ctx, total{User: "a"})
	require.NoError(t, err)
	require.Equal(t, total{"a", 3, 30}, got)
}

func TestF136_OnceAppliesAnyEffectOnce(t *testing.T) {
	ctx := t.Context()
	users, orders := offline(t)
	table := views(t)
	totals := monotable.MustEntity(table, totalSchema)
	monotabletest.Seed(t, totals, total{User: "ann"})
	once, err := stream.NewOnce(table, "totals")
	require.NoError(t, err)
	another, err := stream.NewOnce(table, "another") // of the same table
	require.NoError(t, err)
	var results []bool
	by := func(o *stream.Once) *stream.Router {
		return stream.MustRouter(stream.On(orders).Insert(func(ctx context.Context, o2 order) error {
			applied, err := o.Apply(ctx, totals.UpdateOp(total{User: o2.User}, monotable.Add(totalOrders, 1), monotable.Add(totalSum, o2.Total)))
			results = append(results, applied)
			return err
		}))
	}
	record := func(id string, sum, sequence string) stream.Record {
		key, err := orders.Key(order{User: "ann", ID: id})
		require.NoError(t, err)
		image := attributes{
			"_et": &types.AttributeValueMemberS{Value: "Order"}, "user": &types.AttributeValueMemberS{Value: "ann"},
			"id": &types.AttributeValueMemberS{Value: id}, "total": &types.AttributeValueMemberN{Value: sum},
		}
		return stream.Record{Event: stream.Insert, Table: "shop", Sequence: sequence, Keys: key, New: image}
	}
	one, two := record("1", "5", "9"), record("2", "7", "10")
	for _, r := range []stream.Record{one, two, one, two, record("1", "5", "8")} {
		require.NoError(t, by(once).Handle(ctx, r))
	}
	require.Equal(t, []bool{true, true, false, false, false}, results)
	got, err := totals.Get(ctx, total{User: "ann"})
	require.NoError(t, err)
	require.Equal(t, total{"ann", 2, 12}, got)
	require.NoError(t, by(another).Handle(ctx, one), "consumers do not know of each other")
	require.NoError(t, by(once).Handle(ctx, record("1", "1", "1000")))
	got, err = totals.Get(ctx, total{User: "ann"})
	require.NoError(t, err)
	require.Equal(t, total{"ann", 4, 18}, got)

	// The effect's own refusal is not taken for a repetition, and leaves no mark.
	missing := order{User: "bob", ID: "1"}
	key, err := orders.Key(missing)
	require.NoError(t, err)
	r := record("1", "3", "11")
	r.Keys, r.New["user"] = key, &types.AttributeValueMemberS{Value: "bob"}
	require.ErrorIs(t, by(once).Handle(ctx, r), monotable.ErrNotFound)
	monotabletest.Seed(t, totals, total{User: "bob"})
	require.NoError(t, by(once).Handle(ctx, r))
	got, err = totals.Get(ctx, total{User: "bob"})
	require.NoError(t, err)
	require.Equal(t, total{"bob", 1, 3}, got)

	_, err = once.Apply(ctx)
	require.ErrorIs(t, err, monotable.ErrInvalid, "outside of a handler")
	_, err = stream.NewOnce(table, "")
	require.ErrorIs(t, err, monotable.ErrInvalid)
	_ = users
}
