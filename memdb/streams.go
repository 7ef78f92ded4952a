package memdb

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"github.com/monotable/monotable/memdb/internal/value"
)

// A stream has one shard, which is open while the stream is enabled.
const (
	shardID       = "shardId-00000000000000000000-00000001"
	maxRecordPage = 1000
	maxStreams    = 100
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
	e.mu.RLock()
	defer e.mu.RUnlock()
	out := &listStreamsOutput{Streams: []streamSummary{}}
	skipping := in.ExclusiveStartStreamArn != nil
	for _, name := range sortedKeys(e.tables) {
		if in.TableName != nil && tableName(*in.TableName) != name {
			continue
		}
		for _, s := range e.tables[name].streams {
			switch {
			case skipping:
				skipping = s.arn != *in.ExclusiveStartStreamArn
			case len(out.Streams) == limit:
				out.LastEvaluatedStreamArn = out.Streams[limit-1].StreamArn
				return out, nil
			default:
				out.Streams = append(out.Streams, streamSummary{s.arn, s.label, name})
			}
		}
	}
	return out, nil
}

// findStream finds a stream of any table by its ARN.
func (e *Engine) findStream(arn *string) (*stream, error) {
	var c checker
	c.required("streamArn", arn != nil)
	if err := c.err(); err != nil {
		return nil, err
	}
	if !strings.HasPrefix(*arn, "arn:") || !strings.Contains(*arn, "/stream/") {
		return nil, invalid("Invalid StreamArn: %s", *arn)
	}
	if t := e.tables[tableName(*arn)]; t != nil {
		for _, s := range t.streams {
			if s.arn == *arn {
				return s, nil
			}
		}
	}
	return nil, notFound("Requested resource not found: Stream: %s not found", *arn)
}

type describeStreamInput struct {
	StreamArn             *string
	Limit                 *int
	ExclusiveStartShardId *string
}

type sequenceRange struct {
	StartingSequenceNumber string
	EndingSequenceNumber   string `json:",omitempty"`
}

type shard struct {
	ShardId             string
	SequenceNumberRange sequenceRange
}

type streamDescription struct {
	StreamArn, StreamLabel, StreamStatus, StreamViewType string
	CreationRequestDateTime                              float64
	TableName                                            string
	KeySchema                                            []keyElement
	Shards                                               []shard
}

type describeStreamOutput struct{ StreamDescription streamDescription }

func (e *Engine) describeStream(in *describeStreamInput) (*describeStreamOutput, error) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	s, err := e.findStream(in.StreamArn)
	if err != nil {
		return nil, err
	}
	d := streamDescription{
		StreamArn: s.arn, StreamLabel: s.label, StreamStatus: "ENABLED", StreamViewType: s.view,
		CreationRequestDateTime: timestamp(s.created), TableName: s.table, KeySchema: s.key, Shards: []shard{},
	}
	one := shard{ShardId: shardID, SequenceNumberRange: sequenceRange{StartingSequenceNumber: sequenceNumber(s.first())}}
	if !s.enabled {
		d.StreamStatus = "DISABLED"
		one.SequenceNumberRange.EndingSequenceNumber = sequenceNumber(s.last())
	}
	if in.ExclusiveStartShardId == nil || *in.ExclusiveStartShardId < shardID {
		d.Shards = append(d.Shards, one)
	}
	return &describeStreamOutput{d}, nil
}

func (s *stream) first() uint64 {
	if len(s.records) == 0 {
		return 0
	}
	return s.records[0].sequence
}

func (s *stream) last() uint64 {
	if len(s.records) == 0 {
		return 0
	}
	return s.records[len(s.records)-1].sequence
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
	ShardIteratorType                  string
}

type getShardIteratorOutput struct{ ShardIterator string }

func (e *Engine) getShardIterator(in *getShardIteratorInput) (*getShardIteratorOutput, error) {
	var c checker
	c.required("shardId", in.ShardId != nil)
	c.required("shardIteratorType", in.ShardIteratorType != "")
	c.enum("shardIteratorType", in.ShardIteratorType, "AFTER_SEQUENCE_NUMBER", "LATEST", "AT_SEQUENCE_NUMBER", "TRIM_HORIZON")
	if err := c.err(); err != nil {
		return nil, err
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	s, err := e.findStream(in.StreamArn)
	if err != nil {
		return nil, err
	}
	if *in.ShardId != shardID {
		return nil, notFound("Requested resource not found: Shard: %s in Stream: %s not found", *in.ShardId, s.arn)
	}
	next := uint64(0) // the first sequence number to read
	switch in.ShardIteratorType {
	case "LATEST":
		next = e.sequence + 1
	case "AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER":
		if in.SequenceNumber == nil {
			return nil, invalid("SequenceNumber is required for the iterator type %s", in.ShardIteratorType)
		}
		if next, err = parseSequence(*in.SequenceNumber); err != nil {
			return nil, invalid("Invalid SequenceNumber: %s", *in.SequenceNumber)
		}
		if in.ShardIteratorType == "AFTER_SEQUENCE_NUMBER" {
			next++
		}
	}
	return &getShardIteratorOutput{iterator(s, next)}, nil
}

// iterator names a stream and the next sequence number to read of it.
func iterator(s *stream, next uint64) string {
	return base64.URLEncoding.EncodeToString([]byte(s.arn + "|" + strconv.FormatUint(next, 10)))
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
	text, err := base64.URLEncoding.DecodeString(*in.ShardIterator)
	arn, number, ok := strings.Cut(string(text), "|")
	next, err2 := strconv.ParseUint(number, 10, 64)
	if err != nil || !ok || err2 != nil {
		return nil, invalid("Invalid ShardIterator")
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	s, err := e.findStream(&arn)
	if err != nil {
		return nil, err
	}
	if s.trimmed && next > 0 && next < s.first() {
		return nil, &apiError{Type: "TrimmedDataAccessException", Message: "The operation attempted to read past the oldest record of the stream"}
	}
	out := &getRecordsOutput{Records: []streamEvent{}}
	size := 0
	for _, r := range s.records {
		if r.sequence < next {
			continue
		}
		if len(out.Records) == limit || size > maxPage {
			break
		}
		out.Records = append(out.Records, e.event(s, r))
		next = r.sequence + 1
		size += r.size
	}
	if s.enabled || next <= s.last() {
		out.NextShardIterator = iterator(s, next)
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
