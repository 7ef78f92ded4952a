package tenant_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/examples/tenants/tenant"
	"github.com/monotable/monotable/monotabletest"
)

// service is what is done with the table: [tenant.Service], and the same on the SDK alone (raw_test.go), pass the same tests.
type service interface {
	CreateUser(ctx context.Context, u tenant.User, in ...tenant.Membership) (tenant.User, error)
	User(ctx context.Context, id string) (tenant.User, error)
	UserByEmail(ctx context.Context, email string) (tenant.User, error)
	UserByUsername(ctx context.Context, username string) (tenant.User, error)
	FindByEmail(ctx context.Context, email string) (tenant.User, error)
	FindByUsername(ctx context.Context, username string) (tenant.User, error)
	Users(ctx context.Context, status tenant.Status, limit int, from monotable.Cursor) (monotable.Page[tenant.User], error)
	UpdateUser(ctx context.Context, id string, p tenant.UserPatch, version int64) (tenant.User, error)
	MergePreferences(ctx context.Context, id string, p tenant.PreferencesPatch) (tenant.User, error)
	DeleteUser(ctx context.Context, id string) error
	CreateOrganization(ctx context.Context, o tenant.Organization, ownerID string) (tenant.Organization, error)
	SignUp(ctx context.Context, u tenant.User, o tenant.Organization) (tenant.User, tenant.Organization, error)
	TransferOwnership(ctx context.Context, organizationID, from, to string) error
	Overview(ctx context.Context, organizationID string) (tenant.Overview, error)
	Join(ctx context.Context, m tenant.Membership) (tenant.Membership, error)
	Leave(ctx context.Context, organizationID, userID string) error
	Members(ctx context.Context, organizationID string, limit int, from monotable.Cursor) (monotable.Page[tenant.Membership], error)
	Organizations(ctx context.Context, userID string) ([]tenant.Seat, error)
	Colleagues(ctx context.Context, userID string) ([]tenant.Membership, error)
}

type world struct {
	service
	here   *tenant.Service // on the same table, whichever of the two service is
	sent   monotabletest.Recorder
	faults monotabletest.Faults // below the recorder
	clock  *monotabletest.Clock
	client *dynamodb.Client // the plain one, to look at what is stored
	table  string
}

// both runs a test with each of the two services. The test begins with a world of its own.
func both(t *testing.T, test func(t *testing.T, newWorld func(*testing.T) *world)) {
	t.Helper()
	t.Run("monotable", func(t *testing.T) { test(t, newWorld) })
	t.Run("raw", func(t *testing.T) {
		test(t, func(t *testing.T) *world {
			t.Helper()
			w := newWorld(t)
			w.service = &raw{client: w.sent.Client(w.faults.Client(w.client)), table: w.table, secret: bytes.Repeat([]byte("s"), 32), now: w.tick}
			return w
		})
	})
}

// deletion is how many requests DeleteUser takes without invitations: the raw one takes what is unique from the user that it has read.
func (w *world) deletion() int {
	if _, ok := w.service.(*raw); ok {
		return 4
	}
	return 5
}

func (w *world) tick() time.Time { return w.clock.Advance(time.Second) }

// newWorld is a service on a table of the test's own, and what it sends.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{clock: monotabletest.NewClock(time.Date(2026, time.November, 21, 12, 0, 0, 0, time.UTC)), client: monotabletest.Client(t), table: monotabletest.Name(t)}
	var err error
	w.here, err = tenant.New(w.sent.Client(w.faults.Client(w.client)), tenant.Options{
		Table: w.table, CursorSecret: bytes.Repeat([]byte("s"), 32), Clock: w.tick,
	})
	require.NoError(t, err)
	w.service = w.here
	require.NoError(t, w.here.Ensure(t.Context(), w.client))
	t.Cleanup(func() {
		_, _ = w.client.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: &w.table})
	}) // the test's context is done by then
	return w
}

// acme is a world with ann, who owns acme, and bob, who is in it.
func acme(t *testing.T, newWorld func(*testing.T) *world) *world {
	t.Helper()
	w := newWorld(t)
	_, _, err := w.SignUp(t.Context(), tenant.User{ID: "ann", Email: "Ann@Example.com", Username: "ann"}, tenant.Organization{ID: "acme", Name: "Acme"})
	require.NoError(t, err)
	w.user(t, "bob", tenant.Membership{OrgID: "acme"})
	return w
}

func (w *world) user(t *testing.T, id string, in ...tenant.Membership) tenant.User {
	t.Helper()
	u, err := w.CreateUser(t.Context(), tenant.User{ID: id, Email: id + "@example.com", Username: id, Name: "The " + id}, in...)
	require.NoError(t, err)
	return u
}

// set changes an item behind the service's back.
func (w *world) set(t *testing.T, pk, sk, expression string, values map[string]string) {
	t.Helper()
	in := &dynamodb.UpdateItemInput{TableName: &w.table, UpdateExpression: &expression, Key: map[string]types.AttributeValue{
		"PK": &types.AttributeValueMemberS{Value: pk}, "SK": &types.AttributeValueMemberS{Value: sk},
	}}
	if strings.Contains(expression, "#role") { // a reserved word
		in.ExpressionAttributeNames = map[string]string{"#role": "role"}
	}
	for name, value := range values {
		if in.ExpressionAttributeValues == nil {
			in.ExpressionAttributeValues = map[string]types.AttributeValue{}
		}
		in.ExpressionAttributeValues[name] = &types.AttributeValueMemberS{Value: value}
	}
	_, err := w.client.UpdateItem(t.Context(), in)
	require.NoError(t, err)
}

// stored is an item as DynamoDB has it; nil if there is none.
func (w *world) stored(t *testing.T, pk, sk string) map[string]types.AttributeValue {
	t.Helper()
	consistent := true
	out, err := w.client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &w.table, ConsistentRead: &consistent, Key: map[string]types.AttributeValue{
		"PK": &types.AttributeValueMemberS{Value: pk}, "SK": &types.AttributeValueMemberS{Value: sk},
	}})
	require.NoError(t, err)
	return out.Item
}

// count is how many items of any kind the table has, guards among them.
func (w *world) count(t *testing.T) int {
	t.Helper()
	out, err := w.client.Scan(t.Context(), &dynamodb.ScanInput{TableName: &w.table})
	require.NoError(t, err)
	return len(out.Items)
}

// ids goes through all pages of a list.
func ids[T any](t *testing.T, id func(T) string, next func(monotable.Cursor) (monotable.Page[T], error)) []string {
	t.Helper()
	var all []string
	var from monotable.Cursor
	for {
		page, err := next(from)
		require.NoError(t, err)
		for _, item := range page.Items {
			all = append(all, id(item))
		}
		if from = page.Next; from == "" {
			return all
		}
	}
}
