package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTable(t *testing.T) {
	var out strings.Builder
	require.NoError(t, run(&out, 1, time.Microsecond, "AttributeValue"))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.Len(t, lines, 2+2*3, out.String())
	for _, line := range lines {
		require.Equal(t, 8, strings.Count(line, "|"), line)
	}
	require.Contains(t, lines[2], "SDK + attributevalue")
	require.Contains(t, lines[2], "1/1.00")
	require.Error(t, run(&out, 1, time.Microsecond, "("))
}
