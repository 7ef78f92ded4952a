package monotable_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
)

// A scoped table refuses keys of another tenant before anything is sent, and filters where the key is not queried.
func TestF128_Scope(t *testing.T) {
	type note struct {
		Tenant string `dynamodbav:"tenant"`
		ID     string `dynamodbav:"id"`
		Topic  string `dynamodbav:"topic"`
	}
	table := declare(t)
	schema := monotable.Schema[note]{
		Name: "Note", Key: monotable.Key{Partition: "T#{tenant}", Sort: "NOTE#{id}"},
		Indexes: map[string]monotable.Key{"GSI1": {Partition: "TOPIC#{topic}", Sort: "{id}"}},
	}
	notes := monotable.MustEntity(table.Scoped("T#7"), schema)
	own, foreign := note{Tenant: "7", ID: "1"}, note{Tenant: "70", ID: "1"}
	free := monotable.MustEntity(table, schema)
	_, err := free.GetOp(foreign, nil).Request()
	require.NoError(t, err)

	topic := monotable.Field(func(n *note) *string { return &n.Topic })
	for name, request := range map[string]func(n note) error{
		"Get":    func(n note) error { _, err := notes.GetOp(n, nil).Request(); return err },
		"Create": func(n note) error { _, err := notes.CreateOp(n).Request(); return err },
		"Put":    func(n note) error { _, err := notes.PutOp(n).Request(); return err },
		"Update": func(n note) error { _, err := notes.UpdateOp(n, topic.Remove()).Request(); return err },
		"Delete": func(n note) error { _, err := notes.DeleteOp(n).Request(); return err },
		"Query":  func(n note) error { _, err := notes.Query(n).Request(); return err },
	} {
		assert.ErrorIs(t, request(foreign), monotable.ErrInvalid, name)
		assert.NoError(t, request(own), name)
	}

	// A scope of a scope narrows it, and the verbs of a scoped table look at operations of any entity.
	nested := monotable.MustEntity(table.Scoped("T#7").Scoped("T#70"), schema)
	_, err = nested.GetOp(foreign, nil).Request()
	require.ErrorIs(t, err, monotable.ErrInvalid)
	require.ErrorIs(t, table.Scoped("T#7").BatchWrite(t.Context(), free.PutOp(foreign)), monotable.ErrInvalid)
	require.ErrorIs(t, table.Scoped("T#7").TransactWrite(t.Context(), free.PutOp(foreign)), monotable.ErrInvalid)

	request, err := notes.Query(note{Topic: "x"}).Index("GSI1").Request()
	require.NoError(t, err)
	in := request.(*dynamodb.QueryInput)
	assert.Contains(t, aws.ToString(in.FilterExpression), "begins_with")
	request, err = notes.Scan().Request()
	require.NoError(t, err)
	assert.Contains(t, aws.ToString(request.(*dynamodb.ScanInput).FilterExpression), "begins_with")
}

func TestCreateInput(t *testing.T) {
	table, err := monotable.NewTable(offline(), monotable.TableConfig{
		Name: "app", PartitionKey: "PK", SortKey: "SK", SortKeyType: types.ScalarAttributeTypeN,
		Indexes: []monotable.Index{
			{Name: "GSI1", PartitionKeys: []monotable.KeyAttribute{{Name: "x"}, {Name: "y"}}, SortKeys: []monotable.KeyAttribute{{Name: "z", Type: types.ScalarAttributeTypeN}}},
			{Name: "LSI1", Local: true, SortKey: "x", Projection: types.Projection{ProjectionType: types.ProjectionTypeInclude, NonKeyAttributes: []string{"q"}}},
		},
	})
	require.NoError(t, err)
	in := table.CreateInput()
	assert.Equal(t, "app", aws.ToString(in.TableName))
	assert.Equal(t, types.BillingModePayPerRequest, in.BillingMode)
	require.Len(t, in.GlobalSecondaryIndexes, 1)
	assert.Len(t, in.GlobalSecondaryIndexes[0].KeySchema, 3)
	assert.Equal(t, types.ProjectionTypeAll, in.GlobalSecondaryIndexes[0].Projection.ProjectionType)
	require.Len(t, in.LocalSecondaryIndexes, 1)
	assert.Equal(t, []string{"q"}, in.LocalSecondaryIndexes[0].Projection.NonKeyAttributes)
	names := map[string]types.ScalarAttributeType{}
	for _, d := range in.AttributeDefinitions {
		names[aws.ToString(d.AttributeName)] = d.AttributeType
	}
	assert.Equal(t, map[string]types.ScalarAttributeType{"PK": "S", "SK": "N", "x": "S", "y": "S", "z": "N"}, names)
	in.LocalSecondaryIndexes[0].Projection.NonKeyAttributes[0] = "changed"
	assert.Equal(t, "q", table.CreateInput().LocalSecondaryIndexes[0].Projection.NonKeyAttributes[0], "each call gives an input of its own")
}
