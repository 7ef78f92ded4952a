package memdb_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// outcome is what an operation gave, in a form that can be compared.
type outcome struct {
	err     string   // the exception's name
	reasons []string // of a cancelled transaction, in order
	lines   []string // what was returned
}

func (o outcome) String() string {
	if o.err != "" {
		return fmt.Sprintf("%s %v %v", o.err, o.reasons, o.lines)
	}
	return strings.Join(o.lines, " | ")
}

// operation is one random operation. run gives it to one server.
type operation struct {
	kind   string
	rules  map[string]bool
	nested bool // an update of nested paths that asks for UPDATED_*
	sparse bool // an update of a table with local indexes

	touchesKey bool // an update that names a key attribute of the table or an index
	table      string
	key        attr // of single items
	run        func(ctx context.Context, c *dynamodb.Client) outcome
}

func failed(err error) outcome {
	if err == nil {
		return outcome{}
	}
	var api interface{ ErrorCode() string }
	if !errors.As(err, &api) {
		return outcome{err: "client: " + err.Error()}
	}
	o := outcome{err: api.ErrorCode()}
	if c, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		o.lines = []string{canonItem(c.Item)}
	}
	if c, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
		for _, r := range c.CancellationReasons {
			o.reasons = append(o.reasons, aws.ToString(r.Code))
			o.lines = append(o.lines, canonItem(r.Item))
		}
	}
	return o
}

func items(list []attr, ordered bool) []string {
	var out []string
	for _, item := range list {
		out = append(out, canonItem(item))
	}
	if !ordered {
		slices.Sort(out)
	}
	return out
}

// world makes operations on some tables.
type world struct {
	random
	tables []*shape
}

func merged(a, b map[string]string) map[string]string {
	m := maps.Clone(a)
	maps.Copy(m, b)
	return m
}

func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func (w *world) table() *shape { return w.tables[w.IntN(len(w.tables))] }

func (w *world) grammar(s *shape) *grammar { return newGrammar(w.random, merged(common, s.types)) }

func (w *world) maybeGarble(g *grammar, s string) string {
	if w.chance(0.03) {
		return g.garble(s)
	}
	return s
}

func (w *world) condition(g *grammar, p float64) string {
	if !w.chance(p) {
		return ""
	}
	return w.maybeGarble(g, g.condition(w.IntN(4)))
}

func (w *world) failureValues() types.ReturnValuesOnConditionCheckFailure {
	return types.ReturnValuesOnConditionCheckFailure(w.one("", "NONE", "ALL_OLD", "ALL_OLD"))
}

func (w *world) put() operation {
	s := w.table()
	g := w.grammar(s)
	cond := w.condition(g, 0.35)
	g.prune(cond)
	in := &dynamodb.PutItemInput{
		TableName: &s.name, Item: w.item(s), ConditionExpression: text(cond), ExpressionAttributeNames: g.names, ExpressionAttributeValues: g.values,
		ReturnValues: types.ReturnValue(w.one("", "NONE", "ALL_OLD", "ALL_OLD")), ReturnValuesOnConditionCheckFailure: w.failureValues(),
	}
	if w.chance(0.01) {
		in.ReturnValues = types.ReturnValueAllNew
	}
	return operation{kind: "PutItem", rules: g.rules, table: s.name, key: pick(in.Item, s.keys), run: func(ctx context.Context, c *dynamodb.Client) outcome {
		out, err := c.PutItem(ctx, in)
		if err != nil {
			return failed(err)
		}
		return outcome{lines: []string{canonItem(out.Attributes)}}
	}}
}

func pick(item attr, names []string) attr {
	key := attr{}
	for _, n := range names {
		if v, ok := item[n]; ok {
			key[n] = v
		}
	}
	return key
}

func (w *world) update() operation {
	s := w.table()
	g := w.grammar(s)
	cond := w.condition(g, 0.25)
	up, nested := "", false
	if w.chance(0.98) {
		up, nested = g.update(s.keys)
		up = w.maybeGarble(g, up)
	}
	g.prune(cond, up)
	in := &dynamodb.UpdateItemInput{
		TableName: &s.name, Key: w.key(s), ConditionExpression: text(cond), UpdateExpression: text(up),
		ExpressionAttributeNames: g.names, ExpressionAttributeValues: g.values, ReturnValuesOnConditionCheckFailure: w.failureValues(),
		ReturnValues: types.ReturnValue(w.one("", "NONE", "ALL_OLD", "ALL_NEW", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW")),
	}
	nested = nested && strings.HasPrefix(string(in.ReturnValues), "UPDATED")
	touchesKey := slices.ContainsFunc(sortedNames(s.types), func(key string) bool { return mentions(up, g.names, key) })
	sparse := slices.ContainsFunc(s.indexes, func(x shapeIndex) bool { return !x.global })
	return operation{kind: "UpdateItem", rules: g.rules, sparse: sparse, touchesKey: touchesKey, nested: nested, table: s.name, key: in.Key, run: func(ctx context.Context, c *dynamodb.Client) outcome {
		out, err := c.UpdateItem(ctx, in)
		if err != nil {
			return failed(err)
		}
		return outcome{lines: []string{canonItem(out.Attributes)}}
	}}
}

func (w *world) remove() operation {
	s := w.table()
	g := w.grammar(s)
	cond := w.condition(g, 0.4)
	g.prune(cond)
	in := &dynamodb.DeleteItemInput{
		TableName: &s.name, Key: w.key(s), ConditionExpression: text(cond), ExpressionAttributeNames: g.names, ExpressionAttributeValues: g.values,
		ReturnValues: types.ReturnValue(w.one("", "NONE", "ALL_OLD")), ReturnValuesOnConditionCheckFailure: w.failureValues(),
	}
	return operation{kind: "DeleteItem", rules: g.rules, table: s.name, key: in.Key, run: func(ctx context.Context, c *dynamodb.Client) outcome {
		out, err := c.DeleteItem(ctx, in)
		if err != nil {
			return failed(err)
		}
		return outcome{lines: []string{canonItem(out.Attributes)}}
	}}
}

func (w *world) projection(g *grammar, p float64) string {
	if !w.chance(p) {
		return ""
	}
	return w.maybeGarble(g, g.projection())
}

func (w *world) get() operation {
	s := w.table()
	g := w.grammar(s)
	pro := w.projection(g, 0.6)
	g.prune(pro)
	in := &dynamodb.GetItemInput{
		TableName: &s.name, Key: w.key(s), ProjectionExpression: text(pro), ExpressionAttributeNames: g.names, ConsistentRead: aws.Bool(w.chance(0.5)),
	}
	return operation{kind: "GetItem", rules: g.rules, table: s.name, key: in.Key, run: func(ctx context.Context, c *dynamodb.Client) outcome {
		out, err := c.GetItem(ctx, in)
		if err != nil {
			return failed(err)
		}
		return outcome{lines: []string{canonItem(out.Item)}}
	}}
}

func (w *world) batchGet() operation {
	in := &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{}}
	rules := map[string]bool{}
	for _, s := range w.tables[:1+w.IntN(len(w.tables))] {
		g := w.grammar(s)
		pro := w.projection(g, 0.3)
		g.prune(pro)
		maps.Copy(rules, g.rules)
		k := types.KeysAndAttributes{ProjectionExpression: text(pro), ExpressionAttributeNames: g.names}
		seen := map[string]bool{}
		for range w.IntN(6) + 1 {
			key := w.key(s)
			if id := canonItem(key); !seen[id] || w.chance(0.02) {
				seen[id] = true
				k.Keys = append(k.Keys, key)
			}
		}
		in.RequestItems[s.name] = k
	}
	return operation{kind: "BatchGetItem", rules: rules, run: func(ctx context.Context, c *dynamodb.Client) outcome {
		out, err := c.BatchGetItem(ctx, in)
		if err != nil {
			return failed(err)
		}
		o := outcome{lines: []string{fmt.Sprint("unprocessed ", len(out.UnprocessedKeys))}}
		for _, name := range sortedNames(out.Responses) {
			o.lines = append(append(o.lines, name), items(out.Responses[name], false)...)
		}
		return o
	}}
}

func (w *world) batchWrite() operation {
	in := &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{}}
	for _, s := range w.tables[:1+w.IntN(len(w.tables))] {
		seen := map[string]bool{}
		n := 1 + w.IntN(4)
		if w.chance(0.02) {
			n = 26
		}
		for range n {
			item := w.item(s)
			if w.chance(0.85) && !w.sound(s, item) {
				continue
			}
			key := pick(item, s.keys)
			if id := canonItem(key); seen[id] && w.chance(0.97) {
				continue
			} else {
				seen[id] = true
			}
			request := types.WriteRequest{PutRequest: &types.PutRequest{Item: item}}
			if w.chance(0.3) {
				request = types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: key}}
			}
			in.RequestItems[s.name] = append(in.RequestItems[s.name], request)
		}
	}
	return operation{kind: "BatchWriteItem", run: func(ctx context.Context, c *dynamodb.Client) outcome {
		out, err := c.BatchWriteItem(ctx, in)
		if err != nil {
			return failed(err)
		}
		return outcome{lines: []string{fmt.Sprint("unprocessed ", len(out.UnprocessedItems))}}
	}}
}

// sound tells whether an item has the types that keys of table and indexes want.
func (w *world) sound(s *shape, item attr) bool {
	for name, kind := range s.types {
		v, ok := item[name]
		if !ok && slices.Contains(s.keys, name) || ok && typeName(v) != kind {
			return false
		}
	}
	return true
}

func typeName(v av) string {
	name := fmt.Sprintf("%T", v)
	return name[strings.Index(name, "Member")+len("Member"):]
}

func (w *world) transactWrite() operation {
	in := &dynamodb.TransactWriteItemsInput{}
	touchesKey := false
	rules := map[string]bool{}
	seen := map[string]bool{}
	for range 1 + w.IntN(4) {
		s := w.table()
		g := w.grammar(s)
		item := w.item(s)
		if !w.sound(s, item) && w.chance(0.8) {
			continue
		}
		key := pick(item, s.keys)
		if id := s.name + canonItem(key); seen[id] && w.chance(0.95) {
			continue
		} else {
			seen[id] = true
		}
		verb := w.one("put", "put", "update", "update", "delete", "check")
		cond, up := w.condition(g, 0.25), ""
		switch verb {
		case "update":
			up, _ = g.update(s.keys)
			touchesKey = touchesKey || slices.ContainsFunc(sortedNames(s.types), func(key string) bool { return mentions(up, g.names, key) })
		case "check":
			cond = w.maybeGarble(g, g.condition(w.IntN(2)))
		}
		g.prune(cond, up)
		maps.Copy(rules, g.rules)
		var action types.TransactWriteItem
		old := w.failureValues()
		switch verb {
		case "put":
			action.Put = &types.Put{TableName: &s.name, Item: item, ConditionExpression: text(cond), ExpressionAttributeNames: g.names, ExpressionAttributeValues: g.values, ReturnValuesOnConditionCheckFailure: old}
		case "update":
			action.Update = &types.Update{TableName: &s.name, Key: key, UpdateExpression: &up, ConditionExpression: text(cond), ExpressionAttributeNames: g.names, ExpressionAttributeValues: g.values, ReturnValuesOnConditionCheckFailure: old}
		case "delete":
			action.Delete = &types.Delete{TableName: &s.name, Key: key, ConditionExpression: text(cond), ExpressionAttributeNames: g.names, ExpressionAttributeValues: g.values, ReturnValuesOnConditionCheckFailure: old}
		case "check":
			action.ConditionCheck = &types.ConditionCheck{TableName: &s.name, Key: key, ConditionExpression: &cond, ExpressionAttributeNames: g.names, ExpressionAttributeValues: g.values, ReturnValuesOnConditionCheckFailure: old}
		}
		in.TransactItems = append(in.TransactItems, action)
	}
	if len(in.TransactItems) == 0 {
		return w.transactWrite()
	}
	return operation{kind: "TransactWriteItems", rules: rules, touchesKey: touchesKey, run: func(ctx context.Context, c *dynamodb.Client) outcome {
		_, err := c.TransactWriteItems(ctx, in)
		if err != nil {
			return failed(err)
		}
		return outcome{}
	}}
}

func (w *world) transactGet() operation {
	in := &dynamodb.TransactGetItemsInput{}
	rules := map[string]bool{}
	seen := map[string]bool{}
	for range 1 + w.IntN(5) {
		s := w.table()
		g := w.grammar(s)
		key := w.key(s)
		if id := s.name + canonItem(key); seen[id] && w.chance(0.95) {
			continue
		} else {
			seen[id] = true
		}
		pro := w.projection(g, 0.2)
		g.prune(pro)
		maps.Copy(rules, g.rules)
		in.TransactItems = append(in.TransactItems, types.TransactGetItem{Get: &types.Get{TableName: &s.name, Key: key, ProjectionExpression: text(pro), ExpressionAttributeNames: g.names}})
	}
	return operation{kind: "TransactGetItems", rules: rules, run: func(ctx context.Context, c *dynamodb.Client) outcome {
		out, err := c.TransactGetItems(ctx, in)
		if err != nil {
			return failed(err)
		}
		var o outcome
		for _, r := range out.Responses {
			o.lines = append(o.lines, canonItem(r.Item))
		}
		return o
	}}
}

// mentions tells whether an expression names an attribute.
func mentions(expression string, names map[string]string, attribute string) bool {
	for _, token := range tokens.FindAllString(expression, -1) {
		if token == attribute || names[token] == attribute {
			return true
		}
	}
	return false
}
