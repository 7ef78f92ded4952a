package main

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

func TestBothDirections(t *testing.T) {
	ctx := t.Context()
	s, _ := newStore(t)
	lead := Assignment{"acme", "ann", "rocket", "lead"}
	require.NoError(t, s.Assign(ctx, lead))
	require.Equal(t, 1, pairs(t, s))
	for _, row := range []struct {
		why  string
		err  error
		want error
	}{
		{"twice", s.Assign(ctx, lead), monotable.ErrAlreadyExists},
		{"no such employee", s.Assign(ctx, Assignment{"acme", "eve", "rocket", "lead"}), monotable.ErrNotFound},
		{"no such project", s.Assign(ctx, Assignment{"acme", "ann", "boat", "lead"}), monotable.ErrNotFound},
		{"no role", s.Assign(ctx, Assignment{"acme", "ann", "anvil", ""}), monotable.ErrInvalid},
		{"another role where there is none", s.ChangeRole(ctx, Assignment{"acme", "ann", "anvil", "lead"}), monotable.ErrNotFound},
		{"out of what they are not in", s.Unassign(ctx, Assignment{"acme", "ann", "anvil", ""}), monotable.ErrNotFound},
		{"who is not there", s.Dismiss(ctx, "acme", "eve"), monotable.ErrNotFound},
	} {
		require.ErrorIs(t, row.err, row.want, row.why)
		require.Equal(t, 1, pairs(t, s), row.why)
	}
	lead.Role = "pilot"
	require.NoError(t, s.ChangeRole(ctx, lead))
	require.Equal(t, 1, pairs(t, s))
	members, err := s.MembersOf(ctx, "acme", "rocket")
	require.NoError(t, err)
	require.Equal(t, []Member{Member(lead)}, members)

	require.NoError(t, s.Assign(ctx, Assignment{"acme", "ann", "anvil", "tester"}))
	require.NoError(t, s.Unassign(ctx, lead))
	require.Equal(t, 1, pairs(t, s))
	require.NoError(t, s.Dismiss(ctx, "acme", "ann"))
	require.Zero(t, pairs(t, s))
	_, err = s.Employee(ctx, "acme", "ann")
	require.ErrorIs(t, err, monotable.ErrNotFound)
}

// Who is assigned while they are dismissed leaves nothing behind.
func TestAssignedWhileDismissed(t *testing.T) {
	ctx, client := t.Context(), monotabletest.Client(t)
	var faults monotabletest.Faults
	s := storeOn(t, client, faults.Client(client))
	acme(t, client, s)
	faults.Between(func(r monotabletest.Request) {
		if r.Operation == "Query" {
			faults.Between(nil)
			require.NoError(t, s.Assign(ctx, Assignment{"acme", "ann", "rocket", "lead"}))
		}
	})
	require.NoError(t, s.Dismiss(ctx, "acme", "ann"))
	require.Zero(t, pairs(t, s))

	_, err := s.employees.Update(ctx, Employee{CompanyID: "acme", ID: "ben"}, employeeProjects.Set(9))
	require.NoError(t, err)
	require.ErrorIs(t, s.Dismiss(ctx, "acme", "ben"), ErrBusy, "it does not try for ever")
}

// Whoever assigns, unassigns and dismisses at the same time, and whatever replies are lost: each pair is there in both directions or in none.
func TestConcurrentRelations(t *testing.T) {
	for _, lost := range []float64{0, 0.1} {
		t.Run(fmt.Sprintf("%.0f%% of replies lost", lost*100), func(t *testing.T) {
			ctx, client := t.Context(), monotabletest.Client(t)
			var faults monotabletest.Faults
			s := storeOn(t, client, faults.Client(client, func(o *dynamodb.Options) { o.RetryMaxAttempts = 10 }))
			acme(t, client, s)
			faults.Rate("TransactWriteItems", lost, monotabletest.ReplyLost())
			var managers sync.WaitGroup
			for w := range 6 {
				managers.Go(func() {
					for i := range 5 {
						a := Assignment{"acme", []string{"ann", "ben"}[w%2], []string{"anvil", "rocket"}[i%2], fmt.Sprint("role", w)}
						_ = s.Assign(ctx, a)
						switch i {
						case 1, 2:
							_ = s.ChangeRole(ctx, a)
						case 3:
							_ = s.Unassign(ctx, a)
						}
					}
					if w == 5 {
						_ = s.Dismiss(ctx, "acme", "ben")
					}
				})
			}
			managers.Wait()
			pairs(t, s)
		})
	}
}

// A program that stops at any of its requests leaves no half of a relation.
func TestCrashes(t *testing.T) {
	ctx := t.Context()
	for n := 1; ; n++ {
		client := monotabletest.Client(t)
		var faults monotabletest.Faults
		s := storeOn(t, client, faults.Client(client))
		acme(t, client, s)
		faults.Reset()
		faults.StopAfter(n)
		a := Assignment{"acme", "ann", "rocket", "lead"}
		var err error
		for _, step := range []func() error{
			func() error { return s.Assign(ctx, a) },
			func() error { return s.ChangeRole(ctx, Assignment{"acme", "ann", "rocket", "pilot"}) },
			func() error { return s.Unassign(ctx, a) },
			func() error { return s.Assign(ctx, a) },
			func() error { return s.Dismiss(ctx, "acme", "ann") },
		} {
			if err = step(); err != nil {
				require.ErrorIs(t, err, monotabletest.ErrStopped)
				break
			}
		}
		faults.Reset()
		pairs(t, s)
		if err == nil {
			require.Equal(t, 7, n, "six requests")
			return
		}
	}
}

// pairs checks that both directions say the same, and that employees count their projects, and says how many pairs there are.
func pairs(t *testing.T, s *Store) int {
	t.Helper()
	var there []Assignment
	for _, m := range all(t, s.members) {
		there = append(there, Assignment(m))
	}
	here := all(t, s.assignments)
	require.ElementsMatch(t, here, there)
	employees := all(t, s.employees)
	for _, e := range employees {
		n := 0
		for _, a := range here {
			if a.EmployeeID == e.ID {
				n++
			}
		}
		require.Equal(t, n, e.Projects, e.ID)
	}
	for _, a := range here {
		require.True(t, slices.ContainsFunc(employees, func(e Employee) bool { return e.ID == a.EmployeeID }), "nobody is in a project who is not there")
	}
	return len(here)
}
