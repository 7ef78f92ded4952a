package avjson

import (
	"encoding/base64"
	"reflect"
	"strconv"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// AppendString appends s as a JSON string, with its quotes.
func AppendString(b []byte, s string) []byte {
	plain, ascii := look(s)
	if plain && (ascii || utf8.ValidString(s)) {
		return appendPlain(b, s)
	}
	return appendEscaped(b, s)
}

// AppendText is AppendString for what is UTF-8. For what is not it reports false,
// and what was appended is of no use.
func AppendText(b []byte, s string) ([]byte, bool) {
	plain, ascii := look(s)
	switch {
	case !ascii && !utf8.ValidString(s):
		return b, false
	case plain:
		return appendPlain(b, s), true
	}
	return appendEscaped(b, s), true
}

func appendPlain(b []byte, s string) []byte {
	b = append(append(b, '"'), s...)
	return append(b, '"')
}

func appendEscaped(b []byte, s string) []byte {
	b = append(b, '"')
	for i, c := range s { // a wrong byte is U+FFFD
		switch {
		case c == '"', c == '\\':
			b = append(b, '\\', byte(c))
		case c < ' ':
			const hex = "0123456789abcdef"
			b = append(b, '\\', 'u', '0', '0', hex[s[i]>>4], hex[s[i]&15])
		default:
			b = utf8.AppendRune(b, c)
		}
	}
	return append(b, '"')
}

// AppendBytes appends v in base64, as a JSON string; null for nil.
func AppendBytes(b, v []byte) []byte {
	if v == nil {
		return append(b, "null"...)
	}
	b = append(b, '"')
	b = base64.StdEncoding.AppendEncode(b, v)
	return append(b, '"')
}

// AppendItem appends an item, or any object of attribute values, in no certain
// order. After an error what was appended is of no use.
func AppendItem(b []byte, item map[string]types.AttributeValue) ([]byte, error) {
	return appendMap(b, item, 0)
}

// AppendValue appends av, such as {"S":"x"}. After an error what was appended is
// of no use.
func AppendValue(b []byte, av types.AttributeValue) ([]byte, error) {
	return appendValue(b, av, 0)
}

func appendValue(b []byte, av types.AttributeValue, depth int) ([]byte, error) {
	if depth > maxDepth {
		return b, ErrDepth
	}
	if v := reflect.ValueOf(av); !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil() {
		return b, ErrNil
	}
	var err error
	switch av := av.(type) {
	case *types.AttributeValueMemberS:
		b = AppendString(append(b, `{"S":`...), av.Value)
	case *types.AttributeValueMemberN:
		b = AppendString(append(b, `{"N":`...), av.Value)
	case *types.AttributeValueMemberB:
		b = AppendBytes(append(b, `{"B":`...), av.Value)
	case *types.AttributeValueMemberBOOL:
		b = strconv.AppendBool(append(b, `{"BOOL":`...), av.Value)
	case *types.AttributeValueMemberNULL:
		b = strconv.AppendBool(append(b, `{"NULL":`...), av.Value)
	case *types.AttributeValueMemberSS:
		b = appendSet(append(b, `{"SS":`...), av.Value, AppendString)
	case *types.AttributeValueMemberNS:
		b = appendSet(append(b, `{"NS":`...), av.Value, AppendString)
	case *types.AttributeValueMemberBS:
		b = appendSet(append(b, `{"BS":`...), av.Value, AppendBytes)
	case *types.AttributeValueMemberL:
		b, err = appendList(append(b, `{"L":`...), av.Value, depth+1)
	case *types.AttributeValueMemberM:
		b, err = appendMap(append(b, `{"M":`...), av.Value, depth+1)
	default:
		return b, errUnknown
	}
	return append(b, '}'), err
}

func appendSet[E any](b []byte, set []E, member func([]byte, E) []byte) []byte {
	b = append(b, '[')
	for i, m := range set {
		if i > 0 {
			b = append(b, ',')
		}
		b = member(b, m)
	}
	return append(b, ']')
}

func appendList(b []byte, list []types.AttributeValue, depth int) ([]byte, error) {
	b = append(b, '[')
	for i, av := range list {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = appendValue(b, av, depth); err != nil {
			return b, err
		}
	}
	return append(b, ']'), nil
}

func appendMap(b []byte, m map[string]types.AttributeValue, depth int) ([]byte, error) {
	b = append(b, '{')
	first := true
	for name, av := range m {
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(AppendString(b, name), ':')
		var err error
		if b, err = appendValue(b, av, depth); err != nil {
			return b, err
		}
	}
	return append(b, '}'), nil
}
