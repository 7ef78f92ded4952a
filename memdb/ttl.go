package memdb

import (
	"time"

	"github.com/monotable/monotable/memdb/internal/value"
)

// timeToLive is a table's setting. Once switched off, the attribute's name is forgotten.
type timeToLive struct {
	attribute string
	enabled   bool
}

type timeToLiveSpecification struct {
	AttributeName *string
	Enabled       *bool
}

type updateTimeToLiveInput struct {
	TableName               *string
	TimeToLiveSpecification *timeToLiveSpecification
}

type updateTimeToLiveOutput struct {
	TimeToLiveSpecification *timeToLiveSpecification
}

type timeToLiveDescription struct {
	TimeToLiveStatus string
	AttributeName    string `json:",omitempty"`
}

type describeTimeToLiveOutput struct {
	TimeToLiveDescription timeToLiveDescription
}

func (e *Engine) updateTimeToLive(in *updateTimeToLiveInput) (*updateTimeToLiveOutput, error) {
	if err := checkTableName(in.TableName); err != nil {
		return nil, err
	}
	var c checker
	s := in.TimeToLiveSpecification
	c.required("timeToLiveSpecification", s != nil)
	if s != nil {
		c.required("timeToLiveSpecification.enabled", s.Enabled != nil)
		c.required("timeToLiveSpecification.attributeName", s.AttributeName != nil)
		if s.AttributeName != nil {
			c.length("timeToLiveSpecification.attributeName", *s.AttributeName, 1, 255)
		}
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	t, err := e.table(*in.TableName)
	if err != nil {
		return nil, err
	}
	switch {
	case *s.Enabled && t.ttl.enabled && t.ttl.attribute == *s.AttributeName:
		return nil, invalid("TimeToLive is already enabled")
	case *s.Enabled && t.ttl.enabled:
		return nil, invalid("TimeToLive is active on a different AttributeName: current AttributeName is %s", t.ttl.attribute)
	case !*s.Enabled && !t.ttl.enabled:
		return nil, invalid("TimeToLive is already disabled")
	case !*s.Enabled && t.ttl.attribute != *s.AttributeName:
		return nil, invalid("TimeToLive is active on a different AttributeName: current AttributeName is %s", t.ttl.attribute)
	}
	t.ttl = timeToLive{}
	if *s.Enabled {
		t.ttl = timeToLive{attribute: *s.AttributeName, enabled: true}
	}
	return &updateTimeToLiveOutput{s}, nil
}

func (e *Engine) describeTimeToLive(in *tableNameInput) (*describeTimeToLiveOutput, error) {
	return show(e, in, func(t *table) *describeTimeToLiveOutput {
		if t.ttl.enabled {
			return &describeTimeToLiveOutput{timeToLiveDescription{"ENABLED", t.ttl.attribute}}
		}
		return &describeTimeToLiveOutput{timeToLiveDescription{TimeToLiveStatus: "DISABLED"}}
	})
}

// maxExpired is how long ago an item may have expired to be removed at all: the
// service takes older times for mistakes.
const maxExpired = 5 * 365 * 24 * time.Hour

// Sweep removes the items that have expired by the engine's clock and says how
// many there were. Until it is called expired items can be read, as with the
// service, which removes them within days. An item expires when the attribute of
// its table's TimeToLive, a number of seconds since 1970, lies in the past. A
// sweep looks at every item of the tables that have TimeToLive.
func (e *Engine) Sweep() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.now()
	count := 0
	for _, name := range sortedKeys(e.tables) {
		t := e.tables[name]
		if !t.ttl.enabled || t.gone(now) {
			continue
		}
		var expired []*row
		for n := t.rows.First(); n != nil; n = n.Next() {
			if t.ttl.expired(n.Value.item, now) {
				expired = append(expired, n.Value)
			}
		}
		for _, r := range expired {
			t.put(r.treeKey, nil)
			e.record(t, change{old: r.item}, true)
		}
		count += len(expired)
	}
	return count
}

func (l timeToLive) expired(item value.Map, now time.Time) bool {
	n, ok := item[l.attribute].(value.Number)
	if !ok {
		return false
	}
	at := n.Floor64()
	return at < now.Unix() && at > now.Add(-maxExpired).Unix()
}
