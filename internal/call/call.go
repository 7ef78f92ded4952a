// Package call makes calls of the service again when they fail for a reason that passes, whether or not the client has its own retries.
package call

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"

	backoff "github.com/monotable/monotable/internal/retry"
)

const (
	// Timeout is how long an answer may take.
	Timeout = 10 * time.Second
	// Tries is how often a call is made, besides the SDK's own retries.
	Tries = 10
	// maxPoll is the longest pause between two looks at a lease of another.
	maxPoll = 5 * time.Second
)

// Between is the pause before a call is made again.
var Between = backoff.Backoff{Base: 50 * time.Millisecond, Cap: 2 * time.Second}

// ErrUnanswered is a call whose outcome cannot be told from its reply.
var ErrUnanswered = errors.New("the reply cannot be read")

// Persist makes a call, and again if it had no answer within the timeout or passes says that its error may pass.
func Persist(ctx context.Context, timeout time.Duration, tries int, passes func(error) bool, call func(context.Context) error) error {
	for try := 0; ; try++ {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		bounded, cancel := context.WithTimeout(ctx, timeout)
		err := call(bounded)
		timedOut := bounded.Err() != nil
		cancel()
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return errors.Join(context.Cause(ctx), err)
		case try+1 >= tries || !timedOut && !passes(err):
			return err
		}
		if waitErr := Between.Wait(ctx, try); waitErr != nil {
			return errors.Join(waitErr, err)
		}
	}
}

// Passes says that the same call may succeed later.
func Passes(err error) bool {
	if _, answered := errors.AsType[smithy.APIError](err); !answered && errors.As(err, new(*smithy.DeserializationError)) {
		return true
	}
	return errors.Is(err, ErrUnanswered) || retry.IsErrorRetryables(retry.DefaultRetryables).IsErrorRetryable(err).Bool() ||
		retry.IsErrorThrottles(retry.DefaultThrottles).IsErrorThrottle(err).Bool()
}

// Text is the text of an error inside another one: of the service its code alone, since its message may quote the request.
func Text(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	text := err.Error()
	for _, prefix := range []string{"migrate: ", "lease: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	return text
}

// Poll is the pause before the next look at what another one holds for ttl.
func Poll(ctx context.Context, ttl time.Duration) error {
	return Sleep(ctx, min(ttl/8+Between.Delay(0), maxPoll))
}

// Sleep returns early, with the context's cause, when that ends.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
