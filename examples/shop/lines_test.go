package main

import (
	"fmt"
	"go/format"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The README says how many lines the shop has here and on the SDK alone: those with code, after gofmt, without the types of what is kept, which both use.
func TestLineCounts(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	declared := lines(t, "entities.go", "\nvar (\n")
	require.Contains(t, string(readme), fmt.Sprintf("| schemas, with rules that the SDK alone does not have | %d | |\n", declared))
	require.Contains(t, string(readme), fmt.Sprintf("| table and access patterns | %d | |\n", lines(t, "store.go", "")))
	require.Contains(t, string(readme), fmt.Sprintf("| orders | %d | |\n", lines(t, "order.go", "")))
	require.Contains(t, string(readme), fmt.Sprintf("| together | %d | %d |\n", declared+lines(t, "store.go", "")+lines(t, "order.go", ""), lines(t, "raw_test.go", "")))
}

// lines counts those of a file, from some text on.
func lines(t *testing.T, file, from string) (n int) {
	t.Helper()
	source, err := os.ReadFile(file)
	require.NoError(t, err)
	formatted, err := format.Source(source)
	require.NoError(t, err)
	require.Equal(t, string(formatted), string(source))
	at := strings.Index(string(formatted), from)
	require.GreaterOrEqual(t, at, 0)
	for line := range strings.Lines(string(formatted)[at:]) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
			n++
		}
	}
	return n
}
