package main

import (
	"flag"
	"log"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write testdata/output.txt anew")

const golden = "testdata/output.txt"

func TestTour(t *testing.T) {
	var out strings.Builder
	require.NoError(t, tour(t.Context(), newStore(t), log.New(&out, "", 0)))
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(out.String()), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), out.String(), "go test ./examples/quickstart -update writes it anew")
}
