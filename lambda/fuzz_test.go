package lambda_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/lambda"
	"github.com/monotable/monotable/stream"
)

// FuzzInvoke takes any bytes for an event: nothing panics, and every record of it is handled or told to have failed.
func FuzzInvoke(f *testing.F) {
	for _, name := range []string{"event.json", "binary.json", "poison.json"} {
		f.Add(payload(f, name))
	}
	for _, s := range []string{
		``, `null`, `{}`, `[]`, `{"Records":null}`, `{"Records":[null,1,"x",{}]}`, `{"Records":{}}`,
		`{"Records":[{"dynamodb":{"SequenceNumber":"1","Keys":{"PK":{"S":"x"}},"NewImage":{"a":{}}}}]}`, `{"Records":[{"dynamodb":{"SequenceNumber":"2","NewImage":{"a":{"BS":[1]},"b":{"L":[{"X":1}]}}}}]}`,
	} {
		f.Add([]byte(s))
	}
	handled := 0
	router := stream.MustRouter(
		stream.On(users(f)).Insert(func(context.Context, user) error { handled++; return nil }),
		stream.Unknown(func(context.Context, stream.Record) error { handled++; return nil }),
	)
	tolerant, strict := lambda.New(router), lambda.New(router, lambda.WholeBatch())
	f.Fuzz(func(t *testing.T, raw []byte) {
		var event struct{ Records []json.RawMessage }
		none := json.Unmarshal(raw, &event) != nil
		handled = 0
		out, err := tolerant.Invoke(context.Background(), raw)
		if none {
			require.Error(t, err)
			require.Zero(t, handled)
			return
		}
		var panicked *stream.PanicError
		require.False(t, errors.As(err, &panicked), "%v", err)
		require.LessOrEqual(t, handled, 2*len(event.Records))
		_, wholeErr := strict.Invoke(context.Background(), raw)
		if err != nil { // a record without a number failed
			require.Error(t, wholeErr)
			return
		}
		var response events.DynamoDBEventResponse
		require.NoError(t, json.Unmarshal(out, &response))
		require.LessOrEqual(t, len(response.BatchItemFailures), len(event.Records))
		require.Equal(t, len(response.BatchItemFailures) > 0, wholeErr != nil)
		for _, failed := range response.BatchItemFailures {
			require.NotEmpty(t, failed.ItemIdentifier)
		}
	})
}
