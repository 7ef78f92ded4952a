package stream_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/stream"
)

// offline are entities of a table that nothing is sent to.
func offline(t *testing.T) (*monotable.Entity[user], *monotable.Entity[order]) {
	t.Helper()
	table, err := monotable.NewTable(memdb.New(memdb.Options{}).Client(), shopConfig)
	require.NoError(t, err)
	return monotable.MustEntity(table, userSchema), monotable.MustEntity(table, orderSchema)
}

// inserted is the record of a user that was inserted or modified.
func inserted(t *testing.T, users *monotable.Entity[user], id, name string, sequence int) stream.Record {
	t.Helper()
	key, err := users.Key(user{ID: id})
	require.NoError(t, err)
	image := attributes{"_et": &types.AttributeValueMemberS{Value: "User"}, "id": &types.AttributeValueMemberS{Value: id}, "name": &types.AttributeValueMemberS{Value: name}}
	for k, v := range key {
		image[k] = v
	}
	return stream.Record{Event: stream.Insert, ID: fmt.Sprint(id, sequence), Table: "shop", Sequence: fmt.Sprint(1000 + sequence), Keys: key, New: image}
}

func TestF136_PoisonHoldsBackItsOwnItemAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		users, _ := offline(t)
		var j journal
		poison := errors.New("poison")
		router := stream.MustRouter(stream.On(users).Upsert(func(_ context.Context, u user) error {
			j.note("%s %s", u.ID, u.Name)
			if u.Name == "bad" {
				return poison
			}
			return nil
		})).With(stream.Concurrency(1))
		records := []stream.Record{
			inserted(t, users, "a", "1", 1), inserted(t, users, "b", "1", 2), inserted(t, users, "a", "bad", 3),
			inserted(t, users, "b", "2", 4), inserted(t, users, "a", "3", 5), inserted(t, users, "c", "1", 6),
		}
		err := router.Process(t.Context(), records)
		failed, ok := errors.AsType[*stream.BatchError](err)
		require.True(t, ok)
		require.Equal(t, 6, failed.Records)
		require.Len(t, failed.Failures, 2)
		require.Equal(t, 2, failed.Failures[0].Index)
		require.ErrorIs(t, failed.Failures[0].Err, poison)
		of, ok := errors.AsType[*stream.RecordError](failed.Failures[0].Err)
		require.True(t, ok)
		require.Equal(t, "User", of.Entity)
		require.Equal(t, "1003", of.Record.Sequence)
		require.Equal(t, 4, failed.Failures[1].Index)
		require.ErrorIs(t, failed.Failures[1].Err, stream.ErrHeld)
		require.Contains(t, err.Error(), "2 of 6")
		require.Contains(t, err.Error(), "poison")
		require.Equal(t, []string{"a 1", "a bad", "a bad", "a bad", "b 1", "b 2", "c 1"}, j.take(), "tried three times; what succeeded is not repeated")

		// Parked, it lets the later ones through.
		var parked []string
		err = router.With(stream.Attempts(1), stream.Park(func(_ context.Context, r stream.Record, why error) error {
			require.ErrorIs(t, why, poison)
			parked = append(parked, r.Sequence)
			return nil
		})).Process(t.Context(), records)
		require.NoError(t, err)
		require.Equal(t, []string{"1003"}, parked)
		require.Equal(t, []string{"a 1", "a bad", "a 3", "b 1", "b 2", "c 1"}, j.take())

		// The place to put it may fail as well.
		full := errors.New("full")
		err = router.With(stream.Attempts(1), stream.Park(func(context.Context, stream.Record, error) error { return full })).Process(t.Context(), records)
		require.ErrorIs(t, err, full)
		require.ErrorIs(t, err, poison)
	})
}

func TestF136_UndecodableFailsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		users, _ := offline(t)
		called := 0
		router := stream.MustRouter(stream.On(users).Insert(func(context.Context, user) error { called++; return nil }))
		records := []stream.Record{inserted(t, users, "a", "1", 1), inserted(t, users, "b", "1", 2)}
		records[0].New["name"] = &types.AttributeValueMemberBOOL{Value: true}
		start := time.Now()
		err := router.Process(t.Context(), records)
		_, undecodable := errors.AsType[*monotable.DecodeError](err)
		require.True(t, undecodable, "%v", err)
		require.Equal(t, 1, called)
		require.Zero(t, time.Since(start), "no pause")
	})
}

func TestProcess_PanicIsThatRecordsFailure(t *testing.T) {
	users, _ := offline(t)
	router := stream.MustRouter(stream.On(users).Insert(func(_ context.Context, u user) error {
		if u.ID == "a" {
			panic("canary")
		}
		return nil
	})).With(stream.Attempts(1))
	err := router.Process(t.Context(), []stream.Record{inserted(t, users, "a", "1", 1), inserted(t, users, "b", "1", 2)})
	failed, ok := errors.AsType[*stream.BatchError](err)
	require.True(t, ok)
	require.Len(t, failed.Failures, 1)
	panicked, ok := errors.AsType[*stream.PanicError](err)
	require.True(t, ok)
	require.Equal(t, "canary", panicked.Value)
	require.Contains(t, string(panicked.Stack), "process_test.go")
	require.NotContains(t, err.Error(), "canary")
}

func TestProcess_TransientFailuresAreTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		users, _ := offline(t)
		tries := map[string]int{}
		router := stream.MustRouter(stream.On(users).Insert(func(_ context.Context, u user) error {
			if tries[u.ID]++; u.ID == "a" && tries[u.ID] < 3 {
				return errors.New("not now")
			}
			return nil
		})).With(stream.Concurrency(1))
		require.NoError(t, router.Process(t.Context(), []stream.Record{inserted(t, users, "a", "1", 1), inserted(t, users, "b", "1", 2)}))
		require.Equal(t, map[string]int{"a": 3, "b": 1}, tries)
	})
}

func TestProcess_RepeatedRecordsOfOneCallRunOnce(t *testing.T) {
	users, _ := offline(t)
	var j journal
	router := stream.MustRouter(stream.On(users).Insert(func(_ context.Context, u user) error { j.note("%s", u.Name); return nil }))
	one, two := inserted(t, users, "a", "1", 1), inserted(t, users, "a", "2", 2)
	require.NoError(t, router.Process(t.Context(), []stream.Record{one, two, one, two, two}))
	require.Equal(t, []string{"1", "2"}, j.take())
}

func TestProcess_ItemsInParallelOneAfterTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		users, _ := offline(t)
		var running, most, ofA atomic.Int32
		router := stream.MustRouter(stream.On(users).Insert(func(_ context.Context, u user) error {
			if u.ID == "a" {
				require.Equal(t, int32(1), ofA.Add(1))
				defer ofA.Add(-1)
			}
			n := running.Add(1)
			defer running.Add(-1)
			for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
			}
			time.Sleep(time.Second)
			return nil
		})).With(stream.Concurrency(4))
		var records []stream.Record
		for i := range 3 {
			records = append(records, inserted(t, users, "a", "x", i))
		}
		for i := range 20 {
			records = append(records, inserted(t, users, fmt.Sprint("u", i), "x", i))
		}
		start := time.Now()
		require.NoError(t, router.Process(t.Context(), records))
		require.Equal(t, int32(4), most.Load())
		require.Less(t, time.Since(start), 10*time.Second)
	})
}

func TestProcess_EndOfTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		users, _ := offline(t)
		stop := errors.New("stop")
		ctx, cancel := context.WithCancelCause(t.Context())
		var j journal
		router := stream.MustRouter(stream.On(users).Insert(func(_ context.Context, u user) error {
			j.note("%s", u.ID)
			if u.ID == "b" {
				cancel(stop)
			}
			return nil
		})).With(stream.Concurrency(1))
		err := router.Process(ctx, []stream.Record{inserted(t, users, "a", "1", 1), inserted(t, users, "b", "1", 2), inserted(t, users, "c", "1", 3)})
		require.ErrorIs(t, err, stop)
		failed, ok := errors.AsType[*stream.BatchError](err)
		require.True(t, ok)
		require.Len(t, failed.Failures, 1)
		require.Equal(t, 2, failed.Failures[0].Index)
		require.Equal(t, []string{"a", "b"}, j.take())

		// A record that waits for its next try fails then.
		ctx, cancel = context.WithCancelCause(t.Context())
		slow := stream.MustRouter(stream.On(users).Insert(func(context.Context, user) error { return errors.New("not now") })).With(stream.Attempts(1000))
		time.AfterFunc(time.Second, func() { cancel(stop) })
		require.ErrorIs(t, slow.Process(ctx, []stream.Record{inserted(t, users, "a", "1", 1)}), stop)
	})
}
