package tenant

import (
	"bytes"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/model"
)

// The chart in the README is that of the declaration.
func TestReadmeChart(t *testing.T) {
	s, err := New(memdb.New(memdb.Options{}).Client(), Options{Table: "tenants", CursorSecret: make([]byte, 32)})
	require.NoError(t, err)
	var chart bytes.Buffer
	require.NoError(t, model.New(s.table).EntityChart(&chart))
	readme, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	require.Contains(t, string(readme), chart.String())
}
