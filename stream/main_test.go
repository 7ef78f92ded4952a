package stream_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/lease"
	"github.com/monotable/monotable/monotabletest"
	"github.com/monotable/monotable/stream"
)

type attributes = map[string]types.AttributeValue

// user is the entity of these tests, with everything that monotable writes beside it.
type user struct {
	ID       string    `dynamodbav:"id"`
	Name     string    `dynamodbav:"name"`
	Email    string    `dynamodbav:"email,omitempty"`
	Password string    `dynamodbav:"password,omitempty"`
	Until    time.Time `dynamodbav:"until"`
	Version  int64     `dynamodbav:"version"`
}

var (
	userName     = monotable.Field(func(u *user) *string { return &u.Name })
	userEmail    = monotable.Field(func(u *user) *string { return &u.Email })
	userPassword = monotable.Field(func(u *user) *string { return &u.Password })
	userUntil    = monotable.Field(func(u *user) *time.Time { return &u.Until })
	userVersion  = monotable.Field(func(u *user) *int64 { return &u.Version })
)

var userSchema = monotable.Schema[user]{
	Name: "User", Key: monotable.Key{Partition: "USER#{id}", Sort: "PROFILE"},
	Rules: []monotable.Rule[user]{userEmail.Unique(), userPassword.Hidden(), monotable.ExpiresAt(userUntil), monotable.Version(userVersion)},
}

type order struct {
	User  string `dynamodbav:"user"`
	ID    string `dynamodbav:"id"`
	Total int    `dynamodbav:"total"`
}

var orderSchema = monotable.Schema[order]{Name: "Order", Key: monotable.Key{Partition: "USER#{user}", Sort: "ORDER#{id}"}}

// shop is a table with a stream and two entities.
type shop struct {
	*testing.T
	table  *monotable.Table
	client *dynamodbstreams.Client
	arn    string
	users  *monotable.Entity[user]
	orders *monotable.Entity[order]
}

var shopConfig = monotable.TableConfig{Name: "shop", PartitionKey: "PK", SortKey: "SK"}

func openShop(t *testing.T, view types.StreamViewType) *shop {
	t.Helper()
	s := &shop{T: t}
	s.table, s.client, s.arn = monotabletest.StreamedTable(t, shopConfig, view)
	s.users, s.orders = monotable.MustEntity(s.table, userSchema), monotable.MustEntity(s.table, orderSchema)
	return s
}

func openFullShop(t *testing.T) *shop {
	t.Helper()
	return openShop(t, types.StreamViewTypeNewAndOldImages)
}

// records reads all that the stream has so far.
func (s *shop) records() []stream.Record {
	s.Helper()
	var all []stream.Record
	for _, r := range monotabletest.StreamRecords(s.T, s.client, s.arn) {
		record := stream.FromSDK(stream.TableOf(s.arn), r)
		require.NoError(s, record.Err)
		all = append(all, record)
	}
	return all
}

// store is where a poller's leases are: a table of their own.
func (s *shop) store(opts ...lease.StoreOption) *lease.Store {
	s.Helper()
	leases, err := monotable.NewTable(s.table.Client(), monotable.TableConfig{Name: "leases", PartitionKey: "id"})
	require.NoError(s, err)
	require.NoError(s, leases.Create(s.Context(), s.table.Client().(monotable.Admin)))
	store, err := lease.NewStore(leases, opts...)
	require.NoError(s, err)
	return store
}

// journal notes what handlers are called with.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) note(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, fmt.Sprintf(format, args...))
}

func (j *journal) take() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	lines := j.lines
	j.lines = nil
	return lines
}

// of notes everything that happens to users and orders.
func (j *journal) of(s *shop) *stream.Router {
	s.Helper()
	router, err := stream.NewRouter(
		stream.On(s.users).
			Insert(func(_ context.Context, now user) error { j.note("insert user %s %s", now.ID, now.Name); return nil }).
			Modify(func(_ context.Context, old, now user) error {
				j.note("modify user %s %s to %s", now.ID, old.Name, now.Name)
				return nil
			}).
			Remove(func(ctx context.Context, old user) error {
				j.note("remove user %s expired %t", old.ID, stream.Expired(ctx))
				return nil
			}),
		stream.On(s.orders).
			Upsert(func(_ context.Context, now order) error { j.note("upsert order %s %d", now.ID, now.Total); return nil }).
			Key(func(_ context.Context, event stream.Event, key order) error {
				j.note("key order %s %s", strings.ToLower(string(event)), key.ID)
				return nil
			}),
	)
	require.NoError(s, err)
	return router
}
