// Package docs_test runs what the guide shows.
package docs_test

import (
	"context"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var ctx = context.Background()

// The Go blocks of the guide are lines of this folder's tests, word for word: declarations, or lines of an example whose output is
// checked, or of a test. Change those first.

var (
	goBlock   = regexp.MustCompile("(?ms)^```go\n(.*?\n)```$")
	textBlock = regexp.MustCompile("(?ms)^```text\n(.*?\n)```$")
)

func TestGuideCodeRuns(t *testing.T) {
	pages, err := filepath.Glob("*.md")
	require.NoError(t, err)
	require.Greater(t, len(pages), 9)
	sources := testSources(t)
	for _, page := range pages {
		text := read(t, page)
		for _, match := range goBlock.FindAllStringSubmatch(text, -1) {
			block := match[1]
			formatted, err := format.Source([]byte(block))
			require.NoError(t, err, "%s: %s", page, block)
			require.Equal(t, string(formatted), block, "%s: not as gofmt has it", page)
			require.True(t, sources.run(block), "%s: not lines of an example with output, a test or a declaration here:\n%s", page, block)
		}
		for _, match := range textBlock.FindAllStringSubmatch(text, -1) {
			printed := "// Output:\n// " + strings.Join(trimmed(match[1]), "\n// ") + "\n}"
			require.Contains(t, sources.outputs, strings.ReplaceAll(printed, " \n", "\n"), "%s: no example prints this", page)
		}
		if page == "faults.md" {
			continue
		}
		require.NotEmpty(t, goBlock.FindString(text), "%s shows no code", page)
		lines := strings.Count(text, "\n")
		require.True(t, lines >= 80 && lines <= 250, "%s has %d lines", page, lines)
		require.True(t, strings.Contains(read(t, "../README.md"), "(docs/"+page+")"), "README.md does not lead to %s", page)
	}
}

// sources are files of tests, by what runs in them.
type sources struct {
	lines []string // trimmed, of all files
	runs  []bool   // the line is part of what is run, or of a declaration

	outputs string // the lines, with one blank between the words of a comment
}

// run says whether a block is lines that run.
func (s *sources) run(block string) bool {
	want := trimmed(block)
	for i := range s.lines {
		if i+len(want) > len(s.lines) {
			break
		}
		found := true
		for j, line := range want {
			if s.lines[i+j] != line || !s.runs[i+j] {
				found = false
				break
			}
		}
		if found {
			return true
		}
	}
	return false
}

func testSources(t *testing.T) *sources {
	t.Helper()
	files, err := filepath.Glob("*_test.go")
	require.NoError(t, err)
	all := &sources{}
	for _, file := range files {
		text := read(t, file)
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, file, text, parser.ParseComments)
		require.NoError(t, err)
		lines := trimmed(text)
		runs := make([]bool, len(lines))
		for _, decl := range parsed.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && strings.HasPrefix(f.Name.Name, "Example") && !hasOutput(parsed, f) {
				continue // compiled, not run
			}
			from, to := set.Position(decl.Pos()).Line, set.Position(decl.End()).Line
			if doc := docOf(decl); doc != nil {
				from = set.Position(doc.Pos()).Line
			}
			for line := from; line <= min(to+1, len(lines)); line++ { // and the empty line behind it
				runs[line-1] = line <= to || lines[line-1] == ""
			}
		}
		all.lines = append(append(all.lines, lines...), "// end of "+file)
		all.runs = append(append(all.runs, runs...), false)
	}
	all.outputs = regexp.MustCompile(`(?m)^//[ \t]+`).ReplaceAllString(strings.Join(all.lines, "\n"), "// ")
	return all
}

func docOf(decl ast.Decl) *ast.CommentGroup {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		return d.Doc
	case *ast.GenDecl:
		return d.Doc
	}
	return nil
}

// hasOutput says whether go test runs an example.
func hasOutput(file *ast.File, f *ast.FuncDecl) bool {
	for _, group := range file.Comments {
		if group.Pos() > f.Body.Pos() && group.End() < f.Body.End() && strings.HasPrefix(group.Text(), "Output:") {
			return true
		}
	}
	return false
}

func trimmed(text string) []string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return lines
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	return strings.ReplaceAll(string(text), "\r\n", "\n")
}
