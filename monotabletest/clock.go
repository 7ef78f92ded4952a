package monotabletest

import (
	"sync"
	"time"
)

// Clock is a time that stands still until a test moves it. Its Now is for [monotable.TableConfig], and for memdb.Options:
//
//	var clock monotabletest.Clock
//	table := monotabletest.Table(t, monotable.TableConfig{…, Clock: clock.Now})
//
// The zero value stands at the beginning of the year 2000, UTC, as the time of testing/synctest does. It is safe for concurrent use, and is not to
// be copied after the first use. It moves no timers: for what waits, use testing/synctest.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

var epoch = time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)

// NewClock is a clock that stands at a time.
func NewClock(now time.Time) *Clock { return &Clock{now: now} }

// Now is the time at which the clock stands.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.read()
}

func (c *Clock) read() time.Time {
	if c.now.IsZero() {
		return epoch
	}
	return c.now
}

// Set moves the clock to a time, back too, as clocks of machines are. The zero time is the beginning of the year 2000.
func (c *Clock) Set(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = now
}

// Advance moves the clock on, or back if d is negative, and gives the new time.
func (c *Clock) Advance(d time.Duration) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.read().Add(d)
	return c.now
}
