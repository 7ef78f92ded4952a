package stream_test

import (
	"context"
	"fmt"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/stream"
)

type account struct {
	ID    string `dynamodbav:"id"`
	Owner string `dynamodbav:"owner"`
}

// A card is what a search index would have of an account. Applied is the last change of the account that is in it.
type card struct {
	ID      string `dynamodbav:"id"`
	Title   string `dynamodbav:"title"`
	Removed bool   `dynamodbav:"removed"`
	Applied string `dynamodbav:"applied"`
}

var (
	cardTitle   = monotable.Field(func(c *card) *string { return &c.Title })
	cardRemoved = monotable.Field(func(c *card) *bool { return &c.Removed })
	cardApplied = monotable.Field(func(c *card) *string { return &c.Applied })
)

// Cards follow accounts, whatever comes twice or late. A removed account leaves its card, marked, so that an older record does not bring it back.
func ExampleNewer() {
	ctx := context.Background()
	engine := memdb.New(memdb.Options{})
	table, _ := monotable.NewTable(engine.Client(), monotable.TableConfig{Name: "app", PartitionKey: "PK", SortKey: "SK"})
	accounts := monotable.MustEntity(table, monotable.Schema[account]{Name: "Account", Key: monotable.Key{Partition: "ACCOUNT#{id}", Sort: "A"}})
	cards := monotable.MustEntity(table, monotable.Schema[card]{Name: "Card", Key: monotable.Key{Partition: "CARD#{id}", Sort: "C"}})
	_ = table.Ensure(ctx, engine.Client())

	router := stream.MustRouter(stream.On(accounts).
		Upsert(func(ctx context.Context, now account) error {
			_, err := cards.Upsert(ctx, card{ID: now.ID}, cardTitle.Set("Account of "+now.Owner), cardRemoved.Set(false), stream.Newer(ctx, cardApplied))
			return stream.Seen(err)
		}).
		Remove(func(ctx context.Context, old account) error {
			_, err := cards.Upsert(ctx, card{ID: old.ID}, cardRemoved.Set(true), stream.Newer(ctx, cardApplied))
			return stream.Seen(err)
		}))

	key, _ := accounts.Key(account{ID: "1"})
	image, _ := accounts.PutOp(account{ID: "1", Owner: "Ann"}).Request()
	first := stream.Record{Event: stream.Insert, Table: "app", Sequence: "100", Keys: key, New: image.Item}
	removed := stream.Record{Event: stream.Remove, Table: "app", Sequence: "101", Keys: key, Old: image.Item}
	for _, r := range []stream.Record{first, removed, first} {
		if err := router.Handle(ctx, r); err != nil {
			fmt.Println(err)
		}
	}
	c, err := cards.Get(ctx, card{ID: "1"})
	fmt.Println(c.Title, c.Removed, err)
	// Output:
	// Account of Ann true <nil>
}
