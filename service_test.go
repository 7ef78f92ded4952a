package monotable_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

// The other suites create hundreds of tables in databases of their own, which the service itself does not have. This one makes a single
// table under a name at random and goes once through what the service decides: conditions, versions, guards, batches, transactions,
// pages, indexes. It costs a fraction of a cent.

// TestService runs it where all other tests run.
func TestService(t *testing.T) {
	t.Parallel()
	throughTheService(t, monotabletest.Client(t))
}

// TestServiceOnAWS runs it on DynamoDB itself if MONOTABLE_AWS is set, with the usual variables for credentials and region.
func TestServiceOnAWS(t *testing.T) {
	if os.Getenv("MONOTABLE_AWS") == "" {
		t.Skip("MONOTABLE_AWS is not set")
	}
	throughTheService(t, dynamodb.New(dynamodb.Options{
		Region:      os.Getenv("AWS_REGION"),
		Credentials: credentials.NewStaticCredentialsProvider(os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), os.Getenv("AWS_SESSION_TOKEN")),
	}))
}

func throughTheService(t *testing.T, client *dynamodb.Client) {
	ctx := t.Context()
	cfg := barrelTable()
	cfg.Name, cfg.PartitionKey, cfg.SortKey = monotabletest.Name(t), "PK", "SK"
	table, err := monotable.NewTable(client, cfg)
	require.NoError(t, err)
	barrels := mustEntity(t, table, barrelSchema())
	t.Cleanup(func() {
		over := context.WithoutCancel(ctx)
		_, err := client.DeleteTable(over, &dynamodb.DeleteTableInput{TableName: &cfg.Name})
		require.NoError(t, err, "the table %s is left", cfg.Name)
	})
	require.NoError(t, table.Ensure(ctx, client))
	findings, err := table.Verify(ctx, client)
	require.NoError(t, err)
	require.Empty(t, findings, "the table is as declared")

	key := barrel{Cellar: "a", ID: "000"}
	t.Run("one item", func(t *testing.T) {
		b, err := barrels.Create(ctx, barrel{Cellar: "a", ID: "000", Label: "one", Wine: "red"})
		require.NoError(t, err)
		require.Equal(t, 1, b.Version)
		_, err = barrels.Create(ctx, b)
		require.ErrorIs(t, err, monotable.ErrInvalid, "a version is no new item's")
		b.Version = 0
		_, err = barrels.Create(ctx, b)
		requireError(t, err, monotable.ErrAlreadyExists, monotable.ErrConditionFailed)
		old, ok := barrels.Old(err)
		require.True(t, ok)
		require.Equal(t, "one", old.Label)
		_, err = barrels.Update(ctx, barrel{Cellar: "a", ID: "none"}, barrelWine.Set("white"))
		requireError(t, err, monotable.ErrNotFound, monotable.ErrConditionFailed)
		b, err = barrels.Update(ctx, key, barrelWine.Set("white"), barrelWine.Eq("red"))
		require.NoError(t, err)
		require.Equal(t, 2, b.Version)
		_, err = barrels.Put(ctx, barrel{Cellar: "a", ID: "000", Wine: "red", Version: 1})
		requireError(t, err, monotable.ErrVersionConflict, monotable.ErrConditionFailed)
		b, err = barrels.Modify(ctx, key, func(b *barrel) error { b.Wine = "red"; return nil })
		require.NoError(t, err)
		require.Equal(t, 3, b.Version)
		got, err := barrels.With(monotable.Consistent()).Get(ctx, key)
		require.NoError(t, err)
		require.Equal(t, b, got)
	})
	t.Run("unique values", func(t *testing.T) {
		_, err := barrels.Create(ctx, barrel{Cellar: "a", ID: "001", Label: "one", Wine: "red"})
		require.ErrorIs(t, err, monotable.ErrDuplicate)
		got, err := barrels.GetBy(ctx, barrelLabel.Eq("one"))
		require.NoError(t, err)
		require.Equal(t, "000", got.ID)
	})
	t.Run("transactions", func(t *testing.T) {
		err := table.TransactWrite(ctx, barrels.CreateOp(barrel{Cellar: "b", ID: "1", Wine: "red"}), barrels.CheckOp(key, barrelWine.Eq("white")))
		requireError(t, err, monotable.ErrConditionFailed)
		_, err = barrels.Get(ctx, barrel{Cellar: "b", ID: "1"})
		require.ErrorIs(t, err, monotable.ErrNotFound, "all or nothing")
		counted := barrels.With(monotable.ExactlyOnce())
		b, err := counted.Update(ctx, key, barrelWine.Set("rose"))
		require.NoError(t, err)
		require.Equal(t, 4, b.Version)
	})
	t.Run("batches and pages", func(t *testing.T) {
		cellar := make([]barrel, 60)
		for i := range cellar {
			cellar[i] = barrel{Cellar: "c", ID: fmt.Sprintf("%03d", i), Wine: "red"}
		}
		unchecked := barrels.With(monotable.WithoutVersionCheck())
		// A Put of an entity with unique values is no batch's: one by one, in transactions of twenty.
		for i := 0; i < len(cellar); i += 20 {
			ops := make([]monotable.WriteOp, 0, 20)
			for _, b := range cellar[i : i+20] {
				ops = append(ops, unchecked.CreateOp(b))
			}
			require.NoError(t, table.TransactWrite(ctx, ops...))
		}
		got, err := barrels.With(monotable.Consistent()).BatchGet(ctx, append(cellar, barrel{Cellar: "c", ID: "none"}))
		require.NoError(t, err)
		require.Len(t, got, 61)
		require.Equal(t, monotable.Missing, got[60].State)
		n := 0
		var cursor monotable.Cursor
		for {
			page, err := barrels.Query(barrel{Cellar: "c"}).With(monotable.Consistent()).Limit(7).PageSize(5).From(cursor).Page(ctx)
			require.NoError(t, err)
			for _, b := range page.Items {
				require.Equal(t, fmt.Sprintf("%03d", n), b.ID)
				n++
			}
			if cursor = page.Next; cursor == "" {
				break
			}
		}
		require.Equal(t, 60, n)
	})
	t.Run("an index, which lags", func(t *testing.T) {
		want := 60
		for tries := 0; ; tries++ {
			items, err := barrels.Query(barrel{Wine: "red"}).Index("byWine").Hydrate().Collect(ctx)
			require.NoError(t, err)
			if len(items) == want {
				break
			}
			require.Less(t, tries, 100, "%d of %d items after a while", len(items), want)
			time.Sleep(100 * time.Millisecond)
		}
	})
	t.Run("deleting", func(t *testing.T) {
		old, err := barrels.Delete(ctx, key)
		require.NoError(t, err)
		require.Equal(t, "one", old.Label)
		old, err = barrels.Delete(ctx, key)
		require.NoError(t, err)
		require.Nil(t, old)
		b, err := barrels.Create(ctx, barrel{Cellar: "a", ID: "001", Label: "one", Wine: "red"})
		require.NoError(t, err, "the label is free again")
		require.Equal(t, 1, b.Version)
	})
}
