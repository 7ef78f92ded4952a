package work

import (
	"context"
	"reflect"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/internal/codec"
)

// calls are the operations that are measured, in one library. Those that read many give them as the library does; see [PeopleOf].
type calls interface {
	get(ctx context.Context, key Person) (Person, error)
	put(ctx context.Context, p Person) error
	update(ctx context.Context, key Person) (Person, error) // key's version must be the stored one
	query(ctx context.Context, key Person) (any, error)
	batchGet(ctx context.Context, keys []Person) (any, error)
	batchWrite(ctx context.Context, people []Person) error
}

type withMonotable struct{ people *monotable.Entity[Person] }

func (w withMonotable) get(ctx context.Context, key Person) (Person, error) {
	return w.people.Get(ctx, key)
}

func (w withMonotable) put(ctx context.Context, p Person) error {
	_, err := w.people.Put(ctx, p)
	return err
}

func (w withMonotable) update(ctx context.Context, key Person) (Person, error) {
	return w.people.Update(ctx, key,
		name.Set(newName), email.Set(newEmail), age.Set(newAge), updatedAt.Set(newTime), monotable.Add(version, 1), version.Eq(key.Version))
}

func (w withMonotable) query(ctx context.Context, key Person) (any, error) {
	return w.people.Query(key).Collect(ctx)
}

func (w withMonotable) batchGet(ctx context.Context, keys []Person) (any, error) {
	return w.people.BatchGet(ctx, keys)
}

func (w withMonotable) batchWrite(ctx context.Context, people []Person) error {
	return w.people.BatchPut(ctx, people)
}

// codecOf is the plan that the conversions use.
func codecOf() (*codec.Plan, error) {
	return codec.Compile(reflect.TypeFor[User](), codec.Options{})
}

type item = map[string]types.AttributeValue
