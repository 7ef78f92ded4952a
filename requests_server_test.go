package monotable_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

// TestRequestsOnServer sends the accepted rows to a server. A write must leave what its file says; under
// other circumstances its condition must refuse it. A read must find its own items and no others.
func TestRequestsOnServer(t *testing.T) {
	t.Parallel()
	client := monotabletest.Client(t)
	s := newRqSchemas(t)
	tables := map[string]*monotable.Table{}
	for _, table := range []*monotable.Table{s.app, s.blobTable, s.products, s.custom, s.app.With(monotable.TableName("app-eu"))} {
		_, err := client.CreateTable(t.Context(), table.CreateInput())
		require.NoError(t, err)
		tables[table.Name()] = table
	}
	for _, row := range rqRows() {
		t.Run(row.name, func(t *testing.T) {
			in, err := row.op(newRqSchemas(t))()
			require.NoError(t, err)
			server := &rqServer{t: t, client: client, table: rqTableOf(in)}
			switch in.(type) {
			case *dynamodb.GetItemInput, *dynamodb.QueryInput, *dynamodb.ScanInput:
				server.read(row, in)
			default:
				server.write(row, in)
			}
		})
	}
}

type rqServer struct {
	t      *testing.T
	client *dynamodb.Client
	table  *string
}

// holding stores exactly these items.
func (s *rqServer) holding(items ...rqItem) {
	for _, item := range s.stored() {
		key := map[string]types.AttributeValue{}
		for _, name := range []string{"PK", "SK", "pk", "sk", "digest", "sku"} {
			if av, ok := item[name]; ok {
				key[name] = av
			}
		}
		_, err := s.client.DeleteItem(s.t.Context(), &dynamodb.DeleteItemInput{TableName: s.table, Key: key})
		require.NoError(s.t, err)
	}
	for _, item := range items {
		if item == nil {
			continue
		}
		_, err := s.client.PutItem(s.t.Context(), &dynamodb.PutItemInput{TableName: s.table, Item: item.item()})
		require.NoError(s.t, err)
	}
}

func (s *rqServer) stored() []map[string]types.AttributeValue {
	out, err := s.client.Scan(s.t.Context(), &dynamodb.ScanInput{TableName: s.table, ConsistentRead: aws.Bool(true)})
	require.NoError(s.t, err)
	return out.Items
}

func (s *rqServer) write(row rqRow, in any) {
	s.holding(row.before...)
	_, err := rqSend(s.t.Context(), s.client, in)
	require.NoError(s.t, err)
	file := rqRead(s.t, row.name)
	var after any = rqNothingStored
	if items := s.stored(); len(items) > 0 {
		require.Len(s.t, items, 1, "a write of one item")
		after = rqJSON(items[0])
	}
	if *rqUpdate {
		file.After = after
		rqCompare(s.t, row.name, file)
	}
	assert.Equal(s.t, rqText(s.t, file.After), rqText(s.t, after), "what is stored afterwards")

	for i, other := range row.fails {
		s.holding(other)
		_, err := rqSend(s.t.Context(), s.client, in)
		var failed *types.ConditionalCheckFailedException
		assert.Truef(s.t, errors.As(err, &failed), "fails[%d] %v: %v", i, other, err)
	}
}

func (s *rqServer) read(row rqRow, in any) {
	s.holding(append(row.finds[:len(row.finds):len(row.finds)], row.skips...)...)
	items, err := rqSend(s.t.Context(), s.client, in)
	require.NoError(s.t, err)
	var want, got []string
	for _, item := range row.finds {
		want = append(want, rqKeyText(item.item()))
	}
	for _, item := range items {
		got = append(got, rqKeyText(item))
	}
	if q, ok := in.(*dynamodb.QueryInput); ok && q.Select == types.SelectCount {
		return
	}
	assert.ElementsMatch(s.t, want, got)
}

func rqKeyText(item map[string]types.AttributeValue) string {
	text := ""
	for _, name := range []string{"PK", "SK", "pk", "sk", "digest", "sku"} {
		if av, ok := item[name]; ok {
			text += fmt.Sprintf("%s=%+q ", name, fmt.Sprint(rqJSONValue(av)))
		}
	}
	return text
}

func rqTableOf(in any) *string {
	switch in := in.(type) {
	case *dynamodb.GetItemInput:
		return in.TableName
	case *dynamodb.PutItemInput:
		return in.TableName
	case *dynamodb.UpdateItemInput:
		return in.TableName
	case *dynamodb.DeleteItemInput:
		return in.TableName
	case *dynamodb.QueryInput:
		return in.TableName
	case *dynamodb.ScanInput:
		return in.TableName
	}
	return nil
}

// TestF074_IndexOverExpiry drops what has expired where no filter can.
func TestF074_IndexOverExpiry(t *testing.T) {
	s := newRqSchemas(t)
	for _, at := range []int{1, 1795255200, 1795255201, 1900000000} {
		item := rqItem{"PK": "SESSION#1", "SK": "SESSION", "_et": "Session", "sessionId": fmt.Sprint(at), "expires": at}
		s.reads.page = append(s.reads.page, item.item())
	}
	found, err := s.sessions.Query(rqSession{ID: "1"}).Index("byExpiry").Limit(1).Collect(t.Context())
	require.NoError(t, err)
	require.Len(t, found, 1)
	require.Equal(t, "1795255201", found[0].ID)
}
