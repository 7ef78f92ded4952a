package monotable

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Collector is where the items of one kind go: [Into], [One], [Others] and [OtherItems] make it.
type Collector interface{ collector() gatherer }

// gatherer takes the items of one entity, or, without a model, those that are nobody's.
type gatherer interface {
	entity() *model // nil for the others
	target() any    // the caller's pointer
	add(item *record, reveal bool) error
	reverse()
	hand() error // gives all to the caller
}

// Into collects the items of an entity into a slice, in the order of their keys. The slice is replaced when all has been read, by an empty one if
// there are none, and left alone if the read fails.
func Into[T any](e *Entity[T], dst *[]T) Collector { return &into[T]{e: e, dst: dst} }

// One collects the only item of an entity. If there is none the read ends with ErrNotFound, and everything else is collected all the same; if there are several, it
// fails. In a page there may be none.
func One[T any](e *Entity[T], dst *T) Collector { return &one[T]{e: e, dst: dst} }

// Others counts the items that no collector is for: those of other entities, and those nobody knows.
func Others(dst *int) Collector { return &others{count: dst} }

// OtherItems collects the items that no collector is for, as they are stored. Nothing of them is hidden.
func OtherItems(dst *[]map[string]types.AttributeValue) Collector { return &others{items: dst} }

type into[T any] struct {
	e     *Entity[T]
	dst   *[]T
	items []T
}

func (c *into[T]) collector() gatherer {
	if c.e == nil || c.dst == nil {
		return nil
	}
	return &into[T]{e: c.e, dst: c.dst, items: []T{}}
}

func (c *into[T]) entity() *model { return c.e.core.model }

func (c *into[T]) target() any { return c.dst }

func (c *into[T]) add(item *record, reveal bool) error {
	var out T
	err := c.e.core.model.decode(item, reflect.ValueOf(&out).Elem(), reveal)
	if err == nil {
		c.items = append(c.items, out)
	}
	return err
}

func (c *into[T]) reverse() { slices.Reverse(c.items) }

func (c *into[T]) hand() error {
	*c.dst = c.items
	return nil
}

type one[T any] struct {
	e    *Entity[T]
	dst  *T
	item *T
}

func (c *one[T]) collector() gatherer {
	if c.e == nil || c.dst == nil {
		return nil
	}
	return &one[T]{e: c.e, dst: c.dst}
}

func (c *one[T]) entity() *model { return c.e.core.model }

func (c *one[T]) target() any { return c.dst }

func (c *one[T]) add(item *record, reveal bool) error {
	if c.item != nil {
		return fmt.Errorf("more than one %s", c.e.core.model.name)
	}
	var out T
	err := c.e.core.model.decode(item, reflect.ValueOf(&out).Elem(), reveal)
	if err == nil {
		c.item = &out
	}
	return err
}

func (c *one[T]) reverse() {}

func (c *one[T]) hand() error {
	if c.item == nil {
		return &missingError{c.e.core.model.name}
	}
	*c.dst = *c.item
	return nil
}

type others struct {
	count *int
	items *[]map[string]types.AttributeValue
	n     int
	found []map[string]types.AttributeValue
}

func (c *others) collector() gatherer {
	if c.count == nil && c.items == nil {
		return nil
	}
	return &others{count: c.count, items: c.items}
}

func (c *others) entity() *model { return nil }

func (c *others) target() any { return c.count }

func (c *others) add(item *record, _ bool) error {
	c.n++
	if c.items == nil {
		return nil
	}
	whole, err := item.whole()
	c.found = append(c.found, whole)
	return err
}

func (c *others) reverse() { slices.Reverse(c.found) }

func (c *others) hand() error {
	if c.count != nil {
		*c.count = c.n
	} else {
		*c.items = c.found
	}
	return nil
}

// missingError says that there is no item of an entity.
type missingError struct{ entity string }

func (e *missingError) Error() string { return "monotable: " + e.entity + ": " + bare(ErrNotFound) }
func (e *missingError) Unwrap() error { return ErrNotFound }
