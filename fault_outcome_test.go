package monotable_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/monotabletest"
)

// The scripts of testdata/faults say what the server answers, one fault to each request of a write, and what the write comes to. All verbs
// meet all scripts, in virtual time and in memory on any backend: a server's own time cannot be virtual.

// subjectID is in every key, and must be in no text.
const subjectID = "canary7f"

// subject is what the scripts write, with a version or without.
type subject struct {
	ID      string   `dynamodbav:"id"`
	N       int      `dynamodbav:"n"`
	M       int      `dynamodbav:"m"`
	Text    string   `dynamodbav:"text"`
	List    []string `dynamodbav:"list"`
	Version int64    `dynamodbav:"version"`
}

var (
	subjectN       = monotable.Field(func(x *subject) *int { return &x.N })
	subjectM       = monotable.Field(func(x *subject) *int { return &x.M })
	subjectText    = monotable.Field(func(x *subject) *string { return &x.Text })
	subjectList    = monotable.Field(func(x *subject) *[]string { return &x.List })
	subjectVersion = monotable.Field(func(x *subject) *int64 { return &x.Version })
	subjectKey     = keyPS("SUBJECT#"+subjectID, "SUBJECT")
)

func subjectSchema(versioned bool) monotable.Schema[subject] {
	s := monotable.Schema[subject]{Name: "Subject", Key: monotable.Key{Partition: "SUBJECT#{id}", Sort: "SUBJECT"}}
	if versioned {
		s.Rules = []monotable.Rule[subject]{monotable.Version(subjectVersion)}
	}
	return s
}

// bench is a table in memory, the entity over a client that meets faults, and the same over the plain one.
type bench struct {
	*store
	engine   *memdb.Engine
	faults   *monotabletest.Faults
	faulty   *dynamodb.Client
	subjects *monotable.Entity[subject]
	other    *monotable.Entity[subject] // another writer's
	sent     *arrivals
}

// arrivals are the times at which requests came.
type arrivals struct {
	next dynamodb.HTTPClient
	mu   sync.Mutex
	at   []time.Time
}

func (a *arrivals) Do(r *http.Request) (*http.Response, error) {
	a.mu.Lock()
	a.at = append(a.at, time.Now())
	a.mu.Unlock()
	return a.next.Do(r)
}

// newBench opens a table in memory. exists stores a subject of version 1.
func newBench(t *testing.T, versioned, exists bool, optFns ...func(*dynamodb.Options)) *bench {
	t.Helper()
	engine := memdb.New(memdb.Options{})
	client := engine.Client()
	cfg := monotable.TableConfig{Name: "faults", PartitionKey: "PK", SortKey: "SK"}
	b := &bench{
		engine: engine, faults: &monotabletest.Faults{}, sent: &arrivals{},
		store: &store{Table: monotabletest.TableOn(t, client, cfg), t: t, client: client, cfg: cfg},
	}
	b.faulty = b.faults.Client(engine.Client(optFns...), func(o *dynamodb.Options) { b.sent.next, o.HTTPClient = o.HTTPClient, b.sent })
	b.subjects = mustEntity(t, b.over(b.faulty), subjectSchema(versioned))
	b.other = mustEntity(t, b.Table, subjectSchema(versioned))
	if exists {
		_, err := b.other.Create(t.Context(), subject{ID: subjectID, Text: "old"})
		require.NoError(t, err)
	}
	return b
}

// subjectNow is what is stored; nil if there is nothing.
func (b *bench) subjectNow() *subject {
	b.t.Helper()
	got, err := b.other.With(monotable.Consistent()).Get(b.t.Context(), subject{ID: subjectID})
	if errors.Is(err, monotable.ErrNotFound) {
		return nil
	}
	require.NoError(b.t, err)
	return &got
}

// writes are the requests of an operation that the faults have met, and when they came.
func (b *bench) writes(operation string) (all []monotabletest.Request, at []time.Time) {
	for i, r := range b.faults.Requests() {
		if r.Operation == operation {
			all, at = append(all, r), append(at, b.sent.at[i])
		}
	}
	return all, at
}

// verb is a write as the scripts see it. It makes n 1, or removes the subject.
type verb struct {
	name      string
	operation string
	exists    bool   // whether the subject must be there before
	removes   bool   // Delete
	versioned string // its class on an entity with version: guarded, free or counting; "" for none
	plain     string // its class on one without
	pins      bool   // tells the version it writes
	call      func(ctx context.Context, e *monotable.Entity[subject], was int64) (any, error)
}

func stored(x subject, err error) (any, error) { return x, err }

func removed(old *subject, err error) (any, error) { return old, err }

const (
	put    = "PutItem"
	update = "UpdateItem"
	del    = "DeleteItem"
)

// verbs are all of them; was is the version that is stored before, and 0 without versions.
var verbs = []verb{
	{"Create", put, false, false, "guarded", "free", true, func(ctx context.Context, e *monotable.Entity[subject], _ int64) (any, error) {
		return stored(e.Create(ctx, subject{ID: subjectID, N: 1}))
	}},
	{"Put over the old", put, true, false, "guarded", "free", true, func(ctx context.Context, e *monotable.Entity[subject], was int64) (any, error) {
		return stored(e.Put(ctx, subject{ID: subjectID, N: 1, Version: was}))
	}},
	{"Put of a new one", put, false, false, "guarded", "free", true, func(ctx context.Context, e *monotable.Entity[subject], _ int64) (any, error) {
		return stored(e.Put(ctx, subject{ID: subjectID, N: 1}))
	}},
	{"Update", update, true, false, "free", "free", false, func(ctx context.Context, e *monotable.Entity[subject], _ int64) (any, error) {
		return stored(e.Update(ctx, subject{ID: subjectID}, subjectN.Set(1)))
	}},
	{"Update of the version in the key", update, true, false, "guarded", "", true, func(ctx context.Context, e *monotable.Entity[subject], was int64) (any, error) {
		return stored(e.Update(ctx, subject{ID: subjectID, Version: was}, subjectN.Set(1)))
	}},
	{"Update on the condition of the version", update, true, false, "guarded", "", false, func(ctx context.Context, e *monotable.Entity[subject], was int64) (any, error) {
		return stored(e.Update(ctx, subject{ID: subjectID}, monotable.Add(subjectN, 1), subjectVersion.Eq(was), subjectText.Eq("old")))
	}},
	{"Update by Add", update, true, false, "counting", "counting", false, func(ctx context.Context, e *monotable.Entity[subject], _ int64) (any, error) {
		return stored(e.Update(ctx, subject{ID: subjectID}, monotable.Add(subjectN, 1)))
	}},
	{"Update by Add under the version", update, true, false, "guarded", "", true, func(ctx context.Context, e *monotable.Entity[subject], was int64) (any, error) {
		return stored(e.Update(ctx, subject{ID: subjectID, Version: was}, monotable.Add(subjectN, 1)))
	}},
	{"Update by Append", update, true, false, "counting", "counting", false, func(ctx context.Context, e *monotable.Entity[subject], _ int64) (any, error) {
		return stored(e.Update(ctx, subject{ID: subjectID}, monotable.Append(subjectList, "x"), subjectN.Set(1)))
	}},
	{"Update by Prepend", update, true, false, "counting", "counting", false, func(ctx context.Context, e *monotable.Entity[subject], _ int64) (any, error) {
		return stored(e.Update(ctx, subject{ID: subjectID}, monotable.Prepend(subjectList, "x"), subjectN.Set(1)))
	}},
	{"Update by SetFrom", update, true, false, "counting", "counting", false, func(ctx context.Context, e *monotable.Entity[subject], _ int64) (any, error) {
		return stored(e.Update(ctx, subject{ID: subjectID}, subjectM.SetFrom(subjectN), subjectN.Set(1)))
	}},
	{"Upsert of an old one", update, true, false, "free", "free", false, func(ctx context.Context, e *monotable.Entity[subject], _ int64) (any, error) {
		return stored(e.Upsert(ctx, subject{ID: subjectID}, subjectN.Set(1)))
	}},
	{"Upsert of an old one by Add", update, true, false, "counting", "counting", false, func(ctx context.Context, e *monotable.Entity[subject], _ int64) (any, error) {
		return stored(e.Upsert(ctx, subject{ID: subjectID}, monotable.Add(subjectN, 1)))
	}},
	{"Upsert of a new one", put, false, false, "guarded", "free", true, func(ctx context.Context, e *monotable.Entity[subject], _ int64) (any, error) {
		return stored(e.Upsert(ctx, subject{ID: subjectID}, monotable.Add(subjectN, 1)))
	}},
	{"Modify", update, true, false, "guarded", "counting", true, func(ctx context.Context, e *monotable.Entity[subject], _ int64) (any, error) {
		return stored(e.Modify(ctx, subject{ID: subjectID}, func(x *subject) error { x.N++; return nil }))
	}},
	{"Delete", del, true, true, "free", "free", false, func(ctx context.Context, e *monotable.Entity[subject], _ int64) (any, error) {
		return removed(e.Delete(ctx, subject{ID: subjectID}))
	}},
	{"Delete of the version", del, true, true, "guarded", "", false, func(ctx context.Context, e *monotable.Entity[subject], was int64) (any, error) {
		return removed(e.Delete(ctx, subject{ID: subjectID, Version: was}))
	}},
	{"Delete on a condition", del, true, true, "free", "free", false, func(ctx context.Context, e *monotable.Entity[subject], _ int64) (any, error) {
		return removed(e.Delete(ctx, subject{ID: subjectID}, subjectText.Eq("old")))
	}},
}

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

// runScripts plays all rows of a fault for all verbs, as the SDK retries by itself.
func runScripts(t *testing.T, fault string, also ...func(t *testing.T, x *trial)) {
	for _, row := range readScripts(t, fault) {
		t.Run(row.Name, func(t *testing.T) {
			eachWrite(t, func(t *testing.T, v verb, versioned, once bool, class string) {
				if outcome, _, _ := row.want(class); outcome == "" {
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
	few := map[string]bool{"Create": true, "Update of the version in the key": true, "Update by Add": true, "Modify": true}
	for _, p := range []struct {
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
			for _, row := range readScripts(t, "") {
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
