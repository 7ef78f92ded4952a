// Package model shows a table to people and to other tools, from the declaration that the program itself uses: which entities there are and
// what their keys are made of, which of them share a partition, and which access patterns there are and what they cost.
//
//	m := model.New(table, model.Title("Shop"))
//	m.Pattern("Orders of a user", "Newest first.", orders.Query(Order{UserID: "any"}).Descending())
//	err := m.HTML(file)
//
// [Model.Markdown], [Model.Mermaid] and [Model.HTML] are for reading, [Model.Workbench] is for NoSQL Workbench, [Model.CloudFormation] for a
// deployment. Nothing is sent, and what is written is the same on every run, so it can be kept under version control and compared.
//
// What is written has names, templates and plans, and no values: an access pattern is given with any key, which is not shown. Values are only in the sample
// items that a caller passes to [Model.Sample].
package model

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable"
)

// Model is a declaration and what is said about it. The zero Model is of no table, and its renderings are errors. It is not safe for concurrent use while
// patterns or samples are added; renderings may run concurrently.
type Model struct {
	declared monotable.Declaration
	settings settings
	patterns []pattern
	samples  map[string][]map[string]types.AttributeValue
}

// pattern is an access pattern as it was registered.
type pattern struct {
	name, description string
	steps             []Explainer
}

// settings are what the options set.
type settings struct {
	title, description, author string
	date                       time.Time

	ttl       string
	logicalID string
	stream    types.StreamViewType
	capacity  *throughput // nil is on demand
	protected bool
	recovery  bool
	tags      []types.Tag
}

// Option says more about a table than its declaration does.
type Option func(*settings)

// Title is the heading, and the name of the model in NoSQL Workbench. It defaults to the table's name.
func Title(text string) Option { return func(s *settings) { s.title = text } }

// Description is one paragraph below the heading.
func Description(text string) Option { return func(s *settings) { s.description = text } }

// Author is named in the NoSQL Workbench file.
func Author(name string) Option { return func(s *settings) { s.author = name } }

// Date is the date of creation and change in the NoSQL Workbench file, in t's own time zone. Without it the file says January 1, 1970, so that it is the
// same on every run.
func Date(t time.Time) Option { return func(s *settings) { s.date = t } }

// TTL names the attribute by which DynamoDB deletes expired items where the declaration does not tell: where it is switched on by [monotable.TTL] and not by
// [monotable.ExpiresAt]. "" leaves what is declared.
func TTL(attribute string) Option { return func(s *settings) { s.ttl = attribute } }

// Of makes a model of a declaration. Changing the declaration's slices afterwards changes the model.
func Of(d monotable.Declaration, opts ...Option) *Model {
	m := &Model{declared: d, settings: settings{title: tableName(d), logicalID: "Table"}}
	for _, opt := range opts {
		opt(&m.settings)
	}
	if m.settings.ttl != "" {
		m.declared.TTL = m.settings.ttl
	}
	return m
}

// New makes a model of a table and of the entities defined on it so far.
func New(table *monotable.Table, opts ...Option) *Model { return Of(table.Declaration(), opts...) }

// Explainer is what has a plan: queries, views, partitions and operations.
type Explainer interface {
	Explain() (monotable.Plan, error)
}

// ExplainFunc is a function that is an [Explainer].
type ExplainFunc func() (monotable.Plan, error)

// Explain calls f.
func (f ExplainFunc) Explain() (monotable.Plan, error) { return f() }

// Pattern registers an access pattern: what the program asks for, and the queries and operations that answer it, in their order. They are asked for their plans
// when the model is rendered. One that is refused, a second pattern of the same name, or a pattern without steps makes [Model.Markdown] and [Model.HTML] errors.
func (m *Model) Pattern(name, description string, steps ...Explainer) {
	m.patterns = append(m.patterns, pattern{name: name, description: description, steps: steps})
}

// plans asks all patterns. The error names each that is refused.
func (m *Model) plans() ([]patternView, error) {
	var views []patternView
	var refused []error
	seen := map[string]bool{}
	refuse := func(p pattern, err error) {
		refused = append(refused, fmt.Errorf("model: pattern %q: %w", p.name, err))
	}
	for i, p := range m.patterns {
		view := patternView{N: i + 1, Name: p.name, Description: p.description}
		switch {
		case len(p.steps) == 0:
			refuse(p, errNoSteps)
		case seen[p.name]:
			refuse(p, errTwice)
		}
		seen[p.name] = true
		for _, step := range p.steps {
			if step == nil {
				refuse(p, errNoSteps)
				continue
			}
			plan, err := step.Explain()
			if err != nil {
				refuse(p, err)
				continue
			}
			view.Steps = append(view.Steps, plan)
			view.Requests += plan.Requests
		}
		views = append(views, view)
	}
	return views, errors.Join(refused...)
}

var (
	errNoTable = errors.New("model: no table is declared")
	errNoSteps = errors.New("has no query or operation")
	errTwice   = errors.New("is registered twice")

	errCapacity = errors.New("model: Provisioned: a table has one unit of each at least")
)

// write renders the whole before it writes any of it, so that an error leaves nothing half-written behind, unless it is the writer's own.
func (m *Model) write(w io.Writer, render func(*bytes.Buffer) error) error {
	if m == nil || m.declared.Table == "" || m.declared.PartitionKey.Name == "" {
		return errNoTable
	}
	var out bytes.Buffer
	if err := render(&out); err != nil {
		return err
	}
	if _, err := w.Write(out.Bytes()); err != nil {
		return fmt.Errorf("model: %w", err)
	}
	return nil
}

// tableName is the table's name, also where it is declared by its ARN.
func tableName(d monotable.Declaration) string {
	if !strings.HasPrefix(d.Table, "arn:") {
		return d.Table
	}
	_, name, _ := strings.Cut(d.Table, "/")
	return name
}
