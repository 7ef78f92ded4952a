package monotable

import (
	"reflect"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable/internal/codec"
)

// action is what a write asks of the service.
type action int

const (
	actionPut action = iota
	actionUpdate
	actionDelete
	actionCheck
)

// write is one compiled write, or check, of an item: every verb makes one, and it can be sent alone or in a transaction.
type write struct {
	exprBuilder
	o      *options
	op     string // the verb, for errors
	action action
	key    attributeMap
	item   attributeMap // of a Put
	expr   worded

	// Of a Put whose item is JSON, in the place of item and key.
	json []byte
	room *[]byte // in which it stands
	id   keyID

	expect expectation
	mark   mark
	resend resending

	// What unique values follow from.
	uniques []*uniqueKey
	after   reflect.Value         // what the call knows of the item after the write; invalid after a Delete
	knows   func(*attribute) bool // whether after tells an attribute; nil if it tells all
}

func (m *model) newWrite(o *options, op string, a action, expect expectation) *write {
	return &write{exprBuilder: exprBuilder{m: m}, o: o, op: op, action: a, expect: expect}
}

func (w *write) table() string { return w.o.tableName(w.m.table) }

// compile makes the expressions, so that what is wrong with them is known before anything is sent.
func (w *write) compile() (err error) {
	if w.action == actionUpdate {
		if n := w.written + codec.Size(w.key); n > maxItem {
			return invalidf("the update stores %d bytes; DynamoDB takes items of %d", n, maxItem)
		}
	}
	w.expr, err = w.word()
	return err
}

// under is the write with more conditions. The write itself is unchanged.
func (w *write) under(conds []term) (*write, error) {
	if len(conds) == 0 {
		return w, nil
	}
	more := *w
	more.conds = slices.Concat(w.conds, conds)
	return &more, more.compile()
}

// returnsOld asks for the item that refuses a condition.
func (w *write) returnsOld() types.ReturnValuesOnConditionCheckFailure {
	if len(w.conds) == 0 {
		return ""
	}
	return types.ReturnValuesOnConditionCheckFailureAllOld
}

func (w *write) putInput() *dynamodb.PutItemInput { return w.putOf(w.item, w.expr.built()) }

// putOf is putInput of an item and expressions that may stand for others.
func (w *write) putOf(item attributeMap, e built) *dynamodb.PutItemInput {
	return &dynamodb.PutItemInput{
		TableName: ptr(w.table()), Item: item, ConditionExpression: e.condition,
		ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.values,
		ReturnConsumedCapacity: w.o.returnCapacity(), ReturnValuesOnConditionCheckFailure: w.returnsOld(),
	}
}

func (w *write) updateInput() *dynamodb.UpdateItemInput { return w.updateOf(w.key, w.expr.built()) }

// updateOf is updateInput of a key and expressions that may stand for others.
func (w *write) updateOf(key attributeMap, e built) *dynamodb.UpdateItemInput {
	return &dynamodb.UpdateItemInput{
		TableName: ptr(w.table()), Key: key, UpdateExpression: e.update, ConditionExpression: e.condition,
		ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.values,
		ReturnConsumedCapacity: w.o.returnCapacity(), ReturnValues: types.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: w.returnsOld(),
	}
}

func (w *write) deleteInput() *dynamodb.DeleteItemInput { return w.deleteOf(w.key, w.expr.built()) }

// deleteOf is deleteInput of a key and expressions that may stand for others.
func (w *write) deleteOf(key attributeMap, e built) *dynamodb.DeleteItemInput {
	return &dynamodb.DeleteItemInput{
		TableName: ptr(w.table()), Key: key, ConditionExpression: e.condition,
		ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.values,
		ReturnConsumedCapacity: w.o.returnCapacity(), ReturnValues: types.ReturnValueAllOld,
		ReturnValuesOnConditionCheckFailure: w.returnsOld(),
	}
}

// inTransaction is the write as an action of a transaction.
func (w *write) inTransaction() types.TransactWriteItem {
	table, e, old := ptr(w.table()), w.expr.built(), w.returnsOld()
	switch w.action {
	case actionPut:
		return types.TransactWriteItem{Put: &types.Put{
			TableName: table, Item: w.item, ConditionExpression: e.condition,
			ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.values, ReturnValuesOnConditionCheckFailure: old,
		}}
	case actionUpdate:
		return types.TransactWriteItem{Update: &types.Update{
			TableName: table, Key: w.key, UpdateExpression: e.update, ConditionExpression: e.condition,
			ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.values, ReturnValuesOnConditionCheckFailure: old,
		}}
	case actionDelete:
		return types.TransactWriteItem{Delete: &types.Delete{
			TableName: table, Key: w.key, ConditionExpression: e.condition,
			ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.values, ReturnValuesOnConditionCheckFailure: old,
		}}
	}
	return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: table, Key: w.key, ConditionExpression: e.condition,
		ExpressionAttributeNames: e.names, ExpressionAttributeValues: e.values, ReturnValuesOnConditionCheckFailure: old,
	}}
}

// size is what the write counts towards the limit of a transaction.
func (w *write) size() int {
	n := codec.Size(w.item) + codec.Size(w.expr.built().values)
	if w.action != actionPut {
		n += codec.Size(w.key)
	}
	return n
}

// whereVersion adds the conditions that the expected version, and the mark that goes with it, are stored.
func (w *write) whereVersion() {
	if w.expect.version == nil {
		return
	}
	w.where(w.name(w.m.version.path).Equal(value(versionValue(*w.expect.version))))
	w.whereMark()
}

// buildDelete compiles a Delete. key is an own copy of the caller's.
func (m *model) buildDelete(o *options, key reflect.Value, conds []*condNode) (*write, error) {
	w := m.newWrite(o, "Delete", actionDelete, expectation{now: m.now()})
	if err := w.at(key); err != nil {
		return nil, err
	}
	if w.expect.version != nil || len(conds) > 0 {
		w.expect.exist = true
		m.wherePresent(&w.exprBuilder, w.expect.now)
	} else {
		m.whereNotForeign(&w.exprBuilder)
	}
	w.whereVersion()
	if err := w.whereAll(conds); err != nil {
		return nil, err
	}
	w.uniques = m.uniques
	return w, w.compile()
}

// buildCheck compiles a check.
func (m *model) buildCheck(o *options, key reflect.Value, conds []*condNode) (*write, error) {
	w := m.newWrite(o, "Check", actionCheck, expectation{exist: true, now: m.now()})
	if err := w.at(key); err != nil {
		return nil, err
	}
	m.wherePresent(&w.exprBuilder, w.expect.now)
	w.whereVersion()
	if err := w.whereAll(conds); err != nil {
		return nil, err
	}
	return w, w.compile()
}

// at sets the write's key, and the version that must be stored: the key's.
func (w *write) at(key reflect.Value) (err error) {
	w.key, w.expect.version, err = w.m.keyOf(w.o, key)
	if err != nil || w.m.version == nil {
		return err
	}
	if w.expect.version != nil {
		w.resend, w.expect.mark = resendSoon, w.m.markIn(key)
	}
	return nil
}

// whereAll adds the caller's conditions.
func (w *write) whereAll(conds []*condNode) error {
	for _, c := range conds {
		if err := w.whereOwn(c); err != nil {
			return err
		}
	}
	return nil
}

// whereOwn adds a condition of the caller's.
func (w *write) whereOwn(n *condNode) error {
	w.pin(n)
	c, err := w.exprBuilder.compile(n)
	if err == nil {
		w.where(c)
	}
	return err
}

// pin notes the version that a condition of the caller's demands: it guards the write like one in the key.
func (w *write) pin(c *condNode) {
	if c == nil || w.m.version == nil || w.expect.version != nil {
		return
	}
	if c.op == opAll {
		for _, kid := range c.kids {
			w.pin(kid)
		}
		return
	}
	if c.op != opEq || c.size || c.other != nil || !c.loc.path.equal(w.m.version.path) {
		return
	}
	if n, err := w.m.versionOfValue(reflect.ValueOf(c.values[0])); err == nil && n > 0 {
		w.expect.version, w.resend = &n, resendSoon
	}
}

// keyOf makes the key of a T with its key fields set, and the version it asks for, if any.
func (m *model) keyOf(o *options, item reflect.Value) (attributeMap, *uint64, error) {
	key, err := m.readKey(o, item)
	if err != nil || m.version == nil || o.noVersion {
		return key, nil, err
	}
	n, err := m.versionOf(item)
	if err != nil || n == 0 {
		return key, nil, err
	}
	return key, &n, nil
}

// readKey is keyOf for reads, to which the version in a key means nothing.
func (m *model) readKey(o *options, item reflect.Value) (attributeMap, error) {
	m.transformKey(item)
	return m.primaryKey(o, item)
}

// transformKey runs the transforms of what the primary key is made of, once: they need not give the same twice.
func (m *model) transformKey(item reflect.Value) {
	for _, a := range m.primary.attributes() {
		transformAt(a, item)
	}
}

func ptr[V any](v V) *V { return &v }
