package monotable

import (
	"context"
	"reflect"
	"slices"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	smithyendpoints "github.com/aws/smithy-go/endpoints"
)

// endpoints is the SDK's own resolver with a memory: the calls of a table lead to one endpoint as a rule, and the SDK would go through all its rules for each.
// nil does nothing.
type endpoints struct {
	theirs dynamodb.EndpointResolverV2
	last   [2]atomic.Pointer[endpointOf] // of calls that name one table, and a list of them
	stores atomic.Int32
}

// endpointOf is what was resolved. Nobody changes it: the SDK copies what it needs.
type endpointOf struct {
	params   dynamodb.EndpointParameters // whose values are copies
	endpoint smithyendpoints.Endpoint
}

// maxEndpoints bounds how often another endpoint is remembered: who has a table name for each call would pay for it each time.
const maxEndpoints = 100

// endpointParameters is how many there are. A newer SDK may know more that count.
const endpointParameters = 9

// endpointsOf is nil for a client with a resolver that is not the SDK's.
func endpointsOf(client *dynamodb.Client) *endpoints {
	e := &endpoints{theirs: client.Options().EndpointResolverV2}
	if !e.knows(e.theirs) || reflect.TypeFor[dynamodb.EndpointParameters]().NumField() != endpointParameters {
		return nil
	}
	return e
}

// sdkResolver is the type of the SDK's own resolver, which has no state.
var sdkResolver = reflect.TypeOf(dynamodb.NewDefaultEndpointResolverV2())

func (*endpoints) knows(r dynamodb.EndpointResolverV2) bool { return reflect.TypeOf(r) == sdkResolver }

// install leaves a call alone that has been told to resolve otherwise.
func (e *endpoints) install(o *dynamodb.Options) {
	if e != nil && e.knows(o.EndpointResolverV2) {
		o.EndpointResolverV2 = e
	}
}

// ResolveEndpoint implements the resolver.
func (e *endpoints) ResolveEndpoint(ctx context.Context, params dynamodb.EndpointParameters) (smithyendpoints.Endpoint, error) {
	last := &e.last[0]
	if params.ResourceArnList != nil {
		last = &e.last[1]
	}
	if known := last.Load(); known != nil && known.isFor(&params) {
		return known.endpoint, nil
	}
	endpoint, err := e.theirs.ResolveEndpoint(ctx, params)
	if err == nil && e.stores.Load() < maxEndpoints {
		e.stores.Add(1)
		last.Store(&endpointOf{params: ownParameters(&params), endpoint: endpoint})
	}
	return endpoint, err
}

func (e *endpointOf) isFor(p *dynamodb.EndpointParameters) bool {
	k := &e.params
	return sameValue(k.Region, p.Region) && sameValue(k.UseDualStack, p.UseDualStack) && sameValue(k.UseFIPS, p.UseFIPS) && sameValue(k.Endpoint, p.Endpoint) &&
		sameValue(k.AccountId, p.AccountId) && sameValue(k.AccountIdEndpointMode, p.AccountIdEndpointMode) && sameValue(k.ResourceArn, p.ResourceArn) &&
		sameValue(k.IsSearchOperation, p.IsSearchOperation) && slices.Equal(k.ResourceArnList, p.ResourceArnList)
}

func sameValue[V comparable](a, b *V) bool { return a == b || a != nil && b != nil && *a == *b }

func ownParameters(p *dynamodb.EndpointParameters) dynamodb.EndpointParameters {
	return dynamodb.EndpointParameters{
		Region: own(p.Region), UseDualStack: own(p.UseDualStack), UseFIPS: own(p.UseFIPS), Endpoint: own(p.Endpoint),
		AccountId: own(p.AccountId), AccountIdEndpointMode: own(p.AccountIdEndpointMode), ResourceArn: own(p.ResourceArn),
		ResourceArnList: slices.Clone(p.ResourceArnList), IsSearchOperation: own(p.IsSearchOperation),
	}
}

func own[V any](p *V) *V {
	if p == nil {
		return nil
	}
	return ptr(*p)
}
