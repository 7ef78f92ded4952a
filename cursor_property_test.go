package monotable_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
)

// Cursors from the outside: what a program that takes them from its users relies on.

// cursorShop is a table with ten shards in box a, declared with what change does to its configuration, and a client that counts.
type cursorShop struct {
	*store
	spy *spyClient
}

func openCursorShop(t *testing.T) *cursorShop {
	t.Helper()
	s := openStore(t, shardTable())
	for i := range 10 {
		item := shard{Box: "a", ID: fmt.Sprintf("secret-%d", i), Group: "hidden-group", Shade: "dark", Rank: i}
		s.write(rawShard(item, "Piece", "P#"+item.ID))
	}
	return &cursorShop{store: s, spy: &spyClient{Client: s.client}}
}

// pieces is the entity on the table declared anew.
func (c *cursorShop) pieces(change func(*monotable.TableConfig)) *monotable.Entity[shard] {
	c.t.Helper()
	cfg := c.cfg
	cfg.Logger = slog.New(slog.DiscardHandler)
	if change != nil {
		change(&cfg)
	}
	table, err := monotable.NewTable(c.spy, cfg)
	require.NoError(c.t, err)
	return mustEntity(c.t, table, shardSchema("Piece"))
}

func withKeys(keys ...monotable.CursorKey) func(*monotable.TableConfig) {
	return func(cfg *monotable.TableConfig) { cfg.CursorKeys = keys }
}

// next is the cursor behind the first two items of box a.
func next(t *testing.T, pieces *monotable.Entity[shard]) monotable.Cursor {
	t.Helper()
	page, err := pieces.Query(shard{Box: "a"}).Limit(2).Page(t.Context())
	require.NoError(t, err)
	require.Equal(t, "secret-1", page.Items[1].ID)
	return page.Next
}

// follows checks that a cursor leads on.
func follows(t *testing.T, pieces *monotable.Entity[shard], c monotable.Cursor) {
	t.Helper()
	page, err := pieces.Query(shard{Box: "a"}).From(c).Limit(2).Page(t.Context())
	require.NoError(t, err)
	require.Equal(t, "secret-2", page.Items[0].ID)
}

// TestF122_NothingIsSent tries foreign cursors by every terminal method.
func TestF122_NothingIsSent(t *testing.T) {
	shop := openCursorShop(t)
	ctx := t.Context()
	pieces := shop.pieces(nil)
	c := next(t, pieces)
	sent := shop.spy.calls()
	foreign := map[string]monotable.Query[shard]{
		"partition":  pieces.Query(shard{Box: "b"}),
		"direction":  pieces.Query(shard{Box: "a"}).Descending(),
		"range":      pieces.Query(shard{Box: "a"}).SortKey(shardID.Ge("s")),
		"index":      pieces.Query(shard{Box: "a"}).Index("local"),
		"scan":       pieces.Scan(),
		"segment":    pieces.Scan().Segment(0, 2),
		"context":    pieces.With(monotable.CursorContext("ann")).Query(shard{Box: "a"}),
		"table":      pieces.With(monotable.TableName("other")).Query(shard{Box: "a"}),
		"secret":     shop.pieces(withKeys(monotable.CursorKey{ID: "test", Secret: bytes.Repeat([]byte{9}, 32)})).Query(shard{Box: "a"}),
		"key id":     shop.pieces(withKeys(monotable.CursorKey{ID: "else", Secret: shop.cfg.CursorKeys[0].Secret})).Query(shard{Box: "a"}),
		"no keys":    shop.pieces(func(cfg *monotable.TableConfig) { cfg.CursorKeys = nil }).Query(shard{Box: "a"}),
		"a lifetime": shop.pieces(func(cfg *monotable.TableConfig) { cfg.CursorLifetime = time.Hour }).Query(shard{Box: "a"}),
	}
	for name, q := range foreign {
		q = q.From(c)
		_, err := q.Page(ctx)
		require.ErrorIs(t, err, monotable.ErrBadCursor, name)
		require.NotErrorIs(t, err, monotable.ErrInvalid, name)
		_, err = q.Collect(ctx)
		require.ErrorIs(t, err, monotable.ErrBadCursor, name)
		_, err = q.First(ctx)
		require.ErrorIs(t, err, monotable.ErrBadCursor, name)
		_, err = q.Count(ctx)
		require.ErrorIs(t, err, monotable.ErrBadCursor, name)
		_, err = monotable.As[struct {
			ID string `dynamodbav:"id"`
		}](q).Collect(ctx)
		require.ErrorIs(t, err, monotable.ErrBadCursor, name)
		n := 0
		for _, err := range q.All(ctx) {
			require.ErrorIs(t, err, monotable.ErrBadCursor, name)
			n++
		}
		require.Equal(t, 1, n, name)
	}
	var items []shard
	shop.cfg.Logger = slog.New(slog.DiscardHandler)
	table := shop.over(shop.spy)
	of := mustEntity(t, table, shardSchema("Piece"))
	err := table.Collect(ctx, of.Partition(shard{Box: "a"}).From(c), monotable.Into(of, &items))
	require.ErrorIs(t, err, monotable.ErrBadCursor, "collection")
	scoped := mustEntity(t, table.Scoped("BOX"), shardSchema("Piece"))
	_, err = scoped.Query(shard{Box: "a"}).From(c).Page(ctx)
	require.ErrorIs(t, err, monotable.ErrBadCursor, "scope")
	require.Equal(t, sent, shop.spy.calls())
	follows(t, pieces, c)
}

func TestF122_KeysRotate(t *testing.T) {
	shop := openCursorShop(t)
	older := monotable.CursorKey{ID: "older", Secret: bytes.Repeat([]byte{1}, 32)}
	newer := monotable.CursorKey{ID: "newer", Secret: bytes.Repeat([]byte{2}, 64)}
	before, during, after := shop.pieces(withKeys(older)), shop.pieces(withKeys(newer, older)), shop.pieces(withKeys(newer))
	first := next(t, before)
	follows(t, during, first)
	second := next(t, during)
	follows(t, during, second)
	follows(t, after, second)
	sent := shop.spy.calls()
	_, err := before.Query(shard{Box: "a"}).From(second).Page(t.Context())
	require.ErrorIs(t, err, monotable.ErrBadCursor, "the first key signs")
	_, err = after.Query(shard{Box: "a"}).From(first).Page(t.Context())
	require.ErrorIs(t, err, monotable.ErrBadCursor, "a key that was taken out")
	swapped := shop.pieces(withKeys(monotable.CursorKey{ID: "newer", Secret: older.Secret}, monotable.CursorKey{ID: "older", Secret: newer.Secret}))
	for _, c := range []monotable.Cursor{first, second} {
		_, err = swapped.Query(shard{Box: "a"}).From(c).Page(t.Context())
		require.ErrorIs(t, err, monotable.ErrBadCursor, "a key counts under its name alone")
	}
	require.Equal(t, sent, shop.spy.calls())
}

func TestF123_EncryptedCursors(t *testing.T) {
	shop := openCursorShop(t)
	key := shop.cfg.CursorKeys[0]
	plain := shop.pieces(withKeys(key))
	key.Encrypt = true
	encrypted := shop.pieces(withKeys(key))
	shows := func(c monotable.Cursor) bool {
		raw, err := base64.RawURLEncoding.DecodeString(string(c))
		require.NoError(t, err)
		for _, secret := range []string{"secret", "BOX#", "hidden", "GROUP", "RANK"} {
			if bytes.Contains(raw, []byte(secret)) || strings.Contains(string(c), secret) {
				return true
			}
		}
		return false
	}
	signed := next(t, plain)
	require.True(t, shows(signed), "signing does not hide")
	hidden := next(t, encrypted)
	require.False(t, shows(hidden))
	require.NotEqual(t, hidden, next(t, encrypted), "two cursors of one place differ")
	follows(t, encrypted, hidden)
	follows(t, encrypted, signed)
	follows(t, plain, hidden)
	q := encrypted.Query(shard{Group: "hidden-group"}).Index("ties").Limit(2)
	page, err := q.Page(t.Context())
	require.NoError(t, err)
	require.False(t, shows(page.Next))
	page, err = q.From(page.Next).Page(t.Context())
	require.NoError(t, err)
	require.Equal(t, "secret-2", page.Items[0].ID)
	require.False(t, shows(page.Prev))
	page, err = q.From(page.Prev).Page(t.Context())
	require.NoError(t, err)
	require.Equal(t, "secret-0", page.Items[0].ID)

	raw, err := base64.RawURLEncoding.DecodeString(string(hidden))
	require.NoError(t, err)
	sent := shop.spy.calls()
	for i := range raw {
		altered := bytes.Clone(raw)
		altered[i] ^= 1
		_, err := encrypted.Query(shard{Box: "a"}).From(monotable.Cursor(base64.RawURLEncoding.EncodeToString(altered))).Page(t.Context())
		require.ErrorIs(t, err, monotable.ErrBadCursor)
	}
	require.Equal(t, sent, shop.spy.calls())
}

func TestF122_CursorLifetime(t *testing.T) {
	shop := openCursorShop(t)
	clock := newClock()
	lasting := func(d time.Duration) *monotable.Entity[shard] {
		return shop.pieces(func(cfg *monotable.TableConfig) { cfg.CursorLifetime, cfg.Clock = d, clock.now })
	}
	hour, ever := lasting(time.Hour), lasting(0)
	c, old := next(t, hour), next(t, ever)
	clock.forward(time.Hour - time.Second) // it counts in whole ones
	follows(t, hour, c)
	sent := shop.spy.calls()
	_, err := hour.Query(shard{Box: "a"}).From(old).Page(t.Context())
	require.ErrorIs(t, err, monotable.ErrBadCursor, "made before there was a lifetime")
	clock.forward(2 * time.Second)
	_, err = hour.Query(shard{Box: "a"}).From(c).Page(t.Context())
	require.ErrorIs(t, err, monotable.ErrBadCursor)
	require.Equal(t, sent, shop.spy.calls())
	follows(t, lasting(2*time.Hour), c)
	follows(t, ever, c)
	follows(t, lasting(-time.Hour), old)
	follows(t, hour, next(t, hour))
}
