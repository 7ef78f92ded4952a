// Package retry waits between attempts: full jitter under an exponential ceiling, cancellable.
package retry

import (
	"context"
	"math/rand/v2"
	"time"
)

// Backoff says how long to wait at the most before an attempt. The zero value waits one nanosecond.
type Backoff struct {
	Base time.Duration // ceiling of the first wait
	Cap  time.Duration // ceiling of every wait
}

// Delay is a random time from one nanosecond to the ceiling of the attempt: 0 for the first retry, and so on.
func (b Backoff) Delay(attempt int) time.Duration {
	ceiling := b.Cap
	if attempt < 32 && b.Base<<attempt > 0 && b.Base<<attempt < b.Cap {
		ceiling = b.Base << attempt
	}
	return 1 + time.Duration(rand.Int64N(int64(max(ceiling, 1)))) //nolint:gosec // jitter needs no secret randomness
}

// Wait sleeps for the attempt's delay. It returns early, with the context's error, when the context ends.
func (b Backoff) Wait(ctx context.Context, attempt int) error {
	timer := time.NewTimer(b.Delay(attempt))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
