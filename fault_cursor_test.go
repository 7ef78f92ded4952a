package monotable_test

import (
	"encoding/base64"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
)

// Faults of cursors that say nothing of how one is written: those of its format are in cursor_test.go.

// TestF121_ForgedKeys: a key that the caller may not read from is refused however it is brought, even where the service would take it.
func TestF121_ForgedKeys(t *testing.T) {
	a := openAccounts(t)
	for _, id := range []string{"1", "2", "3"} {
		a.write(with(rawAccount(id), rawItem{"GSI1PK": avS("EMAIL#same"), "email": avS("same")}))
	}
	spy := &spyClient{Client: a.client}
	e := mustEntity(t, a.over(spy), accountSchema())
	ctx := t.Context()
	queries := map[string]monotable.Query[account]{
		"Scan": e.Scan(), "Scan of an index": e.Scan().Index("GSI1"), "Query": e.Query(account{ID: "1"}), "Query of an index": e.Query(account{Email: "same"}).Index("GSI1"),
	}
	pages := map[string]monotable.Cursor{}
	for name, q := range queries {
		page, err := q.PageSize(1).Page(ctx)
		require.NoError(t, err)
		require.NotEmpty(t, page.Next, name)
		pages[name] = page.Next
	}
	spy.queries.Store(0)
	spy.scans.Store(0)
	for name, q := range queries {
		for _, forged := range []monotable.Cursor{
			`{"PK":"ACCOUNT#2","SK":"PROFILE"}`, monotable.Cursor(base64.RawURLEncoding.EncodeToString([]byte(`{"PK":"ACCOUNT#2","SK":"PROFILE"}`))),
			pages[name][:len(pages[name])/2], pages[name] + pages[name], "A" + pages[name], monotable.Cursor(strings.ToUpper(string(pages[name]))),
		} {
			_, err := q.From(forged).Collect(ctx)
			requireError(t, err, monotable.ErrBadCursor)
			require.NotContains(t, err.Error(), string(forged), name)
		}
		for other, cursor := range pages {
			if _, err := q.From(cursor).Request(); other == name {
				require.NoError(t, err, name)
			} else {
				require.ErrorIs(t, err, monotable.ErrBadCursor, "%s from a cursor of %s", name, other)
			}
		}
	}
	require.Zero(t, spy.calls())
}

// TestF122_GenuineElsewhere: a cursor of a scope or a table is no good in another, and a key that is gone takes its cursors with it.
func TestF122_GenuineElsewhere(t *testing.T) {
	keys := func(ids ...string) (all []monotable.CursorKey) {
		for _, id := range ids {
			all = append(all, monotable.CursorKey{ID: id, Secret: []byte(strings.Repeat(id, 32))})
		}
		return all
	}
	s := openStore(t, monotable.TableConfig{CursorKeys: keys("a")})
	ctx := t.Context()
	query := func(table *monotable.Table) monotable.Query[note] {
		return mustEntity(t, table, noteSchema(nil)).Query(note{Book: "b"}).PageSize(1)
	}
	declare := func(change func(*monotable.TableConfig)) *monotable.Table {
		cfg := s.cfg
		change(&cfg)
		table, err := monotable.NewTable(s.client, cfg)
		require.NoError(t, err)
		return table
	}
	for _, page := range []string{"0000", "0001", "0002"} {
		s.write(rawNote(page, "Note"))
	}
	first, err := query(s.Table).Page(ctx)
	require.NoError(t, err)
	require.NotEmpty(t, first.Next)
	for name, row := range map[string]struct {
		table *monotable.Table
		good  bool
	}{
		"the same again":          {s.Table, true},
		"declared anew":           {declare(func(*monotable.TableConfig) {}), true},
		"an old key that remains": {declare(func(c *monotable.TableConfig) { c.CursorKeys = keys("b", "a") }), true},
		"an old key that is gone": {declare(func(c *monotable.TableConfig) { c.CursorKeys = keys("b") }), false},
		"another secret of the same name": {declare(func(c *monotable.TableConfig) {
			c.CursorKeys = []monotable.CursorKey{{ID: "a", Secret: []byte(strings.Repeat("z", 32))}}
		}), false},
		"another table": {declare(func(c *monotable.TableConfig) { c.Name = "elsewhere" }), false},
		"a scope":       {s.Scoped("BOOK#b"), false},
		"no keys":       {declare(func(c *monotable.TableConfig) { c.CursorKeys = nil }), false},
	} {
		page, err := query(row.table).From(first.Next).Page(ctx)
		if !row.good {
			requireError(t, err, monotable.ErrBadCursor)
			continue
		}
		require.NoError(t, err, name)
		require.Len(t, page.Items, 1, name)
	}
}

// TestF124_LongCursors cost no more than looking at their length.
func TestF124_LongCursors(t *testing.T) {
	_, notes := scriptedNotes(t, answered(-1))
	q := notes.Query(note{Book: "b"})
	long := monotable.Cursor(strings.Repeat("A", 64<<20))
	for _, c := range []monotable.Cursor{long, long[:8<<10+1], long[:8<<10], "\x00", "é", "=", "."} {
		_, err := q.From(c).Request()
		require.ErrorIs(t, err, monotable.ErrBadCursor)
	}
	allocated := func(c monotable.Cursor) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := q.From(c).Request()
		runtime.ReadMemStats(&after)
		require.ErrorIs(t, err, monotable.ErrBadCursor)
		return after.TotalAlloc - before.TotalAlloc
	}
	require.Less(t, allocated(long), allocated("A")+1<<20)
}
