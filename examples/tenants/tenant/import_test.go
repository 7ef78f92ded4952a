package tenant_test

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/examples/tenants/tenant"
	"github.com/monotable/monotable/memdb"
)

func guests(n int) []tenant.User {
	users := make([]tenant.User, n)
	for i := range users {
		users[i] = tenant.User{ID: fmt.Sprintf("guest%03d", i), Email: fmt.Sprintf("guest%03d@example.com", i)}
	}
	return users
}

func TestImport(t *testing.T) {
	ctx, w := t.Context(), acme(t, newWorld)
	people := guests(40)
	people[7].Email = "ANN@example.com"
	people[9].ID = "ann"
	people[11].Email = "nobody"
	var calls []int
	errs := w.here.Import(ctx, people, 10_000, func(done, total int) {
		require.Equal(t, 40, total)
		calls = append(calls, done)
	})
	want := map[int]error{7: monotable.ErrDuplicate, 9: monotable.ErrAlreadyExists, 11: monotable.ErrInvalid}
	for i, err := range errs {
		require.ErrorIs(t, err, want[i], i)
	}
	require.Len(t, calls, 40)
	require.IsIncreasing(t, calls)
	_, err := w.UserByEmail(ctx, "guest039@example.com")
	require.NoError(t, err)

	for _, err := range w.here.Import(ctx, guests(7), math.MaxInt, nil) {
		require.ErrorIs(t, err, monotable.ErrAlreadyExists, "again")
	}
}

// In virtual time, and so in memory only.
func TestImportIsPaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := memdb.New(memdb.Options{}).Client()
		s, err := tenant.New(client, tenant.Options{Table: "tenants", CursorSecret: bytes.Repeat([]byte("s"), 32)})
		require.NoError(t, err)
		require.NoError(t, s.Ensure(t.Context(), client))
		begin := time.Now()
		for _, err := range s.Import(t.Context(), guests(100), 20, func(int, int) {}) {
			require.NoError(t, err)
		}
		require.Equal(t, 5*time.Second, time.Since(begin))

		ctx, stop := context.WithCancel(t.Context())
		begin = time.Now()
		errs := s.Import(ctx, guests(200)[100:], 1, func(done, _ int) {
			if done == 10 {
				stop()
			}
		})
		require.NoError(t, errs[9])
		require.ErrorIs(t, errs[10], context.Canceled)
		require.ErrorIs(t, errs[99], context.Canceled)
		require.Equal(t, 10*time.Second, time.Since(begin), "it ends when it is told to")
	})
}
