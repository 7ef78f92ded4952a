package monotable_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable"
)

// What the clients of the histories write with: the library, or protocols that a checker must see through.

// linItem is an item that the histories write. W is the write id. Because the type has it, the version checks of Put, Update and
// Delete check it too. A version alone cannot do where items are deleted: one made anew has version 1 again, and a writer, or a request that comes
// late, takes it for the old one. TestLinearABA shows it.
type linItem struct {
	ID    string `dynamodbav:"id"`
	Ver   int    `dynamodbav:"ver"`
	Stamp int    `dynamodbav:"stamp"` // of the write, for the model
	N     int    `dynamodbav:"n"`
	W     string `dynamodbav:"_w"`
}

// linPlain is the same without the write id: sound where nothing is deleted.
type linPlain struct {
	ID    string `dynamodbav:"id"`
	Ver   int    `dynamodbav:"ver"`
	Stamp int    `dynamodbav:"stamp"`
	N     int    `dynamodbav:"n"`
	W     string `dynamodbav:"-"`
}

func (i linItem) cell() linCell { return linCell{i.Ver, i.Stamp, i.N} }

// linStore is the verbs of one kind of item. once asks for ExactlyOnce.
type linStore interface {
	get(ctx context.Context, id string) (linItem, error)
	create(ctx context.Context, once bool, item linItem) (linItem, error)
	put(ctx context.Context, once bool, item linItem) (linItem, error)
	update(ctx context.Context, once bool, from, to linItem) (linItem, error)
	modify(ctx context.Context, once bool, id string, change func(*linItem)) (linItem, error)
	remove(ctx context.Context, once bool, from linItem) (*linItem, error)
	transfer(ctx context.Context, from, to [2]linItem) error
	both(ctx context.Context, ids [2]string) ([2]linItem, error)
	old(err error) (linItem, bool)
}

// linEntity is the library.
type linEntity[T linItem | linPlain] struct {
	table    *monotable.Table
	e        *monotable.Entity[T]
	ver      monotable.Attr[T, int]
	stamp, n monotable.Attr[T, int]
}

func linMarked(table *monotable.Table) (*linEntity[linItem], error) {
	return newLinEntity(table, "Marked",
		monotable.Field(func(i *linItem) *int { return &i.Ver }),
		monotable.Field(func(i *linItem) *int { return &i.Stamp }), monotable.Field(func(i *linItem) *int { return &i.N }))
}

func linUnmarked(table *monotable.Table) (*linEntity[linPlain], error) {
	return newLinEntity(table, "Plain",
		monotable.Field(func(i *linPlain) *int { return &i.Ver }),
		monotable.Field(func(i *linPlain) *int { return &i.Stamp }), monotable.Field(func(i *linPlain) *int { return &i.N }))
}

func newLinEntity[T linItem | linPlain](table *monotable.Table, name string, ver, stamp, n monotable.Attr[T, int]) (*linEntity[T], error) {
	e, err := monotable.NewEntity(table, monotable.Schema[T]{
		Name: name, Key: monotable.Key{Partition: name + "#{id}", Sort: "X"}, Rules: []monotable.Rule[T]{monotable.Version(ver)},
	})
	return &linEntity[T]{table, e, ver, stamp, n}, err
}

func (s *linEntity[T]) with(once bool) *monotable.Entity[T] {
	if once {
		return s.e.With(monotable.ExactlyOnce())
	}
	return s.e
}

func (s *linEntity[T]) get(ctx context.Context, id string) (linItem, error) {
	got, err := s.e.With(monotable.Consistent()).Get(ctx, T(linItem{ID: id}))
	return linItem(got), err
}

func (s *linEntity[T]) create(ctx context.Context, once bool, item linItem) (linItem, error) {
	got, err := s.with(once).Create(ctx, T(item))
	return linItem(got), err
}

func (s *linEntity[T]) put(ctx context.Context, once bool, item linItem) (linItem, error) {
	got, err := s.with(once).Put(ctx, T(item))
	return linItem(got), err
}

// update gives the version in the key, or every other time as a condition among the changes, which guards it as well.
func (s *linEntity[T]) update(ctx context.Context, once bool, from, to linItem) (linItem, error) {
	changes := []monotable.Change[T]{s.stamp.Set(to.Stamp), s.n.Set(to.N)}
	if _, marked := any(from).(T); !marked && to.Stamp%2 == 0 {
		changes = append(changes, s.ver.Eq(from.Ver))
		from.Ver = 0
	}
	got, err := s.with(once).Update(ctx, T(from), changes...)
	return linItem(got), err
}

func (s *linEntity[T]) modify(ctx context.Context, once bool, id string, change func(*linItem)) (linItem, error) {
	got, err := s.with(once).Modify(ctx, T(linItem{ID: id}), func(t *T) error {
		item := linItem(*t)
		change(&item)
		*t = T(item)
		return nil
	})
	return linItem(got), err
}

func (s *linEntity[T]) remove(ctx context.Context, once bool, from linItem) (*linItem, error) {
	old, err := s.with(once).Delete(ctx, T(from))
	if old == nil {
		return nil, err
	}
	item := linItem(*old)
	return &item, err
}

// transfer puts one item and updates the other.
func (s *linEntity[T]) transfer(ctx context.Context, from, to [2]linItem) error {
	to[0].Ver, to[0].W = from[0].Ver, from[0].W
	return s.table.TransactWrite(ctx,
		s.e.PutOp(T(to[0])),
		s.e.UpdateOp(T(from[1]), s.stamp.Set(to[1].Stamp), s.n.Set(to[1].N)))
}

func (s *linEntity[T]) both(ctx context.Context, ids [2]string) ([2]linItem, error) {
	var got [2]T
	err := s.table.TransactGet(ctx, s.e.GetOp(T(linItem{ID: ids[0]}), &got[0]), s.e.GetOp(T(linItem{ID: ids[1]}), &got[1]))
	return [2]linItem{linItem(got[0]), linItem(got[1])}, err
}

func (s *linEntity[T]) old(err error) (linItem, bool) {
	got, ok := s.e.Old(err)
	return linItem(got), ok
}

// linRaw is the usual protocol by hand: the SDK's own retries, the version as the only condition, and a condition that fails is a
// conflict. What the SDK cannot tell it calls unknown.
type linRaw struct {
	client *dynamodb.Client
	table  string
}

func (linRaw) key(id string) rawItem { return keyPS("Raw#"+id, "X") }

func (linRaw) item(raw rawItem) linItem {
	number := func(name string) int {
		n, _ := raw[name].(*types.AttributeValueMemberN)
		if n == nil {
			return 0
		}
		i, _ := strconv.Atoi(n.Value)
		return i
	}
	return linItem{Ver: number("ver"), Stamp: number("stamp"), N: number("n")}
}

func (r linRaw) raw(item linItem) rawItem {
	return with(r.key(item.ID), rawItem{"ver": avN(strconv.Itoa(item.Ver)), "stamp": avN(strconv.Itoa(item.Stamp)), "n": avN(strconv.Itoa(item.N))})
}

func (linRaw) sort(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.As(err, new(*types.ConditionalCheckFailedException)), errors.As(err, new(*types.TransactionCanceledException)):
		return fmt.Errorf("%w: %w", monotable.ErrConditionFailed, err)
	}
	return fmt.Errorf("%w: %w", monotable.ErrOutcomeUnknown, err)
}

// at is the condition of a version; 0 is none.
func (linRaw) at(ver int) (cond *string, values rawItem) {
	if ver == 0 {
		return new("attribute_not_exists(PK)"), nil
	}
	return new("ver = :v"), rawItem{":v": avN(strconv.Itoa(ver))}
}

func (r linRaw) get(ctx context.Context, id string) (linItem, error) {
	out, err := r.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &r.table, Key: r.key(id), ConsistentRead: new(true)})
	if err != nil {
		return linItem{}, err
	}
	if out.Item == nil {
		return linItem{}, monotable.ErrNotFound
	}
	item := r.item(out.Item)
	item.ID = id
	return item, nil
}

func (r linRaw) create(ctx context.Context, once bool, item linItem) (linItem, error) {
	return r.put(ctx, once, item)
}

func (r linRaw) put(ctx context.Context, _ bool, item linItem) (linItem, error) {
	cond, values := r.at(item.Ver)
	item.Ver++
	_, err := r.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &r.table, Item: r.raw(item), ConditionExpression: cond, ExpressionAttributeValues: values})
	return item, r.sort(err)
}

func (r linRaw) update(ctx context.Context, once bool, from, to linItem) (linItem, error) {
	to.Ver = from.Ver
	return r.put(ctx, once, to)
}

func (r linRaw) modify(ctx context.Context, once bool, id string, change func(*linItem)) (linItem, error) {
	for range 32 {
		item, err := r.get(ctx, id)
		if errors.Is(err, monotable.ErrNotFound) {
			return item, fmt.Errorf("%w: %w", monotable.ErrConditionFailed, err)
		}
		if err != nil {
			return item, err
		}
		change(&item)
		if item, err = r.put(ctx, once, item); !errors.Is(err, monotable.ErrConditionFailed) {
			return item, err
		}
	}
	return linItem{}, monotable.ErrConditionFailed
}

func (r linRaw) remove(ctx context.Context, _ bool, from linItem) (*linItem, error) {
	cond, values := r.at(from.Ver)
	_, err := r.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &r.table, Key: r.key(from.ID), ConditionExpression: cond, ExpressionAttributeValues: values})
	return &from, r.sort(err)
}

func (r linRaw) transfer(ctx context.Context, from, to [2]linItem) error {
	var in dynamodb.TransactWriteItemsInput
	for i := range from {
		cond, values := r.at(from[i].Ver)
		in.TransactItems = append(in.TransactItems, types.TransactWriteItem{Put: &types.Put{
			TableName: &r.table, Item: r.raw(to[i]), ConditionExpression: cond, ExpressionAttributeValues: values,
		}})
	}
	_, err := r.client.TransactWriteItems(ctx, &in)
	return r.sort(err)
}

func (r linRaw) both(ctx context.Context, ids [2]string) ([2]linItem, error) {
	var in dynamodb.TransactGetItemsInput
	for _, id := range ids {
		in.TransactItems = append(in.TransactItems, types.TransactGetItem{Get: &types.Get{TableName: &r.table, Key: r.key(id)}})
	}
	out, err := r.client.TransactGetItems(ctx, &in)
	if err != nil {
		return [2]linItem{}, err
	}
	var got [2]linItem
	for i := range got {
		got[i] = r.item(out.Responses[i].Item)
		got[i].ID = ids[i]
	}
	return got, nil
}

func (linRaw) old(error) (linItem, bool) { return linItem{}, false }
