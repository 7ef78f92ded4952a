package monotable_test

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
)

// offline is a client of no server: definitions send nothing.
func offline() *dynamodb.Client { return dynamodb.New(dynamodb.Options{Region: "us-east-1"}) }

func declare(t testing.TB) *monotable.Table {
	t.Helper()
	table, err := monotable.NewTable(offline(), monotable.TableConfig{
		Name: "app", PartitionKey: "PK", SortKey: "SK",
		Indexes: []monotable.Index{
			{Name: "GSI1", PartitionKey: "GSI1PK", SortKey: "GSI1SK"},
			{Name: "turned", PartitionKey: "GSI1SK", SortKey: "GSI1PK"},
			{Name: "byTag", PartitionKey: "_et", SortKey: "tagSK"},
			{Name: "byNumber", PartitionKey: "number", PartitionKeyType: types.ScalarAttributeTypeN},
			{Name: "byNumberToo", PartitionKey: "number", PartitionKeyType: types.ScalarAttributeTypeN, SortKey: "GSI1SK"},
			{Name: "several", PartitionKeys: []monotable.KeyAttribute{{Name: "kind"}, {Name: "region"}}},
		},
	})
	require.NoError(t, err)
	return table
}

// thing has a field of every kind that a definition can be wrong about.
type thing struct {
	ID      string            `dynamodbav:"id"`
	Name    string            `dynamodbav:"name"`
	Count   int               `dynamodbav:"count"`
	Flag    bool              `dynamodbav:"flag"`
	Opt     *int              `dynamodbav:"opt"`
	List    []string          `dynamodbav:"list"`
	Map     map[string]string `dynamodbav:"map"`
	In      thingInner        `dynamodbav:"in"`
	Ptr     *thingInner       `dynamodbav:"ptr"`
	Skipped string            `dynamodbav:"-"`
	Lean    string            `dynamodbav:"lean,omitempty"`
	Ver     int64             `dynamodbav:"ver"`
	LeanVer int64             `dynamodbav:"leanVer,omitempty"`
	At      time.Time         `dynamodbav:"at"`
	Arr     [2]int            `dynamodbav:"arr"`
	ThingEmbedded
}

type thingInner struct {
	City string      `dynamodbav:"city"`
	Next *thingInner `dynamodbav:"next"`
}

type ThingEmbedded struct {
	Deep string `dynamodbav:"deep"`
}

var (
	thingID   = monotable.Field(func(t *thing) *string { return &t.ID })
	thingName = monotable.Field(func(t *thing) *string { return &t.Name })
	thingCnt  = monotable.Field(func(t *thing) *int { return &t.Count })
	thingFlag = monotable.Field(func(t *thing) *bool { return &t.Flag })
	thingOpt  = monotable.Field(func(t *thing) **int { return &t.Opt })
	thingVer  = monotable.Field(func(t *thing) *int64 { return &t.Ver })
	thingList = monotable.Field(func(t *thing) *[]string { return &t.List })
	thingAt   = monotable.Field(func(t *thing) *time.Time { return &t.At })
	global    string
)

func thingSchema() monotable.Schema[thing] {
	return monotable.Schema[thing]{Name: "Thing", Key: monotable.Key{Partition: "THING#{id}", Sort: "THING"}}
}

// Every mistake of a schema is reported, with the attribute and what to do.
func TestDefinitionMistakes(t *testing.T) {
	rules := func(rules ...monotable.Rule[thing]) func(*monotable.Schema[thing]) {
		return func(s *monotable.Schema[thing]) { s.Rules = rules }
	}
	key := func(partition, sort string) func(*monotable.Schema[thing]) {
		return func(s *monotable.Schema[thing]) { s.Key = monotable.Key{Partition: partition, Sort: sort} }
	}
	index := func(name string, k monotable.Key) func(*monotable.Schema[thing]) {
		return func(s *monotable.Schema[thing]) { s.Indexes = map[string]monotable.Key{name: k} }
	}
	for _, c := range []struct {
		name   string
		break_ func(*monotable.Schema[thing])
		want   []string
	}{
		{"no name", func(s *monotable.Schema[thing]) { s.Name = "" }, []string{"Name: is empty"}},
		{"unknown placeholder", key("THING#{idd}", "THING"), []string{`{idd}`, `did you mean "id"?`}},
		{"unclosed brace", key("THING#{id", "THING"), []string{`unclosed "{"`}},
		{"placeholder of another language", key("THING#${id}", "THING"), []string{`"$" before "{"; a placeholder is {name}`}},
		{"brace in a brace", key("THING#{{id}}", "THING"), []string{`unclosed "{"`, "braces do not nest"}},
		{"repeated placeholder", key("THING#{id}#{id}", "THING"), []string{"repeated"}},
		{"no placeholder", key("THING", "THING"), []string{"no placeholder"}},
		{"adjacent parts", key("THING#{id}{name}", "THING"), []string{"fixed width"}},
		{"list as part", key("THING#{list}", "THING"), []string{"{list}", "cannot be part of a key"}},
		{"no sort template", key("THING#{id}", ""), []string{"SK needs a template"}},
		{"key attribute in itself", key("{id}", "X#{SK}"), []string{"{SK}"}},
		{"omitempty in key", key("THING#{lean}", "X"), []string{"lean: is part of the primary key, so it cannot be omitempty"}},
		{"unknown index", index("GSI9", monotable.Key{Partition: "X#{id}"}), []string{`index GSI9`, `did you mean "GSI1"?`}},
		{"number key from text", index("byNumber", monotable.Key{Partition: "{name}"}), []string{"number is of type N", "name"}},
		{"number key with literal", index("byNumber", monotable.Key{Partition: "X#{count}"}), []string{"one placeholder alone"}},
		{"template for several attributes", index("several", monotable.Key{Partition: "X#{id}"}), []string{"needs no template"}},
		{"template without sort key", index("byNumber", monotable.Key{Partition: "{count}", Sort: "X"}), []string{"does not declare"}},
		{"default of a meaningful zero", rules(thingCnt.Default(1), thingFlag.Default(true)), []string{"count: Default", "DefaultZero", "flag: Default"}},
		{"DefaultZero on text", rules(thingName.DefaultZero("x")), []string{"name: DefaultZero is for numbers and bools"}},
		{"required number", rules(thingCnt.Required()), []string{"count: Required: zero means something", "Min"}},
		{"rule twice", rules(thingName.Required().Required()), []string{"name: Required is given twice"}},
		{"rule twice apart", rules(thingName.Default("a"), thingName.Default("b")), []string{"name: Default is given twice"}},
		{"role twice", rules(monotable.CreatedAt(thingAt), monotable.UpdatedAt(thingAt), monotable.CreatedAt(monotable.Field(func(t *thing) *time.Time { return &t.At }))), []string{"CreatedAt is given twice"}},
		{"two versions", rules(monotable.Version(thingVer), monotable.Version(monotable.Field(func(t *thing) *int64 { return &t.LeanVer }))), []string{"Version is already ver", "leanVer: omitempty would lose version 0"}},
		{"default of a version", rules(monotable.Version(thingVer), thingVer.DefaultZero(1)), []string{"Version is written by monotable"}},
		{"bad pattern", rules(monotable.Pattern(thingName, "(")), []string{"name: Pattern"}},
		{"bad length", rules(monotable.Length(thingName, 5, 1)), []string{"name: Length"}},
		{"length of a number", rules(monotable.Length(thingCnt, 0, 1)), []string{"count: Length"}},
		{"validate without function", rules(thingName.Validate(nil)), []string{"name: Validate: without a function"}},
		{"derived without reads", rules(thingName.Derived(func(*thing) string { return "" })), []string{"name: Derived must name the attributes it reads"}},
		{"derived with default", rules(thingName.Derived(func(*thing) string { return "" }, thingID).Default("x")), []string{"never used"}},
		{"derived in key", func(s *monotable.Schema[thing]) {
			s.Rules = []monotable.Rule[thing]{thingID.Derived(func(*thing) string { return "" }, thingName)}
		}, []string{"id: is part of the primary key, so it cannot be Derived"}},
		{"version in key", func(s *monotable.Schema[thing]) {
			s.Key.Sort = "V#{ver}"
			s.Rules = []monotable.Rule[thing]{monotable.Version(thingVer)}
		}, []string{"ver: changes with writes"}},
		{"escaped number", func(s *monotable.Schema[thing]) {
			s.Key.Sort = "N#{count}"
			s.Rules = []monotable.Rule[thing]{thingCnt.Escaped()}
		}, []string{"Escaped is for text"}},
		{"rule of a map element", rules(monotable.MapKey(monotable.Field(func(t *thing) *map[string]string { return &t.Map }), "k").Required()), []string{"must be a field"}},
		{"nil rule", rules(nil), []string{"Rules[0]: is empty"}},
		{"zero attribute", rules(monotable.Attr[thing, string]{}.Required()), []string{"was not made by Field"}},
		{"selector leaves the struct", rules(monotable.Field(func(*thing) *string { return &global }).Required()), []string{"leaves the struct"}},
		{"selector of an unstored field", rules(monotable.Field(func(t *thing) *string { return &t.Skipped }).Required()), []string{"leaves the struct, or its field is not stored"}},
		{"selector of an array element", rules(monotable.Min(monotable.Field(func(t *thing) *int { return &t.Arr[0] }), 1)), []string{"leaves the struct"}},
		{"selector panics", rules(monotable.Field(func(t *thing) *string { return &t.List[3] }).Required()), []string{"panicked"}},
		{"index rule on unknown index", rules(monotable.IndexWhen("GSI1", func(*thing) bool { return true }, thingID)), []string{"IndexWhen: the entity is not in this index"}},
		{"template of the tag", func(s *monotable.Schema[thing]) {
			s.Indexes = map[string]monotable.Key{"byTag": {Partition: "KIND#{name}", Sort: "{id}"}}
		}, []string{"index byTag: _et is the type tag, which has no template"}},
		{"IndexWhen on keys of others alone", func(s *monotable.Schema[thing]) {
			s.Indexes = map[string]monotable.Key{"GSI1": {Partition: "NAME#{name}", Sort: "{deep}"}, "turned": {}}
			s.Rules = []monotable.Rule[thing]{monotable.IndexWhen("turned", func(*thing) bool { return true }, thingID)}
		}, []string{"index turned: IndexWhen needs a key made by a template, for this index alone"}},
		{"another template elsewhere", func(s *monotable.Schema[thing]) {
			s.Indexes = map[string]monotable.Key{"GSI1": {Partition: "NAME#{name}", Sort: "{deep}"}, "turned": {Partition: "DEEP#{deep}", Sort: "NAME#{name}"}}
		}, []string{"index turned: GSI1SK has another template elsewhere"}},
		{"ambiguous everything", func(s *monotable.Schema[thing]) {
			s.Name = ""
			s.Key.Partition = "THING#{idd}"
			s.Rules = []monotable.Rule[thing]{thingCnt.Default(1)}
		}, []string{"Name", "{idd}", "count: Default"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := thingSchema()
			c.break_(&s)
			_, err := monotable.NewEntity(declare(t), s)
			require.ErrorIs(t, err, monotable.ErrInvalid)
			var definition *monotable.DefinitionError
			require.ErrorAs(t, err, &definition)
			for _, want := range c.want {
				assert.ErrorContains(t, err, want)
			}
			assert.Panics(t, func() { monotable.MustEntity(declare(t), s) })
		})
	}
	_, err := monotable.NewEntity(declare(t), thingSchema())
	require.NoError(t, err)
	whole := thingSchema()
	whole.Indexes = map[string]monotable.Key{ // which share what they are made of
		"GSI1": {Partition: "NAME#{name}", Sort: "{deep}"}, "turned": {Partition: "{deep}", Sort: "NAME#{name}"},
		"byNumber": {Partition: "{count}"}, "byNumberToo": {Partition: "{count}", Sort: "{deep}"},
	}
	_, err = monotable.NewEntity(declare(t), whole)
	require.NoError(t, err)
}

func TestTableMistakes(t *testing.T) {
	_, err := monotable.NewTable(nil, monotable.TableConfig{
		SortKey: "SK", Delimiter: "ab", TypeTag: "SK",
		Indexes: []monotable.Index{
			{Name: "", PartitionKey: "a"},
			{Name: "x", PartitionKey: "a"},
			{Name: "same", PartitionKey: "a"},
			{Name: "same", PartitionKey: "SK", PartitionKeyType: types.ScalarAttributeTypeN},
			{Name: "both", PartitionKey: "a", PartitionKeys: []monotable.KeyAttribute{{Name: "b"}}},
			{Name: "none"},
			{Name: "five", PartitionKeys: []monotable.KeyAttribute{{Name: "1"}, {Name: "2"}, {Name: "3"}, {Name: "4"}, {Name: "5"}}},
			{Name: "twice", PartitionKey: "q", SortKey: "q"},
			{Name: "bool", PartitionKey: "z", PartitionKeyType: "BOOL"},
			{Name: "local", Local: true, PartitionKey: "other"},
			{Name: "projection", PartitionKey: "p", Projection: types.Projection{ProjectionType: types.ProjectionTypeInclude}},
		},
		CursorKeys: []monotable.CursorKey{{ID: "1", Secret: []byte("short")}},
	})
	var definition *monotable.DefinitionError
	require.True(t, errors.As(err, &definition))
	for _, want := range []string{
		"client is nil", "Name: must be 3 to 255", "PartitionKey: is empty", "Delimiter", "TypeTag", "an index has no name", "index same: is declared twice", "index x: a name must be 3 to 255",
		`"SK" is of type N here and S elsewhere`, "index both: give one attribute", "index none: has no partition key", "index five: has more than four",
		"index twice", `index bool: "z" has type`, "index local: a local index has", "index projection", "CursorKeys[0]",
	} {
		assert.ErrorContains(t, err, want)
	}
	assert.ErrorIs(t, err, monotable.ErrInvalid)
}

func TestF103_EntitiesThatCanMeet(t *testing.T) {
	table := declare(t)
	monotable.MustEntity(table, thingSchema())
	monotable.MustEntity(table, thingSchema()) // the same again is no mistake

	other := thingSchema()
	other.Name = "Other"
	_, err := monotable.NewEntity(table, other)
	require.ErrorContains(t, err, "can make the same key as entity Thing")

	other.Key.Sort = "OTHER"
	_, err = monotable.NewEntity(table, other)
	require.NoError(t, err)

	taken := thingSchema()
	taken.Key.Sort = "TAKEN"
	_, err = monotable.NewEntity(table, taken)
	require.ErrorContains(t, err, `"Thing" is already another entity`)

	for _, name := range []string{"EventA", "EventB"} {
		s := monotable.Schema[thing]{Name: name, Family: "events", Key: monotable.Key{Partition: "EV#{id}", Sort: "{count:06}"}}
		_, err = monotable.NewEntity(table, s)
		require.NoError(t, err, "one family may meet")
	}
}

// A selector finds its field through embedded structs and pointers to structs.
func TestSelectors(t *testing.T) {
	for want, got := range map[string]interface{ String() string }{
		"in.city":            monotable.Field(func(t *thing) *string { return &t.In.City }),
		"in":                 monotable.Field(func(t *thing) *thingInner { return &t.In }),
		"ptr.city":           monotable.Field(func(t *thing) *string { return &t.Ptr.City }),
		"ptr":                monotable.Field(func(t *thing) **thingInner { return &t.Ptr }),
		"ptr.next.next.city": monotable.Field(func(t *thing) *string { return &t.Ptr.Next.Next.City }),
		"opt":                thingOpt,
		"list[2]":            monotable.At(monotable.Field(func(t *thing) *[]string { return &t.List }), 2),
		"map.k":              monotable.MapKey(monotable.Field(func(t *thing) *map[string]string { return &t.Map }), "k"),
	} {
		assert.Equal(t, want, got.String())
	}
	type outer struct {
		ThingEmbedded
		*ThingInner2
		ID string `dynamodbav:"id"`
	}
	assert.Equal(t, "deep", monotable.Field(func(o *outer) *string { return &o.Deep }).String())
	assert.Equal(t, "town", monotable.Field(func(o *outer) *string { return &o.Town }).String())
}

type ambiguousA struct {
	X string `dynamodbav:"x"`
}
type ambiguousB struct {
	X string `dynamodbav:"x"`
}

func TestF089_AmbiguousNames(t *testing.T) {
	type twice struct {
		A string `dynamodbav:"a"`
		B string `dynamodbav:"a"`
	}
	type folded struct {
		A string `dynamodbav:"a"`
		B string `dynamodbav:"A"`
	}
	type embedded struct {
		ID string `dynamodbav:"id"`
		ambiguousA
		ambiguousB
	}
	type unsupported struct {
		ID string   `dynamodbav:"id"`
		C  chan int `dynamodbav:"c"`
		F  func()   `dynamodbav:"f"`
	}
	type badTag struct {
		ID string `dynamodbav:"id,omitemty"`
	}
	check := func(err error) {
		t.Helper()
		var definition *monotable.DefinitionError
		require.ErrorAs(t, err, &definition)
		require.NotEmpty(t, definition.Problems[0].Attribute)
		t.Log(err)
	}
	_, err := monotable.NewEntity(declare(t), monotable.Schema[twice]{Name: "T", Key: monotable.Key{Partition: "{a}", Sort: "x"}})
	check(err)
	_, err = monotable.NewEntity(declare(t), monotable.Schema[folded]{Name: "T", Key: monotable.Key{Partition: "{a}", Sort: "x"}})
	check(err)
	_, err = monotable.NewEntity(declare(t), monotable.Schema[embedded]{Name: "T", Key: monotable.Key{Partition: "{id}", Sort: "x"}})
	check(err)
	_, err = monotable.NewEntity(declare(t), monotable.Schema[unsupported]{Name: "T", Key: monotable.Key{Partition: "{id}", Sort: "x"}})
	check(err)
	_, err = monotable.NewEntity(declare(t), monotable.Schema[badTag]{Name: "T", Key: monotable.Key{Partition: "{id}", Sort: "x"}})
	check(err)
}

type ThingInner2 struct {
	Town string `dynamodbav:"town"`
}
