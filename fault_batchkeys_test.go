package monotable_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

// How batches tell keys apart, and how they cut them into requests. The rest is in fault_batch_test.go.

// Keys of two tables in one request, some of both left: each is followed in its table.
func TestF035_UnprocessedKeysOfTwoTables(t *testing.T) {
	d := newDepot(t, 1)
	ctx := t.Context()
	cfg := d.cfg
	cfg.Name = "annex"
	monotabletest.TableOn(t, d.client, cfg)
	annex := d.parcels.With(monotable.TableName("annex"))
	items := parcelsOf(150)
	require.NoError(t, d.parcels.BatchPut(ctx, items[:120]))
	require.NoError(t, annex.BatchPut(ctx, items[30:]))
	d.faults.Reset()
	d.faults.Rate("BatchGetItem", 1, monotabletest.UnprocessedShare(0.4))

	here, there := make([]parcel, 150), make([]parcel, 150)
	ops := make([]monotable.ReadOp, 0, 300)
	for i := range items {
		ops = append(ops, d.parcels.GetOp(items[i], &here[i]), annex.GetOp(items[i], &there[i]))
	}
	results, err := d.table.BatchGet(ctx, ops...)
	require.NoError(t, err)
	require.Len(t, results, 300)
	for i := range items {
		want := []monotable.State{monotable.Found, monotable.Found}
		if i >= 120 {
			want[0] = monotable.Missing
		}
		if i < 30 {
			want[1] = monotable.Missing
		}
		require.Equal(t, want, []monotable.State{results[2*i].State, results[2*i+1].State}, i)
		require.Equal(t, i < 120, here[i] == items[i])
		require.Equal(t, i >= 30, there[i] == items[i])
	}
	asked := sent(t, d.faults.Requests(), "BatchGetItem")
	whole := 0
	for _, keys := range asked {
		require.LessOrEqual(t, len(keys), 100)
		if len(keys) == 100 {
			whole++
		}
	}
	assert.Equal(t, 3, whole, "100 keys over both tables")
	assert.Contains(t, strings.Join(asked[0], ","), "annex")
	assert.Contains(t, strings.Join(asked[0], ","), "contract")
}

// The service stops answering at 16 MB.
func TestF035_LargeItems(t *testing.T) {
	t.Parallel()
	d := newDepot(t, 3)
	items := parcelsOf(120)
	for i := range items {
		if i < 60 {
			items[i].Secret = strings.Repeat("x", 300_000)
		}
	}
	require.NoError(t, d.parcels.BatchPut(t.Context(), items))
	d.faults.Reset()
	got, err := d.parcels.BatchGet(t.Context(), append(items, parcel{Box: "a", ID: "nothing"}))
	require.NoError(t, err)
	for i := range items {
		require.Equal(t, monotable.Found, got[i].State)
		require.True(t, items[i] == got[i].Item)
	}
	require.Equal(t, monotable.Missing, got[120].State)
	requests := sent(t, d.faults.Requests(), "BatchGetItem")
	assert.Greater(t, len(requests), 2, "120 keys are two requests, and more for what did not fit")
}

type sack struct {
	Box  string            `dynamodbav:"box"`
	ID   string            `dynamodbav:"id"`
	Raw  []byte            `dynamodbav:"raw"`
	Tags map[string]string `dynamodbav:"tags"`
}

func TestF036_TheSameItemTwice(t *testing.T) {
	d := newDepot(t, 1)
	ctx := t.Context()
	items := parcelsOf(60)
	items[58] = items[3]
	assert.ErrorContains(t, d.parcels.BatchPut(ctx, items), "items 3 and 58", "in another chunk")
	assert.ErrorContains(t, d.table.BatchWrite(ctx, d.parcels.PutOp(items[0]), d.letters.PutOp(letter{Box: "a"}), d.parcels.DeleteOp(items[0])), "operations 0 and 2")
	assert.Empty(t, d.faults.Requests())
	elsewhere := d.parcels.With(monotable.TableName("annex"))
	err := d.table.BatchWrite(ctx, d.parcels.PutOp(items[0]), elsewhere.PutOp(items[0]))
	assert.NotErrorIs(t, err, monotable.ErrInvalid, "the same key of another table is another item")

	sacks := mustEntity(t, d.table, monotable.Schema[sack]{Name: "Sack", Key: monotable.Key{Partition: "SACK#{box}", Sort: "{id}"}})
	one := sack{Box: "a", ID: "1", Raw: []byte("raw"), Tags: map[string]string{"a": "b"}}
	require.NoError(t, sacks.BatchPut(ctx, []sack{one}))
	d.faults.Reset()
	got, err := sacks.BatchGet(ctx, []sack{one, one})
	require.NoError(t, err)
	var first, second sack
	results, err := d.table.BatchGet(ctx, sacks.GetOp(one, &first), sacks.With(monotable.Consistent()).GetOp(one, &second))
	require.NoError(t, err)
	assert.Equal(t, []monotable.ReadResult{{State: monotable.Found}, {State: monotable.Found}}, results)
	for _, keys := range sent(t, d.faults.Requests(), "BatchGetItem") {
		assert.Len(t, keys, 1, "asked once")
	}
	assert.Contains(t, string(d.faults.Requests()[1].Body), `"ConsistentRead":true`, "one of them asks for it")
	for _, pair := range [][2]sack{{got[0].Item, got[1].Item}, {first, second}} {
		assert.Equal(t, one, pair[0])
		pair[0].Raw[0], pair[0].Tags["a"] = 'X', "X"
		assert.Equal(t, one, pair[1], "each has its own memory")
	}
}

// renaming changes what batches answer.
type renaming struct {
	monotable.Client
	asks, answers string                    // the table's name in requests, and in answers
	key           func(key rawItem) rawItem // how answers write keys
}

const contractARN = "arn:aws:dynamodb:us-east-1:123456789012:table/contract"

func (c *renaming) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	in.RequestItems = map[string]types.KeysAndAttributes{"contract": in.RequestItems[c.asks]}
	out, err := c.Client.BatchGetItem(ctx, in, opts...)
	if err != nil {
		return nil, err
	}
	left, items := out.UnprocessedKeys["contract"], out.Responses["contract"]
	for i := range left.Keys {
		left.Keys[i] = c.key(left.Keys[i])
	}
	for i := range items {
		items[i] = c.key(items[i])
	}
	out.UnprocessedKeys = map[string]types.KeysAndAttributes{c.answers: left}
	out.Responses = map[string][]map[string]types.AttributeValue{c.answers: items}
	return out, nil
}

func (c *renaming) BatchWriteItem(ctx context.Context, in *dynamodb.BatchWriteItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.BatchWriteItemOutput, error) {
	in.RequestItems = map[string][]types.WriteRequest{"contract": in.RequestItems[c.asks]}
	out, err := c.Client.BatchWriteItem(ctx, in, opts...)
	if err != nil {
		return nil, err
	}
	writes := out.UnprocessedItems["contract"]
	for i, w := range writes {
		if w.PutRequest != nil {
			writes[i].PutRequest = &types.PutRequest{Item: c.key(w.PutRequest.Item)}
		} else {
			writes[i].DeleteRequest = &types.DeleteRequest{Key: c.key(w.DeleteRequest.Key)}
		}
	}
	out.UnprocessedItems = map[string][]types.WriteRequest{c.answers: writes}
	return out, nil
}

type reading struct {
	Meter int    `dynamodbav:"meter"`
	Hash  []byte `dynamodbav:"hash"`
	Value int    `dynamodbav:"value"`
}

func TestF037_KeysByValue(t *testing.T) {
	t.Parallel()
	var faults monotabletest.Faults
	s := openStore(t, monotable.TableConfig{PartitionKey: "meter", PartitionKeyType: "N", SortKey: "hash", SortKeyType: "B"})
	client := &renaming{Client: faults.Client(s.client, swiftClient(1)), asks: "contract", answers: contractARN}
	table := s.over(client).With(swift)
	readings := mustEntity(t, table, monotable.Schema[reading]{Name: "Reading"})
	var items []reading
	for i := range 40 {
		items = append(items, reading{Meter: i / 2 * 10, Hash: []byte{0, byte(i), 0xff}, Value: i})
	}
	for name, key := range map[string]func(rawItem) rawItem{
		"as it is": func(key rawItem) rawItem { return key },
		"1.0 is 1": func(key rawItem) rawItem {
			return with(key, rawItem{"meter": avN(key["meter"].(*types.AttributeValueMemberN).Value + ".0")})
		},
		"1E0 is 1": func(key rawItem) rawItem {
			return with(key, rawItem{"meter": avN(key["meter"].(*types.AttributeValueMemberN).Value + "E0")})
		},
		"001 is 1": func(key rawItem) rawItem {
			return with(key, rawItem{"meter": avN("00" + key["meter"].(*types.AttributeValueMemberN).Value)})
		},
		"a new map": func(key rawItem) rawItem {
			return with(key, rawItem{"hash": avB(string(key["hash"].(*types.AttributeValueMemberB).Value))})
		},
	} {
		client.key = key
		faults.Reset()
		faults.Rate("", 1, monotabletest.UnprocessedShare(0.5))
		require.NoError(t, readings.BatchDelete(t.Context(), items), name)
		require.NoError(t, readings.BatchPut(t.Context(), items), name)
		require.Len(t, s.dump(), 40, name)
		got, err := readings.BatchGet(t.Context(), items)
		require.NoError(t, err, name)
		for i := range items {
			require.Equal(t, monotable.Found, got[i].State, name)
			require.Equal(t, items[i], got[i].Item, name)
		}
	}

	client.asks, client.answers = contractARN, "contract"
	faults.Reset()
	faults.Rate("", 1, monotabletest.UnprocessedShare(0.5))
	abroad := readings.With(monotable.TableName(contractARN))
	require.NoError(t, abroad.BatchPut(t.Context(), items))
	found, err := abroad.BatchGet(t.Context(), items)
	require.NoError(t, err)
	require.Equal(t, items[39], found[39].Item)
	client.asks = "contract"

	// An answer about something else says nothing: nothing is written, missing or found for it.
	client.key = func(key rawItem) rawItem { return with(key, rawItem{"meter": avN("7")}) }
	faults.Reset()
	faults.Rate("", 1, monotabletest.Unprocessed(1))
	err = readings.With(monotable.Attempts(2)).BatchPut(t.Context(), items[:3])
	requireError(t, err, monotable.ErrOutcomeUnknown)
	assert.Len(t, batchErrorOf(t, err).Unknown, 3)
	faults.Reset()
	for range 2 {
		got, err := readings.With(monotable.Attempts(2)).BatchGet(t.Context(), items[:3])
		require.ErrorIs(t, err, monotable.ErrUnprocessed)
		for _, r := range got {
			assert.Equal(t, monotable.Unprocessed, r.State)
		}
		faults.Rate("", 1, monotabletest.Unprocessed(100))
	}
}

type blob struct {
	ID   string `dynamodbav:"id"`
	Nils []*int `dynamodbav:"nils"`
	Text string `dynamodbav:"text"`
}

func TestF038_Chunks(t *testing.T) {
	t.Parallel()
	d := newDepot(t, 1)
	ctx := t.Context()
	for n, want := range map[int][2]int{0: {0, 0}, 1: {1, 1}, 25: {1, 1}, 26: {2, 1}, 100: {4, 1}, 101: {5, 2}} {
		d.faults.Reset()
		require.NoError(t, d.parcels.BatchPut(ctx, parcelsOf(n)))
		_, err := d.parcels.BatchGet(ctx, parcelsOf(n))
		require.NoError(t, err)
		_, err = d.table.BatchGet(ctx)
		require.NoError(t, err)
		assert.Len(t, sent(t, d.faults.Requests(), "BatchWriteItem"), want[0], n)
		assert.Len(t, sent(t, d.faults.Requests(), "BatchGetItem"), want[1], n)
	}

	// Items that are within 400 KB can be far more on their way.
	blobs := mustEntity(t, d.table, monotable.Schema[blob]{Name: "Blob", Key: monotable.Key{Partition: "BLOB#{id}", Sort: "BLOB"}})
	large := make([]blob, 8)
	for i := range large {
		large[i] = blob{ID: fmt.Sprint(i)}
		if i%2 == 0 {
			large[i].Nils = make([]*int, 190_000)
		} else {
			large[i].Text = strings.Repeat("\x01", 400_000)
		}
	}
	d.faults.Reset()
	require.NoError(t, blobs.BatchPut(ctx, large))
	requests := d.faults.Requests()
	require.Len(t, requests, 2, "20 MB")
	for _, r := range requests {
		assert.LessOrEqual(t, len(r.Body), 16_000_000)
	}
}
