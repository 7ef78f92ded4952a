package monotable_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/monotabletest"
)

// depot is the table of post behind faults of the network: in memory or on a server, so it runs in real time, and waits little.
type depot struct {
	*store
	faults  monotabletest.Faults
	table   *monotable.Table // behind the faults
	parcels *monotable.Entity[parcel]
	letters *monotable.Entity[letter]
}

// swift lets the loops of batches wait little, and swiftClient the SDK's.
var swift = monotable.Backoff(func(int) time.Duration { return time.Millisecond })

func swiftClient(attempts int) func(*dynamodb.Options) {
	return func(o *dynamodb.Options) {
		o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts, o.RateLimiter = attempts, ratelimit.None
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return time.Millisecond, nil })
		})
	}
}

func newDepot(t testing.TB, attempts int) *depot {
	t.Helper()
	d := &depot{store: openStore(t, monotable.TableConfig{})}
	d.table = d.over(d.faults.Client(d.client, swiftClient(attempts))).With(swift)
	d.parcels = mustEntity(t, d.table, parcelSchema())
	d.letters = mustEntity(t, d.table.With(monotable.WithoutVersionCheck()), letterSchema())
	return d
}

// reopen is p's table behind faults, in memory, for virtual time.
func reopen(t testing.TB, p *post, faults *monotabletest.Faults, changes ...func(*monotable.TableConfig)) *monotable.Table {
	t.Helper()
	cfg := monotable.TableConfig{Name: "post", PartitionKey: "PK", SortKey: "SK"}
	for _, change := range changes {
		change(&cfg)
	}
	table, err := monotable.NewTable(faults.Client(p.engine.Client(), swiftClient(1)), cfg)
	require.NoError(t, err)
	return table
}

func parcelsOf(n int) []parcel {
	items := make([]parcel, n)
	for i := range items {
		items[i] = parcel{Box: "a", ID: fmt.Sprintf("%05d", i), Weight: i % 100}
	}
	return items
}

// sent gives the keys of each request of a batch operation, as "table PK SK".
func sent(t testing.TB, requests []monotabletest.Request, operation string) [][]string {
	t.Helper()
	var all [][]string
	for _, r := range requests {
		if r.Operation != operation {
			continue
		}
		var in struct{ RequestItems map[string]json.RawMessage }
		require.NoError(t, json.Unmarshal(r.Body, &in))
		var keys []string
		for table, part := range in.RequestItems {
			type key struct{ PK, SK struct{ S string } }
			var writes []struct {
				PutRequest    *struct{ Item key }
				DeleteRequest *struct{ Key key }
			}
			var reads struct{ Keys []key }
			if part[0] == '[' {
				require.NoError(t, json.Unmarshal(part, &writes))
			} else {
				require.NoError(t, json.Unmarshal(part, &reads))
			}
			for _, w := range writes {
				if w.PutRequest != nil {
					reads.Keys = append(reads.Keys, w.PutRequest.Item)
				} else {
					reads.Keys = append(reads.Keys, w.DeleteRequest.Key)
				}
			}
			for _, k := range reads.Keys {
				keys = append(keys, table+" "+k.PK.S+" "+k.SK.S)
			}
		}
		all = append(all, keys)
	}
	return all
}

func batchErrorOf(t testing.TB, err error) *monotable.BatchError {
	t.Helper()
	batch, ok := errors.AsType[*monotable.BatchError](err)
	require.True(t, ok, "%v", err)
	return batch
}

// Two rounds without progress would end it. Each second one makes some.
func TestF031_AttemptsBeginAgainOnProgress(t *testing.T) {
	d := newDepot(t, 1)
	for left := 24; left > 0; left -= 4 {
		d.faults.Script("BatchWriteItem", monotabletest.Unprocessed(25), monotabletest.Unprocessed(left))
	}
	require.NoError(t, d.parcels.With(monotable.Attempts(2)).BatchPut(t.Context(), parcelsOf(25)))
	require.Len(t, d.dump(), 25)
	requests := sent(t, d.faults.Requests(), "BatchWriteItem")
	require.Len(t, requests, 13)
	for i, n := range []int{25, 25, 24, 24, 20, 20, 16, 16, 12, 12, 8, 8, 4} {
		require.Len(t, requests[i], n, "what is left, and nothing else: %d", i)
	}
}

// F032, F020: the waits of a batch that nothing moves are positive, bounded and all different, and it ends with its attempts.
func TestF032_NoTwoEqualDelays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPost(t)
		var at []time.Time
		p.faults(memdb.Faults{
			Internal:    func(memdb.Call) bool { at = append(at, time.Now()); return false },
			Unprocessed: func(memdb.Call) bool { return true },
		})
		var asked []int
		patient := monotable.Backoff(func(n int) time.Duration { asked = append(asked, n); return time.Second })
		err := p.table.With(monotable.Attempts(21), patient).BatchWrite(t.Context(), p.puts(3)...)
		require.ErrorIs(t, err, monotable.ErrUnprocessed)
		require.Len(t, at, 21)
		seen := map[time.Duration]bool{}
		for i := range 20 {
			delay := at[i+1].Sub(at[i])
			assert.Positive(t, delay)
			assert.LessOrEqual(t, delay, time.Second)
			assert.False(t, seen[delay], "twice: %s", delay)
			seen[delay] = true
			assert.Equal(t, i, asked[i])
		}
		batch := batchErrorOf(t, err)
		assert.Empty(t, batch.Written)
		assert.Empty(t, batch.Unknown)
		require.Len(t, batch.NotWritten, 3)
		for i, f := range batch.NotWritten {
			assert.Equal(t, i, f.Index)
			assert.Equal(t, "Parcel", f.Entity)
			assert.Equal(t, keyPS("BOX#a", fmt.Sprintf("PARCEL#%05d", i)), f.Key)
			assert.ErrorIs(t, f.Err, monotable.ErrUnprocessed)
		}
		assert.NotContains(t, err.Error(), "PARCEL")
		assert.ErrorContains(t, err, "BatchWrite post: batch: 0 written, 3 not written, 0 unknown; operation 0 (Parcel): left unprocessed")

		// The defaults: ten rounds, with 50 ms at most before the second and 5 s before the last.
		at = nil
		start := time.Now()
		require.Error(t, p.table.BatchWrite(t.Context(), p.puts(3)...))
		assert.Len(t, at, 10)
		assert.LessOrEqual(t, time.Since(start), 50*time.Millisecond*127+5*2*time.Second)
	})
}

// The first answer is lost after everything was written. The second names leftovers: of those nothing is certain.
func TestF033_LeftoversAfterALostReply(t *testing.T) {
	for name, attempts := range map[string]int{"sent again by the SDK": 2, "sent again by the batch": 1} {
		d := newDepot(t, attempts)
		d.faults.Script("BatchWriteItem", monotabletest.ReplyLost(), monotabletest.Unprocessed(2), monotabletest.Unprocessed(25), monotabletest.Unprocessed(25))
		err := d.parcels.With(monotable.Attempts(2)).BatchPut(t.Context(), parcelsOf(3))
		requireError(t, err, monotable.ErrOutcomeUnknown)
		require.ErrorIs(t, err, monotable.ErrUnprocessed)
		batch := batchErrorOf(t, err)
		assert.Equal(t, []int{0}, batch.Written, name)
		assert.Empty(t, batch.NotWritten, name)
		require.Len(t, batch.Unknown, 2, name)
		assert.Len(t, d.dump(), 3, name)
		assert.NotContains(t, err.Error(), "\n")
	}
}

// Throttled as a whole, refused as a whole, or without an answer: the items stay in hand and are told apart.
func TestF033_WholeRequestFails(t *testing.T) {
	for name, row := range map[string]struct {
		fault   monotabletest.Fault
		is      []error
		unknown bool
		tries   int
	}{
		"throttled":     {monotabletest.Throttle(memdb.RequestLimitExceeded), []error{monotable.ErrThrottled}, false, 3},
		"500":           {monotabletest.InternalServerError(), []error{monotable.ErrOutcomeUnknown}, true, 3},
		"500, applied":  {monotabletest.AfterApplying(monotabletest.InternalServerError()), []error{monotable.ErrOutcomeUnknown}, true, 3},
		"no connection": {monotabletest.NotSent(), nil, false, 3},
		"refused":       {monotabletest.Refuse(400, "ValidationException"), nil, false, 1},
		"new exception": {monotabletest.Refuse(400, "SomethingNewException"), nil, false, 1},
	} {
		d := newDepot(t, 1)
		d.faults.Rate("BatchWriteItem", 1, row.fault)
		err := d.parcels.With(monotable.Attempts(3)).BatchPut(t.Context(), parcelsOf(30))
		requireError(t, err, row.is...)
		batch := batchErrorOf(t, err)
		assert.Empty(t, batch.Written, name)
		if row.unknown {
			assert.Len(t, batch.Unknown, 30, name)
		} else {
			assert.Len(t, batch.NotWritten, 30, name)
			assert.Empty(t, d.dump(), name)
		}
		assert.Len(t, d.faults.Requests(), 2*row.tries, name)

		d.faults.Reset()
		require.NoError(t, d.table.BatchWrite(t.Context(), batch.Rest()...), name)
		require.Len(t, d.dump(), 30, name)

		// One failure is enough to be gone for good, twice is enough to be back.
		d.faults.Script("BatchGetItem", row.fault)
		got, err := d.parcels.BatchGet(t.Context(), parcelsOf(30))
		for _, r := range got {
			if row.tries == 1 {
				require.Equal(t, monotable.Unprocessed, r.State, name)
			} else {
				require.Equal(t, monotable.Found, r.State, name)
			}
		}
		require.Equal(t, row.tries > 1, err == nil, name)
	}
}

// What cannot even be sent is not tried ten times over.
func TestF033_NotSentForWantOfCredentials(t *testing.T) {
	d := newDepot(t, 1)
	var asked int
	noCredentials := monotable.ClientOptions(func(o *dynamodb.Options) {
		o.Credentials = credentialsFunc(func() error { asked++; return errors.New("no credentials here") })
	})
	err := d.parcels.With(noCredentials).BatchPut(t.Context(), parcelsOf(3))
	requireError(t, err)
	assert.Len(t, batchErrorOf(t, err).NotWritten, 3)
	got, err := d.parcels.With(noCredentials).BatchGet(t.Context(), parcelsOf(3))
	require.NotErrorIs(t, err, monotable.ErrUnprocessed)
	assert.ErrorContains(t, err, "no credentials here")
	assert.Equal(t, monotable.Unprocessed, got[0].State)
	assert.Equal(t, 2, asked)
}

// Leftovers and new items together never outgrow a request.
func TestF034_NeverMoreThan25(t *testing.T) {
	d := newDepot(t, 3)
	d.faults.Rate("BatchWriteItem", 1, monotabletest.UnprocessedShare(0.5))
	require.NoError(t, d.parcels.BatchPut(t.Context(), parcelsOf(180)))
	require.Len(t, d.dump(), 180)
	counts := map[string]int{}
	for _, keys := range sent(t, d.faults.Requests(), "BatchWriteItem") {
		require.LessOrEqual(t, len(keys), 25)
		for _, k := range keys {
			counts[k]++
		}
	}
	require.Len(t, counts, 180)
}

// credentialsFunc gives credentials, or the reason why there are none.
type credentialsFunc func() error

func (f credentialsFunc) Retrieve(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "key", SecretAccessKey: "secret"}, f()
}
