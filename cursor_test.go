package monotable_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/memdb"
)

var (
	oldKey = monotable.CursorKey{ID: "2025", Secret: bytes.Repeat([]byte{1}, 32)}
	newKey = monotable.CursorKey{ID: "2026", Secret: bytes.Repeat([]byte{2}, 32)}
)

// pager declares the table of parcels once more, with these keys, on the same engine.
func pager(t testing.TB, engine *memdb.Engine, keys ...monotable.CursorKey) *monotable.Entity[parcel] {
	t.Helper()
	table, err := monotable.NewTable(engine.Client(), monotable.TableConfig{
		Name: "post", PartitionKey: "PK", SortKey: "SK", CursorKeys: keys, Logger: slog.New(slog.DiscardHandler),
		Indexes: []monotable.Index{{Name: "inverted", PartitionKey: "SK", SortKey: "PK"}},
	})
	require.NoError(t, err)
	return monotable.MustEntity(table, monotable.Schema[parcel]{Name: "Parcel", Key: monotable.Key{Partition: "BOX#{box}", Sort: "PARCEL#{id}"}})
}

func pagedPost(t testing.TB) *memdb.Engine {
	p := newPost(t)
	for i := range 5 {
		_, err := p.parcels.Create(t.Context(), parcel{Box: "a", ID: fmt.Sprint(i)})
		require.NoError(t, err)
	}
	return p.engine
}

var parcelID = monotable.Field(func(p *parcel) *string { return &p.ID })

func TestCursorKeysRotate(t *testing.T) {
	engine := pagedPost(t)
	ctx := t.Context()
	box := parcel{Box: "a"}
	page, err := pager(t, engine, oldKey).Query(box).Limit(2).Page(ctx)
	require.NoError(t, err)
	rotated := pager(t, engine, newKey, oldKey)
	next, err := rotated.Query(box).Limit(2).From(page.Next).Page(ctx)
	require.NoError(t, err)
	assert.Equal(t, "2", next.Items[0].ID)
	_, err = pager(t, engine, oldKey).Query(box).From(next.Next).Page(ctx)
	assert.ErrorIs(t, err, monotable.ErrBadCursor, "the new key signs")
	_, err = pager(t, engine, newKey).Query(box).From(page.Next).Page(ctx)
	assert.ErrorIs(t, err, monotable.ErrBadCursor, "the old key is gone")
	forged := newKey
	forged.Secret = bytes.Repeat([]byte{3}, 32)
	_, err = pager(t, engine, forged).Query(box).From(next.Next).Page(ctx)
	assert.ErrorIs(t, err, monotable.ErrBadCursor, "same name, other secret")
}

// Without keys each table has its own secret, and says so once.
func TestCursorsWithoutKeys(t *testing.T) {
	engine := pagedPost(t)
	var log strings.Builder
	table, err := monotable.NewTable(engine.Client(), monotable.TableConfig{
		Name: "post", PartitionKey: "PK", SortKey: "SK", Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	require.NoError(t, err)
	parcels := monotable.MustEntity(table, monotable.Schema[parcel]{Name: "Parcel", Key: monotable.Key{Partition: "BOX#{box}", Sort: "PARCEL#{id}"}})
	q := parcels.Query(parcel{Box: "a"}).Limit(1)
	page, err := q.Page(t.Context())
	require.NoError(t, err)
	page, err = q.From(page.Next).Page(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "1", page.Items[0].ID)
	assert.Equal(t, 1, strings.Count(log.String(), "CursorKeys"))
	_, err = pager(t, engine).Query(parcel{Box: "a"}).From(page.Next).Page(t.Context())
	assert.ErrorIs(t, err, monotable.ErrBadCursor)
}

func TestF122_CursorOfAnotherQuery(t *testing.T) {
	engine := pagedPost(t)
	parcels := pager(t, engine, newKey)
	q := parcels.Query(parcel{Box: "a"}).Limit(1)
	page, err := q.Page(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, page.Next)
	_, err = q.From(page.Next).Filter(parcelWeight.Ge(0)).Page(t.Context())
	require.NoError(t, err, "a filter does not move places")
	for name, other := range map[string]monotable.Query[parcel]{
		"partition":   parcels.Query(parcel{Box: "b"}),
		"direction":   parcels.Query(parcel{Box: "a"}).Descending(),
		"range":       parcels.Query(parcel{Box: "a"}).SortKey(parcelID.Ge("0")),
		"other range": parcels.Query(parcel{Box: "a"}).SortKey(parcelID.Ge("1")),
		"index":       parcels.Query(parcel{ID: "1", Box: "a"}).Index("inverted"),
		"scan":        parcels.Scan(),
		"table":       parcels.With(monotable.TableName("other")).Query(parcel{Box: "a"}),
	} {
		_, err := other.From(page.Next).Request()
		assert.ErrorIs(t, err, monotable.ErrBadCursor, name)
	}
	letters := newPost(t).letters
	_, err = letters.Query(letter{Box: "a"}).From(page.Next).Request()
	assert.ErrorIs(t, err, monotable.ErrBadCursor, "entity and table")
}

func TestF121_AlteredCursors(t *testing.T) {
	engine := pagedPost(t)
	q := pager(t, engine, newKey).Query(parcel{Box: "a"}).Limit(1)
	page, err := q.Page(t.Context())
	require.NoError(t, err)
	raw, err := base64.RawURLEncoding.DecodeString(string(page.Next))
	require.NoError(t, err)
	for i := range raw {
		for bit := range 8 {
			altered := bytes.Clone(raw)
			altered[i] ^= 1 << bit
			_, err := q.From(monotable.Cursor(base64.RawURLEncoding.EncodeToString(altered))).Request()
			require.ErrorIs(t, err, monotable.ErrBadCursor, "byte %d bit %d", i, bit)
		}
	}
	for i := range len(page.Next) {
		if i > 0 {
			_, err := q.From(page.Next[:i]).Request()
			require.ErrorIs(t, err, monotable.ErrBadCursor)
		}
	}
	for _, bad := range []monotable.Cursor{" ", "AQ", "AQD_", page.Next + "A", page.Next + "=", page.Next + "\n", monotable.Cursor(strings.Repeat("A", 9000))} {
		_, err := q.From(bad).Request()
		assert.ErrorIs(t, err, monotable.ErrBadCursor, "%q", bad)
	}
}

func TestF124_AnyBytesAsCursor(t *testing.T) {
	q := pager(t, memdb.New(memdb.Options{}), newKey).Query(parcel{Box: "a"})
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.SliceOfN(rapid.Byte(), 1, 200).Draw(t, "bytes")
		for _, c := range []string{string(raw), base64.RawURLEncoding.EncodeToString(raw), base64.RawURLEncoding.EncodeToString(append([]byte{1, 4, '2', '0', '2', '6'}, raw...))} {
			_, err := q.From(monotable.Cursor(c)).Request()
			require.ErrorIs(t, err, monotable.ErrBadCursor)
		}
	})
}

func BenchmarkCursorVerify(b *testing.B) {
	engine := pagedPost(b)
	q := pager(b, engine, newKey).Query(parcel{Box: "a"}).Limit(1)
	page, err := q.Page(b.Context())
	require.NoError(b, err)
	q = q.From(page.Next)
	for b.Loop() {
		if _, err := q.Request(); err != nil {
			b.Fatal(err)
		}
	}
}
