// Package migrate changes tables while they are in use: numbered migrations that one runner at a time applies, and what rewrites, moves and
// deletes items.
//
// # Migrations
//
// A [Set] is the list of a program's migrations; [Set.Up] applies those that are missing, in the order of their numbers, and is meant to be called at every start, or by a command. What is
// applied is recorded in a [lease.Store], which is one item in a table: the same or another.
//
// Numbers need not be without gaps, so that dates will do. But the order is strict: a migration whose number is below one that was begun is refused, for it would have run in
// another order here than elsewhere. Give it a higher one.
//
// A migration's function runs at least once. It may be killed at any request; then the next runner starts it again, with what it has saved by [Run.Save], and what it did
// twice must be as good as done once. [Run.Do] counts its writes and leaves them out of a dry run.
//
// # The order of a deployment
//
// A new index, or another template of its keys, comes in four steps, each of which programs of the step before survive:
//
//  1. Ensure makes the table, if a program starts for the first time; only then there is a Store in it, and Up. [AddIndexes] adds the index to a table that is there.
//  2. Programs that write the new keys are deployed, everywhere.
//  3. [ReindexItems], in the next migration, or [Reindex], rewrites the items that were stored before.
//  4. Programs that read the new index are deployed; and when none reads the old one, which is no longer declared, [DropIndex] drops it.
//
// The steps 1 and 3 are migrations of two releases: a migration that rewrites items while older programs still write the old form has done nothing for what they write after it.
//
// # One runner
//
// A runner works under a [lease.Lease], and everything that is recorded is conditioned on it: a runner that lost its lease, because it was paused at the wrong moment, say, records
// nothing. Its other writes are its own to protect: items rewritten on the condition that they are as they were read ([Backfill] and [Reindex] do so), a
// transaction with [Run.Check], or a condition on [Run.Fence].
//
// DynamoDB's conditions hold in one region. In a global table let one region run migrations.
package migrate
