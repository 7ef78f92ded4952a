package monotable_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

// The scripts of testdata/faults say what the server answers, one fault to each request of a write, and what the write comes to. All verbs
// meet all scripts, in virtual time and in memory on any backend: a server's own time cannot be virtual.

// TestF001_LostReply: the own write is recognised, and what cannot be told is unknown.
func TestF001_LostReply(t *testing.T) {
	t.Parallel()
	runScripts(t, "F001", func(t *testing.T, x *trial) {
		_, _, at := x.sends()
		if x.class != "guarded" || x.row.Script[0] == "Throttle" || len(at) < 2 {
			return
		}
		require.LessOrEqual(t, at[1].Sub(at[0]), 25*time.Millisecond, "soon, while the mark is surely there")
	})
}

// TestF003_EveryReplyLost: the outcome is unknown, and the error tells what to look for.
func TestF003_EveryReplyLost(t *testing.T) {
	t.Parallel()
	runScripts(t, "F003")
}

// TestF006_NotResent: what would count twice is sent again only if it was surely not sent, or under ExactlyOnce.
func TestF006_NotResent(t *testing.T) {
	t.Parallel()
	runScripts(t, "F006")
}

// TestF010_SilentServer: an attempt that takes too long is a lost reply.
func TestF010_SilentServer(t *testing.T) {
	t.Parallel()
	runScripts(t, "F010")
}

// TestF011_Throttling in all its shapes: ErrThrottled with the reasons.
func TestF011_Throttling(t *testing.T) {
	t.Parallel()
	runScripts(t, "F011", func(t *testing.T, x *trial) {
		throttled, ok := errors.AsType[*monotable.ThrottledError](x.err)
		require.Equal(t, strings.Contains(came(x.err), "throttled"), ok)
		if ok {
			require.Equal(t, []monotable.ThrottlingReason{{Reason: *throttlingReason.Reason, Resource: *throttlingReason.Resource}}, throttled.Reasons)
			_, ok := errors.AsType[smithy.APIError](x.err)
			require.True(t, ok, "the SDK's error can be reached")
		}
	})
}

// TestF013_Conflicts with transactions and other regions are tried again with growing pauses.
func TestF013_Conflicts(t *testing.T) {
	t.Parallel()
	runScripts(t, "F013")
}

// TestF014_InProgress: with the same bytes each time.
func TestF014_InProgress(t *testing.T) {
	t.Parallel()
	runScripts(t, "F014", func(t *testing.T, x *trial) {
		_, all, _ := x.sends()
		for _, r := range all {
			require.Equal(t, string(all[0].Body), string(r.Body))
		}
	})
}

// TestF015_AnswersThatAreNone: broken off, garbled, of a proxy, empty or unknown. Nothing of them is used.
func TestF015_AnswersThatAreNone(t *testing.T) {
	t.Parallel()
	runScripts(t, "F015")
}

// TestF017_ClockAndCredentials: a clock that is off is corrected, credentials that are over end the call.
func TestF017_ClockAndCredentials(t *testing.T) {
	t.Parallel()
	runScripts(t, "F017")
}

// TestF012_AnyRetryPolicy: whatever the client's policy is, nothing is applied twice and nothing said that is not so; a policy that tries
// at least as often as the SDK's own comes to the same outcomes.
func TestF012_AnyRetryPolicy(t *testing.T) {
	policy := func(r func() aws.Retryer) []func(*dynamodb.Options) {
		return []func(*dynamodb.Options){func(o *dynamodb.Options) { o.Retryer = r() }}
	}
	server := monotabletest.Endpoint(t) != "" // which is not asked: every third script for each policy, and each for some
	few := map[string]bool{"Create": true, "Update of the version in the key": true, "Update by Add": true, "Modify": true}
	for i, p := range []struct {
		name  string
		env   string
		fns   []func(*dynamodb.Options)
		weak  bool // gives up sooner
		again bool // tries for ever, so that scripts that never end are left out
	}{
		{name: "the SDK's next", env: "true"},
		{name: "ten times and quickly", fns: policy(func() aws.Retryer { return quickly() })},
		{name: "never", fns: policy(func() aws.Retryer { return aws.NopRetryer{} }), weak: true},
		{name: "twice", fns: []func(*dynamodb.Options){func(o *dynamodb.Options) { o.RetryMaxAttempts = 2 }}, weak: true},
		{name: "for ever, where the script ends", fns: policy(func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = time.Second })
		}), again: true},
	} {
		t.Run(p.name, func(t *testing.T) {
			if p.env != "" {
				t.Setenv("AWS_NEW_RETRIES_2026", p.env)
			}
			for j, row := range readScripts(t, "") {
				if server && (i+j)%3 != 0 {
					continue
				}
				endless := row.Script[len(row.Script)-1] == "..."
				eachWrite(t, func(t *testing.T, v verb, versioned, once bool, class string) {
					outcome, _, _ := row.want(class)
					if outcome == "" || !few[v.name] {
						return
					}
					fns := p.fns
					if p.again {
						fns = append(fns[:1:1], func(o *dynamodb.Options) { o.Retryer = retry.AddWithMaxAttempts(o.Retryer, 0) })
					}
					if endless && !p.weak {
						return
					}
					synctest.Test(t, func(t *testing.T) {
						x := play(t, row, v, versioned, once, class, fns...)
						x.truthful(t)
						if !p.weak {
							require.Equal(t, outcome, came(x.err), "%s: %v", row.Name, x.err)
						}
					})
				})
			}
		})
	}
}

// attemptTokens counts what the SDK asks of a retryer of the second kind.
type attemptTokens struct {
	aws.RetryerV2
	asked int
}

// GetAttemptToken counts.
func (r *attemptTokens) GetAttemptToken(ctx context.Context) (func(error) error, error) {
	r.asked++
	return r.RetryerV2.GetAttemptToken(ctx)
}

// TestF012_AttemptTokens: a retryer that limits the rate of attempts is asked for each. The adaptive one is such; itself it cannot be tested here, for it
// measures time by floats and spins where time stands still.
func TestF012_AttemptTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tokens := &attemptTokens{RetryerV2: retry.NewStandard()}
		b := newBench(t, true, true, func(o *dynamodb.Options) { o.Retryer = tokens })
		b.faults.Script("UpdateItem", monotabletest.Throttle(""))
		_, err := b.subjects.Update(t.Context(), subject{ID: subjectID}, subjectN.Set(1))
		require.NoError(t, err)
		require.Equal(t, 2, tokens.asked)
	})
}
