package monotable_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
)

// lately is a record whose later attributes older items lack.
type lately struct {
	ID     string       `dynamodbav:"id"`
	Plan   string       `dynamodbav:"plan"`
	Count  int          `dynamodbav:"count"`
	On     *bool        `dynamodbav:"on"`
	Tags   []string     `dynamodbav:"tags"`
	Secret string       `dynamodbav:"secret,omitempty"`
	Prefs  latelyPrefs  `dynamodbav:"prefs"`
	More   *latelyPrefs `dynamodbav:"more"`
	Note   string       `dynamodbav:"note"`
}

type latelyPrefs struct {
	Theme string `dynamodbav:"theme"`
	Size  int    `dynamodbav:"size"`
}

var (
	latelyPlan   = monotable.Field(func(l *lately) *string { return &l.Plan })
	latelyCount  = monotable.Field(func(l *lately) *int { return &l.Count })
	latelyOn     = monotable.Field(func(l *lately) **bool { return &l.On })
	latelyTags   = monotable.Field(func(l *lately) *[]string { return &l.Tags })
	latelySecret = monotable.Field(func(l *lately) *string { return &l.Secret })
	latelyTheme  = monotable.Field(func(l *lately) *string { return &l.Prefs.Theme })
	latelyMore   = monotable.Field(func(l *lately) *string { return &l.More.Theme })
)

func latelySchema(rules ...monotable.Rule[lately]) monotable.Schema[lately] {
	return monotable.Schema[lately]{
		Name: "Lately", Key: monotable.Key{Partition: "LATELY#{id}", Sort: "-"},
		Rules: append([]monotable.Rule[lately]{
			latelyPlan.ReadDefault("old").Default("new"), latelyCount.ReadDefault(-1), monotable.Elem(latelyOn).ReadDefault(true),
			latelyTags.ReadDefault([]string{"a", "b"}), latelySecret.Hidden().ReadDefault("s3cret"),
			latelyTheme.ReadDefault("light"), latelyMore.ReadDefault("dark"),
		}, rules...),
	}
}

func latelyRaw(more rawItem) rawItem {
	return with(rawItem{"PK": avS("LATELY#1"), "SK": avS("-"), "_et": avS("Lately"), "id": avS("1"), "prefs": avM(rawItem{"size": avN("2")})}, more)
}

func TestReadDefault_EveryRead(t *testing.T) {
	ctx := t.Context()
	s := openStore(t, monotable.TableConfig{})
	e := mustEntity(t, s.Table, latelySchema())
	s.write(latelyRaw(nil))
	key := lately{ID: "1"}
	want := lately{ID: "1", Plan: "old", Count: -1, On: new(true), Tags: []string{"a", "b"}, Prefs: latelyPrefs{"light", 2}}
	var inTransaction, inBatch lately
	for name, read := range map[string]func() (lately, error){
		"get":   func() (lately, error) { return e.Get(ctx, key) },
		"query": func() (lately, error) { return e.Query(key).First(ctx) },
		"scan":  func() (lately, error) { return e.Scan().First(ctx) },
		"batch": func() (lately, error) {
			_, err := s.BatchGet(ctx, e.GetOp(key, &inBatch))
			return inBatch, err
		},
		"transaction": func() (lately, error) {
			err := s.TransactGet(ctx, e.GetOp(key, &inTransaction))
			return inTransaction, err
		},
		"modify": func() (lately, error) {
			seen := lately{}
			got, err := e.Modify(ctx, key, func(l *lately) error { seen = *l; return nil })
			require.Equal(t, got, seen)
			return got, err
		},
		"old": func() (lately, error) {
			_, err := e.Create(ctx, key)
			old, ok := e.Old(err)
			require.True(t, ok)
			return old, nil
		},
	} {
		got, err := read()
		require.NoError(t, err, name)
		require.Equal(t, want, got, name)
		got.Tags[0], *got.On = "changed", false // a copy, so the next read is not touched
	}
	require.Equal(t, latelyRaw(nil), s.stored(keyPS("LATELY#1", "-")), "reads store nothing")
	revealed, err := e.With(monotable.Reveal()).Get(ctx, key)
	require.NoError(t, err)
	require.Equal(t, "s3cret", revealed.Secret)
	gone, err := e.Delete(ctx, key)
	require.NoError(t, err)
	require.Equal(t, want, *gone)
}

func TestReadDefault_StoredValuesCount(t *testing.T) {
	s := openStore(t, monotable.TableConfig{})
	e := mustEntity(t, s.Table, latelySchema())
	null := &types.AttributeValueMemberNULL{Value: true}
	s.write(latelyRaw(rawItem{"plan": avS(""), "count": avN("0"), "on": null, "tags": avL(), "prefs": nil, "more": avM(rawItem{})}))
	got, err := e.Get(t.Context(), lately{ID: "1"})
	require.NoError(t, err)
	require.Equal(t, lately{ID: "1", Tags: []string{}, More: &latelyPrefs{Theme: "dark"}}, got, "zero is not absent; below prefs, which is not stored, nothing is filled")
	created, err := e.Create(t.Context(), lately{ID: "2"})
	require.NoError(t, err)
	require.Equal(t, "new", created.Plan, "Default fills what is written")
	require.Equal(t, 0, created.Count)
}

func TestReadDefault_Modify(t *testing.T) {
	ctx := t.Context()
	s := openStore(t, monotable.TableConfig{})
	e := mustEntity(t, s.Table, latelySchema())
	s.write(latelyRaw(nil))
	key := lately{ID: "1"}
	_, err := e.Modify(ctx, key, func(l *lately) error { l.Note = "n"; return nil })
	require.NoError(t, err)
	require.Equal(t, latelyRaw(rawItem{"note": avS("n")}), s.stored(keyPS("LATELY#1", "-")), "what was only read is not stored")

	got, err := e.Modify(ctx, key, func(l *lately) error {
		l.Count, l.Prefs.Theme = l.Count+10, "blue"
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, 9, got.Count)
	want := latelyRaw(rawItem{"note": avS("n"), "count": avN("9"), "prefs": avM(rawItem{"size": avN("2"), "theme": avS("blue")})})
	require.Equal(t, want, s.stored(keyPS("LATELY#1", "-")))

	// Another writer stores the attribute meanwhile: the change is made anew on what is there then.
	s.write(latelyRaw(nil))
	rounds := 0
	got, err = e.Modify(ctx, key, func(l *lately) error {
		if rounds++; rounds == 1 {
			s.write(latelyRaw(rawItem{"count": avN("5")}))
		}
		l.Count++
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, 2, rounds)
	require.Equal(t, 6, got.Count)
	got, err = e.Update(ctx, key, monotable.Add(latelyCount, 1), latelyPlan.NotExists())
	require.NoError(t, err)
	require.Equal(t, 7, got.Count)
	require.Equal(t, "old", got.Plan)
}

func TestReadDefault_SurvivesUpgradesAndWriteBack(t *testing.T) {
	ctx := t.Context()
	s := openStore(t, monotable.TableConfig{})
	schema := latelySchema()
	schema.Upgrades = []monotable.Upgrade{renameAttribute("n", "note")}
	e := mustEntity(t, s.Table, schema)
	s.write(latelyRaw(rawItem{"n": avS("x")}))
	got, err := e.With(monotable.WriteBack()).Get(ctx, lately{ID: "1"})
	require.NoError(t, err)
	require.Equal(t, "old", got.Plan)
	require.Equal(t, "x", got.Note)
	require.Equal(t, latelyRaw(rawItem{"note": avS("x"), "_sv": avN("1")}), s.stored(keyPS("LATELY#1", "-")))
}

func TestReadDefault_Definition(t *testing.T) {
	t.Parallel()
	type stamped struct {
		ID   string    `dynamodbav:"id"`
		V    int       `dynamodbav:"v"`
		At   time.Time `dynamodbav:"at"`
		Slug *string   `dynamodbav:"slug"`
		City string    `dynamodbav:"city"`
		Mail string    `dynamodbav:"mail"`
	}
	id := monotable.Field(func(s *stamped) *string { return &s.ID })
	v := monotable.Field(func(s *stamped) *int { return &s.V })
	at := monotable.Field(func(s *stamped) *time.Time { return &s.At })
	slug := monotable.Field(func(s *stamped) **string { return &s.Slug })
	city := monotable.Field(func(s *stamped) *string { return &s.City })
	mail := monotable.Field(func(s *stamped) *string { return &s.Mail })
	for want, rules := range map[string][]monotable.Rule[stamped]{
		"id: ReadDefault: the primary key follows":                   {id.ReadDefault("x")},
		"city: ReadDefault: the key of index GSI1":                   {city.ReadDefault("x")},
		"mail: ReadDefault: the guard of mail":                       {mail.Unique().ReadDefault("x")},
		"v: Version is written by monotable":                         {monotable.Version(v).ReadDefault(1)},
		"at: ExpiresAt is written by monotable":                      {monotable.ExpiresAt(at).ReadDefault(noon)},
		"at: ReadDefault is given twice":                             {at.ReadDefault(noon).ReadDefault(noon)},
		"slug: ReadDefault: the value cannot be stored":              {slug.ReadDefault(nil)},
		"slug: ReadDefault: Derived is computed by every write":      {slug.Derived(func(*stamped) *string { return nil }, city).ReadDefault(new("x"))},
		"mail: ReadDefault: invalid: mail":                           {mail.ReadDefault("\xff")},
		"mail: ReadDefault: the key of index GSI1 follows from what": {mail.ReadDefault("x"), monotable.IndexWhen("GSI1", func(*stamped) bool { return true }, mail)},
	} {
		_, err := monotable.NewEntity(settlerStore(t).Table, monotable.Schema[stamped]{
			Name: "Stamped", Key: monotable.Key{Partition: "S#{id}", Sort: "-"}, Indexes: map[string]monotable.Key{"GSI1": {Partition: "C#{city}", Sort: "-"}},
			Rules: rules,
		})
		requireError(t, err, monotable.ErrInvalid)
		require.ErrorContains(t, err, want)
	}
}
