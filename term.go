package monotable

import (
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// term is a part of an expression: an operator and what it works on, with the methods of the SDK's builders. The zero term is unset.
type term struct {
	op   condOp
	path path                 // of opName
	av   types.AttributeValue // of opValue
	raw  any                  // of opUnchecked: a ConditionBuilder or an OperandBuilder
	args []term
}

// What terms have besides the operators of conditions.
const (
	opName condOp = iota + opUnchecked + 1
	opValue
	opSize
	opIfNotExists
	opPlus
	opListAppend
	opSet
	opRemove
	opAdd
	opDelete
)

func value(av types.AttributeValue) term { return term{op: opValue, av: orNull(av)} }

func text(s string) term { return value(&types.AttributeValueMemberS{Value: s}) }

func number(n int64) term {
	return value(&types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)})
}

func unchecked(builder any) term { return term{op: opUnchecked, raw: builder} }

func of(op condOp, args ...term) term { return term{op: op, args: args} }

func (t term) isSet() bool { return t.op != 0 }

func (t term) Equal(right term) term            { return of(opEq, t, right) }
func (t term) LessThan(right term) term         { return of(opLt, t, right) }
func (t term) LessThanEqual(right term) term    { return of(opLe, t, right) }
func (t term) GreaterThan(right term) term      { return of(opGt, t, right) }
func (t term) GreaterThanEqual(right term) term { return of(opGe, t, right) }
func (t term) Between(low, high term) term      { return of(opBetween, t, low, high) }
func (t term) In(values ...term) term           { return of(opIn, append([]term{t}, values...)...) }
func (t term) BeginsWith(prefix string) term    { return of(opPrefix, t, text(prefix)) }
func (t term) AttributeExists() term            { return of(opExists, t) }
func (t term) AttributeNotExists() term         { return of(opNotExists, t) }
func (t term) And(right term) term              { return of(opAll, t, right) }
func (t term) Or(right term) term               { return of(opAny, t, right) }
func (t term) Size() term                       { return of(opSize, t) }
func (t term) IfNotExists(otherwise term) term  { return of(opIfNotExists, t, otherwise) }
func (t term) Plus(right term) term             { return of(opPlus, t, right) }
func (t term) ListAppend(right term) term       { return of(opListAppend, t, right) }

// allOf is the condition that all hold.
func allOf(conds []term) term {
	if len(conds) == 1 {
		return conds[0]
	}
	return of(opAll, conds...)
}
