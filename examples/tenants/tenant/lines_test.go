package tenant_test

import (
	"fmt"
	"go/format"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The README says how many lines the service has here and on the SDK alone, those with code, after gofmt, and the shop beside it.
func TestLineCounts(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	var together int
	for _, row := range []struct{ what, file, from, to string }{
		{"table, client, errors", "tenant.go", "", ""},
		{"users", "user.go", "\nvar (\n", ""},
		{"organisations", "organization.go", "\nvar (\n", ""},
		{"memberships", "membership.go", "\nvar (\n", ""},
		{"invitations, the schema", "invitation.go", "\nvar (\n", "\n// Invite stores"},
	} {
		n := lines(t, row.file, row.from, row.to)
		together += n
		require.Contains(t, string(readme), fmt.Sprintf("| %s | %d | |\n", row.what, n))
	}
	raw := lines(t, "raw_test.go", "", "") + lines(t, "raw_user_test.go", "\n)\n", "") - 1 + lines(t, "raw_organization_test.go", "\n)\n", "") - 1 // imports once, as here
	require.Contains(t, string(readme), fmt.Sprintf("| together | %d | %d |\n", together, raw))

	shop, err := os.ReadFile("../../shop/README.md")
	require.NoError(t, err)
	counts := regexp.MustCompile(`\| together (\| \d+ \| \d+ \|\n)`).FindSubmatch(shop)
	require.NotNil(t, counts)
	require.Contains(t, string(readme), "| [shop](../shop/README.md), together "+string(counts[1]))
}

// lines counts those of a file, from some text up to another.
func lines(t *testing.T, file, from, to string) (n int) {
	t.Helper()
	source, err := os.ReadFile(file)
	require.NoError(t, err)
	formatted, err := format.Source(source)
	require.NoError(t, err)
	require.Equal(t, string(formatted), string(source))
	begin, end := strings.Index(string(formatted), from), len(formatted)
	require.GreaterOrEqual(t, begin, 0)
	if to != "" {
		end = strings.Index(string(formatted), to)
		require.Greater(t, end, begin)
	}
	for line := range strings.Lines(string(formatted)[begin:end]) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
			n++
		}
	}
	return n
}
