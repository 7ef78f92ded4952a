package monotable

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable/internal/keytmpl"
)

// Client is what monotable needs of DynamoDB: the ten item calls of the SDK. A
// *[dynamodb.Client] is one and gets everything; wrappers and other implementations work with
// what they pass on. One that drops the options of a call hides the SDK's attempts, and is not bounded by [TableConfig.AttemptTimeout]: any
// error of it that is not the service's answer is ErrOutcomeUnknown, and refusals are [ConditionError.Ambiguous] unless the item tells.
type Client interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	Scan(context.Context, *dynamodb.ScanInput, ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error)
	BatchGetItem(context.Context, *dynamodb.BatchGetItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error)
	BatchWriteItem(context.Context, *dynamodb.BatchWriteItemInput, ...func(*dynamodb.Options)) (*dynamodb.BatchWriteItemOutput, error)
	TransactGetItems(context.Context, *dynamodb.TransactGetItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactGetItemsOutput, error)
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
}

// TableConfig declares a table's name and keys as they are. Nothing is read from the environment and nothing is
// sent by NewTable. Only Name and PartitionKey are required.
type TableConfig struct {
	Name             string
	PartitionKey     string                    // attribute name
	SortKey          string                    // attribute name; "" for a table without
	PartitionKeyType types.ScalarAttributeType // defaults to S
	SortKeyType      types.ScalarAttributeType // defaults to S
	Indexes          []Index

	// CursorKeys are the secrets that cursors are signed with: the first signs, all verify, so keys can be rotated. Without
	// any, the table makes one at random and logs one warning: such cursors are good in this process only.
	CursorKeys []CursorKey

	// CursorLifetime bounds how long a cursor is good, by Clock, to the second. 0 or less is no bound. Once it is set, cursors made without it are refused.
	CursorLifetime time.Duration

	TypeTag       string           // attribute that holds the entity's name; defaults to "_et"
	WriteID       string           // attribute that holds the id of the last write to an item with a Version; defaults to "_w". T may have a text field for it
	SchemaVersion string           // attribute that holds the schema version of items of entities with [Schema.Upgrades]; defaults to "_sv"
	Delimiter     string           // one ASCII punctuation character between the parts of keys; defaults to "#"
	Clock         func() time.Time // for timestamps and expiry; defaults to time.Now

	// Validator, if set, checks every whole item of every entity besides its rules. A
	// *validator.Validate of go-playground/validator is one.
	Validator StructValidator

	// AttemptTimeout bounds each attempt of each call; the SDK has no bound of its own. An attempt that runs into it may have taken
	// effect, and is tried again as after any lost reply. 0 means 10 seconds, below 0 none. The caller's context bounds the whole.
	AttemptTimeout time.Duration

	// Observer, if set, is told of all operations and attempts. Requests then ask for the capacity they consume.
	Observer Observer

	// Strict refuses reads that cost much more than they return, with ErrInvalid before anything is sent: every Scan, also of an index, and every Query
	// with a Filter but no condition on the sort key, which reads a whole partition and then drops from it. The literal that a sort key's
	// template begins with is a condition, the type tag is not, and an index without a sort key can have none. It takes [AllowScan] to run them. False lets everything run; [Query.Explain] warns of the same.
	// CheckUnique and RepairUnique scan in any case.
	Strict bool

	ClientOptions []func(*dynamodb.Options) // passed to every call of the client
	Logger        *slog.Logger              // for what has no error to travel in; defaults to slog.Default()
}

// StructValidator checks a struct by its own means. An error refuses the write with [ErrInvalid].
type StructValidator interface {
	StructCtx(ctx context.Context, item any) error
}

// Index declares a secondary index as it is on the table.
//
// Usually PartitionKey and SortKey name attributes that templates of [Schema.Indexes] fill. An
// index whose keys are attributes of T, of the table's own key, or the type tag needs no template.
// Multi-attribute keys (global indexes only) are given in PartitionKeys and SortKeys instead, up to four each.
type Index struct {
	Name             string                    `json:"name"`
	PartitionKey     string                    `json:"partitionKey,omitempty"` // Local: may be left out, it is the table's
	SortKey          string                    `json:"sortKey,omitempty"`
	PartitionKeyType types.ScalarAttributeType `json:"partitionKeyType,omitempty"` // defaults to S
	SortKeyType      types.ScalarAttributeType `json:"sortKeyType,omitempty"`      // defaults to S
	PartitionKeys    []KeyAttribute            `json:"partitionKeys,omitempty"`
	SortKeys         []KeyAttribute            `json:"sortKeys,omitempty"`
	Local            bool                      `json:"local,omitempty"`     // a local secondary index: the table's partition key, consistent reads
	Projection       types.Projection          `json:"projection,omitzero"` // the zero value means ALL
}

// KeyAttribute is one attribute of a key. Type defaults to S.
type KeyAttribute struct {
	Name string                    `json:"name"`
	Type types.ScalarAttributeType `json:"type,omitempty"`
}

const (
	maxCursorID = 64 // bytes
	minSecret   = 32
)

// CursorKey is a secret for cursors, 32 bytes or more, and the name it is known by in them, up to 64 bytes.
type CursorKey struct {
	ID     string
	Secret []byte `json:"-"`

	// Encrypt makes new cursors unreadable (AES-256-GCM), for keys that hold names, addresses or tenants. Two cursors of one place then
	// differ. Cursors that were made without it are still taken. A key should not encrypt more than four billion cursors.
	Encrypt bool
}

const (
	defaultTypeTag   = "_et"
	defaultDelimiter = "#"
)

// Table is a declared table. Besides its configuration it only learns the entities
// defined on it, to refuse keys that could meet. It is safe for concurrent use. The zero Table is of no use: make one with [NewTable].
type Table struct {
	*tableCore
	options options
}

// tableCore is what all derived tables share.
type tableCore struct {
	client        Client
	isSDK         bool // client is the SDK's own, so nothing is lost between it and us
	isPlain       bool // and nobody else looks at what it is given
	name          string
	tag           string
	writeID       string
	schemaVersion string
	delimiter     byte
	clock         func() time.Time
	validator     StructValidator
	logger        *slog.Logger
	strict        bool
	primary       indexKeys
	indexes       map[string]*indexKeys
	cursors       cursorKeys

	mu     sync.RWMutex
	models map[string]*model // by entity name and alias

	ensured ensured
	shapes  shapeCache // of the expressions that were sent
}

// indexKeys are the key attributes of the table (name "") or of an index.
type indexKeys struct {
	name       string
	partition  []KeyAttribute
	sort       []KeyAttribute
	local      bool
	projection types.Projection
}

// NewTable declares a table for client. It sends nothing. All mistakes come together in a [DefinitionError].
func NewTable(client Client, cfg TableConfig) (*Table, error) {
	problems := &DefinitionError{Name: strings.TrimSpace("table " + cfg.Name)}
	sdk, isSDK := client.(*dynamodb.Client)
	if client == nil || isSDK && sdk == nil {
		problems.add("", "client is nil")
	}
	if !strings.HasPrefix(cfg.Name, "arn:") && !tableName.MatchString(cfg.Name) {
		problems.add("Name", "must be 3 to 255 letters, digits, '_', '-' and '.', or an ARN")
	}
	core := &tableCore{
		client:        client,
		name:          cfg.Name,
		tag:           or(cfg.TypeTag, defaultTypeTag),
		writeID:       or(cfg.WriteID, defaultWriteID),
		schemaVersion: or(cfg.SchemaVersion, defaultSchemaVersion),
		clock:         cfg.Clock,
		validator:     cfg.Validator,
		logger:        cfg.Logger,
		strict:        cfg.Strict,
		indexes:       map[string]*indexKeys{},
		models:        map[string]*model{},
	}
	base := options{client: slices.Clone(cfg.ClientOptions), timeout: cfg.AttemptTimeout, observer: cfg.Observer}
	if sdk != nil {
		core.isSDK, core.isPlain = true, isPlain(sdk.Options())
		base.signing, base.endpoints = signingOf(sdk), endpointsOf(sdk)
	}
	if core.clock == nil {
		core.clock = time.Now
	}
	if core.logger == nil {
		core.logger = slog.Default()
	}
	delimiter := or(cfg.Delimiter, defaultDelimiter)
	if why := keytmpl.DelimiterProblem(delimiter); why != "" {
		problems.add("Delimiter", "%q %s", delimiter, why)
	}
	core.delimiter = delimiter[0]

	core.primary.partition = keyAttributes(cfg.PartitionKey, cfg.PartitionKeyType, nil)
	core.primary.sort = keyAttributes(cfg.SortKey, cfg.SortKeyType, nil)
	if len(core.primary.partition) == 0 {
		problems.add("PartitionKey", "is empty")
	}
	types := map[string]KeyAttribute{}
	checkKeys(problems, "table", &core.primary, types)
	for _, index := range cfg.Indexes {
		core.addIndex(problems, index, types)
	}
	if _, ok := types[core.tag]; ok && types[core.tag].Type != "S" {
		problems.add("TypeTag", "%q is a key of type %s; the tag is text", core.tag, types[core.tag].Type)
	}
	if _, ok := types[core.writeID]; ok || core.writeID == core.tag {
		problems.add("WriteID", "%q is a key or the type tag", core.writeID)
	}
	if _, ok := types[core.schemaVersion]; ok || core.schemaVersion == core.tag || core.schemaVersion == core.writeID {
		problems.add("SchemaVersion", "%q is a key, the type tag or the write id", core.schemaVersion)
	}
	for field, name := range map[string]string{"TypeTag": core.tag, "WriteID": core.writeID, "SchemaVersion": core.schemaVersion} {
		if !utf8.ValidString(name) {
			problems.add(field, "must be UTF-8")
		}
	}
	for _, k := range core.primary.all() {
		if k.Name == core.tag {
			problems.add("TypeTag", "%q is a key of the table", core.tag)
		}
	}
	ids := map[string]bool{}
	for i, k := range cfg.CursorKeys {
		if k.ID == "" || len(k.ID) > maxCursorID || len(k.Secret) < minSecret || ids[k.ID] {
			problems.add(fmt.Sprintf("CursorKeys[%d]", i), "needs an ID of its own, of %d bytes at most, and a Secret of at least %d bytes", maxCursorID, minSecret)
		}
		ids[k.ID] = true
		core.cursors.keys = append(core.cursors.keys, newCursorKey(k))
	}
	core.cursors.lifetime = cfg.CursorLifetime
	core.cursors.warn = func() {
		core.logger.Warn("monotable: the table has no CursorKeys; its cursors are good in this process only", "table", core.name)
	}
	if err := problems.orNil(); err != nil {
		return nil, err
	}
	return &Table{tableCore: core, options: base}, nil
}

const maxKeyName = 255

// tableName is what DynamoDB takes for the name of a table or an index.
var tableName = regexp.MustCompile(`^[a-zA-Z0-9_.-]{3,255}$`)

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func keyAttributes(name string, t types.ScalarAttributeType, several []KeyAttribute) []KeyAttribute {
	if name != "" {
		several = []KeyAttribute{{Name: name, Type: t}}
	}
	all := make([]KeyAttribute, len(several))
	for i, k := range several {
		if all[i] = k; k.Type == "" {
			all[i].Type = types.ScalarAttributeTypeS
		}
	}
	return all
}

func (c *tableCore) addIndex(problems *DefinitionError, index Index, known map[string]KeyAttribute) {
	where := "index " + index.Name
	keys := &indexKeys{
		name:       index.Name,
		partition:  keyAttributes(index.PartitionKey, index.PartitionKeyType, index.PartitionKeys),
		sort:       keyAttributes(index.SortKey, index.SortKeyType, index.SortKeys),
		local:      index.Local,
		projection: index.Projection,
	}
	keys.projection.NonKeyAttributes = slices.Clone(index.Projection.NonKeyAttributes)
	switch {
	case index.Name == "":
		problems.add("Indexes", "an index has no name")
	case !tableName.MatchString(index.Name):
		problems.add(where, "a name must be 3 to 255 letters, digits, '_', '-' and '.'")
	case c.indexes[index.Name] != nil:
		problems.add(where, "is declared twice")
	}
	if index.PartitionKey != "" && len(index.PartitionKeys) > 0 || index.SortKey != "" && len(index.SortKeys) > 0 {
		problems.add(where, "give one attribute (PartitionKey, SortKey) or several (PartitionKeys, SortKeys), not both")
	}
	if keys.local {
		if len(keys.partition) == 0 {
			keys.partition = c.primary.partition
		}
		if len(keys.partition) != 1 || len(c.primary.partition) == 1 && keys.partition[0] != c.primary.partition[0] {
			problems.add(where, "a local index has the table's partition key")
		}
		if len(keys.sort) != 1 || len(c.primary.sort) == 0 {
			problems.add(where, "a local index has one sort key of its own, on a table with a sort key")
		}
	}
	if len(keys.partition) == 0 {
		problems.add(where, "has no partition key")
	}
	if len(keys.partition) > 4 || len(keys.sort) > 4 {
		problems.add(where, "has more than four partition or sort attributes")
	}
	switch p := index.Projection; p.ProjectionType {
	case "", types.ProjectionTypeAll, types.ProjectionTypeKeysOnly:
		if len(p.NonKeyAttributes) > 0 {
			problems.add(where, "NonKeyAttributes go with the projection INCLUDE")
		}
	case types.ProjectionTypeInclude:
		if len(p.NonKeyAttributes) == 0 {
			problems.add(where, "the projection INCLUDE needs NonKeyAttributes")
		}
	default:
		problems.add(where, "unknown projection %q", p.ProjectionType)
	}
	checkKeys(problems, where, keys, known)
	c.indexes[index.Name] = keys
}

// checkKeys checks names and types; one attribute has one type on the whole table.
func checkKeys(problems *DefinitionError, where string, keys *indexKeys, known map[string]KeyAttribute) {
	seen := map[string]bool{}
	for _, k := range keys.all() {
		switch {
		case k.Name == "":
			problems.add(where, "a key attribute has no name")
		case len(k.Name) > maxKeyName || !utf8.ValidString(k.Name):
			problems.add(where, "the name of a key attribute must be UTF-8 and of %d bytes at most", maxKeyName)
		case seen[k.Name]:
			problems.add(where, "%q is in the key twice", k.Name)
		case known[k.Name].Name != "" && known[k.Name].Type != k.Type:
			problems.add(where, "%q is of type %s here and %s elsewhere", k.Name, k.Type, known[k.Name].Type)
		}
		if k.Type != types.ScalarAttributeTypeS && k.Type != types.ScalarAttributeTypeN && k.Type != types.ScalarAttributeTypeB {
			problems.add(where, "%q has type %q; keys are S, N or B", k.Name, k.Type)
		}
		seen[k.Name] = true
		known[k.Name] = k
	}
}

func (k *indexKeys) all() []KeyAttribute {
	return append(k.partition[:len(k.partition):len(k.partition)], k.sort...)
}

// projects says whether items in the index carry an attribute, given the table's own keys.
func (k *indexKeys) projects(primary *indexKeys, name string) bool {
	if k.projection.ProjectionType == "" || k.projection.ProjectionType == types.ProjectionTypeAll {
		return true
	}
	for _, key := range append(k.all(), primary.all()...) {
		if key.Name == name {
			return true
		}
	}
	for _, n := range k.projection.NonKeyAttributes {
		if n == name {
			return true
		}
	}
	return false
}

// With gives a table whose own calls use the options, and so does every call of the entities that are defined on it from now on. An
// operation in a batch or transaction keeps those of the entity that made it. The table itself is unchanged.
func (t *Table) With(opts ...Option) *Table {
	derived := *t
	derived.options = t.options.with(opts)
	return &derived
}

// Scoped gives a table whose entities, defined on it from now on, reach only items whose partition key is prefix or goes on behind
// it after a delimiter: "TENANT#7" admits "TENANT#7" and "TENANT#7#USER#1", not "TENANT#70". A key outside of it is refused with ErrInvalid before anything is sent; queries of indexes and scans filter by it, and
// batches and transactions of the scoped table refuse it whatever entity an operation is of. A scope of a scoped table narrows it. It is for
// tables whose partition key is text. The table itself is unchanged.
func (t *Table) Scoped(prefix string) *Table {
	derived := *t
	inner := scope{whole: prefix, prefix: strings.TrimSuffix(prefix, string(t.delimiter)) + string(t.delimiter)}
	derived.options.scopes = append(slices.Clip(t.options.scopes), inner)
	return &derived
}

// Name is the table's name.
func (t *Table) Name() string { return t.options.tableName(t.tableCore) }

// learn registers a model and refuses names and keys that could meet another entity's.
func (c *tableCore) learn(m *model, problems *DefinitionError) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range m.names() {
		if other := c.models[name]; other != nil && !other.sameAs(m) {
			problems.add("Name", "%q is already another entity of this table", name)
		}
	}
	for _, other := range c.models {
		if m.expires != nil && other.expires != nil && m.expires.path[0] != other.expires.path[0] && !other.sameAs(m) {
			problems.add(m.expires.String(), "a table has one TTL attribute, and entity %s has %s", other.name, other.expires)
		}
		if other.sameAs(m) || other.family != "" && other.family == m.family {
			continue
		}
		if m.meets(other) {
			problems.add("Key", "can make the same key as entity %s; change a template, or give both the same Family", other.name)
		}
	}
	guarded := func(m, other *model) {
		for _, u := range other.uniques {
			if m.primary.meets(u.key) {
				problems.add("Key", "%s can make the key of a guard of %s.%s, which begins with %s", m.name, other.name, u.attribute, guardWord)
			}
		}
	}
	guarded(m, m)
	for _, other := range c.besides(m) {
		guarded(m, other)
		guarded(other, m)
	}
	if len(problems.Problems) > 0 {
		return
	}
	for _, name := range m.names() {
		c.models[name] = m
	}
}

// all are the models, in the order of their names.
func (c *tableCore) all() []*model {
	c.mu.RLock()
	defer c.mu.RUnlock()
	var all []*model
	for _, name := range slices.Sorted(maps.Keys(c.models)) {
		if m := c.models[name]; name == m.name {
			all = append(all, m)
		}
	}
	return all
}

// others are the models besides m.
func (c *tableCore) others(m *model) []*model {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.besides(m)
}

// besides is others under the lock.
func (c *tableCore) besides(m *model) []*model {
	var all []*model
	for name, other := range c.models {
		if name == other.name && !other.sameAs(m) {
			all = append(all, other)
		}
	}
	return all
}

// sharesClient says that calls of both may go into one request. Clients that cannot be compared are those of one table only.
func (c *tableCore) sharesClient(other *tableCore) bool {
	return c == other || reflect.ValueOf(c.client).Comparable() && reflect.ValueOf(other.client).Comparable() && c.client == other.client
}
