package monotable_test

import (
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

// tokenOf is the token of a TransactWriteItems, and its body without.
func tokenOf(t *testing.T, r monotabletest.Request) (token, rest string) {
	t.Helper()
	var body map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(r.Body, &body))
	require.NoError(t, json.Unmarshal(body["ClientRequestToken"], &token))
	delete(body, "ClientRequestToken")
	text, err := json.Marshal(body)
	require.NoError(t, err)
	return token, string(text)
}

// TestF048_TokensAndBytes: what may have been applied is sent again byte by byte; after a definite cancellation under a new token.
func TestF048_TokensAndBytes(t *testing.T) {
	for _, row := range []struct {
		name   string
		script []string
		tokens []int // of each request, as numbers
		n      int   // stored in the end
	}{
		{"lost replies", []string{"500", "ReplyLost", "503", "Garbled", "Silent"}, []int{0, 0, 0, 0, 0, 0}, 1},
		{"in progress", []string{"Done 500", "TransactionInProgress", "TransactionInProgress"}, []int{0, 0, 0, 0}, 1},
		{"throttled", []string{"Throttle", "Throttle"}, []int{0, 0, 0}, 1},
		{"cancelled", []string{"TransactionConflict", "TransactionConflict"}, []int{0, 1, 2}, 1},
		{"cancelled, then lost", []string{"TransactionConflict", "ReplyLost"}, []int{0, 1, 1}, 1},
		{"lost, then cancelled", []string{"ReplyLost", "TransactionConflict"}, []int{0, 0, 0}, 1},
		{"not arrived, then cancelled", []string{"500", "TransactionConflict"}, []int{0, 0, 0}, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, true, true)
				table := b.over(b.faulty)
				e := mustEntity(t, table, subjectSchema(true))
				// Many attributes, so that a map's order would show.
				b.faults.Script("TransactWriteItems", faultsOf(t, row.script)...)
				require.NoError(t, table.TransactWrite(t.Context(),
					e.UpdateOp(subject{ID: subjectID}, monotable.Add(subjectN, 1), subjectText.Set("new"), monotable.Append(subjectList, "x")),
					e.CreateOp(subject{ID: "second", N: 2, List: []string{"a", "b"}})))
				all, at := b.writes("TransactWriteItems")
				numbers, bodies := map[string]int{}, map[string]string{}
				for i, r := range all {
					token, rest := tokenOf(t, r)
					if _, ok := numbers[token]; !ok {
						numbers[token] = len(numbers)
						bodies[token] = string(r.Body)
					}
					require.Equal(t, row.tokens[i], numbers[token], "request %d", i)
					require.Equal(t, bodies[token], string(r.Body))
					require.NotEmpty(t, rest)
					if i > 0 {
						require.Positive(t, at[i].Sub(at[i-1]))
					}
				}
				now := b.subjectNow()
				require.Equal(t, row.n, now.N)
				require.Len(t, now.List, row.n)
				require.Equal(t, int64(2), now.Version)
			})
		})
	}
}

// TestF003_TransactionUnknown names all writes of the transaction and its token, with which it can be sent again.
func TestF003_TransactionUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, true, true)
		table := b.over(b.faulty)
		e := mustEntity(t, table, subjectSchema(true))
		b.faults.Script("TransactWriteItems", faultsOf(t, []string{"ReplyLost", "..."})...)
		ops := []monotable.WriteOp{
			e.UpdateOp(subject{ID: subjectID, Version: 1}, monotable.Add(subjectN, 1)), e.CreateOp(subject{ID: "second"}), e.CheckOp(subject{ID: "none"}),
		}
		err := table.TransactWrite(t.Context(), ops[:2]...)
		requireError(t, err, monotable.ErrOutcomeUnknown)
		unknown, ok := errors.AsType[*monotable.OutcomeError](err)
		require.True(t, ok)
		require.Len(t, unknown.Writes, 2)
		require.Equal(t, []int{0, 1}, []int{unknown.Writes[0].Index, unknown.Writes[1].Index})
		require.Equal(t, []string{"Update", "Create"}, []string{unknown.Writes[0].Op, unknown.Writes[1].Op})
		require.Equal(t, subjectKey, unknown.Writes[0].Key)
		require.Equal(t, []uint64{2, 1}, []uint64{unknown.Writes[0].Version, unknown.Writes[1].Version})
		token, _ := tokenOf(t, b.faults.Requests()[0])
		require.Equal(t, token, unknown.Token)
		require.NotContains(t, err.Error(), subjectID)
		require.NotContains(t, err.Error(), token)
		require.Equal(t, 1, b.subjectNow().N)

		// The marks of the writes tell.
		for i, key := range []rawItem{subjectKey, keyPS("SUBJECT#second", "SUBJECT")} {
			require.Equal(t, avS(unknown.Writes[i].WriteID), b.storedWhole(key)["_w"])
		}

		b.faults.Reset()
		b.faults.Script("TransactWriteItems", faultsOf(t, []string{"Throttle", "..."})...)
		requireError(t, table.TransactWrite(t.Context(), ops...), monotable.ErrThrottled)
		b.faults.Reset()
		b.faults.Script("TransactWriteItems", monotabletest.ReplyLost())
		requireError(t, table.TransactWrite(t.Context(), ops...), monotable.ErrVersionConflict, monotable.ErrAlreadyExists, monotable.ErrNotFound, monotable.ErrConditionFailed)
	})
}

// TestF003_SentAgainByToken: the caller's own token makes a transaction of unknown outcome count once, when it is called again.
func TestF003_SentAgainByToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, true, true)
		table := b.over(b.faulty).With(monotable.Token("mine"))
		e := mustEntity(t, table, subjectSchema(true))
		b.faults.Script("TransactWriteItems", faultsOf(t, []string{"ReplyLost", "..."})...)
		op := e.UpdateOp(subject{ID: subjectID}, monotable.Add(subjectN, 1))
		requireError(t, table.TransactWrite(t.Context(), op), monotable.ErrOutcomeUnknown)
		b.faults.Reset()
		require.NoError(t, table.TransactWrite(t.Context(), op))
		require.Equal(t, 1, b.subjectNow().N)
	})
}

// TestF049_TokenOfSingleWrites: two different writes under one token are two writes; the mark of the first is not that of the second.
func TestF049_TokenOfSingleWrites(t *testing.T) {
	b := newBench(t, true, true)
	e, ctx := b.subjects.With(monotable.Token("mine")), t.Context()
	_, err := e.Update(ctx, subject{ID: subjectID, Version: 1}, subjectN.Set(1))
	require.NoError(t, err)
	_, err = e.Update(ctx, subject{ID: subjectID, Version: 1}, subjectN.Set(2))
	require.Error(t, err, "nothing of it was written")
	require.Equal(t, 1, b.subjectNow().N)
}

// TestF050_TransactGetConflicts are tried again, and each answer is its own.
func TestF050_TransactGetConflicts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, true, true)
		table := b.over(b.faulty)
		e := mustEntity(t, table, subjectSchema(true))
		_, err := e.Create(t.Context(), subject{ID: "second", N: 2, List: []string{"a"}})
		require.NoError(t, err)
		b.faults.Script("TransactGetItems", monotabletest.TransactionCanceled("TransactionConflict"), monotabletest.InternalServerError(), monotabletest.Truncated(9))
		var first, second, third subject
		require.NoError(t, table.TransactGet(t.Context(), e.GetOp(subject{ID: subjectID}, &first), e.GetOp(subject{ID: "second"}, &second)))
		require.Equal(t, subjectID, first.ID)
		require.Equal(t, 2, second.N)
		b.faults.Script("TransactGetItems", monotabletest.TransactionCanceled("None", "ValidationError"))
		err = table.TransactGet(t.Context(), e.GetOp(subject{ID: subjectID}, &third), e.GetOp(subject{ID: "second"}, &second))
		requireError(t, err)
		require.ErrorAs(t, err, new(*types.TransactionCanceledException))
		require.Zero(t, third)
	})
}
