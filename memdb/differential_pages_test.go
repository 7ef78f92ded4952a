package memdb_test

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// target is what a query or scan reads.
type target struct {
	s            *shape
	x            *shapeIndex // nil: the table
	hash, ranges []string
}

func (w *world) target(kind string) target {
	for {
		s := w.table()
		t := target{s: s, hash: s.keys[:1], ranges: s.keys[1:]}
		if kind == "" {
			return t
		}
		var fit []int
		for i, x := range s.indexes {
			if x.global == (kind == "GSI") {
				fit = append(fit, i)
			}
		}
		if len(fit) == 0 {
			if kind == "LSI" && !slices.ContainsFunc(w.tables, func(s *shape) bool {
				return slices.ContainsFunc(s.indexes, func(x shapeIndex) bool { return !x.global })
			}) {
				return t
			}
			continue
		}
		t.x = &s.indexes[fit[w.IntN(len(fit))]]
		t.hash, t.ranges = t.x.hash, t.x.sort
		return t
	}
}

// visible are the attributes that a filter or projection may name.
func (w *world) visible(t target, query bool) map[string]string {
	all := merged(common, t.s.types)
	if t.x != nil && t.x.projection != "ALL" && w.chance(0.97) {
		for name := range all {
			if !slices.Contains(t.x.nonKey, name) && !slices.Contains(t.x.keys(), name) && !slices.Contains(t.s.keys, name) {
				delete(all, name)
			}
		}
	}
	if query && w.chance(0.97) {
		for _, name := range slices.Concat(t.hash, t.ranges) {
			delete(all, name)
		}
	}
	return all
}

func (w *world) selection(t target, projected bool) types.Select {
	switch {
	case w.chance(0.6):
		return ""
	case projected:
		return types.Select(w.one("SPECIFIC_ATTRIBUTES", "SPECIFIC_ATTRIBUTES", "SPECIFIC_ATTRIBUTES", "SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES"))
	case t.x != nil && (t.x.projection == "ALL" || !t.x.global):
		return types.Select(w.one("COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"))
	case t.x != nil:
		return types.Select(w.one("COUNT", "ALL_PROJECTED_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"))
	}
	return types.Select(w.one("COUNT", "COUNT", "COUNT", "ALL_ATTRIBUTES", "ALL_ATTRIBUTES", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES"))
}

// start is a start key that may be sound, or lack something, or have too much.
func (w *world) start(t target) attr {
	names := slices.Concat(t.hash, t.ranges, t.s.keys)
	key := attr{}
	for _, name := range names {
		key[name] = w.keyValue(t.s.types[name])
	}
	if w.chance(0.05) {
		delete(key, w.one(names...))
	}
	if w.chance(0.05) {
		key["n"] = num("1")
	}
	return key
}

func (w *world) limit() *int32 {
	if w.chance(0.5) {
		return nil
	}
	if w.chance(0.01) {
		return aws.Int32(0)
	}
	return aws.Int32(int32(1 + w.IntN(9)))
}

func indexName(t target) *string {
	if t.x == nil {
		return nil
	}
	return &t.x.name
}

func kindOf(base string, t target) string {
	switch {
	case t.x == nil:
		return base + " table"
	case t.x.global:
		return base + " GSI"
	}
	return base + " LSI"
}

type page struct {
	items          []attr
	count, scanned int32
	last           attr
}

func (w *world) query(where string) operation {
	t := w.target(where)
	g := newGrammar(w.random, nil)
	kc := w.maybeGarble(g, g.keyCondition(t.s, t.hash, t.ranges))
	filter, pro := "", ""
	if g.tops = w.visible(t, true); len(g.tops) > 0 {
		filter = w.condition(g, 0.45)
	}
	if g.tops = w.visible(t, false); w.chance(0.3) {
		pro = w.projection(g, 1)
	}
	g.prune(kc, filter, pro)
	in := dynamodb.QueryInput{
		TableName: &t.s.name, IndexName: indexName(t), KeyConditionExpression: &kc, FilterExpression: text(filter), ProjectionExpression: text(pro),
		ExpressionAttributeNames: g.names, ExpressionAttributeValues: g.values, Limit: w.limit(), Select: w.selection(t, pro != ""),
	}
	if w.chance(0.5) {
		in.ScanIndexForward = aws.Bool(w.chance(0.3))
	}
	if t.x == nil || !t.x.global || w.chance(0.01) {
		in.ConsistentRead = aws.Bool(w.chance(0.3))
	}
	started := w.chance(0.08)
	if started {
		in.ExclusiveStartKey = w.start(t)
	}
	return operation{kind: kindOf("Query", t), rules: g.rules, run: func(ctx context.Context, c *dynamodb.Client) outcome {
		in := in
		return pages(t, true, started, func(start attr) (page, error) {
			if start != nil {
				in.ExclusiveStartKey = start
			}
			out, err := c.Query(ctx, &in)
			if err != nil {
				return page{}, err
			}
			return page{out.Items, out.Count, out.ScannedCount, out.LastEvaluatedKey}, nil
		})
	}}
}

func (w *world) scan() operation {
	t := w.target(w.one("", "", "GSI", "GSI", "LSI", "LSI"))
	g := newGrammar(w.random, w.visible(t, false))
	filter, pro := w.condition(g, 0.5), ""
	if w.chance(0.3) {
		pro = w.projection(g, 1)
	}
	g.prune(filter, pro)
	in := dynamodb.ScanInput{
		TableName: &t.s.name, IndexName: indexName(t), FilterExpression: text(filter), ProjectionExpression: text(pro),
		ExpressionAttributeNames: g.names, ExpressionAttributeValues: g.values, Limit: w.limit(), Select: w.selection(t, pro != ""),
	}
	if in.Limit != nil {
		*in.Limit *= 3
	}
	segments := int32(1)
	if w.chance(0.2) {
		segments = int32(1 + w.IntN(3))
		in.TotalSegments = &segments
		in.Limit = nil
	}
	started := segments == 1 && w.chance(0.05)
	if started {
		in.ExclusiveStartKey = w.start(t)
	}
	return operation{kind: kindOf("Scan", t), rules: g.rules, run: func(ctx context.Context, c *dynamodb.Client) outcome {
		in := in
		segment := int32(0)
		return pages(t, false, started, func(start attr) (page, error) {
			if start != nil {
				in.ExclusiveStartKey = start
			}
			var all page
			for ; segment < segments; segment++ {
				in := in
				if in.TotalSegments != nil {
					in.Segment = aws.Int32(segment)
				}
				out, err := c.Scan(ctx, &in)
				if err != nil {
					return page{}, err
				}
				all.items = append(all.items, out.Items...)
				all.count += out.Count
				all.scanned += out.ScannedCount
				all.last = out.LastEvaluatedKey
				if segments == 1 {
					break
				}
			}
			return all, nil
		})
	}}
}

// pages reads to the end. Where ties have no order what is compared is: all items
// as a set, the order of the range keys of a query, the sums of the counts, the
// number of pages and the attributes of their last keys. Started at a random
// place, an order that is not defined leaves only the errors.
func pages(t target, query, started bool, next func(attr) (page, error)) outcome {
	var o outcome
	var all []attr
	var count, scanned int32
	exact := query && t.x == nil
	var start attr
	for n := 0; ; n++ {
		p, err := next(start)
		if err != nil {
			return failed(err)
		}
		all = append(all, p.items...)
		count += p.count
		scanned += p.scanned
		last := "last " + strings.Join(sortedNames(p.last), ",")
		if exact {
			last = fmt.Sprintf("last %s count %d scanned %d", canonItem(p.last), p.count, p.scanned)
		}
		o.lines = append(o.lines, last)
		if start = p.last; start == nil {
			break
		}
		if n > 500 {
			return outcome{err: "endless paging"}
		}
	}
	if started && !exact {
		return outcome{lines: []string{"started"}}
	}
	o.lines = append(o.lines, fmt.Sprintf("count %d of %d", count, scanned))
	if query && !exact && len(t.ranges) > 0 {
		for _, item := range all {
			o.lines = append(o.lines, canonItem(pick(item, t.ranges)))
		}
	}
	o.lines = append(o.lines, items(all, exact)...)
	return o
}
