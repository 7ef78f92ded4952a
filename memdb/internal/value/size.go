package value

import "github.com/monotable/monotable/memdb/internal/decimal"

// ItemSize is the size of an item in bytes as limits and capacity count it: the
// names in UTF-8 and the values.
func ItemSize(item Map) int {
	n := 0
	for name, v := range item {
		n += len(name) + Size(v)
	}
	return n
}

// Size is the size of one value. A list or a map counts 3 bytes and one more for
// each element.
func Size(v Value) int {
	switch v := v.(type) {
	case String:
		return len(v)
	case Binary:
		return len(v)
	case Number:
		return v.Decimal.Size()
	case StringSet:
		return sumLengths(v)
	case BinarySet:
		return sumLengths(v)
	case NumberSet:
		return sumSizes(v)
	case List:
		n := 3
		for _, e := range v {
			n += 1 + Size(e)
		}
		return n
	case Map:
		return 3 + len(v) + ItemSize(v)
	}
	return 1 // BOOL and NULL
}

func sumLengths(set []string) int {
	n := 0
	for _, s := range set {
		n += len(s)
	}
	return n
}

func sumSizes(set []decimal.Decimal) int {
	n := 0
	for _, d := range set {
		n += d.Size()
	}
	return n
}

// Depth is how many levels a value has: 1 for a scalar or a set.
func Depth(v Value) int {
	deepest := 0
	switch v := v.(type) {
	case List:
		for _, e := range v {
			deepest = max(deepest, Depth(e))
		}
	case Map:
		for _, e := range v {
			deepest = max(deepest, Depth(e))
		}
	}
	return deepest + 1
}
