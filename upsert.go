package monotable

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable/internal/codec"
)

// Upsert is Update, and where there is no item, Create of one made of the key and the changes: defaults fill it,
// all rules and Validate run, Add starts from the default or 0, Append from the default or an empty list, SetIfAbsent
// sets, and Remove does nothing. SetIfAbsent also gives a part of an index key its value for a new item; an item that is there must
// have it stored (else ErrConditionFailed). Two requests at most, more only if the item comes and goes meanwhile: bounded by
// [Attempts] and the context. With a version above 0 in the key nothing is created: ErrNotFound.
func (e *Entity[T]) Upsert(ctx context.Context, key T, changes ...Change[T]) (T, error) {
	var stored T
	err := e.core.upsert(ctx, &key, ownNodes(changes), &stored)
	return stored, err
}

func (c *entityCore) upsert(ctx context.Context, key any, changes []*changeNode, dst any) error {
	ctx, v := c.begin(ctx, "Upsert")
	err := c.upToDate(ctx, target(key), func(key reflect.Value, r *rise) error {
		return c.updateOrCreate(ctx, key, r.changes(c.model, changes), target(dst))
	})
	return v.endOne(ctx, err)
}

func (c *entityCore) updateOrCreate(ctx context.Context, key reflect.Value, changes []*changeNode, dst reflect.Value) error {
	if c.options.onceToken() != "" {
		return invalidf("Upsert depends on what is stored, so it cannot be the same again under a Token")
	}
	legs, err := c.legs("", key, changes)
	if err != nil {
		return err
	}
	for attempt := 0; ; attempt++ {
		err := c.perform(ctx, legs.update.stage(), dst)
		if missing, open := nothingThere(err); !missing {
			return err
		} else if open && legs.update.resend != resendFreely {
			return legs.update.cannotTell(err)
		}
		create, err := legs.create(ctx)
		if err != nil {
			return err
		}
		err = c.perform(ctx, create.stage(), dst)
		if failed, ok := errors.AsType[*ConditionError](err); !ok || !failed.mayUpdateInstead() || attempt+1 >= c.options.tries() {
			return err
		}
		if waitErr := c.options.wait(ctx, attempt); waitErr != nil {
			return because(waitErr, err)
		}
	}
}

// nothingThere says that an Update was refused because there is no item. open says that it may have changed one that is gone by now: to
// set the same again then does no harm.
func nothingThere(err error) (missing, open bool) {
	if failed, ok := errors.AsType[*ConditionError](err); ok {
		return errors.Is(err, ErrNotFound) && !errors.Is(err, ErrVersionConflict), failed.Ambiguous
	}
	refused, ok := errors.AsType[*types.ConditionalCheckFailedException](err)
	return ok && len(refused.Item) == 0 && errors.Is(err, ErrOutcomeUnknown), true
}

// mayUpdateInstead says that a Create met an item, so that an Update may do. Not if the Create may have taken effect for a moment.
func (e *ConditionError) mayUpdateInstead() bool {
	return errors.Is(e, ErrAlreadyExists) && !errors.Is(e, ErrWrongEntity) && !e.Ambiguous
}

// stageUpsert leaves it to what is read which of the two writes it is.
func (o *opCore) stageUpsert(ctx context.Context, token string) (*staged, error) {
	if err := o.valid(); err != nil {
		return nil, err
	}
	legs, err := o.of.legs(token, fresh(o.value), o.changes)
	if err != nil {
		return nil, err
	}
	s := legs.update.stage()
	s.reads = true
	s.pick = func(was *reading) (*write, error) {
		if legs.update.expect.version == nil && (was.raw == nil || s.m.expired(recordOf(was.raw), s.m.now())) {
			return legs.create(ctx)
		}
		return legs.update, nil
	}
	return s, nil
}

// upsertLegs are the two writes that an Upsert can be, each compiled once.
type upsertLegs struct {
	update *write
	create func(context.Context) (*write, error)
}

func (c *entityCore) legs(token string, key reflect.Value, changes []*changeNode) (*upsertLegs, error) {
	update, err := c.buildUpdate(token, fresh(key), changes, true)
	if err != nil {
		return nil, err
	}
	update.op = "Upsert"
	var create *write
	return &upsertLegs{update: update, create: func(ctx context.Context) (*write, error) {
		if create != nil {
			return create, nil
		}
		item, conds, err := c.creatingLeg(fresh(key), changes)
		if err != nil {
			return nil, err
		}
		if create, err = c.buildPut(ctx, token, true, false, item, conds); err == nil {
			create.op = "Upsert"
		}
		return create, err
	}}, nil
}

// creatingLeg makes the item and the conditions of the Create of an Upsert.
func (c *entityCore) creatingLeg(key reflect.Value, changes []*changeNode) (item reflect.Value, conds []*condNode, err error) {
	item = reflect.New(c.model.typ).Elem()
	own := c.model.ownKey(key)
	for _, a := range c.model.primary.attributes() {
		if v, ok := get(own, a.chain); ok {
			place(item, a.chain).Set(v)
		}
	}
	all, err := flattened(nil, changes)
	if err != nil {
		return item, nil, err
	}
	for _, n := range all {
		switch n.op {
		case changeCond:
			conds = append(conds, n.cond)
			continue
		case changeGiven:
			conds = append(conds, &condNode{op: opEq, loc: n.loc, values: []any{n.value}})
			continue
		}
		if err := c.model.applyToNew(item, n); err != nil {
			return item, nil, err
		}
	}
	return item, conds, nil
}

// applyToNew does in memory what a change does to an item that does not exist yet.
func (m *model) applyToNew(item reflect.Value, c *changeNode) error {
	p := c.loc.path
	switch c.op {
	case changeRemove, changeDeleteFrom:
		return nil
	case changeSetFrom, changeUnchecked:
		return invalidf("%s %s: there is no item yet that the server could compute it from", c.op, p)
	}
	for _, a := range m.ruled { // changes start from the defaults of what they change a part of
		if p.under(a.path) {
			if err := m.fillDefault(a, item); err != nil {
				return err
			}
		}
	}
	field := m.plan.Field(p[0].name)
	return within(field.Set(item), field.Value, p[1:], func(dst reflect.Value) error {
		own := copyOf(c.value) // rules may change it in place
		v := reflect.ValueOf(own)
		for dst.Kind() == reflect.Pointer && v.IsValid() && v.Type() != dst.Type() { // a handle made by Elem
			if dst.IsNil() {
				dst.Set(reflect.New(dst.Type().Elem()))
			}
			dst = dst.Elem()
		}
		switch c.op {
		case changeAdd:
			return addNumber(dst, v)
		case changeAppend:
			dst.Set(reflect.AppendSlice(dst, v))
		case changeAddTo:
			addMembers(dst, v)
		case changePrepend:
			dst.Set(reflect.AppendSlice(v, dst))
		default:
			assign(dst, own)
		}
		return nil
	})
}

// within goes down a path in memory, making what is missing, and calls f on its end.
func within(v reflect.Value, value *codec.Value, p path, f func(reflect.Value) error) error {
	if len(p) == 0 {
		return f(v)
	}
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		v = v.Elem()
	}
	value = value.Deref()
	switch {
	case value.Struct != nil:
		field := value.Struct.Field(p[0].name)
		return within(field.Set(v), field.Value, p[1:], f)
	case v.Kind() == reflect.Map && v.Type().Key().Kind() == reflect.String:
		if v.IsNil() {
			v.Set(reflect.MakeMap(v.Type()))
		}
		key := reflect.ValueOf(p[0].name).Convert(v.Type().Key())
		element := reflect.New(v.Type().Elem()).Elem()
		if old := v.MapIndex(key); old.IsValid() {
			element.Set(old)
		}
		if err := within(element, value.Elem, p[1:], f); err != nil {
			return err
		}
		v.SetMapIndex(key, element)
		return nil
	case v.Kind() == reflect.Slice:
		i := min(p[0].index, v.Len()) // as DynamoDB, append beyond the end
		if i == v.Len() {
			v.Set(reflect.Append(v, reflect.Zero(v.Type().Elem())))
		}
		return within(v.Index(i), value.Elem, p[1:], f)
	}
	return invalidf("cannot set %s in a new item", p)
}

// addMembers adds those members that a set does not have yet.
func addMembers(set, members reflect.Value) {
	for _, m := range members.Seq2() {
		has := false
		for _, old := range set.Seq2() {
			has = has || reflect.DeepEqual(old.Interface(), m.Interface())
		}
		if !has {
			set.Set(reflect.Append(set, m))
		}
	}
}

func addNumber(dst, n reflect.Value) error {
	overflow := fmt.Errorf("%w: Add leaves the range of %s", ErrInvalid, dst.Type())
	switch {
	case dst.CanInt():
		sum := dst.Int() + n.Int()
		if (n.Int() > 0) != (sum > dst.Int()) && n.Int() != 0 || dst.OverflowInt(sum) {
			return overflow
		}
		dst.SetInt(sum)
	case dst.CanUint():
		sum := dst.Uint() + n.Uint()
		if sum < dst.Uint() || dst.OverflowUint(sum) {
			return overflow
		}
		dst.SetUint(sum)
	default:
		dst.SetFloat(dst.Float() + n.Float())
	}
	return nil
}

// scanUint reads a whole number in any decimal form DynamoDB may have stored.
func scanUint(s string, n *uint64) error {
	plain, err := codec.CanonicalNumber(s)
	if err != nil {
		return err
	}
	*n, err = strconv.ParseUint(plain, 10, 64)
	return err
}
