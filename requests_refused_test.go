package monotable_test

import (
	"context"
	"fmt"
	"math"
	"math/big"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"

	"github.com/monotable/monotable"
)

var rqContext = context.Background()

// rqBadUTF8 is text that DynamoDB would store as something else (F078).
const rqBadUTF8 = "canary\xff"

func rqNo(name, why string, op func(*rqSchemas) rqOp, names ...string) rqRefusal {
	return rqRefusal{name: name, why: why, op: op, is: monotable.ErrInvalid, names: names}
}

// rqNoSet is a refused Update of a thing.
func rqNoSet(name, why string, names []string, changes ...monotable.Change[rqThing]) rqRefusal {
	return rqNo("update-"+name, why, func(s *rqSchemas) rqOp { return rqOf(s.things.UpdateOp(rqThing{ID: "1"}, changes...).Request) }, names...)
}

// rqNoIf is a refused condition on a thing.
func rqNoIf(name, why, attribute string, c monotable.Cond[rqThing]) rqRefusal {
	r := rqNo("if-"+name, why, func(s *rqSchemas) rqOp { return rqOf(s.things.DeleteOp(rqThing{ID: "1"}, c).Request) })
	if attribute != "" {
		r.names = []string{attribute}
	}
	return r
}

// rqNoThing is a refused Create of a thing.
func rqNoThing(name, why, attribute string, thing rqThing) rqRefusal {
	r := rqNo("create-"+name, why, func(s *rqSchemas) rqOp {
		if thing.ID == "" {
			thing.ID = "1"
		}
		return rqOf(s.things.CreateOp(thing).Request)
	}, attribute)
	r.secret = "canary"
	return r
}

// rqNoUser is a refused Update of ann.
func rqNoUser(name, why string, names []string, changes ...monotable.Change[rqUser]) rqRefusal {
	return rqNo("update-"+name, why, func(s *rqSchemas) rqOp { return rqOf(s.users.UpdateOp(rqUser{ID: "ann"}, changes...).Request) }, names...)
}

func rqNoQuery[T any](name, why string, q func(*rqSchemas) monotable.Query[T], names ...string) rqRefusal {
	r := rqNo("query-"+name, why, func(s *rqSchemas) rqOp { return q(s).Request }, names...)
	r.secret = "canary"
	return r
}

func (r rqRefusal) not(secret string) rqRefusal {
	r.secret = secret
	return r
}

var rqHuge, _ = new(big.Int).SetString("1"+strings.Repeat("0", 126), 10)

var rqRefusedWrites = []rqRefusal{
	rqNo("get-empty-key-part", "an empty part of a primary key names no item (F098)", func(s *rqSchemas) rqOp { return rqOf(s.users.GetOp(rqUser{Email: "a@b"}, nil).Request) }, "userId"),
	rqNo("get-empty-sort-part", "in the sort key too", func(s *rqSchemas) rqOp { return rqOf(s.orders.GetOp(rqOrder{UserID: "ann"}, nil).Request) }, "orderId"),
	rqNo("get-empty-natural-key", "an attribute of T that is the key must not be empty", func(s *rqSchemas) rqOp { return rqOf(s.product.GetOp(rqProduct{}, nil).Request) }, "sku"),
	rqNo("get-empty-binary-key", "nor a binary one", func(s *rqSchemas) rqOp { return rqOf(s.blobs.GetOp(rqBlob{Shard: 1, Digest: []byte{}}, nil).Request) }, "digest"),
	rqNo("get-nil-binary-key", "nor nil", func(s *rqSchemas) rqOp { return rqOf(s.blobs.GetOp(rqBlob{Shard: 1}, nil).Request) }, "digest"),
	rqNo("get-delimiter", "a delimiter in a value would make another item's key (F097)", func(s *rqSchemas) rqOp { return rqOf(s.users.GetOp(rqUser{ID: "canary#b"}, nil).Request) }, "userId", "Escaped").not("canary"),
	rqNo("get-other-delimiter", "the delimiter is the table's", func(s *rqSchemas) rqOp { return rqOf(s.delimited.GetOp(rqNote{ID: "a|b"}, nil).Request) }, "noteId"),
	rqNo("get-invalid-utf8", "two invalid texts would become one key (F078)", func(s *rqSchemas) rqOp { return rqOf(s.users.GetOp(rqUser{ID: rqBadUTF8}, nil).Request) }, "userId").not("canary"),
	rqNo("get-invalid-utf8-natural", "in an attribute of T that is the key too", func(s *rqSchemas) rqOp { return rqOf(s.product.GetOp(rqProduct{SKU: rqBadUTF8}, nil).Request) }, "sku").not("canary"),
	rqNo("get-number-too-long", "a number that does not fit its padding would sort wrongly (F101)", func(s *rqSchemas) rqOp {
		return rqOf(s.events.GetOp(rqEvent{Stream: "s", Seq: 10000000000, Kind: "k"}, nil).Request)
	}, "seq"),
	rqNo("get-decimals-too-long", "nor are decimals cut", func(s *rqSchemas) rqOp {
		return rqOf(s.logs.GetOp(rqLog{App: "a", Level: "l", Load: 1.125}, nil).Request)
	}, "load"),
	rqNo("get-not-a-number", "NaN is no part of a key (F079)", func(s *rqSchemas) rqOp {
		return rqOf(s.logs.GetOp(rqLog{App: "a", Level: "l", Load: math.NaN()}, nil).Request)
	}, "load"),
	rqNo("get-year-10000", "a year of five digits would sort wrongly (F088)", func(s *rqSchemas) rqOp {
		return rqOf(s.events.GetOp(rqEvent{Stream: "s", At: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), Kind: "k"}, nil).Request)
	}, "at"),
	rqNo("get-partition-too-long", "a partition key has 2048 bytes at most (F100)", func(s *rqSchemas) rqOp {
		return rqOf(s.users.GetOp(rqUser{ID: strings.Repeat("x", 2044)}, nil).Request)
	}, "PK", "2049", "2048"),
	rqNo("get-sort-too-long", "a sort key has 1024 bytes at most (F100)", func(s *rqSchemas) rqOp {
		return rqOf(s.orders.GetOp(rqOrder{UserID: "ann", ID: strings.Repeat("é", 510)}, nil).Request)
	}, "SK", "1026", "1024"),
	rqNo("get-natural-too-long", "an attribute of T that is the key, too", func(s *rqSchemas) rqOp {
		return rqOf(s.product.GetOp(rqProduct{SKU: strings.Repeat("x", 2049)}, nil).Request)
	}, "sku", "2049"),

	rqNo("create-empty-key-part", "an item without a key cannot be stored", func(s *rqSchemas) rqOp { return rqOf(s.orders.CreateOp(rqOrder{ID: "1"}).Request) }, "userId"),
	rqNo("create-version", "Create wants version 0 (F022)", func(s *rqSchemas) rqOp { return rqOf(s.users.CreateOp(rqAnnRead()).Request) }, "version"),
	rqNo("put-version-negative", "a version is never negative", func(s *rqSchemas) rqOp {
		return rqOf(s.users.PutOp(rqUser{ID: "ann", Email: "a@b", Version: -1}).Request)
	}, "version"),
	rqNo("put-version-full", "the version cannot be raised (F022)", func(s *rqSchemas) rqOp {
		return rqOf(s.users.PutOp(rqUser{ID: "ann", Email: "a@b", Version: math.MaxInt64}).Request)
	}, "version"),
	rqNo("delete-version-negative", "in a key neither", func(s *rqSchemas) rqOp { return rqOf(s.users.DeleteOp(rqUser{ID: "ann", Version: -1}).Request) }, "version"),
	rqNo("create-rules", "all rules' errors come together, with the names of the attributes and no values (F127)", func(s *rqSchemas) rqOp {
		return rqOf(s.users.CreateOp(rqUser{ID: "ann", Email: "canary", Plan: "canary", Logins: -1}).Request)
	}, "email", "plan", "logins").not("canary"),
	rqNo("put-required", "Required refuses a zero value", func(s *rqSchemas) rqOp { return rqOf(s.users.PutOp(rqUser{ID: "ann"}).Request) }, "email"),
	rqNo("create-index-delimiter", "a delimiter in a part of an index key too (F097)", func(s *rqSchemas) rqOp {
		return rqOf(s.orders.CreateOp(rqOrder{UserID: "ann", ID: "1", Status: "canary#", Open: true}).Request)
	}, "GSI3PK", "status").not("canary"),
	rqNo("create-index-too-long", "an index key has the same limits (F100)", func(s *rqSchemas) rqOp {
		return rqOf(s.orders.CreateOp(rqOrder{UserID: "ann", ID: "1", Note: strings.Repeat("x", 2044)}).Request)
	}, "GSI2PK", "2049"),
	rqNo("create-natural-index-too-long", "an attribute of T that is an index key, too", func(s *rqSchemas) rqOp {
		return rqOf(s.matches.CreateOp(rqMatch{ID: "1", Tournament: strings.Repeat("x", 2049), Region: "eu"}).Request)
	}, "tournament", "2049"),

	rqNoThing("invalid-utf8", "the SDK would store U+FFFD instead (F078)", "s", rqThing{S: rqBadUTF8}),
	rqNoThing("invalid-utf8-nested", "at any depth, with its path", "prefs.theme", rqThing{Prefs: rqPrefs{Theme: rqBadUTF8}}),
	rqNoThing("invalid-utf8-in-list", "in a list", "l[1]", rqThing{L: []string{"a", rqBadUTF8}}),
	rqNoThing("invalid-utf8-in-set", "in a set", "ss", rqThing{SS: []string{rqBadUTF8}}),
	rqNoThing("invalid-utf8-map-key", "in the name of a map's element", "m", rqThing{M: map[string]int{rqBadUTF8: 1}}),
	rqNoThing("nan", "NaN is no number of DynamoDB's (F079)", "f", rqThing{F: math.NaN()}),
	rqNoThing("infinity", "nor is an infinity", "f", rqThing{F: math.Inf(-1)}),
	rqNoThing("number-too-large", "the largest float is beyond 9.99E+125", "f", rqThing{F: math.MaxFloat64}),
	rqNoThing("number-too-small", "the smallest is below 1E-130", "f", rqThing{F: math.SmallestNonzeroFloat64}),
	rqNoThing("39-digits", "38 digits are the most", "big", rqThing{Big: new(big.Int).Add(rqHuge, big.NewInt(1))}),
	rqNoThing("equal-members", "a set has no equal members (F085)", "ss", rqThing{SS: []string{"canary", "canary"}}),
	rqNoThing("equal-numbers", "nor equal numbers", "ns", rqThing{NS: []int{1, 1}}),
	rqNoThing("year-10000", "a time of five digits' year cannot be read back (F088)", "when", rqThing{When: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}),
	rqNoThing("channel", "a channel in an interface cannot be stored", "any", rqThing{Any: make(chan int)}),
	rqNoThing("too-deep", "32 levels are the most (F091)", "any", rqThing{Any: rqNested(32)}),
	rqNoThing("too-large", "400 KB are the most, names included (F091)", "409600", rqThing{B: make([]byte, 409600)}),
	rqNo("put-too-large", "counted to the byte: one less would fit", func(s *rqSchemas) rqOp {
		// sku + p, price + one digit's number, _et + Product
		return rqOf(s.things.PutOp(rqThing{ID: "1", S: strings.Repeat("é", 204800)}).Request)
	}, "409600"),

	rqNoIf("nil", "a nil condition is a mistake, not an absent one (F117)", "", nil),
	rqNoIf("zero", "the zero KeyCond too", "", monotable.KeyCond[rqThing]{}),
	rqNoIf("zero-attr", "a handle that was not made by Field", "Field", monotable.Attr[rqThing, string]{}.Eq("x")),
	rqNoIf("zero-size", "nor was this", "Attr", monotable.Size[rqThing]{}.Eq(1)),
	rqNoIf("all-of-nothing", "All without conditions would always be true (F117)", "All", monotable.All[rqThing]()),
	rqNoIf("any-of-nothing", "Any without conditions never", "Any", monotable.Any[rqThing]()),
	rqNoIf("not-nil", "a nil condition inside", "", monotable.Not[rqThing](nil)),
	rqNoIf("any-nil", "among others", "", monotable.Any(rqN.Eq(1), nil)),
	rqNoIf("in-of-nothing", "In takes one value at least", "n", rqN.In()),
	rqNoIf("in-101", "and 100 at most (F113)", "n", rqN.In(rqInts(101)...)),
	rqNoIf("between", "low above high is refused by the service (F060)", "n", rqN.Between(10, 9)),
	rqNoIf("between-times", "times too", "when", rqWhen.Between(rqClock, rqClock.Add(-1))),
	rqNoIf("between-sizes", "sizes too", "s", rqS.Size().Between(2, 1)),
	rqNoIf("between-numbers", "numbers by value, not as text", "f", rqF.Between(10, 9.5)),
	rqNoIf("has-prefix-empty", "an empty prefix means nothing", "s", monotable.HasPrefix(rqS, "")),
	rqNoIf("contains-text-empty", "nor does an empty text", "s", monotable.ContainsText(rqS, "")),
	rqNoIf("invalid-utf8", "an operand is encoded like the item (F119)", "s", rqS.Eq(rqBadUTF8)).not("canary"),
	rqNoIf("prefix-invalid-utf8", "a prefix too", "s", monotable.HasPrefix(rqS, rqBadUTF8)).not("canary"),
	rqNoIf("member-invalid-utf8", "a member too", "ss", monotable.Contains(rqSS, rqBadUTF8)).not("canary"),
	rqNoIf("number-out-of-range", "a number too", "f", rqF.Gt(math.MaxFloat64)),
	rqNoIf("in-number-out-of-range", "in a list of values too", "f", rqF.In(1, math.NaN())),
	rqNoIf("omitted-zero", "a zero value that is never stored cannot be compared with (F083)", "note", rqTNote.Eq("")),
	rqNoIf("nil-pointer", "nor can nil", "opt", rqOpt.Eq(nil)),
	rqNoIf("empty-set", "nor an empty set", "ss", rqSS.Eq([]string{})),
	rqNoIf("itself", "an attribute compared with itself is refused by the service", "s", rqS.EqAttr(rqS)),
	rqNoIf("other-zero-attr", "the other attribute must point somewhere", "s", rqS.EqAttr(monotable.Attr[rqThing, string]{})),
	rqNoIf("negative-index", "an index below 0", "l", monotable.At(rqL, -1).Exists()),
	rqNoIf("empty-map-key", "a map has no element without a name", "m", monotable.MapKey(rqM, "").Exists()),
	rqNoIf("unchecked-empty", "an empty condition of the SDK's builder", "UncheckedCond", monotable.UncheckedCond[rqThing](expression.ConditionBuilder{})),
	rqNoIf("unknown-type", "DynamoDB has ten types, and this is none of them (F117)", "s", rqS.Type("bogus")),
	rqNoIf("no-type", "nor is this", "s", rqS.Type("")),
	rqNoIf("bool-less", "DynamoDB orders text, numbers and binary; the service refuses a bool (F060)", "flag", rqFlag.Lt(true)),
	rqNoIf("list-greater", "nor a list", "l", rqL.Ge([]string{"x"})),
	rqNoIf("struct-between", "nor a map", "prefs", rqP.Between(rqPrefs{Theme: "a"}, rqPrefs{Theme: "b"})),
	rqNoIf("set-less", "nor a set", "ss", rqSS.Le([]string{"x"})),
	rqNoIf("too-many-operators", "301 comparisons, joined by 300 operators more (F113)", "", monotable.Any(rqEqs(301)...)),
	rqNoIf("too-many-operators-joined", "operators between comparisons count too: 160 comparisons are 319 operators (F113)", "", monotable.Any(rqEqs(160)...)),
	rqNoIf("too-long", "an expression has 4 KB at most (F113)", "", monotable.All(rqIns(8)...)),
}

func rqEqs(n int) []monotable.Cond[rqThing] {
	all := make([]monotable.Cond[rqThing], n)
	for i := range all {
		all[i] = rqN.Eq(i)
	}
	return all
}

func rqIns(n int) []monotable.Cond[rqThing] {
	all := make([]monotable.Cond[rqThing], n)
	for i := range all {
		all[i] = monotable.MapKey(rqM, fmt.Sprintf("k%d", i)).In(rqInts(100)...)
	}
	return all
}

// rqNested is lists in lists.
func rqNested(levels int) any {
	var v any = "x"
	for range levels {
		v = []any{v}
	}
	return v
}

var rqRefusedUpdates = []rqRefusal{
	rqNoSet("empty", "an update that changes nothing is never reported as written (F116)", nil),
	rqNoSet("conditions-only", "conditions change nothing", nil, rqN.Eq(1)),
	rqNoSet("given-only", "nor does Given", nil, rqN.Given(1)),
	rqNoSet("nil-change", "a nil change is a mistake (F117)", []string{"change 1"}, rqN.Set(1), nil),
	rqNoSet("zero-attr", "a handle that was not made by Field", []string{"Field"}, monotable.Attr[rqThing, int]{}.Set(1)),
	rqNoSet("zero-cond", "nor was this condition", nil, rqN.Set(1), monotable.KeyCond[rqThing]{}),
	rqNoSet("twice", "one attribute twice (F114)", []string{"n"}, rqN.Set(1), rqN.Set(2)),
	rqNoSet("set-and-remove", "Set and Remove of one path", []string{"opt"}, rqOpt.Remove(), rqOpt.Set(new("x"))),
	rqNoSet("set-and-add", "Set and Add of one path", []string{"n"}, rqN.Set(1), monotable.Add(rqN, 1)),
	rqNoSet("overlap", "a struct and what is in it, both named (F114)", []string{"prefs", "prefs.lang"}, rqP.Set(rqPrefs{}), rqPLang.Set("de")),
	rqNoSet("overlap-list", "a list and its element", []string{"l", "l[0]"}, monotable.At(rqL, 0).Set("x"), monotable.Append(rqL, "y")),
	rqNoSet("overlap-map", "a map and its element", []string{"m", "m.k"}, monotable.MapKey(rqM, "k").Remove(), rqM.Remove()),
	rqNoSet("invalid-utf8", "values are checked as in an item (F078)", []string{"s"}, rqS.Set(rqBadUTF8)).not("canary"),
	rqNoSet("map-key-invalid-utf8", "the name of a map's element too", []string{"m"}, monotable.MapKey(rqM, rqBadUTF8).Set(1)),
	rqNoSet("nan", "numbers too (F079)", []string{"f"}, rqF.Set(math.NaN())),
	rqNoSet("add-infinity", "what is added too", []string{"f"}, monotable.Add(rqF, math.Inf(1))),
	rqNoSet("equal-members", "equal members too (F085)", []string{"ss"}, monotable.AddTo(rqSS, "canary", "canary")).not("canary"),
	rqNoSet("set-if-absent-nil", "nil cannot be stored", []string{"opt"}, rqOpt.SetIfAbsent(nil)),
	rqNoSet("set-if-absent-empty-set", "nor an empty set", []string{"ss"}, rqSS.SetIfAbsent([]string{})),
	rqNoSet("append-nothing", "nothing to append", []string{"l"}, monotable.Append(rqL)),
	rqNoSet("prepend-nothing", "nothing to prepend", []string{"l"}, monotable.Prepend(rqL)),
	rqNoSet("append-to-set", "a set is no list: AddTo", []string{"ss", "AddTo"}, monotable.Append(rqSS, "x")),
	rqNoSet("add-to-list", "a list is no set", []string{"l"}, monotable.AddTo(rqL, "x")),
	rqNoSet("add-to-nothing", "no member", []string{"ss"}, monotable.AddTo(rqSS)),
	rqNoSet("delete-from-nothing", "no member", []string{"ss"}, monotable.DeleteFrom(rqSS)),
	rqNoSet("delete-from-list", "a list is no set", []string{"l"}, monotable.DeleteFrom(rqL, "x")),
	rqNoSet("set-from-itself", "an attribute is not its own source", []string{"s"}, rqS.SetFrom(rqS)),
	rqNoSet("set-from-zero", "the source must point somewhere", []string{"s"}, rqS.SetFrom(monotable.Attr[rqThing, string]{})),
	rqNoSet("unchecked-nil", "no operand", []string{"n"}, monotable.UncheckedSet(rqN, nil)),
	rqNoSet("negative-index", "an index below 0", []string{"l"}, monotable.At(rqL, -1).Set("x")),
	rqNoSet("too-deep", "32 levels are the most (F091)", []string{"any"}, rqAny.Set(rqNested(32))),
	rqNoSet("too-large", "a value that no item can hold (F091)", []string{"b"}, rqB.Set(make([]byte, 409600))),
	rqNo("update-path-unknown", "Path is checked against T", func(s *rqSchemas) rqOp {
		return rqOf(s.things.UpdateOp(rqThing{ID: "1"}, monotable.Path[int](s.things, "prefs.size").Set(1)).Request)
	}, "size"),
	rqNo("update-path-type", "and against V", func(s *rqSchemas) rqOp {
		return rqOf(s.things.UpdateOp(rqThing{ID: "1"}, monotable.Path[int](s.things, "prefs.theme").Set(1)).Request)
	}, "prefs.theme"),
	rqNo("update-path-syntax", "and must be one", func(s *rqSchemas) rqOp {
		return rqOf(s.things.UpdateOp(rqThing{ID: "1"}, monotable.Path[string](s.things, "l[x]").Set("1")).Request)
	}, "l[x]"),
	rqNo("update-empty-key-part", "the key of an Update must be whole", func(s *rqSchemas) rqOp { return rqOf(s.things.UpdateOp(rqThing{}, rqN.Set(1)).Request) }, "id"),

	rqNoUser("primary-key", "a part of the primary key cannot change (F104)", []string{"userId"}, rqUserID.Set("bob")),
	rqNoUser("primary-key-removed", "nor go", []string{"userId"}, rqUserID.Remove()),
	rqNoUser("version", "the version is monotable's", []string{"version"}, rqVersion.Set(1)),
	rqNoUser("version-added", "however it is changed", []string{"version"}, monotable.Add(rqVersion, 1)),
	rqNoUser("created", "CreatedAt is kept by every update", []string{"createdAt"}, rqCreated.Set(rqClock)),
	rqNoUser("updated", "UpdatedAt is monotable's", []string{"updatedAt"}, rqUpdated.Set(rqClock)),
	rqNoUser("rules", "rules run on what Update sets, all of them", []string{"email", "plan", "logins"}, rqEmail.Set("canary"), rqPlan.Set("canary"), rqLogins.Set(-1)).not("canary"),
	rqNoUser("required", "Required refuses an empty value", []string{"email"}, rqEmail.Set("")),
	rqNoUser("required-removed", "and Remove", []string{"email"}, rqEmail.Remove()),
	rqNoUser("index-part-if-absent", "which value is stored afterwards is not known, so the index key cannot follow", []string{"email", "GSI1"}, rqEmail.SetIfAbsent("a@b")),
	rqNoUser("index-part-from", "nor by a copy", []string{"email"}, rqEmail.SetFrom(rqPlan)),
	rqNoUser("unchecked-index-part", "nor by an unchecked operand", []string{"email"}, monotable.UncheckedSet(rqEmail, expression.Value("a@b"))),
	rqNoUser("computed-rules", "rules cannot check what the server copies", []string{"plan"}, rqPlan.SetFrom(rqEmail)),
	rqNo("update-version-negative", "a version in the key is never negative", func(s *rqSchemas) rqOp {
		return rqOf(s.users.UpdateOp(rqUser{ID: "ann", Version: -1}, rqPlan.Set("pro")).Request)
	}, "version"),
	rqNo("update-version-full", "nor can one that is the last of its type be raised (F022)", func(s *rqSchemas) rqOp {
		return rqOf(s.users.UpdateOp(rqUser{ID: "ann", Version: math.MaxInt64}, rqPlan.Set("pro")).Request)
	}, "version"),
	rqNo("update-index-part-unknown", "a part that the call does not know is named, all of them (F104)", func(s *rqSchemas) rqOp {
		return rqOf(s.tickets.UpdateOp(rqTicket{ID: "1", Team: "ignored", Prio: 1}, rqState.Set("done")).Request)
	}, "GSI1", "team", "prio"),
	rqNo("update-index-part-added", "Add does not tell the value", func(s *rqSchemas) rqOp {
		return rqOf(s.tickets.UpdateOp(rqTicket{ID: "1"}, monotable.Add(rqPrio, 1)).Request)
	}, "prio", "GSI1"),
	rqNo("update-index-when-unknown", "what IndexWhen reads is a part too", func(s *rqSchemas) rqOp {
		return rqOf(s.orders.UpdateOp(rqOrder{UserID: "ann", ID: "1"}, rqOrderStatus.Set("paid")).Request)
	}, "slim", "open"),
	rqNo("update-derived", "a derived attribute cannot be Set", func(s *rqSchemas) rqOp { return rqOf(s.tickets.UpdateOp(rqTicket{ID: "1"}, rqSlug.Set("x")).Request) }, "slug"),
	rqNo("update-derived-unknown", "what a derived attribute reads and the call does not know is named", func(s *rqSchemas) rqOp {
		return rqOf(s.tickets.UpdateOp(rqTicket{ID: "1"}, rqTitle.Set("x")).Request)
	}, "slug", "team"),
	rqNo("update-index-delimiter", "a delimiter in a part of an index key (F097)", func(s *rqSchemas) rqOp {
		return rqOf(s.orders.UpdateOp(rqOrder{UserID: "ann", ID: "1"}, rqOrderNote.Set("canary#")).Request)
	}, "note").not("canary"),
	rqNo("update-index-too-long", "an index key that is too long", func(s *rqSchemas) rqOp {
		return rqOf(s.orders.UpdateOp(rqOrder{UserID: "ann", ID: "1"}, rqOrderNote.Set(strings.Repeat("x", 2044))).Request)
	}, "GSI2PK", "2049"),
	rqNo("update-natural-index-too-long", "also where an attribute of T is the index key", func(s *rqSchemas) rqOp {
		return rqOf(s.matches.UpdateOp(rqMatch{ID: "1"}, rqRegion.Set(strings.Repeat("x", 2049))).Request)
	}, "region", "2049"),
	rqNo("update-immutable", "an immutable attribute cannot change", func(s *rqSchemas) rqOp {
		return rqOf(s.sessions.UpdateOp(rqSession{ID: "1"}, rqDevice.Set(new("x"))).Request)
	}, "device"),
	rqNo("update-immutable-if-absent", "nor be set where it is absent: only Create sets it", func(s *rqSchemas) rqOp {
		return rqOf(s.sessions.UpdateOp(rqSession{ID: "1"}, rqDevice.SetIfAbsent(new("x"))).Request)
	}, "device"),
	rqNo("update-declared-key", "a key that T declares is monotable's to write", func(s *rqSchemas) rqOp { return rqOf(s.raws.UpdateOp(rqRaw{ID: "1"}, rqRawPK.Set("RAW#2")).Request) }, "PK"),
	rqNo("update-declared-index-key", "an index key too", func(s *rqSchemas) rqOp { return rqOf(s.raws.UpdateOp(rqRaw{ID: "1"}, rqRawIndex.Remove()).Request) }, "GSI1PK"),
	rqNo("update-immutable-child", "nor can a part of an immutable struct", func(s *rqSchemas) rqOp {
		return rqOf(s.ruled.UpdateOp(rqRuled{ID: "1"}, rqFrozenTheme.Set("x")).Request)
	}, "frozen"),
	rqNo("update-immutable-element", "nor an element of an immutable list", func(s *rqSchemas) rqOp {
		return rqOf(s.ruled.UpdateOp(rqRuled{ID: "1"}, monotable.At(rqList, 0).Set("x")).Request)
	}, "list"),
	rqNo("update-immutable-map-element", "nor one of an immutable map", func(s *rqSchemas) rqOp {
		return rqOf(s.ruled.UpdateOp(rqRuled{ID: "1"}, monotable.Add(monotable.MapKey(rqMap, "k"), 1)).Request)
	}, "map"),
	rqNo("update-immutable-whole", "nor an immutable list whole", func(s *rqSchemas) rqOp {
		return rqOf(s.ruled.UpdateOp(rqRuled{ID: "1"}, monotable.Append(rqList, "x"), rqMap.Remove(), rqFrozen.Set(rqPrefs{})).Request)
	}, "list"),
	rqNo("update-immutable-parent", "nor can the struct around an immutable attribute be replaced", func(s *rqSchemas) rqOp {
		return rqOf(s.ruled.UpdateOp(rqRuled{ID: "1"}, rqPart.Set(rqPrefs{Theme: "x"})).Request)
	}, "part.theme"),
	rqNo("update-immutable-parent-removed", "nor removed", func(s *rqSchemas) rqOp { return rqOf(s.ruled.UpdateOp(rqRuled{ID: "1"}, rqPart.Remove()).Request) }, "part.theme"),
	rqNo("update-min", "Set below Min", func(s *rqSchemas) rqOp { return rqOf(s.ruled.UpdateOp(rqRuled{ID: "1"}, rqLevel.Set(9)).Request) }, "level"),
	rqNo("update-length", "a length that a rule does not take", func(s *rqSchemas) rqOp {
		return rqOf(s.ruled.UpdateOp(rqRuled{ID: "1"}, rqBound.Set("canary")).Request)
	}, "bound").not("canary"),
}
