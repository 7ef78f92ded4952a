// Package otel reports what monotable does to OpenTelemetry, as the semantic conventions for database clients say.
//
//	observer, err := otel.NewObserver(otel.Config{})
//	table, err := monotable.NewTable(client, monotable.TableConfig{…, Observer: observer})
//
// # Spans
//
// An operation is a span of kind client, named after the operation and the table: "Get app". Each attempt to send one of its requests is a child
// span of kind client, named after the request: "GetItem app". Spans of other instrumentation, such as that of the SDK or of HTTP, become children
// of the attempt. A client that does not take the SDK's middleware has its calls told when they are over: then only the times are right.
//
//   - db.system.name: aws.dynamodb
//   - db.operation.name: "Get", "Query", "BatchWrite", …; on attempts "GetItem", …
//   - db.collection.name and aws.dynamodb.table_names: the table
//   - aws.dynamodb.index_name: the index of a query or scan
//   - db.response.returned_rows: items that a read returned or counted
//   - db.response.status_code: the service's error code, on attempts
//   - error.type: on failure, the [monotable.Outcome], on attempts the error code where there is one
//   - monotable.entity, monotable.outcome, monotable.items, monotable.requests, monotable.retries, monotable.throttles,
//     monotable.consumed_capacity, on attempts monotable.may_have_applied
//
// The conventions want aws.dynamodb.consumed_capacity as JSON of the service's answers; it is given with the units alone, on attempts.
//
// A span's status is Error with the text of the [monotable.OpError], or of an attempt the error code, unless the outcome is an answer that programs ask
// for: not_found, already_exists, duplicate, condition_failed and version_conflict leave it unset. Neither keys nor
// values are in any attribute.
//
// # Metrics
//
//   - db.client.operation.duration, in seconds, with the buckets of the conventions
//   - monotable.client.retries: attempts after a request's first
//   - monotable.client.throttles: attempts refused for lack of capacity
//   - monotable.client.consumed_capacity: capacity units
//
// All have db.system.name, db.operation.name, db.collection.name, and monotable.entity where there is one; the duration has
// error.type and aws.dynamodb.index_name too. These are few values, however many items there are.
package otel

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.39.0"
	"go.opentelemetry.io/otel/semconv/v1.39.0/dbconv"
	"go.opentelemetry.io/otel/trace"

	"github.com/monotable/monotable"
)

const scope = "github.com/monotable/monotable/otel"

// Attributes that the conventions have no name for.
const (
	keyEntity   = attribute.Key("monotable.entity")
	keyOutcome  = attribute.Key("monotable.outcome")
	keyItems    = attribute.Key("monotable.items")
	keyRequests = attribute.Key("monotable.requests")
	keyRetries  = attribute.Key("monotable.retries")
	keyThrottle = attribute.Key("monotable.throttles")
	keyCapacity = attribute.Key("monotable.consumed_capacity")
	keyApplied  = attribute.Key("monotable.may_have_applied")
)

// seconds are the buckets that the conventions recommend for db.client.operation.duration.
var seconds = []float64{0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10}

// Config says where to report to. The zero value is the global providers, as they are when NewObserver is called.
type Config struct {
	TracerProvider trace.TracerProvider
	MeterProvider  metric.MeterProvider
}

// NewObserver makes an observer for [monotable.TableConfig]. It is safe for concurrent use, and serves any number of tables. The error is that of
// the meter provider, which could not make an instrument.
func NewObserver(cfg Config) (monotable.Observer, error) {
	if cfg.TracerProvider == nil {
		cfg.TracerProvider = otel.GetTracerProvider()
	}
	if cfg.MeterProvider == nil {
		cfg.MeterProvider = otel.GetMeterProvider()
	}
	o := &observer{tracer: cfg.TracerProvider.Tracer(scope, trace.WithSchemaURL(semconv.SchemaURL))}
	meter := cfg.MeterProvider.Meter(scope, metric.WithSchemaURL(semconv.SchemaURL))
	var errs [4]error
	o.duration, errs[0] = dbconv.NewClientOperationDuration(meter, metric.WithExplicitBucketBoundaries(seconds...))
	o.retries, errs[1] = meter.Int64Counter("monotable.client.retries", metric.WithUnit("{attempt}"),
		metric.WithDescription("Attempts after a request's first."))
	o.throttles, errs[2] = meter.Int64Counter("monotable.client.throttles", metric.WithUnit("{attempt}"),
		metric.WithDescription("Attempts refused for lack of capacity."))
	o.capacity, errs[3] = meter.Float64Counter("monotable.client.consumed_capacity", metric.WithUnit("{unit}"),
		metric.WithDescription("Capacity units that answers have reported."))
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("monotable/otel: %w", err)
	}
	return o, nil
}

type observer struct {
	monotable.NoObserver
	tracer    trace.Tracer
	duration  dbconv.ClientOperationDuration
	retries   metric.Int64Counter
	throttles metric.Int64Counter
	capacity  metric.Float64Counter
}

// OperationStart starts the operation's span.
func (o *observer) OperationStart(ctx context.Context, op monotable.OperationInfo) context.Context {
	ctx, _ = o.tracer.Start(
		ctx, op.Name+" "+op.Table, trace.WithSpanKind(trace.SpanKindClient), trace.WithTimestamp(op.Start),
		trace.WithAttributes(spanAttributes(op, op.Name)...),
	)
	return ctx
}

// OperationEnd ends the operation's span and records its metrics.
func (o *observer) OperationEnd(ctx context.Context, op monotable.OperationInfo, r monotable.OperationResult) {
	o.record(ctx, op, r)
	span := trace.SpanFromContext(ctx)
	defer span.End(trace.WithTimestamp(op.Start.Add(r.Duration)))
	if !span.IsRecording() {
		return
	}
	span.SetAttributes(
		keyOutcome.String(string(r.Outcome)), keyItems.Int(r.Items), keyRequests.Int(r.Requests), keyRetries.Int(r.Retries),
		keyThrottle.Int(r.Throttles), keyCapacity.Float64(r.CapacityUnits),
	)
	if reads[op.Name] {
		span.SetAttributes(semconv.DBResponseReturnedRows(r.Items))
	}
	if r.Err == nil {
		return
	}
	span.SetAttributes(semconv.ErrorTypeKey.String(string(r.Outcome)))
	if !answers[r.Outcome] {
		span.SetStatus(codes.Error, r.Err.Error())
	}
}

func (o *observer) record(ctx context.Context, op monotable.OperationInfo, r monotable.OperationResult) {
	labels := []attribute.KeyValue{semconv.DBSystemNameAWSDynamoDB, semconv.DBOperationName(op.Name), semconv.DBCollectionName(op.Table)}
	if op.Entity != "" {
		labels = append(labels, keyEntity.String(op.Entity))
	}
	all := metric.WithAttributeSet(attribute.NewSet(labels...))
	if r.Retries > 0 {
		o.retries.Add(ctx, int64(r.Retries), all)
	}
	if r.Throttles > 0 {
		o.throttles.Add(ctx, int64(r.Throttles), all)
	}
	if r.CapacityUnits > 0 {
		o.capacity.Add(ctx, r.CapacityUnits, all)
	}
	if op.Index != "" {
		labels = append(labels, semconv.AWSDynamoDBIndexName(op.Index))
	}
	if r.Err != nil {
		labels = append(labels, semconv.ErrorTypeKey.String(string(r.Outcome)))
	}
	o.duration.RecordSet(ctx, r.Duration.Seconds(), attribute.NewSet(labels...))
}

// AttemptStart starts the attempt's span.
func (o *observer) AttemptStart(ctx context.Context, a monotable.AttemptInfo) context.Context {
	ctx, _ = o.tracer.Start(
		ctx, a.Request+" "+a.Operation.Table, trace.WithSpanKind(trace.SpanKindClient), trace.WithTimestamp(a.Start),
		trace.WithAttributes(spanAttributes(a.Operation, a.Request)...),
	)
	return ctx
}

// AttemptEnd ends the attempt's span.
func (o *observer) AttemptEnd(ctx context.Context, a monotable.AttemptInfo, r monotable.AttemptResult) {
	span := trace.SpanFromContext(ctx)
	defer span.End(trace.WithTimestamp(a.Start.Add(r.Duration)))
	if !span.IsRecording() {
		return
	}
	span.SetAttributes(keyOutcome.String(string(r.Outcome)))
	if r.CapacityUnits > 0 {
		span.SetAttributes(semconv.AWSDynamoDBConsumedCapacity(fmt.Sprintf(`{"CapacityUnits":%g}`, r.CapacityUnits)))
	}
	if r.MayHaveApplied {
		span.SetAttributes(keyApplied.Bool(true))
	}
	if r.Outcome == monotable.OutcomeOK {
		return
	}
	what := string(r.Outcome)
	if r.Code != "" {
		what = r.Code
		span.SetAttributes(semconv.DBResponseStatusCode(r.Code))
	}
	span.SetAttributes(semconv.ErrorTypeKey.String(what))
	if !answers[r.Outcome] {
		span.SetStatus(codes.Error, what)
	}
}

func spanAttributes(op monotable.OperationInfo, name string) []attribute.KeyValue {
	attributes := []attribute.KeyValue{
		semconv.DBSystemNameAWSDynamoDB, semconv.DBOperationName(name), semconv.DBCollectionName(op.Table),
		semconv.AWSDynamoDBTableNames(op.Table),
	}
	if op.Entity != "" {
		attributes = append(attributes, keyEntity.String(op.Entity))
	}
	if op.Index != "" {
		attributes = append(attributes, semconv.AWSDynamoDBIndexName(op.Index))
	}
	return attributes
}

// reads are the operations that return rows.
var reads = map[string]bool{"Get": true, "GetBy": true, "Query": true, "Scan": true, "BatchGet": true, "TransactGet": true}

// answers are the outcomes that are no failure of the database or the way to it.
var answers = map[monotable.Outcome]bool{
	monotable.OutcomeOK: true, monotable.OutcomeNotFound: true, monotable.OutcomeAlreadyExists: true, monotable.OutcomeDuplicate: true,
	monotable.OutcomeConditionFailed: true, monotable.OutcomeVersionConflict: true,
}
