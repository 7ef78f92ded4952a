package raw_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/internal/raw"
)

// An update is full before DynamoDB refuses it, and not long before.
func TestF113_Full(t *testing.T) {
	for name, row := range map[string]struct {
		add    func(u *raw.Update, name string)
		fewest int
	}{
		"equal":  {func(u *raw.Update, name string) { u.Equal(raw.Text("x"), name) }, 149},
		"absent": {func(u *raw.Update, name string) { u.Absent(name) }, 125},
		"after many values": {func(u *raw.Update, name string) {
			for i := range 10 {
				u.Set(raw.Text("x"), fmt.Sprint(name, "-", i))
			}
			u.Equal(raw.Text("x"), name)
		}, 149},
	} {
		u, n := raw.NewUpdate(), 0
		for ; !u.Full(); n++ {
			row.add(u, fmt.Sprint("attribute", n))
		}
		text := *u.Condition()
		require.LessOrEqual(t, len(text), 4096, name)
		require.LessOrEqual(t, strings.Count(text, "=")+strings.Count(text, "attribute_")+strings.Count(text, " AND "), 300, name)
		require.GreaterOrEqual(t, n, row.fewest, name)
	}
	u := raw.NewUpdate()
	for i := 0; len(*u.Expression()) < 4050; i++ {
		u.Set(raw.Text("x"), fmt.Sprint(i))
		require.False(t, u.TooLong())
	}
	for i := range 20 {
		u.Remove(fmt.Sprint("r", i))
	}
	require.True(t, u.TooLong())
}
