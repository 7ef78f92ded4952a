package main

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

// newCatalogues are those of two processes. The recorder sees what the first one sends.
func newCatalogues(t *testing.T) (here, there *Catalogue, rec *monotabletest.Recorder, clock *monotabletest.Clock) {
	t.Helper()
	client := monotabletest.Client(t)
	rec, clock = new(monotabletest.Recorder), monotabletest.NewClock(time.Unix(1e9, 0))
	name := monotabletest.Name(t)
	here, err := OpenCatalogue(rec.Client(client), name, clock.Now)
	require.NoError(t, err)
	there, err = OpenCatalogue(client, name, clock.Now)
	require.NoError(t, err)
	require.NoError(t, here.table.Ensure(t.Context(), client))
	t.Cleanup(func() { _, _ = client.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: &name}) })
	monotabletest.Seed(t, there.products, Product{SKU: "tea", Shelf: "drinks", Price: 450, Stock: 10}, Product{SKU: "cup", Shelf: "ware", Price: 900, Stock: 3})
	return here, there, rec, clock
}

// Each access pattern takes as many requests as the README says, the first time and after that.
func TestAccessPatterns(t *testing.T) {
	ctx := t.Context()
	c, _, rec, _ := newCatalogues(t)
	for name, row := range map[string]struct {
		first, again int
		read         func() (int, error)
	}{
		"show": {1, 0, func() (int, error) { p, err := c.Show(ctx, "tea"); return p.Price, err }},
		"now":  {1, 1, func() (int, error) { p, err := c.Now(ctx, "tea"); return p.Price, err }},
		"cart": {1, 0, func() (int, error) {
			p, err := c.Cart(ctx, "hat", "cup", "tea")
			require.Len(t, p, 2)
			require.Equal(t, "cup", p[0].SKU)
			return p[1].Price, err
		}},
		"shelf": {1, 1, func() (int, error) {
			p, err := c.Shelf(ctx, "drinks")
			require.Len(t, p, 1)
			return p[0].Price, err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.Reprice(ctx, "tea", 450) // forgets it
			require.NoError(t, err)
			for _, requests := range []int{row.first, row.again} {
				rec.Expect(t, requests, func() {
					price, err := row.read()
					require.NoError(t, err)
					require.Equal(t, 450, price)
				})
			}
		})
	}
	rec.Expect(t, 1, func() {
		_, err := c.Reprice(ctx, "tea", 480)
		require.NoError(t, err)
	})
	tea, err := c.Show(ctx, "tea")
	require.NoError(t, err)
	require.Equal(t, 480, tea.Price)
}

func TestOtherProcesses(t *testing.T) {
	ctx := t.Context()
	here, there, rec, clock := newCatalogues(t)
	shown, err := here.Show(ctx, "tea")
	require.NoError(t, err)
	_, err = there.Reprice(ctx, "tea", 500)
	require.NoError(t, err)
	still, err := here.Show(ctx, "tea")
	require.NoError(t, err)
	require.Equal(t, shown, still, "it cannot know")
	now, err := here.Now(ctx, "tea")
	require.NoError(t, err)
	require.Equal(t, 500, now.Price)

	rec.Expect(t, 1, func() {
		_, err = here.Sell(ctx, shown, 1)
		require.ErrorIs(t, err, monotable.ErrConditionFailed)
	})
	again, err := here.Show(ctx, "tea")
	require.NoError(t, err)
	require.Equal(t, 500, again.Price)

	_, err = there.Reprice(ctx, "tea", 550)
	require.NoError(t, err)
	clock.Advance(10 * time.Second)
	later, err := here.Show(ctx, "tea")
	require.NoError(t, err)
	require.Equal(t, 550, later.Price)
}

// However many sell from two processes, each with what its cache shows, no more is sold than there is.
func TestConcurrentSales(t *testing.T) {
	ctx := t.Context()
	here, there, _, _ := newCatalogues(t)
	var sellers sync.WaitGroup
	sold := make([]int, 8)
	for i := range sold {
		sellers.Go(func() {
			c := []*Catalogue{here, there}[i%2]
			for range 4 {
				shown, err := c.Show(ctx, "tea")
				if err != nil {
					t.Error(err)
				}
				if _, err := c.Sell(ctx, shown, 1); err == nil {
					sold[i]++
				}
			}
		})
	}
	sellers.Wait()
	tea, err := here.Now(ctx, "tea")
	require.NoError(t, err)
	require.Zero(t, tea.Stock)
	total := 0
	for _, n := range sold {
		total += n
	}
	require.Equal(t, 10, total)
}

// Selling less than one would add to the stock.
func TestSellingNothing(t *testing.T) {
	ctx := t.Context()
	c, _, rec, _ := newCatalogues(t)
	shown, err := c.Show(ctx, "tea")
	require.NoError(t, err)
	for _, count := range []int{0, -3} {
		rec.Expect(t, 0, func() {
			_, err := c.Sell(ctx, shown, count)
			require.ErrorIs(t, err, ErrCount)
		})
	}
	now, err := c.Now(ctx, "tea")
	require.NoError(t, err)
	require.Equal(t, 10, now.Stock)
}
