package work

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/monotable/monotable/memdb"
)

// replay is an HTTP client without a network. It asks the engine until it is told
// to stop, and gives the last answer to every request from then on: what is
// measured is the client's work alone.
type replay struct {
	engine  *memdb.Engine
	frozen  bool
	asked   int // requests to the engine
	header  http.Header
	body    []byte
	readers sync.Pool
}

// tlsRecord is what net/http hands out at a time.
const tlsRecord = 16 << 10

type replayBody struct {
	rest []byte
	of   *replay
}

func (b *replayBody) Read(p []byte) (int, error) {
	if len(b.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), tlsRecord)], b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

func (b *replayBody) Close() error {
	b.of.readers.Put(b)
	return nil
}

var scratch = sync.Pool{New: func() any { return new([4 << 10]byte) }}

// Do implements the HTTPClient of the SDK.
func (r *replay) Do(req *http.Request) (*http.Response, error) {
	if !r.frozen {
		return r.ask(req)
	}
	if req.Body != nil {
		b := scratch.Get().(*[4 << 10]byte)
		for {
			if _, err := req.Body.Read(b[:]); err != nil {
				break
			}
		}
		scratch.Put(b)
	}
	body, ok := r.readers.Get().(*replayBody)
	if !ok {
		body = &replayBody{of: r}
	}
	body.rest = r.body
	return &http.Response{
		StatusCode: http.StatusOK, Status: "200 OK", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: r.header, Body: body, ContentLength: int64(len(r.body)), Request: req,
	}, nil
}

func (r *replay) ask(req *http.Request) (*http.Response, error) {
	resp, err := r.engine.Do(req)
	if err != nil {
		return nil, err
	}
	r.body, err = io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return nil, err
	}
	r.asked++
	r.header = resp.Header
	resp.Body = io.NopCloser(bytes.NewReader(r.body))
	return resp, nil
}

var errSeveral = errors.New("the work takes more than one request")

// freeze does the work once, and has every later call answered as that one was.
func (r *replay) freeze(work func() (any, error)) error {
	r.asked = 0
	if _, err := work(); err != nil {
		return err
	}
	if r.asked != 1 {
		return errSeveral
	}
	r.frozen, r.engine = true, nil // its memory would be work for the collector
	return nil
}

// client is the SDK's own client on top of r.
func (r *replay) client() *dynamodb.Client {
	return dynamodb.NewFromConfig(aws.Config{
		Region:      "eu-west-1",
		Credentials: aws.NewCredentialsCache(credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "")),
		HTTPClient:  r,
	})
}

// newReplay has a table with the people in it.
func newReplay(people []Person) (*replay, error) {
	r := &replay{engine: memdb.New(memdb.Options{})}
	table, entity, err := declare(r.client())
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	if _, err := r.client().CreateTable(ctx, table.CreateInput()); err != nil {
		return nil, err
	}
	return r, entity.BatchPut(ctx, people)
}
