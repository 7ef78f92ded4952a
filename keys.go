package monotable

import (
	"reflect"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable/internal/keytmpl"
)

// Key is the templates of a table's or an index's key: literals, and placeholders {name} that
// take the stored name of an attribute of T.
//
// Text stands in the key as it is; the table's delimiter in it is refused, unless the attribute is
// Escaped or nothing else stands in the key. {n:010} pads an integer to ten digits, {x:08.2} a decimal to eight and two:
// padded numbers, negative ones too, sort by value, and a number that does not fit is an error. Times stand in UTC with nine decimals, bools as
// true and false, binary in hex, other types by their MarshalText. {name:raw} at the end of a
// template takes text with delimiters as it is.
//
// A key attribute of type N or B takes one placeholder alone. A key attribute that is itself an attribute of T
// needs no template. In a primary key an empty part is an error; in an index key it means that the item is not in the index.
type Key struct {
	Partition string `json:"partition"`
	Sort      string `json:"sort,omitempty"` // "" where the table or index has no sort key
}

const (
	maxPartitionKey = 2048 // bytes, DynamoDB's limits
	maxSortKey      = 1024
)

// keyAttr is how one key attribute comes about for an entity: a template, an attribute of T itself, or the type tag.
type keyAttr struct {
	KeyAttribute
	limit  int
	label  string            // in errors: with the index's name
	source string            // of the template
	tmpl   *keytmpl.Template // also there for text attributes of T, as {name}
	parts  []*attribute      // of the template
	field  *attribute        // the attribute of T that is the key
	tag    bool

	shared bool // written for another key, this one only uses it
	lent   bool // another key uses it, so it stays where this key is not whole
}

// keySet is the key of the table or of an index for an entity. What its methods give is not to be changed.
type keySet struct {
	*indexKeys
	partition, sort []*keyAttr
	whole           []*keyAttr   // both
	made            []*attribute // what they are made of
	when            *rulePart    // IndexWhen
	whenReads       []*attribute
	decided         []*attribute // whenReads and made
}

func newKeySet(keys *indexKeys, partition, sort []*keyAttr) *keySet {
	s := &keySet{indexKeys: keys, partition: partition, sort: sort, whole: slices.Concat(partition, sort)}
	for _, k := range s.whole {
		s.made = append(s.made, k.attributes()...)
	}
	s.decided = s.made
	return s
}

// onlyWhen lets the item be in the index while IndexWhen says so.
func (s *keySet) onlyWhen(when *rulePart, reads []*attribute) {
	s.when, s.whenReads, s.decided = when, reads, slices.Concat(reads, s.made)
}

func (s *keySet) all() []*keyAttr { return s.whole }

// attributes are those of T that the key is made of, and that decide whether there is one.
func (s *keySet) attributes() []*attribute { return s.decided }

// parts are those of T that the key is made of.
func (s *keySet) parts() []*attribute { return s.made }

func (k *keyAttr) attributes() []*attribute {
	if k.field != nil {
		return []*attribute{k.field}
	}
	return k.parts
}

// templated says that the value is made from parts and is not an attribute of T.
func (k *keyAttr) templated() bool { return k.field == nil && !k.tag }

// computed says that this key writes the attribute.
func (k *keyAttr) computed() bool { return k.templated() && !k.shared }

func (s *keySet) sameAs(other *keySet) bool {
	return slices.EqualFunc(s.all(), other.all(), func(a, b *keyAttr) bool {
		if a.KeyAttribute != b.KeyAttribute || a.tag != b.tag || (a.tmpl == nil) != (b.tmpl == nil) {
			return false
		}
		if a.tmpl != nil {
			return a.tmpl.Text == b.tmpl.Text
		}
		return a.tag || a.attributes()[0].String() == b.attributes()[0].String()
	})
}

// of gives the key attribute's value for an item; nil when a part is absent.
func (k *keyAttr) of(m *model, item reflect.Value) (types.AttributeValue, error) {
	if k.tag {
		return &types.AttributeValueMemberS{Value: m.name}, nil
	}
	if k.tmpl != nil && k.templated() {
		text, missing, err := k.render(item)
		if err != nil || missing != nil {
			return nil, err
		}
		return k.text(text)
	}
	a := k.attributes()[0]
	v, ok := get(item, a.chain)
	if !ok {
		return nil, nil
	}
	av, err := a.value.Encode(v)
	if err != nil {
		return nil, invalidf("%s: %v", k.label, err)
	}
	return k.checked(av)
}

// render makes a key by the template. missing is the first absent part.
func (k *keyAttr) render(item reflect.Value) (key string, missing *attribute, err error) {
	b, missing, err := k.appendTo(make([]byte, 0, 128), item)
	return string(b), missing, err
}

func (k *keyAttr) appendTo(b []byte, item reflect.Value) (_ []byte, missing *attribute, err error) {
	b = append(b, k.tmpl.Literal(0)...)
	for i, a := range k.parts {
		text, present := "", false
		if v, ok := get(item, a.chain); ok {
			if text, present, err = k.tmpl.Parts[i].Format(v); err != nil {
				return nil, nil, invalidf("%s: %s: %v", k.label, a, err)
			}
		}
		if !present {
			return nil, a, nil
		}
		b = append(append(b, text...), k.tmpl.Literal(i+1)...)
	}
	return b, nil, nil
}

func (k *keyAttr) text(s string) (types.AttributeValue, error) {
	return k.checked(&types.AttributeValueMemberS{Value: s})
}

// checked refuses a key that is too long and takes an empty one for absent.
func (k *keyAttr) checked(av types.AttributeValue) (types.AttributeValue, error) {
	n := 1
	switch av := av.(type) {
	case *types.AttributeValueMemberS:
		n = len(av.Value)
	case *types.AttributeValueMemberB:
		n = len(av.Value)
	}
	if n == 0 || av == nil {
		return nil, nil
	}
	if typeOf(av) != k.Type {
		return nil, invalidf("%s is of type %s, and its value is not", k.label, k.Type)
	}
	if n > k.limit {
		return nil, invalidf("%s has %d bytes; DynamoDB takes %d", k.label, n, k.limit)
	}
	return av, nil
}

// primaryKey is the item's key. Every part must be there.
func (m *model) primaryKey(o *options, item reflect.Value) (map[string]types.AttributeValue, error) {
	key := make(map[string]types.AttributeValue, 2)
	for _, k := range m.primary.all() {
		av, err := k.of(m, item)
		if err != nil {
			return nil, err
		}
		if av == nil {
			return nil, invalidf("%s: %s is empty", k.label, m.emptyPart(k, item))
		}
		key[k.Name] = av
	}
	return key, o.inScope(key[m.primary.partition[0].Name])
}

// inScope refuses a partition key outside the table's scope: another one than it, that does not go on with the delimiter either.
func (o *options) inScope(partition types.AttributeValue) error {
	s, ok := partition.(*types.AttributeValueMemberS)
	for _, scope := range o.scopes {
		if !ok || s.Value != scope.whole && !strings.HasPrefix(s.Value, scope.prefix) {
			return invalidf("the partition key is outside the scope of this table")
		}
	}
	return nil
}

// scope is the partition keys that a table is narrowed to: one, and those that go on behind it after the delimiter.
type scope struct{ whole, prefix string }

func (m *model) emptyPart(k *keyAttr, item reflect.Value) *attribute {
	if k.templated() && k.tmpl != nil {
		_, missing, _ := k.render(item)
		return missing
	}
	return k.attributes()[0]
}

// indexKey is the item's key in an index: the attributes that templates write. A nil value means that the item must not
// have the attribute, as when any part is absent or IndexWhen says no; one that is lent is there if its own parts are.
func (m *model) indexKey(set *keySet, item reflect.Value, absent func(*attribute) bool) (map[string]types.AttributeValue, error) {
	key := map[string]types.AttributeValue{}
	whole := set.when == nil || set.when.when(item.Addr().Interface())
	for _, k := range set.all() {
		av, err := k.of(m, item)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(k.attributes(), absent) {
			av = nil
		}
		whole = whole && av != nil
		if k.computed() && m.primary.byName(k.Name) == nil {
			key[k.Name] = av
		}
	}
	for _, k := range set.all() {
		if _, ok := key[k.Name]; ok && !whole && !k.lent {
			key[k.Name] = nil
		}
	}
	return key, nil
}

func (s *keySet) byName(name string) *keyAttr {
	for _, k := range s.all() {
		if k.Name == name {
			return k
		}
	}
	return nil
}

// matches says whether the key is one that the templates make.
func (s *keySet) matches(r *record) bool {
	for _, k := range s.all() {
		if k.tmpl == nil {
			continue
		}
		s, ok := r.attribute(k.Name).(*types.AttributeValueMemberS)
		if !ok {
			return false
		}
		if _, ok := k.tmpl.Match(s.Value); !ok {
			return false
		}
	}
	return true
}
