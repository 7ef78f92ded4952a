package main

import (
	"bytes"
	"flag"
	"log"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/model"
	"github.com/monotable/monotable/monotabletest"
)

var update = flag.Bool("update", false, "write the chart in README.md and testdata/output.txt anew")

const golden = "testdata/output.txt"

func TestStory(t *testing.T) {
	var out strings.Builder
	require.NoError(t, tell(t.Context(), monotabletest.Client(t), log.New(&out, "", 0)))
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(golden), 0o755))
		require.NoError(t, os.WriteFile(golden, []byte(out.String()), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), out.String(), "go test ./examples/cache -update writes it anew")
}

// The chart in the README is what the program declares.
func TestReadmeChart(t *testing.T) {
	c, err := OpenCatalogue(memdb.New(memdb.Options{}).Client(), "cache", nil)
	require.NoError(t, err)
	var chart bytes.Buffer
	require.NoError(t, model.New(c.table).EntityChart(&chart))

	const begins, ends = "<!-- go test ./examples/cache -update writes this -->\n", "<!-- end -->\n"
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	before, rest, ok := strings.Cut(string(text), begins)
	require.True(t, ok)
	_, after, ok := strings.Cut(rest, ends)
	require.True(t, ok)
	want := before + begins + "\n" + chart.String() + "\n" + ends + after
	if *update {
		require.NoError(t, os.WriteFile("README.md", []byte(want), 0o644))
		return
	}
	require.Equal(t, want, string(text), "go test ./examples/cache -update writes it anew")
}

// The Go code of the README is lines of the program, and what it shows of the story is told.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	for language, sources := range map[string][]string{"go": {"catalogue.go", "readthrough/client.go", "readthrough/cache.go"}, "text": {golden}} {
		var text strings.Builder
		for _, file := range sources {
			source, err := os.ReadFile(file)
			require.NoError(t, err)
			text.Write(source)
		}
		parts := strings.Split(string(readme), "```"+language+"\n")
		require.Greater(t, len(parts), 1)
		for _, part := range parts[1:] {
			block, _, _ := strings.Cut(part, "```")
			require.Contains(t, text.String(), block)
		}
	}
}
