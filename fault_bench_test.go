package monotable_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/monotabletest"
)

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
