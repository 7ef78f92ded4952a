package monotable_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
)

// openNotes is a table with n notes of a book, seen through a counting client.
func openNotes(t *testing.T, n int) (*store, *spyClient, *monotable.Entity[note], []note) {
	t.Helper()
	s := openStore(t, monotable.TableConfig{})
	spy := &spyClient{Client: s.client}
	notes := mustEntity(t, s.over(spy), noteSchema(nil))
	all := make([]note, n)
	for i := range n {
		all[i] = note{"b", i, fmt.Sprintf("t%d", i%3)}
		_, err := notes.Create(t.Context(), all[i])
		require.NoError(t, err)
	}
	spy.puts.Store(0)
	return s, spy, notes, all
}

func TestF055_EmptyPagesAndEnds(t *testing.T) {
	_, _, notes, all := openNotes(t, 6)
	ctx := t.Context()
	q := notes.Query(note{Book: "b"})
	last := q.PageSize(1).Filter(notePage.Ge(5))
	got, err := last.Collect(ctx)
	require.NoError(t, err)
	require.Equal(t, all[5:], got)
	first, err := last.First(ctx)
	require.NoError(t, err)
	require.Equal(t, all[5], first)

	t.Run("a page without a limit is one request's", func(t *testing.T) {
		page, err := last.Page(ctx)
		require.NoError(t, err)
		require.Empty(t, page.Items)
		require.NotEmpty(t, page.Next, "empty never means the end")
	})
	t.Run("a page with a limit reads on", func(t *testing.T) {
		page, err := last.Limit(1).Page(ctx)
		require.NoError(t, err)
		require.Equal(t, all[5:], page.Items)
	})
	t.Run("nothing at all", func(t *testing.T) {
		none := q.PageSize(1).Filter(notePage.Gt(99))
		page, err := none.Limit(1).Page(ctx)
		require.NoError(t, err)
		require.Equal(t, monotable.Page[note]{Items: []note{}}, page)
		_, err = none.First(ctx)
		requireError(t, err, monotable.ErrNotFound)
		n, err := none.Count(ctx)
		require.NoError(t, err)
		require.Zero(t, n)
		got, err := none.Collect(ctx)
		require.NoError(t, err)
		require.Equal(t, []note{}, got)
	})
	t.Run("as many as the limit", func(t *testing.T) {
		page, err := q.Limit(6).Page(ctx)
		require.NoError(t, err)
		require.Equal(t, all, page.Items)
		rest, err := q.From(page.Next).Collect(ctx) // Next may be there or not: it is a "maybe"
		require.NoError(t, err)
		if page.Next != "" {
			require.Empty(t, rest)
		}
	})
	t.Run("a page whose last request brings fewer than asked for", func(t *testing.T) {
		page, err := q.PageSize(4).Filter(notePage.Ne(2)).Limit(9).Page(ctx)
		require.NoError(t, err)
		require.Len(t, page.Items, 5)
		require.Empty(t, page.Next)
	})
}

func TestF056_LimitIsNotPageSize(t *testing.T) {
	_, spy, notes, all := openNotes(t, 12)
	ctx := t.Context()
	q := notes.Query(note{Book: "b"})
	for _, row := range []struct {
		name     string
		q        monotable.Query[note]
		items    []note
		requests int64
		read     int32
	}{
		{"neither", q, all, 1, 12},
		{"limit", q.Limit(5), all[:5], 1, 5},
		{"page size", q.PageSize(5), all, 3, 12},
		{"limit over page size", q.PageSize(2).Limit(5), all[:5], 3, 5},
		{"limit under page size", q.PageSize(9).Limit(5), all[:5], 1, 5},
		{"the last of each wins", q.Limit(1).Limit(5).PageSize(1).PageSize(5), all[:5], 1, 5},
		{"with a filter", q.PageSize(4).Limit(2).Filter(notePage.Ge(7)), all[7:9], 3, 12},
	} {
		read := int32(0)
		spy.queries.Store(0)
		spy.onQuery = func(out *dynamodb.QueryOutput, err error) (*dynamodb.QueryOutput, error) {
			read += out.ScannedCount
			return out, err
		}
		got, err := row.q.Collect(ctx)
		require.NoError(t, err, row.name)
		require.Equal(t, row.items, got, row.name)
		require.Equal(t, row.read, read, "%s: no more is read than is wanted", row.name)
		if row.name == "page size" {
			require.LessOrEqual(t, spy.queries.Load(), row.requests+1, row.name)
		} else {
			require.Equal(t, row.requests, spy.queries.Load(), row.name)
		}
		n, err := row.q.Count(ctx)
		require.NoError(t, err, row.name)
		require.Len(t, row.items, n, row.name)
	}
}

func TestF120_QueriesAreValues(t *testing.T) {
	_, _, notes, all := openNotes(t, 6)
	ctx := t.Context()
	base := notes.Query(note{Book: "b"}).Filter(notePage.Ge(1)).SortKey(notePage.Le(4))
	first, second := base.Filter(noteText.Eq("t1")), base.Filter(noteText.Eq("t2"))
	down := base.Descending().Limit(1)
	for range 2 {
		for i, q := range []monotable.Query[note]{base, first, second, down} {
			got, err := q.Collect(ctx)
			require.NoError(t, err)
			require.Equal(t, [][]note{all[1:5], {all[1], all[4]}, {all[2]}, {all[4]}}[i], got)
		}
	}
	request, err := base.Request()
	require.NoError(t, err)
	again, err := base.Request()
	require.NoError(t, err)
	require.Equal(t, request, again)
	require.IsType(t, (*dynamodb.QueryInput)(nil), request)
	scan, err := notes.Scan().Request()
	require.NoError(t, err)
	require.IsType(t, (*dynamodb.ScanInput)(nil), scan)

	t.Run("calls in any order", func(t *testing.T) {
		other := notes.Query(note{Book: "b"}).SortKey(notePage.Le(4)).Filter(notePage.Ge(1))
		got, err := other.Request()
		require.NoError(t, err)
		require.Equal(t, request, got)
	})
	t.Run("the key is the one that was given", func(t *testing.T) {
		key := note{Book: "b"}
		q := notes.Query(key)
		key.Book = "other"
		n, err := q.Count(ctx)
		require.NoError(t, err)
		require.Equal(t, 6, n)
	})
}

func TestF073_AllIsLazyAndStartsAnew(t *testing.T) {
	s, spy, notes, all := openNotes(t, 6)
	ctx := t.Context()
	seq := notes.Query(note{Book: "b"}).PageSize(2).All(ctx)
	require.Zero(t, spy.queries.Load(), "nothing is sent before the first item is asked for")
	for range 2 {
		got, err := collectAll(seq)
		require.NoError(t, err)
		require.Equal(t, all, got)
	}
	t.Run("a break ends it", func(t *testing.T) {
		spy.queries.Store(0)
		for range seq {
			break
		}
		require.Equal(t, int64(1), spy.queries.Load())
		got, err := collectAll(seq)
		require.NoError(t, err)
		require.Equal(t, all, got)
	})
	t.Run("an error is the last pair, and then it starts anew", func(t *testing.T) {
		errDown := errors.New("down")
		spy.queries.Store(0)
		spy.onQuery = func(out *dynamodb.QueryOutput, err error) (*dynamodb.QueryOutput, error) {
			if spy.queries.Load() == 2 {
				return nil, errDown
			}
			return out, err
		}
		var items, fails int
		for _, err := range seq {
			if err != nil {
				require.ErrorIs(t, err, errDown)
				fails++
				continue
			}
			items++
		}
		require.Equal(t, []int{2, 1}, []int{items, fails})
		got, err := collectAll(seq)
		require.NoError(t, err)
		require.Equal(t, all, got)
		spy.onQuery = nil
	})
	t.Run("a context that ends between pages", func(t *testing.T) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		items := 0
		var last error
		for _, err := range notes.Query(note{Book: "b"}).PageSize(2).All(ctx) {
			if last = err; err == nil {
				items++
				cancel()
			}
		}
		require.ErrorIs(t, last, context.Canceled)
		require.Equal(t, 2, items)
	})
	t.Run("F068: an item that does not decode", func(t *testing.T) {
		s.write(with(rawNote("0002", "Note"), rawItem{"page": avS("two")}))
		got, err := collectAll(seq)
		require.Equal(t, all[:2], got)
		failed, ok := errors.AsType[*monotable.DecodeError](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, avS("NOTE#0002"), failed.Item["SK"], "it carries the item's key")
		require.ErrorContains(t, err, "page")
		require.False(t, failed.Written)
	})
}

// TestF068_TheRestStaysReachable pages past an item that does not decode.
func TestF068_TheRestStaysReachable(t *testing.T) {
	s, _, notes, all := openNotes(t, 5)
	s.write(with(rawNote("0002", "Note"), rawItem{"page": avS("two")}))
	var got []note
	failures := 0
	q := notes.Query(note{Book: "b"}).Limit(4)
	cursor := monotable.Cursor("")
	for range 4 {
		page, err := q.From(cursor).Page(t.Context())
		got = append(got, page.Items...)
		if err != nil {
			require.ErrorAs(t, err, new(*monotable.DecodeError))
			failures++
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	require.Equal(t, 1, failures)
	require.Equal(t, append(all[:2:2], all[3:]...), got)
}

func TestF071_TheSamePageTwice(t *testing.T) {
	_, spy, notes, _ := openNotes(t, 3)
	spy.onQuery = func(out *dynamodb.QueryOutput, err error) (*dynamodb.QueryOutput, error) {
		out.LastEvaluatedKey = keyPS("BOOK#b", "NOTE#0000")
		return out, err
	}
	_, err := notes.Query(note{Book: "b"}).PageSize(1).Collect(t.Context())
	require.Error(t, err)
	require.LessOrEqual(t, spy.queries.Load(), int64(3))
}

// TestF060_RefusedQueries is what the service refuses, or what means nothing: refused before sending.
func TestF060_RefusedQueries(t *testing.T) {
	a := openAccounts(t)
	spy := &spyClient{Client: a.client}
	e := mustEntity(t, a.over(spy), accountSchema())
	q := e.Query(account{ID: "ann"})
	many := make([]string, 101)
	for name, q := range map[string]monotable.Query[account]{
		"a consistent read of a global index":       e.Query(account{Email: "a@x.io"}).Index("GSI1").With(monotable.Consistent()),
		"Limit 0":                                   q.Limit(0),
		"Limit -1":                                  q.Limit(-1).Limit(5),
		"PageSize 0":                                q.PageSize(0),
		"no partition key":                          e.Query(account{}),
		"no partition key of an index":              e.Query(account{ID: "ann"}).Index("GSI1"),
		"an index that the table lacks":             q.Index("GSI9"),
		"the delimiter in the partition key":        e.Query(account{ID: "a#b"}),
		"a filter on the key attribute that is T's": e.Scan().Index("GSI1").SortKey(accountEmail.Eq("a@x.io")),
		"Between low above high in a filter":        q.Filter(accountLogins.Between(2, 1)),
		"an empty prefix in a filter":               q.Filter(monotable.HasPrefix(accountPlan, "")),
		"an empty text in Contains":                 q.Filter(monotable.ContainsText(accountPlan, "")),
		"In without values":                         q.Filter(accountPlan.In()),
		"In of 101":                                 q.Filter(accountPlan.In(many...)),
		"All of nothing":                            q.Filter(monotable.All[account]()),
		"Any of nothing":                            q.Filter(monotable.Any[account]()),
		"Not of nil":                                q.Filter(monotable.Not[account](nil)),
		"a nil filter":                              q.Filter(nil),
		"a zero Attr":                               q.Filter(monotable.Attr[account, string]{}.Exists()),
		"a zero KeyCond":                            q.Filter(monotable.KeyCond[account]{}),
		"a selector that leaves the struct":         q.Filter(monotable.Field(func(*account) *string { return new(string) }).Exists()),
		"an attribute with itself":                  q.Filter(accountPlan.EqAttr(accountPlan)),
		"a Scan with a sort key":                    e.Scan().SortKey(accountID.Eq("a")),
		"a Scan with an order":                      e.Scan().Descending(),
		"a path that T does not have":               q.Filter(monotable.Path[string](e, "prefs.nope").Exists()),
		"the zero value of an omitempty attribute":  q.Filter(accountSecret.Eq("")),
	} {
		_, err := q.Collect(t.Context())
		require.Error(t, err, name)
		require.ErrorIs(t, err, monotable.ErrInvalid, name)
		_, err = q.Count(t.Context())
		require.ErrorIs(t, err, monotable.ErrInvalid, name)
		_, err = q.Page(t.Context())
		require.ErrorIs(t, err, monotable.ErrInvalid, name)
		_, err = q.First(t.Context())
		require.ErrorIs(t, err, monotable.ErrInvalid, name)
		_, err = q.Request()
		require.ErrorIs(t, err, monotable.ErrInvalid, name)
		for _, err := range q.All(t.Context()) {
			require.ErrorIs(t, err, monotable.ErrInvalid, name)
		}
	}
	_, err := monotable.Query[account]{}.Collect(t.Context())
	requireError(t, err, monotable.ErrInvalid)
	require.Zero(t, spy.calls())
}

func TestF122_ForeignCursors(t *testing.T) {
	a := openAccounts(t)
	for i := range 4 {
		id := fmt.Sprint(i)
		a.write(with(rawAccount(id), rawItem{"GSI1PK": avS("EMAIL#same"), "email": avS("same")}))
	}
	spy := &spyClient{Client: a.client}
	ctx := t.Context()
	table := a.over(spy)
	e := mustEntity(t, table, accountSchema())
	counters := mustEntity(t, table, counterSchema())
	byEmail := e.Query(account{Email: "same"}).Index("GSI1")
	page, err := byEmail.Limit(2).Page(ctx)
	require.NoError(t, err)
	require.Len(t, page.Items, 2)
	rest, err := byEmail.From(page.Next).Collect(ctx)
	require.NoError(t, err)
	require.Len(t, rest, 2)
	spy.queries.Store(0)
	for name, call := range map[string]func() error{
		"garbage":         func() error { _, err := byEmail.From("garbage").Collect(ctx); return err },
		"not base64":      func() error { _, err := byEmail.From("!\x00é").Collect(ctx); return err },
		"cut":             func() error { _, err := byEmail.From(page.Next[:len(page.Next)-3]).Collect(ctx); return err },
		"longer than any": func() error { _, err := byEmail.From(monotable.Cursor(make([]byte, 1<<20))).Collect(ctx); return err },
		"another partition": func() error {
			_, err := e.Query(account{Email: "b"}).Index("GSI1").From(page.Next).Collect(ctx)
			return err
		},
		"the table itself": func() error { _, err := e.Query(account{ID: "0"}).From(page.Next).Collect(ctx); return err },
		"another index": func() error {
			_, err := e.Query(account{Region: "eu"}).Index("GSI2").From(page.Next).Collect(ctx)
			return err
		},
		"the other direction":   func() error { _, err := byEmail.Descending().From(page.Next).Collect(ctx); return err },
		"a scan of the index":   func() error { _, err := e.Scan().Index("GSI1").From(page.Next).Collect(ctx); return err },
		"a scan of the table":   func() error { _, err := e.Scan().From(page.Next).Collect(ctx); return err },
		"another entity's scan": func() error { _, err := counters.Scan().From(page.Next).Collect(ctx); return err },
	} {
		err := call()
		require.Error(t, err, name)
		require.ErrorIs(t, err, monotable.ErrBadCursor, name)
		require.NotErrorIs(t, err, monotable.ErrNotFound, name)
	}
	require.Zero(t, spy.calls())
	t.Run("a cursor of a scan", func(t *testing.T) {
		seen := map[string]bool{}
		cursor := monotable.Cursor("")
		for range 9 {
			page, err := e.Scan().Limit(1).From(cursor).Page(ctx)
			require.NoError(t, err)
			for _, item := range page.Items {
				require.False(t, seen[item.ID])
				seen[item.ID] = true
			}
			if cursor = page.Next; cursor == "" {
				break
			}
		}
		require.Len(t, seen, 4)
	})
}

// TestF058_CursorsKeepKeysExactly pages over keys that a float would spoil.
func TestF058_CursorsKeepKeysExactly(t *testing.T) {
	s := openStore(t, monotable.TableConfig{PartitionKey: "part", PartitionKeyType: types.ScalarAttributeTypeN, SortKey: "rank", SortKeyType: types.ScalarAttributeTypeN})
	e := mustEntity(t, s.Table, monotable.Schema[cell[int64]]{Name: "Cell"})
	for i := range int64(4) {
		_, err := e.Create(t.Context(), cell[int64]{Part: 9007199254740993, Rank: 9007199254740991 + i})
		require.NoError(t, err)
	}
	var ranks []int64
	cursor := monotable.Cursor("")
	for range 5 {
		page, err := e.Query(cell[int64]{Part: 9007199254740993}).Limit(1).From(cursor).Page(t.Context())
		require.NoError(t, err)
		for _, item := range page.Items {
			ranks = append(ranks, item.Rank)
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	require.Equal(t, []int64{9007199254740991, 9007199254740992, 9007199254740993, 9007199254740994}, ranks)
}
