package monotable

import (
	"context"
	"reflect"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable/internal/codec"
)

// guardReadings bounds how often GetBy looks again when an item gives its value away between two reads.
const guardReadings = 3

// GetBy reads the item that has a value of a [Attr.Unique] attribute, by equality: GetBy(ctx, userEmail.Eq("ann@example.com")). A scope's
// values are given behind it, each by equality. ErrNotFound if no item has the value. Both reads, of the value's guard and
// of the item, are strongly consistent. ErrInvalid if the attribute is not Unique or the scope is not given as it was declared.
func (e *Entity[T]) GetBy(ctx context.Context, value KeyCond[T], scope ...KeyCond[T]) (T, error) {
	var item T
	err := e.core.getBy(ctx, append(keyNodes([]KeyCond[T]{value}), keyNodes(scope)...), &item)
	return item, err
}

func (c *entityCore) getBy(ctx context.Context, conds []*condNode, dst any) error {
	ctx, v := c.begin(ctx, "GetBy")
	return v.endOne(ctx, c.readBy(ctx, conds, target(dst)))
}

func (c *entityCore) readBy(ctx context.Context, conds []*condNode, dst reflect.Value) error {
	u, key, err := c.model.guardOf(conds)
	if err != nil {
		return err
	}
	for range guardReadings {
		raw, err := c.model.holder(ctx, &c.options, u, key)
		if err != nil {
			return err
		}
		if raw != nil {
			return c.decode(recordOf(raw), dst)
		}
	}
	return ErrNotFound
}

// guardOf finds the unique attribute that conditions speak of, and the key of its guard.
func (m *model) guardOf(conds []*condNode) (*uniqueKey, attributeMap, error) {
	item := reflect.New(m.typ).Elem()
	given := map[string]bool{}
	for _, c := range conds {
		switch {
		case c == nil:
			return nil, nil, invalidf("%v", errNilCond)
		case c.loc.err != nil:
			return nil, nil, invalidf("%v", c.loc.err)
		case c.op != opEq || c.other != nil || c.size:
			return nil, nil, invalidf("GetBy takes values by Eq alone: %s", c.loc.path)
		}
		chain, ok := fieldChain(m.plan, c.loc.path)
		if !ok || !assignable(place(item, chain), c.values[0]) {
			return nil, nil, invalidf("%s is not Unique; give it that rule, or query an index", c.loc.path)
		}
		assign(place(item, chain), m.transformed(c.loc.path, c.values[0]))
		given[c.loc.path.String()] = true
	}
	i := slices.IndexFunc(m.uniques, func(u *uniqueKey) bool { return u.attribute.path.equal(conds[0].loc.path) })
	if i < 0 {
		return nil, nil, invalidf("%s is not Unique; give it that rule, or query an index", conds[0].loc.path)
	}
	u := m.uniques[i]
	for _, a := range u.inputs {
		if !given[a.String()] {
			return nil, nil, invalidf("%s is unique within %s, which must be given", u.attribute, a)
		}
	}
	if len(given) != len(u.inputs) {
		return nil, nil, invalidf("GetBy was given more than %s and its scope", u.attribute)
	}
	key, err := u.guard(m, item)
	if err == nil && key == nil {
		err = invalidf("%s is empty, which no item has for a value", u.attribute)
	}
	return u, key, err
}

// holder reads the item that a guard names: nil if it has not got the value, ErrNotFound if there is no guard.
func (m *model) holder(ctx context.Context, o *options, u *uniqueKey, guard attributeMap) (attributeMap, error) {
	found, err := m.lookUp(ctx, o, guard)
	if err != nil {
		return nil, err
	}
	owner := ownerOf(found)
	if owner == nil || m.expired(recordOf(found), m.now()) || o.inScope(owner[m.primary.partition[0].Name]) != nil {
		return nil, ErrNotFound
	}
	raw, err := m.lookUp(ctx, o, owner)
	if err != nil {
		return nil, err
	}
	has, err := m.has(u, raw, guard)
	if err != nil || !has {
		return nil, err
	}
	return raw, nil
}

// ownerOf is the key of the item that a guard names; nil if it is no guard.
func ownerOf(guard attributeMap) attributeMap {
	owner, ok := guard[guardOwner].(*types.AttributeValueMemberM)
	if !ok {
		return nil
	}
	return owner.Value
}

// has says whether a stored item is the entity's and has the value of the guard.
func (m *model) has(u *uniqueKey, raw, guard attributeMap) (bool, error) {
	was, err := m.readingOf(raw)
	if err != nil || !was.present {
		return false, err
	}
	key, err := u.guard(m, was.item)
	if err != nil {
		return false, nil //nolint:nilerr // a value that can make no guard has none
	}
	return key != nil && codec.Equal(&types.AttributeValueMemberM{Value: key}, &types.AttributeValueMemberM{Value: guard}), nil
}
