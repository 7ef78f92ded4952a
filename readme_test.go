package monotable_test

import (
	"errors"
	"go/format"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

// The documents are held to the code: a Go block in them is lines of an example or test, word for word, so it
// compiles and runs; what a program prints is what the golden file says; links lead somewhere.

var documents = []string{"README.md", "CONTRIBUTING.md", "examples/quickstart/README.md"}

// otherDocuments check their own blocks.
func otherDocuments(t *testing.T) []string {
	examples, err := filepath.Glob("examples/*/README.md")
	require.NoError(t, err)
	require.NotEmpty(t, examples)
	guide, err := filepath.Glob("docs/*.md")
	require.NoError(t, err)
	require.NotEmpty(t, guide)
	return append(slices.Concat(examples, guide), "dockertest/README.md", "CHANGELOG.md", "SECURITY.md")
}

func TestReadmeCodeIsCompiled(t *testing.T) {
	var sources []string
	for _, pattern := range []string{"example_*_test.go", "example_test.go", "readme_test.go", "examples/quickstart/*.go"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, files, pattern)
		for _, file := range files {
			sources = append(sources, readDocument(t, file))
		}
	}
	for _, document := range documents {
		for _, block := range blocks(t, document, "go") {
			require.True(t, anyContains(sources, block), "%s: this Go code is not lines of an example or test:\n%s", document, block)
			formatted, err := format.Source([]byte(block))
			require.NoError(t, err, document)
			require.Equal(t, string(formatted), block, "%s: not formatted by gofmt", document)
		}
	}
	require.NotEmpty(t, blocks(t, "README.md", "go"))
}

func TestReadmeOutputIsReal(t *testing.T) {
	output := []string{readDocument(t, "examples/quickstart/testdata/output.txt")}
	for _, document := range documents {
		for _, block := range blocks(t, document, "text") {
			require.True(t, anyContains(output, block), "%s: examples/quickstart does not print this:\n%s", document, block)
		}
	}
}

var (
	blockPattern = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?\n)```$")
	linkPattern  = regexp.MustCompile(`\]\(([^)#\s]+)[^)]*\)`)
	codePattern  = regexp.MustCompile("`[^`\n]*`")
	filePattern  = regexp.MustCompile("`([\\w./-]+\\.go)`")
)

// Links lead to files, and files that are named exist.
func TestReadmeLinks(t *testing.T) {
	for _, document := range slices.Concat(documents, otherDocuments(t)) {
		prose := blockPattern.ReplaceAllString(readDocument(t, document), "")
		named := filePattern.FindAllStringSubmatch(prose, -1)
		links := linkPattern.FindAllStringSubmatch(codePattern.ReplaceAllString(prose, ""), -1)
		for _, link := range append(named, links...) {
			if strings.Contains(link[1], "://") {
				continue
			}
			_, err := os.Stat(filepath.Join(filepath.Dir(document), link[1]))
			require.NoError(t, err, "%s: %s", document, link[1])
		}
	}
}

func blocks(t *testing.T, document, language string) []string {
	t.Helper()
	var found []string
	for _, match := range blockPattern.FindAllStringSubmatch(readDocument(t, document), -1) {
		if match[1] == language {
			found = append(found, match[2])
		}
	}
	return found
}

func readDocument(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return strings.ReplaceAll(string(text), "\r\n", "\n")
}

// anyContains says whether whole lines of a text are the block, however deep they are indented.
func anyContains(texts []string, block string) bool {
	for _, text := range texts {
		if strings.Contains("\n"+unindented(text)+"\n", "\n"+unindented(block)+"\n") {
			return true
		}
	}
	return false
}

func unindented(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, "\n")
}

// README.md shows this test as how to test one's own code.
func TestOrders(t *testing.T) {
	table := monotabletest.Table(t, monotable.TableConfig{PartitionKey: "PK", SortKey: "SK"})
	orders := monotable.MustEntity(table, orderSchema)

	_, err := orders.Create(t.Context(), Order{UserID: "ann", ID: "2026-001"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = orders.Create(t.Context(), Order{UserID: "ann", ID: "2026-001"})
	if !errors.Is(err, monotable.ErrAlreadyExists) {
		t.Fatal("stored twice:", err)
	}
}
