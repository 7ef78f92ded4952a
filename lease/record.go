package lease

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
	"github.com/monotable/monotable/internal/call"
	"github.com/monotable/monotable/internal/raw"
)

// Tag is the type tag of records: no entity may have this name.
const Tag = "monotable.Lease"

// Attributes of a record, besides its key and the tag. No index may be keyed by one of them.
const (
	attrOwner  = "_owner"  // S, random, of one acquisition; absent while nobody holds the lease
	attrHolder = "_holder" // S, who that is, for people
	attrFence  = "_fence"  // N, one higher with each acquisition; stays
	attrBeat   = "_beat"   // N, of the holder's last write
	attrTerm   = "_term"   // N, how long the lease lasts without another write, in milliseconds
	attrUntil  = "_until"  // S, when that is by the holder's clock, for people
	attrData   = "_data"   // M, what the holders have saved; stays
)

// Record is what is stored under a name. The zero value is a name that nobody has ever taken, or that was deleted since.
type Record struct {
	Held   bool
	Holder string                          // who holds the lease, as [Holder] says
	Until  time.Time                       // when it ends unless it is renewed, by the holder's clock
	Fence  int64                           // of the last acquisition; 0 if there was none
	Data   map[string]types.AttributeValue // what holders have saved

	owner string
	beat  int64
	term  time.Duration
}

// Load reads a record, consistently, whoever holds it. One that does not exist is the zero Record.
func (s *Store) Load(ctx context.Context, name string) (Record, error) {
	if err := s.checkName(name); err != nil {
		return Record{}, err
	}
	var out *dynamodb.GetItemOutput
	err := persist(ctx, call.Timeout, func(ctx context.Context) (err error) {
		out, err = s.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &s.table, Key: s.key(name), ConsistentRead: new(true)}, s.clientOptions...)
		return err
	})
	if err != nil {
		return Record{}, s.failure("read", name, err)
	}
	return s.record(name, out.Item)
}

// Delete removes the record of a name and all that is saved in it. One that is held, also by a holder that is not heard of any more, is a [HeldError]; one that does not exist is no
// error. It is deleted as it was read: if another one acquires it meanwhile that is a HeldError, too. Fences of the name begin again at 1, so
// delete only what no longer has items that carry its fence.
func (s *Store) Delete(ctx context.Context, name string) error {
	if err := s.writable(); err != nil {
		return err
	}
	r, err := s.Load(ctx, name)
	if err != nil || r.Fence == 0 {
		return err
	}
	if r.Held {
		return r.heldAs(name)
	}
	u := raw.NewUpdate()
	u.Absent(attrOwner)
	u.Equal(raw.Number(r.Fence), attrFence)
	u.Equal(raw.Map(r.Data), attrData) // for a later record of the name has the same fences
	err = persist(ctx, call.Timeout, func(ctx context.Context) error {
		_, err := s.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
			TableName: &s.table, Key: s.key(name), ConditionExpression: u.Condition(),
			ExpressionAttributeNames: u.Names, ExpressionAttributeValues: u.Values,
		}, s.clientOptions...)
		return err
	})
	if !errors.As(err, new(*types.ConditionalCheckFailedException)) {
		return s.failure("delete", name, err)
	}
	switch now, err := s.Load(ctx, name); {
	case err != nil || now.Fence == 0: // the latter: gone, by an attempt whose reply was lost
		return err
	case now.Held:
		return now.heldAs(name)
	default:
		return s.justReleased(name)
	}
}

// justReleased is the error of one who came too late for a lease that is free again.
func (s *Store) justReleased(name string) error {
	return (&Record{Holder: "another, who has just released it", Until: s.clock()}).heldAs(name)
}

const maxName = 512 // bytes, with the prefix; a sort key takes 1024

func (s *Store) checkName(name string) error {
	if name == "" || len(s.prefix)+len(name) > maxName {
		return fmt.Errorf("%w: the name of a record has 1 to %d bytes", monotable.ErrInvalid, maxName-len(s.prefix))
	}
	return nil
}

func (s *Store) writable() error {
	if s.readOnly {
		return fmt.Errorf("%w: the store is read-only, as in a dry run", monotable.ErrInvalid)
	}
	return nil
}

// Has says whether an item of the store's table, or a key of it, is one of the store's records, by its key.
func (s *Store) Has(key map[string]types.AttributeValue) bool {
	name := raw.TextOf(key[s.partition])
	return strings.HasPrefix(name, s.prefix) && (s.sort == "" || raw.TextOf(key[s.sort]) == name)
}

func (s *Store) key(name string) raw.Item {
	key := raw.Item{s.partition: raw.Text(s.prefix + name)}
	if s.sort != "" {
		key[s.sort] = raw.Text(s.prefix + name)
	}
	return key
}

// record reads a stored item.
func (s *Store) record(name string, stored raw.Item) (Record, error) {
	if len(stored) == 0 {
		return Record{}, nil
	}
	if raw.TextOf(stored[s.tag]) != Tag {
		return Record{}, fmt.Errorf("lease: the item at the key of record %q is no record; choose another Prefix", name)
	}
	r := Record{
		Holder: raw.TextOf(stored[attrHolder]), Fence: raw.NumberOf(stored[attrFence]), owner: raw.TextOf(stored[attrOwner]), beat: raw.NumberOf(stored[attrBeat]),
		term: time.Duration(raw.NumberOf(stored[attrTerm])) * time.Millisecond, Data: raw.Item{},
	}
	r.Held = r.owner != ""
	r.Until, _ = time.Parse(time.RFC3339Nano, raw.TextOf(stored[attrUntil]))
	if data, ok := stored[attrData].(*types.AttributeValueMemberM); ok {
		r.Data = data.Value
	}
	return r, nil
}

// update sends a conditional update of a record once, and gives the record that it made, or, if the condition refused it, the one that is there.
func (s *Store) update(ctx context.Context, name string, u *raw.Update) (_ Record, refused bool, _ error) {
	out, err := s.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &s.table, Key: s.key(name), UpdateExpression: u.Expression(), ConditionExpression: u.Condition(),
		ExpressionAttributeNames: u.Names, ExpressionAttributeValues: u.Values,
		ReturnValues: types.ReturnValueAllNew, ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}, s.clientOptions...)
	if failed, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		if failed.Item == nil { // gone, or a client that does not pass it on
			r, err := s.Load(ctx, name)
			return r, true, err
		}
		r, err := s.record(name, failed.Item)
		return r, true, err
	}
	if err != nil {
		return Record{}, false, err
	}
	if len(out.Attributes) == 0 { // the SDK takes an empty reply for an empty answer
		return Record{}, false, call.ErrUnanswered
	}
	r, err := s.record(name, out.Attributes)
	return r, false, err
}

// save sets attributes of the data; those that are nil are removed.
func save(u *raw.Update, changes raw.Item) {
	for _, name := range slices.Sorted(maps.Keys(changes)) {
		if av := changes[name]; av == nil {
			u.Remove(attrData, name)
		} else {
			u.Set(av, attrData, name)
		}
	}
}

func persist(ctx context.Context, timeout time.Duration, f func(context.Context) error) error {
	return call.Persist(ctx, timeout, call.Tries, call.Passes, f)
}

// failure names what failed. The service's own text may quote the request, and is left out.
func (s *Store) failure(op, name string, err error) error {
	if err == nil {
		return nil
	}
	return &storeError{op: op, name: name, table: s.table, err: err}
}

type storeError struct {
	op, name, table string
	err             error
}

func (e *storeError) Error() string {
	text := fmt.Sprintf("lease: %s record %q in table %s: %s", e.op, e.name, e.table, call.Text(e.err))
	if errors.As(e.err, new(*types.ResourceNotFoundException)) {
		text += ": the table that holds the records must be there first, see Ensure"
	}
	return text
}

func (e *storeError) Unwrap() error { return e.err }
