package monotabletest_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/monotabletest"
)

// bench is a table, the plain client of it, and one that meets faults.
type bench struct {
	t      testing.TB
	plain  *dynamodb.Client
	client *dynamodb.Client
	faults monotabletest.Faults
}

// atOnce is a client option: retries without waiting, for not every server can run in virtual time.
func atOnce(o *dynamodb.Options) {
	o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) {
		o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		o.RateLimiter = ratelimit.None
	})
}

func newBench(t testing.TB) *bench { return benchOn(t, monotabletest.Client(t), atOnce) }

func benchOn(t testing.TB, plain *dynamodb.Client, optFns ...func(*dynamodb.Options)) *bench {
	b := &bench{t: t, plain: plain}
	b.client = b.faults.Client(plain, optFns...)
	monotabletest.TableOn(t, plain, monotable.TableConfig{Name: "test", PartitionKey: "PK"})
	return b
}

func item(id string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"PK": &types.AttributeValueMemberS{Value: id}}
}

func once(o *dynamodb.Options) { o.RetryMaxAttempts = 1 }

func (b *bench) put(id string, optFns ...func(*dynamodb.Options)) error {
	_, err := b.client.PutItem(b.t.Context(), &dynamodb.PutItemInput{TableName: aws.String("test"), Item: item(id)}, optFns...)
	return err
}

// stored are the ids that are in the table.
func (b *bench) stored() map[string]bool {
	b.t.Helper()
	out, err := b.plain.Scan(b.t.Context(), &dynamodb.ScanInput{TableName: aws.String("test"), ConsistentRead: aws.Bool(true)})
	require.NoError(b.t, err)
	ids := map[string]bool{}
	for _, it := range out.Items {
		ids[it["PK"].(*types.AttributeValueMemberS).Value] = true
	}
	return ids
}

// matches makes a check of errors.As.
func matches[E error](check func(E) bool) func(error) bool {
	return func(err error) bool {
		e, ok := errors.AsType[E](err)
		return ok && (check == nil || check(e))
	}
}

func code(want string, fault smithy.ErrorFault) func(error) bool {
	return matches(func(e smithy.APIError) bool { return e.ErrorCode() == want && e.ErrorFault() == fault })
}

func status(want int) func(error) bool {
	return matches(func(e interface {
		error
		HTTPStatusCode() int
		ServiceRequestID() string
	},
	) bool {
		return e.HTTPStatusCode() == want
	})
}

func broke(op string, errno syscall.Errno) func(error) bool {
	return func(err error) bool {
		e, ok := errors.AsType[*net.OpError](err)
		return ok && e.Op == op && errors.Is(err, errno)
	}
}

// undecoded is an answer that the SDK could not read.
var undecoded = matches[*smithy.DeserializationError](nil)

func both(checks ...func(error) bool) func(error) bool {
	return func(err error) bool {
		for _, check := range checks {
			if !check(err) {
				return false
			}
		}
		return true
	}
}

// throttled finds the reasons in the exception of type E.
func throttled[E error](reasons func(E) []types.ThrottlingReason, want ...types.ThrottlingReason) func(error) bool {
	return matches(func(e E) bool {
		got := reasons(e)
		return len(got) == len(want) && (len(want) == 0 || *got[0].Reason == *want[0].Reason && *got[0].Resource == *want[0].Resource)
	})
}

// TestFaults: what the SDK's client makes of each fault of a PutItem.
func TestFaults(t *testing.T) {
	reason := types.ThrottlingReason{Reason: aws.String("TableWriteKeyRangeThroughputExceeded"), Resource: aws.String("arn:table")}
	provisioned := func(e *types.ProvisionedThroughputExceededException) []types.ThrottlingReason {
		return e.ThrottlingReasons
	}
	throttling := func(e *types.ThrottlingException) []types.ThrottlingReason { return e.ThrottlingReasons }
	limit := func(e *types.RequestLimitExceeded) []types.ThrottlingReason { return e.ThrottlingReasons }
	internal := matches[*types.InternalServerError](nil)
	b := newBench(t)
	for _, row := range []struct {
		name    string
		fault   monotabletest.Fault
		applied bool
		retried bool             // by the SDK
		is      func(error) bool // nil: the SDK reports success
	}{
		{"throttled", monotabletest.Throttle(""), false, true, throttled(provisioned)},
		{"throttled, reason", monotabletest.Throttle(memdb.ProvisionedThroughputExceeded, reason), false, true, throttled(provisioned, reason)},
		{"ThrottlingException", monotabletest.Throttle(memdb.ThrottlingError), false, true, throttled(throttling)},
		{"ThrottlingException, reason", monotabletest.Throttle(memdb.ThrottlingError, reason), false, true, throttled(throttling, reason)},
		{"RequestLimitExceeded", monotabletest.Throttle(memdb.RequestLimitExceeded), false, true, throttled(limit)},
		{"RequestLimitExceeded, reason", monotabletest.Throttle(memdb.RequestLimitExceeded, reason), false, true, throttled(limit, reason)},
		{"500", monotabletest.InternalServerError(), false, true, both(internal, status(500))},
		{"500 after applying", monotabletest.AfterApplying(monotabletest.InternalServerError()), true, true, both(internal, status(500))},
		{"503", monotabletest.Unavailable(), false, true, both(code("ServiceUnavailable", smithy.FaultUnknown), status(503))},
		{"not sent", monotabletest.NotSent(), false, true, broke("dial", syscall.ECONNREFUSED)},
		{"sending broken", monotabletest.SendingBroken(), false, true, broke("write", syscall.ECONNRESET)},
		{"reply lost", monotabletest.ReplyLost(), true, true, broke("read", syscall.ECONNRESET)},
		{"slow", monotabletest.Slow(time.Millisecond), true, false, nil},
		{"truncated", monotabletest.Truncated(1), true, false, both(undecoded, func(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) })},
		{"truncated to nothing", monotabletest.Truncated(0), true, false, both(undecoded, func(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) })},
		{"garbled", monotabletest.Garbled(), true, false, undecoded},
		{"empty", monotabletest.Empty(), false, false, nil},
		{"empty after applying", monotabletest.AfterApplying(monotabletest.Empty()), true, false, nil},
		{"HTML 200", monotabletest.HTML(200), false, false, both(undecoded, status(200))},
		{"HTML 404", monotabletest.HTML(404), false, false, both(undecoded, status(404))},
		{"HTML 502", monotabletest.HTML(502), false, true, both(undecoded, status(502))},
		{"wrong checksum", monotabletest.WrongChecksum(), true, false, nil},
		{"unknown type", monotabletest.Refuse(400, "SomethingNewException"), false, false, both(code("SomethingNewException", smithy.FaultUnknown), status(400))},
		{"transaction conflict", monotabletest.TransactionConflict(), false, false, matches[*types.TransactionConflictException](nil)},
		{"in progress", monotabletest.TransactionInProgress(), false, true, matches[*types.TransactionInProgressException](nil)},
		{"replicated write", monotabletest.ReplicatedWriteConflict(), false, false, matches[*types.ReplicatedWriteConflictException](nil)},
		{"expired token", monotabletest.ExpiredToken(), false, false, code("ExpiredTokenException", smithy.FaultUnknown)},
		{"small skew", monotabletest.ClockSkew(time.Minute, ""), true, false, nil},
		{"skew", monotabletest.ClockSkew(time.Hour, ""), false, true, code("InvalidSignatureException", smithy.FaultUnknown)},
		{"skew back", monotabletest.ClockSkew(-time.Hour, "RequestTimeTooSkewed"), false, true, code("RequestTimeTooSkewed", smithy.FaultUnknown)},
		{"unprocessed means nothing to a single write", monotabletest.Unprocessed(1), true, false, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			b.faults.Reset()
			b.faults.Script("PutItem", row.fault)
			err := b.put(row.name, once)
			if row.is == nil {
				require.NoError(t, err)
			} else {
				require.True(t, row.is(err), "%v", err)
			}
			requests := b.faults.Requests()
			require.Len(t, requests, 1)
			assert.True(t, requests[0].Faulted)
			assert.Equal(t, row.applied, requests[0].Applied())
			assert.Equal(t, row.applied, b.stored()[row.name])

			b.faults.Reset()
			b.faults.Script("PutItem", row.fault)
			b.client = b.faults.Client(b.plain, atOnce) // one that has not learnt of a skewed clock
			err = b.put(row.name + ", again")
			if row.retried || row.is == nil {
				require.NoError(t, err)
			} else {
				require.True(t, row.is(err), "%v", err)
			}
			want := 1
			if row.retried {
				want = 2
				last := b.faults.Requests()[1]
				assert.False(t, last.Faulted)
				assert.True(t, last.Applied())
				assert.Equal(t, b.faults.Requests()[0].Body, last.Body)
			}
			assert.Len(t, b.faults.Requests(), want)
		})
	}
}

// TestZeroFaults records and passes on, errors of the server too.
func TestZeroFaults(t *testing.T) {
	b := newBench(t)
	require.NoError(t, b.put("a"))
	_, err := b.client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("none"), Key: item("a")})
	require.ErrorAs(t, err, new(*types.ResourceNotFoundException))
	got := b.faults.Requests()
	require.Len(t, got, 2)
	assert.JSONEq(t, `{"TableName": "test", "Item": {"PK": {"S": "a"}}}`, string(got[0].Body))
	assert.Equal(t, []any{1, "PutItem", 200, false}, []any{got[0].Number, got[0].Operation, got[0].Status, got[0].Faulted})
	assert.Equal(t, []any{2, "GetItem", 400, false}, []any{got[1].Number, got[1].Operation, got[1].Status, got[1].Faulted})
	assert.False(t, got[1].Applied())
	assert.True(t, b.stored()["a"])
}

// TestOrderOfRules: At, then scripts, then rates.
func TestOrderOfRules(t *testing.T) {
	b := newBench(t)
	refuse := func(name string) monotabletest.Fault { return monotabletest.Refuse(400, name) }
	b.faults.Rate("", 1, refuse("Rate"))
	b.faults.Rate("", 1, refuse("NeverSecond"))
	b.faults.Script("", refuse("Any"))
	b.faults.Script("PutItem", refuse("Put"), nil)
	b.faults.Script("DeleteItem", refuse("OfAnother"))
	b.faults.At(1, refuse("At"))
	b.faults.At(6, nil)
	var got []string
	for range 6 {
		err := b.put("a")
		name := "passed"
		if api, ok := errors.AsType[smithy.APIError](err); ok {
			name = api.ErrorCode()
		}
		got = append(got, name)
	}
	assert.Equal(t, []string{"At", "Put", "passed", "Any", "Rate", "passed"}, got)
}

// TestRatesAreDeterministic for a seed and an order of requests.
func TestRatesAreDeterministic(t *testing.T) {
	b := newBench(t)
	run := func(seed uint64) string {
		b.faults.Reset()
		b.faults.Seed(seed)
		b.faults.Rate("PutItem", 0.3, monotabletest.Refuse(400, "Unlucky"))
		b.faults.Rate("GetItem", 1, monotabletest.Refuse(400, "NotAsked"))
		var line strings.Builder
		for range 50 {
			fmt.Fprint(&line, b.put("a") != nil, " ")
		}
		return line.String()
	}
	first := run(1)
	assert.Equal(t, first, run(1))
	assert.NotEqual(t, first, run(2))
	assert.InDelta(t, 15, strings.Count(first, "true"), 9)
}

// TestStopAtEveryRequest is how a flow is tested for crashes: at every request's boundary.
func TestStopAtEveryRequest(t *testing.T) {
	b := newBench(t)
	flow := func() error {
		for _, id := range []string{"a", "b", "c"} {
			if err := b.put(id); err != nil {
				return err
			}
		}
		return nil
	}
	for name, stop := range map[string]func(n int){"at": b.faults.StopAt, "after": b.faults.StopAfter} {
		n := 1
		for ; ; n++ {
			b.faults.Reset()
			for id := range b.stored() {
				_, err := b.plain.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String("test"), Key: item(id)})
				require.NoError(t, err)
			}
			stop(n)
			err := flow()
			if len(b.faults.Requests()) < n {
				require.NoError(t, err)
				break
			}
			require.ErrorIs(t, err, monotabletest.ErrStopped)
			require.Len(t, b.faults.Requests(), n, "the SDK does not try again")
			want := n - 1
			if name == "after" {
				want = n
			}
			require.Len(t, b.stored(), want)
			require.ErrorIs(t, b.put("later"), monotabletest.ErrStopped)
			require.Len(t, b.stored(), want, "nothing is sent any more")
		}
		assert.Equal(t, 4, n)
	}
}

// TestBetween lets another writer in between a write and the loss of its reply.
func TestBetween(t *testing.T) {
	b := newBench(t)
	b.faults.Script("PutItem", monotabletest.ReplyLost())
	var seen []monotabletest.Request
	b.faults.Between(func(r monotabletest.Request) {
		assert.True(t, r.Applied())
		assert.True(t, b.stored()["a"], "applied")
		_, err := b.plain.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String("test"), Key: item("a")})
		assert.NoError(t, err)
		seen = append(seen, r)
		b.faults.Between(nil)
	})
	_, err := b.client.PutItem(t.Context(), &dynamodb.PutItemInput{
		TableName: aws.String("test"), Item: item("a"), ConditionExpression: aws.String("attribute_not_exists(PK)"),
	})
	require.NoError(t, err, "the second attempt does not meet the first's item")
	require.Len(t, seen, 1)
	assert.Equal(t, 1, seen[0].Number)
}

// TestTwiceDelivered is a fault of a test's own, which passes one request on twice.
func TestTwiceDelivered(t *testing.T) {
	b := newBench(t)
	b.faults.Script("UpdateItem", func(r *http.Request, do func(*http.Request) (*http.Response, error)) (*http.Response, error) {
		if _, err := do(r); err != nil {
			return nil, err
		}
		return do(r)
	})
	out, err := b.client.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: aws.String("test"), Key: item("a"), UpdateExpression: aws.String("ADD n :n"), ReturnValues: types.ReturnValueAllNew,
		ExpressionAttributeValues: map[string]types.AttributeValue{":n": &types.AttributeValueMemberN{Value: "1"}},
	})
	require.NoError(t, err)
	assert.Equal(t, &types.AttributeValueMemberN{Value: "2"}, out.Attributes["n"])
}

// TestConcurrentRequests: every one has its number and meets one fault.
func TestConcurrentRequests(t *testing.T) {
	b := newBench(t)
	b.faults.Rate("PutItem", 0.5, monotabletest.Throttle(""))
	b.faults.Between(func(monotabletest.Request) { b.faults.Requests() })
	var all sync.WaitGroup
	for _, id := range ids(20) {
		all.Go(func() {
			for b.put(id) != nil {
				continue
			}
		})
	}
	all.Wait()
	assert.Len(t, b.stored(), 20)
	faulted := 0
	for i, r := range b.faults.Requests() {
		assert.Equal(t, i+1, r.Number)
		assert.Equal(t, r.Faulted, !r.Applied())
		if r.Faulted {
			faulted++
		}
	}
	assert.Equal(t, len(b.faults.Requests())-20, faulted)
}
