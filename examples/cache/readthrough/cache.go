package readthrough

import (
	"bytes"
	"container/list"
	"context"
	"hash/maphash"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// item is what is kept: an item, or nil for one that is missing. What is in the cache is nobody's but its own.
type item = map[string]types.AttributeValue

// Stats says what a cache has done.
type Stats struct {
	Hits   int // reads of items that were answered from memory, or by another read under way
	Misses int // those that were sent
	Items  int // that are kept, missing ones too
	Bytes  int // that they take, about
}

// cache keeps items by id, within bounds of age and bytes.
type cache struct {
	maxAge   time.Duration
	maxBytes int
	now      func() time.Time
	seed     maphash.Seed

	mu       sync.Mutex
	entries  map[string]*list.Element // of *entry
	used     list.List                // the last used first
	bytes    int
	writes   [1024]uint64 // how many writes of items have ended, by a hash of the id
	flights  map[string]*flight
	hits     int
	requests int
}

type entry struct {
	id    string
	item  item
	bytes int
	born  time.Time
}

// load is a read under way. What it gives is kept if no write of the item has ended since.
type load struct {
	writes uint64
	born   time.Time
}

// flight is a load that others wait for.
type flight struct {
	load
	ended chan struct{}
	item  item // shared by those who wait, who copy it
	err   error
	gone  bool // its caller has given up, which says nothing to the others
}

func newCache(maxAge time.Duration, maxBytes int, now func() time.Time) *cache {
	return &cache{
		maxAge: maxAge, maxBytes: maxBytes, now: now, seed: maphash.MakeSeed(),
		entries: map[string]*list.Element{}, flights: map[string]*flight{},
	}
}

func (c *cache) slot(id string) *uint64 {
	return &c.writes[maphash.String(c.seed, id)%uint64(len(c.writes))]
}

// look gives an item that is kept, a copy, or the load that is to bring it.
func (c *cache) look(id string) (item, bool, load) {
	c.mu.Lock()
	kept, hit, l := c.lookLocked(id)
	c.mu.Unlock()
	return copyItem(kept), hit, l // what is kept never changes, so it is copied outside of the lock
}

func (c *cache) lookLocked(id string) (item, bool, load) {
	now := c.now()
	if at, ok := c.entries[id]; ok {
		if e := at.Value.(*entry); now.Sub(e.born) < c.maxAge {
			c.used.MoveToFront(at)
			c.hits++
			return e.item, true, load{}
		}
		c.drop(at)
	}
	c.requests++
	return nil, false, load{writes: *c.slot(id), born: now}
}

// get gives an item that is kept, or what fetch gives; of several at the same time one fetches.
func (c *cache) get(ctx context.Context, id string, fetch func() (item, error)) (item, error) {
	for {
		c.mu.Lock()
		if f := c.flights[id]; f != nil && f.writes == *c.slot(id) { // one from before a write is not good for who comes after it
			c.mu.Unlock()
			select {
			case <-f.ended:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
			if f.gone {
				continue
			}
			c.mu.Lock()
			c.hits++
			c.mu.Unlock()
			return copyItem(f.item), f.err
		}
		kept, hit, l := c.lookLocked(id)
		if hit {
			c.mu.Unlock()
			return copyItem(kept), nil
		}
		f := &flight{load: l, ended: make(chan struct{}), gone: true}
		c.flights[id] = f
		c.mu.Unlock()
		return c.fly(ctx, id, f, fetch)
	}
}

func (c *cache) fly(ctx context.Context, id string, f *flight, fetch func() (item, error)) (item, error) {
	defer func() { // also if fetch panics
		c.mu.Lock()
		if c.flights[id] == f {
			delete(c.flights, id)
		}
		c.mu.Unlock()
		close(f.ended)
	}()
	got, err := fetch()
	f.item, f.err, f.gone = copyItem(got), err, err != nil && ctx.Err() != nil
	if err == nil {
		c.put(id, f.load, got)
	}
	return got, err
}

// put keeps a copy of what a load has brought, unless it may be from before a write, or is larger than all that may be kept.
func (c *cache) put(id string, l load, got item) {
	size := 200 + len(id) + sizeOf(got) // the entry itself takes about so much
	if size > c.maxBytes {
		return
	}
	e := &entry{id: id, item: copyItem(got), bytes: size, born: l.born}
	c.mu.Lock()
	defer c.mu.Unlock()
	if l.writes != *c.slot(id) {
		return
	}
	if at, ok := c.entries[id]; ok {
		if at.Value.(*entry).born.After(l.born) {
			return
		}
		c.drop(at)
	}
	c.entries[id] = c.used.PushFront(e)
	c.bytes += size
	for c.bytes > c.maxBytes {
		c.drop(c.used.Back())
	}
}

// remove forgets items, and sees to it that loads under way, which may be from before the write, do not bring them back.
func (c *cache) remove(ids []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range ids {
		*c.slot(id)++
		if at, ok := c.entries[id]; ok {
			c.drop(at)
		}
	}
}

func (c *cache) drop(at *list.Element) {
	e := c.used.Remove(at).(*entry)
	delete(c.entries, e.id)
	c.bytes -= e.bytes
}

func (c *cache) statistics() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Stats{Hits: c.hits, Misses: c.requests, Items: len(c.entries), Bytes: c.bytes}
}

// copyItem copies an item with all that is in it.
func copyItem(m item) item {
	if m == nil {
		return nil
	}
	out := make(item, len(m))
	for name, v := range m {
		out[name] = copyValue(v)
	}
	return out
}

func copyValue(v types.AttributeValue) types.AttributeValue {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return &types.AttributeValueMemberS{Value: v.Value}
	case *types.AttributeValueMemberN:
		return &types.AttributeValueMemberN{Value: v.Value}
	case *types.AttributeValueMemberBOOL:
		return &types.AttributeValueMemberBOOL{Value: v.Value}
	case *types.AttributeValueMemberNULL:
		return &types.AttributeValueMemberNULL{Value: v.Value}
	case *types.AttributeValueMemberB:
		return &types.AttributeValueMemberB{Value: bytes.Clone(v.Value)}
	case *types.AttributeValueMemberSS:
		return &types.AttributeValueMemberSS{Value: slices.Clone(v.Value)}
	case *types.AttributeValueMemberNS:
		return &types.AttributeValueMemberNS{Value: slices.Clone(v.Value)}
	case *types.AttributeValueMemberBS:
		out := make([][]byte, len(v.Value))
		for i, b := range v.Value {
			out[i] = bytes.Clone(b)
		}
		return &types.AttributeValueMemberBS{Value: out}
	case *types.AttributeValueMemberL:
		out := make([]types.AttributeValue, len(v.Value))
		for i, element := range v.Value {
			out[i] = copyValue(element)
		}
		return &types.AttributeValueMemberL{Value: out}
	case *types.AttributeValueMemberM:
		return &types.AttributeValueMemberM{Value: copyItem(v.Value)}
	}
	return v // of a later SDK
}

// sizeOf is about how many bytes an item takes.
func sizeOf(m item) int {
	n := 0
	for name, v := range m {
		n += len(name) + sizeOfValue(v)
	}
	return n
}

func sizeOfValue(v types.AttributeValue) int {
	const header = 32 // of the value and its place in a map or list
	n := header
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		n += len(v.Value)
	case *types.AttributeValueMemberN:
		n += len(v.Value)
	case *types.AttributeValueMemberB:
		n += len(v.Value)
	case *types.AttributeValueMemberSS:
		n += sizeOfTexts(v.Value)
	case *types.AttributeValueMemberNS:
		n += sizeOfTexts(v.Value)
	case *types.AttributeValueMemberBS:
		n += sizeOfTexts(v.Value)
	case *types.AttributeValueMemberL:
		for _, element := range v.Value {
			n += sizeOfValue(element)
		}
	case *types.AttributeValueMemberM:
		n += sizeOf(v.Value)
	}
	return n
}

func sizeOfTexts[T ~string | ~[]byte](texts []T) int {
	n := 0
	for _, text := range texts {
		n += 32 + len(text)
	}
	return n
}
