package monotable

import (
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable/internal/codec"
)

// expectation is what a write's condition asked for, so that a refusal can be told apart.
type expectation struct {
	create    bool    // Create: must not exist
	exist     bool    // must exist
	version   *uint64 // must be stored; 0 means that nothing may be
	mark      string  // must be stored beside the version; "" asks for nothing
	versioned bool    // the stored item must have a version
	schema    bool    // the stored item must not be of a newer schema version, nor, as far as the write looks at it, of an older one
	now       time.Time
	absent    []path // hidden attributes that must not be stored
	fixed     map[string]types.AttributeValue
	parents   []path
	bounds    []bound
}

// bound is what a stored number must keep to, so that Add leaves it within its Min or Max.
type bound struct {
	path path
	room types.AttributeValue
	sign int // -1: not below room; 1: not above
	rule ruleKind

	missing bool // nor may it be missing
}

// leaves says that Add would leave the bound.
func (b bound) leaves(item attributeMap) bool {
	stored := valueIn(item, b.path)
	if _, ok := stored.(*types.AttributeValueMemberN); !ok {
		return b.missing
	}
	return compareScalars(stored, b.room)*b.sign > 0
}

// explain tells the reason of a refusal from the item that refused.
func (m *model) explain(e *ConditionError, expect *expectation, item map[string]types.AttributeValue) {
	because := func(attribute, detail string, reasons ...error) {
		e.Attribute, e.detail, e.reasons = attribute, detail, reasons
	}
	r := recordOf(item)
	over := item == nil || m.expired(r, expect.now)
	if expect.schema && item != nil && (over || !expect.fresh()) && m.checkTag(r, true) == nil && m.isNewer(r) {
		because("", "", ErrNewerSchema)
		return
	}
	if over {
		e.item = nil
		switch {
		case expect.exist && expect.version != nil && !expect.create:
			because("", "", ErrNotFound, ErrVersionConflict)
		case expect.exist:
			because("", "", ErrNotFound)
		default:
			because("", "", ErrConditionFailed)
		}
		return
	}
	if err := m.checkTag(r, true); err != nil {
		e.item = nil
		because("", strings.TrimPrefix(err.Error(), ErrWrongEntity.Error()+": "), ErrWrongEntity)
		if expect.create {
			e.reasons = append(e.reasons, ErrAlreadyExists)
		}
		return
	}
	if expect.create {
		because("", "", ErrAlreadyExists)
		return
	}
	if v := expect.version; v != nil && *v == 0 {
		because(m.version.String(), "version 0 means that nothing may be there; to replace it, Put what was read", ErrAlreadyExists, ErrVersionConflict)
		return
	}
	if expect.schema && m.isOutdated(r) {
		stored, ok := m.storedVersion(item)
		if expect.version == nil || !ok || stored == *expect.version { // else it is a conflict whatever its schema
			because("", m.outdatedDetail(), ErrOutdatedSchema)
			return
		}
	}
	if expect.version != nil || expect.versioned {
		stored, ok := valueIn(item, m.version.path).(*types.AttributeValueMemberN)
		switch {
		case !ok:
			because(m.version.String(), "the stored item has no "+m.version.String()+"; see AdoptUnversioned", ErrVersionConflict)
			return
		case expect.version != nil && !codec.Equal(stored, versionValue(*expect.version)):
			because(m.version.String(), "", ErrVersionConflict)
			return
		case expect.mark != "" && expect.mark != strings.Join(m.marks(item), " "):
			because(m.version.String(), "the item was made anew since", ErrVersionConflict)
			return
		case expect.version == nil && compareScalars(stored, versionValue(m.maxVersion())) >= 0:
			because(m.version.String(), m.version.String()+" has reached the end of its type", ErrConditionFailed)
			return
		}
	}
	for _, p := range expect.absent {
		if valueIn(item, p) != nil {
			because(p.String(), p.String()+" is hidden and stored, and this Put would erase it: read with Reveal, or Update", ErrConditionFailed)
			return
		}
	}
	for _, a := range m.ruled {
		if av, fixed := expect.fixed[a.String()]; fixed && !codec.Equal(orNull(av), orNull(valueIn(item, a.path))) {
			because(a.String(), a.String()+" is immutable", ErrConditionFailed)
			return
		}
	}
	for _, p := range expect.parents {
		if valueIn(item, p) == nil {
			because(p.String(), p.String()+" is not stored, so nothing in it can be changed: Set it whole, or give it a Default", ErrConditionFailed)
			return
		}
	}
	for _, b := range expect.bounds {
		if b.leaves(item) {
			because(b.path.String(), "Add would leave the "+string(b.rule)+" of "+b.path.String(), ErrConditionFailed)
			return
		}
	}
	because("", "", ErrConditionFailed)
}

func orNull(av types.AttributeValue) types.AttributeValue {
	if av == nil {
		return &types.AttributeValueMemberNULL{Value: true}
	}
	return av
}
