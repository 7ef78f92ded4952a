package readthrough_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/examples/cache/readthrough"
	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/monotabletest"
)

func TestGet(t *testing.T) {
	d := newDesk(t)
	d.seed("a")
	d.reads("a", 1, 1)
	d.reads("a", 1, 0)
	d.reads("none", 0, 1)
	d.reads("none", 0, 0)
	require.Equal(t, 2, d.client.Stats().Items)
	require.Equal(t, 2, d.client.Stats().Hits)
	require.Equal(t, 2, d.client.Stats().Misses)

	// What others write is seen when the answer is too old, and not before.
	_, err := d.others.Update(t.Context(), key("a"), noteN.Set(2))
	require.NoError(t, err)
	d.seed("none")
	d.clock.Advance(5*time.Second - 1)
	d.reads("a", 1, 0)
	d.reads("none", 0, 0)
	d.clock.Advance(1)
	d.reads("a", 2, 1)
	d.reads("none", 1, 1)
}

func TestBatchGet(t *testing.T) {
	ctx := t.Context()
	d := newDesk(t)
	d.seed("a", "b", "c", "d")
	d.reads("b", 1, 1)
	get := func(requests int) (states []monotable.State) {
		d.rec.Expect(t, requests, func() {
			got, err := d.notes.BatchGet(ctx, []note{key("a"), key("none"), key("b"), key("c")})
			require.NoError(t, err)
			for _, r := range got {
				states = append(states, r.State)
			}
			require.Equal(t, []int{1, 0, 1, 1}, []int{got[0].Item.N, got[1].Item.N, got[2].Item.N, got[3].Item.N})
		})
		return states
	}
	want := []monotable.State{monotable.Found, monotable.Missing, monotable.Found, monotable.Found}
	sent := d.rec.During(func() { require.Equal(t, want, get(1)) })
	require.NotContains(t, string(sent[0].Body), "NOTE#b", "it was known")
	require.Equal(t, want, get(0))
	d.reads("a", 1, 0)
	d.reads("none", 0, 0)

	// What is left undone is not missing.
	d.faults.Script("BatchGetItem", monotabletest.Unprocessed(1))
	out, err := d.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
		"desk": {Keys: []map[string]types.AttributeValue{rawKey("a"), rawKey("d")}},
	}})
	require.NoError(t, err)
	require.Len(t, out.Responses["desk"], 1, "the one that was known")
	require.Len(t, out.UnprocessedKeys["desk"].Keys, 1)
	d.reads("d", 1, 1)
}

// What is no eventually consistent read of whole items is sent each time, and leaves nothing behind.
func TestPassThrough(t *testing.T) {
	ctx := t.Context()
	d := newDesk(t)
	d.seed("a")
	for name, read := range map[string]func() error{
		"consistent": func() error { _, err := d.notes.With(monotable.Consistent()).Get(ctx, key("a")); return err },
		"consistent batch": func() error {
			_, err := d.notes.With(monotable.Consistent()).BatchGet(ctx, []note{key("a")})
			return err
		},
		"query":       func() error { _, err := d.notes.Query(note{Box: "b"}).Collect(ctx); return err },
		"scan":        func() error { _, err := d.notes.Scan().Collect(ctx); return err },
		"transaction": func() error { var n note; return d.table.TransactGet(ctx, d.notes.GetOp(key("a"), &n)) },
		"projection": func() error {
			_, err := d.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: aws.String("desk"), Key: rawKey("a"), ProjectionExpression: aws.String("PK")})
			return err
		},
		"projection of a batch": func() error {
			_, err := d.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
				"desk": {Keys: []map[string]types.AttributeValue{rawKey("a")}, ProjectionExpression: aws.String("PK")},
			}})
			return err
		},
		"too much of a key": func() error {
			_, err := d.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: aws.String("desk"), Key: attributes{
				"PK": rawKey("a")["PK"], "SK": rawKey("a")["SK"], "n": &types.AttributeValueMemberN{Value: "1"},
			}})
			require.Error(t, err)
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			for range 2 {
				d.rec.Expect(t, 1, func() { require.NoError(t, read()) })
				require.Zero(t, d.client.Stats().Items)
			}
		})
	}

	other := newDesk(t, func(c *readthrough.Config) { c.Tables = map[string][]string{"another": {"PK", "SK"}} })
	other.seed("a")
	for range 2 {
		other.reads("a", 1, 1)
		other.rec.Expect(t, 1, func() {
			_, err := other.notes.BatchGet(ctx, []note{key("a")})
			require.NoError(t, err)
		})
	}

	half := newDesk(t, func(c *readthrough.Config) { c.Tables = map[string][]string{"desk": {"PK"}} }) // a mistake, which costs requests and nothing else
	half.seed("a")
	for range 2 {
		half.reads("a", 1, 1)
		half.reads("none", 0, 1)
	}
}

// Beside an item that is known a consistent read sees what is true, and does not change what is known.
func TestConsistentReadsSeeOthersWrites(t *testing.T) {
	d := newDesk(t)
	d.seed("a")
	d.reads("a", 1, 1)
	_, err := d.others.Update(t.Context(), key("a"), noteN.Set(2))
	require.NoError(t, err)
	got, err := d.notes.With(monotable.Consistent()).Get(t.Context(), key("a"))
	require.NoError(t, err)
	require.Equal(t, 2, got.N)
	d.reads("a", 1, 0)
}

func TestOwnWritesInvalidate(t *testing.T) {
	ctx := t.Context()
	for name := range newDesk(t).writes() {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.seed("a", "b")
			d.reads("a", 1, 1)
			d.reads("b", 1, 1)
			if err := d.writes()[name](ctx); err != nil && strings.Contains(name, "ARN") {
				t.Skip("this server does not take ARNs: ", err)
			} else {
				require.NoError(t, err)
			}
			d.reads("a", 2, 1)
			d.reads("a", 2, 0)
			d.reads("b", 1, 0)
		})
	}
	for name, remove := range map[string]func(*desk) error{
		"delete":          func(d *desk) error { _, err := d.notes.Delete(ctx, key("a")); return err },
		"batch delete":    func(d *desk) error { return d.notes.BatchDelete(ctx, []note{key("a")}) },
		"transact delete": func(d *desk) error { return d.table.TransactWrite(ctx, d.notes.DeleteOp(key("a"))) },
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.seed("a")
			d.reads("a", 1, 1)
			require.NoError(t, remove(d))
			d.reads("a", 0, 1)
			d.seed("a") // by another
			d.reads("a", 0, 0)
			_, err := d.notes.Delete(ctx, key("a"))
			require.NoError(t, err)
			_, err = d.notes.Create(ctx, note{Box: "b", ID: "a", N: 7})
			require.NoError(t, err)
			d.reads("a", 7, 1)
		})
	}
}

// A program that calls the table by its ARN sees its own writes, as does one that reads by the ARN and writes by the name.
func TestTableByARN(t *testing.T) {
	ctx, arn := t.Context(), "arn:aws:dynamodb:us-east-1:000000000000:table/desk"
	d := newDesk(t, func(c *readthrough.Config) { c.Tables = map[string][]string{arn: {"PK", "SK"}} })
	d.seed("a")
	byName := d.notes
	table, err := monotable.NewTable(d.client, monotable.TableConfig{Name: arn, PartitionKey: "PK", SortKey: "SK"})
	require.NoError(t, err)
	d.notes = monotable.MustEntity(table, noteSchema)
	if _, err := d.notes.Put(ctx, note{Box: "b", ID: "a", N: 1}); err != nil {
		t.Skip("this server does not take ARNs: ", err)
	}
	for i, notes := range []*monotable.Entity[note]{d.notes, byName} {
		d.reads("a", 1+i, 1)
		d.reads("a", 1+i, 0)
		_, err := notes.Put(ctx, note{Box: "b", ID: "a", N: 2 + i})
		require.NoError(t, err)
		d.rec.Expect(t, 1, func() {
			for range 2 {
				results, err := d.notes.BatchGet(ctx, []note{key("a")})
				require.NoError(t, err)
				require.Equal(t, 2+i, results[0].Item.N)
			}
		})
		_, err = notes.Put(ctx, note{Box: "b", ID: "a", N: 2 + i})
		require.NoError(t, err)
	}
	_, err = byName.Get(ctx, key("a"))
	require.NoError(t, err)
	before := d.client.Stats().Items
	_, err = byName.Get(ctx, note{Box: "b", ID: "other"})
	require.ErrorIs(t, err, monotable.ErrNotFound)
	require.Equal(t, before, d.client.Stats().Items, "another name may be another account's table: it is passed on")
}

// A write whose reply is lost, and one that is refused, invalidate too.
func TestUnknownOutcomesInvalidate(t *testing.T) {
	for name := range newDesk(t).writes() {
		if strings.Contains(name, "ARN") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.seed("a")
			d.reads("a", 1, 1)
			d.faults.Rate("PutItem", 1, monotabletest.ReplyLost())
			d.faults.Rate("UpdateItem", 1, monotabletest.ReplyLost())
			d.faults.Rate("BatchWriteItem", 1, monotabletest.ReplyLost())
			d.faults.Rate("TransactWriteItems", 1, monotabletest.ReplyLost())
			ctx, stop := context.WithTimeout(t.Context(), time.Second)
			defer stop()
			_ = d.writes()[name](ctx)
			d.faults.Reset()
			d.reads("a", 2, 1)
		})
	}
	d := newDesk(t)
	d.seed("a")
	d.reads("a", 1, 1)
	_, err := d.others.Update(t.Context(), key("a"), noteN.Set(2))
	require.NoError(t, err)
	_, err = d.notes.Update(t.Context(), key("a"), noteN.Set(3), noteN.Eq(1))
	require.ErrorIs(t, err, monotable.ErrConditionFailed)
	d.reads("a", 2, 1)
}

func TestBounds(t *testing.T) {
	d := newDesk(t, func(c *readthrough.Config) { c.MaxBytes = 10_000 })
	for i := range 20 {
		_, err := d.others.Create(t.Context(), note{Box: "b", ID: fmt.Sprint(i), N: 1, Text: strings.Repeat("x", 1000)})
		require.NoError(t, err)
	}
	d.reads("0", 1, 1)
	for i := 1; i < 20; i++ {
		d.reads(fmt.Sprint(i), 1, 1)
		d.reads("0", 1, 0) // used all the time, so it stays
		require.LessOrEqual(t, d.client.Stats().Bytes, 10_000)
	}
	d.reads("19", 1, 0)
	d.reads("1", 1, 1)
	require.Greater(t, d.client.Stats().Items, 4)

	_, err := d.others.Update(t.Context(), key("0"), noteText.Set(strings.Repeat("x", 10_000)))
	require.NoError(t, err)
	d.clock.Advance(time.Minute)
	d.reads("5", 1, 1)
	d.reads("0", 1, 1)
	d.reads("0", 1, 1)
	d.reads("5", 1, 0) // what is too large to be kept takes no room of the others
	for _, id := range []string{"18", "17", "16", "15", "14", "13", "12"} {
		d.reads(id, 1, 1)
	}
	require.LessOrEqual(t, d.client.Stats().Bytes, 10_000)
	for i := range 20 {
		_, err := d.notes.Delete(t.Context(), key(fmt.Sprint(i)))
		require.NoError(t, err)
	}
	require.Zero(t, d.client.Stats().Bytes)
	require.Zero(t, d.client.Stats().Items)
}

// With Fresh what is kept is read consistently, once; what the caller is told to ask again is what it asked.
func TestFresh(t *testing.T) {
	ctx := t.Context()
	d := newDesk(t, func(c *readthrough.Config) { c.Fresh = true })
	d.seed("a", "b")
	sent := d.rec.During(func() {
		d.reads("a", 1, 1)
		_, err := d.notes.BatchGet(ctx, []note{key("a"), key("b")})
		require.NoError(t, err)
	})
	require.Len(t, sent, 2)
	for _, r := range sent {
		require.Contains(t, string(r.Body), `"ConsistentRead":true`)
	}
	d.faults.Script("BatchGetItem", monotabletest.Unprocessed(1), monotabletest.Throttle(memdb.ThrottlingKind("")))
	in := &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{"desk": {Keys: []map[string]types.AttributeValue{rawKey("c"), rawKey("d")}}}}
	out, err := d.client.BatchGetItem(ctx, in)
	require.NoError(t, err)
	require.Nil(t, out.UnprocessedKeys["desk"].ConsistentRead)
	require.Nil(t, in.RequestItems["desk"].ConsistentRead, "what was given is not changed")
}

// Nothing that is given out is shared: neither with the cache, nor with those who have waited for the same read.
func TestNothingIsShared(t *testing.T) {
	ctx := t.Context()
	d := newDesk(t)
	whole := attributes{
		"PK": &types.AttributeValueMemberS{Value: "p"}, "SK": &types.AttributeValueMemberS{Value: "s"},
		"n": &types.AttributeValueMemberN{Value: "1"}, "t": &types.AttributeValueMemberBOOL{Value: true}, "0": &types.AttributeValueMemberNULL{Value: true},
		"b": &types.AttributeValueMemberB{Value: []byte("bytes")}, "ss": &types.AttributeValueMemberSS{Value: []string{"x"}},
		"ns": &types.AttributeValueMemberNS{Value: []string{"1"}}, "bs": &types.AttributeValueMemberBS{Value: [][]byte{[]byte("x")}},
		"l": &types.AttributeValueMemberL{Value: []types.AttributeValue{&types.AttributeValueMemberS{Value: "x"}}},
		"m": &types.AttributeValueMemberM{Value: attributes{"k": &types.AttributeValueMemberB{Value: []byte("x")}}},
	}
	_, err := d.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String("desk"), Item: whole})
	require.NoError(t, err)
	at := attributes{"PK": whole["PK"], "SK": whole["SK"]}
	get := func() attributes {
		out, err := d.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: aws.String("desk"), Key: at})
		require.NoError(t, err)
		return out.Item
	}
	batch := func() attributes {
		out, err := d.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{"desk": {Keys: []map[string]types.AttributeValue{at}}}})
		require.NoError(t, err)
		return out.Responses["desk"][0]
	}
	for _, read := range []func() attributes{get, get, batch, batch, get} {
		got := read()
		require.Equal(t, whole, got)
		spoil(got)
	}
	require.Equal(t, 1, d.client.Stats().Misses)
}

// spoil overwrites all that can be reached.
func spoil(m attributes) {
	for name, v := range m {
		switch v := v.(type) {
		case *types.AttributeValueMemberS:
			v.Value = "spoilt"
		case *types.AttributeValueMemberN:
			v.Value = "9"
		case *types.AttributeValueMemberBOOL:
			v.Value = false
		case *types.AttributeValueMemberNULL:
			v.Value = false
		case *types.AttributeValueMemberB:
			v.Value[0] = '!'
		case *types.AttributeValueMemberSS:
			v.Value[0] = "spoilt"
		case *types.AttributeValueMemberNS:
			v.Value[0] = "9"
		case *types.AttributeValueMemberBS:
			v.Value[0][0] = '!'
		case *types.AttributeValueMemberL:
			spoil(attributes{"": v.Value[0]})
			v.Value[0] = nil
		case *types.AttributeValueMemberM:
			spoil(v.Value)
		}
		delete(m, name)
	}
	m["more"] = &types.AttributeValueMemberBOOL{}
}

func TestNewMistakes(t *testing.T) {
	inner := memdb.New(memdb.Options{}).Client()
	tables := map[string][]string{"desk": {"PK", "SK"}}
	for _, c := range []readthrough.Config{
		{},
		{Tables: map[string][]string{"desk": {}}},
		{Tables: map[string][]string{"desk": {"PK", ""}}},
		{Tables: map[string][]string{"desk": {"a", "b", "c"}}},
		{Tables: map[string][]string{"desk": {"PK", "SK"}, "arn:aws:dynamodb:us-east-1:000000000000:table/desk": {"PK", "SK"}}},
		{Tables: tables, MaxAge: -1},
		{Tables: tables, MaxBytes: -1},
	} {
		_, err := readthrough.New(inner, c)
		require.Error(t, err)
	}
	_, err := readthrough.New(nil, readthrough.Config{Tables: tables})
	require.Error(t, err)
}
