package stream_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/monotabletest"
	"github.com/monotable/monotable/stream"
)

func TestRouter_ChangesReachTheirEntitysHandler(t *testing.T) {
	s := openFullShop(t)
	ctx := t.Context()
	ann, err := s.users.Create(ctx, user{ID: "ann", Name: "Ann", Email: "ann@x.io"})
	require.NoError(t, err)
	_, err = s.users.Update(ctx, user{ID: "ann"}, userName.Set("Anna"), userEmail.Set("anna@x.io"))
	require.NoError(t, err)
	_, err = s.orders.Create(ctx, order{User: "ann", ID: "1", Total: 5})
	require.NoError(t, err)
	_, err = s.orders.Put(ctx, order{User: "ann", ID: "1", Total: 6})
	require.NoError(t, err)
	_, err = s.orders.Delete(ctx, order{User: "ann", ID: "1"})
	require.NoError(t, err)
	_, err = s.users.Delete(ctx, user{ID: ann.ID})
	require.NoError(t, err)

	var j journal
	router := j.of(s)
	require.NoError(t, router.Check(types.StreamViewTypeNewAndOldImages))
	for _, r := range s.records() { // guards of the email among them
		require.NoError(t, router.Handle(ctx, r))
	}
	require.ElementsMatch(t, []string{
		"insert user ann Ann", "modify user ann Ann to Anna", "remove user ann expired false",
		"upsert order 1 5", "upsert order 1 6", "key order remove 1",
	}, j.take())
}

func TestRouter_Current(t *testing.T) {
	s := openFullShop(t)
	_, err := s.users.Create(t.Context(), user{ID: "ann"})
	require.NoError(t, err)
	records := s.records()
	called := false
	router := stream.MustRouter(stream.On(s.users).Insert(func(ctx context.Context, _ user) error {
		called = true
		r, ok := stream.Current(ctx)
		require.True(t, ok)
		require.Equal(t, records[0].Sequence, r.Sequence)
		require.Equal(t, stream.Insert, r.Event)
		require.NotEmpty(t, r.ID)
		require.Equal(t, "shop", r.Table)
		require.False(t, r.Time.IsZero())
		return nil
	}))
	require.NoError(t, router.Handle(t.Context(), records[0]))
	require.True(t, called)
	_, ok := stream.Current(t.Context())
	require.False(t, ok)
	require.False(t, stream.Expired(t.Context()))
}

func TestF136_ForeignItems(t *testing.T) {
	s := openFullShop(t)
	ctx := t.Context()
	put := func(item attributes) {
		t.Helper()
		item["PK"], item["SK"] = &types.AttributeValueMemberS{Value: "X#1"}, &types.AttributeValueMemberS{Value: "X"}
		_, err := s.table.Client().PutItem(ctx, &dynamodb.PutItemInput{TableName: new("shop"), Item: item})
		require.NoError(t, err)
	}
	put(attributes{"_et": &types.AttributeValueMemberS{Value: "Invoice"}})
	put(attributes{"n": &types.AttributeValueMemberN{Value: "1"}})
	records := s.records()
	require.Len(t, records, 2)
	var j journal
	for _, r := range records {
		require.NoError(t, j.of(s).Handle(ctx, r), "passed over")
	}
	require.Empty(t, j.take())
	var seen []string
	router := stream.MustRouter(
		stream.On(s.users).Insert(func(context.Context, user) error { return nil }),
		stream.Unknown(func(_ context.Context, r stream.Record) error { seen = append(seen, string(r.Event)); return nil }),
	)
	for _, r := range records {
		require.NoError(t, router.Handle(ctx, r))
	}
	require.Equal(t, []string{"INSERT", "MODIFY"}, seen)

	// An entity without a handler is known.
	_, err := s.orders.Create(ctx, order{User: "ann", ID: "1"})
	require.NoError(t, err)
	for _, r := range s.records()[2:] {
		require.NoError(t, router.Handle(ctx, r))
	}
	require.Len(t, seen, 2)

	// A record of another table is unknown too.
	r := records[0]
	r.Table = "another"
	require.NoError(t, router.Handle(ctx, r))
	require.Len(t, seen, 3)
}

func TestRouter_ItemThatBecomesAnotherEntitys(t *testing.T) {
	s := openFullShop(t)
	ctx := t.Context()
	_, err := s.orders.Create(ctx, order{User: "ann", ID: "1"})
	require.NoError(t, err)
	key, err := s.orders.Key(order{User: "ann", ID: "1"})
	require.NoError(t, err)
	key["_et"] = &types.AttributeValueMemberS{Value: "Quote"}
	quotes, err := monotable.NewTable(s.table.Client(), shopConfig)
	require.NoError(t, err)
	quoteSchema := orderSchema
	quoteSchema.Name, quoteSchema.Family = "Quote", "papers"
	paperSchema := orderSchema
	paperSchema.Family = "papers"
	papers, quote := monotable.MustEntity(quotes, paperSchema), monotable.MustEntity(quotes, quoteSchema)
	_, err = s.table.Client().PutItem(ctx, &dynamodb.PutItemInput{TableName: new("shop"), Item: key})
	require.NoError(t, err)
	var j journal
	router := stream.MustRouter(
		stream.On(papers).Remove(func(_ context.Context, o order) error { j.note("remove order %s", o.ID); return nil }),
		stream.On(quote).Key(func(_ context.Context, e stream.Event, o order) error { j.note("quote %s %s", e, o.ID); return nil }),
	)
	records := s.records()
	require.NoError(t, router.Handle(ctx, records[1]))
	require.Equal(t, []string{"remove order 1", "quote INSERT 1"}, j.take())
}

func TestF126_HiddenOnRequest(t *testing.T) {
	s := openFullShop(t)
	_, err := s.users.Create(t.Context(), user{ID: "ann", Password: "canary"})
	require.NoError(t, err)
	for _, entity := range []*monotable.Entity[user]{s.users, s.users.With(monotable.Reveal())} {
		var got string
		router := stream.MustRouter(stream.On(entity).Insert(func(_ context.Context, now user) error { got = now.Password; return nil }))
		require.NoError(t, router.Handle(t.Context(), s.records()[0]))
		require.Equal(t, entity != s.users, got == "canary")
	}
	r := s.records()[0]
	for _, text := range []string{fmt.Sprintf("%v", r), fmt.Sprintf("%+v", r), fmt.Sprintf("%#v", r), fmt.Sprint(&stream.RecordError{Record: r, Err: errors.New("x")}), r.LogValue().String()} {
		require.NotContains(t, text, "canary")
		require.NotContains(t, text, "USER#")
	}
}

func TestRouter_ViewsAreChecked(t *testing.T) {
	s := openFullShop(t)
	ok := func(context.Context, user) error { return nil }
	for view, wants := range map[types.StreamViewType][4]bool{ // Insert, Modify, Remove, Key
		types.StreamViewTypeNewAndOldImages: {true, true, true, true},
		types.StreamViewTypeNewImage:        {true, false, false, true},
		types.StreamViewTypeOldImage:        {false, false, true, true},
		types.StreamViewTypeKeysOnly:        {false, false, false, true},
		"another":                           {},
	} {
		for i, handler := range []stream.Handler{
			stream.On(s.users).Insert(ok),
			stream.On(s.users).Modify(func(context.Context, user, user) error { return nil }),
			stream.On(s.users).Remove(ok),
			stream.On(s.users).Key(func(context.Context, stream.Event, user) error { return nil }),
		} {
			err := stream.MustRouter(handler).Check(view)
			require.Equal(t, wants[i], err == nil, "%s %d: %v", view, i, err)
			if err != nil {
				require.ErrorIs(t, err, monotable.ErrInvalid)
			}
		}
	}
	_, err := s.users.Create(t.Context(), user{ID: "ann"})
	require.NoError(t, err)
	r := s.records()[0]
	r.New = nil
	require.ErrorIs(t, stream.MustRouter(stream.On(s.users).Insert(ok)).Handle(t.Context(), r), monotable.ErrInvalid, "an image that a Lambda function is not given")
}

func TestRouter_KeysOnly(t *testing.T) {
	s := openShop(t, types.StreamViewTypeKeysOnly)
	ctx := t.Context()
	_, err := s.users.Create(ctx, user{ID: "ann", Email: "a@x.io"})
	require.NoError(t, err)
	_, err = s.orders.Create(ctx, order{User: "ann", ID: "1"})
	require.NoError(t, err)
	_, err = s.users.Delete(ctx, user{ID: "ann"})
	require.NoError(t, err)
	var j journal
	router := stream.MustRouter(
		stream.On(s.users).Key(func(_ context.Context, e stream.Event, u user) error { j.note("user %s %s", e, u.ID); return nil }),
		stream.On(s.orders).Key(func(_ context.Context, e stream.Event, o order) error {
			j.note("order %s %s %s", e, o.User, o.ID)
			return nil
		}),
		stream.Unknown(func(context.Context, stream.Record) error { j.note("unknown"); return nil }),
	)
	for _, r := range s.records() {
		require.NoError(t, router.Handle(ctx, r))
	}
	require.ElementsMatch(t, []string{"user INSERT ann", "order INSERT ann 1", "user REMOVE ann"}, j.take())
}

// What DynamoDB removes since its time is over is told from what a program deletes. memdb sweeps on request; a server does so in its own time.
func TestRouter_Expired(t *testing.T) {
	clock := monotabletest.NewClock(time.Unix(1_700_000_000, 0))
	engine := memdb.New(memdb.Options{Clock: clock.Now})
	cfg := shopConfig
	cfg.Clock = clock.Now
	s := &shop{T: t, table: monotabletest.TableOn(t, engine.Client(), cfg), client: engine.StreamsClient()}
	s.users, s.orders = monotable.MustEntity(s.table, userSchema), monotable.MustEntity(s.table, orderSchema)
	s.arn = monotabletest.SwitchOnStream(t, engine.Client(), "shop", types.StreamViewTypeNewAndOldImages)
	require.NoError(t, s.table.Ensure(t.Context(), engine.Client()))
	_, err := engine.Client().UpdateTimeToLive(t.Context(), &dynamodb.UpdateTimeToLiveInput{
		TableName: new("shop"), TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: new("until"), Enabled: new(true)},
	})
	_ = err // Ensure may have switched it on
	monotabletest.Seed(t, s.users, user{ID: "ann", Until: clock.Now().Add(time.Hour)}, user{ID: "bob"})
	clock.Advance(2 * time.Hour)
	require.Equal(t, 1, engine.Sweep())
	_, err = s.users.Delete(t.Context(), user{ID: "bob"})
	require.NoError(t, err)
	var j journal
	with := stream.MustRouter(
		stream.On(s.users).
			Expire(func(_ context.Context, u user) error { j.note("expire %s", u.ID); return nil }).
			Remove(func(_ context.Context, u user) error { j.note("remove %s", u.ID); return nil }),
	)
	without := j.of(s)
	for _, r := range s.records()[2:] {
		require.NoError(t, with.Handle(t.Context(), r))
		require.NoError(t, without.Handle(t.Context(), r))
	}
	require.Equal(t, []string{"expire ann", "remove user ann expired true", "remove bob", "remove user bob expired false"}, j.take())
}

func TestRouter_Definition(t *testing.T) {
	s := openFullShop(t)
	ok := func(context.Context, user) error { return nil }
	for name, handlers := range map[string][]stream.Handler{
		"none":               {},
		"nil handler":        {nil},
		"nil entity":         {stream.On[user](nil)},
		"nil function":       {stream.On(s.users).Insert(nil)},
		"nil unknown":        {stream.On(s.users).Insert(ok), stream.Unknown(nil)},
		"two unknown":        {stream.On(s.users).Insert(ok), stream.Unknown(func(context.Context, stream.Record) error { return nil }), stream.Unknown(func(context.Context, stream.Record) error { return nil })},
		"only unknown":       {stream.Unknown(func(context.Context, stream.Record) error { return nil })},
		"an event twice":     {stream.On(s.users).Insert(ok).Insert(ok)},
		"upsert and insert":  {stream.On(s.users).Upsert(ok).Insert(ok)},
		"an entity twice":    {stream.On(s.users).Insert(ok), stream.On(s.users).Remove(ok)},
		"of a scoped entity": {stream.On(monotable.MustEntity(scoped(t), userSchema)).Insert(ok)},
	} {
		_, err := stream.NewRouter(handlers...)
		require.ErrorIs(t, err, monotable.ErrInvalid, name)
		require.Panics(t, func() { stream.MustRouter(handlers...) }, name)
	}
	base := stream.On(s.users).Insert(ok)
	_, err := stream.NewRouter(base.Remove(ok))
	require.NoError(t, err)
	_, err = stream.NewRouter(base.Remove(ok).Modify(func(context.Context, user, user) error { return nil }))
	require.NoError(t, err, "handlers are values")
}

func scoped(t *testing.T) *monotable.Table {
	t.Helper()
	table, err := monotable.NewTable(memdb.New(memdb.Options{}).Client(), shopConfig)
	require.NoError(t, err)
	return table.Scoped("USER#1")
}

func TestF136_UnreadableRecord(t *testing.T) {
	users, _ := offline(t)
	called := false
	router := stream.MustRouter(stream.On(users).Insert(func(context.Context, user) error { called = true; return nil })).With(stream.Attempts(1))
	nothing := stream.FromSDK("shop", streamtypes.Record{EventName: streamtypes.OperationTypeInsert})
	strange := stream.FromSDK("shop", streamtypes.Record{EventName: streamtypes.OperationTypeInsert, Dynamodb: &streamtypes.StreamRecord{
		SequenceNumber: new("1"), NewImage: map[string]streamtypes.AttributeValue{"x": &streamtypes.UnknownUnionMember{Tag: "Z"}},
	}})
	for _, r := range []stream.Record{nothing, strange} {
		require.Error(t, r.Err)
		require.ErrorIs(t, router.Handle(t.Context(), r), r.Err)
		require.ErrorIs(t, router.Process(t.Context(), []stream.Record{r}), r.Err)
	}
	require.False(t, called)
}

func TestCompareSequence(t *testing.T) {
	require.Negative(t, stream.CompareSequence("99", "100"))
	require.Positive(t, stream.CompareSequence("000000000000000000101", "100"))
	require.Zero(t, stream.CompareSequence("0100", "100"))
	require.Equal(t, "shop", stream.TableOf("arn:aws:dynamodb:us-east-1:000000000000:table/shop/stream/2026-11-21T00:00:00.000"))
	require.Empty(t, stream.TableOf("shop"))
}
