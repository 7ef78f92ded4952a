package main

import (
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTable(t *testing.T) {
	var out strings.Builder
	all, err := run(&out, 1, time.Microsecond, "AttributeValue")
	require.NoError(t, err)
	require.Len(t, all, 2)
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Len(t, lines, 2+2*3, out.String())
	for _, line := range lines {
		require.Equal(t, 8, strings.Count(line, "|"), line)
	}
	require.Contains(t, lines[2], "SDK + attributevalue")
	require.Contains(t, lines[2], "1/1.00")
	_, err = run(&out, 1, time.Microsecond, "(")
	require.Error(t, err)

	root := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(root, "docs"), 0o755))
	for _, name := range []string{"README.md", "docs/performance.md"} {
		require.NoError(t, os.WriteFile(filepath.Join(root, name), []byte("before\n"+begin+"old\n"+end+"\nafter\n"), 0o600))
	}
	require.NoError(t, write(root, out.String(), all))
	for _, name := range []string{"README.md", "docs/performance.md", "docs/performance.svg"} {
		text, err := os.ReadFile(filepath.Join(root, name))
		require.NoError(t, err)
		require.NotContains(t, string(text), "old")
		require.Contains(t, string(text), "guregu/dynamo")
		if filepath.Ext(name) == ".svg" {
			require.NoError(t, xml.Unmarshal(text, new(any)))
			continue
		}
		require.True(t, strings.HasPrefix(string(text), "before\n"))
		require.True(t, strings.HasSuffix(string(text), "\nafter\n"))
	}
	require.ErrorIs(t, replace(filepath.Join(root, "docs/performance.svg"), ""), errNoPlace)
}
