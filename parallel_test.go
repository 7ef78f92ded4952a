package monotable_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParallelCanceled(t *testing.T) {
	s := openStore(t, shardTable())
	pieces := mustEntity(t, s.Table, shardSchema("Piece"))
	for i := range 10 {
		s.write(rawShard(shard{Box: fmt.Sprint(i), ID: "1", Group: "g", Shade: "s"}, "Piece", "P#1"))
	}
	for range 200 {
		ctx, cancel := context.WithCancel(t.Context())
		var last error
		n := 0
		for _, err := range pieces.Scan().Parallel(2).PageSize(1).All(ctx) {
			last = err
			if err == nil {
				n++
			}
			cancel()
		}
		require.ErrorIs(t, last, context.Canceled, "%d", n)
		cancel()
	}
}

func TestX(t *testing.T) {
	s := openStore(t, shardTable())
	pieces := mustEntity(t, s.Table, shardSchema("Piece"))
	for i := range 10 {
		s.write(rawShard(shard{Box: fmt.Sprint(i), ID: "1", Group: "g", Shade: "s"}, "Piece", "P#1"))
	}
	p, err := pieces.Scan().Segment(0, 2).Limit(1).Page(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, p.Next)
	got, err := pieces.Scan().Parallel(2).From(p.Next).Collect(t.Context())
	t.Log(len(got), err)
	_, err = pieces.Scan().Parallel(2).From(p.Next).Page(t.Context())
	t.Log(err)
	_, err = pieces.Scan().Parallel(2).From(p.Next).Request()
	t.Log(err)
	_, err = pieces.Query(shard{Box: "1"}).Parallel(2).Page(t.Context())
	t.Log(err)
}
