package readthrough_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
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

type attributes = map[string]types.AttributeValue

type note struct {
	Box  string   `dynamodbav:"box"`
	ID   string   `dynamodbav:"id"`
	N    int      `dynamodbav:"n"`
	Text string   `dynamodbav:"text"`
	Tags []string `dynamodbav:"tags"`
}

var (
	noteN      = monotable.Field(func(n *note) *int { return &n.N })
	noteText   = monotable.Field(func(n *note) *string { return &n.Text })
	noteSchema = monotable.Schema[note]{Name: "Note", Key: monotable.Key{Partition: "BOX#{box}", Sort: "NOTE#{id}"}}
)

// desk is a table behind a cache, and the same table without.
type desk struct {
	*testing.T
	faults *monotabletest.Faults
	rec    *monotabletest.Recorder
	client *readthrough.Client
	table  *monotable.Table
	notes  *monotable.Entity[note] // through the cache
	others *monotable.Entity[note] // another process
	clock  *monotabletest.Clock
}

func newDesk(t *testing.T, change ...func(*readthrough.Config)) *desk {
	t.Helper()
	return deskOn(t, monotabletest.Client(t), func(c monotable.Client) monotable.Client { return c }, change...)
}

// deskOn has a client of the test's own between the cache and the SDK's.
func deskOn(t *testing.T, client *dynamodb.Client, between func(monotable.Client) monotable.Client, change ...func(*readthrough.Config)) *desk {
	t.Helper()
	d := &desk{T: t, faults: new(monotabletest.Faults), rec: new(monotabletest.Recorder), clock: monotabletest.NewClock(time.Unix(1e9, 0))}
	cfg := monotable.TableConfig{Name: "desk", PartitionKey: "PK", SortKey: "SK"}
	d.others = monotable.MustEntity(monotabletest.TableOn(t, client, cfg), noteSchema)
	c := readthrough.Config{Tables: map[string][]string{"desk": {"PK", "SK"}}, Clock: d.clock.Now}
	for _, f := range change {
		f(&c)
	}
	var err error
	d.client, err = readthrough.New(between(d.rec.Client(d.faults.Client(client, func(o *dynamodb.Options) { o.RetryMaxAttempts = 1 }))), c)
	require.NoError(t, err)
	d.table, err = monotable.NewTable(d.client, cfg)
	require.NoError(t, err)
	d.notes = monotable.MustEntity(d.table, noteSchema)
	return d
}

func key(id string) note { return note{Box: "b", ID: id} }

func (d *desk) seed(ids ...string) {
	d.Helper()
	for _, id := range ids {
		_, err := d.others.Create(d.Context(), note{Box: "b", ID: id, N: 1, Text: "one", Tags: []string{"x", "y"}})
		require.NoError(d, err)
	}
}

// reads says what n is, through the cache, and how many requests that takes.
func (d *desk) reads(id string, n, requests int) {
	d.Helper()
	d.rec.Expect(d.T, requests, func() {
		got, err := d.notes.Get(d.Context(), key(id))
		if n == 0 {
			require.ErrorIs(d, err, monotable.ErrNotFound)
			return
		}
		require.NoError(d, err)
		require.Equal(d, n, got.N)
	})
}

func rawKey(id string) attributes {
	return attributes{"PK": &types.AttributeValueMemberS{Value: "BOX#b"}, "SK": &types.AttributeValueMemberS{Value: "NOTE#" + id}}
}

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

// writes are all ways to write the note "a" with 2, through the cache.
func (d *desk) writes() map[string]func(context.Context) error {
	two := note{Box: "b", ID: "a", N: 2}
	raw := attributes{"PK": rawKey("a")["PK"], "SK": rawKey("a")["SK"], "_et": &types.AttributeValueMemberS{Value: "Note"}, "n": &types.AttributeValueMemberN{Value: "2"}}
	return map[string]func(context.Context) error{
		"put":          func(ctx context.Context) error { _, err := d.notes.Put(ctx, two); return err },
		"update":       func(ctx context.Context) error { _, err := d.notes.Update(ctx, two, noteN.Set(2)); return err },
		"batch":        func(ctx context.Context) error { return d.notes.BatchPut(ctx, []note{two, {Box: "b", ID: "z"}}) },
		"transact put": func(ctx context.Context) error { return d.table.TransactWrite(ctx, d.notes.PutOp(two)) },
		"transact update": func(ctx context.Context) error {
			return d.table.TransactWrite(ctx, d.notes.UpdateOp(two, noteN.Set(2)))
		},
		"by the table's ARN": func(ctx context.Context) error {
			_, err := d.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String("arn:aws:dynamodb:us-east-1:000000000000:table/desk"), Item: raw})
			return err
		},
	}
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

// hooked is a client with a hook after each GetItem and BatchGetItem that was answered.
type hooked struct {
	monotable.Client
	after func()
}

func (h *hooked) GetItem(ctx context.Context, in *dynamodb.GetItemInput, optFns ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	out, err := h.Client.GetItem(ctx, in, optFns...)
	h.after()
	return out, err
}

func (h *hooked) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput, optFns ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	out, err := h.Client.BatchGetItem(ctx, in, optFns...)
	h.after()
	return out, err
}

// A read that was answered before a write, and comes back after it, is not kept; who reads after the write does not wait for it.
func TestReadsFromBeforeAWrite(t *testing.T) {
	for name, read := range map[string]func(*desk) (note, error){
		"one": func(d *desk) (note, error) { return d.notes.Get(d.Context(), key("a")) },
		"batch": func(d *desk) (note, error) {
			got, err := d.notes.BatchGet(d.Context(), []note{key("a")})
			return got[0].Item, err
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := &hooked{}
			d := deskOn(t, monotabletest.Client(t), func(c monotable.Client) monotable.Client { h.Client = c; return h })
			d.seed("a")
			h.after = func() {
				h.after = func() {}
				_, err := d.notes.Update(t.Context(), key("a"), noteN.Set(2))
				require.NoError(t, err)
				d.reads("a", 2, 1)
			}
			old, err := read(d)
			require.NoError(t, err)
			require.Equal(t, 1, old.N)
			d.reads("a", 2, 0)
		})
	}
}

// What is read while a write is under way does not outlive it.
func TestReadsDuringAWrite(t *testing.T) {
	for name := range newDesk(t).writes() {
		if strings.Contains(name, "ARN") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.seed("a")
			for _, operation := range []string{"PutItem", "UpdateItem", "BatchWriteItem", "TransactWriteItems"} {
				d.faults.Script(operation, func(r *http.Request, do func(*http.Request) (*http.Response, error)) (*http.Response, error) {
					d.reads("a", 1, 1) // the write is not applied yet
					return do(r)
				})
			}
			require.NoError(t, d.writes()[name](t.Context()))
			d.reads("a", 2, 1)
		})
	}
}

// slow answers a second late.
type slow struct{ monotable.Client }

func (s slow) GetItem(ctx context.Context, in *dynamodb.GetItemInput, optFns ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	out, err := s.Client.GetItem(ctx, in, optFns...)
	select {
	case <-time.After(time.Second):
		return out, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func TestSingleFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := deskOn(t, memdb.New(memdb.Options{}).Client(), func(c monotable.Client) monotable.Client { return slow{c} })
		d.seed("a", "b")
		crowd := func(n int, each func(int)) {
			var readers sync.WaitGroup
			for i := range n {
				readers.Go(func() { each(i) })
			}
			readers.Wait()
		}
		start := time.Now()
		d.rec.Expect(t, 1, func() {
			got := make([]note, 10)
			crowd(10, func(i int) { got[i], _ = d.notes.Get(t.Context(), key("a")) })
			for _, n := range got {
				require.Equal(t, 1, n.N)
			}
		})
		require.Equal(t, time.Second, time.Since(start))

		// Each has an answer of its own.
		var whole atomic.Int64
		crowd(10, func(int) {
			out, err := d.client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("desk"), Key: rawKey("b")})
			if err != nil {
				t.Error(err)
				return
			}
			if len(out.Item) == 8 && out.Item["PK"] != nil {
				whole.Add(1)
			}
			spoil(out.Item)
		})
		require.EqualValues(t, 10, whole.Load())

		// Whoever gives up does so alone, also if it is the one that has sent the request.
		var gaveUp, through atomic.Int64
		d.rec.Expect(t, 2, func() {
			crowd(10, func(i int) {
				time.Sleep(time.Duration(i) * time.Millisecond)
				ctx, stop := t.Context(), func() {}
				if i < 3 {
					ctx, stop = context.WithTimeout(ctx, 500*time.Millisecond-time.Duration(i)*10*time.Millisecond) // the first one last
				}
				defer stop()
				switch _, err := d.notes.Get(ctx, key("none")); {
				case errors.Is(err, context.DeadlineExceeded):
					gaveUp.Add(1)
				case errors.Is(err, monotable.ErrNotFound):
					through.Add(1)
				}
			})
		})
		require.EqualValues(t, 3, gaveUp.Load())
		require.EqualValues(t, 7, through.Load())

		// An error is shared, and not kept.
		d.faults.Script("GetItem", monotabletest.Refuse(400, "AccessDeniedException"))
		var refused atomic.Int64
		d.rec.Expect(t, 1, func() {
			crowd(5, func(int) {
				if _, err := d.notes.Get(t.Context(), key("none2")); err != nil && !errors.Is(err, monotable.ErrNotFound) {
					refused.Add(1)
				}
			})
		})
		require.EqualValues(t, 5, refused.Load())
		d.reads("none2", 0, 1)
	})
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

// A process alone with its table reads what it has written last, whoever else of it reads and writes at the same time, and whatever replies are lost.
func TestConcurrentUse(t *testing.T) {
	d := newDesk(t, func(c *readthrough.Config) { c.MaxBytes = 4_000 })
	ids := []string{"a", "b", "c", "d", "e", "f"}
	d.seed(ids...)
	d.faults.Rate("UpdateItem", 0.1, monotabletest.ReplyLost())
	written := make([]atomic.Int64, len(ids))
	var writers, readers sync.WaitGroup
	stop := make(chan struct{})
	for i, id := range ids {
		writers.Go(func() {
			for n := 2; n < 100; n++ {
				if _, err := d.notes.Update(t.Context(), key(id), noteN.Set(n)); err == nil {
					written[i].Store(int64(n))
				}
			}
		})
	}
	for w := range 4 {
		readers.Go(func() {
			dice := rand.New(rand.NewPCG(uint64(w), 1))
			for {
				select {
				case <-stop:
					return
				default:
				}
				i := dice.IntN(len(ids))
				j := (i + 1) % len(ids)
				atLeast := []int64{written[i].Load(), written[j].Load()}
				var got []note
				var err error
				if dice.IntN(2) == 0 {
					var n note
					n, err = d.notes.Get(t.Context(), key(ids[i]))
					got = []note{n}
				} else {
					var results []monotable.BatchResult[note]
					results, err = d.notes.BatchGet(t.Context(), []note{key(ids[i]), key(ids[j])})
					for _, r := range results {
						got = append(got, r.Item)
					}
				}
				if err != nil {
					t.Error(err)
					return
				}
				for k, n := range got {
					if int64(n.N) < atLeast[k] {
						t.Errorf("%s: read %d after %d was written", n.ID, n.N, atLeast[k])
					}
				}
			}
		})
	}
	writers.Wait()
	close(stop)
	readers.Wait()
	require.Positive(t, d.client.Stats().Hits)
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
