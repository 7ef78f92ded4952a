package monotable_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

// TestF008_ContextEndsInFlight: the error is that of the context and ErrOutcomeUnknown. That nothing stays behind is what the bubble makes
// sure of: it does not end before its goroutines.
func TestF008_ContextEndsInFlight(t *testing.T) {
	t.Parallel()
	eachWrite(t, func(t *testing.T, v verb, versioned, once bool, class string) {
		for name, deadline := range map[string]bool{"cancelled": false, "deadline": true} {
			for _, fault := range []struct {
				name    string
				script  []string
				unknown bool
			}{
				{"in flight", []string{"Silent"}, true},
				{"in flight, done", []string{"Done Silent"}, true},
				{"before the second attempt", []string{"500", "..."}, true},
				{"in the second attempt", []string{"503", "Silent"}, true},
				{"while throttled", []string{"Throttle", "..."}, false},
				{"after an answer that is none", []string{"Garbled", "..."}, true},
			} {
				t.Run(name+" "+fault.name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						ctx, cancel := context.WithCancel(t.Context())
						want := context.Canceled
						if deadline {
							cancel()
							ctx, cancel = context.WithTimeout(t.Context(), time.Millisecond)
							want = context.DeadlineExceeded
						} else {
							time.AfterFunc(time.Millisecond, cancel)
						}
						defer cancel()
						b := newBench(t, versioned, v.exists)
						x := &trial{bench: b, verb: v, versioned: versioned, once: once, class: class}
						e, was := b.subjects, int64(0)
						if once {
							e = e.With(monotable.ExactlyOnce())
						}
						if versioned && v.exists {
							was = 1
						}
						if once && v.name == "Upsert of a new one" {
							b.faults.Script(x.op(), nil)
						}
						b.faults.Script(x.op(), faultsOf(t, fault.script)...)
						x.got, x.err = v.call(ctx, e, was)
						// A resend that is due before the context ends may well succeed; an attempt that is not resent is over before.
						if x.err == nil || ctx.Err() == nil {
							x.truthful(t)
							return
						}
						x.truthful(t)
						require.ErrorIs(t, x.err, want)
						require.Equal(t, fault.unknown, errors.Is(x.err, monotable.ErrOutcomeUnknown), "%v", x.err)
						if fault.script[0] == "Throttle" {
							require.ErrorAs(t, x.err, new(*types.ProvisionedThroughputExceededException), "F009: the last attempt's error stays in the chain")
						}
					})
				})
			}
		}
	})
}

// TestF009_TheLastErrorStays when a deadline ends the call.
func TestF009_TheLastErrorStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, true, true)
		b.faults.Rate("", 1, monotabletest.InternalServerError())
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, err := b.subjects.Get(ctx, subject{ID: subjectID})
		requireError(t, err)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorAs(t, err, new(*types.InternalServerError))
		_, err = b.subjects.Update(ctx, subject{ID: subjectID}, subjectN.Set(1))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NotErrorIs(t, err, monotable.ErrOutcomeUnknown, "it was done before")
	})
}

// TestF010_AttemptTimeout: of the table and of the call, and the caller's context bounds the whole.
func TestF010_AttemptTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, true, true)
		b.faults.Rate("", 1, monotabletest.Silent())
		cfg := b.cfg
		cfg.AttemptTimeout = 2 * time.Second
		table, err := monotable.NewTable(b.faulty, cfg)
		require.NoError(t, err)
		e := mustEntity(t, table, subjectSchema(true))
		attempts := func(ctx context.Context, e *monotable.Entity[subject]) (int, time.Duration) {
			before, start := len(b.faults.Requests()), time.Now()
			_, err := e.Update(ctx, subject{ID: subjectID, Version: 1}, subjectN.Set(1))
			requireError(t, err, monotable.ErrOutcomeUnknown)
			return len(b.faults.Requests()) - before, time.Since(start)
		}
		n, took := attempts(t.Context(), e)
		require.Equal(t, 3, n)
		require.InDelta(t, 6*time.Second, took, float64(time.Second))
		n, took = attempts(t.Context(), e.With(monotable.AttemptTimeout(100*time.Millisecond)))
		require.Equal(t, 3, n)
		require.InDelta(t, 300*time.Millisecond, took, float64(200*time.Millisecond))
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		n, took = attempts(ctx, e)
		require.Equal(t, 2, n)
		require.Equal(t, 3*time.Second, took)
		none, stop := context.WithTimeout(t.Context(), time.Hour)
		defer stop()
		n, took = attempts(none, e.With(monotable.AttemptTimeout(-1)))
		require.Equal(t, 1, n, "no bound but the caller's")
		require.Equal(t, time.Hour, took)

		// A read is bounded and sent again too.
		start := time.Now()
		_, err = e.Get(t.Context(), subject{ID: subjectID})
		requireError(t, err)
		require.Less(t, time.Since(start), 15*time.Second)
		require.Greater(t, time.Since(start), 6*time.Second)
	})
}

// TestF015_Reads are tried again, and no value of a broken answer is ever seen.
func TestF015_Reads(t *testing.T) {
	for _, name := range []string{"Truncated", "Garbled", "WrongChecksum", "Empty", "HTML 200", "HTML 403", "HTML 502", "500", "503", "ReplyLost", "Refuse 500 SomethingNewException", "Silent"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, true, true)
				want := *b.subjectNow()
				for _, read := range []func() (subject, error){
					func() (subject, error) { return b.subjects.Get(t.Context(), subject{ID: subjectID}) },
					func() (subject, error) { return b.subjects.Query(subject{ID: subjectID}).First(t.Context()) },
					func() (got subject, err error) {
						err = b.TransactGetBy(b.faulty, b.subjects.GetOp(subject{ID: subjectID}, &got))
						return got, err
					},
				} {
					b.faults.Script("", faultOf(t, name))
					before := len(b.faults.Requests())
					got, err := read()
					require.NoError(t, err)
					require.Equal(t, want, got)
					require.Equal(t, 2, len(b.faults.Requests())-before)

					b.faults.Script("", faultsOf(t, []string{name, "..."})...)
					got, err = read()
					requireError(t, err)
					require.Zero(t, got)
					b.faults.Reset()
				}
			})
		})
	}
}

// TransactGetBy is a TransactGet through another client.
func (b *bench) TransactGetBy(client monotable.Client, ops ...monotable.ReadOp) error {
	return b.over(client).TransactGet(b.t.Context(), ops...)
}

// TestF016_RetryQuotaEmpty: the SDK's own quota ends the retries.
func TestF016_RetryQuotaEmpty(t *testing.T) {
	t.Parallel()
	empty := func(o *dynamodb.Options) {
		o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) { o.RateLimiter = ratelimit.NewTokenRateLimit(1) })
	}
	for _, row := range []struct {
		script                 string
		guarded, counting      string
		guardedDone, countDone int
	}{
		{"Throttle", "throttled", "throttled", 0, 0},
		{"NotSent", "throttled", "throttled", 0, 0},
		{"500", "throttled+unknown", "unknown", 0, 0},
		{"ReplyLost", "throttled+unknown", "unknown", 1, 1},
	} {
		t.Run(row.script, func(t *testing.T) {
			eachWrite(t, func(t *testing.T, v verb, versioned, once bool, class string) {
				synctest.Test(t, func(t *testing.T) {
					x := play(t, faultScript{Script: []string{row.script}}, v, versioned, once, class, empty)
					x.truthful(t)
					want := row.guarded
					if class == "counting" {
						want = row.counting
					}
					require.Equal(t, want, came(x.err), "%v", x.err)
					sends, _, _ := x.sends()
					require.Equal(t, 1, sends)
				})
			})
		})
	}
}

// TestF018_HooksRunOnce for each logical write, however often it is sent.
func TestF018_HooksRunOnce(t *testing.T) {
	type calls struct{ transform, def, derive, check, validate, clock int }
	run := func(t *testing.T, script []string, once bool) (all []calls) {
		b := newBench(t, true, false)
		var n calls
		cfg := b.cfg
		cfg.Clock = func() time.Time { n.clock++; return time.Now() }
		table, err := monotable.NewTable(b.faulty, cfg)
		require.NoError(t, err)
		if once {
			table = table.With(monotable.ExactlyOnce())
		}
		s := subjectSchema(true)
		s.Name = "Hooked"
		s.Rules = append(s.Rules,
			subjectText.Transform(func(s string) string { n.transform++; return s }),
			subjectText.DefaultFunc(func(*subject) string { n.def++; return "made" }),
			subjectM.Derived(func(x *subject) int { n.derive++; return x.N }, subjectN),
			subjectN.Validate(func(int) error { n.check++; return nil }))
		s.Validate = func(*subject) error { n.validate++; return nil }
		e := mustEntity(t, table, s)
		ctx, key := t.Context(), subject{ID: subjectID}
		for i, call := range []func() error{
			func() error { _, err := e.Create(ctx, key); return err },
			func() error { _, err := e.Put(ctx, subject{ID: subjectID, Version: 1}); return err },
			func() error {
				_, err := e.Update(ctx, subject{ID: subjectID, Version: 2}, subjectText.Set("x"), subjectN.Set(3))
				return err
			},
			func() error { _, err := e.Modify(ctx, key, func(x *subject) error { x.N++; return nil }); return err },
			func() error { _, err := e.Upsert(ctx, key, subjectN.Set(9)); return err },
			func() error { _, err := e.Delete(ctx, key); return err },
			func() error { _, err := e.Upsert(ctx, key, subjectN.Set(9)); return err },
		} {
			for _, operation := range []string{"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"} {
				switch { // in the end there is nothing to update, and it is the creation that meets the faults
				case i == 6 && operation == "UpdateItem":
					continue
				case i == 6 && once:
					b.faults.Script(operation, nil)
				}
				b.faults.Script(operation, faultsOf(t, script)...)
			}
			n = calls{}
			require.NoError(t, call())
			all = append(all, n)
			b.faults.Reset()
		}
		return all
	}
	for _, once := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			calm := run(t, nil, once)
			require.Equal(t, 1, calm[0].def)
			require.Positive(t, calm[0].transform)
			require.Positive(t, calm[0].clock)
			for _, script := range [][]string{{"500", "500"}, {"ReplyLost"}, {"Throttle", "Throttle"}, {"Garbled"}, {"TransactionConflict", "TransactionConflict"}} {
				require.Equal(t, calm, run(t, script, once), "%v", script)
			}
		})
	}
}

// TestF019_WrittenAndNotDecoded: the error says so, and is never taken for a failed write.
func TestF019_WrittenAndNotDecoded(t *testing.T) {
	t.Parallel()
	eachWrite(t, func(t *testing.T, v verb, versioned, once bool, _ string) {
		if v.operation == put {
			return // what is stored is what was given
		}
		for _, fault := range []string{"", "ReplyLost"} {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, versioned, v.exists)
				b.write(with(b.storedWhole(subjectKey), rawItem{"m": avS("no number")}))
				e, op, was := b.subjects, v.operation, int64(0)
				if once {
					e, op = e.With(monotable.ExactlyOnce()), "TransactWriteItems"
				}
				if versioned {
					was = 1
				}
				if v.name == "Modify" || v.name == "Update by SetFrom" {
					return // reads it, or mends it
				}
				if fault != "" {
					b.faults.Script(op, faultOf(t, fault))
				}
				_, err := v.call(t.Context(), e, was)
				failed, ok := errors.AsType[*monotable.DecodeError](err)
				if errors.Is(err, monotable.ErrOutcomeUnknown) || v.removes && err == nil && fault != "" && !once {
					return // nothing came back that could be decoded
				}
				require.True(t, ok, "%v", err)
				require.True(t, failed.Written)
				require.Equal(t, avS("no number"), failed.Item["m"])
				requireError(t, err)
				require.NotContains(t, err.Error(), subjectID)
				if v.removes {
					require.Nil(t, b.storedWhole(subjectKey))
				} else {
					require.Equal(t, avN("1"), b.storedWhole(subjectKey)["n"])
				}
			})
		}
	})
}

// TestF020_NoHotLoop: a backoff that says nothing or less still waits, and the context ends it.
func TestF020_NoHotLoop(t *testing.T) {
	for name, ceiling := range map[string]func(int) time.Duration{
		"zero": func(int) time.Duration { return 0 }, "negative": func(int) time.Duration { return -time.Hour }, "none": nil,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, true, true)
				e := b.subjects.With(monotable.Backoff(ceiling), monotable.Attempts(20))
				b.faults.Between(func(r monotabletest.Request) {
					if r.Operation == "GetItem" {
						b.otherUpdates() // always faster
					}
				})
				start := time.Now()
				_, err := e.Modify(t.Context(), subject{ID: subjectID}, func(x *subject) error { x.N++; return nil })
				requireError(t, err, monotable.ErrVersionConflict, monotable.ErrConditionFailed)
				_, at := b.writes("UpdateItem")
				require.Len(t, at, 20)
				gaps := map[time.Duration]bool{}
				for i := 1; i < len(at); i++ {
					require.Positive(t, at[i].Sub(at[i-1]))
					gaps[at[i].Sub(at[i-1])] = true
				}
				require.Greater(t, len(gaps), 15, "jittered")
				require.Less(t, time.Since(start), 20*time.Second)

				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
				defer cancel()
				start = time.Now()
				_, err = e.With(monotable.Attempts(1_000_000)).Modify(ctx, subject{ID: subjectID}, func(x *subject) error { x.N++; return nil })
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.Equal(t, 5*time.Millisecond, time.Since(start))
			})
		})
	}
}
