package monotable

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

// clientCall is one of the ten calls of a Client.
type clientCall[In, Out any] = func(context.Context, *In, ...func(*dynamodb.Options)) (*Out, error)

// send makes a call of the client, and is the only place that does. What its attempts came to is told even if it fails.
func send[In, Out any](ctx context.Context, o *options, resend resending, call clientCall[In, Out], in *In) (*Out, *attempts, error) {
	return sendInto(ctx, nil, o, resend, nil, call, in)
}

// sendInto is send for an answer with items that go into a reply, if they can.
func sendInto[In, Out any](
	ctx context.Context, t *tableCore, o *options, resend resending, answer *reply, call clientCall[In, Out], in *In,
) (*Out, *attempts, error) {
	a := newAttempts(o, resend)
	if answer != nil {
		a.answer = answer.unless(!t.takesJSON(o))
	}
	out, err := sendAs(ctx, o, a, call, in)
	return out, a, err
}

// sendAs is send for a call that goes on with the body of another one.
func sendAs[In, Out any](ctx context.Context, o *options, a *attempts, call clientCall[In, Out], in *In) (*Out, error) {
	if err := started(ctx); err != nil {
		return nil, err
	}
	a.observed = operationIn(ctx).request(in)
	var out *Out
	for try := 0; ; try++ {
		var err error
		seen, start := a.made, a.observed.now()
		out, err = call(ctx, in, append(slices.Clip(o.client), a.install)...)
		a.over(err == nil && a.made == seen+1)
		if a.made == seen {
			a.observed.unseen(ctx, try+1, start, out, err)
		}
		if err == nil {
			break
		}
		// The SDK decodes all attempts of a call into one answer, so what is left of one that it could not read must not meet the next.
		if !unreadable(err) || a.resend == resendNever || try == unreadableTries {
			return nil, err
		}
		if waitErr := soon.Wait(ctx, try); waitErr != nil {
			return nil, fmt.Errorf("%w: %w", waitErr, err)
		}
	}
	if o.returnCapacity() != "" {
		for _, c := range consumed(out) {
			o.capacity.add(c)
			a.observed.consume(c)
		}
	}
	return out, nil
}

const unreadableTries = 2

// unreadable says that a reply came and is no answer of DynamoDB's.
func unreadable(err error) bool {
	_, answered := errors.AsType[smithy.APIError](err)
	return !answered && errors.As(err, new(*smithy.DeserializationError))
}

// read is send for calls that change nothing.
func read[In, Out any](ctx context.Context, t *tableCore, o *options, call clientCall[In, Out], in *In) (*Out, error) {
	return readInto(ctx, t, o, nil, call, in)
}

// readInto is read of items that answer takes out of the reply, if it can.
func readInto[In, Out any](ctx context.Context, t *tableCore, o *options, answer *reply, call clientCall[In, Out], in *In) (*Out, error) {
	out, a, err := sendInto(ctx, t, o, resendFreely, answer, call, in)
	if err != nil {
		return nil, a.failure(t, err, false)
	}
	return out, nil
}

// consumed finds what an answer says of the capacity it took.
func consumed(out any) []*types.ConsumedCapacity {
	switch out := out.(type) {
	case *dynamodb.GetItemOutput:
		return []*types.ConsumedCapacity{out.ConsumedCapacity}
	case *dynamodb.PutItemOutput:
		return []*types.ConsumedCapacity{out.ConsumedCapacity}
	case *dynamodb.UpdateItemOutput:
		return []*types.ConsumedCapacity{out.ConsumedCapacity}
	case *dynamodb.DeleteItemOutput:
		return []*types.ConsumedCapacity{out.ConsumedCapacity}
	case *dynamodb.QueryOutput:
		return []*types.ConsumedCapacity{out.ConsumedCapacity}
	case *dynamodb.ScanOutput:
		return []*types.ConsumedCapacity{out.ConsumedCapacity}
	case *dynamodb.BatchGetItemOutput:
		return pointers(out.ConsumedCapacity)
	case *dynamodb.BatchWriteItemOutput:
		return pointers(out.ConsumedCapacity)
	case *dynamodb.TransactGetItemsOutput:
		return pointers(out.ConsumedCapacity)
	case *dynamodb.TransactWriteItemsOutput:
		return pointers(out.ConsumedCapacity)
	}
	return nil
}

func pointers[E any](all []E) []*E {
	out := make([]*E, len(all))
	for i := range all {
		out[i] = &all[i]
	}
	return out
}

// started refuses a call whose context is already done, so that nothing is sent.
func started(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if err == nil || errors.Is(cause, err) {
		return cause
	}
	return fmt.Errorf("%w: %w", err, cause)
}

// failure sorts the error of a call. wrote says that it was a write.
func (a *attempts) failure(t *tableCore, err error, wrote bool) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	failure := &serviceFailure{err: err, last: a.last}
	if wrote && a.leavesOpen(t, err) {
		failure.sentinels = append(failure.sentinels, ErrOutcomeUnknown)
	}
	if reasons, ok := throttled(err); ok {
		failure.sentinels = append(failure.sentinels, &ThrottledError{Reasons: reasons})
	}
	return failure
}

// leavesOpen says that the write of a call that failed with err may have taken effect.
func (a *attempts) leavesOpen(t *tableCore, err error) bool {
	switch {
	case a.made > 0:
		return a.ambiguous != nil
	case t.isSDK:
		return false // it did not get as far as the first attempt
	}
	return unseenLeavesOpen(err)
}

// unseenLeavesOpen is leavesOpen for a client that does not take our middleware. Only the service's own answer is definite.
func unseenLeavesOpen(err error) bool {
	if errors.As(err, new(ratelimit.QuotaExceededError)) {
		return true
	}
	_, answered := errors.AsType[smithy.APIError](err)
	return !answered || mayHaveApplied(err)
}

var throttleCodes = map[string]bool{
	"ProvisionedThroughputExceededException": true,
	"RequestLimitExceeded":                   true,
	"ThrottlingException":                    true,
	"ThrottlingError":                        true,
	"Throttling":                             true,
}

// throttled says that the service, or the client's own retry quota, refused for lack of capacity, and the service's reasons.
func throttled(err error) ([]ThrottlingReason, bool) {
	var reasons []types.ThrottlingReason
	if e, ok := errors.AsType[*types.ProvisionedThroughputExceededException](err); ok {
		reasons = e.ThrottlingReasons
	} else if e, ok := errors.AsType[*types.RequestLimitExceeded](err); ok {
		reasons = e.ThrottlingReasons
	} else if e, ok := errors.AsType[*types.ThrottlingException](err); ok {
		reasons = e.ThrottlingReasons
	} else if api, ok := errors.AsType[smithy.APIError](err); !ok || !throttleCodes[api.ErrorCode()] {
		return nil, errors.As(err, new(ratelimit.QuotaExceededError))
	}
	out := make([]ThrottlingReason, len(reasons))
	for i, r := range reasons {
		out[i] = ThrottlingReason{Reason: deref(r.Reason), Resource: deref(r.Resource)}
	}
	return out, true
}
