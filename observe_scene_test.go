package monotable_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

// watched is an entity with a version, simple is one without.
type watched struct {
	ID     string `dynamodbav:"id"`
	N      int    `dynamodbav:"n"`
	Email  string `dynamodbav:"email,omitempty"`
	Secret string `dynamodbav:"secret,omitempty"`
	Ver    int64  `dynamodbav:"ver"`
}

type simple struct {
	Group string `dynamodbav:"group"`
	ID    string `dynamodbav:"id"`
	N     int    `dynamodbav:"n"`
}

var (
	watchedN      = monotable.Field(func(w *watched) *int { return &w.N })
	watchedEmail  = monotable.Field(func(w *watched) *string { return &w.Email })
	watchedSecret = monotable.Field(func(w *watched) *string { return &w.Secret })
	watchedVer    = monotable.Field(func(w *watched) *int64 { return &w.Ver })
	simpleN       = monotable.Field(func(s *simple) *int { return &s.N })
)

// ended is an end that was reported.
type ended struct {
	monotable.OperationInfo
	monotable.OperationResult
	attempts []endedAttempt
}

type endedAttempt struct {
	monotable.AttemptInfo
	monotable.AttemptResult
}

// notebook is an observer that notes everything. Its contexts tell it which operation an attempt belongs to.
type notebook struct {
	mu       sync.Mutex
	started  int
	open     int // attempts
	ended    []ended
	attempts map[*monotable.OperationInfo][]endedAttempt
}

type notebookKey struct{}

func (n *notebook) OperationStart(ctx context.Context, op monotable.OperationInfo) context.Context {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.started++
	return context.WithValue(ctx, notebookKey{}, &op)
}

func (n *notebook) OperationEnd(ctx context.Context, op monotable.OperationInfo, r monotable.OperationResult) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ended = append(n.ended, ended{op, r, n.attempts[ctx.Value(notebookKey{}).(*monotable.OperationInfo)]})
}

func (n *notebook) AttemptStart(ctx context.Context, a monotable.AttemptInfo) context.Context {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.open++
	return ctx
}

func (n *notebook) AttemptEnd(ctx context.Context, a monotable.AttemptInfo, r monotable.AttemptResult) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.open--
	op := ctx.Value(notebookKey{}).(*monotable.OperationInfo)
	if n.attempts == nil {
		n.attempts = map[*monotable.OperationInfo][]endedAttempt{}
	}
	n.attempts[op] = append(n.attempts[op], endedAttempt{a, r})
}

func (n *notebook) reset() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.started, n.ended, n.attempts = 0, nil, nil
}

// only is the one operation that was reported since the last reset.
func (n *notebook) only(t testing.TB) ended {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	require.Equal(t, 1, n.started, "operations started")
	require.Len(t, n.ended, 1, "operations ended")
	require.Zero(t, n.open, "attempts without an end")
	return n.ended[0]
}

// scene is a table with an observer and faults, and some items.
type scene struct {
	*notebook
	t       testing.TB
	faults  *monotabletest.Faults
	used    *monotable.ConsumedCapacity
	table   *monotable.Table
	watched *monotable.Entity[watched]
	simple  *monotable.Entity[simple]
	scoped  *monotable.Entity[watched]
}

func openScene(t testing.TB, change ...func(*monotable.TableConfig, *monotable.Client)) *scene {
	t.Helper()
	s := &scene{notebook: &notebook{}, t: t, faults: &monotabletest.Faults{}, used: &monotable.ConsumedCapacity{}}
	plain := openStore(t, monotable.TableConfig{Indexes: []monotable.Index{{Name: "byGroup", PartitionKey: "group", SortKey: "id"}}})
	plain.cfg.Observer = s.notebook
	var client monotable.Client = s.faults.Client(plain.client, func(o *dynamodb.Options) {
		o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff, o.RateLimiter = time.Millisecond, ratelimit.None })
	})
	for _, f := range change {
		f(&plain.cfg, &client)
	}
	quick := monotable.Backoff(func(int) time.Duration { return time.Millisecond })
	s.table = plain.over(client).With(monotable.Attempts(2), quick, monotable.Capacity(s.used))
	schema := monotable.Schema[watched]{
		Name: "Watched", Key: monotable.Key{Partition: "W#{id}", Sort: "W"},
		Rules: []monotable.Rule[watched]{monotable.Version(watchedVer), watchedEmail.Unique(), watchedSecret.Hidden()},
	}
	s.watched = mustEntity(t, s.table, schema)
	s.scoped = mustEntity(t, s.table.Scoped("X"), schema)
	s.simple = mustEntity(t, s.table, monotable.Schema[simple]{Name: "Simple", Key: monotable.Key{Partition: "S#{group}", Sort: "S#{id}"}})
	_, err := s.watched.Create(t.Context(), watched{ID: "a", N: 1})
	require.NoError(t, err)
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		_, err := s.simple.Create(t.Context(), simple{Group: "a", ID: id, N: 1})
		require.NoError(t, err)
	}
	s.again()
	return s
}

// again forgets what was seen so far.
func (s *scene) again() {
	s.reset()
	s.faults.Reset()
	*s.used = monotable.ConsumedCapacity{} //nolint:govet // nobody uses it now
}

// group is a query of five items in three pages.
func (s *scene) group(key string) monotable.Query[simple] {
	return s.simple.Query(simple{Group: key}).PageSize(2)
}

// simples is a collection.
type simples struct{ All []simple }

func (s *scene) collection() *monotable.Collection[simples] {
	return monotable.MustCollection(monotable.Many(s.simple, func(c *simples) *[]simple { return &c.All }))
}

// observedVerbs are all verbs. Each works on the item "a" or makes another, and is refused for the key "".
var observedVerbs = map[string]struct {
	name, request   string
	writes, ofTable bool
	items, requests int // when all is well
	run             func(ctx context.Context, s *scene, key string) error
}{
	"Get": {name: "Get", request: "GetItem", items: 1, requests: 1, run: func(ctx context.Context, s *scene, key string) error {
		return second(s.watched.Get(ctx, watched{ID: key}))
	}},
	"GetBy": {name: "GetBy", request: "GetItem", items: 1, requests: 2, run: func(ctx context.Context, s *scene, key string) error {
		return second(s.watched.GetBy(ctx, watchedEmail.Eq(key)))
	}},
	"Create": {name: "Create", request: "PutItem", writes: true, items: 1, requests: 1, run: func(ctx context.Context, s *scene, key string) error {
		return second(s.simple.Create(ctx, simple{Group: key, ID: "new"}))
	}},
	"Put": {name: "Put", request: "PutItem", writes: true, items: 1, requests: 1, run: func(ctx context.Context, s *scene, key string) error {
		return second(s.simple.Put(ctx, simple{Group: key, ID: "a", N: 2}))
	}},
	"Update": {name: "Update", request: "UpdateItem", writes: true, items: 1, requests: 1, run: func(ctx context.Context, s *scene, key string) error {
		return second(s.watched.Update(ctx, watched{ID: key}, monotable.Add(watchedN, 1)))
	}},
	"Upsert": {name: "Upsert", request: "UpdateItem", writes: true, items: 1, requests: 2, run: func(ctx context.Context, s *scene, key string) error {
		return second(s.simple.Upsert(ctx, simple{Group: key, ID: "new"}, simpleN.Set(1)))
	}},
	"Modify": {name: "Modify", request: "UpdateItem", writes: true, items: 1, requests: 2, run: func(ctx context.Context, s *scene, key string) error {
		return second(s.watched.Modify(ctx, watched{ID: key}, func(w *watched) error { w.N++; return nil }))
	}},
	"Delete": {name: "Delete", request: "DeleteItem", writes: true, items: 1, requests: 1, run: func(ctx context.Context, s *scene, key string) error {
		return second(s.simple.Delete(ctx, simple{Group: key, ID: "a"}))
	}},
	"unique Put": {name: "Put", request: "TransactWriteItems", writes: true, items: 1, requests: 2, run: func(ctx context.Context, s *scene, key string) error {
		return second(s.watched.Put(ctx, watched{ID: key, Ver: 1, Email: "new"}))
	}},
	"All": {name: "Query", request: "Query", items: 5, requests: 3, run: func(ctx context.Context, s *scene, key string) error {
		return second(collectAll(s.group(key).All(ctx)))
	}},
	"Collect": {name: "Query", request: "Query", items: 5, requests: 3, run: func(ctx context.Context, s *scene, key string) error {
		return second(s.group(key).Collect(ctx))
	}},
	"Page": {name: "Query", request: "Query", items: 2, requests: 1, run: func(ctx context.Context, s *scene, key string) error {
		return second(s.group(key).Page(ctx))
	}},
	"First": {name: "Query", request: "Query", items: 1, requests: 1, run: func(ctx context.Context, s *scene, key string) error {
		return second(s.group(key).First(ctx))
	}},
	"Count": {name: "Query", request: "Query", items: 5, requests: 3, run: func(ctx context.Context, s *scene, key string) error {
		return second(s.group(key).Count(ctx))
	}},
	"View": {name: "Query", request: "Query", items: 5, requests: 3, run: func(ctx context.Context, s *scene, key string) error {
		type part struct {
			N int `dynamodbav:"n"`
		}
		return second(monotable.As[part](s.group(key)).Collect(ctx))
	}},
	"Table.Collect": {name: "Collect", request: "Query", ofTable: true, items: 5, requests: 3, run: func(ctx context.Context, s *scene, key string) error {
		var all []simple
		return s.table.Collect(ctx, s.simple.Partition(simple{Group: key}).PageSize(2), monotable.Into(s.simple, &all))
	}},
	"Collection.Collect": {name: "Collect", request: "Query", ofTable: true, items: 5, requests: 3, run: func(ctx context.Context, s *scene, key string) error {
		return second(s.collection().Collect(ctx, s.simple.Partition(simple{Group: key}).PageSize(2)))
	}},
	"Collection.Page": {name: "Collect", request: "Query", ofTable: true, items: 2, requests: 1, run: func(ctx context.Context, s *scene, key string) error {
		return second(s.collection().Page(ctx, s.simple.Partition(simple{Group: key}).PageSize(2)))
	}},
	"QueryMany": {name: "QueryMany", request: "Query", items: 5, requests: 3, run: func(ctx context.Context, s *scene, key string) error {
		return second(monotable.QueryMany(s.group(key)).Collect(ctx))
	}},
	"QueryMany.Count": {name: "QueryMany", request: "Query", items: 5, requests: 3, run: func(ctx context.Context, s *scene, key string) error {
		return second(monotable.QueryMany(s.group(key)).Count(ctx))
	}},
	"Scan": {name: "Scan", request: "Scan", items: 5, requests: 1, run: func(ctx context.Context, s *scene, key string) error {
		q := s.simple.Scan()
		if key == "" {
			q = q.Limit(0)
		}
		return second(q.Collect(ctx))
	}},
	"BatchGet": {name: "BatchGet", request: "BatchGetItem", items: 2, requests: 1, run: func(ctx context.Context, s *scene, key string) error {
		return second(s.simple.BatchGet(ctx, []simple{{Group: key, ID: "a"}, {Group: key, ID: "missing"}, {Group: key, ID: "b"}}))
	}},
	"Table.BatchGet": {name: "BatchGet", request: "BatchGetItem", ofTable: true, items: 1, requests: 1, run: func(ctx context.Context, s *scene, key string) error {
		var got, none simple
		return second(s.table.BatchGet(ctx, s.simple.GetOp(simple{Group: key, ID: "a"}, &got), s.simple.GetOp(simple{Group: key, ID: "missing"}, &none)))
	}},
	"BatchWrite": {name: "BatchWrite", request: "BatchWriteItem", writes: true, ofTable: true, items: 2, requests: 1, run: func(ctx context.Context, s *scene, key string) error {
		return s.table.BatchWrite(ctx, s.simple.PutOp(simple{Group: key, ID: "new"}), s.simple.DeleteOp(simple{Group: key, ID: "a"}))
	}},
	"BatchPut": {name: "BatchPut", request: "BatchWriteItem", writes: true, items: 30, requests: 2, run: func(ctx context.Context, s *scene, key string) error {
		items := make([]simple, 30)
		for i := range items {
			items[i] = simple{Group: key, ID: "new" + strings.Repeat("x", i)}
		}
		return s.simple.BatchPut(ctx, items)
	}},
	"BatchDelete": {name: "BatchDelete", request: "BatchWriteItem", writes: true, items: 1, requests: 1, run: func(ctx context.Context, s *scene, key string) error {
		return s.simple.BatchDelete(ctx, []simple{{Group: key, ID: "a"}})
	}},
	"TransactWrite": {name: "TransactWrite", request: "TransactWriteItems", writes: true, ofTable: true, items: 2, requests: 1, run: func(ctx context.Context, s *scene, key string) error {
		return s.table.TransactWrite(ctx, s.simple.PutOp(simple{Group: key, ID: "new"}), s.simple.CheckOp(simple{Group: key, ID: "a"}))
	}},
	"TransactWrite with a guard": {name: "TransactWrite", request: "TransactWriteItems", writes: true, ofTable: true, items: 1, requests: 2, run: func(ctx context.Context, s *scene, key string) error {
		return s.table.TransactWrite(ctx, s.watched.PutOp(watched{ID: key, Ver: 1, Email: "new"}))
	}},
	"TransactGet": {name: "TransactGet", request: "TransactGetItems", ofTable: true, items: 1, requests: 1, run: func(ctx context.Context, s *scene, key string) error {
		var got simple
		return s.table.TransactGet(ctx, s.simple.GetOp(simple{Group: key, ID: "a"}, &got))
	}},
	"CheckUnique": {name: "CheckUnique", request: "Scan", items: 0, requests: 3, run: func(ctx context.Context, s *scene, key string) error {
		e := s.watched
		if key == "" {
			e = s.scoped
		}
		return second(collectAll(e.CheckUnique(ctx)))
	}},
	"RepairUnique": {name: "RepairUnique", request: "Scan", items: 0, requests: 3, run: func(ctx context.Context, s *scene, key string) error {
		e := s.watched
		if key == "" {
			e = s.scoped
		}
		return second(collectAll(e.RepairUnique(ctx)))
	}},
}
