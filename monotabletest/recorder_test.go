package monotabletest_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

// player is what the tests of this package keep.
type player struct {
	Team    string `dynamodbav:"team"`
	ID      string `dynamodbav:"id"`
	Name    string `dynamodbav:"name"`
	Score   int    `dynamodbav:"score"`
	Version int64  `dynamodbav:"version"`
}

var (
	playerName    = monotable.Field(func(p *player) *string { return &p.Name })
	playerScore   = monotable.Field(func(p *player) *int { return &p.Score })
	playerVersion = monotable.Field(func(p *player) *int64 { return &p.Version })
)

var playerTable = monotable.TableConfig{
	Name: "league", PartitionKey: "PK", SortKey: "SK",
	Indexes:    []monotable.Index{{Name: "GSI1", PartitionKey: "GSI1PK", SortKey: "GSI1SK"}},
	CursorKeys: []monotable.CursorKey{{ID: "test", Secret: []byte("0123456789abcdef0123456789abcdef")}},
}

var playerSchema = monotable.Schema[player]{
	Name: "Player", Key: monotable.Key{Partition: "TEAM#{team}", Sort: "PLAYER#{id}"},
	Indexes: map[string]monotable.Key{"GSI1": {Partition: "NAME#{name}", Sort: "PLAYER#{id}"}},
	Rules:   []monotable.Rule[player]{monotable.Version(playerVersion)},
}

// league is a table whose requests are recorded.
type league struct {
	plain   *dynamodb.Client
	table   *monotable.Table
	players *monotable.Entity[player]
	rec     monotabletest.Recorder
}

func newLeague(t *testing.T) *league {
	t.Helper()
	l := &league{plain: monotabletest.Client(t)}
	l.table = monotabletest.TableOn(t, l.rec.Client(l.plain, atOnce), playerTable)
	l.players = monotable.MustEntity(l.table, playerSchema)
	l.rec.Reset()
	return l
}

// fakeT is a test that notes what it fails with.
type fakeT struct {
	testing.TB
	mu     sync.Mutex
	failed []string
}

func (t *fakeT) Helper() {}

func (t *fakeT) Errorf(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failed = append(t.failed, fmt.Sprintf(format, args...))
}

func (t *fakeT) Error(args ...any) { t.Errorf("%s", fmt.Sprint(args...)) }

func (t *fakeT) Fatalf(format string, args ...any) {
	t.Errorf(format, args...)
	runtime.Goexit()
}

func (t *fakeT) Fatal(args ...any) { t.Fatalf("%s", fmt.Sprint(args...)) }

// failures runs something with a test of its own and gives what that failed with.
func failures(t *testing.T, run func(t testing.TB)) string {
	t.Helper()
	fake := &fakeT{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		run(fake)
	}()
	<-done
	return strings.Join(fake.failed, "\n")
}

func TestRecorder(t *testing.T) {
	t.Parallel()
	l, ctx := newLeague(t), t.Context()
	_, err := l.players.Create(ctx, player{Team: "a", ID: "1", Name: "Ann"})
	require.NoError(t, err)
	_, err = l.players.Query(player{Name: "Ann"}).Index("GSI1").Collect(ctx)
	require.NoError(t, err)
	require.NoError(t, l.table.BatchWrite(ctx, l.players.With(monotable.WithoutVersionCheck()).PutOp(player{Team: "a", ID: "2"})))
	require.NoError(t, l.table.TransactWrite(ctx, l.players.CheckOp(player{Team: "a", ID: "1"})))
	_, err = l.rec.Client(l.plain).ListTables(ctx, &dynamodb.ListTablesInput{})
	require.NoError(t, err)

	var got []string
	for i, s := range l.rec.Requests() {
		assert.Equal(t, i+1, s.Number)
		assert.NotEmpty(t, s.Body)
		assert.Equal(t, 1, s.Attempt)
		got = append(got, s.String())
	}
	require.Equal(t, []string{"PutItem league", "Query league/GSI1", "BatchWriteItem league", "TransactWriteItems league", "ListTables"}, got)
	require.Equal(t, 1, l.rec.Count("Query"))
	require.Equal(t, 5, l.rec.Count(""))
	require.Zero(t, l.rec.Count("Scan"))

	_, err = l.plain.ListTables(ctx, &dynamodb.ListTablesInput{})
	require.NoError(t, err)
	require.Equal(t, 5, l.rec.Count(""), "the client that was given is not recorded")
	l.rec.Reset()
	require.Empty(t, l.rec.Requests())
}

func TestRecorder_SeveralTables(t *testing.T) {
	t.Parallel()
	var rec monotabletest.Recorder
	client := rec.Client(monotabletest.Client(t))
	one := playerTable
	one.Name = "one"
	two := playerTable
	two.Name = "two"
	first := monotable.MustEntity(monotabletest.TableOn(t, client, two), playerSchema)
	second := monotable.MustEntity(monotabletest.TableOn(t, client, one), playerSchema)
	table := monotabletest.TableOn(t, client, playerTable)
	sent := rec.Expect(t, 1, func() {
		require.NoError(t, table.TransactWrite(t.Context(), first.CreateOp(player{Team: "a", ID: "1"}), second.CreateOp(player{Team: "a", ID: "1"})))
	})
	require.Equal(t, "one,two", sent[0].Table)
}

// A retry is a request of its own. Where the recorder stands decides what it sees.
func TestRecorder_WithFaults(t *testing.T) {
	t.Parallel()
	plain := monotabletest.Client(t)
	monotabletest.TableOn(t, plain, monotable.TableConfig{Name: "test", PartitionKey: "PK"})
	var above, below monotabletest.Recorder
	var faults monotabletest.Faults
	client := above.Client(faults.Client(below.Client(plain)), atOnce)
	faults.Script("PutItem", monotabletest.NotSent(), monotabletest.ReplyLost())
	_, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("test"), Item: item("a")})
	require.NoError(t, err)
	_, err = client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("none"), Item: item("a")})
	require.Error(t, err)

	texts := func(rec *monotabletest.Recorder) (all []string) {
		for _, s := range rec.Requests() {
			all = append(all, s.String())
		}
		return all
	}
	require.Equal(t, []string{"PutItem test, no answer", "PutItem test, attempt 2, no answer", "PutItem test, attempt 3", "PutItem none, status 400"}, texts(&above))
	require.Equal(t, []string{"PutItem test, attempt 2", "PutItem test, attempt 3", "PutItem none, status 400"}, texts(&below))
}

func TestRecorder_Expect(t *testing.T) {
	t.Parallel()
	l := newLeague(t)
	get := func() { _, _ = l.players.Get(t.Context(), player{Team: "a", ID: "secret"}) }
	get()
	require.Empty(t, failures(t, func(t testing.TB) {
		sent := l.rec.Expect(t, 1, get)
		assert.Len(t, sent, 1)
		l.rec.Expect(t, 0, func() {})
	}))
	text := failures(t, func(t testing.TB) {
		l.rec.Expect(t, 1, func() {
			get()
			_, _ = l.players.Query(player{Name: "Ann"}).Index("GSI1").Collect(context.Background())
		})
	})
	require.Equal(t, "2 requests were sent, expected 1\n   1. GetItem league\n   2. Query league/GSI1", text)
	require.NotEmpty(t, failures(t, func(t testing.TB) { l.rec.Expect(t, 1, func() {}) }))
}

func TestRecorder_Concurrent(t *testing.T) {
	t.Parallel()
	l := newLeague(t)
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			_, _ = l.players.Get(t.Context(), player{Team: "a", ID: fmt.Sprint(i)})
			_ = l.rec.Requests()
		})
	}
	wg.Wait()
	numbers := map[int]bool{}
	for _, s := range l.rec.Requests() {
		numbers[s.Number] = true
	}
	require.Len(t, numbers, 20)
}
