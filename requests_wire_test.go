package monotable_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"
)

// rqWire is the body that the SDK sends for an input, and the operation it names.
func rqWire(t testing.TB, in any) (operation string, body any) {
	t.Helper()
	client := dynamodb.New(dynamodb.Options{
		Region:      "us-east-1",
		Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""),
		HTTPClient: rqTransport(func(r *http.Request) {
			_, operation, _ = strings.Cut(r.Header.Get("X-Amz-Target"), ".")
			text, err := io.ReadAll(r.Body)
			require.NoError(t, err)
			body = rqDecode(t, text)
		}),
	})
	_, err := rqSend(t.Context(), client, in)
	require.NoError(t, err)
	return operation, body
}

type rqTransport func(*http.Request)

func (f rqTransport) Do(r *http.Request) (*http.Response, error) {
	f(r)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}")), Request: r}, nil
}

// rqSend makes the call that an input is for. items are those of a read.
func rqSend(ctx context.Context, client *dynamodb.Client, in any) (items []map[string]types.AttributeValue, err error) {
	switch in := in.(type) {
	case *dynamodb.GetItemInput:
		out, err := client.GetItem(ctx, in)
		if err != nil || out.Item == nil {
			return nil, err
		}
		return []map[string]types.AttributeValue{out.Item}, nil
	case *dynamodb.PutItemInput:
		_, err = client.PutItem(ctx, in)
	case *dynamodb.UpdateItemInput:
		_, err = client.UpdateItem(ctx, in)
	case *dynamodb.DeleteItemInput:
		_, err = client.DeleteItem(ctx, in)
	case *dynamodb.QueryInput:
		out, err := client.Query(ctx, in)
		if err != nil {
			return nil, err
		}
		return out.Items, nil
	case *dynamodb.ScanInput:
		out, err := client.Scan(ctx, in)
		if err != nil {
			return nil, err
		}
		return out.Items, nil
	default:
		err = fmt.Errorf("a request of type %T", in)
	}
	return nil, err
}

// rqItem is a stored item: text is S, an int N, a float64 N, []byte B, bool BOOL, []any L, a map M, rqSet SS.
type rqItem map[string]any

type rqSet []string

func (i rqItem) item() map[string]types.AttributeValue {
	out := map[string]types.AttributeValue{}
	for name, v := range i {
		out[name] = rqValue(v)
	}
	return out
}

// with gives a copy with some attributes changed; nil takes one out.
func (i rqItem) with(changes rqItem) rqItem {
	out := maps.Clone(i)
	for name, v := range changes {
		if out[name] = v; v == nil {
			delete(out, name)
		}
	}
	return out
}

func rqValue(v any) types.AttributeValue {
	switch v := v.(type) {
	case string:
		return &types.AttributeValueMemberS{Value: v}
	case int, float64:
		return &types.AttributeValueMemberN{Value: fmt.Sprint(v)}
	case []byte:
		return &types.AttributeValueMemberB{Value: v}
	case bool:
		return &types.AttributeValueMemberBOOL{Value: v}
	case []any:
		list := []types.AttributeValue{}
		for _, e := range v {
			list = append(list, rqValue(e))
		}
		return &types.AttributeValueMemberL{Value: list}
	case rqItem:
		return &types.AttributeValueMemberM{Value: v.item()}
	case rqSet:
		return &types.AttributeValueMemberSS{Value: v}
	}
	panic(fmt.Sprintf("a %T in a stored item", v))
}

// rqJSON is an item as DynamoDB JSON.
func rqJSON(item map[string]types.AttributeValue) any {
	out := map[string]any{}
	for name, av := range item {
		out[name] = rqJSONValue(av)
	}
	return out
}

func rqJSONValue(av types.AttributeValue) any {
	switch av := av.(type) {
	case *types.AttributeValueMemberS:
		return map[string]any{"S": av.Value}
	case *types.AttributeValueMemberN:
		return map[string]any{"N": av.Value}
	case *types.AttributeValueMemberB:
		return map[string]any{"B": base64.StdEncoding.EncodeToString(av.Value)}
	case *types.AttributeValueMemberBOOL:
		return map[string]any{"BOOL": av.Value}
	case *types.AttributeValueMemberNULL:
		return map[string]any{"NULL": av.Value}
	case *types.AttributeValueMemberM:
		return map[string]any{"M": rqJSON(av.Value)}
	case *types.AttributeValueMemberL:
		list := []any{}
		for _, e := range av.Value {
			list = append(list, rqJSONValue(e))
		}
		return map[string]any{"L": list}
	case *types.AttributeValueMemberSS:
		return map[string]any{"SS": rqSorted(av.Value)}
	case *types.AttributeValueMemberNS:
		return map[string]any{"NS": rqSorted(av.Value)}
	case *types.AttributeValueMemberBS:
		texts := make([]string, len(av.Value))
		for i, b := range av.Value {
			texts[i] = base64.StdEncoding.EncodeToString(b)
		}
		return map[string]any{"BS": rqSorted(texts)}
	}
	panic(fmt.Sprintf("a %T in an item", av))
}

// rqSorted makes the order of a set's members, which means nothing, the same everywhere.
func rqSorted(members []string) []any {
	out := []any{}
	for _, m := range slices.Sorted(slices.Values(members)) {
		out = append(out, m)
	}
	return out
}

func rqDecode(t testing.TB, text []byte) any {
	t.Helper()
	var v any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	require.NoError(t, d.Decode(&v), "%s", text)
	return v
}

// rqText is canonical JSON in ASCII: sorted names, two blanks of indentation.
func rqText(t testing.TB, v any) string {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	require.NoError(t, e.Encode(v))
	var out strings.Builder
	for _, r := range b.String() {
		switch {
		case r < 0x7f:
			out.WriteRune(r)
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(&out, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	return out.String()
}
