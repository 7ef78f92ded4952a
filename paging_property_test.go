package monotable_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

// Paging against an oracle: a plain slice, sorted by the test itself.

type shard struct {
	Box    string `dynamodbav:"box"`
	ID     string `dynamodbav:"id"`
	Group  string `dynamodbav:"group"`
	Shade  string `dynamodbav:"shade"`
	Rank   int    `dynamodbav:"rank"`
	Weight int    `dynamodbav:"weight"`
}

var (
	shardID     = monotable.Field(func(s *shard) *string { return &s.ID })
	shardRank   = monotable.Field(func(s *shard) *int { return &s.Rank })
	shardWeight = monotable.Field(func(s *shard) *int { return &s.Weight })
)

// shardSchema is of the entity Piece or Relic: they share partitions in the table and in all indexes, and Relic takes items without tag.
func shardSchema(name string) monotable.Schema[shard] {
	s := monotable.Schema[shard]{
		Name: name, Key: monotable.Key{Partition: "BOX#{box}", Sort: name[:1] + "#{id}"},
		Indexes: map[string]monotable.Key{"ties": {Partition: "GROUP#{group}", Sort: "RANK#{rank:03}"}},
	}
	if name == "Relic" {
		s.Tag = monotable.TagOptional
	}
	return s
}

func shardTable() monotable.TableConfig {
	return monotable.TableConfig{PartitionKey: "PK", SortKey: "SK", Indexes: []monotable.Index{
		{Name: "ties", PartitionKey: "TPK", SortKey: "TSK"},
		{Name: "local", SortKey: "rank", SortKeyType: "N", Local: true},
		{
			Name: "several", PartitionKeys: []monotable.KeyAttribute{{Name: "group"}, {Name: "box"}},
			SortKeys: []monotable.KeyAttribute{{Name: "rank", Type: "N"}, {Name: "shade"}},
		},
	}}
}

// rawShard is a shard as it is stored, by hand; without tag where it is "".
func rawShard(s shard, tag, sort string) rawItem {
	item := rawItem{
		"PK": avS("BOX#" + s.Box), "SK": avS(sort), "TPK": avS("GROUP#" + s.Group), "TSK": avS(fmt.Sprintf("RANK#%03d", s.Rank)), "_et": avS(tag),
		"box": avS(s.Box), "id": avS(s.ID), "group": avS(s.Group), "shade": avS(s.Shade), "rank": avN(fmt.Sprint(s.Rank)), "weight": avN(fmt.Sprint(s.Weight)),
	}
	if tag == "" {
		delete(item, "_et")
	}
	return item
}

// shelf is a filled table, declared twice.
type shelf struct {
	entities map[string][]*monotable.Entity[shard]
	items    map[string][]shard // by entity, in no order
}

// openShelf fills a table with n items of each entity, and with strangers between them.
func openShelf(t testing.TB, dice *rand.Rand, n int) *shelf {
	t.Helper()
	s := openStore(t, shardTable())
	sh := &shelf{entities: map[string][]*monotable.Entity[shard]{}, items: map[string][]shard{}}
	tables := []*monotable.Table{s.Table, s.over(s.client)}
	for _, name := range []string{"Piece", "Relic"} {
		for _, table := range tables {
			sh.entities[name] = append(sh.entities[name], mustEntity(t, table, shardSchema(name)))
		}
	}
	random := func(i int) shard {
		return shard{
			Box: []string{"a", "b"}[dice.IntN(2)], ID: fmt.Sprintf("%03d", i), Group: []string{"x", "y"}[dice.IntN(2)],
			Shade: []string{"dark", "light"}[dice.IntN(2)], Rank: dice.IntN(4), Weight: dice.IntN(100),
		}
	}
	for i := range n {
		for _, name := range []string{"Piece", "Relic"} {
			item, tag := random(i), name
			if name == "Relic" && dice.IntN(2) == 0 {
				tag = ""
			}
			s.write(rawShard(item, tag, name[:1]+"#"+item.ID))
			sh.items[name] = append(sh.items[name], item)
		}
		if dice.IntN(4) == 0 {
			item := random(i)
			s.write(rawShard(item, []string{"", "Other"}[dice.IntN(2)], []string{"A#", "Q#", "X#"}[dice.IntN(3)]+item.ID))
		}
	}
	return sh
}

// passage is a query and what it must return.
type passage struct {
	name  string
	query func(*monotable.Entity[shard]) monotable.Query[shard]
	takes func(shard) bool
	order func(a, b shard) int // nil: in no order
	parts int                  // segments of a scan
}

func anyShard(shard) bool { return true }

// byKey is the order of the table; in an index it decides ties, in the test alone.
func byKey(a, b shard) int { return cmp.Or(cmp.Compare(a.Box, b.Box), cmp.Compare(a.ID, b.ID)) }

func byRank(a, b shard) int { return cmp.Compare(a.Rank, b.Rank) }

func byRankAndShade(a, b shard) int {
	return cmp.Or(cmp.Compare(a.Rank, b.Rank), cmp.Compare(a.Shade, b.Shade))
}

var readings = []passage{
	{
		name: "partition", order: byKey,
		query: func(e *monotable.Entity[shard]) monotable.Query[shard] { return e.Query(shard{Box: "a"}) },
		takes: func(s shard) bool { return s.Box == "a" },
	},
	{
		name: "range", order: byKey,
		query: func(e *monotable.Entity[shard]) monotable.Query[shard] {
			return e.Query(shard{Box: "b"}).SortKey(shardID.Between("005", "020"))
		},
		takes: func(s shard) bool { return s.Box == "b" && s.ID >= "005" && s.ID <= "020" },
	},
	{
		name: "ties", order: byRank,
		query: func(e *monotable.Entity[shard]) monotable.Query[shard] {
			return e.Query(shard{Group: "x"}).Index("ties")
		},
		takes: func(s shard) bool { return s.Group == "x" },
	},
	{
		name: "one tie", order: byRank,
		query: func(e *monotable.Entity[shard]) monotable.Query[shard] {
			return e.Query(shard{Group: "y"}).Index("ties").SortKey(shardRank.Eq(2))
		},
		takes: func(s shard) bool { return s.Group == "y" && s.Rank == 2 },
	},
	{
		name: "local", order: byRank,
		query: func(e *monotable.Entity[shard]) monotable.Query[shard] {
			return e.Query(shard{Box: "b"}).Index("local")
		},
		takes: func(s shard) bool { return s.Box == "b" },
	},
	{
		name: "local range", order: byRank,
		query: func(e *monotable.Entity[shard]) monotable.Query[shard] {
			return e.Query(shard{Box: "a"}).Index("local").SortKey(shardRank.Le(2))
		},
		takes: func(s shard) bool { return s.Box == "a" && s.Rank <= 2 },
	},
	{
		name: "several attributes", order: byRankAndShade,
		query: func(e *monotable.Entity[shard]) monotable.Query[shard] {
			return e.Query(shard{Group: "x", Box: "a"}).Index("several")
		},
		takes: func(s shard) bool { return s.Group == "x" && s.Box == "a" },
	},
	{name: "scan", query: (*monotable.Entity[shard]).Scan, takes: anyShard},
	{
		name: "scan of an index", takes: anyShard,
		query: func(e *monotable.Entity[shard]) monotable.Query[shard] { return e.Scan().Index("ties") },
	},
	{name: "segments", query: (*monotable.Entity[shard]).Scan, takes: anyShard, parts: 3},
}

// walk is one case: a query whose terminal calls may differ from page to page.
type walk struct {
	t        *testing.T
	dice     *rand.Rand
	name     string
	entities []*monotable.Entity[shard]
	build    func(*monotable.Entity[shard]) monotable.Query[shard]
}

// query builds the query anew, on either table.
func (w *walk) query() monotable.Query[shard] {
	return w.build(w.entities[w.dice.IntN(len(w.entities))])
}

// step draws how a page is read: its limit, 0 for none, and whether it may come out shorter.
func (w *walk) step() (q monotable.Query[shard], limit int, short bool) {
	q = w.query()
	if w.dice.IntN(4) > 0 {
		q = q.PageSize(1 + w.dice.IntN(50))
	}
	if w.dice.IntN(3) > 0 {
		limit = 1 + w.dice.IntN(25)
		q = q.Limit(limit)
	}
	if short = w.dice.IntN(8) == 0; short {
		q = q.MaxPages(1 + w.dice.IntN(3))
	}
	return q, limit, short
}

// page reads a page and checks its length against how many items are left.
func (w *walk) page(from monotable.Cursor, left int) monotable.Page[shard] {
	w.t.Helper()
	q, limit, short := w.step()
	page, err := q.From(from).Page(w.t.Context())
	require.NoError(w.t, err, w.name)
	if limit > 0 {
		require.LessOrEqual(w.t, len(page.Items), limit, w.name)
		if left >= 0 && !short {
			require.Len(w.t, page.Items, min(limit, left), "%s: only the end makes a page shorter", w.name)
		}
	}
	return page
}

// pageStart is how many items were before a page, and its Prev.
type pageStart struct {
	at   int
	prev monotable.Cursor
}

// forward reads everything from a cursor, n items as the oracle says, and returns it with where each page began.
func (w *walk) forward(n int) (seen []shard, starts []pageStart) {
	w.t.Helper()
	cursor := monotable.Cursor("")
	for range 4*n + 100 {
		ahead := []shard{}
		peek := w.dice.IntN(4) == 0
		if peek { // ranges over the rest, but breaks off
			k := 1 + w.dice.IntN(10)
			for item, err := range w.query().PageSize(1 + w.dice.IntN(9)).From(cursor).All(w.t.Context()) {
				require.NoError(w.t, err, w.name)
				if ahead = append(ahead, item); len(ahead) == k {
					break
				}
			}
		}
		if w.dice.IntN(12) == 0 { // the rest at once
			rest, err := w.query().From(cursor).Collect(w.t.Context())
			require.NoError(w.t, err, w.name)
			return append(seen, rest...), starts
		}
		page := w.page(cursor, n-len(seen))
		starts = append(starts, pageStart{len(seen), page.Prev})
		seen = append(seen, page.Items...)
		if m := min(len(ahead), len(page.Items)); peek {
			require.Equal(w.t, ahead[:m:m], page.Items[:m:m], w.name)
		}
		if cursor == "" {
			require.Empty(w.t, page.Prev, "%s: nothing is before the beginning", w.name)
		}
		if cursor = page.Next; cursor == "" {
			return seen, starts
		}
	}
	w.t.Fatalf("%s: it does not end", w.name)
	return nil, nil
}

// back goes back from a page that began at an offset, to the beginning.
func (w *walk) back(seen []shard, at int, cursor monotable.Cursor) {
	w.t.Helper()
	for range 4*len(seen) + 100 {
		if cursor == "" {
			require.Zero(w.t, at, "%s: Prev ends before the beginning", w.name)
			return
		}
		page := w.page(cursor, at)
		from := at - len(page.Items)
		require.GreaterOrEqual(w.t, from, 0, w.name)
		require.Equal(w.t, append([]shard{}, seen[from:at]...), page.Items, "%s: what is before %d", w.name, at)
		if page.Next == "" {
			require.Equal(w.t, len(seen), at, "%s: Next ends before the end", w.name)
		} else if w.dice.IntN(4) == 0 { // and forward again from here
			again, err := w.query().From(page.Next).Limit(1 + w.dice.IntN(9)).Page(w.t.Context())
			require.NoError(w.t, err, w.name)
			require.Equal(w.t, append([]shard{}, seen[at:at+len(again.Items)]...), again.Items, "%s: what is behind %d", w.name, at)
			require.True(w.t, len(again.Items) > 0 || at == len(seen), w.name)
		}
		at, cursor = from, page.Prev
	}
	w.t.Fatalf("%s: the way back does not end", w.name)
}

// bounded checks Count and Limit against how many items there are.
func (w *walk) bounded(n int) {
	w.t.Helper()
	size, limit := 1+w.dice.IntN(20), 1+w.dice.IntN(30)
	count, err := w.query().PageSize(size).Count(w.t.Context())
	require.NoError(w.t, err, w.name)
	require.Equal(w.t, n, count, w.name)
	count, err = w.query().PageSize(size).Limit(limit).Count(w.t.Context())
	require.NoError(w.t, err, w.name)
	require.Equal(w.t, min(n, limit), count, w.name)
	got, err := w.query().PageSize(size).Limit(limit).Collect(w.t.Context())
	require.NoError(w.t, err, w.name)
	require.Len(w.t, got, min(n, limit), w.name)
}

// pagingCase runs the case of a seed.
func pagingCase(t *testing.T, shelves []*shelf, seed uint64) {
	t.Helper()
	dice := rand.New(rand.NewPCG(seed, 7)) //nolint:gosec // a test
	sh := shelves[dice.IntN(len(shelves))]
	r := readings[dice.IntN(len(readings))]
	entity := []string{"Piece", "Relic"}[dice.IntN(2)]
	below := []int{100, 98, 50, 4}[dice.IntN(4)]
	descending := r.order != nil && dice.IntN(2) == 0
	want := []shard{}
	for _, item := range sh.items[entity] {
		if r.takes(item) && item.Weight < below {
			want = append(want, item)
		}
	}
	order := r.order
	if order == nil {
		order = func(shard, shard) int { return 0 }
	}
	if descending {
		order = func(a, b shard) int { return r.order(b, a) }
	}
	total := func(a, b shard) int { return cmp.Or(order(a, b), byKey(a, b)) } // ties have no order
	slices.SortFunc(want, total)
	w := &walk{t: t, dice: dice, entities: sh.entities[entity], name: fmt.Sprintf("case %d: %s of %s, weight below %d, descending %t", seed, r.name, entity, below, descending)}
	var seen []shard
	for part := range max(r.parts, 1) {
		w.build = func(e *monotable.Entity[shard]) monotable.Query[shard] {
			q := r.query(e)
			if below < 100 {
				q = q.Filter(shardWeight.Lt(below))
			}
			if descending {
				q = q.Descending()
			}
			if r.parts > 0 {
				q = q.Segment(part, r.parts)
			}
			return q
		}
		n := len(want)
		if r.parts > 0 { // which items are in a segment is the service's choice
			var err error
			n, err = w.query().Count(t.Context())
			require.NoError(t, err, w.name)
		}
		got, starts := w.forward(n)
		seen = append(seen, got...)
		if r.order == nil {
			for _, start := range starts {
				require.Empty(t, start.prev, "%s: a scan has no way back", w.name)
			}
		} else if len(starts) > 0 && dice.IntN(3) > 0 {
			start := starts[dice.IntN(len(starts))]
			w.back(got, start.at, start.prev)
		}
		if dice.IntN(4) == 0 {
			w.bounded(n)
		}
	}
	require.True(t, slices.IsSortedFunc(seen, order), "%s: the order", w.name)
	slices.SortFunc(seen, total)
	require.Equal(t, want, append([]shard{}, seen...), w.name)
}

func TestPagingAgainstAnOracle(t *testing.T) {
	cases := 15_000
	switch {
	case monotabletest.Endpoint(t) != "":
		cases = 300
	case testing.Short():
		cases = 1_000
	}
	shelves := make([]*shelf, 4)
	for i := range shelves {
		shelves[i] = openShelf(t, rand.New(rand.NewPCG(uint64(i), 1)), []int{0, 3, 24, 45}[i]) //nolint:gosec // a test
	}
	const workers = 4
	for worker := range workers {
		t.Run(fmt.Sprint(worker), func(t *testing.T) {
			t.Parallel()
			for seed := worker; seed < cases; seed += workers {
				pagingCase(t, shelves, uint64(seed)) //nolint:gosec // small
			}
		})
	}
}

// TestF068_PagingPastItemsThatDoNotDecode walks there and back over a partition in which some items do not decode: each is one error, and Next, or Prev on the
// way back, leads past it.
func TestF068_PagingPastItemsThatDoNotDecode(t *testing.T) {
	t.Parallel()
	rounds := 60
	if monotabletest.Endpoint(t) != "" {
		rounds = 5
	}
	for seed := range rounds {
		dice := rand.New(rand.NewPCG(uint64(seed), 3)) //nolint:gosec // a test
		s := openStore(t, shardTable())
		pieces := mustEntity(t, s.Table, shardSchema("Piece"))
		good := []shard{}
		n, bad := 1+dice.IntN(12), 0
		share := 1 + dice.IntN(3)
		for i := range n {
			item := shard{Box: "a", ID: fmt.Sprintf("%03d", i), Group: "x", Shade: "dark"}
			raw := rawShard(item, "Piece", "P#"+item.ID)
			if dice.IntN(4) < share {
				raw["weight"] = avS("heavy")
				bad++
			} else {
				good = append(good, item)
			}
			s.write(raw)
		}
		w := &walk{t: t, dice: dice, entities: []*monotable.Entity[shard]{pieces}, name: fmt.Sprintf("round %d", seed)}
		w.build = func(e *monotable.Entity[shard]) monotable.Query[shard] { return e.Query(shard{Box: "a"}) }
		read := func(cursor monotable.Cursor) (page monotable.Page[shard], failed int) {
			q, _, _ := w.step()
			page, err := q.From(cursor).Page(t.Context())
			if err != nil {
				require.ErrorAs(t, err, new(*monotable.DecodeError), w.name)
				failed = 1
			}
			return page, failed
		}
		there, failures := []shard{}, 0
		var starts []monotable.Cursor
		var sizes, fails []int // before each page
		cursor, ended := monotable.Cursor(""), false
		for range 2*n + 2 {
			page, failed := read(cursor)
			starts, sizes, fails = append(starts, page.Prev), append(sizes, len(there)), append(fails, failures)
			there, failures = append(there, page.Items...), failures+failed
			if cursor = page.Next; cursor == "" {
				ended = true
				break
			}
		}
		require.True(t, ended, w.name)
		require.Equal(t, good, there, w.name)
		require.Equal(t, bad, failures, w.name)
		// The way back from the last page: every good item before it, and every bad one.
		back, failures, cursor := []shard{}, 0, starts[len(starts)-1]
		for range 2*n + 2 {
			if cursor == "" {
				break
			}
			page, failed := read(cursor)
			back, failures, cursor = append(page.Items, back...), failures+failed, page.Prev
		}
		require.Empty(t, cursor, w.name)
		before := good[:sizes[len(sizes)-1]]
		require.Equal(t, append([]shard{}, before...), back, w.name)
		require.Equal(t, fails[len(fails)-1], failures, w.name)
	}
}
