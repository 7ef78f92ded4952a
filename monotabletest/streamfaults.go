package monotabletest

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/aws/smithy-go"
)

// StreamFaults stands between a reader of DynamoDB Streams and the stream, and makes the weather that a reader must stand: records come again, in another order, in
// other pages, late, or a call fails. Make it with [NewStreamFaults].
//
//	streams := monotabletest.NewStreamFaults(monotabletest.Streams(client),
//		monotabletest.Repeated(0.2), monotabletest.Reordered(0.5), monotabletest.SplitPages(0.5), monotabletest.Delayed(0.2),
//		monotabletest.StreamFailAt(3, &streamtypes.ExpiredIteratorException{}))
//
// The first delivery of every record is in the order of its item's changes, and so is each later one, which begins again at some record and goes on from there.
// Nothing is lost for a reader that saves its place when it is through with a page, as the highest sequence number of the page, and comes back with
// AFTER_SEQUENCE_NUMBER: records are held back by reading less, never past a later one. A reader that saves its place after each record needs the order of
// the shard, so it gets no [Reordered]. A last page, whose NextShardIterator is nil, is never held back.
//
// Iterators are those of the stream in a coat, good for the same StreamFaults. One that comes from elsewhere passes, without repetition. It is above the SDK's
// client, so what fails here has failed all retries; for the SDK's retries and for crashes give [Streams] a client of [Faults].
//
// It is safe for concurrent use. Chance depends on the seed and the call's number alone.
type StreamFaults struct {
	inner StreamClient
	seed  uint64

	repeated, reordered, split, delayed float64

	failures map[int]error
	rates    []streamFailure

	mu       sync.Mutex
	counts   StreamCounts
	journeys map[string][]streamtypes.Record // what each first iterator has led to
}

// StreamCounts say what [StreamFaults] have done.
type StreamCounts struct {
	Calls     int // of all three operations, failed ones too
	Failed    int // calls that did not reach the stream
	Delayed   int // pages that were empty though there may be records
	Split     int // pages that were asked for with a lower limit
	Reordered int // pages with another order than the shard's
	Repeated  int // records that came again
}

// StreamFault is one rule of [NewStreamFaults] or [StreamBatches].
type StreamFault func(*StreamFaults)

// StreamSeed sets what chance is drawn from; it is 0 without.
func StreamSeed(seed uint64) StreamFault { return func(f *StreamFaults) { f.seed = seed } }

// Repeated lets a page begin, with a probability from 0 to 1, with the last records that came before it, as after a reader that crashed or failed before it saved its
// place. A page asked for with a Limit stays within it and has at least one record that is new, if there is one.
func Repeated(p float64) StreamFault { return func(f *StreamFaults) { f.repeated = p } }

// Reordered mixes, with a probability from 0 to 1, the records of a page. Those of one item (with equal Keys) stay in order.
func Reordered(p float64) StreamFault { return func(f *StreamFaults) { f.reordered = p } }

// SplitPages ends a page early, with a probability from 0 to 1, so that what was written in one transaction comes in several pages.
func SplitPages(p float64) StreamFault { return func(f *StreamFaults) { f.split = p } }

// Delayed gives an empty page, with a probability from 0 to 1, and the records that were due with a later one. With 1 nothing ever comes.
func Delayed(p float64) StreamFault { return func(f *StreamFaults) { f.delayed = p } }

// StreamFailAt makes the n-th call overall, of whatever operation, fail with the error and send nothing. The first call is 1. A nil error is none.
func StreamFailAt(n int, err error) StreamFault {
	return func(f *StreamFaults) { f.failures[n] = err }
}

// StreamFailRate makes calls of an operation, such as GetRecords, or of any if it is "", fail with a probability from 0 to 1. The service's own errors are
// types of dynamodbstreams/types: LimitExceededException (throttled), InternalServerError, ExpiredIteratorException, TrimmedDataAccessException (these two
// from GetRecords and, the last one, GetShardIterator).
func StreamFailRate(operation string, p float64, err error) StreamFault {
	return func(f *StreamFaults) { f.rates = append(f.rates, streamFailure{operation, p, err}) }
}

type streamFailure struct {
	operation   string
	probability float64
	err         error
}

// NewStreamFaults wraps a client, which may itself be StreamFaults. Without rules everything passes as it is.
func NewStreamFaults(inner StreamClient, faults ...StreamFault) *StreamFaults {
	f := &StreamFaults{inner: inner, failures: map[int]error{}, journeys: map[string][]streamtypes.Record{}}
	for _, fault := range faults {
		fault(f)
	}
	return f
}

// Counts says what has been done since the start.
func (f *StreamFaults) Counts() StreamCounts {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts
}

// begin counts a call and throws its dice, which decide first whether it fails.
func (f *StreamFaults) begin(operation string) (*rand.Rand, int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts.Calls++
	n := f.counts.Calls
	dice := streamDice(f.seed, n)
	err := f.failures[n]
	for _, rate := range f.rates {
		hit := dice.Float64() < rate.probability
		if err == nil && hit && (rate.operation == "" || rate.operation == operation) {
			err = rate.err
		}
	}
	if err != nil {
		f.counts.Failed++
		return nil, n, &smithy.OperationError{ServiceID: dynamodbstreams.ServiceID, OperationName: operation, Err: err}
	}
	return dice, n, nil
}

func streamDice(seed uint64, n int) *rand.Rand {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	binary.LittleEndian.PutUint64(key[8:], uint64(n))
	return rand.New(rand.NewChaCha8(key))
}

// DescribeStream passes, or fails by rule.
func (f *StreamFaults) DescribeStream(ctx context.Context, in *dynamodbstreams.DescribeStreamInput, optFns ...func(*dynamodbstreams.Options)) (*dynamodbstreams.DescribeStreamOutput, error) {
	if _, _, err := f.begin("DescribeStream"); err != nil {
		return nil, err
	}
	return f.inner.DescribeStream(ctx, in, optFns...)
}

// GetShardIterator passes, or fails by rule.
func (f *StreamFaults) GetShardIterator(ctx context.Context, in *dynamodbstreams.GetShardIteratorInput, optFns ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetShardIteratorOutput, error) {
	_, n, err := f.begin("GetShardIterator")
	if err != nil {
		return nil, err
	}
	out, err := f.inner.GetShardIterator(ctx, in, optFns...)
	if err != nil || out.ShardIterator == nil {
		return out, err
	}
	changed := *out
	changed.ShardIterator = new(place{journey: strconv.Itoa(n), inner: *out.ShardIterator}.String())
	return &changed, nil
}

// GetRecords reads a page, or fails by rule.
func (f *StreamFaults) GetRecords(ctx context.Context, in *dynamodbstreams.GetRecordsInput, optFns ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetRecordsOutput, error) {
	dice, _, err := f.begin("GetRecords")
	if err != nil {
		return nil, err
	}
	at, ours := parsePlace(in.ShardIterator)
	plan := f.plan(dice, at, in.Limit)
	if plan.delay {
		return &dynamodbstreams.GetRecordsOutput{NextShardIterator: in.ShardIterator}, nil
	}
	changed := *in
	changed.Limit = plan.limit
	if ours {
		changed.ShardIterator = &at.inner
	}
	out, err := f.inner.GetRecords(ctx, &changed, optFns...)
	if err != nil {
		return nil, err
	}
	page := *out
	page.Records = f.deliver(dice, at, plan, out.Records)
	if ours && out.NextShardIterator != nil {
		page.NextShardIterator = new(at.after(out.Records, *out.NextShardIterator).String())
	}
	return &page, nil
}

// pagePlan is what happens to a page, decided before it is read.
type pagePlan struct {
	delay   bool
	limit   *int32
	repeats []streamtypes.Record
	reorder bool
}

// maxStreamPage is the service's limit of records in a page.
const maxStreamPage = 1000

func (f *StreamFaults) plan(dice *rand.Rand, at place, limit *int32) pagePlan {
	f.mu.Lock()
	defer f.mu.Unlock()
	plan := pagePlan{limit: limit}
	if plan.delay = dice.Float64() < f.delayed; plan.delay {
		f.counts.Delayed++
		return plan
	}
	room := maxStreamPage
	if limit != nil {
		room = int(*limit)
	}
	if earlier := at.passed(f.journeys[at.journey]); dice.Float64() < f.repeated && len(earlier) > 0 && room > 1 {
		n := min(1+few(dice), len(earlier), room-1)
		plan.repeats = earlier[len(earlier)-n:]
		f.counts.Repeated += n
		room -= n
		plan.limit = new(int32(room))
	}
	if dice.Float64() < f.split && room > 1 {
		f.counts.Split++
		plan.limit = new(int32(min(1+few(dice), room-1)))
	}
	plan.reorder = dice.Float64() < f.reordered
	return plan
}

// few is mostly small, sometimes large.
func few(dice *rand.Rand) int { return dice.IntN(1 << (1 + dice.IntN(6))) }

// deliver puts a page together and remembers what is new in it.
func (f *StreamFaults) deliver(dice *rand.Rand, at place, plan pagePlan, fresh []streamtypes.Record) []streamtypes.Record {
	f.mu.Lock()
	defer f.mu.Unlock()
	if at.journey != "" && f.repeated > 0 {
		journey := f.journeys[at.journey]
		known := ""
		if len(journey) > 0 {
			known = sequenceOf(journey[len(journey)-1])
		}
		for _, r := range fresh {
			if !laterSequence(known, sequenceOf(r)) { // the reader tries an iterator again
				continue
			}
			journey = append(journey, r)
		}
		f.journeys[at.journey] = journey[max(0, len(journey)-maxStreamPage):]
	}
	page := slices.Concat(plan.repeats, fresh)
	if plan.reorder {
		mixed, changed := mix(dice, page)
		if changed {
			f.counts.Reordered++
		}
		return mixed
	}
	return page
}

// place is an iterator in its coat: where the journey began, and how far it has come.
type place struct{ journey, last, inner string }

const coat = "streamfaults"

func (p place) String() string { return strings.Join([]string{coat, p.journey, p.last, p.inner}, ":") }

func parsePlace(text *string) (place, bool) {
	if text == nil {
		return place{}, false
	}
	parts := strings.SplitN(*text, ":", 4)
	if len(parts) != 4 || parts[0] != coat {
		return place{}, false
	}
	return place{parts[1], parts[2], parts[3]}, true
}

// after is the place behind records that were read.
func (p place) after(read []streamtypes.Record, inner string) place {
	if len(read) > 0 {
		p.last = sequenceOf(read[len(read)-1])
	}
	p.inner = inner
	return p
}

// passed are the records of a journey up to this place: another iterator of the same journey may be ahead.
func (p place) passed(journey []streamtypes.Record) []streamtypes.Record {
	n := 0
	for n < len(journey) && !laterSequence(p.last, sequenceOf(journey[n])) {
		n++
	}
	return journey[:n]
}

func sequenceOf(r streamtypes.Record) string {
	if r.Dynamodb == nil || r.Dynamodb.SequenceNumber == nil {
		return ""
	}
	return *r.Dynamodb.SequenceNumber
}

// laterSequence compares decimal numbers of any length.
func laterSequence(than, n string) bool {
	than, n = strings.TrimLeft(than, "0"), strings.TrimLeft(n, "0")
	if len(n) != len(than) {
		return len(n) > len(than)
	}
	return n > than
}
