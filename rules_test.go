package monotable_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

type optional struct {
	ID      string     `dynamodbav:"id"`
	Name    *string    `dynamodbav:"name"`
	Level   *int       `dynamodbav:"level"`
	Created *time.Time `dynamodbav:"created"`
	Updated *time.Time `dynamodbav:"updated"`
}

// Rules and changes of a handle made by Elem see what the pointer points to.
func TestRulesThroughElem(t *testing.T) {
	name := monotable.Elem(monotable.Field(func(o *optional) **string { return &o.Name }))
	level := monotable.Elem(monotable.Field(func(o *optional) **int { return &o.Level }))
	table := monotabletest.Table(t, monotable.TableConfig{PartitionKey: "PK"})
	entity := monotable.MustEntity(table, monotable.Schema[optional]{
		Name: "Optional", Key: monotable.Key{Partition: "OPT#{id}"},
		Rules: []monotable.Rule[optional]{
			name.Default("Ann").Transform(strings.ToLower).Validate(func(s string) error { return nil }),
			monotable.Min(level, 3),
			monotable.CreatedAt(monotable.Elem(monotable.Field(func(o *optional) **time.Time { return &o.Created }))),
			monotable.UpdatedAt(monotable.Elem(monotable.Field(func(o *optional) **time.Time { return &o.Updated }))),
		},
	})
	ctx := t.Context()
	got, err := entity.Create(ctx, optional{ID: "1"})
	require.NoError(t, err)
	assert.Equal(t, "ann", *got.Name)
	assert.Nil(t, got.Level, "what is absent is not validated")
	require.NotNil(t, got.Created)
	require.NotNil(t, got.Updated)

	_, err = entity.Create(ctx, optional{ID: "2", Level: new(2)})
	assert.ErrorIs(t, err, monotable.ErrInvalid)
	got, err = entity.Update(ctx, optional{ID: "1"}, name.Set("BOB"), level.Set(4), name.Given("Ann"))
	require.NoError(t, err)
	assert.Equal(t, "bob", *got.Name)
	got, err = entity.Update(ctx, optional{ID: "1"}, monotable.Add(level, -1))
	require.NoError(t, err)
	assert.Equal(t, 3, *got.Level)
	_, err = entity.Update(ctx, optional{ID: "1"}, monotable.Add(level, -1))
	assert.ErrorIs(t, err, monotable.ErrConditionFailed, "Add keeps to Min")
	_, err = entity.Update(ctx, optional{ID: "1"}, level.Set(1))
	assert.ErrorIs(t, err, monotable.ErrInvalid)
	got, err = entity.Upsert(ctx, optional{ID: "3"}, monotable.Add(level, 5))
	require.NoError(t, err)
	assert.Equal(t, 5, *got.Level)
}

// SetIfAbsent in an Upsert may give a part of an index key its first value: the updating leg leaves it as it is.
func TestUpsertSetIfAbsentOfIndexPart(t *testing.T) {
	type visitor struct {
		ID     string `dynamodbav:"id"`
		Email  string `dynamodbav:"email"`
		Logins int    `dynamodbav:"logins"`
	}
	email := monotable.Field(func(v *visitor) *string { return &v.Email })
	logins := monotable.Field(func(v *visitor) *int { return &v.Logins })
	table := monotabletest.Table(t, monotable.TableConfig{PartitionKey: "PK", Indexes: []monotable.Index{{Name: "byEmail", PartitionKey: "GSI1PK"}}})
	visitors := monotable.MustEntity(table, monotable.Schema[visitor]{
		Name: "Visitor", Key: monotable.Key{Partition: "V#{id}"}, Indexes: map[string]monotable.Key{"byEmail": {Partition: "EMAIL#{email}"}},
		Rules: []monotable.Rule[visitor]{email.Required()},
	})
	ctx := t.Context()
	for n := range 3 {
		got, err := visitors.Upsert(ctx, visitor{ID: "1"}, email.SetIfAbsent([]string{"a@b", "c@d", "e@f"}[n]), monotable.Add(logins, 1))
		require.NoError(t, err)
		assert.Equal(t, visitor{ID: "1", Email: "a@b", Logins: n + 1}, got)
	}
	got, err := visitors.Upsert(ctx, visitor{ID: "1"}, email.SetIfAbsent("x@y"))
	require.NoError(t, err, "nothing to change is fine")
	assert.Equal(t, 3, got.Logins)
	_, err = visitors.Query(visitor{Email: "a@b"}).Index("byEmail").First(ctx)
	require.NoError(t, err)
	_, err = visitors.Update(ctx, visitor{ID: "1"}, email.SetIfAbsent("x@y"))
	assert.ErrorIs(t, err, monotable.ErrInvalid, "Update alone cannot know")
}
