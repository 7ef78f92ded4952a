// Package readthrough is a cache in front of a DynamoDB client, for one process: a [Client] satisfies monotable.Client over any other one, and answers repeated reads
// of an item from memory.
//
//	client, err := readthrough.New(dynamodb.NewFromConfig(cfg), readthrough.Config{
//		Tables: map[string][]string{"app": {"PK", "SK"}}, // the tables whose items are kept, with their key attributes
//		MaxAge: 5 * time.Second,
//	})
//	table, err := monotable.NewTable(client, …)
//
// # What it answers
//
// Eventually consistent GetItem and BatchGetItem of whole items, found or missing. Whatever else is read goes to the service and leaves the cache as it is: consistent reads, queries, scans,
// transactions, projections, tables that are not named.
//
// Every write through the client makes it forget the items that the write names, when it has ended, whether it succeeded, failed, or nobody knows. A read that began before that is not kept.
//
// # What it cannot know
//
//   - Writes of others: another process, another Client, a TTL that removes an item. What they change is answered as it was for up to MaxAge.
//   - How old an eventually consistent answer was when it came. One that misses the program's own last write, as DynamoDB permits for a moment after it, is kept like any other, for up to MaxAge.
//     [Config.Fresh] excludes that: what is kept is then read consistently, at twice the price.
//   - A write whose outcome is unknown, and which takes effect after it has been given up: it is another's write by then.
//
// So it is for what may be a little old: a catalogue, settings, profiles that are shown. What is decided upon is read consistently or written under a condition, and DynamoDB judges conditions itself, never the cache. A
// program that may not see a value go back to an older one between two reads should not use it: reads that pass through may be newer than what is kept.
//
// Errors are not kept. Options of a call, such as another region, do not count in what is the same item: use a Client for each.
package readthrough

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable"
)

// Config says what is kept, and how long. Tables is required.
type Config struct {
	// Tables are those whose items are kept, by the names that reads use, or ARNs if they use those, with their key attributes: the partition key's, and the sort key's if there is one.
	// Items whose key has a number are not kept. Two tables with one name, of different accounts, need a Client each.
	Tables map[string][]string

	MaxAge   time.Duration    // how long an answer is good, from when it was asked for; 0 is 5 seconds
	MaxBytes int              // how much is kept, about; what was not used for longest goes first. 0 is 64 MiB
	Fresh    bool             // what is kept is read consistently, so that a process sees its own writes
	Clock    func() time.Time // nil is time.Now
}

// Client is a cache in front of another client. It is safe for concurrent use, as far as the other one is. All maps, lists and bytes that it gives out are the caller's own.
type Client struct {
	monotable.Client // what passes through: Query, Scan, TransactGetItems
	cache            *cache
	read             map[string]bool     // the tables whose items are kept, as reads name them
	keys             map[string][]string // their key attributes, by name
	fresh            bool
}

// New makes a cache over a client. A configuration that cannot be meant is an error. Nothing is sent.
func New(client monotable.Client, c Config) (*Client, error) {
	if client == nil || len(c.Tables) == 0 || c.MaxAge < 0 || c.MaxBytes < 0 {
		return nil, errors.New("readthrough: a client, tables, and no negative bounds are required")
	}
	read, keys := map[string]bool{}, map[string][]string{}
	for table, names := range c.Tables {
		if len(names) < 1 || len(names) > 2 || slices.Contains(names, "") {
			return nil, fmt.Errorf("readthrough: table %s: a key has one or two attributes", table)
		}
		if keys[nameOf(table)] != nil {
			return nil, fmt.Errorf("readthrough: two tables are called %s", nameOf(table))
		}
		read[table], keys[nameOf(table)] = true, slices.Clone(names)
	}
	if c.MaxAge == 0 {
		c.MaxAge = 5 * time.Second
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = 64 << 20
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	return &Client{Client: client, cache: newCache(c.MaxAge, c.MaxBytes, c.Clock), read: read, keys: keys, fresh: c.Fresh}, nil
}

// Stats says what the cache has done since it was made.
func (c *Client) Stats() Stats { return c.cache.statistics() }

// GetItem answers from memory, if it can. Of several reads of an item at the same time one is sent, and the others have its answer, or its error.
func (c *Client) GetItem(ctx context.Context, in *dynamodb.GetItemInput, optFns ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	id, ok := c.id(in.TableName, in.Key, true)
	if !ok || !c.read[*in.TableName] || isTrue(in.ConsistentRead) || in.ProjectionExpression != nil || in.AttributesToGet != nil {
		return c.Client.GetItem(ctx, in, optFns...)
	}
	var sent *dynamodb.GetItemOutput
	item, err := c.cache.get(ctx, id, func() (item, error) {
		asked := *in
		if c.fresh {
			asked.ConsistentRead = &c.fresh
		}
		var err error
		if sent, err = c.Client.GetItem(ctx, &asked, optFns...); err != nil {
			return nil, err
		}
		return sent.Item, nil
	})
	if err != nil {
		return nil, err
	}
	out := &dynamodb.GetItemOutput{Item: item}
	if sent != nil { // this call was the one that was sent
		out.ConsumedCapacity, out.ResultMetadata = sent.ConsumedCapacity, sent.ResultMetadata
	}
	return out, nil
}

// BatchGetItem answers from memory what it can, and sends the rest in one request, if there is any. It does not wait for other reads of the same items.
func (c *Client) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput, optFns ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	asked := *in
	asked.RequestItems = map[string]types.KeysAndAttributes{}
	found := map[string][]map[string]types.AttributeValue{}
	loads := map[string]load{} // by id; what is asked for, and may be kept
	for table, wanted := range in.RequestItems {
		keep := !isTrue(wanted.ConsistentRead) && wanted.ProjectionExpression == nil && wanted.AttributesToGet == nil && c.read[table]
		rest := wanted
		rest.Keys = nil
		for _, key := range wanted.Keys {
			id, ok := c.id(&table, key, true)
			if !keep || !ok {
				rest.Keys = append(rest.Keys, key)
				continue
			}
			item, hit, l := c.cache.look(id)
			switch {
			case !hit:
				loads[id] = l
				rest.Keys = append(rest.Keys, key)
			case item != nil:
				found[table] = append(found[table], item)
			}
		}
		if keep && c.fresh {
			rest.ConsistentRead = &c.fresh
		}
		if len(rest.Keys) > 0 || len(wanted.Keys) == 0 {
			asked.RequestItems[table] = rest
		}
	}
	if len(asked.RequestItems) == 0 && len(in.RequestItems) > 0 {
		return &dynamodb.BatchGetItemOutput{Responses: found}, nil
	}
	sent, err := c.Client.BatchGetItem(ctx, &asked, optFns...)
	if err != nil {
		return nil, err
	}
	c.keep(loads, sent)
	out := *sent
	out.Responses = maps.Clone(sent.Responses)
	if out.Responses == nil {
		out.Responses = map[string][]map[string]types.AttributeValue{}
	}
	for table, items := range found {
		out.Responses[table] = slices.Concat(out.Responses[table], items)
	}
	if c.fresh {
		out.UnprocessedKeys = restore(sent.UnprocessedKeys, in.RequestItems)
	}
	return &out, nil
}

// keep keeps what a batch has answered: items, and for those that it neither answered nor left undone, that they are missing.
func (c *Client) keep(loads map[string]load, sent *dynamodb.BatchGetItemOutput) {
	for table, rest := range sent.UnprocessedKeys {
		for _, key := range rest.Keys {
			if id, ok := c.id(&table, key, true); ok {
				delete(loads, id)
			}
		}
	}
	for table, items := range sent.Responses {
		for _, item := range items {
			if id, ok := c.id(&table, item, false); ok {
				if l, ok := loads[id]; ok {
					c.cache.put(id, l, item)
					delete(loads, id)
				}
			}
		}
	}
	for id, l := range loads {
		c.cache.put(id, l, nil)
	}
}

// restore gives the keys that were left undone the consistency that the caller asked for, so that they find the cache when they are sent again.
func restore(undone, asked map[string]types.KeysAndAttributes) map[string]types.KeysAndAttributes {
	restored := maps.Clone(undone)
	for table, rest := range restored {
		rest.ConsistentRead = asked[table].ConsistentRead
		restored[table] = rest
	}
	return restored
}

// PutItem writes, and makes the cache forget the item.
func (c *Client) PutItem(ctx context.Context, in *dynamodb.PutItemInput, optFns ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	defer c.cache.remove(c.ids(in.TableName, in.Item))
	return c.Client.PutItem(ctx, in, optFns...)
}

// UpdateItem writes, and makes the cache forget the item.
func (c *Client) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, optFns ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	defer c.cache.remove(c.ids(in.TableName, in.Key))
	return c.Client.UpdateItem(ctx, in, optFns...)
}

// DeleteItem writes, and makes the cache forget the item.
func (c *Client) DeleteItem(ctx context.Context, in *dynamodb.DeleteItemInput, optFns ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error) {
	defer c.cache.remove(c.ids(in.TableName, in.Key))
	return c.Client.DeleteItem(ctx, in, optFns...)
}

// BatchWriteItem writes, and makes the cache forget the items.
func (c *Client) BatchWriteItem(ctx context.Context, in *dynamodb.BatchWriteItemInput, optFns ...func(*dynamodb.Options)) (*dynamodb.BatchWriteItemOutput, error) {
	var ids []string
	for table, requests := range in.RequestItems {
		for _, r := range requests {
			if r.PutRequest != nil {
				ids = append(ids, c.ids(&table, r.PutRequest.Item)...)
			}
			if r.DeleteRequest != nil {
				ids = append(ids, c.ids(&table, r.DeleteRequest.Key)...)
			}
		}
	}
	defer c.cache.remove(ids)
	return c.Client.BatchWriteItem(ctx, in, optFns...)
}

// TransactWriteItems writes, and makes the cache forget the items.
func (c *Client) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, optFns ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	var ids []string
	for _, action := range in.TransactItems {
		if w := action.Put; w != nil {
			ids = append(ids, c.ids(w.TableName, w.Item)...)
		}
		if w := action.Update; w != nil {
			ids = append(ids, c.ids(w.TableName, w.Key)...)
		}
		if w := action.Delete; w != nil {
			ids = append(ids, c.ids(w.TableName, w.Key)...)
		}
	}
	defer c.cache.remove(ids)
	return c.Client.TransactWriteItems(ctx, in, optFns...)
}

// ids is the one of the item that a write names, or nothing.
func (c *Client) ids(table *string, item map[string]types.AttributeValue) []string {
	if id, ok := c.id(table, item, false); ok {
		return []string{id}
	}
	return nil
}

// id is what an item is kept under, whether its table is called by name or by ARN. exact wants the key attributes and no others.
func (c *Client) id(table *string, item map[string]types.AttributeValue, exact bool) (string, bool) {
	if table == nil {
		return "", false
	}
	name := nameOf(*table)
	names := c.keys[name]
	if names == nil || exact && len(item) != len(names) {
		return "", false
	}
	var id strings.Builder
	id.WriteString(name)
	for _, name := range names {
		var kind byte
		var text string
		switch v := item[name].(type) {
		case *types.AttributeValueMemberS:
			kind, text = 'S', v.Value
		case *types.AttributeValueMemberB:
			kind, text = 'B', string(v.Value)
		default:
			return "", false // a number has many spellings: 1 and 1.0 are one key
		}
		fmt.Fprintf(&id, "\x00%c%d:%s", kind, len(text), text)
	}
	return id.String(), true
}

// nameOf is the name of a table that may be called by its ARN.
func nameOf(table string) string { return table[strings.LastIndex(table, "/")+1:] }

func isTrue(b *bool) bool { return b != nil && *b }
