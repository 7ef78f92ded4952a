package monotable

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/stretchr/testify/require"
)

// patient retries everything, so many times, and says for which attempt it was asked.
type patient struct {
	aws.NopRetryer

	most int
	told int
}

func (p *patient) IsErrorRetryable(error) bool { return true }
func (p *patient) MaxAttempts() int            { return p.most }
func (p *patient) RetryDelay(attempt int, _ error) (time.Duration, error) {
	p.told = attempt
	return time.Hour, nil
}

// tries is how often an error is retried before it is given up, 1000 at the most.
func tries(r *callRetryer, err error) int {
	n := 1
	for n < 1000 && r.IsErrorRetryable(err) {
		n++
	}
	return n
}

var (
	errInProgress = &types.TransactionInProgressException{}
	errConflict   = &types.TransactionConflictException{}
	errSilence    = &noReply{text: "no reply"}
)

func TestF012_HowOftenEachErrorIsRetried(t *testing.T) {
	for _, most := range []int{0, 1, 3, 20} {
		ever := most
		if most == 0 {
			ever = 1000
		}
		retryer := func(resend resending, sent bool) *callRetryer {
			return &callRetryer{Retryer: &patient{most: most}, attempts: &attempts{resend: resend, sent: sent}}
		}
		require.Equal(t, ever, tries(retryer(resendFreely, true), errSilence), most)
		require.Equal(t, ever, tries(retryer(resendSoon, true), errSilence))
		require.Equal(t, 1, tries(retryer(resendNever, true), errSilence))
		require.Equal(t, ever, tries(retryer(resendNever, false), errSilence), "it was never sent")
		require.Equal(t, min(ever+tokenTries-1, 1000), tries(retryer(resendByToken, true), errSilence))
		for _, resend := range []resending{resendFreely, resendSoon, resendNever, resendByToken} {
			require.Equal(t, inProgressTries, tries(retryer(resend, true), fmt.Errorf("wrapped: %w", errInProgress)))
			require.Equal(t, conflictTries, tries(retryer(resend, true), errConflict))
			require.Equal(t, conflictTries, tries(retryer(resend, true), &types.ReplicatedWriteConflictException{}))
			r := retryer(resend, false)
			if want := most + inProgressTries + tokenTries + conflictTries; most > 0 {
				require.Equal(t, want, r.MaxAttempts())
			} else {
				require.Zero(t, r.MaxAttempts())
			}
		}
	}
}

func TestF013_HowLongEachErrorWaits(t *testing.T) {
	longest := func(resend resending, sent bool, before int, err error) (least, most time.Duration, told int) {
		least = time.Hour
		for range 200 {
			base := &patient{most: 100}
			r := &callRetryer{Retryer: base, attempts: &attempts{resend: resend, sent: sent}}
			for range before {
				require.True(t, r.IsErrorRetryable(err))
			}
			d, e := r.RetryDelay(before, err)
			require.NoError(t, e)
			least, most, told = min(least, d), max(most, d), base.told
		}
		return least, most, told
	}
	within := func(least, most, from, to time.Duration) {
		t.Helper()
		require.GreaterOrEqual(t, least, from)
		require.LessOrEqual(t, most, to)
		require.Greater(t, most, from+(to-from)/2)
		require.Less(t, least, from+(to-from)/2)
	}
	least, most, _ := longest(resendByToken, true, 3, errInProgress)
	within(least, most, 500*time.Millisecond, 1500*time.Millisecond)
	for n, ceiling := range map[int]time.Duration{1: 50, 2: 100, 5: 800, 7: 1000} {
		least, most, _ = longest(resendFreely, true, n, errConflict)
		within(least, most, 0, ceiling*time.Millisecond)
	}
	for n, ceiling := range map[int]time.Duration{1: 25, 2: 50, 4: 200} {
		least, most, _ = longest(resendSoon, true, n, errSilence)
		within(least, most, 0, ceiling*time.Millisecond)
	}
	for n, ceiling := range map[int]time.Duration{1: 50, 3: 200, 5: 800} {
		least, most, _ = longest(resendByToken, true, n, errSilence)
		within(least, most, 0, ceiling*time.Millisecond)
	}
	for _, resend := range []resending{resendFreely, resendNever} {
		least, _, told := longest(resend, false, 4, errSilence)
		require.Equal(t, time.Hour, least)
		require.Equal(t, 4, told)
	}
	// What was tried for reasons of ours does not count for the client's own backoff.
	base := &patient{most: 9}
	r := &callRetryer{Retryer: base, attempts: &attempts{}}
	for _, err := range []error{errConflict, errConflict, errInProgress, io.EOF} {
		require.True(t, r.IsErrorRetryable(err))
	}
	_, err := r.RetryDelay(4, io.EOF)
	require.NoError(t, err)
	require.Equal(t, 1, base.told)
	_, err = r.RetryDelay(2, io.EOF)
	require.NoError(t, err)
	require.Equal(t, 0, base.told)
}

func TestF015_RepliesThatAreNone(t *testing.T) {
	const good = `{"Items":[],"Count":0}`
	sum := func(s string) string { return strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(s))), 10) }
	for _, c := range []struct {
		status         int
		body, sum, bad string
	}{
		{200, good, sum(good), ""},
		{200, good, "", ""},
		{200, "", "", "is empty"},
		{200, "", sum(""), "is empty"},
		{299, "", "", "is empty"},
		{300, "", sum(""), ""},
		{500, "", "", ""},
		{200, "<html>", "", "not DynamoDB's"},
		{400, "<html>", "", "not DynamoDB's"},
		{499, "x", "", "not DynamoDB's"},
		{500, "<html>", "", ""},
		{503, "x", "", ""},
		{200, good, "1", "its checksum"},
		{500, "x", "1", "its checksum"},
		{400, `{}`, sum(`{}`), ""},
	} {
		for _, known := range []bool{true, false} {
			closed := false
			response := &http.Response{StatusCode: c.status, Header: http.Header{}, ContentLength: -1, Body: &closing{Reader: iotest.OneByteReader(strings.NewReader(c.body)), closed: &closed}}
			if known {
				response.ContentLength = int64(len(c.body))
			}
			if c.sum != "" {
				response.Header.Set("X-Amz-Crc32", c.sum)
			}
			err := (&attempts{}).checkReply(response)
			rest, readErr := io.ReadAll(response.Body)
			require.NoError(t, readErr)
			require.Equal(t, c.body, string(rest), "the SDK reads it too")
			require.True(t, closed)
			if c.bad == "" {
				require.NoError(t, err, "%+v", c)
				continue
			}
			require.ErrorContains(t, err, c.bad, "%+v", c)
			var network net.Error
			require.ErrorAs(t, err, &network)
			require.True(t, network.Timeout())
		}
	}
	broken := &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(io.MultiReader(strings.NewReader(good[:9]), iotest.ErrReader(io.ErrUnexpectedEOF)))}
	require.ErrorIs(t, (&attempts{}).checkReply(broken), io.ErrUnexpectedEOF)
}

type closing struct {
	io.Reader

	closed *bool
}

func (c *closing) Close() error {
	*c.closed = true
	return nil
}

// A body is read into the room that is there, and into one allocation where its length is told.
func TestReadAll(t *testing.T) {
	text := strings.Repeat("x", 5000)
	for _, length := range []int64{-1, 0, 10, 4999, 5000, 5001, maxReply, 1 << 40} {
		for _, room := range [][]byte{nil, make([]byte, 3, 100), make([]byte, 0, 5001), make([]byte, 10_000)} {
			body, err := readAll(&http.Response{ContentLength: length, Body: io.NopCloser(iotest.DataErrReader(strings.NewReader(text)))}, room)
			require.NoError(t, err)
			require.Equal(t, text, string(body))
			if cap(room) > 5000 && length <= 5000 {
				require.Same(t, &room[:1][0], &body[0])
			}
			if length == 5000 && cap(room) < 5000 {
				require.Equal(t, 5001, cap(body))
			}
			require.Less(t, cap(body), 2*maxReply)
		}
	}
}

// status is an error that knows the status of its reply.
type status struct {
	smithy.APIError

	code int
}

func (s *status) HTTPStatusCode() int { return s.code }
func (s *status) Unwrap() error       { return s.APIError }

func TestF001_WhichFailuresMayHaveBeenApplied(t *testing.T) {
	api := func(code string, fault smithy.ErrorFault) *smithy.GenericAPIError {
		return &smithy.GenericAPIError{Code: code, Fault: fault}
	}
	for _, c := range []struct {
		err  error
		want bool
	}{
		{io.EOF, true},
		{errSilence, true},
		{context.DeadlineExceeded, true},
		{&net.OpError{Op: "dial", Err: io.EOF}, false},
		{&net.OpError{Op: "read", Err: io.EOF}, true},
		{fmt.Errorf("wrapped: %w", &net.OpError{Op: "dial", Err: io.EOF}), false},
		{api("X", smithy.FaultServer), true},
		{api("X", smithy.FaultClient), false},
		{api("TransactionInProgressException", smithy.FaultClient), true},
		{&status{api("X", smithy.FaultClient), 500}, true},
		{&status{api("X", smithy.FaultServer), 499}, false},
		{&status{api("ThrottlingException", smithy.FaultServer), 503}, false},
	} {
		require.Equal(t, c.want, mayHaveApplied(c.err), "%v", c.err)
	}
}

// finish is the rest of the SDK's stack, as a test has it.
type finish func(context.Context) error

func (f finish) HandleFinalize(ctx context.Context, _ middleware.FinalizeInput) (out middleware.FinalizeOutput, m middleware.Metadata, err error) {
	return out, m, f(ctx)
}

type answered struct {
	response *http.Response
	err      error
}

func (a answered) HandleDeserialize(context.Context, middleware.DeserializeInput) (out middleware.DeserializeOutput, m middleware.Metadata, err error) {
	out.RawResponse = &smithyhttp.Response{Response: a.response}
	return out, m, a.err
}

// An attempt is bounded, what it leaves open is remembered, and nothing is sent after what must not be sent twice.
func TestF010_AttemptsAreBounded(t *testing.T) {
	run := func(a *attempts, f finish) error {
		_, _, err := a.HandleFinalize(context.Background(), middleware.FinalizeInput{}, f)
		return err
	}
	a := &attempts{timeout: time.Millisecond, resend: resendNever, observed: nil}
	var seen context.Context
	err := run(a, func(ctx context.Context) error {
		a.sent = true
		seen = ctx
		<-ctx.Done()
		return ctx.Err()
	})
	require.ErrorContains(t, err, "no reply within 1ms")
	require.NotErrorIs(t, err, context.DeadlineExceeded)
	require.Error(t, seen.Err())
	require.True(t, a.open())
	require.Equal(t, 1, a.made)
	require.Equal(t, err, run(a, func(context.Context) error { panic("sent again") }))
	require.Equal(t, 1, a.made)

	a = &attempts{timeout: time.Hour, resend: resendFreely}
	require.NoError(t, run(a, func(ctx context.Context) error { seen = ctx; return nil }))
	require.ErrorIs(t, seen.Err(), context.Canceled, "nothing goes on behind an attempt")
	require.False(t, a.open())
	require.ErrorIs(t, run(a, func(context.Context) error { return io.EOF }), io.EOF)
	require.False(t, a.open(), "it was not sent")
	require.Equal(t, io.EOF, a.last)
	require.Equal(t, 2, a.made)
	require.False(t, a.blind(&tableCore{}))
	require.True(t, (&attempts{}).blind(&tableCore{}))
	require.False(t, (&attempts{}).blind(&tableCore{isSDK: true}))

	response := &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(""))}
	_, _, err = a.HandleDeserialize(context.Background(), middleware.DeserializeInput{}, answered{response, nil})
	require.ErrorContains(t, err, "is empty")
	require.True(t, a.sent)
	_, _, err = a.HandleDeserialize(context.Background(), middleware.DeserializeInput{}, answered{response, io.EOF})
	require.Equal(t, io.EOF, err)
}

// The items of a reply are taken out of it before the SDK reads the rest, where it is an answer that the SDK would read as it is.
func TestAnswersAreTaken(t *testing.T) {
	p, err := dotEntity(t, dotTable(t, nil), "Dot").Query(dot{Box: "1"}).spec.plan()
	require.NoError(t, err)
	const body = `{"Count":1,"Items":[{"box":{"S":"1"}}]}`
	for _, c := range []struct {
		status   int
		encoding string
		taken    bool
	}{{200, "", true}, {201, "", false}, {400, "", false}, {200, "gzip", false}} {
		a := &attempts{answer: &reply{layout: p.m.layout(p.m.plan, p.set), member: "Items"}}
		response := &http.Response{StatusCode: c.status, Header: http.Header{}, ContentLength: -1, Body: io.NopCloser(strings.NewReader(body))}
		response.Header.Set("Content-Encoding", c.encoding)
		require.NoError(t, a.checkReply(response))
		rest, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.Equal(t, c.taken, a.answer.taken)
		require.Equal(t, c.taken, !strings.Contains(string(rest), "box"), "%s", rest)
		require.Contains(t, string(rest), `"Count":1`)
	}
}

func TestInstall(t *testing.T) {
	for mode, kept := range map[aws.ClientLogMode]bool{0: true, aws.LogRetries | aws.LogResponse: true, aws.LogResponseWithBody: false} {
		a, before := &attempts{answer: &reply{}}, &patient{most: 3}
		o := &dynamodb.Options{ClientLogMode: mode, Retryer: before, Protocol: dynamodb.New(dynamodb.Options{}).Options().Protocol}
		a.install(o)
		require.Equal(t, kept, a.answer != nil)
		require.True(t, o.DisableValidateResponseChecksum)
		require.Len(t, o.APIOptions, 1)
		require.Same(t, before, o.Retryer.(*callRetryer).Retryer)
		require.Same(t, a, o.Retryer.(*callRetryer).attempts)
		require.Error(t, a.add(middleware.NewStack("none", smithyhttp.NewStackRequest)), "there is no retry")
	}
	o := &dynamodb.Options{}
	(&attempts{}).install(o)
	require.Nil(t, o.Retryer)
}

// serialize keeps the body of a request.
type serialize struct{ body *[]byte }

func (s serialize) HandleSerialize(_ context.Context, in middleware.SerializeInput) (out middleware.SerializeOutput, m middleware.Metadata, err error) {
	*s.body, err = io.ReadAll(in.Request.(*smithyhttp.Request).GetStream())
	return out, m, err
}

func TestSameBody(t *testing.T) {
	a := &attempts{resend: resendByToken}
	for _, text := range []string{`{"a":1,"b":2}`, `{"b":2,"a":1}`} {
		request, err := smithyhttp.NewStackRequest().(*smithyhttp.Request).SetStream(bytes.NewReader([]byte(text)))
		require.NoError(t, err)
		var sent []byte
		_, _, err = a.HandleSerialize(context.Background(), middleware.SerializeInput{Request: request}, serialize{&sent})
		require.NoError(t, err)
		require.Equal(t, `{"a":1,"b":2}`, string(sent))
	}
	request, err := smithyhttp.NewStackRequest().(*smithyhttp.Request).SetStream(iotest.ErrReader(errors.New("no")))
	require.NoError(t, err)
	_, _, err = (&attempts{}).HandleSerialize(context.Background(), middleware.SerializeInput{Request: request}, serialize{new([]byte)})
	require.ErrorContains(t, err, "no")
}
