package codec

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
)

const tagKey = "dynamodbav"

type setKind uint8

const (
	noSet setKind = iota
	stringSet
	numberSet
	binarySet
)

// tag is a parsed dynamodbav struct tag.
type tag struct {
	name      string
	ignore    bool
	omitEmpty bool
	placement
}

// placement is what a tag says about how the value is stored, as far as it is a
// property of the place and not of the field. It is part of the key under which
// compiled values are shared.
type placement struct {
	omitEmptyElem bool
	nullEmpty     bool
	nullEmptyElem bool
	asString      bool
	unixTime      bool
	set           setKind
}

// elem is what the elements of a list or map inherit.
func (p placement) elem() placement {
	return placement{omitEmptyElem: p.omitEmptyElem, nullEmpty: p.nullEmptyElem}
}

func parseTag(st reflect.StructTag) (tag, error) {
	var t tag
	text, ok := st.Lookup(tagKey)
	if !ok {
		return t, nil
	}
	name, rest, _ := strings.Cut(text, ",")
	if name == "-" {
		return tag{ignore: true}, nil
	}
	t.name = name
	var errs []error
	for opt := range strings.SplitSeq(rest, ",") {
		switch opt {
		case "":
		case "omitempty":
			t.omitEmpty = true
		case "omitemptyelem":
			t.omitEmptyElem = true
		case "nullempty":
			t.nullEmpty = true
		case "nullemptyelem":
			t.nullEmptyElem = true
		case "string":
			t.asString = true
		case "unixtime":
			t.unixTime = true
		case "stringset":
			errs = append(errs, t.setTag(stringSet))
		case "numberset":
			errs = append(errs, t.setTag(numberSet))
		case "binaryset":
			errs = append(errs, t.setTag(binarySet))
		default:
			errs = append(errs, fmt.Errorf("unknown tag option %q", opt))
		}
	}
	if t.omitEmpty && t.nullEmpty {
		errs = append(errs, errors.New("omitempty and nullempty exclude each other"))
	}
	if t.omitEmptyElem && t.nullEmptyElem {
		errs = append(errs, errors.New("omitemptyelem and nullemptyelem exclude each other"))
	}
	return t, errors.Join(errs...)
}

func (t *tag) setTag(k setKind) error {
	if t.set != noSet && t.set != k {
		return errors.New("more than one set option")
	}
	t.set = k
	return nil
}

// check reports options that would have no effect on x, the compiled value of
// the field: silence would leave the author believing in them.
func (p placement) check(x *Value) error {
	x = x.Deref()
	if x.Kind == Invalid {
		return nil // reported already
	}
	var errs []error
	if p.asString && x.Kind != NumberString {
		errs = append(errs, fmt.Errorf("option string on %s, which is no number", x.Type))
	}
	if p.unixTime && x.Kind != UnixTime {
		errs = append(errs, fmt.Errorf("option unixtime on %s, which is no time.Time", x.Type))
	}
	if p.set != noSet && x.Kind != StringSet && x.Kind != NumberSet && x.Kind != BinarySet {
		errs = append(errs, fmt.Errorf("set option on %s, which is no slice or array of what can be a member", x.Type))
	}
	if p.omitEmptyElem || p.nullEmptyElem {
		switch x.Kind {
		case List, Map, StringSet, NumberSet, BinarySet:
			if p.omitEmptyElem && x.Type.Kind() == reflect.Array {
				errs = append(errs, fmt.Errorf("option omitemptyelem on %s, which could not be read back", x.Type))
			}
		default:
			errs = append(errs, fmt.Errorf("option for elements on %s, which has none", x.Type))
		}
	}
	return errors.Join(errs...)
}
