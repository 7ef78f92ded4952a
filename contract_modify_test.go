package monotable_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
)

// doc has no version: Modify conditions on the old values of what it changes.
type doc struct {
	ID    string              `dynamodbav:"id"`
	Title string              `dynamodbav:"title"`
	Size  int                 `dynamodbav:"size"`
	Meta  docMeta             `dynamodbav:"meta"`
	Extra *docMeta            `dynamodbav:"extra"`
	Lines []docMeta           `dynamodbav:"lines"`
	Index map[string]docMeta  `dynamodbav:"index"`
	Words map[string]string   `dynamodbav:"words"`
	Marks []string            `dynamodbav:"marks,stringset"`
	Deep  map[string][]string `dynamodbav:"deep"`
}

type docMeta struct {
	Author string   `dynamodbav:"author"`
	Pages  int      `dynamodbav:"pages"`
	Keys   []string `dynamodbav:"keys"`
}

func docSchema() monotable.Schema[doc] {
	return monotable.Schema[doc]{Name: "Doc", Key: monotable.Key{Partition: "DOC#{id}", Sort: "D"}}
}

// rawDoc has attributes that doc does not know, at every level.
func rawDoc() rawItem {
	meta := func(author string) rawItem {
		return rawItem{"author": avS(author), "pages": avN("1"), "keys": avL(avS("k")), "x": avS("unknown")}
	}
	return rawItem{
		"PK": avS("DOC#d"), "SK": avS("D"), "_et": avS("Doc"), "id": avS("d"), "title": avS("t"), "size": avN("1"), "x": avS("unknown"),
		"meta": avM(meta("a")), "extra": avM(meta("b")), "lines": avL(avM(meta("c"))), "index": avM(rawItem{"i": avM(meta("e")), "j": avM(meta("f"))}),
		"words": avM(rawItem{"a.b": avS("dotted"), "#": avS("hash")}), "marks": avSS("m"), "deep": avM(rawItem{"p": avL(avS("q"))}),
	}
}

func TestF093_ModifyWritesOnlyWhatChanged(t *testing.T) {
	s := openStore(t, monotable.TableConfig{})
	docs := mustEntity(t, s.Table, docSchema())
	meta := func(changes rawItem) rawItem {
		return with(rawItem{"author": avS("a"), "pages": avN("1"), "keys": avL(avS("k")), "x": avS("unknown")}, changes)
	}
	for _, row := range []struct {
		name   string
		change func(*doc)
		want   rawItem // what differs afterwards
	}{
		{"a field", func(d *doc) { d.Title = "new" }, rawItem{"title": avS("new")}},
		{"to zero", func(d *doc) { d.Title, d.Size = "", 0 }, rawItem{"title": avS(""), "size": avN("0")}},
		{"a nested field", func(d *doc) { d.Meta.Pages = 2 }, rawItem{"meta": avM(meta(rawItem{"pages": avN("2")}))}},
		{"behind a pointer", func(d *doc) { d.Extra.Pages = 2 }, rawItem{"extra": avM(meta(rawItem{"author": avS("b"), "pages": avN("2")}))}},
		{"a list in a struct, whole", func(d *doc) { d.Meta.Keys = append(d.Meta.Keys, "l") }, rawItem{"meta": avM(meta(rawItem{"keys": avL(avS("k"), avS("l"))}))}},
		{"a nil list", func(d *doc) { d.Meta.Keys = nil }, rawItem{"meta": avM(meta(rawItem{"keys": nil}))}},
		{"a nil pointer", func(d *doc) { d.Extra = nil }, rawItem{"extra": nil}},
		{
			"a field of a map's element", func(d *doc) { m := d.Index["i"]; m.Author = "z"; d.Index["i"] = m },
			rawItem{"index": avM(rawItem{"i": avM(meta(rawItem{"author": avS("z")})), "j": avM(meta(rawItem{"author": avS("f")}))})},
		},
		{"an element gone", func(d *doc) { delete(d.Index, "i") }, rawItem{"index": avM(rawItem{"j": avM(meta(rawItem{"author": avS("f")}))})}},
		{
			"an element more", func(d *doc) { d.Words["c.d"] = "new"; delete(d.Words, "#") },
			rawItem{"words": avM(rawItem{"a.b": avS("dotted"), "c.d": avS("new")})},
		},
		{"a set", func(d *doc) { d.Marks = []string{"n"} }, rawItem{"marks": avSS("n")}},
		{"an empty set", func(d *doc) { d.Marks = []string{} }, rawItem{"marks": nil}},
		{"an empty map", func(d *doc) { d.Deep = map[string][]string{} }, rawItem{"deep": avM(rawItem{})}},
		{"a list in a map", func(d *doc) { d.Deep["p"][0] = "r" }, rawItem{"deep": avM(rawItem{"p": avL(avS("r"))})}},
	} {
		t.Run(row.name, func(t *testing.T) {
			s.write(rawDoc())
			got, err := docs.Modify(t.Context(), doc{ID: "d"}, func(d *doc) error { row.change(d); return nil })
			require.NoError(t, err)
			require.Equal(t, with(rawDoc(), row.want), s.stored(keyPS("DOC#d", "D")))
			read, err := docs.Get(t.Context(), doc{ID: "d"})
			require.NoError(t, err)
			require.Equal(t, read, got)
		})
	}
}

func TestModifyWithoutAChangeWritesNothing(t *testing.T) {
	a := openAccounts(t)
	a.write(with(rawAccount("ann"), rawItem{"secret": avS("s")}))
	spy := &spyClient{Client: a.client}
	e := mustEntity(t, a.over(spy), accountSchema())
	a.clock.forward(time.Hour)
	for _, e := range []*monotable.Entity[account]{e, e.With(monotable.Reveal())} {
		got, err := e.Modify(t.Context(), account{ID: "ann"}, func(a *account) error {
			a.Tags, a.Labels = nil, map[string]string{"origin": "web"}
			a.Email = " ANN@x.io" // the transform makes the stored value of it
			return nil
		})
		require.NoError(t, err)
		require.Equal(t, int64(1), got.Version)
		require.Equal(t, noon, got.Updated)
	}
	require.Zero(t, spy.updates.Load()+spy.puts.Load())
	require.Equal(t, with(rawAccount("ann"), rawItem{"secret": avS("s")}), a.raw("ann"))

	t.Run("but a version in the key is checked all the same", func(t *testing.T) {
		called := false
		_, err := e.Modify(t.Context(), account{ID: "ann", Version: 9}, func(*account) error { called = true; return nil })
		requireError(t, err, monotable.ErrVersionConflict, monotable.ErrConditionFailed)
		require.False(t, called, "the function must not see a version that the caller did not mean")
	})
}

func TestModifyFollowsTheRules(t *testing.T) {
	a := openAccounts(t)
	a.write(with(rawAccount("ann"), rawItem{"secret": avS("s3cret")}))
	later := a.clock.forward(time.Minute)
	got, err := a.Modify(t.Context(), account{ID: "ann"}, func(a *account) error {
		if a.Secret != "" {
			return errors.New("a hidden attribute is zero")
		}
		a.Email, a.Region, a.Prefs.Theme = " NEW@x.io", "eu", ""
		return nil
	})
	require.NoError(t, err)
	want := newAccount("ann")
	want.Email, want.Region, want.Updated, want.Version = "new@x.io", "eu", later, 2
	require.Equal(t, want, got)
	require.Equal(t, with(rawAccount("ann"), rawItem{
		"email": avS("new@x.io"), "region": avS("eu"), "secret": avS("s3cret"), "updatedAt": avS(sortable(later)), "version": avN("2"),
		"GSI1PK": avS("EMAIL#new@x.io"), "GSI2PK": avS("REGION#eu"), "GSI2SK": avS("PLAN#free"),
	}), a.raw("ann"))

	for _, row := range []struct {
		name   string
		change func(*account)
	}{
		{"the key", func(a *account) { a.ID = "bob" }},
		{"the version", func(a *account) { a.Version = 7 }},
		{"CreatedAt", func(a *account) { a.Created = a.Created.Add(1) }},
		{"a value that validators refuse", func(a *account) { a.Plan = "gold" }},
		{"a required value to zero", func(a *account) { a.Email = "" }},
		{"an item that Validate refuses", func(a *account) { a.Plan, a.Region = "team", "" }},
		{"Min", func(a *account) { a.Logins = -1 }},
	} {
		t.Run("refused: "+row.name, func(t *testing.T) {
			before := a.raw("ann")
			_, err := a.Modify(t.Context(), account{ID: "ann"}, func(a *account) error { row.change(a); return nil })
			requireError(t, err, monotable.ErrInvalid)
			require.Equal(t, before, a.raw("ann"))
		})
	}
}

func TestModifyEndsWithTheFunctionsError(t *testing.T) {
	a := openAccounts(t)
	a.write(rawAccount("ann"))
	errMine := errors.New("mine")
	calls := 0
	got, err := a.Modify(t.Context(), account{ID: "ann"}, func(a *account) error {
		calls++
		a.Plan = "pro"
		return errMine
	})
	requireError(t, err, errMine)
	require.ErrorIs(t, err, errMine)
	op, ok := errors.AsType[*monotable.OpError](err)
	require.True(t, ok)
	require.Equal(t, "Modify", op.Op)
	require.Equal(t, account{}, got)
	require.Equal(t, 1, calls)
	require.Equal(t, rawAccount("ann"), a.raw("ann"))

	_, err = a.Modify(t.Context(), account{ID: "ann"}, nil)
	requireError(t, err, monotable.ErrInvalid)
}

// interfering is a client before whose first updates another writer comes.
type interfering struct {
	spyClient
	times int
	write func()
}

func (c *interfering) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	if int(c.updates.Load()) < c.times {
		c.write()
	}
	return c.spyClient.UpdateItem(ctx, in, opts...)
}

func TestF021_ModifyReadsAgain(t *testing.T) {
	s := openStore(t, monotable.TableConfig{})
	docs := mustEntity(t, s.Table, docSchema())
	title := monotable.Field(func(d *doc) *string { return &d.Title })
	size := monotable.Field(func(d *doc) *int { return &d.Size })
	for _, row := range []struct {
		name  string
		other monotable.Change[doc]
		calls int
		size  int
	}{
		{"another writer of the same attribute", monotable.Add(size, 10), 3, 31},
		{"another writer of another attribute does not matter", title.Set("other"), 1, 11},
	} {
		t.Run(row.name, func(t *testing.T) {
			s.write(rawDoc())
			client := &interfering{times: 2, write: func() {
				_, err := docs.Update(t.Context(), doc{ID: "d"}, row.other)
				require.NoError(t, err)
			}}
			client.Client = s.client
			calls := 0
			got, err := mustEntity(t, s.over(client), docSchema()).Modify(t.Context(), doc{ID: "d"}, func(d *doc) error {
				calls++
				d.Size += 10
				return nil
			})
			require.NoError(t, err)
			require.Equal(t, row.calls, calls)
			require.Equal(t, row.size, got.Size)
			require.Equal(t, int64(row.calls), client.gets.Load(), "nothing but the reads of each attempt")
			require.Zero(t, client.stale.Load(), "which are consistent")
		})
	}
	t.Run("bounded by Attempts", func(t *testing.T) {
		s.write(rawDoc())
		client := &interfering{times: 99, write: func() {
			_, err := docs.Update(t.Context(), doc{ID: "d"}, monotable.Add(size, 1))
			require.NoError(t, err)
		}}
		client.Client = s.client
		e := mustEntity(t, s.over(client), docSchema()).With(monotable.Attempts(3))
		_, err := e.Modify(t.Context(), doc{ID: "d"}, func(d *doc) error { d.Size += 10; return nil })
		requireError(t, err, monotable.ErrConditionFailed)
		require.Equal(t, int64(3), client.updates.Load())
		require.Equal(t, avN("4"), s.stored(keyPS("DOC#d", "D"))["size"])
	})
	t.Run("the item is deleted meanwhile", func(t *testing.T) {
		s.write(rawDoc())
		client := &interfering{times: 1, write: func() { require.NoError(t, s.remove(rawDoc())) }}
		client.Client = s.client
		_, err := mustEntity(t, s.over(client), docSchema()).Modify(t.Context(), doc{ID: "d"}, func(d *doc) error { d.Size += 10; return nil })
		require.ErrorIs(t, err, monotable.ErrNotFound)
		require.Empty(t, s.dump())
	})
	t.Run("bounded by the context", func(t *testing.T) {
		s.write(rawDoc())
		ctx, cancel := context.WithCancel(t.Context())
		client := &interfering{times: 99, write: func() {
			_, err := docs.Update(t.Context(), doc{ID: "d"}, monotable.Add(size, 1))
			require.NoError(t, err)
		}}
		client.Client = s.client
		client.onError = func(err error) error { cancel(); return err }
		_, err := mustEntity(t, s.over(client), docSchema()).Modify(ctx, doc{ID: "d"}, func(d *doc) error { d.Size += 10; return nil })
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, int64(1), client.updates.Load())
	})
}

func TestModifyUnderAVersion(t *testing.T) {
	s := openStore(t, monotable.TableConfig{})
	e := mustEntity(t, s.Table, counterSchema())
	seedCounter(t, s, "3")
	client := &interfering{times: 1, write: func() {
		_, err := e.Update(t.Context(), counter{ID: "c"}, counterN.Set(100))
		require.NoError(t, err)
	}}
	client.Client = s.client
	through := mustEntity(t, s.over(client), counterSchema())
	got, err := through.Modify(t.Context(), counter{ID: "c"}, func(c *counter) error { c.N++; return nil })
	require.NoError(t, err)
	require.Equal(t, counter{"c", 101, 5}, got)

	t.Run("a version in the key is not tried again", func(t *testing.T) {
		client.times = 99
		_, err := through.Modify(t.Context(), counter{ID: "c", Ver: 5}, func(c *counter) error { c.N++; return nil })
		requireError(t, err, monotable.ErrVersionConflict, monotable.ErrConditionFailed)
		require.Equal(t, rawCounter("100", "6"), s.stored(keyPS("COUNTER#c", "C")))
	})
}
