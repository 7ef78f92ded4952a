// Package migrate changes tables while they are in use: numbered migrations that one runner at a time applies, leases with fences, and what rewrites, moves and
// deletes items.
//
// # Migrations
//
// A [Set] is the list of a program's migrations; [Set.Up] applies those that are missing, in the order of their numbers, and is meant to be called at every start, or by a command. What is
// applied is recorded in a [Store], which is one item in a table: the same or another.
//
// Numbers need not be without gaps, so that dates will do. But the order is strict: a migration whose number is below one that was begun is refused, for it would have run in
// another order here than elsewhere. Give it a higher one.
//
// A migration's function runs at least once. It may be killed at any request; then the next runner starts it again, with what it has saved by [Run.Save], and what it did
// twice must be as good as done once. [Run.Do] counts its writes and leaves them out of a dry run.
//
// # One runner
//
// A [Lease] is an item that names its holder, and is renewed by conditional writes. Another one takes it over after it has itself seen the item unchanged for the whole ttl by its
// own monotonic clock, so clocks of different machines need not agree. The holder stops believing in its lease earlier than that: its context ends. No clock can exclude that a
// process is paused at the wrong moment. So each acquisition has a higher fence and a random owner, and everything that is recorded is conditioned on them: a runner that
// lost its lease records nothing. Its other writes are its own to protect: items rewritten on the condition that they are as they were read ([Backfill] and [Reindex] do so), a
// transaction with [Run.Check], or a condition on [Run.Fence].
//
// Replies that are lost change nothing: each write knows itself by its number when it is sent again.
//
// DynamoDB's conditions hold in one region. In a global table let one region run migrations.
package migrate
