package main

import (
	"context"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable"
)

// Store is the table of companies. Its methods are the access patterns. It is safe for concurrent use: one is made when the program starts.
type Store struct {
	table       *monotable.Table
	bare        *monotable.Table // the same as the first release declared it, without index
	companies   *monotable.Entity[Company]
	employees   *monotable.Entity[Employee]
	projects    *monotable.Entity[Project]
	assignments *monotable.Entity[Assignment]
	members     *monotable.Entity[Member]
	logger      *slog.Logger
}

// byTitle has of an employee what a Card has, and the type tag; salaries and notes are not copied into it.
var byTitle = monotable.Index{
	Name: "byTitle", PartitionKey: "GSI1PK", SortKey: "GSI1SK",
	Projection: types.Projection{
		ProjectionType: types.ProjectionTypeInclude, NonKeyAttributes: []string{"_et", "companyId", "employeeId", "name", "title"},
	},
}

// Options are what differs between places where the program runs.
type Options struct {
	Table  string       // its name
	Logger *slog.Logger // is told of migrations; defaults to slog.Default()
}

// openStore declares the table and its entities. It sends nothing: Start does.
func openStore(client monotable.Client, o Options) (*Store, error) {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	cfg := monotable.TableConfig{Name: o.Table, PartitionKey: "PK", SortKey: "SK"}
	bare, err := monotable.NewTable(client, cfg)
	if err != nil {
		return nil, err
	}
	cfg.Indexes = []monotable.Index{byTitle}
	table, err := monotable.NewTable(client, cfg)
	if err != nil {
		return nil, err
	}
	s := &Store{table: table, bare: bare, logger: o.Logger}
	if s.companies, err = monotable.NewEntity(table, companySchema); err != nil {
		return nil, err
	}
	if s.employees, err = monotable.NewEntity(table, employeeSchema); err != nil {
		return nil, err
	}
	if s.projects, err = monotable.NewEntity(table, projectSchema); err != nil {
		return nil, err
	}
	if s.assignments, err = monotable.NewEntity(table, assignmentSchema); err != nil {
		return nil, err
	}
	if s.members, err = monotable.NewEntity(table, memberSchema); err != nil {
		return nil, err
	}
	return s, nil
}

// Found makes a company; monotable.ErrAlreadyExists if it is there.
func (s *Store) Found(ctx context.Context, company Company) (Company, error) {
	return s.companies.Create(ctx, company)
}

// Hire makes an employee of a company, and Begin a project: monotable.ErrNotFound if there is no such company.
func (s *Store) Hire(ctx context.Context, employee Employee) error {
	employee.Projects = 0
	return s.table.TransactWrite(ctx, s.companies.CheckOp(Company{ID: employee.CompanyID}), s.employees.CreateOp(employee))
}

// Begin makes a project of a company; see Hire.
func (s *Store) Begin(ctx context.Context, project Project) error {
	return s.table.TransactWrite(ctx, s.companies.CheckOp(Company{ID: project.CompanyID}), s.projects.CreateOp(project))
}

// Overview is a company with all its employees and projects, by one request.
type Overview struct {
	Company   Company
	Employees []Employee
	Projects  []Project
}

// Overview reads a company with all that is its own; monotable.ErrNotFound if there is no such company.
func (s *Store) Overview(ctx context.Context, companyID string) (o Overview, err error) {
	err = s.table.Collect(ctx, s.companies.Partition(Company{ID: companyID}),
		monotable.One(s.companies, &o.Company), monotable.Into(s.employees, &o.Employees), monotable.Into(s.projects, &o.Projects))
	return o, err
}

// Employee is an employee with everything.
func (s *Store) Employee(ctx context.Context, companyID, id string) (Employee, error) {
	return s.employees.Get(ctx, Employee{CompanyID: companyID, ID: id})
}

// Directory are the employees of a company as cards: salaries and notes are not asked for.
func (s *Store) Directory(ctx context.Context, companyID string) ([]Card, error) {
	return s.directory(companyID).Collect(ctx)
}

// WithTitle are the employees of all companies who have a title. The index has no more than cards.
func (s *Store) WithTitle(ctx context.Context, title string) ([]Card, error) {
	return monotable.As[Card](s.employees.Query(Employee{Title: title}).Index("byTitle")).Collect(ctx)
}

func (s *Store) directory(companyID string) monotable.View[Card] {
	return monotable.As[Card](s.employees.Query(Employee{CompanyID: companyID}))
}
