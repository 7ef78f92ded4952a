package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/examples/internal/exampletest"
	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/model"
)

func TestStory(t *testing.T) {
	exampletest.Story(t, tell)
}

// The chart in the README is that of the declaration.
func TestReadmeChart(t *testing.T) {
	s, err := openStore(memdb.New(memdb.Options{}).Client(), Options{Table: "forum", CursorSecret: make([]byte, 32)})
	require.NoError(t, err)
	exampletest.Chart(t, "README.md", model.New(s.table).EntityChart)
}

// The Go code of the README is lines of the program, and what it shows of the story is told.
func TestReadme(t *testing.T) {
	exampletest.Readme(t, "entities.go", "store.go", "post.go", "main.go")
}
