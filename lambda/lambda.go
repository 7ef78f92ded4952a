// Package lambda brings the DynamoDB stream events of AWS Lambda to the typed handlers of package stream.
//
//	router := stream.MustRouter(stream.On(users).Insert(…), …)
//	awslambda.Start(lambda.New(router)) // awslambda is github.com/aws/aws-lambda-go/lambda
//
// This package is called lambda like AWS's own; programs that import both name one of them otherwise. It needs no client of DynamoDB but what the handlers need.
//
// # Failures
//
// A batch that is handled in part is answered with the records that were not. For that the function's event source mapping must have ReportBatchItemFailures among its
// FunctionResponseTypes: without it Lambda takes every answer for success, and what failed is lost. Where it cannot be set, use [WholeBatch].
//
// Lambda then delivers the batch again from the first failed record on, so records behind it that were handled come again, too: see [stream.Newer] and
// [stream.Once]. BisectBatchOnFunctionError, MaximumRetryAttempts and a destination for failures are Lambda's own means against poison; [stream.Park] is ours.
package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable/stream"
)

// Handler handles events of Lambda. It is a Handler of github.com/aws/aws-lambda-go/lambda, immutable and safe for concurrent use.
type Handler struct {
	router *stream.Router
	whole  bool
}

// Option is a setting of a [Handler].
type Option func(*Handler)

// WholeBatch makes an event fail as a whole, with an error, if one of its records does: for functions without ReportBatchItemFailures.
func WholeBatch() Option { return func(h *Handler) { h.whole = true } }

// New makes a handler of a router, whose settings hold: how many items are handled at a time, how often a record is tried within one invocation, and where poison is parked. The router's
// tables have the names that they have in AWS: records of another table fail. It panics without a router.
func New(r *stream.Router, opts ...Option) *Handler {
	if r == nil {
		panic("lambda: New without a Router") // when the program starts, not with each event
	}
	h := &Handler{router: r}
	for _, opt := range opts {
		if opt != nil {
			opt(h)
		}
	}
	return h
}

// Handle handles an event, and tells of the records that were not handled. It ends in time before the deadline of the invocation, as far as handlers obey their context, so that what was done by then is known. With
// [WholeBatch] failures are an error.
func (h *Handler) Handle(ctx context.Context, event events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
	return h.process(ctx, Records(event))
}

// Invoke is Handle on the JSON of an event. A record that does not decode is one that failed; only an event that is none is an error.
func (h *Handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	records, err := decode(payload)
	if err != nil {
		return nil, err
	}
	response, err := h.process(ctx, records)
	if err != nil {
		return nil, err
	}
	return json.Marshal(response)
}

// reserve is the time that is left to answer.
const reserve = time.Second

func (h *Handler) process(ctx context.Context, records []stream.Record) (events.DynamoDBEventResponse, error) {
	response := events.DynamoDBEventResponse{BatchItemFailures: []events.DynamoDBBatchItemFailure{}}
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-min(reserve, time.Until(deadline)/4)))
		defer cancel()
	}
	err := h.router.Process(ctx, records)
	failed, ok := errors.AsType[*stream.BatchError](err)
	if !ok || h.whole {
		return response, err
	}
	for _, f := range failed.Failures {
		sequence := records[f.Index].Sequence
		if sequence == "" { // nothing to name it by, and an empty one means all
			return response, err
		}
		response.BatchItemFailures = append(response.BatchItemFailures, events.DynamoDBBatchItemFailure{ItemIdentifier: sequence})
	}
	return response, nil
}

// Records are the changes that an event tells of.
func Records(event events.DynamoDBEvent) []stream.Record {
	records := make([]stream.Record, len(event.Records))
	for i := range event.Records {
		records[i] = record(&event.Records[i])
	}
	return records
}

func record(from *events.DynamoDBEventRecord) stream.Record {
	c := &from.Change
	r := stream.Record{
		Event: stream.Event(from.EventName), ID: from.EventID, Table: stream.TableOf(from.EventSourceArn), Sequence: c.SequenceNumber,
		Time: c.ApproximateCreationDateTime.Time, View: types.StreamViewType(c.StreamViewType),
		Expired: from.UserIdentity != nil && from.UserIdentity.Type == "Service" && from.UserIdentity.PrincipalID == "dynamodb.amazonaws.com",
	}
	for _, image := range []struct {
		from map[string]events.DynamoDBAttributeValue
		to   *map[string]types.AttributeValue
	}{{c.Keys, &r.Keys}, {c.OldImage, &r.Old}, {c.NewImage, &r.New}} {
		if image.from == nil {
			continue
		}
		*image.to = make(map[string]types.AttributeValue, len(image.from))
		for name, av := range image.from {
			v, err := value(av)
			if err != nil {
				r.Err = fmt.Errorf("lambda: attribute %s: %w", name, err)
			}
			(*image.to)[name] = v
		}
	}
	return r
}

// decode reads an event record by record, so that one that cannot be read is alone in that.
func decode(payload []byte) ([]stream.Record, error) {
	var event struct{ Records []json.RawMessage }
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, errors.New("lambda: the event is not JSON of a DynamoDB stream") // the decoder's text may quote it
	}
	records := make([]stream.Record, len(event.Records))
	for i, raw := range event.Records {
		var r events.DynamoDBEventRecord
		if err := unmarshal(raw, &r); err == nil {
			records[i] = record(&r)
			continue
		}
		// What names it and its item may be readable still.
		var part events.DynamoDBEventRecord
		var change struct {
			EventSourceARN string `json:"eventSourceARN"`
			Dynamodb       struct {
				SequenceNumber string
				Keys           json.RawMessage
			} `json:"dynamodb"`
		}
		_ = json.Unmarshal(raw, &change)
		_ = unmarshal(change.Dynamodb.Keys, &part.Change.Keys)
		part.EventSourceArn, part.Change.SequenceNumber = change.EventSourceARN, change.Dynamodb.SequenceNumber
		records[i] = record(&part)
		records[i].Err = errors.New("lambda: the record cannot be decoded")
	}
	return records, nil
}

// unmarshal takes a panic of the library's decoder, which some malformed attributes cause, for an error.
func unmarshal(raw []byte, to any) (err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("malformed")
		}
	}()
	return json.Unmarshal(raw, to)
}

func value(av events.DynamoDBAttributeValue) (types.AttributeValue, error) {
	switch av.DataType() {
	case events.DataTypeString:
		return &types.AttributeValueMemberS{Value: av.String()}, nil
	case events.DataTypeNumber:
		return &types.AttributeValueMemberN{Value: av.Number()}, nil
	case events.DataTypeBinary:
		return &types.AttributeValueMemberB{Value: av.Binary()}, nil
	case events.DataTypeBoolean:
		return &types.AttributeValueMemberBOOL{Value: av.Boolean()}, nil
	case events.DataTypeNull:
		return &types.AttributeValueMemberNULL{Value: true}, nil
	case events.DataTypeStringSet:
		return &types.AttributeValueMemberSS{Value: av.StringSet()}, nil
	case events.DataTypeNumberSet:
		return &types.AttributeValueMemberNS{Value: av.NumberSet()}, nil
	case events.DataTypeBinarySet:
		return &types.AttributeValueMemberBS{Value: av.BinarySet()}, nil
	case events.DataTypeList:
		list := make([]types.AttributeValue, len(av.List()))
		for i, element := range av.List() {
			v, err := value(element)
			if err != nil {
				return nil, err
			}
			list[i] = v
		}
		return &types.AttributeValueMemberL{Value: list}, nil
	case events.DataTypeMap:
		m := make(map[string]types.AttributeValue, len(av.Map()))
		for name, element := range av.Map() {
			v, err := value(element)
			if err != nil {
				return nil, err
			}
			m[name] = v
		}
		return &types.AttributeValueMemberM{Value: m}, nil
	}
	return nil, fmt.Errorf("unknown type %d", av.DataType())
}
