// Package stream reacts to the changes of items, which DynamoDB Streams tells, with the entities and types that the rest of the program has.
//
// A [Router] brings each change to the handlers of its entity:
//
//	router, err := stream.NewRouter(
//		stream.On(users).
//			Insert(func(ctx context.Context, now User) error { … }).
//			Modify(func(ctx context.Context, old, now User) error { … }).
//			Remove(func(ctx context.Context, old User) error { … }),
//		stream.On(orders).Upsert(func(ctx context.Context, now Order) error { … }),
//	)
//
// Two things feed it: AWS Lambda, through the module monotable/lambda, and a [Poller], which follows the stream from any program, alone or as one of several.
//
// # What DynamoDB promises, and what follows
//
// The changes of one item come in order, and each at least once: after a crash some come again. The changes of different items come in any order, those of one transaction too, which are
// told apart, item by item, and at different times. A stream keeps them for 24 hours.
//
// So a handler must bear repetition:
//
//   - What it writes to a projected item that follows one source item, it makes conditional with [Newer]: one conditional write, and one attribute of the projected item.
//   - What is made of several source items, such as a sum, it writes with [Once]: a transaction, which costs twice the write units, and a mark that stays for each source item.
//   - What goes elsewhere, such as a mail, it keys by the record's ID.
//
// A handler that reads the table sees what is there now, which may be newer than its record.
//
// # What fails
//
// A record whose handler fails is tried again, and holds back the later records of its own item; the other items of its page are handled. Lambda then delivers the batch again from the first failed
// record on. A [Poller] does not read its shard on before the page is handled, however long that takes: [Park] puts a record aside that fails for good. Its checkpoint is behind the last record before which all are handled.
//
// # A Poller in a program
//
// A switched-on stream ([monotable.Stream] as an option of Ensure), a client of the SDK's package dynamodbstreams, a [lease.Store], and Run in a goroutine until a context ends:
//
//	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
//	defer stop()
//	err := poller.Run(ctx) // nil when it was stopped, or when the stream has ended
//
// It needs the rights to DescribeStream, GetShardIterator and GetRecords on the stream, and to GetItem, PutItem, UpdateItem and DeleteItem on the table of the store. Reading is billed by call: each
// shard is read once a second while it is idle ([PollerConfig.Idle]), and each lease is renewed three times in its ttl.
//
// Guards of unique values, leases and marks, which monotable itself writes, are passed over. So are entities without a handler. What is of no entity goes to [Unknown].
package stream
