package monotable_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go/logging"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
)

// signedBy answers every request with nothing, and keeps it.
type signedBy struct{ requests []signedRequest }

type signedRequest struct {
	*http.Request
	payloadHash string
}

func (s *signedBy) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	s.requests = append(s.requests, signedRequest{r, hex.EncodeToString(sum[:])})
	if len(s.requests) == 1 { // every call is sent twice, so that a second attempt is looked at too
		return nil, errors.New("connection reset")
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{}`))}, nil
}

// onceMore signs a request again, as the SDK does.
func (r signedRequest) onceMore(t *testing.T, c aws.Credentials) http.Header {
	t.Helper()
	again := r.Clone(t.Context())
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	require.NoError(t, err)
	again.Header.Del("Authorization")
	require.NoError(t, v4.NewSigner().SignHTTP(t.Context(), c, again, r.payloadHash, "dynamodb", "eu-central-1", at))
	return again.Header
}

// marking signs with nothing but a header of its own.
type marking struct{}

func (marking) SignHTTP(_ context.Context, _ aws.Credentials, r *http.Request, _, _, _ string, _ time.Time, _ ...func(*v4.SignerOptions)) error {
	r.Header.Set("Authorization", "marking")
	return nil
}

// lines is a logger.
type lines struct{ strings.Builder }

func (l *lines) Logf(_ logging.Classification, format string, _ ...any) { l.WriteString(format) }

// Requests carry the signatures of the SDK's own signer, whatever client and
// credentials; and who has a signer of his own keeps it.
func TestSigning(t *testing.T) {
	t.Parallel()
	with := func(fs ...func(*dynamodb.Options)) []func(*dynamodb.Options) { return fs }
	session := func(o *dynamodb.Options) {
		o.Credentials = credentials.NewStaticCredentialsProvider("ID", "SECRET", "TOKEN/+=")
	}
	withoutToken := func(o *dynamodb.Options) {
		o.HTTPSignerV4 = v4.NewSigner(func(o *v4.SignerOptions) { o.DisableSessionToken = true })
	}
	own := func(o *dynamodb.Options) { o.HTTPSignerV4 = marking{} }
	header := func(o *dynamodb.Options) {
		o.APIOptions = append(o.APIOptions, smithyhttp.AddHeaderValue("X-Tenant", "a  b"))
	}
	var logged lines
	ofMarking := dynamodb.New(dynamodb.Options{HTTPSignerV4: marking{}}).Options().AuthSchemes
	for name, row := range map[string]struct {
		client []func(*dynamodb.Options)
		opts   []monotable.Option
		token  string // that is sent
		signer string // whose authorization it is; the SDK's if empty
	}{
		"as a rule":              {},
		"a session":              {client: with(session), token: "TOKEN/+="},
		"a header of the user's": {client: with(header)},
		"an endpoint":            {client: with(func(o *dynamodb.Options) { o.BaseEndpoint = aws.String("http://localhost:8000") })},
		"a default port":         {client: with(func(o *dynamodb.Options) { o.BaseEndpoint = aws.String("https://localhost:443") })},
		"a path":                 {client: with(func(o *dynamodb.Options) { o.BaseEndpoint = aws.String("https://localhost/a b") })},
		"NoWireCodec":            {opts: []monotable.Option{monotable.NoWireCodec()}},
		"a signer":               {client: with(own), signer: "marking"},
		"a signer without token": {client: with(session, withoutToken)}, // and it stays without
		"a scheme":               {client: with(func(o *dynamodb.Options) { o.AuthSchemes = ofMarking }), signer: "marking"},
		"a scheme of the call": {opts: []monotable.Option{monotable.ClientOptions(func(o *dynamodb.Options) {
			o.AuthSchemes = ofMarking
		})}, signer: "marking"},
		"a log": {client: with(func(o *dynamodb.Options) { o.ClientLogMode, o.Logger = aws.LogSigning, &logged })},
	} {
		t.Run(name, func(t *testing.T) {
			sent := &signedBy{}
			client := dynamodb.New(dynamodb.Options{
				Region: "eu-central-1", HTTPClient: sent, Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
					o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
				}),
				Credentials: credentials.NewStaticCredentialsProvider("ID", "SECRET", ""),
			}, row.client...)
			table, err := monotable.NewTable(client, monotable.TableConfig{Name: "app", PartitionKey: "PK", SortKey: "SK"})
			require.NoError(t, err)
			_, err = wireNotes(t, table).With(row.opts...).Get(t.Context(), wireNote{Room: "a", N: 1})
			require.ErrorIs(t, err, monotable.ErrNotFound)
			require.Len(t, sent.requests, 2)
			for _, r := range sent.requests {
				require.Equal(t, row.token, r.Header.Get("X-Amz-Security-Token"))
				if row.signer != "" {
					require.Equal(t, row.signer, r.Header.Get("Authorization"))
					continue
				}
				c := aws.Credentials{AccessKeyID: "ID", SecretAccessKey: "SECRET", SessionToken: row.token}
				require.Equal(t, r.onceMore(t, c), r.Header)
			}
		})
	}
	require.Contains(t, logged.String(), "Signature")
}

// A table can be declared with any client, and nothing is logged when it is.
func TestSigning_OddClients(t *testing.T) {
	t.Parallel()
	var logged lines
	logging := dynamodb.New(dynamodb.Options{Region: "eu-central-1", ClientLogMode: aws.LogSigning, Logger: &logged})
	sent := &signedBy{}
	stillLogging := dynamodb.New(logging.Options(), func(o *dynamodb.Options) {
		o.ClientLogMode, o.HTTPClient = 0, sent
		o.Credentials = credentials.NewStaticCredentialsProvider("ID", "SECRET", "")
	})
	for name, client := range map[string]*dynamodb.Client{
		"a zero signer":             dynamodb.New(dynamodb.Options{HTTPSignerV4: &v4.Signer{}}),
		"a nil signer":              dynamodb.New(dynamodb.Options{HTTPSignerV4: (*v4.Signer)(nil)}),
		"a nil scheme":              dynamodb.New(dynamodb.Options{AuthSchemes: []smithyhttp.AuthScheme{nil}}),
		"no scheme":                 dynamodb.New(dynamodb.Options{AuthSchemes: []smithyhttp.AuthScheme{}}),
		"a log":                     logging,
		"a log by its scheme alone": stillLogging,
		"a log of the signer's": dynamodb.New(dynamodb.Options{HTTPSignerV4: v4.NewSigner(func(o *v4.SignerOptions) {
			o.LogSigning, o.Logger = true, &logged
		})}),
	} {
		_, err := monotable.NewTable(client, monotable.TableConfig{Name: "app", PartitionKey: "PK", SortKey: "SK"})
		require.NoError(t, err, name)
	}
	require.Empty(t, logged.String())

	table, err := monotable.NewTable(stillLogging, monotable.TableConfig{Name: "app", PartitionKey: "PK", SortKey: "SK"})
	require.NoError(t, err)
	_, err = wireNotes(t, table).Get(t.Context(), wireNote{Room: "a", N: 1})
	require.ErrorIs(t, err, monotable.ErrNotFound)
	require.Contains(t, logged.String(), "Signature")
}
