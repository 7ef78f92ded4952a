package monotable_test

import (
	"math"
	"strings"

	"github.com/monotable/monotable"
)

// rqScopedRefusals are calls outside the scope of a table (F128).
var rqScopedRefusals = []rqRefusal{
	rqNo("scoped-get", "a key outside the scope", func(s *rqSchemas) rqOp { return rqOf(s.scoped.GetOp(rqOrder{UserID: "bob", ID: "1"}, nil).Request) }, "scope").not("bob"),
	rqNo("scoped-create", "of an item", func(s *rqSchemas) rqOp { return rqOf(s.scoped.CreateOp(rqOrder{UserID: "bob", ID: "1"}).Request) }, "scope"),
	rqNo("scoped-put", "whatever the verb", func(s *rqSchemas) rqOp { return rqOf(s.scoped.PutOp(rqOrder{UserID: "bob", ID: "1"}).Request) }, "scope"),
	rqNo("scoped-update", "whatever the verb", func(s *rqSchemas) rqOp {
		return rqOf(s.scoped.UpdateOp(rqOrder{UserID: "bob", ID: "1"}, rqOrderTotal.Set(1)).Request)
	}, "scope"),
	rqNo("scoped-delete", "whatever the verb", func(s *rqSchemas) rqOp { return rqOf(s.scoped.DeleteOp(rqOrder{UserID: "bob", ID: "1"}).Request) }, "scope"),
	rqNoQuery("scoped", "of a query", func(s *rqSchemas) monotable.Query[rqOrder] { return s.scoped.Query(rqOrder{UserID: "bob"}) }, "scope"),
	rqNoQuery("scoped-inverted", "an index whose sort key is the table's partition key takes no filter on it", func(s *rqSchemas) monotable.Query[rqOrder] {
		return s.scoped.Query(rqOrder{ID: "1"}).Index("inverted")
	}, "inverted"),
	{
		name: "scoped-cursor", why: "a cursor outside the scope, even one of ours", is: monotable.ErrBadCursor,
		op: func(s *rqSchemas) rqOp {
			q := s.orders.Scan().PageSize(1)
			c := rqFrom(s, q, rqOrdered("1", 0, "").with(rqItem{"PK": "USER#bob"}), rqItem{"PK": "USER#bob", "SK": "ORDER#1"})
			return s.scoped.Scan().From(c).Request
		},
	},
}

var rqRefusedReads = []rqRefusal{
	rqNoQuery("no-partition", "a query needs its partition (F098)", func(s *rqSchemas) monotable.Query[rqOrder] { return s.orders.Query(rqOrder{ID: "1"}) }, "PK", "userId"),
	rqNoQuery("partition-delimiter", "without delimiters", func(s *rqSchemas) monotable.Query[rqOrder] { return s.orders.Query(rqOrder{UserID: "canary#"}) }, "userId"),
	rqNoQuery("index-no-partition", "an index's partition too", func(s *rqSchemas) monotable.Query[rqUser] { return s.users.Query(rqUser{ID: "ann"}).Index("GSI1") }, "GSI1PK", "email"),
	rqNoQuery("multi-attribute-no-partition", "every attribute of a multi-attribute partition (F076)", func(s *rqSchemas) monotable.Query[rqMatch] {
		return s.matches.Query(rqMatch{Tournament: "winter"}).Index("byRegion")
	}, "region"),
	rqNoQuery("unknown-index", "an index that the table does not declare, with the nearest name", func(s *rqSchemas) monotable.Query[rqUser] {
		return s.users.Query(rqUser{ID: "ann"}).Index("GSI")
	}, "GSI", "GSI1"),
	rqNoQuery("not-in-index", "an index that the entity is not in", func(s *rqSchemas) monotable.Query[rqUser] {
		return s.users.Query(rqUser{ID: "ann"}).Index("slim")
	}, "User", "slim"),
	rqNoQuery("tag-index-untagged", "an entity without a tag is not in an index whose key is the tag", func(s *rqSchemas) monotable.Query[rqMatch] {
		return s.friendly.Query(rqMatch{Tournament: "winter"}).Index("byType")
	}, "byType"),
	rqNoQuery("consistent-global-index", "a global index has no consistent reads (F060)", func(s *rqSchemas) monotable.Query[rqUser] {
		return s.users.With(monotable.Consistent()).Query(rqUser{Email: "a@b"}).Index("GSI1")
	}, "GSI1"),
	rqNoQuery("consistent-scan-of-index", "nor to a scan", func(s *rqSchemas) monotable.Query[rqUser] {
		return s.users.Scan().Index("GSI1").With(monotable.Consistent())
	}, "GSI1"),
	rqNoQuery("limit-0", "a limit of 0 (F060)", func(s *rqSchemas) monotable.Query[rqOrder] { return s.orders.Query(rqOrder{UserID: "ann"}).Limit(0) }, "Limit"),
	rqNoQuery("limit-negative", "or below is not taken for none, and a later one does not hide it", func(s *rqSchemas) monotable.Query[rqOrder] {
		return s.orders.Query(rqOrder{UserID: "ann"}).Limit(-1).Limit(5)
	}, "Limit"),
	rqNoQuery("page-size-0", "nor a page size", func(s *rqSchemas) monotable.Query[rqOrder] { return s.orders.Scan().PageSize(0) }, "PageSize"),
	rqNoQuery("sort-gap", "parts are given from left to right (F062)", func(s *rqSchemas) monotable.Query[rqEvent] {
		return s.events.Query(rqEvent{Stream: "s"}).SortKey(rqEventAt.Ge(rqJan20))
	}, "at"),
	rqNoQuery("sort-after-range", "nothing comes after a range (F063)", func(s *rqSchemas) monotable.Query[rqEvent] {
		return s.events.Query(rqEvent{Stream: "s"}).SortKey(rqEventSeq.Ge(1), rqEventAt.Eq(rqJan20))
	}, "at"),
	rqNoQuery("sort-twice", "two conditions on one part", func(s *rqSchemas) monotable.Query[rqEvent] {
		return s.events.Query(rqEvent{Stream: "s"}).SortKey(rqEventSeq.Ge(1)).SortKey(rqEventSeq.Le(2))
	}, "seq"),
	rqNoQuery("sort-other-attribute", "an attribute that is not in the sort key", func(s *rqSchemas) monotable.Query[rqOrder] {
		return s.orders.Query(rqOrder{UserID: "ann"}).SortKey(rqOrderStatus.Eq("paid"))
	}, "status", "Filter"),
	rqNoQuery("sort-none-there", "a table without a sort key", func(s *rqSchemas) monotable.Query[rqProduct] {
		return s.product.Query(rqProduct{SKU: "p"}).SortKey(rqPrice.Eq(1))
	}, "price"),
	rqNoQuery("sort-literal", "a sort template without placeholders has no parts", func(s *rqSchemas) monotable.Query[rqUser] {
		return s.users.Query(rqUser{ID: "ann"}).SortKey(rqPlan.Eq("pro"))
	}, "plan"),
	rqNoQuery("sort-zero", "the zero KeyCond", func(s *rqSchemas) monotable.Query[rqOrder] {
		return s.orders.Query(rqOrder{UserID: "ann"}).SortKey(monotable.KeyCond[rqOrder]{})
	}, "SortKey"),
	rqNoQuery("sort-zero-attr", "a handle that was not made by Field", func(s *rqSchemas) monotable.Query[rqOrder] {
		return s.orders.Query(rqOrder{UserID: "ann"}).SortKey(monotable.Attr[rqOrder, string]{}.Eq("x"))
	}, "Field"),
	rqNoQuery("sort-between", "low above high (F060)", func(s *rqSchemas) monotable.Query[rqOrder] {
		return s.orders.Query(rqOrder{UserID: "ann"}).SortKey(rqOrderID.Between("canary2", "canary1"))
	}, "orderId"),
	rqNoQuery("sort-between-number", "by value where the key is a number", func(s *rqSchemas) monotable.Query[rqOrder] {
		return s.orders.Query(rqOrder{UserID: "ann"}).Index("byTotal").SortKey(rqOrderTotal.Between(10, 9))
	}, "total"),
	rqNoQuery("sort-between-binary", "by bytes where it is binary", func(s *rqSchemas) monotable.Query[rqBlob] {
		return s.blobs.Query(rqBlob{Shard: 1}).SortKey(rqDigest.Between([]byte{2}, []byte{1, 1}))
	}, "digest"),
	rqNoQuery("sort-empty", "an empty part compares with nothing", func(s *rqSchemas) monotable.Query[rqOrder] {
		return s.orders.Query(rqOrder{UserID: "ann"}).SortKey(rqOrderID.Ge(""))
	}, "orderId"),
	rqNoQuery("sort-empty-binary", "nor an empty binary", func(s *rqSchemas) monotable.Query[rqBlob] {
		return s.blobs.Query(rqBlob{Shard: 1}).SortKey(rqDigest.Ge(nil))
	}, "digest"),
	rqNoQuery("sort-delimiter", "a delimiter in a value (F097)", func(s *rqSchemas) monotable.Query[rqOrder] {
		return s.orders.Query(rqOrder{UserID: "ann"}).SortKey(rqOrderID.Eq("canary#"))
	}, "orderId"),
	rqNoQuery("sort-prefix-delimiter", "or in a prefix", func(s *rqSchemas) monotable.Query[rqOrder] {
		return s.orders.Query(rqOrder{UserID: "ann"}).SortKey(monotable.HasPrefix(rqOrderID, "canary#"))
	}, "orderId"),
	rqNoQuery("sort-invalid-utf8", "invalid UTF-8 (F078)", func(s *rqSchemas) monotable.Query[rqOrder] {
		return s.orders.Query(rqOrder{UserID: "ann"}).SortKey(rqOrderID.Le(rqBadUTF8))
	}, "orderId"),
	rqNoQuery("sort-number-too-long", "a number beyond its padding", func(s *rqSchemas) monotable.Query[rqEvent] {
		return s.events.Query(rqEvent{Stream: "s"}).SortKey(rqEventSeq.Le(math.MaxInt64))
	}, "seq"),
	rqNoQuery("sort-unpadded", "a number that is not padded does not sort by value (F101)", func(s *rqSchemas) monotable.Query[rqLog] {
		return s.logs.Query(rqLog{App: "a"}).SortKey(rqLogLevel.Eq("l"), rqLogLoad.Eq(1), rqLogLine.Gt(2))
	}, "line"),
	rqNoQuery("sort-too-long", "a sort key has 1024 bytes at most; the service refuses a longer one (F100)", func(s *rqSchemas) monotable.Query[rqOrder] {
		return s.orders.Query(rqOrder{UserID: "ann"}).SortKey(rqOrderID.Eq(strings.Repeat("x", 1019)))
	}, "1025"),
	rqNoQuery("sort-range-too-long", "a bound too", func(s *rqSchemas) monotable.Query[rqOrder] {
		return s.orders.Query(rqOrder{UserID: "ann"}).SortKey(rqOrderID.Ge(strings.Repeat("x", 1019)))
	}, "1025"),
	rqNoQuery("sort-prefix-too-long", "a prefix too", func(s *rqSchemas) monotable.Query[rqOrder] {
		return s.orders.Query(rqOrder{UserID: "ann"}).SortKey(monotable.HasPrefix(rqOrderID, strings.Repeat("x", 1019)))
	}, "1025"),
	rqNoQuery("multi-attribute-gap", "the attributes of a multi-attribute sort key too (F076)", func(s *rqSchemas) monotable.Query[rqMatch] {
		return s.matches.Query(rqMatch{Tournament: "winter", Region: "eu"}).Index("byRegion").SortKey(rqMatchID.Eq("1"))
	}, "matchId"),
	rqNoQuery("multi-attribute-after-range", "equality on all before the last", func(s *rqSchemas) monotable.Query[rqMatch] {
		return s.matches.Query(rqMatch{Tournament: "winter", Region: "eu"}).Index("byRegion").SortKey(rqScore.Gt(1), rqMatchID.Eq("1"))
	}, "matchId"),
	rqNoQuery("filter-key", "the service refuses a filter on the key that is queried (F060)", func(s *rqSchemas) monotable.Query[rqProduct] {
		return s.product.Query(rqProduct{SKU: "p"}).Filter(rqSKU.Ne("q"))
	}, "sku"),
	rqNoQuery("filter-index-key", "on that of an index, in a group too", func(s *rqSchemas) monotable.Query[rqOrder] {
		return s.orders.Query(rqOrder{UserID: "ann"}).Index("byTotal").Filter(monotable.Any(rqOrderStatus.Eq("x"), monotable.Not(rqOrderTotal.Eq(1))))
	}, "total"),
	rqNoQuery("filter-not-projected", "a filter on what the index does not hold (F060)", func(s *rqSchemas) monotable.Query[rqOrder] {
		return s.orders.Query(rqOrder{Status: "paid"}).Index("slim").Filter(rqOrderTotal.Gt(1))
	}, "slim", "total"),
	rqNoQuery("filter-nil", "a nil filter (F117)", func(s *rqSchemas) monotable.Query[rqOrder] {
		return s.orders.Query(rqOrder{UserID: "ann"}).Filter(nil)
	}),
	rqNoQuery("filter-omitted-zero", "filters are checked like conditions", func(s *rqSchemas) monotable.Query[rqOrder] {
		return s.orders.Query(rqOrder{UserID: "ann"}).Filter(rqOrderNote.Eq(""))
	}, "note"),
	rqNoQuery("index-without-all", "an index that does not project all of T gives no T (F064)", func(s *rqSchemas) monotable.Query[rqOrder] {
		return s.orders.Query(rqOrder{Status: "paid"}).Index("slim")
	}, "slim", "As"),
	rqNo("query-expiring-not-projected", "an index that does not hold the expiry would give what has expired", func(s *rqSchemas) rqOp {
		return rqRun(s, func() error {
			_, err := monotable.As[struct{}](s.sessions.Query(rqSession{Device: new("d")}).Index("keys")).Collect(rqContext)
			return err
		})
	}, "keys", "expires"),
	rqNoQuery("zero-query", "a query that no entity made", func(*rqSchemas) monotable.Query[rqOrder] { return monotable.Query[rqOrder]{} }),
	rqNoQuery("scan-sort", "a scan has no sort key", func(s *rqSchemas) monotable.Query[rqOrder] { return s.orders.Scan().SortKey(rqOrderID.Eq("1")) }, "Scan"),
	rqNoQuery("scan-descending", "nor an order", func(s *rqSchemas) monotable.Query[rqOrder] { return s.orders.Scan().Descending() }, "Scan"),
	rqNo("query-as-not-projected", "As cannot read what the index does not hold", func(s *rqSchemas) rqOp {
		return rqRun(s, func() error {
			_, err := monotable.As[rqOrder](s.orders.Query(rqOrder{Status: "paid"}).Index("slim")).Collect(rqContext)
			return err
		})
	}, "slim"),
	rqNo("query-as-unknown", "nor what T does not have", func(s *rqSchemas) rqOp {
		type other struct {
			Colour string `dynamodbav:"colour"`
		}
		return rqRun(s, func() error {
			_, err := monotable.As[other](s.orders.Query(rqOrder{UserID: "ann"})).Collect(rqContext)
			return err
		})
	}, "colour"),
	rqNo("query-as-type", "nor in another type", func(s *rqSchemas) rqOp {
		type other struct {
			Total string `dynamodbav:"total"`
		}
		return rqRun(s, func() error {
			_, err := monotable.As[other](s.orders.Query(rqOrder{UserID: "ann"})).Collect(rqContext)
			return err
		})
	}, "total"),
	{
		name: "query-bad-cursor", why: "text that is no cursor", is: monotable.ErrBadCursor,
		op: func(s *rqSchemas) rqOp { return s.orders.Query(rqOrder{UserID: "ann"}).From("canary").Request }, secret: "canary",
	},
	{
		name: "query-cursor-of-other-partition", why: "a cursor belongs to its partition (F122)", is: monotable.ErrBadCursor,
		op: func(s *rqSchemas) rqOp {
			q := s.orders.Query(rqOrder{UserID: "ann"}).PageSize(1)
			c := rqFrom(s, q, rqOrdered("1", 0, ""), rqItem{"PK": "USER#ann", "SK": "ORDER#1"})
			return s.orders.Query(rqOrder{UserID: "bob"}).From(c).Request
		},
	},
	{
		name: "query-cursor-of-other-direction", why: "and to its direction", is: monotable.ErrBadCursor,
		op: func(s *rqSchemas) rqOp {
			q := s.orders.Query(rqOrder{UserID: "ann"}).PageSize(1)
			return q.Descending().From(rqFrom(s, q, rqOrdered("1", 0, ""), rqItem{"PK": "USER#ann", "SK": "ORDER#1"})).Request
		},
	},
	{
		name: "query-cursor-outside-sort-condition", why: "and to its key condition: the service refuses a start outside it (F122)", is: monotable.ErrBadCursor,
		op: func(s *rqSchemas) rqOp {
			q := s.orders.Query(rqOrder{UserID: "ann"}).PageSize(1)
			c := rqFrom(s, q, rqOrdered("1", 0, ""), rqItem{"PK": "USER#ann", "SK": "ORDER#1"})
			return q.SortKey(rqOrderID.Ge("5")).From(c).Request
		},
	},
}
