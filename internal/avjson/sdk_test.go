package avjson_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/schemas"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/aws/smithy-go/transport/http/protocol/awsjson"
	"github.com/stretchr/testify/require"
)

type (
	av   = types.AttributeValue
	item = map[string]av
)

var protocol = awsjson.New10(schemas.DynamoDB_20120810)

// sdkRead is what the SDK makes of an item's JSON. It panics on some of what is no
// JSON, which is an error like any other.
func sdkRead(json []byte) (_ item, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	var out dynamodb.GetItemOutput
	body := append(append([]byte(`{"Item":`), json...), '}')
	err = protocol.DeserializeResponse(context.Background(),
		smithy.NewOperationSchema(schemas.GetItem, schemas.GetItemInput, schemas.GetItemOutput), nil,
		&smithyhttp.Response{Response: &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(body))}}, &out)
	return out.Item, err
}

// sdkReadValue is what it makes of a value's JSON.
func sdkReadValue(json []byte) (av, error) {
	it, err := sdkRead(append(append([]byte(`{"a":`), json...), '}'))
	return it["a"], err
}

// sdkWrite is the JSON that the SDK makes of an item.
func sdkWrite(t testing.TB, it item) []byte {
	t.Helper()
	req := smithyhttp.NewStackRequest().(*smithyhttp.Request)
	require.NoError(t, protocol.SerializeRequest(context.Background(),
		smithy.NewOperationSchema(schemas.PutItem, schemas.PutItemInput, schemas.PutItemOutput), &dynamodb.PutItemInput{Item: it}, req))
	b, err := io.ReadAll(req.GetStream())
	require.NoError(t, err)
	b, ok := bytes.CutPrefix(b, []byte(`{"Item":`))
	require.True(t, ok)
	return b[:len(b)-1]
}
