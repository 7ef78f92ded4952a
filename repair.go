package monotable

import (
	"context"
	"crypto/rand"
	"errors"
	"iter"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// UniqueFault is what can be wrong with a unique value.
type UniqueFault string

const (
	// GuardMissing says that an item has a value that no guard holds for it: another item could take it.
	GuardMissing UniqueFault = "guard missing"
	// GuardOrphaned says that a guard holds a value for an item that is gone or has another one: nobody can take it.
	GuardOrphaned UniqueFault = "guard orphaned"
	// ValueTwice says that two items have one value. Which of them may keep it is not for a program to say.
	ValueTwice UniqueFault = "value twice"
)

// UniqueProblem is one finding of [Entity.CheckUnique]. Its keys are never part of an error's text.
type UniqueProblem struct {
	Fault     UniqueFault
	Attribute string                          // the Unique attribute
	Guard     map[string]types.AttributeValue // key of the guard
	Item      map[string]types.AttributeValue // key of the item that has the value; of GuardOrphaned, of the item that the guard names, nil if it names none
	Other     map[string]types.AttributeValue // ValueTwice: key of the item that the guard names
	Repaired  bool
}

// CheckUnique scans the whole table and reports where the guards of [Attr.Unique] values are not what the entity's items say. Write
// through this package keeps them in step; items from before the attribute was Unique, from other programs and from restored backups are not. It reads each item of the entity
// once more, and each guard, consistently. ErrInvalid on a scoped table. The first error ends it.
func (e *Entity[T]) CheckUnique(ctx context.Context) iter.Seq2[UniqueProblem, error] {
	return e.core.inspectUnique(ctx, "CheckUnique", false)
}

// RepairUnique is CheckUnique that mends what it finds, save ValueTwice: it writes missing guards and deletes orphaned ones, each in a transaction that is conditioned on
// what was read, so writers may go on meanwhile. A finding that has changed since it was read is reported with Repaired false: run it again.
func (e *Entity[T]) RepairUnique(ctx context.Context) iter.Seq2[UniqueProblem, error] {
	return e.core.inspectUnique(ctx, "RepairUnique", true)
}

//go:noinline
func (c *entityCore) inspectUnique(ctx context.Context, op string, repair bool) iter.Seq2[UniqueProblem, error] {
	return func(yield func(UniqueProblem, error) bool) {
		ctx, v := c.begin(ctx, op)
		n, ended := 0, false
		defer func() { // whatever the loop's body does
			if !ended {
				_ = v.end(ctx, nil, n)
			}
		}()
		i := &inspection{m: c.model, o: &c.options, repair: repair}
		fail := func(err error) {
			ended = true
			yield(UniqueProblem{}, v.end(ctx, err, n))
		}
		if len(c.options.scopes) > 0 {
			fail(invalidf("the table is scoped, and guards stand outside of every scope"))
			return
		}
		if len(i.m.uniques) == 0 {
			return
		}
		in, err := i.scan()
		for err == nil {
			var out *dynamodb.ScanOutput
			if out, err = read(ctx, i.m.table, i.o, i.m.table.client.Scan, in); err != nil {
				break
			}
			found, pageErr := i.page(ctx, out.Items)
			for _, p := range found {
				n++
				if !yield(p, nil) {
					return
				}
			}
			if err = pageErr; len(out.LastEvaluatedKey) == 0 {
				break
			}
			in.ExclusiveStartKey = out.LastEvaluatedKey
		}
		if err != nil {
			fail(err)
		}
	}
}

// inspection compares items and guards.
type inspection struct {
	m      *model
	o      *options
	repair bool
}

// scan asks for the entity's items and guards.
func (i *inspection) scan() (*dynamodb.ScanInput, error) {
	b := newExprBuilder(i.m)
	guards := b.top(i.m.primary.partition[0].Name).BeginsWith(i.guardPrefix())
	if mine := i.m.mayBeMine(b); mine.isSet() {
		b.filter(mine.Or(guards))
	}
	expr, err := b.build()
	return &dynamodb.ScanInput{
		TableName: ptr(i.o.tableName(i.m.table)), ConsistentRead: ptr(true), FilterExpression: expr.filter,
		ExpressionAttributeNames: expr.names, ExpressionAttributeValues: expr.values, ReturnConsumedCapacity: i.o.returnCapacity(),
	}, err
}

// guardPrefix begins the partition key of every guard of the entity.
func (i *inspection) guardPrefix() string {
	delimiter := string(i.m.table.delimiter)
	return strings.Join([]string{guardWord, i.m.guardName(), ""}, delimiter)
}

// page looks at the items of a page, some at a time.
func (i *inspection) page(ctx context.Context, items []attributeMap) ([]UniqueProblem, error) {
	var mu sync.Mutex
	var found []UniqueProblem
	var failed []error
	var running sync.WaitGroup
	slots := make(chan struct{}, i.o.inParallel())
	for _, item := range items {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			problems, err := i.look(ctx, item)
			mu.Lock()
			defer mu.Unlock()
			if found = append(found, problems...); err != nil {
				failed = append(failed, err)
			}
		})
	}
	running.Wait()
	if len(failed) > 0 {
		return found, failed[0]
	}
	return found, nil
}

func (i *inspection) look(ctx context.Context, item attributeMap) ([]UniqueProblem, error) {
	var found []UniqueProblem
	for _, u := range i.m.uniques {
		var p *UniqueProblem
		var err error
		if u.key.matches(recordOf(item)) {
			p, err = i.guard(ctx, u, item, ownerOf(item))
		} else if i.m.present(recordOf(item)) == nil {
			p, err = i.item(ctx, u, item)
		}
		if err != nil {
			return found, err
		}
		if p != nil {
			p.Attribute = u.attribute.String()
			found = append(found, *p)
		}
	}
	return found, nil
}

// guard looks whether the item that a guard names has its value.
func (i *inspection) guard(ctx context.Context, u *uniqueKey, guard, owner attributeMap) (*UniqueProblem, error) {
	key := i.m.keyIn(guard)
	var raw attributeMap
	if owner != nil {
		var err error
		if raw, err = i.m.lookUp(ctx, i.o, owner); err != nil {
			return nil, err
		}
		if has, err := i.m.has(u, raw, key); has || err != nil || i.m.expired(recordOf(guard), i.m.now()) {
			return nil, err
		}
	}
	p := &UniqueProblem{Fault: GuardOrphaned, Guard: key, Item: owner}
	if !i.repair {
		return p, nil
	}
	b := newExprBuilder(i.m)
	if owner == nil {
		b.where(b.top(guardOwner).AttributeNotExists()) // no guard of ours, but it blocks the value
	} else {
		b.where(b.top(guardOwner).Equal(value(guard[guardOwner])))
	}
	expr, err := b.build()
	if err != nil {
		return nil, err
	}
	drop := types.TransactWriteItem{Delete: &types.Delete{
		TableName: ptr(i.o.tableName(i.m.table)), Key: key, ConditionExpression: expr.condition,
		ExpressionAttributeNames: expr.names, ExpressionAttributeValues: expr.values,
	}}
	if owner == nil {
		p.Repaired, err = i.mend(ctx, drop)
		return p, err
	}
	still, err := i.still(u, owner, raw)
	if err != nil {
		return nil, err
	}
	p.Repaired, err = i.mend(ctx, drop, still)
	return p, err
}

// item looks whether the guard of an item's value names it.
func (i *inspection) item(ctx context.Context, u *uniqueKey, scanned attributeMap) (*UniqueProblem, error) {
	own := i.m.keyIn(scanned)
	raw, err := i.m.lookUp(ctx, i.o, own)
	if err != nil {
		return nil, err
	}
	was, err := i.m.readingOf(raw)
	if err != nil || !was.present {
		return nil, err
	}
	key, err := u.guard(i.m, was.item)
	if err != nil || key == nil {
		return nil, nil //nolint:nilerr // a value that can make no guard cannot be guarded
	}
	guard, err := i.m.lookUp(ctx, i.o, key)
	if err != nil {
		return nil, err
	}
	p := &UniqueProblem{Fault: GuardMissing, Guard: key, Item: own}
	checks := []*types.TransactWriteItem{}
	if owner := ownerOf(guard); owner != nil && !i.m.expired(recordOf(guard), i.m.now()) {
		if sameAttributes(owner, own) {
			return nil, nil
		}
		other, err := i.m.lookUp(ctx, i.o, owner)
		if err != nil {
			return nil, err
		}
		if has, err := i.m.has(u, other, key); has || err != nil {
			p.Fault, p.Other = ValueTwice, owner
			return p, err
		}
		check, err := i.still(u, owner, other)
		if err != nil {
			return nil, err
		}
		checks = append(checks, check)
	}
	if !i.repair {
		return p, nil
	}
	check, err := i.still(u, own, raw)
	if err != nil {
		return nil, err
	}
	take, err := i.take(key, own, guard, was)
	if err != nil {
		return nil, err
	}
	p.Repaired, err = i.mend(ctx, take, append(checks, check)...)
	return p, err
}

// take writes a guard where there is none, or the orphan that was read.
func (i *inspection) take(key, owner, old attributeMap, was *reading) (types.TransactWriteItem, error) {
	b := newExprBuilder(i.m)
	if len(old) == 0 {
		b.where(b.top(i.m.primary.partition[0].Name).AttributeNotExists())
	} else {
		b.where(b.top(guardOwner).Equal(value(old[guardOwner])))
	}
	expr, err := b.build()
	item := attributeMap{guardOwner: &types.AttributeValueMemberM{Value: owner}}
	for name, av := range key {
		item[name] = av
	}
	if e := i.m.expires; e != nil && was.raw[e.path[0].name] != nil {
		item[e.path[0].name] = was.raw[e.path[0].name]
	}
	return types.TransactWriteItem{Put: &types.Put{
		TableName: ptr(i.o.tableName(i.m.table)), Item: item, ConditionExpression: expr.condition,
		ExpressionAttributeNames: expr.names, ExpressionAttributeValues: expr.values,
	}}, err
}

// still is the check that an item's value is what was read.
func (i *inspection) still(u *uniqueKey, key, raw attributeMap) (*types.TransactWriteItem, error) {
	w := i.m.newWrite(i.o, "Check", actionCheck, expectation{now: i.m.now()})
	w.key, w.uniques = key, []*uniqueKey{u}
	was := &reading{raw: raw}
	if len(raw) == 0 {
		was.raw = nil
	}
	conds := w.asRead(was)
	if len(conds) == 0 {
		conds = []term{w.top(i.m.primary.partition[0].Name).AttributeExists()}
	}
	w, err := w.under(conds)
	if err != nil {
		return nil, err
	}
	return ptr(w.inTransaction()), nil
}

// mend sends a repair; false if what it was built on has changed.
func (i *inspection) mend(ctx context.Context, action types.TransactWriteItem, checks ...*types.TransactWriteItem) (bool, error) {
	in := &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{action}, ReturnConsumedCapacity: i.o.returnCapacity()}
	for _, c := range checks {
		in.TransactItems = append(in.TransactItems, *c)
	}
	var a *attempts
	err := i.o.untilSettled(ctx, func() (err error) {
		in.ClientRequestToken = ptr(rand.Text())
		_, a, err = send(ctx, i.o, resendByToken, i.m.table.client.TransactWriteItems, in)
		return err
	})
	if _, changed := errors.AsType[*types.TransactionCanceledException](err); changed {
		return false, nil
	}
	if err != nil {
		return false, a.failure(i.m.table, err, true)
	}
	return true, nil
}
