package monotable_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

// SECURITY.md says that hidden values are in no error, log, record of an observer, plan or cursor. So every kind of hidden attribute
// holds a canary here, every verb runs in every weather, and all that comes out is searched for it.

// strongbox hides what it holds: in a key of an index, unique, nested, and in every kind of value.
type strongbox struct {
	ID      string            `dynamodbav:"boxId"`
	Name    string            `dynamodbav:"name"`
	Code    string            `dynamodbav:"code,omitempty"`
	Pin     *int64            `dynamodbav:"pin"`
	Opened  *time.Time        `dynamodbav:"opened"`
	Seal    *seal             `dynamodbav:"seal"`
	Marks   []string          `dynamodbav:"marks,stringset"`
	Blob    []byte            `dynamodbav:"blob"`
	Labels  map[string]string `dynamodbav:"labels"`
	Inner   strongboxInner    `dynamodbav:"inner"`
	Version int               `dynamodbav:"version"`
}

type strongboxInner struct {
	Open  string   `dynamodbav:"open"`
	Words []string `dynamodbav:"words"`
}

// strongboxPart is a part of a strongbox.
type strongboxPart struct {
	Code  string         `dynamodbav:"code"`
	Inner strongboxInner `dynamodbav:"inner"`
}

// seal quotes what it cannot read.
type seal struct{ text string }

func (s seal) MarshalDynamoDBAttributeValue() (types.AttributeValue, error) {
	if s.text == badCanary {
		return nil, errors.New("no seal: " + s.text)
	}
	return avS(s.text), nil
}

func (s *seal) UnmarshalDynamoDBAttributeValue(av types.AttributeValue) error {
	if s.text = text(av); s.text == "" || s.text == badCanary {
		return fmt.Errorf("no seal: %v %s", av, s.text)
	}
	return nil
}

const (
	hiddenCanary = "cAnArY"
	badCanary    = "bad-cAnArY"
	pinCanary    = 870_870_870_871
)

var (
	strongboxName   = monotable.Field(func(b *strongbox) *string { return &b.Name })
	strongboxCode   = monotable.Field(func(b *strongbox) *string { return &b.Code })
	strongboxPin    = monotable.Field(func(b *strongbox) **int64 { return &b.Pin })
	strongboxOpened = monotable.Field(func(b *strongbox) **time.Time { return &b.Opened })
	strongboxSeal   = monotable.Field(func(b *strongbox) **seal { return &b.Seal })
	strongboxMarks  = monotable.Field(func(b *strongbox) *[]string { return &b.Marks })
	strongboxBlob   = monotable.Field(func(b *strongbox) *[]byte { return &b.Blob })
	strongboxLabels = monotable.Field(func(b *strongbox) *map[string]string { return &b.Labels })
	strongboxWords  = monotable.Field(func(b *strongbox) *[]string { return &b.Inner.Words })
	strongboxVer    = monotable.Field(func(b *strongbox) *int { return &b.Version })
)

func strongboxSchema() monotable.Schema[strongbox] {
	quoting := func(s string) error {
		if s == badCanary {
			return fmt.Errorf("%s is bad", s)
		}
		return nil
	}
	return monotable.Schema[strongbox]{
		Name: "Strongbox", Key: monotable.Key{Partition: "BOX#{boxId}", Sort: "BOX"},
		Indexes: map[string]monotable.Key{"byCode": {Partition: "BOXES", Sort: "CODE#{code}"}, "byName": {Partition: "NAMES", Sort: "NAME#{name}"}},
		Rules: []monotable.Rule[strongbox]{
			strongboxCode.Hidden().Validate(quoting).Unique(), strongboxPin.Hidden(), strongboxOpened.Hidden(), strongboxSeal.Hidden(),
			strongboxMarks.Hidden(), strongboxBlob.Hidden(), strongboxLabels.Hidden(), strongboxWords.Hidden(), monotable.Version(strongboxVer),
		},
		Upgrades: []monotable.Upgrade{func(item map[string]types.AttributeValue) error {
			if text(item["code"]) == badCanary {
				return errors.New("cannot upgrade " + badCanary)
			}
			return nil
		}},
	}
}

// fullStrongbox has a canary wherever something is hidden; its code is its own.
func fullStrongbox(id string) strongbox {
	return strongbox{
		ID: id, Name: "n" + id, Code: hiddenCanary + id, Pin: new(int64(pinCanary)), Opened: new(noon), Seal: &seal{hiddenCanary}, Marks: []string{hiddenCanary},
		Blob: []byte(hiddenCanary), Labels: map[string]string{hiddenCanary: hiddenCanary}, Inner: strongboxInner{Open: "o", Words: []string{hiddenCanary}},
	}
}

// canaries searches what is written to it.
type canaries struct {
	t    *testing.T
	logs lockedText
	seen int
}

// lockedText is what loggers and observers write, from several goroutines.
type lockedText struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lockedText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// look fails if a canary is in a text: as it is, as a number, or in an encoding that hides it from the eye alone.
func (c *canaries) look(what, text string) {
	c.t.Helper()
	c.seen++
	for _, canary := range []string{
		hiddenCanary, fmt.Sprint(pinCanary), fmt.Sprintf("%x", hiddenCanary), fmt.Sprintf("%X", hiddenCanary), base64.StdEncoding.EncodeToString([]byte(hiddenCanary)),
		fmt.Sprint([]byte(hiddenCanary)), noon.UTC().Format("2006-01-02T15:04"), noon.Format("2006-01-02 15:04"),
	} {
		require.NotContains(c.t, text, canary, what)
	}
}

// value looks at how a value prints, is logged and is marshalled.
func (c *canaries) value(what string, v any) {
	c.t.Helper()
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		c.look(what+" by "+format, fmt.Sprintf(format, v))
	}
	c.logged(what, v)
	if _, isError := v.(error); isError {
		return // a program that marshals a typed error takes its Item and Key, which are raw
	}
	if text, err := json.Marshal(v); err == nil {
		c.look(what+" as JSON", string(text))
	}
}

func (c *canaries) logged(what string, v any) {
	var out bytes.Buffer
	for _, logger := range []*slog.Logger{slog.New(slog.NewTextHandler(&out, nil)), slog.New(slog.NewJSONHandler(&out, nil))} {
		logger.Info("value", "v", v)
	}
	c.look(what+" in a log", out.String())
}

// failure looks at an error and at each of ours within it. The SDK's own may quote what was sent, and is reached by errors.As alone.
func (c *canaries) failure(what string, err error) {
	c.t.Helper()
	if err == nil {
		return
	}
	c.value(what, err)
	if e, ok := errors.AsType[*monotable.OpError](err); ok {
		c.value(what+": OpError", e)
	}
	if e, ok := errors.AsType[*monotable.ValidationError](err); ok {
		c.value(what+": ValidationError", e)
		for _, violation := range e.Violations {
			c.look(what+": Violation", violation.String()+fmt.Sprint(violation))
		}
	}
	if e, ok := errors.AsType[*monotable.DefinitionError](err); ok {
		c.value(what+": DefinitionError", e)
		c.value(what+": Problems", e.Problems)
	}
	if e, ok := errors.AsType[*monotable.ConditionError](err); ok {
		c.value(what+": ConditionError", e)
	}
	if e, ok := errors.AsType[*monotable.DecodeError](err); ok {
		c.value(what+": DecodeError", e)
	}
	if e, ok := errors.AsType[*monotable.OutcomeError](err); ok {
		c.value(what+": OutcomeError", e)
	}
	if e, ok := errors.AsType[*monotable.ThrottledError](err); ok {
		c.value(what+": ThrottledError", e)
	}
	if e, ok := errors.AsType[*monotable.SegmentError](err); ok {
		c.look(what+": SegmentError", e.Error())
		for _, s := range e.Segments {
			c.cursor(what, s.Next)
		}
	}
	if e, ok := errors.AsType[*monotable.TransactionError](err); ok {
		c.value(what+": TransactionError", e)
		for _, op := range e.Operations {
			c.value(what+": OperationError", op)
		}
	}
	if e, ok := errors.AsType[*monotable.BatchError](err); ok {
		c.value(what+": BatchError", e)
		for _, f := range slices.Concat(e.NotWritten, e.Unknown) {
			c.look(what+": BatchFailure", fmt.Sprintf("%v %+v %#v", f, f, f))
			c.failure(what+": BatchFailure", f.Err)
		}
	}
}

// cursor looks at a cursor, and at what is signed in it.
func (c *canaries) cursor(what string, cursor monotable.Cursor) {
	c.t.Helper()
	payload, err := base64.RawURLEncoding.DecodeString(string(cursor))
	require.NoError(c.t, err)
	c.look(what+": cursor", string(cursor)+string(payload))
}

// The canaries are an Observer that looks at all it is told.
func (c *canaries) OperationStart(ctx context.Context, op monotable.OperationInfo) context.Context {
	_, _ = fmt.Fprintf(&c.logs, "%+v\n", op)
	return ctx
}

func (c *canaries) OperationEnd(_ context.Context, op monotable.OperationInfo, result monotable.OperationResult) {
	_, _ = fmt.Fprintf(&c.logs, "%+v %+v %#v\n", op, result, result)
}

func (c *canaries) AttemptStart(ctx context.Context, attempt monotable.AttemptInfo) context.Context {
	_, _ = fmt.Fprintf(&c.logs, "%+v\n", attempt)
	return ctx
}

func (c *canaries) AttemptEnd(_ context.Context, attempt monotable.AttemptInfo, result monotable.AttemptResult) {
	_, _ = fmt.Fprintf(&c.logs, "%+v %+v\n", attempt, result)
}

// echo is a service that refuses a request and quotes all of it.
func echo(r *http.Request, _ func(*http.Request) (*http.Response, error)) (*http.Response, error) {
	sent, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(map[string]string{"__type": "com.amazon.coral.validate#ValidationException", "message": "refused: " + string(sent)})
	if err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: http.StatusBadRequest, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)), Request: r,
	}, nil
}

// vaultHall is the table that all this happens on.
type vaultHall struct {
	*store
	faults *monotabletest.Faults
	boxes  *monotable.Entity[strongbox]
	found  *canaries
}

func openHall(t *testing.T) *vaultHall {
	t.Helper()
	h := &vaultHall{faults: &monotabletest.Faults{}, found: &canaries{t: t}}
	h.store = openStore(t, monotable.TableConfig{Indexes: []monotable.Index{
		{Name: "byCode", PartitionKey: "CPK", SortKey: "CSK"}, {Name: "byName", PartitionKey: "NPK", SortKey: "NSK"},
	}})
	logger := slog.New(slog.NewTextHandler(&h.found.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	h.cfg.Logger = logger
	h.cfg.Observer = monotable.Observers(h.found, monotable.SlogObserver(logger))
	h.cfg.ClientOptions = []func(*dynamodb.Options){func(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} }}
	table := h.over(h.faults.Client(h.client)).With(monotable.Attempts(2), monotable.Backoff(func(int) time.Duration { return time.Millisecond }))
	h.boxes = mustEntity(t, table, strongboxSchema())
	_, err := h.boxes.Create(t.Context(), fullStrongbox("1"))
	require.NoError(t, err)
	_, err = h.boxes.Create(t.Context(), fullStrongbox("2"))
	require.NoError(t, err)
	return h
}

// canaryVerbs are all verbs, each with what it returns. They meet box 1, and box 2 has the code that others want.
var canaryVerbs = map[string]func(ctx context.Context, h *vaultHall) (any, error){
	"Get": func(ctx context.Context, h *vaultHall) (any, error) { return h.boxes.Get(ctx, strongbox{ID: "1"}) },
	"GetBy": func(ctx context.Context, h *vaultHall) (any, error) {
		return h.boxes.GetBy(ctx, strongboxCode.Eq(hiddenCanary+"1"))
	},
	"Create": func(ctx context.Context, h *vaultHall) (any, error) { return h.boxes.Create(ctx, fullStrongbox("3")) },
	"Create again": func(ctx context.Context, h *vaultHall) (any, error) {
		return h.boxes.Create(ctx, fullStrongbox("1"))
	},
	"Create of what is taken": func(ctx context.Context, h *vaultHall) (any, error) {
		box := fullStrongbox("4")
		box.Code = hiddenCanary + "2"
		return h.boxes.Create(ctx, box)
	},
	"Create of what is refused": func(ctx context.Context, h *vaultHall) (any, error) {
		box := fullStrongbox("4")
		box.Code, box.Blob, box.Marks = badCanary, bytes.Repeat([]byte(hiddenCanary), 1<<16), []string{hiddenCanary, hiddenCanary}
		return h.boxes.Create(ctx, box)
	},
	"Create of what cannot be marshalled": func(ctx context.Context, h *vaultHall) (any, error) {
		box := fullStrongbox("4")
		box.Seal = &seal{badCanary}
		return h.boxes.Create(ctx, box)
	},
	"Create of no text": func(ctx context.Context, h *vaultHall) (any, error) {
		box := fullStrongbox("4")
		box.Code, box.Labels = hiddenCanary+"\xff", map[string]string{hiddenCanary + "\xff": ""}
		return h.boxes.Create(ctx, box)
	},
	"Create with a delimiter": func(ctx context.Context, h *vaultHall) (any, error) {
		box := fullStrongbox("4")
		box.Code = hiddenCanary + "#"
		return h.boxes.Create(ctx, box)
	},
	"Put": func(ctx context.Context, h *vaultHall) (any, error) {
		box := fullStrongbox("1")
		box.Version = 1
		return h.boxes.Put(ctx, box)
	},
	"Put of another version": func(ctx context.Context, h *vaultHall) (any, error) {
		box := fullStrongbox("1")
		box.Version = 7
		return h.boxes.Put(ctx, box)
	},
	"Update": func(ctx context.Context, h *vaultHall) (any, error) {
		return h.boxes.Update(ctx, strongbox{ID: "1"}, strongboxCode.Set(hiddenCanary+"9"), strongboxPin.Set(new(int64(pinCanary))), strongboxSeal.Set(&seal{hiddenCanary}))
	},
	"Update that adds": func(ctx context.Context, h *vaultHall) (any, error) {
		return h.boxes.Update(ctx, strongbox{ID: "1"}, monotable.AddTo(strongboxMarks, hiddenCanary+"9"), monotable.Append(strongboxWords, hiddenCanary),
			monotable.MapKey(strongboxLabels, hiddenCanary).Set(hiddenCanary), monotable.Add(monotable.Elem(strongboxPin), 0))
	},
	"Update on a condition": func(ctx context.Context, h *vaultHall) (any, error) {
		return h.boxes.Update(ctx, strongbox{ID: "1"}, strongboxName.Set("m"), strongboxCode.Eq(hiddenCanary+"x"), monotable.Contains(strongboxMarks, hiddenCanary+"x"))
	},
	"Update of what is refused": func(ctx context.Context, h *vaultHall) (any, error) {
		return h.boxes.Update(ctx, strongbox{ID: "1"}, strongboxCode.Set(badCanary), strongboxCode.Set(hiddenCanary))
	},
	"Update of what is taken": func(ctx context.Context, h *vaultHall) (any, error) {
		return h.boxes.Update(ctx, strongbox{ID: "1"}, strongboxCode.Set(hiddenCanary+"2"))
	},
	"Upsert": func(ctx context.Context, h *vaultHall) (any, error) {
		return h.boxes.Upsert(ctx, strongbox{ID: "5"}, strongboxName.Set("m"), strongboxCode.Set(hiddenCanary+"5"))
	},
	"Modify": func(ctx context.Context, h *vaultHall) (any, error) {
		return h.boxes.Modify(ctx, strongbox{ID: "1"}, func(b *strongbox) error { b.Code = hiddenCanary + "8"; return nil })
	},
	"Modify to what is refused": func(ctx context.Context, h *vaultHall) (any, error) {
		return h.boxes.Modify(ctx, strongbox{ID: "1"}, func(b *strongbox) error { b.Code = badCanary; return nil })
	},
	"Delete": func(ctx context.Context, h *vaultHall) (any, error) { return h.boxes.Delete(ctx, strongbox{ID: "1"}) },
	"Delete on a condition": func(ctx context.Context, h *vaultHall) (any, error) {
		return h.boxes.Delete(ctx, strongbox{ID: "1"}, strongboxBlob.Eq([]byte(hiddenCanary+"x")))
	},
	"Delete exactly once": func(ctx context.Context, h *vaultHall) (any, error) {
		return h.boxes.With(monotable.ExactlyOnce()).Delete(ctx, strongbox{ID: "1"})
	},
	"Collect": func(ctx context.Context, h *vaultHall) (any, error) {
		return h.boxes.Query(strongbox{ID: "1"}).Filter(strongboxCode.Ne(hiddenCanary), strongboxOpened.Ne(new(noon.Add(1)))).Collect(ctx)
	},
	"Page of an index with a hidden key": func(ctx context.Context, h *vaultHall) (any, error) {
		return h.paged(h.boxes.Query(strongbox{}).Index("byCode").SortKey(monotable.HasPrefix(strongboxCode, hiddenCanary)).Limit(1).Page(ctx))
	},
	"Page of another index": func(ctx context.Context, h *vaultHall) (any, error) {
		return h.paged(h.boxes.Query(strongbox{}).Index("byName").Limit(1).Page(ctx))
	},
	"Page of a scan": func(ctx context.Context, h *vaultHall) (any, error) {
		return h.paged(h.boxes.Scan().Limit(1).Page(ctx))
	},
	"Page from a bad cursor": func(ctx context.Context, h *vaultHall) (any, error) {
		page, err := h.boxes.Scan().Limit(1).Page(ctx)
		if err != nil {
			return nil, err
		}
		return h.boxes.Query(strongbox{}).Index("byCode").From(page.Next + hiddenCanary).Page(ctx)
	},
	"range the wrong way": func(ctx context.Context, h *vaultHall) (any, error) {
		return h.boxes.Query(strongbox{}).Index("byCode").SortKey(strongboxCode.Between(hiddenCanary+"9", hiddenCanary+"1")).First(ctx)
	},
	"Parallel": func(ctx context.Context, h *vaultHall) (any, error) {
		return h.boxes.Scan().Parallel(2).PageSize(1).Collect(ctx)
	},
	"As": func(ctx context.Context, h *vaultHall) (any, error) {
		return monotable.As[strongboxPart](h.boxes.Query(strongbox{ID: "1"})).Collect(ctx)
	},
	"QueryMany": func(ctx context.Context, h *vaultHall) (any, error) {
		return monotable.QueryMany(h.boxes.Query(strongbox{ID: "1"}), h.boxes.Query(strongbox{ID: "2"})).Collect(ctx)
	},
	"Table.Collect": func(ctx context.Context, h *vaultHall) (any, error) {
		var boxes []strongbox
		err := monotable.TableOf(h.boxes).Collect(ctx, h.boxes.Partition(strongbox{ID: "1"}), monotable.Into(h.boxes, &boxes))
		return boxes, err
	},
	"BatchGet": func(ctx context.Context, h *vaultHall) (any, error) {
		results, err := h.boxes.BatchGet(ctx, []strongbox{{ID: "1"}, {ID: "2"}, {ID: "none"}})
		for i := range results {
			h.found.value("a result", results[i].Item)
			h.found.failure("a result's error", results[i].Err)
			results[i].Err = nil // has the item, see value
		}
		return results, err
	},
	"BatchPut": func(ctx context.Context, h *vaultHall) (any, error) {
		return nil, h.boxes.With(monotable.WithoutVersionCheck()).BatchPut(ctx, []strongbox{fullStrongbox("6"), fullStrongbox("7")})
	},
	"TransactWrite": func(ctx context.Context, h *vaultHall) (any, error) {
		var stored strongbox
		err := monotable.TableOf(h.boxes).TransactWrite(ctx, h.boxes.CreateOp(fullStrongbox("3")).Into(&stored),
			h.boxes.UpdateOp(strongbox{ID: "1"}, strongboxPin.Set(new(int64(pinCanary)))), h.boxes.CheckOp(strongbox{ID: "2"}, strongboxCode.Eq(hiddenCanary+"2")))
		return stored, err
	},
	"TransactWrite that fails": func(ctx context.Context, h *vaultHall) (any, error) {
		return nil, monotable.TableOf(h.boxes).TransactWrite(ctx, h.boxes.CreateOp(fullStrongbox("1")), h.boxes.CheckOp(strongbox{ID: "2"}, strongboxCode.Eq(hiddenCanary)))
	},
	"TransactGet": func(ctx context.Context, h *vaultHall) (any, error) {
		var one, two strongbox
		err := monotable.TableOf(h.boxes).TransactGet(ctx, h.boxes.GetOp(strongbox{ID: "1"}, &one), h.boxes.GetOp(strongbox{ID: "2"}, &two))
		return []strongbox{one, two}, err
	},
	"Get with WriteBack": func(ctx context.Context, h *vaultHall) (any, error) {
		h.write(with(h.storedWhole(keyPS("BOX#1", "BOX")), rawItem{"_sv": nil}))
		return h.boxes.With(monotable.WriteBack()).Get(ctx, strongbox{ID: "1"})
	},
	"Decode": func(_ context.Context, h *vaultHall) (any, error) {
		return h.boxes.Decode(h.storedWhole(keyPS("BOX#1", "BOX")))
	},
	"CheckUnique": func(ctx context.Context, h *vaultHall) (any, error) {
		for _, err := range h.boxes.CheckUnique(ctx) {
			if err != nil {
				return nil, err
			}
		}
		return nil, nil
	},
}

// paged looks at the cursors of a page.
func (h *vaultHall) paged(page monotable.Page[strongbox], err error) (any, error) {
	h.found.cursor("Next", page.Next)
	h.found.cursor("Prev", page.Prev)
	return page, err
}

func TestF126_CanaryInEveryOutput(t *testing.T) {
	t.Parallel()
	damage := func(change rawItem) func(*vaultHall) {
		return func(h *vaultHall) {
			for _, id := range []string{"1", "2"} {
				h.write(with(h.storedWhole(keyPS("BOX#"+id, "BOX")), change))
			}
		}
	}
	fault := func(f monotabletest.Fault) func(*vaultHall) {
		return func(h *vaultHall) { h.faults.Rate("", 1, f) }
	}
	weathers := map[string]func(*vaultHall){
		"fair":                    func(*vaultHall) {},
		"throttled":               fault(monotabletest.Throttle("")),
		"quoted by the service":   fault(echo),
		"replies lost":            fault(monotabletest.ReplyLost()),
		"garbled":                 fault(monotabletest.Garbled()),
		"cancelled":               fault(monotabletest.TransactionCanceled("ValidationError", "ConditionalCheckFailed")),
		"a code of another type":  damage(rawItem{"code": avL(avS(hiddenCanary))}),
		"a pin that is text":      damage(rawItem{"pin": avS(hiddenCanary)}),
		"a time that is none":     damage(rawItem{"opened": avS(hiddenCanary)}),
		"a seal that is none":     damage(rawItem{"seal": avS(badCanary)}),
		"words that are none":     damage(rawItem{"inner": avM(rawItem{"words": avL(avN(fmt.Sprint(pinCanary)))})}),
		"another tag":             damage(rawItem{"_et": avS(hiddenCanary)}),
		"a later schema":          damage(rawItem{"_sv": avN("99")}),
		"a schema that is none":   damage(rawItem{"_sv": avS(hiddenCanary)}),
		"an upgrade that fails":   damage(rawItem{"_sv": nil, "code": avS(badCanary)}),
		"a version that is none":  damage(rawItem{"version": avS(hiddenCanary)}),
		"no hidden values at all": damage(rawItem{"code": nil, "pin": nil, "opened": nil, "seal": nil}),
	}
	failures, scenes := 0, 0
	for i, weather := range slices.Sorted(maps.Keys(weathers)) {
		for j, verb := range slices.Sorted(maps.Keys(canaryVerbs)) {
			// A server's own texts are those of fair weather. Of the rest every third is enough there, each verb in some weathers and each weather with some verbs.
			if weather != "fair" && monotabletest.Endpoint(t) != "" && (i+j)%3 != 0 {
				continue
			}
			scenes++
			t.Run(weather+"/"+verb, func(t *testing.T) {
				h := openHall(t)
				weathers[weather](h)
				result, err := canaryVerbs[verb](t.Context(), h)
				h.found.value("what is returned", result)
				h.found.failure("the error", err)
				h.found.look("logs and observers", h.found.logs.String())
				require.Contains(t, h.found.logs.String(), "monotable operation")
				if err != nil {
					failures++
				}
			})
		}
	}
	require.Greater(t, failures, scenes/2, "errors that were looked at")
}

// TestF126_CanaryInPlansAndValues: what a program holds in its hands before anything is sent tells nothing either.
func TestF126_CanaryInPlansAndValues(t *testing.T) {
	h := openHall(t)
	one := strongbox{ID: "1"}
	for name, op := range map[string]interface {
		Explain() (monotable.Plan, error)
	}{
		"GetOp": h.boxes.GetOp(one, nil), "CreateOp": h.boxes.CreateOp(fullStrongbox("3"), strongboxCode.NotExists()),
		"PutOp": h.boxes.PutOp(fullStrongbox("3"), strongboxMarks.Eq([]string{hiddenCanary})), "DeleteOp": h.boxes.DeleteOp(one, strongboxCode.Eq(hiddenCanary)),
		"UpdateOp": h.boxes.UpdateOp(one, strongboxCode.Set(hiddenCanary), strongboxPin.Set(new(int64(pinCanary))), strongboxBlob.Ne([]byte(hiddenCanary))),
		"UpsertOp": h.boxes.UpsertOp(one, strongboxCode.SetIfAbsent(hiddenCanary)), "CheckOp": h.boxes.CheckOp(one, strongboxOpened.Eq(new(noon))),
		"Query": h.boxes.Query(strongbox{}).Index("byCode").SortKey(strongboxCode.Eq(hiddenCanary)).Filter(strongboxSeal.Eq(&seal{hiddenCanary})),
		"Scan":  h.boxes.Scan().Filter(strongboxPin.Eq(new(int64(pinCanary)))), "Partition": h.boxes.Partition(one).SortPrefix(hiddenCanary),
		"As": monotable.As[strongboxPart](h.boxes.Query(strongbox{}).Index("byCode").SortKey(strongboxCode.Gt(hiddenCanary))),
	} {
		plan, err := op.Explain()
		require.NoError(t, err, name)
		h.found.value(name, op)
		h.found.value(name+"'s plan", plan)
		h.found.look(name+"'s plan", plan.String())
	}
	for name, v := range map[string]any{
		"Cond": strongboxCode.Eq(hiddenCanary), "All": monotable.All[strongbox](strongboxCode.Eq(hiddenCanary), strongboxPin.Eq(new(int64(pinCanary)))),
		"Not": monotable.Not(strongboxCode.In(hiddenCanary, "x")), "Change": strongboxCode.Set(hiddenCanary), "Given": strongboxCode.Given(hiddenCanary),
		"Add": monotable.Add(monotable.Elem(strongboxPin), pinCanary), "Append": monotable.Append(strongboxWords, hiddenCanary),
		"Join":   monotable.Join(strongboxCode.Set(hiddenCanary), strongboxBlob.Set([]byte(hiddenCanary))),
		"Entity": h.boxes, "Table": h.Table, "Declaration": h.Declaration(),
	} {
		h.found.value(name, v)
	}
	key := monotable.CursorKey{ID: "1", Secret: []byte(strings.Repeat(hiddenCanary, 6))}
	h.found.look("CursorKey", fmt.Sprintf("%v %+v %#v %s %x", key, key, key, key, key))
	require.Greater(t, h.found.seen, 200)
}

// TestF126_CanaryInPanics: what MustEntity panics with is the mistake, not the value.
func TestF126_CanaryInPanics(t *testing.T) {
	found := &canaries{t: t}
	s := openStore(t, monotable.TableConfig{})
	for name, rules := range map[string][]monotable.Rule[strongbox]{
		"a default that a validator refuses": {strongboxCode.Hidden().Default(badCanary).Validate(func(s string) error { return errors.New(s) })},
		"a default that is none of":          {strongboxCode.Hidden().Default(badCanary).OneOf(hiddenCanary)},
		"a default that is no text":          {strongboxCode.Hidden().Default(hiddenCanary + "\xff")},
		"a default that is not marshalled":   {strongboxSeal.Hidden().Default(&seal{badCanary})},
		"a read default that is none":        {strongboxSeal.Hidden().ReadDefault(&seal{badCanary})},
	} {
		func() {
			defer func() {
				if failed := recover(); failed != nil {
					found.look(name, fmt.Sprintf("%v %+v", failed, failed))
					err, ok := failed.(error)
					require.True(t, ok, name)
					found.failure(name, err)
				}
			}()
			schema := strongboxSchema()
			schema.Indexes, schema.Rules = nil, rules
			boxes := monotable.MustEntity(s.Table, schema)
			_, err := boxes.Create(t.Context(), strongbox{ID: "1"})
			require.Error(t, err, name)
			found.failure(name, err)
		}()
	}
	require.Positive(t, found.seen)
}
