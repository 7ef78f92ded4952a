package main

import (
	"slices"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/migrate"
	"github.com/monotable/monotable/monotabletest"
)

// oldTable is a table as the first release left it.
func oldTable(t *testing.T) (*Store, *dynamodb.Client) {
	t.Helper()
	client := monotabletest.Client(t)
	s := storeOn(t, client, client)
	steps, err := s.Start(t.Context(), client, First)
	require.NoError(t, err)
	require.Empty(t, steps)
	require.NoError(t, firstRelease(t.Context(), s.bare))
	return s, client
}

func TestUpAndDown(t *testing.T) {
	ctx := t.Context()
	s, client := oldTable(t)
	steps, err := s.Start(ctx, client, Newest)
	require.NoError(t, err)
	require.Equal(t, []int64{1, 2, 3}, numbers(steps, false))
	migrated(t, s, client, 2)

	steps, err = s.Start(ctx, client, Newest)
	require.NoError(t, err)
	require.Empty(t, steps, "once")

	steps, err = s.Start(ctx, client, 1)
	require.NoError(t, err)
	require.Equal(t, []int64{3, 2}, numbers(steps, true))
	require.Equal(t, 3, pairs(t, s), "members stay")
	steps, err = s.Start(ctx, client, First)
	require.NoError(t, err)
	require.Equal(t, []int64{1}, numbers(steps, true))
	require.Empty(t, all(t, s.members))
	findings, err := s.bare.Verify(ctx, client)
	require.NoError(t, err)
	require.Empty(t, findings, "the table is as the first release declares it")

	// The first release works for a while: it knows neither members nor titles.
	old := employeeSchema
	old.Indexes = nil
	employees := monotable.MustEntity(s.bare.With(), old)
	_, err = employees.Update(ctx, Employee{CompanyID: "acme", ID: "cem"}, employeeTitle.Set("engineer"), monotable.Add(employeeProjects, 1))
	require.NoError(t, err)
	_, err = s.assignments.Create(ctx, Assignment{"acme", "cem", "anvil", "buyer"})
	require.NoError(t, err)

	steps, err = s.Start(ctx, client, Newest)
	require.NoError(t, err)
	require.Equal(t, []int64{1, 2, 3}, numbers(steps, false))
	migrated(t, s, client, 3)
	require.Equal(t, 4, pairs(t, s))
}

// A new table starts with today's release, too.
func TestStartOfANewTable(t *testing.T) {
	client := monotabletest.Client(t)
	s := storeOn(t, client, client)
	_, err := s.Start(t.Context(), client, Newest)
	require.NoError(t, err)
	migrated(t, s, client, 0)
}

// Processes that start at the same time do each step once, and all find the table as it should be.
func TestConcurrentStarts(t *testing.T) {
	ctx := t.Context()
	s, client := oldTable(t)
	done := make([][]migrate.Step, 2)
	errs := make([]error, len(done))
	var processes sync.WaitGroup
	for i := range done {
		other, err := openStore(client, Options{Table: s.table.Name(), Logger: s.logger})
		require.NoError(t, err)
		processes.Go(func() { done[i], errs[i] = other.Start(ctx, client, Newest) })
	}
	processes.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	require.ElementsMatch(t, []int64{1, 2, 3}, numbers(slices.Concat(done...), false))
	migrated(t, s, client, 2)
}

// A start that fails, wherever it is, is mended by the next one.
func TestStartThatFails(t *testing.T) {
	ctx := t.Context()
	for _, n := range []int{3, 8, 13, 18} {
		s, client := oldTable(t)
		var faults monotabletest.Faults
		failing := faults.Client(client)
		other, err := openStore(failing, Options{Table: s.table.Name(), Logger: s.logger})
		require.NoError(t, err)
		faults.At(n, monotabletest.Refuse(400, "AccessDeniedException"))
		_, err = other.Start(ctx, failing, Newest)
		require.Error(t, err, n)
		_, err = s.Start(ctx, client, Newest)
		require.NoError(t, err)
		migrated(t, s, client, 2)
	}
}

// An assignment that goes while its other direction is being written does not come back.
func TestUnassignedWhileMigrating(t *testing.T) {
	ctx := t.Context()
	s, client := oldTable(t)
	var faults monotabletest.Faults
	other, err := openStore(faults.Client(client), Options{Table: s.table.Name(), Logger: s.logger})
	require.NoError(t, err)
	faults.Between(func(r monotabletest.Request) {
		if r.Operation == "Scan" {
			faults.Between(nil)
			require.NoError(t, s.Unassign(ctx, Assignment{"acme", "ann", "rocket", ""}))
		}
	})
	_, err = other.Start(ctx, client, Newest)
	require.NoError(t, err)
	require.Equal(t, 2, pairs(t, s))
}

// migrated checks that everything is as today's release needs it.
func migrated(t *testing.T, s *Store, client *dynamodb.Client, engineers int) {
	t.Helper()
	findings, err := s.table.Verify(t.Context(), client)
	require.NoError(t, err)
	require.Empty(t, findings)
	pairs(t, s)
	cards, err := s.WithTitle(t.Context(), "engineer")
	require.NoError(t, err)
	require.Len(t, cards, engineers)
}

func numbers(steps []migrate.Step, down bool) []int64 {
	var all []int64
	for _, step := range steps {
		if step.Down == down {
			all = append(all, step.ID)
		}
	}
	return all
}
