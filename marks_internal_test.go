package monotable

import (
	"bytes"
	"io"
	"strings"
	"testing"

	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/stretchr/testify/require"
)

// What goes to one table has one mark.
func marksOf(t *testing.T) (m marked) {
	for i, row := range []struct {
		table, part string
		mark        int
		first       bool
	}{{"one", `{"a":1}`, 0, true}, {"other", `{"b":2}`, 1, true}, {"one", `{"c":3}`, 0, false}, {"one", `{"d":4}`, 0, false}} {
		mark, first := m.add(row.table, []byte(row.part), "};{", 3)
		require.Equal(t, row.mark, mark, i)
		require.Equal(t, row.first, first, i)
	}
	return m
}

// Everything is put in once, in the place of its mark, or the request is not sent.
func TestMarks(t *testing.T) {
	items := marksOf(t)
	mark := func(n string) string { return string(markStart) + n + string(markEnd) }
	for name, row := range map[string]struct{ body, want string }{
		"in their places":    {`[` + mark("1") + `,{"x":3},` + mark("0") + `]`, `[{"b":2},{"x":3},{"a":1}};{{"c":3}};{{"d":4}]`},
		"one is missing":     {`[` + mark("1") + `]`, ""},
		"one is there twice": {`[` + mark("1") + mark("0") + mark("0") + `]`, ""},
		"one for another":    {`[` + mark("1") + mark("1") + `]`, ""},
		"one is not ours":    {`[` + mark("1") + mark("0") + mark("2") + `]`, ""},
		"out of range":       {`[` + mark("1") + mark("101") + `]`, ""},
		"below it":           {`[` + mark("1") + mark("-1") + `]`, ""},
		"no number":          {`[` + mark("1") + mark("x") + `]`, ""},
		"cut short":          {`[` + mark("1") + string(markStart) + `0`, ""},
	} {
		room := make([]byte, 3, 64)
		for _, stream := range []io.Reader{strings.NewReader(row.body), bytes.NewReader([]byte(row.body))} {
			request, err := smithyhttp.NewStackRequest().(*smithyhttp.Request).SetStream(stream)
			require.NoError(t, err)
			request, err = items.into(request, &room)
			if row.want == "" {
				require.ErrorIs(t, err, errMarks, name)
				continue
			}
			require.NoError(t, err, name)
			for range 2 { // an attempt and a retry
				require.NoError(t, request.RewindStream(), name)
				body, err := io.ReadAll(request.GetStream())
				require.NoError(t, err)
				require.Equal(t, row.want, string(body), name)
			}
			require.NoError(t, request.RewindStream(), name)
			n, known, err := request.StreamLength()
			require.NoError(t, err)
			require.True(t, known)
			require.Equal(t, int64(len(row.want)), n, name)
			require.Equal(t, int64(len(row.want)), request.ContentLength, name)
		}
	}
}
