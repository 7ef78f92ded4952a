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
// runs out. Items are not spread over partitions, so a stream has one shard.
// Isolation is by engine: all who use one see the same tables.
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
