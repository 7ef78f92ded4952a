// Package monotable keeps many kinds of record in one DynamoDB table, each as a Go type.
//
// A table's keys are declared once, each kind of record once, in plain Go. Typed calls then become correct
// DynamoDB requests, and what comes back becomes those types. A wrong program does not compile; failing that,
// it does not start; failing that, the call is refused before anything is sent.
//
// # The parts
//
// A [Table] is a table as it is: names and types of its keys and indexes, and a [Client], which a
// *dynamodb.Client is. A [Schema] is a kind of record: its name, the templates of its keys, its rules. It is
// data and knows no client. [NewEntity] joins the two into an [Entity], whose methods are the verbs. [Field]
// makes typed handles ([Attr]) on attributes; rules ([Rule]), changes ([Change]) and conditions ([Cond]) are
// made of them.
//
// The tags of a type are those of the SDK's attributevalue package, dynamodbav, and mean the same, except
// where that would send what DynamoDB refuses or store what is not read back: see "Attributes" below.
//
//	type Order struct {
//		UserID string `dynamodbav:"userId"`
//		ID     string `dynamodbav:"orderId"`
//		Status string `dynamodbav:"status"`
//	}
//
//	var orderID = monotable.Field(func(o *Order) *string { return &o.ID })
//
//	var orderSchema = monotable.Schema[Order]{
//		Name: "Order",
//		Key:  monotable.Key{Partition: "USER#{userId}", Sort: "ORDER#{orderId}"},
//	}
//
//	table, err := monotable.NewTable(client, monotable.TableConfig{Name: "app", PartitionKey: "PK", SortKey: "SK"})
//	orders, err := monotable.NewEntity(table, orderSchema)
//	order, err := orders.Get(ctx, Order{UserID: "ann", ID: "2026-001"})
//
// # Keys
//
// PK, SK and the keys of indexes are attributes beside those of the type, made by templates ([Key]). A
// placeholder names an attribute as it is stored. The delimiter, "#" unless [TableConfig] says otherwise, is
// refused in values, so that two records never share a key; [Attr.Escaped] allows it where values need it.
// Padded numbers, {n:010}, and times sort by value. Entities whose templates could make the same key are
// refused by [NewEntity], unless they share a [Schema.Family].
//
// The key of a call is a T with its key fields set: the other fields are ignored, except for a version. An
// empty part of a primary key is an error. An empty part of an index key means that the item is not in the
// index.
//
// When [Entity.Update] changes a part of an index key, the key is recomputed in the same request. A part the
// call does not know is an error that names it: Set it, tell it with [Attr.Given], or use [Entity.Modify].
//
// # Verbs
//
//   - [Entity.Get] reads an item; [ErrNotFound] if there is none.
//   - [Entity.Create] stores a new item; [ErrAlreadyExists] if there is one.
//   - [Entity.Put] stores an item whole, new or in place of another. Attributes that the type does not know
//     are lost.
//   - [Entity.Update] changes what its changes name; [ErrNotFound] if there is no item. It never creates one.
//   - [Entity.Upsert] is Update, and Create where there is nothing.
//   - [Entity.Modify] reads, lets a function change the item, and writes what has changed; again, if another
//     writer was faster.
//   - [Entity.Delete] removes an item and returns it, or nil if nothing was there.
//   - [Entity.GetBy] reads the item that has a value of a unique attribute.
//
// Writes return what is stored, with defaults, times and version; arguments are never changed. Conditions are
// further arguments: of Update and Upsert they stand among the changes. Everything else is an [Option], given
// to With of a table, an entity or a query, which gives a changed copy.
//
// # Rules
//
// One pipeline serves every verb: defaults, transforms, derived values, validators. All that is wrong with an
// item comes at once, in a [ValidationError]. Update runs it on what it sets. Functions that need the whole
// item, [Schema.Validate] and [Attr.DefaultFunc], run where it is known: Create, Put, Modify, and the
// creating leg of Upsert.
//
// A default fills a zero value. Where zero means something, on numbers and bools, [Attr.Default] is refused:
// use a pointer, or say [Attr.DefaultZero]. An explicit Set of a zero value is written. A nil pointer, slice
// or map and an empty set cannot be stored and are left out.
//
// [CreatedAt], [UpdatedAt] and [Version] are written by monotable. An [Attr.Hidden] attribute is
// stored and not returned, unless the call says [Reveal]. An expired item counts as absent everywhere,
// although DynamoDB deletes it late.
//
// # Versions
//
// With [Version], Create wants 0. Put stores over the version it was given and no other: 0 wants nothing to
// be there. In the key of Update, Upsert, Modify and Delete a version above 0 is checked, and 0 is not. Every
// write adds 1. A version never means "absent or equal".
//
// # Queries
//
// [Entity.Query] reads a partition of the table, or, with [Query.Index], of an index; [Entity.Scan] reads
// everything. A [Query] is an immutable value: [Query.SortKey] narrows what is read, [Query.Filter] drops
// what was read and paid for. [Query.All] goes through the items lazily; [Query.Page] gives a page and the
// [Cursor] of the next; [Query.Collect], [Query.First] and [Query.Count] are what they say. [Query.Limit]
// bounds the items returned, [Query.PageSize] those that one request reads. [As] reads into a smaller struct,
// [Query.Hydrate] completes what an index does not project. [QueryMany] reads many partitions, [Query.Parallel]
// a whole table in segments, and says in a [SegmentError] how to go on after a failure. [Query.Explain] tells what a query will do, and warns.
//
// Only items of T are returned. Where the key templates of all entities prove that nothing else can be in the
// range, the key condition alone sees to that; elsewhere a filter on the type tag does.
//
// [Entity.Partition] is what stands together under one partition key, of all kinds: [Table.Collect] reads it
// into several slices with one query, a [Collection] into a struct of the caller's.
//
// A [Cursor] is signed and belongs to its query. [Page].Next leads on, [Page].Prev back.
//
// # Items of older forms
//
// [Attr.ReadDefault] is what a read gives for an attribute that an older item lacks. [Schema].Upgrades change
// items of older schema versions when they are read; [WriteBack] stores the outcome. An item of a newer
// version is [ErrNewerSchema], and is not overwritten.
//
// # Batches and transactions
//
// [Entity.BatchGet] and [Table.BatchWrite] take any number of items, split them, and send again what DynamoDB
// leaves undone; [BatchError] lists what was written and what was not. They are not atomic and check no
// conditions. [Table.TransactWrite] and [Table.TransactGet] are atomic, up to 100 operations;
// [TransactionError] has a reason for each. Operations are values of entities, such as [Entity.PutOp] and
// [Entity.UpdateOp], of any entities, also of other tables with the same client. An operation that a batch
// cannot carry, such as an update, does not compile there.
//
// # Errors
//
// Test with [errors.Is] for what a program branches on:
//
//   - [ErrInvalid]: refused here; nothing was sent. [ValidationError] and [DefinitionError] are it too.
//   - [ErrNotFound], [ErrAlreadyExists], [ErrVersionConflict], [ErrDuplicate], [ErrWrongEntity]: on a write
//     they are [ErrConditionFailed] too, and nothing was written.
//   - [ErrConditionFailed] alone: a condition of the caller's, or of a rule, did not hold.
//   - [ErrThrottled], [ErrUnprocessed]: for lack of capacity, after the retries.
//   - [ErrOutcomeUnknown]: sent, and no definite answer came. It may have been written.
//   - [ErrBadCursor]: a cursor that was altered, or is of another query.
//   - [ErrBudget]: a read ended at its bound of pages or units.
//   - [ErrNewerSchema], [ErrOutdatedSchema]: an item of another schema version.
//
// Take apart with [errors.AsType]: *[OpError] is the outermost, *[ConditionError] tells which attribute
// refused, and [Entity.Old] decodes the item that did. Texts name operation, entity and attribute, never
// values. The SDK's own error can always be reached.
//
// # Lost replies
//
// The SDK sends a request again when no answer came, though it may have been carried out. Each attempt is
// observed, so that this is told apart. In an item with a [Version] every write leaves an id: a refused write
// that finds its own there was carried out, and succeeds. A refusal without a lost reply before it is what it
// says; after one it is [ErrOutcomeUnknown], unless the item proves whose write is there. [OutcomeError] has
// what is needed to find out. Changes that count, such as [Add], are not sent again without a version to guard
// them. [ExactlyOnce] lets the service count: a transaction of one action with a token. Attempts end after
// [TableConfig.AttemptTimeout].
//
// # Unique values
//
// [Attr.Unique] lets one item have a value: a guard item holds it, written in the same transaction by every
// verb. [ErrDuplicate] says that it is taken, [Entity.GetBy] finds its owner, [Entity.CheckUnique] and
// [Entity.RepairUnique] compare guards and items.
//
// # Observation
//
// [TableConfig.Observer] is told of every operation and every attempt at a request: names, outcomes, items, capacity, durations, never keys
// or values. [SlogObserver] writes records; the module otel beside this one has spans and metrics of OpenTelemetry. Without one, nothing is done for it.
//
// # Attributes
//
// What monotable stores besides the attributes of the type: the keys of the table and its indexes; the
// entity's name as the type tag, "_et" unless [TableConfig] says otherwise; the id of the last write, "_w", in
// items with a version; the schema version, "_sv", of entities with upgrades; and the guard items of unique values. An item of another entity is [ErrWrongEntity],
// never decoded as T. [TagMode] says how to read and write tables that have no tags.
//
// A field is stored as attributevalue stores it, with these differences above all: a nil pointer, slice or
// map is left out instead of NULL; times are UTC with nine digits, so that they sort; names are matched
// exactly; a stored value of another type is an error, not a guess; numbers and texts that DynamoDB would
// refuse or change are errors. The whole list, with numbers, is in the package comment of internal/codec.
//
// # Concurrency and contexts
//
// Tables, entities, queries, handles, conditions and operations are immutable, or as good as (a Table learns
// its entities), and safe for concurrent use. There is no global state, and nothing is read from the
// environment. Every call takes a context; one that is done already sends nothing.
//
// # Tests
//
// Package memdb is an in-memory DynamoDB with the SDK's own client in front. Package monotabletest gives a
// test a table of its own: in memory, or on the server that DYNAMODB_ENDPOINT names.
package monotable
