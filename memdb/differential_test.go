package memdb_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/memdb"
)

// documented are the differences of DynamoDB Local from AWS that the test meets;
// memdb does as AWS does. A difference is taken as documented if its function says so.
var documented = []struct {
	what  string
	holds func(o operation, mem, local outcome) bool
}{
	{"UPDATED_* of nested paths gives the whole top-level attribute", func(o operation, mem, local outcome) bool {
		return o.nested && mem.err == "" && local.err == ""
	}},
	{"faults of a transaction's action as ValidationException instead of a reason ValidationError", func(_ operation, mem, local outcome) bool {
		return mem.err == "TransactionCanceledException" && slices.Contains(mem.reasons, "ValidationError") && local.err == "ValidationException"
	}},
	{"Scan of a global index may filter by what it does not project", func(o operation, mem, local outcome) bool {
		return o.kind == "Scan GSI" && mem.err == "ValidationException" && local.err == ""
	}},
	{"an update may give a local index's key a wrong type", func(o operation, mem, local outcome) bool {
		return o.sparse && mem.err == "ValidationException" && local.err == ""
	}},
	{"a key attribute in a transaction's update gives one reason only", func(_ operation, mem, local outcome) bool {
		return slices.Contains(mem.reasons, "ValidationError") && slices.Equal(local.reasons, []string{"ValidationError"})
	}},
	{"a fault of TransactGetItems without reasons", func(_ operation, mem, local outcome) bool {
		return mem.err == "TransactionCanceledException" && local.err == mem.err && local.reasons == nil
	}},
	{"a key's fault comes before one of form in TransactGetItems", func(o operation, mem, local outcome) bool {
		return o.kind == "TransactGetItems" && mem.err == "ValidationException" && local.err == "TransactionCanceledException"
	}},
	{"a Query that stops at the very end of its key condition has no LastEvaluatedKey", func(o operation, mem, local outcome) bool {
		isLast := func(s string) bool { return strings.HasPrefix(s, "last ") }
		m, l := slices.DeleteFunc(slices.Clone(mem.lines), isLast), slices.DeleteFunc(slices.Clone(local.lines), isLast)
		pages, localPages := len(mem.lines)-len(m), len(local.lines)-len(l)
		return strings.HasPrefix(o.kind, "Query") && slices.Equal(m, l) && pages == localPages+1 &&
			slices.Equal(mem.lines[:localPages-1], local.lines[:localPages-1])
	}},
	{"a condition comes before a key attribute in the update", func(o operation, mem, local outcome) bool {
		return o.touchesKey && mem.err == "ValidationException" && local.err == "ConditionalCheckFailedException"
	}},
	{"a failed condition comes before a duplicate in a transaction", func(o operation, mem, local outcome) bool {
		return o.kind == "TransactWriteItems" && mem.err == "ValidationException" && slices.Contains(local.reasons, "ConditionalCheckFailed")
	}},
	{"a condition comes before a key attribute in a transaction's update", func(o operation, mem, local outcome) bool {
		return o.touchesKey && len(mem.reasons) == len(local.reasons) && slices.Contains(mem.reasons, "ValidationError") &&
			slices.Contains(local.reasons, "ConditionalCheckFailed")
	}},
}

// recorder keeps the last request that a client sent.
type recorder struct {
	dynamodb.HTTPClient
	last string
}

func (r *recorder) Do(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		r.last = req.Header.Get("X-Amz-Target") + " " + string(body)
		req.Body = io.NopCloser(bytes.NewReader(body))
	}
	return r.HTTPClient.Do(req)
}

// tally counts accepted and refused.
type tally map[string]*[2]int

func (t tally) add(name string, refused bool) {
	if t[name] == nil {
		t[name] = new([2]int)
	}
	if refused {
		t[name][1]++
	} else {
		t[name][0]++
	}
}

func (t tally) String() string {
	var b strings.Builder
	for _, name := range sortedNames(t) {
		fmt.Fprintf(&b, "\n  %-24s accepted %6d  refused %6d", name, t[name][0], t[name][1])
	}
	return b.String()
}

func number(t *testing.T, name string, otherwise uint64) uint64 {
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	require.NoError(t, err, name)
	return n
}

// endpoint is the server to compare with.
func endpoint(t *testing.T) string {
	t.Helper()
	e := os.Getenv("DYNAMODB_ENDPOINT")
	if e == "" {
		if os.Getenv("MONOTABLE_REQUIRE_SERVER") != "" {
			t.Fatal("MONOTABLE_REQUIRE_SERVER is set, DYNAMODB_ENDPOINT is not")
		}
		t.Skip("set DYNAMODB_ENDPOINT to compare memdb with DynamoDB Local")
	}
	return e
}

// server is a client of the server, in a database of its own.
func server(url string) *dynamodb.Client { return serverIn(url, database) }

func serverIn(url, database string) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: &url, RetryMaxAttempts: 1, HTTPClient: &http.Client{},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: database, SecretAccessKey: "x"}, nil
		}),
	})
}

var database = "diff" + rand.Text()[:12]

const perWorld = 300

// defaultSeed makes CI repeat one run, so that it fails for a change and never by chance.
const defaultSeed = 1795242357174755851

// TestDifferential runs random operations on memdb and on DynamoDB Local.
// MEMDB_SEED=$(date +%s) explores, MEMDB_OPERATIONS says how many operations.
func TestDifferential(t *testing.T) {
	url := endpoint(t)
	seed := number(t, "MEMDB_SEED", defaultSeed)
	total := int(number(t, "MEMDB_OPERATIONS", 20_000))
	t.Logf("MEMDB_SEED=%d", seed)
	began := time.Now()
	d := &differential{t: t, kinds: tally{}, rules: tally{}, known: tally{}, seen: map[string]int{}}
	// Several rows of worlds side by side, since each waits for the server most of the time. Each has its part of the operations,
	// so that the same worlds are made whatever comes first.
	const rows = 4
	var all sync.WaitGroup
	for row := range rows {
		local := serverIn(url, fmt.Sprint(database, row))
		all.Go(func() {
			done := 0
			for i := row; done < total/rows && d.goesOn(); i += rows {
				done += d.world(local, seed, uint64(i))
			}
		})
	}
	all.Wait()
	t.Logf("%d operations in %v%v", d.done, time.Since(began).Round(time.Millisecond), d.kinds)
	t.Logf("rules of the grammar%v", d.rules)
	t.Logf("documented differences of DynamoDB Local%v", d.known)
	if d.differences > 0 {
		t.Errorf("%d differences; MEMDB_SEED=%d", d.differences, seed)
	}
	if total < 20_000 {
		return
	}
	accepted := 0
	for name, n := range d.kinds {
		accepted += n[0]
		if n[0]+n[1] < 500 {
			t.Errorf("only %d of %s", n[0]+n[1], name)
		}
	}
	if accepted*2 < d.done {
		t.Errorf("only %d of %d accepted", accepted, d.done)
	}
	for _, rule := range allRules {
		if d.rules[rule] == nil || d.rules[rule][0] == 0 {
			t.Errorf("no accepted expression with %s", rule)
		}
	}
}

type differential struct {
	t *testing.T

	mu           sync.Mutex // of all that is below
	kinds, rules tally
	known        tally
	done         int
	differences  int
	seen         map[string]int
}

// goesOn says that it is worth looking on.
func (d *differential) goesOn() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.differences < 200
}

// world makes two tables on both sides and changes and reads them, and says by how many operations. It ends at the
// first difference, for what follows may be its consequence.
func (d *differential) world(local *dynamodb.Client, seed, number uint64) (done int) {
	t := d.t
	sent := &recorder{HTTPClient: memdb.New(memdb.Options{})}
	mem := memory(sent)
	w := newWorld(seed, number)
	for _, s := range w.tables {
		_, memErr := mem.CreateTable(t.Context(), s.create())
		_, localErr := local.CreateTable(t.Context(), s.create())
		if memErr != nil || localErr != nil {
			d.differs("CreateTable")
			t.Errorf("CreateTable %v\nmemdb: %v\nlocal: %v", s, memErr, localErr)
			return done
		}
		defer func() {
			if _, err := local.DeleteTable(context.WithoutCancel(t.Context()), &dynamodb.DeleteTableInput{TableName: &s.name}); err != nil {
				t.Errorf("DeleteTable: %v", err)
			}
		}()
	}
	for range perWorld {
		o := w.next()
		m := o.run(t.Context(), mem)
		l := o.run(t.Context(), local)
		for try := 0; try < 3 && o.reads() && l.unanswered(); try++ {
			l = o.run(t.Context(), local)
		}
		d.count(o, m)
		done++
		if d.same(o, m, l) {
			if m.err != "" && l.err == "" {
				return done // documented, but now they hold different items
			}
			continue
		}
		if d.differs(o.kind+" "+m.err+"/"+l.err) <= 4 {
			t.Errorf("%s differs in world %d: %v\nrequest: %s\nitem before: %s\nmemdb: %v\nlocal: %v", o.kind, number, w.tables, sent.last, d.before(seed, number, done-1), m, l)
		}
		return done
	}
	return done
}

// newWorld has two tables, and dice for what happens to them.
func newWorld(seed, number uint64) *world {
	w := &world{random: random{mathrand.New(mathrand.NewPCG(seed, number))}}
	for i := range 2 {
		w.tables = append(w.tables, w.shape(fmt.Sprintf("w%d-%d", number, i)))
	}
	return w
}

func memory(engine dynamodb.HTTPClient) *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: aws.String("http://memdb.invalid"), RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "memdb", SecretAccessKey: "memdb"}, nil
		}), HTTPClient: engine,
	})
}

// before is the item of a world's n-th operation as it was, for a report: the operations before it are run again.
func (d *differential) before(seed, number uint64, n int) string {
	ctx := d.t.Context()
	mem := memory(memdb.New(memdb.Options{}))
	w := newWorld(seed, number)
	for _, s := range w.tables {
		if _, err := mem.CreateTable(ctx, s.create()); err != nil {
			return err.Error()
		}
	}
	for range n {
		w.next().run(ctx, mem)
	}
	o := w.next()
	if o.key == nil {
		return ""
	}
	out, err := mem.GetItem(ctx, &dynamodb.GetItemInput{TableName: &o.table, Key: o.key})
	if err != nil {
		return err.Error()
	}
	return canonItem(out.Item)
}

// differs counts a difference, and says how many there are of its class.
func (d *differential) differs(class string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.differences++
	d.seen[class]++
	return d.seen[class]
}

// reads says that the operation may be sent again.
func (o operation) reads() bool {
	return slices.ContainsFunc([]string{"Get", "BatchGet", "TransactGet", "Query", "Scan"}, func(kind string) bool { return strings.HasPrefix(o.kind, kind) })
}

// unanswered says that the network failed, and not the request.
func (o outcome) unanswered() bool { return strings.HasPrefix(o.err, "client: ") }

func (d *differential) count(o operation, mem outcome) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.done++
	d.kinds.add(o.kind, mem.err != "")
	if mem.err != "" && mem.err != "ValidationException" {
		d.kinds[o.kind][1]--
		d.kinds.add(o.kind, true)
	}
	for rule := range o.rules {
		d.rules.add(rule, mem.err == "ValidationException")
	}
}

func (d *differential) same(o operation, mem, local outcome) bool {
	if mem.err == local.err && slices.Equal(mem.reasons, local.reasons) && slices.Equal(mem.lines, local.lines) {
		return true
	}
	for _, known := range documented {
		if known.holds(o, mem, local) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.known.add(known.what, false)
			return true
		}
	}
	return false
}

// next is a random operation.
func (w *world) next() operation {
	switch n := w.IntN(100); {
	case n < 16:
		return w.put()
	case n < 34:
		return w.update()
	case n < 38:
		return w.remove()
	case n < 44:
		return w.get()
	case n < 56:
		return w.query("")
	case n < 66:
		return w.query("GSI")
	case n < 73:
		return w.query("LSI")
	case n < 84:
		return w.scan()
	case n < 87:
		return w.batchGet()
	case n < 92:
		return w.batchWrite()
	case n < 96:
		return w.transactWrite()
	}
	return w.transactGet()
}
