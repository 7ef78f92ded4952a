// Command movingin moves a program from raw SDK code to monotable, on one table, while both work.
//
//	go run ./examples/movingin
//
// It needs nothing but Go: the database is in memory. With DYNAMODB_ENDPOINT set it uses that server instead.
//
// Read the README for the path; then old.go and new.go side by side, switch.go for the feature flag, and move.go for the jobs.
package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/monotable/monotable/examples/internal/database"
)

func main() {
	log.SetFlags(0)
	ctx, client, table := context.Background(), database.Client(os.Getenv("DYNAMODB_ENDPOINT")), "movingin-"+rand.Text()
	err := story(ctx, client, table, log.New(os.Stdout, "", 0))
	_, _ = client.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &table})
	if err != nil {
		log.Fatal(err)
	}
}

// story goes through all steps, one of them back and forth again.
func story(ctx context.Context, client *dynamodb.Client, table string, out *log.Logger) error {
	if err := createOld(ctx, client, table); err != nil {
		return err
	}
	var flag atomic.Int64
	differences := 0
	s, err := newSwitch(client, table, func() Step { return Step(flag.Load()) }, func(string, []string) { differences++ })
	if err != nil {
		return err
	}
	t := &tale{Switch: s, ctx: ctx, out: out, flag: &flag}

	t.enter(OldOnly)
	t.write("ann", "bob", "eve")
	t.say("%s", t.stored("ann", "1"))

	t.enter(Compared)
	t.read("ann", "bob", "eve")
	profiles, orders, err := compare(ctx, s, 100)
	if err != nil {
		return err
	}
	t.say("of every day: %d differences; customers: %s; their orders: %s", differences, profiles, orders)

	t.enter(NewReads)
	t.read("ann", "bob", "eve")
	changes, err := addIndex(ctx, s.new.table, client)
	if err != nil {
		return err
	}
	t.say("%s", strings.TrimSpace(changes.String()))

	t.enter(NewWrites)
	t.write("kim")
	t.say("%s", t.stored("kim", "1"))
	t.status()
	t.backfill("1")
	t.say("%s", t.stored("ann", "1"))
	t.status()

	t.enter(NewIndex)
	t.read("ann", "kim")

	t.enter(NewReads) // something is wrong: back
	t.write("joe")
	t.say("%s", t.stored("joe", "1"))
	t.enter(NewWrites)
	t.backfill("2")
	t.status()

	t.enter(TagsRequired)
	t.read("ann", "bob", "eve", "kim", "joe")
	return t.err
}

// tale tells what happens and keeps the first error.
type tale struct {
	*Switch
	ctx  context.Context //nolint:containedctx // of one story
	out  *log.Logger
	flag *atomic.Int64
	err  error
}

func (t *tale) keep(err error) {
	if t.err == nil {
		t.err = err
	}
}

func (t *tale) say(format string, args ...any) { t.out.Printf("  "+format, args...) }

func (t *tale) enter(step Step) {
	t.flag.Store(int64(step))
	t.out.Print(step)
}

// write is a day's work of the program: a customer each, with two orders.
func (t *tale) write(ids ...string) {
	at := time.Date(2026, time.November, 21, 12, 0, 0, 0, time.UTC)
	for _, id := range ids {
		_, err := t.SaveCustomer(t.ctx, Customer{ID: id, Email: id + "@example.com", Name: strings.ToUpper(id), Since: at})
		t.keep(err)
		t.keep(t.AddPoints(t.ctx, id, 10))
		t.keep(t.PlaceOrder(t.ctx, Order{Customer: id, ID: "1", Status: "open", Total: 995, Placed: at}))
		t.keep(t.PlaceOrder(t.ctx, Order{Customer: id, ID: "2", Status: "open", Total: 1250, Placed: at}))
		t.keep(t.SetStatus(t.ctx, id, "2", "open", "paid"))
	}
}

// read reads what customers have.
func (t *tale) read(ids ...string) {
	found := 0
	for _, id := range ids {
		c, err := t.CustomerByEmail(t.ctx, id+"@example.com")
		t.keep(err)
		orders, err := t.Orders(t.ctx, c.ID)
		t.keep(err)
		found += len(orders)
	}
	open, err := t.OrdersByStatus(t.ctx, "open")
	t.keep(err)
	t.say("%d customers have %d orders; %d orders are open", len(ids), found, len(open))
}

func (t *tale) backfill(round string) {
	report, err := backfill(t.ctx, t.new.table, round)
	t.keep(err)
	left, err := pending(t.ctx, t.new.table)
	t.keep(err)
	t.say("backfill %s: %d items rewritten, %d left to do", round, report.Rewritten, left)
}

// status tells whether the index knows all orders.
func (t *tale) status() {
	report, err := compareStatus(t.ctx, t.Switch, "open", "paid")
	t.keep(err)
	if err == nil {
		t.say("scan and index, by status: %d the same, %d differ", report.Same, len(report.Differences))
	}
}

// stored tells of an order which of the attributes that only the new code knows it has.
func (t *tale) stored(customer, id string) string {
	out, err := t.old.client.GetItem(t.ctx, &dynamodb.GetItemInput{TableName: &t.old.table, Key: orderKey(customer, id), ConsistentRead: aws.Bool(true)})
	if err != nil {
		t.keep(err)
		return ""
	}
	r := &reading{item: out.Item}
	return fmt.Sprintf("stored: %s %s _et=%q GSI2PK=%q", r.text("PK"), r.text("SK"), r.text("_et"), r.text("GSI2PK"))
}
