package main

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/monotabletest"
)

const tableName = "moving"

var noon = time.Date(2026, time.November, 21, 12, 0, 0, 0, time.UTC)

// newTable is a table as the old code has it, in a database of the test's own, with the index of the new code.
func newTable(t *testing.T) *dynamodb.Client {
	t.Helper()
	return prepared(t, monotabletest.Client(t))
}

func prepared(t *testing.T, client *dynamodb.Client) *dynamodb.Client {
	t.Helper()
	require.NoError(t, createOld(t.Context(), client, tableName))
	t.Cleanup(func() {
		name := tableName
		_, _ = client.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: &name})
	})
	s := at(t, client, NewReads)
	_, err := addIndex(t.Context(), s.new.table, client)
	require.NoError(t, err)
	return client
}

// at is the program at a step where it stays.
func at(t *testing.T, client *dynamodb.Client, step Step) *Switch {
	t.Helper()
	s, err := newSwitch(client, tableName, func() Step { return step }, func(call string, paths []string) { t.Errorf("%s: %v", call, paths) })
	require.NoError(t, err)
	return s
}

func stored(t *testing.T, client *dynamodb.Client, key attributes) attributes {
	t.Helper()
	name, consistent := tableName, true
	out, err := client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &name, Key: key, ConsistentRead: &consistent})
	require.NoError(t, err)
	return out.Item
}

// utc makes times comparable.
func (c Customer) utc() Customer { c.Since = c.Since.UTC(); return c }

func utc(orders []Order) []Order {
	for i := range orders {
		orders[i].Placed = orders[i].Placed.UTC()
	}
	return orders
}

// TestStores writes with each code and reads with each: what either writes both read, with the same answers and errors.
func TestStores(t *testing.T) {
	t.Parallel()
	for _, writing := range []string{"old", "new"} {
		for _, reading := range []string{"old", "new"} {
			t.Run(writing+" writes, "+reading+" reads", func(t *testing.T) {
				t.Parallel()
				ctx, client := t.Context(), newTable(t)
				s := at(t, client, OldOnly)
				stores := map[string]Store{"old": s.old, "new": s.new}
				w, r := stores[writing], stores[reading]

				want := Customer{ID: "ann", Email: "ann@example.com", Name: "Ann", Since: noon, Version: 1}
				got, err := w.SaveCustomer(ctx, Customer{ID: "ann", Email: "Ann@Example.com", Name: "Ann", Since: noon})
				require.NoError(t, err)
				require.Equal(t, want, got.utc())
				_, err = w.SaveCustomer(ctx, Customer{ID: "ann"})
				require.ErrorIs(t, err, ErrConflict, "there is one")
				_, err = w.SaveCustomer(ctx, Customer{ID: "bob", Version: 1})
				require.ErrorIs(t, err, ErrConflict, "there is none")

				got, err = r.Customer(ctx, "ann")
				require.NoError(t, err)
				require.Equal(t, want, got.utc())
				_, err = r.Customer(ctx, "bob")
				require.ErrorIs(t, err, ErrNotFound)
				got, err = r.CustomerByEmail(ctx, "ANN@example.com")
				require.NoError(t, err)
				require.Equal(t, want, got.utc())
				_, err = r.CustomerByEmail(ctx, "bob@example.com")
				require.ErrorIs(t, err, ErrNotFound)

				// The other one changes what this one has written.
				require.NoError(t, r.AddPoints(ctx, "ann", 5))
				require.ErrorIs(t, r.AddPoints(ctx, "bob", 5), ErrNotFound)
				_, err = w.SaveCustomer(ctx, want)
				require.ErrorIs(t, err, ErrConflict, "the version has moved on")
				want.Points, want.Version = 5, 2
				want.Email = "ann@example.org"
				got, err = w.SaveCustomer(ctx, want)
				require.NoError(t, err)
				want.Version = 3
				require.Equal(t, want, got.utc())
				got, err = r.CustomerByEmail(ctx, "ann@example.org")
				require.NoError(t, err)
				require.Equal(t, want, got.utc())
				_, err = r.CustomerByEmail(ctx, "ann@example.com")
				require.ErrorIs(t, err, ErrNotFound)

				one := Order{Customer: "ann", ID: "1", Status: "open", Total: 995, Placed: noon}
				two := Order{Customer: "ann", ID: "2", Status: "open", Total: 5, Note: "by hand", Placed: noon}
				require.NoError(t, w.PlaceOrder(ctx, two))
				require.NoError(t, w.PlaceOrder(ctx, one))
				require.ErrorIs(t, w.PlaceOrder(ctx, one), ErrConflict)
				require.NoError(t, r.SetStatus(ctx, "ann", "2", "open", "paid"))
				require.ErrorIs(t, r.SetStatus(ctx, "ann", "2", "open", "paid"), ErrConflict)
				require.ErrorIs(t, r.SetStatus(ctx, "ann", "3", "open", "paid"), ErrConflict)
				two.Status = "paid"
				orders, err := r.Orders(ctx, "ann")
				require.NoError(t, err)
				require.Equal(t, []Order{one, two}, utc(orders))
				orders, err = r.Orders(ctx, "bob")
				require.NoError(t, err)
				require.Empty(t, orders)

				// By status the old code scans; the index of the new one has what the new one has written last.
				paid, err := s.old.OrdersByStatus(ctx, "paid")
				require.NoError(t, err)
				require.Equal(t, []Order{two}, utc(paid))
			})
		}
	}
}

// What the old code writes has no tag, what the new one writes has: also what it changes of the other's.
func TestStores_Tags(t *testing.T) {
	t.Parallel()
	ctx, client := t.Context(), newTable(t)
	s := at(t, client, OldOnly)
	require.NoError(t, s.old.PlaceOrder(ctx, Order{Customer: "ann", ID: "1", Status: "open"}))
	item := stored(t, client, orderKey("ann", "1"))
	require.NotContains(t, item, "_et")
	require.NotContains(t, item, "GSI2PK")
	require.NoError(t, s.new.SetStatus(ctx, "ann", "1", "open", "paid"))
	item = stored(t, client, orderKey("ann", "1"))
	require.Equal(t, avS("Order"), item["_et"])
	require.Equal(t, avS("STATUS#paid"), item["GSI2PK"])
	orders, err := s.new.OrdersByStatus(ctx, "paid")
	require.NoError(t, err)
	require.Len(t, orders, 1)

	require.NoError(t, s.old.SetStatus(ctx, "ann", "1", "paid", "sent"))
	require.Equal(t, avS("STATUS#paid"), stored(t, client, orderKey("ann", "1"))["GSI2PK"], "the old code leaves the new index behind: hence another backfill")
	n, err := pending(ctx, s.new.table)
	require.NoError(t, err)
	require.Equal(t, 1, n)
}

// An item that the two codes understand differently is found by either way of comparing.
func TestCompared_Finds(t *testing.T) {
	t.Parallel()
	ctx, client := t.Context(), newTable(t)
	var found []string
	s, err := newSwitch(client, tableName, func() Step { return Compared }, func(call string, paths []string) { found = append(found, call+": "+paths[0]) })
	require.NoError(t, err)
	for _, id := range []string{"ann", "bob", "eve"} {
		_, err = s.SaveCustomer(ctx, Customer{ID: id, Email: id + "@example.com", Since: noon})
		require.NoError(t, err)
	}
	// A writer of long ago has stored a number as a text.
	name, set := tableName, "SET points = :p"
	_, err = client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &name, Key: customerKey("bob"), UpdateExpression: &set, ExpressionAttributeValues: attributes{":p": avS("5")},
	})
	require.NoError(t, err)
	// And another one has put a name into the key that is not the item's.
	item := customerKey("zoe")
	item["id"], item["email"] = avS("eve"), avS("zoe@example.com")
	_, err = client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &name, Item: item})
	require.NoError(t, err)

	c, err := s.Customer(ctx, "bob")
	require.NoError(t, err, "the old code answers")
	require.Equal(t, "bob", c.ID)
	_, err = s.Customer(ctx, "ann")
	require.NoError(t, err)
	_, err = s.Customer(ctx, "nobody")
	require.ErrorIs(t, err, ErrNotFound)
	require.Equal(t, []string{"Customer: (only one found it)"}, found)

	profiles, orders, err := compare(ctx, s, 0)
	require.NoError(t, err)
	require.NoError(t, orders.Err())
	require.Error(t, profiles.Err())
	require.Equal(t, 1, profiles.Failed)
	require.Equal(t, "bob", profiles.Failures[0].Key)
	require.ErrorContains(t, profiles.Failures[0].New, "points")
}
