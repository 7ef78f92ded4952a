package monotable

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// CreateInput is the request that creates the table as it is declared, billed on demand. It sends nothing: pass it to CreateTable
// of the SDK's client, changed as you like.
func (t *Table) CreateInput() *dynamodb.CreateTableInput {
	in := &dynamodb.CreateTableInput{
		TableName:   ptr(t.Name()),
		BillingMode: types.BillingModePayPerRequest,
		KeySchema:   t.primary.schema(),
	}
	defined := map[string]bool{}
	define := func(keys *indexKeys) {
		for _, k := range keys.all() {
			if !defined[k.Name] {
				defined[k.Name] = true
				in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{AttributeName: ptr(k.Name), AttributeType: k.Type})
			}
		}
	}
	define(&t.primary)
	for _, name := range indexNames(t.tableCore) {
		index := t.indexes[name]
		define(index)
		projection := index.projection
		if projection.ProjectionType == "" {
			projection.ProjectionType = types.ProjectionTypeAll
		}
		projection.NonKeyAttributes = slices.Clone(projection.NonKeyAttributes)
		if index.local {
			in.LocalSecondaryIndexes = append(in.LocalSecondaryIndexes, types.LocalSecondaryIndex{
				IndexName: ptr(name), KeySchema: index.schema(), Projection: &projection,
			})
			continue
		}
		in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{
			IndexName: ptr(name), KeySchema: index.schema(), Projection: &projection,
		})
	}
	return in
}

func (k *indexKeys) schema() []types.KeySchemaElement {
	var schema []types.KeySchemaElement
	for _, a := range k.partition {
		schema = append(schema, types.KeySchemaElement{AttributeName: ptr(a.Name), KeyType: types.KeyTypeHash})
	}
	for _, a := range k.sort {
		schema = append(schema, types.KeySchemaElement{AttributeName: ptr(a.Name), KeyType: types.KeyTypeRange})
	}
	return schema
}
