package memdb

import (
	"slices"

	"github.com/monotable/monotable/memdb/internal/expr"
	"github.com/monotable/monotable/memdb/internal/value"
)

type getItemInput struct {
	TableName              *string
	Key                    item
	ConsistentRead         bool
	ProjectionExpression   *string
	ReturnConsumedCapacity string
	placeholders
	legacy
}

type getItemOutput struct {
	Item             value.Map         `json:",omitzero"`
	ConsumedCapacity *consumedCapacity `json:",omitempty"`
}

func (e *Engine) getItem(in *getItemInput) (*getItemOutput, error) {
	if err := checkTableName(in.TableName); err != nil {
		return nil, err
	}
	var c checker
	c.required("key", in.Key.given())
	c.capacity(in.ReturnConsumedCapacity)
	if err := c.err(); err != nil {
		return nil, err
	}
	s := source{expr.ProjectionExpression, in.ProjectionExpression}
	if err := in.refuse(s); err != nil {
		return nil, err
	}
	params, err := in.params(s)
	if err != nil {
		return nil, err
	}
	pick, err := projection(params, in.ProjectionExpression)
	if err != nil {
		return nil, err
	}
	if err := params.Unused(); err != nil {
		return nil, err
	}
	if in.Key.broken != nil {
		return nil, in.Key.broken
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	t, err := e.table(*in.TableName)
	if err != nil {
		return nil, err
	}
	if err := t.checkPick(pick); err != nil {
		return nil, err
	}
	if err := t.key.checkKey(in.Key.Map); err != nil {
		return nil, err
	}
	if e.asked() {
		if err := e.throttled(e.call("GetItem", t, "", 0, in.Key.Map)); err != nil {
			return nil, err
		}
	}
	m := meter{table: t, mode: in.ReturnConsumedCapacity, factor: readFactor(in.ConsistentRead)}
	out := &getItemOutput{}
	size := 0
	if r := t.get(t.key.treeKey(in.Key.Map)); r != nil {
		size = r.size
		out.Item = projected(pick, r.item)
	}
	m.read(nil, size)
	out.ConsumedCapacity = m.consumed()
	return out, nil
}

func readFactor(consistentRead bool) float64 {
	if consistentRead {
		return consistent
	}
	return eventual
}

func projected(p *expr.Projection, m value.Map) value.Map {
	if p == nil {
		return m
	}
	return p.Apply(m)
}

// writeOptions are what PutItem, UpdateItem and DeleteItem have in common.
type writeOptions struct {
	TableName                           *string
	ConditionExpression                 *string
	ReturnValues                        string
	ReturnValuesOnConditionCheckFailure string
	ReturnConsumedCapacity              string
	ReturnItemCollectionMetrics         string
	placeholders
	legacy
}

func (in *writeOptions) checkForm(field string, given bool) error {
	if err := checkTableName(in.TableName); err != nil {
		return err
	}
	var c checker
	c.required(field, given)
	c.capacity(in.ReturnConsumedCapacity)
	c.metrics(in.ReturnItemCollectionMetrics)
	c.returnValues(in.ReturnValues)
	c.onFailure(in.ReturnValuesOnConditionCheckFailure)
	return c.err()
}

// parse reads the condition and, with an update, that expression.
func (in *writeOptions) parse(w *write, update *string, mayUpdate bool) error {
	sources := []source{{expr.ConditionExpression, in.ConditionExpression}}
	if mayUpdate {
		sources = []source{{expr.UpdateExpression, update}, sources[0]}
	}
	if err := in.refuse(sources...); err != nil {
		return err
	}
	w.tableName, w.onFailure = *in.TableName, in.ReturnValuesOnConditionCheckFailure == "ALL_OLD"
	return w.parse(&in.placeholders, sources)
}

// parse reads the expressions of a write.
func (w *write) parse(p *placeholders, sources []source) error {
	params, err := p.params(sources...)
	if err != nil {
		return err
	}
	for _, s := range sources {
		switch {
		case s.text == nil:
		case s.kind == expr.UpdateExpression:
			w.update, err = params.Update(*s.text)
		default:
			w.condition, err = params.Condition(s.kind, *s.text)
		}
		if err != nil {
			return err
		}
	}
	if w.update != nil {
		for _, path := range w.update.Paths {
			if !slices.Contains(w.names, path[0].Name) {
				w.names = append(w.names, path[0].Name)
			}
		}
	}
	return params.Unused()
}

type putItemInput struct {
	Item item
	writeOptions
}

type updateItemInput struct {
	Key              item
	UpdateExpression *string
	writeOptions
}

type deleteItemInput struct {
	Key item
	writeOptions
}

type writeOutput struct {
	Attributes            value.Map          `json:",omitzero"`
	ConsumedCapacity      *consumedCapacity  `json:",omitempty"`
	ItemCollectionMetrics *collectionMetrics `json:",omitempty"`
}

func (e *Engine) putItem(in *putItemInput) (*writeOutput, error) {
	w := &write{verb: verbPut, item: in.Item.Map}
	return e.replace("PutItem", w, "item", &in.Item, &in.writeOptions)
}

func (e *Engine) deleteItem(in *deleteItemInput) (*writeOutput, error) {
	w := &write{verb: verbDelete, key: in.Key.Map}
	return e.replace("DeleteItem", w, "key", &in.Key, &in.writeOptions)
}

// replace puts or deletes a whole item; the item or key was given in a field.
func (e *Engine) replace(operation string, w *write, field string, given *item, in *writeOptions) (*writeOutput, error) {
	if err := in.checkForm(field, given.given()); err != nil {
		return nil, err
	}
	if given.broken != nil {
		return nil, given.broken
	}
	if err := in.parse(w, nil, false); err != nil {
		return nil, err
	}
	if in.ReturnValues != "" && in.ReturnValues != "NONE" && in.ReturnValues != "ALL_OLD" {
		return nil, invalid("Return values set to invalid value")
	}
	return e.single(operation, w, in)
}

func (e *Engine) updateItem(in *updateItemInput) (*writeOutput, error) {
	if err := in.checkForm("key", in.Key.given()); err != nil {
		return nil, err
	}
	if in.Key.broken != nil {
		return nil, in.Key.broken
	}
	w := &write{verb: verbUpdate, key: in.Key.Map}
	if err := in.parse(w, in.UpdateExpression, true); err != nil {
		return nil, err
	}
	return e.single("UpdateItem", w, &in.writeOptions)
}

// single runs one write that is a request of its own.
func (e *Engine) single(operation string, w *write, in *writeOptions) (*writeOutput, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := w.bind(e); err != nil {
		return nil, err
	}
	if err := w.check(); err != nil {
		return nil, err
	}
	if e.asked() {
		call := e.call(operation, w.table, "", 0, w.keys())
		if err := e.throttled(call); err != nil {
			return nil, err
		}
		if e.conflict(call) {
			return nil, &apiError{Type: "TransactionConflictException", Message: "Transaction is ongoing for the item"}
		}
	}
	c, err := w.try()
	if err != nil {
		return nil, err
	}
	w.commit(e, c)
	m := meter{table: w.table, mode: in.ReturnConsumedCapacity, factor: consistent}
	m.wrote(c)
	return &writeOutput{
		Attributes:            w.returned(in.ReturnValues, c),
		ConsumedCapacity:      m.consumed(),
		ItemCollectionMetrics: w.table.metrics(in.ReturnItemCollectionMetrics, w.keys()),
	}, nil
}

func (w *write) keys() value.Map {
	if w.verb == verbPut {
		return w.table.key.pick(w.item)
	}
	return w.key
}

// returned is what ReturnValues asks for, nil if there is nothing.
func (w *write) returned(what string, c change) value.Map {
	switch what {
	case "ALL_OLD":
		return c.old
	case "ALL_NEW":
		return c.now
	case "UPDATED_OLD":
		if w.update != nil && c.old != nil {
			return orNil(w.update.Touched(c.old))
		}
	case "UPDATED_NEW":
		if w.update != nil {
			return orNil(w.update.Touched(c.now))
		}
	}
	return nil
}

func orNil(m value.Map) value.Map {
	if len(m) == 0 {
		return nil
	}
	return m
}
