package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/monotable/monotable"
)

// ErrBusy says that somebody else assigned an employee all the time while they were to be dismissed.
var ErrBusy = errors.New("companies: the employee is being assigned by others")

// Assign puts an employee into a project: both directions of the relation, and how many projects the employee is in, in one transaction.
//
// monotable.ErrAlreadyExists if they are in it, monotable.ErrNotFound if there is no such employee or project.
func (s *Store) Assign(ctx context.Context, a Assignment) error {
	return s.table.TransactWrite(ctx,
		s.projects.CheckOp(Project{CompanyID: a.CompanyID, ID: a.ProjectID}),
		s.employees.UpdateOp(employeeOf(a), monotable.Add(employeeProjects, 1)),
		s.assignments.CreateOp(a),
		s.members.CreateOp(Member(a)))
}

// ChangeRole gives an employee another role in a project, in both directions. monotable.ErrNotFound if they are not in it.
func (s *Store) ChangeRole(ctx context.Context, a Assignment) error {
	return s.table.TransactWrite(ctx,
		s.assignments.UpdateOp(a, assignmentRole.Set(a.Role)),
		s.members.UpdateOp(Member(a), memberRole.Set(a.Role)))
}

// Unassign takes an employee out of a project, in both directions. monotable.ErrNotFound if they are not in it.
func (s *Store) Unassign(ctx context.Context, a Assignment) error {
	return s.table.TransactWrite(ctx,
		s.employees.UpdateOp(employeeOf(a), monotable.Add(employeeProjects, -1)),
		s.assignments.DeleteOp(a, assignmentRole.Exists()),
		s.members.DeleteOp(Member(a)))
}

// Dismiss removes an employee with all assignments, in both directions and in one transaction, so of up to 49 projects. An assignment that is made meanwhile is seen
// by the employee's number of projects: then it looks again, a few times. ErrBusy if that does not end.
func (s *Store) Dismiss(ctx context.Context, companyID, employeeID string) error {
	var err error
	for range 5 {
		var assigned []Assignment
		assigned, err = s.assignments.With(monotable.Consistent()).Query(Assignment{CompanyID: companyID, EmployeeID: employeeID}).Collect(ctx)
		if err != nil {
			return err
		}
		ops := []monotable.WriteOp{s.employees.DeleteOp(Employee{CompanyID: companyID, ID: employeeID}, employeeProjects.Eq(len(assigned)))}
		for _, a := range assigned {
			ops = append(ops, s.assignments.DeleteOp(a), s.members.DeleteOp(Member(a)))
		}
		err = s.table.TransactWrite(ctx, ops...)
		if _, moved := s.employees.Old(err); !moved {
			return err
		}
	}
	return fmt.Errorf("%w: %w", ErrBusy, err)
}

// ProjectsOf are the projects of an employee, with the role in each.
func (s *Store) ProjectsOf(ctx context.Context, companyID, employeeID string) ([]Assignment, error) {
	return s.assignments.Query(Assignment{CompanyID: companyID, EmployeeID: employeeID}).Collect(ctx)
}

// MembersOf are the employees in a project, with the role of each.
func (s *Store) MembersOf(ctx context.Context, companyID, projectID string) ([]Member, error) {
	return s.members.Query(Member{CompanyID: companyID, ProjectID: projectID}).Collect(ctx)
}

func employeeOf(a Assignment) Employee { return Employee{CompanyID: a.CompanyID, ID: a.EmployeeID} }
