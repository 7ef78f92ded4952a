package migrate

import (
	"time"

	"github.com/monotable/monotable/internal/call"
	"github.com/monotable/monotable/lease"
)

const (
	defaultSegments    = 64
	maxSegments        = 10_000
	defaultConcurrency = 8
	defaultPageSize    = 500
	defaultKept        = 20
)

// config is what the options of a backfill say.
type config struct {
	segments    int
	ttl         time.Duration
	concurrency int
	pageSize    int32
	pace, units float64
	tries       int
	keep        int
	dryRun      bool
	restart     bool
	stopOnError bool
	leaveGuards bool
	name        string
	rewrite     Change
	reads       []string
	progress    func(BackfillStatus)
}

// BackfillOption is a setting of [Backfill], [Reindex], [MovePartition] or [DeletePartition].
type BackfillOption func(*config)

func configOf(opts []BackfillOption) config {
	c := config{
		segments: defaultSegments, ttl: lease.DefaultTTL, concurrency: defaultConcurrency, pageSize: defaultPageSize, tries: call.Tries, keep: defaultKept,
	}
	for _, opt := range opts {
		opt(&c)
	}
	return c
}

// Segments is into how many parts the table is divided, 1 to 10,000; the default is 64. A worker has one at a time, so there may be as many workers. The
// first call for a name decides, and [Restart].
func Segments(n int) BackfillOption {
	return func(c *config) { c.segments = min(max(n, 1), maxSegments) }
}

// SegmentTTL is how long a segment stays with a worker that does not answer any more; the default, and 0, is [lease.DefaultTTL].
func SegmentTTL(d time.Duration) BackfillOption {
	return func(c *config) {
		if c.ttl = d; d == 0 {
			c.ttl = lease.DefaultTTL
		}
	}
}

// Concurrency is how many items a call works on at the same time, 1 at least; the default is 8.
func Concurrency(n int) BackfillOption { return func(c *config) { c.concurrency = max(n, 1) } }

// PageSize is how many items are read at once, 1 at least, and at most how many are worked on twice after a crash; the default is 500. DynamoDB ends a page at 1 MB
// in any case.
func PageSize(n int) BackfillOption {
	return func(c *config) { c.pageSize = int32(min(max(n, 1), 1_000_000)) }
}

// Pace bounds how many items a second a call works on, those that need no change included. 0 or less, the default, is no bound. Calls do not know of
// each other.
func Pace(itemsPerSecond float64) BackfillOption {
	return func(c *config) { c.pace = itemsPerSecond }
}

// PaceUnits bounds how many write units a second a call consumes. What a write takes is known from its answer, and the next one waits for it; so the writes that are
// under way together, see [Concurrency], may exceed it for a moment. 0 or less, the default, is no bound. It holds beside [Pace].
func PaceUnits(unitsPerSecond float64) BackfillOption {
	return func(c *config) { c.units = unitsPerSecond }
}

// Tries is how often an item is tried, 1 at least, while other writers are faster, or requests are throttled or have no answer; the default is 10. The SDK's own retries
// do not count.
func Tries(n int) BackfillOption { return func(c *config) { c.tries = max(n, 1) } }

// KeepFailures is how many failures a report keeps of each segment, and of the whole; the default is 20. They are stored with the backfill, as keys.
func KeepFailures(n int) BackfillOption { return func(c *config) { c.keep = max(n, 0) } }

// StopOnError ends the call with the first item that fails. It is not skipped: the next call meets it again.
func StopOnError() BackfillOption { return func(c *config) { c.stopOnError = true } }

// DryRun counts what would be changed and writes nothing, not even records: it reads the whole table by itself, and a [lease.Store] may be nil.
func DryRun() BackfillOption { return func(c *config) { c.dryRun = true } }

// Restart begins anew, also if the backfill is done. Other workers of the same backfill end with [ErrRestarted].
func Restart() BackfillOption { return func(c *config) { c.restart = true } }

// Progress is told how far the work is, after each page: never two calls at a time, in the goroutine that works, which waits for it. See [Terminal].
func Progress(tell func(BackfillStatus)) BackfillOption { return func(c *config) { c.progress = tell } }

// LeaveGuards lets [MovePartition] and [DeletePartition] work on items with Unique values. Their guards still name the old keys afterwards: those of deleted items
// block their values, and those of moved items do not find them, until [monotable.Entity.RepairUnique] has run.
func LeaveGuards() BackfillOption { return func(c *config) { c.leaveGuards = true } }

// Rewrite lets [MovePartition] change each item on its way: it is given the item with its new partition key, and changes the attributes that the key is made from, and the sort
// key if that is to be another one. nil leaves the item where it is. It must not change the partition key.
func Rewrite(change Change) BackfillOption { return func(c *config) { c.rewrite = change } }

// Reads says which attributes the function of a [Backfill] reads, at the top of the item. Then a write is conditioned on these, on those that it changes, and on the item's Version, alone: what
// programs do to others meanwhile is no reason to read the item again, and an item may have any number of them. By default the whole item is compared. Without a name the function reads none. Other work than
// Backfill takes no notice of it.
func Reads(attributes ...string) BackfillOption {
	return func(c *config) { c.reads = append([]string{}, attributes...) }
}

// Named gives a [Reindex] a name of its own.
func Named(name string) BackfillOption { return func(c *config) { c.name = name } }
