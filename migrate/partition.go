package migrate

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/internal/call"
	"github.com/monotable/monotable/internal/codec"
	"github.com/monotable/monotable/internal/raw"
	"github.com/monotable/monotable/lease"
)

var (
	// ErrGuarded says that the partition has items of an entity with Unique attributes, whose guards would be left behind. See [LeaveGuards].
	ErrGuarded = errors.New("migrate: the partition has items with unique values, whose guards would be left behind")
	// ErrTargetTaken is why an item was not moved: another one is at its new key.
	ErrTargetTaken = errors.New("migrate: another item is at the new key")
)

// DeletePartition deletes all items of a partition, of whatever entity: page by page, by their keys alone, in batches. partition is the value of the table's partition
// key. It is for partitions that nobody writes to any more: an item that is changed meanwhile goes as well, and one that is added may stay. After a crash, or an error, call it again: it deletes what is left; a partition
// without items has nothing to delete. One call at a time works on a partition, by a lease of the store that is named after a hash of the key; another one is [lease.ErrHeld].
//
// Items with Unique values are refused with [ErrGuarded] before anything is deleted, unless [LeaveGuards] is given. To find them the whole partition is read once, if the table has such entities.
// [Concurrency] is of batches. The report's Rewritten counts what was deleted.
func DeletePartition(ctx context.Context, store *lease.Store, table *monotable.Table, partition types.AttributeValue, opts ...BackfillOption) (Report, error) {
	b := newBackfill(store, "delete partition", table, opts)
	return b.onPartition(ctx, partition, func(ctx context.Context) error {
		return b.queryPages(ctx, partition, true, b.deletePage)
	})
}

// MovePartition moves all items of a partition to another one, of whatever entity, each in a transaction that puts it under its new key and deletes the old one. It is given the values of the table's
// partition key. The keys of indexes, the tag and so on are made as today's schemas say, see [monotable.Table.Fresh]; so the attributes that
// make the partition key must change as well: [Rewrite]. Versions stay.
//
// An item is deleted only as it was read; if another writer was faster it is read and moved again. (That is by all attributes that were read or are declared; of what to do
// with more than DynamoDB compares at once see [Backfill].) An item whose new key is taken by another one has failed, with [ErrTargetTaken]; so has one whose new key is not what its entity makes of it. Writers that go on with the old keys find nothing
// there; what they add after the page was read stays, so call it again when all use the new ones. The same after a crash, or an error: it moves what is left. Guards and records are left alone, and
// counted as foreign. Of leases, Unique values and errors the same holds as for [DeletePartition] and [Backfill]. The report's Rewritten counts what was moved.
func MovePartition(ctx context.Context, store *lease.Store, table *monotable.Table, from, to types.AttributeValue, opts ...BackfillOption) (Report, error) {
	b := newBackfill(store, "move partition", table, opts)
	if err := b.layout.isPartition(to); err != nil {
		return Report{}, err
	}
	if codec.Equal(orNull(from), to) {
		return Report{}, fmt.Errorf("%w: a partition cannot move to itself", ErrInvalid)
	}
	b.work = func(ctx context.Context, stored item) (outcome, error) { return b.move(ctx, table, stored, to) }
	return b.onPartition(ctx, from, func(ctx context.Context) error {
		return b.queryPages(ctx, from, false, b.page)
	})
}

// onPartition works on a partition under its lease.
func (b *backfill) onPartition(ctx context.Context, partition types.AttributeValue, work func(context.Context) error) (Report, error) {
	if err := errors.Join(b.layout.whole(), b.layout.isPartition(partition)); err != nil {
		return Report{}, err
	}
	b.known = make([]segment, 1) // for the report
	err := b.alone(ctx, partition, func(ctx context.Context) error {
		if err := b.refuseGuarded(ctx, partition); err != nil {
			return err
		}
		b.meter.begin(Report{})
		return work(ctx)
	})
	report := b.known[0].report
	if err == nil {
		b.meter.tell(report, 0, true)
		err = report.failed(b.name)
	}
	return report, err
}

// alone works under the lease of a partition. A dry run needs none.
func (b *backfill) alone(ctx context.Context, partition types.AttributeValue, work func(context.Context) error) error {
	if b.dryRun {
		return work(ctx)
	}
	if b.store == nil {
		return fmt.Errorf("%w: a partition is changed under a lease, which needs a Store", ErrInvalid)
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %T %v", b.layout.name, partition, scalar(partition)))
	for try := 1; ; try++ {
		l, err := b.store.Acquire(ctx, "partition:"+b.layout.name+":"+hex.EncodeToString(sum[:8]), b.ttl)
		if err != nil {
			return err
		}
		err = under(ctx, l, func(l *lease.Lease) error { return work(l.Context()) })
		if ctx.Err() != nil || !errors.Is(err, lease.ErrLost) || try >= b.tries {
			return err
		} // lost: what is left can be done as well by whoever gets it now
	}
}

// scalar is the value of a key.
func scalar(av types.AttributeValue) any {
	switch av := av.(type) {
	case *types.AttributeValueMemberS:
		return av.Value
	case *types.AttributeValueMemberB:
		return av.Value
	case *types.AttributeValueMemberN:
		if n, err := codec.CanonicalNumber(av.Value); err == nil {
			return n
		}
	}
	return nil
}

// query reads a partition.
func (b *backfill) query(partition types.AttributeValue) *dynamodb.QueryInput {
	return &dynamodb.QueryInput{
		TableName: &b.layout.name, ConsistentRead: new(true), KeyConditionExpression: new("#p = :p"),
		ExpressionAttributeNames: map[string]string{"#p": b.layout.keys[0]}, ExpressionAttributeValues: item{":p": partition},
	}
}

// queryPages goes through the items of a partition, or their keys.
func (b *backfill) queryPages(ctx context.Context, partition types.AttributeValue, keysOnly bool, work func(context.Context, []item) (Report, error)) error {
	in := b.query(partition)
	in.Limit = &b.pageSize
	if keysOnly {
		names := []string{"#p"}
		for _, name := range b.layout.keys[1:] {
			names = append(names, "#s")
			in.ExpressionAttributeNames["#s"] = name
		}
		in.ProjectionExpression = new(strings.Join(names, ", "))
	}
	return b.each(ctx, in, func(out *dynamodb.QueryOutput) error {
		report, err := work(ctx, out.Items)
		total := &b.known[0].report
		total.add(report)
		total.Failures = total.Failures[:min(len(total.Failures), b.keep)]
		if err == nil && len(out.LastEvaluatedKey) > 0 {
			b.meter.tell(*total, 0, false)
		}
		return err
	})
}

// each reads page after page.
func (b *backfill) each(ctx context.Context, in *dynamodb.QueryInput, work func(*dynamodb.QueryOutput) error) error {
	for {
		var out *dynamodb.QueryOutput
		err := b.call(ctx, func(ctx context.Context) (err error) {
			out, err = b.layout.client.Query(ctx, in)
			return err
		})
		if err != nil {
			return b.failure("query", err)
		}
		if err := work(out); err != nil || len(out.LastEvaluatedKey) == 0 {
			return err
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

// refuseGuarded looks for items with unique values.
func (b *backfill) refuseGuarded(ctx context.Context, partition types.AttributeValue) error {
	in := b.query(partition)
	in.Select = types.SelectCount
	in.ExpressionAttributeNames["#t"] = b.layout.d.TypeTag
	var any []string
	for _, name := range slices.Sorted(maps.Keys(b.layout.entities)) {
		if k := b.layout.entities[name]; len(k.guarded) > 0 {
			value := fmt.Sprintf(":t%d", len(any))
			in.ExpressionAttributeValues[value] = raw.Text(name)
			any = append(any, "#t = "+value)
		}
	}
	if b.leaveGuards || len(any) == 0 {
		return nil
	}
	if slices.ContainsFunc(b.layout.untagged, func(k *kind) bool { return len(k.guarded) > 0 }) {
		any = append(any, "attribute_not_exists(#t)") // it may be one
	}
	in.FilterExpression = new(strings.Join(any, " OR "))
	return b.each(ctx, in, func(out *dynamodb.QueryOutput) error {
		if out.Count > 0 {
			return ErrGuarded
		}
		return nil
	})
}

const batchSize = 25 // DynamoDB's limit

// deletePage deletes the items with the keys, in batches.
func (b *backfill) deletePage(ctx context.Context, keys []item) (Report, error) {
	if b.dryRun {
		return Report{Scanned: len(keys), Rewritten: len(keys)}, ctx.Err()
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var mu sync.Mutex
	var report Report
	var failed error
	var running sync.WaitGroup
	slots := make(chan struct{}, b.concurrency)
	size := batchSize
	if b.pace > 0 && b.pace < batchSize { // no batch is more than a second's worth
		size = max(int(b.pace), 1)
	}
	for batch := range slices.Chunk(keys, size) {
		slots <- struct{}{}
		if b.pacer.wait(ctx, len(batch)) != nil {
			<-slots
			break
		}
		running.Go(func() {
			defer func() { <-slots }()
			deleted, err := b.deleteBatch(ctx, batch)
			mu.Lock()
			defer mu.Unlock()
			report.Scanned += deleted
			report.Rewritten += deleted
			if err != nil && failed == nil {
				failed = err
				cancel(err)
			}
		})
	}
	running.Wait()
	if failed == nil && ctx.Err() != nil {
		failed = context.Cause(ctx)
	}
	if failed != nil {
		return report, b.failure("delete items of", failed)
	}
	return report, nil
}

// deleteBatch deletes until nothing is left unprocessed.
func (b *backfill) deleteBatch(ctx context.Context, keys []item) (deleted int, _ error) {
	var left []types.WriteRequest
	for _, key := range keys {
		left = append(left, types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: key}})
	}
	for try := 0; ; try++ {
		var out *dynamodb.BatchWriteItemOutput
		err := b.call(ctx, func(ctx context.Context) (err error) {
			out, err = b.layout.client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{
				RequestItems: map[string][]types.WriteRequest{b.layout.name: left}, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
			})
			return err
		})
		if err != nil {
			return deleted, err
		}
		for i := range out.ConsumedCapacity {
			b.pacer.consumed(&out.ConsumedCapacity[i])
		}
		next := out.UnprocessedItems[b.layout.name]
		if deleted += len(left) - len(next); len(next) == 0 {
			return deleted, nil
		}
		if len(next) < len(left) {
			try = 0 // it goes on
		}
		if left = next; try+1 >= b.tries {
			return deleted, monotable.ErrUnprocessed
		}
		if err := call.Between.Wait(ctx, try); err != nil {
			return deleted, err
		}
	}
}

// move makes one try at an item.
func (b *backfill) move(ctx context.Context, table *monotable.Table, stored item, to types.AttributeValue) (outcome, error) {
	if b.layout.isOwn(stored) {
		return foreign, nil
	}
	next, err := b.moved(ctx, table, stored, to)
	if next == nil || err != nil {
		return current, err
	}
	if b.dryRun {
		return rewritten, nil
	}
	u := raw.NewUpdate()
	if err := b.layout.unchanged(u, stored, nil, nil); err != nil {
		return current, err
	}
	where := u.Condition()
	in := &dynamodb.TransactWriteItemsInput{
		ClientRequestToken: new(rand.Text()), // so that one whose reply was lost is not refused when it is sent again
		TransactItems: []types.TransactWriteItem{
			{Put: &types.Put{
				TableName: &b.layout.name, Item: next, ConditionExpression: new("attribute_not_exists(#p)"),
				ExpressionAttributeNames: map[string]string{"#p": b.layout.keys[0]},
			}},
			{Delete: &types.Delete{
				TableName: &b.layout.name, Key: b.layout.keyOf(stored), ConditionExpression: where,
				ExpressionAttributeNames: u.Names, ExpressionAttributeValues: u.Values,
			}},
		},
		ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	}
	var out *dynamodb.TransactWriteItemsOutput
	err = b.call(ctx, func(ctx context.Context) (err error) {
		out, err = b.layout.client.TransactWriteItems(ctx, in)
		return err
	})
	if err == nil {
		for i := range out.ConsumedCapacity {
			b.pacer.consumed(&out.ConsumedCapacity[i])
		}
		return rewritten, nil
	}
	refused := func(i int) bool {
		tx, ok := errors.AsType[*types.TransactionCanceledException](err)
		return ok && i < len(tx.CancellationReasons) && deref(tx.CancellationReasons[i].Code) == "ConditionalCheckFailed"
	}
	switch {
	case refused(1):
		return overtaken, nil
	case refused(0):
		return b.arrived(ctx, u, where, stored, next)
	}
	return current, err
}

// moved is an item as it will be stored under its new key; nil if it stays.
func (b *backfill) moved(ctx context.Context, table *monotable.Table, stored item, to types.AttributeValue) (item, error) {
	next := codec.CopyItem(stored)
	next[b.layout.keys[0]] = codec.Copy(to)
	if b.rewrite != nil {
		var err error
		if next, err = b.rewrite(ctx, next); err != nil {
			return nil, &callbackError{err}
		}
		if next == nil {
			return nil, nil
		}
		if !codec.Equal(orNull(next[b.layout.keys[0]]), to) {
			return nil, fmt.Errorf("%w: the partition key (%s) was changed", ErrInvalid, b.layout.keys[0])
		}
	}
	next, err := table.Fresh(next)
	if err == nil {
		_, err = table.Stale(next) // which knows whether the key is the one that the entity makes
	}
	if b.rewrite == nil && errors.Is(err, ErrInvalid) {
		err = fmt.Errorf("the attributes that make the partition key must change with it, see Rewrite: %w", err)
	}
	return next, err
}

// arrived deletes an item whose copy is at its new key already; any other item there is in the way.
func (b *backfill) arrived(ctx context.Context, u *raw.Update, where *string, stored, next item) (outcome, error) {
	there, err := b.read(ctx, next)
	if err != nil {
		return current, err
	}
	if there == nil {
		return overtaken, nil // it has gone again: once more
	}
	if !equal(there, next) {
		return current, ErrTargetTaken
	}
	err = b.call(ctx, func(ctx context.Context) error {
		_, err := b.layout.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
			TableName: &b.layout.name, Key: b.layout.keyOf(stored), ConditionExpression: where,
			ExpressionAttributeNames: u.Names, ExpressionAttributeValues: u.Values,
		})
		return err
	})
	if errors.As(err, new(*types.ConditionalCheckFailedException)) {
		return overtaken, nil // read again: if it is gone, an attempt before has deleted it
	}
	return rewritten, err
}
