package monotable_test

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
)

// Embedded structs of unexported types.
type shellBase struct {
	*ShellKey
	Tags  []string    `dynamodbav:"tags"`
	Owner *shellOwner `dynamodbav:"owner"`
}
type ShellKey struct {
	ID  string `dynamodbav:"id"`
	Ver int    `dynamodbav:"ver"`
}
type shellOwner struct {
	Name string `dynamodbav:"name"`
}
type shellRecord struct{ shellBase }

func shellItem() shellRecord {
	return shellRecord{shellBase{&ShellKey{ID: "ABC"}, []string{"b"}, &shellOwner{"Ann"}}}
}

func shellSchema(rules ...monotable.Rule[shellRecord]) monotable.Schema[shellRecord] {
	return monotable.Schema[shellRecord]{Name: "Emb", Key: monotable.Key{Partition: "EMB#{id}", Sort: "E"}, Rules: rules}
}

func TestArgumentsThatEmbed(t *testing.T) {
	s := openStore(t, monotable.TableConfig{})
	id := monotable.Field(func(r *shellRecord) *string { return &r.ID })
	e := mustEntity(t, s.Table, shellSchema(id.Transform(strings.ToLower),
		monotable.Field(func(r *shellRecord) *string { return &r.Owner.Name }).Transform(strings.ToLower),
		monotable.Version(monotable.Field(func(r *shellRecord) *int { return &r.Ver }))))
	item := shellItem()
	_, _ = e.Get(t.Context(), item)
	require.Equal(t, shellItem(), item, "Get changed its argument")
	_, err := e.Create(t.Context(), item)
	require.NoError(t, err)
	require.Equal(t, shellItem(), item, "Create changed its argument")
}

func TestOperationsOfWhatEmbeds(t *testing.T) {
	s := openStore(t, monotable.TableConfig{})
	e := mustEntity(t, s.Table, shellSchema())
	item := shellItem()
	op := e.PutOp(item)
	item.Tags[0], item.Owner.Name, item.ID = "z", "zoe", "other"
	in, err := op.Request()
	require.NoError(t, err)
	require.Equal(t, avL(avS("b")), in.Item["tags"])
	require.Equal(t, avM(rawItem{"name": avS("Ann")}), in.Item["owner"])
	require.Equal(t, avS("EMB#ABC"), in.Item["PK"])
}

// A Collection's Pages, ranged twice.
type shellRow struct {
	ID  string `dynamodbav:"id"`
	Seq int    `dynamodbav:"seq"`
}
type shellRows struct{ Rows []shellRow }

func shellRowsOf(t *testing.T, table *monotable.Table, n int) *monotable.Entity[shellRow] {
	e := mustEntity(t, table, monotable.Schema[shellRow]{Name: "Row", Key: monotable.Key{Partition: "ROW#{id}", Sort: "S#{seq:03}"}})
	for i := range n {
		_, err := e.Put(t.Context(), shellRow{"1", i})
		require.NoError(t, err)
	}
	return e
}

func TestCollectionPagesAgain(t *testing.T) {
	s := openStore(t, monotable.TableConfig{})
	e := shellRowsOf(t, s.Table, 6)
	c := monotable.MustCollection(monotable.Many(e, func(c *shellRows) *[]shellRow { return &c.Rows }))
	pages := c.Pages(t.Context(), e.Partition(shellRow{ID: "1"}).Limit(2))
	for round := range 2 {
		n := 0
		for page, err := range pages {
			require.NoError(t, err)
			n += len(page.Items.Rows)
		}
		require.Equal(t, 6, n, "round %d", round)
	}
}

// What is not stored is none of ours.
type shellNode struct {
	ID     string       `dynamodbav:"id"`
	Kids   []*shellNode `dynamodbav:"-"`
	Parent *shellNode   `dynamodbav:"-"`
}
type shellCache struct {
	mu   sync.Mutex
	Seen map[string]int
}
type shellLive struct {
	ID    string      `dynamodbav:"id"`
	Cache *shellCache `dynamodbav:"-"`
}

func TestUnstoredIsNotCopied_Tree(t *testing.T) {
	s := openStore(t, monotable.TableConfig{})
	e := mustEntity(t, s.Table, monotable.Schema[shellNode]{Name: "Node", Key: monotable.Key{Partition: "NODE#{id}", Sort: "N"}})
	root := &shellNode{ID: "root"}
	for i := range 9 {
		root.Kids = append(root.Kids, &shellNode{ID: fmt.Sprint(i), Parent: root})
	}
	e.Query(*root) // which would take longer than anybody waits
}

func TestUnstoredIsNotCopied_InUse(t *testing.T) {
	s := openStore(t, monotable.TableConfig{})
	e := mustEntity(t, s.Table, monotable.Schema[shellLive]{Name: "Live", Key: monotable.Key{Partition: "LIVE#{id}", Sort: "L"}})
	cache := &shellCache{Seen: map[string]int{}}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			cache.mu.Lock()
			cache.Seen[fmt.Sprint(i%100)]++
			cache.mu.Unlock()
		}
	})
	for range 2000 {
		_ = e.PutOp(shellLive{ID: "1", Cache: cache})
	}
	cancel()
	wg.Wait()
}

// A stored cycle.
type shellCycle struct {
	ID   string         `dynamodbav:"id"`
	Data map[string]any `dynamodbav:"data"`
}

func TestF091_CycleWithTwoWaysBack(t *testing.T) {
	s := openStore(t, monotable.TableConfig{})
	e := mustEntity(t, s.Table, monotable.Schema[shellCycle]{Name: "Cyc", Key: monotable.Key{Partition: "CYC#{id}", Sort: "E"}})
	data := map[string]any{}
	data["a"], data["b"] = data, data // with one of them it is refused at once
	_, err := e.Put(t.Context(), shellCycle{ID: "1", Data: data})
	require.ErrorIs(t, err, monotable.ErrInvalid)
}

// Numbers of math/big.
type shellSum struct {
	ID  string   `dynamodbav:"id"`
	Sum *big.Int `dynamodbav:"sum"`
}

func TestOperationsOfBigNumbers(t *testing.T) {
	s := openStore(t, monotable.TableConfig{})
	sum := monotable.Field(func(r *shellSum) **big.Int { return &r.Sum })
	e := mustEntity(t, s.Table, monotable.Schema[shellSum]{Name: "Sum", Key: monotable.Key{Partition: "SUM#{id}", Sort: "S"}})
	n := big.NewInt(50)
	put, update := e.PutOp(shellSum{"1", n}), e.UpdateOp(shellSum{ID: "1"}, sum.Set(n))
	n.SetInt64(99)
	in, err := put.Request()
	require.NoError(t, err)
	require.Equal(t, avN("50"), in.Item["sum"])
	up, err := update.Request()
	require.NoError(t, err)
	require.Contains(t, fmt.Sprint(numbersOf(up.ExpressionAttributeValues)), "50")
}

func numbersOf(m rawItem) (all []string) {
	for _, av := range m {
		if n, ok := av.(*types.AttributeValueMemberN); ok {
			all = append(all, n.Value)
		}
	}
	return all
}

// What a Marshaler gives is a part of the argument.
type shellBlob struct{ data []byte }

func (b shellBlob) MarshalDynamoDBAttributeValue() (types.AttributeValue, error) {
	return &types.AttributeValueMemberB{Value: b.data}, nil
}

func (b *shellBlob) UnmarshalDynamoDBAttributeValue(av types.AttributeValue) error {
	b.data = av.(*types.AttributeValueMemberB).Value
	return nil
}

type shellDoc struct {
	ID   string    `dynamodbav:"id"`
	Blob shellBlob `dynamodbav:"blob"`
}

func TestWhatAMarshalerGivesIsCopied(t *testing.T) {
	s := openStore(t, monotable.TableConfig{})
	e := mustEntity(t, s.Table, monotable.Schema[shellDoc]{Name: "Doc", Key: monotable.Key{Partition: "DOC#{id}", Sort: "D"}})
	for _, opt := range []monotable.Option{monotable.Reveal(), monotable.NoWireCodec(), monotable.ExactlyOnce()} {
		item := shellDoc{"1", shellBlob{[]byte{1}}}
		got, err := e.With(opt).Put(t.Context(), item)
		require.NoError(t, err)
		got.Blob.data[0] = 9
		require.Equal(t, byte(1), item.Blob.data[0], "the result shares with the argument")
	}
}

// Old of the entity of the same name on another table.
func TestOldOfAnotherTable(t *testing.T) {
	s := openStore(t, monotable.TableConfig{})
	cfg := s.cfg
	cfg.Name = "archive"
	other, err := monotable.NewTable(s.client, cfg)
	require.NoError(t, err)
	require.NoError(t, other.Ensure(t.Context(), s.client))
	live, archive := shellRowsOf(t, s.Table, 1), shellRowsOf(t, other, 1)
	err = s.TransactWrite(t.Context(), live.DeleteOp(shellRow{ID: "1"}), archive.CreateOp(shellRow{ID: "1"}))
	require.ErrorIs(t, err, monotable.ErrAlreadyExists) // archive's
	_, ok := archive.Old(err)
	require.True(t, ok)
	_, ok = live.Old(err)
	require.False(t, ok, "no item of live has refused")
}

// Clients.
type hookedClient struct {
	monotable.Client
	hooks []func()
}

func TestClientThatCannotBeCompared(t *testing.T) {
	s := openStore(t, monotable.TableConfig{})
	table := s.over(hookedClient{Client: s.client, hooks: []func(){}})
	e := shellRowsOf(t, table, 1)
	require.NotPanics(t, func() { require.NoError(t, table.TransactWrite(t.Context(), e.PutOp(shellRow{"1", 7}))) })
	require.NotPanics(t, func() { require.NoError(t, table.BatchWrite(t.Context(), e.PutOp(shellRow{"1", 8}))) })
	require.NotPanics(t, func() { _, err := e.BatchGet(t.Context(), []shellRow{{"1", 7}}); require.NoError(t, err) })
}

func TestNilSDKClient(t *testing.T) {
	var client *dynamodb.Client
	require.NotPanics(t, func() {
		_, err := monotable.NewTable(client, monotable.TableConfig{Name: "app", PartitionKey: "PK"})
		require.ErrorIs(t, err, monotable.ErrInvalid)
	})
}

// The configuration, changed afterwards.
func TestConfigChangedAfterwards(t *testing.T) {
	s := openStore(t, monotable.TableConfig{})
	cfg, calls := s.cfg, ""
	options := []func(*dynamodb.Options){func(*dynamodb.Options) { calls += "first " }}
	attributes := []string{"seq", "id"}
	cfg.ClientOptions = options
	cfg.Indexes = []monotable.Index{{Name: "byID", PartitionKey: "GPK", Projection: types.Projection{ProjectionType: "INCLUDE", NonKeyAttributes: attributes}}}
	table, err := monotable.NewTable(s.client, cfg)
	require.NoError(t, err)
	e := shellRowsOf(t, table, 0)
	options[0], attributes[0] = func(*dynamodb.Options) { calls += "second " }, "other"
	_, _ = e.Get(t.Context(), shellRow{ID: "1"})
	require.Equal(t, "first ", calls)
	require.Equal(t, []string{"seq", "id"}, table.Declaration().Indexes[0].Projection.NonKeyAttributes)
}

// QueryMany under a context with a cause.
func TestQueryManyUnderACause(t *testing.T) {
	s := openStore(t, monotable.TableConfig{})
	e := shellRowsOf(t, s.Table, 6)
	cause := errors.New("shutting down")
	for range 100 {
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		q := e.Query(shellRow{ID: "1"}).PageSize(1)
		n := 0
		for _, err := range monotable.QueryMany(q, q, q).With(monotable.Concurrency(1)).All(ctx) {
			if n++; n == 3 {
				cancel(cause)
			}
			if err != nil {
				require.ErrorIs(t, err, context.Canceled)
				require.ErrorContains(t, err, "query ")
			}
		}
	}
}

// Reflection.
type shellAny struct {
	ID   string   `dynamodbav:"id"`
	List []any    `dynamodbav:"list"`
	PP   **string `dynamodbav:"pp"`
}

func TestValuesOfInterfacesAndPointersToPointers(t *testing.T) {
	s := openStore(t, monotable.TableConfig{})
	list := monotable.Field(func(r *shellAny) *[]any { return &r.List })
	pp := monotable.Elem(monotable.Elem(monotable.Field(func(r *shellAny) ***string { return &r.PP })))
	var seen string
	e := mustEntity(t, s.Table, monotable.Schema[shellAny]{
		Name: "Any", Key: monotable.Key{Partition: "ANY#{id}", Sort: "A"},
		Rules: []monotable.Rule[shellAny]{pp.Validate(func(v string) error { seen = v; return nil })},
	})
	t.Run("Contains nil", func(t *testing.T) {
		require.NotPanics(t, func() {
			_, err := e.Query(shellAny{ID: "1"}).Filter(monotable.Contains(list, nil)).Collect(t.Context())
			require.ErrorIs(t, err, monotable.ErrInvalid)
		})
	})
	t.Run("Contains a number", func(t *testing.T) {
		_, err := e.Put(t.Context(), shellAny{ID: "1", List: []any{5}})
		require.NoError(t, err)
		n, err := e.Query(shellAny{ID: "1"}).Filter(monotable.Contains(list, any(5))).Count(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, n)
	})
	t.Run("two pointers, Set", func(t *testing.T) {
		require.NotPanics(t, func() {
			_, err := e.UpdateOp(shellAny{ID: "1"}, pp.Set("y")).Request()
			require.NoError(t, err)
		})
	})
	t.Run("two pointers, Validate", func(t *testing.T) {
		x := "x"
		px := &x
		_, err := e.PutOp(shellAny{ID: "1", PP: &px}).Request()
		require.NoError(t, err)
		require.Equal(t, "x", seen)
	})
}

// Zero and nil.
func TestOperationsOfNoEntity(t *testing.T) {
	s := openStore(t, monotable.TableConfig{})
	var e *monotable.Entity[shellRow]
	for name, op := range map[string]func() monotable.WriteOp{
		"Put":    func() monotable.WriteOp { return e.PutOp(shellRow{}) }, // an error, as it should be
		"Update": func() monotable.WriteOp { return e.UpdateOp(shellRow{}) },
		"Upsert": func() monotable.WriteOp { return e.UpsertOp(shellRow{}) },
		"Delete": func() monotable.WriteOp { return e.DeleteOp(shellRow{}) },
		"Check":  func() monotable.WriteOp { return e.CheckOp(shellRow{}) },
	} {
		t.Run(name, func(t *testing.T) {
			require.NotPanics(t, func() { require.ErrorIs(t, s.TransactWrite(t.Context(), op()), monotable.ErrInvalid) })
		})
	}
	require.ErrorContains(t, s.TransactGet(t.Context(), monotable.GetOp[shellRow]{}), "not made by an Entity")
}

func TestZeroCollection(t *testing.T) {
	s := openStore(t, monotable.TableConfig{})
	var c monotable.Collection[shellRows]
	_, err := c.Collect(t.Context(), shellRowsOf(t, s.Table, 0).Partition(shellRow{ID: "1"}))
	_, ok := errors.AsType[*monotable.OpError](err)
	require.True(t, ok, err)
}

func TestSetIfNotNilOfNoAttribute(t *testing.T) {
	s := openStore(t, monotable.TableConfig{})
	e := shellRowsOf(t, s.Table, 0)
	_, err := e.UpdateOp(shellRow{ID: "1"}, monotable.Attr[shellRow, string]{}.SetIfNotNil(nil)).Request()
	require.ErrorContains(t, err, "not made by Field")
}

// Count takes a cursor that leads back.
func TestCountFromAPrevCursor(t *testing.T) {
	s := openStore(t, monotable.TableConfig{})
	e := shellRowsOf(t, s.Table, 9)
	q := e.Query(shellRow{ID: "1"}).Limit(3)
	first, err := q.Page(t.Context())
	require.NoError(t, err)
	second, err := q.From(first.Next).Page(t.Context())
	require.NoError(t, err)
	back := e.Query(shellRow{ID: "1"}).From(second.Prev)
	_, err = back.Collect(t.Context())
	require.ErrorIs(t, err, monotable.ErrInvalid)
	n, err := back.Count(t.Context())
	require.ErrorIs(t, err, monotable.ErrInvalid, "counted %d", n)
}

// A batch gives nothing back, so it refuses to.
func TestBatchGivesNothingBack(t *testing.T) {
	s := openStore(t, monotable.TableConfig{})
	e := shellRowsOf(t, s.Table, 1)
	var row shellRow
	require.ErrorIs(t, s.BatchWrite(t.Context(), e.PutOp(shellRow{"1", 5}).Into(&row)), monotable.ErrInvalid)
	require.ErrorIs(t, s.BatchWrite(t.Context(), e.DeleteOp(shellRow{"1", 0})), nil)
	require.Empty(t, s.dump())
}

// A zero table.
func TestEntityOfNoTable(t *testing.T) {
	_, err := monotable.NewEntity(&monotable.Table{}, shellSchema())
	require.ErrorIs(t, err, monotable.ErrInvalid)
}

// One line.
func TestErrorsAreOneLine(t *testing.T) {
	s := openStore(t, monotable.TableConfig{})
	e := shellRowsOf(t, s.Table, 1)
	oneLine := func(err error) {
		t.Helper()
		require.Error(t, err)
		require.NotContains(t, strings.TrimPrefix(err.Error(), "monotable: "), "monotable: ")
		require.NotContains(t, err.Error(), "\n")
	}
	_, err := e.Query(shellRow{ID: "1"}).Limit(0).PageSize(0).Collect(t.Context())
	oneLine(err)
	var row shellRow
	oneLine(s.Collect(t.Context(), e.Partition(shellRow{ID: "none"}), monotable.One(e, &row)))
	id := monotable.Field(func(r *shellBad) *string { return &r.Name })
	no := func(string) error { return errors.New("no") }
	bad := mustEntity(t, s.Table, monotable.Schema[shellBad]{Name: "Bad", Key: monotable.Key{Partition: "BAD#{id}", Sort: "B"}, Rules: []monotable.Rule[shellBad]{id.Validate(no, no)}})
	_, err = bad.PutOp(shellBad{"1", "x"}).Request()
	oneLine(err)
}

type shellBad struct {
	ID   string `dynamodbav:"id"`
	Name string `dynamodbav:"name"`
}

// The word for an Upsert in a transaction.
func TestOperationErrorOfUpsert(t *testing.T) {
	s := openStore(t, monotable.TableConfig{})
	e := mustEntity(t, s.Table, monotable.Schema[shellBad]{Name: "Bad", Key: monotable.Key{Partition: "BAD#{id}", Sort: "B"}})
	name := monotable.Field(func(r *shellBad) *string { return &r.Name })
	_, err := e.Put(t.Context(), shellBad{"1", "x"})
	require.NoError(t, err)
	err = s.TransactWrite(t.Context(), e.UpsertOp(shellBad{ID: "1"}, name.Set("y"), name.Eq("z")))
	failed, ok := errors.AsType[*monotable.TransactionError](err)
	require.True(t, ok)
	require.Equal(t, "Upsert", failed.Operations[0].Op) // which its comment does not list
}

// What runs code of the caller's own is not given the caller's own keys.
type shellLazy struct {
	raw string
	n   int
}

func (l *shellLazy) MarshalDynamoDBAttributeValue() (types.AttributeValue, error) {
	l.n++
	return &types.AttributeValueMemberS{Value: l.raw}, nil
}

func (l *shellLazy) UnmarshalDynamoDBAttributeValue(av types.AttributeValue) error {
	l.raw = av.(*types.AttributeValueMemberS).Value
	return nil
}

type shellLazyItem struct {
	ID shellLazy `dynamodbav:"id"`
}

func TestBatchGetLeavesItsKeys(t *testing.T) {
	s := openStore(t, monotable.TableConfig{PartitionKey: "id", SortKey: ""})
	e := mustEntity(t, s.Table, monotable.Schema[shellLazyItem]{Name: "L", Key: monotable.Key{Partition: "{id}"}})
	keys := []shellLazyItem{{shellLazy{raw: "1"}}}
	_, err := e.Get(t.Context(), keys[0])
	require.ErrorIs(t, err, monotable.ErrNotFound)
	_, err = e.BatchGet(t.Context(), keys)
	require.NoError(t, err)
	require.Equal(t, 0, keys[0].ID.n, "BatchGet changed its argument")
}

// A graph in which all know all is refused as a cycle is, however many ways lead around it.
type shellFriend struct {
	ID      string         `dynamodbav:"id"`
	Friends []*shellFriend `dynamodbav:"friends"`
}

func TestF091_GraphOfCycles(t *testing.T) {
	s := openStore(t, monotable.TableConfig{})
	e := mustEntity(t, s.Table, monotable.Schema[shellFriend]{Name: "Fr", Key: monotable.Key{Partition: "FR#{id}", Sort: "F"}})
	all := make([]*shellFriend, 20)
	for i := range all {
		all[i] = &shellFriend{ID: fmt.Sprint(i)}
	}
	for _, a := range all {
		for _, b := range all {
			if a != b {
				a.Friends = append(a.Friends, b)
			}
		}
	}
	_, err := e.PutOp(*all[0]).Request()
	require.ErrorIs(t, err, monotable.ErrInvalid)
}

// An embedded alias of a number of math/big is not to be reached.
type (
	shellMoney = big.Int
	shellPrice struct {
		shellMoney
		Cur string
	}
)

func (p shellPrice) MarshalDynamoDBAttributeValue() (types.AttributeValue, error) {
	return &types.AttributeValueMemberS{Value: p.shellMoney.String() + p.Cur}, nil
}
func (p *shellPrice) UnmarshalDynamoDBAttributeValue(types.AttributeValue) error { return nil }

type shellOffer struct {
	ID    string     `dynamodbav:"id"`
	Price shellPrice `dynamodbav:"price"`
}

func TestEmbeddedAliasOfABigNumber(t *testing.T) {
	s := openStore(t, monotable.TableConfig{})
	e := mustEntity(t, s.Table, monotable.Schema[shellOffer]{Name: "Of", Key: monotable.Key{Partition: "OF#{id}", Sort: "F"}})
	require.NotPanics(t, func() { _, _ = e.PutOp(shellOffer{ID: "1"}).Request() })
}

// Pointers to pointers, and to what may be anything.
type shellPointers struct {
	ID string     `dynamodbav:"id"`
	N  **int      `dynamodbav:"n"`
	L  **[]string `dynamodbav:"l"`
	Y  *any       `dynamodbav:"y"`
	S  **string   `dynamodbav:"s"`
}

func TestUpsertThroughTwoPointers(t *testing.T) {
	s := openStore(t, monotable.TableConfig{})
	e := mustEntity(t, s.Table, monotable.Schema[shellPointers]{Name: "PP", Key: monotable.Key{Partition: "PP#{id}", Sort: "F"}})
	n := monotable.Elem(monotable.Elem(monotable.Field(func(r *shellPointers) ***int { return &r.N })))
	l := monotable.Elem(monotable.Elem(monotable.Field(func(r *shellPointers) ***[]string { return &r.L })))
	t.Run("Add", func(t *testing.T) {
		require.NotPanics(t, func() {
			_, err := e.Upsert(t.Context(), shellPointers{ID: "1"}, monotable.Add(n, 1))
			require.NoError(t, err)
		})
	})
	t.Run("Append", func(t *testing.T) {
		require.NotPanics(t, func() {
			_, err := e.Upsert(t.Context(), shellPointers{ID: "2"}, monotable.Append(l, "a"))
			require.NoError(t, err)
		})
	})
}

func TestRulesOfElemOfPointerToAny(t *testing.T) {
	s := openStore(t, monotable.TableConfig{})
	y := monotable.Elem(monotable.Field(func(r *shellPointers) **any { return &r.Y }))
	e := mustEntity(t, s.Table, monotable.Schema[shellPointers]{
		Name: "PP", Key: monotable.Key{Partition: "PP#{id}", Sort: "F"},
		Rules: []monotable.Rule[shellPointers]{y.OneOf("a", "b")},
	})
	v := any("a")
	_, err := e.PutOp(shellPointers{ID: "1", Y: &v}).Request()
	require.NoError(t, err)
}

func TestNilBehindAPointerIsAbsent(t *testing.T) {
	s := openStore(t, monotable.TableConfig{})
	x := monotable.Elem(monotable.Elem(monotable.Field(func(r *shellPointers) ***string { return &r.S })))
	ran := false
	e := mustEntity(t, s.Table, monotable.Schema[shellPointers]{
		Name: "PP", Key: monotable.Key{Partition: "PP#{id}", Sort: "F"},
		Rules: []monotable.Rule[shellPointers]{x.Validate(func(string) error { ran = true; return nil })},
	})
	var inner *string
	_, err := e.PutOp(shellPointers{ID: "1", S: &inner}).Request()
	require.NoError(t, err)
	require.False(t, ran)
}

// A change can be used again, whatever a rule does with its value.
func TestChangesOfUpsertsAreNotChanged(t *testing.T) {
	type list struct {
		ID   string   `dynamodbav:"id"`
		Tags []string `dynamodbav:"tags"`
	}
	s := openStore(t, monotable.TableConfig{})
	tags := monotable.Field(func(l *list) *[]string { return &l.Tags })
	e := mustEntity(t, s.Table, monotable.Schema[list]{Name: "List", Key: monotable.Key{Partition: "LIST#{id}", Sort: "L"}, Rules: []monotable.Rule[list]{
		tags.Transform(func(tags []string) []string { tags[0] += "!"; return tags }),
	}})
	change := tags.Set([]string{"a"})
	for _, id := range []string{"1", "2"} {
		got, err := e.Upsert(t.Context(), list{ID: id}, change)
		require.NoError(t, err)
		require.Equal(t, []string{"a!"}, got.Tags)
	}
}
