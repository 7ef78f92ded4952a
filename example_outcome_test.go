package monotable_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

// The reply to an Add is lost. Sent again it could count twice, so it is not, and the error says that nobody knows. ExactlyOnce lets DynamoDB count.
func ExampleExactlyOnce() {
	ctx := context.Background()
	var faults monotabletest.Faults
	table := exampleTableOver(faults.Client)
	users := monotable.MustEntity(table, userSchema)
	seed(users, User{ID: "ann", Email: "ann@example.com"})

	faults.Script("UpdateItem", monotabletest.ReplyLost())
	_, err := users.Update(ctx, User{ID: "ann"}, monotable.Add(userLogins, 1))
	fmt.Println(errors.Is(err, monotable.ErrOutcomeUnknown))

	faults.Script("TransactWriteItems", monotabletest.ReplyLost())
	ann, err := users.With(monotable.ExactlyOnce()).Update(ctx, User{ID: "ann"}, monotable.Add(userLogins, 1))
	if unknown, ok := errors.AsType[*monotable.OutcomeError](err); ok {
		fmt.Println("perhaps written:", unknown.Writes[0].Key, unknown.Writes[0].Version, unknown.Writes[0].WriteID)
	}
	fmt.Println(ann.Logins, err) // the first one had counted
	// Output:
	// true
	// 2 <nil>
}

// With a version a lost reply does not show: the item tells whose write is there.
func ExampleErrOutcomeUnknown() {
	ctx := context.Background()
	var faults monotabletest.Faults
	users := monotable.MustEntity(exampleTableOver(faults.Client), userSchema)
	seed(users, User{ID: "ann", Email: "ann@example.com"})

	faults.Script("UpdateItem", monotabletest.ReplyLost())
	ann, err := users.Update(ctx, User{ID: "ann", Version: 1}, monotable.Add(userLogins, 1))
	fmt.Println(ann.Logins, ann.Version, err)
	// Output:
	// 1 2 <nil>
}

// A value has one owner, and GetBy finds it.
func ExampleAttr_Unique() {
	ctx := context.Background()
	users := monotable.MustEntity(exampleTable(), userSchema)
	seed(users, User{ID: "ann", Email: "ann@example.com"})

	_, err := users.Create(ctx, User{ID: "eve", Email: "ANN@example.com"})
	fmt.Println(err, errors.Is(err, monotable.ErrDuplicate))

	_, err = users.Update(ctx, User{ID: "ann"}, userEmail.Set("ann@example.org"))
	fmt.Println(err)
	_, err = users.Create(ctx, User{ID: "eve", Email: "ann@example.com"})
	fmt.Println(err)

	eve, err := users.GetBy(ctx, userEmail.Eq("ann@example.com"))
	fmt.Println(eve.ID, err)
	// Output:
	// monotable: Create User: value is taken: email true
	// <nil>
	// <nil>
	// eve <nil>
}

// What other programs left is found, and mended as far as a program may.
func ExampleEntity_RepairUnique() {
	ctx := context.Background()
	table := exampleTable()
	before := userSchema // the schema of last year, when the email was not unique
	before.Rules = []monotable.Rule[User]{userEmail.Required()}
	seed(monotable.MustEntity(table, before), User{ID: "ann", Email: "ann@example.com"})

	users := monotable.MustEntity(table, userSchema)
	for problem, err := range users.RepairUnique(ctx) {
		fmt.Println(problem.Fault, problem.Attribute, problem.Repaired, err)
	}
	ann, err := users.GetBy(ctx, userEmail.Eq("ann@example.com"))
	fmt.Println(ann.ID, err)
	// Output:
	// guard missing email true <nil>
	// ann <nil>
}
