package migrate_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/lease"
	"github.com/monotable/monotable/migrate"
	"github.com/monotable/monotable/monotabletest"
)

// diary is what migrations of a test have done, in order.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) add(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, fmt.Sprintf(format, args...))
}

func (d *diary) take() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	lines := d.lines
	d.lines = nil
	return lines
}

// noted is a migration that only writes in the diary.
func (d *diary) noted(id int64, name string) migrate.Migration {
	note := func(way string) func(context.Context, *migrate.Run) error {
		return func(context.Context, *migrate.Run) error { d.add("%s %d", way, id); return nil }
	}
	return migrate.Migration{ID: id, Name: name, Up: note("up"), Down: note("down")}
}

func newSet(t testing.TB, s *lease.Store, migrations ...migrate.Migration) *migrate.Set {
	t.Helper()
	set, err := migrate.New(s, migrations...)
	require.NoError(t, err)
	return set
}

func status(t testing.TB, set *migrate.Set) []migrate.State {
	t.Helper()
	all, err := set.Status(context.Background())
	require.NoError(t, err)
	return all
}

var dawn = time.Date(2026, 1, 2, 3, 4, 5, 678, time.UTC)

func frozen() lease.StoreOption {
	return lease.Clock(func() time.Time { return dawn.In(time.FixedZone("CET", 3600)) })
}

func TestUp_InOrder(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	var faults monotabletest.Faults
	var d diary
	s := g.through(&faults, frozen(), lease.Holder("me"))
	two := newSet(t, s, d.noted(1, "one"), d.noted(20, "two"))
	require.Equal(t, []migrate.State{{ID: 1, Name: "one"}, {ID: 20, Name: "two"}}, status(t, two))

	steps, err := two.Up(t.Context())
	require.NoError(t, err)
	require.Equal(t, []migrate.Step{{ID: 1, Name: "one"}, {ID: 20, Name: "two"}}, steps)
	require.Equal(t, []string{"up 1", "up 20"}, d.take())
	applied := func(id int64, name string) migrate.State {
		return migrate.State{ID: id, Name: name, Applied: true, AppliedAt: dawn, BegunAt: dawn, By: "me"}
	}
	require.Equal(t, []migrate.State{applied(1, "one"), applied(20, "two")}, status(t, two))

	// Once more does nothing, at the cost of one read.
	before := len(faults.Requests())
	steps, err = two.Up(t.Context())
	require.NoError(t, err)
	require.Empty(t, steps)
	require.Len(t, faults.Requests(), before+1)
	require.Empty(t, d.take())

	// A newer program.
	four := newSet(t, s, d.noted(1, "one"), d.noted(20, "two"), d.noted(21, "three"), d.noted(30, "four"))
	_, err = four.UpTo(t.Context(), 21)
	require.NoError(t, err)
	require.Equal(t, []string{"up 21"}, d.take())
	_, err = four.Up(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"up 30"}, d.take())

	// The older one has nothing to do, and can take nothing back.
	_, err = two.Up(t.Context())
	require.NoError(t, err)
	unknown := applied(30, "four")
	unknown.Unknown = true
	require.Equal(t, unknown, status(t, two)[3])
	_, err = two.DownTo(t.Context(), 1)
	require.ErrorIs(t, err, migrate.ErrUnknownMigration)
	require.Empty(t, d.take())

	steps, err = four.DownTo(t.Context(), 20)
	require.NoError(t, err)
	require.Equal(t, []migrate.Step{{ID: 30, Name: "four", Down: true}, {ID: 21, Name: "three", Down: true}}, steps)
	require.Equal(t, []string{"down 30", "down 21"}, d.take())
	_, err = four.DownTo(t.Context(), 0)
	require.NoError(t, err)
	require.Equal(t, []string{"down 20", "down 1"}, d.take())
	_, err = four.DownTo(t.Context(), 0)
	require.NoError(t, err)
	require.Empty(t, d.take())
	require.Equal(t, migrate.State{ID: 1, Name: "one"}, status(t, four)[0])

	for _, id := range []int64{2, -1} {
		_, err = four.UpTo(t.Context(), id)
		require.ErrorIs(t, err, migrate.ErrInvalid)
		_, err = four.DownTo(t.Context(), id)
		require.ErrorIs(t, err, migrate.ErrInvalid)
	}
}

func TestNew_Refuses(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	s := g.store(g.client)
	var d diary
	for name, wrong := range map[string][]migrate.Migration{
		"twice":    {d.noted(1, "a"), d.noted(1, "b")},
		"order":    {d.noted(2, "a"), d.noted(1, "b")},
		"zero":     {d.noted(0, "a")},
		"negative": {d.noted(-1, "a")},
		"no name":  {d.noted(1, "")},
		"no up":    {{ID: 1, Name: "a"}},
	} {
		_, err := migrate.New(s, wrong...)
		require.ErrorIs(t, err, migrate.ErrInvalid, name)
	}
	_, err := migrate.New(nil)
	require.ErrorIs(t, err, migrate.ErrInvalid)
	_, err = migrate.New(s)
	require.NoError(t, err)
}

func TestF134_ChangedMigrations(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	s := g.store(g.client)
	var d diary
	with := func(m migrate.Migration, checksum string) migrate.Migration { m.Checksum = checksum; return m }
	first := newSet(t, s, with(d.noted(1, "one"), "v1"), d.noted(3, "three"))
	_, err := first.Up(t.Context())
	require.NoError(t, err)
	d.take()
	for name, row := range map[string]struct {
		migrations []migrate.Migration
		want       error
	}{
		"another name":     {[]migrate.Migration{d.noted(1, "uno"), d.noted(3, "three"), d.noted(4, "four")}, migrate.ErrChanged},
		"another checksum": {[]migrate.Migration{with(d.noted(1, "one"), "v2"), d.noted(3, "three"), d.noted(4, "four")}, migrate.ErrChanged},
		"between":          {[]migrate.Migration{d.noted(1, "one"), d.noted(2, "two"), d.noted(3, "three"), d.noted(4, "four")}, migrate.ErrOutOfOrder},
		"below unknown":    {[]migrate.Migration{d.noted(1, "one"), d.noted(2, "two")}, migrate.ErrOutOfOrder},
	} {
		set := newSet(t, s, row.migrations...)
		_, err := set.Up(t.Context())
		require.ErrorIs(t, err, row.want, name)
		require.Empty(t, d.take(), name)
		if errors.Is(row.want, migrate.ErrChanged) {
			require.ErrorContains(t, err, "1 "+row.migrations[0].Name)
			require.True(t, status(t, set)[0].Changed)
			_, err = set.DownTo(t.Context(), 0)
			require.ErrorIs(t, err, migrate.ErrChanged, name)
		}
	}
	// A checksum that is given up, or given later, is not compared.
	_, err = newSet(t, s, d.noted(1, "one"), with(d.noted(3, "three"), "new")).Up(t.Context())
	require.NoError(t, err)

	m := d.noted(3, "three")
	m.Down = nil
	_, err = newSet(t, s, d.noted(1, "one"), m).DownTo(t.Context(), 0)
	require.ErrorIs(t, err, migrate.ErrNoDown)
	require.Empty(t, d.take())
}

func TestF134_FailedMigrationIsRunAgain(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	s := g.store(g.client, frozen())
	var d diary
	fail := errors.New("not today")
	var found int
	failing := d.noted(2, "two")
	failing.Checksum = "bad"
	failing.Up = func(ctx context.Context, r *migrate.Run) error {
		_, err := r.Load("n", &found)
		require.NoError(t, err)
		require.NoError(t, r.Save(ctx, "n", found+1))
		return fail
	}
	set := newSet(t, s, d.noted(1, "one"), failing, d.noted(3, "three"))
	for n := range 3 {
		steps, err := set.Up(t.Context())
		var step *migrate.StepError
		require.ErrorAs(t, err, &step)
		require.EqualValues(t, 2, step.ID)
		require.ErrorIs(t, err, fail)
		require.Len(t, steps, max(1-n, 0))
		require.Equal(t, n, found)
	}
	require.Equal(t, []string{"up 1"}, d.take())
	state := status(t, set)[1]
	require.True(t, state.Dirty)
	require.False(t, state.Applied)

	// A program without it cannot go past it, nor can one that has given its number away.
	_, err := newSet(t, s, d.noted(1, "one"), d.noted(2, "another")).Up(t.Context())
	require.ErrorIs(t, err, migrate.ErrChanged)

	// It may be taken back as it is; that way has a state of its own.
	taken := failing
	taken.Down = func(ctx context.Context, r *migrate.Run) error {
		ok, err := r.Load("n", new(int))
		require.NoError(t, err)
		d.add("down 2 %v", ok)
		require.NoError(t, r.Save(ctx, "m", "x"))
		return fail
	}
	back := newSet(t, s, d.noted(1, "one"), taken)
	_, err = back.DownTo(t.Context(), 1)
	require.ErrorIs(t, err, fail)
	state = status(t, back)[1]
	require.True(t, state.Undoing && state.Dirty && !state.Applied)
	_, err = back.DownTo(t.Context(), 1)
	require.ErrorIs(t, err, fail)
	require.Equal(t, []string{"down 2 false", "down 2 false"}, d.take())

	// Mended, whatever the checksum; and up again from what was half taken back, without the other way's state.
	mended := d.noted(2, "two")
	mended.Checksum = "good"
	mended.Up = func(_ context.Context, r *migrate.Run) error {
		ok, err := r.Load("m", new(string))
		require.NoError(t, err)
		d.add("up 2 %v", ok)
		return nil
	}
	set = newSet(t, s, d.noted(1, "one"), mended, d.noted(3, "three"))
	_, err = set.Up(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"up 2 false", "up 3"}, d.take())
	for _, state := range status(t, set) {
		require.True(t, state.Applied && !state.Dirty && !state.Undoing && !state.Changed)
	}

	// One that was applied and is half taken back is not applied.
	stuck := d.noted(3, "three")
	stuck.Down = func(context.Context, *migrate.Run) error { return fail }
	set = newSet(t, s, d.noted(1, "one"), mended, stuck)
	_, err = set.DownTo(t.Context(), 2)
	require.ErrorIs(t, err, fail)
	state = status(t, set)[2]
	require.True(t, state.Undoing && state.Dirty && !state.Applied)
	require.Zero(t, state.AppliedAt)
	_, err = set.Up(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"up 3"}, d.take())
}

type unencodable struct{}

func (unencodable) MarshalDynamoDBAttributeValue() (types.AttributeValue, error) {
	return nil, errors.New("no form")
}

func TestRun_State(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	s := g.store(g.client)
	cursor := rawItem{"PK": avS("a"), "b": &types.AttributeValueMemberB{Value: []byte{1}}}
	type progress struct{ Done, Left int }
	save := true
	m := migrate.Migration{ID: 1, Name: "one", Up: func(ctx context.Context, r *migrate.Run) error {
		require.False(t, r.DryRun())
		require.Positive(t, r.Fence())
		require.Same(t, s, r.Store())
		require.NotNil(t, r.Logger())
		if save {
			require.NoError(t, r.Save(ctx, "cursor", cursor))
			require.NoError(t, r.Save(ctx, "progress", progress{1, 2}))
			require.NoError(t, r.Save(ctx, "raw", avS("x")))
			require.NoError(t, r.Save(ctx, "gone", 1))
			require.NoError(t, r.Save(ctx, "gone", nil))
			require.ErrorIs(t, r.Save(ctx, "bad", unencodable{}), migrate.ErrInvalid)
		}
		var raw rawItem
		ok, err := r.Load("cursor", &raw)
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, cursor, raw)
		var p progress
		_, err = r.Load("progress", &p)
		require.NoError(t, err)
		require.Equal(t, progress{1, 2}, p)
		var x string
		_, err = r.Load("raw", &x)
		require.NoError(t, err)
		require.Equal(t, "x", x)
		for _, absent := range []string{"gone", "never"} {
			ok, err = r.Load(absent, &x)
			require.NoError(t, err)
			require.False(t, ok)
		}
		_, err = r.Load("raw", &raw)
		require.Error(t, err)
		_, err = r.Load("raw", new(int))
		require.Error(t, err)
		require.NotContains(t, err.Error(), `"x"`)
		if save {
			return errors.New("killed")
		}
		return nil
	}}
	set := newSet(t, s, m)
	_, err := set.Up(t.Context())
	require.Error(t, err)
	save = false
	_, err = set.Up(t.Context())
	require.NoError(t, err)
	r, err := s.Load(t.Context(), "migrations")
	require.NoError(t, err)
	require.NotContains(t, r.Data["1"].(*types.AttributeValueMemberM).Value, "state")
}

func TestDryRun_WritesNothing(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	var faults monotabletest.Faults
	s := g.through(&faults)
	var d diary
	m := d.noted(2, "two")
	m.Up = func(ctx context.Context, r *migrate.Run) error {
		require.True(t, r.DryRun())
		require.Zero(t, r.Fence())
		require.Zero(t, r.Check())
		require.NoError(t, r.Save(ctx, "n", 7))
		var n int
		ok, err := r.Load("n", &n)
		require.NoError(t, err)
		require.True(t, ok && n == 7)
		for range 3 {
			require.NoError(t, r.Do(ctx, func(context.Context) error { d.add("written"); return nil }))
		}
		return nil
	}
	set := newSet(t, s, d.noted(1, "one"), m)
	steps, err := set.DryRun().Up(t.Context())
	require.NoError(t, err)
	require.Equal(t, []migrate.Step{{ID: 1, Name: "one"}, {ID: 2, Name: "two", Writes: 3}}, steps)
	require.Equal(t, []string{"up 1"}, d.take())
	require.Len(t, faults.Requests(), 1)
	require.Equal(t, "GetItem", faults.Requests()[0].Operation)
	require.Empty(t, g.item("LEASE#migrations", "LEASE#migrations"))
}

// A dry run finds what a real one has saved before it failed, and leaves it.
func TestDryRun_SeesWhatIsSaved(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	s := g.store(g.client)
	var found []int
	set := newSet(t, s, migrate.Migration{ID: 1, Name: "one", Up: func(ctx context.Context, r *migrate.Run) error {
		var n int
		if _, err := r.Load("n", &n); err != nil {
			return err
		}
		found = append(found, n)
		if err := r.Save(ctx, "n", n+1); err != nil {
			return err
		}
		return errors.New("not yet")
	}})
	for _, run := range []*migrate.Set{set, set.DryRun(), set.DryRun(), set} {
		_, err := run.Up(t.Context())
		require.Error(t, err)
	}
	require.Equal(t, []int{0, 1, 1, 1}, found)
}

func TestSets_BesideEachOther(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	s := g.store(g.client)
	var d diary
	a, b := newSet(t, s, d.noted(1, "one")), newSet(t, s, d.noted(1, "uno")).With(migrate.SetName("billing"), migrate.LeaseTTL(time.Minute))
	for _, set := range []*migrate.Set{a, b, a, b} {
		_, err := set.Up(t.Context())
		require.NoError(t, err)
	}
	require.Equal(t, []string{"up 1", "up 1"}, d.take())
	_, err := b.With(migrate.SetName("")).Up(t.Context())
	require.ErrorIs(t, err, migrate.ErrChanged)
}

// Of many runners at once each migration is run by one, and nobody overlaps.
func TestF134_ManyRunners(t *testing.T) {
	for _, wait := range []bool{true, false} {
		t.Run(fmt.Sprint(wait), func(t *testing.T) {
			body := func(t *testing.T, g *ground) {
				var d diary
				var working atomic.Int32
				alone := func(m migrate.Migration) migrate.Migration {
					up := m.Up
					m.Up = func(ctx context.Context, r *migrate.Run) error {
						require.EqualValues(t, 1, working.Add(1))
						defer working.Add(-1)
						require.NoError(t, r.Save(ctx, "begun", true))
						time.Sleep(time.Millisecond)
						return up(ctx, r)
					}
					return m
				}
				stores := []*lease.Store{g.store(g.client), g.store(dynamodb.New(g.client.Options()))}
				var finished atomic.Int32
				var wg sync.WaitGroup
				for i := range 32 {
					wg.Go(func() {
						set := newSet(t, stores[i%2], alone(d.noted(1, "one")), alone(d.noted(2, "two")), alone(d.noted(3, "three")))
						if wait {
							set = set.With(migrate.Wait())
						}
						_, err := set.Up(t.Context())
						if err == nil {
							finished.Add(1)
							for _, state := range status(t, set) {
								require.True(t, state.Applied)
							}
						} else {
							require.ErrorIs(t, err, lease.ErrHeld)
						}
					})
				}
				wg.Wait()
				require.Equal(t, []string{"up 1", "up 2", "up 3"}, d.take())
				require.Positive(t, finished.Load())
				if wait {
					require.EqualValues(t, 32, finished.Load())
				}
			}
			if monotabletest.Endpoint(t) != "" && !wait {
				body(t, newGround(t))
				return
			}
			synctest.Test(t, func(t *testing.T) { body(t, inMemory(t)) })
		})
	}
}

// A runner that was cut off works on for a while; what it writes under its lease is refused, and the next one's work stands.
func TestF134_RunnerThatLostItsLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := inMemory(t)
		var d diary
		write := func(ctx context.Context, r *migrate.Run, by string) error {
			return r.Do(ctx, func(ctx context.Context) error {
				_, err := g.client.TransactWriteItems(context.WithoutCancel(ctx), &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
					r.Check(), {Put: &types.Put{TableName: &pkSK.Name, Item: rawItem{"PK": avS("x"), "SK": avS("x"), "by": avS(by)}}},
				}})
				return err
			})
		}
		var faults monotabletest.Faults
		paused := d.noted(1, "one")
		late := make(chan error, 4)
		paused.Up = func(ctx context.Context, r *migrate.Run) error {
			require.NoError(t, write(ctx, r, "first"))
			check := r.Check()
			faults.StopAt(1) // cut off
			time.Sleep(10 * time.Minute)
			late <- ctx.Err()
			late <- write(ctx, r, "late") // Do refuses
			_, err := g.client.TransactWriteItems(context.WithoutCancel(ctx), &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
				check, {Put: &types.Put{TableName: &pkSK.Name, Item: rawItem{"PK": avS("x"), "SK": avS("x"), "by": avS("late")}}},
			}})
			late <- err
			faults.Reset() // the network is back
			late <- r.Save(context.WithoutCancel(ctx), "n", 1)
			return nil // as if all were well
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			steps, err := newSet(t, g.through(&faults), paused, d.noted(2, "two")).Up(t.Context())
			require.ErrorIs(t, err, lease.ErrLost)
			require.Empty(t, steps)
		})
		time.Sleep(time.Second)
		taker := d.noted(1, "one")
		taker.Up = func(ctx context.Context, r *migrate.Run) error { d.add("up 1 again"); return write(ctx, r, "second") }
		set := newSet(t, g.store(g.client, lease.Holder("second")), taker, d.noted(2, "two"))
		_, err := set.Up(t.Context())
		require.NoError(t, err)
		before := g.item("LEASE#migrations", "LEASE#migrations")
		wg.Wait()
		require.ErrorIs(t, <-late, context.Canceled)
		require.ErrorIs(t, <-late, lease.ErrLost)
		var canceled *types.TransactionCanceledException
		require.ErrorAs(t, <-late, &canceled)
		require.ErrorIs(t, <-late, lease.ErrLost)
		require.Equal(t, []string{"up 1 again", "up 2"}, d.take())
		require.Equal(t, avS("second"), g.item("x", "x")["by"])
		require.Equal(t, before, g.item("LEASE#migrations", "LEASE#migrations"))
		require.Equal(t, "second", status(t, set)[0].By)
	})
}

// That the context has ended does not hide why.
func TestF134_WhyTheContextEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := inMemory(t)
		var faults monotabletest.Faults
		cut := migrate.Migration{ID: 1, Name: "one", Up: func(ctx context.Context, _ *migrate.Run) error {
			faults.StopAt(1)
			<-ctx.Done()
			return ctx.Err()
		}}
		_, err := newSet(t, g.through(&faults), cut).Up(t.Context())
		require.ErrorIs(t, err, lease.ErrLost)
		require.ErrorIs(t, err, context.Canceled)

		why := errors.New("enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		careless := migrate.Migration{ID: 1, Name: "one", Up: func(context.Context, *migrate.Run) error { cancel(why); return nil }}
		set := newSet(t, g.store(g.client), careless)
		_, err = set.Up(ctx)
		require.ErrorIs(t, err, why)
		require.True(t, status(t, set)[0].Dirty)
	})
}

// Weather alone keeps nobody from finishing, and makes nothing happen out of order.
func TestF134_Weather(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			g := inMemory(t)
			var faults monotabletest.Faults
			faults.Seed(seed)
			faults.Rate("", 0.15, monotabletest.ReplyLost())
			faults.Rate("", 0.1, monotabletest.Throttle(""))
			faults.Rate("", 0.1, monotabletest.InternalServerError())
			faults.Rate("", 0.05, monotabletest.AfterApplying(monotabletest.Silent()))
			faults.Rate("", 0.05, monotabletest.Garbled())
			s := g.store(faults.Client(g.client, func(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} }))
			var d diary
			var set []migrate.Migration
			for id := range int64(5) {
				m := d.noted(id+1, fmt.Sprint("m", id+1))
				up := m.Up
				m.Up = func(ctx context.Context, r *migrate.Run) error {
					require.NoError(t, r.Save(ctx, "n", id))
					return up(ctx, r)
				}
				set = append(set, m)
			}
			all := newSet(t, s, set...).With(migrate.LeaseTTL(5 * time.Minute))
			_, err := all.Up(t.Context())
			require.NoError(t, err)
			_, err = all.DownTo(t.Context(), 0)
			require.NoError(t, err)
			require.Equal(t, strings.Fields("up_1 up_2 up_3 up_4 up_5 down_5 down_4 down_3 down_2 down_1"), underscored(d.take()))
		})
	}
}

func underscored(lines []string) []string {
	lines = slices.Clone(lines)
	for i := range lines {
		lines[i] = strings.ReplaceAll(lines[i], " ", "_")
	}
	return lines
}

func TestUp_Logs(t *testing.T) {
	t.Parallel()
	g := newGround(t)
	var out strings.Builder
	logger := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	var d diary
	_, err := newSet(t, g.store(g.client, frozen(), lease.Logger(logger)), d.noted(1, "one")).Up(t.Context())
	require.NoError(t, err)
	require.Equal(t, `level=INFO msg="migrate: begins" id=1 name=one direction=up
level=INFO msg="migrate: done" id=1 name=one direction=up dry=false writes=0 took=0s
`, out.String())
}
