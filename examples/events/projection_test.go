package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/memdb"
	"github.com/monotable/monotable/monotabletest"
	"github.com/monotable/monotable/stream"
)

func newSummaries(t *testing.T, client *dynamodb.Client) *Summaries {
	t.Helper()
	p, err := OpenSummaries(client, monotabletest.Name(t))
	require.NoError(t, err)
	require.NoError(t, p.table.Ensure(t.Context(), client))
	name := p.table.Name()
	t.Cleanup(func() { _, _ = client.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: &name}) })
	return p
}

// accounts are some with all kinds of events.
func accounts(t *testing.T, b *Bank, n int) map[string]Summary {
	t.Helper()
	want := map[string]Summary{}
	for i := range n {
		id, owner := fmt.Sprint("a", i), fmt.Sprint("owner", i%3)
		commands := []Command{Open(owner), Deposit(100 + i)}
		for j := range i {
			commands = append(commands, Deposit(10), Withdraw(j+1))
		}
		if i%2 == 1 {
			commands = append(commands, CashOut)
		}
		var a Account
		var err error
		for j, command := range commands {
			a, err = b.Do(t.Context(), fmt.Sprint(j), id, command)
			require.NoError(t, err)
		}
		want[id] = Summary{Account: id, Owner: owner, Balance: a.Balance, Events: a.N, Closed: a.Closed}
	}
	return want
}

func requireSummaries(t *testing.T, p *Summaries, want map[string]Summary) {
	t.Helper()
	got := map[string]Summary{}
	for s, err := range p.items.With(monotable.Consistent()).Scan().All(t.Context()) {
		require.NoError(t, err)
		got[s.Account] = s
	}
	require.Equal(t, want, got)
}

// Whatever order the events come in, and however often, the summaries are exact.
func TestF137_SummariesAreExact(t *testing.T) {
	ctx, rec := t.Context(), new(monotabletest.Recorder)
	client := rec.Client(monotabletest.Client(t))
	s := storeOn(t, client, client)
	want := accounts(t, &Bank{Store: s, SnapshotEvery: 3}, 6)
	arn, err := stream.ARN(ctx, client, s.table)
	require.NoError(t, err)
	told := monotabletest.StreamRecords(t, monotabletest.Streams(client), arn)

	for seed := range uint64(4) {
		p := newSummaries(t, client)
		router, err := p.Router(s)
		require.NoError(t, err)
		records := monotabletest.RepeatRecords(seed, monotabletest.ReorderRecords(seed, told))
		dice := rand.New(rand.NewPCG(seed, 1))
		dice.Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] }) // each event is an item, so any order is one
		require.Greater(t, len(records), len(told))
		for len(records) > 0 {
			n := min(len(records), 1+dice.IntN(20))
			var batch []stream.Record
			for _, r := range records[:n] {
				batch = append(batch, stream.FromSDK(s.table.Name(), r))
			}
			require.NoError(t, router.Process(ctx, batch))
			records = records[n:]
		}
		requireSummaries(t, p, want)
		rec.Expect(t, 1, func() {
			sums, err := p.Of(ctx, "owner1")
			require.NoError(t, err)
			require.Equal(t, []Summary{want["a1"], want["a4"]}, sums)
		})
		rec.Expect(t, 1, func() {
			sum, err := p.Summary(ctx, "a5")
			require.NoError(t, err)
			require.Equal(t, want["a5"], sum)
		})
	}
}

// The same through pollers that are stopped again and again, on a stream whose pages repeat, mix, split and delay.
func TestF137_SummariesFollowTheStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, engine := t.Context(), memdb.New(memdb.Options{StreamShards: 3})
		client := engine.Client()
		s, err := OpenStore(client, "events", nil)
		require.NoError(t, err)
		require.NoError(t, s.table.Ensure(ctx, client, monotable.Stream(types.StreamViewTypeNewAndOldImages)))
		arn, err := stream.ARN(ctx, client, s.table)
		require.NoError(t, err)
		p, err := OpenSummaries(client, "summaries")
		require.NoError(t, err)
		require.NoError(t, p.table.Ensure(ctx, client))

		want := accounts(t, &Bank{Store: s, SnapshotEvery: 3}, 9)
		var repeated, reordered int
		for i := range uint64(20) {
			faults := monotabletest.NewStreamFaults(engine.StreamsClient(), monotabletest.StreamSeed(i),
				monotabletest.Repeated(0.5), monotabletest.Reordered(0.5), monotabletest.SplitPages(0.7), monotabletest.Delayed(0.2))
			poller, err := p.Poller(s, faults, arn)
			require.NoError(t, err)
			run, stop := context.WithTimeout(ctx, time.Duration(i)*3*time.Second)
			require.NoError(t, poller.Run(run))
			stop()
			repeated += faults.Counts().Repeated
			reordered += faults.Counts().Reordered
		}
		require.Positive(t, repeated)
		require.Positive(t, reordered)
		requireSummaries(t, p, want)
	})
}
