package monotable_test

import (
	"math"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"

	"github.com/monotable/monotable"
)

// rqThing1 is a stored thing, written by hand.
var rqThing1 = rqItem{
	"PK": "THING#1", "SK": "THING", "_et": "Thing", "id": "1", "n": 5, "f": 1.5, "s": "abc", "s2": "xyz", "ss": rqSet{"a", "b"},
	"l": []any{"x", "y"}, "m": rqItem{"k": 1}, "prefs": rqItem{"theme": "dark", "lang": "de"}, "flag": true, "opt": "o", "unknown": "kept",
}

// rqSetting is a row of one change of rqThing1.
func rqSetting(name, why string, changes ...monotable.Change[rqThing]) rqRow {
	return rqRow{
		name: "update-" + name, why: why, before: []rqItem{rqThing1}, fails: []rqItem{nil, rqThing1.with(rqItem{"_et": "Robot"})},
		op: func(s *rqSchemas) rqOp { return rqOf(s.things.UpdateOp(rqThing{ID: "1"}, changes...).Request) },
	}
}

// rqUpdateRows are the change functions, on an entity without rules: the tag stands for existence (F024).
var rqUpdateRows = []rqRow{
	rqSetting("set", "a new value, and the tag must be the entity's, which a missing item's is not", rqS.Set("v")),
	rqSetting("set-zero", "an explicit zero value is written, also where omitempty would leave it out (F083)", rqN.Set(0), rqS.Set(""), rqFlag.Set(false), rqTNote.Set("")),
	rqSetting("set-nil", "nil cannot be stored: it removes the attribute (F093)", rqOpt.Set(nil), rqL.Set(nil), rqM.Set(nil), rqB.Set(nil), rqPP.Set(nil), rqBig.Set(nil), rqAny.Set(nil)),
	rqSetting("set-empty", "an empty list, map and binary are written (F084)", rqL.Set([]string{}), rqM.Set(map[string]int{}), rqB.Set([]byte{})),
	rqSetting("set-empty-set", "an empty set cannot be stored: it removes the attribute, never NULL (F085)", rqSS.Set([]string{}), rqNS.Set(nil), rqBS.Set([][]byte{})),
	rqSetting("set-struct", "a struct whole; its omitempty field is left out", rqP.Set(rqPrefs{Theme: "light"})),
	rqSetting("set-pointer-struct", "what a pointer points to", rqPP.Set(&rqPrefs{})),
	rqSetting("set-nested", "one path in a struct, whose parent must be stored (F115)", rqPLang.Set("en")),
	rqSetting("set-through-pointer", "one path in a struct behind a pointer", rqPPLang.Set("en")).on(rqItem{"pprefs": rqItem{"theme": "t"}}),
	rqSetting("set-elem", "Elem sets a pointer attribute by value", monotable.Elem(rqOpt).Set("v")),
	rqSetting("set-element", "an element of a list, whose list must be stored; beyond the end DynamoDB appends", monotable.At(rqL, 1).Set("z"), monotable.At(rqL, 9).Set("end")),
	rqSetting("set-map-element", "an element of a map, whose map must be stored; a name with dots is one name", monotable.MapKey(rqM, "a.b").Set(3)),
	rqSetting("set-time", "times are stored as in the item", rqWhen.Set(time.Date(2026, 1, 1, 1, 0, 0, 500, time.FixedZone("", 3600)))),
	rqSetting("set-any", "an interface holds what is in it", rqAny.Set(map[string]any{"k": []any{nil, 1}})),
	rqSetting("set-if-absent", "only where nothing is stored", rqS.SetIfAbsent("v"), rqTNote.SetIfAbsent("new")),
	rqSetting("set-from", "a copy of another attribute of the item", rqS.SetFrom(rqS2)),
	rqSetting("remove", "takes an attribute out", rqOpt.Remove(), rqB.Remove()),
	rqSetting("remove-nested", "takes parts out, of a struct, a list and a map", rqPLang.Remove(), monotable.At(rqL, 0).Remove(), monotable.MapKey(rqM, "k").Remove()),
	rqSetting("add", "adds on the server; a missing attribute counts as 0", monotable.Add(rqN, -2), monotable.Add(rqF, 0.25)),
	rqSetting("add-nested", "ADD does the same on a path as SET with a default of 0; the parent must be stored", monotable.Add(monotable.MapKey(rqM, "k"), 2), monotable.Add(monotable.MapKey(rqM, "new"), 1)),
	rqSetting("append", "to the end of a list, creating it", monotable.Append(rqL, "z", "")),
	rqSetting("prepend", "to the front of a list, creating it", monotable.Prepend(rqL, "z")),
	rqSetting("add-to-set", "members to sets, creating them", monotable.AddTo(rqSS, "c", "d"), monotable.AddTo(rqNS, 3), monotable.AddTo(rqBS, []byte{1})),
	rqSetting("delete-from-set", "members out of a set", monotable.DeleteFrom(rqSS, "a", "c")),
	rqSetting("unchecked", "an operand of the SDK's builder; its placeholders do not meet ours",
		monotable.UncheckedSet(rqN, expression.Name("n").Plus(expression.Value(1))), rqS.Set("v"), monotable.UncheckedCond[rqThing](expression.Name("n").LessThan(expression.Value(9)))),
	rqSetting("given", "without an index that needs it, Given is a condition alone", rqS.Set("v"), rqN.Given(5)),
	rqSetting("many-clauses", "each clause stands once, whatever the order of the changes",
		rqOpt.Remove(), rqS.Set("v"), monotable.Add(rqN, 1), monotable.DeleteFrom(rqSS, "a"), monotable.Append(rqL, "z"), rqTNote.Set("w"), monotable.At(rqL, 0).Exists()),
}

// rqRuleRows are updates in which rules have a part: versions, times, tags, index keys, bounds.
var rqRuleRows = []rqRow{
	{
		name: "update-first-page", why: "the first page: time and version follow, Add keeps Min by nothing when it goes up, nested changes need their parent, the version is raised on the server (F028)",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.users.UpdateOp(rqUser{ID: "ann"}, rqPlan.Set("pro"), monotable.Add(rqLogins, 1), monotable.Append(rqTags, "x"),
				monotable.MapKey(rqLabels, "team").Set("red"), rqTheme.Remove(), rqNotify.Exists(),
				monotable.Any(rqPlan.In("free", "pro"), monotable.Not(rqLogins.Gt(9))), rqVersion.Eq(3)).Request)
		},
		before: []rqItem{rqAnn},
		fails:  []rqItem{nil, rqForeign, rqAnn.with(rqItem{"version": 4}), rqAnn.with(rqItem{"notify": nil}), rqAnn.with(rqItem{"labels": nil})},
	},
	{
		name: "update-version", why: "a version above 0 in the key is checked; other fields of the key mean nothing (F022, F093)",
		op:     func(s *rqSchemas) rqOp { return rqOf(s.users.UpdateOp(rqAnnRead(), rqPlan.Set("pro")).Request) },
		before: []rqItem{rqAnn},
		fails:  []rqItem{nil, rqForeign, rqAnn.with(rqItem{"version": 4}), rqAnn.with(rqItem{"version": nil})},
	},
	{
		name: "update-without-version-check", why: "whatever version is stored, and it is raised all the same",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.users.With(monotable.WithoutVersionCheck()).UpdateOp(rqAnnRead(), rqPlan.Set("pro")).Request)
		},
		before: []rqItem{rqAnn.with(rqItem{"version": 9})},
		fails:  []rqItem{nil, rqForeign, rqAnn.with(rqItem{"version": math.MaxInt64})},
	},
	{
		name: "update-without-version", why: "and a missing one too, which is taken for 0",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.users.With(monotable.WithoutVersionCheck()).UpdateOp(rqUser{ID: "ann"}, rqPlan.Set("pro")).Request)
		},
		before: []rqItem{rqAnn.with(rqItem{"version": nil})},
	},
	{
		name: "update-version-full", why: "a version that has reached the end of its type is not raised beyond it; the condition says so (F022)",
		op:     func(s *rqSchemas) rqOp { return rqOf(s.users.UpdateOp(rqUser{ID: "ann"}, rqPlan.Set("pro")).Request) },
		before: []rqItem{rqAnn.with(rqItem{"version": math.MaxInt64 - 1})},
		fails:  []rqItem{rqAnn.with(rqItem{"version": math.MaxInt64}), rqAnn.with(rqItem{"version": nil})},
	},
	{
		name: "update-adopt-unversioned", why: "AdoptUnversioned takes an item without a version as version 0 (F022)",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.users.With(monotable.AdoptUnversioned()).UpdateOp(rqUser{ID: "ann"}, rqPlan.Set("pro")).Request)
		},
		before: []rqItem{rqAnn.with(rqItem{"version": nil})},
		fails:  []rqItem{nil, rqForeign},
	},
	{
		name: "update-adopt-version", why: "AdoptUnversioned does not weaken a version that the key asks for: never \"absent or equal\" (F023)",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.users.With(monotable.AdoptUnversioned()).UpdateOp(rqAnnRead(), rqPlan.Set("pro")).Request)
		},
		before: []rqItem{rqAnn},
		fails:  []rqItem{nil, rqAnn.with(rqItem{"version": nil}), rqAnn.with(rqItem{"version": 4})},
	},
	{
		name: "update-options", why: "TableName and Capacity hold for writes too",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.things.With(monotable.TableName("app-eu"), monotable.Capacity(new(monotable.ConsumedCapacity)), monotable.Consistent()).
				UpdateOp(rqThing{ID: "1"}, rqN.Set(1)).Request)
		},
		before: []rqItem{rqThing1},
	},
	{
		name: "update-index-key", why: "the email is transformed and its index key recomputed in the same request; the other part comes from the primary key (F104)",
		op:     func(s *rqSchemas) rqOp { return rqOf(s.users.UpdateOp(rqUser{ID: "ann"}, rqEmail.Set("Bo@B")).Request) },
		before: []rqItem{rqAnn},
	},
	{
		name: "update-index-key-given", why: "Given supplies the parts that the call does not set and becomes an equality condition, never \"equal or absent\" (F105)",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.tickets.UpdateOp(rqTicket{ID: "1"}, rqState.Set("done"), rqTeam.Given("core"), rqPrio.Given(2)).Request)
		},
		before: []rqItem{rqTicket1},
		fails:  []rqItem{nil, rqTicket1.with(rqItem{"team": "web"}), rqTicket1.with(rqItem{"prio": nil}), rqTicket1.with(rqItem{"prio": 3})},
	},
	{
		name: "update-index-key-set-wins", why: "a Set of the same call wins over Given in the key, whatever their order; the condition stays (F105)",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.tickets.UpdateOp(rqTicket{ID: "1"}, rqState.Set("done"), rqState.Given("new"), rqTeam.Given("core"), rqPrio.Given(2)).Request)
		},
		before: []rqItem{rqTicket1},
		fails:  []rqItem{rqTicket1.with(rqItem{"state": "open"})},
	},
	{
		name: "update-index-part-removed", why: "an index key without one of its parts is no key: the pair goes, whatever the other parts are (F099)",
		op:     func(s *rqSchemas) rqOp { return rqOf(s.tickets.UpdateOp(rqTicket{ID: "1"}, rqState.Remove()).Request) },
		before: []rqItem{rqTicket1},
	},
	{
		name: "update-index-part-emptied", why: "an empty part means absent: it is stored, and the pair goes (F099)",
		op:     func(s *rqSchemas) rqOp { return rqOf(s.tickets.UpdateOp(rqTicket{ID: "1"}, rqState.Set("")).Request) },
		before: []rqItem{rqTicket1},
	},
	{
		name: "update-index-when-true", why: "IndexWhen says yes, so the pair is written; its reads are parts like any other (F107)",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.orders.UpdateOp(rqOrder{UserID: "ann", ID: "1"}, rqOrderOpen.Set(true), rqOrderStatus.Given("paid")).Request)
		},
		before: []rqItem{rqOrder1.with(rqItem{"open": false, "GSI3PK": nil, "GSI3SK": nil})},
		fails:  []rqItem{nil, rqOrder1.with(rqItem{"status": "new"})},
	},
	{
		name: "update-index-when-false", why: "IndexWhen says no, so the pair is removed, not skipped (F107)",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.orders.UpdateOp(rqOrder{UserID: "ann", ID: "1"}, rqOrderOpen.Set(false), rqOrderStatus.Given("paid")).Request)
		},
		before: []rqItem{rqOrder1},
	},
	{
		name: "update-nested-index-part", why: "a nested part of an index key: the key follows",
		op:     func(s *rqSchemas) rqOp { return rqOf(s.raws.UpdateOp(rqRaw{ID: "1"}, rqRawTheme.Set("light")).Request) },
		before: []rqItem{rqRaw1},
		fails:  []rqItem{rqRaw1.with(rqItem{"prefs": nil})},
	},
	{
		name: "update-nested-index-parent", why: "the same where the struct around it is Set",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.raws.UpdateOp(rqRaw{ID: "1"}, rqRawPrefs.Set(rqPrefs{Theme: "light", Lang: "de"})).Request)
		},
		before: []rqItem{rqRaw1},
	},
	{
		name: "update-nested-index-parent-removed", why: "or removed, which takes the item out of the index (F099)",
		op:     func(s *rqSchemas) rqOp { return rqOf(s.raws.UpdateOp(rqRaw{ID: "1"}, rqRawPrefs.Remove()).Request) },
		before: []rqItem{rqRaw1},
	},
	{
		name: "update-unrelated", why: "what no index is made of leaves index keys alone",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.orders.UpdateOp(rqOrder{UserID: "ann", ID: "1"}, rqOrderTotal.Set(9)).Request)
		},
		before: []rqItem{rqOrder1},
	},
	{
		name: "update-derived", why: "a derived attribute follows what it reads; the index key follows the team",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.tickets.UpdateOp(rqTicket{ID: "1"}, rqTeam.Set("web"), rqTitle.Given("Bug"), rqState.Given("new"), rqPrio.Given(2)).Request)
		},
		before: []rqItem{rqTicket1},
		fails:  []rqItem{rqTicket1.with(rqItem{"title": "Fault"})},
	},
	{
		name: "update-natural-index-key", why: "attributes that are index keys themselves change like any other",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.matches.UpdateOp(rqMatch{ID: "1"}, monotable.Add(rqScore, 5), rqRegion.Set("us")).Request)
		},
		before: []rqItem{rqMatch1},
	},
	{
		name: "update-natural-index-key-emptied", why: "the service refuses an empty index key, so an empty one means absent",
		op:     func(s *rqSchemas) rqOp { return rqOf(s.matches.UpdateOp(rqMatch{ID: "1"}, rqRegion.Set("")).Request) },
		before: []rqItem{rqMatch1},
	},
	{
		name: "update-min", why: "Add downwards keeps to Min by a condition; what is missing counts as 0 and would fall below, so it must be there",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.users.UpdateOp(rqUser{ID: "ann"}, monotable.Add(rqLogins, -3)).Request)
		},
		before: []rqItem{rqAnn.with(rqItem{"logins": 3})},
		fails:  []rqItem{rqAnn.with(rqItem{"logins": 2}), rqAnn.with(rqItem{"logins": nil})},
	},
	{
		name: "update-min-above-zero", why: "Add upwards cannot fall below Min, save where nothing is stored, which counts as 0",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.ruled.UpdateOp(rqRuled{ID: "1"}, monotable.Add(rqLevel, 3)).Request)
		},
		before: []rqItem{{"PK": "RULED#1", "SK": "RULED", "_et": "Ruled", "level": 10}},
		fails:  []rqItem{{"PK": "RULED#1", "SK": "RULED", "_et": "Ruled"}},
	},
	{
		name: "update-max", why: "Add upwards keeps to Max; a missing number counts as 0 and fits; an expired item is not there",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.sessions.UpdateOp(rqSession{ID: "1"}, monotable.Add(rqCount, 30)).Request)
		},
		before: []rqItem{{"PK": "SESSION#1", "SK": "SESSION", "_et": "Session", "count": 70}},
		fails: []rqItem{
			{"PK": "SESSION#1", "SK": "SESSION", "_et": "Session", "count": 71},
			{"PK": "SESSION#1", "SK": "SESSION", "_et": "Session", "count": 1, "expires": 1795255200},
			nil,
		},
	},
	{
		name: "update-expiry", why: "an expiry is epoch seconds; Set of the zero time removes it; a hidden attribute can be Set",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.sessions.UpdateOp(rqSession{ID: "1"}, rqExpires.Set(time.Unix(1900000000, 5)), rqSecret.Set("s")).Request)
		},
		before: []rqItem{{"PK": "SESSION#1", "SK": "SESSION", "_et": "Session", "expires": 1795255201}},
	},
	{
		name: "update-no-expiry", why: "Set of the zero time removes the expiry",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.sessions.UpdateOp(rqSession{ID: "1"}, rqExpires.Set(time.Time{})).Request)
		},
		before: []rqItem{{"PK": "SESSION#1", "SK": "SESSION", "_et": "Session", "expires": 1795255201}},
	},
	{
		name: "update-untagged", why: "TagNone asks for existence by the key, and looks at no tag",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.untagged.UpdateOp(rqNote{ID: "1"}, rqNoteText.Set("t")).Request)
		},
		before: []rqItem{{"PK": "UNTAGGED#1", "SK": "UNTAGGED", "_et": "anything"}},
		fails:  []rqItem{nil},
	},
	{
		name: "update-optional-tag", why: "TagOptional takes an item without a tag and tags it, not another entity's, and never creates one",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.optional.UpdateOp(rqNote{ID: "1"}, rqNoteText.Set("t")).Request)
		},
		before: []rqItem{{"PK": "OPTIONAL#1", "SK": "OPTIONAL"}},
		fails:  []rqItem{nil, {"PK": "OPTIONAL#1", "SK": "OPTIONAL", "_et": "Robot"}},
	},
	{
		name: "update-renamed", why: "an alias is the entity's own, and gets the new name",
		op:     func(s *rqSchemas) rqOp { return rqOf(s.renamed.UpdateOp(rqNote{ID: "1"}, rqNoteText.Set("t")).Request) },
		before: []rqItem{{"PK": "RENAMED#1", "SK": "RENAMED", "_et": "Former"}},
		fails:  []rqItem{nil, {"PK": "RENAMED#1", "SK": "RENAMED", "_et": "Robot"}, {"PK": "RENAMED#1", "SK": "RENAMED"}},
	},
	{
		name: "update-odd-names", why: "each name stands behind a placeholder that is not made from it, a dotted name is one element, and names that look alike stay apart (F112)",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.odds.UpdateOp(rqOdd{ID: "1"}, rqOddStatus.Set("s"), rqOddDotted.Set(1), monotable.MapKey(rqOddPlain, "b").Set(2),
				rqOddColon.Set("c"), rqOddIndex.Set("i"), rqOddGerman.Remove(), rqOddGerman.Exists(), rqOddDotted.Ne(7)).Request)
		},
		before: []rqItem{{"PK": "ODD#1", "SK": "ODD", "_et": "Odd", "a": rqItem{"b": 1}, "größe in cm": "x"}},
		fails:  []rqItem{{"PK": "ODD#1", "SK": "ODD", "_et": "Odd", "a.b": 1, "größe in cm": "x"}},
	},
	{
		name: "update-144-fields", why: "an update of 144 paths fits (F113)",
		op: func(s *rqSchemas) rqOp {
			var changes []monotable.Change[rqThing]
			for i := range 144 {
				changes = append(changes, monotable.MapKey(rqM, strings.Repeat("k", i+1)).Set(i))
			}
			return rqOf(s.things.UpdateOp(rqThing{ID: "1"}, changes...).Request)
		},
		before: []rqItem{rqThing1},
	},
}

// What is stored, written by hand.
var (
	rqTicket1 = rqItem{
		"PK": "TICKET#1", "SK": "TICKET", "_et": "Ticket", "GSI1PK": "TEAM#core#new", "GSI1SK": "P#002#1",
		"ticketId": "1", "team": "core", "state": "new", "prio": 2, "title": "Bug", "slug": "core/Bug",
	}
	rqOrder1 = rqItem{
		"PK": "USER#ann", "SK": "ORDER#1", "_et": "Order", "GSI3PK": "STATUS#paid", "GSI3SK": "1",
		"userId": "ann", "orderId": "1", "total": 5, "status": "paid", "open": true,
	}
	rqRaw1 = rqItem{
		"PK": "RAW#1", "SK": "RAW", "_et": "Raw", "GSI1PK": "THEME#dark", "GSI1SK": "1", "id": "1", "prefs": rqItem{"theme": "dark"},
	}
	rqMatch1 = rqItem{
		"PK": "MATCH#1", "SK": "MATCH", "_et": "Match", "matchId": "1", "tournament": "winter", "region": "eu", "score": 3,
	}
)
