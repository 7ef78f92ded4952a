// Package memdb is an in-memory DynamoDB for development: tests, examples and
// work without a network. It is a test double and keeps nothing; production is
// DynamoDB itself.
//
//	engine := memdb.New(memdb.Options{})
//	client := engine.Client() // a real *dynamodb.Client, without a socket
//
// [Engine.Handler] serves the same engine over HTTP to any SDK and to the AWS
// CLI, and the command cmd/memdb runs it on a port.
//
// # What it does
//
// Tables with local and global secondary indexes (multi-attribute keys too), the
// expression language, batches, transactions, paging, consumed capacity, TTL and
// streams follow the service's rules, limits and errors. Numbers are decimals of
// 38 digits. A query costs O(log n + items read).
//
// Nothing happens by itself: time comes from [Options.Clock], items expire when
// [Engine.Sweep] is called, and faults (throttling, conflicts, unprocessed items)
// occur where [Faults] says so. Nothing sleeps and there is no goroutine.
//
// # What it does not
//
// PartiQL, the parameters from before there were expressions (such as Expected,
// KeyConditions and AttributesToGet), backups, global tables, imports and exports
// are refused with an error, never ignored. Signatures and credentials are not
// checked. Global indexes are consistent at once; capacity is counted but never
// runs out. Isolation is by engine: all who use one see the same tables.
//
// # Streams
//
//	streams := engine.StreamsClient() // a real *dynamodbstreams.Client
//
// A stream has [Options.StreamShards] shards, and more where a test calls
// [Engine.RollShards] or [Engine.SplitShards]; no shard closes by itself. The
// records of one item are in order within its shard and from a closed shard to
// its children. By the engine's clock, records live for 24 hours, a closed shard
// is listed for 24 hours after it was closed, the stream of a deleted table or one
// that was disabled can be read for 24 hours, and an iterator lives for 15 minutes.
// Beyond 100 000 records a shard drops its oldest half. GetRecords is not limited in
// rate. The closing of a shard has a sequence number of its own, which is higher
// than that of its last record.
//
// DynamoDB Local 3.3.1 differs: it fails with a status of 500 for a sequence number
// that is none of the shard and for AT_TIMESTAMP, where memdb answers a
// ValidationException and a position; a shard ends there with its last record's
// number, and its closed shards cannot be made by a test.
//
// # How close it is
//
// It passes 542 of the 601 checks of the public suite nubo-db/dynamodb-conformance,
// run on 2026-11-21 against cmd/memdb; DynamoDB Local 3.3.1 passes 530. What fails
// is what is refused: 34 checks of the parameters from before expressions, and the
// 25 of PartiQL, which the suite skips where it is missing. Where DynamoDB Local is
// known to differ from the service, memdb follows the service's rules. The wording
// of messages is like the service's where the suite checks it; do not rely on it
// elsewhere.
package memdb
