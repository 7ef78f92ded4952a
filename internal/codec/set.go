package codec

import (
	"bytes"
	"fmt"
	"reflect"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// buildSet makes x a set; its elements are compiled already and each is stored
// as a member, a scalar of the one type the set has.
func (c *compiler) buildSet(x *Value, set setKind, path string) {
	var member string
	switch set {
	case stringSet:
		x.Kind, member = StringSet, "S"
		x.enc, x.dec = x.encodeStringSet, x.decodeStringSet
	case numberSet:
		x.Kind, member = NumberSet, "N"
		x.enc, x.dec = x.encodeNumberSet, x.decodeNumberSet
	case binarySet:
		x.Kind, member = BinarySet, "B"
		x.enc, x.dec = x.encodeBinarySet, x.decodeBinarySet
	}
	c.after = append(c.after, func() {
		elem := x.Elem.Deref()
		if elem.Kind != Any && elem.Kind != Custom && elem.Stored() != member {
			c.report(path, fmt.Errorf("%s cannot be a set of %s: its elements are stored as %s", x.Type, member, elem.Stored()))
		}
	})
}

// members encodes the elements of the set v one by one. An empty set is absent,
// so none are visited and empty is true.
func (x *Value) members(v reflect.Value, l level, add func(types.AttributeValue) error) (empty bool, err error) {
	empty = true
	for i := range v.Len() {
		elem := v.Index(i)
		if x.omitEmptyElem && x.Elem.IsZero(elem) {
			continue
		}
		av, err := x.Elem.encode(elem, l)
		switch {
		case err != nil:
		case av == nil && x.omitEmptyElem:
			continue
		case av == nil:
			err = ErrNil
		default:
			err = add(av)
		}
		if err != nil {
			return false, atIndex(i, err)
		}
		empty = false
	}
	return empty, nil
}

func (x *Value) encodeStringSet(v reflect.Value, l level) (types.AttributeValue, error) {
	set := &types.AttributeValueMemberSS{Value: make([]string, 0, v.Len())}
	seen := make(map[string]bool, v.Len())
	empty, err := x.members(v, l, func(av types.AttributeValue) error {
		s, ok := av.(*types.AttributeValueMemberS)
		if !ok {
			return mismatch("S", av)
		}
		if seen[s.Value] {
			return ErrDuplicate
		}
		seen[s.Value] = true
		set.Value = append(set.Value, s.Value)
		return nil
	})
	if err != nil || empty {
		return nil, err
	}
	return set, nil
}

func (x *Value) encodeNumberSet(v reflect.Value, l level) (types.AttributeValue, error) {
	set := &types.AttributeValueMemberNS{Value: make([]string, 0, v.Len())}
	seen := make(map[string]bool, v.Len())
	empty, err := x.members(v, l, func(av types.AttributeValue) error {
		n, ok := av.(*types.AttributeValueMemberN)
		if !ok {
			return mismatch("N", av)
		}
		text, err := CanonicalNumber(n.Value)
		if err != nil {
			return err
		}
		if seen[text] {
			return ErrDuplicate
		}
		seen[text] = true
		set.Value = append(set.Value, n.Value)
		return nil
	})
	if err != nil || empty {
		return nil, err
	}
	return set, nil
}

func (x *Value) encodeBinarySet(v reflect.Value, l level) (types.AttributeValue, error) {
	set := &types.AttributeValueMemberBS{Value: make([][]byte, 0, v.Len())}
	seen := make(map[string]bool, v.Len())
	empty, err := x.members(v, l, func(av types.AttributeValue) error {
		b, ok := av.(*types.AttributeValueMemberB)
		if !ok {
			return mismatch("B", av)
		}
		if seen[string(b.Value)] {
			return ErrDuplicate
		}
		seen[string(b.Value)] = true
		set.Value = append(set.Value, b.Value)
		return nil
	})
	if err != nil || empty {
		return nil, err
	}
	return set, nil
}

func (x *Value) decodeStringSet(av types.AttributeValue, dst reflect.Value, l level) error {
	set, ok := av.(*types.AttributeValueMemberSS)
	if !ok {
		return mismatch("SS", av)
	}
	return x.decodeMembers(len(set.Value), dst, l, func(i int) types.AttributeValue {
		return &types.AttributeValueMemberS{Value: set.Value[i]}
	})
}

func (x *Value) decodeNumberSet(av types.AttributeValue, dst reflect.Value, l level) error {
	set, ok := av.(*types.AttributeValueMemberNS)
	if !ok {
		return mismatch("NS", av)
	}
	return x.decodeMembers(len(set.Value), dst, l, func(i int) types.AttributeValue {
		return &types.AttributeValueMemberN{Value: set.Value[i]}
	})
}

func (x *Value) decodeBinarySet(av types.AttributeValue, dst reflect.Value, l level) error {
	set, ok := av.(*types.AttributeValueMemberBS)
	if !ok {
		return mismatch("BS", av)
	}
	return x.decodeMembers(len(set.Value), dst, l, func(i int) types.AttributeValue {
		return &types.AttributeValueMemberB{Value: bytes.Clone(set.Value[i])}
	})
}

// decodeMembers gives each member to its element as a scalar of its own, also
// where the element has its own unmarshaler.
func (x *Value) decodeMembers(n int, dst reflect.Value, l level, member func(int) types.AttributeValue) error {
	if err := makeRoom(dst, n); err != nil {
		return err
	}
	for i := range n {
		if err := x.Elem.decode(member(i), dst.Index(i), l); err != nil {
			return atIndex(i, err)
		}
	}
	return nil
}
