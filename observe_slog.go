package monotable

import (
	"context"
	"log/slog"
)

// SlogObserver writes a record for every operation, "monotable operation", and for every attempt, "monotable attempt". A nil
// logger is slog.Default() at the time of this call.
//
// Records of operations have the groups "operation" (name, entity, table, index) and "result" (outcome, error, items, requests, attempts, retries,
// capacity, throttles, throttling, duration); those of attempts "operation", "attempt" (request, sequence, number) and "result" (outcome, code,
// may_have_applied, capacity, throttling, duration). They are the fields of [OperationInfo], [OperationResult], [AttemptInfo] and [AttemptResult]; texts
// that are empty are left out. The error is the text of the [OpError].
//
// The level of an operation follows its outcome: Debug for ok and not_found, Error for unknown and failed, Warn for throttled,
// unprocessed and wrong_entity, Info for the others, and for one that was throttled at first and is ok in the end. Attempts are at Debug.
// What the logger is not enabled for costs next to nothing.
func SlogObserver(logger *slog.Logger) Observer {
	if logger == nil {
		logger = slog.Default()
	}
	return &slogObserver{logger: logger}
}

type slogObserver struct {
	NoObserver
	logger *slog.Logger
}

func (s *slogObserver) OperationEnd(ctx context.Context, op OperationInfo, r OperationResult) {
	level := levelOf(r)
	if !s.logger.Enabled(ctx, level) {
		return
	}
	result := []slog.Attr{slog.String("outcome", string(r.Outcome))}
	if r.Err != nil {
		result = append(result, slog.String("error", r.Err.Error()))
	}
	result = append(
		result,
		slog.Int("items", r.Items), slog.Int("requests", r.Requests), slog.Int("attempts", r.Attempts), slog.Int("retries", r.Retries),
		slog.Float64("capacity", r.CapacityUnits), slog.Int("throttles", r.Throttles),
	)
	result = append(throttlingAttr(result, r.Throttling), slog.Duration("duration", r.Duration))
	s.logger.LogAttrs(ctx, level, "monotable operation", operationAttr(op), slog.GroupAttrs("result", result...))
}

func (s *slogObserver) AttemptEnd(ctx context.Context, a AttemptInfo, r AttemptResult) {
	if !s.logger.Enabled(ctx, slog.LevelDebug) {
		return
	}
	result := []slog.Attr{slog.String("outcome", string(r.Outcome))}
	result = filled(result, "code", r.Code)
	result = append(result, slog.Bool("may_have_applied", r.MayHaveApplied), slog.Float64("capacity", r.CapacityUnits))
	result = append(throttlingAttr(result, r.Throttling), slog.Duration("duration", r.Duration))
	s.logger.LogAttrs(
		ctx, slog.LevelDebug, "monotable attempt", operationAttr(a.Operation),
		slog.Group("attempt", slog.String("request", a.Request), slog.Int("sequence", a.Sequence), slog.Int("number", a.Number)),
		slog.GroupAttrs("result", result...),
	)
}

func levelOf(r OperationResult) slog.Level {
	switch r.Outcome {
	case OutcomeOK, OutcomeNotFound:
		if r.Throttles > 0 {
			return slog.LevelInfo
		}
		return slog.LevelDebug
	case OutcomeThrottled, OutcomeUnprocessed, OutcomeWrongEntity:
		return slog.LevelWarn
	case OutcomeUnknown, OutcomeFailed:
		return slog.LevelError
	}
	return slog.LevelInfo
}

func operationAttr(op OperationInfo) slog.Attr {
	attrs := filled([]slog.Attr{slog.String("name", op.Name)}, "entity", op.Entity)
	return slog.GroupAttrs("operation", filled(filled(attrs, "table", op.Table), "index", op.Index)...)
}

func throttlingAttr(attrs []slog.Attr, reasons []ThrottlingReason) []slog.Attr {
	if len(reasons) == 0 {
		return attrs
	}
	names := make([]string, len(reasons))
	for i, r := range reasons {
		names[i] = r.Reason
	}
	return append(attrs, slog.Any("throttling", names))
}

func filled(attrs []slog.Attr, key, value string) []slog.Attr {
	if value == "" {
		return attrs
	}
	return append(attrs, slog.String(key, value))
}
