package monotable_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"strconv"
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
	pause "github.com/monotable/monotable/internal/retry"
	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/monotabletest"
)

// Many writers of one item under faults: what they were told must agree with what is stored. In memory this runs in virtual time, where
// every request takes some milliseconds; on a server in real time.

const (
	chaosWriters = 64
	chaosEach    = 20
	chaosAll     = chaosWriters * chaosEach

	chaosFew = 16 // writers on a server, where each request takes its time, of all tests but one
)

// tally is what all of the writers work on.
type tally struct {
	ID      string         `dynamodbav:"id"`
	Total   int            `dynamodbav:"total"`
	By      map[string]int `dynamodbav:"by"` // by writer, so that what one loses another cannot make up for
	Version int64          `dynamodbav:"version"`
}

var (
	tallyTotal   = monotable.Field(func(c *tally) *int { return &c.Total })
	tallyBy      = monotable.Field(func(c *tally) *map[string]int { return &c.By })
	tallyVersion = monotable.Field(func(c *tally) *int64 { return &c.Version })
)

func tallySchema() monotable.Schema[tally] {
	return monotable.Schema[tally]{
		Name: "Tally", Key: monotable.Key{Partition: "TALLY#{id}", Sort: "TALLY"},
		Rules: []monotable.Rule[tally]{monotable.Version(tallyVersion)},
	}
}

// count is one more by the writer.
func (c *tally) count(writer int) {
	by := maps.Clone(c.By)
	if by == nil {
		by = map[string]int{}
	}
	by[strconv.Itoa(writer)]++
	c.Total, c.By = c.Total+1, by
}

// ledger is what the writers were told.
type ledger struct {
	mu                                       sync.Mutex
	acknowledged, unknown                    map[string]int // by writer
	tries, conflicts, throttled, unconfirmed int
	wrong                                    []error // what no writer may be told
}

// enter notes what an attempt to count came to, and says whether it was acknowledged.
func (l *ledger) enter(writer int, err error) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	name := strconv.Itoa(writer)
	l.tries++
	switch {
	case err == nil:
		l.acknowledged[name]++
	case errors.Is(err, monotable.ErrOutcomeUnknown):
		l.unknown[name]++
		l.unconfirmed++
	case errors.Is(err, monotable.ErrConditionFailed):
		l.conflicts++
	case errors.Is(err, monotable.ErrThrottled):
		l.throttled++
	default:
		l.wrong = append(l.wrong, err)
	}
	return err == nil
}

// check compares what the writers were told with what is stored, and gives the first contradiction.
func (l *ledger) check(stored tally, writers int) error {
	if len(l.wrong) > 0 {
		return fmt.Errorf("%d errors that say neither written nor not: %w", len(l.wrong), l.wrong[0])
	}
	sum := 0
	for i := range writers {
		name := strconv.Itoa(i)
		got, least := stored.By[name], l.acknowledged[name]
		if most := least + l.unknown[name]; got < least || got > most {
			return fmt.Errorf("writer %s: %d stored; %d acknowledged, %d unknown", name, got, least, l.unknown[name])
		}
		sum += got
	}
	if stored.Total != sum || stored.Version != int64(sum)+1 {
		return fmt.Errorf("%d by all writers, but the total is %d and the version %d", sum, stored.Total, stored.Version)
	}
	return nil
}

func (l *ledger) acks() int {
	sum := 0
	for _, n := range l.acknowledged {
		sum += n
	}
	return sum
}

// chaos is a table with the tally, the client that meets faults and the plain one.
type chaos struct {
	*store
	faults  monotabletest.Faults
	client  *dynamodb.Client // meets the faults
	tallies *monotable.Entity[tally]
	key     rawItem
	ledger  ledger
	writers int
	waits   pause.Backoff // between tries
	started time.Time
}

// chaosFaults is the weather: 10 % throttled, 5 % failed, 5 % done with the reply lost. In virtual time every request takes
// its time to the server and back.
func (c *chaos) chaosFaults(seed uint64, virtual, stormy bool) {
	slow := func(f monotabletest.Fault) monotabletest.Fault {
		if !virtual {
			return f
		}
		return travelling(f)
	}
	c.faults.Seed(seed)
	if stormy {
		for _, operation := range []string{"PutItem", "UpdateItem", "TransactWriteItems", "GetItem"} {
			c.faults.Rate(operation, 0.10, slow(monotabletest.Throttle(memdb.ThrottlingError)))
			c.faults.Rate(operation, 0.05, slow(monotabletest.InternalServerError()))
			c.faults.Rate(operation, 0.05, slow(monotabletest.ReplyLost()))
		}
	}
	if virtual {
		c.faults.Rate("", 1, travelling(nil))
	}
}

// travelling lets a request and its reply take one to four milliseconds each.
func travelling(f monotabletest.Fault) monotabletest.Fault {
	leg := pause.Backoff{Base: 3 * time.Millisecond, Cap: 3 * time.Millisecond}
	return func(r *http.Request, do func(*http.Request) (*http.Response, error)) (*http.Response, error) {
		travel := func() error {
			return sleepUntil(r.Context(), time.Millisecond+leg.Delay(0))
		}
		if err := travel(); err != nil {
			return nil, err
		}
		var resp *http.Response
		var err error
		if f == nil {
			resp, err = do(r)
		} else {
			resp, err = f(r, do)
		}
		if late := travel(); late != nil {
			return nil, late
		}
		return resp, err
	}
}

func sleepUntil(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// quickly retries as the SDK does, ten times, from 5 ms, and without the quota that many writers of one client would empty.
func quickly() *retry.Standard {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts, o.RateLimiter = 10, ratelimit.None
		o.Backoff = retry.BackoffDelayerFunc(func(attempt int, _ error) (time.Duration, error) {
			return pause.Backoff{Base: 5 * time.Millisecond, Cap: 100 * time.Millisecond}.Delay(attempt), nil
		})
	})
}

// fewOnServer is how many writers a variant has.
func fewOnServer(t *testing.T) int {
	if monotabletest.Endpoint(t) == "" {
		return chaosWriters
	}
	return chaosFew
}

// runChaos lets all writers run at once and checks what they were told. one does one increment and tells the ledger of each try.
func runChaos(t *testing.T, writers int, stormy bool, one func(ctx context.Context, c *chaos, writer int)) (*chaos, tally, error) {
	t.Helper()
	var c *chaos
	var stored tally
	var wrong error
	run := func(t *testing.T) {
		c = &chaos{store: openStore(t, monotable.TableConfig{Name: "chaos"}), key: keyPS("TALLY#x", "TALLY"), writers: writers}
		virtual := monotabletest.Endpoint(t) == ""
		c.ledger.acknowledged, c.ledger.unknown = map[string]int{}, map[string]int{}
		c.client = c.faults.Client(c.store.client, func(o *dynamodb.Options) { o.Retryer = quickly() })
		c.tallies = mustEntity(t, c.over(c.client), tallySchema())
		c.waits = pause.Backoff{Base: 10 * time.Millisecond, Cap: time.Second}
		if !virtual { // a real server is slower than two cores are at asking it, so waiting longer is sooner done
			c.waits = pause.Backoff{Base: 100 * time.Millisecond, Cap: 2 * time.Second}
			c.tallies = c.tallies.With(monotable.Backoff(func(try int) time.Duration {
				return min(c.waits.Base<<min(try, 10), c.waits.Cap)
			}))
		}
		plain := mustEntity(t, c.Table, tallySchema())
		_, err := plain.Create(t.Context(), tally{ID: "x", By: map[string]int{}})
		require.NoError(t, err)
		c.chaosFaults(uint64(len(t.Name())), virtual, stormy)
		c.started = time.Now()
		together(writers, func(writer int) error {
			for range chaosEach {
				one(t.Context(), c, writer)
			}
			return nil
		})
		stored, err = plain.With(monotable.Consistent()).Get(t.Context(), tally{ID: "x"})
		require.NoError(t, err)
		wrong = c.ledger.check(stored, writers)
		l := &c.ledger
		t.Logf("stored %d, acknowledged %d, unknown %d (%.1f %%), conflicts %d, throttled %d, of %d tries; %d requests, %v",
			stored.Total, l.acks(), l.unconfirmed, 100*float64(l.unconfirmed)/float64(l.tries), l.conflicts, l.throttled, l.tries,
			len(c.faults.Requests()), time.Since(c.started).Round(time.Millisecond))
	}
	start := time.Now()
	if monotabletest.Endpoint(t) == "" {
		synctest.Test(t, run)
		t.Logf("in virtual time; really %v", time.Since(start).Round(time.Millisecond))
	} else {
		run(t)
	}
	return c, stored, wrong
}

// again is the pause of a caller who tries anew.
func (c *chaos) again(ctx context.Context, try int) {
	_ = c.waits.Wait(ctx, try)
}

func modifyOnce(ctx context.Context, e *monotable.Entity[tally], writer int) error {
	_, err := e.Modify(ctx, tally{ID: "x"}, func(c *tally) error { c.count(writer); return nil })
	return err
}

// TestChaosExactlyOnce: every increment is stored once, whatever befalls it.
func TestChaosExactlyOnce(t *testing.T) {
	t.Parallel()
	c, stored, wrong := runChaos(t, chaosWriters, true, func(ctx context.Context, c *chaos, writer int) {
		for try := 0; !c.ledger.enter(writer, modifyOnce(ctx, c.tallies.With(monotable.ExactlyOnce()), writer)); try++ {
			c.again(ctx, try)
		}
	})
	require.NoError(t, wrong)
	require.Equal(t, chaosAll, c.ledger.acks())
	require.Equal(t, chaosAll, stored.Total)
	require.Zero(t, c.ledger.unconfirmed)
}

// TestChaosModify: in the ordinary mode what is not acknowledged is known to be not written, or said to be unknown.
func TestChaosModify(t *testing.T) {
	t.Parallel()
	c, _, wrong := runChaos(t, fewOnServer(t), true, func(ctx context.Context, c *chaos, writer int) {
		c.ledger.enter(writer, modifyOnce(ctx, c.tallies, writer))
	})
	require.NoError(t, wrong)
	require.Equal(t, c.writers*chaosEach, c.ledger.tries)
	require.LessOrEqual(t, c.ledger.unconfirmed, c.writers*chaosEach/10)
}

// attempting repeats an increment that reads and then writes, until it is written or nobody knows.
func attempting(ctx context.Context, c *chaos, writer int, write func(read tally) error) {
	for try := 0; ; try++ {
		read, err := c.tallies.With(monotable.Consistent()).Get(ctx, tally{ID: "x"})
		if err == nil {
			err = write(read)
		}
		if c.ledger.enter(writer, err) || errors.Is(err, monotable.ErrOutcomeUnknown) {
			return
		}
		c.again(ctx, try)
	}
}

// TestChaosPut: by reading and Put under the version that was read.
func TestChaosPut(t *testing.T) {
	t.Parallel()
	_, _, wrong := runChaos(t, fewOnServer(t), true, func(ctx context.Context, c *chaos, writer int) {
		attempting(ctx, c, writer, func(read tally) error {
			read.count(writer)
			_, err := c.tallies.Put(ctx, read)
			return err
		})
	})
	require.NoError(t, wrong)
}

// TestChaosUpdate: by reading and Update under the version that was read.
func TestChaosUpdate(t *testing.T) {
	t.Parallel()
	_, _, wrong := runChaos(t, fewOnServer(t), true, func(ctx context.Context, c *chaos, writer int) {
		attempting(ctx, c, writer, func(read tally) error {
			version := read.Version
			read.count(writer)
			_, err := c.tallies.Update(ctx, tally{ID: "x"}, tallyTotal.Set(read.Total), tallyBy.Set(read.By), tallyVersion.Eq(version))
			return err
		})
	})
	require.NoError(t, wrong)
}

// TestChaosCalm: without faults nothing is lost and nothing unknown.
func TestChaosCalm(t *testing.T) {
	t.Parallel()
	c, stored, wrong := runChaos(t, fewOnServer(t), false, func(ctx context.Context, c *chaos, writer int) {
		for try := 0; !c.ledger.enter(writer, modifyOnce(ctx, c.tallies, writer)); try++ {
			c.again(ctx, try)
		}
	})
	require.NoError(t, wrong)
	require.Equal(t, c.writers*chaosEach, stored.Total)
	require.Equal(t, c.writers*chaosEach, c.ledger.acks())
	require.Zero(t, c.ledger.unconfirmed)
}

// TestChaosShowsABadProtocol: the version as the only condition, and a refusal taken for "not written", as most programs do. The checker
// must find out, or the tests above prove nothing.
func TestChaosShowsABadProtocol(t *testing.T) {
	t.Parallel()
	_, _, wrong := runChaos(t, fewOnServer(t), true, func(ctx context.Context, c *chaos, writer int) {
		for try := 0; ; try++ {
			out, err := c.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &c.cfg.Name, Key: c.key, ConsistentRead: new(true)})
			if err != nil {
				continue
			}
			item := out.Item
			number := func(av types.AttributeValue) int {
				n, _ := strconv.Atoi(av.(*types.AttributeValueMemberN).Value)
				return n
			}
			version, name := number(item["version"]), strconv.Itoa(writer)
			by := item["by"].(*types.AttributeValueMemberM).Value
			mine := 0
			if av := by[name]; av != nil {
				mine = number(av)
			}
			by[name] = avN(strconv.Itoa(mine + 1))
			item["total"], item["version"] = avN(strconv.Itoa(number(item["total"])+1)), avN(strconv.Itoa(version+1))
			_, err = c.client.PutItem(ctx, &dynamodb.PutItemInput{
				TableName: &c.cfg.Name, Item: item, ConditionExpression: new("version = :v"),
				ExpressionAttributeValues: rawItem{":v": avN(strconv.Itoa(version))},
			})
			if c.ledger.enter(writer, bluntly(err)) {
				return
			}
			c.again(ctx, try+rand.IntN(2))
		}
	})
	require.Error(t, wrong)
	t.Log(wrong)
}

// bluntly takes a failed condition for a conflict and everything else for "not written".
func bluntly(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		return monotable.ErrConditionFailed
	}
	return monotable.ErrThrottled
}
