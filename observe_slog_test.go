package monotable_test

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

// observedCanary is in every field, key and hidden attribute of what is written.
const observedCanary = "canary-4711"

func TestSlogObserver_LevelsAndGroups(t *testing.T) {
	records := &recordHandler{level: slog.LevelDebug}
	s := openScene(t, func(cfg *monotable.TableConfig, _ *monotable.Client) {
		cfg.Observer = monotable.SlogObserver(slog.New(records))
	})
	records.all = nil
	for name, c := range map[string]struct {
		level slog.Level
		run   func() error
	}{
		"ok":               {slog.LevelDebug, func() error { return second(s.watched.Get(t.Context(), watched{ID: "a"})) }},
		"not_found":        {slog.LevelDebug, func() error { return second(s.watched.Get(t.Context(), watched{ID: "b"})) }},
		"condition_failed": {slog.LevelInfo, func() error { return second(s.simple.Put(t.Context(), simple{Group: "a", ID: "a"}, simpleN.Eq(7))) }},
		"throttled": {slog.LevelWarn, func() error {
			s.faults.Rate("", 1, monotabletest.Throttle("", types.ThrottlingReason{Reason: new("Hot"), Resource: new("arn")}))
			return second(s.watched.Get(t.Context(), watched{ID: "a"}))
		}},
		"unknown": {slog.LevelError, func() error {
			s.faults.Rate("", 1, monotabletest.SendingBroken())
			return second(s.simple.Put(t.Context(), simple{Group: "a", ID: "a"}))
		}},
		"failed": {slog.LevelError, func() error {
			s.faults.Rate("", 1, monotabletest.Refuse(400, "AccessDeniedException"))
			return second(s.watched.Get(t.Context(), watched{ID: "a"}))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			records.all = nil
			s.faults.Reset()
			err := c.run()
			require.NotEmpty(t, records.all)
			last := records.all[len(records.all)-1]
			require.Equal(t, "monotable operation", last.Message)
			require.Equal(t, c.level, last.Level)
			fields := fieldsOf(last)
			require.Equal(t, name, fields["result.outcome"])
			require.Contains(t, fields, "result.duration")
			require.Equal(t, "contract", fields["operation.table"])
			require.NotContains(t, fields, "operation.index")
			if err != nil {
				require.Equal(t, err.Error(), fields["result.error"])
			}
			if name == "throttled" {
				require.Equal(t, "[Hot]", fields["result.throttling"])
				require.Equal(t, "3", fields["result.throttles"])
			}
			first := records.all[0]
			require.Equal(t, "monotable attempt", first.Message)
			require.Equal(t, slog.LevelDebug, first.Level)
			require.Equal(t, "1", fieldsOf(first)["attempt.number"])
			require.Equal(t, fields["operation.name"], fieldsOf(first)["operation.name"])
		})
	}
	records.all, records.level = nil, slog.LevelInfo
	s.faults.Reset()
	require.NoError(t, second(s.watched.Get(t.Context(), watched{ID: "a"})))
	require.Empty(t, records.all)
	s.faults.Script("", monotabletest.Throttle(""))
	require.NoError(t, second(s.watched.Get(t.Context(), watched{ID: "a"})))
	require.Len(t, records.all, 1, "throttled at first")
	require.NotNil(t, monotable.SlogObserver(nil))
}

// Keys and values are in no record, whatever the verb and the outcome.
func TestSlogObserver_NoValues(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	faults := map[string]monotabletest.Fault{
		"none": nil, "throttled": monotabletest.Throttle(""), "broken": monotabletest.SendingBroken(),
		"refused": monotabletest.Refuse(400, "ValidationException"), "lost": monotabletest.ReplyLost(), "garbled": monotabletest.Garbled(),
	}
	for fault, f := range faults {
		for verb, v := range observedVerbs {
			t.Run(fault+"/"+verb, func(t *testing.T) {
				s := openScene(t, func(cfg *monotable.TableConfig, _ *monotable.Client) {
					cfg.Observer = monotable.SlogObserver(slog.New(slog.NewTextHandler(&text, &slog.HandlerOptions{Level: slog.LevelDebug})))
				})
				_, _ = s.watched.Put(t.Context(), watched{ID: observedCanary, Email: observedCanary, Secret: observedCanary})
				_, _ = s.simple.Put(t.Context(), simple{Group: observedCanary, ID: "a"})
				if f != nil {
					s.faults.Rate("", 0.7, f)
				}
				text.Reset()
				_ = v.run(t.Context(), s, observedCanary)
				_ = v.run(t.Context(), s, observedCanary) // met by what the first has written
				require.Contains(t, text.String(), "monotable operation")
				require.NotContains(t, text.String(), observedCanary)
				_ = v.run(t.Context(), s, observedCanary+"#")
				require.NotContains(t, text.String(), observedCanary)
			})
		}
	}
}

// recordHandler collects records.
type recordHandler struct {
	mu    sync.Mutex
	level slog.Level
	all   []slog.Record
}

func (h *recordHandler) Enabled(_ context.Context, l slog.Level) bool {
	return l >= h.level
}

func (h *recordHandler) Handle(_ context.Context, r slog.Record) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = append(h.all, r.Clone())
	return nil
}

func (h *recordHandler) WithAttrs([]slog.Attr) slog.Handler { panic("unused") }

func (h *recordHandler) WithGroup(string) slog.Handler { panic("unused") }

// fieldsOf are the attributes of a record by their path.
func fieldsOf(r slog.Record) map[string]string {
	fields := map[string]string{}
	var add func(prefix string, a slog.Attr)
	add = func(prefix string, a slog.Attr) {
		if a.Value.Kind() != slog.KindGroup {
			fields[prefix+a.Key] = a.Value.String()
			return
		}
		for _, inner := range a.Value.Group() {
			add(prefix+a.Key+".", inner)
		}
	}
	r.Attrs(func(a slog.Attr) bool { add("", a); return true })
	return fields
}
