package monotable_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
)

// TestF025_BatchPutOfAVersion is refused: BatchWriteItem takes no conditions.
func TestF025_BatchPutOfAVersion(t *testing.T) {
	b := newBench(t, true, true)
	table, ctx := b.over(b.faulty), t.Context()
	e := mustEntity(t, table, subjectSchema(true))
	requireError(t, table.BatchWrite(ctx, e.PutOp(subject{ID: subjectID, N: 1, Version: 1})), monotable.ErrInvalid)
	require.Empty(t, b.faults.Requests())
	require.Zero(t, b.subjectNow().N)
	require.NoError(t, table.BatchWrite(ctx, e.With(monotable.WithoutVersionCheck()).PutOp(subject{ID: subjectID, N: 1, Version: 1})))
	require.Equal(t, int64(2), b.subjectNow().Version)
}

// TestF027_FreshVersionReturned: what is returned carries the new version, and an argument is never changed, whatever the outcome.
func TestF027_FreshVersionReturned(t *testing.T) {
	synctest.Test(t, testFreshVersionReturned)
}

func testFreshVersionReturned(t *testing.T) {
	b := newBench(t, true, true)
	ctx, e := t.Context(), b.subjects
	item := subject{ID: subjectID, N: 1, List: []string{"a"}, Version: 1}
	var same func()
	for _, script := range [][]string{{"Throttle"}, {"Refuse 400 SomethingNewException"}, {"ReplyLost"}} {
		item.Version = b.subjectNow().Version
		same = unchanged(t, &item)
		b.faults.Script("PutItem", faultsOf(t, script)...)
		got, err := e.Put(ctx, item)
		same()
		if err == nil {
			require.Equal(t, item.Version+1, got.Version)
			require.Equal(t, *b.subjectNow(), got)
		}
		b.faults.Reset()
	}
	item.Version = 1
	same = unchanged(t, &item)
	_, err := e.Put(ctx, item)
	requireError(t, err, monotable.ErrVersionConflict, monotable.ErrConditionFailed)
	same()
	got, err := e.Update(ctx, item.at(b.subjectNow().Version), subjectN.Set(5))
	require.NoError(t, err)
	require.Equal(t, *b.subjectNow(), got)
	got, err = e.Modify(ctx, item.at(0), func(x *subject) error { x.List[0] = "b"; return nil })
	require.NoError(t, err)
	require.Equal(t, *b.subjectNow(), got)
	same()
}

func (x subject) at(version int64) subject {
	x.Version = version
	return x
}

// TestF028_TheServerCountsUp: a change without a read before raises the stored version, unchecked writes too, so that stale writers lose.
func TestF028_TheServerCountsUp(t *testing.T) {
	b := newBench(t, true, true)
	ctx, unchecked := t.Context(), b.subjects.With(monotable.WithoutVersionCheck())
	for i, write := range []func() error{
		func() error { _, err := b.subjects.Update(ctx, subject{ID: subjectID}, subjectN.Set(1)); return err },
		func() error {
			_, err := unchecked.Update(ctx, subject{ID: subjectID, Version: 1}, monotable.Add(subjectN, 1))
			return err
		},
		func() error { _, err := b.subjects.Upsert(ctx, subject{ID: subjectID}, subjectN.Set(1)); return err },
		func() error {
			_, err := unchecked.Modify(ctx, subject{ID: subjectID}, func(x *subject) error { x.N = 9; return nil })
			return err
		},
		func() error { _, err := unchecked.Put(ctx, subject{ID: subjectID, Version: 5}); return err },
	} {
		require.NoError(t, write())
		require.Equal(t, int64(i+2), b.subjectNow().Version)
		_, err := b.subjects.Put(ctx, subject{ID: subjectID, Version: int64(i + 1)})
		requireError(t, err, monotable.ErrVersionConflict, monotable.ErrConditionFailed)
	}
}

// TestF030_ReplicationAttributes, which a global table of the old kind keeps in each item, are never written or taken away by a change.
func TestF030_ReplicationAttributes(t *testing.T) {
	b := newBench(t, true, true)
	ctx := t.Context()
	kept := rawItem{"aws:rep:deleting": avBool(false), "aws:rep:updatetime": avN("1"), "aws:rep:updateregion": avS("us-east-1")}
	b.write(with(b.storedWhole(subjectKey), kept))
	_, err := b.subjects.Update(ctx, subject{ID: subjectID}, subjectN.Set(1))
	require.NoError(t, err)
	_, err = b.subjects.Modify(ctx, subject{ID: subjectID}, func(x *subject) error { x.N = 9; return nil })
	require.NoError(t, err)
	now := b.storedWhole(subjectKey)
	for name, av := range kept {
		require.Equal(t, av, now[name])
	}
	for _, r := range b.faults.Requests() {
		require.NotContains(t, string(r.Body), "aws:rep:")
	}
}
