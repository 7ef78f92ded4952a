package monotable

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"
)

type crateLabel struct {
	Text string    `dynamodbav:"text"`
	At   time.Time `dynamodbav:"at"`
}

// CrateStamp is embedded, for which it must be exported.
type CrateStamp struct {
	Owner string `dynamodbav:"owner"`
}

// crateWeight is stored by code of its own.
type crateWeight struct{ grams int }

func (w crateWeight) MarshalDynamoDBAttributeValue() (types.AttributeValue, error) {
	return &types.AttributeValueMemberN{Value: "1"}, nil
}

func (w *crateWeight) UnmarshalDynamoDBAttributeValue(types.AttributeValue) error {
	w.grams = 1
	return nil
}

type crate struct {
	*CrateStamp

	Yard  string            `dynamodbav:"yard"`
	ID    string            `dynamodbav:"id"`
	Tags  []string          `dynamodbav:"tags"`
	Notes map[string]string `dynamodbav:"notes"`
	Front crateLabel        `dynamodbav:"front"`
	Back  *crateLabel       `dynamodbav:"back"`
	Raw   []byte            `dynamodbav:"raw"`
	N     int64             `dynamodbav:"n"`
	Mark  *string           `dynamodbav:"_w"`
}

var (
	crateYard  = Field(func(c *crate) *string { return &c.Yard })
	crateTags  = Field(func(c *crate) *[]string { return &c.Tags })
	crateFront = Field(func(c *crate) *string { return &c.Front.Text })
	crateBack  = Field(func(c *crate) *string { return &c.Back.Text })
	crateOwner = Field(func(c *crate) *string { return &c.Owner })
	crateAt    = Field(func(c *crate) *time.Time { return &c.Front.At })
	crateBackT = Field(func(c *crate) *time.Time { return &c.Back.At })
	crateN     = Field(func(c *crate) *int64 { return &c.N })
)

// Which copies need not be deep is found out once, and on the safe side.
func TestF042_ShallowCopiesAreTold(t *testing.T) {
	key := Key{Partition: "YARD#{yard}", Sort: "{id}"}
	sorted := func(tags []string) []string { slices.Sort(tags); return tags }
	valid := func(string) error { return nil }
	for name, row := range map[string]struct {
		schema            Schema[crate]
		item, keyIsShared bool
	}{
		"no rules":            {Schema[crate]{}, true, true},
		"texts in the item":   {Schema[crate]{Rules: []Rule[crate]{crateYard.Transform(strings.ToLower), crateFront.Validate(valid).Required(), UpdatedAt(crateAt)}}, true, true},
		"a slice as a whole":  {Schema[crate]{Rules: []Rule[crate]{crateTags.Transform(sorted)}}, false, true},
		"a slice's default":   {Schema[crate]{Rules: []Rule[crate]{crateTags.Default([]string{"x"})}}, true, true},
		"behind a pointer":    {Schema[crate]{Rules: []Rule[crate]{crateBack.Default("x")}}, false, true},
		"a stamp behind one":  {Schema[crate]{Rules: []Rule[crate]{UpdatedAt(crateBackT)}}, false, true},
		"an embedded pointer": {Schema[crate]{Rules: []Rule[crate]{crateOwner.Default("x")}}, false, true},
		"made from the item":  {Schema[crate]{Rules: []Rule[crate]{crateFront.DefaultFunc(func(*crate) string { return "x" })}}, false, true},
		"Validate":            {Schema[crate]{Validate: func(*crate) error { return nil }}, false, true},
		"a key behind one":    {Schema[crate]{Key: Key{Partition: "YARD#{yard}", Sort: "{back.text}"}}, true, false},
		"a key of bytes":      {Schema[crate]{Key: Key{Partition: "YARD#{raw}", Sort: "{id}"}}, true, false},
		"a mark behind one":   {Schema[crate]{Rules: []Rule[crate]{Version(crateN)}}, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			row.schema.Name = "Crate"
			if row.schema.Key == (Key{}) {
				row.schema.Key = key
			}
			table, err := NewTable(unsent{}, TableConfig{Name: "crates", PartitionKey: "PK", SortKey: "SK"})
			require.NoError(t, err)
			e, err := NewEntity(table, row.schema)
			require.NoError(t, err)
			require.Equal(t, row.item, e.core.model.leavesReferences, "item")
			require.Equal(t, row.keyIsShared, e.core.model.plainKey, "key")
		})
	}
	type weighed struct {
		ID    string      `dynamodbav:"id"`
		Gross crateWeight `dynamodbav:"gross"`
	}
	table, err := NewTable(unsent{}, TableConfig{Name: "crates", PartitionKey: "PK"})
	require.NoError(t, err)
	e, err := NewEntity(table, Schema[weighed]{Name: "Weighed", Key: Key{Partition: "W#{id}"}})
	require.NoError(t, err)
	require.False(t, e.core.model.leavesReferences, "code of the type's own")
}

type knot struct {
	Name  string
	Next  *knot
	Loose []knot
	Any   any
	Map   map[string]*knot
	Pair  [2][]int
	At    time.Time
}

func TestF042_CopiesShareNothing(t *testing.T) {
	make1 := func() knot {
		return knot{
			Name: "a", Next: &knot{Name: "b"}, Loose: []knot{{Pair: [2][]int{{1}, {2}}}}, Any: []string{"x"},
			Map: map[string]*knot{"k": {Name: "c"}}, Pair: [2][]int{{3}, nil}, At: time.Unix(1, 0),
		}
	}
	for name, copied := range map[string]func(knot) knot{
		"of any type": func(k knot) knot { return copyOf(k).(knot) },
		"of an item":  func(k knot) knot { return frozen(&k).Interface().(knot) },
	} {
		t.Run(name, func(t *testing.T) {
			from := make1()
			got := copied(from)
			require.Equal(t, make1(), got)
			got.Next.Name, got.Loose[0].Pair[0][0], got.Any.([]string)[0], got.Map["k"].Name, got.Pair[0][0] = "z", 9, "z", "z", 9
			got.Map["new"] = nil
			require.Equal(t, make1(), from)
		})
	}
	var ring knot
	ring.Next = &ring
	require.Equal(t, "", frozen(&ring).Interface().(knot).Next.Next.Name, "a ring has an end")
}
