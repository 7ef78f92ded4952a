package readthrough_test

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/examples/cache/readthrough"
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
