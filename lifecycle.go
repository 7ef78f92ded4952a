package monotable

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// CreateOption asks for what a table is to be besides its declaration. Projections of indexes are part of that, see [Index].
type CreateOption interface{ want(*wants) }

type createOption func(*wants)

func (f createOption) want(w *wants) { f(w) }

// wants are what options ask for. Zero fields are not asked for, and not compared.
type wants struct {
	billing   types.BillingMode
	capacity  throughput
	indexes   map[string]throughput
	ttl       string
	stream    types.StreamViewType
	tags      map[string]string
	protected bool
}

// throughput is provisioned, in capacity units.
type throughput struct{ Read, Write int64 }

func (t throughput) request() *types.ProvisionedThroughput {
	return &types.ProvisionedThroughput{ReadCapacityUnits: ptr(t.Read), WriteCapacityUnits: ptr(t.Write)}
}

// OnDemand bills by request. A table is created so without the option, too; with it Verify compares the billing mode. Of OnDemand and [Provisioned] the last counts.
func OnDemand() CreateOption {
	return createOption(func(w *wants) { w.billing, w.capacity = types.BillingModePayPerRequest, throughput{} })
}

// Provisioned has the table, and each global index, provisioned with capacity units for reads and writes, 1 at least. Verify compares the billing mode, not the
// numbers, which scale by themselves where a team lets them.
func Provisioned(read, write int64) CreateOption {
	return createOption(func(w *wants) { w.billing, w.capacity = types.BillingModeProvisioned, throughput{read, write} })
}

// IndexThroughput gives a global index other capacity units than [Provisioned] gives it. It goes with Provisioned only.
func IndexThroughput(index string, read, write int64) CreateOption {
	return createOption(func(w *wants) { w.indexes[index] = throughput{read, write} })
}

// TTL names the attribute by which DynamoDB deletes expired items, in epoch seconds. Without it that is the attribute of [ExpiresAt], if an entity defined
// on the table has one. A table has one such attribute.
func TTL(attribute string) CreateOption {
	return createOption(func(w *wants) { w.ttl = attribute })
}

// Stream switches on the table's stream with records of this view.
func Stream(view types.StreamViewType) CreateOption {
	return createOption(func(w *wants) { w.stream = view })
}

// Tags puts tags on the table; several calls add up. On a server that knows no tags, such as DynamoDB Local, they do nothing.
func Tags(tags map[string]string) CreateOption {
	tags = maps.Clone(tags)
	return createOption(func(w *wants) { maps.Copy(w.tags, tags) })
}

// DeletionProtection has DynamoDB refuse to delete the table until somebody takes the protection away.
func DeletionProtection() CreateOption {
	return createOption(func(w *wants) { w.protected = true })
}

// wanted are what the options ask for, and TTL by the declaration.
func (t *Table) wanted(opts []CreateOption) *wants {
	w := &wants{indexes: map[string]throughput{}, tags: map[string]string{}}
	for _, opt := range opts {
		if opt != nil {
			opt.want(w)
		}
	}
	if w.ttl == "" {
		w.ttl = t.Declaration().TTL
	}
	return w
}

const maxAttributeName = 255 // of TTL, in bytes

// check refuses what DynamoDB would refuse, or not understand.
func (w *wants) check(t *Table, admin Admin) error {
	below := func(c throughput) bool { return c.Read < 1 || c.Write < 1 }
	switch {
	case noAdmin(admin):
		return invalidf("the Admin is nil")
	case w.billing == types.BillingModeProvisioned && below(w.capacity):
		return invalidf("Provisioned: a table has one unit of each at least")
	case w.stream != "" && !slices.Contains(w.stream.Values(), w.stream):
		return invalidf("Stream: unknown view type %q", w.stream)
	case len(w.ttl) > maxAttributeName:
		return invalidf("TTL: an attribute's name has %d bytes at most", maxAttributeName)
	}
	for _, name := range slices.Sorted(maps.Keys(w.indexes)) {
		index := t.indexes[name]
		switch {
		case index == nil || index.local:
			return invalidf("IndexThroughput: %q is not a global index of the table", name)
		case w.billing != types.BillingModeProvisioned:
			return invalidf("IndexThroughput goes with Provisioned")
		case below(w.indexes[name]):
			return invalidf("IndexThroughput: index %q has one unit of each at least", name)
		}
	}
	return nil
}

// ofIndex is the throughput of an index; nil where the table is not provisioned.
func (w *wants) ofIndex(name string) *types.ProvisionedThroughput {
	if w.billing != types.BillingModeProvisioned {
		return nil
	}
	if own, ok := w.indexes[name]; ok {
		return own.request()
	}
	return w.capacity.request()
}

// CreateInput is the request that creates the table as it is declared, billed on demand unless the options say otherwise. It sends nothing: pass it to CreateTable
// of the SDK's client, changed as you like. Options are not checked here, as [Table.Create] does, and TTL is not part of the request: it is a call of its own.
func (t *Table) CreateInput(opts ...CreateOption) *dynamodb.CreateTableInput {
	return t.createInput(t.wanted(opts))
}

func (t *Table) createInput(w *wants) *dynamodb.CreateTableInput {
	in := &dynamodb.CreateTableInput{
		TableName:            ptr(t.Name()),
		BillingMode:          types.BillingModePayPerRequest,
		KeySchema:            t.primary.schema(),
		AttributeDefinitions: definitions(&t.primary),
	}
	if w.billing == types.BillingModeProvisioned {
		in.BillingMode, in.ProvisionedThroughput = w.billing, w.capacity.request()
	}
	if w.stream != "" {
		in.StreamSpecification = &types.StreamSpecification{StreamEnabled: ptr(true), StreamViewType: w.stream}
	}
	for _, key := range slices.Sorted(maps.Keys(w.tags)) {
		in.Tags = append(in.Tags, types.Tag{Key: ptr(key), Value: ptr(w.tags[key])})
	}
	if w.protected {
		in.DeletionProtectionEnabled = ptr(true)
	}
	for _, name := range indexNames(t.tableCore) {
		index := t.indexes[name]
		for _, d := range definitions(index) {
			if !slices.ContainsFunc(in.AttributeDefinitions, func(o types.AttributeDefinition) bool { return *o.AttributeName == *d.AttributeName }) {
				in.AttributeDefinitions = append(in.AttributeDefinitions, d)
			}
		}
		if index.local {
			in.LocalSecondaryIndexes = append(in.LocalSecondaryIndexes, types.LocalSecondaryIndex{
				IndexName: ptr(name), KeySchema: index.schema(), Projection: index.projected(),
			})
			continue
		}
		in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{
			IndexName: ptr(name), KeySchema: index.schema(), Projection: index.projected(), ProvisionedThroughput: w.ofIndex(name),
		})
	}
	return in
}

// projected is the projection as requests have it.
func (k *indexKeys) projected() *types.Projection {
	projection := k.projection
	if projection.ProjectionType == "" {
		projection.ProjectionType = types.ProjectionTypeAll
	}
	projection.NonKeyAttributes = slices.Clone(projection.NonKeyAttributes)
	return &projection
}

func definitions(keys *indexKeys) []types.AttributeDefinition {
	var all []types.AttributeDefinition
	for _, k := range keys.all() {
		all = append(all, types.AttributeDefinition{AttributeName: ptr(k.Name), AttributeType: k.Type})
	}
	return all
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

// createTimeout bounds Create where the context does not.
const createTimeout = 10 * time.Minute

// Create creates the table as it is declared and waits until it and its indexes can be used. A table that exists is left as it is, and success if programs of this
// declaration work on it; if not, the error is a [*DriftError]: [Table.Plan] says what can be added. Mere differences, missing [Tags] among them, are told to the table's
// logger, and so is it if the tags cannot be looked up. Nothing is ever dropped.
//
// It may be called by any number of processes at once and again after a crash at any moment: it goes by what it finds. A table that
// somebody else is creating is waited for; so is one that is being deleted, and then it is created anew. Limits and throttles of the service are waited out with full jitter, as
// long as the context allows: its deadline bounds it all, or else, where it has none, ten minutes.
//
// Define the entities before: if one has [ExpiresAt], or the options say [TTL], TTL is switched on where it is off. Where TTL has been changed within the hour
// DynamoDB may refuse that; the table is usable, so Create logs it and does not fail. Call it again later, or use [Table.Apply], which waits.
func (t *Table) Create(ctx context.Context, admin Admin, opts ...CreateOption) error {
	ctx, v := t.begin(ctx, "Create")
	return v.end(ctx, t.create(ctx, admin, t.wanted(opts)), 0)
}

func (t *Table) create(ctx context.Context, admin Admin, w *wants) error {
	if err := w.check(t, admin); err != nil {
		return err
	}
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, createTimeout)
		defer cancel()
	}
	for attempt := 0; ; attempt++ {
		if err := t.createTable(ctx, admin, w); err != nil || w.ttl == "" {
			return err
		}
		err := t.enableTTL(ctx, admin, w.ttl, false)
		if !notFound(err) {
			return err
		}
		// The table has been deleted since.
		if ended := t.options.waitAs(ctx, tableBackoff, attempt); ended != nil {
			return fmt.Errorf("%w: %w", ended, err)
		}
	}
}

// createTable is create without TTL.
func (t *Table) createTable(ctx context.Context, admin Admin, w *wants) error {
	created := false
	return t.until(ctx, func(ctx context.Context) (string, error) {
		live, err := t.describe(ctx, admin)
		if err != nil {
			return "", err
		}
		if live == nil {
			if _, err := ask(ctx, t, admin.CreateTable, t.createInput(w)); err != nil {
				return "", err
			}
			created = true
			return "the table is being created", nil
		}
		findings := t.compare(live, w)
		pending, err := t.usable(live, findings)
		if pending != "" || err != nil || created {
			return pending, err
		}
		tags, err := t.tagFindings(ctx, admin, live, w)
		if err != nil {
			t.logger.Warn("monotable: the tags could not be compared; the table can be used", "table", t.Name(), "error", err)
		}
		if findings = append(findings, tags...); len(findings) > 0 {
			t.logger.Info("monotable: the table is not quite as declared", "table", t.Name(), "findings", texts(findings))
		}
		return "", nil
	})
}

// usable says whether programs work on a table, or will when what is pending has come to its end.
func (t *Table) usable(live *types.TableDescription, findings []Finding) (pending string, err error) {
	if live.TableStatus == types.TableStatusDeleting {
		return "the table is being deleted", nil
	}
	for _, f := range findings {
		switch {
		case !f.Breaks:
		case f.passes():
			pending = f.String()
		default:
			return "", &DriftError{Table: t.Name(), Findings: findings}
		}
	}
	return pending, nil
}

// enableTTL switches TTL on. The patient one waits until DynamoDB takes the change; the other leaves it where it does not.
func (t *Table) enableTTL(ctx context.Context, admin Admin, attribute string, patient bool) error {
	ctx, cancel := context.WithTimeout(ctx, ttlPatience)
	defer cancel()
	refused := false
	return t.until(ctx, func(ctx context.Context) (string, error) {
		f, err := t.ttlFinding(ctx, admin, attribute)
		switch {
		case err != nil:
			return "", err
		case f == nil || f.enabling():
			return "", nil
		case patient && f.Kind == TTLAttribute:
			return "", &DriftError{Table: t.Name(), Findings: []Finding{*f}}
		case patient && f.Kind == TTLChanging:
			return f.String(), nil
		case !patient && (refused || f.Kind != TTLOff):
			t.logger.Warn("monotable: TTL could not be switched on; call Create later, or Apply", "table", t.Name(), "finding", f.String())
			return "", nil
		}
		_, err = ask(ctx, t, admin.UpdateTimeToLive, &dynamodb.UpdateTimeToLiveInput{
			TableName:               ptr(t.Name()),
			TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: ptr(attribute), Enabled: ptr(true)},
		})
		// It has been switched on since, or is changed too often for DynamoDB. The next look tells.
		if refused = refusedAs(err, "ValidationException"); refused {
			return "TTL cannot be changed yet", nil
		}
		return "", err
	})
}

// Ensure is [Table.Create] once for this Table in this process: for the start of a program, or the first request of a function. Calls at the same time share one
// run, and later ones return at once; a failure is not kept, so the next call tries again. A caller whose context ends leaves the run to the others; without
// any it is stopped. Tables derived by With and Scoped share it; another [TableName] and other options have runs of their own.
func (t *Table) Ensure(ctx context.Context, admin Admin, opts ...CreateOption) error {
	ctx, v := t.begin(ctx, "Ensure")
	w := t.wanted(opts)
	err := started(ctx)
	if err == nil {
		err = t.ensured.share(ctx, fmt.Sprintf("%s %+v", t.Name(), *w), func(ctx context.Context) error { return t.create(ctx, admin, w) })
	}
	return v.end(ctx, err, 0)
}

// ensured shares runs of Create between callers. The zero value is ready.
type ensured struct {
	mu   sync.Mutex
	runs map[string]*ensureRun
}

type ensureRun struct {
	waiting int // callers
	stop    context.CancelFunc
	done    chan struct{}
	err     error // once done
}

// errNoEnd is what others get of a run whose goroutine was ended from within.
var errNoEnd = errors.New("monotable: the shared run of Ensure did not come to its end")

func (e *ensured) share(ctx context.Context, key string, create func(context.Context) error) error {
	e.mu.Lock()
	run := e.runs[key]
	if run == nil {
		run = &ensureRun{done: make(chan struct{})}
		var own context.Context
		own, run.stop = context.WithCancel(context.WithoutCancel(ctx))
		if e.runs == nil {
			e.runs = map[string]*ensureRun{}
		}
		e.runs[key] = run
		go func() {
			run.err = errNoEnd
			defer func() {
				if run.err != nil {
					e.forget(key, run)
				}
				run.stop()
				close(run.done)
			}()
			run.err = create(own)
		}()
	}
	run.waiting++
	e.mu.Unlock()
	select {
	case <-run.done:
		return run.err
	case <-ctx.Done():
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if run.waiting--; run.waiting == 0 {
		if e.runs[key] == run && !run.over() {
			delete(e.runs, key) // the next caller begins anew
		}
		run.stop()
	}
	return while("Ensure waits", started(ctx))
}

func (e *ensured) forget(key string, run *ensureRun) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.runs[key] == run {
		delete(e.runs, key)
	}
}

func (r *ensureRun) over() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

// Truncate deletes all items of the table, guards of Unique values and items of no entity among them; on a table made by [Table.Scoped] those in
// its scope, and the guards of their values. It is for tests: it reads the whole table, which is billed, and checks no version. It scans in as many segments as [Concurrency]
// says and deletes in batches as BatchWrite does; [Pace], [PaceUnits] and [Attempts] count. Items that are written meanwhile may stay. A missing table is an error. After an
// error, or when the context has ended, part of the items may be left; call it again.
func (t *Table) Truncate(ctx context.Context) error {
	ctx, v := t.begin(ctx, "Truncate")
	segments := t.options.inParallel()
	if t.options.pace > 0 || t.options.paceUnits > 0 {
		segments = 1 // they bound one batch at a time
	}
	deleted, err := countAll(ctx, segments, segments, func(ctx context.Context, i int) (int, error) {
		return t.truncate(ctx, i, segments)
	})
	return v.end(ctx, err, deleted)
}

// truncate deletes the items of a segment, page by page.
func (t *Table) truncate(ctx context.Context, segment, segments int) (deleted int, _ error) {
	o := t.options
	o.concurrency, o.progress, o.stopEarly = 1, nil, false
	run := batchRun{core: t.tableCore, options: &o, size: maxBatchWrite, send: func(ctx context.Context, chunk []*batchEntry) (batchAnswer, error) {
		return t.sendWrites(ctx, &o, chunk)
	}}
	in := t.scanKeys(segment, segments)
	for {
		out, err := read(ctx, t.tableCore, &o, t.client.Scan, in)
		if err != nil {
			return deleted, err
		}
		var entries []*batchEntry
		for _, item := range out.Items {
			if t.ownsKey(item) {
				entries = append(entries, t.deletion(item))
			}
		}
		run.all(ctx, entries)
		for _, e := range entries {
			if e.err != nil {
				return deleted, e.err
			}
			deleted++
		}
		if len(out.LastEvaluatedKey) == 0 {
			return deleted, nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

// scanKeys reads keys, and the owners of guards.
func (t *Table) scanKeys(segment, segments int) *dynamodb.ScanInput {
	in := &dynamodb.ScanInput{
		TableName: ptr(t.Name()), ConsistentRead: ptr(true), ExpressionAttributeNames: map[string]string{"#o": guardOwner},
		Segment: ptr(int32(segment)), TotalSegments: ptr(int32(segments)), ReturnConsumedCapacity: t.options.returnCapacity(),
	}
	projection := "#o"
	for i, k := range t.primary.all() {
		name := fmt.Sprintf("#%d", i)
		in.ExpressionAttributeNames[name] = k.Name
		projection += ", " + name
	}
	in.ProjectionExpression = ptr(projection)
	return in
}

// ownsKey says whether an item is in the table's scope, or guards a value of one that is.
func (t *Table) ownsKey(item attributeMap) bool {
	partition := t.primary.partition[0].Name
	if t.options.inScope(orNull(item[partition])) == nil {
		return true
	}
	at, _ := item[partition].(*types.AttributeValueMemberS)
	owner := ownerOf(item)
	return at != nil && strings.HasPrefix(at.Value, guardWord+string(t.delimiter)) && owner != nil &&
		t.options.inScope(orNull(owner[partition])) == nil
}

func (t *Table) deletion(item attributeMap) *batchEntry {
	key := attributeMap{}
	for _, k := range t.primary.all() {
		key[k.Name] = item[k.Name]
	}
	return &batchEntry{
		table: t.Name(), core: t.tableCore, key: key, id: keyID{text: keyIdentity(t.Name(), t.tableCore, key)}, places: 1,
		batchedWrite: &batchedWrite{deletes: true, bytes: wireSize(t.Name(), key)},
	}
}
