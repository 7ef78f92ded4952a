package monotable

import (
	"io"
	"strings"
	"testing"

	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/stretchr/testify/require"
)

// Everything is put in once, in the place of its mark, or the request is not sent.
func TestMarks(t *testing.T) {
	items := marked{[]byte(`{"a":1}`), nil, []byte(`{"b":2}`)}
	mark := func(n string) string { return string(markStart) + n + string(markEnd) }
	for name, row := range map[string]struct{ body, want string }{
		"in their places":    {`[` + mark("2") + `,{"c":3},` + mark("0") + `]`, `[{"b":2},{"c":3},{"a":1}]`},
		"one is missing":     {`[` + mark("2") + `]`, ""},
		"one is there twice": {`[` + mark("2") + mark("0") + mark("0") + `]`, ""},
		"one for another":    {`[` + mark("2") + mark("2") + `]`, ""},
		"one is not ours":    {`[` + mark("2") + mark("0") + mark("1") + `]`, ""},
		"out of range":       {`[` + mark("2") + mark("3") + `]`, ""},
		"below it":           {`[` + mark("2") + mark("-1") + `]`, ""},
		"no number":          {`[` + mark("2") + mark("x") + `]`, ""},
		"cut short":          {`[` + mark("2") + string(markStart) + `0`, ""},
	} {
		request, err := smithyhttp.NewStackRequest().(*smithyhttp.Request).SetStream(strings.NewReader(row.body))
		require.NoError(t, err)
		request, err = items.into(request)
		if row.want == "" {
			require.ErrorIs(t, err, errMarks, name)
			continue
		}
		require.NoError(t, err, name)
		body, err := io.ReadAll(request.GetStream())
		require.NoError(t, err)
		require.Equal(t, row.want, string(body), name)
		require.Equal(t, int64(len(row.want)), request.ContentLength, name)
	}
}
