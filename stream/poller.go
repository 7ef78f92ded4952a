package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streams "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/lease"
)

// Client is what a [Poller] needs of DynamoDB Streams. A *[dynamodbstreams.Client] is one.
type Client interface {
	DescribeStream(context.Context, *dynamodbstreams.DescribeStreamInput, ...func(*dynamodbstreams.Options)) (*dynamodbstreams.DescribeStreamOutput, error)
	GetShardIterator(context.Context, *dynamodbstreams.GetShardIteratorInput, ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetShardIteratorOutput, error)
	GetRecords(context.Context, *dynamodbstreams.GetRecordsInput, ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetRecordsOutput, error)
}

// PollerConfig is what a [Poller] is made of. Client, Stream, Name and Store are required.
type PollerConfig struct {
	Client Client
	Stream string // its ARN, see [ARN]

	// Name is the consumer's. Pollers of one name, in any number of processes, share the shards and the checkpoints; consumers of different names are independent, but AWS lets no more than two
	// read a shard at the same time. A stream that is switched off and on again is another one, with checkpoints of its own.
	Name string

	// Store keeps leases and checkpoints, best in another table than that of the stream: in the same one, its writes are in the stream, and are passed over.
	Store *lease.Store

	// Start is where the consumer begins; once it has begun, its checkpoints count. The zero value is the trim horizon: all that the stream still has.
	Start Start

	// Shards bounds how many are read at the same time by this Run; 0 is no bound. If there are more than all processes may read, those that are read to their present end take turns.
	Shards int

	PageSize int           // how many records are read at once, 1 to 1000; 0 is 1000. A page is handled before the next one is read
	Idle     time.Duration // between reads of a shard that has nothing new; 0 is a second
	Discover time.Duration // between looks for new shards and for other processes'; 0 is ten seconds
	LeaseTTL time.Duration // after which the shards of a process that died are taken over; 0 is [lease.DefaultTTL]
	Grace    time.Duration // how long handlers may go on after a stop; 0 is 20 seconds

	// OnGap is told where the stream may have dropped records, 24 hours after the change, before they were handled. If it returns nil the Poller goes on behind the gap. Without
	// it a gap ends Run with a [*GapError].
	OnGap func(context.Context, Gap) error

	// Progress is told how far it is, with the lag, before and after each page and at each look for shards: never two calls at a time, and the page's shard waits for it. See [Terminal]. What
	// handlers do with tables is told to the tables' own Observer.
	Progress func(Status)

	Clock  func() time.Time // for lag, for Latest, and to tell a gap; that of the service to within some minutes. nil is time.Now
	Logger *slog.Logger     // nil is slog.Default()
}

// Start is where a consumer begins that has not begun yet.
type Start struct {
	// Latest begins with what is written from now on, that is since the first Run of the consumer has begun. If that Run ends before a shard had any record, up to five
	// minutes of older ones may come too.
	Latest bool
	// At begins with what was written at this time, which the stream tells to the second, if it still has it. Zero is the trim horizon.
	At time.Time
}

// Gap is a part of a stream that is lost.
type Gap struct {
	Shard string
	After string // the last sequence number that was handled; "" if there was none
}

// GapError ends a Run that has met a [Gap].
type GapError struct{ Gap Gap }

func (e *GapError) Error() string {
	return fmt.Sprintf("stream: shard %s: the stream has dropped records that were not handled; OnGap may go on behind them", e.Gap.Shard)
}

// ErrNoStream says that a table has no stream.
var ErrNoStream = errors.New("stream: the table has no stream")

// ARN finds the stream of a table, which Ensure or Create with [monotable.Stream] makes. It is [ErrNoStream] if there is none.
func ARN(ctx context.Context, admin interface {
	DescribeTable(context.Context, *dynamodb.DescribeTableInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeTableOutput, error)
}, t *monotable.Table,
) (string, error) {
	out, err := admin.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: new(t.Name())})
	if err != nil {
		return "", fmt.Errorf("stream: describe table %s: %w", t.Name(), err)
	}
	if s := out.Table.StreamSpecification; s == nil || !value(s.StreamEnabled) || value(out.Table.LatestStreamArn) == "" {
		return "", fmt.Errorf("%w: %s", ErrNoStream, t.Name())
	}
	return *out.Table.LatestStreamArn, nil
}

// Poller follows a stream: shards as they come, a parent before its children, one worker a shard, each page handled by the router before the checkpoint is saved and the next page is
// read. Shards are leased, so that several processes share them about evenly, and that another one goes on where one died: from the last checkpoint, so that records may come again. It is immutable and
// safe for concurrent use.
type Poller struct{ p poller }

type poller struct {
	PollerConfig
	router *Router
	base   string // what names of records begin with
	table  string
}

const maxRecords = 1000 // of a page

// NewPoller makes a poller. What is missing in the configuration is ErrInvalid. Nothing is sent.
func NewPoller(r *Router, c PollerConfig) (*Poller, error) {
	label := c.Stream[strings.LastIndex(c.Stream, "/")+1:]
	switch {
	case r == nil, c.Client == nil, c.Store == nil:
		return nil, fmt.Errorf("%w: stream: a Poller needs a Router, a Client and a Store", ErrInvalid)
	case TableOf(c.Stream) == "":
		return nil, fmt.Errorf("%w: stream: Stream is not the ARN of a stream", ErrInvalid)
	case r.tables[TableOf(c.Stream)] == nil:
		return nil, fmt.Errorf("%w: stream: no handler is of table %s, whose stream this is", ErrInvalid, TableOf(c.Stream))
	case c.Name == "" || strings.Contains(c.Name, ":"):
		return nil, fmt.Errorf("%w: stream: Name is empty or has a colon", ErrInvalid)
	case c.PageSize < 0 || c.PageSize > maxRecords || c.Shards < 0:
		return nil, fmt.Errorf("%w: stream: PageSize is 1 to %d, and Shards not below 0", ErrInvalid, maxRecords)
	case c.Start.Latest && !c.Start.At.IsZero():
		return nil, fmt.Errorf("%w: stream: Start is Latest or At, not both", ErrInvalid)
	}
	if c.PageSize == 0 {
		c.PageSize = maxRecords
	}
	for d, otherwise := range map[*time.Duration]time.Duration{
		&c.Idle: time.Second, &c.Discover: 10 * time.Second, &c.LeaseTTL: lease.DefaultTTL, &c.Grace: 20 * time.Second,
	} {
		if *d <= 0 {
			*d = otherwise
		}
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	own := *r
	if own.leases = c.Store; own.attempts == 0 && own.park != nil {
		own.attempts = parkingAttempts
	}
	table := TableOf(c.Stream)
	return &Poller{poller{PollerConfig: c, router: &own, base: "stream:" + c.Name + ":" + table + ":" + label, table: table}}, nil
}

// Run follows the stream until ctx ends, or the stream, which a table that was deleted or whose stream was switched off has after its last record; both are no error. It stops gracefully: no record is begun any more, those under way may go on for
// [PollerConfig.Grace], what is done is checkpointed, and the leases are released. Throttling and failures of the network are waited out. It ends with an error when a record has failed for
// good (see [Attempts] and [Park]), with a [*GapError], or when the stream does not exist or lacks images that the handlers need.
func (p *Poller) Run(ctx context.Context) error { return stopped(ctx, p.p.run(ctx)) }

func (p *poller) run(ctx context.Context) error {
	first, err := p.describe(ctx)
	if err == nil {
		err = p.router.tables[p.table].check(types.StreamViewType(first.view))
	}
	if err != nil {
		return err
	}
	for try := 0; ; try++ {
		from, err := p.begin(ctx)
		switch {
		case err == nil:
			return newRun(ctx, p, from).follow()
		case ctx.Err() != nil || !p.passes("begin", err):
			return err
		}
		_ = between.Wait(ctx, try) // begin sees an end
	}
}

// stopped is nil for an error that comes of the stop which the caller asked for, and of nothing else.
func stopped(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil && !failed(err) && (errors.Is(err, ctx.Err()) || errors.Is(err, context.Cause(ctx))) {
		return nil
	}
	return err
}

// description is a stream as it is.
type description struct {
	view   streams.StreamViewType
	ended  bool // no more shards will come
	shards []streams.Shard
	listed map[string]bool
}

func (p *poller) describe(ctx context.Context) (*description, error) {
	d := &description{listed: map[string]bool{}}
	in := &dynamodbstreams.DescribeStreamInput{StreamArn: &p.Stream}
	for {
		var out *dynamodbstreams.DescribeStreamOutput
		err := p.persist(ctx, "DescribeStream", func(ctx context.Context) (err error) {
			out, err = p.Client.DescribeStream(ctx, in)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("stream: describe: %w", err)
		}
		s := out.StreamDescription
		d.view, d.ended = s.StreamViewType, s.StreamStatus == streams.StreamStatusDisabled
		for _, shard := range s.Shards {
			d.shards = append(d.shards, shard)
			d.listed[value(shard.ShardId)] = true
		}
		if value(s.LastEvaluatedShardId) == "" {
			return d, nil
		}
		in.ExclusiveStartShardId = s.LastEvaluatedShardId
	}
}
