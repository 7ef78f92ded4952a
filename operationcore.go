package monotable

import (
	"context"
	"reflect"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// opVerb is what an operation does, in the words of its verb.
type opVerb string

const (
	verbGet    opVerb = "Get"
	verbCreate opVerb = "Create"
	verbPut    opVerb = "Put"
	verbUpdate opVerb = "Update"
	verbUpsert opVerb = "Upsert"
	verbDelete opVerb = "Delete"
	verbCheck  opVerb = "Check"
)

// opCore is an operation free of type parameters. It is immutable, and nil of the zero operation. What is made of it is made of a fresh copy of value.
type opCore struct {
	verb    opVerb
	of      *entityCore   // nil of a nil Entity's
	value   reflect.Value // the item, or the key; frozen
	conds   []*condNode
	changes []*changeNode
	dst     reflect.Value // where a transaction, or a batch of reads, puts the item; invalid if nowhere
}

func (o *opCore) valid() error {
	if o == nil || o.of == nil {
		return errZeroOp
	}
	return nil
}

func (o *opCore) into(dst any) *opCore {
	if o == nil {
		return nil
	}
	own := *o
	own.dst = target(dst)
	return &own
}

// frozenKey is a copy of a key that the caller cannot change any more.
func (c *entityCore) frozenKey(key any) reflect.Value {
	if c == nil || c.model.plainKey { // the operation of no entity is refused in use
		return target(key)
	}
	return frozen(key)
}

// tokenOf gives the token that an operation is under.
type tokenOf func(*entityCore) string

func (c *entityCore) token() string { return c.options.token }

// onceToken is the token that a single write of the entity is under.
func (c *entityCore) onceToken() string { return c.options.onceToken() }

// just is a token that is known, whatever the entity's is.
func just(token string) tokenOf { return func(*entityCore) string { return token } }

// build compiles a write; of an Upsert the Update.
func (o *opCore) build(ctx context.Context, token tokenOf) (*write, error) {
	if err := o.valid(); err != nil {
		return nil, err
	}
	value := fresh(o.value)
	switch o.verb {
	case verbCreate, verbPut:
		return o.of.buildPut(ctx, token(o.of), o.verb == verbCreate, false, value, o.conds)
	case verbUpdate:
		return o.of.buildUpdate(token(o.of), value, o.changes, false)
	case verbUpsert:
		legs, err := o.of.legs(token(o.of), value, o.changes)
		if err != nil {
			return nil, err
		}
		return legs.update, nil
	case verbDelete:
		return o.of.buildDelete(token(o.of), value, o.conds)
	}
	return o.of.model.buildCheck(&o.of.options, o.of.model.ownKey(value), o.conds)
}

// single is a write that can be shown as one request.
func (o *opCore) single() (*write, error) {
	w, err := o.build(context.Background(), (*entityCore).token)
	if err == nil {
		err = w.alone()
	}
	if err != nil {
		return nil, err
	}
	return w, nil
}

func (o *opCore) putRequest() (*dynamodb.PutItemInput, error) {
	w, err := o.single()
	if err != nil {
		return nil, err
	}
	return w.putInput(), nil
}

func (o *opCore) updateRequest() (*dynamodb.UpdateItemInput, error) {
	w, err := o.single()
	if err != nil {
		return nil, err
	}
	return w.updateInput(), nil
}

func (o *opCore) deleteRequest() (*dynamodb.DeleteItemInput, error) {
	w, err := o.single()
	if err != nil {
		return nil, err
	}
	return w.deleteInput(), nil
}

func (o *opCore) checkRequest() (*types.ConditionCheck, error) {
	w, err := o.build(context.Background(), (*entityCore).token)
	if err != nil {
		return nil, err
	}
	return w.inTransaction().ConditionCheck, nil
}

func (o *opCore) explain() (Plan, error) {
	w, err := o.build(context.Background(), (*entityCore).onceToken)
	if err != nil {
		return Plan{}, err
	}
	return w.explain()
}

func (o *opCore) stage(ctx context.Context, token string) (*staged, error) {
	if o != nil && o.verb == verbUpsert {
		return o.stageUpsert(ctx, token)
	}
	w, err := o.build(ctx, just(token))
	if err != nil {
		return nil, err
	}
	s := w.stage()
	if o.dst.IsValid() {
		s.keep = func(item attributeMap) error {
			return o.fill(func(dst reflect.Value) error { return o.of.written(recordOf(item), dst) })
		}
	}
	return s, nil
}

// fill decodes into the destination, or leaves it as it is.
func (o *opCore) fill(decode func(dst reflect.Value) error) error {
	own := reflect.New(o.dst.Type()).Elem()
	err := decode(own)
	if err == nil {
		o.dst.Set(own)
	}
	return err
}

// batch fills the entry of a Put or Delete.
func (o *opCore) batch(ctx context.Context, entry *batchEntry) error {
	if err := o.valid(); err != nil {
		return err
	}
	if len(o.conds) > 0 {
		return invalidf("a batch takes no conditions; use TransactWrite")
	}
	if o.dst.IsValid() {
		return invalidf("a batch gives back nothing of what it writes; leave Into out, or use TransactWrite")
	}
	if o.verb == verbDelete {
		return o.of.batchDelete(fresh(o.value), entry)
	}
	return o.of.batchPut(ctx, fresh(o.value), entry)
}

// getRequest is the request of a Get.
func (o *opCore) getRequest() (*dynamodb.GetItemInput, error) {
	if err := o.valid(); err != nil {
		return nil, err
	}
	return o.of.getInput(&o.of.options, fresh(o.value))
}

func (o *opCore) explainGet() (Plan, error) {
	in, err := o.getRequest()
	if err != nil {
		return Plan{}, err
	}
	m := o.of.model
	p := Plan{
		Verb: "Get", Operation: "GetItem", Entity: m.name, Table: *in.TableName, Key: m.templates(m.primary),
		Consistent: o.of.options.consistent, Requests: 1,
	}
	p.warnConsistent()
	return p, nil
}

// compileRead compiles a Get with a destination.
func (o *opCore) compileRead() (compiledRead, error) {
	if err := o.valid(); err != nil {
		return compiledRead{}, err
	}
	if !o.dst.IsValid() {
		return compiledRead{}, invalidf("GetOp without a destination")
	}
	in, err := o.getRequest()
	if err != nil {
		return compiledRead{}, err
	}
	return compiledRead{
		m: o.of.model, table: *in.TableName, key: in.Key, consistent: o.of.options.consistent,
		get:     &types.Get{TableName: in.TableName, Key: in.Key},
		becomes: o.of.model.plan, decode: func(item *record) error {
			return o.fill(func(dst reflect.Value) error { return o.of.found(item, dst) })
		},
	}, nil
}

// getInput is the request of a read. key is the call's own.
func (c *entityCore) getInput(o *options, key reflect.Value) (*dynamodb.GetItemInput, error) {
	attributes, err := c.model.readKey(o, c.model.ownKey(key))
	if err != nil {
		return nil, err
	}
	in := &dynamodb.GetItemInput{
		TableName:              ptr(o.tableName(c.model.table)),
		Key:                    attributes,
		ReturnConsumedCapacity: o.returnCapacity(),
	}
	if o.consistent {
		in.ConsistentRead = ptr(true)
	}
	return in, nil
}

// raw reads the stored item and makes sure that it is the entity's.
func (c *entityCore) raw(ctx context.Context, o *options, key reflect.Value) (*record, error) {
	in, err := c.getInput(o, key)
	if err != nil {
		return nil, err
	}
	m := c.model
	answer := m.reply(m.plan, m.primary, "Item")
	out, err := readInto(ctx, m.table, o, answer, m.table.client.GetItem, in)
	if err != nil {
		return nil, err
	}
	item, err := answer.one(out.Item)
	if err == nil {
		err = m.present(item)
	}
	return item, err
}

// alone says why a write cannot be shown as one request.
func (w *write) alone() error {
	switch {
	case w.o.exactlyOnce:
		return invalidf("%s is a transaction under ExactlyOnce, not one request of its own", w.op)
	case w.stage().reads:
		return invalidf("%s reads the item first, for its unique values; Explain tells what it does", w.op)
	case len(w.uniques) > 0:
		return invalidf("%s is a transaction, with guards for its unique values", w.op)
	}
	return nil
}

// keyIn takes the primary key out of an item.
func (m *model) keyIn(item attributeMap) attributeMap {
	key := make(attributeMap, 2)
	for _, k := range m.primary.all() {
		key[k.Name] = item[k.Name]
	}
	return key
}
