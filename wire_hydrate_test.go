package monotable_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
)

// wirePlace stands in an index in another order than in the table.
type wirePlace struct {
	ID    int     `dynamodbav:"id"`
	Group string  `dynamodbav:"group"`
	Rank  int     `dynamodbav:"rank"`
	Code  shouted `dynamodbav:"code"` // is decoded last
}

type wireRank struct {
	ID   int `dynamodbav:"id"`
	Rank int `dynamodbav:"rank"`
}

// The replies of a batch have an order of their own, and the index another: each item is in its place, once.
func TestWire_HydrateInTheIndexsOrder(t *testing.T) {
	t.Parallel()
	for _, n := range []int{3, 100, 230} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			s := openStore(t, monotable.TableConfig{Indexes: []monotable.Index{{
				Name: "ranks", PartitionKey: "GPK", SortKey: "GSK", Projection: types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
			}}})
			e := mustEntity(t, s.Table, monotable.Schema[wirePlace]{
				Name: "Place", Key: monotable.Key{Partition: "PLACE#{id:04}", Sort: "PLACE"},
				Indexes: map[string]monotable.Key{"ranks": {Partition: "GROUP#{group}", Sort: "{rank:04}"}},
			})
			places := make([]wirePlace, n)
			for i := range places { // the first stays the first, the others run backwards
				places[i] = wirePlace{ID: i, Group: "g", Rank: (n - i) % n, Code: shouted(fmt.Sprint(i))}
			}
			require.NoError(t, e.BatchPut(t.Context(), places))
			for i := range places {
				places[i].Code += "!" // which its marshaler adds
			}
			slices.SortFunc(places, func(a, b wirePlace) int { return cmp.Compare(a.Rank, b.Rank) })
			var ranks []wireRank
			for _, p := range places {
				ranks = append(ranks, wireRank{p.ID, p.Rank})
			}

			q := e.Query(wirePlace{Group: "g"}).Index("ranks").Hydrate()
			got, err := q.Collect(t.Context())
			require.NoError(t, err)
			require.Equal(t, places, got)
			got, err = q.PageSize(n/2 + 1).Collect(t.Context())
			require.NoError(t, err)
			require.Equal(t, places, got)

			page, err := q.Page(t.Context())
			require.NoError(t, err)
			require.Equal(t, places, page.Items)

			seen, err := monotable.As[wireRank](q).Collect(t.Context())
			require.NoError(t, err)
			require.Equal(t, ranks, seen)

			got, err = e.Scan().Index("ranks").Hydrate().Parallel(2).Collect(t.Context())
			require.NoError(t, err)
			require.ElementsMatch(t, places, got)
		})
	}
}

// TestWire_HydrateOfOneItemTwice: an item that stands in a page of an index twice, as it may when it is moved meanwhile, is two values.
func TestWire_HydrateOfOneItemTwice(t *testing.T) {
	type note struct {
		ID   string            `dynamodbav:"id"`
		More map[string]string `dynamodbav:"more"`
	}
	keys := `"PK":{"S":"NOTE#1"},"SK":{"S":"NOTE"},"GPK":{"S":"ALL"}`
	client := dynamodb.New(dynamodb.Options{
		Region: "local", BaseEndpoint: aws.String("http://localhost"), Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""), HTTPClient: scripted{
			"Query":        `{"Count":2,"Items":[{` + keys + `},{` + keys + `}]}`,
			"BatchGetItem": `{"Responses":{"app":[{` + keys + `,"_et":{"S":"Note"},"id":{"S":"1"},"more":{"M":{"a":{"S":"b"}}}}]}}`,
		},
	})
	table, err := monotable.NewTable(client, monotable.TableConfig{Name: "app", PartitionKey: "PK", SortKey: "SK", Indexes: []monotable.Index{{
		Name: "all", PartitionKey: "GPK", Projection: types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
	}}})
	require.NoError(t, err)
	notes := mustEntity(t, table, monotable.Schema[note]{
		Name: "Note", Key: monotable.Key{Partition: "NOTE#{id}", Sort: "NOTE"}, Indexes: map[string]monotable.Key{"all": {Partition: "ALL"}},
	})
	got, err := notes.Query(note{}).Index("all").Hydrate().Collect(t.Context())
	require.NoError(t, err)
	want := note{ID: "1", More: map[string]string{"a": "b"}}
	require.Equal(t, []note{want, want}, got)
	got[0].More["a"] = "c"
	require.Equal(t, want, got[1])
}
