package monotable_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// docs/faults.md is held to the tests: it has every number once, and what it names is there to be run.

const (
	faultNumbers = 143 // a new fault takes the next one
	faultReasons = 10  // so many rows may say why there is no test
)

var (
	faultRow  = regexp.MustCompile(`^\| F(\d{3}) \| (.+) \| (.+) \| (.+) \|$`)
	faultTest = regexp.MustCompile("^`([\\w./-]+)\\.(Test\\w+)`$")
)

func TestFaultsHaveTests(t *testing.T) {
	tests := testNames(t)
	next, reasons := 1, 0
	for line := range strings.Lines(readDocument(t, "docs/faults.md")) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "| F") {
			continue
		}
		row := faultRow.FindStringSubmatch(line)
		require.NotNil(t, row, "not a row of number, fault, answer and tests: %s", line)
		require.Equal(t, fmt.Sprintf("%03d", next), row[1], "the numbers go on without gaps: %s", line)
		next++
		for _, cell := range row[2:] {
			require.NotEmpty(t, strings.TrimSpace(cell), "an empty cell: %s", line)
		}
		if reason, ok := strings.CutPrefix(row[4], "Does not apply: "); ok {
			require.Greater(t, len(reason), 20, "no reason: %s", line)
			reasons++
			continue
		}
		for name := range strings.SplitSeq(row[4], ", ") {
			found := faultTest.FindStringSubmatch(name)
			require.NotNil(t, found, "F%s: %s is not `folder.TestName`", row[1], name)
			require.True(t, tests[found[1]+"."+found[2]], "F%s: there is no test %s", row[1], name)
		}
	}
	require.Equal(t, faultNumbers, next-1, "rows")
	require.LessOrEqual(t, reasons, faultReasons, "too many reasons in the place of tests")
}

// Tests that SECURITY.md names stand in the files it links them to.
func TestSecurityNamesTests(t *testing.T) {
	tests := testNames(t)
	link := regexp.MustCompile(`\[([^\]]*Test[^\]]*)\]\(([\w./]+_test\.go)\)`)
	name := regexp.MustCompile("`(Test\\w+)(…?)`")
	links := link.FindAllStringSubmatch(readDocument(t, "SECURITY.md"), -1)
	require.Greater(t, len(links), 15)
	for _, l := range links {
		source := readDocument(t, l[2])
		for _, found := range name.FindAllStringSubmatch(l[1], -1) {
			if found[2] != "" {
				require.Contains(t, source, "\nfunc "+found[1], "%s", l[2])
				continue
			}
			require.Contains(t, source, "\nfunc "+found[1]+"(t ", "%s", l[2])
			folder := path.Dir(l[2])
			if folder == "." {
				folder = "monotable"
			}
			require.True(t, tests[folder+"."+found[1]], found[1])
		}
	}
}

// testNames are all tests of the repository, nested modules included, as go test -list tells them: "migrate.TestDeletePartition".
func testNames(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	files := token.NewFileSet()
	err := filepath.WalkDir(".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := entry.Name(); entry.IsDir() && (name == "testdata" || strings.HasPrefix(name, ".") && name != ".") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(file, "_test.go") {
			return nil
		}
		source, err := parser.ParseFile(files, file, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		folder := path.Dir(filepath.ToSlash(file))
		if folder == "." {
			folder = "monotable"
		}
		for _, decl := range source.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && isTest(f) {
				names[folder+"."+f.Name.Name] = true
			}
		}
		return nil
	})
	require.NoError(t, err)
	require.Greater(t, len(names), 500)
	return names
}

// isTest says whether go test would run the function.
func isTest(f *ast.FuncDecl) bool {
	rest, ok := strings.CutPrefix(f.Name.Name, "Test")
	first, _ := utf8.DecodeRuneInString(rest)
	return ok && !unicode.IsLower(first) && f.Recv == nil && len(f.Type.Params.List) == 1 && f.Name.Name != "TestMain"
}
