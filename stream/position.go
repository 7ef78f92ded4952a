package stream

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streams "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"github.com/monotable/monotable/internal/call"
	"github.com/monotable/monotable/internal/raw"
)

// What is saved under the name of a consumer, and of each of its shards.
const (
	dataFrom     = "from"     // N, of the consumer: records before this second are passed over; it stands when the consumer has begun
	dataSequence = "sequence" // S, of a shard: of the last record that was handled
	dataIterator = "iterator" // S, of a shard that Latest begins with
	dataShards   = "shards"   // N, of a process: how many shards it may read; 0 is no bound
	dataDone     = "done"     // BOOL, of a shard: all its records are handled
	dataSeen     = "seen"     // N, of a shard: the second before which all changes are handled
)

const (
	iteratorLife = 14 * time.Minute // the service's is 15
	skew         = 5 * time.Minute  // between this clock and the service's
)

// begin notes where the consumer begins, once, and what the stream has by then. It tells the second before which records are passed over.
func (p *poller) begin(ctx context.Context) (from int64, _ error) {
	r, err := p.Store.Load(ctx, p.base)
	if err != nil {
		return 0, err
	}
	if begun := r.Data[dataFrom]; begun != nil {
		return raw.NumberOf(begun), nil
	}
	l, err := p.Store.AcquireWait(ctx, p.base, p.LeaseTTL)
	if err != nil {
		return 0, err
	}
	defer func() { _ = l.Release(context.WithoutCancel(ctx)) }() // it ends by itself
	if begun := l.Data()[dataFrom]; begun != nil {
		return raw.NumberOf(begun), nil
	}
	from, err = p.beginShards(l.Context())
	if err == nil {
		err = l.Save(l.Context(), item{dataFrom: raw.Number(from)})
	}
	return from, err
}

func (p *poller) beginShards(ctx context.Context) (from int64, _ error) {
	switch {
	case p.Start.Latest:
		from = p.Clock().Add(-skew).Unix()
	case !p.Start.At.IsZero():
		from = p.Start.At.Unix()
	}
	d, err := p.describe(ctx)
	if err != nil {
		return 0, err
	}
	for _, shard := range d.shards {
		known := item{dataSeen: raw.Number(p.Clock().Unix())}
		if p.Start.Latest {
			if closed(shard) {
				known[dataDone] = raw.Bool(true)
			} else {
				it, err := p.iterator(ctx, *shard.ShardId, streams.ShardIteratorTypeLatest, "")
				if err != nil {
					return 0, err
				}
				known[dataIterator] = raw.Text(it)
			}
		}
		if err := p.note(ctx, *shard.ShardId, known); err != nil {
			return 0, err
		}
	}
	return from, nil
}

// note saves data of a shard that nobody reads yet.
func (p *poller) note(ctx context.Context, shard string, data item) error {
	l, err := p.Store.AcquireWait(ctx, p.shardName(shard), p.LeaseTTL)
	if err != nil {
		return err
	}
	return errors.Join(l.Save(ctx, data), l.Release(context.WithoutCancel(ctx)))
}

func (p *poller) shardName(shard string) string { return p.base + ":" + shard }

func closed(s streams.Shard) bool {
	return s.SequenceNumberRange != nil && value(s.SequenceNumberRange.EndingSequenceNumber) != ""
}

func (p *poller) iterator(ctx context.Context, shard string, from streams.ShardIteratorType, sequence string) (string, error) {
	in := &dynamodbstreams.GetShardIteratorInput{StreamArn: &p.Stream, ShardId: &shard, ShardIteratorType: from}
	if sequence != "" {
		in.SequenceNumber = &sequence
	}
	var out *dynamodbstreams.GetShardIteratorOutput
	err := p.persist(ctx, "GetShardIterator", func(ctx context.Context) (err error) {
		out, err = p.Client.GetShardIterator(ctx, in)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("stream: shard %s: iterator: %w", shard, err)
	}
	return value(out.ShardIterator), nil
}

const callTimeout = 30 * time.Second

// persist repeats a call until it has an answer that repeating would not change.
func (p *poller) persist(ctx context.Context, name string, f func(context.Context) error) error {
	return call.Persist(ctx, callTimeout, math.MaxInt, func(err error) bool { return p.passes(name, err) }, f)
}

// passes says that the same may succeed later, and logs it.
func (p *poller) passes(what string, err error) bool {
	internal := new(streams.InternalServerError)
	if !call.Passes(err) && !errors.As(err, &internal) {
		return false
	}
	p.Logger.Warn("stream: failed and is tried again", "call", what, "consumer", p.Name, "error", call.Text(err))
	return true
}

// timeIn is a second that was saved; zero if there is none.
func timeIn(data item, name string) time.Time {
	if data[name] == nil {
		return time.Time{}
	}
	return time.Unix(raw.NumberOf(data[name]), 0)
}
