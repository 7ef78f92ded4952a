package migrate_test

import (
	"context"
	"log/slog"
	"strconv"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/lease"
	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/monotabletest"
)

type rawItem = map[string]types.AttributeValue

// ground is a table and the plain client beside it.
type ground struct {
	t      testing.TB
	client *dynamodb.Client
}

var pkSK = monotable.TableConfig{Name: "migrated", PartitionKey: "PK", SortKey: "SK"}

func newGround(t testing.TB) *ground { return groundOn(t, monotabletest.Client(t)) }

// inMemory is for bubbles of synctest, which a server is outside of.
func inMemory(t testing.TB) *ground { return groundOn(t, memdb.New(memdb.Options{}).Client()) }

func groundOn(t testing.TB, client *dynamodb.Client) *ground {
	monotabletest.TableOn(t, client, pkSK)
	return &ground{t: t, client: client}
}

// store is that of one process.
func (g *ground) store(client monotable.Client, opts ...lease.StoreOption) *lease.Store {
	g.t.Helper()
	table, err := monotable.NewTable(client, pkSK)
	require.NoError(g.t, err)
	store, err := lease.NewStore(table, append([]lease.StoreOption{lease.Logger(slog.New(slog.DiscardHandler))}, opts...)...)
	require.NoError(g.t, err)
	return store
}

// through is the store of a process whose requests meet faults.
func (g *ground) through(faults *monotabletest.Faults, opts ...lease.StoreOption) *lease.Store {
	return g.store(faults.Client(g.client), opts...)
}

func (g *ground) item(pk, sk string) rawItem {
	g.t.Helper()
	out, err := g.client.GetItem(context.Background(), &dynamodb.GetItemInput{TableName: &pkSK.Name, Key: keyOf(pk, sk), ConsistentRead: new(true)})
	require.NoError(g.t, err)
	return out.Item
}

func (g *ground) put(item rawItem) {
	g.t.Helper()
	_, err := g.client.PutItem(context.Background(), &dynamodb.PutItemInput{TableName: &pkSK.Name, Item: item})
	require.NoError(g.t, err)
}

func avS(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
func avN(n int) types.AttributeValue    { return &types.AttributeValueMemberN{Value: strconv.Itoa(n)} }

func keyOf(pk, sk string) rawItem { return rawItem{"PK": avS(pk), "SK": avS(sk)} }
