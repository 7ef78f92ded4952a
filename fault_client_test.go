package monotable_test

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
)

// dropItem takes the item out of a failed condition, as clients between us and the service may do.
func dropItem(err error) error {
	if failed, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		return &types.ConditionalCheckFailedException{Message: failed.Message}
	}
	return err
}

// TestF029_ReasonsWithoutTheItem: a client that drops the item of a failed condition. One look-up tells the reason.
func TestF029_ReasonsWithoutTheItem(t *testing.T) {
	clock := newClock()
	s := openStore(t, accountConfig(clock))
	plain := &spyClient{Client: s.client}
	dropping := &spyClient{Client: s.client, onError: dropItem}
	ctx := t.Context()
	conflict := []error{monotable.ErrVersionConflict, monotable.ErrConditionFailed}
	for _, row := range []struct {
		name   string
		stored rawItem // nil for none
		call   func(e *monotable.Entity[account]) error
		want   []error
	}{
		{"Create, exists", rawAccount("a"), func(e *monotable.Entity[account]) error {
			_, err := e.Create(ctx, account{ID: "a", Email: "a@x.io"})
			return err
		}, []error{monotable.ErrAlreadyExists, monotable.ErrConditionFailed}},
		{"Create, another entity's", with(rawAccount("a"), rawItem{"_et": avS("Other")}), func(e *monotable.Entity[account]) error {
			_, err := e.Create(ctx, account{ID: "a", Email: "a@x.io"})
			return err
		}, []error{monotable.ErrAlreadyExists, monotable.ErrWrongEntity, monotable.ErrConditionFailed}},
		{"Put 0, exists", rawAccount("a"), func(e *monotable.Entity[account]) error {
			_, err := e.Put(ctx, account{ID: "a", Email: "a@x.io"})
			return err
		}, append([]error{monotable.ErrAlreadyExists}, conflict...)},
		{"Put n, moved", rawAccount("a"), func(e *monotable.Entity[account]) error {
			_, err := e.Put(ctx, account{ID: "a", Email: "a@x.io", Version: 7})
			return err
		}, conflict},
		{"Put n, condition", rawAccount("a"), func(e *monotable.Entity[account]) error {
			_, err := e.Put(ctx, newAccount("a"), accountPlan.Eq("pro"))
			return err
		}, []error{monotable.ErrConditionFailed}},
		{"Update, missing", nil, func(e *monotable.Entity[account]) error {
			_, err := e.Update(ctx, account{ID: "a"}, accountLogins.Set(1))
			return err
		}, []error{monotable.ErrNotFound, monotable.ErrConditionFailed}},
		{"Update, moved", rawAccount("a"), func(e *monotable.Entity[account]) error {
			_, err := e.Update(ctx, account{ID: "a", Version: 7}, accountLogins.Set(1))
			return err
		}, conflict},
		{"Update, condition", rawAccount("a"), func(e *monotable.Entity[account]) error {
			_, err := e.Update(ctx, account{ID: "a"}, accountLogins.Set(1), accountPlan.Eq("pro"))
			return err
		}, []error{monotable.ErrConditionFailed}},
		{"Update, another entity's", with(rawAccount("a"), rawItem{"_et": avS("Other")}), func(e *monotable.Entity[account]) error {
			_, err := e.Update(ctx, account{ID: "a"}, accountLogins.Set(1))
			return err
		}, []error{monotable.ErrWrongEntity, monotable.ErrConditionFailed}},
		{"Update, missing parent", with(rawAccount("a"), rawItem{"prefs": nil}), func(e *monotable.Entity[account]) error {
			_, err := e.Update(ctx, account{ID: "a"}, accountSize.Set(1))
			return err
		}, []error{monotable.ErrConditionFailed}},
		{"Delete, missing", nil, func(e *monotable.Entity[account]) error {
			_, err := e.Delete(ctx, account{ID: "a"}, accountPlan.Eq("free"))
			return err
		}, []error{monotable.ErrNotFound, monotable.ErrConditionFailed}},
		{"Delete, moved", rawAccount("a"), func(e *monotable.Entity[account]) error {
			_, err := e.Delete(ctx, account{ID: "a", Version: 7})
			return err
		}, conflict},
		{"Delete, condition", rawAccount("a"), func(e *monotable.Entity[account]) error {
			_, err := e.Delete(ctx, account{ID: "a"}, accountPlan.Eq("pro"))
			return err
		}, []error{monotable.ErrConditionFailed}},
	} {
		t.Run(row.name, func(t *testing.T) {
			for _, old := range s.dump() {
				require.NoError(t, s.remove(old))
			}
			if row.stored != nil {
				s.write(row.stored)
			}
			texts := map[*spyClient]string{}
			for _, client := range []*spyClient{plain, dropping} {
				client.gets.Store(0)
				e := mustEntity(t, s.over(client), accountSchema())
				err := row.call(e)
				requireError(t, err, row.want...)
				require.ErrorAs(t, err, new(*types.ConditionalCheckFailedException))
				_, ok := e.Old(err)
				require.Equal(t, row.stored != nil && !errors.Is(err, monotable.ErrWrongEntity), ok, "what refused is attached")
				texts[client] = err.Error()
			}
			require.Equal(t, texts[plain], texts[dropping])
			require.Equal(t, int64(1), dropping.gets.Load(), "one look-up")
			require.Zero(t, dropping.stale.Load(), "a consistent one")
			if row.stored != nil {
				require.Zero(t, plain.gets.Load(), "no look-up where the item came with the answer")
			}
		})
	}
	t.Run("the look-up fails", func(t *testing.T) {
		s.write(rawAccount("a"))
		e := mustEntity(t, s.over(&blindClient{spyClient{Client: s.client, onError: dropItem}}), accountSchema())
		_, err := e.Update(ctx, account{ID: "a", Version: 7}, accountLogins.Set(1))
		requireError(t, err, monotable.ErrConditionFailed)
	})
	t.Run("Modify and Upsert work as ever", func(t *testing.T) {
		e := mustEntity(t, s.over(dropping), accountSchema())
		_, err := e.Upsert(ctx, account{ID: "new"}, accountEmail.Set("n@x.io"))
		require.NoError(t, err)
		got, err := e.Modify(ctx, account{ID: "new"}, func(a *account) error { a.Plan = "pro"; return nil })
		require.NoError(t, err)
		require.Equal(t, int64(2), got.Version)
	})
}

// blindClient cannot read.
type blindClient struct{ spyClient }

func (c *blindClient) GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	return nil, errors.New("blind")
}

// TestF009_AContextThatIsDoneSendsNothing for every verb and terminal method.
func TestF009_AContextThatIsDoneSendsNothing(t *testing.T) {
	a := openAccounts(t)
	spy := &spyClient{Client: a.client}
	e := mustEntity(t, a.over(spy), accountSchema())
	item := account{ID: "a", Email: "a@x.io"}
	q := e.Query(account{ID: "a"})
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	errCause := errors.New("cause")
	caused, cancelCause := context.WithCancelCause(t.Context())
	cancelCause(errCause)
	for name, call := range map[string]func(ctx context.Context) error{
		"Create": func(ctx context.Context) error { _, err := e.Create(ctx, item); return err },
		"Get":    func(ctx context.Context) error { _, err := e.Get(ctx, item); return err },
		"Put":    func(ctx context.Context) error { _, err := e.Put(ctx, item); return err },
		"Update": func(ctx context.Context) error { _, err := e.Update(ctx, item, accountLogins.Set(1)); return err },
		"Upsert": func(ctx context.Context) error { _, err := e.Upsert(ctx, item, accountEmail.Set("a@x.io")); return err },
		"Modify": func(ctx context.Context) error {
			_, err := e.Modify(ctx, item, func(*account) error { return nil })
			return err
		},
		"Delete":  func(ctx context.Context) error { _, err := e.Delete(ctx, item); return err },
		"All":     func(ctx context.Context) error { _, err := collectAll(q.All(ctx)); return err },
		"Page":    func(ctx context.Context) error { _, err := q.Page(ctx); return err },
		"Collect": func(ctx context.Context) error { _, err := q.Collect(ctx); return err },
		"First":   func(ctx context.Context) error { _, err := q.First(ctx); return err },
		"Count":   func(ctx context.Context) error { _, err := q.Count(ctx); return err },
		"Scan":    func(ctx context.Context) error { _, err := e.Scan().Collect(ctx); return err },
	} {
		err := call(cancelled)
		requireError(t, err, context.Canceled)
		require.ErrorIs(t, err, context.Canceled, name)
		_, ok := errors.AsType[*monotable.OpError](err)
		require.True(t, ok, name)
		err = call(caused)
		require.ErrorIs(t, err, context.Canceled, "%s: programs look for ctx.Err()", name)
	}
	require.Zero(t, spy.calls())
	require.Empty(t, a.dump())
}

// TestF104_NoHiddenReads counts what the verbs send when all is well.
func TestF104_NoHiddenReads(t *testing.T) {
	a := openAccounts(t)
	calls := 0
	e := a.With(monotable.ClientOptions(func(*dynamodb.Options) { calls++ }))
	ctx := t.Context()
	for _, row := range []struct {
		name  string
		calls int
		call  func() error
	}{
		{"Upsert that creates", 2, func() error { _, err := e.Upsert(ctx, account{ID: "a"}, accountEmail.Set("a@x.io")); return err }},
		{"Upsert that updates", 1, func() error { _, err := e.Upsert(ctx, account{ID: "a"}, accountEmail.Set("b@x.io")); return err }},
		{"Create", 1, func() error { _, err := e.Create(ctx, account{ID: "b", Email: "b@x.io"}); return err }},
		{"Put", 1, func() error { _, err := e.Put(ctx, account{ID: "b", Email: "b@x.io", Version: 1}); return err }},
		{"Get", 1, func() error { _, err := e.Get(ctx, account{ID: "b"}); return err }},
		{"Update", 1, func() error {
			_, err := e.Update(ctx, account{ID: "b"}, accountEmail.Set("c@x.io"), accountPlan.Set("pro"), accountRegion.Set("eu"))
			return err
		}},
		{"Modify", 2, func() error {
			_, err := e.Modify(ctx, account{ID: "b"}, func(a *account) error { a.Plan = "free"; return nil })
			return err
		}},
		{"Delete", 1, func() error { _, err := e.Delete(ctx, account{ID: "b"}, accountPlan.Eq("free")); return err }},
		{"a failed Create", 1, func() error {
			_, err := e.Create(ctx, account{ID: "a", Email: "b@x.io"})
			if errors.Is(err, monotable.ErrAlreadyExists) {
				return nil
			}
			return errors.New("created")
		}},
	} {
		calls = 0
		require.NoError(t, row.call(), row.name)
		require.Equal(t, row.calls, calls, row.name)
	}
}

// TestOptionsReachEveryCall: capacity and client options.
func TestOptionsReachEveryCall(t *testing.T) {
	a := openAccounts(t)
	ctx := t.Context()
	configured, derived := 0, 0
	cfg := a.store.cfg
	cfg.ClientOptions = []func(*dynamodb.Options){func(*dynamodb.Options) { configured++ }}
	table, err := monotable.NewTable(a.client, cfg)
	require.NoError(t, err)
	spent := &monotable.ConsumedCapacity{}
	plain := mustEntity(t, table, accountSchema())
	e := plain.With(monotable.Capacity(spent), monotable.ClientOptions(func(o *dynamodb.Options) { derived++; o.RetryMaxAttempts = 2 }))
	requests := 0
	for name, call := range map[string]func() error{
		"Upsert": func() error { _, err := e.Upsert(ctx, account{ID: "u"}, accountEmail.Set("a@x.io")); return err },
		"Put":    func() error { _, err := e.Put(ctx, account{ID: "p", Email: "b@x.io"}); return err },
		"Query":  func() error { _, err := e.Query(account{ID: "b"}).Collect(ctx); return err },
		"Count":  func() error { _, err := e.Query(account{ID: "b"}).Count(ctx); return err },
		"Scan":   func() error { _, err := e.Scan().Collect(ctx); return err },
		"Delete": func() error { _, err := e.Delete(ctx, account{ID: "b"}); return err },
		"Get":    func() error { _, err := e.Get(ctx, account{ID: "b"}); return ignore(err, monotable.ErrNotFound) },
	} {
		before := derived
		derived = 0
		units := spent.Units()
		require.NoError(t, call(), name)
		require.Positive(t, derived, name)
		requests += derived
		require.GreaterOrEqual(t, spent.Units(), units, name)
		derived += before
	}
	require.Equal(t, configured, derived, "options of the table and of the call reach the same calls")
	require.Positive(t, spent.Units())
	require.LessOrEqual(t, spent.Requests(), requests)
	require.GreaterOrEqual(t, spent.Requests(), requests-1, "a refused request reports nothing, all others do")
	_, err = plain.Get(ctx, account{ID: "u"})
	require.NoError(t, err)
	require.Equal(t, configured, derived+1, "the entity itself is unchanged by With")
}

func ignore(err, target error) error {
	if errors.Is(err, target) {
		return nil
	}
	return err
}

// TestF059_CapacityOfAllPages sums them up.
func TestF059_CapacityOfAllPages(t *testing.T) {
	_, spy, notes, _ := openNotes(t, 6)
	spent := &monotable.ConsumedCapacity{}
	_, err := notes.With(monotable.Capacity(spent)).Query(note{Book: "b"}).PageSize(2).Collect(t.Context())
	require.NoError(t, err)
	require.Equal(t, spy.queries.Load(), int64(spent.Requests()))
	require.GreaterOrEqual(t, spent.Requests(), 3)
	require.Positive(t, spent.Units())
}
