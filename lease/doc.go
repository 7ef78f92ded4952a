// Package lease gives the right to work under a name to one process at a time, and keeps what that process has saved under the name for the next one. It is what
// migrations, streams and sagas stand on, and good for a nightly job.
//
// A [Lease] is an item that names its holder, and is renewed by conditional writes. Another one takes it over after it has itself seen the item unchanged for the whole ttl by its
// own monotonic clock, so clocks of different machines need not agree. The holder stops believing in its lease earlier than that: its context ends.
//
// # Fencing
//
// No clock can exclude that a process is paused at the wrong moment, and goes on when another one has the lease. So each acquisition has a random owner and a higher fence, and what is
// saved in the record is conditioned on them: a holder that lost its lease saves nothing. Its other writes are its own to protect, in one of three ways:
//
//   - items are written on the condition that they are as they were read;
//   - a transaction has [Lease.Check] beside the writes, which refuses them unless the lease is still the holder's;
//   - items carry the highest fence that wrote them, see [Lease.Fence], and refuse lower ones.
//
// Replies that are lost change nothing: each write knows itself by its number when it is sent again.
//
// DynamoDB's conditions hold in one region. In a global table let one region hold the leases.
package lease
