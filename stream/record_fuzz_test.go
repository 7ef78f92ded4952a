package stream_test

import (
	"context"
	"errors"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	streams "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/internal/avjson"
	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/stream"
)

// streamed is a value as the client of DynamoDB Streams has it.
func streamed(av types.AttributeValue) streams.AttributeValue {
	switch av := av.(type) {
	case *types.AttributeValueMemberS:
		return &streams.AttributeValueMemberS{Value: av.Value}
	case *types.AttributeValueMemberN:
		return &streams.AttributeValueMemberN{Value: av.Value}
	case *types.AttributeValueMemberB:
		return &streams.AttributeValueMemberB{Value: av.Value}
	case *types.AttributeValueMemberBOOL:
		return &streams.AttributeValueMemberBOOL{Value: av.Value}
	case *types.AttributeValueMemberNULL:
		return &streams.AttributeValueMemberNULL{Value: av.Value}
	case *types.AttributeValueMemberSS:
		return &streams.AttributeValueMemberSS{Value: av.Value}
	case *types.AttributeValueMemberNS:
		return &streams.AttributeValueMemberNS{Value: av.Value}
	case *types.AttributeValueMemberBS:
		return &streams.AttributeValueMemberBS{Value: av.Value}
	case *types.AttributeValueMemberL:
		list := make([]streams.AttributeValue, len(av.Value))
		for i, v := range av.Value {
			list[i] = streamed(v)
		}
		return &streams.AttributeValueMemberL{Value: list}
	case *types.AttributeValueMemberM:
		return &streams.AttributeValueMemberM{Value: streamedItem(av.Value)}
	}
	return nil
}

func streamedItem(item attributes) map[string]streams.AttributeValue {
	if item == nil {
		return nil
	}
	out := map[string]streams.AttributeValue{}
	for name, av := range item {
		out[name] = streamed(av)
	}
	return out
}

// lacking says that a value is nil somewhere, as no database sends it.
func lacking(av types.AttributeValue) bool {
	switch av := av.(type) {
	case nil:
		return true
	case *types.AttributeValueMemberL:
		return slices.ContainsFunc(av.Value, lacking)
	case *types.AttributeValueMemberM:
		for _, v := range av.Value {
			if lacking(v) {
				return true
			}
		}
	}
	return false
}

// FuzzFromSDK has records of any items: nothing of them is lost, nothing panics, and what cannot be read is said to be so.
func FuzzFromSDK(f *testing.F) {
	table, err := monotable.NewTable(memdb.New(memdb.Options{}).Client(), monotable.TableConfig{Name: "app", PartitionKey: "PK", SortKey: "SK"})
	require.NoError(f, err)
	called := 0
	router := stream.MustRouter(
		stream.On(monotable.MustEntity(table, userSchema)).
			Insert(func(context.Context, user) error { called++; return nil }).
			Modify(func(context.Context, user, user) error { called++; return nil }).
			Remove(func(context.Context, user) error { called++; return nil }),
		stream.Unknown(func(context.Context, stream.Record) error { called++; return nil }),
	)
	const ann = `{"PK":{"S":"USER#1"},"SK":{"S":"PROFILE"},"_et":{"S":"User"},"id":{"S":"1"},"name":{"S":"Ann"},"until":{"N":"1"},"version":{"N":"3"}}`
	f.Add("INSERT", "1", "12", "dynamodb.amazonaws.com", int64(5), `{"PK":{"S":"USER#1"},"SK":{"S":"PROFILE"}}`, `null`, ann)
	f.Add("MODIFY", "", "", "", int64(-1), `{}`, ann, `{"PK":{"S":"USER#1"},"_et":{"S":"Order"}}`)
	f.Add("REMOVE", "x", "9", "", int64(0), `{"PK":{"B":"AQ=="},"n":{"N":"x"}}`, `{"l":{"L":[{"NULL":true},{"M":{"a":{"SS":["x"]},"b":{"BS":["AQ=="]},"c":{"NS":["1"]}}}]},"t":{"BOOL":true}}`, `null`)
	f.Add("", "", "", "", int64(0), `null`, `{"a":null}`, `{"_et":{"N":"1"},"version":{"S":"x"}}`)
	f.Fuzz(func(t *testing.T, event, id, sequence, principal string, at int64, keysJSON, oldJSON, newJSON string) {
		read := func(s string) attributes {
			item, _, err := (&avjson.Reader{Data: []byte(s)}).Map(0)
			if err != nil {
				t.Skip()
			}
			return item
		}
		keys, before, after := read(keysJSON), read(oldJSON), read(newJSON)
		sent := streams.Record{
			EventName: streams.OperationType(event), EventID: aws.String(id), UserIdentity: &streams.Identity{Type: aws.String("Service"), PrincipalId: aws.String(principal)},
			Dynamodb: &streams.StreamRecord{
				ApproximateCreationDateTime: aws.Time(time.Unix(0, at)), SequenceNumber: aws.String(sequence), StreamViewType: streams.StreamViewTypeNewImage,
				Keys: streamedItem(keys), OldImage: streamedItem(before), NewImage: streamedItem(after),
			},
		}
		r := stream.FromSDK("app", sent)
		require.Equal(t, []any{stream.Event(event), id, "app", sequence, types.StreamViewTypeNewImage}, []any{r.Event, r.ID, r.Table, r.Sequence, r.View})
		require.True(t, r.Time.Equal(time.Unix(0, at)))
		require.Equal(t, principal == "dynamodb.amazonaws.com", r.Expired)

		called = 0
		err := router.Handle(context.Background(), r)
		panicked := new(stream.PanicError)
		require.False(t, errors.As(err, &panicked), "%v", err)
		if lacking(&types.AttributeValueMemberM{Value: keys}) || lacking(&types.AttributeValueMemberM{Value: before}) || lacking(&types.AttributeValueMemberM{Value: after}) {
			require.Error(t, r.Err)
			require.ErrorIs(t, err, r.Err)
			require.Zero(t, called)
			return
		}
		require.NoError(t, r.Err)
		require.Equal(t, []attributes{keys, before, after}, []attributes{r.Keys, r.Old, r.New})
	})
}

// FuzzCompareSequence compares sequence numbers of up to 40 digits as numbers.
func FuzzCompareSequence(f *testing.F) {
	f.Add([]byte{1}, []byte{0, 1})
	f.Add([]byte{9, 9}, []byte{1, 0, 0})
	f.Add(make([]byte, 40), []byte{})
	f.Fuzz(func(t *testing.T, a, b []byte) {
		digits := func(text []byte) (string, *big.Int) {
			text = slices.Clone(text[:min(len(text), 40)])
			for i := range text {
				text[i] = '0' + text[i]%10
			}
			n, _ := new(big.Int).SetString("0"+string(text), 10)
			return string(text), n
		}
		one, m := digits(a)
		other, n := digits(b)
		require.Equal(t, m.Cmp(n), stream.CompareSequence(one, other), "%s %s", one, other)
	})
}
