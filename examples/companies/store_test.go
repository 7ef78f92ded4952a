package main

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

// newStore is a table of today's release in a database of the test's own, whose requests go through the recorder: Acme has two employees and two projects.
func newStore(t *testing.T) (*Store, *monotabletest.Recorder) {
	t.Helper()
	rec := new(monotabletest.Recorder)
	client := monotabletest.Client(t)
	s := storeOn(t, client, rec.Client(client))
	acme(t, client, s)
	return s, rec
}

func storeOn(t *testing.T, admin *dynamodb.Client, client monotable.Client) *Store {
	t.Helper()
	name := monotabletest.Name(t)
	s, err := openStore(client, Options{Table: name, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(func() { _, _ = admin.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: &name}) })
	return s
}

// acme makes the table as today's release declares it, and a company in it.
func acme(t *testing.T, admin *dynamodb.Client, s *Store) {
	t.Helper()
	ctx := t.Context()
	require.NoError(t, s.table.Ensure(ctx, admin))
	_, err := s.Found(ctx, Company{ID: "acme", Name: "Acme"})
	require.NoError(t, err)
	require.NoError(t, s.Hire(ctx, Employee{CompanyID: "acme", ID: "ann", Name: "Ann", Title: "engineer", Salary: 7, Notes: "secret"}))
	require.NoError(t, s.Hire(ctx, Employee{CompanyID: "acme", ID: "ben", Name: "Ben", Title: "buyer", Salary: 6, Notes: "secret"}))
	require.NoError(t, s.Begin(ctx, Project{CompanyID: "acme", ID: "anvil", Name: "An anvil"}))
	require.NoError(t, s.Begin(ctx, Project{CompanyID: "acme", ID: "rocket", Name: "A rocket"}))
}

// Every access pattern finds what it is for, and nothing else, by one request.
func TestAccessPatterns(t *testing.T) {
	ctx := t.Context()
	s, rec := newStore(t)
	_, err := s.Found(ctx, Company{ID: "other", Name: "Other"})
	require.NoError(t, err)
	require.NoError(t, s.Hire(ctx, Employee{CompanyID: "other", ID: "ann", Name: "Another Ann", Title: "engineer"}))
	require.NoError(t, s.Assign(ctx, Assignment{"acme", "ann", "anvil", "tester"}))
	require.NoError(t, s.Assign(ctx, Assignment{"acme", "ann", "rocket", "lead"}))
	for name, pattern := range map[string]func(t *testing.T){
		"company with employees and projects": func(t *testing.T) {
			o, err := s.Overview(ctx, "acme")
			require.NoError(t, err)
			require.Equal(t, "Acme", o.Company.Name)
			require.Equal(t, []Employee{
				{"acme", "ann", "Ann", "engineer", 7, "secret", 2}, {"acme", "ben", "Ben", "buyer", 6, "secret", 0},
			}, o.Employees)
			require.Equal(t, []Project{{"acme", "anvil", "An anvil"}, {"acme", "rocket", "A rocket"}}, o.Projects)
		},
		"employee": func(t *testing.T) {
			ann, err := s.Employee(ctx, "acme", "ann")
			require.NoError(t, err)
			require.Equal(t, 7, ann.Salary)
		},
		"directory": func(t *testing.T) {
			cards, err := s.Directory(ctx, "acme")
			require.NoError(t, err)
			require.Equal(t, []Card{{"acme", "ann", "Ann", "engineer"}, {"acme", "ben", "Ben", "buyer"}}, cards)
		},
		"everybody with a title": func(t *testing.T) {
			cards, err := s.WithTitle(ctx, "engineer")
			require.NoError(t, err)
			require.Equal(t, []Card{{"acme", "ann", "Ann", "engineer"}, {"other", "ann", "Another Ann", "engineer"}}, cards)
		},
		"projects of an employee": func(t *testing.T) {
			projects, err := s.ProjectsOf(ctx, "acme", "ann")
			require.NoError(t, err)
			require.Equal(t, []Assignment{{"acme", "ann", "anvil", "tester"}, {"acme", "ann", "rocket", "lead"}}, projects)
		},
		"members of a project": func(t *testing.T) {
			members, err := s.MembersOf(ctx, "acme", "rocket")
			require.NoError(t, err)
			require.Equal(t, []Member{{"acme", "ann", "rocket", "lead"}}, members)
		},
	} {
		t.Run(name, func(t *testing.T) { rec.Expect(t, 1, func() { pattern(t) }) })
	}
	trainee := Assignment{"acme", "ben", "anvil", "trainee"}
	rec.Expect(t, 1, func() { require.NoError(t, s.Assign(ctx, trainee)) })
	rec.Expect(t, 1, func() { require.NoError(t, s.ChangeRole(ctx, trainee)) })
	rec.Expect(t, 1, func() { require.NoError(t, s.Unassign(ctx, trainee)) })
	rec.Expect(t, 2, func() { require.NoError(t, s.Dismiss(ctx, "acme", "ann")) })
}

// A directory asks for four attributes, and what the others are does not leave the server.
func TestProjection(t *testing.T) {
	s, rec := newStore(t)
	plan, err := s.directory("acme").Explain()
	require.NoError(t, err)
	for _, name := range []string{"companyId", "employeeId", "name", "title"} {
		require.Contains(t, plan.Projection, name)
	}
	for _, name := range []string{"salaryCents", "notes", "projects"} {
		require.NotContains(t, plan.Projection, name)
	}
	sent := rec.During(func() {
		_, err := s.Directory(t.Context(), "acme")
		require.NoError(t, err)
	})
	require.True(t, strings.Contains(string(sent[0].Body), "ProjectionExpression"))

	_, err = s.employees.Query(Employee{Title: "engineer"}).Index("byTitle").Collect(t.Context())
	require.ErrorIs(t, err, monotable.ErrInvalid, "the index has cards, and no whole employees")
}

func TestRefusals(t *testing.T) {
	ctx := t.Context()
	s, _ := newStore(t)
	_, err := s.Found(ctx, Company{ID: "acme", Name: "Acme"})
	require.ErrorIs(t, err, monotable.ErrAlreadyExists)
	require.ErrorIs(t, s.Hire(ctx, Employee{CompanyID: "acme", ID: "ann", Name: "Ann", Title: "x"}), monotable.ErrAlreadyExists)
	require.ErrorIs(t, s.Hire(ctx, Employee{CompanyID: "none", ID: "ann", Name: "Ann", Title: "x"}), monotable.ErrNotFound)
	require.ErrorIs(t, s.Hire(ctx, Employee{CompanyID: "acme", ID: "eve", Name: "Eve"}), monotable.ErrInvalid)
	require.ErrorIs(t, s.Begin(ctx, Project{CompanyID: "none", ID: "p", Name: "P"}), monotable.ErrNotFound)
	_, err = s.Overview(ctx, "none")
	require.ErrorIs(t, err, monotable.ErrNotFound)
}

func all[T any](t *testing.T, entity *monotable.Entity[T]) []T {
	t.Helper()
	items, err := entity.With(monotable.Consistent()).Scan().Collect(t.Context())
	require.NoError(t, err)
	return items
}
