package migrate

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable"
)

// ErrRestarted says that another call has begun the backfill anew with [Restart] while this one worked.
var ErrRestarted = errors.New("migrate: the backfill was restarted by another")

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
	progress    func(Status)
}

// BackfillOption is a setting of [Backfill], [Reindex], [MovePartition] or [DeletePartition].
type BackfillOption func(*config)

func configOf(opts []BackfillOption) config {
	c := config{
		segments: defaultSegments, ttl: DefaultTTL, concurrency: defaultConcurrency, pageSize: defaultPageSize, tries: maxTries, keep: defaultKept,
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

// SegmentTTL is how long a segment stays with a worker that does not answer any more; the default, and 0, is [DefaultTTL].
func SegmentTTL(d time.Duration) BackfillOption {
	return func(c *config) {
		if c.ttl = d; d == 0 {
			c.ttl = DefaultTTL
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

// DryRun counts what would be changed and writes nothing, not even records: it reads the whole table by itself, and a [Store] may be nil.
func DryRun() BackfillOption { return func(c *config) { c.dryRun = true } }

// Restart begins anew, also if the backfill is done. Other workers of the same backfill end with [ErrRestarted].
func Restart() BackfillOption { return func(c *config) { c.restart = true } }

// Progress is told how far the work is, after each page: never two calls at a time, in the goroutine that works, which waits for it. See [Terminal].
func Progress(tell func(Status)) BackfillOption { return func(c *config) { c.progress = tell } }

// backfill is the work of one call on the segments of a table.
type backfill struct {
	config
	store  *Store
	of     string // what a round is of: a done one of something else does not count
	layout *layout
	pacer  *pacer
	meter  *meter
	work   func(context.Context, item) (outcome, error)
	// unwritable says that an item which is refused although it has not changed has expired.
	unwritable bool

	round int64 // of the name; a restart has a higher one
	mu    sync.Mutex
	known []segment // as far as this call has seen
}

// segment is how far a segment is, as its record has it.
type segment struct {
	round  int64
	cursor item
	done   bool
	report Report
}

func newBackfill(store *Store, name string, table *monotable.Table, opts []BackfillOption) *backfill {
	b := &backfill{config: configOf(opts), store: store, layout: layoutOf(table)}
	if b.name == "" {
		b.name = name
	}
	b.dryRun = b.dryRun || store != nil && store.dry
	b.pacer = newPacer(b.pace, b.units)
	b.meter = newMeter(b.name, store, b.progress)
	return b
}

func (b *backfill) run(ctx context.Context) (Report, error) {
	if err := b.layout.whole(); err != nil {
		return Report{}, err
	}
	if b.dryRun {
		b.known = make([]segment, b.segments)
		return b.dry(ctx)
	}
	if b.store == nil {
		return Report{}, fmt.Errorf("%w: a backfill needs a Store", ErrInvalid)
	}
	report, done, err := b.begin(ctx)
	if done || err != nil {
		return report, err
	}
	err = b.segmentsInTurn(ctx)
	report = b.report()
	if err == nil {
		err = b.finish(ctx, report)
	}
	if err != nil {
		return report, err
	}
	return report, report.failed(b.name)
}

// dry goes through the segments without leases and records.
func (b *backfill) dry(ctx context.Context) (Report, error) {
	for i := range b.known {
		if err := b.pages(ctx, i, segment{}, func(segment) error { return nil }); err != nil {
			return b.report(), err
		}
	}
	report := b.report()
	return report, report.failed(b.name)
}

// begin finds the backfill's record, or begins a round: the first one, one of something else, or one more where items have failed. done says that there is
// nothing left to do.
func (b *backfill) begin(ctx context.Context) (_ Report, done bool, _ error) {
	for {
		r, err := b.store.Load(ctx, b.record())
		if err != nil {
			return Report{}, false, err
		}
		n, seen := numberOf(r.Data["segments"]), numberOf(r.Data["round"])
		if report := b.reportIn(r.Data); n > 0 && !b.restart && textOf(r.Data["of"]) == b.of {
			b.round, b.known = seen, make([]segment, n)
			switch {
			case !isTrue(r.Data["done"]):
				return Report{}, false, b.look(ctx)
			case report.Failed == 0:
				report.Segments, report.Done = int(n), int(n)
				return report, true, nil
			}
		}
		err = b.leased(ctx, b.record(), func(l *Lease) error {
			if !b.restart && numberOf(l.Data()["round"]) != seen {
				return nil // another one has begun the next round
			}
			return l.Save(l.Context(), item{
				"segments": number(int64(b.segments)), "round": number(l.Fence()), "of": text(b.of), "done": nil, "counts": nil, "failed": nil,
			})
		})
		if err == nil {
			b.restart = false
			continue
		}
		if err := b.pause(ctx, err); err != nil {
			return Report{}, false, err
		}
	}
}

// finish records that all is done.
func (b *backfill) finish(ctx context.Context, report Report) error {
	for {
		r, err := b.store.Load(ctx, b.record())
		if err != nil {
			return err
		}
		if numberOf(r.Data["round"]) != b.round {
			return ErrRestarted
		}
		if isTrue(r.Data["done"]) {
			return nil
		}
		err = b.leased(ctx, b.record(), func(l *Lease) error {
			if numberOf(l.Data()["round"]) != b.round {
				return ErrRestarted
			}
			changes := b.recorded(report)
			changes["done"] = &types.AttributeValueMemberBOOL{Value: true}
			return l.Save(l.Context(), changes)
		})
		if err == nil {
			return nil
		}
		if err := b.pause(ctx, err); err != nil {
			return err
		}
	}
}

// leased works under a lease, if it can be had at once.
func (b *backfill) leased(ctx context.Context, name string, work func(*Lease) error) error {
	l, err := b.store.TryAcquire(ctx, name, b.ttl)
	if err != nil {
		return err
	}
	return under(ctx, l, work)
}

// under works under a lease and gives it back.
func under(ctx context.Context, l *Lease, work func(*Lease) error) error {
	err := work(l)
	if lost := context.Cause(l.Context()); err != nil && errors.Is(lost, ErrLeaseLost) {
		err = ErrLeaseLost // which is why, whatever it was that failed
	}
	if releaseErr := l.Release(context.WithoutCancel(ctx)); err == nil && !errors.Is(releaseErr, ErrLeaseLost) {
		err = releaseErr
	}
	return err
}

// pause waits before the next look at what another one has leased. It gives back any other error.
func (b *backfill) pause(ctx context.Context, err error) error {
	if ctx.Err() != nil || !errors.Is(err, ErrLeased) && !errors.Is(err, ErrLeaseLost) {
		return err
	}
	if waitErr := sleep(ctx, min(b.ttl/8+between.Delay(0), maxPoll)); waitErr != nil {
		return waitErr
	}
	return nil
}

// record is where the backfill is kept: each table has its own, and none is a set of migrations.
func (b *backfill) record() string { return "backfill:" + b.layout.name + ":" + b.name }

func (b *backfill) segmentName(i int) string { return b.record() + "/" + strconv.Itoa(i) }

// look reads how far all segments are.
func (b *backfill) look(ctx context.Context) error {
	for i := range b.known {
		r, err := b.store.Load(ctx, b.segmentName(i))
		if err != nil {
			return err
		}
		if err := b.note(i, b.segmentIn(r.Data)); err != nil {
			return err
		}
	}
	b.meter.begin(b.report())
	return nil
}

// segmentsInTurn takes one free segment after the other until all are done, by whomever.
func (b *backfill) segmentsInTurn(ctx context.Context) error {
	for {
		worked, open := false, 0
		first := rand.IntN(len(b.known)) // workers begin at different places
		for j := range b.known {
			i := (first + j) % len(b.known)
			if b.isDone(i) {
				continue
			}
			open++
			err := b.take(ctx, i)
			switch {
			case err == nil:
				worked = true
			case ctx.Err() != nil || !errors.Is(err, ErrLeased) && !errors.Is(err, ErrLeaseLost):
				return err
			}
		}
		if open == 0 {
			return nil
		}
		if !worked {
			if err := b.pause(ctx, ErrLeased); err != nil {
				return err
			}
		}
	}
}

// take works on a segment unless another one does, or has done it.
func (b *backfill) take(ctx context.Context, i int) error {
	r, err := b.store.Load(ctx, b.segmentName(i))
	if err != nil {
		return err
	}
	if err := b.note(i, b.segmentIn(r.Data)); err != nil || b.isDone(i) {
		return err
	}
	return b.leased(ctx, b.segmentName(i), func(l *Lease) error {
		s := b.segmentIn(l.Data())
		if err := b.note(i, s); err != nil {
			return err
		}
		if s.round != b.round {
			s = segment{round: b.round}
		}
		return b.pages(l.Context(), i, s, func(s segment) error {
			changes := b.recorded(s.report)
			changes["round"], changes["cursor"], changes["done"] = number(s.round), nil, nil
			if s.cursor != nil {
				changes["cursor"] = &types.AttributeValueMemberM{Value: s.cursor}
			}
			if s.done {
				changes["done"] = &types.AttributeValueMemberBOOL{Value: true}
			}
			return l.Save(l.Context(), changes)
		})
	})
}

// pages works on what is left of a segment, and saves how far it is after each page.
func (b *backfill) pages(ctx context.Context, i int, s segment, save func(segment) error) error {
	for !s.done {
		var out *dynamodb.ScanOutput
		err := b.call(ctx, func(ctx context.Context) (err error) {
			out, err = b.layout.client.Scan(ctx, &dynamodb.ScanInput{
				TableName: &b.layout.name, ConsistentRead: new(true), Limit: &b.pageSize, ExclusiveStartKey: s.cursor,
				Segment: new(int32(i)), TotalSegments: new(int32(len(b.known))),
			})
			return err
		})
		if err != nil {
			return b.failure("scan", err)
		}
		report, err := b.page(ctx, out.Items)
		if err != nil {
			return err
		}
		s.report.add(report)
		s.report.Failures = s.report.Failures[:min(len(s.report.Failures), b.keep)]
		if s.cursor = out.LastEvaluatedKey; len(s.cursor) == 0 {
			s.cursor, s.done = nil, true
		}
		if err := save(s); err != nil {
			return err
		}
		if err := b.note(i, s); err != nil {
			return err
		}
		report = b.report()
		b.meter.tell(report, b.inDone(), report.Done == report.Segments)
	}
	return nil
}

// note remembers how far a segment is. One of a later run says that the backfill was restarted.
func (b *backfill) note(i int, s segment) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case s.round > b.round:
		return ErrRestarted
	case s.round < b.round:
		s = segment{}
	}
	b.known[i] = s
	return nil
}

func (b *backfill) isDone(i int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.known[i].done
}

// inDone is how many items the segments have that are done.
func (b *backfill) inDone() (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.known {
		if s.done {
			n += s.report.Scanned
		}
	}
	return n
}

// report adds up what is known of the segments.
func (b *backfill) report() Report {
	b.mu.Lock()
	defer b.mu.Unlock()
	total := Report{Segments: len(b.known)}
	for _, s := range b.known {
		if total.add(s.report); s.done {
			total.Done++
		}
	}
	total.Failures = total.Failures[:min(len(total.Failures), b.keep)]
	return total
}

// counts are the numbers of a report by the names they are stored under.
func (r *Report) counts() map[string]*int {
	return map[string]*int{
		"scanned": &r.Scanned, "rewritten": &r.Rewritten, "current": &r.Current, "foreign": &r.Foreign, "gone": &r.Gone, "failed": &r.Failed,
		"overtaken": &r.Overtaken,
	}
}

// recorded is a report as it is stored.
func (b *backfill) recorded(r Report) item {
	counts := item{}
	for name, n := range r.counts() {
		counts[name] = number(int64(*n))
	}
	changes := item{"counts": &types.AttributeValueMemberM{Value: counts}, "failed": nil}
	if len(r.Failures) > 0 {
		keys := &types.AttributeValueMemberL{}
		for _, f := range r.Failures {
			keys.Value = append(keys.Value, &types.AttributeValueMemberM{Value: f.Key})
		}
		changes["failed"] = keys
	}
	return changes
}

func (b *backfill) reportIn(data item) Report {
	var r Report
	if counts, ok := data["counts"].(*types.AttributeValueMemberM); ok {
		for name, n := range r.counts() {
			*n = int(numberOf(counts.Value[name]))
		}
	}
	if keys, ok := data["failed"].(*types.AttributeValueMemberL); ok {
		for _, av := range keys.Value {
			if key, ok := av.(*types.AttributeValueMemberM); ok {
				r.Failures = append(r.Failures, Failure{Key: key.Value})
			}
		}
	}
	return r
}

func (b *backfill) segmentIn(data item) segment {
	s := segment{round: numberOf(data["round"]), done: isTrue(data["done"]), report: b.reportIn(data)}
	if cursor, ok := data["cursor"].(*types.AttributeValueMemberM); ok {
		s.cursor = cursor.Value
	}
	return s
}

func isTrue(av types.AttributeValue) bool {
	is, _ := av.(*types.AttributeValueMemberBOOL)
	return is != nil && is.Value
}

// page works on the items of a page, some at a time. An error ends it.
func (b *backfill) page(ctx context.Context, items []item) (Report, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var mu sync.Mutex
	var report Report
	var failed error
	var running sync.WaitGroup
	slots := make(chan struct{}, b.concurrency)
	for _, stored := range items {
		slots <- struct{}{}
		if b.pacer.wait(ctx, 1) != nil {
			<-slots
			break
		}
		running.Go(func() {
			defer func() { <-slots }()
			o, times, err := b.one(ctx, stored)
			mu.Lock()
			defer mu.Unlock()
			report.Scanned++
			report.Overtaken += times
			switch {
			case err == nil:
				report.count(o)
			case ctx.Err() == nil && ofItem(err) && !b.stopOnError:
				report.Failed++
				if len(report.Failures) < b.keep {
					report.Failures = append(report.Failures, Failure{Key: b.layout.keyOf(stored), Err: err})
				}
			case failed == nil:
				failed = err
				cancel(err)
			}
		})
	}
	running.Wait()
	if failed == nil && ctx.Err() != nil {
		failed = context.Cause(ctx)
	}
	if failed != nil {
		return report, b.failure("change an item of", failed)
	}
	return report, nil
}

// one tries an item until it is done, reading it again when another writer was faster: times counts that.
func (b *backfill) one(ctx context.Context, stored item) (_ outcome, times int, _ error) {
	for try := 0; ; try++ {
		if ctx.Err() != nil {
			return current, times, context.Cause(ctx)
		}
		o, err := b.work(ctx, stored)
		if err == nil && o != overtaken || err != nil && (ctx.Err() != nil || !transient(err)) {
			return o, times, err
		}
		if err == nil {
			times++
			var now item
			if now, err = b.read(ctx, stored); err != nil {
				return current, times, err
			}
			if now == nil || b.unwritable && now[b.layout.d.TTL] != nil && equal(now, stored) {
				return gone, times, nil
			}
			if stored = now; try+1 >= b.tries {
				return current, times, ErrOvertaken
			}
			continue
		}
		if try+1 >= b.tries {
			return current, times, err
		}
		if waitErr := between.Wait(ctx, try); waitErr != nil {
			return current, times, errors.Join(waitErr, err)
		}
	}
}

// read reads an item again, consistently; nil if it is gone.
func (b *backfill) read(ctx context.Context, stored item) (item, error) {
	var out *dynamodb.GetItemOutput
	err := b.call(ctx, func(ctx context.Context) (err error) {
		out, err = b.layout.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &b.layout.name, Key: b.layout.keyOf(stored), ConsistentRead: new(true)})
		return err
	})
	if err != nil || len(out.Item) == 0 {
		return nil, err
	}
	return out.Item, nil
}

// call makes a call of the client, and again if it failed for a reason that passes.
func (b *backfill) call(ctx context.Context, call func(context.Context) error) error {
	for try := 0; ; try++ {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		bounded, cancel := context.WithTimeout(ctx, callTimeout)
		err := call(bounded)
		timedOut := bounded.Err() != nil
		cancel()
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return errors.Join(context.Cause(ctx), err)
		case try+1 >= b.tries || !timedOut && !transient(err):
			return err
		}
		if waitErr := between.Wait(ctx, try); waitErr != nil {
			return errors.Join(waitErr, err)
		}
	}
}

// transient says that the same call may succeed later.
func transient(err error) bool {
	if errors.As(err, new(*callbackError)) {
		return false
	}
	if tx, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
		for _, r := range tx.CancellationReasons {
			switch code := deref(r.Code); code {
			case "", "None", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded":
			default:
				return false
			}
		}
		return true
	}
	return passes(err) || errors.Is(err, monotable.ErrThrottled) || errors.As(err, new(ratelimit.QuotaExceededError)) ||
		errors.As(err, new(*types.TransactionConflictException)) || errors.As(err, new(*types.TransactionInProgressException))
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// failure names what failed. The service's own text may quote the request, and is left out.
func (b *backfill) failure(op string, err error) error {
	return &workError{op: op, name: b.name, table: b.layout.name, err: err}
}

type workError struct {
	op, name, table string
	err             error
}

func (e *workError) Error() string {
	return fmt.Sprintf("migrate: %s: %s table %s: %s", e.name, e.op, e.table, bare(e.err))
}

func (e *workError) Unwrap() error { return e.err }
