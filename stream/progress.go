package stream

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// Status is how far a Run is.
type Status struct {
	Consumer string
	Shard    string // the one that this is told for; "" for a look for shards
	Shards   int    // that this Run reads
	Records  int    // that it has handled or passed over
	Elapsed  time.Duration
	Rate     float64 // records a second since the Run began; 0 if not known yet
	// Lag is how long ago the change was made that is in hand, of the shard that is farthest behind; 0 if all are read to their present end. DynamoDB tells times to the second.
	Lag time.Duration
}

// meter makes statuses.
type meter struct {
	start time.Time

	told    sync.Mutex
	records int
	lags    map[string]time.Time // of the records in hand, by shard; zero if it is read to its present end
}

func newMeter(p *poller) meter { return meter{start: p.Clock(), lags: map[string]time.Time{}} }

// tell notes how far a shard is, and tells of all.
func (r *run) tell(shard string, records int, at time.Time) {
	if r.Progress == nil {
		return
	}
	r.told.Lock()
	defer r.told.Unlock()
	r.records += records
	if shard != "" {
		r.lags[shard] = at
	}
	now := r.Clock()
	s := Status{Consumer: r.Name, Shard: shard, Shards: r.holds(), Records: r.records, Elapsed: now.Sub(r.start)}
	if seconds := s.Elapsed.Seconds(); seconds > 0 {
		s.Rate = float64(s.Records) / seconds
	}
	for shard, at := range r.lags {
		if !r.has(shard) {
			delete(r.lags, shard)
			continue
		}
		if !at.IsZero() {
			s.Lag = max(s.Lag, now.Sub(at))
		}
	}
	r.Progress(s)
}

// Terminal writes one line for each status that comes at least a second after the last one that was written, to a log or a terminal. It is for [PollerConfig.Progress] of one Poller.
func Terminal(w io.Writer) func(Status) {
	var last time.Time
	return func(s Status) {
		if now := time.Now(); now.Sub(last) >= time.Second {
			last = now
			lag := "up to date"
			if s.Lag > 0 {
				lag = s.Lag.Round(time.Second).String() + " behind"
			}
			fmt.Fprintf(w, "%s: %d records, %.0f/s, %d shards, %s\n", s.Consumer, s.Records, s.Rate, s.Shards, lag)
		}
	}
}
