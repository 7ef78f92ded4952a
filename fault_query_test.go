package monotable_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
)

// Faults of reading many items, that no well-behaved server of a few items shows.

// scriptedClient answers every Query and Scan with the next of its pages, and keeps what it was asked.
type scriptedClient struct {
	monotable.Client
	pages  []dynamodb.QueryOutput
	mu     sync.Mutex // pages are read ahead
	starts []rawItem  // ExclusiveStartKey of each request
}

// asked are the ExclusiveStartKeys of all requests.
func (c *scriptedClient) asked() []rawItem {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.starts)
}

func (c *scriptedClient) next(start rawItem) dynamodb.QueryOutput {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.starts = append(c.starts, start)
	return c.pages[(len(c.starts)-1)%len(c.pages)]
}

func (c *scriptedClient) Query(_ context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	out := c.next(in.ExclusiveStartKey)
	return &out, nil
}

func (c *scriptedClient) Scan(_ context.Context, in *dynamodb.ScanInput, _ ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error) {
	out := c.next(in.ExclusiveStartKey)
	return &dynamodb.ScanOutput{Items: out.Items, Count: out.Count, ScannedCount: out.ScannedCount, LastEvaluatedKey: out.LastEvaluatedKey}, nil
}

// answered is a page of notes with these numbers; last is where the next one goes on, below 0 nowhere.
func answered(last int, pages ...int) dynamodb.QueryOutput {
	out := dynamodb.QueryOutput{Count: int32(len(pages)), ScannedCount: 10} //nolint:gosec // a few
	for _, n := range pages {
		out.Items = append(out.Items, with(rawNote(fmt.Sprintf("%04d", n), "Note"), rawItem{"page": avN(strconv.Itoa(n))}))
	}
	if last >= 0 {
		out.LastEvaluatedKey = noteAt(last)
	}
	return out
}

func noteAt(page int) rawItem { return keyPS("BOOK#b", fmt.Sprintf("NOTE#%04d", page)) }

// scriptedNotes is the notes as a client with these pages shows them.
func scriptedNotes(t *testing.T, pages ...dynamodb.QueryOutput) (*scriptedClient, *monotable.Entity[note]) {
	t.Helper()
	client := &scriptedClient{pages: pages}
	table, err := monotable.NewTable(client, monotable.TableConfig{
		Name: "notes", PartitionKey: "PK", SortKey: "SK", CursorKeys: []monotable.CursorKey{{ID: "1", Secret: []byte(strings.Repeat("s", 32))}},
	})
	require.NoError(t, err)
	return client, mustEntity(t, table, noteSchema(nil))
}

func numbers(notes []note) []int {
	all := make([]int, len(notes))
	for i, n := range notes {
		all[i] = n.Page
	}
	return all
}

// TestF055_EmptyPagesAnywhere: in front, between and behind, and a last one with a LastEvaluatedKey although nothing follows.
func TestF055_EmptyPagesAnywhere(t *testing.T) {
	script := []dynamodb.QueryOutput{answered(0), answered(1), answered(3, 2, 3), answered(4), answered(6, 5, 6), answered(9), answered(-1)}
	starts := []rawItem{nil, noteAt(0), noteAt(1), noteAt(3), noteAt(4), noteAt(6), noteAt(9)}
	client, notes := scriptedNotes(t, script...)
	ctx := t.Context()
	for name, q := range map[string]monotable.Query[note]{"Query": notes.Query(note{Book: "b"}), "Scan": notes.Scan()} {
		t.Run(name, func(t *testing.T) {
			client.starts = nil
			got, err := q.Collect(ctx)
			require.NoError(t, err)
			require.Equal(t, []int{2, 3, 5, 6}, numbers(got))
			require.Equal(t, starts, client.asked())

			client.starts = nil
			n, err := q.Count(ctx)
			require.NoError(t, err)
			require.Equal(t, 4, n)
			require.Equal(t, starts, client.asked())

			client.starts = nil
			first, err := q.First(ctx)
			require.NoError(t, err)
			require.Equal(t, 2, first.Page)
			require.Len(t, client.asked(), 3)

			client.starts = nil
			var seen []int
			cursor := monotable.Cursor("")
			for range script {
				page, err := q.From(cursor).Page(ctx)
				require.NoError(t, err)
				seen = append(seen, numbers(page.Items)...)
				cursor = page.Next
			}
			require.Empty(t, cursor)
			require.Equal(t, []int{2, 3, 5, 6}, seen)
			require.Equal(t, starts, client.asked(), "a page without a limit is one request")

			client.starts = nil
			page, err := q.Limit(5).Page(ctx)
			require.NoError(t, err)
			require.Equal(t, []int{2, 3, 5, 6}, numbers(page.Items))
			require.Empty(t, page.Next, "the end was seen")
		})
	}
	t.Run("as many as the limit, and a key", func(t *testing.T) {
		client, notes := scriptedNotes(t, answered(2, 1, 2), answered(-1))
		page, err := notes.Query(note{Book: "b"}).Limit(2).Page(ctx)
		require.NoError(t, err)
		require.Len(t, page.Items, 2)
		require.NotEmpty(t, page.Next, "there may be more")
		page, err = notes.Query(note{Book: "b"}).Limit(2).From(page.Next).Page(ctx)
		require.NoError(t, err)
		require.Empty(t, page.Items, "and the last page may be empty")
		require.Empty(t, page.Next)
		require.Equal(t, []rawItem{nil, noteAt(2)}, client.asked())
	})
}

// TestF057_StopsInsideAPage: where the service's own key would skip items the cursor is that of the last item returned.
func TestF057_StopsInsideAPage(t *testing.T) {
	ctx := t.Context()
	t.Run("more than the limit in one answer", func(t *testing.T) {
		client, notes := scriptedNotes(t, answered(4, 0, 1, 2, 3))
		q := notes.Query(note{Book: "b"}).Filter(noteText.Exists()).Limit(2)
		page, err := q.Page(ctx)
		require.NoError(t, err)
		require.Equal(t, []int{0, 1}, numbers(page.Items))
		client.starts = nil
		_, err = q.From(page.Next).Page(ctx)
		require.NoError(t, err)
		require.Equal(t, []rawItem{noteAt(1)}, client.asked())
	})
	t.Run("behind an item that does not decode", func(t *testing.T) {
		bad := answered(4, 0, 1, 2)
		bad.Items[1]["page"] = avS("one")
		client, notes := scriptedNotes(t, bad)
		page, err := notes.Query(note{Book: "b"}).Page(ctx)
		require.ErrorAs(t, err, new(*monotable.DecodeError))
		require.Equal(t, []int{0}, numbers(page.Items))
		client.starts = nil
		_, _ = notes.Query(note{Book: "b"}).From(page.Next).Page(ctx)
		require.Equal(t, []rawItem{noteAt(1)}, client.asked())
	})
	t.Run("a hidden key of an index", func(t *testing.T) {
		s := openStore(t, monotable.TableConfig{Indexes: []monotable.Index{{Name: "byCode", PartitionKey: "name", SortKey: "code"}}})
		vaults := mustEntity(t, s.Table, vaultSchema())
		for i := range 4 {
			_, err := vaults.Create(ctx, vault{ID: fmt.Sprint(i), Name: "n", Code: fmt.Sprint(9 - i)})
			require.NoError(t, err)
		}
		var ids []string
		cursor := monotable.Cursor("")
		for range 5 {
			page, err := vaults.Query(vault{Name: "n"}).Index("byCode").PageSize(3).Filter(vaultPin.NotExists()).Limit(1).From(cursor).Page(ctx)
			require.NoError(t, err)
			for _, item := range page.Items {
				require.Empty(t, item.Code)
				ids = append(ids, item.ID)
			}
			if cursor = page.Next; cursor == "" {
				break
			}
		}
		require.Equal(t, []string{"3", "2", "1", "0"}, ids)
	})
}

// TestF058_CursorsOfIndexes hold the keys of index and table, these alone, each as it is stored.
func TestF058_CursorsOfIndexes(t *testing.T) {
	type blob struct {
		ID   []byte `dynamodbav:"id"`
		Rank int64  `dynamodbav:"rank"`
		Kind []byte `dynamodbav:"kind"`
		Size int64  `dynamodbav:"size"`
		Body string `dynamodbav:"body"`
	}
	s := openStore(t, monotable.TableConfig{
		PartitionKey: "id", PartitionKeyType: "B", SortKey: "rank", SortKeyType: "N",
		Indexes: []monotable.Index{{Name: "byKind", PartitionKey: "kind", PartitionKeyType: "B", SortKey: "size", SortKeyType: "N"}},
	})
	blobs := mustEntity(t, s.Table, monotable.Schema[blob]{Name: "Blob"})
	ctx := t.Context()
	const large = 9007199254740993 // no float64 holds it
	for i := range int64(3) {
		_, err := blobs.Create(ctx, blob{[]byte{0xff, 0, byte(i)}, large + i, []byte{0xfe, 0x80}, large - i, "body"})
		require.NoError(t, err)
	}
	q := blobs.Query(blob{Kind: []byte{0xfe, 0x80}}).Index("byKind").Limit(1)
	var sizes []int64
	cursor := monotable.Cursor("")
	for range 4 {
		page, err := q.From(cursor).Page(ctx)
		require.NoError(t, err)
		for _, b := range page.Items {
			sizes = append(sizes, b.Size-large)
			if page.Next == "" {
				continue
			}
			request, err := q.From(page.Next).Request()
			require.NoError(t, err)
			require.Equal(t, rawItem{
				"id": avB(string(b.ID)), "rank": avN(strconv.FormatInt(b.Rank, 10)), "kind": avB("\xfe\x80"), "size": avN(strconv.FormatInt(b.Size, 10)),
			}, request.(*dynamodb.QueryInput).ExclusiveStartKey)
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	require.Equal(t, []int64{-2, -1, 0}, sizes)
}

// TestF059_AllPages: every way to read goes on to the end.
func TestF059_AllPages(t *testing.T) {
	_, spy, notes, all := openNotes(t, 7)
	ctx := t.Context()
	spent := &monotable.ConsumedCapacity{}
	q := notes.With(monotable.Capacity(spent)).Query(note{Book: "b"}).PageSize(2)
	type line struct {
		Page int `dynamodbav:"page"`
	}
	for name, read := range map[string]func() (int, error){
		"Collect": func() (int, error) { got, err := q.Collect(ctx); return len(got), err },
		"All":     func() (int, error) { got, err := collectAll(q.All(ctx)); return len(got), err },
		"Count":   func() (int, error) { return q.Count(ctx) },
		"Page":    func() (int, error) { page, err := q.Limit(99).Page(ctx); return len(page.Items), err },
		"As":      func() (int, error) { got, err := monotable.As[line](q).Collect(ctx); return len(got), err },
	} {
		spy.queries.Store(0)
		*spent = monotable.ConsumedCapacity{}
		n, err := read()
		require.NoError(t, err, name)
		require.Len(t, all, n, name)
		require.GreaterOrEqual(t, spy.queries.Load(), int64(4), name)
		require.Equal(t, int(spy.queries.Load()), spent.Requests(), name)
	}
}

// TestF061_NoNeighbours: a part given in full brings its own items, not those whose value goes on.
func TestF061_NoNeighbours(t *testing.T) {
	s := openStore(t, monotable.TableConfig{})
	ctx := t.Context()
	e := pieceEntity(t, s.Table, "Pair", "P#{kind}", "F#{a}#{b}")
	single := pieceEntity(t, s.Table, "Single", "S#{kind}", "F#{a}")
	number := pieceEntity(t, s.Table, "Number", "N#{kind}", "{n}#{a}")
	for _, a := range []string{"f", "f3", "f34", "f340", "f34!", "f34é"} {
		for _, b := range []string{"x", "xy"} {
			_, err := e.Create(ctx, piece{Kind: "k", A: a, B: b})
			require.NoError(t, err)
		}
		_, err := single.Create(ctx, piece{Kind: "k", A: a})
		require.NoError(t, err)
	}
	for _, n := range []int{1, 10, 11, 100} {
		_, err := number.Create(ctx, piece{Kind: "k", N: n, A: "a"})
		require.NoError(t, err)
	}
	of := func(e *monotable.Entity[piece], conds ...monotable.KeyCond[piece]) (found []string) {
		got, err := e.Query(piece{Kind: "k"}).SortKey(conds...).Collect(ctx)
		require.NoError(t, err)
		for _, p := range got {
			found = append(found, p.A+p.B+strconv.Itoa(p.N))
		}
		slices.Sort(found)
		return found
	}
	require.Equal(t, []string{"f34x0", "f34xy0"}, of(e, pieceA.Eq("f34")))
	require.Equal(t, []string{"f34x0"}, of(e, pieceA.Eq("f34"), pieceB.Eq("x")))
	require.Equal(t, []string{"f34x0", "f34xy0"}, of(e, pieceA.Eq("f34"), monotable.HasPrefix(pieceB, "x")))
	require.Equal(t, []string{"f340"}, of(single, pieceA.Eq("f34")))
	require.Len(t, of(single, monotable.HasPrefix(pieceA, "f34")), 4, "only a prefix is open")
	require.Equal(t, []string{"a1"}, of(number, monotable.Field(func(p *piece) *int { return &p.N }).Eq(1)))
}

// TestF065_AnIndexWithoutTheTag is read where the key templates prove whose the items are, and refused before sending where they do not.
func TestF065_AnIndexWithoutTheTag(t *testing.T) {
	s := openStore(t, monotable.TableConfig{Indexes: []monotable.Index{
		{Name: "keys", PartitionKey: "P1", SortKey: "S1", Projection: types.Projection{ProjectionType: types.ProjectionTypeKeysOnly}},
		{Name: "natural", PartitionKey: "a", Projection: types.Projection{ProjectionType: types.ProjectionTypeKeysOnly}},
	}})
	spy := &spyClient{Client: s.client}
	table := s.over(spy)
	entity := func(name, partition, index string) *monotable.Entity[piece] {
		return mustEntity(t, table, monotable.Schema[piece]{
			Name: name, Key: monotable.Key{Partition: partition, Sort: name},
			Indexes: map[string]monotable.Key{"keys": {Partition: index, Sort: "{c}"}},
		})
	}
	own := entity("Own", "OWN#{a}", "KIND#{b}")
	ctx := t.Context()
	s.write(rawItem{"PK": avS("X"), "SK": avS("X"), "_et": avS("Stranger"), "P1": avS("OTHER#b"), "S1": avS("c"), "a": avS("1")})
	_, err := own.Create(ctx, piece{A: "1", B: "b", C: "c"})
	require.NoError(t, err)
	type keys struct {
		A string `dynamodbav:"a"`
	}
	t.Run("the templates prove it", func(t *testing.T) {
		n, err := own.Query(piece{B: "b"}).Index("keys").Count(ctx)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		request, err := own.Query(piece{B: "b"}).Index("keys").With().Request()
		require.ErrorIs(t, err, monotable.ErrInvalid, "but T is not in it: %v", request)
	})
	spy.queries.Store(0)
	spy.puts.Store(0)
	t.Run("an attribute of T proves nothing", func(t *testing.T) {
		q := own.Query(piece{A: "1"}).Index("natural")
		_, err := monotable.As[keys](q).Collect(ctx)
		requireError(t, err, monotable.ErrInvalid)
		require.ErrorContains(t, err, "_et")
		_, err = q.Count(ctx)
		requireError(t, err, monotable.ErrInvalid)
	})
	t.Run("nor does a template that another entity shares", func(t *testing.T) {
		entity("Rival", "RIVAL#{a}", "KIND#{b}")
		_, err := own.Query(piece{B: "b"}).Index("keys").Count(ctx)
		requireError(t, err, monotable.ErrInvalid)
		require.ErrorContains(t, err, "_et")
		_, err = own.Scan().Index("keys").Count(ctx)
		requireError(t, err, monotable.ErrInvalid)
	})
	require.Zero(t, spy.calls())
}

// TestF069_EveryVerbWritesTheTag, so that what it wrote is found again.
func TestF069_EveryVerbWritesTheTag(t *testing.T) {
	s := openStore(t, monotable.TableConfig{})
	ctx := t.Context()
	notes := mustEntity(t, s.Table, noteSchema(nil))
	upserted, modified := note{"b", 3, ""}, note{"b", 4, "t"}
	writes := []func() error{
		func() error { _, err := notes.Create(ctx, note{"b", 0, "t"}); return err },
		func() error { _, err := notes.Put(ctx, note{"b", 1, "t"}); return err },
		func() error { return s.BatchWrite(ctx, notes.PutOp(note{"b", 2, "t"})) },
		func() error { _, err := notes.Upsert(ctx, upserted, noteText.Set("t")); return err },
		func() error {
			return s.TransactWrite(ctx, notes.CreateOp(modified), notes.PutOp(note{"b", 5, "t"}), notes.UpsertOp(note{"b", 6, ""}, noteText.Set("t")))
		},
		func() error {
			_, err := notes.Modify(ctx, modified, func(n *note) error { n.Text = "u"; return nil })
			return err
		},
		func() error { _, err := notes.Update(ctx, upserted, noteText.Set("u")); return err },
		func() error { return s.TransactWrite(ctx, notes.UpdateOp(upserted, noteText.Set("v"))) },
	}
	for i, write := range writes {
		require.NoError(t, write(), "write %d", i)
	}
	all := s.dump()
	require.Len(t, all, 7)
	for _, item := range all {
		require.Equal(t, avS("Note"), item["_et"], "%s", placeName(item))
	}
	for _, q := range []monotable.Query[note]{notes.Query(note{Book: "b"}), notes.Scan()} {
		n, err := q.Count(ctx)
		require.NoError(t, err)
		require.Equal(t, 7, n)
	}
}

func placeName(item rawItem) string { return text(item["PK"]) + " " + text(item["SK"]) }

// TestF071_ItemsComeAndGo while a query pages: what stays is seen once, and the place of an item that is gone is still a place.
func TestF071_ItemsComeAndGo(t *testing.T) {
	s, _, notes, _ := openNotes(t, 10)
	ctx := t.Context()
	at := func(page int) rawItem { return noteAt(page) }
	for name, q := range map[string]monotable.Query[note]{"up": notes.Query(note{Book: "b"}).PageSize(2), "down": notes.Query(note{Book: "b"}).PageSize(2).Descending()} {
		t.Run(name, func(t *testing.T) {
			for i := range 10 {
				s.write(with(rawNote(fmt.Sprintf("%04d", i), "Note"), rawItem{"page": avN(strconv.Itoa(i))}))
			}
			var seen []int
			for n, err := range q.All(ctx) {
				require.NoError(t, err)
				seen = append(seen, n.Page)
				if len(seen)%2 == 0 { // the last of its page: where the next goes on
					require.NoError(t, s.remove(at(n.Page)))
				}
				require.LessOrEqual(t, len(seen), 10)
			}
			want := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}
			if name == "down" {
				slices.Reverse(want)
			}
			require.Equal(t, want, seen)
		})
	}
	t.Run("behind and ahead", func(t *testing.T) {
		var seen []int
		cursor := monotable.Cursor("")
		q := notes.Query(note{Book: "b"}).SortKey(notePage.Ge(1)).Limit(2)
		for _, i := range []int{1, 3, 5, 7, 9} {
			_, err := notes.Put(ctx, note{"b", i, ""})
			require.NoError(t, err)
		}
		for step := 0; ; step++ {
			page, err := q.From(cursor).Page(ctx)
			require.NoError(t, err)
			seen = append(seen, numbers(page.Items)...)
			if cursor = page.Next; cursor == "" {
				break
			}
			if step == 0 { // 2 is behind the cursor, 6 ahead of it, and 5 goes
				for _, i := range []int{2, 6} {
					_, err = notes.Put(ctx, note{"b", i, ""})
					require.NoError(t, err)
				}
				_, err = notes.Delete(ctx, note{Book: "b", Page: 5})
				require.NoError(t, err)
			}
			require.Less(t, step, 9)
		}
		slices.Sort(seen)
		require.True(t, slices.Equal(seen, slices.Compact(slices.Clone(seen))), "none twice: %v", seen)
		for _, i := range []int{1, 3, 6, 7, 9} {
			require.Contains(t, seen, i)
		}
		require.NotContains(t, seen, 5)
	})
}

// TestF071_NoEndlessLoop: a server that sends one back where it was.
func TestF071_NoEndlessLoop(t *testing.T) {
	for name, script := range map[string][]dynamodb.QueryOutput{
		"the same key twice":    {answered(1, 0, 1)},
		"the same, and nothing": {answered(1)},
	} {
		client, notes := scriptedNotes(t, script...)
		for _, q := range []monotable.Query[note]{notes.Query(note{Book: "b"}), notes.Scan()} {
			client.starts = nil
			_, err := q.Collect(t.Context())
			require.Error(t, err, name)
			require.Len(t, client.asked(), 2, name)
			_, err = q.Count(t.Context())
			require.Error(t, err, name)
		}
	}
	t.Run("a circle of two", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		client, notes := scriptedNotes(t, answered(1, 1), answered(2, 2))
		n := 0
		for _, err := range notes.Query(note{Book: "b"}).All(ctx) {
			if n++; err != nil {
				require.NotErrorIs(t, err, context.Canceled)
			}
			require.Less(t, n, 100, "%d requests", len(client.asked()))
		}
	})
}

// TestF073_ABreakLeavesNothing running, and nothing is read ahead.
func TestF073_ABreakLeavesNothing(t *testing.T) {
	client, notes := scriptedNotes(t, answered(1, 0, 1), answered(3, 2, 3), answered(-1, 4))
	seq := notes.With(monotable.NoReadAhead()).Query(note{Book: "b"}).All(t.Context())
	for want := range 5 {
		client.starts = nil
		n := 0
		for item, err := range seq {
			require.NoError(t, err)
			require.Equal(t, n, item.Page)
			if n++; n > want {
				break
			}
		}
		require.Len(t, client.asked(), want/2+1, "no page is read before its first item is asked for")
		require.Nil(t, client.asked()[0], "it starts anew")
	}
	t.Run("a body that panics", func(t *testing.T) {
		require.PanicsWithValue(t, "body", func() {
			for range seq {
				panic("body")
			}
		})
		client.starts = nil
		got, err := collectAll(seq)
		require.NoError(t, err)
		require.Len(t, got, 5)
	})
}

// TestF075_NeverAScan: what no key or index answers is refused, not read from the whole table.
func TestF075_NeverAScan(t *testing.T) {
	a := openAccounts(t)
	spy := &spyClient{Client: a.client}
	table := a.over(spy)
	e := mustEntity(t, table, accountSchema())
	notes := mustEntity(t, table, noteSchema(nil))
	for name, err := range map[string]error{
		"attributes of no index":             second(e.Query(account{Plan: "free"}).Collect(t.Context())),
		"a filter instead of a key":          second(e.Query(account{}).Filter(accountID.Eq("ann")).Collect(t.Context())),
		"attributes of an index, not chosen": second(e.Query(account{Email: "a@x.io"}).Collect(t.Context())),
		"an index without its attributes":    second(e.Query(account{ID: "ann"}).Index("GSI2").First(t.Context())),
		"an index the entity is not in":      second(notes.Query(note{Book: "b"}).Index("GSI1").Count(t.Context())),
		"an index there is not":              second(notes.Query(note{Book: "b"}).Index("GSI9").Page(t.Context())),
		"a sort key that is no part":         second(notes.Query(note{Book: "b"}).SortKey(noteText.Eq("t")).Collect(t.Context())),
	} {
		require.ErrorIs(t, err, monotable.ErrInvalid, name)
	}
	require.Zero(t, spy.calls())
}

// TestF077_OthersInTheIndex: raw values bring the items of other types; the tag in the key keeps them out, a filter drops them at a price.
func TestF077_OthersInTheIndex(t *testing.T) {
	keysOnly := types.Projection{ProjectionType: types.ProjectionTypeKeysOnly}
	cup := []monotable.KeyAttribute{{Name: "cup"}, {Name: "team"}}
	round := []monotable.KeyAttribute{{Name: "round", Type: "N"}}
	s := openStore(t, monotable.TableConfig{Indexes: []monotable.Index{
		{Name: "shared", PartitionKeys: cup, SortKeys: round},
		{Name: "tagged", PartitionKeys: append([]monotable.KeyAttribute{{Name: "_et"}}, cup...), SortKeys: round},
		{Name: "bare", PartitionKeys: cup, SortKeys: round, Projection: keysOnly},
		{Name: "bareTagged", PartitionKeys: append([]monotable.KeyAttribute{{Name: "_et"}}, cup...), SortKeys: round, Projection: keysOnly},
	}})
	ctx := t.Context()
	games := mustEntity(t, s.Table, monotable.Schema[game]{Name: "Game", Key: monotable.Key{Partition: "GAME#{id}", Sort: "GAME"}})
	type line struct {
		Cup   string `dynamodbav:"cup"`
		Team  string `dynamodbav:"team"`
		Round int    `dynamodbav:"round"`
	}
	for i := range 3 {
		_, err := games.Create(ctx, game{ID: fmt.Sprint(i), Cup: "c", Team: "t", Round: i})
		require.NoError(t, err)
		s.write(rawItem{"PK": avS("X"), "SK": avS(fmt.Sprint(i)), "_et": avS("Other"), "cup": avS("c"), "team": avS("t"), "round": avN(fmt.Sprint(i)), "id": avN("1")})
	}
	key := game{Cup: "c", Team: "t"}
	for index, wants := range map[string]struct{ filter, read int }{"shared": {1, 6}, "tagged": {0, 3}} {
		q := games.Query(key).Index(index)
		got, err := q.Collect(ctx)
		require.NoError(t, err)
		require.Len(t, got, 3, index)
		request, err := q.Request()
		require.NoError(t, err)
		in := request.(*dynamodb.QueryInput)
		require.Equal(t, wants.filter == 1, in.FilterExpression != nil, index)
		out, err := s.client.Query(ctx, in)
		require.NoError(t, err)
		require.Equal(t, wants.read, int(out.ScannedCount), "%s: what is paid for", index)
	}
	lines, err := monotable.As[line](games.Query(key).Index("bareTagged").SortKey(gameRound.Ge(1))).Collect(ctx)
	require.NoError(t, err)
	require.Equal(t, []line{{"c", "t", 1}, {"c", "t", 2}}, lines, "an index holds its key attributes always")
	_, err = monotable.As[line](games.Query(key).Index("bare")).Collect(ctx)
	requireError(t, err, monotable.ErrInvalid)
}

// TestF126_HiddenStaysHidden in what programs print and log of queries, operations, changes, errors and answers.
func TestF126_HiddenStaysHidden(t *testing.T) {
	var log strings.Builder
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s := openStore(t, monotable.TableConfig{Logger: logger, Observer: monotable.SlogObserver(logger)})
	vaults := mustEntity(t, s.Table, vaultSchema())
	ctx := t.Context()
	printed := func(name string, v any) {
		t.Helper()
		for _, format := range []string{"%v", "%+v"} {
			require.NotContains(t, fmt.Sprintf(format, v), canary, "%s by %s", name, format)
		}
		logger.Info("value", "v", v)
	}
	created, err := vaults.Create(ctx, fullVault())
	require.NoError(t, err)
	printed("what Create returns", created)
	got, err := vaults.BatchGet(ctx, []vault{{ID: "v"}})
	require.NoError(t, err)
	printed("what BatchGet returns", got)
	var read vault
	require.NoError(t, s.TransactGet(ctx, vaults.GetOp(vault{ID: "v"}, &read)))
	printed("what TransactGet returns", read)
	var stored vault
	require.NoError(t, s.TransactWrite(ctx, vaults.PutOp(fullVault()).Into(&stored)))
	printed("what TransactWrite returns", stored)
	printed("a condition", vaultCode.Eq(canary))
	printed("a change", vaultCode.Set(canary))
	printed("an update", vaults.UpdateOp(vault{ID: "v"}, vaultCode.Set(canary)))
	printed("a query", vaults.Query(vault{ID: "v"}).Filter(vaultCode.Eq(canary)))
	page, err := vaults.Query(vault{ID: "v"}).Limit(1).Page(ctx)
	require.NoError(t, err)
	printed("a page with its cursor", page)
	_, err = vaults.Create(ctx, fullVault())
	printed("an error that carries the item", err)
	err = s.TransactWrite(ctx, vaults.CreateOp(fullVault()))
	printed("a transaction's error that carries the item", err)
	s.write(with(rawVault(), rawItem{"inner": avS(canary)}))
	_, err = vaults.Get(ctx, vault{ID: "v"})
	require.ErrorAs(t, err, new(*monotable.DecodeError))
	printed("an item that does not decode", err)
	failed, ok := errors.AsType[*monotable.DecodeError](err)
	require.True(t, ok)
	printed("the error itself", failed)
	require.NotContains(t, log.String(), canary)
	require.Contains(t, log.String(), "monotable operation")
	t.Run("by every verb of fmt", func(t *testing.T) {
		for name, v := range map[string]any{
			"a condition": vaultCode.Eq(canary), "a change": vaultCode.Set(canary), "an operation": vaults.PutOp(fullVault()),
			"an update": vaults.UpdateOp(vault{ID: "v"}, vaultCode.Set(canary)), "an error": failed,
			"a query": vaults.Query(vault{ID: "v"}).Filter(vaultCode.Eq(canary)),
		} {
			for _, format := range []string{"%v", "%+v", "%s", "%q", "%#v"} {
				assert.NotContains(t, fmt.Sprintf(format, v), canary, "%s by %s", name, format)
			}
		}
	})
}
