package model_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/model"
)

// properties are those of a template's table, in the SDK's own types: CloudFormation has the names of CreateTable.
type properties struct {
	TableName                        string
	BillingMode                      types.BillingMode
	ProvisionedThroughput            *types.ProvisionedThroughput
	AttributeDefinitions             []types.AttributeDefinition
	KeySchema                        []types.KeySchemaElement
	GlobalSecondaryIndexes           []types.GlobalSecondaryIndex
	LocalSecondaryIndexes            []types.LocalSecondaryIndex
	TimeToLiveSpecification          *types.TimeToLiveSpecification
	StreamSpecification              *types.StreamSpecification
	PointInTimeRecoverySpecification *types.PointInTimeRecoverySpecification
	DeletionProtectionEnabled        bool
	Tags                             []types.Tag
}

type stack struct {
	AWSTemplateFormatVersion, Description string
	Resources                             map[string]struct {
		Type, DeletionPolicy, UpdateReplacePolicy string
		Properties                                properties
	}
	Outputs map[string]struct {
		Description string
		Value       map[string]any
	}
}

func cloudFormation(t *testing.T, m *model.Model) stack {
	t.Helper()
	var s stack
	require.NoError(t, json.Unmarshal([]byte(render(t, m, (*model.Model).CloudFormation)), &s))
	return s
}

// The template's table is the one that CreateInput creates, and DynamoDB takes it.
func TestCloudFormation(t *testing.T) {
	c := newClubs(t)
	s := cloudFormation(t, c.model())
	require.Equal(t, "2010-09-09", s.AWSTemplateFormatVersion)
	require.Len(t, s.Resources, 1)
	table := s.Resources["Table"]
	require.Equal(t, []string{"AWS::DynamoDB::Table", "Retain", "Retain"}, []string{table.Type, table.DeletionPolicy, table.UpdateReplacePolicy})
	require.Equal(t, map[string]any{"Ref": "Table"}, s.Outputs["TableName"].Value)
	require.Equal(t, map[string]any{"Fn::GetAtt": []any{"Table", "Arn"}}, s.Outputs["TableArn"].Value)
	require.Len(t, s.Outputs, 2)

	p := table.Properties
	require.Equal(t, &types.TimeToLiveSpecification{AttributeName: aws.String("ends"), Enabled: aws.Bool(true)}, p.TimeToLiveSpecification)
	require.Nil(t, p.StreamSpecification)
	require.Nil(t, p.PointInTimeRecoverySpecification)
	require.False(t, p.DeletionProtectionEnabled)
	in := &dynamodb.CreateTableInput{
		TableName: &p.TableName, BillingMode: p.BillingMode, ProvisionedThroughput: p.ProvisionedThroughput, AttributeDefinitions: p.AttributeDefinitions, KeySchema: p.KeySchema,
		GlobalSecondaryIndexes: p.GlobalSecondaryIndexes, LocalSecondaryIndexes: p.LocalSecondaryIndexes, Tags: p.Tags,
	}
	require.Equal(t, c.table.CreateInput(), in)
	_, err := memdb.New(memdb.Options{}).Client().CreateTable(t.Context(), in)
	require.NoError(t, err)
}

func TestCloudFormationOptions(t *testing.T) {
	c := newClubs(t)
	s := cloudFormation(t, c.model(
		model.LogicalID("Clubs2"), model.Stream(types.StreamViewTypeNewAndOldImages), model.Provisioned(7, 3), model.DeletionProtection(), model.PointInTimeRecovery(),
		model.Tags(map[string]string{"team": "chess", "cost": "low"}),
	))
	p := s.Resources["Clubs2"].Properties
	capacity := &types.ProvisionedThroughput{ReadCapacityUnits: aws.Int64(7), WriteCapacityUnits: aws.Int64(3)}
	require.Equal(t, types.BillingModeProvisioned, p.BillingMode)
	require.Equal(t, capacity, p.ProvisionedThroughput)
	for _, index := range p.GlobalSecondaryIndexes {
		require.Equal(t, capacity, index.ProvisionedThroughput)
	}
	require.Equal(t, types.StreamViewTypeNewAndOldImages, p.StreamSpecification.StreamViewType)
	require.True(t, *p.PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled)
	require.True(t, p.DeletionProtectionEnabled)
	require.Equal(t, []types.Tag{{Key: aws.String("cost"), Value: aws.String("low")}, {Key: aws.String("team"), Value: aws.String("chess")}}, p.Tags)
	require.Equal(t, map[string]any{"Fn::GetAtt": []any{"Clubs2", "StreamArn"}}, s.Outputs["Clubs2StreamArn"].Value)

	for _, id := range []string{"", "with-dash", "Größe", "a b"} {
		require.ErrorContains(t, c.model(model.LogicalID(id)).CloudFormation(nil), "is not letters and digits", id)
	}
	long := make([]byte, 0, 2000)
	for len(long) < 1998 {
		long = append(long, "€"...)
	}
	require.Equal(t, string(long[:1023]), cloudFormation(t, c.model(model.Description(string(long)))).Description)
}

// workbench is the data model format of NoSQL Workbench, as its own exports and AWS's published models have it.
type workbench struct {
	ModelName     string
	ModelMetadata struct {
		Author, DateCreated, DateLastModified, Description, AWSService, Version string
	}
	DataModel []struct {
		TableName        string
		KeyAttributes    workbenchKeys
		NonKeyAttributes []types.AttributeDefinition
		TableFacets      []struct {
			FacetName         string
			KeyAttributeAlias struct{ PartitionKeyAlias, SortKeyAlias string }
			TableData         []map[string]any
			NonKeyAttributes  []string
			DataAccess        map[string]any
		}
		GlobalSecondaryIndexes []struct {
			IndexName     string
			KeyAttributes workbenchKeys
			Projection    types.Projection
		}
		DataAccess                  map[string]any
		BillingMode                 string
		ProvisionedCapacitySettings map[string]types.ProvisionedThroughput
	}
}

type workbenchKeys struct {
	PartitionKey types.AttributeDefinition
	SortKey      *types.AttributeDefinition
}

func (k workbenchKeys) schema() []types.KeySchemaElement {
	schema := []types.KeySchemaElement{{AttributeName: k.PartitionKey.AttributeName, KeyType: types.KeyTypeHash}}
	if k.SortKey != nil {
		schema = append(schema, types.KeySchemaElement{AttributeName: k.SortKey.AttributeName, KeyType: types.KeyTypeRange})
	}
	return schema
}

func workbenchOf(t *testing.T, m *model.Model) (w workbench, text string) {
	t.Helper()
	text = render(t, m, (*model.Model).Workbench)
	require.NoError(t, json.Unmarshal([]byte(text), &w))
	return w, text
}

func TestWorkbench(t *testing.T) {
	c := newClubs(t)
	d, in := c.table.Declaration(), c.table.CreateInput()
	w, _ := workbenchOf(t, c.model(model.Author("Ann"), model.Date(time.Date(2026, 11, 21, 15, 4, 0, 0, time.UTC)), model.Provisioned(5, 6)))
	require.Equal(t, "Clubs", w.ModelName)
	require.Equal(t, []string{"Ann", "Nov 21, 2026, 03:04 PM", "Amazon DynamoDB", "3.0"}, []string{w.ModelMetadata.Author, w.ModelMetadata.DateCreated, w.ModelMetadata.AWSService, w.ModelMetadata.Version})
	require.Contains(t, w.ModelMetadata.Description, "byRegion, byScore")
	require.Len(t, w.DataModel, 1)
	table := w.DataModel[0]
	require.Equal(t, "clubs", table.TableName)
	require.Equal(t, in.KeySchema, table.KeyAttributes.schema())
	require.Equal(t, "PROVISIONED", table.BillingMode)
	require.Equal(t, int64(6), *table.ProvisionedCapacitySettings["ProvisionedThroughput"].WriteCapacityUnits)
	require.Contains(t, table.DataAccess, "MySql")

	// Every attribute that something names is declared once, with the type that the table has for it.
	defined := map[string]types.ScalarAttributeType{}
	for _, a := range append(table.NonKeyAttributes, table.KeyAttributes.PartitionKey, *table.KeyAttributes.SortKey) {
		require.NotContains(t, defined, *a.AttributeName)
		defined[*a.AttributeName] = a.AttributeType
	}
	for _, a := range in.AttributeDefinitions {
		require.Equal(t, a.AttributeType, defined[*a.AttributeName], *a.AttributeName)
	}
	require.Len(t, table.TableFacets, len(d.Entities))
	for i, facet := range table.TableFacets {
		require.Equal(t, d.Entities[i].Name, facet.FacetName)
		require.Equal(t, d.Entities[i].Key.Partition, facet.KeyAttributeAlias.PartitionKeyAlias)
		require.Equal(t, d.Entities[i].Key.Sort, facet.KeyAttributeAlias.SortKeyAlias)
		require.Empty(t, facet.TableData)
		for _, name := range facet.NonKeyAttributes {
			require.Contains(t, defined, name)
		}
		require.NotContains(t, facet.NonKeyAttributes, "prefs.theme")
	}
	require.Len(t, table.GlobalSecondaryIndexes, 2)
	for _, index := range table.GlobalSecondaryIndexes {
		i := slices.IndexFunc(in.GlobalSecondaryIndexes, func(want types.GlobalSecondaryIndex) bool { return *want.IndexName == index.IndexName })
		require.Equal(t, in.GlobalSecondaryIndexes[i].KeySchema, index.KeyAttributes.schema())
		require.Equal(t, *in.GlobalSecondaryIndexes[i].Projection, index.Projection)
	}
}

// Samples are written in DynamoDB's JSON, but for what is Hidden, wherever it is.
func TestWorkbenchSamples(t *testing.T) {
	c := newClubs(t)
	m := c.model()
	s := func(v string) types.AttributeValue { return &types.AttributeValueMemberS{Value: v} }
	m.Sample("Club", map[string]types.AttributeValue{
		"PK": s("CLUB#chess"), "SK": s("CLUB"), "prefs": &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{"theme": s("light"), "token": s("sesame")}},
	})
	m.Sample("Member", map[string]types.AttributeValue{
		"PK": s("CLUB#chess"), "SK": s("MEMBER#7"), "GSI1PK": s("SECRET#sesame"), "GSI1SK": s("CLUB#chess"), "secret": s("sesame"),
		"level": &types.AttributeValueMemberN{Value: "3"}, "b": &types.AttributeValueMemberB{Value: []byte{1, 2}}, "t": &types.AttributeValueMemberBOOL{Value: true},
		"n": &types.AttributeValueMemberNULL{Value: true}, "l": &types.AttributeValueMemberL{Value: []types.AttributeValue{s("x")}},
		"ss": &types.AttributeValueMemberSS{Value: []string{"a"}}, "ns": &types.AttributeValueMemberNS{Value: []string{"1"}}, "bs": &types.AttributeValueMemberBS{Value: [][]byte{{1}}},
	})
	w, text := workbenchOf(t, m)
	require.NotContains(t, text, "sesame")
	facets := w.DataModel[0].TableFacets
	require.Equal(t, []map[string]any{{
		"PK": map[string]any{"S": "CLUB#chess"}, "SK": map[string]any{"S": "CLUB"},
		"prefs": map[string]any{"M": map[string]any{"theme": map[string]any{"S": "light"}}},
	}}, facets[0].TableData)
	require.Equal(t, []map[string]any{{
		"PK": map[string]any{"S": "CLUB#chess"}, "SK": map[string]any{"S": "MEMBER#7"}, "GSI1SK": map[string]any{"S": "CLUB#chess"}, "level": map[string]any{"N": "3"},
		"b": map[string]any{"B": "AQI="}, "t": map[string]any{"BOOL": true}, "n": map[string]any{"NULL": true}, "l": map[string]any{"L": []any{map[string]any{"S": "x"}}},
		"ss": map[string]any{"SS": []any{"a"}}, "ns": map[string]any{"NS": []any{"1"}}, "bs": map[string]any{"BS": []any{"AQ=="}},
	}}, facets[1].TableData)
	for _, r := range renderings {
		require.NotContains(t, render(t, m, r.write), "sesame", r.ending)
	}

	m.Sample("Stranger", map[string]types.AttributeValue{})
	require.ErrorContains(t, m.Workbench(nil), `"Stranger", which is not declared`)
	m = c.model()
	m.Sample("Club", map[string]types.AttributeValue{"x": nil})
	require.ErrorContains(t, m.Workbench(nil), "sample 0 of Club: x")
}
