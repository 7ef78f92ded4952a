package memdb

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/monotable/monotable/memdb/internal/value"
)

// Limits of the requests.
const (
	maxRecordPage = 1000
	maxStreams    = 100
	maxShards     = 100
	iteratorLife  = 15 * time.Minute
)

type streamSummary struct{ StreamArn, StreamLabel, TableName string }

type listStreamsInput struct {
	TableName               *string
	Limit                   *int
	ExclusiveStartStreamArn *string
}

type listStreamsOutput struct {
	Streams                []streamSummary
	LastEvaluatedStreamArn string `json:",omitempty"`
}

func (e *Engine) listStreams(in *listStreamsInput) (*listStreamsOutput, error) {
	limit := maxStreams
	if in.Limit != nil {
		if *in.Limit < 1 || *in.Limit > maxStreams {
			return nil, invalid("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must have value between 1 and %d", *in.Limit, maxStreams)
		}
		limit = *in.Limit
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.settleStreams()
	all := slices.Clone(e.streams)
	slices.SortStableFunc(all, func(a, b *stream) int { return strings.Compare(a.table, b.table) })
	out := &listStreamsOutput{Streams: []streamSummary{}}
	skipping := in.ExclusiveStartStreamArn != nil
	for _, s := range all {
		switch {
		case in.TableName != nil && tableName(*in.TableName) != s.table:
		case skipping:
			skipping = s.arn != *in.ExclusiveStartStreamArn
		case len(out.Streams) == limit:
			out.LastEvaluatedStreamArn = out.Streams[limit-1].StreamArn
			return out, nil
		default:
			out.Streams = append(out.Streams, streamSummary{s.arn, s.label, s.table})
		}
	}
	return out, nil
}

// findStream finds a stream by its ARN. The caller has the lock.
func (e *Engine) findStream(arn *string) (*stream, error) {
	var c checker
	c.required("streamArn", arn != nil)
	if err := c.err(); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(*arn, "arn:") || !strings.Contains(*arn, "/stream/") {
		return nil, invalid("Invalid StreamArn: %s", *arn)
	}
	e.settleStreams()
	for _, s := range e.streams {
		if s.arn == *arn {
			return s, nil
		}
	}
	return nil, notFound("Requested resource not found: Stream: %s not found", *arn)
}

type describeStreamInput struct {
	StreamArn             *string
	Limit                 *int
	ExclusiveStartShardId *string
	ShardFilter           *struct{ Type, ShardId string }
}

type sequenceRange struct {
	StartingSequenceNumber string
	EndingSequenceNumber   string `json:",omitempty"`
}

type shardDescription struct {
	ShardId             string
	ParentShardId       string `json:",omitempty"`
	SequenceNumberRange sequenceRange
}

type streamDescription struct {
	StreamArn, StreamLabel, StreamStatus, StreamViewType string
	CreationRequestDateTime                              float64
	TableName                                            string
	KeySchema                                            []keyElement
	Shards                                               []shardDescription
	LastEvaluatedShardId                                 string `json:",omitempty"`
}

type describeStreamOutput struct{ StreamDescription streamDescription }

func (e *Engine) describeStream(in *describeStreamInput) (*describeStreamOutput, error) {
	limit := maxShards
	var c checker
	if in.Limit != nil {
		limit = *in.Limit
		if limit < 1 || limit > maxShards {
			c.addf("Value '%d' at 'limit' failed to satisfy constraint: Member must have value between 1 and %d", limit, maxShards)
		}
	}
	if in.ShardFilter != nil {
		c.enum("shardFilter.type", in.ShardFilter.Type, "CHILD_SHARDS")
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	s, err := e.findStream(in.StreamArn)
	if err != nil {
		return nil, err
	}
	d := streamDescription{
		StreamArn: s.arn, StreamLabel: s.label, StreamStatus: "ENABLED", StreamViewType: s.view,
		CreationRequestDateTime: timestamp(s.created), TableName: s.table, KeySchema: s.key, Shards: []shardDescription{},
	}
	if !s.enabled {
		d.StreamStatus = "DISABLED"
	}
	for _, sh := range s.shards {
		// Their order is that of their identifiers, so the start may have been trimmed.
		if in.ExclusiveStartShardId != nil && sh.id <= *in.ExclusiveStartShardId ||
			in.ShardFilter != nil && (sh.parent == "" || sh.parent != in.ShardFilter.ShardId) {
			continue
		}
		if len(d.Shards) == limit {
			d.LastEvaluatedShardId = d.Shards[limit-1].ShardId
			break
		}
		one := shardDescription{sh.id, sh.parent, sequenceRange{StartingSequenceNumber: sequenceNumber(sh.start)}}
		if !sh.open() {
			one.SequenceNumberRange.EndingSequenceNumber = sequenceNumber(sh.end)
		}
		d.Shards = append(d.Shards, one)
	}
	return &describeStreamOutput{d}, nil
}

// sequenceNumber has a fixed width, so that its order as text is that of time.
func sequenceNumber(n uint64) string { return fmt.Sprintf("1%020d", n) }

func parseSequence(s string) (uint64, error) {
	if len(s) != 21 {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseUint(s[1:], 10, 64)
}

type getShardIteratorInput struct {
	StreamArn, ShardId, SequenceNumber *string
	Timestamp                          *float64
	ShardIteratorType                  string
}

type getShardIteratorOutput struct{ ShardIterator string }

func (e *Engine) getShardIterator(in *getShardIteratorInput) (*getShardIteratorOutput, error) {
	var c checker
	c.required("shardId", in.ShardId != nil)
	c.required("shardIteratorType", in.ShardIteratorType != "")
	c.enum("shardIteratorType", in.ShardIteratorType, "AFTER_SEQUENCE_NUMBER", "AT_TIMESTAMP", "LATEST", "AT_SEQUENCE_NUMBER", "TRIM_HORIZON")
	if err := c.err(); err != nil {
		return nil, err
	}
	bySequence := strings.HasSuffix(in.ShardIteratorType, "_SEQUENCE_NUMBER")
	if !bySequence && in.SequenceNumber != nil {
		return nil, invalidParameter("SequenceNumber should not be passed for this iterator type")
	}
	if (in.ShardIteratorType == "AT_TIMESTAMP") != (in.Timestamp != nil) {
		return nil, invalidParameter("Timestamp is passed for the iterator type AT_TIMESTAMP and no other")
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	s, err := e.findStream(in.StreamArn)
	if err != nil {
		return nil, err
	}
	sh := s.shard(*in.ShardId)
	if sh == nil {
		return nil, notFound("Requested resource not found: Shard: %s in Stream: %s not found", *in.ShardId, s.arn)
	}
	position := iterator{stream: s.arn, shard: sh.id}
	switch {
	case in.ShardIteratorType == "LATEST":
		position.next = e.sequence + 1
	case in.ShardIteratorType == "AT_TIMESTAMP":
		position.next, err = e.atTimestamp(sh, *in.Timestamp)
	case bySequence:
		position.next, err = e.atSequence(sh, in.SequenceNumber)
		if in.ShardIteratorType == "AFTER_SEQUENCE_NUMBER" {
			position.next++
		}
	}
	if err != nil {
		return nil, err
	}
	return &getShardIteratorOutput{e.issue(position)}, nil
}

// atTimestamp compares in the whole seconds that records tell.
func (e *Engine) atTimestamp(sh *shard, seconds float64) (uint64, error) {
	if now := e.now(); seconds > float64(now.UnixMilli())/1000 {
		return 0, invalidParameter("Timestamp is in the future")
	}
	for _, r := range sh.records {
		if float64(r.at.Unix()) >= seconds {
			return r.sequence, nil
		}
	}
	return e.sequence + 1, nil
}

func (e *Engine) atSequence(sh *shard, number *string) (uint64, error) {
	if number == nil {
		return 0, invalidParameter("Invalid SequenceNumber")
	}
	n, err := parseSequence(*number)
	if err != nil || n < sh.start || n > sh.last(e) {
		return 0, invalidParameter("Invalid SequenceNumber: it is not one of the shard")
	}
	if n <= sh.trimmed {
		return 0, errTrimmed()
	}
	return n, nil
}

func errTrimmed() error {
	return &apiError{Type: "TrimmedDataAccessException", Message: "The operation attempted to read past the oldest stream record in a shard"}
}

// iterator is a position in a shard.
type iterator struct {
	stream, shard string
	next          uint64 // the first sequence number to read; 0 is the oldest record
	issued        time.Time
}

// issue dates an iterator and gives its text.
func (e *Engine) issue(i iterator) string {
	return base64.URLEncoding.EncodeToString(fmt.Appendf(nil, "%s|%s|%d|%d", i.stream, i.shard, i.next, e.now().UnixMilli()))
}

func parseIterator(text string) (i iterator, err error) {
	plain, err := base64.URLEncoding.DecodeString(text)
	parts := strings.Split(string(plain), "|")
	if err != nil || len(parts) != 4 {
		return i, strconv.ErrSyntax
	}
	next, err := strconv.ParseUint(parts[2], 10, 64)
	if err != nil {
		return i, err
	}
	issued, err := strconv.ParseInt(parts[3], 10, 64)
	return iterator{parts[0], parts[1], next, time.UnixMilli(issued)}, err
}

type getRecordsInput struct {
	ShardIterator *string
	Limit         *int
}

type streamRecordData struct {
	ApproximateCreationDateTime float64
	Keys                        value.Map
	NewImage                    value.Map `json:",omitzero"`
	OldImage                    value.Map `json:",omitzero"`
	SequenceNumber              string
	SizeBytes                   int
	StreamViewType              string
}

type userIdentity struct{ PrincipalId, Type string }

type streamEvent struct {
	AwsRegion    string           `json:"awsRegion"`
	Dynamodb     streamRecordData `json:"dynamodb"`
	EventID      string           `json:"eventID"`
	EventName    string           `json:"eventName"`
	EventSource  string           `json:"eventSource"`
	EventVersion string           `json:"eventVersion"`
	UserIdentity *userIdentity    `json:"userIdentity,omitempty"`
}

type getRecordsOutput struct {
	Records           []streamEvent
	NextShardIterator string `json:",omitempty"`
}

func (e *Engine) getRecords(in *getRecordsInput) (*getRecordsOutput, error) {
	var c checker
	c.required("shardIterator", in.ShardIterator != nil)
	limit := maxRecordPage
	if in.Limit != nil {
		limit = *in.Limit
		if limit < 1 || limit > maxRecordPage {
			c.addf("Value '%d' at 'limit' failed to satisfy constraint: Member must have value between 1 and %d", limit, maxRecordPage)
		}
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	position, err := parseIterator(*in.ShardIterator)
	if err != nil {
		return nil, invalid("Invalid ShardIterator")
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	s, err := e.findStream(&position.stream)
	if err != nil {
		return nil, err
	}
	if !e.now().Before(position.issued.Add(iteratorLife)) {
		return nil, &apiError{Type: "ExpiredIteratorException", Message: "Iterator expired. The iterator was created more than 15 minutes ago"}
	}
	sh := s.shard(position.shard)
	switch {
	case sh == nil:
		return nil, notFound("Requested resource not found: Shard: %s in Stream: %s not found", position.shard, s.arn)
	case position.next == 0:
		position.next = sh.trimmed + 1
	case position.next <= sh.trimmed:
		return nil, errTrimmed()
	}
	out := &getRecordsOutput{Records: []streamEvent{}}
	size := 0
	left := sh.from(position.next)
	for len(left) > 0 && len(out.Records) < limit && (size == 0 || size+left[0].size <= maxPage) {
		out.Records = append(out.Records, e.event(s, left[0]))
		position.next = left[0].sequence + 1
		size += left[0].size
		left = left[1:]
	}
	if sh.open() || len(left) > 0 {
		out.NextShardIterator = e.issue(position)
	}
	return out, nil
}

func (e *Engine) event(s *stream, r streamRecord) streamEvent {
	v := streamEvent{
		AwsRegion: e.options.Region, EventID: r.id, EventName: r.event, EventSource: "aws:dynamodb", EventVersion: "1.1",
		Dynamodb: streamRecordData{
			ApproximateCreationDateTime: float64(r.at.Unix()), Keys: r.keys, NewImage: r.now, OldImage: r.old,
			SequenceNumber: sequenceNumber(r.sequence), SizeBytes: r.size, StreamViewType: s.view,
		},
	}
	if r.expired {
		v.UserIdentity = &userIdentity{"dynamodb.amazonaws.com", "Service"}
	}
	return v
}
