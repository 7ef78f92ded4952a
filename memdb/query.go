package memdb

import (
	"math/bits"

	"github.com/monotable/monotable/memdb/internal/expr"
	"github.com/monotable/monotable/memdb/internal/ordered"
	"github.com/monotable/monotable/memdb/internal/value"
)

// maxPage is how many bytes a page of a query or scan reads.
const maxPage = 1 << 20

// The values of Select.
const (
	selectAll       = "ALL_ATTRIBUTES"
	selectProjected = "ALL_PROJECTED_ATTRIBUTES"
	selectSpecific  = "SPECIFIC_ATTRIBUTES"
	selectCount     = "COUNT"
)

// readOptions are what Query and Scan have in common.
type readOptions struct {
	TableName              *string
	IndexName              *string
	Select                 string
	Limit                  *int
	ConsistentRead         bool
	FilterExpression       *string
	ProjectionExpression   *string
	ExclusiveStartKey      item
	ReturnConsumedCapacity string
	placeholders
	legacy
}

type queryInput struct {
	KeyConditionExpression *string
	ScanIndexForward       *bool
	readOptions
}

type scanInput struct {
	Segment, TotalSegments *int
	readOptions
}

type pageOutput struct {
	Items            []value.Map `json:",omitzero"`
	Count            int
	ScannedCount     int
	LastEvaluatedKey value.Map         `json:",omitzero"`
	ConsumedCapacity *consumedCapacity `json:",omitempty"`
}

// reading is a query or scan on its way.
type reading struct {
	in      *readOptions
	query   bool
	table   *table
	index   *index
	key     keySchema // of what is read
	rows    *ordered.Map[*row]
	span    span
	reverse bool
	start   string // tree key after which reading begins; empty: at the beginning
	filter  *expr.Condition
	pick    *expr.Projection
}

func (in *readOptions) checkForm(c *checker) {
	if in.IndexName != nil {
		c.length("indexName", *in.IndexName, 3, 255)
		c.pattern("indexName", *in.IndexName)
	}
	c.enum("select", in.Select, selectSpecific, selectCount, selectAll, selectProjected)
	c.capacity(in.ReturnConsumedCapacity)
}

func (e *Engine) query(in *queryInput) (*pageOutput, error) {
	if err := checkTableName(in.TableName); err != nil {
		return nil, err
	}
	var c checker
	if in.Limit != nil && *in.Limit < 1 {
		c.addf("Value at 'Limit' failed to satisfy constraint: Member must have value greater than or equal to 1")
	}
	in.checkForm(&c)
	if err := c.err(); err != nil {
		return nil, err
	}
	sources := []source{
		{expr.KeyConditionExpression, in.KeyConditionExpression},
		{expr.FilterExpression, in.FilterExpression},
		{expr.ProjectionExpression, in.ProjectionExpression},
	}
	if err := in.refuse(sources...); err != nil {
		return nil, err
	}
	r := &reading{in: &in.readOptions, query: true, reverse: in.ScanIndexForward != nil && !*in.ScanIndexForward}
	params, err := r.parse(sources)
	if err != nil {
		return nil, err
	}
	if in.KeyConditionExpression == nil {
		return nil, invalid("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
	}
	where, err := condition(params, expr.KeyConditionExpression, in.KeyConditionExpression)
	if err != nil {
		return nil, err
	}
	if err := params.Unused(); err != nil {
		return nil, err
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	if err := r.bind(e); err != nil {
		return nil, err
	}
	if r.span, err = r.key.span(where.Root); err != nil {
		return nil, err
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	return r.run(e, "Query")
}

func (e *Engine) scan(in *scanInput) (*pageOutput, error) {
	if err := checkTableName(in.TableName); err != nil {
		return nil, err
	}
	var c checker
	if in.Limit != nil && *in.Limit < 1 {
		c.addf("Value '%d' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1", *in.Limit)
	}
	in.checkForm(&c)
	if n := in.TotalSegments; n != nil && *n < 1 {
		c.addf("Value '%d' at 'totalSegments' failed to satisfy constraint: Member must have value greater than or equal to 1", *n)
	} else if n != nil && *n > 1_000_000 {
		c.addf("Value '%d' at 'totalSegments' failed to satisfy constraint: Member must have value less than or equal to 1000000", *n)
	}
	if n := in.Segment; n != nil && *n < 0 {
		c.addf("Value '%d' at 'segment' failed to satisfy constraint: Member must have value greater than or equal to 0", *n)
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	sources := []source{{expr.FilterExpression, in.FilterExpression}, {expr.ProjectionExpression, in.ProjectionExpression}}
	if err := in.refuse(sources...); err != nil {
		return nil, err
	}
	switch {
	case in.Segment != nil && in.TotalSegments == nil:
		return nil, invalid("The TotalSegments parameter is required but was not present in the request when Segment parameter is present")
	case in.Segment == nil && in.TotalSegments != nil:
		return nil, invalid("The Segment parameter is required but was not present in the request when parameter TotalSegments is present")
	case in.Segment != nil && *in.Segment >= *in.TotalSegments:
		return nil, invalid("The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: %d is not less than TotalSegments: %d", *in.Segment, *in.TotalSegments)
	}
	r := &reading{in: &in.readOptions}
	params, err := r.parse(sources)
	if err != nil {
		return nil, err
	}
	if err := params.Unused(); err != nil {
		return nil, err
	}
	if in.Segment != nil {
		r.span = segment(*in.Segment, *in.TotalSegments)
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	if err := r.bind(e); err != nil {
		return nil, err
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	return r.run(e, "Scan")
}

// segment is one of equal parts of the hash values that tree keys begin with.
func segment(i, of int) span {
	var s span
	if i > 0 {
		s.low = hashPrefix(i, of)
	}
	if i+1 < of {
		s.high = hashPrefix(i+1, of)
	}
	return s
}

func hashPrefix(i, of int) string {
	h, _ := bits.Div64(uint64(i), 0, uint64(of))
	var b [8]byte
	for n := range b {
		b[n] = byte(h >> (56 - 8*n))
	}
	return string(b[:])
}

// parse reads filter and projection; the key condition is the caller's.
func (r *reading) parse(sources []source) (*expr.Params, error) {
	params, err := r.in.params(sources...)
	if err != nil {
		return nil, err
	}
	if r.filter, err = condition(params, expr.FilterExpression, r.in.FilterExpression); err != nil {
		return nil, err
	}
	if r.pick, err = projection(params, r.in.ProjectionExpression); err != nil {
		return nil, err
	}
	return params, r.in.ExclusiveStartKey.broken
}

// bind finds the table and the index.
func (r *reading) bind(e *Engine) error {
	t, err := e.table(*r.in.TableName)
	if err != nil {
		return err
	}
	r.table, r.key, r.rows = t, t.key, t.rows
	if r.in.IndexName == nil {
		return nil
	}
	now := e.now()
	x := t.index(*r.in.IndexName)
	if x == nil || x.gone(now) {
		return invalid("The table does not have the specified index: %s", *r.in.IndexName)
	}
	if x.status(now) == statusCreating {
		return invalid("Cannot read from backfilling global secondary index: %s", x.name)
	}
	r.index, r.key, r.rows = x, x.key, x.rows
	return nil
}

// check refuses what does not go with the table or index.
func (r *reading) check() error {
	x := r.index
	global := x != nil && x.global
	if global && r.in.ConsistentRead {
		return invalid("Consistent reads are not supported on global secondary indexes")
	}
	switch s := r.in.Select; {
	case s == selectProjected && x == nil:
		return invalid("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
	case s == selectSpecific && r.pick == nil:
		return invalid("Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES")
	case s == selectCount && r.pick != nil:
		return invalid("Cannot specify the ProjectionExpression when choosing to get only the Count")
	case s != "" && s != selectSpecific && r.pick != nil:
		return invalid("Cannot specify the ProjectionExpression when choosing to get %s", s)
	case s == selectAll && global && x.projection.ProjectionType != projectAll:
		return invalidParameter("Select type ALL_ATTRIBUTES is not supported for global secondary index %s because its projection type is not ALL", x.name)
	}
	if err := r.checkPaths(global); err != nil {
		return err
	}
	return r.checkStart()
}

func (r *reading) checkPaths(global bool) error {
	if r.filter != nil {
		if err := r.table.checkScalars(r.filter.Paths); err != nil {
			return err
		}
		for _, path := range r.filter.Paths {
			if r.query && r.key.has(path[0].Name) {
				return invalid("Filter Expression can only contain non-primary key attributes: Primary key attribute: %s", path[0].Name)
			}
			// A query of a local index does not filter by what it would have to fetch; a scan does.
			if r.query && r.index != nil && !global && !r.index.projects(path[0].Name) {
				return invalidParameter("Secondary index %s does not project one or more filter attributes: [%s]", r.index.name, path[0].Name)
			}
			if global && !r.index.projects(path[0].Name) {
				return invalidParameter("Global secondary index %s does not project [%s]", r.index.name, path[0].Name)
			}
		}
	}
	if err := r.table.checkPick(r.pick); err != nil {
		return err
	}
	if global && r.pick != nil {
		for _, path := range r.pick.Paths {
			if !r.index.projects(path[0].Name) {
				return invalidParameter("Global secondary index %s does not project [%s]", r.index.name, path[0].Name)
			}
		}
	}
	return nil
}

// checkStart wants exactly the key attributes of table and index, within what is read.
func (r *reading) checkStart() error {
	start := r.in.ExclusiveStartKey.Map
	if start == nil {
		return nil
	}
	wanted := map[string]string{}
	for _, a := range append(r.table.key.attributes(), r.key.attributes()...) {
		wanted[a.Name] = a.Type
	}
	if len(start) != len(wanted) {
		return invalid("The provided starting key is invalid")
	}
	for name, kind := range wanted {
		if v, ok := start[name]; !ok || v.Type() != kind {
			return invalid("The provided starting key is invalid: " + msgKeySchema)
		}
		if kind := emptyKind(start[name]); kind != "" {
			return invalid("The provided starting key is invalid: One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty %s value. Key: %s", kind, name)
		}
	}
	for _, k := range []keySchema{r.table.key, r.key} {
		if err := k.checkSizes(start); err != nil {
			return err
		}
	}
	entry := &row{treeKey: r.table.key.treeKey(start), item: start}
	r.start = entry.treeKey
	if r.index != nil {
		r.start = r.index.treeKey(entry)
	}
	switch {
	case r.query && !inPartition(r.start, r.span.partition):
		return invalid("The provided starting key is outside query boundaries based on provided conditions")
	case r.query && !r.span.contains(r.start):
		return invalid("The provided starting key does not match the range key predicate")
	case !r.span.contains(r.start):
		return invalid("The provided starting key is invalid: it does not belong to the segment")
	}
	return nil
}

func (r *reading) first() *ordered.Node[*row] {
	if r.reverse {
		switch {
		case r.start != "":
			return r.rows.SeekBefore(r.start)
		case r.span.high != "":
			return r.rows.SeekBefore(r.span.high)
		}
		return r.rows.Last()
	}
	if r.start != "" {
		n := r.rows.Seek(r.start)
		if n != nil && n.Key == r.start {
			n = n.Next()
		}
		return n
	}
	return r.rows.Seek(r.span.low)
}

// run reads one page.
func (r *reading) run(e *Engine, operation string) (*pageOutput, error) {
	if e.asked() {
		name := ""
		if r.index != nil {
			name = r.index.name
		}
		if err := e.throttled(e.call(operation, r.table, name, 0, nil)); err != nil {
			return nil, err
		}
	}
	out := &pageOutput{}
	if r.in.Select != selectCount {
		out.Items = []value.Map{}
	}
	size, fetched := 0, 0.0
	for n := r.first(); n != nil && r.span.contains(n.Key); {
		whole := n.Value.item
		visible := whole
		if r.index != nil {
			visible = r.index.visible(whole)
			size += value.ItemSize(visible)
		} else {
			size += n.Value.size
		}
		if r.fetches() {
			visible = whole
			fetched += units(n.Value.size, 4096)
		}
		out.ScannedCount++
		subject := visible
		if r.index != nil && !r.index.global {
			subject = whole // a local index fetches what the filter asks for
		}
		if r.filter == nil || r.filter.Root.Match(subject) {
			out.Count++
			if out.Items != nil {
				out.Items = append(out.Items, projected(r.pick, visible))
			}
		}
		if r.in.Limit != nil && out.ScannedCount == *r.in.Limit || size >= maxPage {
			out.LastEvaluatedKey = r.position(whole)
			break
		}
		if r.reverse {
			n = n.Prev()
		} else {
			n = n.Next()
		}
	}
	m := meter{table: r.table, mode: r.in.ReturnConsumedCapacity, factor: readFactor(r.in.ConsistentRead)}
	m.read(r.index, size)
	if fetched > 0 {
		m.add(nil, fetched)
	}
	out.ConsumedCapacity = m.consumed()
	return out, nil
}

// fetches tells whether attributes that a local index does not hold are read from
// the table.
func (r *reading) fetches() bool {
	x := r.index
	if x == nil || x.global || x.projection.ProjectionType == projectAll {
		return false
	}
	if r.in.Select == selectAll {
		return true
	}
	if r.pick != nil {
		for _, path := range r.pick.Paths {
			if !x.projects(path[0].Name) {
				return true
			}
		}
	}
	return false
}

// position is the LastEvaluatedKey at an item.
func (r *reading) position(item value.Map) value.Map {
	m := r.table.key.pick(item)
	for name, v := range r.key.pick(item) {
		m[name] = v
	}
	return m
}
