package readthrough_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/examples/cache/readthrough"
	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/monotabletest"
)

// hooked is a client with a hook after each GetItem and BatchGetItem that was answered.
type hooked struct {
	monotable.Client
	after func()
}

func (h *hooked) GetItem(ctx context.Context, in *dynamodb.GetItemInput, optFns ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	out, err := h.Client.GetItem(ctx, in, optFns...)
	h.after()
	return out, err
}

func (h *hooked) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput, optFns ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	out, err := h.Client.BatchGetItem(ctx, in, optFns...)
	h.after()
	return out, err
}

// A read that was answered before a write, and comes back after it, is not kept; who reads after the write does not wait for it.
func TestReadsFromBeforeAWrite(t *testing.T) {
	for name, read := range map[string]func(*desk) (note, error){
		"one": func(d *desk) (note, error) { return d.notes.Get(d.Context(), key("a")) },
		"batch": func(d *desk) (note, error) {
			got, err := d.notes.BatchGet(d.Context(), []note{key("a")})
			return got[0].Item, err
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := &hooked{}
			d := deskOn(t, monotabletest.Client(t), func(c monotable.Client) monotable.Client { h.Client = c; return h })
			d.seed("a")
			h.after = func() {
				h.after = func() {}
				_, err := d.notes.Update(t.Context(), key("a"), noteN.Set(2))
				require.NoError(t, err)
				d.reads("a", 2, 1)
			}
			old, err := read(d)
			require.NoError(t, err)
			require.Equal(t, 1, old.N)
			d.reads("a", 2, 0)
		})
	}
}

// What is read while a write is under way does not outlive it.
func TestReadsDuringAWrite(t *testing.T) {
	for name := range newDesk(t).writes() {
		if strings.Contains(name, "ARN") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.seed("a")
			for _, operation := range []string{"PutItem", "UpdateItem", "BatchWriteItem", "TransactWriteItems"} {
				d.faults.Script(operation, func(r *http.Request, do func(*http.Request) (*http.Response, error)) (*http.Response, error) {
					d.reads("a", 1, 1) // the write is not applied yet
					return do(r)
				})
			}
			require.NoError(t, d.writes()[name](t.Context()))
			d.reads("a", 2, 1)
		})
	}
}

// slow answers a second late.
type slow struct{ monotable.Client }

func (s slow) GetItem(ctx context.Context, in *dynamodb.GetItemInput, optFns ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	out, err := s.Client.GetItem(ctx, in, optFns...)
	select {
	case <-time.After(time.Second):
		return out, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func TestSingleFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := deskOn(t, memdb.New(memdb.Options{}).Client(), func(c monotable.Client) monotable.Client { return slow{c} })
		d.seed("a", "b")
		crowd := func(n int, each func(int)) {
			var readers sync.WaitGroup
			for i := range n {
				readers.Go(func() { each(i) })
			}
			readers.Wait()
		}
		start := time.Now()
		d.rec.Expect(t, 1, func() {
			got := make([]note, 10)
			crowd(10, func(i int) { got[i], _ = d.notes.Get(t.Context(), key("a")) })
			for _, n := range got {
				require.Equal(t, 1, n.N)
			}
		})
		require.Equal(t, time.Second, time.Since(start))

		// Each has an answer of its own.
		var whole atomic.Int64
		crowd(10, func(int) {
			out, err := d.client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("desk"), Key: rawKey("b")})
			if err != nil {
				t.Error(err)
				return
			}
			if len(out.Item) == 8 && out.Item["PK"] != nil {
				whole.Add(1)
			}
			spoil(out.Item)
		})
		require.EqualValues(t, 10, whole.Load())

		// Whoever gives up does so alone, also if it is the one that has sent the request.
		var gaveUp, through atomic.Int64
		d.rec.Expect(t, 2, func() {
			crowd(10, func(i int) {
				time.Sleep(time.Duration(i) * time.Millisecond)
				ctx, stop := t.Context(), func() {}
				if i < 3 {
					ctx, stop = context.WithTimeout(ctx, 500*time.Millisecond-time.Duration(i)*10*time.Millisecond) // the first one last
				}
				defer stop()
				switch _, err := d.notes.Get(ctx, key("none")); {
				case errors.Is(err, context.DeadlineExceeded):
					gaveUp.Add(1)
				case errors.Is(err, monotable.ErrNotFound):
					through.Add(1)
				}
			})
		})
		require.EqualValues(t, 3, gaveUp.Load())
		require.EqualValues(t, 7, through.Load())

		// An error is shared, and not kept.
		d.faults.Script("GetItem", monotabletest.Refuse(400, "AccessDeniedException"))
		var refused atomic.Int64
		d.rec.Expect(t, 1, func() {
			crowd(5, func(int) {
				if _, err := d.notes.Get(t.Context(), key("none2")); err != nil && !errors.Is(err, monotable.ErrNotFound) {
					refused.Add(1)
				}
			})
		})
		require.EqualValues(t, 5, refused.Load())
		d.reads("none2", 0, 1)
	})
}

// A process alone with its table reads what it has written last, whoever else of it reads and writes at the same time, and whatever replies are lost.
func TestConcurrentUse(t *testing.T) {
	d := newDesk(t, func(c *readthrough.Config) { c.MaxBytes = 4_000 })
	ids := []string{"a", "b", "c", "d", "e", "f"}
	d.seed(ids...)
	d.faults.Rate("UpdateItem", 0.1, monotabletest.ReplyLost())
	written := make([]atomic.Int64, len(ids))
	var writers, readers sync.WaitGroup
	stop := make(chan struct{})
	for i, id := range ids {
		writers.Go(func() {
			for n := 2; n < 100; n++ {
				if _, err := d.notes.Update(t.Context(), key(id), noteN.Set(n)); err == nil {
					written[i].Store(int64(n))
				}
			}
		})
	}
	for w := range 4 {
		readers.Go(func() {
			dice := rand.New(rand.NewPCG(uint64(w), 1))
			for {
				select {
				case <-stop:
					return
				default:
				}
				i := dice.IntN(len(ids))
				j := (i + 1) % len(ids)
				atLeast := []int64{written[i].Load(), written[j].Load()}
				var got []note
				var err error
				if dice.IntN(2) == 0 {
					var n note
					n, err = d.notes.Get(t.Context(), key(ids[i]))
					got = []note{n}
				} else {
					var results []monotable.BatchResult[note]
					results, err = d.notes.BatchGet(t.Context(), []note{key(ids[i]), key(ids[j])})
					for _, r := range results {
						got = append(got, r.Item)
					}
				}
				if err != nil {
					t.Error(err)
					return
				}
				for k, n := range got {
					if int64(n.N) < atLeast[k] {
						t.Errorf("%s: read %d after %d was written", n.ID, n.N, atLeast[k])
					}
				}
			}
		})
	}
	writers.Wait()
	close(stop)
	readers.Wait()
	require.Positive(t, d.client.Stats().Hits)
}
