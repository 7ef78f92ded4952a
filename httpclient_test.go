package monotable_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
)

// counted counts the connections that are opened, and what is written to them.
type counted struct{ dials, writes atomic.Int64 }

func (c *counted) dial(ctx context.Context, network, address string) (net.Conn, error) {
	c.dials.Add(1)
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	return countedConn{conn, c}, err
}

type countedConn struct {
	net.Conn
	of *counted
}

func (c countedConn) Write(b []byte) (int, error) {
	c.of.writes.Add(1)
	return c.Conn.Write(b)
}

func TestHTTPClient_KeepsConnectionsAndWritesOnce(t *testing.T) {
	const atOnce, bursts = 64, 4
	var waiting sync.WaitGroup
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		waiting.Done() // none is answered before all of a burst are there
		waiting.Wait()
		_, _ = io.WriteString(w, "{}")
	}))
	defer server.Close()
	var seen counted
	client := dynamodb.New(dynamodb.Options{
		Region: "local", BaseEndpoint: aws.String(server.URL), Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
		HTTPClient: monotable.HTTPClient(func(t *http.Transport) { t.DialContext = seen.dial }),
	})
	for range bursts {
		waiting.Add(atOnce)
		var calls sync.WaitGroup
		for range atOnce {
			calls.Go(func() {
				_, err := client.GetItem(t.Context(), &dynamodb.GetItemInput{
					TableName: aws.String("app"), Key: map[string]types.AttributeValue{"PK": &types.AttributeValueMemberS{Value: "x"}},
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		calls.Wait()
	}
	// A connection may be asked for just before one comes back. The SDK's own client opens more than 200.
	require.Less(t, seen.dials.Load(), int64(2*atOnce))
	require.Equal(t, int64(atOnce*bursts), seen.writes.Load(), "headers and body go out together")
}
