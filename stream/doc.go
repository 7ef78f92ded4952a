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
// So a handler must bear repetition. What it writes to a projected item of one source item it makes conditional with [Newer]; other effects on tables it
// writes with [Once]; and what goes elsewhere, such as a mail, it keys by the record's ID. A handler that reads the table sees what is there now, which may be newer than its record.
//
// # What fails
//
// A record whose handler fails is tried again, and holds back the later records of its own item, not those of other items. [Attempts] bounds it, and [Park] puts such a
// record aside. A [Poller] goes on from its last checkpoint; Lambda delivers the rest of the batch again.
//
// Guards of unique values, leases and marks, which monotable itself writes, are passed over. So are entities without a handler. What is of no entity goes to [Unknown].
package stream
