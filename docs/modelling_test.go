package docs_test

import (
	"errors"
	"fmt"

	"github.com/monotable/monotable"
)

func Example_partition() {
	l, _ := openLibrary()
	mustBe(l.Members.Create(ctx, Member{ID: "ann", Name: "Ann", Email: "ann@example.com"}))
	mustBe(l.Loans.Create(ctx, aLoan("ann", "emma", 3)))
	mustBe(l.Loans.Create(ctx, aLoan("ann", "ivanhoe", 9)))

	var member Member
	var loans []Loan
	err := l.Table.Collect(ctx, l.Members.Partition(Member{ID: "ann"}),
		monotable.One(l.Members, &member), monotable.Into(l.Loans, &loans)) // one request
	fmt.Println(member.Name, len(loans), loans[0].Book, err)
	// Output:
	// Ann 2 emma <nil>
}

func Example_mistakes() {
	l, client := openLibrary()

	bad := memberSchema
	bad.Key = monotable.Key{Partition: "MEMBER#{member}", Sort: "PROFILE"} // no attribute has this name
	bad.Rules = append(bad.Rules[:len(bad.Rules):len(bad.Rules)], memberPlan.OneOf("gold"))
	table, _ := monotable.NewTable(client, libraryConfig)
	_, err := monotable.NewEntity(table, bad)
	fmt.Println(err)

	// Two kinds that could make one key are refused too.
	_, err = monotable.NewEntity(l.Table, monotable.Schema[Book]{
		Name: "Rare", Key: monotable.Key{Partition: "BOOK#{bookId}", Sort: "{title}"},
	})
	fmt.Println(errors.Is(err, monotable.ErrInvalid))
	// Output:
	// monotable: definition of entity Member:
	// 	plan: OneOf is given twice
	// 	Key: PK "MEMBER#{member}": {member}: docs_test.Member has no such attribute; did you mean "memberId"?
	// true
}

func Example_explain() {
	l, _ := openLibrary()
	plan, err := l.Loans.Query(Loan{Member: "ann"}).Filter(loanState.Eq("out")).Explain()
	fmt.Println(plan, err)
	// Output:
	// Query Loan on library
	//   key           PK = MEMBER#{memberId}, SK = LOAN#{begunAt}#{bookId}
	//   key condition PK = ? AND begins_with(SK, ?)
	//   filter        state = ?
	//   requests      1 or more <nil>
}

// A Device is stored by a program of last year, without tags.
type Device struct {
	Serial string `dynamodbav:"serial"`
	Model  string `dynamodbav:"model"`
}

var deviceModel = monotable.Field(func(d *Device) *string { return &d.Model })

func Example_naturalKeys() {
	// The table's key attributes are attributes of the type: no templates.
	client := newClient()
	table, err := monotable.NewTable(client, monotable.TableConfig{Name: "devices", PartitionKey: "serial"})
	must(err)
	must(table.Create(ctx, client))
	devices, err := monotable.NewEntity(table, monotable.Schema[Device]{Name: "Device", Tag: monotable.TagNone})
	must(err)

	_, err = devices.Create(ctx, Device{Serial: "7", Model: "reader"})
	fmt.Println(err)
	d, err := devices.Update(ctx, Device{Serial: "7"}, deviceModel.Set("printer"))
	fmt.Println(d.Model, err)
	// Output:
	// <nil>
	// printer <nil>
}
