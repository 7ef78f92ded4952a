package memdb

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable/memdb/internal/value"
)

// Record is one change of one item, as a stream of the service tells it.
type Record struct {
	// Table is the table's name.
	Table string
	// Event is INSERT, MODIFY or REMOVE. A write that changes nothing gives no record.
	Event string
	// Sequence grows with each record of an engine.
	Sequence uint64
	// Time is when the change was made, on the engine's clock.
	Time time.Time
	// Keys are the key attributes of the item.
	Keys map[string]types.AttributeValue
	// Old and New are the whole item before and after the change, nil where there
	// was none. They are copies.
	Old, New map[string]types.AttributeValue
	// Expired marks what [Engine.Sweep] removed.
	Expired bool
}

// stream is the stream of a table, or one that it had. It outlives the table.
type stream struct {
	arn, label, view string
	table            string
	key              []keyElement
	created          time.Time
	enabled          bool
	disabledAt       time.Time
	shards           []*shard // in the order they were opened
}

// streamRecord is a record in a stream.
type streamRecord struct {
	sequence uint64
	id       string
	at       time.Time
	event    string
	keys     value.Map
	old, now value.Map
	expired  bool
	size     int
}

func (e *Engine) enableStream(t *table, s *streamSpecification) {
	if s == nil || s.StreamEnabled == nil || !*s.StreamEnabled {
		return
	}
	e.settleStreams()
	now := e.now().UTC()
	label := now.Format("2006-01-02T15:04:05.000")
	taken := func(s *stream) bool { return s.arn == t.arn+"/stream/"+label }
	for i := 1; slices.ContainsFunc(e.streams, taken); i++ { // several streams within a millisecond
		label = fmt.Sprintf("%s%03d", label[:len("2006-01-02T15:04:05.000")], i)
	}
	t.stream = &stream{
		arn: t.arn + "/stream/" + label, label: label, view: s.StreamViewType,
		table: t.name, key: t.schema, created: now, enabled: true,
	}
	for _, hashes := range (hashRange{0, math.MaxUint64}).split(max(1, e.options.StreamShards)) {
		e.openShard(t.stream, "", hashes)
	}
	e.streams = append(e.streams, t.stream)
}

func checkStream(c *checker, s *streamSpecification) {
	if s == nil {
		return
	}
	c.required("streamSpecification.streamEnabled", s.StreamEnabled != nil)
	c.enum("streamSpecification.streamViewType", s.StreamViewType, "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES", "KEYS_ONLY")
}

// checkStreamView wants a view exactly where a stream is switched on.
func checkStreamView(s *streamSpecification) error {
	switch {
	case s == nil || s.StreamEnabled == nil:
	case *s.StreamEnabled && s.StreamViewType == "":
		return invalidParameter("StreamSpecification.StreamViewType is required when StreamEnabled is true")
	case !*s.StreamEnabled && s.StreamViewType != "":
		return invalidParameter("StreamSpecification.StreamViewType must not be specified when StreamEnabled is false")
	}
	return nil
}

func (e *Engine) changeStream(t *table, s *streamSpecification) error {
	if s == nil || s.StreamEnabled == nil {
		return nil
	}
	on := t.stream != nil && t.stream.enabled
	switch {
	case *s.StreamEnabled && on:
		return invalid("Table already has an enabled stream: TableName: %s", t.name)
	case !*s.StreamEnabled && !on:
		return invalid("Table has no stream to disable: TableName: %s", t.name)
	case *s.StreamEnabled:
		e.enableStream(t, s)
	default:
		e.disable(t.stream, e.now())
	}
	return nil
}

// record tells the stream and the hook of a change. The caller has the lock.
func (e *Engine) record(t *table, c change, expired bool) {
	streaming := t.stream != nil && t.stream.enabled
	if !streaming && e.options.OnRecord == nil {
		return
	}
	e.sequence++
	whole, event := c.now, "MODIFY"
	if c.old == nil {
		event = "INSERT"
	}
	if c.now == nil {
		whole, event = c.old, "REMOVE"
	}
	now := e.now()
	keys := t.key.pick(whole)
	if streaming {
		r := streamRecord{
			sequence: e.sequence, id: fmt.Sprintf("%032x", e.random.Uint64()), at: now, event: event,
			keys: keys, old: c.old, now: c.now, expired: expired,
		}
		t.stream.add(hashOf(appendTuple(nil, t.key.Hash, whole)), r)
	}
	if e.options.OnRecord != nil {
		e.options.OnRecord(Record{
			Table: t.name, Event: event, Sequence: e.sequence, Time: now,
			Keys: exported(keys), Old: exported(c.old), New: exported(c.now), Expired: expired,
		})
	}
}

// add puts a record into the open shard of its partition's hash.
func (s *stream) add(hash uint64, r streamRecord) {
	if s.view == "KEYS_ONLY" || s.view == "NEW_IMAGE" {
		r.old = nil
	}
	if s.view == "KEYS_ONLY" || s.view == "OLD_IMAGE" {
		r.now = nil
	}
	r.size = value.ItemSize(r.keys) + value.ItemSize(r.old) + value.ItemSize(r.now)
	s.trim(r.at)
	for _, sh := range s.shards {
		if sh.open() && sh.hashes.has(hash) {
			sh.add(r)
			return
		}
	}
}

// exported is a copy of an item in the SDK's types.
func exported(m value.Map) map[string]types.AttributeValue {
	if m == nil {
		return nil
	}
	r := make(map[string]types.AttributeValue, len(m))
	for name, v := range m {
		r[name] = exportedValue(v)
	}
	return r
}

func exportedValue(v value.Value) types.AttributeValue {
	switch v := v.(type) {
	case value.String:
		return &types.AttributeValueMemberS{Value: string(v)}
	case value.Number:
		return &types.AttributeValueMemberN{Value: v.String()}
	case value.Binary:
		return &types.AttributeValueMemberB{Value: []byte(v)}
	case value.Bool:
		return &types.AttributeValueMemberBOOL{Value: bool(v)}
	case value.StringSet:
		return &types.AttributeValueMemberSS{Value: append([]string(nil), v...)}
	case value.NumberSet:
		set := make([]string, len(v))
		for i, n := range v {
			set[i] = n.String()
		}
		return &types.AttributeValueMemberNS{Value: set}
	case value.BinarySet:
		set := make([][]byte, len(v))
		for i, b := range v {
			set[i] = []byte(b)
		}
		return &types.AttributeValueMemberBS{Value: set}
	case value.List:
		list := make([]types.AttributeValue, len(v))
		for i, e := range v {
			list[i] = exportedValue(e)
		}
		return &types.AttributeValueMemberL{Value: list}
	case value.Map:
		return &types.AttributeValueMemberM{Value: exported(v)}
	}
	return &types.AttributeValueMemberNULL{Value: true}
}
