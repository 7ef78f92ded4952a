package migrate_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/lease"
	"github.com/monotable/monotable/migrate"
	"github.com/monotable/monotable/monotabletest"
)

// What the tests of backfills and partitions share: a table of people, as programs of different ages know them.

type attributes = map[string]types.AttributeValue

func vS(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
func vN(n string) types.AttributeValue { return &types.AttributeValueMemberN{Value: n} }

func vText(av types.AttributeValue) string {
	switch av := av.(type) {
	case *types.AttributeValueMemberS:
		return av.Value
	case *types.AttributeValueMemberN:
		return av.Value
	}
	return ""
}

type citizen struct {
	ID      string `dynamodbav:"id"`
	Name    string `dynamodbav:"name"`
	City    string `dynamodbav:"city"`
	Logins  int    `dynamodbav:"logins"`
	Version int    `dynamodbav:"version"`
}

var (
	citizenName    = monotable.Field(func(c *citizen) *string { return &c.Name })
	citizenLogins  = monotable.Field(func(c *citizen) *int { return &c.Logins })
	citizenVersion = monotable.Field(func(c *citizen) *int { return &c.Version })
)

// oldCitizens are found by city; todaysCitizens by town and name.
func oldCitizens(rules ...monotable.Rule[citizen]) monotable.Schema[citizen] {
	return monotable.Schema[citizen]{
		Name: "Citizen", Key: monotable.Key{Partition: "CITIZEN#{id}", Sort: "PROFILE"}, Rules: rules,
		Indexes: map[string]monotable.Key{"GSI1": {Partition: "CITY#{city}", Sort: "{id}"}},
	}
}

func todaysCitizens(rules ...monotable.Rule[citizen]) monotable.Schema[citizen] {
	s := oldCitizens(rules...)
	s.Indexes = map[string]monotable.Key{"GSI1": {Partition: "TOWN#{city}", Sort: "NAME#{name}#{id}"}}
	return s
}

func versionedCitizens() monotable.Rule[citizen] { return monotable.Version(citizenVersion) }

// town is a table, and the plain client beside it.
type town struct {
	t      testing.TB
	client *dynamodb.Client
	cfg    monotable.TableConfig
}

func townConfig() monotable.TableConfig {
	return monotable.TableConfig{
		PartitionKey: "PK", SortKey: "SK", Indexes: []monotable.Index{{Name: "GSI1", PartitionKey: "GSI1PK", SortKey: "GSI1SK"}},
	}
}

func newTown(t testing.TB) *town { return townOn(t, monotabletest.Client(t), townConfig()) }

func townOn(t testing.TB, client *dynamodb.Client, cfg monotable.TableConfig) *town {
	cfg.Name = "town"
	w := &town{t: t, client: client, cfg: cfg}
	monotabletest.TableOn(t, w.client, cfg)
	return w
}

// as is the table as a program of its own knows it, through a client.
func (w *town) as(client monotable.Client, schemas ...monotable.Schema[citizen]) *monotable.Table {
	w.t.Helper()
	table, err := monotable.NewTable(client, w.cfg)
	require.NoError(w.t, err)
	for _, s := range schemas {
		_, err := monotable.NewEntity(table, s)
		require.NoError(w.t, err)
	}
	return table
}

func (w *town) store(client monotable.Client) *lease.Store {
	w.t.Helper()
	s, err := lease.NewStore(w.as(client))
	require.NoError(w.t, err)
	return s
}

// settle stores n citizens by a schema, every fourth of them with an attribute that no program knows.
func (w *town) settle(n int, schema monotable.Schema[citizen]) {
	w.t.Helper()
	e, err := monotable.NewEntity(w.as(w.client), schema)
	require.NoError(w.t, err)
	for i := range n {
		id := fmt.Sprintf("%03d", i)
		_, err := e.Create(w.t.Context(), citizen{ID: id, Name: "name" + id, City: fmt.Sprintf("c%d", i%3)})
		require.NoError(w.t, err)
		if i%4 == 0 {
			w.set(profile(id), "extra", vS("x"))
		}
	}
}

// profile is the key of a citizen.
func profile(id string) attributes {
	return attributes{"PK": vS("CITIZEN#" + id), "SK": vS("PROFILE")}
}

// set sets an attribute as another program would.
func (w *town) set(key attributes, name string, av types.AttributeValue) {
	w.t.Helper()
	_, err := w.client.UpdateItem(w.t.Context(), &dynamodb.UpdateItemInput{
		TableName: &w.cfg.Name, Key: key, UpdateExpression: new("SET #n = :v"),
		ExpressionAttributeNames: map[string]string{"#n": name}, ExpressionAttributeValues: attributes{":v": av},
	})
	require.NoError(w.t, err)
}

func (w *town) put(items ...attributes) {
	w.t.Helper()
	for some := range slices.Chunk(items, 25) {
		in := &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{}}
		for _, item := range some {
			in.RequestItems[w.cfg.Name] = append(in.RequestItems[w.cfg.Name], types.WriteRequest{PutRequest: &types.PutRequest{Item: item}})
		}
		_, err := w.client.BatchWriteItem(w.t.Context(), in)
		require.NoError(w.t, err)
	}
}

func (w *town) get(key attributes) attributes {
	w.t.Helper()
	out, err := w.client.GetItem(w.t.Context(), &dynamodb.GetItemInput{TableName: &w.cfg.Name, Key: key, ConsistentRead: new(true)})
	require.NoError(w.t, err)
	return out.Item
}

// dump is what is stored, by key, without the records of the store and without write ids.
func (w *town) dump() map[string]attributes {
	w.t.Helper()
	all := map[string]attributes{}
	for _, item := range w.items() {
		if vText(item["_et"]) != lease.Tag {
			delete(item, "_w")
			all[fmt.Sprint(vText(item[w.cfg.PartitionKey]), " ", vText(item[w.cfg.SortKey]))] = item
		}
	}
	return all
}

func (w *town) items() []attributes {
	w.t.Helper()
	var all []attributes
	pages := dynamodb.NewScanPaginator(w.client, &dynamodb.ScanInput{TableName: &w.cfg.Name, ConsistentRead: new(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(w.t.Context())
		require.NoError(w.t, err)
		all = append(all, page.Items...)
	}
	return all
}

// anew runs f in virtual time, but not with a server, whose connections know no such time.
func anew(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	if monotabletest.Endpoint(t) == "" {
		synctest.Test(t, f)
		return
	}
	f(t)
}

// shortLease is one that a test can wait out, and that a busy machine keeps.
// shortLease is soon over, after a crash. On a server it takes real time, in which a busy machine must be able to renew it.
func shortLease() migrate.BackfillOption {
	if os.Getenv("DYNAMODB_ENDPOINT") != "" {
		return migrate.SegmentTTL(3 * time.Second)
	}
	return migrate.SegmentTTL(800 * time.Millisecond)
}

// hastyClient makes the SDK's own retries wait hardly at all.
func hastyClient(o *dynamodb.Options) {
	o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxBackoff = 2 * time.Millisecond
		o.RateLimiter = ratelimit.None
	})
}

// crashEverywhere runs a job on a table of its own, crashes it before, or after, one request after the other, see crashPoints, and lets another process run it again: the table must be the same
// as after an undisturbed run. left sees what a crash leaves, before and after which the table is as given.
func crashEverywhere(t *testing.T, prepare func(*town), job func(context.Context, *town, monotable.Client) error, left func(t testing.TB, before, after, now map[string]attributes)) {
	t.Helper()
	const fewest = 10
	w := newTown(t)
	prepare(w)
	items, before := w.items(), w.dump()
	var after map[string]attributes
	requests := 0
	for kind, stop := range []func(*monotabletest.Faults, int){
		func(*monotabletest.Faults, int) {}, (*monotabletest.Faults).StopAt, (*monotabletest.Faults).StopAfter,
	} {
		points := []int{0}
		if kind > 0 {
			points = crashPoints(t, requests+1, kind) // the last one is never reached
		}
		for _, n := range points {
			anew(t, func(t *testing.T) {
				w := newTown(t)
				w.put(items...)
				var faults monotabletest.Faults
				stop(&faults, n)
				err := job(t.Context(), w, faults.Client(w.client))
				if kind == 0 {
					require.NoError(t, err)
					after, requests = w.dump(), len(faults.Requests())
					require.NotEqual(t, before, after)
					require.Greater(t, requests, fewest)
					return
				}
				if len(faults.Requests()) < n {
					require.NoError(t, err)
				} else if err != nil { // without an error it was the last one, which gives a lease back
					require.ErrorIs(t, err, monotabletest.ErrStopped)
				}
				left(t, before, after, w.dump())
				require.NoError(t, job(t.Context(), w, w.client), "crash at request %d of %d", n, requests)
				require.Equal(t, after, w.dump(), "crash at request %d of %d", n, requests)
			})
			if t.Failed() {
				return
			}
		}
	}
	t.Log(requests, "requests")
}

// crashPoints are the requests of a run at which a process is ended: 16 of them, at even distances, or as many as MONOTABLE_CRASH_POINTS says, which may be all. Those of another
// kind stand between them.
func crashPoints(t testing.TB, total, kind int) []int {
	t.Helper()
	most := 16
	if text := os.Getenv("MONOTABLE_CRASH_POINTS"); text == "all" {
		most = total
	} else if text != "" {
		var err error
		most, err = strconv.Atoi(text)
		require.NoError(t, err)
	}
	if monotabletest.Endpoint(t) != "" {
		most = min(most, 4) // a lease is waited out in real time
	}
	stride := max(float64(total)/float64(max(most, 1)), 1)
	var points []int
	for n := 1 + stride/2*float64(kind%2); n <= float64(total); n += stride {
		points = append(points, int(n))
	}
	if points[len(points)-1] != total {
		points = append(points, total)
	}
	return points
}

// beforeOrAfter: each item is as it was, or as it shall be, and nothing between.
func beforeOrAfter(t testing.TB, before, after, now map[string]attributes) {
	t.Helper()
	for key, item := range now {
		if fmt.Sprint(flat(item)) != fmt.Sprint(flat(before[key])) {
			require.Equal(t, after[key], item, key)
		}
	}
}

func flat(item attributes) map[string]string {
	all := map[string]string{}
	for name, av := range item {
		all[name] = vText(av)
	}
	return all
}

// scans counts the scans that begin a segment, by its number.
func scans(faults *monotabletest.Faults) map[string]int {
	begun := map[string]int{}
	for _, r := range faults.Requests() {
		body := string(r.Body)
		if r.Operation != "Scan" || strings.Contains(body, "ExclusiveStartKey") {
			continue
		}
		_, rest, _ := strings.Cut(body, `"Segment":`)
		segment, _, _ := strings.Cut(rest, ",")
		begun[segment]++
	}
	return begun
}

// once runs f the first time that it is called.
func once(f func()) func() {
	var o sync.Once
	return func() { o.Do(f) }
}

var errOfProgram = errors.New("no such plan")
