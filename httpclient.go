package monotable

import (
	"bytes"
	"io"
	"net/http"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

const (
	idleConnections = 1024
	dialTimeout     = 5 * time.Second
	requestTimeout  = 30 * time.Second
)

// HTTPClient is an HTTP client for the SDK that suits DynamoDB better than its own:
//
//	client := dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) { o.HTTPClient = monotable.HTTPClient() })
//
// It keeps as many connections as were in use at once, up to 1,024; the SDK's keeps ten, so that of 64 calls at a time most open a connection each, with a TLS handshake. It writes a
// request in one piece instead of two, and closes no connection because an answer came fast. Each attempt has 30 seconds, and a connection 5 to open, where the SDK's would wait
// for ever; [AttemptTimeout] bounds the calls of monotable more closely. The rest is as the SDK has it, proxies of the environment among it. Each option changes the transport before it is used; a
// certificate bundle given to the SDK's configuration (AWS_CA_BUNDLE) is for its own client, so here it belongs into TLSClientConfig.
//
// It is safe for concurrent use: make one for a program, since each has connections of its own.
func HTTPClient(options ...func(*http.Transport)) dynamodb.HTTPClient {
	built := awshttp.NewBuildableClient().WithTimeout(requestTimeout)
	dialer := built.GetDialer()
	dialer.Timeout = dialTimeout
	return &httpClient{built.WithTransportOptions(func(t *http.Transport) {
		t.DialContext = dialer.DialContext
		t.MaxIdleConns, t.MaxIdleConnsPerHost = 0, idleConnections
		t.DisableCompression = true // the SDK asks for it itself where it is wanted
		for _, change := range options {
			change(t)
		}
	})}
}

type httpClient struct{ built *awshttp.BuildableClient }

// Do sends a request whose body net/http can see to be in memory: it then goes out together with the headers. The SDK's bodies are wrapped,
// and reading one when the answer has come already makes net/http drop the connection.
func (c *httpClient) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.ContentLength > 0 {
		body := make([]byte, r.ContentLength)
		if _, err := io.ReadFull(r.Body, body); err != nil {
			return nil, err
		}
		if err := r.Body.Close(); err != nil {
			return nil, err
		}
		own := *r
		own.Body, own.GetBody = io.NopCloser(bytes.NewReader(body)), nil
		r = &own
	}
	return c.built.Do(r)
}
