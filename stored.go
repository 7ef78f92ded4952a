package monotable

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Decode makes a T of an item as it is stored, which comes from elsewhere: a stream, an export, another program's read. It is what Get does with an item that
// it has read, but expiry does not count: upgrades, read defaults, and Hidden attributes are left out unless the entity is With [Reveal]. It sends nothing, and item is not changed.
// An item of another entity is ErrWrongEntity, one outside of the entity's [Table.Scoped] prefix ErrInvalid, one that does not fit T a [*DecodeError].
func (e *Entity[T]) Decode(item map[string]types.AttributeValue) (T, error) {
	var out T
	err := e.core.decodeStored(item, &out)
	return out, err
}

func (c *entityCore) decodeStored(item map[string]types.AttributeValue, dst any) error {
	err := c.options.inScope(orNull(item[c.model.primary.partition[0].Name]))
	if err == nil {
		err = c.model.checkTag(recordOf(item), true)
	}
	if err == nil {
		err = c.decode(recordOf(item), target(dst))
	}
	return c.opError("Decode", err)
}

// TableOf is the table that an entity was defined on, with the options of the entity.
func TableOf[T any](e *Entity[T]) *Table {
	return &Table{tableCore: e.core.model.table, options: e.core.options}
}

// EntityOf is the name of the entity that a stored item is of: the one its tag names, or the one that takes items without and whose templates make
// its key; "" if there is none.
func (t *Table) EntityOf(item map[string]types.AttributeValue) string {
	if m := t.modelOf(item); m != nil {
		return m.name
	}
	return ""
}

// EntitiesOf are the names of the entities whose templates make the primary key: at most one, or several of a [Schema.Family]. Other attributes do not count, so it is
// for where there is nothing but the key; otherwise [Table.EntityOf] knows more.
func (t *Table) EntitiesOf(key map[string]types.AttributeValue) []string {
	var names []string
	for _, m := range t.all() {
		if m.primary.matches(recordOf(key)) && !t.IsGuard(key) {
			names = append(names, m.name)
		}
	}
	return names
}

// IsGuard says whether a key, or an item, is one of those that keep the values of [Attr.Unique] attributes.
func (t *Table) IsGuard(key map[string]types.AttributeValue) bool {
	primary := t.primary.all()
	partition, ok := key[primary[0].Name].(*types.AttributeValueMemberS)
	if !ok || !strings.HasPrefix(partition.Value, guardWord+string(t.delimiter)) {
		return false
	}
	for _, k := range primary[1:] {
		if sort, ok := key[k.Name].(*types.AttributeValueMemberS); !ok || sort.Value != guardWord {
			return false
		}
	}
	return true
}

// modelOf is the entity of a stored item: the one its tag names, or the one that takes items without and whose templates make its key; nil if there is none.
func (c *tableCore) modelOf(item attributeMap) *model {
	tag, tagged := item[c.tag].(*types.AttributeValueMemberS)
	for _, m := range c.all() {
		switch {
		case tagged && m.tagMode != TagNone:
			if m.owns(tag.Value) {
				return m
			}
		case m.tagMode != TagRequired && m.primary.matches(recordOf(item)):
			return m
		}
	}
	return nil
}
