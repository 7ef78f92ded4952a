// Package exampletest has what the tests of the examples share: an example prints its story, and its README shows nothing that is not so.
package exampletest

import (
	"context"
	"flag"
	"io"
	"log"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/monotabletest"
)

var update = flag.Bool("update", false, "write testdata/output.txt and the chart in README.md anew")

const story = "testdata/output.txt"

// Story tells a story on a database of the test's own. What it prints is testdata/output.txt.
func Story(t *testing.T, tell func(ctx context.Context, client *dynamodb.Client, out *log.Logger) error) {
	t.Helper()
	var out strings.Builder
	require.NoError(t, tell(t.Context(), monotabletest.Client(t), log.New(&out, "", 0)))
	same(t, story, out.String())
}

// Chart has a README show a chart, between a comment that says which test writes it and one that ends it.
func Chart(t *testing.T, readme string, chart func(io.Writer) error) {
	t.Helper()
	begins, ends := "<!-- "+command(t)+" writes this -->\n", "<!-- end -->\n"
	before, rest, ok := strings.Cut(read(t, readme), begins)
	require.True(t, ok, "%s has no line %s", readme, begins)
	_, after, ok := strings.Cut(rest, ends)
	require.True(t, ok, "%s has no line %s", readme, ends)
	var made strings.Builder
	require.NoError(t, chart(&made))
	same(t, readme, before+begins+"\n"+made.String()+"\n"+ends+after)
}

// Readme has the Go code of README.md be lines of the sources, and its text what the story tells. There is some of both.
func Readme(t *testing.T, sources ...string) {
	t.Helper()
	readme := read(t, "README.md")
	for language, files := range map[string][]string{"go": sources, "text": {story}} {
		var all strings.Builder
		for _, file := range files {
			all.WriteString(read(t, file))
		}
		parts := strings.Split(readme, "```"+language+"\n")
		require.Greater(t, len(parts), 1, "no block of %s", language)
		for _, part := range parts[1:] {
			block, _, _ := strings.Cut(part, "```")
			require.Contains(t, all.String(), block)
		}
	}
}

// same compares a file with what it must be, or, with -update, makes it so.
func same(t *testing.T, file, want string) {
	t.Helper()
	if *update {
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))  //nolint:gosec // a folder of the sources
		require.NoError(t, os.WriteFile(file, []byte(want), 0o644)) //nolint:gosec // a file of the sources
	}
	require.Equal(t, read(t, file), want, "%s writes %s anew", command(t), file)
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file) //nolint:gosec // a file of the sources
	require.NoError(t, err)
	return string(text)
}

// command is the one that runs the tests of this folder and has them write their files.
func command(t *testing.T) string {
	t.Helper()
	folder, err := os.Getwd()
	require.NoError(t, err)
	folder = filepath.ToSlash(folder)
	at := strings.LastIndex(folder, "/examples/")
	require.GreaterOrEqual(t, at, 0, folder)
	return "go test ." + folder[at:] + " -update"
}
