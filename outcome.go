package monotable

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"reflect"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable/internal/codec"
)

const (
	defaultWriteID = "_w"
	marksKept      = 16 // by Modify, so that a write is still recognised after others
)

// mark is what a write to an entity with a version leaves in the item, to be recognised by if its reply is lost. The zero
// mark is of an entity without.
type mark struct {
	id      string // of this write
	stored  string // id, and behind it those of the writes before, as far as they are known
	version uint64 // that the item has after the write; 0 if the call does not know
}

// newMark marks a write. In a transaction under the caller's own token it is the same every time, as the whole request must be.
func (m *model) newMark(o *options) mark {
	if m.version == nil {
		return mark{}
	}
	random := make([]byte, 6)
	if !o.tokened {
		_, _ = rand.Read(random) // never fails
	} else {
		sum := sha256.Sum256([]byte(o.token))
		copy(random, sum[:])
	}
	id := base64.RawURLEncoding.EncodeToString(random)
	return mark{id: id, stored: id}
}

// keepMarks lets the item carry the marks it was read with, behind the new one.
func (w *write) keepMarks() {
	before := strings.Fields(w.expect.mark)
	before = before[:min(len(before), marksKept-1)]
	w.mark.stored = strings.Join(append([]string{w.mark.id}, before...), " ")
}

// whereMark adds the condition that the item carries the very marks that were read: an item that was deleted and made anew can
// have the old version, but not its mark.
func (w *write) whereMark() {
	if w.expect.mark != "" {
		w.where(w.top(w.m.table.writeID).Equal(text(w.expect.mark)))
	}
}

// markIn is the mark that a T carries, if it has a field for it.
func (m *model) markIn(item reflect.Value) string {
	if f := m.plan.Field(m.table.writeID); f != nil {
		if v, ok := f.Get(item); ok {
			for v.Kind() == reflect.Pointer && !v.IsNil() {
				v = v.Elem()
			}
			if v.Kind() == reflect.String {
				return v.String()
			}
		}
	}
	return ""
}

// marks are those an item carries, the last write's first.
func (m *model) marks(item attributeMap) []string {
	if s, ok := item[m.table.writeID].(*types.AttributeValueMemberS); ok {
		return strings.Fields(s.Value)
	}
	return nil
}

// settle tells what a write came to whose call failed. Without an error it was carried out: the item is then what is stored, or
// nil after a Delete.
func (w *write) settle(err error, a *attempts, lookUp func() (attributeMap, error)) (attributeMap, error) {
	refused, ok := errors.AsType[*types.ConditionalCheckFailedException](err)
	if !ok {
		err := a.failure(w.m.table, err, true)
		if errors.Is(err, ErrOutcomeUnknown) {
			err = &OutcomeError{Writes: []UnknownWrite{w.unknown(0)}, err: err}
		}
		return nil, err
	}
	// A client that drops our middleware may have sent the write more than once, and nobody knows.
	open, blind := a.open(), a.blind(w.m.table)
	item := refused.Item
	if item == nil && !w.m.table.isSDK {
		// Clients between us and the service may drop the item. One look tells what is there now.
		found, lookErr := lookUp()
		if lookErr != nil && open {
			return nil, w.cannotTell(err)
		} else if lookErr != nil {
			return nil, &ConditionError{Entity: w.m.name, Ambiguous: blind, reasons: []error{ErrConditionFailed}, err: err}
		}
		item = found
	}
	if w.isIn(item, open) {
		return item, nil
	}
	other := w.isOthers(item)
	if open && !other {
		return nil, w.cannotTell(err)
	}
	ambiguous := open && w.expect.fresh() || blind && (w.expect.fresh() || !other)
	e := &ConditionError{Entity: w.m.name, table: w.table(), Ambiguous: ambiguous, item: item, err: err}
	e.found = item
	w.m.explain(e, &w.expect, item)
	return nil, e
}

// cannotTell is the error of a write that was refused, perhaps for its own earlier attempt.
func (w *write) cannotTell(err error) error {
	failure := &serviceFailure{sentinels: []error{ErrOutcomeUnknown}, err: err}
	return &OutcomeError{Writes: []UnknownWrite{w.unknown(0)}, err: failure}
}

// isIn says that the write is what made the item, or what removed it. open says that an attempt may have taken effect.
func (w *write) isIn(item attributeMap, open bool) bool {
	switch {
	case w.mark.id != "" && w.action != actionDelete:
		return slices.Contains(w.m.marks(item), w.mark.id)
	case !open:
		return false
	case w.action == actionDelete:
		return item == nil || w.m.expired(recordOf(item), w.expect.now)
	case item != nil && (w.item != nil || w.json != nil):
		return codec.Equal(&types.AttributeValueMemberM{Value: item}, &types.AttributeValueMemberM{Value: w.attributes()})
	}
	return false
}

// isOthers says that the item proves another's write to have been made in place of this one.
func (w *write) isOthers(item attributeMap) bool {
	stored, ok := w.m.storedVersion(item)
	marks := w.m.marks(item)
	if !ok || len(marks) == 0 || w.mark.id == "" && w.action != actionDelete {
		return false
	}
	if w.expect.fresh() {
		return stored == 1 // its maker's mark
	}
	read := strings.Fields(w.expect.mark)
	if w.expect.version == nil || len(read) == 0 || stored <= *w.expect.version {
		return false
	}
	// The marks go back version by version. Where they lead to what was read, all that was written since is known.
	since := stored - *w.expect.version
	return since < uint64(len(marks)) && marks[since] == read[0]
}

// isPast says that the version which the write demands has been passed, so that a request still on its way comes too late.
func (w *write) isPast(item attributeMap) bool {
	stored, ok := w.m.storedVersion(item)
	return ok && !w.expect.fresh() && w.expect.version != nil && stored > *w.expect.version
}

// storedVersion reads the version of a stored item.
func (m *model) storedVersion(item attributeMap) (n uint64, ok bool) {
	if m.version == nil {
		return 0, false
	}
	av, ok := valueIn(item, m.version.path).(*types.AttributeValueMemberN)
	return n, ok && scanUint(av.Value, &n) == nil
}

// fresh says that the write demands that nothing is there.
func (e *expectation) fresh() bool { return e.create || e.version != nil && *e.version == 0 }

// UnknownWrite is what is needed to find out what a write came to.
type UnknownWrite struct {
	Index   int    // of the operation in the call
	Op      string // "Create", "Put", "Update", "Delete", …
	Entity  string
	Key     map[string]types.AttributeValue
	Version uint64 // that the item has if the write was applied and nothing since; 0 if the call did not know
	WriteID string // that is in the item's write id if the write was applied and nothing since; "" for an entity without version
}

func (w *write) unknown(index int) UnknownWrite {
	return UnknownWrite{Index: index, Op: w.op, Entity: w.m.name, Key: w.itsKey(), Version: w.mark.version, WriteID: w.mark.id}
}

// OutcomeError says that a write was sent and it cannot be told whether it was applied. It is [ErrOutcomeUnknown]. Its text holds
// no key.
//
// To find out, read the item consistently and compare its version and write id. Reading is not enough while a request may still be on
// its way, so give it some seconds, or repeat the write: under a version it cannot be applied twice.
type OutcomeError struct {
	Writes []UnknownWrite // one, or all of a transaction's
	Token  string         // of the transaction: sending it again within ten minutes counts once
	err    error
}

func (e *OutcomeError) Error() string { return e.err.Error() }

// Is reports ErrOutcomeUnknown.
func (e *OutcomeError) Is(target error) bool { return target == ErrOutcomeUnknown }

// Unwrap gives the cause, with the last attempt's error.
func (e *OutcomeError) Unwrap() error { return e.err }
