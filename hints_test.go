package monotable_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

// What refusals say to somebody who has not read the guide: what was perhaps meant, and where it is said.

// chore is found by who has it, and in an index by its state.
type chore struct {
	Who     string `dynamodbav:"who"`
	ID      string `dynamodbav:"choreId"`
	State   string `dynamodbav:"state"`
	Due     string `dynamodbav:"due"`
	Weight  int    `dynamodbav:"weight"`
	Version int    `dynamodbav:"version"`
}

var (
	choreState   = monotable.Field(func(t *chore) *string { return &t.State })
	choreDue     = monotable.Field(func(t *chore) *string { return &t.Due })
	choreWeight  = monotable.Field(func(t *chore) *int { return &t.Weight })
	choreVersion = monotable.Field(func(t *chore) *int { return &t.Version })
)

var choreConfig = monotable.TableConfig{
	Name: "chores", PartitionKey: "PK", SortKey: "SK",
	Indexes: []monotable.Index{
		{Name: "byState", PartitionKey: "GSI1PK", SortKey: "GSI1SK"},
		{Name: "byWeight", PartitionKey: "GSI2PK", SortKey: "GSI2SK"},
	},
}

func choreSchema(rules ...monotable.Rule[chore]) monotable.Schema[chore] {
	return monotable.Schema[chore]{
		Name: "Chore",
		Key:  monotable.Key{Partition: "WHO#{who}", Sort: "CHORE#{choreId}"},
		Indexes: map[string]monotable.Key{
			"byState":  {Partition: "STATE#{state}", Sort: "{due}"},
			"byWeight": {Partition: "WEIGHT#{weight:03}", Sort: "{due}"},
		},
		Rules: append(rules, monotable.Version(choreVersion)),
	}
}

func TestAQueryThatForgotItsIndex(t *testing.T) {
	chores := mustEntity(t, monotabletest.Table(t, choreConfig), choreSchema())
	refusal := func(q monotable.Query[chore]) string {
		_, err := q.Collect(t.Context())
		require.ErrorIs(t, err, monotable.ErrInvalid)
		return err.Error()
	}
	assert.Equal(t, `monotable: Query Chore: invalid: PK, the partition key, needs who; what is given is the key of index byState: say Index("byState")`,
		refusal(chores.Query(chore{State: "open"})))
	assert.Equal(t, `monotable: Query Chore: invalid: PK, the partition key, needs who; what is given is the key of index byWeight: say Index("byWeight")`,
		refusal(chores.Query(chore{Weight: 7})))
	// A zero is a value of byWeight, but nobody has given it.
	assert.Equal(t, `monotable: Query Chore: invalid: PK, the partition key, needs who`, refusal(chores.Query(chore{})))
	assert.Equal(t, `monotable: Query Chore: invalid: SortKey: due is not part of the sort key, but of that of index byState: say Index("byState"), or use Filter`,
		refusal(chores.Query(chore{Who: "ann"}).SortKey(choreDue.Gt("2026"))))
	assert.Equal(t, `monotable: Query Chore: invalid: SortKey: state is not part of the sort key; use Filter`,
		refusal(chores.Query(chore{Who: "ann"}).SortKey(choreState.Eq("open"))))
}

func TestALimitOfNothing(t *testing.T) {
	chores := mustEntity(t, monotabletest.Table(t, choreConfig), choreSchema())
	q := chores.Query(chore{Who: "ann"})
	_, err := q.Limit(0).Collect(t.Context())
	require.ErrorContains(t, err, "Limit 0: it must be at least 1; without Limit there is none")
	_, err = monotable.QueryMany(q).Limit(0).Collect(t.Context())
	require.ErrorContains(t, err, "Limit 0: it must be at least 1; without Limit there is none")
	_, err = q.PageSize(0).Collect(t.Context())
	require.ErrorContains(t, err, "PageSize 0: it must be at least 1; without PageSize a request reads up to 1 MB")
}

func TestAnUpdateOfAChangedStruct(t *testing.T) {
	chores := mustEntity(t, monotabletest.Table(t, choreConfig), choreSchema())
	stored, err := chores.Create(t.Context(), chore{Who: "ann", ID: "1"})
	require.NoError(t, err)
	stored.State = "closed"
	_, err = chores.Update(t.Context(), stored)
	require.ErrorIs(t, err, monotable.ErrInvalid)
	require.ErrorContains(t, err, "a changed struct is written by Put or Modify")

	_, err = chores.Update(t.Context(), stored, choreState.Set("open"), choreState.Set("closed"))
	require.ErrorContains(t, err, "state is changed twice")
}

func TestAPutOverAnItemThatWasNotRead(t *testing.T) {
	chores := mustEntity(t, monotabletest.Table(t, choreConfig), choreSchema())
	_, err := chores.Put(t.Context(), chore{Who: "ann", ID: "1"})
	require.NoError(t, err)
	_, err = chores.Put(t.Context(), chore{Who: "ann", ID: "1"})
	require.ErrorIs(t, err, monotable.ErrAlreadyExists)
	require.EqualError(t, err, "monotable: Put Chore: item already exists: version 0 means that nothing may be there; to replace it, Put what was read")
}

func TestABatchOfItemsWithVersions(t *testing.T) {
	table := monotabletest.Table(t, choreConfig)
	chores := mustEntity(t, table, choreSchema())
	unchecked := monotable.WithoutVersionCheck()
	err := table.With(unchecked).BatchWrite(t.Context(), chores.PutOp(chore{Who: "ann", ID: "1"}))
	require.ErrorContains(t, err, "say With(WithoutVersionCheck()) of the entity") // which is where the operation comes from
	require.NoError(t, table.BatchWrite(t.Context(), chores.With(unchecked).PutOp(chore{Who: "ann", ID: "1"})))
}

func TestAnIndexThatTheTableLacks(t *testing.T) {
	undeclared := choreConfig
	undeclared.Indexes = nil
	table := monotabletest.Table(t, undeclared)
	_, err := monotable.NewEntity(table, choreSchema())
	require.ErrorContains(t, err, "index byState: the table declares no such index; there are none")

	// Declared, and yet not there: what the service says may quote values, so it is left out.
	client := monotabletest.Client(t)
	over, err := monotable.NewTable(client, choreConfig)
	require.NoError(t, err)
	monotabletest.TableOn(t, client, undeclared)
	_, err = mustEntity(t, over, choreSchema()).Query(chore{State: "open"}).Index("byState").Collect(t.Context())
	require.ErrorContains(t, err, "ValidationException: the request does not fit the item, the table or the index, see Table.Verify")
}

func TestAnItemWithoutATag(t *testing.T) {
	client := monotabletest.Client(t)
	chores := mustEntity(t, monotabletest.TableOn(t, client, choreConfig), choreSchema())
	key, err := chores.Key(chore{Who: "ann", ID: "1"})
	require.NoError(t, err)
	_, err = client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: new("chores"), Item: key})
	require.NoError(t, err)
	_, read := chores.Get(t.Context(), chore{Who: "ann", ID: "1"})
	_, created := chores.Create(t.Context(), chore{Who: "ann", ID: "1"})
	_, updated := chores.Update(t.Context(), chore{Who: "ann", ID: "1"}, choreState.Set("open"), choreDue.Set("2026"), choreWeight.Set(1))
	for _, err := range []error{read, created, updated} {
		require.ErrorIs(t, err, monotable.ErrWrongEntity)
		require.ErrorContains(t, err, "item of another entity: the item has no _et, see TagOptional")
	}
	require.ErrorIs(t, created, monotable.ErrAlreadyExists)
}

func TestADefaultThatIsRefused(t *testing.T) {
	table := monotabletest.Table(t, choreConfig)
	_, err := monotable.NewEntity(table, choreSchema(
		choreState.OneOf("open", "closed").Default("new"),
		monotable.Min(choreWeight, 3).DefaultZero(2)))
	require.EqualError(t, err, "monotable: definition of entity Chore:\n\tstate: Default: must be one of [open closed]\n\tweight: Default: must be at least 3")

	_, err = monotable.NewEntity(table, choreSchema(choreState.Hidden().OneOf("open", "closed").Default("new")))
	require.EqualError(t, err, "monotable: definition of entity Chore:\n\tstate: Default: refused by OneOf")

	// What a transform or the caller's own function makes of it is seen when an item is written.
	mustEntity(t, table, choreSchema(
		choreState.OneOf("open").Transform(func(string) string { return "open" }).Default("new"),
		choreDue.Validate(func(string) error { return assert.AnError }).Default("2026")))
}

// porch has its state in a struct, on which rules may stand as well.
type porch struct {
	ID    string    `dynamodbav:"id"`
	Where porchDoor `dynamodbav:"where"`
}

type porchDoor struct {
	Door string `dynamodbav:"door"`
}

// Rules on the struct around it may mend a default, and what is hidden with it is in no text.
func TestADefaultInAStruct(t *testing.T) {
	t.Parallel()
	table := monotabletest.Table(t, monotable.TableConfig{PartitionKey: "PK"})
	where, door := monotable.Field(func(e *porch) *porchDoor { return &e.Where }), monotable.Field(func(e *porch) *string { return &e.Where.Door })
	schema := func(rules ...monotable.Rule[porch]) monotable.Schema[porch] {
		return monotable.Schema[porch]{Name: "Porch", Key: monotable.Key{Partition: "PORCH#{id}"}, Rules: rules}
	}
	refused := door.Default("canary").OneOf("4711")
	_, err := monotable.NewEntity(table, schema(refused))
	require.EqualError(t, err, "monotable: definition of entity Porch:\n\twhere.door: Default: must be one of [4711]")
	_, err = monotable.NewEntity(table, schema(refused, where.Hidden()))
	require.EqualError(t, err, "monotable: definition of entity Porch:\n\twhere.door: Default: refused by OneOf")

	_, err = monotable.NewEntity(table, schema(refused, where.Transform(func(porchDoor) porchDoor { return porchDoor{"4711"} })))
	require.NoError(t, err)
	_, err = monotable.NewEntity(table, schema(door.Default("").OneOf("4711")))
	require.NoError(t, err, "it fills in nothing")

	hidden := mustEntity(t, table, schema(where.Hidden(), door.OneOf("4711")))
	_, err = hidden.Create(t.Context(), porch{ID: "a", Where: porchDoor{"canary"}})
	require.ErrorIs(t, err, monotable.ErrInvalid)
	require.NotContains(t, err.Error(), "4711")
}
