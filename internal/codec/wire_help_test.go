package codec_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/schemas"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/aws/smithy-go/transport/http/protocol/awsjson"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/internal/avjson"
	"github.com/monotable/monotable/internal/codec"
)

// sdkItems is what the SDK makes of the items of a reply to Query.
func sdkItems(items []byte) (_ []item, err error) {
	defer recovered(&err)
	var out dynamodb.QueryOutput
	body := append(append([]byte(`{"Items":`), items...), '}')
	err = awsjson.New10(schemas.DynamoDB_20120810).DeserializeResponse(context.Background(),
		smithy.NewOperationSchema(schemas.Query, schemas.QueryInput, schemas.QueryOutput), nil,
		&smithyhttp.Response{Response: &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(body))}}, &out)
	return out.Items, err
}

func sdkItem(json []byte) (item, error) {
	items, err := sdkItems(append(append([]byte(`[`), json...), ']'))
	if err != nil || len(items) != 1 {
		return nil, err
	}
	return items[0], nil
}

// readPage reads an array of items.
func readPage(page *codec.Page, r *avjson.Reader) error {
	_, err := r.Elements(0, page.Read)
	return err
}

// fromWire reads one item from its JSON.
func fromWire(l *codec.Layout, json []byte, dst reflect.Value) error {
	page := l.Page(&avjson.Reader{Data: json}, 1)
	if _, err := page.Read(0); err != nil {
		return err
	}
	return page.Into(0, dst)
}

func itemJSON(t require.TestingT, it item) []byte {
	b, err := avjson.AppendItem(nil, it)
	require.NoError(t, err)
	return b
}

func userPage(t testing.TB, n int) []byte {
	t.Helper()
	plan := compile(t, reflect.TypeFor[user]())
	b := []byte{'['}
	for i := range n {
		u := sampleUser(i)
		if i > 0 {
			b = append(b, ',')
		}
		it, err := plan.AppendJSON(append(b, '{'), reflect.ValueOf(&u).Elem(), nil)
		require.NoError(t, err)
		b = append(it, '}')
	}
	return append(b, ']')
}
