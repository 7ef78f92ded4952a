package monotable_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
)

// together runs f n times at once and gives the errors by position.
func together(n int, f func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}

func TestF021_TwoUpdatesOfOneVersion(t *testing.T) {
	t.Parallel()
	s := openStore(t, monotable.TableConfig{})
	e := mustEntity(t, s.Table, counterSchema())
	for round := range 20 {
		key := counter{ID: fmt.Sprint(round)}
		first, err := e.Create(t.Context(), key)
		require.NoError(t, err)
		for name, write := range map[string]func(c counter, n int) (counter, error){
			"Update": func(c counter, n int) (counter, error) { return e.Update(t.Context(), c, counterN.Set(n)) },
			"Put":    func(c counter, n int) (counter, error) { c.N = n; return e.Put(t.Context(), c) },
			"Modify": func(c counter, n int) (counter, error) {
				return e.Modify(t.Context(), c, func(c *counter) error { c.N = n; return nil })
			},
		} {
			results := make([]counter, 2)
			errs := together(2, func(i int) (err error) {
				results[i], err = write(first, 1+i+10*round+100*len(name))
				return err
			})
			won, lost := 0, 1
			if errs[0] != nil {
				won, lost = 1, 0
			}
			require.NoError(t, errs[won], name)
			requireError(t, errs[lost], monotable.ErrVersionConflict, monotable.ErrConditionFailed)
			require.Equal(t, first.Ver+1, results[won].Ver)
			stored, err := e.Get(t.Context(), key)
			require.NoError(t, err)
			require.Equal(t, results[won], stored)
			first = stored
		}
	}
}

func TestF021_ModifyLosesNothing(t *testing.T) {
	const writers, steps = 16, 50
	t.Run("versioned", func(t *testing.T) {
		t.Parallel()
		s := openStore(t, monotable.TableConfig{})
		e := mustEntity(t, s.Table, counterSchema())
		_, err := e.Create(t.Context(), counter{ID: "c"})
		require.NoError(t, err)
		for _, err := range together(writers, func(int) error {
			for range steps {
				if _, err := e.Modify(t.Context(), counter{ID: "c"}, func(c *counter) error { c.N++; return nil }); err != nil {
					return err
				}
			}
			return nil
		}) {
			require.NoError(t, err)
		}
		require.Equal(t, rawCounter("800", "801"), s.stored(keyPS("COUNTER#c", "C")))
	})
	t.Run("without a version", func(t *testing.T) {
		t.Parallel()
		s := openStore(t, monotable.TableConfig{})
		e := mustEntity(t, s.Table, docSchema())
		s.write(with(rawDoc(), rawItem{"size": avN("0")}))
		for i, err := range together(writers, func(i int) error {
			for range steps {
				if i == 0 { // another writer of another attribute is in nobody's way
					if _, err := e.Update(t.Context(), doc{ID: "d"}, monotable.Field(func(d *doc) *string { return &d.Title }).Set("x")); err != nil {
						return err
					}
				}
				if _, err := e.Modify(t.Context(), doc{ID: "d"}, func(d *doc) error { d.Size++; return nil }); err != nil {
					return err
				}
			}
			return nil
		}) {
			require.NoError(t, err, i)
		}
		require.Equal(t, with(rawDoc(), rawItem{"size": avN("800"), "title": avS("x")}), s.stored(keyPS("DOC#d", "D")))
	})
}

func TestUpsertsOfOneNewKey(t *testing.T) {
	t.Parallel()
	s := openStore(t, monotable.TableConfig{})
	e := mustEntity(t, s.Table, counterSchema())
	for round := range 10 {
		key := counter{ID: fmt.Sprint(round)}
		for _, err := range together(8, func(i int) error {
			_, err := e.Upsert(t.Context(), key, monotable.Add(counterN, i+1))
			return err
		}) {
			require.NoError(t, err)
		}
		got, err := e.Get(t.Context(), key)
		require.NoError(t, err)
		require.Equal(t, counter{key.ID, 36, 8}, got)
	}
}

func TestCreatesOfOneKey(t *testing.T) {
	s := openStore(t, monotable.TableConfig{})
	e := mustEntity(t, s.Table, counterSchema())
	for round := range 10 {
		var won atomic.Int64
		for _, err := range together(8, func(i int) error {
			_, err := e.Create(t.Context(), counter{ID: fmt.Sprint(round), N: i})
			if err == nil {
				won.Add(1)
			}
			return err
		}) {
			if err != nil {
				requireError(t, err, monotable.ErrAlreadyExists, monotable.ErrConditionFailed)
			}
		}
		require.Equal(t, int64(1), won.Load())
	}
}

// TestSharedByManyGoroutines is for the race detector: one entity, one query, one operation, one attribute, one capacity.
func TestSharedByManyGoroutines(t *testing.T) {
	a := openAccounts(t)
	spent := &monotable.ConsumedCapacity{}
	e := a.With(monotable.Capacity(spent))
	base := e.Query(account{Email: "same@x.io"}).Index("GSI1").Filter(accountPlan.Eq("free"))
	view := monotable.As[struct {
		ID string `dynamodbav:"id"`
	}](base)
	_, err := a.Create(t.Context(), account{ID: "0", Email: "same@x.io"})
	require.NoError(t, err)
	get := e.GetOp(account{ID: "0"}, nil)
	cond := monotable.All(accountPlan.Eq("free"), monotable.Not(accountLogins.Lt(0)))
	for _, err := range together(12, func(i int) error {
		id := fmt.Sprint(i + 1)
		_, err1 := e.Create(t.Context(), account{ID: id, Email: "same@x.io"})
		_, err2 := e.With(monotable.Consistent()).Get(t.Context(), account{ID: id})
		_, err3 := base.Limit(i + 1).Collect(t.Context())
		_, err4 := base.Descending().PageSize(2).Count(t.Context())
		_, err5 := view.Collect(t.Context())
		_, err6 := e.Update(t.Context(), account{ID: "0"}, monotable.Add(accountLogins, 1), cond)
		_, err7 := get.Request()
		_, err8 := monotable.NewEntity(a.Table, accountSchema())
		a.clock.forward(1)
		return errors.Join(err1, err2, err3, err4, err5, err6, err7, err8)
	}) {
		require.NoError(t, err)
	}
	n, err := base.Count(t.Context())
	require.NoError(t, err)
	require.Equal(t, 13, n)
	got, err := a.Get(t.Context(), account{ID: "0"})
	require.NoError(t, err)
	require.Equal(t, 12, got.Logins)
	require.Positive(t, spent.Units())
}
