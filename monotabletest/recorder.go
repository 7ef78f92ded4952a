package monotabletest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// Recorder stands below SDK clients, as [Faults] does, and records what they send, so that a test can say how many requests something takes.
//
//	var rec monotabletest.Recorder
//	table := monotabletest.TableOn(t, rec.Client(monotabletest.Client(t)), cfg)
//	rec.Expect(t, 1, func() { … })
//
// It records the creation of the table too: count with During or Expect, or Reset it when the table is there. Each attempt of the SDK is a request. Over a client of [Faults] it records what the SDK sends, below one what reaches the server. The zero value is ready.
// It is safe for concurrent use, and is not to be copied after the first use.
type Recorder struct {
	mu   sync.Mutex
	sent []*Sent
}

// Sent is one request as a [Recorder] saw it.
type Sent struct {
	Number    int    // the first is 1
	Operation string // such as Query
	Table     string // its name; of a batch or transaction over several all names, sorted, with commas between; "" for operations on none
	Index     string // "" for the table itself
	Attempt   int    // of the SDK: the first is 1, further ones are retries
	Body      []byte // JSON; not to be changed
	Status    int    // HTTP status of the answer; 0 while there is none
}

// String says what was sent, without values: "Query app/GSI1".
func (s Sent) String() string {
	text := s.Operation
	if s.Table != "" {
		text += " " + s.Table
	}
	if s.Index != "" {
		text += "/" + s.Index
	}
	if s.Attempt > 1 {
		text += fmt.Sprintf(", attempt %d", s.Attempt)
	}
	switch s.Status {
	case http.StatusOK:
	case 0:
		text += ", no answer"
	default:
		text += fmt.Sprintf(", status %d", s.Status)
	}
	return text
}

// Client is a client like the one given whose requests are recorded. The given one stays as it is, for setting up and looking at what is stored.
// Several clients may share a recorder.
func (r *Recorder) Client(client *dynamodb.Client, optFns ...func(*dynamodb.Options)) *dynamodb.Client {
	options := client.Options()
	options.HTTPClient = &recording{recorder: r, next: options.HTTPClient}
	return dynamodb.New(options, optFns...)
}

// Requests are all requests since the start or the last Reset, in the order in which they were sent.
func (r *Recorder) Requests() []Sent { return r.since(0) }

func (r *Recorder) since(n int) []Sent {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := []Sent{}
	for _, s := range r.sent[min(n, len(r.sent)):] {
		all = append(all, *s)
	}
	return all
}

// Count is how many requests of an operation there were, retries included; "" counts all.
func (r *Recorder) Count(operation string) int {
	n := 0
	for _, s := range r.Requests() {
		if operation == "" || s.Operation == operation {
			n++
		}
	}
	return n
}

// Reset forgets all requests. It must not be called while During or Expect runs.
func (r *Recorder) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sent = nil
}

// During gives the requests that are sent while do runs, by whomever.
func (r *Recorder) During(do func()) []Sent {
	before := len(r.Requests())
	do()
	return r.since(before)
}

// Expect runs do, and has the test fail, with a list of what was sent, unless that were n requests. It gives the list.
func (r *Recorder) Expect(t testing.TB, n int, do func()) []Sent {
	t.Helper()
	sent := r.During(do)
	if len(sent) != n {
		t.Errorf("%d requests were sent, expected %d%s", len(sent), n, list(sent))
	}
	return sent
}

func list(sent []Sent) string {
	var text strings.Builder
	for i, s := range sent {
		fmt.Fprintf(&text, "\n%4d. %s", i+1, s)
	}
	return text.String()
}

func (r *Recorder) arrive(s *Sent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.Number = len(r.sent) + 1
	r.sent = append(r.sent, s)
}

func (r *Recorder) answered(s *Sent, status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.Status = status
}

// recording is the HTTP client of one SDK client.
type recording struct {
	recorder *Recorder
	next     dynamodb.HTTPClient
}

// Do records a request and passes it on.
func (c *recording) Do(r *http.Request) (*http.Response, error) {
	body, err := drain(r.Body)
	if err != nil {
		return nil, err
	}
	sent := &Sent{Operation: operation(r), Attempt: 1, Body: body}
	sent.Table, sent.Index = addressed(body)
	_, _ = fmt.Sscanf(r.Header.Get("Amz-Sdk-Request"), "attempt=%d", &sent.Attempt)
	c.recorder.arrive(sent)
	r = r.WithContext(r.Context()) // a copy
	r.Body = io.NopCloser(bytes.NewReader(body))
	resp, err := c.next.Do(r)
	if err != nil {
		return nil, err
	}
	c.recorder.answered(sent, resp.StatusCode)
	return resp, nil
}

func (c *recording) seen(r *http.Request) *http.Request { return seen(c.next, r) }

// addressed finds the tables and the index of a request.
func addressed(body []byte) (table, index string) {
	var in struct {
		TableName, IndexName string
		RequestItems         map[string]json.RawMessage
		TransactItems        []map[string]struct{ TableName string }
	}
	if json.Unmarshal(body, &in) != nil {
		return "", ""
	}
	tables := map[string]bool{}
	if in.TableName != "" {
		tables[in.TableName] = true
	}
	for name := range in.RequestItems {
		tables[name] = true
	}
	for _, action := range in.TransactItems {
		for _, of := range action {
			tables[of.TableName] = true
		}
	}
	return strings.Join(slices.Sorted(maps.Keys(tables)), ","), in.IndexName
}
