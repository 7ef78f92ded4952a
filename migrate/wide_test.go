package migrate_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/migrate"
	"github.com/monotable/monotable/monotabletest"
)

// Items with more attributes than one expression of DynamoDB compares.

// widen gives a citizen n attributes more, as another program would.
func (w *town) widen(id string, n int) {
	w.t.Helper()
	item := w.get(profile(id))
	for i := range n {
		item[fmt.Sprintf("wide%03d", i)] = vS("x")
	}
	w.put(item)
}

// between runs f once, after the backfill has read items and before it writes them.
func between(faults *monotabletest.Faults, f func()) {
	first := once(f)
	faults.Between(func(r monotabletest.Request) {
		if r.Operation == "Scan" || r.Operation == "Query" {
			first()
		}
	})
}

// Whatever number of attributes an item has: it is rewritten, or refused here, and never by DynamoDB. One with a version is always rewritten.
func TestF113_BackfillOfWideItems(t *testing.T) {
	t.Parallel()
	for name, rules := range map[string][]monotable.Rule[citizen]{"plain": nil, "versioned": {versionedCitizens()}} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t)
			schema := oldCitizens(rules...)
			sizes := []int{100, 120, 130, 135, 140, 141, 142, 143, 144, 145, 146, 147, 148, 149, 150, 160, 300, 500}
			w.settle(len(sizes), schema)
			for i, n := range sizes {
				w.widen(fmt.Sprintf("%03d", i), n)
			}
			run := func(name string, opts ...migrate.BackfillOption) (migrate.Report, error) {
				return migrate.Backfill(t.Context(), w.store(w.client), name, w.as(w.client, schema), shout, append(opts, migrate.KeepFailures(100))...)
			}
			report, err := run("all")
			if rules != nil {
				require.NoError(t, err)
				require.Equal(t, len(sizes), report.Rewritten)
				return
			}
			require.ErrorIs(t, err, migrate.ErrInvalid)
			for _, f := range report.Failures {
				require.ErrorIs(t, f.Err, migrate.ErrInvalid)
			}
			require.Greater(t, report.Rewritten, 2)
			require.GreaterOrEqual(t, report.Failed, 3)

			report, err = run("known", migrate.Reads("name", "logins"))
			require.NoError(t, err)
			require.Equal(t, len(sizes), report.Rewritten+report.Current)
			for i, n := range sizes {
				item := w.get(profile(fmt.Sprintf("%03d", i)))
				require.NotEmpty(t, item["loud"])
				require.NotEmpty(t, item[fmt.Sprintf("wide%03d", n-1)])
			}
		})
	}
}

// As many changes as DynamoDB takes are made, and more are refused here; a version counts first, however many there are.
func TestF113_BackfillOfManyChanges(t *testing.T) {
	t.Parallel()
	for name, rules := range map[string][]monotable.Rule[citizen]{"plain": nil, "versioned": {versionedCitizens()}} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t)
			schema := oldCitizens(rules...)
			w.settle(1, schema)
			e, err := monotable.NewEntity(w.as(w.client), schema)
			require.NoError(t, err)
			done := 0
			for n := 60; n <= 300; n += 20 {
				var faults monotabletest.Faults
				between(&faults, func() {
					_, err := e.Update(t.Context(), citizen{ID: "000"}, monotable.Add(citizenLogins, 1))
					require.NoError(t, err)
				})
				report, err := migrate.Backfill(t.Context(), w.store(w.client), fmt.Sprint(n), w.as(faults.Client(w.client), schema),
					func(_ context.Context, item map[string]types.AttributeValue) (map[string]types.AttributeValue, error) {
						for i := range n {
							item[fmt.Sprintf("New%03d", i)] = vS(fmt.Sprint(n, vText(item["logins"])))
						}
						return item, nil
					}, migrate.Reads("logins"), migrate.Segments(1))
				if err != nil {
					require.ErrorIs(t, err, migrate.ErrInvalid)
					continue
				}
				done = n
				require.Equal(t, 1, report.Overtaken)
				item := w.get(profile("000"))
				require.Equal(t, fmt.Sprint(n, vText(item["logins"])), vText(item[fmt.Sprintf("New%03d", n-1)]))
			}
			require.Equal(t, map[string]int{"plain": 140, "versioned": 280}[name], done)
		})
	}
}

// A wide item with a version is compared by that, and by what changes, for not every program raises it.
func TestF134_WritersOfWideItems(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(w *town, e *monotable.Entity[citizen]){
		"by the version": func(w *town, e *monotable.Entity[citizen]) {
			_, err := e.Update(w.t.Context(), citizen{ID: "000"}, monotable.Add(citizenLogins, 1))
			require.NoError(w.t, err)
		},
		"by what changes": func(w *town, _ *monotable.Entity[citizen]) { w.set(profile("000"), "zz", vS("theirs")) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t)
			schema := oldCitizens(versionedCitizens())
			w.settle(1, schema)
			w.widen("000", 300)
			e, err := monotable.NewEntity(w.as(w.client), schema)
			require.NoError(t, err)
			var faults monotabletest.Faults
			between(&faults, func() { write(w, e) })
			report, err := migrate.Backfill(t.Context(), w.store(w.client), "b", w.as(faults.Client(w.client), schema),
				func(_ context.Context, item map[string]types.AttributeValue) (map[string]types.AttributeValue, error) {
					if item["zz"] == nil {
						item["zz"] = vS("ours" + vText(item["logins"]))
					}
					return item, nil
				}, migrate.Segments(1))
			require.NoError(t, err)
			require.Equal(t, 1, report.Overtaken)
			stored := w.get(profile("000"))
			require.Equal(t, map[string]string{"by the version": "ours1", "by what changes": "theirs"}[name], vText(stored["zz"]))
		})
	}
}

// What is said to be read is what is compared.
func TestReads(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		writes    string
		overtaken int
	}{
		"another attribute": {"extra", 0}, "one that is read": {"name", 1}, "one that is changed": {"loud", 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t)
			w.settle(1, oldCitizens())
			var faults monotabletest.Faults
			between(&faults, func() { w.set(profile("000"), row.writes, vS("theirs")) })
			report, err := migrate.Backfill(t.Context(), w.store(w.client), "b", w.as(faults.Client(w.client), oldCitizens()), shout,
				migrate.Segments(1), migrate.Reads("name", "logins"))
			require.NoError(t, err)
			require.Equal(t, row.overtaken, report.Overtaken)
			stored := w.get(profile("000"))
			require.Equal(t, "!"+vText(stored["name"])+"0", vText(stored["loud"]))
			if row.writes != "loud" {
				require.Equal(t, "theirs", vText(stored[row.writes]))
			}
		})
	}
}

// Reindex rewrites items of any width, by their version or by what their entities declare. Without both, an upgrade of a wide item is refused.
func TestF113_ReindexOfWideItems(t *testing.T) {
	t.Parallel()
	for name, rules := range map[string][]monotable.Rule[citizen]{"plain": nil, "versioned": {versionedCitizens()}} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t)
			sizes := []int{60, 70, 80, 90, 91, 92, 93, 94, 95, 96, 97, 98, 99, 100, 110, 120, 130, 140, 150, 300}
			w.settle(len(sizes), oldCitizens(rules...))
			for i, n := range sizes {
				w.widen(fmt.Sprintf("%03d", i), n)
			}
			var faults monotabletest.Faults
			e, err := monotable.NewEntity(w.as(w.client), oldCitizens(rules...))
			require.NoError(t, err)
			between(&faults, func() { // the widest
				_, err := e.Update(t.Context(), citizen{ID: "019"}, citizenName.Set("new"))
				require.NoError(t, err)
				w.set(profile("019"), "unknown", vS("theirs"))
			})
			report, err := migrate.Reindex(t.Context(), w.store(w.client), w.as(faults.Client(w.client), todaysCitizens(rules...)), migrate.Segments(1))
			require.NoError(t, err)
			require.Equal(t, []int{len(sizes), 1}, []int{report.Rewritten, report.Overtaken})
			for i := range sizes {
				item := w.get(profile(fmt.Sprintf("%03d", i)))
				require.Equal(t, "NAME#"+vText(item["name"])+"#"+vText(item["id"]), vText(item["GSI1SK"]))
			}
			item := w.get(profile("019"))
			require.Equal(t, []string{"new", "theirs"}, []string{vText(item["name"]), vText(item["unknown"])})

			next := oldCitizens(rules...)
			next.Upgrades = []monotable.Upgrade{func(item map[string]types.AttributeValue) error {
				item["upgraded"] = vS("yes")
				return nil
			}}
			report, err = migrate.Reindex(t.Context(), w.store(w.client), w.as(w.client, next), migrate.Segments(1))
			if rules == nil {
				require.ErrorIs(t, err, migrate.ErrInvalid)
				require.Less(t, report.Failed, 6)
				return
			}
			require.NoError(t, err)
			require.Equal(t, len(sizes), report.Rewritten)
		})
	}
}

func TestF113_MoveOfWideItems(t *testing.T) {
	t.Parallel()
	for name, rules := range map[string][]monotable.Rule[purchase]{"plain": nil, "versioned": {monotable.Version(purchaseVersion)}} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t)
			w.buy(1, rules...)
			table, e := w.purchases(w.client, rules...)
			item := w.get(attributes{"PK": vS("USER#ann"), "SK": vS("P#0000")})
			for i := range 300 {
				item[fmt.Sprintf("wide%03d", i)] = vS("x")
			}
			w.put(item)
			report, err := migrate.MovePartition(t.Context(), w.store(w.client), table, vS("USER#ann"), vS("USER#eve"), toEve)
			if rules == nil {
				require.ErrorIs(t, err, migrate.ErrInvalid)
				require.Equal(t, []int{1, 1}, []int{report.Failed, report.Rewritten})
				return
			}
			require.NoError(t, err)
			_, err = e.Get(t.Context(), purchase{User: "eve", Number: 0})
			require.NoError(t, err)
		})
	}
}
