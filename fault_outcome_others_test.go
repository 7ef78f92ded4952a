package monotable_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
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

// Lost replies while others write, contexts that end, clients of other makes.

// meanwhile lets something happen after a request has met its fault and before the client hears of it.
func meanwhile(fault monotabletest.Fault, others ...func()) monotabletest.Fault {
	return func(r *http.Request, do func(*http.Request) (*http.Response, error)) (*http.Response, error) {
		resp, err := fault(r, do)
		for _, other := range others {
			other()
		}
		return resp, err
	}
}

// What other writers do.
func (b *bench) otherModifies() {
	_, err := b.other.Modify(b.t.Context(), subject{ID: subjectID}, func(x *subject) error { x.M++; return nil })
	require.NoError(b.t, err)
}

func (b *bench) otherUpdates() {
	_, err := b.other.Update(b.t.Context(), subject{ID: subjectID}, monotable.Add(subjectM, 1))
	require.NoError(b.t, err)
}

func (b *bench) otherDeletes() {
	_, err := b.other.Delete(b.t.Context(), subject{ID: subjectID})
	require.NoError(b.t, err)
}

func (b *bench) otherCreates() {
	_, err := b.other.Create(b.t.Context(), subject{ID: subjectID, M: 7})
	require.NoError(b.t, err)
}

func times(n int, f func()) func() {
	return func() {
		for range n {
			f()
		}
	}
}

// verbNamed finds a verb.
func verbNamed(t *testing.T, name string) verb {
	t.Helper()
	for _, v := range verbs {
		if v.name == name {
			return v
		}
	}
	t.Fatal(name)
	return verb{}
}

// TestF001_OthersWroteSince: a write under a version whose reply is lost, or that never arrived, and others write before it is sent again.
// TestF002, F004 and F005 are rows of it.
func TestF001_OthersWroteSince(t *testing.T) {
	t.Parallel()
	type others = func(b *bench) []func()
	var (
		nobody   = func(*bench) []func() { return nil }
		modify   = func(b *bench) []func() { return []func(){b.otherModifies} }
		modify15 = func(b *bench) []func() { return []func(){times(15, b.otherModifies)} }
		modify16 = func(b *bench) []func() { return []func(){times(16, b.otherModifies)} }
		update   = func(b *bench) []func() { return []func(){b.otherUpdates} }
		remove   = func(b *bench) []func() { return []func(){b.otherDeletes} }
		anew     = func(b *bench) []func() { return []func(){b.otherDeletes, b.otherCreates} }
		anewer   = func(b *bench) []func() { return []func(){b.otherDeletes, b.otherCreates, b.otherUpdates} }
		create   = func(b *bench) []func() { return []func(){b.otherCreates} }
		grown    = func(b *bench) []func() { return []func(){b.otherCreates, b.otherUpdates} }
	)
	versionConflict := []error{monotable.ErrVersionConflict, monotable.ErrConditionFailed}
	exists := []error{monotable.ErrAlreadyExists, monotable.ErrConditionFailed}
	unknown := []error{monotable.ErrOutcomeUnknown}
	lost, failed, throttled := monotabletest.ReplyLost, monotabletest.InternalServerError, func() monotabletest.Fault { return monotabletest.Throttle("") }
	for _, row := range []struct {
		fault, name string
		verbs       []string
		first       func() monotabletest.Fault
		others      others
		want        []error // none for success
		once        []error // the same under ExactlyOnce
		ambiguous   bool    // ConditionError says that the write may have been there
	}{
		{"F001", "written, another by Modify", []string{"Put over the old", "Update of the version in the key", "Update by Add under the version", "Modify"}, lost, modify, nil, nil, false},
		{"F001", "written, fifteen others by Modify", []string{"Put over the old", "Update of the version in the key", "Modify"}, lost, modify15, nil, nil, false},
		{"F001", "created, another by Modify", []string{"Create", "Put of a new one", "Upsert of a new one"}, lost, modify, nil, nil, false},
		{"F001", "throttled, another by Modify", []string{"Put over the old", "Update of the version in the key", "Update by Add under the version"}, throttled, modify, versionConflict, versionConflict, false},
		{"F001", "throttled, another by Update", []string{"Put over the old", "Update of the version in the key"}, throttled, update, versionConflict, versionConflict, false},
		{"F001", "not written, fifteen others by Modify", []string{"Modify"}, failed, modify15, nil, nil, false},
		{"F002", "written, sixteen others by Modify", []string{"Put over the old", "Update of the version in the key", "Modify"}, lost, modify16, unknown, nil, false},
		{"F002", "written, another by Update", []string{"Put over the old", "Update of the version in the key", "Update by Add under the version", "Modify"}, lost, update, unknown, nil, false},
		{"F002", "written, deleted", []string{"Put over the old"}, lost, remove, unknown, nil, false},
		{"F002", "written, made anew", []string{"Modify"}, lost, anew, unknown, nil, false},
		{"F002", "written, made anew and changed", []string{"Put over the old", "Update of the version in the key", "Modify"}, lost, anewer, unknown, nil, false},
		{"F002", "not written, another by Modify, who was before it unknown", []string{"Put over the old", "Update of the version in the key"}, failed, modify, unknown, versionConflict, false},
		{"F002", "not written, another by Update", []string{"Put over the old", "Update of the version in the key"}, failed, update, unknown, versionConflict, false},
		{"F002", "not written, sixteen others by Modify", []string{"Update of the version in the key"}, failed, modify16, unknown, versionConflict, false},
		{"F004", "created, made anew by another", []string{"Create", "Put of a new one"}, lost, anew, nil, nil, true},
		{"F004", "not created, created by another", []string{"Create", "Put of a new one"}, failed, create, exists, exists, true},
		{"F004", "not created, created and changed by others", []string{"Create", "Put of a new one"}, failed, grown, unknown, exists, false},
		{"F004", "created, another by Update", []string{"Create", "Put of a new one"}, lost, update, unknown, nil, false},
		{"F004", "throttled, created by another", []string{"Create"}, throttled, create, exists, exists, false},
		{"F005", "deleted", []string{"Delete of the version"}, lost, nobody, nil, nil, false},
		{"F005", "deleted by another", []string{"Delete of the version"}, failed, remove, nil, nil, false},
		{"F005", "deleted, made anew and changed", []string{"Delete of the version", "Delete on a condition"}, lost, grown, unknown, nil, false},
		{"F005", "not deleted, another by Modify", []string{"Delete of the version"}, failed, modify, unknown, versionConflict, false},
		{"F005", "throttled, another by Modify", []string{"Delete of the version"}, throttled, modify, versionConflict, versionConflict, false},
		{"F005", "throttled, deleted by another", []string{"Delete on a condition"}, throttled, remove, []error{monotable.ErrNotFound, monotable.ErrConditionFailed}, nil, false},
	} {
		for _, name := range row.verbs {
			v := verbNamed(t, name)
			for _, once := range []bool{false, true} {
				if once && row.once == nil && row.first() != nil && row.fault == "F005" {
					continue // read beforehand, so it has its own test
				}
				t.Run(row.fault+" "+row.name+"/"+name+map[bool]string{true: ", exactly once"}[once], func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						b := newBench(t, true, v.exists)
						e, want, op := b.subjects, row.want, v.operation
						if once {
							e, want, op = e.With(monotable.ExactlyOnce()), row.once, "TransactWriteItems"
							if name == "Upsert of a new one" {
								b.faults.Script(op, nil)
							}
						}
						if row.fault == "F004" && row.ambiguous && row.want == nil && !once {
							want = exists
						}
						if want != nil && errors.Is(want[0], monotable.ErrAlreadyExists) && name == "Put of a new one" {
							want = append([]error{monotable.ErrVersionConflict}, want...)
						}
						b.faults.Script(op, meanwhile(row.first(), row.others(b)...))
						was := int64(0)
						if v.exists {
							was = 1
						}
						got, err := v.call(t.Context(), e, was)
						if want == nil {
							require.NoError(t, err)
							if old, ok := got.(*subject); ok && !once {
								require.Nil(t, old)
							}
							return
						}
						requireError(t, err, want...)
						if condition, ok := errors.AsType[*monotable.ConditionError](err); ok {
							require.Equal(t, row.ambiguous || once && row.fault == "F004" && !strings.HasPrefix(row.name, "throttled"), condition.Ambiguous)
						}
					})
				})
			}
		}
	}
}

// TestF002_ModifyStops when it cannot tell whether its change was written, instead of making it again.
func TestF002_ModifyStops(t *testing.T) {
	for _, row := range []struct {
		name   string
		fault  monotabletest.Fault
		other  func(b *bench)
		calls  int
		n      int
		unsure bool
	}{
		{"written, another by Update", monotabletest.ReplyLost(), (*bench).otherUpdates, 1, 1, true},
		{"not written, another by Update", monotabletest.InternalServerError(), (*bench).otherUpdates, 1, 0, true},
		{"written, another by Modify", monotabletest.ReplyLost(), (*bench).otherModifies, 1, 1, false},
		{"not written, another by Modify", monotabletest.InternalServerError(), (*bench).otherModifies, 2, 1, false},
		{"throttled, another by Update", monotabletest.Throttle(""), (*bench).otherUpdates, 2, 1, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, true, true)
				b.faults.Script("UpdateItem", meanwhile(row.fault, func() { row.other(b) }))
				calls := 0
				_, err := b.subjects.Modify(t.Context(), subject{ID: subjectID}, func(x *subject) error { calls++; x.N++; return nil })
				if row.unsure {
					requireError(t, err, monotable.ErrOutcomeUnknown)
				} else {
					require.NoError(t, err)
				}
				require.Equal(t, row.calls, calls)
				require.Equal(t, row.n, b.subjectNow().N)
				require.Equal(t, 1, b.subjectNow().M)
			})
		})
	}
}

// TestF004_WithoutVersion: a creation is recognised by the whole item, and what differs in anything is not it.
func TestF004_WithoutVersion(t *testing.T) {
	for _, row := range []struct {
		name  string
		fault monotabletest.Fault
		other func(b *bench)
		want  []error
	}{
		{"written", monotabletest.ReplyLost(), nil, nil},
		{"written, changed", monotabletest.ReplyLost(), (*bench).otherUpdates, []error{monotable.ErrOutcomeUnknown}},
		{"not written, another's", monotabletest.InternalServerError(), (*bench).otherCreates, []error{monotable.ErrOutcomeUnknown}},
		{"throttled, another's", monotabletest.Throttle(""), (*bench).otherCreates, []error{monotable.ErrAlreadyExists, monotable.ErrConditionFailed}},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, false, false)
				b.faults.Script("PutItem", meanwhile(row.fault, func() {
					if row.other != nil {
						row.other(b)
					}
				}))
				_, err := b.subjects.Create(t.Context(), subject{ID: subjectID, N: 1})
				if row.want == nil {
					require.NoError(t, err)
				} else {
					requireError(t, err, row.want...)
				}
			})
		})
	}
	// An existing item is no own write only because it is the same: nothing was sent before.
	b := newBench(t, false, false)
	_, err := b.subjects.Create(t.Context(), subject{ID: subjectID, N: 1})
	require.NoError(t, err)
	_, err = b.subjects.Create(t.Context(), subject{ID: subjectID, N: 1})
	requireError(t, err, monotable.ErrAlreadyExists, monotable.ErrConditionFailed)
}

// TestF006_AConditionThatTheChangeEnds: without a version nothing tells an own change from another's.
func TestF006_AConditionThatTheChangeEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, false, true)
		b.faults.Script("UpdateItem", monotabletest.ReplyLost())
		_, err := b.subjects.Update(t.Context(), subject{ID: subjectID}, subjectText.Set("new"), subjectText.Eq("old"))
		requireError(t, err, monotable.ErrOutcomeUnknown)
		_, err = b.subjects.Update(t.Context(), subject{ID: subjectID}, subjectText.Set("newer"), subjectText.Eq("old"))
		requireError(t, err, monotable.ErrConditionFailed)
	})
}

// TestF007_OldImageWithheld: after a lost reply what DeleteItem returns may be another's, stored since.
func TestF007_OldImageWithheld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, versioned := range []bool{true, false} {
			b := newBench(t, versioned, true)
			b.faults.Script("DeleteItem", meanwhile(monotabletest.ReplyLost(), b.otherCreates))
			old, err := b.subjects.Delete(t.Context(), subject{ID: subjectID})
			require.NoError(t, err)
			require.Nil(t, old, "that one is another's")

			b.otherCreates()
			b.faults.Script("DeleteItem", monotabletest.Throttle(""))
			old, err = b.subjects.Delete(t.Context(), subject{ID: subjectID})
			require.NoError(t, err)
			require.Equal(t, 7, old.M)

			b.otherCreates()
			b.faults.Script("TransactWriteItems", meanwhile(monotabletest.ReplyLost(), b.otherCreates))
			old, err = b.subjects.With(monotable.ExactlyOnce()).Delete(t.Context(), subject{ID: subjectID})
			require.NoError(t, err)
			require.Equal(t, 7, old.M, "what was read, and a condition of the transaction")
			require.NotNil(t, b.subjectNow(), "the other's stays")
		}
	})
}

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
