package monotable

import (
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Option changes how calls are made. Give options to With of a Table, an Entity or a
// Query; the derived value is cheap and may be kept.
type Option interface{ apply(*options) }

type optionFunc func(*options)

func (f optionFunc) apply(o *options) { f(o) }

// options are what the options of a value say. It is copied, never changed in place.
type options struct {
	consistent    bool
	reveal        bool
	noVersion     bool
	writeBack     bool
	adoptVersion  bool
	allowScan     bool
	exactlyOnce   bool
	stopEarly     bool          // of a batch
	timeout       time.Duration // of one attempt
	attempts      int
	concurrency   int
	backoff       func(attempt int) time.Duration
	pace          float64 // of a batch: items a second
	paceUnits     float64
	progress      func(BatchProgress)
	table         string
	token         string // of a transaction
	cursorContext string
	noReadAhead   bool
	noWireCodec   bool
	signing       *signing
	endpoints     *endpoints
	tokened       bool    // the request is to be the same every time under the token
	scopes        []scope // every partition key must be in all of them
	capacity      *ConsumedCapacity
	observer      Observer
	client        []func(*dynamodb.Options)
}

func (o options) with(opts []Option) options {
	o.client = slices.Clip(o.client)
	for _, opt := range opts {
		if opt != nil {
			opt.apply(&o)
		}
	}
	return o
}

func (o *options) tableName(c *tableCore) string { return or(o.table, c.name) }

// onceToken is the caller's token, if a single write makes use of it.
func (o *options) onceToken() string {
	if !o.exactlyOnce {
		return ""
	}
	return o.token
}

// inParallel is how many requests may be under way at a time.
func (o *options) inParallel() int {
	if o.concurrency == 0 {
		return defaultConcurrency
	}
	return o.concurrency
}

func (o *options) attemptTimeout() time.Duration {
	if o.timeout == 0 {
		return defaultAttemptTimeout
	}
	return o.timeout
}

func (o *options) returnCapacity() types.ReturnConsumedCapacity {
	if o.capacity == nil && o.observer == nil {
		return ""
	}
	return types.ReturnConsumedCapacityTotal
}

// Consistent makes reads strongly consistent, at twice the cost. A global index cannot: the query is refused.
func Consistent() Option { return optionFunc(func(o *options) { o.consistent = true }) }

// Reveal returns Hidden attributes too.
func Reveal() Option { return optionFunc(func(o *options) { o.reveal = true }) }

// WithoutVersionCheck writes whatever version is stored. The version is raised all the same, so that
// other writers notice; Put stores that of its argument plus 1, which may be lower than the stored one.
func WithoutVersionCheck() Option { return optionFunc(func(o *options) { o.noVersion = true }) }

// AdoptUnversioned lets Update, Upsert and Modify take stored items that have no version yet, as
// version 0. Without it they are refused with ErrVersionConflict.
func AdoptUnversioned() Option { return optionFunc(func(o *options) { o.adoptVersion = true }) }

// CursorContext binds cursors to a text, such as the tenant or user they are made for: taken with another text, or without, they are ErrBadCursor.
func CursorContext(text string) Option {
	return optionFunc(func(o *options) { o.cursorContext = text })
}

// NoReadAhead keeps All and Collect from reading the next page while the current one is used: they read it when its first item is asked for.
func NoReadAhead() Option { return optionFunc(func(o *options) { o.noReadAhead = true }) }

// NoWireCodec leaves replies, requests and their signatures to the SDK. Otherwise, with the SDK's own client, the items of reads, and what an update returns, are made of the reply's JSON directly, at a
// fraction of the time, and are taken out of what the SDK is given: a middleware of the client's that looks at the items of an output does not find them there. With any other client, and where the client
// logs bodies, it is so in any case. Writes and batches put their keys and items into requests likewise, but only where no middleware, interceptor or [ClientOptions] of the client's could look at them. Requests are
// signed by a signer that gives the signatures of the SDK's, and leaves what is out of the ordinary to it; a client with another signer or auth scheme keeps that. So
// does one with an endpoint resolver of its own; what the SDK's says is remembered.
func NoWireCodec() Option { return optionFunc(func(o *options) { o.noWireCodec = true }) }

// AllowScan lets a read of a table with [TableConfig.Strict] scan, or read a whole partition for a Filter. Elsewhere it does nothing.
func AllowScan() Option { return optionFunc(func(o *options) { o.allowScan = true }) }

// ExactlyOnce runs each write as a transaction of one action with a token, so that the service itself applies it once however often
// it must be sent: no lost reply leaves its outcome in doubt, and Add and Append can be sent again. It costs twice the write
// units; Update, Upsert and Modify read the item back (which may show later writes), and Delete reads it beforehand.
func ExactlyOnce() Option { return optionFunc(func(o *options) { o.exactlyOnce = true }) }

// AttemptTimeout bounds each attempt of each call, see [TableConfig.AttemptTimeout].
func AttemptTimeout(d time.Duration) Option { return optionFunc(func(o *options) { o.timeout = d }) }

// Concurrency bounds how many requests of one call are under way at a time, 1 at least: of a batch and of [QueryMany], where the default is 4, and
// of a parallel scan, which by default reads all of its segments at once, 256 at most.
func Concurrency(n int) Option { return optionFunc(func(o *options) { o.concurrency = max(n, 1) }) }

// Attempts bounds how often Modify, Upsert and transactions try, 1 at least; the default is 64. For batches it is how many rounds may pass
// without progress; the default is 10. It does not change the SDK's own retries.
func Attempts(n int) Option { return optionFunc(func(o *options) { o.attempts = max(n, 1) }) }

// Backoff sets how long monotable's own loops (Modify, Upsert, transactions, batches) may wait before the next try: ceiling gives the
// longest wait after the given number of tries without success, 0 first. The wait itself is drawn at random below it. Less than a millisecond counts as
// one. nil restores the defaults: 10 ms doubling to 1 s, for batches 50 ms doubling to 5 s. The
// SDK's own retries have their own.
func Backoff(ceiling func(attempt int) time.Duration) Option {
	return optionFunc(func(o *options) { o.backoff = ceiling })
}

// Pace bounds how many items a second one batch call sends, over all its requests, those sent again included, and the SDK's own retries not. A
// request has at most a second's worth, and starts when what was sent before has had its time. 0 or less, the default, is no
// bound. Waits end with the context. Calls do not know of each other.
func Pace(itemsPerSecond float64) Option {
	return optionFunc(func(o *options) { o.pace = itemsPerSecond })
}

// PaceUnits bounds how many capacity units a second one batch call consumes, over all its requests. What a request takes is known from its answer, so each is booked
// by what the one before took an item, the first by one unit, and the difference is made up for afterwards: the first requests may take more than the bound allows. 0 or less,
// the default, is no bound. Waits end with the context. It holds beside [Pace].
func PaceUnits(unitsPerSecond float64) Option {
	return optionFunc(func(o *options) { o.paceUnits = unitsPerSecond })
}

// Progress has batch calls tell how far they are: in the goroutine of the caller, never two calls at a time. It may be slow: sending goes on meanwhile, and
// states in between are left out, but the last one, with everything settled, never is. A panic in it is logged by the table's logger, and the batch
// goes on without it. nil, the default, tells nobody. A call that is refused tells nothing.
func Progress(tell func(BatchProgress)) Option {
	return optionFunc(func(o *options) { o.progress = tell })
}

// StopOnFailure ends a batch as soon as one of its requests has failed for good, or its attempts are used up: those under way come to their end, and what was not
// sent then is not carried out, with ErrStopped. Without it the others are still sent.
func StopOnFailure() Option { return optionFunc(func(o *options) { o.stopEarly = true }) }

// TableName sends the calls to another table of the same layout.
func TableName(name string) Option { return optionFunc(func(o *options) { o.table = name }) }

// Token is the caller's own idempotency token for a transaction, or for a single write under [ExactlyOnce], 1 to 36 characters: the same
// request again within ten minutes succeeds without effect, another one with the same token is refused by the service. A request is
// the same if nothing in it follows the clock (UpdatedAt, CreatedAt) or what was stored (Unique, Upsert, Modify). A token counts for all tables of
// the account. "" lets every call have a token of its own.
func Token(token string) Option { return optionFunc(func(o *options) { o.token = token }) }

// ClientOptions passes options to the SDK's client, after those of [TableConfig].
func ClientOptions(fns ...func(*dynamodb.Options)) Option {
	return optionFunc(func(o *options) { o.client = append(o.client, fns...) })
}

// Capacity sums up in c what the calls consume. c may be shared between calls and goroutines.
func Capacity(c *ConsumedCapacity) Option { return optionFunc(func(o *options) { o.capacity = c }) }

// ConsumedCapacity is a sum of capacity units. The zero value is ready; it is safe for concurrent use.
type ConsumedCapacity struct {
	mu       sync.Mutex
	units    float64
	requests int
}

// Units is the sum of the units that answers have reported.
func (c *ConsumedCapacity) Units() float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.units
}

// Requests is the number of answers that have reported units.
func (c *ConsumedCapacity) Requests() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.requests
}

func (c *ConsumedCapacity) add(consumed *types.ConsumedCapacity) {
	if c == nil || consumed == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests++
	if consumed.CapacityUnits != nil {
		c.units += *consumed.CapacityUnits
	}
}
