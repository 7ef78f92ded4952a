package migrate_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable/migrate"
)

// However a report, or what failed, is printed or logged: counts and names, no values and no pointers.
func TestReport_PrintsNoValues(t *testing.T) {
	t.Parallel()
	failure := migrate.Failure{Key: attributes{"SK": vS("canary"), "PK": vS("canary")}, Err: errors.New("migrate: why")}
	report := migrate.Report{Scanned: 5, Rewritten: 3, Failed: 2, Overtaken: 1, Segments: 4, Done: 2, Failures: []migrate.Failure{failure, {Key: failure.Key}}}
	const counts = "5 scanned, 3 rewritten, 2 failed, 1 times overtaken, 2 of 4 segments done"
	err := &migrate.FailedError{Name: "plans", Report: report}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		require.Equal(t, counts, fmt.Sprintf(verb, report))
		require.Equal(t, counts, fmt.Sprintf(verb, &report))
		require.Equal(t, "item with the key PK, SK: why", fmt.Sprintf(verb, failure))
		require.NotContains(t, fmt.Sprintf(verb, err), "canary")
		require.NotContains(t, fmt.Sprintf(verb, err), "0x")
	}
	require.Equal(t, "item with the key PK, SK: met by another call", fmt.Sprint(report.Failures[1]))
	require.Equal(t, "0 scanned", fmt.Sprint(migrate.Report{}))
	require.EqualError(t, err, "migrate: plans: 2 of 5 items failed, one of them: why")
	err.Report.Failures[0].Err = nil
	require.EqualError(t, err, "migrate: plans: 2 of 5 items failed")

	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, nil)).Info("done", "report", report, "failure", failure)
	require.Contains(t, out.String(), counts)
	require.NotContains(t, out.String(), "canary")
}
