package migrate_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/migrate"
)

// A backfill that would leave the guard of a unique value behind is refused for that item, before anything is written; its other attributes may change.
func TestBackfill_UniqueValuesStay(t *testing.T) {
	t.Parallel()
	type contact struct {
		Email string `dynamodbav:"email"`
	}
	type member struct {
		ID      string  `dynamodbav:"id"`
		Phone   string  `dynamodbav:"phone,omitempty"`
		Contact contact `dynamodbav:"contact"`
		Plan    string  `dynamodbav:"plan,omitempty"`
	}
	var (
		phone = monotable.Field(func(m *member) *string { return &m.Phone })
		email = monotable.Field(func(m *member) *string { return &m.Contact.Email })
	)
	w := newTown(t)
	table := w.as(w.client)
	members, err := monotable.NewEntity(table, monotable.Schema[member]{
		Name: "Member", Key: monotable.Key{Partition: "MEMBER#{id}", Sort: "MEMBER"}, Rules: []monotable.Rule[member]{phone.Unique(), email.Unique()},
	})
	require.NoError(t, err)
	ann, err := members.Create(t.Context(), member{ID: "ann", Contact: contact{"ann@x"}})
	require.NoError(t, err)
	before := w.dump()
	for name, change := range map[string]func(item attributes){
		"a nested one": func(item attributes) {
			item["contact"] = &types.AttributeValueMemberM{Value: attributes{"email": vS("new@x")}}
		},
		"a first one":    func(item attributes) { item["phone"] = vS("1") },
		"its removal":    func(item attributes) { delete(item, "contact") },
		"another entity": func(item attributes) { item["_et"] = vS("Other") },
	} {
		_, err := migrate.Backfill(t.Context(), w.store(w.client), name, table, func(_ context.Context, item map[string]types.AttributeValue) (map[string]types.AttributeValue, error) {
			change(item)
			return item, nil
		}, migrate.Segments(1))
		require.ErrorIs(t, err, migrate.ErrInvalid, name)
		require.NotContains(t, err.Error(), "@x")
		require.Equal(t, before, w.dump(), name)
	}
	_, err = migrate.Backfill(t.Context(), w.store(w.client), "plan", table, func(_ context.Context, item map[string]types.AttributeValue) (map[string]types.AttributeValue, error) {
		item["plan"] = vS("pro")
		return item, nil
	}, migrate.Segments(1))
	require.NoError(t, err)
	ann.Plan = "pro"
	found, err := members.GetBy(t.Context(), email.Eq("ann@x"))
	require.NoError(t, err)
	require.Equal(t, ann, found)
}
