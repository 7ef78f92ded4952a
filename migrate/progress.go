package migrate

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/internal/call"
	"github.com/monotable/monotable/lease"
)

// BackfillStatus is how far a backfill is, as far as the call that tells it knows: what other workers have saved is in it once this one has seen it.
type BackfillStatus struct {
	Name    string
	Table   string
	Report  Report
	Elapsed time.Duration // since this call began, by the store's clock
	Rate    float64       // items a second, since then; 0 if not known yet
	Left    time.Duration // at this rate, if all segments have about as many items; below 0 if not known
	Done    bool          // this is the last one
}

// meter makes statuses of reports.
type meter struct {
	name  string
	table string
	told  bool // that it is done
	now   func() time.Time
	tells func(BackfillStatus)

	mu    sync.Mutex
	start time.Time
	first int // items scanned before
}

func newMeter(name, table string, store *lease.Store, tells func(BackfillStatus)) *meter {
	m := &meter{name: name, table: table, now: time.Now, tells: tells}
	if store != nil {
		m.now = store.Now
	}
	m.start = m.now()
	return m
}

// begin sets what has been done already.
func (m *meter) begin(before Report) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.start, m.first = m.now(), before.Scanned
}

// tell is given how many items the segments have that are done. After the last time it says nothing more.
func (m *meter) tell(r Report, inDone int, done bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.tells == nil || m.told {
		return
	}
	m.told = done
	s := BackfillStatus{Name: m.name, Table: m.table, Report: r, Elapsed: m.now().Sub(m.start), Left: -1, Done: done}
	if seconds := s.Elapsed.Seconds(); seconds > 0 {
		s.Rate = float64(r.Scanned-m.first) / seconds
	}
	switch {
	case s.Done:
		s.Left = 0
	case s.Rate > 0 && r.Done > 0:
		all := float64(inDone) * float64(r.Segments) / float64(r.Done)
		const longest = 1e9 // seconds; more does not fit a Duration
		s.Left = time.Duration(min(max(all-float64(r.Scanned), 0)/s.Rate, longest) * float64(time.Second))
	}
	m.tells(s)
}

const (
	barWidth   = 20
	onTerminal = 100 * time.Millisecond
	elsewhere  = 5 * time.Second
)

// Terminal is for [Progress]: it prints one line, with a bar, how many segments are done, items, items a second, and the time left. On a terminal the line is written over and over, ten times a second at
// most; elsewhere there is one every five seconds. The last one is always printed, and so is the first of another backfill. Times are those of the statuses, so it has no clock of its own. What cannot be written is lost.
func Terminal(w io.Writer) func(BackfillStatus) {
	p := &printer{w: w, every: elsewhere}
	if file, ok := w.(interface{ Stat() (os.FileInfo, error) }); ok {
		if info, err := file.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			p.over, p.every = true, onTerminal
		}
	}
	return p.print
}

type printer struct {
	w     io.Writer
	over  bool // lines are written over
	every time.Duration
	next  time.Duration // when the next one is due
	last  time.Duration // when the last one was told
	width int           // of the last one
}

func (p *printer) print(s BackfillStatus) {
	if s.Elapsed < p.last { // of another backfill, which begins
		p.next = 0
	}
	if p.last = s.Elapsed; s.Elapsed < p.next && !s.Done {
		return
	}
	if p.next = s.Elapsed + p.every; s.Done {
		p.next = 0 // another one may begin
	}
	line := s.String()
	if !p.over {
		fmt.Fprintln(p.w, line)
		return
	}
	width := utf8.RuneCountInString(line)
	fmt.Fprintf(p.w, "\r%s%s", line, strings.Repeat(" ", max(p.width-width, 0)))
	if p.width = width; s.Done {
		p.width = 0
		fmt.Fprintln(p.w)
	}
}

// String is the status in one line.
func (s BackfillStatus) String() string {
	var b strings.Builder
	r := s.Report
	if s.Table != "" {
		b.WriteString(s.Table + ": ")
	}
	b.WriteString(s.Name + "  ")
	if r.Segments > 0 {
		full := barWidth * r.Done / r.Segments
		fmt.Fprintf(&b, "[%s%s] %d/%d segments  ", strings.Repeat("#", full), strings.Repeat(".", barWidth-full), r.Done, r.Segments)
	}
	fmt.Fprintf(&b, "%d items", r.Scanned)
	if s.Rate > 0 {
		fmt.Fprintf(&b, "  %.0f/s", s.Rate)
	}
	switch {
	case s.Done:
		fmt.Fprintf(&b, "  done in %v", s.Elapsed.Round(time.Second))
	case s.Left >= 0:
		fmt.Fprintf(&b, "  %v left", s.Left.Round(time.Second))
	}
	if r.Failed > 0 {
		fmt.Fprintf(&b, "  %d failed", r.Failed)
	}
	return b.String()
}

// pacer spaces the items of a call, all workers' together.
type pacer struct {
	mu           sync.Mutex
	items, units lane
	answered     float64                    // units, as answers have told
	refreshed    monotable.ConsumedCapacity // by Refresh
	booked       float64                    // of both
}

// lane is one bound: what has begun takes its time, and nothing begins before that is over.
type lane struct {
	rate float64 // a second; 0 for no bound
	free time.Time
}

func newPacer(items, units float64) *pacer {
	return &pacer{items: lane{rate: items}, units: lane{rate: units}}
}

// consumed books what an answer says.
func (p *pacer) consumed(all ...*types.ConsumedCapacity) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range all {
		if c != nil && c.CapacityUnits != nil {
			p.answered += *c.CapacityUnits
		}
	}
}

// wait waits for the turn of n items. It returns early, with the context's error, when that ends.
func (p *pacer) wait(ctx context.Context, n int) error {
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		pause := p.book(n)
		if pause <= 0 {
			return nil
		}
		if err := call.Sleep(ctx, pause); err != nil { // others may have been faster, or an answer may have been dear: look again
			return err
		}
	}
}

// book begins n items, or says how long to wait before asking again.
func (p *pacer) book(n int) (pause time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	total := p.answered + p.refreshed.Units()
	p.units.book(now, total-p.booked)
	p.booked = total
	if pause := max(p.items.free.Sub(now), p.units.free.Sub(now)); pause > 0 {
		return pause
	}
	p.items.book(now, float64(n))
	return 0
}

func (l *lane) book(now time.Time, amount float64) {
	if l.rate <= 0 || amount <= 0 {
		return
	}
	if l.free.Before(now) {
		l.free = now
	}
	const longest = 1e9 // seconds; more does not fit a Duration
	l.free = l.free.Add(time.Duration(min(amount/l.rate, longest) * float64(time.Second)))
}
