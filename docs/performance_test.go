package docs_test

import (
	"fmt"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

func Example_capacity() {
	l := twelveLoans()
	var used monotable.ConsumedCapacity
	loans, err := l.Loans.With(monotable.Capacity(&used)).Query(Loan{Member: "ann"}).Collect(ctx)
	fmt.Println(len(loans), used.Requests(), used.Units(), err)
	// Output:
	// 12 1 0.5 <nil>
}

func Example_filterIsNoKey() {
	l := twelveLoans()
	var used monotable.ConsumedCapacity
	loans := l.Loans.With(monotable.Capacity(&used))

	few, err := loans.Query(Loan{Member: "ann"}).PageSize(1).Filter(loanBegun.Ge(noon.AddDate(0, 0, -11))).Collect(ctx)
	fmt.Println(len(few), used.Units(), err) // all twelve were read and paid for
	before := used.Units()
	few, err = loans.Query(Loan{Member: "ann"}).PageSize(1).SortKey(loanBegun.Ge(noon.AddDate(0, 0, -11))).Collect(ctx)
	fmt.Println(len(few), used.Units()-before, err)
	// Output:
	// 2 6.5 <nil>
	// 2 1.5 <nil>
}

func Example_plans() {
	l := twelveLoans()
	plan, err := l.Loans.Scan().Filter(loanState.Eq("out")).With(monotable.Consistent()).Explain()
	fmt.Println(plan, err)
	plan, err = l.Members.UpdateOp(Member{ID: "ann"}, memberEmail.Set("ann@example.org")).Explain()
	fmt.Println(plan.Operation, plan.Guards, plan.Warns("transaction"), err)
	// Output:
	// Scan Loan on library
	//   filter        _et = ? AND state = ?
	//   reads         consistent
	//   requests      1 or more
	//   warning       scan: reads all of table library, whatever it returns
	//   warning       consistent: costs twice the read units <nil>
	// TransactWriteItems [email] true <nil>
}

func Example_smallerReads() {
	l := twelveLoans()
	lines, err := monotable.As[LoanLine](l.Loans.Query(Loan{Member: "ann"}).Limit(2)).Collect(ctx)
	fmt.Println(lines, err)
	n, err := l.Loans.Query(Loan{Member: "ann"}).Count(ctx) // no items over the wire
	fmt.Println(n, err)
	// Output:
	// [{book-01 2026-11-29} {book-02 2026-11-30}] <nil>
	// 12 <nil>
}

func Example_requests() {
	var rec monotabletest.Recorder
	client := newClient()
	l := openLibraryOver(client, rec.Client(client))
	count := func(what string, call func() error) {
		sent := rec.During(func() { must(call()) })
		fmt.Println(what, sent)
	}

	count("Create", func() error {
		_, err := l.Books.Create(ctx, Book{ID: "emma", Title: "Emma", Copies: 3})
		return err
	})
	count("Create, unique", func() error {
		_, err := l.Members.Create(ctx, Member{ID: "ann", Name: "Ann", Email: "ann@example.com"})
		return err
	})
	count("Update", func() error {
		_, err := l.Members.Update(ctx, Member{ID: "ann"}, monotable.Add(memberFines, 5))
		return err
	})
	count("Update, unique", func() error {
		_, err := l.Members.Update(ctx, Member{ID: "ann"}, memberEmail.Set("ann@example.org"))
		return err
	})
	count("Modify", func() error {
		_, err := l.Books.Modify(ctx, Book{ID: "emma"}, func(b *Book) error { b.Copies--; return nil })
		return err
	})
	count("GetBy", func() error {
		_, err := l.Members.GetBy(ctx, memberEmail.Eq("ann@example.org"))
		return err
	})
	count("ExactlyOnce", func() error {
		_, err := l.Books.With(monotable.ExactlyOnce()).Update(ctx, Book{ID: "emma"}, monotable.Add(bookCopies, 1))
		return err
	})
	// Output:
	// Create [PutItem library]
	// Create, unique [TransactWriteItems library]
	// Update [UpdateItem library]
	// Update, unique [GetItem library TransactWriteItems library GetItem library]
	// Modify [GetItem library UpdateItem library]
	// GetBy [GetItem library GetItem library]
	// ExactlyOnce [TransactWriteItems library GetItem library]
}

func Example_batchOptions() {
	l, _ := openLibrary()
	books := make([]Book, 200)
	for i := range books {
		books[i] = Book{ID: fmt.Sprintf("b%03d", i), Title: "A book", Copies: 1}
	}
	var last monotable.BatchProgress
	err := l.Books.With(
		monotable.Concurrency(8),  // requests at a time
		monotable.PaceUnits(5000), // write units a second, so that others have some too
		monotable.Progress(func(p monotable.BatchProgress) { last = p }),
	).BatchPut(ctx, books)
	fmt.Println(last.Done, "of", last.Total, err)
	// Output:
	// 200 of 200 <nil>
}
