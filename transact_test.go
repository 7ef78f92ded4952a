package monotable_test

import (
	"bytes"
	"fmt"
	"io"
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
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/memdb"
)

func TestTransactWrite(t *testing.T) {
	p := newPost(t)
	ctx := t.Context()
	_, err := p.parcels.Create(ctx, parcel{Box: "a", ID: "guard", Weight: 5})
	require.NoError(t, err)
	_, err = p.parcels.Create(ctx, parcel{Box: "a", ID: "old"})
	require.NoError(t, err)

	var created letter
	var put parcel
	var used monotable.ConsumedCapacity
	err = p.table.With(monotable.Capacity(&used)).TransactWrite(ctx,
		p.letters.CreateOp(letter{Box: "a", ID: 1}).Into(&created),
		p.parcels.PutOp(parcel{Box: "a", ID: "new", Weight: 2}).Into(&put),
		p.parcels.UpdateOp(parcel{Box: "a", ID: "guard"}, monotable.Add(parcelWeight, 3)),
		p.parcels.DeleteOp(parcel{Box: "a", ID: "old"}),
	)
	require.NoError(t, err)
	assert.Equal(t, letter{Box: "a", ID: 1, Ver: 1}, created)
	assert.Equal(t, 2, put.Weight)
	assert.Positive(t, used.Units())

	require.NoError(t, p.table.TransactWrite(ctx,
		p.parcels.CheckOp(parcel{Box: "a", ID: "guard"}, parcelWeight.Eq(8)),
		p.letters.UpdateOp(letter{Box: "a", ID: 1, Ver: 1}, letterVer.Exists(), monotable.Field(func(l *letter) *string { return &l.Note }).Set("x"))))

	var guard parcel
	var stored letter
	require.NoError(t, p.table.TransactGet(ctx, p.parcels.GetOp(parcel{Box: "a", ID: "guard"}, &guard), p.letters.GetOp(letter{Box: "a", ID: 1}, &stored)))
	assert.Equal(t, 8, guard.Weight)
	assert.Equal(t, letter{Box: "a", ID: 1, Ver: 2, Note: "x"}, stored)
}

func TestF045_TransactionsRefusedLocally(t *testing.T) {
	p := newPost(t)
	ctx := t.Context()
	get := func(id string) monotable.ReadOp { return p.parcels.GetOp(parcel{Box: "a", ID: id}, new(parcel)) }
	many, manyReads, big := []monotable.WriteOp{}, []monotable.ReadOp{}, []monotable.WriteOp{}
	for i := range 101 {
		many = append(many, p.parcels.PutOp(parcel{Box: "a", ID: fmt.Sprint(i)}))
		manyReads = append(manyReads, get(fmt.Sprint(i)))
		if i < 11 {
			big = append(big, p.parcels.PutOp(parcel{Box: "a", ID: fmt.Sprint(i), Secret: strings.Repeat("x", 400_000)}))
		}
	}
	for name, err := range map[string]error{
		"none":            p.table.TransactWrite(ctx),
		"101":             p.table.TransactWrite(ctx, many...),
		"over 4 MB":       p.table.TransactWrite(ctx, big...),
		"nil":             p.table.TransactWrite(ctx, many[0], nil),
		"twice":           p.table.TransactWrite(ctx, many[0], p.parcels.DeleteOp(parcel{Box: "a", ID: "0"})),
		"bad operation":   p.table.TransactWrite(ctx, many[0], p.parcels.PutOp(parcel{})),
		"no reads":        p.table.TransactGet(ctx),
		"101 reads":       p.table.TransactGet(ctx, manyReads...),
		"read twice":      p.table.TransactGet(ctx, get("1"), get("1")),
		"no destination":  p.table.TransactGet(ctx, p.parcels.GetOp(parcel{Box: "a", ID: "1"}, nil)),
		"nil read":        p.table.TransactGet(ctx, nil),
		"token (F049)":    p.table.With(monotable.Token(strings.Repeat("x", 37))).TransactWrite(ctx, many[0]),
		"another client":  p.table.TransactWrite(ctx, newPost(t).parcels.PutOp(parcel{Box: "a", ID: "1"})),
		"another client'": p.table.TransactGet(ctx, newPost(t).parcels.GetOp(parcel{Box: "a", ID: "1"}, new(parcel))),
	} {
		assert.ErrorIs(t, err, monotable.ErrInvalid, name)
	}
	assert.Zero(t, p.calls.Load())
}

func TestF046_ReasonsByOperation(t *testing.T) {
	p := newPost(t)
	ctx := t.Context()
	_, err := p.letters.Create(ctx, letter{Box: "a", ID: 1})
	require.NoError(t, err)
	_, err = p.parcels.Create(ctx, parcel{Box: "a", ID: "1", Weight: 9})
	require.NoError(t, err)

	err = p.table.TransactWrite(ctx,
		p.parcels.PutOp(parcel{Box: "a", ID: "fine"}),
		p.letters.UpdateOp(letter{Box: "a", ID: 1, Ver: 7}, monotable.Field(func(l *letter) *string { return &l.Note }).Set("x")),
		p.parcels.CreateOp(parcel{Box: "a", ID: "1"}),
		p.parcels.CheckOp(parcel{Box: "a", ID: "nothing"}),
		p.parcels.DeleteOp(parcel{Box: "b", ID: "1"}),
	)
	var failed *monotable.TransactionError
	require.ErrorAs(t, err, &failed)
	require.Len(t, failed.Operations, 3)
	for i, want := range []struct {
		index      int
		op, entity string
		sentinel   error
	}{
		{1, "Update", "Letter", monotable.ErrVersionConflict},
		{2, "Create", "Parcel", monotable.ErrAlreadyExists},
		{3, "Check", "Parcel", monotable.ErrNotFound},
	} {
		got := failed.Operations[i]
		assert.Equal(t, want.index, got.Index)
		assert.Equal(t, want.op, got.Op)
		assert.Equal(t, want.entity, got.Entity)
		assert.Equal(t, "ConditionalCheckFailed", got.Code)
		assert.ErrorIs(t, got, want.sentinel)
		assert.ErrorIs(t, err, want.sentinel, "as after single calls")
		assert.NotEmpty(t, got.Key)
	}
	assert.ErrorIs(t, err, monotable.ErrConditionFailed)
	old, ok := p.letters.Old(failed.Operations[0])
	assert.True(t, ok)
	assert.Equal(t, 1, old.Ver)
	stored, ok := p.parcels.Old(failed.Operations[1])
	assert.True(t, ok)
	assert.Equal(t, 9, stored.Weight)
	_, ok = p.parcels.Old(failed.Operations[2])
	assert.False(t, ok)
	assert.NotContains(t, err.Error(), "nothing", "no values in texts")
	var sdk *types.TransactionCanceledException
	assert.ErrorAs(t, err, &sdk, "the SDK's error stays reachable")
	_, err = p.parcels.Get(ctx, parcel{Box: "a", ID: "fine"})
	assert.ErrorIs(t, err, monotable.ErrNotFound, "all or nothing")
}

func TestF047_PassingReasonsAreTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t)
		var conflicts atomic.Int64
		p.faults(memdb.Faults{Conflict: func(c memdb.Call) bool { return c.Position == 0 && conflicts.Add(1) <= 3 }})
		ops := []monotable.WriteOp{p.parcels.PutOp(parcel{Box: "a", ID: "1"}), p.parcels.PutOp(parcel{Box: "a", ID: "2"})}
		require.NoError(t, p.table.TransactWrite(t.Context(), ops...))
		assert.EqualValues(t, 4, p.calls.Load())

		p.faults(memdb.Faults{Conflict: func(memdb.Call) bool { return true }})
		err := p.table.With(monotable.Attempts(3)).TransactWrite(t.Context(), ops...)
		var failed *monotable.TransactionError
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, "TransactionConflict", failed.Operations[0].Code)
		assert.NotErrorIs(t, err, monotable.ErrConditionFailed)

		// One failed condition among them ends it at once.
		p.calls.Store(0)
		p.faults(memdb.Faults{Conflict: func(c memdb.Call) bool { return c.Position == 1 }})
		err = p.table.TransactWrite(t.Context(), p.parcels.CreateOp(parcel{Box: "a", ID: "1"}), ops[1])
		assert.ErrorIs(t, err, monotable.ErrAlreadyExists)
		assert.EqualValues(t, 1, p.calls.Load())

		// Reads meet conflicts too.
		conflicts.Store(0)
		p.faults(memdb.Faults{Conflict: func(c memdb.Call) bool { return conflicts.Add(1) <= 2 }})
		var got parcel
		require.NoError(t, p.table.TransactGet(t.Context(), p.parcels.GetOp(parcel{Box: "a", ID: "1"}, &got)))
		assert.Equal(t, "1", got.ID)
	})
}

func TestF050_TransactGetMissing(t *testing.T) {
	p := newPost(t)
	ctx := t.Context()
	_, err := p.parcels.Create(ctx, parcel{Box: "a", ID: "2", Weight: 4})
	require.NoError(t, err)
	first, second := parcel{Box: "untouched"}, parcel{}
	err = p.table.TransactGet(ctx, p.parcels.GetOp(parcel{Box: "a", ID: "1"}, &first), p.parcels.GetOp(parcel{Box: "a", ID: "2"}, &second))
	require.ErrorIs(t, err, monotable.ErrNotFound)
	var failed *monotable.TransactionError
	require.ErrorAs(t, err, &failed)
	require.Len(t, failed.Operations, 1)
	assert.Equal(t, 0, failed.Operations[0].Index)
	assert.Equal(t, "untouched", first.Box)
	assert.Equal(t, 4, second.Weight, "the rest is filled in")
}

// tokens records the token and body of each TransactWriteItems, below the SDK's retries.
type tokens struct {
	next   *memdb.Engine
	mu     sync.Mutex
	bodies []string
}

func (r *tokens) Do(req *http.Request) (*http.Response, error) {
	if strings.HasSuffix(req.Header.Get("X-Amz-Target"), "TransactWriteItems") {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		req.Body = io.NopCloser(bytes.NewReader(body))
		r.mu.Lock()
		r.bodies = append(r.bodies, string(body))
		r.mu.Unlock()
	}
	return r.next.Do(req)
}

// A transaction that is still in progress is waited out with the same bytes and the same token, for more than six seconds.
func TestF014_InProgressIsWaitedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine := memdb.New(memdb.Options{})
		recorder := &tokens{next: engine}
		client := engine.Client(func(o *dynamodb.Options) { o.HTTPClient = recorder })
		table, err := monotable.NewTable(client, monotable.TableConfig{Name: "post", PartitionKey: "PK"})
		require.NoError(t, err)
		_, err = client.CreateTable(t.Context(), table.CreateInput())
		require.NoError(t, err)
		things := monotable.MustEntity(table, monotable.Schema[parcel]{Name: "P", Key: monotable.Key{Partition: "{box}#{id}"}})
		start := time.Now()
		engine.SetFaults(memdb.Faults{InProgress: func(string) bool { return time.Since(start) < 6*time.Second }})
		require.NoError(t, table.TransactWrite(t.Context(), things.PutOp(parcel{Box: "a", ID: "1"}), things.PutOp(parcel{Box: "a", ID: "2"})))
		require.Greater(t, len(recorder.bodies), 3)
		for _, body := range recorder.bodies {
			assert.Equal(t, recorder.bodies[0], body)
		}
		assert.Contains(t, recorder.bodies[0], "ClientRequestToken")

		// It does not wait for ever, and what remains is unknown.
		engine.SetFaults(memdb.Faults{InProgress: func(string) bool { return true }})
		err = table.TransactWrite(t.Context(), things.PutOp(parcel{Box: "a", ID: "1"}))
		require.ErrorIs(t, err, monotable.ErrOutcomeUnknown)
	})
}

func TestF049_OwnToken(t *testing.T) {
	p := newPost(t)
	ctx := t.Context()
	table := p.table.With(monotable.Token("checkout-1"))
	_, err := p.parcels.Create(ctx, parcel{Box: "a", ID: "1"})
	require.NoError(t, err)
	op := p.parcels.UpdateOp(parcel{Box: "a", ID: "1"}, monotable.Add(parcelWeight, 1))
	require.NoError(t, table.TransactWrite(ctx, op))
	require.NoError(t, table.TransactWrite(ctx, op))
	got, err := p.parcels.Get(ctx, parcel{Box: "a", ID: "1"})
	require.NoError(t, err)
	assert.Equal(t, 1, got.Weight, "the same call again has no effect")
	err = table.TransactWrite(ctx, p.parcels.UpdateOp(parcel{Box: "a", ID: "1"}, monotable.Add(parcelWeight, 2)))
	var mismatch *types.IdempotentParameterMismatchException
	assert.ErrorAs(t, err, &mismatch)
}

func TestTransactionAcrossTables(t *testing.T) {
	p := newPost(t)
	ctx := t.Context()
	client := p.engine.Client()
	in := p.table.CreateInput()
	in.TableName = aws.String("archive")
	_, err := client.CreateTable(ctx, in)
	require.NoError(t, err)
	archived := p.parcels.With(monotable.TableName("archive"))
	same := parcel{Box: "a", ID: "1"}
	require.NoError(t, p.table.TransactWrite(ctx, p.parcels.CreateOp(same), archived.CreateOp(same)), "one key in two tables is two items")
	_, err = archived.Get(ctx, same)
	require.NoError(t, err)
}
