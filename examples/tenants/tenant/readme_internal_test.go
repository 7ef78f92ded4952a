package tenant

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/examples/internal/exampletest"
	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/model"
)

// The chart in the README is that of the declaration.
func TestReadmeChart(t *testing.T) {
	s, err := New(memdb.New(memdb.Options{}).Client(), Options{Table: "tenants", CursorSecret: make([]byte, 32)})
	require.NoError(t, err)
	exampletest.Chart(t, "../README.md", model.New(s.table).EntityChart)
}
