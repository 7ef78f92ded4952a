package monotabletest_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/monotabletest"
)

// keptServer keeps a database for each access key, as DynamoDB Local does, or one for all.
type keptServer struct {
	*httptest.Server
	mu      sync.Mutex
	engines map[string]http.Handler
	log     []string // key and operation of each request that was answered
	hold    chan struct{}
}

var keyOf = regexp.MustCompile(`Credential=([^/]+)/`)

func newKeptServer(t *testing.T, shared bool) *keptServer {
	s := &keptServer{engines: map[string]http.Handler{}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := keyOf.FindStringSubmatch(r.Header.Get("Authorization"))[1]
		name := key
		if shared {
			name = ""
		}
		s.mu.Lock()
		engine := s.engines[name]
		if engine == nil {
			engine = memdb.New(memdb.Options{}).Handler()
			s.engines[name] = engine
		}
		hold := s.hold
		s.mu.Unlock()
		if hold != nil {
			hold <- struct{}{}
			<-hold
		}
		engine.ServeHTTP(w, r)
		_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		s.mu.Lock()
		defer s.mu.Unlock()
		s.log = append(s.log, key+" "+operation)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *keptServer) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.log...)
}

// key is the access key that a client signs with.
func key(t *testing.T, client *dynamodb.Client) string {
	t.Helper()
	var seen string
	options := client.Options()
	next := options.HTTPClient
	options.HTTPClient = httpClientFunc(func(r *http.Request) (*http.Response, error) {
		seen = keyOf.FindStringSubmatch(r.Header.Get("Authorization"))[1]
		return next.Do(r)
	})
	_, err := dynamodb.New(options).ListTables(t.Context(), &dynamodb.ListTablesInput{})
	require.NoError(t, err)
	return seen
}

type httpClientFunc func(*http.Request) (*http.Response, error)

func (f httpClientFunc) Do(r *http.Request) (*http.Response, error) { return f(r) }

// onServers runs a test on servers with many databases. On DynamoDB Local the pool is that of all tests of the package: these are not parallel.
func onServers(t *testing.T, test func(t *testing.T, endpoint string)) {
	t.Helper()
	t.Run("memdb", func(t *testing.T) { test(t, newKeptServer(t, false).URL) })
	if endpoint := monotabletest.Endpoint(t); endpoint != "" {
		t.Run("server", func(t *testing.T) { test(t, endpoint) })
	}
}

// one runs a test with a database, and says which it was.
func one(t *testing.T, endpoint string, test func(t *testing.T, client *dynamodb.Client)) (used string) {
	t.Helper()
	require.True(t, t.Run("", func(t *testing.T) {
		client := monotabletest.ClientAt(t, endpoint)
		used = key(t, client)
		test(t, client)
	}))
	return used
}

func nothing(*testing.T, *dynamodb.Client) {}

// leave makes tables of which one is protected, and leaves them with an item in each.
func leave(t *testing.T, client *dynamodb.Client) {
	t.Helper()
	for _, name := range []string{"one", "two"} {
		table, err := monotable.NewTable(client, monotable.TableConfig{Name: name, PartitionKey: "PK"})
		require.NoError(t, err)
		in := table.CreateInput()
		in.DeletionProtectionEnabled = aws.Bool(name == "two")
		_, err = client.CreateTable(t.Context(), in)
		require.NoError(t, err)
		_, err = client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &name, Item: item("left")})
		require.NoError(t, err)
	}
}

// A database is used again when its test is over, and then holds nothing.
func TestDatabase_UsedAgain(t *testing.T) {
	onServers(t, func(t *testing.T, endpoint string) {
		first := one(t, endpoint, leave)
		second := one(t, endpoint, func(t *testing.T, client *dynamodb.Client) {
			tables, err := client.ListTables(t.Context(), &dynamodb.ListTablesInput{})
			require.NoError(t, err)
			require.Empty(t, tables.TableNames)
			require.NotEqual(t, key(t, client), key(t, monotabletest.ClientAt(t, endpoint)), "two clients of one test")
		})
		require.Equal(t, first, second)
		require.Equal(t, first, one(t, endpoint, nothing))
	})
}

// What a fault kept from the server was sent nowhere else.
func TestDatabase_UsedAgainAfterFaults(t *testing.T) {
	onServers(t, func(t *testing.T, endpoint string) {
		first := one(t, endpoint, func(t *testing.T, client *dynamodb.Client) {
			var faults monotabletest.Faults
			var rec monotabletest.Recorder
			leave(t, client)
			faulty := faults.Client(rec.Client(client), atOnce)
			for _, fault := range []monotabletest.Fault{monotabletest.NotSent(), monotabletest.ReplyLost(), monotabletest.InternalServerError(), monotabletest.Empty()} {
				faults.Script("", fault)
				_, err := faulty.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String("one")})
				require.NoError(t, err)
			}
			require.Len(t, faults.Requests(), 7)
		})
		require.Equal(t, first, one(t, endpoint, nothing))
	})
}

// A database that something is left in, or that may yet change, is not used again.
func TestDatabase_NotUsedAgain(t *testing.T) {
	update := func(change func(*dynamodb.UpdateTableInput)) func(*testing.T, *dynamodb.Client) {
		return func(t *testing.T, client *dynamodb.Client) {
			leave(t, client)
			in := &dynamodb.UpdateTableInput{TableName: aws.String("one")}
			change(in)
			_, err := client.UpdateTable(t.Context(), in)
			require.NoError(t, err)
		}
	}
	get := &dynamodb.GetItemInput{TableName: aws.String("one"), Key: item("left")}
	for name, test := range map[string]func(*testing.T, *dynamodb.Client){
		"a stream": update(func(in *dynamodb.UpdateTableInput) {
			in.StreamSpecification = &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeKeysOnly}
		}),
		"an index on its way": update(func(in *dynamodb.UpdateTableInput) {
			in.AttributeDefinitions = []types.AttributeDefinition{{AttributeName: aws.String("g"), AttributeType: types.ScalarAttributeTypeS}}
			in.GlobalSecondaryIndexUpdates = []types.GlobalSecondaryIndexUpdate{{Create: &types.CreateGlobalSecondaryIndexAction{
				IndexName:  aws.String("GSI1"),
				KeySchema:  []types.KeySchemaElement{{AttributeName: aws.String("g"), KeyType: types.KeyTypeHash}},
				Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll},
			}}}
		}),
		"time to live": func(t *testing.T, client *dynamodb.Client) {
			leave(t, client)
			_, err := client.UpdateTimeToLive(t.Context(), &dynamodb.UpdateTimeToLiveInput{
				TableName: aws.String("one"), TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String("ends"), Enabled: aws.Bool(true)},
			})
			require.NoError(t, err)
		},
		"a token of the test's own": func(t *testing.T, client *dynamodb.Client) {
			leave(t, client)
			require.NoError(t, transact(t, client, "token"))
		},
		"an answer that was not waited for": func(t *testing.T, client *dynamodb.Client) {
			leave(t, client)
			ctx, cancel := context.WithCancel(t.Context())
			options := client.Options()
			next := options.HTTPClient
			options.HTTPClient = httpClientFunc(func(r *http.Request) (*http.Response, error) { cancel(); return next.Do(r) })
			_, err := dynamodb.New(options).GetItem(ctx, get)
			require.ErrorIs(t, err, context.Canceled)
		},
		"another region": func(t *testing.T, client *dynamodb.Client) {
			leave(t, dynamodb.New(client.Options(), func(o *dynamodb.Options) { o.Region = "eu-north-1" }))
		},
		"another HTTP client": func(t *testing.T, client *dynamodb.Client) {
			leave(t, client)
			_, err := dynamodb.New(client.Options(), func(o *dynamodb.Options) { o.HTTPClient = http.DefaultClient }).GetItem(t.Context(), get)
			require.NoError(t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			onServers(t, func(t *testing.T, endpoint string) {
				first := one(t, endpoint, test)
				require.NotEqual(t, first, one(t, endpoint, nothing))
			})
		})
	}
}

func transact(t *testing.T, client *dynamodb.Client, token string) error {
	_, err := client.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{
		ClientRequestToken: &token,
		TransactItems:      []types.TransactWriteItem{{Put: &types.Put{TableName: aws.String("one"), Item: item("by transaction")}}},
	})
	return err
}

// A server takes a token that an earlier test has sent for a repetition; within one test it is one.
func TestDatabase_Tokens(t *testing.T) {
	onServers(t, func(t *testing.T, endpoint string) {
		var used []string
		for range 2 {
			used = append(used, one(t, endpoint, func(t *testing.T, client *dynamodb.Client) {
				leave(t, client)
				stored := func() int {
					out, err := client.Scan(t.Context(), &dynamodb.ScanInput{TableName: aws.String("one")})
					require.NoError(t, err)
					return len(out.Items)
				}
				const token = "00000000-0000-4000-8000-000000000001"
				require.NoError(t, transact(t, client, token))
				require.Equal(t, 2, stored())
				_, err := client.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: aws.String("one"), Key: item("by transaction")})
				require.NoError(t, err)
				require.NoError(t, transact(t, client, token))
				require.Equal(t, 1, stored(), "a repetition is not carried out")
			}))
		}
		require.Equal(t, used[0], used[1])
	})
}

// A client ends with its test; a request under way then is waited for.
func TestDatabase_ClientAfterTheTest(t *testing.T) {
	t.Parallel()
	server := newKeptServer(t, false)
	late := make(chan error)
	var client *dynamodb.Client
	held := make(chan struct{})
	first := one(t, server.URL, func(t *testing.T, c *dynamodb.Client) {
		client = c
		leave(t, c)
		server.mu.Lock()
		server.hold = held
		server.mu.Unlock()
		go func() {
			_, err := c.PutItem(context.Background(), &dynamodb.PutItemInput{TableName: aws.String("one"), Item: item("late")})
			late <- err
		}()
		<-held // it has arrived
		server.mu.Lock()
		server.hold = nil
		server.mu.Unlock()
		go func() {
			time.Sleep(50 * time.Millisecond) // while the test ends
			held <- struct{}{}
		}()
	})
	require.NoError(t, <-late)
	log := server.requests()
	require.Equal(t, []string{"PutItem", "ListTables"}, operations(log[5:7]), log)
	require.Equal(t, first, one(t, server.URL, nothing))

	log = server.requests()
	_, err := client.ListTables(t.Context(), &dynamodb.ListTablesInput{})
	require.ErrorContains(t, err, "TestDatabase_ClientAfterTheTest/#00 is over")
	options := client.Options()
	options.HTTPClient = http.DefaultClient
	_, err = dynamodb.New(options).ListTables(t.Context(), &dynamodb.ListTablesInput{})
	require.ErrorContains(t, err, "is over", "with an HTTP client of its own")
	options = client.Options()
	options.Credentials = credentials.NewStaticCredentialsProvider(first, "secret", "")
	_, err = dynamodb.New(options).ListTables(t.Context(), &dynamodb.ListTablesInput{})
	require.ErrorContains(t, err, "is over", "with credentials that were read before")
	require.Equal(t, log, server.requests())
}

func operations(log []string) (names []string) {
	for _, line := range log {
		_, name, _ := strings.Cut(line, " ")
		names = append(names, name)
	}
	return names
}

// A test that has sent nothing sends nothing when it is over.
func TestDatabase_NothingSent(t *testing.T) {
	t.Parallel()
	server := newKeptServer(t, false)
	t.Run("", func(t *testing.T) { monotabletest.ClientAt(t, server.URL) })
	require.Empty(t, server.requests())
}

// Where all access keys have one database, only a test's own tables are deleted.
func TestDatabase_SharedByAllKeys(t *testing.T) {
	t.Parallel()
	server := newKeptServer(t, true)
	others := monotabletest.ClientAt(t, server.URL)
	cfg := playerTable
	cfg.Name = monotabletest.Name(t)
	monotabletest.TableOn(t, others, cfg)
	first := one(t, server.URL, nothing)
	require.NotEqual(t, first, one(t, server.URL, nothing))
	tables, err := others.ListTables(t.Context(), &dynamodb.ListTablesInput{})
	require.NoError(t, err)
	require.Equal(t, []string{cfg.Name}, tables.TableNames)
}

// Tests that run at the same time have a database each, however many come and go.
func TestDatabase_Parallel(t *testing.T) {
	t.Parallel()
	server := newKeptServer(t, false)
	for i := range 40 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			client := monotabletest.ClientAt(t, server.URL)
			leave(t, client) // fails where there is such a table
			out, err := client.Scan(t.Context(), &dynamodb.ScanInput{TableName: aws.String("one")})
			require.NoError(t, err)
			require.Len(t, out.Items, 1)
		})
	}
}
