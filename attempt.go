package monotable

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/monotable/monotable/internal/retry"
)

// resending says what may be done after an attempt that perhaps took effect.
type resending int

const (
	resendFreely  resending = iota // a second application changes nothing
	resendSoon                     // a second application is refused by its condition, and the refusal tells whose write is there
	resendNever                    // a second application would count twice
	resendByToken                  // the service counts it once, however often it is sent
)

const (
	defaultAttemptTimeout = 10 * time.Second

	inProgressTries = 10 // of a transaction that is still in progress: more than six seconds
	tokenTries      = 6  // of a transaction without an answer
	conflictTries   = 8  // of a single write that met a transaction
)

// unanswered is how long to wait before a transaction is sent again under its token.
var unanswered = retry.Backoff{Base: 50 * time.Millisecond, Cap: 2 * time.Second}

// soon is how long to wait before a write is sent again whose own mark may be in the item: the sooner, the surer it is found.
var soon = retry.Backoff{Base: 25 * time.Millisecond, Cap: time.Second}

// attempts observes what the SDK does for one call, attempt by attempt: whether one of them may have taken effect though no answer
// came. It is a middleware inside the SDK's retry loop, and it bounds each attempt in time. One serves one call. It is the middleware of each step
// itself: functions would be memory of their own for each call.
type attempts struct {
	resend  resending
	timeout time.Duration
	body    []byte  // of the first request under a token
	marked  marked  // what is put into the request
	room    *[]byte // of its body then
	answer  *reply  // where the items of a reply go; nil if to the SDK
	signing *signing
	places  *endpoints

	observed *observedRequest

	mu        sync.Mutex
	made      int
	sent      bool  // the current attempt has reached the HTTP client
	ambiguous error // of an attempt that may have taken effect
	last      error
}

func newAttempts(o *options, resend resending) *attempts {
	a := &attempts{resend: resend, timeout: o.attemptTimeout()}
	if !o.noWireCodec {
		a.signing, a.places = o.signing, o.endpoints
	}
	return a
}

// install adds the observation to a call. It comes last, so that the caller's own options are seen.
func (a *attempts) install(o *dynamodb.Options) {
	o.DisableValidateResponseChecksum = true // reply does it, and does more than log a mismatch
	if o.ClientLogMode.IsResponseWithBody() || !isSDKProtocol(o.Protocol) {
		a.answer = nil // they show the reply as the SDK is given it
	}
	a.signing.install(o)
	a.places.install(o)
	o.APIOptions = append(o.APIOptions[:len(o.APIOptions):len(o.APIOptions)], a.add)
	if o.Retryer != nil {
		o.Retryer = &callRetryer{Retryer: o.Retryer, attempts: a}
	}
}

func (a *attempts) add(stack *middleware.Stack) error {
	if err := stack.Finalize.Insert(a, "Retry", middleware.After); err != nil {
		return fmt.Errorf("monotable needs the SDK's retry middleware: %w", err)
	}
	if a.marked != nil || a.resend == resendByToken {
		if err := stack.Serialize.Add(a, middleware.After); err != nil {
			return err
		}
	}
	return stack.Deserialize.Add(a, middleware.After)
}

// ID is the name of the middleware in each step of the SDK's.
func (*attempts) ID() string { return "monotable" }

// HandleFinalize runs around each attempt.
func (a *attempts) HandleFinalize(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
	number, err := a.begin()
	if err != nil {
		return middleware.FinalizeOutput{}, middleware.Metadata{}, err
	}
	ctx, info := a.observed.start(ctx, number, a.observed.now())
	bounded, cancel := ctx, context.CancelFunc(func() {})
	if a.timeout > 0 {
		bounded, cancel = context.WithTimeout(ctx, a.timeout)
	}
	out, metadata, err := next.HandleFinalize(bounded, in)
	// The SDK takes an error of a context for the caller's wish to stop. This one must look like the network's.
	if err != nil && bounded.Err() != nil && ctx.Err() == nil {
		err = &noReply{text: "no reply within " + a.timeout.String()}
	}
	cancel()
	open := a.end(err)
	a.observed.end(ctx, info, out.Result, err, open)
	return out, metadata, err
}

func (a *attempts) begin() (number int, _ error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.resend == resendNever && a.ambiguous != nil {
		return 0, a.ambiguous
	}
	a.made, a.sent = a.made+1, false
	a.answer.forget() // what an attempt before has read
	return a.made, nil
}

// end says whether the attempt may have taken effect though it failed.
func (a *attempts) end(err error) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last = err
	open := err != nil && a.sent && mayHaveApplied(err)
	if open {
		a.ambiguous = err
	}
	return open
}

// open says that an attempt may have taken effect.
func (a *attempts) open() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.ambiguous != nil
}

// blind says that the attempts of a call are not known: the client has dropped the middleware.
func (a *attempts) blind(t *tableCore) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.made == 0 && !t.isSDK
}

// HandleSerialize changes the serialised request.
func (a *attempts) HandleSerialize(ctx context.Context, in middleware.SerializeInput, next middleware.SerializeHandler) (out middleware.SerializeOutput, metadata middleware.Metadata, err error) {
	request, ok := in.Request.(*smithyhttp.Request)
	switch {
	case a.marked != nil && !ok:
		err = errMarks
	case a.marked != nil:
		if a.room == nil {
			a.room = bodies.Get().(*[]byte)
		}
		in.Request, err = a.marked.into(request, a.room)
	case ok:
		in.Request, err = a.sameBody(request)
	}
	if err != nil {
		return out, metadata, err
	}
	return next.HandleSerialize(ctx, in)
}

// over gives the room of a request's body back when the SDK's call has returned, if its one attempt has succeeded: then all of the body has been
// read, and the SDK has closed it. What a failed attempt has left, such as a connection that was given up, may still read it.
func (a *attempts) over(succeeded bool) {
	if a.room != nil && succeeded {
		giveBack(a.room, *a.room)
	}
	a.room = nil
}

// sameBody sends what was sent before, byte by byte, when one token is used for several calls: serialised anew, the same request differs in the
// order of its maps, and DynamoDB would take it for another one.
func (a *attempts) sameBody(request *smithyhttp.Request) (*smithyhttp.Request, error) {
	if a.body == nil {
		body, err := io.ReadAll(request.GetStream())
		if err != nil {
			return nil, err
		}
		a.body = body
	}
	return request.SetStream(bytes.NewReader(a.body))
}

// HandleDeserialize runs next to the HTTP client.
func (a *attempts) HandleDeserialize(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
	a.mu.Lock()
	a.sent = true
	a.mu.Unlock()
	out, metadata, err := next.HandleDeserialize(ctx, in)
	if err != nil {
		return out, metadata, err
	}
	if response, ok := out.RawResponse.(*smithyhttp.Response); ok {
		err = a.checkReply(response.Response)
	}
	return out, metadata, err
}

// checkReply reads the whole reply before anything of it is used. The SDK takes an empty one for an empty answer, and only logs
// a wrong checksum.
func (a *attempts) checkReply(response *http.Response) error {
	var room []byte
	if response.StatusCode == http.StatusOK { // errors keep what they are read from
		room = a.answer.room()
	}
	body, err := readAll(response, room)
	rest := body
	defer func() {
		whole := &readBody{}
		whole.Reset(rest)
		response.Body = whole
	}()
	if err != nil {
		a.answer.keep() // the error has the response
		return &noReply{text: "the reply broke off", err: err}
	}
	if len(body) == 0 && response.StatusCode < 300 {
		return &noReply{text: "the reply is empty"}
	}
	sum := response.Header.Get("X-Amz-Crc32")
	switch {
	case sum == "" && isPlainJSON(response.Header) && !json.Valid(body) && response.StatusCode < 500:
		a.answer.keep()
		return &noReply{text: "the reply is not DynamoDB's"}
	case sum != "" && !isSum(sum, body):
		a.answer.keep()
		return &noReply{text: "the reply does not match its checksum"}
	}
	if response.StatusCode == http.StatusOK {
		rest = a.answer.take(rest, isPlainJSON(response.Header))
	}
	return nil
}

// readBody is a body that has been read.
type readBody struct{ bytes.Reader }

func (*readBody) Close() error { return nil }

func isSum(text string, body []byte) bool {
	sum, err := strconv.ParseUint(text, 10, 32)
	return err == nil && sum == uint64(crc32.ChecksumIEEE(body))
}

// isPlainJSON says that a body is to be JSON as it is, for all that its header says.
func isPlainJSON(h http.Header) bool {
	return h.Get("Content-Encoding") == "" && h.Get("Content-Type") != "application/cbor"
}

// readAll reads and closes a body, into room as far as that does.
func readAll(response *http.Response, room []byte) ([]byte, error) {
	body := room[:0]
	if n := response.ContentLength + 1; n > int64(cap(body)) && n <= maxReply { // one more, to see the end
		body = make([]byte, 0, n)
	}
	for {
		if len(body) == cap(body) {
			body = slices.Grow(body, bytes.MinRead)
		}
		n, err := response.Body.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		if err != nil {
			if err == io.EOF { //nolint:errorlint // never wrapped, by the rule of io.Reader
				err = nil
			}
			_ = response.Body.Close()
			return body, err
		}
	}
}

// maxReply is more than DynamoDB answers with: 16 MB of items.
const maxReply = 64 << 20

// noReply says that an attempt was sent and no reply came that could be read.
type noReply struct {
	text string
	err  error
}

func (e *noReply) Error() string { return "monotable: " + e.text }
func (e *noReply) Unwrap() error { return e.err }

// Timeout and RetryableError let the SDK retry it, like a timeout of the network.
func (*noReply) Timeout() bool        { return true }
func (*noReply) Temporary() bool      { return true }
func (*noReply) RetryableError() bool { return true }

var _ net.Error = (*noReply)(nil)

// mayHaveApplied says that the error of an attempt that was sent leaves open what the server did.
func mayHaveApplied(err error) bool {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return serverFault(api, err) || api.ErrorCode() == "TransactionInProgressException"
	}
	dial, ok := errors.AsType[*net.OpError](err)
	return !ok || dial.Op != "dial"
}

// serverFault says whether the answer leaves open what the server did.
func serverFault(api smithy.APIError, err error) bool {
	var reply interface{ HTTPStatusCode() int }
	if errors.As(err, &reply) {
		return reply.HTTPStatusCode() >= 500 && !throttleCodes[api.ErrorCode()]
	}
	return api.ErrorFault() == smithy.FaultServer
}

// callRetryer retries as the client's own retryer does, and where that gives up too soon or would do harm, as the call needs it.
type callRetryer struct {
	aws.Retryer
	*attempts

	inProgress, unanswered, conflicts, others int // tries so far
}

// GetAttemptToken keeps the rate limit of the client's own retryer, which the adaptive mode has.
func (r *callRetryer) GetAttemptToken(ctx context.Context) (func(error) error, error) {
	if v2, ok := r.Retryer.(aws.RetryerV2); ok {
		return v2.GetAttemptToken(ctx)
	}
	return r.Retryer.GetInitialToken(), nil
}

func (r *callRetryer) MaxAttempts() int {
	if most := r.Retryer.MaxAttempts(); most > 0 {
		return most + inProgressTries + tokenTries + conflictTries
	}
	return 0
}

func (r *callRetryer) IsErrorRetryable(err error) bool {
	switch r.kind(err) {
	case retryInProgress:
		r.inProgress++
		return r.inProgress < inProgressTries
	case retryConflict:
		r.conflicts++
		return r.conflicts < conflictTries
	case retryUnanswered:
		if r.resend == resendNever {
			return false
		}
		r.unanswered++
		if r.resend == resendByToken && r.unanswered < tokenTries {
			return r.Retryer.IsErrorRetryable(err)
		}
	}
	r.others++
	most := r.Retryer.MaxAttempts()
	return (most == 0 || r.others < most) && r.Retryer.IsErrorRetryable(err)
}

func (r *callRetryer) RetryDelay(attempt int, err error) (time.Duration, error) {
	switch r.kind(err) {
	case retryInProgress:
		return 500*time.Millisecond + retry.Backoff{Base: time.Second, Cap: time.Second}.Delay(0), nil
	case retryConflict:
		return soon.Delay(r.conflicts), nil
	case retryUnanswered:
		switch r.resend {
		case resendSoon:
			return soon.Delay(r.unanswered - 1), nil
		case resendByToken:
			return unanswered.Delay(r.unanswered - 1), nil
		}
	}
	// The tries above are not the client's, so its backoff does not count them.
	return r.Retryer.RetryDelay(max(attempt-r.inProgress-r.conflicts, 0), err)
}

type retryKind int

const (
	retryAsEver retryKind = iota
	retryInProgress
	retryConflict
	retryUnanswered
)

func (r *callRetryer) kind(err error) retryKind {
	switch {
	case errors.As(err, new(*types.TransactionInProgressException)):
		return retryInProgress
	case errors.As(err, new(*types.TransactionConflictException)), errors.As(err, new(*types.ReplicatedWriteConflictException)):
		return retryConflict
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sent && mayHaveApplied(err) {
		return retryUnanswered
	}
	return retryAsEver
}
