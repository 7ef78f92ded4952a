package migrate_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/lease"
	"github.com/monotable/monotable/migrate"
	"github.com/monotable/monotable/monotabletest"
)

// raising is five migrations, each of which takes four items from level n-1 to n, under the fence, and back; it says in the diary when it has seen the end.
func raising(t testing.TB, client *dynamodb.Client, d *diary) []migrate.Migration {
	raise := func(way string, id, from, to int) func(context.Context, *migrate.Run) error {
		return func(ctx context.Context, r *migrate.Run) error {
			var next int
			if _, err := r.Load("next", &next); err != nil {
				return err
			}
			for ; next < 4; next++ {
				if err := r.Do(ctx, func(ctx context.Context) error { return raiseOne(ctx, t, client, r, next, from, to) }); err != nil {
					return err
				}
				if err := r.Save(ctx, "next", next+1); err != nil {
					return err
				}
			}
			d.add("%s %d", way, id)
			return nil
		}
	}
	var all []migrate.Migration
	for id := 1; id <= 5; id++ {
		all = append(all, migrate.Migration{ID: int64(id), Name: "raise to " + strconv.Itoa(id), Up: raise("up", id, id-1, id), Down: raise("down", id, id, id-1)})
	}
	return all
}

// raiseOne finds an item as it was before, or as it is to be, in which case an earlier run has done it: anything else is out of order.
func raiseOne(ctx context.Context, t testing.TB, client *dynamodb.Client, r *migrate.Run, i, from, to int) error {
	key := keyOf("item", strconv.Itoa(i))
	_, err := client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		r.Check(), {Update: &types.Update{
			TableName: &pkSK.Name, Key: key, UpdateExpression: new("SET #l = :to"), ConditionExpression: new("#l = :from"),
			ExpressionAttributeNames:  map[string]string{"#l": "level"},
			ExpressionAttributeValues: rawItem{":from": avN(from), ":to": avN(to)},
		}},
	}})
	var canceled *types.TransactionCanceledException
	if errors.As(err, &canceled) {
		out, getErr := client.GetItem(ctx, &dynamodb.GetItemInput{TableName: &pkSK.Name, Key: key, ConsistentRead: new(true)})
		if getErr != nil {
			return getErr
		}
		if *canceled.CancellationReasons[0].Code == "None" {
			require.Equal(t, avN(to), out.Item["level"], "out of order")
			return nil
		}
	}
	return err
}

// requireOrder checks that every step was seen to its end at least once, again only next to itself, and none before its turn.
func requireOrder(t testing.TB, lines []string) {
	t.Helper()
	var want []string
	for id := 1; id <= 5; id++ {
		want = append(want, fmt.Sprint("up ", id))
	}
	for id := 5; id >= 1; id-- {
		want = append(want, fmt.Sprint("down ", id))
	}
	var once []string
	for i, line := range lines {
		if i == 0 || line != lines[i-1] {
			once = append(once, line)
		}
	}
	require.Equal(t, want, once)
}

// TestF134_CrashAtEveryRequest ends the process before, and after, one request after the other of a run of five migrations up and down, see crashPoints. Another process, which
// finds the lease taken by nobody alive, finishes the work.
func TestF134_CrashAtEveryRequest(t *testing.T) {
	type process struct {
		set     *migrate.Set
		through *dynamodb.Client
	}
	start := func(t testing.TB, g *ground, faults *monotabletest.Faults, d *diary) process {
		client := g.client
		if faults != nil {
			client = faults.Client(g.client)
		}
		return process{newSet(t, g.store(client, frozen(), lease.Holder("runner")), raising(t, client, d)...), client}
	}
	newGround := func(t testing.TB) *ground {
		g := inMemory(t)
		for i := range 4 {
			g.put(rawItem{"PK": avS("item"), "SK": avS(strconv.Itoa(i)), "level": avN(0)})
		}
		return g
	}
	requireLevel := func(t testing.TB, g *ground, level int) {
		t.Helper()
		for i := range 4 {
			require.Equal(t, avN(level), g.item("item", strconv.Itoa(i))["level"])
		}
	}
	var undisturbed []migrate.State
	total := 0
	synctest.Test(t, func(t *testing.T) {
		g := newGround(t)
		var faults monotabletest.Faults
		var d diary
		p := start(t, g, &faults, &d)
		_, err := p.set.Up(t.Context())
		require.NoError(t, err)
		undisturbed = status(t, p.set)
		requireLevel(t, g, 5)
		_, err = p.set.DownTo(t.Context(), 0)
		require.NoError(t, err)
		requireLevel(t, g, 0)
		requireOrder(t, d.take())
		total = len(faults.Requests())
	})
	require.Greater(t, total, 100)
	for kind, stop := range []func(*monotabletest.Faults, int){(*monotabletest.Faults).StopAt, (*monotabletest.Faults).StopAfter} {
		name := []string{"before", "after"}[kind]
		for _, n := range crashPoints(t, total, kind) {
			synctest.Test(t, func(t *testing.T) {
				g := newGround(t)
				var faults monotabletest.Faults
				var d diary
				stop(&faults, n)
				dying := start(t, g, &faults, &d)
				_, err := dying.set.Up(t.Context())
				up := err == nil
				if up {
					_, err = dying.set.DownTo(t.Context(), 0)
				}
				if err != nil {
					require.ErrorIs(t, err, monotabletest.ErrStopped, "%s %d", name, n)
				}

				next := start(t, g, nil, &d)
				if !up {
					_, err = next.set.Up(t.Context())
					require.NoError(t, err, "%s %d", name, n)
					require.Equal(t, undisturbed, status(t, next.set))
					requireLevel(t, g, 5)
				}
				_, err = next.set.DownTo(t.Context(), 0)
				require.NoError(t, err, "%s %d", name, n)
				requireLevel(t, g, 0)
				requireOrder(t, d.take())
				for _, state := range status(t, next.set) {
					require.False(t, state.Applied || state.Dirty)
				}
				r, err := g.store(g.client).Load(t.Context(), "migrations")
				require.NoError(t, err)
				require.Empty(t, r.Data)
			})
		}
	}
}
