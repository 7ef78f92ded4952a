package stream

import (
	"fmt"
	"io"
	"sync"
	"time"

	streams "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

// Status is how far a Run is.
type Status struct {
	Consumer string
	Shard    string // the one whose page was handled last
	Shards   int    // that this Run reads
	Records  int    // that it has read
	Elapsed  time.Duration
	Rate     float64 // records a second since the Run began; 0 if not known yet
	// Lag is how long ago the change was made that was handled last, of the shard that is farthest behind; 0 for shards that are read to their present end. DynamoDB tells times to the second.
	Lag time.Duration
}

// meter makes statuses.
type meter struct {
	p     *Poller
	start time.Time

	told    sync.Mutex
	records int
	lags    map[string]time.Time // of the last record, by shard; zero if it is read to its end
}

func newMeter(p *Poller) meter { return meter{p: p, start: p.Clock(), lags: map[string]time.Time{}} }

func (r *run) tell(shard string, page []streams.Record) {
	if r.Progress == nil {
		return
	}
	r.told.Lock()
	defer r.told.Unlock()
	r.records += len(page)
	r.lags[shard] = time.Time{}
	if n := len(page); n > 0 && page[n-1].Dynamodb != nil {
		r.lags[shard] = value(page[n-1].Dynamodb.ApproximateCreationDateTime)
	}
	now := r.Clock()
	s := Status{Consumer: r.Name, Shard: shard, Records: r.records, Elapsed: now.Sub(r.start)}
	if seconds := s.Elapsed.Seconds(); seconds > 0 {
		s.Rate = float64(s.Records) / seconds
	}
	for shard, at := range r.lags {
		if !r.has(shard) {
			delete(r.lags, shard)
			continue
		}
		s.Shards++
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
