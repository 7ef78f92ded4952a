package monotable_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
)

// note is an entity without rules, for what only keys and tags decide.
type note struct {
	Book string `dynamodbav:"book"`
	Page int    `dynamodbav:"page"`
	Text string `dynamodbav:"text"`
}

var (
	notePage = monotable.Field(func(n *note) *int { return &n.Page })
	noteText = monotable.Field(func(n *note) *string { return &n.Text })
)

func noteSchema(change func(*monotable.Schema[note])) monotable.Schema[note] {
	s := monotable.Schema[note]{Name: "Note", Key: monotable.Key{Partition: "BOOK#{book}", Sort: "NOTE#{page:04}"}}
	if change != nil {
		change(&s)
	}
	return s
}

// rawNote is a note with a tag; "" for none.
func rawNote(page, tag string) rawItem {
	item := rawItem{"PK": avS("BOOK#b"), "SK": avS("NOTE#" + page), "book": avS("b"), "page": avN("1"), "text": avS("old"), "_et": avS(tag)}
	if tag == "" {
		delete(item, "_et")
	}
	return item
}

// TestF067_TagsAndModes goes through every verb over items with the entity's tag, none, an alias, and another's, in every mode.
func TestF067_TagsAndModes(t *testing.T) {
	t.Parallel()
	const (
		fine  = "fine"
		wrong = "wrong"
	)
	for _, row := range []struct {
		name    string
		mode    monotable.TagMode
		aliases []string
		stored  string // the tag of the stored item
		want    string
		after   string // the tag after a write
	}{
		{"required, own", monotable.TagRequired, nil, "Note", fine, "Note"},
		{"required, none", monotable.TagRequired, nil, "", wrong, ""},
		{"required, another's", monotable.TagRequired, nil, "Other", wrong, ""},
		{"required, of another case", monotable.TagRequired, nil, "note", wrong, ""},
		{"required, an alias", monotable.TagRequired, []string{"Memo", "Old"}, "Memo", fine, "Note"},
		{"required, not an alias", monotable.TagRequired, []string{"Memo", "Old"}, "Other", wrong, ""},
		{"optional, own", monotable.TagOptional, nil, "Note", fine, "Note"},
		{"optional, none", monotable.TagOptional, nil, "", fine, "Note"},
		{"optional, an alias", monotable.TagOptional, []string{"Memo"}, "Memo", fine, "Note"},
		{"optional, another's", monotable.TagOptional, nil, "Other", wrong, ""},
		{"none, none", monotable.TagNone, nil, "", fine, ""},
		{"none, another's", monotable.TagNone, nil, "Other", fine, "Other"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := openStore(t, monotable.TableConfig{})
			notes := mustEntity(t, s.Table, noteSchema(func(sc *monotable.Schema[note]) { sc.Tag, sc.Aliases = row.mode, row.aliases }))
			ctx := t.Context()
			key := note{Book: "b", Page: 1}
			at := keyPS("BOOK#b", "NOTE#0001")
			seed := rawNote("0001", row.stored)
			old, changed := note{"b", 1, "old"}, note{"b", 1, "new"}
			for _, verb := range []struct {
				name   string
				call   func() (note, error)
				want   note
				writes bool
			}{
				{"Get", func() (note, error) { return notes.Get(ctx, key) }, old, false},
				{"Query", func() (note, error) { return notes.Query(key).First(ctx) }, old, false},
				{"Put", func() (note, error) { return notes.Put(ctx, changed) }, changed, true},
				{"Put with a condition", func() (note, error) { return notes.Put(ctx, changed, noteText.Eq("old")) }, changed, true},
				{"Update", func() (note, error) { return notes.Update(ctx, key, noteText.Set("new")) }, changed, true},
				{"Upsert", func() (note, error) { return notes.Upsert(ctx, key, noteText.Set("new")) }, changed, true},
				{"Modify", func() (note, error) {
					return notes.Modify(ctx, key, func(n *note) error { n.Text = "new"; return nil })
				}, changed, true},
				{"Delete", func() (note, error) {
					old, err := notes.Delete(ctx, key)
					if old == nil {
						old = &note{}
					}
					return *old, err
				}, old, false},
				{"Delete with a condition", func() (note, error) {
					old, err := notes.Delete(ctx, key, noteText.Eq("old"))
					if old == nil {
						old = &note{}
					}
					return *old, err
				}, old, false},
			} {
				s.write(seed)
				got, err := verb.call()
				if row.want == fine {
					require.NoError(t, err, verb.name)
					require.Equal(t, verb.want, got, verb.name)
					if verb.writes {
						want := with(seed, rawItem{"text": avS("new"), "_et": avS(row.after)})
						if row.after == "" || row.mode == monotable.TagNone && verb.name[:3] == "Put" {
							delete(want, "_et")
						}
						require.Equal(t, want, s.stored(at), verb.name)
					}
					continue
				}
				require.ErrorIs(t, err, monotable.ErrWrongEntity, verb.name)
				require.NotErrorIs(t, err, monotable.ErrNotFound, verb.name)
				require.Equal(t, seed, s.stored(at), verb.name)
				_, ok := notes.Old(err)
				require.False(t, ok, "an item of another entity is never decoded as this one")
			}
			s.write(seed)
			_, err := notes.Create(ctx, changed)
			require.ErrorIs(t, err, monotable.ErrAlreadyExists)
			require.Equal(t, row.want == wrong, errors.Is(err, monotable.ErrWrongEntity))
			n, err := notes.Scan().Count(ctx)
			require.NoError(t, err)
			require.Equal(t, row.want == fine, n == 1, "a scan takes what is the entity's and drops the rest")
		})
	}
}

// event is one of several types of event in one stream.
type event[V any] struct {
	Stream string `dynamodbav:"stream"`
	Seq    int    `dynamodbav:"seq"`
	Data   V      `dynamodbav:"data"`
}

func TestFamily(t *testing.T) {
	s := openStore(t, monotable.TableConfig{})
	ctx := t.Context()
	key := monotable.Key{Partition: "STREAM#{stream}", Sort: "{seq:06}"}
	opened := mustEntity(t, s.Table, monotable.Schema[event[string]]{Name: "Opened", Key: key, Family: "stream"})
	counted := mustEntity(t, s.Table, monotable.Schema[event[int]]{Name: "Counted", Key: key, Family: "stream"})
	openedSeq := monotable.Field(func(e *event[string]) *int { return &e.Seq })
	for i := 1; i <= 9; i += 2 {
		_, err := opened.Create(ctx, event[string]{"s", i, "x"})
		require.NoError(t, err)
		_, err = counted.Create(ctx, event[int]{"s", i + 1, i})
		require.NoError(t, err)
	}
	got, err := opened.Query(event[string]{Stream: "s"}).Collect(ctx)
	require.NoError(t, err)
	require.Equal(t, []event[string]{{"s", 1, "x"}, {"s", 3, "x"}, {"s", 5, "x"}, {"s", 7, "x"}, {"s", 9, "x"}}, got)
	got, err = opened.Query(event[string]{Stream: "s"}).SortKey(openedSeq.Between(2, 7)).Descending().Limit(2).PageSize(1).Collect(ctx)
	require.NoError(t, err)
	require.Equal(t, []event[string]{{"s", 7, "x"}, {"s", 5, "x"}}, got)
	n, err := counted.Query(event[int]{Stream: "s"}).Count(ctx)
	require.NoError(t, err)
	require.Equal(t, 5, n)

	_, err = opened.Get(ctx, event[string]{Stream: "s", Seq: 2})
	requireError(t, err, monotable.ErrWrongEntity)
	_, err = opened.Create(ctx, event[string]{"s", 2, "x"})
	requireError(t, err, monotable.ErrWrongEntity, monotable.ErrAlreadyExists, monotable.ErrConditionFailed)
	_, err = opened.Put(ctx, event[string]{"s", 2, "x"})
	requireError(t, err, monotable.ErrWrongEntity, monotable.ErrConditionFailed)
	_, err = opened.Delete(ctx, event[string]{Stream: "s", Seq: 2})
	requireError(t, err, monotable.ErrWrongEntity, monotable.ErrConditionFailed)
	require.Len(t, s.dump(), 10)
}

// TestF067_ForeignItemsInAQuery shows where a filter keeps other entities' items away, and where one that should not be there is an error.
func TestF067_ForeignItemsInAQuery(t *testing.T) {
	s := openStore(t, monotable.TableConfig{})
	ctx := t.Context()
	notes := mustEntity(t, s.Table, noteSchema(nil))
	covers := mustEntity(t, s.Table, monotable.Schema[cell[string]]{Name: "Cover", Key: monotable.Key{Partition: "BOOK#{part}", Sort: "COVER"}})
	for page := range 3 {
		_, err := notes.Create(ctx, note{"b", page, "t"})
		require.NoError(t, err)
	}
	_, err := covers.Create(ctx, cell[string]{Part: "b"})
	require.NoError(t, err)
	all, err := notes.Query(note{Book: "b"}).Collect(ctx)
	require.NoError(t, err)
	require.Len(t, all, 3)
	cover, err := covers.Query(cell[string]{Part: "b"}).Collect(ctx)
	require.NoError(t, err)
	require.Len(t, cover, 1)

	s.write(with(rawNote("0001", "Stranger"), rawItem{"page": avN("1")}))
	for i, q := range []monotable.Query[note]{notes.Query(note{Book: "b"}), notes.Query(note{Book: "b"}).SortKey(notePage.Ge(0)), notes.Query(note{Book: "b"}).PageSize(1)} {
		got, err := collectAll(q.All(ctx))
		if err == nil { // dropped by a filter
			require.Len(t, got, 2, "query %d", i)
			continue
		}
		requireError(t, err, monotable.ErrWrongEntity)
		require.Len(t, got, 1, "query %d: the error is the last pair", i)
	}
	n, err := notes.Scan().Count(ctx)
	require.NoError(t, err)
	require.Equal(t, 2, n)
}

// TestF103_PutOverAnotherEntity is what the static check of keys cannot see: an item of an entity that this program does not know.
func TestF103_PutOverAnotherEntity(t *testing.T) {
	s := openStore(t, monotable.TableConfig{})
	notes := mustEntity(t, s.Table, noteSchema(nil))
	seed := rawNote("0001", "Unknown")
	s.write(seed)
	_, err := notes.Put(t.Context(), note{"b", 1, "new"})
	requireError(t, err, monotable.ErrWrongEntity, monotable.ErrConditionFailed)
	require.Equal(t, seed, s.stored(keyPS("BOOK#b", "NOTE#0001")))
}
