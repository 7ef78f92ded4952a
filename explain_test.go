package monotable_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
)

// explainer is an operation or a query.
type explainer interface {
	Explain() (monotable.Plan, error)
}

// plMember has two unique attributes, and a hidden one in the key of an index.
type plMember struct {
	Club    string            `dynamodbav:"club"`
	ID      string            `dynamodbav:"memberId"`
	Email   string            `dynamodbav:"email"`
	Nick    string            `dynamodbav:"nick,omitempty"`
	Secret  string            `dynamodbav:"secret,omitempty"`
	Level   int               `dynamodbav:"level"`
	Prefs   rqPrefs           `dynamodbav:"prefs"`
	Tags    []string          `dynamodbav:"tags"`
	Labels  map[string]string `dynamodbav:"labels"`
	Version int64             `dynamodbav:"version"`
}

var (
	plEmail   = monotable.Field(func(m *plMember) *string { return &m.Email })
	plNick    = monotable.Field(func(m *plMember) *string { return &m.Nick })
	plSecret  = monotable.Field(func(m *plMember) *string { return &m.Secret })
	plID      = monotable.Field(func(m *plMember) *string { return &m.ID })
	plLevel   = monotable.Field(func(m *plMember) *int { return &m.Level })
	plTheme   = monotable.Field(func(m *plMember) *string { return &m.Prefs.Theme })
	plTags    = monotable.Field(func(m *plMember) *[]string { return &m.Tags })
	plLabels  = monotable.Field(func(m *plMember) *map[string]string { return &m.Labels })
	plVersion = monotable.Field(func(m *plMember) *int64 { return &m.Version })
)

// plSecretLine is a part of plMember.
type plSecretLine struct {
	ID     string `dynamodbav:"memberId"`
	Secret string `dynamodbav:"secret,omitempty"`
}

func plConfig() monotable.TableConfig {
	return monotable.TableConfig{
		Name: "clubs", PartitionKey: "PK", SortKey: "SK",
		Indexes: []monotable.Index{
			{Name: "GSI1", PartitionKey: "GSI1PK", SortKey: "GSI1SK"},
			{Name: "flat", PartitionKey: "level", PartitionKeyType: types.ScalarAttributeTypeN},
		},
		Clock: func() time.Time { return noon },
	}
}

func plMembers(t testing.TB, table *monotable.Table) *monotable.Entity[plMember] {
	t.Helper()
	return mustEntity(t, table, monotable.Schema[plMember]{
		Name:    "Member",
		Key:     monotable.Key{Partition: "CLUB#{club}", Sort: "{memberId}"},
		Indexes: map[string]monotable.Key{"GSI1": {Partition: "SECRET#{secret}", Sort: "M#{secret:raw}"}},
		Rules: []monotable.Rule[plMember]{
			plEmail.Unique(), plNick.Unique(), plSecret.Hidden(), plTheme.Default("light"), monotable.Version(plVersion),
		},
	})
}

func plSome(m plMember) plMember { m.Club, m.ID = "chess", "7"; return m }

// TestExplain_Queries: what is asked of DynamoDB, and what it costs that the result does not show.
func TestExplain_Queries(t *testing.T) {
	s := newRqSchemas(t)
	members := plMembers(t, openStore(t, plConfig()).Table)
	anns := s.orders.Query(rqOrder{UserID: "ann"})
	for _, row := range []struct {
		name string
		q    explainer
		want string
	}{
		{"by the template's literal", anns, `Query Order on app
  key           PK = USER#{userId}, SK = ORDER#{orderId}
  key condition PK = ? AND begins_with(SK, ?)
  requests      1 or more`},
		{"everything", anns.SortKey(rqOrderID.Between("a", "b")).Filter(
			monotable.Any(rqOrderStatus.In("x", "y"), monotable.Not(monotable.All(rqOrderTotal.Between(1, 2), rqOrderNote.Exists()))),
			rqOrderNote.Size().Gt(3), monotable.HasPrefix(rqOrderStatus, "x"), rqOrderStatus.EqAttr(rqOrderNote),
		).Descending().Limit(50).PageSize(7).With(monotable.Consistent()), `Query Order on app
  key           PK = USER#{userId}, SK = ORDER#{orderId}
  key condition PK = ? AND SK BETWEEN ? AND ?
  filter        (status IN (?, ?) OR (NOT (total BETWEEN ? AND ? AND attribute_exists(note)))) AND size(note) > ? AND begins_with(status, ?) AND status = note
  reads         consistent, descending, limit 50, page size 7
  requests      1 or more
  warning       consistent: costs twice the read units`},
		{"limit without filter", anns.Limit(3).With(monotable.TableName("copy")), `Query Order on copy
  key           PK = USER#{userId}, SK = ORDER#{orderId}
  key condition PK = ? AND begins_with(SK, ?)
  reads         limit 3, page size 3
  requests      1 or more`},
		{"index that does not hold all", monotable.As[rqOrderLine](s.orders.Query(rqOrder{Status: "open"}).Index("slim")), `Query Order on app, index slim
  key           GSI3PK = STATUS#{status}, GSI3SK = {orderId}
  key condition GSI3PK = ?
  projection    orderId, status, PK, SK, GSI3PK, GSI3SK
  requests      1 or more
  warning       projection: index slim does not hold userId, total, note, open`},
		{"smaller struct of the table", monotable.As[rqOrderLine](anns), `Query Order on app
  key           PK = USER#{userId}, SK = ORDER#{orderId}
  key condition PK = ? AND begins_with(SK, ?)
  projection    orderId, status, PK, SK, _et
  requests      1 or more`},
		{"multi-attribute index, the tag first", s.matches.Query(rqMatch{Tournament: "winter"}).Index("byType").SortKey(rqScore.Ge(10)), `Query Match on app, index byType
  key           _et = Match, tournament = {tournament}, score = {score}
  key condition _et = ? AND tournament = ? AND score >= ?
  requests      1 or more`},
		{"other entities in the range", s.matches.Query(rqMatch{Tournament: "winter", Region: "eu"}).Index("byRegion"), `Query Match on app, index byRegion
  key           tournament = {tournament}, region = {region}, score = {score}, matchId = {matchId}
  key condition tournament = ? AND region = ?
  filter        _et = ?
  requests      1 or more
  warning       tag: items of other entities may be in the range: they are read and paid, then dropped`},
		{"other entities, told by their keys", s.friendly.Query(rqMatch{Tournament: "winter", Region: "eu"}).Index("byRegion"), `Query Friendly on app, index byRegion
  key           tournament = {tournament}, region = {region}, score = {score}, matchId = {matchId}
  key condition tournament = ? AND region = ?
  requests      1 or more
  warning       tag: items of other entities may be in the range: they are read and paid, then dropped`},
		{"expiry", s.sessions.Query(rqSession{ID: "x"}), `Query Session on app
  key           PK = SESSION#{sessionId}, SK = SESSION
  key condition PK = ? AND SK = ?
  filter        attribute_not_exists(expires) OR expires > ?
  requests      1 or more`},
		{"filter alone", members.Query(plSome(plMember{})).Filter(plNick.Exists()), `Query Member on clubs
  key           PK = CLUB#{club}, SK = {memberId}
  key condition PK = ?
  filter        attribute_exists(nick)
  requests      1 or more
  warning       filter: drops from a whole partition, all of which is read and paid`},
		{"filter with a sort key", members.Query(plSome(plMember{})).SortKey(plID.Ge("a")).Filter(plNick.Exists()), `Query Member on clubs
  key           PK = CLUB#{club}, SK = {memberId}
  key condition PK = ? AND SK >= ?
  filter        attribute_exists(nick)
  requests      1 or more`},
		{"filter on an index without sort key", members.Query(plMember{Level: 3}).Index("flat").Filter(plNick.Exists()), `Query Member on clubs, index flat
  key           level = {level}
  key condition level = ?
  filter        _et = ? AND attribute_exists(nick)
  requests      1 or more
  warning       filter: drops from a whole partition, all of which is read and paid
  warning       tag: items of other entities may be in the range: they are read and paid, then dropped
  warning       hidden: index flat holds the hidden secret too`},
		{"filter on the one item there can be", s.product.Query(rqProduct{SKU: "x"}).Filter(rqPrice.Gt(1)), `Query Product on products
  key           sku = {sku}
  key condition sku = ?
  filter        price > ?
  requests      1 or more`},
		{"scan", s.orders.Scan().Filter(rqOrderTotal.Gt(1)), `Scan Order on app
  filter        _et = ? AND total > ?
  requests      1 or more
  warning       scan: reads all of table app, whatever it returns`},
		{"scan of an index", s.users.Scan().Index("GSI1").PageSize(9), `Scan User on app, index GSI1
  filter        _et = ?
  reads         page size 9
  requests      1 or more
  warning       scan: reads all of index GSI1, whatever it returns
  warning       hidden: index GSI1 holds the hidden password too`},
		{"scan in a scope", s.scoped.Scan(), `Scan Order on app
  filter        _et = ? AND (PK = ? OR begins_with(PK, ?))
  requests      1 or more
  warning       scan: reads all of table app, whatever it returns`},
		{"items read a second time", s.orders.Query(rqOrder{Status: "open"}).Index("slim").Hydrate().With(monotable.Consistent()), `Query Order on app, index slim
  key           GSI3PK = STATUS#{status}, GSI3SK = {orderId}
  key condition GSI3PK = ?
  reads         consistent
  requests      1 or more
  warning       hydrate: what the index finds is read again from the table, by BatchGetItem, and paid twice
  warning       consistent: costs twice the read units`},
		{"parallel scan", s.orders.Scan().Parallel(4), `Scan Order on app
  filter        _et = ?
  requests      4 or more
  warning       scan: reads all of table app, whatever it returns`},
		{"condition of the SDK's", anns.Filter(monotable.UncheckedCond[rqOrder](expression.Name("status").Equal(expression.Value("x")))), `Query Order on app
  key           PK = USER#{userId}, SK = ORDER#{orderId}
  key condition PK = ? AND begins_with(SK, ?)
  filter        status = ?
  requests      1 or more`},
		{"get", s.orders.With(monotable.Consistent()).GetOp(rqOrder{UserID: "ann", ID: "7"}, nil), `Get Order: GetItem on app
  key           PK = USER#{userId}, SK = ORDER#{orderId}
  reads         consistent
  requests      1 or more
  warning       consistent: costs twice the read units`},
	} {
		t.Run(row.name, func(t *testing.T) {
			plan, err := row.q.Explain()
			require.NoError(t, err)
			require.Equal(t, row.want, plan.String())
		})
	}
}

// TestExplain_Writes: what is written, under which condition, and whether it takes more than one request.
func TestExplain_Writes(t *testing.T) {
	s := newRqSchemas(t)
	members := plMembers(t, openStore(t, plConfig()).Table)
	once := members.With(monotable.ExactlyOnce())
	const (
		user   = "\n  key           PK = USER#{userId}, SK = PROFILE"
		member = "\n  key           PK = CLUB#{club}, SK = {memberId}"
		first  = "so the item is read first, and where a guard must be written too, a transaction costs twice the write units; else it is "
	)
	for _, row := range []struct {
		name string
		op   explainer
		want string
	}{
		{"create", s.users.CreateOp(rqUser{ID: "a", Email: "a@b"}), `Create User: PutItem on app` + user + `
  condition     attribute_not_exists(PK)
  requests      1 or more`},
		{"put", s.users.PutOp(rqUser{ID: "a", Email: "a@b", Version: 3}, rqPlan.Eq("free")), `Put User: PutItem on app` + user + `
  condition     _et = ? AND version = ? AND attribute_not_exists(password) AND plan = ?
  requests      1 or more`},
		{"update", s.users.UpdateOp(rqUser{ID: "a", Version: 3}, rqPlan.Set("pro"), monotable.Add(rqLogins, 1), monotable.Append(rqTags, "x"), rqLogins.Gt(2), rqNotify.Remove()), `Update User: UpdateItem on app` + user + `
  condition     _et = ? AND version = ? AND logins > ?
  update        ADD logins ? REMOVE notify SET plan = ?, tags = list_append(if_not_exists(tags, ?), ?), updatedAt = ?, _w = ?, version = version + ?
  requests      1 or more`},
		{"names that are no words", s.odds.UpdateOp(rqOdd{ID: "x"}, rqOddDotted.Set(1), monotable.MapKey(rqOddPlain, "k`k").Set(3), rqOddGerman.Remove(), rqOddColon.Eq("u")), "Update Odd: UpdateItem on app\n" +
			"  key           PK = ODD#{#id}, SK = ODD\n" +
			"  condition     _et = ? AND `:y` = ? AND attribute_exists(a)\n" +
			"  update        REMOVE `größe in cm` SET `a.b` = ?, a.\"k`k\" = ?\n" +
			"  requests      1 or more"},
		{"upsert", s.users.UpsertOp(rqUser{ID: "a"}, rqPlan.SetIfAbsent("pro")), `Upsert User: UpdateItem on app` + user + `
  condition     _et = ? AND version < ?
  update        SET plan = if_not_exists(plan, ?), updatedAt = ?, _w = ?, version = version + ?
  requests      1 or more`},
		{"delete", s.users.DeleteOp(rqUser{ID: "a"}), `Delete User: DeleteItem on app` + user + `
  condition     attribute_not_exists(PK) OR _et = ?
  requests      1 or more`},
		{"check", s.users.CheckOp(rqUser{ID: "a"}, rqLogins.Gt(2)), `Check User: TransactWriteItems on app` + user + `
  condition     _et = ? AND logins > ?
  requests      1 or more`},
		{"unique, created", members.CreateOp(plSome(plMember{Nick: "n"})), `Create Member: TransactWriteItems on clubs` + member + `
  condition     attribute_not_exists(PK)
  guards        nick
  requests      1 or more
  warning       transaction: nick: Unique, so the item and its guards are written in a transaction, which costs twice the write units`},
		{"unique, created without a value", members.CreateOp(plSome(plMember{})), `Create Member: PutItem on clubs` + member + `
  condition     attribute_not_exists(PK)
  requests      1 or more`},
		{"unique, put", members.PutOp(plSome(plMember{Version: 1})), `Put Member: TransactWriteItems on clubs` + member + `
  condition     _et = ? AND version = ? AND attribute_not_exists(secret)
  guards        email, nick
  requests      2 or more
  warning       transaction: email, nick: Unique, ` + first + `PutItem`},
		{"unique, updated", members.UpdateOp(plSome(plMember{}), plEmail.Set("x")), `Update Member: TransactWriteItems on clubs` + member + `
  condition     _et = ? AND version < ?
  update        SET email = ?, _w = ?, version = version + ?
  guards        email
  requests      2 or more
  warning       transaction: email: Unique, ` + first + `UpdateItem`},
		{"unique, not touched", members.UpdateOp(plSome(plMember{}), plLevel.Set(1)), `Update Member: UpdateItem on clubs` + member + `
  condition     _et = ? AND version < ?
  update        SET level = ?, _w = ?, version = version + ?
  requests      1 or more`},
		{"unique, deleted", members.DeleteOp(plSome(plMember{})), `Delete Member: TransactWriteItems on clubs` + member + `
  condition     attribute_not_exists(PK) OR _et = ?
  guards        email, nick
  requests      2 or more
  warning       transaction: email, nick: Unique, ` + first + `DeleteItem`},
		{"update counted once", once.UpdateOp(plSome(plMember{}), plLevel.Set(1)), `Update Member: TransactWriteItems on clubs` + member + `
  condition     _et = ? AND version < ?
  update        SET level = ?, _w = ?, version = version + ?
  requests      2 or more
  warning       transaction: ExactlyOnce makes it a transaction, which costs twice the write units`},
	} {
		t.Run(row.name, func(t *testing.T) {
			plan, err := row.op.Explain()
			require.NoError(t, err)
			require.Equal(t, row.want, plan.String())
		})
	}
}

// TestExplain_Requests: the plan counts the requests that the verb makes where nothing comes between.
func TestExplain_Requests(t *testing.T) {
	s := openStore(t, plConfig())
	var sent monotable.ConsumedCapacity
	members := plMembers(t, s.With(monotable.Capacity(&sent)))
	once := members.With(monotable.ExactlyOnce())
	ctx := t.Context()
	for _, row := range []struct {
		name string
		op   explainer
		run  func() error
	}{
		{"create", members.CreateOp(plSome(plMember{Nick: "n"})), func() error { _, err := members.Create(ctx, plSome(plMember{Nick: "n"})); return err }},
		{"put", members.PutOp(plSome(plMember{Nick: "n", Version: 1})), func() error { _, err := members.Put(ctx, plSome(plMember{Nick: "n", Version: 1})); return err }},
		{"update of a unique value", members.UpdateOp(plSome(plMember{}), plNick.Set("n")), func() error { _, err := members.Update(ctx, plSome(plMember{}), plNick.Set("n")); return err }},
		{"update", members.UpdateOp(plSome(plMember{}), plLevel.Set(1)), func() error { _, err := members.Update(ctx, plSome(plMember{}), plLevel.Set(1)); return err }},
		{"upsert", members.UpsertOp(plSome(plMember{}), plLevel.Set(2)), func() error { _, err := members.Upsert(ctx, plSome(plMember{}), plLevel.Set(2)); return err }},
		{"update counted once", once.UpdateOp(plSome(plMember{}), plLevel.Set(3)), func() error { _, err := once.Update(ctx, plSome(plMember{}), plLevel.Set(3)); return err }},
		{"get", members.GetOp(plSome(plMember{}), nil), func() error { _, err := members.Get(ctx, plSome(plMember{})); return err }},
		{"query", members.Query(plSome(plMember{})), func() error { _, err := members.Query(plSome(plMember{})).Collect(ctx); return err }},
		{"delete", members.DeleteOp(plSome(plMember{})), func() error { _, err := members.Delete(ctx, plSome(plMember{})); return err }},
	} {
		plan, err := row.op.Explain()
		require.NoError(t, err, row.name)
		before := sent.Requests()
		require.NoError(t, row.run(), row.name)
		require.Equal(t, plan.Requests, sent.Requests()-before, row.name)
	}
}

// TestExplain_Data: a plan is plain data with stable JSON.
func TestExplain_Data(t *testing.T) {
	s := newRqSchemas(t)
	plan, err := s.orders.Query(rqOrder{UserID: "ann"}).Filter(rqOrderTotal.Gt(1)).Descending().Limit(5).With(monotable.Consistent()).Explain()
	require.NoError(t, err)
	require.Equal(t, monotable.Plan{
		Verb: "Query", Operation: "Query", Entity: "Order", Table: "app", Key: "PK = USER#{userId}, SK = ORDER#{orderId}",
		KeyCondition: "PK = ? AND begins_with(SK, ?)", Filter: "total > ?", Consistent: true, Descending: true, Limit: 5, Requests: 1,
		Warnings: []monotable.Warning{{Code: "consistent", Text: "costs twice the read units"}},
	}, plan)
	require.True(t, plan.Warns("consistent"))
	require.False(t, plan.Warns("scan"))

	text, err := json.Marshal(plan)
	require.NoError(t, err)
	require.Equal(t, `{"verb":"Query","operation":"Query","entity":"Order","table":"app","key":"PK = USER#{userId}, SK = ORDER#{orderId}",`+
		`"keyCondition":"PK = ? AND begins_with(SK, ?)","filter":"total \u003e ?","consistent":true,"descending":true,"limit":5,"requests":1,`+
		`"warnings":[{"code":"consistent","text":"costs twice the read units"}]}`, string(text))
	var again monotable.Plan
	require.NoError(t, json.Unmarshal(text, &again))
	require.Equal(t, plan, again)

	require.Equal(t, "no plan", monotable.Plan{}.String())
	require.False(t, monotable.Plan{}.Warns("scan"))
}

// TestExplain_Refused: what is refused before sending is refused alike.
func TestExplain_Refused(t *testing.T) {
	s := newRqSchemas(t)
	orders := s.orders.Query(rqOrder{UserID: "ann"})
	for _, row := range []struct {
		name    string
		op      explainer
		request rqOp
	}{
		{"query without a partition", s.orders.Query(rqOrder{}), s.orders.Query(rqOrder{}).Request},
		{"query", orders.Limit(0), orders.Limit(0).Request},
		{"view", monotable.As[rqNote](orders), monotable.As[rqNote](orders).Request},
		{"zero query", monotable.Query[rqOrder]{}, monotable.Query[rqOrder]{}.Request},
		{"zero view", monotable.View[rqOrder]{}, monotable.View[rqOrder]{}.Request},
		{"get", s.orders.GetOp(rqOrder{}, nil), rqOf(s.orders.GetOp(rqOrder{}, nil).Request)},
		{"create", s.users.CreateOp(rqUser{ID: "a"}), rqOf(s.users.CreateOp(rqUser{ID: "a"}).Request)},
		{"put", s.users.PutOp(rqUser{ID: "a"}), rqOf(s.users.PutOp(rqUser{ID: "a"}).Request)},
		{"update", s.users.UpdateOp(rqUser{ID: "a"}, rqPlan.Set("x")), rqOf(s.users.UpdateOp(rqUser{ID: "a"}, rqPlan.Set("x")).Request)},
		{"upsert", s.users.UpsertOp(rqUser{ID: "a"}, rqPlan.Set("x")), rqOf(s.users.UpsertOp(rqUser{ID: "a"}, rqPlan.Set("x")).Request)},
		{"delete", s.users.DeleteOp(rqUser{}), rqOf(s.users.DeleteOp(rqUser{}).Request)},
		{"check", s.users.CheckOp(rqUser{}), rqOf(s.users.CheckOp(rqUser{}).Request)},
		{"zero get", monotable.GetOp[rqUser]{}, rqOf(monotable.GetOp[rqUser]{}.Request)},
		{"zero create", monotable.CreateOp[rqUser]{}, rqOf(monotable.CreateOp[rqUser]{}.Request)},
		{"zero put", monotable.PutOp[rqUser]{}, rqOf(monotable.PutOp[rqUser]{}.Request)},
		{"zero update", monotable.UpdateOp[rqUser]{}, rqOf(monotable.UpdateOp[rqUser]{}.Request)},
		{"zero upsert", monotable.UpsertOp[rqUser]{}, rqOf(monotable.UpsertOp[rqUser]{}.Request)},
		{"zero delete", monotable.DeleteOp[rqUser]{}, rqOf(monotable.DeleteOp[rqUser]{}.Request)},
		{"zero check", monotable.CheckOp[rqUser]{}, rqOf(monotable.CheckOp[rqUser]{}.Request)},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, want := row.request()
			requireError(t, want, monotable.ErrInvalid)
			plan, err := row.op.Explain()
			requireError(t, err, monotable.ErrInvalid)
			require.Equal(t, want.Error(), err.Error())
			require.Zero(t, plan)
		})
	}
	members := plMembers(t, openStore(t, plConfig()).Table).With(monotable.ExactlyOnce(), monotable.Token("mine"))
	_, err := members.DeleteOp(plSome(plMember{})).Explain() // as Delete itself
	_, want := members.Delete(t.Context(), plSome(plMember{}))
	requireError(t, err, monotable.ErrInvalid)
	require.ErrorContains(t, want, strings.TrimPrefix(err.Error(), "monotable: "))
}

// TestExplain_NoValues: no value is in any plan, whatever it is used for.
func TestExplain_NoValues(t *testing.T) {
	const canary = "CANARY"
	members := plMembers(t, openStore(t, plConfig()).Table)
	holds := func() []monotable.Cond[plMember] {
		return []monotable.Cond[plMember]{
			plSecret.Ne(canary), plSecret.In(canary, "CANARY2"), plSecret.Between(canary, "CANARY3"), monotable.HasPrefix(plSecret, canary),
			monotable.ContainsText(plSecret, canary), monotable.Contains(plTags, canary), monotable.Not(plNick.Eq(canary)),
			monotable.UncheckedCond[plMember](expression.Name("secret").Equal(expression.Value(canary))),
		}
	}
	item := plMember{Club: canary, ID: canary, Email: canary, Nick: canary, Secret: canary, Tags: []string{canary}, Labels: map[string]string{canary: canary}}
	key := plMember{Club: canary, ID: canary}
	changes := []monotable.Change[plMember]{
		plSecret.Set(canary), plNick.Set(canary), plEmail.Set(canary), plTheme.Set(canary), monotable.Append(plTags, canary),
		plLabels.Set(map[string]string{canary: canary}),
	}
	for _, c := range holds() {
		changes = append(changes, c)
	}
	byKey, bySecret := members.Query(key), members.Query(plMember{Secret: canary}).Index("GSI1").Filter(plLevel.Eq(3), plNick.Eq(canary))
	for name, op := range map[string]explainer{
		"get":    members.GetOp(key, nil),
		"create": members.CreateOp(item, holds()...),
		"put":    members.PutOp(item, holds()...),
		"update": members.UpdateOp(key, changes...),
		"upsert": members.UpsertOp(key, changes...),
		"delete": members.DeleteOp(key, holds()...),
		"check":  members.CheckOp(key, holds()...),
		"query":  byKey.SortKey(plID.Eq(canary)).Filter(holds()...),
		"range":  byKey.SortKey(plID.Between(canary, "CANARY2")).Filter(holds()...),
		"prefix": byKey.SortKey(monotable.HasPrefix(plID, canary)).With(monotable.Reveal()),
		"index":  bySecret.SortKey(plSecret.Ge(canary)),
		"view":   monotable.As[plSecretLine](bySecret.SortKey(plSecret.Lt(canary))),
		"scan":   members.Scan().Filter(holds()...),
	} {
		plan, err := op.Explain()
		require.NoError(t, err, name)
		text, err := json.Marshal(plan)
		require.NoError(t, err, name)
		for _, s := range []string{plan.String(), string(text), fmt.Sprintf("%+v %#v", plan, plan)} {
			require.NotContains(t, s, canary, name)
		}
		require.NotEmpty(t, plan.Key+plan.Filter, name)
	}
}

// TestStrict: a strict table refuses what reads much more than it returns, in every way to run it.
func TestStrict(t *testing.T) {
	cfg := plConfig()
	cfg.Strict = true
	s := openStore(t, cfg)
	spy := &spyClient{Client: s.client}
	table := s.over(spy)
	members := plMembers(t, table)
	orders := mustEntity(t, table, monotable.Schema[rqOrder]{Name: "Order", Key: monotable.Key{Partition: "USER#{userId}", Sort: "ORDER#{orderId}"}})
	ctx := t.Context()
	seeded, err := members.Create(ctx, plSome(plMember{Level: 3, Nick: "n"}))
	require.NoError(t, err)

	club := members.Query(plSome(plMember{}))
	for name, q := range map[string]monotable.Query[plMember]{
		"scan":                                members.Scan(),
		"scan with a filter":                  members.Scan().Filter(plLevel.Eq(3)),
		"scan with a limit":                   members.Scan().Limit(1),
		"scan of an index":                    members.Scan().Index("flat"),
		"filter on an index without sort key": members.Query(plMember{Level: 3}).Index("flat").Filter(plNick.Exists()),
		"filter alone":                        club.Filter(plLevel.Eq(3)),
		"filter and a limit":                  club.Filter(plLevel.Eq(3)).Limit(1),
		"filter, consistent":                  club.Filter(plLevel.Eq(3)).With(monotable.Consistent()),
		"only some are known":                 club.Filter(monotable.All(plLevel.Eq(3), plNick.Exists())),
	} {
		t.Run(name, func(t *testing.T) {
			before := spy.calls()
			runs := map[string]func(monotable.Query[plMember]) error{
				"Collect": func(q monotable.Query[plMember]) error { _, err := q.Collect(ctx); return err },
				"All":     func(q monotable.Query[plMember]) error { _, err := collectAll(q.All(ctx)); return err },
				"Page":    func(q monotable.Query[plMember]) error { _, err := q.Page(ctx); return err },
				"First":   func(q monotable.Query[plMember]) error { _, err := q.First(ctx); return err },
				"Count":   func(q monotable.Query[plMember]) error { _, err := q.Count(ctx); return err },
				"Request": func(q monotable.Query[plMember]) error { _, err := q.Request(); return err },
				"Explain": func(q monotable.Query[plMember]) error { _, err := q.Explain(); return err },
				"As": func(q monotable.Query[plMember]) error {
					_, err := monotable.As[plSecretLine](q).Collect(ctx)
					return err
				},
				"As Explain": func(q monotable.Query[plMember]) error { _, err := monotable.As[plSecretLine](q).Explain(); return err },
			}
			for verb, run := range runs {
				err := run(q)
				requireError(t, err, monotable.ErrInvalid)
				require.ErrorContains(t, err, "Strict", verb)
			}
			require.Equal(t, before, spy.calls(), "something was sent")
			for verb, run := range runs {
				require.NoError(t, run(q.With(monotable.AllowScan())), verb)
			}
			require.Greater(t, spy.calls(), before)
		})
	}

	// What is narrow runs.
	for name, q := range map[string]monotable.Query[plMember]{
		"partition":               club,
		"sort key and filter":     club.SortKey(plID.Ge("0")).Filter(plLevel.Eq(3)),
		"index with its own sort": members.Query(plMember{Level: 3}).Index("flat"),
	} {
		found, err := q.Collect(ctx)
		require.NoError(t, err, name)
		require.Equal(t, []plMember{seeded}, found, name)
	}
	_, err = orders.Query(rqOrder{UserID: "ann"}).Filter(rqOrderTotal.Eq(1)).Collect(ctx) // ORDER# is a condition
	require.NoError(t, err)

	// The option works on entities and tables, too; what names its scan itself needs none.
	found, err := members.With(monotable.AllowScan()).Scan().Collect(ctx)
	require.NoError(t, err)
	require.Equal(t, []plMember{seeded}, found)
	require.NoError(t, s.remove(keyPS("UNIQUE#Member#nick#n", "UNIQUE")))
	repaired, err := collectAll(members.RepairUnique(ctx))
	require.NoError(t, err)
	require.Len(t, repaired, 1)
	problems, err := collectAll(members.CheckUnique(ctx))
	require.NoError(t, err)
	require.Empty(t, problems)

	// Without Strict the plan warns of what it would refuse.
	lax := plMembers(t, openStore(t, plConfig()).Table)
	plan, err := lax.Scan().Explain()
	require.NoError(t, err)
	require.True(t, plan.Warns("scan"))
	plan, err = lax.Query(plSome(plMember{})).Filter(plLevel.Eq(3)).Explain()
	require.NoError(t, err)
	require.True(t, plan.Warns("filter"))
}

// TestF075_NoIndexServes: a query that no key or index serves is a local error, and never turns into a scan.
func TestF075_NoIndexServes(t *testing.T) {
	s := openStore(t, plConfig())
	spy := &spyClient{Client: s.client}
	members := plMembers(t, s.over(spy))
	for name, q := range map[string]monotable.Query[plMember]{
		"no partition":                    members.Query(plMember{}),
		"sort part alone":                 members.Query(plMember{ID: "7"}),
		"attribute of no key":             members.Query(plMember{Nick: "n"}),
		"partition of another index":      members.Query(plMember{Secret: "x"}),
		"index without its partition":     members.Query(plMember{Club: "chess", ID: "7"}).Index("GSI1"),
		"index that is not there":         members.Query(plMember{Nick: "n"}).Index("byNick"),
		"sort key that is none":           members.Query(plMember{Club: "chess"}).SortKey(plLevel.Gt(3)),
		"sort key of another index":       members.Query(plMember{Club: "chess"}).SortKey(plSecret.Gt("x")),
		"sort key where the key has none": members.Query(plMember{Level: 3}).Index("flat").SortKey(plNick.Eq("n")),
	} {
		t.Run(name, func(t *testing.T) {
			for _, run := range []func() error{
				func() error { _, err := q.Collect(t.Context()); return err },
				func() error { _, err := q.Count(t.Context()); return err },
				func() error { _, err := q.First(t.Context()); return err },
				func() error { _, err := q.Page(t.Context()); return err },
				func() error { _, err := q.Explain(); return err },
				func() error { _, err := q.With(monotable.AllowScan()).Collect(t.Context()); return err },
			} {
				requireError(t, run(), monotable.ErrInvalid)
			}
			require.Zero(t, spy.calls(), "something was sent")
		})
	}
}

// The plan of a partition is that of its one request.
func TestExplain_Partition(t *testing.T) {
	s := newRqSchemas(t)
	plan, err := s.orders.Partition(rqOrder{UserID: "ann"}, rqOrderID.Eq("7")).Explain()
	require.NoError(t, err)
	require.Equal(t, `Collect Order: Query on app
  key           PK = USER#{userId}, SK = ORDER#{orderId}
  key condition PK = ? AND SK BETWEEN ? AND ?
  requests      1 or more`, plan.String())
	_, err = s.orders.Partition(rqOrder{}).Explain()
	require.ErrorIs(t, err, monotable.ErrInvalid)
	_, err = monotable.Partition{}.Explain()
	require.ErrorIs(t, err, monotable.ErrInvalid)
}
