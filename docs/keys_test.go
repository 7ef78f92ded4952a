package docs_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable"
)

// A Page of a book has a number, a Note a time and a title of any text.
type Page struct {
	Book   string `dynamodbav:"bookId"`
	Number int    `dynamodbav:"number"`
	Text   string `dynamodbav:"text"`
}

var pageNumber = monotable.Field(func(p *Page) *int { return &p.Number })

var pageSchema = monotable.Schema[Page]{
	Name: "Page",
	Key:  monotable.Key{Partition: "BOOK#{bookId}", Sort: "PAGE#{number:05}"},
}

type Note struct {
	Member string    `dynamodbav:"memberId"`
	Title  string    `dynamodbav:"title"`
	At     time.Time `dynamodbav:"at"`
}

var noteTitle = monotable.Field(func(n *Note) *string { return &n.Title })

var noteSchema = monotable.Schema[Note]{
	Name:  "Note",
	Key:   monotable.Key{Partition: "MEMBER#{memberId}", Sort: "NOTE#{title}#{at}"},
	Rules: []monotable.Rule[Note]{noteTitle.Escaped()},
}

func Example_numbersInKeys() {
	l, _ := openLibrary()
	pages := monotable.MustEntity(l.Table, pageSchema)
	for _, n := range []int{10, 9, 100} {
		mustBe(pages.Create(ctx, Page{Book: "emma", Number: n}))
	}

	for p, err := range pages.Query(Page{Book: "emma"}).SortKey(pageNumber.Ge(9)).All(ctx) {
		fmt.Println(p.Number, err) // in the order of numbers, not of text
	}
	key, err := pages.Key(Page{Book: "emma", Number: 9})
	fmt.Println(key["SK"].(*types.AttributeValueMemberS).Value, err)
	_, err = pages.Create(ctx, Page{Book: "emma", Number: 123456})
	fmt.Println(err)
	// Output:
	// 9 <nil>
	// 10 <nil>
	// 100 <nil>
	// PAGE#00009 <nil>
	// monotable: Create Page: invalid: key SK: number: has more digits than {number:05} holds
}

func Example_delimiters() {
	l, _ := openLibrary()
	_, err := l.Books.Get(ctx, Book{ID: "emma#PAGE"})
	fmt.Println(err)

	notes := monotable.MustEntity(l.Table, noteSchema)
	note := mustBe(notes.Create(ctx, Note{Member: "ann", Title: "Nr. #1", At: noon})) // Escaped
	key := mustBe(notes.Key(note))
	fmt.Println(key["SK"].(*types.AttributeValueMemberS).Value)
	back, err := notes.ParseKey(key)
	fmt.Println(back.Title, back.At.Equal(noon), err)
	// Output:
	// monotable: Get Book: invalid: key PK: bookId: contains the delimiter '#': mark the attribute Escaped()
	// NOTE#Nr.$20$231#2026-11-21T12:00:00.000000000Z
	// Nr. #1 true <nil>
}

func Example_emptyParts() {
	l, _ := openLibrary()
	_, err := l.Loans.Get(ctx, Loan{Member: "ann", Begun: noon})
	fmt.Println(err, errors.Is(err, monotable.ErrInvalid))
	// Output:
	// monotable: Get Loan: invalid: key SK: bookId is empty true
}

func Example_sortKeys() {
	l, _ := openLibrary()
	for day := 1; day <= 20; day++ {
		mustBe(l.Loans.Create(ctx, aLoan("ann", "emma", day)))
	}
	loans := l.Loans.Query(Loan{Member: "ann"})

	fmt.Println(loans.SortKey(loanBegun.Ge(noon.AddDate(0, 0, -3))).Count(ctx))
	first, err := loans.Descending().First(ctx)
	fmt.Println(first.Begun.Day(), err)
	_, err = loans.SortKey(loanBook.Eq("emma")).First(ctx) // the part before it is not given
	fmt.Println(err)
	// Output:
	// 2 <nil>
	// 20 <nil>
	// monotable: Query Loan: invalid: SortKey: bookId comes after begunAt, which has no condition; give the parts from left to right
}

func Example_scoped() {
	l, client := openLibrary()
	_ = l
	shared, err := monotable.NewTable(client, libraryConfig)
	must(err)
	north := monotable.MustEntity(shared.Scoped("TENANT#north"), monotable.Schema[Desk]{
		Name: "Desk", Key: monotable.Key{Partition: "TENANT#{tenant}", Sort: "DESK#{deskId}"},
	})

	_, err = north.Create(ctx, Desk{Tenant: "north", ID: "1"})
	fmt.Println(err)
	_, err = north.Get(ctx, Desk{Tenant: "south", ID: "1"})
	fmt.Println(err)
	// Output:
	// <nil>
	// monotable: Get Desk: invalid: the partition key is outside the scope of this table
}

// A Desk belongs to a tenant.
type Desk struct {
	Tenant string `dynamodbav:"tenant"`
	ID     string `dynamodbav:"deskId"`
}
