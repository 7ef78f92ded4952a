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
		if x.Type == textsType {
			x.op = opTextSet
		}
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
		if elem.Kind != Any && elem.Kind != Custom && elem.Kind != Invalid && elem.Stored() != member {
			c.report(path, fmt.Errorf("%s cannot be a set of %s: its elements are stored as %s", x.Type, member, elem.Stored()))
		}
	})
}

// encodeMembers encodes the elements of the set v one by one. read takes a
// member out of its attribute value and returns a text that is the same for
// equal members. An empty set gives no members.
func encodeMembers[E any](x *Value, v reflect.Value, l level, read func(types.AttributeValue) (E, string, error)) ([]E, error) {
	set := make([]E, 0, v.Len())
	seen := texts{few: make([]string, 0, min(v.Len(), fewTexts+1))}
	for i := range v.Len() {
		elem := v.Index(i)
		if x.omitEmptyElem && x.Elem.IsZero(elem) {
			continue
		}
		av, err := x.Elem.encode(elem, l)
		if err != nil {
			return nil, atIndex(i, err)
		}
		if av == nil {
			if x.omitEmptyElem {
				continue
			}
			return nil, atIndex(i, ErrNil)
		}
		member, text, err := read(av)
		if err != nil {
			return nil, atIndex(i, err)
		}
		if !seen.add(text) {
			return nil, atIndex(i, ErrDuplicate)
		}
		set = append(set, member)
	}
	return set, nil
}

func (x *Value) encodeStringSet(v reflect.Value, l level) (types.AttributeValue, error) {
	set, err := encodeMembers(x, v, l, func(av types.AttributeValue) (string, string, error) {
		s, ok := av.(*types.AttributeValueMemberS)
		if !ok {
			return "", "", mismatch("S", av)
		}
		return s.Value, s.Value, nil
	})
	if err != nil || len(set) == 0 {
		return nil, err
	}
	return &types.AttributeValueMemberSS{Value: set}, nil
}

func (x *Value) encodeNumberSet(v reflect.Value, l level) (types.AttributeValue, error) {
	set, err := encodeMembers(x, v, l, func(av types.AttributeValue) (string, string, error) {
		n, ok := av.(*types.AttributeValueMemberN)
		if !ok {
			return "", "", mismatch("N", av)
		}
		text, err := CanonicalNumber(n.Value)
		return n.Value, text, err
	})
	if err != nil || len(set) == 0 {
		return nil, err
	}
	return &types.AttributeValueMemberNS{Value: set}, nil
}

func (x *Value) encodeBinarySet(v reflect.Value, l level) (types.AttributeValue, error) {
	set, err := encodeMembers(x, v, l, func(av types.AttributeValue) ([]byte, string, error) {
		b, ok := av.(*types.AttributeValueMemberB)
		if !ok {
			return nil, "", mismatch("B", av)
		}
		return b.Value, string(b.Value), nil
	})
	if err != nil || len(set) == 0 {
		return nil, err
	}
	return &types.AttributeValueMemberBS{Value: set}, nil
}

func (x *Value) decodeStringSet(av types.AttributeValue, dst reflect.Value, l level) error {
	set, ok := av.(*types.AttributeValueMemberSS)
	if !ok {
		return mismatch("SS", av)
	}
	one := new(types.AttributeValueMemberS)
	return x.decodeMembers(len(set.Value), dst, l, func(i int) types.AttributeValue {
		if x.Elem.op == opNone { // user code may keep it
			one = new(types.AttributeValueMemberS)
		}
		one.Value = set.Value[i]
		return one
	})
}

func (x *Value) decodeNumberSet(av types.AttributeValue, dst reflect.Value, l level) error {
	set, ok := av.(*types.AttributeValueMemberNS)
	if !ok {
		return mismatch("NS", av)
	}
	one := new(types.AttributeValueMemberN)
	return x.decodeMembers(len(set.Value), dst, l, func(i int) types.AttributeValue {
		if x.Elem.op == opNone { // user code may keep it
			one = new(types.AttributeValueMemberN)
		}
		one.Value = set.Value[i]
		return one
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

// texts is a set of strings that costs little as long as it is small.
type texts struct {
	few  []string
	many map[string]struct{}
}

const fewTexts = 8

// add reports whether s was not in the set before.
func (t *texts) add(s string) bool {
	if t.many != nil {
		if _, ok := t.many[s]; ok {
			return false
		}
		t.many[s] = struct{}{}
		return true
	}
	for _, have := range t.few {
		if have == s {
			return false
		}
	}
	t.few = append(t.few, s)
	if len(t.few) > fewTexts {
		t.many = make(map[string]struct{}, 4*fewTexts)
		for _, have := range t.few {
			t.many[have] = struct{}{}
		}
	}
	return true
}
