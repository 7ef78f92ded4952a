package monotable

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// StepKind is a change that [Table.Apply] can make. All of them add.
type StepKind string

// The kinds of steps. There may be more later.
const (
	StepCreateTable StepKind = "create the table"
	StepProtect     StepKind = "protect the table against deletion"
	StepTag         StepKind = "tag the table"        // Name is the tag's key, Value its value
	StepStream      StepKind = "switch on the stream" // Value is the view type
	StepTTL         StepKind = "switch on TTL"        // Name is the attribute
	StepAddIndex    StepKind = "add the index"        // Name is the index; also one that is already on its way in
)

// Step is one change of a plan.
type Step struct {
	Kind  StepKind
	Name  string
	Value string
}

// String says it in a line.
func (s Step) String() string {
	text := string(s.Kind)
	if s.Name != "" {
		text += " " + s.Name
	}
	if s.Value != "" {
		text += ": " + s.Value
	}
	return text
}

// Impossible is a difference that nothing can be added for, and why.
type Impossible struct {
	Finding Finding
	Reason  string
}

// Changes are what [Table.Plan] found to do. Steps are in the order in which Apply makes them; a program may take some out. The zero value has nothing to do.
//
// As JSON they carry the options that were planned with, under Options, so that Apply makes of them what was planned, in another process or after a person has looked
// at them. Those that were written without, by hand, are applied without options. JSON with a field that is none of Changes is refused as ErrInvalid.
type Changes struct {
	Table      string
	Steps      []Step
	Impossible []Impossible // what Apply leaves as it is

	wants wants
}

// changesJSON is Changes on their way through another program.
type changesJSON struct {
	Table      string
	Steps      []Step
	Impossible []Impossible `json:",omitempty"`
	Options    optionsJSON
}

// optionsJSON are what the [CreateOption] values asked for.
type optionsJSON struct {
	Billing            types.BillingMode     `json:",omitempty"`
	Throughput         throughput            `json:",omitzero"`
	IndexThroughput    map[string]throughput `json:",omitempty"`
	TTL                string                `json:",omitempty"`
	Stream             types.StreamViewType  `json:",omitempty"`
	Tags               map[string]string     `json:",omitempty"`
	DeletionProtection bool                  `json:",omitempty"`
}

// MarshalJSON writes the changes with their options.
func (c Changes) MarshalJSON() ([]byte, error) {
	w := c.wants
	return json.Marshal(changesJSON{
		c.Table, c.Steps, c.Impossible, optionsJSON{w.billing, w.capacity, w.indexes, w.ttl, w.stream, w.tags, w.protected},
	})
}

// UnmarshalJSON reads what MarshalJSON has written. What does not fit is ErrInvalid, and leaves the changes as they are.
func (c *Changes) UnmarshalJSON(text []byte) error {
	var data changesJSON
	in := json.NewDecoder(bytes.NewReader(text))
	in.DisallowUnknownFields()
	if err := in.Decode(&data); err != nil {
		return invalidf("these are no Changes: %v", err)
	}
	o := data.Options
	*c = Changes{data.Table, data.Steps, data.Impossible, wants{o.Billing, o.Throughput, o.IndexThroughput, o.TTL, o.Stream, o.Tags, o.DeletionProtection}}
	return nil
}

// String is a line for each step, and for each difference that cannot be mended; "" if there is neither.
func (c Changes) String() string {
	var text strings.Builder
	for _, s := range c.Steps {
		text.WriteString(s.String() + "\n")
	}
	for _, i := range c.Impossible {
		text.WriteString("impossible: " + i.Finding.String() + " (" + i.Reason + ")\n")
	}
	return text.String()
}

// Plan compares as [Table.Verify] does and says what [Table.Apply] would add: the table itself, global indexes, TTL, the stream, protection and tags. What no addition
// can mend is in Impossible. What is there beyond the declaration, such as another index, is left out: nothing is ever dropped. It changes nothing.
func (t *Table) Plan(ctx context.Context, admin Admin, opts ...CreateOption) (Changes, error) {
	ctx, v := t.begin(ctx, "Plan")
	w := t.wanted(opts)
	findings, _, err := t.inspect(ctx, admin, w)
	if err != nil {
		return Changes{}, v.end(ctx, err, 0)
	}
	changes := t.plan(findings, w)
	return changes, v.end(ctx, nil, len(changes.Steps))
}

func (t *Table) plan(findings []Finding, w *wants) Changes {
	c := Changes{Table: t.Name(), wants: *w}
	blocked := map[string]bool{} // indexes whose keys have other types on the table
	for _, f := range findings {
		blocked[f.Index] = blocked[f.Index] || f.Kind == KeyType && f.Index != ""
	}
	var adding []Step // last, for they take longest
	for _, f := range findings {
		index := t.indexes[f.Index]
		switch f.Kind {
		case TableMissing:
			c.Steps = append(c.Steps, Step{Kind: StepCreateTable})
			if w.ttl != "" {
				c.Steps = append(c.Steps, Step{Kind: StepTTL, Name: w.ttl})
			}
		case TableNotActive:
			if f.passes() {
				c.Steps = append(c.Steps, Step{Kind: StepCreateTable})
			} else {
				c.leave(f, "the table cannot be used in this state; see to it at AWS")
			}
		case IndexMissing, IndexNotActive:
			switch {
			case index.local:
				c.leave(f, "a local index can only be created with its table")
			case !blocked[f.Index]:
				adding = append(adding, Step{Kind: StepAddIndex, Name: f.Index})
			}
		case Unprotected:
			c.Steps = append(c.Steps, Step{Kind: StepProtect})
		case TagMissing:
			c.Steps = append(c.Steps, Step{Kind: StepTag, Name: f.Attribute, Value: f.Want})
		case StreamOff:
			c.Steps = append(c.Steps, Step{Kind: StepStream, Value: f.Want})
		case TTLOff:
			c.Steps = append(c.Steps, Step{Kind: StepTTL, Name: f.Want})
		case TTLChanging:
			if !f.enabling() {
				c.Steps = append(c.Steps, Step{Kind: StepTTL, Name: f.Want})
			}
		case IndexExtra:
			if f.Breaks {
				c.leave(f, "nothing is dropped unasked; use DropIndex when nothing reads it")
			}
		case ProjectionWider:
		default:
			c.leave(f, impossible[f.Kind])
		}
	}
	c.Steps = append(c.Steps, adding...)
	if slices.ContainsFunc(findings, func(f Finding) bool { return f.Kind == TableKey }) {
		c.Steps = nil // it is another program's table
	}
	return c
}

func (c *Changes) leave(f Finding, reason string) {
	c.Impossible = append(c.Impossible, Impossible{f, reason})
}

// impossible says why no addition mends a difference.
var impossible = map[FindingKind]string{
	TableKey:           "a table's key cannot be changed; create another table and move the items",
	KeyType:            "an attribute has one type in all keys of a table, which cannot be changed while a key has it",
	IndexScope:         "an index cannot be changed; declare one under another name",
	IndexKey:           "an index cannot be changed; declare one under another name, and drop this one when nothing reads it",
	ProjectionNarrower: "an index cannot be changed; declare one under another name, and drop this one when nothing reads it",
	BillingDiffers:     "another billing is no addition; use UpdateTable",
	TTLAttribute:       "TTL must be switched off first, which is no addition; use UpdateTimeToLive",
	StreamView:         "the stream must be switched off first, which its readers would notice; use UpdateTable",
	TagDiffers:         "the tag has another value, which would be lost; use TagResource",
}

// Apply makes the steps of a plan, one after the other, and waits until each is in effect, an index until its backfill is done: that takes minutes, or hours for
// much data, while reads and writes go on. Items whose key attributes have another type than the index, or are too long, are not in it: DynamoDB leaves them out without an error.
// Only the context bounds Apply, also where the service is busy or says that a limit is reached (LimitExceededException), except that TTL which DynamoDB refuses
// to change is waited for an hour. Give it a deadline.
//
// Each step looks first at the table and does what is left to be done. So Apply may be killed at any moment and run again, with these changes or a new plan, and several
// processes may run it at once: while one has the table, the others wait. A table that has become other than a step can make it is a [*DriftError]; the
// steps before have been made. A table without billing by request needs throughput for a new index: it is that of [IndexThroughput] or
// [Provisioned], or else what the table has. Changes of another table are ErrInvalid; no changes send nothing.
func (t *Table) Apply(ctx context.Context, admin Admin, changes Changes) error {
	ctx, v := t.begin(ctx, "Apply")
	made := 0
	err := changes.check(t, admin)
	for _, s := range changes.Steps {
		if err == nil {
			err = started(ctx)
		}
		if err == nil {
			err = t.applyStep(ctx, admin, s, &changes.wants)
		}
		if err != nil {
			break
		}
		made++
	}
	return v.end(ctx, err, made)
}

func (c *Changes) check(t *Table, admin Admin) error {
	if len(c.Steps) == 0 {
		return nil
	}
	if c.Table != t.Name() {
		return invalidf("the changes are for table %q", c.Table)
	}
	for _, s := range c.Steps {
		switch s.Kind {
		case StepCreateTable, StepProtect, StepTag, StepStream, StepTTL:
		case StepAddIndex:
			if index := t.indexes[s.Name]; index == nil || index.local {
				return invalidf("%q is not a global index of the declaration", s.Name)
			}
		default:
			return invalidf("unknown step %q", s.Kind)
		}
	}
	return c.wants.check(t, admin)
}

func (t *Table) applyStep(ctx context.Context, admin Admin, s Step, w *wants) error {
	var err error
	switch s.Kind {
	case StepCreateTable:
		err = t.createTable(ctx, admin, w)
	case StepTTL:
		err = t.enableTTL(ctx, admin, s.Name, true)
	case StepTag:
		err = t.addTag(ctx, admin, s)
	case StepProtect:
		err = t.carryOut(ctx, admin, protecting)
	case StepStream:
		err = t.carryOut(ctx, admin, t.streaming(types.StreamViewType(s.Value)))
	case StepAddIndex:
		err = t.carryOut(ctx, admin, t.adding(t.indexes[s.Name], w))
	}
	if err != nil {
		return &duringError{s.String(), err}
	}
	return nil
}

// DropIndex drops a global index that is no longer declared, and waits until it is gone. An index that is declared is ErrInvalid, so that no program drops what it
// reads itself; that no other program reads it is for the caller to know. That there is no such index is no error, and a crash is mended by calling it again. The
// table's items stay as they are, with the attributes that were keys. An index that is being created is dropped when that is done.
func (t *Table) DropIndex(ctx context.Context, admin Admin, name string) error {
	ctx, v := t.begin(ctx, "DropIndex")
	var err error
	switch {
	case noAdmin(admin):
		err = invalidf("the Admin is nil")
	case t.indexes[name] != nil:
		err = invalidf("index %q is declared; take it out of the declaration first", name)
	default:
		err = t.carryOut(ctx, admin, dropping(name))
	}
	return v.end(ctx, err, 0)
}

// tableChange is what UpdateTable does to a table: it looks at it and says that all is done, that something is under way, or what to send.
type tableChange func(live *types.TableDescription) (done bool, pending string, in *dynamodb.UpdateTableInput, err error)

// lookAgain is how often a refusal may be explained by a description that was not the latest.
const lookAgain = 3

// carryOut makes a change, as soon as the table takes one, and waits until it is in effect.
func (t *Table) carryOut(ctx context.Context, admin Admin, next tableChange) error {
	refusals := 0
	return t.until(ctx, func(ctx context.Context) (string, error) {
		live, err := t.describe(ctx, admin)
		if err != nil {
			return "", err
		}
		if live == nil {
			return "", &DriftError{Table: t.Name(), Findings: []Finding{t.missing()}}
		}
		done, pending, in, err := next(live)
		if err != nil || pending != "" {
			return pending, err
		}
		if busy := underWay(live); done || busy != "" {
			return busy, nil
		}
		in.TableName = ptr(t.Name())
		_, err = ask(ctx, t, admin.UpdateTable, in)
		if refusedAs(err, "ValidationException") || notFound(err) {
			// Perhaps somebody else has made the change since.
			if refusals++; refusals < lookAgain {
				return "the table is looked at again", nil
			}
		}
		return "the table is being updated", err
	})
}

func protecting(live *types.TableDescription) (bool, string, *dynamodb.UpdateTableInput, error) {
	return valueOf(live.DeletionProtectionEnabled), "", &dynamodb.UpdateTableInput{DeletionProtectionEnabled: ptr(true)}, nil
}

func (t *Table) streaming(view types.StreamViewType) tableChange {
	in := &dynamodb.UpdateTableInput{StreamSpecification: &types.StreamSpecification{StreamEnabled: ptr(true), StreamViewType: view}}
	return func(live *types.TableDescription) (bool, string, *dynamodb.UpdateTableInput, error) {
		differs := (&wants{stream: view}).compare(live)
		if len(differs) > 0 && differs[0].Kind == StreamView {
			return false, "", nil, &DriftError{Table: t.Name(), Findings: differs}
		}
		return len(differs) == 0, "", in, nil
	}
}

// adding adds an index, or waits for one that somebody else is adding.
func (t *Table) adding(index *indexKeys, w *wants) tableChange {
	return func(live *types.TableDescription) (bool, string, *dynamodb.UpdateTableInput, error) {
		have := liveIndexOf(live, index.name)
		if have == nil {
			return false, "", t.addition(live, index, w), nil
		}
		if have.changing() {
			return false, "index " + index.name + " is " + have.state(), nil, nil
		}
		findings := t.compareIndex(index, have)
		for _, f := range findings {
			if f.Breaks {
				return false, "", nil, &DriftError{Table: t.Name(), Findings: findings}
			}
		}
		return true, "", nil, nil
	}
}

// addition is the request that adds an index.
func (t *Table) addition(live *types.TableDescription, index *indexKeys, w *wants) *dynamodb.UpdateTableInput {
	add := &types.CreateGlobalSecondaryIndexAction{IndexName: ptr(index.name), KeySchema: index.schema(), Projection: index.projected()}
	if s := live.BillingModeSummary; s == nil || s.BillingMode != types.BillingModePayPerRequest {
		add.ProvisionedThroughput = w.ofIndex(index.name)
		if p := live.ProvisionedThroughput; add.ProvisionedThroughput == nil && p != nil {
			add.ProvisionedThroughput = throughput{valueOf(p.ReadCapacityUnits), valueOf(p.WriteCapacityUnits)}.request()
		}
	}
	return &dynamodb.UpdateTableInput{
		AttributeDefinitions:        definitions(index),
		GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{{Create: add}},
	}
}

func dropping(name string) tableChange {
	return func(live *types.TableDescription) (bool, string, *dynamodb.UpdateTableInput, error) {
		have := liveIndexOf(live, name)
		switch {
		case have == nil:
			return true, "", nil, nil
		case have.local:
			return false, "", nil, invalidf("index %q is local: it goes with its table only", name)
		case have.status == types.IndexStatusDeleting:
			return false, "index " + name + " is " + have.state(), nil, nil
		}
		drop := &types.DeleteGlobalSecondaryIndexAction{IndexName: ptr(name)}
		return false, "", &dynamodb.UpdateTableInput{GlobalSecondaryIndexUpdates: []types.GlobalSecondaryIndexUpdate{{Delete: drop}}}, nil
	}
}

// addTag puts one tag on the table.
func (t *Table) addTag(ctx context.Context, admin Admin, s Step) error {
	return t.until(ctx, func(ctx context.Context) (string, error) {
		live, err := t.describe(ctx, admin)
		if err != nil {
			return "", err
		}
		if live == nil {
			return "", &DriftError{Table: t.Name(), Findings: []Finding{t.missing()}}
		}
		findings, err := t.tagFindings(ctx, admin, live, &wants{tags: map[string]string{s.Name: s.Value}})
		if err != nil || len(findings) == 0 {
			return "", err
		}
		if findings[0].Kind == TagDiffers {
			return "", &DriftError{Table: t.Name(), Findings: findings}
		}
		_, err = ask(ctx, t, admin.TagResource, &dynamodb.TagResourceInput{
			ResourceArn: live.TableArn, Tags: []types.Tag{{Key: ptr(s.Name), Value: ptr(s.Value)}},
		})
		return "", err
	})
}
