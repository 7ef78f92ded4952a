package memdb

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/monotable/monotable/memdb/internal/expr"
	"github.com/monotable/monotable/memdb/internal/value"
)

// Limits of batches.
const (
	maxBatchGet   = 100
	maxBatchWrite = 25
	maxBatchSize  = 16 << 20
)

const msgDuplicates = "Provided list of item keys contains duplicates"

type batchGetTable struct {
	Keys                     []item
	ConsistentRead           *bool             `json:",omitempty"`
	ProjectionExpression     *string           `json:",omitempty"`
	ExpressionAttributeNames map[string]string `json:",omitempty"`
	AttributesToGet          []string          `json:",omitempty"`
}

// keysLeft is a batchGetTable in an answer.
type keysLeft struct {
	Keys                     []value.Map
	ConsistentRead           *bool             `json:",omitempty"`
	ProjectionExpression     *string           `json:",omitempty"`
	ExpressionAttributeNames map[string]string `json:",omitempty"`
}

type batchGetInput struct {
	RequestItems           map[string]batchGetTable
	ReturnConsumedCapacity string
}

type batchGetOutput struct {
	Responses        map[string][]value.Map
	UnprocessedKeys  map[string]*keysLeft
	ConsumedCapacity []*consumedCapacity `json:",omitempty"`
}

// batchGet is the part of a batch that concerns one table.
type batchGet struct {
	in    batchGetTable
	name  string
	table *table
	pick  *expr.Projection
	keys  []string // tree keys
}

func (e *Engine) batchGetItem(in *batchGetInput) (*batchGetOutput, error) {
	parts, err := in.parse()
	if err != nil {
		return nil, err
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	for _, p := range parts {
		if p.table, err = e.table(p.name); err != nil {
			return nil, err
		}
	}
	for _, p := range parts {
		if err := p.table.checkPick(p.pick); err != nil {
			return nil, err
		}
		for _, k := range p.in.Keys {
			if err := p.table.key.checkKey(k.Map); err != nil {
				return nil, err
			}
			p.keys = append(p.keys, p.table.key.treeKey(k.Map))
		}
		if value.HasDuplicates(p.keys) {
			return nil, invalid(msgDuplicates)
		}
	}
	return e.runBatchGet(in, parts)
}

func (in *batchGetInput) parse() ([]*batchGet, error) {
	if len(in.RequestItems) == 0 {
		return nil, invalid("The requestItems parameter is required for BatchGetItem")
	}
	var c checker
	c.capacity(in.ReturnConsumedCapacity)
	total := 0
	for _, name := range sortedKeys(in.RequestItems) {
		keys := in.RequestItems[name].Keys
		field := "RequestItems." + name + ".member.Keys"
		switch {
		case keys == nil:
			c.required(field, false)
		case len(keys) == 0:
			c.addf("Value '[]' at '%s' failed to satisfy constraint: Member must have length greater than or equal to 1", field)
		case len(keys) > maxBatchGet:
			c.addf("Value at '%s' failed to satisfy constraint: Member must have length less than or equal to %d", field, maxBatchGet)
		}
		total += len(keys)
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	if total > maxBatchGet {
		return nil, invalid("Too many items requested for the BatchGetItem call")
	}
	var parts []*batchGet
	for _, name := range sortedKeys(in.RequestItems) {
		if err := checkTableName(&name); err != nil {
			return nil, err
		}
		p := &batchGet{in: in.RequestItems[name], name: name}
		if p.in.AttributesToGet != nil {
			return nil, invalid("The legacy parameter AttributesToGet is not supported by memdb; use an expression")
		}
		names := placeholders{ExpressionAttributeNames: p.in.ExpressionAttributeNames}
		params, err := names.params(source{expr.ProjectionExpression, p.in.ProjectionExpression})
		if err != nil {
			return nil, err
		}
		if p.pick, err = projection(params, p.in.ProjectionExpression); err != nil {
			return nil, err
		}
		if err := params.Unused(); err != nil {
			return nil, err
		}
		for _, k := range p.in.Keys {
			if k.broken != nil {
				return nil, k.broken
			}
		}
		parts = append(parts, p)
	}
	return parts, nil
}

func (e *Engine) runBatchGet(in *batchGetInput, parts []*batchGet) (*batchGetOutput, error) {
	out := &batchGetOutput{Responses: map[string][]value.Map{}, UnprocessedKeys: map[string]*keysLeft{}}
	size, done := 0, 0
	var failed *apiError
	for _, p := range parts {
		m := meter{table: p.table, mode: in.ReturnConsumedCapacity, factor: readFactor(p.in.ConsistentRead != nil && *p.in.ConsistentRead)}
		items := []value.Map{}
		order := make([]int, len(p.keys))
		for i := range order {
			order[i] = i
		}
		// The answer has an order of its own, so that nobody relies on the request's.
		slices.SortFunc(order, func(a, b int) int { return cmp.Compare(p.keys[a], p.keys[b]) })
		for _, i := range order {
			left := size > maxBatchSize
			r := p.table.get(p.keys[i])
			if r != nil && size+r.size > maxBatchSize {
				left = true
			}
			if e.asked() && !left {
				call := e.call("BatchGetItem", p.table, "", i, p.in.Keys[i].Map)
				if err := e.throttled(call); err != nil {
					failed, left = firstError(failed, err), true
				} else {
					left = e.unprocessed(call)
				}
			}
			if left {
				p.leave(out, p.in.Keys[i].Map)
				continue
			}
			done++
			if r == nil {
				m.read(nil, 0)
				continue
			}
			size += r.size
			m.read(nil, r.size)
			items = append(items, projected(p.pick, r.item))
		}
		out.Responses[p.name] = items
		if c := m.consumed(); c != nil {
			out.ConsumedCapacity = append(out.ConsumedCapacity, c)
		}
	}
	if failed != nil && done == 0 {
		return nil, failed
	}
	return out, nil
}

func firstError(old, now *apiError) *apiError {
	if old != nil {
		return old
	}
	return now
}

func (p *batchGet) leave(out *batchGetOutput, key value.Map) {
	left := out.UnprocessedKeys[p.name]
	if left == nil {
		left = &keysLeft{
			ConsistentRead: p.in.ConsistentRead, ProjectionExpression: p.in.ProjectionExpression,
			ExpressionAttributeNames: p.in.ExpressionAttributeNames,
		}
		out.UnprocessedKeys[p.name] = left
	}
	left.Keys = append(left.Keys, key)
}

type writeRequest struct {
	PutRequest    *struct{ Item item }
	DeleteRequest *struct{ Key item }
}

type batchWriteInput struct {
	RequestItems                map[string][]writeRequest
	ReturnConsumedCapacity      string
	ReturnItemCollectionMetrics string
}

// writeLeft is a writeRequest in an answer.
type writeLeft struct {
	PutRequest    *struct{ Item value.Map } `json:",omitempty"`
	DeleteRequest *struct{ Key value.Map }  `json:",omitempty"`
}

type batchWriteOutput struct {
	UnprocessedItems      map[string][]writeLeft
	ConsumedCapacity      []*consumedCapacity             `json:",omitempty"`
	ItemCollectionMetrics map[string][]*collectionMetrics `json:",omitempty"`
}

func (in *batchWriteInput) checkForm() error {
	if len(in.RequestItems) == 0 {
		return invalid("The requestItems parameter is required for BatchWriteItem")
	}
	var c checker
	c.capacity(in.ReturnConsumedCapacity)
	c.metrics(in.ReturnItemCollectionMetrics)
	total := 0
	for _, name := range sortedKeys(in.RequestItems) {
		n := len(in.RequestItems[name])
		if n == 0 || n > maxBatchWrite {
			c.addf("Value '{%s=[%d requests]}' at 'requestItems' failed to satisfy constraint: Map value must satisfy constraint: [Member must have length less than or equal to %d, Member must have length greater than or equal to 1]",
				name, n, maxBatchWrite)
		}
		total += n
	}
	if err := c.err(); err != nil {
		return err
	}
	if total > maxBatchWrite {
		return invalid("Too many items requested for the BatchWriteItem call")
	}
	return nil
}

// writes turns the requests of one table into actions.
func (in *batchWriteInput) writes(name string) ([]*write, error) {
	if err := checkTableName(&name); err != nil {
		return nil, err
	}
	var ws []*write
	for _, r := range in.RequestItems[name] {
		w := &write{tableName: name}
		var broken error
		switch {
		case r.PutRequest != nil && r.DeleteRequest != nil:
			return nil, invalid("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
		case r.PutRequest != nil:
			w.verb, w.item, broken = verbPut, r.PutRequest.Item.Map, r.PutRequest.Item.broken
		case r.DeleteRequest != nil:
			w.verb, w.key, broken = verbDelete, r.DeleteRequest.Key.Map, r.DeleteRequest.Key.broken
		default:
			return nil, invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
		}
		if broken != nil {
			return nil, broken
		}
		ws = append(ws, w)
	}
	return ws, nil
}

func (e *Engine) batchWriteItem(in *batchWriteInput) (*batchWriteOutput, error) {
	if err := in.checkForm(); err != nil {
		return nil, err
	}
	names := sortedKeys(in.RequestItems)
	parts := map[string][]*write{}
	for _, name := range names {
		ws, err := in.writes(name)
		if err != nil {
			return nil, err
		}
		parts[name] = ws
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	size := 0
	for _, name := range names {
		var keys []string
		for _, w := range parts[name] {
			if err := w.bind(e); err != nil {
				return nil, err
			}
			if err := w.check(); err != nil {
				return nil, err
			}
			keys = append(keys, w.treeKey)
			size += value.ItemSize(w.item)
		}
		if value.HasDuplicates(keys) {
			return nil, invalid(msgDuplicates)
		}
	}
	if size > maxBatchSize {
		return nil, invalid("Request size has exceeded the maximum allowed size of %d bytes", maxBatchSize)
	}
	return e.runBatchWrite(in, names, parts)
}

func (e *Engine) runBatchWrite(in *batchWriteInput, names []string, parts map[string][]*write) (*batchWriteOutput, error) {
	out := &batchWriteOutput{UnprocessedItems: map[string][]writeLeft{}}
	done := 0
	var failed *apiError
	for _, name := range names {
		ws := parts[name]
		m := meter{table: ws[0].table, mode: in.ReturnConsumedCapacity, factor: consistent}
		for i, w := range ws {
			if e.asked() {
				call := e.call("BatchWriteItem", w.table, "", i, w.keys())
				left := false
				if err := e.throttled(call); err != nil {
					failed, left = firstError(failed, err), true
				} else {
					left = e.unprocessed(call)
				}
				if left {
					out.UnprocessedItems[name] = append(out.UnprocessedItems[name], w.left())
					continue
				}
			}
			done++
			c, err := w.try()
			if err != nil {
				return nil, fmt.Errorf("unconditional write failed: %w", err)
			}
			w.commit(e, c)
			m.wrote(c)
			if metrics := w.table.metrics(in.ReturnItemCollectionMetrics, w.keys()); metrics != nil {
				if out.ItemCollectionMetrics == nil {
					out.ItemCollectionMetrics = map[string][]*collectionMetrics{}
				}
				out.ItemCollectionMetrics[name] = append(out.ItemCollectionMetrics[name], metrics)
			}
		}
		if c := m.consumed(); c != nil {
			out.ConsumedCapacity = append(out.ConsumedCapacity, c)
		}
	}
	if failed != nil && done == 0 {
		return nil, failed
	}
	return out, nil
}

func (w *write) left() writeLeft {
	if w.verb == verbPut {
		return writeLeft{PutRequest: &struct{ Item value.Map }{w.item}}
	}
	return writeLeft{DeleteRequest: &struct{ Key value.Map }{w.key}}
}
