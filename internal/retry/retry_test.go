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
