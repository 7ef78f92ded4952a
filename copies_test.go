package monotable_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

// daybook has no rules, so that copies of it need not be deep.
type daybook struct {
	Book  string            `dynamodbav:"book"`
	ID    string            `dynamodbav:"id"`
	Raw   []byte            `dynamodbav:"raw"`
	Lines []string          `dynamodbav:"lines"`
	Notes map[string]string `dynamodbav:"notes"`
	Owner *daybookOwner     `dynamodbav:"owner"`
}

type daybookOwner struct {
	Name string `dynamodbav:"name"`
}

var (
	daybookLines = monotable.Field(func(l *daybook) *[]string { return &l.Lines })
	daybookOwned = monotable.Field(func(l *daybook) **daybookOwner { return &l.Owner })
	daybookName  = monotable.Field(func(l *daybook) *string { return &l.Owner.Name })
)

func (l daybook) fill() daybook {
	l.Raw, l.Lines, l.Notes, l.Owner = []byte{1, 2}, []string{"a", "b"}, map[string]string{"k": "v"}, &daybookOwner{Name: "ann"}
	return l
}

// spoil changes all that an item refers to.
func (l daybook) spoil() {
	l.Raw[0], l.Lines[0], l.Notes["k"], l.Owner.Name = 9, "z", "z", "zoe"
}

func openDaybooks(t *testing.T) (*store, *monotable.Entity[daybook]) {
	t.Helper()
	s := openStore(t, monotable.TableConfig{})
	return s, mustEntity(t, s.Table, monotable.Schema[daybook]{Name: "Daybook", Key: monotable.Key{Partition: "BOOK#{book}", Sort: "{id}"}})
}

// What a write returns is nobody else's, whatever is done to it.
func TestF042_ResultsShareNothingWithArguments(t *testing.T) {
	_, daybooks := openDaybooks(t)
	ctx := t.Context()
	key := daybook{Book: "1", ID: "1"}
	for name, call := range map[string]func(daybook) (daybook, error){
		"Create": func(l daybook) (daybook, error) { l.ID = "2"; return daybooks.Create(ctx, l) },
		"Put":    func(l daybook) (daybook, error) { return daybooks.Put(ctx, l) },
		"Update": func(l daybook) (daybook, error) {
			if _, err := daybooks.Put(ctx, l); err != nil {
				return l, err
			}
			return daybooks.Update(ctx, l, daybookLines.Set(l.Lines), daybookOwned.Set(l.Owner))
		},
	} {
		t.Run(name, func(t *testing.T) {
			item := key.fill()
			got, err := call(item)
			require.NoError(t, err)
			require.Equal(t, item.Owner, got.Owner)
			got.spoil()
			require.Equal(t, key.fill(), item)
		})
	}
}

// An operation is a value: what becomes of the item it was made of is nothing to it, and it can be carried out more than once.
func TestF042_OperationsKeepTheirItems(t *testing.T) {
	s, daybooks := openDaybooks(t)
	ctx := t.Context()
	key := daybook{Book: "1", ID: "1"}
	item := key.fill()
	put, create := daybooks.PutOp(item), daybooks.CreateOp(item)
	want, err := put.Request()
	require.NoError(t, err)
	item.spoil()
	for range 2 {
		got, err := put.Request()
		require.NoError(t, err)
		require.Equal(t, want, got)
		made, err := create.Request()
		require.NoError(t, err)
		require.Equal(t, want.Item, made.Item)
		require.NoError(t, s.BatchWrite(ctx, put))
		stored, err := daybooks.Get(ctx, key)
		require.NoError(t, err)
		require.Equal(t, key.fill(), stored)
		require.NoError(t, daybooks.BatchPut(ctx, []daybook{item}))
	}
	require.Equal(t, "z", item.Lines[0])
}

// A Given value is not changed by what the same Update sets in it.
func TestF042_GivenKeepsItsValue(t *testing.T) {
	_, daybooks := openDaybooks(t)
	ctx := t.Context()
	item, err := daybooks.Put(ctx, daybook{Book: "1", ID: "1"}.fill())
	require.NoError(t, err)
	given := daybookOwned.Given(&daybookOwner{Name: "ann"})
	first, err := daybooks.UpdateOp(item, given, daybookName.Set("bob")).Request()
	require.NoError(t, err)
	second, err := daybooks.UpdateOp(item, given, daybookName.Set("bob")).Request()
	require.NoError(t, err)
	require.Equal(t, first, second)
	_, err = daybooks.Update(ctx, item, given, daybookName.Set("bob"))
	require.NoError(t, err)
}

// A request is its caller's to change: neither the next one nor the operation sees it.
func TestF042_RequestsAreTheirCallers(t *testing.T) {
	_, daybooks := openDaybooks(t)
	op := daybooks.UpdateOp(daybook{Book: "1", ID: "1"}, daybookName.Set("x"), daybookName.Ne("y"))
	want, err := op.Request()
	require.NoError(t, err)
	spoilt, err := op.Request()
	require.NoError(t, err)
	*spoilt.TableName, *spoilt.UpdateExpression, *spoilt.ConditionExpression = "elsewhere", "REMOVE #0", "#1 = :1"
	clear(spoilt.Key)
	clear(spoilt.ExpressionAttributeNames)
	clear(spoilt.ExpressionAttributeValues)
	got, err := op.Request()
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func TestZeroBatchOperations(t *testing.T) {
	s, _ := openDaybooks(t)
	for _, op := range []monotable.BatchOp{monotable.PutOp[daybook]{}, monotable.DeleteOp[daybook]{}} {
		requireError(t, s.BatchWrite(context.Background(), op), monotable.ErrInvalid)
	}
}

// A Progress function may do what it likes with the items of a BatchPut: what failed is what the call was given.
func TestF042_BatchPutKeepsItsItems(t *testing.T) {
	d := newDepot(t, 1)
	ctx := t.Context()
	sacks := mustEntity(t, d.table, monotable.Schema[sack]{Name: "Sack", Key: monotable.Key{Partition: "SACK#{box}", Sort: "{id}"}})
	fresh := func() []sack {
		return []sack{{Box: "a", ID: "1", Raw: []byte{1}, Tags: map[string]string{"n": "1"}}, {Box: "a", ID: "2", Raw: []byte{2}, Tags: map[string]string{"n": "2"}}}
	}
	require.NoError(t, sacks.BatchPut(ctx, fresh()))
	before := d.dump()
	items := fresh()
	d.faults.Script("BatchWriteItem", monotabletest.Unprocessed(1), monotabletest.Refuse(400, "ValidationException"))
	err := sacks.With(monotable.Progress(func(monotable.BatchProgress) {
		for i := range items {
			items[i].Raw[0], items[i].Tags["n"] = 9, "9"
		}
		clear(items)
	})).BatchPut(ctx, items)
	batch := batchErrorOf(t, err)
	require.Len(t, batch.Rest(), 1)
	require.NoError(t, d.table.BatchWrite(ctx, batch.Rest()...))
	require.ElementsMatch(t, before, d.dump())
}
