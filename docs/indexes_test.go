package docs_test

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable"
)

func Example_indexes() {
	l, client := openLibrary()
	loan := mustBe(l.Loans.Create(ctx, aLoan("ann", "emma", 3)))
	mustBe(l.Loans.Create(ctx, aLoan("bob", "emma", 9)))

	n, err := l.Loans.Query(Loan{Book: "emma"}).Index("byBook").Count(ctx) // who has borrowed Emma
	fmt.Println(n, err)
	due, err := l.Loans.Query(Loan{Branch: "north"}).Index("byDue").SortKey(loanDue.Le("2026-12-05")).Collect(ctx)
	fmt.Println(len(due), due[0].Member, err) // what is due in the north by then

	// It comes back, and is in the index of what is out no longer.
	_, err = l.Loans.Update(ctx, loan, loanState.Set("back"), loanBranch.Given(loan.Branch), loanDue.Given(loan.Due))
	fmt.Println(err)
	stored(client, mustBe(l.Loans.Key(loan)), "GSI1PK", "GSI2PK", "GSI2SK")
	// Output:
	// 2 <nil>
	// 1 ann <nil>
	// <nil>
	// GSI1PK = BOOK#emma
	// GSI2PK is not there
	// GSI2SK is not there
}

func Example_indexKeysOnUpdate() {
	l, client := openLibrary()
	loan := mustBe(l.Loans.Create(ctx, aLoan("ann", "emma", 3)))
	key := Loan{Member: loan.Member, Book: loan.Book, Begun: loan.Begun}

	// The key of byDue is made of branch, due and book, and of whether the loan is out. The update knows the book alone.
	_, err := l.Loans.Update(ctx, key, loanDue.Set("2027-01-05"))
	fmt.Println(err)

	// Set the others, say what they are (a condition), or let Modify read them.
	_, err = l.Loans.Update(ctx, key, loanDue.Set("2027-01-05"), loanBranch.Given("north"), loanState.Given("out"))
	fmt.Println(err)
	_, err = l.Loans.Modify(ctx, key, func(l *Loan) error { l.Due = "2027-02-02"; return nil })
	fmt.Println(err)
	stored(client, mustBe(l.Loans.Key(key)), "GSI2PK", "GSI2SK")
	// Output:
	// monotable: Update Loan: invalid: the key of index byDue is made from state and branch too, which this update does not know: Set it, say Given with its stored value, or use Modify
	// <nil>
	// <nil>
	// GSI2PK = DUE#north
	// GSI2SK = 2027-02-02#emma
}

// A LoanLine is what a list of loans shows.
type LoanLine struct {
	Book string `dynamodbav:"bookId"`
	Due  string `dynamodbav:"due"`
}

func Example_projections() {
	client := newClient()
	cfg := libraryConfig
	cfg.Indexes = []monotable.Index{
		{Name: "byBook", PartitionKey: "GSI1PK", SortKey: "GSI1SK"},
		{Name: "byDue", PartitionKey: "GSI2PK", SortKey: "GSI2SK", Projection: types.Projection{
			ProjectionType: types.ProjectionTypeInclude, NonKeyAttributes: []string{"_et", "bookId", "due"},
		}},
	}
	l := mustBe(NewLibrary(client, cfg))
	must(l.Table.Create(ctx, client))
	mustBe(l.Loans.Create(ctx, aLoan("ann", "emma", 3)))
	due := l.Loans.Query(Loan{Branch: "north"}).Index("byDue")

	_, err := due.Collect(ctx) // a Loan has more than the index
	fmt.Println(err)
	lines, err := monotable.As[LoanLine](due).Collect(ctx) // what it has
	fmt.Println(lines, err)
	loans, err := due.Hydrate().Collect(ctx) // the rest from the table, by BatchGet
	fmt.Println(loans[0].Member, err)
	// Output:
	// monotable: Query Loan: invalid: index "byDue" does not project memberId: read a smaller struct with As, or Hydrate
	// [{emma 2026-12-01}] <nil>
	// ann <nil>
}

// A Score is found by cup and region, in the order of round and points, which stay numbers.
type Score struct {
	ID     string `dynamodbav:"scoreId"`
	Cup    string `dynamodbav:"cup"`
	Region string `dynamodbav:"region"`
	Round  int    `dynamodbav:"round"`
	Points int    `dynamodbav:"points"`
}

var (
	scoreRound  = monotable.Field(func(s *Score) *int { return &s.Round })
	scorePoints = monotable.Field(func(s *Score) *int { return &s.Points })
)

var scoreConfig = monotable.TableConfig{
	Name: "scores", PartitionKey: "PK", SortKey: "SK",
	Indexes: []monotable.Index{{
		Name:          "byCup",
		PartitionKeys: []monotable.KeyAttribute{{Name: "_et"}, {Name: "cup"}, {Name: "region"}},
		SortKeys:      []monotable.KeyAttribute{{Name: "round", Type: types.ScalarAttributeTypeN}, {Name: "points", Type: types.ScalarAttributeTypeN}},
	}},
}

func Example_multiAttributeIndex() {
	client := newClient()
	table := mustBe(monotable.NewTable(client, scoreConfig))
	must(table.Create(ctx, client))
	scores := monotable.MustEntity(table, monotable.Schema[Score]{Name: "Score", Key: monotable.Key{Partition: "SCORE#{scoreId}", Sort: "SCORE"}})
	for i, points := range []int{5, 10, 100} {
		mustBe(scores.Create(ctx, Score{ID: fmt.Sprint(i), Cup: "tea", Region: "eu", Round: 1, Points: points}))
	}

	best := scores.Query(Score{Cup: "tea", Region: "eu"}).Index("byCup").SortKey(scoreRound.Eq(1), scorePoints.Ge(10)).Descending()
	for s, err := range best.All(ctx) {
		fmt.Println(s.Points, err)
	}
	// Output:
	// 100 <nil>
	// 10 <nil>
}
