package monotable_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
)

// Every kind of index × every type of sort key: what each verb stores for it, and what queries of it return.

type ranked[V any] struct {
	Group string `dynamodbav:"group"`
	ID    string `dynamodbav:"id"`
	Rank  V      `dynamodbav:"rank"`
	Note  string `dynamodbav:"note"`
}

func TestIndexes(t *testing.T) {
	t.Parallel()
	t.Run("S", func(t *testing.T) {
		testIndexes(t, "S", "R#{rank}", []string{" ", "A", "a", "a!", "é"}, func(s string) (types.AttributeValue, types.AttributeValue) {
			return avS(s), avS("R#" + s)
		})
	})
	t.Run("N", func(t *testing.T) {
		testIndexes(t, "N", "{rank}", []int64{-10, -9, 0, 9, 9007199254740993}, func(n int64) (types.AttributeValue, types.AttributeValue) {
			return avN(fmt.Sprint(n)), avN(fmt.Sprint(n))
		})
	})
	t.Run("B", func(t *testing.T) {
		testIndexes(t, "B", "{rank}", [][]byte{{0}, {0, 0}, {1}, {0x7f, 0xff}, {0x80}}, func(b []byte) (types.AttributeValue, types.AttributeValue) {
			return avB(string(b)), avB(string(b))
		})
	})
}

// indexVariants are the indexes of the table: with templates and without, global, local and of several attributes.
func indexVariants(kind types.ScalarAttributeType) []monotable.Index {
	return []monotable.Index{
		{Name: "global", PartitionKey: "GPK", SortKey: "GSK", SortKeyType: kind},
		{Name: "natural", PartitionKey: "group", SortKey: "rank", SortKeyType: kind},
		{Name: "local", Local: true, SortKey: "LSK", SortKeyType: kind},
		{Name: "naturalLocal", Local: true, PartitionKey: "PK", SortKey: "rank", SortKeyType: kind},
		{
			Name: "several", PartitionKeys: []monotable.KeyAttribute{{Name: "_et"}, {Name: "group"}},
			SortKeys: []monotable.KeyAttribute{{Name: "rank", Type: kind}, {Name: "id"}},
		},
	}
}

type indexTest[V any] struct {
	*store
	e     *monotable.Entity[ranked[V]]
	rank  monotable.Attr[ranked[V], V]
	note  monotable.Attr[ranked[V], string]
	ranks []V       // ascending
	other ranked[V] // in another partition of every index
	av    func(V) (attribute, key types.AttributeValue)
}

func testIndexes[V any](t *testing.T, kind types.ScalarAttributeType, template string, ranks []V, av func(V) (types.AttributeValue, types.AttributeValue)) {
	s := openStore(t, monotable.TableConfig{PartitionKey: "PK", SortKey: "SK", Indexes: append(indexVariants(kind),
		monotable.Index{Name: "unsorted", PartitionKey: "UPK", PartitionKeyType: kind})})
	it := &indexTest[V]{
		store: s, ranks: ranks, av: av,
		rank: monotable.Field(func(r *ranked[V]) *V { return &r.Rank }),
		note: monotable.Field(func(r *ranked[V]) *string { return &r.Note }),
		e: mustEntity(t, s.Table, monotable.Schema[ranked[V]]{
			Name: "Ranked",
			Key:  monotable.Key{Partition: "G#{group}", Sort: "I#{id}"},
			Indexes: map[string]monotable.Key{
				"global":   {Partition: "BY#{group}", Sort: template},
				"local":    {Sort: template},
				"unsorted": {Partition: template},
			},
		}),
	}
	items := it.fill(t)
	t.Run("stored", func(t *testing.T) { it.stored(t, items) })
	for _, name := range []string{"global", "natural", "local", "naturalLocal", "several"} {
		t.Run(name, func(t *testing.T) {
			it.order(t, name, items)
			it.ranges(t, name, items)
			it.paging(t, name, items)
		})
	}
	t.Run("unsorted", func(t *testing.T) {
		for _, item := range items {
			want := []ranked[V]{item}
			if item.ID == it.other.ID {
				want = append(want, it.other)
			}
			got, err := it.e.Query(ranked[V]{Rank: item.Rank}).Index("unsorted").Collect(t.Context())
			require.NoError(t, err)
			require.ElementsMatch(t, want, got)
		}
	})
	t.Run("move and leave", func(t *testing.T) { it.move(t, items) })
}

// fill writes one item through each verb, in no order, and gives them in the order of their ranks.
func (it *indexTest[V]) fill(t *testing.T) []ranked[V] {
	t.Helper()
	ctx := t.Context()
	item := func(i int) ranked[V] {
		return ranked[V]{Group: "g", ID: fmt.Sprint(9 - i), Rank: it.ranks[i], Note: "n"}
	}
	key := func(i int) ranked[V] { return ranked[V]{Group: "g", ID: fmt.Sprint(9 - i)} }
	first := func(i int) ranked[V] { k := key(i); k.Rank = it.ranks[0]; return k }
	writes := []func(int) (ranked[V], error){
		func(i int) (ranked[V], error) { return it.e.Create(ctx, item(i)) },
		func(i int) (ranked[V], error) { return it.e.Put(ctx, item(i)) },
		func(i int) (ranked[V], error) {
			if _, err := it.e.Create(ctx, first(i)); err != nil {
				return ranked[V]{}, err
			}
			return it.e.Update(ctx, key(i), it.rank.Set(it.ranks[i]), it.note.Set("n"))
		},
		func(i int) (ranked[V], error) {
			return it.e.Upsert(ctx, key(i), it.rank.Set(it.ranks[i]), it.note.Set("n"))
		},
		func(i int) (ranked[V], error) {
			if _, err := it.e.Create(ctx, first(i)); err != nil {
				return ranked[V]{}, err
			}
			return it.e.Modify(ctx, key(i), func(r *ranked[V]) error {
				r.Rank, r.Note = it.ranks[i], "n"
				return nil
			})
		},
	}
	all := make([]ranked[V], len(it.ranks))
	for _, i := range []int{2, 4, 0, 3, 1} {
		got, err := writes[i](i)
		require.NoError(t, err)
		require.Equal(t, item(i), got)
		all[i] = got
	}
	it.other = item(0)
	it.other.Group = "other"
	_, err := it.e.Create(ctx, it.other)
	require.NoError(t, err)
	return all
}

func (it *indexTest[V]) stored(t *testing.T, items []ranked[V]) {
	for _, item := range items {
		rank, key := it.av(item.Rank)
		require.Equal(t, rawItem{
			"PK": avS("G#g"), "SK": avS("I#" + item.ID), "_et": avS("Ranked"),
			"group": avS("g"), "id": avS(item.ID), "rank": rank, "note": avS("n"),
			"GPK": avS("BY#g"), "GSK": key, "LSK": key, "UPK": key,
		}, it.store.stored(keyPS("G#g", "I#"+item.ID)))
	}
}

func (it *indexTest[V]) query(index string) monotable.Query[ranked[V]] {
	return it.e.Query(ranked[V]{Group: "g"}).Index(index)
}

func (it *indexTest[V]) order(t *testing.T, index string, items []ranked[V]) {
	ctx := t.Context()
	got, err := it.query(index).Collect(ctx)
	require.NoError(t, err)
	require.Equal(t, items, got)

	backwards := slices.Clone(items)
	slices.Reverse(backwards)
	got, err = it.query(index).Descending().PageSize(2).Collect(ctx)
	require.NoError(t, err)
	require.Equal(t, backwards, got)

	first, err := it.query(index).Descending().First(ctx)
	require.NoError(t, err)
	require.Equal(t, backwards[0], first)

	n, err := it.query(index).PageSize(1).Count(ctx)
	require.NoError(t, err)
	require.Equal(t, len(items), n)

	scanned, err := it.e.Scan().Index(index).PageSize(2).Collect(ctx)
	require.NoError(t, err)
	require.ElementsMatch(t, append([]ranked[V]{it.other}, items...), scanned)

	none, err := it.e.Query(ranked[V]{Group: "nobody"}).Index(index).Collect(ctx)
	require.NoError(t, err)
	require.Equal(t, []ranked[V]{}, none)
	_, err = it.e.Query(ranked[V]{Group: "nobody"}).Index(index).First(ctx)
	requireError(t, err, monotable.ErrNotFound)
}

func (it *indexTest[V]) ranges(t *testing.T, index string, items []ranked[V]) {
	for i := range items {
		for _, row := range []struct {
			name string
			cond monotable.KeyCond[ranked[V]]
			want []ranked[V]
		}{
			{"Eq", it.rank.Eq(it.ranks[i]), items[i : i+1]},
			{"Lt", it.rank.Lt(it.ranks[i]), items[:i]},
			{"Le", it.rank.Le(it.ranks[i]), items[:i+1]},
			{"Gt", it.rank.Gt(it.ranks[i]), items[i+1:]},
			{"Ge", it.rank.Ge(it.ranks[i]), items[i:]},
			{"Between", it.rank.Between(it.ranks[i], it.ranks[min(i+1, len(items)-1)]), items[i:min(i+2, len(items))]},
		} {
			got, err := it.query(index).SortKey(row.cond).Collect(t.Context())
			require.NoError(t, err, "%s %v", row.name, it.ranks[i])
			require.ElementsMatch(t, row.want, got, "%s %v", row.name, it.ranks[i])
		}
	}
	_, err := it.query(index).SortKey(it.rank.Between(it.ranks[1], it.ranks[0])).Collect(t.Context())
	requireError(t, err, monotable.ErrInvalid)
}

// paging goes through the index from every position, by pages of every size.
func (it *indexTest[V]) paging(t *testing.T, index string, items []ranked[V]) {
	for size := 1; size <= len(items)+1; size++ {
		var got []ranked[V]
		cursor := monotable.Cursor("")
		for range len(items) + 2 {
			page, err := it.query(index).Limit(size).From(cursor).Page(t.Context())
			require.NoError(t, err)
			got = append(got, page.Items...)
			if cursor = page.Next; cursor == "" {
				break
			}
			require.Len(t, page.Items, size, "only the end makes a page shorter than the limit")
			rest, err := it.query(index).From(cursor).Collect(t.Context())
			require.NoError(t, err)
			require.Equal(t, items[len(got):], append([]ranked[V]{}, rest...))
		}
		require.Equal(t, monotable.Cursor(""), cursor)
		require.Equal(t, items, got)
	}
}

// move changes ranks, so that items move in every index, and deletes one.
func (it *indexTest[V]) move(t *testing.T, items []ranked[V]) {
	ctx := t.Context()
	last := items[len(items)-1]
	moved, err := it.e.Update(ctx, last, it.rank.Set(it.ranks[0]))
	require.NoError(t, err)
	_, err = it.e.Delete(ctx, items[0])
	require.NoError(t, err)
	want := append([]ranked[V]{moved}, items[1:len(items)-1]...)
	for _, index := range []string{"global", "natural", "local", "naturalLocal", "several"} {
		got, err := it.query(index).Collect(ctx)
		require.NoError(t, err)
		require.Equal(t, want, got, index)
	}
	_, err = it.e.Query(last).Index("unsorted").First(ctx) // nobody has the rank any more
	requireError(t, err, monotable.ErrNotFound)
}
