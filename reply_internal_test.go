package monotable

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func init() {
	released = func(body []byte) {
		for i := range body {
			body[i] = 0xFF
		}
	}
}

// The count stands at either end of an answer; what looks like one in the middle of something is none.
func TestCountIn(t *testing.T) {
	digits := strings.Repeat("7", 10<<10)
	for body, want := range map[string]int{
		`{"Count":12,"Items":[],"ScannedCount":34}`:       12,
		`{"Items":["` + digits + `"],"Count":56}`:         56,
		`{"Items":["` + digits + `"]}`:                    0,
		`{"Item":{"a":{"N":"` + digits[:3<<10] + `"}}}`:   0,
		`{"Items":[{"Count":{"N":"1"}}],"Count":9999999}`: 0,
	} {
		require.Equal(t, want, countIn([]byte(body)), "%.40s", body)
	}
}
