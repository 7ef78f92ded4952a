package monotabletest

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable/internal/codec"
)

// CompareOption is a setting of [Compare] and [Diff].
type CompareOption func(*comparison)

type comparison struct {
	ignore      []string
	zeroAbsent  bool
	concurrency int
	attempts    int
	missing     []func(error) bool
}

// Ignore leaves attributes out of account: "updatedAt", or, by a pattern of [path.Match] for the whole path, "prefs.*" and "lines[[]*].price". A path stands for what is inside of it, too.
func Ignore(paths ...string) CompareOption {
	return func(c *comparison) { c.ignore = append(c.ignore, paths...) }
}

// ZeroIsAbsent makes an attribute that one side does not have equal to one that is NULL, false, 0 or empty on the other: for a stored item beside a
// struct, or omitempty on one side only.
func ZeroIsAbsent() CompareOption { return func(c *comparison) { c.zeroAbsent = true } }

// Diff compares two values of any types as the SDK's attributevalue would store them, or items as they are stored, and gives the paths of attributes that differ, in order: "prefs.theme",
// "tags[2]", and "phone (only in the first)". It gives no values; the whole value is "(value)". Numbers are compared by value, sets without order, times as moments;
// nil and empty lists and maps are the same. An error is of a
// value that attributevalue cannot marshal or a pattern that is none.
func Diff(first, second any, opts ...CompareOption) ([]string, error) {
	c := newComparison(opts)
	a, err := marshal(first)
	if err != nil {
		return nil, err
	}
	b, err := marshal(second)
	if err != nil {
		return nil, err
	}
	d := differ{comparison: c}
	d.values("", a, b)
	return d.paths, d.err
}

// marshal is a value as it would be stored.
func marshal(v any) (types.AttributeValue, error) {
	switch v := v.(type) {
	case types.AttributeValue:
		return v, nil
	case map[string]types.AttributeValue:
		return &types.AttributeValueMemberM{Value: v}, nil
	}
	return attributevalue.MarshalWithOptions(v, func(o *attributevalue.EncoderOptions) {
		o.EncodeTime = func(t time.Time) (types.AttributeValue, error) {
			return &types.AttributeValueMemberS{Value: t.UTC().Format(time.RFC3339Nano)}, nil
		}
	})
}

// differ collects the paths in which two values differ.
type differ struct {
	*comparison
	paths []string
	err   error
}

func (d *differ) report(at, note string) {
	if at == "" {
		at = "(value)"
	}
	d.paths = append(d.paths, at+note)
}

func (d *differ) values(at string, a, b types.AttributeValue) {
	if d.ignored(at) {
		return
	}
	switch {
	case a == nil && b == nil, d.zeroAbsent && (a == nil && zero(b) || b == nil && zero(a)):
	case b == nil:
		d.report(at, " (only in the first)")
	case a == nil:
		d.report(at, " (only in the second)")
	default:
		d.present(at, a, b)
	}
}

func (d *differ) present(at string, a, b types.AttributeValue) {
	switch a := a.(type) {
	case *types.AttributeValueMemberM:
		if b, ok := b.(*types.AttributeValueMemberM); ok {
			d.members(at, a.Value, b.Value)
			return
		}
	case *types.AttributeValueMemberL:
		if b, ok := b.(*types.AttributeValueMemberL); ok {
			for i := range max(len(a.Value), len(b.Value)) {
				d.values(fmt.Sprintf("%s[%d]", at, i), element(a.Value, i), element(b.Value, i))
			}
			return
		}
	}
	if !codec.Equal(a, b) && (!nothing(a) || !nothing(b)) && (!d.zeroAbsent || !zero(a) || !zero(b)) {
		d.report(at, "")
	}
}

func (d *differ) members(at string, a, b map[string]types.AttributeValue) {
	both := maps.Clone(a)
	if both == nil {
		both = map[string]types.AttributeValue{}
	}
	maps.Copy(both, b)
	for _, name := range slices.Sorted(maps.Keys(both)) {
		inside := name
		if at != "" {
			inside = at + "." + name
		}
		d.values(inside, a[name], b[name])
	}
}

func element(list []types.AttributeValue, i int) types.AttributeValue {
	if i < len(list) {
		return list[i]
	}
	return nil
}

func (d *differ) ignored(at string) bool {
	for _, pattern := range d.ignore {
		matches, err := path.Match(pattern, at)
		if err != nil {
			d.err = fmt.Errorf("monotabletest: Ignore(%q): %w", pattern, err)
		}
		if matches || pattern == at {
			return true
		}
	}
	return false
}

// nothing says that a value is what a nil or empty list or map is stored as.
func nothing(av types.AttributeValue) bool {
	switch av := av.(type) {
	case *types.AttributeValueMemberNULL:
		return true
	case *types.AttributeValueMemberL:
		return len(av.Value) == 0
	case *types.AttributeValueMemberM:
		return len(av.Value) == 0
	}
	return false
}

// zero says that a value is what a zero value of Go is stored as.
func zero(av types.AttributeValue) bool {
	switch av := av.(type) {
	case *types.AttributeValueMemberNULL:
		return true
	case *types.AttributeValueMemberBOOL:
		return !av.Value
	case *types.AttributeValueMemberS:
		return av.Value == "" || av.Value == zeroTime
	case *types.AttributeValueMemberN:
		return strings.Trim(av.Value, "+-0.") == ""
	case *types.AttributeValueMemberB:
		return bytes.Equal(av.Value, nil)
	case *types.AttributeValueMemberM:
		for _, member := range av.Value {
			if !zero(member) {
				return false
			}
		}
		return true
	case *types.AttributeValueMemberL:
		return len(av.Value) == 0
	}
	return false // sets are never empty
}

var zeroTime = time.Time{}.Format(time.RFC3339Nano)
