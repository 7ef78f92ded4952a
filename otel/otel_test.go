package otel_test

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	oteltrace "go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
	"github.com/monotable/monotable/otel"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type user struct {
	ID  string `dynamodbav:"id"`
	N   int    `dynamodbav:"n"`
	Ver int64  `dynamodbav:"ver"`
}

var (
	userN   = monotable.Field(func(u *user) *int { return &u.N })
	userVer = monotable.Field(func(u *user) *int64 { return &u.Ver })
)

const canary = "canary-4711"

type scene struct {
	*monotable.Entity[user]
	faults monotabletest.Faults
	spans  *tracetest.SpanRecorder
	meter  *metric.ManualReader
	tracer oteltrace.Tracer
}

func open(t *testing.T) *scene {
	t.Helper()
	s := &scene{spans: tracetest.NewSpanRecorder(), meter: metric.NewManualReader()}
	traces := trace.NewTracerProvider(trace.WithSpanProcessor(s.spans))
	meters := metric.NewMeterProvider(metric.WithReader(s.meter))
	t.Cleanup(func() {
		require.NoError(t, traces.Shutdown(context.Background()))
		require.NoError(t, meters.Shutdown(context.Background()))
	})
	s.tracer = traces.Tracer("test")
	observer, err := otel.NewObserver(otel.Config{TracerProvider: traces, MeterProvider: meters})
	require.NoError(t, err)
	cfg := monotable.TableConfig{
		Name: "users", PartitionKey: "PK", Indexes: []monotable.Index{{Name: "byID", PartitionKey: "id"}}, Observer: observer,
		CursorKeys: []monotable.CursorKey{{ID: "test", Secret: []byte("0123456789abcdef0123456789abcdef")}},
	}
	client := monotabletest.Client(t)
	monotabletest.TableOn(t, client, cfg)
	quick := func(o *dynamodb.Options) {
		o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = time.Millisecond })
	}
	table, err := monotable.NewTable(s.faults.Client(client, quick), cfg)
	require.NoError(t, err)
	s.Entity = monotable.MustEntity(table, monotable.Schema[user]{
		Name: "User", Key: monotable.Key{Partition: "U#{id}"}, Rules: []monotable.Rule[user]{monotable.Version(userVer)},
	})
	return s
}

// attributesOf are a span's attributes as texts.
func attributesOf(attributes []attribute.KeyValue) map[string]string {
	all := map[string]string{}
	for _, a := range attributes {
		all[string(a.Key)] = a.Value.Emit()
	}
	return all
}

func TestSpans(t *testing.T) {
	s := open(t)
	s.faults.Script("PutItem", monotabletest.Throttle(""))
	ctx, parent := s.tracer.Start(t.Context(), "parent")
	_, err := s.Create(ctx, user{ID: canary})
	require.NoError(t, err)
	parent.End()

	spans := s.spans.Ended()
	require.Len(t, spans, 4)
	first, again, operation := spans[0], spans[1], spans[2]
	require.Equal(t, "Create users", operation.Name())
	require.Equal(t, oteltrace.SpanKindClient, operation.SpanKind())
	require.Equal(t, parent.SpanContext().SpanID(), operation.Parent().SpanID())
	require.Equal(t, codes.Unset, operation.Status().Code)
	require.Equal(t, map[string]string{
		"db.system.name": "aws.dynamodb", "db.operation.name": "Create", "db.collection.name": "users", "aws.dynamodb.table_names": `["users"]`,
		"monotable.entity": "User", "monotable.outcome": "ok", "monotable.items": "1", "monotable.requests": "1", "monotable.retries": "1",
		"monotable.throttles": "1", "monotable.consumed_capacity": "2",
	}, attributesOf(operation.Attributes()))

	for _, attempt := range []trace.ReadOnlySpan{first, again} {
		require.Equal(t, "PutItem users", attempt.Name())
		require.Equal(t, oteltrace.SpanKindClient, attempt.SpanKind())
		require.Equal(t, operation.SpanContext().SpanID(), attempt.Parent().SpanID())
		require.False(t, attempt.StartTime().Before(operation.StartTime()))
		require.False(t, attempt.EndTime().After(operation.EndTime()))
	}
	require.Equal(t, codes.Error, first.Status().Code)
	failed := attributesOf(first.Attributes())
	require.Equal(t, "ProvisionedThroughputExceededException", failed["error.type"])
	require.Equal(t, "ProvisionedThroughputExceededException", failed["db.response.status_code"])
	require.Equal(t, "throttled", failed["monotable.outcome"])
	require.Equal(t, codes.Unset, again.Status().Code)
	require.Equal(t, `["{\"CapacityUnits\":2}"]`, attributesOf(again.Attributes())["aws.dynamodb.consumed_capacity"])
}

func TestSpans_Outcomes(t *testing.T) {
	for name, c := range map[string]struct {
		outcome string
		status  codes.Code
		run     func(s *scene, ctx context.Context) error
	}{
		"not found": {"not_found", codes.Unset, func(s *scene, ctx context.Context) error {
			_, err := s.Get(ctx, user{ID: canary})
			return err
		}},
		"conflict": {"version_conflict", codes.Unset, func(s *scene, ctx context.Context) error {
			_, err := s.Create(ctx, user{ID: canary})
			require.NoError(t, err)
			_, err = s.Update(ctx, user{ID: canary, Ver: 7}, userN.Set(1))
			return err
		}},
		"invalid": {"invalid", codes.Error, func(s *scene, ctx context.Context) error {
			_, err := s.Get(ctx, user{ID: canary + "#"})
			return err
		}},
		"unknown": {"unknown", codes.Error, func(s *scene, ctx context.Context) error {
			s.faults.Rate("", 1, monotabletest.SendingBroken())
			_, err := s.Create(ctx, user{ID: canary})
			return err
		}},
		"refused": {"failed", codes.Error, func(s *scene, ctx context.Context) error {
			s.faults.Rate("", 1, monotabletest.Refuse(400, "AccessDeniedException"))
			_, err := s.Query(user{ID: canary}).Index("byID").Collect(ctx)
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			err := c.run(s, t.Context())
			require.Error(t, err)
			spans := s.spans.Ended()
			last := spans[len(spans)-1]
			all := attributesOf(last.Attributes())
			require.Equal(t, c.outcome, all["monotable.outcome"])
			require.Equal(t, c.outcome, all["error.type"])
			require.Equal(t, c.status, last.Status().Code)
			if c.status == codes.Error {
				require.Equal(t, err.Error(), last.Status().Description)
			}
			require.Len(t, s.spans.Started(), len(spans), "spans without an end")
			if name == "unknown" {
				require.Equal(t, "true", attributesOf(spans[0].Attributes())["monotable.may_have_applied"])
			}
			if name == "refused" {
				require.Equal(t, "byID", all["aws.dynamodb.index_name"])
				require.Equal(t, "0", all["db.response.returned_rows"])
			}
			for _, span := range spans {
				require.NotContains(t, span.Name()+span.Status().Description, canary)
				require.Empty(t, span.Events())
				for _, value := range attributesOf(span.Attributes()) {
					require.NotContains(t, value, canary)
				}
			}
		})
	}
}

func TestMetrics(t *testing.T) {
	s := open(t)
	s.faults.Script("PutItem", monotabletest.Throttle(""))
	_, err := s.Create(t.Context(), user{ID: "a"})
	require.NoError(t, err)
	_, err = s.Create(t.Context(), user{ID: "a"})
	require.ErrorIs(t, err, monotable.ErrAlreadyExists)

	var got metricdata.ResourceMetrics
	require.NoError(t, s.meter.Collect(t.Context(), &got))
	require.Len(t, got.ScopeMetrics, 1)
	create := map[string]string{"db.system.name": "aws.dynamodb", "db.operation.name": "Create", "db.collection.name": "users", "monotable.entity": "User"}
	seen := map[string]string{}
	for _, m := range got.ScopeMetrics[0].Metrics {
		seen[m.Name] = m.Unit
		switch data := m.Data.(type) {
		case metricdata.Histogram[float64]:
			require.Len(t, data.DataPoints, 2)
			failures := 0
			for _, p := range data.DataPoints {
				require.Equal(t, []float64{0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10}, p.Bounds)
				require.EqualValues(t, 1, p.Count)
				require.Positive(t, p.Sum)
				labels := attributesOf(p.Attributes.ToSlice())
				if labels["error.type"] != "" {
					require.Equal(t, "already_exists", labels["error.type"])
					failures++
				}
				delete(labels, "error.type")
				require.Equal(t, create, labels)
			}
			require.Equal(t, 1, failures)
		case metricdata.Sum[int64]:
			require.Len(t, data.DataPoints, 1)
			require.EqualValues(t, 1, data.DataPoints[0].Value, m.Name)
			require.Equal(t, create, attributesOf(data.DataPoints[0].Attributes.ToSlice()))
		case metricdata.Sum[float64]:
			require.EqualValues(t, 2, data.DataPoints[0].Value, m.Name)
		}
	}
	require.Equal(t, map[string]string{
		"db.client.operation.duration": "s", "monotable.client.retries": "{attempt}", "monotable.client.throttles": "{attempt}",
		"monotable.client.consumed_capacity": "{unit}",
	}, seen)
}

// Without configuration it reports to the global providers, which do nothing by default.
func TestDefaults(t *testing.T) {
	observer, err := otel.NewObserver(otel.Config{})
	require.NoError(t, err)
	ctx := observer.OperationStart(t.Context(), monotable.OperationInfo{Name: "Get", Start: time.Now()})
	observer.OperationEnd(ctx, monotable.OperationInfo{Name: "Get"}, monotable.OperationResult{Outcome: monotable.OutcomeOK})
}
