package monotable_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/monotable/monotable"
	"github.com/monotable/monotable/monotabletest"
)

// Clients that stand between monotable and the SDK's.

// deafClient drops the options of each call, so that attempts cannot be observed.
type deafClient struct{ monotable.Client }

func (c deafClient) GetItem(ctx context.Context, in *dynamodb.GetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	return c.Client.GetItem(ctx, in)
}

func (c deafClient) PutItem(ctx context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	return c.Client.PutItem(ctx, in)
}

func (c deafClient) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	return c.Client.UpdateItem(ctx, in)
}

func (c deafClient) DeleteItem(ctx context.Context, in *dynamodb.DeleteItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error) {
	return c.Client.DeleteItem(ctx, in)
}

func (c deafClient) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, _ ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	return c.Client.TransactWriteItems(ctx, in)
}

// TestF001_ForeignClients: one that passes everything on is as good as the SDK's; one that drops the refused item costs a look; behind one
// that drops the options own writes under a version are still recognised.
func TestF001_ForeignClients(t *testing.T) {
	t.Parallel()
	for _, client := range []struct {
		name string
		wrap func(monotable.Client) monotable.Client
		gets int // look-ups of a refusal
		deaf bool
	}{
		{"passes everything on", func(c monotable.Client) monotable.Client { return &spyClient{Client: c} }, 0, false},
		{"drops the refused item", func(c monotable.Client) monotable.Client { return &spyClient{Client: c, onError: dropItem} }, 1, false},
		{"drops the options", func(c monotable.Client) monotable.Client { return deafClient{c} }, 0, true},
	} {
		for _, name := range []string{"Create", "Put over the old", "Update of the version in the key", "Update by Add under the version", "Modify", "Delete of the version", "Delete on a condition"} {
			v := verbNamed(t, name)
			for _, row := range []struct {
				script  []string
				outcome string
			}{
				{[]string{"ReplyLost"}, "ok"},
				{[]string{"500"}, "ok"},
				{[]string{"Throttle"}, "ok"},
				{[]string{"ReplyLost", "..."}, "unknown"},
				{[]string{"500", "..."}, "unknown"},
				{[]string{"Throttle", "..."}, "throttled"},
			} {
				t.Run(client.name+"/"+name+"/"+row.script[0], func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						x := &trial{bench: newBench(t, true, v.exists), verb: v, versioned: true, class: v.versioned}
						e, was := mustEntity(t, x.over(client.wrap(x.faulty)), subjectSchema(true)), int64(0)
						if v.exists {
							was = 1
						}
						x.faults.Script(v.operation, faultsOf(t, row.script)...)
						x.got, x.err = v.call(t.Context(), e, was)
						if client.deaf && v.removes && row.script[0] == "ReplyLost" && len(row.script) == 1 {
							// It cannot be seen that the request was sent twice, so the refusal says that it may have been.
							failed, ok := errors.AsType[*monotable.ConditionError](x.err)
							require.True(t, ok, "%v", x.err)
							require.True(t, failed.Ambiguous)
							return
						}
						x.truthful(t)
						require.Equal(t, row.outcome, came(x.err), "%v", x.err)
					})
				})
			}
		}
		t.Run(client.name+"/a real conflict", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, true, true)
				b.otherUpdates()
				e := mustEntity(t, b.over(client.wrap(b.faulty)), subjectSchema(true))
				_, err := e.Update(t.Context(), subject{ID: subjectID, Version: 1}, subjectN.Set(1))
				requireError(t, err, monotable.ErrVersionConflict, monotable.ErrConditionFailed)
				reads, _ := b.writes("GetItem")
				require.Len(t, reads, client.gets)
			})
		})
	}
}

// TestF001_BlindClient: the item that refused was dropped, and the look at what is there fails. After a lost reply nobody knows.
func TestF001_BlindClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, true, true)
		e := mustEntity(t, b.over(&blindClient{spyClient{Client: b.faulty, onError: dropItem}}), subjectSchema(true))
		b.faults.Script("UpdateItem", monotabletest.ReplyLost())
		_, err := e.Update(t.Context(), subject{ID: subjectID, Version: 1}, subjectN.Set(1))
		require.Equal(t, 1, b.subjectNow().N)
		requireError(t, err, monotable.ErrOutcomeUnknown)
		_, ok := errors.AsType[*monotable.OutcomeError](err)
		require.True(t, ok)
		require.ErrorAs(t, err, new(*types.ConditionalCheckFailedException))
	})
}
