package monotable

import (
	"context"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	smithyendpoints "github.com/aws/smithy-go/endpoints"
	"github.com/stretchr/testify/require"
)

// countingResolver is the SDK's own, and counts how often it is asked.
type countingResolver struct {
	dynamodb.EndpointResolverV2
	asked int
}

func (c *countingResolver) ResolveEndpoint(ctx context.Context, params dynamodb.EndpointParameters) (smithyendpoints.Endpoint, error) {
	c.asked++
	return c.EndpointResolverV2.ResolveEndpoint(ctx, params)
}

// What is remembered is what the SDK says of the same parameters, whatever comes in between.
func TestEndpoints_AsTheSDK(t *testing.T) {
	theirs := dynamodb.NewDefaultEndpointResolverV2()
	r := rand.New(rand.NewPCG(1, 2))
	e := &endpoints{theirs: theirs}
	text := func(of ...string) *string {
		if i := r.IntN(len(of) + 1); i < len(of) {
			return ptr(of[i])
		}
		return nil
	}
	for range 5000 {
		if r.IntN(20) == 0 {
			e.stores.Store(0)
		}
		params := dynamodb.EndpointParameters{
			Region: text("eu-west-1", "eu-west-1", "us-gov-east-1", "local"), Endpoint: []*string{nil, nil, nil, ptr("http://localhost:8000/a"), ptr("://")}[r.IntN(5)],
			AccountId: text("111111111111", "222222222222"), AccountIdEndpointMode: text("preferred", "disabled", "required"),
			ResourceArn: text("app", "arn:aws:dynamodb:eu-west-1:333333333333:table/app"),
		}
		if r.IntN(4) == 0 {
			params.UseFIPS, params.UseDualStack, params.IsSearchOperation = ptr(r.IntN(2) == 0), ptr(r.IntN(2) == 0), ptr(r.IntN(2) == 0)
		}
		if r.IntN(2) == 0 {
			params.ResourceArn, params.ResourceArnList = nil, []string{"app", "arn:aws:dynamodb:eu-west-1:444444444444:table/app"}[r.IntN(2):]
		}
		for range 1 + r.IntN(2) {
			want, wantErr := theirs.ResolveEndpoint(t.Context(), params)
			got, err := e.ResolveEndpoint(t.Context(), params)
			require.Equal(t, wantErr, err)
			require.Equal(t, want, got)
		}
	}
}

// The SDK is asked once for the calls of a table, and for each one if there are too many tables.
func TestEndpoints_Memory(t *testing.T) {
	c := &countingResolver{EndpointResolverV2: dynamodb.NewDefaultEndpointResolverV2()}
	e := &endpoints{theirs: c}
	resolve := func(region, table string, list ...string) string {
		got, err := e.ResolveEndpoint(t.Context(), dynamodb.EndpointParameters{Region: &region, ResourceArn: &table, ResourceArnList: list})
		require.NoError(t, err)
		return got.URI.String()
	}
	base := "http://one"
	for range 3 {
		require.Equal(t, "https://dynamodb.eu-west-1.amazonaws.com", resolve("eu-west-1", "app"))
		require.Equal(t, "https://dynamodb.eu-west-1.amazonaws.com", resolve("eu-west-1", "", "app"))
	}
	require.Equal(t, 2, c.asked)
	require.Equal(t, "https://dynamodb.eu-west-3.amazonaws.com", resolve("eu-west-3", "app"))
	require.Equal(t, 3, c.asked)
	for _, base = range []string{"http://one", "http://two"} { // the same pointer
		got, err := e.ResolveEndpoint(t.Context(), dynamodb.EndpointParameters{Region: ptr("eu-west-1"), Endpoint: &base})
		require.NoError(t, err)
		require.Equal(t, base, got.URI.String())
	}
	for i := range maxEndpoints {
		resolve("eu-west-1", strconv.Itoa(i))
	}
	require.EqualValues(t, maxEndpoints, e.stores.Load())
	c.asked = 0
	for range 3 {
		resolve("eu-west-1", "one more")
	}
	require.Equal(t, 3, c.asked)
}

// A resolver of the user's stays, of the client or of a call.
func TestEndpoints_OfTheUser(t *testing.T) {
	own := &countingResolver{EndpointResolverV2: dynamodb.NewDefaultEndpointResolverV2()}
	require.Nil(t, endpointsOf(dynamodb.New(dynamodb.Options{EndpointResolverV2: own})))
	require.Nil(t, endpointsOf(&dynamodb.Client{}))
	e := endpointsOf(dynamodb.New(dynamodb.Options{}))
	require.NotNil(t, e)
	o := dynamodb.New(dynamodb.Options{}).Options()
	e.install(&o)
	require.Same(t, e, o.EndpointResolverV2)
	o.EndpointResolverV2 = own
	e.install(&o)
	require.Same(t, own, o.EndpointResolverV2)
	(*endpoints)(nil).install(&o)
	require.Same(t, own, o.EndpointResolverV2)
}
