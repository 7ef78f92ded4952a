package main

import (
	"time"

	"github.com/monotable/monotable"
)

// Company has employees and projects, which stand in its partition: one to many.
type Company struct {
	ID      string    `dynamodbav:"companyId"`
	Name    string    `dynamodbav:"name"`
	Founded time.Time `dynamodbav:"foundedAt"`
}

// Employee works for a company.
type Employee struct {
	CompanyID string `dynamodbav:"companyId"`
	ID        string `dynamodbav:"employeeId"`
	Name      string `dynamodbav:"name"`
	Title     string `dynamodbav:"title"`
	Salary    int    `dynamodbav:"salaryCents"`
	Notes     string `dynamodbav:"notes,omitempty"`
	Projects  int    `dynamodbav:"projects"` // how many they are in
}

// Card is what a directory shows of an employee: only these attributes are read.
type Card struct {
	CompanyID string `dynamodbav:"companyId"`
	ID        string `dynamodbav:"employeeId"`
	Name      string `dynamodbav:"name"`
	Title     string `dynamodbav:"title"`
}

// Project is something that a company does.
type Project struct {
	CompanyID string `dynamodbav:"companyId"`
	ID        string `dynamodbav:"projectId"`
	Name      string `dynamodbav:"name"`
}

// Assignment is a project of an employee. Employees and projects are many to many: each pair is stored twice, here and as a Member, so that
// either side finds the other by one request.
type Assignment struct {
	CompanyID  string `dynamodbav:"companyId"`
	EmployeeID string `dynamodbav:"employeeId"`
	ProjectID  string `dynamodbav:"projectId"`
	Role       string `dynamodbav:"role"`
}

// Member is an employee of a project: an Assignment seen from the other side.
type Member Assignment

var (
	companyName    = monotable.Field(func(c *Company) *string { return &c.Name })
	companyFounded = monotable.Field(func(c *Company) *time.Time { return &c.Founded })

	employeeName     = monotable.Field(func(e *Employee) *string { return &e.Name })
	employeeTitle    = monotable.Field(func(e *Employee) *string { return &e.Title })
	employeeSalary   = monotable.Field(func(e *Employee) *int { return &e.Salary })
	employeeProjects = monotable.Field(func(e *Employee) *int { return &e.Projects })

	projectName = monotable.Field(func(p *Project) *string { return &p.Name })

	assignmentRole = monotable.Field(func(a *Assignment) *string { return &a.Role })
	memberRole     = monotable.Field(func(m *Member) *string { return &m.Role })
)

var companySchema = monotable.Schema[Company]{
	Name:  "Company",
	Key:   monotable.Key{Partition: "COMPANY#{companyId}", Sort: "COMPANY"},
	Rules: []monotable.Rule[Company]{monotable.Length(companyName, 1, 80), monotable.CreatedAt(companyFounded)},
}

var employeeSchema = monotable.Schema[Employee]{
	Name:    "Employee",
	Key:     monotable.Key{Partition: "COMPANY#{companyId}", Sort: "EMPLOYEE#{employeeId}"},
	Indexes: map[string]monotable.Key{"byTitle": {Partition: "TITLE#{title}", Sort: "{companyId}#{employeeId}"}},
	Rules: []monotable.Rule[Employee]{
		monotable.Length(employeeName, 1, 80),
		employeeTitle.Required(),
		monotable.Min(employeeSalary, 0),
		monotable.Min(employeeProjects, 0),
	},
}

var projectSchema = monotable.Schema[Project]{
	Name:  "Project",
	Key:   monotable.Key{Partition: "COMPANY#{companyId}", Sort: "PROJECT#{projectId}"},
	Rules: []monotable.Rule[Project]{monotable.Length(projectName, 1, 80)},
}

var assignmentSchema = monotable.Schema[Assignment]{
	Name:  "Assignment",
	Key:   monotable.Key{Partition: "COMPANY#{companyId}#EMPLOYEE#{employeeId}", Sort: "PROJECT#{projectId}"},
	Rules: []monotable.Rule[Assignment]{assignmentRole.Required()},
}

var memberSchema = monotable.Schema[Member]{
	Name:  "Member",
	Key:   monotable.Key{Partition: "COMPANY#{companyId}#PROJECT#{projectId}", Sort: "EMPLOYEE#{employeeId}"},
	Rules: []monotable.Rule[Member]{memberRole.Required()},
}
