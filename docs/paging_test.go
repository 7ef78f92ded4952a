package docs_test

import (
	"errors"
	"fmt"

	"github.com/monotable/monotable"
)

// twelveLoans is a library in which Ann has borrowed twelve books.
func twelveLoans() *Library {
	l, _ := openLibrary()
	for day := 1; day <= 12; day++ {
		loan := aLoan("ann", fmt.Sprintf("book-%02d", day), day)
		if day%3 == 0 {
			loan.State = "back"
		}
		mustBe(l.Loans.Create(ctx, loan))
	}
	return l
}

func Example_pages() {
	l := twelveLoans()

	query := l.Loans.Query(Loan{Member: "ann"}).Filter(loanState.Eq("out")).Limit(3)
	var cursor monotable.Cursor // "" is the beginning; a handler takes it from its request
	for {
		page, err := query.From(cursor).Page(ctx)
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, loan := range page.Items {
			fmt.Print(loan.Book, " ")
		}
		fmt.Println(page.Prev != "", page.Next != "")
		if cursor = page.Next; cursor == "" { // the end; an empty page is not
			break
		}
	}
	// Output:
	// book-01 book-02 book-04 false true
	// book-05 book-07 book-08 true true
	// book-10 book-11 true false
}

func Example_pagesBack() {
	l := twelveLoans()
	query := l.Loans.Query(Loan{Member: "ann"}).Limit(5)

	first := mustBe(query.Page(ctx))
	second := mustBe(query.From(first.Next).Page(ctx))
	back := mustBe(query.From(second.Prev).Page(ctx))
	fmt.Println(second.Items[0].Book, back.Items[0].Book, len(back.Items))
	// Output:
	// book-06 book-01 5
}

func Example_foreignCursors() {
	l := twelveLoans()
	page := mustBe(l.Loans.Query(Loan{Member: "ann"}).Limit(5).Page(ctx))

	_, err := l.Loans.Query(Loan{Member: "bob"}).From(page.Next).Page(ctx) // another partition
	fmt.Println(errors.Is(err, monotable.ErrBadCursor))
	_, err = l.Loans.Query(Loan{Member: "ann"}).From(page.Next + "x").Page(ctx)
	fmt.Println(errors.Is(err, monotable.ErrBadCursor))

	forAnn := l.Loans.Query(Loan{Member: "ann"}).Limit(5).With(monotable.CursorContext("user ann"))
	page = mustBe(forAnn.Page(ctx))
	_, err = forAnn.With(monotable.CursorContext("user eve")).From(page.Next).Page(ctx)
	fmt.Println(errors.Is(err, monotable.ErrBadCursor))
	// Output:
	// true
	// true
	// true
}

func Example_all() {
	l := twelveLoans()
	for loan, err := range l.Loans.Query(Loan{Member: "ann"}).PageSize(5).All(ctx) {
		if err != nil {
			fmt.Println(err)
			return
		}
		if loan.State == "back" {
			fmt.Println(loan.Book)
			break // what was not needed is not read, save a page ahead
		}
	}
	// Output:
	// book-03
}

func Example_budget() {
	l := twelveLoans()
	_, err := l.Loans.Query(Loan{Member: "ann"}).Filter(loanState.Eq("lost")).PageSize(2).MaxPages(3).Collect(ctx)
	fmt.Println(errors.Is(err, monotable.ErrBudget))

	page, err := l.Loans.Query(Loan{Member: "ann"}).Filter(loanState.Eq("lost")).PageSize(2).MaxPages(3).Page(ctx)
	fmt.Println(len(page.Items), page.Next != "", err) // a page ends where it is, and leads on
	// Output:
	// true
	// 0 true <nil>
}

func Example_scan() {
	l := twelveLoans()
	books := map[string]bool{}
	for loan, err := range l.Loans.Scan().Parallel(4).All(ctx) {
		if failed, ok := errors.AsType[*monotable.SegmentError](err); ok {
			fmt.Println("go on from", failed.Segments) // with Segment and From
			return
		}
		books[loan.Book] = true
	}
	fmt.Println(len(books))
	// Output:
	// 12
}

func Example_many() {
	l := twelveLoans()
	mustBe(l.Loans.Create(ctx, aLoan("bob", "emma", 5)))

	all := monotable.QueryMany(l.Loans.Query(Loan{Member: "ann"}), l.Loans.Query(Loan{Member: "bob"})).
		OrderBy(func(a, b Loan) int { return a.Begun.Compare(b.Begun) }).Limit(6)
	for loan, err := range all.All(ctx) {
		fmt.Print(loan.Book, " ", err, ", ")
	}
	// Output:
	// book-01 <nil>, book-02 <nil>, book-03 <nil>, book-04 <nil>, book-05 <nil>, emma <nil>,
}
