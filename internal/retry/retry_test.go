package retry_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/internal/retry"
)

// F020: every wait is positive, jittered and bounded, whatever the attempt.
func TestF020_DelaysArePositiveAndBounded(t *testing.T) {
	b := retry.Backoff{Base: 10 * time.Millisecond, Cap: time.Second}
	for attempt := range 80 {
		seen := map[time.Duration]bool{}
		ceiling := time.Second
		if attempt < 7 {
			ceiling = 10 * time.Millisecond << attempt
		}
		for range 50 {
			d := b.Delay(attempt)
			require.Positive(t, d)
			require.LessOrEqual(t, d, ceiling)
			seen[d] = true
		}
		assert.Greater(t, len(seen), 10, "full jitter")
	}
	assert.Equal(t, time.Duration(1), retry.Backoff{}.Delay(3))
}

// The ceiling doubles up to the cap, and shifting never runs over.
func TestF020_Ceilings(t *testing.T) {
	for _, c := range []struct {
		retry.Backoff
		attempt int
		ceiling time.Duration
	}{
		{retry.Backoff{Base: time.Millisecond, Cap: time.Second}, 0, time.Millisecond},
		{retry.Backoff{Base: time.Millisecond, Cap: time.Second}, 5, 32 * time.Millisecond},
		{retry.Backoff{Base: time.Millisecond, Cap: time.Second}, 10, time.Second},
		{retry.Backoff{Base: 1, Cap: time.Hour}, 31, 1 << 31},
		{retry.Backoff{Base: 1, Cap: time.Hour}, 32, time.Hour},
		{retry.Backoff{Base: time.Hour, Cap: 24 * time.Hour}, 22, 24 * time.Hour}, // past the largest duration
		{retry.Backoff{Base: 1 << 40, Cap: 1 << 42}, 31, 1 << 42},                 // shifted to 0
		{retry.Backoff{}, 3, 1},
	} {
		longest := time.Duration(0)
		for range 100 {
			d := c.Delay(c.attempt)
			require.Positive(t, d)
			longest = max(longest, d)
		}
		require.LessOrEqual(t, longest, c.ceiling, c)
		require.Greater(t, longest, c.ceiling/2, c) // but once in 2^100 runs
	}
	for attempt := range 100 {
		longest := time.Duration(0)
		for range 100 {
			longest = max(longest, retry.Backoff{Base: time.Hour, Cap: 24 * time.Hour}.Delay(attempt))
		}
		require.Greater(t, longest, 30*time.Minute, attempt)
	}
}

func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := retry.Backoff{Base: time.Second, Cap: time.Minute}
		start := time.Now()
		require.NoError(t, b.Wait(t.Context(), 3))
		assert.LessOrEqual(t, time.Since(start), 8*time.Second)

		cause := errors.New("gone")
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(cause)
		require.ErrorIs(t, b.Wait(ctx, 20), cause)
	})
}
