package model

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable"
)

type workbenchModel struct {
	ModelName     string
	ModelMetadata workbenchMetadata
	DataModel     []workbenchTable
}

type workbenchMetadata struct {
	Author, DateCreated, DateLastModified, Description, AWSService, Version string
}

type workbenchTable struct {
	TableName                   string
	KeyAttributes               workbenchKey
	NonKeyAttributes            []attributeType
	TableFacets                 []workbenchFacet
	GlobalSecondaryIndexes      []workbenchIndex
	TableData                   []map[string]any `json:",omitempty"`
	DataAccess                  workbenchAccess
	BillingMode                 string
	ProvisionedCapacitySettings *workbenchCapacity `json:",omitempty"`
}

type (
	workbenchKey struct {
		PartitionKey attributeType
		SortKey      *attributeType `json:",omitempty"`
	}
	workbenchFacet struct {
		FacetName         string
		KeyAttributeAlias workbenchAlias
		TableData         []map[string]any
		NonKeyAttributes  []string
		DataAccess        workbenchAccess
	}
	workbenchAlias struct {
		PartitionKeyAlias string
		SortKeyAlias      string `json:",omitempty"`
	}
	workbenchIndex struct {
		IndexName     string
		KeyAttributes workbenchKey
		Projection    projectionProperties
	}
	workbenchAccess   struct{ MySql struct{} } //nolint:staticcheck // the format's spelling
	workbenchCapacity struct{ ProvisionedThroughput throughput }
)

// Sample adds items of an entity to the NoSQL Workbench file, as they are stored, with their keys. Attributes that are Hidden are left out of them, and so are
// the index keys that Hidden attributes are part of; the rest is written as it is. Items of an entity that is not declared are an error of [Model.Workbench].
func (m *Model) Sample(entity string, items ...map[string]types.AttributeValue) {
	if m.samples == nil {
		m.samples = map[string][]map[string]types.AttributeValue{}
	}
	m.samples[entity] = append(m.samples[entity], items...)
}

// Workbench writes a data model that NoSQL Workbench for DynamoDB imports (version 3.0 of its JSON format): one table, with a facet for each entity whose aliases of the
// keys are the templates, its global indexes, and billing. There are no rows but those of [Model.Sample].
//
// The format has neither local indexes nor keys of several attributes. Such indexes are left out, and the description of the model names them.
func (m *Model) Workbench(w io.Writer) error {
	return m.write(w, func(out *bytes.Buffer) error {
		d := m.declared
		for name := range m.samples {
			if !slices.ContainsFunc(d.Entities, func(e monotable.EntityDeclaration) bool { return e.Name == name }) {
				return fmt.Errorf("model: sample items of %q, which is not declared", name)
			}
		}
		table := workbenchTable{
			TableName: tableName(d), KeyAttributes: workbenchKeys([]monotable.KeyAttribute{d.PartitionKey}, sortKey(d)), BillingMode: string(types.BillingModePayPerRequest),
			NonKeyAttributes: []attributeType{}, TableFacets: []workbenchFacet{}, GlobalSecondaryIndexes: []workbenchIndex{},
		}
		if err := m.settings.checkCapacity(); err != nil {
			return err
		}
		if c := m.settings.capacity; c != nil {
			table.BillingMode = string(types.BillingModeProvisioned)
			table.ProvisionedCapacitySettings = &workbenchCapacity{*c}
		}
		var lacking []string
		for _, index := range d.Indexes {
			partition, sort := indexKeys(index)
			if index.Local || len(partition) > 1 || len(sort) > 1 {
				lacking = append(lacking, index.Name)
				continue
			}
			table.GlobalSecondaryIndexes = append(table.GlobalSecondaryIndexes, workbenchIndex{
				IndexName: index.Name, KeyAttributes: workbenchKeys(partition, sort),
				Projection: projectionProperties{string(index.Projection.ProjectionType), index.Projection.NonKeyAttributes},
			})
		}
		table.NonKeyAttributes = append(table.NonKeyAttributes, nonKeyAttributes(d)...)
		for _, e := range d.Entities {
			facet, err := m.facet(e)
			if err != nil {
				return err
			}
			table.TableFacets = append(table.TableFacets, facet)
		}
		return indented(out, workbenchModel{
			ModelName: m.settings.title, ModelMetadata: m.metadata(lacking), DataModel: []workbenchTable{table},
		})
	})
}

func (m *Model) metadata(lacking []string) workbenchMetadata {
	date := m.settings.date
	if date.IsZero() {
		date = time.Unix(0, 0).UTC()
	}
	at := date.Format("Jan 02, 2006, 03:04 PM")
	description := m.settings.description
	if len(lacking) > 0 {
		description = strings.TrimSpace(description + "\nNot in this file, because the format does not have local indexes and keys of several attributes: " + strings.Join(lacking, ", ") + ".")
	}
	return workbenchMetadata{
		Author: m.settings.author, DateCreated: at, DateLastModified: at, Description: description, AWSService: "Amazon DynamoDB", Version: "3.0",
	}
}

func workbenchKeys(partition, sort []monotable.KeyAttribute) workbenchKey {
	k := workbenchKey{PartitionKey: attributeType{partition[0].Name, string(partition[0].Type)}}
	if len(sort) > 0 {
		k.SortKey = &attributeType{sort[0].Name, string(sort[0].Type)}
	}
	return k
}

// nonKeyAttributes are all attributes besides the table's key: those of index keys, ours, and the entities' in the order of their names. The first entity to have an
// attribute says its type; one whose type only the value decides is text, for the format knows no other way.
func nonKeyAttributes(d monotable.Declaration) []attributeType {
	seen := map[string]bool{d.PartitionKey.Name: true, d.SortKey.Name: true}
	var all []attributeType
	add := func(name, code string) {
		if code == "" {
			code = "S"
		}
		if !seen[name] {
			seen[name] = true
			all = append(all, attributeType{name, code})
		}
	}
	for _, index := range d.Indexes {
		partition, sort := indexKeys(index)
		for _, k := range slices.Concat(partition, sort) {
			add(k.Name, string(k.Type))
		}
	}
	for _, e := range d.Entities {
		for _, name := range facetAttributes(d, e) {
			add(name, typeOf(d, e, name))
		}
	}
	return all
}

// facetAttributes are the top-level attributes that items of the entity have besides the table's key.
func facetAttributes(d monotable.Declaration, e monotable.EntityDeclaration) []string {
	all := []string{}
	add := func(name string) {
		if name != d.PartitionKey.Name && name != d.SortKey.Name && !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	for _, index := range d.Indexes {
		if _, in := e.Indexes[index.Name]; in {
			partition, sort := indexKeys(index)
			for _, k := range slices.Concat(partition, sort) {
				add(k.Name)
			}
		}
	}
	if e.Tag != monotable.TagNone {
		add(d.TypeTag)
	}
	for _, a := range e.Attributes {
		if topLevel(e, a.Path) {
			add(a.Path)
		}
		if slices.Contains(a.Rules, "Version") {
			add(d.WriteID)
		}
	}
	if e.Schema > 0 {
		add(d.SchemaVersion)
	}
	return all
}

// topLevel says that a path is an attribute of the item itself. A name may have a dot in it, so the shape of the path does not tell; but what a path is nested in
// comes before it.
func topLevel(e monotable.EntityDeclaration, path string) bool {
	return !slices.ContainsFunc(e.Attributes, func(a monotable.AttributeDeclaration) bool { return strings.HasPrefix(path, a.Path+".") })
}

func typeOf(d monotable.Declaration, e monotable.EntityDeclaration, name string) string {
	for _, a := range e.Attributes {
		if a.Path == name {
			return a.Type
		}
	}
	if name == d.SchemaVersion {
		return "N"
	}
	return "S"
}

func (m *Model) facet(e monotable.EntityDeclaration) (workbenchFacet, error) {
	f := workbenchFacet{
		FacetName: e.Name, KeyAttributeAlias: workbenchAlias{e.Key.Partition, e.Key.Sort}, TableData: []map[string]any{},
		NonKeyAttributes: facetAttributes(m.declared, e),
	}
	secret := hiddenKeys(m.declared, e)
	for i, item := range m.samples[e.Name] {
		row := map[string]any{}
		for name, av := range item {
			if secret[name] {
				continue
			}
			value, err := jsonValue(av, name, e)
			if err != nil {
				return f, fmt.Errorf("model: sample %d of %s: %s: %w", i, e.Name, name, err)
			}
			if value != nil {
				row[name] = value
			}
		}
		f.TableData = append(f.TableData, row)
	}
	return f, nil
}

// hiddenKeys are the index keys whose templates have a Hidden attribute in them.
func hiddenKeys(d monotable.Declaration, e monotable.EntityDeclaration) map[string]bool {
	keys := map[string]bool{}
	for _, index := range d.Indexes {
		view := indexView{}
		view.Partition, view.Sort = indexKeys(index)
		templates := view.templates(e.Indexes[index.Name])
		for i, k := range view.attributes() {
			for _, a := range e.Attributes {
				if a.Hidden && (strings.Contains(templates[i], "{"+a.Path+"}") || strings.Contains(templates[i], "{"+a.Path+":")) {
					keys[k.Name] = true
				}
			}
		}
	}
	delete(keys, d.PartitionKey.Name)
	delete(keys, d.SortKey.Name)
	return keys
}

// jsonValue is a value in DynamoDB's JSON, nil if it is at a Hidden path.
func jsonValue(av types.AttributeValue, at string, e monotable.EntityDeclaration) (map[string]any, error) {
	if slices.ContainsFunc(e.Attributes, func(a monotable.AttributeDeclaration) bool { return a.Hidden && a.Path == at }) {
		return nil, nil
	}
	switch av := av.(type) {
	case *types.AttributeValueMemberS:
		return map[string]any{"S": av.Value}, nil
	case *types.AttributeValueMemberN:
		return map[string]any{"N": av.Value}, nil
	case *types.AttributeValueMemberB:
		return map[string]any{"B": base64.StdEncoding.EncodeToString(av.Value)}, nil
	case *types.AttributeValueMemberBOOL:
		return map[string]any{"BOOL": av.Value}, nil
	case *types.AttributeValueMemberNULL:
		return map[string]any{"NULL": true}, nil
	case *types.AttributeValueMemberSS:
		return map[string]any{"SS": av.Value}, nil
	case *types.AttributeValueMemberNS:
		return map[string]any{"NS": av.Value}, nil
	case *types.AttributeValueMemberBS:
		return map[string]any{"BS": av.Value}, nil
	case *types.AttributeValueMemberL:
		list := []any{}
		for _, v := range av.Value {
			value, err := jsonValue(v, at, e)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		return map[string]any{"L": list}, nil
	case *types.AttributeValueMemberM:
		fields := map[string]any{}
		for name, v := range av.Value {
			value, err := jsonValue(v, at+"."+name, e)
			if err != nil {
				return nil, err
			}
			if value != nil {
				fields[name] = value
			}
		}
		return map[string]any{"M": fields}, nil
	}
	return nil, fmt.Errorf("%T is no value", av)
}
