package memdb

import (
	"time"
)

// Values of the enumerations of tables.
const (
	projectAll     = "ALL"
	projectKeys    = "KEYS_ONLY"
	projectInclude = "INCLUDE"

	billingProvisioned = "PROVISIONED"
	billingPerRequest  = "PAY_PER_REQUEST"

	statusActive   = "ACTIVE"
	statusCreating = "CREATING"
	statusUpdating = "UPDATING"
	statusDeleting = "DELETING"
)

// The parts of requests and answers about tables, under the names of the protocol.
type (
	attributeDefinition struct{ AttributeName, AttributeType string }

	keyElement struct{ AttributeName, KeyType string }

	projectionType struct {
		ProjectionType   string   `json:",omitempty"`
		NonKeyAttributes []string `json:",omitempty"`
	}

	throughput struct {
		ReadCapacityUnits, WriteCapacityUnits *int64
		NumberOfDecreasesToday                int64
	}

	onDemand struct{ MaxReadRequestUnits, MaxWriteRequestUnits *int64 }

	warm struct {
		ReadUnitsPerSecond, WriteUnitsPerSecond *int64
		Status                                  string `json:",omitempty"`
	}

	streamSpecification struct {
		StreamEnabled  *bool
		StreamViewType string `json:",omitempty"`
	}

	sseSpecification struct {
		Enabled        *bool
		SSEType        string `json:",omitempty"`
		KMSMasterKeyId string `json:",omitempty"`
	}

	tag struct{ Key, Value string }

	indexDefinition struct {
		IndexName             *string
		KeySchema             []keyElement
		Projection            *projectionType
		ProvisionedThroughput *throughput
		OnDemandThroughput    *onDemand
		WarmThroughput        *warm
	}
)

// settings are what CreateTable and UpdateTable say of a table and DescribeTable
// gives back; most of it changes nothing in how the engine behaves.
type settings struct {
	definitions        []attributeDefinition
	schema             []keyElement
	billing            string
	billingSince       time.Time
	throughput         throughput
	onDemand           *onDemand
	warm               *warm
	class              string
	classSince         time.Time
	sse                *sseSpecification
	deletionProtection bool
}

// timestamp is a time in the protocol: seconds since 1970 with milliseconds.
func timestamp(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

type tableDescription struct {
	AttributeDefinitions      []attributeDefinition `json:",omitempty"`
	TableName                 string
	KeySchema                 []keyElement `json:",omitempty"`
	TableStatus               string
	CreationDateTime          float64
	ProvisionedThroughput     throughput
	TableSizeBytes            int
	ItemCount                 int
	TableArn                  string
	TableId                   string
	BillingModeSummary        *billingSummary      `json:",omitempty"`
	LocalSecondaryIndexes     []indexDescription   `json:",omitempty"`
	GlobalSecondaryIndexes    []indexDescription   `json:",omitempty"`
	StreamSpecification       *streamSpecification `json:",omitempty"`
	LatestStreamLabel         string               `json:",omitempty"`
	LatestStreamArn           string               `json:",omitempty"`
	SSEDescription            *sseDescription      `json:",omitempty"`
	TableClassSummary         *classSummary        `json:",omitempty"`
	OnDemandThroughput        *onDemand            `json:",omitempty"`
	WarmThroughput            *warm                `json:",omitempty"`
	DeletionProtectionEnabled bool
}

type billingSummary struct {
	BillingMode                       string
	LastUpdateToPayPerRequestDateTime float64 `json:",omitempty"`
}

type sseDescription struct {
	Status, SSEType string
	KMSMasterKeyArn string `json:",omitempty"`
}

type classSummary struct {
	TableClass         string
	LastUpdateDateTime float64 `json:",omitempty"`
}

type indexDescription struct {
	IndexName             string
	KeySchema             []keyElement
	Projection            projectionType
	IndexStatus           string      `json:",omitempty"`
	Backfilling           *bool       `json:",omitempty"`
	ProvisionedThroughput *throughput `json:",omitempty"`
	OnDemandThroughput    *onDemand   `json:",omitempty"`
	WarmThroughput        *warm       `json:",omitempty"`
	IndexSizeBytes        int
	ItemCount             int
	IndexArn              string
}

func (t *table) status(now time.Time) string {
	switch {
	case !t.goneAt.IsZero():
		return statusDeleting
	case now.Before(t.activeAt):
		return statusCreating
	case now.Before(t.updating):
		return statusUpdating
	}
	for _, x := range t.indexes {
		if s := x.status(now); s == statusCreating || s == statusDeleting && !x.gone(now) {
			return statusUpdating
		}
	}
	return statusActive
}

func (x *index) status(now time.Time) string {
	switch {
	case !x.goneAt.IsZero():
		return statusDeleting
	case now.Before(x.activeAt):
		return statusCreating
	}
	return statusActive
}

func (x *index) gone(now time.Time) bool { return !x.goneAt.IsZero() && !now.Before(x.goneAt) }

// describe is the description with the status of this time.
func (t *table) describe(now time.Time) *tableDescription {
	d := &tableDescription{
		AttributeDefinitions: t.definitions, TableName: t.name, KeySchema: t.schema,
		TableStatus: t.status(now), CreationDateTime: timestamp(t.created),
		ProvisionedThroughput: t.throughput.shown(), TableSizeBytes: t.bytes, ItemCount: t.rows.Len(),
		TableArn: t.arn, TableId: t.id, OnDemandThroughput: t.onDemand, DeletionProtectionEnabled: t.deletionProtection,
		WarmThroughput: t.warm.shown(t.throughput, t.status(now)),
	}
	if t.billing == billingPerRequest || !t.billingSince.IsZero() {
		d.BillingModeSummary = &billingSummary{BillingMode: t.billing}
		if !t.billingSince.IsZero() {
			d.BillingModeSummary.LastUpdateToPayPerRequestDateTime = timestamp(t.billingSince)
		}
	}
	if t.class != "" {
		d.TableClassSummary = &classSummary{TableClass: t.class}
		if !t.classSince.IsZero() {
			d.TableClassSummary.LastUpdateDateTime = timestamp(t.classSince)
		}
	}
	if t.sse != nil && t.sse.Enabled != nil && *t.sse.Enabled {
		d.SSEDescription = &sseDescription{Status: "ENABLED", SSEType: "KMS", KMSMasterKeyArn: t.sse.KMSMasterKeyId}
	}
	if t.stream != nil {
		d.LatestStreamArn, d.LatestStreamLabel = t.stream.arn, t.stream.label
		if t.stream.enabled {
			on := true
			d.StreamSpecification = &streamSpecification{StreamEnabled: &on, StreamViewType: t.stream.view}
		}
	}
	for _, x := range t.indexes {
		if x.gone(now) {
			continue
		}
		if x.global {
			d.GlobalSecondaryIndexes = append(d.GlobalSecondaryIndexes, x.describe(now))
		} else {
			d.LocalSecondaryIndexes = append(d.LocalSecondaryIndexes, x.describe(now))
		}
	}
	return d
}

func (x *index) describe(now time.Time) indexDescription {
	d := indexDescription{
		IndexName: x.name, KeySchema: x.key.elements(), Projection: x.projection,
		IndexSizeBytes: x.bytes, ItemCount: x.rows.Len(), IndexArn: x.table.arn + "/index/" + x.name,
	}
	if x.global {
		d.IndexStatus = x.status(now)
		shown := x.throughput.shown()
		d.ProvisionedThroughput, d.OnDemandThroughput = &shown, x.onDemand
		d.WarmThroughput = x.warm.shown(shown, d.IndexStatus)
		if d.IndexStatus == statusCreating && !x.backfillFrom.IsZero() {
			filling := true
			d.Backfilling = &filling
		}
	}
	return d
}

// shown fills in what a description always has.
func (t *throughput) shown() throughput {
	zero := int64(0)
	s := throughput{ReadCapacityUnits: &zero, WriteCapacityUnits: &zero}
	if t != nil && t.ReadCapacityUnits != nil {
		s.ReadCapacityUnits = t.ReadCapacityUnits
	}
	if t != nil && t.WriteCapacityUnits != nil {
		s.WriteCapacityUnits = t.WriteCapacityUnits
	}
	return s
}

// shown is the warm throughput asked for, or else what a new table has.
func (w *warm) shown(t throughput, status string) *warm {
	read, write := int64(12000), int64(4000)
	if t.ReadCapacityUnits != nil && *t.ReadCapacityUnits > 0 {
		read, write = *t.ReadCapacityUnits, *t.WriteCapacityUnits
	}
	s := &warm{ReadUnitsPerSecond: &read, WriteUnitsPerSecond: &write, Status: status}
	if w != nil && w.ReadUnitsPerSecond != nil {
		s.ReadUnitsPerSecond = w.ReadUnitsPerSecond
	}
	if w != nil && w.WriteUnitsPerSecond != nil {
		s.WriteUnitsPerSecond = w.WriteUnitsPerSecond
	}
	return s
}

func (k keySchema) elements() []keyElement {
	var es []keyElement
	for _, a := range k.Hash {
		es = append(es, keyElement{a.Name, "HASH"})
	}
	for _, a := range k.Range {
		es = append(es, keyElement{a.Name, "RANGE"})
	}
	return es
}
