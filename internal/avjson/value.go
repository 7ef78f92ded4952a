package avjson

import (
	"encoding/base64"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Value reads an attribute value. It is nil for null, and for an object without a
// member that is known and not null. Members of types that are not known are passed
// over; two that are known are refused.
func (r *Reader) Value(i int) (types.AttributeValue, int, error) { return r.value(i, 0) }

// Map reads an item, or any object of attribute values; nil for null. Of members
// of one name the last counts.
func (r *Reader) Map(i int) (map[string]types.AttributeValue, int, error) {
	if end, ok := r.Null(i); ok {
		return nil, end, nil
	}
	return r.object(i, 0)
}

func (r *Reader) value(i, depth int) (types.AttributeValue, int, error) {
	i, null := r.Null(i)
	if null {
		return nil, i, nil
	}
	if depth++; depth > maxDepth {
		return nil, 0, r.fail(i, tooDeep)
	}
	var av types.AttributeValue
	end, err := r.Members(i, func(key []byte, i int) (int, error) {
		known := typeOf(key)
		if known == 0 {
			return r.skip(i, depth)
		}
		if end, null := r.Null(i); null {
			return end, nil
		}
		if av != nil {
			return 0, r.fail(i, "attribute value of two types")
		}
		var err error
		av, i, err = r.member(known, i, depth)
		return i, err
	})
	if err != nil {
		return nil, 0, err
	}
	return av, end, nil
}

type typeName uint8

const (
	typeS typeName = iota + 1
	typeN
	typeB
	typeBOOL
	typeNULL
	typeSS
	typeNS
	typeBS
	typeL
	typeM
)

func typeOf(name []byte) typeName {
	switch string(name) {
	case "S":
		return typeS
	case "N":
		return typeN
	case "B":
		return typeB
	case "BOOL":
		return typeBOOL
	case "NULL":
		return typeNULL
	case "SS":
		return typeSS
	case "NS":
		return typeNS
	case "BS":
		return typeBS
	case "L":
		return typeL
	case "M":
		return typeM
	}
	return 0
}

func (r *Reader) member(t typeName, i, depth int) (types.AttributeValue, int, error) {
	switch t {
	case typeS:
		s, i, err := r.String(i)
		return &types.AttributeValueMemberS{Value: s}, i, err
	case typeN:
		s, i, err := r.String(i)
		return &types.AttributeValueMemberN{Value: s}, i, err
	case typeB:
		b, i, err := r.Bytes(i)
		return &types.AttributeValueMemberB{Value: b}, i, err
	case typeBOOL:
		b, i, err := r.Bool(i)
		return &types.AttributeValueMemberBOOL{Value: b}, i, err
	case typeNULL:
		b, i, err := r.Bool(i)
		return &types.AttributeValueMemberNULL{Value: b}, i, err
	case typeSS:
		set, i, err := r.strings(i)
		return &types.AttributeValueMemberSS{Value: set}, i, err
	case typeNS:
		set, i, err := r.strings(i)
		return &types.AttributeValueMemberNS{Value: set}, i, err
	case typeBS:
		set, i, err := r.binaries(i)
		return &types.AttributeValueMemberBS{Value: set}, i, err
	case typeL:
		list, i, err := r.list(i, depth)
		return &types.AttributeValueMemberL{Value: list}, i, err
	}
	m, i, err := r.object(i, depth)
	return &types.AttributeValueMemberM{Value: m}, i, err
}

// Bytes reads a string of base64.
func (r *Reader) Bytes(i int) ([]byte, int, error) {
	i = r.Space(i)
	text, end, err := r.Text(i)
	if err != nil {
		return nil, 0, err
	}
	b := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Decode(b, text)
	if err != nil {
		return nil, 0, r.fail(i, "expected base64")
	}
	return b[:n], end, nil
}

// strings reads the members of a set; null is "", as for the SDK.
func (r *Reader) strings(i int) ([]string, int, error) {
	set := []string{}
	end, err := r.Elements(i, func(i int) (int, error) {
		if end, null := r.Null(i); null {
			set = append(set, "")
			return end, nil
		}
		s, i, err := r.String(i)
		set = append(set, s)
		return i, err
	})
	return set, end, err
}

func (r *Reader) binaries(i int) ([][]byte, int, error) {
	set := [][]byte{}
	end, err := r.Elements(i, func(i int) (int, error) {
		if end, null := r.Null(i); null {
			set = append(set, nil)
			return end, nil
		}
		b, i, err := r.Bytes(i)
		set = append(set, b)
		return i, err
	})
	return set, end, err
}

func (r *Reader) list(i, depth int) ([]types.AttributeValue, int, error) {
	if depth++; depth > maxDepth {
		return nil, 0, r.fail(i, tooDeep)
	}
	list := []types.AttributeValue{}
	end, err := r.Elements(i, func(i int) (int, error) {
		av, i, err := r.value(i, depth)
		list = append(list, av)
		return i, err
	})
	return list, end, err
}

func (r *Reader) object(i, depth int) (map[string]types.AttributeValue, int, error) {
	if depth++; depth > maxDepth {
		return nil, 0, r.fail(i, tooDeep)
	}
	m := map[string]types.AttributeValue{}
	end, err := r.Members(i, func(key []byte, i int) (int, error) {
		name := r.Cut(key)
		av, i, err := r.value(i, depth)
		m[name] = av
		return i, err
	})
	return m, end, err
}
