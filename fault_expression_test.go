package monotable_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
)

// odd has names that are reserved, or look like syntax.
type odd struct {
	Part   string            `dynamodbav:"#pk.x"`
	Rank   string            `dynamodbav:":sk"`
	Status string            `dynamodbav:"status"`
	Dotted string            `dynamodbav:"a.b"`
	Index  string            `dynamodbav:"a[0]"`
	Dashed int               `dynamodbav:"a-b"`
	Clean  int               `dynamodbav:"ab"`
	Colon  []string          `dynamodbav:":y"`
	Space  map[string]string `dynamodbav:" s p "`
	Quote  oddInner          `dynamodbav:"größe"`
}

type oddInner struct {
	Values string `dynamodbav:"values"`
	Dotted int    `dynamodbav:"x.y"`
}

var (
	oddRank   = monotable.Field(func(o *odd) *string { return &o.Rank })
	oddStatus = monotable.Field(func(o *odd) *string { return &o.Status })
	oddDotted = monotable.Field(func(o *odd) *string { return &o.Dotted })
	oddIndex  = monotable.Field(func(o *odd) *string { return &o.Index })
	oddDashed = monotable.Field(func(o *odd) *int { return &o.Dashed })
	oddClean  = monotable.Field(func(o *odd) *int { return &o.Clean })
	oddColon  = monotable.Field(func(o *odd) *[]string { return &o.Colon })
	oddSpace  = monotable.Field(func(o *odd) *map[string]string { return &o.Space })
	oddValues = monotable.Field(func(o *odd) *string { return &o.Quote.Values })
	oddInnerY = monotable.Field(func(o *odd) *int { return &o.Quote.Dotted })
)

func TestF112_OddNames(t *testing.T) {
	s := openStore(t, monotable.TableConfig{
		PartitionKey: "#pk.x", SortKey: ":sk", TypeTag: "type",
		Indexes: []monotable.Index{{Name: "by-status.x", PartitionKey: "status", SortKey: "a.b"}},
	})
	e := mustEntity(t, s.Table, monotable.Schema[odd]{Name: "Odd"})
	ctx := t.Context()
	item := odd{"p", "r", "new", "d", "i", 1, 2, []string{"y"}, map[string]string{"k.l": "v", "#": "h"}, oddInner{"v", 3}}
	_, err := e.Create(ctx, item)
	require.NoError(t, err)
	at := rawItem{"#pk.x": avS("p"), ":sk": avS("r")}
	raw := with(at, rawItem{
		"type": avS("Odd"), "status": avS("new"), "a.b": avS("d"), "a[0]": avS("i"), "a-b": avN("1"), "ab": avN("2"), ":y": avL(avS("y")),
		" s p ": avM(rawItem{"k.l": avS("v"), "#": avS("h")}), "größe": avM(rawItem{"values": avS("v"), "x.y": avN("3")}),
	})
	require.Equal(t, raw, s.stored(at))
	all := monotable.All[odd](
		oddStatus.Eq("new"), oddDotted.Eq("d"), oddIndex.Exists(), oddDashed.Lt(2), oddClean.Ge(2), monotable.At(oddColon, 0).Eq("y"),
		monotable.MapKey(oddSpace, "k.l").Eq("v"), monotable.MapKey(oddSpace, "#").Exists(), oddValues.Ne("x"), oddInnerY.Between(1, 3), oddDashed.NeAttr(oddClean),
	)
	got, err := e.Update(ctx, item, oddStatus.Set("old"), oddDotted.Set("e"), oddIndex.Remove(), monotable.Add(oddDashed, 1), monotable.Add(oddClean, 2),
		monotable.Append(oddColon, "z"), monotable.MapKey(oddSpace, "k.l").Set("w"), monotable.MapKey(oddSpace, ":n").Set("m"),
		monotable.Add(oddInnerY, 1), all)
	require.NoError(t, err)
	want := odd{"p", "r", "old", "e", "", 2, 4, []string{"y", "z"}, map[string]string{"k.l": "w", "#": "h", ":n": "m"}, oddInner{"v", 4}}
	require.Equal(t, want, got)
	got, err = e.Query(want).SortKey(oddRank.Eq("r")).Filter(oddStatus.Eq("old"), oddIndex.NotExists()).First(ctx)
	require.NoError(t, err)
	require.Equal(t, want, got)
	got, err = e.Query(odd{Status: "old"}).Index("by-status.x").SortKey(monotable.HasPrefix(oddDotted, "e")).Filter(oddDashed.Eq(2)).First(ctx)
	require.NoError(t, err)
	require.Equal(t, want, got)
	view, err := monotable.As[struct {
		Dotted string   `dynamodbav:"a.b"`
		Quote  oddInner `dynamodbav:"größe"`
	}](e.Query(want)).First(ctx)
	require.NoError(t, err)
	require.Equal(t, "e", view.Dotted)
	require.Equal(t, 4, view.Quote.Dotted)
	got, err = e.Modify(ctx, want, func(o *odd) error { o.Space["k.l"], o.Quote.Dotted, o.Dotted = "q", 9, "f"; return nil })
	require.NoError(t, err)
	require.Equal(t, []any{"q", 9, "f"}, []any{got.Space["k.l"], got.Quote.Dotted, got.Dotted})
	_, err = e.Delete(ctx, want, oddDotted.Eq("f"))
	require.NoError(t, err)
}

// TestF113_Limits also is F117: limits are checked before sending, and what fits goes through.
func TestF113_Limits(t *testing.T) {
	a := openAccounts(t)
	spy := &spyClient{Client: a.client}
	e := mustEntity(t, a.over(spy), accountSchema())
	ctx := t.Context()
	a.write(rawAccount("a"))
	key := account{ID: "a"}
	var conds []monotable.Cond[account]
	for i := range 301 {
		conds = append(conds, accountLogins.Ne(-1-i))
	}
	names := make([]string, 101)
	for i := range names {
		names[i] = fmt.Sprint("p", i)
	}
	for name, call := range map[string]func() error{
		"operators in a condition": func() error { _, err := e.Update(ctx, key, accountLogins.Set(1), monotable.All(conds...)); return err },
		"operators in Delete":      func() error { _, err := e.Delete(ctx, key, conds...); return err },
		"operators in a filter":    func() error { _, err := e.Query(key).Filter(conds...).First(ctx); return err },
		"In of 101":                func() error { _, err := e.Delete(ctx, key, accountPlan.In(names...)); return err },
		"In of none":               func() error { _, err := e.Delete(ctx, key, accountPlan.In()); return err },
		"an expression over 4 KB": func() error {
			var sets []monotable.Change[account]
			for i := range 400 {
				sets = append(sets, monotable.MapKey(accountLabels, fmt.Sprint("label", i)).Set("x"))
			}
			_, err := e.Update(ctx, key, sets...)
			return err
		},
	} {
		err := call()
		require.ErrorIs(t, err, monotable.ErrInvalid, name)
	}
	require.Zero(t, spy.calls())
	t.Run("what fits", func(t *testing.T) {
		_, err := e.Update(ctx, key, accountLogins.Set(1), accountPlan.In(append(names[:99:99], "free")...), monotable.All(conds[:100]...))
		require.NoError(t, err)
		var sets []monotable.Change[account]
		for i := range 144 {
			sets = append(sets, monotable.MapKey(accountLabels, fmt.Sprint("label", i)).Set("x"))
		}
		got, err := e.Update(ctx, key, sets...)
		require.NoError(t, err, "an update of 144 fields fits")
		require.Len(t, got.Labels, 145)
	})
}

// TestF114_RefusedUpdates also is F116 and F117: each is refused before sending, and nothing given is ever ignored.
func TestF114_RefusedUpdates(t *testing.T) {
	a := openAccounts(t)
	spy := &spyClient{Client: a.client}
	e := mustEntity(t, a.over(spy), accountSchema())
	type changes = []monotable.Change[account]
	for _, row := range []struct {
		name    string
		changes changes
		names   []string
	}{
		{"Set twice", changes{accountLogins.Set(1), accountLogins.Set(2)}, []string{"logins"}},
		{"Set and Remove", changes{accountTags.Set(nil), accountTags.Remove()}, []string{"tags"}},
		{"Set and Add", changes{accountLogins.Set(1), monotable.Add(accountLogins, 1)}, []string{"logins"}},
		{"a parent and its child", changes{accountWhole.Set(accountPrefs{}), accountTheme.Set("x")}, []string{"prefs", "prefs.theme"}},
		{"a child and its parent", changes{accountSize.Set(1), accountWhole.Set(accountPrefs{})}, []string{"prefs.size", "prefs"}},
		{"an element and its list", changes{monotable.At(accountTags, 0).Set("x"), monotable.Append(accountTags, "y")}, []string{"tags"}},
		{"an element twice", changes{monotable.MapKey(accountLabels, "k").Set("x"), monotable.MapKey(accountLabels, "k").Remove()}, []string{"labels"}},
		{"nothing", changes{}, nil},
		{"a condition alone", changes{accountPlan.Eq("free")}, nil},
		{"Given alone", changes{accountPlan.Given("free")}, nil},
		{"nil", changes{accountLogins.Set(1), nil}, nil},
		{"All of nothing", changes{accountLogins.Set(1), monotable.All[account]()}, nil},
		{"Any of nothing", changes{accountLogins.Set(1), monotable.Any[account]()}, nil},
		{"Not of nil", changes{accountLogins.Set(1), monotable.Not[account](nil)}, nil},
		{"Append of nothing", changes{monotable.Append(accountTags)}, []string{"tags"}},
		{"AddTo of nothing", changes{monotable.AddTo(accountRoles)}, []string{"roles"}},
		{"Append to a set", changes{monotable.Append(accountRoles, "r")}, []string{"roles"}},
		{"AddTo a list", changes{monotable.AddTo(accountTags, "t")}, []string{"tags"}},
		{"SetFrom itself", changes{accountSecret.SetFrom(accountSecret)}, []string{"secret"}},
		{"SetIfAbsent of nil", changes{accountTags.SetIfAbsent(nil)}, []string{"tags"}},
		{"a negative index", changes{monotable.At(accountTags, -1).Set("x")}, []string{"tags"}},
		{"an empty map key", changes{monotable.MapKey(accountLabels, "").Set("x")}, []string{"labels"}},
		{"a zero Attr", changes{monotable.Attr[account, string]{}.Set("x")}, nil},
		{"a selector that leaves the struct", changes{monotable.Field(func(*account) *int { return new(int) }).Set(1)}, nil},
		{"a path that T does not have", changes{monotable.Path[string](e, "prefs.nope").Set("x")}, []string{"nope"}},
		{"a path of another type", changes{monotable.Path[int](e, "prefs.theme").Set(1)}, []string{"prefs.theme"}},
		{"CreatedAt", changes{accountCreated.Set(noon)}, []string{"createdAt"}},
		{"UpdatedAt", changes{accountUpdated.Set(noon)}, []string{"updatedAt"}},
		{"UncheckedSet of nothing", changes{monotable.UncheckedSet(accountSecret, nil)}, []string{"secret"}},
		{"UncheckedSet of a key's part", changes{monotable.UncheckedSet(accountPlan, expression.Value("x"))}, []string{"plan"}},
		{"an empty UncheckedCond", changes{accountLogins.Set(1), monotable.UncheckedCond[account](expression.ConditionBuilder{})}, nil},
	} {
		for verb, call := range map[string]func(changes) error{
			"Update": func(c changes) error { _, err := e.Update(t.Context(), account{ID: "a"}, c...); return err },
			"Upsert": func(c changes) error { _, err := e.Upsert(t.Context(), account{ID: "a"}, c...); return err },
		} {
			err := call(row.changes)
			require.ErrorIs(t, err, monotable.ErrInvalid, "%s by %s", row.name, verb)
			for _, name := range row.names {
				require.ErrorContains(t, err, name, "%s by %s", row.name, verb)
			}
			require.Zero(t, spy.calls(), "%s by %s was sent", row.name, verb)
		}
	}
}

// TestF115_MissingParents: the error names the parent.
func TestF115_MissingParents(t *testing.T) {
	a := openAccounts(t)
	ctx := t.Context()
	bare := with(rawAccount("a"), rawItem{"prefs": nil, "labels": nil})
	a.write(bare)
	for _, row := range []struct {
		change monotable.Change[account]
		parent string
	}{
		{accountTheme.Set("x"), "prefs"},
		{accountSize.SetIfAbsent(1), "prefs"},
		{monotable.Add(accountSize, 1), "prefs"},
		{accountTheme.Remove(), "prefs"},
		{monotable.MapKey(accountLabels, "k").Set("v"), "labels"},
		{monotable.MapKey(accountLabels, "k").Remove(), "labels"},
		{monotable.At(accountTags, 0).Set("x"), "tags"},
	} {
		_, err := a.Update(ctx, account{ID: "a"}, row.change)
		requireError(t, err, monotable.ErrConditionFailed)
		require.ErrorContains(t, err, row.parent)
		require.Equal(t, bare, a.raw("a"))
	}
	t.Run("Append and AddTo create their list and set", func(t *testing.T) {
		got, err := a.Update(ctx, account{ID: "a"}, monotable.Prepend(accountTags, "x"), monotable.AddTo(accountRoles, "r"), accountWhole.Set(accountPrefs{}))
		require.NoError(t, err)
		require.Equal(t, []string{"x"}, got.Tags)
		require.Equal(t, accountPrefs{Theme: "light"}, got.Prefs)
	})
}

// TestConditions is every condition on a stored item, as a filter and as a condition of a write.
func TestConditions(t *testing.T) {
	t.Parallel()
	a := openAccounts(t)
	ctx := t.Context()
	a.write(with(rawAccount("a"), rawItem{"logins": avN("5"), "tags": avL(avS("x"), avS("y")), "roles": avSS("r", "s"), "secret": avS("free")}))
	path := monotable.Path[string](a.Entity, "labels.origin")
	for _, row := range []struct {
		name string
		cond monotable.Cond[account]
		want bool
	}{
		{"Eq", accountPlan.Eq("free"), true},
		{"Eq another", accountPlan.Eq("pro"), false},
		{"Ne", accountPlan.Ne("pro"), true},
		{"Ne missing", monotable.MapKey(accountLabels, "no").Ne("x"), true},
		{"Eq missing", monotable.MapKey(accountLabels, "no").Eq("x"), false},
		{"Lt", accountLogins.Lt(6), true},
		{"Lt equal", accountLogins.Lt(5), false},
		{"Le", accountLogins.Le(5), true},
		{"Gt by value", accountLogins.Gt(10), false},
		{"Ge", accountLogins.Ge(5), true},
		{"Between", accountLogins.Between(5, 5), true},
		{"In", accountLogins.In(1, 5), true},
		{"In none of", accountLogins.In(1, 2), false},
		{"Exists", accountTheme.Exists(), true},
		{"NotExists", accountTheme.NotExists(), false},
		{"HasPrefix", monotable.HasPrefix(accountPlan, "fr"), true},
		{"HasPrefix of case", monotable.HasPrefix(accountPlan, "Fr"), false},
		{"ContainsText", monotable.ContainsText(accountPlan, "re"), true},
		{"Contains in a list", monotable.Contains(accountTags, "y"), true},
		{"Contains in a set", monotable.Contains(accountRoles, "s"), true},
		{"Contains not", monotable.Contains(accountRoles, "x"), false},
		{"Type", accountLogins.Type(expression.Number), true},
		{"Type of a set", accountRoles.Type(expression.StringSet), true},
		{"Type another", accountPlan.Type(expression.Number), false},
		{"Size of text", accountPlan.Size().Eq(4), true},
		{"Size of a list", accountTags.Size().Between(1, 2), true},
		{"Size of a set", accountRoles.Size().Gt(2), false},
		{"Size of a map", accountLabels.Size().Ne(0), true},
		{"At", monotable.At(accountTags, 1).Eq("y"), true},
		{"At beyond", monotable.At(accountTags, 2).Exists(), false},
		{"MapKey", monotable.MapKey(accountLabels, "origin").Eq("web"), true},
		{"Path", path.Eq("web"), true},
		{"Elem", monotable.Elem(accountNotify).Eq(true), true},
		{"a pointer", accountNotify.Eq(new(false)), false},
		{"EqAttr", accountSecret.EqAttr(accountPlan), true},
		{"NeAttr", accountEmail.NeAttr(accountPlan), true},
		{"LtAttr", accountEmail.LtAttr(accountPlan), true},
		{"GeAttr", accountSize.GeAttr(accountLogins), false},
		{"a time", accountCreated.Eq(noon.In(time.FixedZone("X", 3600))), true},
		{"a time before", accountCreated.Lt(noon.Add(1)), true},
		{"a time after", accountCreated.Gt(noon), false},
		{"a struct", accountWhole.Eq(accountPrefs{Theme: "light"}), true},
		{"a list", accountTags.Eq([]string{"x", "y"}), true},
		{"a set in another order", accountRoles.Eq([]string{"s", "r"}), true},
		{"All", monotable.All(accountPlan.Eq("free"), accountLogins.NotExists()), false},
		{"Any", monotable.Any(accountPlan.Eq("pro"), accountLogins.Exists()), true},
		{"Not", monotable.Not(accountPlan.Eq("pro")), true},
		{"Not of All", monotable.Not(monotable.All[account](accountPlan.Eq("free"), accountLogins.Eq(5))), false},
		{"F118: Not of Any is no alternative", monotable.Not(monotable.Any[account](accountPlan.Eq("pro"), accountPlan.Eq("free"))), false},
		{"nested", monotable.All(monotable.Any(accountPlan.Eq("pro"), monotable.All[account](accountPlan.Eq("free"), accountLogins.Gt(1))), accountNotify.Exists()), true},
		{"one of All", monotable.All[account](accountPlan.Eq("free")), true},
		{"UncheckedCond", monotable.UncheckedCond[account](expression.Name("plan").Equal(expression.Value("free")).And(expression.Name("prefs.size").Equal(expression.Value(0)))), true},
		{"UncheckedCond beside others", monotable.All(accountPlan.Eq("free"), monotable.UncheckedCond[account](expression.Name("plan").Equal(expression.Value("pro")))), false},
	} {
		t.Run(row.name, func(t *testing.T) {
			n, err := a.Query(account{ID: "a"}).Filter(row.cond).Count(ctx)
			require.NoError(t, err)
			require.Equal(t, row.want, n == 1)
			n, err = a.Scan().Filter(row.cond, accountID.Exists()).Count(ctx)
			require.NoError(t, err)
			require.Equal(t, row.want, n == 1)
			_, err = a.With(monotable.WithoutVersionCheck()).Update(ctx, account{ID: "a"}, accountNotify.Set(new(true)), row.cond)
			if row.want {
				require.NoError(t, err)
			} else {
				requireError(t, err, monotable.ErrConditionFailed)
			}
		})
	}
}

// dated stores times in a layout that does not sort.
type dated struct {
	ID string    `dynamodbav:"id"`
	On time.Time `dynamodbav:"on"`
}

// TestF119_OrderBreakingForms: a range over a form that does not sort by value is refused; equality is fine.
func TestF119_OrderBreakingForms(t *testing.T) {
	s := openStore(t, monotable.TableConfig{PartitionKey: "PK", SortKey: "SK", Indexes: []monotable.Index{{Name: "byDay", PartitionKey: "SK", SortKey: "on"}}})
	on := monotable.Field(func(d *dated) *time.Time { return &d.On })
	e := mustEntity(t, s.Table, monotable.Schema[dated]{
		Name: "Dated", Key: monotable.Key{Partition: "D#{id}", Sort: "D"}, Rules: []monotable.Rule[dated]{monotable.TimeLayout(on, "02.01.2006")},
	})
	ctx := t.Context()
	_, err := e.Create(ctx, dated{"1", noon})
	require.NoError(t, err)
	require.Equal(t, avS("21.11.2026"), s.stored(keyPS("D#1", "D"))["on"])
	n, err := e.Query(dated{ID: "1"}).Filter(on.Eq(noon)).Count(ctx)
	require.NoError(t, err)
	require.Equal(t, 1, n, "equality compares what is stored")
	for name, c := range map[string]monotable.KeyCond[dated]{"Lt": on.Lt(noon), "Ge": on.Ge(noon), "Between": on.Between(noon, noon.Add(1))} {
		_, err := e.Query(dated{ID: "1"}).Filter(c).Count(ctx)
		require.ErrorIs(t, err, monotable.ErrInvalid, "Filter %s", name)
		_, err = e.Delete(ctx, dated{ID: "1"}, c)
		require.ErrorIs(t, err, monotable.ErrInvalid, "Delete %s", name)
		_, err = e.Query(dated{ID: "1"}).Index("byDay").SortKey(c).Count(ctx)
		require.ErrorIs(t, err, monotable.ErrInvalid, "SortKey %s", name)
	}
}

// TestF125_ValuesAreNeverSyntax: text from users stays a value.
func TestF125_ValuesAreNeverSyntax(t *testing.T) {
	a := openAccounts(t)
	for i, text := range []string{"#0", ":0", "${plan}", "a = :b OR 1 = 1", "attribute_exists(plan)", "labels.origin", "\x00monotable\x000", strings.Repeat("(", 50)} {
		id := fmt.Sprint(i)
		_, err := a.Create(t.Context(), account{ID: id, Email: "a@x.io", Tags: []string{text}})
		require.NoError(t, err)
		got, err := a.Update(t.Context(), account{ID: id}, monotable.MapKey(accountLabels, text).Set(text), accountTheme.Set(text), monotable.Contains(accountTags, text))
		require.NoError(t, err)
		require.Equal(t, []string{text, text}, []string{got.Labels[text], got.Prefs.Theme})
		n, err := a.Query(account{ID: id}).Filter(monotable.MapKey(accountLabels, text).Eq(text), accountTheme.Eq(text)).Count(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, n)
	}
}
