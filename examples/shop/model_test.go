package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/model"
)

// What a page says of the access patterns: each is one request, none reads more than it returns.
func TestPatternsAreCheap(t *testing.T) {
	s := declared(t)
	for _, step := range []model.Explainer{
		s.Users.GetOp(s.profile("any"), new(User)), s.account("any"), s.history("any"), s.Orders.GetOp(s.order("any"), new(Order)),
		s.invoice("any"), s.Products.GetOp(s.product("any"), new(Product)), s.withStatus("any"), s.featured(), s.months("any", "2026"),
	} {
		plan, err := step.Explain()
		require.NoError(t, err)
		require.Equal(t, 1, plan.Requests, plan.String())
		require.Empty(t, plan.Warnings, plan.String())
		require.Empty(t, plan.Filter, plan.String())
	}
}

func TestModelCommand(t *testing.T) {
	dir := t.TempDir()
	for _, row := range []struct{ file, begins string }{
		{"model.html", "<!DOCTYPE html>"},
		{"model.md", "# Shop\n"},
		{"model.mmd", "flowchart LR\n"},
		{"model.workbench.json", "{\n  \"ModelName\": \"Shop\""},
		{"template.json", "{\n  \"AWSTemplateFormatVersion\""},
	} {
		file := filepath.Join(dir, row.file)
		require.NoError(t, run(t.Context(), []string{"model", "-o", file}, io.Discard))
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(string(text), row.begins), row.file)
		if strings.HasSuffix(row.file, ".json") {
			require.True(t, json.Valid(text), row.file)
		}
	}
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"model"}, &out))
	require.True(t, strings.HasPrefix(out.String(), "<!DOCTYPE html>"))
	out.Reset()
	file := filepath.Join(dir, "diagram")
	require.NoError(t, run(t.Context(), []string{"model", "-o", file, "-format", "mermaid"}, &out))
	require.Empty(t, out.String())
	require.FileExists(t, file)
}

func TestModelCommandMistakes(t *testing.T) {
	for _, args := range [][]string{
		{"sell"}, {"model", "-format", "pdf"}, {"model", "-o", "model.pdf"}, {"model", "-o", "model"}, {"model", "extra"}, {"model", "-o", filepath.Join(t.TempDir(), "nowhere", "model.html")},
	} {
		require.Error(t, run(t.Context(), args, io.Discard), args)
	}
	require.NoFileExists(t, "model.pdf")
}

func declared(t *testing.T) *Store {
	t.Helper()
	s, err := openStore(memdb.New(memdb.Options{}).Client(), Options{Table: "shop", CursorSecret: make([]byte, 32)})
	require.NoError(t, err)
	return s
}
