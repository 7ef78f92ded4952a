package monotable_test

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/monotable/monotable"
)

type Reading struct {
	Sensor string    `dynamodbav:"sensor"`
	Level  int       `dynamodbav:"level"`
	At     time.Time `dynamodbav:"at"`
}

var (
	readingSensor = monotable.Field(func(r *Reading) *string { return &r.Sensor })
	readingLevel  = monotable.Field(func(r *Reading) *int { return &r.Level })
)

// {level:04} pads to four digits, so that levels sort as numbers do, negative ones too.
func ExampleKey() {
	ctx := context.Background()
	readings := monotable.MustEntity(exampleTable(), monotable.Schema[Reading]{
		Name: "Reading",
		Key:  monotable.Key{Partition: "SENSOR#{sensor}", Sort: "LEVEL#{level:04}"},
	})
	for _, level := range []int{9, -3, 120, 10} {
		seed(readings, Reading{Sensor: "s1", Level: level})
	}

	found, err := readings.Query(Reading{Sensor: "s1"}).SortKey(readingLevel.Ge(-5)).Collect(ctx)
	for _, r := range found {
		fmt.Print(r.Level, " ")
	}
	fmt.Println(err)
	_, err = readings.Get(ctx, Reading{Sensor: "s1", Level: 12345})
	fmt.Println(err)
	// Output:
	// -3 9 10 120 <nil>
	// monotable: Get Reading: invalid: key SK: level: has more digits than {level:04} holds
}

// A key is what the template says, and can be read back. The delimiter is refused in values, so that
// no two records ever share a key; Escaped allows it, where values need it.
func ExampleEntity_Key() {
	schema := monotable.Schema[Reading]{
		Name: "Reading",
		Key:  monotable.Key{Partition: "SENSOR#{sensor}", Sort: "AT#{at}"},
	}
	at := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	readings := monotable.MustEntity(exampleTable(), schema)

	_, err := readings.Key(Reading{Sensor: "roof#2", At: at})
	fmt.Println(err)

	schema.Rules = []monotable.Rule[Reading]{readingSensor.Escaped()}
	readings = monotable.MustEntity(exampleTable(), schema)
	key, err := readings.Key(Reading{Sensor: "roof#2", At: at})
	fmt.Println(key["PK"].(*types.AttributeValueMemberS).Value, err)
	fmt.Println(key["SK"].(*types.AttributeValueMemberS).Value)

	r, err := readings.ParseKey(key)
	fmt.Println(r.Sensor, r.At.Equal(at), err)
	// Output:
	// monotable: Key Reading: invalid: key PK: sensor: contains the delimiter '#': mark the attribute Escaped()
	// SENSOR#roof$232 <nil>
	// AT#2026-11-21T12:00:00.000000000Z
	// roof#2 true <nil>
}

type Match struct {
	ID         string `dynamodbav:"matchId"`
	Tournament string `dynamodbav:"tournament"`
	Region     string `dynamodbav:"region"`
	Score      int    `dynamodbav:"score"`
}

var matchScore = monotable.Field(func(m *Match) *int { return &m.Score })

// An index of several attributes needs no template: its keys are attributes of T.
func ExampleIndex() {
	ctx := context.Background()
	table := exampleTableOf(monotable.TableConfig{
		PartitionKey: "PK",
		Indexes: []monotable.Index{{
			Name:          "byRegion",
			PartitionKeys: []monotable.KeyAttribute{{Name: "tournament"}, {Name: "region"}},
			SortKeys:      []monotable.KeyAttribute{{Name: "score", Type: types.ScalarAttributeTypeN}},
		}},
	})
	matches := monotable.MustEntity(table, monotable.Schema[Match]{
		Name: "Match",
		Key:  monotable.Key{Partition: "MATCH#{matchId}"},
	})
	seed(
		matches,
		Match{ID: "1", Tournament: "winter", Region: "eu", Score: 9},
		Match{ID: "2", Tournament: "winter", Region: "eu", Score: 31},
		Match{ID: "3", Tournament: "winter", Region: "us", Score: 40},
	)

	best, err := matches.Query(Match{Tournament: "winter", Region: "eu"}).Index("byRegion").
		SortKey(matchScore.Ge(10)).Descending().First(ctx)
	fmt.Println(best.ID, best.Score, err)
	// Output:
	// 2 31 <nil>
}

// A scoped table reaches only items whose partition key is a prefix or goes on behind it after
// a delimiter: one tenant's, not those of tenant 77.
func ExampleTable_Scoped() {
	ctx := context.Background()
	type Doc struct {
		Tenant string `dynamodbav:"tenant"`
		ID     string `dynamodbav:"docId"`
	}
	schema := monotable.Schema[Doc]{Name: "Doc", Key: monotable.Key{Partition: "TENANT#{tenant}#DOCS", Sort: "{docId}"}}
	table := exampleTable()
	seed(monotable.MustEntity(table, schema), Doc{"7", "a"}, Doc{"77", "b"})

	docs := monotable.MustEntity(table.Scoped("TENANT#7"), schema)
	n, err := docs.Scan().Count(ctx)
	fmt.Println(n, err)
	_, err = docs.Get(ctx, Doc{Tenant: "77", ID: "b"})
	fmt.Println(err)
	// Output:
	// 1 <nil>
	// monotable: Get Doc: invalid: the partition key is outside the scope of this table
}
