package monotable_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
)

// The entities that the rows of the golden requests are about. One of them for each way to declare
// a key, an index, a tag or a rule.

// rqClock is the time at which every operation happens.
var rqClock = time.Date(2026, 11, 21, 11, 0, 0, 123456789, time.FixedZone("CET", 3600))

// rqSchemas are all entities, on a client that records reads and answers nothing.
type rqSchemas struct {
	reads *rqRecorder

	app, blobTable, products, custom *monotable.Table

	users     *monotable.Entity[rqUser]
	orders    *monotable.Entity[rqOrder]
	events    *monotable.Entity[rqEvent]
	logs      *monotable.Entity[rqLog]
	docs      *monotable.Entity[rqDoc]
	sessions  *monotable.Entity[rqSession]
	tickets   *monotable.Entity[rqTicket]
	matches   *monotable.Entity[rqMatch]
	things    *monotable.Entity[rqThing]
	odds      *monotable.Entity[rqOdd]
	ruled     *monotable.Entity[rqRuled]
	optional  *monotable.Entity[rqNote]  // TagOptional
	untagged  *monotable.Entity[rqNote]  // TagNone
	renamed   *monotable.Entity[rqNote]  // Aliases
	opened    *monotable.Entity[rqNote]  // Family
	closed    *monotable.Entity[rqNote]  // Family
	delimited *monotable.Entity[rqNote]  // on a table with another tag and delimiter
	friendly  *monotable.Entity[rqMatch] // TagNone
	chapters  *monotable.Entity[rqChapter]
	paras     *monotable.Entity[rqParagraph]
	raws      *monotable.Entity[rqRaw]
	scoped    *monotable.Entity[rqOrder] // on a table scoped to USER#a
	blobs     *monotable.Entity[rqBlob]
	product   *monotable.Entity[rqProduct]
}

func rqKeyOf(name string) types.Projection {
	return types.Projection{ProjectionType: types.ProjectionTypeInclude, NonKeyAttributes: []string{name, "orderId"}}
}

func newRqSchemas(t testing.TB) *rqSchemas {
	t.Helper()
	client := &rqRecorder{}
	newTable := func(cfg monotable.TableConfig) *monotable.Table {
		cfg.Clock = func() time.Time { return rqClock }
		table, err := monotable.NewTable(client, cfg)
		require.NoError(t, err)
		return table.With(monotable.Token("golden")) // makes write ids the same every time
	}
	s := &rqSchemas{reads: client}
	s.app = newTable(monotable.TableConfig{
		Name: "app", PartitionKey: "PK", SortKey: "SK",
		Indexes: []monotable.Index{
			{Name: "GSI1", PartitionKey: "GSI1PK", SortKey: "GSI1SK"},
			{Name: "keys", PartitionKey: "GSI2PK", SortKey: "GSI2SK", Projection: types.Projection{ProjectionType: types.ProjectionTypeKeysOnly}},
			{Name: "slim", PartitionKey: "GSI3PK", SortKey: "GSI3SK", Projection: rqKeyOf("status")},
			{Name: "inverted", PartitionKey: "SK", SortKey: "PK"},
			{Name: "byExpiry", SortKey: "expires", SortKeyType: types.ScalarAttributeTypeN, Local: true},
			{Name: "byTotal", SortKey: "total", SortKeyType: types.ScalarAttributeTypeN, Local: true},
			{
				Name: "byRegion", PartitionKeys: []monotable.KeyAttribute{{Name: "tournament"}, {Name: "region"}},
				SortKeys: []monotable.KeyAttribute{{Name: "score", Type: types.ScalarAttributeTypeN}, {Name: "matchId"}},
			},
			{
				Name: "byType", PartitionKeys: []monotable.KeyAttribute{{Name: "_et"}, {Name: "tournament"}},
				SortKeys: []monotable.KeyAttribute{{Name: "score", Type: types.ScalarAttributeTypeN}},
			},
		},
	})
	s.blobTable = newTable(monotable.TableConfig{
		Name: "blobs", PartitionKey: "pk", PartitionKeyType: types.ScalarAttributeTypeN,
		SortKey: "digest", SortKeyType: types.ScalarAttributeTypeB,
	})
	s.products = newTable(monotable.TableConfig{Name: "products", PartitionKey: "sku"})
	s.custom = newTable(monotable.TableConfig{Name: "custom", PartitionKey: "pk", SortKey: "sk", TypeTag: "kind", Delimiter: "|"})
	s.entities(t)
	return s
}

func (s *rqSchemas) entities(t testing.TB) {
	t.Helper()
	s.users = rqEntity(t, s.app, monotable.Schema[rqUser]{
		Name:    "User",
		Key:     monotable.Key{Partition: "USER#{userId}", Sort: "PROFILE"},
		Indexes: map[string]monotable.Key{"GSI1": {Partition: "EMAIL#{email}", Sort: "USER#{userId}"}},
		Rules: []monotable.Rule[rqUser]{
			rqEmail.Required().Transform(strings.ToLower).Validate(rqValidEmail),
			rqPlan.Default("free").OneOf("free", "pro"),
			rqTheme.Default("light"),
			rqNotify.Default(new(true)),
			rqLabels.Default(map[string]string{}),
			monotable.Min(rqLogins, 0),
			rqPassword.Hidden(),
			monotable.CreatedAt(rqCreated), monotable.UpdatedAt(rqUpdated), monotable.Version(rqVersion),
		},
	})
	orders := monotable.Schema[rqOrder]{
		Name: "Order",
		Key:  monotable.Key{Partition: "USER#{userId}", Sort: "ORDER#{orderId}"},
		Indexes: map[string]monotable.Key{
			"keys": {Partition: "NOTE#{note}", Sort: "ORDER#{orderId}"},
			"slim": {Partition: "STATUS#{status}", Sort: "{orderId}"},
		},
		Rules: []monotable.Rule[rqOrder]{monotable.IndexWhen("slim", func(o *rqOrder) bool { return o.Open }, rqOrderOpen)},
	}
	s.orders = rqEntity(t, s.app, orders)
	s.scoped = rqEntity(t, s.app.Scoped("USER#ann"), orders)
	s.events = rqEntity(t, s.app, monotable.Schema[rqEvent]{
		Name: "Event", Key: monotable.Key{Partition: "STREAM#{stream}", Sort: "EV#{seq:010}#{at}#{kind}"},
		Rules: []monotable.Rule[rqEvent]{rqEventKind.Transform(strings.ToLower)},
	})
	s.logs = rqEntity(t, s.app, monotable.Schema[rqLog]{
		Name: "Log", Key: monotable.Key{Partition: "LOG#{app}", Sort: "{level}#{load:03.2}#{line}"},
	})
	s.docs = rqEntity(t, s.app, monotable.Schema[rqDoc]{
		Name: "Doc", Key: monotable.Key{Partition: "DOC#{path}", Sort: "P#{part}#D#{day}"},
		Rules: []monotable.Rule[rqDoc]{rqDocPath.Escaped(), rqDocPart.Escaped(), monotable.TimeLayout(rqDocDay, time.DateOnly)},
	})
	s.sessions = rqEntity(t, s.app, monotable.Schema[rqSession]{
		Name: "Session", Key: monotable.Key{Partition: "SESSION#{sessionId}", Sort: "SESSION"},
		Indexes: map[string]monotable.Key{"keys": {Partition: "DEVICE#{device}", Sort: "{sessionId}"}},
		Rules: []monotable.Rule[rqSession]{
			rqSecret.Hidden(), rqDevice.Immutable(), monotable.Max(rqCount, 100), monotable.ExpiresAt(rqExpires),
		},
	})
	s.tickets = rqEntity(t, s.app, monotable.Schema[rqTicket]{
		Name: "Ticket", Key: monotable.Key{Partition: "TICKET#{ticketId}", Sort: "TICKET"},
		Indexes: map[string]monotable.Key{"GSI1": {Partition: "TEAM#{team}#{state}", Sort: "P#{prio:03}#{ticketId}"}},
		Rules: []monotable.Rule[rqTicket]{
			rqSlug.Derived(func(t *rqTicket) string { return t.Team + "/" + t.Title }, rqTeam, rqTitle),
			rqState.DefaultFunc(func(*rqTicket) string { return "new" }),
		},
	})
	s.matches = rqEntity(t, s.app, monotable.Schema[rqMatch]{
		Name: "Match", Key: monotable.Key{Partition: "MATCH#{matchId}", Sort: "MATCH"},
	})
	s.friendly = rqEntity(t, s.app, monotable.Schema[rqMatch]{
		Name: "Friendly", Key: monotable.Key{Partition: "FRIENDLY#{matchId}", Sort: "MATCH"}, Tag: monotable.TagNone,
	})
	s.chapters = rqEntity(t, s.app, monotable.Schema[rqChapter]{Name: "Chapter", Key: monotable.Key{Partition: "BOOK#{book}", Sort: "CH#{chapter:03}"}})
	s.paras = rqEntity(t, s.app, monotable.Schema[rqParagraph]{
		Name: "Paragraph", Key: monotable.Key{Partition: "BOOK#{book}", Sort: "CH#{chapter:03}#P#{paragraph:03}"},
	})
	s.raws = rqEntity(t, s.app, monotable.Schema[rqRaw]{
		Name: "Raw", Key: monotable.Key{Partition: "RAW#{id}", Sort: "RAW"},
		Indexes: map[string]monotable.Key{"GSI1": {Partition: "THEME#{prefs.theme}", Sort: "{id}"}},
	})
	s.things = rqEntity(t, s.app, monotable.Schema[rqThing]{Name: "Thing", Key: monotable.Key{Partition: "THING#{id}", Sort: "THING"}})
	s.odds = rqEntity(t, s.app, monotable.Schema[rqOdd]{Name: "Odd", Key: monotable.Key{Partition: "ODD#{#id}", Sort: "ODD"}})
	s.ruled = rqEntity(t, s.app, monotable.Schema[rqRuled]{
		Name: "Ruled", Key: monotable.Key{Partition: "RULED#{id}", Sort: "RULED"},
		Rules: []monotable.Rule[rqRuled]{
			rqFrozen.Immutable(), rqList.Immutable(), rqMap.Immutable(), rqPartTheme.Immutable(),
			monotable.Min(rqLevel, 10), monotable.Length(rqBound, 1, 5),
		},
	})
	note := func(name, key string, change func(*monotable.Schema[rqNote])) *monotable.Entity[rqNote] {
		schema := monotable.Schema[rqNote]{Name: name, Key: monotable.Key{Partition: key + "#{noteId}", Sort: key}}
		change(&schema)
		return rqEntity(t, s.app, schema)
	}
	s.optional = note("Optional", "OPTIONAL", func(n *monotable.Schema[rqNote]) { n.Tag = monotable.TagOptional })
	s.untagged = note("Untagged", "UNTAGGED", func(n *monotable.Schema[rqNote]) { n.Tag = monotable.TagNone })
	s.renamed = note("Renamed", "RENAMED", func(n *monotable.Schema[rqNote]) { n.Aliases = []string{"Former", "Older"} })
	s.opened = note("Opened", "ACCOUNT", func(n *monotable.Schema[rqNote]) { n.Family = "account" })
	s.closed = note("Closed", "ACCOUNT", func(n *monotable.Schema[rqNote]) { n.Family = "account" })
	s.delimited = rqEntity(t, s.custom, monotable.Schema[rqNote]{Name: "Note", Key: monotable.Key{Partition: "NOTE|{noteId}", Sort: "NOTE"}})
	s.blobs = rqEntity(t, s.blobTable, monotable.Schema[rqBlob]{Name: "Blob", Key: monotable.Key{Partition: "{shard}"}})
	s.product = rqEntity(t, s.products, monotable.Schema[rqProduct]{Name: "Product"})
}

func rqEntity[T any](t testing.TB, table *monotable.Table, schema monotable.Schema[T]) *monotable.Entity[T] {
	t.Helper()
	entity, err := monotable.NewEntity(table, schema)
	require.NoError(t, err)
	return entity
}

// rqRecorder keeps the input of the last read and answers that nothing is there; last, if set, is where
// the page it answers ended.
type rqRecorder struct {
	*dynamodb.Client // nil: writes are never sent

	got  any
	page []map[string]types.AttributeValue
	last map[string]types.AttributeValue
}

func (r *rqRecorder) Query(_ context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	r.got = in
	return &dynamodb.QueryOutput{Items: r.page, LastEvaluatedKey: r.last}, nil
}

func (r *rqRecorder) Scan(_ context.Context, in *dynamodb.ScanInput, _ ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error) {
	r.got = in
	return &dynamodb.ScanOutput{Items: r.page, LastEvaluatedKey: r.last}, nil
}
