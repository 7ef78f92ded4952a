package codec

import (
	"bytes"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Equal reports whether DynamoDB would call a and b equal: numbers by value,
// sets without order, lists and maps member by member. Nil equals nil only.
func Equal(a, b types.AttributeValue) bool {
	if isNil(a) || isNil(b) {
		return isNil(a) && isNil(b)
	}
	switch a := a.(type) {
	case *types.AttributeValueMemberS:
		b, ok := b.(*types.AttributeValueMemberS)
		return ok && a.Value == b.Value
	case *types.AttributeValueMemberN:
		b, ok := b.(*types.AttributeValueMemberN)
		return ok && canonicalOrRaw(a.Value) == canonicalOrRaw(b.Value)
	case *types.AttributeValueMemberB:
		b, ok := b.(*types.AttributeValueMemberB)
		return ok && bytes.Equal(a.Value, b.Value)
	case *types.AttributeValueMemberBOOL:
		b, ok := b.(*types.AttributeValueMemberBOOL)
		return ok && a.Value == b.Value
	case *types.AttributeValueMemberNULL:
		return isNull(b)
	case *types.AttributeValueMemberL:
		b, ok := b.(*types.AttributeValueMemberL)
		return ok && equalLists(a.Value, b.Value)
	case *types.AttributeValueMemberM:
		b, ok := b.(*types.AttributeValueMemberM)
		return ok && maps.EqualFunc(a.Value, b.Value, Equal)
	case *types.AttributeValueMemberSS:
		b, ok := b.(*types.AttributeValueMemberSS)
		return ok && equalSets(a.Value, b.Value, func(s string) string { return s })
	case *types.AttributeValueMemberNS:
		b, ok := b.(*types.AttributeValueMemberNS)
		return ok && equalSets(a.Value, b.Value, canonicalOrRaw)
	case *types.AttributeValueMemberBS:
		b, ok := b.(*types.AttributeValueMemberBS)
		return ok && equalSets(a.Value, b.Value, func(m []byte) string { return string(m) })
	}
	return false
}

// canonicalOrRaw lets a text that is no number equal itself only.
func canonicalOrRaw(s string) string {
	if c, err := CanonicalNumber(s); err == nil {
		return c
	}
	return s
}

func equalLists(a, b []types.AttributeValue) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

func equalSets[E any](a, b []E, key func(E) string) bool {
	if len(a) != len(b) {
		return false
	}
	count := make(map[string]int, len(a))
	for _, m := range a {
		count[key(m)]++
	}
	for _, m := range b {
		k := key(m)
		if count[k] == 0 {
			return false
		}
		count[k]--
	}
	return true
}

// Copy returns a copy of av that shares no memory with it. What is nil in it stays
// nil.
func Copy(av types.AttributeValue) types.AttributeValue {
	if isNil(av) {
		return nil
	}
	switch av := av.(type) {
	case *types.AttributeValueMemberS:
		return &types.AttributeValueMemberS{Value: av.Value}
	case *types.AttributeValueMemberN:
		return &types.AttributeValueMemberN{Value: av.Value}
	case *types.AttributeValueMemberB:
		return &types.AttributeValueMemberB{Value: slices.Clone(av.Value)}
	case *types.AttributeValueMemberBOOL:
		return &types.AttributeValueMemberBOOL{Value: av.Value}
	case *types.AttributeValueMemberNULL:
		return &types.AttributeValueMemberNULL{Value: av.Value}
	case *types.AttributeValueMemberL:
		list := slices.Clone(av.Value)
		for i, elem := range list {
			list[i] = Copy(elem)
		}
		return &types.AttributeValueMemberL{Value: list}
	case *types.AttributeValueMemberM:
		if av.Value == nil {
			return &types.AttributeValueMemberM{}
		}
		return &types.AttributeValueMemberM{Value: CopyItem(av.Value)}
	case *types.AttributeValueMemberSS:
		return &types.AttributeValueMemberSS{Value: slices.Clone(av.Value)}
	case *types.AttributeValueMemberNS:
		return &types.AttributeValueMemberNS{Value: slices.Clone(av.Value)}
	case *types.AttributeValueMemberBS:
		set := slices.Clone(av.Value)
		for i, b := range set {
			set[i] = slices.Clone(b)
		}
		return &types.AttributeValueMemberBS{Value: set}
	}
	return av
}

// CopyItem returns a deep copy of an item; of nil, an empty one.
func CopyItem(item map[string]types.AttributeValue) map[string]types.AttributeValue {
	m := make(map[string]types.AttributeValue, len(item))
	for name, av := range item {
		m[name] = Copy(av)
	}
	return m
}
