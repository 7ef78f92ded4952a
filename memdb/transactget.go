package memdb

import (
	"errors"
	"fmt"

	"github.com/monotable/monotable/memdb/internal/expr"
	"github.com/monotable/monotable/memdb/internal/value"
)

type transactGet struct {
	TableName                *string
	Key                      item
	ProjectionExpression     *string
	ExpressionAttributeNames map[string]string
}

type transactGetInput struct {
	TransactItems          []struct{ Get *transactGet }
	ReturnConsumedCapacity string
}

type transactGetOutput struct {
	Responses        []getItemOutput
	ConsumedCapacity []*consumedCapacity `json:",omitempty"`
}

func (in *transactGetInput) parse() ([]*expr.Projection, error) {
	var c checker
	c.capacity(in.ReturnConsumedCapacity)
	checkActions(&c, in.TransactItems)
	for i, a := range in.TransactItems {
		member := fmt.Sprintf("transactItems.%d.member.get", i+1)
		c.required(member, a.Get != nil)
		if a.Get != nil {
			c.required(member+".tableName", a.Get.TableName != nil)
			c.required(member+".key", a.Get.Key.given())
		}
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	picks := make([]*expr.Projection, len(in.TransactItems))
	for i, a := range in.TransactItems {
		if err := checkTableName(a.Get.TableName); err != nil {
			return nil, err
		}
		names := placeholders{ExpressionAttributeNames: a.Get.ExpressionAttributeNames}
		params, err := names.params(source{expr.ProjectionExpression, a.Get.ProjectionExpression})
		if err != nil {
			return nil, err
		}
		if picks[i], err = projection(params, a.Get.ProjectionExpression); err != nil {
			return nil, err
		}
		if err := errors.Join(params.Unused(), a.Get.Key.broken); err != nil {
			return nil, err
		}
	}
	return picks, nil
}

func (e *Engine) transactGetItems(in *transactGetInput) (*transactGetOutput, error) {
	picks, err := in.parse()
	if err != nil {
		return nil, err
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	tables := make([]*table, len(in.TransactItems))
	for i, a := range in.TransactItems {
		if tables[i], err = e.table(*a.Get.TableName); err != nil {
			return nil, err
		}
		if err := tables[i].checkPick(picks[i]); err != nil {
			return nil, err
		}
	}
	reasons := make([]cancellationReason, len(tables))
	bad := false
	seen := map[string]bool{}
	out := &transactGetOutput{}
	var meters []*meter
	size := 0
	for i, a := range in.TransactItems {
		t, key := tables[i], a.Get.Key.Map
		err := t.key.checkKey(key)
		if err == nil {
			id := t.name + "\x00" + t.key.treeKey(key)
			if seen[id] {
				return nil, invalid("Transaction request cannot include multiple operations on one item")
			}
			seen[id] = true
			err = e.disturbed("TransactGetItems", t, i, func() value.Map { return key })
		}
		if err != nil {
			reasons[i], bad = reasonOf(err), true
			continue
		}
		meters = meterOf(meters, t, in.ReturnConsumedCapacity)
		got := getItemOutput{}
		n := 0
		if r := t.get(t.key.treeKey(key)); r != nil {
			n = r.size
			got.Item = projected(picks[i], r.item)
		}
		size += n
		find(meters, t).read(nil, n)
		out.Responses = append(out.Responses, got)
	}
	if bad {
		return nil, cancelled(reasons)
	}
	if size > maxTransactionSize {
		return nil, invalid("Transaction request exceeds the maximum size of %d bytes", maxTransactionSize)
	}
	out.ConsumedCapacity = consumedBy(meters)
	return out, nil
}
