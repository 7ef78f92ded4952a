package model_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/model"
)

var update = flag.Bool("update", false, "write the golden files in testdata anew")

// club, member and visit are a model with everything that a declaration can say: indexes of each kind, sparse and hidden keys, several names, nested and unique
// attributes, versions, expiry.
type club struct {
	ID    string `dynamodbav:"clubId"`
	Name  string `dynamodbav:"name"`
	Prefs prefs  `dynamodbav:"prefs"`
}

type prefs struct {
	Theme string `dynamodbav:"theme"`
	Token string `dynamodbav:"token,omitempty"`
}

type member struct {
	Club    string    `dynamodbav:"club"`
	ID      string    `dynamodbav:"memberId"`
	Email   string    `dynamodbav:"email"`
	Secret  string    `dynamodbav:"secret,omitempty"`
	Level   int       `dynamodbav:"level"`
	Region  string    `dynamodbav:"region"`
	Extra   any       `dynamodbav:"extra"`
	Labels  []string  `dynamodbav:"labels"`
	Joined  time.Time `dynamodbav:"joinedAt"`
	Version int64     `dynamodbav:"version"`
}

type visit struct {
	Club  string    `dynamodbav:"club"`
	At    string    `dynamodbav:"at"`
	Ends  time.Time `dynamodbav:"ends"`
	Score int       `dynamodbav:"score"`
}

var (
	clubToken     = monotable.Field(func(c *club) *string { return &c.Prefs.Token })
	clubTheme     = monotable.Field(func(c *club) *string { return &c.Prefs.Theme })
	memberEmail   = monotable.Field(func(m *member) *string { return &m.Email })
	memberSecret  = monotable.Field(func(m *member) *string { return &m.Secret })
	memberLevel   = monotable.Field(func(m *member) *int { return &m.Level })
	memberVersion = monotable.Field(func(m *member) *int64 { return &m.Version })
	visitEnds     = monotable.Field(func(v *visit) *time.Time { return &v.Ends })
)

// Values that must not be in any output.
const (
	aKey         = "chess club 7"
	defaultTheme = "solarized"
)

type clubs struct {
	table   *monotable.Table
	clubs   *monotable.Entity[club]
	members *monotable.Entity[member]
	visits  *monotable.Entity[visit]
}

func newClubs(t testing.TB) clubs {
	t.Helper()
	table, err := monotable.NewTable(memdb.New(memdb.Options{}).Client(), monotable.TableConfig{
		Name: "clubs", PartitionKey: "PK", SortKey: "SK",
		Indexes: []monotable.Index{
			{Name: "GSI1", PartitionKey: "GSI1PK", SortKey: "GSI1SK"},
			{Name: "byLevel", PartitionKey: "level", PartitionKeyType: types.ScalarAttributeTypeN, Projection: types.Projection{ProjectionType: types.ProjectionTypeInclude, NonKeyAttributes: []string{"_et"}}},
			{
				Name: "byRegion", PartitionKeys: []monotable.KeyAttribute{{Name: "_et"}, {Name: "region"}}, SortKeys: []monotable.KeyAttribute{{Name: "level", Type: types.ScalarAttributeTypeN}},
				Projection: types.Projection{ProjectionType: types.ProjectionTypeInclude, NonKeyAttributes: []string{"email", "labels"}},
			},
			{Name: "byScore", Local: true, SortKey: "score", SortKeyType: types.ScalarAttributeTypeN, Projection: types.Projection{ProjectionType: types.ProjectionTypeKeysOnly}},
		},
		CursorKeys: []monotable.CursorKey{{ID: "1", Secret: []byte(strings.Repeat("s", 32))}},
	})
	require.NoError(t, err)
	return clubs{
		table: table,
		clubs: monotable.MustEntity(table, monotable.Schema[club]{
			Name: "Club", Aliases: []string{"Team"}, Key: monotable.Key{Partition: "CLUB#{clubId}", Sort: "CLUB"},
			Rules:    []monotable.Rule[club]{clubTheme.Default(defaultTheme), clubToken.Hidden()},
			Upgrades: []monotable.Upgrade{func(map[string]types.AttributeValue) error { return nil }},
		}),
		members: monotable.MustEntity(table, monotable.Schema[member]{
			Name: "Member", Key: monotable.Key{Partition: "CLUB#{club}", Sort: "MEMBER#{memberId}"},
			Indexes: map[string]monotable.Key{"GSI1": {Partition: "SECRET#{secret}", Sort: "CLUB#{club}"}},
			Rules:   []monotable.Rule[member]{memberEmail.Unique(), memberSecret.Hidden(), monotable.Min(memberLevel, 0), monotable.Version(memberVersion), monotable.IndexWhen("GSI1", func(m *member) bool { return m.Email != "" }, memberEmail)},
		}),
		visits: monotable.MustEntity(table, monotable.Schema[visit]{
			Name: "Visit", Key: monotable.Key{Partition: "CLUB#{club}", Sort: "VISIT#{at}"}, Tag: monotable.TagOptional,
			Rules: []monotable.Rule[visit]{monotable.ExpiresAt(visitEnds)},
		}),
	}
}

func (c clubs) model(opts ...model.Option) *model.Model {
	m := model.New(c.table, append([]model.Option{model.Title("Clubs"), model.Description("Clubs, who is in them, and who came.")}, opts...)...)
	m.Pattern("Club", "A club by id.", c.clubs.GetOp(club{ID: aKey}, new(club)))
	m.Pattern("Everything of a club", "", c.clubs.Partition(club{ID: aKey}))
	m.Pattern("Strong members", "Costs more than it returns.", c.members.Query(member{Club: aKey}).SortKey().Filter(memberLevel.Ge(4141)).Limit(5).With(monotable.Consistent()))
	m.Pattern("By level", "Of all clubs.", monotable.As[levelled](c.members.Query(member{Level: 3}).Index("byLevel")))
	m.Pattern("All members", "", c.members.Scan())
	m.Pattern(
		"Move", "Two requests.",
		c.members.GetOp(member{Club: aKey, ID: aKey}, new(member)),
		model.ExplainFunc(c.members.UpdateOp(member{Club: aKey, ID: aKey}, memberLevel.Set(4242), memberLevel.Eq(4141)).Explain),
	)
	return m
}

type levelled struct {
	Level int `dynamodbav:"level"`
}

// renderings are all formats and the endings of their golden files.
var renderings = []struct {
	ending string
	write  func(*model.Model, io.Writer) error
}{
	{"md", (*model.Model).Markdown},
	{"chart.md", (*model.Model).EntityChart},
	{"mmd", (*model.Model).Mermaid},
	{"html", (*model.Model).HTML},
	{"workbench.json", (*model.Model).Workbench},
	{"cloudformation.json", (*model.Model).CloudFormation},
}

func render(t testing.TB, m *model.Model, write func(*model.Model, io.Writer) error) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, write(m, &out))
	return out.String()
}

func TestGolden(t *testing.T) {
	m := newClubs(t).model()
	for _, r := range renderings {
		t.Run(r.ending, func(t *testing.T) {
			got := render(t, m, r.write)
			file := filepath.Join("testdata", "clubs."+r.ending)
			if *update {
				require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Equal(t, string(want), got, "go test ./model -update writes it anew")
		})
	}
}

// The same declaration is written the same way, in whatever order its entities were defined.
func TestDeterminism(t *testing.T) {
	first := newClubs(t).model(model.Tags(map[string]string{"b": "2", "a": "1", "c": "3"}))
	for range 20 {
		again := newClubs(t).model(model.Tags(map[string]string{"c": "3", "a": "1", "b": "2"}))
		for _, r := range renderings {
			require.Equal(t, render(t, first, r.write), render(t, again, r.write), r.ending)
		}
	}
}

// Neither the keys that patterns are given with, nor defaults and limits of rules, nor secrets are in any output.
func TestNoValues(t *testing.T) {
	m := newClubs(t).model()
	for _, r := range renderings {
		got := render(t, m, r.write)
		for _, value := range []string{aKey, defaultTheme, "4141", "4242", strings.Repeat("s", 32)} {
			require.NotContains(t, got, value, r.ending)
		}
	}
}

func TestRefusedPattern(t *testing.T) {
	c := newClubs(t)
	m := c.model()
	m.Pattern("No key", "", c.members.Query(member{}))
	m.Pattern("No steps", "")
	m.Pattern("Nil", "", nil)
	m.Pattern("Club", "The name is taken.", c.clubs.Scan())
	failed := errors.New("no plan today")
	m.Pattern("Function", "", model.ExplainFunc(func() (monotable.Plan, error) { return monotable.Plan{}, failed }))
	for _, r := range renderings {
		var out bytes.Buffer
		err := r.write(m, &out)
		if r.ending != "md" && r.ending != "html" {
			require.NoError(t, err, r.ending)
			continue
		}
		require.ErrorIs(t, err, monotable.ErrInvalid)
		require.ErrorIs(t, err, failed)
		for _, name := range []string{"No key", "No steps", "Nil", "Club", "Function"} {
			require.ErrorContains(t, err, fmt.Sprintf("pattern %q", name))
		}
		require.Len(t, strings.Split(err.Error(), "\n"), 5)
		require.Empty(t, out.String(), r.ending)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestNothingToWriteAndNowhere(t *testing.T) {
	m := newClubs(t).model()
	for _, r := range renderings {
		require.EqualError(t, r.write(new(model.Model), io.Discard), "model: no table is declared", r.ending)
		require.EqualError(t, r.write(nil, io.Discard), "model: no table is declared", r.ending)
		require.ErrorIs(t, r.write(m, full{}), io.ErrShortWrite, r.ending)
	}
}

// A table without a sort key, indexes, entities or patterns is written too.
func TestBareTable(t *testing.T) {
	table, err := monotable.NewTable(memdb.New(memdb.Options{}).Client(), monotable.TableConfig{Name: "arn:aws:dynamodb:eu-west-1:123456789012:table/plain", PartitionKey: "id"})
	require.NoError(t, err)
	m := model.New(table)
	for _, r := range renderings {
		got := render(t, m, r.write)
		require.NotContains(t, got, "arn:aws", r.ending)
		if r.ending != "mmd" && r.ending != "chart.md" {
			require.Contains(t, got, "plain", r.ending)
		}
	}
	_, err = monotable.NewEntity(table, monotable.Schema[plain]{Name: "Plain", Key: monotable.Key{Partition: "{id}"}})
	require.NoError(t, err)
	require.Equal(t, "| Entity | `id` |\n|---|---|\n| Plain | `{id}` |\n", render(t, model.New(table), (*model.Model).EntityChart))
	require.Equal(t, `flowchart LR
  subgraph i0["Table plain"]
    direction LR
    i0p0(["id = {id}"])
    i0p0 --> i0p0e0["Plain"]
  end
`, render(t, model.New(table), (*model.Model).Mermaid))
}

type plain struct {
	ID string `dynamodbav:"id"`
}

// Attributes of a key of several are told apart even where a name has a space in it.
func TestKeysOfSeveralAttributes(t *testing.T) {
	d := monotable.Declaration{
		Table: "several", PartitionKey: monotable.KeyAttribute{Name: "PK", Type: "S"}, Delimiter: "#",
		Indexes: []monotable.Index{{
			Name: "by", PartitionKeys: []monotable.KeyAttribute{{Name: "a b", Type: "S"}, {Name: "c", Type: "S"}}, SortKeys: []monotable.KeyAttribute{{Name: "d", Type: "S"}, {Name: "e f", Type: "N"}},
		}},
		Entities: []monotable.EntityDeclaration{{Name: "E", Key: monotable.Key{Partition: "E#{id}"}, Indexes: map[string]monotable.Key{"by": {Partition: "{a b} {c}", Sort: "{d} {e f}"}}}},
	}
	require.Contains(t, render(t, model.Of(d), (*model.Model).EntityChart), "| E | `E#{id}` | `{a b}` | `{c}` | `{d}` | `{e f}` |")
	page := render(t, model.Of(d), (*model.Model).HTML)
	require.Contains(t, page, ">{a b}, {c}</text>")
	require.Contains(t, page, ">{d}, {e f}</text>")
}

// TTL may be an option of Create, which no declaration tells of.
func TestTTLByOption(t *testing.T) {
	table, err := monotable.NewTable(memdb.New(memdb.Options{}).Client(), monotable.TableConfig{Name: "plain", PartitionKey: "id"})
	require.NoError(t, err)
	for _, r := range renderings {
		if r.ending == "md" || r.ending == "html" || r.ending == "cloudformation.json" {
			require.NotContains(t, render(t, model.New(table), r.write), "goneAt", r.ending)
			require.Contains(t, render(t, model.New(table, model.TTL("goneAt")), r.write), "goneAt", r.ending)
		}
	}
	c := newClubs(t)
	require.Contains(t, render(t, c.model(model.TTL("")), (*model.Model).Markdown), "Items expire by `ends`.")
}

// A table has one unit of each at least: less is no other billing.
func TestProvisionedIsChecked(t *testing.T) {
	c := newClubs(t)
	for _, units := range [][2]int64{{0, 0}, {5, 0}, {0, 5}, {-1, 1}} {
		m := c.model(model.Provisioned(units[0], units[1]))
		require.EqualError(t, m.CloudFormation(io.Discard), "model: Provisioned: a table has one unit of each at least")
		require.Error(t, m.Workbench(io.Discard))
		require.NoError(t, m.Markdown(io.Discard))
	}
}
