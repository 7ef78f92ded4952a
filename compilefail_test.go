package monotable_test

import (
	"errors"
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

// wrongProgram is a mistake that the compiler must refuse, and the right program that it
// must take: the two differ in the mistake alone.
type wrongProgram struct {
	mistake string

	// program is Go statements over the declarations of testdata/compilefail, with each
	// difference as «right|wrong». ‸ is where the compiler must find the mistake; without
	// it, that is where the first difference begins.
	program string

	want string // matches the compiler's message
}

var wrongPrograms = []wrongProgram{
	// Handles.
	{"Field: value instead of its address", `monotable.Field(‸func(u *User) «*string|string» { return «&|»u.Plan })`, `does not match .*func\(\*User\) \*V`},
	{"Field: address of another type", `monotable.Field(func(u *User) *string { return ‸&u.«Plan|Logins» })`, `\*int\) as \*string value`},
	{"Field: no such field", `monotable.Field(func(u *User) *string { return &u.«Plan|Plans» })`, `u.Plans undefined`},
	{"Field: of a copy", `monotable.Field(‸func(u «*User|User») *string { return &u.Plan })`, `does not match func\(\*T\) \*V`},
	{"Elem: no pointer", `monotable.Elem(«userNotify|userAdmin»)`, `Attr\[User, bool\] .* does not match .*Attr\[User, \*V\]`},
	{"At: a map", `‸monotable.At(«userTags|userLabels», 0)`, `map\[string\]string\) does not satisfy ~\[\]E`},
	{"At: text as the index", `monotable.At(userTags, «0|"0"»)`, `"0" .* as int value`},
	{"At: value of a wrong type", `monotable.At(userTags, 0).Set(«"x"|1»)`, `1 .* as string value`},
	{"MapKey: a list", `‸monotable.MapKey(«userLabels|userTags», "team")`, `\[\]string\) does not satisfy ~map\[K\]V`},
	{"MapKey: number as the key", `monotable.MapKey(userLabels, «"team"|1»)`, `1 .* as string value`},
	{"MapKey: map whose keys are numbers", `‸monotable.MapKey(«userLabels|userRanks», «"1"|1»)`, `int\) does not satisfy ~string`},
	{"MapKey: value of a wrong type", `monotable.MapKey(userLabels, "team").Set(«"red"|1»)`, `1 .* as string value`},
	{"Path: without its type", `‸monotable.Path«[string]|»(users, "tags[0]")`, `cannot infer V`},
	{"Path: value of a wrong type", `monotable.Path[string](users, "tags[0]").Set(«"x"|1»)`, `1 .* as string value`},
	{"Path: of another entity", `users.Update(ctx, ann, ‸monotable.Path[string](«users|orders», "status").Remove())`, `Change\[Order\] does not implement .*Change\[User\]`},

	// Values have the type of the attribute.
	{"Set: wrong type", `userPlan.Set(«"pro"|42»)`, `42 .* as string value`},
	{"Set: nil for text", `userPlan.Set(«"pro"|nil»)`, `nil as string value`},
	{"Set: text for a Role", `userRole.Set(«Role(text)|text»)`, `text .* as Role value`},
	{"Set: fraction for an int", `userLogins.Set(«1|1.5»)`, `1.5 .* as int value`},
	{"Set: value for a pointer", `userNotify.Set(«new(true)|true»)`, `true .* as \*bool value`},
	{"Set: pointer for what Elem points to", `monotable.Elem(userNotify).Set(«true|new(true)»)`, `new\(true\) .* as bool value`},
	{"Set: struct for its field", `userTheme.Set(«"dark"|Prefs{Theme: "dark"}»)`, `Prefs.* as string value`},
	{"Set: element for its list", `userTags.Set(«[]string{"a"}|"a"»)`, `"a" .* as \[\]string value`},
	{"Set: another attribute", `userPlan.«SetFrom|Set»(‸userEmail)`, `userEmail .* as string value`},
	{"SetIfAbsent: wrong type", `userPlan.SetIfAbsent(«"free"|false»)`, `false .* as string value`},
	{"Given: wrong type", `userPlan.Given(«"free"|0»)`, `0 .* as string value`},
	{"Eq: wrong type", `userLogins.Eq(«3|"3"»)`, `"3" .* as int value`},
	{"Eq: nil for a number", `userLogins.Eq(«0|nil»)`, `nil as int value`},
	{"Eq: another attribute", `userPlan.«EqAttr|Eq»(‸userEmail)`, `userEmail .* as string value`},
	{"Ne: wrong type", `userAdmin.Ne(«false|"false"»)`, `"false" .* as bool value`},
	{"Lt: text for a time", `userCreated.Lt(«time.Now()|"2026-01-01"»)`, `"2026-01-01" .* as time.Time value`},
	{"Between: one bound of a wrong type", `orderTotal.Between(1, «9|"9"»)`, `"9" .* as int value`},
	{"In: one value of a wrong type", `userPlan.In("free", «"pro"|2»)`, `2 .* as string value`},
	{"In: slice for its elements", `userPlan.In(‸plans«...|»)`, `plans .* as string value`},
	{"Type: text that is no DynamoDB type", `userPlan.Type(«expression.String|text»)`, `text .* as expression.DynamoDBAttributeType value`},
	{"Size: compared with text", `userTags.Size().Ge(«3|"3"»)`, `"3" .* as int value`},

	// Changes.
	{"Update: Set of another entity's attribute", `users.Update(ctx, ann, «userPlan|orderStatus».Set("x"))`, `Change\[Order\] does not implement .*Change\[User\]`},
	{"Update: Remove of another entity's attribute", `users.Update(ctx, ann, «userPlan|orderStatus».Remove())`, `Change\[Order\] does not implement .*Change\[User\]`},
	{"Update: Add to another entity's attribute", `users.Update(ctx, ann, ‸monotable.Add(«userLogins|orderTotal», 1))`, `Change\[Order\] does not implement .*Change\[User\]`},
	{"Update: Append to another entity's list", `users.Update(ctx, ann, ‸monotable.Append(«userTags|orderLines», "x"))`, `Change\[Order\] does not implement .*Change\[User\]`},
	{"Update: condition on another entity", `users.Update(ctx, ann, userPlan.Set("x"), «userLogins|orderTotal».Gt(1))`, `KeyCond\[Order\] does not implement .*Change\[User\]`},
	{"Update: attribute instead of a change", `users.Update(ctx, ann, ‸userPlan«.Remove()|»)`, `Attr\[User, string\] does not implement .*Change\[User\]`},
	{"Update: rule instead of a change", `users.Update(ctx, ann, ‸userPlan.«Set|Default»("free"))`, `AttrRule\[User, string\] does not implement .*Change\[User\]`},
	{"Update: option instead of a change", `users.Update(ctx, ann, «userPlan.Exists()|monotable.Consistent()»)`, `Option does not implement .*Change\[User\]`},
	{"Upsert: Set of another entity's attribute", `users.Upsert(ctx, ann, «userPlan|orderStatus».Set("x"))`, `Change\[Order\] does not implement .*Change\[User\]`},
	{"Upsert: SetIfAbsent of another entity's attribute", `users.Upsert(ctx, ann, «userPlan|orderStatus».SetIfAbsent("x"))`, `Change\[Order\] does not implement .*Change\[User\]`},
	{"UpdateOp: Given of another entity's attribute", `users.UpdateOp(ann, «userPlan|orderStatus».Given("x"))`, `Change\[Order\] does not implement .*Change\[User\]`},
	{"UpdateOp: Set of another entity's attribute", `users.UpdateOp(ann, «userPlan|orderStatus».Set("x"))`, `Change\[Order\] does not implement .*Change\[User\]`},
	{"Add: to text", `‸monotable.Add(«userLogins|userEmail», 1)`, `string does not satisfy .*Number`},
	{"Add: text to text", `‸monotable.Add(«userLogins|userEmail», «1|"x"»)`, `string does not satisfy .*Number`},
	{"Add: to a bool", `‸monotable.Add(«userLogins|userAdmin», 1)`, `bool does not satisfy .*Number`},
	{"Add: to a time", `‸monotable.Add(«userLogins|userCreated», 1)`, `time.Time does not satisfy .*Number`},
	{"Add: to a pointer", `‸monotable.Add(«monotable.Elem(userCredit)|userCredit», 1)`, `\*int does not satisfy .*Number`},
	{"Add: fraction to an int", `monotable.Add(«userScore|userLogins», ‸0.5)`, `0.5 .* as int value`},
	{"Add: float variable to an int", `monotable.Add(userLogins, «ann.Logins|ann.Score»)`, `float64 of ann.Score does not match .*int for V`},
	{"Add: attribute as the number", `monotable.Add(userLogins, «1|userLogins»)`, `Attr\[User, int\] of userLogins does not match .*int for V`},
	{"Append: to text", `‸monotable.Append(«userTags|userPlan», "x")`, `string\) does not satisfy ~\[\]E`},
	{"Append: wrong element", `monotable.Append(userTags, «"x"|1»)`, `1 .* as string value`},
	{"Append: slice for its elements", `‸monotable.Append(userTags, plans«...|»)`, `does not satisfy ~\[\]E`},
	{"Prepend: to a map", `‸monotable.Prepend(«userTags|userLabels», "x")`, `map\[string\]string\) does not satisfy ~\[\]E`},
	{"Prepend: wrong element", `monotable.Prepend(userTags, «"x"|true»)`, `true .* as string value`},
	{"AddTo: a number", `‸monotable.AddTo(«userTags|userLogins», «"x"|1»)`, `int\) does not satisfy ~\[\]E`},
	{"AddTo: a map", `‸monotable.AddTo(«userTags|userLabels», "x")`, `map\[string\]string\) does not satisfy ~\[\]E`},
	{"AddTo: wrong member", `monotable.AddTo(userTags, «"x"|1»)`, `1 .* as string value`},
	{"DeleteFrom: wrong member", `monotable.DeleteFrom(userTags, «"x"|1»)`, `1 .* as string value`},
	{"DeleteFrom: another entity's set", `users.Update(ctx, ann, ‸monotable.DeleteFrom(«userTags|orderLines», "x"))`, `Change\[Order\] does not implement .*Change\[User\]`},
	{"SetFrom: a value", `userPlan.«Set|SetFrom»(‸"pro")`, `"pro" .* as .*Attr\[User, string\] value`},
	{"SetFrom: another entity", `userPlan.SetFrom(«userEmail|orderStatus»)`, `Attr\[Order, string\]\) as .*Attr\[User, string\] value`},
	{"SetFrom: another type", `userPlan.SetFrom(«userEmail|userLogins»)`, `Attr\[User, int\]\) as .*Attr\[User, string\] value`},
	{"UncheckedSet: another entity", `users.Update(ctx, ann, ‸monotable.UncheckedSet(«userPlan|orderStatus», expression.Value("x")))`, `Change\[Order\] does not implement .*Change\[User\]`},
	{"UncheckedSet: condition instead of an operand", `monotable.UncheckedSet(userPlan, «expression.Value("x")|isPro»)`, `ConditionBuilder does not implement .*OperandBuilder`},

	// Conditions.
	{"Filter: another entity", `orders.Scan().Filter(«orderStatus|userPlan».Ne("x"))`, `Cond\[User\] does not implement .*Cond\[Order\]`},
	{"Filter: another entity's comparison", `orders.Scan().Filter(«orderStatus|userPlan».Eq("x"))`, `KeyCond\[User\] does not implement .*Cond\[Order\]`},
	{"Filter: another entity's negation", `users.Scan().Filter(‸monotable.Not(«userPlan|orderStatus».Eq("x")))`, `Cond\[Order\] does not implement .*Cond\[User\]`},
	{"Filter: a change", `orders.Scan().Filter(‸orderStatus.«Eq|Set»("paid"))`, `Change\[Order\] does not implement .*Cond\[Order\]`},
	{"Filter: attribute instead of a condition", `users.Scan().Filter(‸userAdmin«.Eq(true)|»)`, `Attr\[User, bool\] does not implement .*Cond\[User\]`},
	{"Filter: a bool", `orders.Scan().Filter(«orderTotal.Eq(1)|order.Total == 1»)`, `bool does not implement .*Cond\[Order\]`},
	{"Filter: text", `orders.Scan().Filter(«orderStatus.Eq("paid")|"status = paid"»)`, `string does not implement .*Cond\[Order\]`},
	{"Filter: a Cond of one's own", `users.Scan().Filter(«userPlan.Exists()|ownCond{}»)`, `ownCond does not implement .*Cond\[User\]`},
	{"Create: condition on another entity", `users.Create(ctx, ann, «userPlan|orderStatus».NotExists())`, `Cond\[Order\] does not implement .*Cond\[User\]`},
	{"Create: a change", `users.Create(ctx, ann, ‸userPlan.«Eq|Set»("free"))`, `Change\[User\] does not implement .*Cond\[User\]`},
	{"CreateOp: a change", `users.CreateOp(ann, ‸userPlan.«Eq|Set»("free"))`, `Change\[User\] does not implement .*Cond\[User\]`},
	{"Put: condition on another entity", `users.Put(ctx, ann, «userLogins|orderTotal».Eq(1))`, `KeyCond\[Order\] does not implement .*Cond\[User\]`},
	{"PutOp: a change", `users.PutOp(ann, «userLogins.Lt(9)|monotable.Add(userLogins, 1)»)`, `Change\[User\] does not implement .*Cond\[User\]`},
	{"Delete: condition on another entity", `users.Delete(ctx, ann, «userPlan|orderStatus».Exists())`, `Cond\[Order\] does not implement .*Cond\[User\]`},
	{"Delete: a change", `users.Delete(ctx, ann, ‸userPlan.«NotExists|Remove»())`, `Change\[User\] does not implement .*Cond\[User\]`},
	{"DeleteOp: condition on another entity", `users.DeleteOp(ann, «userPlan|orderStatus».In("a"))`, `Cond\[Order\] does not implement .*Cond\[User\]`},
	{"All: two entities", `monotable.All(userPlan.Ne("x"), «userEmail|orderStatus».Ne("x"))`, `Cond\[Order\] .* does not match .*Cond\[User\]`},
	{"All: comparisons of two entities", `monotable.All(userPlan.Eq("x"), «userEmail|orderStatus».Eq("x"))`, `KeyCond\[Order\] .* does not match .*Cond\[User\]`},
	{"All: nothing", `‸monotable.All(«userPlan.Exists()|»)`, `cannot infer T`},
	{"Any: two entities", `monotable.Any(userPlan.Exists(), «userEmail|orderStatus».Exists())`, `Cond\[Order\] .* does not match .*Cond\[User\]`},
	{"Any: a change", `monotable.Any(userPlan.Eq("x"), ‸userEmail.«Eq|Set»("x"))`, `Change\[User\] does not implement .*Cond\[User\]`},
	{"Not: a change", `monotable.Not(‸userPlan.«Eq|Set»("x"))`, `Change\[User\] does not implement .*Cond\[User\]`},
	{"Not: two conditions", `monotable.Not(userPlan.Eq("x")«|, ‸userPlan.Eq("y")»)`, `too many arguments`},
	{"EqAttr: a value", `userPlan.«Eq|EqAttr»(‸"pro")`, `"pro" .* as .*Attr\[User, string\] value`},
	{"EqAttr: two entities", `userPlan.EqAttr(«userEmail|orderStatus»)`, `Attr\[Order, string\]\) as .*Attr\[User, string\] value`},
	{"EqAttr: two types", `userPlan.EqAttr(«userEmail|userLogins»)`, `Attr\[User, int\]\) as .*Attr\[User, string\] value`},
	{"GtAttr: text and a Role", `userPlan.GtAttr(«userEmail|userRole»)`, `Attr\[User, Role\]\) as .*Attr\[User, string\] value`},
	{"HasPrefix: of a number", `‸monotable.HasPrefix(«userPlan|userLogins», "1")`, `int\) does not satisfy ~string`},
	{"HasPrefix: of a time", `‸monotable.HasPrefix(«userPlan|userCreated», "2026-")`, `time.Time\) does not satisfy ~string`},
	{"HasPrefix: of a list", `‸monotable.HasPrefix(«userPlan|userTags», "x")`, `\[\]string\) does not satisfy ~string`},
	{"HasPrefix: number as the prefix", `monotable.HasPrefix(userPlan, «"1"|1»)`, `1 .* as string value`},
	{"ContainsText: of a number", `‸monotable.ContainsText(«userPlan|userLogins», "1")`, `int\) does not satisfy ~string`},
	{"ContainsText: of a list", `‸monotable.ContainsText(«userPlan|userTags», "x")`, `\[\]string\) does not satisfy ~string`},
	{"Contains: of text", `‸monotable.Contains(«userTags|userPlan», "x")`, `string\) does not satisfy ~\[\]E`},
	{"Contains: wrong member", `monotable.Contains(userTags, «"x"|1»)`, `1 .* as string value`},
	{"UncheckedCond: of another entity", `users.Scan().Filter(‸monotable.UncheckedCond[«User|Order»](isPro))`, `Cond\[Order\] does not implement .*Cond\[User\]`},
	{"UncheckedCond: without its entity", `‸monotable.UncheckedCond«[User]|»(isPro)`, `cannot infer T`},

	// Verbs.
	{"Get: another entity's value", `users.Get(ctx, «ann|order»)`, `order .* as User value`},
	{"Get: the bare key", `users.Get(ctx, «User{ID: "ann"}|"ann"»)`, `"ann" .* as User value`},
	{"Get: a pointer", `users.Get(ctx, «ann|&ann»)`, `&ann .* as User value`},
	{"Get: without a context", `users.Get(«ctx, |»ann‸)`, `not enough arguments`},
	{"Get: option instead of With", `users.Get(ctx, ann«|, ‸monotable.Consistent()»)`, `too many arguments`},
	{"Get: result of another type", `«ann|order», err = ‸users.Get(ctx, ann)`, `User\) as Order value`},
	{"Get: error not taken", `ann«, err|» = ‸users.Get(ctx, ann)`, `assignment mismatch`},
	{"Create: another entity's value", `users.Create(ctx, «ann|order»)`, `order .* as User value`},
	{"Put: another entity's value", `users.Put(ctx, «ann|order»)`, `order .* as User value`},
	{"PutOp: another entity's value", `users.PutOp(«ann|order»)`, `order .* as User value`},
	{"Update: another entity's key", `users.Update(ctx, «ann|order», userPlan.Set("x"))`, `order .* as User value`},
	{"Upsert: another entity's key", `users.Upsert(ctx, «ann|order», userPlan.Set("x"))`, `order .* as User value`},
	{"Delete: another entity's key", `users.Delete(ctx, «ann|order»)`, `order .* as User value`},
	{"Delete: result as a value", `_ = func() («*User|User», error) { return ‸users.Delete(ctx, ann) }`, `\*User\) as User value`},
	{"Modify: another entity's key", `users.Modify(ctx, «ann|order», func(*User) error { return nil })`, `order .* as User value`},
	{"Modify: function over another entity", `users.Modify(ctx, ann, ‸func(*«User|Order») error { return nil })`, `func\(\*Order\) error\) as func\(\*User\) error value`},
	{"Modify: function over a copy", `users.Modify(ctx, ann, ‸func(«*User|User») error { return nil })`, `func\(User\) error\) as func\(\*User\) error value`},
	{"Modify: function without an error", `users.Modify(ctx, ann, ‸func(*User) «error |»{ «return nil|» })`, `func\(\*User\)\) as func\(\*User\) error value`},
	{"Old: kept as another entity's", `_ = func() («User|Order», bool) { return ‸users.Old(err) }`, `User\) as Order value`},
	{"With: a condition", `users.With(«monotable.Reveal()|userPlan.Exists()»)`, `Cond\[User\] does not implement .*Option`},
	{"With: option that is not called", `users.With(‸monotable.Consistent«()|»)`, `func\(\) monotable.Option does not implement .*Option`},

	// Queries.
	{"Query: another entity's key", `users.Query(«ann|order»)`, `order .* as User value`},
	{"SortKey: another entity", `orders.Query(order).SortKey(«orderID|userPlan».Eq("x"))`, `KeyCond\[User\]\) as .*KeyCond\[Order\] value`},
	{"SortKey: Ne", `orders.Query(order).SortKey(‸orderID.«Eq|Ne»("x"))`, `Cond\[Order\]\) as .*KeyCond\[Order\] value`},
	{"SortKey: In", `orders.Query(order).SortKey(‸orderID.«Between|In»("x", "y"))`, `Cond\[Order\]\) as .*KeyCond\[Order\] value`},
	{"SortKey: Exists", `orders.Query(order).SortKey(‸orderID.«Eq("x")|Exists()»)`, `Cond\[Order\]\) as .*KeyCond\[Order\] value`},
	{"SortKey: Not", `orders.Query(order).SortKey(«orderID.Eq("x")|monotable.Not(orderID.Eq("x"))»)`, `Cond\[Order\]\) as .*KeyCond\[Order\] value`},
	{"SortKey: All", `orders.Query(order).SortKey(«orderID.Ge("x")|monotable.All(orderID.Ge("x"))»)`, `Cond\[Order\]\) as .*KeyCond\[Order\] value`},
	{"SortKey: ContainsText", `orders.Query(order).SortKey(‸monotable.«HasPrefix|ContainsText»(orderID, "x"))`, `Cond\[Order\]\) as .*KeyCond\[Order\] value`},
	{"SortKey: EqAttr", `orders.Query(order).SortKey(‸orderID.«Eq("x")|EqAttr(orderStatus)»)`, `Cond\[Order\]\) as .*KeyCond\[Order\] value`},
	{"SortKey: Size", `orders.Query(order).SortKey(«orderTotal|orderID.Size()».Eq(1))`, `Cond\[Order\]\) as .*KeyCond\[Order\] value`},
	{"SortKey: a change", `orders.Query(order).SortKey(‸orderID.«Eq|Set»("x"))`, `Change\[Order\]\) as .*KeyCond\[Order\] value`},
	{"SortKey: a list made for Filter", `conds := []monotable.«KeyCond|Cond»[Order]{orderID.Eq("x")}; orders.Query(order).SortKey(‸conds...)`, `Cond\[Order\]\) as \[\].*KeyCond\[Order\] value`},
	{"Limit: text", `orders.Scan().Limit(«20|"20"»)`, `"20" .* as int value`},
	{"From: text that is no Cursor", `orders.Scan().From(«monotable.Cursor(text)|text»)`, `text .* as monotable.Cursor value`},
	{"All: forgotten", `for range ‸orders.Scan()«.All(ctx)|» {}`, `cannot range over`},
	{"All: items of another entity", `for item := range orders.Scan().All(ctx) { «order|ann» = ‸item }`, `item .* as User value`},
	{"Page: of another entity", `_ = func() (monotable.Page[«Order|User»], error) { return ‸orders.Scan().Page(ctx) }`, `Page\[Order\]\) as .*Page\[User\] value`},
	{"Page: items of another entity", `_ = func(page monotable.Page[Order]) []«Order|User» { return ‸page.Items }`, `\[\]Order\) as \[\]User value`},
	{"Collect: into another entity's slice", `_ = func() ([]«Order|User», error) { return ‸orders.Scan().Collect(ctx) }`, `\[\]Order\) as \[\]User value`},
	{"Collect: without a context", `orders.Scan().Collect(«ctx|‸»)`, `not enough arguments`},
	{"As: without its type", `‸monotable.As«[OrderLine]|»(orders.Scan())`, `cannot infer S`},
	{"As: too many types", `monotable.As[OrderLine, Order«|, ‸User»](orders.Scan())`, `got 3 type arguments`},
	{"As: query of another entity", `monotable.As[OrderLine, Order](«orders|users».Scan())`, `Query\[User\]\) as .*Query\[Order\] value`},
	{"As: view of a view", `monotable.As[OrderLine](«orders.Scan()|monotable.As[OrderLine](orders.Scan())»)`, `View\[OrderLine\] .* does not match .*Query\[T\]`},
	{"As: result of another type", `_ = func() ([]«OrderLine|Order», error) { return ‸monotable.As[OrderLine](orders.Scan()).Collect(ctx) }`, `\[\]OrderLine\) as \[\]Order value`},

	// Tables and schemas.
	{"NewTable: client that lacks methods", `monotable.NewTable(«client|halfClient{}», monotable.TableConfig{})`, `halfClient does not implement .*Client`},
	{"NewEntity: kept as another entity", `_ = func() (*monotable.Entity[User], error) { return ‸monotable.NewEntity(table, monotable.Schema[«User|Order»]{}) }`, `Entity\[Order\]\) as .*Entity\[User\] value`},
	{"MustEntity: kept as another entity", `users = ‸monotable.MustEntity(table, monotable.Schema[«User|Order»]{})`, `Entity\[Order\]\) as .*Entity\[User\] value`},
	{"Schema: template instead of a key", `_ = monotable.Schema[User]{Key: «monotable.Key{Partition: "USER#{userId}"}|"USER#{userId}"»}`, `"USER.* as monotable.Key value`},
	{"Schema: validator of another entity", `_ = monotable.Schema[User]{Validate: ‸func(*«User|Order») error { return nil }}`, `func\(\*Order\) error\) as func\(\*User\) error value`},
	{"Schema: rule of another entity", `_ = monotable.Schema[User]{Rules: []monotable.Rule[User]{«userPlan|orderStatus».Required()}}`, `AttrRule\[Order, string\] does not implement .*Rule\[User\]`},
	{"Schema: rules of another entity", `_ = monotable.Schema[User]{Rules: ‸[]monotable.Rule[«User|Order»]{}}`, `Rule\[Order\]\) as \[\].*Rule\[User\] value`},
	{"Schema: attribute instead of a rule", `_ = []monotable.Rule[User]{‸userPlan«.Hidden()|»}`, `Attr\[User, string\] does not implement .*Rule\[User\]`},
	{"Schema: condition instead of a rule", `_ = []monotable.Rule[User]{‸userPlan.«Required|Exists»()}`, `Cond\[User\] does not implement .*Rule\[User\]`},

	// Rules.
	{"Default: wrong type", `userPlan.Default(«"free"|0»)`, `0 .* as string value`},
	{"Default: value for a pointer", `userNotify.Default(«new(true)|true»)`, `true .* as \*bool value`},
	{"Default: map of another type", `userLabels.Default(‸map[string]«string|int»{})`, `map\[string\]int\) as map\[string\]string value`},
	{"Default: after another rule", `userPlan.Required().Default(«"free"|0»)`, `0 .* as string value`},
	{"DefaultZero: wrong type", `userLogins.DefaultZero(«1|"1"»)`, `"1" .* as int value`},
	{"DefaultFunc: wrong result", `userLogins.DefaultFunc(‸func(*User) «int { return 1 }|string { return "1" }»)`, `func\(\*User\) string\) as func\(\*User\) int value`},
	{"DefaultFunc: function over another entity", `userPlan.DefaultFunc(‸func(*«User|Order») string { return "free" })`, `func\(\*Order\) string\) as func\(\*User\) string value`},
	{"Derived: wrong result", `userPlan.Derived(‸func(u *User) «string { return u.Email }|int { return u.Logins }», userEmail)`, `func\(u \*User\) int\) as func\(\*User\) string value`},
	{"Derived: function over another entity", `userPlan.Derived(‸func(*«User|Order») string { return "free" }, userEmail)`, `func\(\*Order\) string\) as func\(\*User\) string value`},
	{"Derived: reads another entity's attribute", `userPlan.Derived(func(*User) string { return "free" }, «userEmail|orderStatus»)`, `Attr\[Order, string\] does not implement .*Ref\[User\]`},
	{"Derived: reads a name", `userPlan.Derived(func(*User) string { return "free" }, «userEmail|"email"»)`, `string does not implement .*Ref\[User\]`},
	{"Transform: function over another type", `«userPlan|userLogins».Transform(‸strings.ToLower)`, `func\(s string\) string\) as func\(int\) int value`},
	{"Transform: result of another type", `userPlan.Transform(‸strings.«ToLower|Fields»)`, `\[\]string\) as func\(string\) string value`},
	{"Validate: function over another type", `«userPlan|userLogins».Validate(‸known)`, `func\(plan string\) error\) as func\(int\) error value`},
	{"Validate: no error returned", `userPlan.Validate(«known|strings.ToLower»)`, `func\(s string\) string\) as func\(string\) error value`},
	{"OneOf: one value of a wrong type", `userPlan.OneOf("free", «"pro"|2»)`, `2 .* as string value`},
	{"OneOf: after another rule", `userPlan.Default("free").OneOf("free", «"pro"|2»)`, `2 .* as string value`},
	{"Min: text as the bound", `monotable.Min(userLogins, «1|"1"»)`, `"1" .* as int value`},
	{"Min: of text", `‸monotable.Min(«userLogins|userPlan», «1|"a"»)`, `string does not satisfy .*Number`},
	{"Min: of a time", `‸monotable.Min(«userLogins|userCreated», «1|time.Time{}»)`, `time.Time does not satisfy .*Number`},
	{"Min: of another entity", `_ = []monotable.Rule[User]{‸monotable.Min(«userLogins|orderTotal», 0)}`, `AttrRule\[Order, int\] does not implement .*Rule\[User\]`},
	{"Max: fraction for an int", `monotable.Max(«userScore|userLogins», ‸0.5)`, `0.5 .* as int value`},
	{"Max: of a pointer", `‸monotable.Max(«monotable.Elem(userCredit)|userCredit», 9)`, `\*int does not satisfy .*Number`},
	{"Length: text as a bound", `monotable.Length(userPlan, 1, «9|"9"»)`, `"9" .* as int value`},
	{"Pattern: of a number", `‸monotable.Pattern(«userPlan|userLogins», "^[0-9]+$")`, `int\) does not satisfy ~string`},
	{"CreatedAt: text", `monotable.CreatedAt(«userCreated|userPlan»)`, `Attr\[User, string\] .* does not match .*Attr\[User, time.Time\]`},
	{"UpdatedAt: a number", `monotable.UpdatedAt(«userCreated|userVersion»)`, `Attr\[User, int64\] .* does not match .*Attr\[User, time.Time\]`},
	{"ExpiresAt: a number", `monotable.ExpiresAt(«userCreated|userVersion»)`, `Attr\[User, int64\] .* does not match .*Attr\[User, time.Time\]`},
	{"TimeLayout: text", `monotable.TimeLayout(«userCreated|userPlan», time.RFC3339)`, `Attr\[User, string\] .* does not match .*Attr\[User, time.Time\]`},
	{"Version: text", `‸monotable.Version(«userVersion|userPlan»)`, `string does not satisfy ~int`},
	{"Version: a float", `‸monotable.Version(«userVersion|userScore»)`, `float64 does not satisfy ~int`},
	{"Version: a pointer", `‸monotable.Version(«userVersion|userCredit»)`, `\*int does not satisfy ~int`},
	{"IndexWhen: reads another entity's attribute", `monotable.IndexWhen("GSI1", func(*User) bool { return true }, «userAdmin|orderStatus»)`, `Attr\[Order, string\] .* does not match .*Ref\[User\]`},
	{"IndexWhen: function over another entity", `_ = []monotable.Rule[User]{‸monotable.IndexWhen("GSI1", func(*«User|Order») bool { return true })}`, `Rule\[Order\] does not implement .*Rule\[User\]`},
	{"IndexWhen: wrong result", `monotable.IndexWhen("GSI1", ‸func(*User) «bool { return true }|int { return 1 }»)`, `func\(\*User\) int .* does not match .*func\(\*T\) bool`},

	// Type parameters that a value does not hold still tell types apart.
	{"Attr: converted to another entity's", `_ = monotable.Attr[«User|Order», string](‸userPlan)`, `cannot convert`},
	{"Attr: converted to another type", `_ = monotable.Attr[User, «string|int»](‸userPlan)`, `cannot convert`},
	{"Attr: converted in both", `_ = monotable.Attr[User, int](‸monotable.Attr[«User, int|Order, string»]{})`, `cannot convert`},
	{"Attr: kept as another type", `var _ monotable.Attr[User, string] = «userPlan|userLogins»`, `Attr\[User, int\]\) as .*Attr\[User, string\] value`},
	{"Attr: made by hand", `_ = monotable.Attr[User, string]{«|handle: nil»}`, `handle`},
	{"Ref: of another entity", `var _ monotable.Ref[User] = «userPlan|orderStatus»`, `Attr\[Order, string\] does not implement .*Ref\[User\]`},
	{"Cond: kept as another entity's", `var _ monotable.Cond[User] = «userPlan|orderStatus».Exists()`, `Cond\[Order\] does not implement .*Cond\[User\]`},
	{"Cond: converted to another entity's", `_ = monotable.Cond[«User|Order»](‸userPlan.Exists())`, `cannot convert`},
	{"Change: converted to another entity's", `_ = monotable.Change[«User|Order»](‸userPlan.Set("x"))`, `cannot convert`},
	{"KeyCond: converted to another entity's", `_ = monotable.KeyCond[«User|Order»](‸userPlan.Eq("x"))`, `cannot convert`},
	{"AttrRule: converted to another entity's", `_ = monotable.AttrRule[«User|Order», string](‸userPlan.Required())`, `cannot convert`},
	{"AttrRule: converted to another type", `_ = monotable.AttrRule[User, «string|int»](‸userPlan.Required())`, `cannot convert`},
	{"Size: converted to another entity's", `_ = monotable.Size[«User|Order»](‸userPlan.Size())`, `cannot convert`},
	{"Entity: converted to another entity's", `_ = (*monotable.Entity[«User|Order»])(‸users)`, `cannot convert`},
	{"View: converted to another type", `_ = monotable.View[«OrderLine|User»](‸monotable.As[OrderLine](orders.Scan()))`, `cannot convert`},
	{"PutOp: converted from a CreateOp", `_ = monotable.PutOp[User](‸users.«PutOp|CreateOp»(ann))`, `cannot convert`},
	{"BatchWrite: an update", `_ = table.BatchWrite(ctx, ‸users.«PutOp(ann)|UpdateOp(ann, userLogins.Set(1))»)`, `does not implement .*BatchOp`},
	{"BatchWrite: a create", `_ = table.BatchWrite(ctx, ‸users.«PutOp|CreateOp»(ann))`, `does not implement .*BatchOp`},
	{"BatchWrite: a read", `_ = table.BatchWrite(ctx, ‸users.«DeleteOp(ann)|GetOp(ann, nil)»)`, `does not implement .*BatchOp`},
	{"BatchWrite: an upsert", `_ = table.BatchWrite(ctx, ‸users.«PutOp(ann)|UpsertOp(ann, userLogins.Set(1))»)`, `does not implement .*BatchOp`},
	{"UpsertOp: Set of another entity's attribute", `users.UpsertOp(ann, «userPlan|orderStatus».Set("x"))`, `Change\[Order\] does not implement .*Change\[User\]`},
	{"GetBy: another entity's attribute", `users.GetBy(ctx, ‸«userPlan|orderStatus».Eq("x"))`, `KeyCond\[Order\]`},
	{"GetBy: no equality", `users.GetBy(ctx, ‸userPlan.«Eq|Ne»("x"))`, `KeyCond\[User\]`},
	{"Unique: a scope of another entity's", `_ = userPlan.Unique(‸«userLogins|orderStatus»)`, `does not implement .*Ref\[User\]`},
	{"TransactWrite: a read", `_ = table.TransactWrite(ctx, ‸users.«CheckOp(ann)|GetOp(ann, nil)»)`, `does not implement .*WriteOp`},
	{"TransactGet: a write", `_ = table.TransactGet(ctx, ‸users.«GetOp(ann, nil)|PutOp(ann)»)`, `does not implement .*ReadOp`},
	{"GetOp: destination of another type", `users.GetOp(ann, «new(User)|new(Order)»)`, `new\(Order\) .* as \*User value`},
	{"CreateOp.Into: destination of another type", `users.CreateOp(ann).Into(«new(User)|new(Order)»)`, `new\(Order\) .* as \*User value`},
	{"CheckOp: a change", `users.CheckOp(ann, «userLogins.Lt(9)|userLogins.Set(1)»)`, `Change\[User\] does not implement .*Cond\[User\]`},
	{"CheckOp: another entity's condition", `users.CheckOp(ann, «userPlan|orderStatus».Exists())`, `Cond\[Order\] does not implement .*Cond\[User\]`},
	{"BatchGet: another entity's keys", `_, _ = users.BatchGet(ctx, «[]User|[]Order»{})`, `\[\]Order.* as \[\]User value`},
	{"Query: converted to another entity's", `_ = monotable.Query[«Order|User»](‸orders.Scan())`, `cannot convert`},
	{"UpdateOp: converted to another entity's", `_ = monotable.UpdateOp[«User|Order»](‸users.UpdateOp(ann))`, `cannot convert`},

	// What cannot be told apart by == does not pretend to be.
	{"Attr: compared by ==", `_ = ‸userPlan«.String()|» == userEmail«.String()|»`, `cannot be compared`},
	{"Attr: key of a map", `_ = map[«string|monotable.Attr[User, string]»]bool{}`, `invalid map key type`},
	{"KeyCond: compared by ==", `_ = ‸userPlan«.String()|.Eq("x")» == userPlan«.String()|.Eq("x")»`, `cannot be compared`},
	{"AttrRule: compared by ==", `_ = ‸userPlan«.String()|.Hidden()» == userPlan«.String()|.Hidden()»`, `cannot be compared`},
	{"Query: compared by ==", `_ = ‸orders«.Name()|.Scan()» == orders«.Name()|.Scan()»`, `cannot be compared`},
}

func TestCompileFail(t *testing.T) {
	t.Parallel()
	c := newTypeChecker(t)
	seen := map[string]bool{}
	for _, p := range wrongPrograms {
		t.Run(p.mistake, func(t *testing.T) {
			require.False(t, seen[p.mistake], "two programs with this name")
			seen[p.mistake] = true
			require.NoError(t, c.judge(p))
		})
	}
}

// A test of what must not build is worth what it notices.
func TestCompileFailNotices(t *testing.T) {
	t.Parallel()
	c := newTypeChecker(t)
	for _, test := range []struct {
		wrongProgram
		notice string
	}{
		{wrongProgram{"nothing is wrong", `userPlan.Set(«"pro"|"free"»)`, ``}, "the wrong program builds"},
		{wrongProgram{"nothing is right", `userPlan.Set(«1|2»)`, ``}, "the right program does not build"},
		{wrongProgram{"mistake elsewhere", `userPlan.‸Set(«"pro"|42»)`, `as string value`}, "does not fail as it should"},
		{wrongProgram{"another mistake", `userPlan.Set(«"pro"|42»)`, `as int value`}, "does not fail as it should"},
		{wrongProgram{"no program", `userPlan.Set(«"pro"|)»)`, ``}, "does not fail as it should"},
		{wrongProgram{"no difference", `userPlan.Set(42)`, ``}, "marks"},
		{wrongProgram{"half a difference", `userPlan.Set(«"pro"|42)`, ``}, "marks"},
		{wrongProgram{"two positions", `‸userPlan.Set(‸«"pro"|42»)`, ``}, "marks"},
	} {
		t.Run(test.mistake, func(t *testing.T) {
			require.ErrorContains(t, c.judge(test.wrongProgram), test.notice)
		})
	}
}

// judge says what speaks against p: its right version does not build, or its wrong one does or fails in another way.
func (c *typeChecker) judge(p wrongProgram) error {
	right, wrong, at, err := p.versions()
	if err != nil {
		return err
	}
	if errs := c.check(right); errs != nil {
		return fmt.Errorf("the right program does not build:%s", showErrors(right, errs))
	}
	errs := c.check(wrong)
	if errs == nil {
		return fmt.Errorf("the wrong program builds:\n\t%s", wrong)
	}
	want := regexp.MustCompile(p.want)
	if !slices.ContainsFunc(errs, func(e compileError) bool { return e.at == at && want.MatchString(e.text) }) {
		return fmt.Errorf("the wrong program does not fail as it should, with\n\t%s‸%s\n\t\t%s\nbut with%s", wrong[:at], wrong[at:], p.want, showErrors(wrong, errs))
	}
	return nil
}

var twins = regexp.MustCompile(`«([^«|»]*)\|([^«|»]*)»`)

// versions gives the right and the wrong program, and where in the wrong one the mistake must be found.
func (p wrongProgram) versions() (right, wrong string, at int, err error) {
	right = strings.ReplaceAll(twins.ReplaceAllString(p.program, "$1"), "‸", "")
	marked := p.program
	if !strings.Contains(marked, "‸") {
		marked = strings.Replace(marked, "«", "‸«", 1)
	}
	before, after, _ := strings.Cut(twins.ReplaceAllString(marked, "$2"), "‸")
	wrong = before + after
	if right == wrong || strings.ContainsAny(right+wrong, "«»‸") {
		return "", "", 0, fmt.Errorf("the marks of %s", p.program)
	}
	return right, wrong, len(before), nil
}

// typeChecker type-checks programs as the compiler does, but in this process: hundreds take no second.
type typeChecker struct {
	shared   string // each program is a function at the end of this file
	fset     *token.FileSet
	packages types.Importer
}

type compileError struct {
	at   int // offset in the program; negative or beyond it elsewhere
	text string
}

// newTypeChecker has the go command compile, or find compiled, what the shared declarations import.
func newTypeChecker(t *testing.T) *typeChecker {
	t.Helper()
	const name = "testdata/compilefail/shared.go"
	shared, err := os.ReadFile(name)
	require.NoError(t, err)
	c := &typeChecker{shared: string(shared), fset: token.NewFileSet()}
	file, err := parser.ParseFile(c.fset, name, shared, parser.ImportsOnly)
	require.NoError(t, err)

	args := []string{"list", "-export", "-f", "{{.ImportPath}} {{.Export}}"}
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		args = append(args, "-race") // then the packages are compiled so already
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
	c.packages = importer.ForCompiler(c.fset, "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(exports[path])
	})
	return c
}

// check is what the compiler says against a program.
func (c *typeChecker) check(program string) []compileError {
	before := c.shared + "\nfunc _() {\n"
	file, err := parser.ParseFile(c.fset, "program.go", before+program+"\n}\n", parser.SkipObjectResolution)
	if err != nil {
		return []compileError{{at: -1, text: err.Error()}}
	}
	var errs []compileError
	config := types.Config{Importer: c.packages, Error: func(err error) {
		e, _ := errors.AsType[types.Error](err)
		errs = append(errs, compileError{at: c.fset.Position(e.Pos).Offset - len(before), text: e.Msg})
	}}
	_, _ = config.Check("compilefail", c.fset, []*ast.File{file}, nil) // its error is the first of errs
	return errs
}

func showErrors(program string, errs []compileError) string {
	var text strings.Builder
	for _, e := range errs {
		at := min(max(e.at, 0), len(program))
		fmt.Fprintf(&text, "\n\t%s‸%s\n\t\t%s", program[:at], program[at:], e.text)
	}
	return text.String()
}
