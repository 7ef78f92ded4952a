package monotable_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

// TestF005_DeleteWhoseReplyIsLost: gone after a lost reply is success, without an old image; there and changed is unknown; and
// without a lost reply a refusal is what it says.
func TestF005_DeleteWhoseReplyIsLost(t *testing.T) {
	ctx := t.Context()
	s := openStore(t, monotable.TableConfig{})
	var faults monotabletest.Faults
	e := mustEntity(t, s.over(faults.Client(s.client, hasty)), counterSchema())
	key := keyPS("COUNTER#c", "C")

	for name, del := range map[string]func(counter) (*counter, error){
		"under a version":   func(c counter) (*counter, error) { return e.Delete(ctx, c) },
		"on a condition":    func(c counter) (*counter, error) { return e.Delete(ctx, counter{ID: c.ID}, counterN.Eq(0)) },
		"without condition": func(c counter) (*counter, error) { return e.Delete(ctx, counter{ID: c.ID}) },
	} {
		c, err := e.Create(ctx, counter{ID: "c"})
		require.NoError(t, err, name)
		faults.Script("DeleteItem", monotabletest.ReplyLost())
		old, err := del(c)
		require.NoError(t, err, name)
		require.Nil(t, old, "%s: the old item is not known", name)
		require.Nil(t, s.stored(key), name)
	}

	c, err := e.Create(ctx, counter{ID: "c"})
	require.NoError(t, err)
	moved, err := e.Update(ctx, counter{ID: "c"}, counterN.Set(7))
	require.NoError(t, err)
	_, err = e.Delete(ctx, c)
	requireError(t, err, monotable.ErrVersionConflict, monotable.ErrConditionFailed)
	faults.Script("DeleteItem", monotabletest.InternalServerError())
	_, err = e.Delete(ctx, c)
	requireError(t, err, monotable.ErrOutcomeUnknown)
	old, err := e.Delete(ctx, moved)
	require.NoError(t, err)
	require.Equal(t, &moved, old)
}
