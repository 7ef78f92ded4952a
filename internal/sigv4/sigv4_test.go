package sigv4_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go/logging"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/internal/sigv4"
)

const payloadHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

var at = time.Date(2026, 3, 4, 5, 6, 7, 8, time.UTC)

func request(host string) *http.Request {
	return &http.Request{
		Method: http.MethodPost, URL: &url.URL{Scheme: "https", Host: host, Path: "/"}, ContentLength: 1234,
		Header: http.Header{
			"Accept-Encoding":       {"identity"},
			"Amz-Sdk-Invocation-Id": {"0b6f9a3c-7b0a-4a5d-a1e5-5f9c1f6b2a77"},
			"Amz-Sdk-Request":       {"attempt=1; max=3"},
			"Content-Type":          {"application/x-amz-json-1.0"},
			"User-Agent":            {"aws-sdk-go-v2/1.47.6"},
			"X-Amz-Target":          {"DynamoDB_20120810.GetItem"},
		},
	}
}

// counting counts what is left to the SDK's signer.
type counting struct {
	v4.HTTPSigner
	calls int
}

func (c *counting) SignHTTP(
	ctx context.Context, creds aws.Credentials, r *http.Request, hash, service, region string, at time.Time, options ...func(*v4.SignerOptions),
) error {
	c.calls++
	return c.HTTPSigner.SignHTTP(ctx, creds, r, hash, service, region, at, options...)
}

func clone(r *http.Request) *http.Request { return r.Clone(context.Background()) }

func same(t *testing.T, s *sigv4.Signer, c aws.Credentials, r *http.Request, hash, service, region string, at time.Time, options ...func(*v4.SignerOptions)) {
	t.Helper()
	ours, theirs := clone(r), clone(r)
	errOurs := s.SignHTTP(t.Context(), c, ours, hash, service, region, at, options...)
	errTheirs := v4.NewSigner().SignHTTP(t.Context(), c, theirs, hash, service, region, at, options...)
	require.Equal(t, errTheirs, errOurs)
	require.Equal(t, theirs.Header, ours.Header)
	require.Equal(t, theirs.URL, ours.URL)
	require.Equal(t, theirs.Host, ours.Host)
}

func TestSignsAsTheSDKDoes(t *testing.T) {
	c := aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "SECRET"}
	withToken := c
	withToken.SessionToken = strings.Repeat("token/+=", 40)
	const host = "dynamodb.eu-central-1.amazonaws.com"
	change := func(f func(*http.Request)) *http.Request {
		r := request(host)
		f(r)
		return r
	}
	header := func(name string, values ...string) *http.Request {
		return change(func(r *http.Request) { r.Header[name] = values })
	}
	type row struct {
		name        string
		credentials aws.Credentials
		request     *http.Request
		left        int // to the SDK
	}
	for _, c := range []row{
		{"a call", c, request(host), 0},
		{"a session", withToken, request(host), 0},
		{"a port", c, request("127.0.0.1:8000"), 0},
		{"an address of six", c, request("[::1]:8000"), 0},
		{"a host of its own", c, change(func(r *http.Request) { r.Host = "localhost:8000" }), 0},
		{"no path", c, change(func(r *http.Request) { r.URL.Path = "" }), 0},
		{"a path as the SDK writes it", c, change(func(r *http.Request) { r.URL.RawPath = "/" }), 0},
		{"no body", c, change(func(r *http.Request) { r.ContentLength = 0 }), 0},
		{"a body of unknown length", c, change(func(r *http.Request) { r.ContentLength = -1 }), 0},
		{"no headers", c, change(func(r *http.Request) { r.Header = http.Header{} }), 0},
		{"a header that is not signed", c, header("X-Amzn-Trace-Id", "Root=1"), 0},
		{"a header of the user's", c, header("X-Tenant", "a b"), 0},
		{"a header before all others", c, header("A", "1"), 0},
		{"signed before", c, header("Authorization", "AWS4-HMAC-SHA256 Credential=old"), 0},
		{"dated before", c, header("X-Amz-Date", "20200101T000000Z"), 0},
		{"a token before", withToken, header("X-Amz-Security-Token", "old"), 0},
		{"a token and no session", c, header("X-Amz-Security-Token", "old"), 0},
		{"many headers", c, change(func(r *http.Request) {
			for i := range 40 {
				r.Header[fmt.Sprintf("X-Many-%d", i)] = []string{"value"}
			}
		}), 0},

		{"the default port", c, request(host + ":443"), 1},
		{"a path", c, change(func(r *http.Request) { r.URL.Path = "/a b" }), 1},
		{"an escaped path", c, change(func(r *http.Request) { r.URL.Path, r.URL.RawPath = "/", "/%2f" }), 1},
		{"a query", c, change(func(r *http.Request) { r.URL.RawQuery = "b=1&a=2" }), 1},
		{"opaque", c, change(func(r *http.Request) { r.URL.Opaque = "//host/x" }), 1},
		{"no host", c, request(""), 1},
		{"two values", c, header("X-Tenant", "a", "b"), 1},
		{"no value", c, header("X-Tenant"), 1},
		{"an empty value", c, header("X-Tenant", ""), 1},
		{"spaces", c, header("X-Tenant", " a  b "), 1},
		{"a tab", c, header("X-Tenant", "\ta"), 1},
		{"not ASCII", c, header("X-Tenant", "é"), 1},
		{"a name in lower case", c, header("x-tenant", "a"), 1},
		{"a name that is not ASCII", c, header("X-É", "a"), 1},
		{"a length as header", c, header("Content-Length", "1234"), 1},
		{"a length as header, no body", c, change(func(r *http.Request) { r.ContentLength, r.Header["Content-Length"] = 0, []string{"0"} }), 1},
		{"a host as header", c, header("Host", "other"), 1},
		{"a token with spaces", aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "SECRET", SessionToken: "a  b"}, request(host), 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			sdk := &counting{HTTPSigner: v4.NewSigner()}
			same(t, sigv4.New(sdk), c.credentials, c.request, payloadHash, "dynamodb", "eu-central-1", at)
			require.Equal(t, c.left, sdk.calls)
		})
	}
}

// What a signer is told to do otherwise, it leaves to the SDK's.
func TestLeavesOptionsToTheSDK(t *testing.T) {
	c := aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "SECRET", SessionToken: "TOKEN"}
	for name, option := range map[string]func(*v4.SignerOptions){
		"no session token": func(o *v4.SignerOptions) { o.DisableSessionToken = true },
		"logging": func(o *v4.SignerOptions) {
			o.LogSigning = true
			o.Logger = logging.Nop{}
		},
	} {
		sdk := &counting{HTTPSigner: v4.NewSigner()}
		same(t, sigv4.New(sdk), c, request("host"), payloadHash, "dynamodb", "eu-central-1", at, option)
		require.Equal(t, 1, sdk.calls, name)
	}
	sdk := &counting{HTTPSigner: v4.NewSigner()}
	same(t, sigv4.New(sdk), c, request("host"), payloadHash, "dynamodb", "eu-central-1", at, func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	require.Zero(t, sdk.calls)
}

// One signer, whatever changes from call to call: a key is never used for anything
// but what it was made of.
func TestKeysAreNotMistaken(t *testing.T) {
	s := sigv4.New(v4.NewSigner())
	r := rand.New(rand.NewPCG(1, 2))
	either := func(a, b string) string {
		if r.IntN(2) == 0 {
			return a
		}
		return b
	}
	for range 500 {
		c := aws.Credentials{AccessKeyID: either("AKID", "OTHER"), SecretAccessKey: either("SECRET", "other"), SessionToken: either("", "TOKEN")}
		when := at.AddDate(0, 0, r.IntN(2)).In(time.FixedZone("east", r.IntN(24)*3600)) // the same day or not, by UTC
		same(t, s, c, request(either("a.example", "b.example")), payloadHash, either("dynamodb", "dax"), either("eu-central-1", "us-east-1"), when)
	}
}

// Requests as the SDK makes them, and with any plain headers besides: none of them
// is left to the SDK's signer.
func TestPlainRequests(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	text := func(most int, from string) string {
		b := make([]byte, 1+r.IntN(most))
		for i := range b {
			b[i] = from[r.IntN(len(from))]
		}
		return string(b)
	}
	const letters = "abcdefghijklmnopqrstuvwxyz"
	const marks = letters + "ABCXYZ0123456789-_.~!*'();:@&=+$,/?%#[]\"\\{}|<>^`"
	sdk := &counting{HTTPSigner: v4.NewSigner()}
	s := sigv4.New(sdk)
	for range 5000 {
		c := aws.Credentials{AccessKeyID: text(20, marks), SecretAccessKey: text(40, marks)}
		if r.IntN(2) == 0 {
			c.SessionToken = text(1000, marks)
		}
		q := request(text(60, letters+".-") + fmt.Sprint(":", 1024+r.IntN(60000)))
		q.ContentLength = r.Int64N(1 << 40)
		for range r.IntN(20) {
			name := http.CanonicalHeaderKey(text(12, letters+"-0123456789"))
			if name != "Host" && name != "Content-Length" {
				q.Header[name] = []string{text(30, marks) + " " + text(30, marks)}
			}
		}
		when := time.Unix(r.Int64N(4e9), r.Int64N(1e9))
		same(t, s, c, q, text(64, "0123456789abcdef"), text(10, letters), text(15, letters+"-1"), when)
	}
	require.Zero(t, sdk.calls)
}

func TestSignsConcurrently(t *testing.T) {
	s := sigv4.New(v4.NewSigner())
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			for range 50 {
				c := aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: fmt.Sprint("SECRET", i%3)}
				ours, theirs := request(fmt.Sprint("host", i)), request(fmt.Sprint("host", i))
				assert.NoError(t, s.SignHTTP(t.Context(), c, ours, payloadHash, "dynamodb", "eu-central-1", at))
				assert.NoError(t, v4.NewSigner().SignHTTP(t.Context(), c, theirs, payloadHash, "dynamodb", "eu-central-1", at))
				assert.Equal(t, theirs.Header, ours.Header)
			}
		})
	}
	group.Wait()
}

// A header that the caller sees is not written to by the next signature.
func TestHeadersAreTheirOwn(t *testing.T) {
	s := sigv4.New(v4.NewSigner())
	c := aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "SECRET", SessionToken: "TOKEN"}
	first, second := request("host"), request("host")
	require.NoError(t, s.SignHTTP(t.Context(), c, first, payloadHash, "dynamodb", "eu-central-1", at))
	before := first.Header.Clone()
	first.Header.Add("X-Amz-Date", "another")
	require.Equal(t, before["Authorization"], first.Header["Authorization"])
	require.NoError(t, s.SignHTTP(t.Context(), c, second, payloadHash, "dynamodb", "eu-central-1", at.Add(time.Hour)))
	require.Equal(t, before["Authorization"], first.Header["Authorization"])
}

func FuzzSign(f *testing.F) {
	f.Add("AKID", "SECRET", "TOKEN", "host:8000", "/", "", "X-Tenant", "value", int64(12), int64(1772600767), "eu-central-1")
	f.Add("", "", "", "", "", "a=b", "x-amz-date", " a  b ", int64(-1), int64(0), "")
	f.Fuzz(func(t *testing.T, access, secret, token, host, path, query, name, value string, length, seconds int64, region string) {
		switch strings.ToLower(name) {
		case "host", "x-amz-date", "x-amz-security-token", "content-type", "x-amz-target": // in two spellings: the SDK's order is that of a map
			return
		}
		when := time.Unix(seconds, 0)
		c := aws.Credentials{AccessKeyID: access, SecretAccessKey: secret, SessionToken: token}
		r := &http.Request{
			Method: http.MethodPost, URL: &url.URL{Scheme: "https", Host: host, Path: path, RawQuery: query}, ContentLength: length,
			Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}, "X-Amz-Target": {value}, name: {value}},
		}
		same(t, sigv4.New(v4.NewSigner()), c, r, payloadHash, "dynamodb", region, when)
	})
}

func BenchmarkSign(b *testing.B) {
	c := aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "SECRET", SessionToken: strings.Repeat("token", 100)}
	for name, s := range map[string]v4.HTTPSigner{"ours": sigv4.New(v4.NewSigner()), "SDK": v4.NewSigner()} {
		b.Run(name, func(b *testing.B) {
			r := request("dynamodb.eu-central-1.amazonaws.com")
			b.ReportAllocs()
			for b.Loop() {
				if err := s.SignHTTP(b.Context(), c, r, payloadHash, "dynamodb", "eu-central-1", at); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
