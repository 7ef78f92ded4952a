package codec

import (
	"errors"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

var (
	errEmptySet = errors.New("set is empty")
	errNull     = errors.New("NULL must be true")
	errUnknown  = errors.New("unknown type of attribute value")
)

// Check reports whether DynamoDB could store av: no nil members, valid UTF-8,
// numbers in range, no empty sets or equal members of one, at most 32 levels.
// The error is an [*Error] whose path begins with path.
func Check(av types.AttributeValue, path string) error {
	err := check(av, level{depth: 1})
	if err != nil && path != "" {
		return at(path, err)
	}
	return err
}

func check(av types.AttributeValue, l level) error {
	if isNil(av) {
		return fail(ErrNil)
	}
	switch av := av.(type) {
	case *types.AttributeValueMemberS:
		if !utf8.ValidString(av.Value) {
			return fail(ErrUTF8)
		}
	case *types.AttributeValueMemberN:
		if err := CheckNumber(av.Value); err != nil {
			return fail(err)
		}
	case *types.AttributeValueMemberB:
		if av.Value == nil {
			return fail(ErrNil)
		}
	case *types.AttributeValueMemberBOOL:
	case *types.AttributeValueMemberNULL:
		if !av.Value {
			return fail(errNull)
		}
	case *types.AttributeValueMemberL:
		return checkList(av.Value, l)
	case *types.AttributeValueMemberM:
		return checkMap(av.Value, l)
	case *types.AttributeValueMemberSS:
		return checkSet(av.Value, func(s string) (string, error) {
			if !utf8.ValidString(s) {
				return "", ErrUTF8
			}
			return s, nil
		})
	case *types.AttributeValueMemberNS:
		return checkSet(av.Value, CanonicalNumber)
	case *types.AttributeValueMemberBS:
		return checkSet(av.Value, func(b []byte) (string, error) {
			if b == nil {
				return "", ErrNil
			}
			return string(b), nil
		})
	default:
		return fail(errUnknown)
	}
	return nil
}

func checkList(list []types.AttributeValue, l level) error {
	if list == nil {
		return fail(ErrNil)
	}
	l, err := l.down()
	if err != nil {
		return err
	}
	for i, elem := range list {
		if err := check(elem, l); err != nil {
			return atIndex(i, err)
		}
	}
	return nil
}

func checkMap(m map[string]types.AttributeValue, l level) error {
	if m == nil {
		return fail(ErrNil)
	}
	l, err := l.down()
	if err != nil {
		return err
	}
	for name, elem := range m {
		switch {
		case name == "":
			return fail(errEmptyKey)
		case !utf8.ValidString(name):
			return fail(ErrUTF8)
		}
		if err := check(elem, l); err != nil {
			return at(name, err)
		}
	}
	return nil
}

// checkSet compares members by the text that key makes of them.
func checkSet[E any](members []E, key func(E) (string, error)) error {
	if len(members) == 0 {
		return fail(errEmptySet)
	}
	var seen texts
	for i, m := range members {
		k, err := key(m)
		if err != nil {
			return atIndex(i, err)
		}
		if !seen.add(k) {
			return atIndex(i, ErrDuplicate)
		}
	}
	return nil
}
