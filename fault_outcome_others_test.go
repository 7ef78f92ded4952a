package monotable_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

// Lost replies while others write, contexts that end, clients of other makes.

// meanwhile lets something happen after a request has met its fault and before the client hears of it.
func meanwhile(fault monotabletest.Fault, others ...func()) monotabletest.Fault {
	return func(r *http.Request, do func(*http.Request) (*http.Response, error)) (*http.Response, error) {
		resp, err := fault(r, do)
		for _, other := range others {
			other()
		}
		return resp, err
	}
}

// What other writers do.
func (b *bench) otherModifies() {
	_, err := b.other.Modify(b.t.Context(), subject{ID: subjectID}, func(x *subject) error { x.M++; return nil })
	require.NoError(b.t, err)
}

func (b *bench) otherUpdates() {
	_, err := b.other.Update(b.t.Context(), subject{ID: subjectID}, monotable.Add(subjectM, 1))
	require.NoError(b.t, err)
}

func (b *bench) otherDeletes() {
	_, err := b.other.Delete(b.t.Context(), subject{ID: subjectID})
	require.NoError(b.t, err)
}

func (b *bench) otherCreates() {
	_, err := b.other.Create(b.t.Context(), subject{ID: subjectID, M: 7})
	require.NoError(b.t, err)
}

func times(n int, f func()) func() {
	return func() {
		for range n {
			f()
		}
	}
}

// verbNamed finds a verb.
func verbNamed(t *testing.T, name string) verb {
	t.Helper()
	for _, v := range verbs {
		if v.name == name {
			return v
		}
	}
	t.Fatal(name)
	return verb{}
}

// TestF001_OthersWroteSince: a write under a version whose reply is lost, or that never arrived, and others write before it is sent again.
// TestF002, F004 and F005 are rows of it.
func TestF001_OthersWroteSince(t *testing.T) {
	t.Parallel()
	type others = func(b *bench) []func()
	var (
		nobody   = func(*bench) []func() { return nil }
		modify   = func(b *bench) []func() { return []func(){b.otherModifies} }
		modify15 = func(b *bench) []func() { return []func(){times(15, b.otherModifies)} }
		modify16 = func(b *bench) []func() { return []func(){times(16, b.otherModifies)} }
		update   = func(b *bench) []func() { return []func(){b.otherUpdates} }
		remove   = func(b *bench) []func() { return []func(){b.otherDeletes} }
		anew     = func(b *bench) []func() { return []func(){b.otherDeletes, b.otherCreates} }
		anewer   = func(b *bench) []func() { return []func(){b.otherDeletes, b.otherCreates, b.otherUpdates} }
		create   = func(b *bench) []func() { return []func(){b.otherCreates} }
		grown    = func(b *bench) []func() { return []func(){b.otherCreates, b.otherUpdates} }
	)
	versionConflict := []error{monotable.ErrVersionConflict, monotable.ErrConditionFailed}
	exists := []error{monotable.ErrAlreadyExists, monotable.ErrConditionFailed}
	unknown := []error{monotable.ErrOutcomeUnknown}
	lost, failed, throttled := monotabletest.ReplyLost, monotabletest.InternalServerError, func() monotabletest.Fault { return monotabletest.Throttle("") }
	for _, row := range []struct {
		fault, name string
		verbs       []string
		first       func() monotabletest.Fault
		others      others
		want        []error // none for success
		once        []error // the same under ExactlyOnce
		ambiguous   bool    // ConditionError says that the write may have been there
	}{
		{"F001", "written, another by Modify", []string{"Put over the old", "Update of the version in the key", "Update by Add under the version", "Modify"}, lost, modify, nil, nil, false},
		{"F001", "written, fifteen others by Modify", []string{"Put over the old", "Update of the version in the key", "Modify"}, lost, modify15, nil, nil, false},
		{"F001", "created, another by Modify", []string{"Create", "Put of a new one", "Upsert of a new one"}, lost, modify, nil, nil, false},
		{"F001", "throttled, another by Modify", []string{"Put over the old", "Update of the version in the key", "Update by Add under the version"}, throttled, modify, versionConflict, versionConflict, false},
		{"F001", "throttled, another by Update", []string{"Put over the old", "Update of the version in the key"}, throttled, update, versionConflict, versionConflict, false},
		{"F001", "not written, fifteen others by Modify", []string{"Modify"}, failed, modify15, nil, nil, false},
		{"F002", "written, sixteen others by Modify", []string{"Put over the old", "Update of the version in the key", "Modify"}, lost, modify16, unknown, nil, false},
		{"F002", "written, another by Update", []string{"Put over the old", "Update of the version in the key", "Update by Add under the version", "Modify"}, lost, update, unknown, nil, false},
		{"F002", "written, deleted", []string{"Put over the old"}, lost, remove, unknown, nil, false},
		{"F002", "written, made anew", []string{"Modify"}, lost, anew, unknown, nil, false},
		{"F002", "written, made anew and changed", []string{"Put over the old", "Update of the version in the key", "Modify"}, lost, anewer, unknown, nil, false},
		{"F002", "not written, another by Modify, who was before it unknown", []string{"Put over the old", "Update of the version in the key"}, failed, modify, unknown, versionConflict, false},
		{"F002", "not written, another by Update", []string{"Put over the old", "Update of the version in the key"}, failed, update, unknown, versionConflict, false},
		{"F002", "not written, sixteen others by Modify", []string{"Update of the version in the key"}, failed, modify16, unknown, versionConflict, false},
		{"F004", "created, made anew by another", []string{"Create", "Put of a new one"}, lost, anew, nil, nil, true},
		{"F004", "not created, created by another", []string{"Create", "Put of a new one"}, failed, create, exists, exists, true},
		{"F004", "not created, created and changed by others", []string{"Create", "Put of a new one"}, failed, grown, unknown, exists, false},
		{"F004", "created, another by Update", []string{"Create", "Put of a new one"}, lost, update, unknown, nil, false},
		{"F004", "throttled, created by another", []string{"Create"}, throttled, create, exists, exists, false},
		{"F005", "deleted", []string{"Delete of the version"}, lost, nobody, nil, nil, false},
		{"F005", "deleted by another", []string{"Delete of the version"}, failed, remove, nil, nil, false},
		{"F005", "deleted, made anew and changed", []string{"Delete of the version", "Delete on a condition"}, lost, grown, unknown, nil, false},
		{"F005", "not deleted, another by Modify", []string{"Delete of the version"}, failed, modify, unknown, versionConflict, false},
		{"F005", "throttled, another by Modify", []string{"Delete of the version"}, throttled, modify, versionConflict, versionConflict, false},
		{"F005", "throttled, deleted by another", []string{"Delete on a condition"}, throttled, remove, []error{monotable.ErrNotFound, monotable.ErrConditionFailed}, nil, false},
	} {
		for _, name := range row.verbs {
			v := verbNamed(t, name)
			for _, once := range []bool{false, true} {
				if once && row.once == nil && row.first() != nil && row.fault == "F005" {
					continue // read beforehand, so it has its own test
				}
				t.Run(row.fault+" "+row.name+"/"+name+map[bool]string{true: ", exactly once"}[once], func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						b := newBench(t, true, v.exists)
						e, want, op := b.subjects, row.want, v.operation
						if once {
							e, want, op = e.With(monotable.ExactlyOnce()), row.once, "TransactWriteItems"
							if name == "Upsert of a new one" {
								b.faults.Script(op, nil)
							}
						}
						if row.fault == "F004" && row.ambiguous && row.want == nil && !once {
							want = exists
						}
						if want != nil && errors.Is(want[0], monotable.ErrAlreadyExists) && name == "Put of a new one" {
							want = append([]error{monotable.ErrVersionConflict}, want...)
						}
						b.faults.Script(op, meanwhile(row.first(), row.others(b)...))
						was := int64(0)
						if v.exists {
							was = 1
						}
						got, err := v.call(t.Context(), e, was)
						if want == nil {
							require.NoError(t, err)
							if old, ok := got.(*subject); ok && !once {
								require.Nil(t, old)
							}
							return
						}
						requireError(t, err, want...)
						if condition, ok := errors.AsType[*monotable.ConditionError](err); ok {
							require.Equal(t, row.ambiguous || once && row.fault == "F004" && !strings.HasPrefix(row.name, "throttled"), condition.Ambiguous)
						}
					})
				})
			}
		}
	}
}

// TestF002_ModifyStops when it cannot tell whether its change was written, instead of making it again.
func TestF002_ModifyStops(t *testing.T) {
	for _, row := range []struct {
		name   string
		fault  monotabletest.Fault
		other  func(b *bench)
		calls  int
		n      int
		unsure bool
	}{
		{"written, another by Update", monotabletest.ReplyLost(), (*bench).otherUpdates, 1, 1, true},
		{"not written, another by Update", monotabletest.InternalServerError(), (*bench).otherUpdates, 1, 0, true},
		{"written, another by Modify", monotabletest.ReplyLost(), (*bench).otherModifies, 1, 1, false},
		{"not written, another by Modify", monotabletest.InternalServerError(), (*bench).otherModifies, 2, 1, false},
		{"throttled, another by Update", monotabletest.Throttle(""), (*bench).otherUpdates, 2, 1, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, true, true)
				b.faults.Script("UpdateItem", meanwhile(row.fault, func() { row.other(b) }))
				calls := 0
				_, err := b.subjects.Modify(t.Context(), subject{ID: subjectID}, func(x *subject) error { calls++; x.N++; return nil })
				if row.unsure {
					requireError(t, err, monotable.ErrOutcomeUnknown)
				} else {
					require.NoError(t, err)
				}
				require.Equal(t, row.calls, calls)
				require.Equal(t, row.n, b.subjectNow().N)
				require.Equal(t, 1, b.subjectNow().M)
			})
		})
	}
}

// TestF004_WithoutVersion: a creation is recognised by the whole item, and what differs in anything is not it.
func TestF004_WithoutVersion(t *testing.T) {
	for _, row := range []struct {
		name  string
		fault monotabletest.Fault
		other func(b *bench)
		want  []error
	}{
		{"written", monotabletest.ReplyLost(), nil, nil},
		{"written, changed", monotabletest.ReplyLost(), (*bench).otherUpdates, []error{monotable.ErrOutcomeUnknown}},
		{"not written, another's", monotabletest.InternalServerError(), (*bench).otherCreates, []error{monotable.ErrOutcomeUnknown}},
		{"throttled, another's", monotabletest.Throttle(""), (*bench).otherCreates, []error{monotable.ErrAlreadyExists, monotable.ErrConditionFailed}},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, false, false)
				b.faults.Script("PutItem", meanwhile(row.fault, func() {
					if row.other != nil {
						row.other(b)
					}
				}))
				_, err := b.subjects.Create(t.Context(), subject{ID: subjectID, N: 1})
				if row.want == nil {
					require.NoError(t, err)
				} else {
					requireError(t, err, row.want...)
				}
			})
		})
	}
	// An existing item is no own write only because it is the same: nothing was sent before.
	b := newBench(t, false, false)
	_, err := b.subjects.Create(t.Context(), subject{ID: subjectID, N: 1})
	require.NoError(t, err)
	_, err = b.subjects.Create(t.Context(), subject{ID: subjectID, N: 1})
	requireError(t, err, monotable.ErrAlreadyExists, monotable.ErrConditionFailed)
}

// TestF006_AConditionThatTheChangeEnds: without a version nothing tells an own change from another's.
func TestF006_AConditionThatTheChangeEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, false, true)
		b.faults.Script("UpdateItem", monotabletest.ReplyLost())
		_, err := b.subjects.Update(t.Context(), subject{ID: subjectID}, subjectText.Set("new"), subjectText.Eq("old"))
		requireError(t, err, monotable.ErrOutcomeUnknown)
		_, err = b.subjects.Update(t.Context(), subject{ID: subjectID}, subjectText.Set("newer"), subjectText.Eq("old"))
		requireError(t, err, monotable.ErrConditionFailed)
	})
}

// TestF007_OldImageWithheld: after a lost reply what DeleteItem returns may be another's, stored since.
func TestF007_OldImageWithheld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, versioned := range []bool{true, false} {
			b := newBench(t, versioned, true)
			b.faults.Script("DeleteItem", meanwhile(monotabletest.ReplyLost(), b.otherCreates))
			old, err := b.subjects.Delete(t.Context(), subject{ID: subjectID})
			require.NoError(t, err)
			require.Nil(t, old, "that one is another's")

			b.otherCreates()
			b.faults.Script("DeleteItem", monotabletest.Throttle(""))
			old, err = b.subjects.Delete(t.Context(), subject{ID: subjectID})
			require.NoError(t, err)
			require.Equal(t, 7, old.M)

			b.otherCreates()
			b.faults.Script("TransactWriteItems", meanwhile(monotabletest.ReplyLost(), b.otherCreates))
			old, err = b.subjects.With(monotable.ExactlyOnce()).Delete(t.Context(), subject{ID: subjectID})
			require.NoError(t, err)
			require.Equal(t, 7, old.M, "what was read, and a condition of the transaction")
			require.NotNil(t, b.subjectNow(), "the other's stays")
		}
	})
}
