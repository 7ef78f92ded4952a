package memdb

import (
	"fmt"
	"slices"
	"strings"

	"github.com/monotable/monotable/memdb/internal/ordered"
)

// Limits of tables.
const (
	maxGlobalIndexes = 20
	maxLocalIndexes  = 5
	maxNonKey        = 100
	maxKeyParts      = 4
)

// tableSettings are what CreateTable and UpdateTable both set.
type tableSettings struct {
	BillingMode           string
	ProvisionedThroughput *throughput
	OnDemandThroughput    *onDemand
	WarmThroughput        *warm
	StreamSpecification   *streamSpecification
	SSESpecification      *sseSpecification
	TableClass            string
}

type createTableInput struct {
	TableName                 *string
	AttributeDefinitions      []attributeDefinition
	KeySchema                 []keyElement
	LocalSecondaryIndexes     []indexDefinition
	GlobalSecondaryIndexes    []indexDefinition
	DeletionProtectionEnabled bool
	Tags                      []tag
	tableSettings
}

type createTableOutput struct{ TableDescription *tableDescription }

func (e *Engine) createTable(in *createTableInput) (*createTableOutput, error) {
	if in.TableName == nil {
		return nil, invalid("The parameter 'TableName' is required but was not present in the request")
	}
	if err := in.checkForm(); err != nil {
		return nil, err
	}
	t, err := in.build()
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.now()
	if old := e.tables[t.name]; old != nil && !old.gone(now) {
		return nil, inUse("Table already exists: %s", t.name)
	}
	t.created, t.activeAt = now, now.Add(e.options.TableDelay)
	t.id = e.newID()
	t.arn = e.arn("table/" + t.name)
	for _, x := range t.indexes {
		x.activeAt = t.activeAt
	}
	if t.billing == billingPerRequest {
		t.billingSince = now
	}
	e.enableStream(t, in.StreamSpecification)
	e.tables[t.name] = t
	d := t.describe(now)
	d.TableStatus = statusCreating // even if it is active by the time of the next call
	for i := range d.GlobalSecondaryIndexes {
		d.GlobalSecondaryIndexes[i].IndexStatus = statusCreating
	}
	return &createTableOutput{d}, nil
}

func (in *createTableInput) checkForm() error {
	var c checker
	c.length("tableName", *in.TableName, 3, 255)
	c.pattern("tableName", *in.TableName)
	if len(c.broken) > 0 {
		return c.err()
	}
	c.enum("billingMode", in.BillingMode, billingProvisioned, billingPerRequest)
	c.enum("tableClass", in.TableClass, "STANDARD", "STANDARD_INFREQUENT_ACCESS")
	c.required("attributeDefinitions", in.AttributeDefinitions != nil)
	checkDefinitions(&c, in.AttributeDefinitions)
	c.required("keySchema", in.KeySchema != nil)
	if in.KeySchema != nil {
		checkElements(&c, "keySchema", in.KeySchema, 2)
	}
	if in.ProvisionedThroughput != nil {
		checkThroughput(&c, "provisionedThroughput", in.ProvisionedThroughput)
	}
	checkStream(&c, in.StreamSpecification)
	checkIndexForms(&c, "localSecondaryIndexes", in.LocalSecondaryIndexes, 2)
	checkIndexForms(&c, "globalSecondaryIndexes", in.GlobalSecondaryIndexes, 2*maxKeyParts)
	return c.err()
}

func checkDefinitions(c *checker, ds []attributeDefinition) {
	for i, d := range ds {
		field := fmt.Sprintf("attributeDefinitions.%d.member.", i+1)
		c.length(field+"attributeName", d.AttributeName, 1, 255)
		c.required(field+"attributeType", d.AttributeType != "")
		c.enum(field+"attributeType", d.AttributeType, "B", "N", "S")
	}
}

func checkElements(c *checker, field string, es []keyElement, most int) {
	shown := make([]string, len(es))
	for i, e := range es {
		shown[i] = fmt.Sprintf("KeySchemaElement(attributeName=%s, keyType=%s)", e.AttributeName, e.KeyType)
	}
	switch {
	case len(es) == 0:
		c.addf("Value '[]' at '%s' failed to satisfy constraint: Member must have length greater than or equal to 1", field)
	case len(es) > most:
		c.addf("Value '[%s]' at '%s' failed to satisfy constraint: Member must have length less than or equal to %d", strings.Join(shown, ", "), field, most)
	}
	for i, e := range es {
		member := fmt.Sprintf("%s.%d.member.", field, i+1)
		c.length(member+"attributeName", e.AttributeName, 1, 255)
		c.required(member+"keyType", e.KeyType != "")
		c.enum(member+"keyType", e.KeyType, "HASH", "RANGE")
	}
}

func checkThroughput(c *checker, field string, t *throughput) {
	for _, p := range []struct {
		name string
		n    *int64
	}{{"readCapacityUnits", t.ReadCapacityUnits}, {"writeCapacityUnits", t.WriteCapacityUnits}} {
		c.required(field+"."+p.name, p.n != nil)
		if p.n != nil && *p.n < 1 {
			c.addf("Value '%d' at '%s.%s' failed to satisfy constraint: Member must have value greater than or equal to 1", *p.n, field, p.name)
		}
	}
}

func checkIndexForms(c *checker, field string, xs []indexDefinition, most int) {
	for i := range xs {
		checkIndexForm(c, fmt.Sprintf("%s.%d.member", field, i+1), &xs[i], most)
	}
}

func checkIndexForm(c *checker, member string, x *indexDefinition, most int) {
	c.required(member+".indexName", x.IndexName != nil)
	if x.IndexName != nil {
		c.length(member+".indexName", *x.IndexName, 3, 255)
		c.pattern(member+".indexName", *x.IndexName)
	}
	c.required(member+".keySchema", x.KeySchema != nil)
	if x.KeySchema != nil {
		checkElements(c, member+".keySchema", x.KeySchema, most)
	}
	c.required(member+".projection", x.Projection != nil)
	if p := x.Projection; p != nil {
		c.enum(member+".projection.projectionType", p.ProjectionType, projectAll, projectInclude, projectKeys)
		if p.NonKeyAttributes != nil && len(p.NonKeyAttributes) == 0 {
			c.addf("Value '[]' at '%s.projection.nonKeyAttributes' failed to satisfy constraint: Member must have length greater than or equal to 1", member)
		}
	}
	if x.ProvisionedThroughput != nil {
		checkThroughput(c, member+".provisionedThroughput", x.ProvisionedThroughput)
	}
}

// build makes the table without registering it.
func (in *createTableInput) build() (*table, error) {
	t := &table{name: *in.TableName, rows: ordered.New[*row](), types: map[string]string{}, tags: in.Tags}
	t.definitions, t.schema, t.class = in.AttributeDefinitions, in.KeySchema, in.TableClass
	t.onDemand, t.warm, t.sse, t.deletionProtection = in.OnDemandThroughput, in.WarmThroughput, in.SSESpecification, in.DeletionProtectionEnabled
	if err := checkStreamView(in.StreamSpecification); err != nil {
		return nil, err
	}
	if err := t.setBilling(in.BillingMode, in.ProvisionedThroughput); err != nil {
		return nil, err
	}
	for _, d := range in.AttributeDefinitions {
		if _, ok := t.types[d.AttributeName]; ok {
			return nil, invalidParameter("Duplicate AttributeName in AttributeDefinitions: %s", d.AttributeName)
		}
		t.types[d.AttributeName] = d.AttributeType
	}
	if err := checkOrder(in.KeySchema, 1); err != nil {
		return nil, err
	}
	if err := t.defined(in.KeySchema, ""); err != nil {
		return nil, err
	}
	t.key = t.schemaOf(in.KeySchema)
	if err := in.buildIndexes(t); err != nil {
		return nil, err
	}
	return t, t.allUsed()
}

func (t *table) setBilling(mode string, p *throughput) error {
	if mode == "" {
		mode = billingProvisioned
	}
	switch {
	case mode == billingPerRequest && p != nil:
		return invalidParameter("Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
	case mode == billingProvisioned && p == nil:
		return invalidParameter("ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED")
	}
	t.billing, t.throughput = mode, throughput{}
	if p != nil {
		t.throughput = *p
	}
	return nil
}

// checkOrder wants 1 to parts HASH elements and then up to as many RANGE ones.
func checkOrder(es []keyElement, parts int) error {
	hash, rng := 0, 0
	for i, e := range es {
		switch {
		case e.KeyType == "RANGE" && i == 0:
			return invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
		case e.KeyType == "HASH" && rng > 0:
			return invalid("Invalid KeySchema: All HASH elements must come before the RANGE elements")
		case e.KeyType == "HASH":
			hash++
		default:
			rng++
		}
	}
	switch {
	case hash > parts && parts == 1:
		return invalid("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
	case hash > parts || rng > parts:
		return invalid("Invalid KeySchema: At most %d HASH and %d RANGE elements are allowed", parts, parts)
	}
	return nil
}

// defined wants a definition for each key attribute and no name twice.
func (t *table) defined(es []keyElement, index string) error {
	var names, known []string
	missing := false
	for _, e := range es {
		if slices.Contains(names, e.AttributeName) {
			if index == "" {
				return invalid("Invalid KeySchema: Some index key attribute have no definition")
			}
			return invalidParameter("Duplicate attribute in the KeySchema of index %s: %s", index, e.AttributeName)
		}
		names = append(names, e.AttributeName)
		if _, ok := t.types[e.AttributeName]; !ok {
			missing = true
		}
	}
	if !missing {
		return nil
	}
	for _, d := range t.definitions {
		known = append(known, d.AttributeName)
	}
	return invalidParameter("Some index key attributes are not defined in AttributeDefinitions. Keys: [%s], AttributeDefinitions: [%s]",
		strings.Join(names, ", "), strings.Join(known, ", "))
}

func (t *table) schemaOf(es []keyElement) keySchema {
	var k keySchema
	for _, e := range es {
		a := keyAttribute{e.AttributeName, t.types[e.AttributeName]}
		if e.KeyType == "HASH" {
			k.Hash = append(k.Hash, a)
		} else {
			k.Range = append(k.Range, a)
		}
	}
	return k
}

// allUsed refuses definitions of attributes that no key has.
func (t *table) allUsed() error {
	used := map[string]bool{}
	var names []string
	for _, a := range t.key.attributes() {
		used[a.Name] = true
	}
	for _, x := range t.indexes {
		for _, a := range x.key.attributes() {
			used[a.Name] = true
		}
	}
	if len(used) == len(t.types) {
		return nil
	}
	if len(t.indexes) == 0 {
		return invalidParameter("Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions")
	}
	for name := range t.types {
		names = append(names, name)
	}
	slices.Sort(names)
	return invalidParameter("Some AttributeDefinitions are not used. AttributeDefinitions: [%s], keys used: [%s]",
		strings.Join(names, ", "), strings.Join(sortedKeys(used), ", "))
}

func (in *createTableInput) buildIndexes(t *table) error {
	if in.LocalSecondaryIndexes != nil && len(in.LocalSecondaryIndexes) == 0 {
		return invalidParameter("List of LocalSecondaryIndexes is empty")
	}
	if in.GlobalSecondaryIndexes != nil && len(in.GlobalSecondaryIndexes) == 0 {
		return invalidParameter("List of GlobalSecondaryIndexes is empty")
	}
	if len(in.LocalSecondaryIndexes) > 0 && len(t.key.Range) == 0 {
		return invalidParameter("Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex")
	}
	if n := len(in.LocalSecondaryIndexes); n > maxLocalIndexes {
		return invalidParameter("LocalSecondaryIndex count exceeds the per-table limit of %d", maxLocalIndexes)
	}
	if n := len(in.GlobalSecondaryIndexes); n > maxGlobalIndexes {
		return invalidParameter("GlobalSecondaryIndex count exceeds the per-table limit of %d", maxGlobalIndexes)
	}
	for i := range in.LocalSecondaryIndexes {
		if err := t.addLocal(&in.LocalSecondaryIndexes[i]); err != nil {
			return err
		}
	}
	for i := range in.GlobalSecondaryIndexes {
		if err := t.addGlobal(&in.GlobalSecondaryIndexes[i]); err != nil {
			return err
		}
	}
	total := 0
	for _, x := range t.indexes {
		total += len(x.projection.NonKeyAttributes)
	}
	if total > maxNonKey {
		return invalidParameter("Total number of NonKeyAttributes of all indexes exceeds the limit of %d", maxNonKey)
	}
	return nil
}

func (t *table) addLocal(d *indexDefinition) error {
	if err := t.checkIndexDefinition(d, 1); err != nil {
		return err
	}
	if len(d.KeySchema) < 2 {
		return invalidParameter("Index KeySchema does not have a range key for index: %s", *d.IndexName)
	}
	if d.KeySchema[0].AttributeName != t.key.Hash[0].Name {
		return invalidParameter("Index KeySchema does not have the same leading hash key as table KeySchema for index: %s. index hash key: %s, table hash key: %s",
			*d.IndexName, d.KeySchema[0].AttributeName, t.key.Hash[0].Name)
	}
	t.newIndex(&index{name: *d.IndexName, key: t.schemaOf(d.KeySchema), projection: *d.Projection})
	return nil
}

func (t *table) addGlobal(d *indexDefinition) error {
	if err := t.checkIndexDefinition(d, maxKeyParts); err != nil {
		return err
	}
	if t.billing == billingProvisioned && d.ProvisionedThroughput == nil {
		return invalidParameter("ProvisionedThroughput must be specified for index: %s", *d.IndexName)
	}
	if t.billing == billingPerRequest && d.ProvisionedThroughput != nil {
		return invalidParameter("ProvisionedThroughput should not be specified for index: %s when BillingMode is PAY_PER_REQUEST", *d.IndexName)
	}
	t.newIndex(&index{
		name: *d.IndexName, global: true, key: t.schemaOf(d.KeySchema), projection: *d.Projection,
		throughput: d.ProvisionedThroughput, onDemand: d.OnDemandThroughput, warm: d.WarmThroughput,
	})
	return nil
}

func (t *table) checkIndexDefinition(d *indexDefinition, parts int) error {
	if t.index(*d.IndexName) != nil {
		return invalidParameter("Duplicate index name: %s", *d.IndexName)
	}
	if err := checkOrder(d.KeySchema, parts); err != nil {
		return err
	}
	if err := t.defined(d.KeySchema, *d.IndexName); err != nil {
		return err
	}
	p := d.Projection
	switch {
	case p.ProjectionType == "":
		return invalidParameter("Unknown ProjectionType: null")
	case p.ProjectionType == projectInclude && p.NonKeyAttributes == nil:
		return invalidParameter("ProjectionType is %s, but NonKeyAttributes is not specified", p.ProjectionType)
	case p.ProjectionType != projectInclude && p.NonKeyAttributes != nil:
		return invalidParameter("ProjectionType is %s, but NonKeyAttributes is specified", p.ProjectionType)
	}
	for i, name := range p.NonKeyAttributes {
		if slices.Contains(p.NonKeyAttributes[:i], name) {
			return invalidParameter("Duplicate NonKeyAttributes: %s", name)
		}
	}
	return nil
}
