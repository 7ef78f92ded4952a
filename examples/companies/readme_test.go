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
	require.Equal(t, string(want), out.String(), "go test ./examples/companies -update writes it anew")
}

const (
	chartBegins = "<!-- go test ./examples/companies -update writes this -->\n"
	chartEnds   = "<!-- end -->\n"
)

// The chart in the README is that of the declaration.
func TestReadmeChart(t *testing.T) {
	s, err := openStore(memdb.New(memdb.Options{}).Client(), Options{Table: "companies"})
	require.NoError(t, err)
	var chart bytes.Buffer
	require.NoError(t, model.New(s.table).EntityChart(&chart))
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	before, rest, ok := strings.Cut(string(text), chartBegins)
	require.True(t, ok)
	_, after, ok := strings.Cut(rest, chartEnds)
	require.True(t, ok)
	want := before + chartBegins + "\n" + chart.String() + "\n" + chartEnds + after
	if *update {
		require.NoError(t, os.WriteFile("README.md", []byte(want), 0o644))
		return
	}
	require.Equal(t, want, string(text), "go test ./examples/companies -update writes it anew")
}

// The Go code of the README is lines of the program, and what it shows of the story is told.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	for language, sources := range map[string][]string{"go": {"entities.go", "store.go", "relation.go", "migrations.go"}, "text": {golden}} {
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
