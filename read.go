package monotable

import (
	"fmt"
	"math/big"
	"reflect"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable/internal/codec"
)

// TagMode says how an entity goes about the type tag. Writes of tagged entities store it, and an
// item with the tag of another entity is refused in every mode but TagNone.
type TagMode int

const (
	// TagRequired takes only items that carry the entity's tag. It is the default.
	TagRequired TagMode = iota
	// TagOptional takes items without a tag too, if their key fits the templates, and tags what it writes:
	// for a table that was made by hand, while items move over.
	TagOptional
	// TagNone neither writes nor looks at tags: an item is the entity's if its key fits the templates.
	TagNone
)

// checkTag says whether a stored item is the entity's.
func (m *model) checkTag(r *record, projected bool) error {
	if m.tagMode != TagNone && r.reads(m.table.tag, m.tagJSON) {
		return nil
	}
	tag := r.attribute(m.table.tag)
	stored := tag != nil
	s, isText := tag.(*types.AttributeValueMemberS)
	switch {
	case m.tagMode == TagNone, !stored && (m.tagMode == TagOptional || !projected):
		if m.primary.matches(r) {
			return nil
		}
		return fmt.Errorf("%w: the key is not one that the templates of %s make", ErrWrongEntity, m.name)
	case isText && m.owns(s.Value):
		return nil
	case !stored:
		return fmt.Errorf("%w: the item has no %s, see TagOptional", ErrWrongEntity, m.table.tag)
	}
	return fmt.Errorf("%w: the item is not a %s", ErrWrongEntity, m.name)
}

// present says whether what was read is an item of the entity's that counts.
func (m *model) present(r *record) error {
	if r.missing() || m.expires != nil && m.expired(r, m.now()) {
		return ErrNotFound
	}
	return m.checkTag(r, true)
}

// expired says whether the item's time is over. DynamoDB deletes such items late.
func (m *model) expired(r *record, now time.Time) bool {
	if m.expires == nil {
		return false
	}
	n, ok := r.attribute(m.expires.chain[0].Name).(*types.AttributeValueMemberN)
	if !ok {
		return false
	}
	if at, err := strconv.ParseInt(n.Value, 10, 64); err == nil {
		return at <= now.Unix()
	}
	at, ok := new(big.Rat).SetString(n.Value)
	return ok && at.Cmp(new(big.Rat).SetInt64(now.Unix())) <= 0
}

// decode makes a T of a stored item that is the entity's.
func (m *model) decode(r *record, dst reflect.Value, reveal bool) error {
	if err := m.decodeAs(m.plan, r, dst); err != nil {
		return err
	}
	if !reveal {
		m.hide(dst)
	}
	return nil
}

// decodeAs makes a value of an item, in today's form, by the plan of T or of a struct that has a part of T's attributes.
func (m *model) decodeAs(plan *codec.Plan, r *record, dst reflect.Value) error {
	now, err := m.upgraded(r)
	if err == nil {
		err = now.decode(plan, dst)
	}
	if err == nil {
		err = m.fillAbsent(plan, now, dst)
	}
	if err != nil {
		return &DecodeError{Entity: m.name, Item: r.attributes(), Err: err}
	}
	return nil
}

// fillAbsent gives attributes that the item lacks their ReadDefault. Below a map that is not stored there is nothing to fill.
func (m *model) fillAbsent(plan *codec.Plan, r *record, dst reflect.Value) error {
	for _, a := range m.readDefaults {
		if len(a.path) == 1 && !r.lacks(a.path[0].name) || r.at(a.path) != nil {
			continue
		}
		if len(a.path) > 1 {
			if _, stored := r.at(a.path[:len(a.path)-1]).(*types.AttributeValueMemberM); !stored {
				continue
			}
		}
		chain, ok := fieldChain(plan, a.path)
		if !ok {
			continue
		}
		// Decoding makes a deep copy, so that items never share a default's memory.
		if err := chain[len(chain)-1].Value.Decode(a.readDefault, place(dst, chain)); err != nil {
			return err
		}
	}
	return nil
}

// hide zeroes the hidden attributes.
func (m *model) hide(item reflect.Value) {
	for _, a := range m.ruled {
		if v, ok := get(item, a.chain); ok && a.has(ruleHidden) {
			v.SetZero()
		}
	}
}

// isMine is the condition that an item is the entity's, as far as its tag tells.
func (m *model) isMine(b *exprBuilder) term {
	tag := b.top(m.table.tag)
	if len(m.aliases) == 0 {
		return tag.Equal(text(m.name))
	}
	names := make([]term, 0, 1+len(m.aliases))
	for _, name := range m.names() {
		names = append(names, text(name))
	}
	return tag.In(names...)
}

// mayBeMine is the condition that nothing else's tag is there; it holds for a missing item only in TagOptional and TagNone.
// It is unset where there is nothing to ask.
func (m *model) mayBeMine(b *exprBuilder) term {
	switch m.tagMode {
	case TagNone:
		return term{}
	case TagOptional:
		return b.top(m.table.tag).AttributeNotExists().Or(m.isMine(b))
	}
	return m.isMine(b)
}

// alive is the condition that the item has not expired.
func (m *model) alive(b *exprBuilder, now time.Time) term {
	name := b.name(m.expires.path)
	return name.AttributeNotExists().Or(name.GreaterThan(number(now.Unix())))
}

// orOver lets a condition hold for an expired item too.
func (m *model) orOver(b *exprBuilder, now time.Time, c term) term {
	if m.expires == nil {
		return c
	}
	return b.name(m.expires.path).LessThanEqual(number(now.Unix())).Or(c)
}

// wherePresent adds the conditions that there is an item and that it is the entity's.
func (m *model) wherePresent(b *exprBuilder, now time.Time) {
	if m.tagMode != TagRequired {
		b.where(b.top(m.primary.partition[0].Name).AttributeExists())
	}
	if mine := m.mayBeMine(b); mine.isSet() {
		b.where(mine)
	}
	if m.expires != nil {
		b.where(m.alive(b, now))
	}
}

// whereAbsent adds the condition that there is no item, or one of the entity's that has expired.
func (m *model) whereAbsent(b *exprBuilder, now time.Time) {
	absent := b.top(m.primary.partition[0].Name).AttributeNotExists()
	if m.expires == nil {
		b.where(absent)
		return
	}
	over := b.name(m.expires.path).LessThanEqual(number(now.Unix()))
	if mine := m.mayBeMine(b); mine.isSet() {
		over = over.And(mine)
	}
	b.where(absent.Or(over))
}

// whereNotForeign adds the condition that there is no item of another entity.
func (m *model) whereNotForeign(b *exprBuilder) {
	mine := m.mayBeMine(b)
	switch m.tagMode {
	case TagNone:
	case TagOptional:
		b.where(mine)
	default:
		b.where(b.top(m.primary.partition[0].Name).AttributeNotExists().Or(mine))
	}
}

func versionValue(n uint64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatUint(n, 10)}
}
