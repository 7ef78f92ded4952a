package main

import (
	"testing"

	"github.com/monotable/monotable/examples/internal/exampletest"
)

func TestStory(t *testing.T) {
	exampletest.Story(t, tell)
}

// The chart in the README is the one that the program makes.
func TestReadmeChart(t *testing.T) {
	exampletest.Chart(t, "README.md", shopModel(declared(t)).EntityChart)
}

// The Go code of the README is lines of the program, and what it shows of the story is told.
func TestReadme(t *testing.T) {
	exampletest.Readme(t, "entities.go", "store.go", "order.go")
}
