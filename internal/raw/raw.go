// Package raw reads and writes items that are of no entity, as the SDK has them.
package raw

import (
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable"
)

// Item is a stored item.
type Item = map[string]types.AttributeValue

// Text is a text to store.
func Text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

// Number is a whole number to store.
func Number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

// Bool is a truth value to store.
func Bool(is bool) types.AttributeValue { return &types.AttributeValueMemberBOOL{Value: is} }

// Map is an item inside another one.
func Map(inner Item) types.AttributeValue { return &types.AttributeValueMemberM{Value: inner} }

// TextOf is a text's value; "" for anything else.
func TextOf(av types.AttributeValue) string {
	s, _ := av.(*types.AttributeValueMemberS)
	if s == nil {
		return ""
	}
	return s.Value
}

// NumberOf is a whole number's value; 0 for anything else.
func NumberOf(av types.AttributeValue) int64 {
	n, _ := av.(*types.AttributeValueMemberN)
	if n == nil {
		return 0
	}
	i, _ := strconv.ParseInt(n.Value, 10, 64)
	return i
}

// BoolOf is a truth value; false for anything else.
func BoolOf(av types.AttributeValue) bool {
	is, _ := av.(*types.AttributeValueMemberBOOL)
	return is != nil && is.Value
}

// KeyNames are the attributes that are keys of a table or of its indexes, and the tag; some may be "".
func KeyNames(d monotable.Declaration) []string {
	names := []string{d.PartitionKey.Name, d.SortKey.Name, d.TypeTag}
	for _, index := range d.Indexes {
		names = append(names, index.PartitionKey, index.SortKey)
		for _, k := range slices.Concat(index.PartitionKeys, index.SortKeys) {
			names = append(names, k.Name)
		}
	}
	return names
}
