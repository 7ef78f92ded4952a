package monotable_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

type lodging struct {
	ID    string    `dynamodbav:"id"`
	Group string    `dynamodbav:"group"`
	Rank  int       `dynamodbav:"rank"`
	Note  string    `dynamodbav:"note"`
	Until time.Time `dynamodbav:"until"`
}

var (
	lodgingNote  = monotable.Field(func(l *lodging) *string { return &l.Note })
	lodgingRank  = monotable.Field(func(l *lodging) *int { return &l.Rank })
	lodgingUntil = monotable.Field(func(l *lodging) *time.Time { return &l.Until })
)

func lodgingSchema(name string, tag monotable.TagMode) monotable.Schema[lodging] {
	return monotable.Schema[lodging]{
		Name: name, Tag: tag, Key: monotable.Key{Partition: name + "#{id}", Sort: name},
		Indexes: map[string]monotable.Key{
			"groups": {Partition: "GROUP#{group}", Sort: "{rank:03}"},
			"tagged": {Partition: "GROUP#{group}", Sort: "{rank:03}"},
		},
		Rules: []monotable.Rule[lodging]{monotable.ExpiresAt(lodgingUntil)},
	}
}

// lagging reads global indexes from a table of their own, which knows nothing of what is written after it was filled.
type lagging struct {
	monotable.Client
	table                        string // "" where indexes do not lag
	queries, batches, consistent atomic.Int64
	onBatch                      func() error
}

func (c *lagging) Query(ctx context.Context, in *dynamodb.QueryInput, opts ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	c.queries.Add(1)
	if in.IndexName != nil && c.table != "" {
		behind := *in
		behind.TableName = &c.table
		in = &behind
	}
	return c.Client.Query(ctx, in, opts...)
}

func (c *lagging) Scan(ctx context.Context, in *dynamodb.ScanInput, opts ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error) {
	if in.IndexName != nil && c.table != "" {
		behind := *in
		behind.TableName = &c.table
		in = &behind
	}
	return c.Client.Scan(ctx, in, opts...)
}

func (c *lagging) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	c.batches.Add(1)
	for _, keys := range in.RequestItems {
		if keys.ConsistentRead != nil && *keys.ConsistentRead {
			c.consistent.Add(1)
		}
	}
	if c.onBatch != nil {
		if err := c.onBatch(); err != nil {
			return nil, err
		}
	}
	return c.Client.BatchGetItem(ctx, in, opts...)
}

// lodgings is a table whose indexes hold keys only, and beside it, once lag is called, what its indexes are at that time.
type lodgings struct {
	*store
	client   *lagging
	clock    *manualClock
	cfg      monotable.TableConfig
	lodgings *monotable.Entity[lodging]
	tenures  *monotable.Entity[lodging] // TagOptional, in the same partitions of the indexes
	expected []lodging                  // of group g, in the index's order
}

func openLodgings(t *testing.T, n int) *lodgings {
	t.Helper()
	keysOnly := types.Projection{ProjectionType: types.ProjectionTypeKeysOnly}
	clock := newClock()
	l := &lodgings{clock: clock, cfg: monotable.TableConfig{Name: "lodgings", PartitionKey: "PK", SortKey: "SK", Clock: clock.now, Indexes: []monotable.Index{
		{Name: "groups", PartitionKey: "GPK", SortKey: "GSK", Projection: keysOnly},
		{Name: "tagged", PartitionKey: "GPK", SortKey: "GSK", Projection: types.Projection{
			ProjectionType: types.ProjectionTypeInclude, NonKeyAttributes: []string{"_et", "rank", "until"},
		}},
		{Name: "near", SortKey: "rank", SortKeyType: "N", Local: true, Projection: keysOnly},
	}}}
	l.store = openStore(t, l.cfg)
	l.client = &lagging{Client: l.store.client}
	table := l.over(l.client)
	l.lodgings = mustEntity(t, table, lodgingSchema("Lodging", monotable.TagRequired))
	l.tenures = mustEntity(t, table, lodgingSchema("Tenure", monotable.TagOptional))
	for i := range n {
		item := lodging{ID: fmt.Sprintf("%03d", i), Group: "g", Rank: i / 3, Note: fmt.Sprint("note ", i), Until: noon.Add(time.Hour).Truncate(time.Second)}
		_, err := l.lodgings.Create(t.Context(), item)
		require.NoError(t, err)
		l.expected = append(l.expected, item)
		if i%2 == 0 {
			_, err := l.tenures.Create(t.Context(), item)
			require.NoError(t, err)
		}
		if i%4 == 0 { // nobody's
			raw := rawItem{"PK": avS("STRANGER#" + item.ID), "SK": avS("x"), "GPK": avS("GROUP#g"), "GSK": avS(fmt.Sprintf("%03d", item.Rank)), "rank": avN(fmt.Sprint(item.Rank))}
			if i%8 == 0 {
				raw["_et"] = avS("Stranger")
			}
			l.write(raw)
		}
	}
	return l
}

// lag makes the indexes stay as they are now.
func (l *lodgings) lag() {
	l.t.Helper()
	cfg := l.cfg
	cfg.Name = "lagging"
	monotabletest.TableOn(l.t, l.store.client, cfg)
	for _, item := range l.dump() {
		_, err := l.store.client.PutItem(l.t.Context(), &dynamodb.PutItemInput{TableName: &cfg.Name, Item: item})
		require.NoError(l.t, err)
	}
	l.client.table = cfg.Name
}

// byLodgingRank is the order of the index, with ties decided by the test.
func byLodgingRank(a, b lodging) int {
	return cmp.Or(cmp.Compare(a.Rank, b.Rank), cmp.Compare(a.ID, b.ID))
}

// requireLodgings compares in the index's order, which has ties.
func requireLodgings(t *testing.T, want, got []lodging, hint ...any) {
	t.Helper()
	require.True(t, slices.IsSortedFunc(got, func(a, b lodging) int { return cmp.Compare(a.Rank, b.Rank) }), hint...)
	got = append([]lodging{}, got...)
	slices.SortFunc(got, byLodgingRank)
	require.Equal(t, append([]lodging{}, want...), got, hint...)
}

func TestF064_HydrateReadsWholeItemsInTheIndexsOrder(t *testing.T) {
	t.Parallel()
	l := openLodgings(t, 30)
	ctx := t.Context()
	for _, index := range []string{"groups", "tagged"} {
		t.Run(index, func(t *testing.T) {
			base := l.lodgings.Query(lodging{Group: "g"}).Index(index)
			_, err := base.Collect(ctx)
			require.ErrorIs(t, err, monotable.ErrInvalid, "the index does not hold them whole")
			q := base.Hydrate()
			got, err := q.Collect(ctx)
			require.NoError(t, err)
			requireLodgings(t, l.expected, got)
			for _, item := range got {
				same, err := l.lodgings.Get(ctx, lodging{ID: item.ID})
				require.NoError(t, err)
				require.Equal(t, same, item)
			}
			down, err := q.Descending().Collect(ctx)
			require.NoError(t, err)
			slices.Reverse(down)
			require.Equal(t, got, down)
			some, err := q.SortKey(lodgingRank.Between(2, 3)).Collect(ctx)
			require.NoError(t, err)
			requireLodgings(t, l.expected[6:12], some)
			first, err := q.First(ctx)
			require.NoError(t, err)
			require.Equal(t, got[0], first)
			ranged, err := collectAll(q.PageSize(4).All(ctx))
			require.NoError(t, err)
			require.Equal(t, got, ranged)
			short, err := monotable.As[struct {
				ID   string `dynamodbav:"id"`
				Note string `dynamodbav:"note"`
			}](q.Limit(2)).Collect(ctx)
			require.NoError(t, err)
			require.Len(t, short, 2)
			require.Equal(t, got[1].Note, short[1].Note)
			tenures, err := l.tenures.Query(lodging{Group: "g"}).Index(index).Hydrate().Collect(ctx)
			require.NoError(t, err)
			require.Len(t, tenures, 15)
			scanned, err := l.lodgings.Scan().Index(index).Hydrate().PageSize(7).Collect(ctx)
			require.NoError(t, err)
			slices.SortFunc(scanned, byLodgingRank)
			require.Equal(t, l.expected, scanned)
			scanned, err = l.lodgings.Scan().Index(index).Hydrate().Parallel(3).Collect(ctx)
			require.NoError(t, err)
			slices.SortFunc(scanned, byLodgingRank)
			require.Equal(t, l.expected, scanned)
			page, err := q.Limit(30).PageSize(7).Page(ctx)
			require.NoError(t, err)
			require.Zero(t, page.Stale, "items of others are not outdated")
			require.Equal(t, got, page.Items)
		})
	}
	t.Run("a filter runs on what the index projects", func(t *testing.T) {
		q := l.lodgings.Query(lodging{Group: "g"}).Hydrate()
		got, err := q.Index("tagged").Filter(lodgingRank.Ge(8)).Collect(ctx)
		require.NoError(t, err)
		requireLodgings(t, l.expected[24:], got)
		_, err = q.Index("groups").Filter(lodgingNote.Eq("note 1")).Collect(ctx)
		require.ErrorIs(t, err, monotable.ErrInvalid)
	})
	t.Run("a local index", func(t *testing.T) {
		got, err := l.lodgings.Query(lodging{ID: "007"}).Index("near").Hydrate().With(monotable.Consistent()).Collect(ctx)
		require.NoError(t, err)
		require.Equal(t, l.expected[7:8], got)
	})
	t.Run("requests", func(t *testing.T) {
		q := l.lodgings.Query(lodging{Group: "g"}).Index("tagged").PageSize(100)
		for name, row := range map[string]struct {
			q                   monotable.Query[lodging]
			batches, consistent int64
		}{
			"as ever":        {q.Hydrate(), 1, 0},
			"consistent":     {q.Hydrate().With(monotable.Consistent()), 1, 1},
			"nothing found":  {q.Hydrate().Filter(lodgingRank.Gt(99)), 0, 0},
			"several pages":  {q.Hydrate().PageSize(30), 2, 0},
			"with a limit":   {q.Hydrate().Limit(3).Filter(lodgingRank.Ge(0)), 1, 0},
			"consistent too": {q.Hydrate().PageSize(30).With(monotable.Consistent()), 2, 2},
		} {
			l.client.batches.Store(0)
			l.client.consistent.Store(0)
			_, err := row.q.Collect(ctx)
			require.NoError(t, err, name)
			require.Equal(t, []int64{row.batches, row.consistent}, []int64{l.client.batches.Load(), l.client.consistent.Load()}, name)
		}
		_, err := q.With(monotable.Consistent()).Count(ctx)
		require.ErrorIs(t, err, monotable.ErrInvalid, "a global index has no consistent reads")
	})
	t.Run("capacity holds both", func(t *testing.T) {
		var used monotable.ConsumedCapacity
		_, err := l.lodgings.Query(lodging{Group: "g"}).Index("tagged").PageSize(100).Hydrate().With(monotable.Capacity(&used)).Collect(ctx)
		require.NoError(t, err)
		require.Equal(t, 2, used.Requests())
		require.Greater(t, used.Units(), 15.0, "thirty items, each by itself")
	})
}

// change makes some items outdated in the index, and says which are left.
func (l *lodgings) change(dice *rand.Rand) (left []lodging, stale int) {
	l.t.Helper()
	ctx := l.t.Context()
	for _, item := range l.expected {
		var err error
		switch dice.IntN(9) {
		case 0:
			_, err = l.lodgings.Delete(ctx, item)
		case 1: // in another partition of the index
			item.Group = "h"
			_, err = l.lodgings.Put(ctx, item)
		case 2: // elsewhere in its partition
			item.Rank += 50
			_, err = l.lodgings.Put(ctx, item)
		case 3: // in no index
			item.Group = ""
			_, err = l.lodgings.Put(ctx, item)
		case 4: // expired, and not yet deleted
			item.Until = noon.Add(-time.Hour).Truncate(time.Second)
			raw := with(l.stored(keyPS("Lodging#"+item.ID, "Lodging")), rawItem{"until": avN(fmt.Sprint(item.Until.Unix()))})
			l.write(raw)
		case 5: // changed, and still in its place
			item.Note = "new"
			if _, err = l.lodgings.Put(ctx, item); err == nil {
				left = append(left, item)
				continue
			}
		default:
			left = append(left, item)
			continue
		}
		require.NoError(l.t, err)
		stale++
	}
	return left, stale
}

func TestF066_HydrateDropsWhatIsOutdated(t *testing.T) {
	t.Parallel()
	rounds := 30
	if monotabletest.Endpoint(t) != "" {
		rounds = 2
	}
	for seed := range rounds {
		dice := rand.New(rand.NewPCG(uint64(seed), 11)) //nolint:gosec // a test
		l := openLodgings(t, dice.IntN(40))
		l.lag()
		left, stale := l.change(dice)
		ctx := t.Context()
		hint := fmt.Sprint("round ", seed)
		for _, index := range []string{"groups", "tagged"} {
			q := l.lodgings.Query(lodging{Group: "g"}).Index(index).Hydrate()
			all, err := q.Collect(ctx)
			require.NoError(t, err, hint)
			requireLodgings(t, left, all, hint)
			size := 1 + dice.IntN(12)
			ranged, err := collectAll(q.PageSize(size).All(ctx))
			require.NoError(t, err, hint)
			require.Equal(t, append([]lodging{}, all...), append([]lodging{}, ranged...), hint)

			limit, paged, dropped := 1+dice.IntN(10), []lodging{}, 0
			cursor, prev, at := monotable.Cursor(""), monotable.Cursor(""), 0
			for range 100 {
				page, err := q.Limit(limit).PageSize(size).From(cursor).Page(ctx)
				require.NoError(t, err, hint)
				require.Len(t, page.Items, min(limit, len(left)-len(paged)), "%s: outdated ones do not count towards the limit", hint)
				at, prev = len(paged), page.Prev
				paged, dropped = append(paged, page.Items...), dropped+page.Stale
				if cursor = page.Next; cursor == "" {
					break
				}
			}
			require.Empty(t, cursor, hint)
			require.Equal(t, append([]lodging{}, all...), paged, hint)
			// What a page reads beyond its limit the next one reads again, so some may be counted twice.
			require.GreaterOrEqual(t, dropped, stale, hint)
			for prev != "" {
				page, err := q.Limit(limit).PageSize(size).From(prev).Page(ctx)
				require.NoError(t, err, hint)
				require.Equal(t, append([]lodging{}, paged[at-len(page.Items):at]...), page.Items, hint)
				at, prev = at-len(page.Items), page.Prev
			}
			require.Zero(t, at, hint)

			whole, err := q.PageSize(1000).Page(ctx)
			require.NoError(t, err, hint)
			require.Equal(t, stale, whole.Stale, hint)
		}
		scanned, err := l.lodgings.Scan().Index("groups").Hydrate().Collect(ctx)
		require.NoError(t, err, hint)
		slices.SortFunc(scanned, byLodgingRank)
		require.Equal(t, append([]lodging{}, left...), scanned, hint)
	}
}

// TestF066_AnItemThatCannotBeRead ends a query with its error: it must not pass for one that is gone.
func TestF066_AnItemThatCannotBeRead(t *testing.T) {
	l := openLodgings(t, 6)
	ctx := t.Context()
	q := l.lodgings.Query(lodging{Group: "g"}).Index("groups").Hydrate().PageSize(4).With(monotable.Attempts(1))
	errDown := errors.New("down")
	n := int64(0)
	l.client.onBatch = func() error {
		if l.client.batches.Load() > n {
			return errDown
		}
		return nil
	}
	for n = range int64(2) {
		l.client.batches.Store(0)
		_, err := q.Collect(ctx)
		require.ErrorIs(t, err, errDown)
	}
	l.client.batches.Store(0)
	n = 1
	page, err := q.Limit(6).Page(ctx)
	require.ErrorIs(t, err, errDown)
	require.Zero(t, page.Stale)
	l.client.onBatch = nil
	rest, err := q.From(page.Next).Collect(ctx)
	require.NoError(t, err)
	requireLodgings(t, l.expected, append(page.Items, rest...), "Next leads on where it broke")

	t.Run("an item that does not decode", func(t *testing.T) {
		l.write(with(l.stored(keyPS("Lodging#002", "Lodging")), rawItem{"note": avL()}))
		_, err := q.Collect(ctx)
		require.ErrorAs(t, err, new(*monotable.DecodeError))
		var all []lodging
		cursor, failures := monotable.Cursor(""), 0
		for range 20 {
			page, err := q.Limit(3).From(cursor).Page(ctx)
			if err != nil {
				require.ErrorAs(t, err, new(*monotable.DecodeError))
				failures++
			}
			all = append(all, page.Items...)
			if cursor = page.Next; cursor == "" {
				break
			}
		}
		require.Equal(t, 1, failures)
		requireLodgings(t, append(l.expected[:2:2], l.expected[3:]...), all)
	})
}

func TestHydrateCounts(t *testing.T) {
	l := openLodgings(t, 20)
	l.lag()
	left, _ := l.change(rand.New(rand.NewPCG(4, 4))) //nolint:gosec // a test
	n, err := l.lodgings.Query(lodging{Group: "g"}).Index("groups").Hydrate().Count(t.Context())
	require.NoError(t, err)
	require.Equal(t, len(left), n)
}
