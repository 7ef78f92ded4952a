package monotabletest_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

func TestClock(t *testing.T) {
	t.Parallel()
	var clock monotabletest.Clock
	start := time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)
	require.Equal(t, start, clock.Now())
	require.Equal(t, start, clock.Now(), "it stands still")
	require.Equal(t, start.Add(time.Hour), clock.Advance(time.Hour))
	require.Equal(t, start.Add(time.Hour), clock.Now())
	require.Equal(t, start, clock.Advance(-time.Hour))
	at := time.Date(2026, time.November, 21, 0, 0, 0, 0, time.UTC)
	clock.Set(at)
	require.Equal(t, at, clock.Now())
	require.Equal(t, at, monotabletest.NewClock(at).Now())

	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() { clock.Advance(time.Second) })
	}
	wg.Wait()
	require.Equal(t, at.Add(50*time.Second), clock.Now())
}

// stamped has what a clock and a source of ids give.
type stamped struct {
	ID      string    `dynamodbav:"id"`
	Created time.Time `dynamodbav:"createdAt"`
}

var (
	stampedID      = monotable.Field(func(s *stamped) *string { return &s.ID })
	stampedCreated = monotable.Field(func(s *stamped) *time.Time { return &s.Created })
)

func TestClockAndIDs_InTable(t *testing.T) {
	t.Parallel()
	var clock monotabletest.Clock
	ids := monotabletest.NewIDs("order")
	table := monotabletest.Table(t, monotable.TableConfig{Name: "stamps", PartitionKey: "PK", Clock: clock.Now})
	orders := monotable.MustEntity(table, monotable.Schema[stamped]{
		Name: "Stamped", Key: monotable.Key{Partition: "ORDER#{id}"},
		Rules: []monotable.Rule[stamped]{stampedID.DefaultFunc(func(*stamped) string { return ids.Next() }), monotable.CreatedAt(stampedCreated)},
	})
	clock.Advance(time.Minute)
	got := monotabletest.Seed(t, orders, stamped{}, stamped{})
	at := time.Date(2000, time.January, 1, 0, 1, 0, 0, time.UTC)
	require.Equal(t, []stamped{{"order-0001", at}, {"order-0002", at}}, got)
}

func TestIDs(t *testing.T) {
	t.Parallel()
	var ids monotabletest.IDs
	require.Equal(t, "id-0001", ids.Next())
	require.Equal(t, "id-0002", ids.Next())
	ids.Reset()
	require.Equal(t, "id-0001", ids.Next())
	require.Equal(t, "user-0001", monotabletest.NewIDs("user").Next())

	var mu sync.Mutex
	given := map[string]bool{}
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			id := ids.Next()
			mu.Lock()
			defer mu.Unlock()
			given[id] = true
		})
	}
	wg.Wait()
	require.Len(t, given, 50)
	require.True(t, given[fmt.Sprintf("id-%04d", 51)])
}
