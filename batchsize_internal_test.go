package monotable

import (
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/schemas"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/aws/smithy-go/transport/http/protocol/awsjson"
	"github.com/stretchr/testify/require"
)

// sentBytes is how long the SDK makes a batch of one put.
func sentBytes(t *testing.T, table string, item attributeMap) int {
	t.Helper()
	request := smithyhttp.NewStackRequest().(*smithyhttp.Request)
	in := &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{table: {{PutRequest: &types.PutRequest{Item: item}}}}}
	require.NoError(t, awsjson.New10(schemas.DynamoDB_20120810).SerializeRequest(context.Background(),
		smithy.NewOperationSchema(schemas.BatchWriteItem, schemas.BatchWriteItemInput, schemas.BatchWriteItemOutput), in, request))
	body, err := io.ReadAll(request.GetStream())
	require.NoError(t, err)
	require.True(t, json.Valid(body))
	return len(body) - len(`{"RequestItems":{}}`)
}

// The size that a batch is cut by is never below what is sent, and above it by its frames alone.
func TestF038_SizesAreThoseOfTheWire(t *testing.T) {
	long := strings.Repeat("x", 1000)
	s := func(v string) types.AttributeValue { return &types.AttributeValueMemberS{Value: v} }
	for name, av := range map[string]types.AttributeValue{
		"text": s(long), "control": s(strings.Repeat("\x01", 500)), "last control": s(strings.Repeat("\x1f", 500)), "blank": s(strings.Repeat(" ", 500)), "quotes": s(strings.Repeat(`"\`, 300)), "line ends": s(strings.Repeat("\u2028", 300)), "é": s(strings.Repeat("é", 300)),
		"number": &types.AttributeValueMemberN{Value: strings.Repeat("9", 38)}, "binary": &types.AttributeValueMemberB{Value: []byte(long)}, "binary 1": &types.AttributeValueMemberB{Value: []byte(long + "x")},
		"binary 2": &types.AttributeValueMemberB{Value: []byte(long + "xx")}, "bool": &types.AttributeValueMemberBOOL{Value: false}, "null": &types.AttributeValueMemberNULL{Value: true},
		"list": &types.AttributeValueMemberL{Value: []types.AttributeValue{s(long), s("\""), &types.AttributeValueMemberNULL{Value: true}}},
		"map":  &types.AttributeValueMemberM{Value: attributeMap{"\x01" + long: s(long), "b": &types.AttributeValueMemberM{Value: attributeMap{}}}},
		"SS":   &types.AttributeValueMemberSS{Value: []string{long, "\x01", "b"}}, "NS": &types.AttributeValueMemberNS{Value: []string{"1", "22", strings.Repeat("3", 38)}},
		"BS": &types.AttributeValueMemberBS{Value: [][]byte{[]byte(long), {1}, {}}},
	} {
		for _, table := range []string{"t", strings.Repeat("t", 200)} {
			item := attributeMap{"PK": s("1"), name: av}
			size, sent := wireSize(table, item), sentBytes(t, table, item)
			require.GreaterOrEqual(t, size, sent, name)
			require.LessOrEqual(t, size, sent+60, name)
		}
	}
	all := attributeMap{}
	for range 200 {
		all[strings.Repeat("n", len(all)+1)] = &types.AttributeValueMemberNULL{Value: true}
	}
	require.InDelta(t, sentBytes(t, "t", all), wireSize("t", all), 60)
}
