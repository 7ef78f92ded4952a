package model

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable"
)

// LogicalID names the table in the CloudFormation template: letters and digits. It defaults to "Table". Changing it in a template that is deployed makes
// CloudFormation create another table.
func LogicalID(id string) Option { return func(s *settings) { s.logicalID = id } }

// Stream adds a stream of this view to the CloudFormation template. Without it the table has none.
func Stream(view types.StreamViewType) Option { return func(s *settings) { s.stream = view } }

// Provisioned bills the table and each of its global indexes by provisioned capacity, in units per second, in the CloudFormation template and the NoSQL
// Workbench file. Without it they are billed on demand. Both are 1 at least; less makes these two renderings errors.
func Provisioned(read, write int64) Option {
	return func(s *settings) { s.capacity = &throughput{read, write} }
}

// checkCapacity refuses what DynamoDB would.
func (s *settings) checkCapacity() error {
	if c := s.capacity; c != nil && (c.ReadCapacityUnits < 1 || c.WriteCapacityUnits < 1) {
		return errCapacity
	}
	return nil
}

// DeletionProtection makes DynamoDB refuse to delete the table, in the CloudFormation template. With or without it, deleting the stack leaves the table there.
func DeletionProtection() Option { return func(s *settings) { s.protected = true } }

// PointInTimeRecovery has DynamoDB keep continuous backups, in the CloudFormation template.
func PointInTimeRecovery() Option { return func(s *settings) { s.recovery = true } }

// Tags are the table's tags in the CloudFormation template.
func Tags(tags map[string]string) Option {
	return func(s *settings) {
		s.tags = nil
		for _, name := range slices.Sorted(maps.Keys(tags)) {
			s.tags = append(s.tags, types.Tag{Key: aws.String(name), Value: aws.String(tags[name])})
		}
	}
}

type stack struct {
	AWSTemplateFormatVersion string
	Description              string `json:",omitempty"`
	Resources                map[string]resource
	Outputs                  map[string]outputPart
}

type resource struct {
	Type                string
	DeletionPolicy      string
	UpdateReplacePolicy string
	Properties          tableProperties
}

type tableProperties struct {
	TableName                        string
	BillingMode                      string
	ProvisionedThroughput            *throughput `json:",omitempty"`
	AttributeDefinitions             []attributeType
	KeySchema                        []keyElement
	GlobalSecondaryIndexes           []indexProperties `json:",omitempty"`
	LocalSecondaryIndexes            []indexProperties `json:",omitempty"`
	TimeToLiveSpecification          *ttlProperties    `json:",omitempty"`
	StreamSpecification              *streamProperties `json:",omitempty"`
	PointInTimeRecoverySpecification *recovery         `json:",omitempty"`
	DeletionProtectionEnabled        bool              `json:",omitempty"`
	Tags                             []tagProperties   `json:",omitempty"`
}

type (
	throughput    struct{ ReadCapacityUnits, WriteCapacityUnits int64 }
	attributeType struct{ AttributeName, AttributeType string }
	keyElement    struct{ AttributeName, KeyType string }
	ttlProperties struct {
		AttributeName string
		Enabled       bool
	}
	streamProperties struct{ StreamViewType string }
	recovery         struct{ PointInTimeRecoveryEnabled bool }
	tagProperties    struct{ Key, Value string }
	outputPart       struct {
		Description string
		Value       any
	}
	indexProperties struct {
		IndexName             string
		KeySchema             []keyElement
		Projection            projectionProperties
		ProvisionedThroughput *throughput `json:",omitempty"`
	}
	projectionProperties struct {
		ProjectionType   string
		NonKeyAttributes []string `json:",omitempty"`
	}
)

// CloudFormation writes a template, as JSON, with one AWS::DynamoDB::Table: its keys, indexes with their projections, billing (on demand unless
// [Provisioned]), and the TTL attribute of entities that expire, or of [TTL]. Deleting the stack, or replacing the table, keeps it and its items (DeletionPolicy Retain). Outputs
// are the table's name and ARN, and the stream's ARN. A logical id that is not letters and digits is an error.
//
// CloudFormation adds or removes one index in an update.
func (m *Model) CloudFormation(w io.Writer) error {
	return m.write(w, func(out *bytes.Buffer) error {
		id := m.settings.logicalID
		if id == "" || strings.ContainsFunc(id, func(r rune) bool { return r > 0x7f || !isAlphanumeric(byte(r)) }) {
			return fmt.Errorf("model: the logical id %q is not letters and digits", id)
		}
		if err := m.settings.checkCapacity(); err != nil {
			return err
		}
		t := stack{
			AWSTemplateFormatVersion: "2010-09-09", Description: cut(m.settings.description, 1024),
			Resources: map[string]resource{id: {
				Type: "AWS::DynamoDB::Table", DeletionPolicy: "Retain", UpdateReplacePolicy: "Retain", Properties: m.tableProperties(),
			}},
			Outputs: map[string]outputPart{
				id + "Name": {"Name of the table", map[string]string{"Ref": id}},
				id + "Arn":  {"ARN of the table", map[string][]string{"Fn::GetAtt": {id, "Arn"}}},
			},
		}
		if m.settings.stream != "" {
			t.Outputs[id+"StreamArn"] = outputPart{"ARN of the table's stream", map[string][]string{"Fn::GetAtt": {id, "StreamArn"}}}
		}
		return indented(out, t)
	})
}

func (m *Model) tableProperties() tableProperties {
	d, s := m.declared, m.settings
	p := tableProperties{
		TableName: tableName(d), BillingMode: string(types.BillingModePayPerRequest), DeletionProtectionEnabled: s.protected,
		KeySchema: keySchema([]monotable.KeyAttribute{d.PartitionKey}, sortKey(d)),
	}
	if s.capacity != nil {
		p.BillingMode, p.ProvisionedThroughput = string(types.BillingModeProvisioned), s.capacity
	}
	define := func(keys []monotable.KeyAttribute) {
		for _, k := range keys {
			if a := (attributeType{k.Name, string(k.Type)}); !slices.Contains(p.AttributeDefinitions, a) {
				p.AttributeDefinitions = append(p.AttributeDefinitions, a)
			}
		}
	}
	define([]monotable.KeyAttribute{d.PartitionKey})
	define(sortKey(d))
	for _, index := range d.Indexes {
		partition, sort := indexKeys(index)
		define(partition)
		define(sort)
		i := indexProperties{
			IndexName: index.Name, KeySchema: keySchema(partition, sort),
			Projection: projectionProperties{string(index.Projection.ProjectionType), index.Projection.NonKeyAttributes},
		}
		if index.Local {
			p.LocalSecondaryIndexes = append(p.LocalSecondaryIndexes, i)
			continue
		}
		i.ProvisionedThroughput = p.ProvisionedThroughput
		p.GlobalSecondaryIndexes = append(p.GlobalSecondaryIndexes, i)
	}
	if d.TTL != "" {
		p.TimeToLiveSpecification = &ttlProperties{d.TTL, true}
	}
	if s.stream != "" {
		p.StreamSpecification = &streamProperties{string(s.stream)}
	}
	if s.recovery {
		p.PointInTimeRecoverySpecification = &recovery{true}
	}
	for _, tag := range s.tags {
		p.Tags = append(p.Tags, tagProperties{*tag.Key, *tag.Value})
	}
	return p
}

func keySchema(partition, sort []monotable.KeyAttribute) []keyElement {
	var schema []keyElement
	for _, k := range partition {
		schema = append(schema, keyElement{k.Name, string(types.KeyTypeHash)})
	}
	for _, k := range sort {
		schema = append(schema, keyElement{k.Name, string(types.KeyTypeRange)})
	}
	return schema
}

func isAlphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

// cut shortens a text to a number of bytes, between runes.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}

func indented(out *bytes.Buffer, v any) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}
