// Command companies is companies with employees and projects in one DynamoDB table, and how such a table changes from release to release.
//
//	go run ./examples/companies
//
// Without DYNAMODB_ENDPOINT the table is in this process.
//
// Read entities.go first: what is kept. Then store.go: one to many; relation.go: many to many; and migrations.go: what happens when the program starts.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/examples/internal/database"
)

func main() {
	log.SetFlags(0)
	if err := tell(context.Background(), database.Client(os.Getenv("DYNAMODB_ENDPOINT")), log.New(os.Stdout, "", 0)); err != nil {
		log.Fatal(err)
	}
}

// tale is the story with what its chapters need.
type tale struct {
	*Store
	client *dynamodb.Client
	out    *log.Logger
}

// tell begins with a table as the first release left it, tells its story, and deletes the table.
func tell(ctx context.Context, client *dynamodb.Client, out *log.Logger) error {
	s, err := openStore(client, Options{Table: "companies-" + rand.Text(), Logger: slog.New(slog.DiscardHandler)}) // the story tells it
	if err != nil {
		return err
	}
	defer func() {
		_, _ = client.DeleteTable(context.WithoutCancel(ctx), &dynamodb.DeleteTableInput{TableName: aws.String(s.table.Name())})
	}()
	t := &tale{s, client, out}
	for _, chapter := range []struct {
		title string
		tell  func(context.Context) error
	}{
		{"The first release: assignments in one direction", t.first},
		{"Today's release starts", t.up},
		{"It starts again: nothing is to be done", t.up},
		{"Acme: one to many", t.overview},
		{"Employees and projects: many to many", t.relation},
		{"Cards: some attributes of an employee", t.cards},
		{"Back to the first release, and up again", t.downAndUp},
	} {
		out.Printf("# %s", chapter.title)
		if err := chapter.tell(ctx); err != nil {
			return fmt.Errorf("%s: %w", chapter.title, err)
		}
		out.Print()
	}
	return nil
}

func (t *tale) first(ctx context.Context) error {
	if _, err := t.Start(ctx, t.client, First); err != nil {
		return err
	}
	if err := firstRelease(ctx, t.bare); err != nil {
		return err
	}
	projects, err := t.ProjectsOf(ctx, "acme", "ann")
	if err != nil {
		return err
	}
	members, err := t.MembersOf(ctx, "acme", "rocket")
	t.out.Printf("ann is in %d projects, rocket has %d members", len(projects), len(members))
	return err
}

// firstRelease writes what the first release of the program would have written.
func firstRelease(ctx context.Context, table *monotable.Table) error {
	old := employeeSchema
	old.Indexes = nil
	employees, err := monotable.NewEntity(table, old)
	if err != nil {
		return err
	}
	companies, err := monotable.NewEntity(table, companySchema)
	if err != nil {
		return err
	}
	projects, err := monotable.NewEntity(table, projectSchema)
	if err != nil {
		return err
	}
	assignments, err := monotable.NewEntity(table, assignmentSchema)
	if err != nil {
		return err
	}
	return table.BatchWrite(ctx,
		companies.PutOp(Company{ID: "acme", Name: "Acme"}),
		employees.PutOp(Employee{CompanyID: "acme", ID: "ann", Name: "Ann Archer", Title: "engineer", Salary: 7_000_00, Notes: "Wants a window.", Projects: 2}),
		employees.PutOp(Employee{CompanyID: "acme", ID: "ben", Name: "Ben Baker", Title: "engineer", Salary: 6_500_00, Projects: 1}),
		employees.PutOp(Employee{CompanyID: "acme", ID: "cem", Name: "Cem Çelik", Title: "buyer", Salary: 6_000_00}),
		projects.PutOp(Project{CompanyID: "acme", ID: "rocket", Name: "A rocket"}),
		projects.PutOp(Project{CompanyID: "acme", ID: "anvil", Name: "An anvil"}),
		assignments.PutOp(Assignment{"acme", "ann", "rocket", "lead"}),
		assignments.PutOp(Assignment{"acme", "ann", "anvil", "tester"}),
		assignments.PutOp(Assignment{"acme", "ben", "rocket", "builder"}))
}

func (t *tale) up(ctx context.Context) error { return t.start(ctx, Newest) }

func (t *tale) start(ctx context.Context, release int64) error {
	steps, err := t.Start(ctx, t.client, release)
	for _, step := range steps {
		t.out.Printf("%-4s %d %s: %d writes", map[bool]string{false: "up", true: "down"}[step.Down], step.ID, step.Name, step.Writes)
	}
	return err
}

func (t *tale) overview(ctx context.Context) error {
	acme, err := t.Overview(ctx, "acme")
	t.out.Printf("%s has %d employees and %d projects, by one request", acme.Company.Name, len(acme.Employees), len(acme.Projects))
	return err
}

func (t *tale) relation(ctx context.Context) error {
	if err := t.Assign(ctx, Assignment{"acme", "cem", "rocket", "buyer"}); err != nil {
		return err
	}
	if err := t.ChangeRole(ctx, Assignment{"acme", "ben", "rocket", "pilot"}); err != nil {
		return err
	}
	t.out.Printf("cem twice: refused: %t", errors.Is(t.Assign(ctx, Assignment{"acme", "cem", "rocket", "buyer"}), monotable.ErrAlreadyExists))
	if err := t.Dismiss(ctx, "acme", "ann"); err != nil {
		return err
	}
	members, err := t.MembersOf(ctx, "acme", "rocket")
	if err != nil {
		return err
	}
	for _, m := range members {
		projects, err := t.ProjectsOf(ctx, "acme", m.EmployeeID)
		if err != nil {
			return err
		}
		t.out.Printf("rocket has %s as %s; %s has %s", m.EmployeeID, m.Role, m.EmployeeID, projects[0].ProjectID)
	}
	return nil
}

func (t *tale) cards(ctx context.Context) error {
	cards, err := t.Directory(ctx, "acme")
	if err != nil {
		return err
	}
	for _, c := range cards {
		t.out.Printf("%s, %s", c.Name, c.Title)
	}
	cards, err = t.WithTitle(ctx, "engineer")
	t.out.Printf("engineers everywhere: %d", len(cards))
	return err
}

func (t *tale) downAndUp(ctx context.Context) error {
	if err := t.start(ctx, First); err != nil {
		return err
	}
	return t.start(ctx, Newest)
}
