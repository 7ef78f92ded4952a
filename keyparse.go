package monotable

import (
	"reflect"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable/internal/codec"
)

// Key is the primary key of an item: its table attributes. Only the key fields of item count. ErrInvalid if one is empty or does not fit.
func (e *Entity[T]) Key(item T) (map[string]types.AttributeValue, error) {
	return e.core.keyOf(&item)
}

func (c *entityCore) keyOf(item any) (map[string]types.AttributeValue, error) {
	key, err := c.model.readKey(&c.options, c.model.ownKey(target(item)))
	return key, c.opError("Key", err)
}

// ParseKey is the inverse of [Entity.Key]: it gives a T with its key fields set, from the key of an item (other attributes are
// ignored): what a stream record or another program hands over. ErrInvalid if the entity's templates cannot make such a key.
func (e *Entity[T]) ParseKey(key map[string]types.AttributeValue) (T, error) {
	var item T
	err := e.core.parseKey(key, &item)
	return item, err
}

func (c *entityCore) parseKey(key map[string]types.AttributeValue, dst any) error {
	item := target(dst)
	err := c.model.parseKey(key, item)
	if err != nil {
		item.SetZero()
	}
	return c.opError("ParseKey", err)
}

func (m *model) parseKey(key map[string]types.AttributeValue, item reflect.Value) error {
	for _, k := range m.primary.all() {
		av := key[k.Name]
		if av == nil {
			return invalidf("the key has no %s", k.Name)
		}
		if err := k.parse(av, item); err != nil {
			return err
		}
	}
	return nil
}

// parse puts what a key attribute is made of into an item.
func (k *keyAttr) parse(av types.AttributeValue, item reflect.Value) error {
	if k.tmpl == nil || k.field != nil {
		a := k.attributes()[0]
		if err := a.value.Decode(av, place(item, a.chain)); err != nil {
			return invalidf("key %s: %v", k.Name, err)
		}
		return nil
	}
	s, ok := av.(*types.AttributeValueMemberS)
	if !ok {
		return invalidf("key %s is %s, not text", k.Name, codec.TypeName(av))
	}
	texts, ok := k.tmpl.Match(s.Value)
	if !ok {
		return invalidf("key %s does not fit its template", k.Name)
	}
	for i, a := range k.parts {
		if err := k.tmpl.Parts[i].Scan(texts[i], place(item, a.chain)); err != nil {
			return invalidf("key %s: %v", k.Name, err)
		}
	}
	return nil
}
