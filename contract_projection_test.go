package monotable_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
)

// Smaller structs, and indexes that do not hold all of an item.

type film struct {
	ID     string     `dynamodbav:"id"`
	Studio string     `dynamodbav:"studio"`
	Title  string     `dynamodbav:"title"`
	Year   int        `dynamodbav:"year"`
	Facts  filmFacts  `dynamodbav:"facts"`
	Shown  time.Time  `dynamodbav:"shown"`
	Stars  *filmStars `dynamodbav:"stars"`
}

type filmFacts struct {
	Length int    `dynamodbav:"length"`
	Plot   string `dynamodbav:"plot"`
}

type filmStars struct {
	Names []string `dynamodbav:"names,stringset"`
}

// filmLine and its kin are views.
type (
	filmLine struct {
		ID    string `dynamodbav:"id"`
		Title string `dynamodbav:"title"`
	}
	filmNested struct {
		Year  int `dynamodbav:"year"`
		Facts struct {
			Length int `dynamodbav:"length"`
		} `dynamodbav:"facts"`
		Shown time.Time  `dynamodbav:"shown"`
		Stars *filmStars `dynamodbav:"stars"`
	}
	filmWrongType struct {
		Year string `dynamodbav:"year"`
	}
	filmUnknown struct {
		Rating int `dynamodbav:"rating"`
	}
	filmKeys struct {
		Studio string `dynamodbav:"studio"`
	}
)

var (
	filmYear  = monotable.Field(func(f *film) *int { return &f.Year })
	filmTitle = monotable.Field(func(f *film) *string { return &f.Title })
	filmShown = monotable.Field(func(f *film) *time.Time { return &f.Shown })
)

func openFilms(t *testing.T) (*store, *monotable.Entity[film]) {
	t.Helper()
	keysOnly := types.Projection{ProjectionType: types.ProjectionTypeKeysOnly}
	s := openStore(t, monotable.TableConfig{PartitionKey: "PK", SortKey: "SK", Indexes: []monotable.Index{
		{Name: "all", PartitionKey: "APK", SortKey: "ASK"},
		{Name: "some", PartitionKey: "APK", SortKey: "SK", Projection: types.Projection{
			ProjectionType: types.ProjectionTypeInclude, NonKeyAttributes: []string{"title", "id", "_et"},
		}},
		{Name: "untagged", PartitionKey: "APK", SortKey: "PK", Projection: types.Projection{
			ProjectionType: types.ProjectionTypeInclude, NonKeyAttributes: []string{"title", "id"},
		}},
		{Name: "natural", PartitionKey: "studio", SortKey: "year", SortKeyType: "N", Projection: keysOnly},
	}})
	films := mustEntity(t, s.Table, monotable.Schema[film]{
		Name: "Film", Key: monotable.Key{Partition: "FILM#{id}", Sort: "FILM"},
		Indexes: map[string]monotable.Key{"all": {Partition: "STUDIO#{studio}", Sort: "{year:04}"}},
		Rules:   []monotable.Rule[film]{monotable.TimeLayout(filmShown, "02.01.2006")},
	})
	for i, title := range []string{"A", "B", "C"} {
		_, err := films.Create(t.Context(), film{
			ID: title, Studio: "s", Title: title, Year: 2000 + i, Facts: filmFacts{90 + i, "plot"}, Shown: noon, Stars: &filmStars{[]string{"x"}},
		})
		require.NoError(t, err)
	}
	return s, films
}

func TestAs(t *testing.T) {
	s, films := openFilms(t)
	ctx := t.Context()
	q := films.Query(film{ID: "B"})
	line, err := monotable.As[filmLine](q).First(ctx)
	require.NoError(t, err)
	require.Equal(t, filmLine{"B", "B"}, line)
	nested, err := monotable.As[filmNested](q).Collect(ctx)
	require.NoError(t, err)
	require.Len(t, nested, 1)
	require.Equal(t, []int{2001, 91}, []int{nested[0].Year, nested[0].Facts.Length})
	require.True(t, nested[0].Shown.Equal(time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)), "the rules of T hold: %v", nested[0].Shown)
	require.Equal(t, []string{"x"}, nested[0].Stars.Names)

	lines, err := monotable.As[filmLine](films.Query(film{Studio: "s"}).Index("all").Filter(filmYear.Ge(2001)).Descending()).Collect(ctx)
	require.NoError(t, err)
	require.Equal(t, []filmLine{{"C", "C"}, {"B", "B"}}, lines, "a filter may use what is not read")
	lines, err = collectAll(monotable.As[filmLine](films.Scan().Filter(filmTitle.Eq("A"))).All(ctx))
	require.NoError(t, err)
	require.Equal(t, []filmLine{{"A", "A"}}, lines)

	t.Run("pages", func(t *testing.T) {
		view := func(c monotable.Cursor) monotable.View[filmLine] {
			return monotable.As[filmLine](films.Query(film{Studio: "s"}).Index("all").Limit(2).From(c))
		}
		page, err := view("").Page(ctx)
		require.NoError(t, err)
		require.Equal(t, []filmLine{{"A", "A"}, {"B", "B"}}, page.Items)
		page, err = view(page.Next).Page(ctx)
		require.NoError(t, err)
		require.Equal(t, monotable.Page[filmLine]{Items: []filmLine{{"C", "C"}}, Prev: page.Prev}, page)
		page, err = view(page.Prev).Page(ctx)
		require.NoError(t, err)
		require.Equal(t, []filmLine{{"A", "A"}, {"B", "B"}}, page.Items)
	})
	t.Run("a stored item of another entity", func(t *testing.T) {
		s.write(with(s.stored(keyPS("FILM#A", "FILM")), rawItem{"_et": avS("Other")}))
		_, err := monotable.As[filmLine](films.Query(film{ID: "A"})).First(ctx)
		require.Error(t, err)
		require.True(t, isAny(err, monotable.ErrWrongEntity, monotable.ErrNotFound))
	})
	for name, call := range map[string]func() error{
		"an attribute of another type": func() error { _, err := monotable.As[filmWrongType](q).First(ctx); return err },
		"an attribute T does not have": func() error { _, err := monotable.As[filmUnknown](q).First(ctx); return err },
		"no struct":                    func() error { _, err := monotable.As[string](q).First(ctx); return err },
		"a zero View":                  func() error { _, err := monotable.View[filmLine]{}.First(ctx); return err },
		"a zero Query":                 func() error { _, err := monotable.As[filmLine](monotable.Query[film]{}).First(ctx); return err },
	} {
		require.ErrorIs(t, call(), monotable.ErrInvalid, name)
	}
}

func isAny(err error, targets ...error) bool {
	return slices.ContainsFunc(targets, func(target error) bool { return errors.Is(err, target) })
}

// TestF064_IndexesThatDoNotHoldAll also is F065.
func TestF064_IndexesThatDoNotHoldAll(t *testing.T) {
	s, films := openFilms(t)
	ctx := t.Context()
	lines := []filmLine{{"A", "A"}, {"B", "B"}, {"C", "C"}}
	byStudio := films.Query(film{Studio: "s"})
	for _, index := range []string{"some", "untagged", "natural"} {
		_, err := byStudio.Index(index).Collect(ctx)
		require.ErrorIs(t, err, monotable.ErrInvalid, index)
		_, err = byStudio.Index(index).First(ctx)
		require.ErrorIs(t, err, monotable.ErrInvalid, index)
		_, err = films.Scan().Index(index).Collect(ctx)
		require.ErrorIs(t, err, monotable.ErrInvalid, index)
		_, err = byStudio.Index(index).Filter(monotable.Path[string](films, "facts.plot").Exists()).Collect(ctx)
		require.ErrorIs(t, err, monotable.ErrInvalid, index)
	}
	for _, index := range []string{"some", "untagged"} {
		got, err := monotable.As[filmLine](byStudio.Index(index)).Collect(ctx)
		require.NoError(t, err, index)
		require.ElementsMatch(t, lines, got, index)
		got, err = monotable.As[filmLine](byStudio.Index(index).Filter(filmTitle.Gt("A"))).Collect(ctx)
		require.NoError(t, err, index)
		require.ElementsMatch(t, lines[1:], got, index)
		_, err = monotable.As[filmLine](byStudio.Index(index).Filter(filmYear.Gt(1))).Collect(ctx)
		require.ErrorIs(t, err, monotable.ErrInvalid, "a filter on what the index does not hold")
		_, err = monotable.As[filmNested](byStudio.Index(index)).Collect(ctx)
		require.ErrorIs(t, err, monotable.ErrInvalid, index)
	}
	t.Run("keys only", func(t *testing.T) {
		// Its partition key is a plain attribute, so other entities may be in it, and it holds no tag: the keys tell, or it is refused.
		s.write(rawItem{"PK": avS("SONG#1"), "SK": avS("SONG"), "_et": avS("Song"), "studio": avS("s"), "year": avN("2001")})
		got, err := monotable.As[filmKeys](byStudio.Index("natural")).Collect(ctx)
		if err != nil {
			require.True(t, isAny(err, monotable.ErrInvalid, monotable.ErrWrongEntity), "%v", err)
			return
		}
		require.Len(t, got, 3)
	})
	t.Run("Count needs no attributes", func(t *testing.T) {
		n, err := byStudio.Index("all").Count(ctx)
		require.NoError(t, err)
		require.Equal(t, 3, n)
	})
}
