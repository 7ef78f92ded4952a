package monotable_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/monotable/monotable/monotabletest"
)

// linWeather is what goes wrong between the clients and the server.
type linWeather struct {
	monotabletest.Faults
	virtual bool // time costs nothing, so that requests may take some
	late    sync.WaitGroup

	slowRetries   bool // even where time is real, so that others come between
	lateCreates   bool
	openConflicts bool
	faults        atomic.Int64

	mu      sync.Mutex
	dice    *rand.Rand
	applied map[string]bool   // by the token of a transaction
	seen    map[string]int    // how often, likewise
	replies map[string][]byte // of reads, for stale ones
}

type (
	linDo    = func(*http.Request) (*http.Response, error)
	linFault = monotabletest.Fault
)

func newLinWeather(seed uint64, virtual bool) *linWeather {
	w := &linWeather{virtual: virtual, dice: rand.New(rand.NewPCG(seed, 1)), applied: map[string]bool{}, seen: map[string]int{}, replies: map[string][]byte{}}
	w.Seed(seed)
	w.Between(func(r monotabletest.Request) {
		if token := linToken(r.Body); token != "" && r.Applied() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.applied[token] = true
		}
	})
	return w
}

func linToken(body []byte) string {
	var in struct{ ClientRequestToken string }
	_ = json.Unmarshal(body, &in)
	return in.ClientRequestToken
}

// client sends through the weather. The retry quota is the SDK's own, or else every retry is paid for.
func (w *linWeather) client(next *dynamodb.Client, quota bool) *dynamodb.Client {
	return w.Client(next, func(o *dynamodb.Options) {
		o.Retryer = retry.NewStandard(func(s *retry.StandardOptions) {
			s.MaxAttempts = 4
			s.Backoff = linBackoff{w}
			if !quota {
				s.RateLimiter = ratelimit.None
			}
		})
	})
}

// linBackoff is the SDK's wait between attempts: none to speak of where time is real.
type linBackoff struct{ w *linWeather }

func (b linBackoff) BackoffDelay(int, error) (time.Duration, error) {
	switch {
	case !b.w.virtual && b.w.slowRetries:
		return b.w.upTo(20 * time.Millisecond), nil
	case !b.w.virtual:
		return 1, nil
	}
	return b.w.upTo(30 * time.Millisecond), nil
}

func (w *linWeather) upTo(d time.Duration) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return 1 + time.Duration(w.dice.Int64N(int64(d)))
}

// pause is time that passes, where it is virtual.
func (w *linWeather) pause(d time.Duration) {
	if w.virtual {
		time.Sleep(w.upTo(d))
	}
}

var linWrites = []string{"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"}

// calm lets requests take their time, in both directions.
func (w *linWeather) calm() { w.Rate("", 1, w.taking(nil)) }

// taking gives a fault, or none, the way there and back.
func (w *linWeather) taking(fault linFault) linFault {
	return func(r *http.Request, do linDo) (*http.Response, error) {
		body, err := linBody(r)
		if err != nil {
			return nil, err
		}
		if token := linToken(body); token != "" {
			w.mu.Lock()
			w.seen[token]++
			w.mu.Unlock()
		}
		w.pause(4 * time.Millisecond)
		defer w.pause(4 * time.Millisecond)
		if fault == nil {
			return do(r)
		}
		w.faults.Add(1)
		return fault(r, do)
	}
}

// storm is a bit of everything. About one write in five meets something, one in nine in a way that leaves its outcome open.
func (w *linWeather) storm() {
	for _, f := range []struct {
		share float64
		fault linFault
	}{
		{0.03, monotabletest.Throttle("")},
		{0.01, monotabletest.NotSent()},
		{0.02, monotabletest.InternalServerError()},
		{0.02, monotabletest.AfterApplying(monotabletest.InternalServerError())},
		{0.03, monotabletest.ReplyLost()},
		{0.01, monotabletest.SendingBroken()},
		{0.005, monotabletest.Silent()},
		{0.005, monotabletest.AfterApplying(monotabletest.Silent())},
		{0.005, monotabletest.Garbled()},
		{0.005, monotabletest.Truncated(1)},
		{0.005, monotabletest.Empty()},
		{0.005, monotabletest.HTML(http.StatusBadGateway)},
	} {
		w.Rate("", f.share, w.taking(f.fault))
	}
	for _, operation := range linWrites {
		w.Rate(operation, 0.03, w.taking(w.applyLate))
		w.Rate(operation, 0.02, w.taking(w.conflict))
	}
	w.calm()
}

// crossing is for transactions: many late ones, many conflicts, many lost replies.
func (w *linWeather) crossing() {
	for _, fault := range []linFault{w.applyLate, monotabletest.ReplyLost(), w.conflict} {
		w.Rate("TransactWriteItems", 0.2, w.taking(fault))
	}
	w.calm()
}

// lost is replies that do not come, and nothing else.
func (w *linWeather) lost() {
	for _, operation := range linWrites {
		w.Rate(operation, 0.1, w.taking(monotabletest.ReplyLost()))
	}
	w.calm()
}

// lateness is requests that break and are carried out late, Creates too.
func (w *linWeather) lateness() {
	w.lateCreates = true
	for _, operation := range linWrites {
		w.Rate(operation, 0.2, w.taking(w.applyLate))
	}
	w.calm()
}

// applyLate breaks the connection and has the server carry the request out later, when others may have written. Not a Create, unless
// w.lateCreates: once the item that was in its way is deleted its condition, that nothing is there, holds, whatever the client was told
// before. TestLinearLateCreates shows it.
func (w *linWeather) applyLate(r *http.Request, do linDo) (*http.Response, error) {
	body, err := linBody(r)
	if err != nil {
		return nil, err
	}
	if !w.lateCreates && bytes.Contains(body, []byte("attribute_not_exists")) {
		return monotabletest.ReplyLost()(r, do)
	}
	wait := w.upTo(300 * time.Millisecond)
	if !w.virtual {
		wait /= 4
	}
	later := r.WithContext(context.WithoutCancel(r.Context()))
	w.late.Go(func() {
		time.Sleep(wait)
		_, _ = do(later)
	})
	return monotabletest.SendingBroken()(r, do)
}

// conflict is a collision with a transaction. It meets the first attempt of a transaction: one that was carried out the service does not
// try again. With w.openConflicts it meets all that are not known to have been carried out, such as one whose first attempt is late.
func (w *linWeather) conflict(r *http.Request, do linDo) (*http.Response, error) {
	body, err := linBody(r)
	if err != nil {
		return nil, err
	}
	token := linToken(body)
	w.mu.Lock()
	spared := w.applied[token] || w.seen[token] > 1 && !w.openConflicts
	w.mu.Unlock()
	if spared {
		return do(r)
	}
	return monotabletest.TransactionConflict()(r, do)
}

// linBody reads a request's body and leaves it there.
func linBody(r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.ContentLength = int64(len(body))
	return body, err
}

// The following are lies, which the checker must find.

// losing acknowledges some writes that it does not carry out.
func (w *linWeather) losing() {
	w.Rate("PutItem", 0.02, func(*http.Request, linDo) (*http.Response, error) { return linReply([]byte("{}")), nil })
	w.calm()
}

// forgetful answers some reads with what was the truth when it was asked before.
func (w *linWeather) forgetful() {
	w.Rate("GetItem", 0.02, w.taking(w.stale))
	w.Rate("GetItem", 1, w.taking(w.remember))
	w.calm()
}

// stale answers a read with what was the truth when it was asked before.
func (w *linWeather) stale(r *http.Request, do linDo) (*http.Response, error) {
	asked, err := linBody(r)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	old := w.replies[string(asked)]
	w.mu.Unlock()
	if old != nil {
		return linReply(old), nil
	}
	return w.remember(r, do)
}

// remember keeps the reply for stale.
func (w *linWeather) remember(r *http.Request, do linDo) (*http.Response, error) {
	asked, err := linBody(r)
	if err != nil {
		return nil, err
	}
	resp, err := do(r)
	if err != nil {
		return nil, err
	}
	answer, err := io.ReadAll(resp.Body)
	resp.Body = io.NopCloser(bytes.NewReader(answer))
	w.mu.Lock()
	defer w.mu.Unlock()
	w.replies[string(asked)] = answer
	return resp, err
}

func linReply(body []byte) *http.Response {
	return &http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}, "X-Amzn-Requestid": {"made-up"}},
		Body:   io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
	}
}
