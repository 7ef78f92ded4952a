package monotable_test

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"

	"github.com/monotable/monotable"
)

// Conditions are values: name them, combine them, use them in writes and filters.
func ExampleCond() {
	ctx := context.Background()
	users := monotable.MustEntity(exampleTable(), userSchema)
	seed(
		users,
		User{ID: "ann", Email: "ann@example.com", Plan: "pro", Tags: []string{"vip"}},
		User{ID: "bob", Email: "bob@example.org", Logins: 12},
		User{ID: "cem", Email: "cem@example.org", Notify: new(false)},
	)

	regular := monotable.Any(userPlan.Eq("pro"), userLogins.Ge(10))
	quiet := monotable.Not(monotable.Elem(userNotify).Eq(true)) // Elem: from *bool to bool

	show := func(conds ...monotable.Cond[User]) {
		n, err := users.Scan().Filter(conds...).Count(ctx)
		fmt.Println(n, err)
	}
	show(regular)
	show(quiet)
	show(monotable.All(regular, monotable.Contains(userTags, "vip")))
	show(monotable.ContainsText(userEmail, ".org"), userLogins.Between(1, 20))
	show(userTags.NotExists(), userTheme.In("light", "dark"), userEmail.Size().Lt(99))
	// Output:
	// 2 <nil>
	// 1 <nil>
	// 1 <nil>
	// 1 <nil>
	// 2 <nil>
}

// What handles cannot say, the SDK's expression builder can. Nothing in it is checked against the type.
func ExampleUncheckedCond() {
	ctx := context.Background()
	users := monotable.MustEntity(exampleTable(), userSchema)
	seed(users, User{ID: "ann", Email: "ann@example.com", Logins: 3})

	moreThanTags := expression.Name("logins").GreaterThan(expression.Name("tags").Size())
	_, err := users.Update(ctx, User{ID: "ann"},
		userPlan.Set("pro"),
		monotable.Any(userTags.NotExists(), monotable.UncheckedCond[User](moreThanTags)),
	)
	fmt.Println(err)
	// Output:
	// <nil>
}
