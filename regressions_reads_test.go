package monotable_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
)

// What readers of the code found in queries and collections.

type issueOf struct {
	Journal string `dynamodbav:"journal"`
	Year    int    `dynamodbav:"year"`
	Month   int    `dynamodbav:"month"`
	Title   string `dynamodbav:"title"`
	Secret  string `dynamodbav:"secret"`
}

var (
	issueYear   = monotable.Field(func(i *issueOf) *int { return &i.Year })
	issueTitle  = monotable.Field(func(i *issueOf) *string { return &i.Title })
	issueSecret = monotable.Field(func(i *issueOf) *string { return &i.Secret })
)

func issueStore(t *testing.T, sort string, rules ...monotable.Rule[issueOf]) (*store, *monotable.Entity[issueOf]) {
	s := openStore(t, monotable.TableConfig{})
	e := mustEntity(t, s.Table, monotable.Schema[issueOf]{
		Name: "Issue", Key: monotable.Key{Partition: "JOURNAL#{journal}", Sort: sort}, Rules: rules,
	})
	for year := range 5 {
		for month := range 3 {
			_, err := e.Create(t.Context(), issueOf{Journal: "j", Year: 2020 + year, Month: month + 1, Title: fmt.Sprint("t", year, month), Secret: "canary"})
			require.NoError(t, err)
		}
	}
	return s, e
}

func TestF124_TheLengthOfTheKeyIDIsNoOverflow(t *testing.T) {
	_, e := issueStore(t, "{title}")
	for first := range 256 {
		bytes := make([]byte, 400)
		bytes[0], bytes[1] = 1, byte(first)
		_, err := e.Query(issueOf{Journal: "j"}).From(monotable.Cursor(base64.RawURLEncoding.EncodeToString(bytes))).Page(t.Context())
		require.ErrorIs(t, err, monotable.ErrBadCursor)
	}
}

// A part ends where it ends, whatever follows it.
func TestCollection_RangesOfPartsBeforeOtherLiterals(t *testing.T) {
	t.Parallel()
	for _, sort := range []string{"ISSUE#{year:04}-{month:02}", "ISSUE#{year:04}.{title}", "ISSUE#{year:04}{title}", "ISSUE#{year:04}#{month:02}", "{year:05}#{title}"} {
		t.Run(sort, func(t *testing.T) {
			s, e := issueStore(t, sort)
			for name, cond := range map[string]monotable.KeyCond[issueOf]{
				"eq": issueYear.Eq(2022), "lt": issueYear.Lt(2022), "le": issueYear.Le(2022), "gt": issueYear.Gt(2022), "ge": issueYear.Ge(2022), "between": issueYear.Between(2021, 2023),
			} {
				want, err := e.Query(issueOf{Journal: "j"}).SortKey(cond).Collect(t.Context())
				require.NoError(t, err)
				require.NotEmpty(t, want)
				var got []issueOf
				require.NoError(t, s.Collect(t.Context(), e.Partition(issueOf{Journal: "j"}, cond), monotable.Into(e, &got)))
				require.Equal(t, want, got, name)
			}
		})
	}
}

type issues struct{ All []issueOf }

func TestCollection_PageKeepsWhatWasReadBeforeAnError(t *testing.T) {
	s, e := issueStore(t, "ISSUE#{year:04}-{month:02}")
	s.write(rawItem{"PK": avS("JOURNAL#j"), "SK": avS("ISSUE#2021-02"), "_et": avS("Issue"), "year": avS("odd")})
	c := monotable.MustCollection(monotable.Many(e, func(i *issues) *[]issueOf { return &i.All }))
	all := e.Partition(issueOf{Journal: "j"})
	page, err := c.Page(t.Context(), all)
	var bad *monotable.DecodeError
	require.ErrorAs(t, err, &bad)
	require.Len(t, page.Items.All, 4)
	rest, err := c.Page(t.Context(), all.From(page.Next))
	require.NoError(t, err)
	require.Len(t, rest.Items.All, 10)
	back, err := c.Page(t.Context(), all.From(rest.Prev))
	require.ErrorAs(t, err, &bad, "it lies right before them")
	require.Empty(t, back.Items.All)
	back, err = c.Page(t.Context(), all.From(back.Prev))
	require.NoError(t, err)
	require.Equal(t, page.Items, back.Items)
}

// A small limit does not mean a request for each foreign item.
func TestCollection_ManyForeignItems(t *testing.T) {
	t.Parallel()
	s, e := issueStore(t, "ISSUE#{year:04}-{month:02}")
	for i := range 60 {
		s.write(rawItem{"PK": avS("JOURNAL#j"), "SK": avS(fmt.Sprintf("FOREIGN#%02d", i)), "_et": avS("Other")})
	}
	var used monotable.ConsumedCapacity
	c := monotable.MustCollection(monotable.Many(e, func(i *issues) *[]issueOf { return &i.All }))
	from := e.Partition(issueOf{Journal: "j"}).With(monotable.Capacity(&used))
	page, err := c.Page(t.Context(), from.Limit(1))
	require.NoError(t, err)
	require.Len(t, page.Items.All, 1)
	require.Equal(t, 2, used.Requests())
	page, err = c.Page(t.Context(), from.Limit(1).From(page.Next))
	require.NoError(t, err)
	require.Equal(t, 2020, page.Items.All[0].Year)
	require.Equal(t, 2, page.Items.All[0].Month, "nothing is skipped")
	require.Equal(t, 3, used.Requests())
}

func TestF072_AContextThatEndsLeavesAState(t *testing.T) {
	t.Parallel()
	s, e := issueStore(t, "ISSUE#{year:04}-{month:02}")
	for range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var last error
		n := 0
		for _, err := range e.Scan().Parallel(4).PageSize(1).All(ctx) {
			if last = err; err == nil {
				n++
				cancel()
			}
		}
		var state *monotable.SegmentError
		require.ErrorAs(t, last, &state)
		require.ErrorIs(t, last, context.Canceled)
		for i, segment := range state.Segments {
			if segment.Done {
				continue
			}
			rest, err := e.Scan().Segment(i, 4).From(segment.Next).Collect(t.Context())
			require.NoError(t, err)
			n += len(rest)
		}
		require.Equal(t, 15, n)
	}
	_ = s
}

func TestQueryMany_LimitBoundsWhatIsRead(t *testing.T) {
	_, e := issueStore(t, "ISSUE#{year:04}-{month:02}")
	request, err := e.Query(issueOf{Journal: "j"}).Limit(2).Request()
	require.NoError(t, err)
	require.NotNil(t, request)
	plans, err := monotable.QueryMany(e.Query(issueOf{Journal: "j"}), e.Query(issueOf{Journal: "k"}).Limit(1)).Limit(2).Explain()
	require.NoError(t, err)
	require.Equal(t, []int{2, 1}, []int{plans[0].PageSize, plans[1].PageSize})
	_, err = monotable.QueryMany(e.Query(issueOf{})).Explain()
	require.ErrorIs(t, err, monotable.ErrInvalid)
}

func TestPartition_OneTextForTheSortKey(t *testing.T) {
	s, e := issueStore(t, "ISSUE#{year:04}-{month:02}")
	all := e.Partition(issueOf{Journal: "j"})
	var found []issueOf
	for name, from := range map[string]monotable.Partition{
		"two texts": all.SortBetween("ISSUE#2020", "ISSUE#2021").SortPrefix("ISSUE#"),
		"not UTF-8": all.SortPrefix("ISSUE#\xff"),
	} {
		require.ErrorIs(t, s.Collect(t.Context(), from, monotable.Into(e, &found)), monotable.ErrInvalid, name)
	}
}

// F122: conditions whose bounds look alike are conditions of their own.
func TestF122_CursorsOfOtherSortConditions(t *testing.T) {
	t.Parallel()
	_, e := issueStore(t, "{title}", issueTitle.Escaped())
	q := e.Query(issueOf{Journal: "j"}).Limit(1)
	queries := []monotable.Query[issueOf]{
		q, q.SortKey(monotable.HasPrefix(issueTitle, "t")), q.SortKey(issueTitle.Between("t", "false")), q.SortKey(issueTitle.Ge("t")), q.SortKey(issueTitle.Gt("t")),
		q.SortKey(issueTitle.Le("t9")), q.SortKey(issueTitle.Lt("t9")), q.SortKey(issueTitle.Between("t", "t9")),
	}
	for i, from := range queries {
		page, err := from.Page(t.Context())
		if err != nil || page.Next == "" {
			continue
		}
		for j, other := range queries {
			if _, err := other.From(page.Next).Request(); i != j && j != 2 {
				require.ErrorIs(t, err, monotable.ErrBadCursor, "%d → %d", i, j)
			}
		}
	}
}

// F123, F126: what is hidden is not to be read in a cursor.
func TestF126_HiddenPartsOfKeysAreEncryptedInCursors(t *testing.T) {
	_, e := issueStore(t, "{secret}#{title}", issueSecret.Hidden())
	page, err := e.Query(issueOf{Journal: "j"}).Limit(1).Page(t.Context())
	require.NoError(t, err)
	text, err := base64.RawURLEncoding.DecodeString(string(page.Next))
	require.NoError(t, err)
	require.NotContains(t, string(text), "canary")
	next, err := e.Query(issueOf{Journal: "j"}).Limit(1).From(page.Next).Page(t.Context())
	require.NoError(t, err)
	require.Equal(t, "t0 1", next.Items[0].Title)
	key := monotable.CursorKey{ID: "1", Secret: []byte("canary canary canary canary canary")}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		require.NotContains(t, fmt.Sprintf(verb, key), "canary")
		require.NotContains(t, fmt.Sprintf(verb, monotable.TableConfig{CursorKeys: []monotable.CursorKey{key}}), "canary")
	}
}

func TestStrict_IndexesAndTags(t *testing.T) {
	s := openStore(t, monotable.TableConfig{Strict: true, Indexes: []monotable.Index{
		{Name: "flat", PartitionKey: "journal"},
		{Name: "tagged", PartitionKeys: []monotable.KeyAttribute{{Name: "journal"}}, SortKeys: []monotable.KeyAttribute{{Name: "_et"}, {Name: "year", Type: types.ScalarAttributeTypeN}}},
	}})
	e := mustEntity(t, s.Table, monotable.Schema[issueOf]{Name: "Issue", Key: monotable.Key{Partition: "JOURNAL#{journal}", Sort: "{title}"}})
	q := e.Query(issueOf{Journal: "j"}).Filter(issueSecret.Exists())
	for _, index := range []string{"flat", "tagged"} {
		_, err := q.Index(index).Request()
		require.ErrorIs(t, err, monotable.ErrInvalid, index)
		plan, err := q.Index(index).With(monotable.AllowScan()).Explain()
		require.NoError(t, err)
		require.True(t, plan.Warns("filter"))
	}
	_, err := q.Index("tagged").SortKey(issueYear.Eq(2020)).Request()
	require.NoError(t, err)
}
