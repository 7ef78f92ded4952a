package monotable

import (
	"context"
	"errors"
	"reflect"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable/internal/codec"
)

const maxItem = 400 * 1024 // bytes, DynamoDB's limit

// expectation is what a write's condition asked for, so that a refusal can be told apart.
type expectation struct {
	create    bool    // Create: must not exist
	exist     bool    // must exist
	version   *uint64 // must be stored; 0 means that nothing may be
	versioned bool    // the stored item must have a version
	now       time.Time
	absent    []path // hidden attributes that must not be stored
	fixed     map[string]types.AttributeValue
	parents   []path
}

// itemOf encodes a prepared item with its keys and tag.
func (m *model) itemOf(o *options, item reflect.Value) (map[string]types.AttributeValue, error) {
	out, err := m.plan.Encode(item)
	if err != nil {
		return nil, invalidf("%v", err)
	}
	for _, a := range m.ruled {
		if a.has(ruleHidden) {
			if v, ok := get(item, a.chain); ok && v.IsZero() {
				removeAt(out, a.path)
			}
		}
	}
	key, err := m.primaryKey(o, item)
	if err != nil {
		return nil, err
	}
	for name, av := range key {
		out[name] = av
	}
	for _, set := range m.sets() {
		if err := m.putIndexKey(out, set, item); err != nil {
			return nil, err
		}
	}
	if m.tagMode != TagNone {
		out[m.table.tag] = &types.AttributeValueMemberS{Value: m.name}
	}
	if n := codec.Size(out); n > maxItem {
		return nil, invalidf("the item has %d bytes; DynamoDB takes %d", n, maxItem)
	}
	return out, nil
}

func (m *model) putIndexKey(out map[string]types.AttributeValue, set *keySet, item reflect.Value) error {
	key, err := m.indexKey(set, item)
	if err != nil {
		return err
	}
	for name, av := range key {
		if out[name] = av; av == nil {
			delete(out, name)
		}
	}
	for _, k := range set.all() {
		if k.field == nil {
			continue
		}
		// DynamoDB refuses an empty index key; an empty one means absent.
		if av, err := k.of(m, item); err != nil {
			return err
		} else if av == nil {
			delete(out, k.Name)
		}
	}
	return nil
}

func removeAt(item map[string]types.AttributeValue, p path) {
	for len(p) > 1 {
		inner, ok := item[p[0].name].(*types.AttributeValueMemberM)
		if !ok {
			return
		}
		item, p = inner.Value, p[1:]
	}
	delete(item, p[0].name)
}

func valueIn(item map[string]types.AttributeValue, p path) types.AttributeValue {
	var av types.AttributeValue = &types.AttributeValueMemberM{Value: item}
	for _, e := range p {
		switch inner := av.(type) {
		case *types.AttributeValueMemberM:
			av = inner.Value[e.name]
		case *types.AttributeValueMemberL:
			if e.name != "" || e.index >= len(inner.Value) {
				return nil
			}
			av = inner.Value[e.index]
		default:
			return nil
		}
	}
	return av
}

// putWrite is a compiled Create or Put.
type putWrite struct {
	input  *dynamodb.PutItemInput
	expect expectation
}

// buildPut compiles Create (create) and Put. item is an own copy of the caller's and is prepared in place.
func (m *model) buildPut(ctx context.Context, o *options, create bool, item reflect.Value, conds []*condNode) (*putWrite, error) {
	now := m.now()
	w := &putWrite{expect: expectation{create: create, now: now}}
	b := newExprBuilder(m)
	m.stamp(item, now, true)
	if err := m.prepare(ctx, item); err != nil {
		return nil, err
	}
	if m.version != nil {
		n, err := m.versionOf(item)
		if err != nil {
			return nil, err
		}
		if create && n != 0 {
			return nil, invalidf("%s is set; Create wants version 0", m.version)
		}
		if err := m.roomFor(n); err != nil {
			return nil, err
		}
		m.setVersion(item, n+1)
		if !o.noVersion && !create {
			w.expect.version = &n
		}
	}
	encoded, err := m.itemOf(o, item)
	if err != nil {
		return nil, err
	}
	switch v := w.expect.version; {
	case create, v != nil && *v == 0:
		m.whereAbsent(b, now)
	case v != nil:
		w.expect.exist = true
		m.wherePresent(b, now)
		b.whereVersion(v)
	default:
		m.whereNotForeign(b)
	}
	if !create && (w.expect.version == nil || *w.expect.version != 0) {
		m.protect(b, w, item, encoded)
	}
	if err := m.wherePut(b, w, conds); err != nil {
		return nil, err
	}
	expr, err := b.build()
	if err != nil {
		return nil, err
	}
	w.input = &dynamodb.PutItemInput{
		TableName:                           ptr(o.tableName(m.table)),
		Item:                                encoded,
		ConditionExpression:                 expr.condition,
		ExpressionAttributeNames:            expr.names,
		ExpressionAttributeValues:           expr.values,
		ReturnConsumedCapacity:              o.returnCapacity(),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	if expr.condition == nil {
		w.input.ReturnValuesOnConditionCheckFailure = ""
	}
	return w, nil
}

// protect keeps a Put from erasing hidden attributes and from changing immutable ones.
func (m *model) protect(b *exprBuilder, w *putWrite, item reflect.Value, encoded map[string]types.AttributeValue) {
	w.expect.fixed = map[string]types.AttributeValue{}
	for _, a := range m.ruled {
		av := valueIn(encoded, a.path)
		switch {
		case a.has(ruleHidden) && av == nil:
			w.expect.absent = append(w.expect.absent, a.path)
			b.where(m.orOver(b, w.expect.now, b.name(a.path).AttributeNotExists()))
		case a.has(ruleImmutable) && av == nil:
			w.expect.fixed[a.String()] = nil
			b.where(m.orOver(b, w.expect.now, b.name(a.path).AttributeNotExists()))
		case a.has(ruleImmutable):
			w.expect.fixed[a.String()] = av
			absent := b.top(m.primary.partition[0].Name).AttributeNotExists()
			b.where(m.orOver(b, w.expect.now, absent.Or(b.name(a.path).Equal(value(av)))))
		}
	}
}

// wherePut adds the caller's conditions of a Create or Put. An expired item counts as absent, so they hold for it if
// they hold for nothing.
func (m *model) wherePut(b *exprBuilder, w *putWrite, conds []*condNode) error {
	fresh := w.expect.create || w.expect.version != nil && *w.expect.version == 0
	for _, n := range conds {
		c, err := b.compile(n)
		switch {
		case err != nil:
			return err
		case m.expires == nil || w.expect.exist:
			b.where(c)
		case n.holdsForNothing() && !fresh:
			b.where(m.orOver(b, w.expect.now, c))
		case n.holdsForNothing():
		default:
			if fresh {
				b.where(b.top(m.primary.partition[0].Name).AttributeNotExists())
			} else {
				b.where(m.alive(b, w.expect.now))
			}
			b.where(c)
		}
	}
	return nil
}

// deleteWrite is a compiled Delete.
type deleteWrite struct {
	input  *dynamodb.DeleteItemInput
	expect expectation
}

func (m *model) buildDelete(o *options, key reflect.Value, conds []*condNode) (*deleteWrite, error) {
	now := m.now()
	w := &deleteWrite{expect: expectation{now: now}}
	b := newExprBuilder(m)
	av, version, err := m.keyOf(o, key)
	if err != nil {
		return nil, err
	}
	if w.expect.version = version; version != nil || len(conds) > 0 {
		w.expect.exist = true
		m.wherePresent(b, now)
	} else {
		m.whereNotForeign(b)
	}
	b.whereVersion(version)
	if err := b.whereAll(conds); err != nil {
		return nil, err
	}
	expr, err := b.build()
	if err != nil {
		return nil, err
	}
	w.input = &dynamodb.DeleteItemInput{
		TableName:                 ptr(o.tableName(m.table)),
		Key:                       av,
		ConditionExpression:       expr.condition,
		ExpressionAttributeNames:  expr.names,
		ExpressionAttributeValues: expr.values,
		ReturnConsumedCapacity:    o.returnCapacity(),
		ReturnValues:              types.ReturnValueAllOld,
	}
	if expr.condition != nil {
		w.input.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	}
	return w, nil
}

// buildCheck compiles a check.
func (m *model) buildCheck(o *options, key reflect.Value, conds []*condNode) (*types.ConditionCheck, *expectation, error) {
	now := m.now()
	b := newExprBuilder(m)
	av, version, err := m.keyOf(o, key)
	if err != nil {
		return nil, nil, err
	}
	m.wherePresent(b, now)
	b.whereVersion(version)
	if err := b.whereAll(conds); err != nil {
		return nil, nil, err
	}
	expr, err := b.build()
	if err != nil {
		return nil, nil, err
	}
	return &types.ConditionCheck{
		TableName: ptr(o.tableName(m.table)), Key: av, ConditionExpression: expr.condition,
		ExpressionAttributeNames: expr.names, ExpressionAttributeValues: expr.values,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}, &expectation{exist: true, version: version, now: now}, nil
}

// keyOf makes the key of a T with its key fields set, and the version it asks for, if any.
func (m *model) keyOf(o *options, item reflect.Value) (map[string]types.AttributeValue, *uint64, error) {
	for _, a := range m.primary.attributes() {
		transformAt(a, item)
	}
	key, err := m.primaryKey(o, item)
	if err != nil || m.version == nil || o.noVersion {
		return key, nil, err
	}
	n, err := m.versionOf(item)
	if err != nil || n == 0 {
		return key, nil, err
	}
	return key, &n, nil
}

// refused turns the service's refusal of a condition into the reason for it. Other errors go through.
func (m *model) refused(err error, expect *expectation, lookUp func() (map[string]types.AttributeValue, error)) error {
	var failed *types.ConditionalCheckFailedException
	if !errors.As(err, &failed) {
		return serviceError(err, true)
	}
	item := failed.Item
	if item == nil && !m.table.isSDK {
		// Clients between us and the service may drop the item. One look tells what is there now.
		found, lookErr := lookUp()
		if lookErr != nil {
			return &ConditionError{Entity: m.name, reasons: []error{ErrConditionFailed}, err: err}
		}
		item = found
	}
	e := &ConditionError{Entity: m.name, item: item, err: err}
	m.explain(e, expect, item)
	return e
}

func (m *model) explain(e *ConditionError, expect *expectation, item map[string]types.AttributeValue) {
	because := func(attribute, detail string, reasons ...error) {
		e.Attribute, e.detail, e.reasons = attribute, detail, reasons
	}
	if item == nil || m.expired(item, expect.now) {
		e.item = nil
		switch {
		case expect.exist && expect.version != nil && !expect.create:
			because("", "", ErrNotFound, ErrVersionConflict)
		case expect.exist:
			because("", "", ErrNotFound)
		default:
			because("", "", ErrConditionFailed)
		}
		return
	}
	if err := m.checkTag(item, true); err != nil {
		e.item = nil
		if expect.create {
			because("", "", ErrWrongEntity, ErrAlreadyExists)
		} else {
			because("", "", ErrWrongEntity)
		}
		return
	}
	if expect.create {
		because("", "", ErrAlreadyExists)
		return
	}
	if v := expect.version; v != nil && *v == 0 {
		because(m.version.String(), "", ErrAlreadyExists, ErrVersionConflict)
		return
	}
	if expect.version != nil || expect.versioned {
		stored, ok := valueIn(item, m.version.path).(*types.AttributeValueMemberN)
		switch {
		case !ok:
			because(m.version.String(), "the stored item has no "+m.version.String()+"; see AdoptUnversioned", ErrVersionConflict)
			return
		case expect.version != nil && !codec.Equal(stored, versionValue(*expect.version)):
			because(m.version.String(), "", ErrVersionConflict)
			return
		case expect.version == nil && compareScalars(stored, versionValue(m.maxVersion())) >= 0:
			because(m.version.String(), m.version.String()+" has reached the end of its type", ErrConditionFailed)
			return
		}
	}
	for _, p := range expect.absent {
		if valueIn(item, p) != nil {
			because(p.String(), p.String()+" is hidden and stored, and this Put would erase it: read with Reveal, or Update", ErrConditionFailed)
			return
		}
	}
	for _, a := range m.ruled {
		if av, fixed := expect.fixed[a.String()]; fixed && !codec.Equal(orNull(av), orNull(valueIn(item, a.path))) {
			because(a.String(), a.String()+" is immutable", ErrConditionFailed)
			return
		}
	}
	for _, p := range expect.parents {
		if valueIn(item, p) == nil {
			because(p.String(), p.String()+" is not stored, so nothing in it can be changed: Set it whole, or give it a Default", ErrConditionFailed)
			return
		}
	}
	because("", "", ErrConditionFailed)
}

func orNull(av types.AttributeValue) types.AttributeValue {
	if av == nil {
		return &types.AttributeValueMemberNULL{Value: true}
	}
	return av
}

func ptr[V any](v V) *V { return &v }
