package monotable

import (
	"context"
	"errors"
	"reflect"
)

// The verbs of one item, free of type parameters. Items, keys and destinations are pointers to T. What is behind the first two is the
// call's own and may be changed; what is behind a destination is zero where there is an error.

func (c *entityCore) begin(ctx context.Context, name string) (context.Context, verb) {
	return c.options.begin(ctx, c.model.table, name, c.model.name, "")
}

func (c *entityCore) get(ctx context.Context, key, dst any) error {
	ctx, v := c.begin(ctx, "Get")
	return v.endOne(ctx, c.read(ctx, target(key), target(dst)))
}

func (c *entityCore) create(ctx context.Context, item any, conds []*condNode, dst any) error {
	ctx, v := c.begin(ctx, "Create")
	err := c.store(ctx, true, target(item), conds, target(dst))
	return v.endOne(ctx, err)
}

func (c *entityCore) put(ctx context.Context, item any, conds []*condNode, dst any) error {
	ctx, v := c.begin(ctx, "Put")
	err := c.upToDate(ctx, target(item), func(item reflect.Value, r *rise) error {
		return c.store(ctx, false, item, r.conds(c.model, conds), target(dst))
	})
	return v.endOne(ctx, err)
}

func (c *entityCore) store(ctx context.Context, create bool, item reflect.Value, conds []*condNode, dst reflect.Value) error {
	w, err := c.buildPut(ctx, c.options.onceToken(), create, true, item, conds)
	if err != nil {
		return err
	}
	return c.perform(ctx, w.stage(), dst)
}

func (c *entityCore) update(ctx context.Context, key any, changes []*changeNode, dst any) error {
	ctx, v := c.begin(ctx, "Update")
	err := c.upToDate(ctx, target(key), func(key reflect.Value, r *rise) error {
		w, err := c.buildUpdate(c.options.onceToken(), key, r.changes(c.model, changes), false)
		if err != nil {
			return err
		}
		return c.perform(ctx, w.stage(), target(dst))
	})
	return v.endOne(ctx, err)
}

// delete says whether dst has what was removed.
func (c *entityCore) delete(ctx context.Context, key any, conds []*condNode, dst any) (bool, error) {
	ctx, v := c.begin(ctx, "Delete")
	removed, err := c.remove(ctx, target(key), conds, target(dst))
	if removed {
		return true, v.end(ctx, nil, 1)
	}
	return false, v.end(ctx, err, 0)
}

func (c *entityCore) remove(ctx context.Context, key reflect.Value, conds []*condNode, dst reflect.Value) (bool, error) {
	w, err := c.buildDelete(c.options.onceToken(), key, conds)
	if err != nil {
		return false, err
	}
	stored, err := w.stage().perform(ctx)
	if err != nil || stored.missing() || w.m.expired(stored, w.expect.now) {
		return false, err
	}
	err = c.written(stored, dst)
	return err == nil, err
}

// The builders compile a write under a token, if there is one.

// alone says that the put is for a request of its own.
func (c *entityCore) buildPut(ctx context.Context, token string, create, alone bool, item reflect.Value, conds []*condNode) (*write, error) {
	return c.model.buildPut(ctx, c.options.atToken(token), create, alone, c.model.own(item), conds)
}

func (c *entityCore) buildUpdate(token string, key reflect.Value, changes []*changeNode, upsert bool) (*write, error) {
	all, err := flattened(make([]*changeNode, 0, len(changes)), changes)
	if err != nil {
		return nil, err
	}
	return c.model.buildUpdate(c.options.atToken(token), c.model.ownKey(key), all, upsert)
}

func (c *entityCore) buildDelete(token string, key reflect.Value, conds []*condNode) (*write, error) {
	return c.model.buildDelete(c.options.atToken(token), c.model.ownKey(key), conds)
}

// perform carries out a write and decodes what is stored then.
func (c *entityCore) perform(ctx context.Context, s *staged, dst reflect.Value) error {
	stored, err := s.perform(ctx)
	if err != nil {
		return err
	}
	defer stored.close()
	return c.written(stored, dst)
}

// old decodes the stored item that made the service refuse a write, if err tells of one.
func (c *entityCore) old(err error, dst any) bool {
	failed := refusalWithItem(err, c.model.name, c.options.tableName(c.model.table))
	return failed != nil && c.decode(recordOf(failed.item), target(dst)) == nil
}

// refusalWithItem finds the first refusal in err's tree that knows an item of the entity in the table.
func refusalWithItem(err error, entity, table string) *ConditionError {
	if failed, ok := err.(*ConditionError); ok && failed.item != nil && failed.Entity == entity && failed.table == table { //nolint:errorlint // walks the tree itself
		return failed
	}
	switch err := err.(type) { //nolint:errorlint // the same
	case interface{ Unwrap() error }:
		return refusalWithItem(err.Unwrap(), entity, table)
	case interface{ Unwrap() []error }:
		for _, inner := range err.Unwrap() {
			if failed := refusalWithItem(inner, entity, table); failed != nil {
				return failed
			}
		}
	}
	return nil
}

// decode makes a T of an item that was read or written.
func (c *entityCore) decode(item *record, dst reflect.Value) error {
	err := c.model.decode(item, dst, c.options.reveal)
	if err != nil {
		dst.SetZero()
	}
	return err
}

// found decodes what was read, if it is an item of the entity's that counts.
func (c *entityCore) found(item *record, dst reflect.Value) error {
	if err := c.model.present(item); err != nil {
		dst.SetZero()
		return err
	}
	return c.decode(item, dst)
}

// written is decode for an item that a write has stored: the write succeeded whatever comes of decoding.
func (c *entityCore) written(item *record, dst reflect.Value) error {
	err := c.decode(item, dst)
	if failed, ok := errors.AsType[*DecodeError](err); ok {
		failed.Written = true
	}
	return err
}
