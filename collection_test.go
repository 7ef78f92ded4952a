package monotable_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

// A shop's item collection: USER#id holds a profile, addresses and orders, ORDER#id an order's lines under it.
type shopUser struct {
	ID   string `dynamodbav:"userId"`
	Name string `dynamodbav:"name"`
}

type shopAddress struct {
	UserID string `dynamodbav:"userId"`
	Label  string `dynamodbav:"label"`
	Street string `dynamodbav:"street"`
}

type shopOrder struct {
	UserID string `dynamodbav:"userId"`
	ID     string `dynamodbav:"orderId"`
	Total  int    `dynamodbav:"total"`
}

type shopLine struct {
	UserID  string    `dynamodbav:"userId"`
	OrderID string    `dynamodbav:"orderId"`
	N       int       `dynamodbav:"n"`
	SKU     string    `dynamodbav:"sku"`
	Until   time.Time `dynamodbav:"until"`
}

type shopProduct struct {
	SKU   string `dynamodbav:"sku"`
	Price int    `dynamodbav:"price"`
}

var (
	shopOrderID   = monotable.Field(func(o *shopOrder) *string { return &o.ID })
	shopLineUntil = monotable.Field(func(l *shopLine) *time.Time { return &l.Until })
)

// shopAccount is a collection in the caller's own struct.
type shopAccount struct {
	User   shopUser
	Orders []shopOrder
	Lines  []shopLine
}

type shop struct {
	t         *testing.T
	ctx       context.Context
	client    *dynamodb.Client
	clock     *manualClock
	table     *monotable.Table
	used      monotable.ConsumedCapacity // by reads
	users     *monotable.Entity[shopUser]
	addresses *monotable.Entity[shopAddress]
	orders    *monotable.Entity[shopOrder]
	lines     *monotable.Entity[shopLine]
	products  *monotable.Entity[shopProduct]
	accounts  *monotable.Collection[shopAccount]
}

func newShop(t *testing.T) *shop {
	s := &shop{t: t, ctx: t.Context(), client: monotabletest.Client(t), clock: &manualClock{at: time.Unix(1_800_000_000, 0)}}
	s.table = monotabletest.TableOn(t, s.client, monotable.TableConfig{
		PartitionKey: "PK", SortKey: "SK", Clock: s.clock.now,
		CursorKeys: []monotable.CursorKey{{ID: "1", Secret: bytes.Repeat([]byte{7}, 32)}},
		Indexes:    []monotable.Index{{Name: "GSI1", PartitionKey: "GSI1PK", SortKey: "GSI1SK"}},
	})
	counted := s.table.With(monotable.Capacity(&s.used))
	s.users = monotable.MustEntity(counted, monotable.Schema[shopUser]{Name: "User", Key: monotable.Key{Partition: "USER#{userId}", Sort: "PROFILE"}})
	s.addresses = monotable.MustEntity(counted, monotable.Schema[shopAddress]{Name: "Address", Key: monotable.Key{Partition: "USER#{userId}", Sort: "ADDRESS#{label}"}})
	s.orders = monotable.MustEntity(counted, monotable.Schema[shopOrder]{
		Name: "Order", Key: monotable.Key{Partition: "USER#{userId}", Sort: "ORDER#{orderId}"},
		Indexes: map[string]monotable.Key{"GSI1": {Partition: "ORDER#{orderId}", Sort: "ORDER"}},
	})
	s.lines = monotable.MustEntity(counted, monotable.Schema[shopLine]{
		Name: "Line", Key: monotable.Key{Partition: "USER#{userId}", Sort: "ORDER#{orderId}#LINE#{n:03}"},
		Indexes: map[string]monotable.Key{"GSI1": {Partition: "ORDER#{orderId}", Sort: "LINE#{n:03}"}},
		Rules:   []monotable.Rule[shopLine]{monotable.ExpiresAt(shopLineUntil)},
	})
	s.products = monotable.MustEntity(counted, monotable.Schema[shopProduct]{Name: "Product", Key: monotable.Key{Partition: "PRODUCT#{sku}", Sort: "PRODUCT"}})
	s.accounts = monotable.MustCollection(
		monotable.Lone(s.users, func(a *shopAccount) *shopUser { return &a.User }),
		monotable.Many(s.orders, func(a *shopAccount) *[]shopOrder { return &a.Orders }),
		monotable.Many(s.lines, func(a *shopAccount) *[]shopLine { return &a.Lines }),
	)
	require.NoError(t, s.table.BatchWrite(s.ctx,
		s.users.PutOp(shopUser{ID: "ann", Name: "Ann"}),
		s.addresses.PutOp(shopAddress{UserID: "ann", Label: "home", Street: "Elm"}),
		s.addresses.PutOp(shopAddress{UserID: "ann", Label: "work", Street: "Oak"}),
		s.products.PutOp(shopProduct{SKU: "tea", Price: 3}),
	))
	for i, id := range []string{"1", "10", "2", "2!", "20", "3"} {
		_, err := s.orders.Create(s.ctx, shopOrder{UserID: "ann", ID: id, Total: i})
		require.NoError(t, err)
		for n := range 2 {
			_, err = s.lines.Create(s.ctx, shopLine{UserID: "ann", OrderID: id, N: n, SKU: "tea"})
			require.NoError(t, err)
		}
	}
	return s
}

// requests are those that read makes.
func (s *shop) requests(read func()) int {
	before := s.used.Requests()
	read()
	return s.used.Requests() - before
}

func (s *shop) put(item map[string]types.AttributeValue) {
	s.t.Helper()
	_, err := s.client.PutItem(s.ctx, &dynamodb.PutItemInput{TableName: aws.String(s.table.Name()), Item: item})
	require.NoError(s.t, err)
}

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func orderIDs(orders []shopOrder) []string {
	ids := []string{}
	for _, o := range orders {
		ids = append(ids, o.ID)
	}
	return ids
}

func lineIDs(lines []shopLine) []string {
	ids := []string{}
	for _, l := range lines {
		ids = append(ids, fmt.Sprintf("%s/%d", l.OrderID, l.N))
	}
	return ids
}

func TestShop_SixAccessPatternsInOneRequestEach(t *testing.T) {
	s := newShop(t)
	ann := shopUser{ID: "ann"}
	require.Equal(t, 1, s.requests(func() {
		profile, err := s.users.Get(s.ctx, ann)
		require.NoError(t, err)
		require.Equal(t, "Ann", profile.Name)
	}))
	require.Equal(t, 1, s.requests(func() { // the sort keys from ADDRESS to PROFILE hold orders too
		var user shopUser
		var addresses []shopAddress
		var rest int
		require.NoError(t, s.table.Collect(s.ctx, s.users.Partition(ann), monotable.One(s.users, &user), monotable.Into(s.addresses, &addresses), monotable.Others(&rest)))
		require.Equal(t, "Ann", user.Name)
		require.Equal(t, []shopAddress{{"ann", "home", "Elm"}, {"ann", "work", "Oak"}}, addresses)
		require.Equal(t, 18, rest)
	}))
	require.Equal(t, 1, s.requests(func() {
		newest, err := s.orders.Query(shopOrder{UserID: "ann"}).Descending().Limit(2).Collect(s.ctx)
		require.NoError(t, err)
		require.Equal(t, []string{"3", "20"}, orderIDs(newest))
	}))
	require.Equal(t, 1, s.requests(func() {
		order, err := s.orders.Query(shopOrder{ID: "20"}).Index("GSI1").First(s.ctx)
		require.NoError(t, err)
		require.Equal(t, 4, order.Total)
	}))
	require.Equal(t, 1, s.requests(func() {
		var order shopOrder
		var lines []shopLine
		from := s.orders.Partition(shopOrder{ID: "20"}).Index("GSI1")
		require.NoError(t, s.table.Collect(s.ctx, from, monotable.One(s.orders, &order), monotable.Into(s.lines, &lines)))
		require.Equal(t, "20", order.ID)
		require.Equal(t, []string{"20/0", "20/1"}, lineIDs(lines))
	}))
	require.Equal(t, 1, s.requests(func() {
		product, err := s.products.Get(s.ctx, shopProduct{SKU: "tea"})
		require.NoError(t, err)
		require.Equal(t, 3, product.Price)
	}))
}

// What stands at an order's key and under it, and not what only begins alike.
func TestCollection_SortConditionsHoldForAllMembers(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	for name, row := range map[string]struct {
		from   func(monotable.Partition) monotable.Partition
		conds  []monotable.KeyCond[shopOrder]
		orders []string
		lines  []string
	}{
		"one order":           {conds: conds(shopOrderID.Eq("2")), orders: []string{"2"}, lines: []string{"2/0", "2/1"}},
		"none":                {conds: conds(shopOrderID.Eq("4")), orders: []string{}, lines: []string{}},
		"between":             {conds: conds(shopOrderID.Between("10", "2")), orders: []string{"10", "2"}, lines: []string{"10/0", "10/1", "2/0", "2/1"}},
		"at most":             {conds: conds(shopOrderID.Le("10")), orders: []string{"1", "10"}, lines: []string{"1/0", "1/1", "10/0", "10/1"}},
		"below":               {conds: conds(shopOrderID.Lt("10")), orders: []string{"1"}, lines: []string{"1/0", "1/1"}},
		"above":               {conds: conds(shopOrderID.Gt("2")), orders: []string{"2!", "20", "3"}, lines: []string{"2!/0", "2!/1", "20/0", "20/1", "3/0", "3/1"}},
		"at least":            {conds: conds(shopOrderID.Ge("20")), orders: []string{"20", "3"}, lines: []string{"20/0", "20/1", "3/0", "3/1"}},
		"beginning with":      {conds: conds(monotable.HasPrefix(shopOrderID, "2")), orders: []string{"2!", "2", "20"}, lines: []string{"2!/0", "2!/1", "2/0", "2/1", "20/0", "20/1"}},
		"text prefix":         {from: func(p monotable.Partition) monotable.Partition { return p.SortPrefix("ORDER#3") }, orders: []string{"3"}, lines: []string{"3/0", "3/1"}},
		"text bounds":         {from: func(p monotable.Partition) monotable.Partition { return p.SortBetween("ORDER#2#", "ORDER#20") }, orders: []string{"20"}, lines: []string{"2/0", "2/1"}},
		"an odd neighbour":    {conds: conds(shopOrderID.Eq("2!")), orders: []string{"2!"}, lines: []string{"2!/0", "2!/1"}},
		"above an odd bound":  {conds: conds(shopOrderID.Gt("2!")), orders: []string{"20", "3"}, lines: []string{"20/0", "20/1", "3/0", "3/1"}},
		"up to an odd bound":  {conds: conds(shopOrderID.Between("2", "2!")), orders: []string{"2!", "2"}, lines: []string{"2!/0", "2!/1", "2/0", "2/1"}},
		"below an odd bound":  {conds: conds(shopOrderID.Lt("2!")), orders: []string{"1", "10", "2"}, lines: []string{"1/0", "1/1", "10/0", "10/1", "2/0", "2/1"}},
		"from an odd bound":   {conds: conds(shopOrderID.Ge("2!")), orders: []string{"2!", "20", "3"}, lines: []string{"2!/0", "2!/1", "20/0", "20/1", "3/0", "3/1"}},
		"up to and including": {conds: conds(shopOrderID.Le("2!")), orders: []string{"1", "10", "2!", "2"}, lines: []string{"1/0", "1/1", "10/0", "10/1", "2!/0", "2!/1", "2/0", "2/1"}},
	} {
		t.Run(name, func(t *testing.T) {
			from := s.orders.Partition(shopOrder{UserID: "ann"}, row.conds...)
			if row.from != nil {
				from = row.from(from)
			}
			for _, size := range []int{0, 1, 3} {
				if size > 0 {
					from = from.PageSize(size)
				}
				var orders []shopOrder
				var lines []shopLine
				require.NoError(t, s.table.Collect(s.ctx, from, monotable.Into(s.orders, &orders), monotable.Into(s.lines, &lines)))
				require.ElementsMatch(t, row.orders, orderIDs(orders))
				require.ElementsMatch(t, row.lines, lineIDs(lines))

				var bags, paged []string
				for page, err := range s.accounts.Pages(s.ctx, from.Limit(2)) {
					require.NoError(t, err)
					bags = append(bags, orderIDs(page.Items.Orders)...)
					paged = append(paged, lineIDs(page.Items.Lines)...)
					require.LessOrEqual(t, len(page.Items.Orders)+len(page.Items.Lines), 2)
				}
				require.Equal(t, orderIDs(orders), append([]string{}, bags...))
				require.Equal(t, lineIDs(lines), append([]string{}, paged...))
			}
		})
	}
}

func conds[T any](all ...monotable.KeyCond[T]) []monotable.KeyCond[T] { return all }

func TestCollection_PagesBothWays(t *testing.T) {
	s := newShop(t)
	from := s.users.Partition(shopUser{ID: "ann"}).Limit(4)
	for _, from := range []monotable.Partition{from, from.Descending()} {
		var pages []monotable.CollectionPage[shopAccount]
		sum := 0
		for page, err := range s.accounts.Pages(s.ctx, from) {
			require.NoError(t, err)
			pages = append(pages, page)
			sum += page.Others
			if page.Items.User.ID != "" {
				sum++
			}
			sum += len(page.Items.Orders) + len(page.Items.Lines)
		}
		require.Equal(t, 21, sum, "19 of the members, 2 addresses")
		require.Len(t, pages, 5)
		require.Empty(t, pages[0].Prev)
		back := pages[len(pages)-1]
		for i := len(pages) - 2; i >= 0; i-- {
			var err error
			back, err = s.accounts.Page(s.ctx, from.From(back.Prev))
			require.NoError(t, err)
			require.Equal(t, pages[i].Items, back.Items)
			require.NotEmpty(t, back.Next)
		}
		again, err := s.accounts.Page(s.ctx, from.From(back.Next))
		require.NoError(t, err)
		require.Equal(t, pages[1].Items, again.Items)
	}
}

func TestF067_OtherItemsAreCountedOrCollectedRaw(t *testing.T) {
	s := newShop(t)
	s.put(map[string]types.AttributeValue{"PK": str("USER#ann"), "SK": str("NOTE#1"), "_et": str("Note")})
	s.put(map[string]types.AttributeValue{"PK": str("USER#ann"), "SK": str("ORDER#untagged"), "orderId": str("untagged")})
	var users []shopUser
	var n int
	var raw []map[string]types.AttributeValue
	require.NoError(t, s.table.Collect(s.ctx, s.users.Partition(shopUser{ID: "ann"}),
		monotable.Into(s.users, &users), monotable.Others(&n), monotable.OtherItems(&raw)))
	require.Len(t, users, 1)
	require.Equal(t, 22, n)
	require.Len(t, raw, 22)
	require.Contains(t, raw, map[string]types.AttributeValue{"PK": str("USER#ann"), "SK": str("NOTE#1"), "_et": str("Note")})
	account, err := s.accounts.Page(s.ctx, s.users.Partition(shopUser{ID: "ann"}))
	require.NoError(t, err)
	require.Equal(t, 4, account.Others)
}

func TestF068_MemberThatDoesNotDecode(t *testing.T) {
	s := newShop(t)
	s.put(map[string]types.AttributeValue{"PK": str("USER#ann"), "SK": str("ORDER#2"), "_et": str("Order"), "total": str("many")})
	kept := []shopOrder{{ID: "kept"}}
	orders := kept
	var user shopUser
	err := s.table.Collect(s.ctx, s.users.Partition(shopUser{ID: "ann"}), monotable.One(s.users, &user), monotable.Into(s.orders, &orders))
	var bad *monotable.DecodeError
	require.ErrorAs(t, err, &bad)
	require.Equal(t, "Order", bad.Entity)
	require.Equal(t, str("ORDER#2"), bad.Item["SK"])
	require.Equal(t, kept, orders, "a destination is left alone when the read fails")
	require.Zero(t, user)

	page, err := s.accounts.Page(s.ctx, s.orders.Partition(shopOrder{UserID: "ann"}, shopOrderID.Ge("2")).Limit(1))
	require.ErrorAs(t, err, &bad)
	page, err = s.accounts.Page(s.ctx, s.orders.Partition(shopOrder{UserID: "ann"}, shopOrderID.Ge("2")).Limit(3).From(page.Next))
	require.NoError(t, err, "the rest stays reachable")
	require.Equal(t, []string{"2!/0", "2!/1"}, lineIDs(page.Items.Lines))
}

func TestF070_MembersThatCannotMeet(t *testing.T) {
	s := newShop(t)
	type bag struct {
		Users    []shopUser
		Products []shopProduct
		Again    []shopUser
	}
	users := monotable.Many(s.users, func(b *bag) *[]shopUser { return &b.Users })
	products := monotable.Many(s.products, func(b *bag) *[]shopProduct { return &b.Products })
	other := newShop(t)
	for name, members := range map[string][]monotable.Member[bag]{
		"none":                   {},
		"zero":                   {{}},
		"no partition in common": {users, products},
		"an entity twice":        {users, monotable.Many(s.users, func(b *bag) *[]shopUser { return &b.Again })},
		"a field twice":          {users, monotable.Many(other.users, func(b *bag) *[]shopUser { return &b.Users })},
		"no entity":              {monotable.Many[bag, shopUser](nil, func(b *bag) *[]shopUser { return &b.Users })},
		"no field":               {monotable.Many(s.users, func(*bag) *[]shopUser { return nil })},
		"no function":            {monotable.Many[bag](s.users, nil)},
		"another table":          {users, monotable.Many(other.products, func(b *bag) *[]shopProduct { return &b.Products })},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := monotable.NewCollection(members...)
			var problems *monotable.DefinitionError
			require.ErrorAs(t, err, &problems)
			require.Panics(t, func() { monotable.MustCollection(members...) })
		})
	}
	_, err := monotable.NewCollection(users)
	require.NoError(t, err)
}

func TestCollection_RefusedBeforeSending(t *testing.T) {
	s := newShop(t)
	other := newShop(t)
	ann := s.users.Partition(shopUser{ID: "ann"})
	var users []shopUser
	var products []shopProduct
	var orders []shopOrder
	first, err := s.accounts.Page(s.ctx, ann.Limit(2))
	require.NoError(t, err)
	second, err := s.accounts.Page(s.ctx, ann.Limit(2).From(first.Next))
	require.NoError(t, err)
	for name, row := range map[string]struct {
		from monotable.Partition
		into []monotable.Collector
		err  error
	}{
		"zero partition":            {from: monotable.Partition{}, into: collectors(monotable.Into(s.users, &users))},
		"nothing to collect":        {from: ann},
		"only others":               {from: ann, into: collectors(monotable.Others(new(int)))},
		"nil":                       {from: ann, into: collectors(nil)},
		"nil destination":           {from: ann, into: collectors(monotable.Into[shopUser](s.users, nil))},
		"nil count":                 {from: ann, into: collectors(monotable.Into(s.users, &users), monotable.Others(nil))},
		"an entity twice":           {from: ann, into: collectors(monotable.Into(s.users, &users), monotable.Into(s.users, &users))},
		"not in this partition":     {from: ann, into: collectors(monotable.Into(s.users, &users), monotable.Into(s.products, &products))},
		"another table's entity":    {from: ann, into: collectors(monotable.Into(other.users, &users))},
		"another table's partition": {from: other.users.Partition(shopUser{ID: "ann"}), into: collectors(monotable.Into(other.users, &users))},
		"an empty key":              {from: s.users.Partition(shopUser{}), into: collectors(monotable.Into(s.users, &users))},
		"not in the index":          {from: s.orders.Partition(shopOrder{ID: "1"}).Index("GSI1"), into: collectors(monotable.Into(s.users, &users))},
		"no such index":             {from: ann.Index("GSI9"), into: collectors(monotable.Into(s.users, &users))},
		"consistent on an index":    {from: s.orders.Partition(shopOrder{ID: "1"}).Index("GSI1").With(monotable.Consistent()), into: collectors(monotable.Into(s.orders, &orders))},
		"texts and conditions":      {from: s.orders.Partition(shopOrder{UserID: "ann"}, shopOrderID.Eq("1")).SortPrefix("O"), into: collectors(monotable.Into(s.orders, &orders))},
		"bounds the wrong way":      {from: ann.SortBetween("b", "a"), into: collectors(monotable.Into(s.users, &users))},
		"limit 0":                   {from: ann.Limit(0), into: collectors(monotable.Into(s.users, &users))},
		"a cursor that leads back":  {from: ann.From(second.Prev), into: collectors(monotable.Into(s.users, &users), monotable.Into(s.orders, &orders), monotable.Into(s.lines, &[]shopLine{}))},
		"another members' cursor":   {from: ann.From(first.Next), into: collectors(monotable.Into(s.users, &users)), err: monotable.ErrBadCursor},
		"a gap":                     {from: s.lines.Partition(shopLine{UserID: "ann"}, monotable.Field(func(l *shopLine) *int { return &l.N }).Eq(1)), into: collectors(monotable.Into(s.orders, &orders))},
	} {
		t.Run(name, func(t *testing.T) {
			require.Zero(t, s.requests(func() {
				err := s.table.Collect(s.ctx, row.from, row.into...)
				if row.err == nil {
					row.err = monotable.ErrInvalid
				}
				require.ErrorIs(t, err, row.err)
			}))
		})
	}
	_, err = (*monotable.Collection[shopAccount])(nil).Collect(s.ctx, ann)
	require.ErrorIs(t, err, monotable.ErrInvalid)
	_, err = new(monotable.Collection[shopAccount]).Page(s.ctx, ann)
	require.ErrorIs(t, err, monotable.ErrInvalid)
}

func collectors(all ...monotable.Collector) []monotable.Collector { return all }

func TestCollection_OneThatIsMissingOrNotAlone(t *testing.T) {
	s := newShop(t)
	_, err := s.users.Delete(s.ctx, shopUser{ID: "ann"})
	require.NoError(t, err)
	var user shopUser
	var addresses []shopAddress
	ann := s.users.Partition(shopUser{ID: "ann"})
	err = s.table.Collect(s.ctx, ann, monotable.One(s.users, &user), monotable.Into(s.addresses, &addresses))
	require.ErrorIs(t, err, monotable.ErrNotFound)
	require.Len(t, addresses, 2, "the rest is there")
	account, err := s.accounts.Collect(s.ctx, ann)
	require.ErrorIs(t, err, monotable.ErrNotFound)
	require.Len(t, account.Orders, 6)
	require.Len(t, account.Lines, 12)
	var address shopAddress
	err = s.table.Collect(s.ctx, ann, monotable.One(s.addresses, &address))
	require.Error(t, err)
	require.False(t, errors.Is(err, monotable.ErrNotFound))
	require.Zero(t, address)
	err = s.table.Collect(s.ctx, s.users.Partition(shopUser{ID: "bob"}), monotable.Into(s.addresses, &addresses))
	require.NoError(t, err)
	require.Equal(t, []shopAddress{}, addresses, "empty, not nil")
}

func TestF074_CollectionsLeaveExpiredItemsOut(t *testing.T) {
	s := newShop(t)
	_, err := s.lines.Update(s.ctx, shopLine{UserID: "ann", OrderID: "1", N: 0}, shopLineUntil.Set(s.clock.now().Add(time.Minute)))
	require.NoError(t, err)
	from := s.orders.Partition(shopOrder{UserID: "ann"}, shopOrderID.Eq("1"))
	account, err := s.accounts.Page(s.ctx, from)
	require.NoError(t, err)
	require.Equal(t, []string{"1/0", "1/1"}, lineIDs(account.Items.Lines))
	s.clock.forward(time.Hour)
	account, err = s.accounts.Page(s.ctx, from)
	require.NoError(t, err)
	require.Equal(t, []string{"1/1"}, lineIDs(account.Items.Lines))
	require.Zero(t, account.Others)
}

// A limit is of members: what is read besides does not count, and nothing is skipped.
func TestCollection_LimitCountsMembers(t *testing.T) {
	s := newShop(t)
	var orders []shopOrder
	require.NoError(t, s.table.Collect(s.ctx, s.users.Partition(shopUser{ID: "ann"}).Limit(4), monotable.Into(s.orders, &orders)))
	require.Equal(t, []string{"1", "10", "2", "2!"}, orderIDs(orders))
	var got []string
	only := monotable.MustCollection(monotable.Many(s.orders, func(a *shopAccount) *[]shopOrder { return &a.Orders }))
	for page, err := range only.Pages(s.ctx, s.users.Partition(shopUser{ID: "ann"}).Limit(4)) {
		require.NoError(t, err)
		got = append(got, orderIDs(page.Items.Orders)...)
	}
	require.Equal(t, []string{"1", "10", "2", "2!", "20", "3"}, got)
}
