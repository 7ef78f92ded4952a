package migrate_test

import (
	"bytes"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/migrate"
)

func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := townOn(t, memdb.New(memdb.Options{}).Client(), townConfig())
		w.settle(40, oldCitizens())
		run := func(name string, opts ...migrate.BackfillOption) (all []migrate.BackfillStatus) {
			start := time.Now()
			report, err := migrate.Reindex(t.Context(), w.store(w.client), w.as(w.client, todaysCitizens()), append(opts, migrate.Named(name),
				migrate.Segments(4), migrate.Pace(2), migrate.Progress(func(s migrate.BackfillStatus) { all = append(all, s) }))...)
			require.NoError(t, err)
			require.InDelta(t, report.Scanned, 2*time.Since(start).Seconds(), 2, "two items a second")
			last := all[len(all)-1]
			require.Equal(t, []any{name, report, true, time.Duration(0)}, []any{last.Name, last.Report, last.Done, last.Left})
			for i, s := range all[:len(all)-1] {
				require.False(t, s.Done)
				require.LessOrEqual(t, s.Report.Scanned, all[i+1].Report.Scanned)
				require.InDelta(t, float64(s.Report.Scanned), s.Rate*s.Elapsed.Seconds(), 0.01)
			}
			return all
		}
		require.Negative(t, run("by pages", migrate.PageSize(2))[0].Left, "no segment is done, so nobody knows")
		for i, s := range run("by segments") {
			left := float64(s.Report.Scanned) * float64(3-i) / float64(i+1) / s.Rate
			require.InDelta(t, left, s.Left.Seconds(), 0.01)
		}
	})
}

// The end is told once, whoever has come to it: this call, another one, or one before.
func TestProgress_TellsTheEnd(t *testing.T) {
	t.Parallel()
	anew(t, func(t *testing.T) {
		w := newTown(t)
		w.settle(10, oldCitizens())
		run := func(told *[]migrate.BackfillStatus, opts ...migrate.BackfillOption) (migrate.Report, error) {
			return migrate.Reindex(t.Context(), w.store(w.client), w.as(w.client, todaysCitizens()),
				append(opts, migrate.Segments(2), migrate.PageSize(2), migrate.Progress(func(s migrate.BackfillStatus) { *told = append(*told, s) }))...)
		}
		for name, opts := range map[string][]migrate.BackfillOption{"first": nil, "done already": nil, "dry": {migrate.DryRun()}} {
			var told []migrate.BackfillStatus
			report, err := run(&told, opts...)
			require.NoError(t, err)
			ends := 0
			for _, s := range told {
				require.Equal(t, "town", s.Table)
				if s.Done {
					ends++
				}
			}
			require.Equal(t, 1, ends, name)
			require.Equal(t, report, told[len(told)-1].Report)
		}
	})
}

func TestPaceUnits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := townOn(t, memdb.New(memdb.Options{}).Client(), townConfig())
		w.settle(40, oldCitizens())
		start := time.Now()
		_, err := migrate.Backfill(t.Context(), w.store(w.client), "b", w.as(w.client, oldCitizens()), shout, migrate.PaceUnits(4), migrate.Segments(1), migrate.Concurrency(1))
		require.NoError(t, err)
		require.InDelta(t, 20, time.Since(start).Seconds(), 1, "each write takes one unit of the table and one of the index")
		start = time.Now()
		_, err = migrate.Reindex(t.Context(), w.store(w.client), w.as(w.client, todaysCitizens()), migrate.PaceUnits(4), migrate.Segments(1), migrate.Concurrency(1))
		require.NoError(t, err)
		require.InDelta(t, 30, time.Since(start).Seconds(), 1, "one of the table, two of the index, whose keys change")
		start = time.Now()
		_, err = migrate.Reindex(t.Context(), w.store(w.client), w.as(w.client, todaysCitizens()), migrate.PaceUnits(4), migrate.Restart())
		require.NoError(t, err)
		require.Less(t, time.Since(start), time.Second, "nothing is written")
	})
}

// screen is a terminal.
type screen struct{ bytes.Buffer }

func (*screen) Stat() (os.FileInfo, error) { return device{}, nil }

type device struct{ fs.FileInfo }

func (device) Mode() fs.FileMode { return fs.ModeDevice | fs.ModeCharDevice }

func TestTerminal(t *testing.T) {
	t.Parallel()
	at := func(seconds float64, done, items int) migrate.BackfillStatus {
		s := migrate.BackfillStatus{
			Name: "reindex", Report: migrate.Report{Segments: 8, Done: done, Scanned: items},
			Elapsed: time.Duration(seconds * float64(time.Second)), Left: -1,
		}
		if done > 0 {
			s.Rate, s.Left = float64(items)/seconds, time.Duration(8-done)*time.Minute
		}
		return s
	}
	end := at(62, 8, 900)
	end.Done, end.Report.Failed = true, 2
	all := []migrate.BackfillStatus{at(1, 0, 10), at(1.05, 0, 11), at(2, 4, 400), at(5.5, 4, 500), at(6.5, 6, 600), end}

	var plain bytes.Buffer
	tell := migrate.Terminal(&plain)
	for _, s := range all {
		tell(s)
	}
	require.Equal(t, `reindex  [....................] 0/8 segments  10 items
reindex  [###############.....] 6/8 segments  600 items  92/s  2m0s left
reindex  [####################] 8/8 segments  900 items  15/s  done in 1m2s  2 failed
`, plain.String())

	// It may be given to one backfill after another.
	plain.Reset()
	at2 := at(0.5, 0, 3)
	at2.Table = "town"
	tell(at2)
	require.Equal(t, "town: reindex  [....................] 0/8 segments  3 items\n", plain.String())

	plain.Reset()
	for _, s := range []migrate.BackfillStatus{at(9, 0, 5), at(10, 0, 6), at(1, 0, 1), at(2, 0, 2)} { // the first has failed, without an end
		tell(s)
	}
	require.Equal(t, "reindex  [....................] 0/8 segments  5 items\nreindex  [....................] 0/8 segments  1 items\n", plain.String())

	var over screen
	tell = migrate.Terminal(&over)
	for _, s := range all {
		tell(s)
	}
	text := over.String()
	require.True(t, strings.HasSuffix(text, "2 failed\n"))
	require.Equal(t, 1, strings.Count(text, "\n"))
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\r")
	require.Len(t, lines, 6, "one was too soon")
	for i := 2; i < len(lines); i++ {
		require.GreaterOrEqual(t, len(lines[i]), len(strings.TrimRight(lines[i-1], " ")), "nothing of the line before is left")
	}
	require.Equal(t, "migration", strings.Fields(migrate.BackfillStatus{Name: "migration", Left: -1}.String())[0])
}
