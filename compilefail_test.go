package monotable_test

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// wrongProgram is a mistake that must not build, beside the right program that must.
type wrongProgram struct {
	mistake string

	// program is a list of statements that may use what testdata/compilefail declares.
	// «right|wrong» is where its two versions differ. The compiler must point at ‸, or,
	// where there is none, at the start of the difference.
	program string

	want string // a regular expression that the compiler's message matches
}

//nolint:lll // one program a line
var wrongPrograms = []wrongProgram{
	// Values: their type is the attribute's.
	{"Set: wrong type", `userPlan.Set(«"pro"|42»)`, `x`},
	{"Set: nil for a text", `userPlan.Set(«"pro"|nil»)`, `x`},
	{"Set: text where its type is Role", `userRole.Set(«Role(text)|text»)`, `x`},
	{"Set: fraction for an int", `userLogins.Set(«1|1.5»)`, `x`},
	{"Set: value for a pointer", `userNotify.Set(«new(true)|true»)`, `x`},
	{"Set: pointer for what Elem points to", `monotable.Elem(userNotify).Set(«true|new(true)»)`, `x`},
	{"Set: struct for its field", `userTheme.Set(«"dark"|Prefs{"dark"}»)`, `x`},
	{"Set: element for its list", `userTags.Set(«[]string{"a"}|"a"»)`, `x`},
	{"Set: another attribute", `userPlan.«SetFrom|Set»(‸userEmail)`, `x`},
	{"SetIfAbsent: wrong type", `userPlan.SetIfAbsent(«"free"|false»)`, `x`},
	{"Given: wrong type", `userPlan.Given(«"free"|0»)`, `x`},
	{"Eq: wrong type", `userLogins.Eq(«3|"3"»)`, `x`},
	{"Eq: nil for a number", `userLogins.Eq(«0|nil»)`, `x`},
	{"Ne: wrong type", `userAdmin.Ne(«false|"false"»)`, `x`},
	{"Lt: time as text", `userCreated.Lt(«time.Now()|"2026-01-01"»)`, `x`},
	{"Between: one bound of a wrong type", `orderTotal.Between(1, «9|"9"»)`, `x`},
	{"In: one value of a wrong type", `userPlan.In("free", «"pro"|2»)`, `x`},
	{"In: a slice for its elements", `userPlan.In([]string{"free"}«...|»)`, `x`},
	{"Size: compared with text", `userTags.Size().Ge(«3|"3"»)`, `x`},
	{"Type: not a DynamoDB type", `userPlan.Type(«expression.String|text»)`, `x`},

	// Changes.
	{"Update: Set of another entity's attribute", `users.Update(ctx, ann, «userPlan|orderStatus».Set("x"))`, `x`},
	{"Update: Remove of another entity's attribute", `users.Update(ctx, ann, «userPlan|orderStatus».Remove())`, `x`},
	{"Update: Add to another entity's attribute", `users.Update(ctx, ann, monotable.Add(«userLogins|orderTotal», 1))`, `x`},
	{"Update: Append to another entity's list", `users.Update(ctx, ann, monotable.Append(«userTags|orderLines», "x"))`, `x`},
	{"Update: condition on another entity", `users.Update(ctx, ann, userPlan.Set("x"), «userLogins|orderTotal».Gt(1))`, `x`},
	{"Upsert: Set of another entity's attribute", `users.Upsert(ctx, ann, «userPlan|orderStatus».Set("x"))`, `x`},
	{"Upsert: SetIfAbsent of another entity's attribute", `users.Upsert(ctx, ann, «userPlan|orderStatus».SetIfAbsent("x"))`, `x`},
	{"UpdateOp: Given of another entity's attribute", `users.UpdateOp(ann, «userPlan|orderStatus».Given("x"))`, `x`},
	{"Update: attribute instead of a change", `users.Update(ctx, ann, userPlan«.Remove()|»)`, `x`},
	{"Update: option instead of a change", `users.Update(ctx, ann, «userPlan.Exists()|monotable.Consistent()»)`, `x`},
	{"Update: rule instead of a change", `users.Update(ctx, ann, userPlan.«Set|Default»("free"))`, `x`},
	{"Add: to text", `monotable.Add(«userLogins|userEmail», 1)`, `x`},
	{"Add: to a bool", `monotable.Add(«userLogins|userAdmin», 1)`, `x`},
	{"Add: to a time", `monotable.Add(«userLogins|userCreated», 1)`, `x`},
	{"Add: to a pointer", `monotable.Add(«monotable.Elem(userCredit)|userCredit», 1)`, `x`},
	{"Add: fraction to an int", `monotable.Add(«userScore|userLogins», 0.5)`, `x`},
	{"Add: float variable to an int", `monotable.Add(userLogins, «ann.Logins|ann.Score»)`, `x`},
	{"Add: attribute as the number", `monotable.Add(userLogins, «1|userLogins»)`, `x`},
	{"Append: to text", `monotable.Append(«userTags|userPlan», "x")`, `x`},
	{"Append: wrong element", `monotable.Append(userTags, «"x"|1»)`, `x`},
	{"Append: a slice for its elements", `monotable.Append(userTags, ann.Tags«...|»)`, `x`},
	{"Prepend: wrong element", `monotable.Prepend(userTags, «"x"|true»)`, `x`},
	{"AddTo: a map", `monotable.AddTo(«userTags|userLabels», "x")`, `x`},
	{"AddTo: wrong member", `monotable.AddTo(userTags, «"x"|1»)`, `x`},
	{"DeleteFrom: wrong member", `monotable.DeleteFrom(userTags, «"x"|1»)`, `x`},
	{"DeleteFrom: another entity's set", `users.Update(ctx, ann, monotable.DeleteFrom(«userTags|orderLines», "x"))`, `x`},
	{"SetFrom: another entity", `userPlan.SetFrom(«userEmail|orderStatus»)`, `x`},
	{"SetFrom: another type", `userPlan.SetFrom(«userEmail|userLogins»)`, `x`},
	{"UncheckedSet: another entity", `users.Update(ctx, ann, monotable.UncheckedSet(«userPlan|orderStatus», expression.Value(1)))`, `x`},
	{"UncheckedSet: condition instead of an operand", `monotable.UncheckedSet(userPlan, «expression.Value(1)|builder»)`, `x`},

	// Elements.
	{"At: a map", `monotable.At(«userTags|userLabels», 0)`, `x`},
	{"At: text as the index", `monotable.At(userTags, «0|"0"»)`, `x`},
	{"At: value of a wrong type", `monotable.At(userTags, 0).Set(«"x"|1»)`, `x`},
	{"MapKey: a list", `monotable.MapKey(«userLabels|userTags», "team")`, `x`},
	{"MapKey: number as the key", `monotable.MapKey(userLabels, «"team"|1»)`, `x`},
	{"MapKey: a map with keys that are not text", `monotable.MapKey(userRanks, 1)`, `x`},
	{"MapKey: value of a wrong type", `monotable.MapKey(userLabels, "team").Set(«"red"|1»)`, `x`},
	{"Elem: not a pointer", `monotable.Elem(«userNotify|userAdmin»)`, `x`},
	{"Path: without its type", `monotable.Path«[string]|»(users, "tags[0]")`, `x`},
	{"Path: value of a wrong type", `monotable.Path[string](users, "tags[0]").Set(«"x"|1»)`, `x`},
	{"Path: of another entity", `users.Update(ctx, ann, monotable.Path[string](«users|orders», "status").Remove())`, `x`},
	{"Field: value instead of its address", `monotable.Field(func(u *User) «*string|string» { return «&u.Plan|u.Plan» })`, `x`},
	{"Field: address of another type", `monotable.Field(func(u *User) *string { return &u.«Plan|Logins» })`, `x`},
	{"Field: no such field", `monotable.Field(func(u *User) *string { return &u.«Plan|Plans» })`, `x`},
	{"Field: of a copy", `monotable.Field(func(u «*User|User») *string { return &u.Plan })`, `x`},

	// Conditions.
	{"Filter: another entity", `orders.Scan().Filter(«orderStatus|userPlan».Ne("x"))`, `x`},
	{"Filter: another entity's comparison", `orders.Scan().Filter(«orderStatus|userPlan».Eq("x"))`, `x`},
	{"Filter: a change", `orders.Scan().Filter(orderStatus.«Eq|Set»("paid"))`, `x`},
	{"Filter: a bool", `orders.Scan().Filter(«orderTotal.Eq(1)|order.Total == 1»)`, `x`},
	{"Filter: text", `orders.Scan().Filter(«orderStatus.Eq("paid")|"status = paid"»)`, `x`},
	{"Filter: a Cond of one's own", `users.Scan().Filter(«userPlan.Exists()|ownCond{}»)`, `x`},
	{"Create: condition on another entity", `users.Create(ctx, ann, «userPlan|orderStatus».NotExists())`, `x`},
	{"Create: a change", `users.Create(ctx, ann, userPlan.«Eq|Set»("free"))`, `x`},
	{"CreateOp: a change", `users.CreateOp(ann, userPlan.«Eq|Set»("free"))`, `x`},
	{"Put: condition on another entity", `users.Put(ctx, ann, «userLogins|orderTotal».Eq(1))`, `x`},
	{"PutOp: a change", `users.PutOp(ann, «userLogins.Lt(9)|monotable.Add(userLogins, 1)»)`, `x`},
	{"Delete: condition on another entity", `users.Delete(ctx, ann, «userPlan|orderStatus».Exists())`, `x`},
	{"Delete: a change", `users.Delete(ctx, ann, userPlan.«NotExists|Remove»())`, `x`},
	{"DeleteOp: condition on another entity", `users.DeleteOp(ann, «userPlan|orderStatus».In("a"))`, `x`},
	{"All: two entities", `monotable.All(userPlan.Ne("x"), «userEmail|orderStatus».Ne("x"))`, `x`},
	{"All: comparisons of two entities", `monotable.All(userPlan.Eq("x"), «userEmail|orderStatus».Eq("x"))`, `x`},
	{"Any: two entities", `monotable.Any(userPlan.Exists(), «userEmail|orderStatus».Exists())`, `x`},
	{"Any: a change", `monotable.Any(userPlan.Eq("x"), userEmail.«Eq|Set»("x"))`, `x`},
	{"Not: a change", `monotable.Not(userPlan.«Eq|Set»("x"))`, `x`},
	{"Not: another entity's condition in a filter", `users.Scan().Filter(monotable.Not(«userPlan|orderStatus».Eq("x")))`, `x`},
	{"Eq: another attribute", `userPlan.«EqAttr|Eq»(‸userEmail)`, `x`},
	{"EqAttr: a value", `userPlan.«Eq|EqAttr»(‸"pro")`, `x`},
	{"EqAttr: two entities", `userPlan.EqAttr(«userEmail|orderStatus»)`, `x`},
	{"EqAttr: two types", `userPlan.EqAttr(«userEmail|userLogins»)`, `x`},
	{"GtAttr: text and its named type", `userPlan.GtAttr(«userEmail|userRole»)`, `x`},
	{"HasPrefix: a number", `monotable.HasPrefix(«userPlan|userLogins», "1")`, `x`},
	{"HasPrefix: a time", `monotable.HasPrefix(«userPlan|userCreated», "2026-")`, `x`},
	{"HasPrefix: a list", `monotable.HasPrefix(«userPlan|userTags», "x")`, `x`},
	{"HasPrefix: number as the prefix", `monotable.HasPrefix(userPlan, «"1"|1»)`, `x`},
	{"ContainsText: a number", `monotable.ContainsText(«userPlan|userLogins», "1")`, `x`},
	{"Contains: text", `monotable.Contains(«userTags|userPlan», "x")`, `x`},
	{"Contains: wrong member", `monotable.Contains(userTags, «"x"|1»)`, `x`},
	{"Cond: kept as another entity's", `var _ monotable.Cond[User] = «userPlan|orderStatus».Exists()`, `x`},
	{"Cond: asserted to be another entity's", `_ = userPlan.Exists().(monotable.Cond[«User|Order»])`, `x`},
	{"UncheckedCond: used with another entity", `users.Scan().Filter(monotable.UncheckedCond[«User|Order»](builder))`, `x`},

	// Keys and queries.
	{"Get: another entity's value", `users.Get(ctx, «ann|order»)`, `x`},
	{"Get: the bare key", `users.Get(ctx, «User{ID: "ann"}|"ann"»)`, `x`},
	{"Get: a pointer", `users.Get(ctx, «ann|&ann»)`, `x`},
	{"Get: without a context", `users.Get(«ctx, |»ann)`, `x`},
	{"Get: an option", `users.Get(ctx, ann«|, monotable.Consistent()»)`, `x`},
	{"Get: result of another type", `«ann|order», err = users.Get(ctx, ann)`, `x`},
	{"Create: another entity's value", `users.Create(ctx, «ann|order»)`, `x`},
	{"Put: another entity's value", `users.Put(ctx, «ann|order»)`, `x`},
	{"Update: another entity's key", `users.Update(ctx, «ann|order», userPlan.Set("x"))`, `x`},
	{"Delete: another entity's key", `users.Delete(ctx, «ann|order»)`, `x`},
	{"Query: another entity's key", `users.Query(«ann|order»)`, `x`},
	{"SortKey: another entity", `orders.Query(order).SortKey(«orderID|userPlan».Eq("x"))`, `x`},
	{"SortKey: Ne", `orders.Query(order).SortKey(orderID.«Eq|Ne»("x"))`, `x`},
	{"SortKey: In", `orders.Query(order).SortKey(orderID.«Between|In»("x", "y"))`, `x`},
	{"SortKey: Exists", `orders.Query(order).SortKey(orderID.«Eq("x")|Exists()»)`, `x`},
	{"SortKey: Not", `orders.Query(order).SortKey(«orderID.Eq("x")|monotable.Not(orderID.Eq("x"))»)`, `x`},
	{"SortKey: All", `orders.Query(order).SortKey(«orderID.Ge("x")|monotable.All(orderID.Ge("x"))»)`, `x`},
	{"SortKey: ContainsText", `orders.Query(order).SortKey(monotable.«HasPrefix|ContainsText»(orderID, "x"))`, `x`},
	{"SortKey: EqAttr", `orders.Query(order).SortKey(orderID.«Eq("x")|EqAttr(orderStatus)»)`, `x`},
	{"SortKey: Size", `orders.Query(order).SortKey(«orderTotal|orderID.Size()».Eq(1))`, `x`},
	{"SortKey: a change", `orders.Query(order).SortKey(orderID.«Eq|Set»("x"))`, `x`},
	{"SortKey: what Filter took", `conds := []monotable.«KeyCond|Cond»[Order]{orderID.Eq("x")}; orders.Query(order).SortKey(‸conds...)`, `x`},
	{"From: text that is no Cursor", `orders.Scan().From(«monotable.Cursor(text)|text»)`, `x`},
	{"With: a condition", `users.With(«monotable.Reveal()|userPlan.Exists()»)`, `x`},
	{"Page: of another entity", `var page monotable.Page[«Order|User»]; page, err = ‸orders.Scan().Page(ctx)`, `x`},
	{"Collect: into another entity's slice", `var all []«Order|User»; all, err = ‸orders.Scan().Collect(ctx)`, `x`},
	{"All: items of another entity", `for item := range orders.Scan().All(ctx) { «order|ann» = ‸item }`, `x`},
	{"Delete: result as a value", `var old «*User|User»; old, err = ‸users.Delete(ctx, ann)`, `x`},
	{"As: without a type", `monotable.As«[OrderLine]|»(orders.Scan())`, `x`},
	{"As: view of another entity's query", `monotable.As[OrderLine, Order](«orders|users».Scan())`, `x`},
	{"As: too many types", `monotable.As[OrderLine, Order«|, User»](orders.Scan())`, `x`},
	{"As: a view of a view", `monotable.As[OrderLine](«orders.Scan()|monotable.As[OrderLine](orders.Scan())»)`, `x`},
	{"As: result of another type", `var lines []«OrderLine|Order»; lines, err = ‸monotable.As[OrderLine](orders.Scan()).Collect(ctx)`, `x`},
	{"Modify: function over another entity", `users.Modify(ctx, ann, func(*«User|Order») error { return nil })`, `x`},
	{"Modify: function over a copy", `users.Modify(ctx, ann, func(«*User|User») error { return nil })`, `x`},
	{"Modify: function without an error", `users.Modify(ctx, ann, func(*User) «error |»{ «return nil|» })`, `x`},

	// Schemas and rules.
	{"Schema: rule of another entity", `_ = monotable.Schema[User]{Rules: []monotable.Rule[User]{«userPlan|orderStatus».Required()}}`, `x`},
	{"Schema: Min of another entity", `_ = []monotable.Rule[User]{monotable.Min(«userLogins|orderTotal», 0)}`, `x`},
	{"Schema: attribute instead of a rule", `_ = []monotable.Rule[User]{userPlan«.Hidden()|»}`, `x`},
	{"Schema: condition instead of a rule", `_ = []monotable.Rule[User]{userPlan.«Required|Exists»()}`, `x`},
	{"Schema: validator of another entity", `_ = monotable.Schema[User]{Validate: func(*«User|Order») error { return nil }}`, `x`},
	{"Schema: rules of another entity", `_ = monotable.Schema[User]{Rules: []monotable.Rule[«User|Order»]{}}`, `x`},
	{"Schema: template instead of a key", `_ = monotable.Schema[User]{Key: «monotable.Key{Partition: "USER#{userId}"}|"USER#{userId}"»}`, `x`},
	{"NewEntity: kept as another entity", `var _ *monotable.Entity[User] = monotable.MustEntity(table, monotable.Schema[«User|Order»]{})`, `x`},
	{"NewTable: a client that lacks methods", `monotable.NewTable(«client|halfClient{}», monotable.TableConfig{})`, `x`},
	{"Default: wrong type", `userPlan.Default(«"free"|0»)`, `x`},
	{"Default: value for a pointer", `userNotify.Default(«new(true)|true»)`, `x`},
	{"Default: map of another type", `userLabels.Default(map[string]«string|int»{})`, `x`},
	{"DefaultZero: wrong type", `userLogins.DefaultZero(«1|"1"»)`, `x`},
	{"DefaultFunc: wrong result", `userLogins.DefaultFunc(func(*User) «int { return 1 }|string { return "" }»)`, `x`},
	{"DefaultFunc: function of another entity", `userPlan.DefaultFunc(func(*«User|Order») string { return "" })`, `x`},
	{"Derived: wrong result", `userPlan.Derived(func(u *User) «string { return u.Email }|int { return u.Logins }», userEmail)`, `x`},
	{"Derived: reads another entity", `userPlan.Derived(func(*User) string { return "" }, «userEmail|orderStatus»)`, `x`},
	{"Derived: reads a name", `userPlan.Derived(func(*User) string { return "" }, «userEmail|"email"»)`, `x`},
	{"Transform: wrong argument", `«userPlan|userLogins».Transform(‸lower)`, `x`},
	{"Transform: wrong result", `userPlan.Transform(«lower|size»)`, `x`},
	{"Validate: wrong type", `«userPlan|userLogins».Validate(‸checked)`, `x`},
	{"Validate: not an error", `userPlan.Validate(«checked|size»)`, `x`},
	{"OneOf: one value of a wrong type", `userPlan.OneOf("free", «"pro"|2»)`, `x`},
	{"OneOf: after another rule", `userPlan.Default("free").OneOf("free", «"pro"|2»)`, `x`},
	{"Min: text for a number", `monotable.Min(userLogins, «1|"1"»)`, `x`},
	{"Min: of text", `monotable.Min(«userLogins|userPlan», 1)`, `x`},
	{"Min: of a time", `monotable.Min(«userLogins|userCreated», 1)`, `x`},
	{"Max: fraction for an int", `monotable.Max(«userScore|userLogins», 0.5)`, `x`},
	{"Length: text as a bound", `monotable.Length(userPlan, 1, «9|"9"»)`, `x`},
	{"Pattern: a number", `monotable.Pattern(«userPlan|userLogins», "^[a-z]+$")`, `x`},
	{"CreatedAt: text", `monotable.CreatedAt(«userCreated|userPlan»)`, `x`},
	{"UpdatedAt: a number", `monotable.UpdatedAt(«userCreated|userVersion»)`, `x`},
	{"ExpiresAt: a number", `monotable.ExpiresAt(«userCreated|userVersion»)`, `x`},
	{"TimeLayout: text", `monotable.TimeLayout(«userCreated|userPlan», time.RFC3339)`, `x`},
	{"Version: text", `monotable.Version(«userVersion|userPlan»)`, `x`},
	{"Version: a fraction", `monotable.Version(«userVersion|userScore»)`, `x`},
	{"Version: a pointer", `monotable.Version(«userVersion|userCredit»)`, `x`},
	{"IndexWhen: function over another entity", `monotable.IndexWhen("GSI1", func(u *User) bool { return u.Admin }, «userAdmin|orderStatus»)`, `x`},
	{"IndexWhen: rule of another entity", `_ = []monotable.Rule[User]{monotable.IndexWhen("GSI1", func(*«User|Order») bool { return true })}`, `x`},
	{"IndexWhen: wrong result", `monotable.IndexWhen("GSI1", func(*User) «bool { return true }|int { return 1 }»)`, `x`},

	// Phantom type parameters do not leak.
	{"Attr: converted to another entity's", `_ = monotable.Attr[«User|Order», string](userPlan)`, `x`},
	{"Attr: converted to another type", `_ = monotable.Attr[User, «string|int»](userPlan)`, `x`},
	{"Attr: converted in both", `_ = monotable.Attr[User, int](monotable.Attr[«User, int|Order, string»]{})`, `x`},
	{"Attr: kept as another type", `var _ monotable.Attr[User, string] = «userPlan|userLogins»`, `x`},
	{"Attr: made without Field", `_ = monotable.Attr[User, string]{«|[0]func(*User) string{}, nil»}`, `x`},
	{"Ref: of another entity", `var _ monotable.Ref[User] = «userPlan|orderStatus»`, `x`},
	{"KeyCond: converted to another entity's", `_ = monotable.KeyCond[«User|Order»](userPlan.Eq("x"))`, `x`},
	{"AttrRule: converted to another type", `_ = monotable.AttrRule[User, «string|int»](userPlan.Required())`, `x`},
	{"Query: converted to another entity's", `_ = monotable.Query[«Order|User»](orders.Scan())`, `x`},
	{"Size: converted to another entity's", `_ = monotable.Size[«User|Order»](userPlan.Size())`, `x`},
	{"Attr: compared with ==", `_ = userPlan«.String()|» == userEmail«.String()|»`, `x`},
	{"KeyCond: compared with ==", `_ = userPlan«.String()|.Eq("x")» == userPlan«.String()|.Eq("x")»`, `x`},
	{"Query: compared with ==", `_ = orders«.Name()|.Scan()» == orders«.Name()|.Scan()»`, `x`},
	{"Attr: as the key of a map", `_ = map[«monotable.Ref[User]|monotable.Attr[User, string]»]bool{}`, `x`},
}

var difference = regexp.MustCompile(`«([^|»]*)\|([^»]*)»`)

// split gives the two versions of the program, and where the compiler must point in the wrong one.
func (p wrongProgram) split() (right, wrong string, at int) {
	right = strings.ReplaceAll(difference.ReplaceAllString(p.program, "$1"), "‸", "")
	marked := p.program
	if !strings.Contains(marked, "‸") {
		marked = strings.Replace(marked, "«", "‸«", 1)
	}
	marked = difference.ReplaceAllString(marked, "$2")
	return right, strings.Replace(marked, "‸", "", 1), strings.Index(marked, "‸")
}

// checker type-checks programs as the compiler does, in this process.
type checker struct {
	shared   string // the file that each program ends
	fset     *token.FileSet
	importer types.Importer
}

// newChecker reads the declarations that the programs share, and has the go command
// compile what they import.
func newChecker(t *testing.T) *checker {
	const name = "testdata/compilefail/shop.go"
	shared, err := os.ReadFile(name)
	require.NoError(t, err)
	c := &checker{shared: string(shared), fset: token.NewFileSet()}
	file, err := parser.ParseFile(c.fset, name, shared, parser.ImportsOnly)
	require.NoError(t, err)

	args := []string{"list", "-export", "-f", "{{.ImportPath}} {{.Export}}"}
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		args = append(args, "-race") // what this test is built with is compiled already
	}
	for _, spec := range file.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		require.NoError(t, err)
		args = append(args, path)
	}
	list := exec.CommandContext(t.Context(), "go", args...)
	list.Stderr = t.Output()
	out, err := list.Output()
	require.NoError(t, err)
	exports := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, export, _ := strings.Cut(strings.TrimSpace(line), " ")
		exports[path] = export
	}
	c.importer = importer.ForCompiler(c.fset, "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(exports[path])
	})
	return c
}

// check is what the compiler says of a program: the errors, each with its offset in it.
func (c *checker) check(program string) []compileError {
	before := c.shared + "\nfunc _() {\n"
	file, err := parser.ParseFile(c.fset, "program.go", before+program+"\n}\n", parser.SkipObjectResolution)
	if err != nil {
		return []compileError{{-1, err.Error()}}
	}
	var errs []compileError
	config := types.Config{GoVersion: "go1.26", Importer: c.importer, Error: func(err error) {
		e := err.(types.Error)
		errs = append(errs, compileError{c.fset.Position(e.Pos).Offset - len(before), e.Msg})
	}}
	_, _ = config.Check("compilefail", c.fset, []*ast.File{file}, nil)
	return errs
}

type compileError struct {
	at   int
	text string
}

func TestCompileFail(t *testing.T) {
	c := newChecker(t)
	for _, p := range wrongPrograms {
		right, wrong, at := p.split()
		for _, e := range c.check(right) {
			fmt.Printf("!RIGHT %s: %s\n   %d %s\n", p.mistake, right, e.at, e.text)
		}
		errs := c.check(wrong)
		if len(errs) != 1 {
			fmt.Printf("!N=%d %s: %s\n", len(errs), p.mistake, wrong)
		}
		for _, e := range errs {
			m := " "
			if e.at != at {
				m = "!POS"
			}
			k := min(max(e.at, 0), len(wrong))
			fmt.Printf("%s %s: %s‸%s\n\t%s\n", m, p.mistake, wrong[:k], wrong[k:], e.text)
		}
	}
}
