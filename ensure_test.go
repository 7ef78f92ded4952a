package monotable_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/monotabletest"
)

// TestEnsure runs once for all callers, and again only after a failure.
func TestEnsure(t *testing.T) {
	onSite(t, func(s *site) {
		var faults monotabletest.Faults
		client := faults.Client(s.client)
		table := s.table(client)
		faults.Script("CreateTable", monotabletest.Refuse(http.StatusBadRequest, "AccessDeniedException"))
		require.Error(s.t, table.Ensure(s.t.Context(), client))

		var all sync.WaitGroup
		errs := make([]error, 16)
		for i := range errs {
			all.Go(func() { errs[i] = table.With(monotable.Consistent()).Ensure(s.t.Context(), client) })
		}
		all.Wait()
		for _, err := range errs {
			require.NoError(s.t, err)
		}
		created, ttl := 0, 0
		for _, name := range operations(&faults) {
			switch name {
			case "CreateTable":
				created++
			case "UpdateTimeToLive":
				ttl++
			}
		}
		assert.Equal(t, 2, created, "the refused one and one more")
		assert.Equal(t, 1, ttl)

		sent := len(faults.Requests())
		require.NoError(s.t, table.Ensure(s.t.Context(), client))
		assert.Len(t, faults.Requests(), sent, "kept")
		require.NoError(s.t, table.Ensure(s.t.Context(), client, monotable.OnDemand()))
		assert.Len(t, faults.Requests(), sent+2, "other options are looked at")
		require.NoError(s.t, table.With(monotable.TableName("other")).Ensure(s.t.Context(), client))
		assert.Greater(t, len(faults.Requests()), sent+2, "so is another table")
	})
}

// TestEnsureWithoutAdmin is refused in the caller's hands, not a panic in a goroutine.
func TestEnsureWithoutAdmin(t *testing.T) {
	table, err := monotable.NewTable(memdb.New(memdb.Options{}).Client(), lifeConfig())
	require.NoError(t, err)
	var none *dynamodb.Client
	for _, admin := range []monotable.Admin{nil, none} {
		requireError(t, table.Ensure(t.Context(), admin), monotable.ErrInvalid)
		requireError(t, table.Create(t.Context(), admin), monotable.ErrInvalid)
		requireError(t, table.DropIndex(t.Context(), admin, "old"), monotable.ErrInvalid)
		_, err := table.Verify(t.Context(), admin)
		requireError(t, err, monotable.ErrInvalid)
	}
}

// TestEnsureCancelled: one caller's context does not end the others' run; the last one's does.
func TestEnsureCancelled(t *testing.T) {
	inMemory(t, func(s *site) {
		var faults monotabletest.Faults
		client := faults.Client(s.client)
		table := s.table(client)
		first, leave := context.WithTimeout(s.t.Context(), tableDelay/3)
		defer leave()
		var firstErr, secondErr error
		var both sync.WaitGroup
		both.Go(func() { firstErr = table.Ensure(first, client) })
		synctest.Wait()
		both.Go(func() { secondErr = table.Ensure(s.t.Context(), client) })
		both.Wait()
		require.ErrorIs(s.t, firstErr, context.DeadlineExceeded)
		require.NoError(s.t, secondErr)
		s.requireDeclared(table)

		s.drop()
		alone := s.table(client) // another Table, which has ensured nothing
		ctx, cancel := context.WithTimeout(s.t.Context(), tableDelay/3)
		defer cancel()
		require.ErrorIs(s.t, alone.Ensure(ctx, client), context.DeadlineExceeded)
		synctest.Wait()
		sent := len(faults.Requests())
		time.Sleep(time.Hour)
		assert.Len(t, faults.Requests(), sent, "nobody waits, so nothing runs")
		require.NoError(s.t, alone.Ensure(s.t.Context(), client))
	})
}
