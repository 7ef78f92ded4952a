package stream

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streams "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"github.com/monotable/monotable/internal/call"
	"github.com/monotable/monotable/internal/raw"
	"github.com/monotable/monotable/lease"
)

// worker reads one shard under its lease.
type worker struct {
	run   *run
	shard string
	lease *lease.Lease
	data  item

	starting context.Context // until the run stops, the shard is given back or the lease is lost
	stop     context.CancelCauseFunc
	handling context.Context // of handlers: until the grace after a stop is over, or the lease is lost

	sequence string    // handled up to here
	seen     time.Time // all changes made before this are handled, by the service's clock or ours
	exact    bool      // what is read begins where the consumer does
	saved    position
	savedAt  time.Time
	idle     atomic.Bool // the shard was read to its present end
	done     bool
}

func newWorker(r *run, shard string, l *lease.Lease, seen time.Time) *worker {
	w := &worker{run: r, shard: shard, lease: l, data: l.Data(), savedAt: time.Now()}
	w.sequence = raw.TextOf(w.data[dataSequence])
	if w.seen = timeIn(w.data, dataSeen); w.seen.IsZero() {
		w.seen = seen
	}
	w.saved = w.position()
	w.starting, w.stop = context.WithCancelCause(r.starting)
	handling, end := context.WithCancelCause(r.handling)
	w.handling = handling
	context.AfterFunc(l.Context(), func() {
		w.stop(context.Cause(l.Context()))
		end(context.Cause(l.Context()))
	})
	return w
}

// work reads the shard to its end, or until it is to stop.
func (w *worker) work() error {
	defer w.stop(nil)
	it, err := w.begin()
	for err == nil && it != "" {
		it, err = w.page(it)
	}
	if it == "" && err == nil {
		w.done = true
		return w.lease.Save(w.lease.Context(), item{
			dataDone: raw.Bool(true), dataSeen: raw.Number(w.run.Clock().Unix()), dataSequence: nil, dataIterator: nil,
		})
	}
	if w.starting.Err() != nil && !w.isFailure(err) {
		err = nil
	}
	return errors.Join(err, w.save())
}

// isFailure says that a record has failed for good, and was not only kept from being handled by the stop.
func (w *worker) isFailure(err error) bool {
	stop := context.Cause(w.starting)
	if b, ok := errors.AsType[*BatchError](err); ok {
		for _, f := range b.Failures {
			if !errors.Is(f.Err, stop) && !errors.Is(f.Err, context.Cause(w.handling)) && !errors.Is(f.Err, ErrHeld) {
				return true
			}
		}
		return false
	}
	return !errors.Is(err, stop)
}

// retention is how long a stream keeps a record.
const retention = 24 * time.Hour

// overdue says that the stream may have dropped records that were not handled.
func (w *worker) overdue() bool {
	return !w.seen.IsZero() && w.run.Clock().Sub(w.seen) >= retention
}

// begin is where reading goes on.
func (w *worker) begin() (string, error) {
	if w.sequence != "" {
		it, err := w.run.iterator(w.starting, w.shard, streams.ShardIteratorTypeAfterSequenceNumber, w.sequence)
		if err == nil {
			return it, nil
		}
		return w.again(err)
	}
	if it := raw.TextOf(w.data[dataIterator]); it != "" && w.run.Clock().Before(time.Unix(w.run.from, 0).Add(skew+iteratorLife)) {
		w.exact = true
		return it, nil
	}
	return w.fromHorizon(w.overdue())
}

// fromHorizon begins with the oldest record that the stream has. lost says that there was an older one.
func (w *worker) fromHorizon(lost bool) (string, error) {
	if lost {
		if err := w.run.gap(w.starting, Gap{Shard: w.shard, After: w.sequence}); err != nil {
			return "", err
		}
	}
	it, err := w.run.iterator(w.starting, w.shard, streams.ShardIteratorTypeTrimHorizon, "")
	return it, w.unlessGone(err)
}

// again gets an iterator in place of one that is too old, or that leads to what the stream has dropped.
func (w *worker) again(err error) (string, error) {
	if _, ok := errors.AsType[*streams.TrimmedDataAccessException](err); ok {
		return w.fromHorizon(w.overdue()) // if it is not, the stream has dropped nothing but what was handled
	}
	if _, ok := errors.AsType[*streams.ExpiredIteratorException](err); ok {
		if w.exact && w.sequence == "" {
			w.exact = false // what is passed over is told by time from now on
		}
		w.data = nil
		return w.begin()
	}
	if gone := w.unlessGone(err); gone != nil {
		return "", fmt.Errorf("stream: shard %s: read: %w", w.shard, gone)
	}
	return "", nil
}

// unlessGone takes a shard that the stream does not have any more for one that has ended, with a gap if it was not read to its end.
func (w *worker) unlessGone(err error) error {
	if _, ok := errors.AsType[*streams.ResourceNotFoundException](err); !ok {
		return err
	}
	if w.overdue() {
		return w.run.gap(w.starting, Gap{Shard: w.shard, After: w.sequence})
	}
	return err
}

// page reads and handles one page, and gives the iterator of the next one: "" after the shard's end.
func (w *worker) page(it string) (next string, _ error) {
	p := w.run.poller
	asked := p.Clock()
	var out *dynamodbstreams.GetRecordsOutput
	err := p.persist(w.starting, "GetRecords", func(ctx context.Context) (err error) {
		out, err = p.Client.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: &it, Limit: new(int32(p.PageSize))})
		return err
	})
	if err != nil {
		return w.again(err)
	}
	next = value(out.NextShardIterator)
	if len(out.Records) == 0 {
		w.seen = asked
		w.idle.Store(true)
		w.run.tell(w.shard, 0, time.Time{})
		if next == "" {
			return "", nil
		}
		return next, errors.Join(w.checkpoint(false), call.Sleep(w.starting, w.run.Idle))
	}
	w.idle.Store(false)
	records := w.records(out.Records)
	w.run.tell(w.shard, 0, timeOf(out.Records[0]))
	chains := p.router.chains(records)
	err = p.router.process(w.starting, w.handling, len(records), chains, p.router.attempts)
	w.advance(records, err)
	w.run.tell(w.shard, len(out.Records), timeOf(out.Records[len(out.Records)-1]))
	if err != nil {
		return "", err
	}
	return next, w.checkpoint(len(chains) > 0)
}

// records converts a page, without what is before the consumer's beginning.
func (w *worker) records(page []streams.Record) []Record {
	records := make([]Record, 0, len(page))
	for _, from := range page {
		r := FromSDK(w.run.table, from)
		if w.sequence == "" && !w.exact && r.Time.Unix() < w.run.from {
			continue
		}
		records = append(records, r)
	}
	return records
}

// advance moves to the last record before which all are handled.
func (w *worker) advance(records []Record, err error) {
	failed := "" // the first one
	if b, ok := errors.AsType[*BatchError](err); ok {
		for _, f := range b.Failures {
			if s := records[f.Index].Sequence; failed == "" || CompareSequence(s, failed) < 0 {
				failed = s
			}
		}
	}
	for _, r := range records {
		if CompareSequence(r.Sequence, w.sequence) > 0 && (failed == "" || CompareSequence(r.Sequence, failed) < 0) {
			w.sequence, w.seen = r.Sequence, r.Time
		}
	}
}

// position is what a checkpoint tells.
type position struct {
	sequence string
	seen     int64
}

func (w *worker) position() position {
	p := position{sequence: w.sequence}
	if !w.seen.IsZero() {
		p.seen = w.seen.Unix()
	}
	return p
}

const (
	// quiet is how long a checkpoint may wait that only tells of records which no handler is for.
	quiet = time.Minute
	// still is how long one may wait that only tells that there were no records.
	still = time.Hour
)

// checkpoint saves how far the shard is. What concerns no handler does not call for it at once: where the leases are kept in the stream's own table each save makes one more record.
func (w *worker) checkpoint(now bool) error {
	wait := quiet
	if w.sequence == w.saved.sequence {
		wait = still
	}
	if !now && time.Since(w.savedAt) < wait {
		return nil
	}
	return w.save()
}

func (w *worker) save() error {
	at := w.position()
	if at == w.saved || w.lease.Context().Err() != nil {
		return nil
	}
	changes := item{dataSeen: raw.Number(at.seen)}
	if at.sequence != "" {
		changes[dataSequence], changes[dataIterator] = raw.Text(at.sequence), nil
	}
	err := w.lease.Save(w.lease.Context(), changes)
	if err == nil {
		w.saved, w.savedAt = at, time.Now()
	}
	return err
}
