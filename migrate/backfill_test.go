package migrate_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/lease"
	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/migrate"
	"github.com/monotable/monotable/monotabletest"
)

// shout stores the name in capitals of a kind, once: n follows from what is stored, so a lost write shows.
func shout(_ context.Context, item map[string]types.AttributeValue) (map[string]types.AttributeValue, error) {
	item["loud"] = vS("!" + vText(item["name"]) + vText(item["logins"]))
	return item, nil
}

func TestF134_BackfillCrashAtEveryRequest(t *testing.T) {
	t.Parallel()
	for name, rules := range map[string][]monotable.Rule[citizen]{"plain": nil, "versioned": {versionedCitizens()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			schema := oldCitizens(rules...)
			crashEverywhere(t, func(w *town) { w.settle(30, schema) },
				func(ctx context.Context, w *town, client monotable.Client) error {
					_, err := migrate.Backfill(ctx, w.store(client), "shout", w.as(client, schema), shout,
						migrate.Segments(2), migrate.PageSize(7), migrate.Concurrency(1), shortLease())
					return err
				}, beforeOrAfter)
		})
	}
}

func TestF134_BackfillIsDoneOnce(t *testing.T) {
	t.Parallel()
	anew(t, func(t *testing.T) {
		w := newTown(t)
		w.settle(9, oldCitizens(versionedCitizens()))
		var faults monotabletest.Faults
		client := faults.Client(w.client)
		calls := 0
		run := func(opts ...migrate.BackfillOption) migrate.Report {
			report, err := migrate.Backfill(t.Context(), w.store(client), "shout", w.as(client, oldCitizens(versionedCitizens())),
				func(ctx context.Context, item map[string]types.AttributeValue) (map[string]types.AttributeValue, error) {
					calls++
					require.NotEqual(t, lease.Tag, vText(item["_et"]), "records are nobody's items")
					return shout(ctx, item)
				}, append(opts, migrate.Segments(4), migrate.Concurrency(1))...)
			require.NoError(t, err)
			return report
		}
		report := run()
		require.Equal(t, []int{9, 4, 4}, []int{report.Rewritten, report.Segments, report.Done})
		require.Equal(t, report.Scanned, report.Rewritten+report.Foreign)
		stored := w.get(profile("000"))
		require.Equal(t, []string{"2", "!name0000", "x"}, []string{vText(stored["version"]), vText(stored["loud"]), vText(stored["extra"])})

		faults.Reset()
		require.Equal(t, report, run())
		require.Len(t, faults.Requests(), 1)
		require.Equal(t, 9, calls)

		again := run(migrate.Restart())
		require.Equal(t, []int{0, 9}, []int{again.Rewritten, again.Current})
		require.Equal(t, "2", vText(w.get(profile("000"))["version"]), "what does not change is not written")
	})
}

// TestF134_LiveWritersWin: whenever the backfill has read items, another program changes them before they are written.
func TestF134_LiveWritersWin(t *testing.T) {
	t.Parallel()
	for name, rules := range map[string][]monotable.Rule[citizen]{"plain": nil, "versioned": {versionedCitizens()}} {
		t.Run(name, func(t *testing.T) {
			anew(t, func(t *testing.T) {
				const people = 12
				w := newTown(t)
				schema := oldCitizens(rules...)
				w.settle(people, schema)
				e, err := monotable.NewEntity(w.as(w.client), schema)
				require.NoError(t, err)
				var faults monotabletest.Faults
				client := faults.Client(w.client)
				write := once(func() {
					for i := range people {
						id := fmt.Sprintf("%03d", i)
						switch i % 3 {
						case 0:
							_, err := e.Delete(t.Context(), citizen{ID: id})
							require.NoError(t, err)
						default:
							_, err := e.Update(t.Context(), citizen{ID: id}, monotable.Add(citizenLogins, i), citizenName.Set("new"))
							require.NoError(t, err)
						}
						if i%3 == 2 { // by a program that knows nothing
							w.set(profile(id), "unknown", vN(strconv.Itoa(i)))
						}
					}
				})
				faults.Between(func(r monotabletest.Request) {
					if r.Operation == "Scan" {
						write()
					}
				})
				report, err := migrate.Backfill(t.Context(), w.store(w.client), "shout", w.as(client, schema), shout, migrate.Segments(1))
				require.NoError(t, err)
				require.Equal(t, []int{8, 4, 12, 0}, []int{report.Rewritten, report.Gone, report.Overtaken, report.Failed}, "%+v", report)
				all := w.dump()
				require.Len(t, all, 8, "what was deleted does not come back")
				for _, item := range all {
					i, _ := strconv.Atoi(vText(item["id"]))
					require.Equal(t, strconv.Itoa(i), vText(item["logins"]))
					require.Equal(t, "!new"+strconv.Itoa(i), vText(item["loud"]), "made of what is stored")
					if i%3 == 2 {
						require.Equal(t, strconv.Itoa(i), vText(item["unknown"]))
					}
				}
			})
		})
	}
}

// TestF134_WritersOfOtherAttributes: an attribute that another program adds behind the back of the condition survives as well.
func TestF134_WritersOfOtherAttributes(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.settle(4, oldCitizens())
	var faults monotabletest.Faults
	client := faults.Client(w.client)
	write := once(func() {
		for i := range 4 {
			key := profile(fmt.Sprintf("%03d", i))
			w.set(key, "unknown", vN("1"))
			if i == 3 {
				w.set(key, "loud", vS("theirs")) // the very one that the backfill adds
			}
		}
	})
	faults.Between(func(r monotabletest.Request) {
		if r.Operation == "Scan" {
			write()
		}
	})
	_, err := migrate.Backfill(t.Context(), w.store(w.client), "b", w.as(client, oldCitizens()),
		func(ctx context.Context, item map[string]types.AttributeValue) (map[string]types.AttributeValue, error) {
			if item["loud"] != nil {
				return nil, nil
			}
			return shout(ctx, item)
		}, migrate.Segments(1))
	require.NoError(t, err)
	for key, item := range w.dump() {
		require.Equal(t, "1", vText(item["unknown"]), key)
		require.Equal(t, key == "CITIZEN#003 PROFILE", vText(item["loud"]) == "theirs")
	}
}

// TestF134_WritersAllTheTime: programs count while backfills run; nothing that was acknowledged is lost.
func TestF134_WritersAllTheTime(t *testing.T) {
	t.Parallel()
	const people, writers, turns = 20, 6, 40
	for name, rules := range map[string][]monotable.Rule[citizen]{"plain": nil, "versioned": {versionedCitizens()}} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t)
			w.settle(people, oldCitizens(rules...))
			e, err := monotable.NewEntity(w.as(w.client), todaysCitizens(rules...))
			require.NoError(t, err)
			var counted [people]atomic.Int64
			var running sync.WaitGroup
			for writer := range writers {
				running.Go(func() {
					for turn := range turns {
						i := (writer*7 + turn*3) % people
						_, err := e.With(monotable.Attempts(1000)).Modify(t.Context(), citizen{ID: fmt.Sprintf("%03d", i)}, func(c *citizen) error {
							c.Logins++
							return nil
						})
						if err == nil {
							counted[i].Add(1)
						}
					}
				})
			}
			for n := range 3 {
				running.Go(func() {
					table := w.as(w.client, todaysCitizens(rules...))
					_, err := migrate.Backfill(t.Context(), w.store(w.client), "shout", table, shout, migrate.Segments(5), migrate.PageSize(3), migrate.Tries(1000), shortLease())
					require.NoError(t, err)
					_, err = migrate.Reindex(t.Context(), w.store(w.client), table, migrate.Segments(3+n), migrate.PageSize(3), migrate.Tries(1000), shortLease())
					require.NoError(t, err)
				})
			}
			running.Wait()
			for i := range people {
				item := w.get(profile(fmt.Sprintf("%03d", i)))
				require.Equal(t, counted[i].Load(), int64(atoi(vText(item["logins"]))), i)
				require.NotEmpty(t, vText(item["loud"]))
				require.Contains(t, vText(item["GSI1PK"]), "TOWN#")
			}
		})
	}
}

func atoi(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

func TestF134_BackfillShared(t *testing.T) {
	t.Parallel()
	const people, workers, segments = 120, 5, 16
	w := newTown(t)
	w.settle(people, oldCitizens())
	var faults [workers]monotabletest.Faults
	var reports [workers]migrate.Report
	var changes atomic.Int64
	var begun, running sync.WaitGroup
	begun.Add(workers)
	for i := range workers {
		running.Go(func() {
			client := faults[i].Client(w.client)
			begin := once(begun.Done)
			var err error
			reports[i], err = migrate.Backfill(t.Context(), w.store(client), "shout", w.as(client, oldCitizens()),
				func(ctx context.Context, item map[string]types.AttributeValue) (map[string]types.AttributeValue, error) {
					begin()
					begun.Wait() // all of them have a segment at the same time
					changes.Add(1)
					return shout(ctx, item)
				}, migrate.Segments(segments), migrate.PageSize(3), migrate.SegmentTTL(2*time.Second))
			require.NoError(t, err)
		})
	}
	running.Wait()
	require.EqualValues(t, people, changes.Load())
	for i := range workers {
		require.NotEmpty(t, scans(&faults[i]))
		require.Equal(t, []int{people, segments}, []int{reports[i].Rewritten, reports[i].Done}, "each knows of all")
	}
	all := map[string]int{}
	for i := range workers {
		for segment, n := range scans(&faults[i]) {
			all[segment] += n
		}
	}
	require.Len(t, all, segments)
	for segment, n := range all {
		require.Equal(t, 1, n, segment)
	}
}

// TestF134_LostLease: a worker whose requests are held up on the way loses its segment; the other one does it, a live writer follows, and only then its write arrives.
func TestF134_LostLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := townOn(t, memdb.New(memdb.Options{}).Client(), townConfig())
		w.settle(10, oldCitizens())
		const ttl = time.Minute

		var faults, leases monotabletest.Faults
		client := faults.Client(w.client)
		held := make(chan struct{})
		var arrived sync.WaitGroup
		arrived.Add(1)
		var status atomic.Int64
		faults.Script("UpdateItem", nil, nil, nil, func(r *http.Request, do func(*http.Request) (*http.Response, error)) (*http.Response, error) {
			leases.Rate("", 1, monotabletest.Silent()) // from now on it is cut off
			defer arrived.Done()
			<-held
			resp, err := do(r.WithContext(context.WithoutCancel(r.Context())))
			if err == nil {
				status.Store(int64(resp.StatusCode))
			}
			return resp, err
		})
		run := func(store *lease.Store, client monotable.Client) (migrate.Report, error) {
			return migrate.Backfill(t.Context(), store, "shout", w.as(client, oldCitizens()), shout,
				migrate.Segments(1), migrate.Concurrency(1), migrate.SegmentTTL(ttl))
		}
		first := make(chan error)
		go func() {
			_, err := run(w.store(leases.Client(w.client)), client)
			first <- err
		}()
		synctest.Wait()
		report, err := run(w.store(w.client), w.client)
		require.NoError(t, err)
		require.Equal(t, []int{7, 3}, []int{report.Rewritten, report.Current}, "what the first one had done is done")
		for _, item := range w.dump() {
			require.NotEmpty(t, item["loud"])
			w.set(attributes{"PK": item["PK"], "SK": item["SK"]}, "name", vS("live"))
		}
		before := w.dump()
		close(held)
		arrived.Wait()
		require.EqualValues(t, http.StatusBadRequest, status.Load(), "its condition refuses it")
		leases.Reset()
		require.NoError(t, <-first, "it notices, and sees that all is done")
		require.Equal(t, before, w.dump())
	})
}

// TestF134_BackfillLostReplies: the service throttles and fails, and replies are lost; a write that was applied is known again.
func TestF134_BackfillLostReplies(t *testing.T) {
	t.Parallel()
	anew(t, func(t *testing.T) {
		w := newTown(t)
		w.settle(30, oldCitizens(versionedCitizens()))
		var faults monotabletest.Faults
		faults.Rate("", 0.1, monotabletest.ReplyLost())
		faults.Rate("", 0.1, monotabletest.InternalServerError())
		faults.Rate("", 0.1, monotabletest.Throttle("ThrottlingException"))
		client := faults.Client(w.client, hastyClient)
		calls := 0
		report, err := migrate.Backfill(t.Context(), w.store(client), "count", w.as(client, oldCitizens(versionedCitizens())),
			func(_ context.Context, item map[string]types.AttributeValue) (map[string]types.AttributeValue, error) {
				calls++
				item["logins"] = vN(strconv.Itoa(atoi(vText(item["logins"])) + 1)) // not to be done twice
				return item, nil
			}, migrate.Segments(3), migrate.PageSize(10), migrate.Concurrency(1))
		require.NoError(t, err)
		require.Equal(t, []int{30, 0}, []int{report.Rewritten, report.Overtaken})
		require.Equal(t, 30, calls)
		for key, item := range w.dump() {
			require.Equal(t, []string{"1", "2"}, []string{vText(item["logins"]), vText(item["version"])}, key)
		}
	})
}

func TestF134_ThrottledForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := townOn(t, memdb.New(memdb.Options{}).Client(), townConfig())
		w.settle(5, oldCitizens())
		var faults monotabletest.Faults
		client := faults.Client(w.client)
		faults.Rate("UpdateItem", 1, monotabletest.Throttle("ThrottlingException"))
		run := func() (migrate.Report, error) {
			return migrate.Backfill(t.Context(), w.store(w.client), "shout", w.as(client, oldCitizens()), shout, migrate.Segments(2))
		}
		_, err := run()
		require.Error(t, err, "it does not pass")
		require.NotErrorAs(t, err, new(*migrate.FailedError), "which is no item's fault")
		faults.Reset()
		start := time.Now()
		report, err := run()
		require.NoError(t, err)
		require.Equal(t, 5, report.Rewritten)
		require.Less(t, time.Since(start), time.Second, "the segments were given back")
	})
}

func TestBackfillFailures(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.settle(12, oldCitizens())
	run := func(change migrate.Change, opts ...migrate.BackfillOption) (migrate.Report, error) {
		return migrate.Backfill(t.Context(), w.store(w.client), "plans", w.as(w.client, oldCitizens()), change, append(opts, migrate.Segments(2), migrate.KeepFailures(3))...)
	}
	odd := func(_ context.Context, item map[string]types.AttributeValue) (map[string]types.AttributeValue, error) {
		switch i := atoi(vText(item["id"])); {
		case i%2 == 1:
			return nil, fmt.Errorf("%s: %w", vText(item["name"]), errOfProgram)
		case i == 2:
			item["SK"] = vS("OTHER")
		case i == 4:
			delete(item, "PK")
		case i == 6:
			item["GSI1PK"] = vN("1") // which the service refuses
		}
		item["plan"] = vS("free")
		return item, nil
	}
	report, err := run(odd)
	var failed *migrate.FailedError
	require.ErrorAs(t, err, &failed)
	require.Equal(t, "plans", failed.Name)
	require.Regexp(t, `^migrate: plans: 9 of \d+ items failed, one of them: (the program's function failed|invalid|the primary key|ValidationException)`, err.Error())
	require.Equal(t, []int{9, 3, 3}, []int{report.Failed, report.Rewritten, len(report.Failures)}, "%+v", report)
	require.NotContains(t, err.Error(), "name")
	again, err := run(odd)
	require.ErrorAs(t, err, &failed)
	require.Equal(t, 9, again.Failed)
	require.Len(t, again.Failures, 3)

	_, err = run(odd, migrate.Restart(), migrate.StopOnError())
	require.Error(t, err)
	require.NotErrorAs(t, err, &failed)
	require.NotContains(t, err.Error(), "name")

	report, err = run(shout, migrate.Restart())
	require.NoError(t, err)
	require.Equal(t, 12, report.Rewritten)
}

// TestBackfillTwoRounds: a worker of the round before stops when it meets the new one.
func TestBackfillTwoRounds(t *testing.T) {
	t.Parallel()
	anew(t, func(t *testing.T) {
		w := newTown(t)
		w.settle(12, oldCitizens())
		run := func(change migrate.Change, opts ...migrate.BackfillOption) (migrate.Report, error) {
			return migrate.Backfill(t.Context(), w.store(w.client), "rounds", w.as(w.client, oldCitizens()), change,
				append(opts, migrate.Segments(6), migrate.PageSize(1), migrate.Concurrency(1), shortLease())...)
		}
		second := once(func() {
			ctx, cancel := context.WithCancel(t.Context())
			_, err := migrate.Backfill(ctx, w.store(w.client), "rounds", w.as(w.client, oldCitizens()),
				func(ctx context.Context, _ map[string]types.AttributeValue) (map[string]types.AttributeValue, error) {
					cancel()
					return nil, ctx.Err()
				}, migrate.Restart(), migrate.Segments(4), shortLease())
			require.ErrorIs(t, err, context.Canceled)
		})
		_, err := run(func(context.Context, map[string]types.AttributeValue) (map[string]types.AttributeValue, error) {
			second()
			return nil, nil
		})
		require.ErrorIs(t, err, migrate.ErrRestarted)
		report, err := run(shout)
		require.NoError(t, err)
		require.Equal(t, []int{4, 12}, []int{report.Segments, report.Rewritten})
	})
}

func TestBackfillDryRun(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.settle(9, oldCitizens())
	before := w.dump()
	var faults monotabletest.Faults
	client := faults.Client(w.client)
	report, err := migrate.Backfill(t.Context(), nil, "shout", w.as(client, oldCitizens()), shout, migrate.DryRun(), migrate.Segments(2))
	require.NoError(t, err)
	require.Equal(t, migrate.Report{Scanned: 9, Rewritten: 9, Segments: 2, Done: 2}, report)
	require.Equal(t, before, w.dump())
	_, err = migrate.Backfill(t.Context(), nil, "shout", w.as(client, oldCitizens()), shout)
	require.ErrorIs(t, err, migrate.ErrInvalid)
}

// TestBackfillOtherKeys: a table without a sort key, and keys that are numbers and binary, with the records in another table.
func TestBackfillOtherKeys(t *testing.T) {
	t.Parallel()
	for name, keys := range map[string]struct {
		partition, sort types.ScalarAttributeType
		item            func(i int) attributes
	}{
		"number and binary": {types.ScalarAttributeTypeN, types.ScalarAttributeTypeB, func(i int) attributes {
			return attributes{"p": vN(strconv.Itoa(i % 5)), "s": &types.AttributeValueMemberB{Value: []byte{0, byte(i)}}}
		}},
		"number alone": {types.ScalarAttributeTypeN, "", func(i int) attributes { return attributes{"p": vN(strconv.Itoa(-i))} }},
		"binary alone": {types.ScalarAttributeTypeB, "", func(i int) attributes {
			return attributes{"p": &types.AttributeValueMemberB{Value: []byte{byte(i)}}}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := monotable.TableConfig{PartitionKey: "p", PartitionKeyType: keys.partition}
			if keys.sort != "" {
				cfg.SortKey, cfg.SortKeyType = "s", keys.sort
			}
			w := townOn(t, monotabletest.Client(t), cfg)
			_, err := lease.NewStore(w.as(w.client))
			require.ErrorIs(t, err, migrate.ErrInvalid)
			records := monotabletest.TableOn(t, w.client, monotable.TableConfig{Name: "records", PartitionKey: "id"})
			for i := range 20 {
				w.put(keys.item(i))
			}
			run := func(client monotable.Client) (migrate.Report, error) {
				store, err := lease.NewStore(records)
				require.NoError(t, err)
				return migrate.Backfill(t.Context(), store, "b", w.as(client), func(_ context.Context, item map[string]types.AttributeValue) (map[string]types.AttributeValue, error) {
					item["seen"] = vS("yes")
					return item, nil
				}, migrate.Segments(2), migrate.PageSize(3), migrate.Concurrency(1))
			}
			var faults monotabletest.Faults
			faults.StopAt(14)
			_, err = run(faults.Client(w.client))
			require.ErrorIs(t, err, monotabletest.ErrStopped)
			faults.Reset()
			report, err := run(faults.Client(w.client))
			require.NoError(t, err)
			require.Equal(t, 20, report.Rewritten+report.Current)
			require.NotEqual(t, map[string]int{"0": 1, "1": 1}, scans(&faults), "it goes on where it was")
			out, err := w.client.Scan(t.Context(), &dynamodb.ScanInput{TableName: &w.cfg.Name})
			require.NoError(t, err)
			require.Len(t, out.Items, 20)
			for _, item := range out.Items {
				require.Equal(t, "yes", vText(item["seen"]))
			}
		})
	}
}

func TestBackfillEnds(t *testing.T) {
	w := newTown(t)
	w.settle(20, oldCitizens())
	ctx, cancel := context.WithCancel(t.Context())
	calls := 0
	_, err := migrate.Backfill(ctx, w.store(w.client), "b", w.as(w.client, oldCitizens()),
		func(ctx context.Context, item map[string]types.AttributeValue) (map[string]types.AttributeValue, error) {
			if calls++; calls == 5 {
				cancel()
			}
			return shout(ctx, item)
		}, migrate.Segments(1), migrate.Concurrency(1))
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, 5, calls)
	start := time.Now()
	report, err := migrate.Backfill(t.Context(), w.store(w.client), "b", w.as(w.client, oldCitizens()), shout, migrate.Segments(1))
	require.NoError(t, err)
	require.Equal(t, 20, report.Scanned-report.Foreign)
	require.Less(t, time.Since(start), lease.DefaultTTL, "the segment was given back")
}
