package monotabletest_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/monotabletest"
)

// TestWaiting in virtual time, with the SDK's own backoff.
func TestWaiting(t *testing.T) {
	run := func(name string, f func(t *testing.T, b *bench)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, benchOn(t, memdb.New(memdb.Options{}).Client())) })
		})
	}
	put := func(ctx context.Context, b *bench) error {
		_, err := b.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String("test"), Item: item("a")})
		return err
	}
	run("silent", func(t *testing.T, b *bench) {
		b.faults.Rate("", 1, monotabletest.Silent())
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		require.ErrorIs(t, put(ctx, b), context.DeadlineExceeded)
		assert.Equal(t, time.Minute, time.Since(start))
		assert.Len(t, b.faults.Requests(), 1)
		assert.Empty(t, b.stored())
	})
	run("silent after applying", func(t *testing.T, b *bench) {
		b.faults.Rate("", 1, monotabletest.AfterApplying(monotabletest.Silent()))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, cancel)
		require.ErrorIs(t, put(ctx, b), context.Canceled)
		assert.True(t, b.stored()["a"])
	})
	run("slow", func(t *testing.T, b *bench) {
		b.faults.Script("", monotabletest.Slow(time.Hour), monotabletest.Slow(time.Hour))
		start := time.Now()
		require.NoError(t, put(t.Context(), b))
		assert.Equal(t, time.Hour, time.Since(start))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.ErrorIs(t, put(ctx, b), context.DeadlineExceeded)
		assert.Equal(t, []bool{true, false}, []bool{b.faults.Requests()[0].Applied(), b.faults.Requests()[1].Applied()})
	})
	run("slow after applying", func(t *testing.T, b *bench) {
		b.faults.Script("", monotabletest.AfterApplying(monotabletest.Slow(time.Hour)))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.ErrorIs(t, put(ctx, b), context.DeadlineExceeded)
		assert.True(t, b.stored()["a"])
	})
	run("for good", func(t *testing.T, b *bench) {
		b.faults.Rate("", 1, monotabletest.ReplyLost())
		start := time.Now()
		err := put(t.Context(), b)
		require.ErrorAs(t, err, new(*retry.MaxAttemptsError))
		assert.Len(t, b.faults.Requests(), 3)
		assert.Positive(t, time.Since(start))
	})
}

// TestFailingServer: a fault that needs the server's answer passes on that there is none.
func TestFailingServer(t *testing.T) {
	down := errors.New("down")
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(`{"RequestItems": {"test": [1, 2]}}`))
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810.BatchWriteItem")
	for _, fault := range []monotabletest.Fault{
		monotabletest.ReplyLost(), monotabletest.Slow(0), monotabletest.Truncated(1), monotabletest.Garbled(),
		monotabletest.WrongChecksum(), monotabletest.Unprocessed(1),
	} {
		resp, err := fault(r, func(*http.Request) (*http.Response, error) { return nil, down })
		assert.ErrorIs(t, err, down)
		assert.Nil(t, resp)
	}
}
