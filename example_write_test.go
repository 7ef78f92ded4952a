package monotable_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/monotable/monotable"
)

// Create fills defaults, runs the rules and returns what is stored.
func ExampleEntity_Create() {
	ctx := context.Background()
	users := monotable.MustEntity(exampleTable(), userSchema)

	ann, err := users.Create(ctx, User{ID: "ann", Email: "Ann@Example.com"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(ann.Email, ann.Plan, ann.Prefs.Theme, *ann.Notify, ann.Created.Format("2006-01-02"), ann.Version)

	_, err = users.Create(ctx, User{ID: "ann", Email: "ann@example.com"})
	fmt.Println(err)
	fmt.Println(errors.Is(err, monotable.ErrAlreadyExists))
	// Output:
	// ann@example.com free light true 2026-11-21 1
	// monotable: Create User: item already exists
	// true
}

// Put replaces the whole item. What it was read with decides: of two writers with the same version one is refused.
func ExampleEntity_Put() {
	ctx := context.Background()
	users := monotable.MustEntity(exampleTable(), userSchema)
	seed(users, User{ID: "ann", Email: "ann@example.com"})

	mine, _ := users.Get(ctx, User{ID: "ann"})
	yours := mine

	yours.Plan = "pro"
	yours, err := users.Put(ctx, yours)
	fmt.Println(yours.Plan, yours.Version, err)

	mine.Logins = 7
	_, err = users.Put(ctx, mine)
	fmt.Println(err)
	// Output:
	// pro 2 <nil>
	// monotable: Put User: version conflict
}

// Update touches what the changes name. Conditions stand among them.
func ExampleEntity_Update() {
	ctx := context.Background()
	users := monotable.MustEntity(exampleTable(), userSchema)
	seed(users, User{ID: "ann", Email: "ann@example.com"})

	ann, err := users.Update(ctx, User{ID: "ann"},
		userPlan.Set("pro"),
		userTheme.Set("dark"),                           // inside a map
		monotable.Add(userLogins, 1),                    // on the server
		monotable.Append(userTags, "vip", "early"),      // creates the list
		monotable.MapKey(userLabels, "team").Set("red"), // one element of a map
		userPlan.Eq("free"),                             // if the plan still is free
		monotable.Any(userLogins.Lt(100), userTags.NotExists()),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(ann.Plan, ann.Prefs.Theme, ann.Logins, ann.Tags, ann.Labels, ann.Version)

	_, err = users.Update(ctx, User{ID: "ann"}, monotable.Add(userLogins, 1), userPlan.Eq("free"))
	fmt.Println(err)
	_, err = users.Update(ctx, User{ID: "bob"}, userPlan.Set("pro"))
	fmt.Println(err)
	// Output:
	// pro dark 1 [vip early] map[team:red] 2
	// monotable: Update User: condition failed
	// monotable: Update User: item not found
}

// A change of a part of an index key rewrites the key in the same request: the user is found under the new
// address and no longer under the old one.
func ExampleEntity_Update_indexKeys() {
	ctx := context.Background()
	users := monotable.MustEntity(exampleTable(), userSchema)
	seed(users, User{ID: "ann", Email: "ann@example.com"})

	_, err := users.Update(ctx, User{ID: "ann"}, userEmail.Set("Ann@Example.org"))
	fmt.Println(err)

	_, err = users.Query(User{Email: "ann@example.com"}).Index("GSI1").First(ctx)
	fmt.Println(err)
	ann, err := users.Query(User{Email: "ann@example.org"}).Index("GSI1").First(ctx)
	fmt.Println(ann.Email, err)
	// Output:
	// <nil>
	// monotable: Query User: item not found
	// ann@example.org <nil>
}

// Upsert is Update, and where there is nothing Create: defaults and all rules included.
func ExampleEntity_Upsert() {
	ctx := context.Background()
	users := monotable.MustEntity(exampleTable(), userSchema)

	for range 2 {
		ann, err := users.Upsert(ctx, User{ID: "ann"},
			userEmail.SetIfAbsent("ann@example.com"),
			monotable.Add(userLogins, 1),
		)
		fmt.Println(ann.Email, ann.Plan, ann.Logins, ann.Version, err)
	}
	// Output:
	// ann@example.com free 1 1 <nil>
	// ann@example.com free 2 2 <nil>
}

// Modify reads, changes and writes what has changed. If another writer was faster it starts again with what
// that one stored, so the function should do nothing but change its argument.
func ExampleEntity_Modify() {
	ctx := context.Background()
	users := monotable.MustEntity(exampleTable(), userSchema)
	seed(users, User{ID: "ann", Email: "ann@example.com"})

	first := true
	ann, err := users.Modify(ctx, User{ID: "ann"}, func(u *User) error {
		if first { // somebody else is faster
			first = false
			if _, err := users.Update(ctx, User{ID: "ann"}, monotable.Add(userLogins, 1)); err != nil {
				return err
			}
		}
		u.Prefs.Theme = "dark"
		u.Tags = append(u.Tags, "vip")
		return nil
	})
	fmt.Println(ann.Logins, ann.Prefs.Theme, ann.Tags, ann.Version, err)

	_, err = users.Modify(ctx, User{ID: "ann"}, func(u *User) error {
		return errors.New("on second thoughts, no")
	})
	fmt.Println(err)
	// Output:
	// 1 dark [vip] 3 <nil>
	// monotable: Modify User: on second thoughts, no
}

// Delete returns what was there. Without a condition it is no error if nothing was.
func ExampleEntity_Delete() {
	ctx := context.Background()
	users := monotable.MustEntity(exampleTable(), userSchema)
	seed(users, User{ID: "ann", Email: "ann@example.com"})

	_, err := users.Delete(ctx, User{ID: "ann"}, userPlan.Eq("pro"))
	fmt.Println(err)
	old, err := users.Delete(ctx, User{ID: "ann"})
	fmt.Println(old.Email, err)
	old, err = users.Delete(ctx, User{ID: "ann"})
	fmt.Println(old, err)
	// Output:
	// monotable: Delete User: condition failed
	// ann@example.com <nil>
	// <nil> <nil>
}

// Operations are values too: this is what an update would send.
func ExampleEntity_UpdateOp() {
	users := monotable.MustEntity(exampleTable(), userSchema)

	request, err := users.UpdateOp(User{ID: "ann"}, userPlan.Set("pro"), userPlan.Ne("pro")).Request()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(*request.TableName, request.ReturnValues)
	fmt.Println(len(request.Key), "key attributes")

	_, err = users.UpdateOp(User{ID: "ann"}, userPlan.Set("gold")).Request()
	fmt.Println(err)
	// Output:
	// app ALL_NEW
	// 2 key attributes
	// monotable: invalid: plan: must be one of [free pro]
}
