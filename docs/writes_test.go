package docs_test

import (
	"errors"
	"fmt"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/monotabletest"
)

func Example_verbs() {
	l, _ := openLibrary()
	members := l.Members

	ann, err := members.Create(ctx, Member{ID: "ann", Name: "Ann", Email: "Ann@Example.com"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(ann.Email, ann.Plan, ann.Version) // defaults, transforms and the version are in what is returned

	_, err = members.Create(ctx, Member{ID: "ann", Name: "Another", Email: "x@example.com"})
	fmt.Println(errors.Is(err, monotable.ErrAlreadyExists))

	ann, err = members.Update(ctx, Member{ID: "ann"}, monotable.Add(memberFines, 150), monotable.AddTo(memberInterest, "maps", "tea"))
	fmt.Println(ann.Fines, ann.Interest, ann.Version, err)

	_, err = members.Update(ctx, Member{ID: "bob"}, monotable.Add(memberFines, 150))
	fmt.Println(errors.Is(err, monotable.ErrNotFound)) // no ghost of a key and an amount

	old, err := members.Delete(ctx, Member{ID: "ann"})
	fmt.Println(old.Name, err)
	// Output:
	// ann@example.com basic 1
	// true
	// 150 [maps tea] 2 <nil>
	// true
	// Ann <nil>
}

func Example_conditions() {
	l, _ := openLibrary()
	members := l.Members
	mustBe(members.Create(ctx, Member{ID: "ann", Name: "Ann", Email: "ann@example.com", Fines: 150}))

	_, err := members.Update(ctx, Member{ID: "ann"}, monotable.Add(memberFines, -200))
	fmt.Println(err) // Min(memberFines, 0) is kept by the server

	_, err = members.Update(ctx, Member{ID: "ann"}, memberPlan.Set("basic"), memberFines.Eq(0))
	if errors.Is(err, monotable.ErrConditionFailed) {
		stored, _ := members.Old(err) // the item that refused
		fmt.Println("not while there are fines:", stored.Fines)
	}
	// Output:
	// monotable: Update Member: condition failed: Add would leave the Min of fines
	// not while there are fines: 150
}

func Example_versions() {
	l, _ := openLibrary()
	members := l.Members
	mustBe(members.Create(ctx, Member{ID: "ann", Name: "Ann", Email: "ann@example.com"}))

	mine := mustBe(members.Get(ctx, Member{ID: "ann"}))
	yours := mustBe(members.Get(ctx, Member{ID: "ann"}))

	_, err := members.Update(ctx, yours, memberName.Set("Anne")) // the key has a version above 0: it is checked
	fmt.Println(err)
	_, err = members.Update(ctx, mine, memberName.Set("Anna"))
	fmt.Println(err)
	_, err = members.Update(ctx, Member{ID: "ann"}, memberName.Set("Anna")) // no version in the key: not checked
	fmt.Println(err)
	// Output:
	// <nil>
	// monotable: Update Member: version conflict
	// <nil>
}

func Example_modify() {
	l, _ := openLibrary()
	members := l.Members
	mustBe(members.Create(ctx, Member{ID: "ann", Name: "Ann", Email: "ann@example.com", Fines: 150}))

	ann, err := members.Modify(ctx, Member{ID: "ann"}, func(m *Member) error {
		m.Fines = m.Fines * 9 / 10 // ten per cent off: no change can say that
		return nil
	})
	fmt.Println(ann.Fines, ann.Version, err)
	// Output:
	// 135 2 <nil>
}

func Example_rules() {
	l, _ := openLibrary()
	_, err := l.Members.Create(ctx, Member{ID: "ann", Email: "nobody", Plan: "gold"})
	if invalid, ok := errors.AsType[*monotable.ValidationError](err); ok {
		for _, v := range invalid.Violations {
			fmt.Println(v)
		}
	}
	fmt.Println(errors.Is(err, monotable.ErrInvalid)) // nothing was sent
	// Output:
	// name: is required
	// email: is not an address
	// plan: must be one of [basic family]
	// true
}

func Example_lend() {
	l, _ := openLibrary()
	mustBe(l.Members.Create(ctx, Member{ID: "ann", Name: "Ann", Email: "ann@example.com"}))
	mustBe(l.Books.Create(ctx, Book{ID: "emma", Title: "Emma", Copies: 1}))
	lend := func(loan Loan) error {
		return l.Table.TransactWrite(ctx,
			l.Loans.CreateOp(loan),
			l.Books.UpdateOp(Book{ID: loan.Book}, monotable.Add(bookCopies, -1)), // never below 0
			l.Members.CheckOp(Member{ID: loan.Member}, memberFines.Lt(500)))
	}

	fmt.Println(lend(aLoan("ann", "emma", 3)))
	err := lend(aLoan("ann", "emma", 4))
	if failed, ok := errors.AsType[*monotable.TransactionError](err); ok {
		for _, op := range failed.Operations {
			fmt.Println(op.Index, op.Op, op.Entity, errors.Is(op.Err, monotable.ErrConditionFailed))
		}
	}
	// Output:
	// <nil>
	// 1 Update Book true
}

func Example_batches() {
	l, _ := openLibrary()
	books := make([]Book, 60)
	for i := range books {
		books[i] = Book{ID: fmt.Sprintf("b%02d", i), Title: "A book", Copies: 1}
	}
	if err := l.Books.BatchPut(ctx, books); err != nil { // three requests, and more for what is left undone
		if batch, ok := errors.AsType[*monotable.BatchError](err); ok {
			err = l.Table.BatchWrite(ctx, batch.Rest()...) // later: what is not written for certain
		}
		fmt.Println(err)
	}

	results, err := l.Books.BatchGet(ctx, []Book{{ID: "b07"}, {ID: "none"}, {ID: "b31"}})
	for _, r := range results { // in the order of the keys
		fmt.Println(r.State, r.Item.ID == "b31")
	}
	fmt.Println(err)
	// Output:
	// Found false
	// Missing false
	// Found true
	// <nil>
}

func Example_lostReply() {
	client := memdb.New(memdb.Options{}).Client()
	var faults monotabletest.Faults
	l := openLibraryOver(client, faults.Client(client))
	mustBe(l.Members.Create(ctx, Member{ID: "ann", Name: "Ann", Email: "ann@example.com"}))
	mustBe(l.Books.Create(ctx, Book{ID: "emma", Title: "Emma", Copies: 5}))

	faults.Script("UpdateItem", monotabletest.ReplyLost())
	ann, err := l.Members.Update(ctx, Member{ID: "ann", Version: 1}, monotable.Add(memberFines, 50))
	fmt.Println(ann.Fines, err) // the item has a version: its write is recognised

	faults.Script("UpdateItem", monotabletest.ReplyLost())
	_, err = l.Books.Update(ctx, Book{ID: "emma"}, monotable.Add(bookCopies, -1))
	fmt.Println(errors.Is(err, monotable.ErrOutcomeUnknown)) // nothing tells whose Add is there, so it is not sent again

	faults.Script("TransactWriteItems", monotabletest.ReplyLost())
	emma, err := l.Books.With(monotable.ExactlyOnce()).Update(ctx, Book{ID: "emma"}, monotable.Add(bookCopies, -1))
	fmt.Println(emma.Copies, err) // both have counted, once each
	// Output:
	// 50 <nil>
	// true
	// 3 <nil>
}
