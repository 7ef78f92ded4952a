package work

import (
	"context"

	"github.com/guregu/dynamo/v2"
)

// withGuregu is github.com/guregu/dynamo.
type withGuregu struct{ table dynamo.Table }

func (w withGuregu) get(ctx context.Context, key Person) (Person, error) {
	var s stored
	err := w.table.Get("PK", key.partition()).Range("SK", dynamo.Equal, key.sort()).One(ctx, &s)
	return s.Person, err
}

func (w withGuregu) put(ctx context.Context, p Person) error {
	return w.table.Put(p.stored()).If("attribute_not_exists(PK) OR $ = ?", "_et", typeName).Run(ctx)
}

func (w withGuregu) update(ctx context.Context, key Person) (Person, error) {
	var s stored
	err := w.table.Update("PK", key.partition()).Range("SK", key.sort()).
		Set("name", newName).Set("email", newEmail).Set("age", newAge).Set("updatedAt", newTime.Unix()).Add("version", 1).
		If("$ = ? AND $ = ?", "_et", typeName, "version", key.Version).Value(ctx, &s)
	return s.Person, err
}

func (w withGuregu) query(ctx context.Context, key Person) (any, error) {
	var all []stored
	err := w.table.Get("PK", key.partition()).Range("SK", dynamo.BeginsWith, skPrefix).All(ctx, &all)
	return all, err
}

func (w withGuregu) batchGet(ctx context.Context, keys []Person) (any, error) {
	ask := make([]dynamo.Keyed, len(keys))
	for i, k := range keys {
		ask[i] = dynamo.Keys{k.partition(), k.sort()}
	}
	var all []stored
	err := w.table.Batch("PK", "SK").Get(ask...).All(ctx, &all)
	return all, err
}

func (w withGuregu) batchWrite(ctx context.Context, all []Person) error {
	items := make([]any, len(all))
	for i := range all {
		items[i] = all[i].stored()
	}
	_, err := w.table.Batch().Write().Put(items...).Run(ctx)
	return err
}
