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
// PartiQL, the parameters from before there were expressions, backups, global
// tables, imports and exports are refused with an error, never ignored.
// Signatures and credentials are not checked. Global indexes are consistent at
// once. Isolation is by engine: all who use one see the same tables.
package memdb
