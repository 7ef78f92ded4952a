package monotable_test

import (
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable"
)

// rqRead runs a read that has no Request of its own, and tells what was asked first.
func rqRun(s *rqSchemas, run func() error) rqOp {
	return func() (any, error) {
		s.reads.got = nil
		if err := run(); err != nil {
			return nil, err
		}
		return s.reads.got, nil
	}
}

// rqFrom gives a cursor that was taken after an item.
func rqFrom[T any](s *rqSchemas, q monotable.Query[T], after rqItem, key rqItem) monotable.Cursor {
	s.reads.page, s.reads.last = []map[string]types.AttributeValue{after.item()}, key.item()
	defer func() { s.reads.page, s.reads.last = nil, nil }()
	page, err := q.Page(rqContext)
	if err != nil || page.Next == "" {
		return "no cursor"
	}
	return page.Next
}

var rqQueryRows = []rqRow{
	{
		name: "query-partition", why: "only the partition's fields of the key count; the template's literal keeps other entities out, so no filter is needed",
		op: func(s *rqSchemas) rqOp {
			return s.orders.Query(rqOrder{UserID: "ann", ID: "ignored", Total: 1}).Request
		},
		finds: []rqItem{rqOrdered("1", 0, "paid")}, skips: rqAround,
	},
	{
		name: "query-literal-sort", why: "a sort template without placeholders is equality",
		op:    func(s *rqSchemas) rqOp { return s.users.Query(rqUser{ID: "ann"}).Request },
		finds: []rqItem{rqAnn}, skips: []rqItem{{"PK": "USER#ann", "SK": "PROFILE2", "_et": "Robot"}},
	},
	{
		name: "query-options", why: "Consistent, Capacity and TableName hold for reads",
		op: func(s *rqSchemas) rqOp {
			return s.orders.With(monotable.TableName("app-eu")).Query(rqOrder{UserID: "ann"}).
				With(monotable.Consistent(), monotable.Capacity(new(monotable.ConsumedCapacity))).Request
		},
		finds: []rqItem{rqOrdered("1", 0, "paid")},
	},
	{
		name: "query-descending-limit", why: "Descending reads backwards; without a filter Limit also bounds what is read",
		op:    func(s *rqSchemas) rqOp { return s.orders.Query(rqOrder{UserID: "ann"}).Descending().Limit(2).Request },
		finds: []rqItem{rqOrdered("3", 0, "paid"), rqOrdered("2", 0, "paid")}, skips: []rqItem{rqOrdered("1", 0, "paid")},
	},
	{
		name: "query-filter-limit", why: "behind a filter Limit counts what is returned, so it must not bound what is read (F056)",
		op: func(s *rqSchemas) rqOp {
			return s.orders.Query(rqOrder{UserID: "ann"}).Filter(rqOrderStatus.Eq("paid"), rqOrderTotal.Gt(5)).Filter(rqOrderNote.NotExists()).Limit(2).Request
		},
		finds: []rqItem{rqOrdered("1", 6, "paid"), rqOrdered("3", 6, "paid")}, skips: []rqItem{rqOrdered("2", 5, "paid"), rqOrdered("4", 6, "new")},
	},
	{
		name: "query-filter-page-size", why: "PageSize bounds what one request reads, before the filter",
		op: func(s *rqSchemas) rqOp {
			return s.orders.Query(rqOrder{UserID: "ann"}).Filter(rqOrderStatus.Eq("paid")).Limit(2).PageSize(100).Request
		},
		finds: []rqItem{rqOrdered("1", 6, "paid")},
	},
	{
		name: "query-page-size", why: "PageSize without a limit",
		op:    func(s *rqSchemas) rqOp { return s.orders.Query(rqOrder{UserID: "ann"}).PageSize(5).Request },
		finds: []rqItem{rqOrdered("1", 6, "paid")},
	},
	{
		name: "query-limit-below-page-size", why: "no more is read than is returned where no filter stands between",
		op:    func(s *rqSchemas) rqOp { return s.orders.Query(rqOrder{UserID: "ann"}).PageSize(50).Limit(20).Request },
		finds: []rqItem{rqOrdered("1", 6, "paid")},
	},
	{
		name: "query-filter-key-attribute-of-t", why: "a filter on an attribute that is only a part of the key is one like any other",
		op: func(s *rqSchemas) rqOp {
			return s.orders.Query(rqOrder{UserID: "ann"}).Filter(rqOrderID.In("1", "2")).Request
		},
		finds: []rqItem{rqOrdered("1", 6, "paid")}, skips: []rqItem{rqOrdered("3", 6, "paid")},
	},
	{
		name: "query-from", why: "a cursor is the key of the last item; the rest of the query is as before",
		op: func(s *rqSchemas) rqOp {
			q := s.orders.Query(rqOrder{UserID: "ann"}).Limit(1)
			return q.From(rqFrom(s, q, rqOrdered("1", 0, ""), rqItem{"PK": "USER#ann", "SK": "ORDER#1"})).Request
		},
		finds: []rqItem{rqOrdered("2", 0, "paid")}, skips: []rqItem{rqOrdered("1", 0, "paid")},
	},
	{
		name: "query-from-index", why: "a cursor of an index holds the keys of index and table, with their types (F058)",
		op: func(s *rqSchemas) rqOp {
			q := s.orders.Query(rqOrder{UserID: "ann"}).Index("byTotal").PageSize(1)
			return q.From(rqFrom(s, q, rqOrdered("1", 5, ""), rqItem{"PK": "USER#ann", "SK": "ORDER#1", "total": 5})).Request
		},
		finds: []rqItem{rqOrdered("0", 6, "paid")}, skips: []rqItem{rqOrdered("1", 5, "paid"), rqOrdered("3", 4, "paid")},
	},
	{
		name: "query-index", why: "the index's own templates, transformed like the item's keys; reads of a global index are never consistent",
		op:    func(s *rqSchemas) rqOp { return s.users.Query(rqUser{Email: "Ann@Example.com"}).Index("GSI1").Request },
		finds: []rqItem{rqAnn}, skips: []rqItem{rqTicket1},
	},
	{
		name: "query-index-sort", why: "the parts of the index's sort key; the part that follows is left open",
		op: func(s *rqSchemas) rqOp {
			return s.tickets.Query(rqTicket{Team: "core", State: "new"}).Index("GSI1").SortKey(rqPrio.Le(2)).Request
		},
		finds: []rqItem{rqTicket1}, skips: []rqItem{rqTicket1.with(rqItem{"PK": "TICKET#2", "GSI1SK": "P#003#2"})},
	},
	{
		name: "query-local-index", why: "a local index has the table's partition key and takes consistent reads; its sort key is T's own number",
		op: func(s *rqSchemas) rqOp {
			return s.orders.With(monotable.Consistent()).Query(rqOrder{UserID: "ann"}).Index("byTotal").SortKey(rqOrderTotal.Gt(4)).Request
		},
		finds: []rqItem{rqOrdered("1", 5, "paid")}, skips: []rqItem{rqOrdered("2", 4, "paid"), rqAnn},
	},
	{
		name: "query-inverted-index", why: "an index over the table's own keys needs no template",
		op: func(s *rqSchemas) rqOp {
			return s.orders.Query(rqOrder{ID: "1"}).Index("inverted").SortKey(rqOrderUser.Eq("ann")).Request
		},
		finds: []rqItem{rqOrdered("1", 5, "paid")}, skips: []rqItem{rqOrdered("1", 5, "paid").with(rqItem{"PK": "USER#bob"})},
	},
	{
		name: "query-multi-attribute-index", why: "equality on every partition attribute, types kept, left to right through the sort attributes; other types share the index, so the tag is a filter (F076, F077)",
		op: func(s *rqSchemas) rqOp {
			return s.matches.Query(rqMatch{Tournament: "winter", Region: "eu"}).Index("byRegion").SortKey(rqMatchID.Ge("1"), rqScore.Eq(3)).Descending().Request
		},
		finds: []rqItem{rqMatch1}, skips: []rqItem{rqMatch1.with(rqItem{"PK": "MATCH#2", "score": 4}), rqMatch1.with(rqItem{"PK": "MATCH#3", "_et": "Robot"})},
	},
	{
		name: "query-multi-attribute-tag", why: "with the tag as the first attribute of the index, other types are not read",
		op: func(s *rqSchemas) rqOp {
			return s.matches.Query(rqMatch{Tournament: "winter"}).Index("byType").SortKey(rqScore.Ge(3)).Request
		},
		finds: []rqItem{rqMatch1}, skips: []rqItem{rqMatch1.with(rqItem{"PK": "MATCH#2", "_et": "Robot"})},
	},
	{
		name: "query-family", why: "the keys of a family tell nothing apart, so reads filter by the tag",
		op:    func(s *rqSchemas) rqOp { return s.opened.Query(rqNote{ID: "1"}).Request },
		finds: []rqItem{{"PK": "ACCOUNT#1", "SK": "ACCOUNT", "_et": "Opened"}},
	},
	{
		name: "query-expiring", why: "expired items are dropped by a filter (F074)",
		op:    func(s *rqSchemas) rqOp { return s.sessions.Query(rqSession{ID: "1"}).Request },
		finds: []rqItem{{"PK": "SESSION#1", "SK": "SESSION", "_et": "Session", "expires": 1795255201}},
	},
	{
		name: "query-expired", why: "the same where it has expired, by the clock of the table",
		op:    func(s *rqSchemas) rqOp { return s.sessions.Query(rqSession{ID: "1"}).Filter(rqCount.Lt(3)).Request },
		skips: []rqItem{{"PK": "SESSION#1", "SK": "SESSION", "_et": "Session", "count": 1, "expires": 1795255200}},
	},
	{
		name: "query-expiring-index", why: "DynamoDB takes no filter on a key, so in an index over the expiry what has expired is dropped after reading, and Limit must not bound what is read",
		op: func(s *rqSchemas) rqOp {
			return s.sessions.Query(rqSession{ID: "1"}).Index("byExpiry").Limit(1).Request
		},
		finds: []rqItem{{"PK": "SESSION#1", "SK": "SESSION", "_et": "Session", "expires": 1795255201}, {"PK": "SESSION#1", "SK": "SESSION2", "_et": "Session", "expires": 1}},
	},
	{
		name: "query-expiring-index-range", why: "the same beside a range of the caller's; times are compared as epoch seconds",
		op: func(s *rqSchemas) rqOp {
			return s.sessions.Query(rqSession{ID: "1"}).Index("byExpiry").SortKey(rqExpires.Le(time.Unix(1795255300, 0))).Request
		},
		finds: []rqItem{{"PK": "SESSION#1", "SK": "SESSION", "_et": "Session", "expires": 1795255300}},
		skips: []rqItem{{"PK": "SESSION#1", "SK": "SESSION3", "_et": "Session", "expires": 1795255301}},
	},
	{
		name: "query-optional-tag", why: "the templates prove that nothing else is there, so items without a tag are read without a filter",
		op:    func(s *rqSchemas) rqOp { return s.optional.Query(rqNote{ID: "1"}).Request },
		finds: []rqItem{{"PK": "OPTIONAL#1", "SK": "OPTIONAL"}},
	},
	{
		name: "query-optional-tag-limit", why: "and a limit bounds what is read",
		op:    func(s *rqSchemas) rqOp { return s.optional.Query(rqNote{ID: "1"}).Limit(1).Request },
		finds: []rqItem{{"PK": "OPTIONAL#1", "SK": "OPTIONAL"}},
	},
	{
		name: "query-scoped", why: "a partition inside the scope needs no filter (F128)",
		op:    func(s *rqSchemas) rqOp { return s.scoped.Query(rqOrder{UserID: "ann"}).Request },
		finds: []rqItem{rqOrdered("1", 5, "paid")},
	},
	{
		name: "query-scoped-index", why: "in an index other scopes' items are filtered out by the table's key, which every index holds (F128)",
		op: func(s *rqSchemas) rqOp {
			return rqRun(s, func() error {
				_, err := monotable.As[rqOrderLine](s.scoped.Query(rqOrder{Status: "paid"}).Index("slim").Limit(2)).Collect(rqContext)
				return err
			})
		},
		finds: []rqItem{rqOrder1}, skips: []rqItem{rqOrder1.with(rqItem{"PK": "USER#bob"})},
	},
	{
		name: "query-other-delimiter", why: "the delimiter of the table",
		op:    func(s *rqSchemas) rqOp { return s.delimited.Query(rqNote{ID: "1#"}).Request },
		finds: []rqItem{{"pk": "NOTE|1#", "sk": "NOTE", "kind": "Note"}},
	},
	{
		name: "query-no-sort-key", why: "a table without a sort key: one item at most, whose tag is looked at when it is read",
		op:    func(s *rqSchemas) rqOp { return s.product.Query(rqProduct{SKU: "p"}).Request },
		finds: []rqItem{{"sku": "p", "_et": "Product"}},
	},
	{
		name: "query-as", why: "As reads the attributes of the smaller struct, and the keys and the tag that the library needs; nothing twice",
		op: func(s *rqSchemas) rqOp {
			return rqRun(s, func() error {
				_, err := monotable.As[rqOrderLine](s.orders.Query(rqOrder{UserID: "ann"})).Collect(rqContext)
				return err
			})
		},
		finds: []rqItem{rqOrdered("1", 5, "paid").with(rqItem{"total": nil, "userId": nil})},
	},
	{
		name: "query-as-index", why: "an index that does not project all of T is read with As; it does not project the tag either, and its own prefix proves the type (F064, F065)",
		op: func(s *rqSchemas) rqOp {
			return rqRun(s, func() error {
				_, err := monotable.As[rqOrderLine](s.orders.Query(rqOrder{Status: "paid"}).Index("slim").Filter(rqOrderStatus.Exists())).Collect(rqContext)
				return err
			})
		},
		finds: []rqItem{{"PK": "USER#ann", "SK": "ORDER#1", "GSI3PK": "STATUS#paid", "GSI3SK": "1", "orderId": "1", "status": "paid"}},
	},
	{
		name: "query-as-keys-only", why: "a KEYS_ONLY index gives keys alone",
		op: func(s *rqSchemas) rqOp {
			return rqRun(s, func() error {
				_, err := monotable.As[struct{}](s.orders.Query(rqOrder{Note: "n"}).Index("keys").SortKey(rqOrderID.Eq("1"))).Collect(rqContext)
				return err
			})
		},
		finds: []rqItem{{"PK": "USER#ann", "SK": "ORDER#1", "GSI2PK": "NOTE#n", "GSI2SK": "ORDER#1"}},
	},
	{
		name: "query-count", why: "Count asks for no items; a filter still counts",
		op: func(s *rqSchemas) rqOp {
			return rqRun(s, func() error {
				_, err := s.orders.Query(rqOrder{UserID: "ann"}).Filter(rqOrderStatus.Eq("paid")).Count(rqContext)
				return err
			})
		},
	},
	{
		name: "query-first", why: "First reads one item",
		op: func(s *rqSchemas) rqOp {
			return rqRun(s, func() error {
				s.reads.page = []map[string]types.AttributeValue{rqOrdered("1", 5, "paid").item()}
				_, err := s.orders.Query(rqOrder{UserID: "ann"}).First(rqContext)
				s.reads.page = nil
				return err
			})
		},
		finds: []rqItem{rqOrdered("1", 5, "paid")}, skips: []rqItem{rqOrdered("2", 5, "paid")},
	},
}

var rqScanRows = []rqRow{
	{
		name: "scan", why: "a scan tells entities apart by the tag",
		op:    func(s *rqSchemas) rqOp { return s.orders.Scan().Request },
		finds: []rqItem{rqOrdered("1", 5, "paid")}, skips: []rqItem{rqAnn},
	},
	{
		name: "scan-options", why: "filter, limits and options as for a query; a scan may filter on keys",
		op: func(s *rqSchemas) rqOp {
			return s.product.Scan().Filter(rqSKU.Ne("x"), rqPrice.Between(1, 9)).Limit(5).PageSize(3).With(monotable.Consistent(), monotable.Capacity(new(monotable.ConsumedCapacity))).Request
		},
		finds: []rqItem{{"sku": "p", "_et": "Product", "price": 5}}, skips: []rqItem{{"sku": "x", "_et": "Product", "price": 5}, {"sku": "q", "_et": "Robot", "price": 5}},
	},
	{
		name: "scan-index", why: "a scan of an index reads what is in it",
		op:    func(s *rqSchemas) rqOp { return s.users.Scan().Index("GSI1").Request },
		finds: []rqItem{rqAnn}, skips: []rqItem{rqTicket1},
	},
	{
		name: "scan-expiring", why: "expired items are dropped by a filter",
		op:    func(s *rqSchemas) rqOp { return s.sessions.Scan().Request },
		finds: []rqItem{{"PK": "SESSION#1", "SK": "SESSION", "_et": "Session"}}, skips: []rqItem{{"PK": "SESSION#2", "SK": "SESSION", "_et": "Session", "expires": 1795255200}},
	},
	{
		name: "scan-renamed", why: "an alias is the entity's own",
		op:    func(s *rqSchemas) rqOp { return s.renamed.Scan().Request },
		finds: []rqItem{{"PK": "RENAMED#1", "SK": "RENAMED", "_et": "Former"}, {"PK": "RENAMED#2", "SK": "RENAMED", "_et": "Renamed"}}, skips: []rqItem{rqAnn},
	},
	{
		name: "scan-untagged", why: "TagNone tells items by the literals of its key templates",
		op:    func(s *rqSchemas) rqOp { return s.untagged.Scan().Request },
		finds: []rqItem{{"PK": "UNTAGGED#1", "SK": "UNTAGGED"}, {"PK": "UNTAGGED#2", "SK": "UNTAGGED", "_et": "any"}}, skips: []rqItem{rqAnn},
	},
	{
		name: "scan-optional-tag", why: "TagOptional takes its own tag, or no tag and the literals of its key templates",
		op:    func(s *rqSchemas) rqOp { return s.optional.Scan().Request },
		finds: []rqItem{{"PK": "OPTIONAL#1", "SK": "OPTIONAL"}, {"PK": "OPTIONAL#2", "SK": "OPTIONAL", "_et": "Optional"}},
		skips: []rqItem{{"PK": "OPTIONAL#3", "SK": "OPTIONAL", "_et": "Robot"}, {"PK": "OTHER#3", "SK": "OPTIONAL"}},
	},
	{
		name: "scan-scoped", why: "a scan keeps inside the scope by a filter (F128)",
		op:    func(s *rqSchemas) rqOp { return s.scoped.Scan().Request },
		finds: []rqItem{rqOrder1}, skips: []rqItem{rqOrder1.with(rqItem{"PK": "USER#bob"})},
	},
	{
		name: "scan-from", why: "a cursor of a scan is the table's key",
		op: func(s *rqSchemas) rqOp {
			q := s.orders.Scan().PageSize(1)
			return q.From(rqFrom(s, q, rqOrdered("1", 0, ""), rqItem{"PK": "USER#ann", "SK": "ORDER#1"})).Request
		},
	},
	{
		name: "scan-as", why: "a projection of a scan",
		op: func(s *rqSchemas) rqOp {
			return rqRun(s, func() error {
				_, err := monotable.As[rqOrderLine](s.orders.Scan().Filter(monotable.HasPrefix(rqOrderID, strings.Repeat("x", 3)))).Collect(rqContext)
				return err
			})
		},
	},
}
