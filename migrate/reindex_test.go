package migrate_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/migrate"
	"github.com/monotable/monotable/monotabletest"
)

func TestF111_ReindexCrashAtEveryRequest(t *testing.T) {
	t.Parallel()
	for name, rules := range map[string][]monotable.Rule[citizen]{"plain": nil, "versioned": {versionedCitizens()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			old, today := oldCitizens(rules...), todaysCitizens(rules...)
			crashEverywhere(t, func(w *town) { w.settle(30, old) },
				func(ctx context.Context, w *town, client monotable.Client) error {
					report, err := migrate.Reindex(ctx, w.store(client), w.as(client, today),
						migrate.Segments(2), migrate.PageSize(7), migrate.Concurrency(1), shortLease())
					if err == nil {
						require.Equal(t, 2, report.Done)
						require.Equal(t, 30, report.Rewritten+report.Current, "%+v", report)
					}
					return err
				}, beforeOrAfter)
		})
	}
}

// TestF111_ReindexIsByDeclaration: the same declaration has nothing to do again, another one has.
func TestF111_ReindexIsByDeclaration(t *testing.T) {
	t.Parallel()
	anew(t, func(t *testing.T) {
		w := newTown(t)
		w.settle(10, oldCitizens())
		w.put(attributes{"PK": vS("by"), "SK": vS("hand"), "n": vN("1")})
		var faults monotabletest.Faults
		client := faults.Client(w.client)
		run := func(schema monotable.Schema[citizen], opts ...migrate.BackfillOption) migrate.Report {
			report, err := migrate.Reindex(t.Context(), w.store(client), w.as(client, schema), append(opts, migrate.Segments(3))...)
			require.NoError(t, err)
			return report
		}
		report := run(todaysCitizens())
		require.Equal(t, []int{10, 0, 3, 3}, []int{report.Rewritten, report.Current, report.Segments, report.Done})
		require.Equal(t, report.Scanned, report.Rewritten+report.Foreign)
		require.Equal(t, "TOWN#c0", vText(w.get(profile("000"))["GSI1PK"]))
		require.Equal(t, attributes{"PK": vS("by"), "SK": vS("hand"), "n": vN("1")}, w.get(attributes{"PK": vS("by"), "SK": vS("hand")}))

		faults.Reset()
		require.Equal(t, report, run(todaysCitizens()))
		require.Len(t, faults.Requests(), 1, "it says so at once")

		again := run(todaysCitizens(), migrate.Restart())
		require.Equal(t, []int{0, 10}, []int{again.Rewritten, again.Current})
		require.Equal(t, 10, run(oldCitizens()).Rewritten)
		require.Equal(t, 10, run(todaysCitizens(), migrate.Named("forward")).Rewritten)
	})
}

func TestF111_ReindexDryRun(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.settle(10, oldCitizens())
	w.put(attributes{"PK": vS("by"), "SK": vS("hand")})
	before := w.dump()
	var faults monotabletest.Faults
	client := faults.Client(w.client)
	report, err := migrate.Reindex(t.Context(), nil, w.as(client, todaysCitizens()), migrate.DryRun(), migrate.Segments(3))
	require.NoError(t, err)
	require.Equal(t, migrate.Report{Scanned: 11, Rewritten: 10, Foreign: 1, Segments: 3, Done: 3}, report)
	report, err = migrate.Reindex(t.Context(), nil, w.as(client, oldCitizens()), migrate.DryRun(), migrate.Segments(3))
	require.NoError(t, err)
	require.Equal(t, migrate.Report{Scanned: 11, Current: 10, Foreign: 1, Segments: 3, Done: 3}, report)
	require.Equal(t, before, w.dump())
	for _, r := range faults.Requests() {
		require.Equal(t, "Scan", r.Operation)
	}
}

// TestF135_ReindexSkipsNothing: items of old names and versions are brought up to date, and those that cannot be read are failures, now and when asked again.
func TestF135_ReindexSkipsNothing(t *testing.T) {
	t.Parallel()
	anew(t, func(t *testing.T) {
		w := newTown(t)
		item := func(id string, more attributes) attributes {
			a := attributes{"PK": vS("CITIZEN#" + id), "SK": vS("PROFILE"), "_et": vS("Citizen"), "id": vS(id), "name": vS("n"), "city": vS("c")}
			for name, av := range more {
				a[name] = av
			}
			return a
		}
		w.put(
			item("older", attributes{"_et": vS("Subject"), "city": vS(""), "town": vS("Bern")}),
			item("newer", attributes{"_sv": vN("7")}),
			item("broken", attributes{"logins": vS("canary")}),
			item("moved", attributes{"id": vS("elsewhere")}),
		)
		schema := todaysCitizens()
		schema.Aliases = []string{"Subject"}
		schema.Upgrades = []monotable.Upgrade{func(item map[string]types.AttributeValue) error {
			if town, ok := item["town"]; ok {
				item["city"] = town
				delete(item, "town")
			}
			return nil
		}}
		table := w.as(w.client, schema)
		run := func(opts ...migrate.BackfillOption) (migrate.Report, error) {
			return migrate.Reindex(t.Context(), w.store(w.client), table, append(opts, migrate.Segments(1))...)
		}
		report, err := run()
		var failed *migrate.FailedError
		require.ErrorAs(t, err, &failed)
		require.ErrorIs(t, err, monotable.ErrNewerSchema)
		require.ErrorIs(t, err, monotable.ErrInvalid)
		var decode *monotable.DecodeError
		require.ErrorAs(t, err, &decode)
		require.NotContains(t, err.Error(), "canary")
		require.Equal(t, report, failed.Report)
		require.Equal(t, []int{1, 3, 1}, []int{report.Rewritten, report.Failed, report.Done})
		var keys []string
		for _, f := range report.Failures {
			keys = append(keys, vText(f.Key["PK"]))
			require.Len(t, f.Key, 2)
			require.Error(t, f.Err)
		}
		require.ElementsMatch(t, []string{"CITIZEN#newer", "CITIZEN#broken", "CITIZEN#moved"}, keys)
		upgraded := w.get(profile("older"))
		require.Equal(t, []string{"Citizen", "Bern", "TOWN#Bern", "1"},
			[]string{vText(upgraded["_et"]), vText(upgraded["city"]), vText(upgraded["GSI1PK"]), vText(upgraded["_sv"])})

		again, err := run()
		require.ErrorAs(t, err, &failed, "the failures are not forgotten")
		require.Equal(t, 3, again.Failed)
		require.Len(t, again.Failures, 3)

		_, err = run(migrate.Restart(), migrate.StopOnError())
		require.Error(t, err)
		require.NotErrorAs(t, err, &failed)
		require.NotContains(t, err.Error(), "canary")

		for _, id := range []string{"newer", "broken", "moved"} {
			w.put(item(id, nil))
		}
		report, err = run(migrate.Restart())
		require.NoError(t, err)
		require.Equal(t, []int{3, 0}, []int{report.Rewritten, report.Failed}, "%+v", report)
	})
}

// TestF111_ReindexExpiredItems: they cannot be rewritten, and soon are no more.
func TestF111_ReindexExpiredItems(t *testing.T) {
	t.Parallel()
	type session struct {
		ID    string    `dynamodbav:"id"`
		User  string    `dynamodbav:"user"`
		Until time.Time `dynamodbav:"until"`
	}
	until := monotable.Field(func(s *session) *time.Time { return &s.Until })
	w := newTown(t)
	noon := time.Unix(1_800_000_000, 0)
	w.cfg.Clock = func() time.Time { return noon }
	table := w.as(w.client)
	_, err := monotable.NewEntity(table, monotable.Schema[session]{
		Name: "Session", Key: monotable.Key{Partition: "SESSION#{id}", Sort: "S"}, Rules: []monotable.Rule[session]{monotable.ExpiresAt(until)},
		Indexes: map[string]monotable.Key{"GSI1": {Partition: "USER#{user}", Sort: "{id}"}},
	})
	require.NoError(t, err)
	item := func(id string, at time.Time) attributes {
		return attributes{"PK": vS("SESSION#" + id), "SK": vS("S"), "_et": vS("Session"), "id": vS(id), "user": vS("u"), "until": vN(fmt.Sprint(at.Unix()))}
	}
	w.put(item("past", noon.Add(-time.Hour)), item("coming", noon.Add(time.Hour)))
	report, err := migrate.Reindex(t.Context(), w.store(w.client), table, migrate.Segments(1))
	require.NoError(t, err)
	require.Equal(t, []int{1, 1, 0}, []int{report.Rewritten, report.Gone, report.Failed}, "%+v", report)
}
