package migrate

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/internal/call"
	"github.com/monotable/monotable/internal/raw"
	"github.com/monotable/monotable/lease"
)

// ErrRestarted says that another call has begun the backfill anew with [Restart] while this one worked.
var ErrRestarted = errors.New("migrate: the backfill was restarted by another")

// backfill is the work of one call on the segments of a table.
type backfill struct {
	config
	store  *lease.Store
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

func newBackfill(store *lease.Store, name string, table *monotable.Table, opts []BackfillOption) *backfill {
	b := &backfill{config: configOf(opts), store: store, layout: layoutOf(table)}
	if b.name == "" {
		b.name = name
	}
	b.dryRun = b.dryRun || store != nil && store.IsReadOnly()
	b.pacer = newPacer(b.pace, b.units)
	b.meter = newMeter(b.name, b.layout.name, store, b.progress)
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
	if err != nil {
		return report, err
	}
	if !done {
		err = b.segmentsInTurn(ctx)
		report = b.report()
		if err == nil {
			err = b.finish(ctx, report)
		}
	}
	if err != nil {
		return report, err
	}
	b.meter.tell(report, 0, true)
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
		n, seen := raw.NumberOf(r.Data["segments"]), raw.NumberOf(r.Data["round"])
		if report := b.reportIn(r.Data); n > 0 && !b.restart && raw.TextOf(r.Data["of"]) == b.of {
			b.round, b.known = seen, make([]segment, n)
			switch {
			case !raw.BoolOf(r.Data["done"]):
				return Report{}, false, b.look(ctx)
			case report.Failed == 0:
				report.Segments, report.Done = int(n), int(n)
				return report, true, nil
			}
		}
		err = b.leased(ctx, b.record(), func(l *lease.Lease) error {
			if !b.restart && raw.NumberOf(l.Data()["round"]) != seen {
				return nil // another one has begun the next round
			}
			return l.Save(l.Context(), item{
				"segments": raw.Number(int64(b.segments)), "round": raw.Number(l.Fence()), "of": raw.Text(b.of), "done": nil, "counts": nil, "failed": nil,
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
		if raw.NumberOf(r.Data["round"]) != b.round {
			return ErrRestarted
		}
		if raw.BoolOf(r.Data["done"]) {
			return nil
		}
		err = b.leased(ctx, b.record(), func(l *lease.Lease) error {
			if raw.NumberOf(l.Data()["round"]) != b.round {
				return ErrRestarted
			}
			changes := b.recorded(report)
			changes["done"] = raw.Bool(true)
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
func (b *backfill) leased(ctx context.Context, name string, work func(*lease.Lease) error) error {
	l, err := b.store.TryAcquire(ctx, name, b.ttl)
	if err != nil {
		return err
	}
	return under(ctx, l, work)
}

// under works under a lease and gives it back.
func under(ctx context.Context, l *lease.Lease, work func(*lease.Lease) error) error {
	err := work(l)
	if lost := context.Cause(l.Context()); err != nil && errors.Is(lost, lease.ErrLost) {
		err = lease.ErrLost // which is why, whatever it was that failed
	}
	if releaseErr := l.Release(context.WithoutCancel(ctx)); err == nil && !errors.Is(releaseErr, lease.ErrLost) {
		err = releaseErr
	}
	return err
}

// pause waits before the next look at what another one has leased. It gives back any other error.
func (b *backfill) pause(ctx context.Context, err error) error {
	if ctx.Err() != nil || !errors.Is(err, lease.ErrHeld) && !errors.Is(err, lease.ErrLost) {
		return err
	}
	if waitErr := call.Poll(ctx, b.ttl); waitErr != nil {
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
			case ctx.Err() != nil || !errors.Is(err, lease.ErrHeld) && !errors.Is(err, lease.ErrLost):
				return err
			}
		}
		if open == 0 {
			return nil
		}
		if !worked {
			if err := b.pause(ctx, lease.ErrHeld); err != nil {
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
	return b.leased(ctx, b.segmentName(i), func(l *lease.Lease) error {
		s := b.segmentIn(l.Data())
		if err := b.note(i, s); err != nil {
			return err
		}
		if s.round != b.round {
			s = segment{round: b.round}
		}
		return b.pages(l.Context(), i, s, func(s segment) error {
			changes := b.recorded(s.report)
			changes["round"], changes["cursor"], changes["done"] = raw.Number(s.round), nil, nil
			if s.cursor != nil {
				changes["cursor"] = &types.AttributeValueMemberM{Value: s.cursor}
			}
			if s.done {
				changes["done"] = raw.Bool(true)
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
		counts[name] = raw.Number(int64(*n))
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
			*n = int(raw.NumberOf(counts.Value[name]))
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
	s := segment{round: raw.NumberOf(data["round"]), done: raw.BoolOf(data["done"]), report: b.reportIn(data)}
	if cursor, ok := data["cursor"].(*types.AttributeValueMemberM); ok {
		s.cursor = cursor.Value
	}
	return s
}
