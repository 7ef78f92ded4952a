package monotable_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

// ledger has no rules, so that copies of it need not be deep.
type ledger struct {
	Book  string            `dynamodbav:"book"`
	ID    string            `dynamodbav:"id"`
	Raw   []byte            `dynamodbav:"raw"`
	Lines []string          `dynamodbav:"lines"`
	Notes map[string]string `dynamodbav:"notes"`
	Owner *ledgerOwner      `dynamodbav:"owner"`
}

type ledgerOwner struct {
	Name string `dynamodbav:"name"`
}

var (
	ledgerLines = monotable.Field(func(l *ledger) *[]string { return &l.Lines })
	ledgerOwned = monotable.Field(func(l *ledger) **ledgerOwner { return &l.Owner })
	ledgerName  = monotable.Field(func(l *ledger) *string { return &l.Owner.Name })
)

func (l ledger) fill() ledger {
	l.Raw, l.Lines, l.Notes, l.Owner = []byte{1, 2}, []string{"a", "b"}, map[string]string{"k": "v"}, &ledgerOwner{Name: "ann"}
	return l
}

// spoil changes all that an item refers to.
func (l ledger) spoil() {
	l.Raw[0], l.Lines[0], l.Notes["k"], l.Owner.Name = 9, "z", "z", "zoe"
}

func openLedgers(t *testing.T) (*store, *monotable.Entity[ledger]) {
	t.Helper()
	s := openStore(t, monotable.TableConfig{})
	return s, mustEntity(t, s.Table, monotable.Schema[ledger]{Name: "Ledger", Key: monotable.Key{Partition: "BOOK#{book}", Sort: "{id}"}})
}

// What a write returns is nobody else's, whatever is done to it.
func TestF042_ResultsShareNothingWithArguments(t *testing.T) {
	_, ledgers := openLedgers(t)
	ctx := t.Context()
	key := ledger{Book: "1", ID: "1"}
	for name, call := range map[string]func(ledger) (ledger, error){
		"Create": func(l ledger) (ledger, error) { l.ID = "2"; return ledgers.Create(ctx, l) },
		"Put":    func(l ledger) (ledger, error) { return ledgers.Put(ctx, l) },
		"Update": func(l ledger) (ledger, error) {
			if _, err := ledgers.Put(ctx, l); err != nil {
				return l, err
			}
			return ledgers.Update(ctx, l, ledgerLines.Set(l.Lines), ledgerOwned.Set(l.Owner))
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
	s, ledgers := openLedgers(t)
	ctx := t.Context()
	key := ledger{Book: "1", ID: "1"}
	item := key.fill()
	put, create := ledgers.PutOp(item), ledgers.CreateOp(item)
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
		stored, err := ledgers.Get(ctx, key)
		require.NoError(t, err)
		require.Equal(t, key.fill(), stored)
		require.NoError(t, ledgers.BatchPut(ctx, []ledger{item}))
	}
	require.Equal(t, "z", item.Lines[0])
}

// A Given value is not changed by what the same Update sets in it.
func TestF042_GivenKeepsItsValue(t *testing.T) {
	_, ledgers := openLedgers(t)
	ctx := t.Context()
	item, err := ledgers.Put(ctx, ledger{Book: "1", ID: "1"}.fill())
	require.NoError(t, err)
	given := ledgerOwned.Given(&ledgerOwner{Name: "ann"})
	first, err := ledgers.UpdateOp(item, given, ledgerName.Set("bob")).Request()
	require.NoError(t, err)
	second, err := ledgers.UpdateOp(item, given, ledgerName.Set("bob")).Request()
	require.NoError(t, err)
	require.Equal(t, first, second)
	_, err = ledgers.Update(ctx, item, given, ledgerName.Set("bob"))
	require.NoError(t, err)
}

// A request is its caller's to change: neither the next one nor the operation sees it.
func TestF042_RequestsAreTheirCallers(t *testing.T) {
	_, ledgers := openLedgers(t)
	op := ledgers.UpdateOp(ledger{Book: "1", ID: "1"}, ledgerName.Set("x"), ledgerName.Ne("y"))
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
	s, _ := openLedgers(t)
	for _, op := range []monotable.BatchOp{monotable.PutOp[ledger]{}, monotable.DeleteOp[ledger]{}} {
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
