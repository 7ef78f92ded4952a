package monotable_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/monotabletest"
)

// Batches of 10,000 items under all kinds of faults at once. In memory this runs in virtual time, with the waits that are usual; on a
// server in real time, with short ones.

const chaosItems = 10_000

func TestChaosBatch(t *testing.T) {
	t.Parallel()
	if monotabletest.Endpoint(t) != "" {
		chaosBatch(t, swift, swiftClient(3))
		return
	}
	synctest.Test(t, func(t *testing.T) {
		chaosBatch(t, monotable.Backoff(nil), func(o *dynamodb.Options) {
			o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) { o.RateLimiter = ratelimit.None })
		})
	})
}

// troubled lets 30 % of the entries be left, and of the requests 10 % be throttled, 5 % be applied without a reply and 5 % fail with 500.
func troubled(faults *monotabletest.Faults) {
	faults.Reset()
	faults.Seed(7)
	faults.Rate("", 0.10, monotabletest.Throttle(memdb.ProvisionedThroughputExceeded))
	faults.Rate("", 0.05, monotabletest.ReplyLost())
	faults.Rate("", 0.05, monotabletest.InternalServerError())
	faults.Rate("", 1, monotabletest.UnprocessedShare(0.30))
}

func chaosBatch(t *testing.T, backoff monotable.Option, retryer func(*dynamodb.Options)) {
	var faults monotabletest.Faults
	s := openStore(t, monotable.TableConfig{})
	table := s.over(faults.Client(s.client, retryer)).With(backoff, monotable.Concurrency(16))
	parcels := mustEntity(t, table, parcelSchema())
	letters := mustEntity(t, table.With(monotable.WithoutVersionCheck()), letterSchema())
	ctx := t.Context()

	var last monotable.BatchProgress
	progress := monotable.Progress(func(now monotable.BatchProgress) { last = now })
	report := func(what string, start time.Time, rounds int) {
		t.Logf("%s: %d items in %d calls; in the last one %d requests and %d items left undone; %d requests of the SDK; %s",
			what, chaosItems, rounds, last.Requests, last.Unprocessed, len(faults.Requests()), time.Since(start).Round(time.Millisecond))
	}

	ops := make([]monotable.BatchOp, chaosItems)
	for i := range ops {
		if i%2 == 0 {
			ops[i] = parcels.PutOp(parcel{Box: fmt.Sprint(i % 97), ID: fmt.Sprint(i), Weight: i % 100})
		} else {
			ops[i] = letters.PutOp(letter{Box: fmt.Sprint(i % 97), ID: i, Note: fmt.Sprint("note ", i)})
		}
	}
	troubled(&faults)
	start, rounds := time.Now(), 0
	for rest := ops; len(rest) > 0; rounds++ {
		require.Less(t, rounds, 10)
		err := table.With(progress).BatchWrite(ctx, rest...)
		require.Equal(t, len(rest), last.Done)
		batch, failed := errors.AsType[*monotable.BatchError](err)
		require.Equal(t, failed, err != nil)
		if !failed {
			break
		}
		require.Equal(t, len(rest), len(batch.Written)+len(batch.NotWritten)+len(batch.Unknown))
		honest(t, s, batch)
		rest = batch.Rest()
	}
	report("written", start, rounds+1)

	stored := map[string]int{}
	for _, item := range s.dump() {
		stored[keyText(item)]++
	}
	require.Len(t, stored, chaosItems)
	for key, n := range stored {
		require.Equal(t, 1, n, key)
	}

	troubled(&faults)
	start = time.Now()
	gotParcels, gotLetters := make([]parcel, chaosItems), make([]letter, chaosItems)
	reads := make([]monotable.ReadOp, chaosItems)
	for i := range reads {
		if i%2 == 0 {
			reads[i] = parcels.GetOp(parcel{Box: fmt.Sprint(i % 97), ID: fmt.Sprint(i)}, &gotParcels[i])
		} else {
			reads[i] = letters.GetOp(letter{Box: fmt.Sprint(i % 97), ID: i}, &gotLetters[i])
		}
	}
	results, err := table.With(progress).BatchGet(ctx, reads...)
	require.NoError(t, err)
	for i, r := range results {
		require.Equal(t, monotable.Found, r.State, i)
		if i%2 == 0 {
			require.Equal(t, parcel{Box: fmt.Sprint(i % 97), ID: fmt.Sprint(i), Weight: i % 100}, gotParcels[i])
		} else {
			require.Equal(t, fmt.Sprint("note ", i), gotLetters[i].Note)
		}
	}
	report("read", start, 1)
}

// honest checks a report against what is stored: nothing that is said not to be written is there.
func honest(t *testing.T, s *store, batch *monotable.BatchError) {
	t.Helper()
	stored := map[string]bool{}
	for _, item := range s.dump() {
		stored[keyText(item)] = true
	}
	for _, f := range batch.NotWritten {
		require.False(t, stored[keyText(f.Key)], "operation %d is there", f.Index)
	}
}

func keyText(item rawItem) string {
	return item["PK"].(*types.AttributeValueMemberS).Value + " " + item["SK"].(*types.AttributeValueMemberS).Value
}

// TestChaosBatch_Reports: the attempts are few, so many operations are given up, and each report must be true.
func TestChaosBatch_Reports(t *testing.T) {
	t.Parallel()
	sum := map[string]int{}
	for seed := range uint64(20) {
		for _, attempts := range []int{1, 3} {
			t.Run(fmt.Sprintf("seed %d, %d attempts", seed, attempts), func(t *testing.T) {
				d := newDepot(t, attempts)
				troubled(&d.faults)
				d.faults.Seed(seed)
				var ops []monotable.BatchOp
				for _, item := range parcelsOf(200) {
					ops = append(ops, d.parcels.PutOp(item))
				}
				err := d.table.With(monotable.Attempts(1)).BatchWrite(t.Context(), ops...)
				if err == nil {
					return
				}
				batch := batchErrorOf(t, err)
				stored := map[string]bool{}
				for _, item := range d.dump() {
					stored[item["SK"].(*types.AttributeValueMemberS).Value] = true
				}
				for _, i := range batch.Written {
					require.True(t, stored[fmt.Sprintf("PARCEL#%05d", i)], "%d is said to be written", i)
				}
				honest(t, d.store, batch)
				sum["written"] += len(batch.Written)
				sum["not written"] += len(batch.NotWritten)
				sum["unknown"] += len(batch.Unknown)
			})
		}
	}
	require.Positive(t, sum["unknown"])
	t.Log(sum)
}
