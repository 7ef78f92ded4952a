package docs_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/lease"
	"github.com/monotable/monotable/migrate"
)

// A Patron had one name in the first form of its schema, and has two in the second.
type Patron struct {
	ID    string `dynamodbav:"patronId"`
	First string `dynamodbav:"first"`
	Last  string `dynamodbav:"last"`
	Town  string `dynamodbav:"town"`
}

var (
	patronLast = monotable.Field(func(p *Patron) *string { return &p.Last })
	patronTown = monotable.Field(func(p *Patron) *string { return &p.Town })
)

var patronSchema = monotable.Schema[Patron]{
	Name:     "Patron",
	Key:      monotable.Key{Partition: "PATRON#{patronId}", Sort: "PATRON"},
	Indexes:  map[string]monotable.Key{"byLast": {Partition: "PATRONS", Sort: "{last}#{patronId}"}}, // new
	Rules:    []monotable.Rule[Patron]{patronTown.ReadDefault("unknown")},                           // younger than some items
	Upgrades: []monotable.Upgrade{splitName},                                                        // append only
}

// splitName brings an item from version 0 to version 1.
func splitName(item map[string]types.AttributeValue) error {
	name, ok := item["name"].(*types.AttributeValueMemberS)
	if !ok {
		return errors.New("there is no name")
	}
	first, last, _ := strings.Cut(name.Value, " ")
	item["first"] = &types.AttributeValueMemberS{Value: first}
	item["last"] = &types.AttributeValueMemberS{Value: last}
	delete(item, "name")
	return nil
}

// openPatrons is a table with two patrons of the first form.
func openPatrons() (*monotable.Table, *monotable.Entity[Patron], *dynamodb.Client) {
	client := newClient()
	table := mustBe(monotable.NewTable(client, monotable.TableConfig{
		Name: "patrons", PartitionKey: "PK", SortKey: "SK", Indexes: []monotable.Index{{Name: "byLast", PartitionKey: "LPK", SortKey: "LSK"}},
		Logger: slog.New(slog.DiscardHandler),
	}))
	patrons := monotable.MustEntity(table, patronSchema)
	must(table.Create(ctx, client))
	for id, name := range map[string]string{"1": "Ann Lee", "2": "Bob Abel"} {
		mustBe(client.PutItem(ctx, &dynamodb.PutItemInput{TableName: new("patrons"), Item: map[string]types.AttributeValue{
			"PK": &types.AttributeValueMemberS{Value: "PATRON#" + id}, "SK": &types.AttributeValueMemberS{Value: "PATRON"},
			"_et":      &types.AttributeValueMemberS{Value: "Patron"},
			"patronId": &types.AttributeValueMemberS{Value: id}, "name": &types.AttributeValueMemberS{Value: name},
		}}))
	}
	return table, patrons, client
}

func Example_upgrades() {
	_, patrons, _ := openPatrons()

	p, err := patrons.Get(ctx, Patron{ID: "1"}) // stored as "Ann Lee"; the read changes nothing
	fmt.Printf("%+v %v\n", p, err)
	n, err := patrons.Query(Patron{}).Index("byLast").Count(ctx)
	fmt.Println(n, err) // items of the first form have no key of the new index yet
	// Output:
	// {ID:1 First:Ann Last:Lee Town:unknown} <nil>
	// 0 <nil>
}

func Example_reindex() {
	table, patrons, _ := openPatrons()

	store, err := lease.NewStore(table) // where leases, and the places to go on from, are kept
	if err != nil {
		fmt.Println(err)
		return
	}
	dry, err := migrate.Reindex(ctx, store, table, migrate.DryRun())
	fmt.Println(dry.Rewritten, "would be rewritten", err)
	report, err := migrate.Reindex(ctx, store, table) // after a crash, or in another process: again
	fmt.Println(report.Rewritten, report.Failed, err)

	for p, err := range patrons.Query(Patron{}).Index("byLast").SortKey(monotable.HasPrefix(patronLast, "")).All(ctx) {
		fmt.Println(p.Last, err)
	}
	// Output:
	// 2 would be rewritten <nil>
	// 2 0 <nil>
	// Abel <nil>
	// Lee <nil>
}

func Example_numbered() {
	table, patrons, client := openPatrons()
	store := mustBe(lease.NewStore(table))

	set, err := migrate.New(store,
		migrate.Migration{ID: 1, Name: "the index byLast", Up: migrate.AddIndexes(table, client)},
		migrate.Migration{ID: 2, Name: "names in two parts", Up: migrate.ReindexItems(table)},
		migrate.Migration{ID: 3, Name: "everybody without a town lives in Ely", Up: func(ctx context.Context, r *migrate.Run) error {
			_, err := migrate.Backfill(ctx, r.Store(), "towns", table, func(_ context.Context, item map[string]types.AttributeValue) (map[string]types.AttributeValue, error) {
				if table.EntityOf(item) != "Patron" || item["town"] != nil {
					return nil, nil // leave it as it is
				}
				item["town"] = &types.AttributeValueMemberS{Value: "Ely"}
				return item, nil
			})
			return err
		}},
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	steps, err := set.With(migrate.Wait()).Up(ctx) // at every start: one runner works, the others wait
	for _, step := range steps {
		fmt.Println(step.ID, step.Name)
	}
	fmt.Println(err)
	steps, err = set.Up(ctx)
	fmt.Println(len(steps), err)
	p, err := patrons.Get(ctx, Patron{ID: "2"})
	fmt.Println(p.Last, p.Town, err)
	// Output:
	// 1 the index byLast
	// 2 names in two parts
	// 3 everybody without a town lives in Ely
	// <nil>
	// 0 <nil>
	// Abel Ely <nil>
}

func Example_drift() {
	table, _, client := openPatrons()
	findings, err := table.Verify(ctx, client)
	fmt.Println(len(findings), err)

	cfg := monotable.TableConfig{Name: "patrons", PartitionKey: "PK", SortKey: "SK", Indexes: []monotable.Index{{Name: "byTown", PartitionKey: "town"}}}
	next := mustBe(monotable.NewTable(client, cfg)) // next week's declaration
	changes := mustBe(next.Plan(ctx, client))
	fmt.Print(changes)
	fmt.Println(next.Apply(ctx, client, changes))
	fmt.Println(next.DropIndex(ctx, client, "byLast")) // only by name, and only if it is no longer declared
	// Output:
	// 0 <nil>
	// add the index byTown
	// <nil>
	// <nil>
}
