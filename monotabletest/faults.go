package monotabletest

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// Fault is one misbehaviour of the server or of the way to it, as net/http would show it. do passes
// a request on to the real server; not calling it means that nothing arrives there. What do returns
// is in memory and may be thrown away. Those that this package makes keep no state: they may be used
// again, and by several goroutines.
type Fault func(r *http.Request, do func(*http.Request) (*http.Response, error)) (*http.Response, error)

// Request is one request of the SDK, to which each attempt is a request of its own.
type Request struct {
	Number    int    // the first is 1
	Operation string // such as PutItem
	Body      []byte // as the SDK sent it, whatever a fault made of it; not to be changed
	Faulted   bool   // a fault had it, or everything had stopped
	Status    int    // the HTTP status of the server's own answer; 0: the server gave none
}

// Applied says whether the server carried the request out, whatever the client came to see.
func (r Request) Applied() bool { return r.Status == http.StatusOK }

// Faults stands between SDK clients and a server, records every request and makes some go wrong. It
// is below the SDK, so the SDK's retries and error types are the real ones.
//
//	var faults monotabletest.Faults
//	client := faults.Client(monotabletest.Client(t))
//	faults.Script("PutItem", monotabletest.ReplyLost())
//
// The first of these that names a fault decides which one a request meets: StopAt, At, the script of
// its operation, the script of any operation, the rates in the order they were given. Chance depends
// on the seed and the request's number alone.
//
// The zero value passes everything on. It is safe for concurrent use, and is not to be copied after
// the first use.
type Faults struct {
	mu       sync.Mutex
	seed     uint64
	requests []*Request
	scripts  map[string][]Fault
	at       map[int]Fault
	rates    []rate
	stop     int  // from this request on nothing is sent; 0 for never
	last     bool // but the request of that number is still applied
	between  func(Request)
}

type rate struct {
	operation   string
	probability float64
	fault       Fault
}

// Client is a client like the one given whose requests meet the faults first. The given one stays as
// it is, for setting up and looking at what is stored; its retryer, retry quota included, serves both
// unless an option sets another. Several clients may share the faults; their requests are then
// counted together.
func (f *Faults) Client(client *dynamodb.Client, optFns ...func(*dynamodb.Options)) *dynamodb.Client {
	options := client.Options()
	options.HTTPClient = &faulty{faults: f, next: options.HTTPClient}
	return dynamodb.New(options, optFns...)
}

// Script gives faults to the next requests of an operation, one each; "" stands for any operation. A
// nil Fault lets a request pass, whatever the rates say. Further calls add to what is left.
func (f *Faults) Script(operation string, faults ...Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.scripts == nil {
		f.scripts = map[string][]Fault{}
	}
	f.scripts[operation] = append(f.scripts[operation], faults...)
}

// Rate gives the fault to requests of the operation, or of any if it is "", with a probability from
// 0 to 1.
func (f *Faults) Rate(operation string, probability float64, fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rates = append(f.rates, rate{operation, probability, fault})
}

// Seed sets what chance is drawn from; it is 0 without.
func (f *Faults) Seed(seed uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seed = seed
}

// At gives the fault to the n-th request overall; nil lets it pass.
func (f *Faults) At(n int, fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.at == nil {
		f.at = map[int]Fault{}
	}
	f.at[n] = fault
}

// StopAt makes the n-th request and all after it fail with [ErrStopped] and send nothing, as if the
// process had crashed before the n-th. Earlier ones under way come to their end. If fewer than n are
// recorded when all is done, the crash never came. Below 1 nothing stops.
func (f *Faults) StopAt(n int) { f.setStop(n, false) }

// StopAfter is StopAt with the n-th request still applied: the process crashed before the reply.
func (f *Faults) StopAfter(n int) { f.setStop(n, true) }

func (f *Faults) setStop(n int, last bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stop, f.last = n, last
}

// ErrStopped is what requests fail with after [Faults.StopAt]. The SDK does not retry it.
var ErrStopped error = stoppedError{}

type stoppedError struct{}

func (stoppedError) Error() string { return "monotabletest: stopped" }

// RetryableError is what the SDK's retryers ask.
func (stoppedError) RetryableError() bool { return false }

// Between sets a function that is called when the server has answered a request, before the reply is
// returned, changed or lost: the moment for another writer. It runs in the request's goroutine and
// may use any client; through one with the same faults it is called again. nil takes it away.
func (f *Faults) Between(hook func(Request)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.between = hook
}

// Requests are all requests since the start or the last Reset, by number.
func (f *Faults) Requests() []Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make([]Request, len(f.requests))
	for i, r := range f.requests {
		all[i] = *r
	}
	return all
}

// Reset forgets everything, as if f were new. Requests under way end as was decided before.
func (f *Faults) Reset() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seed, f.requests, f.scripts, f.at, f.rates, f.stop, f.last, f.between = 0, nil, nil, nil, nil, 0, false, nil
}

// arrive records a request and chooses its fault.
func (f *Faults) arrive(operation string, body []byte) (*Request, Fault, *rand.Rand) {
	f.mu.Lock()
	defer f.mu.Unlock()
	record := &Request{Number: len(f.requests) + 1, Operation: operation, Body: body}
	f.requests = append(f.requests, record)
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], f.seed)
	binary.LittleEndian.PutUint64(key[8:], uint64(record.Number))
	dice := rand.New(rand.NewChaCha8(key))
	fault := f.choose(record, dice)
	record.Faulted = fault != nil
	return record, fault, dice
}

func (f *Faults) choose(r *Request, dice *rand.Rand) Fault {
	if f.stop > 0 && r.Number >= f.stop {
		if f.last && r.Number == f.stop {
			return AfterApplying(stopped)
		}
		return stopped
	}
	if fault, ok := f.at[r.Number]; ok {
		return fault
	}
	for _, name := range []string{r.Operation, ""} {
		if script := f.scripts[name]; len(script) > 0 {
			f.scripts[name] = script[1:]
			return script[0]
		}
	}
	for _, rate := range f.rates {
		if (rate.operation == "" || rate.operation == r.Operation) && dice.Float64() < rate.probability {
			return rate.fault
		}
	}
	return nil
}

func stopped(*http.Request, func(*http.Request) (*http.Response, error)) (*http.Response, error) {
	return nil, ErrStopped
}

// answered records the server's answer and lets the hook in.
func (f *Faults) answered(record *Request, status int) {
	f.mu.Lock()
	record.Status = status
	hook, seen := f.between, *record
	f.mu.Unlock()
	if hook != nil {
		hook(seen)
	}
}

// faulty is the HTTP client of one SDK client.
type faulty struct {
	faults *Faults
	next   dynamodb.HTTPClient
}

// Do sends a request through its fault.
func (c *faulty) Do(r *http.Request) (*http.Response, error) {
	body, err := drain(r.Body)
	if err != nil {
		return nil, err
	}
	r = seen(c.next, r)
	record, fault, dice := c.faults.arrive(operation(r), body)
	do := func(r *http.Request) (*http.Response, error) {
		if sent, ok := r.Body.(*content); ok { // perhaps read by now
			r = withBody(r, sent.data)
			r.Body = io.NopCloser(bytes.NewReader(sent.data)) // which net/http knows to be in memory
		}
		resp, err := c.next.Do(r)
		if err != nil {
			return nil, err
		}
		// To the end, so that the server is surely done and the connection can be used again.
		answer, err := drain(resp.Body)
		if err != nil {
			return nil, err
		}
		resp.Body = newContent(answer)
		c.faults.answered(record, resp.StatusCode)
		return resp, nil
	}
	r = withBody(r, body)
	if fault == nil {
		return do(r)
	}
	return fault(r.WithContext(context.WithValue(r.Context(), turnKey{}, turn{record.Number, dice})), do)
}

func (c *faulty) seen(r *http.Request) *http.Request { return seen(c.next, r) }

// turn is what the faults of this package know beside the request.
type turn struct {
	number int
	dice   *rand.Rand
}

type turnKey struct{}

// turnOf works for requests that a caller's Fault made up, too.
func turnOf(r *http.Request) turn {
	if t, ok := r.Context().Value(turnKey{}).(turn); ok {
		return t
	}
	return turn{dice: rand.New(rand.NewPCG(0, 0))}
}

// operation is the name of what a request asks for.
func operation(r *http.Request) string {
	target := r.Header.Get("X-Amz-Target")
	return target[strings.LastIndexByte(target, '.')+1:]
}

// content is a body in memory, with all of it beside what is still to be read.
type content struct {
	io.Reader
	data []byte
}

func newContent(data []byte) *content { return &content{bytes.NewReader(data), data} }

// Close does nothing.
func (*content) Close() error { return nil }

// drain reads a body to its end.
func drain(body io.ReadCloser) ([]byte, error) {
	if body == nil {
		return nil, nil
	}
	data, err := io.ReadAll(body)
	if closeErr := body.Close(); err == nil {
		err = closeErr
	}
	return data, err
}

// withBody is the request with another body.
func withBody(r *http.Request, body []byte) *http.Request {
	r = r.WithContext(r.Context()) // a copy
	r.Body, r.GetBody, r.ContentLength = newContent(body), nil, int64(len(body))
	return r
}
