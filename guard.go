package monotable

import (
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable/internal/codec"
)

// guardSlot is one guard of a transaction: who frees it and who takes it.
type guardSlot struct {
	table string
	key   attributeMap
	taker *guardUse
	freer *guardUse
}

// guardUse is an operation's use of a guard.
type guardUse struct {
	index  int
	s      *staged
	unique *uniqueKey
	owner  types.AttributeValue
	expiry types.AttributeValue
}

func (g *guardSlot) add(index int, s *staged, change guardChange) error {
	use := &guardUse{index: index, s: s, unique: change.unique, owner: &types.AttributeValueMemberM{Value: s.key}}
	if !change.take {
		g.freer = use
		return nil
	}
	if g.taker != nil {
		return &duplicateError{first: g.taker.index, second: index, attribute: change.unique.attribute.String()}
	}
	use.expiry = s.write.expiryAfter(s.was)
	g.taker = use
	return nil
}

// action compiles the guard's part of the transaction. A guard is taken if it is nobody's, or its time is over, or it is the item's own
// or one that this transaction frees; it is freed only if it is the item's.
func (g *guardSlot) action() (types.TransactWriteItem, int, error) {
	use := g.taker
	if use == nil {
		use = g.freer
	}
	b := newExprBuilder(use.s.m)
	m := use.s.m
	free := b.top(m.primary.partition[0].Name).AttributeNotExists()
	mine := func(u *guardUse) term { return b.top(guardOwner).Equal(value(u.owner)) }
	may := free.Or(mine(use))
	if g.taker != nil {
		if g.freer != nil {
			may = may.Or(mine(g.freer))
		}
		if m.expires != nil {
			may = may.Or(b.name(m.expires.path).LessThanEqual(number(use.s.write.expect.now.Unix())))
		}
	}
	b.where(may)
	expr, err := b.build()
	if err != nil {
		return types.TransactWriteItem{}, 0, err
	}
	size := codec.Size(expr.values)
	if g.taker == nil {
		return types.TransactWriteItem{Delete: &types.Delete{
			TableName: ptr(g.table), Key: g.key, ConditionExpression: expr.condition,
			ExpressionAttributeNames: expr.names, ExpressionAttributeValues: expr.values,
		}}, size + codec.Size(g.key), nil
	}
	item := attributeMap{guardOwner: use.owner}
	for name, av := range g.key {
		item[name] = av
	}
	if use.expiry != nil {
		item[m.expires.path[0].name] = use.expiry
	}
	return types.TransactWriteItem{Put: &types.Put{
		TableName: ptr(g.table), Item: item, ConditionExpression: expr.condition,
		ExpressionAttributeNames: expr.names, ExpressionAttributeValues: expr.values,
	}}, size + codec.Size(item), nil
}

// duplicateError is two operations of one transaction that take the same unique value.
type duplicateError struct {
	first, second int
	attribute     string
}

func (e *duplicateError) Error() string {
	return invalidf("operations %d and %d give two items the same %s, which is unique", e.first, e.second, e.attribute).Error()
}

func (e *duplicateError) Is(target error) bool { return target == ErrInvalid || target == ErrDuplicate }
