package memdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
)

// Options configure an [Engine]. The zero value is ready for use.
type Options struct {
	// Region stands in ARNs and is the region of clients. Defaults to us-east-1.
	Region string
	// Clock tells the time: of creation, of expiry, of idempotency tokens, of stream records.
	// It must be safe for concurrent use. Defaults to time.Now.
	Clock func() time.Time
	// Seed is where random identifiers come from; equal seeds give equal ones.
	Seed uint64
	// TableDelay is how long, on the clock, a table or global index is CREATING
	// or DELETING and a table UPDATING. Defaults to 0: it is done by the next call.
	TableDelay time.Duration
	// OnRecord is called for every change of an item, in the order of the changes,
	// whether or not the table has a stream. It runs under the engine's lock and
	// must not call the engine.
	OnRecord func(Record)
	// StreamShards is how many shards a stream begins with; items are spread over
	// them by partition key. 0 and less are 1. See also [Engine.RollShards].
	StreamShards int
	// Faults are what goes wrong; see also [Engine.SetFaults].
	Faults Faults
}

// Engine is one in-memory DynamoDB. Make it with [New]; the zero value is not
// usable. All methods may be called concurrently: each request takes effect at
// one moment, and none sees half of another.
type Engine struct {
	options Options
	faults  atomic.Pointer[Faults]
	serial  atomic.Uint64 // of requests

	mu       sync.RWMutex
	tables   map[string]*table
	tokens   map[string]token
	random   *rand.Rand
	sequence uint64    // of stream records
	shards   uint64    // ever opened
	streams  []*stream // of all tables, deleted ones too, the oldest first
}

// New makes an empty engine.
func New(options Options) *Engine {
	if options.Region == "" {
		options.Region = "us-east-1"
	}
	if options.Clock == nil {
		options.Clock = time.Now
	}
	e := &Engine{
		options: options, tables: map[string]*table{}, tokens: map[string]token{},
		random: rand.New(rand.NewPCG(options.Seed, 1)),
	}
	e.SetFaults(options.Faults)
	return e
}

// Client is a client of the SDK whose requests are answered by the engine without
// a socket. It reads no configuration of the machine. The functions may change its
// options; the SDK's retries, errors and middleware work as ever.
func (e *Engine) Client(optFns ...func(*dynamodb.Options)) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region: e.options.Region, BaseEndpoint: aws.String(nowhere), Credentials: aws.CredentialsProviderFunc(credentials), HTTPClient: e,
	}, optFns...)
}

// StreamsClient is [Engine.Client] for the streams of the same tables.
func (e *Engine) StreamsClient(optFns ...func(*dynamodbstreams.Options)) *dynamodbstreams.Client {
	return dynamodbstreams.New(dynamodbstreams.Options{
		Region: e.options.Region, BaseEndpoint: aws.String(nowhere), Credentials: aws.CredentialsProviderFunc(credentials), HTTPClient: e,
	}, optFns...)
}

// nowhere is an address that is never connected to.
const nowhere = "http://memdb.invalid"

func credentials(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "memdb", SecretAccessKey: "memdb"}, nil
}

// Handler speaks the JSON protocol of DynamoDB and of DynamoDB Streams.
func (e *Engine) Handler() http.Handler { return http.HandlerFunc(e.serveHTTP) }

// maxBody is more than the largest request the service takes, 16 MB as stored.
const maxBody = 64 << 20

func (e *Engine) serveHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		http.Error(w, "memdb speaks the DynamoDB protocol: POST with X-Amz-Target", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	a := e.answer(r.Header.Get("X-Amz-Target"), body)
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // whoever asked has gone away
}

// Do answers a request of an SDK client from memory. It makes the engine an
// HTTPClient for [dynamodb.Options]; it fails only if the request's context is done
// or its body cannot be read.
func (e *Engine) Do(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		if err := r.Body.Close(); err != nil {
			return nil, err
		}
	}
	a := e.answer(r.Header.Get("X-Amz-Target"), body)
	return &http.Response{
		Status:        fmt.Sprintf("%d %s", a.status, http.StatusText(a.status)),
		StatusCode:    a.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        a.header,
		Body:          io.NopCloser(strings.NewReader(string(a.body))),
		ContentLength: int64(len(a.body)),
		Request:       r,
	}, nil
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

func (e *Engine) answer(target string, body []byte) answer {
	a := answer{status: http.StatusOK}
	out, err := e.dispatch(target, body)
	if err != nil {
		failed := asAPIError(err)
		a.status, a.body = failed.status(), failed.body()
	} else {
		a.body = marshal(out)
	}
	a.header = http.Header{
		"Content-Type":     {"application/x-amz-json-1.0"},
		"Content-Length":   {strconv.Itoa(len(a.body))},
		"X-Amz-Crc32":      {strconv.FormatUint(uint64(crc32.ChecksumIEEE(a.body)), 10)},
		"X-Amzn-Requestid": {fmt.Sprintf("MEMDB%047d", e.serial.Add(1))},
	}
	return a
}

// operation is one operation of the protocol: it reads its own input.
type operation func(e *Engine, body []byte) (any, error)

func op[I, O any](f func(*Engine, *I) (*O, error)) operation {
	return func(e *Engine, body []byte) (any, error) {
		in := new(I)
		if len(body) > 0 {
			if err := json.Unmarshal(body, in); err != nil {
				return nil, malformed(err)
			}
		}
		return f(e, in)
	}
}

func malformed(err error) error {
	message := "Start of structure or map found where not expected"
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		message = fmt.Sprintf("Unexpected value type in payload: %s in field %s", wrong.Value, wrong.Field)
	}
	return &apiError{Type: "SerializationException", Message: message}
}

// operations are all that the engine answers, by target without the version.
var operations = map[string]operation{
	"DynamoDB.CreateTable":             op((*Engine).createTable),
	"DynamoDB.DescribeTable":           op((*Engine).describeTable),
	"DynamoDB.ListTables":              op((*Engine).listTables),
	"DynamoDB.DeleteTable":             op((*Engine).deleteTable),
	"DynamoDB.UpdateTable":             op((*Engine).updateTable),
	"DynamoDB.DescribeTimeToLive":      op((*Engine).describeTimeToLive),
	"DynamoDB.UpdateTimeToLive":        op((*Engine).updateTimeToLive),
	"DynamoDB.GetItem":                 op((*Engine).getItem),
	"DynamoDB.PutItem":                 op((*Engine).putItem),
	"DynamoDB.UpdateItem":              op((*Engine).updateItem),
	"DynamoDB.DeleteItem":              op((*Engine).deleteItem),
	"DynamoDB.Query":                   op((*Engine).query),
	"DynamoDB.Scan":                    op((*Engine).scan),
	"DynamoDB.BatchGetItem":            op((*Engine).batchGetItem),
	"DynamoDB.BatchWriteItem":          op((*Engine).batchWriteItem),
	"DynamoDB.TransactGetItems":        op((*Engine).transactGetItems),
	"DynamoDB.TransactWriteItems":      op((*Engine).transactWriteItems),
	"DynamoDB.TagResource":             op((*Engine).tagResource),
	"DynamoDB.UntagResource":           op((*Engine).untagResource),
	"DynamoDB.ListTagsOfResource":      op((*Engine).listTagsOfResource),
	"DynamoDB.DescribeLimits":          op((*Engine).describeLimits),
	"DynamoDB.DescribeEndpoints":       op((*Engine).describeEndpoints),
	"DynamoDBStreams.ListStreams":      op((*Engine).listStreams),
	"DynamoDBStreams.DescribeStream":   op((*Engine).describeStream),
	"DynamoDBStreams.GetShardIterator": op((*Engine).getShardIterator),
	"DynamoDBStreams.GetRecords":       op((*Engine).getRecords),
}

func (e *Engine) dispatch(target string, body []byte) (any, error) {
	service, name, ok := strings.Cut(target, ".")
	service, version, _ := strings.Cut(service, "_")
	run := operations[service+"."+name]
	if !ok || version != "20120810" || run == nil {
		return nil, &apiError{Type: "UnknownOperationException", Message: "memdb does not know the operation " + target}
	}
	if err := e.faulty(Call{Operation: name}); err != nil {
		return nil, err
	}
	return run(e, body)
}

func (e *Engine) now() time.Time { return e.options.Clock() }

const account = "000000000000"

func (e *Engine) arn(resource string) string {
	return "arn:aws:dynamodb:" + e.options.Region + ":" + account + ":" + resource
}

// newID is a random identifier in the form of a UUID. The caller has the lock.
func (e *Engine) newID() string {
	a, b := e.random.Uint64(), e.random.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>52, b&0xffffffffffff)
}

// table finds a table that can be read and written. The caller has the lock, at
// least for reading.
func (e *Engine) table(name string) (*table, error) {
	now := e.now()
	t := e.tables[tableName(name)]
	if t == nil || t.gone(now) || t.status(now) == statusCreating {
		return nil, notFound(msgNotFound)
	}
	return t, nil
}

// anyTable finds a table in whatever state.
func (e *Engine) anyTable(name string) (*table, error) {
	t := e.tables[tableName(name)]
	if t == nil || t.gone(e.now()) {
		return nil, notFound("Requested resource not found: Table: %s not found", tableName(name))
	}
	return t, nil
}

func (t *table) gone(now time.Time) bool { return !t.goneAt.IsZero() && !now.Before(t.goneAt) }

// token is a transaction that was made, remembered by its client token.
type token struct {
	request string
	expires time.Time
}
