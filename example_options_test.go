package monotable_test

import (
	"context"
	"fmt"

	"github.com/monotable/monotable"
)

// With gives a derived entity, table or query; what it was made from is unchanged.
func ExampleEntity_With() {
	ctx := context.Background()
	users := monotable.MustEntity(exampleTable(), userSchema)
	seed(users, User{ID: "ann", Email: "ann@example.com"})

	var used monotable.ConsumedCapacity
	careful := users.With(monotable.Consistent(), monotable.Capacity(&used))

	for range 3 {
		if _, err := careful.Get(ctx, User{ID: "ann"}); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(used.Requests(), "requests,", used.Units(), "units")
	// Output:
	// 3 requests, 3 units
}
