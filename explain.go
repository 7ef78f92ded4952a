package monotable

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// Plan is what an operation or a query asks of DynamoDB, to be read, logged, compared, and asserted on in tests. It is plain data without behaviour: changing it
// changes nothing else.
//
// It has names and shapes and never a value: in its expressions every value is a ?, and names that are not plain words are quoted. So what is
// Hidden is not in it, and operations that differ in values alone mostly have the same plan. Keys of maps are names, too, where an expression goes
// down to them.
type Plan struct {
	Verb         string    `json:"verb"`      // what the program calls it: "Query", "Create", "Check"
	Operation    string    `json:"operation"` // DynamoDB's name of the call: "Query", "PutItem", "TransactWriteItems"
	Entity       string    `json:"entity"`
	Table        string    `json:"table"`                  // as the call names it, see [TableName]
	Index        string    `json:"index,omitempty"`        // "" is the table itself
	Key          string    `json:"key,omitempty"`          // the entity's templates of the key that is used; "" for a Scan
	KeyCondition string    `json:"keyCondition,omitempty"` // of a Query
	Filter       string    `json:"filter,omitempty"`       // the caller's, and what keeps the query to live items of the entity
	Condition    string    `json:"condition,omitempty"`    // of a write; what follows from reading the item first is not known yet, and not in it
	Update       string    `json:"update,omitempty"`       // what an update changes, index keys and stamps included
	Projection   string    `json:"projection,omitempty"`   // "" reads all attributes
	Guards       []string  `json:"guards,omitempty"`       // the Unique attributes whose guards are, or may have to be, written with the item
	Consistent   bool      `json:"consistent,omitempty"`
	Descending   bool      `json:"descending,omitempty"`
	Limit        int       `json:"limit,omitempty"`    // how many items one terminal call returns at most; 0 is all
	PageSize     int       `json:"pageSize,omitempty"` // how many items one request reads at most; 0 is as many as 1 MB holds
	Requests     int       `json:"requests"`           // at least; more for further pages and tries
	Warnings     []Warning `json:"warnings,omitempty"` // in the order of the list at [Warning]
}

// Warning is what a plan costs that its result does not show. Codes stay what they are, texts may change:
//
//	scan         the whole table, or the whole index, is read
//	filter       a filter without a condition on the sort key: the whole partition is read and paid
//	tag          items of other entities may be in the range: they are read and paid, then dropped
//	hydrate      every item is read a second time
//	projection   the index does not hold all attributes of the entity
//	hidden       the index holds hidden attributes of the entity
//	consistent   consistent reads cost twice
//	transaction  the item is written, or may have to be, in a transaction, which costs twice
type Warning struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// Warns says whether the plan has a warning of this code.
func (p Plan) Warns(code string) bool {
	return slices.ContainsFunc(p.Warnings, func(w Warning) bool { return w.Code == code })
}

func (p *Plan) warn(code, format string, args ...any) {
	p.Warnings = append(p.Warnings, Warning{Code: code, Text: fmt.Sprintf(format, args...)})
}

// String is the plan as a few lines of text, for terminals and logs. Programs that compare plans do so by their fields. The zero Plan is "no plan".
func (p Plan) String() string {
	if p.Operation == "" {
		return "no plan"
	}
	var s strings.Builder
	s.WriteString(strings.TrimSpace(p.Verb + " " + p.Entity))
	if p.Operation != p.Verb {
		s.WriteString(": " + p.Operation)
	}
	s.WriteString(" on " + p.Table)
	if p.Index != "" {
		s.WriteString(", index " + p.Index)
	}
	line := func(name, text string) {
		if text != "" {
			fmt.Fprintf(&s, "\n  %-14s%s", name, text)
		}
	}
	line("key", p.Key)
	line("key condition", p.KeyCondition)
	line("filter", p.Filter)
	line("condition", p.Condition)
	line("update", p.Update)
	line("projection", p.Projection)
	line("guards", strings.Join(p.Guards, ", "))
	var how []string
	if p.Consistent {
		how = append(how, "consistent")
	}
	if p.Descending {
		how = append(how, "descending")
	}
	if p.Limit > 0 {
		how = append(how, "limit "+strconv.Itoa(p.Limit))
	}
	if p.PageSize > 0 {
		how = append(how, "page size "+strconv.Itoa(p.PageSize))
	}
	line("reads", strings.Join(how, ", "))
	line("requests", strconv.Itoa(p.Requests)+" or more")
	for _, w := range p.Warnings {
		line("warning", w.Code+": "+w.Text)
	}
	return s.String()
}

// Explain is the plan of the query, or the reason why it is refused, as [Query.Request] gives it. Nothing is sent.
func (q Query[T]) Explain() (Plan, error) { return q.spec.explain() }

// Explain is [Query.Explain].
func (v View[S]) Explain() (Plan, error) { return v.spec.explain() }

// Explain is the plan of reading the partition, for collectors of any entities. Nothing is sent.
func (from Partition) Explain() (Plan, error) {
	if from.isZero() {
		return Plan{}, errZeroPartition
	}
	spec := from.spec.copy()
	spec.members = []*model{spec.model}
	p, err := spec.model.compileQuery(spec)
	if err != nil {
		return Plan{}, err
	}
	plan := p.explain()
	plan.Verb = "Collect"
	return plan, nil
}

func (w *write) explain() (Plan, error) {
	expr := w.expr.built()
	p := Plan{
		Verb: w.op, Operation: w.action.call(), Entity: w.m.name, Table: w.table(), Key: w.m.templates(w.m.primary),
		Condition: readable(expr.condition, expr.names), Update: readable(expr.update, expr.names), Requests: 1,
	}
	reads := w.stage().reads
	if reads && w.o.tokened {
		return Plan{}, invalidf("%s depends on what is stored, so it cannot be the same again under a Token", w.op)
	}
	moves := w.uniques // which of the guards it will be, only a reading tells
	if !reads {
		changes, err := w.guardChanges(nil)
		if err != nil {
			return Plan{}, err
		}
		moves = nil
		for _, change := range changes {
			moves = append(moves, change.unique)
		}
	}
	for _, u := range moves {
		p.Guards = append(p.Guards, u.attribute.String())
	}
	if reads {
		p.Requests++
	}
	certain := w.o.exactlyOnce || len(moves) > 0 && !reads
	if certain && w.action == actionUpdate {
		p.Requests++ // a transaction does not return what is stored then
	}
	unique := strings.Join(p.Guards, ", ")
	switch {
	case w.o.exactlyOnce:
		p.warn("transaction", "ExactlyOnce makes it a transaction, which costs twice the write units")
	case certain:
		p.warn("transaction", "%s: Unique, so the item and its guards are written in a transaction, which costs twice the write units", unique)
	case len(moves) > 0:
		p.warn("transaction", "%s: Unique, so the item is read first, and where a guard must be written too, a transaction costs twice the write units; else it is %s", unique, p.Operation)
	}
	if certain || len(moves) > 0 {
		p.Operation = actionCheck.call()
	}
	return p, nil
}

// call is DynamoDB's name of what carries out the action; a check has none outside of transactions.
func (a action) call() string {
	return [...]string{"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"}[a]
}

func (p *readPlan) explain() Plan {
	spec, table := p.spec, p.m.table
	plan := Plan{
		Verb: "Query", Operation: "Query", Entity: p.m.name, Table: spec.options.tableName(table), Index: spec.index,
		Key: p.m.templates(p.set), KeyCondition: readable(p.expr.key, p.expr.names), Filter: readable(p.expr.filter, p.expr.names),
		Projection: readable(p.expr.projection, p.expr.names),
		Consistent: spec.options.consistent, Descending: spec.descending, Limit: spec.limit, Requests: 1,
	}
	var size *int32
	switch in := p.request(p.start, spec.limit).(type) {
	case *dynamodb.QueryInput:
		size = in.Limit
	case *dynamodb.ScanInput:
		size, plan.Verb, plan.Operation, plan.Key = in.Limit, "Scan", "Scan", ""
	}
	if size != nil {
		plan.PageSize = int(*size)
	}
	if spec.parallel {
		plan.Requests = spec.segments
	}
	switch {
	case spec.scan:
		plan.warn("scan", "reads all of %s, whatever it returns", p.target())
	case p.filtersWhole():
		plan.warn("filter", "drops from a whole partition, all of which is read and paid")
	}
	if !spec.scan && p.foreign {
		plan.warn("tag", "items of other entities may be in the range: they are read and paid, then dropped")
	}
	if lacks := p.lacks(); spec.hydrate {
		plan.warn("hydrate", "what the index finds is read again from the table, by BatchGetItem, and paid twice")
	} else if len(lacks) > 0 {
		plan.warn("projection", "index %s does not hold %s", spec.index, strings.Join(lacks, ", "))
	}
	if hidden := p.hiddenInIndex(); len(hidden) > 0 {
		plan.warn("hidden", "index %s holds the hidden %s too", spec.index, strings.Join(hidden, ", "))
	}
	plan.warnConsistent()
	return plan
}

func (p *readPlan) hiddenInIndex() []string {
	var names []string
	for _, a := range p.m.ruled {
		if p.spec.index != "" && a.has(ruleHidden) && p.set.projects(&p.m.table.primary, a.path[0].name) {
			names = append(names, a.String())
		}
	}
	return names
}

func (p *Plan) warnConsistent() {
	if p.Consistent {
		p.warn("consistent", "costs twice the read units")
	}
}

// target names what is read.
func (p *readPlan) target() string {
	if p.spec.index != "" {
		return "index " + p.spec.index
	}
	return "table " + p.spec.options.tableName(p.m.table)
}

// filtersWhole says that a filter of the caller's drops from a whole partition, which may have many items.
func (p *readPlan) filtersWhole() bool {
	many := len(p.set.sort) > 0 || p.spec.index != ""
	return many && len(p.spec.filters) > 0 && !p.narrowed()
}

// narrowed says that the key condition is on the sort key, too, and not on the type tag alone.
func (p *readPlan) narrowed() bool {
	return slices.ContainsFunc(placeholder.FindAllString(deref(p.expr.key), -1), func(name string) bool {
		return slices.ContainsFunc(p.set.sort, func(k *keyAttr) bool { return !k.tag && k.Name == p.expr.names[name] })
	})
}

// lacks are the attributes of the entity that the index does not hold.
func (p *readPlan) lacks() []string {
	var names []string
	for _, f := range p.m.plan.Fields {
		if !p.set.projects(&p.m.table.primary, f.Name) {
			names = append(names, f.Name)
		}
	}
	return names
}

// strict refuses, on a strict table, what reads much more than it may return.
func (p *readPlan) strict() error {
	switch {
	case !p.m.table.strict || p.spec.options.allowScan:
	case p.spec.scan:
		return invalidf("a Scan reads all of %s, and the table is Strict: query a key, or say With(AllowScan())", p.target())
	case p.filtersWhole():
		return invalidf("the Filter drops from a whole partition of %s, and the table is Strict: narrow the sort key, or say With(AllowScan())", p.target())
	}
	return nil
}

// templates tells how a key comes about, as in "PK = USER#{userId}, SK = PROFILE".
func (m *model) templates(set *keySet) string {
	var all []string
	for _, k := range set.all() {
		from := ""
		switch {
		case k.tag:
			from = m.name
		case k.tmpl != nil:
			from = k.tmpl.Text
		default:
			from = "{" + k.attributes()[0].String() + "}"
		}
		all = append(all, quoted(k.Name)+" = "+from)
	}
	return strings.Join(all, ", ")
}

var (
	placeholder = regexp.MustCompile(`[#:][0-9]+`)
	called      = regexp.MustCompile(`\b(attribute_exists|attribute_not_exists|attribute_type|begins_with|contains|size) \(`)
	bracketed   = func() *regexp.Regexp { // one comparison that the SDK has put in brackets, which it needs behind NOT alone
		const (
			plain   = `[#:][0-9.#\[\]]+`
			operand = `(?:` + plain + `|size\(` + plain + `\))`
			compare = operand + ` (?:=|<>|<=?|>=?) ` + operand
			between = operand + ` BETWEEN ` + operand + ` AND ` + operand
			in      = operand + ` IN \([#:0-9., ]+\)`
			call    = `[a-z_]+\(` + plain + `(?:, ` + plain + `)?\)`
		)
		return regexp.MustCompile(`(^|\(|AND |OR )\((` + compare + `|` + between + `|` + in + `|` + call + `)\)`)
	}()
	plainWord = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// readable is an expression as a person would write it: with names, without values, and without the brackets that say nothing.
func readable(expr *string, names map[string]string) string {
	s := strings.ReplaceAll(strings.TrimSpace(deref(expr)), "\n", " ")
	s = bracketed.ReplaceAllString(called.ReplaceAllString(s, "$1("), "$1$2")
	return placeholder.ReplaceAllStringFunc(s, func(p string) string {
		if p[0] == ':' {
			return "?"
		}
		return quoted(names[p])
	})
}

// quoted is a name as it is, or in quotes where it could be taken for something else.
func quoted(name string) string {
	switch {
	case plainWord.MatchString(name):
		return name
	case strconv.CanBackquote(name):
		return "`" + name + "`"
	}
	return strconv.Quote(name)
}
