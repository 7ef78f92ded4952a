package api_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/internal/api"
)

// A repository with two modules, in which only three packages are for others.
var repository = map[string]string{
	"go.mod":                   "module example.com/me/it\n\ngo 1.26\n",
	"it.go":                    "package it\n\nimport \"example.com/me/it/internal/deep\"\n\nvar V deep.T\n\nfunc F() {}\n",
	"sub/sub.go":               "package sub\n\nfunc G() {}\n",
	"internal/deep/deep.go":    "package deep\n\ntype T struct{ A int }\n\nfunc Unseen() {}\n",
	"examples/shop/x/x.go":     "package x\n\nfunc Example() {}\n",
	"cmd/tool/main.go":         "package main\n\nfunc main() {}\n",
	"tests/only_test.go":       "package tests\n",
	"nested/go.mod":            "module example.com/me/it/nested\n\ngo 1.26\n",
	"nested/nested.go":         "package nested\n\nconst C = 1\n",
	"bench/go.mod":             "module example.com/me/it/bench\n\ngo 1.26\n",
	"bench/work/work.go":       "package work\n\nfunc Work() {}\n",
	"examples/deep/far/go.mod": "module example.com/me/it/examples/deep/far\n\ngo 1.26\n",
}

func TestCheck(t *testing.T) {
	dir := t.TempDir()
	for name, text := range repository {
		write(t, dir, name, text)
	}
	var out strings.Builder
	require.NoError(t, api.Update(&out, dir))
	require.Equal(t, map[string]string{
		"it.txt":        "func F()\ntype example.com/me/it/internal/deep.T struct\ntype example.com/me/it/internal/deep.T struct, A int\ntype example.com/me/it/internal/deep.T, comparable\nvar V example.com/me/it/internal/deep.T\n",
		"it.sub.txt":    "func G()\n",
		"it.nested.txt": "const C untyped int = 1\n",
	}, files(t, dir))

	check := func() (string, error) {
		var out strings.Builder
		err := api.Check(&out, dir)
		return out.String(), err
	}
	said, err := check()
	require.NoError(t, err)
	require.Equal(t, "3 packages, 7 lines\n", said)

	// Additions pass, and leave what is compared with as it is.
	write(t, dir, "nested/more.go", "package nested\n\nfunc More() {}\n")
	write(t, dir, "new/new.go", "package new\n\nfunc New() {}\n")
	said, err = check()
	require.NoError(t, err)
	require.Equal(t, "api/it.nested.txt\n+ func More()\napi/it.new.txt\n+ func New()\n4 packages, 9 lines\n", said)
	require.Len(t, files(t, dir), 3)

	// What is gone does not, be it a name or a package.
	write(t, dir, "it.go", "package it\n\nfunc F(int) {}\n")
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "sub")))
	said, err = check()
	require.ErrorIs(t, err, api.ErrIncompatible)
	require.Contains(t, said, "api/it.txt\n- func F()\n- type example.com")
	require.Contains(t, said, "+ func F(int)\n")
	require.Contains(t, said, "api/it.sub.txt\n- func G()\n")

	require.NoError(t, api.Update(&out, dir))
	require.Equal(t, map[string]string{
		"it.txt":        "func F(int)\n",
		"it.new.txt":    "func New()\n",
		"it.nested.txt": "const C untyped int = 1\nfunc More()\n",
	}, files(t, dir))
	_, err = check()
	require.NoError(t, err)

	// Source that does not compile is no change of the API, and nothing to compare with is not "all is new".
	write(t, dir, "it.go", "package it\n\nfunc F( {}\n")
	_, err = check()
	require.Error(t, err)
	require.NotErrorIs(t, err, api.ErrIncompatible)
	write(t, dir, "it.go", repository["it.go"])
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "api")))
	_, err = check()
	require.ErrorContains(t, err, "api")
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	name = filepath.Join(dir, filepath.FromSlash(name))
	require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
	require.NoError(t, os.WriteFile(name, []byte(text), 0o644))
}

func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(dir, "api"))
	require.NoError(t, err)
	found := map[string]string{}
	for _, entry := range entries {
		text, err := os.ReadFile(filepath.Join(dir, "api", entry.Name()))
		require.NoError(t, err)
		found[entry.Name()] = string(text)
	}
	return found
}
