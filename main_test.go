package monotable_test

import (
	"context"
	"os"
	"reflect"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

// What the contract, fault, concurrency and interop tests share. They run on the table that package
// monotabletest gives them, and look at what is stored with the SDK's client alone.

// rawItem is an item as it is stored.
type rawItem = map[string]types.AttributeValue

// store is a table of a test's own and the plain client beside it.
type store struct {
	*monotable.Table
	t      testing.TB
	client *dynamodb.Client
	cfg    monotable.TableConfig
}

// openStore creates the table of cfg; without keys it is one with the text keys PK and SK.
func openStore(t testing.TB, cfg monotable.TableConfig) *store {
	t.Helper()
	if cfg.Name == "" {
		cfg.Name = "contract"
	}
	if cfg.PartitionKey == "" {
		cfg.PartitionKey, cfg.SortKey = "PK", "SK"
	}
	if cfg.CursorKeys == nil {
		cfg.CursorKeys = []monotable.CursorKey{{ID: "test", Secret: []byte("0123456789abcdef0123456789abcdef")}}
	}
	client := monotabletest.Client(t)
	return &store{Table: monotabletest.TableOn(t, client, cfg), t: t, client: client, cfg: cfg}
}

// over is the same table through another client.
func (s *store) over(client monotable.Client) *monotable.Table {
	s.t.Helper()
	table, err := monotable.NewTable(client, s.cfg)
	require.NoError(s.t, err)
	return table
}

// stored reads the item at a key as it is stored, without the write id, which is random; nil if there is none.
func (s *store) stored(key rawItem) rawItem {
	s.t.Helper()
	item := s.storedWhole(key)
	delete(item, "_w")
	return item
}

// storedWhole reads the item at a key as it is stored; nil if there is none.
func (s *store) storedWhole(key rawItem) rawItem {
	s.t.Helper()
	out, err := s.client.GetItem(s.t.Context(), &dynamodb.GetItemInput{TableName: &s.cfg.Name, Key: key, ConsistentRead: new(true)})
	require.NoError(s.t, err)
	return out.Item
}

// write stores an item as it is.
func (s *store) write(items ...rawItem) {
	s.t.Helper()
	for _, item := range items {
		_, err := s.client.PutItem(s.t.Context(), &dynamodb.PutItemInput{TableName: &s.cfg.Name, Item: item})
		require.NoError(s.t, err)
	}
}

// remove deletes the item at an item's key.
func (s *store) remove(item rawItem) error {
	key := rawItem{s.cfg.PartitionKey: item[s.cfg.PartitionKey]}
	if s.cfg.SortKey != "" {
		key[s.cfg.SortKey] = item[s.cfg.SortKey]
	}
	_, err := s.client.DeleteItem(s.t.Context(), &dynamodb.DeleteItemInput{TableName: &s.cfg.Name, Key: key})
	return err
}

// dump reads everything that is stored.
func (s *store) dump() []rawItem {
	s.t.Helper()
	var all []rawItem
	pages := dynamodb.NewScanPaginator(s.client, &dynamodb.ScanInput{TableName: &s.cfg.Name, ConsistentRead: new(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(s.t.Context())
		require.NoError(s.t, err)
		all = append(all, page.Items...)
	}
	return all
}

// mustEntity defines an entity or fails the test.
func mustEntity[T any](t testing.TB, table *monotable.Table, schema monotable.Schema[T]) *monotable.Entity[T] {
	t.Helper()
	e, err := monotable.NewEntity(table, schema)
	require.NoError(t, err)
	return e
}

// Attribute values, short.
func avS(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
func avN(n string) types.AttributeValue { return &types.AttributeValueMemberN{Value: n} }
func avB(b string) types.AttributeValue { return &types.AttributeValueMemberB{Value: []byte(b)} }
func avBool(b bool) types.AttributeValue {
	return &types.AttributeValueMemberBOOL{Value: b}
}
func avSS(s ...string) types.AttributeValue { return &types.AttributeValueMemberSS{Value: s} }
func avL(l ...types.AttributeValue) types.AttributeValue {
	if l == nil {
		l = []types.AttributeValue{}
	}
	return &types.AttributeValueMemberL{Value: l}
}
func avM(m rawItem) types.AttributeValue { return &types.AttributeValueMemberM{Value: m} }

// keyPS is a key of text attributes PK and SK.
func keyPS(pk, sk string) rawItem { return rawItem{"PK": avS(pk), "SK": avS(sk)} }

// with is a copy of an item with some attributes changed; a nil value takes one out.
func with(item, changes rawItem) rawItem {
	out := rawItem{}
	for name, av := range item {
		out[name] = av
	}
	for name, av := range changes {
		if out[name] = av; av == nil {
			delete(out, name)
		}
	}
	return out
}

// manualClock is a clock that tests set.
type manualClock struct {
	mu sync.Mutex
	at time.Time
}

// noon is when every test's clock starts: with fractions and a zone, to be normalised.
var noon = time.Date(2026, 11, 21, 12, 0, 0, 123456789, time.UTC)

func newClock() *manualClock {
	return &manualClock{at: noon.In(time.FixedZone("CET", 3600))}
}

func (c *manualClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *manualClock) forward(d time.Duration) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
	return c.at.UTC()
}

// sortable is how times are stored.
func sortable(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000000Z") }

// spyClient counts the calls of each kind and may answer in the server's place. It is not the SDK's own
// client, so monotable must not expect of it what only that one gives.
type spyClient struct {
	monotable.Client
	gets, puts, updates, deletes, queries, scans atomic.Int64
	stale                                        atomic.Int64 // gets that were not consistent

	onError func(error) error                                                 // changes an error of a write
	onGet   func()                                                            // runs behind a GetItem
	onQuery func(*dynamodb.QueryOutput, error) (*dynamodb.QueryOutput, error) // changes an answer
}

func (c *spyClient) writeError(err error) error {
	if err != nil && c.onError != nil {
		return c.onError(err)
	}
	return err
}

func (c *spyClient) calls() int64 {
	return c.gets.Load() + c.puts.Load() + c.updates.Load() + c.deletes.Load() + c.queries.Load() + c.scans.Load()
}

func (c *spyClient) GetItem(ctx context.Context, in *dynamodb.GetItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	c.gets.Add(1)
	if in.ConsistentRead == nil || !*in.ConsistentRead {
		c.stale.Add(1)
	}
	out, err := c.Client.GetItem(ctx, in, opts...)
	if c.onGet != nil {
		c.onGet()
	}
	return out, err
}

func (c *spyClient) PutItem(ctx context.Context, in *dynamodb.PutItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	c.puts.Add(1)
	out, err := c.Client.PutItem(ctx, in, opts...)
	return out, c.writeError(err)
}

func (c *spyClient) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	c.updates.Add(1)
	out, err := c.Client.UpdateItem(ctx, in, opts...)
	return out, c.writeError(err)
}

func (c *spyClient) DeleteItem(ctx context.Context, in *dynamodb.DeleteItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error) {
	c.deletes.Add(1)
	out, err := c.Client.DeleteItem(ctx, in, opts...)
	return out, c.writeError(err)
}

func (c *spyClient) Query(ctx context.Context, in *dynamodb.QueryInput, opts ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	c.queries.Add(1)
	out, err := c.Client.Query(ctx, in, opts...)
	if c.onQuery != nil {
		return c.onQuery(out, err)
	}
	return out, err
}

func (c *spyClient) Scan(ctx context.Context, in *dynamodb.ScanInput, opts ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error) {
	c.scans.Add(1)
	return c.Client.Scan(ctx, in, opts...)
}

// requireError checks which sentinels an error is, and which it is not.
func requireError(t testing.TB, err error, is ...error) {
	t.Helper()
	require.Error(t, err)
	for _, sentinel := range []error{
		monotable.ErrNotFound, monotable.ErrAlreadyExists, monotable.ErrVersionConflict, monotable.ErrConditionFailed,
		monotable.ErrWrongEntity, monotable.ErrInvalid, monotable.ErrThrottled, monotable.ErrOutcomeUnknown, monotable.ErrBadCursor,
	} {
		want := false
		for _, s := range is {
			want = want || s == sentinel
		}
		if want {
			require.ErrorIs(t, err, sentinel)
		} else {
			require.NotErrorIs(t, err, sentinel)
		}
	}
}

// unchanged makes a deep copy of a value now and compares when the returned function is called.
func unchanged(t testing.TB, v any) func() {
	t.Helper()
	before := cloneValue(reflect.ValueOf(v)).Interface()
	return func() {
		t.Helper()
		require.Equal(t, before, v, "an argument was changed")
	}
}

func cloneValue(v reflect.Value) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	out.Set(v)
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			out.Set(reflect.New(v.Type().Elem()))
			out.Elem().Set(cloneValue(v.Elem()))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				out.Field(i).Set(cloneValue(v.Field(i)))
			}
		}
	case reflect.Slice:
		if !v.IsNil() {
			out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
			for i := range v.Len() {
				out.Index(i).Set(cloneValue(v.Index(i)))
			}
		}
	case reflect.Map:
		if !v.IsNil() {
			out.Set(reflect.MakeMap(v.Type()))
			for _, key := range v.MapKeys() {
				out.SetMapIndex(key, cloneValue(v.MapIndex(key)))
			}
		}
	}
	return out
}

// collectAll ranges over a sequence of items and their error.
func collectAll[T any](seq func(func(T, error) bool)) ([]T, error) {
	var all []T
	for item, err := range seq {
		if err != nil {
			return all, err
		}
		all = append(all, item)
	}
	return all, nil
}

// text is a text attribute's value; "" for anything else.
func text(av types.AttributeValue) string {
	s, _ := av.(*types.AttributeValueMemberS)
	if s == nil {
		return ""
	}
	return s.Value
}

// asN is a number attribute's value; "" for anything else.
func asN(av types.AttributeValue) string {
	n, _ := av.(*types.AttributeValueMemberN)
	if n == nil {
		return ""
	}
	return n.Value
}

// asMap is a map attribute's value.
func asMap(av types.AttributeValue) rawItem {
	m, _ := av.(*types.AttributeValueMemberM)
	if m == nil {
		return nil
	}
	return m.Value
}

// second is the error of a call that returns a value too.
func second[T any](_ T, err error) error { return err }

// envInt is a number of the environment, by which CI makes tests longer.
func envInt(t testing.TB, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err)
	return n
}
