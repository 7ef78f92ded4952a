package monotable_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

func TestObserver_EveryVerb(t *testing.T) {
	t.Parallel()
	for verb, v := range observedVerbs {
		check := func(t *testing.T, s *scene, err error, outcome monotable.Outcome) ended {
			t.Helper()
			op := s.only(t)
			require.Equal(t, outcome, op.Outcome, "%v", err)
			require.Equal(t, v.name, op.Name)
			require.Equal(t, "contract", op.Table)
			require.Equal(t, v.ofTable, op.Entity == "")
			require.Equal(t, err, op.Err)
			if err != nil {
				var opErr *monotable.OpError
				require.ErrorAs(t, err, &opErr)
				require.Equal(t, v.name, opErr.Op)
			}
			require.Positive(t, op.Duration)
			require.False(t, op.Start.IsZero())
			require.Len(t, s.faults.Requests(), op.Attempts, "requests that arrived")
			require.Len(t, op.attempts, op.Attempts)
			require.Equal(t, op.Attempts-op.Requests, op.Retries)
			require.Equal(t, s.used.Units(), op.CapacityUnits)
			sum := 0.0
			for _, a := range op.attempts {
				require.Equal(t, op.OperationInfo, a.Operation)
				require.Positive(t, a.AttemptResult.Duration)
				sum += a.CapacityUnits
			}
			require.Equal(t, op.CapacityUnits, sum)
			return op
		}
		t.Run(verb+"/ok", func(t *testing.T) {
			s := openScene(t)
			if v.name == "GetBy" || strings.HasSuffix(verb, "Unique") {
				require.NoError(t, second(s.watched.Put(t.Context(), watched{ID: "b", Email: "a"})))
				s.again()
			}
			err := v.run(t.Context(), s, "a")
			require.NoError(t, err)
			op := check(t, s, err, monotable.OutcomeOK)
			require.Equal(t, v.items, op.Items)
			if !strings.HasSuffix(verb, "Unique") {
				require.Equal(t, v.requests, op.Requests)
			}
			require.Positive(t, op.CapacityUnits)
			for _, a := range op.attempts {
				require.False(t, a.MayHaveApplied)
			}
		})
		t.Run(verb+"/invalid", func(t *testing.T) {
			s := openScene(t)
			err := v.run(t.Context(), s, "")
			require.ErrorIs(t, err, monotable.ErrInvalid)
			op := check(t, s, err, monotable.OutcomeInvalid)
			require.Zero(t, op.Requests)
			require.Zero(t, op.Items)
		})
		t.Run(verb+"/canceled", func(t *testing.T) {
			s := openScene(t)
			ctx, cancel := context.WithCancelCause(t.Context())
			cancel(errors.New("enough"))
			err := v.run(ctx, s, "a")
			op := check(t, s, err, monotable.OutcomeCanceled)
			require.Zero(t, op.Requests)
			require.Zero(t, op.Items)
		})
		t.Run(verb+"/throttled", func(t *testing.T) {
			s := openScene(t)
			reason := types.ThrottlingReason{Reason: new("TableReadProvisionedThroughputExceeded"), Resource: new("arn:table")}
			s.faults.Rate(v.request, 1, monotabletest.Throttle("", reason))
			err := v.run(t.Context(), s, "a")
			require.ErrorIs(t, err, monotable.ErrThrottled)
			op := check(t, s, err, monotable.OutcomeThrottled)
			require.Zero(t, op.Items)
			require.GreaterOrEqual(t, op.Throttles, 3, "the SDK's attempts")
			require.GreaterOrEqual(t, op.Retries, 2)
			require.Equal(t, []monotable.ThrottlingReason{{Reason: *reason.Reason, Resource: *reason.Resource}}, op.Throttling)
			last := op.attempts[len(op.attempts)-1]
			require.Equal(t, monotable.OutcomeThrottled, last.Outcome)
			require.Equal(t, v.request, last.Request)
			require.Equal(t, "ProvisionedThroughputExceededException", last.Code)
			require.False(t, last.MayHaveApplied)
		})
		t.Run(verb+"/throttled once", func(t *testing.T) {
			s := openScene(t)
			if v.name == "GetBy" {
				require.NoError(t, second(s.watched.Put(t.Context(), watched{ID: "b", Email: "a"})))
				s.again()
			}
			s.faults.Script(v.request, monotabletest.Throttle(""))
			err := v.run(t.Context(), s, "a")
			require.NoError(t, err)
			op := check(t, s, err, monotable.OutcomeOK)
			require.Equal(t, 1, op.Throttles)
			require.Equal(t, 1, op.Retries)
			require.Equal(t, v.items, op.Items)
		})
		if !v.writes {
			continue
		}
		t.Run(verb+"/unknown", func(t *testing.T) {
			s := openScene(t)
			s.faults.Rate(v.request, 1, monotabletest.SendingBroken())
			err := v.run(t.Context(), s, "a")
			require.ErrorIs(t, err, monotable.ErrOutcomeUnknown)
			op := check(t, s, err, monotable.OutcomeUnknown)
			require.Zero(t, op.Items)
			last := op.attempts[len(op.attempts)-1]
			require.True(t, last.MayHaveApplied)
			require.Equal(t, monotable.OutcomeUnknown, last.Outcome)
			require.Empty(t, last.Code)
		})
	}
}

func TestObserver_Outcomes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		outcome monotable.Outcome
		attempt monotable.Outcome // of the last
		items   int
		run     func(ctx context.Context, s *scene) error
	}{
		"Get of nothing": {monotable.OutcomeNotFound, monotable.OutcomeOK, 0, func(ctx context.Context, s *scene) error {
			return second(s.watched.Get(ctx, watched{ID: "none"}))
		}},
		"First of nothing": {monotable.OutcomeNotFound, monotable.OutcomeOK, 0, func(ctx context.Context, s *scene) error {
			return second(s.group("none").First(ctx))
		}},
		"Update of nothing": {monotable.OutcomeNotFound, monotable.OutcomeConditionFailed, 0, func(ctx context.Context, s *scene) error {
			return second(s.watched.Update(ctx, watched{ID: "none"}, watchedN.Set(1)))
		}},
		"Delete of nothing": {monotable.OutcomeOK, monotable.OutcomeOK, 0, func(ctx context.Context, s *scene) error {
			return second(s.simple.Delete(ctx, simple{Group: "none", ID: "a"}))
		}},
		"Create of what is there": {monotable.OutcomeAlreadyExists, monotable.OutcomeConditionFailed, 0, func(ctx context.Context, s *scene) error {
			return second(s.watched.Create(ctx, watched{ID: "a"}))
		}},
		"Put with an old version": {monotable.OutcomeVersionConflict, monotable.OutcomeConditionFailed, 0, func(ctx context.Context, s *scene) error {
			return second(s.watched.With(monotable.Attempts(1)).Put(ctx, watched{ID: "a", Ver: 7}))
		}},
		"Update under a condition": {monotable.OutcomeConditionFailed, monotable.OutcomeConditionFailed, 0, func(ctx context.Context, s *scene) error {
			return second(s.watched.Update(ctx, watched{ID: "a"}, watchedN.Set(1), watchedN.Eq(7)))
		}},
		"TransactWrite under a condition": {monotable.OutcomeNotFound, monotable.OutcomeConditionFailed, 0, func(ctx context.Context, s *scene) error {
			return s.table.TransactWrite(ctx, s.watched.CheckOp(watched{ID: "none"}), s.simple.PutOp(simple{Group: "x", ID: "x"}))
		}},
		"TransactGet of one of two": {monotable.OutcomeNotFound, monotable.OutcomeOK, 1, func(ctx context.Context, s *scene) error {
			var a, b watched
			return s.table.TransactGet(ctx, s.watched.GetOp(watched{ID: "none"}, &a), s.watched.GetOp(watched{ID: "a"}, &b))
		}},
		"a value that is taken": {monotable.OutcomeDuplicate, monotable.OutcomeConditionFailed, 0, func(ctx context.Context, s *scene) error {
			if err := second(s.watched.Create(ctx, watched{ID: "b", Email: "b"})); err != nil {
				return err
			}
			s.again()
			return second(s.watched.Create(ctx, watched{ID: "c", Email: "b"}))
		}},
		"in conflict with a transaction": {monotable.OutcomeConflict, monotable.OutcomeConflict, 0, func(ctx context.Context, s *scene) error {
			s.faults.Rate("", 1, monotabletest.TransactionConflict())
			return s.table.TransactWrite(ctx, s.simple.PutOp(simple{Group: "x", ID: "x"}))
		}},
		"a transaction that is throttled": {monotable.OutcomeThrottled, monotable.OutcomeThrottled, 0, func(ctx context.Context, s *scene) error {
			s.faults.Rate("", 1, monotabletest.TransactionCanceled("ThrottlingError"))
			return s.table.TransactWrite(ctx, s.simple.PutOp(simple{Group: "x", ID: "x"}))
		}},
		"a batch half done": {monotable.OutcomeUnprocessed, monotable.OutcomeOK, 1, func(ctx context.Context, s *scene) error {
			s.faults.Rate("", 1, monotabletest.Unprocessed(1))
			return s.table.BatchWrite(ctx, s.simple.PutOp(simple{Group: "x", ID: "x"}), s.simple.PutOp(simple{Group: "x", ID: "y"}))
		}},
		"a reply lost": {monotable.OutcomeOK, monotable.OutcomeConditionFailed, 1, func(ctx context.Context, s *scene) error {
			s.faults.Script("UpdateItem", monotabletest.ReplyLost())
			return second(s.watched.Update(ctx, watched{ID: "a", Ver: 1}, monotable.Add(watchedN, 1)))
		}},
		"the caller's deadline": {monotable.OutcomeCanceled, monotable.OutcomeCanceled, 0, func(ctx context.Context, s *scene) error {
			ctx, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
			defer cancel()
			s.faults.Rate("", 1, monotabletest.Silent())
			return second(s.watched.Get(ctx, watched{ID: "a"}))
		}},
		"no reply to a read": {monotable.OutcomeFailed, monotable.OutcomeFailed, 0, func(ctx context.Context, s *scene) error {
			s.faults.Rate("", 1, monotabletest.Silent())
			return second(s.watched.With(monotable.AttemptTimeout(5*time.Millisecond)).Get(ctx, watched{ID: "a"}))
		}},
		"a cursor of another's": {monotable.OutcomeInvalid, "", 0, func(ctx context.Context, s *scene) error {
			return second(s.group("a").From("bad").Collect(ctx))
		}},
		"no access": {monotable.OutcomeFailed, monotable.OutcomeFailed, 0, func(ctx context.Context, s *scene) error {
			s.faults.Rate("", 1, monotabletest.Refuse(400, "AccessDeniedException"))
			return second(s.watched.Get(ctx, watched{ID: "a"}))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := openScene(t)
			err := c.run(t.Context(), s)
			op := s.only(t)
			require.Equal(t, c.outcome, op.Outcome, "%v", err)
			require.Equal(t, c.items, op.Items)
			require.Equal(t, err, op.Err)
			if c.attempt == "" {
				require.Empty(t, op.attempts)
				return
			}
			require.Equal(t, c.attempt, op.attempts[len(op.attempts)-1].Outcome)
		})
	}
}

func TestObserver_IteratorsEndWithTheIteration(t *testing.T) {
	s := openScene(t)
	all := s.group("a").All(t.Context())
	require.Zero(t, s.started, "nothing begins before the iteration does")
	for range all {
		break
	}
	op := s.only(t)
	require.Equal(t, monotable.OutcomeOK, op.Outcome)
	require.Equal(t, 1, op.Items)
	require.Equal(t, 1, op.Requests)

	s.again()
	require.Panics(t, func() {
		for range all {
			panic("in the loop")
		}
	})
	require.Equal(t, 1, s.only(t).Items)

	s.again()
	s.faults.At(2, monotabletest.Refuse(400, "AccessDeniedException"))
	_, err := collectAll(all)
	op = s.only(t)
	require.Equal(t, err, op.Err)
	require.Equal(t, 2, op.Items, "of the page before")

	s.again()
	require.NoError(t, second(s.simple.Query(simple{Group: "a"}).Index("byGroup").Collect(t.Context())))
	require.Equal(t, "byGroup", s.only(t).Index)
}

func TestObserver_Attempts(t *testing.T) {
	s := openScene(t)
	s.faults.Script("UpdateItem", monotabletest.InternalServerError(), nil)
	_, err := s.watched.Modify(t.Context(), watched{ID: "a"}, func(w *watched) error { w.N++; return nil })
	require.NoError(t, err)
	op := s.only(t)
	type seen struct {
		request          string
		sequence, number int
		outcome          monotable.Outcome
		code             string
		open             bool
	}
	var got []seen
	for _, a := range op.attempts {
		got = append(got, seen{a.Request, a.Sequence, a.Number, a.Outcome, a.Code, a.MayHaveApplied})
	}
	require.Equal(t, []seen{
		{"GetItem", 1, 1, monotable.OutcomeOK, "", false},
		{"UpdateItem", 2, 1, monotable.OutcomeUnknown, "InternalServerError", true},
		{"UpdateItem", 2, 2, monotable.OutcomeOK, "", false},
	}, got)
	require.Equal(t, 2, op.Requests)
	require.Equal(t, 3, op.Attempts)
	require.Equal(t, 1, op.Retries)
}

// A client that does not take our middleware makes one attempt of each call.
func TestObserver_ForeignClient(t *testing.T) {
	s := openScene(t, func(_ *monotable.TableConfig, c *monotable.Client) { *c = heedlessClient{*c} })
	require.NoError(t, second(s.watched.Get(t.Context(), watched{ID: "a"})))
	op := s.only(t)
	require.Equal(t, 1, op.Attempts)
	require.Equal(t, "GetItem", op.attempts[0].Request)
	require.Positive(t, op.attempts[0].AttemptResult.Duration)
	require.Positive(t, op.attempts[0].CapacityUnits)

	s.again()
	s.faults.Rate("PutItem", 1, monotabletest.SendingBroken())
	require.ErrorIs(t, second(s.simple.Put(t.Context(), simple{Group: "a", ID: "a"})), monotable.ErrOutcomeUnknown)
	op = s.only(t)
	require.Equal(t, 1, op.Attempts, "what it does inside is not seen")
	require.True(t, op.attempts[0].MayHaveApplied)
}

// heedlessClient passes no options on.
type heedlessClient struct{ monotable.Client }

func (c heedlessClient) GetItem(ctx context.Context, in *dynamodb.GetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	return c.Client.GetItem(ctx, in)
}

func (c heedlessClient) PutItem(ctx context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	return c.Client.PutItem(ctx, in)
}

// What a validator of the program's own does is not part of the operation it is called from.
func TestObserver_CallsWithinCalls(t *testing.T) {
	t.Parallel()
	for _, observed := range []bool{true, false} {
		inner := openScene(t, func(cfg *monotable.TableConfig, _ *monotable.Client) {
			if !observed {
				cfg.Observer = nil
			}
		})
		s := openScene(t, func(cfg *monotable.TableConfig, _ *monotable.Client) {
			cfg.Validator = validatorFunc(func(ctx context.Context) error { return second(inner.watched.Get(ctx, watched{ID: "a"})) })
		})
		inner.reset()
		require.NoError(t, second(s.simple.Put(t.Context(), simple{Group: "a", ID: "a"})))
		require.Equal(t, 1, s.only(t).Requests)
		if observed {
			require.Equal(t, "Get", inner.only(t).Name)
		} else {
			require.Zero(t, inner.started)
		}
	}
}

type validatorFunc func(context.Context) error

func (f validatorFunc) StructCtx(ctx context.Context, _ any) error { return f(ctx) }

func TestObserver_ConcurrentUse(t *testing.T) {
	t.Parallel()
	s := openScene(t)
	s.faults.Rate("BatchWriteItem", 0.3, monotabletest.Throttle(""))
	errs := together(16, func(i int) error {
		id := strings.Repeat("x", i+1)
		items := make([]simple, 60)
		for n := range items {
			items[n] = simple{Group: id, ID: strings.Repeat("y", n+1)}
		}
		e := s.simple.With(monotable.Attempts(20))
		return errors.Join(e.BatchPut(t.Context(), items), second(e.Query(simple{Group: id}).PageSize(10).Collect(t.Context())))
	})
	require.NoError(t, errors.Join(errs...))
	require.Equal(t, 32, s.started)
	require.Len(t, s.ended, 32)
	total := 0
	for _, op := range s.ended {
		require.Equal(t, 60, op.Items)
		require.Len(t, op.attempts, op.Attempts)
		total += op.Attempts
	}
	require.Len(t, s.faults.Requests(), total)
}

func TestObserver_ContextOfTheObserver(t *testing.T) {
	type key struct{}
	var seen []any
	order := ""
	outer := &ctxObserver{key: key{}, value: "outer", see: func(context.Context) { order += "o" }}
	inner := &ctxObserver{key: key{}, see: func(ctx context.Context) { order, seen = order+"i", append(seen, ctx.Value(key{})) }}
	s := openScene(t, func(cfg *monotable.TableConfig, _ *monotable.Client) {
		cfg.Observer = monotable.Observers(nil, outer, nil, inner)
	})
	order, seen = "", nil
	require.NoError(t, second(s.watched.Get(t.Context(), watched{ID: "a"})))
	require.Equal(t, []any{"outer", "outer", "outer", "outer"}, seen)
	require.Equal(t, "oioi"+"ioio", order, "ends in reverse")

	require.Nil(t, monotable.Observers())
	require.Nil(t, monotable.Observers(nil, nil))
	require.Same(t, outer, monotable.Observers(nil, outer))
}

// ctxObserver puts a value into the context and shows those it gets. Without a value it returns no context.
type ctxObserver struct {
	key, value any
	see        func(context.Context)
}

func (o *ctxObserver) note(ctx context.Context) context.Context {
	if o.see != nil {
		o.see(ctx)
	}
	if o.value == nil {
		return nil
	}
	return context.WithValue(ctx, o.key, o.value)
}

func (o *ctxObserver) OperationStart(ctx context.Context, _ monotable.OperationInfo) context.Context {
	return o.note(ctx)
}

func (o *ctxObserver) OperationEnd(ctx context.Context, _ monotable.OperationInfo, _ monotable.OperationResult) {
	o.note(ctx)
}

func (o *ctxObserver) AttemptStart(ctx context.Context, _ monotable.AttemptInfo) context.Context {
	return o.note(ctx)
}

func (o *ctxObserver) AttemptEnd(ctx context.Context, _ monotable.AttemptInfo, _ monotable.AttemptResult) {
	o.note(ctx)
}

// Without an observer nothing asks for capacity, nothing is put into contexts, and so nothing more is allocated.
func TestObserver_None(t *testing.T) {
	get := func(observer monotable.Observer) (allocs float64) {
		client := &instantClient{}
		table, err := monotable.NewTable(client, monotable.TableConfig{Name: "none", PartitionKey: "PK", SortKey: "SK", Observer: observer})
		require.NoError(t, err)
		e := mustEntity(t, table, monotable.Schema[watched]{Name: "Watched", Key: monotable.Key{Partition: "W#{id}", Sort: "W"}})
		ctx := t.Context()
		allocs = testing.AllocsPerRun(100, func() { _, _ = e.Get(ctx, watched{ID: "a"}) })
		require.Equal(t, observer == nil, client.ctx == ctx)
		require.Equal(t, observer != nil, client.capacity == types.ReturnConsumedCapacityTotal)
		return allocs
	}
	require.Less(t, get(nil), get(monotable.NoObserver{}))
}

// instantClient finds nothing, at once, and keeps what it was asked.
type instantClient struct {
	monotable.Client
	ctx      context.Context
	capacity types.ReturnConsumedCapacity
}

func (c *instantClient) GetItem(ctx context.Context, in *dynamodb.GetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	c.ctx, c.capacity = ctx, in.ReturnConsumedCapacity
	return nothing, nil
}

var nothing = &dynamodb.GetItemOutput{}
