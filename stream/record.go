package stream

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	streams "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

// Event is what happened to an item.
type Event string

// The events, as DynamoDB calls them. A write that changes nothing has none.
const (
	Insert Event = "INSERT"
	Modify Event = "MODIFY"
	Remove Event = "REMOVE"
)

type item = map[string]types.AttributeValue

// Record is one change of one item, wherever it was read. Which images it has is up to the stream's view. It is not changed here, and must not be while it is
// handled.
type Record struct {
	Event    Event
	ID       string // of the event; the same in each delivery
	Table    string // "" if the source does not tell
	Sequence string // a number that grows with each change of an item; see [CompareSequence]
	Time     time.Time
	View     types.StreamViewType // "" if the source does not tell
	Keys     map[string]types.AttributeValue
	Old, New map[string]types.AttributeValue // nil where there is none
	Expired  bool                            // removed by DynamoDB since its time to live was over, not by a program

	// Err is why the source could not read the record. No handler is called for it: it fails at once, and may be parked.
	Err error

	part int // 1 for the second half of a change from one entity to another
}

// FromSDK makes a Record of one that was read from DynamoDB Streams. The table's name is in the stream's ARN, see [TableOf]. What cannot be read is in its Err.
func FromSDK(table string, r streams.Record) Record {
	own := Record{Event: Event(r.EventName), ID: value(r.EventID), Table: table, Expired: expired(r.UserIdentity)}
	d := r.Dynamodb
	if d == nil {
		own.Err = errors.New("stream: a record without a change")
		return own
	}
	own.Sequence, own.Time, own.View = value(d.SequenceNumber), value(d.ApproximateCreationDateTime), types.StreamViewType(d.StreamViewType)
	for _, image := range []struct {
		from map[string]streams.AttributeValue
		to   *item
	}{{d.Keys, &own.Keys}, {d.OldImage, &own.Old}, {d.NewImage, &own.New}} {
		if image.from == nil {
			continue
		}
		var err error
		if *image.to, err = attributevalue.FromDynamoDBStreamsMap(image.from); err != nil {
			own.Err = fmt.Errorf("stream: an attribute of a type that is not known: %w", err)
		}
	}
	return own
}

func timeOf(r streams.Record) time.Time {
	if r.Dynamodb == nil {
		return time.Time{}
	}
	return value(r.Dynamodb.ApproximateCreationDateTime)
}

func value[V any](p *V) (v V) {
	if p != nil {
		v = *p
	}
	return v
}

func expired(who *streams.Identity) bool {
	return who != nil && value(who.Type) == "Service" && value(who.PrincipalId) == "dynamodb.amazonaws.com"
}

// TableOf is the name of the table in the ARN of a stream, "" if there is none.
func TableOf(arn string) string {
	_, rest, _ := strings.Cut(arn, ":table/")
	name, _, _ := strings.Cut(rest, "/")
	return name
}

// CompareSequence compares two sequence numbers as numbers: below 0 if a is the older one. They are comparable between changes of one item; between items only in one shard.
func CompareSequence(a, b string) int { return strings.Compare(padded(a), padded(b)) }

const sequenceWidth = 40 // DynamoDB's longest

// padded is a sequence number whose order as text is that of numbers.
func padded(sequence string) string {
	return strings.Repeat("0", max(sequenceWidth-len(sequence), 0)) + sequence
}

// identity names the item within a table.
func (r *Record) identity() string {
	var b strings.Builder
	b.WriteString(r.Table)
	for _, name := range slices.Sorted(maps.Keys(r.Keys)) {
		b.WriteString("\x00" + name)
		switch av := r.Keys[name].(type) {
		case *types.AttributeValueMemberS:
			b.WriteString("\x00S" + base64.StdEncoding.EncodeToString([]byte(av.Value)))
		case *types.AttributeValueMemberN:
			b.WriteString("\x00N" + av.Value)
		case *types.AttributeValueMemberB:
			b.WriteString("\x00B" + base64.StdEncoding.EncodeToString(av.Value))
		}
	}
	return b.String()
}

// image is what is known of the item, the newest first.
func (r *Record) image() item {
	if r.New != nil {
		return r.New
	}
	return r.Old
}

// Format prints no keys and values: they may be secret.
func (r Record) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "%s of %s, sequence %s", r.Event, r.Table, r.Sequence)
}

// LogValue logs no keys and values.
func (r Record) LogValue() slog.Value {
	return slog.GroupValue(slog.String("event", string(r.Event)), slog.String("table", r.Table), slog.String("id", r.ID), slog.String("sequence", r.Sequence))
}

type contextKey struct{}

// current is what a handler's context knows.
type current struct {
	record  *Record
	applied atomic.Int32 // calls of Once.Apply
}

func currentOf(ctx context.Context) (*current, bool) {
	c, ok := ctx.Value(contextKey{}).(*current)
	return c, ok
}

// Current is the record that a handler was called for; false outside of one.
func Current(ctx context.Context) (Record, bool) {
	c, ok := currentOf(ctx)
	if !ok {
		return Record{}, false
	}
	return *c.record, true
}

// Expired says, in a handler, that DynamoDB removed the item since its time to live was over.
func Expired(ctx context.Context) bool {
	r, _ := Current(ctx)
	return r.Expired
}

// position is where the record is among the changes of its item, as text that sorts.
func (r *Record) position() string {
	if r.part > 0 {
		return padded(r.Sequence) + "." + strconv.Itoa(r.part)
	}
	return padded(r.Sequence)
}
