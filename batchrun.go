package monotable

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/aws/smithy-go"

	"github.com/monotable/monotable/internal/codec"
)

// DynamoDB's limits on one batch request.
const (
	maxBatchWrite = 25
	maxBatchGet   = 100
)

const (
	defaultConcurrency   = 4
	defaultBatchAttempts = 10
)

// batchEntry is one key of a batch: what is asked of it, and what has become of it.
type batchEntry struct {
	core   *tableCore
	of     *model // nil if it is of whatever entity
	table  string
	id     keyID
	key    attributeMap // nil if it is text, and nobody has asked for it
	places int32        // where it stands in the call: once, or for a read more often
	err    error        // why it is not done

	*batchedWrite // nil for a read

	// Of a read.
	at         int32 // among the entries of the call
	consistent bool
	becomes    *codec.Plan // what it is read into; notes if that is several
	item       *record     // nil if there is none
}

// batchedWrite is a put, unless it deletes.
type batchedWrite struct {
	room    *jsonRoom    // nil if it cannot be JSON
	json    []byte       // the item
	put     attributeMap // the same if it is not JSON
	deletes bool
	bytes   int // in the request
}

// size is how many bytes count in the request.
func (e *batchEntry) size() int {
	if e.batchedWrite == nil {
		return 0
	}
	return e.bytes
}

// entity is the name of the entry's entity.
func (e *batchEntry) entity() string {
	if e.of == nil {
		return ""
	}
	return e.of.name
}

// batchRun sends the entries of one call in chunks, several at a time, and sends again what was left. Each entry ends with an err, or
// it is done.
//
// What is left of a chunk is sent by itself, never together with new entries, so no request outgrows its chunk, and a throttled chunk
// holds back those behind it.
type batchRun struct {
	core    *tableCore
	options *options
	size    int
	// send makes one request. With an error none of the entries was done, or it is unknown.
	send func(ctx context.Context, chunk []*batchEntry) (batchAnswer, error)

	pace     *pacer
	progress batchProgress
	stop     context.CancelFunc // no request begins any more; those under way come to their end
}

// batchAnswer is what one request came to.
type batchAnswer struct {
	left  []*batchEntry // not done by it
	units float64       // consumed, as far as the answer says
	doubt error         // why what is left may have been done before all the same
}

// all settles every entry.
func (r *batchRun) all(ctx context.Context, entries []*batchEntry) {
	waits, stop := context.WithCancel(ctx)
	r.stop = stop
	r.pace = newPacer(r.options)
	r.progress.begin(entries)
	chunks := r.chunks(entries)
	if len(chunks) == 1 && r.options.progress == nil { // a goroutine's stack would have to grow anew
		defer stop()
		r.finish(ctx, waits, chunks[0])
		return
	}
	queue := make(chan []*batchEntry, len(chunks))
	for _, chunk := range chunks {
		queue <- chunk
	}
	close(queue)
	var workers sync.WaitGroup
	for range min(r.options.inParallel(), len(chunks)) {
		workers.Go(func() {
			for chunk := range queue {
				r.finish(ctx, waits, chunk)
			}
		})
	}
	// Should the caller's Progress function end this goroutine, nothing more is sent behind its back.
	defer workers.Wait()
	defer stop()
	r.report(&workers)
	workers.Wait()
}

// chunks cuts the entries into requests. A request reads a table in one mode, consistent or not.
func (r *batchRun) chunks(entries []*batchEntry) [][]*batchEntry {
	size := r.pace.chunk(r.size)
	var chunks [][]*batchEntry
	start, bytes, modes := 0, 0, map[string]bool{}
	for i, e := range entries {
		mode, asked := modes[e.table]
		if i-start == size || i > start && bytes+e.size() > maxRequestBytes || asked && mode != e.consistent {
			chunks = append(chunks, entries[start:i])
			start, bytes = i, 0
			clear(modes)
		}
		bytes += e.size()
		modes[e.table] = e.consistent
	}
	if start < len(entries) {
		chunks = append(chunks, entries[start:])
	}
	return chunks
}

// finish sends one chunk until it is done, or until nothing has moved for too long. It waits under waits, which ends with ctx or before.
func (r *batchRun) finish(ctx, waits context.Context, chunk []*batchEntry) {
	var doubt error // an earlier request with what is still in chunk may have been carried out
	var last error
	for stuck := 0; ; {
		booked := r.pace.wait(waits, len(chunk))
		if err := ended(ctx, waits); err != nil {
			r.settle(chunk, because(doubt, err, last))
			return
		}
		answer, err := r.send(ctx, chunk)
		r.pace.pay(booked, len(chunk), answer.units)
		r.progress.sent()
		switch {
		case err == nil:
			if len(answer.left) == 0 {
				r.settle(chunk, nil)
				return
			}
			done := slices.DeleteFunc(slices.Clone(chunk), func(e *batchEntry) bool { return slices.Contains(answer.left, e) })
			r.settle(done, nil)
			if len(done) > 0 {
				stuck = -1
			}
			chunk, last = answer.left, ErrUnprocessed
			if answer.doubt != nil {
				doubt = answer.doubt
			}
		case errors.Is(err, ErrOutcomeUnknown):
			doubt, last = err, nil
		case errors.Is(err, ErrThrottled), errors.Is(err, ErrUnprocessed):
			last = err
		default:
			r.settle(chunk, because(doubt, err))
			return
		}
		r.progress.left(len(chunk))
		if stuck++; stuck >= r.attempts() {
			r.settle(chunk, because(doubt, last))
			return
		}
		_ = r.options.waitAs(waits, batchBackoff, max(stuck-1, 0)) // whether it has ended is asked before sending
	}
}

// ended says why no further request is to begin.
func ended(ctx, waits context.Context) error {
	if err := started(ctx); err != nil {
		return err
	}
	if waits.Err() != nil {
		return ErrStopped
	}
	return nil
}

func (r *batchRun) settle(entries []*batchEntry, err error) {
	for _, e := range entries {
		e.err = err
	}
	if err != nil && r.options.stopEarly {
		r.stop()
	}
	r.progress.settled(entries)
}

func (r *batchRun) attempts() int {
	if r.options.attempts == 0 {
		return defaultBatchAttempts
	}
	return r.options.attempts
}

// undone sorts the error of a batch's request. It is ErrUnprocessed if no answer came, so that asking again may help; not so if the
// request never got as far as the network, for want of credentials or the like.
func (a *attempts) undone(c *tableCore, err error, wrote bool) error {
	failed := a.failure(c, err, wrote)
	a.mu.Lock()
	local := a.made > 0 && !a.sent || a.made == 0 && c.isSDK
	a.mu.Unlock()
	failure, ok := errors.AsType[*serviceFailure](failed)
	if local || !ok || errors.Is(failed, ErrThrottled) || errors.Is(failed, ErrOutcomeUnknown) {
		return failed
	}
	if api, answered := errors.AsType[smithy.APIError](err); !answered || serverFault(api, err) {
		failure.sentinels = append(failure.sentinels, ErrUnprocessed)
	}
	return failed
}

// doubt is the error of a write that an attempt before the last one may have carried out.
func (a *attempts) doubt() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return &serviceFailure{sentinels: []error{ErrOutcomeUnknown}, err: a.ambiguous}
}
