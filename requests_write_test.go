package monotable_test

import (
	"math/big"
	"time"

	"github.com/monotable/monotable"
)

// rqAnn is a stored user, written by hand.
var rqAnn = rqItem{
	"PK": "USER#ann", "SK": "PROFILE", "_et": "User", "GSI1PK": "EMAIL#ann@example.com", "GSI1SK": "USER#ann",
	"userId": "ann", "email": "ann@example.com", "plan": "free", "logins": 7, "preferences": rqItem{"theme": "dark"},
	"notify": false, "tags": []any{"a", "b"}, "labels": rqItem{"team": "blue"}, "password": "kept",
	"createdAt": "2026-01-02T03:04:05.000000000Z", "updatedAt": "2026-01-02T03:04:05.000000000Z", "version": 3,
}

// rqAnnKey is ann as somebody read her.
func rqAnnRead() rqUser {
	return rqUser{
		ID: "ann", Email: "ann@example.com", Plan: "free", Logins: 7, Prefs: rqPrefs{Theme: "dark"}, Notify: new(false),
		Tags: []string{"a", "b"}, Labels: map[string]string{"team": "blue"},
		Created: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Updated: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Version: 3,
	}
}

// rqForeign is an item of another entity at ann's key.
var rqForeign = rqItem{"PK": "USER#ann", "SK": "PROFILE", "_et": "Robot"}

var rqGetRows = []rqRow{
	{
		name: "get", why: "the key templates filled, and nothing else: reads are eventually consistent; the version in a key means nothing to a read",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.users.GetOp(rqUser{ID: "ann", Plan: "pro", Version: 9}, nil).Request)
		},
	},
	{
		name: "get-consistent", why: "Consistent asks for a consistent read, Reveal changes nothing in the request",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.users.With(monotable.Consistent(), monotable.Reveal()).GetOp(rqUser{ID: "ann"}, nil).Request)
		},
	},
	{
		name: "get-capacity", why: "Capacity makes the service report what was consumed",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.users.With(monotable.Capacity(new(monotable.ConsumedCapacity))).GetOp(rqUser{ID: "ann"}, nil).Request)
		},
	},
	{
		name: "get-table-name", why: "TableName sends the call to another table (F139)",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.users.With(monotable.TableName("app-eu")).GetOp(rqUser{ID: "ann"}, nil).Request)
		},
	},
	{
		name: "get-padded-parts", why: "a number is padded, a time stands in UTC with nine digits (F101, F102)",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.events.GetOp(rqEvent{Stream: "s", Seq: 42, At: time.Date(2026, 11, 21, 1, 2, 3, 4000, time.FixedZone("", -7200)), Kind: "made"}, nil).Request)
		},
	},
	{
		name: "get-transformed", why: "transforms run on the parts of a key",
		op: func(s *rqSchemas) rqOp { return rqOf(s.events.GetOp(rqEvent{Stream: "S", Kind: "MADE"}, nil).Request) },
	},
	{
		name: "get-declared-key", why: "a key that T declares too is still made by its template",
		op: func(s *rqSchemas) rqOp { return rqOf(s.raws.GetOp(rqRaw{PK: "ignored", ID: "1"}, nil).Request) },
	},
	{
		name: "get-zero-parts", why: "0 and the zero time are values of a key, not empty parts (F098)",
		op: func(s *rqSchemas) rqOp { return rqOf(s.events.GetOp(rqEvent{Stream: "s", Kind: "made"}, nil).Request) },
	},
	{
		name: "get-negative-parts", why: "negative numbers stand in ten's complement, so that they sort by value (F101)",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.logs.GetOp(rqLog{App: "a", Level: "warn", Load: -1.25, Line: -3}, nil).Request)
		},
	},
	{
		name: "get-escaped", why: "an Escaped value may hold the delimiter and what the escape itself uses; the layout of a time is TimeLayout's (F097)",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.docs.GetOp(rqDoc{Path: "a#b$c !d", Part: "#", Day: time.Date(2026, 11, 21, 23, 0, 0, 0, time.UTC)}, nil).Request)
		},
	},
	{
		name: "get-number-and-binary-key", why: "keys of type N and B hold the bare value; 0 is one",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.blobs.GetOp(rqBlob{Shard: 0, Digest: []byte{0, 255}}, nil).Request)
		},
	},
	{
		name: "get-natural-key", why: "a key that is an attribute of T needs no template and holds any text, delimiters too; the table has no sort key",
		op: func(s *rqSchemas) rqOp { return rqOf(s.product.GetOp(rqProduct{SKU: "a#b"}, nil).Request) },
	},
	{
		name: "get-other-delimiter", why: "the table's delimiter is |, so # is ordinary text",
		op: func(s *rqSchemas) rqOp { return rqOf(s.delimited.GetOp(rqNote{ID: "a#b"}, nil).Request) },
	},
}

var rqCreateRows = []rqRow{
	{
		name: "create", why: "defaults fill what is zero, transforms run, times and version are set, the tag and both index keys are there; a zero hidden and a nil slice are left out; no item may be there",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.users.CreateOp(rqUser{ID: "ann", Email: "Ann@Example.com"}).Request)
		},
		fails: []rqItem{rqAnn, rqForeign},
	},
	{
		name: "create-all-given", why: "what is given is kept, CreatedAt too; UpdatedAt and version are monotable's; an empty list is stored",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.users.CreateOp(rqUser{
				ID: "ann", Email: "a@b", Plan: "pro", Logins: 1, Prefs: rqPrefs{Theme: "dark", Lang: "de"}, Notify: new(false), Tags: []string{},
				Labels: map[string]string{"x": ""}, Password: "pw", Created: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), Updated: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC),
			}).Request)
		},
	},
	{
		name: "create-condition", why: "a condition of Create is one more besides absence",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.orders.CreateOp(rqOrder{UserID: "ann", ID: "1"}, rqOrderStatus.NotExists()).Request)
		},
		fails: []rqItem{{"PK": "USER#ann", "SK": "ORDER#1", "_et": "Order"}},
	},
	{
		name: "create-over-expired", why: "an expired item of the entity counts as absent, so Create may overwrite it; a zero hidden attribute is left out",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.sessions.CreateOp(rqSession{ID: "1", Count: 1, Device: new("phone"), Expires: time.Unix(1900000000, 999)}).Request)
		},
		before: []rqItem{{"PK": "SESSION#1", "SK": "SESSION", "_et": "Session", "expires": 1795255200, "secret": "old"}},
		fails: []rqItem{
			{"PK": "SESSION#1", "SK": "SESSION", "_et": "Session", "expires": 1795255201},
			{"PK": "SESSION#1", "SK": "SESSION", "_et": "Session"},
			{"PK": "SESSION#1", "SK": "SESSION", "_et": "Robot", "expires": 1},
		},
	},
	{
		name: "create-never-expires", why: "a zero expiry is left out",
		op: func(s *rqSchemas) rqOp { return rqOf(s.sessions.CreateOp(rqSession{ID: "1", Secret: "s"}).Request) },
	},
	{
		name: "create-untagged", why: "TagNone stores no tag",
		op:    func(s *rqSchemas) rqOp { return rqOf(s.untagged.CreateOp(rqNote{ID: "1", Text: "t"}).Request) },
		fails: []rqItem{{"PK": "UNTAGGED#1", "SK": "UNTAGGED"}},
	},
	{
		name: "create-optional-tag", why: "TagOptional stores the tag",
		op:    func(s *rqSchemas) rqOp { return rqOf(s.optional.CreateOp(rqNote{ID: "1", Text: "t"}).Request) },
		fails: []rqItem{{"PK": "OPTIONAL#1", "SK": "OPTIONAL"}},
	},
	{
		name: "create-renamed", why: "the tag is the entity's name, never an alias",
		op: func(s *rqSchemas) rqOp { return rqOf(s.renamed.CreateOp(rqNote{ID: "1", Text: ""}).Request) },
	},
	{
		name: "create-family", why: "entities of a family make one key, and any item there is in the way",
		op:    func(s *rqSchemas) rqOp { return rqOf(s.opened.CreateOp(rqNote{ID: "1", Text: "t"}).Request) },
		fails: []rqItem{{"PK": "ACCOUNT#1", "SK": "ACCOUNT", "_et": "Closed"}},
	},
	{
		name: "create-other-tag", why: "TypeTag names the tag, Delimiter is part of the keys",
		op: func(s *rqSchemas) rqOp { return rqOf(s.delimited.CreateOp(rqNote{ID: "1#2", Text: "t"}).Request) },
	},
	{
		name: "create-in-indexes", why: "each index of which all parts are there gets its key",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.orders.CreateOp(rqOrder{UserID: "ann", ID: "1", Total: 5, Status: "paid", Note: "n", Open: true}).Request)
		},
	},
	{
		name: "create-not-in-indexes", why: "IndexWhen says no, and an empty part means absent: both pairs are left out whole, literals too (F099, F107)",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.orders.CreateOp(rqOrder{UserID: "ann", ID: "1", Total: 0, Status: "paid", Open: false}).Request)
		},
	},
	{
		name: "create-empty-index-part", why: "IndexWhen says yes but the status is empty, which is stored but makes no index key (F099)",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.orders.CreateOp(rqOrder{UserID: "ann", ID: "1", Status: "", Open: true}).Request)
		},
	},
	{
		name: "create-derived", why: "DefaultFunc fills the state, Derived overrides what is given, and index parts see both; numbers are padded",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.tickets.CreateOp(rqTicket{ID: "1", Team: "core", Prio: 2, Title: "Bug", Slug: "ignored"}).Request)
		},
	},
	{
		name: "create-multi-attribute-index", why: "an index over T's own attributes adds nothing to the item",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.matches.CreateOp(rqMatch{ID: "1", Tournament: "winter", Region: "eu", Score: 3}).Request)
		},
	},
	{
		name: "create-multi-attribute-index-empty", why: "the service refuses an empty index key, so an empty attribute that is one is left out",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.matches.CreateOp(rqMatch{ID: "1", Tournament: "winter", Score: 3}).Request)
		},
	},
	{
		name: "create-number-and-binary-key", why: "an attribute of T that is the key is written once; N and B keep their types",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.blobs.CreateOp(rqBlob{Shard: -4, Digest: []byte("#"), Size: 9}).Request)
		},
	},
	{
		name: "create-natural-key", why: "without a sort key, and with the key as T's own attribute",
		op: func(s *rqSchemas) rqOp { return rqOf(s.product.CreateOp(rqProduct{SKU: "p", Price: 0}).Request) },
	},
	{
		name: "create-all-types", why: "every type in its stored form; an attribute-by-attribute image",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.things.CreateOp(rqThing{
				ID: "1", N: -1, F: 1.5, S: "\x00\n", S2: "é", SS: []string{"a", "b"}, NS: []int{1, 2}, BS: [][]byte{{1}}, B: []byte{2}, L: []string{"x", ""},
				M: map[string]int{"k": 1}, PPrefs: &rqPrefs{Theme: "t", Lang: "l"}, Flag: true, When: rqClock, Opt: new("o"), Note: "n",
				Big: big.NewInt(9007199254740993), Any: []any{true, nil, "s"},
			}).Request)
		},
	},
	{
		name: "create-all-zero", why: "zero values are stored, nil pointers, nil slices, nil maps and nil sets are left out, omitempty too (F083, F084)",
		op: func(s *rqSchemas) rqOp { return rqOf(s.things.CreateOp(rqThing{ID: "1"}).Request) },
	},
	{
		name: "create-all-empty", why: "empty is not nil: an empty list, map and binary are stored; an empty set cannot be and is left out (F084, F085)",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.things.CreateOp(rqThing{ID: "1", SS: []string{}, NS: []int{}, BS: [][]byte{}, B: []byte{}, L: []string{}, M: map[string]int{}}).Request)
		},
	},
	{
		name: "create-declared-key", why: "a key that T declares too is written once, as its template makes it; a nested part (F108)",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.raws.CreateOp(rqRaw{PK: "ignored", Index: "ignored", ID: "1", Prefs: rqPrefs{Theme: "dark"}}).Request)
		},
	},
	{
		name: "create-declared-index-key-absent", why: "and left out where its part is absent, whatever the field holds (F099)",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.raws.CreateOp(rqRaw{PK: "RAW#1", Index: "THEME#old", ID: "1"}).Request)
		},
	},
	{
		name: "create-odd-names", why: "names stand in the item as they are",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.odds.CreateOp(rqOdd{ID: "1", Status: "s", Dotted: 1, Plain: map[string]int{"b": 2}, Colon: "c", Index: "i", German: "g"}).Request)
		},
	},
}

var rqPutRows = []rqRow{
	{
		name: "put-version-0", why: "version 0 says that nothing may be there; never \"absent or equal\" (F023)",
		op:    func(s *rqSchemas) rqOp { return rqOf(s.users.PutOp(rqUser{ID: "ann", Email: "a@b"}).Request) },
		fails: []rqItem{rqAnn, rqForeign},
	},
	{
		name: "put-version-3", why: "the stored version must be equal, the tag the entity's, and a zero hidden attribute must not be stored, so that nothing is erased (F026, F096)",
		op:     func(s *rqSchemas) rqOp { return rqOf(s.users.PutOp(rqAnnRead()).Request) },
		before: []rqItem{rqAnn.with(rqItem{"password": nil, "unknown": "lost"})},
		fails:  []rqItem{nil, rqForeign, rqAnn, rqAnn.with(rqItem{"password": nil, "version": 4}), rqAnn.with(rqItem{"password": nil, "version": nil})},
	},
	{
		name: "put-revealed", why: "with its hidden attribute set, Put stores it and asks for nothing about it",
		op: func(s *rqSchemas) rqOp {
			ann := rqAnnRead()
			ann.Password = "new"
			return rqOf(s.users.PutOp(ann).Request)
		},
		before: []rqItem{rqAnn},
	},
	{
		name: "put-without-version-check", why: "whatever version is stored, but not over another entity's item; the version is raised from the caller's (F028)",
		op: func(s *rqSchemas) rqOp {
			ann := rqAnnRead()
			ann.Password = "new"
			return rqOf(s.users.With(monotable.WithoutVersionCheck()).PutOp(ann).Request)
		},
		before: []rqItem{rqAnn.with(rqItem{"version": 77})},
		fails:  []rqItem{rqForeign},
	},
	{
		name: "put-condition", why: "Put of an unversioned entity: nothing there, or one of the entity's own, and the caller's condition (F103)",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.orders.PutOp(rqOrder{UserID: "ann", ID: "1", Status: "paid"}, rqOrderStatus.Ne("closed")).Request)
		},
		before: []rqItem{{"PK": "USER#ann", "SK": "ORDER#1", "_et": "Order", "status": "open"}},
		fails: []rqItem{
			{"PK": "USER#ann", "SK": "ORDER#1", "_et": "Order", "status": "closed"},
			{"PK": "USER#ann", "SK": "ORDER#1", "_et": "Robot", "status": "open"},
			{"PK": "USER#ann", "SK": "ORDER#1", "status": "open"},
		},
	},
	{
		name: "put-new", why: "the same where nothing is there",
		op: func(s *rqSchemas) rqOp { return rqOf(s.orders.PutOp(rqOrder{UserID: "ann", ID: "1"}).Request) },
	},
	{
		name: "put-immutable", why: "an immutable attribute must be the stored one; a zero hidden one must not be stored; expired items count as absent, so they hold up nothing",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.sessions.PutOp(rqSession{ID: "1", Device: new("phone"), Expires: time.Unix(1900000000, 0)}).Request)
		},
		before: []rqItem{{"PK": "SESSION#1", "SK": "SESSION", "_et": "Session", "expires": 1795255200, "device": "tablet", "secret": "old"}},
		fails: []rqItem{
			{"PK": "SESSION#1", "SK": "SESSION", "_et": "Session", "device": "tablet"},
			{"PK": "SESSION#1", "SK": "SESSION", "_et": "Session"},
			{"PK": "SESSION#1", "SK": "SESSION", "_et": "Session", "device": "phone", "secret": "s"},
			{"PK": "SESSION#1", "SK": "SESSION", "_et": "Robot", "device": "phone", "expires": 1},
		},
	},
	{
		name: "create-condition-over-expired", why: "an expired item counts as absent for the caller's conditions too: what holds for nothing holds for it",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.sessions.CreateOp(rqSession{ID: "1"}, rqCount.NotExists(), rqDevice.Ne(new("phone"))).Request)
		},
		before: []rqItem{{"PK": "SESSION#1", "SK": "SESSION", "_et": "Session", "count": 1, "device": "phone", "expires": 1795255200}},
		fails:  []rqItem{{"PK": "SESSION#1", "SK": "SESSION", "_et": "Session"}},
	},
	{
		name: "put-condition-over-expired", why: "the same for Put, beside an item that has not expired",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.sessions.PutOp(rqSession{ID: "1", Secret: "s", Device: new("phone")}, monotable.Any(rqCount.Ne(1), rqCount.NotExists())).Request)
		},
		before: []rqItem{{"PK": "SESSION#1", "SK": "SESSION", "_et": "Session", "count": 1, "expires": 1795255200}},
		fails:  []rqItem{{"PK": "SESSION#1", "SK": "SESSION", "_et": "Session", "count": 1, "device": "phone", "expires": 1795255201}},
	},
	{
		name: "put-condition-not-over-expired", why: "what does not hold for nothing does not hold for an expired item, whatever that was",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.sessions.PutOp(rqSession{ID: "1", Secret: "s", Device: new("phone")}, rqCount.Ge(1)).Request)
		},
		before: []rqItem{{"PK": "SESSION#1", "SK": "SESSION", "_et": "Session", "count": 1, "device": "phone", "expires": 1795255201}},
		fails:  []rqItem{nil, {"PK": "SESSION#1", "SK": "SESSION", "_et": "Session", "count": 1, "device": "phone", "expires": 1795255200}},
	},
	{
		name: "put-immutable-new", why: "where nothing is there, an immutable attribute may be set",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.sessions.PutOp(rqSession{ID: "1", Device: new("phone"), Secret: "s"}).Request)
		},
	},
	{
		name: "put-immutable-absent", why: "an immutable attribute cannot be taken away either: where none is put, none may be stored",
		op:    func(s *rqSchemas) rqOp { return rqOf(s.sessions.PutOp(rqSession{ID: "1", Secret: "s"}).Request) },
		fails: []rqItem{{"PK": "SESSION#1", "SK": "SESSION", "_et": "Session", "device": "tablet", "secret": "s"}},
	},
	{
		name: "put-untagged", why: "TagNone looks at no tag, so there is nothing to ask",
		op:     func(s *rqSchemas) rqOp { return rqOf(s.untagged.PutOp(rqNote{ID: "1", Text: "t"}).Request) },
		before: []rqItem{{"PK": "UNTAGGED#1", "SK": "UNTAGGED", "text": "old"}},
	},
	{
		name: "put-optional-tag", why: "TagOptional takes an item without a tag, and tags it",
		op:     func(s *rqSchemas) rqOp { return rqOf(s.optional.PutOp(rqNote{ID: "1", Text: "t"}).Request) },
		before: []rqItem{{"PK": "OPTIONAL#1", "SK": "OPTIONAL", "text": "old"}},
		fails:  []rqItem{{"PK": "OPTIONAL#1", "SK": "OPTIONAL", "_et": "Robot"}},
	},
	{
		name: "put-renamed", why: "an item that carries an alias is the entity's, and gets the new name",
		op:     func(s *rqSchemas) rqOp { return rqOf(s.renamed.PutOp(rqNote{ID: "1", Text: "t"}).Request) },
		before: []rqItem{{"PK": "RENAMED#1", "SK": "RENAMED", "_et": "Older"}},
		fails:  []rqItem{{"PK": "RENAMED#1", "SK": "RENAMED", "_et": "Robot"}},
	},
}

var rqDeleteRows = []rqRow{
	{
		name: "delete", why: "without a condition it is no error if nothing is there, but another entity's item stays; version 0 is not checked; the old item is returned",
		op:     func(s *rqSchemas) rqOp { return rqOf(s.users.DeleteOp(rqUser{ID: "ann"}).Request) },
		before: []rqItem{rqAnn},
		fails:  []rqItem{rqForeign},
	},
	{
		name: "delete-nothing", why: "the same where nothing is there",
		op: func(s *rqSchemas) rqOp { return rqOf(s.orders.DeleteOp(rqOrder{UserID: "ann", ID: "1"}).Request) },
	},
	{
		name: "delete-version", why: "a version above 0 in the key is checked, and then there must be an item (F026)",
		op:     func(s *rqSchemas) rqOp { return rqOf(s.users.DeleteOp(rqAnnRead()).Request) },
		before: []rqItem{rqAnn},
		fails:  []rqItem{nil, rqForeign, rqAnn.with(rqItem{"version": 4})},
	},
	{
		name: "delete-without-version-check", why: "WithoutVersionCheck ignores the version in the key",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.users.With(monotable.WithoutVersionCheck()).DeleteOp(rqAnnRead()).Request)
		},
		before: []rqItem{rqAnn.with(rqItem{"version": 9})},
	},
	{
		name: "delete-condition", why: "a condition implies that there is an item of the entity: a negative one does not hold for nothing (F024)",
		op:     func(s *rqSchemas) rqOp { return rqOf(s.users.DeleteOp(rqUser{ID: "ann"}, rqPlan.Ne("pro")).Request) },
		before: []rqItem{rqAnn},
		fails:  []rqItem{nil, rqForeign, rqAnn.with(rqItem{"plan": "pro"})},
	},
	{
		name: "delete-untagged", why: "TagNone asks for nothing",
		op:     func(s *rqSchemas) rqOp { return rqOf(s.untagged.DeleteOp(rqNote{ID: "1"}).Request) },
		before: []rqItem{{"PK": "UNTAGGED#1", "SK": "UNTAGGED", "_et": "anything"}},
	},
	{
		name: "delete-untagged-condition", why: "with a condition, existence is asked of the key",
		op: func(s *rqSchemas) rqOp {
			return rqOf(s.untagged.DeleteOp(rqNote{ID: "1"}, rqNoteText.NotExists()).Request)
		},
		before: []rqItem{{"PK": "UNTAGGED#1", "SK": "UNTAGGED"}},
		fails:  []rqItem{nil},
	},
	{
		name: "delete-optional-tag", why: "TagOptional deletes an item without a tag, or with its own",
		op:     func(s *rqSchemas) rqOp { return rqOf(s.optional.DeleteOp(rqNote{ID: "1"}).Request) },
		before: []rqItem{{"PK": "OPTIONAL#1", "SK": "OPTIONAL"}},
		fails:  []rqItem{{"PK": "OPTIONAL#1", "SK": "OPTIONAL", "_et": "Robot"}},
	},
	{
		name: "delete-expired-condition", why: "an expired item counts as absent, so a condition on it does not hold",
		op:     func(s *rqSchemas) rqOp { return rqOf(s.sessions.DeleteOp(rqSession{ID: "1"}, rqCount.Ge(1)).Request) },
		before: []rqItem{{"PK": "SESSION#1", "SK": "SESSION", "_et": "Session", "count": 1, "expires": 1795255201}},
		fails:  []rqItem{{"PK": "SESSION#1", "SK": "SESSION", "_et": "Session", "count": 1, "expires": 1795255200}},
	},
	{
		name: "delete-number-and-binary-key", why: "the names of the condition are those of the table's own key",
		op:     func(s *rqSchemas) rqOp { return rqOf(s.blobs.DeleteOp(rqBlob{Shard: 7, Digest: []byte{1}}).Request) },
		before: []rqItem{{"pk": 7, "digest": []byte{1}, "_et": "Blob"}},
	},
}
