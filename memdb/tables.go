package memdb

import (
	"fmt"
	"slices"
	"time"
)

type tableNameInput struct{ TableName *string }

type describeTableOutput struct{ Table *tableDescription }

func (e *Engine) describeTable(in *tableNameInput) (*describeTableOutput, error) {
	return show(e, in, func(t *table) *describeTableOutput {
		return &describeTableOutput{t.describe(e.now())}
	})
}

// show describes something of a table in whatever state.
func show[T any](e *Engine, in *tableNameInput, describe func(*table) *T) (*T, error) {
	if err := checkTableName(in.TableName); err != nil {
		return nil, err
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	t, err := e.anyTable(*in.TableName)
	if err != nil {
		return nil, err
	}
	return describe(t), nil
}

type listTablesInput struct {
	ExclusiveStartTableName *string
	Limit                   *int
}

type listTablesOutput struct {
	TableNames             []string
	LastEvaluatedTableName string `json:",omitempty"`
}

func (e *Engine) listTables(in *listTablesInput) (*listTablesOutput, error) {
	var c checker
	limit := 100
	if in.Limit != nil {
		limit = *in.Limit
		switch {
		case limit < 1:
			c.addf("Value '%d' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1", limit)
		case limit > 100:
			c.addf("Value '%d' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 100", limit)
		}
	}
	if s := in.ExclusiveStartTableName; s != nil {
		c.length("exclusiveStartTableName", *s, 3, 255)
		c.pattern("exclusiveStartTableName", *s)
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	now := e.now()
	out := &listTablesOutput{TableNames: []string{}}
	for _, name := range sortedKeys(e.tables) {
		if e.tables[name].gone(now) || in.ExclusiveStartTableName != nil && name <= *in.ExclusiveStartTableName {
			continue
		}
		if len(out.TableNames) == limit {
			out.LastEvaluatedTableName = out.TableNames[limit-1]
			break
		}
		out.TableNames = append(out.TableNames, name)
	}
	return out, nil
}

func (e *Engine) deleteTable(in *tableNameInput) (*createTableOutput, error) {
	if err := checkTableName(in.TableName); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.now()
	t, err := e.activeTable(*in.TableName, now)
	if err != nil {
		return nil, err
	}
	if t.deletionProtection {
		return nil, invalid("Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.")
	}
	t.goneAt = now.Add(e.options.TableDelay)
	d := t.describe(now)
	if t.gone(now) {
		delete(e.tables, t.name)
	}
	return &createTableOutput{d}, nil
}

// activeTable finds a table that may be changed or deleted now.
func (e *Engine) activeTable(name string, now time.Time) (*table, error) {
	t, err := e.anyTable(name)
	if err != nil {
		return nil, err
	}
	t.purge(now)
	if s := t.status(now); s != statusActive {
		return nil, inUse("Attempt to change a resource which is still in use: Table is being %s: %s", statusWord(s), t.name)
	}
	return t, nil
}

func statusWord(s string) string {
	return map[string]string{statusCreating: "created", statusUpdating: "updated", statusDeleting: "deleted"}[s]
}

type indexUpdate struct {
	Create *indexDefinition
	Update *indexDefinition
	Delete *struct{ IndexName *string }
}

type updateTableInput struct {
	TableName                   *string
	AttributeDefinitions        []attributeDefinition
	DeletionProtectionEnabled   *bool
	GlobalSecondaryIndexUpdates []indexUpdate
	ReplicaUpdates              []any
	tableSettings
}

func (in *updateTableInput) empty() bool {
	return in.BillingMode == "" && in.ProvisionedThroughput == nil && in.OnDemandThroughput == nil && in.WarmThroughput == nil &&
		in.StreamSpecification == nil && in.SSESpecification == nil && in.TableClass == "" && in.DeletionProtectionEnabled == nil &&
		len(in.GlobalSecondaryIndexUpdates) == 0
}

func (in *updateTableInput) checkForm() error {
	if err := checkTableName(in.TableName); err != nil {
		return err
	}
	var c checker
	c.enum("billingMode", in.BillingMode, billingProvisioned, billingPerRequest)
	c.enum("tableClass", in.TableClass, "STANDARD", "STANDARD_INFREQUENT_ACCESS")
	checkDefinitions(&c, in.AttributeDefinitions)
	if in.ProvisionedThroughput != nil {
		checkThroughput(&c, "provisionedThroughput", in.ProvisionedThroughput)
	}
	checkStream(&c, in.StreamSpecification)
	for i, u := range in.GlobalSecondaryIndexUpdates {
		if u.Create != nil {
			checkIndexForm(&c, fmt.Sprintf("globalSecondaryIndexUpdates.%d.member.create", i+1), u.Create, 2*maxKeyParts)
		}
	}
	if err := c.err(); err != nil {
		return err
	}
	if err := checkStreamView(in.StreamSpecification); err != nil {
		return err
	}
	if len(in.ReplicaUpdates) > 0 {
		return invalid("ReplicaUpdates are not supported by memdb")
	}
	if in.empty() {
		return invalid("At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required")
	}
	return nil
}

// updateTable applies the changes to a copy of what is settled, so that a refused
// one leaves no trace.
func (e *Engine) updateTable(in *updateTableInput) (*createTableOutput, error) {
	if err := in.checkForm(); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.now()
	t, err := e.activeTable(*in.TableName, now)
	if err != nil {
		return nil, err
	}
	kept, indexes := t.settings, slices.Clone(t.indexes)
	types := t.types
	if err := e.change(t, in); err != nil {
		t.settings, t.indexes, t.types = kept, indexes, types
		return nil, err
	}
	t.updating = now.Add(e.options.TableDelay)
	d := t.describe(now) // the time before the change: what goes is still there
	d.TableStatus = statusUpdating
	for i := range d.GlobalSecondaryIndexes {
		x := &d.GlobalSecondaryIndexes[i]
		for _, u := range in.GlobalSecondaryIndexUpdates {
			filling := true
			switch {
			case u.Create != nil && *u.Create.IndexName == x.IndexName:
				x.IndexStatus, x.Backfilling = statusCreating, &filling
			case u.Update != nil && *u.Update.IndexName == x.IndexName:
				x.IndexStatus = statusUpdating
			}
		}
	}
	t.purge(e.now())
	return &createTableOutput{d}, nil
}

// purge drops the indexes that are gone. The caller has the lock for writing.
func (t *table) purge(now time.Time) {
	t.indexes = slices.DeleteFunc(t.indexes, func(x *index) bool { return x.gone(now) })
}

func (e *Engine) change(t *table, in *updateTableInput) error {
	if err := e.changeBilling(t, in); err != nil {
		return err
	}
	if err := e.changeIndexes(t, in); err != nil {
		return err
	}
	if in.OnDemandThroughput != nil {
		t.onDemand = in.OnDemandThroughput
	}
	if in.WarmThroughput != nil {
		t.warm = in.WarmThroughput
	}
	if in.TableClass != "" {
		t.class, t.classSince = in.TableClass, e.now()
	}
	if in.SSESpecification != nil {
		t.sse = in.SSESpecification
	}
	if in.DeletionProtectionEnabled != nil {
		t.deletionProtection = *in.DeletionProtectionEnabled
	}
	return e.changeStream(t, in.StreamSpecification)
}

func (e *Engine) changeBilling(t *table, in *updateTableInput) error {
	mode := in.BillingMode
	if mode == "" && in.ProvisionedThroughput == nil {
		return nil
	}
	if mode == "" {
		mode = t.billing
	}
	p := in.ProvisionedThroughput
	if p != nil && mode == t.billing && t.billing == billingProvisioned && len(in.GlobalSecondaryIndexUpdates) == 0 &&
		*p.ReadCapacityUnits == *t.throughput.ReadCapacityUnits && *p.WriteCapacityUnits == *t.throughput.WriteCapacityUnits {
		return invalid("The provisioned throughput for the table will not change. The requested value equals the current value. Current ReadCapacityUnits provisioned for the table: %d. Requested ReadCapacityUnits: %d. Current WriteCapacityUnits provisioned for the table: %d. Requested WriteCapacityUnits: %d. Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits.",
			*t.throughput.ReadCapacityUnits, *p.ReadCapacityUnits, *t.throughput.WriteCapacityUnits, *p.WriteCapacityUnits)
	}
	if p == nil && mode == t.billing && mode == billingProvisioned {
		return nil
	}
	before := t.billing
	if err := t.setBilling(mode, p); err != nil {
		return err
	}
	if mode == billingPerRequest && before != mode {
		t.billingSince = e.now()
		for _, x := range t.indexes {
			x.throughput = nil
		}
	}
	return nil
}

func (e *Engine) changeIndexes(t *table, in *updateTableInput) error {
	changes := 0
	for _, u := range in.GlobalSecondaryIndexUpdates {
		if u.Create != nil || u.Delete != nil {
			changes++
		}
	}
	if changes > 1 {
		return &apiError{Type: "LimitExceededException", Message: "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table"}
	}
	for _, u := range in.GlobalSecondaryIndexUpdates {
		var err error
		switch {
		case u.Create != nil:
			err = e.createIndex(t, u.Create, in.AttributeDefinitions)
		case u.Update != nil && u.Update.IndexName != nil:
			err = t.updateIndex(u.Update)
		case u.Delete != nil && u.Delete.IndexName != nil:
			err = e.deleteIndex(t, *u.Delete.IndexName)
		default:
			err = invalidParameter("One of GlobalSecondaryIndexUpdate, GlobalSecondaryIndexCreate, GlobalSecondaryIndexDelete must not be null")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (e *Engine) createIndex(t *table, d *indexDefinition, definitions []attributeDefinition) error {
	count := 0
	for _, x := range t.indexes {
		if x.global {
			count++
		}
	}
	if count == maxGlobalIndexes {
		return &apiError{Type: "LimitExceededException", Message: fmt.Sprintf("Subscriber limit exceeded: GlobalSecondaryIndex count exceeds the per-table limit of %d", maxGlobalIndexes)}
	}
	types := map[string]string{}
	for name, kind := range t.types {
		types[name] = kind
	}
	all := slices.Clone(t.definitions)
	for _, a := range definitions {
		switch old, ok := types[a.AttributeName]; {
		case !ok:
			types[a.AttributeName] = a.AttributeType
			all = append(all, a)
		case old != a.AttributeType:
			return invalidParameter("Attribute %s is already defined with another type", a.AttributeName)
		}
	}
	t.types, t.definitions = types, all
	if err := t.addGlobal(d); err != nil {
		return err
	}
	if err := t.allUsed(); err != nil {
		return err
	}
	x := t.indexes[len(t.indexes)-1]
	x.backfillFrom = e.now()
	x.activeAt = x.backfillFrom.Add(e.options.TableDelay)
	return nil
}

func (t *table) updateIndex(d *indexDefinition) error {
	x := t.index(*d.IndexName)
	if x == nil || !x.global {
		return notFound("Requested resource not found: Index: %s not found", *d.IndexName)
	}
	if p := d.ProvisionedThroughput; p != nil {
		if t.billing == billingPerRequest {
			return invalidParameter("ProvisionedThroughput should not be specified for index: %s when BillingMode is PAY_PER_REQUEST", *d.IndexName)
		}
		var c checker
		checkThroughput(&c, "provisionedThroughput", p)
		if err := c.err(); err != nil {
			return err
		}
		x.throughput = p
	}
	if d.OnDemandThroughput != nil {
		x.onDemand = d.OnDemandThroughput
	}
	if d.WarmThroughput != nil {
		x.warm = d.WarmThroughput
	}
	return nil
}

func (e *Engine) deleteIndex(t *table, name string) error {
	x := t.index(name)
	if x == nil || !x.global {
		return notFound("Requested resource not found: Index: %s not found", name)
	}
	x.goneAt = e.now().Add(e.options.TableDelay)
	// Definitions that only this index used go with it.
	used := map[string]bool{}
	for _, a := range t.key.attributes() {
		used[a.Name] = true
	}
	for _, other := range t.indexes {
		if other != x {
			for _, a := range other.key.attributes() {
				used[a.Name] = true
			}
		}
	}
	types := map[string]string{}
	var kept []attributeDefinition
	for _, d := range t.definitions {
		if used[d.AttributeName] {
			kept = append(kept, d)
			types[d.AttributeName] = d.AttributeType
		}
	}
	t.definitions, t.types = kept, types
	return nil
}
