package monotabletest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// DynamoDB Local keeps four threads for each database, for as long as it runs, and they are never quite idle. So a test that is over leaves its database to
// the next one, unless a later test could see anything of it.

const region = "us-east-1"

// pool has the databases of each endpoint that nobody uses and that are empty.
var pool = struct {
	sync.Mutex
	free map[string][]*database
}{free: map[string][]*database{}}

// database is one of a server's: what it keeps for an access key and a region.
type database struct {
	endpoint string
	key      string
	tokens   map[string]bool // of transactions. The server remembers them after their tables are gone
}

func takeDatabase(endpoint string) *database {
	pool.Lock()
	defer pool.Unlock()
	if free := pool.free[endpoint]; len(free) > 0 {
		last := len(free) - 1
		pool.free[endpoint] = free[:last]
		return free[last]
	}
	return &database{endpoint: endpoint, key: randomKey(), tokens: map[string]bool{}}
}

func (d *database) giveBack() {
	pool.Lock()
	defer pool.Unlock()
	pool.free[d.endpoint] = append(pool.free[d.endpoint], d)
}

func randomKey() string {
	b := make([]byte, 10)
	_, _ = rand.Read(b) // never fails
	return "key" + hex.EncodeToString(b)
}

// tenancy is one test's use of a database: the credentials and the HTTP client of its clients, until the test is over.
type tenancy struct {
	database *database
	host     string
	client   *http.Client
	test     string

	mu       sync.Mutex
	signed   int // how often the credentials were asked for
	counted  int // requests with them that came here, or would have but for a fault
	inFlight int
	over     chan struct{}     // not nil when the test is over; closed when the last request under way has ended
	tables   map[string]bool   // that this test has created
	tokens   map[string]string // of this test's transactions, as they are sent
	lasting  string            // what a later test could see, the first of it
}

func newTenancy(t testing.TB, endpoint string) *tenancy {
	host := ""
	if u, err := url.Parse(endpoint); err == nil {
		host = u.Host
	}
	tn := &tenancy{
		database: takeDatabase(endpoint), host: host, test: t.Name(),
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: time.Minute},
		tables: map[string]bool{}, tokens: map[string]string{},
	}
	t.Cleanup(func() {
		if tn.end() == nil && !t.Failed() {
			tn.database.giveBack()
		}
	})
	return tn
}

func (tn *tenancy) sdk(client dynamodb.HTTPClient, credentials aws.CredentialsProvider) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region: region, BaseEndpoint: aws.String(tn.database.endpoint), Credentials: credentials, HTTPClient: client,
	})
}

// Retrieve gives the access key, as credentials of the SDK.
func (tn *tenancy) Retrieve(context.Context) (aws.Credentials, error) {
	tn.mu.Lock()
	defer tn.mu.Unlock()
	if tn.over != nil {
		return aws.Credentials{}, overError(tn.test)
	}
	tn.signed++
	return tn.identity(), nil
}

func (tn *tenancy) identity() aws.Credentials {
	return aws.Credentials{AccessKeyID: tn.database.key, SecretAccessKey: "secret"}
}

// overError is what requests fail with when their test is over. The SDK does not retry it.
type overError string

func (e overError) Error() string {
	return fmt.Sprintf("monotabletest: the test %s is over", string(e))
}

// RetryableError is what the SDK's retryers ask.
func (overError) RetryableError() bool { return false }

// Do sends a request, and notes what it leaves behind.
func (tn *tenancy) Do(r *http.Request) (*http.Response, error) {
	body, err := drain(r.Body)
	if err != nil {
		return nil, err
	}
	if body, err = tn.begin(r, body); err != nil {
		return nil, err
	}
	if r.Body != nil {
		// net/http knows this one to be in memory. The SDK's own wrapper makes it drop the connection when a server on this machine answers very fast.
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	resp, err := tn.client.Do(r) //nolint:gosec // the test's own endpoint
	tn.finish(r, body, resp, err)
	return resp, err
}

func (tn *tenancy) begin(r *http.Request, body []byte) ([]byte, error) {
	tn.mu.Lock()
	defer tn.mu.Unlock()
	if tn.over != nil {
		return nil, overError(tn.test)
	}
	tn.inFlight++
	if r.Context().Value(seenKey{}) == nil {
		tn.count(r)
	}
	if operation(r) == "TransactWriteItems" {
		body = tn.withToken(body)
	}
	return body, nil
}

func (tn *tenancy) count(r *http.Request) {
	if tn.own(r) {
		tn.counted++
	}
}

type seenKey struct{}

// seen tells the client below of a request that a fault may keep from it.
func seen(next dynamodb.HTTPClient, r *http.Request) *http.Request {
	if next, ok := next.(interface {
		seen(*http.Request) *http.Request
	}); ok {
		return next.seen(r)
	}
	return r
}

// seen counts a request once, however often it is sent.
func (tn *tenancy) seen(r *http.Request) *http.Request {
	if r.Context().Value(seenKey{}) != nil {
		return r
	}
	tn.mu.Lock()
	defer tn.mu.Unlock()
	tn.count(r)
	return r.WithContext(context.WithValue(r.Context(), seenKey{}, true))
}

// own says whether a request is for the database of the test, not for that of other credentials.
func (tn *tenancy) own(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Authorization"), "Credential="+tn.database.key+"/")
}

// A token of this length is by chance, or at least of a test's own.
const randomToken = 26

// withToken replaces the token of a transaction if an earlier test has sent the same to the database, which would carry out nothing.
func (tn *tenancy) withToken(body []byte) []byte {
	var in struct{ ClientRequestToken string }
	if json.Unmarshal(body, &in) != nil || in.ClientRequestToken == "" {
		return body
	}
	token := in.ClientRequestToken
	if len(token) < randomToken {
		tn.leave("a token of a transaction")
		return body
	}
	own, known := tn.tokens[token]
	switch {
	case known:
	case tn.database.tokens[token]:
		own = (rand.Text() + rand.Text())[:len(token)]
	default:
		own = token
	}
	tn.tokens[token] = own
	if own == token {
		return body
	}
	const field = `"ClientRequestToken":"%s"`
	return bytes.Replace(body, fmt.Appendf(nil, field, token), fmt.Appendf(nil, field, own), 1)
}

func (tn *tenancy) leave(what string) {
	if tn.lasting == "" {
		tn.lasting = what
	}
}

func (tn *tenancy) finish(r *http.Request, body []byte, resp *http.Response, err error) {
	tn.mu.Lock()
	defer tn.mu.Unlock()
	tn.note(r, body, resp, err)
	tn.inFlight--
	if tn.over != nil && tn.inFlight == 0 {
		close(tn.over)
	}
}

// note keeps in mind what a later test could see of a request.
func (tn *tenancy) note(r *http.Request, body []byte, resp *http.Response, err error) {
	switch {
	case !tn.own(r):
	case err != nil:
		tn.leave("a request that has no answer and may yet be carried out")
	case r.URL.Host != tn.host || !strings.Contains(r.Header.Get("Authorization"), "/"+region+"/dynamodb/"):
		tn.leave("a database elsewhere")
	case resp.StatusCode >= 400 && resp.StatusCode < 500: // refused
	default:
		tn.noteOperation(strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "DynamoDB_20120810."), body)
	}
}

func (tn *tenancy) noteOperation(target string, body []byte) {
	switch target {
	case "GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan",
		"BatchGetItem", "BatchWriteItem", "TransactGetItems", "TransactWriteItems",
		"DescribeTable", "ListTables", "DeleteTable", "DescribeTimeToLive": // all that they leave is in a table
	case "CreateTable", "UpdateTable":
		var in struct {
			TableName                   string
			StreamSpecification         json.RawMessage
			GlobalSecondaryIndexUpdates json.RawMessage
		}
		if json.Unmarshal(body, &in) != nil || in.StreamSpecification != nil {
			tn.leave("a stream") // of which the records stay
		}
		if in.GlobalSecondaryIndexUpdates != nil {
			tn.leave("an index on its way") // another table of the name may meet it
		}
		if target == "CreateTable" {
			tn.tables[in.TableName] = true
		}
	default: // such as UpdateTimeToLive: the server deletes what is expired when it finds the time
		tn.leave(target)
	}
}

// end refuses further requests and empties the database. It fails if there is anything left that a later test could see.
func (tn *tenancy) end() error {
	defer tn.client.CloseIdleConnections()
	remains := tn.close()
	if tn.counted == 0 {
		return remains
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	own := tn.sdk(tn.client, aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return tn.identity(), nil }))
	once := dynamodb.New(own.Options(), func(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} }) // the server may have gone before
	return errors.Join(remains, tn.empty(ctx, once))
}

// patience is for requests that are under way when a test is over, and for the deletion of what it leaves.
const patience = 10 * time.Second

// close refuses further requests and waits for those under way.
func (tn *tenancy) close() error {
	tn.mu.Lock()
	over := make(chan struct{})
	tn.over = over
	if tn.inFlight == 0 {
		close(over)
	}
	tn.mu.Unlock()
	select {
	case <-over:
	case <-time.After(patience):
		return errors.New("a request is under way")
	}
	tn.mu.Lock()
	defer tn.mu.Unlock()
	for _, own := range tn.tokens {
		tn.database.tokens[own] = true
	}
	switch {
	case tn.lasting != "":
		return errors.New(tn.lasting)
	case tn.signed != tn.counted:
		return errors.New("a request that was signed and not seen")
	}
	return nil
}

// empty deletes the tables that the test has created. Others are there if the server has one database for all access keys.
func (tn *tenancy) empty(ctx context.Context, client *dynamodb.Client) error {
	tn.mu.Lock()
	created := maps.Clone(tn.tables)
	tn.mu.Unlock()
	for {
		out, err := client.ListTables(ctx, &dynamodb.ListTablesInput{})
		if err != nil || len(out.TableNames) == 0 {
			return err
		}
		var others error
		for _, name := range out.TableNames {
			if !created[name] {
				others = fmt.Errorf("table %s is another test's", name)
			} else if err := deleteTable(ctx, client, name); err != nil {
				return err
			}
		}
		if others != nil {
			return others
		}
	}
}

func deleteTable(ctx context.Context, client *dynamodb.Client, name string) error {
	_, err := client.UpdateTable(ctx, &dynamodb.UpdateTableInput{TableName: &name, DeletionProtectionEnabled: aws.Bool(false)})
	if err != nil {
		return err
	}
	_, err = client.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &name})
	return err
}
