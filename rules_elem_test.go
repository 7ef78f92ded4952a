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
