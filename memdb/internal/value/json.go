package value

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/monotable/monotable/memdb/internal/decimal"
)

// MaxDepth is how many levels a value may have, itself included.
const MaxDepth = 32

// InvalidError is a value that has the form of JSON but breaks a rule of
// DynamoDB, such as an empty set. Everything else is a malformed request.
type InvalidError struct{ Message string }

func (e *InvalidError) Error() string { return e.Message }

func invalid(format string, args ...any) error {
	return &InvalidError{Message: fmt.Sprintf(format, args...)}
}

// errMalformed is JSON of an unexpected shape.
var errMalformed = errors.New("unexpected JSON type for an attribute value")

// Messages of the service that several places need.
const (
	msgEmptyValue = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
	msgManyTypes  = "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
	msgTooDeep    = "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit"
	msgParameter  = "One or more parameter values were invalid: "
)

// DecodeMap reads an object of attribute values. The text must be valid JSON.
// An *[InvalidError] speaks of the first broken rule; in that case the map holds
// what is sound.
func DecodeMap(text []byte) (Map, error) {
	d := &decoder{text: text}
	m, err := d.attributes(1)
	if err != nil {
		return nil, err
	}
	return m, d.invalid
}

// Decode reads one attribute value. The text must be valid JSON.
func Decode(text []byte) (Value, error) {
	d := &decoder{text: text}
	v, err := d.value(1)
	if err != nil {
		return nil, err
	}
	return v, d.invalid
}

// decoder walks over JSON whose syntax has been checked before.
type decoder struct {
	text    []byte
	pos     int
	invalid error // the first broken rule; reading goes on, a malformed rest weighs more
}

func (d *decoder) broken(err error) {
	if d.invalid == nil {
		d.invalid = err
	}
}

// peek is the next byte that is not white space, 0 at the end.
func (d *decoder) peek() byte {
	for d.pos < len(d.text) {
		switch c := d.text[d.pos]; c {
		case ' ', '\t', '\n', '\r':
			d.pos++
		default:
			return c
		}
	}
	return 0
}

func (d *decoder) take(c byte) bool {
	if d.peek() != c {
		return false
	}
	d.pos++
	return true
}

func (d *decoder) str() (string, error) {
	if !d.take('"') {
		return "", errMalformed
	}
	start := d.pos
	for plain := true; d.pos < len(d.text); d.pos++ {
		switch c := d.text[d.pos]; {
		case c == '"':
			raw := d.text[start:d.pos]
			d.pos++
			if plain {
				return string(raw), nil
			}
			var s string
			if err := json.Unmarshal(d.text[start-1:d.pos], &s); err != nil {
				return "", errMalformed
			}
			return s, nil
		case c == '\\':
			plain = false
			d.pos++
		case c >= utf8.RuneSelf:
			plain = false // let the library replace what is not UTF-8
		}
	}
	return "", errMalformed
}

// object calls f for each member, the position being at its value.
func (d *decoder) object(f func(name string) error) error {
	if !d.take('{') {
		return errMalformed
	}
	if d.take('}') {
		return nil
	}
	for {
		name, err := d.str()
		if err != nil {
			return err
		}
		if !d.take(':') {
			return errMalformed
		}
		if err := f(name); err != nil {
			return err
		}
		if d.take('}') {
			return nil
		}
		if !d.take(',') {
			return errMalformed
		}
	}
}

// array calls f for each element, the position being at it.
func (d *decoder) array(f func() error) error {
	if !d.take('[') {
		return errMalformed
	}
	if d.take(']') {
		return nil
	}
	for {
		if err := f(); err != nil {
			return err
		}
		if d.take(']') {
			return nil
		}
		if !d.take(',') {
			return errMalformed
		}
	}
}

func (d *decoder) attributes(depth int) (Map, error) {
	m := Map{}
	err := d.object(func(name string) error {
		v, err := d.value(depth)
		if err != nil {
			return err
		}
		if name == "" {
			d.broken(invalid("Empty attribute name"))
		}
		if v != nil {
			m[name] = v
		}
		return nil
	})
	return m, err
}

// value reads one attribute value; nil stands for one that breaks a rule.
func (d *decoder) value(depth int) (Value, error) {
	if depth > MaxDepth+1 { // one level more may be read, so that rules inside are still checked in order
		d.broken(invalid(msgTooDeep))
	}
	if d.literal("null") {
		d.broken(invalid(msgEmptyValue))
		return nil, nil
	}
	var v Value
	n := 0
	err := d.object(func(name string) error {
		if d.literal("null") {
			return nil
		}
		if !slices.Contains(types, name) {
			return d.skip()
		}
		n++
		var err error
		v, err = d.typed(name, depth)
		return err
	})
	if err != nil {
		return nil, err
	}
	switch {
	case n == 0:
		d.broken(invalid(msgEmptyValue))
	case n > 1:
		d.broken(invalid(msgManyTypes))
	}
	return v, nil
}

var types = []string{"S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "L", "M"}

// skip passes over a member that the protocol does not know.
func (d *decoder) skip() error {
	var unknown json.RawMessage
	j := json.NewDecoder(bytes.NewReader(d.text[d.pos:]))
	if err := j.Decode(&unknown); err != nil {
		return errMalformed
	}
	d.pos += int(j.InputOffset())
	return nil
}

func (d *decoder) literal(word string) bool {
	d.peek()
	if strings.HasPrefix(string(d.text[d.pos:min(len(d.text), d.pos+len(word))]), word) {
		d.pos += len(word)
		return true
	}
	return false
}

func (d *decoder) bool() (bool, error) {
	switch {
	case d.literal("true"):
		return true, nil
	case d.literal("false"):
		return false, nil
	}
	return false, errMalformed
}

func (d *decoder) typed(name string, depth int) (Value, error) {
	switch name {
	case "S":
		s, err := d.str()
		return String(s), err
	case "N":
		s, err := d.str()
		return Number{d.number(s)}, err
	case "B":
		s, err := d.binary()
		return Binary(s), err
	case "BOOL":
		b, err := d.bool()
		return Bool(b), err
	case "NULL":
		b, err := d.bool()
		if err == nil && !b {
			d.broken(invalid(msgParameter + "Null attribute value types must have the value of true"))
		}
		return Null{}, err
	case "SS":
		return d.stringSet()
	case "NS":
		return d.numberSet()
	case "BS":
		return d.binarySet()
	case "L":
		l := List{}
		err := d.array(func() error {
			v, err := d.value(depth + 1)
			l = append(l, v)
			return err
		})
		return slices.Clip(l), err
	case "M":
		return d.attributes(depth + 1)
	}
	return nil, errMalformed
}

func (d *decoder) number(s string) decimal.Decimal {
	n, err := decimal.Parse(s)
	switch {
	case err == nil:
	case errors.Is(err, decimal.ErrPrecision):
		d.broken(invalid("Attempting to store more than 38 significant digits in a Number"))
	case errors.Is(err, decimal.ErrOverflow):
		d.broken(invalid("Number overflow. Attempting to store a number with magnitude larger than supported range"))
	case errors.Is(err, decimal.ErrUnderflow):
		d.broken(invalid("Number underflow. Attempting to store a number with magnitude smaller than supported range"))
	case s == "":
		d.broken(invalid("The parameter cannot be converted to a numeric value"))
	default:
		d.broken(invalid("The parameter cannot be converted to a numeric value: %s", s))
	}
	return n
}

func (d *decoder) binary() (string, error) {
	s, err := d.str()
	if err != nil {
		return "", err
	}
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return "", errMalformed
	}
	return string(b), nil
}

func (d *decoder) stringSet() (Value, error) {
	set := StringSet{}
	err := d.array(func() error {
		s, err := d.str()
		set = append(set, s)
		return err
	})
	switch {
	case err != nil:
	case len(set) == 0:
		d.broken(invalid(msgParameter + "An string set  may not be empty"))
	case HasDuplicates(set):
		d.broken(invalid(msgParameter+"Input collection [%s] contains duplicates.", strings.Join(set, ", ")))
	}
	return set, err
}

func (d *decoder) numberSet() (Value, error) {
	set := NumberSet{}
	err := d.array(func() error {
		s, err := d.str()
		if err == nil {
			set = append(set, d.number(s))
		}
		return err
	})
	switch {
	case err != nil:
	case len(set) == 0:
		d.broken(invalid(msgParameter + "An number set  may not be empty"))
	case HasDuplicates(set):
		d.broken(invalid("Input collection contains duplicates"))
	}
	return set, err
}

func (d *decoder) binarySet() (Value, error) {
	set := BinarySet{}
	err := d.array(func() error {
		s, err := d.binary()
		set = append(set, s)
		return err
	})
	switch {
	case err != nil:
	case len(set) == 0:
		d.broken(invalid(msgParameter + "Binary sets should not be empty"))
	case HasDuplicates(set):
		d.broken(invalid(msgParameter + "Input collection contains duplicates."))
	}
	return set, err
}

// HasDuplicates tells whether two elements are equal.
func HasDuplicates[T comparable](set []T) bool {
	seen := make(map[T]struct{}, len(set))
	for _, v := range set {
		if _, ok := seen[v]; ok {
			return true
		}
		seen[v] = struct{}{}
	}
	return false
}
