package migrate_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/lease"
	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/migrate"
	"github.com/monotable/monotable/monotabletest"
)

// purchase is one of many in a user's partition.
type purchase struct {
	User    string `dynamodbav:"user"`
	Number  int    `dynamodbav:"number"`
	State   string `dynamodbav:"state"`
	Version int    `dynamodbav:"version"`
}

var (
	purchaseNumber  = monotable.Field(func(p *purchase) *int { return &p.Number })
	purchaseState   = monotable.Field(func(p *purchase) *string { return &p.State })
	purchaseVersion = monotable.Field(func(p *purchase) *int { return &p.Version })
)

func purchases(rules ...monotable.Rule[purchase]) monotable.Schema[purchase] {
	return monotable.Schema[purchase]{
		Name: "Purchase", Key: monotable.Key{Partition: "USER#{user}", Sort: "P#{number:04}"}, Rules: rules,
		Indexes: map[string]monotable.Key{"GSI1": {Partition: "STATE#{state}", Sort: "{user}#{number:04}"}},
	}
}

func (w *town) purchases(client monotable.Client, rules ...monotable.Rule[purchase]) (*monotable.Table, *monotable.Entity[purchase]) {
	w.t.Helper()
	table := w.as(client)
	e, err := monotable.NewEntity(table, purchases(rules...))
	require.NoError(w.t, err)
	return table, e
}

// buy stores n purchases of a user, a profile that no entity knows beside them, and one purchase of somebody else.
func (w *town) buy(n int, rules ...monotable.Rule[purchase]) {
	w.t.Helper()
	_, e := w.purchases(w.client, rules...)
	for i := range n {
		_, err := e.Create(w.t.Context(), purchase{User: "ann", Number: i, State: "paid"})
		require.NoError(w.t, err)
	}
	_, err := e.Create(w.t.Context(), purchase{User: "bob", Number: 1, State: "open"})
	require.NoError(w.t, err)
	w.put(attributes{"PK": vS("USER#ann"), "SK": vS("PROFILE"), "user": vS("ann")})
}

// toEve is what has to change in an item besides its key.
var toEve = migrate.Rewrite(func(_ context.Context, item map[string]types.AttributeValue) (map[string]types.AttributeValue, error) {
	item["user"] = vS("eve")
	return item, nil
})

func TestF134_MoveCrashAtEveryRequest(t *testing.T) {
	t.Parallel()
	for name, rules := range map[string][]monotable.Rule[purchase]{"plain": nil, "versioned": {monotable.Version(purchaseVersion)}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			crashEverywhere(t, func(w *town) { w.buy(29, rules...) },
				func(ctx context.Context, w *town, client monotable.Client) error {
					table, _ := w.purchases(client, rules...)
					_, err := migrate.MovePartition(ctx, w.store(client), table, vS("USER#ann"), vS("USER#eve"), toEve,
						migrate.PageSize(7), migrate.Concurrency(1), shortLease())
					return err
				}, func(t testing.TB, before, after, now map[string]attributes) {
					require.Len(t, now, len(before), "each item is in one place")
					beforeOrAfter(t, before, after, now)
				})
		})
	}
}

func TestF134_DeleteCrashAtEveryRequest(t *testing.T) {
	t.Parallel()
	crashEverywhere(t, func(w *town) { w.buy(29) },
		func(ctx context.Context, w *town, client monotable.Client) error {
			table, _ := w.purchases(client)
			_, err := migrate.DeletePartition(ctx, w.store(client), table, vS("USER#ann"), migrate.PageSize(7), migrate.Concurrency(1), shortLease())
			return err
		}, beforeOrAfter)
}

func TestMovePartition(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.buy(29)
	table, e := w.purchases(w.client)
	move := func(opts ...migrate.BackfillOption) (migrate.Report, error) {
		return migrate.MovePartition(t.Context(), w.store(w.client), table, vS("USER#ann"), vS("USER#eve"), append(opts, migrate.PageSize(10))...)
	}
	before := w.dump()
	report, err := migrate.MovePartition(t.Context(), nil, table, vS("USER#ann"), vS("USER#eve"), toEve, migrate.DryRun())
	require.NoError(t, err)
	require.Equal(t, migrate.Report{Scanned: 30, Rewritten: 30}, report)
	require.Equal(t, before, w.dump())

	report, err = move()
	var failed *migrate.FailedError
	require.ErrorAs(t, err, &failed, "the attribute that makes the key was left")
	require.ErrorContains(t, err, "must change with it, see Rewrite")
	require.ErrorIs(t, err, monotable.ErrInvalid)
	require.Equal(t, []int{29, 1}, []int{report.Failed, report.Rewritten}, "what is no entity's has no such attribute")

	_, err = e.Create(t.Context(), purchase{User: "eve", Number: 7, State: "hers"})
	require.NoError(t, err)
	report, err = move(toEve)
	require.ErrorIs(t, err, migrate.ErrTargetTaken)
	require.Equal(t, []int{1, 28}, []int{report.Failed, report.Rewritten})
	require.Equal(t, "P#0007", vText(report.Failures[0].Key["SK"]))
	hers, err := e.Get(t.Context(), purchase{User: "eve", Number: 7})
	require.NoError(t, err)
	require.Equal(t, "hers", hers.State)

	_, err = e.Delete(t.Context(), hers)
	require.NoError(t, err)
	report, err = move(toEve)
	require.NoError(t, err)
	require.Equal(t, migrate.Report{Scanned: 1, Rewritten: 1}, report)
	all, err := e.Query(purchase{User: "eve"}).Collect(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 29)
	found, err := e.Query(purchase{State: "paid"}).Index("GSI1").Collect(t.Context())
	require.NoError(t, err)
	require.Equal(t, all, found, "the index keys moved with them")
	require.Equal(t, "USER#eve", vText(w.get(attributes{"PK": vS("USER#eve"), "SK": vS("PROFILE")})["PK"]))

	report, err = move(toEve)
	require.NoError(t, err)
	require.Equal(t, migrate.Report{}, report, "nothing is left")
	_, err = migrate.MovePartition(t.Context(), w.store(w.client), table, vS("USER#eve"), vS("USER#eve"))
	require.ErrorIs(t, err, migrate.ErrInvalid)
	_, err = migrate.MovePartition(t.Context(), nil, table, vS("USER#eve"), vS("USER#ann"))
	require.ErrorIs(t, err, migrate.ErrInvalid)
}

// TestMovePartitionSortKeys: the function may give items other sort keys, and leave some.
func TestMovePartitionSortKeys(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.buy(5)
	table, e := w.purchases(w.client)
	report, err := migrate.MovePartition(t.Context(), w.store(w.client), table, vS("USER#ann"), vS("USER#eve"),
		migrate.Rewrite(func(_ context.Context, item map[string]types.AttributeValue) (map[string]types.AttributeValue, error) {
			if item["number"] == nil {
				return nil, nil
			}
			n := atoi(vText(item["number"])) + 100
			item["user"], item["number"], item["SK"] = vS("eve"), vN(fmt.Sprint(n)), vS(fmt.Sprintf("P#%04d", n))
			return item, nil
		}))
	require.NoError(t, err)
	require.Equal(t, migrate.Report{Scanned: 6, Rewritten: 5, Current: 1}, report)
	all, err := e.Query(purchase{User: "eve"}).SortKey(purchaseNumber.Ge(100)).Collect(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 5)
	report, err = migrate.MovePartition(t.Context(), w.store(w.client), table, vS("USER#eve"), vS("USER#ann"),
		migrate.Rewrite(func(_ context.Context, item map[string]types.AttributeValue) (map[string]types.AttributeValue, error) {
			item["PK"] = vS("USER#other")
			return item, nil
		}))
	require.ErrorIs(t, err, migrate.ErrInvalid)
	require.Equal(t, 5, report.Failed)
}

// TestF134_MoveLiveWriters: each item is changed after it was read, and moves as its writer left it.
func TestF134_MoveLiveWriters(t *testing.T) {
	t.Parallel()
	for name, rules := range map[string][]monotable.Rule[purchase]{"plain": nil, "versioned": {monotable.Version(purchaseVersion)}} {
		t.Run(name, func(t *testing.T) {
			anew(t, func(t *testing.T) {
				w := newTown(t)
				w.buy(10, rules...)
				_, e := w.purchases(w.client, rules...)
				var faults monotabletest.Faults
				table, _ := w.purchases(faults.Client(w.client), rules...)
				write := once(func() {
					for i := range 10 {
						var err error
						if i == 3 {
							_, err = e.Delete(t.Context(), purchase{User: "ann", Number: i})
						} else {
							_, err = e.Update(t.Context(), purchase{User: "ann", Number: i}, purchaseState.Set("sent"))
						}
						require.NoError(t, err)
					}
				})
				faults.Between(func(r monotabletest.Request) {
					if r.Operation == "Query" {
						write()
					}
				})
				report, err := migrate.MovePartition(t.Context(), w.store(w.client), table, vS("USER#ann"), vS("USER#eve"), toEve)
				require.NoError(t, err)
				require.Equal(t, []int{10, 10, 1}, []int{report.Rewritten, report.Overtaken, report.Gone}, "%+v", report)
				for key, item := range w.dump() {
					require.NotContains(t, key, "ann")
					if strings.HasPrefix(key, "USER#eve P#") {
						require.Equal(t, []string{"sent", "STATE#sent"}, []string{vText(item["state"]), vText(item["GSI1PK"])}, key)
					}
				}
			})
		})
	}
}

// TestF134_MoveLostReplies: a transaction that was applied is not mistaken for one that was refused.
func TestF134_MoveLostReplies(t *testing.T) {
	t.Parallel()
	anew(t, func(t *testing.T) {
		w := newTown(t)
		w.buy(29)
		var faults monotabletest.Faults
		faults.Rate("TransactWriteItems", 0.2, monotabletest.TransactionConflict())
		faults.Rate("", 0.1, monotabletest.ReplyLost())
		faults.Rate("", 0.1, monotabletest.Throttle("ThrottlingException"))
		client := faults.Client(w.client, hastyClient)
		table, e := w.purchases(client)
		report, err := migrate.MovePartition(t.Context(), w.store(client), table, vS("USER#ann"), vS("USER#eve"), toEve, migrate.PageSize(8))
		require.NoError(t, err)
		require.Equal(t, migrate.Report{Scanned: 30, Rewritten: 30}, report)
		faults.Reset()
		all, err := e.Query(purchase{User: "eve"}).Collect(t.Context())
		require.NoError(t, err)
		require.Len(t, all, 29)
	})
}

// TestF134_MoveCopied: what another tool has copied already needs only to be deleted.
func TestF134_MoveCopied(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	item := attributes{"PK": vS("a"), "SK": vS("s"), "n": vN("1")}
	w.put(item, attributes{"PK": vS("b"), "SK": vS("s"), "n": vN("1.0")})
	report, err := migrate.MovePartition(t.Context(), w.store(w.client), w.as(w.client), vS("a"), vS("b"))
	require.NoError(t, err)
	require.Equal(t, 1, report.Rewritten)
	require.Len(t, w.dump(), 1)
}

func TestDeletePartition(t *testing.T) {
	t.Parallel()
	anew(t, func(t *testing.T) {
		w := newTown(t)
		w.buy(60)
		var faults monotabletest.Faults
		client := faults.Client(w.client)
		table, _ := w.purchases(client)
		report, err := migrate.DeletePartition(t.Context(), nil, table, vS("USER#ann"), migrate.DryRun())
		require.NoError(t, err)
		require.Equal(t, migrate.Report{Scanned: 61, Rewritten: 61}, report)
		require.Len(t, w.dump(), 62)

		faults.Reset()
		faults.Script("BatchWriteItem", monotabletest.Unprocessed(3), monotabletest.Unprocessed(25), monotabletest.Unprocessed(2))
		report, err = migrate.DeletePartition(t.Context(), w.store(w.client), table, vS("USER#ann"))
		require.NoError(t, err)
		require.Equal(t, migrate.Report{Scanned: 61, Rewritten: 61}, report)
		left := w.dump()
		require.Len(t, left, 1)
		require.Contains(t, left, "USER#bob P#0001")
		for _, r := range faults.Requests() {
			if r.Operation == "Query" {
				require.Contains(t, string(r.Body), "ProjectionExpression", "keys only")
			}
		}
		report, err = migrate.DeletePartition(t.Context(), w.store(w.client), table, vS("USER#ann"))
		require.NoError(t, err)
		require.Equal(t, migrate.Report{}, report)
	})
}

// TestPartitionOneAtATime: a partition is leased.
func TestPartitionOneAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := townOn(t, memdb.New(memdb.Options{}).Client(), townConfig())
		w.buy(3)
		table, _ := w.purchases(w.client)
		inside := once(func() {
			_, err := migrate.DeletePartition(t.Context(), w.store(w.client), table, vS("USER#ann"))
			require.ErrorIs(t, err, lease.ErrHeld)
			_, err = migrate.DeletePartition(t.Context(), w.store(w.client), table, vS("USER#bob"))
			require.NoError(t, err)
		})
		_, err := migrate.MovePartition(t.Context(), w.store(w.client), table, vS("USER#ann"), vS("USER#eve"), migrate.Concurrency(1),
			migrate.Rewrite(func(_ context.Context, item map[string]types.AttributeValue) (map[string]types.AttributeValue, error) {
				inside()
				item["user"] = vS("eve")
				return item, nil
			}))
		require.NoError(t, err)
	})
}

// TestPartitionOfGuardedItems: unique values would be blocked, or lost, so it is refused; on demand their guards are mended afterwards.
func TestPartitionOfGuardedItems(t *testing.T) {
	t.Parallel()
	type member struct {
		ID    string `dynamodbav:"id"`
		Email string `dynamodbav:"email"`
	}
	email := monotable.Field(func(m *member) *string { return &m.Email })
	w := newTown(t)
	w.buy(3)
	table, _ := w.purchases(w.client)
	members, err := monotable.NewEntity(table, monotable.Schema[member]{
		Name: "Member", Key: monotable.Key{Partition: "USER#{id}", Sort: "MEMBER"}, Rules: []monotable.Rule[member]{email.Unique()},
	})
	require.NoError(t, err)
	for _, id := range []string{"ann", "joe"} {
		_, err = members.Create(t.Context(), member{ID: id, Email: id + "@x"})
		require.NoError(t, err)
	}
	before := w.dump()
	_, err = migrate.DeletePartition(t.Context(), w.store(w.client), table, vS("USER#ann"))
	require.ErrorIs(t, err, migrate.ErrGuarded)
	_, err = migrate.MovePartition(t.Context(), w.store(w.client), table, vS("USER#ann"), vS("USER#eve"))
	require.ErrorIs(t, err, migrate.ErrGuarded)
	_, err = migrate.MovePartition(t.Context(), nil, table, vS("USER#ann"), vS("USER#eve"), migrate.DryRun())
	require.ErrorIs(t, err, migrate.ErrGuarded)
	require.Equal(t, before, w.dump())
	_, err = migrate.DeletePartition(t.Context(), w.store(w.client), table, vS("USER#bob"))
	require.NoError(t, err, "there is none in it")

	_, err = migrate.MovePartition(t.Context(), w.store(w.client), table, vS("USER#ann"), vS("USER#eve"), migrate.LeaveGuards(),
		migrate.Rewrite(func(_ context.Context, item map[string]types.AttributeValue) (map[string]types.AttributeValue, error) {
			for _, name := range []string{"id", "user"} {
				if item[name] != nil {
					item[name] = vS("eve")
				}
			}
			return item, nil
		}))
	require.NoError(t, err)
	_, err = migrate.DeletePartition(t.Context(), w.store(w.client), table, vS("USER#joe"), migrate.LeaveGuards())
	require.NoError(t, err)
	for found := 1; found > 0; { // a guard and its item, met at the same time, hinder each other
		found = 0
		for _, err := range members.RepairUnique(t.Context()) {
			require.NoError(t, err)
			found++
		}
	}
	moved, err := members.GetBy(t.Context(), email.Eq("ann@x"))
	require.NoError(t, err)
	require.Equal(t, "eve", moved.ID)
	_, err = members.Create(t.Context(), member{ID: "new", Email: "joe@x"})
	require.NoError(t, err)
}

// TestPartitionOtherKeys: tables without a sort key, and with keys that are numbers.
func TestPartitionOtherKeys(t *testing.T) {
	t.Parallel()
	client := monotabletest.Client(t)
	records := monotabletest.TableOn(t, client, monotable.TableConfig{Name: "records", PartitionKey: "id"})
	store, err := lease.NewStore(records)
	require.NoError(t, err)
	w := townOn(t, client, monotable.TableConfig{PartitionKey: "p", PartitionKeyType: types.ScalarAttributeTypeN})
	w.put(attributes{"p": vN("1"), "a": vS("x")}, attributes{"p": vN("3")})
	_, err = migrate.MovePartition(t.Context(), store, w.as(client), vN("1"), vN("2"))
	require.NoError(t, err)
	_, err = migrate.DeletePartition(t.Context(), store, w.as(client), vN("3.0"))
	require.NoError(t, err)
	require.Equal(t, map[string]attributes{"2 ": {"p": vN("2"), "a": vS("x")}}, w.dump())
	_, err = client.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &w.cfg.Name})
	require.NoError(t, err)
}

// A value that no item has as its partition key is refused before anything is sent.
func TestPartitionKeysOfOtherTypes(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.buy(2)
	var faults monotabletest.Faults
	client := faults.Client(w.client)
	table, _ := w.purchases(client)
	var none *types.AttributeValueMemberS
	for _, wrong := range []types.AttributeValue{nil, none, vN("1"), vS(""), &types.AttributeValueMemberB{Value: []byte("USER#ann")}, &types.AttributeValueMemberNULL{Value: true}} {
		for _, opts := range [][]migrate.BackfillOption{nil, {migrate.DryRun()}} {
			_, err := migrate.DeletePartition(t.Context(), w.store(client), table, wrong, opts...)
			require.ErrorIs(t, err, migrate.ErrInvalid, "%T", wrong)
			_, err = migrate.MovePartition(t.Context(), w.store(client), table, wrong, vS("USER#eve"), opts...)
			require.ErrorIs(t, err, migrate.ErrInvalid, "%T", wrong)
			_, err = migrate.MovePartition(t.Context(), w.store(client), table, vS("USER#ann"), wrong, opts...)
			require.ErrorIs(t, err, migrate.ErrInvalid, "%T", wrong)
		}
	}
	require.Empty(t, faults.Requests())
}

func TestDeletePartitionPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := townOn(t, memdb.New(memdb.Options{}).Client(), townConfig())
		w.buy(59)
		table, _ := w.purchases(w.client)
		start := time.Now()
		_, err := migrate.DeletePartition(t.Context(), w.store(w.client), table, vS("USER#ann"), migrate.Pace(10))
		require.NoError(t, err)
		require.Equal(t, 5*time.Second, time.Since(start))
	})
}
