package monotable_test

import (
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/monotabletest"
)

// faultScript is a row of testdata/faults.
type faultScript struct {
	Fault    string   // its number
	Name     string   // what happens
	Script   []string // the faults, one to a request; "..." repeats the one before
	AtLeast  string   // what the call takes
	AtMost   string
	Guarded  string // what a write under a version comes to: its outcome, how often it is sent, and applied if that is certain
	Free     string // one that changes nothing the second time
	Counting string // one that would count twice
	Token    string // any of them under ExactlyOnce
}

func readScripts(t *testing.T, fault string) (rows []faultScript) {
	t.Helper()
	text, err := os.ReadFile("testdata/faults/outcomes.json")
	require.NoError(t, err)
	var all []faultScript
	require.NoError(t, json.Unmarshal(text, &all))
	for _, row := range all {
		if fault == "" || row.Fault == fault {
			rows = append(rows, row)
		}
	}
	require.NotEmpty(t, rows)
	return rows
}

// faultOf makes the fault that a script names.
func faultOf(t *testing.T, name string) monotabletest.Fault {
	t.Helper()
	kind, rest, _ := strings.Cut(name, " ")
	first, second, _ := strings.Cut(rest, " ")
	status, _ := strconv.Atoi(first)
	switch kind {
	case "Done":
		return monotabletest.AfterApplying(faultOf(t, rest))
	case "ReplyLost":
		return monotabletest.ReplyLost()
	case "SendingBroken":
		return monotabletest.SendingBroken()
	case "NotSent":
		return monotabletest.NotSent()
	case "500":
		return monotabletest.InternalServerError()
	case "503":
		return monotabletest.Unavailable()
	case "Silent":
		return monotabletest.Silent()
	case "Slow":
		return monotabletest.Slow(9 * time.Second)
	case "Throttle":
		return monotabletest.Throttle(memdb.ThrottlingKind(rest), throttlingReason)
	case "TransactionConflict":
		return monotabletest.TransactionConflict()
	case "TransactionInProgress":
		return monotabletest.TransactionInProgress()
	case "ReplicatedWriteConflict":
		return monotabletest.ReplicatedWriteConflict()
	case "Truncated":
		return monotabletest.Truncated(1)
	case "Garbled":
		return monotabletest.Garbled()
	case "WrongChecksum":
		return monotabletest.WrongChecksum()
	case "Empty":
		return monotabletest.Empty()
	case "HTML":
		return monotabletest.HTML(status)
	case "Refuse":
		return monotabletest.Refuse(status, second)
	case "ClockSkew":
		return monotabletest.ClockSkew(20*time.Minute, "")
	case "ExpiredToken":
		return monotabletest.ExpiredToken()
	}
	t.Fatalf("no fault is called %q", name)
	return nil
}

var throttlingReason = types.ThrottlingReason{
	Reason: aws.String("TableWriteKeyRangeThroughputExceeded"), Resource: aws.String("arn:aws:dynamodb:us-east-1:1:table/faults"),
}

// faultsOf are the faults of a script. One that goes on for ever is given a hundred times.
func faultsOf(t *testing.T, script []string) (all []monotabletest.Fault) {
	t.Helper()
	for i, name := range script {
		if name != "..." {
			all = append(all, faultOf(t, name))
			continue
		}
		for range 100 {
			all = append(all, faultOf(t, script[i-1]))
		}
	}
	return all
}

// came is what a write came to, as scripts write it.
func came(err error) string {
	unknown, throttled := errors.Is(err, monotable.ErrOutcomeUnknown), errors.Is(err, monotable.ErrThrottled)
	switch {
	case err == nil:
		return "ok"
	case unknown && throttled:
		return "throttled+unknown"
	case unknown:
		return "unknown"
	case throttled:
		return "throttled"
	case errors.Is(err, monotable.ErrConditionFailed):
		return "conflict"
	}
	return "failed"
}

// eachWrite calls f for all verbs, with a version and without, alone and as transactions; class names the script's column.
func eachWrite(t *testing.T, f func(t *testing.T, v verb, versioned, once bool, class string)) {
	for _, v := range verbs {
		for _, versioned := range []bool{true, false} {
			class := v.plain
			if versioned {
				class = v.versioned
			}
			if class == "" {
				continue
			}
			for _, once := range []bool{false, true} {
				name := v.name
				if versioned {
					name += ", with version"
				}
				if once {
					name += ", exactly once"
				}
				t.Run(name, func(t *testing.T) { f(t, v, versioned, once, map[bool]string{false: class, true: "token"}[once]) })
			}
		}
	}
}

// trial is one verb meeting one script.
type trial struct {
	*bench
	verb
	versioned, once bool
	class           string
	row             faultScript
	got             any
	err             error
	took            time.Duration
}

func (x *trial) op() string {
	if x.once {
		return "TransactWriteItems"
	}
	return x.operation
}

// want is the script's cell for the class: outcome, requests and applications, the latter two "" if they may vary.
func (r faultScript) want(class string) (outcome, requests, applied string) {
	cell := map[string]string{"guarded": r.Guarded, "free": r.Free, "counting": r.Counting, "token": r.Token}[class]
	parts := append(strings.Fields(cell), "", "", "")
	return parts[0], parts[1], parts[2]
}

// play lets a verb meet a script.
func play(t *testing.T, row faultScript, v verb, versioned, once bool, class string, optFns ...func(*dynamodb.Options)) *trial {
	t.Helper()
	x := &trial{bench: newBench(t, versioned, v.exists, optFns...), verb: v, versioned: versioned, once: once, class: class, row: row}
	e := x.subjects
	if once {
		e = e.With(monotable.ExactlyOnce())
	}
	var was int64
	if versioned && v.exists {
		was = 1
	}
	operation := x.op()
	if once && v.name == "Upsert of a new one" {
		x.faults.Script(operation, nil) // the updating leg
	}
	x.faults.Script(operation, faultsOf(t, row.Script)...)
	start := time.Now()
	x.got, x.err = v.call(t.Context(), e, was)
	x.took = time.Since(start)
	return x
}

// sends counts the requests of the write itself.
func (x *trial) sends() (int, []monotabletest.Request, []time.Time) {
	all, at := x.writes(x.op())
	if x.once && x.name == "Upsert of a new one" {
		all, at = all[1:], at[1:]
	}
	return len(all), all, at
}

// applications is how often the write has taken effect, as far as what is stored tells.
func (x *trial) applications(t *testing.T) int {
	now := x.subjectNow()
	if x.removes {
		return map[bool]int{true: 1}[now == nil]
	}
	if now == nil {
		return 0
	}
	if x.class != "free" {
		assert.LessOrEqual(t, len(now.List), 1)
		if x.versioned {
			first := int64(0)
			if x.exists {
				first = 1
			}
			assert.Equal(t, first+int64(now.N), now.Version, "every application counts the version up")
		}
	}
	return now.N
}

// truthful checks what must hold whatever happens: what the caller is told agrees with what is stored.
func (x *trial) truthful(t *testing.T) {
	t.Helper()
	applied := x.applications(t)
	require.LessOrEqual(t, applied, 1, "applied twice")
	outcome := came(x.err)
	switch outcome {
	case "ok":
		require.Equal(t, 1, applied, "acknowledged, and not stored")
		if got, ok := x.got.(subject); ok {
			require.Equal(t, *x.subjectNow(), got, "what is returned is what is stored")
		}
		return
	case "unknown", "throttled+unknown":
		x.checkUnknown(t, applied == 1)
	default:
		require.Zero(t, applied, "said to be not written, and stored: %v", x.err)
		_, ok := errors.AsType[*monotable.OutcomeError](x.err)
		require.False(t, ok)
	}
	op, ok := errors.AsType[*monotable.OpError](x.err)
	require.True(t, ok)
	require.Equal(t, "Subject", op.Entity)
	require.NotContains(t, x.err.Error(), subjectID)
	require.NotErrorIs(t, x.err, monotable.ErrInvalid)
	switch got := x.got.(type) {
	case subject:
		require.Zero(t, got, "nothing is returned beside an error")
	case *subject:
		require.Nil(t, got)
	}
}

// checkUnknown: the error has all that is needed to find out, and its text nothing of it.
func (x *trial) checkUnknown(t *testing.T, applied bool) {
	t.Helper()
	unknown, ok := errors.AsType[*monotable.OutcomeError](x.err)
	require.True(t, ok)
	require.Len(t, unknown.Writes, 1)
	w := unknown.Writes[0]
	require.Equal(t, subjectKey, w.Key)
	require.Equal(t, "Subject", w.Entity)
	require.Zero(t, w.Index)
	require.Equal(t, x.once, unknown.Token != "")
	require.NotErrorIs(t, x.err, monotable.ErrConditionFailed)
	if !x.versioned || x.removes {
		require.Empty(t, w.WriteID)
		require.Zero(t, w.Version)
		return
	}
	require.NotEmpty(t, w.WriteID)
	require.NotContains(t, x.err.Error(), w.WriteID)
	if x.pins {
		first := uint64(1)
		if x.exists {
			first = 2
		}
		require.Equal(t, first, w.Version)
	}
	if now := x.storedWhole(subjectKey); now != nil {
		ids := strings.Fields(now["_w"].(*types.AttributeValueMemberS).Value)
		require.Equal(t, applied, ids[0] == w.WriteID, "the write id tells")
	}
}

// count checks a number against a cell: "3", or "3+" for at least.
func count(t *testing.T, want string, got int, what string) {
	t.Helper()
	least, more := strings.CutSuffix(want, "+")
	n, err := strconv.Atoi(least)
	require.NoError(t, err)
	if more {
		require.GreaterOrEqual(t, got, n, what)
	} else {
		require.Equal(t, n, got, what)
	}
}

// follows checks a trial against its row.
func (x *trial) follows(t *testing.T) {
	t.Helper()
	outcome, requests, applied := x.row.want(x.class)
	require.Equal(t, outcome, came(x.err), "%v", x.err)
	sends, all, at := x.sends()
	count(t, requests, sends, "requests")
	for _, r := range all {
		switch {
		case !x.once:
			require.JSONEq(t, string(all[0].Body), string(r.Body), "built once")
		case x.row.Script[0] != "TransactionConflict":
			require.Equal(t, string(all[0].Body), string(r.Body), "the same bytes under one token")
		}
	}
	if applied != "" {
		count(t, applied, x.applications(t), "applications")
	}
	for i := 1; i < len(at); i++ {
		require.Positive(t, at[i].Sub(at[i-1]), "a hot loop")
	}
	if x.row.AtLeast != "" {
		require.GreaterOrEqual(t, x.took, duration(t, x.row.AtLeast))
	}
	most := time.Minute
	if x.row.AtMost != "" {
		most = duration(t, x.row.AtMost)
	}
	require.LessOrEqual(t, x.took, most)
	if x.removes && outcome == "ok" && x.class != "token" {
		old := x.got.(*subject)
		require.Equal(t, x.ambiguous(), old == nil, "the old item is given only if it is surely that")
	}
}

// ambiguous says that an attempt before the last may have been applied.
func (x *trial) ambiguous() bool {
	for _, name := range x.row.Script {
		for _, definite := range []string{"Throttle", "NotSent", "TransactionConflict", "ReplicatedWriteConflict", "ClockSkew", "Done Slow"} {
			if strings.HasPrefix(name, definite) {
				name = ""
			}
		}
		if name != "" {
			return true
		}
	}
	return false
}

func duration(t *testing.T, text string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(text)
	require.NoError(t, err)
	return d
}

// runScripts plays all rows of a fault for all verbs, as the SDK retries by itself. Beside a server, which is not asked, each row
// meets every other verb.
func runScripts(t *testing.T, fault string, also ...func(t *testing.T, x *trial)) {
	server := monotabletest.Endpoint(t) != ""
	for i, row := range readScripts(t, fault) {
		t.Run(row.Name, func(t *testing.T) {
			eachWrite(t, func(t *testing.T, v verb, versioned, once bool, class string) {
				if outcome, _, _ := row.want(class); outcome == "" {
					return
				}
				if at := slices.IndexFunc(verbs, func(other verb) bool { return other.name == v.name }); server && (i+at)%2 != 0 {
					return
				}
				synctest.Test(t, func(t *testing.T) {
					x := play(t, row, v, versioned, once, class)
					x.truthful(t)
					x.follows(t)
					for _, check := range also {
						check(t, x)
					}
				})
			})
		})
	}
}
