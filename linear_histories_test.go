package monotable_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

const (
	linClients   = 8
	linRegisters = 3 // keys of their own: groups 0, 1, …
	linPairs     = 1 // of keys between which is transferred: the groups after
	linBalance   = 1000
)

// linSetup is how histories are made.
type linSetup struct {
	operations int
	weather    func(*linWeather)
	unmarked   bool           // the items do not carry their write id
	plain      bool           // nothing is ExactlyOnce
	once       bool           // everything is
	pairs      bool           // only the keys between which is transferred
	crowded    bool           // only one key, for what few histories of several show
	strict     bool           // nothing may have a second effect
	raw        bool           // by hand instead of the library
	lie        func(o *linOp) // changes what a client is told
	stats      *linStats
}

// linStats are counted over histories.
type linStats struct {
	histories, operations, writes, unknown, refused, void, requests, faulted atomic.Int64
	checking                                                                 atomic.Int64 // nanoseconds
}

func (s *linStats) String() string {
	return fmt.Sprintf("%d histories, %d operations, %d writes (%.1f %% unknown, %.1f %% refused), %d calls failed without effect, %d requests (%.1f %% with a fault), checked in %v",
		s.histories.Load(), s.operations.Load(), s.writes.Load(), percent(s.unknown.Load(), s.writes.Load()), percent(s.refused.Load(), s.writes.Load()),
		s.void.Load(), s.requests.Load(), percent(s.faulted.Load(), s.requests.Load()), time.Duration(s.checking.Load()).Round(time.Millisecond))
}

func percent(n, of int64) float64 { return 100 * float64(n) / float64(max(of, 1)) }

// linRun is one history while it is made.
type linRun struct {
	*linSetup
	stores  []linStore // by group
	weather *linWeather
	moment  atomic.Int64 // every call and every return has one of its own
	stamps  atomic.Int64

	mu      sync.Mutex
	history linHistory
	known   map[string][]linItem // what clients have seen under a key, the last few
	problem error                // a result that no history is needed for
}

func linID(group, slot int) string { return fmt.Sprintf("%d-%d", group, slot) }

// fail notes the first result that cannot be right.
func (r *linRun) fail(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.problem == nil {
		r.problem = fmt.Errorf(format, args...)
	}
}

// saw remembers an item for later writes.
func (r *linRun) saw(id string, item linItem) {
	r.mu.Lock()
	defer r.mu.Unlock()
	item.ID = id
	r.known[id] = append(r.known[id], item)
	if n := len(r.known[id]); n > 12 {
		r.known[id] = r.known[id][n-12:]
	}
}

// held is an item that the client believes to be stored: most often the last that anybody saw.
func (r *linRun) held(dice *rand.Rand, id string) (linItem, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.known[id]
	if len(all) == 0 {
		return linItem{}, false
	}
	if dice.IntN(5) == 0 {
		return all[dice.IntN(len(all))], true
	}
	return all[len(all)-1], true
}

// record takes a call's end and its result.
func (r *linRun) record(ops ...*linOp) {
	end := r.moment.Add(1)
	for _, o := range ops {
		o.end = end
		if r.lie != nil {
			r.lie(o)
		}
		if o.outcome == linUnknown {
			o.end = math.MaxInt64
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.history.ops = append(r.history.ops, ops...)
}

// told sorts a write's error into an outcome.
func (r *linRun) told(store linStore, o *linOp, err error) {
	o.err = err
	var written *monotable.DecodeError
	failed, isCond := errors.AsType[*monotable.ConditionError](err)
	switch {
	case errors.Is(err, monotable.ErrInvalid):
		r.fail("%s: %w", o.verb, err)
	case errors.As(err, &written) && written.Written:
		o.outcome = linDone // under ExactlyOnce the item is read afterwards, and may be gone by then
	case errors.Is(err, monotable.ErrOutcomeUnknown):
		o.outcome = linUnknown
		r.stats.unknown.Add(1)
	case isCond && failed.Ambiguous:
		o.outcome = linUnknown // it may have been there for a moment, or come late
		r.stats.unknown.Add(1)
	case errors.Is(err, monotable.ErrConditionFailed):
		o.outcome = linRefused
		r.stats.refused.Add(1)
		reasons := map[int]error{0: err}
		if tx, ok := errors.AsType[*monotable.TransactionError](err); ok && o.wide {
			clear(reasons)
			for _, op := range tx.Operations {
				reasons[op.Index] = op.Err
			}
		}
		for i, reason := range reasons {
			if item, ok := store.old(reason); ok {
				o.told[i], o.seen[i] = linToldSeen, item.cell()
			} else if errors.Is(reason, monotable.ErrNotFound) {
				o.told[i] = linToldAbsent
			} else if errors.Is(reason, monotable.ErrAlreadyExists) {
				o.told[i] = linToldPresent
			}
		}
	default:
		o.outcome = linFailed
		r.stats.void.Add(1)
	}
}

// linResends is how often the SDK sends a call again.
const linResends = 2

// one is a call on one key.
func (r *linRun) one(ctx context.Context, dice *rand.Rand, client, group, slot int) {
	store, id := r.stores[group], linID(group, slot)
	o := &linOp{client: client, group: group, at: [2]int{slot}}
	next := linItem{ID: id, Stamp: int(r.stamps.Add(1)), N: dice.IntN(100)}
	from, known := r.held(dice, id)
	pair := group >= linRegisters
	once := (dice.IntN(6) == 0 || r.once) && !r.plain
	// A Create that comes twice brings its very write id back, and with it what was written under that. So where items are deleted they
	// are created exactly once; TestLinearCreatesTwice shows why.
	deletes := group%2 == 0 || r.plain
	// A Create that is sent again after a lost reply is stored again if the item was deleted in between, so it may have an effect each time.
	// Under ExactlyOnce it must not.
	again := func(o *linOp) []*linOp {
		if r.strict || once || o.from[0] != (linCell{}) || o.outcome != linDone && o.outcome != linUnknown {
			return []*linOp{o}
		}
		all := []*linOp{o}
		for range linResends {
			more := *o
			more.verb, more.err = "resend of "+o.verb, nil
			if o.outcome == linDone {
				more.outcome = linResent
			}
			all = append(all, &more)
		}
		return all
	}
	var got linItem
	var err error
	verb := dice.IntN(100)
	switch {
	case verb < 22 || pair && verb < 40:
		o.verb, o.call = "Get", r.moment.Add(1)
		got, err = store.get(ctx, id)
		switch {
		case err == nil:
			r.saw(id, got)
			o.seen[0] = got.cell()
		case !errors.Is(err, monotable.ErrNotFound):
			o = nil
		}
		if o == nil {
			r.stats.void.Add(1)
			return
		}
		r.record(o)
		return
	case !pair && (verb < 36 || !known):
		once = once || deletes && !r.plain
		o.verb = "Create"
		if verb%4 == 0 {
			o.verb = "Put"
		}
		next.Ver = 1
		o.to[0] = next.cell()
		next.Ver = 0
		o.call = r.moment.Add(1)
		if o.verb == "Put" {
			got, err = store.put(ctx, once, next)
		} else {
			got, err = store.create(ctx, once, next)
		}
	case !pair && verb < 48 && deletes:
		o.verb, o.from[0], o.call = "Delete", from.cell(), r.moment.Add(1)
		var old *linItem
		old, err = store.remove(ctx, once, from)
		switch {
		case err == nil && old == nil:
			o.outcome = linGone
			r.stats.writes.Add(1)
			r.record(o)
			return
		case err == nil && old.cell() != from.cell():
			r.fail("Delete of %v gave %v", from, *old)
		}
	case verb < 76:
		if pair { // the sum stays
			next.N = from.N
		}
		next.Ver = from.Ver + 1
		o.from[0], o.to[0] = from.cell(), next.cell()
		o.verb, o.call = "Update", r.moment.Add(1)
		if verb%2 == 0 {
			o.verb = "Put"
			next.Ver, next.W = from.Ver, from.W
			got, err = store.put(ctx, once, next)
		} else {
			got, err = store.update(ctx, once, from, next)
		}
	default:
		o.verb, o.call = "Modify", r.moment.Add(1)
		got, err = store.modify(ctx, once, id, func(item *linItem) {
			o.from[0] = item.cell()
			item.Stamp = int(r.stamps.Add(1))
			if !pair {
				item.N++
			}
			o.to[0] = item.cell()
			o.to[0].ver++
		})
		if o.from[0] == (linCell{}) { // nothing was read, so nothing was sent
			switch {
			case errors.Is(err, monotable.ErrNotFound):
				o.err = err
				r.record(o)
				return
			case err == nil || errors.Is(err, monotable.ErrOutcomeUnknown):
				r.fail("Modify sent nothing and says %w", err)
			}
		}
	}
	if once {
		o.verb += " once"
	}
	r.stats.writes.Add(1)
	if err != nil {
		r.told(store, o, err)
		r.record(again(o)...)
		return
	}
	o.outcome = linDone
	ops := again(o)
	if o.to[0] != (linCell{}) {
		r.saw(id, got)
		if got.cell() != o.to[0] {
			// A write that was recognised by its mark, or is ExactlyOnce, reads the item afterwards. Others may have written since.
			ops = append(ops, &linOp{verb: "answer of " + o.verb, client: client, group: group, at: o.at, seen: linCells{got.cell()}, call: o.call})
		}
	}
	r.record(ops...)
}

// wide is a call on both keys of a pair.
func (r *linRun) wide(ctx context.Context, dice *rand.Rand, client, group int) {
	store := r.stores[group]
	ids := [2]string{linID(group, 0), linID(group, 1)}
	o := &linOp{client: client, group: group, wide: true, at: [2]int{0, 1}}
	if dice.IntN(3) == 0 {
		o.verb, o.call = "TransactGet", r.moment.Add(1)
		got, err := store.both(ctx, ids)
		if err != nil {
			r.stats.void.Add(1)
			return
		}
		for i, item := range got {
			r.saw(ids[i], item)
			o.seen[i] = item.cell()
		}
		if got[0].N+got[1].N != linBalance {
			r.fail("a sum of %d in %v", got[0].N+got[1].N, got)
		}
		r.record(o)
		return
	}
	var from, to [2]linItem
	amount := dice.IntN(20) - 10
	o.verb = "transfer"
	for i, id := range ids {
		// Two items seen at different times make a transfer too: its versions refuse it.
		from[i], _ = r.held(dice, id)
		to[i] = from[i]
		to[i].Ver, to[i].Stamp, to[i].N = from[i].Ver+1, int(r.stamps.Add(1)), from[i].N+amount
		amount = -amount
		o.from[i], o.to[i] = from[i].cell(), to[i].cell()
	}
	o.call = r.moment.Add(1)
	err := store.transfer(ctx, from, to)
	r.stats.writes.Add(1)
	if err != nil {
		r.told(store, o, err)
	}
	if err == nil {
		o.outcome = linDone
	}
	r.record(o)
}

// run makes one history and looks at it.
func (setup *linSetup) run(t *testing.T, seed uint64, virtual bool) (r *linRun) {
	s := openStore(t, monotable.TableConfig{})
	w := newLinWeather(seed, virtual)
	w.slowRetries = setup.crowded
	r = &linRun{linSetup: setup, weather: w, known: map[string][]linItem{}, history: linHistory{begin: map[int]linCells{}}}
	cfg := s.cfg
	cfg.AttemptTimeout = 300 * time.Millisecond
	if !virtual {
		cfg.AttemptTimeout /= 3
	}
	client := w.client(s.client, seed%4 == 0)
	table, err := monotable.NewTable(client, cfg)
	require.NoError(t, err)
	table = table.With(monotable.Backoff(func(int) time.Duration { return 20 * time.Millisecond }), monotable.Attempts(6))
	marked, err := linMarked(table)
	require.NoError(t, err)
	plain, err := linUnmarked(table)
	require.NoError(t, err)
	for g := range linRegisters + linPairs {
		var store linStore = plain
		switch {
		case setup.raw:
			store = linRaw{client, cfg.Name}
		case !setup.unmarked && (g < linRegisters || seed%2 == 0): // nothing is deleted in pairs, so they can do without
			store = marked
		}
		r.stores = append(r.stores, store)
		if g < linRegisters {
			continue
		}
		var begin linCells
		for slot := range begin {
			item, err := store.create(t.Context(), false, linItem{ID: linID(g, slot), Stamp: int(r.stamps.Add(1)), N: linBalance / 2})
			require.NoError(t, err)
			begin[slot] = item.cell()
			r.saw(linID(g, slot), item)
		}
		r.history.begin[g] = begin
	}

	setup.weather(w)
	var clients sync.WaitGroup
	for c := range linClients {
		own := rand.New(rand.NewPCG(seed, uint64(c)+2))
		clients.Go(func() {
			for n := c; n < setup.operations; n += linClients {
				w.pause(3 * time.Millisecond)
				r.call(t.Context(), own, c)
			}
		})
	}
	clients.Wait()
	w.late.Wait()

	// What is there in the end.
	setup.stats.histories.Add(1)
	setup.stats.requests.Add(int64(len(w.Requests())))
	setup.stats.faulted.Add(w.faults.Load())
	w.Reset()
	for g, store := range r.stores {
		for slot := range 2 {
			if slot > 0 && g < linRegisters {
				continue
			}
			o := &linOp{verb: "last Get", client: linClients, group: g, at: [2]int{slot}, call: r.moment.Add(1)}
			var got linItem
			var err error
			for range 50 { // in calm weather only a busy machine makes it fail
				if got, err = store.get(t.Context(), linID(g, slot)); err == nil || errors.Is(err, monotable.ErrNotFound) {
					break
				}
			}
			if !errors.Is(err, monotable.ErrNotFound) {
				require.NoError(t, err)
			}
			o.seen[0] = got.cell()
			o.end = r.moment.Add(1)
			r.history.ops = append(r.history.ops, o)
		}
	}
	setup.stats.operations.Add(int64(setup.operations))
	return r
}

// call is one call of a client, now and then with little time.
func (r *linRun) call(ctx context.Context, dice *rand.Rand, client int) {
	if dice.IntN(25) == 0 {
		limit := time.Duration(1+dice.IntN(60)) * time.Millisecond
		if !r.weather.virtual {
			limit /= 10
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	group := dice.IntN(linRegisters + linPairs)
	switch {
	case r.pairs:
		group = linRegisters + dice.IntN(linPairs)
	case r.crowded:
		group = 0
	}
	if group >= linRegisters && dice.IntN(2) == 0 {
		r.wide(ctx, dice, client, group)
		return
	}
	slot := 0
	if group >= linRegisters {
		slot = dice.IntN(2)
	}
	r.one(ctx, dice, client, group, slot)
}

// verdict is what is wrong with the history; "" for nothing.
func (r *linRun) verdict() string {
	start := time.Now()
	defer func() { r.stats.checking.Add(int64(time.Since(start))) }()
	if r.problem != nil {
		return r.problem.Error()
	}
	return r.history.verdict()
}

// linSeed is LINEAR_SEED, or one of the moment. Together with a history's number it says what the clients do and what goes wrong. In
// which order things happen depends on the scheduler and on jitter besides, so a failure may need some histories to come back; it prints its own.
func linSeed(t *testing.T) uint64 {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("LINEAR_SEED"); text != "" {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err)
	}
	t.Logf("LINEAR_SEED=%d", seed)
	return seed
}

// all makes n histories, several at a time, and gives what is wrong with them. It ends early when enough says so.
func (setup *linSetup) all(t *testing.T, seed uint64, n int, enough func(bad int) bool) (bad []string) {
	t.Helper()
	virtual := monotabletest.Endpoint(t) == ""
	setup.stats = &linStats{}
	var mu sync.Mutex
	var next atomic.Int64
	start := time.Now()
	t.Run("histories", func(t *testing.T) {
		for range min(runtime.GOMAXPROCS(0), 8) {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				for {
					i := next.Add(1) - 1
					mu.Lock()
					done := i >= int64(n) || enough != nil && enough(len(bad))
					mu.Unlock()
					if done {
						return
					}
					var r *linRun
					if virtual {
						synctest.Test(t, func(t *testing.T) { r = setup.run(t, seed+uint64(i), true) })
					} else {
						r = setup.run(t, seed+uint64(i), false)
					}
					if verdict := r.verdict(); verdict != "" {
						mu.Lock()
						bad = append(bad, fmt.Sprintf("LINEAR_SEED=%d: %s", seed+uint64(i), verdict))
						mu.Unlock()
					}
				}
			})
		}
	})
	t.Logf("%v, %v in all", setup.stats, time.Since(start).Round(time.Millisecond))
	return bad
}

// linCount is how many histories a test makes: MONOTABLE_LINEAR_HISTORIES of those of TestLinear, others in proportion. CI makes 200.
func linCount(t *testing.T, share float64) int {
	t.Helper()
	n, least := 30, 5
	if testing.Short() || raceEnabled || monotabletest.Endpoint(t) != "" {
		n = 10
	}
	if monotabletest.Endpoint(t) != "" {
		n, least = 6, 3
	}
	return max(int(share*float64(envInt(t, "MONOTABLE_LINEAR_HISTORIES", n))), least)
}

// linearizable makes histories that all must be.
func (setup *linSetup) linearizable(t *testing.T, share float64) {
	t.Helper()
	setup.operations = envInt(t, "MONOTABLE_LINEAR_OPERATIONS", 500)
	bad := setup.all(t, linSeed(t), linCount(t, share), nil)
	for _, text := range bad[:min(len(bad), 3)] {
		t.Error(text)
	}
	require.Empty(t, len(bad), "histories are not linearizable")
}

// found makes histories until the checker sees through one.
func (setup *linSetup) found(t *testing.T) {
	t.Helper()
	setup.operations = 500
	if setup.crowded {
		setup.operations /= linRegisters // as many on the key as otherwise
	}
	bad := setup.all(t, linSeed(t), 400, func(bad int) bool { return bad > 0 })
	require.NotEmpty(t, bad, "the fault was not found")
	t.Log(bad[0])
}

// TestLinear: whatever goes wrong, what monotable acknowledges, refuses and leaves open is what could have come of one call after
// the other. The items carry their write id: see linItem.
func TestLinear(t *testing.T) {
	(&linSetup{weather: (*linWeather).storm}).linearizable(t, 1)
}

// Transactions that cross each other, or come late. No item is deleted here, so that versions do without the write id in half of the histories.
func TestLinearTransfers(t *testing.T) {
	(&linSetup{weather: (*linWeather).crossing, pairs: true}).linearizable(t, 0.25)
}

// The same, with conflicts of transactions that are on their way for the second time while the first is late.
func TestLinearTransfersOpen(t *testing.T) {
	(&linSetup{weather: func(w *linWeather) {
		w.openConflicts = true
		w.crossing()
	}, pairs: true}).linearizable(t, 0.25)
}

// The shortest history of that kind.
func TestLinearConflictAfterLostReply(t *testing.T) {
	s := openStore(t, monotable.TableConfig{})
	var faults monotabletest.Faults
	items, err := linMarked(s.over(faults.Client(s.client)))
	require.NoError(t, err)
	_, err = items.create(t.Context(), false, linItem{ID: "a"})
	require.NoError(t, err)
	faults.Script("TransactWriteItems", monotabletest.ReplyLost(), monotabletest.TransactionConflict())
	_, err = items.modify(t.Context(), true, "a", func(item *linItem) { item.N++ })
	got, _ := items.get(t.Context(), "a")
	if errors.Is(err, monotable.ErrOutcomeUnknown) {
		require.LessOrEqual(t, got.N, 1)
		return
	}
	require.NoError(t, err)
	require.Equal(t, 1, got.N, "carried out once")
}

// Under ExactlyOnce nothing has a second effect, whatever is lost.
func TestLinearExactlyOnce(t *testing.T) {
	(&linSetup{weather: (*linWeather).lost, once: true, strict: true}).linearizable(t, 0.1)
}

// A Create that is sent again after a lost reply brings back an item that was deleted in between: the limit that the model allows.
func TestLinearCreatesTwice(t *testing.T) {
	(&linSetup{weather: (*linWeather).lost, plain: true, strict: true, crowded: true}).found(t)
}

// And one that comes late brings it back whenever the item has gone.
func TestLinearLateCreates(t *testing.T) {
	(&linSetup{weather: (*linWeather).lateness, plain: true, crowded: true}).found(t)
}

// Without the write id in T a version is checked alone. A writer who holds version 1 of an item that was deleted writes over
// version 1 of the one that was made in its place. Nothing even goes wrong here.
func TestLinearABA(t *testing.T) {
	(&linSetup{weather: (*linWeather).calm, unmarked: true}).found(t)
	t.Run("not with the write id", func(t *testing.T) {
		(&linSetup{weather: (*linWeather).calm}).linearizable(t, 0.05)
	})
}

// What the checker must find, for the tests above to mean something.
func TestLinearFaultsAreFound(t *testing.T) {
	for name, setup := range map[string]*linSetup{
		"the version alone, by hand, and replies are lost": {weather: (*linWeather).lost, raw: true, pairs: true},
		"an unknown outcome is called a conflict": {weather: (*linWeather).lost, lie: func(o *linOp) {
			if o.outcome == linUnknown {
				o.outcome = linFailed
			}
		}},
		"an unknown outcome is called a success": {weather: (*linWeather).storm, lie: func(o *linOp) {
			if o.outcome == linUnknown {
				o.outcome = linDone
			}
		}},
		"an acknowledged write is lost": {weather: (*linWeather).losing},
		"a read is stale":               {weather: (*linWeather).forgetful},
	} {
		t.Run(name, func(t *testing.T) { setup.found(t) })
	}
}
