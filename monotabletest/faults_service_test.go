package monotabletest_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/monotabletest"
)

// TestFakedAnswers carry what the service's do.
func TestFakedAnswers(t *testing.T) {
	b := newBench(t)
	var header http.Header
	b.faults.Script("", func(r *http.Request, do func(*http.Request) (*http.Response, error)) (*http.Response, error) {
		resp, err := monotabletest.InternalServerError()(r, do)
		header = resp.Header
		return resp, err
	})
	err := b.put("a", once)
	assert.Equal(t, "application/x-amz-json-1.0", header.Get("Content-Type"))
	assert.NotEmpty(t, header.Get("X-Amz-Crc32"))
	assert.ErrorContains(t, err, "RequestID: fault-1")
}

// TestClockSkewIsCorrected by the SDK, whose next attempt is signed by the server's clock.
func TestClockSkewIsCorrected(t *testing.T) {
	for _, d := range []time.Duration{time.Hour, -time.Hour} {
		b := newBench(t)
		b.faults.Rate("", 1, monotabletest.ClockSkew(d, ""))
		require.NoError(t, b.put("a"))
		require.NoError(t, b.put("b"))
		var got []int
		for _, r := range b.faults.Requests() {
			got = append(got, r.Status)
		}
		assert.Equal(t, []int{0, 200, 200}, got, "only the first is refused")
	}
}

// TestTransactionCanceled with a reason for every action.
func TestTransactionCanceled(t *testing.T) {
	b := newBench(t)
	transact := func() error {
		var in dynamodb.TransactWriteItemsInput
		for _, id := range []string{"a", "b", "c"} {
			in.TransactItems = append(in.TransactItems, types.TransactWriteItem{Put: &types.Put{TableName: aws.String("test"), Item: item(id)}})
		}
		_, err := b.client.TransactWriteItems(t.Context(), &in)
		return err
	}
	for _, row := range []struct {
		fault monotabletest.Fault
		want  []string
	}{
		{monotabletest.TransactionConflict(), []string{"TransactionConflict", "None", "None"}},
		{monotabletest.TransactionCanceled("None", "ThrottlingError"), []string{"None", "ThrottlingError", "None"}},
		{monotabletest.TransactionCanceled("A", "B", "C", "D"), []string{"A", "B", "C"}},
	} {
		b.faults.Reset()
		b.faults.Script("TransactWriteItems", row.fault)
		canceled, ok := errors.AsType[*types.TransactionCanceledException](transact())
		require.True(t, ok)
		var got []string
		for _, r := range canceled.CancellationReasons {
			got = append(got, *r.Code)
		}
		assert.Equal(t, row.want, got)
		assert.Contains(t, canceled.ErrorMessage(), strings.Join(row.want, ", "))
		assert.Len(t, b.faults.Requests(), 1, "the SDK does not try again")
	}
	assert.Empty(t, b.stored())
	b.faults.Reset()
	b.faults.Script("", monotabletest.ReplyLost())
	require.NoError(t, transact())
	got := b.faults.Requests()
	require.Len(t, got, 2)
	assert.Equal(t, got[0].Body, got[1].Body, "the same token")
}
