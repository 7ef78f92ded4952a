package model_test

import (
	"fmt"
	"os"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/model"
)

type song struct {
	Album string `dynamodbav:"album"`
	Track int    `dynamodbav:"track"`
	Title string `dynamodbav:"title"`
}

// exampleSongs is a small table with one entity.
func exampleSongs() (*monotable.Table, *monotable.Entity[song]) {
	table, err := monotable.NewTable(memdb.New(memdb.Options{}).Client(), monotable.TableConfig{Name: "music", PartitionKey: "PK", SortKey: "SK"})
	if err != nil {
		panic(err)
	}
	return table, monotable.MustEntity(table, monotable.Schema[song]{Name: "Song", Key: monotable.Key{Partition: "ALBUM#{album}", Sort: "TRACK#{track:02}"}})
}

// A page for a wiki. HTML writes the same for a browser.
func ExampleModel_Markdown() {
	table, songs := exampleSongs()
	m := model.New(table, model.Title("Music"))
	m.Pattern("Songs of an album", "In the order of their tracks.", songs.Query(song{Album: "any"}))
	if err := m.Markdown(os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// # Music
	//
	// Table `music`, 1 entity, 0 indexes. The type of an item is in `_et`.
	//
	// ## Entity chart
	//
	// | Entity | `PK` | `SK` |
	// |---|---|---|
	// | Song | `ALBUM#{album}` | `TRACK#{track:02}` |
	//
	// ## Partitions
	//
	// What stands in one box is read by one Query.
	//
	// ```mermaid
	// flowchart LR
	//   subgraph i0["Table music"]
	//     direction LR
	//     i0p0(["PK = ALBUM#35;{album}"])
	//     i0p0 --> i0p0e0["Song<br/>SK = TRACK#35;{track:02}"]
	//   end
	// ```
	//
	// ## Access patterns
	//
	// | # | Pattern | Operation | On | Key condition | Filter and more | Requests | Warnings |
	// |---|---|---|---|---|---|---|---|
	// | 1 | **Songs of an album**<br>In the order of their tracks. | Query | table | `PK = ? AND begins_with(SK, ?)` | key `PK = ALBUM#{album}, SK = TRACK#{track:02}` | 1 or more | |
	//
	// ## Entities
	//
	// ### Song
	//
	// Go type `model_test.song`.
	//
	// | Attribute | Type | Go type | Rules |
	// |---|---|---|---|
	// | `album` | String | `string` | |
	// | `track` | Number | `int` | |
	// | `title` | String | `string` | |
}

// A pattern that would be refused is an error before anything is written.
func ExampleModel_Pattern() {
	table, songs := exampleSongs()
	m := model.New(table)
	m.Pattern("Songs of an album", "", songs.Query(song{}))
	fmt.Println(m.HTML(os.Stdout))
	// Output: model: pattern "Songs of an album": monotable: invalid: PK, the partition key, needs album
}

// The chart alone, for a README that a test keeps up to date.
func ExampleModel_EntityChart() {
	table, _ := exampleSongs()
	if err := model.New(table).EntityChart(os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// | Entity | `PK` | `SK` |
	// |---|---|---|
	// | Song | `ALBUM#{album}` | `TRACK#{track:02}` |
}
