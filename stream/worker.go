package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streams "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

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

	sequence string // handled up to here
	saved    string
	savedAt  time.Time
	done     bool
}

func newWorker(r *run, shard string, l *lease.Lease) *worker {
	w := &worker{run: r, shard: shard, lease: l, data: l.Data(), savedAt: time.Now()}
	w.sequence = textIn(w.data, dataSequence)
	w.saved = w.sequence
	w.starting, w.stop = context.WithCancelCause(r.starting)
	context.AfterFunc(l.Context(), func() { w.stop(context.Cause(l.Context())) })
	return w
}

// work reads the shard to its end, or until it is to stop.
func (w *worker) work() error {
	defer w.stop(nil)
	p := w.run.Poller
	fresh := p.Clock().Before(time.Unix(w.run.from, 0).Add(skew + iteratorLife))
	it, err := p.iteratorOf(w.starting, w.shard, w.data, fresh)
	if err != nil {
		it, err = w.again(err)
	}
	for err == nil && it != "" {
		it, err = w.page(it)
	}
	if it == "" && err == nil {
		w.done = true
		return w.lease.Save(w.lease.Context(), item{dataDone: &types.AttributeValueMemberBOOL{Value: true}, dataSequence: nil, dataIterator: nil})
	}
	if w.starting.Err() != nil && !w.isFailure(err) {
		err = nil
	}
	return errors.Join(err, w.save())
}

// isFailure says that a record has failed for good, and was not only kept from being handled by the stop.
func (w *worker) isFailure(err error) bool {
	if b, ok := errors.AsType[*BatchError](err); ok {
		for _, f := range b.Failures {
			if !errors.Is(f.Err, context.Cause(w.starting)) && !errors.Is(f.Err, ErrHeld) {
				return true
			}
		}
		return false
	}
	return !errors.Is(err, context.Cause(w.starting))
}

// page reads and handles one page, and gives the iterator of the next one: "" after the shard's end.
func (w *worker) page(it string) (next string, _ error) {
	p := w.run.Poller
	var out *dynamodbstreams.GetRecordsOutput
	err := p.persist(w.starting, "GetRecords", func(ctx context.Context) (err error) {
		out, err = p.Client.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: &it, Limit: new(int32(p.PageSize))})
		return err
	})
	if err != nil {
		return w.again(err)
	}
	records := w.records(out.Records)
	chains := p.router.chains(records)
	err = p.router.process(w.starting, w.lease.Context(), len(records), chains, p.router.attempts)
	w.advance(out.Records, records, err)
	w.run.tell(w.shard, out.Records)
	if err != nil {
		return "", err
	}
	if err := w.checkpoint(len(chains) > 0); err != nil {
		return "", err
	}
	next = value(out.NextShardIterator)
	if next != "" && len(out.Records) == 0 {
		err = w.idle()
	}
	return next, err
}

// again gets an iterator in place of one that is too old, or that leads to what the stream has dropped.
func (w *worker) again(err error) (string, error) {
	p := w.run.Poller
	if _, ok := errors.AsType[*streams.TrimmedDataAccessException](err); ok {
		if err := p.gap(w.starting, Gap{Shard: w.shard, After: w.sequence}); err != nil {
			return "", err
		}
		return p.iterator(w.starting, w.shard, streams.ShardIteratorTypeTrimHorizon, "")
	}
	if _, ok := errors.AsType[*streams.ExpiredIteratorException](err); ok {
		return p.iteratorOf(w.starting, w.shard, item{dataSequence: &types.AttributeValueMemberS{Value: w.sequence}}, false)
	}
	return "", fmt.Errorf("stream: shard %s: read: %w", w.shard, err)
}

// records converts a page, without what is before the consumer's beginning.
func (w *worker) records(page []streams.Record) []Record {
	records := make([]Record, 0, len(page))
	for _, from := range page {
		r := FromSDK(w.run.table, from)
		if w.sequence == "" && r.Time.Unix() < w.run.from {
			continue
		}
		records = append(records, r)
	}
	return records
}

// advance moves to the last record of the page before which all are handled.
func (w *worker) advance(page []streams.Record, records []Record, err error) {
	failed := "" // the first one
	if b, ok := errors.AsType[*BatchError](err); ok {
		for _, f := range b.Failures {
			if s := records[f.Index].Sequence; failed == "" || CompareSequence(s, failed) < 0 {
				failed = s
			}
		}
	}
	for _, r := range page {
		s := sequenceOf(r)
		if CompareSequence(s, w.sequence) > 0 && (failed == "" || CompareSequence(s, failed) < 0) {
			w.sequence = s
		}
	}
}

// quiet is how long a checkpoint may wait that only tells of records which no handler is for.
const quiet = time.Minute

// checkpoint saves how far the shard is. Records that concern no handler do not call for it at once: where the leases are kept in the stream's own table each save makes one more.
func (w *worker) checkpoint(now bool) error {
	if !now && time.Since(w.savedAt) < quiet {
		return nil
	}
	return w.save()
}

func (w *worker) save() error {
	if w.sequence == w.saved || w.lease.Context().Err() != nil {
		return nil
	}
	err := w.lease.Save(w.lease.Context(), item{dataSequence: &types.AttributeValueMemberS{Value: w.sequence}, dataIterator: nil})
	if err == nil {
		w.saved, w.savedAt = w.sequence, time.Now()
	}
	return err
}

func (w *worker) idle() error {
	timer := time.NewTimer(w.run.Idle)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-w.starting.Done():
		return context.Cause(w.starting)
	}
}
