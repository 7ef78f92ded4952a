package memdb

import (
	"fmt"
	"math/bits"
	"slices"
	"sort"
	"time"
)

// retention is how long a stream keeps records, closed shards, and itself once it is disabled.
const retention = 24 * time.Hour

// maxRecords is how many records a shard keeps for readers, however young they are.
const maxRecords = 100_000

// shard is a part of a stream: the records of the items whose partition key hashes into its range,
// from its opening until it is closed.
type shard struct {
	id, parent string
	hashes     hashRange
	start      uint64 // the first sequence number it can hold
	end        uint64 // the last, once it is closed
	closedAt   time.Time
	records    []streamRecord
	trimmed    uint64 // the last sequence number that is gone
}

// hashRange is inclusive on both sides.
type hashRange struct{ low, high uint64 }

func (r hashRange) has(hash uint64) bool { return r.low <= hash && hash <= r.high }

// split cuts the range into n parts of about the same size.
func (r hashRange) split(n int) []hashRange {
	parts := make([]hashRange, n)
	low := r.low
	for i := range parts {
		high, rest := bits.Mul64(r.high-r.low, uint64(i+1))
		quotient, _ := bits.Div64(high, rest, uint64(n))
		parts[i] = hashRange{low, r.low + quotient}
		low = r.low + quotient + 1
	}
	return parts
}

func (e *Engine) openShard(s *stream, parent string, hashes hashRange) {
	e.shards++
	s.shards = append(s.shards, &shard{
		id: fmt.Sprintf("shardId-%020d-%08x", e.shards, hashes.low>>32), parent: parent, hashes: hashes, start: e.sequence + 1,
	})
}

// closeShard gives the closing a sequence number of its own, as the end of the shard.
func (e *Engine) closeShard(sh *shard, now time.Time) {
	e.sequence++
	sh.end, sh.closedAt = e.sequence, now
}

func (sh *shard) open() bool { return sh.end == 0 }

// last is the highest sequence number a reader can come with.
func (sh *shard) last(e *Engine) uint64 {
	if sh.open() {
		return max(sh.start, e.sequence)
	}
	return sh.end
}

func (sh *shard) add(r streamRecord) {
	if len(sh.records) >= maxRecords {
		sh.drop(maxRecords / 2)
	}
	sh.records = append(sh.records, r)
}

// drop trims the oldest n records.
func (sh *shard) drop(n int) {
	if n == 0 {
		return
	}
	sh.trimmed = sh.records[n-1].sequence
	clear(sh.records[:n]) // their items can go
	sh.records = sh.records[n:]
}

// from are the records from a sequence number on.
func (sh *shard) from(next uint64) []streamRecord {
	return sh.records[sort.Search(len(sh.records), func(i int) bool { return sh.records[i].sequence >= next }):]
}

// trim drops what is older than the retention.
func (s *stream) trim(now time.Time) {
	horizon := now.Add(-retention)
	for _, sh := range s.shards {
		young := slices.IndexFunc(sh.records, func(r streamRecord) bool { return r.at.After(horizon) })
		if young < 0 {
			young = len(sh.records)
		}
		sh.drop(young)
	}
	s.shards = slices.DeleteFunc(s.shards, func(sh *shard) bool { return !sh.open() && !sh.closedAt.After(horizon) })
}

func (s *stream) shard(id string) *shard {
	for _, sh := range s.shards {
		if sh.id == id {
			return sh
		}
	}
	return nil
}

func (e *Engine) disable(s *stream, now time.Time) {
	s.enabled, s.disabledAt = false, now
	for _, sh := range s.shards {
		if sh.open() {
			e.closeShard(sh, now)
		}
	}
}

// settleStreams closes and forgets what is to be by now. The caller has the lock.
func (e *Engine) settleStreams() {
	now := e.now()
	for _, s := range e.streams {
		t := e.tables[s.table]
		if s.enabled && (t == nil || t.stream != s || !t.goneAt.IsZero()) { // its table is deleted
			e.disable(s, now)
		}
		s.trim(now)
	}
	horizon := now.Add(-retention)
	e.streams = slices.DeleteFunc(e.streams, func(s *stream) bool { return !s.enabled && !s.disabledAt.After(horizon) })
}

// RollShards closes each open shard of the table's stream and opens a child for it, as the service
// does about every four hours. It fails if the table does not exist or has no stream that is enabled.
func (e *Engine) RollShards(table string) error { return e.reshard(table, 1) }

// SplitShards is [Engine.RollShards] with two children for each shard, as the service does when a
// partition grows: each child has half of the partition keys.
func (e *Engine) SplitShards(table string) error { return e.reshard(table, 2) }

func (e *Engine) reshard(name string, children int) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	t, err := e.table(name)
	if err != nil {
		return fmt.Errorf("memdb: table %s: %w", name, err)
	}
	if t.stream == nil || !t.stream.enabled {
		return fmt.Errorf("memdb: table %s has no stream that is enabled", name)
	}
	now := e.now()
	t.stream.trim(now)
	var parents []*shard
	for _, sh := range t.stream.shards {
		if sh.open() {
			e.closeShard(sh, now)
			parents = append(parents, sh)
		}
	}
	for _, parent := range parents {
		for _, hashes := range parent.hashes.split(children) {
			e.openShard(t.stream, parent.id, hashes)
		}
	}
	return nil
}
