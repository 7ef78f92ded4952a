package monotable_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

// Combinations that were once wrong.

type Stamped struct {
	Version int64 `dynamodbav:"version"`
}

type login struct {
	User string `dynamodbav:"user"`
	Pass string `dynamodbav:"pass"`
}

type motley struct {
	*Stamped
	ID    string    `dynamodbav:"id"`
	Nick  *string   `dynamodbav:"nick"`
	X     string    `dynamodbav:"x"`
	A     string    `dynamodbav:"a"`
	B     string    `dynamodbav:"b"`
	Login login     `dynamodbav:"login"`
	Set   []string  `dynamodbav:"set,stringset"`
	List  []string  `dynamodbav:"list"`
	Small int8      `dynamodbav:"small"`
	T1    time.Time `dynamodbav:"t1"`
	T2    time.Time `dynamodbav:"t2,unixtime"`
}

var (
	oddVersion = monotable.Field(func(o *motley) *int64 { return &o.Version })
	oddNick    = monotable.Field(func(o *motley) **string { return &o.Nick })
	oddX       = monotable.Field(func(o *motley) *string { return &o.X })
	oddA       = monotable.Field(func(o *motley) *string { return &o.A })
	oddB       = monotable.Field(func(o *motley) *string { return &o.B })
	oddLogin   = monotable.Field(func(o *motley) *login { return &o.Login })
	oddUser    = monotable.Field(func(o *motley) *string { return &o.Login.User })
	oddPass    = monotable.Field(func(o *motley) *string { return &o.Login.Pass })
	oddSet     = monotable.Field(func(o *motley) *[]string { return &o.Set })
	oddList    = monotable.Field(func(o *motley) *[]string { return &o.List })
	oddSmall   = monotable.Field(func(o *motley) *int8 { return &o.Small })
	oddT1      = monotable.Field(func(o *motley) *time.Time { return &o.T1 })
	oddT2      = monotable.Field(func(o *motley) *time.Time { return &o.T2 })
)

func motleys(t testing.TB, rules ...monotable.Rule[motley]) *monotable.Entity[motley] {
	t.Helper()
	table := monotabletest.Table(t, monotable.TableConfig{PartitionKey: "PK"})
	return monotable.MustEntity(table, monotable.Schema[motley]{Name: "Odd", Key: monotable.Key{Partition: "ODD#{id}"}, Rules: rules})
}

func TestVersionInEmbeddedPointer(t *testing.T) {
	e := motleys(t, monotable.Version(oddVersion))
	ctx := t.Context()
	got, err := e.Create(ctx, motley{ID: "1"})
	require.NoError(t, err)
	assert.EqualValues(t, 1, got.Version)
	got, err = e.Update(ctx, motley{ID: "1"}, oddX.Set("x"))
	require.NoError(t, err)
	assert.EqualValues(t, 2, got.Version)
	got, err = e.Modify(ctx, motley{ID: "1"}, func(o *motley) error { o.X = "y"; return nil })
	require.NoError(t, err)
	assert.EqualValues(t, 3, got.Version)
	_, err = e.Put(ctx, motley{ID: "1"})
	assert.ErrorIs(t, err, monotable.ErrAlreadyExists)
	_, err = e.Delete(ctx, motley{ID: "1"})
	require.NoError(t, err)
}

func TestLengthThroughElem(t *testing.T) {
	e := motleys(t, monotable.Length(monotable.Elem(oddNick), 1, 3))
	_, err := e.Create(t.Context(), motley{ID: "1", Nick: new("abcd")})
	assert.ErrorIs(t, err, monotable.ErrInvalid)
	_, err = e.Create(t.Context(), motley{ID: "1", Nick: new("abc")})
	assert.NoError(t, err)
}

// A derived attribute that reads another follows it, in whatever order they are declared, and is transformed.
func TestDerivedOfDerived(t *testing.T) {
	e := motleys(t,
		oddA.Derived(func(o *motley) string { return "A(" + o.B + ")" }, oddB).Transform(strings.ToLower),
		oddB.Derived(func(o *motley) string { return "B(" + o.X + ")" }, oddX),
	)
	ctx := t.Context()
	got, err := e.Create(ctx, motley{ID: "1", X: "x"})
	require.NoError(t, err)
	assert.Equal(t, "a(b(x))", got.A)
	got, err = e.Update(ctx, motley{ID: "1"}, oddX.Set("y"), oddA.Eq("A(B(X))"))
	require.NoError(t, err)
	assert.Equal(t, "a(b(y))", got.A)
	got, err = e.Modify(ctx, motley{ID: "1"}, func(o *motley) error { o.X = "z"; return nil })
	require.NoError(t, err)
	assert.Equal(t, "a(b(z))", got.A)

	table := declare(t)
	_, err = monotable.NewEntity(table, monotable.Schema[motley]{
		Name: "Odd", Key: monotable.Key{Partition: "ODD#{id}", Sort: "ODD"}, Rules: []monotable.Rule[motley]{
			oddA.Derived(func(o *motley) string { return o.B }, oddB), oddB.Derived(func(o *motley) string { return o.A }, oddA),
		},
	})
	assert.ErrorContains(t, err, "Derived reads itself")
}

func TestF096_SetAroundHidden(t *testing.T) {
	e := motleys(t, oddPass.Hidden(), oddUser.Transform(strings.ToLower))
	ctx := t.Context()
	_, err := e.Create(ctx, motley{ID: "1", Login: login{"ANN", "secret"}})
	require.NoError(t, err)
	got, err := e.Get(ctx, motley{ID: "1"})
	require.NoError(t, err)
	got.Login.User = "bob"
	_, err = e.Update(ctx, motley{ID: "1"}, oddLogin.Set(got.Login))
	require.ErrorIs(t, err, monotable.ErrInvalid)
	require.ErrorContains(t, err, "login.pass")
	_, err = e.Update(ctx, motley{ID: "1"}, oddUser.Set("BOB"), oddLogin.Eq(login{"Ann", "secret"}))
	require.NoError(t, err, "operands are transformed inside too")
	got, err = e.With(monotable.Reveal()).Get(ctx, motley{ID: "1"})
	require.NoError(t, err)
	assert.Equal(t, login{"bob", "secret"}, got.Login)
}

func TestSetFromAnotherForm(t *testing.T) {
	e := motleys(t, oddPass.Hidden())
	for name, op := range map[string]monotable.Change[motley]{
		"number from text": oddT2.SetFrom(oddT1), "text from number": oddT1.SetFrom(oddT2),
		"set from list": oddSet.SetFrom(oddList), "list from set": oddList.SetFrom(oddSet),
		"comparison": oddT1.EqAttr(oddT2), "hidden source": oddX.SetFrom(oddPass),
	} {
		_, err := e.UpdateOp(motley{ID: "1"}, op, oddNick.Set(new("x"))).Request()
		assert.ErrorIs(t, err, monotable.ErrInvalid, name)
	}
	_, err := e.UpdateOp(motley{ID: "1"}, oddA.SetFrom(oddB)).Request()
	assert.NoError(t, err)
}

// A transform that works in place never sees the memory of a Cond, a Change or a Default: they are values, shared by goroutines.
func TestTransformInPlace(t *testing.T) {
	preset := []string{"z", "y"}
	e := motleys(t, oddList.Default(preset).Transform(func(s []string) []string { slices.Sort(s); return s }))
	preset[0] = "changed"
	words := []string{"b", "a"}
	set, eq := oddList.Set(words), oddList.Eq(words)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			_, err := e.UpdateOp(motley{ID: "1"}, set, eq).Request()
			assert.NoError(t, err)
		})
	}
	group.Wait()
	assert.Equal(t, []string{"b", "a"}, words)
	got, err := e.Create(t.Context(), motley{ID: "1"})
	require.NoError(t, err)
	assert.Equal(t, []string{"y", "z"}, got.List)
}

func TestUpsertAddsToDefaultSet(t *testing.T) {
	e := motleys(t, oddSet.Default([]string{"a"}))
	got, err := e.Upsert(t.Context(), motley{ID: "1"}, monotable.AddTo(oddSet, "a", "b"))
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{"a", "b"}, got.Set)
}

// Add never stores a number that the field cannot hold.
func TestF094_AddStaysInRange(t *testing.T) {
	e := motleys(t)
	ctx := t.Context()
	_, err := e.Create(ctx, motley{ID: "1", Small: 100})
	require.NoError(t, err)
	_, err = e.Update(ctx, motley{ID: "1"}, monotable.Add(oddSmall, 28))
	assert.ErrorIs(t, err, monotable.ErrConditionFailed)
	got, err := e.Update(ctx, motley{ID: "1"}, monotable.Add(oddSmall, 27))
	require.NoError(t, err)
	assert.EqualValues(t, 127, got.Small)
	_, err = e.Update(ctx, motley{ID: "1"}, monotable.Add(oddSmall, -128), monotable.Append(oddList, "x"))
	require.NoError(t, err)
	_, err = e.Update(ctx, motley{ID: "1"}, monotable.Add(oddSmall, -128))
	assert.ErrorIs(t, err, monotable.ErrConditionFailed)
}

// A key field that its transform makes equal again has not changed.
func TestModifyTransformsKeyParts(t *testing.T) {
	id := monotable.Field(func(o *motley) *string { return &o.ID })
	e := motleys(t, id.Transform(strings.ToLower))
	ctx := t.Context()
	_, err := e.Create(ctx, motley{ID: "a"})
	require.NoError(t, err)
	got, err := e.Modify(ctx, motley{ID: "A"}, func(o *motley) error { o.ID, o.X = "A", "x"; return nil })
	require.NoError(t, err)
	assert.Equal(t, "a", got.ID)
	_, err = e.Modify(ctx, motley{ID: "a"}, func(o *motley) error { o.ID = "b"; return nil })
	assert.ErrorIs(t, err, monotable.ErrInvalid)
}

func TestOneOfNamesValues(t *testing.T) {
	e := motleys(t, oddNick.OneOf(new("ann"), new("bob")))
	_, err := e.Create(t.Context(), motley{ID: "1", Nick: new("eve")})
	require.ErrorContains(t, err, "must be one of [ann bob]")
	_, err = e.Create(t.Context(), motley{ID: "1", Nick: new("bob")})
	require.NoError(t, err)
}

// Count and Collect agree on an item that carries another entity's tag at a key of this one.
func TestForeignTagIsCountedByNobody(t *testing.T) {
	client := monotabletest.Client(t)
	cfg := monotable.TableConfig{Name: "motley", PartitionKey: "PK", SortKey: "SK"}
	table := monotabletest.TableOn(t, client, cfg)
	schema := monotable.Schema[motley]{Name: "Alien", Key: monotable.Key{Partition: "M#{id}", Sort: "X#{x}"}}
	_, err := monotable.MustEntity(table, schema).Create(t.Context(), motley{ID: "1", X: "1"})
	require.NoError(t, err)
	again, err := monotable.NewTable(client, cfg) // another program, which knows nothing of aliens
	require.NoError(t, err)
	schema.Name, schema.Tag = "Native", monotable.TagOptional
	q := monotable.MustEntity(again, schema).Query(motley{ID: "1"})
	_, err = q.Collect(t.Context())
	require.ErrorIs(t, err, monotable.ErrWrongEntity)
	_, err = q.Count(t.Context())
	require.ErrorIs(t, err, monotable.ErrWrongEntity)
}
