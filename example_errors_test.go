package monotable_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/monotable/monotable"
)

// What a program branches on, it tests with errors.Is. Several can hold: a version conflict is a failed condition too.
func Example_errors() {
	ctx := context.Background()
	users := monotable.MustEntity(exampleTable(), userSchema)
	seed(users, User{ID: "ann", Email: "ann@example.com"})

	_, err := users.Update(ctx, User{ID: "ann", Version: 7}, userPlan.Set("pro"))
	switch {
	case errors.Is(err, monotable.ErrInvalid):
		fmt.Println("our mistake; nothing was sent")
	case errors.Is(err, monotable.ErrNotFound):
		fmt.Println("gone")
	case errors.Is(err, monotable.ErrVersionConflict):
		fmt.Println("somebody was faster")
	case errors.Is(err, monotable.ErrConditionFailed):
		fmt.Println("a condition of ours")
	case errors.Is(err, monotable.ErrOutcomeUnknown):
		fmt.Println("perhaps written, perhaps not")
	}
	fmt.Println(err)
	fmt.Println(errors.Is(err, monotable.ErrConditionFailed))
	// Output:
	// somebody was faster
	// monotable: Update User: version conflict
	// true
}

// Old decodes the item that refused a write, so no second read is needed to tell why.
func ExampleEntity_Old() {
	ctx := context.Background()
	users := monotable.MustEntity(exampleTable(), userSchema)
	seed(users, User{ID: "ann", Email: "ann@example.com", Plan: "pro"})

	_, err := users.Delete(ctx, User{ID: "ann"}, userPlan.Eq("free"))
	if stored, ok := users.Old(err); ok {
		fmt.Println(err)
		fmt.Println("stored:", stored.Plan)
	}
	// Output:
	// monotable: Delete User: condition failed
	// stored: pro
}

// All that is wrong with an item comes at once. Nothing is sent.
func ExampleValidationError() {
	ctx := context.Background()
	users := monotable.MustEntity(exampleTable(), userSchema)

	_, err := users.Create(ctx, User{ID: "ann", Email: "ann at example.com", Plan: "gold", Logins: -1})
	if invalid, ok := errors.AsType[*monotable.ValidationError](err); ok {
		for _, v := range invalid.Violations {
			fmt.Printf("%s (%s): %v\n", v.Attribute, v.Rule, v.Err)
		}
	}
	fmt.Println(errors.Is(err, monotable.ErrInvalid))
	// Output:
	// email (Validate): is not an email address
	// plan (OneOf): must be one of [free pro]
	// logins (Min): must be at least 0
	// true
}

// So does all that is wrong with a schema, when the program starts.
func ExampleDefinitionError() {
	_, err := monotable.NewEntity(exampleTable(), monotable.Schema[User]{
		Name:    "User",
		Key:     monotable.Key{Partition: "USER#{userID}", Sort: "PROFILE"},
		Indexes: map[string]monotable.Key{"GSI9": {Partition: "EMAIL#{email}"}},
		Rules: []monotable.Rule[User]{
			userPlan.Default("free"),
			userPlan.Default("pro"),
		},
	})
	fmt.Println(err)
	// Output:
	// monotable: definition of entity User:
	// 	plan: Default is given twice
	// 	Key: PK "USER#{userID}": {userID}: monotable_test.User has no such attribute; did you mean "userId"?
	// 	index GSI9: the table declares no such index; did you mean "GSI1"?
}
