package memdb

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/monotable/monotable/memdb/internal/expr"
	"github.com/monotable/monotable/memdb/internal/value"
)

// Limits of transactions.
const (
	maxActions         = 100
	maxTransactionSize = 4 << 20
	maxToken           = 36
	tokenLife          = 10 * time.Minute
)

// The codes of cancellation reasons.
const (
	reasonNone       = "None"
	reasonCondition  = "ConditionalCheckFailed"
	reasonValidation = "ValidationError"
	reasonConflict   = "TransactionConflict"
)

type cancellationReason struct {
	Code    string
	Message string    `json:",omitempty"`
	Item    value.Map `json:",omitzero"`
}

// transactAction is any of the four actions of TransactWriteItems.
type transactAction struct {
	TableName                           *string
	Item                                item
	Key                                 item
	UpdateExpression                    *string
	ConditionExpression                 *string
	ReturnValuesOnConditionCheckFailure string
	placeholders
}

type transactWriteItem struct{ ConditionCheck, Put, Delete, Update *transactAction }

type transactWriteInput struct {
	TransactItems               []transactWriteItem
	ClientRequestToken          *string
	ReturnConsumedCapacity      string
	ReturnItemCollectionMetrics string
}

type transactWriteOutput struct {
	ConsumedCapacity      []*consumedCapacity             `json:",omitempty"`
	ItemCollectionMetrics map[string][]*collectionMetrics `json:",omitempty"`
}

// transactWriteRaw keeps the request's text, which tells equal requests apart
// from others under the same token.
type transactWriteRaw struct {
	transactWriteInput
	text string
}

// UnmarshalJSON reads the request.
func (in *transactWriteRaw) UnmarshalJSON(text []byte) error {
	if err := json.Unmarshal(text, &in.transactWriteInput); err != nil {
		return err
	}
	var parts struct{ TransactItems any }
	if err := json.Unmarshal(text, &parts); err != nil {
		return err
	}
	in.text = string(marshal(parts.TransactItems)) // members in order
	return nil
}

func (e *Engine) transactWriteItems(in *transactWriteRaw) (*transactWriteOutput, error) {
	ws, err := in.parse()
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if out, err := e.repeated(in); out != nil || err != nil {
		return out, err
	}
	for _, w := range ws {
		if err := w.bind(e); err != nil {
			return nil, err
		}
	}
	changes, err := e.tryAll(ws)
	if err != nil {
		return nil, err
	}
	for i, w := range ws {
		w.commit(e, changes[i])
	}
	out := in.consumed(ws, changes)
	e.remember(in)
	return out, nil
}

func (in *transactWriteRaw) checkForm() error {
	var c checker
	c.capacity(in.ReturnConsumedCapacity)
	c.metrics(in.ReturnItemCollectionMetrics)
	checkActions(&c, in.TransactItems)
	if t := in.ClientRequestToken; t != nil {
		c.length("clientRequestToken", *t, 1, maxToken)
	}
	for i, a := range in.TransactItems {
		for name, p := range map[string]*transactAction{"put": a.Put, "update": a.Update, "delete": a.Delete, "conditionCheck": a.ConditionCheck} {
			if p == nil {
				continue
			}
			member := fmt.Sprintf("transactItems.%d.member.%s.", i+1, name)
			c.required(member+"tableName", p.TableName != nil)
			if p == a.Put {
				c.required(member+"item", p.Item.given())
			} else {
				c.required(member+"key", p.Key.given())
			}
			if p == a.Update {
				c.required(member+"updateExpression", p.UpdateExpression != nil)
			}
			if p == a.ConditionCheck {
				c.required(member+"conditionExpression", p.ConditionExpression != nil)
			}
			c.enum(member+"returnValuesOnConditionCheckFailure", p.ReturnValuesOnConditionCheckFailure, "ALL_OLD", "NONE")
		}
	}
	return c.err()
}

func checkActions[T any](c *checker, actions []T) {
	switch {
	case actions == nil:
		c.required("transactItems", false)
	case len(actions) == 0:
		c.addf("Value '[]' at 'transactItems' failed to satisfy constraint: Member must have length greater than or equal to 1")
	case len(actions) > maxActions:
		c.addf("Value '[%d actions]' at 'transactItems' failed to satisfy constraint: Member must have length less than or equal to %d", len(actions), maxActions)
	}
}

// parse checks all that does not depend on tables and items.
func (in *transactWriteRaw) parse() ([]*write, error) {
	if err := in.checkForm(); err != nil {
		return nil, err
	}
	var ws []*write
	for _, a := range in.TransactItems {
		w, err := a.parse()
		if err != nil {
			return nil, err
		}
		ws = append(ws, w)
	}
	return ws, nil
}

func (a *transactWriteItem) parse() (*write, error) {
	var p *transactAction
	w := &write{}
	n := 0
	for _, c := range []struct {
		verb verb
		p    *transactAction
	}{{verbPut, a.Put}, {verbUpdate, a.Update}, {verbDelete, a.Delete}, {verbCheck, a.ConditionCheck}} {
		if c.p != nil {
			n++
			w.verb, p = c.verb, c.p
		}
	}
	if n != 1 {
		return nil, invalid("TransactItems can only contain one of Check, Put, Update or Delete")
	}
	if err := checkTableName(p.TableName); err != nil {
		return nil, err
	}
	w.tableName, w.onFailure = *p.TableName, p.ReturnValuesOnConditionCheckFailure == "ALL_OLD"
	given := &p.Key
	if w.verb == verbPut {
		given = &p.Item
		w.item = given.Map
	} else {
		w.key = given.Map
	}
	if given.broken != nil {
		return nil, given.broken
	}
	sources := []source{{expr.ConditionExpression, p.ConditionExpression}}
	if w.verb == verbUpdate {
		sources = []source{{expr.UpdateExpression, p.UpdateExpression}, sources[0]}
	}
	return w, w.parse(&p.placeholders, sources)
}

// repeated answers a request whose token was used before.
func (e *Engine) repeated(in *transactWriteRaw) (*transactWriteOutput, error) {
	if in.ClientRequestToken == nil {
		return nil, nil
	}
	name := *in.ClientRequestToken
	if f := e.faults.Load(); f.InProgress != nil && f.InProgress(name) {
		return nil, &apiError{Type: "TransactionInProgressException", Message: "The transaction with the given request token is already in progress."}
	}
	old, ok := e.tokens[name]
	switch {
	case !ok || !e.now().Before(old.expires):
		return nil, nil
	case old.request != in.text:
		return nil, &apiError{Type: "IdempotentParameterMismatchException", Message: "Request parameters do not match the ones of the first request with the same token"}
	}
	return in.repeatedAnswer(e), nil
}

// repeatedAnswer has no effect and costs reads instead of writes.
func (in *transactWriteRaw) repeatedAnswer(e *Engine) *transactWriteOutput {
	out := &transactWriteOutput{}
	var meters []*meter
	for i := range in.TransactItems {
		w, err := in.TransactItems[i].parse()
		if err != nil || w.bind(e) != nil || w.check() != nil {
			continue
		}
		size := 0
		if r := w.table.get(w.treeKey); r != nil {
			size = r.size
		}
		meters = meterOf(meters, w.table, in.ReturnConsumedCapacity)
		find(meters, w.table).read(nil, size)
	}
	out.ConsumedCapacity = consumedBy(meters)
	return out
}

func (e *Engine) remember(in *transactWriteRaw) {
	now := e.now()
	for name, t := range e.tokens {
		if !now.Before(t.expires) {
			delete(e.tokens, name)
		}
	}
	if in.ClientRequestToken != nil {
		e.tokens[*in.ClientRequestToken] = token{request: in.text, expires: now.Add(tokenLife)}
	}
}

// tryAll computes all changes from the state before, or tells why there are none.
func (e *Engine) tryAll(ws []*write) ([]change, error) {
	reasons := make([]cancellationReason, len(ws))
	bad := false
	fail := func(i int, err error) {
		reasons[i] = reasonOf(err)
		bad = true
	}
	size := 0
	seen := map[string]bool{}
	for i, w := range ws {
		if err := w.check(); err != nil {
			fail(i, err)
			continue
		}
		id := w.table.name + "\x00" + w.treeKey
		if seen[id] {
			return nil, invalid("Transaction request cannot include multiple operations on one item")
		}
		seen[id] = true
		size += value.ItemSize(w.item)
	}
	if size > maxTransactionSize {
		return nil, invalid("Transaction request exceeds the maximum size of %d bytes", maxTransactionSize)
	}
	changes := make([]change, len(ws))
	for i, w := range ws {
		if reasons[i].Code != "" {
			continue
		}
		if err := e.disturbed("TransactWriteItems", w.table, i, w.keys); err != nil {
			fail(i, err)
			continue
		}
		c, err := w.try()
		if err != nil {
			fail(i, err)
			continue
		}
		changes[i] = c
		size += value.ItemSize(c.now)
		if w.verb == verbPut || w.verb == verbCheck {
			size -= value.ItemSize(c.now)
		}
	}
	if bad {
		return nil, cancelled(reasons)
	}
	if size > maxTransactionSize {
		return nil, invalid("Transaction request exceeds the maximum size of %d bytes", maxTransactionSize)
	}
	return changes, nil
}

// disturbed asks the faults about one action of a transaction.
func (e *Engine) disturbed(operation string, t *table, i int, key func() value.Map) error {
	if !e.asked() {
		return nil
	}
	call := e.call(operation, t, "", i, key())
	if err := e.throttled(call); err != nil {
		return err
	}
	if e.conflict(call) {
		return &apiError{Type: "TransactionConflictException", Message: "Transaction is ongoing for the item"}
	}
	return nil
}

func reasonOf(err error) cancellationReason {
	failed := asAPIError(err)
	code := reasonValidation
	switch failed.Type {
	case "ConditionalCheckFailedException":
		code = reasonCondition
	case "TransactionConflictException":
		code = reasonConflict
	case string(ProvisionedThroughputExceeded):
		code = "ProvisionedThroughputExceeded"
	case string(ThrottlingError), string(RequestLimitExceeded):
		code = "ThrottlingError"
	}
	return cancellationReason{Code: code, Message: failed.Message, Item: failed.Item}
}

func cancelled(reasons []cancellationReason) error {
	codes := make([]string, len(reasons))
	for i := range reasons {
		if reasons[i].Code == "" {
			reasons[i].Code = reasonNone
		}
		codes[i] = reasons[i].Code
	}
	return &apiError{
		Type:    "TransactionCanceledException",
		Message: "Transaction cancelled, please refer cancellation reasons for specific reasons [" + strings.Join(codes, ", ") + "]",
		Reasons: reasons,
	}
}

// meterOf makes sure that there is a meter of the table.
func meterOf(meters []*meter, t *table, mode string) []*meter {
	if find(meters, t) != nil {
		return meters
	}
	return append(meters, &meter{table: t, mode: mode, factor: transactional, inTx: true})
}

func find(meters []*meter, t *table) *meter {
	i := slices.IndexFunc(meters, func(m *meter) bool { return m.table == t })
	if i < 0 {
		return nil
	}
	return meters[i]
}

func consumedBy(meters []*meter) []*consumedCapacity {
	var all []*consumedCapacity
	for _, m := range meters {
		if c := m.consumed(); c != nil {
			all = append(all, c)
		}
	}
	return all
}

func (in *transactWriteRaw) consumed(ws []*write, changes []change) *transactWriteOutput {
	out := &transactWriteOutput{}
	var meters []*meter
	for i, w := range ws {
		meters = meterOf(meters, w.table, in.ReturnConsumedCapacity)
		find(meters, w.table).wrote(changes[i])
		if metrics := w.table.metrics(in.ReturnItemCollectionMetrics, w.keys()); metrics != nil && w.verb != verbCheck {
			if out.ItemCollectionMetrics == nil {
				out.ItemCollectionMetrics = map[string][]*collectionMetrics{}
			}
			out.ItemCollectionMetrics[w.table.name] = append(out.ItemCollectionMetrics[w.table.name], metrics)
		}
	}
	out.ConsumedCapacity = consumedBy(meters)
	return out
}
